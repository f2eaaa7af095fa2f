//! What a selection says: who was chosen, by which terms, and why the others were not.

/// Which personas a task calls for, and the reasons.
#[derive(Debug, Clone, PartialEq)]
pub struct Selection {
    /// Names of the personas the task calls for, the best first; empty where none fits.
    pub selected: Vec<String>,
    /// Every persona that shares a term with the task or was named by it, the best first. Where none
    /// fits, the first three are the nearest.
    pub matches: Vec<Match>,
    /// How the choice came about.
    pub verdict: Verdict,
    /// The best of those not selected, where somebody was selected by terms.
    pub runner_up: Option<RunnerUp>,
    /// Personas the task rules out, in the order of the library.
    pub refused: Vec<Refused>,
    /// Titles and other names that the task calls somebody by and that several personas have: they call none of
    /// them, and the terms of the task decide.
    pub ambiguous: Vec<Ambiguous>,
}

impl Selection {
    /// The match of the persona with this name.
    pub fn find(&self, name: &str) -> Option<&Match> {
        self.matches.iter().find(|found| found.name == name)
    }

    /// The three best, whether they were selected or not.
    pub fn nearest(&self) -> &[Match] {
        &self.matches[..self.matches.len().min(3)]
    }
}

/// How a selection came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The task calls the selected personas by name.
    Named,
    /// One persona fits best.
    Matched,
    /// The task has parts for several personas.
    Several,
    /// No persona fits well enough.
    None,
}

/// A persona that shares terms with the task.
#[derive(Debug, Clone, PartialEq)]
pub struct Match {
    /// The persona's name.
    pub name: String,
    /// The sum of its terms' weights, less what speaks against it; rounded to three decimals.
    pub score: f64,
    /// The shared terms, the heaviest first.
    pub terms: Vec<Term>,
}

/// A term by which a persona fits a task.
#[derive(Debug, Clone, PartialEq)]
pub struct Term {
    /// The words of the task.
    pub text: String,
    /// The field of the persona that says most about the term, such as `capabilities`.
    pub field: &'static str,
    /// What the term adds to the score; negative where it comes from `when_not_to_use`.
    pub weight: f64,
}

/// The best persona that was not selected.
#[derive(Debug, Clone, PartialEq)]
pub struct RunnerUp {
    /// The persona's name.
    pub name: String,
    /// How far its score lies behind the first.
    pub behind: f64,
    /// Words of the task for which the first has more to say than this one, the heaviest first.
    pub lacks: Vec<String>,
}

/// A persona the task rules out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The persona's name.
    pub name: String,
    /// The words of the task that name what is not wanted.
    pub text: String,
}

/// A title, abbreviation or alias in a task that several personas have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ambiguous {
    /// The words of the task.
    pub text: String,
    /// The names of the personas, in the order of the library.
    pub names: Vec<String>,
}
