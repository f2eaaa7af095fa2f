//! One recorded call: what was asked, of whom, and the answer; written and read.

use std::{fmt::Write as _, sync::Arc};

use orchestrate_core::{
    failure::FailureClass,
    ids::{CallId, Digest, Purpose},
    persona::Persona,
    request::{Endpoint, Identity, ModelRef, Parameters, Request, Segment, Timeouts},
    usage::Usage,
};

use super::{
    CassetteError, Fault, VERSION,
    header::{self, Header},
    parts::{self, Section},
};

/// What the head says of an answer that ended of its own accord. No other one is recorded.
pub const FINISHED: &str = "stop";
/// What the head says of a call that got no answer, so that another model was asked in its place.
pub const FAILED: &str = "failed";

/// What was made of a recorded answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It was good.
    Good,
    /// Its value did not fit the schema that it was asked for under. It is kept since the call that
    /// repairs it speaks of it, and a replay finds it as wanting as it was.
    Misfit,
    /// There was none, for this reason, and the next model of the chain was asked. A replay fails it again and
    /// asks the next one too.
    FellBack(FailureClass),
}

impl Verdict {
    fn as_str(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Misfit => "misfit",
            Self::FellBack(_) => "fell_back",
        }
    }
}

/// A part of the user message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// What it is, such as `task` or `handoff`.
    pub name: String,
    /// Its text as it was sent.
    pub text: String,
}

/// A call with its answer.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordedCall {
    /// The call that was answered first of all that asked the same.
    pub call: CallId,
    /// The persona's name.
    pub persona: String,
    /// The hash of the persona's file.
    pub persona_digest: Digest,
    /// Where it was sent.
    pub endpoint: Endpoint,
    /// The model that was asked.
    pub model: ModelRef,
    /// Settings that shape the answer.
    pub parameters: Parameters,
    /// The system prompt.
    pub system: String,
    /// The user message.
    pub parts: Vec<Part>,
    /// The JSON Schema that the answer has to fit.
    pub schema: Option<Arc<serde_json::Value>>,
    /// The answer's text.
    pub answer: String,
    /// What was made of it.
    pub verdict: Verdict,
    /// What it used up when it was bought.
    pub usage: Usage,
    /// The model that said it answered.
    pub served_model: Option<String>,
}

const KEYS: [&str; 23] = [
    "cassette",
    "identity",
    "call",
    "persona",
    "persona_digest",
    "model",
    "provider",
    "origin",
    "dialect",
    "temperature",
    "max_output_tokens",
    "seed",
    "finish",
    "verdict",
    "failure",
    "served_model",
    "input_tokens",
    "output_tokens",
    "cached_tokens",
    "cache_write_tokens",
    "reasoning_tokens",
    "tokens",
    "answer_digest",
];

/// The names of the texts that are no part of the user message.
const SYSTEM: &str = "system";
const SCHEMA: &str = "schema";
const ANSWER: &str = "answer";

impl RecordedCall {
    /// A request with its answer.
    pub fn of(
        endpoint: &Endpoint,
        request: &Request,
        answer: impl Into<String>,
        verdict: Verdict,
        usage: Usage,
        served_model: Option<String>,
    ) -> Self {
        Self {
            call: request.call.clone(),
            persona: request.persona.name.clone(),
            persona_digest: request.persona.digest,
            endpoint: endpoint.clone(),
            model: request.model.clone(),
            parameters: request.parameters,
            system: request.system.clone(),
            parts: parts_of(request),
            schema: schema_of(request),
            answer: answer.into(),
            verdict,
            usage,
            served_model,
        }
    }

    /// The identity of the call, computed from what is recorded of it.
    pub fn identity(&self) -> Identity {
        let persona = Persona::new(self.persona.as_str(), "", "", "", self.persona_digest);
        let segments = self.parts.iter().map(|part| Segment::Prompt(part.text.clone())).collect();
        Identity::of(
            &self.endpoint,
            &request(self.call.clone(), self.model.clone(), persona, &self.system, segments, self),
        )
    }

    /// The name of its file: of the step and the identity, and of nothing that a model wrote.
    pub fn file_name(&self) -> String {
        file_name(&self.call, &self.identity())
    }

