//! A project document: labelled personas under numbered headings, patterns and a reference table.

use super::{Found, Reader};
use crate::formats::{
    format::Format,
    patterns::{Pattern, PatternStep},
    toolkit::{
        document::{Document, Kind},
        draft::Draft,
        markdown::{self, Block, List},
        prose, words,
    },
};

pub(super) const READER: Reader = Reader {
    format: Format::ProjectDocument,
    recognised_by: "two or more headings with labelled lists below them, such as `**Slug**:` and `**Expertise**:`.",
    recognises,
    read,
};

/// Labels that make a heading a persona's.
const LABELS: &[&str] = &[
    "slug",
    "expertise",
    "responsibilities",
    "communication style",
    "when to invoke",
    "when to use",
    "identity",
    "priority hierarchy",
    "core principles",
    "auto activation triggers",
    "perspective",
    "core belief",
    "core beliefs",
    "mcp server preferences",
    "focus",
    "quality standards",
];

fn recognises(document: &Document<'_>) -> bool {
    document.kind == Kind::Markdown
        && document.front().is_none()
        && level(document.body()).is_some()
}

/// The level of the headings that are personas.
fn level(body: &str) -> Option<usize> {
    [2, 3].into_iter().find(|&level| {
        markdown::blocks(body, level).iter().filter(|block| is_persona(block, level)).count() >= 2
    })
}

fn is_persona(block: &Block<'_>, level: usize) -> bool {
    let labels = fields(block.text);
    let known = |field: &&Field| LABELS.contains(&words::heading_key(&field.label).as_str());
    block.level == level && labels.iter().filter(known).count() >= 2
}

/// A label with what stands behind and below it.
#[derive(Debug, Default)]
struct Field {
    label: String,
    text: String,
}

/// The labelled parts of a persona's text; the first has no label.
fn fields(text: &str) -> Vec<Field> {
    let mut fields = vec![Field::default()];
    let codes = markdown::codes(text);
    let mut at = 0;
    for full in text.split_inclusive('\n') {
        let line = full.trim_end_matches('\n');
        let fenced = codes.iter().any(|code| code.span.contains(&at));
        at += full.len();
        let heading = if fenced { None } else { crate::body::heading(line) };
        if let Some((_, title)) = heading {
            fields.push(Field { label: title.to_owned(), text: String::new() });
            continue;
        }
        let label = line.strip_prefix("**").filter(|_| !fenced).and_then(|rest| {
            let (label, rest) = rest.split_once("**")?;
            let after = rest.trim_start();
            let colon = label.ends_with(':') || after.starts_with(':');
            colon
                .then(|| (label.trim_end_matches(':').trim(), after.trim_start_matches(':').trim()))
        });
        if let Some((label, rest)) = label {
            fields.push(Field { label: label.to_owned(), text: rest.to_owned() });
        } else if let Some(last) = fields.last_mut() {
            last.text.push('\n');
            last.text.push_str(line);
        }
    }
    fields.retain(|field| !field.label.is_empty() || !field.text.trim().is_empty());
    for field in &mut fields {
        let mut text = field.text.trim_end();
        while let Some((before, rule)) = text.rsplit_once('\n')
            && rule.len() >= 3
            && rule.bytes().all(|b| b == b'-')
        {
            text = before.trim_end();
        }
        field.text = markdown::trimmed(text).to_owned();
    }
    fields
}

fn read(document: &Document<'_>, found: &mut Found) {
    let body = document.body();
    let Some(level) = level(body) else { return };
    let mut others = Vec::new();
    for block in markdown::blocks(body, level.max(3)) {
        if block.level == level && is_persona(&whole(body, &block, level), level) {
            found.drafts.push(persona(&whole(body, &block, level)));
        } else if block.level <= level {
            others.push(block);
        } else if let Some(previous) = last_persona(body, &block, level) {
            // Part of a persona that was read as a whole.
            let _ = previous;
        } else {
            others.push(block);
        }
    }
    for block in &others {
        table(block.text, &mut found.drafts);
    }
    for block in others {
        match pattern(&block, &found.drafts) {
            Some(pattern) => found.patterns.push(pattern),
            None => {
                found.drop(block.heading, block.text, "about the document, not about a persona")
            }
        }
    }
}

/// A block with everything down to the next heading of its level.
fn whole<'t>(body: &'t str, block: &Block<'t>, level: usize) -> Block<'t> {
    let blocks = markdown::blocks(body, level);
    blocks
        .into_iter()
        .find(|found| found.start == block.start && found.level == block.level)
        .unwrap_or(*block)
}

