//! What must come of a test.

use std::ops::Range;

use indexmap::IndexMap;

use super::Placed;
use crate::{
    codes,
    compile::fields,
    test_language::{AMOUNT, EXPECT, JUDGED, STEP_EXPECT},
    yaml::{Kind, Map, Node, Sink, with_help},
};

/// Where a step can stand at the end of a run, each as a test file and a journal write it.
pub const STATES: [&str; 5] = ["succeeded", "failed", "skipped", "waiting", "awaiting_approval"];

/// The forms in which a handoff can arrive.
const FORMS: [&str; 4] = ["full", "brief", "unavailable", "none"];

/// How a run ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunEnd {
    /// Every step that it cannot do without is finished.
    Succeeded,
    /// A step failed, or a cap was reached.
    Failed,
    /// A person is asked, and is away.
    Waiting,
}

/// What must come of a test. What it does not say may be as it is, but that the run has to succeed.
#[derive(Debug, Clone, Default)]
pub struct Expectation {
    /// How the run ends; it succeeds where nothing is said.
    pub run: Option<Placed<RunEnd>>,
    /// What the outputs are.
    pub outputs: IndexMap<String, Placed<Vec<Judged>>>,
    /// What becomes of steps.
    pub steps: IndexMap<String, StepExpectation>,
    /// Requests sent, retries included.
    pub calls: Option<Placed<Amount>>,
    /// Tokens used up.
    pub tokens: Option<Placed<Amount>>,
}

/// What must become of a step.
#[derive(Debug, Clone)]
pub struct StepExpectation {
    /// Where the file names the step.
    pub name: Range<usize>,
    /// Where it stands in the end, one of [`STATES`].
    pub state: Option<Placed<String>>,
    /// Who works in it.
    pub persona: Option<Placed<String>>,
    /// Its deliverable.
    pub text: Vec<Judged>,
    /// The user message of its draft.
    pub prompt: Vec<Judged>,
    /// The system prompt of its draft.
    pub system: Vec<Judged>,
    /// What it says of its failure.
    pub failure: Vec<Judged>,
    /// In which form the handoff of each need arrives: `full`, `brief`, `unavailable` or `none`.
    pub handoffs: IndexMap<String, Placed<String>>,
    /// Requests sent for it, retries included.
    pub calls: Option<Placed<Amount>>,
}

/// How a text is judged.
#[derive(Debug, Clone)]
pub struct Judged {
    /// Where the file says it.
    pub span: Range<usize>,
    /// What is wanted.
    pub measure: Measure,
}

/// What is wanted of a text.
#[derive(Debug, Clone)]
pub enum Measure {
    /// It is this, white space at its end aside.
    Equals(String),
    /// This stands in it.
    Contains(String),
    /// This does not stand in it.
    Lacks(String),
    /// It matches this regular expression somewhere.
    Matches(regex::Regex),
}

/// How many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Amount {
    /// Not fewer.
    pub at_least: u64,
    /// Not more.
    pub at_most: u64,
}

/// Reads `expect:`.
pub(super) fn read(sink: &mut Sink<'_>, node: &Node) -> Expectation {
    let mut expect = Expectation::default();
    let Some(map) = fields::map(sink, node, "`expect`", &EXPECT) else { return expect };
    expect.run = map.get("run").and_then(|entry| {
        let word = word(sink, &entry.value, "`run`", &["succeeded", "failed", "waiting"])?;
        let value = match word.value.as_str() {
            "failed" => RunEnd::Failed,
            "waiting" => RunEnd::Waiting,
            _ => RunEnd::Succeeded,
        };
        Some(Placed { value, span: word.span })
    });
    if let Some(entry) = map.get("outputs")
        && let Some(outputs) = fields::any_map(sink, &entry.value, "`outputs`")
    {
        for (name, entry) in &outputs.entries {
            let value = judged(sink, &entry.value, &format!("output `{name}`"));
            expect.outputs.insert(name.clone(), Placed { value, span: entry.key.span.clone() });
        }
    }
    if let Some(entry) = map.get("steps")
        && let Some(steps) = fields::any_map(sink, &entry.value, "`steps`")
    {
        for (name, entry) in &steps.entries {
            let step = step(sink, &entry.value, name, entry.key.span.clone());
            expect.steps.insert(name.clone(), step);
        }
    }
    expect.calls = map.get("calls").and_then(|entry| amount(sink, &entry.value, "`calls`"));
    expect.tokens = map.get("tokens").and_then(|entry| amount(sink, &entry.value, "`tokens`"));
    expect
}

fn step(sink: &mut Sink<'_>, node: &Node, name: &str, at: Range<usize>) -> StepExpectation {
    let mut step = StepExpectation {
        name: at,
        state: None,
        persona: None,
        text: Vec::new(),
        prompt: Vec::new(),
        system: Vec::new(),
        failure: Vec::new(),
        handoffs: IndexMap::new(),
        calls: None,
    };
    let what = format!("step `{name}`");
    if !matches!(node.kind, Kind::Map(_)) {
        step.state = word(sink, node, &what, &STATES);
        return step;
    }
    let Some(map) = fields::map(sink, node, &what, &STEP_EXPECT) else { return step };
    step.state = map.get("state").and_then(|entry| word(sink, &entry.value, "`state`", &STATES));
    step.persona = map
        .get("persona")
        .and_then(|entry| fields::text(sink, &entry.value, "`persona`").map(Placed::from));
    let mut of = |key: &str| {
        let entry = map.get(key)?;
        Some(judged(sink, &entry.value, &format!("`{key}`")))
    };
    step.text = of("text").unwrap_or_default();
    step.prompt = of("prompt").unwrap_or_default();
    step.system = of("system").unwrap_or_default();
    step.failure = of("failure").unwrap_or_default();
    step.handoffs =
        map.get("handoffs").map(|entry| handoffs(sink, &entry.value)).unwrap_or_default();
    step.calls = map.get("calls").and_then(|entry| amount(sink, &entry.value, "`calls`"));
    step
}

