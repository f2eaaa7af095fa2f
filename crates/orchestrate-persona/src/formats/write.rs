//! The canonical file of a persona: front matter in a fixed order, then identity and sections.

use std::fmt::Write as _;

use orchestrate_core::persona::{GateJudge, Persona};

/// The canonical file of a persona. The same persona gives the same bytes, and
/// [`read`](crate::read()) gives the same persona back, its digest apart, wherever the persona itself
/// could stand in a file: texts trimmed, identity one paragraph, headings on one line, code blocks closed.
pub fn write_canonical(persona: &Persona) -> String {
    let mut out = String::from("---\n");
    field(&mut out, "name", Some(&persona.name));
    field(&mut out, "title", Some(&persona.title));
    field(&mut out, "abbreviation", persona.abbreviation.as_ref());
    list(&mut out, "aliases", &persona.aliases);
    field(&mut out, "description", Some(&persona.description));
    field(&mut out, "category", persona.category.as_ref());
    list(&mut out, "tags", &persona.tags);
    field(&mut out, "version", persona.version.as_ref());
    list(&mut out, "synonyms", &persona.synonyms);
    list(&mut out, "capabilities", &persona.capabilities);
    list(&mut out, "when_to_use", &persona.when_to_use);
    list(&mut out, "when_not_to_use", &persona.when_not_to_use);
    list(&mut out, "examples", &persona.examples);
    standards(&mut out, persona);
    list(&mut out, "escalation", &persona.escalation);
    if !persona.collaborates_with.is_empty() {
        out.push_str("collaborates_with:\n");
        for with in &persona.collaborates_with {
            entry(&mut out, &[("persona", Some(&with.persona)), ("for", with.purpose.as_ref())]);
        }
    }
    list(&mut out, "tools", &persona.tools);
    field(&mut out, "model", persona.model.as_ref());
    if !persona.extra.is_empty() {
        out.push_str("x:\n");
        for (name, text) in &persona.extra {
            line(&mut out, "  ", &key(name), text, 4);
        }
    }
    if let Some(source) = &persona.source {
        out.push_str("source:\n");
        line(&mut out, "  ", "format", &source.format, 4);
        line(&mut out, "  ", "path", &source.path, 4);
        line(&mut out, "  ", "sha256", &source.sha256, 4);
        if !source.synthesised.is_empty() {
            out.push_str("  synthesised:\n");
            for name in &source.synthesised {
                item(&mut out, "    ", name);
            }
        }
    }
    out.push_str("---\n");
    out.push_str(persona.identity.trim());
    out.push('\n');
    for section in &persona.sections {
        if section.heading.is_empty() {
            let _ = write!(out, "\n{}\n", section.text);
        } else if section.text.is_empty() {
            let _ = write!(out, "\n## {}\n", section.heading);
        } else {
            let _ = write!(out, "\n## {}\n\n{}\n", section.heading, section.text);
        }
    }
    out
}

fn standards(out: &mut String, persona: &Persona) {
    if !persona.gates.is_empty() {
        out.push_str("gates:\n");
        for gate in &persona.gates {
            let by = match gate.by {
                GateJudge::Judge => "judge",
                GateJudge::Command => "command",
                GateJudge::Human => "human",
            };
            entry(
                out,
                &[
                    ("id", Some(&gate.id)),
                    ("check", Some(&gate.check)),
                    ("by", Some(&by.to_owned())),
                    ("required", Some(&gate.required.to_string())),
                ],
            );
        }
    }
    if !persona.metrics.is_empty() {
        out.push_str("metrics:\n");
        for metric in &persona.metrics {
            entry(
                out,
                &[
                    ("id", Some(&metric.id)),
                    ("text", Some(&metric.text)),
                    ("name", metric.name.as_ref()),
                    ("op", metric.op.as_ref()),
                    ("value", metric.value.map(|value| value.to_string()).as_ref()),
                    ("unit", metric.unit.as_ref()),
                    ("relative_to", metric.relative_to.as_ref()),
                ],
            );
        }
    }
}

fn field(out: &mut String, name: &str, text: Option<&String>) {
    if let Some(text) = text {
        line(out, "", name, text, 2);
    }
}

fn list(out: &mut String, name: &str, texts: &[String]) {
    if texts.is_empty() {
        return;
    }
    let _ = writeln!(out, "{name}:");
    for text in texts {
        item(out, "  ", text);
    }
}

fn item(out: &mut String, indent: &str, text: &str) {
    let _ = writeln!(out, "{indent}- {}", scalar(text, indent.len() + 2));
}

fn entry(out: &mut String, fields: &[(&str, Option<&String>)]) {
    let mut lead = "  - ";
    for (name, text) in fields {
        if let Some(text) = text {
            line(out, lead, name, text, 6);
            lead = "    ";
        }
    }
}

fn line(out: &mut String, lead: &str, name: &str, text: &str, indent: usize) {
    let _ = writeln!(out, "{lead}{name}: {}", scalar(text, indent));
}

/// A key, quoted where it is more than a word.
fn key(name: &str) -> String {
    let plain = name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'))
        && !is_nothing(name);
    if plain { name.to_owned() } else { quoted(name) }
}

/// A text as a YAML scalar whose further lines, if any, are indented by `indent`.
pub(crate) fn scalar(text: &str, indent: usize) -> String {
    if is_plain(text) {
        return text.to_owned();
    }
    if !is_block(text) {
        return quoted(text);
    }
    let pad = " ".repeat(indent);
    let mut block = String::from("|-");
    for line in text.split('\n') {
        block.push('\n');
        if !line.is_empty() {
            block.push_str(&pad);
            block.push_str(line);
        }
    }
    block
}

/// Whether a text means itself without quotes, to YAML 1.1 as to YAML 1.2.
fn is_plain(text: &str) -> bool {
    let number = text.len() <= 15
        && text.bytes().all(|b| b.is_ascii_digit() || b == b'.')
        && text.starts_with(|c: char| c.is_ascii_digit())
        && !text.ends_with('.');
    number
        || (text.starts_with(char::is_alphabetic)
            && text.chars().all(|c| {
                !c.is_control() && c != '\u{feff}' && !matches!(c, '\u{2028}' | '\u{2029}')
            })
            && !text.contains(": ")
            && !text.contains(" #")
            && !text.ends_with([':', ' '])
            && !text.contains(['{', '}', '[', ']', '"', '\\'])
            && !is_nothing(text))
}

fn is_nothing(text: &str) -> bool {
    matches!(text.to_lowercase().as_str(), "null" | "y" | "n" | "yes" | "no" | "on" | "off")
}

/// Whether a text of several lines can stand in a block as it is.
fn is_block(text: &str) -> bool {
    text.contains('\n')
        && !text.starts_with([' ', '\t', '\n'])
        && !text.ends_with(['\n', ' ', '\t'])
        && text.chars().all(|c| {
            c == '\n'
                || (!c.is_control()
                    && !matches!(c, '\u{85}' | '\u{2028}' | '\u{2029}' | '\u{feff}'))
        })
        && text.split('\n').all(|line| line.is_empty() || !line.trim().is_empty())
}

fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if c.is_control() => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
