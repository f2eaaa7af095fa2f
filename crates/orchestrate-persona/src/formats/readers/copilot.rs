//! Custom agents and chat modes of Copilot.

use super::{Found, Reader, agent_markdown};
use crate::formats::{
    format::Format,
    toolkit::{
        assign::{Table, To},
        document::{Document, Kind},
        draft::Draft,
        tree::{Map, Tree},
    },
};

pub(super) const READER: Reader = Reader {
    format: Format::Copilot,
    recognised_by: "a name that ends in `.agent.md` or `.chatmode.md`, or front matter with `handoffs`, `target` or a `tools` list and no `name`.",
    recognises,
    read,
    table: TABLE,
};

const TABLE: Table = &[
    ("name", To::Title),
    ("description", To::Description),
    ("argument-hint", To::Examples),
    ("agents", To::WorksWith),
    ("tools", To::Tools),
    ("model", To::Model),
];

fn recognises(document: &Document<'_>) -> bool {
    if document.kind != Kind::Markdown {
        return false;
    }
    let file = document.file_name();
    if file.ends_with(".agent.md") || file.ends_with(".chatmode.md") {
        return document.front().is_some() || !document.body().trim().is_empty();
    }
    let Some(front) = document.front() else { return false };
    let listed = front.get("tools").is_some_and(|tools| tools.list().is_some());
    front.has("description")
        && (document.path_has(".github/agents/")
            || document.path_has(".github/chatmodes/")
            || front.has_any(&["handoffs", "target", "user-invokable", "user-invocable", "infer"])
            || (listed && !front.has_any(&["name", "mode", "kind", "capabilities"])))
}

fn read(document: &Document<'_>, found: &mut Found) {
    let mut front = document.front().cloned().unwrap_or_default();
    let handoffs = front.take("handoffs");
    let mut draft = agent_markdown(document, TABLE);
    draft.name = Some(document.stem());
    draft.extra.retain(|key, _| !key.starts_with("handoffs"));
    if let Some(handoffs) = handoffs {
        hand_over(&mut draft, &handoffs);
    }
    found.drafts.push(draft);
}

fn hand_over(draft: &mut Draft, handoffs: &Tree) {
    for entry in handoffs.list().unwrap_or_default() {
        if let Some((agent, map)) =
            entry.map().and_then(|map: &Map| Some((map.text("agent")?, map)))
        {
            draft.works_with(agent, map.text("label").or(map.text("prompt")).unwrap_or_default());
        }
    }
    draft.keep_tree("handoffs", handoffs);
}
