//! The closing block: what was done, what it took, and what to do next.

use std::path::Path;

use orchestrate_core::{
    event::RunFailure,
    neutral,
    summary::{RunStatus, RunSummary},
};
use orchestrate_engine::{
    library::{ASK, CHOOSE},
    session::RunRecord,
};

use super::say;
use crate::{
    cli::Progress,
    exit::{CliError, Exit},
};

/// Prints the closing block to standard error.
pub(crate) fn print(record: &RunRecord, output: Option<&Path>, progress: Progress) {
    match progress {
        Progress::Json => return,
        Progress::Quiet => return troubles(&record.summary),
        Progress::Auto | Progress::Tty | Progress::Plain => {}
    }
    let mut lines = vec![String::new()];
    lines.extend(orchestrate_report::closing(&record.summary));
    if let Some(folder) = output {
        lines.push(format!("written to {}", folder.display()));
    }
    lines.extend(next(&record.summary).map(|next| format!("next: {next}")));
    for line in lines {
        say(&line);
    }
}

/// What went wrong, and nothing else.
fn troubles(summary: &RunSummary) {
    for step in summary.given_up() {
        let why =
            step.failure.as_ref().map(|why| format!(": {}", neutral::one_line(&why.to_string())));
        let why = why.unwrap_or_default();
        super::warn(&format!("the optional step `{}` failed{why}", step.step), &[]);
    }
    for step in summary.with_failed_items() {
        if let Some(items) = orchestrate_report::items(step) {
            super::warn(&format!("step `{}`: {items}", step.step), &[]);
        }
    }
    if let RunStatus::Failed(_) = summary.status {
        let id = summary.run.as_ref().map(ToString::to_string).unwrap_or_default();
        let message = format!("run {id} {}", orchestrate_report::status(summary));
        let mut error = CliError::new(Exit::RunFailed, message);
        error.help.extend(orchestrate_report::advice(summary));
        error.help.extend(next(summary));
        super::error(&error);
    }
}

/// Whether no file has the workflow's name.
fn is_generated(summary: &RunSummary) -> bool {
    matches!(summary.workflow.as_str(), ASK | CHOOSE)
}

/// The command that a person would want next.
fn next(summary: &RunSummary) -> Option<String> {
    let id = summary.run.as_ref()?;
    Some(match &summary.status {
        // No file has this name: the run is what can be done again.
        RunStatus::Succeeded if summary.offline && is_generated(summary) => format!(
            "orchestrate rerun {id} --model openai:gpt-5-mini for answers, with OPENAI_API_KEY set"
        ),
        RunStatus::Succeeded if summary.offline => format!(
            "orchestrate run {} --model openai:gpt-5-mini … for answers, with OPENAI_API_KEY set",
            summary.workflow
        ),
        RunStatus::Succeeded => {
            let step = summary.steps.last().map_or("STEP", |step| step.step.as_str());
            format!("orchestrate rerun {id} {step} -m \"your remark\" to have it reworked")
        }
        RunStatus::Failed(RunFailure::Budget(cap)) => {
            format!("orchestrate resume {id} {} N with a higher cap", cap.flag())
        }
        RunStatus::Failed(RunFailure::Step(_)) => {
            format!("orchestrate resume {id} once the cause is mended; finished steps are kept")
        }
        RunStatus::Paused(_) | RunStatus::Running => format!("orchestrate resume {id}"),
    })
}
