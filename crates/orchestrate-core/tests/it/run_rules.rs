//! The rules of a run, one each.

use orchestrate_core::{
    event::{Event, PauseReason, RunFailure, StepSource},
    failure::FailureClass,
    ids::{CallId, Purpose},
    policy::{Cap, Limits},
    run::{Effect, Input, Outcome, Prepared, Run, StepStatus},
};

use crate::support::{Desk, created, failed, good, lost, persona_step, plan, prepared, timed};

fn by_step(call: &CallId) -> Prepared {
    prepared(&call.to_string(), 100)
}

#[test]
fn a_diamond_runs_in_the_order_of_its_needs() {
    let plan = plan(vec![
        persona_step("d", &["b", "c"]),
        persona_step("b", &["a"]),
        persona_step("c", &["a"]),
        persona_step("a", &[]),
    ]);
    let mut desk = Desk::start(&plan, created(4, Limits::default()));
    let mut order = vec![];
    let outcome = desk.run_to_rest(&by_step, &mut |call, _| {
        order.push(call.step.to_string());
        good(call.step.as_str(), true)
    });
    assert_eq!(outcome, Outcome::Succeeded);
    assert_eq!(order, ["a", "b", "c", "d"]);
    assert_eq!(desk.run.ledger().calls(), 4);
    assert_eq!(desk.run.ledger().spent(), 120);
}

#[test]
fn the_intent_and_its_reservation_are_recorded_with_the_order_to_send() {
    let plan = plan(vec![persona_step("a", &[])]);
    let mut desk = Desk::start(&plan, created(1, Limits::default()));
    assert_eq!(desk.kinds(), ["run_created", "session_opened", "run_started"]);
    let orders = desk.take_orders();
    let Effect::Prepare { call } = &orders[0] else { panic!("{orders:?}") };
    desk.tell(Input::Prepared { call: call.clone(), prepared: by_step(call) });
    assert_eq!(desk.kinds()[3..], ["call_prepared", "call_intent"]);
    assert!(matches!(desk.take_orders()[..], [Effect::StartAttempt { attempt: 1, .. }]));
    assert_eq!(desk.run.ledger().reserved(), 100);
}

#[test]
fn no_more_steps_are_begun_than_may_run_at_once() {
    let steps = ["a", "b", "c", "d", "e"].map(|id| persona_step(id, &[]));
    let plan = plan(steps.to_vec());
    let mut desk = Desk::start(&plan, created(2, Limits::default()));
    let orders = desk.take_orders();
    assert_eq!(orders.len(), 2);
    for order in orders {
        desk.carry_out(order, &by_step, &mut |_, _| unreachable!());
    }
    assert_eq!(desk.run.in_flight(), 2);
    let start = desk.orders.pop_front().expect("a start");
    desk.carry_out(start, &by_step, &mut |_, _| good("x", true));
    let prepares = desk.orders.iter().filter(|order| matches!(order, Effect::Prepare { .. }));
    assert_eq!(prepares.count(), 1);
}

#[test]
fn a_passing_failure_is_retried_and_a_fatal_one_ends_the_run_with_nothing_new() {
    let plan = plan(vec![persona_step("a", &[]), persona_step("b", &["a"])]);
    let mut desk = Desk::start(&plan, created(2, Limits::default()));
    let outcome =
        desk.run_to_rest(&by_step, &mut |call, attempt| match (call.step.as_str(), attempt) {
            ("a", 1 | 2) => failed(FailureClass::Unavailable),
            ("a", _) => good("a", true),
            _ => failed(FailureClass::Credentials),
        });
    assert_eq!(outcome, Outcome::Failed(RunFailure::Step("b".into())));
    assert_eq!(desk.calls_sent(Purpose::Draft), 4);
    assert_eq!(desk.kinds().iter().filter(|kind| **kind == "retry_scheduled").count(), 2);
}

#[test]
fn a_failed_run_resumes_at_the_failed_step_and_keeps_what_was_paid() {
    let plan = plan(vec![persona_step("a", &[]), persona_step("b", &["a"])]);
    let mut desk = Desk::start(&plan, created(2, Limits::default()));
    desk.run_to_rest(&by_step, &mut |call, _| match call.step.as_str() {
        "a" => good("a", true),
        _ => failed(FailureClass::NotFound),
    });
    desk.crash(&plan);
    let mut asked = vec![];
    let outcome = desk.run_to_rest(&by_step, &mut |call, attempt| {
        asked.push((call.step.to_string(), attempt));
        good("b", true)
    });
    assert_eq!(outcome, Outcome::Succeeded);
    assert_eq!(asked, [("b".to_owned(), 2)], "attempts of a call are counted over resumes");
}

