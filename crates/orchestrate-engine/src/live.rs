//! What is going on right now: progress that is shown and never recorded.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use orchestrate_core::{event::Recorded, ids::CallId, summary::RunSummary};
use orchestrate_provider::Progress;

/// Whoever watches a run. It is told of events only after they are durable.
pub trait Observer: Send {
    /// These events were recorded, and the run now looks like this.
    fn recorded(&mut self, events: &[Recorded], summary: &RunSummary);
}

/// An observer that looks away.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unobserved;

impl Observer for Unobserved {
    fn recorded(&mut self, _events: &[Recorded], _summary: &RunSummary) {}
}

/// The calls in flight, for whoever draws them.
#[derive(Debug, Clone, Default)]
pub struct LiveBoard(Arc<Mutex<BTreeMap<CallId, Arc<LiveCall>>>>);

/// One call in flight.
#[derive(Debug)]
pub struct LiveCall {
    started: Instant,
    first_token: AtomicBool,
    tokens: AtomicU64,
}

/// What one call in flight looks like at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveView {
    /// The call.
    pub call: CallId,
    /// How long it has been going on.
    pub elapsed: Duration,
    /// Whether the answer has begun.
    pub answering: bool,
    /// Tokens of the answer so far, an estimate.
    pub tokens: u64,
}

impl LiveBoard {
    pub(crate) fn begin(&self, call: &CallId) -> Arc<LiveCall> {
        let live = Arc::new(LiveCall {
            started: Instant::now(),
            first_token: AtomicBool::new(false),
            tokens: AtomicU64::new(0),
        });
        self.lock().insert(call.clone(), Arc::clone(&live));
        live
    }

    pub(crate) fn end(&self, call: &CallId) {
        self.lock().remove(call);
    }

    /// The calls in flight, in the order of their ids.
    pub fn view(&self) -> Vec<LiveView> {
        let calls = self.lock();
        let views = calls.iter().map(|(call, live)| LiveView {
            call: call.clone(),
            elapsed: live.started.elapsed(),
            answering: live.first_token.load(Ordering::Relaxed),
            tokens: live.tokens.load(Ordering::Relaxed),
        });
        views.collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<CallId, Arc<LiveCall>>> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Progress for LiveCall {
    fn first_token(&self) {
        self.first_token.store(true, Ordering::Relaxed);
    }

    fn delta(&self, _bytes: usize, output_tokens_so_far_estimate: u64) {
        self.tokens.store(output_tokens_so_far_estimate, Ordering::Relaxed);
    }
}
