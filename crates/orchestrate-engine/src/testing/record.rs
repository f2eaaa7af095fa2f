//! A test from a run: its inputs, every reply that it got, and what came of it.

use std::{collections::BTreeMap, fmt::Write as _, path::Path};

use indexmap::IndexMap;
use orchestrate_core::{
    event::{Answered, Event},
    failure::{Failure, FailureClass},
    ids::{CallId, Digest, Purpose, StepPath},
    plan::{InputValue, Need},
    summary::{RunStatus, StepState, StepSummary},
};

use super::judge::{form_of, state_of};
use crate::{
    library::is_path,
    session::RunRecord,
    store::{StoreError, StoredRequest},
};

/// What was recorded, as a test file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recording {
    /// The file's text.
    pub text: String,
    /// The workflow's own name or path, as the run knows it.
    pub workflow: String,
}

/// Writes the test that a run passes. `file` is where it is going to lie.
pub fn record_test(record: &RunRecord, file: Option<&Path>) -> Result<Recording, StoreError> {
    let mut writer = Writer { text: String::new(), record };
    let created = &record.created;
    let workflow = named_from(&created.workflow_source, file);
    let id = created.run.as_str();
    let short = &id[id.len().saturating_sub(8)..];
    writer.line(0, &format!("# Recorded from run {id}."));
    writer.entry(0, "workflow", &workflow);
    writer.line(0, "tests:");
    writer.line(1, &format!("{}:", scalar(&format!("as in run …{short}"), 0)));
    writer.inputs();
    let asked = writer.replies()?;
    writer.expectation(&asked)?;
    Ok(Recording { text: writer.text, workflow: created.workflow_source.clone() })
}

/// How a test file in this place names the workflow.
fn named_from(source: &str, file: Option<&Path>) -> String {
    let path = Path::new(source);
    if !is_path(source) {
        return source.to_owned();
    }
    let beside = file.is_none_or(|file| {
        let folder = std::path::absolute(file).ok();
        folder.as_deref().and_then(Path::parent) == path.parent()
    });
    match path.file_name().and_then(|name| name.to_str()) {
        Some(name) if beside => name.to_owned(),
        _ => source.to_owned(),
    }
}

struct Writer<'r> {
    text: String,
    record: &'r RunRecord,
}

