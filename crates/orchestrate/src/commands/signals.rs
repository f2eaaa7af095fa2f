//! Signals by which a run is stopped.

use tokio::signal::unix::{Signal, SignalKind, signal};

/// The terminal went away.
pub(super) const SIGHUP: i32 = 1;
/// Ctrl-C.
pub(super) const SIGINT: i32 = 2;
/// Somebody asks the program to end.
pub(super) const SIGTERM: i32 = 15;

/// The signals that somebody listens for.
pub(super) struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Option<Signal>,
}

impl Signals {
    /// Begins to listen, where the system lets us.
    pub(super) fn listen() -> Option<Self> {
        let interrupt = signal(SignalKind::interrupt()).ok()?;
        let terminate = signal(SignalKind::terminate()).ok()?;
        // Whoever began the program with `nohup` wants it to go on, so it stays as deaf as it was born.
        let hangup = if hangup_is_ignored() { None } else { signal(SignalKind::hangup()).ok() };
        Some(Self { interrupt, terminate, hangup })
    }

    /// The number of the next one.
    pub(super) async fn next(&mut self) -> i32 {
        tokio::select! {
            _ = self.interrupt.recv() => SIGINT,
            _ = self.terminate.recv() => SIGTERM,
            () = hung_up(&mut self.hangup) => SIGHUP,
        }
    }
}

/// Waits for the terminal to go away; for ever where nobody listens for that.
async fn hung_up(hangup: &mut Option<Signal>) {
    match hangup {
        Some(hangup) => {
            hangup.recv().await;
        }
        None => std::future::pending().await,
    }
}

/// Whether the program was started with the hangup signal ignored, as far as the system tells.
fn hangup_is_ignored() -> bool {
    let Ok(status) = std::fs::read_to_string("/proc/self/status") else { return false };
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    // Signal n is bit n - 1 of a hexadecimal mask.
    ignored
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .is_some_and(|mask| mask & 1 == 1)
}
