//! The run summary: one fold of a run's events that every report, list, page and exit code reads.

use std::{collections::BTreeSet, sync::Arc};

use indexmap::IndexMap;
use serde::Serialize;

use crate::{
    Timestamp,
    budget::{Cap, Limits, Reservation, RunningTime},
    charge::{Charge, Charges, Used},
    event::{Event, PauseReason, PersonaSelection, Recorded, RunFailure},
    failure::FailureClass,
    ids::{CallId, Digest, Purpose, RunId, StepPath},
    instances::{Instances, is_repeated},
    lanes::SlowCause,
    money::Money,
    plan::{Action, Plan},
    request::{Endpoint, ModelRef},
    usage::Usage,
};

pub use crate::{
    instances::ItemCounts,
    step_summary::{ApprovalSummary, Fallback, StepState, StepSummary},
};

/// Where a run stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RunStatus {
    /// Created or running, as far as the journal knows: its process may have ended since.
    Running,
    /// Stopped, to be resumed.
    Paused(PauseReason),
    /// Complete.
    Succeeded,
    /// Stopped until a person has done something.
    Failed(RunFailure),
}

/// Everything there is to say of a run, contents aside.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunSummary {
    /// The run.
    pub run: Option<RunId>,
    /// The run it was made from.
    pub forked_from: Option<RunId>,
    /// The workflow's name.
    pub workflow: String,
    /// The first line of the task.
    pub task: String,
    /// True where no model was called.
    pub offline: bool,
    /// The folder of the cassette that answered in the place of models.
    pub replay: Option<String>,
    /// Calls that the cassette does not hold.
    pub not_recorded: BTreeSet<CallId>,
    /// Where calls go by default.
    pub endpoint: Option<Endpoint>,
    /// The model where a step names none.
    pub model: Option<ModelRef>,
    /// How the personas were chosen, where no workflow says it.
    pub selection: Option<PersonaSelection>,
    /// Caps that hold now.
    pub limits: Limits,
    /// Where it stands.
    pub status: RunStatus,
    /// When it was created.
    pub created_at: Timestamp,
    /// When its last event was recorded.
    pub updated_at: Timestamp,
    /// Milliseconds in which it was running, pauses left out; of a process that was killed, up to its last
    /// event.
    pub active_ms: u64,
    /// Requests sent, retries included.
    pub calls: u64,
    /// Calls answered without paying again.
    pub reused: u64,
    /// Tokens of this run's own calls.
    pub usage: Usage,
    /// Tokens that attempts may have used whose usage is not known: their worst case.
    pub lost_tokens: u64,
    /// What its own calls cost, in units of 10⁻¹² US dollars; those without a known price left out.
    pub cost: Money,
    /// The part of `cost` that attempts may have cost whose usage is not known: their worst case.
    pub lost_cost: Money,
    /// Attempts that were charged and whose price is not known.
    pub unpriced: u64,
    /// The steps in plan order.
    pub steps: Vec<StepSummary>,
    /// Where less was sent than there was to send, by model and cause.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub slowed: Vec<Slowed>,
    /// Files written, each where it was first written.
    pub artifacts: Vec<Artifact>,
    #[serde(skip)]
    pub(crate) plan: Arc<Plan>,
    #[serde(skip)]
    running: RunningTime,
    #[serde(skip)]
    charges: Charges,
    #[serde(skip)]
    pub(crate) instances: Instances,
    #[serde(skip)]
    artifact_places: IndexMap<String, usize>,
}

/// How a run was slowed down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Slowed {
    /// The model to which less was sent.
    pub model: ModelRef,
    /// Why.
    pub cause: SlowCause,
    /// How often.
    pub times: u32,
    /// The fewest calls at a time.
    pub at_a_time: u32,
    /// The longest time for which nothing was sent, in milliseconds.
    pub waited_ms: u64,
}

