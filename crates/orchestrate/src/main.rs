//! The terminal: commands, exit codes and wiring.

mod cli;
mod commands;
mod exit;
mod terminal;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    terminal::log_to_stderr();
    let arguments = match cli::Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return terminal::usage(&error),
    };
    match commands::run(arguments) {
        Ok(exit) => exit.into(),
        Err(error) => {
            terminal::error(&error);
            error.exit.into()
        }
    }
}
