//! Where a run and its steps stand, in words.

use std::time::Duration;

use orchestrate_core::{
    budget::Cap,
    event::{LossCause, PauseReason, RunFailure},
    lanes::SlowCause,
    neutral,
    plan::{Action, Plan},
    policy::OnUnknown,
    summary::{RunStatus, RunSummary, StepState, StepSummary},
    usage::Usage,
};

use crate::{
    approval::{self, approval},
    words,
};

/// Tokens in and out; `≈` where one of the figures was counted here and not by the provider.
pub(crate) fn tokens(usage: &Usage) -> String {
    let about = if usage.estimated { "≈" } else { "" };
    format!("{about}{} in, {about}{} out", words::count(usage.input), words::count(usage.output))
}

/// Where a run stands, in plain words.
pub fn status(summary: &RunSummary) -> String {
    match &summary.status {
        RunStatus::Running => "running, or its process ended without saying so".to_owned(),
        RunStatus::Paused(PauseReason::Interrupted) => {
            let failed = |step: &&StepSummary| step.state == StepState::Failed && !step.optional;
            let failed = summary.steps.iter().filter(failed);
            let failed: Vec<String> = failed.map(|step| format!("`{}`", step.step)).collect();
            let before = if failed.is_empty() {
                String::new()
            } else {
                format!("; {} failed before", named("step", &failed))
            };
            format!("stopped on request, to be resumed{before}")
        }
        RunStatus::Paused(PauseReason::DiskFull) => {
            "stopped since the disk is full; every answer is kept".to_owned()
        }
        RunStatus::Paused(PauseReason::CallUnknown) => unknown_calls(summary),
        RunStatus::Paused(PauseReason::AwaitingApproval) => approval::waiting(summary),
        RunStatus::Succeeded => {
            let missing: Vec<String> =
                summary.given_up().map(|step| format!("`{}`", step.step)).collect();
            let items: Vec<String> = summary.with_failed_items().filter_map(failed_items).collect();
            let mut text = if missing.is_empty() {
                "complete".to_owned()
            } else {
                format!("complete without the optional {}", named("step", &missing))
            };
            if !items.is_empty() {
                text = format!("{text}; {}", items.join(", "));
            }
            text
        }
        RunStatus::Failed(RunFailure::Step(path)) => {
            let why = summary.step(path).and_then(|step| step.failure.as_ref());
            let why = why.map(|why| format!(": {}", neutral::one_line(&why.to_string())));
            format!("failed: step `{path}`{}", why.unwrap_or_default())
        }
        RunStatus::Failed(RunFailure::Budget(cap)) => {
            format!("failed: {}", cap_reached(summary, *cap))
        }
    }
}

/// Which calls nobody knows the outcome of, where a person is to decide what becomes of them.
fn unknown_calls(summary: &RunSummary) -> String {
    let asks = |step: &&StepSummary| {
        let position = summary.plan().position_of(&step.step);
        position.is_some_and(|at| match &summary.plan().steps()[at].action {
            Action::Persona(action) => action.on_unknown == OnUnknown::Ask,
            Action::Render(_) | Action::Approve(_) | Action::Group | Action::Workflow(_) => false,
        })
    };
    let open = |step: &&StepSummary| step.lost.is_some() && step.state == StepState::Running;
    let steps = summary.steps.iter().chain(summary.instances());
    let named: Vec<String> =
        steps.filter(open).filter(asks).map(|step| format!("`{}`", step.step)).collect();
    let of = if named.is_empty() { String::new() } else { format!(" of {}", named.join(", ")) };
    format!("waiting for you: nobody knows whether a call{of} was answered and charged")
}

/// Why another model answers than the one that was meant, once for each that was left behind.
pub fn fallbacks(step: &StepSummary) -> Option<String> {
    let told = step.fallbacks.iter().map(|fallback| {
        format!(
            "`{}` in the place of `{}`: {}",
            fallback.to,
            fallback.from,
            neutral::one_line(&fallback.failure.to_string())
        )
    });
    let told: Vec<String> = told.collect();
    (!told.is_empty()).then(|| told.join("; "))
}

