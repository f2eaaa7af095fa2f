//! `OpenAI`'s Responses. What is sent is not kept by the vendor (`store: false`).

use async_openai::types::responses::{CreateResponse, InputParam};
use orchestrate_core::{failure::Failure, request::Request};
use reqwest::Url;
use serde_json::{Value, json};

use super::{
    chat::single,
    strict,
    wire::{Shape, Wire, below, bytes, chunk, number, reported_error},
};
use crate::{
    http::{Answer, Context, Finish, Reported, is_error, malformed},
    sse::Event,
};

/// The dialect.
#[derive(Debug)]
pub(super) struct Responses;

impl Wire for Responses {
    fn name(&self) -> &'static str {
        "responses"
    }

    fn kind(&self) -> &'static str {
        "openai"
    }

    fn speaks(&self) -> &'static str {
        "OpenAI's Responses"
    }

    fn address_hint(&self) -> &'static str {
        "most end in /v1"
    }

    fn lacks(&self, shape: Shape) -> Option<&'static str> {
        shape.seed.is_some().then_some("`seed`")
    }

    fn url(&self, base: &Url, _model: &str) -> Url {
        below(base, ["responses"])
    }

    fn models_url(&self, base: &Url) -> Url {
        below(base, ["models"])
    }

    fn body(&self, request: &Request, shape: Shape) -> Result<Vec<u8>, Failure> {
        let user = request.user();
        let prompt = request.system.len() + user.len();
        let body = CreateResponse {
            model: Some(request.model.model.clone()),
            instructions: (!request.system.is_empty()).then(|| request.system.clone()),
            input: InputParam::Text(user),
            max_output_tokens: request.length_cap(),
            temperature: request.parameters.temperature.map(single),
            stream: Some(true),
            store: Some(false),
            ..CreateResponse::default()
        };
        if shape.effort.is_none() && request.response_schema.is_none() {
            return bytes(&body, prompt);
        }
        let mut body = serde_json::to_value(&body).unwrap_or_default();
        if let Some(effort) = shape.effort {
            // The types' list of efforts is closed, and vendors add to it.
            body["reasoning"] = json!({"effort": effort.word()});
        }
        if let Some(schema) = &request.response_schema {
            body["text"] = json!({"format": {
                "type": "json_schema",
                "name": "answer",
                "schema": schema,
                "strict": strict::takes(schema),
            }});
        }
        bytes(&body, prompt)
    }

    fn take(
        &self,
        answer: &mut Answer,
        event: &Event,
        context: &Context,
        model: &str,
    ) -> Result<(), Failure> {
        let chunk = chunk(event, context)?;
        let kind = chunk["type"].as_str().unwrap_or(&event.name);
        if kind == "error" || chunk.get("error").is_some_and(is_error) {
            return Err(reported_error(&chunk, context, model));
        }
        match kind {
            "response.output_text.delta" => {
                answer.push(chunk["delta"].as_str().unwrap_or_default());
            }
            "response.refusal.delta" => {
                answer.push_refusal(chunk["delta"].as_str().unwrap_or_default());
            }
            "response.completed"
            | "response.incomplete"
            | "response.failed"
            | "response.cancelled" => {
                take_response(answer, &chunk["response"], context, model)?;
                answer.end();
            }
            "response.created" | "response.in_progress" | "response.queued" => {
                answer.served_by(chunk["response"]["model"].as_str(), context);
            }
            // Whatever else is generated: reasoning, above all.
            other if other.rsplit('.').next() == Some("delta") => answer.begin(),
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
        if document.get("error").is_some_and(is_error) {
            return Err(reported_error(document, context, model));
        }
        if !document["output"].is_array() {
            return Ok(false);
        }
        take_response(answer, document, context, model)?;
        Ok(true)
    }
}

/// Takes a response object: the last event of a stream, or the whole answer.
fn take_response(
    answer: &mut Answer,
    response: &Value,
    context: &Context,
    model: &str,
) -> Result<(), Failure> {
    answer.report(reported(&response["usage"]));
    answer.served_by(response["model"].as_str(), context);
    if response.get("error").is_some_and(is_error) {
        return Err(reported_error(response, context, model));
    }
    let outputs = response["output"].as_array().map(Vec::as_slice).unwrap_or_default();
    // A stream has brought these texts already, unless the server sends them at the end only.
    if answer.len() == 0 {
        for part in outputs.iter().filter_map(|output| output["content"].as_array()).flatten() {
            match part["type"].as_str() {
                Some("output_text" | "text") => {
                    answer.push(part["text"].as_str().unwrap_or_default());
                }
                Some("refusal") => {
                    answer.push_refusal(part["refusal"].as_str().unwrap_or_default());
                }
                _ => {}
            }
        }
    }
    let calls = outputs.iter().any(|output| output["type"] == "function_call");
    answer.finish(match response["status"].as_str() {
        Some("completed") if calls => Finish::Tool,
        Some("completed") => Finish::Stop,
        Some("incomplete") => match response["incomplete_details"]["reason"].as_str() {
            Some("max_output_tokens") => Finish::Length,
            Some("content_filter") => Finish::Filtered(String::new()),
            other => Finish::Unknown(other.unwrap_or("incomplete").to_owned()),
        },
        Some("failed") => {
            return Err(malformed(format!("{} failed without saying why", context.name)));
        }
        Some(other) => Finish::Unknown(other.to_owned()),
        None => return Ok(()),
    });
    Ok(())
}

fn reported(usage: &Value) -> Reported {
    Reported {
        input: number(&usage["input_tokens"]),
        output: number(&usage["output_tokens"]),
        cached: number(&usage["input_tokens_details"]["cached_tokens"]),
        cache_write: number(&usage["input_tokens_details"]["cache_write_tokens"]),
        reasoning: number(&usage["output_tokens_details"]["reasoning_tokens"]),
    }
}
