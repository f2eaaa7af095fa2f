//! Properties of runs with conditions, fans-out, groups, reviews and people, under random outcomes and crashes.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use orchestrate_core::{
    approval::{ApprovalAnswer, ApprovalDecision},
    event::{Event, PauseReason},
    failure::FailureClass,
    flow::When,
    ids::{CallId, Digest, StepPath},
    plan::{OnFail, Plan},
    policy::Limits,
    run::{AttemptOutcome, Effect, Input, Outcome, Run, StepStatus},
    summary::{RunStatus, RunSummary, StepState},
};
use proptest::{prelude::*, sample::Index};

use crate::{
    random_plans::{answer, misfit, plans, prepare},
    support::{Desk, created, failed, lost, timed},
};

#[derive(Debug, Clone, Copy)]
enum Fate {
    Good,
    /// A verdict does not pass, and a person says no.
    Disagrees,
    Misfit,
    Fails(FailureClass),
    Lost,
    Crash,
}

fn fates() -> impl Strategy<Value = Vec<(Fate, Index)>> {
    let fate = prop_oneof![
        10 => Just(Fate::Good),
        2 => Just(Fate::Disagrees),
        2 => Just(Fate::Misfit),
        2 => Just(Fate::Fails(FailureClass::Unavailable)),
        2 => Just(Fate::Fails(FailureClass::Refused)),
        1 => Just(Fate::Lost),
        1 => Just(Fate::Crash),
    ];
    prop::collection::vec((fate, any::<Index>()), 0..120)
}

/// Carries one order out.
fn carry_out(desk: &mut Desk, order: Effect, fate: Fate) {
    if let Effect::AskPerson { step, request } = order {
        let approved = !matches!(fate, Fate::Disagrees);
        let answer = || ApprovalAnswer {
            deliverable: Digest::of("approved"),
            brief: Digest::of("approved: brief"),
        };
        let decision = Box::new(ApprovalDecision {
            approved,
            by: "ada".into(),
            note: None,
            answer: approved.then(answer),
            origin: None,
        });
        return desk.tell(Input::Decide { step, subject: request.subject, decision });
    }
    let prepared = match &order {
        Effect::Prepare { call } => Some(prepare(&desk.run, call)),
        _ => None,
    };
    let outcome = match &order {
        Effect::StartAttempt { call, .. } => Some(ended(&desk.run, call, fate)),
        _ => None,
    };
    desk.carry_out(order, &|_| prepared.clone().expect("a preparation"), &mut |_, _| {
        outcome.clone().expect("an attempt")
    });
}

fn ended(run: &Run, call: &CallId, fate: Fate) -> AttemptOutcome {
    match fate {
        Fate::Good | Fate::Crash => answer(call, true),
        Fate::Disagrees => answer(call, false),
        Fate::Misfit => misfit(run, call),
        Fate::Fails(class) => failed(class),
        Fate::Lost => lost(),
    }
}

/// Good answers to everything from here on, and a yes to every question, in whatever process.
fn to_rest(desk: &mut Desk, plan: &Arc<Plan>) -> Outcome {
    // A no that was said at rest is concluded by the resume, and asked again by the one after it.
    let mut failures = 0;
    for _ in 0..200 {
        for _ in 0..20_000 {
            let Some(order) = desk.orders.pop_front() else { break };
            carry_out(desk, order, Fate::Good);
        }
        match &desk.outcome {
            Some(Outcome::Paused(PauseReason::AwaitingApproval)) => {}
            Some(Outcome::Failed(_)) if failures < 2 => failures += 1,
            _ => break,
        }
        desk.crash(plan);
    }
    let Some(outcome) = desk.outcome.clone() else {
        panic!("the run neither rests nor asks for anything: {:?}", desk.kinds())
    };
    outcome
}

/// How the steps came to their ends, as the events tell it.
#[derive(Default)]
struct Ends(BTreeMap<StepPath, &'static str>);

impl Ends {
    fn fold(&mut self, event: &Event) {
        match event {
            Event::StepSucceeded { step, .. } => {
                assert!(self.0.insert(step.clone(), "good").is_none(), "{step} ended twice");
            }
            Event::StepFailed { step, optional, .. } => {
                let how = if *optional { "tolerated" } else { "failed" };
                assert!(self.0.insert(step.clone(), how).is_none(), "{step} ended twice");
            }
            Event::StepSkipped { step, .. } => {
                assert!(self.0.insert(step.clone(), "skipped").is_none(), "{step} ended twice");
            }
            Event::StepReopened { step } => {
                self.0.remove(step);
            }
            Event::StepWithdrawn { step } => self.0.retain(|path, _| {
                let rest = path.as_str().strip_prefix(step.as_str());
                !rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['[', '/']))
            }),
            _ => {}
        }
    }

    /// How a step ended; one that can never begin has failed.
    fn of(&self, plan: &Plan, path: &StepPath) -> Option<&'static str> {
        if let Some(how) = self.0.get(path) {
            return Some(how);
        }
        let needs = needs(plan, path);
        let step = &plan.steps()[plan.position_of(path)?];
        let ends: Option<Vec<&str>> = needs.iter().map(|need| self.of(plan, need)).collect();
        let held = step.flow.when == When::All && ends?.contains(&"failed");
        held.then_some("failed")
    }

    fn may_begin(&self, plan: &Plan, path: &StepPath) -> bool {
        let ends: Option<Vec<&str>> =
            needs(plan, path).iter().map(|need| self.of(plan, need)).collect();
        let Some(ends) = ends else { return false };
        match plan.steps()[plan.position_of(path).expect("a step")].flow.when {
            When::All => ends.iter().all(|end| matches!(*end, "good" | "tolerated")),
            When::Any => ends.is_empty() || ends.contains(&"good"),
            When::Always => true,
        }
    }
}

