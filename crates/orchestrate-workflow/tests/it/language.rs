//! The table of the language's keys, and what is made from it: the compiler's keys, the JSON Schema for
//! editors and the reference page.

use std::{collections::BTreeSet, fmt::Write as _, path::Path};

use orchestrate_workflow::{
    editor_schema,
    language::{SECTIONS, Section},
};
use serde_json::Value;

use crate::{compiled, shown};

pub(crate) const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
const UPDATE: &str = "UPDATE_DOCS=1 cargo test -p orchestrate-workflow language";

#[expect(clippy::disallowed_methods, reason = "the tests read files of the repository")]
pub(crate) fn file(path: &str) -> String {
    std::fs::read_to_string(Path::new(ROOT).join(path)).expect("a file of the repository")
}

/// Compares a file with what it should be, or writes it when asked.
#[expect(clippy::disallowed_methods, reason = "the test writes files of the repository when asked")]
pub(crate) fn is_current(path: &str, wanted: &str) {
    if std::env::var("UPDATE_DOCS").is_ok() {
        std::fs::write(Path::new(ROOT).join(path), wanted).expect("the file can be written");
    } else {
        assert!(file(path) == wanted, "{path} differs: run `{UPDATE}`");
    }
}

/// The value of a YAML file as JSON, by the reader that inputs have.
pub(crate) fn json(yaml: &str) -> Value {
    let workflow =
        "workflow: w\ninputs: { it: object }\nsteps: { a: { persona: data-engineer } }\n";
    let text = orchestrate_workflow::Given::File { name: "it.yaml".into(), text: yaml.to_owned() };
    let given = indexmap::IndexMap::from([("it".to_owned(), text)]);
    let plan = crate::plan(workflow);
    let values = orchestrate_workflow::resolve_inputs(plan.inputs(), &given, &crate::JsonSchemas);
    values.expect("a map")["it"].to_json()
}

fn validator() -> jsonschema::Validator {
    jsonschema::options().offline().build(&editor_schema()).expect("a JSON Schema")
}

#[track_caller]
fn assert_valid(name: &str, yaml: &str) {
    let value = json(yaml);
    let wrong: Vec<String> = validator()
        .iter_errors(&value)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(wrong.is_empty(), "{name}: {wrong:#?}");
}

#[test]
fn the_example_of_every_key_compiles_and_fits_the_schema_of_editors() {
    for section in SECTIONS {
        for key in section.keys {
            let example = section.example(key);
            assert!(example.contains(key.name), "{example}");
            let (plan, problems) = compiled(&example);
            assert!(plan.is_some() && problems.is_empty(), "{example}\n{}", shown(&problems));
            assert_valid(key.name, &example);
        }
    }
}

/// The part of the schema that stands for a section.
fn part<'s>(schema: &'s Value, section: &Section) -> &'s Value {
    if section.name == "workflow" { schema } else { &schema["definitions"][section.name] }
}

#[test]
fn the_schema_of_editors_has_the_keys_of_the_compiler_each_with_its_help() {
    let schema = editor_schema();
    for section in SECTIONS {
        let part = part(&schema, section);
        assert_eq!(part["additionalProperties"], false, "{}", section.name);
        let keys = part["properties"].as_object().expect("properties");
        let described: BTreeSet<&str> = keys.keys().map(String::as_str).collect();
        assert_eq!(described, section.names().collect(), "{}", section.name);
        for key in section.keys {
            assert_eq!(keys[key.name]["description"], key.help);
            assert!(key.help.ends_with('.') && serde_json::from_str::<Value>(key.schema).is_ok());
        }
    }
}