/// How a run was slowed down, a line for each model and cause.
pub(crate) fn slowed(summary: &RunSummary) -> Vec<String> {
    let told = summary.slowed.iter().map(|slowed| {
        let why = match slowed.cause {
            SlowCause::RateLimited => "asked to slow down",
            SlowCause::Overloaded => "was overloaded",
            SlowCause::Failing => "failed again and again",
            SlowCause::Quota => "had nothing left of its limit",
        };
        let times = match slowed.times {
            1 => "once".to_owned(),
            times => format!("{times} times"),
        };
        let wait = match slowed.waited_ms {
            0 => String::new(),
            wait => format!(", waits of up to {}", words::duration(Duration::from_millis(wait))),
        };
        let calls = words::counted(slowed.at_a_time.into(), "call", "calls");
        format!("`{}` {why} {times}: down to {calls} at a time{wait}", slowed.model)
    });
    told.collect()
}

fn cap_reached(summary: &RunSummary, cap: Cap) -> String {
    let limits = &summary.limits;
    match (cap, limits.max_calls, limits.max_tokens, limits.max_cost, limits.max_wall_ms) {
        (Cap::Calls, Some(most), ..) => {
            format!("the cap on calls was reached: {} allowed", words::count(most))
        }
        (Cap::Calls, None, ..) => "the cap on calls was reached".to_owned(),
        (Cap::Tokens, _, allowed, ..) => {
            let step = summary.beyond_cap().zip(allowed).map(|((step, worst), allowed)| {
                let left = allowed.saturating_sub(summary.spent_tokens());
                let [most, left, allowed] = [worst.tokens, left, allowed].map(words::count);
                uncovered(step, &format!("{most} tokens"), &left, &allowed)
            });
            format!("the cap on tokens was reached{}", step.unwrap_or_default())
        }
        (Cap::Cost, _, _, allowed, _) => {
            let step = summary.beyond_cap().zip(allowed).map(|((step, worst), allowed)| {
                let most = worst.cost.unwrap_or_default();
                let left = allowed.less(summary.cost);
                uncovered(step, &most.to_string(), &left.to_string(), &allowed.to_string())
            });
            format!("the cap on cost was reached{}", step.unwrap_or_default())
        }
        (Cap::Wall, .., allowed) => {
            let allowed = allowed.map(|most| words::duration(Duration::from_millis(most)));
            let allowed = allowed.map(|most| format!(": {most} allowed"));
            format!("its time is over{}", allowed.unwrap_or_default())
        }
    }
}

/// What a step may use beside what is left, where that is less.
fn uncovered(step: &StepSummary, most: &str, left: &str, allowed: &str) -> String {
    let left = if left == allowed {
        format!("{allowed} are allowed")
    } else {
        format!("{left} of {allowed} are left")
    };
    format!(": step `{}` may use {most}; {left}", step.step)
}

/// The lowest cap with which a run that a cap ended can go on, as the command line takes it. For tokens and
/// cost it suffices for the next call; for calls, for one of every step that is left. How much more time is
/// enough nobody knows.
pub fn sufficient_cap(summary: &RunSummary) -> Option<String> {
    match summary.cap_reached()? {
        Cap::Tokens => {
            let (_, worst) = summary.beyond_cap()?;
            Some(summary.spent_tokens().saturating_add(worst.tokens).to_string())
        }
        Cap::Cost => {
            let (_, worst) = summary.beyond_cap()?;
            Some(summary.cost.plus(worst.cost?).whole_cents_up().exact())
        }
        Cap::Calls => {
            let steps = summary.plan().steps().iter().zip(&summary.steps);
            let left = steps.filter(|(step, told)| {
                matches!(step.action, Action::Persona(_)) && told.state != StepState::Succeeded
            });
            let left: u64 = left.map(|(_, told)| to_be_asked(told)).sum();
            Some(summary.calls.saturating_add(left).to_string())
        }
        Cap::Wall => None,
    }
}

