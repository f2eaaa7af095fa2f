//! Exit codes, and errors that carry one.

use std::{error::Error, fmt, process::ExitCode};

use orchestrate_core::{
    budget::Cap,
    diagnostic::Diagnostic,
    event::{PauseReason, RunFailure},
    summary::{RunStatus, RunSummary},
};
use orchestrate_engine::{
    artifacts::ArtifactError,
    cassette::CassetteFault,
    config::{ConfigError, ModelError},
    driver::DriveError,
    imports::{GatherError, WriteError},
    library::{LibraryError, ReadError},
    providers::ProviderError,
    session::{FindRunError, RunError, SetupError, TooLong, WorkspaceError},
    store::StoreError,
};
use orchestrate_persona::lockfile::Mismatch;
use orchestrate_workflow::InputProblem;

/// How the program ends. The numbers are part of its interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    /// Everything asked for was done.
    Ok = 0,
    /// The run failed.
    RunFailed = 1,
    /// The command line is wrong, or a required input is missing.
    Usage = 2,
    /// A workflow, persona, config or input is wrong.
    Invalid = 3,
    /// Credentials are missing or were refused.
    Credentials = 4,
    /// Finished without an optional step, with `--fail-on-partial`.
    Partial = 5,
    /// The run waits for a person.
    Waiting = 7,
    /// A cap on cost, tokens or calls was reached.
    Budget = 8,
    /// The time of the run is over.
    WallTime = 9,
    /// A journal is damaged, newer, or cannot be written.
    Journal = 11,
    /// A replay was asked for a call that its cassette does not hold.
    NotRecorded = 12,
    /// Another process uses the run.
    InUse = 75,
    /// The terminal went away.
    HungUp = 129,
    /// Interrupted from the terminal.
    Interrupted = 130,
    /// Asked to end by the system.
    Terminated = 143,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

impl Exit {
    /// The code for a run that has come to rest without a signal.
    pub(crate) fn of_run(summary: &RunSummary, fail_on_partial: bool) -> Self {
        match &summary.status {
            RunStatus::Succeeded | RunStatus::Failed(_) if !summary.not_recorded.is_empty() => {
                Self::NotRecorded
            }
            RunStatus::Succeeded if fail_on_partial && summary.is_partial() => Self::Partial,
            RunStatus::Succeeded => Self::Ok,
            RunStatus::Failed(_) if summary.refused_credentials() => Self::Credentials,
            RunStatus::Failed(RunFailure::Budget(Cap::Wall)) => Self::WallTime,
            RunStatus::Failed(RunFailure::Budget(_)) => Self::Budget,
            RunStatus::Failed(_) | RunStatus::Running => Self::RunFailed,
            RunStatus::Paused(PauseReason::AwaitingApproval | PauseReason::CallUnknown) => {
                Self::Waiting
            }
            RunStatus::Paused(PauseReason::DiskFull) => Self::Journal,
            RunStatus::Paused(PauseReason::Interrupted) => Self::Interrupted,
        }
    }
}

/// An error on its way to the terminal.
#[derive(Debug)]
pub(crate) struct CliError {
    /// What went wrong, with the causes behind it.
    pub(crate) message: String,
    /// Diagnostics to print in place of the message.
    pub(crate) diagnostics: Vec<Diagnostic>,
    /// Further lines of the same kind, one problem each.
    pub(crate) more: Vec<(String, Option<String>)>,
    /// What to do about it.
    pub(crate) help: Vec<String>,
    /// How the program ends.
    pub(crate) exit: Exit,
    /// Whether the command would have run something.
    pub(crate) stopped_a_run: bool,
}

impl CliError {
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            diagnostics: Vec::new(),
            more: Vec::new(),
            help: Vec::new(),
            exit,
            stopped_a_run: false,
        }
    }

    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help.push(help.into());
        self
    }

    /// The same error with another end.
    pub(crate) fn ending(mut self, exit: Exit) -> Self {
        self.exit = exit;
        self
    }

    /// Files of a run that could not be written, once it was at rest.
    pub(crate) fn of_unwritten(error: &ArtifactError) -> Self {
        Self::of(Exit::RunFailed, error)
    }

    pub(crate) fn of(exit: Exit, error: &dyn Error) -> Self {
        Self::new(exit, chain(error))
    }
}

/// An error and the causes behind it on one line.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut last = text.clone();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        // Some causes say the same again, some with no more than a number before it.
        if !text.ends_with(&next) && !next.ends_with(&last) {
            text.push_str(": ");
            text.push_str(&next);
        }
        last = next;
        cause = error.source();
    }
    text
}

impl fmt::Display for CliError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<Vec<Diagnostic>> for CliError {
    fn from(diagnostics: Vec<Diagnostic>) -> Self {
        let mut error = Self::new(Exit::Invalid, "");
        error.diagnostics = diagnostics;
        error
    }
}

impl From<ConfigError> for CliError {
    fn from(error: ConfigError) -> Self {
        match error {
            ConfigError::Content(diagnostics) => diagnostics.into(),
            ConfigError::File(error) => error.into(),
        }
    }
}

