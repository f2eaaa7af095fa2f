//! Properties of a run under random plans, outcomes and crashes.

use std::{collections::BTreeMap, sync::Arc};

use orchestrate_core::{
    event::Event,
    failure::{Failure, FailureClass},
    ids::{CallId, Purpose, StepPath},
    plan::Plan,
    policy::Limits,
    run::{AttemptOutcome, Effect, Prepared, Run, StepStatus},
};
use proptest::prelude::*;

use crate::support::{Desk, created, earlier, failed, good, persona_step, plan, prepared, timed};

/// Steps by the positions of the earlier steps they need, and whether they are optional.
fn plans() -> impl Strategy<Value = Arc<Plan>> {
    prop::collection::vec(
        (prop::collection::vec(any::<prop::sample::Index>(), 0..3), any::<bool>()),
        1..12,
    )
    .prop_map(|shape| {
        let ids: Vec<StepPath> =
            (0..shape.len()).map(|at| StepPath::new(format!("s{at}"))).collect();
        let steps = shape.iter().enumerate().map(|(at, (needs, optional))| {
            let mut step = persona_step(ids[at].as_str(), &earlier(&ids, at, needs));
            step.optional = *optional;
            step
        });
        plan(steps.collect())
    })
}

/// What happens to one order.
#[derive(Debug, Clone, Copy)]
enum Fate {
    Good,
    GoodWithoutBrief,
    Fails(FailureClass),
    Invalid,
    Crash,
}

fn fates() -> impl Strategy<Value = Vec<(Fate, prop::sample::Index)>> {
    let fate = prop_oneof![
        8 => Just(Fate::Good),
        2 => Just(Fate::GoodWithoutBrief),
        2 => Just(Fate::Fails(FailureClass::Unavailable)),
        1 => Just(Fate::Fails(FailureClass::Refused)),
        1 => Just(Fate::Invalid),
        1 => Just(Fate::Crash),
    ];
    prop::collection::vec((fate, any::<prop::sample::Index>()), 0..80)
}

fn prepare(call: &CallId) -> Prepared {
    // Every third step asks the same as another one.
    let step = call.step.as_str();
    let asks = if step.ends_with(['3', '6', '9']) { "shared".to_owned() } else { step.to_owned() };
    prepared(&format!("{asks}#{:?}", call.purpose), 50)
}

