//! The `openai` adapter against a server that plays every fault a chat server is known for.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use orchestrate_core::{
    failure::{Billed, FailureClass},
    request::{Parameters, Request, Segment, Timeouts},
};
use orchestrate_provider::{
    AttemptError, Completion, Progress, Provider as _, Silent,
    dialects::{ChatQuirks, Dialect},
    http::{Config, HttpProvider, Limits},
};
use orchestrate_testkit::{
    behaviour::echo,
    fault::Fault,
    gzip,
    reply::{Action, Answer, Reply, error_body},
    server::{ScriptedServer, SeenRequest},
};
use serde_json::json;

use crate::support::{CANARY, PATIENT, complete, request};

fn config(server: &ScriptedServer) -> Config {
    let dialect = Dialect::ChatCompletions(ChatQuirks::OPENAI);
    Config {
        api_key: Some(CANARY.into()),
        key_origin: Some("the environment variable `OPENAI_API_KEY`".into()),
        timeouts: PATIENT,
        ..Config::new("openai", dialect, server.base_url())
    }
}

async fn against(reply: Reply) -> (Result<Completion, AttemptError>, u64) {
    let server = ScriptedServer::start(move |_: &SeenRequest| reply.clone()).await;
    let server = server.expect("a free port");
    let outcome = complete(config(&server), request()).await;
    (outcome, server.count())
}

/// Plays a fault and checks class, whether nobody knows, and what was charged.
async fn check(fault: Fault, class: FailureClass, lost: bool, billed: Billed) -> AttemptError {
    let (outcome, count) = against(fault.reply()).await;
    let error = match outcome {
        Ok(good) => panic!("{fault:?} was taken for an answer: {good:?}"),
        Err(error) => error,
    };
    assert_eq!(
        (error.class(), error.lost, error.billed),
        (class, lost, billed),
        "{fault:?}: {error}"
    );
    assert_eq!(count, 1, "{fault:?} was tried again");
    assert!(!error.failure.message.is_empty() && !error.failure.message.contains('\n'));
    error
}

#[tokio::test]
async fn a_status_says_what_happened_and_costs_nothing() {
    use FailureClass as C;
    for (status, class) in [
        (400, C::BadRequest),
        (401, C::Credentials),
        (403, C::Credentials),
        (404, C::NotFound),
        (408, C::Unavailable),
        (409, C::Unavailable),
        (413, C::BadRequest),
        (422, C::BadRequest),
        (429, C::RateLimited),
        (500, C::Unavailable),
        (503, C::Unavailable),
        (529, C::Overloaded),
    ] {
        check(Fault::Status(status), class, false, Billed::No).await;
    }
    // A gateway knows nothing of what the model behind it charged.
    check(Fault::Status(502), C::Unavailable, false, Billed::Assumed).await;
    check(Fault::Status(504), C::Unavailable, false, Billed::Assumed).await;
    for (status, code, class) in [
        (429, "insufficient_quota", C::QuotaExhausted),
        (429, "credit_balance_exhausted", C::QuotaExhausted),
        (429, "enforced_spend_limit_reached", C::QuotaExhausted),
        (400, "context_length_exceeded", C::ContextTooLong),
        (400, "exceed_context_size_error", C::ContextTooLong),
    ] {
        check(Fault::Code(status, code), class, false, Billed::No).await;
    }
}

#[tokio::test]
async fn messages_name_what_was_asked_and_help_names_what_to_change() {
    let error = check(Fault::Status(401), FailureClass::Credentials, false, Billed::No).await;
    assert_eq!(error.failure.message, "openai answered 401: [scripted_error] a scripted failure");
    let help = error.failure.help.expect("help");
    assert!(help.contains("`OPENAI_API_KEY`") && help.contains("gpt-5-mini"), "{help}");
    let error = check(Fault::Status(404), FailureClass::NotFound, false, Billed::No).await;
    let help = error.failure.help.expect("help");
    assert!(help.contains("`gpt-5-mini`") && help.contains("http://127.0.0.1:"), "{help}");
}

