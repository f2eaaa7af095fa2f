//! Chat Completions, for `OpenAI` and every server that speaks its protocol.
//!
//! Requests are built of async-openai's types. Chunks are read as open JSON: unknown members are ignored,
//! and every known one may be missing.

use std::borrow::Cow;

use async_openai::types::chat::{
    ChatCompletionRequestMessage, ChatCompletionRequestSystemMessage,
    ChatCompletionRequestUserMessage, ChatCompletionStreamOptions, CreateChatCompletionRequest,
    ResponseFormat, ResponseFormatJsonSchema,
};
use orchestrate_core::{failure::Failure, request::Request};
use reqwest::Url;
use serde::Deserialize;
use serde_json::{Value, json};

use super::strict;
use super::wire::{Shape, Wire, below, bytes, chunk, number, reported_error, says};
use crate::{
    http::{Answer, Context, Finish, Reported, is_error},
    sse::Event,
};

/// What varies between servers that speak Chat Completions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChatQuirks {
    /// The member that holds the longest length of an answer.
    pub token_limit: TokenLimitParameter,
    /// Whether usage has to be asked for; some servers report it anyway and refuse the question.
    pub asks_for_usage: bool,
    /// How the seed is called.
    pub seed: SeedMember,
    /// Where the effort stands.
    pub effort: EffortMember,
}

impl ChatQuirks {
    /// `OpenAI`'s own.
    pub const OPENAI: Self = Self {
        token_limit: TokenLimitParameter::MaxCompletionTokens,
        asks_for_usage: true,
        seed: SeedMember::Seed,
        effort: EffortMember::ReasoningEffort,
    };

    /// What nearly all compatible servers know.
    pub const COMPATIBLE: Self =
        Self { token_limit: TokenLimitParameter::MaxTokens, ..Self::OPENAI };
}

/// The member of the request that holds the longest length of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenLimitParameter {
    /// `max_completion_tokens`, the current name.
    #[default]
    MaxCompletionTokens,
    /// `max_tokens`, which is deprecated and the only name that some servers know.
    MaxTokens,
}

/// How a server calls the seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SeedMember {
    /// `seed`.
    Seed,
    /// `random_seed`.
    RandomSeed,
    /// It has none.
    None,
}

/// Where a server looks for the effort.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EffortMember {
    /// `reasoning_effort`.
    ReasoningEffort,
    /// `reasoning.effort`.
    Reasoning,
    /// Nowhere.
    None,
}

/// The dialect with a server's quirks.
#[derive(Debug)]
pub(super) struct Chat {
    pub(super) quirks: ChatQuirks,
    /// Azure's version of the interface, where models are addressed as deployments.
    pub(super) azure_version: Option<String>,
}

impl Wire for Chat {
    fn name(&self) -> &'static str {
        "chat-completions"
    }

    fn kind(&self) -> &'static str {
        "openai"
    }

    fn speaks(&self) -> &'static str {
        "OpenAI's Chat Completions"
    }

    fn address_hint(&self) -> &'static str {
        "most end in /v1"
    }

    fn lacks(&self, shape: Shape) -> Option<&'static str> {
        if shape.effort.is_some() && self.quirks.effort == EffortMember::None {
            return Some("`effort`");
        }
        (shape.seed.is_some() && self.quirks.seed == SeedMember::None).then_some("`seed`")
    }

    fn url(&self, base: &Url, model: &str) -> Url {
        let Some(version) = &self.azure_version else {
            return below(base, ["chat", "completions"]);
        };
        let mut url = below(base, ["openai", "deployments", model, "chat", "completions"]);
        url.query_pairs_mut().append_pair("api-version", version);
        url
    }

    fn models_url(&self, base: &Url) -> Url {
        let Some(version) = &self.azure_version else { return below(base, ["models"]) };
        let mut url = below(base, ["openai", "models"]);
        url.query_pairs_mut().append_pair("api-version", version);
        url
    }

    /// One system message, one user message, streamed, with usage. Sampling parameters are sent only where
    /// the workflow or the config sets them, since many models refuse them.
    fn body(&self, request: &Request, shape: Shape) -> Result<Vec<u8>, Failure> {
        let mut messages: Vec<ChatCompletionRequestMessage> = Vec::with_capacity(2);
        if !request.system.is_empty() {
            messages.push(ChatCompletionRequestSystemMessage::from(request.system.as_str()).into());
        }
        let user = request.user();
        let prompt = request.system.len() + user.len();
        messages.push(ChatCompletionRequestUserMessage::from(user).into());
        let mut body = CreateChatCompletionRequest {
            messages,
            model: request.model.model.clone(),
            stream: Some(true),
            stream_options: self.quirks.asks_for_usage.then(|| ChatCompletionStreamOptions {
                include_usage: Some(true),
                ..ChatCompletionStreamOptions::default()
            }),
            temperature: request.parameters.temperature.map(single),
            response_format: request.response_schema.as_ref().map(|schema| response_format(schema)),
            ..CreateChatCompletionRequest::default()
        };
        match self.quirks.token_limit {
            TokenLimitParameter::MaxCompletionTokens => {
                body.max_completion_tokens = request.length_cap();
            }
            TokenLimitParameter::MaxTokens => {
                #[expect(deprecated, reason = "the only name that some servers know")]
                {
                    body.max_tokens = request.length_cap();
                }
            }
        }
        if shape == Shape::default() {
            return bytes(&body, prompt);
        }
        bytes(&self.shaped(&body, shape), prompt)
    }

    fn take(
        &self,
        answer: &mut Answer,
        event: &Event,
        context: &Context,
        model: &str,
    ) -> Result<(), Failure> {
        if event.name != "error" && take_plain(answer, &event.data, context).is_some() {
            return Ok(());
        }
        take_chunk(answer, &chunk(event, context)?, context, model)
    }

    fn take_whole(
        &self,
        answer: &mut Answer,
        document: &Value,
        context: &Context,
        model: &str,
    ) -> Result<bool, Failure> {
        take_chunk(answer, document, context, model)?;
        Ok(document.get("choices").and_then(Value::as_array).is_some_and(|list| !list.is_empty()))
    }
}

