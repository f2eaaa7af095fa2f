//! Prompts that are known before the run not to fit the windows of their models.

use std::fmt;

use orchestrate_core::{
    diagnostic::Diagnostic,
    ids::StepPath,
    plan::{Action, Plan},
    request::ModelRef,
};
use orchestrate_report::words::count;

use super::{
    RunSetup, SetupError, counting::TokenCounts, forecast::known_prompts, foresight::certain,
};
use crate::{
    fitting::{ADVICE, assumed_answer},
    reserving::FRAME,
};

/// A prompt whose parts that are known before the run do not fit its model's window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TooLong {
    /// The step.
    pub step: StepPath,
    /// The model that would be asked.
    pub model: ModelRef,
    /// Tokens of what is known of the prompt: system prompt, task and step prompt.
    pub prompt: u64,
    /// Tokens that the answer may have.
    pub answer: u64,
    /// Tokens of the window.
    pub window: u64,
    /// Whether the run cannot be complete without the step.
    pub is_certain: bool,
}

impl TooLong {
    /// What to do about it.
    pub fn help(&self) -> &'static str {
        ADVICE
    }
}

impl fmt::Display for TooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the prompt of step `{}` has about {} tokens before handoffs and its answer may have {}, and the window of `{}` holds {}",
            self.step,
            count(self.prompt),
            count(self.answer),
            self.model,
            count(self.window)
        )
    }
}

impl RunSetup {
    /// Finds the prompts that will not fit. What may not come to be asked is no more than a warning.
    pub(super) fn find_too_long(&mut self) {
        // A replay sends nothing, and without a window there is nothing to hold prompts against.
        if self.replay.is_some() || self.facts.values().all(|facts| facts.context.is_none()) {
            return;
        }
        let certain = certain(&self.plan);
        let (mut found, mut tokens) = (Vec::new(), TokenCounts::default());
        known_prompts(self, |position, prompt| {
            let too_long = self.too_long(position, prompt, &certain, &mut tokens);
            found.extend(too_long);
        });
        for found in found {
            if !found.is_certain {
                let warning = Diagnostic::warning("prompt-too-long", found.to_string());
                self.warnings.push(warning.help(found.help()));
            }
            self.too_long.push(found);
        }
    }

    /// Whether the known part of a prompt does not fit the window of the step's model, and by how much.
    fn too_long(
        &self,
        position: usize,
        prompt: &str,
        certain: &[bool],
        tokens: &mut TokenCounts,
    ) -> Option<TooLong> {
        let step = &self.plan.steps()[position];
        let Action::Persona(action) = &step.action else { return None };
        let model = self.models.get(&step.id).unwrap_or(&self.model);
        let facts = self.facts.get(model)?;
        let window = facts.context?;
        let answer = action.parameters.max_output_tokens;
        let answer = u64::from(answer.unwrap_or_else(|| assumed_answer(facts)));
        let room = window.saturating_sub(answer + FRAME);
        if prompt.len() as u64 <= room {
            return None;
        }
        let counted = tokens.count(prompt);
        (counted > room).then(|| TooLong {
            step: step.id.clone(),
            model: model.clone(),
            prompt: counted,
            answer,
            window,
            is_certain: certain[position] && !is_optional(&self.plan, position),
        })
    }

    /// Refuses a run that cannot be complete, before anything is recorded or paid for.
    pub(super) fn refuse_too_long(&self) -> Result<(), SetupError> {
        let certain: Vec<TooLong> =
            self.too_long.iter().filter(|found| found.is_certain).cloned().collect();
        if certain.is_empty() { Ok(()) } else { Err(SetupError::TooLong(certain)) }
    }
}

/// Whether the run goes on without a step, or without what it is a part of.
fn is_optional(plan: &Plan, position: usize) -> bool {
    let around = std::iter::successors(Some(position), |&step| plan.group(step));
    around.into_iter().any(|step| plan.steps()[step].optional)
}
