//! Items whose prompts begin alike: the first goes alone where that pays.

use std::{
    sync::{Condvar, Mutex},
    time::Duration,
};

use orchestrate_testkit::{behaviour, reply::Reply};
use serde_json::Value;

use crate::support::{Place, Server};

const RUN: [&str; 6] = ["run", "w.yaml", "-m", "openai:m", "--format", "jsonl"];

/// Five items of one persona, whose system prompt has more than two thousand tokens.
const WORKFLOW: &str = "\
workflow: w
concurrency: 5
steps:
  parts: { for_each: [a, b, c, d, e], persona: data-engineer, prompt: 'Part {{ item }}' }
";

fn place(server: &Server, sizes: &str) -> Place {
    let place = Place::beside(server);
    place.configure(&format!("[prices.\"openai:m\"]\ninput = 2\noutput = 8\n{sizes}\n"));
    place.write("w.yaml", WORKFLOW);
    place
}

/// The kinds of the run's events that say how calls went, in order.
fn course(lines: &str) -> Vec<String> {
    let events = lines.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let kinds = events.filter_map(|event| event["type"].as_str().map(str::to_owned));
    kinds.filter(|kind| matches!(kind.as_str(), "call_intent" | "call_succeeded")).collect()
}

#[test]
fn with_a_long_beginning_in_common_one_call_is_sent_until_it_is_answered() {
    let server = Server::echo();
    let place = place(&server, "cached = 0.2\ncache_from = 1024");
    let planned = place.good(&["plan", "w.yaml", "-m", "openai:m"]);
    let told = "└ the first goes alone: the others find its beginning in the cache\n";
    assert!(planned.contains(told), "{planned}");
    let course = course(&place.good(&RUN));
    assert_eq!(course.len(), 10, "{course:?}");
    assert_eq!(course[..3], ["call_intent", "call_succeeded", "call_intent"], "{course:?}");
    assert_eq!(server.count(), 5);
}

#[test]
fn where_the_first_has_been_answered_the_others_go_together() {
    // The first is answered by itself, the others once all of them are there.
    let (arrived, all_are_there) = (Mutex::new(0), Condvar::new());
    let echo = behaviour::echo();
    let server = Server::start(move |request| {
        let mut count = arrived.lock().unwrap();
        *count += 1;
        all_are_there.notify_all();
        if *count > 1 {
            let waited = tokio::task::block_in_place(|| {
                all_are_there.wait_timeout_while(count, Duration::from_mins(1), |count| *count < 5)
            });
            if waited.unwrap().1.timed_out() {
                return Reply::error(400, "alone", "the others do not come");
            }
        }
        echo(request)
    });
    let place = place(&server, "cached = 0.2\ncache_from = 1024");
    place.good(&RUN);
    assert_eq!(server.count(), 5);
}

#[test]
fn a_short_beginning_or_a_cache_that_saves_nothing_keeps_nobody_waiting() {
    for sizes in
        ["cached = 0.2\ncache_from = 100000", "cached = 2\ncache_from = 1024", "cached = 0.2"]
    {
        // Nobody is answered before all five are there.
        let server = Server::answering_in_company_of(5);
        let place = place(&server, sizes);
        let planned = place.good(&["plan", "w.yaml", "-m", "openai:m"]);
        assert!(!planned.contains("goes alone"), "{planned}");
        place.good(&RUN);
        assert_eq!(server.count(), 5, "{sizes}");
    }
}
