//! A server that goes wrong.

use std::sync::atomic::{AtomicBool, Ordering};

use orchestrate_testkit::{
    behaviour,
    fault::Fault,
    reply::{Answer, Reply},
};
use serde_json::{Value, json};

use crate::support::{AtTerminal, Place, Server, answer, who};

/// One step, so that one call decides.
const ONE: &str = "workflow: one
inputs: { task: string }
steps:
  data: { persona: data-engineer, prompt: Design the tables. }
";
const RUN_ONE: [&str; 6] = ["run", "one.yaml", "--task", "x", "--model", "openai:m"];

fn place(server: &Server) -> Place {
    let place = Place::beside(server);
    place.write("one.yaml", ONE);
    place
}

/// Runs against a server that always goes wrong like this.
fn check(fault: &Fault, code: i32, calls: u64, message: &str, help: &str) {
    let reply = fault.clone();
    let server = Server::start(move |_| reply.reply());
    let place = place(&server);
    let outcome = place.run(&[&RUN_ONE[..], &["--format", "json"]].concat());
    let context = format!("{fault:?}: {}", outcome.stderr);
    assert_eq!((outcome.code, server.count()), (Some(code), calls), "{context}");
    let said = |line: &str| line.starts_with("[0/1] FAILED  data: ") && line.ends_with(message);
    assert!(outcome.stderr.lines().any(said), "{message}: {context}");
    assert!(outcome.stderr.contains("\nnext: orchestrate re"), "{context}");
    assert!(!outcome.stderr.contains("panicked"), "{context}");
    let document: Value = serde_json::from_str(&outcome.stdout).expect("a document");
    assert_eq!(document["status"], "failed", "{context}");
    let advice = document["steps"][0]["failure"]["help"].as_str().unwrap_or_default();
    assert!(advice.contains(help), "{advice}");
    if !help.is_empty() {
        let advised = |line: &str| line.starts_with("advice  ") && line.contains(help);
        assert!(outcome.stderr.lines().any(advised), "{help}: {context}");
        assert!(place.good(&["runs", "show"]).lines().any(advised), "{help}: {context}");
    }
}

fn failing(fault: &Fault) -> (Server, Place) {
    let reply = fault.clone();
    let server = Server::start(move |_| reply.reply());
    let place = place(&server);
    (server, place)
}

/// Two steps, so that the first one's brief is wanted.
const TWO: &str = "workflow: two
steps:
  data: { persona: data-engineer, prompt: Design. }
  report: { persona: data-viz-specialist, prompt: Report., needs: data }
";

#[test]
fn an_answer_without_a_brief_costs_one_small_call_for_it() {
    let server = Server::start(|request| {
        if request.message("user").contains("Answer with the brief alone.") {
            let brief = json!({"decisions": [{"id": "D1", "decision": "Use one table"}]});
            return Answer::new(format!("```brief\n{brief}\n```\n")).reply_to(request);
        }
        Answer::new("## Tables\n\nOne table.\n").reply_to(request)
    });
    let place = Place::beside(&server);
    place.write("two.yaml", TWO);
    let document = place.json(&["run", "two.yaml", "-m", "openai:m", "--format", "json"]);
    assert_eq!(server.asked(), ["data-engineer", "data-engineer", "data-viz-specialist"]);
    assert_eq!(document["steps"][0]["text"].as_str().unwrap().trim(), "## Tables\n\nOne table.");
    assert_eq!(document["steps"][0]["brief"]["decisions"][0]["decision"], "Use one table");
    let earlier = server.requests()[1].message("user").to_owned();
    assert!(earlier.contains("| your own earlier document for this step\n## Tables"), "{earlier}");
}

#[test]
fn where_no_brief_can_be_had_the_whole_document_is_handed_on() {
    let server =
        Server::start(|request| Answer::new("## Tables\n\nOne table.\n").reply_to(request));
    let place = Place::beside(&server);
    place.write("two.yaml", TWO);
    let outcome = place.run(&["run", "two.yaml", "-m", "openai:m"]);
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    assert_eq!(server.asked(), ["data-engineer", "data-engineer", "data-viz-specialist"]);
    let report = server.requests()[2].message("user").to_owned();
    assert!(report.contains("\n## Tables\n\nOne table.\n>>>end "), "{report}");
}

