//! An answer as it is put together, and the verdict on it once it has ended.
//!
//! Chunks are read as open JSON: unknown members are ignored, every known one may be missing, and
//! no word is taken for a success that is not known to be one.

use std::borrow::Cow;

use orchestrate_core::{
    failure::{Billed, Failure, FailureClass},
    usage::Usage,
};
use serde::Deserialize;
use serde_json::Value;

use super::rejection::{Complaint, Context};
use crate::provider::AttemptError;

/// Tokens as the server reported them; each may be missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Reported {
    pub(super) input: Option<u64>,
    pub(super) output: Option<u64>,
    pub(super) cached: u64,
    pub(super) reasoning: u64,
}

/// What a request's answer is judged by.
#[derive(Debug, Clone, Copy)]
pub(super) struct Terms<'a> {
    /// The model that was asked.
    pub(super) model: &'a str,
    /// The longest answer in tokens that was asked for.
    pub(super) cap: Option<u32>,
    /// The longest text in bytes.
    pub(super) text_limit: usize,
}

/// How the answer's bytes came to an end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ending {
    /// The protocol says that this was all: `[DONE]`, or a whole JSON document.
    Complete,
    /// The body ended in good order without saying so.
    BodyEnded,
    /// The connection broke or time ran out.
    Broken(Failure),
}

/// A finished answer that was found good.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Good {
    pub(super) text: String,
    pub(super) usage: Option<Reported>,
    pub(super) model: Option<String>,
}

/// A chunk that brings a piece of text and nothing else. Whatever does not fit in here, be it a finish
/// reason, usage or an error, is read as open JSON instead.
#[derive(Deserialize)]
struct PlainChunk<'a> {
    #[serde(default)]
    model: Option<String>,
    #[serde(borrow)]
    choices: [PlainChoice<'a>; 1],
    #[serde(default, rename = "usage")]
    _usage: Option<Nothing>,
    #[serde(default, rename = "error")]
    _error: Option<Nothing>,
}

#[derive(Deserialize)]
struct PlainChoice<'a> {
    #[serde(default)]
    index: Option<u64>,
    #[serde(borrow)]
    delta: PlainDelta<'a>,
    #[serde(default, rename = "message")]
    _message: Option<Nothing>,
    #[serde(default, rename = "finish_reason")]
    _finish: Option<Nothing>,
}

#[derive(Deserialize)]
struct PlainDelta<'a> {
    #[serde(borrow)]
    content: Cow<'a, str>,
    #[serde(default, rename = "refusal")]
    _refusal: Option<Nothing>,
    #[serde(default, rename = "reasoning_content")]
    _reasoning_content: Option<Nothing>,
    #[serde(default, rename = "reasoning")]
    _reasoning: Option<Nothing>,
}

/// A member that may be missing or `null`, and nothing else.
#[derive(Deserialize)]
enum Nothing {}

/// An answer as it is put together.
#[derive(Debug, Default)]
pub(super) struct Answer {
    text: String,
    refusal: String,
    finish: Option<String>,
    usage: Option<Reported>,
    model: Option<String>,
    /// Something was generated: text, reasoning or a refusal.
    begun: bool,
}

impl Answer {
    /// Whether the model has begun to generate.
    pub(super) fn has_begun(&self) -> bool {
        self.begun
    }

    /// Whether a finish reason has arrived.
    pub(super) fn is_finished(&self) -> bool {
        self.finish.is_some()
    }

    /// Takes one chunk, or a whole non-streamed answer, and gives the bytes of text it brought.
    pub(super) fn take(
        &mut self,
        chunk: &Value,
        context: &Context,
        terms: Terms<'_>,
    ) -> Result<usize, AttemptError> {
        if let Some(usage) = chunk.get("usage").filter(|usage| usage.is_object()) {
            self.usage = Some(reported(usage));
        }
        if chunk.get("error").is_some_and(is_error) {
            let failure = context.broke_off(&Complaint::of(chunk), terms.model);
            return Err(self.fail(failure));
        }
        if let Some(model) = chunk.get("model").and_then(Value::as_str).filter(|m| !m.is_empty()) {
            self.model.get_or_insert_with(|| context.redactor.excerpt(model, 200));
        }
        let choices = chunk.get("choices").and_then(Value::as_array);
        let first = choices
            .into_iter()
            .flatten()
            .find(|choice| choice.get("index").and_then(Value::as_u64).unwrap_or_default() == 0);
        let Some(choice) = first else { return Ok(0) };
        let before = self.text.len();
        for place in ["delta", "message"] {
            if let Some(piece) = choice.get(place) {
                self.take_piece(piece);
            }
        }
        if let Some(finish) = choice.get("finish_reason").and_then(Value::as_str) {
            self.finish = Some(finish.to_owned());
        }
        self.within_limit(terms)?;
        Ok(self.text.len() - before)
    }

