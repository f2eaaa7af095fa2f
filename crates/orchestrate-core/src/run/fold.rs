//! How recorded events change the lasting state of a run: the only way it ever changes.

use std::sync::Arc;

use super::{
    approval::ApprovalState,
    machine::{Phase, Run},
    needs::Ending,
    step::{Happening, IllegalEvent, happening, next},
};
use crate::{
    Timestamp,
    budget::Reservation,
    event::{Answered, Event, LossCause, PauseReason, ReuseOrigin, StepSource},
    failure::{Billed, FailureClass},
    flow::MOST_INSTANCES,
    plan::Plan,
};

impl Run {
    /// The state after `events`, each with the time at which it was decided.
    ///
    /// # Errors
    /// [`IllegalEvent`] where an event cannot follow what came before.
    pub fn replay<'a>(
        plan: Arc<Plan>,
        events: impl IntoIterator<Item = (Timestamp, &'a Event)>,
    ) -> Result<Self, IllegalEvent> {
        let mut run = Self::new(plan);
        for (at, event) in events {
            run.apply(at, event)?;
        }
        Ok(run)
    }

    /// Folds one event into the lasting state.
    ///
    /// # Errors
    /// [`IllegalEvent`] where it cannot follow what came before.
    pub fn apply(&mut self, at: Timestamp, event: &Event) -> Result<(), IllegalEvent> {
        self.touches += 1;
        self.now = at;
        self.running.note(at, event);
        match happening(event) {
            Some((path, what)) => {
                let kind = event.kind();
                let step = self
                    .instance(path)
                    .ok_or_else(|| IllegalEvent::UnknownStep { event: kind, step: path.clone() })?;
                self.apply_to_step(step, what, event)
            }
            None => self.apply_to_run(event),
        }
    }

    pub(super) fn advance(
        &mut self,
        step: usize,
        what: Happening,
        kind: &'static str,
    ) -> Result<(), IllegalEvent> {
        let status = self.instances[step].status;
        self.instances[step].status = next(status, what).ok_or_else(|| IllegalEvent::Step {
            event: kind,
            step: self.instances[step].path.clone(),
            status,
        })?;
        Ok(())
    }

