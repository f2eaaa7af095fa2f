//! The dialects that the scripted server speaks, and how an answer looks in each.

use bytes::Bytes;
use serde_json::{Value, json};

use crate::{
    reply::{Answer, Reply, done, event},
    server::SeenRequest,
};

/// What the server speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Wire {
    /// `OpenAI`'s Chat Completions.
    Chat,
    /// `OpenAI`'s Responses.
    Responses,
    /// Anthropic's Messages.
    Anthropic,
    /// Gemini's generateContent.
    Gemini,
    /// Ollama's own chat.
    Ollama,
}

impl Wire {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Chat, Self::Responses, Self::Anthropic, Self::Gemini, Self::Ollama];

    /// The dialect that a request to this path is made in.
    pub fn of(path: &str) -> Option<Self> {
        let path = path.split('?').next().unwrap_or_default();
        Some(match path {
            _ if path.ends_with("/chat/completions") => Self::Chat,
            _ if path.ends_with("/responses") => Self::Responses,
            _ if path.ends_with("/messages") => Self::Anthropic,
            _ if path.ends_with("enerateContent") => Self::Gemini,
            _ if path.ends_with("/api/chat") => Self::Ollama,
            _ => return None,
        })
    }

    /// What stands between the server's URL and the dialect's own path.
    pub fn prefix(self) -> &'static str {
        match self {
            Self::Chat | Self::Responses => "/v1",
            Self::Anthropic | Self::Gemini | Self::Ollama => "",
        }
    }

    /// The content type of a stream.
    pub fn stream_type(self) -> &'static str {
        match self {
            Self::Ollama => "application/x-ndjson",
            _ => "text/event-stream",
        }
    }

    /// Events before the first text.
    pub fn lead(self) -> usize {
        match self {
            Self::Chat | Self::Responses => 1,
            Self::Anthropic => 2,
            Self::Gemini | Self::Ollama => 0,
        }
    }

    /// One event with this data.
    pub fn event(self, data: &Value) -> Bytes {
        match (self, data["type"].as_str()) {
            (Self::Ollama, _) => format!("{data}\n").into(),
            (Self::Anthropic | Self::Responses, Some(name)) => {
                format!("event: {name}\ndata: {data}\n\n").into()
            }
            _ => event(data),
        }
    }

    /// One event with these bytes for data, whatever they are.
    pub fn raw_event(self, data: &[u8]) -> Bytes {
        match self {
            Self::Ollama => [data, b"\n"].concat().into(),
            _ => [b"data: ".as_slice(), data, b"\n\n"].concat().into(),
        }
    }

    /// What keeps a connection alive and brings nothing.
    pub fn ping(self) -> &'static [u8] {
        match self {
            Self::Ollama => b"\n",
            Self::Anthropic => b"event: ping\ndata: {\"type\": \"ping\"}\n\n",
            _ => b": ping\n\n",
        }
    }

    /// A piece of text as an event's data.
    pub fn piece(self, text: &str, model: &str) -> Value {
        match self {
            Self::Chat => chat_chunk(model, &json!({"content": text}), &Value::Null),
            Self::Responses => json!({
                "type": "response.output_text.delta", "item_id": "msg_1", "output_index": 0,
                "content_index": 0, "delta": text,
            }),
            Self::Anthropic => json!({
                "type": "content_block_delta", "index": 0,
                "delta": {"type": "text_delta", "text": text},
            }),
            Self::Gemini => json!({
                "candidates": [{"content": {"role": "model", "parts": [{"text": text}]}, "index": 0}],
                "modelVersion": model,
            }),
            Self::Ollama => json!({
                "model": model, "created_at": "2026-11-21T12:00:00Z",
                "message": {"role": "assistant", "content": text}, "done": false,
            }),
        }
    }

    /// An error's body.
    pub fn error(self, status: u16, code: &str, message: &str) -> Value {
        match self {
            Self::Chat | Self::Responses => {
                json!({"error": {"message": message, "type": code, "param": null, "code": code}})
            }
            Self::Anthropic => json!({
                "type": "error", "error": {"type": code, "message": message}, "request_id": "req_1",
            }),
            Self::Gemini => json!({"error": {"code": status, "message": message, "status": code}}),
            Self::Ollama => json!({"error": message}),
        }
    }

    /// An error as an event in the middle of a stream.
    pub fn error_event(self, code: &str, message: &str) -> Value {
        match self {
            Self::Responses => {
                json!({"type": "error", "code": code, "message": message, "sequence_number": 9})
            }
            Self::Gemini => json!({"error": {"message": message, "status": code}}),
            _ => self.error(0, code, message),
        }
    }
}

