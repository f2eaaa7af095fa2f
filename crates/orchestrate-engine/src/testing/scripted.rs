//! The provider of a test: it answers what the test file says.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use futures::future::{BoxFuture, FutureExt};
use indexmap::IndexMap;
use orchestrate_core::{
    brief,
    failure::{Failure, FailureClass},
    ids::{CallId, Purpose},
    request::{Endpoint, Request, Segment},
    usage::Usage,
};
use orchestrate_provider::{AttemptError, Completion, Progress, Provider};
use orchestrate_workflow::{Reply, Script, ScriptedText, ScriptedVerdict};
use serde_json::{Map, Value, json};

/// The name of this provider and of its model.
pub(super) const PROVIDER: &str = "test";

/// Answers from scripts.
pub(super) struct Scripted {
    endpoint: Endpoint,
    scripts: IndexMap<String, Script>,
    seen: Mutex<Seen>,
}

/// What was asked.
#[derive(Debug, Default, Clone)]
pub(super) struct Seen {
    /// Attempts by the script that answered them.
    pub(super) asked: BTreeMap<String, usize>,
    /// Calls that no script answered.
    pub(super) unanswered: Vec<CallId>,
}

impl Scripted {
    pub(super) fn new(scripts: IndexMap<String, Script>) -> Self {
        let word = || PROVIDER.to_owned();
        let endpoint = Endpoint { provider: word(), origin: word(), dialect: "scripted".into() };
        Self { endpoint, scripts, seen: Mutex::default() }
    }

    pub(super) fn seen(&self) -> Seen {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer(&self, request: &Request) -> Result<Completion, AttemptError> {
        let call = &request.call;
        let mut seen = self.lock();
        let key = keys(call).into_iter().find(|key| self.scripts.contains_key(key));
        let script = key.as_ref().and_then(|key| self.scripts.get(key));
        let reply = script.and_then(|script| {
            let asked = seen.asked.entry(script.key.value.clone()).or_default();
            *asked += 1;
            script.attempts.get(*asked - 1)
        });
        let Some(reply) = reply else {
            seen.unanswered.push(call.clone());
            let failure = Failure::new(
                FailureClass::BadRequest,
                format!("the test has no reply for `{call}`"),
            );
            return Err(AttemptError::unbilled(failure));
        };
        let text = match &reply.verdict {
            Some(verdict) => said(verdict, request),
            None => text(reply, call),
        };
        let counted = |text: usize| (text as u64).div_ceil(4);
        let (input, output) = reply
            .tokens
            .unwrap_or_else(|| (request.prompt_bytes().div_ceil(4), counted(text.len())));
        let usage = Usage { input, output, ..Usage::default() };
        match &reply.failing {
            None => Ok(Completion { text, usage, served_model: None, request_id: None }),
            Some(failing) => {
                let message = failing.message.clone();
                let message = message.unwrap_or_else(|| "the test says so".to_owned());
                let failure = Failure::new(failing.class, message);
                let partial = Some(text).filter(|text| !text.is_empty());
                let usage = reply.tokens.map(|_| usage);
                Err(failed(failing.class, failure, usage, partial))
            }
        }
    }
}

/// The failure of an attempt, as adapters tell it.
fn failed(
    class: FailureClass,
    failure: Failure,
    usage: Option<Usage>,
    partial: Option<String>,
) -> AttemptError {
    match class {
        FailureClass::StreamCut | FailureClass::Timeout => {
            AttemptError::of_answer(failure, usage, partial).lost()
        }
        FailureClass::Refused
        | FailureClass::Truncated
        | FailureClass::Empty
        | FailureClass::Malformed => AttemptError::of_answer(failure, usage, partial),
        _ => AttemptError::unbilled(failure),
    }
}

/// The names under which a script answers a call, the nearest first: the call, its purpose, its step, and
/// the same for any item of a fan-out.
fn keys(call: &CallId) -> Vec<String> {
    let step = call.step.as_str();
    let purpose = call.purpose.as_str();
    let plain: String = {
        let mut plain = step.to_owned();
        while let (Some(open), Some(close)) = (plain.find('['), plain.find(']')) {
            if open > close {
                break;
            }
            plain.replace_range(open..=close, "");
        }
        plain
    };
    let steps = if plain == step { vec![step.to_owned()] } else { vec![step.to_owned(), plain] };
    steps
        .into_iter()
        .flat_map(|step| {
            let mut keys =
                vec![format!("{step}#{purpose}.{}", call.number), format!("{step}#{purpose}")];
            if call.purpose == Purpose::Draft {
                keys.push(step);
            }
            keys
        })
        .collect()
}

/// A verdict on what the request asks to judge: everything passes that the test does not name.
fn said(verdict: &ScriptedVerdict, request: &Request) -> String {
    const EVIDENCE: &str = "the test says so";
    let judged = request.segments.iter().find_map(|segment| match segment {
        Segment::Judge(asked) => Some(asked),
        _ => None,
    });
    let Some(asked) = judged else { return json!({ "output": null }).to_string() };
    let fails = |id: &str| verdict.fails.iter().any(|failing| failing.value == id);
    let gates: Map<String, Value> = asked
        .judged_gates()
        .map(|gate| {
            let answer = if fails(&gate.id) { "fail" } else { "pass" };
            (gate.id.clone(), json!({ "answer": answer, "evidence": EVIDENCE }))
        })
        .collect();
    let findings: Vec<Value> = verdict
        .findings
        .iter()
        .map(|rule| {
            json!({ "rule": rule, "severity": "medium", "place": "", "evidence": EVIDENCE, "advice": "mend it" })
        })
        .collect();
    let mut output = json!({ "gates": gates, "findings": findings });
    if !asked.findings.is_empty() {
        let earlier: Map<String, Value> = asked
            .findings
            .iter()
            .map(|id| {
                let status = if verdict.open.contains(id) { "open" } else { "resolved" };
                (id.clone(), json!({ "status": status, "evidence": EVIDENCE }))
            })
            .collect();
        output["earlier"] = Value::Object(earlier);
    }
    json!({ "output": output }).to_string()
}

/// The text of a reply with its brief.
fn text(reply: &Reply, call: &CallId) -> String {
    let text = match &reply.text {
        Some(ScriptedText::Here(text)) => text.as_str(),
        Some(ScriptedText::File(_)) | None => "",
    };
    if let Some(output) = &reply.output
        && reply.failing.is_none()
    {
        let decided = || json!({ "decisions": [output.to_string()] });
        let brief = reply.brief.clone().unwrap_or_else(decided);
        return json!({ "output": output, "brief": brief }).to_string();
    }
    if reply.failing.is_some() || reply.without_brief {
        return text.to_owned();
    }
    let brief = match &reply.brief {
        Some(brief) => brief.to_string(),
        // A structured answer is left as it is, and so is one that has its brief.
        None if !matches!(call.purpose, Purpose::Draft | Purpose::Revise)
            || text.trim_start().starts_with(['{', '['])
            || brief::split(text).brief.is_some() =>
        {
            return text.to_owned();
        }
        None => {
            let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
            let first = first.trim_start_matches('#').trim();
            serde_json::json!({ "decisions": [first] }).to_string()
        }
    };
    format!("{}\n\n```brief\n{brief}\n```\n", text.trim_end())
}

impl Provider for Scripted {
    fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    fn reusable(&self) -> bool {
        false
    }

