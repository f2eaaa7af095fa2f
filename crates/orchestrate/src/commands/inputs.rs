//! Inputs as the command line gives them.

use std::{io::Read, path::Path};

use indexmap::IndexMap;
use orchestrate_core::{
    diagnostic::{Diagnostic, Source},
    neutral,
};
use orchestrate_engine::{
    library::{FoundWorkflow, ReadError, ReadablePersonas, read_text},
    schemas::JsonSchemas,
    session::{RunSetup, SetupError, Workspace},
};
use orchestrate_workflow::{Given, InputProblem, resolve_inputs};

use crate::{
    cli::InputArguments,
    exit::{CliError, Exit, chain},
};

/// An input larger than this is refused.
const MAX_BYTES: u64 = 8 * 1024 * 1024;

/// A task that stands on the command line without a flag.
pub(super) struct Task {
    pub(super) given: Given,
    /// Its text, without characters that nobody would see in it.
    pub(super) text: String,
}

/// Reads a task that stands on the command line without a flag. Words that nobody has put in quotes are
/// one task. `@name` at its beginning is a file, or the persona who is spoken to where there is no such file.
pub(super) fn task(words: &[String], readable: &ReadablePersonas) -> Result<Task, CliError> {
    let spelled = words.join(" ");
    let read = match spelled.as_str() {
        "-" | "@-" => read_standard_input(),
        spelled => match spelled.strip_prefix('@') {
            Some(path) if Path::new(path).exists() => read_file(path),
            Some(path) => match spoken_to(path) {
                Some(name) if readable.called(&[name.to_owned()]).is_ok() => {
                    Ok(ReadInput { file: None, text: path.to_owned() })
                }
                name => read_file(path).map_err(|(message, help)| match name {
                    Some(name) => (format!("{message}; and no persona is called `{name}`"), help),
                    None => (message, help),
                }),
            },
            None => Ok(ReadInput { file: None, text: spelled.to_owned() }),
        },
    };
    match read {
        Ok(read) if read.text.trim().is_empty() => {
            Err(CliError::new(Exit::Usage, "the task is empty")
                .help("say what is asked: a text, @FILE, or - for standard input"))
        }
        Ok(read) => {
            let text = neutral::without_hidden(&read.text).0.into_owned();
            Ok(Task { given: read.given(), text })
        }
        Err((message, help)) => {
            let error = CliError::new(Exit::Invalid, format!("the task: {message}"));
            // Here the task has no flag.
            let help = help.map(|help| {
                help.replace("`--task -`, or `-i name=@-`", "`-`").replace("`--task -`", "`-`")
            });
            Err(help.into_iter().fold(error, CliError::help))
        }
    }
}

/// The first word of a task, where it looks like the name of somebody and not of a file.
fn spoken_to(text: &str) -> Option<&str> {
    let end = |c: char| c.is_whitespace() || matches!(c, ',' | ':' | ';' | '!' | '?');
    let word = text.split(end).next().filter(|word| !word.is_empty())?;
    (!word.contains(['/', '.', '\\'])).then_some(word)
}

/// Something that is wrong, and what to do about it.
type Fault = (String, Option<String>);

/// Reads the inputs that the command line gives, and those of `--inputs` that it does not. Everything
/// wrong with them is said at once: where one cannot be read, the others are held against the workflow all the
/// same. `complete` where one that is missing is a mistake.
pub(super) fn given(
    workspace: &Workspace,
    workflow: &FoundWorkflow,
    arguments: &InputArguments,
    complete: bool,
) -> Result<IndexMap<String, Given>, CliError> {
    let read = read(arguments);
    if read.faults.is_empty() && read.diagnostics.is_empty() {
        return Ok(read.given);
    }
    let mut error = CliError::new(read.exit, "");
    error.more = read.faults;
    error.diagnostics = read.diagnostics;
    // What is wrong with the workflow itself is told once its inputs can be read.
    let Ok((plan, _, _)) = RunSetup::compile(workspace, workflow) else { return Err(error) };
    if let Err(mut problems) = resolve_inputs(plan.inputs(), &read.given, &JsonSchemas) {
        problems.retain(|problem| match problem {
            InputProblem::Missing { name, .. } => {
                complete && !read.any_unread && !read.unread.contains(name)
            }
            _ => true,
        });
        let others = CliError::from(SetupError::Inputs(problems));
        let found = !others.more.is_empty() || !others.diagnostics.is_empty();
        if found && others.exit == Exit::Invalid {
            error.exit = Exit::Invalid;
        }
        error.more.extend(others.more);
        error.diagnostics.extend(others.diagnostics);
    }
    Err(error)
}

/// What the command line gives, and what is wrong with that alone.
struct ReadInputs {
    given: IndexMap<String, Given>,
    faults: Vec<Fault>,
    diagnostics: Vec<Diagnostic>,
    exit: Exit,
    /// Inputs that are given and could not be read.
    unread: Vec<String>,
    /// Whether a file of inputs could not be read, so that nobody knows which it gives.
    any_unread: bool,
}

