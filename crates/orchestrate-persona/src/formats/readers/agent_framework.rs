//! Declarative agents of the Agent Framework: YAML with a `kind`.

use super::{Found, Reader};
use crate::formats::{
    format::Format,
    toolkit::{
        assign::{Table, To, assign},
        document::{Document, Kind},
        draft::Draft,
    },
};

pub(super) const READER: Reader = Reader {
    format: Format::AgentFramework,
    recognised_by: "YAML with `kind: Prompt` (or `Agent`) and `instructions`.",
    recognises,
    read,
    table: TABLE,
};

const TABLE: Table = &[
    ("name", To::Name),
    ("displayName", To::Title),
    ("description", To::Description),
    ("instructions", To::Body),
    ("additionalInstructions", To::Section("Approach")),
    ("model.id", To::Model),
    ("model", To::Model),
    ("metadata.tags", To::Tags),
];

fn recognises(document: &Document<'_>) -> bool {
    matches!(document.kind, Kind::Yaml | Kind::Json)
        && document.map().is_some_and(|map| {
            map.has("kind")
                && map.text("instructions").is_some()
                && map.has_any(&["name", "displayName"])
        })
}

fn read(document: &Document<'_>, found: &mut Found) {
    let Some(map) = document.map() else { return };
    let mut draft = Draft::default();
    assign(&mut draft, map.clone(), "", TABLE);
    found.drafts.push(draft);
}
