//! Diagnostics as SARIF 2.1.0, as code scanning services read it.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use orchestrate_core::{
    diagnostic::{Diagnostic, Label, Rule, Severity, Source},
    ids::FieldHasher,
    neutral,
};
use serde_json::{Value, json};

/// Services refuse a file with more results; the most severe are kept.
pub const MAX_RESULTS: usize = 25_000;

/// What a SARIF document says about the program that wrote it.
#[derive(Debug, Clone, Copy)]
pub struct SarifTool<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its version, a semantic one.
    pub version: &'a str,
    /// The rules it applied. A diagnostic whose code is not among them gets a rule by its code alone.
    pub rules: &'a [Rule],
    /// The folder that paths are made relative to where they begin with it, such as the repository's
    /// root; empty where they are relative already.
    pub root: &'a str,
}

/// One SARIF log with one run. Columns count UTF-16 code units and end behind the last one, as its
/// `columnKind` says; fingerprints follow the text of the line and not its number.
pub fn sarif(diagnostics: &[Diagnostic], tool: &SarifTool<'_>) -> Value {
    let mut rules: IndexMap<&str, Value> =
        tool.rules.iter().map(|rule| (rule.code, described(rule))).collect();
    for diagnostic in diagnostics {
        rules.entry(diagnostic.code).or_insert_with(|| unnamed(diagnostic));
    }
    let (mut kept, unplaced): (Vec<&Diagnostic>, Vec<&Diagnostic>) =
        diagnostics.iter().partition(|diagnostic| !diagnostic.labels.is_empty());
    let dropped = kept.len().saturating_sub(MAX_RESULTS);
    if dropped > 0 {
        kept.sort_by_key(|diagnostic| std::cmp::Reverse(diagnostic.severity));
        kept.truncate(MAX_RESULTS);
    }
    let mut prints = Fingerprints::default();
    let results: Vec<Value> = kept
        .into_iter()
        .map(|diagnostic| {
            let index = rules.get_index_of(diagnostic.code);
            result(diagnostic, index, tool.root, &mut prints)
        })
        .collect();
    let mut run = json!({
        "tool": { "driver": {
            "name": tool.name,
            "semanticVersion": tool.version,
            "rules": rules.into_values().collect::<Vec<_>>(),
        } },
        "columnKind": "utf16CodeUnits",
        "results": results,
    });
    let mut notices: Vec<Value> = unplaced.into_iter().map(notice).collect();
    if dropped > 0 {
        let text = format!("left out the {dropped} least severe of the results");
        notices.push(json!({ "level": "warning", "message": { "text": text } }));
    }
    if !notices.is_empty() {
        run["invocations"] =
            json!([{ "executionSuccessful": true, "toolExecutionNotifications": notices }]);
    }
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [run],
    })
}

fn described(rule: &Rule) -> Value {
    json!({
        "id": rule.code,
        "shortDescription": { "text": rule.finds },
        "fullDescription": { "text": rule.finds },
        "help": { "text": rule.mend },
        "defaultConfiguration": { "level": level(rule.severity) },
    })
}

fn unnamed(diagnostic: &Diagnostic) -> Value {
    let text = diagnostic.code.replace('-', " ");
    json!({
        "id": diagnostic.code,
        "shortDescription": { "text": text },
        "fullDescription": { "text": text },
        "help": { "text": text },
        "defaultConfiguration": { "level": level(diagnostic.severity) },
    })
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "note",
    }
}

/// A diagnostic without a place: services refuse a result that has none.
fn notice(diagnostic: &Diagnostic) -> Value {
    json!({
        "level": level(diagnostic.severity),
        "descriptor": { "id": diagnostic.code },
        "message": { "text": message(diagnostic) },
    })
}

fn message(diagnostic: &Diagnostic) -> String {
    let mut message = neutral::one_line(&diagnostic.message);
    for help in &diagnostic.help {
        message.push_str("\nhelp: ");
        message.push_str(&neutral::visible(help));
    }
    message
}

fn result(
    diagnostic: &Diagnostic,
    rule: Option<usize>,
    root: &str,
    prints: &mut Fingerprints,
) -> Value {
    let mut result = json!({
        "ruleId": diagnostic.code,
        "ruleIndex": rule,
        "level": level(diagnostic.severity),
        "message": { "text": message(diagnostic) },
    });
    if let Some(label) = diagnostic.labels.first() {
        result["locations"] = json!([location(label, root)]);
        let print = prints.of(diagnostic.code, label, root);
        result["partialFingerprints"] = json!({ "primaryLocationLineHash": print });
    }
    let related: Vec<Value> = diagnostic
        .labels
        .iter()
        .skip(1)
        .map(|label| {
            let mut place = location(label, root);
            if !label.text.is_empty() {
                place["message"] = json!({ "text": neutral::one_line(&label.text) });
            }
            place
        })
        .collect();
    if !related.is_empty() {
        result["relatedLocations"] = json!(related);
    }
    result
}