impl From<ReadError> for CliError {
    fn from(error: ReadError) -> Self {
        error.help().into_iter().fold(Self::of(Exit::Invalid, &error), Self::help)
    }
}

impl From<LibraryError> for CliError {
    fn from(error: LibraryError) -> Self {
        match error {
            LibraryError::File(error) => error.into(),
            LibraryError::Twice { .. } => {
                Self::of(Exit::Invalid, &error).help("remove or rename one of them")
            }
            LibraryError::Folder { .. } => Self::of(Exit::Invalid, &error),
        }
    }
}

/// An output folder that cannot be used, before anything was run.
impl From<ArtifactError> for CliError {
    fn from(error: ArtifactError) -> Self {
        let told = Self::of(Exit::Usage, &error);
        match error {
            ArtifactError::NotAFolder(_) => {
                told.help("give --output a folder; it is made where it is missing")
            }
            ArtifactError::Link(_) => told.help(
                "remove it, or name the folder that is meant with --output: a link that was found is not followed",
            ),
            ArtifactError::Io { .. } | ArtifactError::Outside(_) => {
                told.help("give --output a folder that can be made and written")
            }
        }
    }
}

impl From<WorkspaceError> for CliError {
    fn from(error: WorkspaceError) -> Self {
        match error {
            WorkspaceError::Config(error) => error.into(),
            WorkspaceError::Library(error) => error.into(),
        }
    }
}

impl From<ProviderError> for CliError {
    fn from(error: ProviderError) -> Self {
        match &error {
            ProviderError::Model(ModelError::None) => no_model(),
            ProviderError::Model(model) => {
                let exit = match model {
                    ModelError::NoKey { .. } | ModelError::NoAddress { .. } => Exit::Credentials,
                    _ => Exit::Invalid,
                };
                let told = Self::of(exit, &error);
                model.help().map(str::to_owned).into_iter().fold(told, Self::help)
            }
            ProviderError::Settings { source, .. } => {
                let told = Self::of(Exit::Invalid, &error);
                source.help().map(str::to_owned).into_iter().fold(told, Self::help)
            }
            ProviderError::Command { source, .. } => {
                Self::of(Exit::Invalid, &error).help(source.help())
            }
            ProviderError::Certificates { .. } => Self::of(Exit::Invalid, &error)
                .help("`ca_file` below `[providers.NAME]` in your config names a file of PEM certificates"),
        }
    }
}

/// The text a newcomer meets first: what there is to choose from.
fn no_model() -> CliError {
    CliError::new(Exit::Credentials, "no model is configured")
        .help("choose one of these:")
        .help("  --offline                    compose the team's worksheets, without a model, key or network")
        .help("  --model openai:gpt-5-mini    with OPENAI_API_KEY in the environment")
        .help("  --model openai:NAME          with OPENAI_BASE_URL: any OpenAI-compatible server, local ones too")
        .help("  --model anthropic:NAME       with ANTHROPIC_API_KEY; gemini:, azure:, ollama: and more: see `orchestrate doctor`")
        .help("or set it once: in orchestrate/config.toml of your config folder, [models] default = \"openai:gpt-5-mini\"")
}

impl From<SetupError> for CliError {
    fn from(error: SetupError) -> Self {
        match error {
            SetupError::Invalid(diagnostics) => diagnostics.into(),
            SetupError::Library(error) => error.into(),
            SetupError::Unpriced(ref models) => {
                let prices = models.iter().map(|model| format!("[prices.\"{model}\"]"));
                let prices: Vec<String> = prices.collect();
                Self::of(Exit::Invalid, &error)
                    .help(format!(
                        "add {} with `input` and `output` in dollars for a million tokens to your config, or `like = \"openai:gpt-5-mini\"` for one that costs the same",
                        prices.join(", ")
                    ))
                    .help("bring a newer table with `orchestrate models prices --update FILE`")
                    .help("or give --allow-unpriced: such calls are sent and count as nothing")
            }
            SetupError::TooLong(prompts) => {
                let mut told = Self::new(Exit::Invalid, "");
                let line = |found: TooLong| (found.to_string(), Some(found.help().to_owned()));
                told.more = prompts.into_iter().map(line).collect();
                told
            }
            SetupError::NotAsLocked(mismatches) => not_as_locked(&mismatches),
            SetupError::Gates(missing) => {
                let mut told = Self::new(Exit::Invalid, "");
                told.more =
                    missing.into_iter().map(|(what, advice)| (what, Some(advice))).collect();
                told
            }
            SetupError::Untellable(refused) => {
                let mut told = Self::new(Exit::Invalid, "");
                told.more = refused;
                told
            }
            SetupError::Provider(error) => error.into(),
            SetupError::HoldsKey(_) => Self::of(Exit::Invalid, &error).help(
                "take it out: it would be sent to the model and recorded with the run; and make a new one if others could read it",
            ),
            SetupError::Cassette(error) => error.into(),
            SetupError::UnknownWorkflow { ref help, .. } => {
                let help = help.clone();
                let told = Self::of(Exit::Invalid, &error);
                help.into_iter()
                    .fold(told, Self::help)
                    .help("`orchestrate workflows list` shows all of them")
            }
            SetupError::UnknownStep { ref help, .. } => {
                let help = help.clone();
                let told = Self::of(Exit::Invalid, &error);
                help.into_iter().fold(told, Self::help)
            }
            SetupError::Inputs(problems) => {
                // A missing input is a matter of the command line, a wrong one of its content.
                let usage = problems.iter().all(InputProblem::is_usage);
                let exit = if usage { Exit::Usage } else { Exit::Invalid };
                let mut told = Self::new(exit, "");
                for problem in problems {
                    match problem {
                        InputProblem::Placed(diagnostic) => told.diagnostics.push(*diagnostic),
                        problem => {
                            told.more.push((chain(&problem), problem.help().map(str::to_owned)));
                        }
                    }
                }
                told
            }
        }
    }
}

