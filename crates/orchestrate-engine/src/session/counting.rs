//! Tokens of texts that come more than once.

use std::collections::BTreeMap;

use orchestrate_core::ids::Digest;
use orchestrate_provider::tokens;

/// The tokens of texts, each counted once: in a plan that calls one workflow many times equal prompts are the
/// rule, and counting is what takes time.
#[derive(Debug, Default)]
pub(super) struct TokenCounts(BTreeMap<Digest, u64>);

impl TokenCounts {
    /// How many tokens the text makes.
    pub(super) fn count(&mut self, text: &str) -> u64 {
        *self.0.entry(Digest::of(text)).or_insert_with(|| tokens::count(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_texts_are_counted_once() {
        let mut counts = TokenCounts::default();
        let counted = ["a plan", "a plan", "another plan"].map(|text| counts.count(text));
        assert_eq!(counted, [2, 2, tokens::count("another plan")]);
        assert_eq!(counts.0.len(), 2);
    }
}
