//! How long a server asks to wait, in every form that servers use.

use std::time::{SystemTime, UNIX_EPOCH};

use reqwest::header::HeaderMap;

/// The wait in milliseconds: `retry-after-ms`, else `retry-after` as seconds, fractions of them or
/// an HTTP date, else `LiteLLM`'s `llm_provider-retry-after`. What cannot be read counts as absent.
pub(super) fn retry_after_ms(headers: &HeaderMap, now: SystemTime) -> Option<u64> {
    let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    text("retry-after-ms")
        .and_then(|value| millis(value, 1.0))
        .or_else(|| text("retry-after").and_then(|value| seconds_or_date(value, now)))
        .or_else(|| text("llm_provider-retry-after").and_then(|value| seconds_or_date(value, now)))
}

fn seconds_or_date(text: &str, now: SystemTime) -> Option<u64> {
    millis(text, 1_000.0).or_else(|| until(text, now))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "negative and endless numbers are sorted out; the cast saturates at the rest"
)]
fn millis(text: &str, unit: f64) -> Option<u64> {
    let value: f64 = text.parse().ok()?;
    (value.is_finite() && value >= 0.0).then(|| (value * unit).ceil() as u64)
}

/// Time until an HTTP date, zero where it has passed. Its usual form is also one of RFC 2822.
fn until(text: &str, now: SystemTime) -> Option<u64> {
    let date = jiff::fmt::rfc2822::parse(text).ok()?;
    let now = now.duration_since(UNIX_EPOCH).ok()?.as_millis();
    let then = u128::try_from(date.timestamp().as_millisecond()).unwrap_or_default();
    u64::try_from(then.saturating_sub(now)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(headers: &[(&'static str, &'static str)], expected: Option<u64>) {
        let now: jiff::Timestamp = "2026-11-21T12:00:00Z".parse().expect("a time");
        let map: HeaderMap = headers
            .iter()
            .map(|&(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
            .collect();
        assert_eq!(retry_after_ms(&map, now.into()), expected, "{headers:?}");
    }

    #[test]
    fn every_form_of_a_wait_is_read() {
        check(&[("retry-after", "7")], Some(7_000));
        check(&[("retry-after", "0.25")], Some(250));
        check(&[("retry-after", "999999")], Some(999_999_000));
        check(&[("retry-after", "Sat, 21 Nov 2026 12:00:05 GMT")], Some(5_000));
        check(&[("retry-after", "Sat, 21 Nov 2026 11:00:00 GMT")], Some(0));
        check(&[("retry-after-ms", "1500.2"), ("retry-after", "9")], Some(1_501));
        check(&[("llm_provider-retry-after", "60")], Some(60_000));
        check(&[("retry-after-ms", "soon"), ("retry-after", "9")], Some(9_000));
    }

    #[test]
    fn what_makes_no_sense_counts_as_absent() {
        for bad in ["-1", "soon", "", "NaN", "inf", "Sat, 99 Nov 2026"] {
            check(&[("retry-after", bad)], None);
        }
        check(&[("retry-after", "1e300")], Some(u64::MAX));
        check(&[], None);
    }
}
