//! `orchestrate validate`.

use std::path::Path;

use orchestrate_core::diagnostic::{Diagnostic, Severity};
use orchestrate_engine::{
    library::{FoundWorkflow, Level},
    session::{RunSetup, SetupError, Workspace},
};
use serde_json::json;

use crate::{
    cli::{ListFormat, ValidateArguments},
    exit::{CliError, Exit},
    terminal,
};

pub(super) fn validate(workspace: &Workspace, arguments: &ValidateArguments) -> Exit {
    let names: Vec<String> = if arguments.workflows.is_empty() {
        workspace.workflows.names().map(str::to_owned).collect()
    } else {
        arguments.workflows.clone()
    };
    let mut exit = Exit::Ok;
    let mut checked = Vec::new();
    for name in &names {
        let outcome = RunSetup::find_workflow(workspace, name).and_then(|workflow| {
            let (plan, personas, mut warnings) = RunSetup::compile(workspace, &workflow)?;
            warnings.extend(other_name(&workflow, plan.workflow()));
            Ok((plan, personas, warnings))
        });
        let (steps, diagnostics) = match outcome {
            Ok((plan, _, warnings)) => (Some(plan.steps().len()), warnings),
            Err(SetupError::Invalid(diagnostics)) => {
                exit = Exit::Invalid;
                (None, diagnostics)
            }
            Err(error) => {
                exit = Exit::Invalid;
                let error = CliError::from(error);
                let mut diagnostic = Diagnostic::error("unreadable", error.message);
                diagnostic.help = error.help;
                (None, vec![diagnostic])
            }
        };
        if arguments.format == ListFormat::Text {
            terminal::diagnostics(&diagnostics);
            match steps {
                Some(1) => terminal::out(&format!("ok       {name}: 1 step\n")),
                Some(steps) => terminal::out(&format!("ok       {name}: {steps} steps\n")),
                None => {
                    let faults = diagnostics
                        .iter()
                        .filter(|found| found.severity == Severity::Error)
                        .count();
                    let word = if faults == 1 { "mistake" } else { "mistakes" };
                    terminal::out(&format!("invalid  {name}: {faults} {word}\n"));
                }
            }
        }
        checked.push((name, steps, diagnostics));
    }
    if arguments.format == ListFormat::Json {
        let workflows: Vec<_> = checked
            .iter()
            .map(|(name, steps, diagnostics)| {
                json!({
                    "workflow": name,
                    "valid": steps.is_some(),
                    "steps": steps,
                    "diagnostics": diagnostics.iter().map(terminal::diagnostic_json).collect::<Vec<_>>(),
                })
            })
            .collect();
        terminal::out_json(&json!({ "schema": "orchestrate/validate/1", "workflows": workflows }));
    }
    exit
}

/// A warning where a file is called otherwise than the workflow in it: `run` finds the file's name only.
fn other_name(found: &FoundWorkflow, declared: &str) -> Option<Diagnostic> {
    let file = Path::new(&found.name).file_stem()?.to_str()?;
    if found.level == Level::BuiltIn || file == declared {
        return None;
    }
    let message = format!("the workflow `{declared}` lies in a file named `{file}`");
    let diagnostic = Diagnostic::warning("other-name", message).help(format!(
        "`run` finds it by the file: name the file `{declared}.yaml`, or write `workflow: {file}`"
    ));
    let text = &found.source.text;
    let key = text.match_indices("workflow:").map(|(at, _)| at);
    let at = key.into_iter().find(|&at| at == 0 || text[..at].ends_with('\n'));
    let value = at.and_then(|at| Some(at + text[at..].find(declared)?));
    Some(match value {
        Some(at) => diagnostic.at(&found.source, at..at + declared.len(), ""),
        None => diagnostic,
    })
}
