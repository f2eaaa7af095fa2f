//! Making what is printed harmless: text for people, and JSON for programs.

use std::{borrow::Cow, fmt::Write as _};

use orchestrate_core::neutral;

/// Whether the output may be read by a CI runner that obeys commands in it.
pub(super) fn in_ci() -> bool {
    ["CI", "GITHUB_ACTIONS", "TF_BUILD", "TEAMCITY_VERSION"].iter().any(|name| {
        std::env::var_os(name).is_some_and(|value| !value.is_empty() && value != "false")
    })
}

/// Text without characters that move the cursor or hide, and without commands that a CI runner obeys.
pub(super) fn safe(text: &str) -> Cow<'_, str> {
    if in_ci() { neutral::for_ci_log(text) } else { neutral::visible(text) }
}

/// JSON text in which such characters are written as escapes, so that it reads the same and cannot
/// be obeyed. They stand only within its strings.
pub(super) fn safe_json(text: &str) -> Cow<'_, str> {
    let text = if text.contains(is_hidden) {
        let mut escaped = String::with_capacity(text.len() + 16);
        for c in text.chars() {
            if is_hidden(c) {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    // Writing to a String cannot fail.
                    let _ = write!(escaped, "\\u{unit:04x}");
                }
            } else {
                escaped.push(c);
            }
        }
        Cow::Owned(escaped)
    } else {
        Cow::Borrowed(text)
    };
    if in_ci() && text.contains("##") { text.replace("##", "#\\u0023").into() } else { text }
}

fn is_hidden(c: char) -> bool {
    // Most of every text is plain; the question is asked for the rest.
    !matches!(c, ' '..='~') && matches!(neutral::visible(c.encode_utf8(&mut [0; 4])), Cow::Owned(_))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_characters_of_json_become_escapes_that_read_the_same() {
        let value = serde_json::json!({ "a": "x\u{1b}[31m\u{202e}\u{7f}\u{9b}\u{e0041}ü\t" });
        let text = serde_json::to_string_pretty(&value).expect("a value");
        let safe = safe_json(&text);
        assert!(safe.contains("x\\u001b[31m\\u202e\\u007f\\u009b\\udb40\\udc41ü\\t"), "{safe}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&safe).expect("JSON"), value);
    }
}
