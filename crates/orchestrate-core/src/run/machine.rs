//! The state machine of one run.

use std::{
    cmp::Reverse,
    collections::{BTreeSet, BinaryHeap, VecDeque},
    sync::Arc,
};

use indexmap::IndexMap;

use super::{
    approval::Approvals,
    budget::over_budget,
    exchange::{AttemptOutcome, Decisions, Effect, Input, Outcome, Prepared},
    step::{IllegalEvent, Instance, StepStatus},
};
use crate::{
    Timestamp,
    budget::{Allowance, Cap, Ledger, Limits, Reservation, RunningTime},
    event::{
        Answered, Event, LossCause, PauseReason, ReuseOrigin, RunCreated, RunFailure, StepSource,
    },
    failure::Failure,
    ids::{CallId, Digest, Purpose, RunId},
    plan::Plan,
    policy::jitter,
    request::Identity,
};

/// Where a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Nothing is recorded yet.
    New,
    /// It exists and has not started, or its process ended while it was running.
    Idle,
    /// It may start new work.
    Running,
    /// It has come to rest and can be resumed.
    Paused,
    /// It has come to rest and can be resumed once a person has done something.
    Failed,
    /// It is complete.
    Succeeded,
}

impl Phase {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::New => "not created",
            Self::Idle => "not running",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Failed => "failed",
            Self::Succeeded => "finished",
        }
    }
}

/// A call that is being made, and the steps that ask the same and wait for its answer.
#[derive(Debug, Clone)]
pub(super) struct Leading {
    step: usize,
    followers: Vec<usize>,
}

/// One execution of a plan: decides what happens next, and does nothing itself.
///
/// Feed it with [`handle`](Self::handle), then take what it decided with
/// [`poll_to_quiescence`](Self::poll_to_quiescence). Its lasting state changes by events only, so
/// [`replay`](Self::replay) of the recorded events rebuilds it. The cost of deciding is constant per
/// event, amortised, plus the out-degree of a step when it finishes.
#[derive(Debug, Clone)]
pub struct Run {
    pub(super) plan: Arc<Plan>,
    pub(super) created: Option<Box<RunCreated>>,
    pub(super) limits: Limits,
    pub(super) phase: Phase,
    pub(super) started: bool,
    pub(super) instances: Vec<Instance>,
    pub(super) ledger: Ledger,
    pub(super) running: RunningTime,
    pub(super) in_flight: usize,
    pub(super) unsettled: usize,
    /// Good answers by what was asked, so that the same is not asked again.
    pub(super) answers: IndexMap<Identity, (ReuseOrigin, Answered)>,
    pub(super) approvals: Approvals,

    // What follows is rebuilt when a run is resumed. The queues may hold steps that have moved on;
    // whoever takes one out looks at its status first.
    pub(super) ready: VecDeque<usize>,
    pub(super) due: VecDeque<usize>,
    /// Whether the first of `due` waits for a reservation in flight to be given back.
    pub(super) starving: bool,
    /// Steps whose call is evaluated anew before it is sent: their request knows no cap yet.
    pub(super) outdated: BTreeSet<usize>,
    pub(super) waiting: BinaryHeap<Reverse<(Timestamp, usize)>>,
    pub(super) preparing: Vec<bool>,
    pub(super) preparing_count: usize,
    pub(super) leading: IndexMap<Identity, Leading>,
    pub(super) stopping: Option<Outcome>,
    pub(super) wake_at: Option<Timestamp>,
    /// When what is being decided or folded happens.
    pub(super) now: Timestamp,
    pub(super) touches: u64,
    pub(super) decisions: Decisions,
}

