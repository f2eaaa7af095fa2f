//! What is done to every text of a value, a brief or a request: hidden characters are taken out, and keys.

use orchestrate_core::{
    brief::Brief,
    failure::Failure,
    handoff::{Form, Handoff},
    neutral,
    plan::InputValue,
    request::{Request, Segment},
    review::Judged,
};
use orchestrate_provider::redact::Redactor;
use serde_json::{Map, Value};

use crate::fitting::Draft;

/// What becomes of a text.
type Change<'c> = dyn FnMut(String) -> String + 'c;

/// A value with every text changed, names of members too. Of names that become one the first stays.
pub(crate) fn in_value(value: Value, change: &mut Change<'_>) -> Value {
    match value {
        Value::String(text) => Value::String(change(text)),
        Value::Array(items) => items.into_iter().map(|item| in_value(item, change)).collect(),
        Value::Object(members) => Value::Object(in_members(members, change)),
        single => single,
    }
}

fn in_members(members: Map<String, Value>, change: &mut Change<'_>) -> Map<String, Value> {
    let mut changed = Map::new();
    for (name, value) in members {
        let (name, value) = (change(name), in_value(value, change));
        changed.entry(name).or_insert(value);
    }
    changed
}

/// An input with every text changed, the name of its file too.
pub(crate) fn in_input(value: InputValue, change: &mut Change<'_>) -> InputValue {
    match value {
        InputValue::String(text) => InputValue::String(change(text)),
        InputValue::Enum(text) => InputValue::Enum(change(text)),
        InputValue::File { name, text } => {
            InputValue::File { name: change(name), text: change(text) }
        }
        InputValue::List(items) => {
            InputValue::List(items.into_iter().map(|item| in_input(item, change)).collect())
        }
        InputValue::Object(members) => InputValue::Object(in_members(members, change)),
        InputValue::Integer(_) | InputValue::Number(_) | InputValue::Boolean(_) => value,
    }
}

/// A text without characters that nobody would see in it, and how many those were.
pub(crate) fn seen(text: String) -> (String, usize) {
    let (cleaned, removed) = neutral::without_hidden(&text);
    let cleaned = match cleaned {
        std::borrow::Cow::Borrowed(_) => None,
        std::borrow::Cow::Owned(cleaned) => Some(cleaned),
    };
    (cleaned.unwrap_or(text), removed)
}

/// A value without characters that nobody would see in its texts.
pub(crate) fn seen_value(value: Value) -> Value {
    in_value(value, &mut |text| seen(text).0)
}

/// A brief without characters that nobody would see in its texts, and how many those were.
pub(crate) fn seen_brief(brief: Brief) -> (Brief, usize) {
    let mut all = 0;
    let brief = brief.with_texts(&mut |text| {
        let (cleaned, removed) = seen(text);
        all += removed;
        cleaned
    });
    (brief, all)
}

/// A value less every key.
pub(crate) fn keyless_value(redactor: &Redactor, value: Value) -> Value {
    if redactor.is_empty() {
        return value;
    }
    in_value(value, &mut |text| redactor.redact_owned(text))
}

/// A brief less every key.
pub(crate) fn keyless_brief(redactor: &Redactor, brief: Brief) -> Brief {
    if redactor.is_empty() {
        return brief;
    }
    brief.with_texts(&mut |text| redactor.redact_owned(text))
}

/// What a verdict says less every key. Its ids are those that were asked for.
pub(crate) fn keyless_verdict(redactor: &Redactor, mut judged: Judged) -> Judged {
    for finding in &mut judged.new {
        finding.rule = redactor.redact_owned(std::mem::take(&mut finding.rule));
    }
    judged
}

/// A failure less every key.
pub(crate) fn keyless_failure(redactor: &Redactor, mut failure: Failure) -> Failure {
    failure.message = redactor.redact_owned(failure.message);
    failure.help = failure.help.map(|help| redactor.redact_owned(help));
    failure
}

/// The last that happens to a request before it is told apart from others, recorded and sent: no key is left
/// in it, whatever it was put together from.
pub(crate) fn keyless_draft(redactor: &Redactor, draft: Draft) -> Draft {
    if redactor.is_empty() {
        return draft;
    }
    let text = |text: String| redactor.redact_owned(text);
    let Draft { request, notes, mut spares } = draft;
    let Request { system, segments, .. } = request;
    for spare in &mut spares {
        spare.brief = keyless_handoff(redactor, spare.brief.clone());
    }
    let segments = segments.into_iter().map(|segment| keyless_segment(redactor, segment));
    Draft {
        request: Request { system: text(system), segments: segments.collect(), ..request },
        notes: notes.into_iter().map(text).collect(),
        spares,
    }
}

