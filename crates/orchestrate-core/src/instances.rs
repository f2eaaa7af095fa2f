//! What a run summary knows of steps that run more than once: how many instances there are, and each.

use indexmap::IndexMap;
use serde::Serialize;

use crate::{
    Timestamp,
    event::{Event, SkipReason},
    ids::StepPath,
    plan::Plan,
    summary::{RunSummary, StepState, StepSummary},
};

/// Notes that the row of a step with many instances keeps.
const MOST_NOTES: usize = 20;

/// How many instances of a step there are, and how they stand: the items of a fan-out, or the same step of
/// a group in each of its items.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct ItemCounts {
    /// Known so far.
    pub found: usize,
    /// Finished.
    pub succeeded: usize,
    /// Given up.
    pub failed: usize,
    /// Not run.
    pub skipped: usize,
}

impl ItemCounts {
    /// At their end.
    pub fn ended(&self) -> usize {
        self.succeeded + self.failed + self.skipped
    }

    fn of(&mut self, state: StepState) -> Option<&mut usize> {
        match state {
            StepState::Succeeded => Some(&mut self.succeeded),
            StepState::Failed => Some(&mut self.failed),
            StepState::Skipped => Some(&mut self.skipped),
            StepState::Waiting
            | StepState::Running
            | StepState::Retrying
            | StepState::AwaitingApproval => None,
        }
    }
}

/// The instances of repeated steps, by path, in the order in which something first happened to them.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Instances {
    pub(crate) known: IndexMap<StepPath, StepSummary>,
    /// Items found by fan-out, and `None` for the groups that were opened.
    opened: IndexMap<StepPath, Option<usize>>,
}

/// Whether a path leads through an item.
pub(crate) fn is_repeated(path: &StepPath) -> bool {
    path.as_str().contains('[')
}

/// Whether `path` is below `above`: an item or a step of it.
fn is_below(path: &StepPath, above: &StepPath) -> bool {
    let rest = path.as_str().strip_prefix(above.as_str());
    rest.is_some_and(|rest| rest.starts_with(['[', '/']))
}

/// Whether a path is one of those that the row of its step counts.
fn is_counted(plan: &Plan, path: &StepPath) -> bool {
    let fans_out = plan.position_of(path).is_some_and(|at| plan.steps()[at].flow.each.is_some());
    is_repeated(path) && (!fans_out || path.as_str().ends_with(']'))
}

impl RunSummary {
    /// The instances of a step that runs more than once, in the order of the items, as far as something has
    /// happened to them.
    pub fn instances_of(&self, position: usize) -> Vec<&StepSummary> {
        let step = &self.plan().steps()[position].id;
        let known = self.instances.known.values();
        let mut own: Vec<&StepSummary> = known
            .filter(|told| told.step.step() == *step && is_counted(self.plan(), &told.step))
            .collect();
        own.sort_by_cached_key(|told| told.step.numbers());
        own
    }

    /// Every instance of a step that runs more than once.
    pub fn instances(&self) -> impl Iterator<Item = &StepSummary> {
        self.instances.known.values()
    }

    /// The steps that count as such: those that run once for every item of a group are parts of it.
    pub fn counted(&self) -> impl Iterator<Item = &StepSummary> {
        let plan = self.plan();
        self.steps.iter().enumerate().filter_map(move |(at, row)| {
            let within = plan.group(at).is_some_and(|group| plan.repeats(group));
            (!within).then_some(row)
        })
    }

    /// Steps that have come to an end with which the run can be complete.
    pub fn ended(&self) -> usize {
        let ended = |row: &&StepSummary| match row.state {
            StepState::Succeeded | StepState::Skipped => true,
            StepState::Failed => row.optional,
            StepState::Waiting
            | StepState::Running
            | StepState::Retrying
            | StepState::AwaitingApproval => false,
        };
        self.counted().filter(ended).count()
    }

    /// Finished fans-out in which items failed.
    pub fn with_failed_items(&self) -> impl Iterator<Item = &StepSummary> {
        self.steps.iter().filter(|row| {
            row.state == StepState::Succeeded && row.items.is_some_and(|items| items.failed > 0)
        })
    }

    /// Whether a complete run lacks something: an optional step, or an item of a fan-out.
    pub fn is_partial(&self) -> bool {
        self.given_up().next().is_some() || self.with_failed_items().next().is_some()
    }

    /// The row or the instance that an event speaks of; an instance is made where there is none yet.
    pub(crate) fn told_mut(&mut self, path: &StepPath) -> Option<&mut StepSummary> {
        let position = self.plan().position_of(path)?;
        if !is_repeated(path) {
            return Some(&mut self.steps[position]);
        }
        let row = &self.steps[position];
        let plan = &self.plan;
        let reviewed = || plan.review(position).is_some() && is_counted(plan, path);
        let fresh = || StepSummary::waiting(path.clone(), row.persona.clone(), false, reviewed());
        Some(self.instances.known.entry(path.clone()).or_insert_with(fresh))
    }

