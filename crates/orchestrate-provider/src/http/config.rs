//! What an endpoint is configured with, checked once.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use reqwest::{
    Certificate, Url,
    header::{HeaderMap, HeaderName, HeaderValue},
};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use crate::{
    dialects::{Dialect, Effort},
    redact::Redactor,
};

/// What a connection to a server needs.
#[derive(Debug, Clone)]
pub struct Config {
    /// The provider's name for people: `openai`, or one of the user's config.
    pub name: String,
    /// What the server speaks.
    pub dialect: Dialect,
    /// An http or https URL without credentials, query and fragment.
    pub base_url: String,
    /// The key, where the server wants one.
    pub api_key: Option<SecretString>,
    /// The header that the key stands in.
    pub key_header: KeyHeader,
    /// Where the key comes or would come from, for help texts: ``the environment variable
    /// `OPENAI_API_KEY` ``.
    pub key_origin: Option<String>,
    /// How an answer under a JSON Schema is asked for.
    pub structured_output: StructuredOutput,
    /// Further headers; their values are kept secret as keys are.
    pub headers: Vec<(String, SecretString)>,
    /// Knows what else must turn up nowhere: keys of other providers, for one.
    pub redactor: Redactor,
    /// How hard the model shall think, where the dialect can say so.
    pub effort: Option<Effort>,
    /// The seed that sampling starts from, where the dialect has one.
    pub seed: Option<u64>,
    /// Certificates to trust beside the system's, in PEM.
    pub extra_ca: Option<Arc<[u8]>>,
    /// Timeouts where the request sets none.
    pub timeouts: DefaultTimeouts,
    /// What a server may send.
    pub limits: Limits,
    /// The clock that `Retry-After` dates are held against.
    pub now: fn() -> SystemTime,
}

impl Config {
    /// A configuration with defaults and without a key.
    pub fn new(name: impl Into<String>, dialect: Dialect, base_url: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            dialect,
            base_url: base_url.into(),
            api_key: None,
            key_header: KeyHeader::default(),
            key_origin: None,
            structured_output: StructuredOutput::default(),
            headers: Vec::new(),
            redactor: Redactor::default(),
            effort: None,
            seed: None,
            extra_ca: None,
            timeouts: DefaultTimeouts::default(),
            limits: Limits::default(),
            now: SystemTime::now,
        }
    }
}

/// The header that a key stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum KeyHeader {
    /// The one that the dialect's vendor asks for.
    #[default]
    Native,
    /// `Authorization: Bearer`.
    Bearer,
    /// The bare key in this header.
    Named(&'static str),
}

/// How an answer under a JSON Schema is asked for. The messages hold the schema in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StructuredOutput {
    /// By the dialect's own parameter too, where it is known here, until the server says that it does not take that.
    #[default]
    Native,
    /// In the messages alone.
    Prompt,
}

/// Timeouts where the request sets none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DefaultTimeouts {
    /// For the connection, name resolution and TLS included.
    pub connect: Duration,
    /// From the start until the first token.
    pub first_token: Duration,
    /// Between two events that carry data; comments do not count.
    pub idle: Duration,
    /// For the whole attempt.
    pub total: Duration,
}

impl Default for DefaultTimeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            first_token: Duration::from_mins(2),
            idle: Duration::from_mins(1),
            total: Duration::from_mins(15),
        }
    }
}

/// What a server may send before it is cut off, in bytes, after decompression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// One line or event of a stream.
    pub event: usize,
    /// Everything in a stream that brings no event, such as the comments that keep it alive.
    pub noise: usize,
    /// The answer's text.
    pub text: usize,
    /// Everything, the protocol's own bytes included: these are many times the text.
    pub wire: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { event: 1 << 20, noise: 4 << 20, text: 16 << 20, wire: 128 << 20 }
    }
}

/// Why a configuration cannot be used. No message holds the URL or the key, since either may hold a
/// secret.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// Not a URL, or not one with a host.
    #[error("the base URL of provider `{0}` is not an http or https URL")]
    NotHttp(String),
    /// User name or password in the URL.
    #[error("the base URL of provider `{0}` holds credentials")]
    Credentials(String),
    /// A query or fragment in the URL.
    #[error("the base URL of provider `{0}` has a query or fragment")]
    Query(String),
    /// Characters that no header may hold.
    #[error("the {what} of provider `{name}` holds characters that cannot be sent")]
    Unsendable {
        /// The provider's name.
        name: String,
        /// `API key`, or a header by name.
        what: String,
    },
    /// The dialect has no such setting.
    #[error("provider `{name}` has no {what}")]
    Unsupported {
        /// The provider's name.
        name: String,
        /// The setting.
        what: &'static str,
    },
    /// Not PEM, or no certificate in it.
    #[error("the certificates for provider `{0}` cannot be read")]
    Certificates(String),
    /// The HTTP client could not be set up.
    #[error("the HTTP client could not be set up")]
    Client(#[source] reqwest::Error),
}

