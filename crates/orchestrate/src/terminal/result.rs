//! The result of a run on standard output.

use orchestrate_core::{event::Recorded, summary::RunSummary};
use orchestrate_engine::session::RunRecord;
use serde_json::json;

use super::{out, out_json, out_json_line};
use crate::cli::Format;

/// Prints the result of a run that was watched: for JSON lines, its events are printed already.
pub(crate) fn print(record: &RunRecord, format: Format) {
    match format {
        Format::Text => {
            out(&with_final_newline(record.report(orchestrate_report::result_markdown)));
        }
        Format::Markdown => {
            out(&with_final_newline(record.report(orchestrate_report::report_markdown)));
        }
        Format::Json => out_json(&record.report(orchestrate_report::json)),
        Format::Jsonl => {
            let result =
                json!({ "type": "result", "result": record.report(orchestrate_report::json) });
            out_json_line(&result.to_string());
        }
    }
}

/// Prints the result of a recorded run, events included for JSON lines.
pub(crate) fn print_recorded(record: &RunRecord, format: Format) {
    if format == Format::Jsonl {
        for (position, recorded) in record.events.iter().enumerate() {
            event_line(recorded, &record.summary, position == 0);
        }
    }
    print(record, format);
}

/// Prints an event as a JSON line; the first is preceded by the line that names the schema.
pub(super) fn event_line(recorded: &Recorded, summary: &RunSummary, first: bool) {
    if first {
        let version = json!({ "type": "version", "schema": "1.0", "offline": summary.offline });
        out_json_line(&version.to_string());
    }
    let line = serde_json::to_string(recorded).expect("an event is plain data");
    out_json_line(&line);
}

fn with_final_newline(mut text: String) -> String {
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text
}
