//! The formats of a result.

use serde_json::Value;

use crate::support::{Place, STEPS, Server, TASK, answer};

fn offline(place: &Place, format: &str) -> String {
    place.good(&["run", "end-to-end-ml", "--task", TASK, "--offline", "--format", format])
}

#[test]
fn every_format_says_first_that_no_model_was_called() {
    let place = Place::new();
    for format in ["text", "markdown"] {
        let result = offline(&place, format);
        assert!(result.lines().next().unwrap().contains("no model was called"), "{format}");
    }
    let document: Value = serde_json::from_str(&offline(&place, "json")).unwrap();
    assert_eq!(document["offline"], true);
    let lines = offline(&place, "jsonl");
    let first: Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
    assert_eq!(first["offline"], true);
}

#[test]
fn json_holds_the_run_its_steps_and_their_texts() {
    let document: Value = serde_json::from_str(&offline(&Place::new(), "json")).unwrap();
    assert_eq!(document["schema"], "orchestrate/run/1");
    assert_eq!(document["workflow"], "end-to-end-ml");
    assert_eq!(document["status"], "succeeded");
    assert_eq!(document["task"], TASK);
    let steps = document["steps"].as_array().unwrap();
    let told: Vec<(&str, &str)> = steps
        .iter()
        .map(|step| (step["step"].as_str().unwrap(), step["persona"].as_str().unwrap()))
        .collect();
    assert_eq!(told, STEPS);
    for step in steps {
        assert!(step["text"].as_str().unwrap().contains("no model was called"));
        assert!(!step["brief"]["decisions"].as_array().unwrap().is_empty());
    }
}

#[test]
fn json_lines_are_a_version_then_events_then_the_result() {
    let place = Place::new();
    let text = offline(&place, "jsonl");
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}")))
        .collect();
    assert_eq!(lines[0]["type"], "version");
    assert_eq!(lines[1]["type"], "run_created");
    let last = lines.last().unwrap();
    assert_eq!(last["type"], "result");
    assert_eq!(last["result"]["schema"], "orchestrate/run/1");
    let events = &lines[1..lines.len() - 1];
    let numbers: Vec<u64> = events.iter().map(|event| event["seq"].as_u64().unwrap()).collect();
    assert_eq!(numbers, (1..=events.len() as u64).collect::<Vec<_>>());
    assert!(events.iter().any(|event| event["type"] == "run_succeeded"));
    assert_eq!(place.good(&["runs", "show", "--format", "jsonl"]), text, "told again the same way");
}

#[test]
fn markdown_is_the_report_that_the_output_folder_gets() {
    let place = Place::new();
    let args = ["run", "end-to-end-ml", "--task", TASK, "--offline"];
    let printed = place.good(&[&args[..], &["--format", "markdown", "--output", "out"]].concat());
    assert_eq!(
        crate::support::without_run_header(&printed),
        crate::support::without_run_header(&place.read("out/report.md"))
    );
}

#[test]
fn a_failure_is_told_in_json_too() {
    let server = Server::start(|_| orchestrate_testkit::reply::Reply::error(400, "odd", "no"));
    let place = Place::beside(&server);
    let args = ["run", "end-to-end-ml", "--task", "x", "--model", "openai:m", "--format", "json"];
    let outcome = place.run(&args);
    assert_eq!(outcome.code, Some(1));
    let document: Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!(document["status"], "failed");
    assert_eq!(document["offline"], false);
    assert_eq!(document["steps"][0]["failure"]["class"], "bad_request");
    assert_eq!(document["steps"][1]["state"], "waiting");
}

#[test]
fn progress_can_be_json_lines_on_standard_error() {
    let place = Place::new();
    let args = ["run", "end-to-end-ml", "--task", TASK, "--offline", "--progress", "json"];
    let outcome = place.run(&args);
    assert_eq!(outcome.code, Some(0));
    let kinds: Vec<String> = outcome
        .stderr
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["type"].as_str().unwrap().into())
        .collect();
    assert_eq!(kinds.first().map(String::as_str), Some("run_created"));
    assert!(kinds.iter().any(|kind| kind == "run_succeeded"), "{kinds:?}");
}

#[test]
fn json_and_text_agree_that_no_call_was_made_offline() {
    let place = Place::new();
    let args = ["run", "end-to-end-ml", "-t", TASK, "--offline", "--format", "json"];
    assert_eq!(place.json(&args)["calls"], 0);
}

/// What a model might say to a terminal: reordered text, colours, a log command.
const HOSTILE: &str = "## T\n\nabc\u{202e}fed \u{1b}[31mred\u{7f}\u{9b}\u{e0041} ##[group]x";

