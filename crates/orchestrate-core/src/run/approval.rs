//! Approvals within a run: steps that ask a person, and what follows from the answer.

use std::{
    cmp::Reverse,
    collections::{BTreeSet, BinaryHeap},
};

use super::{
    exchange::{Asked, Effect},
    machine::{Phase, Run},
    step::{IllegalEvent, StepStatus},
};
use crate::{
    Timestamp,
    approval::{ApprovalDecision, ApprovalRequest},
    event::{Event, RunFailure, StepSource},
    failure::{Failure, FailureClass},
    flow::When,
    ids::{Digest, Purpose, StepPath},
    neutral,
};

/// What one step asks, and what came of it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ApprovalState {
    pub(super) request: ApprovalRequest,
    /// What was decided; none while it is asked, and where it expired.
    pub(super) decision: Option<ApprovalDecision>,
}

/// What a run knows of its approvals as a whole.
#[derive(Debug, Clone, Default)]
pub(super) struct Approvals {
    /// Steps that wait for a person.
    pub(super) asking: BTreeSet<usize>,
    /// Whether somebody can be asked while the run goes on. Rebuilt with every session.
    pub(super) attended: bool,
    /// When requests expire; may hold steps that have moved on.
    pub(super) expiries: BinaryHeap<Reverse<(Timestamp, usize)>>,
}

impl Run {
    /// What an instance asks a person, while nobody has answered.
    pub fn asked(&self, instance: usize) -> Option<&ApprovalRequest> {
        let instance = &self.instances[instance];
        let approval = instance.approval.as_ref()?;
        let asks = instance.status == StepStatus::Asking && !instance.dropped;
        asks.then_some(&approval.request)
    }

    /// Instances that wait for a person.
    pub fn asking(&self) -> impl Iterator<Item = usize> {
        self.approvals.asking.iter().copied()
    }

    /// Whether any step waits for a person.
    pub fn awaits_approval(&self) -> bool {
        !self.approvals.asking.is_empty()
    }

    /// Whether somebody is there who may still decide something that this run waits for.
    pub(super) fn waits_for_person(&self) -> bool {
        self.approvals.attended && self.asking().any(|step| self.may_start(step))
    }

    /// The question of a step was evaluated.
    pub(super) fn ask(&mut self, step: usize, asked: Asked) -> Result<(), IllegalEvent> {
        let Asked { question, subject, expires_ms, decision } = asked;
        let expires_at =
            expires_ms.map(|millis| self.now.after(std::time::Duration::from_millis(millis)));
        let request = ApprovalRequest { question, subject, expires_at };
        let id = self.instances[step].path.clone();
        self.record(Event::ApprovalRequested { step: id.clone(), request })?;
        let Some(decision) = decision else {
            self.put_question(step);
            return Ok(());
        };
        self.record(Event::ApprovalDecided { step: id, decision })?;
        self.conclude_approval(step)
    }

    /// Has a person asked, and watches the time.
    pub(super) fn put_question(&mut self, step: usize) {
        let Some(approval) = &self.instances[step].approval else { return };
        let request = approval.request.clone();
        if let Some(at) = request.expires_at {
            self.approvals.expiries.push(Reverse((at, step)));
        }
        if self.may_start(step) {
            let step = self.instances[step].path.clone();
            self.decisions.effects.push(Effect::AskPerson { step, request });
        }
    }

    /// A person decided. What is not asked any more, or not in this form, stays undecided.
    pub(super) fn decided(
        &mut self,
        step: &StepPath,
        subject: Digest,
        decision: Box<ApprovalDecision>,
    ) -> Result<(), IllegalEvent> {
        let Some(position) = self.instance(step) else { return Ok(()) };
        let Some(request) = self.asked(position).filter(|asked| asked.subject == subject) else {
            return Ok(());
        };
        if request.expires_at.is_some_and(|at| at <= self.now) {
            return self.expire(position);
        }
        self.record(Event::ApprovalDecided { step: step.clone(), decision })?;
        self.conclude_approval(position)
    }

    /// Ends every request whose time is over.
    pub(super) fn expire_due(&mut self, now: Timestamp) -> Result<(), IllegalEvent> {
        while let Some(&Reverse((at, step))) = self.approvals.expiries.peek() {
            if at > now {
                break;
            }
            self.approvals.expiries.pop();
            self.touches += 1;
            if self.asked(step).is_some_and(|request| request.expires_at == Some(at)) {
                self.expire(step)?;
            }
        }
        Ok(())
    }

    fn expire(&mut self, step: usize) -> Result<(), IllegalEvent> {
        self.record(Event::ApprovalExpired { step: self.instances[step].path.clone() })?;
        self.conclude_approval(step)
    }

    /// The earliest time at which a request expires.
    pub(super) fn next_expiry(&self) -> Option<Timestamp> {
        self.approvals.expiries.peek().map(|&Reverse((at, _))| at)
    }

    /// What is decided, or has expired, is the end of the step. A no at rest is the end of the run as well:
    /// no process would be there to find that out. Where other steps are there for that, it stands as
    /// decided, and what follows is left to the resume.
    pub(super) fn conclude_approval(&mut self, step: usize) -> Result<(), IllegalEvent> {
        let instance = &self.instances[step];
        if instance.draft.is_some() {
            return self.judged_by_person(step);
        }
        let Some(approval) = &instance.approval else { return Ok(()) };
        let failure = match &approval.decision {
            Some(ApprovalDecision { approved: true, answer: Some(answer), .. }) => {
                let event = Event::StepSucceeded {
                    step: instance.path.clone(),
                    source: StepSource::Approval,
                    deliverable: answer.deliverable,
                    brief: Some(answer.brief),
                    output: None,
                };
                return self.record(event);
            }
            Some(decision) => refused(&decision.by, decision.note.as_deref()),
            None => expired(),
        };
        let path = instance.path.clone();
        let ends_run =
            matches!(self.phase, Phase::Idle | Phase::Paused) && !self.is_tolerated(step);
        if ends_run && (instance.parent.is_some() || self.has_aftermath(instance.position)) {
            return Ok(());
        }
        self.give_up(step, Purpose::Draft, failure)?;
        if ends_run {
            return self.record(Event::RunFailed { reason: RunFailure::Step(path) });
        }
        Ok(())
    }

    /// Whether a step would run because the one at `position` failed.
    fn has_aftermath(&self, position: usize) -> bool {
        let mut seen = BTreeSet::new();
        let mut work = vec![position];
        while let Some(at) = work.pop() {
            for &dependent in self.plan.dependents(at) {
                if self.plan.steps()[dependent].flow.when != When::All {
                    return true;
                }
                if seen.insert(dependent) {
                    work.push(dependent);
                }
            }
        }
        false
    }
}

/// The failure of a step to which a person said no.
pub(super) fn refused(by: &str, note: Option<&str>) -> Failure {
    let by = neutral::one_line(by);
    let message = match note {
        Some(note) => format!("{by} said no: {}", neutral::excerpt(note, 400)),
        None => format!("{by} said no"),
    };
    Failure::new(FailureClass::NotApproved, message).help(
        "`rerun` with a remark has the work done again; `resume` asks again about what is there",
    )
}

fn expired() -> Failure {
    Failure::new(FailureClass::ApprovalExpired, "nobody decided in time")
        .help("`resume` asks again")
}
