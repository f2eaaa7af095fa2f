//! What a step gets from others: how its needs stand, their documents, briefs and values, as templates see them.

use std::sync::Arc;

use indexmap::IndexMap;
use orchestrate_core::{
    brief::Brief,
    handoff::Deliverable,
    ids::{Digest, StepPath},
};
use orchestrate_workflow::{CalledInputs, ItemValue, PartValue, StepEnding, StepValue, StepValues};

use crate::{
    casting::{hidden_note, invalid},
    prepare::{Preparer, Stop, View},
    store::BlobReader,
    texts,
};

/// What a need that has come to its end looks like when a dependent is prepared.
#[derive(Debug, Clone)]
pub(crate) struct NeedState {
    /// The name by which templates and prompts know it. It holds no number of an item: where a list grows
    /// at the front, the prompts of the other items stay what they were.
    pub(crate) step: StepPath,
    pub(crate) persona: Option<String>,
    pub(crate) result: Option<(Digest, Option<Digest>)>,
    /// The value of its answer, where it has one; of a fan-out, the list of those of its items.
    pub(crate) output: Option<Digest>,
    /// What that value fits; of a fan-out, what the value of each item does.
    pub(crate) schema: Option<Arc<serde_json::Value>>,
    pub(crate) ending: StepEnding,
    pub(crate) reason: String,
    /// What came of its items, where it is a fan-out, and the list that they stand in.
    pub(crate) parts: Option<Arc<Vec<NeedState>>>,
    pub(crate) list: Option<Digest>,
    /// What whoever relies on it has to know: that it did not pass its review.
    pub(crate) caveat: Option<String>,
}

impl Preparer {
    /// Reads what the needs of a call have given.
    pub(crate) fn load_needs(&self, view: &View) -> Result<Needs, Stop> {
        let mut needs = Needs::default();
        if let Some(inputs) = &view.inputs {
            needs.called = Some(self.calls.load(inputs, &self.blobs)?);
        }
        for item in &view.items {
            let list = self.lists.load(&item.list, &self.blobs)?;
            let value = list.get(item.index).cloned();
            let value = value.ok_or_else(|| invalid("a recorded list has no such item"))?;
            needs.items.push((item.name.clone(), value));
        }
        for state in &view.needs {
            needs.load_parts(self, state)?;
            let deliverable = match state.result {
                Some((text, brief)) => {
                    let (text, in_text) = texts::seen(self.blobs.text(&text)?);
                    let brief = brief.map(|digest| self.load_seen(&digest)).transpose()?;
                    let (brief, in_brief) = brief.unzip();
                    needs.note_hidden(&state.step, in_text + in_brief.unwrap_or_default());
                    let (step, persona) = (state.step.clone(), state.persona.clone());
                    Some(Deliverable { step, persona, text, brief })
                }
                None => None,
            };
            if let Some(persona) =
                state.persona.as_ref().and_then(|name| self.casting.personas.get(name))
            {
                needs.titles.insert(persona.name.clone(), persona.title.clone());
            }
            let output = state.output.map(|digest| self.load_value(&digest)).transpose()?;
            let given = Given { state: state.clone(), deliverable, output };
            needs.given.insert(state.step.clone(), given);
        }
        Ok(needs)
    }

    /// A brief without characters that nobody would see in it.
    pub(crate) fn load_brief(&self, digest: &Digest) -> Result<Brief, Stop> {
        Ok(self.load_seen(digest)?.0)
    }

    /// The same with how many characters those were.
    fn load_seen(&self, digest: &Digest) -> Result<(Brief, usize), Stop> {
        let text = self.blobs.text(digest)?;
        let brief = serde_json::from_str(&text);
        let brief = brief.map_err(|_| Stop::from(invalid("a recorded brief cannot be read")))?;
        Ok(texts::seen_brief(brief))
    }

    /// A value as templates see it: without characters that nobody would see in it.
    fn load_value(&self, digest: &Digest) -> Result<serde_json::Value, Stop> {
        let text = self.blobs.text(digest)?;
        let value = serde_json::from_str(&text)
            .map_err(|_| Stop::from(invalid("a recorded value cannot be read")))?;
        Ok(texts::seen_value(value))
    }
}

/// What came of one need.
pub(crate) struct Given {
    pub(crate) state: NeedState,
    pub(crate) deliverable: Option<Deliverable>,
    pub(crate) output: Option<serde_json::Value>,
}

