//! How a run goes on after a pause, stops, and comes to rest.

use std::cmp::Reverse;

use super::{
    exchange::{Effect, Outcome},
    machine::{Phase, Run},
    step::{IllegalEvent, StepStatus},
    traffic::Traffic,
};
use crate::{
    budget::Limits,
    event::{Event, LossCause, PauseReason, RunFailure},
};

impl Run {
    /// Looks at every step once and puts it where it belongs.
    pub(super) fn resume(&mut self, limits: Option<Limits>) -> Result<(), IllegalEvent> {
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
        self.parked.clear();
        self.unparked.clear();
        self.waiting.clear();
        self.leading.clear();
        self.traffic = Traffic::default();
        self.approvals.expiries.clear();
        self.stopping = None;
        for step in 0..self.instances.len() {
            if self.instances[step].status == StepStatus::Open && !self.instances[step].dropped {
                self.recount(step);
            }
        }
        for step in 0..self.instances.len() {
            if !self.is_parked(step) {
                self.take_up(step)?;
            }
        }
        Ok(())
    }

    /// Whether a step is, or stands in, an item that waits for others of its list.
    fn is_parked(&self, step: usize) -> bool {
        let mut around = std::iter::successors(Some(step), |&at| self.instances[at].parent);
        !(self.parked.is_empty() && self.unparked.is_empty())
            && around.any(|at| self.parked.contains(&at) || self.unparked.contains(&at))
    }

    /// Items that waited for others of their list go on, with everything that stands in them.
    pub(super) fn take_up_unparked(&mut self) -> Result<(), IllegalEvent> {
        while let Some(item) = self.unparked.pop_first() {
            let mut work = vec![item];
            while let Some(step) = work.pop() {
                self.touches += 1;
                if !self.is_parked(step) {
                    self.take_up(step)?;
                    work.extend(self.parts(step).rev());
                }
            }
        }
        Ok(())
    }

    /// Puts a step where it belongs, once after each resume.
    fn take_up(&mut self, step: usize) -> Result<(), IllegalEvent> {
        let instance = &self.instances[step];
        if instance.dropped {
            return Ok(());
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
                self.release(step);
            }
            StepStatus::Answered => self.go_on(step)?,
            StepStatus::Ended if instance.misfit.is_some() => self.go_on(step)?,
            StepStatus::Ended if instance.unknown => self.take_up_unknown(step)?,
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
        Ok(())
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

    pub(super) fn forget_preparations(&mut self) {
        for (step, preparing) in self.preparing.iter_mut().enumerate() {
            if std::mem::take(preparing) {
                self.ready.push_back(step);
            }
        }
        self.preparing_count = 0;
        self.traffic.clear_places();
    }

    pub(super) fn lose_everything(&mut self, cause: LossCause) -> Result<(), IllegalEvent> {
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

    /// Nothing is in flight and nothing can begin.
    pub(super) fn is_quiet(&self) -> bool {
        self.in_flight == 0 && self.preparing_count == 0
    }

    pub(super) fn come_to_rest(&mut self) -> Result<(), IllegalEvent> {
        // What contains a failure fails last, so that everything in it that was paid for is kept; then
        // those begin that are there for failures.
        while self.is_quiet()
            && self.waiting.is_empty()
            && !self.waits_at_lanes()
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
            _ if !self.waiting.is_empty() || self.waits_at_lanes() || self.waits_for_person() => {
                return Ok(());
            }
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
}
