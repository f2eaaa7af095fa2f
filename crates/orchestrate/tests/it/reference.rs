//! The help text names every format that is read.

use orchestrate_persona::Format;

use crate::support::Place;

#[test]
fn the_help_of_import_names_every_format() {
    let help = Place::new().good(&["personas", "import", "--help"]);
    let (_, formats) = help.split_once("Formats, for --from: ").unwrap();
    let named: Vec<&str> =
        formats.split([',', ' ', '\n']).filter(|word| !word.is_empty()).collect();
    let known: Vec<&str> = Format::ALL.iter().map(|format| format.id()).collect();
    assert_eq!(named, known);
}
