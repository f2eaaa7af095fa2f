//! Programs that the user already has and that answer a prompt: `claude`, `codex`, `llm` and the like.
//!
//! Only the operator's own config can name one. The prompt goes in by standard input, never through a
//! shell; the program works in an empty folder, its output has a limit, and when its time is up, or nobody
//! waits for it any more, it goes with everything that it has started.

mod config;
mod gate;
mod output;
mod presets;
mod process;
mod provider;

pub use config::{CommandError, Config, Output};
pub use gate::judge;
pub use presets::{CommandPreset, PRESETS, preset};
pub use provider::CommandProvider;
