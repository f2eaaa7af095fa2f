//! The brief: a deliverable's structured summary, schema `brief/1`, and how it is read from an answer.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a persona decided, assumed, measured and left open.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Brief {
    /// What was decided, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub decisions: Vec<Decision>,
    /// What was taken for granted because nobody said.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub assumptions: Vec<String>,
    /// Numbers others will rely on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub figures: Vec<Figure>,
    /// What must hold from here on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub constraints: Vec<String>,
    /// What may go wrong.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub risks: Vec<String>,
    /// What somebody still has to answer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub open_questions: Vec<String>,
    /// What was considered and not chosen.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rejected_options: Vec<RejectedOption>,
    /// Checks that could not be met, and who must act.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub escalations: Vec<String>,
    /// What the next persona needs to know.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub next: Vec<String>,
}

/// One decision of a brief.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Decision {
    /// An id such as `D1`, by which others refer to it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub id: String,
    /// What was decided.
    pub decision: String,
    /// The reason.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub why: String,
}

/// One number of a brief, with its unit.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Figure {
    /// What the number is of.
    pub name: String,
    /// The number as written, or `not measured`.
    pub value: String,
    /// The unit, empty for a bare number.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub unit: String,
    /// How it was obtained: given, measured, estimated, a target.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub basis: String,
}

/// One option of a brief that was considered and not chosen.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RejectedOption {
    /// The option.
    pub option: String,
    /// Why it was not chosen.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub why: String,
}

impl Brief {
    /// Whether the brief says nothing at all.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The brief with every text changed.
    #[must_use]
    pub fn with_texts(mut self, change: &mut dyn FnMut(String) -> String) -> Self {
        let decisions = self.decisions.iter_mut();
        let decisions =
            decisions.flat_map(|entry| [&mut entry.id, &mut entry.decision, &mut entry.why]);
        let figures = self.figures.iter_mut().flat_map(|entry| {
            [&mut entry.name, &mut entry.value, &mut entry.unit, &mut entry.basis]
        });
        let rejected = self.rejected_options.iter_mut();
        let rejected = rejected.flat_map(|entry| [&mut entry.option, &mut entry.why]);
        let lists = [
            &mut self.assumptions,
            &mut self.constraints,
            &mut self.risks,
            &mut self.open_questions,
            &mut self.escalations,
            &mut self.next,
        ];
        let entries = lists.into_iter().flatten();
        for text in decisions.chain(figures).chain(rejected).chain(entries) {
            *text = change(std::mem::take(text));
        }
        self
    }

    /// The brief as Markdown lists, one per kind of entry, in a fixed order.
    pub fn to_markdown(&self) -> String {
        let mut text = String::new();
        let decisions = self.decisions.iter().map(|entry| {
            let id = if entry.id.is_empty() { String::new() } else { format!("{}: ", entry.id) };
            format!("{id}{}{}", entry.decision, because(&entry.why))
        });
        list(&mut text, "Decisions", decisions);
        list(&mut text, "Figures", self.figures.iter().map(Figure::to_line));
        list(&mut text, "Constraints", self.constraints.iter().cloned());
        list(&mut text, "Assumptions", self.assumptions.iter().cloned());
        list(&mut text, "Risks", self.risks.iter().cloned());
        list(&mut text, "Open questions", self.open_questions.iter().cloned());
        let rejected = self.rejected_options.iter();
        let rejected = rejected.map(|entry| format!("{}{}", entry.option, because(&entry.why)));
        list(&mut text, "Rejected options", rejected);
        list(&mut text, "Escalations", self.escalations.iter().cloned());
        list(&mut text, "Needed next", self.next.iter().cloned());
        text
    }
}

impl Figure {
    /// The figure on one line: `rows per day: 4 million rows/day (estimated)`, and where it has no
    /// number, `rows per day (rows/day): not measured`.
    pub fn to_line(&self) -> String {
        let measured = self.value.contains(|c: char| c.is_ascii_digit());
        let mut line = if measured || self.unit.is_empty() {
            format!("{}: {}", self.name, self.value)
        } else {
            format!("{} ({}): {}", self.name, self.unit, self.value)
        };
        if measured && !self.unit.is_empty() {
            line.push(' ');
            line.push_str(&self.unit);
        }
        if !self.basis.is_empty() {
            line.push_str(" (");
            line.push_str(&self.basis);
            line.push(')');
        }
        line
    }
}

fn because(why: &str) -> String {
    if why.is_empty() { String::new() } else { format!(" — {why}") }
}

fn list(text: &mut String, heading: &str, entries: impl ExactSizeIterator<Item = String>) {
    if entries.len() == 0 {
        return;
    }
    if !text.is_empty() {
        text.push('\n');
    }
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{heading}:");
    for entry in entries {
        let _ = writeln!(text, "- {entry}");
    }
}

/// What an answer to a persona step turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The Markdown document without its brief, trimmed at both ends.
    pub deliverable: String,
    /// The brief, where the answer held one that says something.
    pub brief: Option<Brief>,
}

