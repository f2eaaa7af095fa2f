//! YAML as a tree in which every key and value knows its place in the file.
//!
//! The tree lets a reader walk on after a mistake and report all of them, which a deserializer that
//! stops at the first wrong type cannot do.

use std::{fmt, ops::Range};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor},
};
use serde_saphyr::{DuplicateKeyPolicy, Error, Location, Spanned, options::NonFiniteFloatPolicy};

/// A value with its byte range in the text that was parsed.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Node {
    pub(crate) value: Value,
    pub(crate) span: Range<usize>,
}

/// What a node holds.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    /// Nothing at all, `null` or `~`.
    Null,
    /// A scalar as text, whatever YAML would take it for: `version: 1.0` stays `1.0`.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// A mapping in the order of the file, repeated keys included.
    Map(Vec<(Node, Node)>),
}

impl Value {
    /// The kind of value, as a person would name it.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Text(_) => "a text",
            Self::List(_) => "a list",
            Self::Map(_) => "a mapping",
        }
    }
}

/// Why a text is not YAML that we read, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NotYaml {
    pub(crate) message: String,
    pub(crate) offset: usize,
    pub(crate) help: Option<&'static str>,
}

/// Parses one YAML document of another format, which may nest deeper and use a few aliases.
pub(crate) fn parse_foreign(text: &str) -> Result<Node, NotYaml> {
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: 48,
            max_documents: 1,
            max_nodes: 50_000,
            max_aliases: 64,
            max_anchors: 64,
            max_merge_keys: 64,
        },
        duplicate_keys: DuplicateKeyPolicy::LastWins,
        non_finite_float_policy: NonFiniteFloatPolicy::PassThrough,
        with_snippet: false,
    };
    serde_saphyr::from_str_with_options(text, options)
        .map(|tree| placed(tree, text))
        .map_err(|error| explain(&error, text))
}

/// Parses one YAML document. A front matter has no use for deep nesting or aliases, so neither is read.
pub(crate) fn parse(text: &str) -> Result<Node, NotYaml> {
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: 16,
            max_documents: 1,
            max_aliases: 0,
            max_anchors: 0,
            max_merge_keys: 0,
        },
        // Repeated keys reach the tree, so that whoever walks it can report each of them.
        duplicate_keys: DuplicateKeyPolicy::LastWins,
        // All scalars are taken from the text, so what YAML makes of `.inf` does not matter.
        non_finite_float_policy: NonFiniteFloatPolicy::PassThrough,
        with_snippet: false,
    };
    serde_saphyr::from_str_with_options(text, options)
        .map(|tree| placed(tree, text))
        .map_err(|error| explain(&error, text))
}

fn explain(error: &Error, text: &str) -> NotYaml {
    let error = error.without_snippet();
    let location = error.location().unwrap_or(Location::UNKNOWN);
    let offset = offset(location, text);
    if let Error::Budget { .. } = error {
        let message =
            "anchors, aliases, merge keys, further documents and deep nesting are not read here";
        return NotYaml { message: message.to_owned(), offset, help: Some("write the value out") };
    }
    let full = error.to_string();
    let place = format!(" at line {}, column {}", location.line(), location.column());
    let message = full.replace(&place, "");
    let help = if message.contains("mapping values are not allowed") {
        Some("a value that contains `: ` must be quoted: `key: \"one: two\"`")
    } else if message.contains("unexpected character")
        || message.contains("unknown anchor")
        || message.contains("while scanning an alias")
    {
        Some("a value that begins with a special character must be quoted: `key: \"*value\"`")
    } else {
        None
    };
    NotYaml { message, offset, help }
}

/// The byte offset of a place; where the parser knows only line and column, they are counted out.
fn offset(location: Location, text: &str) -> usize {
    if let Some(offset) = location.span().byte_offset() {
        return to_usize(offset).min(text.len());
    }
    let line = to_usize(location.line()).saturating_sub(1);
    let start: usize = text.split_inclusive('\n').take(line).map(str::len).sum();
    let column = to_usize(location.column()).saturating_sub(1);
    let within = text[start..].char_indices().nth(column).map_or(text.len() - start, |(at, _)| at);
    start + within
}

