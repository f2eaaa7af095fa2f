//! What a dialect has to say for the exchange to be made.

use std::fmt;

use orchestrate_core::{
    failure::{Failure, FailureClass},
    request::{Parameters, Request},
};
use reqwest::{Url, header::HeaderMap};
use serde_json::Value;

use super::Effort;
use crate::{
    http::{Answer, Complaint, Context, KeyHeader, malformed},
    sse::Event,
};

/// How the events of an answer are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    /// Server-sent events.
    Sse,
    /// One JSON document a line.
    Lines,
}

/// What the operator's config asks of every answer of a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Shape {
    pub(crate) effort: Option<Effort>,
    pub(crate) seed: Option<u64>,
}

/// As it stands in an endpoint's dialect: empty where nothing is asked.
impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(effort) = self.effort {
            write!(f, " effort={}", effort.word())?;
        }
        if let Some(seed) = self.seed {
            write!(f, " seed={seed}")?;
        }
        Ok(())
    }
}

/// One dialect.
pub(crate) trait Wire: Send + Sync {
    /// The dialect's name in an endpoint. Part of every identity, so it never changes.
    fn name(&self) -> &'static str;

    /// The kind of provider in an endpoint. Part of every identity, so it never changes.
    fn kind(&self) -> &'static str;

    /// The dialect's name for people.
    fn speaks(&self) -> &'static str;

    /// What a base URL looks like, after a question whether one is right.
    fn address_hint(&self) -> &'static str;

    fn framing(&self) -> Framing {
        Framing::Sse
    }

    /// Whether an event only keeps the connection alive.
    fn is_ping(&self, event: &Event) -> bool {
        matches!(event.name.as_str(), "ping" | "keepalive")
    }

    /// The setting that the dialect cannot pass on.
    fn lacks(&self, shape: Shape) -> Option<&'static str>;

    /// What is wrong with settings that a request brings, beside those that the dialect lacks, and what to do
    /// about it.
    fn refuses(&self, _parameters: &Parameters) -> Option<(&'static str, &'static str)> {
        None
    }

    /// Where a request for this model goes.
    fn url(&self, base: &Url, model: &str) -> Url;

    /// Where the list of models is.
    fn models_url(&self, base: &Url) -> Url;

    /// The header that the key stands in.
    fn key_header(&self, _request: Option<&Request>) -> KeyHeader {
        KeyHeader::Bearer
    }

    /// Headers beside the key's, of a request to the model or of another one.
    fn headers(&self, _request: Option<&Request>) -> HeaderMap {
        HeaderMap::new()
    }

    /// Whether the provider may keep the beginnings of prompts in its cache.
    fn keeps_prefixes(&self) -> bool {
        true
    }

    /// The longest answer in tokens that is asked for.
    fn cap(&self, request: &Request) -> Option<u32> {
        request.length_cap()
    }

    /// The request's body.
    fn body(&self, request: &Request, shape: Shape) -> Result<Vec<u8>, Failure>;

    /// Takes what an event brought. A failure is one that the server reported, or an event that cannot be
    /// read.
    fn take(
        &self,
        answer: &mut Answer,
        event: &Event,
        context: &Context,
        model: &str,
    ) -> Result<(), Failure>;

    /// Takes an answer that came in one document, and says whether there is one in it.
    fn take_whole(
        &self,
        answer: &mut Answer,
        document: &Value,
        context: &Context,
        model: &str,
    ) -> Result<bool, Failure>;
}

/// The base URL with these segments after its path.
pub(crate) fn below<'a>(base: &Url, segments: impl IntoIterator<Item = &'a str>) -> Url {
    let mut url = base.clone();
    // Only http and https URLs come this far, and those have a path.
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(segments);
    }
    url
}

/// The base URL without this last segment, where it ends so.
pub(crate) fn without_version(base: &Url, version: &str) -> Url {
    let mut url = base.clone();
    if let Some(rest) = base.path().strip_suffix(version).and_then(|rest| rest.strip_suffix('/')) {
        url.set_path(rest);
    }
    url
}

/// A body as bytes.
pub(crate) fn bytes(body: &impl serde::Serialize, prompt: usize) -> Result<Vec<u8>, Failure> {
    // Most of it is the prompt, with a few characters escaped.
    let mut bytes = Vec::with_capacity(prompt + prompt / 8 + 512);
    serde_json::to_writer(&mut bytes, body).map_err(|_| {
        Failure::new(FailureClass::BadRequest, "the request cannot be written as JSON")
    })?;
    Ok(bytes)
}

/// An event's data as JSON. An event named `error` is one whatever its data looks like.
pub(crate) fn chunk(event: &Event, context: &Context) -> Result<Value, Failure> {
    match serde_json::from_str::<Value>(&event.data) {
        Ok(chunk) if chunk.is_object() && event.name != "error" => Ok(chunk),
        Ok(chunk) if chunk.get("error").is_some() => Ok(chunk),
        Ok(chunk) if chunk.is_object() => Ok(serde_json::json!({ "error": chunk })),
        _ if event.name == "error" => {
            let words = if event.data.is_empty() { "no explanation" } else { &event.data };
            Ok(serde_json::json!({ "error": words }))
        }
        _ => {
            let seen = context.redactor.excerpt(&event.data, 80);
            Err(malformed(format!("an event of the answer is not valid JSON: {seen}")))
        }
    }
}

/// The failure that a document with an `error` member stands for.
pub(crate) fn reported_error(document: &Value, context: &Context, model: &str) -> Failure {
    context.broke_off(&Complaint::of(document), model)
}

/// A number of a report of usage.
pub(crate) fn number(value: &Value) -> Option<u64> {
    value.as_u64()
}

/// Whether a member holds some text.
pub(crate) fn says(value: &Value) -> bool {
    value.as_str().is_some_and(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_put_together_whatever_the_model_is_called() {
        let base = Url::parse("https://h.example/p").unwrap();
        for (model, expected) in [
            ("m", "https://h.example/p/models/m"),
            ("../m?x#y", "https://h.example/p/models/..%2Fm%3Fx%23y"),
            ("a b", "https://h.example/p/models/a%20b"),
        ] {
            assert_eq!(below(&base, ["models", model]).as_str(), expected);
        }
        let root = Url::parse("http://h").unwrap();
        assert_eq!(below(&root, ["v1"]).as_str(), "http://h/v1");
        assert_eq!(without_version(&base, "p").as_str(), "https://h.example/");
        assert_eq!(without_version(&base, "v1").as_str(), "https://h.example/p");
    }
}
