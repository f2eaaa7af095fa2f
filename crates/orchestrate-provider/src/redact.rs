//! Keeping secrets out of text on its way to people and records.

use std::{borrow::Cow, collections::BTreeSet, fmt, sync::Arc};

use orchestrate_core::neutral;
use secrecy::{ExposeSecret as _, SecretString};

/// What stands where a secret stood.
pub const MARK: &str = "[redacted]";

/// Shorter values are not taken for secrets: local servers are given keys such as `none` or `x`,
/// and removing those would make messages unreadable.
const SHORTEST: usize = 8;

/// Replaces secrets wherever they occur, as they are and as programs like to write them: escaped for JSON,
/// HTML and addresses, in hexadecimal and in Base64, also in the middle of something longer.
#[derive(Clone, Default)]
pub struct Redactor {
    /// Every form of every secret, the longest first, so that one that holds another goes whole.
    forms: Arc<[SecretString]>,
    secrets: usize,
}

impl Redactor {
    /// A redactor for these secrets; white space around them is not part of them.
    pub fn new(secrets: impl IntoIterator<Item = SecretString>) -> Self {
        let secrets: BTreeSet<String> = secrets
            .into_iter()
            .map(|secret| secret.expose_secret().trim().to_owned())
            .filter(|secret| secret.len() >= SHORTEST)
            .collect();
        let forms: BTreeSet<String> = secrets.iter().flat_map(|secret| forms(secret)).collect();
        let mut forms: Vec<SecretString> = forms.into_iter().map(SecretString::from).collect();
        forms.sort_by_key(|form| std::cmp::Reverse(form.expose_secret().len()));
        Self { forms: forms.into(), secrets: secrets.len() }
    }

    /// A redactor for the secrets of both.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        let mut forms: Vec<SecretString> = self.forms.iter().cloned().collect();
        let is_new = |form: &&SecretString| {
            !self.forms.iter().any(|known| known.expose_secret() == form.expose_secret())
        };
        let more: Vec<SecretString> = other.forms.iter().filter(is_new).cloned().collect();
        forms.extend(more);
        forms.sort_by_key(|form| std::cmp::Reverse(form.expose_secret().len()));
        Self { forms: forms.into(), secrets: self.secrets + other.secrets }
    }

    /// Whether nothing is secret.
    pub fn is_empty(&self) -> bool {
        self.forms.is_empty()
    }

    /// Whether a secret stands in the text.
    pub fn finds(&self, text: &str) -> bool {
        self.forms.iter().any(|form| text.contains(form.expose_secret()))
    }

    /// The text with every secret replaced by [`MARK`].
    pub fn redact<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut text = Cow::Borrowed(text);
        for form in self.forms.iter() {
            if text.contains(form.expose_secret()) {
                text = Cow::Owned(text.replace(form.expose_secret(), MARK));
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
        write!(f, "Redactor({} secrets)", self.secrets)
    }
}

/// A secret as it is and in every other form.
fn forms(secret: &str) -> Vec<String> {
    let each = |form: &dyn Fn(u8) -> String| secret.bytes().map(form).collect::<String>();
    let in_units =
        |form: &dyn Fn(u16) -> String| secret.encode_utf16().map(form).collect::<String>();
    let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let in_address = |upper: bool| {
        each(&|byte| match byte {
            byte if unreserved(byte) => char::from(byte).to_string(),
            byte if upper => format!("%{byte:02X}"),
            byte => format!("%{byte:02x}"),
        })
    };
    let in_json = serde_json::Value::from(secret).to_string();
    let in_json = in_json[1..in_json.len() - 1].to_owned();
    let mut forms = vec![
        secret.to_owned(),
        in_address(true),
        in_address(false),
        each(&|byte| format!("%{byte:02X}")),
        each(&|byte| format!("%{byte:02x}")),
        in_json.replace('/', "\\/"),
        in_json,
        in_units(&|unit| format!("\\u{unit:04x}")),
        in_units(&|unit| format!("\\u{unit:04X}")),
        each(&|byte| format!("{byte:02x}")),
        each(&|byte| format!("{byte:02X}")),
        secret
            .replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;")
            .replace('"', "&quot;")
            .replace('\'', "&#39;"),
    ];
    for offset in 0..3 {
        let standard = base64_of(secret.as_bytes(), offset);
        forms.push(standard.replace('+', "-").replace('/', "_"));
        forms.push(standard);
    }
    // A form that is no longer than a word would be found where nothing is secret.
    forms.retain(|form| form.len() >= SHORTEST);
    forms
}

/// The Base64 of bytes that begin `offset` bytes after a multiple of three, less the characters that hold
/// bits of what stands before and after.
fn base64_of(bytes: &[u8], offset: usize) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bit = |at: usize| {
        let byte = at / 8;
        let byte = if byte < offset { 0 } else { bytes[byte - offset] };
        usize::from(byte >> (7 - at % 8) & 1)
    };
    let first = (offset * 8).div_ceil(6);
    let last = (offset + bytes.len()) * 8 / 6;
    let digit = |at: usize| (at * 6..at * 6 + 6).fold(0, |digit, at| digit << 1 | bit(at));
    (first..last).map(|at| char::from(DIGITS[digit(at)])).collect()
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
    fn secrets_are_found_in_every_form_that_programs_write_them_in() {
        let secret = "sk/a+b&\"c\"-01234 é";
        let redactor = Redactor::new([secret.into()]);
        for text in [
            "key=sk%2Fa%2Bb%26%22c%22-01234%20%C3%A9&x=1",
            "key=sk%2fa%2bb%26%22c%22-01234%20%c3%a9&x=1",
            "%73%6B%2F%61%2B%62%26%22%63%22%2D%30%31%32%33%34%20%C3%A9",
            r#"{"key":"sk/a+b&\"c\"-01234 é"}"#,
            r#"{"key":"sk\/a+b&\"c\"-01234 é"}"#,
            "<b>sk/a+b&amp;&quot;c&quot;-01234 é</b>",
        ] {
            let redacted = redactor.redact(text);
            assert!(redacted.contains(MARK) && !redacted.contains("01234"), "{redacted}");
        }
        // `user:` and the secret, as basic authentication sends them, and at the other two offsets.
        let redactor = Redactor::new(["sk-0123456789".into()]);
        for (text, left) in [
            ("Basic c2stMDEyMzQ1Njc4OQ==", "Basic [redacted]Q=="),
            ("Basic dTpzay0wMTIzNDU2Nzg5", "Basic dTp[redacted]"),
            ("Basic dXNlcjpzay0wMTIzNDU2Nzg5", "Basic dXNlcjp[redacted]"),
            ("Basic OnNrLTAxMjM0NTY3ODk=", "Basic On[redacted]k="),
            ("736b2d30313233343536373839", "[redacted]"),
            ("736B2D30313233343536373839", "[redacted]"),
            (
                r"\u0073\u006b\u002d\u0030\u0031\u0032\u0033\u0034\u0035\u0036\u0037\u0038\u0039",
                "[redacted]",
            ),
        ] {
            assert_eq!(redactor.redact(text), left);
            assert!(redactor.finds(text) && !redactor.finds(left));
        }
        assert_eq!(redactor.redact("sk-01234567 is another one"), "sk-01234567 is another one");
    }

    #[test]
    fn words_that_stand_in_for_a_key_stay_readable() {
        let redactor = Redactor::new(["none".into(), "".into()]);
        assert_eq!(redactor.redact("none of it"), "none of it");
    }
}