#[tokio::test]
async fn the_wait_that_a_server_asks_for_is_passed_on_however_it_says_it() {
    for (name, value, expected) in [
        ("retry-after", "7", Some(7_000)),
        ("retry-after", "999999", Some(999_999_000)),
        ("retry-after", "Sat, 21 Nov 2026 12:00:30 GMT", Some(30_000)),
        ("retry-after-ms", "250", Some(250)),
        ("llm_provider-retry-after", "60", Some(60_000)),
        ("x-other", "1", None),
    ] {
        let reply = Fault::RetryAfter(name, value).reply();
        let server = ScriptedServer::start(move |_: &SeenRequest| reply.clone()).await.unwrap();
        let noon = || "2026-11-21T12:00:00Z".parse::<jiff::Timestamp>().expect("a time").into();
        let config = Config { now: noon, ..config(&server) };
        let error = complete(config, request()).await.expect_err("429");
        assert_eq!((error.class(), error.retry_after_ms), (FailureClass::RateLimited, expected));
    }
}

#[tokio::test]
async fn a_connection_that_breaks_leaves_the_request_lost() {
    use FailureClass::StreamCut;
    for fault in [
        Fault::CloseBeforeHeaders,
        Fault::ResetBeforeHeaders,
        Fault::CutMidStream,
        Fault::CloseDelimitedCut,
        Fault::ShortBody,
        Fault::NoTerminalEvent,
        Fault::NoEvents,
    ] {
        let has_text = matches!(
            fault,
            Fault::CutMidStream | Fault::CloseDelimitedCut | Fault::NoTerminalEvent
        );
        let error = check(fault, StreamCut, true, Billed::Assumed).await;
        assert_eq!(error.partial.as_deref(), has_text.then_some("A text of some l"), "{error}");
    }
}

#[tokio::test]
async fn a_server_that_cannot_be_reached_was_sent_nothing() {
    let server = ScriptedServer::start(echo()).await.unwrap();
    let config = config(&server);
    // The port was free a moment ago; with the server gone nobody listens there.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let config = Config { base_url: format!("http://127.0.0.1:{port}/v1"), ..config };
    let error = complete(config, request()).await.expect_err("nobody listens");
    assert_eq!(
        (error.class(), error.lost, error.billed),
        (FailureClass::Connect, false, Billed::No),
        "{error}"
    );
    assert!(error.failure.message.contains("refused"), "{error}");
}

#[tokio::test]
async fn what_is_no_answer_is_malformed_and_not_lost() {
    use FailureClass::Malformed;
    for fault in [
        Fault::Html,
        Fault::WrongContentType,
        Fault::TruncatedJson,
        Fault::WrongShape,
        Fault::DoneWithoutFinish,
        Fault::GarbageEvent,
        Fault::HugeLine(2 << 20),
        Fault::InvalidUtf8,
        Fault::LoneSurrogate,
    ] {
        check(fault, Malformed, false, Billed::Assumed).await;
    }
    for reason in [json!("banana"), json!("tool_calls")] {
        check(Fault::Finish(reason), Malformed, false, Billed::Reported).await;
    }
    check(Fault::Finish(json!(null)), Malformed, false, Billed::Reported).await;
    let error = check(Fault::Html, Malformed, false, Billed::Assumed).await;
    assert_eq!(error.failure.message, "an HTML page instead of JSON");
    assert_eq!(error.failure.help.as_deref(), Some("is the base URL right? most end in /v1"));
}

#[tokio::test]
async fn answers_that_are_turned_down_keep_their_usage_and_text() {
    let reported = Billed::Reported;
    let text = Some("A text of some length.");
    let error =
        check(Fault::Finish(json!("length")), FailureClass::Truncated, false, reported).await;
    assert_eq!((error.partial.as_deref(), error.usage.map(|u| u.total())), (text, Some(30)));
    let filtered = Fault::Finish(json!("content_filter"));
    let error = check(filtered, FailureClass::Refused, false, reported).await;
    assert_eq!(error.partial.as_deref(), text);
    let error = check(Fault::Refusal, FailureClass::Refused, false, reported).await;
    assert_eq!(error.failure.message, "I cannot help with that.");
    let error = check(Fault::EmptyContent, FailureClass::Empty, false, reported).await;
    assert_eq!((error.partial, error.usage.map(|u| u.output)), (None, Some(20)));
}

