//! How one provider is reached: what the known row, the user's config and the environment say together,
//! and where each value came from.
//!
//! A key is bound to the address that it was given with: one from the environment goes to the address that
//! stands beside it there, or to its vendor; one from the user's config to the address of its own table.

use std::{fmt, path::PathBuf};

use orchestrate_provider::{
    command::{self, Output},
    dialects::{AnthropicVersion, Dialect, Effort},
    http::{KeyHeader, StructuredOutput},
    presets::{KeyVariable, Preset, Protocol, preset},
};
use secrecy::SecretString;

use super::{
    Environment,
    file::{COMMAND, ProviderKind, ProviderTable},
};

/// The row for servers that no other row is for.
const COMPATIBLE: &str = "openai";

/// How one provider is reached.
#[derive(Debug, Clone)]
pub enum ProviderSettings {
    /// A server.
    Http(Box<HttpSettings>),
    /// A program on the user's machine.
    Command(CommandSettings),
}

/// How a server is reached.
#[derive(Debug, Clone)]
pub struct HttpSettings {
    /// The row that says what the server is.
    pub preset: &'static Preset,
    /// What it speaks.
    pub dialect: Dialect,
    /// Its address, and who named it; `None` where everybody has one of their own and none is set.
    pub address: Option<(String, Source)>,
    /// The key that is bound to that address.
    pub api_key: Option<SecretString>,
    /// Where the key came from, or would come from.
    pub key_source: Source,
    /// The header that the key stands in.
    pub key_header: KeyHeader,
    /// Further headers.
    pub headers: Vec<(String, SecretString)>,
    /// How hard the model shall think.
    pub effort: Option<Effort>,
    /// The seed of every request.
    pub seed: Option<u64>,
    /// How an answer under a JSON Schema is asked for.
    pub structured_output: StructuredOutput,
    /// A file of certificates to trust beside the system's.
    pub ca_file: Option<PathBuf>,
}

/// A program that answers prompts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandSettings {
    /// The program and its arguments.
    pub command: Vec<String>,
    /// What it prints.
    pub output: Output,
    /// Where the program is described, where it is a known one.
    pub page: Option<&'static str>,
}

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// The table of known providers.
    BuiltIn,
    /// An environment variable.
    Variable(String),
    /// A key of the user's config.
    File(String),
    /// Nowhere.
    Nowhere,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BuiltIn => f.write_str("the built-in address"),
            Self::Variable(name) => write!(f, "the environment variable `{name}`"),
            Self::File(place) => write!(f, "{place} in your config"),
            Self::Nowhere => f.write_str("nowhere"),
        }
    }
}

impl HttpSettings {
    /// Whether the server is known to answer nobody without a key, and there is none.
    pub fn lacks_key(&self) -> bool {
        self.api_key.is_none()
            && self.preset.needs_key
            && (self.goes_to_vendor() || self.preset.base_url.is_none())
    }

    /// Whether calls go to the vendor's own address.
    pub fn goes_to_vendor(&self) -> bool {
        let own = self.preset.base_url;
        matches!(&self.address, Some((url, _)) if own.is_some_and(|own| own == url.trim_end_matches('/')))
    }

    /// What to do about a missing key.
    pub fn key_advice(&self) -> String {
        format!("set {}; keys are made at {}", self.key_source, self.preset.page)
    }
}

