//! Who may configure what, and where a key goes.

use orchestrate_engine::{
    config::{Config, ConfigError, Environment, HttpSettings, ModelError, ProviderSettings},
    providers::Providers,
};
use orchestrate_provider::{
    dialects::{Dialect, Effort},
    http::KeyHeader,
};
use secrecy::ExposeSecret;

use crate::support::Place;

fn load(place: &Place, variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
    Config::load_with(&place.home(), &place.work(), &Environment::of(variables.iter().copied()))
}

fn address_and_key(config: &Config, provider: &str) -> (String, Option<String>) {
    let Some(ProviderSettings::Http(settings)) = config.provider(provider) else {
        panic!("no {provider}")
    };
    let address = settings.address.as_ref().map(|(url, _)| url.clone()).unwrap_or_default();
    (address, settings.api_key.as_ref().map(|key| key.expose_secret().to_owned()))
}

fn messages(error: ConfigError) -> Vec<String> {
    match error {
        ConfigError::Content(diagnostics) => diagnostics
            .iter()
            .map(|found| format!("{}: {}", found.place().unwrap_or_default(), found.message))
            .collect(),
        ConfigError::File(error) => panic!("{error:?}"),
    }
}

#[test]
fn a_key_alone_goes_to_its_vendor_and_one_with_an_address_goes_there() {
    let place = Place::new();
    let alone = load(&place, &[("OPENAI_API_KEY", "k")]).expect("sound");
    assert_eq!(
        address_and_key(&alone, "openai"),
        ("https://api.openai.com/v1".into(), Some("k".into()))
    );
    let both =
        load(&place, &[("OPENAI_API_KEY", "k"), ("OPENAI_BASE_URL", "http://localhost:1/v1")])
            .expect("sound");
    assert_eq!(
        address_and_key(&both, "openai"),
        ("http://localhost:1/v1".into(), Some("k".into()))
    );
    let keyless = load(&place, &[("OPENAI_BASE_URL", "http://localhost:1/v1")]).expect("sound");
    assert_eq!(address_and_key(&keyless, "openai"), ("http://localhost:1/v1".into(), None));
}

#[test]
fn a_provider_of_the_config_gets_only_the_key_it_names() {
    let place = Place::new();
    place.write(
        "config/config.toml",
        "[providers.local]\nbase_url = \"http://localhost:2/v1\"\n\
         [providers.openai]\nbase_url = \"https://proxy.example/v1\"\n\
         [providers.named]\nbase_url = \"https://n.example/v1\"\napi_key_env = \"N_KEY\"\n",
    );
    let config = load(&place, &[("OPENAI_API_KEY", "vendor"), ("N_KEY", "n")]).expect("sound");
    assert_eq!(address_and_key(&config, "local").1, None);
    assert_eq!(address_and_key(&config, "named").1.as_deref(), Some("n"));
    // The address came from the file, the key from the environment: they were not given together.
    assert_eq!(address_and_key(&config, "openai"), ("https://proxy.example/v1".into(), None));
}

#[test]
fn a_project_may_name_models_and_lower_limits_and_nothing_else() {
    let place = Place::new();
    place.write(
        "config/config.toml",
        "[models]\ndefault = \"openai:a\"\n[defaults]\nmax_calls = 10\nconcurrency = 3\n",
    );
    place.write(
        "work/orchestrate.toml",
        "[models]\nfast = \"openai:b\"\n[defaults]\nmax_calls = 50\nmax_tokens = 9\nconcurrency = 8\n",
    );
    let config = load(&place, &[]).expect("sound");
    assert_eq!(config.resolve("fast").expect("an alias").to_string(), "openai:b");
    assert_eq!(config.model(None, None).expect("the default").0.to_string(), "openai:a");
    assert_eq!(config.defaults.limits.max_calls, Some(10), "a project cannot raise a limit");
    assert_eq!(config.defaults.limits.max_tokens, Some(9));
    assert_eq!(config.defaults.concurrency, Some(3));
    for (text, expected) in [
        (
            "# x\n[providers.evil]\nbase_url = \"http://evil\"\n",
            "orchestrate.toml:2:1: a project cannot name endpoints or keys",
        ),
        (
            "[defaults]\nbase_url = \"http://evil\"\n",
            "orchestrate.toml:2:1: unknown field `base_url`",
        ),
        ("api_key = \"x\"\n", "orchestrate.toml:1:1: unknown field `api_key`"),
        (
            "[providers]\nevil = {}\n",
            "orchestrate.toml:1:1: a project cannot name endpoints or keys",
        ),
        (
            "providers.evil.base_url = \"http://evil\"\n",
            "orchestrate.toml:1:1: unknown field `providers`",
        ),
    ] {
        place.write("work/orchestrate.toml", text);
        let told = messages(load(&place, &[]).expect_err("refused"));
        assert!(told[0].contains(expected), "{told:?}");
    }
}

