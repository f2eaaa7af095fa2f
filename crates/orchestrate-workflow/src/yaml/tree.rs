//! The tree: events of the YAML parser to nodes with byte spans.

use std::{collections::BTreeMap, ops::Range, sync::Arc};

use granit_parser::{Event, Parser, ScalarStyle, Span};
use indexmap::IndexMap;
use orchestrate_core::diagnostic::Source;

use super::{Sink, problem};
use crate::codes;

/// Maps and lists in each other; a plan needs five.
const MOST_NESTED: usize = 64;
/// Nodes that aliases may repeat in all.
const MOST_REPEATED: usize = 100_000;
/// Bytes of text that aliases may repeat in all.
const MOST_REPEATED_BYTES: usize = 4 << 20;

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Node {
    /// Its bytes in the source; for a map or list its first character, or all of a one-line one.
    pub(crate) span: Range<usize>,
    pub(crate) kind: Kind,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    Scalar(Scalar),
    List(Vec<Node>),
    Map(Map),
    /// Something already reported, about which nothing more is to be said.
    Broken,
}

/// A scalar as it was written and as it reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Scalar {
    pub(crate) text: String,
    pub(crate) style: Style,
}

/// How a scalar is written, as far as it matters for its meaning and for places inside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// Not quoted: may be a number, a boolean or nothing.
    Plain,
    SingleQuoted,
    DoubleQuoted,
    /// `|` or `>`, or tagged `!!str`.
    Text,
}

/// A map with its entries in the order of the file; the first of equal keys counts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Map {
    pub(crate) entries: IndexMap<String, Entry>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) key: Text,
    pub(crate) value: Node,
}

/// A text and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Text {
    pub(crate) text: String,
    pub(crate) span: Range<usize>,
}

impl Map {
    pub(crate) fn get(&self, key: &str) -> Option<&Entry> {
        self.entries.get(key)
    }
}

impl Scalar {
    /// Whether YAML reads it as "nothing".
    pub(crate) fn is_null(&self) -> bool {
        self.style == Style::Plain
            && matches!(self.text.as_str(), "" | "~" | "null" | "Null" | "NULL")
    }

    /// The boolean it is under the YAML 1.2 core schema: `no` and `off` are texts.
    pub(crate) fn as_bool(&self) -> Option<bool> {
        match self.text.as_str() {
            _ if self.style != Style::Plain => None,
            "true" | "True" | "TRUE" => Some(true),
            "false" | "False" | "FALSE" => Some(false),
            _ => None,
        }
    }

    /// The whole number it is; outside 64 bits it is `None`.
    pub(crate) fn as_integer(&self) -> Option<i64> {
        if self.style != Style::Plain {
            return None;
        }
        if let Some(digits) = self.text.strip_prefix("0x") {
            return i64::from_str_radix(digits, 16)
                .ok()
                .filter(|_| !digits.starts_with(['+', '-']));
        }
        if let Some(digits) = self.text.strip_prefix("0o") {
            return i64::from_str_radix(digits, 8).ok().filter(|_| !digits.starts_with(['+', '-']));
        }
        self.text.parse().ok()
    }

    /// The finite number it is.
    pub(crate) fn as_number(&self) -> Option<f64> {
        if let Some(integer) = self.as_integer() {
            // Settings and defaults this large are out of every range anyway.
            #[expect(clippy::cast_precision_loss, reason = "a number input is a float")]
            return Some(integer as f64);
        }
        let numeric = self.text.bytes().any(|b| b.is_ascii_digit())
            && self.text.bytes().all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b));
        if self.style != Style::Plain || !numeric {
            return None;
        }
        self.text.parse().ok().filter(|number: &f64| number.is_finite())
    }
}

impl Node {
    /// The place of what is found below these names and numbers, as far as there is something.
    pub(crate) fn place(&self, path: &[String]) -> &Range<usize> {
        let Some((first, rest)) = path.split_first() else { return &self.span };
        let below = match &self.kind {
            Kind::List(items) => first.parse().ok().and_then(|at: usize| items.get(at)),
            Kind::Map(map) => map.get(first).map(|entry| &entry.value),
            Kind::Scalar(_) | Kind::Broken => None,
        };
        below.map_or(&self.span, |below| below.place(rest))
    }

