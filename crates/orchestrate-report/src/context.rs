//! What a report is made from.

use indexmap::IndexMap;
use orchestrate_core::{
    brief::{self, Brief},
    ids::Digest,
    neutral,
    summary::{RunSummary, StepSummary},
};

use crate::markdown::nested;

/// Contents by digest, as the journal holds them.
pub trait Blobs {
    /// The text with this digest, where it is known.
    fn text(&self, digest: &Digest) -> Option<String>;
}

/// The first line of every text that a run without a model has produced.
pub const OFFLINE_NOTICE: &str = "> **Offline: no model was called.** These are worksheets composed \
from the personas' own material, not answers.";

/// The first line of every text of a run that no model was asked for; none for a run of its own calls.
pub(crate) fn notice(summary: &RunSummary) -> Option<String> {
    if let Some(name) = summary.cassette() {
        let name = cassette_name(name);
        return Some(format!(
            "> **Replay: no model was called.** Every answer comes from the cassette {name}, as it was recorded."
        ));
    }
    summary.offline.then(|| OFFLINE_NOTICE.to_owned())
}

/// The name of a cassette in a sentence.
pub(crate) fn cassette_name(name: &str) -> String {
    format!("`{}`", neutral::excerpt(name, 80).replace('`', "'"))
}

/// Everything that a document about a run is made from.
pub struct Context<'a> {
    /// What happened.
    pub summary: &'a RunSummary,
    /// Titles of personas by name, for headings.
    pub titles: &'a IndexMap<String, String>,
    /// The workflow's outputs, rendered; empty where it declares none.
    pub outputs: &'a IndexMap<String, String>,
    /// The contents that the summary refers to.
    pub blobs: &'a dyn Blobs,
    /// The task in full.
    pub task: &'a str,
}

impl Context<'_> {
    /// The persona's name for people, its slug where no title is known.
    pub(crate) fn title(&self, persona: &str) -> String {
        self.titles.get(persona).cloned().unwrap_or_else(|| persona.to_owned())
    }

    /// A step's heading: the persona that speaks and the step, or the step alone.
    pub(crate) fn heading(&self, step: &StepSummary) -> String {
        match &step.persona {
            Some(persona) => format!("{} — {}", self.title(persona), step.step),
            None => step.step.to_string(),
        }
    }

    /// A step's document, where it is finished and its content is known.
    pub(crate) fn deliverable(&self, step: &StepSummary) -> Option<String> {
        self.blobs.text(step.deliverable.as_ref()?)
    }

    /// A finished step's document as the content of a second-level section, or a line that says that it is missing.
    pub(crate) fn document(&self, step: &StepSummary) -> String {
        match self.deliverable(step) {
            Some(text) => nested(&text, 2),
            None => "The document is missing from the journal.".to_owned(),
        }
    }

    /// The value of a step's answer, where it has one that can be read.
    pub(crate) fn output(&self, step: &StepSummary) -> Option<serde_json::Value> {
        serde_json::from_str(&self.blobs.text(step.output.as_ref()?)?).ok()
    }

    /// A step's brief, where it has one that can be read.
    pub(crate) fn brief(&self, step: &StepSummary) -> Option<Brief> {
        brief::parse(&self.blobs.text(step.brief.as_ref()?)?)
    }
}
