//! Configuration: what the operator and the project set, and who may set what.
//!
//! The operator (flags, environment, user config) may name endpoints and keys. A file found in the
//! workspace, `orchestrate.toml`, may name aliases and defaults and lower limits, and nothing else.

mod environment;
mod file;
mod model;

pub use environment::Environment;
pub use file::ConfigError;
pub use model::{
    Config, Defaults, ModelError, ModelOrigin, OpenAiSettings, ProviderSettings, StructuredOutput,
    TokenLimit,
};
