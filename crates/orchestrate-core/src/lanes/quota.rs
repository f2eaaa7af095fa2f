//! What servers say of their limits.

use crate::Timestamp;

/// What a server says of one of its limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// How much there is when it is whole, where the server says so.
    pub limit: Option<u64>,
    /// How much of it is left.
    pub remaining: u64,
    /// How long until it is whole again, in milliseconds.
    pub reset_ms: u64,
}

/// What a server says of its limits beside an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ServerLimits {
    /// Requests.
    pub requests: Option<Quota>,
    /// Tokens, input and output together or whichever is scarcer.
    pub tokens: Option<Quota>,
}

impl ServerLimits {
    /// Whether the server says nothing.
    pub fn is_empty(&self) -> bool {
        self.requests.is_none() && self.tokens.is_none()
    }
}

/// A limit as it is known between two answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Known {
    limit: Option<u64>,
    left: u64,
    /// When `left` held.
    at: Timestamp,
    whole_at: Timestamp,
}

impl Known {
    /// What is known once the server has said `quota`.
    pub(super) fn new(quota: Quota, now: Timestamp) -> Self {
        Self {
            limit: quota.limit.filter(|&limit| limit > quota.remaining),
            left: quota.remaining,
            at: now,
            whole_at: Timestamp(now.0.saturating_add(quota.reset_ms)),
        }
    }

    /// When there will be `wanted`: `now` or earlier where there is.
    ///
    /// Limits of vendors are buckets that fill evenly, so that what is short is waited for and not the
    /// whole. Where a server does not say how large the bucket is, the whole is waited for.
    pub(super) fn enough_at(&self, wanted: u64) -> Timestamp {
        let wanted = self.limit.map_or(wanted, |limit| wanted.min(limit));
        if self.left >= wanted {
            return self.at;
        }
        let Some(limit) = self.limit else { return self.whole_at };
        let span = u128::from(self.whole_at.0.saturating_sub(self.at.0));
        let short = u128::from(wanted - self.left);
        let wait = (short * span).div_ceil(u128::from(limit - self.left).max(1));
        Timestamp(self.at.0.saturating_add(u64::try_from(wait).unwrap_or(u64::MAX)))
    }

    /// A call that takes `amount` is sent. `None` where nothing is known any more.
    pub(super) fn take(self, amount: u64, now: Timestamp) -> Option<Self> {
        if now >= self.whole_at {
            return None;
        }
        let filled = self.limit.map_or(0, |limit| {
            let span = u128::from(self.whole_at.0.saturating_sub(self.at.0)).max(1);
            let gone = u128::from(now.0.saturating_sub(self.at.0));
            let filled = u128::from(limit.saturating_sub(self.left)) * gone / span;
            u64::try_from(filled).unwrap_or(u64::MAX)
        });
        let left = self.left.saturating_add(filled).saturating_sub(amount);
        Some(Self { left, at: now.max(self.at), ..self })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(100_000);

    fn known(limit: Option<u64>, remaining: u64, reset_ms: u64) -> Known {
        Known::new(Quota { limit, remaining, reset_ms }, NOW)
    }

    #[test]
    fn what_is_short_is_waited_for_and_not_the_whole() {
        let requests = known(Some(60), 0, 60_000);
        assert_eq!(requests.enough_at(1), Timestamp(101_000));
        assert_eq!(known(Some(60), 5, 55_000).enough_at(1), NOW);
        assert_eq!(known(Some(1_000), 400, 60_000).enough_at(700), Timestamp(130_000));
    }

    #[test]
    fn without_its_size_a_limit_is_waited_for_until_it_is_whole() {
        assert_eq!(known(None, 0, 20_000).enough_at(1), Timestamp(120_000));
    }

    #[test]
    fn more_than_the_whole_is_not_waited_for() {
        assert_eq!(known(Some(1_000), 0, 60_000).enough_at(5_000), Timestamp(160_000));
    }

    #[test]
    fn what_is_sent_is_taken_off_until_the_server_speaks_again() {
        let two = known(None, 2, 20_000);
        let none = two.take(1, NOW).and_then(|one| one.take(1, NOW)).expect("still known");
        assert_eq!(none.enough_at(1), Timestamp(120_000));
        assert_eq!(none.take(1, Timestamp(120_000)), None);
    }
}