    /// The file's text.
    pub fn to_text(&self) -> String {
        let identity = self.identity().to_string();
        let mut head = vec![
            ("cassette", VERSION.to_string()),
            ("identity", identity.clone()),
            ("call", self.call.to_string()),
            ("persona", self.persona.clone()),
            ("persona_digest", self.persona_digest.to_string()),
            ("model", self.model.to_string()),
            ("provider", self.endpoint.provider.clone()),
            ("origin", self.endpoint.origin.clone()),
            ("dialect", self.endpoint.dialect.clone()),
        ];
        let Parameters { temperature, max_output_tokens, seed } = self.parameters;
        head.extend(temperature.map(|temperature| ("temperature", temperature.to_string())));
        head.extend(max_output_tokens.map(|most| ("max_output_tokens", most.to_string())));
        head.extend(seed.map(|seed| ("seed", seed.to_string())));
        let failure = match self.verdict {
            Verdict::FellBack(class) => Some(word_of(class)),
            Verdict::Good | Verdict::Misfit => None,
        };
        head.push(("finish", if failure.is_some() { FAILED } else { FINISHED }.to_owned()));
        head.push(("verdict", self.verdict.as_str().to_owned()));
        head.extend(failure.map(|failure| ("failure", failure)));
        head.extend(self.served_model.clone().map(|model| ("served_model", model)));
        let Usage { input, output, cached, cache_write, reasoning, estimated } = self.usage;
        head.push(("input_tokens", input.to_string()));
        head.push(("output_tokens", output.to_string()));
        if cached > 0 {
            head.push(("cached_tokens", cached.to_string()));
        }
        if cache_write > 0 {
            head.push(("cache_write_tokens", cache_write.to_string()));
        }
        if reasoning > 0 {
            head.push(("reasoning_tokens", reasoning.to_string()));
        }
        head.push(("tokens", if estimated { "estimated" } else { "reported" }.to_owned()));
        head.push(("answer_digest", Digest::of(&self.answer).to_string()));
        let schema = self.schema.as_ref().map(|schema| format!("{schema:#}"));
        let mut texts = vec![(SYSTEM, self.system.as_str())];
        texts.extend(self.parts.iter().map(|part| (part.name.as_str(), part.text.as_str())));
        texts.extend(schema.as_deref().map(|schema| (SCHEMA, schema)));
        texts.push((ANSWER, &self.answer));
        format!("{}{}", header::write(&head), parts::write(&identity[..8], texts))
    }

    /// Reads a file, and makes sure that nothing in it was changed.
    pub fn read(file: &str, text: &str) -> Result<Self, CassetteError> {
        // A checkout may have changed how lines end; what a text holds of that is escaped.
        let unified = text.contains('\r').then(|| text.replace("\r\n", "\n"));
        let text = unified.as_deref().unwrap_or(text);
        Self::try_read(text).map_err(|fault| fault.of(file, text))
    }

    fn try_read(text: &str) -> Result<Self, Fault> {
        let (head, body) = Header::read(text, &KEYS)?;
        let version: u32 = head.parse("cassette")?;
        if version != VERSION {
            let line = head.get("cassette")?.line;
            let what = format!("format {version} is not known here, only {VERSION}");
            return Err(Fault::at(line, what).help("use the version of orchestrate that wrote it"));
        }
        let finish = head.get("finish")?;
        let verdict = verdict(&head)?;
        let wanted = if matches!(verdict, Verdict::FellBack(_)) { FAILED } else { FINISHED };
        if finish.text != wanted {
            return Err(finish
                .fault("finish")
                .help("an answer that did not end of its own accord is never replayed"));
        }
        let mut sections = parts::read(body, head.end)?;
        let (answer, answer_line) = take_last(&mut sections, ANSWER)
            .ok_or_else(|| Fault::at(head.end, "the last text is not the answer"))?;
        let schema = take_last(&mut sections, SCHEMA);
        let schema = schema.map(|(text, line)| {
            serde_json::from_str(&text)
                .map(Arc::new)
                .map_err(|_| Fault::at(line, "the schema is no JSON"))
        });
        if sections.first().is_none_or(|section| section.name != SYSTEM) {
            return Err(Fault::at(head.end, "the first text is not the system prompt"));
        }
        let system = sections.remove(0).text;
        let known = |section: Section| Part { name: section.name, text: section.text };
        let found = Self {
            call: head.parse("call")?,
            persona: head.get("persona")?.text.clone(),
            persona_digest: head.parse("persona_digest")?,
            endpoint: Endpoint {
                provider: head.get("provider")?.text.clone(),
                origin: head.get("origin")?.text.clone(),
                dialect: head.get("dialect")?.text.clone(),
            },
            model: head.parse("model")?,
            parameters: Parameters {
                temperature: head.parse_found("temperature")?,
                max_output_tokens: head.parse_found("max_output_tokens")?,
                seed: head.parse_found("seed")?,
            },
            system,
            parts: sections.into_iter().map(known).collect(),
            schema: schema.transpose()?,
            answer,
            verdict,
            usage: usage(&head)?,
            served_model: head.find("served_model").map(|value| value.text.clone()),
        };
        found.unchanged(&head, answer_line)?;
        Ok(found)
    }

