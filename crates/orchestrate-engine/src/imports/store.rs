//! The folder that imported personas are kept in: `<name>.md`, the originals below `.originals` by the
//! SHA-256 of their bytes, and workflow skeletons in `workflows` beside the folder.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use orchestrate_persona::MAX_PICTURE_BYTES;

use super::write::{Existing, TEMPORARY, WriteError, write_whole};
use crate::library::{ReadError, read_bytes_within};

/// The folder of the originals, below that of the personas.
pub const ORIGINALS: &str = ".originals";

/// A folder of imported personas.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonaFolder {
    path: PathBuf,
}

impl PersonaFolder {
    /// The folder with this path, which need not be there yet.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Its path, as it was given.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file of a persona.
    pub fn persona(&self, name: &str) -> PathBuf {
        self.path.join(format!("{name}.md"))
    }

    /// The file of a workflow.
    pub fn workflow(&self, name: &str) -> PathBuf {
        self.workflows().join(format!("{name}.yaml"))
    }

    /// Sees that the folder is one that files can be written into, or that it can be made; nothing stays of it.
    /// Without `writes` only whether something else lies in its place.
    pub fn probe(&self, writes: bool) -> Result<(), WriteError> {
        let failed = |source| WriteError::Io { path: self.path.clone(), source };
        let whole = std::path::absolute(&self.path).map_err(failed)?;
        for folder in whole.ancestors() {
            match fs::metadata(folder) {
                Ok(found) if !found.is_dir() => {
                    return Err(WriteError::NotAFolder(folder.to_owned()));
                }
                Ok(_) if writes => return probe(folder).map_err(failed),
                Ok(_) => return Ok(()),
                // What is above says more.
                Err(error)
                    if matches!(
                        error.kind(),
                        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
                    ) => {}
                Err(source) => return Err(failed(source)),
            }
        }
        Ok(())
    }

    pub(super) fn workflows(&self) -> PathBuf {
        match self.path.parent() {
            Some(above) if self.path.file_name().is_some() => above.join("workflows"),
            _ => self.path.join("../workflows"),
        }
    }

    /// Where an original is kept.
    pub fn original(&self, sha256: &str) -> PathBuf {
        self.path.join(ORIGINALS).join(sha256)
    }

    /// The original with this hash, where it is kept.
    pub fn read_original(&self, sha256: &str) -> Result<Option<Vec<u8>>, ReadError> {
        let is_hash = sha256.len() == 64 && sha256.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !is_hash {
            return Ok(None);
        }
        match read_bytes_within(&self.path, &self.original(sha256), MAX_PICTURE_BYTES as u64) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.is_missing() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// What is kept in the place of an original.
    pub(super) fn original_state(&self, sha256: &str, bytes: &[u8]) -> OriginalState {
        match self.read_original(sha256) {
            Ok(Some(kept)) if kept == bytes => OriginalState::Kept,
            Ok(None) => OriginalState::Missing,
            // Whatever cannot be read there is not the original.
            Ok(Some(_)) | Err(_) => OriginalState::Altered,
        }
    }

    /// Keeps an original; the same bytes are written once, and others in their place are replaced.
    pub(super) fn keep_original(&self, sha256: &str, bytes: &[u8]) -> Result<(), WriteError> {
        let path = self.original(sha256);
        unlinked(&self.path.join(ORIGINALS))?;
        let existing = match self.original_state(sha256, bytes) {
            OriginalState::Kept => return Ok(()),
            OriginalState::Missing => Existing::Stays,
            OriginalState::Altered => Existing::Replaced,
        };
        match write_whole(&path, bytes, existing) {
            // Another process has kept it in between.
            Err(WriteError::Exists(_)) => Ok(()),
            other => other,
        }
    }

    pub(super) fn write_persona(
        &self,
        name: &str,
        text: &str,
        existing: Existing,
    ) -> Result<(), WriteError> {
        write_whole(&self.persona(name), text.as_bytes(), existing)
    }

    pub(super) fn write_workflow(
        &self,
        name: &str,
        text: &str,
        existing: Existing,
    ) -> Result<(), WriteError> {
        unlinked(&self.workflows())?;
        write_whole(&self.workflow(name), text.as_bytes(), existing)
    }
}

/// What is kept in the place of an original.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OriginalState {
    /// The original.
    Kept,
    /// Nothing.
    Missing,
    /// Something else.
    Altered,
}

/// Makes a file in a folder and removes it.
fn probe(folder: &Path) -> io::Result<()> {
    let made = tempfile::Builder::new().prefix(TEMPORARY).tempfile_in(folder);
    // The name of the file would say nothing to anybody.
    let bare = |error: io::Error| io::Error::from(error.kind());
    made.map_err(bare)?.close().map_err(bare)
}

/// Refuses a folder that nobody named where it is a link.
fn unlinked(folder: &Path) -> Result<(), WriteError> {
    let is_link = fs::symlink_metadata(folder).is_ok_and(|found| found.is_symlink());
    if is_link { Err(WriteError::Link(folder.to_owned())) } else { Ok(()) }
}
