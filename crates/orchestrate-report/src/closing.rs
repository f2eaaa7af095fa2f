//! The closing block of a run on a terminal.

use orchestrate_core::summary::RunSummary;

use crate::{header, words};

/// The lines of the closing block: steps, calls, tokens, active time and status, without colour and
/// fit for a terminal.
pub fn closing(summary: &RunSummary) -> Vec<String> {
    let steps = format!("{} of {} finished", summary.finished(), summary.steps.len());
    let mut lines = vec![format!("steps   {steps}")];
    lines.push(format!("calls   {}", header::calls(summary)));
    if !summary.offline {
        lines.push(format!("tokens  {}", header::tokens(summary)));
    }
    lines.push(format!("time    {}", words::duration(summary.active_ms)));
    lines.push(format!("status  {}", words::status(summary)));
    if let Some(advice) = words::advice(summary) {
        lines.push(format!("advice  {advice}"));
    }
    lines
}
