//! A decision as a person gives it, and as the journal keeps it.

use std::path::Path;

use orchestrate_core::{
    approval::{self, ApprovalAnswer, ApprovalDecision, LONGEST_NAME, MAX_NOTE_BYTES},
    neutral,
};

use crate::{library::read_text, store::Blob};

/// The largest list of users that is looked through: 4 MiB.
const MOST_USERS: u64 = 4 << 20;

/// A yes or no as a person gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GivenDecision {
    /// Yes or no.
    pub approved: bool,
    /// The name under which the system knows them.
    pub by: String,
    /// What they said about it.
    pub note: Option<String>,
}

/// A note that is a document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the note has {0} bytes; {MAX_NOTE_BYTES} are allowed")]
pub struct NoteTooLong(usize);

impl GivenDecision {
    /// The decision of whoever runs this program.
    pub fn of_this_user(approved: bool, note: Option<&str>) -> Result<Self, NoteTooLong> {
        Self { approved, by: user_name(), note: note.and_then(approval::note) }.within_limits()
    }

    /// The decision, unless its note is too long.
    pub(super) fn within_limits(self) -> Result<Self, NoteTooLong> {
        match &self.note {
            Some(note) if note.len() > MAX_NOTE_BYTES => Err(NoteTooLong(note.len())),
            _ => Ok(self),
        }
    }
}

/// A decision on `question` as the journal keeps it, with the contents it speaks of.
pub(crate) fn decided(given: GivenDecision, question: &str) -> (ApprovalDecision, Vec<Blob>) {
    let mut contents = Vec::new();
    let answer = given.approved.then(|| {
        let (text, brief) = approval::answer(question, given.note.as_deref());
        let text = Blob::new(text);
        let brief = Blob::new(serde_json::to_vec(&brief).expect("a brief is plain data"));
        let answer = ApprovalAnswer { deliverable: text.digest, brief: brief.digest };
        contents.extend([text, brief]);
        answer
    });
    let GivenDecision { approved, by, note } = given;
    let by = neutral::excerpt(&by, LONGEST_NAME);
    (ApprovalDecision { approved, by, note, answer, origin: None }, contents)
}

/// The name of whoever runs this program: that of the system's list of users, not of the environment,
/// which anybody sets.
pub fn user_name() -> String {
    let id = rustix::process::getuid().as_raw();
    let users = read_text(Path::new("/etc/passwd"), MOST_USERS).unwrap_or_default();
    name_of(&users, id).unwrap_or_else(|| format!("user {id}"))
}

fn name_of(users: &str, id: u32) -> Option<String> {
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next().filter(|name| !name.is_empty())?;
        (fields.nth(1)?.parse() == Ok(id)).then(|| name.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_found_by_number() {
        let users =
            "root:x:0:0:root:/root:/bin/sh\nbroken\n:x:7:7\nada:x:1000:1000::/home/ada:/bin/sh\n";
        assert_eq!(name_of(users, 1_000).as_deref(), Some("ada"));
        assert_eq!(name_of(users, 0).as_deref(), Some("root"));
        assert_eq!(name_of(users, 7), None);
        assert!(!user_name().is_empty());
    }

    #[test]
    fn a_yes_has_contents_and_a_no_has_none() {
        let given = |approved| GivenDecision { approved, by: "ada\u{1b}[2J".into(), note: None };
        let (yes, contents) = decided(given(true), "Go?");
        let answer = yes.answer.expect("an answer");
        assert_eq!(contents[0].digest, answer.deliverable);
        assert_eq!(&*contents[0].content, b"Approved.");
        assert_eq!(yes.by, "ada\\u{1b}[2J");
        let (no, contents) = decided(given(false), "Go?");
        assert!(no.answer.is_none() && contents.is_empty());
    }

    #[test]
    fn a_note_is_no_document() {
        let long = "x".repeat(MAX_NOTE_BYTES + 1);
        assert!(GivenDecision::of_this_user(true, Some(&long)).is_err());
        let fine = GivenDecision::of_this_user(true, Some(" fine ")).expect("short");
        assert_eq!(fine.note.as_deref(), Some("fine"));
    }
}
