//! What deciding costs per step, for plans of 1,000 to 100,000 steps: `Run` alone, in memory, with
//! scripted news. Wall time per step depends on the machine; the steps looked at do not, and the
//! benchmark fails where their number grows with the plan.

#![expect(clippy::print_stdout, reason = "a benchmark's figures are its output")]
#![expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]

use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};

use indexmap::IndexMap;
use orchestrate_core::{
    SEMANTICS, Timestamp,
    event::{Answered, Freshness, PreparedCall, RunCreated},
    failure::{Billed, Failure, FailureClass},
    ids::{Digest, RunId},
    plan::{Action, Need, PersonaChoice, PersonaStep, Plan, PlanParts, Step},
    policy::{Limits, RetryPolicy},
    request::{Endpoint, Identity, Parameters, Timeouts},
    run::{AttemptOutcome, Effect, Input, Outcome, Prepared, Run},
    usage::Usage,
};

const SIZES: [usize; 3] = [1_000, 10_000, 100_000];
/// Every plan size decides at least so many steps in all, in runs of its own.
const STEPS_IN_ALL: usize = 300_000;
/// Calls at a time.
const CONCURRENCY: u32 = 64;
/// One step in so many fails its first attempt and is tried again.
const ONE_FAILS_IN: usize = 16;

fn main() {
    for (shape, width) in [("layers of 100 steps", None), ("10 layers", Some(10))] {
        println!("{shape}, out-degree 2, {CONCURRENCY} calls at a time");
        let costs = SIZES.map(|steps| {
            let width = width.map_or(100, |layers| steps / layers);
            let cost = Cost::measure(steps, width);
            println!(
                "  {steps:>7} steps: {:>6.0} ns/step, {:.3} touches/step",
                cost.nanos, cost.touches
            );
            cost
        });
        let [small, .., large] = &costs;
        let (time, touches) = (large.nanos / small.nanos, large.touches / small.touches);
        println!("  largest / smallest: {time:.2} in time, {touches:.3} in touches");
        assert!(touches < 1.1, "the cost of deciding grows with the plan");
    }
}

/// What one step costs.
struct Cost {
    nanos: f64,
    touches: f64,
}

impl Cost {
    /// The median of several runs over a plan of `steps` steps in layers of `width`.
    fn measure(steps: usize, width: usize) -> Self {
        let plan = layered(steps, width);
        let rounds = (STEPS_IN_ALL / steps).max(3);
        let mut times: Vec<Duration> = Vec::with_capacity(rounds);
        let mut touches = 0;
        for _ in 0..rounds {
            let (time, count) = decide_all(&plan);
            times.push(time);
            touches = count;
        }
        times.sort_unstable();
        let median = times[times.len() / 2];
        Self {
            nanos: median.as_nanos() as f64 / steps as f64,
            touches: touches as f64 / steps as f64,
        }
    }
}

/// A plan whose steps each need two of the layer before, so that each is needed by two.
fn layered(steps: usize, width: usize) -> Arc<Plan> {
    let id = |at: usize| format!("step-{at:06}");
    let need = |at: usize| Need::on(id(at).as_str());
    let step = |at: usize| {
        let (layer, place) = (at / width, at % width);
        let needs = match layer.checked_sub(1) {
            Some(before) => {
                let first = before * width;
                vec![need(first + place), need(first + (place + 1) % width)]
            }
            None => Vec::new(),
        };
        Step {
            id: id(at).as_str().into(),
            needs,
            action: Action::Persona(Box::new(PersonaStep {
                persona: PersonaChoice::Named("expert".into()),
                prompt: None,
                model: None,
                parameters: Parameters::default(),
                timeouts: Timeouts::default(),
                on_unknown: orchestrate_core::policy::OnUnknown::Retry,
                attempts: None,
                output: None,
                review: None,
                repairs: 1,
            })),
            optional: false,
            save: None,
            flow: orchestrate_core::flow::Flow::default(),
        }
    };
    let parts = PlanParts {
        workflow: "layers".into(),
        summary: None,
        inputs: IndexMap::new(),
        steps: (0..steps).map(step).collect(),
        outputs: IndexMap::new(),
        concurrency: None,
        budget: orchestrate_core::budget::Budget::default(),
    };
    Arc::new(Plan::build(parts).expect("needs point to the layer before"))
}

