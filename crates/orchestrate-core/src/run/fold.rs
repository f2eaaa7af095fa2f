//! How recorded events change the lasting state of a run: the only way it ever changes.

use std::sync::Arc;

use super::{
    approval::ApprovalState,
    machine::{Phase, Run},
    step::{Happening, IllegalEvent, StepStatus, happening, next},
};
use crate::{
    Timestamp,
    budget::Reservation,
    event::{Answered, Event, LossCause, ReuseOrigin, StepSource},
    failure::Billed,
    ids::Purpose,
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
                    .plan
                    .position(path)
                    .ok_or_else(|| IllegalEvent::UnknownStep { event: kind, step: path.clone() })?;
                self.apply_to_step(step, what, event)
            }
            None => self.apply_to_run(event),
        }
    }

    fn advance(
        &mut self,
        step: usize,
        what: Happening,
        kind: &'static str,
    ) -> Result<(), IllegalEvent> {
        let status = self.instances[step].status;
        self.instances[step].status = next(status, what).ok_or_else(|| IllegalEvent::Step {
            event: kind,
            step: self.plan.steps()[step].id.clone(),
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
        self.advance(step, what, event.kind())?;
        let instance = &mut self.instances[step];
        match event {
            Event::CallPrepared { call, prepared } => {
                // A call that is evaluated again, after a failure, goes on counting its attempts.
                let same =
                    instance.call.is_some() && instance.purpose_prepared == Some(call.purpose);
                instance.purpose = call.purpose;
                instance.purpose_prepared = Some(call.purpose);
                instance.call = Some(prepared.clone());
                if !same {
                    instance.attempts = 0;
                }
                instance.failed = 0;
            }
            Event::CallIntent { attempt, reserved, reserved_cost, .. } => {
                instance.attempts = *attempt;
                instance.reserved = Reservation { tokens: *reserved, cost: *reserved_cost };
                self.ledger.reserve(&instance.reserved);
                self.in_flight += 1;
            }
            Event::CallSucceeded { call, answer, .. } => {
                match instance.purpose {
                    Purpose::Draft => instance.draft = Some((StepSource::Call, answer.clone())),
                    Purpose::Brief => instance.brief = answer.brief,
                }
                self.ledger.settle(&instance.reserved, &answer.usage, instance.price());
                self.in_flight -= 1;
                let origin = ReuseOrigin { run: self.run_id(), call: call.clone(), at: self.now };
                self.keep_answer(step, origin, answer);
            }
            Event::CallReused { origin, answer, .. } => {
                match instance.purpose {
                    Purpose::Draft => instance.draft = Some((StepSource::Reuse, answer.clone())),
                    Purpose::Brief => instance.brief = answer.brief,
                }
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
            Event::OutputRejected { usage, .. } => {
                instance.failed = instance.failed.saturating_add(1);
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
                self.ledger.forfeit(&instance.reserved);
                self.in_flight -= 1;
            }
            Event::RetryScheduled { due, .. } => instance.due = *due,
            Event::StepSucceeded { deliverable, brief, .. } => {
                instance.deliverable = Some(*deliverable);
                instance.brief = *brief;
                self.settle(step)?;
            }
            Event::ApprovalRequested { request, .. } => {
                let state = ApprovalState { request: request.clone(), decision: None };
                instance.approval = Some(Box::new(state));
                self.approvals.asking += 1;
            }
            Event::ApprovalDecided { decision, .. } => {
                if let Some(approval) = &mut instance.approval {
                    approval.decision = Some((**decision).clone());
                }
                self.approvals.asking -= 1;
            }
            Event::ApprovalExpired { .. } => self.approvals.asking -= 1,
            Event::StepFailed { optional, .. } => {
                if *optional {
                    instance.gave_up = true;
                    self.settle(step)?;
                }
            }
            Event::SessionOpened { .. }
            | Event::RunCreated(_)
            | Event::RunForked(_)
            | Event::RunStarted
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

    /// The step counts as met: its dependents have one need less.
    fn settle(&mut self, step: usize) -> Result<(), IllegalEvent> {
        self.unsettled -= 1;
        let plan = Arc::clone(&self.plan);
        for &dependent in plan.dependents(step) {
            self.touches += 1;
            self.instances[dependent].unmet -= 1;
            if self.instances[dependent].unmet == 0 {
                self.advance(dependent, Happening::NeedsMet, "needs_met")?;
                self.ready.push_back(dependent);
            }
        }
        Ok(())
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
                self.reopen_failed()?;
                Phase::Running
            }
            (Phase::Running, Event::RunPaused { .. }) => Phase::Paused,
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

    /// Failed steps that the run cannot do without get another chance, evaluated anew.
    fn reopen_failed(&mut self) -> Result<(), IllegalEvent> {
        for step in 0..self.instances.len() {
            self.instances[step].failed = 0;
            if self.instances[step].status == StepStatus::Failed && !self.instances[step].gave_up {
                self.advance(step, Happening::Reopened, "run_resumed")?;
                self.instances[step].purpose = Purpose::Draft;
            }
        }
        Ok(())
    }
}
