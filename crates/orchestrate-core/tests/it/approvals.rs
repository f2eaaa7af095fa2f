//! Steps that ask a person: when the run waits, what a decision does, and that nobody decides in their place.

use std::sync::Arc;

use orchestrate_core::{
    Timestamp,
    approval::{ApprovalAnswer, ApprovalDecision, DecisionOrigin},
    event::{Event, PauseReason, RunFailure, StepSource},
    failure::FailureClass,
    ids::{CallId, Digest, Purpose, RunId, StepPath},
    plan::{Action, ApprovalStep, Plan, Step},
    policy::Limits,
    run::{Asked, Effect, Input, Outcome, Prepared, Run, StepStatus},
    summary::{RunStatus, RunSummary, StepState},
};
use proptest::prelude::*;

use crate::support::{Desk, created, failed, good, persona_step, plan, prepared, timed};

const HOUR: u64 = 3_600_000;

fn approval_step(id: &str, needs: &[&str]) -> Step {
    let action = Action::Approve(ApprovalStep { question: "Go?".into(), expires_ms: Some(HOUR) });
    Step { action, ..persona_step(id, needs) }
}

/// `work`, then a person, then `deploy`; `other` stands beside.
fn gated() -> Arc<Plan> {
    plan(vec![
        persona_step("work", &[]),
        approval_step("go", &["work"]),
        persona_step("deploy", &["go"]),
        persona_step("other", &[]),
    ])
}

fn asked(about: &str, expires_ms: Option<u64>) -> Prepared {
    Prepared::Ask(Box::new(Asked {
        question: Digest::of("Go?"),
        subject: Digest::of(about),
        expires_ms,
        decision: None,
    }))
}

fn decision(approved: bool) -> Box<ApprovalDecision> {
    let answer = ApprovalAnswer { deliverable: Digest::of("note"), brief: Digest::of("brief") };
    Box::new(ApprovalDecision {
        approved,
        by: "ada".into(),
        note: Some("a note".into()),
        answer: approved.then_some(answer),
        origin: None,
    })
}

fn says(approved: bool) -> Input {
    Input::Decide { step: "go".into(), subject: Digest::of("work"), decision: decision(approved) }
}

fn prepare(call: &CallId) -> Prepared {
    if call.step.as_str().starts_with("go") {
        asked("work", Some(HOUR))
    } else {
        prepared(call.step.as_str(), 50)
    }
}

/// Carries out everything but waiting: no time passes.
fn rest(desk: &mut Desk) -> Outcome {
    while let Some(order) = desk.orders.pop_front() {
        if !matches!(order, Effect::WakeAt(_)) {
            desk.carry_out(order, &prepare, &mut |call, _| good(call.step.as_str(), true));
        }
    }
    desk.outcome.clone().expect("the run came to rest")
}

fn waiting() -> (Arc<Plan>, Desk) {
    let plan = gated();
    let mut desk = Desk::start(&plan, created(2, Limits::default()));
    assert_eq!(rest(&mut desk), Outcome::Paused(PauseReason::AwaitingApproval));
    (plan, desk)
}

fn summary(plan: &Arc<Plan>, desk: &Desk) -> RunSummary {
    let mut summary = RunSummary::new(Arc::clone(plan));
    for (at, event) in desk.events.iter().enumerate() {
        summary.apply(&orchestrate_core::event::Recorded {
            seq: at as u64 + 1,
            at: Timestamp(1),
            event: event.clone(),
        });
    }
    summary
}

#[test]
fn what_does_not_depend_on_the_approval_goes_on_and_then_the_run_waits() {
    let (plan, desk) = waiting();
    let states: Vec<StepStatus> = (0..4).map(|at| desk.run.status(at)).collect();
    assert_eq!(
        states,
        [StepStatus::Succeeded, StepStatus::Asking, StepStatus::Blocked, StepStatus::Succeeded]
    );
    let summary = summary(&plan, &desk);
    assert_eq!(summary.status, RunStatus::Paused(PauseReason::AwaitingApproval));
    assert_eq!(summary.steps[1].state, StepState::AwaitingApproval);
}

#[test]
fn a_resume_without_a_decision_waits_again_and_asks_whoever_is_there() {
    let (plan, mut desk) = waiting();
    desk.crash(&plan);
    assert!(desk.orders.iter().any(|order| matches!(order, Effect::AskPerson { .. })));
    assert_eq!(desk.outcome, Some(Outcome::Paused(PauseReason::AwaitingApproval)));
}

#[test]
fn a_yes_at_rest_is_the_deliverable_and_the_run_goes_on_with_a_resume() {
    let (plan, mut desk) = waiting();
    desk.tell(says(true));
    assert_eq!(desk.run.result(1), Some((Digest::of("note"), Some(Digest::of("brief")))));
    assert_eq!(desk.calls_sent(Purpose::Draft), 2, "a decision alone starts nothing");
    desk.crash(&plan);
    assert_eq!(rest(&mut desk), Outcome::Succeeded);
    assert_eq!(desk.calls_sent(Purpose::Draft), 3);
}

