//! Which test files are meant.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use orchestrate_core::diagnostic::Source;

use crate::{
    library::{LibraryError, ReadError, built_in_tests, read_text, read_text_within},
    session::Workspace,
};

/// A test file that was found.
#[derive(Debug)]
pub struct FoundTests {
    /// Its text, under the name that people know it by.
    pub source: Arc<Source>,
    /// Where it lies; nowhere where it is built in.
    pub path: Option<PathBuf>,
    /// The workflow's name, where the file's own name says it.
    pub workflow: Option<String>,
}

/// The longest test file.
const LIMIT: u64 = orchestrate_workflow::MAX_SOURCE_BYTES as u64;

/// The name without the ending of test files.
fn stem(path: &Path) -> Option<&str> {
    let name = path.file_name()?.to_str()?;
    [".test.yaml", ".test.yml"].iter().find_map(|ending| name.strip_suffix(ending))
}

/// Whether a file is one of tests by its name: `x.test.yaml`.
pub fn is_test_file(path: &Path) -> bool {
    stem(path).is_some_and(|stem| !stem.is_empty())
}

/// The test files of files, folders and names of workflows; without any, those of the project's workflow
/// folders.
pub fn find_tests(
    workspace: &Workspace,
    given: &[String],
) -> Result<Vec<FoundTests>, LibraryError> {
    let mut found = Vec::new();
    if given.is_empty() {
        for folder in ["workflows", ".orchestrate/workflows"] {
            for path in in_folder(Path::new(folder))? {
                let text =
                    read_text_within(&workspace.folder, &workspace.folder.join(&path), LIMIT)?;
                found.push(of_file(path, text));
            }
        }
        return Ok(found);
    }
    for word in given {
        let path = Path::new(word);
        if path.is_dir() {
            for path in in_folder(path)? {
                let text = read_text(&path, LIMIT)?;
                found.push(of_file(path, text));
            }
        } else if let Some(tests) = of_workflow(workspace, word)? {
            found.push(tests);
        } else {
            let text = read_text(path, LIMIT)?;
            found.push(of_file(path.to_owned(), text));
        }
    }
    Ok(found)
}

fn of_file(path: PathBuf, text: String) -> FoundTests {
    FoundTests {
        source: Source::new(path.display().to_string(), text),
        workflow: stem(&path).map(str::to_owned),
        path: Some(path),
    }
}

/// The tests beside the workflow of this name.
fn of_workflow(workspace: &Workspace, name: &str) -> Result<Option<FoundTests>, LibraryError> {
    let Some((_, place)) = workspace.workflows.place(name) else { return Ok(None) };
    let Some(place) = place else {
        let text = built_in_tests(name);
        return Ok(text.map(|text| FoundTests {
            source: Source::new(format!("built-in:workflows/{name}.test.yaml"), text),
            path: None,
            workflow: Some(name.to_owned()),
        }));
    };
    let path = place.with_extension("test.yaml");
    match read_text(&path, LIMIT) {
        Ok(text) => {
            let below = path.strip_prefix(&workspace.folder).map(Path::to_owned);
            Ok(Some(of_file(below.unwrap_or(path), text)))
        }
        Err(error) => Err(error.into()),
    }
}

/// The test files directly in a folder, in the order of their names; none where there is no folder.
fn in_folder(folder: &Path) -> Result<Vec<PathBuf>, LibraryError> {
    let failed = |source| LibraryError::Folder { path: folder.to_owned(), source };
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(error)),
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.map_err(failed)?.path();
        if is_test_file(&path) && path.is_file() {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// Reads a file beside a test file; it must lie in the same folder or below.
pub(super) fn beside(folder: Option<&Path>, path: &str) -> Result<String, String> {
    let Some(folder) = folder else {
        return Err("tests that are built in have no files beside them".to_owned());
    };
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    read_text_within(folder, &folder.join(path), LIMIT).map_err(|error| match error {
        ReadError::Outside { target, .. } => {
            format!("`{path}` leads to `{}`, outside the test file's folder", target.display())
        }
        error => crate::session::told(&error),
    })
}
