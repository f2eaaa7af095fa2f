//! The reference page of the formats says what the readers say of themselves.

use std::fmt::Write as _;

use orchestrate_persona::Format;

use super::{READ, bytes, imported};
use crate::file;

const PAGE: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/src/reference/persona-formats.md");
const MARK: &str = "<!-- What follows is generated from the readers. -->\n";
const UPDATE: &str = "UPDATE_DOCS=1 cargo test -p orchestrate-persona formats::page";

/// More lines of an example are left out.
const EXAMPLE_LINES: usize = 24;

/// The language of a code block by a file's ending.
fn language(path: &str) -> &str {
    match path.rsplit('.').next() {
        Some("yaml") => "yaml",
        Some("json" | "jsonc") => "json",
        Some("toml") => "toml",
        Some("csv") => "csv",
        _ => "markdown",
    }
}

/// A small file of the format, and the name that it goes by.
fn example(format: Format) -> (String, String) {
    if format == Format::Canonical {
        let (path, ..) = READ.iter().find(|(_, read, _)| *read == Format::ClaudeCode).expect("one");
        let found = imported(path).personas.remove(0);
        return (format!("{}.md", found.persona.name), found.canonical);
    }
    let shortest = READ
        .iter()
        .filter(|(_, read, _)| *read == format)
        // A picture has no text to show.
        .filter_map(|(path, ..)| Some((*path, String::from_utf8(bytes(path)).ok()?)))
        .min_by_key(|(_, text)| text.len());
    let (path, text) = shortest.expect("every format has a fixture");
    let shown = path.split_once('/').map_or(path, |(_, below)| below);
    (shown.to_owned(), text)
}

/// One line for each format.
fn contents() -> String {
    let mut text = String::from("| `--from` | what it is |\n|---|---|\n");
    for format in Format::ALL {
        let about = format.about().replace('|', "\\|");
        writeln!(text, "| [`{format}`](#{format}) | {about} |").expect("a String");
    }
    text
}

fn section(format: Format) -> String {
    let mut text = format!(
        "### `{format}`\n\n{}\n\nRecognised by {}\n\n",
        format.about(),
        format.recognised_by()
    );
    let keys: Vec<_> = format.keys().collect();
    if !keys.is_empty() {
        text.push_str("| key | becomes |\n|---|---|\n");
        for (key, place) in keys {
            writeln!(text, "| `{key}` | {place} |").expect("a String");
        }
        text.push('\n');
    }
    let (name, example) = example(format);
    let lines: Vec<&str> = example.lines().collect();
    let shown = lines[..lines.len().min(EXAMPLE_LINES)].join("\n");
    let more = lines.len().saturating_sub(EXAMPLE_LINES);
    write!(text, "`{name}`:\n\n`````{}\n{shown}\n`````\n", language(&name)).expect("a String");
    if more > 0 {
        writeln!(text, "\n*({more} more lines)*").expect("a String");
    }
    text
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "the test writes a page of the repository when asked"
)]
fn the_reference_page_is_that_of_the_readers() {
    let page = file(PAGE);
    let (prose, _) = page.split_once(MARK).expect("the page has its mark");
    let sections: Vec<String> = Format::ALL.iter().map(|format| section(*format)).collect();
    let wanted = format!("{prose}{MARK}\n{}\n{}", contents(), sections.join("\n"));
    if std::env::var("UPDATE_DOCS").is_ok() {
        std::fs::write(PAGE, &wanted).expect("the page can be written");
    } else {
        assert!(page == wanted, "docs/src/reference/persona-formats.md differs: run `{UPDATE}`");
    }
}
