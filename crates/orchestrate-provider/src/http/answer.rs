//! An answer as it is put together, and the verdict on it once it has ended.
//!
//! A dialect says what a chunk brought; the verdict is the same for all of them, and no word is taken for
//! a success that is not known to be one.

use orchestrate_core::{
    failure::{Billed, Failure, FailureClass},
    usage::Usage,
};
use serde_json::Value;

use super::rejection::Context;
use crate::provider::AttemptError;

/// Tokens as the server reported them; each may be missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Reported {
    pub(crate) input: Option<u64>,
    pub(crate) output: Option<u64>,
    pub(crate) cached: Option<u64>,
    pub(crate) cache_write: Option<u64>,
    pub(crate) reasoning: Option<u64>,
}

/// What a request's answer is judged by.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terms<'a> {
    /// The model that was asked.
    pub(crate) model: &'a str,
    /// The longest answer in tokens that was asked for.
    pub(crate) cap: Option<u32>,
    /// The longest text in bytes.
    pub(crate) text_limit: usize,
}

/// How the answer's bytes came to an end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The protocol says that this was all: its last event, or a whole JSON document.
    Complete,
    /// The body ended in good order without saying so.
    BodyEnded,
    /// The connection broke or time ran out.
    Broken(Failure),
}

/// Why the model stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Finish {
    /// Of its own accord.
    Stop,
    /// At the limit of the answer's length.
    Length,
    /// With the context window full.
    WindowFull,
    /// Stopped by a filter, for this reason where one is given.
    Filtered(String),
    /// It refused, in these words where there are any.
    Refused(String),
    /// To have a tool called.
    Tool,
    /// For a reason that is not known.
    Unknown(String),
}

/// A finished answer that was found good.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Good {
    pub(crate) text: String,
    pub(crate) usage: Reported,
    pub(crate) model: Option<String>,
}

/// An answer as it is put together.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    text: String,
    refusal: String,
    finish: Option<Finish>,
    /// A finish reason that counts once the protocol's last event has come.
    announced: Option<Finish>,
    ended: bool,
    usage: Reported,
    model: Option<String>,
    /// Something was generated: text, reasoning or a refusal.
    begun: bool,
}

impl Answer {
    /// Whether the model has begun to generate.
    pub(crate) fn has_begun(&self) -> bool {
        self.begun
    }

    /// Whether a finish reason has arrived.
    pub(crate) fn is_finished(&self) -> bool {
        self.finish.is_some()
    }

    /// Whether the protocol's last event has arrived.
    pub(crate) fn has_ended(&self) -> bool {
        self.ended
    }

    /// Bytes of text so far.
    pub(crate) fn len(&self) -> usize {
        self.text.len()
    }

    /// Takes a piece of text.
    pub(crate) fn push(&mut self, text: &str) {
        self.text.push_str(text);
        self.begun |= !text.is_empty();
    }

    /// Takes a piece of a refusal.
    pub(crate) fn push_refusal(&mut self, text: &str) {
        self.refusal.push_str(text);
        self.begun |= !text.is_empty();
    }

    /// The model has begun, although there is no text of it yet: it reasons.
    pub(crate) fn begin(&mut self) {
        self.begun = true;
    }

    /// Takes the figures that a chunk reports; later ones stand for the whole.
    pub(crate) fn report(&mut self, usage: Reported) {
        let Reported { input, output, cached, cache_write, reasoning } = usage;
        self.usage.input = input.or(self.usage.input);
        self.usage.output = output.or(self.usage.output);
        self.usage.cached = cached.or(self.usage.cached);
        self.usage.cache_write = cache_write.or(self.usage.cache_write);
        self.usage.reasoning = reasoning.or(self.usage.reasoning);
    }

    /// Takes the name of the model that answers; the first one counts.
    pub(crate) fn served_by(&mut self, model: Option<&str>, context: &Context) {
        if let Some(model) = model.filter(|model| !model.is_empty()) {
            self.model.get_or_insert_with(|| context.redactor.excerpt(model, 200));
        }
    }

    /// The model has stopped.
    pub(crate) fn finish(&mut self, finish: Finish) {
        self.finish = Some(finish);
    }

