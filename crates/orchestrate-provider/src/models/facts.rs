//! What is known of one model.

use orchestrate_core::price::Price;

/// What is known of one model. `None` is "not known", never "nothing".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ModelFacts {
    /// What its tokens cost.
    pub price: Option<Price>,
    /// Tokens of the window. Where a vendor counts answers beside it, those that a prompt may have.
    pub context: Option<u64>,
    /// Tokens that an answer may have.
    pub max_output: Option<u64>,
    /// Tokens of the shortest prefix that the provider keeps in its cache.
    pub cache_from: Option<u64>,
}

impl ModelFacts {
    /// What is known of a model that runs on the user's own machine: nobody is paid for its tokens.
    pub const FREE: Self =
        Self { price: Some(Price::FREE), context: None, max_output: None, cache_from: None };

    /// These facts, and those of `other` where nothing is known here.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            price: self.price.or(other.price),
            context: self.context.or(other.context),
            max_output: self.max_output.or(other.max_output),
            cache_from: self.cache_from.or(other.cache_from),
        }
    }
}
