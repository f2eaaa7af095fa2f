//! Character cards: JSON of version 1, 2 or 3, alone or inside a PNG.

use super::{Found, Reader};
use crate::formats::{
    format::Format,
    toolkit::{
        assign::{Table, To, assign},
        document::{Document, Kind},
        draft::Draft,
        prose,
        tree::{Map, Tree},
    },
};

pub(super) const READER: Reader = Reader {
    format: Format::CharacterCard,
    recognised_by: "JSON with `spec: chara_card_v2` or later, or with `name`, `personality` and `first_mes`; or a PNG that holds it.",
    recognises,
    read,
    table: TABLE,
};

const TABLE: Table = &[
    ("name", To::Title),
    ("nickname", To::Alias),
    ("tags", To::Tags),
    ("character_version", To::Version),
    ("scenario", To::Section("Scenario")),
    ("mes_example", To::Section("Sample dialogue")),
    ("post_history_instructions", To::Section("Limits")),
];

fn recognises(document: &Document<'_>) -> bool {
    document.kind == Kind::Png
        || (document.kind == Kind::Json
            && document.map().is_some_and(|map| {
                map.text("spec").is_some_and(|spec| spec.starts_with("chara_card"))
                    || (map.has_any(&["name", "char_name"])
                        && map.has("personality")
                        && map.has("first_mes"))
            }))
}

fn read(document: &Document<'_>, found: &mut Found) {
    let Some(whole) = document.map() else { return };
    let mut outer = whole.clone();
    let (mut card, path) = match outer.take("data") {
        Some(Tree::Map(data)) => (data, "data"),
        Some(other) => {
            outer.0.push(("data".to_owned(), other));
            (std::mem::take(&mut outer), "")
        }
        None => (std::mem::take(&mut outer), ""),
    };
    let mut draft = Draft::default();
    character(&mut draft, &mut card);
    // Version 3 repeats the card outside `data` for older readers.
    for (key, value) in &outer.0 {
        if whole.get(&format!("data.{key}")) == Some(value) {
            continue;
        }
        draft.keep_tree(key, value);
    }
    assign(&mut draft, card, path, TABLE);
    found.drafts.push(draft);
}

/// Identity out of the system prompt, or else of description and personality.
fn character(draft: &mut Draft, card: &mut Map) {
    let mut take = |key: &str| match card.take(key) {
        Some(Tree::Text(text)) if !text.trim().is_empty() => Some(text),
        Some(other) => {
            draft.keep_tree(key, &other);
            None
        }
        None => None,
    };
    let system = take("system_prompt");
    let description = take("description");
    let personality = take("personality");
    if let Some(system) = system.filter(|text| text.trim() != "{{original}}") {
        prose::read(draft, &system);
        draft.section("Knowledge", &description.clone().unwrap_or_default());
    } else if let Some(description) = &description {
        prose::read(draft, description);
    }
    if let Some(personality) = personality {
        if draft.identity.is_none() {
            draft.identity = Some(personality);
        } else {
            draft.section("Communication", &personality);
        }
    }
}
