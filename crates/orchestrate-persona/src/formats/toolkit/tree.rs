//! One tree for YAML, JSON and TOML, in which every scalar is text.

use std::{collections::BTreeSet, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor},
};

use super::{limits::MAX_DEPTH, words};
use crate::yaml::{Node, Value};

/// A value of a structured file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Tree {
    /// Nothing.
    Null,
    /// A scalar as text.
    Text(String),
    /// A list.
    List(Vec<Tree>),
    /// A mapping in the order of the file.
    Map(Map),
}

/// The entries of a mapping in the order of the file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Map(pub(crate) Vec<(String, Tree)>);

impl Map {
    /// The value of a key; a dot leads into a mapping below.
    pub(crate) fn get(&self, path: &str) -> Option<&Tree> {
        if let Some((_, value)) = self.0.iter().find(|(key, _)| key == path) {
            return Some(value);
        }
        let (first, rest) = path.split_once('.')?;
        self.get(first)?.map()?.get(rest)
    }

    /// The text under a key, where there is one that says something.
    pub(crate) fn text(&self, path: &str) -> Option<&str> {
        self.get(path)?.text()
    }

    /// Whether there is such a key.
    pub(crate) fn has(&self, path: &str) -> bool {
        self.get(path).is_some()
    }

    /// Whether any of the keys is there.
    pub(crate) fn has_any(&self, paths: &[&str]) -> bool {
        paths.iter().any(|path| self.has(path))
    }

    /// Takes a value out, so that what is left at the end was read by nobody.
    pub(crate) fn take(&mut self, path: &str) -> Option<Tree> {
        if let Some(at) = self.0.iter().position(|(key, _)| key == path) {
            return Some(self.0.remove(at).1);
        }
        let (first, rest) = path.split_once('.')?;
        let (_, value) = self.0.iter_mut().find(|(key, _)| key == first)?;
        match value {
            Tree::Map(map) => map.take(rest),
            Tree::Null | Tree::Text(_) | Tree::List(_) => None,
        }
    }
}

impl Tree {
    /// The mapping, where this is one.
    pub(crate) fn map(&self) -> Option<&Map> {
        match self {
            Self::Map(map) => Some(map),
            Self::Null | Self::Text(_) | Self::List(_) => None,
        }
    }

    /// The text, where this is one that is not blank.
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) if !text.trim().is_empty() => Some(text.trim()),
            Self::Text(_) | Self::Null | Self::List(_) | Self::Map(_) => None,
        }
    }

    /// The entries, where this is a list.
    pub(crate) fn list(&self) -> Option<&[Self]> {
        match self {
            Self::List(entries) => Some(entries),
            Self::Null | Self::Text(_) | Self::Map(_) => None,
        }
    }

    /// Every text below this with the path that leads to it.
    pub(crate) fn leaves(&self, path: &str, leaves: &mut Vec<(String, String)>) {
        match self {
            Self::Null => {}
            Self::Text(text) => leaves.push((path.to_owned(), text.clone())),
            Self::List(entries) => {
                for (index, entry) in entries.iter().enumerate() {
                    entry.leaves(&format!("{path}[{index}]"), leaves);
                }
            }
            Self::Map(Map(entries)) => {
                for (key, entry) in entries {
                    let below = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                    entry.leaves(&below, leaves);
                }
            }
        }
    }

    /// The value as Markdown: texts as they are, lists as bullets, mappings as labelled bullets.
    pub(crate) fn markdown(&self) -> String {
        match self {
            Self::Null => String::new(),
            Self::Text(text) => text.trim().to_owned(),
            Self::List(_) | Self::Map(_) => {
                let mut lines = Vec::new();
                self.bullets(0, &mut lines);
                lines.join("\n")
            }
        }
    }

    fn bullets(&self, depth: usize, lines: &mut Vec<String>) {
        let indent = "  ".repeat(depth);
        let bullet = |label: &str, text: &str| {
            let text = text.trim().replace('\n', &format!("\n{indent}  "));
            format!("{indent}- {label}{text}").trim_end().to_owned()
        };
        match self {
            Self::Null => {}
            Self::Text(text) => lines.push(bullet("", text)),
            Self::List(entries) => {
                for entry in entries {
                    entry.bullets(depth, lines);
                }
            }
            Self::Map(Map(entries)) => {
                for (key, value) in entries {
                    let label = format!("**{}:** ", words::in_words(key));
                    if let Self::Text(text) = value {
                        lines.push(bullet(&label, text));
                    } else if *value != Self::Null {
                        lines.push(bullet(&label, ""));
                        value.bullets(depth + 1, lines);
                    }
                }
            }
        }
    }
}