/// Runs a plan to its end; gives the time spent in deciding and the steps looked at. News is made up
/// beforehand, and each piece is decided on by itself, which is the most deciding there can be.
fn decide_all(plan: &Arc<Plan>) -> (Duration, u64) {
    let mut script = Script::of(plan);
    let mut run = Run::new(Arc::clone(plan));
    let (mut now, mut orders, mut outcome) = (Timestamp(1_000), VecDeque::new(), None);
    let mut waiting: VecDeque<Input> = [
        Input::Create { created: created(), forked: None },
        Input::Opened { epoch: 1, program: "benchmark".into() },
        Input::Resume { limits: None },
    ]
    .into();
    let mut time = Duration::ZERO;
    while outcome.is_none() {
        if let Some(input) = waiting.pop_front() {
            let started = clock();
            run.handle(now, input).expect("the news is legal");
            let decisions = run.poll_to_quiescence(now).expect("the decisions are legal");
            time += started.elapsed();
            orders.extend(decisions.effects);
        }
        match orders.pop_front() {
            Some(Effect::WakeAt(at)) => {
                // Time passes at once.
                now = now.max(at);
                waiting.push_back(Input::Tick);
            }
            Some(Effect::Finish(end)) => outcome = Some(end),
            Some(order) => waiting.push_back(script.answer(order)),
            None => assert!(!waiting.is_empty(), "the run neither goes on nor rests"),
        }
    }
    assert_eq!(outcome, Some(Outcome::Succeeded));
    (time, run.touches())
}

#[expect(clippy::disallowed_methods, reason = "measures the core and is no part of it")]
fn clock() -> Instant {
    Instant::now()
}

/// The news of each step, made before the clock starts.
struct Script {
    plan: Arc<Plan>,
    prepared: Vec<Option<Prepared>>,
    ends: Vec<Vec<AttemptOutcome>>,
}

impl Script {
    fn of(plan: &Arc<Plan>) -> Self {
        let digests = plan.steps().iter().map(|step| Digest::of(step.id.as_str()));
        let prepared = digests.clone().map(|digest| Some(prepared(digest))).collect();
        let ends = digests.enumerate().map(|(at, digest)| {
            // Taken from the end.
            let mut ends = vec![good(digest)];
            if at % ONE_FAILS_IN == 0 {
                ends.push(overloaded());
            }
            ends
        });
        Self { plan: Arc::clone(plan), prepared, ends: ends.collect() }
    }

    fn answer(&mut self, order: Effect) -> Input {
        let known = "the machine orders steps of its plan";
        match order {
            Effect::Prepare { call } => {
                let at = self.plan.position(&call.step).expect(known);
                let prepared = self.prepared[at].take().expect("a step is prepared once");
                Input::Prepared { call, prepared }
            }
            Effect::StartAttempt { call, attempt, .. } => {
                let at = self.plan.position(&call.step).expect(known);
                let outcome = self.ends[at].pop().expect("the last attempt is good");
                Input::AttemptEnded { call, attempt, outcome }
            }
            Effect::WakeAt(_) | Effect::AskPerson { .. } | Effect::Finish(_) => Input::Tick,
        }
    }
}

fn prepared(digest: Digest) -> Prepared {
    Prepared::Call {
        call: Box::new(PreparedCall {
            persona: "expert".into(),
            choice: None,
            model: "bench:model".parse().expect("a model"),
            identity: Identity(digest),
            request: digest,
            reserved: 1_000,
            reserved_cost: None,
            price: None,
            notes: Vec::new(),
            review: None,
            degraded: vec![],
            reliefs: vec![],
            warm_first: None,
        }),
        reuse: None,
    }
}

fn good(digest: Digest) -> AttemptOutcome {
    AttemptOutcome::Good(Answered {
        raw: digest,
        deliverable: digest,
        brief: Some(digest),
        output: None,
        judged: None,
        served_model: None,
        usage: Usage { input: 10, output: 20, ..Usage::default() },
        millis: 5,
    })
}

fn overloaded() -> AttemptOutcome {
    AttemptOutcome::Failed {
        failure: Failure::new(FailureClass::Unavailable, "scripted"),
        billed: Billed::No,
        usage: None,
        retry_after_ms: None,
        partial: None,
    }
}

fn created() -> Box<RunCreated> {
    Box::new(RunCreated {
        run: RunId::new("run"),
        semantics: SEMANTICS,
        workflow: "layers".into(),
        workflow_source: "layers".into(),
        plan: Digest::of("plan"),
        inputs: Digest::of("inputs"),
        task: "task".into(),
        personas: IndexMap::new(),
        endpoint: Endpoint {
            provider: "bench".into(),
            origin: "none".into(),
            dialect: "none".into(),
        },
        endpoints: IndexMap::new(),
        model: "bench:model".parse().expect("a model"),
        models: IndexMap::new(),
        fallbacks: vec![],
        step_fallbacks: IndexMap::new(),
        cheaper: None,
        model_flag: None,
        offline: false,
        replay: None,
        concurrency: CONCURRENCY,
        at_first: None,
        limits: Limits::default(),
        retry: RetryPolicy::default(),
        fresh: Freshness::Reuse,
        output: None,
        selection: None,
    })
}
