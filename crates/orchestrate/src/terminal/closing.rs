//! The closing block: what was done, what it took, and what to do next.

use std::path::Path;

use orchestrate_core::{
    event::{PauseReason, RunFailure},
    failure::FailureClass,
    ids::RunId,
    neutral,
    plan::Action,
    summary::{RunStatus, RunSummary, StepState},
};
use orchestrate_engine::{
    library::{ASK, CHOOSE},
    session::{FinishedRun, RunRecord, leftovers},
};

use super::say;
use crate::{
    cli::Progress,
    exit::{CliError, Exit, chain},
};

/// Prints the closing block to standard error.
pub(crate) fn print(run: &FinishedRun, progress: Progress) {
    let FinishedRun { record, output, unwritten, .. } = run;
    let strays = output.as_deref().map(|folder| leftovers(record, folder)).unwrap_or_default();
    match progress {
        Progress::Json | Progress::Quiet => {
            if progress == Progress::Quiet {
                troubles(record);
            }
            if let Some(error) = unwritten {
                let mut error = CliError::of_unwritten(error);
                error.help.extend(next(record, true));
                super::error(&error);
            }
            if progress == Progress::Quiet && !strays.is_empty() {
                super::warn(&format!("the output folder holds {}", few(&strays)), &[]);
            }
            return;
        }
        Progress::Auto | Progress::Tty | Progress::Plain => {}
    }
    let mut lines = vec![String::new()];
    lines.extend(orchestrate_report::closing(&record.summary));
    lines.extend(record.report(orchestrate_report::coverage_line));
    if let Some(folder) = output {
        lines.push(format!("written to {}", folder.display()));
    }
    if !strays.is_empty() {
        lines.push(format!("beside {}", few(&strays)));
    }
    if let Some(error) = unwritten {
        lines.push(format!("files   not all written: {}", chain(error)));
    }
    let next = next(record, unwritten.is_some());
    lines.extend(next.into_iter().map(|next| format!("next: {next}")));
    for line in lines {
        say(&line);
    }
}

/// Files that are not of this run, a few by name.
fn few(names: &[String]) -> String {
    let shown: Vec<String> = names.iter().take(3).map(|name| format!("`{name}`")).collect();
    let files = if names.len() == 1 { "a file" } else { "files" };
    let more = match names.len().saturating_sub(shown.len()) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("{files} that this run did not write: {}{more}", shown.join(", "))
}

/// What went wrong, and nothing else.
fn troubles(record: &RunRecord) {
    let summary = &record.summary;
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
        error.help.extend(next(record, false));
        super::error(&error);
    }
    if matches!(
        summary.status,
        RunStatus::Paused(
            PauseReason::AwaitingApproval | PauseReason::CallUnknown | PauseReason::DiskFull
        )
    ) {
        let id = summary.run.as_ref().map(ToString::to_string).unwrap_or_default();
        super::warn(
            &format!("run {id} is {}", orchestrate_report::status(summary)),
            &next(record, false),
        );
    }
}

/// Whether no file has the workflow's name.
fn is_generated(summary: &RunSummary) -> bool {
    matches!(summary.workflow.as_str(), ASK | CHOOSE)
}

/// The last document that a persona wrote and that a remark can speak of: that of a step which ran once, else
/// of an item. Written so that a shell takes it as one word.
fn last_document(summary: &RunSummary) -> Option<String> {
    let plan = summary.plan();
    let written = |at: &usize| {
        matches!(plan.steps()[*at].action, Action::Persona(_))
            && summary.steps[*at].state == StepState::Succeeded
    };
    let mut positions = (0..plan.steps().len()).rev().filter(written);
    if let Some(once) = positions.clone().find(|&at| !plan.repeats(at)) {
        return Some(summary.steps[once].step.to_string());
    }
    let last = summary.instances_of(positions.next()?).last()?;
    Some(format!("'{}'", last.step))
}

