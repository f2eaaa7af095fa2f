//! `orchestrate personas`, one file per verb.

mod diff;
mod export;
mod import;
mod lint;
mod list;
mod lock;
mod new;
mod show;

use orchestrate_core::{persona::Persona, suggest};
use orchestrate_engine::{library::FoundPersona, session::Workspace};

use crate::{
    cli::PersonasCommand,
    exit::{CliError, Exit},
    terminal,
};

pub(super) fn personas(workspace: &Workspace, command: PersonasCommand) -> Result<Exit, CliError> {
    match command {
        PersonasCommand::List(arguments) => Ok(list::list(workspace, &arguments)),
        PersonasCommand::Show(arguments) => show::show(workspace, &arguments),
        PersonasCommand::Match(arguments) => super::matching::matching(workspace, &arguments),
        PersonasCommand::Import(arguments) => import::import(workspace, arguments),
        PersonasCommand::Export(arguments) => export::export(workspace, &arguments),
        PersonasCommand::Lint(arguments) => lint::lint(workspace, &arguments),
        PersonasCommand::Diff(arguments) => diff::diff(workspace, &arguments),
        PersonasCommand::New(arguments) => new::new(workspace, &arguments),
        PersonasCommand::Lock(arguments) => lock::lock(workspace, &arguments),
    }
}

/// The persona with this name and its file, with the file's warnings shown.
fn named(workspace: &Workspace, name: &str) -> Result<(FoundPersona, Persona), CliError> {
    let Some(mut found) = workspace.personas.read(name)? else {
        let error = CliError::new(Exit::Invalid, format!("unknown persona `{name}`"));
        let advice = suggest::advice(name, workspace.personas.names());
        return Err(advice
            .into_iter()
            .fold(error, CliError::help)
            .help("`orchestrate personas list` shows all of them"));
    };
    let Some(persona) = found.persona.take() else { return Err(found.diagnostics.into()) };
    terminal::diagnostics(&found.diagnostics);
    Ok((found, persona))
}
