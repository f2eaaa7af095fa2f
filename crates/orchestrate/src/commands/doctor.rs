//! `orchestrate doctor`: what is configured, where each value came from, and what is missing. No key is
//! ever printed. Offline, unless `--check` asks endpoints for their lists of models.

use std::{collections::BTreeSet, fmt::Write as _};

use clap::Args;
use orchestrate_core::{failure::FailureClass, neutral::excerpt, request::ModelRef};
use orchestrate_engine::{
    config::{Config, HttpSettings, ModelOrigin, ProviderSettings, Source},
    providers::list_models,
    session::Workspace,
};
use orchestrate_provider::presets::PRESETS;
use serde_json::{Value, json};

use super::common::runtime;
use crate::{
    cli::ListFormat,
    exit::{CliError, Exit, chain},
    terminal,
};

/// Variables by which the HTTP client finds a proxy. Their values may hold credentials.
const PROXIES: [&str; 4] = ["HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY"];

#[derive(Debug, Args)]
pub(crate) struct DoctorArguments {
    /// Providers to look at [default: those that are configured]
    #[arg(value_name = "PROVIDER")]
    pub(crate) providers: Vec<String>,
    /// Ask each endpoint for its list of models, which costs nothing
    #[arg(long)]
    pub(crate) check: bool,
    /// What standard output holds
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(crate) format: ListFormat,
}

/// What is known of one provider.
struct Examined<'a> {
    name: &'a str,
    settings: &'a ProviderSettings,
    /// The models that aliases and the environment name of it.
    models: Vec<String>,
    /// What is missing, if anything.
    missing: Option<String>,
    check: Option<Checked>,
}

/// What came of asking an endpoint.
enum Checked {
    Listed { models: usize, unlisted: Vec<String> },
    NotAsked(String),
    Failed { class: Option<FailureClass>, message: String, help: Option<String> },
}

pub(super) fn doctor(workspace: &Workspace, arguments: &DoctorArguments) -> Result<Exit, CliError> {
    let config = &workspace.config;
    let named = named_models(config);
    for name in &arguments.providers {
        let model = ModelRef { provider: name.clone(), model: "any".into() };
        if config.provider(name).is_none() {
            // The same words as where a workflow names it.
            return Err(match config.resolve(&model.to_string()) {
                Err(error) => orchestrate_engine::providers::ProviderError::from(error).into(),
                Ok(_) => CliError::new(Exit::Invalid, "a provider without settings"),
            });
        }
    }
    let mut examined: Vec<Examined<'_>> = config
        .providers()
        .filter(|(name, settings)| {
            if arguments.providers.is_empty() {
                is_configured(config, name, settings, &named)
            } else {
                arguments.providers.iter().any(|wanted| wanted == name)
            }
        })
        .map(|(name, settings)| examine(name, settings, &named))
        .collect();
    if arguments.check {
        let runtime = runtime()?;
        for provider in &mut examined {
            if provider.missing.is_none() {
                provider.check = Some(runtime.block_on(check(config, provider)));
            }
        }
    }
    match arguments.format {
        ListFormat::Text => terminal::out(&as_text(workspace, &examined)),
        ListFormat::Json => terminal::out_json(&as_json(workspace, &examined)),
    }
    Ok(exit(config, &examined))
}

/// The models that the default and the aliases stand for.
fn named_models(config: &Config) -> Vec<ModelRef> {
    let usual = config.model(None, None).ok().map(|(model, _)| model);
    let aliases = config.aliases().filter_map(|alias| config.chain(alias.name).ok());
    let aliases = aliases.flat_map(|chain| chain.models().cloned().collect::<Vec<_>>());
    let all: BTreeSet<ModelRef> = usual.into_iter().chain(aliases).collect();
    all.into_iter().collect()
}

