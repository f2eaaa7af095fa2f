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

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/src/providers");
const MARK: &str = "<!-- The tables are generated from the rows in the code. -->\n";
const UPDATE: &str = "UPDATE_DOCS=1 cargo test -p orchestrate reference";

/// Compares what stands after the mark of a page with the tables, or writes it when asked.
fn is_current(page: &str, tables: &str) {
    let path = std::path::Path::new(ROOT).join(page);
    let text = std::fs::read_to_string(&path).expect("a page of the repository");
    let (before, after) = text.split_once(MARK).expect("the mark");
    // The tables end where the text goes on: at a line that belongs to none of them.
    let begins = |line: &str| line.is_empty() || line.starts_with('|');
    let end: usize =
        after.split_inclusive('\n').take_while(|line| begins(line.trim_end())).map(str::len).sum();
    let wanted = format!("{before}{MARK}\n{tables}\n{}", &after[end..]);
    if std::env::var("UPDATE_DOCS").is_ok() {
        std::fs::write(&path, wanted).expect("the page can be written");
    } else {
        assert!(text == wanted, "{page} differs: run `{UPDATE}`");
    }
}

#[test]
fn the_pages_of_providers_and_programs_have_every_row() {
    use std::fmt::Write as _;

    use orchestrate_provider::{command, presets::PRESETS};

    let mut table = String::from(
        "| name | what it is | speaks | address | variables | for example |\n|---|---|---|---|---|---|\n",
    );
    for row in PRESETS {
        let variables = row.keys.iter().map(|key| key.name).chain(row.address_variable);
        let variables: Vec<String> = variables.map(|name| format!("`{name}`")).collect();
        let address = row.base_url.map_or("your own".to_owned(), |url| format!("`{url}`"));
        writeln!(
            table,
            "| `{}` | [{}]({}) | {} | {address} | {} | `{}:{}` |",
            row.name,
            row.title,
            row.page,
            row.protocol.title(),
            variables.join(", "),
            row.name,
            row.example
        )
        .expect("a String");
    }
    is_current("index.md", &table);
    let mut table = String::from("| preset | what is started |\n|---|---|\n");
    for row in command::PRESETS {
        writeln!(table, "| [`{}`]({}) | `{}` |", row.name, row.page, row.command.join(" "))
            .expect("a String");
    }
    is_current("commands.md", &table);
}

#[test]
fn the_example_of_every_key_is_a_workflow_that_the_program_takes() {
    use orchestrate_workflow::language::SECTIONS;

    let place = Place::new();
    // The one that the examples call; the built-in one wants a document as well.
    place.write(
        "workflows/design-review.yaml",
        "workflow: design-review\ninputs: { task: { type: string, required: false } }\nsteps: { look: { persona: mlops-engineer } }\n",
    );
    let mut files = Vec::new();
    for section in SECTIONS {
        for key in section.keys {
            let name = format!("{}-{}/example.yaml", section.name, key.name);
            place.write(&name, section.example(key));
            files.push(name);
        }
    }
    let names: Vec<&str> = files.iter().map(String::as_str).collect();
    let said = place.run(&[&["validate"], &names[..]].concat());
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    let good = said.stdout.lines().filter(|line| line.starts_with("ok ")).count();
    assert_eq!(good, files.len());
    // What stands in a map within a step does something too.
    for name in ["review-rounds", "gate-required", "need-pass", "choice-otherwise", "budget-usd"] {
        let file = format!("{name}/example.yaml");
        let inputs = ["-i", "framework=jax"];
        let inputs: &[&str] = if name.starts_with("choice") { &inputs } else { &[] };
        let inputs = if name.starts_with("review") { &["-i", "audit=true"] } else { inputs };
        place.good(&[&["run", &file, "--offline"], inputs].concat());
    }
}
