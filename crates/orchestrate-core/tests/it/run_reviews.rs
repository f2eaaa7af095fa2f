//! Repairs and reviews inside the run machine, killed wherever they can be.

use std::{cell::Cell, sync::Arc};

use orchestrate_core::{
    approval::ApprovalDecision,
    event::{Event, PauseReason, RunFailure},
    failure::{Failure, FailureClass},
    finding::Severity,
    ids::{CallId, Digest, Purpose},
    persona::{Gate, GateJudge},
    plan::{Action, OnFail, OutputSpec, Plan, ReviewSpec, Step},
    policy::Limits,
    review::{Asked, GateAnswer, Judged, NewFinding, Stop},
    run::{AttemptOutcome, Input, Outcome, Prepared, Run, StepStatus},
};

use crate::support::{Desk, created, good, persona_step, plan, prepared, timed};

/// A step whose value is reviewed, and one that relies on it.
fn reviewed(rounds: u16, on_fail: OnFail) -> Arc<Plan> {
    let mut step: Step = persona_step("a", &[]);
    let Action::Persona(action) = &mut step.action else { panic!("a persona step") };
    action.output = Some(OutputSpec { schema: Arc::new(serde_json::json!({})), findings: false });
    action.review = Some(Box::new(ReviewSpec {
        condition: None,
        by: vec!["r".into()],
        rounds,
        on_fail,
        gates: vec![],
    }));
    plan(vec![step, persona_step("b", &["a"])])
}

fn prepare(call: &CallId) -> Prepared {
    let mut ready = prepared(&call.to_string(), 10);
    // A repair in these tests stands for the first draft alone.
    if call.purpose == Purpose::Verdict
        && let Prepared::Call { call: prepared, .. } = &mut ready
    {
        let gate = Gate { id: "g".into(), check: "c".into(), by: GateJudge::Judge, required: true };
        prepared.review = Some(Box::new(Asked {
            reviewer: "r".into(),
            round: call.number,
            gates: vec![gate],
            metrics: vec![],
            commands: vec![],
            findings: vec![],
            escalation: vec![],
        }));
    }
    ready
}

/// The first draft does not fit; the verdicts fail up to the one that passes, each with a finding.
fn answer(call: &CallId, passes_at: u16) -> AttemptOutcome {
    match call.purpose {
        Purpose::Draft if call.step.as_str() == "a" => AttemptOutcome::Rejected {
            failure: Failure::new(FailureClass::Misfit, "no fit"),
            partial: Some(Digest::of("raw")),
            usage: None,
        },
        Purpose::Verdict => {
            let passes = call.number >= passes_at;
            let answer = if passes { GateAnswer::Pass } else { GateAnswer::Fail };
            let AttemptOutcome::Good(mut answered) = good(&call.to_string(), false) else {
                panic!("a good answer")
            };
            let new = NewFinding { rule: "r".into(), severity: Severity::Low };
            answered.judged = Some(Box::new(Judged {
                gates: [("g".to_owned(), answer)].into_iter().collect(),
                new: if passes || call.number > 1 { vec![] } else { vec![new] },
                ..Judged::default()
            }));
            AttemptOutcome::Good(answered)
        }
        _ => good(&call.to_string(), call.purpose != Purpose::Revise),
    }
}

fn run(plan: &Arc<Plan>, passes_at: u16) -> (Desk, Outcome) {
    let mut desk = Desk::start(plan, created(2, Limits::default()));
    let outcome = desk.run_to_rest(&prepare, &mut |call, _| answer(call, passes_at));
    (desk, outcome)
}

fn sent(desk: &Desk) -> Vec<String> {
    let intents = desk.events.iter().filter_map(|event| match event {
        Event::CallIntent { call, .. } => Some(call.to_string()),
        _ => None,
    });
    intents.collect()
}

#[test]
fn a_draft_is_repaired_judged_revised_summed_up_and_judged_again() {
    let (desk, outcome) = run(&reviewed(3, OnFail::Stop), 2);
    assert_eq!(outcome, Outcome::Succeeded);
    assert_eq!(
        sent(&desk),
        [
            "a#draft.1",
            "a#repair.1",
            "a#verdict.1",
            "a#revise.1",
            "a#brief.1",
            "a#verdict.2",
            "b#draft.1"
        ]
    );
    let result = desk.run.result(0).expect("finished");
    assert_eq!(result.0, Digest::of("a#revise.1"), "the last version is the deliverable");
    assert!(
        desk.events.iter().any(|event| matches!(
            event,
            Event::ReviewEnded { stop: Stop::Converged, rounds: 2, .. }
        ))
    );
}

#[test]
fn a_run_killed_after_any_event_ends_the_same_and_buys_nothing_twice() {
    for (on_fail, passes_at, expected) in [
        (OnFail::Stop, 2, StepStatus::Succeeded),
        (OnFail::Stop, 9, StepStatus::Failed),
        (OnFail::Continue, 9, StepStatus::Succeeded),
    ] {
        let plan = reviewed(3, on_fail);
        let (whole, _) = run(&plan, passes_at);
        assert_eq!(whole.run.status(0), expected);
        for cut in 1..whole.events.len() {
            let mut desk = Desk::start(&plan, created(2, Limits::default()));
            desk.events.clone_from(&whole.events);
            desk.events.truncate(cut);
            let before = Run::replay(Arc::clone(&plan), timed(&desk.events)).expect("events fold");
            desk.crash(&plan);
            if !desk.run.is_finished() {
                desk.run_to_rest(&prepare, &mut |call, _| answer(call, passes_at));
            }
            assert_eq!(desk.run.status(0), expected, "cut at {cut}: {:?}", desk.kinds());
            // What was in flight is unknown and asked again, and nothing else is.
            let most = sent(&whole).len() + before.in_flight();
            assert!(sent(&desk).len() <= most, "cut at {cut}: {:?}", sent(&desk));
            let ends = desk.kinds().iter().filter(|kind| **kind == "review_ended").count();
            assert_eq!(ends, 1, "cut at {cut}");
        }
    }
}

