//! The two config files as people write them.

use std::{
    io,
    path::{Path, PathBuf},
};

use indexmap::IndexMap;
use orchestrate_core::diagnostic::{Diagnostic, Source};
use secrecy::SecretString;
use serde::Deserialize;

/// A config file larger than this is refused.
const MAX_BYTES: u64 = 1024 * 1024;

/// `config.toml` in the user's config folder.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserFile {
    /// Aliases; `default` is the model of steps that name none.
    #[serde(default)]
    pub(super) models: IndexMap<String, String>,
    /// Endpoints and keys by provider name.
    #[serde(default)]
    pub(super) providers: IndexMap<String, ProviderTable>,
    /// Defaults and caps.
    #[serde(default)]
    pub(super) defaults: DefaultsTable,
}

/// `orchestrate.toml` in a workspace.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ProjectFile {
    #[serde(default)]
    pub(super) models: IndexMap<String, String>,
    #[serde(default)]
    pub(super) defaults: DefaultsTable,
}

/// `[providers.NAME]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ProviderTable {
    #[serde(default)]
    pub(super) kind: ProviderKind,
    pub(super) base_url: Option<String>,
    pub(super) api_key: Option<SecretString>,
    pub(super) api_key_env: Option<String>,
    pub(super) organization: Option<String>,
    pub(super) project: Option<String>,
    #[serde(default)]
    pub(super) token_limit: super::TokenLimit,
}

/// The protocol that a provider speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum ProviderKind {
    /// OpenAI Chat Completions and everything compatible.
    #[default]
    Openai,
}

/// `[defaults]`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DefaultsTable {
    pub(super) concurrency: Option<u32>,
    pub(super) max_calls: Option<u64>,
    pub(super) max_tokens: Option<u64>,
}

/// A config file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("reading `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The file is larger than anybody would write.
    #[error("`{}` is larger than 1 MiB", .0.display())]
    TooLarge(PathBuf),
    /// Its content is wrong.
    #[error("the configuration cannot be used")]
    Content(Vec<Diagnostic>),
}

/// Reads the user's config; a missing file is an empty one.
pub(super) fn read_user(
    path: &Path,
) -> Result<(UserFile, Option<std::sync::Arc<Source>>), ConfigError> {
    read(path, |_| None)
}

/// Reads a project's config; a missing file is an empty one.
pub(super) fn read_project(
    path: &Path,
) -> Result<(ProjectFile, Option<std::sync::Arc<Source>>), ConfigError> {
    read(path, |text| {
        // The commonest thing somebody would try deserves its own words.
        let mut offset = 0;
        for line in text.split_inclusive('\n') {
            if line.trim_start().starts_with("[providers") {
                let start = offset + line.len() - line.trim_start().len();
                return Some((
                    start..offset + line.trim_end().len(),
                    "a project cannot name endpoints or keys",
                ));
            }
            offset += line.len();
        }
        None
    })
}

type Forbidden = fn(&str) -> Option<(std::ops::Range<usize>, &'static str)>;

fn read<T: Default + serde::de::DeserializeOwned>(
    path: &Path,
    forbidden: Forbidden,
) -> Result<(T, Option<std::sync::Arc<Source>>), ConfigError> {
    let failed = |source| ConfigError::Read { path: path.to_owned(), source };
    match std::fs::metadata(path) {
        Ok(found) if found.len() > MAX_BYTES => return Err(ConfigError::TooLarge(path.to_owned())),
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((T::default(), None)),
        Err(error) => return Err(failed(error)),
    }
    let text = std::fs::read_to_string(path).map_err(failed)?;
    let source = Source::new(path.display().to_string(), text);
    if let Some((span, message)) = forbidden(&source.text) {
        let diagnostic = Diagnostic::error("config-not-allowed", message)
            .at(&source, span, "")
            .help("put it into your own config, `orchestrate/config.toml` in your config folder");
        return Err(ConfigError::Content(vec![diagnostic]));
    }
    match toml::from_str(&source.text) {
        Ok(file) => Ok((file, Some(source))),
        Err(error) => {
            let span = error.span().unwrap_or(0..0);
            let mut lines = error.message().lines();
            let message = lines.next().unwrap_or("cannot be read").to_owned();
            Err(ConfigError::Content(vec![
                Diagnostic::error("config-invalid", message).at(&source, span, ""),
            ]))
        }
    }
}