/// Which steps got briefs or a cheaper model than they were meant to have, since the budget did not cover those.
pub(crate) fn lessened(summary: &RunSummary) -> Option<String> {
    const NAMED: usize = 5;
    let steps: Vec<&str> = summary
        .steps
        .iter()
        .filter(|step| !step.degraded.is_empty())
        .map(|step| step.step.as_str())
        .collect();
    let (first, others) = steps.split_at(steps.len().min(NAMED));
    let more = if others.is_empty() { String::new() } else { format!(", {} more", others.len()) };
    (!steps.is_empty()).then(|| {
        let what = words::counted(steps.len() as u64, "step", "steps");
        format!("{what} with briefs or a cheaper model, for the budget: {}{more}", first.join(", "))
    })
}

/// How often a model is still to be asked about a step that has not succeeded, as far as its items are known:
/// at least once.
fn to_be_asked(step: &StepSummary) -> u64 {
    step.items.map_or(1, |items| items.found.saturating_sub(items.succeeded).max(1) as u64)
}

fn failed_items(step: &StepSummary) -> Option<String> {
    let counts = step.items?;
    Some(format!("{} of {} items of `{}` failed", counts.failed, counts.found, step.step))
}

/// What a person can do about the step that ended the run.
pub fn advice(summary: &RunSummary) -> Option<String> {
    let RunStatus::Failed(RunFailure::Step(path)) = &summary.status else { return None };
    let failure = summary.step(path)?.failure.as_ref()?;
    failure.help.as_deref().map(neutral::one_line)
}

/// What went wrong in a step's last attempt.
pub fn trouble(step: &StepSummary) -> Option<String> {
    let seen = || step.failure.as_ref().map(|why| neutral::one_line(&why.to_string()));
    match step.lost {
        Some(LossCause::Connection) => {
            let why = seen().unwrap_or_else(|| loss(LossCause::Connection).to_owned());
            Some(format!("{why}; whether it was charged is not known"))
        }
        Some(cause) => Some(format!("no answer: {}", loss(cause))),
        None => seen(),
    }
}

/// The line that stands before a result that is only a part.
pub(crate) fn unfinished_notice(summary: &RunSummary) -> Option<String> {
    if summary.status == RunStatus::Succeeded {
        return None;
    }
    let (done, all) = (summary.finished(), summary.total());
    let steps = if all == 1 { "step" } else { "steps" };
    Some(format!(
        "> **Unfinished: {done} of {all} {steps}.** This is a part of the result; the other steps have no \
         document yet."
    ))
}

/// What ended an attempt whose outcome nobody knows.
pub fn loss(cause: LossCause) -> &'static str {
    match cause {
        LossCause::ProcessEnded => "its process ended",
        LossCause::Cancelled => "it was cancelled",
        LossCause::Connection => "the connection was lost",
    }
}

/// How many attempts of a step nobody knows the outcome of, where there are any.
pub fn lost_attempts(step: &StepSummary) -> Option<String> {
    match step.lost_attempts {
        0 => None,
        1 => Some("one attempt ended without a known outcome".to_owned()),
        lost => Some(format!("{lost} attempts ended without a known outcome")),
    }
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
        StepState::AwaitingApproval => approval(step).unwrap_or_default(),
        StepState::Skipped => {
            let why = step.skipped.as_deref().map(neutral::one_line);
            format!("skipped: {}", why.unwrap_or_default())
        }
        StepState::Running => {
            let items = crate::flow::items(step).map(|items| format!(" ({items})"));
            format!("was under way when the run stopped{}", items.unwrap_or_default())
        }
        StepState::Retrying => {
            format!("waits for another attempt after: {}", trouble(step).unwrap_or_default())
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
        StepState::Succeeded | StepState::Skipped => true,
        StepState::Failed => step.optional,
        StepState::Waiting
        | StepState::Running
        | StepState::Retrying
        | StepState::AwaitingApproval => false,
    }
}
