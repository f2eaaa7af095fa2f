//! The witness: a small file beside a journal that says how far it had got.
//!
//! SQLite can lose committed rows without a word when its write-ahead log is cut or a bit in it flips.
//! A witness that is ahead of its journal proves such a loss.

use std::path::{Path, PathBuf};

use orchestrate_core::ids::Digest;

use super::{StoreError, lock::private_file};

/// Where a journal stood after a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark {
    /// The last event's number.
    pub(super) seq: u64,
    /// The hash chain up to that event.
    pub(super) chain: Digest,
}

#[derive(Debug)]
pub(super) struct Witness {
    path: PathBuf,
    next: PathBuf,
}

impl Witness {
    pub(super) fn beside(folder: &Path) -> Self {
        Self { path: folder.join("witness"), next: folder.join("witness.next") }
    }

    /// The last mark, `None` where none was set yet or it cannot be read: a witness proves a loss, its
    /// absence proves nothing.
    pub(super) fn read(&self) -> Option<Mark> {
        let text = std::fs::read_to_string(&self.path).ok()?;
        let (seq, chain) = text.trim_end().split_once(' ')?;
        Some(Mark { seq: seq.parse().ok()?, chain: chain.parse().ok()? })
    }

    /// Sets the mark. It is replaced as a whole and not synced: after a power cut it may lie behind
    /// the journal, never ahead of it.
    pub(super) fn set(&self, mark: Mark) -> Result<(), StoreError> {
        use std::io::Write;
        let mut file = private_file().open(&self.next).map_err(StoreError::io(&self.next))?;
        let line = format!("{:020} {}\n", mark.seq, mark.chain);
        file.write_all(line.as_bytes()).map_err(StoreError::io(&self.next))?;
        std::fs::rename(&self.next, &self.path).map_err(StoreError::io(&self.path))
    }
}
