//! `orchestrate test`.

use std::path::Path;

use orchestrate_testkit::reply::Answer;

use crate::support::{Place, Server, who};

const NOTES: &str = "\
workflow: notes
inputs: { task: string, tone: { enum: [plain, proud], default: plain } }
steps:
  facts: { persona: data-engineer, prompt: List what changed. }
  notes:
    persona: { choose: { plain: data-viz-specialist, proud: project-architect }, by: inputs.tone }
    needs: facts
    prompt: Write the notes.
outputs: { notes: '{{ steps.notes.text }}' }
";

fn place(tests: &str) -> Place {
    let place = Place::new();
    place.write("workflows/notes.yaml", NOTES);
    place.write("workflows/notes.test.yaml", tests);
    place
}

/// What is said of test files that are not valid.
fn invalid(place: &Place) -> String {
    let outcome = place.run(&["test"]);
    assert_eq!(outcome.code, Some(3), "{}", outcome.stdout);
    assert!(!outcome.stderr.contains("panicked"), "{}", outcome.stderr);
    format!("{}{}", outcome.stderr, outcome.stdout)
}

#[test]
fn the_tests_of_every_built_in_workflow_pass() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../workflows");
    let mut names = Vec::new();
    for entry in std::fs::read_dir(root).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        names.extend(
            name.strip_suffix(".yaml").filter(|name| !name.contains('.')).map(str::to_owned),
        );
    }
    names.sort();
    assert!(names.len() >= 9, "{names:?}");
    let place = Place::new();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let outcome = place.run(&[&["test"], names.as_slice()].concat());
    assert_eq!(outcome.code, Some(0), "{}{}", outcome.stdout, outcome.stderr);
    for name in names {
        let begin = format!("ok       built-in:workflows/{name}.test.yaml: ");
        assert!(outcome.stdout.contains(&begin), "{name} has no tests\n{}", outcome.stdout);
    }
    assert!(!place.state().exists(), "a test leaves nothing in the home folder");
}

