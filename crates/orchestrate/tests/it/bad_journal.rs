//! Journals that were changed, cut or written by another version.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::support::{Place, Server, TASK};

/// A place with one offline run, and its journal.
fn with_a_run() -> (Place, PathBuf) {
    let place = Place::new();
    place.good(&["run", "end-to-end-ml", "--task", TASK, "--offline"]);
    let journal = place.only_run().join("journal.db");
    (place, journal)
}

/// Replaces `text` in a file by bytes of the same length, left-overs in unused pages included.
fn overwrite(path: &Path, text: &str, with: &str) {
    assert_eq!(text.len(), with.len());
    let mut bytes = fs::read(path).unwrap();
    let places: Vec<usize> = bytes
        .windows(text.len())
        .enumerate()
        .filter_map(|(at, part)| (part == text.as_bytes()).then_some(at))
        .collect();
    assert!(!places.is_empty(), "{text} is not in the journal");
    for at in places {
        bytes[at..at + with.len()].copy_from_slice(with.as_bytes());
    }
    fs::write(path, bytes).unwrap();
}

#[test]
fn a_changed_event_ends_with_11_for_every_command_that_reads_it() {
    let (place, journal) = with_a_run();
    overwrite(&journal, "\"run_started\"", "\"run_stARted\"");
    let id = place.run_ids().remove(0);
    insta::assert_snapshot!(place.refused(&["runs", "show"]), @r"
    exit 11
    error: the journal `[ROOT]/home/state/runs/[RUN]/journal.db` is damaged: event 3 is missing or was changed
    help: nothing was changed; `run` the workflow again: every answer that can still be read is used again
    ");
    insta::assert_snapshot!(place.refused(&["resume", &id]), @r"
    exit 11
    error: the journal `[ROOT]/home/state/runs/[RUN]/journal.db` is damaged: event 3 is missing or was changed
    help: nothing was changed; `run` the workflow again: every answer that can still be read is used again
    ");
    insta::assert_snapshot!(place.refused(&["rerun", &id]), @r"
    exit 11
    error: the journal `[ROOT]/home/state/runs/[RUN]/journal.db` is damaged: event 3 is missing or was changed
    help: nothing was changed; `run` the workflow again: every answer that can still be read is used again
    ");
    insta::assert_snapshot!(place.refused(&["runs", "list"]), @r"
    exit 11
    warning: run [RUN]: the journal `[ROOT]/home/state/runs/[RUN]/journal.db` is damaged: event 3 is missing or was changed
    ");
}

#[test]
fn a_witness_that_is_ahead_of_the_journal_proves_a_loss() {
    let (place, _) = with_a_run();
    let witness = place.only_run().join("witness");
    let text = fs::read_to_string(&witness).unwrap();
    let (number, chain) = text.split_once(' ').unwrap();
    let ahead = number.parse::<u64>().unwrap() + 2;
    fs::write(&witness, format!("{ahead:020} {chain}")).unwrap();
    insta::assert_snapshot!(place.refused(&["runs", "show"]), @r"
    exit 11
    error: the journal `[ROOT]/home/state/runs/[RUN]/journal.db` is damaged: 2 recorded events are gone, the last one known is 25
    help: nothing was changed; `run` the workflow again: every answer that can still be read is used again
    ");
}

#[test]
fn a_run_without_its_witness_can_be_read() {
    let (place, _) = with_a_run();
    fs::remove_file(place.only_run().join("witness")).unwrap();
    place.good(&["runs", "show"]);
}

#[test]
fn a_file_that_is_no_journal_ends_with_11() {
    let (place, journal) = with_a_run();
    fs::write(&journal, "not a database, and long enough to be looked at as one\n".repeat(40))
        .unwrap();
    insta::assert_snapshot!(place.refused(&["runs", "show"]), @r"
    exit 11
    error: using the journal `[ROOT]/home/state/runs/[RUN]/journal.db`: file is not a database
    help: look at the disk and at the file's permissions; where the file itself is spoilt, `run` the workflow again
    ");
}

#[test]
fn a_journal_of_a_newer_version_is_left_alone() {
    let (place, journal) = with_a_run();
    let mut bytes = fs::read(&journal).unwrap();
    // The user version stands at offset 60, four bytes, the highest first.
    bytes[63] = 2;
    fs::write(&journal, &bytes).unwrap();
    insta::assert_snapshot!(place.refused(&["runs", "show"]), @r"
    exit 11
    error: the journal `[ROOT]/home/state/runs/[RUN]/journal.db` has format 2; this version reads up to 1
    help: use the version of orchestrate that wrote it
    ");
    assert_eq!(fs::read(&journal).unwrap(), bytes);
}

#[test]
fn one_damaged_run_does_not_hide_the_others() {
    let (place, journal) = with_a_run();
    overwrite(&journal, "\"run_started\"", "\"run_stARted\"");
    place.good(&["run", "data-infrastructure", "--task", "A lab", "--offline"]);
    let outcome = place.run(&["runs", "list"]);
    assert_eq!(outcome.code, Some(11));
    assert!(outcome.stdout.contains("data-infrastructure"), "{}", outcome.stdout);
}

#[test]
fn an_index_that_cannot_be_read_costs_reuse_and_nothing_else() {
    let server = Server::echo();
    let place = Place::beside(&server);
    let args = ["run", "end-to-end-ml", "--task", TASK, "--model", "openai:m"];
    let first = place.good(&args);
    fs::write(place.state().join("index.db"), "not a database ".repeat(100)).unwrap();
    let again = place.run(&args);
    assert_eq!((again.code, again.stdout), (Some(0), first), "{}", again.stderr);
}

#[test]
fn an_index_that_is_gone_is_made_anew_from_the_journals() {
    let server = Server::echo();
    let place = Place::beside(&server);
    let args = ["run", "end-to-end-ml", "--task", TASK, "--model", "openai:m"];
    place.good(&args);
    for file in ["index.db", "index.db-wal", "index.db-shm"] {
        // The last two may be gone already.
        let _ = fs::remove_file(place.state().join(file));
    }
    place.good(&args);
    assert_eq!(server.count(), 5);
}

#[test]
fn a_changed_document_ends_with_11() {
    let place = Place::new();
    place.good(&["run", "end-to-end-ml", "-t", TASK, "--offline"]);
    let journal = place.only_run().join("journal.db");
    let bytes = fs::read(&journal).unwrap();
    let (from, to) = (b"# Worksheet of the Data Engineer", b"# worksheet of the Data Engineer");
    let mut changed = bytes.clone();
    for at in 0..bytes.len() - from.len() {
        if bytes[at..].starts_with(from) {
            changed[at..at + to.len()].copy_from_slice(to);
        }
    }
    assert_ne!(bytes, changed);
    fs::write(&journal, changed).unwrap();
    let said = place.refused(&["runs", "show", "--result"]);
    assert!(said.starts_with("exit 11\n"), "{said}");
}

#[test]
fn the_advice_for_a_damaged_journal_can_be_followed() {
    let place = Place::new();
    place.good(&["run", "end-to-end-ml", "-t", TASK, "--offline"]);
    let id = place.run_ids().remove(0);
    fs::write(place.only_run().join("witness"), format!("{:020} {}\n", 99, "0".repeat(64)))
        .unwrap();
    let said = place.refused(&["runs", "show"]);
    if said.contains("`rerun`") {
        assert_eq!(place.run(&["rerun", &id]).code, Some(0), "{said}");
    }
}

#[test]
fn a_damaged_run_does_not_keep_an_unfinished_one_from_being_resumed() {
    let server = Server::echo();
    let place = Place::beside(&server);
    place.run(&["run", "end-to-end-ml", "-t", TASK, "-m", "openai:m", "--max-calls", "2"]);
    place.good(&["run", "data-infrastructure", "-t", "A lab", "--offline"]);
    let newest = place.state().join("runs").join(&place.run_ids()[1]);
    fs::write(newest.join("witness"), format!("{:020} {}\n", 99, "0".repeat(64))).unwrap();
    let resumed = place.run(&["resume", "--max-calls", "9"]);
    assert_eq!(resumed.code, Some(0), "{}", resumed.stderr);
}
