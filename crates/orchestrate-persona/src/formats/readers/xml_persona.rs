//! XML in the code blocks of a Markdown file: a `persona_context` and a block on behaviour.

use std::collections::{BTreeMap, BTreeSet};

use super::{Found, Reader};
use crate::formats::{
    format::Format,
    toolkit::{
        document::{Document, Kind},
        draft::Draft,
        markdown::{self, Block},
        prose, standards, words,
        xml::{self, Element},
    },
};

pub(super) const READER: Reader = Reader {
    format: Format::XmlPersona,
    recognised_by: "a code block of XML with a `persona_context` or `persona_identity`.",
    recognises,
    read,
    table: &[],
};

fn recognises(document: &Document<'_>) -> bool {
    document.kind == Kind::Markdown
        && (document.text().contains("<persona_context")
            || document.text().contains("<persona_identity"))
}

fn read(document: &Document<'_>, found: &mut Found) {
    let mut draft = Draft::default();
    let body = document.body();
    if let Some(front) = document.front() {
        draft.keep_tree("front", &crate::formats::toolkit::tree::Tree::Map(front.clone()));
    }
    let mut rest = String::with_capacity(body.len());
    let mut at = 0;
    let mut trees = Vec::new();
    for (span, content) in islands(body) {
        match xml::parse(content) {
            Ok((root, repairs)) => {
                rest.push_str(&body[at..span.start]);
                rest.push('\n');
                at = span.end;
                if repairs > 0 {
                    let message = format!("{repairs} bare `&` and `<` in the XML were escaped");
                    draft.repaired.push(message.clone());
                    found.warn(document, "xml-escaped", message);
                }
                trees.push(root);
            }
            Err(wrong) => {
                // The text is kept as it stands, in its code block.
                found.warn(
                    document,
                    "not-xml",
                    format!("a block is not XML and was kept as text: {wrong}"),
                );
            }
        }
    }
    rest.push_str(&body[at..]);
    for root in &trees {
        let active = root.attribute("active").filter(|_| draft.name.is_none());
        for (key, value) in
            root.attributes.iter().filter(|(key, _)| key != "active" || active.is_none())
        {
            draft.keep(&format!("{}.{key}", root.name), value);
        }
        if let Some(active) = active {
            draft.name = Some(active.to_owned());
        }
        for child in &root.children {
            place(&mut draft, child, &mut vec![root.name.clone()]);
        }
        if !root.text.is_empty() {
            draft.section("Knowledge", &root.text);
        }
    }
    around(&mut draft, &rest);
    if draft.title.is_none() && draft.name.is_none() && trees.is_empty() {
        return;
    }
    found.drafts.push(draft);
}

/// The pieces of XML in a text: code blocks that begin with a tag, or the bare elements themselves.
fn islands(body: &str) -> Vec<(std::ops::Range<usize>, &str)> {
    let codes = markdown::codes(body);
    let in_code = codes.iter().filter(|code| {
        let begins = code.content.trim_start().starts_with('<');
        begins
            && (code.info.is_empty()
                || code.info.starts_with("xml")
                || code.info.starts_with("html"))
    });
    let found: Vec<_> = in_code.map(|code| (code.span.clone(), code.content)).collect();
    if !found.is_empty() {
        return found;
    }
    let bare = ["persona_context", "persona"].iter().find_map(|name| {
        let start = body.find(&format!("<{name}"))?;
        let close = format!("</{name}>");
        let end = body[start..].find(&close)? + start + close.len();
        Some((start..end, &body[start..end]))
    });
    bare.into_iter().collect()
}

