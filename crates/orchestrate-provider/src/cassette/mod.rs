//! Cassettes: recorded calls as files that people read, compare and merge, and a provider that answers
//! from them and never goes live. No file is read or written here: texts go in and out.

mod call;
mod difference;
mod header;
mod models;
mod parts;
mod replay;
mod tape;

pub use call::{FAILED, FINISHED, Part, RecordedCall, Verdict};
pub use difference::differences;
pub use models::{RecordedModels, UnresolvedModel};
pub use replay::{Replay, Standing};
pub use tape::{Nearest, Tape, TapeError};

use std::fmt;

/// The version of the format.
pub const VERSION: u32 = 1;

/// A file of a cassette is not longer than this, in bytes.
pub const MAX_FILE: u64 = 32 << 20;
/// A cassette holds no more calls than this.
pub const MAX_CALLS: usize = 10_000;
/// All files of a cassette together are not longer than this, in bytes.
pub const MAX_TOTAL: u64 = 512 << 20;

/// A file of a cassette that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CassetteError {
    /// The file's name.
    pub file: String,
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong, fit for a terminal.
    pub what: String,
    /// What to do about it.
    pub help: Option<String>,
}

impl fmt::Display for CassetteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.what)
    }
}

impl std::error::Error for CassetteError {}

/// What is wrong in a line, before the file's name is known.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Fault {
    line: usize,
    what: String,
    help: Option<String>,
}

impl Fault {
    fn at(line: usize, what: impl Into<String>) -> Self {
        Self { line, what: what.into(), help: None }
    }

    fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The fault as one of a file. What a merge left behind explains whatever else is wrong.
    fn of(self, file: &str, text: &str) -> CassetteError {
        let begin = text.lines().position(|line| line.starts_with("<<<<<<< "));
        let conflict = begin.filter(|_| text.lines().any(|line| line.starts_with(">>>>>>> ")));
        let Self { line, what, help } = match conflict {
            Some(at) => Self::at(at + 1, "a merge left a conflict here").help(
                "keep one side of the file as a whole, or remove it and record the call again",
            ),
            None => self,
        };
        CassetteError { file: file.to_owned(), line, what, help }
    }
}
