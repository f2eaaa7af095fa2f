//! Recipes of goose: YAML with a title and instructions or a prompt.

use super::{Found, Reader};
use crate::formats::{
    format::Format,
    toolkit::{
        assign::{Table, To, assign},
        document::{Document, Kind},
        draft::Draft,
        tree::{Map, Tree},
    },
};
use orchestrate_core::persona::GateJudge;

pub(super) const READER: Reader = Reader {
    format: Format::Goose,
    recognised_by: "YAML with `title`, `description` and `instructions` or `prompt`.",
    recognises,
    read,
    table: TABLE,
};

const TABLE: Table = &[
    ("title", To::Title),
    ("description", To::Description),
    ("instructions", To::Body),
    ("prompt", To::Section("Approach")),
    ("activities", To::Examples),
    ("settings.goose_model", To::Model),
];

fn recognises(document: &Document<'_>) -> bool {
    matches!(document.kind, Kind::Yaml | Kind::Json)
        && document.map().is_some_and(|map| {
            map.has("title") && map.has("description") && map.has_any(&["instructions", "prompt"])
        })
}

fn read(document: &Document<'_>, found: &mut Found) {
    let Some(map) = document.map() else { return };
    let mut draft = Draft::default();
    assign(&mut draft, map.clone(), "", TABLE);
    checks(&mut draft, map);
    for entry in map.get("sub_recipes").and_then(Tree::list).unwrap_or_default() {
        if let Some(name) = entry.map().and_then(|entry| entry.text("name")) {
            draft.works_with(name, "");
        }
    }
    found.drafts.push(draft);
}

/// A check of a recipe is a command; here it is only a sentence for a person, and never run.
fn checks(draft: &mut Draft, map: &Map) {
    for check in map.get("retry.checks").and_then(Tree::list).unwrap_or_default() {
        if let Some(command) = check.map().and_then(|check| check.text("command")) {
            draft.gate(&format!("This command succeeds: {command}"));
            if let Some(gate) = draft.gates.last_mut() {
                gate.by = GateJudge::Human;
            }
        }
    }
}
