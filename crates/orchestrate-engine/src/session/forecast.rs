//! What a run will do, said before it costs anything: persona, model and prompt size per step.

use std::sync::Arc;

use orchestrate_core::{
    ids::StepPath,
    plan::{Action, Need, PersonaStep, Plan, ReviewSpec},
    request::{ModelRef, Segment},
};
use orchestrate_persona::Contract;
use orchestrate_provider::tokens;
use orchestrate_workflow::{Scope, StepValue, StepValues};

use super::RunSetup;
use crate::{casting::Casting, items};

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
    /// Tokens of system prompt, task and step prompt.
    pub prompt_tokens: u64,
    /// Steps that come before it.
    pub needs: Vec<StepPath>,
    /// Steps whose handoffs come on top, with what the workflow says of each.
    pub handoffs: Vec<String>,
    /// Tokens those handoffs may add at most.
    pub handoff_tokens: u64,
    /// Calls that it makes at most, retries and missing briefs left out: the draft, verdicts and new
    /// versions of a review, and repairs. None for a rendered value.
    pub most_calls: u64,
    /// Who reviews it, and in how many rounds at most.
    pub review: Option<(Vec<String>, u16)>,
    /// Whether the step is optional.
    pub optional: bool,
    /// When and how often it runs, in words.
    pub flow: Vec<String>,
    /// How often it runs, where that is not once.
    pub repeats: Option<Repeats>,
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
fn repeats(plan: &Plan, position: usize, scope: &Scope<'_>) -> Option<Repeats> {
    let mut repeats = None;
    let mut at = Some(position);
    while let Some(step) = at {
        if let Some(each) = &plan.steps()[step].flow.each {
            let own = items::values(each, scope)
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
    let inputs = casting.inputs.clone();
    let scope = Scope { inputs: &inputs, steps: &NothingYet };
    let mut stage_of = vec![0; setup.plan.steps().len()];
    for (stage, positions) in setup.plan.stages().iter().enumerate() {
        for &position in positions {
            stage_of[position] = stage + 1;
        }
    }
    let steps = setup.plan.steps().iter().enumerate().map(|(position, step)| {
        let needs: Vec<StepPath> = step.needs.iter().map(|need| need.step.clone()).collect();
        let handoffs = step.needs.iter().filter(|need| need.handoff).map(Need::label);
        let mut forecast = StepForecast {
            step: step.id.clone(),
            stage: stage_of[position],
            personas: Vec::new(),
            choice: None,
            model: None,
            prompt_tokens: 0,
            needs,
            handoff_tokens: step.needs.iter().map(Need::allowance).sum(),
            handoffs: handoffs.collect(),
            most_calls: 0,
            review: None,
            optional: step.optional,
            flow: orchestrate_report::flow(&step.flow),
            repeats: repeats(&setup.plan, position, &scope),
            approval: match &step.action {
                Action::Approve(approval) => {
                    Some(ApprovalForecast { expires_ms: approval.expires_ms })
                }
                Action::Persona(_) | Action::Render(_) | Action::Group => None,
            },
        };
        let Action::Persona(action) = &step.action else { return forecast };
        forecast.model = Some(setup.models.get(&step.id).unwrap_or(&setup.model).clone());
        let review = action.review.as_deref().filter(|review| {
            // One that is known to be switched off costs nothing.
            let condition = review.condition.as_ref();
            condition.is_none_or(|condition| {
                orchestrate_workflow::evaluate_condition(condition, &scope).unwrap_or(true)
            })
        });
        forecast.most_calls = most_calls(action, review);
        forecast.review = review.map(|review| (review.by.clone(), review.rounds));
        let mut system = String::new();
        match casting.choose(&action.persona, &scope) {
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
        let message = known_message(&casting, action, &scope);
        forecast.prompt_tokens = tokens::count(&system) + tokens::count(&message);
        forecast
    });
    steps.collect()
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

/// No step has run yet.
struct NothingYet;

impl StepValues for NothingYet {
    fn step(&self, _id: &str) -> Option<StepValue> {
        None
    }
}

/// The user message as far as it is known before the run: without handoffs, and with the prompt's own
/// text where it speaks of earlier steps.
fn known_message(casting: &Casting, action: &PersonaStep, scope: &Scope<'_>) -> String {
    let prompt = action.prompt.as_deref();
    let mut message = String::new();
    if let Some(task) = casting.task()
        && !prompt.is_some_and(orchestrate_workflow::prints_task)
    {
        message = Segment::Task(task.to_owned()).render();
    }
    if let Some(prompt) = prompt {
        let rendered = orchestrate_workflow::render_prompt(prompt, scope);
        message.push_str(rendered.as_deref().unwrap_or(prompt));
    }
    message
}
