//! When a review comes to its end.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// Why a review came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stop {
    /// The review's condition does not hold: nobody was asked.
    SwitchedOff,
    /// Nothing stands in the way any more: the document passes.
    Converged,
    /// Nothing fails, but a required gate was judged by nobody.
    NotJudged,
    /// A round has settled nothing of what the one before it left.
    Stagnating,
    /// What had been settled is open again, and no less stands in the way.
    Oscillating,
    /// The last round is over.
    RoundsUsedUp,
}

impl Stop {
    /// Whether the document passes.
    pub fn passes(self) -> bool {
        self == Self::Converged
    }

    /// A short phrase for people.
    pub fn phrase(self) -> &'static str {
        match self {
            Self::SwitchedOff => "switched off",
            Self::Converged => "converged",
            Self::NotJudged => "not judged",
            Self::Stagnating => "stagnating",
            Self::Oscillating => "oscillating",
            Self::RoundsUsedUp => "rounds used up",
        }
    }
}

/// What a round has left.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RoundState {
    /// Required gates that fail and metrics that are missed: what the document does not pass with.
    pub blocking: BTreeSet<String>,
    /// These, and the findings that are open.
    pub open: BTreeSet<String>,
    /// Whether a required gate was judged by nobody.
    pub unjudged: bool,
    /// Whether a required gate waits for a person.
    pub undecided: bool,
}

/// Why a review of at most `most` rounds ends after these, or `None` where the author is asked for a
/// new version. Without a round there is nothing to end.
pub fn stop(rounds: &[RoundState], most: u16) -> Option<Stop> {
    let (last, before) = rounds.split_last()?;
    if last.blocking.is_empty() {
        return Some(if last.unjudged || last.undecided {
            Stop::NotJudged
        } else {
            Stop::Converged
        });
    }
    if let Some(previous) = before.last() {
        let reopened = last.open.difference(&previous.open).any(|item| {
            before[..before.len() - 1].iter().any(|earlier| earlier.open.contains(item))
        });
        if reopened && last.open.len() >= previous.open.len() {
            return Some(Stop::Oscillating);
        }
        if last.open.is_superset(&previous.open) {
            return Some(Stop::Stagnating);
        }
    }
    (rounds.len() >= usize::from(most)).then_some(Stop::RoundsUsedUp)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn round(open: &[&str]) -> RoundState {
        let open: BTreeSet<String> = open.iter().map(|item| (*item).to_owned()).collect();
        RoundState { blocking: open.clone(), open, ..RoundState::default() }
    }

    fn check(rounds: &[&[&str]], most: u16, expected: Option<Stop>) {
        let rounds: Vec<RoundState> = rounds.iter().map(|open| round(open)).collect();
        assert_eq!(stop(&rounds, most), expected, "{rounds:?}");
    }

    #[test]
    fn each_reason_has_its_pattern() {
        check(&[], 3, None);
        check(&[&[]], 3, Some(Stop::Converged));
        check(&[&["a", "b"]], 3, None);
        check(&[&["a", "b"], &["a"]], 3, None);
        check(&[&["a"], &["a"]], 3, Some(Stop::Stagnating));
        check(&[&["a"], &["a", "b"]], 3, Some(Stop::Stagnating));
        check(&[&["a"], &["b"], &["a"]], 9, Some(Stop::Oscillating));
        check(&[&["a"], &["b"], &["c"]], 9, None);
        check(&[&["a", "b"], &["b", "c"], &["a"]], 9, None);
        check(&[&["a"], &["b"]], 2, Some(Stop::RoundsUsedUp));
        let unjudged = RoundState { unjudged: true, ..RoundState::default() };
        assert_eq!(stop(&[unjudged], 1), Some(Stop::NotJudged));
    }

    proptest! {
        #[test]
        fn a_review_ends_within_its_rounds_and_passes_only_with_nothing_left(
            shape in prop::collection::vec(prop::collection::btree_set(0_u8..4, 0..4), 1..8),
            most in 1_u16..6,
        ) {
            let rounds: Vec<RoundState> = shape
                .iter()
                .map(|open| {
                    let open: BTreeSet<String> = open.iter().map(u8::to_string).collect();
                    RoundState { blocking: open.clone(), open, ..RoundState::default() }
                })
                .collect();
            let found = stop(&rounds, most);
            let last = rounds.last().expect("a round");
            prop_assert_eq!(found == Some(Stop::Converged), last.blocking.is_empty());
            if rounds.len() >= usize::from(most) {
                prop_assert!(found.is_some());
            }
            match found {
                Some(Stop::Stagnating) => {
                    let previous = &rounds[rounds.len() - 2];
                    prop_assert!(last.open.is_superset(&previous.open));
                }
                Some(Stop::Oscillating) => prop_assert!(rounds.len() > 2),
                _ => {}
            }
        }
    }
}
