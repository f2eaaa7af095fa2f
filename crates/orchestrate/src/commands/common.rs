//! What several commands share: the workspace, inputs from the command line, driving a run.

use std::{
    io::ErrorKind,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicI32, Ordering},
    },
};

use orchestrate_core::{
    event::Freshness,
    policy::Limits,
    summary::{RunStatus, RunSummary},
};
use orchestrate_engine::{
    cassette::Recorder,
    config::Config,
    driver::Stop,
    home::Home,
    library::FoundWorkflow,
    session::{FinishedRun, OpenRun, RunOptions, RunSetup, Workspace, known_mistakes},
};
use tokio::sync::mpsc;

use super::{
    cassette,
    signals::{SIGHUP, SIGINT, SIGTERM, Signals},
    unknown,
};
use crate::{
    cli::{CapArguments, Progress, RunFlags, ShowArguments},
    exit::{CliError, Exit},
    terminal::{self, approval, closing, progress},
};

/// Refuses a run of which it is known that a template in it will fail, before it costs anything.
pub(super) fn refuse_mistakes(setup: &RunSetup, workflow: &FoundWorkflow) -> Result<(), CliError> {
    let mistakes = known_mistakes(setup, &workflow.source, &[]);
    if mistakes.is_empty() {
        return Ok(());
    }
    Err(setup.warnings.iter().cloned().chain(mistakes).collect::<Vec<_>>().into())
}

/// The workspace of the current folder.
pub(crate) fn workspace(home: Option<&Path>) -> Result<Workspace, CliError> {
    // Read here and not by the parser, which would take the variable for a word of the command line.
    let variable = std::env::var_os("ORCHESTRATE_HOME").filter(|home| !home.is_empty());
    let home = home.map(Path::to_owned).or(variable.map(PathBuf::from));
    let folder = std::env::current_dir().map_err(|error| {
        CliError::new(Exit::Usage, format!("finding the current folder: {error}"))
    })?;
    let home = Home::locate(home.as_deref()).map_err(|error| {
        CliError::new(Exit::Usage, error.to_string()).help("set HOME, or name a folder with --home")
    })?;
    // A folder of runs that cannot be looked into is not one without runs.
    match std::fs::read_dir(home.runs()) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            let message = format!("reading the runs in `{}`: {error}", home.runs().display());
            Err(CliError::new(Exit::Journal, message)
                .help("--home, or ORCHESTRATE_HOME, names a folder of your own"))
        }
        _ => {
            // Also where the configuration cannot be used, what is said of it holds no key.
            terminal::keep(&Config::secrets_of(&home));
            Ok(Workspace::open(&folder, home)?)
        }
    }
}

/// Caps as the command line gives them.
pub(crate) fn limits(arguments: &CapArguments) -> Limits {
    let short = Limits {
        max_calls: arguments.max_calls,
        max_tokens: arguments.max_tokens,
        allow_unpriced: arguments.allow_unpriced,
        ..Limits::default()
    };
    arguments.budget.iter().fold(short, |limits, cap| limits.stricter(cap.0))
}

/// What the command line asks of a run.
pub(crate) fn options(flags: &RunFlags) -> Result<RunOptions, CliError> {
    Ok(RunOptions {
        model: flags.model.model.clone(),
        offline: flags.model.offline,
        limits: limits(&flags.caps),
        concurrency: flags.concurrency,
        fresh: freshness(&flags.fresh),
        output: output(flags.output.as_ref())?,
        usual_model: None,
        selection: None,
        update_lock: flags.update_lock,
        replay: cassette::replay(flags.cassette.replay.as_deref())?,
    })
}

/// `--fresh` alone is for all steps, `--fresh=STEP` for one.
fn freshness(given: &[String]) -> Freshness {
    if given.is_empty() {
        Freshness::Reuse
    } else if given.iter().any(String::is_empty) {
        Freshness::All
    } else {
        Freshness::Steps(given.iter().map(|step| step.as_str().into()).collect())
    }
}