    /// What it is, in words for a message.
    pub(crate) fn describe(&self) -> &'static str {
        match &self.kind {
            Kind::List(_) => "a list",
            Kind::Map(_) => "a map",
            Kind::Broken => "something broken",
            Kind::Scalar(scalar) if scalar.is_null() => "nothing",
            Kind::Scalar(scalar) if scalar.as_bool().is_some() => "a boolean",
            Kind::Scalar(scalar) if scalar.as_number().is_some() => "a number",
            Kind::Scalar(_) => "a text",
        }
    }
}

/// What a source is read as, for what is said where it holds nothing or too much.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Holds {
    /// What it holds, such as "a workflow".
    pub(crate) what: &'static str,
    /// How that begins.
    pub(crate) example: &'static str,
}

impl Holds {
    pub(crate) const WORKFLOW: Self = Self {
        what: "workflow",
        example: "a workflow starts with `workflow: a-name` and has `steps:`",
    };
    pub(crate) const INPUTS: Self =
        Self { what: "inputs", example: "write a line `name: value` for each input" };
    pub(crate) const SCHEMA: Self = Self {
        what: "schema",
        example: "a JSON Schema is a map: `type: object`, and its `properties` below",
    };
    pub(crate) const TESTS: Self =
        Self { what: "tests", example: "a test file has `tests:` and below it tests by name" };
    pub(crate) const VALUE: Self =
        Self { what: "value", example: "write a list, `[a, b]`, or a map, `{ name: value }`" };
}

/// Reads the one document of a source. Mistakes that leave a tree behind are reported with it; where
/// the text is no YAML there is one error and no tree.
pub(crate) fn read(sink: &mut Sink<'_>, holds: Holds) -> Option<Node> {
    let source = sink.source();
    let mut builder = Builder {
        source: &source.text,
        parser: parser(&source.text),
        anchors: BTreeMap::new(),
        repeated: 0,
        repeated_bytes: 0,
        holds,
        sink,
    };
    match builder.document() {
        Ok(root) => root,
        Err(Stop::Syntax(error)) => {
            let problem = problem::explain(source, &error);
            sink.push_new(problem);
            None
        }
        Err(Stop::Reported) => None,
    }
}

fn parser(text: &str) -> Parser<'_, granit_parser::StrInput<'_>> {
    let mut options = granit_parser::options! {
        disallow_directives: true,
        flow_nesting_limit: MOST_NESTED,
        block_nesting_limit: MOST_NESTED,
    };
    options.set_emit_comments(false);
    Parser::new_from_str_with_options(text, options)
}

/// The scalars under these keys of the top-level map, as far as the text can be read.
pub(crate) fn first_level(source: &Source, keys: [&str; 2]) -> [Option<String>; 2] {
    let mut found = [None, None];
    let (mut depth, mut key, mut at_key) = (0_usize, None, true);
    for event in parser(&source.text) {
        let Ok((event, _)) = event else { break };
        match event {
            Event::MappingStart(..) | Event::SequenceStart(..) => depth += 1,
            Event::MappingEnd | Event::SequenceEnd => {
                depth = depth.saturating_sub(1);
                if depth == 1 {
                    at_key = !at_key;
                    key = None;
                }
            }
            Event::Scalar(text, ..) if depth == 1 => {
                if at_key {
                    key = keys.iter().position(|wanted| *wanted == text);
                } else if let Some(slot) = key.take()
                    && found[slot].is_none()
                {
                    found[slot] = Some(text.into_owned());
                }
                at_key = !at_key;
            }
            Event::Alias(_) if depth == 1 => {
                at_key = !at_key;
                key = None;
            }
            _ => {}
        }
    }
    found
}

enum Stop {
    Syntax(granit_parser::ScanError),
    Reported,
}

/// A node that an alias may repeat.
struct Anchored {
    node: Arc<Node>,
    nodes: usize,
    bytes: usize,
}

struct Builder<'s, 'k, 'd> {
    source: &'s str,
    parser: Parser<'s, granit_parser::StrInput<'s>>,
    anchors: BTreeMap<usize, Anchored>,
    repeated: usize,
    repeated_bytes: usize,
    holds: Holds,
    sink: &'k mut Sink<'d>,
}

