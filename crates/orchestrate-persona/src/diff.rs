//! How two personas differ, field by field.

use std::collections::BTreeMap;

use orchestrate_core::{
    persona::{Collaboration, Gate, GateJudge, Metric, Persona, Section},
    persona_diff::{Change, EntryDiff, FieldDiff, Line, PersonaDiff},
};
use similar::{Algorithm, ChangeTag, DiffTag, TextDiff};

/// Lines around a change that are shown with it.
const CONTEXT: usize = 2;

/// Longer texts are given as one whole taken away and one added: comparing lines can take time
/// quadratic in them.
const MAX_LINES: usize = 10_000;

/// Compares two personas. The digest is no field; whether the bytes are the same is said apart.
pub fn diff(from: &Persona, to: &Persona) -> PersonaDiff {
    let mut fields = Fields::default();
    fields.value("name", Some(&from.name), Some(&to.name));
    fields.value("title", Some(&from.title), Some(&to.title));
    fields.value("abbreviation", from.abbreviation.as_ref(), to.abbreviation.as_ref());
    fields.list("aliases", &from.aliases, &to.aliases);
    fields.value("description", Some(&from.description), Some(&to.description));
    fields.value("category", from.category.as_ref(), to.category.as_ref());
    fields.list("tags", &from.tags, &to.tags);
    fields.value("version", from.version.as_ref(), to.version.as_ref());
    fields.list("synonyms", &from.synonyms, &to.synonyms);
    fields.list("capabilities", &from.capabilities, &to.capabilities);
    fields.list("when_to_use", &from.when_to_use, &to.when_to_use);
    fields.list("when_not_to_use", &from.when_not_to_use, &to.when_not_to_use);
    fields.list("examples", &from.examples, &to.examples);
    fields.entries("gates", &from.gates, &to.gates, gate);
    fields.entries("metrics", &from.metrics, &to.metrics, metric);
    fields.list("escalation", &from.escalation, &to.escalation);
    fields.entries(
        "collaborates_with",
        &from.collaborates_with,
        &to.collaborates_with,
        collaboration,
    );
    fields.list("tools", &from.tools, &to.tools);
    fields.lines("identity", &sentences(&from.identity), &sentences(&to.identity));
    fields.sections(&from.sections, &to.sections);
    PersonaDiff {
        from: from.name.clone(),
        to: to.name.clone(),
        same_bytes: from.digest == to.digest,
        fields: fields.0,
    }
}

#[derive(Default)]
struct Fields(Vec<FieldDiff>);

impl Fields {
    fn add(&mut self, field: &str, change: Change) {
        self.0.push(FieldDiff { field: field.to_owned(), change });
    }

    fn value(&mut self, field: &str, from: Option<&String>, to: Option<&String>) {
        if from != to {
            self.add(field, Change::Value { from: from.cloned(), to: to.cloned() });
        }
    }

    fn list(&mut self, field: &str, from: &[String], to: &[String]) {
        if from == to {
            return;
        }
        let (removed, stayed) = without(from, to);
        let (added, still) = without(to, from);
        self.add(field, Change::List { removed, added, reordered: stayed != still });
    }

    fn entries<T>(&mut self, field: &str, from: &[T], to: &[T], shown: fn(&T) -> (&str, String)) {
        let (from, to): (Vec<_>, Vec<_>) =
            (from.iter().map(shown).collect(), to.iter().map(shown).collect());
        let find = |entries: &[(&str, String)], id: &str| {
            entries.iter().find(|(known, _)| *known == id).map(|(_, text)| text.clone())
        };
        let new = to.iter().filter(|(id, _)| find(&from, id).is_none());
        let differing: Vec<EntryDiff> = from
            .iter()
            .chain(new)
            .map(|(id, _)| EntryDiff {
                id: (*id).to_owned(),
                from: find(&from, id),
                to: find(&to, id),
            })
            .filter(|entry| entry.from != entry.to)
            .collect();
        let ids = |entries: &[(&str, String)]| {
            entries.iter().map(|(id, _)| (*id).to_owned()).collect::<Vec<_>>()
        };
        if !differing.is_empty() {
            self.add(field, Change::Entries(differing));
        } else if ids(&from) != ids(&to) {
            self.list(field, &ids(&from), &ids(&to));
        }
    }

    fn lines(&mut self, field: &str, from: &str, to: &str) {
        if from != to {
            self.add(field, Change::Lines(lines(from, to)));
        }
    }

