//! A workflow in which everything meets: a fan-out of values that are repaired and reviewed, a condition, and
//! approvals; checked, planned, drawn, run, resumed and told.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use orchestrate_testkit::{
    reply::{Answer, Reply},
    server::SeenRequest,
};
use serde_json::{Value, json};

use crate::support::{Place, Server, who};

const AUDIT: &str = "\
workflow: audit
inputs: { task: string, topics: { type: list }, deep: { type: boolean, default: false } }
concurrency: 1
steps:
  parts:
    persona: data-engineer
    for_each: inputs.topics
    as: topic
    prompt: 'Judge {{ topic }}.'
    output: { type: object, properties: { score: { type: integer } }, required: [score] }
    review: { by: ml-engineer-jax, rounds: 3, gates: [{ id: keys, check: Every table has a key }] }
    save: part.json
  extra: { persona: redis-caching, needs: parts, if: inputs.deep, review: { by: ml-engineer } }
  go:
    approve: 'Print {{ steps.parts.output | length }} parts, the first with {{ steps.parts.output[0].score }}?'
    needs: [parts, extra]
    when: any
  print:
    persona: mlops-engineer
    needs: go
    prompt: '{% for part in steps.parts.output %}{{ part.score + 1 }};{% endfor %}'
outputs:
  last: 'scored {{ steps.parts.items[2].output.score }}'
";

const RUN: [&str; 14] = [
    "run",
    "audit.yaml",
    "--task",
    "t",
    "-i",
    "topics=sea",
    "-i",
    "topics=sky",
    "-i",
    "topics=sun",
    "--model",
    "openai:m",
    "--output",
    "out",
];

/// The topic that a request is about: reviewers see the document, which names it.
fn topic(request: &SeenRequest) -> usize {
    let text = request.message("user");
    let at = ["sea", "sky", "sun"].iter().position(|topic| text.contains(topic));
    at.unwrap_or(9)
}

fn verdict(passes: bool) -> String {
    let answer = if passes { "pass" } else { "fail" };
    let gate = json!({ "answer": answer, "evidence": "seen" });
    json!({ "output": { "gates": { "keys": gate }, "findings": [] } }).to_string()
}

/// The sea passes; the sky's first value does not fit; the sun is sent back once, after `broken` is mended.
fn server(broken: Arc<AtomicBool>) -> Server {
    let suns = AtomicUsize::new(0);
    Server::start(move |request| {
        let (who, at) = (who(request), topic(request));
        let text = match who.as_str() {
            "data-engineer" => {
                let said = request.message("user");
                let score = match at {
                    1 if !said.contains("does not fit") => json!("high"),
                    2 if said.contains("Gate `keys` fails") => json!(9),
                    _ => json!(at + 5),
                };
                json!({ "output": { "score": score }, "brief": { "risks": ["none"] } }).to_string()
            }
            "ml-engineer-jax" if at == 2 && broken.load(Ordering::SeqCst) => {
                return Reply::error(400, "odd", "not today");
            }
            "ml-engineer-jax" => verdict(at != 2 || suns.fetch_add(1, Ordering::SeqCst) > 0),
            _ => "Printed.\n\n```brief\n{}\n```\n".to_owned(),
        };
        Answer::new(text).reply_to(request)
    })
}

fn place(server: &Server) -> Place {
    let place = Place::beside(server);
    place.write("audit.yaml", AUDIT);
    place
}

fn reviews(shown: &Value) -> Vec<(Value, usize, Value)> {
    let items = shown["steps"][0]["instances"].as_array().expect("instances").iter();
    let rounds = |item: &Value| item["review"]["verdicts"].as_array().map_or(0, Vec::len);
    items
        .map(|item| (item["output"]["score"].clone(), rounds(item), item["repairs"].clone()))
        .collect()
}

#[test]
fn it_is_checked_planned_and_drawn() {
    let server = Server::echo();
    let place = place(&server);
    place.good(&["validate", "audit.yaml"]);
    let plan = place.good(&["plan", "audit.yaml", "--model", "openai:m", "--task", "t"]);
    for part in
        ["reviewed by ml-engineer-jax, up to 3 rounds", "for each topic", "a person decides"]
    {
        assert!(plan.contains(part), "{part}\n{plan}");
    }
    for format in ["text", "mermaid", "dot", "svg"] {
        let drawn = place.good(&["graph", "audit.yaml", "--format", format]);
        for part in ["a person approves", "reviewed by ml-engineer-jax", "for each topic"] {
            assert!(drawn.contains(part), "{part} in {format}\n{drawn}");
        }
    }
    for (from, to, told) in [
        ("output[0].score", "output[0].scor", "did you mean `score`?"),
        ("part.score", "part.scor", "did you mean `score`?"),
        ("items[2].output.score", "items[2].output.scor", "did you mean `score`?"),
        ("output[0].score", "output.score", "its items have numbers and no names"),
    ] {
        place.write("audit.yaml", AUDIT.replace(from, to));
        let outcome = place.run(&["validate", "audit.yaml"]);
        assert_eq!(outcome.code, Some(3));
        assert!(outcome.stderr.contains(told), "{to}\n{}", outcome.stderr);
    }
    assert_eq!(server.count(), 0);
}

#[test]
fn it_goes_on_in_the_middle_of_the_review_of_an_item_and_asks_a_person_at_the_end() {
    let broken = Arc::new(AtomicBool::new(true));
    let server = server(Arc::clone(&broken));
    let place = place(&server);
    let told = place.refused(&RUN);
    assert!(told.starts_with("exit 1\n") && told.contains("parts[2]"), "{told}");
    let paid = server.count();

    broken.store(false, Ordering::SeqCst);
    let outcome = place.run(&["resume"]);
    assert_eq!(outcome.code, Some(7), "{}", outcome.stderr);
    for line in ["revise  parts[2]", "skipped extra", "asks    go"] {
        assert!(outcome.stderr.contains(line), "{line}\n{}", outcome.stderr);
    }
    let more = server.requests().split_off(usize::try_from(paid).expect("few"));
    let asked: Vec<String> = more.iter().map(who).collect();
    assert_eq!(
        asked,
        ["ml-engineer-jax", "data-engineer", "ml-engineer-jax"],
        "verdict, new version, verdict"
    );

    let run = place.run_ids().remove(0);
    let outcome = place.run(&["approve", &run, "go", "--yes", "--resume"]);
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    let printed = server.requests().pop().expect("the last request").message("user").to_owned();
    assert!(printed.contains("6;7;10;"), "{printed}");

    let shown = place.json(&["runs", "show", "--format", "json"]);
    assert_eq!(
        reviews(&shown),
        [(json!(5), 1, json!(0)), (json!(6), 1, json!(1)), (json!(9), 2, json!(0))]
    );
    assert_eq!(shown["steps"][0]["output"], json!([{"score": 5}, {"score": 6}, {"score": 9}]));
    assert_eq!(shown["outputs"]["last"], "scored 9");
    let report = place.read("out/report.md");
    for part in ["### Reviews", "#### parts[2]", "The review passed after 2 rounds", "## Skipped"] {
        assert!(report.contains(part), "{part}\n{report}");
    }
    let values: Value = serde_json::from_str(&place.read("out/part.json")).expect("JSON");
    assert_eq!(values, shown["steps"][0]["output"]);
    assert_eq!(place.read("out/part-1.json").trim(), "{\n  \"score\": 6\n}");

    // Another run pays for nothing good again: the sky's first value, which does not fit, is no answer.
    let before = server.count();
    assert_eq!(place.run(&RUN).code, Some(7));
    assert_eq!(server.count(), before + 1);
}
