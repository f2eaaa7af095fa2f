//! One model request: who is asked, what, and with which parameters; and its identity.

use std::{
    fmt::{self, Write as _},
    str::FromStr,
    sync::Arc,
};

use serde::{Deserialize, Serialize};

use crate::{
    fence::fence,
    handoff::Handoff,
    ids::{CallId, Digest, FieldHasher},
    neutral::one_line,
    persona::Persona,
    review::Asked,
};

/// A model as a person names it: `provider:model`, such as `openai:gpt-5-mini`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ModelRef {
    /// The provider's name: a built-in one or one of the user's config.
    pub provider: String,
    /// The model's name as the provider spells it.
    pub model: String,
}

/// A text that names no model.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` does not name a model as `provider:model`")]
pub struct ParseModelError(String);

impl FromStr for ModelRef {
    type Err = ParseModelError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once(':') {
            Some((provider, model))
                if !provider.is_empty()
                    && !model.is_empty()
                    && !text.contains(|c: char| c.is_whitespace() || c.is_control()) =>
            {
                Ok(Self { provider: provider.to_owned(), model: model.to_owned() })
            }
            _ => Err(ParseModelError(text.to_owned())),
        }
    }
}

impl fmt::Display for ModelRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.provider, self.model)
    }
}

impl Serialize for ModelRef {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ModelRef {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Settings of a request that shape the answer.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Parameters {
    /// Sampling temperature; sent only where the workflow sets it, since many models refuse it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    /// The answer's longest length in tokens, as the workflow's author set it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_output_tokens: Option<u32>,
    /// What sampling starts from, as the workflow's author set it; it stands before the seed of a provider's
    /// own config.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u32>,
}

/// How long a call may take, in milliseconds each. `None` leaves the provider's default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Timeouts {
    /// For the connection, name resolution and TLS included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connect_ms: Option<u64>,
    /// Until the first token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_token_ms: Option<u64>,
    /// Between two pieces of the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idle_ms: Option<u64>,
    /// For the whole call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_ms: Option<u64>,
}

/// A part of the user message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Segment {
    /// What the user asked for.
    Task(String),
    /// What the workflow around a called one asks of it.
    Assigned {
        /// The label of its block.
        origin: String,
        /// The text.
        text: String,
    },
    /// What an earlier step gives.
    Handoff(Box<Handoff>),
    /// This step's document of an earlier run, for rework.
    Earlier(String),
    /// What a person said about the earlier document.
    Remark(String),
    /// What the workflow's author asks of this step; text from elsewhere is fenced in it already.
    Prompt(String),
    /// An answer that does not fit the form that was asked for.
    Misfit {
        /// The answer as it came.
        answer: String,
        /// What of it does not fit, a line each.
        misfits: Vec<String>,
    },
    /// A text that this call is about.
    Document {
        /// The label of its block.
        origin: String,
        /// The text.
        text: String,
    },
    /// What was found in the earlier document, for a new version.
    Findings(String),
    /// What a reviewer has to answer.
    Judge(Box<Asked>),
    /// The JSON Schema that the answer has to fit, as text.
    Form(String),
}

impl Segment {
    /// The task, where it is that, whoever gave it.
    pub fn task(&self) -> Option<&str> {
        match self {
            Self::Task(text) | Self::Assigned { text, .. } => Some(text),
            _ => None,
        }
    }

    /// The segment as it stands in the user message.
    pub fn render(&self) -> String {
        match self {
            Self::Task(text) => fence("the task, from the user", text),
            Self::Handoff(handoff) => fence(&handoff.origin(), &handoff.text),
            Self::Earlier(text) => fence("your own earlier document for this step", text),
            Self::Remark(text) => format!(
                "A person has read your earlier document and asks for a new version. Keep what the \
                 remark does not touch; answer it fully.\n\n{}",
                fence("the remark on your earlier document", text)
            ),
            Self::Prompt(text) => text.clone(),
            Self::Misfit { answer, misfits } => {
                let list: Vec<String> = misfits.iter().map(|line| format!("- {line}")).collect();
                format!(
                    "You have answered this already, and your answer does not have the form that was asked \
                     for. Give the whole answer again in the right form, and change nothing that fits.\n\n\
                     {}\n\n{}",
                    fence("your own earlier answer", answer),
                    fence("what of it does not fit", &list.join("\n"))
                )
            }
            Self::Assigned { origin, text } | Self::Document { origin, text } => {
                fence(origin, text)
            }
            Self::Findings(text) => format!(
                "Your earlier document was reviewed and does not pass. Write the whole document again: \
                 settle what the review names, keep what it does not touch, and where you disagree say so \
                 in the document with your reason.\n\n{}",
                fence("the review of your earlier document", text)
            ),
            Self::Judge(asked) => questions(asked),
            Self::Form(schema) => format!(
                "Your whole answer is one JSON object that fits this JSON Schema: no text before or after \
                 it, no code fence, no member that the schema does not name.\n\n```json\n{schema}\n```"
            ),
        }
    }
}

