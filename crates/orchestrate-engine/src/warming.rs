//! Which calls share a beginning that their provider keeps in its cache: the first of them goes alone, so that
//! the others read from the cache what it has written there.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use orchestrate_core::{
    ids::{Digest, FieldHasher},
    request::{Endpoint, Request, Segment},
};
use orchestrate_provider::{Provider, models::ModelFacts, tokens};

/// Beginnings of prompts that were looked at, and whether they are long enough to be kept.
#[derive(Debug, Default)]
pub(crate) struct Prefixes(Mutex<BTreeMap<Digest, bool>>);

/// Tokens from which a provider keeps the beginning of a prompt in its cache, where that saves anything.
pub(crate) fn kept_from(facts: &ModelFacts) -> Option<u64> {
    let rates = facts.price?.rates;
    rates.cached.filter(|cached| *cached < rates.input)?;
    facts.cache_from
}

impl Prefixes {
    /// The digest of the beginning that a request shares with those of the other items of its step, where it
    /// pays to let the first of them go alone.
    pub(crate) fn shared(
        &self,
        request: &Request,
        facts: &ModelFacts,
        provider: &dyn Provider,
    ) -> Option<Digest> {
        let least = kept_from(facts).filter(|_| provider.keeps_prefixes())?;
        let shared: Vec<String> = request.shared().iter().map(Segment::render).collect();
        let bytes = request.system.len() + shared.iter().map(String::len).sum::<usize>();
        // There are never more tokens than bytes.
        if (bytes as u64) < least {
            return None;
        }
        let digest = digest(provider.endpoint(), request, &shared);
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&digest).copied();
        let is_long = known.unwrap_or_else(|| {
            let counted = shared.iter().map(|text| tokens::count(text)).sum::<u64>();
            let is_long = tokens::count(&request.system) + counted >= least;
            self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(digest, is_long);
            is_long
        });
        is_long.then_some(digest)
    }
}

/// Caches are kept by the model, and for whoever asks at the same address.
fn digest(endpoint: &Endpoint, request: &Request, shared: &[String]) -> Digest {
    let mut hasher = FieldHasher::new("orchestrate 2026 shared prefix 1");
    hasher
        .field(&endpoint.origin)
        .field(request.model.to_string())
        .field(&request.system)
        .field((shared.len() as u64).to_le_bytes());
    for text in shared {
        hasher.field(text);
    }
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use orchestrate_core::{
        money::Money,
        price::{Price, Rates},
    };

    use super::*;

    fn facts(cached: Option<u64>, cache_from: Option<u64>) -> ModelFacts {
        let units = Money::from_picodollars;
        let rates = Rates {
            input: units(10),
            output: units(40),
            cached: cached.map(units),
            cache_write: None,
        };
        ModelFacts { price: Some(Price { rates, long: None }), cache_from, ..ModelFacts::default() }
    }

    #[test]
    fn it_pays_only_where_a_cache_is_known_and_saves_something() {
        assert_eq!(kept_from(&facts(Some(1), Some(1_024))), Some(1_024));
        assert_eq!(kept_from(&facts(Some(10), Some(1_024))), None);
        assert_eq!(kept_from(&facts(None, Some(1_024))), None);
        assert_eq!(kept_from(&facts(Some(1), None)), None);
        assert_eq!(kept_from(&ModelFacts::FREE), None);
    }
}
