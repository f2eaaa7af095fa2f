//! Keeping secrets out of text on its way to people and records.

mod plain;
mod search;

use std::{borrow::Cow, collections::BTreeSet, fmt, ops::Range, sync::Arc};

use orchestrate_core::neutral;
use secrecy::{ExposeSecret as _, SecretString};

use self::{plain::Plain, search::Needles};

/// What stands where a secret stood.
pub const MARK: &str = "[redacted]";

/// Shorter values are not taken for secrets: local servers are given keys such as `none` or `x`,
/// and removing those would make messages unreadable.
const SHORTEST: usize = 8;

/// Replaces secrets wherever they occur, as they are and as programs like to write them: escaped for JSON,
/// HTML and addresses, in hexadecimal and in Base64, also in the middle of something longer.
///
/// It looks through what others take out later: hidden characters within a secret, and escapes of single
/// characters. So it does not matter whether a text is redacted before its hidden characters are removed and
/// its JSON is read, or after. Text in which no secret stands keeps its bytes.
#[derive(Clone)]
pub struct Redactor {
    known: Arc<Known>,
    secrets: usize,
}

/// What is looked for.
struct Known {
    /// Every form of every secret.
    forms: Needles,
    /// The same in texts that were made plain.
    plain: Needles,
}

impl Known {
    fn new(forms: BTreeSet<String>) -> Self {
        let plain = forms.iter().map(|form| match Plain::of(form) {
            Some(plain) => plain.text,
            None => form.clone(),
        });
        let plain: BTreeSet<String> = plain.filter(|form| form.len() >= SHORTEST).collect();
        let needles =
            |forms: BTreeSet<String>| Needles::new(forms.into_iter().map(Into::into).collect());
        Self { plain: needles(plain), forms: needles(forms) }
    }
}

impl Default for Redactor {
    fn default() -> Self {
        Self { known: Arc::new(Known::new(BTreeSet::new())), secrets: 0 }
    }
}

impl Redactor {
    /// A redactor for these secrets; white space around them is not part of them.
    pub fn new(secrets: impl IntoIterator<Item = SecretString>) -> Self {
        let secrets: BTreeSet<String> = secrets
            .into_iter()
            .map(|secret| secret.expose_secret().trim().to_owned())
            .filter(|secret| secret.len() >= SHORTEST)
            .collect();
        let forms = secrets.iter().flat_map(|secret| forms(secret)).collect();
        Self { known: Arc::new(Known::new(forms)), secrets: secrets.len() }
    }

    /// A redactor for the secrets of both.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        let forms = [self, other].into_iter().flat_map(|known| known.known.forms.all());
        let forms = forms.map(|form| form.expose_secret().to_owned()).collect();
        Self { known: Arc::new(Known::new(forms)), secrets: self.secrets + other.secrets }
    }

    /// Whether nothing is secret.
    pub fn is_empty(&self) -> bool {
        self.known.forms.all().is_empty()
    }

    /// Whether a secret stands in the text.
    pub fn finds(&self, text: &str) -> bool {
        if self.is_empty() {
            return false;
        }
        let plainly =
            || Plain::of(text).is_some_and(|plain| self.in_plain(&plain).next().is_some());
        self.known.forms.find(text).next().is_some() || plainly()
    }

    /// The text with every secret replaced by [`MARK`].
    pub fn redact<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if self.is_empty() {
            return Cow::Borrowed(text);
        }
        let mut found: Vec<Range<usize>> = self.known.forms.find(text).collect();
        if let Some(plain) = Plain::of(text) {
            found.extend(self.in_plain(&plain).map(|found| plain.source(&found)));
            found.sort_by_key(|found| found.start);
        }
        if found.is_empty() {
            return Cow::Borrowed(text);
        }
        let (mut redacted, mut end) = (String::with_capacity(text.len()), 0);
        for found in found {
            // Of two that share a piece nothing stays between them.
            if found.start >= end {
                redacted.push_str(&text[end..found.start]);
                redacted.push_str(MARK);
            }
            end = end.max(found.end);
        }
        redacted.push_str(&text[end..]);
        Cow::Owned(redacted)
    }

    fn in_plain<'a>(&'a self, plain: &'a Plain) -> impl Iterator<Item = Range<usize>> + 'a {
        self.known.plain.find(&plain.text)
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
    fn a_secret_is_found_through_hidden_characters_and_escapes_within_it() {
        let redactor = Redactor::new(["sk-rev_secret/1234567890".into()]);
        let escaped =
            |text: &str| text.chars().fold(String::new(), |all, c| all + "\\\\" + &c.to_string());
        for text in [
            "sk-rev\u{200b}_secret/1234567890".to_owned(),
            "s\u{feff}k\u{ad}-r\u{200d}ev_\u{e0041}secret/\u{1b}123456789\u{fe0f}0".to_owned(),
            r"sk-rev_secret\/123456789\u0030".to_owned(),
            r"\\u0073k-rev_secret\\\/1234567890".to_owned(),
            r"sk-rev\_secret/1234567890".to_owned(),
            r"sk-rev\u200b_secret/1234567890".to_owned(),
            "sk-rev\\u\u{200b}005fsecret/1234567890".to_owned(),
            r"sk-rev\u{200b}_secret/1234567890".to_owned(),
            "sk-rev%5fsecret/123456789%30".to_owned(),
            "sk-rev&#95;secret/123456789&#x30;".to_owned(),
            "736b2d7265765f73656372\u{200b}65742f31323334353637383930".to_owned(),
            "c2stcmV2X3Nl\u{200b}Y3JldC8xMjM0NTY3ODkw".to_owned(),
            escaped("sk-rev_secret/1234567890"),
        ] {
            assert!(redactor.finds(&text), "{text}");
            let within = format!("\u{200b}é {text} \u{200b}\\n");
            assert_eq!(redactor.redact(&within), "\u{200b}é [redacted] \u{200b}\\n", "{text}");
        }
        let harmless = "\u{200b}sk-rev\u{200b}_other/1234567890 \\u0030 100% &amp; C:\\users";
        assert!(matches!(redactor.redact(harmless), Cow::Borrowed(_)));
        assert!(!redactor.finds(harmless));
    }

    #[test]
    fn what_is_redacted_in_a_json_text_leaves_a_json_text() {
        let redactor = Redactor::new(["nkey-1234567890".into(), "1234567890-more".into()]);
        for text in
            [r"a\nkey-1234567890 b", r"a\\nkey-12345\u00367890-more b", r"a nkey-1234567890\n b"]
        {
            let text = format!("\"{text}\"");
            let redacted = redactor.redact(&text);
            assert!(!redacted.contains("1234"), "{redacted}");
            assert!(serde_json::from_str::<String>(&redacted).is_ok(), "{redacted}");
        }
    }

    #[test]
    fn secrets_that_share_a_piece_go_whole() {
        let redactor = Redactor::new(["abcdefgh12".into(), "h12345678".into()]);
        assert_eq!(redactor.redact("x abcdefgh12345678 y"), "x [redacted] y");
        assert_eq!(redactor.redact("abcdefgh12abcdefgh12"), "[redacted][redacted]");
    }

    #[test]
    fn words_that_stand_in_for_a_key_stay_readable() {
        let redactor = Redactor::new(["none".into(), "".into()]);
        assert_eq!(redactor.redact("none of it"), "none of it");
    }
}
