//! `orchestrate runs`.

use std::fmt::Write as _;

use orchestrate_core::{
    event::{PauseReason, RunFailure},
    money::Money,
    neutral,
    summary::{RunStatus, RunSummary, StepState, StepSummary},
};
use orchestrate_engine::session::{RunRecord, Workspace, find_run, list_runs};
use orchestrate_report::words::short_count;
use serde_json::json;

use super::cost;
use crate::{
    cli::{Format, ListFormat, RunsCommand},
    exit::{CliError, Exit, chain},
    terminal,
};

pub(super) fn runs(workspace: &Workspace, command: RunsCommand) -> Result<Exit, CliError> {
    match command {
        RunsCommand::List { format } => Ok(list(workspace, format)),
        RunsCommand::Cost(arguments) => cost::cost(workspace, &arguments),
        RunsCommand::Show { run, result, format } => {
            show(workspace, run.as_deref(), result, format)
        }
    }
}

fn list(workspace: &Workspace, format: ListFormat) -> Exit {
    let mut exit = Exit::Ok;
    let mut rows = Vec::new();
    for run in list_runs(&workspace.home) {
        match run.record {
            Ok(record) => rows.push(record.summary),
            Err(error) => {
                exit = Exit::Journal;
                terminal::warn(&format!("run {}: {}", run.id, chain(&error)), &[]);
            }
        }
    }
    match format {
        ListFormat::Json => {
            let runs: Vec<_> = rows.iter().map(orchestrate_report::list_entry).collect();
            terminal::out_json(&json!({ "schema": "orchestrate/runs/1", "runs": runs }));
        }
        ListFormat::Text if rows.is_empty() && exit == Exit::Ok => {
            terminal::say(
                "no runs yet; begin with: orchestrate run end-to-end-ml --task \"…\" --offline",
            );
        }
        ListFormat::Text => {
            let width = rows
                .iter()
                .map(|summary| summary.workflow.chars().count())
                .max()
                .unwrap_or_default();
            for summary in &rows {
                let id = summary.run.as_ref().map(ToString::to_string).unwrap_or_default();
                let steps = format!("{}/{}", summary.ended(), summary.total());
                let line = format!(
                    "{id}  {:width$}  {:<12}  {steps:>5}  {}\n",
                    summary.workflow,
                    status(summary),
                    neutral::excerpt(&format!("{}{}", kind(summary), summary.task), 60),
                );
                terminal::out(&terminal::fitted(&line));
            }
        }
    }
    exit
}

/// What stands before the task of a run that replayed a cassette.
fn kind(summary: &RunSummary) -> &'static str {
    if summary.replay.is_some() { "(replay) " } else { "" }
}

/// The status of a run in a word or two.
fn status(summary: &RunSummary) -> &'static str {
    match &summary.status {
        // Whether somebody still runs it only its lock tells; `resume` finds out.
        RunStatus::Running => "unfinished",
        RunStatus::Paused(PauseReason::Interrupted) => "interrupted",
        RunStatus::Paused(PauseReason::DiskFull) => "disk full",
        RunStatus::Paused(PauseReason::AwaitingApproval | PauseReason::CallUnknown) => "waiting",
        RunStatus::Succeeded if summary.is_partial() => "partial",
        RunStatus::Succeeded => "ok",
        RunStatus::Failed(RunFailure::Step(_)) => "failed",
        RunStatus::Failed(RunFailure::Budget(_)) => "cap reached",
    }
}

fn show(
    workspace: &Workspace,
    given: Option<&str>,
    result: bool,
    format: Format,
) -> Result<Exit, CliError> {
    let id = find_run(&workspace.home, given)?;
    let record = RunRecord::read(&workspace.home.run(&id))?;
    if result || format != Format::Text {
        terminal::result::print_recorded(&record, format)?;
    } else {
        terminal::out(&describe(&record));
    }
    Ok(Exit::Ok)
}

/// Items of one fan-out that are told with their failures.
const FAILED_ITEMS: usize = 5;

