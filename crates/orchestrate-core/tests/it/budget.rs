//! What a run may cost: as a server counts it, under every outcome and kill.

use std::sync::Arc;

use orchestrate_core::{
    Timestamp,
    budget::{Budget, Cap, Limits, Relief},
    charge::{Charges, Used},
    event::{Answered, Event, PreparedCall, Recorded, RunFailure},
    failure::{Billed, Failure, FailureClass},
    flow::When,
    ids::{CallId, Digest},
    money::Money,
    plan::{Plan, PlanParts},
    price::{LongPrompt, Price, Rates},
    request::Identity,
    run::{AttemptOutcome, Decisions, Effect, Input, Outcome, Prepared, Run, StepStatus},
    summary::{RunSummary, StepState},
    usage::Usage,
};
use proptest::prelude::*;

use crate::support::{created, persona_step, plan};

fn units(units: u64) -> Money {
    Money::from_picodollars(units)
}

/// A price with every kind of rate.
fn price() -> Price {
    let rates = |factor: u64| Rates {
        input: units(4 * factor),
        output: units(20 * factor),
        cached: Some(units(factor)),
        cache_write: Some(units(5 * factor)),
    };
    Price { rates: rates(1), long: Some(LongPrompt { above: 60, rates: rates(2) }) }
}

/// What a call may be at most: tokens of its prompt and of its answer.
#[derive(Debug, Clone, Copy)]
struct Bound {
    input: u64,
    output: u64,
}

impl Bound {
    /// Calls of different steps differ, and those of one step do not.
    fn of(call: &CallId) -> Self {
        let sum: u64 = call.step.as_str().bytes().map(u64::from).sum();
        Self { input: 20 + sum % 90, output: 5 + sum % 40 }
    }

    /// Briefs halve the prompt, and a cheaper model, which is one with shorter answers here, halves the answer.
    fn under(call: &CallId, degraded: &[Relief]) -> Self {
        let Self { input, output } = Self::of(call);
        let half = |relief| if degraded.contains(&relief) { 2 } else { 1 };
        Self { input: input / half(Relief::Brief), output: output / half(Relief::Cheaper) }
    }

    fn worst(self) -> Money {
        price().worst(self.input, self.output)
    }

    fn prepared(self, call: &CallId, degraded: &[Relief]) -> Prepared {
        let asks = Digest::of(format!("{call} {degraded:?}"));
        let reliefs = [Relief::Brief, Relief::Cheaper];
        Prepared::Call {
            call: Box::new(PreparedCall {
                persona: "tester".into(),
                choice: None,
                model: "test:model".parse().expect("a model"),
                identity: Identity(asks),
                request: asks,
                reserved: self.input + self.output,
                reserved_cost: Some(price().worst(self.input, self.output)),
                price: Some(price()),
                notes: vec![],
                review: None,
                degraded: degraded.to_vec(),
                reliefs: reliefs.into_iter().filter(|all| !degraded.contains(all)).collect(),
                warm_first: None,
            }),
            reuse: None,
        }
    }

    /// A usage within the bound, as large as `share` hundredths of it.
    fn usage(self, share: u64) -> Usage {
        let input = self.input * share / 100;
        Usage {
            input,
            output: self.output * share / 100,
            cached: input * (share % 3) / 4,
            cache_write: input / 4,
            ..Usage::default()
        }
    }
}

/// What becomes of an attempt.
#[derive(Debug, Clone, Copy)]
enum Fate {
    Good,
    RejectedWithUsage,
    RejectedWithoutUsage,
    Refused,
    TurnedAway,
    FailedWithUsage,
    Lost,
    KilledBeforeSending,
    KilledBeforeTheAnswerIsRecorded,
}

