//! The two config files as people write them.

use std::path::{Path, PathBuf};

use indexmap::IndexMap;
use orchestrate_core::{
    budget::{Limits, wall_ms},
    diagnostic::{Diagnostic, Source},
    money::{Money, MoneyError},
};
use orchestrate_provider::{
    command::Output,
    dialects::{Effort, TokenLimitParameter},
    http::StructuredOutput,
    models::Row,
    presets::PRESETS,
};
use secrecy::SecretString;
use serde::Deserialize;

use super::chain::Spelled;
use crate::library::{ReadError, read_text, read_text_within};

/// A config file larger than this is refused.
const MAX_BYTES: u64 = 1024 * 1024;

/// `config.toml` in the user's config folder.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UserFile {
    /// Aliases; `default` is the model of steps that name none.
    #[serde(default)]
    pub(super) models: IndexMap<String, Spelled>,
    /// Endpoints and keys by provider name.
    #[serde(default)]
    pub(super) providers: IndexMap<String, ProviderTable>,
    /// Prices by `provider:model`, before those of any table.
    #[serde(default)]
    pub(super) prices: IndexMap<String, Row>,
    /// Commands that decide gates, by the gate's id.
    #[serde(default)]
    pub(super) gates: IndexMap<String, GateTable>,
    /// Defaults and caps.
    #[serde(default)]
    pub(super) defaults: DefaultsTable,
}

/// `orchestrate.toml` in a workspace.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ProjectFile {
    #[serde(default)]
    pub(super) models: IndexMap<String, Spelled>,
    #[serde(default)]
    pub(super) defaults: DefaultsTable,
}

/// `[providers.NAME]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ProviderTable {
    pub(super) kind: Option<ProviderKind>,
    pub(super) base_url: Option<String>,
    pub(super) api_key: Option<SecretString>,
    pub(super) api_key_env: Option<String>,
    pub(super) api_version: Option<String>,
    pub(super) organization: Option<String>,
    pub(super) project: Option<String>,
    pub(super) token_limit: Option<TokenLimitParameter>,
    pub(super) effort: Option<Effort>,
    pub(super) seed: Option<u64>,
    pub(super) max_output_tokens: Option<u32>,
    pub(super) prompt_cache: Option<bool>,
    pub(super) context: Option<u32>,
    pub(super) ca_file: Option<PathBuf>,
    pub(super) structured_output: Option<StructuredOutput>,
    #[serde(default)]
    pub(super) headers: IndexMap<String, SecretString>,
    pub(super) command: Option<Vec<String>>,
    pub(super) preset: Option<String>,
    pub(super) output: Option<Output>,
}

/// What a provider is: the name of a known one, or `command`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ProviderKind(pub(super) &'static str);

/// The kind of programs on the user's machine.
pub(super) const COMMAND: &str = "command";

impl<'de> Deserialize<'de> for ProviderKind {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let given = String::deserialize(deserializer)?;
        let mut known = PRESETS.iter().map(|row| row.name).chain([COMMAND]);
        known.clone().find(|name| *name == given).map(Self).ok_or_else(|| {
            let first = known.next().unwrap_or_default();
            let all = known.fold(first.to_owned(), |all, name| all + ", " + name);
            serde::de::Error::custom(format!("unknown kind, expected one of {all}"))
        })
    }
}

/// `[gates.ID]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct GateTable {
    pub(super) command: Vec<String>,
    /// In seconds.
    pub(super) timeout: Option<u64>,
}

/// `[defaults]`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DefaultsTable {
    pub(super) concurrency: Option<u32>,
    pub(super) max_calls: Option<u64>,
    pub(super) max_tokens: Option<u64>,
    budget: Option<BudgetTable>,
}

/// `budget` of `[defaults]`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct BudgetTable {
    usd: Option<Dollars>,
    tokens: Option<u64>,
    calls: Option<u64>,
    wall: Option<Wall>,
}

/// An amount of US dollars.
#[derive(Debug, Clone, Copy)]
struct Dollars(Money);

impl<'de> Deserialize<'de> for Dollars {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // The shortest decimal that reads as this number is the one that was written.
        let given = f64::deserialize(deserializer)?;
        let amount = given.to_string().parse().map(Self);
        amount.map_err(|error: MoneyError| serde::de::Error::custom(error.to_string()))
    }
}

/// A length of time, in milliseconds.
#[derive(Debug, Clone, Copy)]
struct Wall(u64);

impl<'de> Deserialize<'de> for Wall {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let given = String::deserialize(deserializer)?;
        wall_ms(&given).map(Self).ok_or_else(|| {
            serde::de::Error::custom("no length of time, expected one such as `90s`, `30m` or `2h`")
        })
    }
}

