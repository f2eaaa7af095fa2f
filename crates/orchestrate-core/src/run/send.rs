//! Sending calls: each question once, within the caps, and not again where its answer is known.

use super::{exchange::Effect, machine::Run, step::IllegalEvent};
use crate::{
    budget::{Allowance, Reservation},
    event::{Answered, Event, ReuseOrigin},
};

/// A call that is being made, and the steps that ask the same and wait for its answer.
#[derive(Debug, Clone)]
pub(super) struct Leading {
    step: usize,
    followers: Vec<usize>,
}

impl Run {
    /// Sends the prepared call of `step`, unless the same is being asked or was answered already, or
    /// a cap forbids it.
    pub(super) fn send(&mut self, step: usize) -> Result<(), IllegalEvent> {
        let Some(prepared) = &self.instances[step].call else { return Ok(()) };
        let (identity, request) = (prepared.identity, prepared.request);
        let worst = Reservation { tokens: prepared.reserved, cost: prepared.reserved_cost };
        if let Some((origin, answer)) = self.answers.get(&identity) {
            let (origin, answer) = (origin.clone(), answer.clone());
            return self.reuse(step, origin, &answer);
        }
        if let Some(leading) = self.leading.get_mut(&identity)
            && leading.step != step
        {
            leading.followers.push(step);
            return Ok(());
        }
        if !self.passes_its_lane(step)? {
            return Ok(());
        }
        match self.ledger.allows(&self.limits, &worst) {
            Allowance::Granted => {
                let call = self.instances[step].call_id();
                let attempt = self.instances[step].attempts + 1;
                self.leading
                    .entry(identity)
                    .or_insert_with(|| Leading { step, followers: Vec::new() });
                self.record(Event::CallIntent {
                    call: call.clone(),
                    attempt,
                    reserved: worst.tokens,
                    reserved_cost: worst.cost,
                })?;
                self.take_place(step);
                self.decisions.effects.push(Effect::StartAttempt { call, attempt, request });
                Ok(())
            }
            // First come, first served: whoever is behind waits too, so that a large call is not
            // overtaken for ever and nobody is asked twice about the same reservation.
            Allowance::Wait(_) => {
                if self.starving {
                    self.due.push_back(step);
                } else {
                    self.due.push_front(step);
                    self.starving = true;
                }
                Ok(())
            }
            Allowance::Exhausted(cap) => self.out_of_budget(step, cap),
        }
    }

    pub(super) fn reuse(
        &mut self,
        step: usize,
        origin: ReuseOrigin,
        answer: &Answered,
    ) -> Result<(), IllegalEvent> {
        let call = self.instances[step].call_id();
        self.record(Event::CallReused { call, origin, answer: answer.clone() })?;
        self.go_on(step)
    }

    /// Every step that asked the same gets the answer.
    pub(super) fn answer_followers(&mut self, step: usize) -> Result<(), IllegalEvent> {
        let Some(leading) = self.stop_leading(step) else { return Ok(()) };
        for follower in leading.followers {
            self.touches += 1;
            self.send(follower)?;
        }
        Ok(())
    }

    /// The first that asked the same makes the call itself.
    pub(super) fn hand_over_the_lead(&mut self, step: usize) {
        if let Some(leading) = self.stop_leading(step) {
            self.due.extend(leading.followers);
        }
    }

    pub(super) fn stop_leading(&mut self, step: usize) -> Option<Leading> {
        let identity = self.instances[step].call.as_ref()?.identity;
        if self.leading.get(&identity)?.step == step {
            self.leading.swap_remove(&identity)
        } else {
            None
        }
    }
}
