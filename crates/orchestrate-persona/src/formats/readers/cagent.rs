//! Teams of docker cagent: YAML with a map of agents that have an `instruction`.

use super::{Found, Reader};
use crate::formats::{
    format::Format,
    toolkit::{
        assign::{Table, To, assign, keep_rest},
        document::{Document, Kind},
        draft::Draft,
        tree::{Map, Tree},
    },
};

pub(super) const READER: Reader = Reader {
    format: Format::Cagent,
    recognised_by: "YAML with `agents`, of which each has an `instruction`.",
    recognises,
    read,
    table: TABLE,
};

const TABLE: Table = &[
    ("description", To::Description),
    ("instruction", To::Body),
    ("model", To::Model),
    ("sub_agents", To::WorksWith),
    ("handoffs", To::WorksWith),
];

fn recognises(document: &Document<'_>) -> bool {
    document.kind == Kind::Yaml
        && document.map().and_then(|map| map.get("agents")).and_then(Tree::map).is_some_and(
            |agents| {
                agents
                    .0
                    .iter()
                    .any(|(_, agent)| agent.map().is_some_and(|agent| agent.has("instruction")))
            },
        )
}

fn read(document: &Document<'_>, found: &mut Found) {
    let mut outer = document.map().cloned().unwrap_or_default();
    let Some(Tree::Map(Map(agents))) = outer.take("agents") else { return };
    for (key, agent) in agents {
        let Tree::Map(agent) = agent else {
            outer.0.push((format!("agents.{key}"), agent));
            continue;
        };
        let mut draft = Draft { name: Some(key), ..Draft::default() };
        assign(&mut draft, agent, "", TABLE);
        found.drafts.push(draft);
    }
    if let Some(first) = found.drafts.first_mut() {
        keep_rest(first, &outer, "team");
    }
}
