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
