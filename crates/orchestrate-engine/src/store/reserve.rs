//! Space that is kept free for answers: a file beside a journal that is given up when the disk is full.

use std::{
    fs::File,
    path::{Path, PathBuf},
};

use super::lock::private_file;

/// Room for the answers of a few dozen calls in flight, which were paid for when the disk filled up.
const BYTES: u64 = 4 * 1024 * 1024;

/// The file, for as long as it is needed.
#[derive(Debug)]
pub(super) struct Reserve {
    path: PathBuf,
    held: bool,
}

impl Reserve {
    /// Takes the space. A file system that cannot promise any, or has none left, gives none: the run goes
    /// on without.
    pub(super) fn beside(folder: &Path) -> Self {
        let path = folder.join("reserve");
        let taken = private_file().open(&path).and_then(|file| allocate(&file));
        let held = taken.is_ok();
        if let Err(error) = taken {
            tracing::debug!(%error, "no space is kept free for answers");
            let _ = std::fs::remove_file(&path);
        }
        Self { path, held }
    }

    /// Whether there is nothing left to give up.
    pub(super) fn is_used(&self) -> bool {
        !self.held
    }

    /// Gives the space back to the disk, and says whether there was any.
    pub(super) fn give_up(&mut self) -> bool {
        std::mem::take(&mut self.held) && std::fs::remove_file(&self.path).is_ok()
    }
}

impl Drop for Reserve {
    fn drop(&mut self) {
        self.give_up();
    }
}

fn allocate(file: &File) -> std::io::Result<()> {
    rustix::fs::fallocate(file, rustix::fs::FallocateFlags::empty(), 0, BYTES)?;
    Ok(())
}
