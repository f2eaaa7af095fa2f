//! A test file against the workflow that it tests: names that do not exist.

use indexmap::{IndexMap, IndexSet};
use orchestrate_core::{
    diagnostic::Diagnostic,
    ids::StepPath,
    plan::{Action, Plan, Step},
};

use super::{StepExpectation, TestFile};
use crate::{
    codes,
    yaml::{Sink, Text, with_help},
};

/// Every name in a test file that its workflow does not have.
pub fn check_against(file: &TestFile, plan: &Plan) -> Vec<Diagnostic> {
    let mut sink = Sink::new(&file.source);
    let steps: IndexMap<&str, &Step> =
        plan.steps().iter().map(|step| (step.id.as_str(), step)).collect();
    for test in &file.tests {
        for script in test.replies.values() {
            let key = &script.key;
            let named = step_of(&key.value);
            match steps.get(named.as_str()) {
                None => {
                    let text = Text { text: named, span: key.span.clone() };
                    unknown(&mut sink, "step", &text, steps.keys().copied());
                }
                Some(step) if !matches!(step.action, Action::Persona(_)) => {
                    let what = match step.action {
                        Action::Group => "group",
                        Action::Workflow(_) => "workflow",
                        _ => "template",
                    };
                    let message = format!("step `{}` asks nobody: it is a {what}", step.id);
                    let problem = sink.error(codes::KEY_NOT_FOR_STEP, &key.span, message);
                    sink.push_new(problem.help("remove the reply"));
                }
                Some(_) => {}
            }
        }
        for key in test.decisions.values().map(|script| &script.key) {
            let named = step_of(&key.value);
            match steps.get(named.as_str()).map(|step| asks_people(step)) {
                None => {
                    let text = Text { text: named, span: key.span.clone() };
                    unknown(&mut sink, "step", &text, steps.keys().copied());
                }
                Some(false) => {
                    let message = format!("step `{named}` asks no person");
                    let problem = sink.error(codes::KEY_NOT_FOR_STEP, &key.span, message);
                    sink.push_new(problem.help("remove the decision"));
                }
                Some(true) => {}
            }
        }
        let inputs = test.files.iter().filter(|(name, _)| !plan.inputs().contains_key(*name));
        for (name, file) in inputs {
            let text = Text { text: name.clone(), span: file.span.clone() };
            unknown(&mut sink, "input", &text, plan.inputs().keys().map(String::as_str));
        }
        for (name, wanted) in &test.expect.outputs {
            if !plan.outputs().contains_key(name) {
                let text = Text { text: name.clone(), span: wanted.span.clone() };
                unknown(&mut sink, "output", &text, plan.outputs().keys().map(String::as_str));
            }
        }
        for (name, wanted) in &test.expect.steps {
            if let Some(step) = steps.get(step_of(name).as_str()) {
                check_step(&mut sink, plan, step, wanted);
            } else {
                let text = Text { text: name.clone(), span: wanted.name.clone() };
                unknown(&mut sink, "step", &text, steps.keys().copied());
            }
        }
    }
    sink.finish()
}

/// Whether a step may ask a person: to approve, or in its review.
fn asks_people(step: &Step) -> bool {
    match &step.action {
        Action::Approve(_) => true,
        Action::Persona(action) => action.review.is_some(),
        _ => false,
    }
}

/// The step that a path or a call such as `sub[2]/step[3]#brief.1` is one of: `sub/step`.
fn step_of(path: &str) -> String {
    let path = path.split('#').next().unwrap_or_default();
    StepPath::from(path).step().as_str().to_owned()
}

fn check_step(sink: &mut Sink<'_>, plan: &Plan, step: &Step, wanted: &StepExpectation) {
    if let (Some(persona), Action::Persona(action)) = (&wanted.persona, &step.action) {
        let candidates = action.persona.candidates();
        if !candidates.contains(&persona.value.as_str()) {
            let message = format!("`{}` never works in step `{}`", persona.value, step.id);
            let problem = sink.error(codes::UNKNOWN_PERSONA, &persona.span, message);
            let help = sink.advice(&persona.value, candidates);
            sink.push(with_help(problem, help));
        }
    }
    // What a group needs is handed to its first steps.
    let handing = plan.position(&step.id).map_or(step, |at| &plan.steps()[plan.handing(at)]);
    let needs: IndexSet<&str> = handing.needs.iter().map(|need| need.step.as_str()).collect();
    let is_called = |word: &str| handing.needs.iter().any(|need| need.step.name() == word);
    for (need, form) in &wanted.handoffs {
        // Within a group its steps know each other by their names alone.
        if !needs.contains(need.as_str()) && !is_called(need) {
            let message = format!("step `{}` does not need `{need}`", step.id);
            let problem = sink.error(codes::UNKNOWN_STEP, &form.span, message);
            let help = sink.advice(need, needs.iter().copied());
            sink.push(with_help(problem, help));
        }
    }
}

fn unknown<'a>(
    sink: &mut Sink<'_>,
    what: &str,
    name: &Text,
    known: impl IntoIterator<Item = &'a str> + Clone,
) {
    let code = match what {
        "input" => codes::UNKNOWN_INPUT,
        "output" => codes::UNKNOWN_ATTRIBUTE,
        _ => codes::UNKNOWN_STEP,
    };
    let message = format!("the workflow has no {what} `{}`", name.text);
    let problem = sink.error(code, &name.span, message);
    let help = sink.advice(&name.text, known);
    // What a whole file shares is looked at for each of its tests.
    sink.push_new(with_help(problem, help));
}
