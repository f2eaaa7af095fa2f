//! Recorded calls: files that come back as they were, tell of every change, and are found by what is asked.

use std::sync::{Arc, Mutex};

use insta::assert_snapshot;
use orchestrate_core::{
    failure::FailureClass,
    ids::{CallId, Purpose},
    persona::{Persona, persona_digest},
    request::{Endpoint, Identity, Request, Segment},
    usage::Usage,
};
use orchestrate_provider::{
    Provider as _, Silent,
    cassette::{RecordedCall, Replay, Standing, Tape, Verdict, differences},
};

use crate::support::request;

fn endpoint() -> Endpoint {
    Endpoint {
        provider: "openai".into(),
        origin: "https://api.openai.com/v1".into(),
        dialect: "chat-completions".into(),
    }
}

fn asked(step: &str, prompt: &str) -> Request {
    let digest = persona_digest(b"a persona");
    let persona = Persona::new("data-engineer", "Data Engineer", "d", "You build.", digest);
    Request {
        call: CallId::first(step.into(), Purpose::Draft),
        persona: Arc::new(persona),
        system: "You build.\n\nAnswer with a document.".into(),
        segments: vec![
            Segment::Task("Predict churn\nfrom events".into()),
            Segment::Prompt(prompt.into()),
        ],
        ..request()
    }
}

fn recorded(request: &Request, answer: &str) -> RecordedCall {
    let usage =
        Usage { input: 12, output: 3, cached: 4, cache_write: 0, reasoning: 0, estimated: false };
    let served = Some("gpt-5-mini-2025-08-07".to_owned());
    RecordedCall::of(&endpoint(), request, answer, Verdict::Good, usage, served)
}