impl From<&Node> for Tree {
    fn from(node: &Node) -> Self {
        match &node.value {
            Value::Null => Self::Null,
            Value::Text(text) => Self::Text(text.clone()),
            Value::List(entries) => Self::List(entries.iter().map(Self::from).collect()),
            Value::Map(entries) => {
                let mut map: Vec<(String, Self)> = Vec::with_capacity(entries.len());
                let mut seen = BTreeSet::new();
                for (key, value) in entries {
                    let key = match &key.value {
                        Value::Text(key) => key.clone(),
                        Value::Null | Value::List(_) | Value::Map(_) => continue,
                    };
                    // A repeated key keeps both values, so that no text is lost in silence.
                    let key = if seen.insert(key.clone()) {
                        key
                    } else {
                        format!("{key} (repeated {})", map.len())
                    };
                    map.push((key, Self::from(value)));
                }
                Self::Map(Map(map))
            }
        }
    }
}

/// Reads YAML, or says what is wrong with it and at which byte.
pub(crate) fn yaml(text: &str) -> Result<Tree, crate::yaml::NotYaml> {
    crate::yaml::parse_foreign(text).map(|node| Tree::from(&node))
}

/// Reads JSON, comments and trailing commas forgiven.
pub(crate) fn json(text: &str) -> Result<Tree, String> {
    let strict = serde_json::from_str::<Limited>(text);
    strict
        .or_else(|error| {
            serde_json::from_str::<Limited>(&without_comments(text)).map_err(|_| error)
        })
        .map(|limited| limited.0)
        .map_err(|error| error.to_string())
}

/// Reads TOML.
pub(crate) fn toml(text: &str) -> Result<Tree, String> {
    toml::from_str::<Limited>(text)
        .map(|limited| limited.0)
        .map_err(|error| error.message().to_owned())
}

/// JSON without `//` and `/* */` comments and without commas before a closing bracket.
fn without_comments(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    let mut quoted = false;
    while let Some(c) = chars.next() {
        match c {
            '"' => {
                quoted = !quoted;
                out.push(c);
            }
            '\\' if quoted => {
                out.push(c);
                out.extend(chars.next());
            }
            '/' if !quoted && chars.peek() == Some(&'/') => {
                while chars.peek().is_some_and(|&c| c != '\n') {
                    chars.next();
                }
            }
            '/' if !quoted && chars.peek() == Some(&'*') => {
                chars.next();
                let mut last = ' ';
                for c in chars.by_ref() {
                    if last == '*' && c == '/' {
                        break;
                    }
                    last = c;
                }
            }
            ']' | '}' if !quoted => {
                let kept = out.trim_end().len();
                if out[..kept].ends_with(',') {
                    out.truncate(kept - 1);
                }
                out.push(c);
            }
            _ => out.push(c),
        }
    }
    out
}

/// A tree read with a bound on its depth.
struct Limited(Tree);

impl<'de> Deserialize<'de> for Limited {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TreeVisitor { depth: 0 }).map(Self)
    }
}

#[derive(Clone, Copy)]
struct TreeVisitor {
    depth: usize,
}

impl TreeVisitor {
    fn below<E: serde::de::Error>(self) -> Result<Self, E> {
        if self.depth >= MAX_DEPTH {
            return Err(E::custom("the file nests too deep"));
        }
        Ok(Self { depth: self.depth + 1 })
    }
}

