//! `orchestrate validate`.

use std::path::Path;

use orchestrate_core::diagnostic::{Diagnostic, Severity};
use orchestrate_engine::{
    library::{FoundWorkflow, Level},
    session::{RunSetup, SetupError, Workspace, constant_mistakes},
    testing::{find_tests, is_test_file, open_tests},
};
use orchestrate_report::words::counted;
use serde_json::json;

use super::test::problems_of;
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
        let (found, diagnostics) = if is_test_file(Path::new(name)) {
            tests(workspace, name)
        } else {
            workflow(workspace, name)
        };
        if found.is_none() {
            exit = Exit::Invalid;
        }
        if arguments.format == ListFormat::Text {
            terminal::diagnostics(&diagnostics);
            let told = match found {
                Some(Found::Steps(steps)) => counted(steps as u64, "step", "steps"),
                Some(Found::Tests(tests)) => counted(tests as u64, "test", "tests"),
                None => {
                    let faults =
                        diagnostics.iter().filter(|found| found.severity == Severity::Error);
                    counted(faults.count() as u64, "mistake", "mistakes")
                }
            };
            let word = if found.is_some() { "ok     " } else { "invalid" };
            terminal::out(&format!("{word}  {name}: {told}\n"));
        }
        checked.push((name, found, diagnostics));
    }
    if arguments.format == ListFormat::Json {
        let workflows: Vec<_> = checked
            .iter()
            .map(|(name, found, diagnostics)| {
                let mut told = json!({
                    "workflow": name,
                    "valid": found.is_some(),
                    "steps": match found {
                        Some(Found::Steps(steps)) => Some(steps),
                        Some(Found::Tests(_)) | None => None,
                    },
                    "diagnostics": diagnostics.iter().map(terminal::diagnostic_json).collect::<Vec<_>>(),
                });
                if let Some(Found::Tests(tests)) = found {
                    told["tests"] = json!(tests);
                }
                told
            })
            .collect();
        terminal::out_json(&json!({ "schema": "orchestrate/validate/1", "workflows": workflows }));
    }
    exit
}

/// What a good file holds.
#[derive(Clone, Copy)]
enum Found {
    Steps(usize),
    Tests(usize),
}

/// Checks a workflow.
fn workflow(workspace: &Workspace, name: &str) -> (Option<Found>, Vec<Diagnostic>) {
    let outcome = RunSetup::find_workflow(workspace, name).and_then(|workflow| {
        let (plan, personas, mut warnings) = RunSetup::compile(workspace, &workflow)?;
        warnings.extend(other_name(&workflow, plan.workflow()));
        let mistakes = constant_mistakes(&plan, &personas, &workflow.source);
        if !mistakes.is_empty() {
            return Err(SetupError::Invalid(warnings.into_iter().chain(mistakes).collect()));
        }
        Ok((plan, warnings))
    });
    match outcome {
        Ok((plan, warnings)) => (Some(Found::Steps(plan.steps().len())), warnings),
        Err(SetupError::Invalid(diagnostics)) => (None, diagnostics),
        Err(error) => (None, vec![unreadable(error.into())]),
    }
}

/// Checks a test file with the workflow that it tests. Nothing is run.
fn tests(workspace: &Workspace, name: &str) -> (Option<Found>, Vec<Diagnostic>) {
    match find_tests(workspace, &[name.to_owned()]) {
        Err(error) => (None, vec![unreadable(error.into())]),
        Ok(files) => {
            let (mut tests, mut told, mut is_good) = (0, Vec::new(), true);
            for file in files {
                match open_tests(workspace, &file) {
                    Ok(open) => {
                        tests += open.file.tests.len();
                        told.extend(open.warnings);
                    }
                    Err(error) => {
                        is_good = false;
                        told.extend(problems_of(name, error));
                    }
                }
            }
            (is_good.then_some(Found::Tests(tests)), told)
        }
    }
}

fn unreadable(error: CliError) -> Diagnostic {
    let mut diagnostic = Diagnostic::error("unreadable", error.message);
    diagnostic.help = error.help;
    diagnostic
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
