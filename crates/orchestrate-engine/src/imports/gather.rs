//! Which files are meant by the words of a command line: files, folders and glob patterns.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Component, Path, PathBuf},
};

use globset::{GlobBuilder, GlobMatcher};

/// The most files that one command looks at.
pub const MAX_FILES: usize = 100_000;

/// The deepest folder that is looked into, counted from the one that was named.
const MAX_DEPTH: usize = 24;

/// Folders of other people's code; what lies there was not written for this project.
const VENDORED: &[&str] = &[
    "node_modules",
    "bower_components",
    "vendor",
    "third_party",
    "target",
    "__pycache__",
    "site-packages",
    "venv",
];

/// The files that were meant, and what was passed over on the way to them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Gathered {
    /// The files, each once, in the order of the words and of their names.
    pub files: Vec<PathBuf>,
    /// What was passed over.
    pub skipped: Vec<Skipped>,
}

/// Something that was passed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// The file or folder.
    pub path: PathBuf,
    /// Why.
    pub why: Skip,
}

/// Why something was passed over.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Skip {
    /// Its name begins with a dot.
    Hidden,
    /// It is a folder of other people's code.
    Vendored,
    /// It is a link; what it leads to is found in its own place.
    Link,
    /// It is a pipe, a device or a socket.
    NotRegular,
    /// Its name does not end like that of a file that is looked for.
    OtherKind,
    /// The library does not take it for a persona, by its place or its name.
    NoEntry,
    /// It is what an earlier import has written.
    Output,
    /// It is a workflow beside the folder that is written to.
    Workflow,
    /// It lies too deep.
    TooDeep,
    /// The system refuses.
    Unreadable(String),
}

impl Skip {
    /// The reason in a few words, to go with a count or a path.
    pub fn reason(&self) -> &str {
        match self {
            Self::Hidden => "hidden",
            Self::Vendored => "of other people's code",
            Self::Link => "a link",
            Self::NotRegular => "no regular file",
            Self::OtherKind => "of another kind",
            Self::NoEntry => "no persona by its place or name",
            Self::Output => "written by an import",
            Self::Workflow => "a workflow",
            Self::TooDeep => "too deep",
            Self::Unreadable(_) => "not readable",
        }
    }
}

/// Words that mean no files.
#[derive(Debug, thiserror::Error)]
pub enum GatherError {
    /// There is no such file.
    #[error("`{0}` does not exist")]
    Missing(String),
    /// The system refuses.
    #[error("reading `{}`", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// No pattern.
    #[error("`{word}` is no pattern")]
    Pattern {
        /// What was given.
        word: String,
        /// What is wrong with it.
        #[source]
        source: globset::Error,
    },
    /// No file matches.
    #[error("no file matches `{0}`")]
    NoMatch(String),
    /// More than anybody means.
    #[error("more than {MAX_FILES} files")]
    TooMany,
}

impl GatherError {
    /// What to do about it.
    pub fn help(&self) -> Option<&'static str> {
        match self {
            Self::Missing(_) => Some("is the path right? it starts from the folder you are in"),
            Self::NoMatch(_) => {
                Some("`*` stays in one folder, `**` goes through all below; hidden ones are named")
            }
            Self::TooMany => Some("name the folders that hold personas"),
            Self::Io { .. } | Self::Pattern { .. } => None,
        }
    }
}

/// Finds the files that `words` mean. A word that is a path is taken as it is, a folder is walked for
/// files whose names end in one of `endings`, and what is neither is a glob pattern.
pub fn gather(words: &[String], endings: &[&str]) -> Result<Gathered, GatherError> {
    let mut walk =
        Walk { endings, pattern: None, seen: BTreeSet::new(), found: Gathered::default() };
    for word in words {
        let path = Path::new(word);
        // A walk from here names what it finds without a `./`.
        let plain = path.strip_prefix(".").unwrap_or(path);
        walk.pattern = None;
        match fs::metadata(path) {
            Ok(found) if found.is_dir() => {
                walk.folder(plain, 0)?;
            }
            // What is no regular file is refused when it is read, by its name.
            Ok(_) => walk.keep(plain.to_owned())?,
            Err(_) if is_pattern(word) => walk.glob(word)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(GatherError::Missing(word.clone()));
            }
            Err(source) => return Err(GatherError::Io { path: path.to_owned(), source }),
        }
    }
    Ok(walk.found)
}

fn is_pattern(word: &str) -> bool {
    word.contains(['*', '?', '[', '{'])
}

struct Walk<'e> {
    endings: &'e [&'e str],
    pattern: Option<GlobMatcher>,
    seen: BTreeSet<PathBuf>,
    found: Gathered,
}

