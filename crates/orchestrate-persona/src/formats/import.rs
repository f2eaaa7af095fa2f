//! From any file to personas, or to the reason why not.

use std::{collections::BTreeSet, fmt::Write as _};

use orchestrate_core::{
    diagnostic::{Diagnostic, Severity, Source, has_errors},
    persona::Persona,
};
use sha2::{Digest as _, Sha256};

use super::{
    format::Format,
    patterns::Pattern,
    readers::{Found, READERS, Reader, canonical::is_meant, claude_code::page_key},
    toolkit::{
        document::{Document, ForeignFile},
        draft::{Draft, Dropped, Mapped},
        limits::MAX_PERSONAS,
    },
    write::write_canonical,
};
use crate::{front_matter::MAX_FRONT_MATTER_BYTES, read};

/// What a file gave.
#[derive(Debug, Clone, PartialEq)]
pub struct Imported {
    /// The format it was read as; `None` where it was refused.
    pub format: Option<Format>,
    /// The personas in the order of the file.
    pub personas: Vec<ImportedPersona>,
    /// How they work together, where the file says so.
    pub patterns: Vec<Pattern>,
    /// Texts of the file that belong to no persona.
    pub dropped: Vec<Dropped>,
    /// What is wrong with it; an error wherever there is no persona.
    pub diagnostics: Vec<Diagnostic>,
}

/// One persona with what was done to get it.
#[derive(Debug, Clone, PartialEq)]
pub struct ImportedPersona {
    /// The persona as it is read from `canonical`.
    pub persona: Persona,
    /// The text of its canonical file, `<name>.md`.
    pub canonical: String,
    /// What was repaired, a sentence each.
    pub repaired: Vec<String>,
    /// Headings that have another name now.
    pub mapped: Vec<Mapped>,
    /// Texts that are not in the canonical file.
    pub dropped: Vec<Dropped>,
    /// Fields that the file did not have.
    pub synthesised: Vec<&'static str>,
}

/// Reads a file of any known format; `force` names one instead of looking at the content.
///
/// A file that is no persona is refused with what was seen in it, and never guessed at.
pub fn import(file: &ForeignFile<'_>, force: Option<Format>) -> Imported {
    let mut imported = Imported {
        format: None,
        personas: Vec::new(),
        patterns: Vec::new(),
        dropped: Vec::new(),
        diagnostics: Vec::new(),
    };
    let mut document = match Document::open(file) {
        Ok(document) => document,
        Err(error) => {
            imported.diagnostics.push(error);
            return imported;
        }
    };
    imported.diagnostics = std::mem::take(&mut document.diagnostics);
    if has_errors(&imported.diagnostics) {
        return imported;
    }
    let mut fitting = READERS.iter().filter(|reader| (reader.recognises)(&document));
    let mut reader = match force {
        Some(format) => format.reader(),
        None => fitting.next(),
    };
    if reader.is_some_and(|reader| reader.format == Format::Canonical) {
        let next = fitting.next().filter(|_| force.is_none());
        let Some(next) = canonical(&document, next, &mut imported) else { return imported };
        reader = Some(next);
    }
    let Some(reader) = reader else {
        imported.diagnostics.push(refusal(&document, None));
        return imported;
    };
    let mut found = Found::default();
    (reader.read)(&document, &mut found);
    imported.patterns = found.patterns;
    imported.dropped = found.dropped;
    imported.diagnostics.extend(found.diagnostics);
    if found.drafts.is_empty() {
        // Nothing of a file that is refused is taken, and so nothing of it is left out.
        imported.patterns.clear();
        imported.dropped.clear();
        if !has_errors(&imported.diagnostics) {
            imported.diagnostics.push(refusal(&document, Some(reader.format)));
        }
        return imported;
    }
    imported.format = Some(reader.format);
    if found.drafts.len() > MAX_PERSONAS {
        let message =
            format!("only the first {MAX_PERSONAS} of {} personas were read", found.drafts.len());
        let warning = Diagnostic::warning("too-many-personas", message);
        imported.diagnostics.push(warning.at(&document.source, 0..0, "").help("split the file"));
        for draft in found.drafts.drain(MAX_PERSONAS..) {
            let name = draft.name.or(draft.title).unwrap_or_default();
            let text = draft.identity.unwrap_or_default();
            imported.dropped.push(Dropped {
                path_in_source: name,
                reason: "too many personas in one file".into(),
                text,
            });
        }
    }
    finish(&document, reader.format, found.drafts, &mut imported);
    imported
}

/// SHA-256 in small hexadecimal digits.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(64);
    for byte in Sha256::digest(bytes) {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// A canonical file is read as the program itself reads it, and stays as it is. One that cannot be, and only
/// has a key or two of ours, goes on to the next reader.
fn canonical<'r>(
    document: &Document<'_>,
    next: Option<&'r Reader>,
    imported: &mut Imported,
) -> Option<&'r Reader> {
    let source = Source::new(document.path, document.text());
    let (persona, diagnostics) = read(&source);
    let Some(persona) = persona else {
        if let Some(next) = next.filter(|_| !is_meant(document)) {
            let wrong = diagnostics.into_iter().find(|found| found.severity == Severity::Error);
            imported.diagnostics.extend(wrong.map(|wrong| Diagnostic {
                code: "not-canonical",
                severity: Severity::Warning,
                message: format!(
                    "read as {}, not as a file of ours: {}",
                    next.format, wrong.message
                ),
                ..wrong
            }));
            return Some(next);
        }
        imported.diagnostics.extend(diagnostics);
        return None;
    };
    imported.diagnostics.extend(diagnostics);
    imported.format = Some(Format::Canonical);
    imported.personas.push(ImportedPersona {
        persona,
        canonical: document.text().to_owned(),
        repaired: document.repaired.clone(),
        mapped: Vec::new(),
        dropped: Vec::new(),
        synthesised: Vec::new(),
    });
    None
}