/// What the table of a provider and the environment come to; an error is a message for the config's
/// reader and holds no value.
pub(super) fn settings(
    name: &str,
    table: Option<&ProviderTable>,
    environment: &Environment,
) -> Result<ProviderSettings, String> {
    let empty = ProviderTable::default();
    let given = table.unwrap_or(&empty);
    if given.kind == Some(ProviderKind(COMMAND)) {
        return command_settings(given).map(ProviderSettings::Command);
    }
    if given.command.is_some() || given.preset.is_some() || given.output.is_some() {
        return Err("`command`, `preset` and `output` need `kind = \"command\"`".into());
    }
    if given.api_key.is_some() && given.api_key_env.is_some() {
        return Err("give `api_key` or `api_key_env`, not both".into());
    }
    let row = match (&given.kind, preset(name)) {
        (Some(kind), _) => preset(kind.0).ok_or("`kind` is not known")?,
        (None, Some(row)) => row,
        (None, None) if given.base_url.is_none() => return Err("`base_url` is missing".into()),
        (None, None) => preset(COMPATIBLE).ok_or("`kind` is missing")?,
    };
    // The variables of official clients are meant for the provider of that name.
    let own = row.name == name;
    let address = address(name, row, own, given, environment);
    let key = key(name, row, address.as_ref().map(|(_, source)| source), given, environment);
    let dialect = dialect(row, own, given, environment)?;
    let address = address.map(|(url, source)| (adapted(row, &dialect, url), source));
    Ok(ProviderSettings::Http(Box::new(HttpSettings {
        headers: headers(row, own, address.as_ref().map(|(_, source)| source), given, environment)?,
        preset: row,
        dialect,
        address,
        api_key: key.value,
        key_source: key.source,
        key_header: match (row.protocol, key.is_token) {
            (_, true) => KeyHeader::Bearer,
            (Protocol::Azure, false) => KeyHeader::Named("api-key"),
            (_, false) => KeyHeader::Native,
        },
        effort: given.effort,
        seed: given.seed,
        structured_output: given.structured_output.unwrap_or_default(),
        ca_file: given.ca_file.clone(),
    })))
}

fn address(
    name: &str,
    row: &Preset,
    own: bool,
    given: &ProviderTable,
    environment: &Environment,
) -> Option<(String, Source)> {
    let variable = row.address_variable.filter(|_| own);
    if let Some((variable, url)) = variable.and_then(|v| Some((v, environment.get(v)?))) {
        return Some((url.to_owned(), Source::Variable(variable.into())));
    }
    if let Some(url) = &given.base_url {
        return Some((url.clone(), Source::File(format!("`base_url` below `[providers.{name}]`"))));
    }
    row.base_url.map(|url| (url.to_owned(), Source::BuiltIn))
}

struct Key {
    value: Option<SecretString>,
    source: Source,
    is_token: bool,
}

fn key(
    name: &str,
    row: &Preset,
    address: Option<&Source>,
    given: &ProviderTable,
    environment: &Environment,
) -> Key {
    let place = |key: &str| Source::File(format!("`{key}` below `[providers.{name}]`"));
    let in_file =
        |source: Source, value: Option<SecretString>| Key { value, source, is_token: false };
    let beside_variable = matches!(address, Some(Source::Variable(_)));
    if !beside_variable {
        if let Some(key) = &given.api_key {
            return in_file(place("api_key"), Some(key.clone()));
        }
        if let Some(variable) = &given.api_key_env {
            let value = environment.get(variable).map(SecretString::from);
            return in_file(Source::Variable(variable.clone()), value);
        }
        // The address came from the file, a key from the environment: they were not given together.
        if matches!(address, Some(Source::File(_))) {
            return in_file(place("api_key_env"), None);
        }
    }
    // Ollama's variable holds a key of its cloud, which nobody on this machine needs.
    let away = row.protocol != Protocol::Ollama || beside_variable;
    let set = |variable: &&KeyVariable| environment.get(variable.name).is_some();
    if let Some(variable) = row.keys.iter().filter(|_| away).find(set) {
        return Key {
            value: environment.get(variable.name).map(SecretString::from),
            source: Source::Variable(variable.name.into()),
            is_token: variable.is_token,
        };
    }
    // Of several variables the one that holds a key, as people have one.
    let usual = row.keys.iter().rev().find(|variable| !variable.is_token);
    let source = match usual.filter(|_| away) {
        Some(variable) => Source::Variable(variable.name.into()),
        None => place("api_key_env"),
    };
    in_file(source, None)
}

