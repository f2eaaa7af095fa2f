//! What attempts were charged: one fold that a run's summary and a list of costs both read.

use std::collections::BTreeMap;

use crate::{
    Timestamp,
    budget::Reservation,
    event::{Event, PreparedCall, Recorded},
    failure::Billed,
    ids::{CallId, StepPath},
    money::Money,
    request::ModelRef,
    usage::Usage,
};

/// What one attempt was charged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Charge {
    /// When its end was recorded.
    pub at: Timestamp,
    /// The call.
    pub call: CallId,
    /// The persona that was asked.
    pub persona: String,
    /// The model that was asked.
    pub model: ModelRef,
    /// What it used up.
    pub used: Used,
    /// What it cost; none where the price of the model is not known.
    pub cost: Option<Money>,
}

/// What an attempt used up, as far as it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Used {
    /// This.
    Known(Usage),
    /// At most so many tokens: nobody knows how many, and they count as all of them.
    AtMost(u64),
}

/// Finds what attempts were charged, event by event.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Charges {
    /// The call that each step is at, and what is reserved for its attempt in flight.
    calls: BTreeMap<StepPath, (Box<PreparedCall>, Reservation)>,
}

impl Charges {
    /// What the event says was charged. Attempts that cost nothing are none.
    pub fn note(&mut self, recorded: &Recorded) -> Option<Charge> {
        let (call, used) = match &recorded.event {
            Event::CallPrepared { call, prepared } => {
                let prepared = PreparedCall { notes: Vec::new(), ..(**prepared).clone() };
                let prepared = Box::new(prepared);
                self.calls.insert(call.step.clone(), (prepared, Reservation::default()));
                return None;
            }
            Event::CallIntent { call, reserved, reserved_cost, .. } => {
                if let Some((_, worst)) = self.calls.get_mut(&call.step) {
                    *worst = Reservation { tokens: *reserved, cost: *reserved_cost };
                }
                return None;
            }
            Event::StepSucceeded { step, .. } => {
                self.calls.remove(step);
                return None;
            }
            Event::CallSucceeded { call, answer, .. } => (call, Some(answer.usage)),
            Event::CallFailed { billed: Billed::No, usage: None, .. } => return None,
            Event::CallFailed { call, usage, .. } | Event::OutputRejected { call, usage, .. } => {
                (call, *usage)
            }
            Event::CallUnknown { call, .. } => (call, None),
            _ => return None,
        };
        let (prepared, worst) = self.calls.get(&call.step)?;
        let (used, cost) = match used {
            Some(usage) => (Used::Known(usage), prepared.price.map(|price| price.cost(&usage))),
            None => (Used::AtMost(worst.tokens), worst.cost),
        };
        Some(Charge {
            at: recorded.at,
            call: call.clone(),
            persona: prepared.persona.clone(),
            model: prepared.model.clone(),
            used,
            cost,
        })
    }

    /// Everything that the events say was charged, in their order.
    pub fn of<'a>(events: impl IntoIterator<Item = &'a Recorded>) -> Vec<Charge> {
        let mut charges = Self::default();
        events.into_iter().filter_map(|event| charges.note(event)).collect()
    }
}
