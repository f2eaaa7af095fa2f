//! What can go wrong with a journal.

use std::{io, path::PathBuf};

use orchestrate_core::run::IllegalEvent;

/// An error of the store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A file or folder of the run.
    #[error("using `{}`", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The database.
    #[error("using the journal `{}`", path.display())]
    Sqlite {
        /// The journal.
        path: PathBuf,
        /// What SQLite says.
        #[source]
        source: rusqlite::Error,
    },
    /// A commit whose outcome nobody knows; the journal has to be opened anew.
    #[error("committing to the journal `{}`; whether it succeeded is unknown", path.display())]
    CommitUnknown {
        /// The journal.
        path: PathBuf,
        /// What SQLite says.
        #[source]
        source: rusqlite::Error,
    },
    /// The process that made the folder ended before the run's creation was durable: there is no run.
    #[error("`{}` holds no run: its creation was never recorded", .0.display())]
    NeverBegan(PathBuf),
    /// The journal is not one of ours.
    #[error("`{}` is not a journal of orchestrate", .0.display())]
    Foreign(PathBuf),
    /// The journal was written by a newer version.
    #[error("the journal `{}` has format {found}; this version reads up to {known}", path.display())]
    Newer {
        /// The journal.
        path: PathBuf,
        /// Its format.
        found: i64,
        /// The newest format known here.
        known: i64,
    },
    /// The run decides by other rules than this version.
    #[error("the run follows semantics {found}; this version follows {known}")]
    OtherSemantics {
        /// The run's.
        found: u32,
        /// This version's.
        known: u32,
    },
    /// Recorded events are missing or changed.
    #[error("the journal `{}` is damaged: {what}", path.display())]
    Damaged {
        /// The journal.
        path: PathBuf,
        /// What was seen.
        what: String,
    },
    /// Recorded events contradict each other.
    #[error("the journal `{}` contradicts itself", path.display())]
    Contradiction {
        /// The journal.
        path: PathBuf,
        /// The event.
        #[source]
        source: IllegalEvent,
    },
    /// Another process owns the run.
    #[error("run {run} is in use by another process")]
    InUse {
        /// The run's id.
        run: String,
    },
    /// The thread that writes the journal is gone.
    #[error("the journal's writer has stopped")]
    WriterGone,
}

impl StoreError {
    /// Whether the disk is full.
    pub fn is_full(&self) -> bool {
        match self {
            Self::Io { source, .. } => {
                matches!(source.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
            }
            Self::Sqlite { source, .. } | Self::CommitUnknown { source, .. } => {
                source.sqlite_error_code() == Some(rusqlite::ErrorCode::DiskFull)
            }
            _ => false,
        }
    }

    pub(crate) fn io(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { path, source }
    }

    pub(crate) fn sqlite(path: impl Into<PathBuf>) -> impl FnOnce(rusqlite::Error) -> Self {
        let path = path.into();
        move |source| Self::Sqlite { path, source }
    }

    pub(crate) fn damaged(path: impl Into<PathBuf>, what: impl Into<String>) -> Self {
        Self::Damaged { path: path.into(), what: what.into() }
    }
}
