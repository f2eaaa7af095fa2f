//! Finding files by name over the levels of a library.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use orchestrate_core::diagnostic::Source;

use super::read::{ReadError, read_text, read_text_within};
use crate::home::Home;

/// Where something was found; an earlier level hides the same name in a later one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Below the current folder.
    Project,
    /// In the user's config folder.
    User,
    /// Inside the program.
    BuiltIn,
}

impl Level {
    /// The word for people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Project => "project",
            Self::User => "user",
            Self::BuiltIn => "built in",
        }
    }
}

/// A library that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LibraryError {
    /// A folder cannot be listed.
    #[error("reading `{}`", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// A file cannot be read.
    #[error(transparent)]
    File(#[from] ReadError),
    /// One level has a name twice.
    #[error("`{name}` stands in two places: `{}` and `{}`", first.display(), second.display())]
    Twice {
        /// The name.
        name: String,
        /// One place.
        first: PathBuf,
        /// The other.
        second: PathBuf,
    },
}

/// Where a named file is.
#[derive(Debug, Clone)]
pub(super) enum Place {
    /// The user's own file, wherever it really is.
    Own(PathBuf),
    /// A file of the workspace, which must not lie elsewhere.
    Found {
        path: PathBuf,
        workspace: PathBuf,
    },
    BuiltIn {
        name: &'static str,
        text: &'static str,
    },
}

/// The files of one kind, by name.
pub(super) fn survey(
    kind: &str,
    extensions: &[&str],
    workspace: &Path,
    home: &Home,
    built_in: Vec<(&'static str, &'static str)>,
) -> Result<BTreeMap<String, (Level, Place)>, LibraryError> {
    let mut found: BTreeMap<String, (Level, Place)> = built_in
        .into_iter()
        .map(|(name, text)| (name.to_owned(), (Level::BuiltIn, Place::BuiltIn { name, text })))
        .collect();
    let levels = [
        (Level::User, vec![home.config_folder().join(kind)]),
        (Level::Project, vec![workspace.join(kind), workspace.join(".orchestrate").join(kind)]),
    ];
    for (level, folders) in levels {
        let mut here: BTreeMap<String, PathBuf> = BTreeMap::new();
        for folder in folders {
            for (name, path) in files(&folder, extensions)? {
                if let Some(first) = here.get(&name) {
                    return Err(LibraryError::Twice { name, first: first.clone(), second: path });
                }
                here.insert(name, path);
            }
        }
        for (name, path) in here {
            let place = match level {
                Level::Project => Place::Found { path, workspace: workspace.to_owned() },
                Level::User | Level::BuiltIn => Place::Own(path),
            };
            found.insert(name, (level, place));
        }
    }
    Ok(found)
}

/// Files directly in `folder` whose stem is a slug; others, such as a README, are no entries.
fn files(folder: &Path, extensions: &[&str]) -> Result<Vec<(String, PathBuf)>, LibraryError> {
    let failed = |source| LibraryError::Folder { path: folder.to_owned(), source };
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error)
            if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) =>
        {
            return Ok(Vec::new());
        }
        Err(error) => return Err(failed(error)),
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.map_err(failed)?.path();
        let wanted = path
            .extension()
            .and_then(|found| found.to_str())
            .is_some_and(|found| extensions.contains(&found));
        let Some(stem) = path.file_stem().and_then(|stem| stem.to_str()).filter(|_| wanted) else {
            continue;
        };
        if is_slug(stem) && path.is_file() {
            found.push((stem.to_owned(), path));
        }
    }
    found.sort();
    Ok(found)
}

/// `^[a-z0-9]+([-_][a-z0-9]+)*$`.
fn is_slug(text: &str) -> bool {
    !text.is_empty()
        && text.split(['-', '_']).all(|part| {
            !part.is_empty()
                && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        })
}

/// Reads a file that the user named as a source, within `limit` bytes.
pub(super) fn read_source(path: &Path, limit: u64) -> Result<Arc<Source>, LibraryError> {
    Ok(Source::new(path.display().to_string(), read_text(path, limit)?))
}

impl Place {
    /// Where it lies on disk.
    pub(super) fn path(&self) -> Option<&Path> {
        match self {
            Self::Own(path) | Self::Found { path, .. } => Some(path),
            Self::BuiltIn { .. } => None,
        }
    }

    pub(super) fn source(
        &self,
        kind: &str,
        extension: &str,
        limit: u64,
    ) -> Result<Arc<Source>, LibraryError> {
        match self {
            Self::Own(path) => read_source(path, limit),
            Self::Found { path, workspace } => {
                let text = read_text_within(workspace, path, limit)?;
                Ok(Source::new(path.display().to_string(), text))
            }
            Self::BuiltIn { name, text } => {
                Ok(Source::new(format!("built-in:{kind}/{name}.{extension}"), *text))
            }
        }
    }
}
