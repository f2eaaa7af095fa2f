//! What a model server is sent, and what is counted.

use orchestrate_testkit::{
    behaviour,
    reply::{Answer, Reply},
};
use serde_json::json;

use crate::support::{KEY, Place, STEPS, Server, TASK, files_below, who};

const MAIN_JOB: [&str; 6] = ["run", "end-to-end-ml", "--task", TASK, "--model", "openai:m-1"];

/// The blocks of a user message: origin and text of each.
fn blocks(user: &str) -> Vec<(&str, &str)> {
    let mut rest = user;
    let mut found = Vec::new();
    while let Some(at) = rest.find("<<<material ") {
        let (head, body) = rest[at + 12..].split_once('\n').unwrap();
        let (marker, origin) = head.split_once(" | ").unwrap();
        let (text, after) = body.split_once(&format!("\n>>>end {marker}")).unwrap();
        found.push((origin, text));
        rest = after;
    }
    found
}

#[test]
fn the_system_message_is_the_persona_prompt_with_its_colleagues() {
    let server = Server::echo();
    let place = Place::beside(&server);
    place.good(&MAIN_JOB);
    let requests = server.requests();
    assert_eq!(requests.len(), 5);
    for (request, (_, persona)) in requests.iter().zip(STEPS) {
        let system = request.message("system");
        let (before, rest) = system.split_once("## You work with\n").expect("colleagues");
        let (_, after) = rest.split_once("\n## ").expect("a section after them");
        let alone = place.good(&["personas", "show", persona, "--prompt"]);
        assert_eq!(format!("{before}## {after}").trim_end(), alone.trim_end(), "{persona}");
    }
}

#[test]
fn the_user_message_holds_the_fenced_task_then_the_fenced_handoffs_then_the_prompt() {
    let server = Server::echo();
    let place = Place::beside(&server);
    let document = place.json(&[&MAIN_JOB[..], &["--format", "json"]].concat());
    let text_of = |step: &str| {
        let steps = document["steps"].as_array().unwrap();
        let found = steps.iter().find(|found| found["step"] == step).unwrap();
        found["text"].as_str().unwrap().trim_end().to_owned()
    };
    let source = place.good(&["workflows", "show", "end-to-end-ml", "--source"]);
    for (request, (step, persona)) in server.requests().iter().zip(STEPS) {
        let user = request.message("user");
        let blocks = blocks(user);
        assert_eq!(blocks[0], ("the task, from the user", TASK), "{step}");
        let needs: &[usize] = match step {
            "data" => &[],
            "analysis" => &[0],
            "model" => &[0, 1],
            "operations" => &[0, 1, 2],
            _ => &[1, 2, 3],
        };
        assert_eq!(blocks.len(), 1 + needs.len(), "{step} of {persona}");
        for (&need, (origin, text)) in needs.iter().zip(&blocks[1..]) {
            let (need, from) = STEPS[need];
            assert_eq!(*origin, format!("handoff from {from}, step `{need}`"));
            assert!(text.contains(&text_of(need)), "{need} reaches {step} whole");
        }
        let (_, prompt) = user.rsplit_once(">>>end ").unwrap();
        let (_, prompt) = prompt.split_once("\n\n").unwrap();
        let first = prompt.lines().next().unwrap();
        assert!(source.contains(first) && !first.is_empty(), "{step}: {first}");
    }
}

#[test]
fn a_request_is_a_streaming_chat_completion_with_the_key_in_its_header_only() {
    let server = Server::echo();
    let place = Place::beside(&server);
    place.good(&MAIN_JOB);
    for request in server.requests() {
        assert_eq!(
            (request.method.as_str(), request.path.as_str()),
            ("POST", "/v1/chat/completions")
        );
        assert_eq!(request.header("authorization"), Some(format!("Bearer {KEY}").as_str()));
        assert_eq!(request.model(), "m-1");
        assert_eq!(request.json["stream"], true);
        assert_eq!(request.json["stream_options"], json!({"include_usage": true}));
        assert!(!String::from_utf8_lossy(&request.body).contains(KEY));
        let mut members: Vec<&String> = request.json.as_object().unwrap().keys().collect();
        members.sort();
        assert_eq!(members, ["messages", "model", "stream", "stream_options"]);
    }
}

#[test]
fn the_key_is_in_no_output_and_in_no_file() {
    let server = Server::start(|request| {
        // Some servers quote the key that they refuse.
        let key = request.header("authorization").unwrap_or_default();
        match who(request).as_str() {
            "mlops-engineer" => Reply::error(401, "invalid_api_key", key),
            _ => behaviour::echo()(request),
        }
    });
    let place = Place::beside(&server);
    let failed = place.run(&[&MAIN_JOB[..], &["--output", "out"]].concat());
    assert_eq!(failed.code, Some(4));
    let again = place.run(&["resume", "--format", "json"]);
    let shown = place.run(&["runs", "show", "--format", "jsonl"]);
    for outcome in [&failed, &again, &shown] {
        assert!(!outcome.stdout.contains(KEY) && !outcome.stderr.contains(KEY));
    }
    let files = files_below(&place.root());
    assert!(files.iter().any(|(path, _)| path.ends_with("journal.db")));
    assert!(files.iter().any(|(path, _)| path.ends_with("report.md")));
    for (path, bytes) in files {
        assert!(!bytes.windows(KEY.len()).any(|part| part == KEY.as_bytes()), "{}", path.display());
    }
}

