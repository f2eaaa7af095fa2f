//! The state machine of one run.

use std::{
    cmp::Reverse,
    collections::{BTreeSet, BinaryHeap, VecDeque},
    sync::Arc,
};

use indexmap::IndexMap;

use super::{
    approval::Approvals,
    exchange::{Decisions, Input, Outcome},
    instance::Instance,
    items::Children,
    send::Leading,
    step::{IllegalEvent, StepStatus},
    traffic::Traffic,
};
use crate::{
    Timestamp,
    budget::{Ledger, Limits, RunningTime},
    event::{Answered, Event, LossCause, PauseReason, ReuseOrigin, RunCreated},
    ids::{CallId, Digest, Purpose, RunId},
    plan::Plan,
    request::Identity,
    review::ReviewLog,
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
    /// Retries since the run was last resumed, as far as they count against its budget.
    pub(super) retries: u64,
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
    /// Items that had begun when the run was resumed, and wait since too many of their list had.
    pub(super) parked: BTreeSet<usize>,
    /// Those of them that may go on now.
    pub(super) unparked: BTreeSet<usize>,
    pub(super) waiting: BinaryHeap<Reverse<(Timestamp, usize)>>,
    pub(super) preparing: Vec<bool>,
    pub(super) preparing_count: usize,
    pub(super) leading: IndexMap<Identity, Leading>,
    pub(super) traffic: Traffic,
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
            retries: 0,
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
            parked: BTreeSet::new(),
            unparked: BTreeSet::new(),
            waiting: BinaryHeap::new(),
            preparing: vec![false; count],
            preparing_count: 0,
            leading: IndexMap::new(),
            traffic: Traffic::default(),
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
            Input::LimitsHeard { call, limits } => {
                self.hear(&call, &limits);
                Ok(())
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

    pub(super) fn record(&mut self, event: Event) -> Result<(), IllegalEvent> {
        self.apply(self.now, &event)?;
        self.decisions.events.push(event);
        Ok(())
    }

    pub(super) fn position(
        &self,
        call: &CallId,
        event: &'static str,
    ) -> Result<usize, IllegalEvent> {
        self.instance(&call.step)
            .ok_or_else(|| IllegalEvent::UnknownStep { event, step: call.step.clone() })
    }
}
