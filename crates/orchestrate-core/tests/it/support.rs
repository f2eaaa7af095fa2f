//! Plans, answers and a little driver that carries effects out in memory.

use std::{collections::VecDeque, sync::Arc};

use indexmap::IndexMap;
use orchestrate_core::{
    Timestamp,
    budget::Budget,
    called::WorkflowStep,
    event::{Answered, Event, Freshness, LossCause, PreparedCall, RunCreated},
    failure::{Billed, Failure, FailureClass},
    ids::{CallId, Digest, Purpose, RunId, StepPath},
    plan::{Action, Need, PersonaChoice, PersonaStep, Plan, PlanParts, Step},
    policy::{Limits, OnUnknown, RetryPolicy},
    request::{Endpoint, Identity, Parameters, Timeouts},
    run::{AttemptOutcome, Decisions, Effect, Input, Outcome, Prepared, Run},
    usage::Usage,
};
use proptest::sample::Index;

pub(crate) fn persona_step(id: &str, needs: &[&str]) -> Step {
    Step {
        id: id.into(),
        needs: needs.iter().map(|need| Need::on(*need)).collect(),
        action: Action::Persona(Box::new(PersonaStep {
            persona: PersonaChoice::Named("tester".into()),
            prompt: None,
            model: None,
            parameters: Parameters::default(),
            timeouts: Timeouts::default(),
            on_unknown: OnUnknown::Retry,
            attempts: None,
            output: None,
            review: None,
            repairs: 1,
        })),
        optional: false,
        save: None,
        flow: orchestrate_core::flow::Flow::default(),
    }
}

/// What a step does that calls another workflow.
pub(crate) fn called_workflow() -> Action {
    Action::Workflow(Box::new(WorkflowStep {
        workflow: "called".into(),
        inputs: IndexMap::new(),
        with: IndexMap::new(),
        outputs: IndexMap::new(),
        output: None,
    }))
}

/// The steps before the one at `at` that were drawn for it, each once.
pub(crate) fn earlier<'i>(ids: &'i [StepPath], at: usize, drawn: &[Index]) -> Vec<&'i str> {
    let mut needs: Vec<&str> = match at {
        0 => vec![],
        _ => drawn.iter().map(|need| ids[need.index(at)].as_str()).collect(),
    };
    needs.sort_unstable();
    needs.dedup();
    needs
}

pub(crate) fn plan(steps: Vec<Step>) -> Arc<Plan> {
    let parts = PlanParts {
        workflow: "test".into(),
        summary: None,
        inputs: IndexMap::new(),
        steps,
        outputs: IndexMap::new(),
        concurrency: None,
        budget: Budget::default(),
    };
    Arc::new(Plan::build(parts).expect("a sound plan"))
}

pub(crate) fn created(concurrency: u32, limits: Limits) -> Box<RunCreated> {
    Box::new(RunCreated {
        run: RunId::new("run-1"),
        semantics: orchestrate_core::SEMANTICS,
        workflow: "test".into(),
        workflow_source: "test".into(),
        plan: Digest::of("plan"),
        inputs: Digest::of("inputs"),
        task: "task".into(),
        personas: IndexMap::new(),
        endpoint: Endpoint {
            provider: "test".into(),
            origin: "none".into(),
            dialect: "none".into(),
        },
        endpoints: IndexMap::new(),
        model: "test:model".parse().expect("a model"),
        models: IndexMap::new(),
        fallbacks: vec![],
        step_fallbacks: IndexMap::new(),
        cheaper: None,
        model_flag: None,
        offline: false,
        replay: None,
        concurrency,
        at_first: None,
        limits,
        retry: RetryPolicy::default(),
        fresh: Freshness::Reuse,
        output: None,
        selection: None,
    })
}

/// A call whose identity is derived from `asks`: equal texts are equal calls.
pub(crate) fn prepared(asks: &str, reserved: u64) -> Prepared {
    Prepared::Call {
        call: Box::new(PreparedCall {
            persona: "tester".into(),
            choice: None,
            model: "test:model".parse().expect("a model"),
            identity: Identity(Digest::of(asks)),
            request: Digest::of(asks),
            reserved,
            reserved_cost: None,
            price: None,
            notes: vec![],
            review: None,
            degraded: vec![],
            reliefs: vec![],
            warm_first: None,
        }),
        reuse: None,
    }
}

pub(crate) fn good(text: &str, with_brief: bool) -> AttemptOutcome {
    AttemptOutcome::Good(Answered {
        raw: Digest::of(text),
        deliverable: Digest::of(text),
        brief: with_brief.then(|| Digest::of(format!("{text}: brief"))),
        output: None,
        judged: None,
        served_model: None,
        usage: Usage { input: 10, output: 20, ..Usage::default() },
        millis: 5,
    })
}

