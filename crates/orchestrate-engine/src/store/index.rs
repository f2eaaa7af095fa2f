//! The index of answers: which call with which identity was answered in which run. Derived from the
//! journals; deleting it loses nothing but the time to rebuild it.

use std::path::{Path, PathBuf};

use orchestrate_core::{
    Timestamp,
    event::{Answered, Event, Recorded, ReuseOrigin},
    ids::{CallId, RunId},
    request::Identity,
};
use rusqlite::{Connection, OpenFlags, OptionalExtension, params};

use super::{StoreError, lock::private_file, read_journal};
use crate::home::Home;

const APPLICATION_ID: i64 = 0x6f72_6369;
const FORMAT: i64 = 1;

const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS answers (
    identity BLOB PRIMARY KEY,
    run      TEXT NOT NULL,
    call     TEXT NOT NULL,
    at       INTEGER NOT NULL,
    answer   TEXT NOT NULL
) STRICT, WITHOUT ROWID;
";

/// An answer that was paid for.
#[derive(Debug, Clone, PartialEq)]
pub struct Remembered {
    /// Where it comes from.
    pub origin: ReuseOrigin,
    /// What it is.
    pub answer: Answered,
}

/// The index, opened.
#[derive(Debug)]
pub struct Index {
    path: PathBuf,
    connection: Connection,
    run: Option<RunId>,
    /// Identities of calls that were prepared in this run, by call.
    prepared: std::collections::BTreeMap<CallId, Identity>,
}

impl Index {
    /// Opens the index of `home`, building it from the journals where there is none yet.
    pub fn open(home: &Home) -> Result<Self, StoreError> {
        let path = home.index();
        private_file().open(&path).map_err(StoreError::io(&path))?;
        let connection = Connection::open_with_flags(
            &path,
            OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
        )
        .map_err(StoreError::sqlite(&path))?;
        let failed = StoreError::sqlite;
        connection.busy_timeout(std::time::Duration::from_secs(10)).map_err(failed(&path))?;
        connection.pragma_update(None, "journal_mode", "wal").map_err(failed(&path))?;
        connection.pragma_update(None, "synchronous", "normal").map_err(failed(&path))?;
        let found: i64 = connection
            .pragma_query_value(None, "user_version", |row| row.get(0))
            .map_err(failed(&path))?;
        let mut index =
            Self { path, connection, run: None, prepared: std::collections::BTreeMap::new() };
        if found != FORMAT {
            index.rebuild(home)?;
        }
        Ok(index)
    }

    /// Forgets everything and reads every journal again. Journals that cannot be read are left out.
    pub fn rebuild(&mut self, home: &Home) -> Result<(), StoreError> {
        let path = self.path.clone();
        let failed = || StoreError::sqlite(&path);
        self.connection
            .execute_batch("DROP TABLE IF EXISTS answers;")
            .and_then(|()| self.connection.execute_batch(SCHEMA))
            .map_err(failed())?;
        for folder in run_folders(&home.runs()) {
            if let Ok(contents) = read_journal(&folder) {
                self.remember(&contents.events)?;
            }
        }
        self.run = None;
        self.prepared.clear();
        self.connection
            .pragma_update(None, "application_id", APPLICATION_ID)
            .and_then(|()| self.connection.pragma_update(None, "user_version", FORMAT))
            .map_err(failed())
    }

    /// Takes in recorded events of one run, in order. Offline worksheets are not remembered: they cost
    /// nothing to make.
    pub fn remember(&mut self, events: &[Recorded]) -> Result<(), StoreError> {
        let failed = StoreError::sqlite;
        let transaction = self.connection.transaction().map_err(failed(&self.path))?;
        for recorded in events {
            match &recorded.event {
                Event::RunCreated(created) => {
                    self.run = (!created.offline).then(|| created.run.clone());
                    self.prepared.clear();
                }
                Event::CallPrepared { call, prepared } => {
                    self.prepared.insert(call.clone(), prepared.identity);
                }
                Event::CallSucceeded { call, answer, .. } => {
                    let (Some(run), Some(identity)) = (&self.run, self.prepared.remove(call))
                    else {
                        continue;
                    };
                    let answer = serde_json::to_string(answer)
                        .map_err(|error| StoreError::damaged(&self.path, error.to_string()))?;
                    transaction
                        .prepare_cached(
                            "INSERT OR REPLACE INTO answers (identity, run, call, at, answer) VALUES (?1, ?2, ?3, ?4, ?5)",
                        )
                        .and_then(|mut insert| {
                            insert.execute(params![
                                identity.0.as_bytes().as_slice(),
                                run.as_str(),
                                call.to_string(),
                                recorded.at.0.cast_signed(),
                                answer
                            ])
                        })
                        .map_err(failed(&self.path))?;
                }
                _ => {}
            }
        }
        transaction.commit().map_err(failed(&self.path))
    }

    /// Tells the index which calls a resumed run had prepared before.
    pub fn follow(&mut self, events: &[Recorded]) {
        for recorded in events {
            match &recorded.event {
                Event::RunCreated(created) => {
                    self.run = (!created.offline).then(|| created.run.clone());
                }
                Event::CallPrepared { call, prepared } => {
                    self.prepared.insert(call.clone(), prepared.identity);
                }
                _ => {}
            }
        }
    }

    /// The answer to a call with this identity, where one was paid for.
    pub fn look_up(&self, identity: &Identity) -> Result<Option<Remembered>, StoreError> {
        let row: Option<(String, String, i64, String)> = self
            .connection
            .prepare_cached("SELECT run, call, at, answer FROM answers WHERE identity = ?1")
            .and_then(|mut select| {
                select
                    .query_row(params![identity.0.as_bytes().as_slice()], |row| {
                        Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
                    })
                    .optional()
            })
            .map_err(StoreError::sqlite(&self.path))?;
        let Some((run, call, at, answer)) = row else { return Ok(None) };
        // A row that cannot be read is worth no more than none.
        let (Ok(call), Ok(answer)) = (call.parse(), serde_json::from_str(&answer)) else {
            return Ok(None);
        };
        let origin = ReuseOrigin { run: RunId::new(run), call, at: Timestamp(at.cast_unsigned()) };
        Ok(Some(Remembered { origin, answer }))
    }
}

/// The folders of all runs, oldest first; ids sort by time.
pub(crate) fn run_folders(runs: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(runs) else { return Vec::new() };
    let mut folders: Vec<PathBuf> = entries
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .filter(|path| path.join("journal.db").is_file())
        .collect();
    folders.sort();
    folders
}
