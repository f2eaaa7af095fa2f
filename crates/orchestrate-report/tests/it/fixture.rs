//! Plans and journals to report on.

use std::{collections::BTreeMap, sync::Arc};

use indexmap::IndexMap;
use orchestrate_core::{
    SEMANTICS, Timestamp,
    event::{
        Answered, Event, Freshness, LossCause, PreparedCall, Recorded, ReuseOrigin, RunCreated,
        StepSource,
    },
    failure::{Billed, Failure},
    ids::{CallId, Digest, Purpose, RunId},
    money::Money,
    plan::{Action, Need, Otherwise, PersonaChoice, PersonaStep, Plan, PlanParts, Step},
    policy::{Limits, RetryPolicy},
    price::{Price, Rates},
    request::{Endpoint, Identity, ModelRef, Parameters, Timeouts},
    summary::RunSummary,
    usage::Usage,
};
use orchestrate_report::{Blobs, Context};

/// 2026-11-01, 12:00 UTC.
const START: u64 = 1_793_534_400_000;

pub(crate) fn persona(name: &str) -> Action {
    choice(PersonaChoice::Named(name.into()))
}

pub(crate) fn choose(cases: &[(&str, &str)], by: &str, otherwise: Otherwise) -> Action {
    let cases = cases.iter().map(|(value, name)| ((*value).into(), (*name).into())).collect();
    choice(PersonaChoice::Choose { cases, by: by.into(), otherwise })
}

fn choice(persona: PersonaChoice) -> Action {
    Action::Persona(Box::new(PersonaStep {
        persona,
        prompt: None,
        model: None,
        parameters: Parameters::default(),
        timeouts: Timeouts::default(),
        on_unknown: orchestrate_core::policy::OnUnknown::Retry,
        attempts: None,
        output: None,
        review: None,
        repairs: 1,
    }))
}

pub(crate) fn step(id: &str, needs: &[&str], action: Action) -> Step {
    Step {
        id: id.into(),
        needs: needs.iter().map(|need| Need::on(*need)).collect(),
        action,
        optional: false,
        save: None,
        flow: orchestrate_core::flow::Flow::default(),
    }
}

pub(crate) fn plan(workflow: &str, steps: Vec<Step>) -> Plan {
    Plan::build(PlanParts {
        workflow: workflow.into(),
        summary: None,
        inputs: IndexMap::new(),
        steps,
        outputs: IndexMap::new(),
        concurrency: None,
        budget: orchestrate_core::budget::Budget::default(),
    })
    .expect("sound")
}

/// The five steps of the end-to-end pattern.
pub(crate) fn end_to_end() -> Plan {
    let frameworks = [
        ("pytorch", "ml-engineer-pytorch"),
        ("tensorflow", "ml-engineer-tensorflow"),
        ("jax", "ml-engineer-jax"),
    ];
    plan(
        "end-to-end-ml",
        vec![
            step("data", &[], persona("data-engineer")),
            step("analysis", &["data"], persona("data-scientist-stats")),
            step("model", &["analysis"], choose(&frameworks, "inputs.framework", Otherwise::Match)),
            step("operations", &["model"], persona("mlops-engineer")),
            step("report", &["model", "operations"], persona("data-viz-specialist")),
        ],
    )
}

/// Two steps beside each other between a first and a last one, one of them optional.
pub(crate) fn diamond() -> Plan {
    let mut risky = step("speed", &["data"], persona("redis-caching"));
    risky.optional = true;
    plan(
        "diamond",
        vec![
            step("data", &[], persona("data-engineer")),
            step("search", &["data"], persona("elasticsearch-expert")),
            risky,
            step("summary", &["search", "speed"], Action::Render("{{ steps.search.text }}".into())),
        ],
    )
}

