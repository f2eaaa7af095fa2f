//! `doctor`: what is configured, where it came from, what is missing.

use crate::support::{KEY, Place, Server};

#[test]
fn a_machine_without_anything_is_told_what_there_is() {
    let text = Place::new().good(&["doctor"]);
    assert!(text.contains("No provider is configured."), "{text}");
    assert!(
        text.contains("if they run on this machine: ollama, vllm, llama-cpp, lm-studio"),
        "{text}"
    );
    assert!(
        text.contains("With a key: openai, openai-responses, anthropic, gemini, azure, openrouter"),
        "{text}"
    );
    assert!(text.contains("model     none is set"), "{text}");
}

#[test]
fn every_value_is_told_with_its_source_and_no_key_with_its_value() {
    let place = Place::new()
        .with("ANTHROPIC_API_KEY", KEY)
        .with("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
        .with("HTTPS_PROXY", &format!("http://user:{KEY}@proxy.example"));
    place.configure(&format!(
        "[models]\ndefault = \"anthropic:claude-sonnet-4-5\"\nfast = \"gone:x\"\nown = \"mine:default\"\n\
         [providers.work]\nbase_url = \"https://work.example/v1\"\napi_key = \"{KEY}\"\nseed = 7\n\
         [providers.mine]\nkind = \"command\"\ncommand = [\"no-such-program-7f3a\", \"--key={KEY}\"]\n",
    ));
    let text = place.good(&["doctor"]);
    assert!(!text.contains("canary"), "{text}");
    for part in [
        "model     anthropic:claude-sonnet-4-5, from the alias `default`\n",
        "alias     fast = gone:x, from your config: unknown provider `gone` in model `gone:x`\n",
        "proxy     HTTPS_PROXY\n",
        "anthropic: ready\n  speaks   Messages\n  address  https://api.anthropic.com, from the built-in table\n  \
         key      set, from the environment variable `ANTHROPIC_API_KEY`\n  models   claude-sonnet-4-5\n",
        "openai: ready\n  speaks   Chat Completions\n  address  http://127.0.0.1:9/v1, from the environment \
         variable `OPENAI_BASE_URL`\n  key      none, which such a server may allow; it would come from \
         the environment variable `OPENAI_API_KEY`\n",
        "work: ready\n  speaks   Chat Completions\n  address  https://work.example/v1, from `base_url` below \
         `[providers.work]` in your config\n  key      set, from `api_key` below `[providers.work]` in your \
         config\n  seed     7\n",
        "mine: not ready\n  program  no-such-program-7f3a\n  models   default\n  \
         missing  no program `no-such-program-7f3a` in PATH\n",
    ] {
        assert!(text.contains(part), "{part}\nin\n{text}");
    }
    let json = place.json(&["doctor", "--format", "json"]);
    assert_eq!(json["schema"], "orchestrate/doctor/1");
    assert!(!json.to_string().contains("canary"), "{json}");
}

#[test]
fn a_provider_that_is_named_says_what_it_needs_and_a_default_without_a_key_ends_with_4() {
    let place = Place::new();
    let text = place.good(&["doctor", "azure", "groq"]);
    assert!(
        text.contains("no address: set AZURE_OPENAI_ENDPOINT; see https://ai.azure.com"),
        "{text}"
    );
    assert!(text.contains("set the environment variable `GROQ_API_KEY`; keys are made at https://console.groq.com/keys"), "{text}");
    assert_eq!(place.run(&["doctor", "grok"]).code, Some(3));
    place.configure("[models]\ndefault = \"groq:x\"\n");
    let outcome = place.run(&["doctor"]);
    assert_eq!(outcome.code, Some(4), "{}", outcome.stdout);
}

#[test]
fn an_endpoint_is_asked_for_its_models_and_for_nothing_else() {
    let server = Server::echo();
    let place = Place::beside(&server);
    place.configure("[models]\ndefault = \"openai:scripted-1\"\nother = \"openai:unheard\"\n");
    let text = place.good(&["doctor", "--check"]);
    assert!(
        text.contains("check    answers, and lists 2 models; not among them: unheard"),
        "{text}"
    );
    let asked: Vec<String> =
        server.requests().iter().map(|seen| format!("{} {}", seen.method, seen.path)).collect();
    assert_eq!(asked, ["GET /v1/models"]);
    let place = Place::new().with("OPENAI_BASE_URL", "http://127.0.0.1:9/v1");
    let outcome = place.run(&["doctor", "--check"]);
    assert_eq!(outcome.code, Some(1));
    assert!(
        outcome.stdout.contains("could not connect to http://127.0.0.1:9/v1"),
        "{}",
        outcome.stdout
    );
}
