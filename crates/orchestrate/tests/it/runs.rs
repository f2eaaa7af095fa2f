//! `runs list` and `runs show`.

use crate::support::{Place, Server, TASK};

#[test]
fn without_runs_the_list_says_how_to_begin() {
    let place = Place::new();
    let outcome = place.run(&["runs", "list"]);
    assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(0), ""));
    insta::assert_snapshot!(outcome.stderr, @r#"no runs yet; begin with: orchestrate run end-to-end-ml --task "…" --offline"#);
    assert_eq!(
        place.json(&["runs", "list", "--format", "json"]),
        serde_json::json!({"schema": "orchestrate/runs/1", "runs": []})
    );
    insta::assert_snapshot!(place.refused(&["runs", "show"]), @r"
    exit 2
    error: there are no runs yet
    ");
}

#[test]
fn runs_are_listed_newest_first_with_how_they_ended() {
    let server = Server::start(|_| orchestrate_testkit::reply::Reply::error(400, "odd", "no"));
    let place = Place::beside(&server).with("COLUMNS", "200");
    place.good(&["run", "end-to-end-ml", "--task", TASK, "--offline"]);
    place.run(&["run", "end-to-end-ml", "--task", "Count\nbicycles", "-m", "openai:m"]);
    place.run(&[
        "run",
        "data-infrastructure",
        "-t",
        "A lab",
        "-m",
        "openai:m",
        "--max-tokens",
        "9",
    ]);
    insta::assert_snapshot!(place.good(&["runs", "list"]), @r"
    [RUN]  data-infrastructure  cap reached     0/3  A lab
    [RUN]  end-to-end-ml        failed          0/5  Count bicycles
    [RUN]  end-to-end-ml        ok              5/5  Predict churn from our Postgres events
    ");
    let list = place.json(&["runs", "list", "--format", "json"]);
    assert_eq!(list["schema"], "orchestrate/runs/1");
    let told: Vec<(&str, u64, u64)> = list["runs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|run| {
            let number = |name: &str| run[name].as_u64().unwrap();
            (run["workflow"].as_str().unwrap(), number("finished"), number("steps"))
        })
        .collect();
    assert_eq!(
        told,
        [("data-infrastructure", 0, 3), ("end-to-end-ml", 0, 5), ("end-to-end-ml", 5, 5)]
    );
}

#[test]
fn a_run_is_shown_with_its_steps_and_its_result_on_request() {
    let place = Place::new();
    let result = place.good(&["run", "end-to-end-ml", "--task", TASK, "--offline"]);
    insta::assert_snapshot!(place.good(&["runs", "show"]), @r"
    run [RUN]  end-to-end-ml  ok
    task: Predict churn from our Postgres events

      ok         data        data-engineer
      ok         analysis    data-scientist-stats
      ok         model       ml-engineer-pytorch
                             └ the task fits none of the choices better; the first is taken
      ok         operations  mlops-engineer
      ok         report      data-viz-specialist

    steps   5 of 5 finished
    calls   none: offline, no model was called
    time    [TIME]
    status  complete
    ");
    assert_eq!(place.good(&["runs", "show", "--result"]), result);
    let id = place.run_ids().remove(0);
    assert_eq!(place.good(&["runs", "show", &id[24..], "--result"]), result);
    let document = place.json(&["runs", "show", "--format", "json"]);
    assert_eq!(document["schema"], "orchestrate/run/1");
    assert_eq!(document["run"], id);
}

#[test]
fn a_failed_run_is_shown_with_its_reason() {
    let server = Server::start(|_| orchestrate_testkit::reply::Reply::error(400, "odd", "no"));
    let place = Place::beside(&server);
    place.run(&["run", "data-infrastructure", "--task", TASK, "-m", "openai:m"]);
    insta::assert_snapshot!(place.good(&["runs", "show"]), @r"
    run [RUN]  data-infrastructure  failed
    task: Predict churn from our Postgres events

      failed     structure  project-architect
                            └ request refused: openai answered 400: [odd] no
      not begun  data       data-engineer
      not begun  tracking   mlops-engineer

    steps   0 of 3 finished
    calls   1 sent
    tokens  0 in, 0 out
    time    [TIME]
    status  failed: step `structure`: request refused: openai answered 400: [odd] no
    ");
}

#[test]
fn showing_a_run_does_not_change_it() {
    let place = Place::new();
    place.good(&["run", "end-to-end-ml", "--task", TASK, "--offline"]);
    let journal = place.only_run().join("journal.db");
    let before = std::fs::read(&journal).unwrap();
    place.good(&["runs", "show"]);
    place.good(&["runs", "list"]);
    assert_eq!(std::fs::read(&journal).unwrap(), before);
}

#[cfg(unix)]
#[test]
fn only_the_owner_can_read_a_run() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = Place::new();
    place.good(&["run", "end-to-end-ml", "--task", TASK, "--offline"]);
    let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
    let folder = place.only_run();
    assert_eq!(mode(&folder), 0o700);
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
}
