//! The head of a recorded call: one `key: value` per line between two lines of dashes. It is a small part
//! of YAML, so that editors colour it, and small enough to be read without a parser of YAML.

use std::{collections::BTreeMap, fmt::Write as _};

use orchestrate_core::{neutral, suggest};

use super::Fault;

/// The line before and after the head.
const RULE: &str = "---";

/// A value and the line it stands on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Value {
    pub(super) text: String,
    pub(super) line: usize,
}

/// The head of a file, by key.
#[derive(Debug)]
pub(super) struct Header {
    values: BTreeMap<String, Value>,
    /// The first line after it, counted from 1.
    pub(super) end: usize,
}

impl Header {
    /// Reads the head at the beginning of `text` and gives what comes after it.
    pub(super) fn read<'t>(text: &'t str, known: &[&str]) -> Result<(Self, &'t str), Fault> {
        let mut lines = text.split_inclusive('\n');
        let mut offset = lines.next().map_or(0, str::len);
        if text[..offset].trim_end() != RULE {
            return Err(Fault::at(1, "the file does not begin with a line of three dashes"));
        }
        let mut values = BTreeMap::new();
        for (at, line) in lines.enumerate() {
            let number = at + 2;
            offset += line.len();
            let line = line.trim_end();
            if line == RULE {
                return Ok((Self { values, end: number + 1 }, &text[offset..]));
            }
            let (key, value) = entry(line, number, known)?;
            if values.insert(key.clone(), value).is_some() {
                return Err(Fault::at(number, format!("`{key}` stands here twice")));
            }
        }
        Err(Fault::at(1, "the head has no end: a second line of three dashes is missing"))
    }

    /// The value of a key that may be missing.
    pub(super) fn find(&self, key: &str) -> Option<&Value> {
        self.values.get(key)
    }

    /// The value of a key that has to be there.
    pub(super) fn get(&self, key: &str) -> Result<&Value, Fault> {
        self.find(key).ok_or_else(|| Fault::at(1, format!("`{key}` is missing")))
    }

    /// A value in the form it has to have.
    pub(super) fn parse<T: std::str::FromStr>(&self, key: &str) -> Result<T, Fault> {
        let value = self.get(key)?;
        value.text.parse().map_err(|_| value.fault(key))
    }

    /// A value in the form it has to have, where there is one.
    pub(super) fn parse_found<T: std::str::FromStr>(&self, key: &str) -> Result<Option<T>, Fault> {
        self.find(key).map(|_| self.parse(key)).transpose()
    }
}

impl Value {
    /// What is said of a value that cannot be meant.
    pub(super) fn fault(&self, key: &str) -> Fault {
        let seen = neutral::excerpt(&self.text, 60);
        Fault::at(self.line, format!("`{seen}` is no value for `{key}`"))
    }
}

fn entry(line: &str, number: usize, known: &[&str]) -> Result<(String, Value), Fault> {
    let Some((key, value)) = line.split_once(':') else {
        let seen = neutral::excerpt(line, 60);
        return Err(Fault::at(number, format!("`{seen}` is no `key: value`")));
    };
    if !known.contains(&key) {
        let fault = Fault::at(number, format!("unknown key `{}`", neutral::excerpt(key, 60)));
        let advice = suggest::advice(key, known.iter().copied());
        return Err(advice.into_iter().fold(fault, Fault::help));
    }
    let value = value.trim();
    let text = if value.starts_with('"') {
        serde_json::from_str(value)
            .map_err(|_| Fault::at(number, format!("the quoted text of `{key}` cannot be read")))?
    } else {
        value.to_owned()
    };
    Ok((key.to_owned(), Value { text, line: number }))
}

/// Writes a head.
pub(super) fn write(entries: &[(&str, String)]) -> String {
    let mut text = format!("{RULE}\n");
    for (key, value) in entries {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{key}: {}", scalar(value));
    }
    text + RULE + "\n"
}

/// A value as YAML reads it back: plain where nothing in it means anything, else in quotes.
fn scalar(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-/:@+#[]".contains(c);
    let begins_plainly = text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '/');
    if begins_plainly && text.chars().all(plain) && !text.ends_with(':') {
        return text.to_owned();
    }
    let quoted = serde_json::Value::from(text).to_string();
    let mut escaped = String::with_capacity(quoted.len());
    for c in quoted.chars() {
        if neutral::is_hidden(c) {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                // Writing to a String cannot fail.
                let _ = write!(escaped, "\\u{unit:04x}");
            }
        } else {
            escaped.push(c);
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_value_comes_back_as_it_was() {
        for text in [
            "openai:gpt-5-mini",
            "data#draft.1",
            "outer[2]/inner#brief.1",
            "",
            "true story: it # is",
            "\"quoted\" \\ and \u{1b}[31m red \u{202e}\u{e0041}",
            "two\nlines",
            "- dash",
            "ends:",
        ] {
            let written = write(&[("model", text.to_owned())]);
            assert!(!written.contains(|c| c != '\n' && neutral::is_hidden(c)), "{written:?}");
            let (header, rest) = Header::read(&written, &["model"]).expect("readable");
            assert_eq!(header.get("model").expect("there").text, text, "{written}");
            assert_eq!((header.end, rest), (4, ""));
        }
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        let told = |text: &str| {
            let fault = Header::read(text, &["model", "call"]).expect_err("a fault");
            format!("{}: {}", fault.line, fault.what)
        };
        assert_eq!(told("model: x\n"), "1: the file does not begin with a line of three dashes");
        assert_eq!(
            told("---\nmodel: x\n"),
            "1: the head has no end: a second line of three dashes is missing"
        );
        assert_eq!(told("---\nmodel x\n---\n"), "2: `model x` is no `key: value`");
        assert_eq!(told("---\nmodle: x\n---\n"), "2: unknown key `modle`");
        assert_eq!(told("---\nmodel: x\nmodel: y\n---\n"), "3: `model` stands here twice");
        assert_eq!(told("---\nmodel: \"x\n---\n"), "2: the quoted text of `model` cannot be read");
    }
}
