//! The closing block of a run on a terminal.

use std::time::Duration;

use orchestrate_core::summary::{RunSummary, StepState};

use crate::{header, states, words};

/// The lines of the closing block: steps, calls, tokens, cost, active time and status, without colour and
/// fit for a terminal.
pub fn closing(summary: &RunSummary) -> Vec<String> {
    let steps = format!("{} of {} finished", summary.finished(), summary.total());
    let skipped = summary.counted().filter(|step| step.state == StepState::Skipped).count();
    let skipped = if skipped > 0 { format!(", {skipped} skipped") } else { String::new() };
    let mut lines = vec![format!("steps   {steps}{skipped}")];
    lines.push(format!("calls   {}", header::calls(summary)));
    if summary.asks_models() {
        lines.push(format!("tokens  {}", header::tokens(summary)));
    }
    if let Some(cost) = header::cost(summary) {
        lines.push(format!("cost    {cost}"));
    }
    lines.push(format!("time    {}", words::duration(Duration::from_millis(summary.active_ms))));
    lines.extend(states::slowed(summary).into_iter().map(|line| format!("slow    {line}")));
    lines.extend(states::lessened(summary).into_iter().map(|line| format!("less    {line}")));
    lines.push(format!("status  {}", states::status(summary)));
    if let Some(advice) = states::advice(summary) {
        lines.push(format!("advice  {advice}"));
    }
    lines
}
