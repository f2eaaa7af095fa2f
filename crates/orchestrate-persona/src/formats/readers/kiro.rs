//! Agents of Kiro: JSON.

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
    format: Format::Kiro,
    recognised_by: "JSON with a `prompt`, and beside it `allowedTools`, `resources`, `toolsSettings` or `tools`.",
    recognises,
    read,
    table: TABLE,
};

const TABLE: Table = &[
    ("name", To::Name),
    ("description", To::Description),
    ("prompt", To::Body),
    ("tools", To::Tools),
    ("model", To::Model),
];

fn recognises(document: &Document<'_>) -> bool {
    document.kind == Kind::Json
        && document.map().is_some_and(|map| {
            map.text("prompt").is_some()
                && map.has_any(&[
                    "tools",
                    "allowedTools",
                    "resources",
                    "toolsSettings",
                    "mcpServers",
                    "includeMcpJson",
                ])
        })
}

fn read(document: &Document<'_>, found: &mut Found) {
    let Some(map) = document.map() else { return };
    let mut draft = Draft::default();
    assign(&mut draft, map.clone(), "", TABLE);
    found.drafts.push(draft);
}