fn fates() -> impl Strategy<Value = Vec<(Fate, u64, prop::sample::Index)>> {
    let fate = prop_oneof![
        8 => Just(Fate::Good),
        1 => Just(Fate::RejectedWithUsage),
        1 => Just(Fate::RejectedWithoutUsage),
        2 => Just(Fate::Refused),
        1 => Just(Fate::FailedWithUsage),
        2 => Just(Fate::Lost),
        2 => Just(Fate::KilledBeforeSending),
        2 => Just(Fate::KilledBeforeTheAnswerIsRecorded),
    ];
    prop::collection::vec((fate, 0_u64..=100, any::<prop::sample::Index>()), 0..60)
}

/// A run, its journal, and a server that counts what it is asked.
struct Shop {
    plan: Arc<Plan>,
    run: Run,
    journal: Vec<Recorded>,
    orders: Vec<Effect>,
    now: Timestamp,
    outcome: Option<Outcome>,
    calls: u64,
    tokens: u64,
    cost: Money,
}

impl Shop {
    fn open(plan: &Arc<Plan>, limits: Limits) -> Self {
        let mut shop = Self {
            plan: Arc::clone(plan),
            run: Run::new(Arc::clone(plan)),
            journal: vec![],
            orders: vec![],
            now: Timestamp(1_000),
            outcome: None,
            calls: 0,
            tokens: 0,
            cost: Money::ZERO,
        };
        shop.tell(Input::Create { created: created(3, limits), forked: None });
        shop.tell(Input::Opened { epoch: 1, program: "test".into() });
        shop.tell(Input::Resume { limits: None });
        shop
    }

    fn decide(&mut self, input: Input) -> Decisions {
        self.run.handle(self.now, input).expect("legal news");
        self.run.poll_to_quiescence(self.now).expect("legal decisions")
    }

    fn tell(&mut self, input: Input) {
        let Decisions { events, effects } = self.decide(input);
        let at = self.now;
        let seq = self.journal.len() as u64 + 1;
        let recorded = events.into_iter().zip(seq..);
        self.journal.extend(recorded.map(|(event, seq)| Recorded { seq, at, event }));
        for effect in effects {
            if let Effect::Finish(outcome) = &effect {
                self.outcome = Some(outcome.clone());
            } else {
                self.orders.push(effect);
            }
        }
    }

    /// Another process finds the journal and goes on.
    fn reopen(&mut self, limits: Option<Limits>) {
        let events = self.journal.iter().map(|recorded| (recorded.at, &recorded.event));
        self.run = Run::replay(Arc::clone(&self.plan), events).expect("recorded events fold");
        self.orders.clear();
        self.outcome = None;
        self.tell(Input::Opened { epoch: 2, program: "test".into() });
        if !self.run.is_finished() {
            self.tell(Input::Resume { limits });
        }
    }

    /// The server is asked and counts, whatever becomes of its answer.
    fn ask(&mut self, usage: &Usage) {
        self.calls += 1;
        self.tokens += usage.total();
        self.cost += price().cost(usage);
    }

    fn degraded(&self, call: &CallId) -> Vec<Relief> {
        let instance = self.run.instance(&call.step).expect("a step of the plan");
        self.run.degraded(instance).to_vec()
    }

    /// What the budget has made of calls, in order.
    fn degradations(&self) -> Vec<(Relief, Cap)> {
        let told = self.journal.iter().filter_map(|recorded| match &recorded.event {
            Event::CallDegraded { relief, cap, .. } => Some((*relief, *cap)),
            _ => None,
        });
        told.collect()
    }

