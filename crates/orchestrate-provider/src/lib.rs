//! One model call, made once: the adapters that speak to providers, what they may cost in time and
//! memory, token counts, and keeping keys out of every message.
//!
//! Nothing here retries, follows a redirect or remembers: an attempt goes in, and its outcome comes
//! out. What follows from it is decided in `orchestrate-core`.

pub mod cassette;
pub mod command;
pub mod dialects;
pub mod http;
pub mod models;
pub mod offline;
pub mod presets;
pub mod redact;
pub mod tokens;

mod lines;
mod provider;
mod sse;

pub use provider::{AttemptError, Completion, Progress, Provider, Silent};
