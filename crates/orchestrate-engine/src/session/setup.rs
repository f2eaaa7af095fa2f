//! Deciding everything about a run before anything is recorded or paid.

use std::{path::PathBuf, sync::Arc};

use indexmap::IndexMap;
use orchestrate_core::{
    diagnostic::{Diagnostic, has_errors},
    event::{Freshness, PersonaSelection, Reworked, RunCreated, RunForked},
    ids::{Digest, RunId, StepPath},
    neutral,
    persona::Persona,
    plan::{Action, InputValue, Plan},
    policy::{Limits, RetryPolicy},
    request::ModelRef,
    suggest,
};
use orchestrate_persona::lockfile::{Lock, LockedPersona, Mismatch};
use orchestrate_provider::{
    cassette::{RecordedModels, Standing},
    redact::Redactor,
};
use orchestrate_workflow::{Given, InputProblem};

use super::{
    TooLong, Workspace, cheaper, files::colliding_files, lock, parameters, rehearsal::told, secrets,
};
use crate::{
    artifacts::{ArtifactError, OutputFolder},
    cassette::{Cassette, CassetteFault},
    config::{Chain, Config, ModelError, ModelPrices, ModelsKnown},
    gates,
    imports::WriteError,
    library::{
        Beside, FoundWorkflow, GeneratedName, LibraryError, MAX_PERSONAS, generate, is_path,
    },
    providers::{OFFLINE_MODEL, ProviderError, Providers},
    schemas::JsonSchemas,
    store::Blob,
};

/// The folder below the workspace that steps with `save` write to where nobody names another.
const DEFAULT_OUTPUT: &str = "orchestrate-output";

/// Calls at a time that a model starts with, where nobody says how many.
const AT_FIRST: u32 = 4;

/// Calls at a time at most, where nothing says otherwise.
const DEFAULT_CONCURRENCY: u32 = 16;

/// What the command line asks of a run.
#[derive(Debug, Clone, Default)]
pub struct RunOptions {
    /// The model of every step, whatever the workflow says.
    pub model: Option<String>,
    /// Call no model.
    pub offline: bool,
    /// Caps.
    pub limits: Limits,
    /// Calls at a time.
    pub concurrency: Option<u32>,
    /// Which steps refuse answers of earlier runs.
    pub fresh: Freshness,
    /// The folder to write deliverables to.
    pub output: Option<PathBuf>,
    /// The model of steps that name none, whatever the configuration says.
    pub usual_model: Option<Chain>,
    /// How the personas were chosen, where no workflow says it.
    pub selection: Option<PersonaSelection>,
    /// Lock the personas as they are now, instead of holding them against the lock.
    pub update_lock: bool,
    /// The cassette that answers in the place of models.
    pub replay: Option<Arc<Cassette>>,
}

/// A plan, its personas by name, and warnings about the files.
pub type Compiled = (Arc<Plan>, IndexMap<String, Arc<Persona>>, Vec<Diagnostic>);

/// Like [`Compiled`], with the personas' files as they would be locked.
pub type CompiledUsed =
    (Arc<Plan>, IndexMap<String, Arc<Persona>>, Vec<Diagnostic>, Vec<LockedPersona>);

/// What a person wants done again.
#[derive(Debug, Clone)]
pub struct Rework {
    /// The run it was.
    pub from: RunId,
    /// The step to redo, where one was named.
    pub step: Option<StepPath>,
    /// The remark on it.
    pub remark: Option<String>,
    /// The step's deliverable in that run.
    pub earlier: Option<String>,
    /// What had been redone in that run and those before it, oldest first.
    pub before: Vec<PastRework>,
}

/// A step that was redone in an earlier run, and what it got for that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastRework {
    /// The step; none where the whole workflow was run again.
    pub step: Option<StepPath>,
    /// The remark on it.
    pub remark: Option<String>,
    /// The deliverable that the remark speaks of.
    pub earlier: Option<String>,
}

