//! Preparing the calls of a review: what a reviewer is asked, and what sends a document back.

use std::{fmt::Write as _, sync::Arc};

use orchestrate_core::{
    approval,
    finding::Finding,
    ids::{CallId, Digest, Purpose},
    neutral::{one_line, without_hidden},
    persona::{Gate, GateJudge, Persona},
    plan::{PersonaStep, ReviewSpec},
    request::{Request, Segment},
    review::{Asked, GateAnswer, Measured, ReviewLog, TrackedFinding, measure, verdict_schema},
    run::ReviewQuestion,
    structured::answer_schema,
};
use orchestrate_persona::Contract;
use orchestrate_workflow::Scope;
use serde_json::Value;

use crate::{
    casting::{invalid, task_segment},
    prepare::{Preparation, Preparer, Stop, View},
    structured,
};

impl Preparer {
    /// The request for the next verdict on the document at hand.
    pub(crate) fn verdict(
        &self,
        call: &CallId,
        action: &PersonaStep,
        author: &Persona,
        view: &View,
        scope: &Scope<'_>,
    ) -> Result<Request, Stop> {
        let review = action.review.as_ref().ok_or_else(|| invalid("nobody reviews this step"))?;
        let draft = view.draft.ok_or_else(|| invalid("there is no document to review"))?;
        let brief = view.draft_brief.map(|digest| self.load_brief(&digest)).transpose()?;
        let reviewer = self.reviewer(review, &view.review)?;
        let metrics = reviewer.metrics.iter().map(|metric| measure(metric, brief.as_ref()));
        let round = view.review.verdicts.len() / review.by.len().max(1) + 1;
        let gates: Vec<Gate> = reviewer.gates.iter().chain(&review.gates).cloned().collect();
        let mut commands = Vec::new();
        for gate in gates.iter().filter(|gate| gate.by == GateJudge::Command) {
            commands.push(self.gates.ask(gate, &self.blobs.text(&draft)?)?);
        }
        let asked = Asked {
            reviewer: reviewer.name.clone(),
            round: u16::try_from(round).unwrap_or(u16::MAX),
            gates,
            metrics: metrics.collect(),
            commands,
            findings: view.review.findings_of(&reviewer.name),
            escalation: reviewer.escalation.clone(),
        };
        let mut segments = Vec::new();
        segments.extend(task_segment(scope));
        if let Some(prompt) = &action.prompt {
            let text = orchestrate_workflow::render_prompt(prompt, scope)
                .map_err(|error| invalid(format!("rendering the prompt: {error}")))?;
            segments.push(document("what the author was asked to do", text));
        }
        let origin = format!("the document to judge, by {} (step `{}`)", author.name, call.step);
        segments.push(document(&origin, self.seen(&draft)?));
        if let Some(brief) = &brief {
            segments.push(document("the author's brief of it", brief.to_markdown()));
        }
        if !asked.findings.is_empty() {
            let own = |finding: &&TrackedFinding| finding.reviewer == asked.reviewer;
            let earlier: Vec<&TrackedFinding> = view.review.findings.iter().filter(own).collect();
            let text = self.findings(&view.review, &earlier)?;
            segments.push(document("your findings of earlier rounds", text));
        }
        let form = answer_schema(&verdict_schema(&asked));
        segments.push(Segment::Judge(Box::new(asked)));
        if call.purpose == Purpose::Repair {
            segments.push(self.again(&form, view)?);
        }
        segments.push(structured::form(&form));
        let system = self.casting.system_prompt(&call.step, &reviewer, Contract::Verdict, scope);
        let mut request = self.request(call, action, reviewer, system, segments);
        // The author's settings are for the author's document.
        request.parameters.max_output_tokens = None;
        request.response_schema = Some(Arc::new(form));
        Ok(request)
    }

    fn reviewer(&self, review: &ReviewSpec, log: &ReviewLog) -> Result<Arc<Persona>, Stop> {
        let name = review.by.get(log.verdicts.len() % review.by.len().max(1));
        let found = name.and_then(|name| self.casting.personas.get(name)).cloned();
        found.ok_or_else(|| invalid("the reviewer is not part of this run").into())
    }

    /// What a new version is asked for with: the document, and what stands in its way.
    pub(crate) fn revision(&self, view: &View) -> Result<Vec<Segment>, Stop> {
        let draft = view.draft.ok_or_else(|| invalid("there is no document to revise"))?;
        let text = self.objections(&view.review)?;
        Ok(vec![Segment::Earlier(self.seen(&draft)?), Segment::Findings(text)])
    }

