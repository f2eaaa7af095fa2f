//! Deciding on an approval from outside: at rest the decision is recorded here, otherwise it goes to the
//! process that owns the run.

use std::{path::PathBuf, sync::Arc, thread, time::Duration};

use orchestrate_core::{
    event::Event,
    ids::{Digest, RunId, StepPath},
    run::{IllegalEvent, Input, Run},
    suggest,
    summary::StepState,
};

use super::{RunRecord, open::PROGRAM};
use crate::{
    approvals::{Dropped, GivenDecision, Inbox, decided},
    clock,
    home::Home,
    store::{Journal, RunLock, StoreError},
};

/// How long the owner of a run is waited for, and how often it is looked.
const LOOKS: u32 = 40;
const BETWEEN_LOOKS: Duration = Duration::from_millis(50);

/// Where a decision ended up.
#[derive(Debug)]
pub enum Approved {
    /// It is recorded; nobody runs the run.
    Recorded(Box<RunRecord>),
    /// The process that runs the run has taken it in.
    TakenIn,
    /// It lies in the run's inbox, and the process that runs the run has not looked yet.
    Waiting,
}

/// A decision that cannot be taken down.
#[derive(Debug, thiserror::Error)]
pub enum ApproveError {
    /// The run has no such step.
    #[error("the run has no step `{step}`")]
    UnknownStep {
        /// What was given.
        step: StepPath,
        /// What to do.
        help: Option<String>,
    },
    /// The step does not wait for a person.
    #[error("step `{step}` does not wait for a person: it {state}")]
    NotAsking {
        /// The step.
        step: StepPath,
        /// Where it stands.
        state: &'static str,
        /// The steps that do.
        asking: Vec<StepPath>,
    },
    /// The time was over.
    #[error("the approval of step `{0}` has expired; the decision does not count")]
    Expired(StepPath),
    /// The journal.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The machine refused: a defect of this program.
    #[error("deciding failed; this is a defect of orchestrate, please report it")]
    Illegal(#[from] IllegalEvent),
}

/// Records a decision on the approval that `step` of run `id` waits for.
pub fn approve(
    home: &Home,
    id: &RunId,
    step: &StepPath,
    given: &GivenDecision,
) -> Result<Approved, ApproveError> {
    let folder = home.run(id);
    let record = RunRecord::read(&folder)?;
    let subject = asked(&record, step)?;
    let mut file: Option<PathBuf> = None;
    for look in 0..LOOKS {
        let lock = match RunLock::take(&folder) {
            Ok(lock) => Some(lock),
            Err(StoreError::InUse { .. }) => None,
            Err(error) => return Err(error.into()),
        };
        match (&file, lock) {
            // Its owner may have come to rest since, with this very decision.
            (Some(path), _) if !path.exists() => return taken_in(home, id, step, subject, given),
            (path, Some(lock)) => {
                // Nobody reads the inbox now; what is recorded here must not be taken in again.
                if let Some(path) = path {
                    crate::approvals::remove(path);
                }
                return record_at_rest(home, id, step, given, lock);
            }
            (None, None) => {
                let dropped = Dropped { step: step.clone(), subject, given: given.clone() };
                file = Some(Inbox::of(&folder).put(&dropped)?);
            }
            (Some(_), None) => {}
        }
        if look + 1 < LOOKS {
            thread::sleep(BETWEEN_LOOKS);
        }
    }
    Ok(Approved::Waiting)
}

/// What became of a decision that the run's owner has taken from the inbox: another one may have come first,
/// or the time was over.
fn taken_in(
    home: &Home,
    id: &RunId,
    step: &StepPath,
    subject: Digest,
    given: &GivenDecision,
) -> Result<Approved, ApproveError> {
    let record = RunRecord::read(&home.run(id))?;
    let told = record.summary.step(step).and_then(|step| step.approval.as_ref());
    let told = told.filter(|told| told.request.subject == subject);
    match told.map(|told| told.decision.as_ref()) {
        Some(Some((known, _)))
            if (known.approved, &known.note) == (given.approved, &given.note) =>
        {
            Ok(Approved::TakenIn)
        }
        Some(None) => Err(ApproveError::Expired(step.clone())),
        Some(Some(_)) | None => Err(ApproveError::NotAsking {
            step: step.clone(),
            state: "was decided otherwise in the meantime",
            asking: record.summary.awaiting_approval().map(|step| step.step.clone()).collect(),
        }),
    }
}

/// What the step asks, where it waits for a person.
fn asked(record: &RunRecord, step: &StepPath) -> Result<Digest, ApproveError> {
    let summary = record.summary.step(step).ok_or_else(|| {
        let known = record.plan.steps().iter().map(|step| step.id.as_str());
        ApproveError::UnknownStep {
            step: step.clone(),
            help: suggest::advice(step.as_str(), known),
        }
    })?;
    match (&summary.approval, summary.state) {
        (Some(approval), StepState::AwaitingApproval) => Ok(approval.request.subject),
        (approval, state) => Err(ApproveError::NotAsking {
            step: step.clone(),
            state: match state {
                _ if approval.is_none() && state != StepState::Waiting => "asks nobody",
                StepState::Waiting => "has not begun",
                StepState::Succeeded => "is approved already",
                StepState::Failed => "has failed",
                StepState::Skipped => "was skipped",
                _ if approval.as_ref().is_some_and(|told| told.decision.is_some()) => {
                    "is decided already"
                }
                StepState::Running | StepState::Retrying | StepState::AwaitingApproval => {
                    "is under way"
                }
            },
            asking: record.summary.awaiting_approval().map(|step| step.step.clone()).collect(),
        }),
    }
}

fn record_at_rest(
    home: &Home,
    id: &RunId,
    step: &StepPath,
    given: &GivenDecision,
    lock: RunLock,
) -> Result<Approved, ApproveError> {
    let folder = home.run(id);
    let (mut journal, contents) = Journal::open(&folder)?;
    // It may have been decided since it was looked at.
    let record = RunRecord::of(contents)?;
    let subject = asked(&record, step)?;
    let mut run = Run::replay(
        Arc::clone(&record.plan),
        record.events.iter().map(|recorded| (recorded.at, &recorded.event)),
    )
    .map_err(|source| StoreError::Contradiction { path: folder.join("journal.db"), source })?;
    let question = record
        .summary
        .step(step)
        .and_then(|step| step.approval.as_ref())
        .map(|approval| record.blobs.text(&approval.request.question))
        .transpose()?
        .unwrap_or_default();
    let (decision, blobs) = decided(given.clone(), &question);
    let now = clock::now();
    run.handle(now, Input::Opened { epoch: record.next_epoch(), program: PROGRAM.into() })?;
    let decision = Box::new(decision);
    run.handle(now, Input::Decide { step: step.clone(), subject, decision })?;
    let events = run.poll_to_quiescence(now)?.events;
    let expired = events.iter().any(|event| matches!(event, Event::ApprovalExpired { .. }));
    journal.commit(now, events, &blobs)?;
    // The journal is closed before the lock is given up.
    drop(journal);
    drop(lock);
    if expired {
        return Err(ApproveError::Expired(step.clone()));
    }
    Ok(Approved::Recorded(Box::new(RunRecord::read(&folder)?)))
}
