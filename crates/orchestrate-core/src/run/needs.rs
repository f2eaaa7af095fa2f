//! What becomes of a step when its needs come to an end, and when such an end is undone.

use std::sync::Arc;

use super::{
    machine::Run,
    step::{Happening, IllegalEvent, StepStatus},
};
use crate::{event::SkipReason, flow::When};

/// How a step came to its end, as those see it that need it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// It has a deliverable.
    Good,
    /// It failed and nothing rests on it.
    Tolerated,
    /// It was not run.
    Skipped,
    /// It failed, or can never begin because something before it failed.
    Failed,
}

/// What became of the needs of one step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct NeedCount {
    /// Not at an end.
    pub(super) open: usize,
    pub(super) good: usize,
    pub(super) tolerated: usize,
    pub(super) skipped: usize,
    pub(super) failed: usize,
}

impl NeedCount {
    fn of(&mut self, ending: Ending) -> &mut usize {
        match ending {
            Ending::Good => &mut self.good,
            Ending::Tolerated => &mut self.tolerated,
            Ending::Skipped => &mut self.skipped,
            Ending::Failed => &mut self.failed,
        }
    }

    /// What a step does once none of its needs is open.
    fn verdict(&self, when: When) -> Verdict {
        match when {
            When::All if self.failed > 0 => Verdict::Held,
            When::All if self.skipped > 0 => Verdict::SkippedNeed,
            When::Any if self.good == 0 && self.tolerated + self.skipped + self.failed > 0 => {
                Verdict::NoneGood
            }
            When::All | When::Any | When::Always => Verdict::Runs,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Runs,
    Held,
    SkippedNeed,
    NoneGood,
}

impl Run {
    fn when(&self, step: usize) -> When {
        self.plan.steps()[self.instances[step].position].flow.when
    }

    /// The instances of the same group that stand at the other ends of edges.
    pub(super) fn beside(&self, step: usize, positions: &[usize]) -> Vec<usize> {
        let instance = &self.instances[step];
        if instance.item.is_some() {
            return Vec::new();
        }
        let first = match instance.parent {
            None => 0,
            Some(parent) => match &self.instances[parent].children {
                Some(children) => children.first,
                None => return Vec::new(),
            },
        };
        positions.iter().map(|&position| first + self.plan.ordinal(position)).collect()
    }

    fn dependents(&self, step: usize) -> Vec<usize> {
        self.beside(step, self.plan.dependents(self.instances[step].position))
    }

    /// Why a step that could begin is skipped instead, where it is.
    pub(super) fn skips(&self, step: usize) -> Option<SkipReason> {
        let instance = &self.instances[step];
        match instance.needs.verdict(self.when(step)) {
            Verdict::Runs | Verdict::Held => None,
            Verdict::NoneGood => Some(SkipReason::NoneSucceeded),
            Verdict::SkippedNeed => {
                let needs = self.beside(step, self.plan.needs(instance.position));
                let skipped = needs
                    .into_iter()
                    .find(|&need| self.instances[need].ending == Some(Ending::Skipped))?;
                Some(SkipReason::Need(self.instances[skipped].path.clone()))
            }
        }
    }

    /// The step is at its end: whoever needs it has one open need less, and whatever it is a part of one
    /// open part less. A step that can never begin any more is at its end as well.
    pub(super) fn settle(&mut self, step: usize, ending: Ending) -> Result<(), IllegalEvent> {
        let mut work = vec![(step, ending)];
        while let Some((step, ending)) = work.pop() {
            self.instances[step].ending = Some(ending);
            let spreads = ending == Ending::Failed || self.instances[step].aftermath;
            for dependent in self.dependents(step) {
                self.touches += 1;
                let when = self.when(dependent);
                let instance = &mut self.instances[dependent];
                instance.needs.open -= 1;
                *instance.needs.of(ending) += 1;
                instance.aftermath |= spreads;
                if instance.needs.open > 0 {
                    continue;
                }
                if instance.needs.verdict(when) == Verdict::Held {
                    work.push((dependent, Ending::Failed));
                } else {
                    self.advance(dependent, Happening::NeedsMet, "needs_met")?;
                    self.ready.push_back(dependent);
                }
            }
            self.part_ended(step, ending);
        }
        Ok(())
    }

    /// The end of a step is undone.
    pub(super) fn unsettle(&mut self, step: usize) {
        let plan = Arc::clone(&self.plan);
        let mut work = vec![step];
        while let Some(step) = work.pop() {
            let Some(ending) = self.instances[step].ending.take() else { continue };
            self.part_reopened(step, ending);
            for dependent in self.dependents(step) {
                self.touches += 1;
                let needs = self.beside(dependent, plan.needs(self.instances[dependent].position));
                let aftermath = needs.iter().any(|&need| {
                    let need = &self.instances[need];
                    need.ending == Some(Ending::Failed) || need.aftermath
                });
                let instance = &mut self.instances[dependent];
                instance.aftermath = aftermath;
                instance.needs.open += 1;
                *instance.needs.of(ending) -= 1;
                if instance.status == StepStatus::Blocked {
                    work.push(dependent);
                }
            }
        }
    }

    /// Whether a failure stands behind the step, or behind something that it is a part of.
    fn is_aftermath(&self, step: usize) -> bool {
        let mut at = Some(step);
        while let Some(step) = at {
            if self.instances[step].aftermath {
                return true;
            }
            at = self.instances[step].parent;
        }
        false
    }

    /// Whether the step may do something new. A run that fails starts only what is there for failures.
    pub(super) fn may_start(&self, step: usize) -> bool {
        match &self.stopping {
            None => true,
            Some(outcome) => outcome.is_failed_step() && self.is_aftermath(step),
        }
    }
}
