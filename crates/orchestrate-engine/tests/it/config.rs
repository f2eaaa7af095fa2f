//! Who may configure what, and where a key goes.

use orchestrate_engine::{
    config::{Config, ConfigError, Environment, ModelError, ProviderSettings},
    providers::Providers,
};
use secrecy::ExposeSecret;

use crate::support::Place;

fn load(place: &Place, variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
    Config::load_with(&place.home(), &place.work(), &Environment::of(variables.iter().copied()))
}

fn address_and_key(config: &Config, provider: &str) -> (String, Option<String>) {
    let Some(ProviderSettings::OpenAi(settings)) = config.provider(provider) else {
        panic!("no {provider}")
    };
    (settings.base_url.clone(), settings.api_key.as_ref().map(|key| key.expose_secret().to_owned()))
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
        told[0].ends_with("config.toml:2:11: invalid type: integer, expected a string"),
        "{told:?}"
    );
    place.write("config/config.toml", "[providers.x]\nkind = \"openai\"\n");
    let told = messages(load(&place, &[]).expect_err("refused"));
    assert_eq!(told, [": [providers.x]: `base_url` is missing"]);
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