fn keyless_segment(redactor: &Redactor, segment: Segment) -> Segment {
    let text = |text: String| redactor.redact_owned(text);
    match segment {
        Segment::Task(task) => Segment::Task(text(task)),
        Segment::Assigned { origin, text: assigned } => {
            Segment::Assigned { origin: text(origin), text: text(assigned) }
        }
        Segment::Handoff(handoff) => {
            Segment::Handoff(Box::new(keyless_handoff(redactor, *handoff)))
        }
        Segment::Earlier(earlier) => Segment::Earlier(text(earlier)),
        Segment::Remark(remark) => Segment::Remark(text(remark)),
        Segment::Prompt(prompt) => Segment::Prompt(text(prompt)),
        Segment::Misfit { answer, misfits } => Segment::Misfit {
            answer: text(answer),
            misfits: misfits.into_iter().map(text).collect(),
        },
        Segment::Document { origin, text: document } => {
            Segment::Document { origin: text(origin), text: text(document) }
        }
        Segment::Findings(findings) => Segment::Findings(text(findings)),
        Segment::Judge(mut asked) => {
            for metric in &mut asked.metrics {
                metric.seen = text(std::mem::take(&mut metric.seen));
            }
            for command in &mut asked.commands {
                command.said = text(std::mem::take(&mut command.said));
            }
            Segment::Judge(asked)
        }
        Segment::Form(form) => Segment::Form(text(form)),
    }
}

fn keyless_handoff(redactor: &Redactor, handoff: Handoff) -> Handoff {
    let text = |text: String| redactor.redact_owned(text);
    Handoff {
        form: match handoff.form {
            Form::Unavailable(reason) => Form::Unavailable(text(reason)),
            form => form,
        },
        text: text(handoff.text),
        brief: handoff.brief.map(|brief| keyless_brief(redactor, brief)),
        ..handoff
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use orchestrate_core::{
        ids::{CallId, Digest, Purpose},
        persona::Persona,
        request::{Parameters, Timeouts},
        review::Asked,
    };
    use serde_json::json;

    use super::*;
    use crate::fitting::Spare;

    const KEY: &str = "sk-canary-1234567890";

    fn redactor() -> Redactor {
        Redactor::new([KEY.into()])
    }

    #[test]
    fn every_text_of_a_value_is_changed_names_of_members_too() {
        let value =
            json!({ KEY: [KEY, 1, { "a": "sk-canary\u{200b}-1234567890" }], "b\u{200b}": null });
        let keyless = keyless_value(&redactor(), value);
        let expected =
            json!({ "[redacted]": ["[redacted]", 1, { "a": "[redacted]" }], "b\u{200b}": null });
        assert_eq!(keyless, expected);
        let seen = seen_value(json!({ "b\u{200b}": "\u{1b}c", "b": "second" }));
        assert_eq!(seen, json!({ "b": "c" }));
    }

    #[test]
    fn every_text_of_a_brief_is_changed_and_what_was_removed_is_counted() {
        let hidden = "x\u{200b}\u{e0041}";
        let brief: Brief = serde_json::from_value(json!({
            "decisions": [{ "id": hidden, "decision": hidden, "why": hidden }],
            "assumptions": [hidden],
            "figures": [{ "name": hidden, "value": hidden, "unit": hidden, "basis": hidden }],
            "constraints": [hidden],
            "risks": [hidden],
            "open_questions": [hidden],
            "rejected_options": [{ "option": hidden, "why": hidden }],
            "escalations": [hidden],
            "next": [hidden],
        }))
        .expect("a brief");
        let (seen, removed) = seen_brief(brief);
        assert_eq!(removed, 15 * 2);
        assert!(!serde_json::to_string(&seen).expect("plain data").contains('\u{200b}'));
    }

    #[test]
    fn no_part_of_a_request_keeps_a_key() {
        let held = "x sk-canary\u{200b}-12345\\u00367890 y";
        let brief = Brief { risks: vec![held.into()], ..Brief::default() };
        let handoff = |form| Handoff {
            step: "a".into(),
            persona: None,
            form,
            text: held.into(),
            brief: Some(brief.clone()),
        };
        let asked: Asked = serde_json::from_value(json!({
            "reviewer": "r",
            "round": 1,
            "gates": [],
            "metrics": [{ "id": "m", "text": "t", "measured": "missed", "seen": held }],
            "commands": [{ "gate": "g", "passed": false, "said": held }],
        }))
        .expect("what is asked");
        let text = || held.to_owned();
        let segments = vec![
            Segment::Task(text()),
            Segment::Assigned { origin: text(), text: text() },
            Segment::Handoff(Box::new(handoff(Form::Full))),
            Segment::Handoff(Box::new(handoff(Form::Unavailable(text())))),
            Segment::Earlier(text()),
            Segment::Remark(text()),
            Segment::Prompt(text()),
            Segment::Misfit { answer: text(), misfits: vec![text()] },
            Segment::Document { origin: text(), text: text() },
            Segment::Findings(text()),
            Segment::Judge(Box::new(asked)),
            Segment::Form(text()),
        ];
        let digest = Digest::of("tester");
        let persona = Persona::new("tester", "T", "Tests.", "You test.", digest);
        let request = Request {
            call: CallId::first("a".into(), Purpose::Draft),
            model: "openai:m".parse().expect("a model"),
            persona: Arc::new(persona),
            system: text(),
            segments,
            parameters: Parameters::default(),
            output_cap: None,
            response_schema: None,
            timeouts: Timeouts::default(),
        };
        let spares = vec![Spare { at: 2, brief: handoff(Form::Brief) }];
        let draft = keyless_draft(&redactor(), Draft { request, notes: vec![text()], spares });
        let told = format!("{draft:?}");
        assert!(!told.contains("canary") && !told.contains("7890"), "{told}");
        assert_eq!(told.matches("x [redacted] y").count(), 23);
    }
}
