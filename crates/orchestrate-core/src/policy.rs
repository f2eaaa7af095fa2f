//! Policies as pure functions: when an attempt is repeated.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    failure::FailureClass,
    ids::{CallId, FieldHasher, RunId},
};

pub use crate::budget::{Allowance, Cap, Ledger, Limits};

/// When a failed attempt is made again and how long to wait before.
///
/// The delay is exponential backoff with full jitter: uniform in `0 ..= min(cap, base · 2^(n-1))`
/// after the n-th failure (Brooker, "Exponential Backoff and Jitter", AWS Architecture Blog, 2015).
/// A delay that the provider asks for is a floor below which the wait never goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetryPolicy {
    /// Attempts in all, the first included.
    pub max_attempts: u16,
    /// The first backoff's upper bound in milliseconds.
    pub base_ms: u64,
    /// No backoff is longer than this, in milliseconds.
    pub cap_ms: u64,
    /// A provider that asks for a longer wait than this, in milliseconds, is not waited for.
    pub longest_wait_ms: u64,
    /// Retries that a whole run may make whatever its size.
    #[serde(default = "default_budget")]
    pub budget: u64,
    /// And further retries for each hundred calls.
    #[serde(default = "default_budget_percent")]
    pub budget_percent: u64,
}

/// Attempts at a call in all where nothing says less. A workflow may only lower it: what an attempt costs is the
/// user's.
pub const MOST_ATTEMPTS: u16 = 4;

fn default_budget() -> u64 {
    RetryPolicy::default().budget
}

fn default_budget_percent() -> u64 {
    RetryPolicy::default().budget_percent
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            max_attempts: MOST_ATTEMPTS,
            base_ms: 1_000,
            cap_ms: 60_000,
            longest_wait_ms: 120_000,
            budget: 3,
            budget_percent: 10,
        }
    }
}

impl RetryPolicy {
    /// Retries that a run of this many calls may make in all.
    ///
    /// Where a server fails half the time, every single call seems worth another attempt, and together
    /// they cost twice the price: the budget ends that early (Google, "Site Reliability Engineering",
    /// chapter 21). What a server turned away for being busy costs it nothing, since lanes see to that,
    /// and neither does what a crash interrupted.
    pub fn retries_for(&self, calls: u64) -> u64 {
        self.budget.saturating_add(calls.saturating_mul(self.budget_percent) / 100)
    }

    /// The same with fewer attempts, where these are fewer.
    #[must_use]
    pub fn with_at_most(self, attempts: u16) -> Self {
        Self { max_attempts: self.max_attempts.min(attempts.max(1)), ..self }
    }

    /// The longest wait that a provider may ask for.
    pub fn longest_wait(&self) -> Duration {
        Duration::from_millis(self.longest_wait_ms)
    }

    /// The wait before the next attempt, or `None` where there is to be none.
    ///
    /// `failed` counts the attempts that have failed since the step was last (re)started, this one
    /// included; `jitter` is uniform in `0.0 ..= 1.0`.
    pub fn next_delay(
        &self,
        class: FailureClass,
        failed: u16,
        retry_after_ms: Option<u64>,
        jitter: f64,
    ) -> Option<Duration> {
        let attempts = match class {
            FailureClass::Connect
            | FailureClass::StreamCut
            | FailureClass::Timeout
            | FailureClass::RateLimited
            | FailureClass::Unavailable
            | FailureClass::Overloaded
            | FailureClass::Unsupported => self.max_attempts,
            // An empty answer is worth one more try, and no third.
            FailureClass::Empty => self.max_attempts.min(2),
            FailureClass::QuotaExhausted
            | FailureClass::Credentials
            | FailureClass::NotFound
            | FailureClass::BadRequest
            | FailureClass::ContextTooLong
            | FailureClass::Refused
            | FailureClass::Truncated
            | FailureClass::Malformed
            // Asking the same again is no answer to it: a repair says what is wrong.
            | FailureClass::Misfit
            | FailureClass::ReviewFailed
            | FailureClass::Redirected
            | FailureClass::NotRecorded
            | FailureClass::Preparation
            | FailureClass::Inside
            | FailureClass::OverBudget
            | FailureClass::NotApproved
            | FailureClass::ApprovalExpired => 1,
        };
        if failed >= attempts {
            return None;
        }
        if class == FailureClass::Unsupported {
            // The server is well; it only wants another request.
            return Some(Duration::ZERO);
        }
        let floor = retry_after_ms.unwrap_or(0);
        if floor > self.longest_wait_ms {
            return None;
        }
        let doublings = u32::from(failed.saturating_sub(1)).min(30);
        let bound = self.base_ms.saturating_mul(1 << doublings).min(self.cap_ms);
        let backoff = Duration::from_millis(bound).mul_f64(jitter.clamp(0.0, 1.0));
        Some(Duration::from_millis(floor).saturating_add(backoff))
    }
}