impl<'de> serde::de::DeserializeSeed<'de> for TreeVisitor {
    type Value = Tree;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Tree, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for TreeVisitor {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Tree, E> {
        Ok(Tree::Text(value.to_string()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Tree, E> {
        Ok(Tree::Text(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Tree, E> {
        Ok(Tree::Text(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Tree, E> {
        Ok(Tree::Text(value.to_string()))
    }

    fn visit_str<E>(self, text: &str) -> Result<Tree, E> {
        Ok(Tree::Text(text.to_owned()))
    }

    fn visit_unit<E>(self) -> Result<Tree, E> {
        Ok(Tree::Null)
    }

    fn visit_none<E>(self) -> Result<Tree, E> {
        Ok(Tree::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Tree, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Tree, A::Error> {
        let below = self.below()?;
        let mut list = Vec::new();
        while let Some(entry) = seq.next_element_seed(below)? {
            list.push(entry);
        }
        Ok(Tree::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Tree, A::Error> {
        let below = self.below()?;
        let mut map: Vec<(String, Tree)> = Vec::new();
        let mut seen = BTreeSet::new();
        while let Some(key) = entries.next_key::<String>()? {
            let value = entries.next_value_seed(below)?;
            // The TOML reader hands a date over as a mapping with this one key.
            if key == "$__toml_private_datetime" {
                return Ok(value);
            }
            let key = if seen.insert(key.clone()) {
                key
            } else {
                format!("{key} (repeated {})", map.len())
            };
            map.push((key, value));
        }
        Ok(Tree::Map(Map(map)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaves(tree: &Tree) -> Vec<(String, String)> {
        let mut leaves = Vec::new();
        tree.leaves("", &mut leaves);
        leaves
    }

    #[test]
    fn the_three_languages_give_one_tree() {
        let pair = |path: &str, text: &str| (path.to_owned(), text.to_owned());
        let wanted = vec![pair("a.b[0]", "1"), pair("a.b[1]", "x"), pair("c", "true")];
        assert_eq!(leaves(&yaml("a: {b: [1, x]}\nc: true\n").expect("YAML")), wanted);
        assert_eq!(leaves(&json(r#"{"a":{"b":[1,"x"]},"c":true}"#).expect("JSON")), wanted);
        assert_eq!(leaves(&toml("c = true\n[a]\nb = [1, \"x\"]").expect("TOML")).len(), 3);
        assert_eq!(leaves(&toml("d = 2026-01-02").expect("TOML")), [pair("d", "2026-01-02")]);
    }

    #[test]
    fn an_alias_is_the_text_of_its_anchor() {
        let found = leaves(&yaml("a: &x 12\nb: *x\nc: &y [1.0, z]\nd: *y\n").expect("YAML"));
        let texts: Vec<&str> = found.iter().map(|(_, text)| text.as_str()).collect();
        assert_eq!(texts, ["12", "12", "1.0", "z", "1.0", "z"]);
    }

    #[test]
    fn comments_and_trailing_commas_are_forgiven() {
        let tree = json("// head\n{\"a\": [\"x // y\", /* z */ 2,],}").expect("JSONC");
        assert_eq!(leaves(&tree)[0].1, "x // y");
        assert_eq!(leaves(&tree).len(), 2);
    }

    #[test]
    fn deep_nesting_is_an_error_and_not_a_crash() {
        let deep = format!("{}{}", "[".repeat(100), "]".repeat(100));
        assert!(json(&deep).is_err());
        assert!(toml(&format!("a = {deep}")).is_err());
        assert!(yaml(&deep).is_err());
    }

    #[test]
    fn a_repeated_key_loses_no_text() {
        assert_eq!(leaves(&json(r#"{"a":"one","a":"two"}"#).expect("JSON")).len(), 2);
        assert_eq!(leaves(&yaml("a: one\na: two\n").expect("YAML")).len(), 2);
    }

    #[test]
    fn lists_and_mappings_become_bullets() {
        let tree = yaml("- one\n- two_words: x\n  deep: [y]\n").expect("YAML");
        assert_eq!(tree.markdown(), "- one\n- **Two words:** x\n- **Deep:**\n  - y");
    }
}
