//! What a run will do, said before it costs anything: persona, model and prompt size per step.

use std::{collections::BTreeMap, sync::Arc};

use indexmap::IndexMap;
use orchestrate_core::{
    called::Passed,
    handoff::DEFAULT_ALLOWANCE,
    ids::StepPath,
    plan::{Action, InputValue, Need, PersonaChoice, PersonaStep, Plan, ReviewSpec},
    request::ModelRef,
};
use orchestrate_persona::Contract;
use orchestrate_workflow::{CalledInputs, Scope, StepValue, StepValues, known_call_inputs};

use super::{RunSetup, counting::TokenCounts};
use crate::{
    casting::{Casting, invalid, task_segment},
    items,
    schemas::JsonSchemas,
    warming::kept_from,
};

/// What one step will do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepForecast {
    /// The step.
    pub step: StepPath,
    /// The stage it stands in, from 1.
    pub stage: usize,
    /// The persona, or the candidates where the choice hangs on an earlier step's answer. Empty for a
    /// rendered value.
    pub personas: Vec<String>,
    /// Why this persona, where there is a choice.
    pub choice: Option<String>,
    /// The model, `None` for a rendered value.
    pub model: Option<ModelRef>,
    /// The models that are asked where that one cannot be had, in order.
    pub fallbacks: Vec<ModelRef>,
    /// Tokens of system prompt, task and step prompt.
    pub prompt_tokens: u64,
    /// Steps that come before it.
    pub needs: Vec<StepPath>,
    /// Steps whose handoffs come on top, with what the workflow says of each, and inputs of a called workflow
    /// that are not known yet.
    pub handoffs: Vec<String>,
    /// Tokens that those may add at most.
    pub handoff_tokens: u64,
    /// Calls that it makes at most, retries and missing briefs left out: the draft, verdicts and new
    /// versions of a review, and repairs. None for a rendered value.
    pub most_calls: u64,
    /// Attempts at each of these calls, where the workflow allows fewer than usual.
    pub attempts: Option<u16>,
    /// Who reviews it, and in how many rounds at most.
    pub review: Option<(Vec<String>, u16)>,
    /// Whether the step is optional.
    pub optional: bool,
    /// When and how often it runs, in words.
    pub flow: Vec<String>,
    /// How often it runs, where that is not once.
    pub repeats: Option<Repeats>,
    /// Whether the first of its items goes alone, so that the others read the beginning of their prompts from
    /// the provider's cache.
    pub warms_first: bool,
    /// What is known of the approval, where a person decides.
    pub approval: Option<ApprovalForecast>,
}

/// What is known of an approval before the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ApprovalForecast {
    /// How long a person has, in milliseconds, where that is limited.
    pub expires_ms: Option<u64>,
}

/// How often a step runs that is a fan-out, or part of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeats {
    /// This often.
    Times(usize),
    /// As often as a list has items that is found while the run goes on.
    FoundAtRunTime,
}

impl Repeats {
    fn times(self, other: Self) -> Self {
        match (self, other) {
            (Self::Times(a), Self::Times(b)) => Self::Times(a.saturating_mul(b)),
            _ => Self::FoundAtRunTime,
        }
    }
}

/// How often the step at `position` runs: the lists of its own and of every group around it, as far as the
/// inputs say them.
fn repeats(known: &KnownInputs<'_>, position: usize) -> Option<Repeats> {
    let plan = known.plan;
    let mut repeats = None;
    let mut at = Some(position);
    while let Some(step) = at {
        if let Some(each) = &plan.steps()[step].flow.each {
            let called = known.of(step);
            let scope = Scope { inputs: called.values(known.run), steps: &called };
            let own = items::values(each, &scope)
                .map_or(Repeats::FoundAtRunTime, |items| Repeats::Times(items.len()));
            repeats = Some(repeats.map_or(own, |inner: Repeats| inner.times(own)));
        }
        at = plan.group(step);
    }
    repeats
}

