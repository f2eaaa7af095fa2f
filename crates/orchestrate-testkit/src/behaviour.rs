//! Ready-made behaviours.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use serde_json::json;

use crate::{
    reply::{Answer, Reply},
    server::SeenRequest,
    wire::Wire,
};

/// Answers with a document that is a function of the request's messages alone: equal messages get
/// byte-equal answers, and one changed byte changes decisions, figures and text.
pub fn echo() -> impl Fn(&SeenRequest) -> Reply + Send + Sync + 'static {
    echo_after(Duration::ZERO)
}

/// [`echo`] with a pause before the answer.
pub fn echo_after(delay: Duration) -> impl Fn(&SeenRequest) -> Reply + Send + Sync + 'static {
    move |request| {
        if request.method == "GET" {
            return models(request);
        }
        if request.method != "POST" || Wire::of(&request.path).is_none() {
            return Reply::error(404, "not_found", "only the dialects' own addresses are served");
        }
        let text = echo_text(request);
        let usage = (tokens(&request.body), tokens(text.as_bytes()));
        Answer { usage: Some(usage), model: request.model().to_owned(), ..Answer::new(text) }
            .reply_to(request)
            .after(delay)
    }
}

/// [`echo`] that takes `room` requests at a time, `delay` for each, and turns the others away with 429 and
/// this `Retry-After`.
pub fn echo_at_most(
    room: usize,
    delay: Duration,
    retry_after: &str,
) -> impl Fn(&SeenRequest) -> Reply + Send + Sync + 'static {
    let (echo, retry_after) = (echo_after(delay), retry_after.to_owned());
    let ends = Mutex::new(Vec::<Instant>::new());
    move |request| {
        let now = Instant::now();
        let mut ends = ends.lock().unwrap_or_else(PoisonError::into_inner);
        // A reply leaves no earlier than this, so that nobody is turned away who waited for it.
        ends.retain(|end| *end > now);
        if ends.len() >= room {
            let reply = Reply::error(429, "rate_limit_exceeded", "too many at a time");
            return reply.header("retry-after", &retry_after);
        }
        ends.push(now + delay);
        echo(request)
    }
}

/// The document [`echo`] answers with.
pub fn echo_text(request: &SeenRequest) -> String {
    let hash = request.messages_hash();
    let system = request.system();
    let persona: String = system.lines().next().unwrap_or_default().chars().take(200).collect();
    let (rate, latency) = (hash % 9_000 + 1_000, (hash >> 32) % 900 + 100);
    let brief = json!({
        "decisions": [
            {"id": "D1", "decision": format!("Build variant {hash:016x}"), "why": "the request says so"},
            {"id": "D2", "decision": format!("Keep {} partitions", hash % 97 + 3), "why": "peak load"},
        ],
        "figures": [
            {"name": "ingest rate", "value": rate.to_string(), "unit": "rows/s", "basis": "estimated"},
            {"name": "latency p99", "value": latency.to_string(), "unit": "ms", "basis": "target"},
        ],
        "risks": [format!("Variant {:08x} is untested", hash >> 32)],
        "next": [format!("Start from variant {hash:016x}")],
    });
    format!(
        "# Echo {hash:016x}\n\nAnswered as: {persona}\n\nThe messages of this request hash to \
         `{hash:016x}`. The design takes in {rate} rows/s and answers within {latency} ms.\n\n\
         ```brief\n{brief}\n```\n"
    )
}

/// The list of models in the form of the dialect whose address is asked.
fn models(request: &SeenRequest) -> Reply {
    let path = request.path.split('?').next().unwrap_or_default();
    let names = ["scripted-1", "scripted-2"];
    if path.ends_with("/api/tags")
        || path.contains("/v1beta/")
        || request.header("x-goog-api-key").is_some()
    {
        let models: Vec<_> =
            names.iter().map(|name| json!({"name": format!("models/{name}")})).collect();
        return Reply::json(200, &json!({"models": models}));
    }
    if !path.ends_with("/models") {
        return Reply::error(404, "not_found", "only the dialects' own addresses are served");
    }
    let models: Vec<_> = names.iter().map(|name| json!({"id": name, "object": "model"})).collect();
    Reply::json(200, &json!({"object": "list", "data": models}))
}

/// A stand-in for a token count: a quarter of the bytes, rounded up.
fn tokens(bytes: &[u8]) -> u64 {
    (bytes.len() as u64).div_ceil(4)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn request(user: &str) -> SeenRequest {
        let json = json!({"messages": [
            {"role": "system", "content": "You are the tester.\nMore."},
            {"role": "user", "content": user},
        ]});
        SeenRequest {
            number: 1,
            at: Duration::ZERO,
            method: "POST".into(),
            path: "/v1/chat/completions".into(),
            headers: vec![],
            body: Bytes::new(),
            json,
        }
    }

    #[test]
    fn equal_messages_get_equal_answers_and_different_ones_do_not() {
        assert_eq!(echo_text(&request("a")), echo_text(&request("a")));
        assert_ne!(echo_text(&request("a")), echo_text(&request("b")));
        assert!(echo_text(&request("a")).contains("Answered as: You are the tester.\n"));
    }
}
