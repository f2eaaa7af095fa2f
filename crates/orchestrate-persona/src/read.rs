//! Reading a canonical persona file.

use std::{borrow::Cow, collections::BTreeSet, ops::Range, sync::Arc};

use indexmap::IndexMap;
use orchestrate_core::{
    diagnostic::{Diagnostic, Source, has_errors},
    neutral,
    persona::{Collaboration, Gate, GateJudge, Metric, Persona, PersonaSource, persona_digest},
};

use crate::{
    body::{self, Body},
    fields::{Fields, Notes},
    front_matter,
    yaml::{self, Node, Value},
};

/// A longer file is refused.
pub const MAX_FILE_BYTES: usize = 512 * 1024;

/// Shortest and longest description, in characters: those of Agent Skills.
pub(crate) const DESCRIPTION: std::ops::RangeInclusive<usize> = 10..=1024;

pub(crate) const KEYS: &[&str] = &[
    "name",
    "title",
    "abbreviation",
    "aliases",
    "description",
    "category",
    "tags",
    "version",
    "synonyms",
    "capabilities",
    "when_to_use",
    "when_not_to_use",
    "examples",
    "gates",
    "metrics",
    "escalation",
    "collaborates_with",
    "tools",
    "model",
];
/// What import writes and foreign formats keep; nothing here acts on it.
const SILENT_KEYS: &[&str] = &["x", "source"];
const GATE_KEYS: &[&str] = &["id", "check", "by", "required"];
const METRIC_KEYS: &[&str] = &["id", "text", "name", "op", "value", "unit", "relative_to"];
const COLLABORATION_KEYS: &[&str] = &["persona", "for"];

/// Reads a canonical persona file and reports all mistakes at once; there is a persona only where none
/// of them is an error. A byte order mark is dropped and CRLF read as LF.
///
/// The source's name must end in the file's name, since a persona is named like its file.
pub fn read(source: &Arc<Source>) -> (Option<Persona>, Vec<Diagnostic>) {
    if source.text.len() > MAX_FILE_BYTES {
        let message = format!("the file is longer than {} KiB", MAX_FILE_BYTES / 1024);
        let error = Diagnostic::error("file-too-large", message)
            .at(source, 0..0, "")
            .help("a persona is a few pages; split this into several, or cut reference material");
        return (None, vec![error]);
    }
    let parts = match front_matter::split(source) {
        Ok(parts) => parts,
        Err(error) => return (None, vec![error]),
    };
    let mut notes = Notes::new(source, &parts);
    let front = front_matter(source, &parts, &mut notes);
    let body = body::read(&source.text[parts.body.clone()]);
    let mut diagnostics = notes.diagnostics;
    diagnostics.extend(body_diagnostics(source, &body, parts.body.start));
    diagnostics.extend(invisible(source));
    diagnostics.sort_by_key(|diagnostic| diagnostic.labels.first().map(|label| label.span.start));
    if has_errors(&diagnostics) {
        return (None, diagnostics);
    }
    let persona = front.map(|front| Persona {
        identity: body.identity,
        sections: body.sections,
        digest: persona_digest(source.text.as_bytes()),
        ..front
    });
    (persona, diagnostics)
}

/// Everything but identity, sections and digest; `None` where the front matter holds no mapping.
fn front_matter(
    source: &Source,
    parts: &front_matter::Parts,
    notes: &mut Notes<'_>,
) -> Option<Persona> {
    let tree = match yaml::parse(&source.text[parts.yaml.clone()]) {
        Ok(tree) => tree,
        Err(wrong) => {
            let message = format!("the front matter is not YAML: {}", wrong.message);
            let mut error = Diagnostic::error("front-matter-not-yaml", message);
            error.help.extend(wrong.help.map(str::to_owned));
            notes.add(error, &(wrong.offset..wrong.offset), "");
            return None;
        }
    };
    let entries = match &tree.value {
        Value::Map(entries) => entries.as_slice(),
        Value::Null => &[],
        Value::Text(_) | Value::List(_) => {
            let message =
                format!("the front matter must be a mapping, this is {}", tree.value.kind());
            let error = Diagnostic::error("wrong-type", message).help("write `key: value` lines");
            notes.add(error, &tree.span, "");
            return None;
        }
    };
    let fields = notes.fields(entries, KEYS, SILENT_KEYS);
    let kept = |name: &str| {
        let named = |key: &Node| key.value == Value::Text(name.to_owned());
        entries.iter().find(|(key, _)| named(key)).map(|(_, node)| &node.value)
    };
    Some(Persona {
        extra: kept("x").map(extra).unwrap_or_default(),
        source: kept("source").and_then(imported_from),
        ..persona(source, &fields, notes)
    })
}

