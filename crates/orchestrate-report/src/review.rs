//! The course of a review, for people and programs.

use orchestrate_core::{
    finding::Finding,
    neutral::one_line,
    persona::Gate,
    review::{ReviewLog, Stop, TrackedFinding, Verdict},
};
use serde_json::{Value, json};

use crate::context::Context;

/// How a review ended, in a line; `None` while it has not.
pub fn review_outcome(review: &ReviewLog) -> Option<String> {
    let stop = review.stop.filter(|stop| *stop != Stop::SwitchedOff)?;
    let rounds = review.verdicts.last().map_or(0, |verdict| verdict.asked.round);
    let after = if rounds == 1 { "1 round".to_owned() } else { format!("{rounds} rounds") };
    let told = review.gates_told();
    let told = match review.people.last() {
        Some(said) if !said.waiver => {
            let word = if said.approved { "yes" } else { "no" };
            format!("{told}; {} said {word}", one_line(&said.by))
        }
        _ => told,
    };
    let waived = review.waiver().map(|said| {
        let word = if said.approved { "goes on all the same" } else { "does not go on" };
        let note = said.note.as_deref().map(|note| format!(": {}", one_line(note)));
        format!("; it {word} by {}{}", one_line(&said.by), note.unwrap_or_default())
    });
    let mut outcome = match stop {
        // Told by nothing: there was none.
        Stop::SwitchedOff => String::new(),
        Stop::Converged => format!("passed after {after}: {told}"),
        Stop::NotJudged => format!("not judged, and so not passed: {told}"),
        Stop::Stagnating | Stop::Oscillating | Stop::RoundsUsedUp => format!(
            "did not pass after {after} ({}): {told}; in the way: {}",
            stop.phrase(),
            review.blocking().join(", ")
        ),
    };
    outcome.push_str(&waived.unwrap_or_default());
    Some(outcome)
}

/// The review as Markdown: how it ended, the gates and metrics of the last round, and every finding.
pub(crate) fn as_markdown(context: &Context<'_>, review: &ReviewLog) -> Option<String> {
    let mut lines = vec![match review_outcome(review) {
        Some(outcome) => format!("The review {outcome}."),
        None if review.verdicts.is_empty() => return None,
        None => format!("The review goes on: {}.", review.gates_told()),
    }];
    for verdict in review.last_round() {
        let words = words(context, verdict);
        lines.push(format!(
            "\nVerdict of `{}`, round {}:\n",
            verdict.asked.reviewer, verdict.asked.round
        ));
        for gate in &verdict.asked.gates {
            let answer = verdict.judged.gates.get(&gate.id).map_or("not judged", |a| a.phrase());
            let evidence = evidence(review, verdict, gate, &words);
            let evidence = evidence.map(|seen| format!(" — {seen}")).unwrap_or_default();
            let optional = if gate.required { "" } else { " (not required)" };
            lines.push(format!("- `{}`{optional}: **{answer}**{evidence}", gate.id));
        }
        for metric in &verdict.asked.metrics {
            let (verdict, seen) = (metric.measured.phrase(), one_line(&metric.seen));
            lines.push(format!("- metric `{}`: **{verdict}** — {seen}", metric.id));
        }
        if !review.stop.is_none_or(Stop::passes) && !verdict.asked.escalation.is_empty() {
            let stages: Vec<String> =
                verdict.asked.escalation.iter().map(|s| one_line(s)).collect();
            lines.push(format!("- escalation: {}", stages.join(" → ")));
        }
    }
    if !review.findings.is_empty() {
        lines.push("\nFindings:\n".to_owned());
    }
    for tracked in &review.findings {
        let found = finding(context, review, tracked);
        let said = found.as_ref().map(|found| {
            let place = if found.place.is_empty() {
                String::new()
            } else {
                format!(" at {}", one_line(&found.place))
            };
            format!("{place} — {} {}", one_line(&found.evidence), one_line(&found.advice))
        });
        lines.push(format!(
            "- {} ({}, {}, {}){}",
            tracked.id,
            tracked.severity.as_str(),
            one_line(&tracked.rule),
            tracked.status(),
            said.unwrap_or_default()
        ));
    }
    Some(lines.join("\n"))
}

/// The review as JSON.
pub(crate) fn as_json(context: &Context<'_>, review: &ReviewLog) -> Value {
    let verdicts = review.verdicts.iter().map(|verdict| {
        let words = words(context, verdict);
        let gates = verdict.asked.gates.iter().map(|gate| {
            json!({
                "id": gate.id,
                "check": gate.check,
                "required": gate.required,
                "by": gate.by,
                "answer": verdict.judged.gates.get(&gate.id),
                "evidence": evidence(review, verdict, gate, &words),
            })
        });
        json!({
            "reviewer": verdict.asked.reviewer,
            "round": verdict.asked.round,
            "gates": gates.collect::<Vec<_>>(),
            "metrics": verdict.asked.metrics,
        })
    });
    let findings = review.findings.iter().map(|tracked| {
        let found = finding(context, review, tracked);
        json!({
            "id": tracked.id,
            "reviewer": tracked.reviewer,
            "rule": tracked.rule,
            "severity": tracked.severity,
            "status": tracked.status(),
            "found_in": tracked.found_in,
            "place": found.as_ref().map(|found| &found.place),
            "evidence": found.as_ref().map(|found| &found.evidence),
            "advice": found.as_ref().map(|found| &found.advice),
        })
    });
    let escalation: Vec<&String> =
        review.last_round().flat_map(|verdict| &verdict.asked.escalation).collect();
    json!({
        "stop": review.stop,
        "passed": review.stop.filter(|stop| *stop != Stop::SwitchedOff).map(Stop::passes),
        "outcome": review_outcome(review),
        "verdicts": verdicts.collect::<Vec<_>>(),
        "findings": findings.collect::<Vec<_>>(),
        "people": review.people,
        "escalation": escalation,
    })
}

/// What speaks for the answer to a gate: the reviewer's words, those of a person, or the output of a command.
fn evidence(review: &ReviewLog, verdict: &Verdict, gate: &Gate, words: &Value) -> Option<String> {
    let reviewer = || words["gates"][&gate.id]["evidence"].as_str().map(str::to_owned);
    review.said_of(verdict, gate).or_else(reviewer).map(|said| one_line(&said))
}

/// What a verdict says in words.
fn words(context: &Context<'_>, verdict: &Verdict) -> Value {
    let text = verdict.output.and_then(|digest| context.blobs.text(&digest));
    text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default()
}

fn finding(context: &Context<'_>, review: &ReviewLog, tracked: &TrackedFinding) -> Option<Finding> {
    let (verdict, place) = tracked.stands_in;
    let list = Finding::list(&words(context, review.verdicts.get(verdict)?)["findings"])?;
    list.into_iter().nth(place)
}
