//! The run machine: inputs go in, events and effects come out.
//!
//! - [`Run`] holds the state and decides (`machine`); recorded events alone change it (`fold`).
//! - [`Input`], [`Effect`] and what they carry are its only surface (`exchange`).
//! - What becomes of a step when its needs end (`needs`), and of the parts of a fan-out or group (`items`).
//! - Steps that ask a person, and what follows from the answer (`approval`).
//! - What the budget stops, and what goes on without it (`budget`).
//! - [`StepStatus`] and its transition table say which event may follow which (`step`).

mod approval;
mod budget;
mod exchange;
mod fold;
mod items;
mod machine;
mod needs;
mod step;

pub use exchange::{Asked, AttemptOutcome, Decisions, Effect, Input, Outcome, Prepared};
pub use machine::Run;
pub use step::{IllegalEvent, StepStatus};
