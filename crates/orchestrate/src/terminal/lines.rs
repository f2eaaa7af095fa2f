//! Events of a run as lines for people: one line per transition.

use orchestrate_core::{
    budget::Relief,
    event::{Event, Recorded, StepSource},
    ids::{Purpose, StepPath},
    in_words,
    lanes::SlowCause,
    money::Money,
    neutral,
    request::ModelRef,
    summary::{RunSummary, StepState, StepSummary},
};

use orchestrate_report::words::{age, duration, short_count, time};

/// Whether the event is the first attempt of a step's draft.
pub(super) fn is_beginning(recorded: &Recorded) -> bool {
    matches!(&recorded.event, Event::CallIntent { call, attempt: 1, .. } if call.purpose == Purpose::Draft)
}

/// Items of a fan-out that are told one by one; of more, every twentieth part of the way is told.
const FEW_ITEMS: usize = 40;

/// How far a fan-out with many items is, for an event of one of them; `None` where the event is told as such.
pub(super) fn many_items(
    recorded: &Recorded,
    summary: &RunSummary,
    later: usize,
) -> Option<String> {
    let path = recorded.event.step().filter(|path| path.as_str().contains('['))?;
    if matches!(
        recorded.event,
        Event::StepFailed { .. } | Event::CallUnknown { .. } | Event::ApprovalRequested { .. }
    ) {
        return None;
    }
    let row = summary.step(&path.step())?;
    let counts = row.items.filter(|counts| counts.found > FEW_ITEMS)?;
    let part = (counts.found / 20).max(1);
    let ended = counts.ended() - counts.ended() % part;
    Some(format!("{}items   {}  {ended}/{}", count(summary, later), row.step, counts.found))
}

/// Whether a step comes to its end by the event, so that it counts as done. Items and their steps do not
/// count.
pub(super) fn is_end(recorded: &Recorded) -> bool {
    match &recorded.event {
        Event::StepSucceeded { step, .. }
        | Event::StepSkipped { step, .. }
        | Event::StepFailed { step, optional: true, .. } => !step.as_str().contains('['),
        _ => false,
    }
}

