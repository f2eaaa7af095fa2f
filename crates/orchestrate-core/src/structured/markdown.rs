//! A JSON value as Markdown, for people.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use crate::{finding::Finding, neutral::one_line};

/// Columns of a table that still fit a page.
const MOST_COLUMNS: usize = 6;
/// Characters of a cell that still fit a line.
const WIDEST_CELL: usize = 120;
/// Headings below which lists are nested.
const DEEPEST_HEADING: usize = 4;

/// The value as Markdown: findings under their severity, lists of equal objects as a table, objects as
/// headings and lines, single values as they are. It says everything that the value says.
pub fn to_markdown(value: &Value) -> String {
    if let Some(findings) = Finding::list(value).filter(|found| !found.is_empty()) {
        return findings_to_markdown(&findings);
    }
    let mut text = String::new();
    block(&mut text, value, 2);
    let text = text.trim().to_owned();
    if text.is_empty() { "(nothing)".into() } else { text }
}

/// Findings as a numbered list, and a line that says so where there are none.
pub fn findings_to_markdown(findings: &[Finding]) -> String {
    if findings.is_empty() {
        return "No findings.".into();
    }
    let mut text = String::new();
    for (at, finding) in findings.iter().enumerate() {
        let gap = if at == 0 { "" } else { "\n" };
        // Writing to a String cannot fail, here and below.
        let _ = writeln!(
            text,
            "{gap}{}. **{}** `{}`{}",
            at + 1,
            finding.severity.as_str(),
            one_line(&finding.rule),
            at_place(&finding.place),
        );
        let indent = " ".repeat((at + 1).to_string().len() + 2);
        for (label, said) in [("Evidence", &finding.evidence), ("Advice", &finding.advice)] {
            if !said.trim().is_empty() {
                let _ = writeln!(text, "{indent}- {label}: {}", one_line(said));
            }
        }
    }
    text.trim_end().to_owned()
}

fn at_place(place: &str) -> String {
    if place.trim().is_empty() { String::new() } else { format!(" — {}", one_line(place)) }
}

fn block(text: &mut String, value: &Value, level: usize) {
    match value {
        Value::Object(members) => object(text, members, level),
        Value::Array(items) => list(text, items, level),
        single => {
            let _ = writeln!(text, "{}", paragraph(single));
        }
    }
}

fn object(text: &mut String, members: &Map<String, Value>, level: usize) {
    for (name, value) in members.iter().filter(|(_, value)| is_single(value)) {
        let _ = writeln!(text, "- **{}**: {}", label(name), line(value));
    }
    for (name, value) in members.iter().filter(|(_, value)| !is_single(value)) {
        if level <= DEEPEST_HEADING {
            heading(text, level, &label(name));
            block(text, value, level + 1);
        } else {
            let _ = writeln!(text, "- **{}**: `{}`", label(name), code(value));
        }
    }
}

/// A heading with one empty line on either side.
fn heading(text: &mut String, level: usize, title: &str) {
    text.truncate(text.trim_end().len());
    let gap = if text.is_empty() { "" } else { "\n\n" };
    let _ = writeln!(text, "{gap}{} {title}\n", "#".repeat(level));
}

fn list(text: &mut String, items: &[Value], level: usize) {
    if items.is_empty() {
        text.push_str("(none)\n");
    } else if let Some(columns) = columns(items) {
        table(text, items, &columns);
    } else if items.iter().all(is_single) {
        for item in items {
            let _ = writeln!(text, "- {}", line(item));
        }
    } else {
        for (at, item) in items.iter().enumerate() {
            if level <= DEEPEST_HEADING {
                heading(text, level, &(at + 1).to_string());
                block(text, item, level + 1);
            } else {
                let _ = writeln!(text, "- `{}`", code(item));
            }
        }
    }
}

/// The names of a table's columns, where all items are objects of the same few short single values.
fn columns(items: &[Value]) -> Option<Vec<String>> {
    let mut names: Vec<String> = Vec::new();
    for item in items {
        for (name, value) in item.as_object()? {
            if !is_single(value) || line(value).chars().count() > WIDEST_CELL {
                return None;
            }
            if !names.contains(name) {
                names.push(name.clone());
            }
        }
    }
    (1..=MOST_COLUMNS).contains(&names.len()).then_some(names)
}

fn table(text: &mut String, items: &[Value], columns: &[String]) {
    let cell = |said: String| said.replace('|', "\\|");
    let head: Vec<String> = columns.iter().map(|name| cell(label(name))).collect();
    let _ = writeln!(text, "| {} |\n|{}", head.join(" | "), "---|".repeat(columns.len()));
    for item in items {
        let cells: Vec<String> =
            columns.iter().map(|name| item.get(name).map(line).unwrap_or_default()).collect();
        let _ =
            writeln!(text, "| {} |", cells.into_iter().map(cell).collect::<Vec<_>>().join(" | "));
    }
}

fn is_single(value: &Value) -> bool {
    !matches!(value, Value::Object(_) | Value::Array(_))
}

/// A name without what would end its markup.
fn label(name: &str) -> String {
    one_line(name).replace(['*', '`', '#'], "")
}

fn paragraph(value: &Value) -> String {
    match value {
        Value::String(text) => text.trim().to_owned(),
        other => line(other),
    }
}

fn line(value: &Value) -> String {
    match value {
        Value::Null => "–".into(),
        Value::Bool(true) => "yes".into(),
        Value::Bool(false) => "no".into(),
        Value::String(text) => one_line(text),
        other => other.to_string(),
    }
}

/// JSON inside a code span, which a backtick would end.
fn code(value: &Value) -> String {
    value.to_string().replace('`', "\\u0060")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_object_reads_as_lines_headings_and_tables() {
        let value = json!({
            "verdict": "go",
            "risks": ["late | data", "cost"],
            "options": [{ "name": "a", "usd": 3 }, { "name": "b|c", "usd": null }],
            "limits": { "rows": 4, "deep": { "x": { "y": [[1]] } } },
        });
        insta::assert_snapshot!(to_markdown(&value), @r"
        - **verdict**: go

        ## risks

        - late | data
        - cost

        ## options

        | name | usd |
        |---|---|
        | a | 3 |
        | b\|c | – |

        ## limits

        - **rows**: 4

        ### deep

        #### x

        - **y**: `[[1]]`
        ");
    }

    #[test]
    fn findings_read_as_a_list_and_none_is_said() {
        let value = json!([
            { "rule": "bias", "severity": "high", "place": "section 3", "evidence": "No groups.",
              "advice": "Name them." },
            { "rule": "cost", "severity": "low", "place": "", "evidence": "", "advice": "" },
        ]);
        insta::assert_snapshot!(to_markdown(&value), @r"
        1. **high** `bias` — section 3
           - Evidence: No groups.
           - Advice: Name them.

        2. **low** `cost`
        ");
        assert_eq!(findings_to_markdown(&[]), "No findings.");
        assert_eq!(to_markdown(&json!([])), "(none)");
        assert_eq!(to_markdown(&json!("just text")), "just text");
        assert_eq!(to_markdown(&json!({})), "(nothing)");
    }
}
