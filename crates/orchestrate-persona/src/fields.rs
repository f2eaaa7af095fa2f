//! Reading typed fields from a YAML tree, noting every mistake and going on.

use std::{ops::Range, sync::Arc};

use indexmap::IndexMap;
use orchestrate_core::{
    diagnostic::{Diagnostic, Source},
    suggest,
};

use crate::{
    front_matter::Parts,
    yaml::{Node, Value},
};

/// The fields of one mapping: for each key its place and its value.
pub(crate) type Fields<'n> = IndexMap<&'n str, &'n Node>;

/// Notes what is wrong with the front matter of one file.
#[derive(Debug)]
pub(crate) struct Notes<'s> {
    source: &'s Arc<Source>,
    parts: &'s Parts,
    pub(crate) diagnostics: Vec<Diagnostic>,
}

impl<'s> Notes<'s> {
    pub(crate) fn new(source: &'s Arc<Source>, parts: &'s Parts) -> Self {
        Self { source, parts, diagnostics: Vec::new() }
    }

    /// Adds a diagnostic about something that should be there and is not.
    pub(crate) fn add_missing(&mut self, diagnostic: Diagnostic) {
        let fence = self.parts.fence.clone();
        self.diagnostics.push(diagnostic.at(self.source, fence, "expected below this"));
    }

    /// Adds a diagnostic that points at `span` of the YAML.
    pub(crate) fn add(&mut self, diagnostic: Diagnostic, span: &Range<usize>, label: &str) {
        let text = &self.source.text;
        let base = self.parts.yaml.start;
        let start = (base + span.start).min(text.len());
        // A range without width still needs something to underline, where its line has anything.
        let first = text[start..].chars().next().filter(|c| !c.is_control());
        let end = (base + span.end).clamp(start + first.map_or(0, char::len_utf8), text.len());
        self.diagnostics.push(diagnostic.at(self.source, start..end, label));
    }