impl Writer<'_> {
    fn line(&mut self, level: usize, text: &str) {
        // Writing to a String cannot fail.
        let _ = writeln!(self.text, "{}{text}", "  ".repeat(level));
    }

    fn entry(&mut self, level: usize, key: &str, text: &str) {
        let value = scalar(text, level + 1);
        self.line(level, &format!("{}: {value}", scalar(key, 0)));
    }

    fn inputs(&mut self) {
        let inputs = &self.record.inputs;
        let (files, plain): (Vec<_>, Vec<_>) =
            inputs.iter().partition(|(_, value)| matches!(value, InputValue::File { .. }));
        if !plain.is_empty() {
            self.line(2, "inputs:");
        }
        for (name, value) in plain {
            match value {
                InputValue::String(text) | InputValue::Enum(text) => self.entry(3, name, text),
                other => {
                    let json = escaped(&other.to_json().to_string());
                    self.line(3, &format!("{name}: {json}"));
                }
            }
        }
        if !files.is_empty() {
            self.line(2, "files:");
        }
        for (name, value) in files {
            if let InputValue::File { name: file, text } = value {
                self.line(3, &format!("{name}:"));
                self.entry(4, "name", file);
                self.entry(4, "text", text);
            }
        }
    }

    /// Every attempt of every call; gives how many there were of each step.
    fn replies(&mut self) -> Result<BTreeMap<String, u64>, StoreError> {
        let mut calls: IndexMap<CallId, Vec<Attempt<'_>>> = IndexMap::new();
        for recorded in &self.record.events {
            let (call, attempt) = match &recorded.event {
                Event::CallSucceeded { call, answer, .. }
                | Event::CallReused { call, answer, .. } => (call, Attempt::Good(answer)),
                Event::CallFailed { call, failure, partial, .. }
                | Event::OutputRejected { call, failure, partial, .. } => {
                    (call, Attempt::Failed(failure, *partial))
                }
                Event::CallUnknown { call, partial, .. } => (call, Attempt::Lost(*partial)),
                _ => continue,
            };
            calls.entry(call.clone()).or_default().push(attempt);
        }
        let mut asked: BTreeMap<String, u64> = BTreeMap::new();
        if !calls.is_empty() {
            self.line(2, "replies:");
        }
        for (call, attempts) in &calls {
            *asked.entry(call.step.to_string()).or_default() += attempts.len() as u64;
            let key = match (call.purpose, call.number) {
                (Purpose::Draft, 1) => call.step.to_string(),
                (purpose, 1) => format!("{}#{}", call.step, purpose.as_str()),
                _ => call.to_string(),
            };
            self.line(3, &format!("{}:", scalar(&key, 0)));
            for attempt in attempts {
                self.attempt(call, attempt)?;
            }
        }
        Ok(asked)
    }

    fn attempt(&mut self, call: &CallId, attempt: &Attempt<'_>) -> Result<(), StoreError> {
        let text = |digest: Option<Digest>| {
            digest.map(|digest| self.record.blobs.text(&digest)).transpose()
        };
        match attempt {
            Attempt::Good(answer) => {
                let raw = text(Some(answer.raw))?.unwrap_or_default();
                let usage = answer.usage;
                self.line(
                    4,
                    &format!("- tokens: {{ input: {}, output: {} }}", usage.input, usage.output),
                );
                if answer.brief.is_none() && call.purpose == Purpose::Draft {
                    self.line(5, "brief: none");
                }
                self.entry(5, "text", &raw);
            }
            Attempt::Failed(failure, partial) => {
                let partial = text(*partial)?;
                self.line(4, &format!("- fail: {}", class(failure.class)));
                self.entry(5, "message", &failure.message);
                if let Some(partial) = partial {
                    self.entry(5, "text", &partial);
                }
            }
            Attempt::Lost(partial) => {
                let partial = text(*partial)?;
                self.line(4, "- fail: stream_cut");
                if let Some(partial) = partial {
                    self.entry(5, "text", &partial);
                }
            }
        }
        Ok(())
    }

    fn expectation(&mut self, asked: &BTreeMap<String, u64>) -> Result<(), StoreError> {
        let record = self.record;
        let succeeded = record.summary.status == RunStatus::Succeeded;
        self.line(2, "expect:");
        self.line(3, &format!("run: {}", if succeeded { "succeeded" } else { "failed" }));
        self.line(3, "steps:");
        for (at, row) in record.summary.steps.iter().enumerate() {
            self.step(at, row, asked)?;
            if record.plan.repeats(at) {
                for told in record.summary.instances_of(at) {
                    self.step(at, told, asked)?;
                }
            }
        }
        let outputs = record.outputs().unwrap_or_default();
        if !outputs.is_empty() {
            self.line(3, "outputs:");
        }
        for (name, text) in &outputs {
            self.entry(4, name, text);
        }
        Ok(())
    }

    /// What came of a step, or of one of its items.
    fn step(
        &mut self,
        at: usize,
        told: &StepSummary,
        asked: &BTreeMap<String, u64>,
    ) -> Result<(), StoreError> {
        let record = self.record;
        self.line(4, &format!("{}:", scalar(told.step.as_str(), 0)));
        self.line(5, &format!("state: {}", state_of(told)));
        if told.state == StepState::Waiting {
            return Ok(());
        }
        if let Some(persona) = &told.persona {
            self.entry(5, "persona", persona);
        }
        let is_row = told.step == record.plan.steps()[at].id;
        // The row of a step that runs more than once counts the calls of all.
        let calls: u64 = if is_row && record.plan.repeats(at) {
            let of_it = |path: &&String| StepPath::from(path.as_str()).step() == told.step;
            asked.keys().filter(of_it).map(|path| asked[path]).sum()
        } else {
            asked.get(told.step.as_str()).copied().unwrap_or_default()
        };
        if calls > 0 {
            self.line(5, &format!("calls: {calls}"));
        }
        let request = record.events.iter().find_map(|recorded| match &recorded.event {
            Event::CallPrepared { call, prepared }
                if call.step == told.step && call.purpose == Purpose::Draft =>
            {
                Some(prepared.request)
            }
            _ => None,
        });
        let Some(request) = request else { return Ok(()) };
        let request = StoredRequest::load(&request, &record.blobs)?;
        let needs = &record.plan.steps()[record.plan.handing(at)].needs;
        if !needs.is_empty() {
            let form = |need: &Need| {
                format!("{}: {}", need.step, form_of(Some(&request), need.step.as_str()))
            };
            let forms: Vec<String> = needs.iter().map(form).collect();
            self.line(5, &format!("handoffs: {{ {} }}", forms.join(", ")));
        }
        Ok(())
    }
}