fn chat_chunk(model: &str, delta: &Value, finish: &Value) -> Value {
    json!({
        "id": "chatcmpl-scripted", "object": "chat.completion.chunk", "created": 0, "model": model,
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
    })
}

/// The dialect's own word for a finish reason of Chat Completions; unknown ones stand as they are.
fn finish(wire: Wire, reason: &Value) -> Value {
    let words = match wire {
        Wire::Anthropic => ["end_turn", "max_tokens", "refusal", "tool_use"],
        Wire::Gemini => ["STOP", "MAX_TOKENS", "SAFETY", "MALFORMED_FUNCTION_CALL"],
        Wire::Chat | Wire::Responses | Wire::Ollama => return reason.clone(),
    };
    let known = ["stop", "length", "content_filter", "tool_calls"];
    match known.iter().position(|known| reason == known) {
        Some(at) => json!(words[at]),
        None => reason.clone(),
    }
}

impl Answer {
    /// The form and dialect that the request asks for.
    pub(crate) fn reply_in_kind(&self, wire: Wire, request: &SeenRequest) -> Reply {
        let streamed = match wire {
            Wire::Gemini => request.path.contains(":stream"),
            Wire::Ollama => request.json["stream"] != json!(false),
            _ => request.json["stream"] == json!(true),
        };
        if streamed { self.stream_in(wire) } else { self.json_in(wire) }
    }

    /// The answer as a stream of this dialect, in one write.
    pub fn stream_in(&self, wire: Wire) -> Reply {
        Reply::stream_of(wire.stream_type(), [self.events_in(wire).concat().into()], true)
    }

    /// The answer in one document of this dialect.
    pub fn json_in(&self, wire: Wire) -> Reply {
        Reply::json(200, &self.document(wire))
    }

    /// The events of the stream, one by one.
    pub fn events_in(&self, wire: Wire) -> Vec<Bytes> {
        let characters: Vec<char> = self.text.chars().collect();
        let pieces = characters.chunks(self.piece.max(1)).map(|piece| {
            let piece: String = piece.iter().collect();
            wire.event(&wire.piece(&piece, &self.model))
        });
        let (before, after) = (self.before(wire), self.after(wire));
        let mut events: Vec<Bytes> = before.iter().map(|data| wire.event(data)).collect();
        events.extend(pieces);
        events.extend(after.iter().map(|data| wire.event(data)));
        if wire == Wire::Chat && self.done {
            events.push(done());
        }
        events
    }

    fn before(&self, wire: Wire) -> Vec<Value> {
        match wire {
            Wire::Chat => {
                let delta = json!({"role": "assistant", "content": ""});
                vec![chat_chunk(&self.model, &delta, &Value::Null)]
            }
            Wire::Responses => vec![json!({
                "type": "response.created",
                "response": {"id": "resp_1", "status": "in_progress", "model": self.model, "error": null},
            })],
            Wire::Anthropic => {
                let mut message = self.document(wire);
                message["content"] = json!([]);
                message["stop_reason"] = Value::Null;
                if let Some((input, _)) = self.usage {
                    message["usage"] = anthropic_input(input);
                    message["usage"]["output_tokens"] = json!(1);
                }
                let start = json!({
                    "type": "content_block_start", "index": 0,
                    "content_block": {"type": "text", "text": ""},
                });
                vec![json!({"type": "message_start", "message": message}), start]
            }
            Wire::Gemini | Wire::Ollama => vec![],
        }
    }

