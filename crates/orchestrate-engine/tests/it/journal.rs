//! The journal: what it keeps, and what it notices.

use std::{fs, path::Path};

use orchestrate_core::{
    Timestamp,
    event::{Event, LossCause},
};
use orchestrate_engine::store::{Blob, Journal, RunLock, StoreError, read_journal};
use tempfile::TempDir;

use crate::support::{CHAIN, Place, Scripted};

fn note(at: u64) -> Event {
    Event::SessionOpened { epoch: at, program: "test".into() }
}

/// The folder of a finished run.
fn finished_run() -> (Place, std::path::PathBuf) {
    let place = Place::new();
    let provider = Scripted::echo();
    let finished = place.run(&place.setup(CHAIN, "t", &provider)).expect("finished");
    let id = finished.record.summary.run.clone().expect("an id");
    let folder = place.home().run(&id);
    (place, folder)
}

fn change(folder: &Path, statement: &str) {
    let journal = rusqlite::Connection::open(folder.join("journal.db")).expect("opened");
    journal.execute(statement, []).expect("changed");
}

fn damage(folder: &Path) -> String {
    match read_journal(folder) {
        Err(StoreError::Damaged { what, .. }) => what,
        other => panic!("expected damage, found {other:?}"),
    }
}

#[test]
fn events_and_contents_come_back_as_they_were_recorded() {
    let (_place, folder) = finished_run();
    let contents = read_journal(&folder).expect("sound");
    assert_eq!(contents.events.first().map(|first| first.event.kind()), Some("run_created"));
    assert_eq!(contents.events.last().map(|last| last.event.kind()), Some("run_succeeded"));
    assert!(contents.events.windows(2).all(|pair| pair[1].seq == pair[0].seq + 1));
    assert_eq!(contents.plan.steps().len(), 3);
}

#[test]
fn a_changed_event_is_noticed() {
    let (_place, folder) = finished_run();
    change(
        &folder,
        "UPDATE events SET body = replace(body, 'scripted-1', 'scripted-2') WHERE kind = 'call_succeeded'",
    );
    assert!(damage(&folder).contains("is missing or was changed"));
}

#[test]
fn a_missing_event_in_the_middle_is_noticed() {
    let (_place, folder) = finished_run();
    change(&folder, "DELETE FROM events WHERE seq = 4");
    assert_eq!(damage(&folder), "event 4 is missing or was changed");
}

#[test]
fn missing_events_at_the_end_are_noticed_by_the_witness() {
    let (_place, folder) = finished_run();
    change(&folder, "DELETE FROM events WHERE seq > (SELECT max(seq) - 2 FROM events)");
    let what = damage(&folder);
    assert!(what.starts_with("2 recorded events are gone"), "{what}");
}

#[test]
fn a_journal_from_before_the_witness_was_set_is_sound() {
    let (_place, folder) = finished_run();
    fs::remove_file(folder.join("witness")).expect("removed");
    assert!(read_journal(&folder).is_ok());
}

#[test]
fn a_changed_content_is_noticed_when_it_is_read() {
    let (_place, folder) = finished_run();
    let contents = read_journal(&folder).expect("sound");
    let plan = contents.created.plan;
    change(&folder, "UPDATE blobs SET content = x'00'");
    assert!(matches!(contents.blobs.text(&plan), Err(StoreError::Damaged { .. })));
}

#[test]
fn a_newer_format_and_a_foreign_file_are_refused() {
    let (_place, folder) = finished_run();
    change(&folder, "PRAGMA user_version = 99");
    assert!(matches!(read_journal(&folder), Err(StoreError::Newer { found: 99, .. })));
    change(&folder, "PRAGMA application_id = 7");
    assert!(matches!(read_journal(&folder), Err(StoreError::Foreign(_))));
}

#[test]
fn any_flipped_byte_is_either_harmless_or_noticed_and_never_a_panic() {
    let (_place, folder) = finished_run();
    let path = folder.join("journal.db");
    let sound = fs::read(&path).expect("readable");
    let expected = read_journal(&folder).expect("sound").events;
    // Every 97th byte: pages of all kinds are hit, at all sorts of places in them.
    for at in (0..sound.len()).step_by(97) {
        let mut flipped = sound.clone();
        flipped[at] ^= 0x20;
        fs::write(&path, &flipped).expect("written");
        if let Ok(contents) = read_journal(&folder) {
            assert_eq!(contents.events, expected, "byte {at} changed the story unnoticed");
        }
    }
}

