//! What is set aside for a call: its worst case in tokens and money.

use orchestrate_core::{money::Money, price::Price, request::Request};
use orchestrate_provider::tokens;

/// Tokens reserved for an answer whose length nobody limits. It is sent as a limit only where a token
/// cap is in force.
pub(crate) const ASSUMED_ANSWER_TOKENS: u32 = 8_192;

/// Tokens that the markup around the messages costs on every server, at most.
pub(crate) const FRAME: u64 = 32;

/// Tokens that servers put around the schema of an answer, at most.
const SCHEMA_FRAME: u64 = 256;

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
    let schema = request.schema_text();
    let frame = FRAME + if schema.is_some() { SCHEMA_FRAME } else { 0 };
    let bound = request.prompt_bytes() + frame;
    let (tokens, cost) = worst(bound);
    if !left.lacks(tokens, cost) {
        return (tokens, cost);
    }
    // Near the limit it pays to count.
    let texts = [Some(request.system.clone()), Some(request.user()), schema];
    let counted: u64 =
        texts.iter().flatten().map(|text| tokens::at_most(&request.model.model, text)).sum();
    worst((counted + frame).min(bound))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use orchestrate_core::{
        ids::{CallId, Digest, Purpose},
        persona::Persona,
        request::{Parameters, Segment, Timeouts},
    };

    use super::*;

    fn request(model: &str, text: &str) -> Request {
        Request {
            call: CallId::first("a".into(), Purpose::Draft),
            model: model.parse().expect("a model"),
            persona: Arc::new(Persona::new("t", "T", "Tests.", "You test.", Digest::of("t"))),
            system: "You test.".into(),
            segments: vec![Segment::Task(text.into())],
            parameters: Parameters { max_output_tokens: Some(100), ..Parameters::default() },
            output_cap: None,
            response_schema: None,
            timeouts: Timeouts::default(),
        }
    }

    fn reserved(mut request: Request, left: Option<u64>) -> u64 {
        reserve(&mut request, &Left { tokens: left, cost: None }, None, 8_192).0
    }

    #[test]
    fn the_schema_of_the_answer_is_set_aside_like_the_prompt() {
        let names: Vec<String> = (0..500).map(|at| format!("figure_{at}")).collect();
        let schema = serde_json::json!({ "type": "object", "required": names });
        let with = |left| {
            let schema = Some(Arc::new(schema.clone()));
            reserved(Request { response_schema: schema, ..request("openai:gpt-5", "x") }, left)
        };
        let without = |left| reserved(request("openai:gpt-5", "x"), left);
        assert!(with(None) - without(None) >= schema.to_string().len() as u64);
        // Counted, where the bound by bytes is not covered.
        assert!(with(Some(10)) - without(Some(10)) >= tokens::count(&schema.to_string()));
        assert!(with(Some(10)) < with(None));
    }

    #[test]
    fn other_vendors_tokenizers_are_taken_to_make_more_of_a_text() {
        let english = "The ingestion job loads forty thousand rows a second. ".repeat(40);
        let japanese = "取り込みは毎秒四万行を処理する。".repeat(40);
        for text in [&english, &japanese] {
            let own = reserved(request("openai:gpt-5", text), Some(10));
            let other = reserved(request("anthropic:claude-sonnet-4-5", text), Some(10));
            assert!(own < other && other <= request("a:b", text).prompt_bytes() + 100 + FRAME);
        }
        let counted = tokens::count(&japanese);
        let other = reserved(request("anthropic:claude-sonnet-4-5", &japanese), Some(10));
        assert!(other > 2 * counted, "{other} for {counted}");
    }
}
