//! What may begin or be sent now, and what preparing came to.

use std::cmp::Reverse;

use super::{
    course::Next,
    exchange::{Effect, Outcome, Prepared},
    machine::Run,
    step::{IllegalEvent, StepStatus},
};
use crate::{
    Timestamp,
    event::{Event, StepSource},
    failure::{Failure, FailureClass},
    flow::MOST_INSTANCES,
    ids::{CallId, Purpose},
    review::Stop,
};

impl Run {
    pub(super) fn schedule(&mut self, now: Timestamp) -> Result<(), IllegalEvent> {
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
        loop {
            self.take_up_unparked()?;
            let moved = self.let_through(now);
            self.begin_and_send()?;
            let closed = !self.complete.is_empty();
            self.close_complete()?;
            if !moved && !closed && self.unparked.is_empty() {
                break;
            }
        }
        let expiry =
            self.next_expiry().filter(|_| self.stopping.is_none() || self.waits_for_person());
        let retry = self.waiting.peek().map(|&Reverse((at, _))| at);
        self.tell_of_lanes()?;
        let opening = self.next_opening();
        let over = self.time_is_over_at();
        if let Some(at) = retry.into_iter().chain(expiry).chain(opening).chain(over).min()
            && self.wake_at != Some(at)
        {
            self.wake_at = Some(at);
            self.decisions.effects.push(Effect::WakeAt(at));
        }
        Ok(())
    }

    /// Sends what is due and takes up what is ready, as far as there is room in the run.
    fn begin_and_send(&mut self) -> Result<(), IllegalEvent> {
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
                if self.may_start(step) && !self.waits_at_its_lane(step) {
                    self.begin(step)?;
                }
            } else {
                break;
            }
        }
        Ok(())
    }

    /// Takes up a step whose needs are at their end: it is skipped because of them, or prepared.
    pub(super) fn begin(&mut self, step: usize) -> Result<(), IllegalEvent> {
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
            && !matches!(self.upcoming(step), Next::Call(..) | Next::Ask)
        {
            self.go_on(step)?;
            return self.close_complete();
        }
        self.prepare(step);
        Ok(())
    }

    pub(super) fn prepare(&mut self, step: usize) {
        let instance = &self.instances[step];
        let wanted = matches!(instance.status, StepStatus::Ready | StepStatus::Answered)
            || instance.misfit.is_some()
            || self.is_joining(step)
            || self.without_brief.contains(&step)
            || self.outdated.contains(&step);
        if self.preparing[step] || !wanted {
            return;
        }
        let (purpose, number) = match self.upcoming(step) {
            Next::Call(purpose, number) => (purpose, number),
            Next::Ask => self.question_id(step),
            Next::Finish | Next::Fail(_) => return,
        };
        self.preparing[step] = true;
        self.preparing_count += 1;
        self.keep_place(step);
        let call = CallId { step: self.instances[step].path.clone(), purpose, number };
        self.decisions.effects.push(Effect::Prepare { call });
    }

    pub(super) fn prepared_arrived(
        &mut self,
        call: &CallId,
        prepared: Prepared,
    ) -> Result<(), IllegalEvent> {
        let step = self.position(call, "prepared")?;
        if !std::mem::replace(&mut self.preparing[step], false) {
            return Ok(());
        }
        self.preparing_count -= 1;
        self.give_up_place(step);
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
            Prepared::Group { .. } if self.has_no_room_for_members(step) => {
                let message =
                    format!("a run has at most {MOST_INSTANCES} steps with all their items");
                let failure = Failure::new(FailureClass::Preparation, message);
                self.give_up(step, call.purpose, failure)
            }
            Prepared::Group { inputs } => {
                self.record(Event::GroupOpened { step: call.step.clone(), inputs })
            }
            Prepared::Joined { deliverable, brief, output } => self.record(Event::StepSucceeded {
                step: call.step.clone(),
                source: StepSource::Joined,
                deliverable,
                brief,
                output,
            }),
            Prepared::NotReviewed => {
                let reviewed = call.step.clone();
                let ended =
                    Event::ReviewEnded { step: reviewed, stop: Stop::SwitchedOff, rounds: 0 };
                self.record(ended)?;
                self.go_on(step)
            }
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
}
