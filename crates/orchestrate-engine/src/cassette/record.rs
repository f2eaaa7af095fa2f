//! Writing the calls of a run into a cassette: from its journal, so that nothing is recorded that was not
//! durable before.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use indexmap::IndexMap;
use orchestrate_core::{
    event::{Event, PreparedCall},
    failure::FailureClass,
    ids::{CallId, Digest},
    plan::Action,
    request::{Endpoint, Identity},
    usage::Usage,
};
use orchestrate_provider::{
    cassette::{RecordedCall, RecordedModels, Verdict},
    redact::Redactor,
};

use super::folder::{CassetteFault, Contents, read};
use crate::{
    artifacts::OutputFolder,
    session::{CHEAPER_ALIAS, RunRecord},
    store::StoredRequest,
};

/// A folder that the calls of a run are recorded in.
#[derive(Debug)]
pub struct Recorder {
    folder: OutputFolder,
    given: PathBuf,
    known: BTreeMap<Identity, (String, RecordedCall)>,
    redactor: Redactor,
}

/// What recording a run came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Recorded {
    /// Calls that the cassette did not hold.
    pub new: usize,
    /// Calls that have another answer now.
    pub changed: usize,
    /// Calls that were recorded already, with the same answer.
    pub same: usize,
    /// Calls that were left out since a key stands in them.
    pub withheld: usize,
}

impl Recorder {
    /// Makes the folder where it is missing, and sees that it can be read and written, before anything is
    /// paid for.
    pub fn open(folder: &Path, redactor: Redactor) -> Result<Self, CassetteFault> {
        let given = folder.to_owned();
        let folder = OutputFolder::open(folder)?;
        folder.probe()?;
        let Contents { calls, .. } = read(&given)?;
        let known = calls.into_iter().map(|(file, call)| (call.identity(), (file, call)));
        Ok(Self { known: known.collect(), folder, given, redactor })
    }

    /// The folder as it was given.
    pub fn folder(&self) -> &Path {
        &self.given
    }

    /// Writes every answered call of the run that the folder does not hold as it is.
    pub fn record(&mut self, run: &RunRecord) -> Result<Recorded, CassetteFault> {
        let mut recorded = Recorded::default();
        for call in answered(run)? {
            let identity = call.identity();
            let known = self.known.get(&identity);
            let count = match known {
                Some((_, known))
                    if (&known.answer, known.verdict) == (&call.answer, call.verdict) =>
                {
                    recorded.same += 1;
                    continue;
                }
                Some(_) => &mut recorded.changed,
                None => &mut recorded.new,
            };
            let file = known.map_or_else(|| call.file_name(), |(file, _)| file.clone());
            let text = call.to_text();
            if self.redactor.redact(&text) != text {
                recorded.withheld += 1;
                continue;
            }
            self.folder.write(&file, text.as_bytes())?;
            *count += 1;
            self.known.insert(identity, (file, call));
        }
        let models = models(run);
        let text = models.to_text();
        if self.redactor.redact(&text) == text {
            self.folder.write(&models.file_name(), text.as_bytes())?;
        }
        Ok(recorded)
    }
}

/// How the run named its models, and where their calls went.
fn models(run: &RunRecord) -> RecordedModels {
    let created = &run.created;
    let every_step = created.model_flag.is_some();
    let mut models =
        RecordedModels::new(created.workflow.clone(), created.model.clone(), every_step);
    models.aliases.extend(created.model_flag.clone().map(|name| (name, created.model.clone())));
    for step in run.plan.steps() {
        let Action::Persona(action) = &step.action else { continue };
        if let Some(name) = action.model.clone().filter(|_| !every_step) {
            let (model, others) = match created.models.get(&step.id) {
                Some(model) => (model, created.step_fallbacks.get(&step.id)),
                None => (&created.model, Some(&created.fallbacks)),
            };
            models.fallbacks.extend(others.map(|others| (name.clone(), others.clone())));
            models.aliases.insert(name, model.clone());
        }
    }
    let usual = created.model_flag.iter().cloned().chain([created.model.to_string()]);
    models.fallbacks.extend(usual.map(|name| (name, created.fallbacks.clone())));
    models.fallbacks.retain(|_, others| !others.is_empty());
    if let Some(cheaper) = &created.cheaper {
        models.aliases.insert(CHEAPER_ALIAS.to_owned(), cheaper.clone());
    }
    // What says `provider:model` needs no other name.
    models.aliases.retain(|name, model| *name != model.to_string());
    models.endpoints =
        endpoints(run).into_iter().map(|(name, endpoint)| (name, endpoint.clone())).collect();
    models
}

