//! Failures: outcomes of work, as opposed to errors of the program.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// Kinds of failure, as far apart as the answer to "what now?" is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureClass {
    /// No connection could be made; nothing was sent.
    Connect,
    /// The request was sent and then the connection broke, or the answer ended early.
    StreamCut,
    /// No first token, no further token, or no end in the time allowed.
    Timeout,
    /// The provider asks to slow down (429).
    RateLimited,
    /// The provider cannot serve right now (408, 409, 5xx).
    Unavailable,
    /// The provider says that it has too much to do, whoever asks (529).
    Overloaded,
    /// The provider says that the account's quota or credit is used up.
    QuotaExhausted,
    /// Credentials are missing, refused or not allowed to do this (401, 403).
    Credentials,
    /// Model or address unknown (404).
    NotFound,
    /// The provider refuses the request as malformed (400, 413, 422 …).
    BadRequest,
    /// The prompt does not fit the model's context window.
    ContextTooLong,
    /// The model refused, or a content filter stopped it.
    Refused,
    /// The answer hit its token limit.
    Truncated,
    /// The answer held no text.
    Empty,
    /// The answer is not what the protocol promises: HTML, broken JSON, no or unknown finish reason.
    Malformed,
    /// The answer holds no value that fits the schema it was asked for under.
    Misfit,
    /// The server does not take a parameter that this request does not depend on; the next attempt goes
    /// without it.
    Unsupported,
    /// The document did not pass its review.
    ReviewFailed,
    /// A redirect, which is never followed.
    Redirected,
    /// A replay was asked for a call that its cassette does not hold.
    NotRecorded,
    /// The step could not be prepared: a template, a file or a handoff that does not fit.
    Preparation,
    /// The budget does not cover the call any more.
    OverBudget,
    /// A person said no.
    NotApproved,
    /// Nobody decided in time.
    ApprovalExpired,
    /// An item of a fan-out, or a step of a group, failed.
    Inside,
}

impl FailureClass {
    /// A short phrase for people.
    pub fn phrase(self) -> &'static str {
        match self {
            Self::Connect => "no connection",
            Self::StreamCut => "answer cut off",
            Self::Timeout => "timed out",
            Self::RateLimited => "rate limited",
            Self::Unavailable => "provider unavailable",
            Self::Overloaded => "provider overloaded",
            Self::QuotaExhausted => "quota used up",
            Self::Credentials => "credentials refused",
            Self::NotFound => "model or address not found",
            Self::BadRequest => "request refused",
            Self::ContextTooLong => "prompt too long for the model",
            Self::Refused => "model refused",
            Self::Truncated => "answer truncated",
            Self::Empty => "answer empty",
            Self::Malformed => "answer malformed",
            Self::Misfit => "answer does not fit its schema",
            Self::Unsupported => "parameter not supported",
            Self::ReviewFailed => "review not passed",
            Self::Redirected => "redirected",
            Self::NotRecorded => "not in the cassette",
            Self::Preparation => "could not be prepared",
            Self::Inside => "failed inside",
            Self::OverBudget => "not covered by the budget",
            Self::NotApproved => "not approved",
            Self::ApprovalExpired => "approval expired",
        }
    }

    /// Whether the same question, asked again of the same model, is likely to fail alike: something has to
    /// be changed that a resumed run keeps as it is.
    pub fn lasts(self) -> bool {
        match self {
            Self::NotFound
            | Self::BadRequest
            | Self::ContextTooLong
            | Self::Refused
            | Self::Truncated
            | Self::ReviewFailed
            | Self::NotRecorded
            | Self::Preparation => true,
            Self::Inside
            | Self::Connect
            | Self::StreamCut
            | Self::Timeout
            | Self::RateLimited
            | Self::Unavailable
            | Self::Overloaded
            | Self::QuotaExhausted
            | Self::Credentials
            | Self::Empty
            | Self::Malformed
            | Self::Misfit
            | Self::Unsupported
            | Self::Redirected
            | Self::OverBudget
            | Self::NotApproved
            | Self::ApprovalExpired => false,
        }
    }

    /// Whether another model may be asked in the place of one that fails like this: the provider could not
    /// be reached or had no time, and the request itself was not at fault.
    pub fn calls_for_another_model(self) -> bool {
        matches!(
            self,
            Self::Connect
                | Self::StreamCut
                | Self::Timeout
                | Self::RateLimited
                | Self::Unavailable
                | Self::Overloaded
                | Self::QuotaExhausted
        )
    }

    /// Whether the answer itself was turned down, as opposed to the exchange having failed.
    pub fn is_rejection(self) -> bool {
        matches!(self, Self::Refused | Self::Truncated | Self::Empty)
    }
}

/// Whether the provider will have charged for a failed attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Billed {
    /// Nothing was sent or the provider turned it away: the reservation is given back.
    No,
    /// It may have been, so the reservation stays spent.
    Assumed,
    /// The provider reported usage; that is what is charged.
    Reported,
}

/// An outcome of work that is not a success.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What kind of failure it is.
    pub class: FailureClass,
    /// What was seen, one line, never holding a credential.
    pub message: String,
    /// What a person can do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// The time from which another attempt makes sense, where the provider said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<Timestamp>,
}

impl Failure {
    /// A failure without advice.
    pub fn new(class: FailureClass, message: impl Into<String>) -> Self {
        Self { class, message: message.into(), help: None, not_before: None }
    }

    /// The same failure with advice.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.class.phrase(), self.message)
    }
}
