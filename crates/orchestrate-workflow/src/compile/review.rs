//! `review:`: who judges a step's document, by which gates, and how often.

use indexmap::IndexMap;
use orchestrate_core::{
    flow::When,
    persona::{Gate, GateJudge},
    plan::{OnFail, ReviewSpec},
};

use super::{
    fields,
    file::Catalogue,
    flow,
    persona::check_persona,
    templates::{Known, StepReference},
};
use crate::{
    codes,
    language::{GATE, REVIEW},
    yaml::{Kind, Map, Node, Sink, Text, with_help},
};

/// Rounds where the workflow does not say.
const DEFAULT_ROUNDS: u32 = 2;
/// Rounds at most: each is paid for.
const MOST_ROUNDS: i64 = 5;
/// Reviewers of one document at most.
const MOST_REVIEWERS: usize = 8;
/// Gates that one review adds at most.
const MOST_GATES: usize = 50;

/// Reads `review:`.
pub(super) fn read(
    sink: &mut Sink<'_>,
    node: &Node,
    id: &str,
    catalogue: &dyn Catalogue,
    known: &Known<'_>,
    references: &mut Vec<StepReference>,
) -> Option<Box<ReviewSpec>> {
    let map = fields::map(sink, node, "`review`", &REVIEW)?;
    let condition = map.get("if").map(|entry| {
        let mut found = Vec::new();
        let condition = flow::condition(sink, entry, id, When::All, known, &mut found);
        references
            .extend(found.into_iter().map(|found| StepReference { prints_text: false, ..found }));
        condition
    });
    let reviewers = reviewers(sink, map, node, catalogue);
    let rounds = map.get("rounds").map_or(Some(DEFAULT_ROUNDS), |entry| {
        fields::integer(sink, &entry.value, "`rounds`", 1..=MOST_ROUNDS)
    });
    let on_fail =
        map.get("on_fail").map_or(Some(OnFail::Stop), |entry| on_fail(sink, &entry.value));
    let gates = map.get("gates").map_or(Some(Vec::new()), |entry| gates(sink, &entry.value));
    let (reviewers, rounds, on_fail, gates) = (reviewers?, rounds?, on_fail?, gates?);
    let mut sound = true;
    for reviewer in &reviewers {
        sound &= check_gates(sink, reviewer, &gates, catalogue);
    }
    sound.then(|| {
        Box::new(ReviewSpec {
            condition: condition.flatten(),
            by: reviewers.into_iter().map(|name| name.text).collect(),
            rounds: u16::try_from(rounds).unwrap_or(1),
            on_fail,
            gates: gates.into_iter().map(|(gate, _)| gate).collect(),
        })
    })
}

fn reviewers(
    sink: &mut Sink<'_>,
    map: &Map,
    node: &Node,
    catalogue: &dyn Catalogue,
) -> Option<Vec<Text>> {
    const HELP: &str = "add `by: ml-engineer`, or a list of personas";
    let Some(entry) = map.get("by") else {
        let message = "a review without `by`: who judges?".to_owned();
        fields::missing_key(sink, &node.span, message, HELP);
        return None;
    };
    let nodes = match &entry.value.kind {
        Kind::List(items) => items.as_slice(),
        _ => std::slice::from_ref(&entry.value),
    };
    let mut found: IndexMap<String, Text> = IndexMap::new();
    let mut sound = true;
    for node in nodes {
        let Some(name) = fields::text(sink, node, "`by`") else {
            sound = false;
            continue;
        };
        sound &= check_persona(sink, &name, catalogue);
        if let Some(first) = found.get(&name.text) {
            let problem = sink
                .error(codes::BAD_VALUE, &name.span, format!("`{}` judges twice", name.text))
                .at(sink.source(), first.span.clone(), "first here")
                .help("remove one of them");
            sink.push(problem);
            sound = false;
        } else {
            found.insert(name.text.clone(), name);
        }
    }
    if found.is_empty() && sound || found.len() > MOST_REVIEWERS {
        let message = format!("a review has 1 to {MOST_REVIEWERS} reviewers");
        let problem = sink.error(codes::BAD_VALUE, &entry.value.span, message);
        sink.push(problem.help(HELP));
        return None;
    }
    sound.then(|| found.into_values().collect())
}

