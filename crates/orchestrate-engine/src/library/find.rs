//! Finding files by name over the levels of a library.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use orchestrate_core::diagnostic::Source;

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
    /// A file or folder.
    #[error("reading `{}`", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// A file is larger than anybody would write.
    #[error("`{}` is larger than {limit} bytes", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// What is allowed.
        limit: u64,
    },
    /// A file is not text.
    #[error("`{}` is not UTF-8 (first wrong byte at offset {offset})", path.display())]
    NotUtf8 {
        /// The file.
        path: PathBuf,
        /// Where it stops being text.
        offset: usize,
    },
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
    Disk(PathBuf),
    BuiltIn { name: &'static str, text: &'static str },
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
            found.insert(name, (level, Place::Disk(path)));
        }
    }
    Ok(found)
}

/// Files directly in `folder` whose stem is a slug; others, such as a README, are no entries.
fn files(folder: &Path, extensions: &[&str]) -> Result<Vec<(String, PathBuf)>, LibraryError> {
    let failed = |source| LibraryError::Read { path: folder.to_owned(), source };
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

/// Reads a file as a source, within `limit` bytes.
pub(crate) fn read_source(path: &Path, limit: u64) -> Result<Arc<Source>, LibraryError> {
    let failed = |source| LibraryError::Read { path: path.to_owned(), source };
    let size = fs::metadata(path).map_err(failed)?;
    if size.is_dir() {
        return Err(failed(io::Error::from(io::ErrorKind::IsADirectory)));
    }
    if size.len() > limit {
        return Err(LibraryError::TooLarge { path: path.to_owned(), limit });
    }
    let bytes = fs::read(path).map_err(failed)?;
    let text = String::from_utf8(bytes).map_err(|error| LibraryError::NotUtf8 {
        path: path.to_owned(),
        offset: error.utf8_error().valid_up_to(),
    })?;
    Ok(Source::new(path.display().to_string(), text))
}

impl Place {
    pub(super) fn source(
        &self,
        kind: &str,
        extension: &str,
        limit: u64,
    ) -> Result<Arc<Source>, LibraryError> {
        match self {
            Self::Disk(path) => read_source(path, limit),
            Self::BuiltIn { name, text } => {
                Ok(Source::new(format!("built-in:{kind}/{name}.{extension}"), *text))
            }
        }
    }
}
