//! Anthropic's Messages, in both of its versions.

use orchestrate_core::{
    failure::Failure,
    request::{Parameters, Request, Segment},
};
use reqwest::{
    Url,
    header::{HeaderMap, HeaderName, HeaderValue},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    Effort, strict,
    wire::{Shape, Wire, below, bytes, chunk, number, reported_error, without_version},
};
use crate::{
    http::{Answer, Context, Finish, KeyHeader, Reported, is_error},
    sse::Event,
};

/// A shorter system prompt is not marked for the cache: vendors keep nothing below about 1024 tokens.
const SHORTEST_CACHED: usize = 4 * 1024;

/// The longest answers of models by the beginning of their names, the longest beginning first. Sent where
/// nobody set a limit, since the dialect requires one; a model that is not known takes the last.
const LONGEST_ANSWERS: &[(&str, u32)] = &[
    ("claude-3-5", 8_192),
    ("claude-3-7", 64_000),
    ("claude-3", 4_096),
    ("claude-2", 4_096),
    ("claude-opus-4-0", 32_000),
    ("claude-opus-4-1", 32_000),
    ("claude-opus-4-2025", 32_000),
    ("claude-", 64_000),
    ("", 8_192),
];

/// The version of the interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum AnthropicVersion {
    /// The newest, and the older one for a request that sets a temperature, which only that one has.
    #[default]
    Newest,
    /// `2023-06-01`: the key in `x-api-key`, sampling parameters.
    #[serde(rename = "2023-06-01")]
    V2023,
    /// `2026-10-21`: the key as a bearer token, no sampling parameters.
    #[serde(rename = "2026-10-21")]
    V2026,
}

/// The dialect.
#[derive(Debug)]
pub(super) struct Anthropic {
    pub(super) version: AnthropicVersion,
    pub(super) cache: bool,
    pub(super) max_tokens: Option<u32>,
}

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    max_tokens: u32,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    system: Vec<Block>,
    messages: [Message; 1],
    stream: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking: Option<Thinking>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_config: Option<OutputConfig<'a>>,
}

#[derive(Serialize)]
struct Message {
    role: &'static str,
    content: Vec<Block>,
}

#[derive(Serialize)]
struct Block {
    #[serde(rename = "type")]
    kind: &'static str,
    text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_control: Option<CacheControl>,
}

#[derive(Serialize)]
struct CacheControl {
    #[serde(rename = "type")]
    kind: &'static str,
}

#[derive(Serialize)]
struct Thinking {
    #[serde(rename = "type")]
    kind: &'static str,
}

#[derive(Serialize)]
struct OutputConfig<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    effort: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<Format<'a>>,
}

#[derive(Serialize)]
struct Format<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    schema: &'a Value,
}

impl<'a> OutputConfig<'a> {
    /// Only strict schemas are taken; any other stands in the prompt alone.
    fn new(request: &'a Request, shape: Shape) -> Option<Self> {
        let effort = shape.effort.and_then(effort_word);
        let schema = request.response_schema.as_deref().filter(|schema| strict::takes(schema));
        let format = schema.map(|schema| Format { kind: "json_schema", schema });
        (effort.is_some() || format.is_some()).then_some(Self { effort, format })
    }
}

impl Block {
    fn new(text: String, cached: bool) -> Self {
        let cache_control = cached.then_some(CacheControl { kind: "ephemeral" });
        Self { kind: "text", text, cache_control }
    }
}

impl Anthropic {
    fn version_for(&self, request: Option<&Request>) -> AnthropicVersion {
        let sampled = request.is_some_and(|request| request.parameters.temperature.is_some());
        match self.version {
            AnthropicVersion::Newest if sampled => AnthropicVersion::V2023,
            AnthropicVersion::Newest => AnthropicVersion::V2026,
            chosen => chosen,
        }
    }

    /// The user message in two blocks: what is the same for every call of a step and of its items, marked
    /// for the cache where it is worth it, and the rest. Together they are the message that other dialects
    /// send as one.
    fn content(&self, request: &Request) -> Vec<Block> {
        let (shared, own) = request.segments.split_at(request.shared().len());
        let join = |segments: &[Segment]| {
            segments.iter().map(Segment::render).collect::<Vec<_>>().join("\n\n")
        };
        let (shared, own) = (join(shared), join(own));
        if shared.is_empty() || own.is_empty() {
            return vec![Block::new(shared + &own, false)];
        }
        let cached = self.cache && request.system.len() + shared.len() >= SHORTEST_CACHED;
        vec![Block::new(shared + "\n\n", cached), Block::new(own, false)]
    }
}

