//! Reading files that somebody else wrote: regular ones only, within a limit, and a project's own only
//! from inside the workspace.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

/// A file that cannot be read as text.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The system refuses.
    #[error("reading `{}`", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// A folder.
    #[error("`{}` is a folder, not a file", .0.display())]
    Folder(PathBuf),
    /// A pipe, a device or a socket, which may have no end.
    #[error("`{}` is no regular file", .0.display())]
    NotRegular(PathBuf),
    /// Larger than anybody would write.
    #[error("`{}` is larger than {}", path.display(), size(*limit))]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// What is allowed, in bytes.
        limit: u64,
    },
    /// Not text.
    #[error("`{}` is not UTF-8 (first wrong byte at offset {offset})", path.display())]
    NotUtf8 {
        /// The file.
        path: PathBuf,
        /// Where it stops being text.
        offset: usize,
    },
    /// A link in the workspace that leads out of it.
    #[error("`{}` is a link to `{}`, outside the workspace", path.display(), target.display())]
    Outside {
        /// The link.
        path: PathBuf,
        /// Where it leads.
        target: PathBuf,
    },
}

impl ReadError {
    /// Whether there is no such file.
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::Io { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }

    /// What to do about it.
    pub fn help(&self) -> Option<&'static str> {
        match self {
            Self::Io { .. } if self.is_missing() => {
                Some("is the path right? it starts from the folder you are in")
            }
            Self::Io { .. } => None,
            Self::Folder(_) => Some("name a file in it"),
            Self::NotRegular(_) => Some("save its content as a file first"),
            Self::TooLarge { .. } => Some("shorten it, or keep only the part that matters"),
            Self::NotUtf8 { .. } => Some("save the file as UTF-8"),
            Self::Outside { .. } => Some("put a copy of the file in the place of the link"),
        }
    }
}

/// Reads a text of at most `limit` bytes from a regular file, wherever it is.
pub fn read_text(path: &Path, limit: u64) -> Result<String, ReadError> {
    let bytes = read_bytes(path, limit)?;
    String::from_utf8(bytes).map_err(|error| ReadError::NotUtf8 {
        path: path.to_owned(),
        offset: error.utf8_error().valid_up_to(),
    })
}

/// Reads at most `limit` bytes from a regular file, wherever it is.
pub fn read_bytes(path: &Path, limit: u64) -> Result<Vec<u8>, ReadError> {
    let failed = |source| ReadError::Io { path: path.to_owned(), source };
    let file = open(path).map_err(failed)?;
    let found = file.metadata().map_err(failed)?;
    if found.is_dir() {
        return Err(ReadError::Folder(path.to_owned()));
    }
    if !found.is_file() {
        return Err(ReadError::NotRegular(path.to_owned()));
    }
    let mut bytes = Vec::new();
    // The file may grow while it is read.
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > limit {
        return Err(ReadError::TooLarge { path: path.to_owned(), limit });
    }
    Ok(bytes)
}

/// Like [`read_text`], for a file found in a workspace: a link must not lead out of it.
pub(crate) fn read_text_within(
    folder: &Path,
    path: &Path,
    limit: u64,
) -> Result<String, ReadError> {
    inside(folder, path)?;
    read_text(path, limit)
}

/// Like [`read_bytes`], for a file found in a workspace: a link must not lead out of it.
pub fn read_bytes_within(folder: &Path, path: &Path, limit: u64) -> Result<Vec<u8>, ReadError> {
    inside(folder, path)?;
    read_bytes(path, limit)
}

fn inside(folder: &Path, path: &Path) -> Result<(), ReadError> {
    let failed = |source| ReadError::Io { path: path.to_owned(), source };
    let target = path.canonicalize().map_err(failed)?;
    if target.starts_with(folder.canonicalize().map_err(failed)?) {
        Ok(())
    } else {
        Err(ReadError::Outside { path: path.to_owned(), target })
    }
}

/// Opens without waiting: a pipe that nobody writes to would hold us for ever.
fn open(path: &Path) -> io::Result<File> {
    let without_waiting = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
    OpenOptions::new().read(true).custom_flags(without_waiting).open(path)
}

/// A limit as people say it.
fn size(bytes: u64) -> String {
    match bytes {
        _ if bytes >= 1 << 20 && bytes.is_multiple_of(1 << 20) => format!("{} MiB", bytes >> 20),
        _ if bytes >= 1 << 10 && bytes.is_multiple_of(1 << 10) => format!("{} KiB", bytes >> 10),
        _ => format!("{bytes} bytes"),
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink};

    use super::*;

    #[test]
    fn only_a_regular_file_within_the_limit_is_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("a");
        fs::write(&file, "four").expect("written");
        assert_eq!(read_text(&file, 4).expect("short enough"), "four");
        assert!(matches!(read_text(&file, 3), Err(ReadError::TooLarge { limit: 3, .. })));
        assert!(matches!(read_text(folder.path(), 4), Err(ReadError::Folder(_))));
        assert!(matches!(read_text(Path::new("/dev/zero"), 4), Err(ReadError::NotRegular(_))));
        let pipe = folder.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status().expect("a program");
        assert!(made.success());
        assert!(matches!(read_text(&pipe, 4), Err(ReadError::NotRegular(_))));
        assert!(read_text(&folder.path().join("b"), 4).expect_err("nothing").is_missing());
    }

    #[test]
    fn a_link_that_stays_in_the_workspace_is_followed_and_another_is_not() {
        let root = tempfile::tempdir().expect("a folder");
        let work = root.path().join("work");
        fs::create_dir(&work).expect("a folder");
        fs::write(work.join("a"), "in").expect("written");
        fs::write(root.path().join("secret"), "out").expect("written");
        symlink("a", work.join("near")).expect("a link");
        symlink("../secret", work.join("far")).expect("a link");
        assert_eq!(read_text_within(&work, &work.join("near"), 9).expect("inside"), "in");
        let error = read_text_within(&work, &work.join("far"), 9).expect_err("outside");
        assert!(matches!(error, ReadError::Outside { .. }), "{error}");
    }
}
