//! A file of each format.

pub(super) mod front;
pub(super) mod markdown;
pub(super) mod several;
pub(super) mod structured;

/// A text in double quotation marks, for JSON, YAML and TOML alike.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Lines set in by so many spaces.
fn indented(text: &str, by: usize) -> String {
    let lines = text.lines().map(|line| match line {
        "" => "\n".to_owned(),
        line => format!("{}{line}\n", " ".repeat(by)),
    });
    lines.collect()
}