/// The instances that an instance needs. An item needs nothing itself.
fn needs(plan: &Plan, path: &StepPath) -> Vec<StepPath> {
    if path.as_str().ends_with(']') {
        return vec![];
    }
    let group = path.as_str().rsplit_once('/').map(|(group, _)| StepPath::from(group));
    let position = plan.position_of(path).expect("a step");
    let beside = plan.needs(position).iter().map(|&need| {
        let id = &plan.steps()[need].id;
        group.as_ref().map_or_else(|| id.clone(), |group| group.member(id.name()))
    });
    beside.collect()
}

/// A path and everything that it is a part of.
fn lineage(path: &StepPath) -> Vec<StepPath> {
    let text = path.as_str();
    let cuts = text.char_indices().filter(|(_, c)| matches!(c, '[' | '/')).map(|(at, _)| at);
    cuts.map(|at| StepPath::from(&text[..at])).chain([path.clone()]).collect()
}

fn check_invariants(desk: &Desk, plan: &Plan, concurrency: usize) {
    assert!(desk.run.in_flight() <= concurrency, "more calls in flight than allowed");
    check_parallel(&desk.events, plan);
    let (mut ends, mut answered) = (Ends::default(), BTreeMap::<String, u32>::new());
    for event in &desk.events {
        if let Event::CallIntent { call, .. } = event {
            for path in lineage(&call.step) {
                assert!(ends.may_begin(plan, &path), "{call} was sent before {path} may begin");
            }
            assert!(!ends.0.contains_key(&call.step), "{call} was sent after its step ended");
            assert!(!answered.contains_key(&call.to_string()), "{call} was bought twice");
        }
        if let Event::CallSucceeded { call, .. } | Event::CallReused { call, .. } = event {
            let count = answered.entry(call.to_string()).or_default();
            *count += 1;
            assert_eq!(*count, 1, "{call} was answered twice");
        }
        ends.fold(event);
    }
}

/// Holds the calls that are in flight, as the events tell it, against how many items may be worked on at a time.
fn check_parallel(events: &[Event], plan: &Plan) {
    let mut sent: BTreeMap<StepPath, CallId> = BTreeMap::new();
    for event in events {
        match event {
            Event::CallIntent { call, .. } => {
                sent.insert(call.step.clone(), call.clone());
            }
            Event::CallSucceeded { call, .. }
            | Event::CallFailed { call, .. }
            | Event::OutputRejected { call, .. }
            | Event::CallUnknown { call, .. } => {
                sent.remove(&call.step);
            }
            _ => continue,
        }
        let mut items: BTreeMap<StepPath, BTreeSet<StepPath>> = BTreeMap::new();
        for path in sent.keys().flat_map(lineage) {
            if let Some((fan_out, _)) =
                path.as_str().strip_suffix(']').and(path.as_str().rsplit_once('['))
            {
                items.entry(fan_out.into()).or_default().insert(path);
            }
        }
        for (fan_out, items) in items {
            let step = &plan.steps()[plan.position_of(&fan_out).expect("a step")];
            let most = step.flow.each.as_ref().and_then(|each| each.max_parallel);
            assert!(most.is_none_or(|most| items.len() <= most as usize), "{items:?}");
        }
    }
}

/// The row of a step counts exactly the instances that there are.
fn check_counts(told: &RunSummary, plan: &Plan) {
    for (at, row) in told.steps.iter().enumerate().filter(|(at, _)| plan.repeats(*at)) {
        let count = |state| told.instances_of(at).filter(|step| step.state == state).count();
        let ended = [StepState::Succeeded, StepState::Failed, StepState::Skipped].map(count);
        let items = row.items.unwrap_or_default();
        assert_eq!([items.succeeded, items.failed, items.skipped], ended, "{}", row.step);
    }
}