/// A journal in the making, with the contents its events refer to.
pub(crate) struct Journal {
    plan: Arc<Plan>,
    events: Vec<Recorded>,
    now: u64,
    pub(crate) contents: Contents,
    pub(crate) offline: bool,
    pub(crate) replay: Option<String>,
    pub(crate) run: &'static str,
    pub(crate) max_tokens: Option<u64>,
}

#[derive(Default)]
pub(crate) struct Contents(BTreeMap<Digest, String>);

impl Contents {
    fn keep(&mut self, text: &str) -> Digest {
        self.0.insert(Digest::of(text), text.to_owned());
        Digest::of(text)
    }
}

impl Blobs for Contents {
    fn text(&self, digest: &Digest) -> Option<String> {
        self.0.get(digest).cloned()
    }
}

impl Journal {
    pub(crate) fn new(plan: Plan) -> Self {
        Self {
            plan: Arc::new(plan),
            events: vec![],
            now: START,
            contents: Contents::default(),
            offline: false,
            replay: None,
            run: "0192-run",
            max_tokens: None,
        }
    }

    pub(crate) fn push(&mut self, event: Event) {
        self.now += 1_500;
        let seq = self.events.len() as u64 + 1;
        self.events.push(Recorded { seq, at: Timestamp(self.now), event });
    }

    pub(crate) fn start(&mut self) {
        let model: ModelRef = if self.offline { "offline:worksheet" } else { "openai:gpt-5-mini" }
            .parse()
            .expect("a model");
        self.push(Event::RunCreated(Box::new(RunCreated {
            run: RunId::new(self.run),
            semantics: SEMANTICS,
            workflow: self.plan.workflow().to_owned(),
            workflow_source: self.plan.workflow().to_owned(),
            plan: self.plan.digest(),
            inputs: Digest::of("{}"),
            task: "Predict churn".into(),
            personas: IndexMap::new(),
            endpoint: Endpoint {
                provider: model.provider.clone(),
                origin: "https://api.example.com/v1".into(),
                dialect: "chat-completions".into(),
            },
            endpoints: IndexMap::new(),
            model,
            offline: self.offline,
            replay: self.replay.clone(),
            concurrency: 4,
            at_first: None,
            limits: Limits { max_tokens: self.max_tokens, ..Limits::default() },
            retry: RetryPolicy::default(),
            fresh: Freshness::default(),
            models: IndexMap::new(),
            fallbacks: vec![],
            step_fallbacks: IndexMap::new(),
            cheaper: None,
            model_flag: None,
            output: None,
            selection: None,
        })));
        self.push(Event::RunStarted);
    }

    pub(crate) fn prepare(
        &mut self,
        step: &str,
        persona: &str,
        choice: Option<&str>,
        notes: &[&str],
    ) {
        self.push(Event::CallPrepared {
            call: call(step),
            prepared: Box::new(PreparedCall {
                persona: persona.into(),
                choice: choice.map(str::to_owned),
                model: "openai:gpt-5-mini".parse().expect("a model"),
                identity: Identity(Digest::of(step)),
                request: Digest::of(step),
                reserved: 9_000,
                reserved_cost: Some(price().worst(808, 8_192)),
                price: Some(price()),
                notes: notes.iter().map(|note| (*note).to_owned()).collect(),
                review: None,
                degraded: vec![],
                reliefs: vec![],
                warm_first: None,
            }),
        });
    }

    pub(crate) fn intent(&mut self, step: &str, attempt: u32) {
        self.push(Event::CallIntent {
            call: call(step),
            attempt,
            reserved: 9_000,
            reserved_cost: Some(price().worst(808, 8_192)),
        });
    }

    /// The step's draft was answered and the step is finished.
    pub(crate) fn answer(&mut self, step: &str, attempt: u32, text: &str, brief: Option<&str>) {
        let answer = self.answered(text, brief);
        let (deliverable, brief) = (answer.deliverable, answer.brief);
        self.push(Event::CallSucceeded { call: call(step), attempt, answer });
        self.finish(step, StepSource::Call, deliverable, brief);
    }

