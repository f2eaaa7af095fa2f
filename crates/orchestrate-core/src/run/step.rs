//! A step's state and the table that says which event may follow which.

use super::{
    items::Children,
    needs::{Ending, NeedCount},
};
use crate::{
    Timestamp,
    event::{Answered, Event, PreparedCall, StepSource},
    ids::{CallId, Digest, Purpose, StepPath},
};

/// Where a step instance stands. It follows from the journal alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepStatus {
    /// A need is not finished, or has failed for good.
    Blocked,
    /// All needs have come to an end with which it can begin; nothing was evaluated yet.
    Ready,
    /// A fan-out or a group whose items or steps are under way.
    Open,
    /// Its call is evaluated and was not sent yet.
    Prepared,
    /// An attempt is in flight.
    Calling,
    /// An attempt ended without a good answer, and nothing was decided yet.
    Ended,
    /// The next attempt waits for its time.
    RetryWait,
    /// A good draft is recorded; its brief is still to be asked for.
    Answered,
    /// Finished.
    Succeeded,
    /// Given up.
    Failed,
    /// Not run, and never will be.
    Skipped,
}

impl StepStatus {
    /// Whether the step has an evaluated call that is to be sent, for the first time or again.
    pub(super) fn awaits_sending(self) -> bool {
        matches!(self, Self::Prepared | Self::Ended | Self::RetryWait)
    }
}

/// An event that cannot follow what the journal says before it: damage, or a defect of this program.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IllegalEvent {
    /// The event speaks of a step that the plan does not have.
    #[error("event `{event}` speaks of step `{step}`, which the plan does not have")]
    UnknownStep {
        /// The kind of event.
        event: &'static str,
        /// The step.
        step: StepPath,
    },
    /// The step is not in a state in which this can happen.
    #[error("event `{event}` cannot happen to step `{step}`, which is {status:?}")]
    Step {
        /// The kind of event.
        event: &'static str,
        /// The step.
        step: StepPath,
        /// Where it stands.
        status: StepStatus,
    },
    /// Nothing is in flight, nothing can begin, and steps are left.
    #[error("nothing can happen any more, and {0} steps are not finished")]
    Stuck(usize),
    /// The run is not in a state in which this can happen.
    #[error("event `{event}` cannot happen to a run that is {phase}")]
    Run {
        /// The kind of event.
        event: &'static str,
        /// Where the run stands.
        phase: &'static str,
    },
}

/// What can happen to a step, stripped to what the table needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Happening {
    NeedsMet,
    Prepared,
    Intent,
    Succeeded,
    Reused,
    EndedBadly,
    RetryScheduled,
    StepSucceeded,
    StepFailed,
    StepSkipped,
    Opened,
    Reopened,
    /// Reopened, and it has items or steps of its own.
    ReopenedInside,
    Withdrawn,
}

/// The table: every pair that is not named is illegal, `None`.
///
/// A step may succeed from `Ready` when it is rendered without a model, from `Open` when its items or steps
/// have, and from `Prepared`, `Ended`
/// and `RetryWait` when its draft is good and only the brief was given up.
pub(super) fn next(status: StepStatus, happening: Happening) -> Option<StepStatus> {
    use Happening as H;
    use StepStatus as S;
    match (status, happening) {
        (S::Blocked, H::NeedsMet) | (S::Failed, H::Reopened) => Some(S::Ready),
        // Evaluated again: a cap was set that the request must know of.
        (S::Ready | S::Answered | S::Prepared | S::Ended | S::RetryWait, H::Prepared) => {
            Some(S::Prepared)
        }
        (S::Prepared | S::Ended | S::RetryWait, H::Intent) => Some(S::Calling),
        (S::Prepared | S::Ended | S::RetryWait, H::Reused) | (S::Calling, H::Succeeded) => {
            Some(S::Answered)
        }
        (S::Calling, H::EndedBadly) => Some(S::Ended),
        (S::Ended, H::RetryScheduled) => Some(S::RetryWait),
        (
            S::Ready | S::Answered | S::Prepared | S::Ended | S::RetryWait | S::Open,
            H::StepSucceeded,
        ) => Some(S::Succeeded),
        (S::Ready | S::Prepared | S::Ended | S::RetryWait | S::Open, H::StepFailed) => {
            Some(S::Failed)
        }
        (S::Ready, H::StepSkipped) => Some(S::Skipped),
        (S::Ready, H::Opened) | (S::Failed, H::ReopenedInside) => Some(S::Open),
        // What it rested on is undone: nothing is in flight when that happens.
        (
            S::Ready
            | S::Open
            | S::Prepared
            | S::Ended
            | S::RetryWait
            | S::Answered
            | S::Succeeded
            | S::Failed
            | S::Skipped,
            H::Withdrawn,
        ) => Some(S::Blocked),
        _ => None,
    }
}

