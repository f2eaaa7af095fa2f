//! `approve`: a step in which a person says yes or no.

use orchestrate_core::plan::{Action, ApprovalStep};

use super::{
    fields::{self, Within},
    templates::{self, Known, StepReference},
};
use crate::{
    codes,
    language::DEFAULTS,
    template::Form,
    yaml::{Map, Node, Sink},
};

/// How long a person may have.
const TIME: Within = Within {
    units: &fields::UP_TO_DAYS,
    least: 1_000.0,
    most: 365.0 * 86_400_000.0,
    range: "1s and 365d",
    help: "write a number and its unit, `s`, `m`, `h` or `d`: `30m`, `24h`, `7d`",
};

/// Keys that only an approval has.
const OWN: [&str; 2] = ["expires", "on_expire"];

/// Reads an approval.
pub(super) fn read(
    sink: &mut Sink<'_>,
    map: &Map,
    question: &Node,
    known: &Known<'_>,
) -> (Option<Action>, Vec<StepReference>) {
    for key in DEFAULTS.names().chain(["prompt", "output", "review", "repairs"]) {
        if let Some(entry) = map.get(key) {
            let message = format!("`{key}` does nothing in a step that asks a person");
            let problem = sink.error(codes::KEY_NOT_FOR_STEP, &entry.key.span, message);
            sink.push(problem.help("remove it: no model is called"));
        }
    }
    if let Some(entry) = map.get("optional") {
        let message = "an approval that the run goes on without approves nothing";
        let problem = sink.error(codes::KEY_NOT_FOR_STEP, &entry.key.span, message);
        sink.push(problem.help("remove `optional`, or the approval"));
    }
    let expires = map.get("expires");
    let expires_ms =
        expires.and_then(|entry| fields::duration_within(sink, &entry.value, "`expires`", &TIME));
    on_expire(sink, map, expires.is_some());
    let Some(text) = fields::text(sink, question, "`approve`") else { return (None, Vec::new()) };
    if text.text.trim().is_empty() {
        let problem = sink.error(codes::BAD_VALUE, &text.span, "an approval without a question");
        sink.push(problem.help("write what is to be approved: `approve: Deploy the model?`"));
        return (None, Vec::new());
    }
    let references = templates::check(sink, question, &text, Form::Template, known);
    (Some(Action::Approve(ApprovalStep { question: text.text, expires_ms })), references)
}

/// There is one thing to do where nobody decides, and it is never a yes.
fn on_expire(sink: &mut Sink<'_>, map: &Map, expires: bool) {
    let Some(entry) = map.get("on_expire") else { return };
    let Some(word) = fields::text(sink, &entry.value, "`on_expire`") else { return };
    if word.text != "fail" {
        let message = format!("`on_expire` is `fail`, not `{}`", word.text);
        let problem = sink.error(codes::BAD_VALUE, &word.span, message);
        sink.push(
            problem.help("only a person approves; where nobody decides in time, the step fails"),
        );
    } else if !expires {
        let message = "`on_expire` does nothing without `expires`";
        let problem = sink.error(codes::INERT_KEY, &entry.key.span, message);
        sink.push(problem.help("add `expires: 24h`, or remove it"));
    }
}

/// Reports keys of an approval in a step that is none.
pub(super) fn report_strays(sink: &mut Sink<'_>, map: &Map) {
    for key in OWN {
        if let Some(entry) = map.get(key) {
            let message = format!("`{key}` does nothing in a step that asks no person");
            let problem = sink.error(codes::KEY_NOT_FOR_STEP, &entry.key.span, message);
            sink.push(problem.help("it stands beside `approve`"));
        }
    }
}
