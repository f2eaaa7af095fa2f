//! Reading an answer from a connection: a stream or a whole document, within time and size.

use std::time::Duration;

use orchestrate_core::failure::Failure;
use reqwest::{Response, header::CONTENT_TYPE};
use serde_json::Value;
use tokio::time::{timeout, timeout_at};

use super::{
    answer::{Answer, Ending, Good, Terms, malformed},
    config::Limits,
    patience::Patience,
    provider::Inner,
    rejection::looks_like_html,
};
use crate::{
    dialects::Framing,
    lines::Lines,
    provider::{AttemptError, Progress},
    sse::{self, Decoder, Event, SseError},
};

/// How long usage and the last event may stay out once the answer has finished.
const AFTER_FINISH: Duration = Duration::from_secs(10);
/// How long the end of the body may stay out after the last event: worth a moment, since a body that was
/// read to its end leaves the connection for the next request.
const AFTER_END: Duration = Duration::from_millis(100);
/// Bytes that are read after the last event.
const AFTER_END_BYTES: usize = 64 * 1024;

/// Reads events in whichever framing the dialect has.
#[derive(Debug)]
enum Reader {
    Sse(Decoder),
    Lines(Lines),
}

impl Reader {
    fn new(framing: Framing, limits: Limits) -> Self {
        let limits = sse::Limits { event: limits.event, noise: limits.noise };
        match framing {
            Framing::Sse => Self::Sse(Decoder::new(limits)),
            Framing::Lines => Self::Lines(Lines::new(limits)),
        }
    }

    fn push(&mut self, bytes: &[u8], events: &mut Vec<Event>) -> Result<(), SseError> {
        match self {
            Self::Sse(decoder) => decoder.push(bytes, events),
            Self::Lines(lines) => lines.push(bytes, events),
        }
    }

    /// The body has ended in good order.
    fn end(&mut self, events: &mut Vec<Event>) -> Result<(), SseError> {
        match self {
            // An event without an empty line after it is none.
            Self::Sse(_) => Ok(()),
            Self::Lines(lines) => lines.end(events),
        }
    }
}

impl Inner {
    /// Reads a good status's body, whichever form it has.
    pub(super) async fn read(
        &self,
        response: Response,
        patience: &Patience,
        terms: Terms<'_>,
        progress: &dyn Progress,
    ) -> Result<Good, AttemptError> {
        let kind = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let kind = kind.unwrap_or_default().split(';').next().unwrap_or_default();
        let kind = kind.trim().to_ascii_lowercase();
        match (kind.as_str(), self.wire.framing()) {
            ("text/event-stream", Framing::Sse)
            | ("application/x-ndjson" | "application/jsonl", Framing::Lines) => {
                self.read_stream(response, patience, terms, progress).await
            }
            ("application/json", _) => self.read_whole(response, patience, terms, progress).await,
            ("text/html" | "application/xhtml+xml", _) => Err(unexpected(self.page())),
            (other, _) => {
                let seen = match self.context.redactor.excerpt(other, 60) {
                    none if none.is_empty() => "no content type".into(),
                    seen => format!("content type `{seen}`"),
                };
                let message = format!(
                    "{} answered with {seen} instead of an event stream",
                    self.context.name
                );
                Err(unexpected(malformed(message).help(self.address_help())))
            }
        }
    }

    async fn read_stream(
        &self,
        mut response: Response,
        patience: &Patience,
        terms: Terms<'_>,
        progress: &dyn Progress,
    ) -> Result<Good, AttemptError> {
        let mut reader = Reader::new(self.wire.framing(), self.limits);
        let (mut answer, mut events) = (Answer::default(), Vec::new());
        let (mut wire, mut tally) = (0_usize, Tally::default());
        let mut deadline = patience.first_token_deadline();
        loop {
            let (pushed, ending) = match timeout_at(deadline, response.chunk()).await {
                Ok(Ok(Some(bytes))) => {
                    wire += bytes.len();
                    if wire > self.limits.wire {
                        let message =
                            format!("the answer takes more than {} bytes", self.limits.wire);
                        return Err(answer.fail(malformed(message)));
                    }
                    (reader.push(&bytes, &mut events), None)
                }
                Ok(Ok(None)) => (reader.end(&mut events), Some(Ending::BodyEnded)),
                Ok(Err(error)) => (Ok(()), Some(Ending::Broken(self.broke(error)))),
                Err(_) => (Ok(()), Some(Ending::Broken(patience.ran_out(answer.has_begun())))),
            };
            for event in events.drain(..) {
                let was_finished = answer.is_finished();
                self.take(&mut answer, &event, terms, &mut tally, progress)?;
                if answer.has_ended() {
                    drain(response).await;
                    return answer.conclude(Ending::Complete, &self.context, terms);
                }
                if self.wire.is_ping(&event) {
                    continue;
                }
                if !answer.is_finished() {
                    deadline = patience.next_deadline(answer.has_begun());
                } else if !was_finished {
                    deadline = patience.within_total(AFTER_FINISH.min(patience.idle));
                }
            }
            if let Err(error) = pushed {
                return Err(answer.fail(malformed(error.to_string())));
            }
            if let Some(ending) = ending {
                return answer.conclude(ending, &self.context, terms);
            }
        }
    }

