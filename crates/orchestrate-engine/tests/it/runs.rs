//! Runs from setup to result, with a provider inside the process.

use orchestrate_core::{
    event::{Freshness, RunFailure},
    failure::{Failure, FailureClass},
    policy::{Cap, Limits},
    run::Outcome,
    summary::{RunStatus, StepState},
};
use orchestrate_engine::session::{OpenRun, Rework, RunError, list_runs, newest_unfinished};
use orchestrate_provider::AttemptError;

use crate::support::{CHAIN, Place, Scripted, answer, drive};

fn failure(class: FailureClass) -> AttemptError {
    AttemptError::unbilled(Failure::new(class, "scripted"))
}

#[test]
fn each_step_gets_the_task_and_the_fenced_handoffs_of_its_needs() {
    let place = Place::new();
    let provider = Scripted::echo();
    let finished =
        place.run(&place.setup(CHAIN, "Predict churn", &provider)).expect("a finished run");
    assert_eq!(finished.outcome, Outcome::Succeeded);
    assert_eq!(provider.calls(), ["data#draft", "analysis#draft", "report#draft"]);
    let seen = provider.seen.lock().expect("not poisoned");
    for request in seen.iter() {
        assert!(request.system.starts_with(&request.persona.identity), "the identity comes first");
        assert!(
            request.user().contains("| the task, from the user\nPredict churn\n>>>end"),
            "{}",
            request.user()
        );
    }
    let data = answer(&seen[0]);
    let decision = data.lines().next().expect("a line");
    let analysis = seen[1].user();
    assert!(analysis.contains("| handoff from data-engineer, step `data`"), "{analysis}");
    assert!(analysis.contains(decision), "{analysis}");
    assert!(analysis.contains("Decisions:\n- D1: Take"), "the brief comes as a list: {analysis}");
    assert!(!analysis.contains("```brief"), "and not twice");
    assert!(!seen[2].user().contains(decision), "only direct needs are handed over");
}

#[test]
fn an_equal_run_pays_for_nothing_and_says_who_paid() {
    let place = Place::new();
    let provider = Scripted::echo();
    let first = place.run(&place.setup(CHAIN, "Predict churn", &provider)).expect("finished");
    let second = place.run(&place.setup(CHAIN, "Predict churn", &provider)).expect("finished");
    assert_eq!(provider.calls().len(), 3, "the second run made no call");
    let summary = &second.record.summary;
    assert_eq!((summary.calls, summary.reused), (0, 3));
    let origin = summary.steps[0].reused_from.as_ref().expect("a source");
    assert_eq!(Some(&origin.0), first.record.summary.run.as_ref());
    assert_eq!(summary.steps[2].deliverable, first.record.summary.steps[2].deliverable);
    let third = place.run(&place.setup(CHAIN, "Predict weather", &provider)).expect("finished");
    assert_eq!(third.record.summary.calls, 3, "another task asks anew");
}

#[test]
fn an_edited_persona_is_asked_again_and_nobody_before_it() {
    let place = Place::new();
    let provider = Scripted::echo();
    place.run(&place.setup(CHAIN, "t", &provider)).expect("finished");
    let built_in = include_str!("../../../../personas/data-scientist-stats.md");
    let edited = built_in.replace("version: 1.0.0", "version: 1.0.1");
    assert_ne!(built_in, edited);
    place.write("work/personas/data-scientist-stats.md", &edited);
    place.run(&place.setup(CHAIN, "t", &provider)).expect("finished");
    // Its system prompt is the same and so is its answer: whoever depends on it is cut off.
    assert_eq!(provider.calls()[3..], ["analysis#draft"]);
}

#[test]
fn freshness_refuses_earlier_answers_for_the_steps_named() {
    let place = Place::new();
    let provider = Scripted::echo();
    let mut setup = place.setup(CHAIN, "t", &provider);
    place.run(&setup).expect("finished");
    setup.fresh = Freshness::Steps(vec!["analysis".into()]);
    place.run(&setup).expect("finished");
    assert_eq!(provider.calls()[3..], ["analysis#draft"]);
    setup.fresh = Freshness::All;
    place.run(&setup).expect("finished");
    assert_eq!(provider.calls().len(), 7);
}

