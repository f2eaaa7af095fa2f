//! `orchestrate personas`, one file per verb.

mod diff;
mod export;
mod import;
mod lint;
mod list;
mod lock;
mod new;
mod show;

use orchestrate_core::{diagnostic::Diagnostic, persona::Persona, suggest};
use orchestrate_engine::{
    library::{FoundPersona, NotCalled},
    session::Workspace,
};

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
    let found = match workspace.personas.read(name)? {
        None => called(workspace, name)?,
        found => found,
    };
    let Some(mut found) = found else {
        let error = CliError::new(Exit::Invalid, format!("unknown persona `{name}`"));
        let advice = suggest::advice(name, workspace.personas.names());
        return Err(advice
            .into_iter()
            .fold(error, CliError::help)
            .help("`orchestrate personas list` shows all of them"));
    };
    let Some(persona) = found.persona.take() else { return Err(found.diagnostics.into()) };
    tell(&found.diagnostics);
    Ok((found, persona))
}

/// The persona that a title, an abbreviation or an alias calls, as `ask --persona` has it.
fn called(workspace: &Workspace, word: &str) -> Result<Option<FoundPersona>, CliError> {
    match workspace.personas.readable().called(&[word.to_owned()]) {
        Ok(names) => match names.first() {
            Some(name) => Ok(workspace.personas.read(name)?),
            None => Ok(None),
        },
        Err(faults) => match faults.first() {
            Some(fault @ NotCalled::Ambiguous { .. }) => {
                let error = CliError::new(Exit::Invalid, fault.to_string());
                Err(fault.help().into_iter().fold(error, CliError::help))
            }
            _ => Ok(None),
        },
    }
}

/// Shows what is wrong with a persona, without what is only strange in other people's formats: `lint` tells
/// that.
fn tell(diagnostics: &[Diagnostic]) {
    let is_foreign = |found: &&Diagnostic| found.code == "foreign-model";
    let told: Vec<Diagnostic> =
        diagnostics.iter().filter(|found| !is_foreign(found)).cloned().collect();
    terminal::diagnostics(&told);
}
