//! Prompts and the windows of models: what is cut, what is refused, and where it is told.

use orchestrate_testkit::{
    behaviour,
    reply::{Answer, Reply},
    server::SeenRequest,
};

use crate::support::{Place, Server};

/// A first step whose document is long, and one that gets it.
const WORKFLOW: &str = "\
workflow: w
steps:
  small: { persona: mlops-engineer, prompt: The small one. }
  large: { persona: data-engineer, prompt: The large one. }
  report: { persona: data-viz-specialist, needs: [small, large], prompt: Put it together., max_output_tokens: 500 }
";

const RUN: [&str; 4] = ["run", "w.yaml", "-m", "openai:m"];

/// The echo, with a document of eight thousand words where the large one is asked for.
fn wordy(request: &SeenRequest) -> Reply {
    let mut text = behaviour::echo_text(request);
    if request.message("user").ends_with("The large one.") {
        text = format!("{}\n\n{text}", "word ".repeat(8_000));
    }
    let usage = Some((100, 100));
    Answer { usage, model: request.model().to_owned(), ..Answer::new(text) }.reply_to(request)
}

fn place(server: &Server, config: &str) -> Place {
    let place = Place::beside(server);
    place.configure(config);
    place.write("w.yaml", WORKFLOW);
    place
}

#[test]
fn the_largest_handoff_comes_as_its_brief_where_the_window_is_small_and_that_is_told() {
    let server = Server::start(wordy);
    let place = place(&server, "[prices.\"openai:m\"]\ncontext = 8000\n");
    let run = place.run(&[&RUN[..], &["--output", "out", "--record", "tape"]].concat());
    assert_eq!((run.code, server.count()), (Some(0), 3), "{}", run.stderr);
    let sent = server.requests();
    let report = sent.iter().find(|seen| seen.message("user").ends_with("Put it together."));
    let report = report.expect("it was asked").message("user");
    assert!(!report.contains("word word"), "the whole document was sent");
    assert!(report.contains("there is no room for the whole document"), "{report}");
    assert_eq!(report.matches("# Echo ").count(), 1, "the small one comes whole");
    let note = "`large` came as its brief: its document takes 8,";
    let shown = place.good(&["runs", "show"]);
    assert!(
        shown.contains(note) && shown.contains("the window of `openai:m` has 8,000"),
        "{shown}"
    );
    assert!(place.read("out/report.md").contains(note));
    let json = place.json(&["runs", "show", "--format", "json"]);
    let told = json["steps"][2]["notes"].to_string();
    assert!(told.contains(note), "{told}");

    // A replay needs no table of windows to ask as it was recorded.
    place.configure("");
    let replayed = place.run(&[&RUN[..], &["--replay", "tape"]].concat());
    assert_eq!(replayed.code, Some(0), "{}", replayed.stderr);
    assert!(
        place.good(&["runs", "show"]).contains("`large` came as its brief, as it was recorded")
    );
    place.configure("[prices.\"openai:m\"]\ncontext = 8000\n");

    // The same needs and the same model make the same prompt: everything is used again.
    let again = place.run(&RUN);
    assert_eq!((again.code, server.count()), (Some(0), 3), "{}", again.stderr);
    // Another window that leaves no room either changes nothing.
    place.configure("[prices.\"openai:m\"]\ncontext = 7000\n");
    let again = place.run(&RUN);
    assert_eq!((again.code, server.count()), (Some(0), 3), "{}", again.stderr);
}

#[test]
fn what_the_workflow_wants_whole_fails_with_figures_before_it_is_sent() {
    let server = Server::start(wordy);
    let place = place(&server, "[prices.\"openai:m\"]\ncontext = 8000\n");
    let whole = WORKFLOW.replace("[small, large]", "[small, { step: large, pass: full }]");
    place.write("w.yaml", &whole);
    let run = place.run(&RUN);
    assert_eq!((run.code, server.count()), (Some(1), 2), "{}", run.stderr);
    let said = &run.stderr;
    assert!(said.contains("prompt too long for the model"), "{said}");
    assert!(
        said.contains("its answer may have 500, and the window of `openai:m` holds 8,000"),
        "{said}"
    );
    assert!(said.contains("largest parts: handoff from data-engineer, step `large` 8,"), "{said}");
    assert!(said.contains("pass: brief"), "{said}");
}

