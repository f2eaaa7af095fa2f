//! The ways a chat server can go wrong, each as a reply.

use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};

use crate::{
    gzip,
    reply::{Action, Answer, Reply, chunk, done},
    wire::Wire,
};

/// One way of going wrong.
#[derive(Debug, Clone, PartialEq)]
pub enum Fault {
    /// This status with an error body in the shape of `OpenAI`'s.
    Status(u16),
    /// This status with an error of this code.
    Code(u16, &'static str),
    /// 429 with this header.
    RetryAfter(&'static str, &'static str),
    /// The connection is closed before a status line.
    CloseBeforeHeaders,
    /// The connection is reset before a status line.
    ResetBeforeHeaders,
    /// A chunked stream that breaks after half the text.
    CutMidStream,
    /// A stream without length or chunks that the server closes after half the text, as a good one
    /// would end.
    CloseDelimitedCut,
    /// A body shorter than its content length.
    ShortBody,
    /// A well-ended HTTP body whose event stream has neither finish reason nor `[DONE]`.
    NoTerminalEvent,
    /// A well-ended event stream without a single event.
    NoEvents,
    /// The last event without a finish reason.
    DoneWithoutFinish,
    /// An error event in the middle of a good stream.
    ErrorEvent(&'static str),
    /// Comment lines for ever and no event.
    EndlessPings,
    /// Status line and headers, then silence.
    SilenceAfterHeaders,
    /// Half the text, then silence.
    SilenceMidStream,
    /// Nothing at all.
    SilenceBeforeHeaders,
    /// Half the text, then nothing but what keeps the connection alive.
    PingsMidStream,
    /// One byte after the other, without ever an event's end.
    Trickle,
    /// An event line that never ends.
    EndlessLine,
    /// An HTML page under status 200.
    Html,
    /// A good event stream labelled `text/plain`.
    WrongContentType,
    /// A JSON answer that is cut in the middle.
    TruncatedJson,
    /// An event that is not JSON.
    GarbageEvent,
    /// An event line of this many bytes.
    HugeLine(usize),
    /// An event that is not UTF-8.
    InvalidUtf8,
    /// Half of a surrogate pair in a JSON string.
    LoneSurrogate,
    /// A good stream without usage.
    NoUsage,
    /// A good stream with usage in every chunk.
    UsageEverywhere,
    /// A stream that ends with this finish reason.
    Finish(Value),
    /// A stream that ends normally after a refusal.
    Refusal,
    /// A stream that ends normally without text.
    EmptyContent,
    /// A redirect with status 307 to this address.
    Redirect(String),
    /// A small compressed body that unpacks to this many bytes of comment lines.
    GzipBomb(usize),
    /// A JSON answer of another shape: an object that is not an answer.
    WrongShape,
}

impl Fault {
    /// The reply that plays this fault in Chat Completions.
    pub fn reply(&self) -> Reply {
        self.reply_in(Wire::Chat).unwrap_or_default()
    }

    /// The reply that plays this fault in a dialect; `None` where the dialect has no such thing.
    pub fn reply_in(&self, wire: Wire) -> Option<Reply> {
        let answer = Answer { piece: 8, ..Answer::new("A text of some length.") };
        let open = |parts: Vec<Bytes>| Reply::stream_of(wire.stream_type(), parts, false);
        let ended = |parts: Vec<Bytes>| Reply::stream_of(wire.stream_type(), parts, true);
        let half = {
            let mut events = answer.events_in(wire);
            events.truncate(wire.lead() + 2);
            events
        };
        let with = |foreign: Bytes| {
            let mut events = answer.events_in(wire);
            events.insert(wire.lead() + 1, foreign);
            ended(events)
        };
        let error = |status: u16, code: &str, message: &str| {
            Reply::json(status, &wire.error(status, code, message))
        };
        Some(match self {
            Self::Status(status) => error(*status, "scripted_error", "a scripted failure"),
            Self::Code(status, code) => error(*status, code, "a scripted failure"),
            Self::RetryAfter(name, value) => {
                error(429, "rate_limit_exceeded", "slow down").header(name, value)
            }
            Self::CloseBeforeHeaders => Reply::raw([Action::Close]),
            Self::ResetBeforeHeaders => Reply::raw([Action::Reset]),
            Self::CutMidStream => open(half).then([Action::Close]),
            Self::CloseDelimitedCut => close_delimited(wire, &half),
            Self::ShortBody => short_body(),
            Self::NoTerminalEvent => ended(half),
            Self::NoEvents => ended(vec![]),
            Self::DoneWithoutFinish => {
                let mut events = half;
                events.push(last_without_finish(wire)?);
                ended(events)
            }
            Self::ErrorEvent(code) => {
                let mut events = half;
                events.push(wire.event(&wire.error_event(code, "a failure in mid-stream")));
                ended(events)
            }
            Self::EndlessPings => open(vec![]).then([Action::Repeat(chunk(wire.ping()), PING)]),
            Self::PingsMidStream => open(half).then([Action::Repeat(chunk(wire.ping()), PING)]),
            Self::Trickle => open(vec![]).then([Action::Repeat(chunk(b"d"), PING)]),
            Self::EndlessLine => {
                let line: Bytes = vec![b'x'; 1 << 20].into();
                open(vec![Bytes::from_static(b"data: ")])
                    .then([Action::Repeat(chunk(&line), Duration::ZERO)])
            }
            Self::SilenceAfterHeaders => open(vec![]).then([Action::Hang]),
            Self::SilenceMidStream => open(half).then([Action::Hang]),
            Self::SilenceBeforeHeaders => Reply::raw([Action::Hang]),
            Self::Html => Reply::of(200, &[("content-type", "text/html")], HTML),
            Self::WrongContentType => {
                Reply::of(200, &[("content-type", "text/plain")], answer.events_in(wire).concat())
            }
            Self::TruncatedJson => Reply::of(200, &JSON, r#"{"choices":[{"message":{"conte"#),
            Self::GarbageEvent => with(wire.raw_event(b"{\"choi")),
            Self::HugeLine(bytes) => with(wire.raw_event(&vec![b'x'; *bytes])),
            Self::InvalidUtf8 => with(wire.raw_event(b"{\"x\": \"\xff\xfe\"}")),
            Self::LoneSurrogate => {
                let piece = wire.piece("SURROGATE", "m").to_string();
                with(wire.raw_event(piece.replace("SURROGATE", "\\ud83d").as_bytes()))
            }
            Self::NoUsage => Answer { usage: None, ..answer }.stream_in(wire),
            Self::UsageEverywhere => ended(usage_everywhere(wire, &answer)),
            Self::Finish(reason) => Answer { finish: reason.clone(), ..answer }.stream_in(wire),
            Self::Refusal => ended(refusal(wire, &answer)?),
            Self::EmptyContent => Answer { text: String::new(), ..answer }.stream_in(wire),
            Self::Redirect(location) => Reply::of(307, &[("location", location)], ""),
            Self::GzipBomb(size) => {
                let headers = [("content-type", wire.stream_type()), ("content-encoding", "gzip")];
                let pattern: &[u8] = if wire == Wire::Ollama { b"\n" } else { b":\n" };
                Reply::of(200, &headers, gzip::bomb(pattern, *size))
            }
            Self::WrongShape => Reply::json(200, &json!({"result": "fine"})),
        })
    }
}

const PING: Duration = Duration::from_millis(5);
const JSON: [(&str, &str); 1] = [("content-type", "application/json")];
const HTML: &str = "<!DOCTYPE html><html><body>Welcome to the proxy</body></html>";

fn close_delimited(wire: Wire, half: &[Bytes]) -> Reply {
    let kind = wire.stream_type();
    let head = format!("HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\nconnection: close\r\n\r\n");
    let sent = [head.as_bytes(), &half.concat()].concat();
    Reply::raw([Action::Send(sent.into()), Action::Close])
}

fn short_body() -> Reply {
    let sent = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 5000\r\n\r\n\
                {\"choices\":[";
    Reply::raw([Action::Send(sent.into()), Action::Close])
}

/// The event that ends a stream, without the reason why; a stream of Gemini has no such event.
fn last_without_finish(wire: Wire) -> Option<Bytes> {
    let data = match wire {
        Wire::Chat => return Some(done()),
        Wire::Responses => json!({"type": "response.completed", "response": {"output": []}}),
        Wire::Anthropic => json!({"type": "message_stop"}),
        Wire::Gemini => return None,
        Wire::Ollama => json!({"message": {"content": ""}, "done": true}),
    };
    Some(wire.event(&data))
}

/// The stream with the figures in every event that can hold them.
fn usage_everywhere(wire: Wire, answer: &Answer) -> Vec<Bytes> {
    let add = |data: &mut Value| match wire {
        Wire::Chat => {
            data["usage"] =
                json!({"prompt_tokens": 10, "completion_tokens": 20, "total_tokens": 30});
        }
        Wire::Responses | Wire::Anthropic => {}
        Wire::Gemini => {
            data["usageMetadata"] = json!({"promptTokenCount": 10, "candidatesTokenCount": 20});
        }
        Wire::Ollama => {
            data["prompt_eval_count"] = json!(10);
            data["eval_count"] = json!(20);
        }
    };
    let mut events = Vec::new();
    for sent in answer.events_in(wire) {
        let text = String::from_utf8_lossy(&sent).into_owned();
        let data = text.lines().find_map(|line| line.strip_prefix("data: ")).unwrap_or(&text);
        let Ok(mut value) = serde_json::from_str::<Value>(data.trim()) else {
            events.push(sent);
            continue;
        };
        add(&mut value);
        events.push(wire.event(&value));
        if value["type"] == "message_delta" {
            events.push(wire.event(&value));
        }
    }
    events
}

/// A stream that ends after a refusal; Ollama has no word for it.
fn refusal(wire: Wire, answer: &Answer) -> Option<Vec<Bytes>> {
    let words = "I cannot help with that.";
    let silent = Answer { text: String::new(), ..answer.clone() };
    let mut events = silent.events_in(wire);
    match wire {
        Wire::Chat => {
            let delta = json!({"choices": [{"index": 0, "delta": {"refusal": words}}]});
            events.insert(1, wire.event(&delta));
        }
        Wire::Responses => {
            let delta = json!({"type": "response.refusal.delta", "delta": words});
            events.insert(1, wire.event(&delta));
        }
        Wire::Anthropic => {
            let filtered = Answer { finish: json!("content_filter"), ..silent };
            events = filtered.events_in(wire);
        }
        Wire::Gemini => {
            let blocked = json!({
                "promptFeedback": {"blockReason": "PROHIBITED_CONTENT"},
                "usageMetadata": {"promptTokenCount": 10, "candidatesTokenCount": 0},
            });
            events = vec![wire.event(&blocked)];
        }
        Wire::Ollama => return None,
    }
    Some(events)
}