/// A file that was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Artifact {
    /// The step it belongs to; none for a document of the whole run.
    pub step: Option<StepPath>,
    /// The path below the output folder.
    pub path: String,
    /// Digest of its bytes.
    pub digest: Digest,
}

impl RunSummary {
    /// The summary of a run of `plan` of which nothing is recorded yet.
    pub fn new(plan: Arc<Plan>) -> Self {
        let steps = plan.steps().iter().enumerate().map(|(at, step)| {
            let persona = match &step.action {
                Action::Persona(persona) => match persona.persona.candidates().as_slice() {
                    [only] => Some((*only).to_owned()),
                    _ => None,
                },
                Action::Render(_) | Action::Approve(_) | Action::Group | Action::Workflow(_) => {
                    None
                }
            };
            let reviewed = plan.review(at).is_some() && !plan.repeats(at);
            StepSummary::waiting(step.id.clone(), persona, step.optional, reviewed)
        });
        Self {
            run: None,
            forked_from: None,
            workflow: plan.workflow().to_owned(),
            task: String::new(),
            offline: false,
            replay: None,
            not_recorded: BTreeSet::new(),
            endpoint: None,
            model: None,
            selection: None,
            limits: Limits::default(),
            status: RunStatus::Running,
            created_at: Timestamp::default(),
            updated_at: Timestamp::default(),
            active_ms: 0,
            calls: 0,
            reused: 0,
            usage: Usage::default(),
            lost_tokens: 0,
            steps: steps.collect(),
            slowed: Vec::new(),
            artifacts: Vec::new(),
            cost: Money::ZERO,
            lost_cost: Money::ZERO,
            unpriced: 0,
            plan,
            running: RunningTime::default(),
            charges: Charges::default(),
            instances: Instances::default(),
            artifact_places: IndexMap::new(),
        }
    }