    fn after(&self, wire: Wire) -> Vec<Value> {
        match wire {
            Wire::Chat => {
                let mut events = vec![chat_chunk(&self.model, &json!({}), &self.finish)];
                if let Some(usage) = self.usage {
                    let mut last = chat_chunk(&self.model, &Value::Null, &Value::Null);
                    last["choices"] = json!([]);
                    last["usage"] = chat_usage(usage);
                    events.push(last);
                }
                events
            }
            Wire::Responses => {
                let response = self.document(wire);
                let kind = match response["status"].as_str() {
                    Some("incomplete") => "response.incomplete",
                    _ => "response.completed",
                };
                vec![json!({"type": kind, "response": response})]
            }
            Wire::Anthropic => {
                let mut delta = json!({
                    "type": "message_delta",
                    "delta": {"stop_reason": finish(wire, &self.finish), "stop_sequence": null},
                });
                if let Some((_, output)) = self.usage {
                    delta["usage"] = json!({"output_tokens": output});
                }
                vec![
                    json!({"type": "content_block_stop", "index": 0}),
                    delta,
                    json!({"type": "message_stop"}),
                ]
            }
            Wire::Gemini => {
                let mut last = wire.piece("", &self.model);
                last["candidates"][0]["finishReason"] = finish(wire, &self.finish);
                if let Some(usage) = self.usage {
                    last["usageMetadata"] = gemini_usage(usage);
                }
                vec![last]
            }
            Wire::Ollama => {
                let mut last = self.document(wire);
                last["message"]["content"] = json!("");
                vec![last]
            }
        }
    }

    /// The answer as one JSON document.
    fn document(&self, wire: Wire) -> Value {
        let text = &self.text;
        match wire {
            Wire::Chat => {
                let mut body = json!({
                    "id": "chatcmpl-scripted", "object": "chat.completion", "created": 0,
                    "model": self.model,
                    "choices": [{
                        "index": 0, "message": {"role": "assistant", "content": text},
                        "finish_reason": self.finish,
                    }],
                });
                if let Some(usage) = self.usage {
                    body["usage"] = chat_usage(usage);
                }
                body
            }
            Wire::Responses => self.response(),
            Wire::Anthropic => {
                let mut body = json!({
                    "id": "msg_1", "type": "message", "role": "assistant", "model": self.model,
                    "content": [{"type": "text", "text": text}],
                    "stop_reason": finish(wire, &self.finish), "stop_sequence": null,
                });
                if let Some((input, output)) = self.usage {
                    body["usage"] = anthropic_input(input);
                    body["usage"]["output_tokens"] = json!(output);
                }
                body
            }
            Wire::Gemini => {
                let mut body = wire.piece(text, &self.model);
                body["candidates"][0]["finishReason"] = finish(wire, &self.finish);
                if let Some(usage) = self.usage {
                    body["usageMetadata"] = gemini_usage(usage);
                }
                body
            }
            Wire::Ollama => {
                let mut body = wire.piece(text, &self.model);
                body["done"] = json!(true);
                body["done_reason"] = self.finish.clone();
                if let Some((input, output)) = self.usage {
                    body["prompt_eval_count"] = json!(input);
                    body["eval_count"] = json!(output);
                }
                body
            }
        }
    }

    fn response(&self) -> Value {
        let message = json!({
            "type": "message", "id": "msg_1", "role": "assistant", "status": "completed",
            "content": [{"type": "output_text", "text": self.text, "annotations": []}],
        });
        let call = json!({"type": "function_call", "name": "f", "arguments": "{}"});
        let (status, reason, output) = match self.finish.as_str() {
            Some("stop") => (json!("completed"), Value::Null, message),
            Some("tool_calls") => (json!("completed"), Value::Null, call),
            Some("length") => {
                (json!("incomplete"), json!({"reason": "max_output_tokens"}), message)
            }
            Some("content_filter") => {
                (json!("incomplete"), json!({"reason": "content_filter"}), message)
            }
            _ => (self.finish.clone(), Value::Null, message),
        };
        let mut body = json!({
            "id": "resp_1", "object": "response", "created_at": 0, "model": self.model,
            "status": status, "incomplete_details": reason, "error": null, "output": [output],
        });
        if let Some((input, output)) = self.usage {
            body["usage"] = json!({
                "input_tokens": input, "input_tokens_details": {"cached_tokens": 0},
                "output_tokens": output, "output_tokens_details": null,
                "total_tokens": input + output,
            });
        }
        body
    }
}

fn chat_usage((input, output): (u64, u64)) -> Value {
    json!({"prompt_tokens": input, "completion_tokens": output, "total_tokens": input + output})
}

fn gemini_usage((input, output): (u64, u64)) -> Value {
    json!({
        "promptTokenCount": input, "candidatesTokenCount": output, "totalTokenCount": input + output,
    })
}

/// What went in, with a part of it read from and another written to the cache.
fn anthropic_input(input: u64) -> Value {
    let (read, written) = (input / 4, input / 8);
    json!({
        "input_tokens": input - read - written, "cache_read_input_tokens": read,
        "cache_creation_input_tokens": written,
    })
}