    /// The model has stopped, which counts once [`end`](Self::end) is called.
    pub(crate) fn announce(&mut self, finish: Finish) {
        self.announced = Some(finish);
    }

    /// The protocol's last event: nothing comes after it.
    pub(crate) fn end(&mut self) {
        self.ended = true;
        self.finish = self.finish.take().or(self.announced.take());
    }

    /// Checks that the text is not longer than its limit.
    pub(crate) fn within_limit(&mut self, limit: usize) -> Result<(), AttemptError> {
        if self.text.len() <= limit && self.refusal.len() <= limit {
            return Ok(());
        }
        self.text.truncate(self.text.floor_char_boundary(limit));
        Err(self.fail(malformed(format!("the answer is longer than {limit} bytes"))))
    }

    /// The error this failure makes of the answer so far.
    pub(crate) fn fail(&mut self, failure: Failure) -> AttemptError {
        let partial = std::mem::take(&mut self.text);
        let partial = (!partial.is_empty()).then_some(partial);
        let usage = self.usage.of(partial.as_deref().unwrap_or_default());
        let error = AttemptError::of_answer(failure, usage.whole(), partial);
        // Figures of a part are figures all the same: the attempt was charged.
        debug_assert!(error.billed != Billed::No);
        error
    }

    /// The verdict on an answer that has ended.
    pub(crate) fn conclude(
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
        let finish = if self.refusal.is_empty() {
            finish
        } else {
            Finish::Refused(std::mem::take(&mut self.refusal))
        };
        match finish {
            Finish::Stop => self.stopped(context, terms),
            Finish::Length => Err(self.truncated(terms)),
            Finish::WindowFull => Err(self.window_full(terms)),
            Finish::Filtered(reason) => Err(self.filtered(&reason, context)),
            Finish::Refused(words) => Err(self.refused(&words, context)),
            Finish::Tool => {
                Err(self.fail(malformed("the model asked for a tool, and none was offered")))
            }
            Finish::Unknown(other) => {
                let other = context.redactor.excerpt(&other, 60);
                Err(self.fail(malformed(format!(
                    "the answer ended for a reason that is not known: `{other}`"
                ))))
            }
        }
    }