impl<'s> Builder<'s, '_, '_> {
    fn next(&mut self) -> Result<Option<(Event<'s>, Range<usize>)>, Stop> {
        match self.parser.next_event() {
            None => Ok(None),
            Some(Err(error)) => Err(Stop::Syntax(error)),
            Some(Ok((event, span))) => {
                self.report_tag(&event, &span);
                Ok(Some((event, self.range(&span))))
            }
        }
    }

    fn range(&self, span: &Span) -> Range<usize> {
        let range = span.byte_range().unwrap_or_default();
        let end = range.end.min(self.source.len());
        range.start.min(end)..end
    }

    /// Reports a tag that the language does not have.
    fn report_tag(&mut self, event: &Event<'s>, span: &Span) {
        if let Some(tag) = event.tag().filter(|tag| tag.core_suffix().is_none()) {
            let place = self.range(&span.tag_span().unwrap_or(*span));
            let message = format!("the tag `{}` means nothing here", tag.original());
            let problem = self.sink.error(codes::UNKNOWN_TAG, &place, message);
            self.sink.push(problem.help("remove it; quote a text that starts with `!`"));
        }
    }

    fn document(&mut self) -> Result<Option<Node>, Stop> {
        let mut root = None;
        while let Some((event, span)) = self.next()? {
            match event {
                Event::StreamEnd => break,
                Event::DocumentStart(..) if root.is_some() => {
                    let message = "a second YAML document begins here";
                    let help = "one document is read: remove the `---`";
                    let problem = self.sink.error(codes::SEVERAL_DOCUMENTS, &span, message);
                    self.sink.push(problem.help(help));
                    return Err(Stop::Reported);
                }
                Event::Scalar(..)
                | Event::SequenceStart(..)
                | Event::MappingStart(..)
                | Event::Alias(_) => root = Some(self.node(event, span)?),
                _ => {}
            }
        }
        if root.is_none() {
            let message = format!("the file holds no {}", self.holds.what);
            let problem = self.sink.error(codes::EMPTY_FILE, &(0..0), message);
            self.sink.push(problem.help(self.holds.example));
        }
        Ok(root)
    }

