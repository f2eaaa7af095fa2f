//! Steps whose answer has to be a JSON value.

use orchestrate_testkit::reply::{Answer, Reply};
use serde_json::json;

use crate::support::{KEY, Place, Server, TASK};

const WORKFLOW: &str = r#"workflow: scored
inputs: { task: string }
steps:
  score:
    persona: ml-engineer
    prompt: Score the task.
    output: schemas/score.yaml
    save: score.json
  report:
    persona: data-viz-specialist
    needs: score
    prompt: "Verdict {{ steps.score.output.verdict }}, {{ steps.score.output.score + 1 }}. Why: {{ steps.score.output.why }}"
outputs:
  verdict: "{{ steps.score.output.verdict }} at {{ steps.score.output.score }}"
"#;

const SCHEMA: &str = "type: object
properties:
  score: { type: integer, minimum: 0 }
  verdict: { enum: [go, stop] }
  why: { type: string }
required: [score, verdict, why]
additionalProperties: false
";

const GOOD: &str = r#"{"output": {"score": 7, "verdict": "go", "why": "It pays."}, "brief": {"decisions": [{"id": "D1", "decision": "Go"}]}}"#;

fn place(server: &Server) -> Place {
    let place = Place::beside(server);
    place.write("flows/scored.yaml", WORKFLOW);
    place.write("flows/schemas/score.yaml", SCHEMA);
    place
}

const RUN: [&str; 6] = ["run", "flows/scored.yaml", "--task", TASK, "--model", "openai:m-1"];

/// The first answers to the step that scores, then good ones; a document to everybody else.
fn scoring(first: &'static [&'static str]) -> Server {
    let told = std::sync::atomic::AtomicUsize::new(0);
    Server::start(move |request| {
        let text = if request.message("user").contains("Score the task.") {
            let at = told.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            first.get(at).copied().unwrap_or(GOOD)
        } else {
            "The report.\n\n```brief\n{\"risks\": [\"late\"]}\n```\n"
        };
        Answer::new(text).reply_to(request)
    })
}

#[test]
fn a_value_is_asked_for_natively_checked_and_given_to_templates_and_files() {
    let server = scoring(&[]);
    let place = place(&server);
    let out = place.good(&RUN);
    assert_eq!(out.trim(), "go at 7");
    let requests = server.requests();
    assert_eq!(requests.len(), 2);
    let format = &requests[0].json["response_format"];
    assert_eq!(format["type"], "json_schema");
    let schema = &format["json_schema"]["schema"];
    assert_eq!(schema["required"], json!(["output", "brief"]));
    assert_eq!(schema["properties"]["output"]["properties"]["score"]["type"], "integer");
    assert!(
        requests[0].message("user").contains("\"score\""),
        "the schema stands in the prompt too"
    );
    assert!(requests[1].json.get("response_format").is_none_or(serde_json::Value::is_null));
    let user = requests[1].message("user");
    assert!(user.contains("Verdict go, 8. Why: <<<material "), "{user}");
    let saved: serde_json::Value =
        serde_json::from_str(&place.read("orchestrate-output/score.json")).unwrap();
    assert_eq!(saved, json!({ "score": 7, "verdict": "go", "why": "It pays." }));
    let report = place.read("orchestrate-output/report.md");
    assert!(report.contains("- **verdict**: go\n"), "{report}");
    let shown = place.json(&["runs", "show", "--format", "json"]);
    assert_eq!(shown["steps"][0]["output"]["score"], 7);
    assert_eq!(shown["steps"][1]["output"], serde_json::Value::Null);
    // The same is not bought again, in another run.
    place.good(&RUN);
    assert_eq!(server.count(), 2);
}