fn read(arguments: &InputArguments) -> ReadInputs {
    let (spelled, mut faults) = spelled(arguments);
    let mut exit = Exit::Usage;
    let mut any_unread = false;
    let (mut given, diagnostics) = match arguments.inputs_file.as_deref().map(of_file) {
        None => (IndexMap::new(), Vec::new()),
        Some(Ok(read)) => read,
        Some(Err(fault)) => {
            exit = Exit::Invalid;
            faults.push(fault);
            any_unread = true;
            (IndexMap::new(), Vec::new())
        }
    };
    if !diagnostics.is_empty() {
        exit = Exit::Invalid;
        any_unread = true;
    }
    // What the command line gives stands first and wins.
    given.retain(|name, _| !spelled.contains_key(name.as_str()));
    let mut unread = Vec::new();
    if matches!(given.get("task"), Some(Given::Written(task)) if task.is_blank()) {
        faults.push(empty_task());
    }
    // Nobody is asked to type a text that would be thrown away.
    let may_ask = faults.is_empty() && diagnostics.is_empty();
    for (name, values) in spelled {
        let mut read = Vec::new();
        let count = values.len();
        for value in values {
            let one = match value {
                Spelled::Text(text) => Ok(ReadInput { file: None, text }),
                Spelled::File(path) => read_file(path),
                Spelled::StandardInput if may_ask => read_standard_input(),
                Spelled::StandardInput => continue,
            };
            match one {
                Ok(one) if name == "task" && one.text.trim().is_empty() => {
                    faults.push(empty_task());
                }
                Ok(one) => read.push(one.given()),
                Err((message, help)) => {
                    exit = Exit::Invalid;
                    faults.push((format!("input `{name}`: {message}"), help));
                }
            }
        }
        if read.len() < count {
            unread.push(name.to_owned());
            continue;
        }
        let only = if read.len() == 1 { read.pop() } else { None };
        given.insert(name.to_owned(), only.unwrap_or(Given::Several(read)));
    }
    ReadInputs { given, faults, diagnostics, exit, unread, any_unread }
}

fn empty_task() -> Fault {
    let help = "say what the team shall do: `--task \"…\"`, or `--task @file`";
    ("the task is empty".into(), Some(help.into()))
}

/// Reads a file of inputs.
fn of_file(path: &Path) -> Result<(IndexMap<String, Given>, Vec<Diagnostic>), Fault> {
    let name = path.display().to_string();
    match read_text(path, MAX_BYTES) {
        Ok(text) => Ok(orchestrate_workflow::read_inputs(&Source::new(name, text))),
        Err(error) => {
            let help = if error.is_missing() {
                Some("a path starts from the folder you are in".to_owned())
            } else {
                error.help().map(str::to_owned)
            };
            Err((format!("--inputs: {}", chain(&error)), help))
        }
    }
}

/// A value as it is spelled.
enum Spelled<'a> {
    Text(String),
    File(&'a str),
    StandardInput,
}

/// The inputs as they are spelled, and what is wrong with the command line itself.
fn spelled(arguments: &InputArguments) -> (IndexMap<&str, Vec<Spelled<'_>>>, Vec<Fault>) {
    let mut found: IndexMap<&str, Vec<Spelled<'_>>> = IndexMap::new();
    let mut faults = Vec::new();
    let mut standard_input_for = None;
    // A lone dash is standard input for the task; elsewhere `@-` is.
    let task = arguments.task.as_deref().map(|task| if task == "-" { "@-" } else { task });
    let pairs = arguments.inputs.iter().filter_map(|pair| match pair.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => Some((name.trim(), value)),
        _ => {
            let help = "write it as name=value".to_owned();
            faults.push((format!("`{pair}` is no input"), Some(help)));
            None
        }
    });
    let pairs: Vec<_> = pairs.collect();
    for (name, value) in task.map(|task| ("task", task)).into_iter().chain(pairs) {
        // Whether an input takes several values is for its workflow to say; the task takes one.
        if name == "task" && found.contains_key(name) {
            faults.push((format!("the input `{name}` is given twice"), None));
            continue;
        }
        let value = match value.strip_prefix('@') {
            None => Spelled::Text(value.to_owned()),
            Some("-") => {
                if let Some(other) = standard_input_for.replace(name) {
                    faults.push((
                        format!("standard input is given to both `{other}` and `{name}`"),
                        Some("it can be read once: give one of them as a file".into()),
                    ));
                }
                Spelled::StandardInput
            }
            Some(path) => Spelled::File(path),
        };
        found.entry(name).or_default().push(value);
    }
    (found, faults)
}

/// A text, and the file it comes from where it does.
struct ReadInput {
    file: Option<String>,
    text: String,
}

impl ReadInput {
    fn given(self) -> Given {
        match self.file {
            Some(name) => Given::File { name, text: self.text },
            None => Given::Text(self.text),
        }
    }
}

fn read_file(path: &str) -> Result<ReadInput, Fault> {
    match read_text(Path::new(path), MAX_BYTES) {
        Ok(text) => Ok(ReadInput { file: Some(path.to_owned()), text }),
        Err(error) => {
            let help = match &error {
                ReadError::NotRegular(_) => {
                    Some("pipe it in: `--task -`, or `-i name=@-`".to_owned())
                }
                error if error.is_missing() => Some(
                    "a path starts from the folder you are in; a text that begins with `@` can be piped to `--task -`"
                        .to_owned(),
                ),
                error => error.help().map(str::to_owned),
            };
            Err((chain(&error), help))
        }
    }
}

fn read_standard_input() -> Result<ReadInput, Fault> {
    let failed = |message: String| (message, None);
    let mut bytes = Vec::new();
    std::io::stdin()
        .lock()
        .take(MAX_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| failed(format!("reading standard input: {error}")))?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(failed("standard input is larger than 8 MiB".into()));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let offset = error.utf8_error().valid_up_to();
        failed(format!("standard input is not UTF-8 (first wrong byte at offset {offset})"))
    })?;
    Ok(ReadInput { file: Some("standard input".into()), text })
}
