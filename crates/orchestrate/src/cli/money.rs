//! Arguments that are about money: caps, prices, and what runs cost.

use std::{path::PathBuf, str::FromStr};

use clap::{Args, Subcommand, ValueEnum};
use clap_complete::engine::ArgValueCompleter;
use orchestrate_core::{
    budget::{Limits, wall_ms},
    money::Money,
};

use super::ListFormat;
use crate::commands::completions;

/// One cap of `--budget`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BudgetCap(pub(crate) Limits);

impl FromStr for BudgetCap {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let form = "one of usd=5, tokens=400000, calls=40, wall=30m";
        let (name, value) = text.split_once('=').ok_or_else(|| format!("a cap is {form}"))?;
        let whole = || match value.trim().parse::<u64>() {
            Ok(number) if number > 0 => Ok(Some(number)),
            _ => Err(format!("`{value}` is no whole number from 1")),
        };
        let none = Limits::default();
        let limits = match name.trim() {
            "usd" => match value.parse::<Money>() {
                Ok(Money::ZERO) => return Err("a cap on cost is more than nothing".to_owned()),
                Ok(amount) => Limits { max_cost: Some(amount), ..none },
                Err(error) => return Err(error.to_string()),
            },
            "tokens" => Limits { max_tokens: whole()?, ..none },
            "calls" => Limits { max_calls: whole()?, ..none },
            "wall" => match wall_ms(value) {
                Some(millis) => Limits { max_wall_ms: Some(millis), ..none },
                None => {
                    return Err(format!(
                        "`{value}` is no time from 1s to 30d, such as 90s, 30m or 2h"
                    ));
                }
            },
            other => return Err(format!("there is no cap `{other}`; a cap is {form}")),
        };
        Ok(Self(limits))
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum ModelsCommand {
    /// List the models that your aliases name and what is known of each
    List {
        /// What standard output holds
        #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
        format: ListFormat,
    },
    /// Show prices in US dollars for a million tokens, and where each comes from
    Prices(PricesArguments),
}

#[derive(Debug, Args)]
pub(crate) struct PricesArguments {
    /// Show only models whose name, provider:model, has this in it
    #[arg(value_name = "TEXT")]
    pub(crate) filter: Option<String>,
    #[expect(clippy::doc_markdown, reason = "a help text, in which a name is a name")]
    /// Take in a table from this file, LiteLLM's model_prices_and_context_window.json or one like
    /// prices.toml in your config folder, where it is kept. Nothing is fetched
    #[arg(long, value_name = "FILE", conflicts_with = "filter")]
    pub(crate) update: Option<PathBuf>,
    /// What standard output holds
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(crate) format: ListFormat,
}

#[derive(Debug, Args)]
pub(crate) struct CostArguments {
    /// Ids of runs, or four or more characters of each [default: all runs]
    #[arg(value_name = "RUN", add = ArgValueCompleter::new(completions::runs))]
    pub(crate) runs: Vec<String>,
    /// Count what was charged on or after this day, in UTC, such as 2026-11-21
    #[arg(long, value_name = "DATE")]
    pub(crate) since: Option<String>,
    /// What to add up by
    #[arg(long, value_enum, default_value_t, value_name = "WHAT")]
    pub(crate) by: CostBy,
    /// What standard output holds
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(crate) format: CostFormat,
}

/// What costs are added up by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum CostBy {
    /// By persona, by model and by day
    #[default]
    All,
    /// By the persona that was asked
    Persona,
    /// By the model that was asked
    Model,
    /// By the day, in UTC
    Day,
    /// By run
    Run,
}

/// What the output of a list of costs is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum CostFormat {
    /// For people
    #[default]
    Text,
    /// One JSON document
    Json,
    /// Comma-separated values, a line for each sum
    Csv,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn caps_are_read_one_by_one_and_wrong_ones_told() {
        let read = |text: &str| text.parse::<BudgetCap>().map(|cap| cap.0);
        let none = Limits::default();
        let half = Some("0.5".parse().unwrap());
        assert_eq!(read("usd=0.5"), Ok(Limits { max_cost: half, ..none }));
        assert_eq!(read("wall=2h"), Ok(Limits { max_wall_ms: Some(7_200_000), ..none }));
        assert_eq!(read("calls=3"), Ok(Limits { max_calls: Some(3), ..none }));
        assert_eq!(read("tokens=9"), Ok(Limits { max_tokens: Some(9), ..none }));
        for text in
            ["", "5", "usd", "usd=", "usd=0", "usd=-1", "eur=5", "calls=0", "wall=30", "wall=31d"]
        {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
