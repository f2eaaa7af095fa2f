//! The command line.

mod money;
mod personas;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::engine::ArgValueCompleter;

pub(crate) use money::{
    BudgetCap, CostArguments, CostBy, CostFormat, ModelsCommand, PricesArguments,
};
pub(crate) use personas::{
    Column, DiffPersonas, ExportPersona, ImportPersonas, LintFormat, LintLevel, LintPersonas,
    ListPersonas, LockPersonas, NewPersona, PersonaLevel, ShowPersona,
};

use crate::commands::{
    approve::ApproveArguments,
    completions,
    doctor::DoctorArguments,
    schema::SchemaArguments,
    starting::{InitArguments, NewArguments},
    test::TestArguments,
};

/// Run a team of written expert personas as a durable, budgeted, replayable DAG of model calls.
#[derive(Debug, Parser)]
#[command(name = "orchestrate", version, propagate_version = true, max_term_width = 100)]
#[command(arg_required_else_help = true, disable_help_subcommand = true)]
#[command(
    after_help = "Try it without a key: orchestrate run end-to-end-ml --task \"Predict churn\" --offline"
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
    /// Folder of runs and their index [default: `ORCHESTRATE_HOME`, else `orchestrate` in the XDG state
    /// folder]
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) home: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a workflow
    Run(RunArguments),
    /// Ask the personas that a task calls for, or those you name
    Ask(AskArguments),
    /// Show what a run would do: stages, personas, models, prompt sizes
    Plan(PlanArguments),
    /// Check workflow files and the personas they name
    Validate(ValidateArguments),
    /// Run the tests of workflows, without a model
    Test(TestArguments),
    /// Go on with a run that was interrupted, failed or reached a cap
    Resume(ResumeArguments),
    /// Decide what a run waits for: yes or no
    Approve(ApproveArguments),
    /// Do a run again with the files as they are now, reusing every answer that still fits
    Rerun(RerunArguments),
    /// List and show runs, and what they cost
    #[command(subcommand)]
    Runs(RunsCommand),
    /// What is known of models: prices, windows, and which are configured
    #[command(subcommand)]
    Models(ModelsCommand),
    /// List, show, import, export, check, compare, make and lock personas
    #[command(subcommand)]
    Personas(PersonasCommand),
    /// List, show and start workflows
    #[command(subcommand)]
    Workflows(WorkflowsCommand),
    /// Draw a workflow's steps
    Graph(GraphArguments),
    /// Start a project: folders, a first workflow and persona, a config
    Init(InitArguments),
    /// Show which providers are configured, where each value came from, and what is missing
    Doctor(DoctorArguments),
    /// Print the JSON Schema by which editors check files
    Schema(SchemaArguments),
    /// Print what makes a shell complete commands and names
    Completions(CompletionsArguments),
}

#[derive(Debug, Args)]
pub(crate) struct InputArguments {
    /// What the team shall do: text, @FILE, or - for standard input
    #[arg(short, long, value_name = "TEXT|@FILE|-")]
    pub(crate) task: Option<String>,
    /// An input of the workflow, may be repeated: name=text, name=@FILE, name=@- for standard input.
    /// A list is given item by item, or as name=[a, b]; an object as name={key: value}
    #[arg(short, long = "input", value_name = "NAME=VALUE")]
    pub(crate) inputs: Vec<String>,
    /// Inputs of a YAML or JSON file, by name; --task and -i win over it
    #[arg(long = "inputs", value_name = "FILE")]
    pub(crate) inputs_file: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct ModelArguments {
    /// Model of every step: an alias of your config, or provider:model such as openai:gpt-5-mini
    #[arg(short, long, value_name = "MODEL", conflicts_with = "offline")]
    pub(crate) model: Option<String>,
    /// Call no model: compose each persona's worksheet for the task
    #[arg(long)]
    pub(crate) offline: bool,
}

#[derive(Debug, Args)]
pub(crate) struct CapArguments {
    /// Send at most this many requests, retries included
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) max_calls: Option<u64>,
    /// Use at most this many tokens, checked on the worst case before each call
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) max_tokens: Option<u64>,
    /// Caps of the whole run: usd=5, tokens=400000, calls=40, wall=30m, one or several with commas. The
    /// worst case of each call is checked before it is sent
    #[arg(long, value_name = "CAP=VALUE,…", value_delimiter = ',')]
    pub(crate) budget: Vec<BudgetCap>,
    /// Send calls whose price is not known although the cost is capped; they count as nothing
    #[arg(long)]
    pub(crate) allow_unpriced: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ShowArguments {
    /// What standard output holds
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(crate) format: Format,
    /// What standard error shows while it runs
    #[arg(long, value_enum, default_value_t, value_name = "KIND")]
    pub(crate) progress: Progress,
    /// End with code 5 where an optional step failed
    #[arg(long)]
    pub(crate) fail_on_partial: bool,
    /// Ask nobody at the terminal: the run waits for `orchestrate approve` or `resume`
    #[arg(long)]
    pub(crate) no_input: bool,
}

