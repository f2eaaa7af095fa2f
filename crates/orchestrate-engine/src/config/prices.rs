//! What is known of models here: the user's own prices, the table they brought, and the built-in one.

use std::path::Path;

use indexmap::IndexMap;
use orchestrate_core::{diagnostic::Diagnostic, price::Price, request::ModelRef};
use orchestrate_provider::models::{Layer, ModelFacts, ModelTable, Row, check_name, find};

use super::{ProviderSettings, file::ConfigError, model::Config};
use crate::library::read_text;

/// The largest table that is read, in bytes; `LiteLLM`'s has three million.
pub const MAX_TABLE_BYTES: u64 = 16 << 20;

/// Where something that is known of a model comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PriceOrigin {
    /// `[prices]` of the user's config.
    Config,
    /// The table that the user brought, true on this day.
    Brought(String),
    /// The built-in table, true on this day.
    BuiltIn(String),
    /// It runs on this machine, where nobody is paid for tokens.
    Local,
}

impl PriceOrigin {
    /// In a few words.
    pub fn describe(&self) -> String {
        match self {
            Self::Config => "your config".to_owned(),
            Self::Brought(date) => format!("your table of {date}"),
            Self::BuiltIn(date) => format!("built in, {date}"),
            Self::Local => "runs on this machine".to_owned(),
        }
    }
}

/// What is known of one model here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownModel {
    /// The facts.
    pub facts: ModelFacts,
    /// The row that they stand in.
    pub row: String,
    /// Where the row is.
    pub origin: PriceOrigin,
}

/// The prices of the models of a run.
pub type ModelPrices = IndexMap<ModelRef, Price>;

/// What is known of the models of a run.
pub type ModelsKnown = IndexMap<ModelRef, ModelFacts>;

/// Everything in which prices are looked up.
#[derive(Debug, Default)]
pub(super) struct Prices {
    own: IndexMap<String, (ModelFacts, Option<String>)>,
    brought: Option<ModelTable>,
}

impl Prices {
    /// Takes the rows of the user's config and reads the table that they brought, where there is one.
    pub(super) fn load(
        rows: IndexMap<String, Row>,
        table: &Path,
        faults: &mut Vec<Diagnostic>,
    ) -> Result<Self, ConfigError> {
        let brought = match read_text(table, MAX_TABLE_BYTES) {
            Ok(text) => match ModelTable::read(&text) {
                Ok(table) => Some(table),
                Err(error) => {
                    let message = format!("`{}`: {error}", table.display());
                    faults.push(Diagnostic::error("config-invalid", message).help(
                        "remove it; `orchestrate models prices --update FILE` brings a table anew",
                    ));
                    None
                }
            },
            Err(error) if error.is_missing() => None,
            Err(error) => return Err(error.into()),
        };
        let mut prices = Self { own: IndexMap::new(), brought };
        for (name, row) in rows {
            let fault = |message: &str| {
                Diagnostic::error("config-invalid", format!("[prices.\"{name}\"]: {message}"))
            };
            let facts = check_name(&name).and_then(|()| row.facts());
            let facts = match facts {
                Ok(facts) => facts,
                Err(message) => {
                    faults.push(fault(message));
                    continue;
                }
            };
            if let Some(like) = row.like()
                && prices.listed(like).is_none()
            {
                let message = format!("no table has a price of `{like}`");
                faults.push(fault(&message).help(
                    "`like` names a model of `orchestrate models prices`, such as `openai:gpt-5`",
                ));
                continue;
            }
            prices.own.insert(name, (facts, row.like().map(str::to_owned)));
        }
        Ok(prices)
    }

    /// What the tables say of `provider:model`, the newer table first.
    fn listed(&self, name: &str) -> Option<KnownModel> {
        let (provider, model) = name.split_once(':')?;
        let built_in = ModelTable::built_in();
        let brought = self.brought.as_ref().map(|table| (table, true));
        let mut tables: Vec<(&ModelTable, bool)> =
            brought.into_iter().chain([(built_in, false)]).collect();
        tables.sort_by(|(one, _), (other, _)| other.date.cmp(&one.date));
        tables.into_iter().find_map(|(table, brought)| {
            let (row, facts) = table.find(provider, model)?;
            let mut facts = *facts;
            // Other people's tables say it of few models, and prices do not make it true or false.
            facts.cache_from =
                facts.cache_from.or_else(|| built_in.find(provider, model)?.1.cache_from);
            let date = table.date.clone();
            let origin =
                if brought { PriceOrigin::Brought(date) } else { PriceOrigin::BuiltIn(date) };
            Some(KnownModel { facts, row: row.to_owned(), origin })
        })
    }

