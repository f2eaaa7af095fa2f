//! `resume`: going on where a process ended.

use std::fs;

use crate::support::{Place, STEPS, Server, TASK, without_run_header};

const MAIN_JOB: [&str; 8] =
    ["run", "end-to-end-ml", "--task", TASK, "--model", "openai:m", "--output", "out"];

/// A run of the main job that was killed while its fourth step waited for its answer.
fn killed_in_the_fourth_step() -> (Server, Place) {
    let server = Server::holding("mlops-engineer");
    let place = Place::beside(&server);
    let running = place.start(&MAIN_JOB);
    server.wait_until_held();
    running.kill();
    server.release();
    (server, place)
}

#[test]
fn a_killed_run_goes_on_without_calling_finished_steps_again() {
    let (server, place) = killed_in_the_fourth_step();
    assert_eq!(server.count(), 4);
    let resumed = place.run(&["resume"]);
    assert_eq!(resumed.code, Some(0), "{}", resumed.stderr);
    let personas: Vec<&str> = STEPS.iter().map(|(_, persona)| *persona).collect();
    assert_eq!(server.asked()[..4], personas[..4]);
    assert_eq!(server.asked()[4..], personas[3..]);
    insta::assert_snapshot!(resumed.stderr, @r#"
    resuming [RUN]  end-to-end-ml  3 of 5 steps finished
    [3/5] unknown operations: its process ended; whether it was charged is not known
    [3/5] again   operations  mlops-engineer  attempt 2
    [4/5] ok      operations  mlops-engineer  [TIME]  [N] tok
    [4/5] start   report  data-viz-specialist
    [5/5] ok      report  data-viz-specialist  [TIME]  [N] tok

    steps   5 of 5 finished
    calls   6 sent
    tokens  [N] in, [N] out; up to [N] more in attempts whose usage is not known
    time    [TIME]
    status  complete
    handed  [COVERAGE]
    written to [ROOT]/repo/out
    next: orchestrate rerun [RUN] report -m "your remark" to have it reworked
    "#);
}

#[test]
fn the_report_of_a_killed_run_is_that_of_an_uninterrupted_one() {
    let (server, place) = killed_in_the_fourth_step();
    let resumed = place.run(&["resume"]);
    assert_eq!(resumed.code, Some(0), "{}", resumed.stderr);
    let other = Place::beside(&server);
    let uninterrupted = other.run(&MAIN_JOB);
    assert_eq!(uninterrupted.code, Some(0), "{}", uninterrupted.stderr);
    assert_eq!(resumed.stdout, uninterrupted.stdout);
    assert_eq!(
        without_run_header(&place.read("out/report.md")),
        without_run_header(&other.read("out/report.md"))
    );
    for (at, (step, _)) in STEPS.iter().enumerate() {
        let file = format!("out/{}-{step}.md", at + 1);
        assert_eq!(place.read(&file), other.read(&file), "{step}");
    }
    let report = place.read("out/report.md");
    let (header, _) = report.split_once("<!-- /run -->").unwrap();
    assert!(header.contains("Step `operations`: 2 attempts"), "{header}");
}

#[test]
fn without_an_id_the_newest_unfinished_run_is_resumed() {
    let (server, place) = killed_in_the_fourth_step();
    place.good(&["run", "end-to-end-ml", "--task", "Another", "--offline"]);
    let resumed = place.run(&["resume"]);
    assert_eq!(resumed.code, Some(0), "{}", resumed.stderr);
    assert_eq!(server.count(), 6);
    assert!(resumed.stderr.contains(&format!("resuming {}", place.run_ids()[0])));
}

#[test]
fn a_part_of_an_id_finds_the_run() {
    let (_server, place) = killed_in_the_fourth_step();
    let id = place.run_ids().remove(0);
    let resumed = place.run(&["resume", &id[id.len() - 6..]]);
    assert_eq!(resumed.code, Some(0), "{}", resumed.stderr);
}

#[test]
fn a_newer_run_that_another_process_owns_is_passed_over() {
    let server = Server::start(|_| orchestrate_testkit::reply::Reply::error(400, "odd", "no"));
    let place = Place::beside(&server);
    place.run(&MAIN_JOB);
    place.run(&MAIN_JOB);
    let [older, newer] = &place.run_ids()[..] else { panic!("two runs") };
    let lock = fs::File::open(place.state().join("runs").join(newer).join("run.lock")).unwrap();
    lock.try_lock().unwrap();
    let resumed = place.run(&["resume"]);
    let passed = format!("warning: run {newer} is passed over: another process has it open\n");
    assert!(resumed.stderr.contains(&passed), "{}", resumed.stderr);
    assert!(resumed.stderr.contains(&format!("resuming {older}")), "{}", resumed.stderr);
}

#[test]
fn a_run_that_another_process_owns_is_left_alone() {
    let server = Server::holding("data-scientist-stats");
    let place = Place::beside(&server);
    let running = place.start(&MAIN_JOB);
    server.wait_until_held();
    insta::assert_snapshot!(place.refused(&["resume"]), @r"
    exit 75
    error: run [RUN] is in use by another process
    help: wait for it, or stop it with Ctrl-C where it runs
    ");
    assert!(place.good(&["runs", "list"]).contains("unfinished"), "it can be looked at");
    server.release();
    let outcome = running.finish();
    assert_eq!((outcome.code, server.count()), (Some(0), 5), "{}", outcome.stderr);
}

#[test]
fn there_is_nothing_to_resume_where_every_run_is_complete() {
    let place = Place::new();
    insta::assert_snapshot!(place.refused(&["resume"]), @r"
    exit 2
    error: there are no runs yet
    ");
    place.good(&["run", "end-to-end-ml", "--task", TASK, "--offline"]);
    insta::assert_snapshot!(place.refused(&["resume"]), @r"
    exit 2
    error: every run is complete; there is nothing to resume
    ");
    let id = place.run_ids().remove(0);
    insta::assert_snapshot!(place.refused(&["resume", &id]), @r"
    exit 2
    error: run [RUN] is complete
    help: `runs show` prints it, `rerun` does it again
    ");
    insta::assert_snapshot!(place.refused(&["resume", "ffff-none"]), @r"
    exit 3
    error: no run matches `ffff-none`
    help: `orchestrate runs list` shows all runs; four characters of an id or more will do
    ");
    place.good(&["run", "end-to-end-ml", "--task", TASK, "--offline"]);
    let beginning = &id[..4];
    assert_eq!(
        place.refused(&["resume", beginning]),
        format!("exit 2\nerror: `{beginning}` matches 2 runs\nhelp: give more of the id\n")
    );
}

#[test]
fn a_changed_workflow_file_is_told_of_and_the_old_plan_goes_on() {
    let workflow = |prompt: &str| {
        format!(
            "workflow: two\nsteps:\n  data: {{ persona: data-engineer, prompt: Design. }}\n  \
             ops: {{ persona: mlops-engineer, prompt: {prompt}, needs: data }}\n"
        )
    };
    let server = Server::holding("mlops-engineer");
    let place = Place::beside(&server);
    place.write("two.yaml", workflow("The old words."));
    let running = place.start(&["run", "two.yaml", "-m", "openai:m"]);
    server.wait_until_held();
    running.kill();
    server.release();
    place.write("two.yaml", workflow("The new words."));
    let resumed = place.run(&["resume"]);
    assert_eq!(resumed.code, Some(0), "{}", resumed.stderr);
    insta::assert_snapshot!(resumed.stderr, @r#"
    warning: changed since the run began: workflow `two`
    help: the run goes on with what it began with; `orchestrate rerun [RUN]` takes the new files
    resuming [RUN]  two  1 of 2 steps finished
    [1/2] unknown ops: its process ended; whether it was charged is not known
    [1/2] again   ops  mlops-engineer  attempt 2
    [2/2] ok      ops  mlops-engineer  [TIME]  [N] tok

    steps   2 of 2 finished
    calls   3 sent
    tokens  [N] in, [N] out; up to [N] more in attempts whose usage is not known
    time    [TIME]
    status  complete
    handed  [COVERAGE]
    next: orchestrate rerun [RUN] ops -m "your remark" to have it reworked
    "#);
    let last = server.requests().pop().unwrap();
    assert!(last.message("user").contains("The old words."));
    let rerun = place.run(&["rerun", &place.run_ids()[0]]);
    assert_eq!(rerun.code, Some(0), "{}", rerun.stderr);
    assert_eq!(server.count(), 4, "data is reused, ops is asked anew");
    let last = server.requests().pop().unwrap();
    assert!(last.message("user").contains("The new words."));
}

#[test]
fn another_address_is_refused_before_anything_is_sent() {
    let (server, place) = killed_in_the_fourth_step();
    let other = Server::echo();
    let place = place.with("OPENAI_BASE_URL", &other.base_url());
    insta::assert_snapshot!(place.refused(&["resume"]), @r"
    exit 3
    error: this run was made against `http://[SERVER]/v1`; `http://[SERVER]/v1` is configured now
    help: set OPENAI_BASE_URL or your config back to resume, or `rerun` against the new address
    ");
    assert_eq!((server.count(), other.count()), (4, 0));
}

#[test]
fn a_resumed_run_prints_its_result_in_every_format() {
    let (_server, place) = killed_in_the_fourth_step();
    let markdown = place.good(&["resume", "--format", "markdown"]);
    assert!(markdown.starts_with("# end-to-end-ml\n"), "{markdown}");
    let (_server, place) = killed_in_the_fourth_step();
    assert_eq!(place.json(&["resume", "--format", "json"])["status"], "succeeded");
    let (_server, place) = killed_in_the_fourth_step();
    let lines = place.good(&["resume", "--format", "jsonl"]);
    let last: serde_json::Value = serde_json::from_str(lines.lines().last().unwrap()).unwrap();
    assert_eq!(last["result"]["status"], "succeeded");
}

#[test]
fn the_first_json_line_of_a_resumed_run_names_the_schema() {
    let server = Server::echo();
    let place = Place::beside(&server);
    place.run(&["run", "end-to-end-ml", "-t", TASK, "-m", "openai:m", "--max-calls", "2"]);
    let lines = place.good(&["resume", "--max-calls", "9", "--format", "jsonl"]);
    let first: serde_json::Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
    assert_eq!((&first["type"], &first["offline"]), (&"version".into(), &false.into()));
}