/// The line for an event, where it is a transition worth one. The summary is that after all events that
/// were recorded together, by the last of which `later` more steps have come to their end.
pub(super) fn line(recorded: &Recorded, summary: &RunSummary, later: usize) -> Option<String> {
    let count = || count(summary, later);
    let text = match &recorded.event {
        Event::RunCreated(created) => {
            let count = summary.total();
            let steps = if count == 1 { "step" } else { "steps" };
            let model = if created.offline {
                "offline: no model is called".into()
            } else if let Some(name) = summary.cassette() {
                format!("replay of {}: no model is called", neutral::excerpt(name, 60))
            } else {
                created.model.to_string()
            };
            format!("run {}  {}  {count} {steps}  {model}", created.run, created.workflow)
        }
        Event::RunResumed { .. } => {
            let id = summary.run.as_ref().map(ToString::to_string).unwrap_or_default();
            format!(
                "resuming {id}  {}  {} of {} steps finished",
                summary.workflow,
                summary.finished(),
                summary.total()
            )
        }
        Event::CallIntent { call, attempt, .. } => {
            let step = summary.step(&call.step)?;
            let who = who(step);
            match (call.purpose, attempt) {
                (Purpose::Draft, 1) => format!("{}start   {}{who}", count(), call.step),
                (Purpose::Draft, attempt) => {
                    format!("{}again   {}{who}  attempt {attempt}", count(), call.step)
                }
                (Purpose::Brief, 1) => {
                    format!("{}brief   {}  came without one; asking for it", count(), call.step)
                }
                (Purpose::Repair, 1) => {
                    let why = step.failure.as_ref().map(|why| neutral::one_line(&why.message));
                    format!("{}repair  {}{who}  {}", count(), call.step, why.unwrap_or_default())
                }
                (Purpose::Repair, attempt) => {
                    format!("{}repair  {}{who}  attempt {attempt}", count(), call.step)
                }
                (Purpose::Verdict, attempt) => {
                    let again =
                        if *attempt > 1 { format!("  attempt {attempt}") } else { String::new() };
                    format!("{}judge   {}{again}", count(), call.step)
                }
                (Purpose::Revise, attempt) => {
                    let again =
                        if *attempt > 1 { format!("  attempt {attempt}") } else { String::new() };
                    format!("{}revise  {}{who}{again}", count(), call.step)
                }
                (Purpose::Brief, attempt) => {
                    format!("{}brief   {}  attempt {attempt}", count(), call.step)
                }
            }
        }
        Event::CallSucceeded { call, answer, .. } | Event::CallReused { call, answer, .. } => {
            answer.judged.as_ref()?;
            verdict(summary, &count(), &call.step)?
        }
        Event::ReviewEnded { step, stop, .. } => {
            let review = summary.step(step)?.review.as_ref()?;
            let told = orchestrate_report::review_outcome(review)?;
            let word = if stop.passes() { "passed " } else { "NOT OK " };
            format!("{}{word} {step}  {told}", count())
        }
        Event::StepSucceeded { step, source, .. } => finished(summary, &count(), step, *source)?,
        Event::StepFailed { step, failure, optional } => {
            let word = if *optional { "without" } else { "FAILED " };
            format!("{}{word} {step}: {}", count(), neutral::one_line(&failure.to_string()))
        }
        Event::ApprovalRequested { step, request } => {
            let until = request.expires_at.map(|at| format!(" until {}", time(at)));
            let until = until.unwrap_or_default();
            format!("{}asks    {step}  a person decides{until}", count())
        }
        Event::StepSkipped { step, .. } => {
            let why = summary.step(step).and_then(|told| told.skipped.as_deref());
            let why = neutral::one_line(why.unwrap_or_default());
            format!("{}skipped {step}: {why}", count())
        }
        Event::ItemsFound { step, count: items, .. } => {
            let word = if *items == 1 { "item" } else { "items" };
            format!("{}fan-out {step}  {items} {word}", count())
        }
        Event::StepWithdrawn { step } => {
            format!(
                "{}anew    {step}  is decided anew, since what failed before it is tried again",
                count()
            )
        }
        Event::ModelFellBack { call, from, to, failure } => format!(
            "{}instead {}  {to} is asked, not {from}: {}",
            count(),
            call.step,
            neutral::one_line(&failure.to_string())
        ),
        Event::CallDegraded { call, relief, model, .. } => {
            let how = match (relief, model) {
                (Relief::Cheaper, Some(model)) => format!("{model} is asked"),
                (Relief::Cheaper, None) => "a cheaper model is asked".to_owned(),
                (Relief::Brief, _) => "documents come as their briefs".to_owned(),
                (Relief::SkipOptional, _) => "it is left out".to_owned(),
            };
            format!("{}less    {}  the budget does not cover it: {how}", count(), call.step)
        }
        Event::LaneSlowed { model, cause, at_a_time, until } => {
            let wait = until.map(|until| in_words(until.since(recorded.at)));
            format!("{}slow    {}", count(), slowed(model, *cause, *at_a_time, wait.as_deref()))
        }
        Event::RetryScheduled { call, due, .. } => {
            let wait = due.since(recorded.at);
            let why = summary.step(&call.step).and_then(orchestrate_report::trouble);
            let why = why.unwrap_or_default();
            format!("{}retry   {} in {}: {why}", count(), call.step, duration(wait))
        }
        // The line that follows it says what was seen.
        Event::CallUnknown { call, failure: Some(_), .. }
            if summary.step(&call.step).is_some_and(|step| {
                matches!(step.state, StepState::Retrying | StepState::Failed)
            }) =>
        {
            return None;
        }
        Event::CallUnknown { call, failure: Some(failure), .. } => format!(
            "{}unknown {}: {}; whether it was charged is not known",
            count(),
            call.step,
            neutral::one_line(&failure.to_string())
        ),
        Event::CallUnknown { call, cause, .. } => {
            format!(
                "{}unknown {}: {}; whether it was charged is not known",
                count(),
                call.step,
                orchestrate_report::loss(*cause),
            )
        }
        Event::SessionOpened { .. }
        | Event::GroupOpened { .. }
        | Event::StepReopened { .. }
        | Event::RunForked(_)
        | Event::RunStarted
        | Event::CallPrepared { .. }
        | Event::CallFailed { .. }
        | Event::OutputRejected { .. }
        | Event::ApprovalDecided { .. }
        | Event::ApprovalExpired { .. }
        | Event::ArtifactWritten { .. }
        | Event::RunPaused { .. }
        | Event::RunSucceeded
        | Event::RunFailed { .. } => return None,
    };
    Some(text)
}

