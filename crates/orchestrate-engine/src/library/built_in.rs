//! The personas and workflows inside the binary.

use include_dir::{Dir, include_dir};

static PERSONAS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../personas");
static WORKFLOWS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../workflows");

/// Name and text of every built-in persona, in the order of names.
pub(super) fn personas() -> Vec<(&'static str, &'static str)> {
    files(&PERSONAS, "md")
}

/// The tests of a built-in workflow.
pub(crate) fn tests_of(name: &str) -> Option<&'static str> {
    WORKFLOWS.get_file(format!("{name}.test.yaml"))?.contents_utf8()
}

/// Name and text of every built-in workflow, in the order of names.
pub(super) fn workflows() -> Vec<(&'static str, &'static str)> {
    files(&WORKFLOWS, "yaml").into_iter().filter(|(name, _)| !name.contains('.')).collect()
}

fn files(folder: &'static Dir<'static>, extension: &str) -> Vec<(&'static str, &'static str)> {
    let mut found: Vec<_> = folder
        .files()
        .filter(|file| file.path().extension().is_some_and(|found| found == extension))
        .filter_map(|file| Some((file.path().file_stem()?.to_str()?, file.contents_utf8()?)))
        .collect();
    found.sort_unstable();
    found
}
