//! `orchestrate test`.

use std::{fs::OpenOptions, io::Write as _, path::PathBuf};

use clap::Args;
use clap_complete::engine::ArgValueCompleter;
use orchestrate_core::diagnostic::{Diagnostic, Source};
use orchestrate_engine::{
    session::{RunRecord, SetupError, Workspace, find_run},
    testing::{
        FoundTests, Mismatch, OpenTests, TestOutcome, find_tests, is_test_file, open_tests,
        record_test,
    },
};
use orchestrate_report::{text_diff, words::counted};
use serde_json::{Value, json};

use super::completions;
use crate::{
    cli::ListFormat,
    exit::{CliError, Exit},
    terminal,
};

/// Lines of a text that are shown of what was found.
const SHOWN_LINES: usize = 30;

#[derive(Debug, Args)]
#[command(after_help = "\
A test file lies beside its workflow, x.test.yaml beside x.yaml. It says what the personas answer and what
must come of it; everything else is as in a run. No model is called and nothing is kept.")]
pub(crate) struct TestArguments {
    /// Test files, folders of them, or names of workflows [default: those of the project]
    #[arg(value_name = "PATH", add = ArgValueCompleter::new(completions::workflows))]
    pub(crate) paths: Vec<String>,
    /// Run only the tests whose name contains this
    #[arg(long, value_name = "TEXT")]
    pub(crate) filter: Option<String>,
    /// Make a test from this run, written to PATH, else to standard output
    #[arg(long, value_name = "RUN", conflicts_with = "filter", add = ArgValueCompleter::new(completions::runs))]
    pub(crate) record: Option<String>,
    /// What standard output holds
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(crate) format: ListFormat,
}

/// What became of one test file.
struct Tested {
    name: String,
    workflow: Option<String>,
    outcome: Result<Vec<TestOutcome>, Vec<Diagnostic>>,
}

pub(super) fn test(workspace: &Workspace, arguments: &TestArguments) -> Result<Exit, CliError> {
    if let Some(run) = &arguments.record {
        return record(workspace, run, arguments);
    }
    let found = find_tests(workspace, &arguments.paths)?;
    if found.is_empty() {
        return Err(CliError::new(Exit::Usage, "there are no test files")
            .help("a test file lies beside its workflow: workflows/x.test.yaml beside workflows/x.yaml")
            .help("`orchestrate test --record RUN workflows/x.test.yaml` makes one from a run"));
    }
    let tested = run_files(workspace, &found, arguments.filter.as_deref())?;
    let ran = |tested: &Tested| tested.outcome.as_ref().map_or(1, Vec::len);
    if let Some(filter) = &arguments.filter
        && tested.iter().map(ran).sum::<usize>() == 0
    {
        return Err(CliError::new(Exit::Usage, format!("no test's name contains `{filter}`")));
    }
    match arguments.format {
        ListFormat::Text => tell(&tested),
        ListFormat::Json => terminal::out_json(&as_json(&tested)),
    }
    let invalid = tested.iter().any(|file| file.outcome.is_err());
    let mut tests = tested.iter().flat_map(|file| file.outcome.iter().flatten());
    let failed = tests.any(|test| !test.mismatches.is_empty());
    Ok(match (invalid, failed) {
        (true, _) => Exit::Invalid,
        (false, true) => Exit::RunFailed,
        (false, false) => Exit::Ok,
    })
}

/// Everything that is wrong with a test file.
pub(super) fn problems_of(name: &str, error: SetupError) -> Vec<Diagnostic> {
    if let SetupError::Invalid(problems) = error {
        return problems;
    }
    let told = CliError::from(error);
    let mut problem = Diagnostic::error("unreadable", format!("{name}: {told}"));
    problem.help = told.help;
    let more = told
        .more
        .into_iter()
        .map(|(message, _)| Diagnostic::error("unreadable", format!("{name}: {message}")));
    let mut problems: Vec<Diagnostic> = told.diagnostics.into_iter().chain(more).collect();
    if !told.message.is_empty() {
        problems.push(problem);
    }
    problems
}

fn run_files(
    workspace: &Workspace,
    found: &[FoundTests],
    filter: Option<&str>,
) -> Result<Vec<Tested>, CliError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| {
        CliError::new(Exit::RunFailed, format!("starting the runtime: {error}"))
    })?;
    let wanted = |name: &str| filter.is_none_or(|filter| name.contains(filter));
    let mut tested = Vec::new();
    for file in found {
        let name = file.source.name.clone();
        let (workflow, outcome) = match open_tests(workspace, file) {
            Ok(open) => {
                let workflow = open.plan.workflow().to_owned();
                (Some(workflow), Ok(run_file(&runtime, open, &wanted)?))
            }
            Err(error) => (None, Err(problems_of(&name, error))),
        };
        tested.push(Tested { name, workflow, outcome });
    }
    Ok(tested)
}

fn run_file(
    runtime: &tokio::runtime::Runtime,
    open: OpenTests,
    wanted: &dyn Fn(&str) -> bool,
) -> Result<Vec<TestOutcome>, CliError> {
    Ok(runtime.block_on(Box::pin(open.run(wanted)))?)
}