    /// The step's answer was already paid for by another run.
    pub(crate) fn reuse(&mut self, step: &str, text: &str, brief: Option<&str>) {
        let answer = self.answered(text, brief);
        let (deliverable, brief) = (answer.deliverable, answer.brief);
        let origin = ReuseOrigin {
            run: RunId::new("0191-older"),
            call: call(step),
            at: Timestamp(START - 90_000_000),
        };
        self.push(Event::CallReused { call: call(step), origin, answer });
        self.finish(step, StepSource::Reuse, deliverable, brief);
    }

    pub(crate) fn render(&mut self, step: &str, text: &str) {
        let digest = self.contents.keep(text);
        self.finish(step, StepSource::Render, digest, None);
    }

    fn answered(&mut self, text: &str, brief: Option<&str>) -> Answered {
        Answered {
            raw: Digest::of(text),
            deliverable: self.contents.keep(text),
            brief: brief.map(|brief| self.contents.keep(brief)),
            output: None,
            judged: None,
            served_model: Some("gpt-5-mini".into()),
            usage: Usage { input: 1_200, output: 345, estimated: false, ..Usage::default() },
            millis: 1_500,
        }
    }

    fn finish(
        &mut self,
        step: &str,
        source: StepSource,
        deliverable: Digest,
        brief: Option<Digest>,
    ) {
        self.push(Event::StepSucceeded {
            step: step.into(),
            source,
            deliverable,
            brief,
            output: None,
        });
    }

    /// An attempt went under with its process.
    pub(crate) fn lose(&mut self, step: &str, attempt: u32) {
        self.push(Event::CallUnknown {
            call: call(step),
            attempt,
            cause: LossCause::ProcessEnded,
            failure: None,
            partial: None,
        });
    }

    /// An attempt broke off, and what was seen of it is known.
    pub(crate) fn break_off(&mut self, step: &str, attempt: u32, failure: Failure) {
        self.push(Event::CallUnknown {
            call: call(step),
            attempt,
            cause: LossCause::Connection,
            failure: Some(failure),
            partial: None,
        });
    }

    pub(crate) fn fail(&mut self, step: &str, failure: Failure, optional: bool) {
        self.push(Event::CallFailed {
            call: call(step),
            attempt: 1,
            failure: failure.clone(),
            billed: Billed::No,
            usage: None,
            partial: None,
        });
        self.push(Event::StepFailed { step: step.into(), failure, optional });
    }

    pub(crate) fn summary(&self) -> RunSummary {
        RunSummary::of(Arc::clone(&self.plan), &self.events)
    }

    pub(crate) fn report<T>(&self, make: impl Fn(&Context<'_>) -> T) -> T {
        self.report_with(&[], make)
    }

    pub(crate) fn report_with<T>(
        &self,
        outputs: &[(&str, &str)],
        make: impl Fn(&Context<'_>) -> T,
    ) -> T {
        let titles = [
            ("data-engineer", "Data Engineer"),
            ("data-scientist-stats", "Data Scientist - Statistical Modeling"),
            ("elasticsearch-expert", "Elasticsearch Expert"),
            ("redis-caching", "Redis and Caching"),
        ];
        let owned = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
        };
        let (titles, outputs): (IndexMap<_, _>, IndexMap<_, _>) = (owned(&titles), owned(outputs));
        make(&Context {
            summary: &self.summary(),
            titles: &titles,
            outputs: &outputs,
            blobs: &self.contents,
            task: "Predict churn\n\nfrom our Postgres events",
        })
    }
}

/// The price of the model that is asked.
fn price() -> Price {
    let dollars = |text: &str| text.parse::<Money>().expect("an amount");
    let (input, output) = (dollars("0.00000025"), dollars("0.000002"));
    Price { rates: Rates { input, output, cached: None, cache_write: None }, long: None }
}

fn call(step: &str) -> CallId {
    CallId::first(step.into(), Purpose::Draft)
}