    fn node(&mut self, event: Event<'s>, span: Range<usize>) -> Result<Node, Stop> {
        let start = span.start;
        let (node, anchor) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                let implied = span.is_empty() && style == ScalarStyle::Plain;
                let text = if implied { String::new() } else { text.into_owned() };
                let mut style = match style {
                    ScalarStyle::Plain => Style::Plain,
                    ScalarStyle::SingleQuoted => Style::SingleQuoted,
                    ScalarStyle::DoubleQuoted => Style::DoubleQuoted,
                    _ => Style::Text,
                };
                let tagged = tag.as_ref().is_some_and(|tag| tag.core_suffix() == Some("str"));
                if tagged && style == Style::Plain {
                    style = Style::Text;
                }
                (Node { span, kind: Kind::Scalar(Scalar { text, style }) }, anchor)
            }
            Event::SequenceStart(_, anchor, _) => {
                let mut items = Vec::new();
                let end = loop {
                    match self.next()? {
                        Some((Event::SequenceEnd, end)) => break end,
                        Some((event, span)) if event.is_node() => {
                            items.push(self.node(event, span)?);
                        }
                        Some(_) => {}
                        None => return Err(Stop::Reported),
                    }
                };
                (Node { span: self.collection_span(start, &end), kind: Kind::List(items) }, anchor)
            }
            Event::MappingStart(_, anchor, _) => (self.map(start)?, anchor),
            Event::Alias(id) => (self.alias(id, span)?, 0),
            _ => (Node { span, kind: Kind::Broken }, 0),
        };
        if anchor != 0 {
            let (nodes, bytes) = size(&node);
            self.repeat(nodes, bytes, &node.span)?;
            self.anchors.insert(anchor, Anchored { node: Arc::new(node.clone()), nodes, bytes });
        }
        Ok(node)
    }

    fn map(&mut self, start: usize) -> Result<Node, Stop> {
        let mut map = Map::default();
        let mut broken = false;
        let end = loop {
            let (event, span) = match self.next()? {
                Some((Event::MappingEnd, end)) => break end,
                Some((event, span)) if event.is_node() => (event, span),
                Some(_) => continue,
                None => return Err(Stop::Reported),
            };
            let key = self.node(event, span)?;
            let value = loop {
                match self.next()? {
                    Some((event, span)) if event.is_node() => break self.node(event, span)?,
                    Some(_) => {}
                    None => return Err(Stop::Reported),
                }
            };
            match key.kind {
                Kind::Scalar(Scalar { text, .. }) => self.insert(&mut map, text, key.span, value),
                Kind::Broken => broken = true,
                Kind::List(_) | Kind::Map(_) => {
                    broken = true;
                    self.report_key(start, &key);
                }
            }
        };
        let span = self.collection_span(start, &end);
        let kind = if broken { Kind::Broken } else { Kind::Map(map) };
        Ok(Node { span, kind })
    }

    fn insert(&mut self, map: &mut Map, text: String, span: Range<usize>, value: Node) {
        if let Some(first) = map.get(&text) {
            let problem = self
                .sink
                .error(codes::DUPLICATE_KEY, &span, format!("the key `{text}` stands here twice"))
                .at(self.sink.source(), first.key.span.clone(), "first here")
                .help("rename one of them, or bring both together");
            self.sink.push(problem);
            return;
        }
        map.entries.insert(text.clone(), Entry { key: Text { text, span }, value });
    }

    /// A key that is a map is almost always a template that should have been quoted.
    fn report_key(&mut self, start: usize, key: &Node) {
        let problem = if self.source[start..].starts_with("{{") {
            problem::unquoted_template(self.sink.source(), start)
        } else {
            self.sink
                .error(
                    codes::KEY_NOT_TEXT,
                    &key.span,
                    format!("a key is a text, not {}", key.describe()),
                )
                .help("write `key: value`")
        };
        self.sink.push(problem);
    }

    fn alias(&mut self, id: usize, span: Range<usize>) -> Result<Node, Stop> {
        let Some(anchored) = self.anchors.get(&id) else {
            let message = "this alias stands inside the node that it repeats";
            let problem = self.sink.error(codes::CIRCULAR_ALIAS, &span, message);
            self.sink.push(problem.help("write the node out"));
            return Ok(Node { span, kind: Kind::Broken });
        };
        let (node, nodes, bytes) = (Arc::clone(&anchored.node), anchored.nodes, anchored.bytes);
        self.repeat(nodes, bytes, &span)?;
        Ok(Node::clone(&node))
    }

    /// Counts what anchors and aliases copy; beyond the limit the file is refused.
    fn repeat(&mut self, nodes: usize, bytes: usize, span: &Range<usize>) -> Result<(), Stop> {
        self.repeated += nodes;
        self.repeated_bytes += bytes;
        if self.repeated <= MOST_REPEATED && self.repeated_bytes <= MOST_REPEATED_BYTES {
            return Ok(());
        }
        let message = format!("aliases repeat more than {MOST_REPEATED} values or 4 MiB of text");
        let problem = self.sink.error(codes::TOO_MANY_ALIASES, span, message);
        self.sink.push(problem.help("write a program that writes the file, or fewer aliases"));
        Err(Stop::Reported)
    }

    /// All of a collection on one line, else its first character.
    fn collection_span(&self, start: usize, end: &Range<usize>) -> Range<usize> {
        let whole = start..end.end.max(start);
        match self.source.get(whole.clone()) {
            Some(text) if !text.contains('\n') => whole,
            _ => start..start + self.source[start..].chars().next().map_or(0, char::len_utf8),
        }
    }
}

/// Nodes and bytes of text in a tree.
fn size(node: &Node) -> (usize, usize) {
    match &node.kind {
        Kind::Scalar(scalar) => (1, scalar.text.len()),
        Kind::Broken => (1, 0),
        Kind::List(items) => items.iter().map(size).fold((1, 0), add),
        Kind::Map(map) => map
            .entries
            .values()
            .map(|entry| add(size(&entry.value), (1, entry.key.text.len())))
            .fold((1, 0), add),
    }
}

fn add(left: (usize, usize), right: (usize, usize)) -> (usize, usize) {
    (left.0 + right.0, left.1 + right.1)
}