/// What standard output holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Format {
    /// The result, for people
    #[default]
    Text,
    /// One JSON document
    Json,
    /// One JSON line per event, then the result
    Jsonl,
    /// The whole report as Markdown
    Markdown,
}

/// What standard error shows while a run is going on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Progress {
    /// Rows on a terminal, lines elsewhere
    #[default]
    Auto,
    /// A row for each running step
    Tty,
    /// A line for each transition
    Plain,
    /// A JSON line for each event
    Json,
    /// Nothing but warnings and errors
    Quiet,
}

#[derive(Debug, Args)]
pub(crate) struct RunArguments {
    /// Name of a workflow, or path of a .yaml file
    #[arg(add = ArgValueCompleter::new(completions::workflows))]
    pub(crate) workflow: String,
    #[command(flatten)]
    pub(crate) inputs: InputArguments,
    /// Refuse to run where anything differs from this plan, as `plan --format json` printed it
    #[arg(long, value_name = "FILE")]
    pub(crate) plan: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) flags: RunFlags,
}

/// How a run goes, whatever is run.
#[derive(Debug, Args)]
pub(crate) struct RunFlags {
    #[command(flatten)]
    pub(crate) model: ModelArguments,
    #[command(flatten)]
    pub(crate) caps: CapArguments,
    /// Calls at a time [default: the workflow's, else 4 at first and what the provider takes]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) concurrency: Option<u32>,
    /// Refuse answers of earlier runs: for all steps, or for the steps named
    #[arg(long, value_name = "STEP", num_args = 0..=1, require_equals = true, default_missing_value = "", conflicts_with = "replay")]
    pub(crate) fresh: Vec<String>,
    /// Write each deliverable and a report.md into this folder
    #[arg(short, long, value_name = "DIR")]
    pub(crate) output: Option<PathBuf>,
    /// Lock the personas as they are now, in personas.lock, instead of refusing those that differ
    #[arg(long)]
    pub(crate) update_lock: bool,
    #[command(flatten)]
    pub(crate) cassette: CassetteArguments,
    #[command(flatten)]
    pub(crate) show: ShowArguments,
}

/// Where calls are recorded, or answered from.
#[derive(Debug, Args)]
pub(crate) struct CassetteArguments {
    /// Write every answered call into this folder, as readable files for --replay
    #[arg(long, value_name = "DIR", conflicts_with_all = ["offline", "replay"])]
    pub(crate) record: Option<PathBuf>,
    /// Answer from the calls recorded in this folder alone: no model, key or network; what was not
    /// recorded fails, with code 12
    #[arg(long, value_name = "DIR", conflicts_with = "offline")]
    pub(crate) replay: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct AskArguments {
    /// What is asked: text, @FILE, or - for standard input
    #[arg(value_name = "TASK|@FILE|-", required = true)]
    pub(crate) task: Vec<String>,
    /// Who answers: name, title, abbreviation or alias, several with commas [default: whom the task calls
    /// for]
    #[arg(short, long = "persona", value_name = "NAME,…", value_delimiter = ',', add = ArgValueCompleter::new(completions::personas))]
    pub(crate) personas: Vec<String>,
    /// Ask only the best persona where the task calls for several
    #[arg(long, conflicts_with = "personas")]
    pub(crate) top: bool,
    /// Let the model choose the personas from the nearest ones
    #[arg(long, conflicts_with_all = ["personas", "offline"])]
    pub(crate) with_model: bool,
    #[command(flatten)]
    pub(crate) flags: RunFlags,
}

#[derive(Debug, Args)]
pub(crate) struct MatchArguments {
    /// The task: text, @FILE, or - for standard input
    #[arg(value_name = "TASK|@FILE|-", required = true)]
    pub(crate) task: Vec<String>,
    /// List at most this many personas, beside those selected
    #[arg(long, value_name = "N", default_value_t = 5)]
    pub(crate) top: usize,
    /// Let a model choose from the nearest ones; its answer is checked and recorded
    #[arg(long)]
    pub(crate) with_model: bool,
    /// That model: an alias of your config, or provider:model such as openai:gpt-5-mini
    #[arg(short, long, value_name = "MODEL", requires = "with_model")]
    pub(crate) model: Option<String>,
    /// What standard output holds
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(crate) format: ListFormat,
}

#[derive(Debug, Args)]
pub(crate) struct PlanArguments {
    /// Name of a workflow, or path of a .yaml file
    #[arg(add = ArgValueCompleter::new(completions::workflows))]
    pub(crate) workflow: String,
    #[command(flatten)]
    pub(crate) inputs: InputArguments,
    #[command(flatten)]
    pub(crate) model: ModelArguments,
    #[command(flatten)]
    pub(crate) caps: CapArguments,
    /// What standard output holds
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(crate) format: ListFormat,
}

/// What the output of a list or a check is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum ListFormat {
    /// For people
    #[default]
    Text,
    /// One JSON document
    Json,
}

