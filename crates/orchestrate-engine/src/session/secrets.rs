//! Keys that stand in what a run is made from. They would be sent to a model and recorded with the run, so
//! they are taken out of inputs, and refused in files.

use std::{borrow::Cow, sync::Arc};

use indexmap::IndexMap;
use orchestrate_core::{
    diagnostic::Diagnostic,
    persona::Persona,
    plan::{InputValue, Plan},
};
use orchestrate_provider::redact::Redactor;

use super::SetupError;
use crate::texts;

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
    if redactor.is_empty() {
        return (inputs, Vec::new());
    }
    let mut warnings = Vec::new();
    let inputs = inputs.into_iter().map(|(name, value)| {
        let mut held = false;
        let value = texts::in_input(value, &mut |text| match redactor.redact(&text) {
            Cow::Borrowed(_) => text,
            Cow::Owned(redacted) => {
                held = true;
                redacted
            }
        });
        if held {
            let message = format!("a key stands in the input `{name}`; it was taken out");
            warnings.push(
                Diagnostic::warning("key-in-input", message)
                    .help("the model would have got it, and the run would have recorded it"),
            );
        }
        (name, value)
    });
    (inputs.collect(), warnings)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_key_is_taken_out_of_every_part_of_an_input_and_told_once() {
        let redactor = Redactor::new(["sk-canary-1234567890".into()]);
        let held = "my sk-canary\u{200b}-1234567890 end".to_owned();
        let members = json!({ held.clone(): [held.clone(), 1] });
        let inputs = IndexMap::from([
            ("task".to_owned(), InputValue::String(held.clone())),
            ("kind".to_owned(), InputValue::Enum(held.clone())),
            (
                "files".to_owned(),
                InputValue::List(vec![InputValue::File { name: held.clone(), text: held }]),
            ),
            ("more".to_owned(), InputValue::Object(members.as_object().expect("members").clone())),
            ("other".to_owned(), InputValue::String("a\u{200b}b".into())),
        ]);
        let (inputs, told) = without_keys(&redactor, inputs);
        let inputs = serde_json::to_string(&inputs).expect("plain data");
        assert!(!inputs.contains("canary"), "{inputs}");
        assert!(inputs.contains("a\u{200b}b"), "what holds no key keeps its bytes: {inputs}");
        assert_eq!(told.len(), 4);
        assert_eq!(told[0].message, "a key stands in the input `task`; it was taken out");
    }
}
