//! `needs`: which steps come first, and what crosses the edge.

use std::ops::Range;

use indexmap::IndexMap;
use orchestrate_core::{handoff::Pass, plan::Action};

use super::{
    edges::{Edge, report_self},
    fields,
    templates::{self, Known},
};
use crate::{
    codes,
    language::NEED,
    yaml::{Kind, Node, Sink, Text, with_help},
};

/// The most tokens that one edge may be allowed.
const MOST_TOKENS: i64 = 1_000_000;

/// The words for what crosses an edge.
const PASSES: [(&str, Pass); 3] =
    [("full", Pass::Full), ("brief", Pass::Brief), ("none", Pass::None)];

/// Reads `needs:`, in the order of the list, which is that of the handoffs. Edges to steps that do not
/// exist, and of a step to itself, are reported and left out.
pub(super) fn read(sink: &mut Sink<'_>, owner: &str, node: &Node, known: &Known<'_>) -> Vec<Edge> {
    let nodes = match &node.kind {
        Kind::List(items) => items.as_slice(),
        Kind::Scalar(_) | Kind::Map(_) => std::slice::from_ref(node),
        Kind::Broken => return Vec::new(),
    };
    let mut edges: IndexMap<String, Edge> = IndexMap::new();
    for node in nodes {
        let Some(edge) = need(sink, node) else { continue };
        let id = Text { text: edge.step.clone(), span: edge.span.clone() };
        if id.text == owner {
            report_self(sink, &id);
        } else if let Some(group) = known.group
            && !known.own.contains_key(&id.text)
            && known.facts(&id.text).is_some()
        {
            let message = format!("`{}` stands outside of the group `{group}`", id.text);
            let problem = sink.error(codes::UNKNOWN_STEP, &id.span, message);
            sink.push(problem.help(format!(
                "put it into the `needs` of `{group}`; what that group needs is handed to its first steps"
            )));
        } else if let Some((step, _)) = id.text.split_once('[')
            && known.own.get(step).is_some_and(|facts| facts.item.is_some())
        {
            let message =
                format!("`{}` is an item of `{step}`, and a need is a whole step", id.text);
            let problem = sink.error(codes::UNKNOWN_STEP, &id.span, message);
            sink.push(problem.help(format!(
                "write `{step}`; a template sees one item as `steps.{step}.items[0]`"
            )));
        } else if !known.own.contains_key(&id.text) {
            let names: Vec<&str> = known.own.keys().map(String::as_str).collect();
            templates::unknown_step(sink, &id, &names);
        } else if let Some(first) = edges.get(&id.text) {
            let message = format!("`{}` is needed twice", id.text);
            let problem = sink
                .error(codes::DUPLICATE_NEED, &id.span, message)
                .at(sink.source(), first.span.clone(), "first here")
                .help("remove one of them");
            sink.push(problem);
        } else {
            edges.insert(id.text, edge);
        }
    }
    edges.into_values().collect()
}

/// One need: a step's name, or a map that says more.
fn need(sink: &mut Sink<'_>, node: &Node) -> Option<Edge> {
    const HELP: &str =
        "write `needs: data`, `needs: [data, analysis]`, or `needs: [{ step: data, pass: brief }]`";
    match &node.kind {
        Kind::Map(_) => {}
        Kind::Scalar(_) => {
            let id = fields::text(sink, node, "a need")?;
            return Some(Edge {
                step: id.text,
                span: id.span,
                handoff: true,
                pass: None,
                max_tokens: None,
            });
        }
        Kind::List(_) | Kind::Broken => {
            let wanted = "a step's name, or a map with `step`";
            fields::wrong_type(sink, node, "a need", wanted, Some(HELP.to_owned()));
            return None;
        }
    }
    let map = fields::map(sink, node, "a need", &NEED)?;
    let pass = map.get("pass").and_then(|entry| pass(sink, &entry.value));
    let max_tokens = map.get("max_tokens").and_then(|entry| {
        let most = fields::integer(sink, &entry.value, "`max_tokens`", 1..=MOST_TOKENS)?;
        Some((most, entry.key.span.clone()))
    });
    if let (Some((Pass::None, _)), Some((_, span))) = (&pass, &max_tokens) {
        let problem =
            sink.error(codes::INERT_KEY, span, "`max_tokens` of a need that passes nothing");
        sink.push(problem.help("remove it, or say what is passed: `pass: full` or `pass: brief`"));
    }
    let Some(step) = map.get("step") else {
        fields::missing_key(sink, &node.span, "a need without `step`".to_owned(), HELP);
        return None;
    };
    let step = fields::text(sink, &step.value, "`step`")?;
    let handoff = !matches!(pass, Some((Pass::None, _)));
    Some(Edge { step: step.text, span: step.span, handoff, pass, max_tokens })
}

