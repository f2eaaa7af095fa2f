//! Steps that call another workflow, as the driver sees them: their inputs, and their document.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use orchestrate_core::{
    brief::Brief, called::WorkflowStep, failure::Failure, ids::Digest, plan::InputValue,
    run::Prepared,
};
use orchestrate_workflow::{CalledInputs, Scope};

use crate::{
    casting::invalid,
    items,
    prepare::{NeedState, Preparation, Preparer, Stop},
    schemas::JsonSchemas,
    session::told,
    store::{Blob, BlobReader, StoreError},
    texts,
};

/// The largest document and value that outputs make together: 4 MiB.
const MOST_BYTES: usize = 4 << 20;
/// Inputs that are kept in memory: those of the calls that are under way, as a rule.
const KEPT: usize = 16;

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
        let read = serde_json::from_str(&blobs.text(digest)?).map_err(|_| {
            let what = "the inputs of a called workflow cannot be read".to_owned();
            StoreError::damaged("journal.db", what)
        })?;
        let inputs = Arc::new(read);
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
    let inputs =
        serde_json::to_vec(&inputs).map_err(|_| invalid("the inputs cannot be written"))?;
    let blob = Blob::new(inputs);
    let opened = Prepared::Group { inputs: Some(blob.digest) };
    Ok(Preparation { prepared: opened, request: None, blobs: vec![blob] })
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