/// A run that is fully decided and not yet recorded.
#[derive(Debug)]
pub struct RunSetup {
    /// The plan.
    pub plan: Arc<Plan>,
    /// The name or absolute path that finds the workflow's file again.
    pub workflow_source: String,
    /// The values of its inputs.
    pub inputs: IndexMap<String, InputValue>,
    /// Every persona that a step may choose, by name.
    pub personas: IndexMap<String, Arc<Persona>>,
    /// The model of steps that name no other.
    pub model: ModelRef,
    /// The models that are asked where that one cannot be had.
    pub fallbacks: Vec<ModelRef>,
    /// The models of steps that name another one.
    pub models: IndexMap<StepPath, ModelRef>,
    /// The models that are asked where those cannot be had.
    pub step_fallbacks: IndexMap<StepPath, Vec<ModelRef>>,
    /// The model that is asked where the budget does not cover a dearer one, and the workflow wants that.
    pub cheaper: Option<ModelRef>,
    /// The providers of all these models.
    pub providers: Providers,
    /// The model that the command line asked for, for every step.
    pub model_flag: Option<String>,
    /// Whether no model is called.
    pub offline: bool,
    /// The cassette that answers in the place of models.
    pub replay: Option<Arc<Cassette>>,
    /// Caps.
    pub limits: Limits,
    /// The prices of these models, as far as they are known.
    pub prices: ModelPrices,
    /// What else is known of them, such as their windows.
    pub facts: ModelsKnown,
    /// Prompts that are known not to fit the window of their model.
    pub too_long: Vec<TooLong>,
    /// Calls at a time, at most.
    pub concurrency: u32,
    /// Calls at a time that each model starts with, where nobody said how many.
    pub at_first: Option<u32>,
    /// When attempts are repeated.
    pub retry: RetryPolicy,
    /// Which steps refuse answers of earlier runs.
    pub fresh: Freshness,
    /// The folder to write deliverables to.
    pub output: Option<PathBuf>,
    /// How the personas were chosen, where no workflow says it.
    pub selection: Option<PersonaSelection>,
    /// What is to be done again.
    pub rework: Option<Rework>,
    /// Knows what must not reach the journal.
    pub redactor: Redactor,
    /// The project's lock as it is to be written, where that was asked for.
    pub new_lock: Option<Lock>,
    /// Warnings about the files that were read.
    pub warnings: Vec<Diagnostic>,
}

