//! What fuzzing began with and what it found, replayed without its toolchain.

use std::fs;

#[expect(unreachable_pub, reason = "in the other workspace it is a crate of its own")]
#[path = "../../../../fuzz/src/lib.rs"]
mod targets;

const FUZZ: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz");

/// A target by its name.
type Target = (&'static str, fn(&[u8]));

const TARGETS: &[Target] = &[
    ("import", targets::import),
    ("lint", targets::lint),
    ("read", targets::read),
    ("test_file", targets::test_file),
    ("workflow", targets::workflow),
];

/// The files of a folder below `fuzz`, sorted; none where there is no such folder.
#[expect(clippy::disallowed_methods, reason = "the test reads files of the repository")]
fn inputs(folder: &str) -> Vec<(String, Vec<u8>)> {
    let Ok(entries) = fs::read_dir(format!("{FUZZ}/{folder}")) else { return Vec::new() };
    let paths = entries.map(|entry| entry.expect("readable").path());
    let mut files: Vec<(String, Vec<u8>)> = paths
        .map(|path| (path.display().to_string(), fs::read(&path).expect("readable")))
        .collect();
    files.sort();
    files
}

#[test]
fn every_input_that_was_fuzzed_holds() {
    for (name, target) in TARGETS {
        let seeds = inputs(&format!("corpus/{name}"));
        assert!(seeds.len() >= 3, "fuzz/corpus/{name} has too few seeds");
        for (path, bytes) in seeds.into_iter().chain(inputs(&format!("artifacts/{name}"))) {
            let outcome = std::panic::catch_unwind(|| target(&bytes));
            assert!(outcome.is_ok(), "{path}");
        }
    }
}

#[test]
fn every_fuzz_target_is_replayed() {
    let names: Vec<String> = super::stems(&format!("{FUZZ}/fuzz_targets"), ".rs");
    assert_eq!(names, TARGETS.iter().map(|(name, _)| *name).collect::<Vec<_>>());
}
