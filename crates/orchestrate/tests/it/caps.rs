//! Caps on calls and tokens.

use crate::support::{Place, Server, TASK};

const MAIN_JOB: [&str; 6] = ["run", "end-to-end-ml", "--task", TASK, "--model", "openai:m"];

#[test]
fn a_cap_on_calls_ends_with_8_and_resume_with_a_higher_one_goes_on() {
    let server = Server::echo();
    let place = Place::beside(&server);
    let capped = place.run(&[&MAIN_JOB[..], &["--max-calls", "2"]].concat());
    assert_eq!((capped.code, server.count()), (Some(8), 2), "{}", capped.stderr);
    insta::assert_snapshot!(capped.stderr, @r"
    run [RUN]  end-to-end-ml  5 steps  openai:m
    [0/5] start   data  data-engineer
    [1/5] ok      data  data-engineer  [TIME]  [N] tok
    [1/5] start   analysis  data-scientist-stats
    [2/5] ok      analysis  data-scientist-stats  [TIME]  [N] tok

    steps   2 of 5 finished
    calls   2 sent
    tokens  [N] in, [N] out
    time    [TIME]
    status  failed: the cap on calls was reached: 2 allowed
    next: orchestrate resume [RUN] --max-calls 5 or more
    ");
    let still = place.run(&["resume"]);
    assert_eq!((still.code, server.count()), (Some(8), 2), "{}", still.stderr);
    let resumed = place.run(&["resume", "--max-calls", "10"]);
    assert_eq!((resumed.code, server.count()), (Some(0), 5), "{}", resumed.stderr);
    insta::assert_snapshot!(resumed.stderr, @r#"
    resuming [RUN]  end-to-end-ml  2 of 5 steps finished
    [2/5] start   model  ml-engineer-pytorch
    [3/5] ok      model  ml-engineer-pytorch  [TIME]  [N] tok
    [3/5] start   operations  mlops-engineer
    [4/5] ok      operations  mlops-engineer  [TIME]  [N] tok
    [4/5] start   report  data-viz-specialist
    [5/5] ok      report  data-viz-specialist  [TIME]  [N] tok

    steps   5 of 5 finished
    calls   5 sent
    tokens  [N] in, [N] out
    time    [TIME]
    status  complete
    handed  [COVERAGE]
    next: orchestrate rerun [RUN] report -m "your remark" to have it reworked
    "#);
    assert_eq!(resumed.stdout.lines().filter(|line| line.starts_with("## ")).count(), 5);
}

#[test]
fn what_another_run_paid_for_meanwhile_is_not_paid_for_by_resume() {
    let server = Server::echo();
    let place = Place::beside(&server);
    place.run(&[&MAIN_JOB[..], &["--max-calls", "1"]].concat());
    let stopped = place.run_ids().remove(0);
    let other = place.run(&MAIN_JOB);
    assert_eq!((other.code, server.count()), (Some(0), 5), "{}", other.stderr);
    let resumed = place.run(&["resume", &stopped, "--max-calls", "9"]);
    assert_eq!((resumed.code, server.count()), (Some(0), 5), "{}", resumed.stderr);
}

#[test]
fn a_cap_on_tokens_that_the_first_call_could_exceed_sends_nothing() {
    let server = Server::echo();
    let place = Place::beside(&server);
    let capped = place.run(&[&MAIN_JOB[..], &["--max-tokens", "1000"]].concat());
    assert_eq!((capped.code, server.count()), (Some(8), 0), "{}", capped.stderr);
    insta::assert_snapshot!(capped.stderr, @r"
    run [RUN]  end-to-end-ml  5 steps  openai:m

    steps   0 of 5 finished
    calls   0 sent
    tokens  0 in, 0 out
    time    [TIME]
    status  failed: the cap on tokens was reached: step `data` may use [N] tokens; 1,000 are allowed
    next: orchestrate resume [RUN] --max-tokens [N] or more
    ");
}

#[test]
fn the_cap_that_is_named_suffices_for_the_next_call() {
    let server = Server::echo();
    let place = Place::beside(&server);
    let named = |said: &str| {
        let (_, rest) = said.split_once(" --max-tokens ").expect("a cap is named");
        rest.split(' ').next().unwrap().to_owned()
    };
    let capped = place.run(&[&MAIN_JOB[..], &["--max-tokens", "1000"]].concat());
    let least = named(&capped.stderr);
    let first = place.run(&["resume", "--max-tokens", &least]);
    assert_eq!((first.code, server.count()), (Some(8), 1), "{}", first.stderr);
    let second = place.run(&["resume", "--max-tokens", &named(&first.stderr)]);
    assert!(server.count() > 1, "{}", second.stderr);
    let less = (least.parse::<u64>().unwrap() - 1).to_string();
    let other = ["run", "end-to-end-ml", "-t", "Other", "-m", "openai:m", "--max-tokens", &less];
    let other = place.run(&other);
    assert_eq!(other.code, Some(8), "{}", other.stderr);
}

#[test]
fn tokens_used_stay_below_the_cap() {
    let server = Server::echo();
    let place = Place::beside(&server);
    let args = [&MAIN_JOB[..], &["--max-tokens", "20000", "--format", "json"]].concat();
    let outcome = place.run(&args);
    assert_eq!(outcome.code, Some(8), "{}", outcome.stderr);
    let document: serde_json::Value = serde_json::from_str(&outcome.stdout).unwrap();
    let used = &document["usage"];
    let total = used["input"].as_u64().unwrap() + used["output"].as_u64().unwrap();
    assert!((1..=20_000).contains(&total), "{total}");
    for request in server.requests() {
        assert!(request.json["max_completion_tokens"].as_u64().is_some(), "the cap is sent");
    }
}

#[test]
fn the_lower_of_all_caps_holds() {
    let server = Server::echo();
    let place = Place::beside(&server);
    place.configure("[defaults]\nmax_calls = 3\n");
    place.write("orchestrate.toml", "[defaults]\nmax_calls = 1\n");
    assert_eq!(place.run(&[&MAIN_JOB[..], &["--max-calls", "4"]].concat()).code, Some(8));
    assert_eq!(server.count(), 1);
}

#[test]
fn offline_needs_no_budget() {
    let place = Place::new();
    let args = ["run", "end-to-end-ml", "--task", TASK, "--offline", "--max-tokens", "1"];
    assert_eq!(place.good(&args).matches("\n## ").count(), 5);
}