#[test]
fn files_of_a_run_that_was_completed_by_resume_can_be_written_later() {
    let mended = std::sync::Arc::new(AtomicBool::new(false));
    let state = std::sync::Arc::clone(&mended);
    let server = Server::start(move |request| {
        if who(request) == "data-viz-specialist" && !state.load(Ordering::SeqCst) {
            return Reply::error(400, "odd", "not today");
        }
        behaviour::echo()(request)
    });
    let place = Place::beside(&server);
    place.write("two.yaml", TWO);
    let failed = place.run(&["run", "two.yaml", "-m", "openai:m", "-o", "out"]);
    assert_eq!(failed.code, Some(1), "{}", failed.stderr);
    assert!(place.work().join("out/report.md").is_file());
    mended.store(true, Ordering::SeqCst);
    place.write("out/2-report.md/in-the-way", "");
    let resumed = place.run(&["resume"]);
    assert_eq!((resumed.code, server.count()), (Some(1), 3), "{}", resumed.stderr);
    std::fs::remove_dir_all(place.work().join("out/2-report.md")).unwrap();
    place.good(&["resume"]);
    assert!(place.work().join("out/2-report.md").is_file());
    assert_eq!(server.count(), 3, "nothing is asked again");
}

#[test]
fn a_failure_of_the_server_is_tried_again() {
    let failed = AtomicBool::new(false);
    let server = Server::start(move |request| {
        if failed.swap(true, Ordering::SeqCst) {
            behaviour::echo()(request)
        } else {
            Reply::error(500, "server_error", "try again").header("retry-after", "0")
        }
    });
    let place = place(&server);
    let outcome = place.run(&RUN_ONE);
    assert_eq!((outcome.code, server.count()), (Some(0), 2), "{}", outcome.stderr);
    insta::assert_snapshot!(outcome.stderr, @r#"
    run [RUN]  one  1 step  openai:m
    [0/1] start   data  data-engineer
    [0/1] retry   data in [TIME]: provider unavailable: openai answered 500: [server_error] try again
    [0/1] again   data  data-engineer  attempt 2
    [1/1] ok      data  data-engineer  [TIME]  [N] tok

    steps   1 of 1 finished
    calls   2 sent
    tokens  [N] in, [N] out
    time    [TIME]
    status  complete
    next: orchestrate rerun [RUN] data -m "your remark" to have it reworked
    "#);
}

#[test]
fn refused_credentials_end_with_4_and_name_the_variable() {
    let message = "credentials refused: openai answered 401: [invalid_api_key] a scripted failure";
    check(&Fault::Code(401, "invalid_api_key"), 4, 1, message, "`OPENAI_API_KEY`");
}

#[test]
fn a_page_instead_of_json_ends_with_1_and_points_at_the_address() {
    let message = "answer malformed: an HTML page instead of JSON";
    check(&Fault::Html, 1, 1, message, "most end in /v1");
}

#[test]
fn a_truncated_answer_ends_with_1_and_is_not_tried_again() {
    let message = "answer truncated: the answer reached the model's own limit";
    check(&Fault::Finish(json!("length")), 1, 1, message, "a model with a higher limit");
}

#[test]
fn an_answer_truncated_at_the_authors_limit_names_the_key_that_raises_it() {
    let server = Server::start(|_| Fault::Finish(json!("length")).reply());
    let place = place(&server);
    place.write("one.yaml", format!("{ONE}defaults: {{ max_output_tokens: 4000 }}\n"));
    let outcome = place.run(&[&RUN_ONE[..], &["--format", "json"]].concat());
    assert_eq!((outcome.code, server.count()), (Some(1), 1), "{}", outcome.stderr);
    let document: Value = serde_json::from_str(&outcome.stdout).unwrap();
    let failure = &document["steps"][0]["failure"];
    assert!(failure["message"].as_str().unwrap().contains("4000"), "{failure}");
    assert!(failure["help"].as_str().unwrap().contains("`max_output_tokens`"), "{failure}");
}

#[test]
fn a_filtered_and_a_refused_answer_end_with_1_and_are_not_tried_again() {
    let message = "model refused: a content filter of openai stopped the answer";
    check(&Fault::Finish(json!("content_filter")), 1, 1, message, "");
    check(&Fault::Refusal, 1, 1, "refused: I cannot help with that.", "");
}

#[test]
fn an_empty_answer_is_tried_once_more_and_ends_with_1() {
    let message = "answer empty: openai answered without any text";
    check(&Fault::EmptyContent, 1, 2, message, "");
}

#[test]
fn an_unknown_model_used_up_quota_and_a_prompt_that_is_too_long_say_what_to_do() {
    let check = |status, code, phrase, help| {
        let message = format!("{phrase}: openai answered {status}: [{code}] a scripted failure");
        check(&Fault::Code(status, code), 1, 1, &message, help);
    };
    check(404, "model_not_found", "model or address not found", "has a model `m`");
    check(429, "insufficient_quota", "quota used up", "waiting does not help");
    check(400, "context_length_exceeded", "prompt too long for the model", "larger context window");
}

#[test]
fn what_would_only_fail_again_leads_to_rerun_and_what_may_pass_to_resume() {
    let check = |status: u16, code: &'static str, expected: &str| {
        let (_server, place) = failing(&Fault::Code(status, code));
        let outcome = place.run(&RUN_ONE);
        let id = place.run_ids().remove(0);
        let next = outcome.stderr.lines().next_back().unwrap().replace(&id, "RUN");
        assert!(next.starts_with(expected), "{code}: {next}");
    };
    check(401, "invalid_api_key", "next: orchestrate resume RUN once the cause is mended");
    check(429, "insufficient_quota", "next: orchestrate resume RUN once the cause is mended");
    check(404, "model_not_found", "next: orchestrate rerun RUN --model openai:NAME");
    check(400, "odd", "next: orchestrate rerun RUN once the workflow is changed");
    check(400, "context_length_exceeded", "next: orchestrate rerun RUN once the workflow is");
}

