//! What several tests share: a request, a configuration, one attempt.

use std::{sync::Arc, time::Duration};

use orchestrate_core::{
    ids::{CallId, Purpose},
    persona::{Persona, persona_digest},
    request::{Parameters, Request, Segment, Timeouts},
};
use orchestrate_provider::{
    AttemptError, Completion, Provider as _, Silent,
    http::{Config, DefaultTimeouts, HttpProvider},
};

/// A key that must turn up nowhere but in the header it belongs to.
pub(crate) const CANARY: &str = "sk-canary-7f3a9b2c";

pub(crate) fn request() -> Request {
    let digest = persona_digest(b"tester");
    let persona = Persona::new("tester", "Tester", "Tests things.", "You test.", digest);
    Request {
        call: CallId::first("data".into(), Purpose::Draft),
        model: "openai:gpt-5-mini".parse().expect("a model"),
        persona: Arc::new(persona),
        system: "You test.".into(),
        segments: vec![Segment::Task("Predict churn".into()), Segment::Prompt("Begin.".into())],
        parameters: Parameters::default(),
        output_cap: None,
        response_schema: None,
        timeouts: Timeouts::default(),
    }
}

/// Patience for tests: enough for a busy machine to answer.
pub(crate) const PATIENT: DefaultTimeouts = DefaultTimeouts {
    connect: Duration::from_secs(10),
    first_token: Duration::from_secs(20),
    idle: Duration::from_secs(20),
    total: Duration::from_secs(40),
};

/// One attempt, in whose outcome no key may show.
pub(crate) async fn complete(config: Config, request: Request) -> Result<Completion, AttemptError> {
    let provider = HttpProvider::new(config).expect("a sound configuration");
    let outcome = provider.complete(Arc::new(request), Arc::new(Silent)).await;
    let shown = format!("{outcome:?} {provider:?}");
    assert!(!shown.contains(CANARY) && !shown.contains("canary"), "{shown}");
    outcome
}
