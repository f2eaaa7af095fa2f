//! A persona's Markdown: title, identity and sections, with the headings that people give them.

use super::{
    draft::Draft,
    markdown::{self, Block, List},
    words,
};

/// What a heading means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meaning {
    /// A section that has a name of its own here.
    Section(&'static str),
    /// What it can do; the section stays, under this name.
    Capabilities(&'static str),
    /// Situations that call for it.
    WhenToUse,
    /// Situations that do not; the section stays.
    WhenNotToUse,
    /// Requests people would make.
    Examples,
    /// Whom it works with; the section stays.
    WorksWith,
    /// Figures to reach; the section stays.
    Metrics,
    /// What happens where a figure is missed; the section stays.
    Escalation,
}

/// Headings by what they mean, compared in small letters without numbers and marks.
const HEADINGS: &[(&[&str], Meaning)] = &[
    (
        &[
            "behavioral traits",
            "behavioural traits",
            "guiding principles",
            "core principles",
            "principles",
            "best practices",
            "core philosophy",
        ],
        Meaning::Section("Principles"),
    ),
    (&["knowledge base", "domain knowledge", "knowledge"], Meaning::Section("Knowledge")),
    (
        &[
            "response approach",
            "approach",
            "your approach",
            "workflow",
            "when helping users",
            "steps",
            "methodology",
            "process",
        ],
        Meaning::Section("Approach"),
    ),
    (&["communication style", "communication", "tone", "style"], Meaning::Section("Communication")),
    (
        &[
            "responsibilities",
            "core responsibilities",
            "key responsibilities",
            "your responsibilities",
        ],
        Meaning::Section("Responsibilities"),
    ),
    (
        &["output", "output format", "output instructions", "deliverables", "output sections"],
        Meaning::Section("Output"),
    ),
    (&["limits", "limitations", "boundaries", "constraints"], Meaning::Section("Limits")),
    (
        &[
            "expertise",
            "core expertise",
            "areas of expertise",
            "core competencies",
            "your expertise",
        ],
        Meaning::Capabilities("Expertise"),
    ),
    (
        &["capabilities", "core capabilities", "key capabilities"],
        Meaning::Capabilities("Capabilities"),
    ),
    (&["focus areas"], Meaning::Capabilities("Focus Areas")),
    (
        &[
            "when to use",
            "when to use this agent",
            "when to use this skill",
            "when to invoke",
            "use this agent when",
            "triggers",
            "use when",
            "when to activate",
            "auto activation triggers",
        ],
        Meaning::WhenToUse,
    ),
    (&["will not", "when not to use", "out of scope"], Meaning::WhenNotToUse),
    (
        &["example interactions", "example prompts", "example queries", "example requests"],
        Meaning::Examples,
    ),
    (&["integration with other agents", "collaborates with", "works with"], Meaning::WorksWith),
    (&["success metrics"], Meaning::Metrics),
    (&["escalation", "escalation path"], Meaning::Escalation),
];

/// Headings whose first paragraph says who the persona is.
const WHO: &[&str] = &[
    "overview",
    "role",
    "identity",
    "purpose",
    "persona",
    "about",
    "mission",
    "role definition",
    "identity and purpose",
    "agent profile",
];

fn meaning(key: &str) -> Option<Meaning> {
    HEADINGS.iter().find(|(names, _)| names.contains(&key)).map(|&(_, meaning)| meaning)
}

/// Reads a body into the draft: leading title, first paragraph, then a section for each second-level
/// heading.
pub(crate) fn read(draft: &mut Draft, text: &str) {
    let mut blocks = markdown::blocks(text, 2);
    let starts_with_title = blocks.first().is_some_and(|block| block.level == 1);
    let mut lead = String::new();
    if starts_with_title {
        let block = blocks.remove(0);
        title(draft, block.heading);
        block.text.clone_into(&mut lead);
    } else if blocks.first().is_some_and(|block| block.level == 0) {
        blocks.remove(0).text.clone_into(&mut lead);
    }
    opening(draft, &lead);
    for block in blocks {
        if block.level == 1 {
            // A later title is a section like the others; what stands below it keeps its place.
            draft.section(block.heading, block.text);
        } else {
            section(draft, block);
        }
    }
}

fn title(draft: &mut Draft, heading: &str) {
    let bare = words::bare_title(heading);
    if draft.title.is_none() {
        draft.title = Some(bare.clone());
        if bare != heading.trim() {
            draft.map(heading, "title");
        }
    } else if draft.title.as_deref() != Some(&bare) {
        draft.aliases.push(bare);
        draft.map(heading, "aliases");
    } else {
        draft.map(heading, "title");
    }
}

/// Reads one part of a persona whose headings are not second-level ones.
pub(crate) fn part(draft: &mut Draft, heading: &str, text: &str) {
    section(draft, Block { level: 2, heading, text, start: 0 });
}

/// The text in front of the first section: identity and lead.
fn opening(draft: &mut Draft, text: &str) {
    match markdown::opening(text).filter(|_| draft.identity.is_none()) {
        Some((who, rest)) => {
            draft.identity = Some(who.to_owned());
            draft.section("", rest);
        }
        None => draft.section("", text),
    }
}

fn section(draft: &mut Draft, block: Block<'_>) {
    let key = words::heading_key(block.heading);
    if draft.identity.is_none()
        && WHO.contains(&key.as_str())
        && let Some((who, rest)) = markdown::opening(block.text)
    {
        draft.identity = Some(who.to_owned());
        if rest.is_empty() {
            draft.map(block.heading, "identity");
        } else {
            draft.section(block.heading, rest);
        }
        return;
    }
    let list = List::of(block.text);
    match meaning(&key) {
        None => pass(draft, block),
        Some(Meaning::Section(heading)) => rename(draft, block, heading),
        Some(Meaning::Capabilities(heading)) => {
            draft.capabilities.extend(list.items.iter().map(|item| words::plain(item)));
            rename(draft, block, heading);
        }
        Some(Meaning::WhenToUse) => routing(draft, block, &list, "when_to_use"),
        Some(Meaning::Examples) => routing(draft, block, &list, "examples"),
        Some(Meaning::WhenNotToUse) => {
            draft.when_not_to_use.extend(list.items.iter().map(|item| words::plain(item)));
            pass(draft, block);
        }
        Some(Meaning::WorksWith) => {
            for item in &list.items {
                if let Some((who, purpose)) = labelled(item) {
                    draft.works_with(who, purpose);
                }
            }
            pass(draft, block);
        }
        Some(Meaning::Metrics) => {
            for item in &list.items {
                draft.metric(&words::plain(item));
            }
            pass(draft, block);
        }
        Some(Meaning::Escalation) => {
            let arrows = list.items.is_empty() && block.text.lines().count() == 1;
            if arrows {
                draft.escalation.extend(super::standards::escalation(block.text));
            } else {
                draft.escalation.extend(list.items.iter().map(|item| words::plain(item)));
            }
            pass(draft, block);
        }
    }
}

/// A heading with nothing below it still says something.
fn pass(draft: &mut Draft, block: Block<'_>) {
    if block.text.is_empty() {
        draft.keep("heading", block.heading);
    }
    draft.section(block.heading, block.text);
}

/// A section under another heading, unless that one is taken.
fn rename(draft: &mut Draft, block: Block<'_>, heading: &str) {
    if draft.has_section(heading) || block.text.is_empty() {
        pass(draft, block);
    } else {
        draft.map(block.heading, heading);
        draft.section(heading, block.text);
    }
}

/// A list that only helps to choose the persona moves to the front matter; anything else stays.
fn routing(draft: &mut Draft, block: Block<'_>, list: &List, key: &str) {
    let pure = list.is_pure();
    let items = list.items.iter().map(|item| unquoted(item));
    let target = if key == "examples" { &mut draft.examples } else { &mut draft.when_to_use };
    target.extend(items);
    if pure {
        draft.map(block.heading, key);
        for line in list.told() {
            draft.drop(block.heading, line, "leads up to a list that is a key now");
        }
    } else {
        pass(draft, block);
    }
}

/// An item without the quotation marks around it.
fn unquoted(item: &str) -> String {
    let item = item.trim();
    for (open, close) in [('"', '"'), ('“', '”'), ('\'', '\'')] {
        if let Some(inner) = item.strip_prefix(open).and_then(|text| text.strip_suffix(close))
            && !inner.contains(open)
        {
            return inner.to_owned();
        }
    }
    item.to_owned()
}

/// `**Who:** what` or `**Who** - what` in two.
pub(crate) fn labelled(item: &str) -> Option<(&str, &str)> {
    let item = item.trim();
    if let Some(rest) = item.strip_prefix("**") {
        let (who, what) = rest.split_once("**")?;
        let what = what.trim_start().trim_start_matches([':', '-', '–', '—', '→']);
        return Some((who.trim().trim_end_matches(':').trim(), what.trim()));
    }
    if let Some(rest) = item.strip_prefix('`') {
        let (who, what) = rest.split_once('`')?;
        let what = what.trim_start().trim_start_matches([':', '-', '–', '—', '→']);
        return Some((who.trim(), what.trim()));
    }
    let (who, what) = item.split_once(": ")?;
    (who.split_whitespace().count() <= 5).then(|| (who.trim(), what.trim()))
}

/// The sentences of a description that say when to call on the persona.
pub(crate) fn trigger_sentences(description: &str) -> Vec<String> {
    let line = words::one_line(description);
    let mut found = Vec::new();
    let mut rest = line.as_str();
    while !rest.is_empty() {
        let end = rest.find(". ").map_or(rest.len(), |end| end + 1);
        let sentence = rest[..end].trim();
        let lower = sentence.to_lowercase();
        let trigger = [
            "use this",
            "use when",
            "use for",
            "use proactively",
            "use immediately",
            "use to",
            "must be used",
            "invoke",
            "call this",
        ]
        .iter()
        .any(|start| lower.starts_with(start));
        if trigger {
            found.push(sentence.to_owned());
        }
        rest = rest[end..].trim_start();
    }
    found
}
