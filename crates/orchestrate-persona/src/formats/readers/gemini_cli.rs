//! Subagents of Gemini CLI.

use super::{Found, Reader, agent_markdown};
use crate::formats::{
    format::Format,
    toolkit::{
        assign::{Table, To},
        document::Document,
    },
};

pub(super) const READER: Reader = Reader {
    format: Format::GeminiCli,
    recognised_by: "front matter with `kind: local`, `max_turns` or `timeout_mins`, or a folder `.gemini/agents`.",
    recognises,
    read,
    table: TABLE,
};

const TABLE: Table = &[
    ("name", To::Name),
    ("display_name", To::Title),
    ("description", To::Description),
    ("tools", To::Tools),
    ("model", To::Model),
];

fn recognises(document: &Document<'_>) -> bool {
    document.front().is_some_and(|front| {
        front.has("description")
            && (matches!(front.text("kind"), Some("local" | "remote"))
                || front.has_any(&["max_turns", "timeout_mins"])
                || document.path_has(".gemini/agents/"))
    })
}

fn read(document: &Document<'_>, found: &mut Found) {
    found.drafts.push(agent_markdown(document, TABLE));
}
