//! What the files and the environment come to together.

use std::path::Path;

use indexmap::IndexMap;
use orchestrate_core::{diagnostic::Diagnostic, policy::Limits, request::ModelRef, suggest};
use secrecy::SecretString;
use serde::Deserialize;

use super::{
    Environment,
    file::{ConfigError, ProviderTable, UserFile, read_project, read_user},
};
use crate::home::Home;

/// The address of the vendor that `OPENAI_API_KEY` belongs to where nothing else is said.
const OPENAI_BASE_URL: &str = "https://api.openai.com/v1";

/// What a model looks like.
const MODEL_FORM: &str = "a model is `provider:model`, such as `openai:gpt-5-mini`, or an alias from [models] of your config";

/// Everything that is configured.
#[derive(Debug)]
pub struct Config {
    /// Aliases of models, a project's before the user's.
    aliases: IndexMap<String, String>,
    /// Providers by name.
    providers: IndexMap<String, ProviderSettings>,
    /// The model that the environment names.
    model_variable: Option<String>,
    /// Defaults and caps.
    pub defaults: Defaults,
}

/// Defaults and caps that hold where flags and workflow say nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Defaults {
    /// Calls at a time.
    pub concurrency: Option<u32>,
    /// Caps: the lower of the user's and the project's.
    pub limits: Limits,
}

/// How one provider is reached.
#[derive(Debug, Clone)]
pub enum ProviderSettings {
    /// OpenAI Chat Completions and everything compatible.
    OpenAi(OpenAiSettings),
}

/// How a Chat Completions endpoint is reached.
#[derive(Debug, Clone)]
pub struct OpenAiSettings {
    /// The address that `/chat/completions` is appended to.
    pub base_url: String,
    /// The key that is bound to that address.
    pub api_key: Option<SecretString>,
    /// Where a key would come from, for advice.
    pub key_source: String,
    /// Value of `OpenAI-Organization`.
    pub organization: Option<String>,
    /// Value of `OpenAI-Project`.
    pub project: Option<String>,
    /// The parameter that caps an answer's length.
    pub token_limit: TokenLimit,
    /// How an answer under a JSON Schema is asked for.
    pub structured_output: StructuredOutput,
}

/// How an answer under a JSON Schema is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StructuredOutput {
    /// By the protocol's own parameter, until the server says that it does not take it.
    #[default]
    Native,
    /// In the prompt alone.
    Prompt,
}

/// The name of the parameter that caps an answer's length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenLimit {
    /// `max_completion_tokens`, OpenAI's own.
    #[default]
    MaxCompletionTokens,
    /// `max_tokens`, the only one that some compatible servers know.
    MaxTokens,
}

/// Where the name of a model comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ModelOrigin {
    /// The command line.
    Flag,
    /// The workflow file.
    Workflow,
    /// `ORCHESTRATE_MODEL`.
    Environment,
    /// The alias `default`.
    Config,
}

/// A model that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ModelError {
    /// Nothing names a model.
    #[error("no model is configured")]
    None,
    /// Neither an alias nor `provider:model`.
    #[error("unknown model `{name}`")]
    Unknown {
        /// What was given.
        name: String,
        /// What to do.
        help: String,
    },
    /// The provider is not configured.
    #[error("unknown provider `{provider}` in model `{model}`")]
    UnknownProvider {
        /// The provider.
        provider: String,
        /// The model as given.
        model: String,
        /// What to do.
        help: String,
    },
    /// The provider needs a key and has none.
    #[error("no API key for `{model}`")]
    NoKey {
        /// The model as given.
        model: String,
        /// What to do.
        help: String,
    },
}

impl ModelError {
    /// What to do about it.
    pub fn help(&self) -> Option<&str> {
        match self {
            Self::None => None,
            Self::Unknown { help, .. }
            | Self::UnknownProvider { help, .. }
            | Self::NoKey { help, .. } => Some(help),
        }
    }
}

impl Config {
    /// Reads the user's config and the project's, and joins them with the environment. The process's
    /// environment is asked for the variables that the user's config names.
    pub fn load(home: &Home, workspace: &Path) -> Result<Self, ConfigError> {
        let user = read_user(&home.config_file())?;
        let named = user.providers.values().filter_map(|provider| provider.api_key_env.clone());
        let named: Vec<String> = named.collect();
        let environment = Environment::of_process(named.iter().map(String::as_str));
        Self::join(user, home, workspace, &environment)
    }