    /// Whether prompt and answer are those that were recorded.
    fn unchanged(&self, head: &Header, answer_line: usize) -> Result<(), Fault> {
        let recorded: Digest = head.parse("identity")?;
        let now = self.identity().0;
        if now != recorded {
            let line = head.get("identity")?.line;
            let what = format!(
                "something of the call was changed: its identity is {}, not {}",
                now.short(),
                recorded.short()
            );
            return Err(Fault::at(line, what)
                .help("take the file back as it was, or remove it and record the call again"));
        }
        let recorded: Digest = head.parse("answer_digest")?;
        let now = Digest::of(&self.answer);
        if now != recorded {
            return Err(Fault::at(answer_line, "the answer was changed since it was recorded")
                .help(format!("if that is meant, write answer_digest: {now}")));
        }
        Ok(())
    }
}

/// A request that is as good as the recorded one, as far as its identity goes.
fn request(
    call: CallId,
    model: ModelRef,
    persona: Persona,
    system: &str,
    segments: Vec<Segment>,
    recorded: &RecordedCall,
) -> Request {
    Request {
        call,
        model,
        persona: Arc::new(persona),
        system: system.to_owned(),
        segments,
        parameters: recorded.parameters,
        output_cap: None,
        response_schema: recorded.schema.clone(),
        timeouts: Timeouts::default(),
    }
}

/// The parts of a request's user message.
pub(super) fn parts_of(request: &Request) -> Vec<Part> {
    let part = |segment: &Segment| Part { name: name_of(segment), text: segment.render() };
    request.segments.iter().map(part).collect()
}

/// The schema of a request.
pub(super) fn schema_of(request: &Request) -> Option<Arc<serde_json::Value>> {
    request.response_schema.clone()
}

fn name_of(segment: &Segment) -> String {
    match segment {
        Segment::Task(_) | Segment::Assigned { .. } => "task".to_owned(),
        Segment::Handoff(handoff) => format!("handoff from {}", handoff.step),
        Segment::Earlier(_) => "earlier document".to_owned(),
        Segment::Remark(_) => "remark".to_owned(),
        Segment::Prompt(_) => "prompt".to_owned(),
        Segment::Misfit { .. } => "misfit".to_owned(),
        Segment::Document { .. } => "document".to_owned(),
        Segment::Findings(_) => "findings".to_owned(),
        Segment::Judge(_) => "questions".to_owned(),
        Segment::Form(_) => "form".to_owned(),
    }
}

/// The name of a call's file.
pub(super) fn file_name(call: &CallId, identity: &Identity) -> String {
    let mut name = String::new();
    for c in call.step.as_str().chars().take(80) {
        match c {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '_' => name.push(c),
            _ if name.ends_with('-') || name.is_empty() => {}
            _ => name.push('-'),
        }
    }
    let name = name.trim_end_matches('-');
    let mut name = if name.is_empty() { "step".to_owned() } else { name.to_owned() };
    if call.purpose != Purpose::Draft {
        // Writing to a String cannot fail.
        let _ = write!(name, "-{}", call.purpose.as_str());
    }
    let _ = write!(name, "-{}.md", &identity.to_string()[..12]);
    name
}

/// Takes the last text, where it has this name.
fn take_last(sections: &mut Vec<Section>, name: &str) -> Option<(String, usize)> {
    let last = sections.pop_if(|section| section.name == name)?;
    Some((last.text, last.line))
}

fn verdict(head: &Header) -> Result<Verdict, Fault> {
    let value = head.get("verdict")?;
    match value.text.as_str() {
        "good" => Ok(Verdict::Good),
        "misfit" => Ok(Verdict::Misfit),
        "fell_back" => {
            let word = head.get("failure")?;
            let class = serde_json::from_value(word.text.as_str().into()).ok();
            let class = class.filter(|class: &FailureClass| class.calls_for_another_model());
            class.map(Verdict::FellBack).ok_or_else(|| word.fault("failure"))
        }
        _ => Err(value.fault("verdict")),
    }
}

/// The word that journals have for a class of failures.
fn word_of(class: FailureClass) -> String {
    match serde_json::to_value(class) {
        Ok(serde_json::Value::String(word)) => word,
        Ok(_) | Err(_) => String::new(),
    }
}

fn usage(head: &Header) -> Result<Usage, Fault> {
    let tokens = head.get("tokens")?;
    Ok(Usage {
        input: head.parse("input_tokens")?,
        output: head.parse("output_tokens")?,
        cached: head.parse_found("cached_tokens")?.unwrap_or_default(),
        cache_write: head.parse_found("cache_write_tokens")?.unwrap_or_default(),
        reasoning: head.parse_found("reasoning_tokens")?.unwrap_or_default(),
        estimated: match tokens.text.as_str() {
            "estimated" => true,
            "reported" => false,
            _ => return Err(tokens.fault("tokens")),
        },
    })
}