/// What an element becomes.
#[derive(Debug, Clone, Copy)]
enum Place {
    Gates,
    Metrics,
    Escalation,
    Expertise,
    BlindSpots,
    Section(&'static str),
}

/// The elements that are known, by their names.
const PLACES: &[(&str, Place)] = &[
    ("mandatory_gates", Place::Gates),
    ("success_metrics", Place::Metrics),
    ("escalation", Place::Escalation),
    ("core_expertise", Place::Expertise),
    ("blind_spots", Place::BlindSpots),
    ("primary_lens", Place::Section("Approach")),
    ("problem_solving_method", Place::Section("Approach")),
    ("problem_solving_style", Place::Section("Approach")),
    ("development_process", Place::Section("Approach")),
    ("development_approach", Place::Section("Approach")),
    ("validation_approach", Place::Section("Approach")),
    ("analysis_methods", Place::Section("Approach")),
    ("decision_priorities", Place::Section("Principles")),
    ("trade_off_preferences", Place::Section("Principles")),
    ("risk_tolerance", Place::Section("Principles")),
    ("quality_obsessions", Place::Section("Principles")),
    ("error_handling_philosophy", Place::Section("Principles")),
    ("communication_style", Place::Section("Communication")),
    ("communication_patterns", Place::Section("Communication")),
    ("knowledge_sharing", Place::Section("Communication")),
    ("conflict_resolution", Place::Section("Communication")),
    ("mentoring_approach", Place::Section("Communication")),
    ("documentation_style", Place::Section("Output")),
];

/// Puts an element where it belongs; a group that is unknown hands its elements on one by one.
fn place(draft: &mut Draft, element: &Element, path: &mut Vec<String>) {
    let whole = format!("{}.{}", path.join("."), element.name);
    for (key, value) in &element.attributes {
        draft.keep(&format!("{whole}.{key}"), value);
    }
    if element.name == "persona_identity" {
        return identity(draft, element, &whole);
    }
    let known = PLACES.iter().find(|(name, _)| *name == element.name).map(|&(_, place)| place);
    match known {
        Some(Place::Gates) => gates(draft, element, &whole),
        Some(Place::Metrics) => {
            keep_below(draft, element, &whole);
            for text in &texts(element) {
                draft.metric(text);
            }
        }
        Some(Place::Escalation) => {
            keep_below(draft, element, &whole);
            draft.escalation.extend(standards::escalation(&texts(element).join("\n")));
        }
        Some(Place::Expertise) => {
            keep_below(draft, element, &whole);
            let texts = texts(element);
            draft.section("Expertise", &bullets(&texts));
            draft.capabilities.extend(texts);
        }
        Some(Place::BlindSpots) => {
            keep_below(draft, element, &whole);
            let texts = texts(element);
            draft.section("Limits", &format!("### Blind spots\n\n{}", bullets(&texts)));
            draft.when_not_to_use.extend(texts);
        }
        Some(Place::Section(heading)) => {
            for child in &element.children {
                if let Some(who) = child.name.strip_prefix("with_") {
                    draft.works_with(who, &child.text);
                }
            }
            for found in element.children.iter().filter(|child| child.name == "escalation") {
                keep_all(draft, found, &format!("{whole}.escalation"));
                draft.escalation.extend(standards::escalation(&texts(found).join("\n")));
            }
            titled(draft, heading, element, &["escalation"]);
        }
        None if element
            .children
            .iter()
            .any(|child| !child.children.is_empty() || is_known(child)) =>
        {
            path.push(element.name.clone());
            if !element.text.is_empty() {
                draft.section(
                    "Knowledge",
                    &format!("### {}\n\n{}", words::in_words(&element.name), lines(&element.text)),
                );
            }
            for child in &element.children {
                place(draft, child, path);
            }
            path.pop();
        }
        None => titled(draft, "Knowledge", element, &[]),
    }
}

fn is_known(element: &Element) -> bool {
    PLACES.iter().any(|(name, _)| *name == element.name)
}

/// Keeps the attributes of everything below an element whose texts go where an attribute cannot; one of
/// several elements with one name has its number.
fn keep_below(draft: &mut Draft, element: &Element, path: &str) {
    let mut numbers: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for child in element.children.iter().filter(|child| !child.is_comment) {
        numbers.entry(&child.name).or_default().1 += 1;
    }
    for child in &element.children {
        if child.is_comment {
            draft.keep(&format!("{path}.comment"), &child.text);
            continue;
        }
        let (number, several) = numbers.entry(&child.name).or_default();
        let mut below = format!("{path}.{}", child.name);
        if *several > 1 {
            below = format!("{below}[{number}]");
        }
        *number += 1;
        keep_all(draft, child, &below);
    }
}

/// Keeps the attributes of an element and of everything below it.
fn keep_all(draft: &mut Draft, element: &Element, path: &str) {
    for (key, value) in &element.attributes {
        draft.keep(&format!("{path}.{key}"), value);
    }
    keep_below(draft, element, path);
}

/// A gate for each text; an `id` of an element with one line is the gate's, where it can be one.
fn gates(draft: &mut Draft, element: &Element, path: &str) {
    let mut kept = Element { children: Vec::new(), ..element.clone() };
    if element.children.is_empty() || !element.text.is_empty() {
        for text in &texts(&kept) {
            draft.gate(text);
        }
    }
    for child in &element.children {
        let mut child = child.clone();
        if child.is_comment {
            kept.children.push(child);
            continue;
        }
        match (child.attribute("id").map(str::to_owned), texts(&child).as_slice()) {
            (Some(id), [check]) => {
                if draft.gate_with_id(&id, check) {
                    child.attributes.retain(|(key, _)| key != "id");
                }
            }
            (_, several) => several.iter().for_each(|text| draft.gate(text)),
        }
        kept.children.push(child);
    }
    keep_below(draft, &kept, path);
}

/// What the first paragraph is made of.
const READ: &[&str] = &["name", "expertise_domain", "perspective", "experience_level"];

/// Who the persona is: title, description and a first paragraph out of the same texts.
fn identity(draft: &mut Draft, element: &Element, path: &str) {
    let text = |name: &str| {
        element
            .child(name)
            .map(|child| words::one_line(&child.text))
            .filter(|text| !text.is_empty())
    };
    let title = text("name");
    let domain = text("expertise_domain");
    let perspective = text("perspective");
    let level = text("experience_level");
    draft.title = draft.title.take().or_else(|| title.clone());
    let about: Vec<String> = [&domain, &perspective].into_iter().flatten().cloned().collect();
    if !about.is_empty() {
        draft.description = Some(about.join(". "));
    }
    let who = [level.as_deref(), Some(title.as_deref().unwrap_or("specialist"))];
    let who = who.into_iter().flatten().collect::<Vec<_>>().join(" ");
    let mut sentence = format!("You are a {who}.");
    if let Some(domain) = domain {
        for part in [" Your field: ", &domain, "."] {
            sentence.push_str(part);
        }
    }
    if let Some(perspective) = perspective {
        for part in [" Your perspective: ", &perspective, "."] {
            sentence.push_str(part);
        }
    }
    draft.identity = Some(sentence);
    let mut read = BTreeSet::new();
    for child in &element.children {
        for (key, value) in &child.attributes {
            draft.keep(&format!("{path}.{}.{key}", child.name), value);
        }
        // Only the first of each is read.
        if READ.contains(&child.name.as_str()) && read.insert(&child.name) {
            child.children.iter().for_each(|below| {
                for (key, value) in &below.attributes {
                    draft.keep(&format!("{path}.{}.{}.{key}", child.name, below.name), value);
                }
                titled(draft, "Knowledge", below, &[]);
            });
        } else {
            titled(draft, "Knowledge", child, &[]);
        }
    }
    if !element.text.is_empty() {
        draft.section("Knowledge", &lines(&element.text));
    }
}

/// Adds an element as a part of a section, under its name as a third-level heading.
fn titled(draft: &mut Draft, heading: &str, element: &Element, without: &[&str]) {
    let text = markdown_of(element, without);
    if !text.is_empty() {
        draft.section(heading, &format!("### {}\n\n{text}", words::in_words(&element.name)));
    }
}

/// The text of an element: its own lines, then what is below it as bullets, labelled where the names
/// differ.
fn markdown_of(element: &Element, without: &[&str]) -> String {
    let children: Vec<&Element> =
        element.children.iter().filter(|child| !without.contains(&child.name.as_str())).collect();
    let mut parts = Vec::new();
    if !element.text.is_empty() {
        parts.push(lines(&element.text));
    }
    let alike =
        children.iter().all(|child| child.name == children[0].name && child.children.is_empty());
    if alike && children.len() > 1 {
        let told = children.iter().map(|child| {
            let mut lines = vec![bullets(&[words::one_line(&child.text)])];
            attributes(child, 0, &mut lines);
            lines.join("\n")
        });
        parts.push(told.collect::<Vec<_>>().join("\n"));
    } else {
        let mut out = Vec::new();
        for child in children {
            labelled(child, 0, &mut out);
        }
        if !out.is_empty() {
            parts.push(out.join("\n"));
        }
    }
    parts.join("\n\n")
}

fn labelled(element: &Element, depth: usize, out: &mut Vec<String>) {
    let indent = "  ".repeat(depth);
    let name = words::in_words(&element.name);
    let told: Vec<&str> = element.text.lines().collect();
    match told.as_slice() {
        [] => out.push(format!("{indent}- **{name}**")),
        [one] => out.push(format!("{indent}- **{name}:** {one}")),
        several => {
            out.push(format!("{indent}- **{name}:**"));
            out.extend(several.iter().map(|line| format!("{indent}  - {line}")));
        }
    }
    attributes(element, depth, out);
    for child in &element.children {
        labelled(child, depth + 1, out);
    }
}

/// The attributes of an element as items below its own.
fn attributes(element: &Element, depth: usize, out: &mut Vec<String>) {
    let indent = "  ".repeat(depth);
    for (key, value) in &element.attributes {
        out.push(format!("{indent}  - {}: {value}", words::in_words(key)));
    }
}

/// Every text of an element and below, in order; comments say nothing.
fn texts(element: &Element) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    if element.children.is_empty() || !element.text.is_empty() {
        let own = element.text.lines().map(words::one_line).filter(|line| !line.is_empty());
        found.extend(own);
    }
    for child in element.children.iter().filter(|child| !child.is_comment) {
        found.extend(texts(child));
    }
    found
}

