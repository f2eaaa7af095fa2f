//! What a command is configured with, checked once.

use std::{path::Path, time::Duration};

use serde::Deserialize;

use crate::redact::Redactor;

/// What stands for the model in an argument.
const MODEL: &str = "{model}";
/// The model that leaves the choice to the program.
const DEFAULT_MODEL: &str = "default";

/// A program and how to talk to it.
#[derive(Debug, Clone)]
pub struct Config {
    /// The provider's name for people.
    pub name: String,
    /// The program and its arguments; `{model}` stands for the model. With the model `default`, an
    /// argument that is `{model}` is left out, together with the option before it.
    pub command: Vec<String>,
    /// What it prints.
    pub output: Output,
    /// Knows what must turn up nowhere: a program inherits the environment, and with it every key there.
    pub redactor: Redactor,
    /// How long it may take in all where the request does not say.
    pub total: Duration,
    /// The most bytes that it may print.
    pub output_limit: usize,
}

impl Config {
    /// A configuration with defaults.
    pub fn new(name: impl Into<String>, command: Vec<String>, output: Output) -> Self {
        Self {
            name: name.into(),
            command,
            output,
            redactor: Redactor::default(),
            total: Duration::from_mins(15),
            output_limit: 16 << 20,
        }
    }

    /// The program's name or path, which `check` has made sure of.
    pub(super) fn program(&self) -> &str {
        self.command.first().map(String::as_str).unwrap_or_default()
    }

    /// Checks that there is a program, by a bare name or its whole path: what a relative path means would
    /// depend on the folder it is started in.
    pub(super) fn check(&self) -> Result<(), CommandError> {
        let program = self.program();
        if program.trim().is_empty() || program.contains(MODEL) {
            return Err(CommandError::NoProgram(self.name.clone()));
        }
        if Path::new(program).components().count() > 1 && !Path::new(program).is_absolute() {
            return Err(CommandError::Relative(self.name.clone()));
        }
        if self.command.iter().any(|argument| argument.contains('\0')) {
            return Err(CommandError::NoProgram(self.name.clone()));
        }
        Ok(())
    }

    /// The arguments for a model.
    pub(super) fn arguments(&self, model: &str) -> Vec<String> {
        let mut arguments: Vec<String> = Vec::with_capacity(self.command.len());
        for argument in self.command.iter().skip(1) {
            if argument == MODEL && model == DEFAULT_MODEL {
                if arguments.last().is_some_and(|option| option.starts_with('-')) {
                    arguments.pop();
                }
            } else {
                arguments.push(argument.replace(MODEL, model));
            }
        }
        arguments
    }
}

/// What a program prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Output {
    /// The answer and nothing else.
    #[default]
    Text,
    /// One JSON document with the answer in `result` or `response`, as `claude` and `gemini` print it.
    Json,
}

/// Why a command cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// There is no program in it.
    #[error("the command of provider `{0}` names no program")]
    NoProgram(String),
    /// A path that is neither a bare name nor absolute.
    #[error("the command of provider `{0}` begins with a relative path")]
    Relative(String),
}

impl CommandError {
    /// What a person can do about it.
    pub fn help(&self) -> &'static str {
        match self {
            Self::NoProgram(_) => "write it like command = [\"llm\", \"--model\", \"{model}\"]",
            Self::Relative(_) => "give the program's bare name or its whole path",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::PRESETS;

    fn config(command: &[&str]) -> Config {
        Config::new("p", command.iter().map(|word| (*word).to_owned()).collect(), Output::Text)
    }

    #[test]
    fn the_model_stands_where_it_is_asked_for_and_default_leaves_it_out() {
        let llm = config(&["llm", "--model", "{model}", "--x={model}", "-"]);
        assert_eq!(llm.arguments("m"), ["--model", "m", "--x=m", "-"]);
        assert_eq!(llm.arguments("default"), ["--x=default", "-"]);
        let ollama = config(&["ollama", "run", "{model}"]);
        assert_eq!(ollama.arguments("default"), ["run"]);
    }

    #[test]
    fn a_program_is_a_bare_name_or_a_whole_path() {
        for bad in
            [vec![], vec![""], vec!["{model}"], vec!["./llm"], vec!["bin/llm"], vec!["llm", "\0"]]
        {
            assert!(config(&bad).check().is_err(), "{bad:?}");
        }
        for good in ["llm", "/usr/bin/llm"] {
            assert_eq!(config(&[good]).check(), Ok(()));
        }
        for preset in PRESETS {
            assert_eq!(config(preset.command).check(), Ok(()));
            assert!(preset.command.contains(&MODEL), "{}", preset.name);
        }
    }
}
