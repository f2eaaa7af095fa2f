//! Keeping secrets out of text on its way to people and records.

use std::{borrow::Cow, fmt, sync::Arc};

use orchestrate_core::neutral;
use secrecy::{ExposeSecret as _, SecretString};

/// What stands where a secret stood.
pub const MARK: &str = "[redacted]";

/// Shorter values are not taken for secrets: local servers are given keys such as `none` or `x`,
/// and removing those would make messages unreadable.
const SHORTEST: usize = 8;

/// Replaces secrets wherever they occur.
#[derive(Clone, Default)]
pub struct Redactor {
    /// The longest first, so that a secret that holds another one goes whole.
    secrets: Arc<[SecretString]>,
}

impl Redactor {
    /// A redactor for these secrets; white space around them is not part of them.
    pub fn new(secrets: impl IntoIterator<Item = SecretString>) -> Self {
        let mut secrets: Vec<SecretString> = secrets
            .into_iter()
            .map(|secret| SecretString::from(secret.expose_secret().trim().to_owned()))
            .filter(|secret| secret.expose_secret().len() >= SHORTEST)
            .collect();
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.expose_secret().len()));
        Self { secrets: secrets.into() }
    }

    /// The text with every secret replaced by [`MARK`].
    pub fn redact<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut text = Cow::Borrowed(text);
        for secret in self.secrets.iter() {
            if text.contains(secret.expose_secret()) {
                text = Cow::Owned(text.replace(secret.expose_secret(), MARK));
            }
        }
        text
    }

    /// Like [`Redactor::redact`] for text that is owned already.
    pub fn redact_owned(&self, text: String) -> String {
        match self.redact(&text) {
            Cow::Borrowed(_) => text,
            Cow::Owned(redacted) => redacted,
        }
    }

    /// Foreign text as part of a message: redacted, harmless, on one line of at most `width`
    /// characters. Redacting comes first, since half a key is a leak too.
    pub fn excerpt(&self, text: &str, width: usize) -> String {
        neutral::excerpt(&self.redact(text), width)
    }
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Redactor({} secrets)", self.secrets.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_replaced_whole_even_where_one_holds_another() {
        let redactor = Redactor::new(["sk-12345678".into(), " sk-12345678-long\n".into()]);
        assert_eq!(
            redactor.redact("a sk-12345678-long b sk-12345678"),
            "a [redacted] b [redacted]"
        );
        assert_eq!(redactor.excerpt("key sk-12345678-long", 8), "key [re…");
        assert!(!format!("{redactor:?}").contains("1234"));
    }

    #[test]
    fn words_that_stand_in_for_a_key_stay_readable() {
        let redactor = Redactor::new(["none".into(), "".into()]);
        assert_eq!(redactor.redact("none of it"), "none of it");
    }
}
