//! Points in time as the core sees them: numbers passed in by whoever owns a clock.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Milliseconds since the Unix epoch, UTC.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Timestamp(pub u64);

impl Timestamp {
    /// The point `delay` after this one, saturating at the end of time.
    #[must_use]
    pub fn after(self, delay: Duration) -> Self {
        let millis = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX);
        Self(self.0.saturating_add(millis))
    }

    /// How long ago `earlier` was, zero where it lies ahead.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

/// A length of time as people say it: `400 ms`, `20 s`, `90 s`, `5 min`, `2 h`, `3 days`. Never shorter than it is.
pub fn in_words(time: Duration) -> String {
    let millis = time.as_millis();
    match millis {
        0..1_000 => format!("{millis} ms"),
        1_000..120_000 => format!("{} s", millis.div_ceil(1_000)),
        120_000..7_200_000 => format!("{} min", millis.div_ceil(60_000)),
        7_200_000..172_800_000 => format!("{} h", millis.div_ceil(3_600_000)),
        _ => format!("{} days", millis.div_ceil(86_400_000)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_are_said_in_the_unit_that_fits() {
        let said = [400, 1_000, 1_500, 119_000, 300_000, 7_200_000, 7_200_001, 999_999_000]
            .map(|millis| in_words(Duration::from_millis(millis)));
        assert_eq!(said, ["400 ms", "1 s", "2 s", "119 s", "5 min", "2 h", "3 h", "12 days"]);
    }
}