    /// Takes a chunk that brings a piece of text and nothing else, as nearly all do; `None` for any other.
    pub(super) fn take_plain(
        &mut self,
        data: &str,
        context: &Context,
        terms: Terms<'_>,
    ) -> Option<Result<usize, AttemptError>> {
        let PlainChunk { model, choices: [choice], .. } = serde_json::from_str(data).ok()?;
        if choice.index.unwrap_or_default() != 0 {
            return None;
        }
        if let Some(model) = model.filter(|model| !model.is_empty()) {
            self.model.get_or_insert_with(|| context.redactor.excerpt(&model, 200));
        }
        let text = choice.delta.content;
        self.text.push_str(&text);
        self.begun |= !self.text.is_empty();
        Some(self.within_limit(terms).map(|()| text.len()))
    }

    fn within_limit(&mut self, terms: Terms<'_>) -> Result<(), AttemptError> {
        let limit = terms.text_limit;
        if self.text.len() <= limit && self.refusal.len() <= limit {
            return Ok(());
        }
        self.text.truncate(self.text.floor_char_boundary(limit));
        Err(self.fail(malformed(format!("the answer is longer than {limit} bytes"))))
    }

    fn take_piece(&mut self, piece: &Value) {
        match piece.get("content") {
            Some(Value::String(text)) => self.text.push_str(text),
            // Some servers answer in parts.
            Some(Value::Array(parts)) => {
                for text in parts.iter().filter_map(|part| part.get("text")?.as_str()) {
                    self.text.push_str(text);
                }
            }
            _ => {}
        }
        if let Some(refusal) = piece.get("refusal").and_then(Value::as_str) {
            self.refusal.push_str(refusal);
        }
        let is_reasoning = ["reasoning_content", "reasoning"]
            .iter()
            .any(|name| piece.get(*name).and_then(Value::as_str).is_some_and(|r| !r.is_empty()));
        self.begun |= is_reasoning || !self.text.is_empty() || !self.refusal.is_empty();
    }

    /// The error this failure makes of the answer so far.
    pub(super) fn fail(&mut self, failure: Failure) -> AttemptError {
        let partial = std::mem::take(&mut self.text);
        let partial = (!partial.is_empty()).then_some(partial);
        let usage = self.usage.and_then(Reported::whole);
        let error = AttemptError::of_answer(failure, usage, partial);
        // Figures of a part are figures all the same: the attempt was charged.
        debug_assert!(error.billed != Billed::No);
        error
    }

    /// The verdict on an answer that has ended.
    pub(super) fn conclude(
        mut self,
        ending: Ending,
        context: &Context,
        terms: Terms<'_>,
    ) -> Result<Good, AttemptError> {
        let name = &context.name;
        let Some(finish) = self.finish.take() else {
            return Err(match ending {
                Ending::Complete => self.fail(malformed(format!(
                    "{name} ended its answer without a finish reason, so nobody knows whether it is whole"
                ))),
                Ending::BodyEnded => self.cut_off(name),
                Ending::Broken(failure) => self.fail(failure).lost(),
            });
        };
        if !self.refusal.is_empty() || finish == "content_filter" {
            return Err(self.refused(context));
        }
        match finish.as_str() {
            "stop" => self.stopped(context, terms),
            "length" => Err(self.truncated(terms)),
            "tool_calls" | "function_call" => {
                Err(self.fail(malformed("the model asked for a tool, and none was offered")))
            }
            other => {
                let other = context.redactor.excerpt(other, 60);
                Err(self.fail(malformed(format!(
                    "the answer ended for a reason that is not known: `{other}`"
                ))))
            }
        }
    }