/// The dialect with what the table and the environment say about it. A key that means nothing for it is
/// an error.
fn dialect(
    row: &Preset,
    own: bool,
    given: &ProviderTable,
    environment: &Environment,
) -> Result<Dialect, String> {
    let variable = match row.protocol {
        Protocol::Gemini => Some("GOOGLE_GENAI_API_VERSION"),
        Protocol::Azure => Some("OPENAI_API_VERSION"),
        _ => None,
    };
    let from_variable = variable.filter(|_| own).and_then(|variable| environment.get(variable));
    let version = given.api_version.as_deref().or(from_variable);
    let foreign = |what: &str| Err(format!("`{what}` means nothing for {}", row.title));
    let chat = matches!(row.protocol, Protocol::ChatCompletions | Protocol::Azure);
    let anthropic = row.protocol == Protocol::Anthropic;
    if !chat && given.token_limit.is_some() {
        return foreign("token_limit");
    }
    if !anthropic && given.max_output_tokens.is_some() {
        return foreign("max_output_tokens");
    }
    if !anthropic && given.prompt_cache.is_some() {
        return foreign("prompt_cache");
    }
    if row.protocol != Protocol::Ollama && given.context.is_some() {
        return foreign("context");
    }
    if given.api_version.is_some() && !anthropic && variable.is_none() {
        return foreign("api_version");
    }
    Ok(match row.dialect() {
        Dialect::ChatCompletions(mut quirks) => {
            match version.filter(|_| row.protocol == Protocol::Azure) {
                Some(version) if !matches!(version, "v1" | "preview" | "latest") => {
                    Dialect::AzureDeployments { version: plain(version)? }
                }
                _ => {
                    quirks.token_limit = given.token_limit.unwrap_or(quirks.token_limit);
                    Dialect::ChatCompletions(quirks)
                }
            }
        }
        Dialect::AnthropicMessages { .. } => Dialect::AnthropicMessages {
            version: match version {
                None => AnthropicVersion::Newest,
                Some("2023-06-01") => AnthropicVersion::V2023,
                Some("2026-10-21") => AnthropicVersion::V2026,
                Some(_) => return Err("`api_version` is neither 2023-06-01 nor 2026-10-21".into()),
            },
            cache: given.prompt_cache.unwrap_or(true),
            max_tokens: given.max_output_tokens,
        },
        Dialect::Gemini { version: usual } => Dialect::Gemini {
            version: match version {
                None => usual,
                Some("beta") => "v1beta".into(),
                Some(version) => plain(version)?,
            },
        },
        Dialect::Ollama { .. } => Dialect::Ollama { context: given.context },
        other => other,
    })
}

/// A version as it stands in an address.
fn plain(version: &str) -> Result<String, String> {
    let sound = !version.is_empty()
        && version.len() <= 40
        && version.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.'))
        && !version.contains("..");
    if sound { Ok(version.to_owned()) } else { Err("`api_version` is no version".into()) }
}

/// The address in the form that the dialect begins with.
fn adapted(row: &Preset, dialect: &Dialect, url: String) -> String {
    match row.protocol {
        Protocol::Ollama => ollama_host(&url),
        Protocol::Azure if matches!(dialect, Dialect::ChatCompletions(_)) => {
            let url = url.trim().trim_end_matches('/');
            if url.ends_with("/openai/v1") { url.to_owned() } else { format!("{url}/openai/v1") }
        }
        _ => url,
    }
}

/// `OLLAMA_HOST` in all its forms: with or without scheme, host, port and path.
fn ollama_host(text: &str) -> String {
    let text = text.trim();
    let (scheme, rest, usual_port) = match text.split_once("://") {
        Some(("http", rest)) => ("http", rest, ""),
        Some((scheme, rest)) => (scheme, rest, ""),
        None => ("http", text, ":11434"),
    };
    let (host, path) = rest.split_once('/').map_or((rest, ""), |(host, path)| (host, path));
    let has_port = host.rsplit_once(':').is_some_and(|(before, port)| {
        !port.is_empty()
            && port.bytes().all(|byte| byte.is_ascii_digit())
            && (!before.contains(':') || before.ends_with(']'))
    });
    let (name, port) = match host.rsplit_once(':').filter(|_| has_port) {
        Some((name, port)) => (name, format!(":{port}")),
        None => (host, usual_port.to_owned()),
    };
    // What a server listens on is no address to call.
    let name = match name {
        "" | "0.0.0.0" | "[::]" => "127.0.0.1",
        name => name,
    };
    format!("{scheme}://{name}{port}/{path}").trim_end_matches('/').to_owned()
}