#[test]
fn every_json_form_escapes_what_cannot_be_seen_and_reads_the_same() {
    let server = Server::start(|request| answer(HOSTILE, "D\u{202e}\u{9b}").reply_to(request));
    for ci in ["", "true"] {
        let place = Place::beside(&server).with("CI", ci);
        place.write(
            "one.yaml",
            "workflow: one\nsteps:\n  a: { persona: data-engineer, prompt: p }\n",
        );
        let args = ["run", "one.yaml", "-m", "openai:m", "--fresh"];
        let json = place.good(&[&args[..], &["--format", "json"]].concat());
        let document: Value = serde_json::from_str(&json).unwrap();
        let mut texts = vec![place.good(&[&args[..], &["--format", "jsonl"]].concat())];
        texts.push(place.run(&[&args[..], &["--progress", "json"]].concat()).stderr);
        for list in
            [&["runs", "list", "--format", "json"][..], &["runs", "show", "--format", "json"]]
        {
            texts.push(place.good(list));
        }
        texts.push(json);
        for text in &texts {
            for hidden in ['\u{202e}', '\u{1b}', '\u{7f}', '\u{9b}', '\u{e0041}'] {
                assert!(!text.contains(hidden), "{hidden:?} in {text}");
            }
            assert!(ci.is_empty() || !text.contains("##["), "{text}");
        }
        assert_eq!(document["steps"][0]["text"].as_str().unwrap().trim(), HOSTILE);
        assert_eq!(document["steps"][0]["brief"]["decisions"][0]["decision"], "D\u{202e}\u{9b}");
    }
}

#[test]
fn an_output_that_cannot_be_rendered_is_no_success_and_the_documents_are_the_result() {
    let server = Server::echo();
    let place = Place::beside(&server);
    place.write(
        "w.yaml",
        "workflow: w
steps:
  data: { persona: data-engineer, prompt: Go. }
outputs:
  first: \"{{ steps.data.brief.decisions[9].decision }}\"
",
    );
    let args = ["run", "w.yaml", "-m", "openai:m"];
    let outcome = place.run(&args);
    assert_eq!(outcome.code, Some(1), "{}", outcome.stderr);
    assert!(outcome.stdout.contains("## Data Engineer — data"), "{}", outcome.stdout);
    assert!(!outcome.stdout.contains("could not be rendered"), "{}", outcome.stdout);
    let said = "\nwarning: the output `first` could not be rendered: ";
    assert!(format!("\n{}", outcome.stderr).contains(said), "{}", outcome.stderr);
    let json = place.run(&[&args[..], &["--format", "json"]].concat());
    let document: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!((json.code, document["outputs"].as_object().unwrap().len()), (Some(1), 0));
}

#[test]
fn a_list_of_runs_has_the_words_and_times_of_a_run() {
    let place = Place::new();
    let run: Value = serde_json::from_str(&offline(&place, "json")).unwrap();
    let list = place.json(&["runs", "list", "--format", "json"]);
    for member in ["run", "workflow", "status", "status_text", "offline", "created_at", "calls"] {
        assert_eq!(list["runs"][0][member], run[member], "{member}");
    }
    assert!(list["runs"][0]["created_at"].as_str().unwrap().ends_with('Z'));
}

#[cfg(target_os = "linux")]
#[test]
fn a_result_that_cannot_be_written_is_no_success() {
    let place = Place::new();
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let args = ["run", "end-to-end-ml", "--task", TASK, "--offline", "--progress", "quiet"];
    let outcome = place.start_writing_to(&args, full.into()).finish();
    assert_eq!(outcome.code, Some(1), "{}", outcome.stderr);
    assert!(outcome.stderr.starts_with("error: writing standard output: "), "{}", outcome.stderr);
    assert!(place.good(&["runs", "show", "--result"]).contains("— report"));
}

#[test]
fn a_program_that_reads_only_the_beginning_of_a_result_gets_no_complaint() {
    let place = Place::new();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let args = ["run", "end-to-end-ml", "--task", TASK, "--offline", "--progress", "quiet"];
    let outcome = place.start_writing_to(&args, writer.into()).finish();
    assert_eq!((outcome.code, outcome.stderr.as_str()), (Some(0), ""));
}

#[test]
fn rows_that_nobody_can_see_are_lines() {
    let place = Place::new();
    let args = ["run", "end-to-end-ml", "--task", TASK, "--offline", "--progress", "tty"];
    let said = place.run(&args).stderr;
    assert!(said.contains("[5/5] ok      report"), "{said}");
}

#[test]
fn steps_that_finish_together_are_counted_one_by_one() {
    let server = Server::answering_in_company_of(4);
    let place = Place::beside(&server);
    let step =
        |name: &str| format!("  {name}: {{ persona: data-engineer, prompt: Part {name}. }}\n");
    let steps: String = ["a", "b", "c", "d"].into_iter().map(step).collect();
    place.write("w.yaml", format!("workflow: w\nsteps:\n{steps}"));
    let outcome = place.run(&["run", "w.yaml", "--model", "openai:m"]);
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    let ok = outcome.stderr.lines().filter(|line| line.contains("] ok "));
    let counts: Vec<&str> = ok.filter_map(|line| line.split(']').next()).collect();
    assert_eq!(counts, ["[1/4", "[2/4", "[3/4", "[4/4"], "{}", outcome.stderr);
}