    fn stopped(mut self, context: &Context, terms: Terms<'_>) -> Result<Good, AttemptError> {
        // Truncation can hide: some servers say `stop` for an answer that was cut at the limit.
        if let (Some(output), Some(cap)) = (self.usage.output, terms.cap)
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
        Ok(Good { usage: self.usage.of(&text), text, model: self.model })
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

    fn window_full(mut self, terms: Terms<'_>) -> AttemptError {
        let message =
            format!("the context window of `{}` was full before the answer ended", terms.model);
        let help = "shorten what is handed on, or use a model with a larger context window";
        self.fail(Failure::new(FailureClass::Truncated, message).help(help))
    }

    fn filtered(mut self, reason: &str, context: &Context) -> AttemptError {
        let reason = match context.redactor.excerpt(reason, 100) {
            none if none.is_empty() => none,
            reason => format!(": {reason}"),
        };
        let message = format!("a content filter of {} stopped the answer{reason}", context.name);
        self.fail(Failure::new(FailureClass::Refused, message))
    }

    fn refused(mut self, words: &str, context: &Context) -> AttemptError {
        // That the model refused is what this class of failure says already.
        let message = match context.redactor.excerpt(words, 300) {
            none if none.is_empty() => format!("the model of {} refused to answer", context.name),
            words => words,
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
    /// The figures as far as they can be true of this text: some servers report nothing but zeros.
    fn of(self, text: &str) -> Self {
        let some = |figure: Option<u64>| figure.filter(|&tokens| tokens > 0);
        let output = if text.is_empty() { self.output } else { some(self.output) };
        Self { input: some(self.input), output, ..self }
    }

    /// The usage, where the server said both how much went in and how much came out.
    fn whole(self) -> Option<Usage> {
        Some(Usage {
            input: self.input?,
            output: self.output?,
            cached: self.cached.unwrap_or_default(),
            cache_write: self.cache_write.unwrap_or_default(),
            reasoning: self.reasoning.unwrap_or_default(),
            estimated: false,
        })
    }
}

pub(crate) fn malformed(message: impl Into<String>) -> Failure {
    Failure::new(FailureClass::Malformed, message)
}

/// Whether an `error` member says anything: some servers always send one.
pub(crate) fn is_error(error: &Value) -> bool {
    match error {
        Value::Object(_) => true,
        Value::String(words) => !words.is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redact::Redactor;

    const TERMS: Terms<'static> = Terms { model: "m", cap: Some(100), text_limit: 1_000 };

    fn context() -> Context {
        Context { redactor: Redactor::new(["sk-canary-0001".into()]), ..Context::for_tests() }
    }

    fn conclude(
        text: &[&str],
        finish: Finish,
        usage: Reported,
        ending: Ending,
    ) -> Result<Good, AttemptError> {
        let mut answer = Answer::default();
        for piece in text {
            answer.push(piece);
        }
        answer.report(usage);
        answer.finish(finish);
        answer.conclude(ending, &context(), TERMS)
    }

    #[test]
    fn an_answer_is_good_once_it_has_stopped_even_if_the_stream_breaks_after_that() {
        let broken = Ending::Broken(Failure::new(FailureClass::StreamCut, "reset"));
        for ending in [Ending::Complete, Ending::BodyEnded, broken] {
            let good = conclude(&["a", "b"], Finish::Stop, Reported::default(), ending);
            let good = good.expect("good");
            assert_eq!((good.text.as_str(), good.usage), ("ab", Reported::default()));
        }
    }

    #[test]
    fn a_finish_that_was_announced_counts_only_with_the_last_event() {
        let answer = |ended| {
            let mut answer = Answer::default();
            answer.push("a");
            answer.announce(Finish::Stop);
            if ended {
                answer.end();
            }
            answer.conclude(Ending::BodyEnded, &context(), TERMS)
        };
        assert!(answer(true).is_ok());
        let error = answer(false).unwrap_err();
        assert_eq!((error.class(), error.lost), (FailureClass::StreamCut, true));
    }

    #[test]
    fn an_answer_as_long_as_its_limit_counts_as_truncated_whatever_it_says() {
        let usage = Reported { input: Some(1), output: Some(100), ..Reported::default() };
        let error = conclude(&["a"], Finish::Stop, usage, Ending::Complete).unwrap_err();
        assert_eq!(error.class(), FailureClass::Truncated);
        assert_eq!((error.billed, error.partial.as_deref()), (Billed::Reported, Some("a")));
        assert_eq!(error.usage.map(|usage| usage.total()), Some(101));
    }

    #[test]
    fn white_space_is_no_answer() {
        let error = conclude(&[" \n"], Finish::Stop, Reported::default(), Ending::Complete);
        let error = error.unwrap_err();
        assert_eq!((error.class(), error.partial), (FailureClass::Empty, None));
    }

    #[test]
    fn nothing_but_a_stop_is_a_success() {
        use FailureClass as C;
        for (finish, class) in [
            (Finish::Length, C::Truncated),
            (Finish::WindowFull, C::Truncated),
            (Finish::Filtered("SAFETY".into()), C::Refused),
            (Finish::Refused(String::new()), C::Refused),
            (Finish::Tool, C::Malformed),
            (Finish::Unknown("banana".into()), C::Malformed),
        ] {
            let error = conclude(&["a"], finish, Reported::default(), Ending::Complete);
            assert_eq!(error.unwrap_err().class(), class);
        }
    }

    #[test]
    fn a_key_in_an_answer_is_removed() {
        let pieces = ["my key is sk-can", "ary-0001."];
        let good = conclude(&pieces, Finish::Stop, Reported::default(), Ending::Complete);
        assert_eq!(good.expect("good").text, "my key is [redacted].");
    }

    #[test]
    fn a_text_has_a_longest_length() {
        let mut answer = Answer::default();
        answer.push(&"ü".repeat(501));
        let error = answer.within_limit(1_000).unwrap_err();
        assert_eq!(error.class(), FailureClass::Malformed);
        assert_eq!(error.partial.map(|partial| partial.len()), Some(1_000));
    }
}
