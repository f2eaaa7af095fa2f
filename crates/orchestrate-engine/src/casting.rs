//! Who works in which step: choosing the persona and composing its system prompt.

use std::sync::Arc;

use indexmap::IndexMap;
use orchestrate_core::{
    failure::{Failure, FailureClass},
    ids::StepPath,
    neutral,
    persona::Persona,
    plan::{Action, InputValue, Otherwise, PersonaChoice, Plan},
    request::Segment,
};
use orchestrate_persona::{Colleague, Contract, Relation, Selection, Selector, Setting, Verdict};
use orchestrate_workflow::{Scope, TemplateError};

use crate::selecting::{notes, told};

/// The note that goes with text from which something was taken away.
pub(crate) fn hidden_note(removed: usize, from: &str) -> String {
    let characters = if removed == 1 { "character was" } else { "characters were" };
    format!("{removed} invisible {characters} removed from {from}")
}

/// Why the first of a selection was chosen, in words.
fn why(selection: &Selection) -> String {
    let mut reasons = match selection.matches.first() {
        Some(first) if selection.verdict != Verdict::Named => {
            vec![
                format!("the task speaks of {}", told(first).join(", ")),
                format!("score {}", first.score),
            ]
        }
        _ => vec!["the task names it".to_owned()],
    };
    let runner_up = selection.runner_up.as_ref();
    reasons.extend(runner_up.map(|next| format!("next `{}`, {} behind", next.name, next.behind)));
    reasons.extend(notes(selection));
    reasons.join("; ")
}

/// An input without characters that nobody would see in it, and how many those were.
fn seen(value: &InputValue) -> (InputValue, usize) {
    let mut removed = 0;
    let seen = value.with_texts(&mut |text| {
        let (clean, hidden) = neutral::without_hidden(text);
        removed += hidden;
        clean.into_owned()
    });
    (seen, removed)
}

/// What is asked of a workflow with these inputs, where anything is.
pub(crate) fn task(inputs: &IndexMap<String, InputValue>) -> Option<&str> {
    match inputs.get("task")? {
        InputValue::String(text) | InputValue::File { text, .. } if !text.trim().is_empty() => {
            Some(text)
        }
        _ => None,
    }
}

/// The same as a part of a prompt, labelled with whose it is.
pub(crate) fn task_segment(scope: &Scope<'_>) -> Option<Segment> {
    let text = task(scope.inputs)?.to_owned();
    Some(match scope.steps.called_with() {
        Some(called) if !called.users_task => {
            Segment::Assigned { origin: called.origin("task"), text }
        }
        _ => Segment::Task(text),
    })
}

/// Plan, inputs and personas of a run: all that choosing and composing depend on.
#[derive(Debug, Clone)]
pub(crate) struct Casting {
    pub(crate) plan: Arc<Plan>,
    pub(crate) inputs: IndexMap<String, InputValue>,
    pub(crate) personas: IndexMap<String, Arc<Persona>>,
}

pub(crate) fn invalid(message: impl Into<String>) -> Failure {
    Failure::new(FailureClass::Preparation, message)
}

impl Casting {
    /// Casts a plan. Hidden characters leave the inputs here, before anything is fenced or matched.
    pub(crate) fn new(
        plan: Arc<Plan>,
        inputs: &IndexMap<String, InputValue>,
        personas: IndexMap<String, Arc<Persona>>,
    ) -> Self {
        let inputs = inputs.iter().map(|(name, value)| (name.clone(), seen(value).0)).collect();
        Self { plan, inputs, personas }
    }

    /// What a reader of every prompt should know of the inputs.
    pub(crate) fn notes(given: &IndexMap<String, InputValue>) -> Vec<String> {
        let notes = given.iter().filter_map(|(name, value)| {
            let (_, removed) = seen(value);
            (removed > 0).then(|| hidden_note(removed, &format!("input `{name}`")))
        });
        notes.collect()
    }