/// The persona that a deeper heading belongs to.
fn last_persona<'t>(body: &'t str, block: &Block<'_>, level: usize) -> Option<Block<'t>> {
    let blocks = markdown::blocks(body, level);
    let before = blocks.into_iter().rfind(|found| found.start < block.start)?;
    is_persona(&before, level).then_some(before)
}

fn persona(block: &Block<'_>) -> Draft {
    let mut draft = Draft::default();
    let (title, abbreviation) = heading(block.heading);
    draft.map(block.heading, "title");
    draft.title = Some(title.clone());
    draft.abbreviation = abbreviation;
    let mut notes = Vec::new();
    for field in fields(block.text) {
        let key = words::heading_key(&field.label);
        match key.as_str() {
            "" => draft.section("", &field.text),
            "slug" => draft.name = Some(words::plain(&field.text)),
            "note" => notes.push(words::one_line(&field.text)),
            "identity" | "role" if draft.identity.is_none() && markdown::is_prose(&field.text) => {
                let text = words::one_line(&field.text);
                let opens = text.to_lowercase().starts_with("you are");
                draft.identity =
                    Some(if opens { text } else { format!("You are the {title}: {text}") });
            }
            "auto activation triggers" | "when to activate" => {
                prose::part(&mut draft, "When to use", &field.text)
            }
            _ => prose::part(&mut draft, &field.label, &field.text),
        }
    }
    if draft.identity.is_none() {
        draft.synthesised.push("identity");
        draft.identity = Some(format!("You are the {title}."));
    }
    if let Some(identity) = &mut draft.identity {
        for note in notes {
            identity.push(' ');
            identity.push_str(&note);
        }
    }
    draft
}

/// Title and abbreviation out of `1. Name (ABBR)` or `` `--persona-name` ``.
fn heading(text: &str) -> (String, Option<String>) {
    let mut text = words::plain(text);
    let start = text.trim_start_matches(|c: char| !c.is_alphabetic()).len();
    text = text[text.len() - start..].to_owned();
    if let Some(name) = text.strip_prefix("persona-") {
        let (name, _) = name.split_once(char::is_whitespace).unwrap_or((name, ""));
        return (words::title(name), None);
    }
    if let Some((title, rest)) = text.rsplit_once('(')
        && let Some(inner) = rest.trim_end().strip_suffix(')')
        && (1..=14).contains(&inner.len())
        && inner
            .chars()
            .all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || matches!(c, '-' | '/' | '&'))
    {
        return (title.trim().to_owned(), Some(inner.to_owned()));
    }
    (text.trim().to_owned(), None)
}

/// Names and descriptions out of the rows of a table that hold a persona's slug.
fn table(text: &str, drafts: &mut [Draft]) {
    for line in text.lines().filter(|line| line.trim_start().starts_with('|')) {
        let cells: Vec<String> =
            line.trim().trim_matches('|').split('|').map(words::plain).collect();
        let Some((at, draft)) = cells.iter().enumerate().find_map(|(at, cell)| {
            let slug = cell.trim_start_matches("--persona-");
            drafts
                .iter()
                .position(|draft| draft.name.as_deref() == Some(slug))
                .map(|position| (at, position))
        }) else {
            continue;
        };
        let draft = &mut drafts[draft];
        for (position, cell) in cells.iter().enumerate().filter(|(_, cell)| !cell.is_empty()) {
            if position < at {
                if draft.title.as_deref() != Some(cell) {
                    draft.aliases.push(cell.clone());
                }
            } else if position > at {
                match &mut draft.description {
                    Some(text) => {
                        text.push_str(" - ");
                        text.push_str(cell);
                    }
                    None => draft.description = Some(cell.clone()),
                }
            }
        }
    }
}

/// A pattern: a heading `Pattern N: title` over numbered lines `**who** → what`.
fn pattern(block: &Block<'_>, drafts: &[Draft]) -> Option<Pattern> {
    let lower = block.heading.to_lowercase();
    let title = if lower.starts_with("pattern") {
        let rest = block.heading["pattern".len()..].trim_start();
        rest.trim_start_matches(|c: char| c.is_ascii_digit())
            .trim_start_matches([':', '.', '-', ' '])
    } else {
        block.heading
    };
    let list = List::of(block.text);
    let steps: Vec<PatternStep> = list.items.iter().filter_map(|item| step(item, drafts)).collect();
    let whole = !steps.is_empty() && steps.len() == list.items.len();
    let told = list.others.iter().all(|line| line.chars().all(|c| matches!(c, '-' | ' ')));
    let name = words::slug(title)?;
    (whole && told).then(|| Pattern { name, title: title.to_owned(), steps })
}

