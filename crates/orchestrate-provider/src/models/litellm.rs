//! Reading the table that `LiteLLM` publishes: `model_prices_and_context_window.json`.

use indexmap::IndexMap;
use orchestrate_core::{
    money::Money,
    price::{LongPrompt, Price, Rates},
};
use serde_json::{Map, Value};

use super::{
    ModelFacts, ModelTable, TableError,
    table::{check_name, is_date},
};

/// Their names of providers, and ours. Azure is left out: a deployment's name says nothing of its model.
const PROVIDERS: [(&str, &str); 12] = [
    ("openai", "openai"),
    ("anthropic", "anthropic"),
    ("gemini", "gemini"),
    ("deepseek", "deepseek"),
    ("mistral", "mistral"),
    ("groq", "groq"),
    ("xai", "xai"),
    ("cerebras", "cerebras"),
    ("together_ai", "together"),
    ("fireworks_ai", "fireworks"),
    ("openrouter", "openrouter"),
    ("nvidia_nim", "nvidia"),
];

/// Reads the models of known providers that answer in text. `date` is the day on which the file was taken.
pub fn read_litellm(text: &str, date: &str) -> Result<ModelTable, TableError> {
    let Ok(Value::Object(models)) = serde_json::from_str(text) else {
        return Err(TableError::Foreign);
    };
    let is_theirs = models.values().any(|entry| entry["litellm_provider"].is_string());
    if !is_theirs || !is_date(date) {
        return Err(TableError::Foreign);
    }
    let mut rows = IndexMap::new();
    for (name, entry) in &models {
        let Value::Object(entry) = entry else { continue };
        if let Some((name, facts)) = row(name, entry) {
            // A name with and one without their prefix mean the same model; the first stands.
            rows.entry(name).or_insert(facts);
        }
    }
    rows.sort_unstable_keys();
    ModelTable::new(date.to_owned(), "LiteLLM's table of prices".to_owned(), rows)
}

fn row(name: &str, entry: &Map<String, Value>) -> Option<(String, ModelFacts)> {
    let answers = matches!(entry.get("mode")?.as_str()?, "chat" | "responses");
    let theirs = entry.get("litellm_provider")?.as_str()?;
    let (_, ours) = PROVIDERS.iter().find(|(known, _)| *known == theirs).filter(|_| answers)?;
    let model = name.strip_prefix(theirs).and_then(|rest| rest.strip_prefix('/')).unwrap_or(name);
    let name = format!("{ours}:{model}");
    check_name(&name).ok()?;
    let usual = rates(entry, "")?;
    // Where they know no price they write none, or nothing but zeros.
    if usual.input == Money::ZERO && usual.output == Money::ZERO {
        return None;
    }
    // Thoughts at a price of their own cannot be told apart in a worst case.
    let thought = dollars(entry, "output_cost_per_reasoning_token");
    if thought.is_some_and(|thought| thought != usual.output) {
        return None;
    }
    let long = match above(entry).as_slice() {
        [] => None,
        [thousands] => {
            let suffix = format!("_above_{thousands}k_tokens");
            let dearer = rates(entry, &suffix)?;
            Some(LongPrompt { above: thousands * 1_000, rates: dearer })
        }
        // More steps than one are more than can be said here; half of it would be wrong.
        _ => return None,
    };
    let size = |key: &str| {
        let value = entry.get(key)?;
        value.as_u64().or_else(|| whole(value.as_f64()?))
    };
    let facts = ModelFacts {
        price: Some(Price { rates: usual, long }),
        context: size("max_input_tokens"),
        max_output: size("max_output_tokens"),
        cache_from: size("prompt_cache_min_tokens"),
    };
    Some((name, facts))
}

/// Prices with a suffix; the usual price where the suffix has none of its own.
fn rates(entry: &Map<String, Value>, suffix: &str) -> Option<Rates> {
    let rate =
        |key: &str| dollars(entry, &format!("{key}{suffix}")).or_else(|| dollars(entry, key));
    Some(Rates {
        input: rate("input_cost_per_token")?,
        output: rate("output_cost_per_token")?,
        cached: rate("cache_read_input_token_cost"),
        cache_write: rate("cache_creation_input_token_cost"),
    })
}