#[test]
fn a_no_at_rest_fails_the_run_at_once_and_a_resume_asks_again() {
    let (plan, mut desk) = waiting();
    desk.tell(says(false));
    let told = summary(&plan, &desk);
    assert_eq!(told.status, RunStatus::Failed(RunFailure::Step("go".into())));
    let failure = told.steps[1].failure.clone().expect("a failure");
    assert_eq!(failure.class, FailureClass::NotApproved);
    assert_eq!(failure.message, "ada said no: a note");
    desk.crash(&plan);
    assert_eq!(rest(&mut desk), Outcome::Paused(PauseReason::AwaitingApproval));
    assert_eq!(desk.run.status(2), StepStatus::Blocked);
}

#[test]
fn a_decision_about_something_else_or_a_second_one_changes_nothing() {
    let (_, mut desk) = waiting();
    let before = desk.events.len();
    let about = Digest::of("another");
    desk.tell(Input::Decide { step: "go".into(), subject: about, decision: decision(true) });
    desk.tell(Input::Decide { step: "work".into(), subject: about, decision: decision(true) });
    desk.tell(Input::Decide { step: "gone".into(), subject: about, decision: decision(true) });
    assert_eq!(desk.events.len(), before);
    desk.tell(says(true));
    let decided = desk.events.len();
    desk.tell(says(false));
    assert_eq!(desk.events.len(), decided);
}

#[test]
fn with_somebody_there_the_run_stays_until_they_answer_or_leave() {
    let plan = gated();
    let start = || {
        let mut desk = Desk::start(&plan, created(2, Limits::default()));
        desk.tell(Input::Attended(true));
        while let Some(order) = desk.orders.pop_front() {
            if !matches!(order, Effect::WakeAt(_)) {
                desk.carry_out(order, &prepare, &mut |call, _| good(call.step.as_str(), true));
            }
        }
        assert_eq!(desk.outcome, None);
        desk
    };
    let mut desk = start();
    desk.tell(says(true));
    assert_eq!(rest(&mut desk), Outcome::Succeeded);
    let mut desk = start();
    desk.tell(says(false));
    assert_eq!(desk.outcome, Some(Outcome::Failed(RunFailure::Step("go".into()))));
    let mut desk = start();
    desk.tell(Input::Attended(false));
    assert_eq!(desk.outcome, Some(Outcome::Paused(PauseReason::AwaitingApproval)));
}

#[test]
fn time_ends_an_approval_and_never_with_a_yes() {
    let (plan, mut desk) = waiting();
    let asked = desk.events.iter().find_map(|event| match event {
        Event::ApprovalRequested { request, .. } => request.expires_at,
        _ => None,
    });
    assert_eq!(asked, Some(Timestamp(1_000 + HOUR)));
    // One moment before, a yes counts; at the time itself it does not.
    let mut early = desk.run.clone();
    early.handle(Timestamp(999 + HOUR), says(true)).expect("legal");
    assert_eq!(early.status(1), StepStatus::Succeeded);
    desk.now = Timestamp(1_000 + HOUR);
    desk.tell(says(true));
    let told = summary(&plan, &desk);
    assert_eq!(
        told.steps[1].failure.as_ref().map(|f| f.class),
        Some(FailureClass::ApprovalExpired)
    );
    assert_eq!(told.status, RunStatus::Failed(RunFailure::Step("go".into())));
    // Whoever resumes later finds it out without a decision, too.
    let (plan, mut desk) = waiting();
    desk.now = Timestamp(2_000 + HOUR);
    desk.crash(&plan);
    assert_eq!(desk.outcome, Some(Outcome::Failed(RunFailure::Step("go".into()))));
}

#[test]
fn a_decision_of_an_earlier_run_is_recorded_with_its_origin() {
    let plan = gated();
    let mut desk = Desk::start(&plan, created(2, Limits::default()));
    let origin = DecisionOrigin { run: RunId::new("earlier"), at: Timestamp(7) };
    let again = |call: &CallId| match prepare(call) {
        Prepared::Ask(asked) => {
            let known = ApprovalDecision { origin: Some(origin.clone()), ..*decision(true) };
            Prepared::Ask(Box::new(Asked { decision: Some(Box::new(known)), ..*asked }))
        }
        other => other,
    };
    let outcome = desk.run_to_rest(&again, &mut |call, _| good(call.step.as_str(), true));
    assert_eq!(outcome, Outcome::Succeeded);
    assert!(!desk.orders.iter().any(|order| matches!(order, Effect::AskPerson { .. })));
    let told = summary(&plan, &desk);
    assert_eq!(told.steps[1].source, Some(StepSource::Approval));
    let approval = told.steps[1].approval.clone().expect("an approval");
    assert_eq!(approval.decision.and_then(|(decision, _)| decision.origin), Some(origin));
}

/// What happens next in a random run.
#[derive(Debug, Clone, Copy)]
enum Act {
    CarryOut { good: bool },
    Yes,
    No,
    Crash,
    Hours(u64),
    Leave,
}