/// The commands that a person would want next. `unwritten` where files of the run could not be written.
fn next(record: &RunRecord, unwritten: bool) -> Vec<String> {
    let summary = &record.summary;
    let Some(id) = summary.run.as_ref() else { return Vec::new() };
    vec![match &summary.status {
        RunStatus::Paused(PauseReason::AwaitingApproval) => {
            return orchestrate_report::how_to_decide(summary);
        }
        RunStatus::Succeeded if unwritten => {
            format!(
                "orchestrate resume {id} once the cause is mended writes the files; nothing is asked again"
            )
        }
        // No file has this name: the run is what can be done again.
        RunStatus::Succeeded if summary.offline && is_generated(summary) => format!(
            "orchestrate rerun {id} --model openai:gpt-5-mini for answers, with OPENAI_API_KEY set"
        ),
        RunStatus::Succeeded if summary.offline => format!(
            "orchestrate run {} --model openai:gpt-5-mini … for answers, with OPENAI_API_KEY set",
            workflow(record)
        ),
        RunStatus::Succeeded if summary.replay.is_some() => format!(
            "orchestrate run {} … without --replay has it answered by a model",
            workflow(record)
        ),
        RunStatus::Succeeded => {
            let Some(step) = last_document(summary) else { return Vec::new() };
            format!("orchestrate rerun {id} {step} -m \"your remark\" to have it reworked")
        }
        RunStatus::Failed(RunFailure::Budget(cap)) => {
            let flag = cap.flag();
            match orchestrate_report::sufficient_cap(summary) {
                Some(least) => format!("orchestrate resume {id} {flag}{least} or more"),
                None => format!("orchestrate resume {id} {flag}N with a higher cap"),
            }
        }
        RunStatus::Failed(RunFailure::Step(_)) if !summary.not_recorded.is_empty() => {
            "the same command with --record in the place of --replay asks the model for what is missing, and records it".to_owned()
        }
        RunStatus::Failed(RunFailure::Step(path)) => {
            let failure = summary.step(path).and_then(|step| step.failure.as_ref());
            if let Some(at) = failure.and_then(|failure| failure.not_before) {
                let from = orchestrate_report::words::time(at);
                format!("orchestrate resume {id} from {from} on; finished steps are kept")
            } else {
                let class = failure.map(|failure| failure.class);
                after_failure(id, class, is_generated(summary))
            }
        }
        RunStatus::Paused(PauseReason::CallUnknown) => {
            format!(
                "orchestrate resume {id} to have the call made again: at worst it is paid twice"
            )
        }
        RunStatus::Paused(PauseReason::DiskFull) => {
            format!("make room on the disk, then orchestrate resume {id}")
        }
        RunStatus::Paused(PauseReason::Interrupted) | RunStatus::Running => {
            format!("orchestrate resume {id}")
        }
    }]
}

/// What helps after a failure: a resumed run keeps its workflow, personas and model.
fn after_failure(id: &RunId, class: Option<FailureClass>, is_generated: bool) -> String {
    match class {
        Some(FailureClass::NotFound) => {
            format!("orchestrate rerun {id} --model openai:NAME with a model that the provider has")
        }
        // There is no file to change.
        Some(class) if is_generated && class.lasts() => format!(
            "orchestrate rerun {id} --model openai:NAME with another model, or ask in other words"
        ),
        Some(FailureClass::Preparation) => format!(
            "orchestrate rerun {id} once the workflow is mended; finished steps that stay the same are kept"
        ),
        Some(class) if class.lasts() => format!(
            "orchestrate rerun {id} once the workflow is changed, or with --model and another model; finished steps that stay the same are kept"
        ),
        _ => format!("orchestrate resume {id} once the cause is mended; finished steps are kept"),
    }
}

/// The name or path that finds the run's workflow, as one would write it here.
fn workflow(record: &RunRecord) -> String {
    let source = Path::new(&record.created.workflow_source);
    let here = std::env::current_dir().ok();
    let below = here.as_deref().and_then(|here| source.strip_prefix(here).ok());
    let shown = below.unwrap_or(source).display().to_string();
    let plain = |c: char| c.is_alphanumeric() || "/._-+:".contains(c);
    if shown.chars().all(plain) { shown } else { format!("'{}'", shown.replace('\'', "'\\''")) }
}
