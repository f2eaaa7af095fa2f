//! Everything that a cassette lacks for a run, in one go: where a call is missing, the nearest recorded one
//! stands in, so that what comes after it is looked at too.

use std::sync::{Arc, Mutex, PoisonError};

use orchestrate_core::{failure::Failure, ids::CallId};
use orchestrate_provider::cassette::Standing;

use crate::session::{RunError, RunSetup, SetupError, rehearse};

/// The calls of a replay that its cassette does not hold, as far as they can be reached. Leaves no trace.
pub async fn missing_calls(setup: &mut RunSetup) -> Result<Vec<(CallId, Failure)>, RunError> {
    let Some(cassette) = &setup.replay else { return Ok(Vec::new()) };
    let noted = Arc::new(Mutex::new(Vec::new()));
    let standing = Standing::Noted(Arc::clone(&noted));
    let models = setup.models.values().chain([&setup.model]);
    let providers = cassette.providers(setup.plan.workflow(), models, &standing);
    setup.providers = providers.map_err(SetupError::from)?;
    Box::pin(rehearse(setup)).await?;
    let mut missing = std::mem::take(&mut *noted.lock().unwrap_or_else(PoisonError::into_inner));
    missing.sort_by_key(|(call, _)| {
        (setup.plan.position_of(&call.step), call.step.numbers(), call.clone())
    });
    missing.dedup();
    Ok(missing)
}
