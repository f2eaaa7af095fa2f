//! Properties of runs with conditions, fans-out and groups, under random outcomes and crashes.

use std::{collections::BTreeMap, sync::Arc};

use orchestrate_core::{
    event::{Event, SkipReason},
    failure::FailureClass,
    flow::{ForEach, Join, ListSource, When},
    ids::{CallId, Digest, StepPath},
    plan::{Action, Plan, Step},
    policy::Limits,
    run::{AttemptOutcome, Effect, Outcome, Prepared, Run, StepStatus},
    summary::{RunStatus, RunSummary, StepState},
};
use proptest::{prelude::*, sample::Index};

use crate::support::{Desk, created, failed, good, persona_step, plan, prepared, timed};

/// One step as drawn: its needs among those before it, and what kind of step it is.
type Drawn = (Vec<Index>, bool, u8, u8, Option<u32>);

fn drawn() -> impl Strategy<Value = Drawn> {
    (
        prop::collection::vec(any::<Index>(), 0..3),
        prop::bool::weighted(0.2),
        0_u8..12,
        0_u8..6,
        prop::option::of(1_u32..3),
    )
}

fn plans() -> impl Strategy<Value = Arc<Plan>> {
    let inner = prop::collection::vec(drawn(), 1..4);
    prop::collection::vec((drawn(), inner), 1..6).prop_map(|tops| {
        let mut steps = Vec::new();
        let ids: Vec<StepPath> =
            (0..tops.len()).map(|at| StepPath::new(format!("s{at}"))).collect();
        for (at, (drawn, inner)) in tops.iter().enumerate() {
            let mut step = step(&ids, at, drawn);
            let is_group = drawn.3 >= 4;
            if is_group {
                step.action = Action::Group;
            }
            steps.push(step);
            if is_group {
                let members: Vec<StepPath> =
                    (0..inner.len()).map(|m| ids[at].member(&format!("m{m}"))).collect();
                for (m, drawn) in inner.iter().enumerate() {
                    let mut member = self::step(&members, m, drawn);
                    member.flow.within = Some(ids[at].clone());
                    steps.push(member);
                }
            }
        }
        plan(steps)
    })
}

fn step(ids: &[StepPath], at: usize, (needs, optional, flow, kind, most): &Drawn) -> Step {
    let mut needs: Vec<&str> = if at == 0 {
        vec![]
    } else {
        needs.iter().map(|need| ids[need.index(at)].as_str()).collect()
    };
    needs.sort_unstable();
    needs.dedup();
    let mut step = persona_step(ids[at].as_str(), &needs);
    step.optional = *optional;
    step.flow.when = [When::All, When::All, When::Any, When::Always][usize::from(flow % 4)];
    if flow / 4 == 2 {
        step.flow.condition = Some("asked".into());
    }
    if kind % 2 == 1 {
        step.flow.each = Some(ForEach {
            list: ListSource::Expression("a list".into()),
            name: "item".into(),
            max_parallel: *most,
            join: [Join::All, Join::Any, Join::Settled][usize::from(flow % 3)],
        });
    }
    step
}

/// A number that is the same for the same path in every process.
fn draw(path: &StepPath, salt: &str, below: u8) -> u8 {
    Digest::of(format!("{path}{salt}")).as_bytes()[0] % below
}

/// What the driver would answer: condition, list, group, document, call.
fn prepare(run: &Run, call: &CallId) -> Prepared {
    let instance = run.instance(&call.step).expect("the machine asks of instances that are there");
    let step = &run.plan().steps()[run.position_of(instance)];
    if run.is_joining(instance) {
        return Prepared::Joined {
            deliverable: Digest::of(call.step.as_str()),
            brief: None,
            output: None,
        };
    }
    let item = run.item(instance).is_some();
    if !item
        && !run.is_admitted(instance)
        && step.flow.condition.is_some()
        && draw(&call.step, "if", 2) == 0
    {
        return Prepared::Skipped(SkipReason::Condition);
    }
    if step.flow.each.is_some() && !item {
        let least = u8::from(step.flow.each.as_ref().is_some_and(|each| each.join == Join::Any));
        let count = usize::from(least + draw(&call.step, "count", 4));
        return Prepared::Items { count, list: Digest::of(call.step.as_str()) };
    }
    if matches!(step.action, Action::Group) {
        return Prepared::Group;
    }
    prepared(&format!("{}#{:?}", call.step, call.purpose), 50)
}

#[derive(Debug, Clone, Copy)]
enum Fate {
    Good,
    Fails(FailureClass),
    Crash,
}

fn fates() -> impl Strategy<Value = Vec<(Fate, Index)>> {
    let fate = prop_oneof![
        10 => Just(Fate::Good),
        2 => Just(Fate::Fails(FailureClass::Unavailable)),
        2 => Just(Fate::Fails(FailureClass::Refused)),
        1 => Just(Fate::Crash),
    ];
    prop::collection::vec((fate, any::<Index>()), 0..120)
}

/// Carries one order out.
fn carry_out(desk: &mut Desk, order: Effect, outcome: &AttemptOutcome) {
    let answer = match &order {
        Effect::Prepare { call } => Some(prepare(&desk.run, call)),
        _ => None,
    };
    desk.carry_out(order, &|_| answer.clone().expect("a preparation"), &mut |_, _| outcome.clone());
}

fn to_rest(desk: &mut Desk) -> Outcome {
    for _ in 0..20_000 {
        let Some(order) = desk.orders.pop_front() else { break };
        let outcome = match &order {
            Effect::StartAttempt { call, .. } => good(call.step.as_str(), true),
            _ => good("", true),
        };
        carry_out(desk, order, &outcome);
    }
    desk.outcome.clone().expect("the run came to rest")
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
    let under_way = |status| {
        use StepStatus as S;
        matches!(status, S::Prepared | S::Calling | S::Ended | S::RetryWait | S::Answered | S::Open)
    };
    for instance in 0..desk.run.instances() {
        let step = &plan.steps()[desk.run.position_of(instance)];
        if let (Some(each), None) = (&step.flow.each, desk.run.item(instance))
            && let Some(most) = each.max_parallel
        {
            let parts = desk.run.parts(instance);
            let begun = parts.filter(|&part| under_way(desk.run.status(part))).count();
            assert!(begun <= most as usize, "{begun} items of {} at a time", step.id);
        }
    }
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
                Fate::Good => carry_out(&mut desk, order, &good("x", true)),
                Fate::Fails(class) => carry_out(&mut desk, order, &failed(class)),
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

        // Whatever happened: with good answers from here on, the run can be brought to its end.
        if outcome != Some(Outcome::Succeeded) {
            desk.crash(&plan);
            prop_assert_eq!(to_rest(&mut desk), Outcome::Succeeded);
            check_invariants(&desk, &plan, concurrency as usize);
        }
    }

    #[test]
    fn a_run_with_items_that_is_killed_at_any_event_pays_for_nothing_twice(
        plan in plans(),
        cut in any::<Index>(),
    ) {
        let mut desk = Desk::start(&plan, created(3, Limits::default()));
        prop_assert_eq!(to_rest(&mut desk), Outcome::Succeeded);
        let whole = desk.run.ledger().calls();
        let cut = 1 + cut.index(desk.events.len() - 1);
        desk.events.truncate(cut);
        let interrupted = Run::replay(Arc::clone(&plan), timed(&desk.events)).expect("folds").in_flight();
        desk.crash(&plan);
        prop_assert_eq!(to_rest(&mut desk), Outcome::Succeeded);
        prop_assert!(desk.run.ledger().calls() <= whole + interrupted as u64);
    }
}