/// Whether anybody has said anything about a provider.
fn is_configured(
    config: &Config,
    name: &str,
    settings: &ProviderSettings,
    named: &[ModelRef],
) -> bool {
    let by_environment = match settings {
        // One key is told of once, although two providers are reached with it.
        ProviderSettings::Http(settings) if is_twin(settings, name) => false,
        ProviderSettings::Http(settings) => {
            settings.api_key.is_some() || matches!(settings.address, Some((_, Source::Variable(_))))
        }
        ProviderSettings::Command(_) => true,
    };
    by_environment || config.is_in_file(name) || named.iter().any(|model| model.provider == name)
}

/// Whether an earlier row has the same keys, as `openai` has those of `openai-responses`.
fn is_twin(settings: &HttpSettings, name: &str) -> bool {
    let keys = settings.preset.keys;
    let earlier = PRESETS.iter().take_while(|row| row.name != name);
    settings.preset.name == name
        && !keys.is_empty()
        && earlier.into_iter().any(|row| row.keys == keys)
}

fn examine<'a>(name: &'a str, settings: &'a ProviderSettings, named: &[ModelRef]) -> Examined<'a> {
    let of_it = named.iter().filter(|model| model.provider == name);
    let missing = match settings {
        ProviderSettings::Http(settings) if settings.address.is_none() => {
            let variable = settings.preset.address_variable.unwrap_or("base_url");
            Some(format!("no address: set {variable}; see {}", settings.preset.page))
        }
        ProviderSettings::Http(settings) if settings.lacks_key() => {
            Some(format!("no key: {}", settings.key_advice()))
        }
        ProviderSettings::Http(_) => None,
        ProviderSettings::Command(settings) => absent(settings.command.first(), settings.page),
    };
    Examined {
        name,
        settings,
        models: of_it.map(|model| model.model.clone()).collect(),
        missing,
        check: None,
    }
}

/// What is missing where a program is not to be found.
fn absent(program: Option<&String>, page: Option<&str>) -> Option<String> {
    let program = program?;
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&folders).any(|folder| {
        folder.join(program).is_file() || folder.join(format!("{program}.exe")).is_file()
    });
    if found || std::path::Path::new(program).is_file() {
        return None;
    }
    let page = page.map_or(String::new(), |page| format!("; see {page}"));
    Some(format!("no program `{program}` in PATH{page}"))
}

async fn check(config: &Config, provider: &Examined<'_>) -> Checked {
    match list_models(config, provider.name).await {
        Ok(Some(Ok(models))) => Checked::Listed {
            unlisted: provider
                .models
                .iter()
                .filter(|model| !models.iter().any(|listed| is_same(listed, model)))
                .cloned()
                .collect(),
            models: models.len(),
        },
        Ok(Some(Err(error))) => Checked::Failed {
            class: Some(error.class()),
            message: error.failure.message,
            help: error.failure.help,
        },
        Ok(None) => Checked::NotAsked("a program lists no models".into()),
        Err(error) => Checked::Failed { class: None, message: chain(&error), help: None },
    }
}

/// Whether a listed name is the model's; Ollama puts `:latest` after names without a tag.
fn is_same(listed: &str, model: &str) -> bool {
    listed == model || listed.strip_suffix(":latest") == Some(model)
}

