//! Given texts to input values.

use indexmap::IndexMap;
use orchestrate_core::plan::InputValue;
use orchestrate_workflow::{Given, InputProblem, resolve_inputs};

use crate::{JsonSchemas, plan};

const WORKFLOW: &str = "
workflow: w
inputs:
  task: { help: What to build }
  rows: { type: integer, default: 0x10 }
  share: { type: number, required: false }
  fast: { type: boolean, default: false }
  colour: { type: string, enum: [red, no], default: no }
  notes: { type: file, required: false }
  plain: integer
steps:
  a: { persona: data-engineer }
";

fn resolve(given: &[(&str, Given)]) -> Result<IndexMap<String, InputValue>, Vec<InputProblem>> {
    let given = given.iter().map(|(name, given)| ((*name).to_owned(), given.clone())).collect();
    resolve_inputs(plan(WORKFLOW).inputs(), &given, &JsonSchemas)
}

fn text(text: &str) -> Given {
    Given::Text(text.to_owned())
}

fn file(text: &str) -> Given {
    Given::File { name: "notes.md".to_owned(), text: text.to_owned() }
}

#[test]
fn given_texts_and_files_become_values_in_the_order_of_the_workflow() {
    let given = [
        ("plain", file(" 7\n")),
        ("notes", file("N\n")),
        ("share", text("0.5")),
        ("colour", text("red")),
        ("task", file("T\n")),
        ("fast", text("true")),
    ];
    let values = resolve(&given).expect("values");
    let expected = [
        ("task", InputValue::String("T\n".into())),
        ("rows", InputValue::Integer(16)),
        ("share", InputValue::Number(0.5)),
        ("fast", InputValue::Boolean(true)),
        ("colour", InputValue::Enum("red".into())),
        ("notes", InputValue::File { name: "notes.md".into(), text: "N\n".into() }),
        ("plain", InputValue::Integer(7)),
    ];
    assert_eq!(values.into_iter().collect::<Vec<_>>(), expected.map(|(n, v)| (n.to_owned(), v)));
}

#[test]
fn defaults_are_used_and_an_optional_input_may_be_left_out() {
    let values = resolve(&[("task", text("t")), ("plain", text("1"))]).expect("values");
    assert_eq!(values["colour"], InputValue::Enum("no".into()), "`no` is a word, not a boolean");
    assert!(!values.contains_key("share") && !values.contains_key("notes"));
}

#[test]
fn every_problem_is_reported_with_what_to_do() {
    let given = [
        ("tusk", text("t")),
        ("rows", text("many")),
        ("share", text("inf")),
        ("fast", text("yes")),
        ("colour", text("rd")),
        ("notes", text("N")),
    ];
    let problems = resolve(&given).expect_err("problems");
    let shown: Vec<String> = problems
        .iter()
        .map(|problem| format!("{problem}; {}", problem.help().unwrap_or_default()))
        .collect();
    assert_eq!(
        shown,
        [
            "the workflow has no input `tusk`; did you mean `task`?",
            "input `task` is missing; What to build: give it with `--task \"…\"`, or `--task @file`",
            "input `rows` is of type integer, and `many` is not; give a whole number of 64 bits",
            "input `share` is of type number, and `inf` is not; give a number such as `0.5`",
            "input `fast` is of type boolean, and `yes` is not; give `true` or `false`",
            "input `colour` is of type enum, and `rd` is not; did you mean `red`?",
            "input `notes` is a file, and a text was given; write `-i notes=@path`, or `-i notes=@-` for standard input",
            "input `plain` is missing; give it with `-i plain=…`",
        ]
    );
    let missing: Vec<bool> = problems.iter().map(InputProblem::is_missing).collect();
    assert_eq!(missing, [false, true, false, false, false, false, false, true]);
}
