//! A test file with its workflow, ready to run: everything that can be wrong with it is known here.

use std::{path::Path, sync::Arc};

use indexmap::IndexMap;
use orchestrate_core::{
    diagnostic::{Diagnostic, has_errors},
    plan::Plan,
};
use orchestrate_workflow::{
    Given, InputFile, InputProblem, Reply, Script, ScriptedText, TestCase, TestFile,
};

use super::{FoundTests, find::beside};
use crate::{
    library::{FoundWorkflow, is_path},
    session::{RunOptions, RunSetup, SetupError, Workspace},
};

/// The tests of one workflow, ready to run.
#[derive(Debug)]
pub struct OpenTests {
    /// The file.
    pub file: TestFile,
    /// The plan that is tested.
    pub plan: Arc<Plan>,
    /// Warnings about the workflow and its personas.
    pub warnings: Vec<Diagnostic>,
    pub(super) cases: Vec<OpenCase>,
}

/// One test that is ready.
#[derive(Debug)]
pub(super) struct OpenCase {
    pub(super) case: TestCase,
    pub(super) setup: RunSetup,
}

/// Reads a test file and finds its workflow.
///
/// # Errors
/// Everything that is wrong with the file, its workflow or the inputs of its tests, at once.
pub fn open_tests(workspace: &Workspace, found: &FoundTests) -> Result<OpenTests, SetupError> {
    let (file, mut problems) = orchestrate_workflow::read_tests(&found.source);
    let Some(mut file) = file else { return Err(SetupError::Invalid(problems)) };
    let folder = found.path.as_deref().and_then(Path::parent);
    let compiled = workflow(workspace, &file, found).and_then(|workflow| {
        let (plan, _, warnings) = RunSetup::compile(workspace, &workflow)?;
        Ok((workflow, plan, warnings))
    });
    let (workflow, plan, warnings) = match compiled {
        Ok(compiled) => compiled,
        Err(SetupError::Invalid(more)) => {
            problems.extend(more);
            return Err(SetupError::Invalid(problems));
        }
        Err(_) if has_errors(&problems) => return Err(SetupError::Invalid(problems)),
        Err(error) => return Err(error),
    };
    problems.extend(orchestrate_workflow::check_against(&file, &plan));
    read_replies(&mut file, folder, &mut problems);
    let mut cases = Vec::new();
    for case in &file.tests {
        let given = given(&file, case, folder, &mut problems);
        // Without a model, and so without a configuration; what answers is set later.
        let options = RunOptions { offline: true, ..RunOptions::default() };
        match RunSetup::decide(workspace, &workflow, &given, &options) {
            Ok(setup) => cases.push(OpenCase { case: case.clone(), setup }),
            Err(SetupError::Inputs(wrong)) => {
                problems.extend(wrong.into_iter().map(|problem| at_the_test(&file, case, problem)));
            }
            Err(error) => return Err(error),
        }
    }
    if has_errors(&problems) {
        return Err(SetupError::Invalid(without_repetition(problems)));
    }
    Ok(OpenTests { file, plan, warnings, cases })
}

