//! The request as it goes over the wire, in async-openai's types.

use async_openai::types::chat::{
    ChatCompletionRequestMessage, ChatCompletionRequestSystemMessage,
    ChatCompletionRequestUserMessage, ChatCompletionStreamOptions, CreateChatCompletionRequest,
    ResponseFormat, ResponseFormatJsonSchema,
};
use orchestrate_core::request::Request;
use serde_json::Value;

use super::{config::TokenLimitParameter, strict};

/// The body of the request as JSON: one system message, one user message, streamed, with usage.
/// Sampling parameters are sent only where the workflow sets them, since many models refuse them.
pub(super) fn body(
    request: &Request,
    parameter: TokenLimitParameter,
    native_schema: bool,
) -> Result<Vec<u8>, serde_json::Error> {
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
        stream_options: Some(ChatCompletionStreamOptions {
            include_usage: Some(true),
            ..ChatCompletionStreamOptions::default()
        }),
        temperature: request.parameters.temperature.map(single),
        response_format: request
            .response_schema
            .as_ref()
            .filter(|_| native_schema)
            .map(|schema| response_format(schema)),
        ..CreateChatCompletionRequest::default()
    };
    match parameter {
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
    // Most of it is the prompt, with a few characters escaped.
    let mut bytes = Vec::with_capacity(prompt + prompt / 8 + 256);
    serde_json::to_writer(&mut bytes, &body)?;
    Ok(bytes)
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
fn single(temperature: f64) -> f32 {
    temperature as f32
}
