//! Numbers, times and states in words.

use orchestrate_core::{
    Timestamp,
    event::{PauseReason, RunFailure},
    neutral,
    plan::Plan,
    policy::Cap,
    summary::{RunStatus, RunSummary, StepState, StepSummary},
    usage::Usage,
};

/// A number with a comma between every three digits: `1,234,567`.
pub(crate) fn count(number: u64) -> String {
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
pub(crate) fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { many })
}

/// A duration as people say it: `850 ms`, `12.3 s`, `1 min 3 s`, `2 h 5 min`.
pub(crate) fn duration(millis: u64) -> String {
    let seconds = millis / 1_000;
    match millis {
        0..1_000 => format!("{millis} ms"),
        1_000..60_000 => format!("{seconds}.{} s", millis % 1_000 / 100),
        60_000..3_600_000 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3_600, seconds % 3_600 / 60),
    }
}

/// A point in time as RFC 3339 in UTC, whole seconds: `2026-01-31T12:00:00Z`.
///
/// The date is computed as in Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms",
/// `civil_from_days`.
pub(crate) fn time(at: Timestamp) -> String {
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

/// Tokens in and out; `≈` where one of the figures was counted here and not by the provider.
pub(crate) fn tokens(usage: &Usage) -> String {
    let about = if usage.estimated { "≈" } else { "" };
    format!("{about}{} in, {about}{} out", count(usage.input), count(usage.output))
}

/// Where a run stands, in plain words.
pub(crate) fn status(summary: &RunSummary) -> String {
    match &summary.status {
        RunStatus::Running => "running, or its process ended without saying so".to_owned(),
        RunStatus::Paused(PauseReason::Interrupted) => {
            "stopped on request, to be resumed".to_owned()
        }
        RunStatus::Succeeded => {
            let missing: Vec<String> =
                summary.given_up().map(|step| format!("`{}`", step.step)).collect();
            if missing.is_empty() {
                "complete".to_owned()
            } else {
                format!("complete without the optional {}", named("step", &missing))
            }
        }
        RunStatus::Failed(RunFailure::Step(path)) => {
            let why = summary.step(path).and_then(|step| step.failure.as_ref());
            let why = why.map(|why| format!(": {}", neutral::one_line(&why.to_string())));
            format!("failed: step `{path}`{}", why.unwrap_or_default())
        }
        RunStatus::Failed(RunFailure::Budget(cap)) => {
            let cap = match cap {
                Cap::Calls => "calls",
                Cap::Tokens => "tokens",
            };
            format!("failed: the cap on {cap} was reached")
        }
    }
}

/// What a person can do about the step that ended the run.
pub(crate) fn advice(summary: &RunSummary) -> Option<String> {
    let RunStatus::Failed(RunFailure::Step(path)) = &summary.status else { return None };
    let failure = summary.step(path)?.failure.as_ref()?;
    failure.help.as_deref().map(neutral::one_line)
}

/// `step a`, `steps a and b`, `steps a, b and c`.
pub(crate) fn named(what: &str, names: &[String]) -> String {
    match names {
        [] => format!("no {what}"),
        [one] => format!("{what} {one}"),
        [first @ .., last] => format!("{what}s {} and {last}", first.join(", ")),
    }
}

/// Why a step that is not finished is where it is.
pub(crate) fn unfinished(summary: &RunSummary, plan: &Plan, step: &StepSummary) -> String {
    match step.state {
        StepState::Succeeded => "finished".to_owned(),
        StepState::Failed => {
            let why = step.failure.as_ref().map(|failure| {
                let help = failure.help.as_ref().map(|help| format!(" ({help})"));
                format!(
                    ": {}",
                    neutral::one_line(&format!("{failure}{}", help.unwrap_or_default()))
                )
            });
            let optional = if step.optional { ", optional" } else { "" };
            format!("failed{optional}{}", why.unwrap_or_default())
        }
        StepState::Running => "was under way when the run stopped".to_owned(),
        StepState::Retrying => {
            let why = step.failure.as_ref().map(|why| neutral::one_line(&why.to_string()));
            format!("waits for another attempt after: {}", why.unwrap_or_default())
        }
        StepState::Waiting => {
            let unmet: Vec<String> = needs(plan, step)
                .filter(|&need| !is_met(&summary.steps[need]))
                .map(|need| format!("`{}`", summary.steps[need].step))
                .collect();
            if unmet.is_empty() {
                "not started: the run stopped before it".to_owned()
            } else {
                format!("not started: needs {}", named("step", &unmet))
            }
        }
    }
}

fn needs<'p>(plan: &'p Plan, step: &StepSummary) -> impl Iterator<Item = usize> + use<'p> {
    plan.position(&step.step).into_iter().flat_map(|at| plan.needs(at).iter().copied())
}

fn is_met(step: &StepSummary) -> bool {
    match step.state {
        StepState::Succeeded => true,
        StepState::Failed => step.optional,
        StepState::Waiting | StepState::Running | StepState::Retrying => false,
    }
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
        assert_eq!(
            [duration(0), duration(12_340), duration(63_000)],
            ["0 ms", "12.3 s", "1 min 3 s"]
        );
        assert_eq!(duration(7_500_000), "2 h 5 min");
        assert_eq!(time(Timestamp(0)), "1970-01-01T00:00:00Z");
        assert_eq!(time(Timestamp(951_782_400_000)), "2000-02-29T00:00:00Z");
        assert_eq!(time(Timestamp(1_798_761_599_999)), "2026-12-31T23:59:59Z");
        let _ = time(Timestamp(u64::MAX));
    }
}