impl Run {
    /// A run of `plan` of which nothing is recorded yet.
    pub fn new(plan: Arc<Plan>) -> Self {
        let count = plan.steps().len();
        let instances: Vec<Instance> =
            (0..count).map(|at| Instance::new(plan.needs(at).len())).collect();
        let ready = (0..count).filter(|&at| instances[at].status == StepStatus::Ready).collect();
        Self {
            plan,
            created: None,
            limits: Limits::default(),
            phase: Phase::New,
            started: false,
            instances,
            ledger: Ledger::default(),
            running: RunningTime::default(),
            in_flight: 0,
            unsettled: count,
            answers: IndexMap::new(),
            approvals: Approvals::default(),
            ready,
            due: VecDeque::new(),
            starving: false,
            outdated: BTreeSet::new(),
            waiting: BinaryHeap::new(),
            preparing: vec![false; count],
            preparing_count: 0,
            leading: IndexMap::new(),
            stopping: None,
            wake_at: None,
            now: Timestamp(0),
            touches: 0,
            decisions: Decisions::default(),
        }
    }

    /// The plan it executes.
    pub fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    /// What the run is pinned to, once it is created.
    pub fn created(&self) -> Option<&RunCreated> {
        self.created.as_deref()
    }

    /// Where the step at `position` of the plan stands.
    pub fn status(&self, position: usize) -> StepStatus {
        self.instances[position].status
    }

    /// Deliverable and brief of the step at `position`, once it is finished.
    pub fn result(&self, position: usize) -> Option<(Digest, Option<Digest>)> {
        let instance = &self.instances[position];
        instance.deliverable.map(|deliverable| (deliverable, instance.brief))
    }

    /// The deliverable of a good draft whose brief is still missing.
    pub fn draft(&self, position: usize) -> Option<Digest> {
        self.instances[position].draft.as_ref().map(|(_, answer)| answer.deliverable)
    }

    /// The call that the step at `position` is at, once it is evaluated.
    pub fn prepared(&self, position: usize) -> Option<&crate::event::PreparedCall> {
        self.instances[position].call.as_deref()
    }

    /// What was sent and spent.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Caps that hold now.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Attempts in flight.
    pub fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// Whether all steps are finished.
    pub fn is_finished(&self) -> bool {
        self.phase == Phase::Succeeded
    }

    /// How often a step was looked at, the measure of the cost of deciding.
    pub fn touches(&self) -> u64 {
        self.touches
    }

    /// Takes in one piece of news. Decisions that follow at once are made here, the rest in
    /// [`poll_to_quiescence`](Self::poll_to_quiescence).
    ///
    /// News of an attempt that is not in flight any more is ignored: after [`Input::Abort`] the
    /// attempts' ends may still come in.
    ///
    /// # Errors
    /// [`IllegalEvent`] where the news cannot be: a defect of the driver, or a damaged journal.
    pub fn handle(&mut self, now: Timestamp, input: Input) -> Result<(), IllegalEvent> {
        self.now = now;
        match input {
            Input::Create { created, forked } => {
                self.record(Event::RunCreated(created))?;
                if let Some(forked) = forked {
                    self.record(Event::RunForked(forked))?;
                }
                Ok(())
            }
            Input::Opened { epoch, program } => {
                self.record(Event::SessionOpened { epoch, program })?;
                self.lose_everything(LossCause::ProcessEnded)
            }
            Input::Resume { limits } => self.resume(limits),
            Input::Prepared { call, prepared } => self.prepared_arrived(&call, prepared),
            Input::AttemptEnded { call, attempt, outcome } => {
                self.attempt_ended(now, &call, attempt, outcome)
            }
            Input::ArtifactWritten { step, path, digest } => {
                self.record(Event::ArtifactWritten { step, path, digest })
            }
            Input::Decide { step, subject, decision } => self.decided(&step, subject, decision),
            Input::Attended(attended) => {
                self.approvals.attended = attended;
                Ok(())
            }
            Input::Interrupt => {
                self.stop(Outcome::Paused(PauseReason::Interrupted));
                Ok(())
            }
            Input::Abort => {
                self.stop(Outcome::Paused(PauseReason::Interrupted));
                self.forget_preparations();
                self.lose_everything(LossCause::Cancelled)
            }
            Input::Tick => {
                self.wake_at = None;
                Ok(())
            }
        }
    }

