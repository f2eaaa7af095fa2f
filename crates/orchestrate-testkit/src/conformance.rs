//! What every adapter must make of what servers do: one table of cases, played in every dialect.
//!
//! A case is a reply and the outcome that it must come to. The families are those that model servers are
//! known for: refused connections and redirects apart, which need more than one server, everything that
//! can happen to one exchange stands here.

use std::time::Duration;

use orchestrate_core::failure::{Billed, FailureClass};
use serde_json::json;

use crate::{
    fault::Fault,
    gzip,
    reply::{Action, Answer, Reply},
    wire::Wire,
};

/// The text of good answers.
pub const TEXT: &str = "Grüße 👩‍🔬, twice.\n\nGrüße 👩‍🔬, twice.\n";
/// What good answers report of tokens, where they do: input and output.
pub const USAGE: (u64, u64) = (10, 20);

/// One case.
#[derive(Debug, Clone)]
pub struct Case {
    /// What happens, for messages.
    pub name: String,
    /// What the server does.
    pub reply: Reply,
    /// What must come of it.
    pub expected: Expected,
    /// The time limits of the request: first token, between tokens, in all.
    pub patience: [Duration; 3],
}

/// What must come of a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expected {
    /// The text, with the figures of [`USAGE`] or some of our own.
    Good {
        /// Whether the server reports figures.
        reported: bool,
    },
    /// A failure.
    Failure {
        /// Its class.
        class: FailureClass,
        /// Whether nobody knows what became of the request.
        lost: bool,
        /// What is charged.
        billed: Billed,
        /// How long the server asks to wait, in milliseconds.
        wait: Option<u64>,
    },
}

/// Long enough for a busy machine; a case that gets here ends by something else.
const LONG: Duration = Duration::from_secs(30);
/// Short, where the end of patience is what is tested.
const SHORT: Duration = Duration::from_millis(150);

/// Every case in this dialect.
pub fn cases(wire: Wire) -> Vec<Case> {
    let mut cases = good(wire);
    cases.extend(statuses(wire));
    cases.extend(waits(wire));
    cases.extend(broken_connections(wire));
    cases.extend(no_answers(wire));
    cases.extend(rejections(wire));
    cases.extend(error_events(wire));
    cases.extend(silences(wire));
    cases
}

fn case(name: impl Into<String>, reply: Reply, expected: Expected) -> Case {
    Case { name: name.into(), reply, expected, patience: [LONG; 3] }
}

fn failure(class: FailureClass, lost: bool, billed: Billed) -> Expected {
    Expected::Failure { class, lost, billed, wait: None }
}

/// The cases of these faults that the dialect has, which all come to the same.
fn all(wire: Wire, faults: impl IntoIterator<Item = Fault>, expected: &Expected) -> Vec<Case> {
    let played = faults.into_iter().filter_map(|fault| {
        let reply = fault.reply_in(wire)?;
        Some(case(format!("{fault:?}"), reply, expected.clone()))
    });
    played.collect()
}

fn good(wire: Wire) -> Vec<Case> {
    let told = Expected::Good { reported: true };
    let answer = Answer { piece: 7, usage: Some(USAGE), ..Answer::new(TEXT) };
    let whole = answer.events_in(wire).concat();
    let headers = [("content-type", wire.stream_type()), ("content-encoding", "gzip")];
    let bytewise = answer.events_in(wire).concat();
    let bytewise = bytewise.chunks(1).map(crate::reply::chunk);
    let mut bytes = Reply::stream_of(wire.stream_type(), [], false);
    bytes.actions.push(Action::Send(bytewise.collect::<Vec<_>>().concat().into()));
    bytes.actions.push(Action::Send("0\r\n\r\n".into()));
    let mut pinged = answer.events_in(wire);
    pinged.insert(wire.lead() + 1, wire.ping().into());
    vec![
        case("a stream", answer.stream_in(wire), told.clone()),
        case("one document", answer.json_in(wire), told.clone()),
        case("a stream in pieces of a byte", bytes, told.clone()),
        case("a compressed stream", Reply::of(200, &headers, gzip::stored(&whole)), told.clone()),
        case("a stream with pings", Reply::stream_of(wire.stream_type(), pinged, true), told),
        case(
            "no usage",
            Answer { usage: None, ..answer.clone() }.stream_in(wire),
            Expected::Good { reported: false },
        ),
        case(
            "zeros for usage",
            Answer { usage: Some((0, 0)), ..answer.clone() }.stream_in(wire),
            Expected::Good { reported: false },
        ),
        case(
            "no usage in one document",
            Answer { usage: None, ..answer }.json_in(wire),
            Expected::Good { reported: false },
        ),
    ]
}

