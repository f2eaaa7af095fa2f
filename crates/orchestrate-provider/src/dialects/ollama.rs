//! Ollama's own chat. Not its compatible one: that one cannot say how large a context window is needed, and
//! a prompt that does not fit the default is cut without a word.

use orchestrate_core::{failure::Failure, request::Request};
use reqwest::Url;
use serde::Serialize;
use serde_json::Value;

use super::{
    Effort,
    wire::{Framing, Shape, Wire, below, bytes, chunk, number, reported_error},
};
use crate::{
    http::{Answer, Context, Finish, Reported, is_error},
    sse::Event,
};

/// The smallest context window that is asked for, in tokens.
const SMALLEST_WINDOW: u64 = 8_192;
/// Tokens that are left for the answer where it has no limit.
const ROOM_FOR_ANSWER: u64 = 4_096;
/// Bytes that make a token of prompt at least: low, so that the window is rather too large.
const BYTES_PER_TOKEN: u64 = 3;

/// The dialect.
#[derive(Debug)]
pub(super) struct Ollama {
    pub(super) context: Option<u32>,
}

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    messages: Vec<Message<'a>>,
    stream: bool,
    /// Rather an error than a prompt that is cut; servers that do not know it ignore it.
    truncate: bool,
    shift: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    think: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<&'a Value>,
    options: Options,
}

#[derive(Serialize)]
struct Message<'a> {
    role: &'static str,
    content: &'a str,
}

#[derive(Serialize)]
struct Options {
    num_ctx: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    num_predict: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<u64>,
}

impl Ollama {
    /// A power of two, so that calls of about the same length do not load the model anew each time.
    fn window(&self, request: &Request) -> u64 {
        if let Some(window) = self.context {
            return window.into();
        }
        let answer = request.length_cap().map_or(ROOM_FOR_ANSWER, u64::from);
        let needed = request.prompt_bytes().div_ceil(BYTES_PER_TOKEN).saturating_add(answer);
        needed.max(SMALLEST_WINDOW).checked_next_power_of_two().unwrap_or(needed)
    }
}

impl Wire for Ollama {
    fn name(&self) -> &'static str {
        "ollama-chat"
    }

    fn kind(&self) -> &'static str {
        "ollama"
    }

    fn speaks(&self) -> &'static str {
        "Ollama's chat"
    }

    fn address_hint(&self) -> &'static str {
        "it is what stands before /api/chat"
    }

    fn framing(&self) -> Framing {
        Framing::Lines
    }

    fn lacks(&self, _shape: Shape) -> Option<&'static str> {
        None
    }

    fn url(&self, base: &Url, _model: &str) -> Url {
        below(base, ["api", "chat"])
    }

    fn models_url(&self, base: &Url) -> Url {
        below(base, ["api", "tags"])
    }

    fn body(&self, request: &Request, shape: Shape) -> Result<Vec<u8>, Failure> {
        let user = request.user();
        let system = (!request.system.is_empty())
            .then_some(Message { role: "system", content: &request.system });
        let think = shape.effort.map(|effort| match effort {
            Effort::None => Value::Bool(false),
            Effort::Minimal | Effort::Low => "low".into(),
            Effort::Medium => "medium".into(),
            Effort::High | Effort::Max => "high".into(),
        });
        let body = Body {
            model: &request.model.model,
            messages: system
                .into_iter()
                .chain([Message { role: "user", content: &user }])
                .collect(),
            stream: true,
            truncate: false,
            shift: false,
            think,
            format: request.response_schema.as_deref(),
            options: Options {
                num_ctx: self.window(request),
                num_predict: request.length_cap(),
                temperature: request.parameters.temperature,
                seed: shape.seed,
            },
        };
        bytes(&body, request.system.len() + user.len())
    }

    fn take(
        &self,
        answer: &mut Answer,
        event: &Event,
        context: &Context,
        model: &str,
    ) -> Result<(), Failure> {
        take_line(answer, &chunk(event, context)?, context, model).map(drop)
    }

    fn take_whole(
        &self,
        answer: &mut Answer,
        document: &Value,
        context: &Context,
        model: &str,
    ) -> Result<bool, Failure> {
        take_line(answer, document, context, model)
    }
}

/// Takes one line, and says whether it belongs to an answer.
fn take_line(
    answer: &mut Answer,
    line: &Value,
    context: &Context,
    model: &str,
) -> Result<bool, Failure> {
    if line.get("error").is_some_and(is_error) {
        return Err(reported_error(line, context, model));
    }
    answer.served_by(line["model"].as_str(), context);
    let message = &line["message"];
    answer.push(message["content"].as_str().unwrap_or_default());
    if message["thinking"].as_str().is_some_and(|thought| !thought.is_empty()) {
        answer.begin();
    }
    if line["done"] == true {
        answer.report(Reported {
            input: number(&line["prompt_eval_count"]),
            output: number(&line["eval_count"]),
            ..Reported::default()
        });
        match line["done_reason"].as_str() {
            Some("stop") => answer.finish(Finish::Stop),
            Some("length") => answer.finish(Finish::Length),
            Some(other) => answer.finish(Finish::Unknown(other.to_owned())),
            None => {}
        }
        answer.end();
    }
    Ok(message.is_object())
}
