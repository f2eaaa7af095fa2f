//! A project document: labelled personas under numbered headings, patterns and a reference table.

use std::collections::BTreeMap;

use super::{Found, Reader};
use crate::formats::{
    format::Format,
    patterns::{Pattern, PatternStep, UnreadLine},
    toolkit::{
        document::{Document, Kind},
        draft::Draft,
        limits::MAX_STEPS,
        markdown::{self, Block, List},
        prose, words,
    },
};

pub(super) const READER: Reader = Reader {
    format: Format::ProjectDocument,
    recognised_by: "two or more headings with labelled lists below them, such as `**Slug**:` and `**Expertise**:`.",
    recognises,
    read,
    table: &[],
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
    let mut code = 0;
    let mut at = 0;
    for full in text.split_inclusive('\n') {
        let line = full.trim_end_matches('\n');
        while codes.get(code).is_some_and(|found| found.span.end <= at) {
            code += 1;
        }
        let fenced = codes.get(code).is_some_and(|found| found.span.contains(&at));
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
    for block in markdown::blocks(body, level) {
        if is_persona(&block, level) {
            found.drafts.push(persona(&block));
            continue;
        }
        // What is no persona is looked at heading by heading.
        let parts = markdown::blocks(block.text, 3);
        let head = parts.first().filter(|part| part.level == 0).map_or("", |part| part.text);
        others.push(Block { text: head, ..block });
        others.extend(parts.into_iter().filter(|part| part.level > 0));
    }
    for block in &others {
        table(block.text, &mut found.drafts);
    }
    let roster: Vec<Known> = found.drafts.iter().filter_map(Known::of).collect();
    for block in others {
        let room = found.patterns.len() < MAX_STEPS;
        match pattern(&block, &roster) {
            Ok(pattern) if room => found.patterns.push(pattern),
            Ok(_) => found.drop(block.heading, block.text, "one pattern too many"),
            Err(why) => found.drop(block.heading, block.text, why),
        }
    }
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
            // A label's own line is its value; what stands below is text again.
            "slug" if draft.name.is_none() => {
                let (own, rest) = field.text.split_once('\n').unwrap_or((&field.text, ""));
                draft.name = Some(words::plain(own));
                draft.section("", rest);
            }
            "note" => {
                let (own, rest) = markdown::first_paragraph(&field.text);
                notes.push(words::one_line(own));
                draft.section("", rest);
            }
            "identity" | "role" if draft.identity.is_none() => {
                match markdown::opening(&field.text) {
                    Some((who, rest)) => {
                        let who = words::one_line(who);
                        let opens = who.to_lowercase().starts_with("you are");
                        draft.identity =
                            Some(if opens { who } else { format!("You are the {title}: {who}") });
                        draft.section("", rest);
                    }
                    None => prose::part(&mut draft, &field.label, &field.text),
                }
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
    let rows = text.lines().filter(|line| line.trim_start().starts_with('|'));
    let mut by_name: Option<BTreeMap<String, usize>> = None;
    for line in rows {
        let by_name = by_name.get_or_insert_with(|| {
            let named = drafts.iter().enumerate();
            named.filter_map(|(at, draft)| Some((draft.name.clone()?, at))).collect()
        });
        let cells: Vec<String> =
            line.trim().trim_matches('|').split('|').map(words::plain).collect();
        let row = cells.iter().enumerate().find_map(|(at, cell)| {
            by_name.get(cell.trim_start_matches("--persona-")).map(|&draft| (at, draft))
        });
        let Some((at, draft)) = row else { continue };
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

/// A persona as the lines of a pattern may call it.
struct Known {
    slug: String,
    /// Its names in small letters, without marks.
    names: Vec<String>,
    /// The last part of its abbreviation, such as `TF`.
    short: Option<String>,
}

impl Known {
    fn of(draft: &Draft) -> Option<Self> {
        let slug = words::slug(draft.name.as_deref().or(draft.title.as_deref())?)?;
        let all = [&draft.name, &draft.title, &draft.abbreviation];
        let all = all.into_iter().flatten().chain(&draft.aliases);
        let short = draft.abbreviation.as_deref().and_then(|text| text.rsplit(['-', '/']).next());
        Some(Self {
            slug,
            names: all.map(|name| words::heading_key(name)).collect(),
            short: short.map(str::to_lowercase),
        })
    }
}

/// A pattern: a heading `Pattern N: title` over numbered lines `**who** → what`, or why it is none.
fn pattern(block: &Block<'_>, roster: &[Known]) -> Result<Pattern, &'static str> {
    let lower = block.heading.to_lowercase();
    let named =
        lower.strip_prefix("pattern").is_some_and(|rest| !rest.starts_with(char::is_alphabetic));
    let title = if lower.starts_with("pattern") {
        let rest = block.heading["pattern".len()..].trim_start();
        rest.trim_start_matches(|c: char| c.is_ascii_digit())
            .trim_start_matches([':', '.', '-', ' '])
    } else {
        block.heading
    };
    let list = List::of(block.text);
    let mut pattern = Pattern {
        name: words::slug(title).unwrap_or_default(),
        title: title.to_owned(),
        about: list.told().iter().map(|line| words::one_line(line)).collect(),
        steps: Vec::new(),
        unread: Vec::new(),
    };
    for item in &list.items {
        match step(item, roster) {
            Some(step) => pattern.steps.push(step),
            None => pattern.unread.push(UnreadLine {
                steps_before: pattern.steps.len(),
                text: words::one_line(item),
            }),
        }
    }
    let known = pattern.steps.iter().any(|step| !step.personas.is_empty());
    let mostly = pattern.steps.len() > pattern.unread.len();
    let clean = pattern.unread.is_empty() && pattern.about.is_empty();
    match pattern.steps.len() {
        _ if pattern.name.is_empty() && named => Err("a pattern whose heading gives no name"),
        0 if named => Err("a pattern without a line `who → what`"),
        count if count > MAX_STEPS => Err("a pattern with too many lines"),
        1.. if !pattern.name.is_empty() && (clean || (known && (named || mostly))) => Ok(pattern),
        _ if named => Err("a pattern that names none of these personas"),
        _ => Err("about the document, not about a persona"),
    }
}

fn step(item: &str, roster: &[Known]) -> Option<PatternStep> {
    let (who, text) = item.split_once('→').or_else(|| item.split_once("->"))?;
    let who = words::plain(who);
    let (personas, choice) = resolve(&who, roster);
    Some(PatternStep { who, text: text.trim().to_owned(), personas, choice })
}

/// Whom a line of a pattern means: one persona, or several with the word that chooses each.
fn resolve(who: &str, roster: &[Known]) -> (Vec<String>, Vec<String>) {
    if let Some(one) = named(&words::heading_key(who), roster) {
        return (vec![one], Vec::new());
    }
    let Some((base, inner)) = who.split_once('(') else {
        return (by_beginnings(who, roster).into_iter().collect(), Vec::new());
    };
    let base = words::heading_key(base);
    let options = inner.trim_end_matches(')').split(['/', ',', '|']).map(str::trim);
    let mut found: Vec<(String, String)> = Vec::new();
    for option in options {
        let word = words::slug(option).unwrap_or_else(|| words::heading_key(option));
        let sound =
            !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        if let Some(persona) = specialist(&base, option, roster)
            && sound
            && found.iter().all(|(_, known)| *known != word)
        {
            found.push((persona, word));
        }
    }
    if found.len() < 2 {
        return (found.into_iter().map(|(persona, _)| persona).collect(), Vec::new());
    }
    found.into_iter().unzip()
}

fn named(key: &str, roster: &[Known]) -> Option<String> {
    let found = roster.iter().find(|known| known.names.iter().any(|name| name == key));
    found.map(|known| known.slug.clone())
}

/// The persona of a family, such as `ml engineer`, that an option such as `TF` means.
fn specialist(base: &str, option: &str, roster: &[Known]) -> Option<String> {
    let option = words::heading_key(option);
    if let Some(exact) = named(&format!("{base} {option}"), roster) {
        return Some(exact);
    }
    let family: Vec<&Known> = roster
        .iter()
        .filter(|known| known.names.iter().any(|name| name.starts_with(base)))
        .collect();
    let short = family.iter().find(|known| known.short.as_deref() == Some(&option));
    let begins = |known: &&&Known| {
        let mut words = known.names.iter().flat_map(|name| name.split(' '));
        words.any(|word| word.starts_with(option.as_str()))
    };
    short.or_else(|| family.iter().find(begins)).map(|known| known.slug.clone())
}

/// The only persona in whose name each word of `who` begins a word.
fn by_beginnings(who: &str, roster: &[Known]) -> Option<String> {
    let key = words::heading_key(who);
    let wanted: Vec<&str> = key.split(' ').filter(|word| !word.is_empty()).collect();
    let fits = |known: &&Known| {
        known.names.iter().any(|name| {
            wanted.iter().all(|wanted| name.split(' ').any(|word| word.starts_with(wanted)))
        })
    };
    let mut found = roster.iter().filter(fits);
    let first = found.next().filter(|_| !wanted.is_empty())?;
    found.next().is_none().then(|| first.slug.clone())
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
