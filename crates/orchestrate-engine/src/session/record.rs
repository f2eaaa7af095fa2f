//! A run as its journal tells it: summary, contents, result.

use std::{path::Path, sync::Arc};

use indexmap::IndexMap;
use orchestrate_core::{
    brief::Brief,
    event::{Event, Recorded, RunCreated, RunForked},
    ids::{Digest, RunId, StepPath},
    persona::Persona,
    plan::{InputValue, Plan},
    run::Input,
    summary::{RunStatus, RunSummary, StepState, StepSummary},
};
use orchestrate_report::{Blobs, Context};
use orchestrate_workflow::{
    Given, ItemValue, PartValue, Scope, StepEnding, StepValue, StepValues, TemplateError,
};

use super::{
    files::file_of,
    setup::{PastRework, task_of},
};
use crate::{
    artifacts::{ArtifactError, OutputFolder},
    home::Home,
    items::read_list,
    store::{BlobReader, JournalContents, RunLock, StoreError, read_journal, run_folders},
};

/// A run as its journal tells it.
#[derive(Debug)]
pub struct RunRecord {
    /// The recorded events.
    pub events: Vec<Recorded>,
    /// What the run is pinned to.
    pub created: Box<RunCreated>,
    /// Its plan.
    pub plan: Arc<Plan>,
    /// The values of its inputs.
    pub inputs: IndexMap<String, InputValue>,
    /// Its personas, by name.
    pub personas: IndexMap<String, Arc<Persona>>,
    /// Where it stands.
    pub summary: RunSummary,
    /// Its contents.
    pub blobs: BlobReader,
}

/// A run that a person's word does not find.
#[derive(Debug, thiserror::Error)]
pub enum FindRunError {
    /// There is none at all.
    #[error("there are no runs yet")]
    None,
    /// All runs are complete.
    #[error("every run is complete; there is nothing to resume")]
    AllComplete,
    /// No run matches.
    #[error("no run matches `{0}`")]
    Unknown(String),
    /// Several match.
    #[error("`{given}` matches {count} runs")]
    Ambiguous {
        /// What was given.
        given: String,
        /// How many it matches.
        count: usize,
    },
    /// The journal of the run that was found.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A run in a list.
#[derive(Debug)]
pub struct ListedRun {
    /// Its id, which is the name of its folder.
    pub id: RunId,
    /// What its journal tells, or why it cannot.
    pub record: Result<RunRecord, StoreError>,
}

impl RunRecord {
    /// Reads the journal in `folder`.
    pub fn read(folder: &Path) -> Result<Self, StoreError> {
        Self::of(read_journal(folder)?)
    }

    /// The record of checked contents.
    pub(super) fn of(contents: JournalContents) -> Result<Self, StoreError> {
        let JournalContents { events, created, plan, blobs, .. } = contents;
        let summary = RunSummary::of(Arc::clone(&plan), &events);
        let unreadable =
            |what: &str| StoreError::damaged("journal.db", format!("its {what} cannot be read"));
        let inputs = serde_json::from_str(&blobs.text(&created.inputs)?)
            .map_err(|_| unreadable("inputs"))?;
        let mut personas = IndexMap::new();
        for (name, digest) in &created.personas {
            let persona =
                serde_json::from_str(&blobs.text(digest)?).map_err(|_| unreadable("personas"))?;
            personas.insert(name.clone(), Arc::new(persona));
        }
        Ok(Self { events, created, plan, inputs, personas, summary, blobs })
    }

    /// Where the run comes from, if it was made from another one.
    pub fn forked(&self) -> Option<&RunForked> {
        self.events.iter().find_map(|recorded| match &recorded.event {
            Event::RunForked(forked) => Some(&**forked),
            _ => None,
        })
    }

    /// The number of the next opening of its journal.
    pub(super) fn next_epoch(&self) -> u64 {
        let opened = |recorded: &&Recorded| matches!(recorded.event, Event::SessionOpened { .. });
        1 + self.events.iter().filter(opened).count() as u64
    }

    /// Everything that was redone on the way to this run, oldest first.
    pub fn reworks(&self) -> Result<Vec<PastRework>, StoreError> {
        let text =
            |digest: Option<Digest>| digest.map(|digest| self.blobs.text(&digest)).transpose();
        let reworks = self.forked().map(RunForked::reworks).unwrap_or_default();
        let read = reworks.into_iter().map(|rework| {
            Ok(PastRework {
                step: rework.step,
                remark: text(rework.remark)?,
                earlier: text(rework.earlier)?,
            })
        });
        read.collect()
    }

