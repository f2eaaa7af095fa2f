//! The providers that a run's models need, made from the configuration.

use std::{collections::BTreeMap, sync::Arc};

use orchestrate_core::request::{Endpoint, ModelRef};
use orchestrate_provider::{
    AttemptError, Provider,
    cassette::{RecordedModels, Replay, Standing, Tape},
    command::{self, CommandError, CommandProvider},
    http::{self, HttpProvider},
    offline::Offline,
};

use crate::{
    config::{CommandSettings, Config, HttpSettings, ModelError, ProviderSettings},
    library::{ReadError, read_text},
};

/// The model name that stands for the offline provider.
pub const OFFLINE_MODEL: &str = "offline:worksheet";

/// Providers by name.
#[derive(Clone, Default)]
pub struct Providers(BTreeMap<String, Arc<dyn Provider>>);

/// A provider that cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    /// The model cannot be used.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// Its settings are wrong.
    #[error("setting up provider `{name}`")]
    Settings {
        /// The provider.
        name: String,
        /// What is wrong.
        #[source]
        source: http::ConfigError,
    },
    /// Its command is wrong.
    #[error("setting up provider `{name}`")]
    Command {
        /// The provider.
        name: String,
        /// What is wrong.
        #[source]
        source: CommandError,
    },
    /// Its certificates cannot be read.
    #[error("setting up provider `{name}`")]
    Certificates {
        /// The provider.
        name: String,
        /// What is wrong.
        #[source]
        source: ReadError,
    },
}

/// Files of certificates are not larger than this, in bytes.
const CERTIFICATES_LIMIT: u64 = 16 << 20;

impl Providers {
    /// The providers for `models`; `offline` needs no configuration.
    pub fn for_models<'a>(
        config: &Config,
        models: impl IntoIterator<Item = &'a ModelRef>,
    ) -> Result<Self, ProviderError> {
        let mut providers: BTreeMap<String, Arc<dyn Provider>> = BTreeMap::new();
        for model in models {
            if providers.contains_key(&model.provider) {
                continue;
            }
            let provider = if model.provider == "offline" {
                Arc::new(Offline::new()) as Arc<dyn Provider>
            } else {
                configured(config, model)?
            };
            providers.insert(model.provider.clone(), provider);
        }
        Ok(Self(providers))
    }

    /// Providers that answer from a cassette in the place of those that `models` were recorded with. None of
    /// them sends anything.
    pub fn replaying<'a>(
        recorded: &RecordedModels,
        tape: &Arc<Tape>,
        models: impl IntoIterator<Item = &'a ModelRef>,
        standing: &Standing,
    ) -> Self {
        let of = |model: &'a ModelRef| {
            let endpoint = recorded.endpoint(&model.provider);
            let replay = Replay::new(endpoint, Arc::clone(tape), standing.clone());
            (model.provider.clone(), Arc::new(replay) as Arc<dyn Provider>)
        };
        Self(models.into_iter().map(of).collect())
    }

    /// Adds a provider of the caller's own, under a name of its choice.
    #[must_use]
    pub fn with(mut self, name: &str, provider: Arc<dyn Provider>) -> Self {
        self.0.insert(name.to_owned(), provider);
        self
    }

    /// The provider of a model.
    pub fn of(&self, model: &ModelRef) -> Option<&Arc<dyn Provider>> {
        self.0.get(&model.provider)
    }

    /// Where a model's calls go.
    pub fn endpoint(&self, model: &ModelRef) -> Option<&Endpoint> {
        self.of(model).map(|provider| provider.endpoint())
    }

    /// Where calls go, by provider.
    pub fn endpoints(&self) -> impl Iterator<Item = (&str, &Endpoint)> {
        self.0.iter().map(|(name, provider)| (name.as_str(), provider.endpoint()))
    }
}

impl std::fmt::Debug for Providers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// The models that a provider lists, asked for now. `None` where it is a program, which lists none.
pub async fn list_models(
    config: &Config,
    name: &str,
) -> Result<Option<Result<Vec<String>, AttemptError>>, ProviderError> {
    let model = ModelRef { provider: name.to_owned(), model: "any".to_owned() };
    match config.configured(&model)? {
        ProviderSettings::Http(settings) => {
            Ok(Some(reached(config, &model, settings)?.models().await))
        }
        ProviderSettings::Command(_) => Ok(None),
    }
}

