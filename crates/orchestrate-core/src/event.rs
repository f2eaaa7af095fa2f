//! Events: the past facts of a run, as its journal holds them.
//!
//! These types *are* the wire form of a journal: they change only by adding optional members or new
//! kinds, and a change of meaning changes [`SEMANTICS`](crate::SEMANTICS). Contents such as prompts
//! and documents are not in events; events hold their digests.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::{
    Timestamp,
    approval::{ApprovalDecision, ApprovalRequest},
    budget::{Cap, Limits, Relief},
    failure::{Billed, Failure},
    ids::{CallId, Digest, RunId, StepPath},
    lanes::SlowCause,
    money::Money,
    policy::RetryPolicy,
    price::Price,
    request::{Endpoint, Identity, ModelRef},
    review::{Asked, Judged, Stop},
    usage::Usage,
};

/// An event with its place in the journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Recorded {
    /// Counts events of a run from 1.
    pub seq: u64,
    /// When it was decided.
    pub at: Timestamp,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

/// A past fact of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Event {
    /// A process opened the journal for writing.
    SessionOpened {
        /// Counts the openings from 1.
        epoch: u64,
        /// Program and version.
        program: String,
    },
    /// The run exists.
    RunCreated(Box<RunCreated>),
    /// The run was made from another one.
    RunForked(Box<RunForked>),
    /// The first step may begin.
    RunStarted,
    /// A call was evaluated: persona, prompt, model, bound. Never evaluated again.
    CallPrepared {
        /// The call.
        call: CallId,
        /// What it came to.
        prepared: Box<PreparedCall>,
    },
    /// An attempt is about to be sent; its worst case is reserved.
    CallIntent {
        /// The call.
        call: CallId,
        /// Counts a call's attempts from 1, over resumes.
        attempt: u32,
        /// Tokens reserved.
        reserved: u64,
        /// Money reserved, where the price is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reserved_cost: Option<Money>,
    },
    /// An attempt brought a good answer.
    CallSucceeded {
        /// The call.
        call: CallId,
        /// The attempt.
        attempt: u32,
        /// What it brought.
        answer: Answered,
    },
    /// A good answer with the same identity was already paid for.
    CallReused {
        /// The call.
        call: CallId,
        /// Where the answer comes from.
        origin: ReuseOrigin,
        /// What it is.
        answer: Answered,
    },
    /// An attempt failed and nothing usable came.
    CallFailed {
        /// The call.
        call: CallId,
        /// The attempt.
        attempt: u32,
        /// Why.
        failure: Failure,
        /// Whether it was charged.
        billed: Billed,
        /// What the provider reported, where it did.
        usage: Option<Usage>,
        /// Digest of what text had arrived.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        partial: Option<Digest>,
    },
    /// An attempt was answered, but the answer is truncated, refused, empty, or does not fit its schema.
    OutputRejected {
        /// The call.
        call: CallId,
        /// The attempt.
        attempt: u32,
        /// Why.
        failure: Failure,
        /// Digest of what text there was.
        partial: Option<Digest>,
        /// What it used up.
        usage: Option<Usage>,
    },
    /// An attempt was in flight when its process or its connection ended: nobody knows its outcome.
    CallUnknown {
        /// The call.
        call: CallId,
        /// The attempt.
        attempt: u32,
        /// What ended it.
        cause: LossCause,
        /// What was seen of it, where its process lived on.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        failure: Option<Failure>,
        /// Digest of what text had arrived.
        partial: Option<Digest>,
    },
    /// A failed attempt will be repeated.
    RetryScheduled {
        /// The call.
        call: CallId,
        /// Not before this.
        due: Timestamp,
        /// Whether it counts against the run's budget of retries.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        counted: bool,
    },
    /// A call is given to the next model of its chain.
    ModelFellBack {
        /// The call.
        call: CallId,
        /// The model that did not answer.
        from: ModelRef,
        /// The model that is asked in its place.
        to: ModelRef,
        /// Why.
        failure: Failure,
    },
    /// The budget does not cover a call, which is evaluated anew so that it takes less.
    CallDegraded {
        /// The call.
        call: CallId,
        /// What is done.
        relief: Relief,
        /// The cap that does not cover it.
        cap: Cap,
        /// The model that is asked from here on, where that is another one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        model: Option<ModelRef>,
    },
    /// Less is sent to a model from here on, or nothing for a while.
    LaneSlowed {
        /// The model.
        model: ModelRef,
        /// Why.
        cause: SlowCause,
        /// Calls at a time from here on.
        at_a_time: u32,
        /// Nothing is sent before this.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<Timestamp>,
    },
    /// A step is finished and its dependents may rely on it.
    StepSucceeded {
        /// The step.
        step: StepPath,
        /// Where the deliverable comes from.
        source: StepSource,
        /// Digest of the deliverable's text, without its brief.
        deliverable: Digest,
        /// Digest of the brief's JSON.
        brief: Option<Digest>,
        /// Digest of the output's JSON, where the step has one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        output: Option<Digest>,
    },
    /// A review came to its end.
    ReviewEnded {
        /// The step.
        step: StepPath,
        /// Why.
        stop: Stop,
        /// Rounds that it took.
        rounds: u16,
    },
    /// The list of a fan-out was found. Never evaluated again.
    ItemsFound {
        /// The fan-out.
        step: StepPath,
        /// How many items there are.
        count: usize,
        /// Digest of the list's JSON.
        list: Digest,
    },
    /// The steps of a group may begin: what the group needs is there and its condition holds.
    GroupOpened {
        /// The group.
        step: StepPath,
        /// Digest of the JSON of the inputs of the workflow that it calls, where it calls one. Never evaluated
        /// again.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        inputs: Option<Digest>,
    },
    /// A step is not run. Never evaluated again, unless it is withdrawn.
    StepSkipped {
        /// The step.
        step: StepPath,
        /// Why.
        reason: SkipReason,
    },
    /// A step that failed gets another chance.
    StepReopened {
        /// The step.
        step: StepPath,
    },
    /// A step that ran, or was skipped, because of a failure is decided anew: what failed is tried again.
    StepWithdrawn {
        /// The step.
        step: StepPath,
    },
    /// A step cannot be finished.
    StepFailed {
        /// The step.
        step: StepPath,
        /// Why.
        failure: Failure,
        /// Whether the run goes on without it.
        optional: bool,
    },
    /// A step asks a person. From here on it waits, whoever runs the run.
    ApprovalRequested {
        /// The step.
        step: StepPath,
        /// What is asked.
        request: ApprovalRequest,
    },
    /// A person decided.
    ApprovalDecided {
        /// The step.
        step: StepPath,
        /// What was decided, by whom.
        decision: Box<ApprovalDecision>,
    },
    /// Nobody decided in time.
    ApprovalExpired {
        /// The step.
        step: StepPath,
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
    /// The run stopped, to be resumed.
    RunPaused {
        /// Why.
        reason: PauseReason,
    },
    /// The run goes on.
    RunResumed {
        /// The caps that hold from here on.
        limits: Limits,
    },
    /// All steps are finished, optional ones aside.
    RunSucceeded,
    /// A step that the run cannot do without failed, or a cap was reached.
    RunFailed {
        /// Why.
        reason: RunFailure,
    },
}

