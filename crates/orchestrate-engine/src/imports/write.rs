//! Writing one file whole or not at all, and never over another one by accident.

use std::{
    fs,
    io::{self, Write as _},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

/// What the names of unfinished files begin with.
pub(super) const TEMPORARY: &str = ".orchestrate-";

/// What happens to a file that is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// It stays, and nothing is written.
    Stays,
    /// It is replaced.
    Replaced,
}

/// A file that cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The system refuses.
    #[error("writing `{}`", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// There is such a file.
    #[error("`{}` is there already", .0.display())]
    Exists(PathBuf),
    /// Something else lies where a folder is to be.
    #[error("`{}` is not a folder", .0.display())]
    NotAFolder(PathBuf),
    /// A folder that nobody named is a link, which may lead anywhere.
    #[error("`{}` is a link, which is not followed", .0.display())]
    Link(PathBuf),
}

impl WriteError {
    /// What to do about it.
    pub fn help(&self) -> Option<&'static str> {
        match self {
            Self::Io { .. } => None,
            Self::Exists(_) => Some("name another file, or remove that one"),
            Self::NotAFolder(_) | Self::Link(_) => Some("put a folder in its place"),
        }
    }
}

/// Writes to a temporary file beside `path` and renames it, so that nobody ever sees half of it. Missing
/// folders are made. A link in the place of the file is replaced and not followed.
pub fn write_whole(path: &Path, content: &[u8], existing: Existing) -> Result<(), WriteError> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let failed = |source| WriteError::Io { path: path.to_owned(), source };
    fs::create_dir_all(folder)
        .map_err(|source| WriteError::Io { path: folder.to_owned(), source })?;
    let mut temporary =
        tempfile::Builder::new().prefix(TEMPORARY).tempfile_in(folder).map_err(failed)?;
    temporary.write_all(content).map_err(failed)?;
    // Readable like any file the user makes, and a replaced one keeps who may read it.
    let mode = match fs::symlink_metadata(path) {
        Ok(found) if found.is_file() && existing == Existing::Replaced => {
            found.permissions().mode()
        }
        _ => 0o644,
    };
    let permissions = fs::Permissions::from_mode(mode & 0o777);
    temporary.as_file().set_permissions(permissions).map_err(failed)?;
    match existing {
        Existing::Replaced => temporary.persist(path).map_err(|error| failed(error.error))?,
        Existing::Stays => temporary.persist_noclobber(path).map_err(|error| {
            if error.error.kind() == io::ErrorKind::AlreadyExists {
                WriteError::Exists(path.to_owned())
            } else {
                failed(error.error)
            }
        })?,
    };
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_there_stays_unless_it_is_to_be_replaced() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a/b.md");
        write_whole(&path, b"one", Existing::Stays).expect("written");
        let again = write_whole(&path, b"two", Existing::Stays);
        assert!(matches!(again, Err(WriteError::Exists(_))), "{again:?}");
        assert_eq!(fs::read(&path).expect("readable"), b"one");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("ours");
        write_whole(&path, b"two", Existing::Replaced).expect("written");
        assert_eq!(fs::read(&path).expect("readable"), b"two");
        let mode = fs::metadata(&path).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "who may read it is the owner's choice");
        let left = fs::read_dir(folder.path().join("a")).expect("readable").count();
        assert_eq!(left, 1, "nothing unfinished stays behind");
    }
}
