//! Keys that stand in what a run is made from. They would be sent to a model and recorded with the run, so
//! they are taken out of inputs, and refused in files.

use std::sync::Arc;

use indexmap::IndexMap;
use orchestrate_core::{
    diagnostic::Diagnostic,
    persona::Persona,
    plan::{InputValue, Plan},
};
use orchestrate_provider::redact::Redactor;
use serde_json::{Map, Value};

use super::SetupError;

/// Refuses a workflow, a persona or the name of a model in which a key stands.
pub(super) fn refuse_keys(
    redactor: &Redactor,
    plan: &Plan,
    personas: &IndexMap<String, Arc<Persona>>,
    model: Option<&str>,
) -> Result<(), SetupError> {
    if redactor.is_empty() {
        return Ok(());
    }
    let refused = |what: String| Err(SetupError::HoldsKey(what));
    if redactor.finds(&plan.to_json()) {
        return refused(format!("workflow `{}`", redactor.redact(plan.workflow())));
    }
    for (name, persona) in personas {
        let text = serde_json::to_string(&**persona).expect("a persona is plain data");
        if redactor.finds(&text) {
            return refused(format!("persona `{name}`"));
        }
    }
    match model {
        Some(model) if redactor.finds(model) => refused("the name of the model".to_owned()),
        _ => Ok(()),
    }
}

/// Inputs less every key, and a warning for each that held one.
pub(super) fn without_keys(
    redactor: &Redactor,
    inputs: IndexMap<String, InputValue>,
) -> (IndexMap<String, InputValue>, Vec<Diagnostic>) {
    let mut warnings = Vec::new();
    let inputs = inputs.into_iter().map(|(name, value)| {
        let text = value.to_json().to_string();
        if !redactor.finds(&text) {
            return (name, value);
        }
        let message = format!("a key stands in the input `{name}`; it was taken out");
        warnings.push(
            Diagnostic::warning("key-in-input", message)
                .help("the model would have got it, and the run would have recorded it"),
        );
        (name, clean(redactor, value))
    });
    (inputs.collect(), warnings)
}

fn clean(redactor: &Redactor, value: InputValue) -> InputValue {
    let text = |text: String| redactor.redact_owned(text);
    match value {
        InputValue::String(given) => InputValue::String(text(given)),
        InputValue::Enum(given) => InputValue::Enum(text(given)),
        InputValue::File { name, text: given } => {
            InputValue::File { name: text(name), text: text(given) }
        }
        InputValue::List(items) => {
            InputValue::List(items.into_iter().map(|item| clean(redactor, item)).collect())
        }
        InputValue::Object(members) => InputValue::Object(clean_members(redactor, members)),
        other => other,
    }
}

fn clean_members(redactor: &Redactor, members: Map<String, Value>) -> Map<String, Value> {
    let members = members.into_iter();
    members
        .map(|(name, value)| (redactor.redact_owned(name), clean_json(redactor, value)))
        .collect()
}

fn clean_json(redactor: &Redactor, value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(redactor.redact_owned(text)),
        Value::Array(items) => {
            Value::Array(items.into_iter().map(|item| clean_json(redactor, item)).collect())
        }
        Value::Object(members) => Value::Object(clean_members(redactor, members)),
        other => other,
    }
}
