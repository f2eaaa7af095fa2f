//! From a name on the command line to a run, and from a run to its result.
//!
//! - [`Workspace`]: the folders, libraries and configuration that everything starts from.
//! - [`RunSetup`]: a run that is fully decided and not yet recorded (`setup`).
//! - [`OpenRun`]: a run whose journal is open and locked (`open`).
//! - [`RunRecord`]: a run as its journal tells it (`record`).
//! - [`approve`]: a person's decision from outside the process that runs a run.

mod approve;
mod cheaper;
mod counting;
mod files;
mod forecast;
mod foresight;
mod leftovers;
mod lock;
mod mistakes;
mod open;
mod parameters;
mod pinned;
mod record;
mod rehearsal;
mod secrets;
mod setup;
mod windows;
mod workspace;

pub use approve::{ApproveError, Approved, approve};
pub(crate) use cheaper::CHEAPER_ALIAS;
pub use forecast::{ApprovalForecast, Repeats, StepForecast, forecast};
pub use foresight::{Bounds, CostBounds, Foresight, bounds, cost_bounds, foresee, unpaid};
pub use leftovers::leftovers;
pub use lock::{as_locked, lock_path, read_lock, read_lock_to_update, write_lock};
pub use mistakes::{constant_mistakes, known_mistakes};
pub use open::{FinishedRun, OpenRun, RunError, changed_files};
pub use pinned::Pinned;
pub use record::{FindRunError, ListedRun, RunRecord, find_run, list_runs, newest_unfinished};
pub use rehearsal::rehearse;
pub(crate) use rehearsal::rehearse_judged;
pub(crate) use rehearsal::told;
pub use setup::{Compiled, CompiledUsed, PastRework, Rework, RunOptions, RunSetup, SetupError};
pub use windows::TooLong;
pub use workspace::{Workspace, WorkspaceError};
