//! What outlives a crash, a damaged file or a defect: everything that was paid for.

use std::{fs, thread};

use orchestrate_core::{
    Timestamp,
    event::{Event, RunFailure},
    run::Outcome,
};
use orchestrate_engine::{
    session::{OpenRun, PastRework, Rework, RunError},
    store::{Journal, StoreError, read_journal},
};
use tempfile::TempDir;

use crate::support::{CHAIN, Place, Scripted, answer, drive};

fn remove_index(place: &Place) {
    for suffix in ["", "-wal", "-shm"] {
        let mut path = place.home().index().into_os_string();
        path.push(suffix);
        // Side files may be gone already.
        let _ = fs::remove_file(path);
    }
}

#[test]
fn an_answer_that_was_recorded_and_not_yet_remembered_is_not_paid_for_again() {
    let place = Place::new();
    let provider = Scripted::echo();
    place.run(&place.setup(CHAIN, "another task", &provider)).expect("finished");
    // The index as it was before the next run: as if its process had ended between the commit of
    // its answers and their being remembered.
    let before = fs::read(place.home().index()).expect("an index at rest");
    place.run(&place.setup(CHAIN, "t", &provider)).expect("finished");
    remove_index(&place);
    fs::write(place.home().index(), before).expect("written");
    let again = place.run(&place.setup(CHAIN, "t", &provider)).expect("finished");
    assert_eq!(again.record.summary.reused, 3);
    assert_eq!(provider.calls().len(), 6);
}

#[test]
fn a_damaged_index_is_built_anew() {
    let place = Place::new();
    let provider = Scripted::echo();
    place.run(&place.setup(CHAIN, "t", &provider)).expect("finished");
    for damage in [&b"this is no database at all, whatever it is"[..], b""] {
        remove_index(&place);
        fs::write(place.home().index(), damage).expect("written");
        let again = place.run(&place.setup(CHAIN, "t", &provider)).expect("finished");
        assert_eq!(again.record.summary.reused, 3);
    }
}