/// A number uniform in `0.0 .. 1.0` that belongs to one attempt of one run: as good as a random one
/// for spreading retries, and the same on every replay.
pub fn jitter(run: &RunId, call: &CallId, attempt: u16) -> f64 {
    let mut hasher = FieldHasher::new("orchestrate 2026 retry jitter");
    hasher.field(run.as_str()).field(call.to_string()).field(attempt.to_le_bytes());
    let digest = hasher.finish();
    let word = digest.as_bytes()[..4].try_into().map_or(0, u32::from_le_bytes);
    f64::from(word) / (f64::from(u32::MAX) + 1.0)
}

/// What becomes of a call of which nobody knows whether it was answered and charged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnUnknown {
    /// It is made again: at worst it is paid for twice.
    #[default]
    Retry,
    /// The run stops until somebody resumes it, who decides so that it is made again.
    Ask,
    /// The step fails.
    Fail,
}
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_a_floor_and_jitter_only_adds() {
        let policy = RetryPolicy::default();
        let wait = |jitter| policy.next_delay(FailureClass::RateLimited, 1, Some(2_000), jitter);
        assert_eq!(wait(0.0), Some(Duration::from_secs(2)));
        assert_eq!(wait(1.0), Some(Duration::from_secs(3)));
    }

    #[test]
    fn backoff_doubles_up_to_its_cap() {
        let policy = RetryPolicy { max_attempts: 100, ..RetryPolicy::default() };
        let bound = |failed| policy.next_delay(FailureClass::Unavailable, failed, None, 1.0);
        assert_eq!(bound(1), Some(Duration::from_secs(1)));
        assert_eq!(bound(3), Some(Duration::from_secs(4)));
        assert_eq!(bound(50), Some(Duration::from_mins(1)));
    }

    #[test]
    fn fatal_failures_are_never_repeated_and_empty_answers_once() {
        let policy = RetryPolicy::default();
        for class in [
            FailureClass::Credentials,
            FailureClass::BadRequest,
            FailureClass::Truncated,
            FailureClass::Refused,
            FailureClass::QuotaExhausted,
        ] {
            assert_eq!(policy.next_delay(class, 1, None, 0.5), None, "{class:?}");
        }
        assert!(policy.next_delay(FailureClass::Empty, 1, None, 0.5).is_some());
        assert_eq!(policy.next_delay(FailureClass::Empty, 2, None, 0.5), None);
        assert_eq!(policy.next_delay(FailureClass::Connect, 4, None, 0.5), None);
    }

    #[test]
    fn attempts_can_be_lowered_and_not_raised() {
        let policy = RetryPolicy::default();
        let attempts = |most| policy.clone().with_at_most(most).max_attempts;
        assert_eq!([0, 1, 2, 4, 9].map(attempts), [1, 1, 2, 4, 4]);
    }

    #[test]
    fn a_wait_beyond_patience_is_a_failure() {
        let policy = RetryPolicy::default();
        assert_eq!(policy.next_delay(FailureClass::RateLimited, 1, Some(999_999_000), 0.0), None);
    }

    #[test]
    fn the_retry_budget_is_a_tenth_of_the_calls_and_three() {
        let policy = RetryPolicy::default();
        assert_eq!([0, 9, 10, 200].map(|calls| policy.retries_for(calls)), [3, 3, 4, 23]);
    }
}