fn configured(config: &Config, model: &ModelRef) -> Result<Arc<dyn Provider>, ProviderError> {
    // Also says what to do where the provider is unknown.
    Ok(match config.configured(model)? {
        ProviderSettings::Http(settings) => Arc::new(reached(config, model, settings)?),
        ProviderSettings::Command(settings) => {
            Arc::new(started(config, &model.provider, settings)?)
        }
    })
}

fn started(
    config: &Config,
    name: &str,
    settings: &CommandSettings,
) -> Result<CommandProvider, ProviderError> {
    let mut program = command::Config::new(name, settings.command.clone(), settings.output);
    program.redactor = config.redactor().clone();
    CommandProvider::new(program)
        .map_err(|source| ProviderError::Command { name: name.to_owned(), source })
}

fn reached(
    config: &Config,
    model: &ModelRef,
    settings: &HttpSettings,
) -> Result<HttpProvider, ProviderError> {
    let name = &model.provider;
    let Some((base_url, _)) = &settings.address else {
        let preset = settings.preset;
        let variable = preset.address_variable.map_or(String::new(), |variable| {
            format!("the environment variable `{variable}`, or ")
        });
        let help = format!(
            "set {variable}`base_url` below `[providers.{name}]` in your config; see {}",
            preset.page
        );
        return Err(ModelError::NoAddress { model: model.to_string(), help }.into());
    };
    if settings.lacks_key() {
        let (model, help) = (model.to_string(), settings.key_advice());
        return Err(ModelError::NoKey { model, help }.into());
    }
    if settings.api_key.is_some() && travels_in_clear(base_url) {
        tracing::warn!(
            "the key of provider `{name}` travels unencrypted: its address begins with http://"
        );
    }
    let mut wire = http::Config::new(name.clone(), settings.dialect.clone(), base_url.clone());
    wire.api_key.clone_from(&settings.api_key);
    wire.key_header = settings.key_header;
    wire.key_origin = Some(settings.key_source.to_string());
    wire.headers.clone_from(&settings.headers);
    wire.redactor = config.redactor().clone();
    wire.effort = settings.effort;
    wire.structured_output = settings.structured_output;
    wire.seed = settings.seed;
    wire.extra_ca = certificates(config, name, settings)?;
    HttpProvider::new(wire).map_err(|source| ProviderError::Settings { name: name.clone(), source })
}

/// The certificates that the config names, or the environment does where the system's own store does not
/// look at `SSL_CERT_FILE`, as it does on Linux.
fn certificates(
    config: &Config,
    name: &str,
    settings: &HttpSettings,
) -> Result<Option<Arc<[u8]>>, ProviderError> {
    let variable = config.ca_variable.as_ref().filter(|_| !cfg!(target_os = "linux"));
    let Some(path) = settings.ca_file.clone().or(variable.map(std::path::PathBuf::from)) else {
        return Ok(None);
    };
    let text = read_text(&path, CERTIFICATES_LIMIT)
        .map_err(|source| ProviderError::Certificates { name: name.to_owned(), source })?;
    Ok(Some(text.into_bytes().into()))
}

/// Whether a key sent to this address could be read on the way.
fn travels_in_clear(address: &str) -> bool {
    let Some(rest) = address.strip_prefix("http://") else { return false };
    let host = rest.split(['/', '?']).next().unwrap_or_default();
    let name = if host.starts_with('[') { host.split(']').next() } else { host.split(':').next() };
    !matches!(name, Some("localhost" | "[::1"))
        && !name.is_some_and(|name| name.starts_with("127."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_key_that_leaves_this_machine_unencrypted_is_warned_of() {
        for safe in [
            "https://a.example/v1",
            "http://localhost:8000/v1",
            "http://127.0.0.1/v1",
            "http://[::1]:1/v1",
        ] {
            assert!(!travels_in_clear(safe), "{safe}");
        }
        for open in
            ["http://a.example/v1", "http://192.168.1.4:8000/v1", "http://localhost.example/v1"]
        {
            assert!(travels_in_clear(open), "{open}");
        }
    }
}
