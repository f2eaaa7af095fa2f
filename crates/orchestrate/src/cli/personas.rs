//! The command line of `orchestrate personas`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use clap_complete::engine::ArgValueCompleter;
use orchestrate_persona::{ExportFormat, Format, UnknownFormat};

use super::ListFormat;
use crate::commands::completions;

#[derive(Debug, Args)]
pub(crate) struct ListPersonas {
    /// Only those whose name, title, description, tags or abilities hold this
    pub(crate) word: Option<String>,
    /// Only those found there
    #[arg(long, value_enum, value_name = "LEVEL")]
    pub(crate) level: Option<PersonaLevel>,
    /// Only those of this category
    #[arg(long, value_name = "CATEGORY")]
    pub(crate) category: Option<String>,
    /// Only those with this tag; may be repeated, then all are needed
    #[arg(long = "tag", value_name = "TAG")]
    pub(crate) tags: Vec<String>,
    /// What to show of each, in this order
    #[arg(long, value_enum, value_delimiter = ',', value_name = "COLUMN,…")]
    pub(crate) columns: Vec<Column>,
    /// What standard output holds
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(crate) format: ListFormat,
}

/// Where a persona is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum PersonaLevel {
    /// In the program
    BuiltIn,
    /// Below the folder you are in
    Project,
    /// In your config folder
    User,
}

/// One column of a list of personas.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Column {
    Name,
    Title,
    Description,
    Category,
    Tags,
    Level,
    Source,
}

