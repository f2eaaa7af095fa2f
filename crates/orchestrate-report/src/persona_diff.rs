//! The difference of two personas as text.

use std::fmt::Write as _;

use orchestrate_core::{
    neutral,
    persona_diff::{Change, EntryDiff, FieldDiff, Line, PersonaDiff},
};

use crate::words::counted;

/// The difference by fields: what is gone after `-`, what is new after `+`, what stands in both below
/// two spaces. Texts of persona files are shown with their hidden characters made visible.
pub fn persona_diff(diff: &PersonaDiff) -> String {
    let PersonaDiff { from, to, same_bytes, fields } = diff;
    if fields.is_empty() {
        let between = if from == to {
            format!("in `{from}`")
        } else {
            format!("between `{from}` and `{to}`")
        };
        let why = if *same_bytes { "the files are the same" } else { "only the layout differs" };
        return format!("No difference {between}: {why}.\n");
    }
    let mut text = format!("From {from} to {to}\n");
    for FieldDiff { field, change } in fields {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "\n{}", neutral::one_line(field));
        write_change(&mut text, change);
    }
    text
}

fn write_change(text: &mut String, change: &Change) {
    match change {
        Change::Value { from, to } => {
            marked(text, '-', from.as_deref());
            marked(text, '+', to.as_deref());
        }
        Change::List { removed, added, reordered } => {
            for item in removed {
                marked(text, '-', Some(item));
            }
            for item in added {
                marked(text, '+', Some(item));
            }
            if *reordered {
                text.push_str("  (in another order)\n");
            }
        }
        Change::Entries(entries) => {
            for EntryDiff { id, from, to } in entries {
                let named = |value: &String| format!("{id}: {value}");
                marked(text, '-', from.as_ref().map(named).as_deref());
                marked(text, '+', to.as_ref().map(named).as_deref());
            }
        }
        Change::Lines(lines) => {
            for line in lines {
                write_line(text, line);
            }
        }
    }
}

fn write_line(text: &mut String, line: &Line) {
    match line {
        Line::Same(line) => marked(text, ' ', Some(line)),
        Line::Removed(line) => marked(text, '-', Some(line)),
        Line::Added(line) => marked(text, '+', Some(line)),
        Line::Skipped(count) => {
            let count = u64::try_from(*count).unwrap_or(u64::MAX);
            let lines = counted(count, "line", "lines");
            // Writing to a String cannot fail.
            let _ = writeln!(text, "  ({lines} the same)");
        }
    }
}

/// Every line of a value behind its mark.
fn marked(text: &mut String, mark: char, value: Option<&str>) {
    for line in value.into_iter().flat_map(|value| value.split('\n')) {
        let line = neutral::visible(line);
        text.push_str(format!("  {mark} {line}").trim_end());
        text.push('\n');
    }
}
