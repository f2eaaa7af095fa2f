//! What the personas answer in a test.

use indexmap::IndexMap;
use orchestrate_core::failure::FailureClass;
use serde_json::Value;

use super::Placed;
use crate::{
    codes,
    compile::{fields, value},
    test_language::{REPLY, TOKENS, VERDICT},
    yaml::{Kind, Node, Sink, with_help},
};

/// The most attempts that one script answers.
const MOST_ATTEMPTS: usize = 1_000;

/// The answers of one step or call, one for each attempt.
#[derive(Debug, Clone)]
pub struct Script {
    /// The step, or the call as `step#brief` or `step#draft.1`.
    pub key: Placed<String>,
    /// One answer for each attempt, in order.
    pub attempts: Vec<Reply>,
    /// Whether the whole file says it, so that a test need not make use of it.
    pub shared: bool,
}

/// What one attempt brings.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The answer's text, or what had arrived of it when it failed.
    pub text: Option<ScriptedText>,
    /// The value that the answer is, for a step with `output`.
    pub output: Option<Value>,
    /// What a reviewer says, for a verdict.
    pub verdict: Option<ScriptedVerdict>,
    /// The brief that is added to the text.
    pub brief: Option<Value>,
    /// Whether the text stays without a brief.
    pub without_brief: bool,
    /// How it fails, where it does.
    pub failing: Option<Failing>,
    /// Tokens that it uses up, prompt and answer.
    pub tokens: Option<(u64, u64)>,
}

/// A verdict, as far as a test says it: everything else passes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ScriptedVerdict {
    /// The gates that fail, by id.
    pub fails: Vec<Placed<String>>,
    /// The earlier findings that are still open, by id.
    pub open: Vec<String>,
    /// New findings: the rule of each.
    pub findings: Vec<String>,
}

/// Where the text of a reply stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ScriptedText {
    /// In the test file.
    Here(String),
    /// In a file beside it, by its path from there.
    File(Placed<String>),
}

/// How an attempt fails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failing {
    /// The kind of failure.
    pub class: FailureClass,
    /// What the provider says.
    pub message: Option<String>,
}

/// The failures that a test can script, each as it is written.
const FAILURES: [(&str, FailureClass); 15] = [
    ("connect", FailureClass::Connect),
    ("stream_cut", FailureClass::StreamCut),
    ("timeout", FailureClass::Timeout),
    ("rate_limited", FailureClass::RateLimited),
    ("unavailable", FailureClass::Unavailable),
    ("overloaded", FailureClass::Overloaded),
    ("quota_exhausted", FailureClass::QuotaExhausted),
    ("credentials", FailureClass::Credentials),
    ("not_found", FailureClass::NotFound),
    ("bad_request", FailureClass::BadRequest),
    ("context_too_long", FailureClass::ContextTooLong),
    ("refused", FailureClass::Refused),
    ("truncated", FailureClass::Truncated),
    ("empty", FailureClass::Empty),
    ("malformed", FailureClass::Malformed),
];

/// Reads `replies:`.
pub(super) fn read(sink: &mut Sink<'_>, node: &Node) -> IndexMap<String, Script> {
    let mut replies = IndexMap::new();
    let Some(map) = fields::any_map(sink, node, "`replies`") else { return replies };
    for (key, entry) in &map.entries {
        let attempts = match &entry.value.kind {
            Kind::List(items) if items.is_empty() || items.len() > MOST_ATTEMPTS => {
                let message = format!("a step has 1 to {MOST_ATTEMPTS} replies");
                let problem = sink.error(codes::OUT_OF_RANGE, &entry.value.span, message);
                sink.push(problem.help("one for each attempt, in order"));
                Vec::new()
            }
            Kind::List(items) => items.iter().filter_map(|item| reply(sink, item)).collect(),
            _ => reply(sink, &entry.value).into_iter().collect(),
        };
        let key_at = Placed::from(entry.key.clone());
        replies.insert(key.clone(), Script { key: key_at, attempts, shared: false });
    }
    replies
}