/// A cassette that cannot be read or written. The folder is a matter of the command line, what stands in it
/// of its content.
impl From<CassetteFault> for CliError {
    fn from(error: CassetteFault) -> Self {
        let exit = match &error {
            CassetteFault::Folder { .. }
            | CassetteFault::Empty(_)
            | CassetteFault::Unwritable(_) => Exit::Usage,
            _ => Exit::Invalid,
        };
        let told = Self::of(exit, &error);
        match error {
            CassetteFault::Damaged(faults) => {
                let mut told = Self::new(exit, "");
                told.more =
                    faults.into_iter().map(|fault| (fault.to_string(), fault.help)).collect();
                told
            }
            CassetteFault::Journal(error) => error.into(),
            error => error.help().into_iter().fold(told, Self::help),
        }
    }
}

/// What differs from `personas.lock`, and the two ways on.
fn not_as_locked(mismatches: &[Mismatch]) -> CliError {
    let mut told = CliError::new(Exit::Invalid, "");
    told.more = mismatches.iter().map(|found| (found.to_string(), None)).collect();
    let names: Vec<&str> = mismatches.iter().map(Mismatch::name).collect();
    told.help("read what is new in it; then lock it as it is:").help(format!(
        "  --update-lock, with `run` or `rerun`\n    orchestrate personas lock {}",
        names.join(" ")
    ))
}

/// A file of the user's that cannot be written.
impl From<WriteError> for CliError {
    fn from(error: WriteError) -> Self {
        let told = Self::of(Exit::Invalid, &error);
        error.help().into_iter().fold(told, Self::help)
    }
}

impl From<GatherError> for CliError {
    fn from(error: GatherError) -> Self {
        let told = Self::of(Exit::Invalid, &error);
        error.help().into_iter().fold(told, Self::help)
    }
}

impl From<StoreError> for CliError {
    fn from(error: StoreError) -> Self {
        let exit = match error {
            StoreError::InUse { .. } => Exit::InUse,
            _ => Exit::Journal,
        };
        let told = Self::of(exit, &error);
        if error.is_full() {
            return told.help(
                "the disk is full: make room, then `orchestrate resume` the run; what was recorded is kept",
            );
        }
        match error {
            StoreError::InUse { .. } => told.help("wait for it, or stop it with Ctrl-C where it runs"),
            StoreError::Damaged { .. } | StoreError::Contradiction { .. } => told.help(
                "nothing was changed; `run` the workflow again: every answer that can still be read is used again",
            ),
            StoreError::OtherSemantics { .. } | StoreError::Newer { .. } => {
                told.help("use the version of orchestrate that wrote it")
            }
            StoreError::Sqlite { .. } | StoreError::Foreign(_) => told.help(
                "look at the disk and at the file's permissions; where the file itself is spoilt, `run` the workflow again",
            ),
            StoreError::Io { .. } => told.help(
                "look at the disk and at the folder's permissions, or name another folder with --home",
            ),
            _ => told,
        }
    }
}

impl From<RunError> for CliError {
    fn from(error: RunError) -> Self {
        match error {
            RunError::Store(error) | RunError::Drive(DriveError::Store(error)) => error.into(),
            RunError::Setup(error) => error.into(),
            RunError::OtherEndpoint { .. } => Self::of(Exit::Invalid, &error)
                .help("set OPENAI_BASE_URL or your config back to resume, or `rerun` against the new address"),
            RunError::Complete(_) => {
                Self::of(Exit::Usage, &error).help("`runs show` prints it, `rerun` does it again")
            }
            RunError::Artifact(error) => {
                Self::of(Exit::RunFailed, &error).help("the run itself is recorded, its result is printed")
            }
            RunError::Drive(_) => Self::of(Exit::RunFailed, &error),
        }
    }
}

impl From<FindRunError> for CliError {
    fn from(error: FindRunError) -> Self {
        match error {
            FindRunError::Store(error) => error.into(),
            FindRunError::None | FindRunError::AllComplete => Self::of(Exit::Usage, &error),
            FindRunError::Unknown(_) => Self::of(Exit::Invalid, &error).help(
                "`orchestrate runs list` shows all runs; four characters of an id or more will do",
            ),
            FindRunError::Ambiguous { .. } => {
                Self::of(Exit::Usage, &error).help("give more of the id")
            }
        }
    }
}
