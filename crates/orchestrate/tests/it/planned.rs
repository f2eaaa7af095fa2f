//! `plan` before a run, `run --plan` after it, and pictures of plans.

use serde_json::Value;

use crate::support::{Place, Server, TASK};

const PLAN: [&str; 8] =
    ["plan", "end-to-end-ml", "--task", TASK, "--model", "openai:m", "--format", "json"];
const RUN: [&str; 6] = ["run", "end-to-end-ml", "--task", TASK, "--model", "openai:m"];

fn words(plan: &Value, key: &str) -> Vec<String> {
    let steps = plan["steps"].as_array().unwrap().iter();
    steps.map(|step| step[key].as_str().unwrap_or_default().to_owned()).collect()
}

#[test]
fn a_plan_foresees_what_was_paid_for() {
    let server = Server::echo();
    let place = Place::beside(&server);
    let before = place.json(&PLAN);
    assert_eq!(words(&before, "foreseen"), ["called"; 5]);
    assert_eq!(before["calls"]["at_least"], 5);
    assert!(!place.state().exists(), "a plan writes nothing");
    place.good(&RUN);
    let after = place.json(&PLAN);
    assert_eq!(words(&after, "foreseen"), ["reused"; 5]);
    assert_eq!(after["calls"], serde_json::json!({ "at_least": 0, "at_most": 0 }));
    assert_eq!(after["steps"][0]["reused_from"]["run"], place.run_ids()[0].as_str());
    let text = place.good(&PLAN[..6]);
    assert_eq!(text.matches("└ answered: paid for in run …").count(), 5, "{text}");
    assert_eq!(server.count(), 5, "a plan sends nothing");
}

#[test]
fn behind_a_step_that_has_changed_all_is_open() {
    let server = Server::echo();
    let place = Place::beside(&server);
    place.good(&RUN);
    let persona = crate::support::persona_with_question("data-scientist-stats", "What changed?");
    place.write("personas/data-scientist-stats.md", persona);
    let plan = place.json(&PLAN);
    // The first step's prompt names the second's persona and not its questions.
    assert_eq!(words(&plan, "foreseen"), ["reused", "called", "open", "open", "open"]);
    let calls = &plan["calls"];
    assert_eq!((calls["at_least"].as_u64(), calls["at_most"].as_u64()), (Some(1), Some(7)));
    place.good(&RUN);
    assert_eq!(server.count(), 9);
}

#[test]
fn a_run_by_its_plan_runs_and_one_that_differs_is_refused() {
    let server = Server::echo();
    let place = Place::beside(&server);
    place.write("plan.json", place.good(&PLAN));
    let with_plan = [&RUN[..], &["--plan", "plan.json"]].concat();
    place.good(&with_plan);
    let other = [
        "run",
        "end-to-end-ml",
        "--task",
        "Something else",
        "-i",
        "framework=jax",
        "--model",
        "openai:n",
        "--max-calls",
        "9",
        "--plan",
        "plan.json",
    ];
    let said = place.refused(&other);
    for part in [
        "exit 3\n",
        "input `task` is another one now",
        "input `framework` is another one now",
        "the model of step `data` is openai:n, not openai:m",
        "the cap `calls` is 9, not none",
        "nothing was run: this differs from the plan in `plan.json`",
    ] {
        assert!(said.contains(part), "{part}\n{said}");
    }
    let persona = crate::support::persona_with_question("data-engineer", "What changed?");
    place.write("personas/data-engineer.md", persona);
    let said = place.refused(&with_plan);
    assert!(said.contains("persona `data-engineer` is another one now"), "{said}");
    std::fs::remove_file(place.work().join("personas/data-engineer.md")).unwrap();
    let show = place.good(&["workflows", "show", "end-to-end-ml", "--source"]);
    place.write(
        "workflows/end-to-end-ml.yaml",
        show.replace("Number your decisions", "Count your decisions"),
    );
    let said = place.refused(&with_plan);
    assert!(said.contains("workflow `end-to-end-ml` is another one now"), "{said}");
    assert_eq!(server.count(), 5);
}

