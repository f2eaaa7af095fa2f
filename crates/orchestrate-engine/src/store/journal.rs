//! A run's journal: an SQLite file of chained events and of contents by digest.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use orchestrate_core::{
    SEMANTICS, Timestamp,
    event::{Event, Recorded, RunCreated},
    ids::{Digest, FieldHasher},
    plan::Plan,
};
use rusqlite::{Connection, OpenFlags, OptionalExtension, TransactionBehavior, params};

use super::{
    StoreError,
    lock::private_file,
    reserve::Reserve,
    witness::{Mark, Witness},
};

/// `orch` in ASCII: marks the file as a journal of ours.
const APPLICATION_ID: i64 = 0x6f72_6368;
/// The format of the tables below.
const FORMAT: i64 = 1;

const SCHEMA: &str = "
CREATE TABLE events (
    seq   INTEGER PRIMARY KEY,
    at    INTEGER NOT NULL,
    kind  TEXT    NOT NULL,
    call  TEXT,
    body  TEXT    NOT NULL,
    chain BLOB    NOT NULL
) STRICT;
-- A call that was answered is never made again.
CREATE UNIQUE INDEX one_answer ON events (call) WHERE kind IN ('call_succeeded', 'call_reused');
CREATE TABLE blobs (digest BLOB PRIMARY KEY, content BLOB NOT NULL) STRICT;
";

/// A content with its digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blob {
    /// BLAKE3 of the content.
    pub digest: Digest,
    /// The content.
    pub content: Arc<[u8]>,
}

impl Blob {
    /// Wraps a content.
    pub fn new(content: impl Into<Vec<u8>>) -> Self {
        let content = content.into();
        Self { digest: Digest::of(&content), content: content.into() }
    }
}

/// A journal opened for writing by its one owner.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    connection: Connection,
    witness: Witness,
    mark: Mark,
    known_blobs: BTreeSet<Digest>,
    reserve: Reserve,
    short: bool,
}

