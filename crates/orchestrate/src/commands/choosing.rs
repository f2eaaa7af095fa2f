//! Which personas a task calls for: by its words, and by a model where one is asked for.

use indexmap::IndexMap;
use orchestrate_core::{
    event::{Freshness, PersonaSelection, SelectedBy, SelectedPersona},
    ids::RunId,
    policy::Limits,
    summary::RunSummary,
};
use orchestrate_engine::{
    cassette::Recorder,
    library::{GeneratedName, ModelChoice, ReadablePersonas},
    selecting,
    session::{FinishedRun, OpenRun, RunOptions, RunSetup, Workspace},
};
use orchestrate_persona::{Match, Selection, Selector};

use super::{common, inputs::Task};
use crate::{
    cli::{Format, Progress, ShowArguments},
    exit::{CliError, Exit},
    terminal,
};

/// Personas on the list that a model chooses from.
const LISTED: usize = 12;

/// Chooses among the personas that can be read; the others are named.
pub(super) fn by_words(readable: &ReadablePersonas, task: &str) -> Selection {
    for name in &readable.unreadable {
        terminal::warn(
            &format!("the persona `{name}` cannot be read and is left out"),
            &[format!("`orchestrate personas show {name}` says why")],
        );
    }
    Selector::new(readable.personas.iter().map(AsRef::as_ref)).select(task)
}

/// The nearest personas with their scores and terms, for somebody whose task fits none.
pub(super) fn nearest(selection: &Selection) -> Option<String> {
    let nearest: Vec<String> = selection.nearest().iter().map(near).collect();
    (!nearest.is_empty()).then(|| format!("nearest: {}", nearest.join("; ")))
}

fn near(found: &Match) -> String {
    let terms = selecting::told(found);
    if terms.is_empty() {
        format!("{} (score {})", found.name, found.score)
    } else {
        format!("{} (score {}: {})", found.name, found.score, terms.join(", "))
    }
}

/// What a model chose.
pub(super) struct ByModel {
    pub(super) choice: ModelChoice,
    /// The run in which it did.
    pub(super) run: RunId,
    /// The names that it could choose from.
    pub(super) list: Vec<String>,
    /// What is left under the caps.
    pub(super) left: Limits,
    /// Whether the answer had been paid for before.
    pub(super) reused: bool,
}

impl ByModel {
    /// The choice as a run records it; none where no persona fits.
    pub(super) fn recorded(&self, selection: &Selection) -> Option<PersonaSelection> {
        let ModelChoice::Personas(names) = &self.choice else { return None };
        let selected = names.iter().map(|name| {
            let found = selection.find(name);
            SelectedPersona {
                name: name.clone(),
                score: found.map(|found| found.score),
                terms: found.map(selecting::told).unwrap_or_default(),
            }
        });
        Some(PersonaSelection {
            selected: selected.collect(),
            by: SelectedBy::Model,
            runner_up: None,
            refused: selection.refused.iter().map(|refused| refused.name.clone()).collect(),
            notes: selecting::notes(selection),
            chosen_in: Some(self.run.clone()),
        })
    }
}

/// Has a model choose among the nearest personas, in a run of its own. An answer that is no choice from
/// the list is an error.
pub(super) fn by_model(
    workspace: &Workspace,
    readable: &ReadablePersonas,
    selection: &Selection,
    task: &Task,
    options: &RunOptions,
    progress: Progress,
    mut recorder: Option<Recorder>,
) -> Result<ByModel, CliError> {
    let list = list(readable, selection);
    if list.is_empty() {
        return Err(CliError::new(Exit::Invalid, "there is no persona to choose from"));
    }
    let name = GeneratedName::choose(list.clone()).to_string();
    let mut fresh = match options.fresh {
        // Steps that are named are those of the other run.
        Freshness::Steps(_) | Freshness::Reuse => Freshness::Reuse,
        Freshness::All => Freshness::All,
    };
    let mut left = options.limits;
    loop {
        let asked = RunOptions {
            model: options.model.clone(),
            limits: left,
            fresh: fresh.clone(),
            replay: options.replay.clone(),
            ..RunOptions::default()
        };
        let finished = choose(workspace, &name, task, &asked, progress)?;
        if let Some(recorder) = &mut recorder {
            recorder.record(&finished.record)?;
        }
        let summary = &finished.record.summary;
        left = rest(left, summary);
        let reused = summary.reused > 0;
        let run = summary.run.clone().unwrap_or_else(|| finished.record.created.run.clone());
        let deliverable = summary.steps.first().and_then(|step| step.deliverable);
        let answer = match deliverable {
            Some(digest) => finished.record.blobs.text(&digest)?,
            None => String::new(),
        };
        match ModelChoice::read(&answer, &list) {
            Ok(choice) => return Ok(ByModel { choice, run, list, left, reused }),
            // A bad answer of an earlier run does not stand in the way for ever.
            Err(_) if reused => fresh = Freshness::All,
            Err(error) => {
                return Err(CliError::new(
                    Exit::RunFailed,
                    format!("the model chose no persona of the list: {error}"),
                )
                .help(format!("it could choose: {}", list.join(", ")))
                .help(format!("`orchestrate runs show {run} --result` prints its answer"))
                .help("try another model, leave --with-model out, or choose yourself with `ask --persona NAME`"));
            }
        }
    }
}

/// The nearest personas first, then others; none that the task rules out.
fn list(readable: &ReadablePersonas, selection: &Selection) -> Vec<String> {
    let near = selection.matches.iter().map(|found| &found.name);
    let all = readable.personas.iter().map(|persona| &persona.name);
    let mut list: Vec<String> = Vec::new();
    for name in near.chain(all) {
        let refused = selection.refused.iter().any(|refused| refused.name == *name);
        if !refused && !list.contains(name) && list.len() < LISTED {
            list.push(name.clone());
        }
    }
    list
}

fn choose(
    workspace: &Workspace,
    name: &str,
    task: &Task,
    options: &RunOptions,
    progress: Progress,
) -> Result<FinishedRun, CliError> {
    let workflow = RunSetup::find_workflow(workspace, name)?;
    let given = IndexMap::from([("task".to_owned(), task.given.clone())]);
    let setup = RunSetup::decide(workspace, &workflow, &given, options)?;
    terminal::diagnostics(&setup.warnings);
    let show =
        ShowArguments { format: Format::Text, progress, fail_on_partial: false, no_input: true };
    let run = OpenRun::create(workspace, &setup)?;
    let (finished, exit) = common::drive_silently(workspace, run, &show)?;
    if exit == Exit::Ok {
        return Ok(finished);
    }
    let summary = &finished.record.summary;
    let status = orchestrate_report::status(summary);
    let run = &finished.record.created.run;
    let error = CliError::new(exit, format!("no persona was chosen: run {run} {status}"));
    let advice = orchestrate_report::advice(summary);
    Err(advice
        .into_iter()
        .fold(error, CliError::help)
        .help("leave --with-model out to choose by the task's words alone"))
}

/// What a run leaves under the caps; a cap that is used up is one of nothing.
fn rest(limits: Limits, summary: &RunSummary) -> Limits {
    let less = |limit: Option<u64>, used: u64| limit.map(|limit| limit.saturating_sub(used));
    Limits {
        max_calls: less(limits.max_calls, summary.calls),
        max_tokens: less(limits.max_tokens, summary.spent_tokens()),
        max_cost: limits.max_cost.map(|limit| limit.less(summary.cost)),
        max_wall_ms: less(limits.max_wall_ms, summary.active_ms),
        allow_unpriced: limits.allow_unpriced,
    }
}