fn handoffs(sink: &mut Sink<'_>, node: &Node) -> IndexMap<String, Placed<String>> {
    let mut handoffs = IndexMap::new();
    let Some(map) = fields::any_map(sink, node, "`handoffs`") else { return handoffs };
    for (need, entry) in &map.entries {
        if let Some(form) = word(sink, &entry.value, &format!("the handoff of `{need}`"), &FORMS) {
            // The place of the need's name, for a step that is none of the needs.
            handoffs
                .insert(need.clone(), Placed { value: form.value, span: entry.key.span.clone() });
        }
    }
    handoffs
}

/// One of a few words.
fn word(sink: &mut Sink<'_>, node: &Node, what: &str, words: &[&str]) -> Option<Placed<String>> {
    let text = fields::text(sink, node, what)?;
    if words.contains(&text.text.as_str()) {
        return Some(text.into());
    }
    let message = format!("{what} is one of {}, not `{}`", words.join(", "), text.text);
    let problem = sink.error(codes::BAD_VALUE, &text.span, message);
    let help = sink.advice(&text.text, words.iter().copied());
    sink.push(with_help(problem, help));
    None
}

/// How a text is judged: a plain text is what it has to be.
fn judged(sink: &mut Sink<'_>, node: &Node, what: &str) -> Vec<Judged> {
    if !matches!(node.kind, Kind::Map(_)) {
        let text = fields::text(sink, node, what);
        let equals =
            text.map(|text| Judged { span: text.span, measure: Measure::Equals(text.text) });
        return equals.into_iter().collect();
    }
    let Some(map) = fields::map(sink, node, what, &JUDGED) else { return Vec::new() };
    if map.entries.is_empty() {
        let help = "write `contains: text`, `lacks: text`, `equals: text` or `matches: pattern`";
        fields::missing_key(sink, &node.span, format!("nothing is wanted of {what}"), help);
    }
    let mut all = Vec::new();
    for (key, make) in MEASURES {
        for node in several(map, key) {
            if let Some(text) = fields::text(sink, node, &format!("`{key}`"))
                && let Some(measure) = make(sink, &text.text, node)
            {
                all.push(Judged { span: text.span, measure });
            }
        }
    }
    all
}

type Make = fn(&mut Sink<'_>, &str, &Node) -> Option<Measure>;

const MEASURES: [(&str, Make); 4] = [
    ("equals", |_, text, _| Some(Measure::Equals(text.to_owned()))),
    ("contains", |_, text, _| Some(Measure::Contains(text.to_owned()))),
    ("lacks", |_, text, _| Some(Measure::Lacks(text.to_owned()))),
    ("matches", pattern),
];

fn pattern(sink: &mut Sink<'_>, text: &str, node: &Node) -> Option<Measure> {
    match regex::RegexBuilder::new(text).multi_line(true).size_limit(1 << 20).build() {
        Ok(pattern) => Some(Measure::Matches(pattern)),
        Err(error) => {
            let last = error.to_string();
            let last = last.lines().last().unwrap_or_default().trim_start_matches("error: ");
            let message = format!("`matches` is no regular expression: {last}");
            let problem = sink.error(codes::BAD_VALUE, &node.span, message);
            sink.push(problem.help("to look for a text as it is, write `contains`"));
            None
        }
    }
}

/// The values under a key: one, or a list of them.
fn several<'n>(map: &'n Map, key: &str) -> Vec<&'n Node> {
    match map.get(key).map(|entry| (&entry.value, &entry.value.kind)) {
        None => Vec::new(),
        Some((_, Kind::List(items))) => items.iter().collect(),
        Some((node, _)) => vec![node],
    }
}

/// A number, or a map of bounds.
fn amount(sink: &mut Sink<'_>, node: &Node, what: &str) -> Option<Placed<Amount>> {
    const MOST: i64 = 4_000_000_000;
    let span = node.span.clone();
    if !matches!(node.kind, Kind::Map(_)) {
        let exactly = u64::from(fields::integer(sink, node, what, 0..=MOST)?);
        return Some(Placed { value: Amount { at_least: exactly, at_most: exactly }, span });
    }
    let map = fields::map(sink, node, what, &AMOUNT)?;
    let mut bound = |key: &str| {
        let entry = map.get(key)?;
        fields::integer(sink, &entry.value, &format!("`{key}`"), 0..=MOST).map(u64::from)
    };
    let (at_least, at_most) = (bound("at_least"), bound("at_most"));
    let value = Amount { at_least: at_least.unwrap_or(0), at_most: at_most.unwrap_or(u64::MAX) };
    Some(Placed { value, span })
}