    fn carry_out(&mut self, order: Effect, fate: Fate, share: u64) {
        match order {
            Effect::Prepare { call } => {
                if matches!(fate, Fate::KilledBeforeSending) {
                    return self.reopen(None);
                }
                let degraded = self.degraded(&call);
                let prepared = Bound::under(&call, &degraded).prepared(&call, &degraded);
                self.tell(Input::Prepared { call, prepared });
            }
            Effect::StartAttempt { call, attempt, .. } => {
                let usage = Bound::under(&call, &self.degraded(&call)).usage(share);
                let failure = || Failure::new(FailureClass::Unavailable, "scripted");
                let outcome = match fate {
                    Fate::KilledBeforeSending => return self.reopen(None),
                    Fate::Refused => {
                        self.calls += 1;
                        ended(failure(), Billed::No, None)
                    }
                    Fate::TurnedAway => {
                        self.calls += 1;
                        let failure = Failure::new(FailureClass::BadRequest, "scripted");
                        ended(failure, Billed::No, None)
                    }
                    other => {
                        self.ask(&usage);
                        match other {
                            Fate::Good | Fate::KilledBeforeTheAnswerIsRecorded => answered(usage),
                            Fate::RejectedWithUsage => rejected(Some(usage)),
                            Fate::RejectedWithoutUsage => rejected(None),
                            Fate::FailedWithUsage => {
                                ended(failure(), Billed::Reported, Some(usage))
                            }
                            _ => crate::support::lost(),
                        }
                    }
                };
                let input = Input::AttemptEnded { call, attempt, outcome };
                if matches!(fate, Fate::KilledBeforeTheAnswerIsRecorded) {
                    // Decided, and gone with the process.
                    self.decide(input);
                    return self.reopen(None);
                }
                self.tell(input);
            }
            Effect::WakeAt(at) => {
                self.now = self.now.max(at);
                self.tell(Input::Tick);
            }
            Effect::AskPerson { .. } | Effect::Finish(_) => {}
        }
    }

    fn run_to_rest(&mut self, mut fate: impl FnMut() -> (Fate, u64)) -> Outcome {
        for _ in 0..10_000 {
            if self.orders.is_empty() {
                break;
            }
            let order = self.orders.remove(0);
            let (fate, share) = fate();
            self.carry_out(order, fate, share);
        }
        self.outcome.clone().expect("the run came to rest")
    }

    fn check(&self, limits: &Limits) {
        assert!(limits.max_calls.is_none_or(|cap| self.calls <= cap), "{} calls", self.calls);
        assert!(limits.max_tokens.is_none_or(|cap| self.tokens <= cap), "{} tokens", self.tokens);
        assert!(limits.max_cost.is_none_or(|cap| self.cost <= cap), "{} paid", self.cost.exact());
        let ledger = self.run.ledger();
        assert!(ledger.cost().plus(ledger.reserved_cost()) >= self.cost);
    }

    /// Summary, charges and ledger are folds of the same events and say the same.
    fn check_folds(&self) {
        let summary = RunSummary::of(Arc::clone(&self.plan), &self.journal);
        let charges = Charges::of(&self.journal);
        assert_eq!(summary.cost, self.run.ledger().cost());
        assert_eq!(summary.spent_tokens(), self.run.ledger().spent());
        assert_eq!(charges.iter().filter_map(|charge| charge.cost).sum::<Money>(), summary.cost);
        let tokens = charges.iter().map(|charge| match charge.used {
            Used::Known(usage) => usage.total(),
            Used::AtMost(tokens) => tokens,
        });
        assert_eq!(tokens.sum::<u64>(), summary.spent_tokens());
        assert_eq!(summary.steps.iter().map(|step| step.cost).sum::<Money>(), summary.cost);
        let events = self.journal.iter().map(|recorded| (recorded.at, &recorded.event));
        let replayed = Run::replay(Arc::clone(&self.plan), events).expect("events fold");
        assert_eq!(replayed.ledger(), self.run.ledger());
        assert_eq!(replayed.running_ms(self.now), self.run.running_ms(self.now));
        assert_eq!(summary.active_ms, self.run.running_ms(summary.updated_at));
    }
}

fn answered(usage: Usage) -> AttemptOutcome {
    AttemptOutcome::Good(Answered {
        raw: Digest::of("raw"),
        deliverable: Digest::of("raw"),
        brief: Some(Digest::of("brief")),
        output: None,
        judged: None,
        served_model: None,
        usage,
        millis: 5,
    })
}

