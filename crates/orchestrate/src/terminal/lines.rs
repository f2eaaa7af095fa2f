//! Events of a run as lines for people: one line per transition.

use orchestrate_core::{
    event::{Event, Recorded, StepSource},
    ids::{Purpose, StepPath},
    neutral,
    summary::{RunSummary, StepSummary},
};

use orchestrate_report::words::{age, duration, short_count};

/// Whether the event is the first attempt of a step's draft.
pub(super) fn is_beginning(recorded: &Recorded) -> bool {
    matches!(&recorded.event, Event::CallIntent { call, attempt: 1, .. } if call.purpose == Purpose::Draft)
}

/// Items of a fan-out that are told one by one; of more, every twentieth part of the way is told.
const FEW_ITEMS: usize = 40;

/// How far a fan-out with many items is, for an event of one of them; `None` where the event is told as such.
pub(super) fn many_items(recorded: &Recorded, summary: &RunSummary) -> Option<String> {
    let path = recorded.event.step().filter(|path| path.as_str().contains('['))?;
    if matches!(recorded.event, Event::StepFailed { .. } | Event::CallUnknown { .. }) {
        return None;
    }
    let row = summary.step(&path.step())?;
    let counts = row.items.filter(|counts| counts.found > FEW_ITEMS)?;
    let part = (counts.found / 20).max(1);
    let ended = counts.ended() - counts.ended() % part;
    Some(format!("{}items   {}  {ended}/{}", count(summary), row.step, counts.found))
}

/// The line for an event, where it is a transition worth one.
pub(super) fn line(recorded: &Recorded, summary: &RunSummary) -> Option<String> {
    let text = match &recorded.event {
        Event::RunCreated(created) => {
            let count = summary.total();
            let steps = if count == 1 { "step" } else { "steps" };
            let model = if created.offline {
                "offline: no model is called".into()
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
                (Purpose::Draft, 1) => format!("{}start   {}{who}", count(summary), call.step),
                (Purpose::Draft, attempt) => {
                    format!("{}again   {}{who}  attempt {attempt}", count(summary), call.step)
                }
                (Purpose::Brief, 1) => format!(
                    "{}brief   {}  came without one; asking for it",
                    count(summary),
                    call.step
                ),
                (Purpose::Brief, attempt) => {
                    format!("{}brief   {}  attempt {attempt}", count(summary), call.step)
                }
            }
        }
        Event::StepSucceeded { step, source, .. } => finished(summary, step, *source)?,
        Event::StepFailed { step, failure, optional } => {
            let word = if *optional { "without" } else { "FAILED " };
            format!("{}{word} {step}: {}", count(summary), neutral::one_line(&failure.to_string()))
        }
        Event::StepSkipped { step, .. } => {
            let why = summary.step(step).and_then(|told| told.skipped.as_deref());
            let why = neutral::one_line(why.unwrap_or_default());
            format!("{}skipped {step}: {why}", count(summary))
        }
        Event::ItemsFound { step, count: items, .. } => {
            let word = if *items == 1 { "item" } else { "items" };
            format!("{}fan-out {step}  {items} {word}", count(summary))
        }
        Event::StepWithdrawn { step } => {
            format!(
                "{}anew    {step}  is decided anew, since what failed before it is tried again",
                count(summary)
            )
        }
        Event::RetryScheduled { call, due } => {
            let wait = due.since(recorded.at);
            let why = summary.step(&call.step).and_then(orchestrate_report::trouble);
            let why = why.unwrap_or_default();
            format!("{}retry   {} in {}: {why}", count(summary), call.step, duration(wait))
        }
        Event::CallUnknown { call, cause, .. } => {
            format!(
                "{}unknown {}: {}; whether it was charged is not known",
                count(summary),
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
        | Event::CallSucceeded { .. }
        | Event::CallReused { .. }
        | Event::CallFailed { .. }
        | Event::OutputRejected { .. }
        | Event::ArtifactWritten { .. }
        | Event::RunPaused { .. }
        | Event::RunSucceeded
        | Event::RunFailed { .. } => return None,
    };
    Some(text)
}

fn finished(summary: &RunSummary, step: &StepPath, source: StepSource) -> Option<String> {
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
                count(summary),
                &id[id.len().saturating_sub(8)..]
            )
        }
        (StepSource::Reuse, None) => {
            format!("{}reused  {step}{who}  asked the same as another step", count(summary))
        }
        (StepSource::Joined, _) => format!("{}ok      {step}{}", count(summary), parts(told)),
        (StepSource::Render, _) => format!("{}ok      {step}  rendered", count(summary)),
        (StepSource::Call, _) => {
            let tokens = if told.usage.total() == 0 {
                String::new()
            } else {
                format!("  {} tok", short_count(told.usage.total()))
            };
            format!("{}ok      {step}{who}{took}{tokens}", count(summary))
        }
    })
}

/// `  118/120 items, 2 failed`.
fn parts(step: &StepSummary) -> String {
    orchestrate_report::items(step).map(|items| format!("  {items}")).unwrap_or_default()
}

/// `[3/9] `, by steps that have come to their end.
fn count(summary: &RunSummary) -> String {
    let total = summary.total();
    let width = total.to_string().len();
    format!("[{:>width$}/{total}] ", summary.ended())
}

fn who(step: &StepSummary) -> String {
    step.persona.as_ref().map(|persona| format!("  {persona}")).unwrap_or_default()
}