fn reply(sink: &mut Sink<'_>, node: &Node) -> Option<Reply> {
    let mut reply = Reply {
        text: None,
        output: None,
        verdict: None,
        brief: None,
        without_brief: false,
        failing: None,
        tokens: None,
    };
    if !matches!(node.kind, Kind::Map(_)) {
        let text = fields::text(sink, node, "a reply")?;
        reply.text = Some(ScriptedText::Here(text.text));
        return Some(reply);
    }
    let map = fields::map(sink, node, "a reply", &REPLY)?;
    let text = map.get("text");
    let here = text.and_then(|entry| fields::text(sink, &entry.value, "`text`"));
    let file = map.get("file").and_then(|entry| {
        let file = fields::text(sink, &entry.value, "`file`")?;
        if text.is_some() {
            let message = "a reply has both `text` and `file`";
            let problem = sink.error(codes::KEY_NOT_FOR_STEP, &entry.key.span, message);
            sink.push(problem.help("remove one of them"));
        }
        Some(ScriptedText::File(file.into()))
    });
    reply.text = here.map(|text| ScriptedText::Here(text.text)).or(file);
    reply.output = map.get("output").and_then(|entry| value::json(sink, &entry.value, "`output`"));
    reply.verdict = map.get("verdict").and_then(|entry| verdict(sink, &entry.value));
    let kinds = ["text", "file", "output", "verdict"].map(|key| map.get(key));
    if let [_, second, ..] = kinds.into_iter().flatten().collect::<Vec<_>>().as_slice()
        && !(map.entries.contains_key("text") && map.entries.contains_key("file"))
    {
        let message = "a reply is one of `text`, `file`, `output` and `verdict`";
        let problem = sink.error(codes::KEY_NOT_FOR_STEP, &second.key.span, message);
        sink.push(problem.help("remove the others"));
    }
    if let Some(entry) = map.get("brief") {
        match &entry.value.kind {
            Kind::Map(_) => reply.brief = value::json(sink, &entry.value, "`brief`"),
            Kind::Scalar(scalar) if scalar.text == "none" => reply.without_brief = true,
            _ => {
                let help = "write `brief: { decisions: [Take A] }`, or `brief: none`".to_owned();
                fields::wrong_type(sink, &entry.value, "`brief`", "a map or `none`", Some(help));
            }
        }
    }
    let class = map.get("fail").and_then(|entry| failure(sink, &entry.value));
    let message = map.get("message").and_then(|entry| {
        if !map.entries.contains_key("fail") {
            let problem =
                sink.error(codes::KEY_NOT_FOR_STEP, &entry.key.span, "`message` goes with `fail`");
            sink.push(problem.help("add `fail: unavailable`, or remove it"));
        }
        fields::text(sink, &entry.value, "`message`").map(|text| text.text)
    });
    reply.failing = class.map(|class| Failing { class, message });
    reply.tokens = map.get("tokens").and_then(|entry| tokens(sink, &entry.value));
    if !["text", "file", "output", "verdict", "fail", "brief"]
        .iter()
        .any(|key| map.entries.contains_key(*key))
    {
        let help = "write `text: …`, `file: path` or `fail: rate_limited`";
        fields::missing_key(sink, &node.span, "the reply says nothing".to_owned(), help);
    }
    Some(reply)
}

/// Reads `verdict:`: `pass`, or a map of what does not.
fn verdict(sink: &mut Sink<'_>, node: &Node) -> Option<ScriptedVerdict> {
    if let Kind::Scalar(scalar) = &node.kind {
        if scalar.text == "pass" {
            return Some(ScriptedVerdict::default());
        }
        let problem = sink.error(codes::BAD_VALUE, &node.span, "a verdict is `pass` or a map");
        sink.push(problem.help("write `verdict: pass`, or `verdict: { fails: [bias] }`"));
        return None;
    }
    let map = fields::map(sink, node, "a verdict", &VERDICT)?;
    let mut list = |key: &str| -> Vec<Placed<String>> {
        let Some(entry) = map.get(key) else { return Vec::new() };
        let items = match &entry.value.kind {
            Kind::List(items) => items.as_slice(),
            _ => std::slice::from_ref(&entry.value),
        };
        let what = format!("an entry of `{key}`");
        items.iter().filter_map(|item| fields::text(sink, item, &what)).map(Placed::from).collect()
    };
    let fails = list("fails");
    let values = |list: Vec<Placed<String>>| list.into_iter().map(|text| text.value).collect();
    let (open, findings) = (values(list("open")), values(list("findings")));
    Some(ScriptedVerdict { fails, open, findings })
}

fn failure(sink: &mut Sink<'_>, node: &Node) -> Option<FailureClass> {
    let word = fields::text(sink, node, "`fail`")?;
    if let Some((_, class)) = FAILURES.iter().find(|(known, _)| *known == word.text) {
        return Some(*class);
    }
    let message = format!("there is no failure `{}`", word.text);
    let problem = sink.error(codes::BAD_VALUE, &word.span, message);
    let help = sink.advice(&word.text, FAILURES.map(|(known, _)| known));
    sink.push(with_help(problem, help));
    None
}

fn tokens(sink: &mut Sink<'_>, node: &Node) -> Option<(u64, u64)> {
    let map = fields::map(sink, node, "`tokens`", &TOKENS)?;
    let mut count = |key: &str| {
        let entry = map.get(key)?;
        fields::integer(sink, &entry.value, &format!("`{key}`"), 0..=1_000_000_000).map(u64::from)
    };
    Some((count("input").unwrap_or_default(), count("output").unwrap_or_default()))
}