    fn apply_to_step(
        &mut self,
        step: usize,
        what: Happening,
        event: &Event,
    ) -> Result<(), IllegalEvent> {
        let before = &self.instances[step];
        let what = match what {
            Happening::Reopened if before.children.is_some() => Happening::ReopenedInside,
            Happening::Reopened if before.draft.is_some() => Happening::Continued,
            Happening::PersonDecided if before.draft.is_some() => Happening::PersonJudged,
            _ => what,
        };
        self.advance(step, what, event.kind())?;
        let instance = &mut self.instances[step];
        match event {
            Event::CallPrepared { call, prepared } => {
                instance.admitted = true;
                instance.evaluated(call, prepared);
            }
            Event::CallIntent { attempt, reserved, reserved_cost, .. } => {
                instance.attempts = *attempt;
                instance.reserved = Reservation { tokens: *reserved, cost: *reserved_cost };
                instance.unknown = false;
                self.ledger.reserve(&instance.reserved);
                self.in_flight += 1;
            }
            Event::CallSucceeded { call, answer, .. } => {
                instance.answered(StepSource::Call, answer);
                self.ledger.settle(&instance.reserved, &answer.usage, instance.price());
                self.in_flight -= 1;
                let origin = ReuseOrigin { run: self.run_id(), call: call.clone(), at: self.now };
                self.keep_answer(step, origin, answer);
            }
            Event::CallReused { origin, answer, .. } => {
                instance.answered(StepSource::Reuse, answer);
                self.keep_answer(step, origin.clone(), answer);
            }
            Event::CallFailed { billed, usage, .. } => {
                instance.failed = instance.failed.saturating_add(1);
                match (billed, usage) {
                    (_, Some(usage)) => {
                        self.ledger.settle(&instance.reserved, usage, instance.price());
                    }
                    (Billed::No, None) => self.ledger.release(&instance.reserved),
                    (Billed::Assumed | Billed::Reported, None) => {
                        self.ledger.forfeit(&instance.reserved);
                    }
                }
                self.in_flight -= 1;
            }
            Event::OutputRejected { usage, failure, partial, .. } => {
                instance.failed = instance.failed.saturating_add(1);
                if failure.class == FailureClass::Misfit {
                    instance.misfit = Some(failure.clone());
                    instance.rejected = *partial;
                }
                match usage {
                    Some(usage) => {
                        self.ledger.settle(&instance.reserved, usage, instance.price());
                    }
                    None => self.ledger.forfeit(&instance.reserved),
                }
                self.in_flight -= 1;
            }
            Event::CallUnknown { cause, .. } => {
                // What a crash or a person ended says nothing against the call itself.
                if *cause == LossCause::Connection {
                    instance.failed = instance.failed.saturating_add(1);
                }
                // Whoever ended it knows of it.
                instance.unknown = *cause != LossCause::Cancelled;
                self.ledger.forfeit(&instance.reserved);
                self.in_flight -= 1;
            }
            Event::RetryScheduled { due, counted, .. } => {
                instance.due = *due;
                instance.unknown = false;
                self.retries += u64::from(*counted);
            }
            Event::ModelFellBack { .. } => {
                instance.fallbacks += 1;
                instance.failed = 0;
                instance.unknown = false;
            }
            Event::CallDegraded { relief, .. } => instance.degraded.push(*relief),
            Event::StepSucceeded { deliverable, brief, output, .. } => {
                instance.deliverable = Some(*deliverable);
                instance.brief = *brief;
                instance.output = *output;
                self.settle(step, Ending::Good)?;
            }
            Event::ReviewEnded { stop, .. } => instance.review.stop = Some(*stop),
            Event::ApprovalRequested { request, .. } => {
                let state = ApprovalState { request: request.clone(), decision: None };
                instance.approval = Some(Box::new(state));
                instance.admitted = true;
                self.approvals.asking.insert(step);
            }
            Event::ApprovalDecided { decision, .. } => {
                if let Some(approval) = &mut instance.approval {
                    approval.decision = Some((**decision).clone());
                }
                if instance.draft.is_some() {
                    instance.review.decide(decision);
                }
                self.approvals.asking.remove(&step);
            }
            Event::ApprovalExpired { .. } => {
                self.approvals.asking.remove(&step);
            }
            Event::StepFailed { optional, .. } => {
                let ending = if *optional { Ending::Tolerated } else { Ending::Failed };
                self.settle(step, ending)?;
            }
            Event::ItemsFound { count, list, step: path } => {
                // No run ever records this; a damaged journal must not fill the memory.
                if self.instances.len().saturating_add(*count) > MOST_INSTANCES {
                    let (event, status) = (event.kind(), self.instances[step].status);
                    return Err(IllegalEvent::Step { event, step: path.clone(), status });
                }
                self.add_items(step, *count, *list);
            }
            Event::GroupOpened { inputs, .. } => self.add_members(step, *inputs),
            Event::StepSkipped { .. } => self.settle(step, Ending::Skipped)?,
            Event::StepReopened { .. } => {
                instance.reopen();
                self.unsettle(step);
            }
            Event::StepWithdrawn { .. } => {
                self.unsettle(step);
                let numbered = self.drop_parts(step);
                self.approvals.asking.remove(&step);
                self.instances[step].withdraw(numbered);
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
            | Event::RunFailed { .. } => {}
        }
        Ok(())
    }

    /// Whoever asks the same in this run gets this answer.
    fn keep_answer(&mut self, step: usize, origin: ReuseOrigin, answer: &Answered) {
        if let Some(prepared) = &self.instances[step].call {
            self.answers.entry(prepared.identity).or_insert_with(|| (origin, answer.clone()));
        }
    }

    fn apply_to_run(&mut self, event: &Event) -> Result<(), IllegalEvent> {
        let phase = self.phase;
        let illegal = || IllegalEvent::Run { event: event.kind(), phase: phase.as_str() };
        self.phase = match (phase, event) {
            (Phase::New, Event::RunCreated(created)) => {
                self.limits = created.limits;
                self.created = Some(created.clone());
                Phase::Idle
            }
            // Opening a run that was running: the process that ran it is gone.
            (Phase::Idle, Event::RunForked(_))
            | (Phase::Idle | Phase::Running, Event::SessionOpened { .. }) => Phase::Idle,
            (Phase::Paused | Phase::Failed | Phase::Succeeded, Event::SessionOpened { .. }) => {
                phase
            }
            (Phase::Idle, Event::RunStarted) if !self.started => {
                self.started = true;
                Phase::Running
            }
            (Phase::Idle | Phase::Paused | Phase::Failed, Event::RunResumed { limits })
                if self.started =>
            {
                self.limits = *limits;
                self.retries = 0;
                for instance in &mut self.instances {
                    (instance.failed, instance.fallbacks) = (0, 0);
                    instance.degraded.clear();
                }
                Phase::Running
            }
            (Phase::Running, Event::LaneSlowed { .. }) => Phase::Running,
            (Phase::Running, Event::RunPaused { reason }) => {
                // Whoever resumes it knows of all that nobody knows the outcome of.
                if *reason == PauseReason::CallUnknown {
                    self.instances.iter_mut().for_each(|instance| instance.unknown = false);
                }
                Phase::Paused
            }
            // At rest a person's no is recorded by whoever takes it down.
            (Phase::Running | Phase::Idle | Phase::Paused, Event::RunFailed { .. }) => {
                Phase::Failed
            }
            (Phase::Running, Event::RunSucceeded) => Phase::Succeeded,
            (
                Phase::Running | Phase::Paused | Phase::Failed | Phase::Succeeded,
                Event::ArtifactWritten { .. },
            ) => phase,
            _ => return Err(illegal()),
        };
        Ok(())
    }
}
