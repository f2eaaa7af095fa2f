//! What the files and the environment come to together.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use indexmap::IndexMap;
use orchestrate_core::{diagnostic::Diagnostic, policy::Limits, request::ModelRef, suggest};
use orchestrate_provider::{presets::PRESETS, redact::Redactor};

use super::{
    Environment,
    chain::{Chain, Spelled},
    file::{ConfigError, GateTable, UserFile, read_project, read_user},
    prices::Prices,
    secrets::redactor,
    settings::{ProviderSettings, settings},
};
use crate::{gates::GateCommand, home::Home};

/// What a model looks like.
const MODEL_FORM: &str = "a model is `provider:model`, such as `openai:gpt-5-mini`, or an alias from [models] of your config";

/// Everything that is configured.
#[derive(Debug)]
pub struct Config {
    /// Aliases of models, a project's before the user's.
    aliases: IndexMap<String, Spelled>,
    /// Those of them that the project's file sets.
    project_aliases: BTreeSet<String>,
    /// Providers that the user's file has a table for.
    in_file: BTreeSet<String>,
    /// Certificates that the environment names, for systems that do not look themselves.
    pub(crate) ca_variable: Option<String>,
    /// Providers by name.
    providers: IndexMap<String, ProviderSettings>,
    /// What is known of models.
    pub(super) prices: Prices,
    /// The model that the environment names.
    model_variable: Option<String>,
    /// Commands that decide gates, by the gate's id.
    pub gates: BTreeMap<String, GateCommand>,
    /// Defaults and caps.
    pub defaults: Defaults,
    redactor: Redactor,
}

/// Defaults and caps that hold where flags and workflow say nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Defaults {
    /// Calls at a time.
    pub concurrency: Option<u32>,
    /// Caps: the lower of the user's and the project's.
    pub limits: Limits,
}