/// What every step will do, in plan order. Calls no model and writes nothing.
pub fn forecast(setup: &RunSetup) -> Vec<StepForecast> {
    let casting = Casting::new(Arc::clone(&setup.plan), &setup.inputs, setup.personas.clone());
    let known = KnownInputs::find(&setup.plan, &casting.inputs);
    let mut stage_of = vec![0; setup.plan.steps().len()];
    for (stage, positions) in setup.plan.stages().iter().enumerate() {
        for &position in positions {
            stage_of[position] = stage + 1;
        }
    }
    let mut tokens = TokenCounts::default();
    let steps = setup.plan.steps().iter().enumerate().map(|(position, step)| {
        let called = known.of(position);
        let scope = Scope { inputs: called.values(&casting.inputs), steps: &called };
        let needs: Vec<StepPath> = step.needs.iter().map(|need| need.step.clone()).collect();
        let handoffs = step.needs.iter().filter(|need| need.handoff).map(Need::label);
        let mut forecast = StepForecast {
            step: step.id.clone(),
            stage: stage_of[position],
            personas: Vec::new(),
            choice: None,
            model: None,
            fallbacks: Vec::new(),
            prompt_tokens: 0,
            needs,
            handoff_tokens: step.needs.iter().map(Need::allowance).sum(),
            handoffs: handoffs.collect(),
            most_calls: 0,
            attempts: None,
            review: None,
            optional: step.optional,
            flow: orchestrate_report::flow(&step.flow),
            repeats: repeats(&known, position),
            warms_first: false,
            approval: match &step.action {
                Action::Approve(approval) => {
                    Some(ApprovalForecast { expires_ms: approval.expires_ms })
                }
                Action::Persona(_) | Action::Render(_) | Action::Group | Action::Workflow(_) => {
                    None
                }
            },
        };
        let Action::Persona(action) = &step.action else { return forecast };
        let (model, fallbacks) = setup.chain(&step.id);
        (forecast.model, forecast.fallbacks) = (Some(model.clone()), fallbacks.to_vec());
        let review = action.review.as_deref().filter(|review| {
            // One that is known to be switched off costs nothing.
            let condition = review.condition.as_ref();
            condition.is_none_or(|condition| {
                called.mentions(condition)
                    || orchestrate_workflow::evaluate_condition(condition, &scope).unwrap_or(true)
            })
        });
        forecast.most_calls = most_calls(action, review);
        forecast.attempts = action.attempts;
        forecast.review = review.map(|review| (review.by.clone(), review.rounds));
        let mut system = String::new();
        let choice = if called.decides(&action.persona) {
            Err(invalid("the choice hangs on an earlier step"))
        } else {
            casting.choose(&action.persona, &scope)
        };
        match choice {
            Ok((persona, choice)) => {
                system = casting.system_prompt(&step.id, &persona, contract(action), &scope);
                forecast.personas = vec![persona.name.clone()];
                forecast.choice = choice;
            }
            // The choice hangs on an earlier step's answer.
            Err(_) => {
                forecast.personas =
                    action.persona.candidates().into_iter().map(str::to_owned).collect();
            }
        }
        forecast.warms_first = warms_first(setup, &forecast, &system, action, &scope, &mut tokens);
        let message = known_message(action, &scope);
        for input in called.brought(action.prompt.as_deref()) {
            forecast.handoffs.push(format!("inputs.{input}"));
            forecast.handoff_tokens += DEFAULT_ALLOWANCE;
        }
        forecast.prompt_tokens = tokens.count(&system) + tokens.count(&message);
        forecast
    });
    steps.collect()
}

/// Whether what is known of the items' prompts alone makes it pay to let the first go alone.
fn warms_first(
    setup: &RunSetup,
    step: &StepForecast,
    system: &str,
    action: &PersonaStep,
    scope: &Scope<'_>,
    tokens: &mut TokenCounts,
) -> bool {
    let Some(model) = step.model.as_ref().filter(|_| step.repeats.is_some()) else { return false };
    let provider = setup.providers.of(model).filter(|provider| provider.keeps_prefixes());
    let least = setup.facts.get(model).and_then(kept_from).filter(|_| provider.is_some());
    let prints = action.prompt.as_deref().is_some_and(orchestrate_workflow::prints_task);
    let task =
        task_segment(scope).filter(|_| !prints).map(|task| task.render()).unwrap_or_default();
    least.is_some_and(|least| {
        (system.len() + task.len()) as u64 >= least
            && tokens.count(system) + tokens.count(&task) >= least
    })
}

/// Tells what is known before the run of the prompts of every step that asks a persona, with its position:
/// system prompt and user message, without handoffs. One at a time, since a plan may say the same long text
/// in each of many steps.
pub(super) fn known_prompts(setup: &RunSetup, mut tell: impl FnMut(usize, &str)) {
    let casting = Casting::new(Arc::clone(&setup.plan), &setup.inputs, setup.personas.clone());
    let known = KnownInputs::find(&setup.plan, &casting.inputs);
    for (position, step) in setup.plan.steps().iter().enumerate() {
        let Action::Persona(action) = &step.action else { continue };
        let called = known.of(position);
        let scope = Scope { inputs: called.values(&casting.inputs), steps: &called };
        let mut prompt = known_message(action, &scope);
        if !called.decides(&action.persona)
            && let Ok((persona, _)) = casting.choose(&action.persona, &scope)
        {
            prompt.push_str(&casting.system_prompt(&step.id, &persona, contract(action), &scope));
        }
        tell(position, &prompt);
    }
}