impl Chat {
    /// The body with seed and effort, whose names and values vary more than the types know.
    fn shaped(&self, body: &CreateChatCompletionRequest, shape: Shape) -> Value {
        let mut body = serde_json::to_value(body).unwrap_or_default();
        let word = shape.effort.map(super::Effort::word);
        match (self.quirks.effort, word) {
            (EffortMember::ReasoningEffort, Some(word)) => body["reasoning_effort"] = json!(word),
            (EffortMember::Reasoning, Some(word)) => body["reasoning"] = json!({"effort": word}),
            _ => {}
        }
        match (self.quirks.seed, shape.seed) {
            (SeedMember::Seed, Some(seed)) => body["seed"] = json!(seed),
            (SeedMember::RandomSeed, Some(seed)) => body["random_seed"] = json!(seed),
            _ => {}
        }
        body
    }
}

/// The parameter by which servers hold an answer to a schema. Strict servers take part of the language
/// only; any other schema is asked for as far as the server can.
fn response_format(schema: &Value) -> ResponseFormat {
    ResponseFormat::JsonSchema {
        json_schema: ResponseFormatJsonSchema {
            description: None,
            name: "answer".into(),
            schema: schema.clone(),
            strict: Some(strict::takes(schema)),
        },
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the protocol's types have single precision")]
pub(super) fn single(temperature: f64) -> f32 {
    temperature as f32
}

/// Takes one chunk, or a whole non-streamed answer.
fn take_chunk(
    answer: &mut Answer,
    chunk: &Value,
    context: &Context,
    model: &str,
) -> Result<(), Failure> {
    if let Some(usage) = chunk.get("usage").filter(|usage| usage.is_object()) {
        answer.report(reported(usage));
    }
    if chunk.get("error").is_some_and(is_error) {
        return Err(reported_error(chunk, context, model));
    }
    answer.served_by(chunk.get("model").and_then(Value::as_str), context);
    let choices = chunk.get("choices").and_then(Value::as_array);
    let first = choices
        .into_iter()
        .flatten()
        .find(|choice| choice.get("index").and_then(Value::as_u64).unwrap_or_default() == 0);
    let Some(choice) = first else { return Ok(()) };
    for place in ["delta", "message"] {
        if let Some(piece) = choice.get(place) {
            take_piece(answer, piece);
        }
    }
    if let Some(finish) = choice.get("finish_reason").and_then(Value::as_str) {
        answer.finish(finish_of(finish));
    }
    Ok(())
}

fn take_piece(answer: &mut Answer, piece: &Value) {
    match piece.get("content") {
        Some(Value::String(text)) => answer.push(text),
        // Some servers answer in parts.
        Some(Value::Array(parts)) => {
            for text in parts.iter().filter_map(|part| part.get("text")?.as_str()) {
                answer.push(text);
            }
        }
        _ => {}
    }
    if let Some(refusal) = piece.get("refusal").and_then(Value::as_str) {
        answer.push_refusal(refusal);
    }
    if ["reasoning_content", "reasoning"].iter().any(|name| says(&piece[*name])) {
        answer.begin();
    }
}

fn finish_of(reason: &str) -> Finish {
    match reason {
        "stop" => Finish::Stop,
        "length" => Finish::Length,
        "content_filter" => Finish::Filtered(String::new()),
        "tool_calls" | "function_call" => Finish::Tool,
        other => Finish::Unknown(other.to_owned()),
    }
}

fn reported(usage: &Value) -> Reported {
    Reported {
        input: number(&usage["prompt_tokens"]),
        output: number(&usage["completion_tokens"]),
        cached: number(&usage["prompt_tokens_details"]["cached_tokens"]),
        cache_write: number(&usage["prompt_tokens_details"]["cache_write_tokens"]),
        reasoning: number(&usage["completion_tokens_details"]["reasoning_tokens"]),
    }
}

/// A chunk that brings a piece of text and nothing else. Whatever does not fit in here, be it a finish
/// reason, usage or an error, is read as open JSON instead.
#[derive(Deserialize)]
struct PlainChunk<'a> {
    #[serde(default)]
    model: Option<String>,
    #[serde(borrow)]
    choices: [PlainChoice<'a>; 1],
    #[serde(default, rename = "usage")]
    _usage: Option<Nothing>,
    #[serde(default, rename = "error")]
    _error: Option<Nothing>,
}

#[derive(Deserialize)]
struct PlainChoice<'a> {
    #[serde(default)]
    index: Option<u64>,
    #[serde(borrow)]
    delta: PlainDelta<'a>,
    #[serde(default, rename = "message")]
    _message: Option<Nothing>,
    #[serde(default, rename = "finish_reason")]
    _finish: Option<Nothing>,
}

#[derive(Deserialize)]
struct PlainDelta<'a> {
    #[serde(borrow)]
    content: Cow<'a, str>,
    #[serde(default, rename = "refusal")]
    _refusal: Option<Nothing>,
    #[serde(default, rename = "reasoning_content")]
    _reasoning_content: Option<Nothing>,
    #[serde(default, rename = "reasoning")]
    _reasoning: Option<Nothing>,
}

