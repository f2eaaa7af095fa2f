//! The provider that answers from a cassette and from nowhere else.

use std::sync::{Arc, Mutex, PoisonError};

use futures::future::{BoxFuture, FutureExt as _};
use orchestrate_core::{
    failure::{Failure, FailureClass},
    ids::CallId,
    request::{Endpoint, Identity, Request},
    usage::Usage,
};

use super::{
    call::{RecordedCall, Verdict},
    tape::{Nearest, Tape, is_kin},
};
use crate::{
    provider::{AttemptError, Completion, Progress, Provider},
    tokens,
};

/// Answers from a cassette. Sends nothing, and fails a call that was not recorded.
#[derive(Debug, Clone)]
pub struct Replay {
    endpoint: Endpoint,
    tape: Arc<Tape>,
    standing: Standing,
}

/// What becomes of a call that was not recorded.
#[derive(Debug, Clone, Default)]
pub enum Standing {
    /// It fails.
    #[default]
    Refused,
    /// It is noted, and the nearest recorded call of its step answers in its place, so that what comes
    /// after it is looked at too. Nothing but a search for what is missing may use this.
    Noted(Arc<Mutex<Vec<(CallId, Failure)>>>),
}

impl Replay {
    /// A provider whose calls once went to `endpoint`.
    pub fn new(endpoint: Endpoint, tape: Arc<Tape>, standing: Standing) -> Self {
        Self { endpoint, tape, standing }
    }

    fn answer(&self, request: &Request) -> Result<Completion, AttemptError> {
        let identity = Identity::of(&self.endpoint, request);
        if let Some((_, call)) = self.tape.find(&identity) {
            return match call.verdict {
                Verdict::Good | Verdict::Misfit => Ok(completion(call)),
                Verdict::FellBack(class) => {
                    let failure = Failure::new(class, "as it was recorded");
                    Err(AttemptError::unbilled(failure))
                }
            };
        }
        let nearest = self.tape.nearest(&self.endpoint, request);
        let failure = missing(&request.call, &identity, nearest.as_ref());
        let Standing::Noted(noted) = &self.standing else {
            return Err(AttemptError::unbilled(failure));
        };
        let mut noted = noted.lock().unwrap_or_else(PoisonError::into_inner);
        noted.push((request.call.clone(), failure.clone()));
        let nearest = self.tape.nearest_answered(&self.endpoint, request);
        match nearest.filter(|nearest| is_kin(&nearest.call.call, &request.call)) {
            Some(nearest) => Ok(completion(nearest.call)),
            None => Err(AttemptError::unbilled(failure)),
        }
    }
}

/// What was bought once costs nothing now.
fn completion(call: &RecordedCall) -> Completion {
    Completion {
        text: call.answer.clone(),
        usage: Usage::default(),
        served_model: call.served_model.clone(),
        request_id: None,
    }
}

fn missing(call: &CallId, identity: &Identity, nearest: Option<&Nearest<'_>>) -> Failure {
    let short = &identity.to_string()[..12];
    let failure = |message: String| Failure::new(FailureClass::NotRecorded, message);
    let Some(nearest) = nearest else {
        return failure(format!("the cassette holds no call at all, and not `{call}`"))
            .help("record one with --record");
    };
    let kin = is_kin(&nearest.call.call, call);
    let whose = if nearest.call.call == *call {
        String::new()
    } else {
        format!(", of `{}`", nearest.call.call)
    };
    let message = format!("`{call}` ({short}) was not recorded; nearest: {}{whose}", nearest.file);
    let differences = nearest.differences.join("; ");
    if kin && !differences.is_empty() {
        return failure(message).help(differences);
    }
    // Of another step's prompt nearly everything differs.
    failure(message).help("no call of this step was recorded; record it with --record")
}

impl Provider for Replay {
    fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// What a replay says was bought by another run, or nowhere that this machine knows of.
    fn reusable(&self) -> bool {
        false
    }

    fn is_paid(&self) -> bool {
        false
    }

    fn holds(&self, identity: &Identity) -> Option<bool> {
        Some(self.tape.find(identity).is_some())
    }

    fn complete(
        &self,
        request: Arc<Request>,
        progress: Arc<dyn Progress>,
    ) -> BoxFuture<'static, Result<Completion, AttemptError>> {
        let replay = self.clone();
        async move {
            let answer = replay.answer(&request)?;
            progress.first_token();
            progress.delta(answer.text.len(), tokens::estimate(&answer.text));
            Ok(answer)
        }
        .boxed()
    }
}