    /// Makes every decision that follows, and gives out all that was decided since the last time.
    ///
    /// # Errors
    /// [`IllegalEvent`] where a decision cannot be recorded: a defect of this program.
    pub fn poll_to_quiescence(&mut self, now: Timestamp) -> Result<Decisions, IllegalEvent> {
        self.now = now;
        if self.phase == Phase::Running {
            self.stop_when_time_is_over(now);
            self.schedule(now)?;
            self.come_to_rest()?;
        }
        Ok(std::mem::take(&mut self.decisions))
    }

    fn concurrency(&self) -> usize {
        self.created.as_ref().map_or(1, |created| created.concurrency.max(1) as usize)
    }

    pub(super) fn run_id(&self) -> RunId {
        self.created.as_ref().map_or_else(|| RunId::new(""), |created| created.run.clone())
    }

    fn schedule(&mut self, now: Timestamp) -> Result<(), IllegalEvent> {
        self.expire_due(now)?;
        while let Some(&Reverse((at, step))) = self.waiting.peek() {
            if at > now {
                break;
            }
            self.waiting.pop();
            self.touches += 1;
            if self.instances[step].status == StepStatus::RetryWait
                && self.instances[step].due == at
            {
                self.due.push_back(step);
            }
        }
        while self.stopping.is_none() && self.in_flight + self.preparing_count < self.concurrency()
        {
            if !self.starving
                && let Some(step) = self.due.pop_front()
            {
                self.touches += 1;
                if self.instances[step].status.awaits_sending() {
                    if self.outdated.contains(&step) {
                        self.prepare(step);
                    } else {
                        self.send(step)?;
                    }
                }
            } else if let Some(step) = self.ready.pop_front() {
                self.touches += 1;
                self.prepare(step);
            } else {
                break;
            }
        }
        let retry = self.waiting.peek().map(|&Reverse((at, _))| at);
        if self.stopping.is_none()
            && let Some(at) =
                retry.into_iter().chain(self.next_expiry()).chain(self.time_is_over_at()).min()
            && self.wake_at != Some(at)
        {
            self.wake_at = Some(at);
            self.decisions.effects.push(Effect::WakeAt(at));
        }
        Ok(())
    }

    fn prepare(&mut self, step: usize) {
        let wanted =
            matches!(self.instances[step].status, StepStatus::Ready | StepStatus::Answered);
        if self.preparing[step] || !(wanted || self.outdated.contains(&step)) {
            return;
        }
        if self.instances[step].status == StepStatus::Answered {
            self.instances[step].purpose = Purpose::Brief;
        }
        self.preparing[step] = true;
        self.preparing_count += 1;
        let call = self.instances[step].call_id(&self.plan.steps()[step].id);
        self.decisions.effects.push(Effect::Prepare { call });
    }

    /// Sends the prepared call of `step`, unless the same is being asked or was answered already, or
    /// a cap forbids it.
    fn send(&mut self, step: usize) -> Result<(), IllegalEvent> {
        let Some(prepared) = &self.instances[step].call else { return Ok(()) };
        let (identity, request) = (prepared.identity, prepared.request);
        let worst = Reservation { tokens: prepared.reserved, cost: prepared.reserved_cost };
        if let Some((origin, answer)) = self.answers.get(&identity) {
            let (origin, answer) = (origin.clone(), answer.clone());
            return self.reuse(step, origin, &answer);
        }
        if let Some(leading) = self.leading.get_mut(&identity)
            && leading.step != step
        {
            leading.followers.push(step);
            return Ok(());
        }
        match self.ledger.allows(&self.limits, &worst) {
            Allowance::Granted => {
                let call = self.instances[step].call_id(&self.plan.steps()[step].id);
                let attempt = self.instances[step].attempts + 1;
                self.leading
                    .entry(identity)
                    .or_insert_with(|| Leading { step, followers: Vec::new() });
                self.record(Event::CallIntent {
                    call: call.clone(),
                    attempt,
                    reserved: worst.tokens,
                    reserved_cost: worst.cost,
                })?;
                self.decisions.effects.push(Effect::StartAttempt { call, attempt, request });
                Ok(())
            }
            // First come, first served: whoever is behind waits too, so that a large call is not
            // overtaken for ever and nobody is asked twice about the same reservation.
            Allowance::Wait(_) => {
                if self.starving {
                    self.due.push_back(step);
                } else {
                    self.due.push_front(step);
                    self.starving = true;
                }
                Ok(())
            }
            Allowance::Exhausted(cap) => self.out_of_budget(step, cap),
        }
    }