/// The lengths of prompts, in thousands of tokens, above which other prices hold.
fn above(entry: &Map<String, Value>) -> Vec<u64> {
    let steps = entry.keys().filter_map(|key| {
        let rest = key.strip_prefix("input_cost_per_token_above_");
        let rest = rest.or_else(|| key.strip_prefix("output_cost_per_token_above_"))?;
        rest.strip_suffix("k_tokens")?
            .parse::<u64>()
            .ok()
            .filter(|step| (1..100_000).contains(step))
    });
    let mut steps: Vec<u64> = steps.collect();
    steps.sort_unstable();
    steps.dedup();
    steps
}

/// Dollars for one token, exactly as they are written.
fn dollars(entry: &Map<String, Value>, key: &str) -> Option<Money> {
    // The shortest decimal that reads as this number is the one that was written.
    entry.get(key)?.as_f64()?.to_string().parse().ok()
}

fn whole(number: f64) -> Option<u64> {
    number.to_string().parse().ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(models: &Value) -> Result<ModelTable, TableError> {
        read_litellm(&models.to_string(), "2026-11-21")
    }

    #[test]
    fn models_of_known_providers_are_taken_with_all_their_prices() {
        let table = read(&json!({
            "sample_spec": { "litellm_provider": "one of …", "mode": "one of: chat" },
            "gpt-x": {
                "litellm_provider": "openai", "mode": "chat",
                "input_cost_per_token": 1.25e-6, "output_cost_per_token": 1e-5,
                "cache_read_input_token_cost": 5e-9, "max_input_tokens": 272_000,
                "max_output_tokens": 128_000.0, "prompt_cache_min_tokens": 1024,
                "input_cost_per_token_above_272k_tokens": 2.5e-6,
                "input_cost_per_token_above_272k_tokens_batches": 1e-6,
            },
            "gemini/g": {
                "litellm_provider": "gemini", "mode": "chat",
                "input_cost_per_token": 1e-7, "output_cost_per_token": 4e-7,
            },
            "azure/gpt-x": {
                "litellm_provider": "azure", "mode": "chat",
                "input_cost_per_token": 1e-7, "output_cost_per_token": 4e-7,
            },
            "embed": { "litellm_provider": "openai", "mode": "embedding", "input_cost_per_token": 1e-7 },
            "free": {
                "litellm_provider": "gemini", "mode": "chat",
                "input_cost_per_token": 0, "output_cost_per_token": 0,
            },
            "half": { "litellm_provider": "openai", "mode": "chat", "input_cost_per_token": 1e-7 },
            "evil\"\n": {
                "litellm_provider": "openai", "mode": "chat",
                "input_cost_per_token": 1e-7, "output_cost_per_token": 4e-7,
            },
        }))
        .unwrap();
        insta::assert_snapshot!(table.to_toml(), @r#"
        # Dollars for a million tokens. What a line does not say is not known.
        date = "2026-11-21"
        source = "LiteLLM's table of prices"

        [prices."gemini:g"]
        input = 0.1
        output = 0.4

        [prices."openai:gpt-x"]
        input = 1.25
        output = 10
        cached = 0.005
        context = 272000
        max_output = 128000
        cache_from = 1024
        long = { above = 272000, input = 2.5, output = 10, cached = 0.005 }
        "#);
        assert_eq!(ModelTable::read(&table.to_toml()), Ok(table));
    }

    #[test]
    fn prices_that_cannot_be_told_whole_are_left_out() {
        let priced = |key: &str, rate: f64| {
            json!({
                "m": {
                    "litellm_provider": "openai", "mode": "chat",
                    "input_cost_per_token": 1e-7, "output_cost_per_token": 4e-7, key: rate,
                    "input_cost_per_token_above_100k_tokens": 2e-7,
                },
            })
        };
        for (key, rate) in [
            ("output_cost_per_reasoning_token", 9e-7),
            ("output_cost_per_token_above_200k_tokens", 1e-6),
        ] {
            assert_eq!(read(&priced(key, rate)), Err(TableError::Empty), "{key}");
        }
    }

    #[test]
    fn anything_else_is_no_table_of_theirs() {
        for text in ["", "[]", "{}", "{\"a\": {}}", "{\"a\": 1}", "date = \"2026-01-31\""] {
            assert_eq!(read_litellm(text, "2026-11-21"), Err(TableError::Foreign), "{text}");
        }
    }
}