#[test]
fn a_recorded_call_reads_like_a_document() {
    let call = recorded(&asked("data", "Set it up."), "# Postgres\n\nIt is there.\n");
    assert_snapshot!(call.to_text(), @r"
    ---
    cassette: 1
    identity: 2739784d91fdacb9069e8b8fda77859e63b6c6fe8361dbb2fa58a0b7593418e6
    call: data#draft.1
    persona: data-engineer
    persona_digest: c5cc0df566429bf43ace4488e4dd3ad2d6c5be719abfddc52cfbcd59ed72cd1c
    model: openai:gpt-5-mini
    provider: openai
    origin: https://api.openai.com/v1
    dialect: chat-completions
    finish: stop
    verdict: good
    served_model: gpt-5-mini-2025-08-07
    input_tokens: 12
    output_tokens: 3
    cached_tokens: 4
    tokens: reported
    answer_digest: 3b5ec9c8ad69ebea610c720ceed78eb67463efdb962c87c516c3d6f021cd3b10
    ---
    # 2739784d system
    You build.

    Answer with a document.

    # 2739784d task
    <<<material b9980e36b4bec6e1edbfe1d8460cfb97 | the task, from the user
    Predict churn
    from events
    >>>end b9980e36b4bec6e1edbfe1d8460cfb97

    # 2739784d prompt
    Set it up.

    # 2739784d answer (escaped)
    # Postgres

    It is there.\u{a}
    ");
    assert_snapshot!(call.file_name(), @"data-2739784d91fd.md");
}

#[test]
fn a_recorded_call_comes_back_as_it_was_and_keeps_its_identity() {
    let mut request = asked("outer[2]/inner", "Say \u{1b}[31mred\u{202e}\r\n  and go on.  \n");
    request.parameters.temperature = Some(0.1);
    request.parameters.max_output_tokens = Some(900);
    request.parameters.seed = Some(7);
    request.response_schema =
        Some(Arc::new(serde_json::json!({ "type": "object", "x": [1.0, "\u{202e}"] })));
    let mut call = recorded(&request, "{\"a\": \"\u{7}\"}\n\n");
    call.verdict = Verdict::Misfit;
    call.served_model = Some("a model: # \"quoted\"".into());
    let text = call.to_text();
    assert_eq!(RecordedCall::read("x.md", &text), Ok(call.clone()));
    assert_eq!(RecordedCall::read("x.md", &text).unwrap().to_text(), text);
    assert_eq!(call.identity(), Identity::of(&endpoint(), &request));
    assert!(call.file_name().starts_with("outer-2-inner-"), "{}", call.file_name());
    let mut failed = call.clone();
    (failed.verdict, failed.answer) =
        (Verdict::FellBack(FailureClass::Unavailable), "unavailable".into());
    let told = failed.to_text();
    assert!(
        told.contains("\nfinish: failed\nverdict: fell_back\nfailure: unavailable\n"),
        "{told}"
    );
    assert_eq!(RecordedCall::read("x.md", &told), Ok(failed));
    for odd in ["not_recorded", "refused", "x"] {
        let odd = told.replace("failure: unavailable", &format!("failure: {odd}"));
        assert!(RecordedCall::read("x.md", &odd).is_err(), "{odd}");
    }
    let windows = text.replace('\n', "\r\n");
    assert_eq!(RecordedCall::read("x.md", &windows), Ok(call), "a checkout changes line ends");
}

#[test]
fn every_change_to_a_file_is_told_with_its_line() {
    let text = recorded(&asked("data", "Set it up."), "An answer.").to_text();
    let told = |from: &str, to: &str| {
        let changed = text.replacen(from, to, 1);
        assert_ne!(changed, text, "{from}");
        let error = RecordedCall::read("data.md", &changed).expect_err(to);
        let help = error.help.as_ref().map(|help| format!("\n  {help}")).unwrap_or_default();
        format!("{error}{help}\n")
    };
    let all = [
        told("cassette: 1", "cassette: 2"),
        told("cassette: 1", "casette: 1"),
        told("cassette: 1\n", ""),
        told("Set it up.", "Set it down."),
        told("gpt-5-mini", "gpt-5-maxi"),
        told("An answer.", "Another answer."),
        told("finish: stop", "finish: length"),
        told("verdict: good", "verdict: fine"),
        told("tokens: reported", "tokens: guessed"),
        told("input_tokens: 12", "input_tokens: twelve"),
        told("persona: data-engineer", "persona: \"\\u001b[31m"),
        told(" system\n", " sistem\n"),
        told(" answer\n", " anser\n"),
        told("---\n", ""),
        told("An answer.", "<<<<<<< ours\nAn answer.\n=======\nNo.\n>>>>>>> theirs"),
    ];
    assert_snapshot!(all.concat(), @r"
    data.md:2: format 2 is not known here, only 1
      use the version of orchestrate that wrote it
    data.md:2: unknown key `casette`
      did you mean `cassette`?
    data.md:1: `cassette` is missing
    data.md:3: something of the call was changed: its identity is d8fa1e61, not 2739784d
      take the file back as it was, or remove it and record the call again
    data.md:3: something of the call was changed: its identity is 43dc479d, not 2739784d
      take the file back as it was, or remove it and record the call again
    data.md:34: the answer was changed since it was recorded
      if that is meant, write answer_digest: 69f8fe98d21de6493e01d38a9f63116caf427d59482dbc52037aebdaba0936a0
    data.md:11: `length` is no value for `finish`
      an answer that did not end of its own accord is never replayed
    data.md:12: `fine` is no value for `verdict`
    data.md:17: `guessed` is no value for `tokens`
    data.md:14: `twelve` is no value for `input_tokens`
    data.md:5: the quoted text of `persona` cannot be read
    data.md:20: the first text is not the system prompt
    data.md:20: the last text is not the answer
    data.md:1: the file does not begin with a line of three dashes
    data.md:35: a merge left a conflict here
      keep one side of the file as a whole, or remove it and record the call again
    ");
}

#[test]
fn files_of_noise_are_refused_without_a_panic() {
    let text = recorded(&asked("data", "Set it up."), "An answer.").to_text();
    for at in 0..text.len() {
        let cut = &text[..at];
        assert!(RecordedCall::read("x", cut).is_err(), "{cut}");
        let mut bytes = text.clone().into_bytes();
        bytes[at] = bytes[at].wrapping_add(1) & 0x7f;
        let changed = String::from_utf8(bytes).unwrap();
        // What does not shape call or answer may be read; nothing else is.
        if let Ok(call) = RecordedCall::read("x", &changed) {
            let original = RecordedCall::read("x", &text).unwrap();
            assert_eq!((call.identity(), &call.answer), (original.identity(), &original.answer));
        }
    }
    for noise in ["", "---", "---\n---\n", "\0", "---\n---\n# ", "---\ncassette: 1\n---\n#  \n"] {
        assert!(RecordedCall::read("x", noise).is_err(), "{noise:?}");
    }
}

#[test]
fn what_differs_is_told_by_part_and_line() {
    let before = asked("data", "Set it up.\nUse Postgres and keep the events for two years.");
    let call = recorded(&before, "An answer.");
    let mut now = asked("data", "Set it up.\nUse Postgres and keep the events for ten years.");
    now.model = "openai:gpt-5".parse().unwrap();
    now.parameters.temperature = Some(0.5);
    now.parameters.seed = Some(0);
    let mut persona = (*now.persona).clone();
    persona.digest = persona_digest(b"changed");
    now.persona = Arc::new(persona);
    now.system = "You build.\n\nAnswer with a \u{1b}]0;plan.".into();
    now.segments[0] = Segment::Task("Predict churn\nfrom orders".into());
    now.segments.push(Segment::Remark("again".into()));
    let told = differences(&call, &endpoint(), &now).join("\n");
    assert_snapshot!(told, @r"
    model: recorded gpt-5-mini, now gpt-5
    temperature: recorded none, now 0.5
    seed: recorded none, now 0
    persona: the file of `data-engineer` is another one
    the system prompt, line 3: recorded “Answer with a document.”, now “Answer with a \u{1b}]0;plan.”
    the task, line 3: recorded “from events”, now “from orders”
    the prompt, line 2: recorded “…eep the events for two years.”, now “…eep the events for ten years.”
    the remark: not recorded, and there now
    ");
    assert_eq!(differences(&call, &endpoint(), &before), [""; 0]);
}

#[tokio::test]
async fn a_replay_answers_what_was_recorded_and_names_the_nearest_call_for_what_was_not() {
    let calls = [
        recorded(&asked("data", "Set it up."), "A"),
        recorded(&asked("data", "Set it up, and write about all of it at length."), "B"),
        recorded(&asked("model", "Choose a model."), "C"),
    ];
    let tape = Tape::new(calls.map(|call| (call.file_name(), call))).expect("one answer each");
    let tape = Arc::new(tape);
    let replay = Replay::new(endpoint(), Arc::clone(&tape), Standing::Refused);
    assert!(!replay.reusable() && !replay.is_paid());
    let ask = |request: Request| replay.complete(Arc::new(request), Arc::new(Silent));

    let answer = ask(asked("elsewhere", "Set it up.")).await.expect("recorded");
    assert_eq!((answer.text.as_str(), answer.usage), ("A", Usage::default()));
    let missed = ask(asked("data", "Set it down.")).await.expect_err("not recorded");
    assert_eq!(missed.class(), FailureClass::NotRecorded);
    let help = missed.failure.help.unwrap_or_default();
    assert_snapshot!(format!("{}\n{help}", missed.failure.message), @r"
    `data#draft.1` (d8fa1e61237a) was not recorded; nearest: data-2739784d91fd.md
    the prompt, line 1: recorded “Set it up.”, now “Set it down.”
    ");
    let missed = ask(asked("report", "Report.")).await.expect_err("not recorded");
    let help = missed.failure.help.unwrap_or_default();
    assert_snapshot!(format!("{}\n{help}", missed.failure.message), @r"
    `report#draft.1` (04c6663b3604) was not recorded; nearest: data-2739784d91fd.md, of `data#draft.1`
    no call of this step was recorded; record it with --record
    ");

    let noted = Arc::new(Mutex::new(Vec::new()));
    let standing_in = Replay::new(endpoint(), tape, Standing::Noted(Arc::clone(&noted)));
    let ask = |request: Request| standing_in.complete(Arc::new(request), Arc::new(Silent));
    let answer = ask(asked("data", "Set it down.")).await.expect("the nearest stands in");
    assert_eq!(answer.text, "A");
    assert!(ask(asked("report", "Report.")).await.is_err(), "nothing of this step was recorded");
    assert_eq!(noted.lock().unwrap().len(), 2);
}

#[test]
fn two_answers_to_one_call_are_no_cassette() {
    let call = |answer| recorded(&asked("data", "Set it up."), answer);
    let files = |second| [("a.md".to_owned(), call("A")), ("b.md".to_owned(), call(second))];
    assert_eq!(Tape::new(files("A")).expect("the same twice").len(), 1);
    let error = Tape::new(files("B")).expect_err("two answers");
    assert_eq!(error.to_string(), "`a.md` and `b.md` answer the same call, each in its own way");
}
