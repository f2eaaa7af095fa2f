//! How long to wait for what.

use std::time::Duration;

use orchestrate_core::{
    failure::{Failure, FailureClass},
    request::Request,
};
use tokio::time::Instant;

use super::config::DefaultTimeouts;

/// No wait is longer than this; a later instant might not exist.
const LONGEST: Duration = Duration::from_hours(24 * 365);

/// The deadlines of one attempt.
#[derive(Debug)]
pub(crate) struct Patience {
    started: Instant,
    /// For the connection, name resolution and TLS included.
    pub(crate) connect: Duration,
    first_token: Duration,
    pub(crate) idle: Duration,
    total: Duration,
}

impl Patience {
    /// The request's own limits, and the defaults where it sets none.
    pub(crate) fn new(defaults: DefaultTimeouts, request: &Request) -> Self {
        let or = |millis: Option<u64>, default: Duration| {
            millis.map_or(default, Duration::from_millis).min(LONGEST)
        };
        Self {
            started: Instant::now(),
            connect: or(request.timeouts.connect_ms, defaults.connect),
            first_token: or(request.timeouts.first_token_ms, defaults.first_token),
            idle: or(request.timeouts.idle_ms, defaults.idle),
            total: or(request.timeouts.total_ms, defaults.total),
        }
    }

    pub(crate) fn first_token_deadline(&self) -> Instant {
        self.started + self.first_token.min(self.total)
    }

    /// The deadline after something has arrived.
    pub(crate) fn next_deadline(&self, begun: bool) -> Instant {
        if begun { self.within_total(self.idle) } else { self.first_token_deadline() }
    }

    pub(crate) fn within_total(&self, wait: Duration) -> Instant {
        (Instant::now() + wait).min(self.started + self.total)
    }

    /// The failure of an attempt whose time is up.
    pub(crate) fn ran_out(&self, begun: bool) -> Failure {
        let message = if self.started.elapsed() >= self.total {
            format!("the answer was not finished within {:?}", self.total)
        } else if begun {
            format!("nothing more of the answer came for {:?}", self.idle)
        } else {
            format!("no first token within {:?}", self.first_token)
        };
        let help = "timeouts are set by `timeout:` in the workflow";
        Failure::new(FailureClass::Timeout, message).help(help)
    }
}
