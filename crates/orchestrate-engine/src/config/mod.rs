//! Configuration: what the operator and the project set, and who may set what.
//!
//! The operator (flags, environment, user config) may name endpoints and keys. A file found in the
//! workspace, `orchestrate.toml`, may name aliases and defaults and lower limits, and nothing else.

mod chain;
mod environment;
mod file;
mod model;
mod prices;
mod secrets;
mod settings;

pub use chain::Chain;
pub use environment::Environment;
pub use file::ConfigError;
pub use model::{Alias, Config, Defaults, ModelError, ModelOrigin};
pub use prices::{KnownModel, MAX_TABLE_BYTES, ModelPrices, ModelsKnown, PriceOrigin};
pub use settings::{CommandSettings, HttpSettings, ProviderSettings, Source};
