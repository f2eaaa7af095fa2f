//! Ctrl-C and termination.

use rustix::process::Signal;

use crate::support::{Place, Running, Server, TASK};

const MAIN_JOB: [&str; 6] = ["run", "end-to-end-ml", "--task", TASK, "--model", "openai:m"];

/// The main job with its second step waiting for its answer, told to stop once.
fn told_to_stop(signal: Signal) -> (Server, Place, Running) {
    let server = Server::holding("data-scientist-stats");
    let place = Place::beside(&server);
    let mut running = place.start(&MAIN_JOB);
    server.wait_until_held();
    running.signal(signal);
    running.wait_for("stopping: calls under way may finish; once more cancels them");
    (server, place, running)
}

#[test]
fn one_interrupt_starts_nothing_new_and_keeps_the_answer_under_way() {
    let (server, place, running) = told_to_stop(Signal::INT);
    server.release();
    let stopped = running.finish();
    assert_eq!((stopped.code, server.count()), (Some(130), 2), "{}", stopped.stderr);
    insta::assert_snapshot!(stopped.stderr, @r"
    run [RUN]  end-to-end-ml  5 steps  openai:m
    [0/5] start   data  data-engineer
    [1/5] ok      data  data-engineer  [TIME]  [N] tok
    [1/5] start   analysis  data-scientist-stats
    stopping: calls under way may finish; once more cancels them
    [2/5] ok      analysis  data-scientist-stats  [TIME]  [N] tok

    steps   2 of 5 finished
    calls   2 sent
    tokens  [N] in, [N] out
    time    [TIME]
    status  stopped on request, to be resumed
    next: orchestrate resume [RUN]
    ");
    let id = place.run_ids().remove(0);
    assert!(stopped.stderr.ends_with(&format!("next: orchestrate resume {id}\n")));
    assert!(stopped.stdout.contains("## Data Scientist"), "what is finished is printed");
    assert!(place.good(&["runs", "list"]).contains("interrupted"));
    let resumed = place.run(&["resume"]);
    assert_eq!((resumed.code, server.count()), (Some(0), 5), "{}", resumed.stderr);
}

#[test]
fn two_interrupts_end_at_once_and_the_run_can_be_resumed() {
    let (server, place, running) = told_to_stop(Signal::INT);
    running.signal(Signal::INT);
    // The server still holds the answer: ending does not wait for it.
    let stopped = running.finish();
    assert_eq!((stopped.code, server.count()), (Some(130), 2), "{}", stopped.stderr);
    insta::assert_snapshot!(stopped.stderr, @r"
    run [RUN]  end-to-end-ml  5 steps  openai:m
    [0/5] start   data  data-engineer
    [1/5] ok      data  data-engineer  [TIME]  [N] tok
    [1/5] start   analysis  data-scientist-stats
    stopping: calls under way may finish; once more cancels them
    cancelling the calls under way
    [1/5] unknown analysis: it was cancelled; whether it was charged is not known

    steps   1 of 5 finished
    calls   2 sent
    tokens  [N] in, [N] out; up to [N] more in attempts whose usage is not known
    time    [TIME]
    status  stopped on request, to be resumed
    next: orchestrate resume [RUN]
    ");
    server.release();
    let resumed = place.run(&["resume"]);
    assert_eq!((resumed.code, server.count()), (Some(0), 6), "{}", resumed.stderr);
}

#[test]
fn termination_ends_with_143() {
    let (server, place, running) = told_to_stop(Signal::TERM);
    server.release();
    let stopped = running.finish();
    assert_eq!((stopped.code, server.count()), (Some(143), 2), "{}", stopped.stderr);
    let id = place.run_ids().remove(0);
    assert!(stopped.stderr.ends_with(&format!("next: orchestrate resume {id}\n")));
}

/// Whether this process was started so that hangups stop nothing, as by `nohup`; what it starts inherits that.
fn ignores_hangups() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    ignored.is_some_and(|mask| u64::from_str_radix(mask.trim(), 16).is_ok_and(|mask| mask & 1 == 1))
}

#[test]
fn a_terminal_that_goes_away_ends_with_129_and_the_answer_under_way_is_kept() {
    if ignores_hangups() {
        // What follows is then the other test: nothing stops.
        return;
    }
    let (server, place, running) = told_to_stop(Signal::HUP);
    server.release();
    let stopped = running.finish();
    assert_eq!((stopped.code, server.count()), (Some(129), 2), "{}", stopped.stderr);
    let resumed = place.run(&["resume"]);
    assert_eq!((resumed.code, server.count()), (Some(0), 5), "{}", resumed.stderr);
}

#[cfg(target_os = "linux")]
#[test]
fn under_nohup_a_terminal_that_goes_away_stops_nothing() {
    let server = Server::holding("data-scientist-stats");
    let place = Place::beside(&server);
    let running = place.start_ignoring_hangups(&MAIN_JOB);
    server.wait_until_held();
    running.signal(Signal::HUP);
    server.release();
    let outcome = running.finish();
    assert_eq!((outcome.code, server.count()), (Some(0), 5), "{}", outcome.stderr);
}

#[test]
fn an_interrupt_during_the_last_call_lets_the_run_complete() {
    let server = Server::holding("data-viz-specialist");
    let place = Place::beside(&server);
    let mut running = place.start(&MAIN_JOB);
    server.wait_until_held();
    running.signal(Signal::INT);
    running.wait_for("stopping");
    server.release();
    let outcome = running.finish();
    assert_eq!((outcome.code, server.count()), (Some(0), 5), "{}", outcome.stderr);
    assert!(outcome.stdout.contains("## Data Visualization Specialist — report"));
}

#[test]
fn an_interrupt_goes_before_the_failure_of_a_step() {
    let server = Server::holding_beside("data-engineer", |_| {
        orchestrate_testkit::reply::Reply::error(400, "odd", "not today")
    });
    let place = Place::beside(&server);
    place.write(
        "two.yaml",
        "workflow: two
steps:
  a: { persona: redis-caching, prompt: Fail. }
  b: { persona: data-engineer, prompt: Wait. }
",
    );
    let mut running = place.start(&["run", "two.yaml", "--model", "openai:m"]);
    running.wait_for("FAILED  a: ");
    server.wait_until_held();
    running.signal(Signal::INT);
    running.wait_for("stopping: calls under way may finish; once more cancels them");
    server.release();
    let stopped = running.finish();
    assert_eq!((stopped.code, server.count()), (Some(130), 2), "{}", stopped.stderr);
    let told = "\nstatus  stopped on request, to be resumed; step `a` failed before\nnext: orchestrate resume ";
    assert!(stopped.stderr.contains(told), "{}", stopped.stderr);
}