#[test]
fn a_mistake_in_the_config_names_its_place() {
    let place = Place::new();
    place.write("config/config.toml", "[models]\ndefault = 3\n");
    let told = messages(load(&place, &[]).expect_err("refused"));
    assert!(
        told[0].ends_with(
            "config.toml:2:11: invalid type: integer, expected a model or a list of models"
        ),
        "{told:?}"
    );
    for (table, expected) in [
        ("seed = 1", "`base_url` is missing"),
        ("kind = \"openai\"\ncontext = 9", "`context` means nothing for OpenAI"),
        (
            "kind = \"anthropic\"\napi_version = \"9\"",
            "`api_version` is neither 2023-06-01 nor 2026-10-21",
        ),
        ("kind = \"gemini\"\napi_version = \"../v1\"", "`api_version` is no version"),
        ("kind = \"command\"", "`command` or `preset` is missing"),
        ("kind = \"command\"\npreset = \"llm\"\nseed = 1", "`seed` means nothing for a command"),
        (
            "kind = \"openai\"\ncommand = [\"x\"]",
            "`command`, `preset` and `output` need `kind = \"command\"`",
        ),
        ("api_key = \"a\"\napi_key_env = \"B\"", "give `api_key` or `api_key_env`, not both"),
    ] {
        place.write("config/config.toml", &format!("[providers.x]\n{table}\n"));
        let told = messages(load(&place, &[]).expect_err(table));
        assert_eq!(told, [format!(": [providers.x]: {expected}")]);
    }
    place.write("config/config.toml", "[providers.x]\nkind = \"sk-secret\"\n");
    let told = messages(load(&place, &[]).expect_err("refused"));
    assert!(
        told[0].contains("config.toml:2:8: unknown kind, expected one of openai,")
            && !told[0].contains("sk-"),
        "{told:?}"
    );
}

fn http(config: &Config, provider: &str) -> HttpSettings {
    match config.provider(provider) {
        Some(ProviderSettings::Http(settings)) => (**settings).clone(),
        other => panic!("{provider}: {other:?}"),
    }
}