fn pass(sink: &mut Sink<'_>, node: &Node) -> Option<(Pass, Range<usize>)> {
    let word = fields::text(sink, node, "`pass`")?;
    if let Some((_, pass)) = PASSES.iter().find(|(name, _)| *name == word.text) {
        return Some((*pass, word.span));
    }
    let message = format!("`pass` is `full`, `brief` or `none`, not `{}`", word.text);
    let help = sink.advice(&word.text, PASSES.iter().map(|(name, _)| *name));
    let problem = sink.error(codes::BAD_VALUE, &word.span, message);
    let usual = "leave it out for the whole document where it fits, else the brief";
    sink.push(with_help(problem, help.or_else(|| Some(usual.to_owned()))));
    None
}

impl Edge {
    /// Takes note of a reference to the step; a text that a template prints is not handed over again.
    pub(super) fn refer(&mut self, sink: &mut Sink<'_>, place: &Range<usize>, prints_text: bool) {
        if let Some((Pass::None, _)) = self.pass {
            // The template says itself what it takes, and that may be the brief.
            self.pass = None;
        } else if prints_text && self.handoff {
            self.handoff = false;
            let said = self.pass.take().map(|(_, span)| ("pass", span));
            let said = said.or(self.max_tokens.take().map(|(_, span)| ("max_tokens", span)));
            if let Some((key, span)) = said {
                let message = format!(
                    "`{key}` does nothing: the template prints `{}` itself, so it is not handed over again",
                    self.step
                );
                let problem = sink.error(codes::INERT_KEY, &span, message).at(
                    sink.source(),
                    place.clone(),
                    "printed here",
                );
                sink.push(problem.help("remove one of the two"));
            }
        }
    }

    /// Reports what is said of an edge to a step that takes no handoffs; the edge is an order.
    pub(super) fn without_handoff(&mut self, sink: &mut Sink<'_>, kind: &str) {
        self.handoff = false;
        let said = self.pass.take().map(|(_, span)| ("pass", span));
        let said = said.or(self.max_tokens.take().map(|(_, span)| ("max_tokens", span)));
        if let Some((key, span)) = said {
            let message =
                format!("`{key}` does nothing in a step that {kind}: it takes no handoffs");
            let problem = sink.error(codes::INERT_KEY, &span, message);
            sink.push(problem.help("write the step's name alone; the template says what it takes"));
        }
    }
}

/// Reports edges that ask for the brief of a step that never has one.
pub(super) fn report_missing_briefs<'d>(
    sink: &mut Sink<'_>,
    edges: impl Iterator<Item = &'d Edge>,
    action: impl Fn(&str) -> Option<&'d Action>,
) {
    for edge in edges {
        if let Some((Pass::Brief, span)) = &edge.pass
            && let Some(Action::Render(_)) = action(&edge.step)
        {
            let message = format!("step `{}` renders a template and has no brief", edge.step);
            let problem = sink.error(codes::BAD_VALUE, span, message);
            sink.push(problem.help("leave `pass` out, or write `pass: full`"));
        }
    }
}