fn statuses(wire: Wire) -> Vec<Case> {
    use FailureClass as C;
    let mut cases = Vec::new();
    for (status, class) in [
        (400, C::BadRequest),
        (401, C::Credentials),
        (402, C::QuotaExhausted),
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
        cases.extend(all(wire, [Fault::Status(status)], &failure(class, false, Billed::No)));
    }
    // A gateway knows nothing of what the model behind it charged.
    let gateway = failure(C::Unavailable, false, Billed::Assumed);
    cases.extend(all(wire, [Fault::Status(502), Fault::Status(504)], &gateway));
    for (status, code, class) in codes(wire) {
        let told = failure(*class, false, Billed::No);
        cases.extend(all(wire, [Fault::Code(*status, code)], &told));
    }
    cases.push(case(
        "a redirect",
        Reply::of(307, &[("location", "http://other.invalid/v1")], ""),
        failure(C::Redirected, false, Billed::No),
    ));
    let long = wire.error(400, "invalid_request_error", long_prompt(wire));
    let told = failure(C::ContextTooLong, false, Billed::No);
    cases.push(case("a prompt that is too long", Reply::json(400, &long), told));
    cases
}

/// Statuses whose code says more than the number, in each vendor's own words.
fn codes(wire: Wire) -> &'static [(u16, &'static str, FailureClass)] {
    use FailureClass as C;
    match wire {
        Wire::Chat | Wire::Responses => &[
            (429, "insufficient_quota", C::QuotaExhausted),
            (429, "credit_balance_exhausted", C::QuotaExhausted),
            (400, "context_length_exceeded", C::ContextTooLong),
            (400, "model_not_found", C::NotFound),
            (400, "content_filter", C::Refused),
        ],
        Wire::Anthropic => &[
            (400, "billing_error", C::QuotaExhausted),
            (529, "overloaded_error", C::Overloaded),
            (413, "request_too_large", C::BadRequest),
        ],
        Wire::Gemini => &[
            (429, "RESOURCE_EXHAUSTED", C::RateLimited),
            (503, "UNAVAILABLE", C::Unavailable),
            (400, "INVALID_ARGUMENT", C::BadRequest),
        ],
        Wire::Ollama => &[],
    }
}

/// How each vendor says that a prompt does not fit.
fn long_prompt(wire: Wire) -> &'static str {
    match wire {
        Wire::Chat | Wire::Responses => "This model's maximum context length is 8192 tokens",
        Wire::Anthropic => "prompt is too long: 210000 tokens > 200000 maximum",
        Wire::Gemini => {
            "The input token count (9) exceeds the maximum number of tokens allowed (8)"
        }
        Wire::Ollama => "the input length exceeds the context length",
    }
}

fn waits(wire: Wire) -> Vec<Case> {
    let told = |wait| Expected::Failure {
        class: FailureClass::RateLimited,
        lost: false,
        billed: Billed::No,
        wait,
    };
    let mut cases = Vec::new();
    for (name, value, wait) in [
        ("retry-after", "7", Some(7_000)),
        ("retry-after", "0.5", Some(500)),
        ("retry-after", "999999", Some(999_999_000)),
        ("retry-after", "Sat, 21 Nov 2026 12:00:30 GMT", Some(30_000)),
        ("retry-after-ms", "250", Some(250)),
        ("retry-after", "soon", None),
        ("x-other", "1", None),
    ] {
        cases.extend(all(wire, [Fault::RetryAfter(name, value)], &told(wait)));
    }
    if wire == Wire::Gemini {
        let mut body = wire.error(429, "RESOURCE_EXHAUSTED", "Please retry in 1m2.5s.");
        cases.push(case("a wait in words", Reply::json(429, &body), told(Some(62_500))));
        body["error"]["details"] = json!([{"retryDelay": "9s"}]);
        cases.push(case("a wait in details", Reply::json(429, &body), told(Some(9_000))));
    }
    cases
}

fn broken_connections(wire: Wire) -> Vec<Case> {
    let lost = failure(FailureClass::StreamCut, true, Billed::Assumed);
    let faults =
        [Fault::CloseBeforeHeaders, Fault::ResetBeforeHeaders, Fault::ShortBody, Fault::NoEvents];
    let mut cases = all(wire, faults, &lost);
    let faults = [Fault::CutMidStream, Fault::CloseDelimitedCut, Fault::NoTerminalEvent];
    cases.extend(all(wire, faults, &lost));
    if wire == Wire::Anthropic {
        // The reason to stop has come, and the event that ends the message has not.
        let mut events = Answer { usage: Some(USAGE), ..Answer::new(TEXT) }.events_in(wire);
        events.pop();
        let reply = Reply::stream_of(wire.stream_type(), events, true);
        let told = failure(FailureClass::StreamCut, true, Billed::Reported);
        cases.push(case("a stop reason without message_stop", reply, told));
    }
    cases
}

