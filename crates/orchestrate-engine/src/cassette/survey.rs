//! Everything that a cassette lacks for a run, in one go: where a call is missing, the nearest recorded one
//! stands in, so that what comes after it is looked at too.

use std::sync::{Arc, Mutex, PoisonError};

use orchestrate_core::{failure::Failure, ids::CallId};
use orchestrate_provider::cassette::Standing;

use crate::{
    gates::GateCommands,
    session::{RunError, RunSetup, SetupError, Workspace, rehearse_judged},
};

/// The calls of a replay that its cassette does not hold, as far as they can be reached. Leaves no trace.
pub async fn missing_calls(
    workspace: &Workspace,
    setup: &mut RunSetup,
) -> Result<Vec<(CallId, Failure)>, RunError> {
    let Some(cassette) = &setup.replay else { return Ok(Vec::new()) };
    let noted = Arc::new(Mutex::new(Vec::new()));
    let standing = Standing::Noted(Arc::clone(&noted));
    let models = setup.models.values().chain([&setup.model]);
    let models = models.chain(&setup.fallbacks).chain(setup.step_fallbacks.values().flatten());
    let providers = cassette.providers(setup.plan.workflow(), models, &standing);
    setup.providers = providers.map_err(SetupError::from)?;
    // What a command says of a document stands in the verdict that is asked for.
    let gates = GateCommands::new(&workspace.config, setup.offline);
    Box::pin(rehearse_judged(setup, None, gates)).await?;
    let mut missing = std::mem::take(&mut *noted.lock().unwrap_or_else(PoisonError::into_inner));
    missing.sort_by_key(|(call, _)| {
        (setup.plan.position_of(&call.step), call.step.numbers(), call.clone())
    });
    missing.dedup();
    Ok(missing)
}