/// The questions of a verdict.
fn questions(asked: &Asked) -> String {
    let gates = asked.judged_gates().enumerate().map(|(at, gate)| {
        let optional = if gate.required { "" } else { " (not required)" };
        format!("{}. `{}`{optional} — {}", at + 1, gate.id, one_line(&gate.check))
    });
    let mut text = format!(
        "Judge the document above. Answer each of these gates under its id:\n\n{}",
        gates.collect::<Vec<_>>().join("\n")
    );
    if !asked.findings.is_empty() {
        // Writing to a String cannot fail.
        let _ = write!(
            text,
            "\n\nSay of each of your earlier findings, {}, whether it is still open in this version. A \
             finding that you report as new is none of these.",
            asked.findings.join(", ")
        );
    }
    text
}

/// One model request, complete: a provider needs nothing else to make the call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// The call this request belongs to.
    pub call: CallId,
    /// The model that is asked.
    pub model: ModelRef,
    /// The persona that answers.
    pub persona: Arc<Persona>,
    /// The system prompt, byte-stable for a persona and step.
    pub system: String,
    /// The user message in its parts, in order.
    pub segments: Vec<Segment>,
    /// Settings that shape the answer.
    #[serde(default)]
    pub parameters: Parameters,
    /// A length cap that a token budget imposes where the author set none. Not part of the identity:
    /// only answers that stayed below it are ever used again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_cap: Option<u32>,
    /// The JSON Schema that the answer has to fit, where it is to be a JSON value. The messages say so too:
    /// an adapter whose server has a parameter for it sends it there as well, any other ignores it, and
    /// whoever reads the answer checks it in any case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_schema: Option<Arc<serde_json::Value>>,
    /// How long the call may take. Not part of the identity.
    #[serde(default)]
    pub timeouts: Timeouts,
}

impl Request {
    /// The user message: the segments' texts with a blank line between them.
    pub fn user(&self) -> String {
        self.segments.iter().map(Segment::render).collect::<Vec<_>>().join("\n\n")
    }

    /// The leading segments that are the same for every call of a step and of its items: the task, and what is
    /// handed over.
    pub fn shared(&self) -> &[Segment] {
        let is_shared =
            |segment: &&Segment| segment.task().is_some() || matches!(segment, Segment::Handoff(_));
        let count = self.segments.iter().take_while(is_shared).count();
        &self.segments[..count]
    }

    /// The cap that is sent: the author's, else the budget's.
    pub fn length_cap(&self) -> Option<u32> {
        self.parameters.max_output_tokens.or(self.output_cap)
    }

    /// The schema of the answer as it is sent beside the messages: servers put it before the model, and
    /// charge it as prompt.
    pub fn schema_text(&self) -> Option<String> {
        self.response_schema.as_ref().map(ToString::to_string)
    }

    /// Bytes of system prompt, user message and schema: an upper bound of their tokens, since no tokenizer
    /// makes more tokens than there are bytes.
    pub fn prompt_bytes(&self) -> u64 {
        let schema = self.schema_text().map_or(0, |schema| schema.len());
        (self.system.len() + self.user().len() + schema) as u64
    }
}

/// Where a request goes, as far as the answer depends on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// The provider's kind, such as `openai`.
    pub provider: String,
    /// Scheme, host, port and path prefix; never a credential.
    pub origin: String,
    /// The wire protocol, such as `chat-completions`.
    pub dialect: String,
}

/// The identity of a call: two calls with the same identity ask the same thing of the same model, so
/// a good answer to one answers the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Identity(pub Digest);

