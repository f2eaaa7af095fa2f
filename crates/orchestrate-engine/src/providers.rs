//! The providers that a run's models need, made from the configuration.

use std::{collections::BTreeMap, sync::Arc};

use orchestrate_core::request::{Endpoint, ModelRef};
use orchestrate_provider::{
    Provider,
    offline::Offline,
    openai::{self, OpenAi, TokenLimitParameter},
};

use crate::config::{Config, ModelError, ProviderSettings, StructuredOutput, TokenLimit};

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
        source: openai::ConfigError,
    },
}

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

fn configured(config: &Config, model: &ModelRef) -> Result<Arc<dyn Provider>, ProviderError> {
    // Also says what to do where the provider is unknown.
    let ProviderSettings::OpenAi(settings) = config.configured(model)?;
    if settings.api_key.is_none() && settings.is_vendor() {
        return Err(ModelError::NoKey {
            model: model.to_string(),
            help: format!("set {}", settings.key_source),
        }
        .into());
    }
    if settings.api_key.is_some() && travels_in_clear(&settings.base_url) {
        tracing::warn!(
            "the key of provider `{}` travels unencrypted: its address begins with http://",
            model.provider
        );
    }
    let mut wire = openai::Config::new(model.provider.clone(), settings.base_url.clone());
    wire.api_key.clone_from(&settings.api_key);
    wire.key_origin = Some(settings.key_source.clone());
    wire.organization.clone_from(&settings.organization);
    wire.project.clone_from(&settings.project);
    wire.token_limit_parameter = match settings.token_limit {
        TokenLimit::MaxCompletionTokens => TokenLimitParameter::MaxCompletionTokens,
        TokenLimit::MaxTokens => TokenLimitParameter::MaxTokens,
    };
    wire.structured_output = match settings.structured_output {
        StructuredOutput::Native => openai::StructuredOutput::Native,
        StructuredOutput::Prompt => openai::StructuredOutput::Prompt,
    };
    let provider = OpenAi::new(wire)
        .map_err(|source| ProviderError::Settings { name: model.provider.clone(), source })?;
    Ok(Arc::new(provider))
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