#[derive(Debug, Args)]
pub(crate) struct ValidateArguments {
    /// Names or paths of workflows, or paths of test files; all workflows that can be found where none is given
    #[arg(add = ArgValueCompleter::new(completions::workflows))]
    pub(crate) workflows: Vec<String>,
    /// What standard output holds
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(crate) format: ListFormat,
}

#[derive(Debug, Args)]
pub(crate) struct ResumeArguments {
    /// Id of the run, or four or more characters of it [default: the newest unfinished one]
    #[arg(add = ArgValueCompleter::new(completions::runs))]
    pub(crate) run: Option<String>,
    #[command(flatten)]
    pub(crate) caps: CapArguments,
    /// Write every answered call of the run into this folder, as readable files for --replay
    #[arg(long, value_name = "DIR")]
    pub(crate) record: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) show: ShowArguments,
}

#[derive(Debug, Args)]
pub(crate) struct RerunArguments {
    /// Id of the run, or four or more characters of it
    #[arg(add = ArgValueCompleter::new(completions::runs))]
    pub(crate) run: String,
    /// The step to do again, with all that depends on it
    pub(crate) step: Option<String>,
    /// A remark that the step gets beside its earlier document
    #[arg(short = 'm', long, value_name = "TEXT", requires = "step")]
    pub(crate) remark: Option<String>,
    /// Model of every step [default: that of the run]
    #[arg(long, value_name = "MODEL", conflicts_with = "offline")]
    pub(crate) model: Option<String>,
    /// Call no model
    #[arg(long)]
    pub(crate) offline: bool,
    #[command(flatten)]
    pub(crate) caps: CapArguments,
    /// Write each deliverable and a report.md into this folder
    #[arg(short, long, value_name = "DIR")]
    pub(crate) output: Option<PathBuf>,
    /// Lock the personas as they are now, in personas.lock, instead of refusing those that differ
    #[arg(long)]
    pub(crate) update_lock: bool,
    #[command(flatten)]
    pub(crate) cassette: CassetteArguments,
    #[command(flatten)]
    pub(crate) show: ShowArguments,
}

#[derive(Debug, Subcommand)]
pub(crate) enum RunsCommand {
    /// List runs, newest first
    List {
        /// What standard output holds
        #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
        format: ListFormat,
    },
    /// Add up what runs cost, by persona, model or day
    Cost(CostArguments),
    /// Show a run: its steps and how it ended
    Show {
        /// Id of the run, or four or more characters of it [default: the newest]
        #[arg(add = ArgValueCompleter::new(completions::runs))]
        run: Option<String>,
        /// Print the result, as `run` did
        #[arg(long)]
        result: bool,
        /// What standard output holds
        #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
        format: Format,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum PersonasCommand {
    /// List the personas that can be named here
    List(ListPersonas),
    /// Show a persona
    Show(ShowPersona),
    /// Find the personas that a task calls for, without a model
    Match(MatchArguments),
    /// Bring in personas that are written for other tools
    Import(ImportPersonas),
    /// Write a persona for another tool
    Export(ExportPersona),
    /// Check persona files, and mend them
    Lint(LintPersonas),
    /// Compare two personas field by field
    Diff(DiffPersonas),
    /// Begin a persona of your own
    New(NewPersona),
    /// Write down which personas the project uses, byte for byte
    Lock(LockPersonas),
}

#[derive(Debug, Subcommand)]
pub(crate) enum WorkflowsCommand {
    /// List the workflows that can be named here
    List {
        /// What standard output holds
        #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
        format: ListFormat,
    },
    /// Show a workflow: inputs, steps, personas
    Show {
        /// Its name, or the path of a .yaml file
        #[arg(add = ArgValueCompleter::new(completions::workflows))]
        name: String,
        /// Print the file itself
        #[arg(long)]
        source: bool,
    },
    /// Write a new workflow to start from, workflows/NAME.yaml
    New(NewArguments),
}

#[derive(Debug, Args)]
pub(crate) struct GraphArguments {
    /// Name of a workflow, or path of a .yaml file
    #[arg(add = ArgValueCompleter::new(completions::workflows))]
    pub(crate) workflow: String,
    /// How to draw it
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(crate) format: GraphFormat,
}

/// How a workflow is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum GraphFormat {
    /// A drawing in text
    #[default]
    Text,
    /// A Mermaid flowchart
    Mermaid,
    /// A graph for Graphviz
    Dot,
    /// A picture
    Svg,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Put one of these where your shell reads its settings:
  bash        eval \"$(orchestrate completions bash)\"
  zsh         eval \"$(orchestrate completions zsh)\"          below the line with compinit
  fish        orchestrate completions fish | source
  elvish      eval (orchestrate completions elvish | slurp)
  powershell  orchestrate completions powershell | Out-String | Invoke-Expression")]
pub(crate) struct CompletionsArguments {
    /// The shell
    #[arg(value_enum)]
    pub(crate) shell: Shell,
}

/// A shell that can be told how to complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Shell {
    Bash,
    Elvish,
    Fish,
    Powershell,
    Zsh,
}
