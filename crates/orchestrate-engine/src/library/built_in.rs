//! The personas and workflows inside the binary.

use include_dir::{Dir, include_dir};

static PERSONAS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../personas");
static WORKFLOWS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../workflows");

/// Name and text of every built-in persona, in the order of names.
pub(super) fn personas() -> Vec<(&'static str, &'static str)> {
    files(&PERSONAS, "md")
}

/// Name and text of every built-in workflow, in the order of names.
pub(super) fn workflows() -> Vec<(&'static str, &'static str)> {
    files(&WORKFLOWS, "yaml")
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
