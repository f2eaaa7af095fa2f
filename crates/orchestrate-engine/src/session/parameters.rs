//! Settings of steps that a model cannot be told, found before anything is sent.

use indexmap::IndexMap;
use orchestrate_core::{
    diagnostic::Diagnostic,
    failure::Failure,
    ids::StepPath,
    plan::{Action, Plan},
    request::ModelRef,
};

use super::SetupError;
use crate::{config::Chain, providers::Providers};

/// Refuses steps whose model cannot be told what they set, all of them at once. A fallback that cannot is left
/// out of the step's chain, and that is said.
pub(super) fn told_to_all(
    plan: &Plan,
    providers: &Providers,
    usual: &Chain,
    own: &mut IndexMap<StepPath, Chain>,
    warnings: &mut Vec<Diagnostic>,
) -> Result<(), SetupError> {
    let mut refused = Vec::new();
    for step in plan.steps() {
        let Action::Persona(action) = &step.action else { continue };
        let refusal = |model: &ModelRef| {
            providers.of(model).and_then(|provider| provider.refuses(&action.parameters))
        };
        let chain = own.get(&step.id).unwrap_or(usual);
        if let Some(failure) = refusal(&chain.model) {
            refused.push(told(&step.id, failure));
            continue;
        }
        let mut shorter = chain.clone();
        shorter.fallbacks.retain(|fallback| {
            let Some(failure) = refusal(fallback) else { return true };
            let message = format!(
                "step `{}` goes without the fallback `{fallback}`: {}",
                step.id, failure.message
            );
            warnings.push(Diagnostic::warning("fallback-left-out", message));
            false
        });
        if shorter != *chain {
            own.insert(step.id.clone(), shorter);
        }
    }
    if refused.is_empty() { Ok(()) } else { Err(SetupError::Untellable(refused)) }
}

fn told(step: &StepPath, failure: Failure) -> (String, Option<String>) {
    (format!("step `{step}`: {}", failure.message), failure.help)
}
