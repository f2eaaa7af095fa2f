//! What is set aside for a call: its worst case in tokens and money.

use orchestrate_core::{money::Money, price::Price, request::Request};
use orchestrate_provider::tokens;

/// Tokens reserved for an answer whose length nobody limits. It is sent as a limit only where a token
/// cap is in force.
pub(crate) const ASSUMED_ANSWER_TOKENS: u32 = 8_192;

/// Tokens that the markup around the messages costs on every server, at most.
pub(crate) const FRAME: u64 = 32;

/// What is left for calls under the caps on tokens and cost, where there are any.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Left {
    pub(crate) tokens: Option<u64>,
    pub(crate) cost: Option<Money>,
}

impl Left {
    pub(crate) fn is_capped(&self) -> bool {
        self.tokens.is_some() || self.cost.is_some()
    }

    /// Whether a call of so many tokens and this cost is not covered.
    fn lacks(&self, tokens: u64, cost: Option<Money>) -> bool {
        self.tokens.is_some_and(|left| tokens > left)
            || self.cost.zip(cost).is_some_and(|(left, cost)| cost > left)
    }
}

/// Sets the reservation in tokens and money, and the length of the answer that goes with it where a cap on
/// either is in force; `assumed` where nobody limits it.
pub(crate) fn reserve(
    request: &mut Request,
    left: &Left,
    price: Option<&Price>,
    assumed: u32,
) -> (u64, Option<Money>) {
    if left.is_capped() {
        request.output_cap = Some(assumed);
    }
    let answer = u64::from(request.length_cap().unwrap_or(assumed));
    let worst = |prompt: u64| (prompt + answer, price.map(|price| price.worst(prompt, answer)));
    let bound = request.prompt_bytes() + FRAME;
    let (tokens, cost) = worst(bound);
    if !left.lacks(tokens, cost) {
        return (tokens, cost);
    }
    // Near the limit it pays to count. A quarter is added, since other models count otherwise.
    let counted = tokens::count(&request.system) + tokens::count(&request.user());
    worst((counted + counted / 4 + FRAME).min(bound))
}