/// Splits an answer into deliverable and brief: the brief is the last fenced block whose info string
/// is `brief`. A block that holds no readable brief stays in the deliverable, so nothing is lost.
pub fn split(answer: &str) -> Answer {
    if let Some(block) = last_brief_block(answer)
        && let Some(brief) = parse(&answer[block.content.clone()])
    {
        let before = answer[..block.outer.start].trim_end();
        let after = answer[block.outer.end..].trim();
        let gap = if after.is_empty() { "" } else { "\n\n" };
        let deliverable = format!("{before}{gap}{after}").trim().to_owned();
        return Answer { deliverable, brief: Some(brief) };
    }
    Answer { deliverable: answer.trim().to_owned(), brief: None }
}

/// Reads a brief from JSON text, leniently: entries may be strings or objects, a list may be a single
/// entry, unknown members are ignored, trailing commas are forgiven. `None` where nothing usable is left.
pub fn parse(text: &str) -> Option<Brief> {
    let value = serde_json::from_str::<Value>(text)
        .or_else(|_| serde_json::from_str(&without_trailing_commas(text)))
        .ok()?;
    let brief = from_value(&value)?;
    (!brief.is_empty()).then_some(brief)
}

fn from_value(value: &Value) -> Option<Brief> {
    let map = value.as_object()?;
    if let Some(inner) = map.get("brief").filter(|inner| inner.is_object()) {
        return from_value(inner);
    }
    let entries = |name: &str| -> Vec<&Value> {
        match map.get(name) {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Array(list)) => list.iter().collect(),
            Some(single) => vec![single],
        }
    };
    let texts =
        |name: &str| -> Vec<String> { entries(name).into_iter().filter_map(sentence).collect() };
    let decisions = entries("decisions").into_iter().filter_map(|entry| {
        let decision =
            first(entry, &["decision", "text", "what", "title"]).or_else(|| sentence(entry))?;
        let member = |names: &[&str]| first(entry, names).unwrap_or_default();
        Some(Decision {
            id: member(&["id"]),
            decision,
            why: member(&["why", "reason", "rationale"]),
        })
    });
    let figures = entries("figures").into_iter().filter_map(|entry| {
        let Some(name) = first(entry, &["name", "metric", "figure", "label"]) else {
            let text = sentence(entry)?;
            let (name, value) =
                text.split_once([':', '=']).unwrap_or((text.as_str(), "not measured"));
            return Some(Figure {
                name: name.trim().into(),
                value: value.trim().into(),
                ..Figure::default()
            });
        };
        let member = |names: &[&str]| first(entry, names).unwrap_or_default();
        let value =
            first(entry, &["value", "target", "amount"]).unwrap_or_else(|| "not measured".into());
        Some(Figure {
            name,
            value,
            unit: member(&["unit", "units"]),
            basis: member(&["basis", "source"]),
        })
    });
    let rejected = entries("rejected_options").into_iter().filter_map(|entry| {
        let option = first(entry, &["option", "text", "name"]).or_else(|| sentence(entry))?;
        Some(RejectedOption { option, why: first(entry, &["why", "reason"]).unwrap_or_default() })
    });
    Some(Brief {
        decisions: decisions.collect(),
        assumptions: texts("assumptions"),
        figures: figures.collect(),
        constraints: texts("constraints"),
        risks: texts("risks"),
        open_questions: texts("open_questions"),
        rejected_options: rejected.collect(),
        escalations: texts("escalations"),
        next: texts("next"),
    })
}

/// The first of these members that is a scalar, as one line of text.
fn first(entry: &Value, names: &[&str]) -> Option<String> {
    let map = entry.as_object()?;
    names.iter().find_map(|name| match map.get(*name)? {
        Value::String(text) if !text.trim().is_empty() => Some(line(text)),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    })
}

/// An entry as one line: a string as it is, an object as its scalar members joined.
fn sentence(entry: &Value) -> Option<String> {
    let text = match entry {
        Value::String(text) => line(text),
        Value::Number(number) => number.to_string(),
        Value::Object(map) => {
            let parts = map.iter().filter_map(|(key, value)| match value {
                Value::String(text) if !text.trim().is_empty() => {
                    Some(format!("{key}: {}", line(text)))
                }
                Value::Number(number) => Some(format!("{key}: {number}")),
                Value::Bool(flag) => Some(format!("{key}: {flag}")),
                _ => None,
            });
            parts.collect::<Vec<_>>().join("; ")
        }
        Value::Null | Value::Bool(_) | Value::Array(_) => return None,
    };
    (!text.is_empty()).then_some(text)
}

fn line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Drops commas that stand before a closing bracket, outside strings.
fn without_trailing_commas(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let (mut in_string, mut escaped) = (false, false);
    for c in text.chars() {
        if in_string {
            in_string = escaped || c != '"';
            escaped = !escaped && c == '\\';
        } else if c == '"' {
            in_string = true;
        } else if c == ']' || c == '}' {
            let end = kept.trim_end().len();
            if kept[..end].ends_with(',') {
                kept.truncate(end - 1);
            }
        }
        kept.push(c);
    }
    kept
}

