//! What follows where attempts fail: retries and their budget, the breaker, other models, unknown calls.

use std::sync::Arc;

use orchestrate_core::{
    event::{Event, LossCause, PauseReason, RunCreated},
    failure::{Billed, Failure, FailureClass},
    ids::{CallId, Digest},
    lanes::{Quota, ServerLimits, SlowCause},
    plan::{Action, Plan, Step},
    policy::{Limits, OnUnknown},
    request::{Identity, ModelRef},
    run::{AttemptOutcome, Effect, Input, Outcome, Prepared, Run},
};

use crate::support::{Desk, created, failed, good, lost, persona_step, plan, prepared, timed};

fn model(name: &str) -> ModelRef {
    name.parse().expect("a model")
}

fn steps(count: usize) -> Arc<Plan> {
    plan((0..count).map(|at| persona_step(&format!("s{at}"), &[])).collect())
}

/// A run whose only model has another one behind it.
fn with_fallback(concurrency: u32) -> Box<RunCreated> {
    let mut created = created(concurrency, Limits::default());
    created.fallbacks = vec![model("other:model")];
    created
}

/// Prepares a call for the model that the run has it at, as a driver does.
fn prepare(desk: &mut Desk, call: CallId) {
    let instance = desk.run.instance(&call.step).expect("an instance");
    let asked = desk.run.model(instance).expect("a model").clone();
    let identity = Identity(Digest::of(format!("{} of {asked}", call.step)));
    let Prepared::Call { call: mut one, reuse } = prepared("x", 400) else { unreachable!() };
    (one.model, one.identity) = (asked, identity);
    desk.tell(Input::Prepared { call, prepared: Prepared::Call { call: one, reuse } });
}

/// Carries everything out until the run rests; the answer is made from call, attempt and model.
fn drive(
    desk: &mut Desk,
    answer: &mut dyn FnMut(&CallId, u32, &ModelRef) -> AttemptOutcome,
) -> Outcome {
    for _ in 0..10_000 {
        let Some(order) = desk.orders.pop_front() else { break };
        match order {
            Effect::Prepare { call } => prepare(desk, call),
            Effect::StartAttempt { call, attempt, .. } => {
                let instance = desk.run.instance(&call.step).expect("an instance");
                let asked = desk.run.prepared(instance).expect("a call").model.clone();
                let outcome = answer(&call, attempt, &asked);
                desk.tell(Input::AttemptEnded { call, attempt, outcome });
            }
            Effect::WakeAt(at) => {
                desk.now = desk.now.max(at);
                desk.tell(Input::Tick);
            }
            Effect::AskPerson { .. } | Effect::Finish(_) => {}
        }
    }
    desk.outcome.clone().expect("the run came to rest")
}

fn asks_to_wait(wait_ms: u64) -> AttemptOutcome {
    AttemptOutcome::Failed {
        failure: Failure::new(FailureClass::RateLimited, "scripted"),
        billed: Billed::No,
        usage: None,
        retry_after_ms: Some(wait_ms),
        partial: None,
    }
}

fn failure_of(desk: &Desk) -> Failure {
    let failed = desk.events.iter().rev().find_map(|event| match event {
        Event::StepFailed { failure, .. } => Some(failure.clone()),
        _ => None,
    });
    failed.expect("a step failed")
}

fn count(desk: &Desk, kind: &str) -> usize {
    desk.events.iter().filter(|event| event.kind() == kind).count()
}

#[test]
fn a_server_that_fails_half_the_time_is_not_asked_twice_for_everything() {
    let mut desk = Desk::start(&steps(20), created(1, Limits::default()));
    let outcome = drive(&mut desk, &mut |call, attempt, _| {
        if attempt == 1 {
            failed(FailureClass::Unavailable)
        } else {
            good(call.step.as_str(), true)
        }
    });
    assert!(matches!(outcome, Outcome::Failed(_)), "{outcome:?}");
    // Three, and a tenth of twenty.
    assert_eq!(count(&desk, "retry_scheduled"), 5);
    let message = failure_of(&desk).message;
    assert_eq!(
        message,
        "scripted; not tried again, since 5 retries are enough for a run of 20 calls"
    );
    desk.tell(Input::Resume { limits: None });
    let outcome = drive(&mut desk, &mut |call, _, _| good(call.step.as_str(), true));
    assert_eq!(outcome, Outcome::Succeeded, "a resumed run has a new budget");
}