/// The first items of a fan-out that failed, each with the reason, and how many more there are.
fn failed_items(summary: &RunSummary, step: &StepSummary) -> Vec<String> {
    if step.items.is_none_or(|items| items.failed == 0) {
        return Vec::new();
    }
    let at = summary.plan().position(&step.step);
    let told = at.into_iter().flat_map(|at| summary.instances_of(at));
    let failed: Vec<&StepSummary> = told.filter(|told| told.state == StepState::Failed).collect();
    let line = |told: &&StepSummary| {
        let why = told.failure.as_ref().map(ToString::to_string).unwrap_or_default();
        neutral::one_line(&format!("{}: {why}", told.step))
    };
    let mut lines: Vec<String> = failed.iter().take(FAILED_ITEMS).map(line).collect();
    if failed.len() > FAILED_ITEMS {
        lines.push(format!("and {} more", failed.len() - FAILED_ITEMS));
    }
    lines
}

fn describe(record: &RunRecord) -> String {
    let summary = &record.summary;
    let mut text = String::new();
    let id = summary.run.as_ref().map(ToString::to_string).unwrap_or_default();
    // Writing to a String cannot fail.
    let _ = writeln!(text, "run {id}  {}  {}", summary.workflow, status(summary));
    if !summary.task.is_empty() {
        let _ = writeln!(text, "task: {}", neutral::one_line(&summary.task));
    }
    if let Some(selection) = &summary.selection {
        let _ = writeln!(text, "asked: {}", orchestrate_report::selection(selection));
    }
    if let Some(from) = &summary.forked_from {
        let _ = writeln!(text, "made from run {from}");
    }
    text.push('\n');
    let width =
        |of: &dyn Fn(&StepSummary) -> usize| summary.steps.iter().map(of).max().unwrap_or_default();
    let id_width = width(&|step| step.step.as_str().chars().count());
    let persona_width = width(&|step| step.persona.as_deref().unwrap_or("—").chars().count());
    for step in &summary.steps {
        let state = match step.state {
            StepState::Waiting => "not begun",
            StepState::Running => "begun",
            StepState::Retrying => "retrying",
            StepState::AwaitingApproval => "asks",
            StepState::Succeeded if step.reused_from.is_some() => "reused",
            StepState::Succeeded => "ok",
            StepState::Failed => "failed",
            StepState::Skipped => "skipped",
        };
        let _ = write!(
            text,
            "  {state:9}  {:id_width$}  {:persona_width$}",
            step.step.as_str(),
            step.persona.as_deref().unwrap_or("—"),
        );
        if step.usage.total() > 0 {
            let _ = write!(text, "  {} tok", short_count(step.usage.total()));
        }
        if step.cost > Money::ZERO {
            let _ = write!(text, "  {}", step.cost);
        }
        if let Some(items) = orchestrate_report::items(step) {
            let _ = write!(text, "  {items}");
        } else if step.attempts > 1 {
            let _ = write!(text, "  {} attempts", step.attempts);
        }
        text.push('\n');
        let mut below = |line: String| {
            let _ = writeln!(text, "  {:9}  {:id_width$}  └ {line}", "", "");
        };
        if let Some(choice) = &step.choice {
            below(neutral::one_line(choice));
        }
        if let Some(why) = &step.skipped {
            below(neutral::one_line(why));
        }
        if let Some(approval) = orchestrate_report::approval(step) {
            let question = step.approval.as_ref().map(|told| told.request.question);
            let question = question.and_then(|question| record.blobs.text(&question).ok());
            below(neutral::excerpt(&question.unwrap_or_default(), 200));
            below(approval);
        }
        if let Some(failure) = &step.failure {
            below(neutral::one_line(&failure.to_string()));
            if let Some(help) = &failure.help {
                below(format!("help: {}", neutral::one_line(help)));
            }
        }
        for failed in failed_items(summary, step) {
            below(failed);
        }
        if let Some(lost) = orchestrate_report::lost_attempts(step) {
            below(lost);
        }
        for note in &step.notes {
            below(neutral::one_line(note));
        }
    }
    text.push('\n');
    for line in orchestrate_report::closing(summary) {
        let _ = writeln!(text, "{line}");
    }
    if summary.status == RunStatus::Paused(PauseReason::AwaitingApproval) {
        for line in orchestrate_report::how_to_decide(summary) {
            let _ = writeln!(text, "next    {line}");
        }
    }
    text
}