#[test]
fn an_answer_whose_run_was_removed_is_asked_for_again() {
    let place = Place::new();
    let provider = Scripted::echo();
    let first = place.run(&place.setup(CHAIN, "t", &provider)).expect("finished");
    let id = first.record.summary.run.clone().expect("an id");
    drop(first);
    std::fs::remove_dir_all(place.home().run(&id)).expect("removed");
    let second = place.run(&place.setup(CHAIN, "t", &provider)).expect("finished");
    assert_eq!(second.record.summary.calls, 3);
}

#[test]
fn a_deleted_index_is_rebuilt_from_the_journals() {
    let place = Place::new();
    let provider = Scripted::echo();
    place.run(&place.setup(CHAIN, "t", &provider)).expect("finished");
    for suffix in ["", "-wal", "-shm"] {
        let mut path = place.home().index().into_os_string();
        path.push(suffix);
        // Side files may be gone already.
        let _ = std::fs::remove_file(path);
    }
    let second = place.run(&place.setup(CHAIN, "t", &provider)).expect("finished");
    assert_eq!(second.record.summary.reused, 3);
}

#[test]
fn a_passing_failure_is_tried_again_and_a_bad_answer_is_never_reused() {
    let place = Place::new();
    let provider = Scripted::new(|request, number| match number {
        1 => Err(failure(FailureClass::Unavailable)),
        2 => Err(AttemptError::of_answer(Failure::new(FailureClass::Empty, "nothing"), None, None)),
        _ => Ok(answer(request)),
    });
    let finished = place.run(&place.setup(CHAIN, "t", &provider)).expect("finished");
    // Two failures of one call: the second, an empty answer, was its second chance too.
    assert_eq!(finished.outcome, Outcome::Failed(RunFailure::Step("data".into())));
    let again = place.run(&place.setup(CHAIN, "t", &provider)).expect("finished");
    assert_eq!(again.outcome, Outcome::Succeeded);
    assert_eq!(again.record.summary.reused, 0);
}

#[test]
fn a_failed_run_is_resumed_at_the_step_that_failed() {
    let place = Place::new();
    let refusing = Scripted::new(|request, _| match request.call.step.as_str() {
        "report" => Err(failure(FailureClass::Credentials)),
        _ => Ok(answer(request)),
    });
    let finished = place.run(&place.setup(CHAIN, "t", &refusing)).expect("at rest");
    assert!(finished.record.summary.refused_credentials());
    let (id, unreadable) = newest_unfinished(&place.home()).expect("the unfinished run");
    assert!(unreadable.is_empty());
    // The journal holds what was paid: a process without the scripted provider still knows it.
    let listed: Vec<_> = list_runs(&place.home()).collect();
    assert_eq!(listed.len(), 1);
    let record = listed[0].record.as_ref().expect("readable");
    assert_eq!(record.summary.finished(), 2);
    assert_eq!(
        record.summary.step(&"report".into()).map(|step| step.state),
        Some(StepState::Failed)
    );
    assert_eq!(Some(&id), record.summary.run.as_ref());
}

#[test]
fn a_missing_brief_is_asked_for_once_and_handed_on() {
    let place = Place::new();
    let provider = Scripted::new(|request, _| {
        Ok(match request.call.purpose {
            orchestrate_core::ids::Purpose::Draft => "A document without a brief.".to_owned(),
            _ => answer(request),
        })
    });
    let workflow = CHAIN;
    let finished = place.run(&place.setup(workflow, "t", &provider)).expect("finished");
    assert_eq!(finished.outcome, Outcome::Succeeded);
    assert_eq!(
        provider.calls(),
        ["data#draft", "data#brief", "analysis#draft", "analysis#brief", "report#draft"],
        "nobody relies on the last step's brief"
    );
    let seen = provider.seen.lock().expect("not poisoned");
    assert!(seen[1].user().contains("A document without a brief."));
    assert!(seen[2].user().contains("Decisions:\n- Brief "), "{}", seen[2].user());
}

