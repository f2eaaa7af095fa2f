//! What follows where an attempt brings no good answer: another attempt, another model, or the end.

use std::{cmp::Reverse, time::Duration};

use super::{exchange::Outcome, machine::Run, step::IllegalEvent};
use crate::{
    Timestamp,
    budget::Relief,
    event::{Event, PauseReason},
    failure::{Failure, FailureClass},
    in_words,
    plan::Action,
    policy::{OnUnknown, RetryPolicy, jitter},
    request::ModelRef,
};

/// What is known of an attempt that failed, beside why.
#[derive(Debug, Clone, Copy)]
pub(super) struct Setback {
    /// Whether it tells something new: others that were on their way beside it may have told it already.
    pub(super) is_news: bool,
    /// How long the provider asks to wait, in milliseconds.
    pub(super) wait_ms: Option<u64>,
}

/// Why there is no further attempt.
enum NoRetry {
    /// This failure is not one that another attempt mends, or there were attempts enough.
    Enough,
    /// Another attempt might mend it, and the workflow allows no more than these.
    Workflow(u16),
    /// The provider asks for a longer wait than anybody has.
    TooLong(Duration),
    /// The run has made as many retries as it may.
    Budget { used: u64, calls: u64 },
}

impl Run {
    pub(super) fn retry_policy(&self) -> RetryPolicy {
        self.created.as_ref().map(|created| created.retry.clone()).unwrap_or_default()
    }

    /// Schedules the next attempt; where there is to be none, another model is asked or the call given up.
    pub(super) fn retry_or_turn(
        &mut self,
        now: Timestamp,
        step: usize,
        failure: Failure,
        setback: Setback,
    ) -> Result<(), IllegalEvent> {
        // Lanes see to it that a busy server is not asked too often, and a request that is changed is not
        // repeated.
        let counted = setback.is_news
            && !matches!(
                failure.class,
                FailureClass::RateLimited | FailureClass::Overloaded | FailureClass::Unsupported
            );
        let next = self.next_attempt(step, failure.class, setback.wait_ms, counted);
        // While others have found that nothing gets through, a call with another model to go to goes.
        let elsewhere = failure.class.calls_for_another_model() && self.next_model(step).is_some();
        if elsewhere && (next.is_err() || self.is_lane_broken(step)) {
            return self.fall_back(step, failure);
        }
        match next {
            Ok(delay) => {
                let at = now.after(delay);
                if matches!(failure.class, FailureClass::RateLimited | FailureClass::Overloaded)
                    && setback.wait_ms.is_none()
                {
                    self.close_lane(step, at);
                }
                let call = self.instances[step].call_id();
                self.record(Event::RetryScheduled { call, due: at, counted })?;
                self.waiting.push(Reverse((at, step)));
                Ok(())
            }
            Err(reason) => {
                let purpose = self.instances[step].purpose;
                let failure = self.told(failure, &reason);
                self.give_up(step, purpose, failure)
            }
        }
    }

    fn next_attempt(
        &self,
        step: usize,
        class: FailureClass,
        wait_ms: Option<u64>,
        counted: bool,
    ) -> Result<Duration, NoRetry> {
        let instance = &self.instances[step];
        let policy = self.retry_policy();
        // A request that is changed is not repeated.
        let most = self.most_attempts(step).filter(|_| class != FailureClass::Unsupported);
        let own = most.map_or_else(|| policy.clone(), |most| policy.clone().with_at_most(most));
        let attempts = u16::try_from(instance.attempts).unwrap_or(u16::MAX);
        let draw = jitter(&self.run_id(), &instance.call_id(), attempts);
        let Some(delay) = own.next_delay(class, instance.failed, wait_ms, draw) else {
            if policy.next_delay(class, instance.failed, wait_ms, draw).is_some() {
                return Err(NoRetry::Workflow(own.max_attempts));
            }
            let wait = Duration::from_millis(wait_ms.unwrap_or_default());
            let waits = class.calls_for_another_model() && wait > policy.longest_wait();
            return Err(if waits { NoRetry::TooLong(wait) } else { NoRetry::Enough });
        };
        let calls = self.ledger.calls().max(self.instances.len() as u64);
        if counted && self.retries >= policy.retries_for(calls) {
            return Err(NoRetry::Budget { used: self.retries, calls });
        }
        Ok(delay)
    }