pub(crate) fn failed(class: FailureClass) -> AttemptOutcome {
    AttemptOutcome::Failed {
        failure: Failure::new(class, "scripted"),
        billed: Billed::No,
        usage: None,
        retry_after_ms: None,
        partial: None,
    }
}

/// An attempt of which nobody knows how it ended, and which is worth another one.
pub(crate) fn lost() -> AttemptOutcome {
    AttemptOutcome::Lost {
        failure: Failure::new(FailureClass::StreamCut, "scripted"),
        cause: LossCause::Connection,
        partial: None,
    }
}

/// Events as a journal gives them; the rules do not look at when they were decided.
pub(crate) fn timed(events: &[Event]) -> impl Iterator<Item = (Timestamp, &Event)> {
    events.iter().map(|event| (Timestamp(0), event))
}

/// A run together with what it recorded and what it asked for.
pub(crate) struct Desk {
    pub(crate) run: Run,
    pub(crate) events: Vec<Event>,
    pub(crate) orders: VecDeque<Effect>,
    pub(crate) now: Timestamp,
    pub(crate) outcome: Option<Outcome>,
}

impl Desk {
    pub(crate) fn start(plan: &Arc<Plan>, created: Box<RunCreated>) -> Self {
        let mut desk = Self {
            run: Run::new(Arc::clone(plan)),
            events: vec![],
            orders: VecDeque::new(),
            now: Timestamp(1_000),
            outcome: None,
        };
        desk.tell(Input::Create { created, forked: None });
        desk.tell(Input::Opened { epoch: 1, program: "test".into() });
        desk.tell(Input::Resume { limits: None });
        desk
    }

    /// The run as another process would find it: nothing survives but the events.
    pub(crate) fn crash(&mut self, plan: &Arc<Plan>) {
        self.run =
            Run::replay(Arc::clone(plan), timed(&self.events)).expect("recorded events fold");
        self.orders.clear();
        self.outcome = None;
        self.tell(Input::Opened { epoch: 2, program: "test".into() });
        if !self.run.is_finished() {
            self.tell(Input::Resume { limits: None });
        }
    }

    pub(crate) fn tell(&mut self, input: Input) {
        self.run.handle(self.now, input).expect("legal news");
        let Decisions { events, effects } =
            self.run.poll_to_quiescence(self.now).expect("legal decisions");
        self.events.extend(events);
        for effect in effects {
            if let Effect::Finish(outcome) = &effect {
                self.outcome = Some(outcome.clone());
            }
            self.orders.push_back(effect);
        }
    }

    /// Takes out every order, in the order given.
    pub(crate) fn take_orders(&mut self) -> Vec<Effect> {
        self.orders.drain(..).collect()
    }

    /// Answers one order; retries wake at once.
    pub(crate) fn carry_out(
        &mut self,
        order: Effect,
        prepare: &dyn Fn(&CallId) -> Prepared,
        answer: &mut dyn FnMut(&CallId, u32) -> AttemptOutcome,
    ) {
        match order {
            Effect::Prepare { call } => {
                let prepared = prepare(&call);
                self.tell(Input::Prepared { call, prepared });
            }
            Effect::StartAttempt { call, attempt, .. } => {
                let outcome = answer(&call, attempt);
                self.tell(Input::AttemptEnded { call, attempt, outcome });
            }
            Effect::WakeAt(at) => {
                self.now = self.now.max(at);
                self.tell(Input::Tick);
            }
            Effect::AskPerson { .. } | Effect::Finish(_) => {}
        }
    }

    /// Carries everything out until the run rests.
    pub(crate) fn run_to_rest(
        &mut self,
        prepare: &dyn Fn(&CallId) -> Prepared,
        answer: &mut dyn FnMut(&CallId, u32) -> AttemptOutcome,
    ) -> Outcome {
        for _ in 0..100_000 {
            let Some(order) = self.orders.pop_front() else { break };
            self.carry_out(order, prepare, answer);
        }
        self.outcome.clone().expect("the run came to rest")
    }

    pub(crate) fn kinds(&self) -> Vec<&'static str> {
        self.events.iter().map(Event::kind).collect()
    }

    pub(crate) fn calls_sent(&self, purpose: Purpose) -> usize {
        let intents = self.events.iter().filter(|event| match event {
            Event::CallIntent { call, .. } => call.purpose == purpose,
            _ => false,
        });
        intents.count()
    }
}