impl Event {
    /// The step instance that the event speaks of; none where it is about the whole run.
    pub fn step(&self) -> Option<&StepPath> {
        match self {
            Self::CallPrepared { call, .. }
            | Self::CallIntent { call, .. }
            | Self::CallSucceeded { call, .. }
            | Self::CallReused { call, .. }
            | Self::CallFailed { call, .. }
            | Self::OutputRejected { call, .. }
            | Self::CallUnknown { call, .. }
            | Self::RetryScheduled { call, .. }
            | Self::ModelFellBack { call, .. }
            | Self::CallDegraded { call, .. } => Some(&call.step),
            Self::StepSucceeded { step, .. }
            | Self::ItemsFound { step, .. }
            | Self::GroupOpened { step, .. }
            | Self::StepSkipped { step, .. }
            | Self::StepReopened { step }
            | Self::StepWithdrawn { step }
            | Self::StepFailed { step, .. }
            | Self::ReviewEnded { step, .. }
            | Self::ApprovalRequested { step, .. }
            | Self::ApprovalDecided { step, .. }
            | Self::ApprovalExpired { step } => Some(step),
            Self::SessionOpened { .. }
            | Self::RunCreated(_)
            | Self::RunForked(_)
            | Self::RunStarted
            | Self::LaneSlowed { .. }
            | Self::ArtifactWritten { .. }
            | Self::RunPaused { .. }
            | Self::RunResumed { .. }
            | Self::RunSucceeded
            | Self::RunFailed { .. } => None,
        }
    }