#[test]
fn the_variables_of_official_clients_are_honoured_and_keys_stay_with_their_addresses() {
    let place = Place::new();
    let config = load(
        &place,
        &[
            ("ANTHROPIC_API_KEY", "a-key"),
            ("ANTHROPIC_AUTH_TOKEN", "a-token"),
            ("GOOGLE_API_KEY", "g-key"),
            ("GEMINI_API_KEY", "unused"),
            ("GOOGLE_GEMINI_BASE_URL", "https://g.example"),
            ("GOOGLE_GENAI_API_VERSION", "beta"),
            ("AZURE_OPENAI_ENDPOINT", "https://r.openai.azure.com/"),
            ("AZURE_OPENAI_API_KEY", "z-key"),
            ("OLLAMA_API_KEY", "o-key"),
            ("GROQ_API_KEY", "q-key"),
        ],
    );
    let config = config.expect("sound");
    let pair =
        |url: &str, key: &str| (url.to_owned(), Some(key.to_owned()).filter(|k| !k.is_empty()));
    for (name, url, key) in [
        ("anthropic", "https://api.anthropic.com", "a-key"),
        ("gemini", "https://g.example", "g-key"),
        ("azure", "https://r.openai.azure.com/openai/v1", "z-key"),
        // The key is one of Ollama's cloud; the address is this machine.
        ("ollama", "http://127.0.0.1:11434", ""),
        ("groq", "https://api.groq.com/openai/v1", "q-key"),
        ("openai", "https://api.openai.com/v1", ""),
    ] {
        assert_eq!(address_and_key(&config, name), pair(url, key), "{name}");
    }
    assert_eq!(http(&config, "gemini").dialect, Dialect::Gemini { version: "v1beta".into() });
    assert_eq!(http(&config, "azure").key_header, KeyHeader::Named("api-key"));
    assert_eq!(http(&config, "anthropic").key_header, KeyHeader::Native);
    let older = load(
        &place,
        &[
            ("AZURE_OPENAI_ENDPOINT", "https://r.openai.azure.com"),
            ("OPENAI_API_VERSION", "2024-10-21"),
            ("AZURE_OPENAI_API_KEY", "z-key"),
            ("AZURE_OPENAI_AD_TOKEN", "z-token"),
            ("ANTHROPIC_AUTH_TOKEN", "a-token"),
            ("OLLAMA_HOST", "https://ollama.com"),
            ("OLLAMA_API_KEY", "o-key"),
        ],
    );
    let older = older.expect("sound");
    assert_eq!(
        http(&older, "azure").dialect,
        Dialect::AzureDeployments { version: "2024-10-21".into() }
    );
    assert_eq!(address_and_key(&older, "azure"), pair("https://r.openai.azure.com", "z-token"));
    assert_eq!(http(&older, "azure").key_header, KeyHeader::Bearer);
    assert_eq!(http(&older, "anthropic").key_header, KeyHeader::Bearer);
    assert_eq!(address_and_key(&older, "ollama"), pair("https://ollama.com", "o-key"));
}

#[test]
fn a_key_of_the_environment_never_goes_to_an_address_of_a_file_or_the_other_way_round() {
    let place = Place::new();
    place.write(
        "config/config.toml",
        "[providers.anthropic]\nbase_url = \"https://gate.example\"\n\
         [providers.gemini]\napi_key = \"g-file\"\n\
         [providers.spare]\nkind = \"anthropic\"\neffort = \"high\"\n",
    );
    let config = load(
        &place,
        &[
            ("ANTHROPIC_API_KEY", "a-key"),
            ("GOOGLE_GEMINI_BASE_URL", "https://other.example"),
            ("ANTHROPIC_CUSTOM_HEADERS", "x-a: secret-1"),
        ],
    );
    let config = config.expect("sound");
    assert_eq!(address_and_key(&config, "anthropic"), ("https://gate.example".into(), None));
    assert!(http(&config, "anthropic").headers.is_empty());
    assert_eq!(address_and_key(&config, "gemini"), ("https://other.example".into(), None));
    // A table of another name that names no address is at the vendor's, as the key is.
    assert_eq!(
        address_and_key(&config, "spare"),
        ("https://api.anthropic.com".into(), Some("a-key".into()))
    );
    assert_eq!(http(&config, "spare").effort, Some(Effort::High));
}

#[test]
fn what_is_missing_is_told_with_the_variable_and_the_page() {
    let place = Place::new();
    let config = load(&place, &[]).expect("sound");
    for (model, message, help) in [
        (
            "anthropic:m",
            "no API key for `anthropic:m`",
            "set the environment variable `ANTHROPIC_API_KEY`; keys are made at https://platform.claude.com/settings/keys",
        ),
        (
            "azure:d",
            "no address for `azure:d`",
            "set the environment variable `AZURE_OPENAI_ENDPOINT`, or `base_url` below `[providers.azure]` in your config; see https://ai.azure.com",
        ),
        (
            "openrouter:a/b",
            "no API key for `openrouter:a/b`",
            "set the environment variable `OPENROUTER_API_KEY`; keys are made at https://openrouter.ai/settings/keys",
        ),
    ] {
        let model = model.parse().expect("a model");
        let error = Providers::for_models(&config, [&model]).expect_err("not configured");
        let orchestrate_engine::providers::ProviderError::Model(error) = error else {
            panic!("{error:?}")
        };
        assert_eq!((error.to_string().as_str(), error.help()), (message, Some(help)));
    }
    for local in ["ollama:m", "vllm:m", "lm-studio:m"] {
        let model = local.parse().expect("a model");
        assert!(Providers::for_models(&config, [&model]).is_ok(), "{local}");
    }
}

