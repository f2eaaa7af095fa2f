//! The index of answers: which call with which identity was answered in which run. Derived from the
//! journals; deleting it loses nothing but the time to rebuild it.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use orchestrate_core::{
    Timestamp,
    event::{Answered, Event, Recorded, ReuseOrigin},
    ids::{CallId, RunId},
    request::Identity,
};
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, TransactionBehavior, params};

use super::{StoreError, lock::private_file, read_journal, witness::Witness};
use crate::home::Home;

const APPLICATION_ID: i64 = 0x6f72_6369;
const FORMAT: i64 = 2;

const SCHEMA: &str = "
DROP TABLE IF EXISTS answers;
DROP TABLE IF EXISTS journals;
CREATE TABLE answers (
    identity BLOB PRIMARY KEY,
    run      TEXT NOT NULL,
    call     TEXT NOT NULL,
    at       INTEGER NOT NULL,
    answer   TEXT NOT NULL
) STRICT, WITHOUT ROWID;
-- How far each journal was taken in.
CREATE TABLE journals (run TEXT PRIMARY KEY, seq INTEGER NOT NULL) STRICT, WITHOUT ROWID;
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
}

/// What the events of one run say about answers, taken in piece by piece.
#[derive(Debug, Default)]
pub(super) struct Intake {
    run: Option<RunId>,
    /// Whether models were asked. Worksheets cost nothing to make, and what a cassette says was bought by
    /// somebody else.
    asks_models: bool,
    /// Identities of calls that were evaluated and not yet answered.
    prepared: BTreeMap<CallId, Identity>,
    answers: Vec<(Identity, Remembered)>,
    seq: u64,
}

impl Intake {
    /// How many answers are to be remembered.
    pub(super) fn answers(&self) -> usize {
        self.answers.len()
    }

    /// Takes in the next events of the run.
    pub(super) fn take_in(&mut self, events: &[Recorded]) {
        for recorded in events {
            self.seq = recorded.seq;
            match &recorded.event {
                Event::RunCreated(created) => {
                    self.run = Some(created.run.clone());
                    self.asks_models = !created.offline && created.replay.is_none();
                }
                Event::CallPrepared { call, prepared } => {
                    self.prepared.insert(call.clone(), prepared.identity);
                }
                Event::CallSucceeded { call, answer, .. } => self.answered(recorded, call, answer),
                _ => {}
            }
        }
    }

    fn answered(&mut self, recorded: &Recorded, call: &CallId, answer: &Answered) {
        let (Some(identity), Some(run)) = (self.prepared.remove(call), &self.run) else { return };
        if self.asks_models {
            let origin = ReuseOrigin { run: run.clone(), call: call.clone(), at: recorded.at };
            self.answers.push((identity, Remembered { origin, answer: answer.clone() }));
        }
    }
}

impl Index {
    /// Opens the index of `home` and takes in what the journals say beyond it. One that is damaged or of
    /// another format is built anew: everything in it is in the journals.
    pub fn open(home: &Home) -> Result<Self, StoreError> {
        let path = home.index();
        match Self::open_and_catch_up(&path, home) {
            Err(StoreError::Sqlite { source, .. }) if is_damage(&source) => {
                tracing::warn!(
                    "the index of answers is damaged; it is built anew from the journals"
                );
                set_aside(&path)?;
                Self::open_and_catch_up(&path, home)
            }
            opened => opened,
        }
    }

    fn open_and_catch_up(path: &Path, home: &Home) -> Result<Self, StoreError> {
        let mut index = Self::open_as_it_is(path)?;
        index.catch_up(home)?;
        Ok(index)
    }

    fn open_as_it_is(path: &Path) -> Result<Self, StoreError> {
        private_file().open(path).map_err(StoreError::io(path))?;
        let failed = StoreError::sqlite;
        let connection = Connection::open_with_flags(
            path,
            OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
        )
        .map_err(failed(path))?;
        connection.busy_timeout(std::time::Duration::from_secs(10)).map_err(failed(path))?;
        connection.pragma_update(None, "journal_mode", "wal").map_err(failed(path))?;
        connection.pragma_update(None, "synchronous", "normal").map_err(failed(path))?;
        let mut index = Self { path: path.to_owned(), connection };
        index.create_tables().map_err(failed(path))?;
        Ok(index)
    }