/// The needs of one step, as templates see them.
#[derive(Default)]
pub(crate) struct Needs {
    given: IndexMap<StepPath, Given>,
    titles: IndexMap<String, String>,
    pub(crate) notes: Vec<String>,
    /// The items around the call, outermost first.
    pub(crate) items: Vec<(String, ItemValue)>,
    /// What the workflow was called with that the call belongs to.
    pub(crate) called: Option<Arc<CalledInputs>>,
    /// What reads the documents of a fan-out's items, where a template asks for them.
    parts: IndexMap<StepPath, PartsOf>,
}

/// The parts of a fan-out, whose documents are read when a template asks for them.
struct PartsOf {
    states: Arc<Vec<NeedState>>,
    list: Option<Arc<Vec<ItemValue>>>,
    blobs: BlobReader,
}

impl Needs {
    /// Notes that so many characters were removed from what a step gives, document and brief.
    fn note_hidden(&mut self, step: &StepPath, removed: usize) {
        if removed > 0 {
            self.notes.push(hidden_note(removed, &format!("the handoff from `{step}`")));
        }
    }

    fn load_parts(&mut self, preparer: &Preparer, state: &NeedState) -> Result<(), Stop> {
        let Some(states) = &state.parts else { return Ok(()) };
        let list =
            state.list.map(|list| preparer.lists.load(&list, &preparer.blobs)).transpose()?;
        let blobs = preparer.blobs.clone();
        let parts = PartsOf { states: Arc::clone(states), list, blobs };
        self.parts.insert(state.step.clone(), parts);
        Ok(())
    }

    pub(crate) fn get(&self, step: &StepPath) -> Option<&Given> {
        self.given.get(step)
    }
}

impl StepValues for Needs {
    fn output_schema(&self, id: &str) -> Option<&serde_json::Value> {
        self.given.get(&StepPath::new(id))?.state.schema.as_deref()
    }

    fn lists_output(&self, id: &str) -> bool {
        self.given.get(&StepPath::new(id)).is_some_and(|given| given.state.list.is_some())
    }

    fn step(&self, id: &str) -> Option<StepValue> {
        let given = self.given.get(&StepPath::new(id))?;
        let deliverable = given.deliverable.as_ref();
        Some(StepValue {
            persona: given.state.persona.clone(),
            title: given.state.persona.as_ref().and_then(|name| self.titles.get(name)).cloned(),
            text: deliverable.map(|deliverable| deliverable.text.clone()),
            brief: deliverable.and_then(|deliverable| deliverable.brief.clone()),
            output: given.output.clone(),
            schema: given.state.schema.clone(),
            lists_output: given.state.list.is_some(),
            unavailable: deliverable.is_none().then(|| given.state.reason.clone()),
            ending: given.state.ending,
        })
    }

    fn parts(&self, id: &str) -> Vec<PartValue> {
        let Some(parts) = self.parts.get(&StepPath::new(id)) else { return Vec::new() };
        let part = |(index, state): (usize, &NeedState)| {
            let text = state.result.and_then(|(text, _)| parts.blobs.text(&text).ok());
            let brief = state.result.and_then(|(_, brief)| parts.blobs.text(&brief?).ok());
            let output = state.output.and_then(|output| parts.blobs.text(&output).ok());
            let output = output.and_then(|text| serde_json::from_str(&text).ok());
            PartValue {
                index,
                item: parts.list.as_ref().and_then(|list| list.get(index)).cloned(),
                step: StepValue {
                    title: state.persona.as_ref().and_then(|name| self.titles.get(name)).cloned(),
                    persona: state.persona.clone(),
                    unavailable: text.is_none().then(|| state.reason.clone()),
                    text: text.map(|text| texts::seen(text).0),
                    brief: brief
                        .and_then(|text| serde_json::from_str(&text).ok())
                        .map(|brief| texts::seen_brief(brief).0),
                    output: output.map(texts::seen_value),
                    schema: state.schema.clone(),
                    lists_output: false,
                    ending: state.ending,
                },
            }
        };
        parts.states.iter().enumerate().map(part).collect()
    }

    fn items(&self) -> &[(String, ItemValue)] {
        &self.items
    }

    fn called_with(&self) -> Option<&CalledInputs> {
        self.called.as_deref()
    }
}
