//! The form in which prices are written: TOML, dollars for a million tokens.

use std::fmt::{self, Write as _};

use orchestrate_core::{
    money::Money,
    price::{LongPrompt, Price, Rates},
};
use serde::{Deserialize, Deserializer, de};

use super::ModelFacts;

/// Prices are told for so many tokens.
const TOKENS: u64 = 1_000_000;

/// Prices that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    /// The text is not of the form.
    #[error("line {line}: {message}")]
    Form {
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        message: String,
    },
    /// A row does not fit together.
    #[error("prices of `{name}`: {message}")]
    Row {
        /// The model.
        name: String,
        /// What is wrong.
        message: &'static str,
    },
    /// The text is no list of models.
    #[error("neither a list of prices of this program nor one of LiteLLM")]
    Foreign,
    /// Nothing of it is of use here.
    #[error("it holds no price of a provider that is known here")]
    Empty,
}

/// What somebody says of one model.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    input: Option<Rate>,
    output: Option<Rate>,
    cached: Option<Rate>,
    cache_write: Option<Rate>,
    long: Option<LongRow>,
    context: Option<u64>,
    max_output: Option<u64>,
    cache_from: Option<u64>,
    like: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct LongRow {
    above: u64,
    input: Rate,
    output: Rate,
    cached: Option<Rate>,
    cache_write: Option<Rate>,
}

/// What one token costs, written as dollars for a million.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Rate(Money);

impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Rate;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("US dollars for a million tokens, such as 0.25")
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Rate, E> {
                rate(&number.to_string())
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Rate, E> {
                rate(&number.to_string())
            }

            // The shortest decimal that reads as this number is the one that was written.
            fn visit_f64<E: de::Error>(self, number: f64) -> Result<Rate, E> {
                rate(&number.to_string())
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

/// The rate of one token, never rounded down.
fn rate<E: de::Error>(dollars: &str) -> Result<Rate, E> {
    let million: Money = dollars.parse().map_err(|error| de::Error::custom(format!("{error}")))?;
    Ok(Rate(Money::from_picodollars(million.picodollars().div_ceil(TOKENS))))
}

impl Row {
    /// What it says. `Err` where its figures do not fit together.
    pub fn facts(&self) -> Result<ModelFacts, &'static str> {
        let money = |rate: Option<Rate>| rate.map(|rate| rate.0);
        let price = match (self.input, self.output) {
            (Some(input), Some(output)) => Some(Price {
                rates: Rates {
                    input: input.0,
                    output: output.0,
                    cached: money(self.cached),
                    cache_write: money(self.cache_write),
                },
                long: self.long.as_ref().map(|long| LongPrompt {
                    above: long.above,
                    rates: Rates {
                        input: long.input.0,
                        output: long.output.0,
                        cached: money(long.cached),
                        cache_write: money(long.cache_write),
                    },
                }),
            }),
            (None, None) => {
                if self.cached.is_some() || self.cache_write.is_some() || self.long.is_some() {
                    return Err("a price has `input` and `output`");
                }
                None
            }
            (Some(_), None) => return Err("`output` is missing"),
            (None, Some(_)) => return Err("`input` is missing"),
        };
        let facts = ModelFacts {
            price,
            context: self.context,
            max_output: self.max_output,
            cache_from: self.cache_from,
        };
        if facts == ModelFacts::default() && self.like.is_none() {
            return Err("it says nothing: give `input` and `output`, or `like`");
        }
        Ok(facts)
    }

    /// The model that costs the same, `provider:model`, where it names one.
    pub fn like(&self) -> Option<&str> {
        self.like.as_deref()
    }
}

/// A whole file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub(super) date: String,
    pub(super) source: String,
    #[serde(default)]
    pub(super) prices: indexmap::IndexMap<String, Row>,
}

/// Reads a whole file.
pub(super) fn read(text: &str) -> Result<File, TableError> {
    toml::from_str(text).map_err(|error| {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let message = error.message().lines().next().unwrap_or("cannot be read").to_owned();
        TableError::Form { line, message }
    })
}

/// A row in the form in which it is read.
pub(super) fn write(text: &mut String, name: &str, facts: &ModelFacts) {
    let dollars = |rate: Money| rate.times(TOKENS).exact();
    let rates = |rates: &Rates| {
        let all = [
            ("input", Some(rates.input)),
            ("output", Some(rates.output)),
            ("cached", rates.cached),
            ("cache_write", rates.cache_write),
        ];
        let known = all.into_iter().filter_map(|(key, rate)| rate.map(|rate| (key, rate)));
        known.map(|(key, rate)| format!("{key} = {}", dollars(rate))).collect::<Vec<_>>()
    };
    let mut lines = facts.price.as_ref().map(|price| rates(&price.rates)).unwrap_or_default();
    let sizes = [
        ("context", facts.context),
        ("max_output", facts.max_output),
        ("cache_from", facts.cache_from),
    ];
    lines.extend(sizes.iter().filter_map(|(key, size)| size.map(|size| format!("{key} = {size}"))));
    if let Some(long) = facts.price.and_then(|price| price.long) {
        let above = format!("above = {}", long.above);
        let all: Vec<String> = [above].into_iter().chain(rates(&long.rates)).collect();
        lines.push(format!("long = {{ {} }}", all.join(", ")));
    }
    // Writing to a String cannot fail.
    let _ = writeln!(text, "[prices.\"{name}\"]\n{}\n", lines.join("\n"));
}
