//! Test files: what they may say, and what is wrong with them.

use std::fmt::Write as _;

use orchestrate_core::diagnostic::Source;
use orchestrate_workflow::{check_against, read_tests, test_language::TEST_SECTIONS, test_schema};
use proptest::prelude::*;
use serde_json::Value;

use crate::{
    language::{ROOT, file, is_current, json, table},
    plan, shown,
};

fn validator() -> jsonschema::Validator {
    jsonschema::options().offline().build(&test_schema()).expect("a JSON Schema")
}

/// What is said of a test file.
fn told(text: &str) -> String {
    let (file, problems) = read_tests(&Source::new("t.test.yaml", text));
    assert!(file.is_some() || orchestrate_core::diagnostic::has_errors(&problems));
    shown(&problems)
}

#[test]
fn the_example_of_every_key_is_read_and_fits_the_schema_of_editors() {
    for section in TEST_SECTIONS {
        for key in section.keys {
            let example = section.example(key);
            assert!(example.contains(key.name), "{example}");
            assert_eq!(told(&example), "", "{example}");
            let value = json(&example);
            let wrong: Vec<String> =
                validator().iter_errors(&value).map(|error| error.to_string()).collect();
            assert!(wrong.is_empty(), "{example}: {wrong:?}");
        }
    }
}

#[test]
fn a_key_of_another_place_is_refused_by_reader_and_schema_alike() {
    let validator = validator();
    for section in TEST_SECTIONS {
        let known = section.keys.first().expect("a section has keys");
        let between = if section.name == "tests" { "\n" } else { ", " };
        let line = known.example;
        let wrong = section.example(known).replacen(line, &format!("{line}{between}strange: x"), 1);
        assert!(told(&wrong).contains("unknown-key"), "{wrong}\n{}", told(&wrong));
        assert!(!validator.is_valid(&json(&wrong)), "{wrong}");
    }
}

#[test]
fn the_tests_of_built_in_workflows_fit_the_schema_of_editors() {
    for name in BUILT_IN {
        let text = file(&format!("workflows/{name}.test.yaml"));
        assert_eq!(told(&text), "");
        let value = json(&text);
        let wrong: Vec<String> =
            validator().iter_errors(&value).map(|error| error.to_string()).collect();
        assert!(wrong.is_empty(), "{ROOT}: {name}: {wrong:?}");
    }
}

#[test]
fn what_the_workflow_does_not_have_is_told_with_its_place() {
    let plan = plan(
        "workflow: w\nsteps:\n  data: { persona: data-engineer }\n  out: { render: x, needs: data }\noutputs: { it: y }\n",
    );
    let text = "\
replies: { dta: x }
tests:
  one:
    replies: { out: x, data: y }
    expect:
      outputs: { its: y }
      steps: { data: { persona: mlops-engineer, handoffs: { out: full } } }
  two: {}
";
    let (file, _) = read_tests(&Source::new("t", text));
    let problems = check_against(&file.expect("it can be read"), &plan);
    let said = shown(&problems);
    for part in [
        "unknown-step 1:12 `dta`\n  the workflow has no step `dta`\n  help: did you mean `data`?",
        "4:16 `out`\n  step `out` asks nobody: it is a template",
        "6:18 `its`\n  the workflow has no output `its`",
        "`mlops-engineer` never works in step `data`",
        "step `data` does not need `out`",
    ] {
        assert!(said.contains(part), "{part}\n{said}");
    }
    assert_eq!(said.matches("dta").count(), 2, "what all tests share is told once\n{said}");
}

#[test]
fn the_committed_schema_is_that_of_the_table() {
    let text = serde_json::to_string_pretty(&test_schema()).expect("JSON");
    is_current("schemas/test.schema.json", &format!("{text}\n"));
    assert!(serde_json::from_str::<Value>(&text).is_ok());
}

const PAGE: &str = "docs/src/reference/test-files.md";

#[test]
fn the_reference_page_has_the_keys_of_the_table() {
    let mark = "<!-- generated -->\n";
    let page = file(PAGE);
    let (before, _) = page.split_once(mark).expect("the page has a mark");
    let mut wanted = format!("{before}{mark}");
    for section in TEST_SECTIONS {
        write!(wanted, "\n## {}\n\n{}", section.title, table(section)).expect("a String");
    }
    is_current(PAGE, &wanted);
}

const BUILT_IN: [&str; 9] = [
    "data-contract",
    "data-infrastructure",
    "design-review",
    "end-to-end-ml",
    "framework-bakeoff",
    "incident-review",
    "ml-design-review",
    "ml-system-design",
    "research-to-production",
];

const SEED: &str = "\
inputs: { task: x }
replies: { a: { text: x, brief: none, tokens: { input: 1 } } }
tests:
  one:
    files: { f: { name: a, text: b } }
    replies: { a: [{ fail: empty, message: m }, y] }
    expect: { run: failed, calls: { at_most: 2 }, steps: { a: { text: { matches: '^x+', lacks: [a, b] } } } }
";

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn mutated_test_files_never_panic(
        edits in prop::collection::vec((0_usize..SEED.len(), 0_usize..9, "[ -~\n\té{}%\\[\\]:&*|>'\"-]{0,4}"), 0..6)
    ) {
        let mut text = SEED.to_owned();
        for (at, length, insert) in edits {
            let mut at = at.min(text.len());
            while !text.is_char_boundary(at) { at -= 1; }
            let mut end = (at + length).min(text.len());
            while !text.is_char_boundary(end) { end += 1; }
            text.replace_range(at..end, &insert);
        }
        let (file, problems) = read_tests(&Source::new("t", text.as_str()));
        prop_assert!(file.is_some() || orchestrate_core::diagnostic::has_errors(&problems));
        for label in problems.iter().flat_map(|problem| &problem.labels) {
            prop_assert!(text.get(label.span.clone()).is_some());
        }
    }
}