    /// The failure with what is to be known of it where nothing more is tried.
    fn told(&self, failure: Failure, reason: &NoRetry) -> Failure {
        match reason {
            NoRetry::Enough => failure,
            NoRetry::Workflow(most) => Failure {
                message: format!("{}; not tried again, as `retry: {most}` says", failure.message),
                ..failure
            },
            NoRetry::TooLong(wait) => self.asks_to_wait(failure, *wait),
            NoRetry::Budget { used, calls } => Failure {
                message: format!(
                    "{}; not tried again, since {used} retries are enough for a run of {calls} calls",
                    failure.message
                ),
                ..failure
            }
            .help("the provider fails too often to go on; resume once it does not"),
        }
    }

    fn asks_to_wait(&self, failure: Failure, wait: Duration) -> Failure {
        let patience = in_words(self.retry_policy().longest_wait());
        let wait_in_words = in_words(wait);
        let message = format!(
            "{}; the provider asks to wait {wait_in_words}, and a run waits {patience} at most",
            failure.message
        );
        let not_before = Some(self.now.after(wait));
        let help = format!("resume the run in {wait_in_words}: finished steps are kept");
        Failure { message, not_before, ..failure }.help(help)
    }

    /// The failure of a call whose lane stays closed for longer than anybody waits.
    pub(super) fn closed_for(&self, model: &ModelRef, wait: Duration) -> Failure {
        let message = format!("nothing can be sent to `{model}` now");
        self.asks_to_wait(Failure::new(FailureClass::RateLimited, message), wait)
    }

    /// The model of the chain that comes after the one that the step's call is at.
    pub(super) fn next_model(&self, step: usize) -> Option<&ModelRef> {
        // What comes next in the chain was meant for a budget that covers it.
        if self.instances[step].degraded.contains(&Relief::Cheaper) {
            return None;
        }
        self.chain(step).get(self.instances[step].fallbacks)
    }

    /// Gives the step's call to the next model of its chain. It is evaluated anew, since it is another call
    /// with an identity of its own.
    pub(super) fn fall_back(&mut self, step: usize, failure: Failure) -> Result<(), IllegalEvent> {
        let (Some(from), Some(to)) = (self.model(step).cloned(), self.next_model(step).cloned())
        else {
            return Ok(());
        };
        self.hand_over_the_lead(step);
        let call = self.instances[step].call_id();
        self.record(Event::ModelFellBack { call, from, to, failure })?;
        self.outdated.insert(step);
        self.due.push_front(step);
        Ok(())
    }

    /// Attempts at each call of a step, where its workflow says how many.
    fn most_attempts(&self, step: usize) -> Option<u16> {
        match &self.plan.steps()[self.instances[step].position].action {
            Action::Persona(action) => action.attempts,
            Action::Render(_) | Action::Approve(_) | Action::Group | Action::Workflow(_) => None,
        }
    }

    fn on_unknown(&self, step: usize) -> OnUnknown {
        match &self.plan.steps()[self.instances[step].position].action {
            Action::Persona(action) => action.on_unknown,
            Action::Render(_) | Action::Approve(_) | Action::Group | Action::Workflow(_) => {
                OnUnknown::Retry
            }
        }
    }

    /// Whether a call of which nobody knows what became of it is simply made again. Otherwise what the
    /// workflow wants instead is decided here.
    pub(super) fn goes_on_after_unknown(
        &mut self,
        step: usize,
        failure: &Failure,
    ) -> Result<bool, IllegalEvent> {
        if !self.may_start(step) {
            return Ok(true);
        }
        match self.on_unknown(step) {
            OnUnknown::Retry => return Ok(true),
            OnUnknown::Ask => self.stop(Outcome::Paused(PauseReason::CallUnknown)),
            OnUnknown::Fail => self.fail_unknown(step, failure.clone())?,
        }
        self.starving = false;
        Ok(false)
    }

    /// A call was in flight when the process ended that made it.
    pub(super) fn take_up_unknown(&mut self, step: usize) -> Result<(), IllegalEvent> {
        match self.on_unknown(step) {
            OnUnknown::Retry => self.due.push_back(step),
            OnUnknown::Ask => {
                self.due.push_back(step);
                self.stop(Outcome::Paused(PauseReason::CallUnknown));
            }
            OnUnknown::Fail => {
                let message = "the process ended while the call was in flight";
                self.fail_unknown(step, Failure::new(FailureClass::StreamCut, message))?;
            }
        }
        Ok(())
    }

    fn fail_unknown(&mut self, step: usize, failure: Failure) -> Result<(), IllegalEvent> {
        let purpose = self.instances[step].purpose;
        let message = format!(
            "{}; nobody knows whether it was answered and charged, and `on_unknown: fail` says to stop",
            failure.message
        );
        let failure =
            Failure { message, ..failure }.help("resume the run to have the call made again");
        self.give_up(step, purpose, failure)
    }
}
