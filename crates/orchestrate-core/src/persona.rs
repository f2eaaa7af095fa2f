//! A persona: a written expert role, independent of the file format it came from.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::ids::{Digest, FieldHasher};

/// A written expert role.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Persona {
    /// The slug: `^[a-z0-9]+(-[a-z0-9]+)*$`, 2–64 characters.
    pub name: String,
    /// The name for people, such as `Data Engineer`.
    pub title: String,
    /// A short form such as `DE`.
    #[serde(default)]
    pub abbreviation: Option<String>,
    /// Other names people use for the role.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// What the persona does and when to call on it.
    pub description: String,
    /// The group it is listed under.
    #[serde(default)]
    pub category: Option<String>,
    /// Free labels.
    #[serde(default)]
    pub tags: Vec<String>,
    /// The author's version of the text.
    #[serde(default)]
    pub version: Option<String>,
    /// Words and phrases that people use for what it does; they serve to find it.
    #[serde(default)]
    pub synonyms: Vec<String>,
    /// What it can do, a line each.
    #[serde(default)]
    pub capabilities: Vec<String>,
    /// Situations that call for it.
    #[serde(default)]
    pub when_to_use: Vec<String>,
    /// Situations in which another persona serves better.
    #[serde(default)]
    pub when_not_to_use: Vec<String>,
    /// Requests people would make.
    #[serde(default)]
    pub examples: Vec<String>,
    /// Criteria that its work must meet.
    #[serde(default)]
    pub gates: Vec<Gate>,
    /// Figures that its work must reach.
    #[serde(default)]
    pub metrics: Vec<Metric>,
    /// What happens, in order, when a gate or metric cannot be met.
    #[serde(default)]
    pub escalation: Vec<String>,
    /// Personas it works with, and for what.
    #[serde(default)]
    pub collaborates_with: Vec<Collaboration>,
    /// Tools the author wishes for; never a grant.
    #[serde(default)]
    pub tools: Vec<String>,
    /// The model the author wishes for; never a choice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Keys of another format, kept as text under `x:` and without effect.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub extra: IndexMap<String, String>,
    /// Where an imported persona came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<PersonaSource>,
    /// The first paragraph of the body: who the persona is.
    pub identity: String,
    /// The body's second-level sections in file order.
    #[serde(default)]
    pub sections: Vec<Section>,
    /// Hash of the persona file's bytes.
    pub digest: Digest,
}

impl Persona {
    /// The section with this heading, compared without regard to case.
    pub fn section(&self, heading: &str) -> Option<&Section> {
        self.sections.iter().find(|section| section.heading.eq_ignore_ascii_case(heading))
    }
}

/// Where an imported persona came from.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PersonaSource {
    /// The id of the format it was written in, such as `claude-code`.
    #[serde(default)]
    pub format: String,
    /// The file as it was named when it was imported.
    #[serde(default)]
    pub path: String,
    /// The SHA-256 of that file's bytes, in small hexadecimal digits.
    #[serde(default)]
    pub sha256: String,
    /// Fields that the file did not have and that were composed from its other texts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub synthesised: Vec<String>,
}

/// One second-level section of a persona's body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Section {
    /// The heading without its marks.
    pub heading: String,
    /// The Markdown below the heading, trimmed.
    pub text: String,
}

impl Section {
    /// The list items directly below the third-level heading `heading`, or directly below the
    /// section's own heading where `heading` is `None`. Continuation lines are joined.
    pub fn items(&self, heading: Option<&str>) -> Vec<String> {
        let mut items: Vec<String> = Vec::new();
        let mut inside = heading.is_none();
        for line in self.text.lines() {
            if let Some(found) = line.strip_prefix("### ") {
                inside = heading.is_some_and(|wanted| found.trim().eq_ignore_ascii_case(wanted));
                continue;
            }
            if !inside {
                continue;
            }
            let trimmed = line.trim_start();
            if let Some(item) = list_item(trimmed) {
                items.push(item.trim().to_owned());
            } else if line.starts_with([' ', '\t'])
                && !trimmed.is_empty()
                && let Some(last) = items.last_mut()
            {
                last.push(' ');
                last.push_str(trimmed.trim_end());
            }
        }
        items
    }
}

/// The text of a bullet or numbered list item, or `None` for any other line.
fn list_item(line: &str) -> Option<&str> {
    if let Some(rest) = ["- ", "* ", "+ "].iter().find_map(|mark| line.strip_prefix(mark)) {
        return Some(rest);
    }
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    if digits == 0 || digits > 3 {
        return None;
    }
    let rest = &line[digits..];
    rest.strip_prefix(". ").or_else(|| rest.strip_prefix(") "))
}

/// One criterion that a persona's work must meet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gate {
    /// A slug, unique within the persona.
    pub id: String,
    /// What must hold.
    pub check: String,
    /// Who decides.
    #[serde(default)]
    pub by: GateJudge,
    /// Whether the work fails without it.
    #[serde(default = "yes")]
    pub required: bool,
}

fn yes() -> bool {
    true
}

/// Who decides whether a gate is met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GateJudge {
    /// A reviewing model call.
    #[default]
    Judge,
    /// A command of the operator's.
    Command,
    /// A person.
    Human,
}

/// A figure that a persona's work must reach.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Metric {
    /// A slug, unique within the persona.
    pub id: String,
    /// The metric in words.
    pub text: String,
    /// The name a brief's figure has, where the metric is numeric.
    #[serde(default)]
    pub name: Option<String>,
    /// `<`, `<=`, `>`, `>=` or `=`, where the metric is numeric.
    #[serde(default)]
    pub op: Option<String>,
    /// The threshold, in `unit`, where the metric is numeric.
    #[serde(default)]
    pub value: Option<f64>,
    /// The unit of `value`.
    #[serde(default)]
    pub unit: Option<String>,
    /// What `value` is measured against, such as `baseline`.
    #[serde(default)]
    pub relative_to: Option<String>,
}

/// A persona another one works with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Collaboration {
    /// The other persona's name.
    pub persona: String,
    /// What the collaboration is about.
    #[serde(default, rename = "for")]
    pub purpose: Option<String>,
}

/// The digest of a persona file: its bytes hashed under a domain of their own.
pub fn persona_digest(bytes: &[u8]) -> Digest {
    FieldHasher::new("orchestrate 2026 persona file").field(bytes).finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_are_read_below_the_heading_that_was_asked_for() {
        let section = Section {
            heading: "Approach".into(),
            text: "- top\n### Ask first\n- How much?\n- Who reads\n  it?\n\ntext\n### Work\n1. Begin.\n2) End."
                .into(),
        };
        assert_eq!(section.items(None), ["top"]);
        assert_eq!(section.items(Some("ask first")), ["How much?", "Who reads it?"]);
        assert_eq!(section.items(Some("Work")), ["Begin.", "End."]);
        assert!(section.items(Some("Nothing")).is_empty());
    }
}
