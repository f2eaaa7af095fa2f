//! A cassette in memory: recorded calls by identity, and the nearest to one that is not among them.

use std::collections::BTreeMap;

use orchestrate_core::{
    ids::CallId,
    request::{Endpoint, Identity, Request},
};

use super::{
    call::{RecordedCall, Verdict},
    difference::{differences, distance},
};

/// Recorded calls by identity.
#[derive(Debug, Default)]
pub struct Tape {
    calls: BTreeMap<Identity, (String, RecordedCall)>,
}

/// Files that contradict each other.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{first}` and `{second}` answer the same call, each in its own way")]
pub struct TapeError {
    /// A file.
    pub first: String,
    /// Another one.
    pub second: String,
}

/// A recorded call that comes nearest to one that was not recorded.
#[derive(Debug)]
pub struct Nearest<'t> {
    /// Its file.
    pub file: &'t str,
    /// The call.
    pub call: &'t RecordedCall,
    /// In what they differ, a line each.
    pub differences: Vec<String>,
}

impl Tape {
    /// A tape of calls, each with the name of its file.
    pub fn new(calls: impl IntoIterator<Item = (String, RecordedCall)>) -> Result<Self, TapeError> {
        let mut tape = Self::default();
        for (file, call) in calls {
            let identity = call.identity();
            match tape.calls.get(&identity) {
                Some((_, known))
                    if (&known.answer, known.verdict) == (&call.answer, call.verdict) => {}
                Some((first, _)) => {
                    return Err(TapeError { first: first.clone(), second: file });
                }
                None => {
                    tape.calls.insert(identity, (file, call));
                }
            }
        }
        Ok(tape)
    }

    /// How many calls there are.
    pub fn len(&self) -> usize {
        self.calls.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.calls.is_empty()
    }

    /// The call with this identity, and its file.
    pub fn find(&self, identity: &Identity) -> Option<(&str, &RecordedCall)> {
        self.calls.get(identity).map(|(file, call)| (file.as_str(), call))
    }

    /// The recorded call that comes nearest: of the same step and purpose where there is one, else of the
    /// same persona, else of any; among those the one whose text differs least.
    pub fn nearest(&self, endpoint: &Endpoint, request: &Request) -> Option<Nearest<'_>> {
        self.nearest_of(endpoint, request, |_| true)
    }

    /// As [`nearest`](Self::nearest), of those that were answered.
    pub(super) fn nearest_answered(
        &self,
        endpoint: &Endpoint,
        request: &Request,
    ) -> Option<Nearest<'_>> {
        let answered = |call: &RecordedCall| !matches!(call.verdict, Verdict::FellBack(_));
        self.nearest_of(endpoint, request, answered)
    }

    fn nearest_of(
        &self,
        endpoint: &Endpoint,
        request: &Request,
        counts: impl Fn(&RecordedCall) -> bool,
    ) -> Option<Nearest<'_>> {
        let near = |call: &RecordedCall| kinship(&call.call, &call.persona, request);
        let all = || self.calls.values().filter(|(_, call)| counts(call));
        let closest = all().map(|(_, call)| near(call)).min()?;
        let kin = all().filter(|(_, call)| near(call) == closest);
        let weighed = kin.map(|(file, call)| {
            // Of one question to several models that to the same model is nearest.
            ((distance(call, request), call.model != request.model, file), call)
        });
        let ((_, _, file), call) = weighed.min_by_key(|(nearness, _)| *nearness)?;
        let differences = differences(call, endpoint, request);
        Some(Nearest { file, call, differences })
    }
}

/// How little a recorded call has to do with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kinship {
    /// The very call of the workflow.
    Call,
    /// Another item, version or round of the same step.
    Step,
    Persona,
    None,
}

fn kinship(recorded: &CallId, persona: &str, request: &Request) -> Kinship {
    let call = &request.call;
    if recorded == call {
        Kinship::Call
    } else if is_kin(recorded, call) {
        Kinship::Step
    } else if persona == request.persona.name {
        Kinship::Persona
    } else {
        Kinship::None
    }
}

/// Whether two calls are of the same step of a workflow and for the same purpose.
pub(super) fn is_kin(one: &CallId, other: &CallId) -> bool {
    one.purpose == other.purpose && one.step.step() == other.step.step()
}