impl Journal {
    /// Creates the journal of a new run in `folder`, which must not hold one yet.
    pub fn create(folder: &Path) -> Result<Self, StoreError> {
        let path = folder.join("journal.db");
        let file = private_file().create_new(true).open(&path).map_err(StoreError::io(&path))?;
        drop(file);
        let connection = open(&path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        let failed = StoreError::sqlite;
        connection.pragma_update(None, "journal_mode", "wal").map_err(failed(&path))?;
        connection.pragma_update(None, "application_id", APPLICATION_ID).map_err(failed(&path))?;
        connection.pragma_update(None, "user_version", FORMAT).map_err(failed(&path))?;
        connection.execute_batch(SCHEMA).map_err(failed(&path))?;
        connection.pragma_update(None, "synchronous", "full").map_err(failed(&path))?;
        sync_folder(folder)?;
        if let Some(parent) = folder.parent() {
            sync_folder(parent)?;
        }
        let mark = Mark { seq: 0, chain: chain_start() };
        Ok(Self {
            path,
            connection,
            witness: Witness::beside(folder),
            mark,
            known_blobs: BTreeSet::new(),
            reserve: Reserve::beside(folder),
            short: false,
        })
    }

    /// Opens the journal of an existing run, and returns what it holds, checked.
    pub fn open(folder: &Path) -> Result<(Self, JournalContents), StoreError> {
        let contents = read_journal(folder)?;
        let path = folder.join("journal.db");
        let connection = open(&path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        connection.pragma_update(None, "synchronous", "full").map_err(StoreError::sqlite(&path))?;
        let journal = Self {
            path,
            connection,
            witness: Witness::beside(folder),
            mark: contents.mark,
            known_blobs: BTreeSet::new(),
            reserve: Reserve::beside(folder),
            short: false,
        };
        Ok((journal, contents))
    }

    /// Whether the disk was full at a commit: what was kept free for that is used up.
    pub fn is_short_of_space(&self) -> bool {
        self.short
    }

    /// Records `events` and the contents they speak of in one durable commit, and returns the events
    /// with their places. Where the disk is full, space that was kept free is given up for it.
    pub fn commit(
        &mut self,
        at: Timestamp,
        events: Vec<Event>,
        blobs: &[Blob],
    ) -> Result<Vec<Recorded>, StoreError> {
        let mut mark = self.mark;
        let mut rows = Vec::with_capacity(events.len());
        for event in events {
            let body = serde_json::to_string(&event).map_err(|error| {
                StoreError::damaged(&self.path, format!("an event cannot be written: {error}"))
            })?;
            mark = Mark { seq: mark.seq + 1, chain: chain(&mark.chain, mark.seq + 1, at, &body) };
            rows.push(Row {
                recorded: Recorded { seq: mark.seq, at, event },
                body,
                chain: mark.chain,
            });
        }
        match self.write(&rows, blobs) {
            Err(full) if full.is_full() => self.write_with_the_reserve(&rows, blobs, full)?,
            outcome => outcome?,
        }
        self.known_blobs.extend(blobs.iter().map(|blob| blob.digest));
        self.mark = mark;
        self.witness.set(mark)?;
        Ok(rows.into_iter().map(|row| row.recorded).collect())
    }

    fn write(&mut self, rows: &[Row], blobs: &[Blob]) -> Result<(), StoreError> {
        let path = &self.path;
        let failed = StoreError::sqlite;
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(failed(path))?;
        {
            let mut keep = transaction
                .prepare_cached("INSERT OR IGNORE INTO blobs (digest, content) VALUES (?1, ?2)")
                .map_err(failed(path))?;
            for blob in blobs.iter().filter(|blob| !self.known_blobs.contains(&blob.digest)) {
                keep.execute(params![blob.digest.as_bytes().as_slice(), &*blob.content])
                    .map_err(failed(path))?;
            }
            let mut record = transaction
                .prepare_cached("INSERT INTO events (seq, at, kind, call, body, chain) VALUES (?1, ?2, ?3, ?4, ?5, ?6)")
                .map_err(failed(path))?;
            for Row { recorded, body, chain } in rows {
                record
                    .execute(params![
                        recorded.seq.cast_signed(),
                        recorded.at.0.cast_signed(),
                        recorded.event.kind(),
                        answered_call(&recorded.event),
                        body,
                        chain.as_bytes().as_slice(),
                    ])
                    .map_err(failed(path))?;
            }
        }
        transaction
            .commit()
            .map_err(|source| StoreError::CommitUnknown { path: path.clone(), source })
    }

    /// The disk is full: frees what was kept for this, finds out whether the commit failed as a whole, and
    /// makes it again.
    fn write_with_the_reserve(
        &mut self,
        rows: &[Row],
        blobs: &[Blob],
        full: StoreError,
    ) -> Result<(), StoreError> {
        self.short = true;
        if self.reserve.is_used() || !self.reserve.give_up() {
            return Err(full);
        }
        let connection = open(&self.path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        connection
            .pragma_update(None, "synchronous", "full")
            .map_err(StoreError::sqlite(&self.path))?;
        self.connection = connection;
        let last: Option<(i64, [u8; 32])> = self
            .connection
            .query_row("SELECT seq, chain FROM events ORDER BY seq DESC LIMIT 1", [], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .optional()
            .map_err(StoreError::sqlite(&self.path))?;
        match (last, rows.last()) {
            (Some((_, stored)), Some(row)) if row.chain.as_bytes() == &stored => Ok(()),
            (Some((seq, _)), _) if seq.cast_unsigned() != self.mark.seq => Err(full),
            _ => self.write(rows, blobs),
        }
    }
}

/// An event as it is written.
struct Row {
    recorded: Recorded,
    body: String,
    chain: Digest,
}

impl Drop for Journal {
    /// Folds the write-ahead log into the file, so that a run at rest is one portable file. Whoever
    /// reads at this moment only delays that until the next opening.
    fn drop(&mut self) {
        let folded = self.connection.pragma_update(None, "wal_checkpoint", "TRUNCATE");
        if let Err(error) = folded {
            tracing::debug!(%error, "the write-ahead log was not folded in");
        }
    }
}

/// What a journal holds, checked against its chain and its witness.
#[derive(Debug)]
pub struct JournalContents {
    /// The events in order.
    pub events: Vec<Recorded>,
    /// What the run is pinned to.
    pub created: Box<RunCreated>,
    /// Its plan.
    pub plan: Arc<Plan>,
    /// Reads contents by digest.
    pub blobs: BlobReader,
    mark: Mark,
}

impl JournalContents {
    /// The number of the last event.
    pub(super) fn last(&self) -> u64 {
        self.mark.seq
    }
}

/// Reads contents of one journal by digest, on a connection of its own that cannot write.
#[derive(Debug, Clone)]
pub struct BlobReader {
    path: PathBuf,
    connection: Arc<Mutex<Connection>>,
}

impl BlobReader {
    /// A reader for the journal in `folder`.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        let path = folder.join("journal.db");
        let connection = open(&path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        Ok(Self { path, connection: Arc::new(Mutex::new(connection)) })
    }

    /// Contents that are kept in memory, for as long as somebody holds them.
    pub(crate) fn in_memory() -> Result<Self, StoreError> {
        let path = PathBuf::from("memory");
        let connection = Connection::open_in_memory().map_err(StoreError::sqlite(&path))?;
        connection.execute_batch(SCHEMA).map_err(StoreError::sqlite(&path))?;
        Ok(Self { path, connection: Arc::new(Mutex::new(connection)) })
    }

    /// Keeps contents, where they are kept in memory.
    pub(crate) fn keep(&self, blobs: &[Blob]) -> Result<(), StoreError> {
        let connection = self.connection.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        for blob in blobs {
            connection
                .prepare_cached("INSERT OR IGNORE INTO blobs (digest, content) VALUES (?1, ?2)")
                .and_then(|mut keep| {
                    keep.execute(params![blob.digest.as_bytes().as_slice(), &*blob.content])
                })
                .map_err(StoreError::sqlite(&self.path))?;
        }
        Ok(())
    }

    /// The content with this digest.
    pub fn bytes(&self, digest: &Digest) -> Result<Option<Vec<u8>>, StoreError> {
        let connection = self.connection.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        connection
            .prepare_cached("SELECT content FROM blobs WHERE digest = ?1")
            .and_then(|mut select| {
                select.query_row(params![digest.as_bytes().as_slice()], |row| row.get(0)).optional()
            })
            .map_err(StoreError::sqlite(&self.path))
    }

    /// The text with this digest; a journal without it is damaged.
    pub fn text(&self, digest: &Digest) -> Result<String, StoreError> {
        let bytes = self.bytes(digest)?.ok_or_else(|| {
            StoreError::damaged(&self.path, format!("content {} is missing", digest.short()))
        })?;
        if Digest::of(&bytes) != *digest {
            return Err(StoreError::damaged(
                &self.path,
                format!("content {} was changed", digest.short()),
            ));
        }
        String::from_utf8(bytes).map_err(|_| {
            StoreError::damaged(&self.path, format!("content {} is no text", digest.short()))
        })
    }
}

/// Reads and checks the journal in `folder` without writing to it.
pub fn read_journal(folder: &Path) -> Result<JournalContents, StoreError> {
    let path = folder.join("journal.db");
    // The witness is read first: the run may be live, and then its journal only grows meanwhile.
    let witness = Witness::beside(folder).read();
    let blobs = BlobReader::open(folder)?;
    let (events, mark) = {
        let connection = blobs.connection.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        match check_format(&connection, &path) {
            Err(StoreError::NeverBegan(_)) if witness.is_some_and(|seen| seen.seq > 0) => {
                (Vec::new(), Mark { seq: 0, chain: chain_start() })
            }
            checked => checked.and_then(|()| read_events(&connection, &path))?,
        }
    };
    check_witness(witness, &events, mark, &path)?;
    if events.is_empty() {
        return Err(StoreError::NeverBegan(path));
    }
    let Some(Event::RunCreated(created)) = events.first().map(|(first, _)| &first.event) else {
        return Err(StoreError::damaged(&path, "it does not begin with the run's creation"));
    };
    let created = created.clone();
    if created.semantics != SEMANTICS {
        return Err(StoreError::OtherSemantics { found: created.semantics, known: SEMANTICS });
    }
    let plan = serde_json::from_str(&blobs.text(&created.plan)?)
        .map_err(|error| StoreError::damaged(&path, format!("its plan cannot be read: {error}")))?;
    Ok(JournalContents {
        events: events.into_iter().map(|(event, _)| event).collect(),
        created,
        plan: Arc::new(plan),
        blobs,
        mark,
    })
}

fn open(path: &Path, mode: OpenFlags) -> Result<Connection, StoreError> {
    let flags = mode | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    // SQLite refuses a path with a link anywhere in it; only the file itself must not be one.
    let real = match (path.parent().map(Path::canonicalize), path.file_name()) {
        (Some(Ok(parent)), Some(name)) => parent.join(name),
        _ => path.to_owned(),
    };
    let connection = Connection::open_with_flags(real, flags).map_err(StoreError::sqlite(path))?;
    connection
        .busy_timeout(std::time::Duration::from_secs(10))
        .map_err(StoreError::sqlite(path))?;
    Ok(connection)
}

fn check_format(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let number = |name: &str| -> Result<i64, StoreError> {
        connection
            .pragma_query_value(None, name, |row| row.get(0))
            .map_err(StoreError::sqlite(path))
    };
    let (application, version) = (number("application_id")?, number("user_version")?);
    if (application, version) != (0, 0) && application != APPLICATION_ID {
        return Err(StoreError::Foreign(path.to_owned()));
    }
    let tables: i64 = connection
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .map_err(StoreError::sqlite(path))?;
    match version {
        0 | FORMAT if tables == 0 => Err(StoreError::NeverBegan(path.to_owned())),
        FORMAT => Ok(()),
        found if found > FORMAT => {
            Err(StoreError::Newer { path: path.to_owned(), found, known: FORMAT })
        }
        found => Err(StoreError::damaged(path, format!("it claims format {found}"))),
    }
}

type Chained = (Recorded, Digest);

fn read_events(connection: &Connection, path: &Path) -> Result<(Vec<Chained>, Mark), StoreError> {
    let failed = StoreError::sqlite;
    let mut select = connection
        .prepare("SELECT seq, at, body, chain FROM events ORDER BY seq")
        .map_err(failed(path))?;
    let mut rows = select.query([]).map_err(failed(path))?;
    let mut mark = Mark { seq: 0, chain: chain_start() };
    let mut events = Vec::new();
    while let Some(row) = rows.next().map_err(failed(path))? {
        let (seq, at, body, stored): (i64, i64, String, [u8; 32]) =
            (|| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))()
                .map_err(failed(path))?;
        let (seq, at) = (seq.cast_unsigned(), Timestamp(at.cast_unsigned()));
        let expected = chain(&mark.chain, mark.seq + 1, at, &body);
        if seq != mark.seq + 1 || expected.as_bytes() != &stored {
            return Err(StoreError::damaged(
                path,
                format!("event {} is missing or was changed", mark.seq + 1),
            ));
        }
        let event = serde_json::from_str(&body).map_err(|error| {
            StoreError::damaged(path, format!("event {seq} cannot be read: {error}"))
        })?;
        mark = Mark { seq, chain: expected };
        events.push((Recorded { seq, at, event }, expected));
    }
    Ok((events, mark))
}

fn check_witness(
    witness: Option<Mark>,
    events: &[Chained],
    mark: Mark,
    path: &Path,
) -> Result<(), StoreError> {
    let Some(seen) = witness else { return Ok(()) };
    if seen.seq > mark.seq {
        let lost = seen.seq - mark.seq;
        return Err(StoreError::damaged(
            path,
            match mark.seq {
                0 => format!("all of its {lost} recorded events are gone"),
                known => {
                    format!("{lost} recorded events are gone, the last one known is {known}")
                }
            },
        ));
    }
    let at_mark = usize::try_from(seen.seq)
        .ok()
        .and_then(|seq| seq.checked_sub(1))
        .and_then(|at| events.get(at));
    match at_mark {
        Some((_, chain)) if *chain != seen.chain => Err(StoreError::damaged(
            path,
            format!("event {} is not the one that was recorded", seen.seq),
        )),
        Some(_) | None => Ok(()),
    }
}

fn chain_start() -> Digest {
    FieldHasher::new("orchestrate 2026 journal chain").finish()
}

fn chain(before: &Digest, seq: u64, at: Timestamp, body: &str) -> Digest {
    let mut hasher = FieldHasher::new("orchestrate 2026 journal chain");
    hasher.field(before.as_bytes()).field(seq.to_le_bytes()).field(at.0.to_le_bytes()).field(body);
    hasher.finish()
}

/// The call that an event answers, for the index that forbids answering it twice.
fn answered_call(event: &Event) -> Option<String> {
    match event {
        Event::CallSucceeded { call, .. } | Event::CallReused { call, .. } => {
            Some(call.to_string())
        }
        _ => None,
    }
}

fn sync_folder(folder: &Path) -> Result<(), StoreError> {
    std::fs::File::open(folder).and_then(|file| file.sync_all()).map_err(StoreError::io(folder))
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    fn note(epoch: u64) -> Event {
        Event::SessionOpened { epoch, program: "test".into() }
    }

    /// A journal that has no more than a few pages left, as on a disk that is full.
    fn nearly_full(folder: &Path) -> Journal {
        let mut journal = Journal::create(folder).expect("created");
        journal.commit(Timestamp(1), vec![note(1)], &[]).expect("committed");
        journal.connection.pragma_update(None, "max_page_count", 16).expect("set");
        journal
    }

    fn events(folder: &Path) -> usize {
        let path = folder.join("journal.db");
        let connection = open(&path, OpenFlags::SQLITE_OPEN_READ_ONLY).expect("opened");
        read_events(&connection, &path).expect("a sound chain").0.len()
    }

    #[test]
    fn an_answer_that_finds_the_disk_full_is_written_where_space_was_kept_for_it() {
        let folder = TempDir::new().expect("a folder");
        let mut journal = nearly_full(folder.path());
        assert!(folder.path().join("reserve").exists());
        let answer = Blob::new(vec![b'a'; 200_000]);
        journal
            .commit(Timestamp(2), vec![note(2)], std::slice::from_ref(&answer))
            .expect("committed");
        assert!(journal.is_short_of_space());
        assert!(!folder.path().join("reserve").exists());
        assert_eq!(events(folder.path()), 2);
        let kept = BlobReader::open(folder.path()).expect("a reader").bytes(&answer.digest);
        assert_eq!(kept.expect("readable").as_deref(), Some(&*answer.content));
    }

    #[test]
    fn a_disk_that_stays_full_is_told_and_leaves_what_was_recorded() {
        let folder = TempDir::new().expect("a folder");
        let mut journal = nearly_full(folder.path());
        journal.reserve.give_up();
        let refused =
            journal.commit(Timestamp(2), vec![note(2)], &[Blob::new(vec![b'a'; 200_000])]);
        assert!(refused.expect_err("no space").is_full());
        assert_eq!(events(folder.path()), 1);
        // What was refused was not taken for written.
        journal.connection.pragma_update(None, "max_page_count", 10_000).expect("set");
        journal
            .commit(Timestamp(3), vec![note(2)], &[Blob::new(vec![b'a'; 200_000])])
            .expect("committed");
        assert_eq!(events(folder.path()), 2);
    }

    #[test]
    fn a_journal_at_rest_keeps_no_space() {
        let folder = TempDir::new().expect("a folder");
        drop(nearly_full(folder.path()));
        assert!(!folder.path().join("reserve").exists());
    }
}