#[test]
fn a_fallback_is_given_what_fits_its_own_window() {
    let server = Server::start(|request| {
        if request.model() == "big" && request.message("user").ends_with("Put it together.") {
            return Reply::error(503, "server_error", "down");
        }
        wordy(request)
    });
    let place = place(
        &server,
        "[models]\ndefault = [\"openai:big\", \"openai:m\"]\n[prices.\"openai:m\"]\ncontext = 8000\n",
    );
    let run = place.run(&["run", "w.yaml"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let sent = server.requests();
    let asked = |model: &str| {
        let found = sent.iter().rfind(|seen| {
            seen.model() == model && seen.message("user").ends_with("Put it together.")
        });
        found.unwrap_or_else(|| panic!("{model} was not asked")).message("user")
    };
    assert!(asked("big").contains("word word"));
    assert!(asked("m").contains("there is no room for the whole document"));
}

#[test]
fn a_task_that_no_window_holds_is_foreseen_and_refused_before_anything_is_sent() {
    let server = Server::echo();
    let place = place(&server, "[prices.\"openai:m\"]\ncontext = 6000\n");
    place.write("task.txt", "word ".repeat(9_000));
    let task = ["-i", "task=@task.txt"];
    place.write("w.yaml", WORKFLOW.replace("steps:", "inputs: { task: string }\nsteps:"));
    let planned = place.good(&[&["plan"], &RUN[1..], &task].concat());
    let told = "the prompt of step `small` has about ";
    assert!(planned.contains("\nMissing\n") && planned.contains(told), "{planned}");
    let refused = place.refused(&[&RUN[..], &task].concat());
    assert!(
        refused.starts_with("exit 3\nerror: the prompt of step `small` has about "),
        "{refused}"
    );
    assert!(
        refused.contains("its answer may have 1,500, and the window of `openai:m` holds 6,000"),
        "{refused}"
    );
    assert!(refused.contains("`large`") && refused.contains("`report`"), "{refused}");
    assert_eq!(server.count(), 0);
    // A step that may not come to run is no reason to refuse the others.
    place.write(
        "w.yaml",
        "workflow: w\ninputs: { task: string }\nsteps:\n  a: { persona: data-engineer, prompt: 'no task', optional: true }\n",
    );
    let warned = place.run(&[&RUN[..], &task].concat());
    assert!(
        warned.stderr.contains("warning[prompt-too-long]: the prompt of step `a` has about "),
        "{}",
        warned.stderr
    );
    assert_eq!((warned.code, server.count()), (Some(0), 0), "{}", warned.stderr);
}

#[test]
fn an_answer_is_asked_for_no_longer_than_the_window_has_room() {
    let server = Server::echo();
    let place = Place::new()
        .with("ANTHROPIC_BASE_URL", &server.base_url().replace("/v1", ""))
        .with("ANTHROPIC_API_KEY", "sk-ant-canary-1");
    place.configure("[prices.\"anthropic:claude-x\"]\ncontext = 70000\n");
    place.write("w.yaml", "workflow: w\nsteps: { a: { persona: data-engineer, prompt: x } }\n");
    place.good(&["run", "w.yaml", "-m", "anthropic:claude-x"]);
    place.configure("[prices.\"anthropic:claude-x\"]\ncontext = 20000\n");
    place.good(&["run", "w.yaml", "-m", "anthropic:claude-x", "--fresh"]);
    let asked: Vec<u64> =
        server.requests().iter().filter_map(|seen| seen.json["max_tokens"].as_u64()).collect();
    assert_eq!(asked.first(), Some(&64_000));
    assert!(asked.last().is_some_and(|&most| (10_000..20_000).contains(&most)), "{asked:?}");
}
