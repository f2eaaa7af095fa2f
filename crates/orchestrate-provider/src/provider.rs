//! What every provider does: one attempt at one request.

use std::{fmt, sync::Arc};

use futures::future::BoxFuture;
use orchestrate_core::{
    failure::{Billed, Failure, FailureClass},
    lanes::ServerLimits,
    request::{Endpoint, Identity, Parameters, Request},
    usage::Usage,
};

/// Something that answers model requests.
pub trait Provider: Send + Sync + 'static {
    /// Where requests go, as far as answers depend on it.
    fn endpoint(&self) -> &Endpoint;

    /// Whether an answer may serve other runs.
    fn reusable(&self) -> bool;

    /// Whether an attempt may cost anything. Where it cannot, nothing is reserved for it.
    fn is_paid(&self) -> bool {
        true
    }

    /// Whether it holds an answer to this; none where it is one that asks somebody.
    fn holds(&self, _identity: &Identity) -> Option<bool> {
        None
    }

    /// Whether beginnings of prompts may be kept in a cache, where the model's price has a rate for that.
    fn keeps_prefixes(&self) -> bool {
        false
    }

    /// The longest answer in tokens that is asked for; none where the server decides.
    fn longest_answer(&self, request: &Request) -> Option<u32> {
        request.length_cap()
    }

    /// Why it cannot pass these settings on, where that is so. A request with them is never sent.
    fn refuses(&self, _parameters: &Parameters) -> Option<Failure> {
        None
    }

    /// Makes one attempt and reports progress as text arrives. Never retries and never follows a
    /// redirect. Dropping the future ends the attempt and its connection.
    fn complete(
        &self,
        request: Arc<Request>,
        progress: Arc<dyn Progress>,
    ) -> BoxFuture<'static, Result<Completion, AttemptError>>;
}

/// Hears of an answer while it arrives. Called from the task that reads the answer, so an
/// implementation returns at once.
pub trait Progress: Send + Sync {
    /// The model has begun to answer.
    fn first_token(&self);

    /// So many more bytes of text have arrived, which brings the answer to about so many tokens.
    fn delta(&self, bytes: usize, output_tokens_so_far_estimate: u64);

    /// The server said this of its limits, in the head of its answer.
    fn limits(&self, _limits: &ServerLimits) {}
}

/// Progress that nobody watches.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {
    fn first_token(&self) {}

    fn delta(&self, _bytes: usize, _output_tokens_so_far_estimate: u64) {}
}

/// A good answer: finished, of its own accord, and not empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completion {
    /// The answer's text as the model wrote it.
    pub text: String,
    /// What it used up; `estimated` where the provider did not say and it was counted here.
    pub usage: Usage,
    /// The model that says it answered.
    pub served_model: Option<String>,
    /// The provider's name for the exchange, for its support.
    pub request_id: Option<String>,
}

/// Why an attempt brought no good answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttemptError {
    /// What happened and what a person can do about it; holds no key.
    pub failure: Failure,
    /// Whether the provider will have charged for it.
    pub billed: Billed,
    /// What it used up, where the provider said.
    pub usage: Option<Usage>,
    /// How long the provider asks to wait, in milliseconds.
    pub retry_after_ms: Option<u64>,
    /// The text that had arrived.
    pub partial: Option<String>,
    /// True where the request had been sent and nobody knows what became of it: the connection broke
    /// or timed out, or the answer ended without saying that it was complete.
    pub lost: bool,
}

impl AttemptError {
    /// A failure that cost nothing: the request was not sent, or it was turned away.
    pub fn unbilled(failure: Failure) -> Self {
        Self {
            failure,
            billed: Billed::No,
            usage: None,
            retry_after_ms: None,
            partial: None,
            lost: false,
        }
    }

    /// A failure of an answer that had begun, and that was charged as far as can be known.
    pub fn of_answer(failure: Failure, usage: Option<Usage>, partial: Option<String>) -> Self {
        let billed = if usage.is_some() { Billed::Reported } else { Billed::Assumed };
        Self { failure, billed, usage, retry_after_ms: None, partial, lost: false }
    }

    /// The same failure where nobody knows what became of the request.
    #[must_use]
    pub fn lost(mut self) -> Self {
        self.lost = true;
        self
    }

    /// What kind of failure it is.
    pub fn class(&self) -> FailureClass {
        self.failure.class
    }
}

impl fmt::Display for AttemptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.failure.fmt(f)
    }
}

impl std::error::Error for AttemptError {}
