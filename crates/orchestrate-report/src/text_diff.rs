//! The difference of two texts, line by line.

use orchestrate_core::neutral;
use similar::{ChangeTag, TextDiff};

/// Lines around a difference that are shown.
const AROUND: usize = 3;
/// The most lines of a difference.
const MOST: usize = 200;

/// What is gone after `-`, what is new after `+`, and a few lines around it after a space. White space at
/// the end of the texts does not count; hidden characters are made visible.
pub fn text_diff(from: &str, to: &str) -> String {
    let (from, to) = (from.trim_end(), to.trim_end());
    let diff = TextDiff::from_lines(from, to);
    let mut text = String::new();
    let mut lines = 0;
    for (at, group) in diff.grouped_ops(AROUND).iter().enumerate() {
        if at > 0 {
            text.push_str("  …\n");
        }
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            lines += 1;
            if lines > MOST {
                text.push_str("  … more differences\n");
                return text;
            }
            text.push(match change.tag() {
                ChangeTag::Delete => '-',
                ChangeTag::Insert => '+',
                ChangeTag::Equal => ' ',
            });
            text.push(' ');
            text.push_str(neutral::visible(change.value().trim_end_matches(['\n', '\r'])).as_ref());
            text.push('\n');
        }
    }
    text
}