impl Identity {
    /// Hashes everything the answer depends on: provider, origin, dialect, model, parameters, persona,
    /// system prompt, user segments in order, output schema, tool manifest and sample number. The
    /// last two have no other values yet than "none" and 1. A seed stands behind them, where there is one.
    pub fn of(endpoint: &Endpoint, request: &Request) -> Self {
        let mut hasher = FieldHasher::new("orchestrate 2026 call identity 1");
        hasher
            .field(&endpoint.provider)
            .field(&endpoint.origin)
            .field(&endpoint.dialect)
            .field(&request.model.model)
            .field(
                request.parameters.temperature.map(f64::to_bits).unwrap_or_default().to_le_bytes(),
            )
            .field([u8::from(request.parameters.temperature.is_some())])
            .field(request.parameters.max_output_tokens.unwrap_or_default().to_le_bytes())
            .field(request.persona.digest.as_bytes())
            .field(&request.system)
            .field((request.segments.len() as u64).to_le_bytes());
        for segment in &request.segments {
            hasher.field(segment.render());
        }
        let schema = request.schema_text();
        hasher.field(schema.unwrap_or_default()).field("").field(1_u32.to_le_bytes());
        // What most requests do not set changes nothing about them.
        if let Some(seed) = request.parameters.seed {
            hasher.field("seed").field(seed.to_le_bytes());
        }
        Self(hasher.finish())
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ids::Purpose, persona::persona_digest};

    fn request() -> Request {
        let digest = persona_digest(b"tester");
        let persona = Persona::new("tester", "Tester", "Tests things.", "You test.", digest);
        Request {
            call: CallId::first("data".into(), Purpose::Draft),
            model: "openai:gpt-5-mini".parse().expect("a model"),
            persona: Arc::new(persona),
            system: "You test.".into(),
            segments: vec![Segment::Task("t".into()), Segment::Prompt("p".into())],
            parameters: Parameters::default(),
            output_cap: None,
            response_schema: None,
            timeouts: Timeouts::default(),
        }
    }

    #[test]
    fn everything_that_shapes_an_answer_is_in_its_identity() {
        let endpoint = Endpoint {
            provider: "openai".into(),
            origin: "https://api.openai.com/v1".into(),
            dialect: "chat-completions".into(),
        };
        let base = Identity::of(&endpoint, &request());
        let differs = |change: &dyn Fn(&mut Request)| {
            let mut changed = request();
            change(&mut changed);
            assert_ne!(Identity::of(&endpoint, &changed), base);
        };
        differs(&|r| r.system.push('x'));
        differs(&|r| r.model.model.push('x'));
        differs(&|r| r.parameters.temperature = Some(0.0));
        differs(&|r| r.parameters.max_output_tokens = Some(9));
        differs(&|r| r.parameters.seed = Some(0));
        differs(&|r| r.segments.swap(0, 1));
        differs(&|r| r.response_schema = Some(Arc::new(serde_json::json!({ "type": "object" }))));
        differs(&|r| Arc::make_mut(&mut r.persona).digest = Digest::of("other"));
        let elsewhere = Endpoint { origin: "https://example.com/v1".into(), ..endpoint.clone() };
        assert_ne!(Identity::of(&elsewhere, &request()), base);

        let mut same = request();
        same.call = CallId::first("other".into(), Purpose::Draft);
        same.timeouts.total_ms = Some(1);
        same.output_cap = Some(1);
        assert_eq!(
            Identity::of(&endpoint, &same),
            base,
            "neither step nor time limits shape the answer"
        );
    }

    #[test]
    fn what_items_have_in_common_ends_where_the_first_differs() {
        let mut request = request();
        assert_eq!(request.shared(), [Segment::Task("t".into())]);
        let handoff =
            Segment::Handoff(Box::new(crate::handoff::unavailable("a".into(), None, "x")));
        request.segments.insert(1, handoff.clone());
        request.segments.push(handoff);
        assert_eq!(request.shared().len(), 2);
        request.segments.remove(0);
        request.segments.remove(0);
        assert_eq!(request.shared(), []);
    }

    #[test]
    fn a_model_name_may_hold_colons_and_slashes_but_no_space() {
        let model: ModelRef = "ollama:llama3:8b".parse().expect("a model");
        assert_eq!((model.provider.as_str(), model.model.as_str()), ("ollama", "llama3:8b"));
        for bad in ["gpt", ":x", "x:", "a:b c", ""] {
            assert!(bad.parse::<ModelRef>().is_err(), "{bad}");
        }
    }
}