/// Creates a run and drives it.
pub(crate) fn start(
    workspace: &Workspace,
    setup: &mut RunSetup,
    show: &ShowArguments,
    record: Option<&Path>,
) -> Result<Exit, CliError> {
    terminal::diagnostics(&setup.warnings);
    let recorder = cassette::recorder(workspace, record)?;
    setup.prepare_output(workspace)?;
    setup.write_lock(workspace)?;
    let exit = drive(workspace, OpenRun::create(workspace, setup)?, show, recorder)?;
    if exit == Exit::NotRecorded {
        cassette::tell_missing(workspace, setup, show)?;
    }
    Ok(exit)
}

/// Drives a run to its rest, shows what happens, prints the result and says how it ended.
pub(crate) fn drive(
    workspace: &Workspace,
    run: OpenRun,
    show: &ShowArguments,
    recorder: Option<Recorder>,
) -> Result<Exit, CliError> {
    let (finished, exit) = drive_silently(workspace, run, show)?;
    let as_declared = terminal::result::print(&finished.record, show.format);
    closing::print(&finished, show.progress);
    let written = cassette::record(recorder, &finished.record, show);
    written.map_err(|error| if exit == Exit::Ok { error } else { error.ending(exit) })?;
    let complete = as_declared && finished.unwritten.is_none();
    let is_good = matches!(exit, Exit::Ok | Exit::Partial);
    Ok(if is_good && !complete { Exit::RunFailed } else { exit })
}

/// What tasks run on.
pub(crate) fn runtime() -> Result<tokio::runtime::Runtime, CliError> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| CliError::new(Exit::RunFailed, format!("starting the runtime: {error}")))
}

/// Drives a run to its rest and shows what happens; the result is the caller's. Whoever sits at the terminal is
/// asked whether a call of which nobody knows is made again, and the run goes on where they say so.
pub(crate) fn drive_silently(
    workspace: &Workspace,
    run: OpenRun,
    show: &ShowArguments,
) -> Result<(FinishedRun, Exit), CliError> {
    let runtime = runtime()?;
    let signal = Arc::new(AtomicI32::new(0));
    let is_attended = !show.no_input && show.progress != Progress::Json && terminal::can_ask();
    let mut run = run;
    loop {
        let (observer, screen) = progress::start(show, run.board(), run.is_new());
        if is_attended {
            run = run.attended_by(Box::new(approval::AtTerminal::new(screen.clone())));
        }
        let finished = runtime.block_on(async {
            let (sender, stop) = mpsc::channel(2);
            let listening = tokio::spawn(listen(sender, Arc::clone(&signal), screen.clone()));
            // The future of a whole run is large; it lives on the heap.
            let finished = Box::pin(run.drive(observer, stop)).await;
            listening.abort();
            finished
        });
        screen.finish();
        let finished = finished?;
        let asks = is_attended && signal.load(Ordering::Relaxed) == 0;
        if asks && runtime.block_on(unknown::is_wanted_again(&finished.record.summary, &signal)) {
            run = OpenRun::resume(workspace, &finished.record.created.run, None)?;
            continue;
        }
        let signal = signal.load(Ordering::Relaxed);
        let exit = ending(&finished.record.summary, signal, show.fail_on_partial);
        return Ok((finished, exit));
    }
}

/// How the program ends after a run. A signal that came too late to stop it changes nothing.
fn ending(summary: &RunSummary, signal: i32, fail_on_partial: bool) -> Exit {
    match signal {
        _ if summary.status == RunStatus::Succeeded => Exit::of_run(summary, fail_on_partial),
        SIGTERM => Exit::Terminated,
        SIGHUP => Exit::HungUp,
        SIGINT => Exit::Interrupted,
        _ => Exit::of_run(summary, fail_on_partial),
    }
}

/// The first signal stops gently, the second at once.
async fn listen(stop: mpsc::Sender<Stop>, seen: Arc<AtomicI32>, screen: progress::Screen) {
    let Some(mut signals) = Signals::listen() else { return };
    for asked in [Stop::Gently, Stop::Now] {
        seen.store(signals.next().await, Ordering::Relaxed);
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

/// The output folder as given.
pub(crate) fn output(folder: Option<&PathBuf>) -> Result<Option<PathBuf>, CliError> {
    match folder {
        Some(folder) if folder.as_os_str().is_empty() => {
            Err(CliError::new(Exit::Usage, "--output names no folder")
                .help("give it a folder; `.` is the one you are in"))
        }
        folder => Ok(folder.cloned()),
    }
}