/// One attempt as the journal tells it.
enum Attempt<'r> {
    Good(&'r Answered),
    Failed(&'r Failure, Option<Digest>),
    Lost(Option<Digest>),
}

/// A failure in the word that journals and test files have for it.
fn class(class: FailureClass) -> String {
    match serde_json::to_value(class) {
        // Nothing that a provider answers leads there.
        Ok(serde_json::Value::String(word)) if !["preparation", "redirected"].contains(&&*word) => {
            word
        }
        Ok(_) | Err(_) => "bad_request".to_owned(),
    }
}

/// A text as a YAML scalar: plain where nothing can be misread, a block where it has several lines, quoted
/// otherwise. `level` is that of a block's lines.
fn scalar(text: &str, level: usize) -> String {
    const WORDS: [&str; 12] = [
        "true", "false", "null", "yes", "no", "on", "off", "True", "False", "Null", "TRUE", "NULL",
    ];
    let plain = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.len() <= 80
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b" _./+-".contains(&b))
        && !text.ends_with(' ')
        && !WORDS.contains(&text);
    if plain {
        return text.to_owned();
    }
    if level > 0 && is_block(text) {
        let indent = "  ".repeat(level);
        let chomping = match text.len() - text.trim_end_matches('\n').len() {
            0 => "|-",
            1 => "|",
            _ => "|+",
        };
        let mut block = chomping.to_owned();
        for line in text.strip_suffix('\n').unwrap_or(text).split('\n') {
            block.push('\n');
            if !line.is_empty() {
                block.push_str(&indent);
                block.push_str(line);
            }
        }
        return block;
    }
    escaped(&serde_json::Value::from(text).to_string())
}

/// Whether a text can stand in a block scalar and come out as it is.
fn is_block(text: &str) -> bool {
    text.trim_end_matches('\n').contains('\n')
        && !text.starts_with([' ', '\n'])
        && !text.contains(|c: char| {
            (c.is_control() && c != '\n') || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}')
        })
}

/// JSON as YAML reads it, too: what its readers do not take as it is becomes an escape.
fn escaped(json: &str) -> String {
    let mut safe = String::with_capacity(json.len());
    for c in json.chars() {
        let odd = c.is_control()
            || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}');
        if odd {
            // Writing to a String cannot fail.
            let _ = write!(safe, "\\u{:04x}", u32::from(c));
        } else {
            safe.push(c);
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use orchestrate_core::diagnostic::Source;
    use orchestrate_workflow::{InputFile, read_tests};

    use super::*;

    #[test]
    fn every_text_reads_back_as_it_was_written() {
        for text in [
            "",
            " ",
            "word",
            "true",
            "1",
            "a: b",
            "# no comment",
            "two\nlines",
            "two\nlines\n",
            "gap\n\n\n",
            "\nfirst",
            " indented\nline",
            "tab\tin\nit",
            "cr\r\nlf",
            "quote \" and \\ back",
            "{{ x }}",
            "line \u{2028} separator\nx",
            "\u{85}\u{7f}\u{0}",
            "- item\n- item",
            "…\n👩‍🔬",
            "end \nspace",
            "```brief\n{\"a\": 1}\n```",
            "--- x",
            "---\nx",
            "%x\ny",
            "'",
            "@home",
            "a #b",
            "a\n\n  b\n c",
        ] {
            let value = scalar(text, 4);
            let file = format!(
                "files:\n    f:\n      name: x\n      text: {value}\ntests: {{ t: {{ replies: {{ a: b }} }} }}\n"
            );
            let (read, problems) = read_tests(&Source::new("t", file.as_str()));
            let read = read.unwrap_or_else(|| panic!("{text:?}: {problems:?}\n{file}"));
            let InputFile::Text { text: back, .. } = &read.tests[0].files["f"].value else {
                panic!("a text")
            };
            assert_eq!(back, text, "{file}");
        }
    }
}