#[test]
fn calls_that_fail_together_cost_the_budget_one_retry() {
    let mut desk = Desk::start(&steps(8), created(8, Limits::default()));
    let mut sent = vec![];
    while let Some(order) = desk.orders.pop_front() {
        match order {
            Effect::Prepare { call } => prepare(&mut desk, call),
            Effect::StartAttempt { call, attempt, .. } => sent.push((call, attempt)),
            _ => {}
        }
    }
    assert_eq!(sent.len(), 8);
    for (call, attempt) in sent {
        let outcome = failed(FailureClass::Connect);
        desk.tell(Input::AttemptEnded { call, attempt, outcome });
    }
    let counted = desk
        .events
        .iter()
        .filter(|event| matches!(event, Event::RetryScheduled { counted: true, .. }));
    assert_eq!((counted.count(), count(&desk, "retry_scheduled")), (1, 8));
    let outcome = drive(&mut desk, &mut |call, _, _| good(call.step.as_str(), true));
    assert_eq!(outcome, Outcome::Succeeded);
}

#[test]
fn a_provider_that_is_down_is_tried_one_call_at_a_time() {
    let mut desk = Desk::start(&steps(8), created(8, Limits::default()));
    let outcome = drive(&mut desk, &mut |_, _, _| failed(FailureClass::Unavailable));
    assert!(matches!(outcome, Outcome::Failed(_)));
    let told = desk.events.iter().find_map(|event| match event {
        Event::LaneSlowed { cause, at_a_time, .. } => Some((*cause, *at_a_time)),
        _ => None,
    });
    assert_eq!(told, Some((SlowCause::Failing, 1)));
}

#[test]
fn where_a_model_cannot_be_had_the_next_one_of_its_chain_answers_under_its_own_name() {
    let mut desk = Desk::start(&steps(1), with_fallback(1));
    let outcome = drive(&mut desk, &mut |call, _, asked| match asked.provider.as_str() {
        "test" => failed(FailureClass::Unavailable),
        _ => good(call.step.as_str(), true),
    });
    assert_eq!(outcome, Outcome::Succeeded);
    let asked: Vec<String> = desk
        .events
        .iter()
        .filter_map(|event| match event {
            Event::CallPrepared { prepared, .. } => Some(prepared.model.to_string()),
            _ => None,
        })
        .collect();
    assert_eq!(asked, ["test:model", "other:model"]);
    assert_eq!(count(&desk, "model_fell_back"), 1);
    let replayed = Run::replay(Arc::clone(desk.run.plan()), timed(&desk.events)).expect("it folds");
    assert_eq!(replayed.result(0), desk.run.result(0));
}

#[test]
fn what_is_wrong_with_the_request_is_wrong_for_every_model() {
    for class in [
        FailureClass::BadRequest,
        FailureClass::Credentials,
        FailureClass::Refused,
        FailureClass::ContextTooLong,
        FailureClass::NotFound,
    ] {
        let mut desk = Desk::start(&steps(1), with_fallback(1));
        let outcome = drive(&mut desk, &mut |_, _, _| failed(class));
        assert!(matches!(outcome, Outcome::Failed(_)));
        assert_eq!(count(&desk, "model_fell_back"), 0, "{class:?}");
    }
}

#[test]
fn a_wait_beyond_patience_sends_everybody_to_the_next_model() {
    let mut desk = Desk::start(&steps(6), with_fallback(2));
    let mut first = 0;
    let outcome = drive(&mut desk, &mut |call, _, asked| {
        if asked.provider == "test" {
            first += 1;
            return asks_to_wait(7_200_000);
        }
        good(call.step.as_str(), true)
    });
    assert_eq!(outcome, Outcome::Succeeded);
    assert!(first <= 2, "{first} calls went to a model that is closed for two hours");
    assert_eq!(count(&desk, "model_fell_back"), 6);
}