#[test]
fn an_optional_step_that_fails_counts_as_met() {
    let mut optional = persona_step("a", &[]);
    optional.optional = true;
    let plan = plan(vec![optional, persona_step("b", &["a"])]);
    let mut desk = Desk::start(&plan, created(2, Limits::default()));
    let outcome = desk.run_to_rest(&by_step, &mut |call, _| match call.step.as_str() {
        "a" => failed(FailureClass::Refused),
        _ => good("b", true),
    });
    assert_eq!(outcome, Outcome::Succeeded);
    assert_eq!(desk.run.result(0), None);
}

#[test]
fn a_missing_brief_costs_one_small_call_where_somebody_relies_on_it() {
    let plan = plan(vec![persona_step("a", &[]), persona_step("b", &["a"])]);
    let mut desk = Desk::start(&plan, created(1, Limits::default()));
    let outcome = desk.run_to_rest(&by_step, &mut |call, _| match call.purpose {
        Purpose::Draft => good(call.step.as_str(), false),
        _ => good("summary", true),
    });
    assert_eq!(outcome, Outcome::Succeeded);
    assert_eq!(desk.calls_sent(Purpose::Brief), 1, "nobody relies on b");
    let (deliverable, brief) = desk.run.result(0).expect("finished");
    assert_eq!(
        deliverable,
        orchestrate_core::ids::Digest::of("a"),
        "the draft stays the deliverable"
    );
    assert!(brief.is_some());
}

#[test]
fn a_brief_that_cannot_be_had_does_not_cost_the_draft() {
    for class in [FailureClass::Refused, FailureClass::Credentials] {
        let plan = plan(vec![persona_step("a", &[]), persona_step("b", &["a"])]);
        let mut desk = Desk::start(&plan, created(1, Limits::default()));
        let outcome = desk.run_to_rest(&by_step, &mut |call, _| match call.purpose {
            Purpose::Draft => good(call.step.as_str(), false),
            _ => failed(class),
        });
        assert_eq!(outcome, Outcome::Succeeded);
        assert_eq!(desk.run.result(0).expect("finished").1, None);
    }
}

#[test]
fn equal_calls_in_flight_are_made_once() {
    let plan =
        plan(vec![persona_step("a", &[]), persona_step("b", &[]), persona_step("c", &["a", "b"])]);
    let mut desk = Desk::start(&plan, created(4, Limits::default()));
    let same = |call: &CallId| match call.step.as_str() {
        "c" => prepared("c", 100),
        _ => prepared("same", 100),
    };
    let outcome = desk.run_to_rest(&same, &mut |_, _| good("x", true));
    assert_eq!(outcome, Outcome::Succeeded);
    assert_eq!(desk.calls_sent(Purpose::Draft), 2);
    let sources: Vec<StepSource> = desk
        .events
        .iter()
        .filter_map(|event| match event {
            Event::StepSucceeded { source, .. } => Some(*source),
            _ => None,
        })
        .collect();
    assert_eq!(
        sources,
        [StepSource::Call, StepSource::Reuse, StepSource::Call].map(|source| source)
    );
}

#[test]
fn when_the_one_that_asks_fails_the_next_one_asks() {
    let mut first = persona_step("a", &[]);
    first.optional = true;
    let plan = plan(vec![first, persona_step("b", &[])]);
    let mut desk = Desk::start(&plan, created(4, Limits::default()));
    let outcome =
        desk.run_to_rest(&|_| prepared("same", 1), &mut |call, _| match call.step.as_str() {
            "a" => failed(FailureClass::Refused),
            _ => good("b", true),
        });
    assert_eq!(outcome, Outcome::Succeeded);
    assert_eq!(desk.calls_sent(Purpose::Draft), 2);
}

#[test]
fn a_call_cap_ends_the_run_before_the_call_and_a_higher_one_lets_it_go_on() {
    let plan =
        plan(vec![persona_step("a", &[]), persona_step("b", &["a"]), persona_step("c", &["b"])]);
    let limits = Limits { max_calls: Some(2), ..Limits::default() };
    let mut desk = Desk::start(&plan, created(1, limits));
    let outcome = desk.run_to_rest(&by_step, &mut |call, _| good(call.step.as_str(), true));
    assert_eq!(outcome, Outcome::Failed(RunFailure::Budget(Cap::Calls)));
    assert_eq!(desk.calls_sent(Purpose::Draft), 2);
    let more = Limits { max_calls: Some(3), ..Limits::default() };
    desk.outcome = None;
    desk.tell(Input::Resume { limits: Some(more) });
    let outcome = desk.run_to_rest(&by_step, &mut |call, _| good(call.step.as_str(), true));
    assert_eq!(outcome, Outcome::Succeeded);
    assert_eq!(desk.calls_sent(Purpose::Draft), 3);
}

