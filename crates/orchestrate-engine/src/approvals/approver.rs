//! Asking a person while a run goes on.

use orchestrate_core::{
    Timestamp,
    ids::{Digest, RunId, StepPath},
};
use tokio::sync::mpsc;

use super::GivenDecision;

/// Whoever asks a person while a run goes on.
pub trait Approver: Send {
    /// Puts a question and returns at once. What comes of it goes through `answers`; several questions may
    /// be open, and an answer to one that somebody else has decided meanwhile changes nothing.
    fn ask(&mut self, question: Question, answers: mpsc::Sender<PersonAnswer>);

    /// The question of `step` is decided or over.
    fn settled(&mut self, step: &StepPath);
}

/// What a person is asked, with what it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// The run.
    pub run: RunId,
    /// The step that asks.
    pub step: StepPath,
    /// What exactly is approved.
    pub subject: Digest,
    /// The question.
    pub text: String,
    /// What the steps before it made, in the order of the needs.
    pub grounds: Vec<Ground>,
    /// From when on nobody can decide any more.
    pub expires_at: Option<Timestamp>,
}

/// What one need gives to a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ground {
    /// The step.
    pub step: StepPath,
    /// Who made it, where a persona did.
    pub persona: Option<String>,
    /// Its document; none where an optional step failed.
    pub text: Option<String>,
}

/// What came of a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PersonAnswer {
    /// It is decided.
    Decided {
        /// The step that asked.
        step: StepPath,
        /// What the decision is about.
        subject: Digest,
        /// What was decided.
        given: GivenDecision,
    },
    /// Nobody is there any more.
    Gone,
}
