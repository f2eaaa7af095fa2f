//! How attempts end, and whether they are repeated.

use std::cmp::Reverse;

use super::{
    exchange::AttemptOutcome,
    machine::Run,
    step::{IllegalEvent, StepStatus},
};
use crate::{
    Timestamp,
    event::Event,
    failure::{Failure, FailureClass},
    ids::CallId,
    policy::jitter,
};

impl Run {
    pub(super) fn attempt_ended(
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

    pub(super) fn retry_or_give_up(
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
}
