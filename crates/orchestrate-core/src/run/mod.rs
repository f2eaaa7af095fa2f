//! The run machine: inputs go in, events and effects come out.
//!
//! - [`Run`] holds the state and takes in news (`machine`); recorded events alone change it (`fold`).
//! - It decides what begins (`schedule`), what is sent (`send`), whether it is repeated (`attempts`), what a
//!   step does next (`course`), what its review does (`review`), and how the run pauses, goes on and ends (`lifecycle`).
//! - [`Input`], [`Effect`] and what they carry are its only surface (`exchange`).
//! - What goes to which model when (`traffic`), and what follows where an attempt fails (`setbacks`).
//! - What becomes of a step when its needs end (`needs`), and of the parts of a fan-out or group (`items`).
//! - Steps that ask a person, and what follows from the answer (`approval`).
//! - What the budget stops, and what goes on without it (`budget`).
//! - [`StepStatus`] and its transition table say which event may follow which (`step`); what the machine knows
//!   of one step stands in `instance`.

mod approval;
mod attempts;
mod budget;
mod course;
mod exchange;
mod fold;
mod instance;
mod items;
mod lifecycle;
mod machine;
mod needs;
mod review;
mod schedule;
mod send;
mod setbacks;
mod step;
mod traffic;

pub use exchange::{Asked, AttemptOutcome, Decisions, Effect, Input, Outcome, Prepared};
pub use machine::Run;
pub use review::ReviewQuestion;
pub use step::{IllegalEvent, StepStatus};