/// Which step an event is about and what it means for it; `None` for events about the whole run.
pub(super) fn happening(event: &Event) -> Option<(&StepPath, Happening)> {
    Some(match event {
        Event::CallPrepared { call, .. } => (&call.step, Happening::Prepared),
        Event::CallIntent { call, .. } => (&call.step, Happening::Intent),
        Event::CallSucceeded { call, .. } => (&call.step, Happening::Succeeded),
        Event::CallReused { call, .. } => (&call.step, Happening::Reused),
        Event::CallFailed { call, .. }
        | Event::OutputRejected { call, .. }
        | Event::CallUnknown { call, .. } => (&call.step, Happening::EndedBadly),
        Event::RetryScheduled { call, .. } => (&call.step, Happening::RetryScheduled),
        Event::StepSucceeded { step, .. } => (step, Happening::StepSucceeded),
        Event::StepFailed { step, .. } => (step, Happening::StepFailed),
        Event::StepSkipped { step, .. } => (step, Happening::StepSkipped),
        Event::ItemsFound { step, .. } | Event::GroupOpened { step } => (step, Happening::Opened),
        Event::StepReopened { step } => (step, Happening::Reopened),
        Event::StepWithdrawn { step } => (step, Happening::Withdrawn),
        Event::SessionOpened { .. }
        | Event::RunCreated(_)
        | Event::RunForked(_)
        | Event::RunStarted
        | Event::ArtifactWritten { .. }
        | Event::RunPaused { .. }
        | Event::RunResumed { .. }
        | Event::RunSucceeded
        | Event::RunFailed { .. } => return None,
    })
}

/// Everything the machine knows of one step instance.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Instance {
    pub(super) status: StepStatus,
    /// The step of the plan.
    pub(super) position: usize,
    /// The path of this instance.
    pub(super) path: StepPath,
    /// The group or fan-out that it is a part of.
    pub(super) parent: Option<usize>,
    /// Its place in the list, where it is an item.
    pub(super) item: Option<usize>,
    /// What became of its needs.
    pub(super) needs: NeedCount,
    /// How it came to its end, once it has. A blocked step that can never begin has failed.
    pub(super) ending: Option<Ending>,
    /// Whether a failure stands behind it: it may begin although the run is failing.
    pub(super) aftermath: bool,
    /// Whether its condition holds, or it has none.
    pub(super) admitted: bool,
    /// Whether it was part of something that was withdrawn.
    pub(super) dropped: bool,
    /// Its items or steps, once it is open.
    pub(super) children: Option<Box<Children>>,
    /// Counts how often the step was decided, from 1: the number of its calls.
    pub(super) number: u16,
    /// What the current call is for.
    pub(super) purpose: Purpose,
    /// What the call that was evaluated last is for.
    pub(super) purpose_prepared: Option<Purpose>,
    /// The current call, once evaluated.
    pub(super) call: Option<Box<PreparedCall>>,
    /// Attempts of the current call, over resumes.
    pub(super) attempts: u32,
    /// Attempts of the current call that failed since the run was last resumed.
    pub(super) failed: u16,
    /// Tokens reserved for the attempt in flight.
    pub(super) reserved: u64,
    /// When a waiting attempt is due.
    pub(super) due: Timestamp,
    /// The good draft, once there is one.
    pub(super) draft: Option<(StepSource, Answered)>,
    /// The deliverable, once the step is finished.
    pub(super) deliverable: Option<Digest>,
    /// The brief, once the step is finished.
    pub(super) brief: Option<Digest>,
}

impl Instance {
    /// An instance of the step at `position` that waits for this many needs.
    pub(super) fn new(position: usize, path: StepPath, needs: usize) -> Self {
        Self {
            status: if needs == 0 { StepStatus::Ready } else { StepStatus::Blocked },
            position,
            path,
            parent: None,
            item: None,
            needs: NeedCount { open: needs, ..NeedCount::default() },
            ending: None,
            aftermath: false,
            admitted: false,
            dropped: false,
            children: None,
            number: 1,
            purpose: Purpose::Draft,
            purpose_prepared: None,
            call: None,
            attempts: 0,
            failed: 0,
            reserved: 0,
            due: Timestamp(0),
            draft: None,
            deliverable: None,
            brief: None,
        }
    }

    /// The same as a part of the group or fan-out at `parent`.
    #[must_use]
    pub(super) fn part_of(mut self, parent: usize, item: Option<usize>, number: u16) -> Self {
        self.parent = Some(parent);
        self.item = item;
        self.number = number;
        self
    }

    /// The call the step is at, or the one it makes next.
    pub(super) fn call_id(&self) -> CallId {
        CallId { step: self.path.clone(), purpose: self.purpose, number: self.number }
    }

    /// Forgets everything that was made, so that the step is decided anew, under new call ids.
    pub(super) fn withdraw(&mut self) {
        let needs = std::mem::take(&mut self.needs);
        let fresh = Self::new(self.position, self.path.clone(), needs.open);
        let (parent, item, number) = (self.parent, self.item, self.number.saturating_add(1));
        *self = Self { parent, item, number, needs, aftermath: self.aftermath, ..fresh };
    }
}
