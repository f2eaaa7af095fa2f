//! One file, decoded and taken apart as far as it can be.

use std::{borrow::Cow, ops::Range, str, sync::Arc};

use orchestrate_core::diagnostic::{Diagnostic, Source};

use super::check::LintFile;
use crate::{
    front_matter::{self, Parts},
    windows_1252,
    yaml::{self, Node, NotYaml, Value},
};

/// A file as the rules see it.
#[derive(Debug)]
pub(super) struct Document<'a> {
    pub(super) path: &'a str,
    pub(super) source: Arc<Source>,
    /// Where the bytes stop being UTF-8, and what stands there.
    pub(super) not_utf8: Option<(usize, u8)>,
    pub(super) front: Front,
    /// The text below the front matter; all of it where there is none.
    pub(super) body: Range<usize>,
}

/// The front matter, or why there is none.
#[derive(Debug)]
pub(super) enum Front {
    /// It is missing, never closed or too long, as the diagnostic says.
    Unusable(Diagnostic),
    /// It is there.
    Read(FrontMatter),
}

/// A front matter's entries, also where it is not YAML as a whole.
#[derive(Debug, Default)]
pub(super) struct FrontMatter {
    pub(super) fence: Range<usize>,
    /// The YAML between the fences.
    pub(super) yaml: Range<usize>,
    /// The top-level entries that could be read, with places in the file.
    pub(super) entries: Vec<(Node, Node)>,
    /// Why it is not YAML, where it is not.
    pub(super) not_yaml: Option<NotYaml>,
    /// The entries that are to blame.
    pub(super) broken: Vec<Broken>,
}

/// An entry that is not YAML by itself.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Broken {
    pub(super) key: String,
    /// The value as it was meant, on one line.
    pub(super) value: String,
    /// What the YAML reader says about it.
    pub(super) why: String,
    /// The entry with its continuation lines.
    pub(super) span: Range<usize>,
}

impl<'a> Document<'a> {
    pub(super) fn new(file: &LintFile<'a>) -> Self {
        let (text, not_utf8) = decoded(file.bytes);
        let source = Source::new(file.path, text);
        let (front, body) = match front_matter::split(&source) {
            Ok(parts) => (Front::Read(entries(&source.text, &parts)), parts.body),
            Err(error) => {
                // Without a closing line nothing tells where the body would begin.
                let length = source.text.len();
                let body = if error.code == "front-matter-missing" { 0 } else { length };
                (Front::Unusable(error), body..length)
            }
        };
        Self { path: file.path, source, not_utf8, front, body }
    }

    /// The text below the front matter.
    pub(super) fn body(&self) -> &str {
        &self.source.text[self.body.clone()]
    }

    /// The front matter, where there is one.
    pub(super) fn front_matter(&self) -> Option<&FrontMatter> {
        match &self.front {
            Front::Read(front) => Some(front),
            Front::Unusable(_) => None,
        }
    }

    /// The first entry with this key.
    pub(super) fn entry(&self, key: &str) -> Option<&(Node, Node)> {
        self.front_matter()?
            .entries
            .iter()
            .find(|(name, _)| matches!(&name.value, Value::Text(name) if name == key))
    }

    /// A text of the front matter, trimmed, and its place; nothing where it is empty.
    pub(super) fn declared(&self, key: &str) -> Option<(&str, Range<usize>)> {
        match &self.entry(key)?.1 {
            Node { value: Value::Text(text), span } if !text.trim().is_empty() => {
                Some((text.trim(), span.clone()))
            }
            _ => None,
        }
    }

    /// The entries of a list in the front matter.
    pub(super) fn list(&self, key: &str) -> &[Node] {
        match self.entry(key) {
            Some((_, Node { value: Value::List(list), .. })) => list,
            _ => &[],
        }
    }
}

