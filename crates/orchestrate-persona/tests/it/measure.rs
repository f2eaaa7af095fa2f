//! How often a way of choosing personas is right.

use orchestrate_core::persona::Persona;
use orchestrate_persona::{Selector, Verdict};

use super::{
    baselines::{Bm25, CharacterTfIdf, Ranker},
    labelled::Labelled,
};

/// What was chosen for one task.
#[derive(Debug)]
pub(crate) struct Answer {
    /// Persona names, the best first.
    pub(crate) ranked: Vec<String>,
    /// What those that fit are; empty where none does.
    pub(crate) selected: Vec<String>,
}

/// Shares in percent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Totals {
    /// Of the tasks within scope, those whose first persona is one that is called for, whether or not
    /// the task was kept.
    pub(crate) top1: f64,
    /// The same for one of the first three.
    pub(crate) top3: f64,
    /// Of the tasks out of scope, those refused.
    pub(crate) refused: f64,
    /// Of the tasks within scope, those not refused.
    pub(crate) kept: f64,
    /// Of the tasks for several personas, those for which exactly these are selected.
    pub(crate) exact: f64,
}

impl Totals {
    pub(crate) fn of(answers: &[(&Labelled, Answer)]) -> Self {
        let within: Vec<_> = answers.iter().filter(|(task, _)| !task.expected.is_empty()).collect();
        let outside: Vec<_> = answers.iter().filter(|(task, _)| task.expected.is_empty()).collect();
        let several: Vec<_> = answers.iter().filter(|(task, _)| task.expected.len() > 1).collect();
        let hit = |task: &Labelled, answer: &Answer, first: usize| {
            answer.ranked.iter().take(first).any(|name| task.expected.contains(name))
        };
        Self {
            top1: percent(within.iter().filter(|(t, a)| hit(t, a, 1)).count(), within.len()),
            top3: percent(within.iter().filter(|(t, a)| hit(t, a, 3)).count(), within.len()),
            refused: percent(
                outside.iter().filter(|(_, a)| a.selected.is_empty()).count(),
                outside.len(),
            ),
            kept: percent(
                within.iter().filter(|(_, a)| !a.selected.is_empty()).count(),
                within.len(),
            ),
            exact: percent(several.iter().filter(|(t, a)| same(t, a)).count(), several.len()),
        }
    }
}

/// Whether exactly the expected personas were selected, in any order.
pub(crate) fn same(task: &Labelled, answer: &Answer) -> bool {
    task.expected.len() == answer.selected.len()
        && task.expected.iter().all(|name| answer.selected.contains(name))
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
fn percent(part: usize, whole: usize) -> f64 {
    100.0 * part as f64 / whole.max(1) as f64
}

/// The product's own choice.
pub(crate) fn ours<'t>(selector: &Selector, tasks: &[&'t Labelled]) -> Vec<(&'t Labelled, Answer)> {
    let answer = |task: &&'t Labelled| {
        let selection = selector.select(&task.task);
        let ranked = selection.matches.iter().map(|found| found.name.clone()).collect();
        debug_assert_eq!(selection.selected.is_empty(), selection.verdict == Verdict::None);
        (*task, Answer { ranked, selected: selection.selected })
    };
    tasks.iter().map(answer).collect()
}

/// A baseline with the floor that suits it best.
pub(crate) struct Baseline {
    pub(crate) name: &'static str,
    ranker: Box<dyn Ranker>,
    names: Vec<String>,
    floor: f64,
}

impl Baseline {
    /// Both baselines, each with the floor that refuses most out-of-scope tasks of `tuning` while it
    /// keeps 95 % of the others.
    pub(crate) fn all(personas: &[Persona], tuning: &[&Labelled]) -> [Self; 2] {
        let names: Vec<String> = personas.iter().map(|persona| persona.name.clone()).collect();
        let rankers: [(&str, Box<dyn Ranker>); 2] = [
            ("BM25", Box::new(Bm25::new(personas))),
            ("character TF-IDF", Box::new(CharacterTfIdf::new(personas))),
        ];
        rankers.map(|(name, ranker)| {
            let mut baseline = Self { name, ranker, names: names.clone(), floor: 0.0 };
            baseline.floor = baseline.best_floor(tuning);
            baseline
        })
    }

    fn best_floor(&self, tuning: &[&Labelled]) -> f64 {
        let best =
            |task: &&&Labelled| self.ranker.scores(&task.task).into_iter().fold(0.0, f64::max);
        let mut within: Vec<f64> = tuning
            .iter()
            .filter(|task| !task.expected.is_empty())
            .map(|task| best(&task))
            .collect();
        within.sort_by(f64::total_cmp);
        // The highest floor under which no more than a twentieth falls: refusals only grow with it.
        within[within.len() / 20]
    }

    pub(crate) fn answers<'t>(&self, tasks: &[&'t Labelled]) -> Vec<(&'t Labelled, Answer)> {
        let answer = |task: &&'t Labelled| {
            let scores = self.ranker.scores(&task.task);
            let mut order: Vec<usize> = (0..scores.len()).filter(|at| scores[*at] > 0.0).collect();
            order.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]));
            let ranked: Vec<String> = order.iter().map(|at| self.names[*at].clone()).collect();
            let fits = order.first().is_some_and(|at| scores[*at] >= self.floor);
            let selected = ranked.iter().take(usize::from(fits)).cloned().collect();
            (*task, Answer { ranked, selected })
        };
        tasks.iter().map(answer).collect()
    }
}
