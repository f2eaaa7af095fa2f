//! Rules about what a persona is held to and whom it works with: gates, metrics, collaborators.

use std::{collections::BTreeSet, ops::Range};

use orchestrate_core::{diagnostic::Diagnostic, suggest};

use super::{
    check::MAX_PER_RULE,
    document::{Document, member, member_text},
    rules,
};
use crate::yaml::{Node, Value};

pub(super) fn check(
    document: &Document<'_>,
    known: &BTreeSet<String>,
    found: &mut Vec<Diagnostic>,
) {
    for gate in document.list("gates") {
        found.extend(gate_not_checkable(document, gate));
    }
    for metric in document.list("metrics") {
        found.extend(metric_not_numeric(document, metric));
    }
    let strangers = document
        .list("collaborates_with")
        .iter()
        .map(|with| stated(with, "persona"))
        .filter(|(name, _)| !name.is_empty() && !known.contains(*name));
    for (at, (name, place)) in strangers.enumerate() {
        // A name is compared with the whole library only where the finding will be listed.
        let near = (at < MAX_PER_RULE)
            .then(|| suggest::closest(name, known.iter().map(String::as_str)))
            .flatten();
        found.push(unresolved(document, name, place, near));
    }
}

/// The text of an entry that is a text or a mapping, and where to point.
fn stated<'n>(entry: &'n Node, key: &str) -> (&'n str, Range<usize>) {
    if let Value::Text(text) = &entry.value {
        return (text.trim(), entry.span.clone());
    }
    let place = member(entry, key).map_or(&entry.span, |node| &node.span);
    (member_text(entry, key).unwrap_or_default(), place.clone())
}

fn gate_not_checkable(document: &Document<'_>, gate: &Node) -> Option<Diagnostic> {
    let (check, place) = stated(gate, "check");
    let why = vague(check)?;
    let place = super::check::first_line(&document.source, &place);
    Some(
        rules::GATE_NOT_CHECKABLE
            .found(format!("nobody can check this gate: {why}"))
            .at(&document.source, place, "")
            .help(rules::GATE_NOT_CHECKABLE.mend),
    )
}

/// Why a criterion cannot be checked: it says next to nothing, or praises without a measure.
fn vague(check: &str) -> Option<String> {
    const PRAISE: &[&str] = &[
        "acceptable",
        "adequate",
        "appropriate",
        "best",
        "clean",
        "decent",
        "elegant",
        "excellent",
        "fine",
        "good",
        "great",
        "nice",
        "optimal",
        "perfect",
        "proper",
        "properly",
        "quality",
        "reasonable",
        "robust",
        "satisfactory",
        "solid",
        "suitable",
        "well",
    ];
    /// Words that tie a judgement to something: a measure, a number of things, a record of them.
    const ANCHORS: &[&str] = &[
        "against",
        "all",
        "and",
        "are",
        "at",
        "baseline",
        "before",
        "below",
        "above",
        "by",
        "can",
        "compared",
        "cited",
        "documented",
        "each",
        "every",
        "for",
        "from",
        "has",
        "have",
        "listed",
        "measured",
        "named",
        "no",
        "none",
        "never",
        "not",
        "on",
        "only",
        "passes",
        "per",
        "recorded",
        "specified",
        "stated",
        "tested",
        "than",
        "under",
        "validated",
        "with",
        "within",
        "without",
    ];
    let lower = check.to_lowercase();
    let words: Vec<&str> =
        lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let praise = words.iter().find(|word| PRAISE.contains(word));
    let anchored = words.iter().any(|word| ANCHORS.contains(word))
        || lower.contains(|c: char| c.is_ascii_digit() || "<>=≤≥%`\"".contains(c));
    match (words.len(), praise) {
        (0, _) => Some("it has no `check`".to_owned()),
        // A script without spaces puts a whole criterion into one word.
        (1..3, _) if check.is_ascii() => Some("it is a catchword".to_owned()),
        (_, Some(praise)) if !anchored => Some(format!("`{praise}` is held against nothing")),
        _ => None,
    }
}

fn metric_not_numeric(document: &Document<'_>, metric: &Node) -> Option<Diagnostic> {
    const OPERATORS: &[&str] = &["<", "<=", ">", ">=", "="];
    let number = member_text(metric, "value").and_then(|value| value.parse::<f64>().ok());
    let named = member_text(metric, "name").is_some();
    let compared = member_text(metric, "op").is_some_and(|op| OPERATORS.contains(&op));
    if named && compared && number.is_some_and(f64::is_finite) {
        return None;
    }
    let (text, place) = stated(metric, "text");
    let place = super::check::first_line(&document.source, &place);
    let diagnostic = rules::METRIC_NOT_NUMERIC
        .found("no verdict can be computed for this metric")
        .at(&document.source, place, "");
    Some(match comparison(text) {
        Some(numeric) => diagnostic.help(format!("write `{numeric}`")),
        None => diagnostic.help(rules::METRIC_NOT_NUMERIC.mend),
    })
}

/// The numeric form of a metric that is written as `name < 100 ms`.
fn comparison(text: &str) -> Option<String> {
    let at = text.find(['<', '>', '≤', '≥', '='])?;
    let (name, rest) = text.split_at(at);
    let name = name.trim().trim_end_matches(':').to_lowercase();
    let signs = rest.find(|c: char| !"<>=≤≥".contains(c))?;
    let op = rest[..signs].replace('≤', "<=").replace('≥', ">=");
    let value = rest[signs..].trim();
    let digits = value.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(value.len());
    let (number, unit) = value.split_at(digits);
    number.parse::<f64>().ok()?;
    if name.is_empty() || !["<", "<=", ">", ">=", "="].contains(&op.as_str()) {
        return None;
    }
    let unit = unit.split_whitespace().next().map(|unit| format!(", unit: \"{unit}\""));
    Some(format!("name: {name}, op: \"{op}\", value: {number}{}", unit.unwrap_or_default()))
}

fn unresolved(
    document: &Document<'_>,
    name: &str,
    place: Range<usize>,
    near: Option<&str>,
) -> Diagnostic {
    let diagnostic = rules::UNRESOLVED_COLLABORATOR
        .found(format!("there is no persona `{name}`"))
        .at(&document.source, place, "");
    match near {
        Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
        None => diagnostic.help(rules::UNRESOLVED_COLLABORATOR.mend),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn praise_without_a_measure_cannot_be_checked() {
        for check in ["", "Quality", "Code quality", "The code is clean", "Best practices followed"]
        {
            assert!(vague(check).is_some(), "{check}");
        }
        for check in [
            "Bias and fairness assessed",
            "The code is clean under the linter",
            "Good results on 3 data sets",
            "所有测试通过",
            "Rollback plan documented",
        ] {
            assert_eq!(vague(check), None, "{check}");
        }
    }

    #[test]
    fn a_comparison_in_words_is_offered_as_a_figure() {
        assert_eq!(
            comparison("Inference latency < 100 ms").as_deref(),
            Some("name: inference latency, op: \"<\", value: 100, unit: \"ms\"")
        );
        assert_eq!(
            comparison("Accuracy: ≥95%").as_deref(),
            Some("name: accuracy, op: \">=\", value: 95, unit: \"%\"")
        );
        assert_eq!(comparison("a => b"), None);
        assert_eq!(comparison("Nobody is woken"), None);
    }
}
