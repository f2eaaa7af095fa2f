//! What several commands share: the workspace, inputs from the command line, driving a run.

use std::{
    io::Read,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicI32, Ordering},
    },
};

use indexmap::IndexMap;
use orchestrate_engine::{
    driver::Stop,
    home::Home,
    session::{FinishedRun, OpenRun, RunError, Workspace},
};
use orchestrate_workflow::Given;
use tokio::sync::mpsc;

use crate::{
    cli::{CapArguments, InputArguments, ShowArguments},
    exit::{CliError, Exit},
    terminal::{self, closing, progress},
};
use orchestrate_core::policy::Limits;

/// An input larger than this is refused.
const MAX_INPUT_BYTES: u64 = 8 * 1024 * 1024;

/// The workspace of the current folder.
pub(crate) fn workspace(home: Option<&Path>) -> Result<Workspace, CliError> {
    let folder = std::env::current_dir().map_err(|error| {
        CliError::new(Exit::Usage, format!("finding the current folder: {error}"))
    })?;
    let home = Home::locate(home).map_err(|error| {
        CliError::new(Exit::Usage, error.to_string()).help("set HOME, or name a folder with --home")
    })?;
    Ok(Workspace::open(&folder, home)?)
}

/// Reads the inputs that the command line gives. Everything wrong with them is said at once.
pub(crate) fn given(arguments: &InputArguments) -> Result<IndexMap<String, Given>, CliError> {
    let mut given = IndexMap::new();
    let mut faults: Vec<(String, Option<String>)> = Vec::new();
    let mut exit = Exit::Usage;
    let mut standard_input_for: Option<String> = None;
    let pairs = arguments.inputs.iter().map(|pair| match pair.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => {
            Ok((name.trim().to_owned(), value.to_owned()))
        }
        _ => Err(pair.clone()),
    });
    let task = arguments.task.iter().map(|task| {
        // A lone dash is standard input for the task; elsewhere `@-` is.
        let value = if task == "-" { "@-".to_owned() } else { task.clone() };
        Ok(("task".to_owned(), value))
    });
    for pair in task.chain(pairs) {
        let (name, value) = match pair {
            Ok(pair) => pair,
            Err(pair) => {
                faults
                    .push((format!("`{pair}` is no input"), Some("write it as name=value".into())));
                continue;
            }
        };
        if given.contains_key(&name) {
            faults.push((format!("the input `{name}` is given twice"), None));
            continue;
        }
        let read = match value.strip_prefix('@') {
            None => Ok(Given::Text(value)),
            Some("-") => match standard_input_for.replace(name.clone()) {
                None => read_standard_input(),
                Some(other) => {
                    Err(format!("standard input is given to both `{other}` and `{name}`"))
                }
            },
            Some(path) => read_file(path),
        };
        match read {
            Ok(read) => {
                given.insert(name, read);
            }
            Err(message) => {
                exit = Exit::Invalid;
                faults.push((format!("input `{name}`: {message}"), None));
            }
        }
    }
    if faults.is_empty() {
        return Ok(given);
    }
    let mut error = CliError::new(exit, "");
    error.more = faults;
    Err(error)
}

fn read_file(path: &str) -> Result<Given, String> {
    let failed = |error: std::io::Error| format!("reading `{path}`: {error}");
    let file = std::fs::File::open(path).map_err(failed)?;
    if file.metadata().map_err(failed)?.is_dir() {
        return Err(format!("`{path}` is a folder, not a file"));
    }
    let text = read_text(file, path)?;
    Ok(Given::File { name: path.to_owned(), text })
}

fn read_standard_input() -> Result<Given, String> {
    let text = read_text(std::io::stdin().lock(), "standard input")?;
    Ok(Given::File { name: "standard input".into(), text })
}

fn read_text(from: impl Read, what: &str) -> Result<String, String> {
    let mut bytes = Vec::new();
    from.take(MAX_INPUT_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| format!("reading `{what}`: {error}"))?;
    if bytes.len() as u64 > MAX_INPUT_BYTES {
        return Err(format!("`{what}` is larger than 8 MiB"));
    }
    String::from_utf8(bytes).map_err(|error| {
        format!(
            "`{what}` is not UTF-8 (first wrong byte at offset {})",
            error.utf8_error().valid_up_to()
        )
    })
}

/// Caps as the command line gives them.
pub(crate) fn limits(arguments: &CapArguments) -> Limits {
    Limits { max_calls: arguments.max_calls, max_tokens: arguments.max_tokens }
}

/// Drives a run to its rest, shows what happens, prints the result and says how it ended.
pub(crate) fn drive(run: OpenRun, show: &ShowArguments) -> Result<Exit, CliError> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|error| {
            CliError::new(Exit::RunFailed, format!("starting the runtime: {error}"))
        })?;
    let signal = Arc::new(AtomicI32::new(0));
    let (observer, screen) = progress::start(show, run.board(), run.is_new());
    let finished = runtime.block_on(async {
        let (sender, stop) = mpsc::channel(2);
        let listening = tokio::spawn(listen(sender, Arc::clone(&signal), screen.clone()));
        // The future of a whole run is large; it lives on the heap.
        let finished = Box::pin(run.drive(observer, stop)).await;
        listening.abort();
        finished
    });
    screen.finish();
    let FinishedRun { record, output, unwritten, .. } = finished?;
    terminal::result::print(&record, show.format);
    closing::print(&record, output.as_deref(), show.progress);
    if let Some(error) = unwritten {
        return Err(RunError::from(error).into());
    }
    Ok(match signal.load(Ordering::Relaxed) {
        _ if record.summary.status == orchestrate_core::summary::RunStatus::Succeeded => {
            Exit::of_run(&record.summary, show.fail_on_partial)
        }
        SIGTERM => Exit::Terminated,
        _ => Exit::of_run(&record.summary, show.fail_on_partial),
    })
}

const SIGINT: i32 = 2;
const SIGTERM: i32 = 15;

/// The first signal stops gently, the second at once.
async fn listen(stop: mpsc::Sender<Stop>, seen: Arc<AtomicI32>, screen: progress::Screen) {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut interrupt), Ok(mut terminate)) =
        (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return;
    };
    for asked in [Stop::Gently, Stop::Now] {
        let which = tokio::select! {
            _ = interrupt.recv() => SIGINT,
            _ = terminate.recv() => SIGTERM,
        };
        seen.store(which, Ordering::Relaxed);
        match asked {
            Stop::Gently => {
                screen.say("stopping: calls under way may finish; once more cancels them");
            }
            Stop::Now => screen.say("cancelling the calls under way"),
        }
        if stop.send(asked).await.is_err() {
            return;
        }
    }
}

/// An output folder as given, if it can be one.
pub(crate) fn output(folder: Option<&PathBuf>) -> Result<Option<PathBuf>, CliError> {
    match folder {
        Some(folder) if folder.exists() && !folder.is_dir() => {
            Err(CliError::new(Exit::Usage, format!("`{}` is not a folder", folder.display()))
                .help("give --output a folder; it is made where it is missing"))
        }
        folder => Ok(folder.cloned()),
    }
}