/// What stands under `x:`, each text under the path that leads to it.
fn extra(value: &Value) -> IndexMap<String, String> {
    let mut texts = IndexMap::new();
    flatten(value, String::new(), &mut texts);
    texts
}

fn flatten(value: &Value, path: String, texts: &mut IndexMap<String, String>) {
    match value {
        Value::Null => {}
        Value::Text(text) => {
            let path = if path.is_empty() { "text".to_owned() } else { path };
            texts.insert(path, text.trim().to_owned());
        }
        Value::List(entries) => {
            for (index, entry) in entries.iter().enumerate() {
                flatten(&entry.value, format!("{path}[{index}]"), texts);
            }
        }
        Value::Map(entries) => {
            for (key, entry) in entries {
                let Value::Text(key) = &key.value else { continue };
                let below = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                flatten(&entry.value, below, texts);
            }
        }
    }
}

/// The note that import leaves; whatever else a person writes there has no effect.
fn imported_from(value: &Value) -> Option<PersonaSource> {
    let Value::Map(entries) = value else { return None };
    let mut found = PersonaSource::default();
    for (key, node) in entries {
        let Value::Text(key) = &key.value else { continue };
        match (key.as_str(), &node.value) {
            ("format", Value::Text(text)) => found.format.clone_from(text),
            ("path", Value::Text(text)) => found.path.clone_from(text),
            ("sha256", Value::Text(text)) => found.sha256.clone_from(text),
            ("synthesised", Value::List(fields)) => {
                let texts = fields.iter().filter_map(|field| match &field.value {
                    Value::Text(text) => Some(text.clone()),
                    Value::Null | Value::List(_) | Value::Map(_) => None,
                });
                found.synthesised = texts.collect();
            }
            _ => {}
        }
    }
    Some(found)
}

fn persona(source: &Source, fields: &Fields<'_>, notes: &mut Notes<'_>) -> Persona {
    let name = name(source, fields, notes);
    let description = description(fields, notes);
    let title = notes.optional_text(fields, "title").unwrap_or_else(|| title_of(&name));
    let model = model(fields, notes);
    Persona {
        title,
        abbreviation: notes.optional_text(fields, "abbreviation"),
        aliases: notes.texts(fields, "aliases"),
        description,
        category: notes.optional_text(fields, "category"),
        tags: notes.texts(fields, "tags"),
        version: notes.optional_text(fields, "version"),
        synonyms: notes.texts(fields, "synonyms"),
        capabilities: notes.texts(fields, "capabilities"),
        when_to_use: notes.texts(fields, "when_to_use"),
        when_not_to_use: notes.texts(fields, "when_not_to_use"),
        examples: notes.texts(fields, "examples"),
        gates: gates(fields, notes),
        metrics: metrics(fields, notes),
        escalation: notes.texts(fields, "escalation"),
        collaborates_with: collaborations(fields, notes),
        tools: tools(fields, notes),
        model,
        extra: IndexMap::new(),
        source: None,
        identity: String::new(),
        sections: Vec::new(),
        digest: persona_digest(b""),
        name,
    }
}

/// Reports a required key that is not there.
fn missing(notes: &mut Notes<'_>, code: &'static str, key: &str, help: &str) {
    let error = Diagnostic::error(code, format!("the front matter has no `{key}`")).help(help);
    notes.add_missing(error);
}

fn name(source: &Source, fields: &Fields<'_>, notes: &mut Notes<'_>) -> String {
    let stem = stem(&source.name);
    let Some(node) = fields.get("name") else {
        missing(notes, "name-missing", "name", &format!("add `name: {stem}`"));
        return String::new();
    };
    let Some(name) = notes.slug(fields, "name", "name-not-slug") else { return String::new() };
    if name != stem {
        let message = format!("the persona is named `{name}` and its file `{stem}`");
        let error = Diagnostic::error("name-differs-from-file", message)
            .help(format!("rename the file to `{name}.md`, or write `name: {stem}`"));
        notes.add(error, &node.span, "");
    }
    name
}

