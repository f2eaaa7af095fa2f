//! Files of other runs in an output folder that was used before.

use std::{collections::BTreeSet, fs, path::Path};

use super::RunRecord;

/// Files looked at in a folder at most; a folder with more of them is not one of ours.
const MOST: usize = 10_000;

/// Files in `folder` that an earlier run has written and this one has not, by name: numbered deliverables, and
/// those of this workflow's own steps that are not finished. Files of any other kind are the user's.
pub fn leftovers(record: &RunRecord, folder: &Path) -> Vec<String> {
    let written: BTreeSet<&str> =
        record.summary.artifacts.iter().map(|artifact| artifact.path.as_str()).collect();
    let listed = fs::read_dir(folder).into_iter().flatten().take(MOST).flatten();
    let numbered = listed
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| is_numbered(name));
    let saved = record.plan.steps().iter().filter_map(|step| step.save.clone());
    let found: BTreeSet<String> = numbered
        .chain(saved)
        .filter(|name| !written.contains(name.as_str()) && folder.join(name).is_file())
        .collect();
    found.into_iter().collect()
}

/// Whether a name is that of a numbered deliverable, such as `1-data.md`.
fn is_numbered(name: &str) -> bool {
    let Some((number, step)) = name.strip_suffix(".md").and_then(|name| name.split_once('-'))
    else {
        return false;
    };
    let is_step = step.starts_with(|c: char| c.is_ascii_lowercase())
        && step.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_".contains(&b));
    is_step && matches!(number.len(), 1..=4) && number.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_numbered_deliverable_is_told_from_the_users_own_files() {
        for name in ["1-data.md", "07-final_report.md"] {
            assert!(is_numbered(name), "{name}");
        }
        for name in ["report.md", "1-Data.md", "2024-01-02.md", "x-data.md", "1-data.txt", "1-.md"]
        {
            assert!(!is_numbered(name), "{name}");
        }
    }
}
