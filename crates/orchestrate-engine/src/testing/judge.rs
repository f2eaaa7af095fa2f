//! What came of a test against what was to come of it.

use std::{collections::BTreeMap, ops::Range, sync::Arc};

use orchestrate_core::{
    diagnostic::{Diagnostic, Source},
    event::{Event, PauseReason},
    handoff::Form,
    ids::{Purpose, StepPath},
    neutral::excerpt,
    plan::Action,
    request::{Request, Segment},
    summary::{RunStatus, StepSummary},
};
use orchestrate_workflow::{
    Amount, Judged, Measure, Placed, RunEnd, Script, StepExpectation, TestCase,
};

use super::scripted::Seen;
use crate::{
    session::RunRecord,
    store::{StoreError, StoredRequest},
};

/// The longest text that is shown of what was found.
const SHOWN: usize = 2_000;

/// Something that is not as it was expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// What it is, at its place in the test file.
    pub diagnostic: Diagnostic,
    /// The text that was expected, where a whole text was.
    pub wanted: Option<String>,
    /// The text that was found.
    pub found: Option<String>,
}

struct Judge<'j> {
    source: &'j Arc<Source>,
    record: &'j RunRecord,
    found: Vec<Mismatch>,
}

/// Everything that is not as a test expects it.
pub(super) fn judge(
    source: &Arc<Source>,
    case: &TestCase,
    record: &RunRecord,
    seen: &Seen,
    decided: &BTreeMap<String, usize>,
) -> Result<Vec<Mismatch>, StoreError> {
    let mut judge = Judge { source, record, found: Vec::new() };
    judge.scripts(case, seen);
    judge.decisions(case, decided);
    judge.end(case);
    judge.outputs(case);
    for (name, wanted) in &case.expect.steps {
        judge.step(name, wanted)?;
    }
    let summary = &record.summary;
    judge.amount(case.expect.calls.as_ref(), summary.calls, "requests were sent");
    let tokens = summary.usage.input + summary.usage.output;
    judge.amount(case.expect.tokens.as_ref(), tokens, "tokens were used");
    Ok(judge.found)
}

