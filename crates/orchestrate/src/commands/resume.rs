//! `orchestrate resume`.

use std::path::Path;

use orchestrate_core::ids::RunId;
use orchestrate_engine::{
    artifacts::OutputFolder,
    session::{OpenRun, RunRecord, Workspace, changed_files, find_run, newest_unfinished},
    store::StoreError,
};

use super::{cassette, common};
use crate::{
    cli::ResumeArguments,
    exit::{CliError, Exit, chain},
    terminal,
};

pub(super) fn resume(workspace: &Workspace, arguments: &ResumeArguments) -> Result<Exit, CliError> {
    let id = match arguments.run.as_deref() {
        Some(given) => find_run(&workspace.home, Some(given))?,
        None => newest(workspace)?,
    };
    let asked = common::limits(&arguments.caps);
    let record = RunRecord::read(&workspace.home.run(&id))?;
    // A cap that is given replaces the run's; one that is not stays.
    let now = record.summary.limits;
    let limits = (!asked.is_none()).then(|| asked.or(now));
    if let Some(folder) = &record.created.output {
        // It was recorded without links, so a link in its place has been put there since.
        OutputFolder::open_unlinked(Path::new(folder))?.probe()?;
    }
    if arguments.record.is_some() && !record.summary.asks_models() {
        return Err(CliError::new(
            Exit::Usage,
            "this run asks no model, so that there is nothing to record",
        )
        .help("leave --record out"));
    }
    let recorder = cassette::recorder(workspace, arguments.record.as_deref())?;
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
    common::drive(workspace, run, &arguments.show, recorder)
}

/// The newest run that can be gone on with; newer ones that are in use or cannot be read are named.
fn newest(workspace: &Workspace) -> Result<RunId, CliError> {
    let (id, passed_over) = newest_unfinished(&workspace.home)?;
    for (other, error) in passed_over {
        let why = match error {
            StoreError::InUse { .. } => "another process has it open".to_owned(),
            error => chain(&error),
        };
        terminal::warn(
            &format!("run {other} is passed over: {why}"),
            &[format!("`orchestrate runs show {other}` says more")],
        );
    }
    Ok(id)
}
