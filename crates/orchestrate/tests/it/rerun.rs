//! `rerun`: a step again, with a remark, and what depends on it.

use crate::support::{Place, Server, TASK};

const MAIN_JOB: [&str; 6] = ["run", "end-to-end-ml", "--task", TASK, "--model", "openai:m"];

fn after_the_main_job() -> (Server, Place, String) {
    let server = Server::echo();
    let place = Place::beside(&server);
    place.good(&MAIN_JOB);
    let id = place.run_ids().remove(0);
    (server, place, id)
}

#[test]
fn a_remark_reaches_its_step_fenced_beside_the_earlier_document() {
    let (server, place, id) = after_the_main_job();
    let document = place.json(&["runs", "show", &id, "--format", "json"]);
    let earlier = document["steps"][1]["text"].as_str().unwrap().trim_end().to_owned();
    let rerun = place.run(&["rerun", &id, "analysis", "-m", "Say >>>end more about seasons."]);
    assert_eq!(rerun.code, Some(0), "{}", rerun.stderr);
    let request = server.requests().swap_remove(5);
    let user = request.message("user");
    let block = |origin: &str| {
        let (before, rest) = user.split_once(&format!(" | {origin}\n")).expect("a block");
        let marker = before.rsplit_once("<<<material ").unwrap().1;
        rest.split_once(&format!("\n>>>end {marker}")).expect("its end").0.to_owned()
    };
    assert_eq!(block("your own earlier document for this step"), earlier);
    assert_eq!(block("the remark on your earlier document"), "Say >>>end more about seasons.");
    assert_eq!(block("the task, from the user"), TASK);
}

#[test]
fn the_steps_after_the_reworked_one_are_redone_and_those_before_it_are_not() {
    let (server, place, id) = after_the_main_job();
    let rerun = place.run(&["rerun", &id, "analysis", "-m", "Say more about seasons."]);
    assert_eq!(rerun.code, Some(0), "{}", rerun.stderr);
    assert_eq!(
        server.asked()[5..],
        ["data-scientist-stats", "ml-engineer-pytorch", "mlops-engineer", "data-viz-specialist"]
    );
    insta::assert_snapshot!(rerun.stderr, @r#"
    run [RUN]  end-to-end-ml  5 steps  openai:m
    [1/5] reused  data  data-engineer  paid for in run …[RUN], [TIME] ago
    [1/5] start   analysis  data-scientist-stats
    [2/5] ok      analysis  data-scientist-stats  [TIME]  [N] tok
    [2/5] start   model  ml-engineer-pytorch
    [3/5] ok      model  ml-engineer-pytorch  [TIME]  [N] tok
    [3/5] start   operations  mlops-engineer
    [4/5] ok      operations  mlops-engineer  [TIME]  [N] tok
    [4/5] start   report  data-viz-specialist
    [5/5] ok      report  data-viz-specialist  [TIME]  [N] tok

    steps   5 of 5 finished
    calls   4 sent, 1 answer used again
    tokens  [N] in, [N] out
    time    [TIME]
    status  complete
    handed  [COVERAGE]
    next: orchestrate rerun [RUN] report -m "your remark" to have it reworked
    "#);
    assert!(place.good(&["runs", "show"]).contains(&format!("made from run {id}\n")));
}

#[test]
fn without_a_remark_the_step_is_asked_anew() {
    let (server, place, id) = after_the_main_job();
    assert_eq!(place.run(&["rerun", &id, "report"]).code, Some(0));
    assert_eq!(server.asked()[5..], ["data-viz-specialist"]);
}

#[test]
fn without_a_step_everything_that_still_fits_is_reused() {
    let (server, place, id) = after_the_main_job();
    assert_eq!(place.run(&["rerun", &id]).code, Some(0));
    assert_eq!(server.count(), 5);
}

#[test]
fn a_rework_of_a_rework_speaks_of_the_newer_document() {
    let (server, place, id) = after_the_main_job();
    place.good(&["rerun", &id, "report", "-m", "Shorter."]);
    let second = place.run_ids().remove(1);
    let document = place.json(&["runs", "show", &second, "--format", "json"]);
    let newer = document["steps"][4]["text"].as_str().unwrap().lines().next().unwrap().to_owned();
    place.good(&["rerun", &second, "report", "-m", "Shorter still."]);
    assert_eq!(server.count(), 7);
    assert!(server.requests()[6].message("user").contains(&newer));
}

#[test]
fn an_interrupted_rework_keeps_its_remark() {
    let server = Server::echo();
    let place = Place::beside(&server);
    place.good(&MAIN_JOB);
    let id = place.run_ids().remove(0);
    let capped = place.run(&["rerun", &id, "analysis", "-m", "Say more.", "--max-calls", "1"]);
    assert_eq!((capped.code, server.count()), (Some(8), 6), "{}", capped.stderr);
    let resumed = place.run(&["resume", "--max-calls", "9"]);
    assert_eq!((resumed.code, server.count()), (Some(0), 9), "{}", resumed.stderr);
}

#[test]
fn what_cannot_be_reworked_is_refused_with_advice() {
    let (server, place, id) = after_the_main_job();
    insta::assert_snapshot!(place.refused(&["rerun", &id, "analisys"]), @r"
    exit 3
    error: the workflow has no step `analisys`
    help: did you mean `analysis`?
    ");
    insta::assert_snapshot!(place.refused(&["rerun", &id, "analisys", "-m", "more"]), @r"
    exit 3
    error: the run has no step `analisys`
    help: did you mean `analysis`?
    ");
    insta::assert_snapshot!(place.refused(&["rerun", "zzzz", "analysis"]), @r"
    exit 3
    error: no run matches `zzzz`
    help: `orchestrate runs list` shows all runs; four characters of an id or more will do
    ");
    insta::assert_snapshot!(place.refused(&["rerun", &id, "analysis", "-m", " "]), @r#"
    exit 2
    error: the remark is empty
    help: say what is to be different: -m "…"; without -m the step is done anew
    "#);
    insta::assert_snapshot!(place.refused(&["rerun", &id, "--remark", "more"]), @r"
    exit 2
    error: the following required arguments were not provided:
      <STEP>

    Usage: orchestrate rerun --remark <TEXT> <RUN> <STEP>

    For more information, try '--help'.
    ");
    assert_eq!(server.count(), 5);
    assert_eq!(place.run_ids().len(), 1, "no run was made");
}

#[test]
fn an_offline_run_is_reworked_offline() {
    let place = Place::new();
    place.good(&["run", "end-to-end-ml", "--task", TASK, "--offline"]);
    let id = place.run_ids().remove(0);
    let again = place.good(&["rerun", &id, "analysis", "-m", "Say more about seasons."]);
    assert!(again.lines().next().unwrap().contains("no model was called"));
    assert!(again.contains("Say more about seasons."));
}