#[test]
fn a_call_cannot_be_answered_twice() {
    let folder = TempDir::new().expect("a folder");
    let mut journal = Journal::create(folder.path()).expect("created");
    journal.commit(Timestamp(1), vec![note(1)], &[Blob::new("x")]).expect("committed");
    let (_place, finished) = finished_run();
    let contents = read_journal(&finished).expect("sound");
    let answered =
        contents.events.iter().find(|event| event.event.kind() == "call_succeeded").expect("one");
    journal.commit(Timestamp(2), vec![answered.event.clone()], &[]).expect("committed");
    assert!(journal.commit(Timestamp(3), vec![answered.event.clone()], &[]).is_err());
    // The refused commit left nothing behind.
    journal.commit(Timestamp(4), vec![note(2)], &[]).expect("committed");
}

#[test]
fn files_are_their_owners_alone_and_links_are_not_followed() {
    use std::os::unix::fs::PermissionsExt;
    let (_place, folder) = finished_run();
    assert_eq!(fs::metadata(&folder).expect("there").permissions().mode() & 0o777, 0o700);
    for file in ["journal.db", "run.lock", "witness"] {
        let mode = fs::metadata(folder.join(file)).expect("there").permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{file}");
    }
    let elsewhere = TempDir::new().expect("a folder");
    let trap = TempDir::new().expect("a folder");
    std::os::unix::fs::symlink(elsewhere.path().join("victim"), trap.path().join("run.lock"))
        .expect("a link");
    assert!(matches!(RunLock::take(trap.path()), Err(StoreError::Io { .. })));
    assert!(!elsewhere.path().join("victim").exists());
}

#[test]
fn an_event_of_this_version_reads_as_it_was_written() {
    // Old journals hold these very lines. A change that cannot read them needs a new format number.
    let lines = [
        r#"{"type":"session_opened","epoch":1,"program":"orchestrate 0.1.0"}"#,
        r#"{"type":"run_started"}"#,
        r#"{"type":"call_intent","call":"data#draft.1","attempt":1,"reserved":900}"#,
        r#"{"type":"call_unknown","call":"data#draft.1","attempt":1,"cause":"process_ended","partial":null}"#,
        r#"{"type":"retry_scheduled","call":"data#draft.1","due":1700000000000}"#,
        r#"{"type":"approval_requested","step":"go","request":{"question":"abababababababababababababababababababababababababababababababab","subject":"abababababababababababababababababababababababababababababababab","expires_at":1700000000000}}"#,
        r#"{"type":"approval_decided","step":"go","decision":{"approved":true,"by":"ada","note":"fine","answer":{"deliverable":"abababababababababababababababababababababababababababababababab","brief":"abababababababababababababababababababababababababababababababab"},"origin":{"run":"r0","at":1}}}"#,
        r#"{"type":"approval_decided","step":"go","decision":{"approved":false,"by":"ada"}}"#,
        r#"{"type":"approval_expired","step":"go"}"#,
        r#"{"type":"run_paused","reason":"awaiting_approval"}"#,
        r#"{"type":"run_paused","reason":"interrupted"}"#,
        r#"{"type":"run_failed","reason":{"budget":"calls"}}"#,
        r#"{"type":"run_failed","reason":{"step":"data"}}"#,
        r#"{"type":"items_found","step":"files","count":3,"list":"0000000000000000000000000000000000000000000000000000000000000000"}"#,
        r#"{"type":"group_opened","step":"files[2]"}"#,
        r#"{"type":"step_skipped","step":"a","reason":"condition"}"#,
        r#"{"type":"step_skipped","step":"b","reason":{"need":"a"}}"#,
        r#"{"type":"step_skipped","step":"c","reason":"none_succeeded"}"#,
        r#"{"type":"step_reopened","step":"files[2]/look"}"#,
        r#"{"type":"step_withdrawn","step":"note"}"#,
        r#"{"type":"run_succeeded"}"#,
    ];
    for line in lines {
        let event: Event = serde_json::from_str(line).expect(line);
        assert_eq!(serde_json::to_string(&event).expect("written"), line);
    }
    let newer = r#"{"type":"run_started","since_version_two":true}"#;
    assert!(serde_json::from_str::<Event>(newer).is_ok(), "members of a newer version are ignored");
    let lost = Event::CallUnknown {
        call: "a#draft.1".parse().expect("an id"),
        attempt: 1,
        cause: LossCause::ProcessEnded,
        failure: None,
        partial: None,
    };
    assert_eq!(lost.kind(), "call_unknown");
}