    /// What stands in the way of a document: gates that fail, metrics that are missed, open findings.
    fn objections(&self, log: &ReviewLog) -> Result<String, Stop> {
        let mut text = String::new();
        for verdict in log.last_round() {
            let answers = self.value(verdict.output)?;
            // Writing to a String cannot fail, here and below.
            let _ = writeln!(text, "Verdict of {}:", verdict.asked.reviewer);
            for gate in &verdict.asked.gates {
                if verdict.judged.gates.get(&gate.id) != Some(&GateAnswer::Fail) {
                    continue;
                }
                let optional = if gate.required { "" } else { ", not required" };
                let reviewer =
                    || answers["gates"][&gate.id]["evidence"].as_str().map(str::to_owned);
                let evidence = log.said_of(verdict, gate).or_else(reviewer).unwrap_or_default();
                let _ = writeln!(
                    text,
                    "- Gate `{}` fails{optional}: {}\n  Seen: {}",
                    gate.id,
                    one_line(&gate.check),
                    one_line(&evidence)
                );
            }
            for metric in &verdict.asked.metrics {
                if metric.measured == Measured::Missed {
                    let _ = writeln!(
                        text,
                        "- Metric `{}` is missed: {}\n  Seen: {}",
                        metric.id,
                        one_line(&metric.text),
                        one_line(&metric.seen)
                    );
                }
            }
        }
        let open: Vec<&TrackedFinding> =
            log.findings.iter().filter(|finding| finding.open).collect();
        if !open.is_empty() {
            let _ = write!(text, "Open findings:\n{}", self.findings(log, &open)?);
        }
        Ok(text)
    }

    /// What a person is asked about the document of a step. A decision counts for this very document.
    pub(crate) fn review_question(
        &self,
        call: &CallId,
        question: ReviewQuestion,
        author: &Persona,
        view: &View,
    ) -> Result<Preparation, Stop> {
        let draft = view.draft.ok_or_else(|| invalid("there is no document to decide about"))?;
        let log = &view.review;
        let document = format!("The document of step `{}` by {}", call.step, author.name);
        let mut text = match question {
            ReviewQuestion::Gates => {
                let mut text = format!(
                    "{document} has passed everything else ({}). These are yours to decide:\n\n",
                    log.gates_told()
                );
                for gate in log.last_round().flat_map(|verdict| &verdict.asked.gates) {
                    let line = format!("- `{}`: {}\n", gate.id, one_line(&gate.check));
                    // Those of the workflow stand in the verdict of each reviewer.
                    if gate.by == GateJudge::Human && !text.contains(&line) {
                        text.push_str(&line);
                    }
                }
                text.push_str("\nDo all of them hold?");
                text
            }
            ReviewQuestion::Waiver(reason) => {
                let mut text = format!(
                    "{document} did not pass its review ({}): {}.\n\n",
                    reason.phrase(),
                    log.gates_told()
                );
                text.push_str(&self.objections(log)?);
                text.push_str("\nShall the run go on with it all the same?");
                text
            }
        };
        text.push('\n');
        let text = self.redactor.redact_owned(text);
        let ground = (&call.step, Ok((draft, view.draft_brief)));
        let subject = approval::subject(&text, [ground]);
        Ok(self.asked(&call.step, text, subject, None))
    }

    /// Findings in full, a line each and their evidence and advice below.
    fn findings(&self, log: &ReviewLog, list: &[&TrackedFinding]) -> Result<String, Stop> {
        let mut text = String::new();
        for tracked in list {
            let (verdict, place) = tracked.stands_in;
            let output = log.verdicts.get(verdict).and_then(|verdict| verdict.output);
            let found = Finding::list(&self.value(output)?["findings"]).unwrap_or_default();
            let Some(finding) = found.get(place) else { continue };
            let at = if finding.place.is_empty() {
                String::new()
            } else {
                format!(" at {}", one_line(&finding.place))
            };
            let _ = writeln!(
                text,
                "- {} ({}, {}, {}){at}\n  Seen: {}\n  Advice: {}",
                tracked.id,
                finding.severity.as_str(),
                one_line(&finding.rule),
                tracked.status(),
                one_line(&finding.evidence),
                one_line(&finding.advice)
            );
        }
        Ok(text)
    }

    fn value(&self, digest: Option<Digest>) -> Result<Value, Stop> {
        let Some(digest) = digest else { return Ok(Value::Null) };
        let read = serde_json::from_str(&self.blobs.text(&digest)?);
        read.map_err(|_| invalid("a recorded verdict cannot be read").into())
    }

    /// A text without characters that nobody would see in it.
    fn seen(&self, digest: &Digest) -> Result<String, Stop> {
        Ok(without_hidden(&self.blobs.text(digest)?).0.into_owned())
    }
}

fn document(origin: &str, text: String) -> Segment {
    Segment::Document { origin: origin.to_owned(), text }
}