    /// A brief is worth no more than what is left; a draft without budget ends the run.
    fn out_of_budget(&mut self, step: usize, cap: Cap) -> Result<(), IllegalEvent> {
        if self.instances[step].purpose == Purpose::Brief {
            self.hand_over_the_lead(step);
            return self.finish_with(step, None);
        }
        if self.goes_on_without(step) {
            return self.give_up(step, over_budget(cap));
        }
        self.due.push_front(step);
        self.stop(Outcome::Failed(RunFailure::Budget(cap)));
        Ok(())
    }

    fn prepared_arrived(&mut self, call: &CallId, prepared: Prepared) -> Result<(), IllegalEvent> {
        let step = self.position(call, "prepared")?;
        if !std::mem::replace(&mut self.preparing[step], false) {
            return Ok(());
        }
        self.preparing_count -= 1;
        self.outdated.remove(&step);
        match prepared {
            Prepared::Call { call: prepared, reuse } => {
                self.record(Event::CallPrepared { call: call.clone(), prepared })?;
                match reuse {
                    Some(reuse) => {
                        let (origin, answer) = *reuse;
                        self.reuse(step, origin, &answer)
                    }
                    // The slot that preparing held goes to this very call.
                    None if self.stopping.is_none() => self.send(step),
                    None => Ok(()),
                }
            }
            Prepared::Value(deliverable) => self.record(Event::StepSucceeded {
                step: call.step.clone(),
                source: StepSource::Render,
                deliverable,
                brief: None,
            }),
            Prepared::Ask(asked) => self.ask(step, *asked),
            Prepared::Invalid(failure) => self.give_up(step, failure),
        }
    }

    fn reuse(
        &mut self,
        step: usize,
        origin: ReuseOrigin,
        answer: &Answered,
    ) -> Result<(), IllegalEvent> {
        let call = self.instances[step].call_id(&self.plan.steps()[step].id);
        self.record(Event::CallReused { call, origin, answer: answer.clone() })?;
        self.conclude(step, answer)
    }

    /// A good answer is recorded: the step is finished, or its brief is asked for.
    fn conclude(&mut self, step: usize, answer: &Answered) -> Result<(), IllegalEvent> {
        if self.instances[step].purpose == Purpose::Draft
            && answer.brief.is_none()
            && self.plan.wants_brief(step)
        {
            self.ready.push_front(step);
            return Ok(());
        }
        self.finish_with(step, answer.brief)
    }

    fn finish_with(&mut self, step: usize, brief: Option<Digest>) -> Result<(), IllegalEvent> {
        let Some((source, draft)) = &self.instances[step].draft else { return Ok(()) };
        let event = Event::StepSucceeded {
            step: self.plan.steps()[step].id.clone(),
            source: *source,
            deliverable: draft.deliverable,
            brief,
        };
        self.record(event)
    }

