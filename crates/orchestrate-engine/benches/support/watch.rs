//! When a run recorded what, so that a figure can be taken apart.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use orchestrate_core::{
    event::{Event, Recorded},
    summary::RunSummary,
};
use orchestrate_engine::live::Observer;

/// Times since the start of a run at which something had become durable.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Moments {
    /// The first and the last intent.
    pub(crate) intents: (Duration, Duration),
    /// The first and the last answer.
    pub(crate) answers: (Duration, Duration),
    /// The run's end. What follows is reading the journal back and closing it.
    pub(crate) end: Duration,
    /// Durable commits.
    pub(crate) commits: u32,
}

/// Writes moments down.
pub(crate) struct Watch {
    pub(crate) started: Instant,
    pub(crate) moments: Arc<Mutex<Moments>>,
}

impl Observer for Watch {
    fn recorded(&mut self, events: &[Recorded], _summary: &RunSummary) {
        let now = self.started.elapsed();
        let mut moments = self.moments.lock().unwrap_or_else(PoisonError::into_inner);
        moments.commits += 1;
        for recorded in events {
            let span = match recorded.event {
                Event::CallIntent { .. } => &mut moments.intents,
                Event::CallSucceeded { .. } => &mut moments.answers,
                Event::RunSucceeded => {
                    moments.end = now;
                    continue;
                }
                _ => continue,
            };
            if span.0.is_zero() {
                span.0 = now;
            }
            span.1 = now;
        }
    }
}
