//! Fans-out and groups as the driver sees them: finding the list, and putting documents together.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    sync::{Arc, Mutex, PoisonError},
};

use orchestrate_core::{
    brief::Brief,
    failure::Failure,
    flow::{ForEach, ListSource},
    ids::Digest,
    neutral,
    plan::{InputValue, Step},
    run::Prepared,
};
use orchestrate_workflow::{ItemValue, Scope, TemplateError};

use crate::{
    casting::invalid,
    needs::NeedState,
    prepare::{Preparation, Preparer, Stop, View},
    store::{Blob, BlobReader, StoreError},
    texts,
};

/// The largest document that is put together: 4 MiB. What does not fit is named in it.
const MOST_JOINED_BYTES: usize = 4 << 20;
/// The most entries that a brief put together of several has.
const MOST_BRIEF_ENTRIES: usize = 400;
/// Lists that are kept in memory: those of the fans-out that are under way, as a rule.
const LISTS_KEPT: usize = 16;

/// The lists of fans-out, read from the journal once.
#[derive(Debug, Default)]
pub(crate) struct Lists(Mutex<BTreeMap<Digest, Arc<Vec<ItemValue>>>>);

impl Lists {
    /// The list with this digest.
    pub(crate) fn load(
        &self,
        digest: &Digest,
        blobs: &BlobReader,
    ) -> Result<Arc<Vec<ItemValue>>, StoreError> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(list) = known.get(digest) {
            return Ok(Arc::clone(list));
        }
        let list = Arc::new(read_list(digest, blobs)?);
        if known.len() >= LISTS_KEPT {
            known.pop_first();
        }
        known.insert(*digest, Arc::clone(&list));
        Ok(list)
    }
}

/// A list as the journal holds it.
pub(crate) fn read_list(digest: &Digest, blobs: &BlobReader) -> Result<Vec<ItemValue>, StoreError> {
    serde_json::from_str(&blobs.text(digest)?)
        .map_err(|_| StoreError::damaged("journal.db", "a list of items cannot be read".to_owned()))
}

/// A template's error as the failure of a step.
pub(crate) fn advised(error: &TemplateError) -> Failure {
    let failure = invalid(error.to_string());
    match error.help() {
        Some(help) => failure.help(help),
        None => failure,
    }
}

/// The items that stand in the workflow file, as templates see them.
fn written(value: &InputValue) -> ItemValue {
    ItemValue { author: matches!(value, InputValue::Enum(_)), value: value.to_json() }
}

/// The items of a fan-out, as far as they can be found with these values.
pub(crate) fn values(each: &ForEach, scope: &Scope<'_>) -> Result<Vec<ItemValue>, TemplateError> {
    match &each.list {
        ListSource::Values(values) => Ok(values.iter().map(written).collect()),
        ListSource::Expression(expression) => {
            orchestrate_workflow::evaluate_list(expression, scope)
        }
    }
}

/// Finds the list of a fan-out.
pub(crate) fn find(
    preparer: &Preparer,
    each: &ForEach,
    scope: &Scope<'_>,
) -> Result<Preparation, Failure> {
    let mut items = values(each, scope).map_err(|error| advised(&error))?;
    for item in &mut items {
        let seen = texts::seen_value(std::mem::take(&mut item.value));
        item.value = texts::keyless_value(&preparer.redactor, seen);
    }
    let list = serde_json::to_vec(&items).map_err(|_| invalid("the list cannot be written"))?;
    let blob = Blob::new(list);
    Ok(Preparation {
        prepared: Prepared::Items { count: items.len(), list: blob.digest },
        request: None,
        blobs: vec![blob],
    })
}

