//! The terminal: commands, exit codes and wiring.

mod cli;
mod commands;
mod exit;
mod terminal;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    terminal::panics_are_redacted();
    terminal::log_to_stderr();
    match commands::completions::answer_shell() {
        Ok(false) => {}
        Ok(true) => return ExitCode::SUCCESS,
        Err(error) => return terminal::usage(&error),
    }
    let arguments = match cli::Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return terminal::usage(&error),
    };
    let outcome = commands::run(arguments);
    let outcome = outcome.and_then(|exit| match terminal::lost() {
        Some(error) if matches!(exit, exit::Exit::Ok | exit::Exit::Partial) => Err(error),
        Some(error) => Err(error.ending(exit)),
        None => Ok(exit),
    });
    match outcome {
        Ok(exit) => exit.into(),
        Err(error) => {
            terminal::error(&error);
            error.exit.into()
        }
    }
}
