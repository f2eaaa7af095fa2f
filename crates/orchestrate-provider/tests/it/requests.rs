//! What goes over the wire: one golden request per adapter, and what settings change in it.

use orchestrate_core::request::{Parameters, Request, Segment};
use orchestrate_provider::{
    dialects::{AnthropicVersion, ChatQuirks, Dialect, Effort},
    http::{Config, ConfigError, HttpProvider, KeyHeader},
    presets::preset,
};
use orchestrate_testkit::{
    behaviour::echo,
    server::{ScriptedServer, SeenRequest},
    wire::Wire,
};

use serde_json::json;

use crate::{
    conformance::config,
    support::{CANARY, complete, request},
};

/// A request with everything that a workflow can set.
fn full() -> Request {
    Request {
        parameters: Parameters {
            temperature: Some(0.5),
            max_output_tokens: Some(4_000),
            ..Parameters::default()
        },
        ..request()
    }
}

async fn sent(wire: Wire, change: impl FnOnce(Config) -> Config, request: Request) -> SeenRequest {
    let server = ScriptedServer::start(echo()).await.expect("a free port");
    complete(change(config(wire, &server)), request).await.expect("a good answer");
    server.requests().pop().expect("a request")
}

fn golden(seen: &SeenRequest) -> String {
    let mut headers = seen.headers.clone();
    headers.retain(|(name, _)| {
        !matches!(name.as_str(), "host" | "content-length" | "accept-encoding" | "user-agent")
    });
    headers.sort();
    let headers: Vec<String> =
        headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    let headers = headers.join("\n");
    let body = serde_json::to_string_pretty(&seen.json).expect("JSON");
    format!("{} {}\n{headers}\n\n{body}", seen.method, seen.path)
}