/// `openai:m asks for 20 s; 3 calls at a time`.
fn slowed(model: &ModelRef, cause: SlowCause, at_a_time: u32, wait: Option<&str>) -> String {
    let calls = if at_a_time == 1 { "1 call".to_owned() } else { format!("{at_a_time} calls") };
    match (cause, wait) {
        (SlowCause::RateLimited, Some(wait)) => {
            format!("{model} asks for {wait}; {calls} at a time")
        }
        (SlowCause::RateLimited, None) => format!("{model} asks to slow down; {calls} at a time"),
        (SlowCause::Overloaded, wait) => {
            let wait = wait.map_or(String::new(), |wait| format!(", {wait} of pause"));
            format!("{model} is overloaded{wait}; {calls} at a time")
        }
        (SlowCause::Failing, wait) => format!(
            "{model} fails again and again; one call tries whether it is back in {}",
            wait.unwrap_or("a moment")
        ),
        (SlowCause::Quota, wait) => {
            format!("{model} has nothing left of its limit for {}", wait.unwrap_or("a moment"))
        }
    }
}

/// `review 2/3: 3 of 5 gates pass`.
fn verdict(summary: &RunSummary, count: &str, step: &StepPath) -> Option<String> {
    let plan = summary.plan();
    let rounds = plan.review(plan.position_of(step)?)?.rounds;
    let review = summary.step(step)?.review.as_ref()?;
    let last = review.verdicts.last()?;
    Some(format!(
        "{count}verdict {step}  {}  review {}/{rounds}: {}",
        last.asked.reviewer,
        last.asked.round,
        review.gates_told()
    ))
}

fn finished(
    summary: &RunSummary,
    count: &str,
    step: &StepPath,
    source: StepSource,
) -> Option<String> {
    let told = summary.step(step)?;
    let took = match (told.started_at, told.ended_at) {
        (Some(from), Some(to)) => format!("  {}", duration(to.since(from))),
        _ => String::new(),
    };
    let who = who(told);
    Some(match (source, &told.reused_from) {
        (StepSource::Reuse, Some((run, at))) => {
            let age =
                told.ended_at.map_or_else(String::new, |now| format!(", {}", age(now.since(*at))));
            let id = run.as_str();
            format!(
                "{}reused  {step}{who}  paid for in run …{}{age}",
                count,
                &id[id.len().saturating_sub(8)..]
            )
        }
        (StepSource::Reuse, None) => {
            format!("{count}reused  {step}{who}  asked the same as another step")
        }
        (StepSource::Approval, _) => {
            let told_how = orchestrate_report::approval(told).unwrap_or_default();
            format!("{count}yes     {step}  {told_how}")
        }
        (StepSource::Joined, _) => format!("{count}ok      {step}{}", parts(told)),
        (StepSource::Render, _) => format!("{count}ok      {step}  rendered"),
        (StepSource::Call, _) => {
            let tokens = if told.usage.total() == 0 {
                String::new()
            } else {
                format!("  {} tok", short_count(told.usage.total()))
            };
            let cost = cost(told, summary);
            format!("{count}ok      {step}{who}{took}{tokens}{cost}")
        }
    })
}

/// `  $0.0123, $0.0452 so far`: what the step cost, and the run until now.
fn cost(step: &StepSummary, summary: &RunSummary) -> String {
    match (step.cost, summary.cost) {
        (Money::ZERO, _) => String::new(),
        (own, all) if own == all => format!("  {own}"),
        (own, all) => format!("  {own}, {all} so far"),
    }
}

/// `  118/120 items, 2 failed`.
fn parts(step: &StepSummary) -> String {
    orchestrate_report::items(step).map(|items| format!("  {items}")).unwrap_or_default()
}

/// `[3/9] `, by steps that have come to their end.
fn count(summary: &RunSummary, later: usize) -> String {
    let total = summary.total();
    let width = total.to_string().len();
    let done = summary.ended().saturating_sub(later);
    format!("[{done:>width$}/{total}] ")
}

fn who(step: &StepSummary) -> String {
    step.persona.as_ref().map(|persona| format!("  {persona}")).unwrap_or_default()
}