#[test]
fn what_is_no_plan_is_refused() {
    let server = Server::echo();
    let place = Place::beside(&server);
    let with_plan = [&RUN[..], &["--plan", "plan.json"]].concat();
    let refused = |content: &str| {
        place.write("plan.json", content);
        place.refused(&with_plan)
    };
    for content in ["", "{", "[]", "{}", r#"{"schema":"orchestrate/run/1"}"#] {
        let said = refused(content);
        assert!(said.starts_with("exit 3\n") && said.contains("is no plan"), "{content}: {said}");
    }
    let said = refused(r#"{"schema":"orchestrate/plan/1","pinned":{}}"#);
    assert!(said.contains("is no plan"), "{said}");
    let incomplete =
        place.good(&["plan", "end-to-end-ml", "--format", "json", "--model", "openai:m"]);
    let said = refused(&incomplete);
    assert!(said.contains("was made while something was missing: input `task`"), "{said}");
    assert_eq!(server.count(), 0);
}

#[test]
fn a_graph_is_a_picture_or_a_graph_of_graphviz() {
    let place = Place::new();
    for workflow in
        ["data-infrastructure", "design-review", "end-to-end-ml", "research-to-production"]
    {
        let steps = place.json(&["plan", workflow, "--offline", "--format", "json"])["steps"]
            .as_array()
            .unwrap()
            .len();
        let svg = place.good(&["graph", workflow, "--format", "svg"]);
        assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"));
        assert_eq!(svg.matches("rx=\"5\"").count(), steps);
        assert_eq!(svg, place.good(&["graph", workflow, "--format", "svg"]));
        let dot = place.good(&["graph", workflow, "--format", "dot"]);
        assert_eq!(dot.matches("[label=").count(), steps);
        let text = Place::new().with("COLUMNS", "80").good(&["graph", workflow]);
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    }
}

#[test]
fn a_plan_names_the_models_behind_the_first_and_holds_a_run_to_them() {
    let server = Server::echo();
    let place = Place::beside(&server);
    place.write(
        "w.yaml",
        "workflow: w
steps:
  a: { persona: data-engineer, prompt: Begin. }
  b: { persona: mlops-engineer, needs: a, prompt: Go on., model: strong }
",
    );
    let default = "default = [\"openai:m-1\", \"openai:m-2\"]\n";
    let configure =
        |strong: &str| place.configure(&format!("[models]\n{default}strong = {strong}\n"));
    configure("[\"openai:m-3\", \"openai:m-1\", \"openai:m-2\"]");
    let text = place.good(&["plan", "w.yaml"]);
    assert!(text.contains("openai:m-1, then openai:m-2  ≈"), "{text}");
    assert!(text.contains("openai:m-3, then openai:m-1, then openai:m-2  ≈"), "{text}");
    let plan = place.json(&["plan", "w.yaml", "--format", "json"]);
    assert_eq!(plan["steps"][0]["fallbacks"], serde_json::json!(["openai:m-2"]));
    assert_eq!(plan["pinned"]["fallbacks"]["b"], serde_json::json!(["openai:m-1", "openai:m-2"]));
    place.write("plan.json", plan.to_string());
    let with_plan = ["run", "w.yaml", "--plan", "plan.json"];
    configure("\"openai:m-3\"");
    let said = place.refused(&with_plan);
    assert!(
        said.contains(
            "behind the model of step `b` stands no other, not openai:m-1, then openai:m-2"
        ),
        "{said}"
    );
    assert!(!said.contains("step `a`"), "{said}");
    configure("[\"openai:m-3\", \"openai:m-1\", \"openai:m-2\"]");
    place.good(&with_plan);
}

/// A workflow whose first prompt can only be made of JSON, and that has other such steps which need not be
/// reached.
const OF_JSON: &str = "workflow: w
inputs: { data: string }
steps:
  a:
    persona: data-engineer
    prompt: |
      Look at the rows.
      {% for row in inputs.data | fromjson %}- {{ row }}{% endfor %}
  b: { persona: mlops-engineer, needs: a, if: 'steps.a.text | length > 9', prompt: '1 {{ inputs.data | fromjson }}' }
  c: { persona: mlops-engineer, optional: true, prompt: '2 {{ inputs.data | fromjson }}' }
  d: { persona: mlops-engineer, prompt: '{{ steps.a.text }} {{ inputs.data | fromjson }}' }
";

#[test]
fn a_prompt_that_is_known_to_fail_is_a_mistake_of_the_plan() {
    let place = Place::new();
    place.write("w.yaml", OF_JSON);
    insta::assert_snapshot!(place.refused(&["plan", "w.yaml", "--offline", "-i", "data=rows"]), @r"
    exit 3
    warning[undeclared-need]: step `d` refers to `a` and does not say that it needs it
      --> w.yaml:11:51
       |
    11 |   d: { persona: mlops-engineer, prompt: '{{ steps.a.text }} {{ inputs.data | fromjson }}' }
       |                                                   ^
       |
       = help: add `a` to its `needs`; until then it is added for you

    error[template-fails]: step `a`: rendering the prompt: line 2 of the template: the text is no JSON: expected value at line 1 column 1
     --> w.yaml:8:7
      |
    8 |       {% for row in inputs.data | fromjson %}- {{ row }}{% endfor %}
      |       ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
    ");
    // Nor does a run begin with it.
    let run = place.refused(&["run", "w.yaml", "--offline", "-i", "data=rows"]);
    assert!(run.contains("rendering the prompt: line 2 of the template"), "{run}");
    assert!(place.good(&["runs", "list"]).is_empty(), "nothing was begun");
    place.good(&["plan", "w.yaml", "--offline", "-i", "data=[1]"]);
    // What is not given yet may be all right.
    let open = place.good(&["plan", "w.yaml", "--offline"]);
    assert!(open.contains("input `data`: give it with -i data=…"), "{open}");
    place.good(&["validate", "w.yaml"]);
}

#[test]
fn conditions_choices_and_calls_that_are_known_to_fail_are_mistakes_of_the_plan() {
    let place = Place::new();
    place.write(
        "w.yaml",
        "workflow: w
inputs: { kind: string }
steps:
  a: { persona: { choose: { sql: data-engineer }, by: inputs.kind }, prompt: Go. }
  b: { persona: mlops-engineer, if: (inputs.kind | fromjson).ok, prompt: Go. }
  c: { persona: mlops-engineer, for_each: inputs.kind | fromjson, prompt: 'On {{ item }}.' }
  d: { workflow: ./called.yaml, with: { count: '{{ inputs.kind | fromjson }}' } }
  e: { render: 'Rows: {{ inputs.kind | fromjson }}' }
  f: { persona: mlops-engineer, if: \"inputs.kind == 'sql'\", prompt: '3 {{ inputs.kind | fromjson }}' }
",
    );
    place.write(
        "called.yaml",
        "workflow: called\ninputs: { count: integer }\nsteps: { x: { persona: data-engineer, prompt: '{{ inputs.count }}' } }\n",
    );
    insta::assert_snapshot!(place.refused(&["plan", "w.yaml", "--offline", "-i", "kind=nosql"]), @r"
    exit 3
    error[template-fails]: step `a`: inputs.kind is `nosql`, which is none of: sql

    error[template-fails]: step `b`: line 1 of the template: the text is no JSON: expected ident at line 1 column 2
     --> w.yaml:5:37
      |
    5 |   b: { persona: mlops-engineer, if: (inputs.kind | fromjson).ok, prompt: Go. }
      |                                     ^^^^^^^^^^^^^^^^^^^^^^^^^^^

    error[template-fails]: step `c`: line 1 of the template: the text is no JSON: expected ident at line 1 column 2
     --> w.yaml:6:43
      |
    6 |   c: { persona: mlops-engineer, for_each: inputs.kind | fromjson, prompt: 'On {{ item }}.' }
      |                                           ^^^^^^^^^^^^^^^^^^^^^^

    error[template-fails]: step `d`: input `count` of `called` has no value: line 1 of the template: the text is no JSON: expected ident at line 1 column 2

    error[template-fails]: step `e`: rendering: line 1 of the template: the text is no JSON: expected ident at line 1 column 2
     --> w.yaml:8:17
      |
    8 |   e: { render: 'Rows: {{ inputs.kind | fromjson }}' }
      |                 ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^

    error: 5 mistakes
    ");
    place.write(
        "always.yaml",
        "workflow: always\nsteps:\n  a: { persona: data-engineer, prompt: \"{{ 'x' | fromjson }}\" }\n",
    );
    let said = place.run(&["validate", "always.yaml"]);
    assert_eq!(said.code, Some(3));
    insta::assert_snapshot!(format!("{}{}", said.stderr, said.stdout), @r#"
    error[template-fails]: step `a`: rendering the prompt: line 1 of the template: the text is no JSON: expected value at line 1 column 1
     --> always.yaml:3:41
      |
    3 |   a: { persona: data-engineer, prompt: "{{ 'x' | fromjson }}" }
      |                                         ^^^^^^^^^^^^^^^^^^^^

    invalid  always.yaml: 1 mistake
    "#);
}
