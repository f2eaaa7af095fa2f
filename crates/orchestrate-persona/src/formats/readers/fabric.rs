//! Patterns of fabric: a `system.md` whose first-level headings are in capitals.

use super::{Found, Reader};
use crate::formats::{
    format::Format,
    toolkit::{
        document::{Document, Kind},
        draft::Draft,
        markdown, prose, words,
    },
};

pub(super) const READER: Reader = Reader {
    format: Format::Fabric,
    recognised_by: "a first-level heading `IDENTITY` or `IDENTITY and PURPOSE`, or the file name `system.md` with headings in capitals.",
    recognises,
    read,
    table: &[],
};

fn recognises(document: &Document<'_>) -> bool {
    if document.kind != Kind::Markdown || document.front().is_some() {
        return false;
    }
    let blocks = markdown::blocks(document.body(), 1);
    let capitals = |heading: &str| {
        heading.chars().any(char::is_alphabetic) && heading.to_uppercase() == heading
    };
    blocks.iter().any(|block| {
        let key = words::heading_key(block.heading);
        key == "identity" || key.starts_with("identity and ") || key.starts_with("identity purpose")
    }) || (document.file_name() == "system.md"
        && blocks.iter().any(|block| capitals(block.heading)))
}

fn read(document: &Document<'_>, found: &mut Found) {
    let mut draft = Draft::default();
    let stem = document.stem();
    let own = !matches!(stem.to_lowercase().as_str(), "system" | "user" | "readme");
    draft.name = if own { Some(stem) } else { document.folder().map(str::to_owned) };
    for block in markdown::blocks(document.body(), 2) {
        let key = words::heading_key(block.heading);
        if block.level == 0 {
            draft.section("", block.text);
        } else if key.starts_with("identity") && draft.identity.is_none() {
            let (first, rest) = markdown::first_paragraph(block.text);
            if markdown::is_prose(first) {
                draft.map(block.heading, "identity");
                draft.identity = Some(first.to_owned());
                draft.section("Purpose", rest);
            } else {
                draft.section(block.heading, block.text);
            }
        } else {
            prose::part(&mut draft, block.heading, block.text);
        }
    }
    if let Some(identity) = &draft.identity {
        draft.description = Some(words::first_sentence(identity));
    }
    found.drafts.push(draft);
}