    /// The inputs as they would be given again: those that a default of the workflow supplied are left to
    /// the workflow as it is now.
    pub fn given_inputs(&self) -> IndexMap<String, Given> {
        let is_default = |name: &str, value: &InputValue| {
            let spec = self.plan.inputs().get(name);
            spec.and_then(|spec| spec.default.as_ref()) == Some(value)
        };
        let given = self.inputs.iter().filter(|(name, value)| !is_default(name, value));
        given.map(|(name, value)| (name.clone(), value.into())).collect()
    }

    /// Whether files that the run was to write are not all written.
    pub fn lacks_files(&self) -> bool {
        let written = |recorded: &Recorded| {
            // The last file that is written.
            matches!(&recorded.event, Event::ArtifactWritten { step: None, path, .. } if path == LAST_FILE)
        };
        // What was written while steps were left is not the whole.
        let since_complete = self
            .events
            .iter()
            .rev()
            .take_while(|recorded| !matches!(recorded.event, Event::RunSucceeded));
        self.created.output.is_some() && !since_complete.into_iter().any(written)
    }

    /// Reads every content that the result and the report show.
    pub fn check_contents(&self) -> Result<(), StoreError> {
        for step in self.summary.steps.iter().chain(self.summary.instances()) {
            for digest in [step.deliverable, step.brief, step.output].into_iter().flatten() {
                self.blobs.text(&digest)?;
            }
        }
        Ok(())
    }

    /// A recorded value.
    fn value(&self, digest: &Digest) -> Option<serde_json::Value> {
        serde_json::from_str(&self.blobs.text(digest).ok()?).ok()
    }

    /// The user's request.
    pub fn task(&self) -> String {
        task_of(&self.inputs)
    }

    /// The rendered outputs of a complete run; none where the workflow declares none.
    ///
    /// # Errors
    /// Every output that cannot be rendered, by name; then the documents of the steps are the result.
    pub fn outputs(&self) -> Result<IndexMap<String, String>, IndexMap<String, TemplateError>> {
        let (mut rendered, mut faults) = (IndexMap::new(), IndexMap::new());
        if self.summary.status != RunStatus::Succeeded {
            return Ok(rendered);
        }
        let scope = Scope { inputs: &self.inputs, steps: self };
        for (name, template) in self.plan.outputs() {
            match orchestrate_workflow::render_text(template, &scope) {
                Ok(text) => {
                    rendered.insert(name.clone(), text);
                }
                Err(error) => {
                    faults.insert(name.clone(), error);
                }
            }
        }
        if faults.is_empty() { Ok(rendered) } else { Err(faults) }
    }

    /// Titles of the personas, by name.
    pub fn titles(&self) -> IndexMap<String, String> {
        self.personas.iter().map(|(name, persona)| (name.clone(), persona.title.clone())).collect()
    }

