//! The pure heart of `orchestrate`: what a persona, a plan, a call, a handoff and an event are, and
//! the state machine that decides what a run does next.
//!
//! Nothing here performs I/O, reads a clock, draws randomness or knows an async runtime: time comes
//! in as [`Timestamp`] values, contents come in as digests, and every decision leaves as an
//! [`Event`](event::Event) to record and an [`Effect`](run::Effect) to carry out.

pub mod approval;
pub mod brief;
pub mod budget;
pub mod called;
pub mod charge;
pub mod coverage;
pub mod diagnostic;
pub mod event;
pub mod failure;
pub mod fence;
pub mod finding;
pub mod flow;
pub mod handoff;
pub mod ids;
pub mod lanes;
pub mod money;
pub mod neutral;
pub mod persona;
pub mod persona_diff;
pub mod plan;
pub mod policy;
pub mod price;
pub mod request;
pub mod review;
pub mod run;
pub mod structured;
pub mod suggest;
pub mod summary;
pub mod usage;

mod input;
mod instances;
mod plan_shape;
mod step_summary;
mod time;

pub use time::{Timestamp, in_words};

/// Number of the semantics that this build gives to a journal's events.
///
/// A run is pinned to the number it was created under: a journal that carries another number is
/// refused rather than reinterpreted. It changes only when the same events would decide differently.
pub const SEMANTICS: u32 = 1;
