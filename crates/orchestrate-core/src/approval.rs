//! Approvals: what a person is asked, what they decided, and what exactly the decision is about.

use serde::{Deserialize, Serialize};

use crate::{
    Timestamp,
    brief::{Brief, Decision},
    ids::{Digest, FieldHasher, RunId, StepPath},
    neutral,
};

/// The longest note on a decision, in bytes.
pub const MAX_NOTE_BYTES: usize = 4_096;
/// The longest name of a person, in characters.
pub const LONGEST_NAME: usize = 80;
/// Characters of the question that its brief repeats.
const QUESTION_IN_BRIEF: usize = 300;

/// What a person is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovalRequest {
    /// Digest of the question's text.
    pub question: Digest,
    /// What exactly is approved, see [`subject`]: a decision about anything else does not count.
    pub subject: Digest,
    /// From when on nobody can decide any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

/// What a person decided. The note is a remark of a few lines and stands in the event itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovalDecision {
    /// Yes or no.
    pub approved: bool,
    /// The name under which the system knows the person.
    pub by: String,
    /// What they said about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// What a yes hands to those who depend on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<ApprovalAnswer>,
    /// Where the decision was made, if it was in an earlier run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<DecisionOrigin>,
}

/// What a yes hands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovalAnswer {
    /// Digest of the text: the note, or `Approved.`.
    pub deliverable: Digest,
    /// Digest of the brief's JSON.
    pub brief: Digest,
}

/// The run and time of a decision that is used again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DecisionOrigin {
    /// The run.
    pub run: RunId,
    /// When it was decided.
    pub at: Timestamp,
}

/// What a need gives to an approval: its step, and the digests of deliverable and brief, or the reason why
/// there are none.
pub type Ground<'a> = (&'a StepPath, Result<(Digest, Option<Digest>), &'a str>);

/// The digest of what is approved: the question and everything that the needs give, byte for byte.
pub fn subject<'a>(question: &str, grounds: impl IntoIterator<Item = Ground<'a>>) -> Digest {
    let mut hasher = FieldHasher::new("orchestrate 2026 approval subject 1");
    hasher.field(question);
    for (step, given) in grounds {
        hasher.field(step.as_str());
        match given {
            Ok((deliverable, brief)) => {
                hasher.field("given").field(deliverable.as_bytes());
                match brief {
                    Some(brief) => hasher.field(brief.as_bytes()),
                    None => hasher.field(""),
                };
            }
            Err(reason) => {
                hasher.field("not available").field(reason);
            }
        }
    }
    hasher.finish()
}

/// Text and brief that a yes hands on. They depend on question and note alone, so that the same decision
/// asks the same of those who come after.
pub fn answer(question: &str, note: Option<&str>) -> (String, Brief) {
    let text = note.map_or_else(|| "Approved.".to_owned(), str::to_owned);
    let decision = Decision {
        id: String::new(),
        decision: format!("A person approved: {}", neutral::excerpt(question, QUESTION_IN_BRIEF)),
        why: note.map(neutral::one_line).unwrap_or_default(),
    };
    (text, Brief { decisions: vec![decision], ..Brief::default() })
}

/// A note as it is kept: trimmed, without characters that nobody sees; none where nothing is left.
pub fn note(given: &str) -> Option<String> {
    let (seen, _) = neutral::without_hidden(given);
    let trimmed = seen.trim();
    (!trimmed.is_empty()).then(|| trimmed.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_approval_is_of_the_exact_question_and_everything_before_it() {
        let (data, model) = (StepPath::new("data"), StepPath::new("model"));
        let given = |text: &str| Ok((Digest::of(text), None));
        let base = subject("Go?", [(&data, given("a"))]);
        assert_eq!(subject("Go?", [(&data, given("a"))]), base);
        let others = [
            subject("Go!", [(&data, given("a"))]),
            subject("Go?", [(&data, given("b"))]),
            subject("Go?", [(&model, given("a"))]),
            subject("Go?", [(&data, Ok((Digest::of("a"), Some(Digest::of("x")))))]),
            subject("Go?", [(&data, Err("it failed"))]),
            subject("Go?", [(&data, given("a")), (&model, given("a"))]),
            subject("Go?", []),
        ];
        for (at, other) in others.iter().enumerate() {
            assert_ne!(*other, base, "{at}");
        }
    }

    #[test]
    fn a_note_becomes_the_deliverable_and_a_brief_tells_the_question() {
        let (text, brief) = answer("Deploy?\n\nIt is late.", Some("in the EU only"));
        assert_eq!(text, "in the EU only");
        assert_eq!(
            brief.to_markdown(),
            "Decisions:\n- A person approved: Deploy? It is late. — in the EU only\n"
        );
        assert_eq!(answer("Deploy?", None).0, "Approved.");
        assert_eq!(note(" \u{200b}\n "), None);
        assert_eq!(note(" fine\u{202e} "), Some("fine".to_owned()));
    }
}
