//! How attempts end.

use super::{
    exchange::AttemptOutcome,
    machine::Run,
    setbacks::Setback,
    step::{IllegalEvent, StepStatus},
};
use crate::{
    Timestamp,
    event::Event,
    failure::{Failure, FailureClass},
    ids::CallId,
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
        let is_news = self.learn_from(step, &outcome);
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
                self.retry_or_give_up(now, step, failure, Setback { is_news, wait_ms: None })
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
                let setback = Setback { is_news, wait_ms: retry_after_ms };
                self.retry_or_give_up(now, step, failure, setback)
            }
            AttemptOutcome::Lost { failure, cause, partial } => {
                let seen = Some(failure.clone());
                self.record(Event::CallUnknown { call, attempt, cause, failure: seen, partial })?;
                if !self.goes_on_after_unknown(step, &failure)? {
                    return Ok(());
                }
                self.retry_or_give_up(now, step, failure, Setback { is_news, wait_ms: None })
            }
        }
    }

    pub(super) fn retry_or_give_up(
        &mut self,
        now: Timestamp,
        step: usize,
        failure: Failure,
        setback: Setback,
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
        self.retry_or_turn(now, step, failure, setback)
    }
}
