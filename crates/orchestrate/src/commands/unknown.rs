//! Asking at the terminal whether a call is made again of which nobody knows whether it was charged.

use std::{
    sync::atomic::{AtomicI32, Ordering},
    thread,
};

use orchestrate_core::{
    event::PauseReason,
    summary::{RunStatus, RunSummary},
};
use tokio::sync::oneshot;

use super::signals::Signals;
use crate::terminal;

/// Whether the run rests at such a call and the person at the terminal wants it made again. A signal is a no, and
/// kept. While a question of an approval is open nobody is asked another one.
pub(super) async fn is_wanted_again(summary: &RunSummary, signal: &AtomicI32) -> bool {
    if summary.status != RunStatus::Paused(PauseReason::CallUnknown)
        || summary.awaiting_approval().next().is_some()
    {
        return false;
    }
    let id = summary.run.as_ref().map(ToString::to_string).unwrap_or_default();
    terminal::say(&format!("run {id} is {}", orchestrate_report::status(summary)));
    // Before the question is there to be answered by Ctrl-C.
    let signals = Signals::listen();
    let (answers, answer) = oneshot::channel();
    // Nobody waits for this thread: a person who never answers does not keep the program from ending.
    let _ = thread::Builder::new().name("unknown-call".into()).spawn(move || {
        answers.send(terminal::ask("send again? at worst it is paid twice [y/N]: "))
    });
    let stopped = async {
        match signals {
            Some(mut signals) => signals.next().await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        answer = answer => {
            let word = answer.ok().flatten().unwrap_or_default().to_lowercase();
            matches!(word.as_str(), "y" | "yes")
        }
        which = stopped => {
            signal.store(which, Ordering::Relaxed);
            false
        }
    }
}
