//! Agents of `PraisonAI`: YAML with `roles`, or `agents` beside a `framework` or `topic`.

use super::{Found, Reader, crewai};
use crate::formats::{
    format::Format,
    toolkit::{
        assign::{Table, To, keep_rest},
        document::{Document, Kind},
        tree::{Map, Tree},
    },
};

pub(super) const READER: Reader = Reader {
    format: Format::Praisonai,
    recognised_by: "YAML with `roles`, or with `agents` beside a `framework` or `topic`.",
    recognises,
    read,
    table: TABLE,
};

const TABLE: Table = &[
    ("name", To::Alias),
    ("instructions", To::Section("Approach")),
    ("tools", To::Tools),
    ("llm", To::Model),
];

fn recognises(document: &Document<'_>) -> bool {
    document.kind == Kind::Yaml && document.map().is_some_and(|map| roles(map).is_some())
}

fn roles(map: &Map) -> Option<(&'static str, &Map)> {
    let key = if map.has("roles") { "roles" } else { "agents" };
    let found = map.get(key).and_then(Tree::map)?;
    let own = key == "roles" || map.has_any(&["framework", "topic", "process"]);
    let agents = found.0.iter().any(|(_, role)| {
        role.map().is_some_and(|role| crewai::is_role(role) || role.has("instructions"))
    });
    (own && agents).then_some((key, found))
}

fn read(document: &Document<'_>, found: &mut Found) {
    let mut outer = document.map().cloned().unwrap_or_default();
    let Some((key, _)) = document.map().and_then(roles) else { return };
    let Some(Tree::Map(Map(roles))) = outer.take(key) else { return };
    for (name, role) in roles {
        match role {
            Tree::Map(role) => found.drafts.push(crewai::persona(Some(name), role, TABLE)),
            other => outer.0.push((format!("{key}.{name}"), other)),
        }
    }
    if let Some(first) = found.drafts.first_mut() {
        keep_rest(first, &outer, "crew");
    }
}