    /// Makes the tables where they are missing or of another format; of several processes, one does.
    fn create_tables(&mut self) -> rusqlite::Result<()> {
        let format = |connection: &Connection| -> rusqlite::Result<i64> {
            connection.pragma_query_value(None, "user_version", |row| row.get(0))
        };
        if format(&self.connection)? == FORMAT {
            return Ok(());
        }
        let transaction =
            self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        if format(&transaction)? != FORMAT {
            transaction.execute_batch(SCHEMA)?;
            transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
            transaction.pragma_update(None, "user_version", FORMAT)?;
        }
        transaction.commit()
    }

    /// Takes in every journal whose witness is ahead of what was taken in of it: runs whose process
    /// ended between recording an answer and remembering it, and runs that were brought here.
    fn catch_up(&mut self, home: &Home) -> Result<(), StoreError> {
        let known = self.journals().map_err(StoreError::sqlite(&self.path))?;
        for folder in run_folders(&home.runs()) {
            let Some(run) = folder.file_name().and_then(|name| name.to_str()) else { continue };
            let witnessed = Witness::beside(&folder).read().map_or(0, |mark| mark.seq);
            if known.get(run).is_some_and(|&known| known >= witnessed) {
                continue;
            }
            let mut intake = Intake::default();
            match read_journal(&folder) {
                Ok(contents) => {
                    intake.take_in(&contents.events);
                    intake.seq = contents.last();
                }
                // What cannot be read has nothing to give, now or later.
                Err(_) => intake.seq = witnessed,
            }
            intake.run = Some(RunId::new(run));
            self.remember(&mut intake)?;
        }
        Ok(())
    }

    fn journals(&self) -> rusqlite::Result<BTreeMap<String, u64>> {
        let mut select = self.connection.prepare("SELECT run, seq FROM journals")?;
        let rows = select.query_map([], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?)))?;
        rows.map(|row| row.map(|(run, seq)| (run, seq.cast_unsigned()))).collect()
    }

    /// Remembers what was taken in. Of two answers to one call, the later one stays.
    pub(super) fn remember(&mut self, intake: &mut Intake) -> Result<(), StoreError> {
        let path = self.path.clone();
        let failed = || StoreError::sqlite(&path);
        let Some(run) = intake.run.clone() else { return Ok(()) };
        let transaction = self.connection.transaction().map_err(failed())?;
        for (identity, remembered) in &intake.answers {
            let answer = serde_json::to_string(&remembered.answer)
                .map_err(|error| StoreError::damaged(&path, error.to_string()))?;
            transaction
                .prepare_cached(
                    "INSERT INTO answers (identity, run, call, at, answer) VALUES (?1, ?2, ?3, ?4, ?5)
                     ON CONFLICT (identity) DO UPDATE
                     SET run = excluded.run, call = excluded.call, at = excluded.at, answer = excluded.answer
                     WHERE excluded.at >= answers.at",
                )
                .and_then(|mut insert| {
                    insert.execute(params![
                        identity.0.as_bytes().as_slice(),
                        remembered.origin.run.as_str(),
                        remembered.origin.call.to_string(),
                        remembered.origin.at.0.cast_signed(),
                        answer
                    ])
                })
                .map_err(failed())?;
        }
        transaction
            .prepare_cached("INSERT OR REPLACE INTO journals (run, seq) VALUES (?1, ?2)")
            .and_then(|mut insert| insert.execute(params![run.as_str(), intake.seq.cast_signed()]))
            .map_err(failed())?;
        transaction.commit().map_err(failed())?;
        intake.answers.clear();
        Ok(())
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

/// Whether the file itself is no index any more, as opposed to being busy or out of reach.
fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt | ErrorCode::Unknown)
    )
}

/// Makes room for a new index. Another process may have done it already.
fn set_aside(path: &Path) -> Result<(), StoreError> {
    for suffix in ["", "-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        match std::fs::remove_file(&name) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(StoreError::io(PathBuf::from(name))(error));
            }
            Ok(()) | Err(_) => {}
        }
    }
    Ok(())
}

/// The folders of all runs, oldest first; ids sort by time.
pub(crate) fn run_folders(runs: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(runs) else { return Vec::new() };
    let mut folders: Vec<PathBuf> = entries
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        // A witness without a journal tells of a run that was lost.
        .filter(|path| path.join("journal.db").is_file() || path.join("witness").is_file())
        .collect();
    folders.sort();
    folders
}