fn no_answers(wire: Wire) -> Vec<Case> {
    let malformed = |billed| failure(FailureClass::Malformed, false, billed);
    let faults = [Fault::Html, Fault::WrongContentType, Fault::TruncatedJson, Fault::WrongShape];
    let mut cases = all(wire, faults, &malformed(Billed::Assumed));
    cases.extend(all(
        wire,
        [Fault::GzipBomb(64 << 20), Fault::EndlessLine],
        &malformed(Billed::Assumed),
    ));
    let faults = [
        Fault::DoneWithoutFinish,
        Fault::GarbageEvent,
        Fault::HugeLine(2 << 20),
        Fault::InvalidUtf8,
        Fault::LoneSurrogate,
    ];
    cases.extend(all(wire, faults, &malformed(Billed::Assumed)));
    let faults = [Fault::Finish(json!("banana")), Fault::Finish(json!("tool_calls"))];
    cases.extend(all(wire, faults, &malformed(Billed::Reported)));
    let unfinished = Fault::Finish(json!(null));
    // A stream of Gemini that gives no reason is one that was cut.
    let told = match wire {
        Wire::Gemini => failure(FailureClass::StreamCut, true, Billed::Reported),
        _ => malformed(Billed::Reported),
    };
    cases.extend(all(wire, [unfinished], &told));
    let answer = Answer { finish: json!("banana"), ..Answer::new(TEXT) };
    cases.push(case(
        "an unknown end in one document",
        answer.json_in(wire),
        malformed(Billed::Reported),
    ));
    let answer = Answer { finish: json!(null), ..Answer::new(TEXT) };
    cases.push(case("no end in one document", answer.json_in(wire), malformed(Billed::Reported)));
    cases
}

fn rejections(wire: Wire) -> Vec<Case> {
    let told = |class| failure(class, false, Billed::Reported);
    let mut cases = all(wire, [Fault::Finish(json!("length"))], &told(FailureClass::Truncated));
    cases.extend(all(wire, [Fault::EmptyContent], &told(FailureClass::Empty)));
    cases.extend(all(wire, [Fault::Refusal], &told(FailureClass::Refused)));
    if wire != Wire::Ollama {
        let filtered = Fault::Finish(json!("content_filter"));
        cases.extend(all(wire, [filtered], &told(FailureClass::Refused)));
    }
    let answer = Answer { finish: json!("length"), ..Answer::new(TEXT) };
    cases.push(case("cut in one document", answer.json_in(wire), told(FailureClass::Truncated)));
    let answer = Answer::new(" \n");
    cases.push(case(
        "white space in one document",
        answer.json_in(wire),
        told(FailureClass::Empty),
    ));
    cases
}

fn error_events(wire: Wire) -> Vec<Case> {
    use FailureClass as C;
    let codes: &[(&'static str, FailureClass)] = match wire {
        Wire::Chat | Wire::Responses => &[
            ("server_error", C::Unavailable),
            ("rate_limit_exceeded", C::RateLimited),
            ("insufficient_quota", C::QuotaExhausted),
            ("context_length_exceeded", C::ContextTooLong),
        ],
        Wire::Anthropic => &[
            ("overloaded_error", C::Overloaded),
            ("rate_limit_error", C::RateLimited),
            ("authentication_error", C::Credentials),
        ],
        Wire::Gemini => &[("UNAVAILABLE", C::Unavailable), ("RESOURCE_EXHAUSTED", C::RateLimited)],
        Wire::Ollama => &[("any", C::Unavailable)],
    };
    let mut cases = Vec::new();
    for (code, class) in codes {
        cases.extend(all(
            wire,
            [Fault::ErrorEvent(code)],
            &failure(*class, false, Billed::Assumed),
        ));
    }
    let body = wire.error(500, "server_error", "a failure under a good status");
    let told = failure(C::Unavailable, false, Billed::Assumed);
    cases.push(case("an error under status 200", Reply::json(200, &body), told));
    cases
}

fn silences(wire: Wire) -> Vec<Case> {
    let late = failure(FailureClass::Timeout, true, Billed::Assumed);
    let before = [
        Fault::SilenceBeforeHeaders,
        Fault::SilenceAfterHeaders,
        Fault::EndlessPings,
        Fault::Trickle,
    ];
    let between = [Fault::SilenceMidStream, Fault::PingsMidStream];
    let patient =
        |cases: Vec<Case>, patience| cases.into_iter().map(move |case| Case { patience, ..case });
    let mut cases: Vec<Case> = patient(all(wire, before, &late), [SHORT, LONG, LONG]).collect();
    cases.extend(patient(all(wire, between, &late), [LONG, SHORT, LONG]));
    cases.extend(patient(all(wire, [Fault::SilenceMidStream], &late), [LONG, LONG, 2 * SHORT]));
    cases
}
