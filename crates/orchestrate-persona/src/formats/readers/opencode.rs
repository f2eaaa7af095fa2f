//! Agents of opencode in Markdown; their name is the file's.

use super::{Found, Reader, agent_markdown};
use crate::formats::{
    format::Format,
    toolkit::{
        assign::{Table, To},
        document::Document,
    },
};

pub(super) const READER: Reader = Reader {
    format: Format::Opencode,
    recognised_by: "front matter with `mode: subagent`, `primary` or `all`, or a folder of opencode.",
    recognises,
    read,
    table: TABLE,
};

const TABLE: Table = &[("name", To::Title), ("description", To::Description), ("model", To::Model)];

fn recognises(document: &Document<'_>) -> bool {
    document.front().is_some_and(|front| {
        matches!(front.text("mode"), Some("subagent" | "primary" | "all"))
            || (front.has("description") && document.path_has("opencode/agent"))
    })
}

fn read(document: &Document<'_>, found: &mut Found) {
    let mut draft = agent_markdown(document, TABLE);
    draft.name = Some(document.stem());
    found.drafts.push(draft);
}
