//! Steps that call another workflow, as the driver sees them: their inputs, and their document.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use indexmap::IndexMap;
use orchestrate_core::{
    brief::Brief, called::WorkflowStep, failure::Failure, ids::Digest, plan::InputValue,
    run::Prepared,
};
use orchestrate_workflow::{CalledInputs, Scope};
use serde::{Deserialize, Serialize};

use crate::{
    casting::invalid,
    items,
    needs::NeedState,
    prepare::{Preparation, Preparer, Stop},
    schemas::JsonSchemas,
    session::told,
    store::{Blob, BlobReader, StoreError},
    texts,
};

/// The largest document and value that outputs make together: 4 MiB.
const MOST_BYTES: usize = 4 << 20;
/// Inputs that are kept in memory: those of the calls that are under way, as a rule.
const KEPT: usize = 16;

/// The longest value of an input, as JSON, that is kept with the others: 4 KiB.
const KEPT_WITHIN: usize = 4 << 10;

/// The inputs of a call as the journal holds them. A long value is a content of its own, which a journal holds
/// once: a fan-out may give all its calls the same document.
#[derive(Debug, Serialize, Deserialize)]
struct StoredInputs {
    values: IndexMap<String, StoredValue>,
    /// Everything else that is known of them.
    about: CalledInputs,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StoredValue {
    Within(InputValue),
    Apart(Digest),
}

impl StoredInputs {
    /// Takes long values out, as contents.
    fn of(mut inputs: CalledInputs) -> Result<(Self, Vec<Blob>), serde_json::Error> {
        let (mut values, mut apart) = (IndexMap::new(), Vec::new());
        for (name, value) in std::mem::take(&mut inputs.values) {
            let json = serde_json::to_vec(&value)?;
            let stored = if json.len() > KEPT_WITHIN {
                let blob = Blob::new(json);
                let digest = blob.digest;
                apart.push(blob);
                StoredValue::Apart(digest)
            } else {
                StoredValue::Within(value)
            };
            values.insert(name, stored);
        }
        Ok((Self { values, about: inputs }, apart))
    }

    /// The inputs as they were, with the contents that `text` reads.
    fn whole(
        self,
        text: impl Fn(&Digest) -> Result<String, StoreError>,
    ) -> Result<CalledInputs, StoreError> {
        let mut inputs = self.about;
        for (name, value) in self.values {
            let value = match value {
                StoredValue::Within(value) => value,
                StoredValue::Apart(digest) => {
                    serde_json::from_str(&text(&digest)?).map_err(|_| unreadable())?
                }
            };
            inputs.values.insert(name, value);
        }
        Ok(inputs)
    }
}

fn unreadable() -> StoreError {
    let what = "the inputs of a called workflow cannot be read".to_owned();
    StoreError::damaged("journal.db", what)
}

/// The inputs of called workflows, read from the journal once.
#[derive(Debug, Default)]
pub(crate) struct Calls(Mutex<BTreeMap<Digest, Arc<CalledInputs>>>);

impl Calls {
    /// The inputs with this digest.
    pub(crate) fn load(
        &self,
        digest: &Digest,
        blobs: &BlobReader,
    ) -> Result<Arc<CalledInputs>, StoreError> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(inputs) = known.get(digest) {
            return Ok(Arc::clone(inputs));
        }
        let stored: StoredInputs =
            serde_json::from_str(&blobs.text(digest)?).map_err(|_| unreadable())?;
        let inputs = Arc::new(stored.whole(|digest| blobs.text(digest))?);
        if known.len() >= KEPT {
            known.pop_first();
        }
        known.insert(*digest, Arc::clone(&inputs));
        Ok(inputs)
    }
}

