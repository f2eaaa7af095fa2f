//! Agents of the `LobeHub` index: JSON.

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
    format: Format::Lobe,
    recognised_by: "JSON with `config.systemRole`.",
    recognises,
    read,
    table: TABLE,
};

const TABLE: Table = &[
    ("identifier", To::Name),
    ("meta.title", To::Title),
    ("meta.description", To::Description),
    ("meta.tags", To::Tags),
    ("meta.category", To::Category),
    ("config.systemRole", To::Body),
    ("config.openingQuestions", To::Examples),
    ("config.model", To::Model),
];

fn recognises(document: &Document<'_>) -> bool {
    document.kind == Kind::Json
        && document.map().is_some_and(|map| map.text("config.systemRole").is_some())
}

fn read(document: &Document<'_>, found: &mut Found) {
    let Some(map) = document.map() else { return };
    let mut draft = Draft::default();
    assign(&mut draft, map.clone(), "", TABLE);
    found.drafts.push(draft);
}