struct Block {
    /// The whole block, its fences included.
    outer: std::ops::Range<usize>,
    /// What stands between the fences.
    content: std::ops::Range<usize>,
}

/// Finds the last fenced code block with info string `brief` by the `CommonMark` rules for fences: up to
/// three spaces, three or more backticks or tildes, closed by at least as many of the same. A block
/// that is never closed ends with the text.
fn last_brief_block(text: &str) -> Option<Block> {
    let mut found = None;
    let mut open: Option<(char, usize, bool, usize, usize)> = None;
    let mut offset = 0;
    for full in text.split_inclusive('\n') {
        let (start, end) = (offset, offset + full.len());
        offset = end;
        let line = full.trim_end_matches(['\n', '\r']);
        let body = line.trim_start_matches(' ');
        let mark = body.chars().next().filter(|c| matches!(c, '`' | '~'));
        let Some(mark) = mark.filter(|_| line.len() - body.len() <= 3) else { continue };
        let length = body.chars().take_while(|&c| c == mark).count();
        let info = body[length..].trim();
        match open {
            None if length >= 3 && !(mark == '`' && info.contains('`')) => {
                let is_brief =
                    info.split_whitespace().any(|word| matches!(word, "brief" | "brief/1"));
                open = Some((mark, length, is_brief, start, end));
            }
            Some((opened, at_least, is_brief, outer, content))
                if mark == opened && length >= at_least && info.is_empty() =>
            {
                if is_brief {
                    found = Some(Block { outer: outer..end, content: content..start });
                }
                open = None;
            }
            None | Some(_) => {}
        }
    }
    if let Some((_, _, true, outer, content)) = open {
        found = Some(Block { outer: outer..text.len(), content: content..text.len() });
    }
    found
}

/// What a persona is asked to close its answer with.
pub const CONTRACT: &str = "Close your answer with one fenced code block whose info string is `brief`. \
It holds a single JSON object of the schema brief/1, the summary that the next persona relies on \
when your whole document does not fit; leave out lists that would be empty and invent nothing that \
the document does not say:

```brief
{
  \"decisions\": [{\"id\": \"D1\", \"decision\": \"…\", \"why\": \"…\"}],
  \"assumptions\": [\"…\"],
  \"figures\": [{\"name\": \"…\", \"value\": \"…\", \"unit\": \"…\", \"basis\": \"given | measured | estimated | target\"}],
  \"constraints\": [\"…\"],
  \"risks\": [\"…\"],
  \"open_questions\": [\"…\"],
  \"rejected_options\": [{\"option\": \"…\", \"why\": \"…\"}],
  \"escalations\": [\"…\"],
  \"next\": [\"what the next persona needs to know\"]
}
```";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_brief_block_is_taken_and_the_document_kept() {
        let answer = "# Plan\n\n```sql\nselect 1\n```\n\n```brief\n{\"decisions\": [{\"id\": \"D1\", \
                      \"decision\": \"Use Postgres\"}], \"figures\": [{\"name\": \"rows\", \"value\": 4e6, \
                      \"unit\": \"rows/day\"}]}\n```\n";
        let read = split(answer);
        assert_eq!(read.deliverable, "# Plan\n\n```sql\nselect 1\n```");
        let brief = read.brief.expect("a brief");
        assert_eq!(brief.decisions[0].decision, "Use Postgres");
        assert_eq!(brief.figures[0].to_line(), "rows: 4000000.0 rows/day");
    }

    #[test]
    fn sloppy_briefs_are_read_and_hollow_ones_are_not() {
        let read = |text: &str| parse(text);
        assert_eq!(
            read(r#"{"decisions": "one", "risks": [{"risk": "late", "level": 2}],}"#)
                .map(|b| { (b.decisions[0].decision.clone(), b.risks[0].clone()) }),
            Some(("one".into(), "risk: late; level: 2".into()))
        );
        assert_eq!(
            read(r#"{"brief": {"figures": ["p99: 40 ms"]}}"#).map(|b| b.figures[0].to_line()),
            Some("p99: 40 ms".into())
        );
        assert_eq!(read("{}"), None);
        assert_eq!(read(r#"{"decisions": []}"#), None);
        assert_eq!(read("[1]"), None);
        assert_eq!(read("not json"), None);
    }

    #[test]
    fn a_block_that_cannot_be_read_stays_in_the_document() {
        let answer = "Text.\n\n```brief\nnot json\n```";
        assert_eq!(split(answer), Answer { deliverable: answer.into(), brief: None });
    }

    #[test]
    fn an_unclosed_or_indented_brief_is_still_found_and_a_quoted_one_is_not() {
        assert!(split("x\n  ~~~ brief\n{\"risks\": [\"r\"]}").brief.is_some());
        assert!(split("````md\n```brief\n{\"risks\": [\"r\"]}\n```\n````").brief.is_none());
    }

    #[test]
    fn the_contract_shows_a_brief_that_our_reader_reads() {
        let brief = split(CONTRACT).brief.expect("the example is a brief");
        assert_eq!(brief.next.len(), 1);
        assert!(!brief.to_markdown().is_empty());
    }
}