#[test]
fn a_token_cap_is_never_passed_by_what_is_reserved() {
    let steps: Vec<_> = ["a", "b", "c", "d"].iter().map(|id| persona_step(id, &[])).collect();
    let plan = plan(steps);
    let limits = Limits { max_tokens: Some(220), ..Limits::default() };
    let mut desk = Desk::start(&plan, created(4, limits));
    let outcome = desk.run_to_rest(&by_step, &mut |call, _| good(call.step.as_str(), true));
    assert_eq!(outcome, Outcome::Succeeded, "reservations given back are used again");
    let tight = Limits { max_tokens: Some(150), ..Limits::default() };
    let mut desk = Desk::start(&plan, created(4, tight));
    let outcome = desk.run_to_rest(&by_step, &mut |call, _| good(call.step.as_str(), true));
    assert_eq!(outcome, Outcome::Failed(RunFailure::Budget(Cap::Tokens)));
    assert!(desk.run.ledger().spent() <= 150);
}

#[test]
fn equal_briefs_that_the_budget_forbids_are_all_given_up() {
    let plan =
        plan(vec![persona_step("a", &[]), persona_step("b", &[]), persona_step("c", &["a", "b"])]);
    let limits = Limits { max_tokens: Some(170), ..Limits::default() };
    let mut desk = Desk::start(&plan, created(4, limits));
    // Drafts differ and cost 30 tokens each; their briefs are one and the same call.
    let prepare = |call: &CallId| match call.purpose {
        Purpose::Draft => prepared(call.step.as_str(), 1),
        _ => prepared("brief", 100),
    };
    let outcome = desk.run_to_rest(&prepare, &mut |call, attempt| match (call.purpose, attempt) {
        (Purpose::Draft, _) => good(call.step.as_str(), call.step.as_str() == "c"),
        // Its reservation is kept as spent, so that the second attempt is beyond the cap.
        _ => lost(),
    });
    assert_eq!(outcome, Outcome::Succeeded);
    assert_eq!(desk.calls_sent(Purpose::Brief), 1);
}

#[test]
fn an_answer_that_arrived_before_a_crash_answers_whoever_asks_the_same_after_it() {
    let plan = plan(vec![persona_step("a", &[]), persona_step("b", &[])]);
    let mut desk = Desk::start(&plan, created(1, Limits::default()));
    let same = |_: &CallId| prepared("same", 100);
    while desk.run.result(0).is_none() {
        let order = desk.orders.pop_front().expect("an order");
        desk.carry_out(order, &same, &mut |_, _| good("x", true));
    }
    desk.crash(&plan);
    let outcome = desk.run_to_rest(&same, &mut |_, _| panic!("nobody has to be asked again"));
    assert_eq!(outcome, Outcome::Succeeded);
    assert_eq!(desk.calls_sent(Purpose::Draft), 1);
}

#[test]
fn a_token_cap_given_at_resume_makes_waiting_calls_be_evaluated_again() {
    let plan = plan(vec![persona_step("a", &[]), persona_step("b", &["a"])]);
    let mut desk =
        Desk::start(&plan, created(1, Limits { max_calls: Some(0), ..Limits::default() }));
    let outcome = desk.run_to_rest(&by_step, &mut |_, _| unreachable!());
    assert_eq!(outcome, Outcome::Failed(RunFailure::Budget(Cap::Calls)));
    assert_eq!(desk.run.status(0), StepStatus::Prepared);
    desk.outcome = None;
    desk.tell(Input::Resume {
        limits: Some(Limits { max_tokens: Some(1_000), ..Limits::default() }),
    });
    let again = desk.take_orders();
    assert!(matches!(&again[..], [Effect::Prepare { call }] if call.step.as_str() == "a"));
    desk.orders.extend(again);
    let outcome = desk.run_to_rest(&by_step, &mut |call, _| good(call.step.as_str(), true));
    assert_eq!(outcome, Outcome::Succeeded);
    assert_eq!(desk.calls_sent(Purpose::Draft), 2);
}

#[test]
fn steps_that_wait_for_tokens_are_not_looked_at_again_and_again() {
    let looks = |count: usize| {
        let steps = (0..count).map(|at| persona_step(&format!("s{at}"), &[]));
        let plan = plan(steps.collect());
        // One call at a time fits under the cap, which all of them together do not reach.
        let limits = Limits { max_tokens: Some(31 * count as u64 + 100), ..Limits::default() };
        let mut desk = Desk::start(&plan, created(u32::MAX, limits));
        let prepare = |call: &CallId| prepared(&call.to_string(), 31 * count as u64);
        let outcome = desk.run_to_rest(&prepare, &mut |call, _| good(call.step.as_str(), true));
        assert!(matches!(outcome, Outcome::Failed(_) | Outcome::Succeeded));
        (desk.run.touches(), desk.calls_sent(Purpose::Draft))
    };
    let ((small, _), (large, _)) = (looks(20), looks(400));
    assert!(large <= small * 20 * 2, "{large} looks for 400 steps, {small} for 20");
}

