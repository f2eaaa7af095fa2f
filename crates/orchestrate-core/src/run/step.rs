//! A step's state and the table that says which event may follow which.

use crate::{event::Event, ids::StepPath};

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
    /// A person is asked.
    Asking,
    /// A person decided, or the time is over; what follows is not recorded yet.
    Decided,
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
    FellBack,
    ReviewEnded,
    StepSucceeded,
    StepFailed,
    StepSkipped,
    Opened,
    Reopened,
    /// Reopened, and it has items or steps of its own.
    ReopenedInside,
    /// Reopened, and it has a good draft.
    Continued,
    Withdrawn,
    Asked,
    PersonDecided,
    PersonJudged,
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
        // A person in a review is asked about a document that is there; what follows is the review's.
        // A failed step with a good draft goes on from there: what failed was made of it.
        (S::Prepared | S::Ended | S::RetryWait, H::Reused)
        | (S::Calling, H::Succeeded)
        | (S::Asking, H::PersonJudged)
        | (S::Answered, H::ReviewEnded)
        | (S::Failed, H::Continued) => Some(S::Answered),
        (S::Ready | S::Answered, H::Asked) => Some(S::Asking),
        (S::Asking, H::PersonDecided) => Some(S::Decided),
        // A call that falls back is evaluated for another model before anything else becomes of it.
        (S::Calling, H::EndedBadly) | (S::Prepared | S::Ended | S::RetryWait, H::FellBack) => {
            Some(S::Ended)
        }
        (S::Ended, H::RetryScheduled) => Some(S::RetryWait),
        (
            S::Ready | S::Answered | S::Prepared | S::Ended | S::RetryWait | S::Open | S::Decided,
            H::StepSucceeded,
        ) => Some(S::Succeeded),
        (
            S::Ready | S::Answered | S::Prepared | S::Ended | S::RetryWait | S::Open | S::Decided,
            H::StepFailed,
        ) => Some(S::Failed),
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
            | S::Asking
            | S::Decided
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
        Event::ModelFellBack { call, .. } | Event::CallDegraded { call, .. } => {
            (&call.step, Happening::FellBack)
        }
        Event::StepSucceeded { step, .. } => (step, Happening::StepSucceeded),
        Event::ReviewEnded { step, .. } => (step, Happening::ReviewEnded),
        Event::StepFailed { step, .. } => (step, Happening::StepFailed),
        Event::StepSkipped { step, .. } => (step, Happening::StepSkipped),
        Event::ItemsFound { step, .. } | Event::GroupOpened { step, .. } => {
            (step, Happening::Opened)
        }
        Event::StepReopened { step } => (step, Happening::Reopened),
        Event::StepWithdrawn { step } => (step, Happening::Withdrawn),
        Event::ApprovalRequested { step, .. } => (step, Happening::Asked),
        Event::ApprovalDecided { step, .. } | Event::ApprovalExpired { step } => {
            (step, Happening::PersonDecided)
        }
        Event::SessionOpened { .. }
        | Event::RunCreated(_)
        | Event::RunForked(_)
        | Event::RunStarted
        | Event::LaneSlowed { .. }
        | Event::ArtifactWritten { .. }
        | Event::RunPaused { .. }
        | Event::RunResumed { .. }
        | Event::RunSucceeded
        | Event::RunFailed { .. } => return None,
    })
}