fn to_usize(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// A tree as the parser hands it over. Scalars that YAML takes for something else than text are left
/// out: their text is cut from the source.
enum Raw {
    Null,
    Typed,
    Text(String),
    List(Vec<Spanned<Raw>>),
    Map(Vec<(Spanned<Raw>, Spanned<Raw>)>),
}

fn placed(raw: Spanned<Raw>, text: &str) -> Node {
    let used = raw.referenced.span();
    // An alias is the text of its anchor.
    let alias =
        used.byte_offset().is_some_and(|at| text.as_bytes().get(to_usize(at)) == Some(&b'*'));
    let place = if alias { raw.defined.span() } else { used };
    let start = place.byte_offset().map_or(0, to_usize).min(text.len());
    let length = place.byte_len().map_or(0, to_usize);
    let span = start..start.saturating_add(length).min(text.len());
    let value = match raw.value {
        Raw::Null => Value::Null,
        Raw::Typed => Value::Text(text.get(span.clone()).unwrap_or_default().to_owned()),
        Raw::Text(text) => Value::Text(text),
        Raw::List(list) => Value::List(list.into_iter().map(|entry| placed(entry, text)).collect()),
        Raw::Map(map) => {
            let entries = map.into_iter();
            Value::Map(
                entries.map(|(key, value)| (placed(key, text), placed(value, text))).collect(),
            )
        }
    };
    Node { value, span }
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = Raw;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML value")
    }

    fn visit_bool<E>(self, _: bool) -> Result<Raw, E> {
        Ok(Raw::Typed)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Raw, E> {
        Ok(Raw::Typed)
    }

    fn visit_i128<E>(self, _: i128) -> Result<Raw, E> {
        Ok(Raw::Typed)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Raw, E> {
        Ok(Raw::Typed)
    }

    fn visit_u128<E>(self, _: u128) -> Result<Raw, E> {
        Ok(Raw::Typed)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Raw, E> {
        Ok(Raw::Typed)
    }

    fn visit_str<E>(self, text: &str) -> Result<Raw, E> {
        Ok(Raw::Text(text.to_owned()))
    }

    fn visit_unit<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_none<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Raw, D::Error> {
        Raw::deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Raw, A::Error> {
        let mut list = Vec::new();
        while let Some(entry) = seq.next_element()? {
            list.push(entry);
        }
        Ok(Raw::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Raw, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Raw::Map(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalars_stay_text_and_know_their_place() {
        let text =
            "name: ü-x\nversion: 1.0\nlist: [2, {q: \"a b\", inf: .inf}]\nlong: |\n  one\n  two\n";
        let tree = parse(text).expect("sound");
        let Value::Map(entries) = &tree.value else { panic!("{tree:?}") };
        let values: Vec<_> = entries.iter().map(|(_, node)| &node.value).collect();
        assert_eq!(*values[1], Value::Text("1.0".into()));
        assert_eq!(*values[3], Value::Text("one\ntwo\n".into()));
        assert_eq!(&text[entries[0].1.span.clone()], "ü-x");
        let Value::List(list) = values[2] else { panic!("{tree:?}") };
        assert_eq!(list[0].value, Value::Text("2".into()));
        let Value::Map(inner) = &list[1].value else { panic!("{tree:?}") };
        assert_eq!(&text[inner[0].1.span.clone()], "\"a b\"");
        assert_eq!(inner[1].1.value, Value::Text(".inf".into()));
    }

    #[test]
    fn what_is_not_yaml_is_explained_at_its_place() {
        let explained = |text: &str| {
            let wrong = parse(text).expect_err("not YAML");
            (wrong.message, wrong.offset, wrong.help.is_some())
        };
        let (message, offset, help) = explained("ä: 1\ndescription: for: you\n");
        assert_eq!(message, "mapping values are not allowed in this context");
        assert_eq!((offset, help), ("ä: 1\ndescription: for".len(), true));
        assert_eq!(explained("a: [1, 2\n").1, 3);
        assert!(explained("a: &x 1\nb: *x\n").0.starts_with("anchors, aliases"));
        assert!(explained("a: 1\n---\nb: 2\n").0.contains("further documents"));
        assert!(
            explained(&format!("{}{}", "[".repeat(40), "]".repeat(40))).0.contains("deep nesting")
        );
        assert!(explained("a: `x`\n").2);
    }
}