    /// Folds an event of an instance into the row of its step. `before` is where the instance stood, and how
    /// many repairs it had.
    pub(crate) fn fold_into_row(
        &mut self,
        at: Timestamp,
        path: &StepPath,
        event: &Event,
        (before, repairs): (StepState, u16),
    ) {
        let plan = self.plan().clone();
        let Some(position) = plan.position_of(path) else { return };
        let Some(told) = self.instances.known.get(path) else { return };
        let (row, after) = (&mut self.steps[position], told.state);
        row.started_at = row.started_at.or(Some(at));
        match event {
            Event::CallPrepared { prepared, .. } => {
                row.persona.clone_from(&told.persona);
                row.model.clone_from(&told.model);
                row.repairs += told.repairs - repairs;
                for note in &prepared.notes {
                    if row.notes.len() < MOST_NOTES && !row.notes.contains(note) {
                        row.notes.push(note.clone());
                    }
                }
                for relief in &prepared.degraded {
                    if !row.degraded.contains(relief) {
                        row.degraded.push(*relief);
                    }
                }
            }
            Event::CallIntent { .. } => row.attempts += 1,
            Event::CallUnknown { .. } => row.lost_attempts += 1,
            Event::CallSucceeded { .. } | Event::CallReused { .. } => {
                row.served_model.clone_from(&told.served_model);
            }
            Event::StepFailed { failure, .. } => row.failure = Some(failure.clone()),
            _ => {}
        }
        if is_counted(&plan, path) {
            let counts = row.items.get_or_insert_default();
            if before != after {
                if let Some(count) = counts.of(before) {
                    *count = count.saturating_sub(1);
                }
                if let Some(count) = counts.of(after) {
                    *count += 1;
                }
            }
        }
        self.restate(position, at);
    }

    /// Where a row stands that has no events of its own.
    fn restate(&mut self, position: usize, at: Timestamp) {
        let within = self.plan().group(position).is_some_and(|group| self.plan().repeats(group));
        let row = &mut self.steps[position];
        if !within {
            if row.state == StepState::Waiting {
                row.state = StepState::Running;
            }
            return;
        }
        let counts = row.items.unwrap_or_default();
        row.state = if counts.ended() < counts.found || counts.found == 0 {
            StepState::Running
        } else if counts.succeeded > 0 {
            StepState::Succeeded
        } else if counts.failed > 0 {
            StepState::Failed
        } else {
            StepState::Skipped
        };
        row.ended_at = (row.state != StepState::Running).then_some(at);
    }

    /// A fan-out or a group has parts from here on.
    pub(crate) fn open(&mut self, path: &StepPath, items: Option<usize>) {
        self.instances.opened.insert(path.clone(), items);
        self.count_found(&path.clone(), items);
    }

    fn count_found(&mut self, path: &StepPath, items: Option<usize>) {
        let plan = self.plan().clone();
        let Some(position) = plan.position_of(path) else { return };
        match items {
            Some(count) => self.steps[position].items.get_or_insert_default().found += count,
            None if is_repeated(path) => {
                for &member in plan.members(position) {
                    if plan.steps()[member].flow.each.is_none() {
                        self.steps[member].items.get_or_insert_default().found += 1;
                    }
                }
            }
            None => {}
        }
    }

    /// Everything below a step is forgotten: the step is decided anew.
    pub(crate) fn withdraw(&mut self, path: &StepPath) {
        self.instances.known.retain(|known, _| !is_below(known, path));
        self.instances.opened.retain(|known, _| known != path && !is_below(known, path));
        let step = path.step();
        for row in &mut self.steps {
            if row.step == step || is_below(&row.step, &step) {
                row.items = None;
                if !is_repeated(path) {
                    row.reset();
                }
            }
        }
        for (path, items) in self.instances.opened.clone() {
            if path.step() == step || is_below(&path.step(), &step) || is_below(&step, &path.step())
            {
                self.recount(&path, items, &step);
            }
        }
        let counted: Vec<(StepPath, StepState)> = self
            .instances
            .known
            .values()
            .filter(|told| is_counted(self.plan(), &told.step))
            .map(|told| (told.step.clone(), told.state))
            .collect();
        for (known, state) in counted {
            let row = known.step();
            if (row == step || is_below(&row, &step))
                && let Some(position) = self.plan().position(&row)
                && let Some(count) = self.steps[position].items.get_or_insert_default().of(state)
            {
                *count += 1;
            }
        }
    }

    /// Counts what an open fan-out or group has, for the rows at and below `step` only.
    fn recount(&mut self, path: &StepPath, items: Option<usize>, step: &StepPath) {
        let before: Vec<Option<ItemCounts>> = self.steps.iter().map(|row| row.items).collect();
        self.count_found(path, items);
        for (row, before) in self.steps.iter_mut().zip(before) {
            if row.step != *step && !is_below(&row.step, step) {
                row.items = before;
            }
        }
    }

    /// Why a step is not run, in words, with the steps that lead to it.
    pub(crate) fn why_skipped(&self, path: &StepPath, reason: &SkipReason) -> String {
        match reason {
            SkipReason::Condition => {
                let position = self.plan().position_of(path);
                let condition = position
                    .and_then(|at| self.plan().steps()[at].flow.condition.as_deref())
                    .unwrap_or_default();
                format!("`if: {}` is false", crate::neutral::excerpt(condition, 120))
            }
            SkipReason::NoneSucceeded => "none of the steps that it needs succeeded".to_owned(),
            SkipReason::Need(need) => {
                let why = self.step(need).and_then(|told| told.skipped.clone());
                let why = why.map(|why| format!(": {why}")).unwrap_or_default();
                crate::neutral::excerpt(&format!("`{need}` was skipped{why}"), 400)
            }
        }
    }

    /// Steps below one that has come to its end, and that nothing ever called for, are not run either.
    pub(crate) fn skip_below(&mut self, path: &StepPath, why: &str) {
        if is_repeated(path) {
            return;
        }
        for row in &mut self.steps {
            if is_below(&row.step, path) && row.state == StepState::Waiting {
                row.state = StepState::Skipped;
                row.skipped = Some(why.to_owned());
            }
        }
    }
}
