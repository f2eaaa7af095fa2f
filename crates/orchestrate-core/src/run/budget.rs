//! What the budget stops, and what goes on without it.

use super::{
    exchange::Outcome,
    machine::{Phase, Run},
    step::IllegalEvent,
};
use crate::{
    Timestamp,
    budget::{Cap, Relief},
    event::{Event, RunFailure},
    failure::{Failure, FailureClass},
    ids::Purpose,
};

/// Why an optional step is left out.
fn over_budget(cap: Cap) -> Failure {
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

    /// What the budget has made of the call that an instance is at.
    pub fn degraded(&self, instance: usize) -> &[Relief] {
        &self.instances[instance].degraded
    }

    /// A call of `step` is not covered: what the workflow wants tried is, in its order, and after that the
    /// run stops. A brief is worth no more than what is left.
    pub(super) fn out_of_budget(&mut self, step: usize, cap: Cap) -> Result<(), IllegalEvent> {
        if self.instances[step].purpose == Purpose::Brief {
            self.hand_over_the_lead(step);
            return self.go_on_without_brief(step);
        }
        let helps = |relief: &Relief| match relief {
            Relief::SkipOptional => self.is_expendable(step),
            Relief::Brief | Relief::Cheaper => self.may_be_degraded(step, *relief),
        };
        let ladder = self.plan.budget().on_reached.iter().copied();
        match ladder.filter(|relief| relief.saves(cap)).find(helps) {
            Some(Relief::SkipOptional) => {
                self.give_up(step, self.instances[step].purpose, over_budget(cap))
            }
            Some(relief) => self.degrade(step, relief, cap),
            None => {
                self.due.push_front(step);
                self.stop(Outcome::Failed(RunFailure::Budget(cap)));
                Ok(())
            }
        }
    }

    /// Whether this was not tried yet and, as its call was evaluated, makes it take less.
    fn may_be_degraded(&self, step: usize, relief: Relief) -> bool {
        let instance = &self.instances[step];
        let offered = instance.call.as_ref().is_some_and(|call| call.reliefs.contains(&relief));
        offered && !instance.degraded.contains(&relief)
    }

    /// Has a call evaluated anew so that it takes less. It is another call with an identity of its own.
    fn degrade(&mut self, step: usize, relief: Relief, cap: Cap) -> Result<(), IllegalEvent> {
        self.hand_over_the_lead(step);
        let call = self.instances[step].call_id();
        let cheaper = self.created.as_ref().and_then(|created| created.cheaper.clone());
        let model = cheaper.filter(|_| relief == Relief::Cheaper);
        self.record(Event::CallDegraded { call, relief, cap, model })?;
        self.outdated.insert(step);
        self.due.push_front(step);
        Ok(())
    }

    /// Whether the run goes on where `step` is not covered: it is optional, or part of something that is.
    fn is_expendable(&self, step: usize) -> bool {
        let mut at = Some(step);
        while let Some(step) = at {
            let instance = &self.instances[step];
            if self.plan.steps()[instance.position].optional {
                return true;
            }
            at = instance.parent;
        }
        false
    }

    /// Starts nothing new once the time is over. What is in flight is paid for and may end.
    pub(super) fn stop_when_time_is_over(&mut self, now: Timestamp) {
        if self.limits.max_wall_ms.is_some_and(|most| self.running.until(now) >= most) {
            self.stop(Outcome::Failed(RunFailure::Budget(Cap::Wall)));
        }
    }

    /// When the time is over, where it is limited and the run is running.
    pub(super) fn time_is_over_at(&self) -> Option<Timestamp> {
        let goes_on = self.stopping.as_ref().is_none_or(Outcome::is_failed_step);
        let most = self.limits.max_wall_ms.filter(|_| goes_on && self.phase == Phase::Running)?;
        self.running.over_at(most)
    }
}