fn tell(tested: &[Tested]) {
    let (mut good, mut failed, mut invalid) = (0_u64, 0_u64, 0_u64);
    for file in tested {
        match &file.outcome {
            Err(problems) => {
                terminal::diagnostics(problems);
                terminal::out(&format!("invalid  {}\n", file.name));
                invalid += 1;
            }
            Ok(tests) => {
                for test in tests {
                    let word = if test.mismatches.is_empty() { "ok     " } else { "failed " };
                    terminal::out(&format!("{word}  {}: {}\n", file.name, test.name));
                    for mismatch in &test.mismatches {
                        tell_mismatch(mismatch);
                    }
                    if test.mismatches.is_empty() { good += 1 } else { failed += 1 }
                }
            }
        }
    }
    let mut summary = Vec::new();
    if good + failed > 0 {
        let failures = if failed > 0 { format!(", {failed} failed") } else { String::new() };
        summary.push(format!("{}: {good} ok{failures}", counted(good + failed, "test", "tests")));
    }
    if invalid > 0 {
        summary.push(counted(invalid, "invalid file", "invalid files"));
    }
    let summary = summary.join("; ");
    terminal::out(&format!("{summary}\n"));
}

fn tell_mismatch(mismatch: &Mismatch) {
    terminal::diagnostics(std::slice::from_ref(&mismatch.diagnostic));
    match (&mismatch.wanted, &mismatch.found) {
        (Some(wanted), Some(found)) => {
            terminal::say(&format!("- expected, + found\n{}", text_diff(wanted, found)));
        }
        (None, Some(found)) => {
            let lines: Vec<&str> = found.lines().take(SHOWN_LINES).collect();
            let left = found.lines().count() - lines.len();
            let rest = if left > 0 { format!("\n… {left} more lines") } else { String::new() };
            terminal::say(&format!("it is:\n  {}{rest}\n", lines.join("\n  ")));
        }
        (_, None) => {}
    }
}

fn as_json(tested: &[Tested]) -> Value {
    let mismatch = |mismatch: &Mismatch| {
        let mut told = terminal::diagnostic_json(&mismatch.diagnostic);
        told["expected"] = json!(mismatch.wanted);
        told["found"] = json!(mismatch.found);
        told
    };
    let files: Vec<Value> = tested
        .iter()
        .map(|file| {
            let tests = file.outcome.as_ref().map_or(&[][..], Vec::as_slice).iter().map(|test| {
                json!({
                    "name": test.name,
                    "ok": test.mismatches.is_empty(),
                    "mismatches": test.mismatches.iter().map(mismatch).collect::<Vec<_>>(),
                })
            });
            let problems = file.outcome.as_ref().err().into_iter().flatten();
            json!({
                "file": file.name,
                "workflow": file.workflow,
                "valid": file.outcome.is_ok(),
                "diagnostics": problems.map(terminal::diagnostic_json).collect::<Vec<_>>(),
                "tests": tests.collect::<Vec<_>>(),
            })
        })
        .collect();
    json!({ "schema": "orchestrate/test/1", "files": files })
}

/// Makes a test from a run, and runs it where it was written to.
fn record(workspace: &Workspace, run: &str, arguments: &TestArguments) -> Result<Exit, CliError> {
    let target = match arguments.paths.as_slice() {
        [] => None,
        [path] => Some(PathBuf::from(path)),
        _ => return Err(CliError::new(Exit::Usage, "a run is recorded in one file")),
    };
    if let Some(path) = &target {
        if !is_test_file(path) {
            let message = format!("`{}` is no name of a test file", path.display());
            return Err(CliError::new(Exit::Usage, message).help("let it end in `.test.yaml`"));
        }
        if path.symlink_metadata().is_ok() {
            let message = format!("`{}` is there already; nothing was written", path.display());
            return Err(CliError::new(Exit::Usage, message)
                .help("nothing is overwritten: move it away first, or name another file"));
        }
    }
    let id = find_run(&workspace.home, Some(run))?;
    let record = RunRecord::read(&workspace.home.run(&id))?;
    let recording = record_test(&record, target.as_deref())?;
    let Some(path) = target else {
        terminal::out(&recording.text);
        return Ok(Exit::Ok);
    };
    let written = path
        .parent()
        .map_or(Ok(()), std::fs::create_dir_all)
        .and_then(|()| OpenOptions::new().write(true).create_new(true).open(&path))
        .and_then(|mut file| file.write_all(recording.text.as_bytes()));
    written.map_err(|error| {
        CliError::new(Exit::Invalid, format!("writing `{}`: {error}", path.display()))
    })?;
    terminal::say(&format!("wrote {}", path.display()));
    let found = FoundTests {
        source: Source::new(path.display().to_string(), recording.text),
        workflow: None,
        path: Some(path),
    };
    let tested = run_files(workspace, std::slice::from_ref(&found), None)?;
    tell(&tested);
    Ok(match tested.first().map(|file| &file.outcome) {
        Some(Ok(tests)) if tests.iter().all(|test| test.mismatches.is_empty()) => Exit::Ok,
        Some(Ok(_)) => Exit::RunFailed,
        Some(Err(_)) | None => Exit::Invalid,
    })
}