impl Walk<'_> {
    fn glob(&mut self, word: &str) -> Result<(), GatherError> {
        let word = word.trim_start_matches("./");
        let pattern = GlobBuilder::new(word)
            .literal_separator(true)
            .build()
            .map_err(|source| GatherError::Pattern { word: word.to_owned(), source })?;
        self.pattern = Some(pattern.compile_matcher());
        let base: PathBuf = Path::new(word)
            .components()
            .take_while(|part| {
                !matches!(part, Component::Normal(name) if is_pattern(&name.to_string_lossy()))
            })
            .collect();
        let before = self.found.files.len();
        if base.is_dir() || base.as_os_str().is_empty() {
            self.folder(&base, 0)?;
        }
        if self.found.files.len() == before {
            return Err(GatherError::NoMatch(word.to_owned()));
        }
        Ok(())
    }

    /// Walks a folder. A folder below that cannot be listed is passed over and told.
    fn folder(&mut self, folder: &Path, depth: usize) -> Result<(), GatherError> {
        let here = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        let entries = fs::read_dir(here).and_then(Iterator::collect::<io::Result<Vec<_>>>);
        let mut entries = match entries {
            Ok(entries) => entries,
            Err(source) if depth == 0 => {
                return Err(GatherError::Io { path: here.to_owned(), source });
            }
            Err(error) => {
                self.skip(here.to_owned(), Skip::Unreadable(error.to_string()));
                return Ok(());
            }
        };
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            let path = folder.join(entry.file_name());
            let kind = match entry.file_type() {
                Ok(kind) => kind,
                Err(error) => {
                    self.skip(path, Skip::Unreadable(error.to_string()));
                    continue;
                }
            };
            if kind.is_symlink() {
                self.skip(path, Skip::Link);
            } else if name.starts_with('.') {
                self.skip(path, Skip::Hidden);
            } else if kind.is_dir() && VENDORED.contains(&&*name) {
                self.skip(path, Skip::Vendored);
            } else if kind.is_dir() && depth + 1 > MAX_DEPTH {
                self.skip(path, Skip::TooDeep);
            } else if kind.is_dir() {
                self.folder(&path, depth + 1)?;
            } else if !kind.is_file() {
                self.skip(path, Skip::NotRegular);
            } else if let Some(pattern) = &self.pattern {
                if pattern.is_match(&path) {
                    self.keep(path)?;
                }
            } else if self.endings.iter().any(|ending| name.to_lowercase().ends_with(ending)) {
                self.keep(path)?;
            } else {
                self.skip(path, Skip::OtherKind);
            }
            if self.found.skipped.len() > MAX_FILES {
                return Err(GatherError::TooMany);
            }
        }
        Ok(())
    }

    fn skip(&mut self, path: PathBuf, why: Skip) {
        self.found.skipped.push(Skipped { path, why });
    }

    /// Keeps a file once, however many words mean it.
    fn keep(&mut self, path: PathBuf) -> Result<(), GatherError> {
        let real = path.canonicalize().unwrap_or_else(|_| path.clone());
        if self.seen.insert(real) {
            self.found.files.push(path);
        }
        if self.found.files.len() > MAX_FILES { Err(GatherError::TooMany) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(files: &[&str]) -> tempfile::TempDir {
        let root = tempfile::tempdir().expect("a folder");
        for file in files {
            let path = root.path().join(file);
            fs::create_dir_all(path.parent().expect("below the root")).expect("a folder");
            fs::write(path, "x").expect("written");
        }
        root
    }

    fn gathered(root: &Path, words: &[&str]) -> (Vec<String>, Vec<String>) {
        let words: Vec<String> =
            words.iter().map(|word| root.join(word).display().to_string()).collect();
        let found = gather(&words, &[".md"]).expect("found");
        let below = |path: &Path| path.strip_prefix(root).expect("below").display().to_string();
        let skipped = found
            .skipped
            .iter()
            .map(|skipped| format!("{} {}", below(&skipped.path), skipped.why.reason()));
        (found.files.iter().map(|file| below(file)).collect(), skipped.collect())
    }

    #[test]
    fn a_folder_is_walked_in_order_and_what_is_passed_over_is_told() {
        let root = place(&["b/z.md", "a.md", "b/.git/x.md", "node_modules/y.md", "b/c.rs"]);
        std::os::unix::fs::symlink("a.md", root.path().join("link.md")).expect("a link");
        let (files, skipped) = gathered(root.path(), &[""]);
        assert_eq!(files, ["a.md", "b/z.md"]);
        assert_eq!(
            skipped,
            [
                "b/.git hidden",
                "b/c.rs of another kind",
                "link.md a link",
                "node_modules of other people's code",
            ]
        );
    }

    #[test]
    fn a_hidden_folder_that_is_named_is_walked_and_each_file_comes_once() {
        let root = place(&[".claude/agents/x.md", ".claude/agents/y.txt"]);
        let (files, _) =
            gathered(root.path(), &[".claude", ".claude/agents/x.md", ".claude/agents/y.txt"]);
        assert_eq!(files, [".claude/agents/x.md", ".claude/agents/y.txt"]);
    }

    #[test]
    fn one_star_stays_in_its_folder_and_two_go_through_all() {
        let root = place(&["a/x.md", "a/b/y.md", "a/b/z.txt"]);
        assert_eq!(gathered(root.path(), &["a/*.md"]).0, ["a/x.md"]);
        assert_eq!(gathered(root.path(), &["a/**/*.{md,txt}"]).0.len(), 3);
    }

    #[test]
    fn words_that_mean_nothing_are_errors() {
        let root = place(&["a/x.md"]);
        let of = |word: &str| gather(&[root.path().join(word).display().to_string()], &[".md"]);
        assert!(matches!(of("b.md"), Err(GatherError::Missing(_))));
        assert!(matches!(of("a/*.txt"), Err(GatherError::NoMatch(_))));
        assert!(matches!(of("a/[x.md"), Err(GatherError::Pattern { .. })));
    }
}