    fn attempt_ended(
        &mut self,
        now: Timestamp,
        call: &CallId,
        attempt: u32,
        outcome: AttemptOutcome,
    ) -> Result<(), IllegalEvent> {
        let step = self.position(call, "attempt_ended")?;
        let instance = &self.instances[step];
        let current = instance.status == StepStatus::Calling
            && instance.attempts == attempt
            && instance.purpose == call.purpose;
        if !current {
            return Ok(());
        }
        let call = call.clone();
        match outcome {
            AttemptOutcome::Good(answer) => {
                self.record(Event::CallSucceeded {
                    call: call.clone(),
                    attempt,
                    answer: answer.clone(),
                })?;
                self.starving = false;
                self.conclude(step, &answer)?;
                self.answer_followers(step)
            }
            AttemptOutcome::Rejected { failure, partial, usage } => {
                self.record(Event::OutputRejected {
                    call,
                    attempt,
                    failure: failure.clone(),
                    partial,
                    usage,
                })?;
                self.retry_or_give_up(now, step, failure, None)
            }
            AttemptOutcome::Failed { failure, billed, usage, retry_after_ms, partial } => {
                self.record(Event::CallFailed {
                    call,
                    attempt,
                    failure: failure.clone(),
                    billed,
                    usage,
                    partial,
                })?;
                self.retry_or_give_up(now, step, failure, retry_after_ms)
            }
            AttemptOutcome::Lost { failure, cause, partial } => {
                let seen = Some(failure.clone());
                self.record(Event::CallUnknown { call, attempt, cause, failure: seen, partial })?;
                self.retry_or_give_up(now, step, failure, None)
            }
        }
    }

    fn retry_or_give_up(
        &mut self,
        now: Timestamp,
        step: usize,
        failure: Failure,
        retry_after_ms: Option<u64>,
    ) -> Result<(), IllegalEvent> {
        self.starving = false;
        if self.stopping.is_some() {
            // The run is coming to rest; a resume takes up where this attempt ended.
            return Ok(());
        }
        let instance = &self.instances[step];
        let call = instance.call_id(&self.plan.steps()[step].id);
        let draw =
            jitter(&self.run_id(), &call, u16::try_from(instance.attempts).unwrap_or(u16::MAX));
        let policy = self.created.as_ref().map(|created| created.retry.clone()).unwrap_or_default();
        match policy.next_delay(failure.class, instance.failed, retry_after_ms, draw) {
            Some(delay) => {
                let at = now.after(delay);
                self.record(Event::RetryScheduled { call, due: at })?;
                self.waiting.push(Reverse((at, step)));
                Ok(())
            }
            None => self.give_up(step, failure),
        }
    }

    /// The call of `step` will not be made (again). A missing brief is no loss of the draft.
    pub(super) fn give_up(&mut self, step: usize, failure: Failure) -> Result<(), IllegalEvent> {
        self.hand_over_the_lead(step);
        if self.instances[step].purpose == Purpose::Brief {
            return self.finish_with(step, None);
        }
        let optional = self.plan.steps()[step].optional;
        let id = self.plan.steps()[step].id.clone();
        self.record(Event::StepFailed { step: id.clone(), failure, optional })?;
        if !optional {
            self.stop(Outcome::Failed(RunFailure::Step(id)));
        }
        Ok(())
    }

    /// Every step that asked the same gets the answer.
    fn answer_followers(&mut self, step: usize) -> Result<(), IllegalEvent> {
        let Some(leading) = self.stop_leading(step) else { return Ok(()) };
        for follower in leading.followers {
            self.touches += 1;
            self.send(follower)?;
        }
        Ok(())
    }

    /// The first that asked the same makes the call itself.
    fn hand_over_the_lead(&mut self, step: usize) {
        if let Some(leading) = self.stop_leading(step) {
            self.due.extend(leading.followers);
        }
    }

    fn stop_leading(&mut self, step: usize) -> Option<Leading> {
        let identity = self.instances[step].call.as_ref()?.identity;
        if self.leading.get(&identity)?.step == step {
            self.leading.swap_remove(&identity)
        } else {
            None
        }
    }

    /// Starts nothing new from here on. The first reason stands.
    pub(super) fn stop(&mut self, outcome: Outcome) {
        if self.phase == Phase::Running && self.stopping.is_none() {
            self.stopping = Some(outcome);
        }
    }