fn acts() -> impl Strategy<Value = Vec<(Act, prop::sample::Index)>> {
    let act = prop_oneof![
        8 => Just(Act::CarryOut { good: true }),
        1 => Just(Act::CarryOut { good: false }),
        3 => Just(Act::Yes),
        1 => Just(Act::No),
        2 => Just(Act::Crash),
        1 => (0_u64..3).prop_map(Act::Hours),
        1 => Just(Act::Leave),
    ];
    prop::collection::vec((act, any::<prop::sample::Index>()), 0..60)
}

/// Steps by kind and the earlier steps they need.
fn plans() -> impl Strategy<Value = Arc<Plan>> {
    let step = (any::<bool>(), prop::collection::vec(any::<prop::sample::Index>(), 0..3));
    prop::collection::vec(step, 1..8).prop_map(|shape| {
        let mut ids: Vec<String> = Vec::new();
        let mut steps = Vec::new();
        for (at, (asks, needs)) in shape.iter().enumerate() {
            let mut needs: Vec<&str> = if at == 0 {
                Vec::new()
            } else {
                needs.iter().map(|need| ids[need.index(at)].as_str()).collect()
            };
            needs.sort_unstable();
            needs.dedup();
            let id = format!("{}{at}", if *asks { "go" } else { "s" });
            steps.push(if *asks { approval_step(&id, &needs) } else { persona_step(&id, &needs) });
            ids.push(id);
        }
        plan(steps)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn nothing_behind_an_approval_starts_without_a_yes(plan in plans(), acts in acts(), attended in any::<bool>()) {
        let mut desk = Desk::start(&plan, created(3, Limits::default()));
        desk.tell(Input::Attended(attended));
        for (act, which) in acts {
            match act {
                Act::CarryOut { good: fine } => {
                    if !desk.orders.is_empty() {
                        let order = desk.orders.remove(which.index(desk.orders.len())).expect("an order");
                        desk.carry_out(order, &prepare, &mut |call, _| {
                            if fine { good(call.step.as_str(), true) } else { failed(FailureClass::Refused) }
                        });
                    }
                }
                Act::Yes | Act::No => {
                    let at = which.index(plan.steps().len());
                    let step: StepPath = plan.steps()[at].id.clone();
                    let approved = matches!(act, Act::Yes);
                    desk.tell(Input::Decide { step, subject: Digest::of("work"), decision: decision(approved) });
                }
                Act::Crash => {
                    if !desk.run.is_finished() {
                        desk.crash(&plan);
                    }
                }
                Act::Hours(hours) => {
                    desk.now = Timestamp(desk.now.0 + hours * HOUR);
                    desk.tell(Input::Tick);
                }
                Act::Leave => desk.tell(Input::Attended(false)),
            }
        }
        for (position, event) in desk.events.iter().enumerate() {
            let begun = match event {
                Event::CallIntent { call, .. } => &call.step,
                Event::ApprovalRequested { step, .. } => step,
                _ => continue,
            };
            for need in &plan.step(begun).expect("known").needs {
                if need.step.as_str().starts_with("go") {
                    let yes = desk.events[..position].iter().any(|event| matches!(
                        event,
                        Event::ApprovalDecided { step, decision } if *step == need.step && decision.approved
                    ));
                    prop_assert!(yes, "{begun} began before {} was approved", need.step);
                }
            }
        }
        // Every prefix folds, and the whole folds to the same state.
        for end in 0..desk.events.len() {
            prop_assert!(Run::replay(Arc::clone(&plan), timed(&desk.events[..end])).is_ok());
        }
        let replayed = Run::replay(Arc::clone(&plan), timed(&desk.events)).expect("events fold");
        for at in 0..plan.steps().len() {
            prop_assert_eq!(replayed.status(at), desk.run.status(at));
            prop_assert_eq!(replayed.asked(at), desk.run.asked(at));
        }
        prop_assert_eq!(replayed.awaits_approval(), desk.run.awaits_approval());
        // With a yes to everything, whatever is left comes to its end.
        desk.now = Timestamp(desk.now.0 + 1);
        for _ in 0..40 {
            if desk.run.is_finished() {
                break;
            }
            desk.crash(&plan);
            rest(&mut desk);
            for step in plan.steps() {
                desk.tell(Input::Decide {
                    step: step.id.clone(),
                    subject: Digest::of("work"),
                    decision: decision(true),
                });
            }
        }
        prop_assert!(desk.run.is_finished(), "{:?}", desk.kinds());
    }

    #[test]
    fn a_process_that_dies_between_two_events_loses_no_decision(cut in any::<prop::sample::Index>(), approved in any::<bool>()) {
        let (plan, mut desk) = waiting();
        desk.tell(says(approved));
        let at = desk.events.iter().position(|event| matches!(event, Event::ApprovalDecided { .. }));
        let first = at.expect("decided") + 1;
        desk.events.truncate(first + cut.index(desk.events.len() - first + 1));
        desk.crash(&plan);
        let outcome = rest(&mut desk);
        if approved {
            prop_assert_eq!(outcome, Outcome::Succeeded);
        } else {
            prop_assert_ne!(outcome, Outcome::Succeeded);
            prop_assert_eq!(desk.run.status(2), StepStatus::Blocked);
        }
    }
}
