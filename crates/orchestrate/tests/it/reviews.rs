//! Reviews: verdicts, new versions, and how they end.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use orchestrate_testkit::{reply::Answer, server::SeenRequest};
use serde_json::{Value, json};

use crate::support::{Place, Server, TASK, who};

const WORKFLOW: &str = "workflow: reviewed
inputs: { task: string }
steps:
  model:
    persona: ml-engineer-pytorch
    prompt: Design the model.
    review: { by: ml-engineer, rounds: 3 }
  operations: { persona: mlops-engineer, needs: model }
";

const GATES: [&str; 5] = ["performance", "bias", "deployment", "interpretability", "cost"];
const RUN: [&str; 6] = ["run", "r.yaml", "--task", TASK, "--model", "openai:m-1"];

/// A verdict in which these gates fail; each earlier finding has this status.
fn verdict(request: &SeenRequest, failing: &[&str], status: &str, findings: &Value) -> String {
    let gates: serde_json::Map<String, Value> = GATES
        .iter()
        .map(|id| {
            let answer = if failing.contains(id) { "fail" } else { "pass" };
            ((*id).to_owned(), json!({ "answer": answer, "evidence": format!("evidence of {id}") }))
        })
        .collect();
    let mut output = json!({ "gates": gates, "findings": findings });
    let schema = &request.json["response_format"]["json_schema"]["schema"]["properties"]["output"];
    if let Some(earlier) = schema["properties"]["earlier"]["required"].as_array() {
        for id in earlier {
            output["earlier"][id.as_str().unwrap()] =
                json!({ "status": status, "evidence": "seen" });
        }
    }
    json!({ "output": output }).to_string()
}

fn document(text: &str, latency: &str) -> String {
    format!(
        "{text}\n\n```brief\n{{\"figures\": [{{\"name\": \"inference latency\", \"value\": \"{latency}\", \"unit\": \"ms\", \"basis\": \"measured\"}}]}}\n```\n"
    )
}

/// Verdicts in order by `judge`; documents by everybody else.
fn server(judge: impl Fn(&SeenRequest, usize) -> String + Send + Sync + 'static) -> Server {
    let (verdicts, versions) = (Arc::new(AtomicUsize::new(0)), AtomicUsize::new(0));
    Server::start(move |request| {
        let text = match who(request).as_str() {
            "ml-engineer" => judge(request, verdicts.fetch_add(1, Ordering::SeqCst)),
            "ml-engineer-pytorch" => {
                document(&format!("Version {}.", versions.fetch_add(1, Ordering::SeqCst) + 1), "80")
            }
            _ => document("Operations.", "80"),
        };
        Answer::new(text).reply_to(request)
    })
}

fn one_finding() -> Value {
    json!([{ "rule": "no-groups", "severity": "high", "place": "Fairness", "evidence": "No groups named.", "advice": "Name them." }])
}

#[test]
fn a_failed_gate_sends_the_document_back_and_a_pass_ends_the_review() {
    let server = server(|request, at| match at {
        0 => verdict(request, &["bias"], "open", &one_finding()),
        _ => verdict(request, &[], "resolved", &json!([])),
    });
    let place = Place::beside(&server);
    place.write("r.yaml", WORKFLOW);
    let outcome = place.run(&RUN);
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    for line in
        ["review 1/3: 4 of 5 gates pass", "review 2/3: 5 of 5 gates pass", "passed after 2 rounds"]
    {
        assert!(outcome.stderr.contains(line), "{line}\n{}", outcome.stderr);
    }
    assert_eq!(
        server.asked(),
        [
            "ml-engineer-pytorch",
            "ml-engineer",
            "ml-engineer-pytorch",
            "ml-engineer",
            "mlops-engineer"
        ]
    );
    let requests = server.requests();
    let judged = requests[1].message("user");
    assert!(judged.contains("Version 1.") && judged.contains("2. `bias` — "), "{judged}");
    let revised = requests[2].message("user");
    for part in ["Gate `bias` fails", "evidence of bias", "F1 (high, no-groups, new)", "Version 1."]
    {
        assert!(revised.contains(part), "{part}\n{revised}");
    }
    assert!(requests[4].message("user").contains("Version 2."));
    let shown = place.json(&["runs", "show", "--format", "json"]);
    let review = &shown["steps"][0]["review"];
    assert_eq!((&review["stop"], &review["passed"]), (&json!("converged"), &json!(true)));
    assert_eq!(review["findings"][0]["status"], "resolved");
    assert_eq!(review["verdicts"][0]["gates"][1]["answer"], "fail");
    let metric = |id: &str| {
        let metrics = review["verdicts"][1]["metrics"].as_array().unwrap();
        metrics.iter().find(|metric| metric["id"] == id).unwrap()["measured"].clone()
    };
    assert_eq!((metric("latency"), metric("accuracy")), (json!("met"), json!("not_measured")));
    assert_eq!(shown["steps"][0]["persona"], "ml-engineer-pytorch");
    // Another run pays for none of it again.
    place.good(&RUN);
    assert_eq!(server.count(), 5);
}

