//! Answers that have to be a JSON value under a schema: reading them, and saying what does not fit.

use orchestrate_core::{
    brief::{self, Brief},
    failure::{Failure, FailureClass},
    finding::Finding,
    neutral::{excerpt, without_hidden},
    request::Segment,
    structured::{BRIEF_KEY, OUTPUT_KEY, findings_to_markdown, read_values, to_markdown},
};
use orchestrate_provider::redact::Redactor;
use orchestrate_workflow::{Misfit, Schemas as _};
use serde_json::{Map, Value, json};

use crate::{schemas::JsonSchemas, texts};

/// Misfits that a repair is told of.
const MOST_TOLD: usize = 20;

/// An answer whose value fits.
#[derive(Debug)]
pub(crate) struct Structured {
    /// The value.
    pub(crate) value: Value,
    /// The value as a document for people.
    pub(crate) document: String,
    /// The brief beside it, where there is one.
    pub(crate) brief: Option<Brief>,
}

/// What of an answer does not fit, a line each; never empty.
#[derive(Debug)]
pub(crate) struct Misfits(Vec<String>);

impl Misfits {
    fn one(line: impl Into<String>) -> Self {
        Self(vec![line.into()])
    }

    /// The failure of a call whose answer this is.
    pub(crate) fn failure(&self) -> Failure {
        let more = match self.0.len() {
            0 | 1 => String::new(),
            several => format!(" (and {} more)", several - 1),
        };
        let first = self.0.first().map(String::as_str).unwrap_or_default();
        Failure::new(FailureClass::Misfit, format!("{}{more}", excerpt(first, 300)))
            .help("the answer is kept in the journal; allow more `repairs`, say in the prompt what each part means, or ask for less in `output`")
    }
}

/// The segment that says which form the answer has to have.
pub(crate) fn form(schema: &Value) -> Segment {
    Segment::Form(format!("{schema:#}"))
}

/// The segment that shows an answer that does not fit, and why.
pub(crate) fn again(schema: &Value, answer: &str, redactor: &Redactor) -> Segment {
    let mut misfits = match read(schema, answer, redactor) {
        Err(Misfits(found)) => found,
        Ok(_) => vec!["it was not accepted".to_owned()],
    };
    let more = misfits.len().saturating_sub(MOST_TOLD);
    misfits.truncate(MOST_TOLD);
    if more > 0 {
        misfits.push(format!("and {more} more places"));
    }
    let (answer, _) = without_hidden(answer);
    Segment::Misfit { answer: answer.into_owned(), misfits }
}

/// Reads an answer under `schema`, which has the members `output` and, where one is asked for, `brief`. What
/// stands around the value does not matter; the value itself has to fit, and to be the only one that does.
///
/// Keys are taken out of the values before they are checked: what is used is what fits.
pub(crate) fn read(schema: &Value, text: &str, redactor: &Redactor) -> Result<Structured, Misfits> {
    // Some models close with a brief of its own, as they do elsewhere.
    let split = brief::split(text);
    let values =
        read_values(&split.deliverable).map_err(|error| Misfits::one(error.to_string()))?;
    let wanted = output_alone(schema);
    let mut fitting: Vec<(Value, Option<Brief>)> = Vec::new();
    let mut closest: Option<Vec<Misfit>> = None;
    for value in values {
        let (output, brief) = parts(texts::keyless_value(redactor, value));
        let whole = json!({ OUTPUT_KEY: output });
        let misfits = JsonSchemas.misfits(&wanted, &whole);
        if misfits.is_empty() {
            if !fitting.iter().any(|(known, _)| *known == whole[OUTPUT_KEY]) {
                fitting.push((whole[OUTPUT_KEY].clone(), brief));
            }
        } else if closest.as_ref().is_none_or(|known| misfits.len() <= known.len()) {
            closest = Some(misfits);
        }
    }
    match fitting.len() {
        1 => {
            let (value, brief) = fitting.swap_remove(0);
            let document = document(schema, &value);
            Ok(Structured { value, document, brief: brief.or(split.brief) })
        }
        0 => Err(Misfits(closest.unwrap_or_default().iter().map(line).collect())),
        several => Err(Misfits::one(format!(
            "the answer holds {several} different values that fit, and nobody can say which is meant"
        ))),
    }
}

/// Reads a worksheet that ends with a stand-in for the value.
pub(crate) fn read_stand_in(schema: &Value, text: &str) -> Result<Structured, Misfits> {
    let split = brief::split(text);
    let block = split.deliverable.split_once(&format!("\n```{OUTPUT_KEY}\n"));
    let value = block.and_then(|(_, rest)| rest.split("\n```").next());
    let value: Value = value
        .and_then(|value| serde_json::from_str(value).ok())
        .ok_or_else(|| Misfits::one("the worksheet holds no stand-in"))?;
    let misfits = JsonSchemas.misfits(&output_alone(schema), &json!({ OUTPUT_KEY: value }));
    if misfits.is_empty() {
        return Ok(Structured { value, document: split.deliverable, brief: split.brief });
    }
    let first = misfits.first().map(line).unwrap_or_default();
    Err(Misfits::one(format!(
        "offline, no value could be made up that fits the schema of `output`: {first}; give it a \
         `default` or `examples`"
    )))
}

