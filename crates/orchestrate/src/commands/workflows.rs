//! `orchestrate workflows`.

use std::fmt::Write as _;

use orchestrate_core::{
    neutral::excerpt,
    plan::{Action, InputValue, Need, Plan},
};
use orchestrate_engine::{
    library::FoundWorkflow,
    session::{RunSetup, Workspace},
};
use serde_json::json;

use super::starting;
use crate::{
    cli::{ListFormat, WorkflowsCommand},
    exit::{CliError, Exit},
    terminal,
};

pub(super) fn workflows(
    workspace: &Workspace,
    command: WorkflowsCommand,
) -> Result<Exit, CliError> {
    match command {
        WorkflowsCommand::List { format } => Ok(list(workspace, format)),
        WorkflowsCommand::Show { name, source } => show(workspace, &name, source),
        WorkflowsCommand::New(arguments) => starting::new_workflow(workspace, &arguments),
    }
}

fn list(workspace: &Workspace, format: ListFormat) -> Exit {
    let mut found = Vec::new();
    let mut exit = Exit::Ok;
    for name in workspace.workflows.names() {
        match workspace.workflows.read(name) {
            Ok(Some(workflow)) => {
                let (_, summary) = orchestrate_workflow::headline(&workflow.source);
                found.push((workflow, summary.unwrap_or_default()));
            }
            Ok(None) => {}
            // One file that cannot be read does not hide the others.
            Err(error) => {
                exit = Exit::Invalid;
                terminal::error(&error.into());
            }
        }
    }
    match format {
        ListFormat::Json => {
            let workflows: Vec<_> = found
                .iter()
                .map(|(workflow, summary)| {
                    json!({
                        "name": workflow.name,
                        "summary": summary,
                        "level": workflow.level.as_str(),
                        "source": workflow.source.name,
                    })
                })
                .collect();
            terminal::out_json(
                &json!({ "schema": "orchestrate/workflows/1", "workflows": workflows }),
            );
        }
        ListFormat::Text => {
            let width = found
                .iter()
                .map(|(workflow, _)| workflow.name.chars().count())
                .max()
                .unwrap_or_default();
            for (workflow, summary) in &found {
                let level = match workflow.level {
                    orchestrate_engine::library::Level::BuiltIn => String::new(),
                    level => format!("[{}] ", level.as_str()),
                };
                terminal::out(&terminal::row(&workflow.name, width, &format!("{level}{summary}")));
            }
        }
    }
    exit
}

fn show(workspace: &Workspace, name: &str, source: bool) -> Result<Exit, CliError> {
    let workflow = RunSetup::find_workflow(workspace, name)?;
    if source {
        terminal::out(&workflow.source.text);
        return Ok(Exit::Ok);
    }
    let (plan, _, warnings) = RunSetup::compile(workspace, &workflow)?;
    terminal::diagnostics(&warnings);
    terminal::out(&describe(&plan, &workflow));
    Ok(Exit::Ok)
}

fn describe(plan: &Plan, workflow: &FoundWorkflow) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{}", plan.workflow());
    if let Some(summary) = plan.summary() {
        let _ = writeln!(text, "{summary}");
    }
    if !plan.inputs().is_empty() {
        text.push_str("\nInputs\n");
    }
    for (name, spec) in plan.inputs() {
        let kind = spec.kind.describe();
        let when = match (&spec.default, spec.required) {
            (Some(default), _) => format!("default {}", value(default)),
            (None, true) => "required".into(),
            (None, false) => "optional".into(),
        };
        let help = spec.help.as_ref().map(|help| format!(" — {help}")).unwrap_or_default();
        let _ = writeln!(text, "  {name} ({kind}; {when}){help}");
    }
    text.push_str("\nSteps\n");
    for step in plan.steps() {
        let who = match &step.action {
            Action::Persona(action) => action.persona.candidates().join(" | "),
            Action::Render(_) => "a rendered value".into(),
            Action::Approve(_) => "a person approves".into(),
            Action::Group => "a group".into(),
        };
        let needs: Vec<String> = step.needs.iter().map(Need::label).collect();
        let needs =
            if needs.is_empty() { String::new() } else { format!("  ← {}", needs.join(", ")) };
        let _ = writeln!(text, "  {}: {who}{needs}", step.id);
        for line in orchestrate_report::flow(&step.flow) {
            let _ = writeln!(text, "    {}", orchestrate_core::neutral::one_line(&line));
        }
    }
    let _ = writeln!(
        text,
        "\nfrom {}; --source prints the file, `orchestrate graph {}` draws it",
        workflow.source.name, workflow.name
    );
    text
}

fn value(value: &InputValue) -> String {
    match value {
        InputValue::String(text) | InputValue::Enum(text) => format!("`{text}`"),
        InputValue::Integer(number) => number.to_string(),
        InputValue::Number(number) => number.to_string(),
        InputValue::Boolean(flag) => flag.to_string(),
        InputValue::File { name, .. } => name.clone(),
        InputValue::List(_) | InputValue::Object(_) => {
            format!("`{}`", excerpt(&value.to_json().to_string(), 80))
        }
    }
}
