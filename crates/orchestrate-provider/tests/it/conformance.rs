//! The conformance suite, run over every adapter.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use orchestrate_core::{
    failure::FailureClass,
    request::{Request, Timeouts},
};
use orchestrate_provider::{
    Provider as _, Silent,
    dialects::{AnthropicVersion, ChatQuirks, Dialect},
    http::{Config, HttpProvider},
};
use orchestrate_testkit::{
    behaviour::echo,
    conformance::{Case, Expected, TEXT, USAGE, cases},
    fault::Fault,
    reply::{Answer, Reply},
    server::{ScriptedServer, SeenRequest},
    wire::Wire,
};

use crate::support::{CANARY, PATIENT, complete, request};

/// Beyond what a case's own limits allow, on a machine that has other things to do.
const GRACE: Duration = Duration::from_secs(15);

pub(crate) fn dialect(wire: Wire) -> Dialect {
    match wire {
        Wire::Chat => Dialect::ChatCompletions(ChatQuirks::OPENAI),
        Wire::Responses => Dialect::Responses,
        Wire::Anthropic => Dialect::AnthropicMessages {
            version: AnthropicVersion::Newest,
            cache: true,
            max_tokens: None,
        },
        Wire::Gemini => Dialect::Gemini { version: "v1beta".into() },
        Wire::Ollama => Dialect::Ollama { context: None },
    }
}

pub(crate) fn config(wire: Wire, server: &ScriptedServer) -> Config {
    let noon = || "2026-11-21T12:00:00Z".parse::<jiff::Timestamp>().expect("a time").into();
    Config {
        api_key: Some(CANARY.into()),
        timeouts: PATIENT,
        now: noon,
        ..Config::new("scripted", dialect(wire), format!("{}{}", server.url(), wire.prefix()))
    }
}

/// A request that says which case it is.
fn asking(number: usize, case: &Case) -> Request {
    let [first, idle, total] = case.patience.map(|time| u64::try_from(time.as_millis()).ok());
    Request {
        model: format!("scripted:case-{number}").parse().expect("a model"),
        timeouts: Timeouts {
            connect_ms: None,
            first_token_ms: first,
            idle_ms: idle,
            total_ms: total,
        },
        ..request()
    }
}

/// The number of the case that a request asks for: its model stands in the body or in the path.
fn asked(request: &SeenRequest) -> usize {
    let place = format!("{} {}", request.model(), request.path);
    let number = place.split_once("case-").map(|(_, rest)| rest).unwrap_or_default();
    let digits = number.find(|c: char| !c.is_ascii_digit()).unwrap_or(number.len());
    number[..digits].parse().expect("a case")
}

/// Plays every case of a dialect, several at a time over one client, and tells what came out wrong.
async fn check(wire: Wire) {
    let cases = cases(wire);
    let replies: Vec<Reply> = cases.iter().map(|case| case.reply.clone()).collect();
    let server =
        ScriptedServer::start(move |request: &SeenRequest| replies[asked(request)].clone());
    let server = server.await.expect("a free port");
    let provider = HttpProvider::new(config(wire, &server)).expect("a sound configuration");
    let mut wrong = Vec::new();
    let played: Vec<_> = cases
        .iter()
        .enumerate()
        .map(|(number, case)| {
            let provider = provider.clone();
            async move {
                let (before, longest) = (Instant::now(), case.patience.iter().max().copied());
                let attempt = provider.complete(Arc::new(asking(number, case)), Arc::new(Silent));
                let outcome = attempt.await;
                let shown = format!("{outcome:?}");
                assert!(!shown.contains(CANARY), "{}: {shown}", case.name);
                let in_time = before.elapsed() < longest.unwrap_or_default() + GRACE;
                (case, outcome, in_time)
            }
        })
        .collect();
    let played = futures::stream::StreamExt::buffer_unordered(futures::stream::iter(played), 12);
    for (case, outcome, in_time) in futures::stream::StreamExt::collect::<Vec<_>>(played).await {
        let seen = match &outcome {
            Ok(good) if good.text == TEXT => Expected::Good {
                reported: !good.usage.estimated && (good.usage.input, good.usage.output) == USAGE,
            },
            Ok(good) => panic!("{wire:?}, {}: a text of its own: {good:?}", case.name),
            Err(error) => Expected::Failure {
                class: error.class(),
                lost: error.lost,
                billed: error.billed,
                wait: error.retry_after_ms,
            },
        };
        if seen != case.expected || !in_time {
            wrong.push(format!(
                "{}: {seen:?} in place of {:?}: {outcome:?}",
                case.name, case.expected
            ));
        }
    }
    assert!(wrong.is_empty(), "{wire:?}:\n{}", wrong.join("\n"));
    assert_eq!(server.count(), cases.len() as u64, "nothing is tried again");
    assert!(cases.len() > 60, "only {} cases", cases.len());
    bounded();
}