/// A run that cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// No workflow has this name.
    #[error("unknown workflow `{name}`")]
    UnknownWorkflow {
        /// What was given.
        name: String,
        /// What to do.
        help: Option<String>,
    },
    /// Files cannot be used as they are.
    #[error("the workflow or a persona cannot be used")]
    Invalid(Vec<Diagnostic>),
    /// Inputs are missing or wrong.
    #[error("the inputs cannot be used")]
    Inputs(Vec<InputProblem>),
    /// A step does not exist.
    #[error("the workflow has no step `{step}`")]
    UnknownStep {
        /// What was given.
        step: StepPath,
        /// What to do.
        help: Option<String>,
    },
    /// The cost is capped, and nobody knows what these models cost.
    #[error("the price of {} is not known, and the cost of the run is capped", named(.0))]
    Unpriced(Vec<ModelRef>),
    /// Personas are not those that the project's lock names.
    #[error("the personas are not those of the lock file")]
    NotAsLocked(Vec<Mismatch>),
    /// Gates are decided by commands that the config does not have: what is wrong, and what to do.
    #[error("gates cannot be judged")]
    Gates(Vec<(String, String)>),
    /// A library.
    #[error(transparent)]
    Library(#[from] LibraryError),
    /// A key stands where it would be sent and recorded.
    #[error("{0} holds a key that is configured here")]
    HoldsKey(String),
    /// What is known of these prompts alone does not fit the windows of their models.
    #[error("{}", told_too_long(.0))]
    TooLong(Vec<TooLong>),
    /// Steps set what their models cannot be told: what is wrong, and what to do.
    #[error("settings of steps cannot be passed on")]
    Untellable(Vec<(String, Option<String>)>),
    /// A model or provider.
    #[error(transparent)]
    Provider(#[from] ProviderError),
    /// The cassette that is to answer.
    #[error(transparent)]
    Cassette(#[from] CassetteFault),
}

impl From<ModelError> for SetupError {
    fn from(error: ModelError) -> Self {
        Self::Provider(error.into())
    }
}

impl RunSetup {
    /// Finds a workflow by name or path, or makes it where its name says what of.
    pub fn find_workflow(workspace: &Workspace, name: &str) -> Result<FoundWorkflow, SetupError> {
        if let Some(generated) = generate(name, &workspace.personas) {
            return Ok(generated);
        }
        workspace.workflows.read(name)?.ok_or_else(|| SetupError::UnknownWorkflow {
            name: name.to_owned(),
            help: if GeneratedName::is_meant(name) {
                Some(format!(
                    "personas stand in it by name, each once, {MAX_PERSONAS} at most: `ask:data-engineer`, or `ask:data-engineer+mlops-engineer`"
                ))
            } else {
                suggest::advice(name, workspace.workflows.names())
            },
        })
    }

    /// Compiles a workflow and reads its personas: everything that can be said without inputs.
    pub fn compile(
        workspace: &Workspace,
        workflow: &FoundWorkflow,
    ) -> Result<Compiled, SetupError> {
        let (plan, personas, diagnostics, _) = Self::compile_used(workspace, workflow)?;
        Ok((plan, personas, diagnostics))
    }

    /// Like [`compile`](Self::compile), with the personas' files as they would be locked.
    pub fn compile_used(
        workspace: &Workspace,
        workflow: &FoundWorkflow,
    ) -> Result<CompiledUsed, SetupError> {
        let (plan, mut diagnostics) =
            orchestrate_workflow::compile(&workflow.source, &Beside::of(workspace, workflow));
        let Some(plan) = plan else { return Err(SetupError::Invalid(diagnostics)) };
        diagnostics.extend(colliding_files(&plan, &workflow.source));
        let mut used = Vec::new();
        let personas = read_personas(workspace, &plan, &mut diagnostics, &mut used)?;
        if has_errors(&diagnostics) {
            return Err(SetupError::Invalid(diagnostics));
        }
        Ok((Arc::new(plan), personas, diagnostics, used))
    }

    /// Decides everything about a run of `workflow` with the inputs `given`.
    pub fn decide(
        workspace: &Workspace,
        workflow: &FoundWorkflow,
        given: &IndexMap<String, Given>,
        options: &RunOptions,
    ) -> Result<Self, SetupError> {
        let (plan, personas, mut warnings, files) = Self::compile_used(workspace, workflow)?;
        let new_lock = if options.update_lock {
            let (lock, given_up) = lock::updated(workspace, &files)?;
            warnings.extend(given_up);
            Some(lock)
        } else {
            warnings.extend(lock::verify(workspace, &files)?);
            None
        };
        let redactor = workspace.config.redactor();
        secrets::refuse_keys(redactor, &plan, &personas, options.model.as_deref())?;
        let inputs = orchestrate_workflow::resolve_inputs(plan.inputs(), given, &JsonSchemas)
            .map_err(SetupError::Inputs)?;
        let (inputs, told) = secrets::without_keys(redactor, inputs);
        warnings.extend(told);
        if !options.offline {
            let missing = gates::missing(&plan, &personas, &workspace.config.gates);
            if !missing.is_empty() {
                return Err(SetupError::Gates(missing.into_values().collect()));
            }
        }
        if let Freshness::Steps(steps) = &options.fresh {
            for step in steps {
                known_step(&plan, step)?;
            }
        }
        let Chains { usual, mut own } = chains(workspace, &plan, options)?;
        let mut usual = usual;
        if options.replay.is_none() {
            for chain in own.values_mut().chain([&mut usual]) {
                leave_out_unusable(&workspace.config, chain, &mut warnings);
            }
        }
        let cheaper = match &options.replay {
            _ if options.offline => None,
            Some(cassette) => cheaper::recorded(cassette.models(plan.workflow())?, &plan),
            None => cheaper::find(&workspace.config, &plan, &mut warnings),
        };
        let all = own.values().chain([&usual]).flat_map(Chain::models).chain(&cheaper);
        let providers = match &options.replay {
            Some(cassette) => cassette.providers(plan.workflow(), all, &Standing::Refused)?,
            None => Providers::for_models(&workspace.config, all)?,
        };
        parameters::told_to_all(&plan, &providers, &usual, &mut own, &mut warnings)?;
        let defaults = workspace.config.defaults;
        let limits = options.limits.stricter(plan.budget().limits).stricter(defaults.limits);
        let used = || own.values().chain([&usual]).flat_map(Chain::models).chain(&cheaper);
        let prices = workspace.config.prices_of(used());
        let facts = workspace.config.facts_of(used());
        // A replay pays nobody.
        if options.replay.is_none() {
            priced(&limits, used(), &prices)?;
        }
        let concurrency = options.concurrency.or(plan.concurrency()).or(defaults.concurrency);
        let saves = plan.steps().iter().any(|step| step.save.is_some());
        let output = options
            .output
            .clone()
            .or_else(|| saves.then(|| PathBuf::from(DEFAULT_OUTPUT)))
            .map(|folder| workspace.folder.join(folder));
        let workflow_source = if is_path(&workflow.name) {
            std::path::absolute(&workflow.name)
                .map_or_else(|_| workflow.name.clone(), |path| path.display().to_string())
        } else {
            workflow.name.clone()
        };
        let retry = RetryPolicy::default();
        let mut setup = Self {
            plan,
            workflow_source,
            inputs,
            personas,
            model: usual.model,
            fallbacks: usual.fallbacks,
            models: own.iter().map(|(step, chain)| (step.clone(), chain.model.clone())).collect(),
            step_fallbacks: own
                .into_iter()
                .filter(|(_, chain)| !chain.fallbacks.is_empty())
                .map(|(step, chain)| (step, chain.fallbacks))
                .collect(),
            cheaper,
            providers,
            model_flag: options.model.clone(),
            offline: options.offline,
            replay: options.replay.clone(),
            limits,
            prices,
            facts,
            too_long: Vec::new(),
            // Worksheets are made faster than calls come back: more at a time would gain nothing.
            concurrency: concurrency.unwrap_or(if options.offline {
                AT_FIRST
            } else {
                DEFAULT_CONCURRENCY
            }),
            at_first: (concurrency.is_none() && !options.offline).then_some(AT_FIRST),
            // What a cassette says of a call it says each time.
            retry: RetryPolicy {
                max_attempts: if options.replay.is_some() { 1 } else { retry.max_attempts },
                ..retry
            },
            fresh: options.fresh.clone(),
            output,
            selection: options.selection.clone(),
            rework: None,
            redactor: redactor.clone(),
            new_lock,
            warnings,
        };
        setup.find_too_long();
        Ok(setup)
    }

    /// The model of a step, and those that are asked where that cannot be had.
    pub fn chain(&self, step: &StepPath) -> (&ModelRef, &[ModelRef]) {
        match self.models.get(step) {
            Some(own) => (own, self.step_fallbacks.get(step).map_or(&[], Vec::as_slice)),
            None => (&self.model, &self.fallbacks),
        }
    }

    /// Makes the run a rework of another one.
    pub fn rework(mut self, rework: Rework) -> Result<Self, SetupError> {
        if let Some(step) = &rework.step {
            known_step(&self.plan, step)?;
            // Without a remark the same question would find its old answer.
            if self.fresh == Freshness::Reuse {
                self.fresh = Freshness::Steps(vec![step.clone()]);
            }
        }
        let remark = rework.remark.map(|remark| self.redactor.redact_owned(remark));
        self.rework = Some(Rework { remark, ..rework });
        Ok(self)
    }

    /// Makes the output folder, so that a run never ends with documents that have no place.
    ///
    /// From now on the folder is named without links: whoever puts one there later redirects nothing.
    pub fn prepare_output(&mut self, workspace: &Workspace) -> Result<(), ArtifactError> {
        let Some(folder) = &self.output else { return Ok(()) };
        let folder = if *folder == workspace.folder.join(DEFAULT_OUTPUT) {
            OutputFolder::open_unlinked(folder)?
        } else {
            OutputFolder::open(folder)?
        };
        folder.probe()?;
        self.output = Some(folder.path().to_owned());
        Ok(())
    }

    /// Writes the project's lock, where that was asked for.
    pub fn write_lock(&self, workspace: &Workspace) -> Result<(), WriteError> {
        self.new_lock.as_ref().map_or(Ok(()), |new| lock::write_lock(workspace, new))
    }

    /// What the run is pinned to, and the contents it speaks of.
    pub(super) fn created(
        &self,
        run: &RunId,
    ) -> (Box<RunCreated>, Option<Box<RunForked>>, Vec<Blob>) {
        let mut blobs = Vec::new();
        let mut keep = |content: Vec<u8>| -> Digest {
            let blob = Blob::new(content);
            let digest = blob.digest;
            blobs.push(blob);
            digest
        };
        let plan = keep(self.plan.to_json().into_bytes());
        let inputs = keep(serde_json::to_vec(&self.inputs).expect("inputs are plain data"));
        let personas = self
            .personas
            .iter()
            .map(|(name, persona)| {
                (
                    name.clone(),
                    keep(serde_json::to_vec(&**persona).expect("a persona is plain data")),
                )
            })
            .collect();
        let forked = self.rework.as_ref().map(|rework| {
            let mut keep = |text: &Option<String>| text.clone().map(|text| keep(text.into_bytes()));
            Box::new(RunForked {
                from: rework.from.clone(),
                step: rework.step.clone(),
                remark: keep(&rework.remark),
                earlier: keep(&rework.earlier),
                before: rework
                    .before
                    .iter()
                    .map(|past| Reworked {
                        step: past.step.clone(),
                        remark: keep(&past.remark),
                        earlier: keep(&past.earlier),
                    })
                    .collect(),
            })
        });
        let endpoint = self.providers.endpoint(&self.model).cloned();
        let others = self.providers.endpoints().filter(|(name, _)| *name != self.model.provider);
        let created = RunCreated {
            run: run.clone(),
            semantics: orchestrate_core::SEMANTICS,
            workflow: self.plan.workflow().to_owned(),
            workflow_source: self.workflow_source.clone(),
            plan,
            inputs,
            task: neutral::excerpt(&task_of(&self.inputs), 120),
            personas,
            endpoint: endpoint.expect("every model's provider was set up"),
            endpoints: others.map(|(name, other)| (name.to_owned(), other.clone())).collect(),
            model: self.model.clone(),
            models: self.models.clone(),
            fallbacks: self.fallbacks.clone(),
            step_fallbacks: self.step_fallbacks.clone(),
            cheaper: self.cheaper.clone(),
            model_flag: self.model_flag.clone(),
            offline: self.offline,
            replay: self.replay.as_ref().map(|cassette| cassette.folder().display().to_string()),
            concurrency: self.concurrency,
            at_first: self.at_first,
            limits: self.limits,
            retry: self.retry.clone(),
            fresh: self.fresh.clone(),
            output: self.output.as_ref().map(|folder| folder.display().to_string()),
            selection: self.selection.clone(),
        };
        (Box::new(created), forked, blobs)
    }
}

/// The text of the input `task`, empty where there is none.
pub(super) fn task_of(inputs: &IndexMap<String, InputValue>) -> String {
    match inputs.get("task") {
        Some(InputValue::String(text) | InputValue::Enum(text) | InputValue::File { text, .. }) => {
            text.clone()
        }
        _ => String::new(),
    }
}

fn known_step(plan: &Plan, step: &StepPath) -> Result<(), SetupError> {
    if plan.position_of(step).is_some() {
        return Ok(());
    }
    let known = plan.steps().iter().map(|step| step.id.as_str());
    Err(SetupError::UnknownStep { step: step.clone(), help: suggest::advice(step.as_str(), known) })
}

/// Refuses models without a known price where the cost is capped, all of them at once.
pub(super) fn priced<'a>(
    limits: &Limits,
    used: impl Iterator<Item = &'a ModelRef>,
    prices: &ModelPrices,
) -> Result<(), SetupError> {
    if !limits.refuses_unpriced() {
        return Ok(());
    }
    let mut unknown: Vec<ModelRef> =
        used.filter(|model| !prices.contains_key(*model)).cloned().collect();
    unknown.sort();
    unknown.dedup();
    if unknown.is_empty() { Ok(()) } else { Err(SetupError::Unpriced(unknown)) }
}

fn told_too_long(prompts: &[TooLong]) -> String {
    let told: Vec<String> = prompts.iter().map(ToString::to_string).collect();
    told.join("; ")
}

fn named(models: &[ModelRef]) -> String {
    let names: Vec<String> = models.iter().map(|model| format!("`{model}`")).collect();
    names.join(", ")
}

/// The models of most steps, and those of the steps that differ.
struct Chains {
    usual: Chain,
    own: IndexMap<StepPath, Chain>,
}

/// Leaves out fallbacks that cannot be used here, such as those that nobody has a key for, and says so.
fn leave_out_unusable(config: &Config, chain: &mut Chain, warnings: &mut Vec<Diagnostic>) {
    let model = chain.model.clone();
    chain.fallbacks.retain(|fallback| {
        let Err(error) = Providers::for_models(config, [fallback]) else { return true };
        let message = format!("`{model}` goes without its fallback `{fallback}`: {}", told(&error));
        // Several steps may share a chain.
        if !warnings.iter().any(|known| known.message == message) {
            warnings.push(Diagnostic::warning("fallback-left-out", message));
        }
        false
    });
}

fn chains(workspace: &Workspace, plan: &Plan, options: &RunOptions) -> Result<Chains, SetupError> {
    if options.offline {
        let model = OFFLINE_MODEL.parse().expect("the offline model has a valid name");
        return Ok(Chains { usual: Chain::only(model), own: IndexMap::new() });
    }
    let flag = options.model.as_deref();
    if let Some(cassette) = &options.replay {
        return Ok(recorded_models(cassette.models(plan.workflow())?, plan, options)?);
    }
    let config = &workspace.config;
    let mut own = IndexMap::new();
    let mut all_named = true;
    for step in plan.steps() {
        let Action::Persona(action) = &step.action else { continue };
        match action.model.as_deref() {
            Some(name) => {
                let (chain, _) = config.chain_of(flag, Some(name))?;
                own.insert(step.id.clone(), chain);
            }
            None => all_named = false,
        }
    }
    let usual = match (flag, &options.usual_model) {
        (None, Some(chain)) => Ok(chain.clone()),
        _ => config.chain_of(flag, None).map(|(chain, _)| chain),
    };
    let usual = match (usual, own.values().next()) {
        (Ok(chain), _) => chain,
        // Every step names its model, so that nothing is missing.
        (Err(ModelError::None), Some(first)) if all_named => first.clone(),
        (Err(error), _) => return Err(error.into()),
    };
    own.retain(|_, named| *named != usual);
    Ok(Chains { usual, own })
}

/// The models of a replay, as the cassette knows them.
fn recorded_models(
    recorded: &RecordedModels,
    plan: &Plan,
    options: &RunOptions,
) -> Result<Chains, CassetteFault> {
    let flag = options.model.as_deref();
    let named = |step: Option<&str>| -> Result<Chain, CassetteFault> {
        let (model, fallbacks) = (recorded.model(flag, step)?, recorded.fallbacks(flag, step));
        Ok(Chain { model, fallbacks })
    };
    let usual = match (flag, &options.usual_model) {
        (None, Some(chain)) => chain.clone(),
        _ => named(None)?,
    };
    let mut own = IndexMap::new();
    for step in plan.steps() {
        let Action::Persona(action) = &step.action else { continue };
        if let Some(name) = action.model.as_deref() {
            own.insert(step.id.clone(), named(Some(name))?);
        }
    }
    own.retain(|_, named| *named != usual);
    Ok(Chains { usual, own })
}

fn read_personas(
    workspace: &Workspace,
    plan: &Plan,
    diagnostics: &mut Vec<Diagnostic>,
    used: &mut Vec<LockedPersona>,
) -> Result<IndexMap<String, Arc<Persona>>, SetupError> {
    let mut personas = IndexMap::new();
    for step in plan.steps() {
        let Action::Persona(action) = &step.action else { continue };
        let reviewers =
            action.review.iter().flat_map(|review| review.by.iter().map(String::as_str));
        for name in action.persona.candidates().into_iter().chain(reviewers) {
            if personas.contains_key(name) {
                continue;
            }
            let Some(found) = workspace.personas.read(name)? else { continue };
            used.push(lock::as_locked(workspace, &found));
            diagnostics.extend(found.diagnostics);
            if let Some(persona) = found.persona {
                personas.insert(name.to_owned(), Arc::new(persona));
            }
        }
    }
    Ok(personas)
}
