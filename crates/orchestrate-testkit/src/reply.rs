//! What the scripted server sends back: an answer, or exactly these bytes at these times.

use std::{fmt::Write as _, time::Duration};

use bytes::Bytes;
use serde_json::{Value, json};

use crate::{server::SeenRequest, wire::Wire};

/// One thing the server does to a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Sends these bytes.
    Send(Bytes),
    /// Does nothing for this long.
    Wait(Duration),
    /// Sends these bytes again and again, this long apart, until the client goes or the server stops.
    Repeat(Bytes, Duration),
    /// Closes the connection in an orderly way, whatever was promised.
    Close,
    /// Breaks the connection: the client sees a reset.
    Reset,
    /// Keeps silent until the client goes or the server stops.
    Hang,
}

/// What the server does with one request. Where no action ends the connection it is kept alive.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reply {
    /// What it does, in order.
    pub actions: Vec<Action>,
}

impl Reply {
    /// A reply of these actions and nothing else: not even a status line is added.
    pub fn raw(actions: impl IntoIterator<Item = Action>) -> Self {
        Self { actions: actions.into_iter().collect() }
    }

    /// Status, headers and body with a correct content length.
    pub fn of(status: u16, headers: &[(&str, &str)], body: impl Into<Bytes>) -> Self {
        let body = body.into();
        let mut sent = head(status, headers);
        // Writing to a String cannot fail, here and below.
        let _ = write!(sent, "content-length: {}\r\n\r\n", body.len());
        let mut bytes = sent.into_bytes();
        bytes.extend_from_slice(&body);
        Self::raw([Action::Send(bytes.into())])
    }

    /// A JSON body.
    pub fn json(status: u16, body: &Value) -> Self {
        Self::of(status, &[("content-type", "application/json")], body.to_string())
    }

    /// An error in the shape of `OpenAI`'s.
    pub fn error(status: u16, code: &str, message: &str) -> Self {
        Self::json(status, &error_body(code, message))
    }

    /// The same reply with one header more, for a reply that was made by [`Reply::of`].
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        if let Some(Action::Send(bytes)) = self.actions.first_mut()
            && let Some(at) = bytes.windows(2).position(|pair| pair == b"\r\n")
        {
            let mut changed = bytes[..at + 2].to_vec();
            changed.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
            changed.extend_from_slice(&bytes[at + 2..]);
            *bytes = changed.into();
        }
        self
    }

    /// The same reply after a pause.
    #[must_use]
    pub fn after(mut self, delay: Duration) -> Self {
        if !delay.is_zero() {
            self.actions.insert(0, Action::Wait(delay));
        }
        self
    }

    /// A chunked event stream: one HTTP chunk per part. Where `ended` is false the terminating chunk
    /// is left out; the caller says what happens instead.
    pub fn stream(parts: impl IntoIterator<Item = Bytes>, ended: bool) -> Self {
        Self::stream_of("text/event-stream", parts, ended)
    }

    /// Like [`Reply::stream`], of another content type.
    pub fn stream_of(kind: &str, parts: impl IntoIterator<Item = Bytes>, ended: bool) -> Self {
        let headers = [("content-type", kind), ("cache-control", "no-cache")];
        let mut sent = head(200, &headers);
        sent.push_str("transfer-encoding: chunked\r\n\r\n");
        let mut actions = vec![Action::Send(sent.into())];
        actions.extend(parts.into_iter().map(|part| Action::Send(chunk(&part))));
        if ended {
            actions.push(Action::Send(Bytes::from_static(b"0\r\n\r\n")));
        }
        Self { actions }
    }

    /// The same reply with more actions at its end.
    #[must_use]
    pub fn then(mut self, actions: impl IntoIterator<Item = Action>) -> Self {
        self.actions.extend(actions);
        self
    }
}

/// The body of an error in the shape of `OpenAI`'s.
pub fn error_body(code: &str, message: &str) -> Value {
    json!({"error": {"message": message, "type": code, "param": null, "code": code}})
}

/// Frames bytes as one chunk of a chunked body.
pub fn chunk(part: &[u8]) -> Bytes {
    let mut framed = format!("{:x}\r\n", part.len()).into_bytes();
    framed.extend_from_slice(part);
    framed.extend_from_slice(b"\r\n");
    framed.into()
}

/// One server-sent event that carries this JSON.
pub fn event(data: &Value) -> Bytes {
    format!("data: {data}\n\n").into()
}

/// The event that ends a stream.
pub fn done() -> Bytes {
    Bytes::from_static(b"data: [DONE]\n\n")
}

fn head(status: u16, headers: &[(&str, &str)]) -> String {
    let mut head = format!("HTTP/1.1 {status} Scripted\r\n");
    for (name, value) in headers {
        let _ = write!(head, "{name}: {value}\r\n");
    }
    head
}

/// A good answer, in whichever form it is asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The text.
    pub text: String,
    /// Characters per streamed piece.
    pub piece: usize,
    /// Prompt and completion tokens, where the server reports them.
    pub usage: Option<(u64, u64)>,
    /// The finish reason as it stands in the JSON.
    pub finish: Value,
    /// Time between two streamed pieces.
    pub pace: Duration,
    /// Whether the stream closes with `[DONE]`.
    pub done: bool,
    /// The model that says it answered.
    pub model: String,
}

impl Answer {
    /// This text, streamed in pieces of 64 characters, with usage, stopped normally.
    pub fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            piece: 64,
            usage: Some((10, 20)),
            finish: json!("stop"),
            pace: Duration::ZERO,
            done: true,
            model: "scripted-1".into(),
        }
    }

    /// The dialect and form the request asks for: streamed where it says so, with usage where it asks
    /// for that.
    pub fn reply_to(&self, request: &SeenRequest) -> Reply {
        let wire = Wire::of(&request.path).unwrap_or(Wire::Chat);
        let is_told = wire != Wire::Chat
            || request.json["stream"] != json!(true)
            || request.json["stream_options"]["include_usage"] == json!(true);
        if is_told {
            return self.reply_in_kind(wire, request);
        }
        Self { usage: None, ..self.clone() }.reply_in_kind(wire, request)
    }

    /// The answer in one JSON document.
    pub fn as_json(&self) -> Reply {
        self.json_in(Wire::Chat)
    }

    /// The answer as an event stream. Pieces that are not paced travel in one write.
    pub fn as_stream(&self) -> Reply {
        let events = self.events();
        if self.pace.is_zero() {
            return Reply::stream([events.concat().into()], true);
        }
        let mut reply = Reply::stream(events, true);
        let mut paced = Vec::with_capacity(reply.actions.len() * 2);
        for action in reply.actions {
            paced.push(action);
            paced.push(Action::Wait(self.pace));
        }
        reply.actions = paced;
        reply
    }

    /// The events of the stream, one by one.
    pub fn events(&self) -> Vec<Bytes> {
        self.events_in(Wire::Chat)
    }
}