#[test]
fn a_review_that_stagnates_fails_the_step_with_the_escalation_or_lets_it_go_on() {
    let server = server(|request, _| verdict(request, &["cost"], "open", &json!([])));
    let place = Place::beside(&server);
    place.write("r.yaml", WORKFLOW);
    let told = place.refused(&RUN);
    assert!(told.starts_with("exit 1\n"), "{told}");
    assert!(told.contains("4 of 5 gates pass after 2 rounds (stagnating): `cost`"), "{told}");
    assert!(told.contains("escalation: An alert on model performance fires"), "{told}");
    assert_eq!(server.count(), 4);
    // What was judged stands: a resume pays nothing and says the same.
    let again = place.refused(&["resume"]);
    assert!(again.contains("(stagnating)"), "{again}");
    assert_eq!(server.count(), 4);

    place.write("r.yaml", WORKFLOW.replace("rounds: 3", "rounds: 3, on_fail: continue"));
    let outcome = place.run(&RUN);
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("NOT OK  model"), "{}", outcome.stderr);
    assert_eq!(server.count(), 5, "only the last step is new");
    let last = server.requests().pop().unwrap();
    assert!(last.message("user").contains("did not pass its review (stagnating): `cost`"));
}

#[test]
fn a_missed_metric_fails_by_computation_whatever_the_reviewer_says() {
    let server = Server::start(|request| {
        let text = match who(request).as_str() {
            "ml-engineer" => verdict(request, &[], "resolved", &json!([])),
            _ => document("A document.", "250"),
        };
        Answer::new(text).reply_to(request)
    });
    let place = Place::beside(&server);
    place.write("r.yaml", WORKFLOW.replace("rounds: 3", "rounds: 1"));
    let told = place.refused(&RUN);
    assert!(
        told.contains("5 of 5 gates pass after 1 round (rounds used up): metric `latency`"),
        "{told}"
    );
}

#[test]
fn a_kill_between_draft_and_verdict_never_pays_the_draft_again() {
    let server = Server::holding_beside("ml-engineer", |request| {
        Answer::new(document("Version 1.", "80")).reply_to(request)
    });
    let place = Place::beside(&server);
    place.write("r.yaml", WORKFLOW);
    let running = place.start(&RUN);
    server.wait_until_held();
    running.kill();
    assert_eq!(server.asked(), ["ml-engineer-pytorch", "ml-engineer"]);
    server.release();
    // The held server answers with something that is no verdict: the run fails there, and only there.
    let told = place.refused(&["resume"]);
    assert!(told.contains("answer does not fit its schema"), "{told}");
    let drafts = server.asked().iter().filter(|who| *who == "ml-engineer-pytorch").count();
    assert_eq!(drafts, 1);
}

#[test]
fn offline_nothing_is_judged_and_nothing_passes() {
    let place = Place::new();
    place.write("r.yaml", WORKFLOW);
    let outcome = place.run(&["run", "r.yaml", "--task", TASK, "--offline"]);
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("not judged, and so not passed"), "{}", outcome.stderr);
    let shown = place.json(&["runs", "show", "--format", "json"]);
    let review = &shown["steps"][0]["review"];
    assert_eq!((&review["stop"], &review["passed"]), (&json!("not_judged"), &json!(false)));
    let plan = place.good(&["plan", "r.yaml", "--task", TASK, "--offline"]);
    assert!(plan.contains("reviewed by ml-engineer, up to 3 rounds"), "{plan}");
    assert!(
        place
            .good(&["graph", "r.yaml", "--format", "mermaid"])
            .contains("reviewed by ml-engineer, up to 3 rounds")
    );
}

#[test]
fn what_no_review_can_be_is_told_before_anything_is_paid() {
    let place = Place::new();
    for (review, message) in [
        ("{ rounds: 2 }", "a review without `by`"),
        ("{ by: ml-enginer }", "did you mean `ml-engineer`?"),
        ("{ by: ml-engineer, on_fail: aprove }", "did you mean `approve`?"),
        ("{ by: ml-engineer, rounds: 9 }", "a whole number from 1 to 5"),
        ("{ by: data-engineer }", "persona `data-engineer` has no gates to judge by"),
        ("{ by: ml-engineer, gates: [{ id: bias, check: x }] }", "has a gate `bias` already"),
    ] {
        let text =
            format!("workflow: w\nsteps:\n  a: {{ persona: ml-engineer-jax, review: {review} }}\n");
        place.write("w.yaml", text);
        let told = place.run(&["validate", "w.yaml"]);
        assert_eq!(told.code, Some(3), "{review}");
        assert!(told.stderr.contains(message), "{review}\n{}", told.stderr);
    }
}