    fn complete(
        &self,
        request: Arc<Request>,
        _progress: Arc<dyn Progress>,
    ) -> BoxFuture<'static, Result<Completion, AttemptError>> {
        let answer = self.answer(&request);
        async move { answer }.boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(text: &str) -> Reply {
        Reply {
            text: Some(ScriptedText::Here(text.to_owned())),
            output: None,
            verdict: None,
            brief: None,
            without_brief: false,
            failing: None,
            tokens: None,
        }
    }

    #[test]
    fn a_script_is_found_by_the_call_then_its_purpose_then_its_step() {
        let draft = CallId::first("data".into(), Purpose::Draft);
        assert_eq!(keys(&draft), ["data#draft.1", "data#draft", "data"]);
        let brief = CallId::first("data".into(), Purpose::Brief);
        assert_eq!(keys(&brief), ["data#brief.1", "data#brief"]);
        let item = CallId { number: 2, ..CallId::first("each[3]/in[0]".into(), Purpose::Draft) };
        assert_eq!(
            keys(&item),
            [
                "each[3]/in[0]#draft.2",
                "each[3]/in[0]#draft",
                "each[3]/in[0]",
                "each/in#draft.2",
                "each/in#draft",
                "each/in",
            ]
        );
        assert_eq!(
            keys(&CallId::first("]a[".into(), Purpose::Brief)),
            ["]a[#brief.1", "]a[#brief"]
        );
    }

    #[test]
    fn a_document_gets_a_brief_unless_it_has_one_or_is_to_have_none() {
        let draft = CallId::first("data".into(), Purpose::Draft);
        let read = |reply: &Reply| brief::split(&text(reply, &draft));
        let plain = read(&reply("# Use Postgres\nIt is there."));
        assert_eq!(plain.deliverable, "# Use Postgres\nIt is there.");
        assert_eq!(plain.brief.expect("a brief").decisions[0].decision, "Use Postgres");
        let own = "x\n\n```brief\n{\"risks\": [\"late\"]}\n```\n";
        assert_eq!(text(&reply(own), &draft), own);
        assert_eq!(text(&reply("{\"a\": 1}"), &draft), "{\"a\": 1}");
        let without = Reply { without_brief: true, ..reply("x") };
        assert_eq!(text(&without, &draft), "x");
        let given = Reply { brief: Some(serde_json::json!({ "next": ["go on"] })), ..reply("x") };
        assert_eq!(read(&given).brief.expect("a brief").next, ["go on"]);
    }

    #[test]
    fn failures_look_as_those_of_an_adapter() {
        let fail = |class| failed(class, Failure::new(class, "x"), None, Some("y".into()));
        assert!(fail(FailureClass::StreamCut).lost);
        assert_eq!(fail(FailureClass::Truncated).partial.as_deref(), Some("y"));
        assert_eq!(fail(FailureClass::RateLimited).partial, None);
    }
}