/// A value of a mapping.
pub(super) fn member<'n>(node: &'n Node, key: &str) -> Option<&'n Node> {
    let Value::Map(entries) = &node.value else { return None };
    let named = |name: &Node| matches!(&name.value, Value::Text(name) if name == key);
    entries.iter().find(|(name, _)| named(name)).map(|(_, value)| value)
}

/// A text of a mapping, trimmed.
pub(super) fn member_text<'n>(node: &'n Node, key: &str) -> Option<&'n str> {
    match &member(node, key)?.value {
        Value::Text(text) if !text.trim().is_empty() => Some(text.trim()),
        _ => None,
    }
}

/// UTF-8 as it is; anything else as Windows-1252, which every byte sequence can be.
fn decoded(bytes: &[u8]) -> (Cow<'_, str>, Option<(usize, u8)>) {
    match str::from_utf8(bytes) {
        Ok(text) => (Cow::Borrowed(text), None),
        Err(error) => {
            let sound = error.valid_up_to();
            let text: String = bytes.iter().map(|&byte| windows_1252::character(byte)).collect();
            let at =
                bytes[..sound].iter().map(|&byte| windows_1252::character(byte).len_utf8()).sum();
            (Cow::Owned(text), Some((at, bytes[sound])))
        }
    }
}

/// Reads the front matter strictly, and entry by entry where that fails.
fn entries(text: &str, parts: &Parts) -> FrontMatter {
    let yaml = &text[parts.yaml.clone()];
    let base = parts.yaml.start;
    let mut front = FrontMatter {
        fence: parts.fence.clone(),
        yaml: parts.yaml.clone(),
        ..FrontMatter::default()
    };
    match yaml::parse(yaml) {
        Ok(Node { value: Value::Map(entries), .. }) => {
            front.entries =
                entries.into_iter().map(|(k, v)| (shifted(k, base), shifted(v, base))).collect();
        }
        Ok(Node { value: Value::Null, .. }) => {}
        Ok(other) => {
            let message = format!("a mapping is needed, this is {}", other.value.kind());
            let help = Some("write `key: value` lines");
            front.not_yaml = Some(NotYaml { message, offset: base + other.span.start, help });
        }
        Err(wrong) => {
            for chunk in chunks(yaml) {
                read_chunk(yaml, &chunk, base, &mut front);
            }
            front.not_yaml = Some(NotYaml { offset: base + wrong.offset, ..wrong });
        }
    }
    front
}

fn read_chunk(yaml: &str, chunk: &Chunk, base: usize, front: &mut FrontMatter) {
    let why = match yaml::parse(&yaml[chunk.span.clone()]) {
        Ok(Node { value: Value::Map(entries), .. }) => {
            let by = base + chunk.span.start;
            let placed = entries.into_iter().map(|(k, v)| (shifted(k, by), shifted(v, by)));
            front.entries.extend(placed);
            return;
        }
        Ok(other) => format!("this is {}", other.value.kind()),
        Err(wrong) => wrong.message,
    };
    let key = yaml[chunk.key.clone()].to_owned();
    let value = meant(&yaml[chunk.key.end + 1..chunk.span.end]);
    let start = chunk.span.start + (chunk.key.end - chunk.key.start) + 1;
    let first = yaml[start..chunk.span.end].len() - yaml[start..chunk.span.end].trim_start().len();
    let name = Node {
        value: Value::Text(key.clone()),
        span: base + chunk.key.start..base + chunk.key.end,
    };
    let place = base + (start + first).min(chunk.span.end)..base + chunk.span.end;
    front.entries.push((name, Node { value: Value::Text(value.clone()), span: place }));
    front.broken.push(Broken {
        key,
        value,
        why,
        span: base + chunk.span.start..base + chunk.span.end,
    });
}

fn shifted(node: Node, by: usize) -> Node {
    let value = match node.value {
        Value::List(list) => {
            Value::List(list.into_iter().map(|entry| shifted(entry, by)).collect())
        }
        Value::Map(map) => Value::Map(
            map.into_iter().map(|(key, value)| (shifted(key, by), shifted(value, by))).collect(),
        ),
        plain @ (Value::Null | Value::Text(_)) => plain,
    };
    Node { value, span: node.span.start + by..node.span.end + by }
}