    /// Sorts out the fields of a mapping: repeated keys are errors, unknown ones warnings.
    pub(crate) fn fields<'n>(
        &mut self,
        entries: &'n [(Node, Node)],
        known: &'static [&'static str],
        silent: &[&str],
    ) -> Fields<'n> {
        let mut fields = Fields::new();
        for (key, value) in entries {
            let Value::Text(name) = &key.value else {
                let message = format!("a key must be a text, this is {}", key.value.kind());
                self.add(Diagnostic::error("wrong-type", message), &key.span, "");
                continue;
            };
            if silent.contains(&name.as_str()) {
                continue;
            }
            if !known.contains(&name.as_str()) {
                let mut warning =
                    Diagnostic::warning("unknown-key", format!("unknown key `{name}`"));
                if value.value == Value::Null && name.contains(' ') {
                    warning = warning.help("inside `{ }` and `[ ]`, quote a text that has a comma");
                } else if let Some(help) = suggest::advice(name, known.iter().copied()) {
                    warning = warning.help(help);
                }
                self.add(warning, &key.span, "not read");
            } else if fields.insert(name.as_str(), value).is_some() {
                let error = Diagnostic::error("duplicate-key", format!("`{name}` is given twice"));
                self.add(error, &key.span, "given again here");
            }
        }
        fields
    }

    fn wrong_type(&mut self, key: &str, wanted: &str, node: &Node, help: Option<String>) {
        let seen = node.value.kind();
        let message = format!("`{key}` must be {wanted}, this is {seen}");
        let mut error = Diagnostic::error("wrong-type", message);
        error.help.extend(help);
        self.add(error, &node.span, "");
    }

    /// A text on its own, trimmed; an empty one counts as a mistake.
    pub(crate) fn text(&mut self, key: &str, node: &Node) -> Option<String> {
        match &node.value {
            Value::Text(text) if text.trim().is_empty() => {
                let error = Diagnostic::error("empty-value", format!("`{key}` is empty"));
                self.add(error, &node.span, "");
                None
            }
            Value::Text(text) => Some(text.trim().to_owned()),
            Value::Null | Value::List(_) | Value::Map(_) => {
                self.wrong_type(key, "a text", node, None);
                None
            }
        }
    }

    /// A text field that may be absent.
    pub(crate) fn optional_text(&mut self, fields: &Fields<'_>, key: &str) -> Option<String> {
        fields.get(key).and_then(|node| self.text(key, node))
    }

    /// A list of texts that may be absent.
    pub(crate) fn texts(&mut self, fields: &Fields<'_>, key: &str) -> Vec<String> {
        let Some(node) = fields.get(key) else { return Vec::new() };
        let Value::List(entries) = &node.value else {
            let help = format!("write a list: `{key}: [one, two]`");
            self.wrong_type(key, "a list of texts", node, Some(help));
            return Vec::new();
        };
        entries.iter().filter_map(|entry| self.entry(key, entry)).collect()
    }

    /// One text of a list. YAML turns `- a: b` into a mapping, which is worth a word of its own.
    fn entry(&mut self, key: &str, entry: &Node) -> Option<String> {
        let mut error = match &entry.value {
            Value::Text(text) if !text.trim().is_empty() => return Some(text.trim().to_owned()),
            Value::Text(_) | Value::Null => {
                Diagnostic::error("empty-value", format!("an entry of `{key}` is empty"))
            }
            Value::List(_) | Value::Map(_) => {
                let seen = entry.value.kind();
                let message = format!("an entry of `{key}` must be a text, this is {seen}");
                Diagnostic::error("wrong-type", message)
            }
        };
        if let Value::Map(_) = entry.value {
            let help = "an entry that contains `: ` must be quoted: `- \"one: two\"`";
            error = error.help(help);
        }
        self.add(error, &entry.span, "");
        None
    }

    /// The mappings of a list that may be absent.
    pub(crate) fn mappings<'n>(
        &mut self,
        fields: &Fields<'n>,
        key: &str,
        example: &str,
    ) -> Vec<(&'n Node, &'n [(Node, Node)])> {
        let Some(node) = fields.get(key) else { return Vec::new() };
        let help = || Some(format!("write each as `- {example}`"));
        let Value::List(entries) = &node.value else {
            self.wrong_type(key, "a list of mappings", node, help());
            return Vec::new();
        };
        let mut mappings = Vec::with_capacity(entries.len());
        for entry in entries {
            match &entry.value {
                Value::Map(inner) => mappings.push((entry, inner.as_slice())),
                Value::Null | Value::Text(_) | Value::List(_) => {
                    let seen = entry.value.kind();
                    let message = format!("an entry of `{key}` must be a mapping, this is {seen}");
                    let mut error = Diagnostic::error("wrong-type", message);
                    error.help.extend(help());
                    self.add(error, &entry.span, "");
                }
            }
        }
        mappings
    }

    /// A finite number that may be absent.
    pub(crate) fn number(&mut self, fields: &Fields<'_>, key: &str) -> Option<f64> {
        let node = fields.get(key)?;
        let text = self.text(key, node)?;
        let number = text.parse::<f64>().ok().filter(|number| number.is_finite());
        if number.is_none() {
            let message = format!("`{key}` must be a number, this is `{text}`");
            let error = Diagnostic::error("wrong-type", message).help(format!(
                "write the number alone, as in `{key}: 100`, and its unit in `unit`"
            ));
            self.add(error, &node.span, "");
        }
        number
    }

    /// `true` or `false`, or `default` where it is absent.
    pub(crate) fn flag(&mut self, fields: &Fields<'_>, key: &str, default: bool) -> bool {
        let Some(node) = fields.get(key) else { return default };
        match &node.value {
            Value::Text(text) if matches!(text.as_str(), "true" | "True" | "TRUE") => true,
            Value::Text(text) if matches!(text.as_str(), "false" | "False" | "FALSE") => false,
            Value::Text(_) | Value::Null | Value::List(_) | Value::Map(_) => {
                let message = format!("`{key}` must be `true` or `false`");
                self.add(Diagnostic::error("wrong-type", message), &node.span, "");
                default
            }
        }
    }

    /// One of a few words, or `None` where it is absent or another one.
    pub(crate) fn word<'w>(
        &mut self,
        fields: &Fields<'_>,
        key: &str,
        words: &[&'w str],
    ) -> Option<&'w str> {
        let node = fields.get(key)?;
        let text = self.text(key, node)?;
        let found = words.iter().copied().find(|word| *word == text);
        if found.is_none() {
            let listed = words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>();
            let message = format!("`{key}` must be one of {}, this is `{text}`", listed.join(", "));
            let mut error = Diagnostic::error("unknown-value", message);
            if let Some(close) = suggest::closest(&text, words.iter().copied()) {
                error = error.help(format!("did you mean `{close}`?"));
            }
            self.add(error, &node.span, "");
        }
        found
    }

    /// A slug that may be absent; anything else is reported under `code`.
    pub(crate) fn slug(
        &mut self,
        fields: &Fields<'_>,
        key: &str,
        code: &'static str,
    ) -> Option<String> {
        let node = fields.get(key)?;
        let text = self.text(key, node)?;
        if is_slug(&text) {
            return Some(text);
        }
        let message = format!(
            "`{text}` is not a name: small letters, digits and single hyphens, 2 to 64 of them"
        );
        let mut error = Diagnostic::error(code, message);
        let near = slugged(&text);
        if is_slug(&near) {
            error = error.help(format!("write `{near}`"));
        }
        self.add(error, &node.span, "");
        None
    }
}

/// `^[a-z0-9]+(-[a-z0-9]+)*$`, 2 to 64 characters.
pub(crate) fn is_slug(text: &str) -> bool {
    (2..=64).contains(&text.len())
        && text.split('-').all(|part| {
            !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        })
}

/// The slug that somebody who wrote `text` will have meant.
pub(crate) fn slugged(text: &str) -> String {
    let lower = text.to_lowercase();
    let words = lower.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_are_plain_and_a_near_one_is_offered() {
        for good in ["ab", "data-engineer", "x1-2"] {
            assert!(is_slug(good), "{good}");
        }
        for bad in ["", "a", "-a", "a-", "a--b", "A-b", "a_b", "ä-b", &"x".repeat(65)] {
            assert!(!is_slug(bad), "{bad}");
        }
        assert_eq!(slugged("Data & AI Engineer"), "data-ai-engineer");
    }
}