fn endpoints(run: &RunRecord) -> BTreeMap<String, &Endpoint> {
    let created = &run.created;
    let others = created.endpoints.iter().map(|(name, endpoint)| (name.clone(), endpoint));
    others.chain([(created.model.provider.clone(), &created.endpoint)]).collect()
}

/// An answer as the journal tells of it.
struct Answer {
    /// Its text; none where there was no answer.
    raw: Option<Digest>,
    verdict: Verdict,
    usage: Usage,
    served_model: Option<String>,
}

/// Every call of a run that a model answered, and those for which another model was asked, in the order of the
/// plan.
fn answered(run: &RunRecord) -> Result<Vec<RecordedCall>, CassetteFault> {
    let mut prepared: BTreeMap<&CallId, &PreparedCall> = BTreeMap::new();
    let mut answers: IndexMap<Identity, (&CallId, &PreparedCall, Answer)> = IndexMap::new();
    for recorded in &run.events {
        let (call, answer) = match &recorded.event {
            Event::CallPrepared { call, prepared: found } => {
                prepared.insert(call, found);
                continue;
            }
            Event::CallSucceeded { call, answer, .. } | Event::CallReused { call, answer, .. } => {
                let answer = Answer {
                    raw: Some(answer.raw),
                    verdict: Verdict::Good,
                    usage: answer.usage,
                    served_model: answer.served_model.clone(),
                };
                (call, answer)
            }
            Event::OutputRejected { call, failure, partial: Some(raw), usage, .. }
                if failure.class == FailureClass::Misfit =>
            {
                let usage = usage.unwrap_or_default();
                let verdict = Verdict::Misfit;
                (call, Answer { raw: Some(*raw), verdict, usage, served_model: None })
            }
            Event::ModelFellBack { call, failure, .. } => {
                let verdict = Verdict::FellBack(failure.class);
                (call, Answer { raw: None, verdict, usage: Usage::default(), served_model: None })
            }
            _ => continue,
        };
        let Some(asked) = prepared.get(call) else { continue };
        let better = |(_, _, known): &(_, _, Answer)| match (known.verdict, answer.verdict) {
            (Verdict::FellBack(_), _) | (_, Verdict::Good) | (Verdict::Misfit, Verdict::Misfit) => {
                true
            }
            (Verdict::Good | Verdict::Misfit, Verdict::Misfit | Verdict::FellBack(_)) => false,
        };
        if answers.get(&asked.identity).is_none_or(better) {
            answers.insert(asked.identity, (call, asked, answer));
        }
    }
    let mut answers: Vec<_> = answers.into_values().collect();
    answers
        .sort_by_key(|(call, _, _)| (run.plan.position_of(&call.step), call.step.numbers(), *call));
    let endpoints = endpoints(run);
    let mut calls = Vec::with_capacity(answers.len());
    for (_, asked, answer) in answers {
        let request = StoredRequest::load(&asked.request, &run.blobs)?;
        let Some(endpoint) = endpoints.get(&asked.model.provider) else { continue };
        let Answer { raw, verdict, usage, served_model } = answer;
        let text = match (raw, verdict) {
            (Some(raw), _) => run.blobs.text(&raw)?,
            // Nothing of what a server says of the moment.
            (None, Verdict::FellBack(class)) => class.phrase().to_owned(),
            (None, Verdict::Good | Verdict::Misfit) => continue,
        };
        calls.push(RecordedCall::of(endpoint, &request, text, verdict, usage, served_model));
    }
    Ok(calls)
}
