//! `orchestrate resume`.

use std::path::Path;

use orchestrate_core::{ids::RunId, policy::Limits, summary::RunStatus};
use orchestrate_engine::{
    artifacts::OutputFolder,
    session::{FindRunError, OpenRun, RunRecord, Workspace, changed_files, find_run, list_runs},
};

use super::common;
use crate::{
    cli::ResumeArguments,
    exit::{CliError, Exit, chain},
    terminal,
};

pub(super) fn resume(workspace: &Workspace, arguments: &ResumeArguments) -> Result<Exit, CliError> {
    let id = match &arguments.run {
        Some(given) => find_run(&workspace.home, Some(given), true)?,
        None => newest_unfinished(workspace)?,
    };
    let asked = common::limits(&arguments.caps);
    let record = RunRecord::read(&workspace.home.run(&id))?;
    // A cap that is given replaces the run's; one that is not stays.
    let now = record.summary.limits;
    let limits = (asked != Limits::default()).then_some(Limits {
        max_calls: asked.max_calls.or(now.max_calls),
        max_tokens: asked.max_tokens.or(now.max_tokens),
    });
    if let Some(folder) = &record.created.output {
        // It was recorded without links, so a link in its place has been put there since.
        OutputFolder::open_unlinked(Path::new(folder))?.probe()?;
    }
    let changed = changed_files(workspace, &record);
    let run = OpenRun::resume(workspace, &id, limits)?;
    if !changed.is_empty() {
        terminal::warn(
            &format!("changed since the run began: {}", changed.join(", ")),
            &[format!(
                "the run goes on with what it began with; `orchestrate rerun {id}` takes the new files"
            )],
        );
    }
    common::drive(workspace, run, &arguments.show)
}

/// The newest run that can be read and is not complete. A damaged one is told of and left out.
fn newest_unfinished(workspace: &Workspace) -> Result<RunId, CliError> {
    match find_run(&workspace.home, None, true) {
        Err(FindRunError::Store(_)) => {}
        found => return Ok(found?),
    }
    let mut damaged = None;
    for run in list_runs(&workspace.home) {
        match run.record {
            Ok(record) if record.summary.status == RunStatus::Succeeded => {}
            Ok(_) => return Ok(run.id),
            Err(error) => {
                terminal::warn(&format!("run {} is left out: {}", run.id, chain(&error)), &[]);
                damaged = damaged.or(Some(error));
            }
        }
    }
    Err(damaged.map_or_else(|| FindRunError::AllComplete.into(), CliError::from))
}
