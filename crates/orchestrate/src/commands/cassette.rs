//! `--record` and `--replay`: what they open before a run, and what is told after it.

use std::{path::Path, sync::Arc};

use orchestrate_engine::{
    cassette::{Cassette, Recorder, missing_calls},
    session::{RunRecord, RunSetup, Workspace},
};

use super::common;
use crate::{
    cli::{Progress, ShowArguments},
    exit::{CliError, Exit},
    terminal,
};

/// The cassette to replay, where one is named.
pub(super) fn replay(folder: Option<&Path>) -> Result<Option<Arc<Cassette>>, CliError> {
    let Some(folder) = folder else { return Ok(None) };
    named("--replay", folder)?;
    Ok(Some(Arc::new(Cassette::open(folder)?)))
}

/// The folder to record in, where one is named, ready to be written.
pub(super) fn recorder(
    workspace: &Workspace,
    folder: Option<&Path>,
) -> Result<Option<Recorder>, CliError> {
    let Some(folder) = folder else { return Ok(None) };
    named("--record", folder)?;
    Ok(Some(Recorder::open(folder, workspace.config.redactor().clone())?))
}

/// Records a run that has come to rest, and says what is new.
pub(super) fn record(
    recorder: Option<Recorder>,
    run: &RunRecord,
    show: &ShowArguments,
) -> Result<(), CliError> {
    let Some(mut recorder) = recorder else { return Ok(()) };
    let folder = recorder.folder().display().to_string();
    let told = recorder.record(run)?;
    if told.withheld > 0 {
        terminal::warn(
            &format!("{} not recorded: a key stands in them", calls(told.withheld)),
            &["take the key out of the task, the files or the workflow".to_owned()],
        );
    }
    if !matches!(show.progress, Progress::Json | Progress::Quiet) {
        let counts = [(told.new, "new"), (told.changed, "changed"), (told.same, "as before")];
        let counts = counts.iter().filter(|(count, _)| *count > 0);
        let words: Vec<String> = counts.map(|(count, word)| format!("{count} {word}")).collect();
        let words = if words.is_empty() { "no call".to_owned() } else { words.join(", ") };
        terminal::say(&format!("recorded {words}, in {folder}"));
    }
    Ok(())
}

/// Tells every call of a replay that its cassette does not hold, also those behind the first.
pub(super) fn tell_missing(
    workspace: &Workspace,
    setup: &mut RunSetup,
    show: &ShowArguments,
) -> Result<(), CliError> {
    if show.progress == Progress::Json {
        return Ok(());
    }
    let missing = common::runtime()?.block_on(missing_calls(workspace, setup))?;
    let mut error = CliError::new(Exit::NotRecorded, "");
    for (_, failure) in &missing {
        error.more.push((failure.message.clone(), failure.help.clone()));
    }
    terminal::error(&error);
    Ok(())
}

fn calls(count: usize) -> String {
    if count == 1 { "1 call was".to_owned() } else { format!("{count} calls were") }
}

fn named(flag: &str, folder: &Path) -> Result<(), CliError> {
    if folder.as_os_str().is_empty() {
        return Err(CliError::new(Exit::Usage, format!("{flag} names no folder"))
            .help("give it a folder of its own, such as tests/cassette"));
    }
    Ok(())
}
