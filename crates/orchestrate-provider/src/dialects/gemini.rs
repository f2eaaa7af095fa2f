//! Gemini's generateContent, as `v1` and `v1beta`.

use orchestrate_core::{failure::Failure, request::Request};
use reqwest::Url;
use serde::Serialize;
use serde_json::Value;

use super::{
    Effort,
    wire::{Shape, Wire, below, bytes, chunk, number, reported_error, without_version},
};
use crate::{
    http::{Answer, Context, Finish, KeyHeader, Reported, is_error},
    sse::Event,
};

/// The dialect.
#[derive(Debug)]
pub(super) struct Gemini {
    pub(super) version: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    contents: [Content; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    system_instruction: Option<Content>,
    #[serde(skip_serializing_if = "Option::is_none")]
    generation_config: Option<GenerationConfig<'a>>,
}

#[derive(Serialize)]
struct Content {
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'static str>,
    parts: [Part; 1],
}

#[derive(Serialize)]
struct Part {
    text: String,
}

#[derive(Serialize, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
struct GenerationConfig<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_output_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking_config: Option<ThinkingConfig>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_mime_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_json_schema: Option<&'a Value>,
}

#[derive(Serialize, PartialEq)]
#[serde(rename_all = "camelCase")]
enum ThinkingConfig {
    ThinkingLevel(&'static str),
    ThinkingBudget(i32),
}

impl Gemini {
    fn models(&self, base: &Url) -> Url {
        below(&without_version(base, &self.version), [self.version.as_str()])
    }
}

impl Wire for Gemini {
    fn name(&self) -> &'static str {
        "generate-content"
    }

    fn kind(&self) -> &'static str {
        "gemini"
    }

    fn speaks(&self) -> &'static str {
        "Gemini's generateContent"
    }

    fn address_hint(&self) -> &'static str {
        "it is what stands before /v1/models; some servers and models know `v1beta` only, which \
         `api_version` or GOOGLE_GENAI_API_VERSION sets"
    }

    fn lacks(&self, _shape: Shape) -> Option<&'static str> {
        None
    }

    fn url(&self, base: &Url, model: &str) -> Url {
        let method = format!("{model}:streamGenerateContent");
        let mut url = match method.split_once('/') {
            // Tuned models and the full names of others.
            Some((kind @ ("models" | "tunedModels"), name)) => {
                below(&self.models(base), [kind, name])
            }
            _ => below(&self.models(base), ["models", &method]),
        };
        url.query_pairs_mut().append_pair("alt", "sse");
        url
    }

    fn models_url(&self, base: &Url) -> Url {
        let mut url = below(&self.models(base), ["models"]);
        url.query_pairs_mut().append_pair("pageSize", "1000");
        url
    }

    fn key_header(&self, _request: Option<&Request>) -> KeyHeader {
        KeyHeader::Named("x-goog-api-key")
    }

    fn body(&self, request: &Request, shape: Shape) -> Result<Vec<u8>, Failure> {
        let content = |role, text| Content { role, parts: [Part { text }] };
        let schema = request.response_schema.as_deref();
        let settings = GenerationConfig {
            temperature: request.parameters.temperature,
            max_output_tokens: request.length_cap(),
            seed: shape.seed,
            thinking_config: shape.effort.map(|effort| thinking(effort, &request.model.model)),
            response_mime_type: schema.map(|_| "application/json"),
            response_json_schema: schema,
        };
        let system = Some(&request.system).filter(|system| !system.is_empty());
        let body = Body {
            contents: [content(Some("user"), request.user())],
            system_instruction: system.map(|system| content(None, system.clone())),
            generation_config: (settings != GenerationConfig::default()).then_some(settings),
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
        take_response(answer, &chunk(event, context)?, context, model).map(drop)
    }

    fn take_whole(
        &self,
        answer: &mut Answer,
        document: &Value,
        context: &Context,
        model: &str,
    ) -> Result<bool, Failure> {
        // A server that does not know `alt=sse` sends the events as an array.
        let Some(events) = document.as_array() else {
            return take_response(answer, document, context, model);
        };
        let mut held = false;
        for event in events {
            held |= take_response(answer, event, context, model)?;
        }
        Ok(held)
    }
}

/// Takes one response object, and says whether there was an answer in it or the reason why there is none.
fn take_response(
    answer: &mut Answer,
    response: &Value,
    context: &Context,
    model: &str,
) -> Result<bool, Failure> {
    answer.report(reported(&response["usageMetadata"]));
    if response.get("error").is_some_and(is_error) {
        return Err(reported_error(response, context, model));
    }
    answer.served_by(response["modelVersion"].as_str(), context);
    if let Some(reason) = response["promptFeedback"]["blockReason"].as_str() {
        answer.finish(Finish::Filtered(format!("the prompt was blocked, {reason}")));
        return Ok(true);
    }
    let candidates = response["candidates"].as_array();
    let first = candidates
        .into_iter()
        .flatten()
        .find(|candidate| candidate["index"].as_u64().unwrap_or_default() == 0);
    let Some(candidate) = first else { return Ok(false) };
    for part in candidate["content"]["parts"].as_array().into_iter().flatten() {
        match part["text"].as_str() {
            Some(text) if part["thought"] != true => answer.push(text),
            _ => answer.begin(),
        }
    }
    if let Some(reason) = candidate["finishReason"].as_str() {
        answer.finish(finish_of(reason));
    }
    Ok(true)
}

fn finish_of(reason: &str) -> Finish {
    match reason {
        "STOP" => Finish::Stop,
        "MAX_TOKENS" => Finish::Length,
        "SAFETY" | "RECITATION" | "BLOCKLIST" | "PROHIBITED_CONTENT" | "SPII" | "IMAGE_SAFETY"
        | "MODEL_ARMOR" => Finish::Filtered(reason.to_owned()),
        "UNEXPECTED_TOOL_CALL" | "TOO_MANY_TOOL_CALLS" | "MALFORMED_FUNCTION_CALL" => Finish::Tool,
        other => Finish::Unknown(other.to_owned()),
    }
}

/// Models of the second generation are given a number of tokens to think with, later ones a level.
fn thinking(effort: Effort, model: &str) -> ThinkingConfig {
    if model.contains("gemini-2") || model.contains("gemini-1") {
        return ThinkingConfig::ThinkingBudget(match effort {
            Effort::None => 0,
            Effort::Minimal => 512,
            Effort::Low => 1_024,
            Effort::Medium => 8_192,
            Effort::High | Effort::Max => 24_576,
        });
    }
    ThinkingConfig::ThinkingLevel(match effort {
        Effort::None | Effort::Minimal => "minimal",
        Effort::Low => "low",
        Effort::Medium => "medium",
        Effort::High | Effort::Max => "high",
    })
}

/// Thoughts are counted apart from the answer, and charged as it is.
fn reported(usage: &Value) -> Reported {
    let thoughts = number(&usage["thoughtsTokenCount"]);
    Reported {
        input: number(&usage["promptTokenCount"]),
        output: number(&usage["candidatesTokenCount"])
            .map(|answer| answer.saturating_add(thoughts.unwrap_or_default())),
        cached: number(&usage["cachedContentTokenCount"]),
        cache_write: None,
        reasoning: thoughts,
    }
}
