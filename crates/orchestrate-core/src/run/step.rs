//! A step's state and the table that says which event may follow which.

use super::approval::ApprovalState;
use crate::{
    Timestamp,
    budget::Reservation,
    event::{Answered, Event, PreparedCall, StepSource},
    ids::{CallId, Digest, Purpose, StepPath},
    price::Price,
};

/// Where a step instance stands. It follows from the journal alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepStatus {
    /// A need is not finished.
    Blocked,
    /// All needs are finished; nothing was evaluated yet.
    Ready,
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
    /// A person is asked.
    Asking,
    /// A person decided, or the time is over; what follows is not recorded yet.
    Decided,
    /// Finished.
    Succeeded,
    /// Given up.
    Failed,
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
    Reopened,
    Asked,
    PersonDecided,
}

/// The table: every pair that is not named is illegal, `None`.
///
/// A step may succeed from `Ready` when it is rendered without a model, and from `Prepared`, `Ended`
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
        (S::Ready, H::Asked) => Some(S::Asking),
        (S::Asking, H::PersonDecided) => Some(S::Decided),
        (S::Calling, H::EndedBadly) => Some(S::Ended),
        (S::Ended, H::RetryScheduled) => Some(S::RetryWait),
        (
            S::Ready | S::Answered | S::Prepared | S::Ended | S::RetryWait | S::Decided,
            H::StepSucceeded,
        ) => Some(S::Succeeded),
        (S::Ready | S::Prepared | S::Ended | S::RetryWait | S::Decided, H::StepFailed) => {
            Some(S::Failed)
        }
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
        Event::ApprovalRequested { step, .. } => (step, Happening::Asked),
        Event::ApprovalDecided { step, .. } | Event::ApprovalExpired { step } => {
            (step, Happening::PersonDecided)
        }
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

/// Everything the machine knows of one step.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Instance {
    pub(super) status: StepStatus,
    /// Needs that are not finished.
    pub(super) unmet: usize,
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
    /// What is reserved for the attempt in flight.
    pub(super) reserved: Reservation,
    /// When a waiting attempt is due.
    pub(super) due: Timestamp,
    /// The good draft, once there is one.
    pub(super) draft: Option<(StepSource, Answered)>,
    /// The deliverable, once the step is finished.
    pub(super) deliverable: Option<Digest>,
    /// The brief, once the step is finished.
    pub(super) brief: Option<Digest>,
    /// Whether the step failed and is optional.
    pub(super) gave_up: bool,
    /// What a person is asked, once the question is evaluated.
    pub(super) approval: Option<Box<ApprovalState>>,
}

impl Instance {
    pub(super) fn new(unmet: usize) -> Self {
        Self {
            status: if unmet == 0 { StepStatus::Ready } else { StepStatus::Blocked },
            unmet,
            purpose: Purpose::Draft,
            purpose_prepared: None,
            call: None,
            attempts: 0,
            failed: 0,
            reserved: Reservation::default(),
            due: Timestamp(0),
            draft: None,
            deliverable: None,
            brief: None,
            gave_up: false,
            approval: None,
        }
    }

    /// The price of the current call's tokens, where it is known.
    pub(super) fn price(&self) -> Option<&Price> {
        self.call.as_ref().and_then(|call| call.price.as_ref())
    }

    /// The call the step is at, or the one it makes next.
    pub(super) fn call_id(&self, step: &StepPath) -> CallId {
        CallId::first(step.clone(), self.purpose)
    }
}
