//! A run as one JSON document, schema `orchestrate/run/1`.

use orchestrate_core::{
    event::{PauseReason, StepSource},
    finding::Finding,
    summary::{RunStatus, RunSummary, StepState, StepSummary},
    usage::Usage,
};
use serde_json::{Value, json};

use crate::{approval, context::Context, coverage, review, selection, states, words};

/// The document: what the run is and where it stands, every step with its text and brief, the outputs
/// and what was used up. Times are RFC 3339 in UTC. `offline` is true where no model was called, and `replay`
/// names the cassette that answered in the place of one; else it is null.
pub fn json(context: &Context<'_>) -> Value {
    let summary = context.summary;
    json!({
        "schema": "orchestrate/run/1",
        "offline": summary.offline,
        "replay": replay(summary),
        "run": summary.run,
        "forked_from": summary.forked_from,
        "workflow": summary.workflow,
        "task": context.task,
        "selection": summary.selection.as_ref().map(selection::as_json),
        "status": status(&summary.status),
        "status_text": states::status(summary),
        "model": summary.model,
        "endpoint": summary.endpoint.as_ref().map(|endpoint| json!({
            "provider": endpoint.provider,
            "origin": endpoint.origin,
            "dialect": endpoint.dialect,
        })),
        "created_at": words::time(summary.created_at),
        "updated_at": words::time(summary.updated_at),
        "active_ms": summary.active_ms,
        "calls": sent(summary, summary.calls),
        "reused": summary.reused,
        "usage": usage(&summary.usage),
        "lost_tokens": summary.lost_tokens,
        "cost": cost(summary),
        "not_recorded": summary.not_recorded,
        "slowed": summary.slowed,
        "steps": summary.steps.iter().map(|step| self::step(context, step)).collect::<Vec<_>>(),
        "findings": findings(context),
        "coverage": coverage::as_json(context),
        "outputs": context.outputs,
        "artifacts": summary.artifacts.iter().map(|artifact| json!({
            "step": artifact.step,
            "path": artifact.path,
            "digest": artifact.digest,
        })).collect::<Vec<_>>(),
    })
}

/// A run as one entry of a list, with the words and times of [`json()`].
pub fn list_entry(summary: &RunSummary) -> Value {
    json!({
        "run": summary.run,
        "workflow": summary.workflow,
        "task": summary.task,
        "status": status(&summary.status),
        "status_text": states::status(summary),
        "offline": summary.offline,
        "replay": replay(summary),
        "created_at": words::time(summary.created_at),
        "updated_at": words::time(summary.updated_at),
        "steps": summary.total(),
        "finished": summary.finished(),
        "calls": sent(summary, summary.calls),
        "usage": usage(&summary.usage),
        "cost": cost(summary),
    })
}

/// The cassette that answered, by the name of its folder.
fn replay(summary: &RunSummary) -> Option<Value> {
    summary.cassette().map(|name| json!({ "cassette": name }))
}

/// Requests sent. Where no model was asked, what looks like one inside was none.
fn sent(summary: &RunSummary, calls: u64) -> u64 {
    if summary.asks_models() { calls } else { 0 }
}

fn status(status: &RunStatus) -> &'static str {
    match status {
        RunStatus::Running => "running",
        RunStatus::Paused(PauseReason::AwaitingApproval | PauseReason::CallUnknown) => "waiting",
        RunStatus::Paused(PauseReason::Interrupted | PauseReason::DiskFull) => "paused",
        RunStatus::Succeeded => "succeeded",
        RunStatus::Failed(_) => "failed",
    }
}

