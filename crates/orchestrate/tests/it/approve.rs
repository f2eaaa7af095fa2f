//! Approvals from outside: a run that waits, a person who decides, and what comes of it.

use orchestrate_testkit::env::Outcome;
use rustix::process::Signal;
use serde_json::Value;

use crate::support::{AtTerminal, Place, Server};

const WORKFLOW: &str = "\
workflow: gated
inputs: { task: string }
steps:
  design: { persona: data-engineer, prompt: Design it. }
  go:
    approve: 'Build what is designed for {{ inputs.task }}?'
    needs: design
    expires: 24h
  build: { persona: mlops-engineer, needs: [go, { step: design, pass: brief }], prompt: Build it. }
  notes: { persona: data-viz-specialist, needs: { step: design, pass: none }, prompt: Take notes. }
";

const RUN: [&str; 7] =
    ["run", "gated.yaml", "--task", "events", "--model", "openai:m", "--no-input"];

fn place(server: &Server) -> Place {
    let place = Place::beside(server);
    place.write("gated.yaml", WORKFLOW);
    place
}

/// A run that waits for a person.
fn waiting() -> (Server, Place, Outcome) {
    let server = Server::echo();
    let place = place(&server);
    let outcome = place.run(&RUN);
    assert_eq!(outcome.code, Some(7), "{}", outcome.stderr);
    (server, place, outcome)
}

fn only_id(place: &Place) -> String {
    place.run_ids().remove(0)
}

/// What is said, without the name of whoever runs the tests and the time.
fn anonymous(text: &str) -> String {
    let name = orchestrate_engine::approvals::user_name();
    let text = text
        .replace(&format!("by {name} "), "by [USER] ")
        .replace(&format!("of {name}\n"), "of [USER]\n");
    let text = text.replace(&format!("{name} said"), "[USER] said");
    let mut shown = String::new();
    let mut rest = text.as_str();
    while let Some(at) = rest.find("202").filter(|at| rest.as_bytes().get(*at + 10) == Some(&b'T'))
    {
        shown.push_str(&rest[..at]);
        shown.push_str("[WHEN]");
        rest = &rest[at + 20..];
    }
    shown + rest
}

