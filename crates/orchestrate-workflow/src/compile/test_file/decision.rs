//! What people decide in a test.

use indexmap::IndexMap;

use super::Placed;
use crate::{
    codes,
    compile::fields,
    test_language::DECISION,
    yaml::{Kind, Map, Node, Sink},
};

/// The most times that one step asks in a test.
const MOST: usize = 100;

/// What a person decides each time that a step asks them.
#[derive(Debug, Clone)]
pub struct DecisionScript {
    /// The step.
    pub key: Placed<String>,
    /// One decision for each time, in order.
    pub decisions: Vec<ScriptedDecision>,
}

/// A yes or no.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScriptedDecision {
    /// Which of the two.
    pub approved: bool,
    /// What they say about it.
    pub note: Option<String>,
}

/// Reads `decisions:`.
pub(super) fn read(sink: &mut Sink<'_>, node: &Node) -> IndexMap<String, DecisionScript> {
    let mut scripts = IndexMap::new();
    let Some(map) = fields::any_map(sink, node, "`decisions`") else { return scripts };
    for (key, entry) in &map.entries {
        let decisions = match &entry.value.kind {
            Kind::List(items) if items.is_empty() || items.len() > MOST => {
                let message = format!("a step has 1 to {MOST} decisions");
                let problem = sink.error(codes::OUT_OF_RANGE, &entry.value.span, message);
                sink.push(problem.help("one for each time that it asks, in order"));
                Vec::new()
            }
            Kind::List(items) => items.iter().filter_map(|item| decision(sink, item)).collect(),
            _ => decision(sink, &entry.value).into_iter().collect(),
        };
        let key_at = Placed::from(entry.key.clone());
        scripts.insert(key.clone(), DecisionScript { key: key_at, decisions });
    }
    scripts
}

fn decision(sink: &mut Sink<'_>, node: &Node) -> Option<ScriptedDecision> {
    const HELP: &str = "write `yes`, `no`, or `{ no: what they say }`";
    match &node.kind {
        Kind::Scalar(scalar) if matches!(scalar.text.as_str(), "yes" | "no") => {
            Some(ScriptedDecision { approved: scalar.text == "yes", note: None })
        }
        Kind::Map(_) => {
            let map: &Map = fields::map(sink, node, "a decision", &DECISION)?;
            match (map.get("yes"), map.get("no")) {
                (Some(entry), None) => said(sink, &entry.value, true),
                (None, Some(entry)) => said(sink, &entry.value, false),
                _ => {
                    let message = "a decision is one of `yes` and `no`";
                    sink.push(sink.error(codes::BAD_VALUE, &node.span, message).help(HELP));
                    None
                }
            }
        }
        _ => {
            let message = "a decision is `yes` or `no`";
            sink.push(sink.error(codes::BAD_VALUE, &node.span, message).help(HELP));
            None
        }
    }
}

fn said(sink: &mut Sink<'_>, node: &Node, approved: bool) -> Option<ScriptedDecision> {
    let text = fields::text(sink, node, "what they say")?;
    Some(ScriptedDecision { approved, note: Some(text.text) })
}