/// An alias of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Alias<'a> {
    /// The alias.
    pub name: &'a str,
    /// What it stands for, as written: a model, and those that are asked where it cannot be had.
    pub models: &'a [String],
    /// Whether the project's file sets it, and not the user's.
    pub of_project: bool,
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
    /// The provider has no address of its own and none is configured.
    #[error("no address for `{model}`")]
    NoAddress {
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
            | Self::NoAddress { help, .. }
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
        let redactor = redactor(&user, environment);
        let project = read_project(workspace)?;
        let mut faults = Vec::new();
        let mut providers = IndexMap::new();
        let known = PRESETS.iter().map(|preset| preset.name);
        let own = user.providers.keys().map(String::as_str);
        let names: indexmap::IndexSet<&str> = known.chain(own).collect();
        for name in names {
            if matches!(name, "offline") {
                faults.push(Diagnostic::error(
                    "config-invalid",
                    "the provider name `offline` is taken",
                ));
                continue;
            }
            match settings(name, user.providers.get(name), environment) {
                Ok(settings) => {
                    providers.insert(name.to_owned(), settings);
                }
                Err(message) => faults.push(
                    Diagnostic::error("config-invalid", format!("[providers.{name}]: {message}"))
                        .help(format!("see `{}`", home.config_file().display())),
                ),
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
        let prices = Prices::load(user.prices, &home.prices_file(), &mut faults)?;
        let gates = gates(user.gates, home, &mut faults);
        if !faults.is_empty() {
            return Err(ConfigError::Content(faults));
        }
        let in_file = user.providers.into_keys().collect();
        let project_aliases = project.models.keys().cloned().collect();
        let mut aliases = user.models;
        aliases.extend(project.models);
        Ok(Self {
            redactor,
            aliases,
            project_aliases,
            in_file,
            ca_variable: environment.get("SSL_CERT_FILE").map(str::to_owned),
            providers,
            prices,
            model_variable: environment.get("ORCHESTRATE_MODEL").map(str::to_owned),
            gates,
            defaults: Defaults {
                concurrency: match (user.defaults.concurrency, project.defaults.concurrency) {
                    (Some(user), Some(project)) => Some(user.min(project)),
                    (user, project) => user.or(project),
                },
                limits: user.defaults.limits().stricter(project.defaults.limits()),
            },
        })
    }

    /// Like [`redactor`](Self::redactor), for whoever has to tell of something before a configuration is read,
    /// or where it cannot be used as a whole.
    pub fn secrets_of(home: &Home) -> Redactor {
        let user = read_user(&home.config_file()).unwrap_or_default();
        let named = user.providers.values().filter_map(|provider| provider.api_key_env.clone());
        let named: Vec<String> = named.collect();
        redactor(&user, &Environment::of_process(named.iter().map(String::as_str)))
    }

    /// Knows every secret of files and environment, used or not.
    pub fn redactor(&self) -> &Redactor {
        &self.redactor
    }

    /// The model for a step: the flag's, else the workflow's, else the environment's, else the default.
    pub fn model(
        &self,
        flag: Option<&str>,
        workflow: Option<&str>,
    ) -> Result<(ModelRef, ModelOrigin), ModelError> {
        self.chain_of(flag, workflow).map(|(chain, origin)| (chain.model, origin))
    }

    /// Like [`model`](Self::model), with the models that are asked where that one cannot be had.
    pub fn chain_of(
        &self,
        flag: Option<&str>,
        workflow: Option<&str>,
    ) -> Result<(Chain, ModelOrigin), ModelError> {
        // The default may be one of the other aliases.
        let default = self.aliases.get("default").map(|Spelled(models)| match models.as_slice() {
            [alias] if alias != "default" && self.aliases.contains_key(alias) => alias.as_str(),
            _ => "default",
        });
        let named = flag
            .map(|name| (name, ModelOrigin::Flag))
            .or(workflow.map(|name| (name, ModelOrigin::Workflow)))
            .or(self.model_variable.as_deref().map(|name| (name, ModelOrigin::Environment)))
            .or(default.map(|name| (name, ModelOrigin::Config)));
        let (name, origin) = named.ok_or(ModelError::None)?;
        self.chain(name).map(|chain| (chain, origin))
    }

    /// Follows an alias, once, to a model of a configured provider.
    pub fn resolve(&self, name: &str) -> Result<ModelRef, ModelError> {
        self.chain(name).map(|chain| chain.model)
    }

    /// Follows an alias, once, to all the models that it stands for. All of them are of known providers.
    pub fn chain(&self, name: &str) -> Result<Chain, ModelError> {
        let Some(Spelled(models)) = self.aliases.get(name) else {
            let unknown =
                |_| ModelError::Unknown { name: name.to_owned(), help: self.advice(name) };
            let model = name.parse().map_err(unknown)?;
            self.configured(&model)?;
            return Ok(Chain::only(model));
        };
        let mut found = Vec::with_capacity(models.len());
        for spelled in models {
            let model = spelled.parse().map_err(|_| ModelError::Unknown {
                name: spelled.clone(),
                help: format!(
                    "the alias `{name}` stands for it; let it stand for `provider:model`, such as `openai:gpt-5-mini`"
                ),
            })?;
            self.configured(&model)?;
            found.push(model);
        }
        let model = found.remove(0);
        Ok(Chain { model, fallbacks: found })
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

    /// Every provider, known ones first.
    pub fn providers(&self) -> impl Iterator<Item = (&str, &ProviderSettings)> {
        self.providers.iter().map(|(name, settings)| (name.as_str(), settings))
    }

    /// Whether the user's config has a table for a provider.
    pub fn is_in_file(&self, provider: &str) -> bool {
        self.in_file.contains(provider)
    }

    /// Every alias.
    pub fn aliases(&self) -> impl Iterator<Item = Alias<'_>> {
        self.aliases.iter().map(|(name, Spelled(models))| Alias {
            name,
            models,
            of_project: self.project_aliases.contains(name),
        })
    }

    /// How a provider is reached.
    pub fn provider(&self, name: &str) -> Option<&ProviderSettings> {
        self.providers.get(name)
    }
}

/// The longest that a command of a gate may take, in seconds: a day.
const LONGEST_GATE: u64 = 24 * 60 * 60;

/// Checks the commands that decide gates.
fn gates(
    tables: IndexMap<String, GateTable>,
    home: &Home,
    faults: &mut Vec<Diagnostic>,
) -> BTreeMap<String, GateCommand> {
    let mut gates = BTreeMap::new();
    for (id, table) in tables {
        let program = table.command.first().map(String::as_str).unwrap_or_default();
        let relative = program.contains('/') && !program.starts_with('/');
        let wrong = if program.trim().is_empty() {
            Some("`command` names no program")
        } else if relative {
            Some(
                "`command` begins with a relative path: give the program's bare name or its whole path",
            )
        } else if table.command.iter().any(|word| word.contains('\0')) {
            Some("`command` holds a NUL")
        } else if table.timeout.is_some_and(|seconds| !(1..=LONGEST_GATE).contains(&seconds)) {
            Some("`timeout` is between 1 and 86400 seconds")
        } else {
            None
        };
        if let Some(wrong) = wrong {
            faults.push(
                Diagnostic::error("config-invalid", format!("[gates.{id}]: {wrong}"))
                    .help(format!("see `{}`", home.config_file().display())),
            );
        } else {
            let patience = table.timeout.map(std::time::Duration::from_secs);
            gates.insert(id, GateCommand::new(table.command, patience));
        }
    }
    gates
}

/// An alias that could not be told from a model.
fn ambiguous(name: &str, file: &Path) -> Diagnostic {
    Diagnostic::error("config-invalid", format!("the alias `{name}` in [models] has a colon"))
        .help(format!("rename it in `{}`: a name with a colon is a model", file.display()))
}