#[tokio::test]
async fn an_error_in_the_middle_of_a_stream_is_told_by_its_code() {
    use FailureClass as C;
    for (code, class) in [
        ("server_error", C::Unavailable),
        ("rate_limit_exceeded", C::RateLimited),
        ("insufficient_quota", C::QuotaExhausted),
        ("context_length_exceeded", C::ContextTooLong),
    ] {
        let error = check(Fault::ErrorEvent(code), class, false, Billed::Assumed).await;
        assert_eq!(error.partial.as_deref(), Some("A text of some l"));
    }
    // The same without a stream: an error document under status 200.
    let (outcome, _) = against(Reply::json(200, &error_body("insufficient_quota", "no"))).await;
    assert_eq!(outcome.expect_err("an error").class(), C::QuotaExhausted);
}

#[tokio::test]
async fn silence_and_pings_run_into_the_timeout_they_belong_to() {
    let short = |first: u64, idle: u64, total: u64| {
        let mut request = request();
        request.timeouts = Timeouts {
            connect_ms: None,
            first_token_ms: Some(first),
            idle_ms: Some(idle),
            total_ms: Some(total),
        };
        request
    };
    let (soon, never) = (150, 60_000);
    for (fault, request, message) in [
        (Fault::SilenceBeforeHeaders, short(soon, never, never), "no first token within 150ms"),
        (Fault::SilenceAfterHeaders, short(soon, never, never), "no first token within 150ms"),
        (Fault::EndlessPings, short(soon, never, never), "no first token within 150ms"),
        (
            Fault::SilenceMidStream,
            short(never, soon, never),
            "nothing more of the answer came for 150ms",
        ),
        (
            Fault::SilenceMidStream,
            short(never, never, 400),
            "the answer was not finished within 400ms",
        ),
    ] {
        let reply = fault.reply();
        let server = ScriptedServer::start(move |_: &SeenRequest| reply.clone()).await.unwrap();
        let error = complete(config(&server), request).await.expect_err("silence");
        assert_eq!((error.class(), error.lost), (FailureClass::Timeout, true), "{fault:?}");
        assert_eq!(error.failure.message, message, "{fault:?}");
    }
    let endless = request_with_timeout(u64::MAX);
    let server = ScriptedServer::start(echo()).await.unwrap();
    assert!(complete(config(&server), endless).await.is_ok(), "no timeout is too long");
}

fn request_with_timeout(millis: u64) -> Request {
    let all = Some(millis);
    let timeouts = Timeouts { connect_ms: all, first_token_ms: all, idle_ms: all, total_ms: all };
    Request { timeouts, ..request() }
}

#[tokio::test]
async fn a_redirect_reaches_nobody() {
    let elsewhere = ScriptedServer::start(echo()).await.unwrap();
    // Another name of this machine stands for another host.
    let target = elsewhere.base_url().replace("127.0.0.1", "localhost") + "/chat/completions?k=v";
    let fault = Fault::Redirect(target);
    let error = check(fault, FailureClass::Redirected, false, Billed::No).await;
    assert_eq!(elsewhere.count(), 0);
    let place = elsewhere.base_url().replace("127.0.0.1", "localhost") + "/chat/completions";
    let message = format!("openai answered 307, a redirect to {place}, which is never followed");
    assert_eq!(error.failure.message, message);
}

#[tokio::test]
async fn a_compressed_answer_is_read_and_a_bomb_goes_off_nowhere() {
    let whole = Answer::new("hello").events().concat();
    let headers = [("content-type", "text/event-stream"), ("content-encoding", "gzip")];
    let (outcome, _) = against(Reply::of(200, &headers, gzip::stored(&whole))).await;
    assert_eq!(outcome.expect("a good answer").text, "hello");

    // Every inflated byte is a comment's: it is read up to the limit on what brings no event.
    let (outcome, count) = against(Fault::GzipBomb(64 << 20).reply()).await;
    let error = outcome.expect_err("a bomb");
    assert_eq!(
        (error.failure.class, error.failure.message.as_str()),
        (FailureClass::Malformed, "the stream holds more than 4194304 bytes beside its events")
    );
    assert!(!error.lost, "it would be asked again");
    let _ = count;

    let reply = Fault::GzipBomb(64 << 20).reply();
    let server = ScriptedServer::start(move |_: &SeenRequest| reply.clone()).await.unwrap();
    let limits = Limits { wire: 1 << 20, ..Limits::default() };
    let error = complete(Config { limits, ..config(&server) }, request()).await;
    let error = error.expect_err("a bomb");
    assert_eq!(error.failure.message, "the answer takes more than 1048576 bytes");
}