#[test]
fn a_call_cap_stops_the_run_before_the_call() {
    let place = Place::new();
    let provider = Scripted::echo();
    let mut setup = place.setup(CHAIN, "t", &provider);
    setup.limits = Limits { max_calls: Some(2), ..Limits::default() };
    let finished = place.run(&setup).expect("at rest");
    assert_eq!(finished.record.summary.status, RunStatus::Failed(RunFailure::Budget(Cap::Calls)));
    assert_eq!(provider.calls().len(), 2);
}

#[test]
fn a_token_cap_is_checked_on_the_worst_case_and_sent_as_a_limit() {
    let place = Place::new();
    let provider = Scripted::echo();
    let mut setup = place.setup(CHAIN, "t", &provider);
    setup.limits = Limits { max_tokens: Some(1_000), ..Limits::default() };
    let finished = place.run(&setup).expect("at rest");
    assert_eq!(finished.record.summary.cap_reached(), Some(Cap::Tokens));
    assert_eq!(provider.calls().len(), 0, "a prompt alone takes more");
    setup.limits.max_tokens = Some(1_000_000);
    place.run(&setup).expect("finished");
    let seen = provider.seen.lock().expect("not poisoned");
    assert!(seen[0].length_cap().is_some(), "under a cap every answer has a longest length");
}

#[test]
fn a_remark_reaches_its_step_with_the_earlier_document_and_everything_after_is_redone() {
    let place = Place::new();
    let provider = Scripted::echo();
    let setup = place.setup(CHAIN, "t", &provider);
    let first = place.run(&setup).expect("finished");
    let id = first.record.summary.run.clone().expect("an id");
    let rework = Rework {
        from: id.clone(),
        step: Some("analysis".into()),
        remark: Some("Use fewer features".into()),
        earlier: Some("The earlier analysis.".into()),
        before: vec![],
    };
    let reworked = place.run(&setup.rework(rework).expect("a known step")).expect("finished");
    assert_eq!(provider.calls()[3..], ["analysis#draft", "report#draft"], "the data is kept");
    let seen = provider.seen.lock().expect("not poisoned");
    let user = seen[3].user();
    assert!(
        user.contains("| your own earlier document for this step\nThe earlier analysis."),
        "{user}"
    );
    assert!(user.contains("| the remark on your earlier document\nUse fewer features"), "{user}");
    assert_eq!(reworked.record.summary.forked_from, Some(id));
}

#[test]
fn a_run_has_one_owner() {
    let place = Place::new();
    let provider = Scripted::new(|_, _| Err(failure(FailureClass::Credentials)));
    let setup = place.setup(CHAIN, "t", &provider);
    let finished = place.run(&setup).expect("at rest");
    let id = finished.record.summary.run.clone().expect("an id");
    drop(finished);
    let workspace = place.workspace();
    let owner = OpenRun::resume(&workspace, &id, None).expect("the run is free");
    let second = OpenRun::resume(&workspace, &id, None);
    assert!(matches!(
        second,
        Err(RunError::Store(orchestrate_engine::store::StoreError::InUse { .. }))
    ));
    drop(owner);
    assert!(OpenRun::resume(&workspace, &id, None).is_ok());
}

#[test]
fn a_complete_run_is_not_resumed() {
    let place = Place::new();
    let provider = Scripted::echo();
    let finished = place.run(&place.setup(CHAIN, "t", &provider)).expect("finished");
    let id = finished.record.summary.run.clone().expect("an id");
    assert!(matches!(OpenRun::resume(&place.workspace(), &id, None), Err(RunError::Complete(_))));
}

#[test]
fn a_run_at_rest_is_one_file() {
    let place = Place::new();
    let provider = Scripted::echo();
    let finished = place.run(&place.setup(CHAIN, "t", &provider)).expect("finished");
    let id = finished.record.summary.run.clone().expect("an id");
    drop(finished);
    let wal = place.home().run(&id).join("journal.db-wal");
    let left = std::fs::metadata(wal).map(|found| found.len()).unwrap_or_default();
    assert_eq!(left, 0, "the write-ahead log is folded in");
}

