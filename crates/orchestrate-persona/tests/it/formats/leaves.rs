//! Every text of a source stands in the canonical file, or is named as dropped.

use orchestrate_persona::{Format, Imported};
use serde_json::Value;

use super::{READ, bytes, imported, imported_text};

/// A text without marks, quotation marks and runs of white space, so that only its words count.
fn bare(text: &str) -> String {
    let plain: String = text.chars().filter(|c| !matches!(c, '*' | '`' | '"')).collect();
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Everything that came out of a file, in one text.
pub(super) fn kept(imported: &Imported) -> String {
    let mut texts = Vec::new();
    for found in &imported.personas {
        collect(&serde_json::to_value(&found.persona).expect("serialisable"), &mut texts);
        texts.push(found.persona.escalation.join(" → "));
        texts.push(found.persona.tools.join(", "));
        for dropped in &found.dropped {
            texts.extend([dropped.path_in_source.clone(), dropped.text.clone()]);
        }
        texts.extend(found.mapped.iter().map(|mapped| mapped.from.clone()));
    }
    for dropped in &imported.dropped {
        texts.extend([dropped.path_in_source.clone(), dropped.text.clone()]);
    }
    for (at, pattern) in imported.patterns.iter().enumerate() {
        texts.push(format!("Pattern {}: {}", at + 1, pattern.title));
        texts.extend(pattern.steps.iter().map(|step| format!("{} → {}", step.who, step.text)));
        texts.extend(pattern.about.iter().cloned());
        texts.extend(pattern.unread.iter().map(|line| line.text.clone()));
    }
    texts.iter().map(|text| bare(text)).collect::<Vec<_>>().join("\n")
}

/// Every scalar below a value.
fn collect(value: &Value, texts: &mut Vec<String>) {
    match value {
        Value::Null => {}
        Value::Bool(flag) => texts.push(flag.to_string()),
        Value::Number(number) => texts.push(number.to_string()),
        Value::String(text) => texts.push(text.clone()),
        Value::Array(entries) => entries.iter().for_each(|entry| collect(entry, texts)),
        Value::Object(map) => map.values().for_each(|entry| collect(entry, texts)),
    }
}

/// The leaves of Markdown: its lines without list and heading marks, tags and labels.
fn markdown(text: &str, leaves: &mut Vec<String>) {
    let mut rest = text.lines().peekable();
    while let Some(line) = rest.next() {
        let line = line.trim();
        // The header of a table names keys.
        if rest.peek().is_some_and(|next| next.starts_with("|--")) {
            continue;
        }
        if line.starts_with('|') {
            leaves.extend(line.trim_matches('|').split('|').map(str::to_owned));
            continue;
        }
        if line.starts_with("```") {
            continue;
        }
        let line = line.trim_start_matches('#').trim_start();
        let item = ["- ", "* "].iter().find_map(|mark| line.strip_prefix(mark)).unwrap_or(line);
        let digits = item.bytes().take_while(u8::is_ascii_digit).count();
        let item = item[digits..].strip_prefix(". ").filter(|_| digits > 0).unwrap_or(item);
        // `**Label**: text` is a key and its value.
        match item.strip_prefix("**").and_then(|rest| rest.split_once("**")) {
            Some((_, value)) => {
                let value = value.trim_start_matches(':').trim();
                leaves.push(value.trim_start_matches("→").to_owned());
            }
            None => leaves.push(item.to_owned()),
        }
    }
}

/// The texts between the tags of XML.
fn without_tags(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(start) = rest.find('<') {
        let tag = rest[start + 1..].starts_with(|c: char| c.is_ascii_alphabetic() || c == '/');
        out.push_str(&rest[..start]);
        let end = rest[start..].find('>').map_or(rest.len(), |end| start + end + 1);
        if tag {
            out.push('\n');
            rest = &rest[end..];
        } else {
            out.push('<');
            rest = &rest[start + 1..];
        }
    }
    out + rest
}

fn yaml(text: &str, leaves: &mut Vec<String>) {
    let value: Value = serde_saphyr::from_str(text).expect("YAML");
    collect(&value, leaves);
}

/// The leaves of a fixture.
fn leaves(path: &str, format: Format) -> Vec<String> {
    let bytes = bytes(path);
    let mut leaves = Vec::new();
    let ending = path.rsplit('.').next().unwrap_or_default();
    if ending == "png" {
        // The card inside is a copy of the other fixture with another name.
        let card = String::from_utf8(super::bytes("one/card_v2.json")).expect("UTF-8");
        let card = card.replace("Captain Mira", "Pilot Jun");
        collect(&serde_json::from_str(&card).expect("JSON"), &mut leaves);
        return leaves;
    }
    let text = String::from_utf8(bytes).expect("UTF-8");
    if ending == "json" {
        collect(&serde_json::from_str(&text).expect("JSON"), &mut leaves);
    } else if ending == "jsonc" {
        let lines = text.lines().filter_map(|line| line.split("//").next());
        let text = lines
            .collect::<Vec<_>>()
            .join("")
            .replace(",    }", "}")
            .replace(",  }", "}")
            .replace(",}", "}");
        collect(&serde_json::from_str(&text).expect("JSON"), &mut leaves);
    } else if ending == "toml" {
        collect(&toml::from_str(&text).expect("TOML"), &mut leaves);
    } else if ending == "csv" {
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        for row in reader.records() {
            leaves.extend(row.expect("CSV").iter().map(str::to_owned));
        }
    } else if ending == "yaml" {
        yaml(&text, &mut leaves);
    } else if format == Format::Bmad {
        let (before, rest) = text.split_once("```yaml").expect("a block");
        let (block, after) = rest.split_once("```").expect("closed");
        yaml(block, &mut leaves);
        markdown(before, &mut leaves);
        markdown(after, &mut leaves);
    } else {
        let body = front_matter(&text, &mut leaves);
        let body = if format == Format::XmlPersona { without_tags(body) } else { body.to_owned() };
        markdown(&body, &mut leaves);
    }
    leaves
}

/// Takes the leaves of the front matter and returns the rest.
fn front_matter<'t>(text: &'t str, leaves: &mut Vec<String>) -> &'t str {
    for (fence, toml) in [("---\n", false), ("+++\n", true)] {
        if let Some((front, body)) =
            text.strip_prefix(fence).and_then(|rest| rest.split_once(&format!("\n{fence}")))
        {
            if toml {
                collect(&toml::from_str(front).expect("TOML"), leaves);
            } else if let Ok(value) = serde_saphyr::from_str::<Value>(front) {
                collect(&value, leaves);
            } else {
                leaves.extend(front.lines().filter_map(|line| line.split_once(": ")).flat_map(
                    |(_, value)| {
                        value
                            .trim_matches(['[', ']'])
                            .split("\", \"")
                            .map(str::to_owned)
                            .collect::<Vec<_>>()
                    },
                ));
            }
            return body;
        }
    }
    text
}

#[test]
fn no_text_of_any_format_is_lost_in_silence() {
    let mut checked = 0;
    let mut lost = Vec::new();
    for &(path, format, _) in READ {
        let found = imported(path);
        let kept = kept(&found);
        for leaf in leaves(path, format) {
            for line in leaf.replace("\\n", "\n").lines() {
                let line = line.trim();
                let mut only = Vec::new();
                markdown(line, &mut only);
                for leaf in only.iter().map(|leaf| bare(leaf)) {
                    let says = leaf.chars().any(char::is_alphanumeric);
                    if says && !kept.contains(&leaf) {
                        lost.push(format!("{path}: {leaf:?}"));
                    }
                    checked += usize::from(says);
                }
            }
        }
    }
    assert!(lost.is_empty(), "{}", lost.join("\n"));
    assert!(checked > 600, "only {checked} leaves were looked at");
}

#[test]
fn a_leaf_that_is_missing_would_be_noticed() {
    let found =
        imported_text("a.md", "---\nname: ab\ndescription: Says enough.\n---\nYou are one.\n");
    assert!(kept(&found).contains("You are one."));
    assert!(!kept(&found).contains("Something else"));
}
