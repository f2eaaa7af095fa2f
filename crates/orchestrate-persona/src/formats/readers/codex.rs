//! Agents of Codex: TOML.

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
    format: Format::Codex,
    recognised_by: "TOML with `developer_instructions`, or with `name` and `instructions`.",
    recognises,
    read,
    table: TABLE,
};

const TABLE: Table = &[
    ("name", To::Name),
    ("description", To::Description),
    ("developer_instructions", To::Body),
    ("instructions", To::Body),
    ("nickname_candidates", To::Alias),
    ("model", To::Model),
];

fn recognises(document: &Document<'_>) -> bool {
    document.kind == Kind::Toml
        && document.map().is_some_and(|map| {
            map.has("developer_instructions") || (map.has("name") && map.has("instructions"))
        })
}

fn read(document: &Document<'_>, found: &mut Found) {
    let Some(map) = document.map() else { return };
    let mut draft = Draft::default();
    assign(&mut draft, map.clone(), "", TABLE);
    found.drafts.push(draft);
}
