//! The reference page and the help text name every format that is read.

use std::{fmt::Write as _, path::Path};

use orchestrate_persona::Format;

use crate::support::Place;

const MARK: &str = "<!-- The table is generated from the readers in the code. -->\n";
const UPDATE: &str = "UPDATE_DOCS=1 cargo test -p orchestrate reference";

fn table() -> String {
    let mut table = String::from("| `--from` | what it is | recognised by |\n|---|---|---|\n");
    for format in Format::ALL {
        let cell = |text: &str| text.replace('|', "\\|");
        let (about, by) = (cell(format.about()), cell(format.recognised_by()));
        writeln!(table, "| `{format}` | {about} | {by} |").expect("a String");
    }
    table
}

#[test]
fn the_reference_page_is_that_of_the_readers() {
    let page =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/src/reference/persona-formats.md");
    let text = std::fs::read_to_string(&page).unwrap();
    let (prose, _) = text.split_once(MARK).expect("the page has its mark");
    let wanted = format!("{prose}{MARK}\n{}", table());
    if std::env::var("UPDATE_DOCS").is_ok() {
        std::fs::write(&page, &wanted).unwrap();
    } else {
        assert!(text == wanted, "docs/src/reference/persona-formats.md differs: run `{UPDATE}`");
    }
}

#[test]
fn the_help_of_import_names_every_format() {
    let help = Place::new().good(&["personas", "import", "--help"]);
    let (_, formats) = help.split_once("Formats, for --from: ").unwrap();
    let named: Vec<&str> =
        formats.split([',', ' ', '\n']).filter(|word| !word.is_empty()).collect();
    let known: Vec<&str> = Format::ALL.iter().map(|format| format.id()).collect();
    assert_eq!(named, known);
}