impl DefaultsTable {
    /// The caps it sets; of two for the same the lower one.
    pub(super) fn limits(&self) -> Limits {
        let own =
            Limits { max_calls: self.max_calls, max_tokens: self.max_tokens, ..Limits::default() };
        let budget = self.budget.clone().unwrap_or_default();
        own.stricter(Limits {
            max_calls: budget.calls,
            max_tokens: budget.tokens,
            max_cost: budget.usd.map(|dollars| dollars.0),
            max_wall_ms: budget.wall.map(|wall| wall.0),
            allow_unpriced: false,
        })
    }
}

/// A config file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error(transparent)]
    File(#[from] ReadError),
    /// Its content is wrong.
    #[error("the configuration cannot be used")]
    Content(Vec<Diagnostic>),
}

/// Reads the user's config; a missing file is an empty one.
///
/// What is wrong with it is told without its text and without values: any of them may be a key.
pub(super) fn read_user(path: &Path) -> Result<UserFile, ConfigError> {
    let Some(text) = existing(read_text(path, MAX_BYTES))? else { return Ok(UserFile::default()) };
    toml::from_str(&text).map_err(|error| {
        let source = Source::new(path.display().to_string(), text.as_str());
        let (line, column) = source.position(error.span().map_or(0, |span| span.start));
        let message = without_values(error.message());
        let message = format!("{}:{line}:{column}: {message}", source.name);
        ConfigError::Content(vec![
            Diagnostic::error("config-invalid", message)
                .help("the line is not shown here, since it may hold a key"),
        ])
    })
}

/// Reads a project's config; a missing file is an empty one.
pub(super) fn read_project(workspace: &Path) -> Result<ProjectFile, ConfigError> {
    let path = workspace.join("orchestrate.toml");
    let Some(text) = existing(read_text_within(workspace, &path, MAX_BYTES))? else {
        return Ok(ProjectFile::default());
    };
    let source = Source::new(path.display().to_string(), text);
    for (table, message) in [
        ("providers", "a project cannot name endpoints or keys"),
        ("prices", "a project cannot name prices"),
        ("gates", "a project cannot name commands"),
    ] {
        let Some(span) = table_of(&source.text, table) else { continue };
        let diagnostic = Diagnostic::error("config-not-allowed", message)
            .at(&source, span, "")
            .help("put it into your own config, `orchestrate/config.toml` in your config folder");
        return Err(ConfigError::Content(vec![diagnostic]));
    }
    toml::from_str(&source.text).map_err(|error| {
        let span = error.span().unwrap_or(0..0);
        let message = error.message().lines().next().unwrap_or("cannot be read").to_owned();
        let diagnostic = Diagnostic::error("config-invalid", message).at(&source, span, "");
        ConfigError::Content(vec![diagnostic])
    })
}

/// The text of a file, `None` where there is no such file.
fn existing(read: Result<String, ReadError>) -> Result<Option<String>, ReadError> {
    match read {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.is_missing() => Ok(None),
        Err(error) => Err(error),
    }
}

/// Where a project's config has a table that only the user's may have. The commonest thing somebody would
/// try deserves its own words.
fn table_of(text: &str, name: &str) -> Option<std::ops::Range<usize>> {
    let mut offset = 0;
    for line in text.split_inclusive('\n') {
        if line.trim_start().strip_prefix('[').is_some_and(|rest| rest.starts_with(name)) {
            let start = offset + line.len() - line.trim_start().len();
            return Some(start..offset + line.trim_end().len());
        }
        offset += line.len();
    }
    None
}

/// A parser's message less everything it quotes from the file.
///
/// What was expected comes from this program; what was seen is cut before the first thing in quotes.
fn without_values(message: &str) -> String {
    let message = message.lines().next().unwrap_or_default();
    let (seen, expected) = match message.rsplit_once(", expected ") {
        Some((seen, expected)) => (seen, format!(", expected {expected}")),
        None => (message, String::new()),
    };
    let kind = seen.split(['`', '"', '\'']).next().unwrap_or_default().trim_end();
    format!("{kind}{expected}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parsers_message_keeps_what_was_expected_and_no_value() {
        for (message, told) in [
            ("unclosed table, expected `]`", "unclosed table, expected `]`"),
            ("unknown field `sk-1`, expected `a` or `b`", "unknown field, expected `a` or `b`"),
            (
                "invalid type: string \"x, expected `sk-1`\", expected a map",
                "invalid type: string, expected a map",
            ),
            ("duplicate key `sk-1`", "duplicate key"),
            ("duplicate key\nsk-1", "duplicate key"),
        ] {
            assert_eq!(without_values(message), told);
        }
    }
}