    /// Hands everything a report needs to `render`.
    pub fn report<T>(&self, render: impl FnOnce(&Context<'_>) -> T) -> T {
        let (titles, task) = (self.titles(), self.task());
        let outputs = self.outputs().unwrap_or_default();
        render(&Context {
            summary: &self.summary,
            titles: &titles,
            outputs: &outputs,
            blobs: &Contents(&self.blobs),
            task: &task,
        })
    }

    /// Writes every finished deliverable and the report; returns what to record of each file.
    pub(super) fn write_artifacts(
        &self,
        folder: &OutputFolder,
    ) -> Result<Vec<Input>, ArtifactError> {
        let mut written = Vec::new();
        let contents = Contents(&self.blobs);
        let note = self.note();
        for (file, text) in [(OFFLINE_FILE, OFFLINE_NOTE), (REPLAY_FILE, REPLAY_NOTE)] {
            if note.is_none_or(|(own, _)| own != file) {
                // Of an earlier run; beside what came otherwise it would say what is not so.
                folder.remove(file, text.as_bytes())?;
            }
        }
        for (at, step) in self.plan.steps().iter().enumerate() {
            // The documents of a group are those of its steps.
            if step.action.only_gathers() && step.save.is_none() && step.flow.each.is_none() {
                continue;
            }
            let own = (!self.plan.group(at).is_some_and(|group| self.plan.repeats(group)))
                .then_some(&self.summary.steps[at]);
            // So are those of its items, where none of them is wanted in a file.
            let saved = !step.action.only_gathers() || step.save.is_some();
            let instances = saved.then(|| self.summary.instances_of(at));
            for told in own.into_iter().chain(instances.into_iter().flatten()) {
                let path = file_of(&self.plan, at, &told.step);
                // A value is saved as what its file's name says it is.
                let value = told.output.filter(|_| saves_json(&path));
                let text = match value {
                    Some(digest) => self.value(&digest).map(|value| format!("{value:#}")),
                    None => told.deliverable.and_then(|digest| contents.text(&digest)),
                };
                let Some(text) = text else { continue };
                let digest = folder.write(&path, with_final_newline(text).as_bytes())?;
                let step = Some(told.step.clone());
                written.push(Input::ArtifactWritten { step, path, digest });
            }
        }
        let mut whole = Vec::new();
        whole.extend(note.map(|(file, text)| (file, text.to_owned())));
        whole.push((LAST_FILE, self.report(orchestrate_report::report_markdown)));
        for (path, text) in whole {
            let digest = folder.write(path, text.as_bytes())?;
            written.push(Input::ArtifactWritten { step: None, path: path.to_owned(), digest });
        }
        Ok(written)
    }
}

impl RunRecord {
    /// What accompanies saved files that no model was asked for, and its name.
    fn note(&self) -> Option<(&'static str, &'static str)> {
        if self.summary.offline {
            Some((OFFLINE_FILE, OFFLINE_NOTE))
        } else {
            self.summary.replay.as_ref().map(|_| (REPLAY_FILE, REPLAY_NOTE))
        }
    }
}

/// The report is written last: with it, everything is there.
const LAST_FILE: &str = "report.md";

const OFFLINE_FILE: &str = "OFFLINE.md";
/// Accompanies saved files, whose own format may leave no room for the notice.
const OFFLINE_NOTE: &str = "# No model was called\n\nEvery file in this folder was composed offline from the personas' own \
material. They are worksheets: they say what to find out and deliver, not what was found out.\n";

fn saves_json(path: &str) -> bool {
    Path::new(path).extension().is_some_and(|found| found.eq_ignore_ascii_case("json"))
}

const REPLAY_FILE: &str = "REPLAY.md";
/// The same for files whose answers come from a cassette.
const REPLAY_NOTE: &str = "# No model was called\n\nEvery file in this folder was made in a replay: the answers come \
from a cassette, as they were recorded. `report.md` names it.\n";

fn with_final_newline(mut text: String) -> String {
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text
}

/// A journal's contents as reports see them.
struct Contents<'a>(&'a BlobReader);

impl Blobs for Contents<'_> {
    fn text(&self, digest: &Digest) -> Option<String> {
        self.0.text(digest).ok()
    }
}

impl RunRecord {
    fn told(&self, summary: &StepSummary) -> StepValue {
        let persona = summary.persona.clone().filter(|name| self.personas.contains_key(name));
        let text = summary.deliverable.and_then(|digest| self.blobs.text(&digest).ok());
        let brief = summary.brief.and_then(|digest| self.blobs.text(&digest).ok());
        let brief: Option<Brief> = brief.and_then(|text| serde_json::from_str(&text).ok());
        let skipped = summary.skipped.as_ref().map(|why| format!("it was skipped: {why}"));
        let failed = summary.failure.as_ref().map(ToString::to_string);
        StepValue {
            title: persona
                .as_ref()
                .and_then(|name| self.personas.get(name))
                .map(|found| found.title.clone()),
            persona,
            unavailable: text
                .is_none()
                .then(|| skipped.or(failed).unwrap_or_else(|| "it did not run".to_owned())),
            text,
            brief,
            output: summary.output.and_then(|digest| self.value(&digest)),
            schema: self.plan.output(&summary.step.step()).map(|output| Arc::clone(&output.schema)),
            lists_output: self.lists(&summary.step),
            ending: match summary.state {
                StepState::Succeeded => StepEnding::Succeeded,
                StepState::Skipped => StepEnding::Skipped,
                StepState::Waiting
                | StepState::Running
                | StepState::Retrying
                | StepState::AwaitingApproval
                | StepState::Failed => StepEnding::Failed,
            },
        }
    }