/// Puts the documents of a fan-out's items, or of a group's last steps, one after the other.
pub(crate) fn join(
    preparer: &Preparer,
    step: &Step,
    parts: &[NeedState],
    view: &View,
) -> Result<Preparation, Stop> {
    let fans_out = step.flow.each.is_some() && !view.is_item;
    let list = match (fans_out, view.own_list) {
        (true, Some(list)) => Some(preparer.lists.load(&list, &preparer.blobs)?),
        _ => None,
    };
    let (mut text, mut brief) = (String::new(), Brief::default());
    let alone = !fans_out && parts.len() == 1;
    for (index, part) in parts.iter().enumerate() {
        let document = match part.result {
            Some((digest, _)) => preparer.blobs.text(&digest)?,
            None => format!("Not available: {}.", part.reason),
        };
        if alone {
            text = document;
        } else {
            let item = list.as_ref().and_then(|list| list.get(index));
            let heading = heading(&part.step, index, fans_out, item);
            append(&mut text, &heading, &document);
        }
        if let Some((_, Some(digest))) = part.result {
            extend(&mut brief, preparer.load_brief(&digest)?);
        }
    }
    if parts.is_empty() {
        "There were no items.\n".clone_into(&mut text);
    }
    let output = match (fans_out, parts) {
        (true, parts) if parts.iter().any(|part| part.schema.is_some()) => {
            Some(outputs(preparer, parts)?)
        }
        _ => None,
    };
    Ok(joined(preparer, text, brief, output))
}

/// A document that was put together, with its brief where that is of use, and its value.
pub(crate) fn joined(
    preparer: &Preparer,
    document: String,
    brief: Brief,
    output: Option<Blob>,
) -> Preparation {
    let document = preparer.text_blob(document);
    let brief = (brief != Brief::default() && entries(&brief) <= MOST_BRIEF_ENTRIES)
        .then(|| serde_json::to_vec(&texts::keyless_brief(&preparer.redactor, brief)))
        .and_then(Result::ok)
        .map(Blob::new);
    let joined = Prepared::Joined {
        deliverable: document.digest,
        brief: brief.as_ref().map(|blob| blob.digest),
        output: output.as_ref().map(|blob| blob.digest),
    };
    let blobs = [Some(document), brief, output].into_iter().flatten().collect();
    Preparation { prepared: joined, request: None, blobs }
}

/// The list of the values of a fan-out's items; nothing stands for an item that has none.
fn outputs(preparer: &Preparer, parts: &[NeedState]) -> Result<Blob, Stop> {
    let mut list = String::from("[");
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            list.push(',');
        }
        match part.output {
            Some(digest) => list.push_str(&preparer.blobs.text(&digest)?),
            None => list.push_str("null"),
        }
        if list.len() > MOST_JOINED_BYTES {
            return Err(invalid("the values of all items together are larger than 4 MiB").into());
        }
    }
    list.push(']');
    Ok(Blob::new(list))
}

fn heading(
    name: &orchestrate_core::ids::StepPath,
    index: usize,
    fans_out: bool,
    item: Option<&ItemValue>,
) -> String {
    if !fans_out {
        return format!("## {name}");
    }
    let said = match item.map(|item| &item.value) {
        Some(serde_json::Value::String(text)) => neutral::excerpt(&neutral::one_line(text), 80),
        Some(value @ (serde_json::Value::Number(_) | serde_json::Value::Bool(_))) => {
            value.to_string()
        }
        _ => String::new(),
    };
    if said.is_empty() {
        format!("## {name}[{index}]")
    } else {
        format!("## {name}[{index}]: {said}")
    }
}

pub(crate) fn append(text: &mut String, heading: &str, document: &str) {
    if !text.is_empty() {
        text.push('\n');
    }
    // Writing to a String cannot fail.
    if text.len() + document.len() > MOST_JOINED_BYTES {
        let _ = writeln!(
            text,
            "{heading}\n\nLeft out here: all documents together are larger than 4 MiB."
        );
    } else {
        let _ = writeln!(text, "{heading}\n\n{}", document.trim_end());
    }
}

fn entries(brief: &Brief) -> usize {
    brief.decisions.len()
        + brief.assumptions.len()
        + brief.figures.len()
        + brief.constraints.len()
        + brief.risks.len()
        + brief.open_questions.len()
        + brief.rejected_options.len()
        + brief.escalations.len()
        + brief.next.len()
}

pub(crate) fn extend(all: &mut Brief, brief: Brief) {
    all.decisions.extend(brief.decisions);
    all.assumptions.extend(brief.assumptions);
    all.figures.extend(brief.figures);
    all.constraints.extend(brief.constraints);
    all.risks.extend(brief.risks);
    all.open_questions.extend(brief.open_questions);
    all.rejected_options.extend(brief.rejected_options);
    all.escalations.extend(brief.escalations);
    all.next.extend(brief.next);
}