#[test]
fn a_program_is_named_by_the_users_config_alone() {
    let place = Place::new();
    place.write(
        "config/config.toml",
        "[providers.sub]\nkind = \"command\"\npreset = \"claude\"\n\
         [providers.own]\nkind = \"command\"\ncommand = [\"/bin/answer\", \"{model}\"]\noutput = \"json\"\n",
    );
    let config = load(&place, &[]).expect("sound");
    for name in ["sub", "own"] {
        let model = format!("{name}:default").parse().expect("a model");
        assert!(Providers::for_models(&config, [&model]).is_ok());
    }
    assert!(
        matches!(config.provider("sub"), Some(ProviderSettings::Command(settings)) if settings.command[0] == "claude")
    );
    place.write("config/config.toml", "");
    place.write(
        "work/orchestrate.toml",
        "[providers.sub]\nkind = \"command\"\npreset = \"claude\"\n",
    );
    assert!(load(&place, &[]).is_err());
}

#[test]
fn a_file_of_certificates_is_read_when_the_provider_is_used() {
    let place = Place::new();
    let file = place.work().join("ca.pem");
    place.write(
        "config/config.toml",
        &format!("[providers.in]\nbase_url = \"https://in.example/v1\"\nca_file = {file:?}\n"),
    );
    let model = "in:m".parse().expect("a model");
    let set_up = || Providers::for_models(&load(&place, &[]).expect("sound"), [&model]);
    assert!(set_up().expect_err("no such file").to_string().contains("provider `in`"));
    place.write("work/ca.pem", "no certificate");
    assert!(set_up().is_err());
}

#[test]
fn the_flag_goes_before_the_workflow_the_workflow_before_the_environment() {
    let place = Place::new();
    place.write("config/config.toml", "[models]\ndefault = \"openai:config\"\n");
    let config = load(&place, &[("ORCHESTRATE_MODEL", "openai:variable")]).expect("sound");
    let model = |flag, workflow| config.model(flag, workflow).expect("a model").0.model;
    assert_eq!(model(Some("openai:flag"), Some("openai:workflow")), "flag");
    assert_eq!(model(None, Some("openai:workflow")), "workflow");
    assert_eq!(model(None, None), "variable");
}

#[test]
fn a_model_that_cannot_be_used_says_why() {
    let place = Place::new();
    place.write("config/config.toml", "[models]\nstrong = \"openai:x\"\n");
    let config = load(&place, &[]).expect("sound");
    assert_eq!(config.model(None, None), Err(ModelError::None));
    let unknown = config.resolve("stong").expect_err("unknown");
    assert_eq!(unknown.help(), Some("did you mean the alias `strong`?"));
    let provider = config.resolve("opnai:x").expect_err("unknown");
    assert_eq!(provider.help(), Some("did you mean `openai:x`?"));
    let model = "openai:x".parse().expect("a model");
    let keyless = Providers::for_models(&config, [&model]).expect_err("the vendor wants a key");
    assert_eq!(keyless.to_string(), "no API key for `openai:x`");
}

#[test]
fn no_key_is_shown_by_debug() {
    let place = Place::new();
    place.write(
        "config/config.toml",
        "[providers.p]\nbase_url = \"http://localhost:2/v1\"\napi_key = \"canary-in-file\"\n",
    );
    let environment = Environment::of([("OPENAI_API_KEY", "canary-in-variable")]);
    let config = Config::load_with(&place.home(), &place.work(), &environment).expect("sound");
    let shown = format!("{config:?} {environment:?}");
    assert!(!shown.contains("canary"), "{shown}");
}