    /// The event's kind, as the journal's `type` member spells it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::SessionOpened { .. } => "session_opened",
            Self::RunCreated(_) => "run_created",
            Self::RunForked(_) => "run_forked",
            Self::RunStarted => "run_started",
            Self::CallPrepared { .. } => "call_prepared",
            Self::CallIntent { .. } => "call_intent",
            Self::CallSucceeded { .. } => "call_succeeded",
            Self::CallReused { .. } => "call_reused",
            Self::CallFailed { .. } => "call_failed",
            Self::OutputRejected { .. } => "output_rejected",
            Self::CallUnknown { .. } => "call_unknown",
            Self::RetryScheduled { .. } => "retry_scheduled",
            Self::ModelFellBack { .. } => "model_fell_back",
            Self::CallDegraded { .. } => "call_degraded",
            Self::LaneSlowed { .. } => "lane_slowed",
            Self::StepSucceeded { .. } => "step_succeeded",
            Self::ReviewEnded { .. } => "review_ended",
            Self::ItemsFound { .. } => "items_found",
            Self::GroupOpened { .. } => "group_opened",
            Self::StepSkipped { .. } => "step_skipped",
            Self::StepReopened { .. } => "step_reopened",
            Self::StepWithdrawn { .. } => "step_withdrawn",
            Self::StepFailed { .. } => "step_failed",
            Self::ApprovalRequested { .. } => "approval_requested",
            Self::ApprovalDecided { .. } => "approval_decided",
            Self::ApprovalExpired { .. } => "approval_expired",
            Self::ArtifactWritten { .. } => "artifact_written",
            Self::RunPaused { .. } => "run_paused",
            Self::RunResumed { .. } => "run_resumed",
            Self::RunSucceeded => "run_succeeded",
            Self::RunFailed { .. } => "run_failed",
        }
    }
}

/// Everything that a run is pinned to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunCreated {
    /// The run.
    pub run: RunId,
    /// The meaning of its events, [`SEMANTICS`](crate::SEMANTICS).
    pub semantics: u32,
    /// The workflow's name.
    pub workflow: String,
    /// The name or absolute path that finds the workflow's file again.
    pub workflow_source: String,
    /// Digest of the plan's JSON.
    pub plan: Digest,
    /// Digest of the inputs' JSON.
    pub inputs: Digest,
    /// The task's first line, for lists.
    pub task: String,
    /// Digest of each persona's JSON, by name.
    pub personas: IndexMap<String, Digest>,
    /// Where calls go by default.
    pub endpoint: Endpoint,
    /// Where calls of other providers go, by provider.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub endpoints: IndexMap<String, Endpoint>,
    /// The model where a step names none.
    pub model: ModelRef,
    /// The models of the steps that name another one.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub models: IndexMap<StepPath, ModelRef>,
    /// The models that are asked, one after the other, where the default one cannot be had.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fallbacks: Vec<ModelRef>,
    /// The same for the steps that name another model.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub step_fallbacks: IndexMap<StepPath, Vec<ModelRef>>,
    /// The model that is asked where the budget does not cover a dearer one, and the workflow wants that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cheaper: Option<ModelRef>,
    /// The model that the command line asked for, for every step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model_flag: Option<String>,
    /// True where no model is called and every artefact has to say so.
    pub offline: bool,
    /// The folder of the cassette that answers in the place of models, as an absolute path. Every artefact
    /// has to say so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replay: Option<String>,
    /// Calls at a time, at most.
    pub concurrency: u32,
    /// Calls at a time that each model starts with, where nobody said how many go at a time. Where somebody
    /// did, that many go from the start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_first: Option<u32>,
    /// Caps for the whole run.
    pub limits: Limits,
    /// When attempts are repeated.
    pub retry: RetryPolicy,
    /// Whether answers of earlier runs are refused: for all steps, or for those named.
    #[serde(default)]
    pub fresh: Freshness,
    /// The folder that deliverables are written to, as an absolute path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
    /// How the personas were chosen, where the run was asked for without a workflow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selection: Option<PersonaSelection>,
}

/// How the personas of a run were chosen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PersonaSelection {
    /// The personas, the best first.
    pub selected: Vec<SelectedPersona>,
    /// Who or what chose them.
    pub by: SelectedBy,
    /// The best of those that were not chosen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runner_up: Option<NotSelected>,
    /// Names of personas that the task rules out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refused: Vec<String>,
    /// What else a reader should know of the choice, a sentence each, such as a title that two personas share.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// The run in which a model chose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chosen_in: Option<RunId>,
}

/// Who or what chose personas.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SelectedBy {
    /// The user named them.
    User,
    /// The task names them.
    Task,
    /// They fit the terms of the task best.
    Terms,
    /// A model, from a list.
    Model,
}

/// A persona that was chosen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SelectedPersona {
    /// Its name.
    pub name: String,
    /// How well it fits, where that was weighed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<f64>,
    /// The words of the task that speak for it, the heaviest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub terms: Vec<String>,
}

/// The best persona that was not chosen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NotSelected {
    /// Its name.
    pub name: String,
    /// How far its score lies behind the first.
    pub behind: f64,
    /// The words of the task for which the first has more to say, the heaviest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lacks: Vec<String>,
}

/// Where a run comes from that was made from another one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunForked {
    /// The other run.
    pub from: RunId,
    /// The step that is to be redone, where one was named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<StepPath>,
    /// Digest of the remark that step gets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remark: Option<Digest>,
    /// Digest of that step's deliverable in the other run, which it gets beside the remark.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub earlier: Option<Digest>,
    /// What had been redone in the other run and those before it, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub before: Vec<Reworked>,
}

