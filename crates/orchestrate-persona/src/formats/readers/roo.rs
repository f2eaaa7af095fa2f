//! Modes of Roo Code: JSON or YAML with `customModes`, or Markdown with TOML between `+++`.

use super::{Found, Reader};
use crate::formats::{
    format::Format,
    toolkit::{
        assign::{Table, To, assign, keep_rest},
        document::{Document, Kind},
        draft::Draft,
        prose,
        tree::{Map, Tree},
    },
};

pub(super) const READER: Reader = Reader {
    format: Format::Roo,
    recognised_by: "`customModes` in JSON or YAML, an entry with `slug` and `roleDefinition`, or Markdown with TOML between `+++`.",
    recognises,
    read,
    table: TABLE,
};

const TABLE: Table = &[
    ("slug", To::Name),
    ("id", To::Name),
    ("name", To::Title),
    ("version", To::Version),
    ("description", To::Description),
    ("whenToUse", To::WhenToUse),
    ("roleDefinition", To::Body),
    ("customInstructions", To::Section("Approach")),
    ("tags", To::Tags),
    ("allowed_tool_groups", To::Tools),
];

fn recognises(document: &Document<'_>) -> bool {
    match document.kind {
        Kind::Json | Kind::Yaml => document.tree.as_ref().is_some_and(|tree| modes(tree).is_some()),
        Kind::Markdown => {
            document.front.as_ref().is_some_and(|front| front.toml) && mode_file(document)
        }
        Kind::Toml | Kind::Csv | Kind::Png => false,
    }
}

fn mode_file(document: &Document<'_>) -> bool {
    document.file_name().ends_with(".mode.md")
        || document.front().is_some_and(|front| {
            front.has_any(&["slug", "id"]) && front.has_any(&["roleDefinition", "name"])
        })
}

fn modes(tree: &Tree) -> Option<Vec<&Tree>> {
    let is_mode = |entry: &Tree| {
        entry.map().is_some_and(|map| map.has("roleDefinition") && map.has_any(&["slug", "name"]))
    };
    let list = match tree {
        Tree::Map(map) if map.has("customModes") => {
            map.get("customModes")?.list()?.iter().collect()
        }
        Tree::Map(_) => vec![tree],
        Tree::List(entries) => entries.iter().collect::<Vec<_>>(),
        Tree::Null | Tree::Text(_) => return None,
    };
    list.iter().any(|entry| is_mode(entry)).then_some(list)
}

fn read(document: &Document<'_>, found: &mut Found) {
    if document.kind == Kind::Markdown {
        let mut draft = Draft::default();
        assign(&mut draft, document.front().cloned().unwrap_or_default(), "", TABLE);
        prose::read(&mut draft, document.body());
        found.drafts.push(draft);
        return;
    }
    let Some(tree) = &document.tree else { return };
    let mut rest = Map::default();
    for (index, entry) in modes(tree).unwrap_or_default().into_iter().enumerate() {
        match entry {
            Tree::Map(mode) => found.drafts.push(persona(mode.clone())),
            other => rest.0.push((format!("customModes[{index}]"), other.clone())),
        }
    }
    if let Some(map) = tree.map().filter(|map| map.has("customModes")) {
        rest.0.extend(map.0.iter().filter(|(key, _)| key != "customModes").cloned());
    }
    if let Some(first) = found.drafts.first_mut() {
        keep_rest(first, &rest, "modes");
    }
}

fn persona(mut mode: Map) -> Draft {
    let mut draft = Draft::default();
    // A group is a word, or a word with what it is limited to.
    if let Some(groups) = mode.take("groups") {
        for group in groups.list().unwrap_or_default() {
            let name = group.text().or_else(|| group.list().and_then(|pair| pair.first()?.text()));
            draft.tools.extend(name.map(str::to_owned));
        }
        draft.keep_tree("groups", &groups);
    }
    assign(&mut draft, mode, "", TABLE);
    if draft.description.is_none() {
        draft.description = draft.when_to_use.first().cloned();
    }
    draft
}