    /// Whether the value of what has this path is the list of those of its items.
    fn lists(&self, path: &StepPath) -> bool {
        let step = self.plan.step(&path.step());
        step.is_some_and(|step| step.flow.each.is_some()) && !path.as_str().ends_with(']')
    }

    /// The list of a fan-out, as it was found last.
    fn list(&self, fan_out: &StepPath) -> Vec<ItemValue> {
        let found = self.events.iter().rev().find_map(|recorded| match &recorded.event {
            Event::ItemsFound { step, list, .. } if step == fan_out => Some(*list),
            _ => None,
        });
        found.and_then(|list| read_list(&list, &self.blobs).ok()).unwrap_or_default()
    }
}

impl StepValues for RunRecord {
    fn output_schema(&self, id: &str) -> Option<&serde_json::Value> {
        self.plan.output(&id.into()).map(|output| &*output.schema)
    }

    fn lists_output(&self, id: &str) -> bool {
        self.lists(&id.into())
    }

    fn step(&self, id: &str) -> Option<StepValue> {
        self.summary.step(&id.into()).map(|summary| self.told(summary))
    }

    fn parts(&self, id: &str) -> Vec<PartValue> {
        let path = StepPath::from(id);
        let Some(position) = self.plan.position(&path) else { return Vec::new() };
        let mut list = self.list(&path).into_iter().map(Some).collect::<Vec<_>>();
        let parts = self.summary.instances_of(position).map(|told| {
            let index = told.step.numbers().last().copied().unwrap_or_default();
            let item = list.get_mut(index).and_then(Option::take);
            PartValue { index, item, step: self.told(told) }
        });
        parts.collect()
    }
}

/// All runs, newest first, each read when its turn comes.
pub fn list_runs(home: &Home) -> impl Iterator<Item = ListedRun> {
    let folders = run_folders(&home.runs());
    folders.into_iter().rev().filter_map(|folder| {
        let id = RunId::new(folder.file_name()?.to_str()?);
        match RunRecord::read(&folder) {
            // There is no run to list.
            Err(StoreError::NeverBegan(_)) => None,
            record => Some(ListedRun { id, record }),
        }
    })
}

/// The newest run that is not complete, or lacks files, and the newer ones that cannot be gone on with:
/// another process has them open, or they cannot be read.
pub fn newest_unfinished(home: &Home) -> Result<(RunId, Vec<(RunId, StoreError)>), FindRunError> {
    let mut passed_over = Vec::new();
    let mut any = false;
    for listed in list_runs(home) {
        any = true;
        match listed.record {
            Ok(record)
                if record.summary.status == RunStatus::Succeeded && !record.lacks_files() => {}
            Ok(_) => match RunLock::take(&home.run(&listed.id)) {
                Ok(_) => return Ok((listed.id, passed_over)),
                Err(error) => passed_over.push((listed.id, error)),
            },
            Err(error) => passed_over.push((listed.id, error)),
        }
    }
    match passed_over.into_iter().next() {
        Some((_, error)) => Err(error.into()),
        None if any => Err(FindRunError::AllComplete),
        None => Err(FindRunError::None),
    }
}

/// Finds a run by its id or an unambiguous part of it; without one, the newest.
pub fn find_run(home: &Home, given: Option<&str>) -> Result<RunId, FindRunError> {
    let Some(given) = given else {
        let newest = list_runs(home).next().ok_or(FindRunError::None)?;
        return newest.record.map(|_| newest.id).map_err(FindRunError::from);
    };
    let folders = run_folders(&home.runs());
    let ids: Vec<&str> = folders
        .iter()
        .filter_map(|folder| folder.file_name().and_then(|name| name.to_str()))
        .collect();
    // Ids of one minute share their beginning, so any part will do.
    let matching: Vec<&&str> = match ids.iter().find(|id| **id == given) {
        Some(exact) => vec![exact],
        None if given.len() < 4 => Vec::new(),
        None => ids.iter().filter(|id| id.contains(given)).collect(),
    };
    match matching.as_slice() {
        [] => Err(FindRunError::Unknown(given.to_owned())),
        [only] => Ok(RunId::new(**only)),
        several => Err(FindRunError::Ambiguous { given: given.to_owned(), count: several.len() }),
    }
}
