//! What the budget stops, and what goes on without it.

use super::{
    exchange::Outcome,
    machine::{Phase, Run},
};
use crate::{
    Timestamp,
    budget::{Cap, OnReached},
    event::RunFailure,
    failure::{Failure, FailureClass},
};

/// Why an optional step is left out.
pub(super) fn over_budget(cap: Cap) -> Failure {
    let what = match cap {
        Cap::Calls => "all calls of the budget are made",
        Cap::Tokens => "the tokens that are left do not cover its worst case",
        Cap::Cost => "the money that is left does not cover its worst case",
        Cap::Wall => "the time of the budget is over",
    };
    Failure::new(FailureClass::OverBudget, what)
        .help("the run went on without the step, as the workflow's budget says; a rerun with a larger one makes it")
}

impl Run {
    /// Milliseconds for which the run was running by `now`, pauses left out.
    pub fn running_ms(&self, now: Timestamp) -> u64 {
        self.running.until(now)
    }

    /// Whether the run goes on where `step` is not covered.
    pub(super) fn goes_on_without(&self, step: usize) -> bool {
        self.plan.budget().on_reached == OnReached::SkipOptional && self.plan.steps()[step].optional
    }

    /// Starts nothing new once the time is over. What is in flight is paid for and may end.
    pub(super) fn stop_when_time_is_over(&mut self, now: Timestamp) {
        if self.limits.max_wall_ms.is_some_and(|most| self.running.until(now) >= most) {
            self.stop(Outcome::Failed(RunFailure::Budget(Cap::Wall)));
        }
    }

    /// When the time is over, where it is limited and the run is running.
    pub(super) fn time_is_over_at(&self) -> Option<Timestamp> {
        let most = self.limits.max_wall_ms.filter(|_| self.phase == Phase::Running)?;
        self.running.over_at(most)
    }
}
