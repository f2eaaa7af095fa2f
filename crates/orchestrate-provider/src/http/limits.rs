//! What servers say of their limits in the head of an answer.

use std::time::{SystemTime, UNIX_EPOCH};

use orchestrate_core::lanes::{Quota, ServerLimits};
use reqwest::header::HeaderMap;

use super::rejection::span_ms;

/// Headers of one limit: what is left, the whole, and when it is whole again.
struct Names {
    remaining: &'static str,
    limit: &'static str,
    reset: &'static str,
}

/// What `OpenAI` and those who do as it does call them, and what Anthropic does.
const REQUESTS: [Names; 2] = [
    Names {
        remaining: "x-ratelimit-remaining-requests",
        limit: "x-ratelimit-limit-requests",
        reset: "x-ratelimit-reset-requests",
    },
    Names {
        remaining: "anthropic-ratelimit-requests-remaining",
        limit: "anthropic-ratelimit-requests-limit",
        reset: "anthropic-ratelimit-requests-reset",
    },
];

/// Of Anthropic's, `tokens` is the one that is nearest its end, where it is sent.
const TOKENS: [Names; 4] = [
    Names {
        remaining: "x-ratelimit-remaining-tokens",
        limit: "x-ratelimit-limit-tokens",
        reset: "x-ratelimit-reset-tokens",
    },
    Names {
        remaining: "anthropic-ratelimit-tokens-remaining",
        limit: "anthropic-ratelimit-tokens-limit",
        reset: "anthropic-ratelimit-tokens-reset",
    },
    Names {
        remaining: "anthropic-ratelimit-input-tokens-remaining",
        limit: "anthropic-ratelimit-input-tokens-limit",
        reset: "anthropic-ratelimit-input-tokens-reset",
    },
    Names {
        remaining: "anthropic-ratelimit-output-tokens-remaining",
        limit: "anthropic-ratelimit-output-tokens-limit",
        reset: "anthropic-ratelimit-output-tokens-reset",
    },
];

/// What the head of an answer says of the server's limits. What cannot be read counts as absent, and so
/// does a limit without the time at which it is whole again: nobody could wait for it.
pub(super) fn server_limits(headers: &HeaderMap, now: SystemTime) -> ServerLimits {
    let scarcest = |names: &[Names]| {
        let found = names.iter().filter_map(|names| quota(headers, names, now));
        found.min_by_key(|quota| quota.remaining)
    };
    ServerLimits { requests: scarcest(&REQUESTS), tokens: scarcest(&TOKENS) }
}

fn quota(headers: &HeaderMap, names: &Names, now: SystemTime) -> Option<Quota> {
    let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    Some(Quota {
        remaining: amount(text(names.remaining)?)?,
        limit: text(names.limit).and_then(amount),
        reset_ms: wait(text(names.reset)?, now)?,
    })
}

/// A count; some servers go below zero where more was used than there was.
fn amount(text: &str) -> Option<u64> {
    let count: i64 = text.parse().ok()?;
    Some(u64::try_from(count).unwrap_or(0))
}

/// A length of time such as `6m0s`, a number of seconds, or a moment as RFC 3339 has it.
fn wait(text: &str, now: SystemTime) -> Option<u64> {
    if let Ok(seconds) = text.parse::<u64>() {
        return seconds.checked_mul(1_000);
    }
    span_ms(text).or_else(|| {
        let then: jiff::Timestamp = text.parse().ok()?;
        let now = now.duration_since(UNIX_EPOCH).ok()?.as_millis();
        let then = u128::try_from(then.as_millisecond()).unwrap_or_default();
        u64::try_from(then.saturating_sub(now)).ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(headers: &[(&'static str, &'static str)]) -> ServerLimits {
        let now: jiff::Timestamp = "2026-11-21T12:00:00Z".parse().expect("a time");
        let map: HeaderMap = headers
            .iter()
            .map(|&(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
            .collect();
        server_limits(&map, now.into())
    }

    fn quota(limit: Option<u64>, remaining: u64, reset_ms: u64) -> Quota {
        Quota { limit, remaining, reset_ms }
    }

    #[test]
    fn openai_says_lengths_of_time() {
        let limits = read(&[
            ("x-ratelimit-limit-requests", "60"),
            ("x-ratelimit-remaining-requests", "59"),
            ("x-ratelimit-reset-requests", "1s"),
            ("x-ratelimit-limit-tokens", "150000"),
            ("x-ratelimit-remaining-tokens", "149984"),
            ("x-ratelimit-reset-tokens", "6m0.5s"),
        ]);
        assert_eq!(limits.requests, Some(quota(Some(60), 59, 1_000)));
        assert_eq!(limits.tokens, Some(quota(Some(150_000), 149_984, 360_500)));
    }

    #[test]
    fn anthropic_says_moments_and_the_scarcest_tokens_count() {
        let limits = read(&[
            ("anthropic-ratelimit-requests-limit", "50"),
            ("anthropic-ratelimit-requests-remaining", "0"),
            ("anthropic-ratelimit-requests-reset", "2026-11-21T12:00:30Z"),
            ("anthropic-ratelimit-input-tokens-limit", "40000"),
            ("anthropic-ratelimit-input-tokens-remaining", "39000"),
            ("anthropic-ratelimit-input-tokens-reset", "2026-11-21T12:00:01Z"),
            ("anthropic-ratelimit-output-tokens-limit", "8000"),
            ("anthropic-ratelimit-output-tokens-remaining", "500"),
            ("anthropic-ratelimit-output-tokens-reset", "2026-11-21T12:01:00Z"),
        ]);
        assert_eq!(limits.requests, Some(quota(Some(50), 0, 30_000)));
        assert_eq!(limits.tokens, Some(quota(Some(8_000), 500, 60_000)));
    }

    #[test]
    fn what_cannot_be_read_or_waited_for_counts_as_absent() {
        for reset in ["soon", "", "-1", "1x"] {
            let headers =
                [("x-ratelimit-remaining-requests", "0"), ("x-ratelimit-reset-requests", reset)];
            assert!(read(&headers).is_empty(), "{reset}");
        }
        assert!(read(&[("x-ratelimit-remaining-requests", "0")]).is_empty());
        let limits =
            read(&[("x-ratelimit-remaining-tokens", "-40"), ("x-ratelimit-reset-tokens", "7")]);
        assert_eq!(limits.tokens, Some(quota(None, 0, 7_000)), "seconds without a unit");
    }
}