#[test]
fn a_wait_beyond_patience_is_told_with_the_time_from_which_it_makes_sense() {
    let mut desk = Desk::start(&steps(1), created(1, Limits::default()));
    let start = desk.now;
    let outcome = drive(&mut desk, &mut |_, _, _| asks_to_wait(7_200_000));
    assert!(matches!(outcome, Outcome::Failed(_)));
    let failure = failure_of(&desk);
    assert_eq!(
        failure.message,
        "scripted; the provider asks to wait 2 h, and a run waits 2 min at most"
    );
    assert_eq!(failure.not_before.map(|at| at.since(start).as_secs()), Some(7_200));
}

#[test]
fn what_is_left_of_a_servers_limit_is_not_overdrawn() {
    let mut desk = Desk::start(&steps(14), created(4, Limits::default()));
    let mut sent_at = vec![];
    let mut heard = false;
    for _ in 0..1_000 {
        let Some(order) = desk.orders.pop_front() else { break };
        match order {
            Effect::Prepare { call } => prepare(&mut desk, call),
            Effect::StartAttempt { call, attempt, .. } => {
                sent_at.push(desk.now.0);
                if !std::mem::replace(&mut heard, true) {
                    let left = Quota { limit: None, remaining: 5, reset_ms: 30_000 };
                    let limits = ServerLimits { requests: Some(left), tokens: None };
                    desk.tell(Input::LimitsHeard { call: call.clone(), limits });
                }
                let outcome = good(call.step.as_str(), true);
                desk.tell(Input::AttemptEnded { call, attempt, outcome });
            }
            Effect::WakeAt(at) => {
                desk.now = desk.now.max(at);
                desk.tell(Input::Tick);
            }
            _ => {}
        }
    }
    assert_eq!(desk.outcome, Some(Outcome::Succeeded));
    let at_once = sent_at.iter().filter(|&&at| at == sent_at[0]).count();
    assert!(at_once <= 4 + 5, "{sent_at:?}");
    assert!(sent_at.last() >= Some(&(sent_at[0] + 30_000)), "{sent_at:?}");
    assert!(
        desk.events
            .iter()
            .any(|event| matches!(event, Event::LaneSlowed { cause: SlowCause::Quota, .. }))
    );
}

/// One step whose calls are tried this often.
fn tried(attempts: u16) -> Arc<Plan> {
    let Step { action, .. } = persona_step("a", &[]);
    let Action::Persona(mut action) = action else { unreachable!() };
    action.attempts = Some(attempts);
    plan(vec![Step { action: Action::Persona(action), ..persona_step("a", &[]) }])
}

#[test]
fn a_workflow_lowers_how_often_a_call_is_tried() {
    for (attempts, sent) in [(1, 1), (3, 3), (4, 4), (9, 4)] {
        let mut desk = Desk::start(&tried(attempts), created(1, Limits::default()));
        let outcome = drive(&mut desk, &mut |_, _, _| failed(FailureClass::Unavailable));
        assert!(matches!(outcome, Outcome::Failed(_)));
        assert_eq!(count(&desk, "call_intent"), sent, "retry: {attempts}");
        let told = failure_of(&desk).message;
        let says = format!("scripted; not tried again, as `retry: {attempts}` says");
        assert_eq!(told, if attempts < 4 { says } else { "scripted".to_owned() });
    }
}

#[test]
fn where_no_call_is_repeated_another_model_and_another_request_may_still_be_tried() {
    let mut desk = Desk::start(&tried(1), with_fallback(1));
    let outcome = drive(&mut desk, &mut |_, _, asked| {
        if *asked == model("other:model") { good("a", true) } else { lost() }
    });
    assert_eq!(outcome, Outcome::Succeeded);
    assert_eq!((count(&desk, "call_intent"), count(&desk, "retry_scheduled")), (2, 0));

    let mut desk = Desk::start(&tried(1), created(1, Limits::default()));
    let outcome = drive(&mut desk, &mut |_, attempt, _| {
        if attempt == 1 { failed(FailureClass::Unsupported) } else { good("a", true) }
    });
    assert_eq!(outcome, Outcome::Succeeded);
}