fn exit(config: &Config, examined: &[Examined<'_>]) -> Exit {
    let usual = config.model(None, None).ok().map(|(model, _)| model.provider);
    let lacks = examined
        .iter()
        .any(|provider| provider.missing.is_some() && usual.as_deref() == Some(provider.name));
    let failed = |wanted: fn(&Option<FailureClass>) -> bool| {
        examined.iter().any(|provider| {
            matches!(&provider.check, Some(Checked::Failed { class, .. }) if wanted(class))
        })
    };
    if lacks || failed(|class| *class == Some(FailureClass::Credentials)) {
        Exit::Credentials
    } else if failed(|_| true) {
        Exit::RunFailed
    } else {
        Exit::Ok
    }
}

fn as_text(workspace: &Workspace, examined: &[Examined<'_>]) -> String {
    let config = &workspace.config;
    let mut text = String::new();
    // Writing to a String cannot fail, here and below.
    for (name, path, exists) in files(workspace) {
        let there = if exists { "" } else { " (not there)" };
        let _ = writeln!(text, "{name:<9} {path}{there}");
    }
    let _ = writeln!(text, "{:<9} {}", "model", usual_model(config));
    for alias in config.aliases().filter(|alias| alias.name != "default") {
        let of = if alias.of_project { "orchestrate.toml" } else { "your config" };
        let wrong =
            config.resolve(alias.name).err().map_or(String::new(), |error| format!(": {error}"));
        let _ = writeln!(
            text,
            "{:<9} {} = {}, from {of}{wrong}",
            "alias",
            shown(alias.name),
            shown(&alias.models.join(", else "))
        );
    }
    let proxies = proxies();
    if !proxies.is_empty() {
        let _ = writeln!(text, "{:<9} {}", "proxy", proxies.join(", "));
    }
    for provider in examined {
        let state = if provider.missing.is_some() { "not ready" } else { "ready" };
        let _ = writeln!(text, "\n{}: {state}", provider.name);
        for (what, value) in lines(provider) {
            let _ = writeln!(text, "  {what:<8} {value}");
        }
    }
    if examined.is_empty() {
        text.push_str("\nNo provider is configured.\n");
    }
    let _ = writeln!(text, "\n{}", others(config, examined));
    text
}

/// The two config files and the folder of runs, and whether they are there.
fn files(workspace: &Workspace) -> [(&'static str, String, bool); 3] {
    let project = workspace.folder.join("orchestrate.toml");
    [
        ("config", workspace.home.config_file()),
        ("project", project),
        ("runs", workspace.home.runs()),
    ]
    .map(|(name, path)| (name, shown(&path.display().to_string()), path.exists()))
}

fn usual_model(config: &Config) -> String {
    match config.chain_of(None, None) {
        Ok((chain, origin)) => {
            let from = match origin {
                ModelOrigin::Environment => "the environment variable `ORCHESTRATE_MODEL`",
                _ => "the alias `default`",
            };
            let models: Vec<String> = chain.models().map(ToString::to_string).collect();
            format!("{}, from {from}", shown(&models.join(", else ")))
        }
        Err(error) => match error.help() {
            Some(help) => format!("{error}: {help}"),
            None => {
                "none is set: give --model, set ORCHESTRATE_MODEL, or the alias `default`".into()
            }
        },
    }
}

fn lines(provider: &Examined<'_>) -> Vec<(&'static str, String)> {
    let mut lines = Vec::new();
    match provider.settings {
        ProviderSettings::Http(settings) => {
            lines.push(("speaks", settings.preset.protocol.title().to_owned()));
            if let Some((address, source)) = &settings.address {
                lines.push(("address", format!("{}, from {}", shown(address), from(source))));
            }
            lines.push(("key", key(settings)));
            if let Some(effort) = settings.effort {
                lines.push(("effort", effort.word().to_owned()));
            }
            if let Some(seed) = settings.seed {
                lines.push(("seed", seed.to_string()));
            }
            if let Some(file) = &settings.ca_file {
                lines.push(("trusts", shown(&file.display().to_string())));
            }
        }
        ProviderSettings::Command(settings) => {
            // Arguments may hold what nobody else shall read.
            let program = settings.command.first().map(String::as_str).unwrap_or_default();
            lines.push(("program", shown(program)));
        }
    }
    if !provider.models.is_empty() {
        lines.push(("models", shown(&provider.models.join(", "))));
    }
    lines.extend(provider.missing.clone().map(|missing| ("missing", missing)));
    match &provider.check {
        Some(Checked::Listed { models, unlisted }) => {
            let not = match unlisted.as_slice() {
                [] => String::new(),
                names => format!("; not among them: {}", shown(&names.join(", "))),
            };
            lines.push(("check", format!("answers, and lists {models} models{not}")));
        }
        Some(Checked::NotAsked(why)) => lines.push(("check", why.clone())),
        Some(Checked::Failed { message, help, .. }) => {
            lines.push(("check", message.clone()));
            lines.extend(help.clone().map(|help| ("help", help)));
        }
        None => {}
    }
    lines
}

fn from(source: &Source) -> String {
    match source {
        Source::BuiltIn => "the built-in table".into(),
        other => other.to_string(),
    }
}

fn key(settings: &HttpSettings) -> String {
    match (&settings.api_key, settings.preset.needs_key) {
        (Some(_), _) => format!("set, from {}", settings.key_source),
        (None, true) if settings.lacks_key() => "none".into(),
        (None, _) => format!(
            "none, which such a server may allow; it would come from {}",
            settings.key_source
        ),
    }
}

/// The providers that nobody has said anything about.
fn others(config: &Config, examined: &[Examined<'_>]) -> String {
    let rest = config.providers().filter(|(name, _)| !examined.iter().any(|e| e.name == *name));
    let (mut local, mut vendors) = (Vec::new(), Vec::new());
    for (name, settings) in rest {
        match settings {
            ProviderSettings::Http(settings) if settings.preset.is_local() => local.push(name),
            _ => vendors.push(name),
        }
    }
    format!(
        "Without a key, if they run on this machine: {}\nWith a key: {}\n`orchestrate doctor NAME` says \
         what one of them needs; `--check` asks endpoints.",
        local.join(", "),
        vendors.join(", ")
    )
}

/// The proxy variables that are set, by name.
fn proxies() -> Vec<&'static str> {
    let is_set = |name: &str| {
        [name.to_owned(), name.to_lowercase()]
            .iter()
            .any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
    };
    PROXIES.into_iter().filter(|name| is_set(name)).collect()
}

fn as_json(workspace: &Workspace, examined: &[Examined<'_>]) -> Value {
    let config = &workspace.config;
    let files: Vec<Value> = files(workspace)
        .iter()
        .map(|(name, path, exists)| json!({"name": name, "path": path, "exists": exists}))
        .collect();
    let aliases: Vec<Value> = config
        .aliases()
        .map(|alias| {
            let of = if alias.of_project { "project" } else { "config" };
            json!({
                "name": alias.name, "model": alias.models.first(),
                "fallbacks": alias.models.get(1..), "from": of,
                "usable": config.resolve(alias.name).is_ok(),
            })
        })
        .collect();
    let usual = config.model(None, None).ok().map(|(model, _)| model.to_string());
    let providers: Vec<Value> = examined.iter().map(provider_json).collect();
    json!({
        "schema": "orchestrate/doctor/1", "files": files, "model": usual, "aliases": aliases,
        "proxy": proxies(), "providers": providers,
    })
}

fn provider_json(provider: &Examined<'_>) -> Value {
    let mut told = json!({
        "name": provider.name, "ready": provider.missing.is_none(), "missing": provider.missing,
        "models": provider.models,
    });
    match provider.settings {
        ProviderSettings::Http(settings) => {
            told["speaks"] = json!(settings.preset.protocol.title());
            told["address"] = json!(settings.address.as_ref().map(|(address, _)| address));
            told["address_from"] = json!(settings.address.as_ref().map(|(_, source)| from(source)));
            told["has_key"] = json!(settings.api_key.is_some());
            told["key_from"] = json!(settings.key_source.to_string());
        }
        ProviderSettings::Command(settings) => told["program"] = json!(settings.command.first()),
    }
    told["check"] = match &provider.check {
        None => Value::Null,
        Some(Checked::Listed { models, unlisted }) => {
            json!({"ok": true, "models": models, "unlisted": unlisted})
        }
        Some(Checked::NotAsked(why)) => json!({"ok": null, "message": why}),
        Some(Checked::Failed { class, message, help }) => {
            json!({"ok": false, "class": class, "message": message, "help": help})
        }
    };
    told
}

fn shown(text: &str) -> String {
    excerpt(text, 300)
}
