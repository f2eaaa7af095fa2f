//! What a run summary knows of steps that run more than once: how many instances there are, and each.

use std::collections::BTreeMap;

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

/// The instances of repeated steps. Whatever is asked of them while events are folded costs no more than what
/// it finds: looking through all of them for each event would make a large run quadratic.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Instances {
    /// In the order in which something first happened to them; forgotten ones leave a gap.
    told: Vec<Option<StepSummary>>,
    /// Where each stands, by path: what is below a path stands together.
    places: BTreeMap<StepPath, usize>,
    /// Those that the row of their step counts: by its position, in the order of the items.
    counted: BTreeMap<usize, BTreeMap<Vec<usize>, usize>>,
    /// Items found by fan-out, and `None` for the groups that were opened.
    opened: BTreeMap<StepPath, Option<usize>>,
    /// Rows and instances that were looked at while events were folded.
    touches: u64,
}

impl Instances {
    /// The instance at a path, once something has happened to it.
    pub(crate) fn get(&self, path: &StepPath) -> Option<&StepSummary> {
        self.places.get(path).and_then(|&place| self.told[place].as_ref())
    }

    /// Forgets the instances below a path, and gives them out.
    fn take_below(&mut self, path: &StepPath) -> Vec<StepSummary> {
        let found: Vec<(StepPath, usize)> =
            below(&self.places, path).map(|(path, place)| (path.clone(), *place)).collect();
        let taken = found.into_iter().filter_map(|(path, place)| {
            self.touches += 1;
            self.places.remove(&path);
            self.told[place].take()
        });
        taken.collect()
    }

    /// Forgets that a path and those below it were opened, and says with what.
    fn close(&mut self, path: &StepPath) -> Vec<(StepPath, Option<usize>)> {
        let own = self.opened.get_key_value(path);
        let found = own.into_iter().chain(below(&self.opened, path));
        let found: Vec<_> = found.map(|(path, items)| (path.clone(), *items)).collect();
        for (path, _) in &found {
            self.touches += 1;
            self.opened.remove(path);
        }
        found
    }
}

/// The entries below a path. All that begin with it and one more character stand together.
fn below<'a, V>(
    map: &'a BTreeMap<StepPath, V>,
    path: &StepPath,
) -> impl Iterator<Item = (&'a StepPath, &'a V)> {
    ['/', '['].into_iter().flat_map(move |mark| {
        let first = format!("{path}{mark}");
        let from = StepPath::new(first.as_str());
        map.range(from..).take_while(move |(path, _)| path.as_str().starts_with(&first))
    })
}

/// Whether a path leads through an item.
pub(crate) fn is_repeated(path: &StepPath) -> bool {
    path.as_str().contains('[')
}

/// Whether the row of the step at `position` counts the instance at `path`.
fn is_counted(plan: &Plan, position: usize, path: &StepPath) -> bool {
    let fans_out = plan.steps()[position].flow.each.is_some();
    is_repeated(path) && (!fans_out || path.as_str().ends_with(']'))
}

impl RunSummary {
    /// The instances of a step that runs more than once, in the order of the items, as far as something has
    /// happened to them. Costs as much as there are.
    pub fn instances_of(&self, position: usize) -> impl Iterator<Item = &StepSummary> {
        let counted = self.instances.counted.get(&position);
        let places = counted.into_iter().flat_map(BTreeMap::values);
        places.filter_map(|&place| self.instances.told[place].as_ref())
    }

    /// Every instance of a step that runs more than once.
    pub fn instances(&self) -> impl Iterator<Item = &StepSummary> {
        self.instances.told.iter().flatten()
    }

    /// Rows and instances that were looked at so far, beside that of each event: what folding costs, for tests.
    pub fn touches(&self) -> u64 {
        self.instances.touches
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
        let place = match self.instances.places.get(path) {
            Some(&place) => place,
            None => self.add_instance(position, path),
        };
        self.instances.told[place].as_mut()
    }

    fn add_instance(&mut self, position: usize, path: &StepPath) -> usize {
        let is_counted = is_counted(&self.plan, position, path);
        let reviewed = self.plan.review(position).is_some() && is_counted;
        let persona = self.steps[position].persona.clone();
        let place = self.instances.told.len();
        let fresh = StepSummary::waiting(path.clone(), persona, false, reviewed);
        self.instances.told.push(Some(fresh));
        self.instances.places.insert(path.clone(), place);
        if is_counted {
            let counted = self.instances.counted.entry(position).or_default();
            counted.insert(path.numbers(), place);
        }
        place
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
        let Some(told) = self.instances.get(path) else { return };
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
        if is_counted(&plan, position, path) {
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
        for (row, found) in self.found_by(path, items) {
            self.steps[row].items.get_or_insert_default().found += found;
        }
    }

    /// How many instances of which steps there are since a path was opened.
    fn found_by(&mut self, path: &StepPath, items: Option<usize>) -> Vec<(usize, usize)> {
        let plan = &self.plan;
        let Some(position) = plan.position_of(path) else { return Vec::new() };
        let found: Vec<(usize, usize)> = match items {
            Some(count) => vec![(position, count)],
            None if is_repeated(path) => {
                let members = plan.members(position).iter();
                let once = members.filter(|&&member| plan.steps()[member].flow.each.is_none());
                once.map(|&member| (member, 1)).collect()
            }
            None => Vec::new(),
        };
        self.instances.touches += found.len() as u64;
        found
    }

    /// Everything below a step is forgotten: the step is decided anew.
    pub(crate) fn withdraw(&mut self, path: &StepPath) {
        let forgotten = self.instances.take_below(path);
        let closed = self.instances.close(path);
        let Some(position) = self.plan.position_of(path) else { return };
        if !is_repeated(path) {
            self.instances.counted.remove(&position);
            self.steps[position].items = None;
            for row in self.rows_below(position) {
                self.instances.counted.remove(&row);
                self.steps[row].items = None;
                self.steps[row].reset();
            }
            return;
        }
        // What the rows count of other items stays.
        for told in forgotten {
            let Some(row) = self.plan.position_of(&told.step) else { continue };
            if !is_counted(&self.plan, row, &told.step) {
                continue;
            }
            if let Some(counted) = self.instances.counted.get_mut(&row) {
                counted.remove(&told.step.numbers());
            }
            let counts = self.steps[row].items.as_mut();
            if let Some(count) = counts.and_then(|counts| counts.of(told.state)) {
                *count = count.saturating_sub(1);
            }
        }
        for (path, items) in closed {
            for (row, found) in self.found_by(&path, items) {
                let counts = self.steps[row].items.get_or_insert_default();
                counts.found = counts.found.saturating_sub(found);
                if *counts == ItemCounts::default() {
                    self.steps[row].items = None;
                }
            }
        }
    }

    /// The rows of the steps within the group at `position`, at every depth.
    fn rows_below(&mut self, position: usize) -> Vec<usize> {
        let mut rows = self.plan.members(position).to_vec();
        let mut next = 0;
        while let Some(&row) = rows.get(next) {
            rows.extend(self.plan.members(row));
            next += 1;
        }
        self.instances.touches += rows.len() as u64;
        rows
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
        let Some(position) = self.plan.position(path) else { return };
        for row in self.rows_below(position) {
            let row = &mut self.steps[row];
            if row.state == StepState::Waiting {
                row.state = StepState::Skipped;
                row.skipped = Some(why.to_owned());
            }
        }
    }
}