    /// The summary of a whole journal.
    pub fn of<'a>(plan: Arc<Plan>, events: impl IntoIterator<Item = &'a Recorded>) -> Self {
        let mut summary = Self::new(plan);
        for event in events {
            summary.apply(event);
        }
        summary
    }

    /// The plan that runs.
    pub fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    /// The summary of a step, or of one instance of it to which something has happened.
    pub fn step(&self, step: &StepPath) -> Option<&StepSummary> {
        if is_repeated(step) {
            return self.instances.get(step);
        }
        self.plan.position(step).map(|at| &self.steps[at])
    }

    /// Steps that are finished.
    pub fn finished(&self) -> usize {
        self.counted().filter(|step| step.state == StepState::Succeeded).count()
    }

    /// How many steps there are.
    pub fn total(&self) -> usize {
        self.counted().count()
    }

    /// Steps that wait for a person, and items and their steps that do.
    pub fn awaiting_approval(&self) -> impl Iterator<Item = &StepSummary> {
        self.steps
            .iter()
            .chain(self.instances())
            .filter(|step| step.state == StepState::AwaitingApproval)
    }

    /// Optional steps that failed.
    pub fn given_up(&self) -> impl Iterator<Item = &StepSummary> {
        self.steps.iter().filter(|step| step.optional && step.state == StepState::Failed)
    }

    /// Whether models were asked, as opposed to worksheets and cassettes.
    pub fn asks_models(&self) -> bool {
        !self.offline && self.replay.is_none()
    }

    /// The name of the folder of the cassette that answered in the place of models.
    pub fn cassette(&self) -> Option<&str> {
        let folder = self.replay.as_deref()?;
        folder.trim_end_matches('/').rsplit('/').next()
    }

    /// Whether the whole run failed because credentials were missing or refused.
    pub fn refused_credentials(&self) -> bool {
        let RunStatus::Failed(RunFailure::Step(step)) = &self.status else { return false };
        self.step(step)
            .and_then(|step| step.failure.as_ref())
            .is_some_and(|failure| failure.class == FailureClass::Credentials)
    }

    /// The cap that ended the run, where one did.
    pub fn cap_reached(&self) -> Option<Cap> {
        match &self.status {
            RunStatus::Failed(RunFailure::Budget(cap)) => Some(*cap),
            RunStatus::Failed(RunFailure::Step(_))
            | RunStatus::Running
            | RunStatus::Paused(_)
            | RunStatus::Succeeded => None,
        }
    }

    /// The step whose call the cap on tokens or cost does not allow, and its worst case.
    pub fn beyond_cap(&self) -> Option<(&StepSummary, Reservation)> {
        let cap = self.cap_reached()?;
        let is_beyond = |worst: &Reservation| match cap {
            Cap::Tokens => self
                .limits
                .max_tokens
                .is_some_and(|most| self.spent_tokens().saturating_add(worst.tokens) > most),
            Cap::Cost => self
                .limits
                .max_cost
                .zip(worst.cost)
                .is_some_and(|(most, cost)| self.cost.plus(cost) > most),
            Cap::Calls | Cap::Wall => false,
        };
        // What calls nobody itself, such as a fan-out, has nothing set aside.
        let prepared = self.steps.iter().chain(self.instances()).filter(|step| {
            matches!(step.state, StepState::Running | StepState::Retrying)
                && step.reserved.tokens > 0
        });
        prepared.map(|step| (step, step.reserved)).find(|(_, worst)| is_beyond(worst))
    }

    /// Tokens that count against the cap: those used, and the worst case where usage is not known.
    pub fn spent_tokens(&self) -> u64 {
        self.usage.total().saturating_add(self.lost_tokens)
    }

    /// Folds one event. Events of unknown steps are ignored: the run machine refuses them.
    pub fn apply(&mut self, recorded: &Recorded) {
        let repeated = recorded.event.step().filter(|path| is_repeated(path)).cloned();
        let before = repeated
            .as_ref()
            .and_then(|path| self.step(path))
            .map_or((StepState::Waiting, 0), |told| (told.state, told.repairs));
        self.fold(recorded);
        if let Some(path) = repeated {
            self.fold_into_row(recorded.at, &path, &recorded.event, before);
        }
    }

    fn fold(&mut self, recorded: &Recorded) {
        let at = recorded.at;
        self.updated_at = at;
        self.running.note(at, &recorded.event);
        self.active_ms = self.running.until(at);
        if let Some(charge) = self.charges.note(recorded) {
            self.charge(&charge);
        }
        match &recorded.event {
            // What came of a degraded call stands in the evaluation that follows.
            Event::SessionOpened { .. } | Event::RunStarted | Event::CallDegraded { .. } => {}
            Event::RunCreated(created) => {
                self.run = Some(created.run.clone());
                self.task.clone_from(&created.task);
                self.offline = created.offline;
                self.replay.clone_from(&created.replay);
                self.endpoint = Some(created.endpoint.clone());
                self.model = Some(created.model.clone());
                self.selection.clone_from(&created.selection);
                self.limits = created.limits;
                self.created_at = at;
            }
            Event::RunForked(forked) => self.forked_from = Some(forked.from.clone()),
            Event::RunResumed { limits } => {
                self.limits = *limits;
                self.status = RunStatus::Running;
            }
            Event::RunPaused { reason } => self.status = RunStatus::Paused(*reason),
            Event::RunSucceeded => self.status = RunStatus::Succeeded,
            Event::RunFailed { reason } => self.status = RunStatus::Failed(reason.clone()),
            Event::ArtifactWritten { step, path, digest } => {
                let artifact = Artifact { step: step.clone(), path: path.clone(), digest: *digest };
                if let Some(&place) = self.artifact_places.get(path) {
                    self.artifacts[place] = artifact;
                } else {
                    self.artifact_places.insert(path.clone(), self.artifacts.len());
                    self.artifacts.push(artifact);
                }
            }
            Event::CallPrepared { call, prepared } => {
                if let Some(step) = self.step_mut(&call.step) {
                    // A reviewer is not the one who works.
                    step.asked.clone_from(&prepared.review);
                    if prepared.review.is_none() {
                        step.persona = Some(prepared.persona.clone());
                        step.choice.clone_from(&prepared.choice);
                    }
                    // The same repair may be evaluated anew.
                    if call.purpose == Purpose::Repair && call.number > step.last_repair {
                        step.last_repair = call.number;
                        step.repairs += 1;
                    }
                    step.model = Some(prepared.model.clone());
                    step.reserved =
                        Reservation { tokens: prepared.reserved, cost: prepared.reserved_cost };
                    step.state = StepState::Running;
                    step.started_at = step.started_at.or(Some(at));
                    step.take_notes(call, prepared);
                }
            }
            Event::CallIntent { call, reserved, reserved_cost, .. } => {
                self.calls += 1;
                if let Some(step) = self.step_mut(&call.step) {
                    step.attempts += 1;
                    step.lost = None;
                    step.reserved = Reservation { tokens: *reserved, cost: *reserved_cost };
                    step.state = StepState::Running;
                    step.retry_at = None;
                }
            }
            Event::CallSucceeded { call, answer, .. } => {
                self.not_recorded.remove(call);
                if let Some(step) = self.step_mut(&call.step) {
                    step.served_model.clone_from(&answer.served_model);
                    step.failure = None;
                    step.take_verdict(answer);
                }
            }
            Event::CallReused { call, origin, answer } => {
                self.reused += 1;
                let own = self.run.as_ref() == Some(&origin.run);
                if let Some(step) = self.step_mut(&call.step) {
                    step.served_model.clone_from(&answer.served_model);
                    step.failure = None;
                    step.take_verdict(answer);
                    if !own {
                        step.reused_from = Some((origin.run.clone(), origin.at));
                    }
                }
            }
            Event::CallFailed { call, failure, .. }
            | Event::OutputRejected { call, failure, .. } => {
                if failure.class == FailureClass::NotRecorded {
                    self.not_recorded.insert(call.clone());
                }
                if let Some(step) = self.step_mut(&call.step) {
                    step.failure = Some(failure.clone());
                }
            }
            Event::CallUnknown { call, cause, failure, .. } => {
                if let Some(step) = self.step_mut(&call.step) {
                    step.lost_attempts += 1;
                    step.lost = Some(*cause);
                    if let Some(failure) = failure {
                        step.failure = Some(failure.clone());
                    }
                }
            }
            Event::RetryScheduled { call, due, .. } => {
                if let Some(step) = self.step_mut(&call.step) {
                    step.state = StepState::Retrying;
                    step.retry_at = Some(*due);
                }
            }
            Event::ModelFellBack { call, from, to, failure } => {
                if let Some(step) = self.step_mut(&call.step) {
                    step.fallbacks.push(Fallback {
                        from: from.clone(),
                        to: to.clone(),
                        failure: failure.clone(),
                    });
                }
            }
            Event::LaneSlowed { model, cause, at_a_time, until } => {
                let known = self
                    .slowed
                    .iter()
                    .position(|slowed| (&slowed.model, slowed.cause) == (model, *cause));
                let known = known.unwrap_or_else(|| {
                    self.slowed.push(Slowed {
                        model: model.clone(),
                        cause: *cause,
                        times: 0,
                        at_a_time: *at_a_time,
                        waited_ms: 0,
                    });
                    self.slowed.len() - 1
                });
                let slowed = &mut self.slowed[known];
                slowed.times += 1;
                slowed.at_a_time = slowed.at_a_time.min(*at_a_time);
                let wait = until.map_or(0, |until| until.0.saturating_sub(at.0));
                slowed.waited_ms = slowed.waited_ms.max(wait);
            }
            Event::StepSucceeded { step: path, source, deliverable, brief, output } => {
                if let Some(step) = self.step_mut(path) {
                    step.state = StepState::Succeeded;
                    step.source = Some(*source);
                    step.deliverable = Some(*deliverable);
                    step.brief = *brief;
                    step.output = *output;
                    step.started_at = step.started_at.or(Some(at));
                    step.ended_at = Some(at);
                    step.failure = None;
                }
                self.skip_below(path, "nothing called for it");
            }
            Event::ItemsFound { step, count, .. } => {
                self.begin(at, step);
                self.open(step, Some(*count));
            }
            Event::GroupOpened { step, .. } => {
                self.begin(at, step);
                self.open(step, None);
            }
            Event::StepSkipped { step, reason } => {
                let why = self.why_skipped(step, reason);
                if let Some(told) = self.told_mut(step) {
                    told.state = StepState::Skipped;
                    told.skipped = Some(why);
                    told.ended_at = Some(at);
                }
                self.skip_below(step, &format!("`{step}` was skipped"));
            }
            Event::StepReopened { step } => {
                if let Some(told) = self.told_mut(step) {
                    told.state = StepState::Waiting;
                    told.ended_at = None;
                    if let Some(review) = &mut told.review {
                        review.forget_refusal();
                    }
                }
            }
            Event::StepWithdrawn { step } => {
                if let Some(told) = self.told_mut(step) {
                    told.reset();
                }
                self.withdraw(step);
            }
            Event::ReviewEnded { step, stop, .. } => {
                let review = self.step_mut(step).and_then(|step| step.review.as_mut());
                if let Some(review) = review {
                    review.stop = Some(*stop);
                }
            }
            Event::ApprovalRequested { step, request } => {
                if let Some(step) = self.step_mut(step) {
                    step.state = StepState::AwaitingApproval;
                    step.started_at = step.started_at.or(Some(at));
                    step.failure = None;
                    let request = request.clone();
                    step.approval = Some(ApprovalSummary { request, asked_at: at, decision: None });
                }
            }
            Event::ApprovalDecided { step, decision } => {
                if let Some(step) = self.step_mut(step) {
                    step.state = StepState::Running;
                    if let Some(approval) = &mut step.approval {
                        approval.decision = Some(((**decision).clone(), at));
                    }
                    if let Some(review) = &mut step.review {
                        review.decide(decision);
                    }
                }
            }
            Event::ApprovalExpired { step } => {
                if let Some(step) = self.step_mut(step) {
                    step.state = StepState::Running;
                }
            }
            Event::StepFailed { step, failure, .. } => {
                if let Some(step) = self.step_mut(step) {
                    step.state = StepState::Failed;
                    step.failure = Some(failure.clone());
                    step.ended_at = Some(at);
                }
            }
        }
    }

    fn step_mut(&mut self, step: &StepPath) -> Option<&mut StepSummary> {
        self.told_mut(step)
    }

    /// A step that makes no calls of its own is under way.
    fn begin(&mut self, at: Timestamp, step: &StepPath) {
        if let Some(told) = self.told_mut(step) {
            told.state = StepState::Running;
            told.started_at = told.started_at.or(Some(at));
        }
    }

    /// Counts what an attempt was charged, as the ledger of the run does.
    fn charge(&mut self, charge: &Charge) {
        let cost = charge.cost.unwrap_or_default();
        self.cost += cost;
        self.unpriced += u64::from(charge.cost.is_none());
        let known = match charge.used {
            Used::Known(usage) => usage,
            Used::AtMost(tokens) => {
                self.lost_tokens = self.lost_tokens.saturating_add(tokens);
                self.lost_cost += cost;
                Usage::default()
            }
        };
        self.usage += known;
        let step = &charge.call.step;
        if let Some(told) = self.told_mut(step) {
            told.usage += known;
            told.cost += cost;
        }
        if is_repeated(step)
            && let Some(position) = self.plan.position_of(step)
        {
            self.steps[position].usage += known;
            self.steps[position].cost += cost;
        }
    }
}