    /// Takes what an event brought.
    fn take(
        &self,
        answer: &mut Answer,
        event: &Event,
        terms: Terms<'_>,
        tally: &mut Tally,
        progress: &dyn Progress,
    ) -> Result<(), AttemptError> {
        if event.data.trim() == "[DONE]" {
            answer.end();
            return Ok(());
        }
        let before = answer.len();
        self.wire
            .take(answer, event, &self.context, terms.model)
            .map_err(|failure| answer.fail(failure))?;
        answer.within_limit(terms.text_limit)?;
        tally.report(answer.len() - before, answer.has_begun(), progress);
        Ok(())
    }

    /// Reads an answer that came in one document although a stream was asked for.
    async fn read_whole(
        &self,
        mut response: Response,
        patience: &Patience,
        terms: Terms<'_>,
        progress: &dyn Progress,
    ) -> Result<Good, AttemptError> {
        // A text of the longest length, escaped, and the protocol's members around it.
        let limit = self.limits.text.saturating_mul(2).min(self.limits.wire);
        let mut body = Vec::new();
        loop {
            match timeout_at(patience.next_deadline(true), response.chunk()).await {
                Ok(Ok(Some(bytes))) if body.len() + bytes.len() > limit => {
                    let message = format!("the answer takes more than {limit} bytes");
                    return Err(unexpected(malformed(message)));
                }
                Ok(Ok(Some(bytes))) => body.extend_from_slice(&bytes),
                Ok(Ok(None)) => break,
                Ok(Err(error)) => return Err(unexpected(self.broke(error)).lost()),
                Err(_) => return Err(unexpected(patience.ran_out(true)).lost()),
            }
        }
        let Ok(value) = serde_json::from_slice::<Value>(&body) else {
            let failure = if looks_like_html(&body) {
                self.page()
            } else {
                let seen = self.context.redactor.excerpt(&String::from_utf8_lossy(&body), 80);
                malformed(format!("{} answered with broken JSON: {seen}", self.context.name))
            };
            return Err(unexpected(failure));
        };
        let mut answer = Answer::default();
        let held = self.wire.take_whole(&mut answer, &value, &self.context, terms.model);
        let held = held.map_err(|failure| answer.fail(failure))?;
        answer.within_limit(terms.text_limit)?;
        if !held {
            let message = format!("the JSON from {} holds no answer", self.context.name);
            return Err(answer.fail(malformed(message).help(self.address_help())));
        }
        Tally::default().report(answer.len(), answer.has_begun(), progress);
        answer.end();
        answer.conclude(Ending::Complete, &self.context, terms)
    }

    fn page(&self) -> Failure {
        malformed("an HTML page instead of JSON")
            .help(format!("is the base URL right? {}", self.context.address_hint))
    }

    fn address_help(&self) -> String {
        let speaks = self.wire.speaks();
        format!(
            "is this the address of a server that speaks {speaks}? {}",
            self.context.address_hint
        )
    }
}

/// A good status with something else than an answer.
pub(super) fn unexpected(failure: Failure) -> AttemptError {
    AttemptError::of_answer(failure, None, None)
}

/// Reads what is left after the last event, for a moment.
async fn drain(mut response: Response) {
    let rest = async {
        let mut left = AFTER_END_BYTES;
        while let Ok(Some(bytes)) = response.chunk().await {
            left = left.saturating_sub(bytes.len());
            if left == 0 {
                break;
            }
        }
    };
    // A body that does not end in time costs the connection and nothing else.
    let _ = timeout(AFTER_END, rest).await;
}

/// Tells whoever watches how far the answer is.
#[derive(Debug, Default)]
struct Tally {
    bytes: usize,
    begun: bool,
}

impl Tally {
    fn report(&mut self, brought: usize, begun: bool, progress: &dyn Progress) {
        if begun && !std::mem::replace(&mut self.begun, true) {
            progress.first_token();
        }
        if brought > 0 {
            self.bytes += brought;
            progress.delta(brought, (self.bytes as u64).div_ceil(4));
        }
    }
}