/// A member that may be missing or `null`, and nothing else.
#[derive(Deserialize)]
enum Nothing {}

/// Takes a chunk that brings a piece of text and nothing else, as nearly all do; `None` for any other.
fn take_plain(answer: &mut Answer, data: &str, context: &Context) -> Option<()> {
    let PlainChunk { model, choices: [choice], .. } = serde_json::from_str(data).ok()?;
    if choice.index.unwrap_or_default() != 0 {
        return None;
    }
    answer.served_by(model.as_deref(), context);
    answer.push(&choice.delta.content);
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(chunks: &[Value]) -> Answer {
        let (mut answer, context) = (Answer::default(), Context::for_tests());
        for chunk in chunks {
            take_chunk(&mut answer, chunk, &context, "m").expect("no error is reported");
        }
        answer
    }

    fn shown(chunks: &[Value]) -> String {
        format!("{:?}", answer(chunks))
    }

    #[test]
    fn usage_is_taken_from_wherever_it_stands() {
        let usage = json!({
            "prompt_tokens": 9, "completion_tokens": 2,
            "prompt_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 3},
            "completion_tokens_details": null,
        });
        let expected = Reported {
            input: Some(9),
            output: Some(2),
            cached: Some(4),
            cache_write: Some(3),
            reasoning: None,
        };
        for chunk in [
            json!({"choices": [{"delta": {}, "finish_reason": "stop"}], "usage": usage}),
            json!({"choices": [], "usage": usage}),
        ] {
            assert!(shown(&[chunk]).contains(&format!("{expected:?}")));
        }
    }

    #[test]
    fn other_choices_and_unknown_members_are_ignored() {
        let other = json!({
            "choices": [{"index": 1, "delta": {"content": "no"}}], "timings": {}, "error": null,
        });
        let text = json!({"choices": [{"index": 0, "delta": {"content": "yes"}}]});
        assert_eq!(shown(&[other, text.clone()]), shown(&[text]));
    }

    /// Whether a chunk is plain; if so, both ways of reading it must come to the same.
    fn plain(data: &str) -> bool {
        let (mut quick, context) = (Answer::default(), Context::for_tests());
        if take_plain(&mut quick, data, &context).is_none() {
            return false;
        }
        let value = serde_json::from_str(data).expect("what is plain is JSON");
        assert_eq!(format!("{quick:?}"), shown(&[value]), "{data}");
        true
    }

    #[test]
    fn a_plain_chunk_is_read_as_any_other_and_whatever_says_more_is_left_to_the_open_reader() {
        for data in [
            r#"{"choices":[{"delta":{"content":"a"}}]}"#,
            r#"{"model":"m-1","choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}"#,
            r#"{"model":"","usage":null,"choices":[{"delta":{"content":"a\nb","refusal":null},"finish_reason":null}],"x":{"y":[1]}}"#,
            r#"{"choices":[{"index":null,"delta":{"content":"more than twenty bytes of text"}}]}"#,
        ] {
            assert!(plain(data), "{data}");
        }
        for data in [
            r#"{"choices":[{"delta":{"content":"a"},"finish_reason":"stop"}]}"#,
            r#"{"choices":[{"delta":{"content":"a"}}],"usage":{"prompt_tokens":1}}"#,
            r#"{"choices":[{"delta":{"content":"a"}}],"error":"no"}"#,
            r#"{"choices":[{"index":1,"delta":{"content":"a"}}]}"#,
            r#"{"choices":[{"delta":{"content":"a"}},{"index":1,"delta":{"content":"b"}}]}"#,
            r#"{"choices":[{"delta":{"content":[{"text":"a"}]}}]}"#,
            r#"{"choices":[{"delta":{"reasoning":"a"}}]}"#,
            r#"{"choices":[{"delta":{"content":"a"},"message":{"content":"b"}}]}"#,
            r#"{"choices":[]}"#,
            "[1]",
            "",
        ] {
            assert!(!plain(data), "{data}");
        }
    }
}
