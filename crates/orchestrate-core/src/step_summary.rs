//! What a run summary says of one step, or of one instance of it.

use serde::Serialize;

use crate::{
    Timestamp,
    approval::{ApprovalDecision, ApprovalRequest},
    budget::{Relief, Reservation},
    event::{Answered, LossCause, PreparedCall, StepSource},
    failure::Failure,
    ids::{CallId, Digest, RunId, StepPath},
    instances::ItemCounts,
    money::Money,
    request::ModelRef,
    review::{Asked, ReviewLog},
    usage::Usage,
};

/// Where a step stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StepState {
    /// Not begun.
    Waiting,
    /// A call is evaluated or in flight.
    Running,
    /// The next attempt waits for its time.
    Retrying,
    /// A person is asked.
    AwaitingApproval,
    /// Finished.
    Succeeded,
    /// Given up.
    Failed,
    /// Not run.
    Skipped,
}

/// Everything there is to say of a step, contents aside.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StepSummary {
    /// The step.
    pub step: StepPath,
    /// The persona that works in it, once it is known.
    pub persona: Option<String>,
    /// Why this persona, where there was a choice.
    pub choice: Option<String>,
    /// The model that was asked.
    pub model: Option<ModelRef>,
    /// The model that the provider says has answered.
    pub served_model: Option<String>,
    /// Where it stands.
    pub state: StepState,
    /// Whether the run goes on without it.
    pub optional: bool,
    /// Where its deliverable comes from.
    pub source: Option<StepSource>,
    /// The run that paid for a reused answer, and when.
    pub reused_from: Option<(RunId, Timestamp)>,
    /// Requests sent.
    pub attempts: u32,
    /// Attempts whose outcome nobody knows.
    pub lost_attempts: u32,
    /// What ended its last attempt, where nobody knows its outcome.
    #[serde(skip)]
    pub lost: Option<LossCause>,
    /// Tokens of its calls.
    pub usage: Usage,
    /// What its calls cost, in units of 10⁻¹² US dollars; those without a known price left out.
    pub cost: Money,
    /// When it was first evaluated.
    pub started_at: Option<Timestamp>,
    /// When it came to its end.
    pub ended_at: Option<Timestamp>,
    /// Its deliverable.
    pub deliverable: Option<Digest>,
    /// Its brief.
    pub brief: Option<Digest>,
    /// The value of its answer, where it has one; of a fan-out, the list of those of its items.
    pub output: Option<Digest>,
    /// The course of its review, where it has one.
    pub review: Option<ReviewLog>,
    /// What the verdict under way is asked for.
    #[serde(skip)]
    pub(crate) asked: Option<Box<Asked>>,
    /// How often an answer was asked for again since it did not fit its schema.
    pub repairs: u16,
    /// The number of the last repair that was evaluated.
    #[serde(skip)]
    pub(crate) last_repair: u16,
    /// Why it was not run.
    pub skipped: Option<String>,
    /// How many instances it has, where it can have several.
    pub items: Option<ItemCounts>,
    /// Its last failure.
    pub failure: Option<Failure>,
    /// When its next attempt is due.
    pub retry_at: Option<Timestamp>,
    /// Calls that went to another model than they were meant for, in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fallbacks: Vec<Fallback>,
    /// What the budget has made of its calls, each once.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub degraded: Vec<Relief>,
    /// In which form each need arrived, and what else a reader should know.
    pub notes: Vec<String>,
    /// What the evaluation of the last call added to them: it gives way where the call is evaluated anew.
    #[serde(skip)]
    pub(crate) added: Option<(CallId, Vec<String>, Vec<Relief>)>,
    /// What a person is asked in it, and what they decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approval: Option<ApprovalSummary>,
    #[serde(skip)]
    pub(crate) reserved: Reservation,
}

impl StepSummary {
    /// Takes what a reader should know of an evaluated call, in the place of what an earlier evaluation of the
    /// same call said.
    pub(crate) fn take_notes(&mut self, call: &CallId, prepared: &PreparedCall) {
        if let Some((_, notes, degraded)) =
            self.added.take().filter(|(earlier, ..)| earlier == call)
        {
            self.notes.retain(|note| !notes.contains(note));
            self.degraded.retain(|relief| !degraded.contains(relief));
        }
        let (mut notes, mut degraded) = (Vec::new(), Vec::new());
        for note in &prepared.notes {
            if !self.notes.contains(note) {
                self.notes.push(note.clone());
                notes.push(note.clone());
            }
        }
        for relief in &prepared.degraded {
            if !self.degraded.contains(relief) {
                self.degraded.push(*relief);
                degraded.push(*relief);
            }
        }
        self.added = Some((call.clone(), notes, degraded));
    }

    pub(crate) fn take_verdict(&mut self, answer: &Answered) {
        if let (Some(asked), Some(judged)) = (self.asked.take(), &answer.judged) {
            self.review.get_or_insert_default().take(&asked, judged, answer.output);
        }
    }
}

/// Everything there is to say of an approval.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ApprovalSummary {
    /// What is asked.
    pub request: ApprovalRequest,
    /// When it was asked.
    pub asked_at: Timestamp,
    /// What was decided, and when it was recorded here.
    pub decision: Option<(ApprovalDecision, Timestamp)>,
}

/// A call that went to the next model of its chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fallback {
    /// The model that did not answer.
    pub from: ModelRef,
    /// The model that was asked in its place.
    pub to: ModelRef,
    /// Why.
    pub failure: Failure,
}

impl StepSummary {
    /// A step to which nothing has happened.
    pub(crate) fn waiting(
        step: StepPath,
        persona: Option<String>,
        optional: bool,
        reviewed: bool,
    ) -> Self {
        Self {
            step,
            persona,
            choice: None,
            model: None,
            served_model: None,
            state: StepState::Waiting,
            optional,
            source: None,
            reused_from: None,
            attempts: 0,
            lost_attempts: 0,
            lost: None,
            usage: Usage::default(),
            cost: Money::ZERO,
            started_at: None,
            ended_at: None,
            deliverable: None,
            brief: None,
            output: None,
            review: reviewed.then(ReviewLog::default),
            asked: None,
            repairs: 0,
            last_repair: 0,
            skipped: None,
            items: None,
            failure: None,
            retry_at: None,
            fallbacks: Vec::new(),
            degraded: Vec::new(),
            notes: Vec::new(),
            added: None,
            approval: None,
            reserved: Reservation::default(),
        }
    }

    /// Forgets what the step came to; what it used up stays.
    pub(crate) fn reset(&mut self) {
        let reviewed = self.review.is_some();
        let fresh = Self::waiting(self.step.clone(), self.persona.take(), self.optional, reviewed);
        *self = Self {
            attempts: self.attempts,
            lost_attempts: self.lost_attempts,
            repairs: self.repairs,
            last_repair: self.last_repair,
            usage: self.usage,
            cost: self.cost,
            started_at: self.started_at,
            ..fresh
        };
    }
}