impl Judge<'_> {
    fn report(&mut self, span: &Range<usize>, message: impl Into<String>) -> &mut Mismatch {
        let diagnostic =
            Diagnostic::error("test-failed", message).at(self.source, span.clone(), "");
        self.found.push(Mismatch { diagnostic, wanted: None, found: None });
        self.found.last_mut().expect("it was just added")
    }

    fn help(&mut self, help: impl Into<String>) {
        if let Some(last) = self.found.last_mut() {
            last.diagnostic.help.push(help.into());
        }
    }

    /// Decisions that nobody asked for.
    fn decisions(&mut self, case: &TestCase, decided: &BTreeMap<String, usize>) {
        for (key, script) in &case.decisions {
            let asked = decided.get(key).copied().unwrap_or_default();
            if asked < script.decisions.len() {
                let message = match asked {
                    0 => format!("nobody asked for the decision of `{key}`"),
                    asked => format!(
                        "`{key}` asked {asked} times and has {} decisions",
                        script.decisions.len()
                    ),
                };
                self.report(&script.key.span, message);
            }
        }
    }

    /// Calls without a reply, and replies without a call.
    fn scripts(&mut self, case: &TestCase, seen: &Seen) {
        for call in &seen.unanswered {
            let step = call.step.as_str();
            let script = case.replies.get(step).filter(|_| call.purpose == Purpose::Draft);
            match script {
                Some(Script { key, attempts, .. }) => {
                    let message = format!(
                        "step `{step}` was asked once more than its {} replies",
                        attempts.len()
                    );
                    self.report(&key.span, message);
                }
                None if call.purpose == Purpose::Draft => {
                    let message =
                        format!("step `{step}` was asked and the test has no reply for it");
                    self.report(&case.name.span, message);
                    self.help(format!("add `{step}: …` to `replies`"));
                }
                None => {
                    let key = format!("{step}#{}", call.purpose.as_str());
                    let message = format!("`{key}` was asked and the test has no reply for it");
                    self.report(&case.name.span, message);
                    self.help(format!("add `{key}: …` to `replies`"));
                }
            }
        }
        for (key, script) in case.replies.iter().filter(|(_, script)| !script.shared) {
            let asked = seen.asked.get(key).copied().unwrap_or_default();
            if asked < script.attempts.len() {
                let message = match (asked, script.attempts.len()) {
                    (0, _) => format!("nobody asked for the reply of `{key}`"),
                    (asked, all) => {
                        format!("`{key}` was asked {asked} times and has {all} replies")
                    }
                };
                self.report(&script.key.span, message);
            }
        }
    }

    fn end(&mut self, case: &TestCase) {
        let status = &self.record.summary.status;
        let waits = *status == RunStatus::Paused(PauseReason::AwaitingApproval);
        let succeeded = *status == RunStatus::Succeeded;
        let (wanted, span) = match &case.expect.run {
            Some(run) => (run.value, &run.span),
            None => (RunEnd::Succeeded, &case.name.span),
        };
        match (wanted, succeeded) {
            (RunEnd::Waiting, _) if waits => {}
            (RunEnd::Waiting, false) => {
                self.report(span, "the run failed");
            }
            (RunEnd::Succeeded | RunEnd::Failed, _) if waits => {
                self.report(span, "the run waits for a person");
                self.help("say what they decide: `decisions: { STEP: yes }`, or `run: waiting`");
            }
            (RunEnd::Succeeded, false) => {
                let failures: Vec<String> = self.failures();
                self.report(span, "the run failed");
                for failure in failures {
                    self.help(failure);
                }
                if case.expect.run.is_none() {
                    self.help("where it has to fail, write `expect: { run: failed }`");
                }
            }
            (RunEnd::Failed | RunEnd::Waiting, true) => {
                self.report(span, "the run succeeded");
            }
            _ => {}
        }
    }

    fn failures(&self) -> Vec<String> {
        let failed = self.record.summary.steps.iter().filter_map(|step| {
            let failure = step.failure.as_ref()?;
            Some(format!("step `{}`: {}", step.step, excerpt(&failure.to_string(), 300)))
        });
        failed.collect()
    }

    fn outputs(&mut self, case: &TestCase) {
        if case.expect.outputs.is_empty() {
            return;
        }
        let outputs = match self.record.outputs() {
            Ok(outputs) => outputs,
            Err(faults) => {
                for (name, fault) in faults {
                    if let Some(wanted) = case.expect.outputs.get(&name) {
                        let message = format!("output `{name}` cannot be rendered: {fault}");
                        self.report(&wanted.span, message);
                    }
                }
                return;
            }
        };
        for (name, wanted) in &case.expect.outputs {
            match outputs.get(name) {
                Some(text) => self.text(&format!("output `{name}`"), text, &wanted.value),
                None => drop(self.report(&wanted.span, format!("there is no output `{name}`"))),
            }
        }
    }

    fn step(&mut self, name: &str, wanted: &StepExpectation) -> Result<(), StoreError> {
        let record = self.record;
        let Some(step) = record.summary.step(&StepPath::new(name)) else {
            self.report(&wanted.name, format!("the run had no step `{name}`"));
            return Ok(());
        };
        if let Some(state) = &wanted.state
            && state_of(step) != state.value
        {
            self.report(&state.span, format!("step `{name}` is {}", state_of(step)));
            if let Some(failure) = &step.failure {
                self.help(excerpt(&failure.to_string(), 300));
            }
        }
        if let Some(persona) = &wanted.persona
            && step.persona.as_ref() != Some(&persona.value)
        {
            let who = step.persona.as_ref().map_or("nobody".to_owned(), |who| format!("`{who}`"));
            self.report(&persona.span, format!("in step `{name}` works {who}"));
            if let Some(choice) = &step.choice {
                self.help(format!("chosen since {choice}"));
            }
        }
        let text = step.deliverable.map(|digest| record.blobs.text(&digest)).transpose()?;
        self.made(name, "document", text.as_deref(), &wanted.text);
        let failure = step.failure.as_ref().map(ToString::to_string);
        self.made(name, "failure", failure.as_deref(), &wanted.failure);
        let asks = !wanted.prompt.is_empty() || !wanted.system.is_empty();
        if asks || !wanted.handoffs.is_empty() {
            let request = self.request(step)?;
            let user = request.as_ref().map(Request::user);
            self.made(name, "prompt", user.as_deref(), &wanted.prompt);
            let system = request.as_ref().map(|request| request.system.as_str());
            self.made(name, "system prompt", system, &wanted.system);
            for (need, form) in &wanted.handoffs {
                let found = form_of(request.as_ref(), need);
                if found != form.value {
                    let message = format!(
                        "the handoff from `{need}` to `{name}` is `{found}`, not `{}`",
                        form.value
                    );
                    self.report(&form.span, message);
                }
            }
        }
        let attempts = u64::from(step.attempts);
        self.amount(wanted.calls.as_ref(), attempts, &format!("requests were sent for `{name}`"));
        Ok(())
    }

    /// The first request of a step.
    fn request(&self, step: &StepSummary) -> Result<Option<Request>, StoreError> {
        let digest = self.record.events.iter().find_map(|recorded| match &recorded.event {
            Event::CallPrepared { call, prepared }
                if call.step == step.step && call.purpose == Purpose::Draft =>
            {
                Some(prepared.request)
            }
            _ => None,
        });
        digest.map(|digest| StoredRequest::load(&digest, &self.record.blobs)).transpose()
    }

    /// Judges what a step made or was given, where there is something to judge.
    fn made(&mut self, step: &str, what: &str, text: Option<&str>, wanted: &[Judged]) {
        match (text, wanted.first()) {
            (_, None) => {}
            (Some(text), _) => self.text(&format!("the {what} of `{step}`"), text, wanted),
            (None, Some(first)) => {
                let asks = self.record.plan.step(&StepPath::new(step)).map(|step| &step.action);
                let why = match asks {
                    Some(Action::Render(_)) if what != "document" => ": it is a template",
                    _ => "",
                };
                let span = first.span.clone();
                self.report(&span, format!("step `{step}` has no {what}{why}"));
            }
        }
    }

    fn text(&mut self, what: &str, text: &str, wanted: &[Judged]) {
        for Judged { span, measure } in wanted {
            match measure {
                Measure::Equals(expected) if expected.trim_end() != text.trim_end() => {
                    let mismatch = self.report(span, format!("{what} is another one"));
                    mismatch.wanted = Some(expected.clone());
                    mismatch.found = Some(text.to_owned());
                }
                Measure::Contains(part) if !text.contains(part.trim_end_matches('\n')) => {
                    self.report(span, format!("{what} does not contain this")).found =
                        Some(excerpt_lines(text));
                }
                Measure::Lacks(part) if text.contains(part.trim_end_matches('\n')) => {
                    let at = text.find(part.trim_end_matches('\n')).unwrap_or_default();
                    let line = text[..at].matches('\n').count() + 1;
                    self.report(span, format!("{what} contains this, on its line {line}"));
                }
                Measure::Matches(pattern) if !pattern.is_match(text) => {
                    self.report(span, format!("{what} does not match this")).found =
                        Some(excerpt_lines(text));
                }
                _ => {}
            }
        }
    }

    fn amount(&mut self, wanted: Option<&Placed<Amount>>, found: u64, what: &str) {
        if let Some(Placed { value, span }) = wanted
            && !(value.at_least..=value.at_most).contains(&found)
        {
            self.report(span, format!("{found} {what}"));
        }
    }
}

/// The beginning of a text, with what was left out told.
fn excerpt_lines(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        None => text.to_owned(),
        Some((end, _)) => {
            let rest = text[end..].chars().count();
            format!("{}\n… {rest} more characters", &text[..end])
        }
    }
}

/// Where a step stands, in the word that journals and test files have for it.
pub(super) fn state_of(step: &StepSummary) -> String {
    match serde_json::to_value(step.state) {
        Ok(serde_json::Value::String(word)) => word,
        Ok(_) | Err(_) => "unknown".to_owned(),
    }
}

/// In which form the handoff of a need stands in a request.
pub(super) fn form_of(request: Option<&Request>, need: &str) -> &'static str {
    let segments = request.map(|request| request.segments.as_slice()).unwrap_or_default();
    // Within a group, prompts know its steps by their names alone.
    let need = StepPath::from(need);
    let form = segments.iter().find_map(|segment| match segment {
        Segment::Handoff(handoff) if handoff.step.as_str() == need.name() => Some(&handoff.form),
        _ => None,
    });
    match form {
        Some(Form::Full) => "full",
        Some(Form::Brief) => "brief",
        Some(Form::Unavailable(_)) => "unavailable",
        None => "none",
    }
}
