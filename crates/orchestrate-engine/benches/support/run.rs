//! One run of a plan that is built in code, in folders of its own, from its creation to its end.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use indexmap::IndexMap;
use orchestrate_core::{
    event::Freshness,
    plan::{Action, InputValue, Need, PersonaChoice, PersonaStep, Plan, PlanParts, Step},
    policy::{Limits, RetryPolicy},
    request::{Parameters, Timeouts},
    run::Outcome,
};
use orchestrate_engine::{
    config::Environment,
    home::Home,
    providers::Providers,
    session::{OpenRun, RunSetup, Workspace},
};
use orchestrate_provider::Provider;
use tokio::sync::mpsc;

use super::watch::{Moments, Watch};

pub(crate) type Error = Box<dyn std::error::Error + Send + Sync>;

/// The persona of every step, and a task as long as people write them.
const PERSONA: &str = "data-engineer";
const TASK: &str = "Predict which customers will leave within the next 90 days from the events in our Postgres \
database: 40 million rows a day, five years of history. The result is needed every morning at six.";

/// Folders that are removed when dropped.
pub(crate) struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    pub(crate) fn new() -> Result<Self, Error> {
        Ok(Self { folder: tempfile::Builder::new().prefix("orchestrate-bench-").tempdir()? })
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// A persona step with the prompt `prompt`, which gets the handoffs of `needs`.
pub(crate) fn step(id: &str, needs: &[&str], prompt: String) -> Step {
    Step {
        id: id.into(),
        needs: needs.iter().map(|need| Need::on(*need)).collect(),
        action: Action::Persona(Box::new(PersonaStep {
            persona: PersonaChoice::Named(PERSONA.into()),
            prompt: Some(prompt),
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
}

/// A run that is set up and waits to be measured.
pub(crate) struct Product {
    place: Place,
    workspace: Workspace,
    setup: RunSetup,
}

/// What a measured run left behind.
pub(crate) struct Ran {
    /// From the creation of the journal until it is closed.
    pub(crate) wall: Duration,
    /// When what was recorded.
    pub(crate) moments: Moments,
    /// The run's own folder.
    pub(crate) folder: PathBuf,
}

impl Product {
    /// Sets up a run of `steps` with so many calls at a time, in fresh folders: no answer of an earlier
    /// run is found.
    pub(crate) fn new(
        steps: Vec<Step>,
        concurrency: usize,
        provider: Arc<dyn Provider>,
    ) -> Result<Self, Error> {
        let place = Place::new()?;
        let root = place.path();
        for folder in ["work", "state", "config"] {
            fs::create_dir(root.join(folder))?;
        }
        let home = Home::at(root.join("state"), root.join("config"));
        let workspace = Workspace::open_with(&root.join("work"), home, &Environment::of([]))?;
        let persona = workspace.personas.read(PERSONA)?.and_then(|found| found.persona);
        let persona = persona.ok_or("the built-in persona cannot be read")?;
        let plan = Plan::build(PlanParts {
            workflow: "benchmark".into(),
            summary: None,
            inputs: IndexMap::new(),
            steps,
            outputs: IndexMap::new(),
            concurrency: None,
            budget: orchestrate_core::budget::Budget::default(),
        })?;
        let setup = RunSetup {
            selection: None,
            plan: Arc::new(plan),
            workflow_source: "benchmark".into(),
            inputs: IndexMap::from([("task".to_owned(), InputValue::String(TASK.to_owned()))]),
            personas: IndexMap::from([(PERSONA.to_owned(), Arc::new(persona))]),
            model: "bench:model".parse()?,
            models: IndexMap::new(),
            fallbacks: vec![],
            step_fallbacks: IndexMap::new(),
            cheaper: None,
            providers: Providers::default().with("bench", provider),
            model_flag: None,
            offline: false,
            replay: None,
            limits: Limits::default(),
            prices: <_>::default(),
            facts: IndexMap::new(),
            too_long: Vec::new(),
            concurrency: u32::try_from(concurrency)?,
            at_first: None,
            retry: RetryPolicy::default(),
            fresh: Freshness::Reuse,
            output: None,
            rework: None,
            redactor: orchestrate_provider::redact::Redactor::default(),
            new_lock: None,
            warnings: Vec::new(),
        };
        Ok(Self { place, workspace, setup })
    }

    /// Runs it to its end. The folders stay until the [`Place`] is dropped.
    pub(crate) async fn run(self) -> Result<(Ran, Place), Error> {
        let started = Instant::now();
        let moments = Arc::new(Mutex::new(Moments::default()));
        let watch = Box::new(Watch { started, moments: Arc::clone(&moments) });
        let run = OpenRun::create(&self.workspace, &self.setup)?;
        let folder = self.workspace.home.run(run.id());
        // Kept until the end: a closed channel is no request to stop, but costs the driver a look.
        let (_stop, asked) = mpsc::channel(1);
        let finished = run.drive(watch, asked).await?;
        let wall = started.elapsed();
        if finished.outcome != Outcome::Succeeded {
            return Err(format!("the run did not succeed: {:?}", finished.outcome).into());
        }
        let moments = *moments.lock().unwrap_or_else(PoisonError::into_inner);
        Ok((Ran { wall, moments, folder }, self.place))
    }
}