fn location(label: &Label, root: &str) -> Value {
    let (start_line, start_column) = position(&label.source, label.span.start);
    let (end_line, end_column) = position(&label.source, label.span.end.max(label.span.start));
    json!({ "physicalLocation": {
        "artifactLocation": { "uri": uri(&label.source.name, root) },
        "region": {
            "startLine": start_line,
            "startColumn": start_column,
            "endLine": end_line,
            "endColumn": end_column,
        },
    } })
}

/// Line and column of a byte offset, both from 1; the column counts UTF-16 code units.
fn position(source: &Source, offset: usize) -> (usize, usize) {
    let offset = source.text.floor_char_boundary(offset);
    let before = &source.text[..offset];
    let start = before.rfind('\n').map_or(0, |at| at + 1);
    let line = before.matches('\n').count() + 1;
    (line, before[start..].encode_utf16().count() + 1)
}

/// A path as a relative URI reference, or as a `file:` URI where it is absolute and not below `root`.
///
/// Everything but RFC 3986's unreserved characters and `/` is percent-encoded, `:` included, which
/// would make a scheme of a first part.
fn uri(path: &str, root: &str) -> String {
    let slashed = path.replace('\\', "/");
    let root = root.replace('\\', "/");
    let below = slashed
        .strip_prefix(root.trim_end_matches('/'))
        .filter(|_| !root.is_empty())
        .and_then(|rest| rest.strip_prefix('/'));
    let mut plain = below.unwrap_or(&slashed);
    while let Some(rest) = plain.strip_prefix("./") {
        plain = rest;
    }
    let encoded: String = plain.bytes().map(encoded).collect();
    let drive = plain.as_bytes().get(1..3) == Some(b":/");
    match (plain.is_empty(), plain.starts_with('/'), drive) {
        // A URI must not be empty.
        (true, ..) => "-".to_owned(),
        (_, true, _) => format!("file://{encoded}"),
        (_, _, true) => format!("file:///{}", encoded.replacen("%3A", ":", 1)),
        (false, false, false) => encoded,
    }
}

fn encoded(byte: u8) -> String {
    match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
            char::from(byte).to_string()
        }
        _ => format!("%{byte:02X}"),
    }
}

/// Hashes of rule, file and line, numbered where a line has several of a kind.
#[derive(Default)]
struct Fingerprints(BTreeMap<String, usize>);

impl Fingerprints {
    fn of(&mut self, code: &str, label: &Label, root: &str) -> String {
        let text = &label.source.text;
        let at = text.floor_char_boundary(label.span.start);
        let start = text[..at].rfind('\n').map_or(0, |at| at + 1);
        let line = text[start..].lines().next().unwrap_or_default();
        let anchor = line.split_whitespace().collect::<Vec<_>>().join(" ");
        let hash = FieldHasher::new("orchestrate 2026 sarif fingerprint")
            .field(code)
            .field(uri(&label.source.name, root))
            .field(anchor)
            .finish()
            .to_string();
        let short: String = hash.chars().take(16).collect();
        let count = self.0.entry(short.clone()).or_default();
        *count += 1;
        format!("{short}:{count}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_become_relative_references() {
        for (path, root, wanted) in [
            ("personas/tester.md", "", "personas/tester.md"),
            ("./a b/ü#?.md", "", "a%20b/%C3%BC%23%3F.md"),
            ("/code/repo/personas/x.md", "/code/repo/", "personas/x.md"),
            ("/code/repository/x.md", "/code/repo", "file:///code/repository/x.md"),
            ("personas\\x.md", "", "personas/x.md"),
            ("C:\\repo\\x.md", "C:\\repo", "x.md"),
            ("C:\\other\\x.md", "C:\\repo", "file:///C:/other/x.md"),
            ("built-in:personas/x.md", "", "built-in%3Apersonas/x.md"),
            ("", "", "-"),
        ] {
            assert_eq!(uri(path, root), wanted, "{path} below {root}");
        }
    }

    #[test]
    fn columns_count_utf16_code_units() {
        let source = Source::new("x", "a\nü👩‍🔬x");
        assert_eq!(position(&source, source.text.find('x').expect("x")), (2, 7));
        assert_eq!(position(&source, 999), (2, 8));
        assert_eq!(position(&source, 3), (2, 1), "inside a character: its start");
    }
}