/// The most memory that this process has had, where the system tells.
fn bounded() {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = peak.and_then(|peak| peak.trim().trim_end_matches(" kB").trim().parse::<u64>().ok());
    assert!(kib.unwrap_or_default() < 200 * 1024, "{kib:?} KiB");
}

#[tokio::test]
async fn chat_completions_conform() {
    check(Wire::Chat).await;
}

#[tokio::test]
async fn responses_conform() {
    check(Wire::Responses).await;
}

#[tokio::test]
async fn anthropic_messages_conform() {
    check(Wire::Anthropic).await;
}

#[tokio::test]
async fn gemini_conforms() {
    check(Wire::Gemini).await;
}

#[tokio::test]
async fn ollama_conforms() {
    check(Wire::Ollama).await;
}

#[tokio::test]
async fn a_redirect_reaches_nobody_in_any_dialect() {
    let elsewhere = ScriptedServer::start(echo()).await.expect("a free port");
    for wire in Wire::ALL {
        // Another name of this machine stands for another host.
        let target = elsewhere.url().replace("127.0.0.1", "localhost");
        for status in [301, 302, 307, 308] {
            let reply = Reply::of(status, &[("location", &target)], "");
            let server = ScriptedServer::start(move |_: &SeenRequest| reply.clone()).await;
            let server = server.expect("a free port");
            let error = complete(config(wire, &server), request()).await.expect_err("a redirect");
            assert_eq!(error.class(), FailureClass::Redirected, "{wire:?}");
        }
    }
    assert_eq!(elsewhere.count(), 0);
}

#[tokio::test]
async fn a_key_that_a_server_repeats_shows_nowhere_in_any_dialect() {
    for wire in Wire::ALL {
        let told = format!("Your key is {CANARY}.");
        for reply in [
            Reply::json(401, &wire.error(401, CANARY, &told)),
            Reply::json(200, &wire.error(200, CANARY, &told)),
            Answer { piece: 5, ..Answer::new(told.clone()) }.stream_in(wire),
            Answer { finish: CANARY.into(), ..Answer::new(told.clone()) }.stream_in(wire),
            Answer { model: CANARY.into(), ..Answer::new("fine") }.stream_in(wire),
            Answer { model: CANARY.into(), ..Answer::new(told.clone()) }.json_in(wire),
        ] {
            let server = ScriptedServer::start(move |_: &SeenRequest| reply.clone()).await;
            // `complete` looks for the key in everything that comes back.
            let outcome = complete(config(wire, &server.expect("a free port")), request()).await;
            assert!(format!("{outcome:?}").contains("[redacted]"), "{wire:?}: {outcome:?}");
        }
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_was_sent_nothing_in_any_dialect() {
    for wire in Wire::ALL {
        let server = ScriptedServer::start(echo()).await.expect("a free port");
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        drop(listener);
        let base_url = format!("http://127.0.0.1:{port}{}", wire.prefix());
        let gone = Config { base_url, ..config(wire, &server) };
        let error = complete(gone, request()).await.expect_err("nobody listens");
        assert_eq!((error.class(), error.lost), (FailureClass::Connect, false), "{wire:?}");
    }
}

#[tokio::test]
async fn an_endpoint_lists_its_models_or_says_why_not() {
    for wire in Wire::ALL {
        let server = ScriptedServer::start(echo()).await.expect("a free port");
        let provider = HttpProvider::new(config(wire, &server)).expect("a sound configuration");
        let models = provider.models().await.expect("a list");
        let names: Vec<&str> = models.iter().map(|name| name.rsplit('/').next().unwrap()).collect();
        assert_eq!(names, ["scripted-1", "scripted-2"], "{wire:?}");
        for (fault, class) in [
            (Fault::Status(401), FailureClass::Credentials),
            (Fault::Html, FailureClass::Malformed),
            (Fault::Redirect("http://other.invalid/".into()), FailureClass::Redirected),
            (Fault::CloseBeforeHeaders, FailureClass::StreamCut),
        ] {
            let reply = fault.reply_in(wire).expect("a fault of every dialect");
            let server = ScriptedServer::start(move |_: &SeenRequest| reply.clone()).await;
            let server = server.expect("a free port");
            let provider = HttpProvider::new(config(wire, &server)).expect("sound");
            let error = provider.models().await.expect_err("no list");
            assert_eq!(error.class(), class, "{wire:?} {fault:?}: {error}");
        }
    }
}