/// The workflow that a file names, or the one beside it.
fn workflow(
    workspace: &Workspace,
    file: &TestFile,
    found: &FoundTests,
) -> Result<FoundWorkflow, SetupError> {
    let placed = |error: SetupError, span: std::ops::Range<usize>| match error {
        SetupError::UnknownWorkflow { .. } | SetupError::Library(_) => {
            let mut problem = Diagnostic::error("unknown-workflow", crate::session::told(&error))
                .at(&file.source, span, "");
            if let SetupError::UnknownWorkflow { help: Some(help), .. } = error {
                problem = problem.help(help);
            }
            SetupError::Invalid(vec![problem])
        }
        error => error,
    };
    let folder = found.path.as_deref().and_then(Path::parent).unwrap_or(Path::new(""));
    if let Some(named) = &file.workflow {
        let name = if is_path(&named.value) && found.path.is_some() {
            spelled_as_path(&folder.join(&named.value))
        } else {
            named.value.clone()
        };
        return RunSetup::find_workflow(workspace, &name)
            .map_err(|error| placed(error, named.span.clone()));
    }
    let Some(name) = &found.workflow else {
        let problem = Diagnostic::error("missing-key", "the file does not say what it tests")
            .at(&file.source, 0..0, "")
            .help("add `workflow: name`, or call the file `name.test.yaml`");
        return Err(SetupError::Invalid(vec![problem]));
    };
    let beside = ["yaml", "yml"].map(|ending| folder.join(format!("{name}.{ending}")));
    let beside = beside.iter().find(|path| found.path.is_some() && path.is_file());
    let name = beside.map_or_else(|| name.clone(), |path| spelled_as_path(path));
    RunSetup::find_workflow(workspace, &name).map_err(|error| placed(error, 0..0))
}

/// A path that is not taken for a name.
fn spelled_as_path(path: &Path) -> String {
    let text = path.display().to_string();
    if is_path(&text) { text } else { format!("./{text}") }
}

/// Puts the contents of files in the place of their names.
fn read_replies(file: &mut TestFile, folder: Option<&Path>, problems: &mut Vec<Diagnostic>) {
    let source = Arc::clone(&file.source);
    let scripts = file.tests.iter_mut().flat_map(|test| test.replies.values_mut());
    for reply in scripts.flat_map(|script: &mut Script| script.attempts.iter_mut()) {
        let Reply { text: Some(ScriptedText::File(path)), .. } = &*reply else { continue };
        match beside(folder, &path.value) {
            Ok(text) => reply.text = Some(ScriptedText::Here(text)),
            Err(message) => {
                problems.push(unreadable(message).at(&source, path.span.clone(), ""));
            }
        }
    }
}

fn unreadable(message: String) -> Diagnostic {
    Diagnostic::error("unreadable", message)
        .help("name a file in the test file's folder, by its path from there")
}

/// The inputs of a test, the contents of files among them.
fn given(
    file: &TestFile,
    case: &TestCase,
    folder: Option<&Path>,
    problems: &mut Vec<Diagnostic>,
) -> IndexMap<String, Given> {
    let mut given = case.inputs.clone();
    for (name, wanted) in &case.files {
        let content = match &wanted.value {
            InputFile::Text { name, text } => Ok((name.clone(), text.clone())),
            InputFile::Path(path) => beside(folder, path).map(|text| (path.clone(), text)),
        };
        match content {
            Ok((file, text)) => {
                given.insert(name.clone(), Given::File { name: file, text });
            }
            Err(message) => {
                problems.push(unreadable(message).at(&file.source, wanted.span.clone(), ""));
                // So that the input is not reported as missing, too.
                given.insert(name.clone(), Given::File { name: name.clone(), text: "-".into() });
            }
        }
    }
    given
}

fn at_the_test(file: &TestFile, case: &TestCase, problem: InputProblem) -> Diagnostic {
    match problem {
        InputProblem::Placed(placed) => *placed,
        problem => {
            let help = match &problem {
                InputProblem::Missing { name, .. } => {
                    Some(format!("add `inputs: {{ {name}: … }}`, or `files` for a file"))
                }
                other => other.help().map(str::to_owned),
            };
            let found = Diagnostic::error("bad-input", problem.to_string());
            let found = found.at(&file.source, case.name.span.clone(), "");
            help.into_iter().fold(found, Diagnostic::help)
        }
    }
}

/// What all tests of a file share is found wrong once for each of them.
fn without_repetition(problems: Vec<Diagnostic>) -> Vec<Diagnostic> {
    let mut kept: Vec<Diagnostic> = Vec::new();
    for problem in problems {
        if !kept.contains(&problem) {
            kept.push(problem);
        }
    }
    kept
}
