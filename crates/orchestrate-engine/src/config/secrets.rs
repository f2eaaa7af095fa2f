//! What must turn up nowhere: every key and every secret that files and environment hold, used or not.

use orchestrate_provider::{presets::PRESETS, redact::Redactor};
use secrecy::{ExposeSecret as _, SecretString};

use super::{
    Environment,
    file::{ProviderTable, UserFile},
};

/// Variables that hold headers, a line each.
const HEADER_VARIABLES: [&str; 2] = ["OPENAI_CUSTOM_HEADERS", "ANTHROPIC_CUSTOM_HEADERS"];
/// A shorter key without a digit or capital is one that somebody made up: `placeholder`, `not-needed`.
const SHORTEST_WORD: usize = 16;
/// Words in the name of a header or an option whose value is a secret whatever it looks like.
const TELLING: [&str; 8] =
    ["auth", "key", "token", "secret", "password", "cookie", "credential", "signature"];

/// A redactor for everything secret that is configured.
pub(super) fn redactor(user: &UserFile, environment: &Environment) -> Redactor {
    let mut secrets: Vec<SecretString> = Vec::new();
    let keys = PRESETS.iter().flat_map(|preset| preset.keys.iter().map(|key| key.name));
    let named = user.providers.values().filter_map(|table| table.api_key_env.as_deref());
    secrets.extend(keys.chain(named).filter_map(|name| key(environment.get(name)?)));
    for lines in HEADER_VARIABLES.iter().filter_map(|name| environment.get(name)) {
        let headers = lines.lines().filter_map(|line| line.split_once(':'));
        secrets.extend(headers.filter_map(|(name, value)| header(name, value)));
    }
    let addresses = PRESETS.iter().filter_map(|preset| environment.get(preset.address_variable?));
    secrets.extend(addresses.flat_map(in_address));
    secrets.extend(user.providers.values().flat_map(in_table));
    secrets.extend(user.gates.values().flat_map(|gate| in_command(&gate.command)));
    Redactor::new(secrets)
}

fn in_table(table: &ProviderTable) -> Vec<SecretString> {
    let given = table.api_key.iter().filter_map(|given| key(given.expose_secret()));
    let mut secrets: Vec<SecretString> = given.collect();
    let headers = table.headers.iter();
    secrets.extend(headers.filter_map(|(name, value)| header(name, value.expose_secret())));
    secrets.extend(table.base_url.iter().flat_map(|url| in_address(url)));
    secrets.extend(table.command.iter().flat_map(|command| in_command(command)));
    secrets
}

/// A key, unless it is a word that stands in for one at a server that wants none: taken for a secret, such a
/// word would be missed wherever somebody writes it.
fn key(value: &str) -> Option<SecretString> {
    let value = value.trim();
    let plain = |c: char| c.is_ascii_lowercase() || "-_. ".contains(c);
    let stands_in = value.len() < SHORTEST_WORD && value.chars().all(plain);
    (!stands_in).then(|| SecretString::from(value))
}

/// The secret of a header. A plain word is none, unless the header's name says so: removing it everywhere
/// would spoil texts that hold it by chance.
fn header(name: &str, value: &str) -> Option<SecretString> {
    let value = value.trim();
    let value = ["Bearer ", "Basic ", "Token "]
        .iter()
        .find_map(|scheme| value.strip_prefix(scheme))
        .unwrap_or(value);
    let plain = |c: char| c.is_ascii_lowercase() || "-_/. ,;=*".contains(c);
    (is_telling(name) || !value.chars().all(plain)).then(|| SecretString::from(value.trim()))
}

fn is_telling(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    TELLING.iter().any(|word| name.contains(word))
}

/// User name and password of an address. It is refused, and quoted nowhere.
fn in_address(url: &str) -> Vec<SecretString> {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let mut secrets = Vec::new();
    if let Some((user, _)) = host.rsplit_once('@') {
        secrets.push(SecretString::from(user));
        secrets.extend(user.split_once(':').map(|(_, password)| SecretString::from(password)));
    }
    let query = rest.split_once('?').map_or("", |(_, query)| query);
    let values = query.split(['&', '#']).filter_map(|pair| pair.split_once('='));
    secrets.extend(
        values.filter(|(name, _)| is_telling(name)).map(|(_, value)| SecretString::from(value)),
    );
    secrets
}

/// Values of options of a program that are called like secrets.
fn in_command(command: &[String]) -> Vec<SecretString> {
    let mut secrets = Vec::new();
    for (at, word) in command.iter().enumerate().filter(|(_, word)| word.starts_with('-')) {
        match word.split_once('=') {
            Some((option, value)) if is_telling(option) => secrets.push(value.into()),
            None if is_telling(word) => {
                secrets.extend(command.get(at + 1).map(|value| SecretString::from(value.as_str())));
            }
            _ => {}
        }
    }
    secrets
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_that_holds_a_secret_is_known_and_plain_words_are_not_taken_for_one() {
        let text = r#"
            [providers.a]
            kind = "openai"
            base_url = "https://robot:pass-0000001@a.example/v1?api_key=query-0000002"
            api_key = "sk-in-file-0003"
            [providers.a.headers]
            x-team = "analytics"
            x-trace = "abc-0000004"
            authorization = "Bearer bearer-word-abc"
            [providers.b]
            base_url = "https://b.example/v1"
            api_key_env = "MY_OWN"
            [providers.c]
            kind = "command"
            command = ["llm", "--api-key", "sk-arg-0005", "--token=tok-0006x", "--output-format", "json-lines"]
        "#;
        let user: UserFile = toml::from_str(text).expect("a config");
        let environment = Environment::of([
            ("OPENAI_API_KEY", "sk-env-00007"),
            ("ANTHROPIC_API_KEY", "sk-ant-00008"),
            ("GROQ_API_KEY", "placeholder"),
            ("MY_OWN", "own-000009"),
            ("ANTHROPIC_CUSTOM_HEADERS", "x-a: plain-words\nx-gateway-auth: gateway-word"),
            ("OPENAI_BASE_URL", "http://someone:hunter-0010@host/v1"),
        ]);
        let redactor = redactor(&user, &environment);
        for secret in [
            "pass-0000001",
            "query-0000002",
            "sk-in-file-0003",
            "abc-0000004",
            "bearer-word-abc",
            "sk-arg-0005",
            "tok-0006x",
            "sk-env-00007",
            "sk-ant-00008",
            "own-000009",
            "gateway-word",
            "hunter-0010",
        ] {
            assert!(redactor.finds(secret), "{secret}");
        }
        for word in ["placeholder", "analytics", "json-lines", "plain-words", "--output-format"] {
            assert!(!redactor.finds(word), "{word}");
        }
    }
}
