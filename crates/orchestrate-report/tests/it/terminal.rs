//! The closing block.

use orchestrate_core::{
    event::{Event, PauseReason, RunFailure},
    failure::{Billed, Failure, FailureClass},
    policy::Cap,
};
use orchestrate_report::closing;

use super::fixture::{Journal, end_to_end};

fn closed(journal: &Journal) -> String {
    closing(&journal.summary()).join("\n")
}

fn begun() -> Journal {
    begun_under(None)
}

fn begun_under(max_tokens: Option<u64>) -> Journal {
    let mut journal = Journal::new(end_to_end());
    journal.max_tokens = max_tokens;
    journal.start();
    journal.prepare("data", "data-engineer", None, &[]);
    journal.intent("data", 1);
    journal.lose("data", 1);
    journal.intent("data", 2);
    journal.answer("data", 2, "text", None);
    journal.reuse("analysis", "text", None);
    journal
}

#[test]
fn it_says_what_was_done_used_and_how_it_ended() {
    let mut journal = begun();
    journal.push(Event::RunPaused { reason: PauseReason::Interrupted });
    insta::assert_snapshot!(closed(&journal), @r"
    steps   2 of 5 finished
    calls   2 sent, 1 answer used again
    tokens  1,200 in, 345 out; up to 9,000 more in attempts whose usage is not known
    cost    $0.0176; up to $0.0166 of it for attempts whose usage is not known
    time    13.5 s
    status  stopped on request, to be resumed
    ");
}

#[test]
fn a_failure_is_told_in_one_harmless_line() {
    let mut journal = begun();
    let failure = Failure::new(FailureClass::Malformed, "got \u{1b}[31mHTML\nnot JSON");
    journal.prepare("model", "ml-engineer-jax", None, &[]);
    journal.intent("model", 1);
    journal.fail("model", failure, false);
    journal.push(Event::RunFailed { reason: RunFailure::Step("model".into()) });
    let text = closed(&journal);
    assert!(
        text.ends_with(
            "status  failed: step `model`: answer malformed: got \\u{1b}[31mHTML not JSON"
        ),
        "{text}"
    );
}

#[test]
fn an_attempt_that_broke_off_is_told_by_what_was_seen() {
    let mut journal = begun();
    journal.prepare("model", "ml-engineer-jax", None, &[]);
    journal.intent("model", 1);
    let failure = Failure::new(FailureClass::Timeout, "no first token came within 10 s");
    journal.break_off("model", 1, failure);
    let summary = journal.summary();
    let step = summary.step(&"model".into()).expect("a step");
    assert_eq!(
        orchestrate_report::trouble(step).as_deref(),
        Some("timed out: no first token came within 10 s; whether it was charged is not known")
    );
}

#[test]
fn a_token_cap_is_told_with_its_figures_and_counts_what_may_have_been_charged() {
    let mut journal = begun_under(Some(20_000));
    journal.prepare("model", "ml-engineer-jax", None, &[]);
    journal.intent("model", 1);
    journal.push(Event::CallFailed {
        call: "model#draft.1".parse().expect("an id"),
        attempt: 1,
        failure: Failure::new(FailureClass::Unavailable, "503"),
        billed: Billed::Assumed,
        usage: None,
        partial: None,
    });
    journal.push(Event::RunFailed { reason: RunFailure::Budget(Cap::Tokens) });
    let text = closed(&journal);
    assert!(text.contains("up to 18,000 more in attempts whose usage is not known"), "{text}");
    assert!(
        text.ends_with("status  failed: the cap on tokens was reached: step `model` may use 9,000 tokens; 455 of 20,000 are left"),
        "{text}"
    );
    assert_eq!(orchestrate_report::sufficient_cap(&journal.summary()), Some("28545".to_owned()));
}

#[test]
fn the_time_of_a_run_that_was_killed_is_that_up_to_its_last_event() {
    let journal = begun();
    assert!(closed(&journal).contains("time    12.0 s"), "{}", closed(&journal));
}

#[test]
fn caps_and_offline_runs_are_named() {
    let mut journal = begun();
    journal.push(Event::RunFailed { reason: RunFailure::Budget(Cap::Tokens) });
    assert!(closed(&journal).ends_with("status  failed: the cap on tokens was reached"));

    let mut offline = Journal::new(end_to_end());
    offline.offline = true;
    offline.start();
    offline.push(Event::RunSucceeded);
    assert!(closed(&offline).contains("calls   none: offline, no model was called"));
}
