//! A catalogue: one Markdown file with a second-level heading `Persona N: slug` for each persona.

use super::{Found, Reader};
use crate::formats::{
    format::Format,
    toolkit::{
        document::{Document, Kind},
        draft::Draft,
        markdown::{self, Block},
        prose, words,
    },
};

pub(super) const READER: Reader = Reader {
    format: Format::Catalogue,
    recognised_by: "second-level headings `Persona 1: slug`, `Persona 2: slug` and so on.",
    recognises,
    read,
    table: &[],
};

fn recognises(document: &Document<'_>) -> bool {
    document.kind == Kind::Markdown
        && markdown::blocks(document.body(), 2).iter().any(|block| declared(block).is_some())
}

/// The name in a heading `Persona N: slug`.
fn declared<'t>(block: &Block<'t>) -> Option<&'t str> {
    let rest = block.heading.get(..8).filter(|start| start.eq_ignore_ascii_case("persona "))?;
    let rest = block.heading[rest.len()..].trim_start();
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let name = rest[digits..].trim_start().strip_prefix([':', '.', '-', '–', '—'])?.trim();
    (block.level == 2 && digits > 0 && !name.is_empty()).then_some(name)
}

fn read(document: &Document<'_>, found: &mut Found) {
    let mut category = None;
    for block in markdown::blocks(document.body(), 2) {
        match declared(&block) {
            Some(name) => {
                let mut draft = persona(name, &block);
                draft.category = draft.category.or_else(|| category.clone());
                found.drafts.push(draft);
            }
            None if block.level == 1 && block.heading.to_lowercase().starts_with("category:") => {
                category = Some(block.heading["category:".len()..].trim().to_owned());
                let why = if block.text.is_empty() {
                    "the category is kept with each persona"
                } else {
                    "about the category, not about a persona"
                };
                found.drop(block.heading, block.text, why);
            }
            None => {
                let about = "about the catalogue, not about a persona";
                found.drop(block.heading, block.text, about);
            }
        }
    }
    let heads: Vec<String> = markdown::blocks(document.body(), 2)
        .iter()
        .filter(|block| block.heading.to_lowercase().starts_with("personas:"))
        .map(|block| block.heading.to_owned())
        .collect();
    for head in heads {
        let declared = head["personas:".len()..].trim();
        let count = declared
            .split(|c: char| !c.is_ascii_digit())
            .next()
            .and_then(|digits| digits.parse::<usize>().ok());
        if let Some(count) = count.filter(|&count| count != found.drafts.len()) {
            let message = format!(
                "the catalogue announces {count} personas, {} were found",
                found.drafts.len()
            );
            found.warn(document, "persona-count", message);
        }
    }
}

fn persona(name: &str, block: &Block<'_>) -> Draft {
    let mut draft = Draft { name: Some(name.to_owned()), ..Draft::default() };
    draft.map(block.heading, "name");
    for part in markdown::blocks(block.text, 3) {
        if part.level == 0 {
            head(&mut draft, part.text);
        } else {
            // A third-level heading of a catalogue is a persona's section.
            let text = rule_removed(part.text);
            prose::part(&mut draft, part.heading, text);
        }
    }
    draft
}

/// `**Label**: text` lines, then who the persona is.
fn head(draft: &mut Draft, text: &str) {
    let mut rest = Vec::new();
    for line in rule_removed(text).lines() {
        match prose::labelled(line).filter(|_| line.starts_with("**")) {
            Some((label, value)) => match label.to_lowercase().as_str() {
                "category" => draft.category = Some(value.to_owned()),
                "use" | "use for" | "use when" => {
                    draft.description = Some(value.to_owned());
                    draft.when_to_use = words::between_commas(value);
                }
                _ => draft.keep(label, value),
            },
            None => rest.push(line),
        }
    }
    let rest = rest.join("\n");
    match markdown::opening(&rest) {
        Some((who, more)) => {
            draft.identity = Some(who.to_owned());
            draft.section("", more);
        }
        None => draft.section("", &rest),
    }
}

/// A text without the rule that separates it from the next persona.
fn rule_removed(text: &str) -> &str {
    let text = text.trim_end();
    let last = text.rsplit('\n').next().unwrap_or_default();
    let rule = last.len() >= 3 && last.bytes().all(|b| b == b'-');
    if rule { text[..text.len() - last.len()].trim_end() } else { text }
}