    fn stopped(mut self, context: &Context, terms: Terms<'_>) -> Result<Good, AttemptError> {
        // Truncation can hide: some servers say `stop` for an answer that was cut at the limit.
        let output = self.usage.and_then(|usage| usage.output);
        if let (Some(output), Some(cap)) = (output, terms.cap)
            && output >= u64::from(cap)
        {
            return Err(self.truncated(terms));
        }
        if self.text.trim().is_empty() {
            self.text.clear();
            let message = format!("{} answered without any text", context.name);
            return Err(self.fail(Failure::new(FailureClass::Empty, message)));
        }
        let text = context.redactor.redact_owned(self.text);
        Ok(Good { text, usage: self.usage, model: self.model })
    }

    fn truncated(mut self, terms: Terms<'_>) -> AttemptError {
        let (message, help) = match terms.cap {
            Some(cap) => (
                format!("the answer reached its limit of {cap} tokens"),
                "raise `max_output_tokens` or the token budget, or ask for a shorter document",
            ),
            None => (
                "the answer reached the model's own limit".to_owned(),
                "ask for a shorter document, or use a model with a higher limit",
            ),
        };
        self.fail(Failure::new(FailureClass::Truncated, message).help(help))
    }

    fn refused(mut self, context: &Context) -> AttemptError {
        let words = context.redactor.excerpt(&self.refusal, 300);
        let message = if words.is_empty() {
            format!("a content filter of {} stopped the answer", context.name)
        } else {
            // That the model refused is what this class of failure says already.
            words
        };
        self.fail(Failure::new(FailureClass::Refused, message))
    }

    fn cut_off(mut self, name: &str) -> AttemptError {
        let message = if self.begun {
            format!("the answer of {name} ended early, after {} bytes", self.text.len())
        } else {
            format!("the answer of {name} ended before it began")
        };
        let mut failure = Failure::new(FailureClass::StreamCut, message);
        if !self.begun {
            failure = failure.help(
                "some servers answer like this to a prompt longer than their context window: look \
                 at the server's log",
            );
        }
        self.fail(failure).lost()
    }
}

impl Reported {
    /// The usage, where the server said both how much went in and how much came out.
    fn whole(self) -> Option<Usage> {
        Some(Usage {
            input: self.input?,
            output: self.output?,
            cached: self.cached,
            reasoning: self.reasoning,
            estimated: false,
        })
    }
}

pub(super) fn malformed(message: impl Into<String>) -> Failure {
    Failure::new(FailureClass::Malformed, message)
}

/// Whether an `error` member says anything: some servers always send one.
fn is_error(error: &Value) -> bool {
    match error {
        Value::Object(_) => true,
        Value::String(words) => !words.is_empty(),
        _ => false,
    }
}