fn step(item: &str, drafts: &[Draft]) -> Option<PatternStep> {
    let (who, text) = item.split_once('→').or_else(|| item.split_once("->"))?;
    let who = words::plain(who);
    let (personas, choice) = resolve(&who, drafts);
    Some(PatternStep { who, text: text.trim().to_owned(), personas, choice })
}

/// Whom a line of a pattern means: one persona, or several with the word that chooses each.
fn resolve(who: &str, drafts: &[Draft]) -> (Vec<String>, Vec<String>) {
    if let Some(one) = named(&words::heading_key(who), drafts) {
        return (vec![one], Vec::new());
    }
    let Some((base, inner)) = who.split_once('(') else {
        return (by_beginnings(who, drafts).into_iter().collect(), Vec::new());
    };
    let options: Vec<&str> =
        inner.trim_end_matches(')').split(['/', ',', '|']).map(str::trim).collect();
    let base = words::heading_key(base);
    let found: Vec<(String, String)> = options
        .iter()
        .filter_map(|option| {
            let slug = words::slug(option).or_else(|| Some(option.to_lowercase()))?;
            specialist(&base, option, drafts).map(|persona| (persona, slug))
        })
        .collect();
    match found.len() {
        0 => (Vec::new(), Vec::new()),
        1 => (vec![found[0].0.clone()], Vec::new()),
        _ => found.into_iter().unzip(),
    }
}

/// The keys of all names of a persona.
fn names(draft: &Draft) -> Vec<String> {
    let all = [&draft.name, &draft.title, &draft.abbreviation];
    let all = all.into_iter().flatten().chain(&draft.aliases);
    all.map(|name| words::heading_key(name)).collect()
}

fn slug_of(draft: &Draft) -> Option<String> {
    let name = draft.name.as_deref().or(draft.title.as_deref())?;
    words::slug(name)
}

fn named(key: &str, drafts: &[Draft]) -> Option<String> {
    drafts.iter().find(|draft| names(draft).iter().any(|name| name == key)).and_then(slug_of)
}

/// The persona of a family, such as `ml engineer`, that an option such as `TF` means.
fn specialist(base: &str, option: &str, drafts: &[Draft]) -> Option<String> {
    let option = words::heading_key(option);
    if let Some(exact) = named(&format!("{base} {option}"), drafts) {
        return Some(exact);
    }
    let family = |draft: &&Draft| names(draft).iter().any(|name| name.starts_with(base));
    let short = |draft: &&Draft| {
        draft.abbreviation.as_deref().is_some_and(|short| {
            short.rsplit(['-', '/']).next().is_some_and(|last| last.eq_ignore_ascii_case(&option))
        })
    };
    let word = |draft: &&Draft| {
        names(draft)
            .iter()
            .any(|name| name.split(' ').any(|word| word.starts_with(option.as_str())))
    };
    let of_family: Vec<&Draft> = drafts.iter().filter(family).collect();
    let chosen = of_family
        .iter()
        .copied()
        .find(|draft| short(draft))
        .or_else(|| of_family.iter().copied().find(|draft| word(draft)));
    chosen.and_then(slug_of)
}

/// The only persona of whose name every word is begun by a word of `who`.
fn by_beginnings(who: &str, drafts: &[Draft]) -> Option<String> {
    let key = words::heading_key(who);
    let wanted: Vec<&str> = key.split(' ').collect();
    let fits = |draft: &&Draft| {
        names(draft).iter().any(|name| {
            wanted.iter().all(|wanted| name.split(' ').any(|word| word.starts_with(wanted)))
        })
    };
    let found: Vec<&Draft> = drafts.iter().filter(fits).collect();
    if found.len() == 1 { slug_of(found[0]) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_give_title_and_abbreviation() {
        let wanted =
            |title: &str, short: Option<&str>| (title.to_owned(), short.map(str::to_owned));
        assert_eq!(heading("2. Data Engineer (DE)"), wanted("Data Engineer", Some("DE")));
        assert_eq!(heading("`--persona-web-tester`"), wanted("Web Tester", None));
        assert_eq!(heading("🎨 Designer (web)"), wanted("Designer (web)", None));
    }
}
