//! The same run through every dialect, through a program, and through a proxy.

use std::collections::BTreeSet;

use crate::support::{KEY, Place, Server};

/// A workflow of two steps, so that something is handed on.
const WORKFLOW: &str = "workflow: two\nsteps:\n  data: { persona: data-engineer, prompt: Begin. }\n  \
    model: { persona: ml-engineer-pytorch, needs: data, prompt: Go on. }\n";

fn run(place: &Place, model: &str) -> serde_json::Value {
    place.write("two.yaml", WORKFLOW);
    place.json(&["run", "two.yaml", "--model", model, "--format", "json", "--progress", "quiet"])
}

#[test]
fn a_run_goes_through_every_dialect_and_each_key_in_its_own_header() {
    for (provider, address, key, header, path) in [
        ("openai", "OPENAI_BASE_URL", "OPENAI_API_KEY", "authorization", "/v1/chat/completions"),
        ("openai-responses", "OPENAI_BASE_URL", "OPENAI_API_KEY", "authorization", "/v1/responses"),
        ("anthropic", "ANTHROPIC_BASE_URL", "ANTHROPIC_API_KEY", "authorization", "/v1/messages"),
        (
            "gemini",
            "GOOGLE_GEMINI_BASE_URL",
            "GEMINI_API_KEY",
            "x-goog-api-key",
            "/v1/models/m:streamGenerateContent?alt=sse",
        ),
        (
            "azure",
            "AZURE_OPENAI_ENDPOINT",
            "AZURE_OPENAI_API_KEY",
            "api-key",
            "/openai/v1/chat/completions",
        ),
        ("ollama", "OLLAMA_HOST", "OLLAMA_API_KEY", "authorization", "/api/chat"),
    ] {
        let server = Server::echo();
        let base = match provider {
            "openai" | "openai-responses" => server.base_url(),
            _ => server.base_url().trim_end_matches("/v1").to_owned(),
        };
        let place = Place::new().with(address, &base).with(key, KEY);
        let told = run(&place, &format!("{provider}:m"));
        assert_eq!(told["status"], "succeeded", "{provider}: {told}");
        let seen = server.requests();
        let paths: BTreeSet<&str> = seen.iter().map(|seen| seen.path.as_str()).collect();
        assert_eq!(paths, BTreeSet::from([path]), "{provider}");
        let with_key: BTreeSet<&str> = seen
            .iter()
            .flat_map(|seen| &seen.headers)
            .filter(|(_, value)| value.contains(KEY))
            .map(|(name, _)| name.as_str())
            .collect();
        assert_eq!(with_key, BTreeSet::from([header]), "{provider}");
        assert!(seen[1].user().contains("handoff from data-engineer"), "{provider}");
        assert!(seen[1].system().contains("You"), "{provider}");
        // The figures are the server's own.
        assert_eq!(told["usage"]["estimated"], false, "{provider}");
    }
}

#[test]
fn a_run_goes_through_a_program_that_only_the_users_config_names() {
    let place = Place::new();
    place.configure(
        "[providers.mine]\nkind = \"command\"\ncommand = [\"/bin/sh\", \"-c\", \"echo Heard by $1:; head -n 1\", \
         \"sh\", \"{model}\"]\n",
    );
    let told = run(&place, "mine:m-1");
    assert_eq!(told["status"], "succeeded", "{told}");
    let text = told["steps"][0]["text"].as_str().unwrap_or_default();
    assert!(text.starts_with("Heard by m-1:\n"), "{text}");
    assert_eq!(told["usage"]["estimated"], true);
}

#[test]
fn a_proxy_of_the_environment_is_used_except_where_it_must_not_be() {
    let proxy = Server::echo();
    let url = proxy.base_url().trim_end_matches("/v1").to_owned();
    let place = Place::new()
        .with("HTTP_PROXY", &url)
        .with("NO_PROXY", "direct.invalid")
        .with("OPENAI_BASE_URL", "http://behind.invalid/v1");
    assert_eq!(run(&place, "openai:m")["status"], "succeeded");
    let paths: BTreeSet<String> = proxy.requests().iter().map(|seen| seen.path.clone()).collect();
    assert_eq!(paths, BTreeSet::from(["http://behind.invalid/v1/chat/completions".to_owned()]));
    let before = proxy.count();
    for away in ["http://direct.invalid/v1", "http://127.0.0.1:9/v1"] {
        let place = Place::new()
            .with("HTTP_PROXY", &url)
            .with("NO_PROXY", "direct.invalid")
            .with("OPENAI_BASE_URL", away);
        let outcome = place.run(&["doctor", "--check"]);
        assert!(outcome.stdout.contains("could not connect"), "{}", outcome.stdout);
    }
    assert_eq!(proxy.count(), before);
}