#[tokio::test]
async fn every_form_of_a_good_answer_is_taken() {
    let text = "Grüße 👩‍🔬, twice.\n\n".repeat(20);
    let answer = Answer { piece: 3, ..Answer::new(text.clone()) };
    let forms = [
        answer.as_stream(),
        answer.as_json(),
        Answer { done: false, ..answer.clone() }.as_stream(),
        Answer { pace: Duration::from_micros(100), ..answer.clone() }.as_stream(),
    ];
    for reply in forms {
        let (outcome, _) = against(reply.header("x-request-id", "req_1")).await;
        let good = outcome.expect("a good answer");
        assert_eq!(good.text, text);
        assert_eq!((good.usage.input, good.usage.output, good.usage.estimated), (10, 20, false));
        assert_eq!(good.served_model.as_deref(), Some("scripted-1"));
        assert_eq!(good.request_id.as_deref(), Some("req_1"));
    }
    let (outcome, _) = against(Fault::UsageEverywhere.reply()).await;
    assert_eq!(outcome.expect("a good answer").usage.total(), 30);
}

#[tokio::test]
async fn usage_that_the_server_keeps_to_itself_is_counted_here() {
    let (outcome, _) = against(Fault::NoUsage.reply()).await;
    let usage = outcome.expect("a good answer").usage;
    // "A text of some length." are six tokens of o200k_base.
    assert_eq!((usage.output, usage.estimated), (6, true));
    assert!(usage.input > 20 && usage.input < 200, "{usage:?}");
}

#[tokio::test]
async fn an_answer_that_filled_its_limit_is_truncated_even_if_it_says_stop() {
    let server =
        ScriptedServer::start(|_: &SeenRequest| Answer::new("x").as_stream()).await.unwrap();
    let capped = |cap| Request { output_cap: Some(cap), ..request() };
    let error = complete(config(&server), capped(20)).await.expect_err("20 tokens of 20");
    assert_eq!(error.class(), FailureClass::Truncated);
    assert!(complete(config(&server), capped(21)).await.is_ok());
}

#[tokio::test]
async fn a_server_that_shows_the_key_does_not_get_it_into_messages_or_texts() {
    let told = format!("Incorrect API key provided: {CANARY}. Header: Bearer {CANARY}");
    for reply in [
        Reply::error(401, "invalid_api_key", &told),
        Reply::error(500, CANARY, &told),
        Reply::of(500, &[("x-request-id", CANARY)], told.clone()),
        Reply::of(200, &[("content-type", CANARY)], told.clone()),
        Reply::of(200, &[("content-type", "application/json")], told.clone()),
        Reply::of(302, &[("location", &format!("http://{CANARY}.example/"))], ""),
        Answer::new(told.clone()).as_json(),
        Answer { finish: json!(CANARY), ..Answer::new(told.clone()) }.as_stream(),
        Answer { finish: json!("length"), piece: 5, ..Answer::new(told.clone()) }.as_stream(),
        Answer { model: CANARY.into(), ..Answer::new("fine") }.as_stream(),
        Reply::stream([format!("event: error\ndata: {told}\n\n").into()], true),
        Reply::stream([format!("data: {told}\n\n").into()], true),
    ] {
        // `complete` looks for the key in everything that comes back.
        let (outcome, _) = against(reply).await;
        let shown = format!("{outcome:?}");
        assert!(shown.contains("[redacted]"), "{shown}");
    }
}

#[tokio::test]
async fn progress_hears_of_the_first_token_once_and_of_every_byte() {
    #[derive(Default)]
    struct Heard {
        first: AtomicUsize,
        bytes: AtomicUsize,
        tokens: AtomicU64,
    }
    impl Progress for Heard {
        fn first_token(&self) {
            self.first.fetch_add(1, Ordering::SeqCst);
        }

        fn delta(&self, bytes: usize, output_tokens_so_far_estimate: u64) {
            self.bytes.fetch_add(bytes, Ordering::SeqCst);
            self.tokens.store(output_tokens_so_far_estimate, Ordering::SeqCst);
        }
    }
    let server = ScriptedServer::start(|_: &SeenRequest| Answer::new("ü".repeat(200)).as_stream())
        .await
        .unwrap();
    let provider = HttpProvider::new(config(&server)).unwrap();
    let heard = Arc::new(Heard::default());
    provider.complete(Arc::new(request()), heard.clone()).await.unwrap();
    assert_eq!(heard.first.load(Ordering::SeqCst), 1);
    assert_eq!(heard.bytes.load(Ordering::SeqCst), 400);
    assert_eq!(heard.tokens.load(Ordering::SeqCst), 100);
}