#[test]
fn usage_totals_are_the_sums_of_what_the_server_reported() {
    let server = Server::echo();
    let place = Place::beside(&server);
    let document = place.json(&[&MAIN_JOB[..], &["--format", "json"]].concat());
    let quarter = |bytes: usize| (bytes as u64).div_ceil(4);
    let requests = server.requests();
    let input: u64 = requests.iter().map(|request| quarter(request.body.len())).sum();
    let output: u64 =
        requests.iter().map(|request| quarter(behaviour::echo_text(request).len())).sum();
    assert_eq!(document["usage"]["input"], input);
    assert_eq!(document["usage"]["output"], output);
    assert_eq!(document["usage"]["estimated"], false);
    assert_eq!(document["calls"], 5);
}

#[test]
fn usage_that_a_server_does_not_report_is_estimated_and_said_to_be() {
    let server = Server::start(|request| {
        Answer { usage: None, ..Answer::new(behaviour::echo_text(request)) }.reply_to(request)
    });
    let document = Place::beside(&server).json(&[&MAIN_JOB[..], &["--format", "json"]].concat());
    assert_eq!(document["usage"]["estimated"], true);
    assert!(document["usage"]["output"].as_u64().unwrap() > 0);
}

#[test]
fn the_panel_of_a_design_review_works_at_the_same_time_within_the_limit() {
    let server = Server::answering_in_company_of(4);
    let place = Place::beside(&server);
    place.write("design.md", "# A design\n\nWe keep all events in one table.\n");
    let args = ["run", "design-review", "-i", "document=@design.md", "-m", "openai:m"];
    place.good(&args);
    assert_eq!((server.count(), server.peak()), (6, 4));
    assert_eq!(server.asked().last().map(String::as_str), Some("project-architect"));
}

#[test]
fn one_call_at_a_time_is_what_concurrency_1_means() {
    let server = Server::echo();
    let place = Place::beside(&server);
    place.write("design.md", "# A design\n");
    place.good(&[
        "run",
        "design-review",
        "-i",
        "document=@design.md",
        "-m",
        "openai:m",
        "--concurrency",
        "1",
    ]);
    assert_eq!((server.count(), server.peak()), (6, 1));
}

#[test]
fn what_the_author_sets_is_sent_and_nothing_else() {
    let server = Server::echo();
    let place = Place::beside(&server);
    place.write(
        "w.yaml",
        "workflow: w
steps:
  plain: { persona: data-engineer, prompt: Go. }
  set: { persona: data-engineer, prompt: Go on., temperature: 0.5, max_output_tokens: 4000, seed: 7, model: \"openai:m-2\" }
",
    );
    place.configure("[models]\ndefault = \"openai:m-1\"\n");
    place.good(&["run", "w.yaml"]);
    let mut requests = server.requests();
    requests.sort_by_key(|request| request.model().to_owned());
    assert_eq!(requests[0].model(), "m-1");
    assert!(requests[0].json["temperature"].is_null() && requests[0].json["seed"].is_null());
    assert_eq!(requests[1].model(), "m-2");
    assert_eq!(requests[1].json["temperature"], 0.5);
    assert_eq!(requests[1].json["seed"], 7);
    assert_eq!(requests[1].json["max_completion_tokens"], 4000);
}

#[test]
fn a_setting_that_a_model_cannot_be_told_is_refused_before_anything_is_sent() {
    let server = Server::echo();
    let place = Place::beside(&server);
    place.write(
        "w.yaml",
        "workflow: w
defaults: { seed: 7 }
steps:
  a: { persona: data-engineer }
  b: { persona: mlops-engineer, needs: a, model: \"openai-responses:m\" }
  c: { persona: mlops-engineer, needs: a, model: \"openai-responses:n\" }
",
    );
    place.configure("[models]\ndefault = [\"openai:m-1\", \"openai-responses:m-2\"]\n");
    insta::assert_snapshot!(place.refused(&["run", "w.yaml"]), @r"
    exit 3
    error: step `b`: provider `openai-responses` has no `seed`
    help: take it out of the workflow, or use another model
    error: step `c`: provider `openai-responses` has no `seed`
    help: take it out of the workflow, or use another model
    ");
    let planned = place.run(&["plan", "w.yaml"]);
    assert_eq!(planned.code, Some(3), "{}", planned.stderr);
    assert_eq!(server.count(), 0);
    place.write("w.yaml", "workflow: w\nsteps:\n  a: { persona: data-engineer, seed: 7 }\n");
    let good = place.run(&["run", "w.yaml"]);
    assert!(
        good.stderr.contains(
            "step `a` goes without the fallback `openai-responses:m-2`: provider `openai-responses` has no `seed`"
        ),
        "{}",
        good.stderr
    );
    assert_eq!(server.requests()[0].json["seed"], 7);
}

#[test]
fn a_workflow_says_how_often_a_call_is_tried() {
    for (key, sent) in [("retry: 1", 1), ("retry: 2", 2)] {
        let server = Server::start(|_| Reply::error(503, "unavailable", "gone to lunch"));
        let place = Place::beside(&server);
        let step = format!("{{ persona: data-engineer, prompt: Go., {key} }}");
        place.write("w.yaml", format!("workflow: w\nsteps:\n  a: {step}\n"));
        let run = place.run(&["run", "w.yaml", "--model", "openai:m-1"]);
        assert_eq!(server.count(), sent, "{key}: {}", run.stderr);
        let says = run.stderr.contains(&format!("not tried again, as `{key}` says"));
        assert!(says, "{}", run.stderr);
        let plan = place.good(&["plan", "w.yaml", "--model", "openai:m-1"]);
        let told = plan.lines().find(|line| line.contains("tried")).map(str::trim);
        let expected = match sent {
            1 => "└ no call is tried again",
            _ => "└ each call is tried up to 2 times",
        };
        assert_eq!(told, Some(expected), "{plan}");
    }
}
