//! What a call used up, in tokens.

use std::ops::AddAssign;

use serde::{Deserialize, Serialize};

/// Tokens of one or several calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Usage {
    /// Tokens of the prompt, those read from the provider's cache included.
    pub input: u64,
    /// Tokens of the answer, reasoning included.
    pub output: u64,
    /// The part of `input` that the provider read from its cache.
    #[serde(default)]
    pub cached: u64,
    /// The part of `input` that the provider wrote to its cache.
    #[serde(default)]
    pub cache_write: u64,
    /// The part of `output` that the model spent on reasoning.
    #[serde(default)]
    pub reasoning: u64,
    /// True where at least one figure was counted here because the provider sent none.
    #[serde(default)]
    pub estimated: bool,
}

impl Usage {
    /// Input and output together.
    pub fn total(&self) -> u64 {
        self.input.saturating_add(self.output)
    }
}

impl AddAssign for Usage {
    fn add_assign(&mut self, other: Self) {
        self.input = self.input.saturating_add(other.input);
        self.output = self.output.saturating_add(other.output);
        self.cached = self.cached.saturating_add(other.cached);
        self.cache_write = self.cache_write.saturating_add(other.cache_write);
        self.reasoning = self.reasoning.saturating_add(other.reasoning);
        self.estimated = self.estimated || other.estimated;
    }
}
