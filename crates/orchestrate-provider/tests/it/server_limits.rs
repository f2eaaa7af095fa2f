//! What a server says of its limits, and how long a connection may take.

use std::sync::{Arc, Mutex};

use orchestrate_core::{
    failure::FailureClass,
    lanes::{Quota, ServerLimits},
    request::Timeouts,
};
use orchestrate_provider::{
    Progress, Provider as _,
    dialects::{ChatQuirks, Dialect},
    http::{Config, HttpProvider},
};
use orchestrate_testkit::{
    reply::{Action, Answer, Reply},
    server::{ScriptedServer, SeenRequest},
};

use crate::support::{PATIENT, complete, request};

/// Keeps what a server says of its limits.
#[derive(Default)]
struct Listener(Mutex<Vec<ServerLimits>>);

impl Progress for Listener {
    fn first_token(&self) {}

    fn delta(&self, _bytes: usize, _output_tokens_so_far_estimate: u64) {}

    fn limits(&self, limits: &ServerLimits) {
        self.0.lock().expect("nobody panicked").push(*limits);
    }
}

fn config(url: String) -> Config {
    let dialect = Dialect::ChatCompletions(ChatQuirks::OPENAI);
    Config { timeouts: PATIENT, ..Config::new("openai", dialect, url) }
}

#[tokio::test]
async fn limits_are_heard_beside_answers_and_refusals_alike() {
    let server = ScriptedServer::start(|seen: &SeenRequest| {
        let reply = match seen.number {
            1 => Answer::new("hello").as_json(),
            2 => Reply::error(429, "rate_limit_exceeded", "slow down"),
            _ => return Answer::new("hello").as_json(),
        };
        reply
            .header("x-ratelimit-remaining-requests", "3")
            .header("x-ratelimit-reset-requests", "2s")
    })
    .await
    .unwrap();
    let provider = HttpProvider::new(config(server.base_url())).expect("a sound configuration");
    let listener = Arc::new(Listener::default());
    for _ in 0..3 {
        let heard = Arc::clone(&listener) as Arc<dyn Progress>;
        let _ = provider.complete(Arc::new(request()), heard).await;
    }
    let requests = Some(Quota { limit: None, remaining: 3, reset_ms: 2_000 });
    let told = ServerLimits { requests, tokens: None };
    assert_eq!(*listener.0.lock().unwrap(), [told, told], "of the third nothing is said");
}

#[tokio::test]
async fn a_connection_that_is_not_made_in_time_cost_nothing() {
    // A server that speaks no TLS and says nothing.
    let server = ScriptedServer::start(|_: &SeenRequest| Reply::raw([Action::Hang])).await.unwrap();
    let url = server.base_url().replace("http://", "https://");
    let mut request = request();
    request.timeouts = Timeouts { connect_ms: Some(150), ..Timeouts::default() };
    let error = complete(config(url), request).await.expect_err("no connection");
    assert_eq!((error.class(), error.lost), (FailureClass::Connect, false));
    assert!(error.failure.message.contains("timed out"), "{}", error.failure.message);
}
