//! Templates that are known to fail whatever the steps answer: found before a run costs anything.

use std::sync::Arc;

use indexmap::IndexMap;
use orchestrate_core::{
    called::{Passed, WorkflowStep},
    diagnostic::{Diagnostic, Source},
    flow::{Join, ListSource},
    persona::Persona,
    plan::{Action, PersonaChoice, PersonaStep, Plan},
};
use orchestrate_workflow::{CallError, Scope, TemplateError};

use super::{
    RunSetup,
    forecast::{KnownInputs, NothingYet},
    told,
};
use crate::{casting::Casting, items, schemas::JsonSchemas};

/// The code of what is found here.
const CODE: &str = "template-fails";

/// What is known to go wrong in a run that is decided, in plan order. Steps of which only the run can tell
/// whether they are needed are left to it. The values of the inputs that are `open` only stand in for others, so
/// that templates with them are left out too.
pub fn known_mistakes(setup: &RunSetup, source: &Arc<Source>, open: &[String]) -> Vec<Diagnostic> {
    let casting = Casting::new(Arc::clone(&setup.plan), &setup.inputs, setup.personas.clone());
    Search::new(&setup.plan, &casting, source, open).all()
}

/// What is known to go wrong in every run of a plan, whatever its inputs.
pub fn constant_mistakes(
    plan: &Arc<Plan>,
    personas: &IndexMap<String, Arc<Persona>>,
    source: &Arc<Source>,
) -> Vec<Diagnostic> {
    let casting = Casting::new(Arc::clone(plan), &IndexMap::new(), personas.clone());
    let open: Vec<String> = plan.inputs().keys().cloned().collect();
    Search::new(plan, &casting, source, &open).all()
}

/// What evaluating a template came to.
enum Found<T> {
    Value(T),
    /// It hangs on what is not known yet.
    Open,
    Mistake(TemplateError),
}

fn found<T>(result: Result<T, TemplateError>) -> Found<T> {
    match result {
        Ok(value) => Found::Value(value),
        // A template that a plan holds is valid but for the names of items, which have no value yet.
        Err(TemplateError::NotEnded { .. } | TemplateError::Invalid { .. }) => Found::Open,
        Err(error) => Found::Mistake(error),
    }
}

struct Search<'s> {
    plan: &'s Plan,
    casting: &'s Casting,
    known: KnownInputs<'s>,
    source: &'s Arc<Source>,
    open: &'s [String],
    mistakes: Vec<(usize, Diagnostic)>,
}

impl<'s> Search<'s> {
    fn new(
        plan: &'s Plan,
        casting: &'s Casting,
        source: &'s Arc<Source>,
        open: &'s [String],
    ) -> Self {
        let known = KnownInputs::find(plan, &casting.inputs);
        Self { plan, casting, known, source, open, mistakes: Vec::new() }
    }

    fn all(mut self) -> Vec<Diagnostic> {
        let count = self.plan.steps().len();
        let own: Vec<bool> = (0..count).map(|at| self.runs_by_itself(at)).collect();
        let mut runs = vec![false; count];
        for &at in self.plan.stages().iter().flatten() {
            // The steps of a group stand in earlier stages than the group, so its needs are looked at.
            let mut around = Some(at);
            runs[at] = true;
            while let Some(step) = around {
                runs[at] &= own[step] && self.plan.needs(step).iter().all(|&need| runs[need]);
                around = self.plan.group(step);
            }
        }
        // What stands before a condition or a list is said even where the step itself is not reached.
        let plan = self.plan;
        self.mistakes.retain(|(at, _)| {
            let around = plan.group(*at);
            plan.needs(*at).iter().all(|&need| runs[need]) && around.is_none_or(|group| runs[group])
        });
        for at in (0..count).filter(|&at| runs[at]) {
            self.act(at);
        }
        let is_tolerated = |at: usize| {
            let mut around = Some(at);
            while let Some(step) = around {
                let join =
                    plan.steps()[step].flow.each.as_ref().map_or(Join::All, |each| each.join);
                if plan.steps()[step].optional || (join != Join::All) {
                    return true;
                }
                around = plan.group(step);
            }
            false
        };
        self.mistakes.retain(|(at, _)| !is_tolerated(*at));
        self.mistakes.sort_by_key(|(at, _)| *at);
        self.mistakes.into_iter().map(|(_, mistake)| mistake).collect()
    }

    /// Whether nothing of the step's own keeps it from running: its condition holds, and its list has items.
    fn runs_by_itself(&mut self, at: usize) -> bool {
        let flow = &self.plan.steps()[at].flow;
        if let Some(condition) = &flow.condition {
            let holds = self.evaluated(at, condition, |scope| {
                orchestrate_workflow::evaluate_condition(condition, scope)
            });
            match holds {
                Found::Value(true) => {}
                Found::Value(false) | Found::Open => return false,
                Found::Mistake(error) => {
                    self.tell(at, "", condition, &error);
                    return false;
                }
            }
        }
        let Some(each) = &flow.each else { return true };
        let written = match &each.list {
            ListSource::Expression(expression) => expression.as_str(),
            ListSource::Values(values) => return !values.is_empty(),
        };
        match self.evaluated(at, written, |scope| items::values(each, scope)) {
            Found::Value(items) => !items.is_empty(),
            Found::Open => false,
            Found::Mistake(error) => {
                self.tell(at, "", written, &error);
                false
            }
        }
    }

