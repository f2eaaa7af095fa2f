//! What goes into the machine and what comes out of it.

use crate::{
    Timestamp,
    approval::{ApprovalDecision, ApprovalRequest},
    budget::Limits,
    event::{
        Answered, Event, LossCause, PauseReason, PreparedCall, ReuseOrigin, RunCreated, RunFailure,
        RunForked, SkipReason,
    },
    failure::{Billed, Failure},
    ids::{CallId, Digest, StepPath},
    lanes::ServerLimits,
    usage::Usage,
};

/// News from outside.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// The run shall exist.
    Create {
        /// What it is pinned to.
        created: Box<RunCreated>,
        /// Where it comes from, if it was made from another run.
        forked: Option<Box<RunForked>>,
    },
    /// A process has opened the journal for writing; what was in flight before is lost.
    Opened {
        /// Counts the openings from 1.
        epoch: u64,
        /// Program and version.
        program: String,
    },
    /// The run shall go on: for the first time, after a pause, a failure or a crash.
    Resume {
        /// New caps, where the person gave some.
        limits: Option<Limits>,
    },
    /// A call was evaluated, as [`Effect::Prepare`] asked.
    Prepared {
        /// The call.
        call: CallId,
        /// What it came to.
        prepared: Prepared,
    },
    /// An attempt is over, as [`Effect::StartAttempt`] asked.
    AttemptEnded {
        /// The call.
        call: CallId,
        /// The attempt.
        attempt: u32,
        /// How it ended.
        outcome: AttemptOutcome,
    },
    /// The server of an attempt in flight said this of its limits.
    LimitsHeard {
        /// The call.
        call: CallId,
        /// What it said.
        limits: ServerLimits,
    },
    /// A file was written to the output folder.
    ArtifactWritten {
        /// The step it belongs to; none for a document of the whole run.
        step: Option<StepPath>,
        /// The path below the output folder.
        path: String,
        /// Digest of its bytes.
        digest: Digest,
    },
    /// A person decided what [`Effect::AskPerson`] asked, in whatever way they were reached.
    Decide {
        /// The step.
        step: StepPath,
        /// What the decision is about; about anything else it does not count.
        subject: Digest,
        /// What was decided.
        decision: Box<ApprovalDecision>,
    },
    /// Whether somebody can be asked while the run goes on. Nobody is there until this is said.
    Attended(bool),
    /// Start nothing new and let what is in flight finish.
    Interrupt,
    /// As [`Interrupt`](Self::Interrupt): what begins now could not be recorded any more.
    DiskFull,
    /// Count everything in flight as lost and stop; the driver has ended it.
    Abort,
    /// Time has passed, as [`Effect::WakeAt`] asked.
    Tick,
}

/// What evaluating a call came to.
#[derive(Debug, Clone, PartialEq)]
pub enum Prepared {
    /// A model is asked, or was already.
    Call {
        /// What is asked.
        call: Box<PreparedCall>,
        /// A good answer with the same identity that was already paid for.
        reuse: Option<Box<(ReuseOrigin, Answered)>>,
    },
    /// No model is needed: this is the deliverable.
    Value(Digest),
    /// It is a fan-out over this list.
    Items {
        /// How many items there are.
        count: usize,
        /// Digest of the list's JSON.
        list: Digest,
    },
    /// It is a group whose steps may begin.
    Group {
        /// The inputs of the workflow that it calls, where it calls one.
        inputs: Option<Digest>,
    },
    /// The document of a fan-out or group whose parts are at their end.
    Joined {
        /// The documents of its parts, one after the other.
        deliverable: Digest,
        /// The briefs of its parts in one.
        brief: Option<Digest>,
        /// The list of the values of a fan-out's items, where they have values.
        output: Option<Digest>,
    },
    /// It is not run.
    Skipped(SkipReason),
    /// Its document is not reviewed: the review's condition does not hold.
    NotReviewed,
    /// A person is to decide.
    Ask(Box<Asked>),
    /// It cannot be done.
    Invalid(Failure),
}

/// What a person is to decide, as it was evaluated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Digest of the question's text.
    pub question: Digest,
    /// What exactly is approved.
    pub subject: Digest,
    /// How long there is time, in milliseconds.
    pub expires_ms: Option<u64>,
    /// The decision of an earlier run on the same subject.
    pub decision: Option<Box<ApprovalDecision>>,
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq)]
pub enum AttemptOutcome {
    /// With a good answer.
    Good(Answered),
    /// With an answer that is truncated, refused or empty, or does not fit its schema.
    Rejected {
        /// Why.
        failure: Failure,
        /// Digest of what text there was.
        partial: Option<Digest>,
        /// What it used up, where the provider said.
        usage: Option<Usage>,
    },
    /// Without an answer.
    Failed {
        /// Why.
        failure: Failure,
        /// Whether it was charged.
        billed: Billed,
        /// What it used up, where the provider said.
        usage: Option<Usage>,
        /// How long the provider asks to wait, in milliseconds.
        retry_after_ms: Option<u64>,
        /// Digest of what text had arrived.
        partial: Option<Digest>,
    },
    /// Nobody knows: the connection broke or timed out after the request was sent.
    Lost {
        /// What was seen.
        failure: Failure,
        /// What ended it.
        cause: LossCause,
        /// Digest of what text had arrived.
        partial: Option<Digest>,
    },
}

/// An order to the driver, to be carried out only after the events decided with it are durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Evaluate this call and answer with [`Input::Prepared`].
    Prepare {
        /// The call.
        call: CallId,
    },
    /// Send this request and answer with [`Input::AttemptEnded`].
    StartAttempt {
        /// The call.
        call: CallId,
        /// The attempt.
        attempt: u32,
        /// Digest of the stored request.
        request: Digest,
    },
    /// Ask a person, where there is one, and answer with [`Input::Decide`].
    AskPerson {
        /// The step.
        step: StepPath,
        /// What is asked.
        request: ApprovalRequest,
    },
    /// Answer with [`Input::Tick`] at this time; replaces an earlier wish.
    WakeAt(Timestamp),
    /// The run has come to rest.
    Finish(Outcome),
}

/// How a run came to rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// All steps are finished, optional ones aside.
    Succeeded,
    /// It cannot go on without a person.
    Failed(RunFailure),
    /// It was stopped and can be resumed.
    Paused(PauseReason),
}

impl Outcome {
    /// Whether a step failed that the run cannot do without.
    pub(super) fn is_failed_step(&self) -> bool {
        matches!(self, Self::Failed(RunFailure::Step(_)))
    }

    /// Whether a run that is stopping for this reason stops for `other` from here on, by the order in which
    /// exit codes win: what ends the process ends what is there for failures too, and so does a cap.
    pub(super) fn gives_way_to(&self, other: &Self) -> bool {
        let rank = |outcome: &Self| match outcome {
            Self::Paused(PauseReason::DiskFull) => 3,
            Self::Paused(PauseReason::Interrupted) => 2,
            Self::Failed(RunFailure::Budget(_)) => 1,
            Self::Failed(RunFailure::Step(_))
            | Self::Paused(PauseReason::AwaitingApproval | PauseReason::CallUnknown)
            | Self::Succeeded => 0,
        };
        rank(other) > rank(self)
    }
}

/// Everything decided in one go: first record the events, then carry out the effects.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Decisions {
    /// What to record, in order.
    pub events: Vec<Event>,
    /// What to do after that.
    pub effects: Vec<Effect>,
}