#[test]
fn where_nobody_is_the_run_waits_while_the_rest_goes_on() {
    let (server, place, outcome) = waiting();
    assert_eq!(server.asked(), ["data-engineer", "data-viz-specialist"]);
    insta::assert_snapshot!(anonymous(&outcome.stderr), @r"
    run [RUN]  gated  4 steps  openai:m
    [0/4] start   design  data-engineer
    [1/4] ok      design  data-engineer  [TIME]  [N] tok
    [1/4] asks    go  a person decides until [WHEN]
    [1/4] start   notes  data-viz-specialist
    [2/4] ok      notes  data-viz-specialist  [TIME]  [N] tok

    steps   2 of 4 finished
    calls   2 sent
    tokens  [N] in, [N] out
    time    [TIME]
    status  waiting for a person to approve step `go`
    next: orchestrate approve [RUN] go --yes|--no
    ");
    insta::assert_snapshot!(anonymous(&place.good(&["runs", "show"])), @r"
    run [RUN]  gated  waiting
    task: events

      ok         design  data-engineer        [N] tok
      asks       go      —
                         └ Build what is designed for events?
                         └ waits for a person until [WHEN]
      not begun  build   mlops-engineer
      ok         notes   data-viz-specialist  [N] tok

    steps   2 of 4 finished
    calls   2 sent
    tokens  [N] in, [N] out
    time    [TIME]
    status  waiting for a person to approve step `go`
    next    orchestrate approve [RUN] go --yes|--no
    ");
    let listed = place.good(&["runs", "list"]);
    assert!(listed.contains("waiting"), "{listed}");
    let told: Value =
        serde_json::from_str(&place.good(&["runs", "show", "--format", "json"])).unwrap();
    assert_eq!(told["status"], "waiting");
    assert_eq!(told["steps"][1]["state"], "awaiting_approval");
    assert_eq!(told["steps"][1]["approval"]["question"], "Build what is designed for events?");
    assert_eq!(told["steps"][1]["approval"]["decision"], Value::Null);
}

#[test]
fn a_ci_job_is_never_asked_and_never_approved() {
    let server = Server::echo();
    let place = place(&server).with("CI", "true");
    for args in [&RUN[..6], &["resume"], &["resume", "--no-input"]] {
        let outcome = place.run(args);
        assert_eq!(outcome.code, Some(7), "{}", outcome.stderr);
    }
    assert_eq!(server.count(), 2);
}

#[test]
fn a_yes_goes_into_the_prompts_that_follow_and_is_not_asked_for_again() {
    let (server, place, _) = waiting();
    let id = only_id(&place);
    let approved = place.run(&["approve", &id, "go", "--yes", "--note", "In the EU only."]);
    assert_eq!((approved.code, approved.stdout.as_str()), (Some(0), ""));
    insta::assert_snapshot!(anonymous(&approved.stderr), @r"
    yes to `go`, recorded as the decision of [USER]
    next: orchestrate resume [RUN]
    ");
    assert_eq!(server.count(), 2, "a decision alone sends nothing");
    let shown = place.good(&["runs", "show"]);
    assert!(shown.contains("approved, to be resumed"), "{shown}");
    let resumed = place.run(&["resume"]);
    assert_eq!(resumed.code, Some(0), "{}", resumed.stderr);
    let prompt = server.requests()[2].message("user").to_owned();
    assert!(
        prompt.contains("In the EU only.") && prompt.contains("A person approved: Build what"),
        "{prompt}"
    );
    let brief = prompt.find("Only the brief is given here, as the workflow asks").unwrap();
    assert!(prompt.find("In the EU only.").unwrap() < brief, "in the order of the needs");
    assert!(!server.requests()[1].message("user").contains("handoff from"), "an order only");
    let told: Value =
        serde_json::from_str(&place.good(&["runs", "show", "--format", "json"])).unwrap();
    assert_eq!(told["steps"][1]["source"], "approval");
    assert_eq!(told["steps"][1]["text"], "In the EU only.");
    assert_eq!(told["steps"][1]["approval"]["decision"]["approved"], true);
    // Nothing waits any more.
    let again = place.refused(&["approve", &id, "go", "--no"]);
    insta::assert_snapshot!(again, @r"
    exit 2
    error: step `go` does not wait for a person: it is approved already
    help: no step of the run does; `orchestrate runs show` says where it stands
    ");
}

#[test]
fn a_yes_may_resume_at_once() {
    let (server, place, _) = waiting();
    let outcome = place.run(&["approve", &only_id(&place), "go", "--yes", "--resume"]);
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    assert_eq!(server.count(), 3);
    assert!(server.requests()[2].message("user").contains("Approved."));
    assert!(
        outcome.stdout.contains("mlops-engineer") || outcome.stdout.contains("build"),
        "{}",
        outcome.stdout
    );
}

#[test]
fn a_no_fails_the_run_with_the_note_and_a_resume_asks_again() {
    let (server, place, _) = waiting();
    let id = only_id(&place);
    place.good(&["approve", &id, "go", "--no", "--note", "Too\u{1b}[2J dear."]);
    let shown = place.good(&["runs", "show"]);
    assert!(shown.contains("said no: Too") && !shown.contains('\u{1b}'), "{shown}");
    insta::assert_snapshot!(anonymous(&shown), @r"
    run [RUN]  gated  failed
    task: events

      ok         design  data-engineer        [N] tok
      failed     go      —
                         └ Build what is designed for events?
                         └ refused by [USER] on [WHEN]: Too[2J dear.
                         └ not approved: [USER] said no: Too[2J dear.
                         └ help: `rerun` with a remark has the work done again; `resume` asks again about what is there
      not begun  build   mlops-engineer
      ok         notes   data-viz-specialist  [N] tok

    steps   2 of 4 finished
    calls   2 sent
    tokens  [N] in, [N] out
    time    [TIME]
    status  failed: step `go`: not approved: [USER] said no: Too[2J dear.
    advice  `rerun` with a remark has the work done again; `resume` asks again about what is there
    ");
    assert_eq!(place.run(&["resume", &id]).code, Some(7));
    assert_eq!(server.count(), 2);
    place.good(&["approve", &id, "go", "--yes"]);
    assert_eq!(place.run(&["resume", &id]).code, Some(0));
}

#[test]
fn a_rerun_keeps_the_approval_of_what_has_not_changed_and_asks_about_what_has() {
    let (server, place, _) = waiting();
    let id = only_id(&place);
    place.good(&["approve", &id, "go", "--yes", "--note", "Fine."]);
    assert_eq!(place.run(&["resume", &id]).code, Some(0));
    let kept = place.run(&["rerun", &id, "notes", "--no-input"]);
    assert_eq!(kept.code, Some(0), "{}", kept.stderr);
    assert!(kept.stderr.contains("yes     go"), "{}", kept.stderr);
    assert!(kept.stderr.contains("and nothing has changed since: Fine."), "{}", kept.stderr);
    assert_eq!(server.count(), 4, "only the notes were taken again");
    // A rerun of the rerun still knows who decided and when.
    let newer = place.run_ids().pop().unwrap();
    let kept = place.run(&["rerun", &newer, "notes", "--no-input"]);
    assert!(kept.stderr.contains(&format!("in run `{id}`")), "{}", kept.stderr);
    for args in [
        &["rerun", &id, "design", "-m", "Another way.", "--no-input"][..],
        &["rerun", &id, "go", "--no-input"],
        &RUN,
    ] {
        let asked = place.run(args);
        assert_eq!(asked.code, Some(7), "{args:?}: {}", asked.stderr);
    }
    let refused = place.refused(&["rerun", &id, "go", "-m", "Why?"]);
    insta::assert_snapshot!(refused, @r"
    exit 2
    error: step `go` asks a person, whom a remark would not reach
    help: leave -m out to be asked again, or remark on a step whose work is to change
    ");
}

#[test]
fn a_decision_reaches_a_run_that_another_process_owns() {
    let server = Server::holding("data-viz-specialist");
    let place = place(&server);
    let mut running = place.start(&RUN);
    running.wait_for("asks    go");
    server.wait_until_held();
    let id = only_id(&place);
    let approved = place.run(&["approve", &id, "go", "--yes", "--note", "From outside."]);
    assert_eq!(approved.code, Some(0), "{}", approved.stderr);
    assert!(
        approved.stderr.contains("taken in by the process that runs it"),
        "{}",
        approved.stderr
    );
    running.wait_for("yes     go");
    running.wait_for("ok      build");
    server.release();
    let outcome = running.finish();
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    assert!(outcome.stdout.contains("From outside."), "{}", outcome.stdout);
    let inbox = place.only_run().join("inbox");
    assert_eq!(std::fs::read_dir(inbox).unwrap().count(), 0, "what is durable is no news");
}

#[test]
fn a_decision_that_lay_there_when_the_run_ended_is_taken_in_by_a_resume() {
    let server = Server::holding("data-viz-specialist");
    let place = place(&server);
    let mut running = place.start(&RUN);
    running.wait_for("asks    go");
    server.wait_until_held();
    running.signal(Signal::STOP);
    let id = only_id(&place);
    // The owner stands still: the decision lies there until it is killed.
    let approved = place.start(&["approve", &id, "go", "--yes", "--note", "Left there."]);
    let outcome = approved.finish();
    assert!(outcome.stderr.contains("which has not looked yet"), "{}", outcome.stderr);
    running.kill();
    server.release();
    let resumed = place.run(&["resume", &id, "--no-input"]);
    assert_eq!(resumed.code, Some(0), "{}", resumed.stderr);
    assert!(resumed.stdout.contains("Left there."), "{}", resumed.stdout);
}

#[test]
fn wrong_runs_steps_and_notes_are_told_apart() {
    let (_server, place, _) = waiting();
    let id = only_id(&place);
    let long = "x".repeat(5_000);
    let told = [
        place.refused(&["approve", &id, "gone", "--yes"]),
        place.refused(&["approve", &id, "design", "--yes"]),
        place.refused(&["approve", &id, "build", "--no"]),
        place.refused(&["approve", "0000000", "go", "--yes"]),
        place.refused(&["approve", &id, "go", "--yes", "--note", &long]),
        place.refused(&["approve", &id, "go"]),
        place.refused(&["approve", &id, "go", "--yes", "--no"]),
        place.refused(&["approve", &id, "go", "--no", "--resume"]),
    ];
    insta::assert_snapshot!(told.join("\n"), @r"
    exit 3
    error: the run has no step `gone`
    help: known here: design, go, build, notes

    exit 2
    error: step `design` does not wait for a person: it asks nobody
    help: these wait: go

    exit 2
    error: step `build` does not wait for a person: it has not begun
    help: these wait: go

    exit 3
    error: no run matches `0000000`
    help: `orchestrate runs list` shows all runs; four characters of an id or more will do

    exit 2
    error: the note has 5000 bytes; 4096 are allowed
    help: say it shortly; what takes longer is a remark for `orchestrate rerun RUN STEP -m`

    exit 2
    error: the following required arguments were not provided:
      <--yes|--no>

    Usage: orchestrate approve <--yes|--no> <RUN> <STEP>

    For more information, try '--help'.

    exit 2
    error: the argument '--yes' cannot be used with '--no'

    Usage: orchestrate approve <--yes|--no> <RUN> <STEP>

    For more information, try '--help'.

    exit 2
    error: the argument '--no' cannot be used with '--resume'

    Usage: orchestrate approve <--yes|--no> <RUN> <STEP>

    For more information, try '--help'.
    ");
}

#[test]
fn plan_graph_validate_and_show_know_approvals_and_what_needs_say() {
    let server = Server::echo();
    let place = place(&server);
    assert!(place.run(&["validate", "gated.yaml"]).code == Some(0));
    let plan = place.good(&["plan", "gated.yaml", "--task", "events", "--model", "openai:m"]);
    assert!(plan.contains("a person decides within 24 h 0 min"), "{plan}");
    assert!(plan.contains("+ handoffs of go, design (brief)"), "{plan}");
    assert!(!plan.contains("design (order only)"), "{plan}");
    insta::assert_snapshot!(place.good(&["graph", "gated.yaml"]), @r"
    1 ─── design  data-engineer
       │
    2 ─┬─ go      a person approves    ← design
       ├─ notes   data-viz-specialist  ← design (order only)
       │
    3 ─── build   mlops-engineer       ← go, design (brief)
    ");
    let mermaid = place.good(&["graph", "gated.yaml", "--format", "mermaid"]);
    assert!(mermaid.contains("|brief|") && mermaid.contains("a person approves"), "{mermaid}");
    let shown = place.good(&["workflows", "show", "gated.yaml"]);
    assert!(shown.contains("go: a person approves  ← design"), "{shown}");
    let offline = place.run(&["run", "gated.yaml", "--task", "events", "--offline", "--no-input"]);
    assert_eq!(offline.code, Some(7), "{}", offline.stderr);
}

#[test]
fn events_and_report_tell_who_decided_what() {
    let server = Server::echo();
    let place = place(&server);
    let args = [&RUN[..], &["--format", "jsonl", "--output", "out"]].concat();
    let outcome = place.run(&args);
    assert_eq!(outcome.code, Some(7), "{}", outcome.stderr);
    let events: Vec<Value> =
        outcome.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let kinds: Vec<&str> = events.iter().filter_map(|event| event["type"].as_str()).collect();
    assert!(kinds.contains(&"approval_requested") && kinds.contains(&"run_paused"), "{kinds:?}");
    let report = place.read("out/report.md");
    assert!(report.contains("- `go`: waits for a person until 20"), "{report}");
    let id = only_id(&place);
    place.good(&["approve", &id, "go", "--yes", "--note", "Fine.", "--resume"]);
    let report = place.read("out/report.md");
    let (_, section) = report.split_once("## go\n").unwrap();
    let (section, _) = section.split_once("\n## ").unwrap();
    insta::assert_snapshot!(section, @r"
    > Build what is designed for events?

    Fine.

    ### Brief

    Decisions:
    - A person approved: Build what is designed for events? — Fine.
    ");
    let header = report.split_once("<!-- /run -->").unwrap().0;
    assert!(header.contains("- Step `go`: approved by "), "{header}");
    assert!(report.contains("## Handed on\n"), "{report}");
    assert_eq!(place.read("out/2-go.md"), "Fine.\n");
    let approved = place.good(&["runs", "show", "--format", "jsonl"]);
    assert!(approved.contains("\"type\":\"approval_decided\""), "{approved}");
}

#[test]
fn a_shell_offers_the_runs_and_steps_that_wait() {
    let (_server, place, _) = waiting();
    let id = only_id(&place);
    let place = place
        .with("ORCHESTRATE_COMPLETE", "bash")
        .with("_CLAP_IFS", "\n")
        .with("_CLAP_COMPLETE_INDEX", "2");
    let offered = place.good(&["--", "orchestrate", "approve", ""]);
    assert!(offered.contains(&id), "{offered}");
    let place = place.with("_CLAP_COMPLETE_INDEX", "3");
    let offered = place.good(&["--", "orchestrate", "approve", &id, ""]);
    assert!(offered.lines().any(|line| line == "go"), "{offered}");
}

/// The arguments of a run at which somebody may sit.
const AT_A_DESK: [&str; 6] = ["run", "gated.yaml", "--task", "events", "--model", "openai:m"];

#[test]
fn whoever_sits_at_the_terminal_is_asked_and_their_word_is_the_deliverable() {
    let server = Server::echo();
    let place = place(&server);
    let mut terminal = AtTerminal::start(&place, &AT_A_DESK);
    terminal.wait_for("from data-engineer, step `design`");
    terminal.wait_for("| # Echo");
    terminal.wait_for("> Build what is designed for events?");
    terminal.wait_for("approve `go`? yes, no or later: ");
    terminal.types("perhaps");
    terminal.wait_for("approve `go`? yes, no or later: ");
    terminal.types("yes");
    terminal.wait_for("a note, or nothing: ");
    terminal.types("From the desk.");
    let (code, stdout) = terminal.finish();
    assert_eq!(code, Some(0));
    assert!(stdout.contains("From the desk."), "{stdout}");
    assert_eq!(server.count(), 3);
}

#[test]
fn a_no_at_the_terminal_ends_the_run_and_later_lets_it_wait() {
    let server = Server::echo();
    let place = place(&server);
    let mut terminal = AtTerminal::start(&place, &AT_A_DESK);
    terminal.wait_for("approve `go`? yes, no or later: ");
    terminal.types("later");
    terminal.wait_for("status  waiting for a person");
    assert_eq!(terminal.finish().0, Some(7));
    let mut terminal = AtTerminal::start(&place, &["resume"]);
    terminal.wait_for("approve `go`? yes, no or later: ");
    terminal.types("no");
    terminal.wait_for("a note, or nothing: ");
    terminal.types("");
    terminal.wait_for("said no");
    assert_eq!(terminal.finish().0, Some(1));
    // Nobody is asked who does not want to be.
    let mut terminal = AtTerminal::start(&place, &["resume", "--no-input"]);
    terminal.wait_for("status  waiting for a person");
    assert_eq!(terminal.finish().0, Some(7));
}

#[test]
fn what_happens_while_a_person_thinks_is_told_afterwards() {
    let server = Server::holding("data-viz-specialist");
    let place = place(&server);
    let mut terminal = AtTerminal::start(&place, &AT_A_DESK);
    terminal.wait_for("approve `go`? yes, no or later: ");
    server.wait_until_held();
    let id = only_id(&place);
    // Somebody else decides; the question stands until it is answered, and the run goes on.
    let approved = place.run(&["approve", &id, "go", "--yes", "--note", "From outside."]);
    assert!(approved.stderr.contains("taken in"), "{}", approved.stderr);
    terminal.types("no");
    terminal.wait_for("a note, or nothing: ");
    terminal.types("Never.");
    terminal.wait_for("`go` was decided elsewhere meanwhile; your answer changes nothing");
    terminal.wait_for("yes     go");
    server.release();
    let (code, stdout) = terminal.finish();
    assert_eq!(code, Some(0), "{stdout}");
    assert!(stdout.contains("From outside.") && !stdout.contains("Never."), "{stdout}");
}
