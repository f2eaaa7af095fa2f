//! The closing block.

use orchestrate_core::{
    event::{Event, PauseReason, RunFailure},
    failure::{Failure, FailureClass},
    policy::Cap,
};
use orchestrate_report::closing;

use super::fixture::{Journal, end_to_end};

fn closed(journal: &Journal) -> String {
    closing(&journal.summary()).join("\n")
}

fn begun() -> Journal {
    let mut journal = Journal::new(end_to_end());
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
    tokens  1,200 in, 345 out; up to 9,000 more in attempts that were lost
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