#[test]
fn a_value_that_does_not_fit_is_repaired_once_and_the_run_says_so() {
    let server = scoring(&[r#"Sure: {"output": {"score": "7", "verdict": "maybe"}}"#]);
    let place = place(&server);
    let outcome = place.run(&RUN);
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("repair  score"), "{}", outcome.stderr);
    let requests = server.requests();
    assert_eq!(requests.len(), 3);
    let repair = requests[1].message("user");
    assert!(repair.contains("`output.score`: \"7\" is not of type \"integer\""), "{repair}");
    assert!(repair.contains("| your own earlier answer"), "{repair}");
    let shown = place.json(&["runs", "show", "--format", "json"]);
    assert_eq!(
        (&shown["steps"][0]["repairs"], &shown["steps"][0]["attempts"]),
        (&json!(1), &json!(2))
    );
}

#[test]
fn an_answer_that_still_does_not_fit_fails_the_step_and_is_never_used() {
    let bad = r#"{"output": {"score": -1, "verdict": "go", "why": ""}}"#;
    let server = scoring(Box::leak(Box::new([bad, bad])));
    let place = place(&server);
    let told = place.refused(&RUN);
    assert!(told.starts_with("exit 1\n"), "{told}");
    assert!(told.contains("`output.score`: -1 is less than the minimum of 0"), "{told}");
    assert_eq!(server.count(), 2, "one draft and one repair");
    // Nothing of it is found by the next run; a resume asks anew.
    place.good(&["resume"]);
    assert_eq!(server.count(), 4);
}

#[test]
fn a_server_that_refuses_the_parameter_gets_the_schema_in_the_prompt_alone() {
    let server = Server::start(|request| {
        if !request.json["response_format"].is_null() {
            return Reply::error(
                400,
                "invalid_request_error",
                "Unknown parameter: response_format",
            );
        }
        let scores = request.message("user").contains("Score the task.");
        Answer::new(if scores { GOOD } else { "R.\n\n```brief\n{\"risks\": [\"x\"]}\n```" })
            .reply_to(request)
    });
    let place = place(&server);
    place.good(&RUN);
    let asked: Vec<bool> =
        server.requests().iter().map(|seen| !seen.json["response_format"].is_null()).collect();
    assert_eq!(asked, [true, false, false], "one attempt more, in the journal, and no probe");

    let server = scoring(&[]);
    let place = Place::new();
    place.write("flows/scored.yaml", WORKFLOW);
    place.write("flows/schemas/score.yaml", SCHEMA);
    place.configure(&format!(
        "[providers.mine]\nbase_url = \"{}\"\napi_key = \"{KEY}\"\nstructured_output = \"prompt\"\n",
        server.base_url()
    ));
    place.good(&["run", "flows/scored.yaml", "--task", TASK, "--model", "mine:m-1"]);
    assert!(server.requests()[0].json["response_format"].is_null());
}

#[test]
fn offline_a_stand_in_of_the_right_form_is_marked_as_one() {
    let place = Place::new();
    place.write("flows/scored.yaml", WORKFLOW);
    place.write("flows/schemas/score.yaml", SCHEMA);
    let out = place.good(&["run", "flows/scored.yaml", "--task", TASK, "--offline"]);
    assert!(out.starts_with("> **Offline: no model was called.**"), "{out}");
    assert!(out.contains("go at 0"), "{out}");
    let saved = place.read("orchestrate-output/score.json");
    assert!(saved.contains("(offline: no model was called)"), "{saved}");
    let shown = place.json(&["runs", "show", "--format", "json"]);
    assert_eq!(shown["offline"], true);
    assert!(shown["steps"][0]["text"].as_str().unwrap().contains("## Output, as a stand-in"));

    place.write("flows/schemas/score.yaml", "type: string\npattern: '^[0-9]{3}$'\n");
    place.write(
        "flows/odd.yaml",
        "workflow: odd\nsteps:\n  score: { persona: ml-engineer, output: schemas/score.yaml }\n",
    );
    let outcome = place.run(&["run", "flows/odd.yaml", "--offline"]);
    assert_eq!(outcome.code, Some(1));
    let told = outcome.stderr;
    assert!(told.contains("offline, no value could be made up that fits"), "{told}");
    assert!(told.contains("`default` or `examples`"), "{told}");
}

#[test]
fn findings_are_typed_values_in_json_and_a_list_for_people() {
    let server = Server::start(|request| {
        Answer::new(r#"{"output": [{"rule": "no-owner", "severity": "high", "place": "orders", "evidence": "None named.", "advice": "Name one."}], "brief": {}}"#)
            .reply_to(request)
    });
    let place = Place::beside(&server);
    place.write(
        "f.yaml",
        "workflow: f\nsteps:\n  check: { persona: data-engineer, output: findings }\n",
    );
    let shown = place.json(&["run", "f.yaml", "--model", "openai:m-1", "--format", "json"]);
    assert_eq!(shown["findings"][0]["severity"], "high");
    assert_eq!(shown["findings"][0]["step"], "check");
    let text = shown["steps"][0]["text"].as_str().unwrap();
    assert_eq!(
        text,
        "1. **high** `no-owner` — orders\n   - Evidence: None named.\n   - Advice: Name one."
    );
    let strict = &server.requests()[0].json["response_format"]["json_schema"]["strict"];
    assert_eq!(strict, true, "our own schema is one that strict servers take");
}

#[test]
fn a_schema_file_stays_below_the_folder_of_its_workflow() {
    let place = Place::new();
    place.write("secret.json", "{}");
    for (path, code) in [
        ("../secret.json", "does not lie below the folder"),
        ("/etc/x.json", "does not lie below the folder"),
        ("absent.json", "cannot be read"),
    ] {
        let text =
            format!("workflow: w\nsteps:\n  a: {{ persona: ml-engineer, output: {path} }}\n");
        place.write("flows/w.yaml", text);
        let told = place.run(&["validate", "flows/w.yaml"]);
        assert_eq!(told.code, Some(3));
        assert!(told.stderr.contains(code), "{}", told.stderr);
    }
    std::os::unix::fs::symlink(
        place.work().join("secret.json"),
        place.work().join("flows/far.json"),
    )
    .unwrap();
    place.write(
        "flows/w.yaml",
        "workflow: w\nsteps:\n  a: { persona: ml-engineer, output: far.json }\n",
    );
    let told = place.run(&["validate", "flows/w.yaml"]);
    assert!(told.stderr.contains("outside the workflow's folder"), "{}", told.stderr);
}