#[test]
fn what_a_crash_interrupted_is_taken_up_where_no_call_is_repeated() {
    let plan = tried(1);
    let mut desk = Desk::start(&plan, created(1, Limits::default()));
    while let Some(order) = desk.orders.pop_front() {
        if let Effect::Prepare { call } = order {
            prepare(&mut desk, call);
        }
    }
    desk.crash(&plan);
    assert_eq!(drive(&mut desk, &mut |_, _, _| good("a", true)), Outcome::Succeeded);
    assert_eq!(count(&desk, "call_intent"), 2);
}

fn unknown_step(on_unknown: OnUnknown) -> Arc<Plan> {
    let Step { action, .. } = persona_step("a", &[]);
    let Action::Persona(mut action) = action else { unreachable!() };
    action.on_unknown = on_unknown;
    plan(vec![Step { action: Action::Persona(action), ..persona_step("a", &[]) }])
}

#[test]
fn a_call_that_nobody_knows_of_is_made_again_where_the_workflow_says_nothing() {
    let mut desk = Desk::start(&unknown_step(OnUnknown::Retry), created(1, Limits::default()));
    let outcome = drive(&mut desk, &mut |_, attempt, _| {
        if attempt == 1 { lost() } else { good("a", true) }
    });
    assert_eq!(outcome, Outcome::Succeeded);
}

#[test]
fn on_unknown_fail_fails_the_step_and_a_resume_makes_the_call_again() {
    let mut desk = Desk::start(&unknown_step(OnUnknown::Fail), created(1, Limits::default()));
    let outcome = drive(&mut desk, &mut |_, _, _| lost());
    assert!(matches!(outcome, Outcome::Failed(_)));
    assert!(failure_of(&desk).message.contains("nobody knows whether it was answered"));
    desk.outcome = None;
    desk.tell(Input::Resume { limits: None });
    assert_eq!(drive(&mut desk, &mut |_, _, _| good("a", true)), Outcome::Succeeded);
}

#[test]
fn on_unknown_ask_stops_the_run_until_somebody_resumes_it_after_a_crash_too() {
    let plan = unknown_step(OnUnknown::Ask);
    let mut desk = Desk::start(&plan, created(1, Limits::default()));
    while let Some(order) = desk.orders.pop_front() {
        if let Effect::Prepare { call } = order {
            prepare(&mut desk, call);
        }
    }
    assert_eq!(desk.run.in_flight(), 1);
    desk.crash(&plan);
    assert_eq!(desk.outcome, Some(Outcome::Paused(PauseReason::CallUnknown)));
    let lost = desk
        .events
        .iter()
        .any(|event| matches!(event, Event::CallUnknown { cause: LossCause::ProcessEnded, .. }));
    assert!(lost);
    // Whoever resumes it now has been told.
    desk.crash(&plan);
    assert_eq!(drive(&mut desk, &mut |_, _, _| good("a", true)), Outcome::Succeeded);
    assert_eq!(count(&desk, "call_intent"), 2);
}

#[test]
fn where_it_pays_one_call_goes_first_and_warms_the_cache_for_the_others() {
    let mut desk = Desk::start(&steps(6), created(6, Limits::default()));
    let mut in_flight = vec![];
    let mut most_before_the_first_answer = 0;
    let mut answered = 0;
    for _ in 0..1_000 {
        if let Some(order) = desk.orders.pop_front() {
            match order {
                Effect::Prepare { call } => {
                    let Prepared::Call { call: mut one, reuse } = prepared(call.step.as_str(), 9)
                    else {
                        unreachable!()
                    };
                    one.warm_first = Some(Digest::of("the same beginning"));
                    desk.tell(Input::Prepared {
                        call,
                        prepared: Prepared::Call { call: one, reuse },
                    });
                }
                Effect::StartAttempt { call, attempt, .. } => {
                    in_flight.push((call, attempt));
                    if answered == 0 {
                        most_before_the_first_answer = in_flight.len();
                    }
                }
                _ => {}
            }
        } else if let Some((call, attempt)) = in_flight.pop() {
            answered += 1;
            let outcome = good(call.step.as_str(), true);
            desk.tell(Input::AttemptEnded { call, attempt, outcome });
        }
    }
    assert_eq!((most_before_the_first_answer, answered), (1, 6));
    assert_eq!(desk.outcome, Some(Outcome::Succeeded));
}
