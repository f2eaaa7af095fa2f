//! Lists, objects and `--inputs`.

use serde_json::Value;

use crate::support::Place;

const WORKFLOW: &str = "workflow: w
inputs:
  task: string
  files: { type: list, help: What to read }
  spec: { schema: { required: [name], properties: { name: { type: string }, size: { type: integer } } } }
  count: { type: integer, default: 1 }
  notes: { type: file, required: false }
steps:
  data:
    render: |
      {% for file in inputs.files %}[{{ file }}] {% endfor %}{{ inputs.spec.name }} {{ inputs.count }} {{ inputs.task }}
outputs: { all: '{{ steps.data.text }}' }
";

/// The result of an offline run, without the line that says so.
fn result(place: &Place, args: &[&str]) -> String {
    let printed = place.good(args);
    printed.split_once("\n\n").map(|(_, result)| result.to_owned()).expect("a result")
}

fn place() -> Place {
    let place = Place::new();
    place.write("w.yaml", WORKFLOW);
    place
}

#[test]
fn inputs_come_from_a_file_and_the_command_line_wins() {
    let place = place();
    place.write("in.yaml", "task: T\nfiles:\n  - a, b\n  - c\nspec: { name: N }\ncount: 7\n");
    let run = ["run", "w.yaml", "--offline", "--inputs", "in.yaml"];
    assert_eq!(result(&place, &run), "[a, b] [c] N 7 T\n");
    let over = ["--task", "U", "-i", "files=x", "-i", "files=[y]", "-i", "count=2"];
    assert_eq!(result(&place, &[&run[..], &over].concat()), "[x] [[y]] N 2 U\n");
    place
        .write("in.json", r#"{ "task": "T", "files": ["\ud83d\ude00"], "spec": { "name": "N" } }"#);
    assert_eq!(
        result(&place, &["run", "w.yaml", "--offline", "--inputs", "in.json"]),
        "[😀] N 1 T\n"
    );
}

#[test]
fn lists_and_objects_are_given_as_text_or_by_a_file() {
    let place = place();
    place.write("spec.json", "{\n\t\"name\": \"F\"\n}\n");
    let run = |files: &str, spec: &str| {
        result(&place, &["run", "w.yaml", "--offline", "-t", "T", "-i", files, "-i", spec])
    };
    assert_eq!(run("files=[a, b]", "spec={name: S}"), "[a] [b] S 1 T\n");
    assert_eq!(run("files=[\"a\"]", "spec=@spec.json"), "[a] F 1 T\n");
    assert_eq!(run("files=[]", "spec=name: S"), "S 1 T\n");
}

#[test]
fn every_problem_with_all_inputs_is_told_at_once_and_in_its_place() {
    let place = place();
    place.write("in.yaml", "taks: T\nfiles: [a, 1]\nspec:\n  size: big\nnotes: notes.md\n");
    let run = ["run", "w.yaml", "--offline", "--inputs", "in.yaml", "-i", "count=many"];
    insta::assert_snapshot!(place.refused(&run), @r#"
    exit 3
    error[unknown-input]: the workflow has no input `taks`
     --> in.yaml:1:1
      |
    1 | taks: T
      | ^^^^
      |
      = help: did you mean `task`?

    error[bad-input]: input `files`: `[1]`: must be a text, not a number
     --> in.yaml:2:12
      |
    2 | files: [a, 1]
      |            ^
      |
      = help: quote it: `"1"`

    error[bad-input]: input `spec`: "name" is a required property
     --> in.yaml:4:3
      |
    4 |   size: big
      |   ^

    error[bad-input]: input `spec`: `size`: "big" is not of type "integer"
     --> in.yaml:4:9
      |
    4 |   size: big
      |         ^^^

    error[bad-input]: input `notes` is a file, and no file is named here
     --> in.yaml:5:8
      |
    5 | notes: notes.md
      |        ^^^^^^^^
      |
      = help: remove it, and give the file with `-i notes=@path`

    error: input `task` is missing
    help: give it with `--task "…"`, or `--task @file`
    error: input `count` is of type integer, and `many` is not
    help: give a whole number of 64 bits
    error: 7 mistakes; nothing was run
    "#);
    place.write("in.yaml", "files: [a\n");
    insta::assert_snapshot!(place.refused(&["run", "w.yaml", "--inputs", "in.yaml"]), @r"
    exit 3
    error[yaml-syntax]: brackets do not match: unclosed bracket '['
     --> in.yaml:1:8
      |
    1 | files: [a
      |        ^
      |
      = help: close every `[` with `]` and every `{` with `}`; quote a value that contains them
    ");
    insta::assert_snapshot!(place.refused(&["run", "w.yaml", "--inputs", "no.yaml"]), @r"
    exit 3
    error: --inputs: reading `no.yaml`: No such file or directory (os error [N])
    help: a path starts from the folder you are in
    ");
    let twice = ["run", "w.yaml", "-t", "T", "-i", "files=a", "-i", "spec={name: N}"];
    let twice = [&twice[..], &["-i", "count=1", "-i", "count=2", "--offline"]].concat();
    insta::assert_snapshot!(place.refused(&twice), @r"
    exit 2
    error: the input `count` is given twice
    help: only an input of type `list` takes several values
    ");
    let wrong = ["run", "w.yaml", "-t", "T", "-i", "files=[a, {b: c}]", "-i", "spec={size: 1.5}"];
    insta::assert_snapshot!(place.refused(&wrong), @r#"
    exit 3
    error[bad-input]: input `files`: `[1]`: must be a text, not a map
     --> -i files:1:5
      |
    1 | [a, {b: c}]
      |     ^^^^^^

    error[bad-input]: input `spec`: "name" is a required property
     --> -i spec:1:1
      |
    1 | {size: 1.5}
      | ^^^^^^^^^^^

    error[bad-input]: input `spec`: `size`: 1.5 is not of type "integer"
     --> -i spec:1:8
      |
    1 | {size: 1.5}
      |        ^^^

    error: 3 mistakes; nothing was run
    "#);
    place.write("blank.yaml", "task: ' '\n");
    insta::assert_snapshot!(place.refused(&["run", "w.yaml", "--inputs", "blank.yaml"]), @r#"
    exit 2
    error: the task is empty
    help: say what the team shall do: `--task "…"`, or `--task @file`
    error: input `files` is missing
    help: What to read: give each item with `-i files=…`, or all with `-i files=[…]`
    error: input `spec` is missing
    help: give it with `-i spec={…}` or `-i spec=@file.yaml`
    "#);
}

#[test]
fn lists_and_objects_are_shown_planned_and_run_again() {
    let place = place();
    insta::assert_snapshot!(place.good(&["workflows", "show", "w.yaml"]), @r"
    w

    Inputs
      task (string; required)
      files (list of string; required) — What to read
      spec (object; required)
      count (integer; default 1)
      notes (file; optional)

    Steps
      data: a rendered value

    from w.yaml; --source prints the file, `orchestrate graph w.yaml` draws it
    ");
    let missing = place.good(&["plan", "w.yaml", "--offline"]);
    assert!(missing.contains("\nMissing\n") && missing.contains("input `spec`"), "{missing}");
    let given =
        ["w.yaml", "--offline", "-t", "T", "-i", "files=a", "-i", "spec={name: N, size: 2}"];
    let plan = place.good(&[&["plan"], &given[..], &["--format", "json"]].concat());
    let plan: Value = serde_json::from_str(&plan).unwrap();
    let inputs = serde_json::json!({
        "task": "T", "files": ["a"], "spec": { "name": "N", "size": 2 }, "count": 1
    });
    assert_eq!(plan["inputs"], inputs);
    assert_eq!(result(&place, &[&["run"], &given[..]].concat()), "[a] N 1 T\n");
    let run = place.run_ids().remove(0);
    assert_eq!(result(&place, &["rerun", &run]), "[a] N 1 T\n");
}

#[test]
fn hidden_characters_deep_in_an_input_do_not_reach_a_prompt() {
    let place = Place::new();
    place.write(
        "w.yaml",
        "workflow: w
inputs: { spec: object }
steps: { data: { persona: data-engineer, prompt: '{{ inputs.spec.a[0] }} {{ inputs.spec }}' } }
",
    );
    let said =
        place.good(&["run", "w.yaml", "--offline", "-i", "spec={a: [\"x\u{200b}\u{e0041}y\"]}"]);
    assert!(said.contains("xy") && !said.contains('\u{200b}'), "{said}");
    assert!(!said.contains("u{200b}") && !said.contains("u{e0041}"), "{said}");
}