/// The file's name without folders, scheme and extension.
pub(crate) fn stem(path: &str) -> &str {
    let file = path.rsplit(['/', '\\', ':']).next().unwrap_or(path);
    file.strip_suffix(".md").unwrap_or(file)
}

pub(crate) fn title_of(name: &str) -> String {
    let capital = |word: &str| {
        let mut chars = word.chars();
        chars.next().map_or_else(String::new, |first| {
            first.to_uppercase().collect::<String>() + chars.as_str()
        })
    };
    name.split('-').map(capital).collect::<Vec<_>>().join(" ")
}

fn description(fields: &Fields<'_>, notes: &mut Notes<'_>) -> String {
    let help =
        "add `description:` with one sentence on what the persona does and one on when to use it";
    let Some(node) = fields.get("description") else {
        missing(notes, "description-missing", "description", help);
        return String::new();
    };
    let Some(text) = notes.text("description", node) else { return String::new() };
    let length = text.chars().count();
    if !DESCRIPTION.contains(&length) {
        let (code, bound) = if length < *DESCRIPTION.start() {
            ("description-too-short", format!("at least {} are needed", DESCRIPTION.start()))
        } else {
            ("description-too-long", format!("at most {} are allowed", DESCRIPTION.end()))
        };
        let message = format!("the description has {length} characters, {bound}");
        let error = Diagnostic::error(code, message).help("say what it does and when to use it");
        notes.add(error, &node.span, "");
    }
    text
}

/// `model` is part of formats that this one is compatible with, and decides nothing here.
fn model(fields: &Fields<'_>, notes: &mut Notes<'_>) -> Option<String> {
    let node = fields.get("model")?;
    let model = notes.text("model", node)?;
    if model != "inherit" {
        let warning = Diagnostic::warning("foreign-model", "a persona does not choose its model")
            .help("leave `model` out and name the model in the workflow or on the command line");
        notes.add(warning, &node.span, "not used");
    }
    Some(model)
}

/// A list, or one text with commas as other formats write it.
fn tools(fields: &Fields<'_>, notes: &mut Notes<'_>) -> Vec<String> {
    if let Some(Node { value: Value::Text(text), .. }) = fields.get("tools") {
        let tools = text.split(',').map(str::trim).filter(|tool| !tool.is_empty());
        return tools.map(str::to_owned).collect();
    }
    notes.texts(fields, "tools")
}

fn gates(fields: &Fields<'_>, notes: &mut Notes<'_>) -> Vec<Gate> {
    let example = "{ id: bias, check: Fairness is assessed per group }";
    let mut ids = BTreeSet::new();
    let mut gates = Vec::new();
    for (node, entries) in notes.mappings(fields, "gates", example) {
        let fields = notes.fields(entries, GATE_KEYS, &[]);
        let id = identifier("gate", node, &fields, &mut ids, notes);
        let check = required(node, "gate", &fields, "check", notes);
        let by = match notes.word(&fields, "by", &["judge", "command", "human"]) {
            Some("command") => GateJudge::Command,
            Some("human") => GateJudge::Human,
            _ => GateJudge::Judge,
        };
        let required = notes.flag(&fields, "required", true);
        if let (Some(id), Some(check)) = (id, check) {
            gates.push(Gate { id, check, by, required });
        }
    }
    gates
}

fn metrics(fields: &Fields<'_>, notes: &mut Notes<'_>) -> Vec<Metric> {
    let example = "{ id: latency, text: Latency below 100 ms, name: latency, op: \"<\", value: 100, unit: ms }";
    let mut ids = BTreeSet::new();
    let mut metrics = Vec::new();
    for (node, entries) in notes.mappings(fields, "metrics", example) {
        let fields = notes.fields(entries, METRIC_KEYS, &[]);
        let id = identifier("metric", node, &fields, &mut ids, notes);
        let text = required(node, "metric", &fields, "text", notes);
        let numeric = ["name", "op", "value"];
        let given = numeric.iter().filter(|key| fields.contains_key(**key)).count();
        let extra = ["unit", "relative_to"].iter().any(|key| fields.contains_key(*key));
        if given != numeric.len() && (given > 0 || extra) {
            let error = Diagnostic::error(
                "metric-incomplete",
                "a metric with a figure needs `name`, `op` and `value` together",
            )
            .help("give all three, or leave the metric to its `text`");
            notes.add(error, &node.span, "");
        }
        let metric = Metric {
            id: id.clone().unwrap_or_default(),
            text: text.clone().unwrap_or_default(),
            name: notes.optional_text(&fields, "name"),
            op: notes.word(&fields, "op", &["<", "<=", ">", ">=", "="]).map(str::to_owned),
            value: notes.number(&fields, "value"),
            unit: notes.optional_text(&fields, "unit"),
            relative_to: notes.optional_text(&fields, "relative_to"),
        };
        if id.is_some() && text.is_some() {
            metrics.push(metric);
        }
    }
    metrics
}

