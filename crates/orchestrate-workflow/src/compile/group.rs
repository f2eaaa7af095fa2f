//! A group: a step made of steps.

use std::ops::Range;

use indexmap::IndexMap;
use orchestrate_core::flow::MOST_NESTED;

use super::{
    call::{self, Calls},
    fields,
    file::{self, Catalogue},
    flow, output,
    settings::Settings,
    step::Draft,
    templates::{Known, OutputFacts, StepFacts, StepReference},
};
use crate::{
    codes,
    language::DEFAULTS,
    yaml::{Entry, Kind, Map, Sink},
};

/// The steps of a group, by id, and what they refer to outside of it.
#[derive(Default)]
pub(super) struct Group {
    pub(super) steps: IndexMap<String, Draft>,
    pub(super) outside: Vec<StepReference>,
}

/// What is known of the steps of one map before any of them is read.
pub(super) fn facts(
    sink: &mut Sink<'_>,
    steps: &Map,
    catalogue: &dyn Catalogue,
    calls: &Calls<'_>,
) -> IndexMap<String, StepFacts> {
    let facts = steps.entries.values().map(|entry| {
        let map = match &entry.value.kind {
            Kind::Map(map) => Some(map),
            _ => None,
        };
        let optional = map.and_then(|map| map.get("optional")).is_some_and(|entry| {
            matches!(&entry.value.kind, Kind::Scalar(scalar) if scalar.as_bool() == Some(true))
        });
        let item = flow::item_name(&entry.value);
        // A step that asks nobody has no output; its key is reported where it stands.
        let asks = map.filter(|map| map.get("persona").is_some());
        let output = asks.and_then(|map| map.get("output"));
        let workflow = map.filter(|_| asks.is_none()).and_then(|map| map.get("workflow"));
        let called =
            workflow.and_then(|entry| calls.find(sink, &entry.key.text, &entry.value, catalogue));
        let output = match output {
            None => match (workflow, &called) {
                // Whatever is looked up in the value of a call that was reported is not reported as well.
                (Some(_), None) => OutputFacts::Broken,
                (_, Some(called)) => {
                    called.output.clone().map_or(OutputFacts::None, OutputFacts::Known)
                }
                (None, None) => OutputFacts::None,
            },
            Some(output) => output::read(sink, &output.value, catalogue)
                .map_or(OutputFacts::Broken, OutputFacts::Known),
        };
        (entry.key.text.clone(), StepFacts { optional, item, output, called })
    });
    facts.collect()
}

/// The steps at every depth that have items, by the name of the item.
pub(super) fn item_owners(steps: &Map, owners: &mut IndexMap<String, String>) {
    for entry in steps.entries.values() {
        if let Some(item) = flow::item_name(&entry.value) {
            owners.entry(item).or_insert_with(|| entry.key.text.clone());
        }
        if let Kind::Map(map) = &entry.value.kind
            && let Some(inner) = map.get("steps")
            && let Kind::Map(inner) = &inner.value.kind
        {
            item_owners(inner, owners);
        }
    }
}

/// Reads `steps:` of the step `id`.
pub(super) fn read(
    sink: &mut Sink<'_>,
    id: &str,
    map: &Map,
    entry: &Entry,
    catalogue: &dyn Catalogue,
    defaults: &Settings,
    known: &Known<'_>,
) -> Option<Group> {
    for key in DEFAULTS.names().chain(["prompt", "output", "review", "repairs"]) {
        if let Some(entry) = map.get(key) {
            let message = format!("`{key}` does nothing in a group");
            let problem = sink.error(codes::KEY_NOT_FOR_STEP, &entry.key.span, message);
            sink.push(problem.help("write it in the steps of the group, or in `defaults`"));
        }
    }
    if known.depth >= MOST_NESTED {
        let message = format!("groups stand at most {MOST_NESTED} deep in each other");
        let problem = sink.error(codes::NESTED_TOO_DEEP, &entry.key.span, message);
        sink.push(problem.help("give a step of its own to what stands too deep"));
        return None;
    }
    let what = format!("the steps of `{id}`");
    let steps = fields::any_map(sink, &entry.value, &what)?;
    if steps.entries.is_empty() {
        let message = format!("the group `{id}` has no steps");
        fields::missing_key(
            sink,
            &entry.key.span,
            message,
            "write them below it, as in `steps:` of the file",
        );
        return None;
    }
    for step in steps.entries.values() {
        if known.facts(&step.key.text).is_some() {
            let message = format!("there is a step `{}` around this group already", step.key.text);
            let problem = sink.error(codes::SHADOWED_NAME, &step.key.span, message);
            sink.push(problem.help("give it another name: templates could mean either"));
        }
    }
    let own = facts(sink, steps, catalogue, known.calls);
    let inner = Known {
        own: &own,
        around: Some(known),
        depth: known.depth + 1,
        group: Some(id),
        ..known.clone()
    };
    let mut drafts = file::drafts(sink, steps, catalogue, defaults, &inner);
    let mut outside: IndexMap<String, StepReference> = IndexMap::new();
    for draft in drafts.values_mut() {
        for reference in std::mem::take(&mut draft.outside) {
            // Once is enough, for the warning too. What one step of the group prints, the others do not have.
            let reference = StepReference { prints_text: false, ..reference };
            outside.entry(reference.id.clone()).or_insert(reference);
        }
    }
    let outside = outside.into_values().collect();
    Some(Group { steps: drafts, outside })
}

/// The place of a file's name in a draft and in those within it.
pub(super) fn saves(
    drafts: &IndexMap<String, Draft>,
    group: &str,
    repeated: bool,
    found: &mut Vec<(String, Range<usize>, bool)>,
) {
    for (id, draft) in drafts {
        let repeated = repeated || draft.flow.each.is_some();
        if let Some(save) = &draft.save {
            found.push((save.text.clone(), save.span.clone(), repeated));
        }
        let path = format!("{group}{id}");
        if let Some(called) = &draft.called {
            let inside = call::saves(&path, called, repeated).into_iter();
            found.extend(inside.map(|(save, repeated)| (save, draft.span.clone(), repeated)));
        }
        saves(&draft.inner, &format!("{path}/"), repeated, found);
    }
}
