//! `orchestrate approve`.

use clap::Args;
use clap_complete::engine::ArgValueCompleter;
use orchestrate_core::ids::StepPath;
use orchestrate_engine::{
    approvals::GivenDecision,
    session::{ApproveError, Approved, OpenRun, RunRecord, Workspace, approve as decide, find_run},
};

use super::{common, completions};
use crate::{
    cli::{Format, ShowArguments},
    exit::{CliError, Exit},
    terminal,
};

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("verdict").required(true))]
pub(crate) struct ApproveArguments {
    /// Id of the run, or four or more characters of it
    #[arg(add = ArgValueCompleter::new(completions::waiting_runs))]
    pub(crate) run: String,
    /// The step that waits
    #[arg(add = ArgValueCompleter::new(completions::waiting_steps))]
    pub(crate) step: String,
    /// Approve what the step asks about
    #[arg(long, group = "verdict")]
    pub(crate) yes: bool,
    /// Refuse it; the step fails
    #[arg(long, group = "verdict")]
    pub(crate) no: bool,
    /// What you have to say about it; with a yes, what is handed to the steps that follow
    #[arg(long, value_name = "TEXT")]
    pub(crate) note: Option<String>,
    /// Go on with the run at once
    #[arg(long, conflicts_with = "no")]
    pub(crate) resume: bool,
    #[command(flatten)]
    pub(crate) show: ShowArguments,
}

pub(super) fn approve(
    workspace: &Workspace,
    arguments: &ApproveArguments,
) -> Result<Exit, CliError> {
    let id = find_run(&workspace.home, Some(&arguments.run))?;
    let step = StepPath::new(arguments.step.as_str());
    let note = arguments.note.as_deref().map(|note| workspace.config.redactor().redact(note));
    let given = GivenDecision::of_this_user(arguments.yes, note.as_deref()).map_err(|error| {
        CliError::new(Exit::Usage, error.to_string()).help(
            "say it shortly; what takes longer is a remark for `orchestrate rerun RUN STEP -m`",
        )
    })?;
    let word = if arguments.yes { "yes" } else { "no" };
    match decide(&workspace.home, &id, &step, &given)? {
        Approved::Recorded(_) if arguments.resume => {
            terminal::say(&format!("{word} to `{step}`, recorded"));
            let run = OpenRun::resume(workspace, &id, None)?;
            return common::drive(workspace, run, &arguments.show, None);
        }
        Approved::Recorded(_) => {
            terminal::say(&format!("{word} to `{step}`, recorded as the decision of {}", given.by));
            if arguments.yes {
                terminal::say(&format!("next: orchestrate resume {id}"));
            }
        }
        Approved::TakenIn => {
            terminal::say(&format!("{word} to `{step}`, taken in by the process that runs it"));
        }
        Approved::Waiting => {
            terminal::say(&format!(
                "{word} to `{step}` lies ready for the process that runs it, which has not looked yet"
            ));
        }
    }
    if arguments.show.format != Format::Text {
        let record = RunRecord::read(&workspace.home.run(&id))?;
        terminal::result::print_recorded(&record, arguments.show.format)?;
    }
    Ok(Exit::Ok)
}

impl From<ApproveError> for CliError {
    fn from(error: ApproveError) -> Self {
        let message = error.to_string();
        match error {
            ApproveError::UnknownStep { help, .. } => {
                help.into_iter().fold(Self::new(Exit::Invalid, message), Self::help)
            }
            ApproveError::NotAsking { asking, .. } => {
                let told = Self::new(Exit::Usage, message);
                if asking.is_empty() {
                    return told.help(
                        "no step of the run does; `orchestrate runs show` says where it stands",
                    );
                }
                let names: Vec<&str> = asking.iter().map(StepPath::as_str).collect();
                told.help(format!("these wait: {}", names.join(", ")))
            }
            ApproveError::Expired(_) => {
                Self::new(Exit::RunFailed, message).help("`orchestrate resume` asks again")
            }
            ApproveError::Store(error) => error.into(),
            ApproveError::Illegal(_) => Self::new(Exit::RunFailed, message),
        }
    }
}
