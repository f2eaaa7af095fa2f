//! What servers speak: how a request looks on the wire and what an answer's events mean, one file per
//! dialect. Sending, limits, deadlines and the verdict on an answer are those of [`http`](crate::http).

mod anthropic;
mod chat;
mod dialect;
mod gemini;
mod ollama;
mod responses;
mod strict;
mod wire;

pub use anthropic::AnthropicVersion;
pub use chat::{ChatQuirks, EffortMember, SeedMember, TokenLimitParameter};
pub use dialect::{Dialect, Effort};

pub(crate) use wire::{Framing, Shape, Wire};
