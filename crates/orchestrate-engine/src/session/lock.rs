//! `personas.lock` of the project: what runs may use, byte for byte.

use std::path::{Path, PathBuf};

use orchestrate_core::diagnostic::{Diagnostic, Source};
use orchestrate_persona::lockfile::{
    LOCK_FILE, Lock, LockedPersona, MAX_LOCK_BYTES, Mismatch, PersonaSource, Sha256,
};

use super::{SetupError, Workspace};
use crate::{
    imports::{Existing, WriteError, write_whole},
    library::{FoundPersona, Level, LibraryError, read_text_within},
};

/// The lock file of a project, whether it is there or not.
pub fn lock_path(workspace: &Workspace) -> PathBuf {
    workspace.folder.join(LOCK_FILE)
}

/// Reads the project's lock; `None` where there is none.
pub fn read_lock(workspace: &Workspace) -> Result<Option<Lock>, SetupError> {
    let Some(source) = source(workspace)? else { return Ok(None) };
    let (lock, diagnostics) = Lock::parse(&source);
    lock.map(Some).ok_or(SetupError::Invalid(diagnostics))
}

/// Like [`read_lock`], to be written anew: what cannot be understood is given up, unless a newer program
/// wrote it. Tells what was given up.
pub fn read_lock_to_update(workspace: &Workspace) -> Result<(Lock, Vec<Diagnostic>), SetupError> {
    match read_lock(workspace) {
        Ok(lock) => Ok((lock.unwrap_or_default(), Vec::new())),
        Err(SetupError::Invalid(diagnostics))
            if diagnostics.iter().all(|found| found.code != "unknown-version") =>
        {
            let message = format!("{LOCK_FILE} could not be read and is written anew");
            Ok((Lock::default(), vec![Diagnostic::warning("lock-written-anew", message)]))
        }
        Err(error) => Err(error),
    }
}

/// Writes the project's lock, whole or not at all.
pub fn write_lock(workspace: &Workspace, lock: &Lock) -> Result<(), WriteError> {
    write_whole(&lock_path(workspace), lock.render().as_bytes(), Existing::Replaced)
}

/// A persona as it would be locked now.
pub fn as_locked(workspace: &Workspace, found: &FoundPersona) -> LockedPersona {
    let extra = found.persona.as_ref().map(|persona| &persona.extra);
    let licence = extra.and_then(|extra| extra.get("licence").or_else(|| extra.get("license")));
    LockedPersona {
        name: found.name.clone(),
        source: origin(&workspace.folder, found),
        licence: licence.cloned(),
        sha256: Sha256::of(found.source.text.as_bytes()),
    }
}

/// Holds the personas in use against the lock, where there is one. Those that only lie elsewhere are
/// warnings.
pub(super) fn verify(
    workspace: &Workspace,
    used: &[LockedPersona],
) -> Result<Vec<Diagnostic>, SetupError> {
    let Some(lock) = read_lock(workspace)? else { return Ok(Vec::new()) };
    let (refused, moved): (Vec<Mismatch>, Vec<Mismatch>) =
        lock.verify(used).into_iter().partition(Mismatch::refuses);
    if !refused.is_empty() {
        return Err(SetupError::NotAsLocked(refused));
    }
    Ok(moved.iter().map(|found| Diagnostic::warning("persona-moved", found.to_string())).collect())
}

/// The lock with the personas in use as they are now, where that changes anything.
pub(super) fn updated(
    workspace: &Workspace,
    used: &[LockedPersona],
) -> Result<(Lock, Vec<Diagnostic>), SetupError> {
    let (mut lock, given_up) = read_lock_to_update(workspace)?;
    lock.update(used);
    Ok((lock, given_up))
}

fn source(workspace: &Workspace) -> Result<Option<std::sync::Arc<Source>>, SetupError> {
    let path = lock_path(workspace);
    match read_text_within(&workspace.folder, &path, MAX_LOCK_BYTES as u64) {
        Ok(text) => Ok(Some(Source::new(path.display().to_string(), text))),
        Err(error) if error.is_missing() && !dangling(&path) => Ok(None),
        Err(error) => Err(LibraryError::from(error).into()),
    }
}

/// A link to nothing is no reason to go without a lock.
fn dangling(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

fn origin(folder: &Path, found: &FoundPersona) -> PersonaSource {
    let Some(path) = &found.path else { return PersonaSource::BuiltIn };
    match path.strip_prefix(folder) {
        Ok(below) => PersonaSource::Path(below.to_string_lossy().replace('\\', "/")),
        // The file is shared with others, whose folders are called otherwise.
        Err(_) if found.level == Level::User => {
            PersonaSource::Path(format!("user:{}.md", found.name))
        }
        Err(_) => PersonaSource::Path(path.display().to_string()),
    }
}