#[test]
fn an_optional_step_that_fails_is_told_to_its_dependents() {
    let place = Place::new();
    let provider = Scripted::new(|request, _| match request.call.step.as_str() {
        "analysis" => Err(failure(FailureClass::Refused)),
        _ => Ok(answer(request)),
    });
    let workflow = CHAIN.replace("needs: data, prompt", "needs: data, optional: true, prompt");
    let finished = place.run(&place.setup(&workflow, "t", &provider)).expect("finished");
    assert_eq!(finished.outcome, Outcome::Succeeded);
    let seen = provider.seen.lock().expect("not poisoned");
    let user = seen.last().expect("a call").user();
    assert!(user.contains("Not available: model refused: scripted."), "{user}");
}

#[test]
fn the_first_run_after_a_crash_goes_on_with_what_it_knew() {
    // A process that dies leaves a journal whose last events may be an intent without an end; here the
    // journal of a finished run is cut there, which only the witness could tell.
    let place = Place::new();
    let provider = Scripted::echo();
    let finished = place.run(&place.setup(CHAIN, "t", &provider)).expect("finished");
    let id = finished.record.summary.run.clone().expect("an id");
    drop(finished);
    let folder = place.home().run(&id);
    std::fs::remove_file(folder.join("witness")).expect("removed");
    let journal = rusqlite::Connection::open(folder.join("journal.db")).expect("opened");
    let cut: i64 = journal
        .query_row(
            "SELECT seq FROM events WHERE kind = 'call_intent' ORDER BY seq LIMIT 1 OFFSET 1",
            [],
            |row| row.get(0),
        )
        .expect("the second intent");
    journal.execute("DELETE FROM events WHERE seq > ?1", [cut]).expect("cut");
    drop(journal);
    let run = OpenRun::resume(&place.workspace(), &id, None).expect("resumable");
    // The configured address answers nobody, so that only what the journal holds can be there.
    let resumed = drive(run).expect("at rest");
    let data = resumed.record.summary.step(&"data".into()).expect("a step");
    assert_eq!((data.state, data.attempts), (StepState::Succeeded, 1));
    let analysis = resumed.record.summary.step(&"analysis".into()).expect("a step");
    assert_eq!(analysis.lost_attempts, 1);
}

#[test]
fn a_match_is_recorded_with_its_terms_its_score_and_who_came_next() {
    let workflow = "workflow: test\ninputs:\n  task: { type: string, required: true }\n  kind: { type: string, required: false, default: none }\nsteps:\n  one:\n    persona:\n      choose: { a: ml-engineer-jax, b: data-engineer, c: mlops-engineer }\n      by: inputs.kind\n      otherwise: match\n    prompt: Go.\n";
    let choice = |task: &str| {
        let place = Place::new();
        let provider = Scripted::new(|_, _| Ok("Done.".to_owned()));
        let finished = place.run(&place.setup(workflow, task, &provider)).expect("it runs");
        let step = finished.record.summary.steps[0].clone();
        (step.persona.expect("a persona"), step.choice.expect("a reason"))
    };
    let (persona, why) =
        choice("Tune the SQL queries of our Postgres warehouse for model monitoring");
    assert_eq!(persona, "data-engineer");
    assert!(why.starts_with("the task speaks of ") && why.contains("Postgres"), "{why}");
    assert!(why.contains("; score "), "{why}");
    assert!(why.contains(" behind"), "{why}");
    let (persona, why) = choice("mlops-engineer: keep it alive");
    assert_eq!((persona.as_str(), why.as_str()), ("mlops-engineer", "the task names it"));
    let (persona, why) = choice("Write a birthday poem");
    assert_eq!(persona, "ml-engineer-jax");
    assert_eq!(why, "the task fits none of the choices better; the first is taken");
}