fn on_fail(sink: &mut Sink<'_>, node: &Node) -> Option<OnFail> {
    let word = fields::text(sink, node, "`on_fail`")?;
    match word.text.as_str() {
        "stop" => return Some(OnFail::Stop),
        "continue" => return Some(OnFail::Continue),
        "approve" => return Some(OnFail::Approve),
        _ => {}
    }
    let help = sink.advice(&word.text, ["stop", "continue", "approve"]);
    let message = "`on_fail` is `stop`, `continue` or `approve`";
    let problem = sink.error(codes::BAD_VALUE, &word.span, message);
    sink.push(with_help(problem, help));
    None
}

fn gates(sink: &mut Sink<'_>, node: &Node) -> Option<Vec<(Gate, Text)>> {
    const HELP: &str = "write `gates: [{ id: keys, check: Every table has a key }]`";
    let Kind::List(items) = &node.kind else {
        fields::wrong_type(sink, node, "`gates`", "a list of gates", Some(HELP.to_owned()));
        return None;
    };
    if items.len() > MOST_GATES {
        let message = format!("a review has at most {MOST_GATES} gates of its own");
        let problem = sink.error(codes::BAD_VALUE, &node.span, message);
        sink.push(problem);
        return None;
    }
    let mut found: Vec<(Gate, Text)> = Vec::new();
    let mut sound = true;
    for item in items {
        match gate(sink, item) {
            Some((gate, id)) if found.iter().any(|(known, _)| known.id == gate.id) => {
                let message = format!("gate `{}` stands twice", gate.id);
                let problem = sink.error(codes::BAD_VALUE, &id.span, message);
                sink.push(problem.help("give each gate an id of its own"));
                sound = false;
            }
            Some(gate) => found.push(gate),
            None => sound = false,
        }
    }
    sound.then_some(found)
}

fn gate(sink: &mut Sink<'_>, node: &Node) -> Option<(Gate, Text)> {
    let map = fields::map(sink, node, "a gate", &GATE)?;
    let mut text = |key: &str| {
        let Some(entry) = map.get(key) else {
            let message = format!("a gate without `{key}`");
            let help = "write `{ id: keys, check: Every table has a key }`";
            fields::missing_key(sink, &node.span, message, help);
            return None;
        };
        fields::text(sink, &entry.value, &format!("`{key}`"))
    };
    let (id, check) = (text("id"), text("check"));
    let required = map
        .get("required")
        .map_or(Some(true), |entry| fields::boolean(sink, &entry.value, "`required`"));
    let by = map.get("by").map_or(Some(GateJudge::Judge), |entry| {
        let word = fields::text(sink, &entry.value, "`by`")?;
        let judge = match word.text.as_str() {
            "judge" => Some(GateJudge::Judge),
            "human" => Some(GateJudge::Human),
            "command" => Some(GateJudge::Command),
            _ => None,
        };
        if judge.is_none() {
            let message = "`by` of a gate is `judge`, `human` or `command`";
            let problem = sink.error(codes::BAD_VALUE, &word.span, message);
            let help = sink.advice(&word.text, ["judge", "human", "command"]);
            sink.push(with_help(problem, help));
        }
        judge
    });
    let id = id.filter(|id| fields::check_name(sink, id, "a gate's id"))?;
    let gate = Gate { id: id.text.clone(), check: check?.text, by: by?, required: required? };
    Some((gate, id))
}

/// Holds the gates of a reviewer against those of the workflow, where they are known.
fn check_gates(
    sink: &mut Sink<'_>,
    reviewer: &Text,
    gates: &[(Gate, Text)],
    catalogue: &dyn Catalogue,
) -> bool {
    let Some(own) = catalogue.gates(&reviewer.text) else { return true };
    let mut sound = true;
    if own.is_empty() && gates.is_empty() {
        let message = format!("persona `{}` has no gates to judge by", reviewer.text);
        let problem = sink.error(codes::NO_GATES, &reviewer.span, message);
        sink.push(problem.help(
            "add `gates: [{ id: …, check: … }]` to the review, or `gates:` to the persona's file",
        ));
        sound = false;
    }
    for (gate, id) in gates {
        if own.iter().any(|known| known.id == gate.id) {
            let message = format!("persona `{}` has a gate `{}` already", reviewer.text, gate.id);
            let problem = sink.error(codes::BAD_VALUE, &id.span, message);
            sink.push(problem.help("give it another id, or leave it out"));
            sound = false;
        }
    }
    sound
}
