//! Markdown without front matter, whose headings are those that personas have.

use super::{Found, Reader};
use crate::formats::{
    format::Format,
    toolkit::{
        document::{Document, Kind},
        draft::Draft,
        markdown::{self, List},
        prose, words,
    },
};

pub(super) const READER: Reader = Reader {
    format: Format::Sections,
    recognised_by: "no front matter, and either two headings that only personas have or an opening `You are a …`.",
    recognises,
    read,
    table: &[],
};

/// Headings that hardly anything but a persona has.
const TELLING: &[&str] = &[
    "behavioral traits",
    "behavioural traits",
    "response approach",
    "core expertise",
    "expertise",
    "areas of expertise",
    "your expertise",
    "core competencies",
    "capabilities",
    "core capabilities",
    "responsibilities",
    "core responsibilities",
    "your responsibilities",
    "communication style",
    "example interactions",
    "when to use this agent",
    "when to invoke",
    "knowledge base",
    "focus areas",
    "agent profile",
    "role definition",
];

/// Headings of a persona in another sense: an imagined customer.
const CUSTOMER: &[&str] = &[
    "demographics",
    "pain points",
    "frustrations",
    "motivations",
    "goals",
    "bio",
    "goals and motivations",
    "needs and goals",
    "quote",
    "buying behavior",
    "psychographics",
];

fn recognises(document: &Document<'_>) -> bool {
    if document.kind != Kind::Markdown || document.stem().eq_ignore_ascii_case("readme") {
        return false;
    }
    // Front matter of a page or a rule says what the file is, and it is no persona.
    let named = document.front().is_none_or(|front| front.0.is_empty());
    let blocks = markdown::blocks(document.body(), 3);
    let keys: Vec<String> = blocks.iter().map(|block| words::heading_key(block.heading)).collect();
    let count = |list: &[&str]| keys.iter().filter(|key| list.contains(&key.as_str())).count();
    named && count(CUSTOMER) < 2 && (count(TELLING) >= 2 || opens_as_persona(document.body()))
}

/// Whether the first running text addresses the persona.
fn opens_as_persona(body: &str) -> bool {
    let blocks = markdown::blocks(body, 2);
    let first = blocks.iter().take(2).find(|block| !block.text.is_empty());
    let (first, _) = markdown::first_paragraph(first.map_or("", |block| block.text));
    let lower = words::one_line(first).to_lowercase();
    [
        "you are a ",
        "you are an ",
        "you are the ",
        "you're a ",
        "you're an ",
        "act as ",
        "i want you to act as ",
    ]
    .iter()
    .any(|opening| lower.starts_with(opening))
}

fn read(document: &Document<'_>, found: &mut Found) {
    let mut draft = Draft::default();
    if let Some(front) = document.front() {
        draft.keep_tree("front", &crate::formats::toolkit::tree::Tree::Map(front.clone()));
    }
    prose::read(&mut draft, document.body());
    // A list right below the title says what the persona can do.
    let list = List::of(&draft.lead);
    if list.is_pure() && list.told().is_empty() {
        draft.capabilities.extend(list.items.iter().map(|item| words::plain(item)));
        draft.name_lead("Expertise");
    }
    found.drafts.push(draft);
}
