//! The one thread that writes a journal, so that the driver never blocks its runtime on a disk.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc,
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use orchestrate_core::{
    Timestamp,
    event::{Event, Recorded},
};
use tokio::sync::oneshot;

use super::{Blob, BlobReader, Index, Journal, StoreError, index::Intake};

/// So long no commit has come when answers are remembered.
const A_PAUSE: Duration = Duration::from_millis(10);
/// From so many on they are remembered between two commits.
const MOST_UNREMEMBERED: usize = 256;

struct Commit {
    at: Timestamp,
    events: Vec<Event>,
    blobs: Vec<Blob>,
    reply: oneshot::Sender<Result<Vec<Recorded>, StoreError>>,
}

/// Sends commits to the thread that owns a journal.
///
/// The channel holds one commit: the driver waits for each before it decides anything new, and gathers
/// what arrives meanwhile into the next. That is the group commit.
#[derive(Debug)]
pub struct JournalWriter {
    commits: Option<mpsc::SyncSender<Commit>>,
    thread: Option<JoinHandle<()>>,
    memory: Option<Memory>,
    short_of_space: Arc<AtomicBool>,
}

/// A journal that is kept in memory: its contents, and how many events there are.
#[derive(Debug)]
struct Memory {
    contents: BlobReader,
    events: AtomicU64,
}

impl Memory {
    fn commit(
        &self,
        at: Timestamp,
        events: Vec<Event>,
        blobs: &[Blob],
    ) -> Result<Vec<Recorded>, StoreError> {
        self.contents.keep(blobs)?;
        let next =
            |event| Recorded { seq: self.events.fetch_add(1, Ordering::Relaxed) + 1, at, event };
        Ok(events.into_iter().map(next).collect())
    }
}

impl JournalWriter {
    /// Starts the thread that owns `journal`, which holds the events `earlier`; good answers are
    /// remembered in `index` after they are durable in the journal.
    pub fn start(
        mut journal: Journal,
        index: Option<Index>,
        earlier: &[Recorded],
    ) -> Result<Self, StoreError> {
        let mut memory = index.map(|index| {
            let mut intake = Intake::default();
            intake.take_in(earlier);
            (index, intake)
        });
        let (commits, inbox) = mpsc::sync_channel::<Commit>(1);
        let short_of_space = Arc::new(AtomicBool::new(false));
        let short = Arc::clone(&short_of_space);
        let thread = thread::Builder::new()
            .name("journal".into())
            .spawn(move || {
                while let Some(commit) = next(&inbox, &mut memory) {
                    let result = journal.commit(commit.at, commit.events, &commit.blobs);
                    let broken = result.is_err();
                    if journal.is_short_of_space() {
                        short.store(true, Ordering::Relaxed);
                    }
                    if let (Ok(recorded), Some((_, intake))) = (&result, &mut memory) {
                        intake.take_in(recorded);
                    }
                    // The driver may be gone; then nobody waits for the answer.
                    let _ = commit.reply.send(result);
                    if broken {
                        break;
                    }
                }
                // Also how far the journal has got, so that nobody reads it again.
                if let Some((index, intake)) = &mut memory {
                    remember(index, intake);
                }
            })
            .map_err(StoreError::io(PathBuf::from("thread `journal`")))?;
        Ok(Self { commits: Some(commits), thread: Some(thread), memory: None, short_of_space })
    }

    /// A journal that is kept in memory; its contents are read by `contents`.
    pub(crate) fn in_memory(contents: BlobReader) -> Self {
        let memory = Memory { contents, events: AtomicU64::new(0) };
        Self { commits: None, thread: None, memory: Some(memory), short_of_space: Arc::default() }
    }

    /// Whether the disk was full at a commit before: what follows may not be recorded any more.
    pub fn is_short_of_space(&self) -> bool {
        self.short_of_space.load(Ordering::Relaxed)
    }

    /// Records events and contents durably.
    pub async fn commit(
        &self,
        at: Timestamp,
        events: Vec<Event>,
        blobs: Vec<Blob>,
    ) -> Result<Vec<Recorded>, StoreError> {
        if let Some(memory) = &self.memory {
            return memory.commit(at, events, &blobs);
        }
        let (reply, answer) = oneshot::channel();
        let commits = self.commits.as_ref().ok_or(StoreError::WriterGone)?;
        commits.send(Commit { at, events, blobs, reply }).map_err(|_| StoreError::WriterGone)?;
        answer.await.map_err(|_| StoreError::WriterGone)?
    }
}

/// The next commit; none once the driver is gone. While there is none, answers are remembered: a commit
/// that waits goes first, since dependents wait for it and nobody for the index.
fn next(inbox: &mpsc::Receiver<Commit>, memory: &mut Option<(Index, Intake)>) -> Option<Commit> {
    if let Some((index, intake)) = memory
        && intake.answers() > 0
    {
        if intake.answers() < MOST_UNREMEMBERED {
            match inbox.recv_timeout(A_PAUSE) {
                Ok(commit) => return Some(commit),
                Err(mpsc::RecvTimeoutError::Disconnected) => return None,
                Err(mpsc::RecvTimeoutError::Timeout) => {}
            }
        }
        remember(index, intake);
    }
    inbox.recv().ok()
}

/// What cannot be remembered now is taken in later, or by whoever opens the index next.
fn remember(index: &mut Index, intake: &mut Intake) {
    if let Err(error) = index.remember(intake) {
        tracing::warn!(%error, "the index of answers could not be updated");
    }
}

impl Drop for JournalWriter {
    /// Waits until the journal is closed, so that whoever takes the run's lock next finds it at rest.
    fn drop(&mut self) {
        self.commits = None;
        if let Some(thread) = self.thread.take() {
            // A panic of the thread was reported as `WriterGone` already.
            let _ = thread.join();
        }
    }
}