/// The schema without the brief: that is read leniently, and a missing one is asked for by itself.
fn output_alone(schema: &Value) -> Value {
    let mut wanted = schema.clone();
    if let Some(properties) = wanted.get_mut("properties").and_then(Value::as_object_mut) {
        properties.shift_remove(BRIEF_KEY);
    }
    wanted["required"] = json!([OUTPUT_KEY]);
    wanted
}

/// Value and brief of an answer. A model that leaves the frame out means the value.
fn parts(answer: Value) -> (Value, Option<Brief>) {
    match answer {
        Value::Object(mut members) if is_frame(&members) => {
            let brief = members.get(BRIEF_KEY).and_then(|brief| brief::parse(&brief.to_string()));
            (members.shift_remove(OUTPUT_KEY).unwrap_or_default(), brief)
        }
        value => (value, None),
    }
}

fn is_frame(members: &Map<String, Value>) -> bool {
    members.contains_key(OUTPUT_KEY)
        && members.keys().all(|name| name == OUTPUT_KEY || name == BRIEF_KEY)
}

fn document(schema: &Value, value: &Value) -> String {
    let findings = schema["properties"][OUTPUT_KEY] == Finding::list_schema();
    match Finding::list(value).filter(|_| findings) {
        Some(list) => findings_to_markdown(&list),
        None => to_markdown(value),
    }
}

/// A misfit with the way to it.
fn line(misfit: &Misfit) -> String {
    let way = misfit.path.join(".");
    let message = excerpt(&misfit.message, 300);
    if way.is_empty() { message } else { format!("`{}`: {message}", excerpt(&way, 120)) }
}

#[cfg(test)]
mod tests {
    use orchestrate_core::structured::with_brief;

    use super::*;

    fn schema() -> Value {
        with_brief(&json!({
            "type": "object",
            "properties": { "score": { "type": "integer" }, "why": { "type": "string" } },
            "required": ["score"],
            "additionalProperties": false,
        }))
    }

    fn value(text: &str) -> Result<Value, Vec<String>> {
        read(&schema(), text, &Redactor::default())
            .map(|read| read.value)
            .map_err(|misfits| misfits.0)
    }

    #[test]
    fn the_value_is_found_in_and_out_of_its_frame() {
        for text in [
            r#"{"output": {"score": 3}, "brief": {"risks": ["late"]}}"#,
            "Here:\n```json\n{\"output\": {\"score\": 3}}\n```\n",
            r#"{"score": 3}"#,
            r#"I think {"draft": true} and then {"output": {"score": 3}}."#,
            "{\"output\": {\"score\": 3}}\n\n```brief\n{\"risks\": [\"late\"]}\n```",
        ] {
            assert_eq!(value(text), Ok(json!({ "score": 3 })), "{text}");
        }
        let text = r#"{"output": {"score": 3}, "brief": {"risks": ["late"]}}"#;
        let read = read(&schema(), text, &Redactor::default());
        assert_eq!(read.expect("fits").brief.expect("a brief").risks, ["late"]);
    }

    #[test]
    fn a_key_in_a_value_is_taken_out_however_it_is_escaped() {
        let redactor = Redactor::new(["sk-canary-1234567890".into()]);
        let text = r#"{"output": {"score": 3, "why": "sk-c\u0061nary-\u200b123456789\u0030"}, "brief": {"risks": ["s\u006b-canary-1234567890"]}}"#;
        let found = read(&schema(), text, &redactor).expect("fits");
        assert_eq!(found.value, json!({ "score": 3, "why": "[redacted]" }));
        assert_eq!(found.brief.expect("a brief").risks, ["[redacted]"]);
        assert!(!found.document.contains("canary"), "{}", found.document);
    }

    #[test]
    fn what_does_not_fit_is_never_accepted() {
        let found =
            value(r#"{"output": {"score": "3", "more": 1}}"#).expect_err("no fit").join("\n");
        assert!(found.contains("`output.score`: \"3\" is not of type \"integer\""), "{found}");
        assert!(found.contains("'more' was unexpected"), "{found}");
        assert!(value("no").expect_err("nothing")[0].contains("no JSON"));
        let two = value(r#"{"score": 1} or {"score": 2}"#).expect_err("ambiguous");
        assert!(two[0].contains("2 different values"), "{two:?}");
    }

    #[test]
    fn a_stand_in_that_cannot_fit_is_said_and_not_passed_off() {
        let schema = with_brief(&json!({ "type": "string", "pattern": "^[0-9]+$" }));
        let sheet = "# Sheet\n\n```output\n\"x\"\n```\n";
        let found = read_stand_in(&schema, sheet).expect_err("no fit").failure().message;
        assert!(found.contains("offline, no value could be made up"), "{found}");
        assert!(read_stand_in(&with_brief(&json!({})), sheet).is_ok());
    }
}