#[derive(Debug, Args)]
pub(crate) struct ShowPersona {
    /// Its name
    #[arg(add = ArgValueCompleter::new(completions::personas))]
    pub(crate) name: String,
    /// Print the system prompt that primes a model with it
    #[arg(long)]
    pub(crate) prompt: bool,
    /// Count the prompt's tokens; beside --prompt, on standard error
    #[arg(long)]
    pub(crate) tokens: bool,
    /// What standard output holds
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(crate) format: ListFormat,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orchestrate personas import ~/.claude/agents            every agent of a folder
  orchestrate personas import 'docs/**/*.md' --dry-run    what would come of it; nothing is written
  orchestrate personas import modes.yaml --from roo       the format by name

Formats, for --from: canonical, catalogue, project-document, sections, claude-code, xml-persona,
agent-skill, copilot, codex, gemini-cli, opencode, roo, bmad, kiro, goose, crewai, praisonai,
agent-framework, cagent, fabric, prompts-csv, lobe, character-card")]
pub(crate) struct ImportPersonas {
    /// Files, folders, and glob patterns in quotes
    #[arg(required = true, value_name = "PATH", value_hint = clap::ValueHint::AnyPath)]
    pub(crate) paths: Vec<String>,
    /// The folder to write to; patterns of collaboration become workflows beside it
    #[arg(long, value_name = "DIR", default_value = "personas", value_hint = clap::ValueHint::DirPath)]
    pub(crate) to: PathBuf,
    /// The format of every file, instead of what its content says
    #[arg(long, value_name = "FORMAT", value_parser = format, hide_possible_values = true, add = ArgValueCompleter::new(completions::formats))]
    pub(crate) from: Option<Format>,
    /// The name of the persona, for a single file with a single one
    #[arg(long, value_name = "NAME", value_parser = name)]
    pub(crate) name: Option<String>,
    /// Write nothing, show what would be written
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// End with 0 although something was refused
    #[arg(long)]
    pub(crate) allow_refused: bool,
    /// Replace files that are there already and differ
    #[arg(long)]
    pub(crate) force: bool,
    /// What standard output holds
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(crate) format: ListFormat,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orchestrate personas export ml-engineer --as claude                       to standard output
  orchestrate personas export ml-engineer --as claude --to .claude/agents   into a folder
  orchestrate personas export ml-engineer --as skill --to skills            a folder with SKILL.md in it

What the other tool cannot hold is named on standard error. An imported persona that was not changed
since comes back byte for byte in its own format.")]
pub(crate) struct ExportPersona {
    /// Its name
    #[arg(add = ArgValueCompleter::new(completions::personas))]
    pub(crate) name: String,
    /// For which tool: claude, codex, copilot, gemini, opencode, crewai, roo, kiro, skill
    #[arg(long = "as", value_name = "TOOL", value_parser = export_format, add = ArgValueCompleter::new(completions::export_formats))]
    pub(crate) format: ExportFormat,
    /// A file, a folder, or - for standard output
    #[arg(long, value_name = "PATH|-", default_value = "-", value_hint = clap::ValueHint::AnyPath)]
    pub(crate) to: PathBuf,
    /// Replace a file that is there already
    #[arg(long)]
    pub(crate) force: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orchestrate personas lint                                 the personas of the project and your own
  orchestrate personas lint .claude/agents --fix            mend what a program can mend
  orchestrate personas lint --format sarif > lint.sarif     for code scanning

Ends with 3 where a finding is an error. docs/src/reference/persona-lint.md lists the rules.")]
pub(crate) struct LintPersonas {
    /// Files, folders, and glob patterns in quotes [default: the personas of the project and your own]
    #[arg(value_name = "PATH", value_hint = clap::ValueHint::AnyPath)]
    pub(crate) paths: Vec<String>,
    /// Mend what a program can mend, in place
    #[arg(long)]
    pub(crate) fix: bool,
    /// Show nothing below this level
    #[arg(long, value_enum, default_value_t, value_name = "LEVEL")]
    pub(crate) level: LintLevel,
    /// End with 3 also where a finding is a warning
    #[arg(long)]
    pub(crate) deny_warnings: bool,
    /// What standard output holds
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(crate) format: LintFormat,
}

/// How bad a finding is at least.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum LintLevel {
    /// It keeps the file from being used
    Error,
    /// Probably not what was meant
    Warning,
    /// Worth knowing
    #[default]
    Info,
}

/// What the output of lint is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum LintFormat {
    /// For people
    #[default]
    Text,
    /// One JSON document
    Json,
    /// One SARIF 2.1.0 log
    Sarif,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orchestrate personas diff ml-engineer ml-engineer-pytorch
  orchestrate personas diff data-engineer old/data-engineer.md

A word with a / or a file's ending is a path, of any format that import reads. Ends with 0 whether
they differ or not.")]
pub(crate) struct DiffPersonas {
    /// A persona, by name or path
    #[arg(add = ArgValueCompleter::new(completions::personas))]
    pub(crate) from: String,
    /// Another one
    #[arg(add = ArgValueCompleter::new(completions::personas))]
    pub(crate) to: String,
    /// What standard output holds
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(crate) format: ListFormat,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orchestrate personas new release-editor                       asks a few questions on a terminal
  orchestrate personas new our-engineer --from data-engineer    a copy to edit")]
pub(crate) struct NewPersona {
    /// Its name: small letters, digits and single hyphens
    #[arg(value_parser = name)]
    pub(crate) name: String,
    /// The persona to copy
    #[arg(long, value_name = "NAME", add = ArgValueCompleter::new(completions::personas))]
    pub(crate) from: Option<String>,
    /// The folder to write to
    #[arg(long, value_name = "DIR", default_value = "personas", value_hint = clap::ValueHint::DirPath)]
    pub(crate) to: PathBuf,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Where personas.lock exists, run, rerun and plan refuse a persona whose file differs from it. Without
names, the personas of the project's workflows are locked, and those locked before are refreshed.

Examples:
  orchestrate personas lock                          lock what the project's workflows use
  orchestrate personas lock data-engineer            lock this one too
  orchestrate personas lock --check                  for CI: ends with 3 where something differs")]
pub(crate) struct LockPersonas {
    /// Personas to lock [default: those of the project's workflows and those locked before]
    #[arg(value_name = "NAME", add = ArgValueCompleter::new(completions::personas))]
    pub(crate) names: Vec<String>,
    /// Write nothing, end with 3 where the lock would change
    #[arg(long)]
    pub(crate) check: bool,
    /// What standard output holds
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(crate) format: ListFormat,
}

fn format(text: &str) -> Result<Format, String> {
    let known = Format::ALL.iter().map(|format| format.id());
    text.parse().map_err(|error: UnknownFormat| advised(&error, text, known))
}

fn export_format(text: &str) -> Result<ExportFormat, String> {
    let known = ExportFormat::ALL.iter().map(|(_, id, _)| *id);
    text.parse().map_err(|error: UnknownFormat| advised(&error, text, known))
}

fn advised<'a>(
    error: &UnknownFormat,
    text: &str,
    known: impl Iterator<Item = &'a str> + Clone,
) -> String {
    match orchestrate_core::suggest::closest(text, known.clone()) {
        Some(close) => format!("{error}; did you mean `{close}`?"),
        None => format!("{error}; known are {}", known.collect::<Vec<_>>().join(", ")),
    }
}

/// The rule of persona files.
fn name(text: &str) -> Result<String, String> {
    let parts = text.split('-').all(|part| {
        !part.is_empty()
            && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    });
    if parts && (2..=64).contains(&text.len()) {
        Ok(text.to_owned())
    } else {
        Err("small letters, digits and single hyphens, 2 to 64 of them".to_owned())
    }
}