    /// Like [`load`](Self::load), with an environment that the caller makes up.
    pub fn load_with(
        home: &Home,
        workspace: &Path,
        environment: &Environment,
    ) -> Result<Self, ConfigError> {
        let user = read_user(&home.config_file())?;
        Self::join(user, home, workspace, environment)
    }

    fn join(
        user: UserFile,
        home: &Home,
        workspace: &Path,
        environment: &Environment,
    ) -> Result<Self, ConfigError> {
        let project = read_project(workspace)?;
        let mut faults = Vec::new();
        let mut providers = IndexMap::new();
        for (name, table) in &user.providers {
            if name == "offline" {
                faults.push(Diagnostic::error(
                    "config-invalid",
                    "the provider name `offline` is taken",
                ));
                continue;
            }
            match configured(name, table, environment) {
                Ok(settings) => {
                    providers.insert(name.clone(), ProviderSettings::OpenAi(settings));
                }
                Err(message) => faults.push(
                    Diagnostic::error("config-invalid", format!("[providers.{name}]: {message}"))
                        .help(format!("see `{}`", home.config_file().display())),
                ),
            }
        }
        // The environment is the operator speaking now; it goes before the file for the vendor's own name.
        let from_environment = ["OPENAI_API_KEY", "OPENAI_BASE_URL"]
            .iter()
            .any(|name| environment.get(name).is_some());
        if from_environment || !providers.contains_key("openai") {
            let named_in_file = user.providers.contains_key("openai")
                && environment.get("OPENAI_BASE_URL").is_none();
            if !named_in_file {
                providers
                    .insert("openai".into(), ProviderSettings::OpenAi(from_variables(environment)));
            }
        }
        for (aliases, file) in [
            (&user.models, home.config_file()),
            (&project.models, workspace.join("orchestrate.toml")),
        ] {
            faults.extend(
                aliases.keys().filter(|name| name.contains(':')).map(|name| ambiguous(name, &file)),
            );
        }
        if !faults.is_empty() {
            return Err(ConfigError::Content(faults));
        }
        let mut aliases = user.models;
        aliases.extend(project.models);
        let lower = |a: Option<u64>, b: Option<u64>| match (a, b) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        Ok(Self {
            aliases,
            providers,
            model_variable: environment.get("ORCHESTRATE_MODEL").map(str::to_owned),
            defaults: Defaults {
                concurrency: match (user.defaults.concurrency, project.defaults.concurrency) {
                    (Some(user), Some(project)) => Some(user.min(project)),
                    (user, project) => user.or(project),
                },
                limits: Limits {
                    max_calls: lower(user.defaults.max_calls, project.defaults.max_calls),
                    max_tokens: lower(user.defaults.max_tokens, project.defaults.max_tokens),
                },
            },
        })
    }

    /// The model for a step: the flag's, else the workflow's, else the environment's, else the default.
    pub fn model(
        &self,
        flag: Option<&str>,
        workflow: Option<&str>,
    ) -> Result<(ModelRef, ModelOrigin), ModelError> {
        let named = flag
            .map(|name| (name, ModelOrigin::Flag))
            .or(workflow.map(|name| (name, ModelOrigin::Workflow)))
            .or(self.model_variable.as_deref().map(|name| (name, ModelOrigin::Environment)))
            .or(self.aliases.get("default").map(|name| (name.as_str(), ModelOrigin::Config)));
        let (name, origin) = named.ok_or(ModelError::None)?;
        self.resolve(name).map(|model| (model, origin))
    }

    /// Follows an alias, once, to a model of a configured provider.
    pub fn resolve(&self, name: &str) -> Result<ModelRef, ModelError> {
        let alias = self.aliases.get(name);
        let spelled = alias.map_or(name, String::as_str);
        let model = spelled.parse().map_err(|_| match alias {
            Some(_) => ModelError::Unknown {
                name: spelled.to_owned(),
                help: format!(
                    "the alias `{name}` stands for it; let it stand for `provider:model`, such as `openai:gpt-5-mini`"
                ),
            },
            None => ModelError::Unknown { name: name.to_owned(), help: self.advice(name) },
        })?;
        self.configured(&model)?;
        Ok(model)
    }