#[test]
fn a_redirect_is_not_followed() {
    let elsewhere = Server::echo();
    let target = format!("{}/chat/completions", elsewhere.base_url());
    let server = Server::start(move |_| Fault::Redirect(target.clone()).reply());
    let outcome = place(&server).run(&RUN_ONE);
    assert_eq!((outcome.code, server.count()), (Some(1), 1), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("FAILED  data: redirected: "), "{}", outcome.stderr);
    assert_eq!(elsewhere.count(), 0);
}

#[test]
fn what_is_not_an_answer_ends_with_1_and_no_panic() {
    for fault in [
        Fault::GarbageEvent,
        Fault::InvalidUtf8,
        Fault::LoneSurrogate,
        Fault::TruncatedJson,
        Fault::WrongShape,
        Fault::HugeLine(2 * 1024 * 1024),
        Fault::Finish(json!("odd")),
    ] {
        let reply = fault.clone();
        let server = Server::start(move |_| reply.reply());
        let outcome = place(&server).run(&RUN_ONE);
        let context = format!("{fault:?}: {}", outcome.stderr);
        assert_eq!((outcome.code, server.count()), (Some(1), 1), "{context}");
        assert!(outcome.stderr.contains("FAILED  data: answer malformed: "), "{context}");
        assert!(!outcome.stderr.contains("panicked"), "{context}");
    }
}

#[test]
fn an_address_where_nobody_listens_ends_with_1_after_a_bounded_number_of_tries() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let place = Place::new()
        .with("OPENAI_BASE_URL", &format!("http://{free}/v1"))
        .with("OPENAI_API_KEY", "k");
    place.write("one.yaml", ONE);
    let outcome = place.run(&RUN_ONE);
    assert_eq!((outcome.code, outcome.stdout.trim()), (Some(1), ""), "{}", outcome.stderr);
    insta::assert_snapshot!(outcome.stderr, @r"
    run [RUN]  one  1 step  openai:m
    [0/1] start   data  data-engineer
    [0/1] retry   data in [TIME]: no connection: could not connect to http://[SERVER]/v1: Connection refused (os error [N])
    [0/1] again   data  data-engineer  attempt 2
    [0/1] retry   data in [TIME]: no connection: could not connect to http://[SERVER]/v1: Connection refused (os error [N])
    [0/1] again   data  data-engineer  attempt 3
    [0/1] retry   data in [TIME]: no connection: could not connect to http://[SERVER]/v1: Connection refused (os error [N])
    [0/1] again   data  data-engineer  attempt 4
    [0/1] FAILED  data: no connection: could not connect to http://[SERVER]/v1: Connection refused (os error [N])

    steps   0 of 1 finished
    calls   4 sent
    tokens  0 in, 0 out
    time    [TIME]
    status  failed: step `data`: no connection: could not connect to http://[SERVER]/v1: Connection refused (os error [N])
    advice  check the address, the network, and that the server is running
    next: orchestrate resume [RUN] once the cause is mended; finished steps are kept
    ");
}

/// A workflow whose first step may fail.
const WITH_OPTIONAL: &str = "workflow: lenient
steps:
  extra: { persona: redis-caching, prompt: Think about caches., optional: true }
  data: { persona: data-engineer, prompt: Design., needs: extra }