    fn forget_preparations(&mut self) {
        for (step, preparing) in self.preparing.iter_mut().enumerate() {
            if std::mem::take(preparing) {
                self.ready.push_back(step);
            }
        }
        self.preparing_count = 0;
    }

    fn lose_everything(&mut self, cause: LossCause) -> Result<(), IllegalEvent> {
        for step in 0..self.instances.len() {
            let instance = &self.instances[step];
            if instance.status == StepStatus::Calling {
                let call = instance.call_id(&self.plan.steps()[step].id);
                let attempt = instance.attempts;
                let (failure, partial) = (None, None);
                self.record(Event::CallUnknown { call, attempt, cause, failure, partial })?;
            }
        }
        Ok(())
    }

    /// Looks at every step once and puts it where it belongs.
    fn resume(&mut self, limits: Option<Limits>) -> Result<(), IllegalEvent> {
        if self.started {
            self.record(Event::RunResumed { limits: limits.unwrap_or(self.limits) })?;
        } else {
            self.record(Event::RunStarted)?;
        }
        self.ready.clear();
        self.due.clear();
        self.starving = false;
        self.outdated.clear();
        self.waiting.clear();
        self.leading.clear();
        self.approvals.expiries.clear();
        self.stopping = None;
        for step in 0..self.instances.len() {
            let instance = &self.instances[step];
            // Another run may have paid for the same answer since, and caps may be others now.
            if instance.status.awaits_sending() {
                self.outdated.insert(step);
            }
            match instance.status {
                StepStatus::Ready => self.ready.push_back(step),
                StepStatus::Answered => match &instance.draft {
                    // Its brief was asked for already, or is not missing.
                    Some((_, draft))
                        if instance.purpose_prepared == Some(Purpose::Brief)
                            || draft.brief.is_some()
                            || !self.plan.wants_brief(step) =>
                    {
                        let brief = instance.brief.or(draft.brief);
                        self.finish_with(step, brief)?;
                    }
                    _ => self.ready.push_back(step),
                },
                StepStatus::Prepared | StepStatus::Ended => self.due.push_back(step),
                StepStatus::RetryWait => self.waiting.push(Reverse((instance.due, step))),
                StepStatus::Asking => self.put_question(step),
                StepStatus::Decided => self.conclude_approval(step)?,
                StepStatus::Blocked
                | StepStatus::Calling
                | StepStatus::Succeeded
                | StepStatus::Failed => {}
            }
        }
        Ok(())
    }

    fn come_to_rest(&mut self) -> Result<(), IllegalEvent> {
        if self.in_flight > 0 || self.preparing_count > 0 {
            return Ok(());
        }
        let outcome = match self.stopping.take() {
            Some(outcome) => outcome,
            None if self.unsettled == 0 => Outcome::Succeeded,
            None if self.waiting.is_empty() && self.awaits_approval() => {
                if self.approvals.attended {
                    return Ok(());
                }
                Outcome::Paused(PauseReason::AwaitingApproval)
            }
            None if self.waiting.is_empty() => return Err(IllegalEvent::Stuck(self.unsettled)),
            None => return Ok(()),
        };
        // Work that finished while the run was stopping may have been the last there was.
        let outcome = if self.unsettled == 0 { Outcome::Succeeded } else { outcome };
        self.record(match &outcome {
            Outcome::Succeeded => Event::RunSucceeded,
            Outcome::Failed(reason) => Event::RunFailed { reason: reason.clone() },
            Outcome::Paused(reason) => Event::RunPaused { reason: *reason },
        })?;
        self.decisions.effects.push(Effect::Finish(outcome));
        Ok(())
    }

    pub(super) fn record(&mut self, event: Event) -> Result<(), IllegalEvent> {
        self.apply(self.now, &event)?;
        self.decisions.events.push(event);
        Ok(())
    }

    fn position(&self, call: &CallId, event: &'static str) -> Result<usize, IllegalEvent> {
        self.plan
            .position(&call.step)
            .ok_or_else(|| IllegalEvent::UnknownStep { event, step: call.step.clone() })
    }
}