fn bullets(texts: &[String]) -> String {
    let lines = texts.iter().map(|text| {
        if markdown::list_item(text).is_some() { text.clone() } else { format!("- {text}") }
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// One line as it is; several as a list.
fn lines(text: &str) -> String {
    let lines: Vec<String> = text.lines().map(str::to_owned).collect();
    if lines.len() == 1 { text.to_owned() } else { bullets(&lines) }
}

/// The Markdown around the XML: a table of versions, the title, the usage line.
fn around(draft: &mut Draft, rest: &str) {
    for block in markdown::blocks(rest, 2) {
        match block.level {
            0 => leftover(draft, "", block.text),
            1 => {
                let bare = words::bare_title(block.heading);
                if draft.title.as_deref().is_some_and(|title| title != bare) {
                    draft.aliases.push(bare);
                    draft.map(block.heading, "aliases");
                } else {
                    draft.map(block.heading, "title");
                    draft.title = Some(bare);
                }
                leftover(draft, "", block.text);
            }
            _ => section(draft, block),
        }
    }
}

fn section(draft: &mut Draft, block: Block<'_>) {
    let text = without_bars(block.text);
    let (usage, text): (Vec<&str>, Vec<&str>) = text.lines().partition(|line| is_usage(line));
    for line in usage {
        take_usage(draft, line);
    }
    let text = text.join("\n");
    if text.trim().is_empty() {
        draft.drop(block.heading, block.heading, "a heading over XML that was read");
    } else {
        prose::part(draft, block.heading, &text);
    }
}

fn leftover(draft: &mut Draft, heading: &str, text: &str) {
    let text = without_bars(text);
    let mut kept = Vec::new();
    let table: Vec<&str> = text.lines().filter(|line| line.trim_start().starts_with('|')).collect();
    versions(draft, &table);
    for line in text.lines().filter(|line| !line.trim_start().starts_with('|')) {
        if is_usage(line) {
            take_usage(draft, line);
        } else {
            kept.push(line);
        }
    }
    draft.section(heading, &kept.join("\n"));
}

fn is_usage(line: &str) -> bool {
    line.trim_start().to_lowercase().starts_with("**usage**")
}

fn take_usage(draft: &mut Draft, line: &str) {
    if let Some((_, text)) = prose::labelled(line) {
        draft.when_to_use.push(text.to_owned());
    }
}

/// The rows of a table by its header: the version has a key, the rest is kept.
fn versions(draft: &mut Draft, table: &[&str]) {
    let cells = |line: &str| -> Vec<String> {
        line.trim().trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect()
    };
    let Some((header, rows)) = table.split_first() else { return };
    let header = cells(header);
    let ruled =
        |row: &Vec<String>| row.iter().all(|cell| cell.chars().all(|c| matches!(c, '-' | ':')));
    let rows: Vec<Vec<String>> =
        rows.iter().map(|row| cells(row)).filter(|row| !ruled(row)).collect();
    if rows.is_empty() {
        draft.keep("table", &header.join(" | "));
    }
    for row in rows {
        for (at, cell) in row.iter().enumerate() {
            let key = header.get(at).map_or("table", String::as_str);
            if key.eq_ignore_ascii_case("version") && draft.version.is_none() {
                draft.version = Some(cell.clone());
            } else {
                draft.keep(key, cell);
            }
        }
    }
}

/// A text without the lines that are only drawn bars.
fn without_bars(text: &str) -> String {
    let bar = |line: &str| {
        let line = line.trim();
        line.chars().count() >= 3
            && line.chars().all(|c| matches!(c, '─' | '━' | '═' | '-' | '_' | '*'))
    };
    text.lines().filter(|line| !bar(line)).collect::<Vec<_>>().join("\n")
}
