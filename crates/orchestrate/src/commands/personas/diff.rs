//! `orchestrate personas diff`.

use std::path::Path;

use orchestrate_core::{
    diagnostic::Source,
    persona::Persona,
    persona_diff::{Change, Line, PersonaDiff},
};
use orchestrate_engine::{library::read_bytes, session::Workspace};
use orchestrate_persona::{ForeignFile, MAX_FILE_BYTES};
use serde_json::{Value, json};

use crate::{
    cli::{DiffPersonas, ListFormat},
    exit::{CliError, Exit},
    terminal,
};

pub(super) fn diff(workspace: &Workspace, arguments: &DiffPersonas) -> Result<Exit, CliError> {
    let (from, to) = (persona(workspace, &arguments.from)?, persona(workspace, &arguments.to)?);
    let diff = orchestrate_persona::diff(&from, &to);
    match arguments.format {
        ListFormat::Text => terminal::out(&orchestrate_report::persona_diff(&diff)),
        ListFormat::Json => terminal::out_json(&as_json(&diff)),
    }
    Ok(Exit::Ok)
}

/// A persona by name, or by the path of a file of any format.
fn persona(workspace: &Workspace, word: &str) -> Result<Persona, CliError> {
    if !word.contains('/') && Path::new(word).extension().is_none() {
        return Ok(super::named(workspace, word)?.1);
    }
    let bytes = read_bytes(Path::new(word), MAX_FILE_BYTES as u64)?;
    let imported = orchestrate_persona::import(&ForeignFile { path: word, bytes: &bytes }, None);
    let names: Vec<String> =
        imported.personas.iter().map(|found| found.persona.name.clone()).collect();
    match <[_; 1]>::try_from(imported.personas) {
        Ok([one]) => Ok(as_it_stands(&bytes, &one.persona.name).unwrap_or(one.persona)),
        Err(none) if none.is_empty() => Err(imported.diagnostics.into()),
        Err(_) => {
            let message = format!("`{word}` holds {} personas: {}", names.len(), names.join(", "));
            Err(CliError::new(Exit::Invalid, message)
                .help("import them first, then compare two by name"))
        }
    }
}

/// A file that the library would read without an import, wherever it lies and whatever it is called.
fn as_it_stands(bytes: &[u8], name: &str) -> Option<Persona> {
    let text = std::str::from_utf8(bytes).ok()?;
    orchestrate_persona::read(&Source::new(format!("{name}.md"), text)).0
}

fn as_json(diff: &PersonaDiff) -> Value {
    let fields = diff.fields.iter().map(|field| {
        let mut value = match &field.change {
            Change::Value { from, to } => json!({ "kind": "value", "from": from, "to": to }),
            Change::List { removed, added, reordered } => json!({
                "kind": "list", "removed": removed, "added": added, "reordered": reordered,
            }),
            Change::Entries(entries) => {
                let entries = entries
                    .iter()
                    .map(|entry| json!({ "id": entry.id, "from": entry.from, "to": entry.to }));
                json!({ "kind": "entries", "entries": entries.collect::<Vec<_>>() })
            }
            Change::Lines(lines) => {
                json!({ "kind": "lines", "lines": lines.iter().map(line).collect::<Vec<_>>() })
            }
        };
        value["field"] = field.field.as_str().into();
        value
    });
    json!({
        "schema": "orchestrate/persona-diff/1",
        "from": diff.from,
        "to": diff.to,
        "same": diff.is_empty(),
        "same_bytes": diff.same_bytes,
        "fields": fields.collect::<Vec<_>>(),
    })
}

fn line(line: &Line) -> Value {
    match line {
        Line::Same(text) => json!({ "same": text }),
        Line::Removed(text) => json!({ "removed": text }),
        Line::Added(text) => json!({ "added": text }),
        Line::Skipped(count) => json!({ "skipped": count }),
    }
}
