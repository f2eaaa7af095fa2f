//! A request as the server saw it.

use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;

use crate::wire::Wire;

/// A request as the server saw it.
#[derive(Debug, Clone)]
pub struct SeenRequest {
    /// Counts the server's requests from 1.
    pub number: u64,
    /// When it had arrived whole, counted from the server's start.
    pub at: Duration,
    /// `POST` and the like.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// Names in lower case and values, in order.
    pub headers: Vec<(String, String)>,
    /// The body as sent.
    pub body: Bytes,
    /// The body as JSON, null where it is none.
    pub json: Value,
}

impl SeenRequest {
    /// The first header of this name, which is given in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The model that is asked for.
    pub fn model(&self) -> &str {
        self.json["model"].as_str().unwrap_or_default()
    }

    /// The text of the first message of this role.
    pub fn message(&self, role: &str) -> &str {
        let messages = self.json["messages"].as_array().map(Vec::as_slice).unwrap_or_default();
        let found = messages.iter().find(|message| message["role"] == role);
        found.and_then(|message| message["content"].as_str()).unwrap_or_default()
    }

    /// The system prompt, whichever dialect the request is made in.
    pub fn system(&self) -> String {
        match Wire::of(&self.path) {
            Some(Wire::Responses) => texts(&self.json["instructions"]),
            Some(Wire::Anthropic) => texts(&self.json["system"]),
            Some(Wire::Gemini) => texts(&self.json["systemInstruction"]["parts"]),
            _ => self.message("system").to_owned(),
        }
    }

    /// The user message, whichever dialect the request is made in.
    pub fn user(&self) -> String {
        match Wire::of(&self.path) {
            Some(Wire::Responses) => texts(&self.json["input"]),
            Some(Wire::Anthropic) => texts(&self.json["messages"][0]["content"]),
            Some(Wire::Gemini) => texts(&self.json["contents"][0]["parts"]),
            _ => self.message("user").to_owned(),
        }
    }

    /// FNV-1a of the messages as sent, 64 bits.
    pub fn messages_hash(&self) -> u64 {
        match Wire::of(&self.path) {
            Some(Wire::Chat) | None => fnv1a(self.json["messages"].to_string().as_bytes()),
            Some(_) => fnv1a(format!("{}\0{}", self.system(), self.user()).as_bytes()),
        }
    }
}

/// A text that stands alone or in parts.
fn texts(value: &Value) -> String {
    match value {
        Value::Array(parts) => parts.iter().filter_map(|part| part["text"].as_str()).collect(),
        other => other.as_str().unwrap_or_default().to_owned(),
    }
}

/// The 64-bit FNV-1a hash (Fowler, Noll and Vo): fast, stable, and not for adversaries.
pub(crate) fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_the_published_one() {
        assert_eq!(fnv1a(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a(b"foobar"), 0x8594_4171_f739_67e8);
    }
}