/// A step that was redone, and what it got for that.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reworked {
    /// The step; none where the whole workflow was run again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<StepPath>,
    /// Digest of the remark.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remark: Option<Digest>,
    /// Digest of the deliverable that the remark speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub earlier: Option<Digest>,
}

impl RunForked {
    /// Everything that was redone on the way to this run, oldest first.
    pub fn reworks(&self) -> Vec<Reworked> {
        let own = Reworked { step: self.step.clone(), remark: self.remark, earlier: self.earlier };
        self.before.iter().cloned().chain([own]).collect()
    }
}

/// Which steps refuse answers of earlier runs.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Freshness {
    /// None: every good answer is used.
    #[default]
    Reuse,
    /// All.
    All,
    /// These.
    Steps(Vec<StepPath>),
}

impl Freshness {
    /// Whether `step` refuses answers of earlier runs: it is named, or the fan-out or group that it is part of.
    pub fn refuses(&self, step: &StepPath) -> bool {
        match self {
            Self::Reuse => false,
            Self::All => true,
            Self::Steps(steps) => {
                let own = step.step();
                let is_in = |group: &StepPath| {
                    let rest = own.as_str().strip_prefix(group.as_str());
                    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
                };
                steps.iter().any(|named| named == step || is_in(named))
            }
        }
    }
}

/// What preparing a call came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PreparedCall {
    /// The persona that answers.
    pub persona: String,
    /// Why this persona, where there was a choice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub choice: Option<String>,
    /// The model that is asked.
    pub model: ModelRef,
    /// What makes this call this call.
    pub identity: Identity,
    /// Digest of the stored request.
    pub request: Digest,
    /// Tokens it may use at worst, prompt and answer.
    pub reserved: u64,
    /// What it may cost at worst, where the price is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reserved_cost: Option<Money>,
    /// The price of the model's tokens when it was prepared; none where it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<Price>,
    /// In which form each need arrived, and what else a reader of the prompt should know.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// What a verdict is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub review: Option<Box<Asked>>,
    /// What the budget has made of it already.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub degraded: Vec<Relief>,
    /// What would still make it take less, of what the workflow wants tried.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reliefs: Vec<Relief>,
    /// Digest of what its prompt has in common with others, where it pays to let one call go first that puts
    /// it into the provider's cache.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warm_first: Option<Digest>,
}

/// A good answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Answered {
    /// Digest of the whole answer as it came.
    pub raw: Digest,
    /// Digest of the document without its brief; where a value was asked for, of the value as Markdown.
    pub deliverable: Digest,
    /// Digest of the brief's JSON, where the answer held one.
    pub brief: Option<Digest>,
    /// Digest of the value's JSON, where one was asked for under a schema; it fits the schema.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<Digest>,
    /// What a verdict says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub judged: Option<Box<Judged>>,
    /// The model that the provider says has answered.
    pub served_model: Option<String>,
    /// What it used up.
    pub usage: Usage,
    /// How long it took, in milliseconds.
    pub millis: u64,
}

/// Where a reused answer comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReuseOrigin {
    /// The run that paid for it.
    pub run: RunId,
    /// The call in that run.
    pub call: CallId,
    /// When it was answered.
    pub at: Timestamp,
}

/// Where a step's deliverable comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepSource {
    /// A call of this run.
    Call,
    /// An answer that was already paid for.
    Reuse,
    /// A template.
    Render,
    /// A person's yes.
    Approval,
    /// The documents of a fan-out's items, or of a group's last steps, one after the other.
    Joined,
}

/// Why a step is not run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SkipReason {
    /// Its condition is false.
    Condition,
    /// This step, which it needs, was skipped.
    Need(StepPath),
    /// None of the steps that it needs succeeded.
    NoneSucceeded,
}

/// What ended an attempt whose outcome nobody knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LossCause {
    /// The process that made it ended.
    ProcessEnded,
    /// A person ended it.
    Cancelled,
    /// The connection broke or timed out after the request was sent.
    Connection,
}

/// Why a run stopped, to be resumed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PauseReason {
    /// A person or the system asked it to stop.
    Interrupted,
    /// Nothing can go on before a person has decided, and nobody is there.
    AwaitingApproval,
    /// Nobody knows whether a call was answered, and the workflow wants a person to decide whether it is
    /// made again. To resume the run is to say yes.
    CallUnknown,
    /// The disk that holds the journal is full.
    DiskFull,
}

/// Why a run failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunFailure {
    /// This step failed and is not optional.
    Step(StepPath),
    /// A cap was reached.
    Budget(Cap),
}