#[test]
fn an_interrupt_lets_paid_calls_finish_and_starts_nothing_new() {
    let plan = plan(vec![persona_step("a", &[]), persona_step("b", &["a"])]);
    let mut desk = Desk::start(&plan, created(2, Limits::default()));
    let prepare = desk.orders.pop_front().expect("prepare a");
    desk.carry_out(prepare, &by_step, &mut |_, _| unreachable!());
    let start = desk.orders.pop_front().expect("start a");
    desk.tell(Input::Interrupt);
    assert_eq!(desk.outcome, None, "a call is in flight");
    desk.carry_out(start, &by_step, &mut |_, _| good("a", true));
    assert_eq!(desk.outcome, Some(Outcome::Paused(PauseReason::Interrupted)));
    assert_eq!(desk.run.status(0), StepStatus::Succeeded);
    assert_eq!(desk.run.status(1), StepStatus::Ready);
    assert_eq!(desk.calls_sent(Purpose::Draft), 1);
}

#[test]
fn a_full_disk_lets_paid_calls_finish_and_says_why_the_run_stopped() {
    let plan = plan(vec![persona_step("a", &[]), persona_step("b", &["a"])]);
    let mut desk = Desk::start(&plan, created(2, Limits::default()));
    let prepare = desk.orders.pop_front().expect("prepare a");
    desk.carry_out(prepare, &by_step, &mut |_, _| unreachable!());
    let start = desk.orders.pop_front().expect("start a");
    desk.tell(Input::DiskFull);
    desk.carry_out(start, &by_step, &mut |_, _| good("a", true));
    assert_eq!(desk.outcome, Some(Outcome::Paused(PauseReason::DiskFull)));
    assert_eq!(desk.run.status(1), StepStatus::Ready);
}

#[test]
fn an_abort_records_what_was_in_flight_as_unknown_and_keeps_its_reservation_spent() {
    let plan = plan(vec![persona_step("a", &[])]);
    let mut desk = Desk::start(&plan, created(2, Limits::default()));
    let prepare = desk.orders.pop_front().expect("prepare a");
    desk.carry_out(prepare, &by_step, &mut |_, _| unreachable!());
    let late = desk.orders.pop_front().expect("start a");
    desk.tell(Input::Abort);
    assert_eq!(desk.outcome, Some(Outcome::Paused(PauseReason::Interrupted)));
    assert_eq!(desk.run.ledger().spent(), 100);
    let before = desk.events.len();
    desk.carry_out(late, &by_step, &mut |_, _| good("too late", true));
    assert_eq!(desk.events.len(), before, "news of an attempt that was given up is ignored");
}

#[test]
fn a_journal_that_contradicts_itself_is_refused() {
    let plan = plan(vec![persona_step("a", &[]), persona_step("b", &["a"])]);
    let mut desk = Desk::start(&plan, created(2, Limits::default()));
    desk.run_to_rest(&by_step, &mut |call, _| good(call.step.as_str(), true));
    assert!(Run::replay(std::sync::Arc::clone(&plan), timed(&desk.events)).is_ok());
    let mut damaged = desk.events.clone();
    let intent = damaged.iter().position(|event| event.kind() == "call_intent").expect("an intent");
    damaged.remove(intent);
    let error = Run::replay(plan, timed(&damaged)).expect_err("a success without an intent");
    assert_eq!(
        error.to_string(),
        "event `call_succeeded` cannot happen to step `a`, which is Prepared"
    );
}

#[test]
fn deciding_costs_the_same_per_step_in_a_plan_a_hundred_times_as_large() {
    let looks = |count: usize| {
        let ids: Vec<String> = (0..count).map(|at| format!("s{at}")).collect();
        let steps = (0..count).map(|at| {
            let needs: Vec<&str> = if at < 10 { vec![] } else { vec![&ids[at - 10], &ids[at - 7]] };
            persona_step(&ids[at], &needs)
        });
        let plan = plan(steps.collect());
        let mut desk = Desk::start(&plan, created(16, Limits::default()));
        let outcome = loop {
            let Some(order) = desk.orders.pop_front() else { break desk.outcome.clone() };
            desk.carry_out(order, &by_step, &mut |call, _| good(call.step.as_str(), true));
        };
        assert_eq!(outcome, Some(Outcome::Succeeded));
        desk.run.touches()
    };
    let (small, large) = (looks(100), looks(10_000));
    // A tenth more per step is allowed for, since the first ten steps have no needs.
    assert!(large * 10 <= small * 100 * 11, "{large} looks for 10,000 steps, {small} for 100");
}