/// Evaluates what a step gives the workflow that it calls.
pub(crate) fn open(
    preparer: &Preparer,
    step: &WorkflowStep,
    scope: &Scope<'_>,
) -> Result<Preparation, Failure> {
    let mut inputs =
        orchestrate_workflow::call_inputs(step, scope, &JsonSchemas).map_err(|error| {
            let failure = invalid(told(&error));
            match error.help() {
                Some(help) => failure.help(help),
                None => failure,
            }
        })?;
    for value in inputs.values.values_mut() {
        let given = std::mem::replace(value, InputValue::Boolean(false));
        *value = texts::in_input(given, &mut |text| preparer.redactor.redact_owned(text));
    }
    let stored = StoredInputs::of(inputs)
        .and_then(|(inputs, blobs)| Ok((serde_json::to_vec(&inputs)?, blobs)));
    let (inputs, mut blobs) = stored.map_err(|_| invalid("the inputs cannot be written"))?;
    let blob = Blob::new(inputs);
    let opened = Prepared::Group { inputs: Some(blob.digest) };
    blobs.push(blob);
    Ok(Preparation { prepared: opened, request: None, blobs })
}

/// The outputs of a called workflow, under headings where there are several, with the briefs of its last
/// steps.
pub(crate) fn conclude(
    preparer: &Preparer,
    step: &WorkflowStep,
    last: &[NeedState],
    scope: &Scope<'_>,
) -> Result<Preparation, Stop> {
    let (mut text, mut bytes) = (String::new(), 0);
    let mut values = serde_json::Map::new();
    for (name, template) in &step.outputs {
        let output = orchestrate_workflow::render_text(template, scope)
            .map_err(|error| invalid(format!("rendering the output `{name}`: {error}")))?;
        bytes += output.len();
        if bytes > MOST_BYTES {
            let message = format!("the outputs of `{}` are larger than 4 MiB", step.workflow);
            return Err(invalid(message).into());
        }
        if step.outputs.len() == 1 {
            text.clone_from(&output);
        } else {
            items::append(&mut text, &format!("## {name}"), &output);
        }
        values.insert(name.clone(), output.into());
    }
    let mut brief = Brief::default();
    for part in last {
        if let Some((_, Some(digest))) = part.result {
            items::extend(&mut brief, preparer.load_brief(&digest)?);
        }
    }
    let values = texts::keyless_value(&preparer.redactor, values.into());
    let values =
        serde_json::to_vec(&values).map_err(|_| invalid("the outputs cannot be written"))?;
    Ok(items::joined(preparer, text, brief, Some(Blob::new(values))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inputs(item: usize) -> CalledInputs {
        let document = InputValue::String("a line of a long document\n".repeat(10_000));
        let values = [
            ("document".to_owned(), document),
            ("item".to_owned(), InputValue::String(format!("item {item}"))),
        ];
        let made_of = [("document".to_owned(), vec!["step data".to_owned()])];
        CalledInputs { values: values.into(), made_of: made_of.into(), users_task: true }
    }

    #[test]
    fn a_document_that_all_items_are_given_is_held_once() {
        let mut held = BTreeMap::new();
        for item in 0..100 {
            let (stored, mut blobs) = StoredInputs::of(inputs(item)).expect("it can be written");
            blobs.push(Blob::new(serde_json::to_vec(&stored).expect("it can be written")));
            held.extend(blobs.into_iter().map(|blob| (blob.digest, blob.content.len())));
        }
        assert_eq!(held.len(), 101, "the document, and what each call has of its own");
        let bytes: usize = held.values().sum();
        assert!(bytes < 400_000, "{bytes} bytes");
    }

    #[test]
    fn inputs_come_back_as_they_were_and_in_their_order() {
        let (stored, blobs) = StoredInputs::of(inputs(7)).expect("it can be written");
        let [document] = blobs.as_slice() else { panic!("one value is long") };
        let text = String::from_utf8(document.content.to_vec()).expect("it is JSON");
        let read: StoredInputs =
            serde_json::from_str(&serde_json::to_string(&stored).expect("it can be written"))
                .expect("it can be read");
        let whole = read.whole(|digest| {
            assert_eq!(*digest, document.digest);
            Ok(text.clone())
        });
        assert_eq!(whole.expect("it is there"), inputs(7));
    }
}