fn rejected(usage: Option<Usage>) -> AttemptOutcome {
    let failure = Failure::new(FailureClass::Empty, "scripted");
    AttemptOutcome::Rejected { failure, partial: None, usage }
}

fn ended(failure: Failure, billed: Billed, usage: Option<Usage>) -> AttemptOutcome {
    AttemptOutcome::Failed { failure, billed, usage, retry_after_ms: None, partial: None }
}

/// Twelve steps in three stages; every fourth is optional.
fn twelve(on_reached: &[Relief]) -> Arc<Plan> {
    let ids: Vec<String> = (0..12).map(|at| format!("step-{at}")).collect();
    let steps = ids.iter().enumerate().map(|(at, id)| {
        let needs: Vec<&str> = if at < 4 { vec![] } else { vec![ids[at - 4].as_str()] };
        let mut step = persona_step(id, &needs);
        step.optional = at % 4 == 3;
        step
    });
    with_budget(&plan(steps.collect()), on_reached)
}

fn with_budget(plan: &Plan, on_reached: &[Relief]) -> Arc<Plan> {
    let budget = Budget { on_reached: on_reached.to_vec(), ..Budget::default() };
    let parts = PlanParts { budget, ..PlanParts::from(plan.clone()) };
    Arc::new(Plan::build(parts).expect("a sound plan"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn what_a_server_counts_never_exceeds_a_cap(
        fates in fates(),
        on_reached in Just(Relief::ALL.to_vec()).prop_shuffle(),
        rungs in 0_usize..=3,
        max_cost in prop::option::of(100_u64..12_000),
        max_tokens in prop::option::of(50_u64..1_500),
        max_calls in prop::option::of(1_u64..25),
    ) {
        let max_cost = max_cost.map(units);
        let limits = Limits { max_cost, max_tokens, max_calls, ..Limits::default() };
        let mut shop = Shop::open(&twelve(&on_reached[..rungs]), limits);
        let mut fates = fates.into_iter();
        for _ in 0..2_000 {
            if shop.orders.is_empty() {
                break;
            }
            let (fate, share, which) = match fates.next() {
                Some((fate, share, which)) => (fate, share, which.index(shop.orders.len())),
                None => (Fate::Good, 100, 0),
            };
            let order = shop.orders.remove(which);
            shop.carry_out(order, fate, share);
            shop.check(&limits);
        }
        prop_assert!(shop.outcome.is_some(), "the run neither rests nor asks for anything");
        shop.check_folds();
    }
}

#[test]
fn a_kill_at_any_point_spends_no_more_than_the_cap() {
    let limits = Limits { max_cost: Some(units(4_000)), ..Limits::default() };
    for killed_at in 0..40 {
        for fate in [Fate::KilledBeforeSending, Fate::KilledBeforeTheAnswerIsRecorded] {
            let mut shop = Shop::open(&twelve(&[]), limits);
            let mut order = 0;
            shop.run_to_rest(|| {
                order += 1;
                (if order == killed_at { fate } else { Fate::Good }, 100)
            });
            shop.check(&limits);
            shop.check_folds();
        }
    }
}

#[test]
fn a_cap_on_cost_stops_the_run_and_a_larger_one_lets_it_go_on() {
    let plan = plan(vec![persona_step("a", &[]), persona_step("b", &["a"])]);
    let worst = |step: &str| {
        let bound = Bound::of(&CallId::first(step.into(), orchestrate_core::ids::Purpose::Draft));
        price().worst(bound.input, bound.output)
    };
    let limits = Limits { max_cost: Some(worst("a")), ..Limits::default() };
    let mut shop = Shop::open(&plan, limits);
    let good = || (Fate::Good, 50);
    assert_eq!(shop.run_to_rest(good), Outcome::Failed(RunFailure::Budget(Cap::Cost)));
    assert_eq!(shop.run.status(0), StepStatus::Succeeded);
    assert_eq!(shop.calls, 1);
    let summary = RunSummary::of(Arc::clone(&plan), &shop.journal);
    let (step, reserved) = summary.beyond_cap().expect("a step that is not covered");
    assert_eq!((step.step.as_str(), reserved.cost), ("b", Some(worst("b"))));

    // Without a larger one it stops again, and nothing is sent.
    shop.reopen(None);
    assert_eq!(shop.run_to_rest(good), Outcome::Failed(RunFailure::Budget(Cap::Cost)));
    assert_eq!(shop.calls, 1);
    let more = Limits { max_cost: Some(shop.cost.plus(worst("b"))), ..Limits::default() };
    shop.reopen(Some(more));
    assert_eq!(shop.run_to_rest(good), Outcome::Succeeded);
    shop.check(&more);
}

#[test]
fn a_run_that_skips_optional_steps_goes_on_without_those_it_cannot_pay() {
    let mut extra = persona_step("a-much-dearer-extra", &[]);
    extra.optional = true;
    let steps = vec![extra, persona_step("a", &["a-much-dearer-extra"])];
    let bound = |step: &str| {
        let bound = Bound::of(&CallId::first(step.into(), orchestrate_core::ids::Purpose::Draft));
        price().worst(bound.input, bound.output)
    };
    assert!(bound("a-much-dearer-extra") > bound("a"), "else the test tests nothing");
    let limits = Limits { max_cost: Some(bound("a")), ..Limits::default() };
    let strict = plan(steps.clone());
    let mut shop = Shop::open(&strict, limits);
    let end = shop.run_to_rest(|| (Fate::Good, 100));
    assert_eq!(end, Outcome::Failed(RunFailure::Budget(Cap::Cost)));

    let skips = with_budget(&plan(steps), &[Relief::SkipOptional]);
    let mut shop = Shop::open(&skips, limits);
    assert_eq!(shop.run_to_rest(|| (Fate::Good, 100)), Outcome::Succeeded);
    assert_eq!(shop.calls, 1);
    shop.check(&limits);
    let summary = RunSummary::of(Arc::clone(&skips), &shop.journal);
    let extra = &summary.steps[0];
    assert_eq!(extra.state, StepState::Failed);
    let class = extra.failure.as_ref().map(|failure| failure.class);
    assert_eq!(class, Some(FailureClass::OverBudget));
}

#[test]
fn what_is_there_for_failures_needs_a_budget_too() {
    let mut clean = persona_step("clean", &["breaks"]);
    clean.flow.when = When::Always;
    let limits = Limits { max_calls: Some(1), ..Limits::default() };
    let mut shop = Shop::open(&plan(vec![persona_step("breaks", &[]), clean]), limits);
    let end = shop.run_to_rest(|| (Fate::TurnedAway, 10));
    assert_eq!(end, Outcome::Failed(RunFailure::Budget(Cap::Calls)));
    shop.check(&limits);
}

#[test]
fn the_time_of_a_run_is_over_after_pauses_and_sessions_that_do_not_count() {
    let plan = plan(vec![persona_step("a", &[]), persona_step("b", &["a"])]);
    let limits = Limits { max_wall_ms: Some(10_000), ..Limits::default() };
    let mut shop = Shop::open(&plan, limits);
    assert!(shop.orders.contains(&Effect::WakeAt(Timestamp(11_000))), "{:?}", shop.orders);
    shop.orders.retain(|order| !matches!(order, Effect::WakeAt(_)));
    shop.now = Timestamp(4_000);
    let order = shop.orders.remove(0);
    shop.carry_out(order, Fate::Good, 10);
    // The process dies; a day later another one goes on.
    shop.now = Timestamp(90_000_000);
    shop.reopen(None);
    assert_eq!(shop.run.running_ms(shop.now), 3_000);
    assert!(shop.orders.contains(&Effect::WakeAt(Timestamp(90_007_000))), "{:?}", shop.orders);
    shop.orders.retain(|order| !matches!(order, Effect::WakeAt(_)));
    // Time passes while the first step is in flight: it is paid for and kept, and nothing new begins.
    let order = shop.orders.remove(0);
    shop.carry_out(order, Fate::Good, 10);
    shop.now = Timestamp(90_007_000);
    shop.tell(Input::Tick);
    assert_eq!(shop.outcome, None, "an attempt is in flight");
    let wakes = shop.orders.iter().any(|order| matches!(order, Effect::WakeAt(_)));
    assert!(!wakes, "there is nothing to wake for");
    assert_eq!(
        shop.run_to_rest(|| (Fate::Good, 10)),
        Outcome::Failed(RunFailure::Budget(Cap::Wall))
    );
    assert_eq!((shop.run.status(0), shop.calls), (StepStatus::Succeeded, 1));

    shop.now = Timestamp(99_000_000);
    shop.reopen(None);
    assert_eq!(shop.outcome, Some(Outcome::Failed(RunFailure::Budget(Cap::Wall))));
    shop.reopen(Some(Limits { max_wall_ms: Some(60_000), ..Limits::default() }));
    assert_eq!(shop.run_to_rest(|| (Fate::Good, 10)), Outcome::Succeeded);
}

#[test]
fn the_last_step_may_end_after_the_time_is_over() {
    let plan = plan(vec![persona_step("a", &[])]);
    let limits = Limits { max_wall_ms: Some(1_000), ..Limits::default() };
    let mut shop = Shop::open(&plan, limits);
    shop.orders.retain(|order| !matches!(order, Effect::WakeAt(_)));
    let order = shop.orders.remove(0);
    shop.carry_out(order, Fate::Good, 10);
    shop.now = Timestamp(50_000);
    assert_eq!(shop.run_to_rest(|| (Fate::Good, 10)), Outcome::Succeeded);
}

#[test]
fn calls_without_a_price_count_as_unpriced_and_not_as_free() {
    let plan = plan(vec![persona_step("a", &[])]);
    let mut shop = Shop::open(&plan, Limits::default());
    let call = CallId::first("a".into(), orchestrate_core::ids::Purpose::Draft);
    let Prepared::Call { call: mut prepared, .. } = Bound::of(&call).prepared(&call, &[]) else {
        unreachable!("a call")
    };
    (prepared.price, prepared.reserved_cost) = (None, None);
    shop.tell(Input::Prepared { call, prepared: Prepared::Call { call: prepared, reuse: None } });
    shop.orders.retain(|order| matches!(order, Effect::StartAttempt { .. }));
    shop.run_to_rest(|| (Fate::Good, 10));
    let summary = RunSummary::of(Arc::clone(&plan), &shop.journal);
    assert_eq!((summary.cost, summary.unpriced), (Money::ZERO, 1));
    let charged = Charges::of(&shop.journal);
    assert_eq!(charged.iter().map(|charge| charge.cost).collect::<Vec<_>>(), [None]);
    let prepared =
        shop.journal.iter().any(|recorded| matches!(recorded.event, Event::CallPrepared { .. }));
    assert!(prepared);
}

const LADDER: [Relief; 2] = [Relief::Brief, Relief::Cheaper];

fn draft_of(step: &str) -> CallId {
    CallId::first(step.into(), orchestrate_core::ids::Purpose::Draft)
}

#[test]
fn a_call_that_is_not_covered_is_degraded_step_by_step_and_no_further_than_is_needed() {
    let plan = with_budget(&plan(vec![persona_step("a", &[])]), &LADDER);
    let worst = |degraded: &[Relief]| Bound::under(&draft_of("a"), degraded).worst();
    let run = |cap: Money| {
        let limits = Limits { max_cost: Some(cap), ..Limits::default() };
        let mut shop = Shop::open(&plan, limits);
        let end = shop.run_to_rest(|| (Fate::Good, 100));
        shop.check(&limits);
        shop.check_folds();
        let summary = RunSummary::of(Arc::clone(&plan), &shop.journal);
        (end, shop.degradations(), summary.steps[0].degraded.clone(), shop.calls)
    };
    assert_eq!(run(worst(&[])), (Outcome::Succeeded, vec![], vec![], 1));
    let brief = (Relief::Brief, Cap::Cost);
    let told = vec![Relief::Brief];
    assert_eq!(run(worst(&told)), (Outcome::Succeeded, vec![brief], told, 1));
    let both = vec![brief, (Relief::Cheaper, Cap::Cost)];
    assert_eq!(run(worst(&LADDER)), (Outcome::Succeeded, both.clone(), LADDER.to_vec(), 1));
    let stopped = Outcome::Failed(RunFailure::Budget(Cap::Cost));
    assert_eq!(run(units(1)), (stopped, both, LADDER.to_vec(), 0));
}

#[test]
fn only_what_saves_the_cap_that_was_reached_is_tried() {
    let plan = with_budget(&plan(vec![persona_step("a", &[]), persona_step("b", &["a"])]), &LADDER);
    let tokens = Limits { max_tokens: Some(1), ..Limits::default() };
    let mut shop = Shop::open(&plan, tokens);
    let end = shop.run_to_rest(|| (Fate::Good, 100));
    assert_eq!(end, Outcome::Failed(RunFailure::Budget(Cap::Tokens)));
    assert_eq!(shop.degradations(), [(Relief::Brief, Cap::Tokens)]);
    let calls = Limits { max_calls: Some(1), ..Limits::default() };
    let mut shop = Shop::open(&plan, calls);
    let end = shop.run_to_rest(|| (Fate::Good, 100));
    assert_eq!(end, Outcome::Failed(RunFailure::Budget(Cap::Calls)));
    assert_eq!(shop.degradations(), []);
}

#[test]
fn a_larger_budget_lets_a_degraded_call_be_made_whole_and_nothing_is_told_of_it() {
    let plan = with_budget(&plan(vec![persona_step("a", &[])]), &LADDER);
    let mut shop = Shop::open(&plan, Limits { max_cost: Some(units(1)), ..Limits::default() });
    shop.run_to_rest(|| (Fate::Good, 100));
    let whole = Bound::of(&draft_of("a")).worst();
    shop.reopen(Some(Limits { max_cost: Some(whole), ..Limits::default() }));
    assert_eq!(shop.run_to_rest(|| (Fate::Good, 100)), Outcome::Succeeded);
    assert_eq!(shop.tokens, Bound::of(&draft_of("a")).usage(100).total());
    let summary = RunSummary::of(Arc::clone(&plan), &shop.journal);
    assert_eq!(summary.steps[0].degraded, []);
}

#[test]
fn a_kill_after_any_decision_of_a_degraded_call_loses_nothing() {
    let plan = with_budget(&plan(vec![persona_step("a", &[])]), &LADDER);
    let worst = Bound::under(&draft_of("a"), &LADDER).worst();
    let limits = Limits { max_cost: Some(worst), ..Limits::default() };
    for killed_at in 1..6 {
        let mut shop = Shop::open(&plan, limits);
        let mut order = 0;
        let end = shop.run_to_rest(|| {
            order += 1;
            (if order == killed_at { Fate::KilledBeforeSending } else { Fate::Good }, 100)
        });
        shop.check(&limits);
        shop.check_folds();
        let intended =
            shop.journal.iter().any(|recorded| matches!(recorded.event, Event::CallUnknown { .. }));
        // What was lost in flight stays counted at its worst and may leave nothing for the rest.
        assert!(end == Outcome::Succeeded || intended, "{killed_at}: {end:?}");
    }
}
