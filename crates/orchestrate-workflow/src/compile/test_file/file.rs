//! A whole test file.

use std::{ops::Range, sync::Arc};

use indexmap::IndexMap;
use orchestrate_core::diagnostic::{Diagnostic, Source};

use super::{
    decision::{self, DecisionScript},
    expect::{self, Expectation},
    reply::{self, Script},
};
use crate::{
    Given, codes,
    compile::{MAX_SOURCE_BYTES, fields},
    inputs::written_entry,
    test_language::{INPUT_FILE, TEST, TESTS},
    yaml::{Entry, Holds, Kind, Map, Node, Sink, Text, read},
};

/// The most tests of one file.
const MOST_TESTS: usize = 1_000;

/// A value and where its file says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed<T> {
    /// The value.
    pub value: T,
    /// Its bytes in the source.
    pub span: Range<usize>,
}

impl From<Text> for Placed<String> {
    fn from(text: Text) -> Self {
        Self { value: text.text, span: text.span }
    }
}

/// The tests of one workflow.
#[derive(Debug)]
pub struct TestFile {
    /// The file.
    pub source: Arc<Source>,
    /// The workflow that it tests, by name or path; without it, the file beside it.
    pub workflow: Option<Placed<String>>,
    /// The tests in the order of the file.
    pub tests: Vec<TestCase>,
}

/// One test: inputs, the personas' replies, and what must come of them.
#[derive(Debug, Clone)]
pub struct TestCase {
    /// What it is called.
    pub name: Placed<String>,
    /// The values of inputs, by name.
    pub inputs: IndexMap<String, Given>,
    /// The files of inputs of type `file`, by the input's name.
    pub files: IndexMap<String, Placed<InputFile>>,
    /// What is answered, by step or call.
    pub replies: IndexMap<String, Script>,
    /// What people decide, by the step that asks them.
    pub decisions: IndexMap<String, DecisionScript>,
    /// What must come of it.
    pub expect: Expectation,
}

/// The file of an input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InputFile {
    /// A file beside the test file, by its path from there.
    Path(String),
    /// A text that stands in the test file.
    Text {
        /// What the file is called.
        name: String,
        /// Its text.
        text: String,
    },
}

/// What every test of a file begins with.
#[derive(Default)]
struct Shared {
    inputs: IndexMap<String, Given>,
    files: IndexMap<String, Placed<InputFile>>,
    replies: IndexMap<String, Script>,
}

/// Reads a test file. Every mistake is reported; beside mistakes there may be tests, as far as they can be
/// told, so that they can be held against their workflow as well.
pub fn read_tests(source: &Arc<Source>) -> (Option<TestFile>, Vec<Diagnostic>) {
    let mut sink = Sink::new(source);
    let file = if source.text.len() > MAX_SOURCE_BYTES {
        let message = format!("the file has {} bytes, and 4 MiB are the limit", source.text.len());
        let problem = sink.error(codes::FILE_TOO_LARGE, &(0..0), message);
        sink.push(problem.help("give long replies as files: `data: { file: replies/data.md }`"));
        None
    } else {
        read(&mut sink, Holds::TESTS).and_then(|root| tests_of(&mut sink, &root))
    };
    (file, sink.finish())
}

fn tests_of(sink: &mut Sink<'_>, root: &Node) -> Option<TestFile> {
    let map = fields::map(sink, root, "a test file", &TESTS)?;
    let workflow = map.get("workflow");
    let workflow = workflow.and_then(|entry| fields::text(sink, &entry.value, "`workflow`"));
    let shared = shared(sink, map);
    let Some(entry) = map.get("tests") else {
        let help = "add `tests:` and below it, indented, `what it shows: { replies: … }`";
        fields::missing_key(sink, &(0..0), "the file has no tests".to_owned(), help);
        return None;
    };
    let tests = fields::any_map(sink, &entry.value, "`tests`")?;
    if tests.entries.is_empty() || tests.entries.len() > MOST_TESTS {
        let message = format!("a file has 1 to {MOST_TESTS} tests, not {}", tests.entries.len());
        let problem = sink.error(codes::OUT_OF_RANGE, &entry.key.span, message);
        sink.push(problem);
        return None;
    }
    let tests = tests.entries.values().map(|entry| test(sink, entry, &shared)).collect();
    Some(TestFile {
        source: Arc::clone(sink.source()),
        workflow: workflow.map(Placed::from),
        tests,
    })
}

/// The keys that a file and each of its tests may have.
fn shared(sink: &mut Sink<'_>, map: &Map) -> Shared {
    Shared {
        inputs: map.get("inputs").map(|entry| inputs(sink, &entry.value)).unwrap_or_default(),
        files: map.get("files").map(|entry| files(sink, &entry.value)).unwrap_or_default(),
        replies: map
            .get("replies")
            .map(|entry| reply::read(sink, &entry.value))
            .unwrap_or_default(),
    }
}

fn test(sink: &mut Sink<'_>, entry: &Entry, shared_by_all: &Shared) -> TestCase {
    let name = Placed::from(entry.key.clone());
    let what = format!("test `{}`", name.value);
    let mut case = TestCase {
        name,
        inputs: shared_by_all.inputs.clone(),
        files: shared_by_all.files.clone(),
        replies: shared_by_all.replies.clone(),
        decisions: IndexMap::new(),
        expect: Expectation::default(),
    };
    for script in case.replies.values_mut() {
        script.shared = true;
    }
    let Some(map) = fields::map(sink, &entry.value, &what, &TEST) else { return case };
    let own = shared(sink, map);
    case.inputs.extend(own.inputs);
    case.files.extend(own.files);
    case.replies.extend(own.replies);
    if let Some(entry) = map.get("decisions") {
        case.decisions = decision::read(sink, &entry.value);
    }
    if let Some(entry) = map.get("expect") {
        case.expect = expect::read(sink, &entry.value);
    }
    case
}

fn inputs(sink: &mut Sink<'_>, node: &Node) -> IndexMap<String, Given> {
    let Some(map) = fields::any_map(sink, node, "`inputs`") else { return IndexMap::new() };
    let given = map
        .entries
        .iter()
        .map(|(name, entry)| (name.clone(), written_entry(sink.source(), entry.clone())));
    given.collect()
}

fn files(sink: &mut Sink<'_>, node: &Node) -> IndexMap<String, Placed<InputFile>> {
    let mut files = IndexMap::new();
    let Some(map) = fields::any_map(sink, node, "`files`") else { return files };
    for (name, entry) in &map.entries {
        let span = entry.value.span.clone();
        if let Some(value) = input_file(sink, &entry.value) {
            files.insert(name.clone(), Placed { value, span });
        }
    }
    files
}

fn input_file(sink: &mut Sink<'_>, node: &Node) -> Option<InputFile> {
    if !matches!(node.kind, Kind::Map(_)) {
        return fields::text(sink, node, "a file").map(|path| InputFile::Path(path.text));
    }
    let map = fields::map(sink, node, "a file", &INPUT_FILE)?;
    let mut member = |key: &str| {
        let Some(entry) = map.get(key) else {
            let help = "write `{ name: design.md, text: … }`, or a path";
            fields::missing_key(sink, &node.span, format!("the file has no `{key}`"), help);
            return None;
        };
        fields::text(sink, &entry.value, &format!("`{key}`")).map(|text| text.text)
    };
    let (name, text) = (member("name"), member("text"));
    Some(InputFile::Text { name: name?, text: text? })
}