fn check_invariants(desk: &Desk, plan: &Plan, concurrency: usize) {
    assert!(desk.run.in_flight() <= concurrency, "more calls in flight than allowed");
    let mut finished: BTreeMap<StepPath, bool> = BTreeMap::new();
    let mut answered: BTreeMap<String, usize> = BTreeMap::new();
    for event in &desk.events {
        match event {
            Event::CallIntent { call, .. } => {
                let step = plan.step(&call.step).expect("a known step");
                for need in &step.needs {
                    assert!(
                        finished.contains_key(&need.step),
                        "{call} was sent before {} was finished",
                        need.step
                    );
                }
                assert!(
                    !finished.contains_key(&call.step),
                    "{call} was sent after its step was finished"
                );
                assert!(!answered.contains_key(&call.to_string()), "{call} was bought twice");
            }
            Event::CallSucceeded { call, .. } => {
                *answered.entry(call.to_string()).or_default() += 1;
            }
            Event::StepSucceeded { step, .. } | Event::StepFailed { step, optional: true, .. } => {
                assert!(finished.insert(step.clone(), true).is_none(), "{step} finished twice");
            }
            _ => {}
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn every_run_ends_and_breaks_no_rule(
        plan in plans(),
        fates in fates(),
        concurrency in 1_u32..5,
        max_calls in prop::option::of(1_u64..30),
        max_tokens in prop::option::of(50_u64..600),
    ) {
        let limits = Limits { max_calls, max_tokens, ..Limits::default() };
        let mut desk = Desk::start(&plan, created(concurrency, limits));
        let mut fates = fates.into_iter();
        for _ in 0..2_000 {
            if desk.orders.is_empty() {
                break;
            }
            let (fate, at) = match fates.next() {
                Some((fate, which)) => (fate, which.index(desk.orders.len())),
                None => (Fate::Good, 0),
            };
            let order = desk.orders.remove(at).expect("an order");
            match fate {
                Fate::Crash => {
                    if !desk.run.is_finished() {
                        desk.crash(&plan);
                    }
                }
                Fate::Invalid => desk.carry_out(
                    order,
                    &|_| Prepared::Invalid(Failure::new(FailureClass::Preparation, "scripted")),
                    &mut |_, _| failed(FailureClass::Connect),
                ),
                Fate::Good | Fate::GoodWithoutBrief | Fate::Fails(_) => {
                    desk.carry_out(order, &prepare, &mut |call, _| outcome(fate, call));
                }
            }
            check_invariants(&desk, &plan, concurrency as usize);
        }
        prop_assert!(desk.outcome.is_some(), "the run neither rests nor asks for anything: {:?}", desk.kinds());
        if let Some(cap) = max_calls {
            prop_assert!(desk.run.ledger().calls() <= cap);
        }
        if let Some(cap) = max_tokens {
            prop_assert!(desk.run.ledger().spent() <= cap);
        }

        // The recorded events, and every prefix of them, fold to a state; the whole to the same state.
        let replayed = Run::replay(Arc::clone(&plan), timed(&desk.events)).expect("events fold");
        for position in 0..plan.steps().len() {
            prop_assert_eq!(replayed.status(position), desk.run.status(position));
            prop_assert_eq!(replayed.result(position), desk.run.result(position));
        }
        prop_assert_eq!(replayed.ledger(), desk.run.ledger());
        for end in 0..desk.events.len() {
            prop_assert!(Run::replay(Arc::clone(&plan), timed(&desk.events[..end])).is_ok());
        }
    }

    #[test]
    fn a_run_that_is_killed_at_any_event_still_finishes(plan in plans(), cut in any::<prop::sample::Index>()) {
        let mut desk = Desk::start(&plan, created(3, Limits::default()));
        desk.run_to_rest(&prepare, &mut |call, _| outcome(Fate::GoodWithoutBrief, call));
        // The run exists once its creation is durable; a process may die after any later event.
        let cut = 1 + cut.index(desk.events.len());
        let whole = desk.calls_sent(Purpose::Draft) + desk.calls_sent(Purpose::Brief);
        desk.events.truncate(cut.min(desk.events.len()));
        let interrupted = Run::replay(Arc::clone(&plan), timed(&desk.events)).expect("events fold").in_flight();
        desk.crash(&plan);
        if !desk.run.is_finished() {
            desk.run_to_rest(&prepare, &mut |call, _| outcome(Fate::GoodWithoutBrief, call));
        }
        for position in 0..plan.steps().len() {
            prop_assert_eq!(desk.run.status(position), StepStatus::Succeeded);
        }
        let sent = desk.calls_sent(Purpose::Draft) + desk.calls_sent(Purpose::Brief);
        // What only an equal call of this very process knew is asked again; each such call is a step's own.
        prop_assert!(sent <= whole + interrupted + shared(&plan), "{} > {} + {}", sent, whole, interrupted);
    }
}

fn shared(plan: &Plan) -> usize {
    2 * plan.steps().iter().filter(|step| step.id.as_str().ends_with(['3', '6', '9'])).count()
}

fn outcome(fate: Fate, call: &CallId) -> AttemptOutcome {
    match fate {
        Fate::Fails(class) => failed(class),
        Fate::GoodWithoutBrief => good(call.step.as_str(), call.purpose == Purpose::Brief),
        Fate::Good | Fate::Invalid | Fate::Crash => good(call.step.as_str(), true),
    }
}

#[test]
fn an_order_is_only_given_after_its_reason_is_recorded() {
    // Whoever carries orders out before recording the events of the same decisions breaks the promise;
    // here the decisions themselves are checked: each start has its intent among the recorded events.
    let plan = plan(vec![persona_step("a", &[]), persona_step("b", &["a"])]);
    let mut desk = Desk::start(&plan, created(1, Limits::default()));
    while let Some(order) = desk.orders.pop_front() {
        if let Effect::StartAttempt { call, attempt, .. } = &order {
            let recorded = desk.events.iter().any(
                |event| matches!(event, Event::CallIntent { call: c, attempt: a, .. } if c == call && a == attempt),
            );
            assert!(recorded, "{call}");
        }
        desk.carry_out(order, &prepare, &mut |call, _| good(call.step.as_str(), true));
    }
}