#[test]
fn a_test_needs_neither_key_nor_model_and_leaves_nothing_behind() {
    let place = place(
        "\
inputs: { task: Version 2 }
tests:
  the notes are the output:
    replies: { facts: Faster., notes: It is faster. }
    expect:
      outputs: { notes: It is faster. }
      steps:
        facts: { handoffs: {}, system: { contains: data } }
        notes: { persona: data-viz-specialist, prompt: { contains: [Faster., Version 2] } }
  pride chooses the architect:
    inputs: { tone: proud }
    replies: { facts: Faster., notes: [{ fail: timeout }, It is much faster.] }
    expect: { calls: 3, tokens: { at_least: 10 }, steps: { notes: { persona: project-architect } } }
",
    );
    insta::assert_snapshot!(place.good(&["test"]), @r"
    ok       workflows/notes.test.yaml: the notes are the output
    ok       workflows/notes.test.yaml: pride chooses the architect
    2 tests: 2 ok
    ");
    assert_eq!(place.good(&["test", "notes"]), place.good(&["test", "workflows/notes.test.yaml"]));
    assert!(place.good(&["test", "workflows", "--filter", "pride"]).ends_with("1 test: 1 ok\n"));
    assert!(!place.state().exists());
}

#[test]
fn what_differs_is_told_with_its_place_and_a_diff() {
    let place = place(
        "\
inputs: { task: Version 2 }
tests:
  wrong in many ways:
    replies:
      facts: Faster.
      notes: |
        # Notes
        It is faster.
    expect:
      calls: 3
      steps:
        facts: failed
        notes:
          persona: project-architect
          handoffs: { facts: brief }
          prompt: { contains: Slower., lacks: Version 2 }
      outputs:
        notes: |
          # Notes
          It is slower.
",
    );
    let outcome = place.run(&["test"]);
    assert_eq!(outcome.code, Some(1));
    insta::assert_snapshot!(outcome.stdout, @r"
    failed   workflows/notes.test.yaml: wrong in many ways
    1 test: 0 ok, 1 failed
    ");
    let errors: Vec<&str> =
        outcome.stderr.lines().filter(|line| line.starts_with("error")).collect();
    insta::assert_snapshot!(errors.join("\n"), @r"
    error[test-failed]: output `notes` is another one
    error[test-failed]: step `facts` is succeeded
    error[test-failed]: in step `notes` works `data-viz-specialist`
    error[test-failed]: the prompt of `notes` does not contain this
    error[test-failed]: the prompt of `notes` contains this, on its line 2
    error[test-failed]: the handoff from `facts` to `notes` is `full`, not `brief`
    error[test-failed]: 2 requests were sent
    ");
    assert!(outcome.stderr.contains("workflows/notes.test.yaml:12:16"), "{}", outcome.stderr);
    let diff = "- expected, + found\n  # Notes\n- It is slower.\n+ It is faster.\n";
    assert!(outcome.stderr.contains(diff), "{}", outcome.stderr);
}

#[test]
fn a_step_without_a_reply_and_a_reply_without_a_step_fail_the_test() {
    let place = place(
        "\
inputs: { task: Version 2 }
tests:
  too few: { replies: { facts: Faster. } }
  too many: { replies: { facts: Faster., notes: [It is., Again.] } }
  not one more: { replies: { facts: { fail: rate_limited }, notes: x }, expect: { run: failed } }
",
    );
    let outcome = place.run(&["test"]);
    assert_eq!(outcome.code, Some(1));
    for told in [
        "step `notes` was asked and the test has no reply for it",
        "add `notes: …` to `replies`",
        "`notes` was asked 1 times and has 2 replies",
        "step `facts` was asked once more than its 1 replies",
        "nobody asked for the reply of `notes`",
    ] {
        assert!(outcome.stderr.contains(told), "{told}\n{}", outcome.stderr);
    }
}

#[test]
fn every_mistake_of_a_test_file_is_told_at_once() {
    let place = place(
        "\
inputs: { tune: plain }
tests:
  it works:
    inputs: { tone: loud }
    replies: { fact: Faster., notes: { fail: rate_limit }, facts: { file: ../../outside.md } }
    expct: {}
    expect:
      run: done
      steps: { notes: { persona: data-enginer, handoffs: { fact: full } } }
      outputs: { note: x }
",
    );
    let told = invalid(&place);
    insta::assert_snapshot!("test-file-mistakes", told);
    place.write(
        "workflows/notes.test.yaml",
        "\
inputs: { tune: plain }
tests:
  it works:
    inputs: { tone: loud }
    replies: { fact: Faster., facts: { file: ../../outside.md } }
    expect:
      steps: { notes: { persona: data-enginer, handoffs: { fact: full } } }
      outputs: { note: x }
",
    );
    place.write("../outside.md", "secret");
    let told = invalid(&place);
    assert!(!told.contains("secret"));
    insta::assert_snapshot!("test-file-strangers", told);
}

#[test]
fn a_mistake_in_the_workflow_is_told_as_validate_tells_it() {
    let place = place("tests: { it works: { replies: { facts: x } } }\n");
    place.write("workflows/notes.yaml", NOTES.replace("needs: facts", "needs: fact"));
    let told = invalid(&place);
    assert!(told.contains("there is no step `fact`"), "{told}");
}

#[test]
fn json_tells_every_test_with_what_was_expected_and_found() {
    let place = place(
        "\
inputs: { task: Version 2 }
tests:
  good: { replies: { facts: a, notes: b } }
  bad: { replies: { facts: a, notes: b }, expect: { outputs: { notes: c } } }
",
    );
    let outcome = place.run(&["test", "--format", "json"]);
    assert_eq!(outcome.code, Some(1));
    let told: serde_json::Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!(told["schema"], "orchestrate/test/1");
    let tests = &told["files"][0]["tests"];
    assert_eq!(tests[0]["ok"], true);
    let mismatch = &tests[1]["mismatches"][0];
    assert_eq!(mismatch["expected"], "c");
    assert_eq!(mismatch["found"], "b");
    assert_eq!(mismatch["places"][0]["line"], 4);
}

#[test]
fn nothing_to_test_is_a_mistake_of_the_command_line() {
    let place = Place::new();
    let told = place.refused(&["test"]);
    assert!(told.starts_with("exit 2\n") && told.contains("there are no test files"), "{told}");
    let told = place.refused(&["test", "end-to-end-ml", "--filter", "no such name"]);
    assert!(told.starts_with("exit 2\n"), "{told}");
    let told = place.refused(&["test", "missing.test.yaml"]);
    assert!(told.starts_with("exit 3\n"), "{told}");
}

#[test]
fn a_run_becomes_a_test_that_passes() {
    let server = Server::start(|request| {
        let text = match who(request).as_str() {
            "data-engineer" => "# Facts\n\n- faster: \"yes\"\n\ttabbed",
            _ => "Notes.\n\n```brief\n{\"decisions\": [\"Ship it\"]}\n```\n",
        };
        Answer::new(text).reply_to(request)
    });
    let place = Place::beside(&server);
    place.write("workflows/notes.yaml", NOTES);
    place.good(&["run", "notes", "--task", "Version: 2 # now", "--model", "openai:m"]);
    let run = &place.run_ids()[0];
    let outcome = place.run(&["test", "--record", run, "workflows/notes.test.yaml"]);
    assert_eq!(outcome.code, Some(0), "{}{}", outcome.stdout, outcome.stderr);
    insta::assert_snapshot!("test-recorded", place.read("workflows/notes.test.yaml"));
    assert!(place.good(&["test", "notes"]).ends_with("1 test: 1 ok\n"));
    let again = place.refused(&["test", "--record", run, "workflows/notes.test.yaml"]);
    assert!(again.starts_with("exit 2\n") && again.contains("is there already"), "{again}");
    assert!(place.good(&["test", "--record", run]).contains("workflow: notes\n"));
}

const PARTS: &str = "\
workflow: parts
inputs: { task: string }
steps:
  data: { persona: data-engineer, prompt: The facts. }
  each:
    for_each: [sea, sky]
    as: topic
    needs: data
    steps:
      draft: { persona: ml-engineer-jax, prompt: 'On {{ topic }}.' }
      check: { persona: ml-engineer, needs: draft, prompt: Check it. }
  short:
    workflow: ./inner.yaml
    needs: each
    with: { task: Shorten }
  report: { persona: data-viz-specialist, needs: short, prompt: All of it. }
";

#[test]
fn a_run_of_items_groups_and_called_workflows_becomes_a_test_that_says_what_each_got() {
    let server = Server::echo();
    let place = Place::beside(&server);
    place.write("workflows/parts.yaml", PARTS);
    place.write(
        "workflows/inner.yaml",
        "workflow: inner\ninputs: { task: string }\nsteps:\n  first: { persona: redis-caching }\n  last: { persona: data-engineer, needs: first }\n",
    );
    place.good(&["run", "parts", "--task", "x", "--model", "openai:m"]);
    let run = &place.run_ids()[0];
    let outcome = place.run(&["test", "--record", run, "workflows/parts.test.yaml"]);
    assert_eq!(outcome.code, Some(0), "{}{}", outcome.stdout, outcome.stderr);
    let text = place.read("workflows/parts.test.yaml");
    let (_, steps) = text.split_once("      steps:\n").expect("what is expected of the steps");
    insta::assert_snapshot!(steps, @r#"
    data:
      state: succeeded
      persona: data-engineer
      calls: 1
    each:
      state: succeeded
    "each[0]":
      state: succeeded
    "each[1]":
      state: succeeded
    each/draft:
      state: succeeded
      persona: ml-engineer-jax
      calls: 2
    "each[0]/draft":
      state: succeeded
      persona: ml-engineer-jax
      calls: 1
      handoffs: { data: full }
    "each[1]/draft":
      state: succeeded
      persona: ml-engineer-jax
      calls: 1
      handoffs: { data: full }
    each/check:
      state: succeeded
      persona: ml-engineer
      calls: 2
    "each[0]/check":
      state: succeeded
      persona: ml-engineer
      calls: 1
      handoffs: { each/draft: full }
    "each[1]/check":
      state: succeeded
      persona: ml-engineer
      calls: 1
      handoffs: { each/draft: full }
    short:
      state: succeeded
    short/first:
      state: succeeded
      persona: redis-caching
      calls: 1
      handoffs: { each: full }
    short/last:
      state: succeeded
      persona: data-engineer
      calls: 1
      handoffs: { short/first: full }
    report:
      state: succeeded
      persona: data-viz-specialist
      calls: 1
      handoffs: { short: full }
    "#);
    // What is written is judged: another form fails at its place.
    place.write(
        "workflows/parts.test.yaml",
        text.replacen("handoffs: { each/draft: full }", "handoffs: { draft: brief }", 1),
    );
    let told = place.run(&["test", "parts"]);
    assert_eq!(told.code, Some(1));
    assert!(
        told.stderr.contains("the handoff from `draft` to `each[0]/check` is `full`"),
        "{}",
        told.stderr
    );
}

#[test]
fn a_test_file_is_validated_as_one_without_being_run() {
    let place = Place::new();
    place.write(
        "w.yaml",
        "workflow: w\ninputs: { task: string }\nsteps: { data: { persona: data-engineer, prompt: Go. } }\n",
    );
    let tests = "tests:\n  a:\n    inputs: { task: x }\n    replies: { data: Done. }\n    expect: { steps: { data: { text: { equals: Other. } } } }\n";
    place.write("w.test.yaml", tests);
    let said = place.run(&["validate", "w.yaml", "w.test.yaml"]);
    assert_eq!(
        (said.code, said.stdout.as_str()),
        (Some(0), "ok       w.yaml: 1 step\nok       w.test.yaml: 1 test\n"),
        "{}",
        said.stderr
    );
    let told = place.json(&["validate", "w.test.yaml", "--format", "json"]);
    assert_eq!(
        (&told["workflows"][0]["valid"], &told["workflows"][0]["tests"]),
        (&true.into(), &1.into())
    );
    place.write(
        "w.test.yaml",
        tests
            .replace("data: Done.", "dta: Done.")
            .replace("inputs: { task: x }", "inputs: { tsk: x }"),
    );
    let said = place.run(&["validate", "w.test.yaml"]);
    assert_eq!(said.code, Some(3));
    insta::assert_snapshot!(format!("{}{}", said.stderr, said.stdout), @r"
    error[unknown-step]: the workflow has no step `dta`
     --> w.test.yaml:4:16
      |
    4 |     replies: { dta: Done. }
      |                ^^^
      |
      = help: did you mean `data`?

    error[unknown-input]: the workflow has no input `tsk`
     --> w.test.yaml:3:15
      |
    3 |     inputs: { tsk: x }
      |               ^^^
      |
      = help: did you mean `task`?

    error[bad-input]: input `task` is missing
     --> w.test.yaml:2:3
      |
    2 |   a:
      |   ^
      |
      = help: add `inputs: { task: … }`, or `files` for a file

    invalid  w.test.yaml: 3 mistakes
    ");
    let said = place.run(&["validate", "none.test.yaml"]);
    assert_eq!(said.code, Some(3), "{}", said.stderr);
}
