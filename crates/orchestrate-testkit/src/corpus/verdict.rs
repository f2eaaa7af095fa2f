//! Whether a file's texts came through.

use std::collections::BTreeSet;

use serde_json::Value;

use super::plan::CorpusFile;

/// A text without marks, quotation marks and runs of white space, so that only its words count.
pub fn bare(text: &str) -> String {
    let plain: String = text.chars().filter(|c| !matches!(c, '*' | '`' | '"')).collect();
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Everything that came out of a file.
#[derive(Debug, Clone, Default)]
pub struct Kept {
    whole: String,
    lines: BTreeSet<String>,
}

impl Kept {
    /// Adds a text.
    pub fn text(&mut self, text: &str) {
        for line in text.replace("\\n", "\n").lines() {
            let line = line.trim_start_matches(['-', '#', ' ']);
            self.lines.insert(bare(line));
        }
        self.whole.push_str(&bare(&text.replace("\\n", " ")));
        self.whole.push('\n');
    }

    /// Adds every scalar below a value.
    pub fn value(&mut self, value: &Value) {
        match value {
            Value::Null => {}
            Value::String(text) => self.text(text),
            Value::Bool(_) | Value::Number(_) => self.text(&value.to_string()),
            Value::Array(entries) => entries.iter().for_each(|entry| self.value(entry)),
            Value::Object(map) => map.values().for_each(|entry| self.value(entry)),
        }
    }

    /// The texts of a file that did not come out.
    pub fn lost<'f>(&self, file: &'f CorpusFile) -> Vec<&'f str> {
        let lost = |leaf: &&String| {
            let leaf = bare(leaf);
            !self.lines.contains(&leaf) && !self.whole.contains(&leaf)
        };
        file.leaves.iter().filter(lost).map(String::as_str).collect()
    }
}