impl ConfigError {
    /// What a person can do about it.
    pub fn help(&self) -> Option<&'static str> {
        match self {
            Self::NotHttp(_) => Some("write it like https://api.example.com/v1"),
            Self::Credentials(_) => Some("give the key by itself, not in the URL"),
            Self::Query(_) => Some("leave off everything from the first `?` or `#`"),
            Self::Unsendable { .. } => {
                Some("look for line breaks and characters beyond ASCII in it")
            }
            Self::Unsupported { .. } => Some("take it out of your config for this provider"),
            Self::Certificates(_) => Some("`ca_file` names a file of PEM certificates"),
            Self::Client(_) => None,
        }
    }
}

/// The base URL, checked and without a slash at its end.
pub(super) fn base_url(config: &Config) -> Result<Url, ConfigError> {
    let name = || config.name.clone();
    let mut url = Url::parse(config.base_url.trim()).map_err(|_| ConfigError::NotHttp(name()))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) {
        return Err(ConfigError::NotHttp(name()));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(ConfigError::Credentials(name()));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(ConfigError::Query(name()));
    }
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(&path);
    Ok(url)
}

/// The key as it is sent: alone, and as a bearer token. Marked sensitive, so that no `Debug` shows it.
#[derive(Debug, Clone)]
pub(super) struct Key {
    pub(super) bare: HeaderValue,
    pub(super) bearer: HeaderValue,
}

impl Key {
    pub(super) fn of(config: &Config) -> Result<Option<Self>, ConfigError> {
        let Some(key) = &config.api_key else { return Ok(None) };
        let key = key.expose_secret().trim();
        let value = |text: &str| secret(text, config, || "API key".into());
        Ok(Some(Self { bare: value(key)?, bearer: value(&format!("Bearer {key}"))? }))
    }
}

/// The further headers of the configuration.
pub(super) fn headers(config: &Config) -> Result<HeaderMap, ConfigError> {
    let mut headers = HeaderMap::new();
    for (name, text) in &config.headers {
        let what = || format!("header `{name}`");
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| {
            ConfigError::Unsendable { name: config.name.clone(), what: "name of a header".into() }
        })?;
        headers.insert(name, secret(text.expose_secret().trim(), config, what)?);
    }
    Ok(headers)
}

fn secret(
    text: &str,
    config: &Config,
    what: impl Fn() -> String,
) -> Result<HeaderValue, ConfigError> {
    let mut value = HeaderValue::from_str(text)
        .map_err(|_| ConfigError::Unsendable { name: config.name.clone(), what: what() })?;
    value.set_sensitive(true);
    Ok(value)
}

/// The certificates to trust beside the system's.
pub(super) fn certificates(config: &Config) -> Result<Vec<Certificate>, ConfigError> {
    let Some(pem) = &config.extra_ca else { return Ok(Vec::new()) };
    let unreadable = || ConfigError::Certificates(config.name.clone());
    let certificates = Certificate::from_pem_bundle(pem).map_err(|_| unreadable())?;
    if certificates.is_empty() { Err(unreadable()) } else { Ok(certificates) }
}

/// Whether the URL leads to this machine, so that no proxy stands in between.
pub(super) fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || host.ends_with(".localhost")
        || address.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(url: &str) -> Config {
        Config::new("p", Dialect::Responses, url)
    }

    fn url(text: &str) -> Result<String, String> {
        base_url(&config(text)).map(String::from).map_err(|error| error.to_string())
    }

    #[test]
    fn a_base_url_is_plain_http_with_a_host() {
        assert_eq!(url(" https://x.example/v1/ "), Ok("https://x.example/v1".into()));
        for bad in ["", "x.example/v1", "ftp://x", "https://u:sekret99@x", "http://x/?k=sekret99"] {
            let message = url(bad).expect_err(bad);
            assert!(!message.contains("sekret99"), "{message}");
        }
    }

    #[test]
    fn a_key_that_cannot_be_sent_is_refused_without_showing_it() {
        let config = Config { api_key: Some("sk-ab\ncd".into()), ..config("http://x") };
        let message = Key::of(&config).expect_err("a line break").to_string();
        assert_eq!(message, "the API key of provider `p` holds characters that cannot be sent");
        let config = Config { api_key: Some("sk-abcd\n".into()), ..config };
        let key = Key::of(&config).expect("the line break at its end does not count");
        assert!(!format!("{key:?}").contains("sk-abcd"));
        let config = Config { headers: vec![("x-a".into(), "sk-\nef".into())], ..config };
        let message = headers(&config).expect_err("a line break").to_string();
        assert_eq!(
            message,
            "the header `x-a` of provider `p` holds characters that cannot be sent"
        );
    }

    #[test]
    fn certificates_are_pem_and_at_least_one() {
        for bad in ["", "no certificate", "-----BEGIN CERTIFICATE-----\nxx\n"] {
            let config = Config { extra_ca: Some(bad.as_bytes().into()), ..config("http://x") };
            assert!(certificates(&config).is_err(), "{bad}");
        }
    }

    #[test]
    fn this_machine_is_known_by_all_its_names() {
        let loopback = |text| is_loopback(&Url::parse(text).expect("a URL"));
        assert!(
            ["http://127.0.0.9:1", "http://[::1]/v1", "http://localhost"]
                .map(loopback)
                .iter()
                .all(|&is| is)
        );
        assert!(!loopback("http://10.0.0.1") && !loopback("http://localhost.example"));
    }
}