/// Further headers: those of the table, and those that the environment asks for beside its address.
fn headers(
    row: &Preset,
    own: bool,
    address: Option<&Source>,
    given: &ProviderTable,
    environment: &Environment,
) -> Result<Vec<(String, SecretString)>, String> {
    let openai = matches!(row.name, "openai" | "openai-responses");
    if !openai && (given.organization.is_some() || given.project.is_some()) {
        return Err(format!("`organization` and `project` mean nothing for {}", row.title));
    }
    let mut headers: Vec<(String, SecretString)> = Vec::new();
    let from_environment = own && !matches!(address, Some(Source::File(_)));
    let variable = |name| environment.get(name).filter(|_| from_environment).map(str::to_owned);
    if openai {
        for (header, value) in [
            (
                "OpenAI-Organization",
                given.organization.clone().or_else(|| variable("OPENAI_ORG_ID")),
            ),
            ("OpenAI-Project", given.project.clone().or_else(|| variable("OPENAI_PROJECT_ID"))),
        ] {
            headers.extend(value.map(|value| (header.to_owned(), SecretString::from(value))));
        }
    }
    let custom = match row.protocol {
        _ if openai => variable("OPENAI_CUSTOM_HEADERS"),
        Protocol::Anthropic => variable("ANTHROPIC_CUSTOM_HEADERS"),
        _ => None,
    };
    for line in custom.iter().flat_map(|lines| lines.lines()) {
        if let Some((name, value)) = line.split_once(':') {
            headers.push((name.trim().to_owned(), SecretString::from(value.trim())));
        }
    }
    headers.extend(given.headers.iter().map(|(name, value)| (name.clone(), value.clone())));
    Ok(headers)
}

fn command_settings(given: &ProviderTable) -> Result<CommandSettings, String> {
    let names = [
        ("base_url", given.base_url.is_some()),
        ("api_key", given.api_key.is_some()),
        ("api_key_env", given.api_key_env.is_some()),
        ("api_version", given.api_version.is_some()),
        ("organization", given.organization.is_some()),
        ("project", given.project.is_some()),
        ("token_limit", given.token_limit.is_some()),
        ("effort", given.effort.is_some()),
        ("seed", given.seed.is_some()),
        ("max_output_tokens", given.max_output_tokens.is_some()),
        ("prompt_cache", given.prompt_cache.is_some()),
        ("context", given.context.is_some()),
        ("structured_output", given.structured_output.is_some()),
        ("ca_file", given.ca_file.is_some()),
        ("headers", !given.headers.is_empty()),
    ];
    if let Some((name, _)) = names.iter().find(|(_, given)| *given) {
        return Err(format!("`{name}` means nothing for a command"));
    }
    let known = given.preset.as_deref().map(|name| {
        command::preset(name).ok_or_else(|| {
            let known: Vec<&str> = command::PRESETS.iter().map(|preset| preset.name).collect();
            format!("`preset` is none of {}", known.join(", "))
        })
    });
    let known = known.transpose()?;
    let command = match (&given.command, known) {
        (Some(command), _) => command.clone(),
        (None, Some(known)) => known.command.iter().map(|word| (*word).to_owned()).collect(),
        (None, None) => return Err("`command` or `preset` is missing".into()),
    };
    Ok(CommandSettings {
        command,
        output: given.output.or(known.map(|known| known.output)).unwrap_or_default(),
        page: known.map(|known| known.page),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ollama_host_is_read_in_every_form() {
        for (text, expected) in [
            ("1.2.3.4", "http://1.2.3.4:11434"),
            (":56789", "http://127.0.0.1:56789"),
            ("host:80/path", "http://host:80/path"),
            ("http://h", "http://h"),
            ("https://ollama.com/", "https://ollama.com"),
            ("0.0.0.0", "http://127.0.0.1:11434"),
            ("0.0.0.0:8080", "http://127.0.0.1:8080"),
            ("[::1]", "http://[::1]:11434"),
            ("[::]:99", "http://127.0.0.1:99"),
            ("http://127.0.0.1:11434", "http://127.0.0.1:11434"),
        ] {
            assert_eq!(ollama_host(text), expected, "{text}");
        }
    }
}