    /// Looks at what a step that is sure to run evaluates then.
    fn act(&mut self, at: usize) {
        let plan = self.plan;
        match &plan.steps()[at].action {
            Action::Group => {}
            Action::Render(template) => self.rendered(at, "rendering: ", template, false),
            Action::Approve(approval) => {
                self.rendered(at, "rendering the question: ", &approval.question, false);
            }
            Action::Persona(action) => self.persona(at, action),
            Action::Workflow(called) => self.call(at, called),
        }
    }

    fn persona(&mut self, at: usize, action: &PersonaStep) {
        if let PersonaChoice::Choose { by, .. } = &action.persona {
            let casting = self.casting;
            let choice =
                self.evaluated(at, by, |scope| match orchestrate_workflow::evaluate(by, scope) {
                    Ok(_) | Err(TemplateError::NoText { .. }) => {
                        Ok(casting.choose(&action.persona, scope).err())
                    }
                    Err(error) => Err(error),
                });
            match choice {
                Found::Value(Some(failure)) => {
                    let message =
                        format!("step `{}`: {}", self.plan.steps()[at].id, failure.message);
                    let mistake = Diagnostic::error(CODE, message);
                    let mistake = failure.help.into_iter().fold(mistake, Diagnostic::help);
                    self.mistakes.push((at, mistake));
                }
                Found::Mistake(error) => self.tell(at, "", by, &error),
                Found::Value(None) | Found::Open => {}
            }
        }
        if let Some(prompt) = &action.prompt {
            self.rendered(at, "rendering the prompt: ", prompt, true);
        }
        let condition = action.review.as_ref().and_then(|review| review.condition.as_ref());
        if let Some(condition) = condition
            && let Found::Mistake(error) = self.evaluated(at, condition, |scope| {
                orchestrate_workflow::evaluate_condition(condition, scope)
            })
        {
            self.tell(at, "", condition, &error);
        }
    }

    fn call(&mut self, at: usize, called: &WorkflowStep) {
        let texts = called.with.values().map(|passed| match passed {
            Passed::Value(_) => "",
            Passed::Task => "task",
            Passed::Expression(text) | Passed::Template(text) => text.as_str(),
        });
        let texts: Vec<&str> = texts.collect();
        let scope = self.known.of(at);
        if texts.iter().any(|text| self.is_open(at, &scope, text)) {
            return;
        }
        let seen = Scope { inputs: scope.values(&self.casting.inputs), steps: &scope };
        let Err(error) = orchestrate_workflow::call_inputs(called, &seen, &JsonSchemas) else {
            return;
        };
        if let CallError::Template {
            error: TemplateError::NotEnded { .. } | TemplateError::Invalid { .. },
            ..
        } = &error
        {
            return;
        }
        let message = format!("step `{}`: {}", self.plan.steps()[at].id, told(&error));
        let mistake = Diagnostic::error(CODE, message);
        self.mistakes.push((
            at,
            match error.help() {
                Some(help) => mistake.help(help),
                None => mistake,
            },
        ));
    }

    fn rendered(&mut self, at: usize, doing: &str, template: &str, is_prompt: bool) {
        let outcome = self.evaluated(at, template, |scope| {
            if is_prompt {
                orchestrate_workflow::render_prompt(template, scope)
            } else {
                orchestrate_workflow::render_text(template, scope)
            }
        });
        if let Found::Mistake(error) = outcome {
            self.tell(at, doing, template, &error);
        }
    }

    fn evaluated<T>(
        &self,
        at: usize,
        template: &str,
        evaluate: impl FnOnce(&Scope<'_>) -> Result<T, TemplateError>,
    ) -> Found<T> {
        let scope = self.known.of(at);
        if self.is_open(at, &scope, template) {
            return Found::Open;
        }
        found(evaluate(&Scope { inputs: scope.values(&self.casting.inputs), steps: &scope }))
    }

    /// Whether a template may speak of an input whose value is not known.
    fn is_open(&self, at: usize, scope: &NothingYet<'_>, template: &str) -> bool {
        let of_run = if self.plan.caller(at).is_some() {
            // Which of the run's inputs a called workflow's are made of is not followed up.
            !self.open.is_empty()
        } else {
            self.open.iter().any(|open| template.contains(open.as_str()))
        };
        of_run || scope.mentions(template)
    }

    /// Tells a mistake where it stands in the file, as far as that can be found again.
    fn tell(&mut self, at: usize, doing: &str, template: &str, error: &TemplateError) {
        let message = format!("step `{}`: {doing}{error}", self.plan.steps()[at].id);
        let mistake = Diagnostic::error(CODE, message);
        let mistake = match error.help() {
            Some(help) => mistake.help(help),
            None => mistake,
        };
        let line = match error {
            TemplateError::Failed { line, .. } => *line,
            _ => 1,
        };
        let line = template.lines().nth(line.saturating_sub(1)).unwrap_or_default().trim();
        let mistake = match self.place(at, line) {
            Some(start) => mistake.at(self.source, start..start + line.len(), ""),
            None => mistake,
        };
        self.mistakes.push((at, mistake));
    }

    /// Where a line of a template of a step stands in the file; nothing where it was written elsewhere or in another
    /// way, or might be another step's.
    fn place(&self, at: usize, line: &str) -> Option<usize> {
        if self.plan.caller(at).is_some() || line.is_empty() {
            return None;
        }
        let path = self.plan.steps()[at].id.as_str();
        let key = format!("{}:", path.rsplit('/').next().unwrap_or(path));
        let text = &self.source.text;
        let mut begin = 0;
        let mut keys = Vec::new();
        for written in text.split_inclusive('\n') {
            if written.trim_start().starts_with(&key) {
                keys.push(begin);
            }
            begin += written.len();
        }
        let [step] = keys[..] else { return None };
        text[step..].find(line).map(|found| step + found)
    }
}