#[test]
fn a_journal_that_was_emptied_is_a_loss_and_not_a_run_that_never_began() {
    let place = Place::new();
    let provider = Scripted::echo();
    let finished = place.run(&place.setup(CHAIN, "t", &provider)).expect("finished");
    let folder = place.home().run(&finished.record.summary.run.clone().expect("an id"));
    drop(finished);
    fs::write(folder.join("journal.db"), "").expect("emptied");
    match read_journal(&folder) {
        Err(StoreError::Damaged { what, .. }) => {
            assert!(what.starts_with("all of its "), "{what}");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_journal_can_be_read_at_any_moment_while_it_grows() {
    let place = Place::new();
    let provider = Scripted::echo();
    let finished = place.run(&place.setup(CHAIN, "t", &provider)).expect("finished");
    let source = place.home().run(&finished.record.summary.run.clone().expect("an id"));
    let sound = read_journal(&source).expect("sound");
    let folder = TempDir::new().expect("a folder");
    let mut journal = Journal::create(folder.path()).expect("created");
    let plan = sound.blobs.bytes(&sound.created.plan).expect("readable").expect("there");
    let plan = orchestrate_engine::store::Blob::new(plan);
    let created = Event::RunCreated(sound.created.clone());
    journal.commit(Timestamp(1), vec![created], &[plan]).expect("committed");
    let path = folder.path().to_owned();
    let reader = thread::spawn(move || {
        (0..300)
            .map(|_| read_journal(&path).map(|contents| contents.events.len()))
            .collect::<Vec<_>>()
    });
    for epoch in 1..=300 {
        let event = Event::SessionOpened { epoch, program: "test".into() };
        journal.commit(Timestamp(epoch), vec![event], &[]).expect("committed");
    }
    let seen = reader.join().expect("no panic");
    let lengths: Vec<usize> = seen.into_iter().collect::<Result<_, _>>().expect("sound every time");
    assert!(lengths.is_sorted(), "a journal only grows");
}

#[test]
fn a_second_remark_stands_beside_the_first_and_other_steps_keep_theirs() {
    let place = Place::new();
    let provider = Scripted::echo();
    let setup = || place.setup(CHAIN, "t", &provider);
    let first = place.run(&setup()).expect("finished");
    let rework =
        |from: &orchestrate_engine::session::FinishedRun, step: &str, remark: &str| Rework {
            from: from.record.summary.run.clone().expect("an id"),
            step: Some(step.into()),
            remark: Some(remark.into()),
            earlier: Some(format!("The document before `{remark}`.")),
            before: from.record.reworks().expect("readable"),
        };
    let again = setup().rework(rework(&first, "analysis", "fewer features")).expect("known");
    let second = place.run(&again).expect("finished");
    assert_eq!(provider.calls()[3..], ["analysis#draft", "report#draft"]);
    let again = setup().rework(rework(&second, "report", "larger charts")).expect("known");
    let third = place.run(&again).expect("finished");
    assert_eq!(provider.calls()[5..], ["report#draft"], "the reworked analysis is kept");
    let again = setup().rework(rework(&third, "analysis", "no jargon")).expect("known");
    let fourth = place.run(&again).expect("finished");
    let seen = provider.seen.lock().expect("not poisoned");
    let user = seen[6].user();
    for wanted in ["fewer features", "no jargon", "The document before `no jargon`."] {
        assert!(user.contains(wanted), "{wanted}: {user}");
    }
    assert!(!user.contains("The document before `fewer features`."), "{user}");
    let steps: Vec<_> = fourth.record.reworks().expect("readable");
    let steps: Vec<_> =
        steps.iter().map(|PastRework { step, .. }| step.as_ref().expect("one").as_str()).collect();
    assert_eq!(steps, ["analysis", "report", "analysis"]);
}

#[test]
fn a_panic_in_a_provider_fails_its_own_step_and_no_other() {
    let place = Place::new();
    let provider = Scripted::new(|request, _| {
        assert_ne!(request.call.step.as_str(), "b", "a scripted defect");
        Ok(answer(request))
    });
    let workflow = "\
workflow: test
inputs: { task: string }
steps:
  a: { persona: data-engineer, prompt: One. }
  b: { persona: data-engineer, prompt: Two. }
  c: { persona: data-engineer, prompt: Three. }
";
    let finished = place.run(&place.setup(workflow, "t", &provider)).expect("at rest");
    assert_eq!(finished.outcome, Outcome::Failed(RunFailure::Step("b".into())));
    let steps = &finished.record.summary.steps;
    assert!(steps[0].deliverable.is_some() && steps[2].deliverable.is_some(), "paid for and kept");
    let failure = steps[1].failure.as_ref().expect("a reason");
    assert_eq!(failure.message, "making the call ended in a panic");
}

#[test]
fn files_that_could_not_be_written_are_written_by_resume_without_another_call() {
    let place = Place::new();
    let provider = Scripted::echo();
    let mut setup = place.setup(CHAIN, "t", &provider);
    let output = place.work().join("out");
    setup.output = Some(output.clone());
    let run = OpenRun::create(&place.workspace(), &setup).expect("created");
    fs::remove_dir(&output).expect("the folder was made before the run");
    fs::write(&output, "in the way").expect("written");
    let finished = drive(run).expect("a run is not lost with its files");
    assert_eq!(finished.outcome, Outcome::Succeeded);
    assert!(finished.unwritten.is_some() && finished.output.is_none());
    let id = finished.record.summary.run.clone().expect("an id");
    drop(finished);
    fs::remove_file(&output).expect("removed");
    let resumed = OpenRun::resume(&place.workspace(), &id, None).expect("files are missing");
    let finished = drive(resumed).expect("written");
    assert_eq!(finished.outcome, Outcome::Succeeded);
    drop(finished);
    assert!(output.join("report.md").is_file() && output.join("1-data.md").is_file());
    assert_eq!(provider.calls().len(), 3);
    assert!(matches!(OpenRun::resume(&place.workspace(), &id, None), Err(RunError::Complete(_))));
}

#[test]
fn a_folder_that_cannot_be_made_is_found_before_anything_is_recorded() {
    let place = Place::new();
    let provider = Scripted::echo();
    let mut setup = place.setup(CHAIN, "t", &provider);
    place.write("work/file", "in the way");
    setup.output = Some(place.work().join("file/below"));
    assert!(matches!(place.run(&setup), Err(RunError::Artifact(_))));
    assert_eq!(orchestrate_engine::session::list_runs(&place.home()).count(), 0);
}