#[tokio::test]
async fn many_calls_run_at_once_and_connections_are_used_again() {
    // Paced, so that the end of the body comes later than `[DONE]`.
    let answer = Answer { pace: Duration::from_millis(5), ..Answer::new("fine") };
    let reply = answer.as_stream().after(Duration::from_millis(100));
    let server = ScriptedServer::start(move |_: &SeenRequest| reply.clone()).await.unwrap();
    let provider = HttpProvider::new(config(&server)).unwrap();
    let call = |number: usize| {
        let prompt = Segment::Prompt(format!("Step {number}."));
        let request = Request { segments: vec![prompt], ..request() };
        provider.complete(Arc::new(request), Arc::new(Silent))
    };
    let outcomes = futures::future::join_all((0..50).map(call)).await;
    assert!(outcomes.iter().all(Result::is_ok));
    assert_eq!(server.count(), 50);
    assert!(server.peak() > 10, "only {} at a time", server.peak());
    let connections = server.connections();
    for number in 50..53 {
        call(number).await.expect("a good answer");
    }
    assert_eq!(server.connections(), connections, "a finished answer leaves its connection");
}

#[tokio::test]
async fn a_server_that_does_not_hang_up_after_its_answer_is_not_waited_for_long() {
    let answer = Answer { done: false, ..Answer::new("fine") };
    let whole = answer.events().concat().into();
    let reply = Reply::stream([whole], false).then([Action::Hang]);
    let server = ScriptedServer::start(move |_: &SeenRequest| reply.clone()).await.unwrap();
    let mut asked = request();
    asked.timeouts.idle_ms = Some(100);
    assert_eq!(complete(config(&server), asked).await.expect("a good answer").text, "fine");
}

#[tokio::test]
async fn the_request_on_the_wire_is_the_expected_one() {
    let server = ScriptedServer::start(echo()).await.unwrap();
    let config = Config {
        headers: vec![
            ("OpenAI-Organization".into(), "org-1".into()),
            ("OpenAI-Project".into(), "proj-1".into()),
        ],
        ..config(&server)
    };
    let mut asked = request();
    asked.parameters = Parameters {
        temperature: Some(0.7),
        max_output_tokens: Some(4_000),
        ..Parameters::default()
    };
    complete(config.clone(), asked.clone()).await.expect("a good answer");
    let old = Config { dialect: Dialect::ChatCompletions(ChatQuirks::COMPATIBLE), ..config };
    complete(Config { api_key: None, ..old }, asked).await.expect("a good answer");

    let seen = server.requests();
    assert_eq!((seen[0].method.as_str(), seen[0].path.as_str()), ("POST", "/v1/chat/completions"));
    let mut headers = seen[0].headers.clone();
    headers.retain(|(name, _)| name != "host" && name != "content-length");
    headers.sort();
    let headers: Vec<String> =
        headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    insta::assert_snapshot!(headers.join("\n"), @r"
    accept: text/event-stream, application/json
    accept-encoding: gzip
    authorization: Bearer sk-canary-7f3a9b2c
    content-type: application/json
    openai-organization: org-1
    openai-project: proj-1
    user-agent: orchestrate/0.1.0
    ");
    insta::assert_snapshot!(serde_json::to_string_pretty(&seen[0].json).unwrap(), @r#"
    {
      "messages": [
        {
          "role": "system",
          "content": "You test."
        },
        {
          "role": "user",
          "content": "<<<material 4cc8e5193de1894bc3f17bf09049f163 | the task, from the user\nPredict churn\n>>>end 4cc8e5193de1894bc3f17bf09049f163\n\nBegin."
        }
      ],
      "model": "gpt-5-mini",
      "max_completion_tokens": 4000,
      "stream": true,
      "stream_options": {
        "include_usage": true
      },
      "temperature": 0.7
    }
    "#);
    assert_eq!(seen[1].json["max_tokens"], 4_000);
    assert_eq!(seen[1].json.get("max_completion_tokens"), None);
    assert_eq!(seen[1].header("authorization"), None);
}