#[test]
fn a_person_decides_their_gates_once_everything_else_passes() {
    let server = server(|request, _| verdict(request, &[], "resolved", &json!([])));
    let place = Place::beside(&server);
    let gates = "rounds: 3, gates: [{ id: law, check: Counsel agrees, by: human }]";
    place.write("r.yaml", WORKFLOW.replace("rounds: 3", gates));
    let outcome = place.run(&RUN);
    assert_eq!(outcome.code, Some(7), "{}", outcome.stderr);
    let run = place.run_ids().remove(0);
    let asked = place.good(&["runs", "show", &run]);
    assert!(asked.contains("`law`: Counsel agrees"), "{asked}");
    assert!(asked.contains("5 of 6 gates pass"), "{asked}");
    place.good(&["approve", &run, "model", "--no", "--note", "name the contract"]);
    let outcome = place.run(&["resume", &run]);
    assert_eq!(outcome.code, Some(7), "{}", outcome.stderr);
    let sent = server.requests();
    let revised = sent.iter().rfind(|request| who(request) == "ml-engineer-pytorch").unwrap();
    let prompt = revised.json.to_string();
    assert!(prompt.contains("name the contract"), "{prompt}");
    place.good(&["approve", &run, "model", "--yes"]);
    let outcome = place.run(&["resume", &run, "--format", "json"]);
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    let told: Value = serde_json::from_str(&outcome.stdout).unwrap();
    let review = &told["steps"][0]["review"];
    assert_eq!((&review["stop"], &review["passed"]), (&json!("converged"), &json!(true)));
    let outcome = review["outcome"].as_str().unwrap();
    assert!(outcome.contains("said yes"), "{outcome}");
}

#[test]
fn a_person_says_whether_to_go_on_with_what_did_not_pass_and_those_after_it_know() {
    let server = server(|request, _| verdict(request, &["bias"], "open", &json!([])));
    let place = Place::beside(&server);
    place.write("r.yaml", WORKFLOW.replace("rounds: 3", "rounds: 2, on_fail: approve"));
    let outcome = place.run(&RUN);
    assert_eq!(outcome.code, Some(7), "{}", outcome.stderr);
    let run = place.run_ids().remove(0);
    let asked = place.good(&["runs", "show", &run]);
    assert!(asked.contains("did not pass its review"), "{asked}");
    assert!(asked.contains("Gate `bias` fails"), "{asked}");
    place.good(&["approve", &run, "model", "--yes", "--note", "for the pilot only"]);
    let outcome = place.run(&["resume", &run]);
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    let sent = server.requests();
    let last = sent.iter().rfind(|request| who(request) == "mlops-engineer").unwrap();
    let prompt = last.json.to_string();
    assert!(prompt.contains("did not pass its review"), "{prompt}");
    assert!(prompt.contains("let it go on: for the pilot only"), "{prompt}");
}

#[test]
fn a_command_of_the_users_config_decides_its_gate_and_nobody_elses_does() {
    let server = server(|request, _| verdict(request, &[], "resolved", &json!([])));
    let place = Place::beside(&server);
    let gates = "rounds: 2, gates: [{ id: no-todo, check: No TODO is left, by: command }]";
    place.write("r.yaml", WORKFLOW.replace("rounds: 3", gates));
    let told = place.run(&RUN);
    assert_eq!(told.code, Some(3));
    assert!(told.stderr.contains("gate `no-todo` is decided by a command"), "{}", told.stderr);
    assert!(told.stderr.contains("[gates.no-todo]"), "{}", told.stderr);
    assert!(server.requests().is_empty());
    place.write("orchestrate.toml", "[gates.no-todo]\ncommand = [\"true\"]\n");
    let told = place.run(&RUN);
    assert_eq!(told.code, Some(3));
    assert!(told.stderr.contains("a project cannot name commands"), "{}", told.stderr);
    std::fs::remove_file(place.work().join("orchestrate.toml")).unwrap();
    let command = r#"["/bin/sh", "-c", "grep -q 'Version 2' && echo fine || { echo 'a TODO in line 1'; exit 1; }"]"#;
    place.configure(&format!("[gates.no-todo]\ncommand = {command}\n"));
    let outcome = place.run(&[&RUN[..], &["--format", "json"]].concat());
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    let told: Value = serde_json::from_str(&outcome.stdout).unwrap();
    let verdicts = told["steps"][0]["review"]["verdicts"].as_array().unwrap();
    let answers: Vec<_> = verdicts
        .iter()
        .map(|verdict| {
            let gates = verdict["gates"].as_array().unwrap();
            let own = gates.iter().find(|gate| gate["id"] == "no-todo").unwrap();
            (own["answer"].clone(), own["evidence"].clone())
        })
        .collect();
    assert_eq!(
        answers,
        [(json!("fail"), json!("a TODO in line 1")), (json!("pass"), json!("fine"))]
    );
}
