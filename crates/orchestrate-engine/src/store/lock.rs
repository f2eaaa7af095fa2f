//! One writer per run: an advisory lock on a file of its own, never on the database.

use std::{
    fs::{File, TryLockError},
    path::Path,
};

use super::StoreError;

/// Ownership of a run, given up when dropped or when the process ends.
#[derive(Debug)]
pub struct RunLock {
    _file: File,
}

impl RunLock {
    /// Takes ownership of the run in `folder`, or says that another process has it.
    pub fn take(folder: &Path) -> Result<Self, StoreError> {
        let path = folder.join("run.lock");
        let file = private_file().open(&path).map_err(StoreError::io(&path))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => {
                let run = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
                Err(StoreError::InUse { run })
            }
            Err(TryLockError::Error(source)) => Err(StoreError::Io { path, source }),
        }
    }
}

/// Opens a file that only its owner may read, refusing to follow a link planted in its place.
pub(super) fn private_file() -> std::fs::OpenOptions {
    use std::os::unix::fs::OpenOptionsExt;
    let mut options = std::fs::OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(0o600);
    options.custom_flags(rustix::fs::OFlags::NOFOLLOW.bits().cast_signed());
    options
}