#[tokio::test]
async fn a_request_in_responses() {
    let seen = sent(Wire::Responses, |config| config, full()).await;
    insta::assert_snapshot!(golden(&seen), @r#"
    POST /v1/responses
    accept: text/event-stream, application/json
    authorization: Bearer sk-canary-7f3a9b2c
    content-type: application/json

    {
      "input": "<<<material 4cc8e5193de1894bc3f17bf09049f163 | the task, from the user\nPredict churn\n>>>end 4cc8e5193de1894bc3f17bf09049f163\n\nBegin.",
      "instructions": "You test.",
      "max_output_tokens": 4000,
      "model": "gpt-5-mini",
      "store": false,
      "stream": true,
      "temperature": 0.5
    }
    "#);
}

#[tokio::test]
async fn a_request_in_anthropic_messages() {
    let plain = Request { parameters: Parameters::default(), ..full() };
    let seen = sent(Wire::Anthropic, |config| config, plain).await;
    insta::assert_snapshot!(golden(&seen), @r#"
    POST /v1/messages
    accept: text/event-stream, application/json
    anthropic-version: 2026-10-21
    authorization: Bearer sk-canary-7f3a9b2c
    content-type: application/json

    {
      "model": "gpt-5-mini",
      "max_tokens": 8192,
      "system": [
        {
          "type": "text",
          "text": "You test."
        }
      ],
      "messages": [
        {
          "role": "user",
          "content": [
            {
              "type": "text",
              "text": "<<<material 4cc8e5193de1894bc3f17bf09049f163 | the task, from the user\nPredict churn\n>>>end 4cc8e5193de1894bc3f17bf09049f163\n\n"
            },
            {
              "type": "text",
              "text": "Begin."
            }
          ]
        }
      ],
      "stream": true
    }
    "#);
}

#[tokio::test]
async fn a_request_with_a_temperature_is_made_in_the_version_that_has_one() {
    let seen = sent(Wire::Anthropic, |config| config, full()).await;
    insta::assert_snapshot!(golden(&seen), @r#"
    POST /v1/messages
    accept: text/event-stream, application/json
    anthropic-version: 2023-06-01
    content-type: application/json
    x-api-key: sk-canary-7f3a9b2c

    {
      "model": "gpt-5-mini",
      "max_tokens": 4000,
      "system": [
        {
          "type": "text",
          "text": "You test."
        }
      ],
      "messages": [
        {
          "role": "user",
          "content": [
            {
              "type": "text",
              "text": "<<<material 4cc8e5193de1894bc3f17bf09049f163 | the task, from the user\nPredict churn\n>>>end 4cc8e5193de1894bc3f17bf09049f163\n\n"
            },
            {
              "type": "text",
              "text": "Begin."
            }
          ]
        }
      ],
      "stream": true,
      "temperature": 0.5
    }
    "#);
    let newest = Dialect::AnthropicMessages {
        version: AnthropicVersion::V2026,
        cache: true,
        max_tokens: None,
    };
    let server = ScriptedServer::start(echo()).await.expect("a free port");
    let config = Config { dialect: newest, ..config(Wire::Anthropic, &server) };
    let error = complete(config, full()).await.expect_err("no temperature there");
    assert_eq!((server.count(), error.billed), (0, orchestrate_core::failure::Billed::No));
    assert!(error.failure.message.contains("`temperature`"), "{error}");
}

#[tokio::test]
async fn a_request_in_gemini() {
    let seen = sent(Wire::Gemini, |config| config, full()).await;
    insta::assert_snapshot!(golden(&seen), @r#"
    POST /v1beta/models/gpt-5-mini:streamGenerateContent?alt=sse
    accept: text/event-stream, application/json
    content-type: application/json
    x-goog-api-key: sk-canary-7f3a9b2c

    {
      "contents": [
        {
          "role": "user",
          "parts": [
            {
              "text": "<<<material 4cc8e5193de1894bc3f17bf09049f163 | the task, from the user\nPredict churn\n>>>end 4cc8e5193de1894bc3f17bf09049f163\n\nBegin."
            }
          ]
        }
      ],
      "systemInstruction": {
        "parts": [
          {
            "text": "You test."
          }
        ]
      },
      "generationConfig": {
        "temperature": 0.5,
        "maxOutputTokens": 4000
      }
    }
    "#);
}

#[tokio::test]
async fn a_request_in_ollama() {
    let seen = sent(Wire::Ollama, |config| config, full()).await;
    insta::assert_snapshot!(golden(&seen), @r#"
    POST /api/chat
    accept: application/x-ndjson, application/json
    authorization: Bearer sk-canary-7f3a9b2c
    content-type: application/json

    {
      "model": "gpt-5-mini",
      "messages": [
        {
          "role": "system",
          "content": "You test."
        },
        {
          "role": "user",
          "content": "<<<material 4cc8e5193de1894bc3f17bf09049f163 | the task, from the user\nPredict churn\n>>>end 4cc8e5193de1894bc3f17bf09049f163\n\nBegin."
        }
      ],
      "stream": true,
      "truncate": false,
      "shift": false,
      "options": {
        "num_ctx": 8192,
        "num_predict": 4000,
        "temperature": 0.5
      }
    }
    "#);
}

#[tokio::test]
async fn a_request_to_an_azure_deployment() {
    let azure = |config: Config| Config {
        dialect: Dialect::AzureDeployments { version: "2024-10-21".into() },
        base_url: config.base_url.trim_end_matches("/v1").into(),
        key_header: KeyHeader::Named("api-key"),
        ..config
    };
    let seen = sent(Wire::Chat, azure, full()).await;
    let path = "/openai/deployments/gpt-5-mini/chat/completions?api-version=2024-10-21";
    assert_eq!((seen.path.as_str(), seen.header("api-key")), (path, Some(CANARY)));
    assert_eq!(seen.header("authorization"), None);
    assert_eq!(seen.json["model"], "gpt-5-mini");
}

#[tokio::test]
async fn the_part_of_a_prompt_that_stays_the_same_is_marked_for_anthropics_cache() {
    let long = || Request { system: "You test. ".repeat(500), ..request() };
    let seen = sent(Wire::Anthropic, |config| config, long()).await;
    let marks = |seen: &SeenRequest| {
        let marked = |block: &serde_json::Value| block["cache_control"]["type"] == "ephemeral";
        let user = &seen.json["messages"][0]["content"];
        (marked(&seen.json["system"][0]), marked(&user[0]), marked(&user[1]))
    };
    // The task is the same for every item of a step; its own prompt comes after the mark.
    assert_eq!(marks(&seen), (true, true, false));
    assert_eq!(seen.user(), request().user(), "in two blocks, and byte for byte the same");
    let uncached = Dialect::AnthropicMessages {
        version: AnthropicVersion::Newest,
        cache: false,
        max_tokens: Some(9_000),
    };
    let off = |config| Config { dialect: uncached, ..config };
    let seen = sent(Wire::Anthropic, off, long()).await;
    assert_eq!(marks(&seen), (false, false, false));
    assert_eq!(seen.json["max_tokens"], 9_000);
    let alone = Request { segments: vec![Segment::Prompt("Begin.".into())], ..long() };
    let seen = sent(Wire::Anthropic, |config| config, alone).await;
    assert_eq!(marks(&seen), (true, false, false));
}

#[tokio::test]
async fn the_longest_answer_that_anthropic_requires_fits_the_model() {
    for (model, expected) in [
        ("claude-sonnet-4-5", 64_000),
        ("claude-opus-4-20250514", 32_000),
        ("claude-3-5-haiku-latest", 8_192),
        ("claude-3-haiku-20240307", 4_096),
        ("anthropic/claude-sonnet-5", 64_000),
        ("anthropic.claude-3-7-sonnet-v1:0", 64_000),
        ("tiny", 8_192),
    ] {
        let model = format!("anthropic:{model}").parse().expect("a model");
        let seen = sent(Wire::Anthropic, |config| config, Request { model, ..request() }).await;
        assert_eq!(seen.json["max_tokens"], expected, "{}", seen.model());
    }
}

#[tokio::test]
async fn effort_and_seed_stand_where_each_dialect_looks_for_them() {
    let shaped = |seed| move |config: Config| Config { effort: Some(Effort::Low), seed, ..config };
    let seen = sent(Wire::Chat, shaped(Some(7)), request()).await;
    assert_eq!((&seen.json["reasoning_effort"], &seen.json["seed"]), (&"low".into(), &7.into()));
    let seen = sent(Wire::Responses, shaped(None), request()).await;
    assert_eq!(seen.json["reasoning"]["effort"], "low");
    let seen = sent(Wire::Anthropic, shaped(None), request()).await;
    assert_eq!(seen.json["output_config"]["effort"], "low");
    let seen = sent(Wire::Gemini, shaped(Some(7)), request()).await;
    let settings = &seen.json["generationConfig"];
    assert_eq!(
        (&settings["thinkingConfig"]["thinkingLevel"], &settings["seed"]),
        (&"low".into(), &7.into())
    );
    let older = Request { model: "gemini:gemini-2.5-flash".parse().expect("a model"), ..request() };
    let seen = sent(Wire::Gemini, shaped(None), older).await;
    assert_eq!(seen.json["generationConfig"]["thinkingConfig"]["thinkingBudget"], 1_024);
    let seen = sent(Wire::Ollama, shaped(Some(7)), request()).await;
    assert_eq!((&seen.json["think"], &seen.json["options"]["seed"]), (&"low".into(), &7.into()));
    let router = preset("openrouter").expect("a preset").dialect();
    let seen =
        sent(Wire::Chat, |config| Config { dialect: router, ..shaped(None)(config) }, request())
            .await;
    assert_eq!(seen.json["reasoning"]["effort"], "low");
    let mistral = preset("mistral").expect("a preset").dialect();
    let seeded = |config| Config { dialect: mistral, seed: Some(7), ..config };
    let seen = sent(Wire::Chat, seeded, full()).await;
    assert_eq!((&seen.json["random_seed"], &seen.json["max_tokens"]), (&7.into(), &4_000.into()));
    assert_eq!(seen.json.get("stream_options"), None);
}

#[tokio::test]
async fn the_seed_of_a_step_stands_before_that_of_the_config() {
    let seeded = || {
        let mut request = request();
        request.parameters.seed = Some(0);
        request
    };
    let own = |config: Config| Config { seed: Some(7), ..config };
    let seen = sent(Wire::Chat, own, seeded()).await;
    assert_eq!(seen.json["seed"], 0);
    let seen = sent(Wire::Gemini, |config| config, seeded()).await;
    assert_eq!(seen.json["generationConfig"]["seed"], 0);
    let seen = sent(Wire::Ollama, own, seeded()).await;
    assert_eq!(seen.json["options"]["seed"], 0);
    let mistral = preset("mistral").expect("a preset").dialect();
    let seen = sent(Wire::Chat, |config| Config { dialect: mistral, ..config }, seeded()).await;
    assert_eq!(seen.json["random_seed"], 0);
}

#[tokio::test]
async fn a_seed_that_a_provider_does_not_have_is_never_sent() {
    let mut seeded = request();
    seeded.parameters.seed = Some(7);
    for wire in [Wire::Responses, Wire::Anthropic] {
        let server = ScriptedServer::start(echo()).await.expect("a free port");
        let config = config(wire, &server);
        let name = config.name.clone();
        let error = complete(config, seeded.clone()).await.expect_err("no seed there");
        assert_eq!((server.count(), error.billed), (0, orchestrate_core::failure::Billed::No));
        assert_eq!(error.failure.message, format!("provider `{name}` has no `seed`"));
    }
}

#[test]
fn a_setting_that_a_dialect_does_not_have_is_refused_and_others_change_the_identity() {
    let new = |dialect: Dialect, effort, seed| {
        HttpProvider::new(Config { effort, seed, ..Config::new("p", dialect, "http://h") })
    };
    for dialect in [Dialect::Responses, crate::conformance::dialect(Wire::Anthropic)] {
        let refused = new(dialect, None, Some(7)).expect_err("no seed");
        assert!(matches!(refused, ConfigError::Unsupported { what: "`seed`", .. }));
    }
    let deepseek = preset("deepseek").expect("a preset").dialect();
    assert!(new(deepseek, Some(Effort::High), None).is_err());
    let dialect = |effort, seed| {
        let chat = Dialect::ChatCompletions(ChatQuirks::OPENAI);
        let provider = new(chat, effort, seed).expect("sound");
        orchestrate_provider::Provider::endpoint(&provider).dialect.clone()
    };
    assert_eq!(dialect(None, None), "chat-completions");
    assert_eq!(dialect(Some(Effort::High), Some(7)), "chat-completions effort=high seed=7");
}

#[tokio::test]
async fn an_address_may_name_its_version_or_leave_it_out() {
    for (wire, suffix, path) in [
        (Wire::Anthropic, "", "/v1/messages"),
        (Wire::Anthropic, "/v1", "/v1/messages"),
        (Wire::Anthropic, "/anthropic", "/anthropic/v1/messages"),
        (Wire::Gemini, "", "/v1beta/models/gpt-5-mini:streamGenerateContent?alt=sse"),
        (Wire::Gemini, "/v1beta/", "/v1beta/models/gpt-5-mini:streamGenerateContent?alt=sse"),
        (Wire::Ollama, "/o", "/o/api/chat"),
    ] {
        let at = |config: Config| Config { base_url: config.base_url.clone() + suffix, ..config };
        assert_eq!(sent(wire, at, request()).await.path, path);
    }
}

#[tokio::test]
async fn ollama_is_asked_for_a_window_that_the_prompt_fits_into() {
    let window = |seen: &SeenRequest| seen.json["options"]["num_ctx"].as_u64().expect("a number");
    assert_eq!(window(&sent(Wire::Ollama, |config| config, request()).await), 8_192);
    let long = Request { system: "You test. ".repeat(5_000), ..request() };
    assert_eq!(window(&sent(Wire::Ollama, |config| config, long.clone()).await), 32_768);
    let fixed = Dialect::Ollama { context: Some(4_096) };
    let chosen = |config| Config { dialect: fixed, ..config };
    assert_eq!(window(&sent(Wire::Ollama, chosen, long).await), 4_096);
}

#[tokio::test]
async fn a_schema_stands_where_each_dialect_looks_for_it() {
    let schema = json!({
        "type": "object",
        "properties": { "score": { "type": "integer" } },
        "required": ["score"],
        "additionalProperties": false,
    });
    for (wire, place) in [
        (Wire::Chat, "/response_format/json_schema/schema"),
        (Wire::Responses, "/text/format/schema"),
        (Wire::Anthropic, "/output_config/format/schema"),
        (Wire::Gemini, "/generationConfig/responseJsonSchema"),
        (Wire::Ollama, "/format"),
    ] {
        let asked =
            Request { response_schema: Some(std::sync::Arc::new(schema.clone())), ..request() };
        let seen = sent(wire, |config| config, asked).await;
        assert_eq!(seen.json.pointer(place), Some(&schema), "{wire:?}: {}", seen.json);
    }
}

#[tokio::test]
async fn anthropic_is_not_sent_a_schema_that_it_would_refuse() {
    let loose = json!({ "type": "object", "properties": { "score": { "minimum": 1 } } });
    let asked = Request { response_schema: Some(std::sync::Arc::new(loose)), ..request() };
    let seen = sent(Wire::Anthropic, |config| config, asked).await;
    assert_eq!(seen.json.get("output_config"), None, "{}", seen.json);
}