fn finish(document: &Document<'_>, format: Format, drafts: Vec<Draft>, imported: &mut Imported) {
    let sha256 = sha256(document.bytes);
    let mut names = BTreeSet::new();
    for draft in drafts {
        let (mut persona, mut draft) = draft.finish(document, format.id(), &sha256);
        unique(&mut persona, &mut names, document, imported);
        let canonical = fitted(&mut persona, &mut draft);
        let (read_back, canonical, diagnostics) = settled(&persona.name, canonical);
        let errors = diagnostics.into_iter().filter(|found| found.severity == Severity::Error);
        imported.diagnostics.extend(errors);
        let Some(read_back) = read_back else { continue };
        let mut repaired = document.repaired.clone();
        repaired.append(&mut draft.repaired);
        imported.personas.push(ImportedPersona {
            persona: read_back,
            canonical,
            repaired,
            mapped: draft.mapped,
            dropped: draft.dropped,
            synthesised: draft.synthesised,
        });
    }
    imported.diagnostics.extend(synthesised(document, &imported.personas));
}

/// The persona that a canonical text is read as, and the text that is written from it. They differ from
/// what was given where a text holds a heading of its own, which is a section from then on.
fn settled(name: &str, canonical: String) -> (Option<Persona>, String, Vec<Diagnostic>) {
    let source = |text: String| Source::new(format!("{name}.md"), text);
    let first = source(canonical);
    let (persona, diagnostics) = read(&first);
    match persona.as_ref().map(write_canonical) {
        Some(written) if written != *first.text => {
            let second = source(written);
            let (persona, diagnostics) = read(&second);
            (persona, second.text.clone(), diagnostics)
        }
        _ => (persona, first.text.clone(), diagnostics),
    }
}

/// One warning for everything that had to be composed.
fn synthesised(document: &Document<'_>, personas: &[ImportedPersona]) -> Option<Diagnostic> {
    let composed: Vec<&ImportedPersona> =
        personas.iter().filter(|found| !found.synthesised.is_empty()).collect();
    let fields: BTreeSet<&str> =
        composed.iter().flat_map(|found| found.synthesised.iter().copied()).collect();
    let fields = fields.iter().map(|field| format!("`{field}`")).collect::<Vec<_>>().join(" and ");
    let message = match composed.as_slice() {
        [] => return None,
        [one] => format!(
            "the file has no {fields} for `{}`, composed from its other texts",
            one.persona.name
        ),
        several => format!(
            "the file has no {fields} for {} personas, composed from its other texts",
            several.len()
        ),
    };
    let warning = Diagnostic::warning("synthesised", message).at(&document.source, 0..0, "");
    Some(warning.help("read what was composed and put it into your own words"))
}

/// Two personas of one file never share a name.
fn unique(
    persona: &mut Persona,
    names: &mut BTreeSet<String>,
    document: &Document<'_>,
    imported: &mut Imported,
) {
    let base = persona.name.clone();
    let mut number = 2;
    while !names.insert(persona.name.clone()) {
        let short = base[..base.len().min(58)].trim_end_matches('-');
        persona.name = format!("{short}-{number}");
        number += 1;
    }
    if persona.name != base {
        let message = format!("a second persona `{base}`, named `{}`", persona.name);
        let warning = Diagnostic::warning("duplicate-name", message).at(&document.source, 0..0, "");
        imported.diagnostics.push(warning);
    }
}

/// The canonical text, with the largest foreign keys left out where the front matter grows too long.
fn fitted(persona: &mut Persona, draft: &mut Draft) -> String {
    loop {
        let text = write_canonical(persona);
        let front = text[4..].find("\n---\n").unwrap_or(0);
        let excess = front.saturating_sub(MAX_FRONT_MATTER_BYTES);
        if excess == 0 || persona.extra.is_empty() {
            return text;
        }
        // What a key and its text take up at least, with indentation, colon and line feed.
        let length = |key: &str, text: &str| key.len() + text.len() + 5;
        let mut sizes: Vec<(usize, String)> =
            persona.extra.iter().map(|(key, text)| (length(key, text), key.clone())).collect();
        sizes.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
        let mut freed = 0;
        let largest = sizes.into_iter().take_while(|(size, _)| {
            let needed = freed < excess;
            freed += size;
            needed
        });
        let largest: BTreeSet<String> = largest.map(|(_, key)| key).collect();
        persona.extra.retain(|key, text| {
            let kept = !largest.contains(key);
            if !kept {
                draft.drop(key, text, "too long for a front matter");
            }
            kept
        });
    }
}

/// Why a file is no persona: what was seen, and what would have been one.
fn refusal(document: &Document<'_>, as_format: Option<Format>) -> Diagnostic {
    let seen = document.seen();
    let shown = match seen.len() {
        0 => "neither headings nor keys".to_owned(),
        1..=12 => seen.join(", "),
        more => format!("{} and {} more", seen[..12].join(", "), more - 12),
    };
    let message = match as_format {
        Some(format) => format!("no persona of the format {format} was found; seen: {shown}"),
        None => format!("this is no persona of a known format; seen: {shown}"),
    };
    let error = Diagnostic::error("not-a-persona", message).at(&document.source, 0..0, "");
    if let Some(key) = page_key(document) {
        return error.help(format!(
            "`{key}` marks a page or a rule; if it is a persona, begin its text with `You are`, or \
             import it with --from claude-code"
        ));
    }
    error.help(
        "name the format if you know better, or write front matter with `name` and `description`",
    )
}