    /// How the provider of a model is reached, where it is configured.
    pub(crate) fn configured(&self, model: &ModelRef) -> Result<&ProviderSettings, ModelError> {
        self.provider(&model.provider).ok_or_else(|| {
            let known = self.providers.keys().map(String::as_str);
            let provider = &model.provider;
            let help = match suggest::closest(provider, known.clone()) {
                Some(found) => format!("did you mean `{found}:{}`?", model.model),
                None => format!(
                    "add [providers.{provider}] to your config, or use one of: {}",
                    known.collect::<Vec<_>>().join(", ")
                ),
            };
            ModelError::UnknownProvider {
                provider: provider.clone(),
                model: model.to_string(),
                help,
            }
        })
    }

    /// What to give in the place of a text that is no model.
    fn advice(&self, name: &str) -> String {
        let known = self.aliases.keys().map(String::as_str);
        // Of half a model there is no telling which half was meant.
        let plain = !name.trim().is_empty() && !name.contains(':');
        match suggest::closest(name, known).filter(|_| plain) {
            Some(found) => format!("did you mean the alias `{found}`?"),
            None if plain => format!(
                "write `provider:model`, such as `openai:{name}`, or an alias from [models] of your config"
            ),
            None => MODEL_FORM.to_owned(),
        }
    }

    /// How a provider is reached.
    pub fn provider(&self, name: &str) -> Option<&ProviderSettings> {
        self.providers.get(name)
    }
}

/// An alias that could not be told from a model.
fn ambiguous(name: &str, file: &Path) -> Diagnostic {
    Diagnostic::error("config-invalid", format!("the alias `{name}` in [models] has a colon"))
        .help(format!("rename it in `{}`: a name with a colon is a model", file.display()))
}

fn configured(
    name: &str,
    table: &ProviderTable,
    environment: &Environment,
) -> Result<OpenAiSettings, String> {
    let super::file::ProviderKind::Openai = table.kind;
    if table.api_key.is_some() && table.api_key_env.is_some() {
        return Err("give `api_key` or `api_key_env`, not both".into());
    }
    let vendor = name == "openai";
    let base_url = match (&table.base_url, vendor) {
        (Some(url), _) => url.clone(),
        (None, true) => OPENAI_BASE_URL.to_owned(),
        (None, false) => return Err("`base_url` is missing".into()),
    };
    // Without a word about a key, the vendor's variable is meant, and only for the vendor's address.
    let variable = table
        .api_key_env
        .as_deref()
        .or((vendor && table.base_url.is_none()).then_some("OPENAI_API_KEY"));
    let api_key = table.api_key.clone().or_else(|| {
        variable.and_then(|variable| environment.get(variable)).map(SecretString::from)
    });
    let key_source = match variable {
        Some(variable) => format!("the environment variable `{variable}`"),
        None => format!("`api_key_env` below `[providers.{name}]` in your config"),
    };
    Ok(OpenAiSettings {
        base_url,
        api_key,
        key_source,
        organization: table.organization.clone(),
        project: table.project.clone(),
        token_limit: table.token_limit,
        structured_output: table.structured_output,
    })
}

/// What the official client would do with the same variables. A key that comes with an address is
/// bound to that address, a key alone to the vendor's.
fn from_variables(environment: &Environment) -> OpenAiSettings {
    OpenAiSettings {
        base_url: environment.get("OPENAI_BASE_URL").unwrap_or(OPENAI_BASE_URL).to_owned(),
        api_key: environment.get("OPENAI_API_KEY").map(SecretString::from),
        key_source: "the environment variable `OPENAI_API_KEY`".into(),
        organization: environment.get("OPENAI_ORG_ID").map(str::to_owned),
        project: environment.get("OPENAI_PROJECT_ID").map(str::to_owned),
        token_limit: TokenLimit::default(),
        structured_output: StructuredOutput::default(),
    }
}

impl OpenAiSettings {
    /// Whether this is the vendor's own address, which never answers without a key.
    pub fn is_vendor(&self) -> bool {
        self.base_url.trim_end_matches('/') == OPENAI_BASE_URL
    }
}
