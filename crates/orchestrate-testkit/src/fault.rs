//! The ways a chat server can go wrong, each as a reply.

use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};

use crate::{
    gzip,
    reply::{Action, Answer, Reply, done, error_body, event},
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
    /// `[DONE]` without a finish reason.
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
    /// The reply that plays this fault.
    pub fn reply(&self) -> Reply {
        let answer = Answer { piece: 8, ..Answer::new("A text of some length.") };
        match self {
            Self::Status(status) => Reply::error(*status, "scripted_error", "a scripted failure"),
            Self::Code(status, code) => Reply::error(*status, code, "a scripted failure"),
            Self::RetryAfter(name, value) => {
                Reply::error(429, "rate_limit_exceeded", "slow down").header(name, value)
            }
            Self::CloseBeforeHeaders => Reply::raw([Action::Close]),
            Self::ResetBeforeHeaders => Reply::raw([Action::Reset]),
            Self::CutMidStream => half(&answer).then([Action::Close]),
            Self::CloseDelimitedCut => close_delimited(&answer),
            Self::ShortBody => short_body(),
            Self::NoTerminalEvent => half(&answer).then([end_of_chunks()]),
            Self::NoEvents => Reply::stream([], true),
            Self::DoneWithoutFinish => {
                let mut events = answer.events();
                events.truncate(3);
                events.push(done());
                Reply::stream(events, true)
            }
            Self::ErrorEvent(code) => {
                let mut events = answer.events();
                events.truncate(3);
                events.push(event(&error_body(code, "a failure in mid-stream")));
                Reply::stream(events, true)
            }
            Self::EndlessPings => Reply::stream([], false)
                .then([Action::Repeat(crate::reply::chunk(b": ping\n\n"), PING)]),
            Self::SilenceAfterHeaders => Reply::stream([], false).then([Action::Hang]),
            Self::SilenceMidStream => half(&answer).then([Action::Hang]),
            Self::SilenceBeforeHeaders => Reply::raw([Action::Hang]),
            Self::Html => Reply::of(200, &[("content-type", "text/html")], HTML),
            Self::WrongContentType => {
                Reply::of(200, &[("content-type", "text/plain")], answer.events().concat())
            }
            Self::TruncatedJson => Reply::of(200, &JSON, r#"{"choices":[{"message":{"conte"#),
            Self::GarbageEvent => stream_with(&answer, Bytes::from_static(b"data: {\"choi\n\n")),
            Self::HugeLine(bytes) => {
                let mut line = b"data: ".to_vec();
                line.resize(line.len() + bytes, b'x');
                stream_with(&answer, line.into())
            }
            Self::InvalidUtf8 => {
                stream_with(&answer, Bytes::from_static(b"data: {\"x\": \"\xff\xfe\"}\n\n"))
            }
            Self::LoneSurrogate => {
                let broken = br#"data: {"choices":[{"index":0,"delta":{"content":"\ud83d"}}]}"#;
                stream_with(&answer, [broken.as_slice(), b"\n\n"].concat().into())
            }
            Self::NoUsage => Answer { usage: None, ..answer }.as_stream(),
            Self::UsageEverywhere => usage_everywhere(&answer),
            Self::Finish(reason) => Answer { finish: reason.clone(), ..answer }.as_stream(),
            Self::Refusal => refusal(&answer),
            Self::EmptyContent => Answer { text: String::new(), ..answer }.as_stream(),
            Self::Redirect(location) => Reply::of(307, &[("location", location)], ""),
            Self::GzipBomb(size) => {
                let headers = [("content-type", "text/event-stream"), ("content-encoding", "gzip")];
                Reply::of(200, &headers, gzip::bomb(b":\n", *size))
            }
            Self::WrongShape => Reply::json(200, &json!({"result": "fine"})),
        }
    }
}

const PING: Duration = Duration::from_millis(5);
const JSON: [(&str, &str); 1] = [("content-type", "application/json")];
const HTML: &str = "<!DOCTYPE html><html><body>Welcome to the proxy</body></html>";

fn end_of_chunks() -> Action {
    Action::Send(Bytes::from_static(b"0\r\n\r\n"))
}

/// The first events of an answer, the stream left open.
fn half(answer: &Answer) -> Reply {
    let mut events = answer.events();
    events.truncate(3);
    Reply::stream(events, false)
}

fn stream_with(answer: &Answer, foreign: Bytes) -> Reply {
    let mut events = answer.events();
    events.insert(2, foreign);
    Reply::stream(events, true)
}

fn close_delimited(answer: &Answer) -> Reply {
    let mut events = answer.events();
    events.truncate(3);
    let mut sent =
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n".to_vec();
    sent.extend_from_slice(&events.concat());
    Reply::raw([Action::Send(sent.into()), Action::Close])
}

fn short_body() -> Reply {
    let sent = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 5000\r\n\r\n\
                {\"choices\":[";
    Reply::raw([Action::Send(sent.into()), Action::Close])
}

fn usage_everywhere(answer: &Answer) -> Reply {
    let events = answer.events().into_iter().map(|sent| {
        let text = String::from_utf8_lossy(&sent).into_owned();
        let Some(Ok(mut chunk)) = text.strip_prefix("data: ").map(serde_json::from_str::<Value>)
        else {
            return sent;
        };
        chunk["usage"] = json!({"prompt_tokens": 10, "completion_tokens": 20, "total_tokens": 30});
        event(&chunk)
    });
    Reply::stream(events.collect::<Vec<_>>(), true)
}

fn refusal(answer: &Answer) -> Reply {
    let mut events = Answer { text: String::new(), ..answer.clone() }.events();
    let delta =
        json!({"choices": [{"index": 0, "delta": {"refusal": "I cannot help with that."}}]});
    events.insert(1, event(&delta));
    Reply::stream(events, true)
}
