//! Numbers, durations and times in words, the same wherever people read them.

use std::time::Duration;

use orchestrate_core::{Timestamp, money::Money};

/// A number with a comma between every three digits: `1,234,567`.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 step`, `2 steps`.
pub fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { many })
}

/// An amount as a number of US dollars, for JSON. Sums are made of [`Money`]; this is for those who read them.
pub fn usd(amount: Money) -> f64 {
    amount.exact().parse().unwrap_or(f64::MAX)
}

/// A count in few characters: `840`, `3.1k`, `2.4M`.
pub fn short_count(count: u64) -> String {
    match count {
        0..=999 => count.to_string(),
        1_000..=999_949 => format!("{}.{}k", (count + 50) / 1_000, (count + 50) % 1_000 / 100),
        _ => {
            let tenths = count.saturating_add(50_000) / 100_000;
            format!("{}.{}M", tenths / 10, tenths % 10)
        }
    }
}

/// A duration as people say it: `850 ms`, `12.3 s`, `1 min 3 s`, `2 h 5 min`.
pub fn duration(duration: Duration) -> String {
    let (seconds, millis) = (duration.as_secs(), duration.subsec_millis());
    match seconds {
        0 => format!("{millis} ms"),
        1..60 => format!("{seconds}.{} s", millis / 100),
        60..3_600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3_600, seconds % 3_600 / 60),
    }
}

/// How long ago, in the largest unit that says enough: `5 s ago`, `2 days ago`.
pub fn age(age: Duration) -> String {
    let seconds = age.as_secs();
    match seconds {
        0..60 => format!("{seconds} s ago"),
        60..3_600 => format!("{} min ago", seconds / 60),
        3_600..86_400 => format!("{} h ago", seconds / 3_600),
        86_400..172_800 => "1 day ago".to_owned(),
        _ => format!("{} days ago", seconds / 86_400),
    }
}

/// A point in time as RFC 3339 in UTC, whole seconds: `2026-01-31T12:00:00Z`.
///
/// The date is computed as in Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms",
/// `civil_from_days`.
pub fn time(at: Timestamp) -> String {
    let seconds = at.0 / 1_000;
    let days = seconds / 86_400 + 719_468;
    let era = days / 146_097;
    let day_of_era = days % 146_097;
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    let (hour, minute, second) = (seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_durations_and_dates_read_well() {
        assert_eq!(
            [count(0), count(999), count(1_000), count(1_234_567)],
            ["0", "999", "1,000", "1,234,567"]
        );
        assert!((usd("0.0325".parse().unwrap()) - 0.0325).abs() < f64::EPSILON);
        assert_eq!(
            [0, 12_340, 63_000].map(|millis| duration(Duration::from_millis(millis))),
            ["0 ms", "12.3 s", "1 min 3 s"]
        );
        assert_eq!(duration(Duration::from_mins(125)), "2 h 5 min");
        assert_eq!(
            [999, 3_060, 999_960, 2_400_000].map(short_count),
            ["999", "3.1k", "1.0M", "2.4M"]
        );
        assert_eq!(
            [5, 150, 7_300, 90_000, 200_000].map(|seconds| age(Duration::from_secs(seconds))),
            ["5 s ago", "2 min ago", "2 h ago", "1 day ago", "2 days ago"]
        );
        let _ = (short_count(u64::MAX), duration(Duration::MAX));
        assert_eq!(time(Timestamp(0)), "1970-01-01T00:00:00Z");
        assert_eq!(time(Timestamp(951_782_400_000)), "2000-02-29T00:00:00Z");
        assert_eq!(time(Timestamp(1_798_761_599_999)), "2026-12-31T23:59:59Z");
        let _ = time(Timestamp(u64::MAX));
    }
}