#[test]
fn a_key_of_another_place_is_refused_by_compiler_and_schema_alike() {
    let all: BTreeSet<&str> = SECTIONS.iter().flat_map(|section| section.names()).collect();
    let validator = validator();
    for section in SECTIONS {
        let known = section.keys.first().expect("a section has keys");
        for stray in all.iter().filter(|name| section.key(name).is_none()) {
            let example = section.example(known);
            let line = known.example;
            let between = if section.name == "workflow" { "\n" } else { ", " };
            let wrong = example.replace(line, &format!("{line}{between}{stray}: x"));
            let (plan, problems) = compiled(&wrong);
            let told = shown(&problems);
            assert!(plan.is_none() && told.contains("unknown-key"), "{wrong}\n{told}");
            assert!(!validator.is_valid(&json(&wrong)), "{wrong}");
        }
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the test reads a folder of the repository")]
fn every_built_in_workflow_fits_the_schema_of_editors() {
    let folder = std::fs::read_dir(Path::new(ROOT).join("workflows")).expect("a folder");
    let mut count = 0;
    for entry in folder {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name").to_string_lossy();
        if name.ends_with(".yaml") && !name.ends_with(".test.yaml") {
            count += 1;
            let name = path.display().to_string();
            assert_valid(&name, &std::fs::read_to_string(&path).expect("a workflow"));
        }
    }
    assert!(count >= 4, "{count}");
}

#[test]
fn what_editors_must_catch_does_not_fit() {
    let validator = validator();
    for wrong in [
        "workflow: w",
        "workflow: W\nsteps: { a: { persona: x } }",
        "workflow: w\nsteps: { a: { prompt: x } }",
        "workflow: w\nsteps: { a: { persona: x, render: y } }",
        "workflow: w\nsteps: { a: { persona: x, timeout: 90 } }",
        "workflow: w\nsteps: { a: { persona: x, temperature: 3 } }",
        "workflow: w\nsteps: { a: { persona: { choose: { a: b } } } }",
        "workflow: w\nsteps: { A: { persona: x } }",
        "workflow: w\ninputs: { a: enum }\nsteps: { a: { persona: x } }",
        "workflow: w\ninputs: { a: { items: list } }\nsteps: { a: { persona: x } }",
        "workflow: w\norchestrate: 2\nsteps: { a: { persona: x } }",
    ] {
        assert!(!validator.is_valid(&json(wrong)), "{wrong}");
    }
}

#[test]
fn the_committed_schema_is_that_of_the_table() {
    let text = serde_json::to_string_pretty(&editor_schema()).expect("JSON");
    is_current("schemas/workflow.schema.json", &format!("{text}\n"));
}

const PAGE: &str = "docs/src/reference/workflow-language.md";

pub(crate) fn table(section: &Section) -> String {
    let cell = |text: &str| text.replace('|', "\\|");
    let mut table = String::from("| key | meaning | example |\n|---|---|---|\n");
    for key in section.keys {
        let (help, example) = (cell(key.help), cell(key.example));
        writeln!(table, "| `{}` | {help} | `{example}` |", key.name).expect("a String");
    }
    table
}

#[test]
fn the_reference_page_has_the_keys_of_the_table() {
    let page = file(PAGE);
    let mut wanted = page.clone();
    for section in SECTIONS {
        let begin = format!("<!-- keys of {}, generated -->\n", section.name);
        let end = "<!-- end -->";
        let (before, rest) =
            wanted.split_once(&begin).expect("the page has a mark for the section");
        let (_, after) = rest.split_once(end).expect("the mark is closed");
        wanted = format!("{before}{begin}\n{}\n{end}{after}", table(section));
    }
    is_current(PAGE, &wanted);
}

#[test]
fn every_whole_workflow_in_the_docs_compiles() {
    let mut count = 0;
    for page in [
        PAGE,
        "docs/src/guide/your-own-workflow.md",
        "docs/src/guide/approvals.md",
        "docs/src/guide/structured-output.md",
        "docs/src/guide/reviews.md",
    ] {
        let text = file(page);
        for block in text.split("```yaml\n").skip(1) {
            let (yaml, _) = block.split_once("```").expect("a closed block");
            if yaml.contains("workflow: ") && yaml.contains("\nsteps:") {
                count += 1;
                // The catalogue of these tests knows a few personas only.
                let known = yaml
                    .replace("project-architect", "data-engineer")
                    .replace("persona: ml-engineer\n", "persona: data-engineer\n")
                    .replace("by: ml-engineer\n", "by: data-engineer\n")
                    .replace("{ persona: …", "{ persona: data-engineer");
                let (plan, problems) = compiled(&known);
                assert!(plan.is_some(), "{page}\n{}", shown(&problems));
                assert_valid(page, yaml);
            }
        }
    }
    assert!(count >= 2, "{count}");
}