    /// Every row that could be found, by name.
    pub(super) fn all(&self) -> Vec<KnownModel> {
        let tables = [self.brought.as_ref(), Some(ModelTable::built_in())];
        let listed = tables.into_iter().flatten().flat_map(ModelTable::rows);
        let mut names: Vec<&str> =
            self.own.keys().map(String::as_str).chain(listed.map(|(name, _)| name)).collect();
        names.sort_unstable();
        names.dedup();
        let known = |name: &str| self.own(name).or_else(|| self.listed(name));
        names.into_iter().filter_map(known).collect()
    }

    /// What the user's config says of `provider:model`.
    fn own(&self, name: &str) -> Option<KnownModel> {
        let (provider, model) = name.split_once(':')?;
        let (row, (facts, like)) = find(Layer(&self.own), provider, model)?;
        let like = like.as_deref().and_then(|like| self.listed(like));
        let facts = facts.or(like.map(|like| like.facts).unwrap_or_default());
        Some(KnownModel { facts, row: row.to_owned(), origin: PriceOrigin::Config })
    }
}

impl Config {
    /// What is known of a model, as it would be called with this configuration.
    pub fn known(&self, model: &ModelRef) -> Option<KnownModel> {
        let listed = self.listed_as(model);
        let listed = listed.and_then(|name| self.prices.listed(&name));
        let below = listed.or_else(|| self.is_free(model).then(|| free(model)));
        let Some(own) = self.prices.own(&model.to_string()) else { return below };
        // The user may know the price alone, or the window alone.
        let origin = match (&below, own.facts.price) {
            (Some(below), None) => below.origin.clone(),
            _ => PriceOrigin::Config,
        };
        let facts = own.facts.or(below.map(|below| below.facts).unwrap_or_default());
        Some(KnownModel { facts, origin, ..own })
    }

    /// The price of a model's tokens, where it is known.
    pub fn price(&self, model: &ModelRef) -> Option<Price> {
        self.known(model)?.facts.price
    }

    /// The prices of those models that have a known one.
    pub fn prices_of<'a>(&self, models: impl IntoIterator<Item = &'a ModelRef>) -> ModelPrices {
        let known =
            models.into_iter().filter_map(|model| Some((model.clone(), self.price(model)?)));
        known.collect()
    }

    /// What is known of those models of which something is.
    pub fn facts_of<'a>(&self, models: impl IntoIterator<Item = &'a ModelRef>) -> ModelsKnown {
        let known =
            models.into_iter().filter_map(|model| Some((model.clone(), self.known(model)?.facts)));
        known.collect()
    }

    /// Every model of which something is known.
    pub fn known_models(&self) -> Vec<KnownModel> {
        self.prices.all()
    }

    /// The name under which tables list a model. A provider that the user made up is listed where its calls
    /// go to a vendor's own address: nobody knows what others charge.
    fn listed_as(&self, model: &ModelRef) -> Option<String> {
        let ProviderSettings::Http(settings) = self.provider(&model.provider)? else { return None };
        let preset = settings.preset;
        if preset.name != model.provider && !settings.goes_to_vendor() {
            return None;
        }
        let vendor = match preset.name {
            "openai-responses" => "openai",
            name => name,
        };
        Some(format!("{vendor}:{}", model.model))
    }

    /// Whether a model runs on the user's own machine, as far as can be seen. `LiteLLM`'s proxy runs there too
    /// and passes on what is paid elsewhere, and so does Ollama with models of its cloud.
    fn is_free(&self, model: &ModelRef) -> bool {
        if model.provider == "offline" {
            return true;
        }
        let Some(ProviderSettings::Http(settings)) = self.provider(&model.provider) else {
            return false;
        };
        let is_here = settings.address.as_ref().is_some_and(|(url, _)| is_loopback(url));
        settings.preset.is_local()
            && settings.preset.name != "litellm"
            && is_here
            && !model.model.ends_with("cloud")
    }
}

fn free(model: &ModelRef) -> KnownModel {
    KnownModel { facts: ModelFacts::FREE, row: model.to_string(), origin: PriceOrigin::Local }
}

/// Whether an address is one of this machine.
fn is_loopback(url: &str) -> bool {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    if authority.contains('@') {
        return false;
    }
    let host = match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next(),
        None => authority.split(':').next(),
    };
    host.is_some_and(|host| {
        host == "localhost"
            || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_this_machine_are_taken_for_such() {
        for here in ["http://127.0.0.1:11434", "http://localhost/v1", "http://[::1]:8000/v1"] {
            assert!(is_loopback(here), "{here}");
        }
        for elsewhere in [
            "https://ollama.com",
            "http://127.0.0.1.example/v1",
            "http://localhost@evil.example/v1",
            "http://192.168.1.2:8000",
            "",
        ] {
            assert!(!is_loopback(elsewhere), "{elsewhere}");
        }
    }
}