    /// Sections are found by their headings; of several with one heading the first answers to the
    /// first.
    fn sections(&mut self, from: &[Section], to: &[Section]) {
        let (from, to) = (headed(from), headed(to));
        let keys = |sections: &[(String, &str)]| {
            sections.iter().map(|(key, _)| key.clone()).collect::<Vec<_>>()
        };
        let find = |sections: &[(String, &str)], wanted: &str| {
            let found = sections.iter().find(|(key, _)| key == wanted);
            found.map(|(_, text)| (*text).to_owned()).unwrap_or_default()
        };
        let (stayed, still) =
            (without(&keys(&from), &keys(&to)).1, without(&keys(&to), &keys(&from)).1);
        if stayed != still {
            let change = Change::List { removed: vec![], added: vec![], reordered: true };
            self.add("sections", change);
        }
        let new = to.iter().filter(|(key, _)| from.iter().all(|(known, _)| known != key));
        for (key, _) in from.iter().chain(new) {
            let (old, new) = (find(&from, key), find(&to, key));
            let both = stayed.contains(key);
            if both || !(old.is_empty() && new.is_empty()) {
                self.lines(key, &old, &new);
            } else {
                // A heading without text came or went.
                let there = |sections| keys(sections).contains(key).then(|| key.clone());
                self.add(key, Change::Value { from: there(&from), to: there(&to) });
            }
        }
    }
}

/// Splits `items` into those that `others` lacks and those it has, counting repeated ones.
fn without(items: &[String], others: &[String]) -> (Vec<String>, Vec<String>) {
    let mut left: BTreeMap<&str, usize> = BTreeMap::new();
    for other in others {
        *left.entry(other).or_default() += 1;
    }
    let (mut missing, mut there) = (Vec::new(), Vec::new());
    for item in items {
        match left.get_mut(item.as_str()) {
            Some(count) if *count > 0 => {
                *count -= 1;
                there.push(item.clone());
            }
            _ => missing.push(item.clone()),
        }
    }
    (missing, there)
}

/// Sections with a key of their own: the heading, and a number where it is not the first of its kind.
fn headed(sections: &[Section]) -> Vec<(String, &str)> {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut headed = Vec::with_capacity(sections.len());
    for Section { heading, text } in sections {
        let count = seen.entry(heading.to_lowercase()).or_default();
        *count += 1;
        let key = match (heading.as_str(), *count) {
            ("", _) => "text above the sections".to_owned(),
            (_, 1) => format!("## {heading}"),
            (_, count) => format!("## {heading} ({count})"),
        };
        headed.push((key, text.as_str()));
    }
    headed
}

/// An identity is one paragraph; by sentences its lines can be compared.
fn sentences(paragraph: &str) -> String {
    paragraph.replace(". ", ".\n")
}

/// The lines of two texts with what stands in both left out but for its edges.
fn lines(from: &str, to: &str) -> Vec<Line> {
    if from.lines().count() + to.lines().count() > MAX_LINES {
        let removed = from.lines().map(|line| Line::Removed(line.to_owned()));
        return removed.chain(to.lines().map(|line| Line::Added(line.to_owned()))).collect();
    }
    let (old, new): (Vec<&str>, Vec<&str>) = (from.lines().collect(), to.lines().collect());
    let diff = TextDiff::configure().algorithm(Algorithm::Patience).diff_slices(&old, &new);
    let mut lines = Vec::new();
    let count = diff.ops().len();
    for (at, op) in diff.ops().iter().enumerate() {
        let changes = diff.iter_changes(op).map(|change| {
            let text = change.value().to_owned();
            match change.tag() {
                ChangeTag::Equal => Line::Same(text),
                ChangeTag::Delete => Line::Removed(text),
                ChangeTag::Insert => Line::Added(text),
            }
        });
        let changes: Vec<Line> = changes.collect();
        if op.tag() == DiffTag::Equal {
            lines.extend(edges(changes, at > 0, at + 1 < count));
        } else {
            lines.extend(changes);
        }
    }
    lines
}

/// The first and last of lines that stand in both texts, where a change is beside them.
fn edges(same: Vec<Line>, after_change: bool, before_change: bool) -> Vec<Line> {
    let head = if after_change { CONTEXT } else { 0 };
    let tail = if before_change { CONTEXT } else { 0 };
    // To leave out a single line would save nothing.
    if same.len() <= head + tail + 1 {
        return same;
    }
    let skipped = same.len() - head - tail;
    let last = same[same.len() - tail..].to_vec();
    same.into_iter().take(head).chain([Line::Skipped(skipped)]).chain(last).collect()
}

fn gate(gate: &Gate) -> (&str, String) {
    let by = match gate.by {
        GateJudge::Judge => "",
        GateJudge::Command => ", by command",
        GateJudge::Human => ", by human",
    };
    let optional = if gate.required { "" } else { ", not required" };
    (&gate.id, format!("{}{by}{optional}", gate.check))
}

fn metric(metric: &Metric) -> (&str, String) {
    let mut text = metric.text.clone();
    let value = metric.value.map(|value| value.to_string());
    let figure: Vec<&str> = [&metric.name, &metric.op, &value, &metric.unit]
        .into_iter()
        .filter_map(|part| part.as_deref())
        .collect();
    if !figure.is_empty() {
        text.extend([" (", &figure.join(" "), ")"]);
    }
    if let Some(base) = &metric.relative_to {
        text.extend([", against the ", base]);
    }
    (&metric.id, text)
}

fn collaboration(with: &Collaboration) -> (&str, String) {
    (&with.persona, with.purpose.clone().unwrap_or_default())
}