    /// The persona of a step, and why, where there was a choice.
    pub(crate) fn choose(
        &self,
        choice: &PersonaChoice,
        scope: &Scope<'_>,
    ) -> Result<(Arc<Persona>, Option<String>), Failure> {
        let find = |name: &str| {
            let found = self.personas.get(name).cloned();
            found.ok_or_else(|| invalid(format!("persona `{name}` is not part of this run")))
        };
        let (cases, by, otherwise) = match choice {
            PersonaChoice::Named(name) => return Ok((find(name)?, None)),
            PersonaChoice::Choose { cases, by, otherwise } => (cases, by, otherwise),
        };
        let value = match orchestrate_workflow::evaluate(by, scope) {
            Ok(value) => value,
            // An input that was not given is none of the cases.
            Err(TemplateError::NoText { .. }) => String::new(),
            Err(error) => return Err(invalid(format!("evaluating `{by}`: {error}"))),
        };
        if let Some(name) = cases.get(&value) {
            return Ok((find(name)?, Some(format!("{by} is `{}`", neutral::excerpt(&value, 60)))));
        }
        match otherwise {
            Otherwise::Persona(name) => Ok((
                find(name)?,
                Some(format!("{by} is `{}`, none of the cases", neutral::excerpt(&value, 60))),
            )),
            Otherwise::Fail => {
                let known = cases.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
                Err(invalid(format!(
                    "{by} is `{}`, which is none of: {known}",
                    neutral::excerpt(&value, 60)
                )))
            }
            Otherwise::Match => {
                let candidates = choice.candidates();
                let candidates = candidates
                    .into_iter()
                    .map(&find)
                    .collect::<Result<Vec<Arc<Persona>>, Failure>>()?;
                let selector = Selector::new(candidates.iter().map(Arc::as_ref));
                let selection = selector.select(task(scope.inputs).unwrap_or_default());
                match selection.selected.first() {
                    Some(name) => Ok((find(name)?, Some(why(&selection)))),
                    None => match candidates.first() {
                        Some(first) => {
                            let why =
                                "the task fits none of the choices better; the first is taken";
                            let mut reasons = vec![why.to_owned()];
                            reasons.extend(notes(&selection));
                            Ok((Arc::clone(first), Some(reasons.join("; "))))
                        }
                        None => Err(invalid("there is no persona to choose from")),
                    },
                }
            }
        }
    }

    /// The other ends of a step's edges; for the first and last steps of a group, those of the group.
    fn around<'p>(
        &'p self,
        position: usize,
        edges: fn(&'p Plan, usize) -> &'p [usize],
    ) -> &'p [usize] {
        let mut at = position;
        loop {
            let found = edges(&self.plan, at);
            match self.plan.group(at) {
                Some(group) if found.is_empty() => at = group,
                _ => return found,
            }
        }
    }

    /// Who gives to this step and who receives from it.
    fn colleagues(&self, step: &StepPath, scope: &Scope<'_>) -> Vec<Colleague> {
        let Some(position) = self.plan.position_of(step) else { return Vec::new() };
        let gives = self.around(position, Plan::needs).iter().map(|&at| (at, Relation::Gives));
        let receives =
            self.around(position, Plan::dependents).iter().map(|&at| (at, Relation::Receives));
        let colleague = |(at, relation): (usize, Relation)| {
            let other = &self.plan.steps()[at];
            let Action::Persona(action) = &other.action else { return None };
            // What another workflow chooses by is not known in this one.
            if self.plan.caller(at) != self.plan.caller(position)
                && !matches!(action.persona, PersonaChoice::Named(_))
            {
                return None;
            }
            // A choice that hangs on what is not known yet is left out.
            let (persona, _) = self.choose(&action.persona, scope).ok()?;
            Some(Colleague {
                title: persona.title.clone(),
                name: persona.name.clone(),
                step: other.id.name().to_owned(),
                relation,
            })
        };
        gives.chain(receives).filter_map(colleague).collect()
    }

    /// The system prompt of `persona` in `step`.
    pub(crate) fn system_prompt(
        &self,
        step: &StepPath,
        persona: &Persona,
        contract: Contract,
        scope: &Scope<'_>,
    ) -> String {
        let colleagues = match contract {
            Contract::BriefOnly | Contract::Verdict => Vec::new(),
            Contract::DraftWithBrief | Contract::DraftOnly | Contract::ValueWithBrief => {
                self.colleagues(step, scope)
            }
        };
        orchestrate_persona::compose(persona, &Setting { colleagues, contract })
    }
}