fn step(context: &Context<'_>, step: &StepSummary) -> Value {
    let plan = context.summary.plan();
    let position = plan.position(&step.step);
    let needs = position.map_or(&[][..], |at| plan.needs(at));
    let needs: Vec<&str> = needs.iter().map(|&need| plan.steps()[need].id.as_str()).collect();
    let failure = step.failure.as_ref().map(|failure| {
        json!({
            "class": failure.class, "message": failure.message, "help": failure.help,
            "not_before": failure.not_before.map(words::time),
        })
    });
    let flow = position.map(|at| crate::flow::flow(&plan.steps()[at].flow)).unwrap_or_default();
    let repeats = position.filter(|&at| plan.repeats(at));
    let instances = repeats.map(|at| {
        let told = context.summary.instances_of(at);
        told.map(|told| instance(context, told)).collect::<Vec<_>>()
    });
    json!({
        "step": step.step,
        "flow": flow,
        "persona": step.persona,
        "title": step.persona.as_ref().map(|persona| context.title(persona)),
        "choice": step.choice,
        "needs": needs,
        "optional": step.optional,
        "state": state(step.state),
        "source": step.source.map(|source| self::source(context.summary, source)),
        "reused_from": step.reused_from.as_ref().map(|(run, at)| json!({ "run": run, "at": words::time(*at) })),
        "model": step.model,
        "served_model": step.served_model,
        "fallbacks": step.fallbacks.iter().map(|fallback| json!({
            "from": fallback.from, "to": fallback.to, "why": fallback.failure.to_string(),
        })).collect::<Vec<_>>(),
        "attempts": sent(context.summary, step.attempts.into()),
        "lost_attempts": step.lost_attempts,
        "usage": usage(&step.usage),
        "cost_usd": words::usd(step.cost),
        "started_at": step.started_at.map(words::time),
        "ended_at": step.ended_at.map(words::time),
        "skipped": step.skipped,
        "failure": failure,
        "items": step.items,
        "instances": instances,
        "approval": step.approval.as_ref().map(|told| approval::as_json(context, told)),
        "degraded": step.degraded,
        "notes": step.notes,
        "text": context.deliverable(step),
        "brief": context.brief(step),
        "output": context.output(step),
        "repairs": step.repairs,
        "review": step.review.as_ref().map(|review| review::as_json(context, review)),
    })
}

/// One of the instances of a step that runs more than once.
fn instance(context: &Context<'_>, step: &StepSummary) -> Value {
    json!({
        "step": step.step,
        "persona": step.persona,
        "state": state(step.state),
        "source": step.source.map(|source| self::source(context.summary, source)),
        "attempts": sent(context.summary, step.attempts.into()),
        "usage": usage(&step.usage),
        "cost_usd": words::usd(step.cost),
        "skipped": step.skipped,
        "failure": step.failure.as_ref().map(ToString::to_string),
        "approval": step.approval.as_ref().map(|told| approval::as_json(context, told)),
        "text": context.deliverable(step),
        "output": context.output(step),
        "repairs": step.repairs,
        "review": step.review.as_ref().map(|review| review::as_json(context, review)),
    })
}

/// The findings of all steps whose output they are, each with its step, or the item of it.
fn findings(context: &Context<'_>) -> Vec<Value> {
    let plan = context.summary.plan();
    let steps = context.summary.steps.iter().enumerate().flat_map(|(at, step)| {
        match plan.output(&step.step) {
            Some(output) if output.findings && plan.repeats(at) => {
                context.summary.instances_of(at).collect()
            }
            Some(output) if output.findings => vec![step],
            _ => Vec::new(),
        }
    });
    let of = |step: &StepSummary| {
        let list = context.output(step).as_ref().and_then(Finding::list).unwrap_or_default();
        let id = step.step.clone();
        list.into_iter().map(move |finding| {
            json!({
                "step": id,
                "rule": finding.rule,
                "severity": finding.severity,
                "place": finding.place,
                "evidence": finding.evidence,
                "advice": finding.advice,
            })
        })
    };
    steps.flat_map(of).collect()
}

fn state(state: StepState) -> &'static str {
    match state {
        StepState::Waiting => "waiting",
        StepState::Running => "running",
        StepState::Retrying => "retrying",
        StepState::AwaitingApproval => "awaiting_approval",
        StepState::Succeeded => "succeeded",
        StepState::Failed => "failed",
        StepState::Skipped => "skipped",
    }
}

fn source(summary: &RunSummary, source: StepSource) -> &'static str {
    match source {
        StepSource::Call if summary.replay.is_some() => "replay",
        StepSource::Call => "call",
        StepSource::Reuse => "reuse",
        StepSource::Render => "render",
        StepSource::Joined => "joined",
        StepSource::Approval => "approval",
    }
}

/// What the run's own calls cost; the worst case of attempts whose usage is not known is part of it.
fn cost(summary: &RunSummary) -> Value {
    json!({
        "usd": words::usd(summary.cost),
        "lost_usd": words::usd(summary.lost_cost),
        "unpriced_calls": summary.unpriced,
    })
}

fn usage(usage: &Usage) -> Value {
    json!({
        "input": usage.input,
        "output": usage.output,
        "cached": usage.cached,
        "cache_write": usage.cache_write,
        "reasoning": usage.reasoning,
        "estimated": usage.estimated,
    })
}
