//! The inbox of a run: decisions for the process that owns it, as files that appear whole.

use std::{
    fs,
    io::{ErrorKind, Write as _},
    path::{Path, PathBuf},
};

use orchestrate_core::ids::{Digest, StepPath};
use serde::{Deserialize, Serialize};

use super::GivenDecision;
use crate::{library::read_text, store::StoreError};

/// The version of the files.
const VERSION: u32 = 1;
/// The largest file that is read.
const MAX_BYTES: u64 = 64 * 1024;
/// Files that are taken in at once; the rest has its turn later.
const MOST_FILES: usize = 100;

/// The folder in which a run's owner finds what others want of it.
#[derive(Debug, Clone)]
pub(crate) struct Inbox(PathBuf);

/// A decision from the inbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Dropped {
    pub(crate) step: StepPath,
    pub(crate) subject: Digest,
    pub(crate) given: GivenDecision,
}

/// The file's form.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct DecisionFile {
    version: u32,
    step: StepPath,
    subject: Digest,
    approved: bool,
    by: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

impl Inbox {
    /// The inbox of the run in `folder`.
    pub(crate) fn of(folder: &Path) -> Self {
        Self(folder.join("inbox"))
    }

    /// Puts a decision in: written aside, made durable, then renamed.
    pub(crate) fn put(&self, dropped: &Dropped) -> Result<PathBuf, StoreError> {
        use std::os::unix::fs::DirBuilderExt as _;
        match fs::DirBuilder::new().mode(0o700).create(&self.0) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => {
                return Err(StoreError::io(&self.0)(error));
            }
            Ok(()) | Err(_) => {}
        }
        let GivenDecision { approved, by, note } = dropped.given.clone();
        let file = DecisionFile {
            version: VERSION,
            step: dropped.step.clone(),
            subject: dropped.subject,
            approved,
            by,
            note,
        };
        let text = serde_json::to_vec(&file).expect("a decision is plain data");
        // A name of its own: later decisions come later, and nobody overwrites another's.
        let path = self.0.join(format!("{}.json", uuid::Uuid::now_v7()));
        let failed = |error| StoreError::io(&path)(error);
        let mut aside =
            tempfile::Builder::new().prefix(".").tempfile_in(&self.0).map_err(failed)?;
        aside.write_all(&text).and_then(|()| aside.as_file().sync_all()).map_err(failed)?;
        aside.persist_noclobber(&path).map_err(|error| StoreError::io(&path)(error.error))?;
        fs::File::open(&self.0).and_then(|folder| folder.sync_all()).map_err(failed)?;
        Ok(path)
    }

    /// The decisions that lie there, oldest first, each with its file. Files that are none are removed.
    pub(crate) fn read(&self) -> Vec<(PathBuf, Dropped)> {
        let Ok(entries) = fs::read_dir(&self.0) else { return Vec::new() };
        let mut paths: Vec<PathBuf> = entries
            .filter_map(Result::ok)
            .map(|entry| entry.path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
            .collect();
        paths.sort();
        paths.truncate(MOST_FILES);
        let read = paths.into_iter().filter_map(|path| match decision(&path) {
            Ok(dropped) => Some((path, dropped)),
            Err(what) => {
                tracing::warn!("a file in the run's inbox is no decision and is removed: {what}");
                remove(&path);
                None
            }
        });
        read.collect()
    }
}

/// Removes a file that was taken in, or taken back. One that is gone already is no mistake.
pub(crate) fn remove(path: &Path) {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            tracing::warn!(%error, "a file in the run's inbox could not be removed");
        }
        Ok(()) | Err(_) => {}
    }
}

fn decision(path: &Path) -> Result<Dropped, String> {
    // A link could make a file of somebody else's vanish.
    let kind = fs::symlink_metadata(path).map_err(|error| error.to_string())?.file_type();
    if !kind.is_file() {
        return Err("it is no regular file".to_owned());
    }
    let text = read_text(path, MAX_BYTES).map_err(|error| error.to_string())?;
    let file: DecisionFile = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    if file.version != VERSION {
        return Err(format!("it has version {}, and {VERSION} is known", file.version));
    }
    let DecisionFile { step, subject, approved, by, note, .. } = file;
    let note = note.as_deref().and_then(orchestrate_core::approval::note);
    let given = GivenDecision { approved, by, note }.within_limits();
    Ok(Dropped { step, subject, given: given.map_err(|error| error.to_string())? })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dropped(step: &str) -> Dropped {
        let given = GivenDecision { approved: true, by: "ada".into(), note: Some("fine".into()) };
        Dropped { step: step.into(), subject: Digest::of("x"), given }
    }

    #[test]
    fn decisions_are_found_in_the_order_in_which_they_came() {
        let folder = tempfile::tempdir().expect("a folder");
        let inbox = Inbox::of(folder.path());
        assert!(inbox.read().is_empty(), "nobody has written yet");
        for step in ["b", "a", "c"] {
            inbox.put(&dropped(step)).expect("written");
        }
        let found = inbox.read();
        let steps: Vec<_> = found.iter().map(|(_, dropped)| dropped.clone()).collect();
        assert_eq!(steps, ["b", "a", "c"].map(dropped));
        for (path, _) in found {
            remove(&path);
        }
        assert!(inbox.read().is_empty());
    }

    #[test]
    fn what_is_no_decision_is_removed_and_does_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let inbox = Inbox::of(folder.path());
        let good = inbox.put(&dropped("a")).expect("written");
        let text = fs::read_to_string(&good).expect("readable");
        let place = folder.path().join("inbox");
        let outside = folder.path().join("outside");
        fs::write(&outside, &text).expect("written");
        fs::write(place.join("1.json"), "{}").expect("written");
        fs::write(place.join("2.json"), text.replace("\"version\":1", "\"version\":2"))
            .expect("written");
        fs::write(place.join("3.json"), text.replace("fine", &"x".repeat(5_000))).expect("written");
        fs::write(place.join("4.json"), vec![b' '; 70_000]).expect("written");
        fs::write(place.join("half.tmp"), &text).expect("written");
        std::os::unix::fs::symlink(&outside, place.join("5.json")).expect("a link");
        let found = inbox.read();
        assert_eq!(found, [(good, dropped("a"))]);
        let mut left: Vec<_> = fs::read_dir(&place)
            .expect("a folder")
            .map(|entry| entry.expect("an entry").file_name())
            .collect();
        left.sort();
        assert_eq!(left.len(), 2, "{left:?}");
        assert!(outside.exists());
    }
}