/// A verdict with a gate that a person decides beside the reviewer's; what is asked of a person after it.
fn prepare_for_people(seen: &Cell<u16>, call: &CallId) -> Prepared {
    if call.purpose == Purpose::Verdict && call.number <= seen.get() {
        return Prepared::Ask(Box::new(orchestrate_core::run::Asked {
            question: Digest::of("Do they hold?"),
            subject: Digest::of("a"),
            expires_ms: None,
            decision: None,
        }));
    }
    let mut ready = prepare(call);
    if let Prepared::Call { call: prepared, .. } = &mut ready
        && let Some(asked) = &mut prepared.review
    {
        seen.set(call.number);
        asked.gates.push(Gate {
            id: "h".into(),
            check: "c".into(),
            by: GateJudge::Human,
            required: true,
        });
    }
    ready
}

fn says(approved: bool) -> Input {
    Input::Decide {
        step: "a".into(),
        subject: Digest::of("a"),
        decision: Box::new(ApprovalDecision {
            approved,
            by: "ada".into(),
            note: Some("too dear".into()),
            answer: None,
            origin: None,
        }),
    }
}

/// Runs until somebody has to decide, lets them, and so on; what was recorded, and how it ended.
fn with_people(on_fail: OnFail, passes_at: u16, answers: &[bool]) -> (Desk, Outcome) {
    let plan = reviewed(3, on_fail);
    let seen = Cell::new(0);
    let mut desk = Desk::start(&plan, created(2, Limits::default()));
    let mut answers = answers.iter();
    loop {
        let outcome = desk
            .run_to_rest(&|call: &CallId| prepare_for_people(&seen, call), &mut |call, _| {
                answer(call, passes_at)
            });
        if outcome != Outcome::Paused(PauseReason::AwaitingApproval) {
            return (desk, outcome);
        }
        let Some(&approved) = answers.next() else { return (desk, outcome) };
        desk.tell(says(approved));
        let folded = Run::replay(Arc::clone(&plan), timed(&desk.events)).expect("events fold");
        assert_eq!(folded.status(0), desk.run.status(0));
        // A no at rest may be the end of the run.
        if desk.kinds().last() == Some(&"run_failed") {
            return (desk, Outcome::Failed(RunFailure::Step("a".into())));
        }
        desk.crash(&plan);
    }
}

#[test]
fn a_person_is_asked_about_their_gates_once_everything_else_passes() {
    let (desk, outcome) = with_people(OnFail::Stop, 2, &[]);
    assert_eq!(outcome, Outcome::Paused(PauseReason::AwaitingApproval));
    assert_eq!(sent(&desk).last().map(String::as_str), Some("a#verdict.2"));
    let (desk, outcome) = with_people(OnFail::Stop, 2, &[true]);
    assert_eq!(outcome, Outcome::Succeeded, "{:?}", desk.kinds());
    assert_eq!(desk.run.review(0).stop, Some(Stop::Converged));
    assert_eq!(desk.run.review(0).gates_passed(), (2, 2));
}

#[test]
fn a_persons_no_sends_the_document_back_while_rounds_are_left() {
    let (desk, outcome) = with_people(OnFail::Stop, 1, &[false, true]);
    assert_eq!(outcome, Outcome::Succeeded, "{:?}", desk.kinds());
    assert!(sent(&desk).contains(&"a#revise.1".to_owned()), "{:?}", sent(&desk));
    let said: Vec<bool> = desk.run.review(0).people.iter().map(|said| said.approved).collect();
    assert_eq!(said, [false, true]);
    // Nothing has changed for them: the review stagnates, and the step fails.
    let (desk, outcome) = with_people(OnFail::Stop, 1, &[false, false]);
    assert!(matches!(outcome, Outcome::Failed(_)), "{outcome:?}");
    assert_eq!(desk.run.review(0).stop, Some(Stop::Stagnating));
}

#[test]
fn a_person_says_whether_to_go_on_with_a_document_that_did_not_pass() {
    for (says_yes, expected) in [(true, StepStatus::Succeeded), (false, StepStatus::Failed)] {
        let (desk, _) = with_people(OnFail::Approve, 9, &[says_yes]);
        assert_eq!(desk.run.status(0), expected, "{:?}", desk.kinds());
        assert_eq!(desk.run.review(0).stop, Some(Stop::Stagnating));
        let said = desk.run.review(0).waiver().expect("a person was asked");
        assert_eq!((said.approved, said.by.as_str()), (says_yes, "ada"));
    }
}

#[test]
fn after_a_no_a_resumed_run_asks_again() {
    let (mut desk, outcome) = with_people(OnFail::Approve, 9, &[false]);
    assert!(matches!(outcome, Outcome::Failed(_)), "{outcome:?}");
    let calls = sent(&desk).len();
    let plan = Arc::clone(desk.run.plan());
    desk.outcome = None;
    desk.crash(&plan);
    let seen = Cell::new(9);
    let outcome = desk
        .run_to_rest(&|call: &CallId| prepare_for_people(&seen, call), &mut |call, _| {
            answer(call, 9)
        });
    assert_eq!(outcome, Outcome::Paused(PauseReason::AwaitingApproval), "{:?}", desk.kinds());
    assert_eq!(sent(&desk).len(), calls, "nothing is bought again");
}