/// The text of a broken value as its author saw it: lines joined, one pair of outer quotes dropped.
fn meant(text: &str) -> String {
    let joined = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let unmarked = joined
        .strip_prefix(['|', '>'])
        .map_or(joined.as_str(), |rest| rest.trim_start_matches(['-', '+']).trim_start());
    let unquoted = ['"', '\'']
        .iter()
        .find_map(|&quote| unmarked.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote)));
    unquoted.unwrap_or(unmarked).trim().to_owned()
}

/// A top-level entry by its lines: `key: rest`, and what follows until the next one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Chunk {
    pub(super) key: Range<usize>,
    /// Key and value, without the line end.
    pub(super) span: Range<usize>,
}

/// Splits a front matter into its top-level entries without regard to YAML's finer rules.
pub(super) fn chunks(yaml: &str) -> Vec<Chunk> {
    let mut chunks: Vec<Chunk> = Vec::new();
    let mut offset = 0;
    for (full, told) in yaml.split_inclusive('\n').zip(front_matter::inside_examples(yaml)) {
        let line = full.trim_end();
        let end = offset + line.len();
        if let Some(length) = key_length(line).filter(|_| !told || chunks.is_empty()) {
            chunks.push(Chunk { key: offset..offset + length, span: offset..end });
        } else if !line.is_empty()
            && !line.starts_with('#')
            && let Some(last) = chunks.last_mut()
        {
            last.span.end = end;
        }
        offset += full.len();
    }
    chunks
}

/// The length of the key that a line begins with.
fn key_length(line: &str) -> Option<usize> {
    let length = line.find(':')?;
    let (key, rest) = (&line[..length], &line[length + 1..]);
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
    let sound = key.starts_with(|c: char| c.is_alphabetic() || c == '_') && key.chars().all(plain);
    (sound && (rest.is_empty() || rest.starts_with([' ', '\t']))).then_some(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(bytes: &[u8]) -> Document<'_> {
        Document::new(&LintFile { path: "x.md", bytes })
    }

    #[test]
    fn one_broken_entry_does_not_hide_the_others() {
        let text = "---\nname: x-y\ndescription: Use for: all\n  that: comes\ntools: [a,\n b\n]\n# note\nmodel: *m\n---\nYou.";
        let document = document(text.as_bytes());
        assert_eq!(document.declared("name").map(|(name, _)| name), Some("x-y"));
        assert_eq!(
            document.declared("description").map(|(value, span)| (value, &text[span])),
            Some(("Use for: all that: comes", "Use for: all\n  that: comes"))
        );
        assert_eq!(document.list("tools").len(), 2);
        let front = document.front_matter().expect("closed");
        let broken: Vec<_> = front.broken.iter().map(|broken| &text[broken.span.clone()]).collect();
        assert_eq!(broken, ["description: Use for: all\n  that: comes", "model: *m"]);
        assert_eq!(document.body(), "You.");
    }

    #[test]
    fn the_value_that_was_meant_has_no_outer_quotes() {
        assert_eq!(meant(" \"say \"hi\" now\"\n"), "say \"hi\" now");
        assert_eq!(meant(" >-\n  a: b\n  c"), "a: b c");
        assert_eq!(meant(" *all*"), "*all*");
        assert_eq!(meant(" \""), "\"");
    }

    #[test]
    fn other_bytes_are_read_as_windows_1252() {
        let document = document(b"---\nname: x\n---\nna\xefve \x93q\x94 \xc3\xbc");
        assert_eq!(document.body(), "naïve “q” Ã¼");
        let (at, byte) = document.not_utf8.expect("seen");
        assert_eq!((document.source.position(at), byte), ((4, 3), 0xef));
    }
}
