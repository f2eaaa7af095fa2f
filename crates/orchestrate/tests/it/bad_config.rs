//! Configuration that cannot be used, and what a project may not configure.

use crate::support::{KEY, Place, Server};

const RUN: [&str; 6] = ["run", "end-to-end-ml", "--task", "x", "--model", "openai:m"];

#[test]
fn a_config_with_a_mistake_is_refused_with_its_place() {
    let place = Place::new();
    let check = |content: &str| {
        place.configure(content);
        place.refused(&["run", "end-to-end-ml", "--task", "x", "--offline"])
    };
    insta::assert_snapshot!(check("[models\n"), @r"
    exit 3
    error[config-invalid]: [ROOT]/home/.config/orchestrate/config.toml:1:8: unclosed table, expected `]`
     |
     = help: the line is not shown here, since it may hold a key
    ");
    insta::assert_snapshot!(check("[defalts]\nmax_calls = 1\n"), @r"
    exit 3
    error[config-invalid]: [ROOT]/home/.config/orchestrate/config.toml:1:2: unknown field, expected one of `models`, `providers`, `prices`, `gates`, `defaults`
     |
     = help: the line is not shown here, since it may hold a key
    ");
    insta::assert_snapshot!(check("[models]\ndefault = 3\n"), @r"
    exit 3
    error[config-invalid]: [ROOT]/home/.config/orchestrate/config.toml:2:11: invalid type: integer, expected a model or a list of models
     |
     = help: the line is not shown here, since it may hold a key
    ");
    insta::assert_snapshot!(check("[providers.local]\nkind = \"olama\"\n"), @r"
    exit 3
    error[config-invalid]: [ROOT]/home/.config/orchestrate/config.toml:2:8: unknown kind, expected one of openai, openai-responses, anthropic, gemini, azure, ollama, openrouter, deepseek, mistral, groq, together, fireworks, xai, cerebras, nvidia, huggingface, vllm, llama-cpp, lm-studio, litellm, command
     |
     = help: the line is not shown here, since it may hold a key
    ");
    insta::assert_snapshot!(check("[providers.offline]\nbase_url = \"http://127.0.0.1/v1\"\n"), @r"
    exit 3
    error[config-invalid]: the provider name `offline` is taken
    ");
    insta::assert_snapshot!(check("[providers.local]\napi_key_env = \"LOCAL_KEY\"\n"), @r"
    exit 3
    error[config-invalid]: [providers.local]: `base_url` is missing
     |
     = help: see `[ROOT]/home/.config/orchestrate/config.toml`
    ");
}

#[test]
fn a_project_cannot_name_an_endpoint_or_a_key() {
    let server = Server::echo();
    let elsewhere = Server::echo();
    let url = elsewhere.base_url();
    let place = Place::beside(&server);
    let check = |content: &str| {
        place.write("orchestrate.toml", content);
        place.refused(&RUN)
    };
    insta::assert_snapshot!(check(&format!("[providers.openai]\nbase_url = \"{url}\"\n")), @r"
    exit 3
    error[config-not-allowed]: a project cannot name endpoints or keys
     --> [ROOT]/repo/orchestrate.toml:1:1
      |
    1 | [providers.openai]
      | ^^^^^^^^^^^^^^^^^^
      |
      = help: put it into your own config, `orchestrate/config.toml` in your config folder
    ");
    insta::assert_snapshot!(check(&format!("base_url = \"{url}\"\n")), @r#"
    exit 3
    error[config-invalid]: unknown field `base_url`, expected `models` or `defaults`
     --> [ROOT]/repo/orchestrate.toml:1:1
      |
    1 | base_url = "http://[SERVER]/v1"
      | ^^^^^^^^
    "#);
    insta::assert_snapshot!(check(&format!("providers.openai.base_url = \"{url}\"\n")), @r#"
    exit 3
    error[config-invalid]: unknown field `providers`, expected `models` or `defaults`
     --> [ROOT]/repo/orchestrate.toml:1:1
      |
    1 | providers.openai.base_url = "http://[SERVER]/v1"
      | ^^^^^^^^^
    "#);
    insta::assert_snapshot!(check("[defaults]\napi_key = \"sk-x\"\n"), @r#"
    exit 3
    error[config-invalid]: unknown field `api_key`, expected one of `concurrency`, `max_calls`, `max_tokens`, `budget`
     --> [ROOT]/repo/orchestrate.toml:2:1
      |
    2 | api_key = "sk-x"
      | ^^^^^^^
    "#);
    assert_eq!((server.count(), elsewhere.count()), (0, 0));
}

#[test]
fn a_workflow_cannot_name_an_endpoint_or_a_key() {
    let place = Place::new();
    place.write(
        "w.yaml",
        "workflow: w\ndefaults: { base_url: \"http://x\" }\nsteps:\n  a: { persona: data-engineer, api_key: k }\n",
    );
    insta::assert_snapshot!(place.refused(&["run", "w.yaml", "--offline"]), @r#"
    exit 3
    error[unknown-key]: `defaults` has no key `base_url`
     --> w.yaml:2:13
      |
    2 | defaults: { base_url: "http://x" }
      |             ^^^^^^^^
      |
      = help: a workflow names no endpoint, key, header or command: they belong to your own configuration, which `orchestrate doctor` shows

    error[unknown-key]: step `a` has no key `api_key`
     --> w.yaml:4:32
      |
    4 |   a: { persona: data-engineer, api_key: k }
      |                                ^^^^^^^
      |
      = help: a workflow names no endpoint, key, header or command: they belong to your own configuration, which `orchestrate doctor` shows

    error: 2 mistakes; nothing was run
    "#);
}

#[test]
fn a_project_may_set_aliases_and_lower_limits() {
    let server = Server::echo();
    let place = Place::beside(&server);
    place.write("orchestrate.toml", "[models]\ndefault = \"openai:of-the-project\"\n");
    place.good(&["run", "end-to-end-ml", "--task", "x"]);
    assert!(server.requests().iter().all(|request| request.model() == "of-the-project"));
}

#[test]
fn a_provider_of_the_users_config_gets_its_own_key() {
    let server = Server::echo();
    let vendor = Server::echo();
    let place = Place::beside(&vendor).with("LOCAL_KEY", "local-secret");
    place.configure(&format!(
        "[models]\ndefault = \"mine\"\nmine = \"local:m\"\n[providers.local]\nbase_url = \"{}\"\n\
         api_key_env = \"LOCAL_KEY\"\ntoken_limit = \"max_tokens\"\n",
        server.base_url()
    ));
    place.good(&["run", "end-to-end-ml", "--task", "x", "--max-tokens", "1000000"]);
    assert_eq!((server.count(), vendor.count()), (5, 0));
    for request in server.requests() {
        assert_eq!(request.header("authorization"), Some("Bearer local-secret"));
        assert!(request.json["max_tokens"].is_number());
    }
}

#[test]
fn the_flag_goes_before_the_environment_and_that_before_the_config() {
    let server = Server::echo();
    let place = Place::beside(&server).with("ORCHESTRATE_MODEL", "openai:of-the-environment");
    place.configure("[models]\ndefault = \"openai:of-the-config\"\n");
    place
        .write("one.yaml", "workflow: one\nsteps:\n  a: { persona: data-engineer, prompt: Go. }\n");
    place.good(&["run", "one.yaml"]);
    place.good(&["run", "one.yaml", "--model", "openai:of-the-flag"]);
    let models: Vec<String> =
        server.requests().iter().map(|request| request.model().to_owned()).collect();
    assert_eq!(models, ["of-the-environment", "of-the-flag"]);
}

#[test]
fn a_key_on_a_line_that_cannot_be_read_is_shown_nowhere() {
    let place = Place::new();
    for content in [
        format!("[providers.openai]\napi_key = {KEY}\n"),
        format!("[providers.openai]\napi_key = \"{KEY}\n"),
        format!("[providers.openai]\napi_key = \"{KEY}\" \"\n"),
        format!("[providers.openai]\napi_key = [\"{KEY}\"]\n"),
        format!("[providers.openai]\nkind = \"{KEY}\"\n"),
        format!("[providers]\nopenai = \"{KEY}\"\n"),
        format!("[providers]\nopenai = \"x, expected `{KEY}\"\n"),
        format!("{KEY} = 1\n"),
        format!("{KEY}\n"),
        format!("[defaults]\nconcurrency = \"{KEY}\"\n"),
        format!("[models]\n\"{KEY}\" = 1\n\"{KEY}\" = 2\n"),
    ] {
        place.configure(&content);
        for args in [&RUN[..], &["personas", "list"], &["validate", "--format", "json"]] {
            let outcome = place.run(args);
            assert_eq!(outcome.code, Some(3), "{content}: {}", outcome.stderr);
            let said = format!("{}{}", outcome.stdout, outcome.stderr);
            assert!(!said.contains("canary"), "{content}: {said}");
            assert!(said.contains("/config.toml:"), "{content}: {said}");
        }
    }
}

#[test]
fn a_config_that_is_no_text_names_the_first_wrong_byte() {
    let place = Place::new();
    place.configure_bytes(b"[models]\n# caf\xe9\n");
    insta::assert_snapshot!(place.refused(&RUN), @r"
    exit 3
    error: `[ROOT]/home/.config/orchestrate/config.toml` is not UTF-8 (first wrong byte at offset 14)
    help: save the file as UTF-8
    ");
}

#[test]
fn an_alias_is_followed_once_and_cannot_be_taken_for_a_model() {
    let server = Server::echo();
    let place = Place::beside(&server);
    place.configure("[models]\n\"openai:m\" = \"openai:other\"\n");
    insta::assert_snapshot!(place.refused(&RUN), @r"
    exit 3
    error[config-invalid]: the alias `openai:m` in [models] has a colon
     |
     = help: rename it in `[ROOT]/home/.config/orchestrate/config.toml`: a name with a colon is a model
    ");
    place.configure("[models]\nfast = \"quick\"\nquick = \"openai:m\"\n");
    let args = ["run", "end-to-end-ml", "--task", "x", "--model", "fast"];
    insta::assert_snapshot!(place.refused(&args), @r"
    exit 3
    error: unknown model `quick`
    help: the alias `fast` stands for it; let it stand for `provider:model`, such as `openai:gpt-5-mini`
    ");
    assert_eq!(server.count(), 0);
}

#[test]
fn files_of_the_workspace_do_not_come_from_outside_it() {
    let place = Place::new();
    let outside = place.root().join("outside");
    std::fs::write(&outside, "workflow: w\nsteps:\n  a: { persona: data-engineer, prompt: p }\n")
        .unwrap();
    let link = |name: &str| {
        let path = place.work().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::os::unix::fs::symlink(&outside, path).unwrap();
    };
    link("workflows/planted.yaml");
    insta::assert_snapshot!(place.refused(&["run", "planted", "--offline"]), @r"
    exit 3
    error: `[ROOT]/repo/workflows/planted.yaml` is a link to `[ROOT]/outside`, outside the workspace
    help: put a copy of the file in the place of the link
    ");
    link("personas/data-engineer.md");
    let said = place.refused(&["run", "end-to-end-ml", "-t", "x", "--offline"]);
    assert!(said.starts_with("exit 3\n") && said.contains("outside the workspace"), "{said}");
    std::fs::remove_file(place.work().join("personas/data-engineer.md")).unwrap();
    place.good(&["run", "../outside", "--offline"]);
    link("orchestrate.toml");
    let said = place.refused(&["run", "end-to-end-ml", "-t", "x", "--offline"]);
    assert!(said.starts_with("exit 3\n") && said.contains("outside the workspace"), "{said}");
}

#[test]
fn a_key_that_would_travel_in_clear_is_warned_of_in_one_line() {
    let place = Place::new()
        .with("OPENAI_BASE_URL", "http://models.example/v1")
        .with("OPENAI_API_KEY", KEY);
    let said = place.run(&["plan", "end-to-end-ml", "--task", "x", "-m", "openai:m"]).stderr;
    insta::assert_snapshot!(said, @"warning: the key of provider `openai` travels unencrypted: its address begins with http://");
}
