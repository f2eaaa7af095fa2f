//! Agents of `CrewAI`: a map of `role`, `goal` and `backstory`.

use super::{Found, Reader};
use crate::formats::{
    format::Format,
    toolkit::{
        assign::{Table, To, assign, keep_rest},
        document::{Document, Kind},
        draft::Draft,
        tree::{Map, Tree},
        words,
    },
};

pub(super) const READER: Reader = Reader {
    format: Format::Crewai,
    recognised_by: "YAML or JSON in which each entry has a `role` and a `goal` or `backstory`.",
    recognises,
    read,
    table: TABLE,
};

const TABLE: Table = &[
    ("name", To::Name),
    ("description", To::Description),
    ("tools", To::Tools),
    ("llm", To::Model),
];

fn recognises(document: &Document<'_>) -> bool {
    matches!(document.kind, Kind::Yaml | Kind::Json)
        && document.map().is_some_and(|map| is_role(map) || entries(map).is_some())
}

/// Whether a map is one agent.
pub(super) fn is_role(map: &Map) -> bool {
    map.text("role").is_some() && map.has_any(&["goal", "backstory"])
}

/// The map that holds the agents: the file itself or its `agents`.
fn entries(map: &Map) -> Option<&Map> {
    let all = |map: &Map| map.0.iter().any(|(_, agent)| agent.map().is_some_and(is_role));
    if all(map) {
        return Some(map);
    }
    map.get("agents").and_then(Tree::map).filter(|agents| all(agents))
}

fn read(document: &Document<'_>, found: &mut Found) {
    let Some(map) = document.map() else { return };
    if is_role(map) {
        found.drafts.push(persona(None, map.clone(), TABLE));
        return;
    }
    let Some(agents) = entries(map).cloned() else { return };
    let mut rest = Map::default();
    for (key, agent) in agents.0 {
        match agent {
            Tree::Map(agent) if is_role(&agent) => {
                found.drafts.push(persona(Some(key), agent, TABLE));
            }
            other => rest.0.push((key, other)),
        }
    }
    if entries(map).is_some_and(|found| !std::ptr::eq(found, map)) {
        rest.0.extend(map.0.iter().filter(|(key, _)| key != "agents").cloned());
    }
    if let Some(first) = found.drafts.first_mut() {
        keep_rest(first, &rest, "crew");
    }
}

/// One agent: who it is comes from its role, its goal and its story.
pub(super) fn persona(key: Option<String>, mut agent: Map, table: Table) -> Draft {
    let mut draft = Draft { name: key, ..Draft::default() };
    let mut take = |key: &str| match agent.take(key) {
        Some(Tree::Text(text)) if !text.trim().is_empty() => Some(text.trim().to_owned()),
        Some(other) => {
            draft.keep_tree(key, &other);
            None
        }
        None => None,
    };
    let (role, goal, story) = (take("role"), take("goal"), take("backstory"));
    if let Some(role) = &role {
        draft.title = Some(words::one_line(role));
    }
    let mut who = role.map(|role| format!("You are {role}.")).unwrap_or_default();
    if let Some(goal) = &goal {
        who.push_str(" Your goal: ");
        who.push_str(goal);
        draft.description = Some(goal.clone());
    }
    draft.identity = Some(who).filter(|who| !who.is_empty());
    if let Some(story) = story {
        draft.section("", &story);
    }
    assign(&mut draft, agent, "", table);
    draft
}
