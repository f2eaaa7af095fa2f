//! Agent Skills: a folder with a `SKILL.md`.

use super::{Found, Reader, agent_markdown};
use crate::formats::{
    format::Format,
    toolkit::{
        assign::{Table, To},
        document::Document,
    },
};

pub(super) const READER: Reader = Reader {
    format: Format::AgentSkill,
    recognised_by: "the file name `SKILL.md`, or front matter with `name`, `description` and `license`, `metadata` or `allowed-tools`.",
    recognises,
    read,
    table: TABLE,
};

const TABLE: Table = &[
    ("name", To::Name),
    ("description", To::Description),
    ("version", To::Version),
    ("metadata.version", To::Version),
    ("metadata.category", To::Category),
    ("metadata.tags", To::Tags),
    ("tags", To::Tags),
    ("allowed-tools", To::Tools),
];

fn recognises(document: &Document<'_>) -> bool {
    let Some(front) = document.front() else { return false };
    let named = front.has("name") && front.has("description");
    let own =
        &["license", "metadata", "allowed-tools", "compatibility", "disable-model-invocation"];
    (document.file_name() == "skill.md" && (front.has("description") || front.has("name")))
        || (named && front.has_any(own))
}

fn read(document: &Document<'_>, found: &mut Found) {
    found.drafts.push(agent_markdown(document, TABLE));
}