fn collaborations(fields: &Fields<'_>, notes: &mut Notes<'_>) -> Vec<Collaboration> {
    let mut collaborations = Vec::new();
    for (node, entries) in
        notes.mappings(fields, "collaborates_with", "{ persona: data-engineer, for: pipelines }")
    {
        let fields = notes.fields(entries, COLLABORATION_KEYS, &[]);
        let persona = required(node, "collaboration", &fields, "persona", notes)
            .and_then(|_| notes.slug(&fields, "persona", "name-not-slug"));
        let purpose = notes.optional_text(&fields, "for");
        collaborations.extend(persona.map(|persona| Collaboration { persona, purpose }));
    }
    collaborations
}

/// A text that an entry cannot do without.
fn required(
    node: &Node,
    what: &str,
    fields: &Fields<'_>,
    key: &str,
    notes: &mut Notes<'_>,
) -> Option<String> {
    if let Some(value) = fields.get(key) {
        return notes.text(key, value);
    }
    let error = Diagnostic::error("missing-key", format!("this {what} has no `{key}`"));
    notes.add(error, &node.span, "");
    None
}

/// The id of a gate or metric: a slug, unique within its list.
fn identifier(
    what: &str,
    node: &Node,
    fields: &Fields<'_>,
    ids: &mut BTreeSet<String>,
    notes: &mut Notes<'_>,
) -> Option<String> {
    required(node, what, fields, "id", notes)?;
    let id = notes.slug(fields, "id", "id-not-slug")?;
    if !ids.insert(id.clone()) {
        let error = Diagnostic::error("duplicate-id", format!("two {what}s are named `{id}`"))
            .help("give each its own id: findings and briefs refer to it");
        let place = fields.get("id").map_or(&node.span, |node| &node.span);
        notes.add(error, place, "used before");
    }
    Some(id)
}

fn body_diagnostics(source: &Arc<Source>, body: &Body, base: usize) -> Vec<Diagnostic> {
    let shifted = |span: &Range<usize>| base + span.start..base + span.end;
    let mut diagnostics = Vec::new();
    if body.identity.is_empty() {
        diagnostics.push(
            Diagnostic::error("identity-missing", "the text does not say who the persona is")
                .at(source, shifted(&body.identity_span), "expected a paragraph before this")
                .help("begin the text below the front matter with a paragraph: `You are …`"),
        );
    }
    for (heading, span) in &body.repeated {
        diagnostics.push(
            Diagnostic::warning("duplicate-section", format!("a second section `{heading}`"))
                .at(source, shifted(span), "")
                .help("merge the two sections"),
        );
    }
    if let Some(span) = &body.open_fence {
        diagnostics.push(
            Diagnostic::warning("fence-unbalanced", "this code block is never closed")
                .at(source, shifted(span), "everything below is taken for code")
                .help("close it with the same marks"),
        );
    }
    diagnostics
}

/// Characters nobody sees have no place in a text that tells a model what to do.
fn invisible(source: &Arc<Source>) -> Option<Diagnostic> {
    let text = source.text.strip_prefix('\u{feff}').unwrap_or(&source.text);
    let shift = source.text.len() - text.len();
    let hidden = |c: char| {
        c != '\r' && matches!(neutral::visible(c.encode_utf8(&mut [0; 4])), Cow::Owned(_))
    };
    if matches!(neutral::visible(text), Cow::Borrowed(_)) {
        return None;
    }
    let (at, first) = text.char_indices().find(|&(_, c)| hidden(c))?;
    let count = text.chars().filter(|&c| hidden(c)).count();
    let message =
        format!("{count} characters that nobody can see, the first U+{:04X}", u32::from(first));
    let start = shift + at;
    Some(
        Diagnostic::error("invisible-character", message)
            .at(source, start..start + first.len_utf8(), "here")
            .help("delete them: a persona must not tell a model what its reader cannot see"),
    )
}
