//! Providers that take few calls at a time, ask to wait, or cannot be had.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use orchestrate_testkit::{behaviour, reply::Reply};

use crate::support::{Place, Server};

const MANY: &str = "workflow: many
inputs: { topics: { type: list } }
steps:
  part: { persona: data-engineer, for_each: inputs.topics, as: topic, prompt: 'On {{ topic }}.' }
";

#[test]
fn a_storm_against_a_server_that_takes_five_at_a_time_is_weathered() {
    let server = Server::start(behaviour::echo_at_most(5, Duration::from_millis(40), "0.2"));
    let place = Place::beside(&server);
    place.write("many.yaml", MANY);
    let topics: Vec<String> = (0..100).map(|at| format!("topic {at}")).collect();
    let topics = serde_json::to_string(&topics).expect("a list");
    let given = format!("topics={topics}");
    let outcome = place.run(&["run", "many.yaml", "-m", "openai:m", "-i", &given]);
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    let requests = server.requests();
    let refused = requests.len() - 100;
    assert!(refused * 10 < requests.len(), "{refused} of {} were refused", requests.len());
    // Whoever was turned away comes again, and not before the time that was asked for.
    for (at, request) in requests.iter().enumerate() {
        let again = requests[at + 1..].iter().find(|later| later.user() == request.user());
        if let Some(again) = again {
            assert!(again.at >= request.at + Duration::from_millis(200), "{:?}", again.at);
        }
    }
    if refused > 0 {
        assert!(
            outcome.stderr.contains("slow    openai:m asks for 200 ms; "),
            "{}",
            outcome.stderr
        );
    }
}

const ONE: &str = "workflow: one
inputs: { task: string }
steps:
  data: { persona: data-engineer, prompt: Design the tables. }
";

#[test]
fn where_the_first_model_cannot_be_had_the_next_one_answers_and_is_named() {
    let server = Server::start(|request| match request.model() {
        "down" => {
            Reply::error(429, "rate_limit_exceeded", "slow down").header("retry-after", "7200")
        }
        _ => behaviour::echo()(request),
    });
    let place = Place::beside(&server);
    place.write("one.yaml", ONE);
    place.write("orchestrate.toml", "[models]\ndefault = [\"openai:down\", \"openai:up\"]\n");
    let outcome = place.run(&["run", "one.yaml", "--task", "x"]);
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    assert!(
        outcome.stderr.contains("instead data  openai:up is asked, not openai:down: rate limited"),
        "{}",
        outcome.stderr
    );
    let told = place.json(&["runs", "show", "--format", "json"]);
    assert_eq!(told["steps"][0]["model"], "openai:up");
    assert_eq!(told["steps"][0]["fallbacks"][0]["from"], "openai:down");
    let doctor = place.good(&["doctor"]);
    assert!(doctor.contains("openai:down, else openai:up, from the alias `default`"), "{doctor}");
    // The answer is that of the model that gave it, and of no other.
    assert_eq!(server.count(), 2);
    place.good(&["run", "one.yaml", "--task", "x", "-m", "openai:up"]);
    assert_eq!(server.count(), 2, "it was paid for");
    place.run(&["run", "one.yaml", "--task", "x"]);
    assert_eq!(server.count(), 3, "the first model is asked again, and only that");
}

#[test]
fn a_wait_of_hours_is_told_with_the_time_from_which_to_resume() {
    let asked = AtomicU64::new(0);
    let server = Server::start(move |request| {
        if asked.fetch_add(1, Ordering::SeqCst) == 0 {
            let reply = Reply::error(429, "rate_limit_exceeded", "slow down");
            return reply.header("retry-after", "7200");
        }
        behaviour::echo()(request)
    });
    let place = Place::beside(&server);
    place.write("one.yaml", ONE);
    let outcome = place.run(&["run", "one.yaml", "--task", "x", "-m", "openai:m"]);
    assert_eq!((outcome.code, server.count()), (Some(1), 1), "{}", outcome.stderr);
    let said = |text: &str| outcome.stderr.contains(text);
    assert!(
        said("the provider asks to wait 2 h, and a run waits 2 min at most"),
        "{}",
        outcome.stderr
    );
    assert!(said(" on; finished steps are kept"), "{}", outcome.stderr);
    let resumed = place.run(&["resume"]);
    assert_eq!(resumed.code, Some(0), "{}", resumed.stderr);
}
