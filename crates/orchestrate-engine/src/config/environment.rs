//! The environment variables that are read, and no others.

use std::collections::BTreeMap;

use orchestrate_provider::presets::PRESETS;

/// A snapshot of the environment.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<String, String>);

/// Variables beside those that the table of known providers names.
const KNOWN: &[&str] = &[
    "OPENAI_ORG_ID",
    "OPENAI_PROJECT_ID",
    "OPENAI_CUSTOM_HEADERS",
    "OPENAI_API_VERSION",
    "ANTHROPIC_CUSTOM_HEADERS",
    "GOOGLE_GENAI_API_VERSION",
    "ORCHESTRATE_MODEL",
    "SSL_CERT_FILE",
];

/// Every variable the engine looks at, unless the user's config names another for a key.
fn known() -> impl Iterator<Item = &'static str> {
    let of_presets = PRESETS.iter().flat_map(|preset| {
        preset.address_variable.into_iter().chain(preset.keys.iter().map(|key| key.name))
    });
    KNOWN.iter().copied().chain(of_presets)
}

impl Environment {
    /// The process's own environment: the known variables and those in `also`. Empty values count as
    /// not set, values that are not UTF-8 are left out.
    pub fn of_process<'a>(also: impl IntoIterator<Item = &'a str>) -> Self {
        let names = known().map(|name| -> &'a str { name }).chain(also);
        let set = names.filter_map(|name| Some((name.to_owned(), std::env::var(name).ok()?)));
        Self(set.filter(|(_, value)| !value.trim().is_empty()).collect())
    }

    /// An environment that the caller makes up.
    pub fn of<'a>(variables: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        Self(
            variables
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
        )
    }

    /// The value of a variable.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}

impl std::fmt::Debug for Environment {
    /// Names only: values may be keys.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}
