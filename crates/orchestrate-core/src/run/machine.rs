//! The state machine of one run.

use std::{
    cmp::Reverse,
    collections::{BTreeSet, BinaryHeap, VecDeque},
    sync::Arc,
};

use indexmap::IndexMap;

use super::{
    approval::Approvals,
    exchange::{AttemptOutcome, Decisions, Effect, Input, Outcome, Prepared},
    items::Children,
    step::{IllegalEvent, Instance, StepStatus},
};
use crate::{
    Timestamp,
    budget::{Allowance, Ledger, Limits, Reservation, RunningTime},
    event::{
        Answered, Event, LossCause, PauseReason, ReuseOrigin, RunCreated, RunFailure, StepSource,
    },
    failure::{Failure, FailureClass},
    flow::MOST_INSTANCES,
    ids::{CallId, Digest, Purpose, RunId},
    plan::{OnFail, Plan},
    policy::jitter,
    request::Identity,
    review::{ReviewLog, Standing, Stop},
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

/// What a step at rest does next.
enum Next {
    /// It makes this call.
    Call(Purpose, u16),
    /// Its draft is its deliverable.
    Finish,
    /// It cannot be finished.
    Fail(Failure),
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
    /// The steps that are part of no group.
    pub(super) whole: Children,
    /// Good answers by what was asked, so that the same is not asked again.
    pub(super) answers: IndexMap<Identity, (ReuseOrigin, Answered)>,
    pub(super) approvals: Approvals,

    // What follows is rebuilt when a run is resumed. The queues may hold steps that have moved on;
    // whoever takes one out looks at its status first.
    pub(super) ready: VecDeque<usize>,
    /// Fans-out and groups whose parts may all be at their end.
    pub(super) complete: VecDeque<usize>,
    /// Fans-out and groups in which something failed that fails them too.
    pub(super) broken: BTreeSet<usize>,
    pub(super) due: VecDeque<usize>,
    /// Whether the first of `due` waits for a reservation in flight to be given back.
    pub(super) starving: bool,
    /// Steps whose brief is not worth another attempt.
    pub(super) without_brief: BTreeSet<usize>,
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
        let count = plan.top().len();
        let top = plan.top().iter();
        let instances: Vec<Instance> = top
            .map(|&at| Instance::new(at, plan.steps()[at].id.clone(), plan.needs(at).len()))
            .collect();
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
            whole: Children::new(0, count, None),
            answers: IndexMap::new(),
            approvals: Approvals::default(),
            ready,
            complete: VecDeque::new(),
            broken: BTreeSet::new(),
            due: VecDeque::new(),
            starving: false,
            without_brief: BTreeSet::new(),
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

    /// Where an instance stands. The steps that stand in no group are the first instances, in order.
    pub fn status(&self, instance: usize) -> StepStatus {
        self.instances[instance].status
    }

    /// Deliverable and brief of an instance, once it is finished.
    pub fn result(&self, instance: usize) -> Option<(Digest, Option<Digest>)> {
        let instance = &self.instances[instance];
        instance.deliverable.map(|deliverable| (deliverable, instance.brief))
    }

    /// The value of an instance, once it is finished and where it has one; of a fan-out, the list of those
    /// of its items.
    pub fn output(&self, instance: usize) -> Option<Digest> {
        self.instances[instance].output
    }

    /// The course of the review of an instance.
    pub fn review(&self, instance: usize) -> &ReviewLog {
        &self.instances[instance].review
    }

    /// The brief of the good draft of an instance, where it has one.
    pub fn draft_brief(&self, instance: usize) -> Option<Digest> {
        let instance = &self.instances[instance];
        instance.draft.as_ref().and_then(|(_, draft)| draft.brief).or(instance.brief)
    }

    /// The last answer of an instance that did not fit its schema, as it came.
    pub fn rejected(&self, instance: usize) -> Option<Digest> {
        self.instances[instance].rejected
    }

    /// What a repair at this point of an instance stands for: the purpose of the call whose answer did not
    /// fit.
    pub fn stands_for(&self, instance: usize) -> Purpose {
        self.instances[instance].stands_for
    }

    /// The deliverable of a good draft whose brief is still missing.
    pub fn draft(&self, instance: usize) -> Option<Digest> {
        self.instances[instance].draft.as_ref().map(|(_, answer)| answer.deliverable)
    }

    /// The call that an instance is at, once it is evaluated.
    pub fn prepared(&self, instance: usize) -> Option<&crate::event::PreparedCall> {
        self.instances[instance].call.as_deref()
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
            Input::DiskFull => {
                self.stop(Outcome::Paused(PauseReason::DiskFull));
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

    pub(super) fn concurrency(&self) -> usize {
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
        self.close_complete()?;
        let goes_on = |run: &Self| run.stopping.as_ref().is_none_or(Outcome::is_failed_step);
        while goes_on(self) && self.in_flight + self.preparing_count < self.concurrency() {
            if !self.starving
                && let Some(step) = self.due.pop_front()
            {
                self.touches += 1;
                if self.may_start(step) && self.instances[step].status.awaits_sending() {
                    if self.outdated.contains(&step) {
                        self.prepare(step);
                    } else {
                        self.send(step)?;
                    }
                }
            } else if let Some(step) = self.ready.pop_front() {
                self.touches += 1;
                if self.may_start(step) {
                    self.begin(step)?;
                }
            } else {
                break;
            }
        }
        let expiry =
            self.next_expiry().filter(|_| self.stopping.is_none() || self.waits_for_person());
        let retry = self.waiting.peek().map(|&Reverse((at, _))| at);
        let over = self.time_is_over_at();
        if let Some(at) = retry.into_iter().chain(expiry).chain(over).min()
            && self.wake_at != Some(at)
        {
            self.wake_at = Some(at);
            self.decisions.effects.push(Effect::WakeAt(at));
        }
        Ok(())
    }

    /// Takes up a step whose needs are at their end: it is skipped because of them, or prepared.
    fn begin(&mut self, step: usize) -> Result<(), IllegalEvent> {
        if self.is_called_off(step) {
            self.call_off(step);
            return self.close_complete();
        }
        if self.instances[step].status == StepStatus::Ready
            && let Some(reason) = self.skips(step)
        {
            let path = self.instances[step].path.clone();
            self.record(Event::StepSkipped { step: path, reason })?;
            return self.close_complete();
        }
        // An item with a good draft that has waited for its turn since the run was resumed may need no call.
        if self.instances[step].status == StepStatus::Answered
            && !matches!(self.upcoming(step), Next::Call(..))
        {
            return self.go_on(step);
        }
        self.prepare(step);
        Ok(())
    }

    fn prepare(&mut self, step: usize) {
        let instance = &self.instances[step];
        let wanted = matches!(instance.status, StepStatus::Ready | StepStatus::Answered)
            || instance.misfit.is_some()
            || self.is_joining(step)
            || self.without_brief.contains(&step)
            || self.outdated.contains(&step);
        if self.preparing[step] || !wanted {
            return;
        }
        let Next::Call(purpose, number) = self.upcoming(step) else { return };
        self.preparing[step] = true;
        self.preparing_count += 1;
        let call = CallId { step: self.instances[step].path.clone(), purpose, number };
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
                let call = self.instances[step].call_id();
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

    fn prepared_arrived(&mut self, call: &CallId, prepared: Prepared) -> Result<(), IllegalEvent> {
        let step = self.position(call, "prepared")?;
        if !std::mem::replace(&mut self.preparing[step], false) {
            return Ok(());
        }
        self.preparing_count -= 1;
        self.outdated.remove(&step);
        if call.purpose != Purpose::Brief {
            self.without_brief.remove(&step);
        }
        match prepared {
            Prepared::Call { call: prepared, reuse } => {
                self.record(Event::CallPrepared { call: call.clone(), prepared })?;
                match reuse {
                    Some(reuse) => {
                        let (origin, answer) = *reuse;
                        self.reuse(step, origin, &answer)
                    }
                    // The slot that preparing held goes to this very call.
                    None if self.may_start(step) => self.send(step),
                    None => Ok(()),
                }
            }
            Prepared::Items { count, .. } if self.instances.len() + count > MOST_INSTANCES => {
                let message = format!(
                    "the list has {count} items, and a run has at most {MOST_INSTANCES} steps with all their items"
                );
                let failure = Failure::new(FailureClass::Preparation, message);
                self.give_up(step, call.purpose, failure)
            }
            Prepared::Items { count, list } => {
                self.record(Event::ItemsFound { step: call.step.clone(), count, list })
            }
            Prepared::Group if self.has_no_room_for_members(step) => {
                let message =
                    format!("a run has at most {MOST_INSTANCES} steps with all their items");
                let failure = Failure::new(FailureClass::Preparation, message);
                self.give_up(step, call.purpose, failure)
            }
            Prepared::Group => self.record(Event::GroupOpened { step: call.step.clone() }),
            Prepared::Joined { deliverable, brief, output } => self.record(Event::StepSucceeded {
                step: call.step.clone(),
                source: StepSource::Joined,
                deliverable,
                brief,
                output,
            }),
            Prepared::Skipped(reason) => {
                self.record(Event::StepSkipped { step: call.step.clone(), reason })
            }
            Prepared::Value(deliverable) => self.record(Event::StepSucceeded {
                step: call.step.clone(),
                source: StepSource::Render,
                deliverable,
                brief: None,
                output: None,
            }),
            Prepared::Ask(asked) => self.ask(step, *asked),
            Prepared::Invalid(failure) => self.give_up(step, call.purpose, failure),
        }
    }

    fn reuse(
        &mut self,
        step: usize,
        origin: ReuseOrigin,
        answer: &Answered,
    ) -> Result<(), IllegalEvent> {
        let call = self.instances[step].call_id();
        self.record(Event::CallReused { call, origin, answer: answer.clone() })?;
        self.go_on(step)
    }

    /// What a step at rest does next. It follows from the journal, but for briefs that were given up.
    fn upcoming(&self, step: usize) -> Next {
        let instance = &self.instances[step];
        match instance.status {
            StepStatus::Ready => Next::Call(Purpose::Draft, instance.withdrawn + 1),
            StepStatus::Answered => self.after_answer(step),
            _ if self.without_brief.contains(&step) => self.after_answer(step),
            _ => match &instance.misfit {
                Some(_) if instance.repairs_here < self.plan.repairs(instance.position) => {
                    Next::Call(Purpose::Repair, instance.withdrawn + instance.repairs + 1)
                }
                Some(misfit) => Next::Fail(misfit.clone()),
                // The same call, evaluated anew.
                None => Next::Call(instance.purpose, instance.number),
            },
        }
    }

    fn after_answer(&self, step: usize) -> Next {
        let instance = &self.instances[step];
        let Some((_, draft)) = &instance.draft else { return Next::Finish };
        let settled = instance.brief_settled || self.without_brief.contains(&step);
        if draft.brief.is_none() && !settled && self.plan.wants_brief(instance.position) {
            return Next::Call(Purpose::Brief, instance.withdrawn + instance.briefs + 1);
        }
        let Some(review) = self.plan.review(instance.position) else { return Next::Finish };
        match instance.review.standing(review.by.len(), review.rounds, instance.versions) {
            Standing::Judge(number) => Next::Call(Purpose::Verdict, instance.withdrawn + number),
            Standing::Revise(number) => Next::Call(Purpose::Revise, instance.withdrawn + number),
            // What nobody has judged has not failed; it is told as that.
            Standing::Ended(Stop::Converged | Stop::NotJudged) => Next::Finish,
            Standing::Ended(_) if review.on_fail == OnFail::Continue => Next::Finish,
            Standing::Ended(reason) => Next::Fail(instance.review.failure(reason)),
        }
    }

    /// Records that a review is over, once.
    fn end_review(&mut self, step: usize) -> Result<(), IllegalEvent> {
        let instance = &self.instances[step];
        let review = self.plan.review(instance.position);
        let Some(review) = review.filter(|_| instance.review.stop.is_none()) else {
            return Ok(());
        };
        let standing = instance.review.standing(review.by.len(), review.rounds, instance.versions);
        let Standing::Ended(reason) = standing else { return Ok(()) };
        let rounds = instance.versions;
        let path = instance.path.clone();
        self.record(Event::ReviewEnded { step: path, stop: reason, rounds })
    }

    /// A step at rest takes its next call, or ends.
    fn go_on(&mut self, step: usize) -> Result<(), IllegalEvent> {
        match self.upcoming(step) {
            Next::Call(..) => {
                self.ready.push_front(step);
                Ok(())
            }
            Next::Finish => {
                self.end_review(step)?;
                self.finish(step)
            }
            Next::Fail(failure) => {
                self.end_review(step)?;
                self.fail(step, failure)
            }
        }
    }

    /// A brief is no loss of the draft.
    pub(super) fn go_on_without_brief(&mut self, step: usize) -> Result<(), IllegalEvent> {
        self.without_brief.insert(step);
        self.go_on(step)
    }

    fn finish(&mut self, step: usize) -> Result<(), IllegalEvent> {
        let instance = &self.instances[step];
        let Some((source, draft)) = &instance.draft else { return Ok(()) };
        let event = Event::StepSucceeded {
            step: self.instances[step].path.clone(),
            source: *source,
            deliverable: draft.deliverable,
            brief: draft.brief.or(instance.brief),
            output: draft.output,
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
            && (instance.purpose, instance.number) == (call.purpose, call.number);
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
                self.go_on(step)?;
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
        if !self.may_start(step) {
            // The run is coming to rest; a resume takes up where this attempt ended.
            return Ok(());
        }
        if failure.class == FailureClass::Misfit {
            self.hand_over_the_lead(step);
            return self.go_on(step);
        }
        let instance = &self.instances[step];
        let call = instance.call_id();
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
            None => self.give_up(step, call.purpose, failure),
        }
    }

    /// The call of `step` will not be made (again). A missing brief is no loss of the draft.
    pub(super) fn give_up(
        &mut self,
        step: usize,
        purpose: Purpose,
        failure: Failure,
    ) -> Result<(), IllegalEvent> {
        self.hand_over_the_lead(step);
        if purpose == Purpose::Brief {
            return self.go_on_without_brief(step);
        }
        self.fail(step, failure)
    }

    /// The step fails, and with it everything that cannot do without it.
    pub(super) fn fail(&mut self, step: usize, failure: Failure) -> Result<(), IllegalEvent> {
        let path = self.instances[step].path.clone();
        let optional = self.is_tolerated(step);
        self.record(Event::StepFailed { step: path.clone(), failure, optional })?;
        let mut around = Vec::new();
        let mut at = step;
        while !self.is_tolerated(at) {
            let Some(parent) = self.instances[at].parent else {
                self.broken.extend(around);
                self.stop(Outcome::Failed(RunFailure::Step(path)));
                break;
            };
            around.push(parent);
            at = parent;
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
    pub(super) fn hand_over_the_lead(&mut self, step: usize) {
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

    /// Starts nothing new from here on. The first reason stands; what is there for failures needs a budget
    /// too.
    pub(super) fn stop(&mut self, outcome: Outcome) {
        let gives_way = self.stopping.as_ref().is_none_or(|earlier| {
            let is_budget = matches!(outcome, Outcome::Failed(RunFailure::Budget(_)));
            is_budget && earlier.is_failed_step()
        });
        if self.phase == Phase::Running && gives_way {
            self.stopping = Some(outcome);
            let mut waiting = std::mem::take(&mut self.waiting);
            waiting.retain(|&Reverse((_, step))| self.may_start(step));
            self.waiting = waiting;
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
            if instance.status == StepStatus::Calling && !instance.dropped {
                let call = instance.call_id();
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
        self.reopen()?;
        self.ready.clear();
        self.complete.clear();
        self.broken.clear();
        self.due.clear();
        self.starving = false;
        self.without_brief.clear();
        self.outdated.clear();
        self.waiting.clear();
        self.leading.clear();
        self.approvals.expiries.clear();
        self.stopping = None;
        for step in 0..self.instances.len() {
            let instance = &self.instances[step];
            if instance.dropped {
                continue;
            }
            // Another run may have paid for the same answer since, and caps may be others now.
            if instance.status.awaits_sending() {
                self.outdated.insert(step);
            }
            match instance.status {
                StepStatus::Ready | StepStatus::Answered if instance.waits_for_turn() => {}
                StepStatus::Ready => self.ready.push_back(step),
                StepStatus::Open => {
                    self.complete.push_back(step);
                    self.recount(step);
                }
                StepStatus::Answered => self.go_on(step)?,
                StepStatus::Ended if instance.misfit.is_some() => self.go_on(step)?,
                StepStatus::Prepared | StepStatus::Ended => self.due.push_back(step),
                StepStatus::RetryWait => self.waiting.push(Reverse((instance.due, step))),
                StepStatus::Asking => self.put_question(step),
                StepStatus::Decided => self.conclude_approval(step)?,
                StepStatus::Blocked
                | StepStatus::Calling
                | StepStatus::Succeeded
                | StepStatus::Failed
                | StepStatus::Skipped => {}
            }
        }
        Ok(())
    }

    /// Nothing is in flight and nothing can begin.
    fn is_quiet(&self) -> bool {
        self.in_flight == 0 && self.preparing_count == 0
    }

    fn come_to_rest(&mut self) -> Result<(), IllegalEvent> {
        // What contains a failure fails last, so that everything in it that was paid for is kept; then
        // those begin that are there for failures.
        while self.is_quiet()
            && self.waiting.is_empty()
            && !self.waits_for_person()
            && self.stopping.as_ref().is_some_and(Outcome::is_failed_step)
            && let Some(broken) = self.broken.pop_last()
        {
            if self.instances[broken].status == StepStatus::Open && !self.instances[broken].dropped
            {
                self.fail_whole(broken)?;
                self.schedule(self.now)?;
            }
        }
        if !self.is_quiet() {
            return Ok(());
        }
        let finished = self.whole.pending == 0 && self.whole.failed == 0;
        let outcome = match &self.stopping {
            // Work that finished while the run was stopping may have been the last there was.
            _ if finished => Outcome::Succeeded,
            _ if !self.waiting.is_empty() || self.waits_for_person() => return Ok(()),
            Some(outcome) => outcome.clone(),
            None if self.awaits_approval() => Outcome::Paused(PauseReason::AwaitingApproval),
            None => return Err(IllegalEvent::Stuck(self.whole.pending)),
        };
        self.stopping = None;
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
        self.instance(&call.step)
            .ok_or_else(|| IllegalEvent::UnknownStep { event, step: call.step.clone() })
    }
}
