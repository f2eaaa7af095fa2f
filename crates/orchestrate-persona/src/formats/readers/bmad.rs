//! Agents of the BMAD method: YAML with `agent` and `persona`, alone or in a code block of Markdown.

use super::{Found, Reader};
use crate::formats::{
    format::Format,
    toolkit::{
        assign::{Table, To, assign},
        document::{Document, Kind},
        draft::Draft,
        markdown, prose,
        tree::{self, Map, Tree},
    },
};

pub(super) const READER: Reader = Reader {
    format: Format::Bmad,
    recognised_by: "YAML with `agent` and `persona`, alone or in a code block of a Markdown file.",
    recognises,
    read,
    table: TABLE,
};

const TABLE: Table = &[
    ("agent.id", To::Name),
    ("agent.metadata.id", To::Name),
    ("agent.title", To::Title),
    ("agent.metadata.title", To::Title),
    ("agent.name", To::Alias),
    ("agent.metadata.name", To::Alias),
    ("agent.whenToUse", To::WhenToUse),
    ("agent.metadata.whenToUse", To::WhenToUse),
    ("persona.focus", To::Capabilities),
    ("persona.core_principles", To::Section("Principles")),
    ("persona.principles", To::Section("Principles")),
    ("persona.style", To::Section("Communication")),
    ("persona.communication_style", To::Section("Communication")),
    ("agent.customization", To::Section("Approach")),
];

fn recognises(document: &Document<'_>) -> bool {
    match document.kind {
        Kind::Yaml => document.map().is_some_and(is_agent),
        Kind::Markdown => document.text().contains("persona:") && block(document.body()).is_some(),
        Kind::Json | Kind::Toml | Kind::Csv | Kind::Png => false,
    }
}

fn is_agent(map: &Map) -> bool {
    map.has("agent") && (map.has("persona") || map.has("agent.persona"))
}

/// The code block that holds the agent.
fn block(body: &str) -> Option<(std::ops::Range<usize>, Map)> {
    markdown::codes(body).into_iter().find_map(|code| {
        let yaml =
            code.info.is_empty() || code.info.starts_with("yaml") || code.info.starts_with("yml");
        match tree::yaml(code.content).ok().filter(|_| yaml)? {
            Tree::Map(map) if is_agent(&map) => Some((code.span, map)),
            _ => None,
        }
    })
}

fn read(document: &Document<'_>, found: &mut Found) {
    let mut draft = Draft::default();
    let body = document.body();
    let mut text = String::new();
    let map = if document.kind == Kind::Yaml {
        document.map().cloned()
    } else {
        block(body).map(|(span, map)| {
            text = format!("{}\n{}", &body[..span.start], &body[span.end..]);
            map
        })
    };
    let Some(mut map) = map else { return };
    if let Some(inner) = map.take("agent.persona") {
        map.0.push(("persona".to_owned(), inner));
    }
    let mut take = |path: &str| match map.take(path) {
        Some(Tree::Text(text)) if !text.trim().is_empty() => Some(text.trim().to_owned()),
        Some(other) => {
            draft.keep_tree(path, &other);
            None
        }
        None => None,
    };
    let (role, identity) = (take("persona.role"), take("persona.identity"));
    let mut who = role.map(|role| format!("You are {role}.")).unwrap_or_default();
    if let Some(identity) = identity {
        who = format!("{who} {identity}");
    }
    draft.identity = Some(who.trim().to_owned()).filter(|who| !who.is_empty());
    assign(&mut draft, map, "", TABLE);
    if let Some(front) = document.front() {
        draft.keep_tree("front", &Tree::Map(front.clone()));
    }
    around(&mut draft, &text);
    if draft.description.is_none() {
        draft.description = draft.when_to_use.first().cloned();
    }
    found.drafts.push(draft);
}

/// What the Markdown around a block says to the tool that loads it.
const TO_THE_TOOL: &[&str] = &[
    "activation-notice",
    "activation-instructions",
    "yaml block",
    "external agent files",
    "no external files needed",
    "operating params",
    "full agent operating guidelines",
];

/// The Markdown around the block: what tells the tool how to load the file is left out, the rest is text of
/// the persona.
fn around(draft: &mut Draft, text: &str) {
    for block in markdown::blocks(text, 2) {
        let (told, kept) = parted(block.text);
        if block.level == 1 || (block.level > 0 && kept.is_empty()) {
            draft.keep("heading", block.heading);
        }
        if block.level == 2 && !kept.is_empty() {
            prose::part(draft, block.heading, &kept);
        } else {
            draft.section("", &kept);
        }
        draft.drop(block.heading, &told, "tells the tool how to load the file");
    }
}

/// The paragraphs of a text that speak to the tool, and the others.
fn parted(text: &str) -> (String, String) {
    let (mut told, mut kept) = (String::new(), String::new());
    let codes = markdown::codes(text);
    let (mut to_the_tool, mut blank) = (false, true);
    let (mut at, mut code) = (0, 0);
    for full in text.split_inclusive('\n') {
        while codes.get(code).is_some_and(|found| found.span.end <= at) {
            code += 1;
        }
        let fenced = codes.get(code).is_some_and(|found| found.span.contains(&at));
        at += full.len();
        if blank && !fenced {
            let paragraph = text[at - full.len()..].split("\n\n").next().unwrap_or_default();
            let lower = paragraph.to_lowercase();
            to_the_tool = TO_THE_TOOL.iter().any(|words| lower.contains(words));
        }
        blank = full.trim().is_empty() && !fenced;
        if to_the_tool { &mut told } else { &mut kept }.push_str(full);
    }
    (told, markdown::trimmed(&kept).to_owned())
}
