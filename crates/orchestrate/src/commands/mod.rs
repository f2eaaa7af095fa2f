//! The commands, one file per verb.

pub(crate) mod approve;
pub(crate) mod completions;

mod ask;
mod cassette;
mod choosing;
mod common;
mod cost;
pub(crate) mod doctor;
mod graph;
mod inputs;
mod matching;
mod models;
mod personas;
mod pinned;
mod plan;
mod rerun;
mod resume;
mod run;
mod runs;
pub(crate) mod schema;
mod signals;
pub(crate) mod starting;
pub(crate) mod test;
mod unknown;
mod validate;
mod workflows;

use crate::{
    cli::{Arguments, Command},
    exit::{CliError, Exit},
};

/// Carries out a command line.
pub(crate) fn run(arguments: Arguments) -> Result<Exit, CliError> {
    let runs = matches!(
        arguments.command,
        Command::Run(_) | Command::Ask(_) | Command::Resume(_) | Command::Rerun(_)
    );
    carry_out(arguments).map_err(|mut error| {
        error.stopped_a_run = runs;
        error
    })
}

fn carry_out(arguments: Arguments) -> Result<Exit, CliError> {
    // A shell's settings are read in any folder, also where the configuration has a mistake.
    if let Command::Completions(arguments) = &arguments.command {
        return completions::completions(arguments);
    }
    let workspace = common::workspace(arguments.home.as_deref())?;
    match arguments.command {
        Command::Init(arguments) => starting::init(&arguments),
        Command::Schema(arguments) => Ok(schema::schema(&arguments)),
        Command::Run(arguments) => run::run(&workspace, &arguments),
        Command::Ask(arguments) => ask::ask(&workspace, &arguments),
        Command::Plan(arguments) => plan::plan(&workspace, &arguments),
        Command::Test(arguments) => test::test(&workspace, &arguments),
        Command::Validate(arguments) => Ok(validate::validate(&workspace, &arguments)),
        Command::Resume(arguments) => resume::resume(&workspace, &arguments),
        Command::Approve(arguments) => approve::approve(&workspace, &arguments),
        Command::Rerun(arguments) => rerun::rerun(&workspace, &arguments),
        Command::Models(command) => models::models(&workspace, command),
        Command::Runs(command) => runs::runs(&workspace, command),
        Command::Personas(command) => personas::personas(&workspace, command),
        Command::Workflows(command) => workflows::workflows(&workspace, command),
        Command::Graph(arguments) => graph::graph(&workspace, &arguments),
        Command::Doctor(arguments) => doctor::doctor(&workspace, &arguments),
        Command::Completions(arguments) => completions::completions(&arguments),
    }
}
