//! Chat Completions, streamed, for `OpenAI` and every server that speaks its protocol.

mod adapter;
mod answer;
mod body;
mod config;
mod rejection;
mod retry_after;
mod strict;

pub use adapter::OpenAi;
pub use config::{
    Config, ConfigError, DefaultTimeouts, Limits, StructuredOutput, TokenLimitParameter,
};
