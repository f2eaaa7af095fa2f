//! A table of prompts: CSV with the columns `act` and `prompt`.

use super::{Found, Reader};
use crate::formats::{
    format::Format,
    toolkit::{
        document::{Document, Kind},
        draft::Draft,
        limits::MAX_PERSONAS,
        prose, words,
    },
};
use orchestrate_core::diagnostic::Diagnostic;

pub(super) const READER: Reader = Reader {
    format: Format::PromptsCsv,
    recognised_by: "CSV whose header has the columns `act` and `prompt`.",
    recognises,
    read,
    table: &[],
};

fn recognises(document: &Document<'_>) -> bool {
    let first = document.text().lines().next().unwrap_or_default().to_lowercase();
    let columns: Vec<&str> =
        first.split(',').map(|column| column.trim().trim_matches('"')).collect();
    document.kind == Kind::Csv && columns.contains(&"act") && columns.contains(&"prompt")
}

fn read(document: &Document<'_>, found: &mut Found) {
    let mut reader =
        csv::ReaderBuilder::new().flexible(true).from_reader(document.text().as_bytes());
    let header: Vec<String> = match reader.headers() {
        Ok(header) => header.iter().map(|name| name.trim().to_lowercase()).collect(),
        Err(_) => return,
    };
    for (index, row) in reader.records().enumerate().take(MAX_PERSONAS + 1) {
        match row {
            Ok(row) => found.drafts.extend(persona(&header, &row, index + 1)),
            Err(error) => {
                let message = format!("row {} is not CSV: {error}", index + 2);
                let wrong = Diagnostic::error("not-csv", message);
                found.diagnostics.push(wrong.at(&document.source, 0..0, ""));
                return;
            }
        }
    }
}

fn persona(header: &[String], row: &csv::StringRecord, number: usize) -> Option<Draft> {
    if row.iter().all(|cell| cell.trim().is_empty()) {
        return None;
    }
    let mut draft = Draft::default();
    for (at, cell) in row.iter().enumerate() {
        match header.get(at).map_or("", String::as_str) {
            "act" => {
                let act = words::one_line(cell);
                draft.title = Some(act).filter(|act| !act.is_empty());
            }
            "prompt" => prose::read(&mut draft, cell),
            "" => draft.keep("cell", cell),
            other => draft.keep(other, cell),
        }
    }
    // In a script that has no slug, the row tells one persona from the next.
    if draft.title.as_deref().and_then(words::slug).is_none() {
        draft.name = Some(format!("prompt-{number}"));
    }
    Some(draft)
}