fn reported(usage: &Value) -> Reported {
    let number = |value: &Value| value.as_u64();
    Reported {
        input: number(&usage["prompt_tokens"]),
        output: number(&usage["completion_tokens"]),
        cached: number(&usage["prompt_tokens_details"]["cached_tokens"]).unwrap_or_default(),
        reasoning: number(&usage["completion_tokens_details"]["reasoning_tokens"])
            .unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::redact::Redactor;

    const TERMS: Terms<'static> = Terms { model: "m", cap: Some(100), text_limit: 1_000 };

    fn context() -> Context {
        Context {
            name: "openai".into(),
            address: "x/v1".into(),
            key_origin: None,
            has_key: true,
            redactor: Redactor::new(["sk-canary-0001".into()]),
        }
    }

    fn conclude(chunks: &[Value], ending: Ending) -> Result<Good, AttemptError> {
        let (mut answer, context) = (Answer::default(), context());
        for chunk in chunks {
            answer.take(chunk, &context, TERMS)?;
        }
        answer.conclude(ending, &context, TERMS)
    }

    fn text(content: &str) -> Value {
        json!({"choices": [{"index": 0, "delta": {"content": content}}]})
    }

    fn finish(reason: &str) -> Value {
        json!({"choices": [{"delta": {}, "finish_reason": reason}]})
    }

    #[test]
    fn an_answer_is_good_once_it_says_stop_even_if_the_stream_breaks_after_that() {
        let broken = Ending::Broken(Failure::new(FailureClass::StreamCut, "reset"));
        for ending in [Ending::Complete, Ending::BodyEnded, broken] {
            let good = conclude(&[text("a"), text("b"), finish("stop")], ending).expect("good");
            assert_eq!((good.text.as_str(), good.usage), ("ab", None));
        }
    }

    #[test]
    fn usage_is_taken_from_wherever_it_stands() {
        let usage = json!({
            "prompt_tokens": 9, "completion_tokens": 2,
            "prompt_tokens_details": {"cached_tokens": 4},
            "completion_tokens_details": null,
        });
        let expected = Some(Reported { input: Some(9), output: Some(2), cached: 4, reasoning: 0 });
        let mut with_choice = finish("stop");
        with_choice["usage"] = usage.clone();
        let good = conclude(&[text("a"), with_choice], Ending::Complete).expect("good");
        assert_eq!(good.usage, expected);
        let alone = json!({"choices": [], "usage": usage});
        let good = conclude(&[text("a"), finish("stop"), alone], Ending::Complete).expect("good");
        assert_eq!(good.usage, expected);
    }

    #[test]
    fn other_choices_and_unknown_members_are_ignored() {
        let other = json!({
            "choices": [{"index": 1, "delta": {"content": "no"}}], "timings": {}, "error": null,
        });
        let good = conclude(&[other, text("yes"), finish("stop")], Ending::Complete).expect("good");
        assert_eq!(good.text, "yes");
    }

    #[test]
    fn an_answer_as_long_as_its_limit_counts_as_truncated_whatever_it_says() {
        let usage = json!({"usage": {"prompt_tokens": 1, "completion_tokens": 100}});
        let error = conclude(&[text("a"), finish("stop"), usage], Ending::Complete).unwrap_err();
        assert_eq!(error.class(), FailureClass::Truncated);
        assert_eq!((error.billed, error.partial.as_deref()), (Billed::Reported, Some("a")));
        assert_eq!(error.usage.map(|usage| usage.total()), Some(101));
    }

    #[test]
    fn white_space_is_no_answer() {
        let error = conclude(&[text(" \n"), finish("stop")], Ending::Complete).unwrap_err();
        assert_eq!((error.class(), error.partial), (FailureClass::Empty, None));
    }

    #[test]
    fn a_key_in_an_answer_is_removed() {
        let chunks = [text("my key is sk-can"), text("ary-0001."), finish("stop")];
        assert_eq!(
            conclude(&chunks, Ending::Complete).expect("good").text,
            "my key is [redacted]."
        );
    }

    #[test]
    fn a_text_has_a_longest_length() {
        let error = conclude(&[text(&"ü".repeat(501))], Ending::Complete).unwrap_err();
        assert_eq!(error.class(), FailureClass::Malformed);
        assert_eq!(error.partial.map(|partial| partial.len()), Some(1_000));
    }

    /// Whether a chunk is plain; if so, both ways of reading it must come to the same.
    fn plain(data: &str) -> bool {
        let (mut quick, mut open) = (Answer::default(), Answer::default());
        let Some(taken) = quick.take_plain(data, &context(), TERMS) else { return false };
        let value = serde_json::from_str(data).expect("what is plain is JSON");
        let expected = open.take(&value, &context(), TERMS);
        assert_eq!(format!("{taken:?} {quick:?}"), format!("{expected:?} {open:?}"), "{data}");
        true
    }

    #[test]
    fn a_plain_chunk_is_read_as_any_other_and_whatever_says_more_is_left_to_the_open_reader() {
        for data in [
            r#"{"choices":[{"delta":{"content":"a"}}]}"#,
            r#"{"model":"m-1","choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}"#,
            r#"{"model":"","usage":null,"choices":[{"delta":{"content":"a\nb","refusal":null},"finish_reason":null}],"x":{"y":[1]}}"#,
            r#"{"choices":[{"index":null,"delta":{"content":"more than twenty bytes of text"}}]}"#,
        ] {
            assert!(plain(data), "{data}");
        }
        for data in [
            r#"{"choices":[{"delta":{"content":"a"},"finish_reason":"stop"}]}"#,
            r#"{"choices":[{"delta":{"content":"a"}}],"usage":{"prompt_tokens":1}}"#,
            r#"{"choices":[{"delta":{"content":"a"}}],"error":"no"}"#,
            r#"{"choices":[{"index":1,"delta":{"content":"a"}}]}"#,
            r#"{"choices":[{"delta":{"content":"a"}},{"index":1,"delta":{"content":"b"}}]}"#,
            r#"{"choices":[{"delta":{"content":[{"text":"a"}]}}]}"#,
            r#"{"choices":[{"delta":{"reasoning":"a"}}]}"#,
            r#"{"choices":[{"delta":{"content":"a"},"message":{"content":"b"}}]}"#,
            r#"{"choices":[]}"#,
            "[1]",
            "",
        ] {
            assert!(!plain(data), "{data}");
        }
    }
}
