//! What was paid for is not paid for again.

use crate::support::{Place, Server, TASK, persona_with_question};

const MAIN_JOB: [&str; 6] = ["run", "end-to-end-ml", "--task", TASK, "--model", "openai:m"];

#[test]
fn a_second_equal_run_sends_nothing_and_says_that_it_reuses() {
    let server = Server::echo();
    let place = Place::beside(&server);
    let first = place.good(&MAIN_JOB);
    let second = place.run(&MAIN_JOB);
    assert_eq!((second.code, server.count()), (Some(0), 5));
    assert_eq!(second.stdout, first);
    insta::assert_snapshot!(second.stderr, @r#"
    run [RUN]  end-to-end-ml  5 steps  openai:m
    [1/5] reused  data  data-engineer  paid for in run …[RUN], [TIME] ago
    [2/5] reused  analysis  data-scientist-stats  paid for in run …[RUN], [TIME] ago
    [3/5] reused  model  ml-engineer-pytorch  paid for in run …[RUN], [TIME] ago
    [4/5] reused  operations  mlops-engineer  paid for in run …[RUN], [TIME] ago
    [5/5] reused  report  data-viz-specialist  paid for in run …[RUN], [TIME] ago

    steps   5 of 5 finished
    calls   0 sent, 5 answers used again
    tokens  0 in, 0 out
    time    [TIME]
    status  complete
    handed  [COVERAGE]
    next: orchestrate rerun [RUN] report -m "your remark" to have it reworked
    "#);
}

#[test]
fn fresh_refuses_every_earlier_answer() {
    let server = Server::echo();
    let place = Place::beside(&server);
    place.good(&MAIN_JOB);
    place.good(&[&MAIN_JOB[..], &["--fresh"]].concat());
    assert_eq!(server.count(), 10);
}

#[test]
fn fresh_with_a_step_sends_that_step_and_no_dependent_whose_request_stays_the_same() {
    let server = Server::echo();
    let place = Place::beside(&server);
    place.good(&MAIN_JOB);
    place.good(&[&MAIN_JOB[..], &["--fresh=analysis"]].concat());
    assert_eq!(server.asked()[5..], ["data-scientist-stats"]);
}

#[test]
fn fresh_with_an_unknown_step_is_refused_before_anything_is_sent() {
    let server = Server::echo();
    let place = Place::beside(&server);
    let args = [&MAIN_JOB[..], &["--fresh=analisys"]].concat();
    insta::assert_snapshot!(place.refused(&args), @r"
    exit 3
    error: the workflow has no step `analisys`
    help: did you mean `analysis`?
    ");
    assert_eq!(server.count(), 0);
}

#[test]
fn editing_one_persona_calls_its_step_and_the_steps_after_it_again() {
    let server = Server::echo();
    let place = Place::beside(&server);
    place.good(&MAIN_JOB);
    place.write(
        "personas/mlops-engineer.md",
        persona_with_question("mlops-engineer", "Which night is quietest?"),
    );
    let outcome = place.run(&MAIN_JOB);
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    assert_eq!(server.asked()[5..], ["mlops-engineer", "data-viz-specialist"]);
    assert_eq!(outcome.stderr.matches(" reused  ").count(), 3, "{}", outcome.stderr);
}

#[test]
fn another_task_another_model_and_another_address_are_other_questions() {
    let server = Server::echo();
    let place = Place::beside(&server);
    place.good(&MAIN_JOB);
    place.good(&["run", "end-to-end-ml", "--task", "Another task", "--model", "openai:m"]);
    assert_eq!(server.count(), 10);
    place.good(&["run", "end-to-end-ml", "--task", TASK, "--model", "openai:other"]);
    assert_eq!(server.count(), 15);
    let other = Server::echo();
    place.with("OPENAI_BASE_URL", &other.base_url()).good(&MAIN_JOB);
    assert_eq!((server.count(), other.count()), (15, 5));
}

#[test]
fn two_steps_that_ask_the_same_are_asked_once() {
    let server = Server::echo();
    let place = Place::beside(&server);
    place.write(
        "w.yaml",
        "workflow: w\nsteps:\n  a: { persona: data-engineer, prompt: Go. }\n  b: { persona: data-engineer, prompt: Go. }\n",
    );
    place.good(&["run", "w.yaml", "-m", "openai:m"]);
    assert_eq!(server.count(), 1);
}

#[test]
fn an_offline_worksheet_is_never_taken_for_an_answer() {
    let server = Server::echo();
    let place = Place::beside(&server);
    place.good(&["run", "end-to-end-ml", "--task", TASK, "--offline"]);
    assert_eq!(server.count(), 0);
    let result = place.good(&MAIN_JOB);
    assert_eq!(server.count(), 5);
    assert!(!result.contains("no model was called"));
}