/// Calls of a step at most, retries and missing briefs left out.
fn most_calls(action: &PersonaStep, review: Option<&ReviewSpec>) -> u64 {
    let repairs = u64::from(action.repairs);
    let Some(review) = review else {
        return 1 + if action.output.is_some() { repairs } else { 0 };
    };
    let (rounds, reviewers) = (u64::from(review.rounds), review.by.len() as u64);
    let values = rounds * reviewers + if action.output.is_some() { rounds } else { 0 };
    1 + review.most_calls() + values * repairs
}

fn contract(action: &PersonaStep) -> Contract {
    match action.output {
        Some(_) => Contract::ValueWithBrief,
        None => Contract::DraftWithBrief,
    }
}

/// What is known before the run of the inputs of every workflow that is called.
pub(super) struct KnownInputs<'p> {
    plan: &'p Plan,
    run: &'p IndexMap<String, InputValue>,
    /// By the position of the step that calls; inputs that hang on steps stand beside, by name.
    calls: BTreeMap<usize, (CalledInputs, Vec<String>)>,
}

impl<'p> KnownInputs<'p> {
    pub(super) fn find(plan: &'p Plan, run: &'p IndexMap<String, InputValue>) -> Self {
        let mut known = Self { plan, run, calls: BTreeMap::new() };
        // Whoever calls stands before what is called.
        for position in 0..plan.steps().len() {
            if let Some(step) = plan.called(position) {
                let around = known.of(position);
                let scope = Scope { inputs: around.values(run), steps: &around };
                let mut found = known_call_inputs(step, &scope, &JsonSchemas);
                let hangs = |passed: &Passed| match passed {
                    Passed::Value(_) => false,
                    Passed::Task => around.is_open("task"),
                    Passed::Expression(text) | Passed::Template(text) => around.mentions(text),
                };
                for (name, _) in step.with.iter().filter(|(_, passed)| hangs(passed)) {
                    found.0.values.shift_remove(name);
                    found.1.push(name.clone());
                }
                known.calls.insert(position, found);
            }
        }
        known
    }

    /// What the step at `position` sees.
    pub(super) fn of(&self, position: usize) -> NothingYet<'_> {
        NothingYet(self.plan.caller(position).and_then(|caller| self.calls.get(&caller)))
    }
}

/// No step has run yet; with the inputs of the called workflow, where it is one.
pub(super) struct NothingYet<'k>(Option<&'k (CalledInputs, Vec<String>)>);

impl<'k> NothingYet<'k> {
    pub(super) fn values(
        &self,
        run: &'k IndexMap<String, InputValue>,
    ) -> &'k IndexMap<String, InputValue> {
        self.0.map_or(run, |(called, _)| &called.values)
    }

    fn open(&self) -> &'k [String] {
        self.0.map_or(&[], |(_, open)| open)
    }

    fn is_open(&self, input: &str) -> bool {
        self.open().iter().any(|open| open == input)
    }

    /// Whether a template may speak of an input that is not known yet.
    pub(super) fn mentions(&self, template: &str) -> bool {
        self.open().iter().any(|open| template.contains(open.as_str()))
    }

    /// Whether a choice hangs on an input that is not known yet.
    fn decides(&self, choice: &PersonaChoice) -> bool {
        match choice {
            PersonaChoice::Named(_) => false,
            PersonaChoice::Choose { by, .. } => self.mentions(by),
        }
    }

    /// The inputs that are not known yet and that a prompt may print; each is taken to be as long as a
    /// handoff may be.
    fn brought(&self, prompt: Option<&str>) -> impl Iterator<Item = &'k String> {
        self.open().iter().filter(move |open| {
            *open == "task" || prompt.is_some_and(|prompt| prompt.contains(open.as_str()))
        })
    }
}

impl StepValues for NothingYet<'_> {
    fn step(&self, _id: &str) -> Option<StepValue> {
        None
    }

    fn called_with(&self) -> Option<&CalledInputs> {
        self.0.map(|(called, _)| called)
    }
}

/// The user message as far as it is known before the run: without handoffs, and with the prompt's own
/// text where it speaks of earlier steps.
fn known_message(action: &PersonaStep, scope: &Scope<'_>) -> String {
    let prompt = action.prompt.as_deref();
    let mut message = String::new();
    if !prompt.is_some_and(orchestrate_workflow::prints_task)
        && let Some(task) = task_segment(scope)
    {
        message = task.render();
    }
    if let Some(prompt) = prompt {
        let rendered = orchestrate_workflow::render_prompt(prompt, scope);
        message.push_str(rendered.as_deref().unwrap_or(prompt));
    }
    message
}