/// Whether a step has failed since its document did not pass its review, which no resume changes.
fn stands_refused(desk: &Desk) -> bool {
    (0..desk.run.instances()).any(|at| {
        let review = desk.run.plan().review(desk.run.position_of(at));
        let stops = review.is_some_and(|review| review.on_fail == OnFail::Stop);
        stops && desk.run.status(at) == StepStatus::Failed && desk.run.review(at).stop.is_some()
    })
}

/// Path, status and result of an instance.
type Standing = (StepPath, StepStatus, Option<(Digest, Option<Digest>)>);

/// Everything that a run's state says to the outside.
fn state(run: &Run) -> Vec<Standing> {
    let of = |at: usize| (run.path(at).clone(), run.status(at), run.result(at));
    (0..run.instances()).map(of).collect()
}

fn summary(plan: &Arc<Plan>, events: &[Event]) -> RunSummary {
    let recorded: Vec<orchestrate_core::event::Recorded> = events
        .iter()
        .enumerate()
        .map(|(at, event)| orchestrate_core::event::Recorded {
            seq: at as u64 + 1,
            at: orchestrate_core::Timestamp(1),
            event: event.clone(),
        })
        .collect();
    RunSummary::of(Arc::clone(plan), &recorded)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn every_run_with_conditions_and_items_ends_and_breaks_no_rule(
        plan in plans(),
        fates in fates(),
        concurrency in 1_u32..5,
    ) {
        let mut desk = Desk::start(&plan, created(concurrency, Limits::default()));
        let mut fates = fates.into_iter();
        for _ in 0..20_000 {
            if desk.orders.is_empty() {
                break;
            }
            let (fate, at) = match fates.next() {
                Some((fate, which)) => (fate, which.index(desk.orders.len())),
                None => (Fate::Good, 0),
            };
            let order = desk.orders.remove(at).expect("an order");
            match fate {
                Fate::Crash if desk.run.is_finished() => {}
                Fate::Crash => desk.crash(&plan),
                fate => carry_out(&mut desk, order, fate),
            }
        }
        check_invariants(&desk, &plan, concurrency as usize);
        let outcome = desk.outcome.clone();
        prop_assert!(outcome.is_some(), "the run neither rests nor asks for anything: {:?}", desk.kinds());

        let replayed = Run::replay(Arc::clone(&plan), timed(&desk.events)).expect("events fold");
        prop_assert_eq!(state(&replayed), state(&desk.run));
        prop_assert_eq!(replayed.ledger(), desk.run.ledger());
        for end in 0..desk.events.len() {
            prop_assert!(Run::replay(Arc::clone(&plan), timed(&desk.events[..end])).is_ok());
        }

        // The summary tells the same story as the machine.
        let told = summary(&plan, &desk.events);
        prop_assert_eq!(told.status == RunStatus::Succeeded, outcome == Some(Outcome::Succeeded));
        for instance in 0..desk.run.instances() {
            let Some(step) = told.step(desk.run.path(instance)) else { continue };
            if desk.run.instance(desk.run.path(instance)) != Some(instance) {
                continue;
            }
            let same = match desk.run.status(instance) {
                StepStatus::Succeeded => step.state == StepState::Succeeded,
                StepStatus::Failed => step.state == StepState::Failed,
                StepStatus::Skipped => step.state == StepState::Skipped,
                _ => !matches!(step.state, StepState::Succeeded | StepState::Failed),
            };
            prop_assert!(same, "{} is {:?} and told as {:?}", step.step, desk.run.status(instance), step.state);
        }

        check_counts(&told, &plan);

        // Whatever happened: with good answers from here on, the run can be brought to its end.
        if outcome != Some(Outcome::Succeeded) {
            desk.crash(&plan);
            let outcome = to_rest(&mut desk, &plan);
            prop_assert!(outcome == Outcome::Succeeded || stands_refused(&desk), "{outcome:?}");
            check_invariants(&desk, &plan, concurrency as usize);
            check_counts(&summary(&plan, &desk.events), &plan);
        }
    }

    #[test]
    fn a_run_with_items_that_is_killed_at_any_event_pays_for_nothing_twice(
        plan in plans(),
        cut in any::<Index>(),
    ) {
        let mut desk = Desk::start(&plan, created(3, Limits::default()));
        prop_assert_eq!(to_rest(&mut desk, &plan), Outcome::Succeeded);
        let whole = desk.run.ledger().calls();
        let cut = 1 + cut.index(desk.events.len() - 1);
        desk.events.truncate(cut);
        let interrupted = Run::replay(Arc::clone(&plan), timed(&desk.events)).expect("folds").in_flight();
        desk.crash(&plan);
        prop_assert_eq!(to_rest(&mut desk, &plan), Outcome::Succeeded);
        prop_assert!(desk.run.ledger().calls() <= whole + interrupted as u64);
    }
}
