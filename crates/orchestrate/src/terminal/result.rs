//! The result of a run on standard output.

use orchestrate_core::{event::Recorded, summary::RunSummary};
use orchestrate_engine::{session::RunRecord, store::StoreError};
use orchestrate_report::Context;
use serde_json::json;

use super::{out, out_json_line, warn};
use crate::{cli::Format, exit::chain};

/// Prints the result of a run that was watched: for JSON lines, its events are printed already.
///
/// Where a declared output cannot be made, the deliverables are the result, with a warning; then this
/// is false.
pub(crate) fn print(record: &RunRecord, format: Format) -> bool {
    let told = |render: &dyn Fn(&Context<'_>) -> String| record.report(render);
    let document = |context: &Context<'_>| {
        let mut document = orchestrate_report::json(context);
        document["personas"] = personas(record);
        document
    };
    match format {
        Format::Text => out(&with_final_newline(told(&orchestrate_report::result_markdown))),
        Format::Markdown => out(&with_final_newline(told(&orchestrate_report::report_markdown))),
        Format::Json => {
            let text = told(&|context| {
                serde_json::to_string_pretty(&document(context))
                    .expect("a JSON value can be written")
            });
            out_json_line(&text);
        }
        Format::Jsonl => out_json_line(&told(&|context| {
            json!({ "type": "result", "result": document(context) }).to_string()
        })),
    }
    let faults = record.outputs().err().unwrap_or_default();
    for (name, error) in &faults {
        warn(
            &format!("the output `{name}` could not be rendered: {}", chain(error)),
            &["the documents of the steps are the result instead".into()],
        );
    }
    faults.is_empty()
}

/// The personas that the run is pinned to, with the BLAKE3 hash of each one's file.
fn personas(record: &RunRecord) -> serde_json::Value {
    let named = record.personas.iter();
    named.map(|(name, persona)| (name.clone(), json!({ "digest": persona.digest }))).collect()
}

/// Prints the result of a recorded run, events included for JSON lines.
pub(crate) fn print_recorded(record: &RunRecord, format: Format) -> Result<(), StoreError> {
    // A document that was changed or lost is damage, not an empty place in the result.
    record.check_contents()?;
    if format == Format::Jsonl {
        for (position, recorded) in record.events.iter().enumerate() {
            event_line(recorded, &record.summary, position == 0);
        }
    }
    print(record, format);
    Ok(())
}

/// Prints an event as a JSON line; the first is preceded by the line that names the schema.
pub(super) fn event_line(recorded: &Recorded, summary: &RunSummary, first: bool) {
    if first {
        let version = json!({ "type": "version", "schema": "1.0", "offline": summary.offline, "replay": summary.cassette() });
        out_json_line(&version.to_string());
    }
    let line = serde_json::to_string(recorded).expect("an event is plain data");
    out_json_line(&line);
}

fn with_final_newline(mut text: String) -> String {
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    text
}