";

fn server_without_the_optional_step() -> Server {
    Server::start(|request| match who(request).as_str() {
        "redis-caching" => Reply::error(400, "odd", "no caches today"),
        _ => answer("## Tables", "One table").reply_to(request),
    })
}

#[test]
fn an_optional_step_that_fails_is_a_warning() {
    let server = server_without_the_optional_step();
    let place = Place::beside(&server);
    place.write("lenient.yaml", WITH_OPTIONAL);
    let outcome = place.run(&["run", "lenient.yaml", "-m", "openai:m"]);
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    assert!(outcome.stdout.contains("## Data Engineer — data"));
    insta::assert_snapshot!(outcome.stderr, @r#"
    run [RUN]  lenient  2 steps  openai:m
    [0/2] start   extra  redis-caching
    [1/2] without extra: request refused: openai answered 400: [odd] no caches today
    [1/2] start   data  data-engineer
    [2/2] ok      data  data-engineer  [TIME]  [N] tok

    steps   1 of 2 finished
    calls   2 sent
    tokens  [N] in, [N] out
    time    [TIME]
    status  complete without the optional step `extra`
    next: orchestrate rerun [RUN] data -m "your remark" to have it reworked
    "#);
    let sent = server.requests()[1].message("user").to_owned();
    assert!(sent.contains("\nNot available: "), "{sent}");
    insta::assert_snapshot!(place.good(&["runs", "show"]), @r"
    run [RUN]  lenient  partial

      failed     extra  redis-caching
                        └ request refused: openai answered 400: [odd] no caches today
      ok         data   data-engineer  [N] tok
                        └ `extra` is not available: request refused: openai answered 400: [odd] no caches today

    steps   1 of 2 finished
    calls   2 sent
    tokens  [N] in, [N] out
    time    [TIME]
    status  complete without the optional step `extra`
    ");
}

#[test]
fn an_optional_step_that_fails_ends_with_5_where_that_is_asked_for() {
    let server = server_without_the_optional_step();
    let place = Place::beside(&server);
    place.write("lenient.yaml", WITH_OPTIONAL);
    let outcome = place.run(&["run", "lenient.yaml", "-m", "openai:m", "--fail-on-partial"]);
    assert_eq!(outcome.code, Some(5), "{}", outcome.stderr);
    assert!(outcome.stdout.contains("## Data Engineer — data"));
}

#[test]
fn nobody_else_starts_once_a_needed_step_has_failed_and_resume_goes_on_when_it_is_mended() {
    let mended = std::sync::Arc::new(AtomicBool::new(false));
    let state = std::sync::Arc::clone(&mended);
    let server = Server::start(move |request| {
        if who(request) == "ml-engineer-pytorch" && !state.load(Ordering::SeqCst) {
            return Reply::error(400, "odd", "not today");
        }
        behaviour::echo()(request)
    });
    let place = Place::beside(&server);
    let outcome =
        place.run(&["run", "end-to-end-ml", "--task", "x", "-m", "openai:m", "-o", "out"]);
    assert_eq!((outcome.code, server.count()), (Some(1), 3), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("next: orchestrate rerun "), "{}", outcome.stderr);
    assert!(place.work().join("out/2-analysis.md").exists(), "what is finished is written");
    mended.store(true, Ordering::SeqCst);
    let resumed = place.run(&["resume"]);
    assert_eq!((resumed.code, server.count()), (Some(0), 6), "{}", resumed.stderr);
    assert_eq!(
        server.asked()[3..],
        ["ml-engineer-pytorch", "mlops-engineer", "data-viz-specialist"]
    );
}

#[test]
fn quiet_progress_still_says_why_a_run_failed() {
    let (_server, place) = failing(&Fault::Code(400, "odd"));
    let outcome = place.run(&[&RUN_ONE[..], &["--progress", "quiet"]].concat());
    assert_eq!(outcome.code, Some(1));
    assert!(outcome.stderr.contains("request refused"), "{:?}", outcome.stderr);
}

#[test]
fn quiet_progress_still_warns_of_an_optional_step_that_failed() {
    let server = Server::start(|request| match who(request).as_str() {
        "redis-caching" => Reply::error(400, "odd", "no"),
        _ => behaviour::echo()(request),
    });
    let place = Place::beside(&server);
    place.write("lenient.yaml", WITH_OPTIONAL);
    let outcome = place.run(&["run", "lenient.yaml", "-m", "openai:m", "--progress", "quiet"]);
    assert_eq!(outcome.code, Some(0));
    assert!(outcome.stderr.starts_with("warning: "), "{:?}", outcome.stderr);
}

#[test]
fn a_run_without_a_result_prints_nothing_on_standard_output() {
    let (_server, place) = failing(&Fault::Code(400, "odd"));
    assert_eq!(place.run(&RUN_ONE).stdout, "");
}

#[test]
fn a_retry_after_a_lost_answer_says_why() {
    let attempts = std::sync::atomic::AtomicU32::new(0);
    let server = Server::start(move |request| match attempts.fetch_add(1, Ordering::SeqCst) {
        0 => Reply::error(500, "server_error", "try again").header("retry-after", "0"),
        1 => Fault::CutMidStream.reply(),
        _ => behaviour::echo()(request),
    });
    let outcome = place(&server).run(&RUN_ONE);
    assert_eq!((outcome.code, server.count()), (Some(0), 3), "{}", outcome.stderr);
    let retries = outcome.stderr.lines().filter(|line| line.contains("retry   data in "));
    let reasons: Vec<_> = retries.filter_map(|line| line.split_once(": ")).collect();
    let [(_, refused), (_, cut)] = reasons[..] else { panic!("{reasons:?}") };
    assert_eq!(refused, "provider unavailable: openai answered 500: [server_error] try again");
    assert!(cut.starts_with("answer cut off: "), "{cut}");
    assert!(cut.ends_with("; whether it was charged is not known"), "{cut}");
    assert!(!outcome.stderr.contains("unknown data"), "told once: {}", outcome.stderr);
}

#[test]
fn a_timeout_is_told_as_one_each_time() {
    let server = Server::holding("data-engineer");
    let place = place(&server);
    place.write("one.yaml", format!("{ONE}defaults: {{ timeout: 1s }}\n"));
    let mut running = place.start(&RUN_ONE);
    running.wait_for("[0/1] retry   data in ");
    server.release();
    let outcome = running.finish();
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    assert!(outcome.stderr.contains(": timed out: "), "{}", outcome.stderr);
    assert!(!outcome.stderr.contains("connection was lost"), "{}", outcome.stderr);
}

/// A server that lets the first call go without an answer, and a workflow that wants to be asked then.
fn with_one_lost_call() -> (Server, Place) {
    let lost = AtomicBool::new(false);
    let server = Server::start(move |request| {
        if lost.swap(true, Ordering::SeqCst) {
            behaviour::echo()(request)
        } else {
            Fault::CutMidStream.reply()
        }
    });
    let place = place(&server);
    place.write("one.yaml", format!("{ONE}defaults: {{ on_unknown: ask }}\n"));
    (server, place)
}

const QUESTION: &str = "send again? at worst it is paid twice [y/N]: ";

#[test]
fn whoever_sits_at_the_terminal_says_whether_a_lost_call_is_made_again() {
    let (server, place) = with_one_lost_call();
    let mut terminal = AtTerminal::start(&place, &RUN_ONE);
    terminal.wait_for("nobody knows whether a call of `data` was answered and charged");
    terminal.wait_for(QUESTION);
    assert_eq!(server.count(), 1);
    terminal.types("y");
    terminal.wait_for("ok      data");
    let (code, stdout) = terminal.finish();
    assert_eq!((code, server.count()), (Some(0), 2), "{stdout}");
    assert!(stdout.contains("Echo"), "{stdout}");
}

#[test]
fn without_a_yes_a_lost_call_is_left_to_whoever_resumes_the_run() {
    for answer in [Some(""), Some("no"), None] {
        let (server, place) = with_one_lost_call();
        let no_input: &[&str] = if answer.is_none() { &["--no-input"] } else { &[] };
        let mut terminal = AtTerminal::start(&place, &[&RUN_ONE[..], no_input].concat());
        if let Some(answer) = answer {
            terminal.wait_for(QUESTION);
            terminal.types(answer);
        }
        terminal.wait_for("to have the call made again");
        assert_eq!((terminal.finish().0, server.count()), (Some(7), 1));
        assert_eq!(place.run(&["resume"]).code, Some(0));
        assert_eq!(server.count(), 2);
    }
}

#[test]
fn a_signal_ends_the_question_about_a_lost_call() {
    let (server, place) = with_one_lost_call();
    let mut terminal = AtTerminal::start(&place, &RUN_ONE);
    terminal.wait_for(QUESTION);
    terminal.interrupt();
    assert_eq!((terminal.finish().0, server.count()), (Some(130), 1));
}
