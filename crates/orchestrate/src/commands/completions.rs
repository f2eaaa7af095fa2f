//! `orchestrate completions`, and the values that a shell offers.
//!
//! The script that is printed asks this program for every completion, with [`VARIABLE`] set, so that
//! names of personas, workflows and runs are those of the folder the user is in.

use std::ffi::OsStr;

use clap::CommandFactory as _;
use clap_complete::{CompleteEnv, engine::CompletionCandidate, env::Shells};
use orchestrate_core::neutral;
use orchestrate_engine::{
    home::Home,
    session::{Workspace, list_runs},
};
use orchestrate_persona::{ExportFormat, Format};

use crate::{
    cli::{Arguments, CompletionsArguments, Shell},
    exit::{CliError, Exit},
    terminal,
};

/// The variable by which a shell asks for completions.
const VARIABLE: &str = "ORCHESTRATE_COMPLETE";
const PROGRAM: &str = "orchestrate";
/// More than a shell shows.
const MAX_RUNS: usize = 50;

pub(super) fn completions(arguments: &CompletionsArguments) -> Result<Exit, CliError> {
    let shell = match arguments.shell {
        Shell::Bash => "bash",
        Shell::Elvish => "elvish",
        Shell::Fish => "fish",
        Shell::Powershell => "powershell",
        Shell::Zsh => "zsh",
    };
    let failed = |error: std::io::Error| {
        CliError::new(Exit::RunFailed, format!("writing the script: {error}"))
    };
    let shells = Shells::builtins();
    let completer = shells.completer(shell).expect("clap_complete knows these shells");
    let mut script = Vec::new();
    completer
        .write_registration(VARIABLE, PROGRAM, PROGRAM, PROGRAM, &mut script)
        .map_err(failed)?;
    terminal::out_exactly(&script);
    Ok(Exit::Ok)
}

/// Answers a shell that asks for completions; false for every other start of the program.
pub(crate) fn answer_shell() -> Result<bool, clap::Error> {
    CompleteEnv::with_factory(Arguments::command)
        .var(VARIABLE)
        .bin(PROGRAM)
        .try_complete(std::env::args_os(), std::env::current_dir().ok().as_deref())
}

/// Names of personas, each with its title.
pub(crate) fn personas(current: &OsStr) -> Vec<CompletionCandidate> {
    let Some(workspace) = workspace() else { return Vec::new() };
    let found = |name: &str| workspace.personas.read(name).ok().flatten()?.persona;
    candidates(current, workspace.personas.names(), |name| found(name).map(|found| found.title))
}

/// Names of workflows.
pub(crate) fn workflows(current: &OsStr) -> Vec<CompletionCandidate> {
    let Some(workspace) = workspace() else { return Vec::new() };
    candidates(current, workspace.workflows.names(), |_| None)
}

/// Ids of runs, newest first, each with its workflow and task.
pub(crate) fn runs(current: &OsStr) -> Vec<CompletionCandidate> {
    let Some(home) = home() else { return Vec::new() };
    let listed = list_runs(&home).take(MAX_RUNS);
    let readable = listed.filter_map(|run| Some((run.id, run.record.ok()?.summary)));
    let runs: Vec<(String, String)> = readable
        .map(|(id, summary)| {
            (
                id.to_string(),
                format!("{}: {}", summary.workflow, neutral::excerpt(&summary.task, 40)),
            )
        })
        .collect();
    let told = |name: &str| runs.iter().find(|(id, _)| id == name).map(|(_, told)| told.clone());
    candidates(current, runs.iter().map(|(id, _)| id.as_str()), told)
}

/// Ids of runs that wait for a person, newest first.
pub(crate) fn waiting_runs(current: &OsStr) -> Vec<CompletionCandidate> {
    let waiting = waiting();
    let told =
        |name: &str| waiting.iter().find(|(id, _)| id == name).map(|(_, steps)| steps.join(", "));
    candidates(current, waiting.iter().map(|(id, _)| id.as_str()), told)
}

/// Steps that wait for a person, in whichever run.
pub(crate) fn waiting_steps(current: &OsStr) -> Vec<CompletionCandidate> {
    let waiting = waiting();
    let steps: std::collections::BTreeSet<&str> =
        waiting.iter().flat_map(|(_, steps)| steps.iter().map(String::as_str)).collect();
    candidates(current, steps.into_iter(), |_| None)
}

/// The newest runs in which steps wait for a person, and those steps.
fn waiting() -> Vec<(String, Vec<String>)> {
    let Some(home) = home() else { return Vec::new() };
    let listed = list_runs(&home).take(MAX_RUNS);
    let readable = listed.filter_map(|run| Some((run.id, run.record.ok()?.summary)));
    let steps = readable.map(|(id, summary)| {
        let steps: Vec<String> =
            summary.awaiting_approval().map(|step| step.step.to_string()).collect();
        (id.to_string(), steps)
    });
    steps.filter(|(_, steps)| !steps.is_empty()).collect()
}

/// Formats that are imported.
pub(crate) fn formats(current: &OsStr) -> Vec<CompletionCandidate> {
    let about = |id: &str| id.parse::<Format>().ok().map(|format| format.about().to_owned());
    candidates(current, Format::ALL.iter().map(|format| format.id()), about)
}

/// Formats that are exported.
pub(crate) fn export_formats(current: &OsStr) -> Vec<CompletionCandidate> {
    candidates(current, ExportFormat::ALL.iter().map(|(_, id, _)| *id), |_| None)
}

fn candidates<'a>(
    current: &OsStr,
    names: impl Iterator<Item = &'a str>,
    about: impl Fn(&str) -> Option<String>,
) -> Vec<CompletionCandidate> {
    let Some(current) = current.to_str() else { return Vec::new() };
    names
        .filter(|name| name.starts_with(current))
        .map(|name| {
            let help = about(name).map(|about| neutral::one_line(&about).into());
            CompletionCandidate::new(name).help(help)
        })
        .collect()
}

fn home() -> Option<Home> {
    let variable = std::env::var_os("ORCHESTRATE_HOME").filter(|home| !home.is_empty());
    Home::locate(variable.as_deref().map(std::path::Path::new)).ok()
}

fn workspace() -> Option<Workspace> {
    Workspace::open(&std::env::current_dir().ok()?, home()?).ok()
}