impl Wire for Anthropic {
    fn name(&self) -> &'static str {
        "messages"
    }

    fn kind(&self) -> &'static str {
        "anthropic"
    }

    fn speaks(&self) -> &'static str {
        "Anthropic's Messages"
    }

    fn address_hint(&self) -> &'static str {
        "it is what stands before /v1/messages"
    }

    fn lacks(&self, shape: Shape) -> Option<&'static str> {
        shape.seed.is_some().then_some("`seed`")
    }

    fn refuses(&self, parameters: &Parameters) -> Option<(&'static str, &'static str)> {
        let refused = parameters.temperature.is_some() && self.version == AnthropicVersion::V2026;
        refused.then_some((
            "version 2026-10-21 of Anthropic's Messages has no `temperature`",
            "take `temperature` out of the workflow, or `api_version` out of your config",
        ))
    }

    fn url(&self, base: &Url, _model: &str) -> Url {
        below(&without_version(base, "v1"), ["v1", "messages"])
    }

    fn models_url(&self, base: &Url) -> Url {
        let mut url = below(&without_version(base, "v1"), ["v1", "models"]);
        url.query_pairs_mut().append_pair("limit", "1000");
        url
    }

    fn key_header(&self, request: Option<&Request>) -> KeyHeader {
        match self.version_for(request) {
            AnthropicVersion::V2023 => KeyHeader::Named("x-api-key"),
            _ => KeyHeader::Bearer,
        }
    }

    fn headers(&self, request: Option<&Request>) -> HeaderMap {
        let version = match self.version_for(request) {
            AnthropicVersion::V2023 => "2023-06-01",
            _ => "2026-10-21",
        };
        let name = HeaderName::from_static("anthropic-version");
        HeaderMap::from_iter([(name, HeaderValue::from_static(version))])
    }

    fn keeps_prefixes(&self) -> bool {
        self.cache
    }

    fn cap(&self, request: &Request) -> Option<u32> {
        let model = request.model.model.as_str();
        // Gateways and clouds put something before the model's own name.
        let model = model.rsplit(['/', '.']).next().unwrap_or(model);
        let known = LONGEST_ANSWERS.iter().find(|(begin, _)| model.starts_with(begin));
        request.length_cap().or(self.max_tokens).or(known.map(|(_, longest)| *longest))
    }

    fn body(&self, request: &Request, shape: Shape) -> Result<Vec<u8>, Failure> {
        let cached = self.cache && request.system.len() >= SHORTEST_CACHED;
        let system = Some(&request.system).filter(|system| !system.is_empty());
        let body = Body {
            model: &request.model.model,
            max_tokens: self.cap(request).unwrap_or_default(),
            system: system.map(|text| Block::new(text.clone(), cached)).into_iter().collect(),
            messages: [Message { role: "user", content: self.content(request) }],
            stream: true,
            temperature: request.parameters.temperature,
            thinking: (shape.effort == Some(Effort::None)).then_some(Thinking { kind: "disabled" }),
            output_config: OutputConfig::new(request, shape),
        };
        bytes(&body, request.system.len() + 1024)
    }

    fn take(
        &self,
        answer: &mut Answer,
        event: &Event,
        context: &Context,
        model: &str,
    ) -> Result<(), Failure> {
        let chunk = chunk(event, context)?;
        if chunk["type"] == "error" || chunk.get("error").is_some_and(is_error) {
            return Err(reported_error(&chunk, context, model));
        }
        match chunk["type"].as_str().unwrap_or(&event.name) {
            "message_start" => {
                let message = &chunk["message"];
                answer.served_by(message["model"].as_str(), context);
                // What goes out is counted at the end; the figure at the start stands for no text.
                answer.report(Reported { output: None, ..reported(&message["usage"]) });
            }
            "content_block_start" => take_block(answer, &chunk["content_block"]),
            "content_block_delta" => take_block(answer, &chunk["delta"]),
            "message_delta" => {
                answer.report(reported(&chunk["usage"]));
                if let Some(finish) = finish_of(&chunk["delta"]) {
                    answer.announce(finish);
                }
            }
            "message_stop" => answer.end(),
            _ => {}
        }
        Ok(())
    }

    fn take_whole(
        &self,
        answer: &mut Answer,
        document: &Value,
        context: &Context,
        model: &str,
    ) -> Result<bool, Failure> {
        if document["type"] == "error" || document.get("error").is_some_and(is_error) {
            return Err(reported_error(document, context, model));
        }
        let Some(blocks) = document["content"].as_array() else { return Ok(false) };
        for block in blocks {
            take_block(answer, block);
        }
        answer.served_by(document["model"].as_str(), context);
        answer.report(reported(&document["usage"]));
        if let Some(finish) = finish_of(document) {
            answer.announce(finish);
        }
        Ok(true)
    }
}

/// The vendor's word for an effort; none is said by disabling thought.
fn effort_word(effort: Effort) -> Option<&'static str> {
    match effort {
        Effort::None => None,
        // The lowest that there is.
        Effort::Minimal => Some("low"),
        other => Some(other.word()),
    }
}

/// Takes a block or a piece of one; everything that is not text is thought or a tool's.
fn take_block(answer: &mut Answer, block: &Value) {
    match block["text"].as_str() {
        Some(text) => answer.push(text),
        None => answer.begin(),
    }
}

fn finish_of(place: &Value) -> Option<Finish> {
    Some(match place["stop_reason"].as_str()? {
        "end_turn" | "stop_sequence" => Finish::Stop,
        "max_tokens" => Finish::Length,
        "model_context_window_exceeded" => Finish::WindowFull,
        "refusal" => {
            let details = &place["stop_details"];
            let words = details["explanation"].as_str().or(details["category"].as_str());
            Finish::Refused(words.unwrap_or_default().to_owned())
        }
        "tool_use" => Finish::Tool,
        other => Finish::Unknown(other.to_owned()),
    })
}

/// Anthropic counts what was read from and written to its cache apart.
fn reported(usage: &Value) -> Reported {
    let read = number(&usage["cache_read_input_tokens"]);
    let written = number(&usage["cache_creation_input_tokens"]);
    let beside = read.unwrap_or_default().saturating_add(written.unwrap_or_default());
    Reported {
        input: number(&usage["input_tokens"]).map(|fresh| fresh.saturating_add(beside)),
        output: number(&usage["output_tokens"]),
        cached: read,
        cache_write: written,
        reasoning: number(&usage["output_tokens_details"]["thinking_tokens"]),
    }
}
