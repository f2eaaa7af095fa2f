//! Fan-outs and groups: their parts, how many of them are under way, and how they end.

use std::{ops::Range, sync::Arc};

use super::{
    instance::Instance,
    machine::Run,
    needs::Ending,
    step::{IllegalEvent, StepStatus},
};
use crate::{
    event::Event,
    failure::{Failure, FailureClass},
    flow::{ForEach, Join, MOST_INSTANCES},
    ids::{Digest, StepPath},
};

/// The parts of a fan-out or a group: instances that stand one after the other.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Children {
    pub(super) first: usize,
    pub(super) count: usize,
    /// Parts that are not at their end.
    pub(super) pending: usize,
    pub(super) good: usize,
    pub(super) tolerated: usize,
    pub(super) skipped: usize,
    pub(super) failed: usize,
    /// The list whose items they are; none for the steps of a group.
    pub(super) list: Option<Digest>,
    /// The inputs of the called workflow whose steps they are.
    pub(super) inputs: Option<Digest>,

    // What follows is rebuilt when a run is resumed.
    /// Items under way.
    pub(super) running: usize,
    /// The next item that was never looked at.
    pub(super) next: usize,
}

impl Children {
    pub(super) fn new(first: usize, count: usize, list: Option<Digest>) -> Self {
        Self {
            first,
            count,
            pending: count,
            good: 0,
            tolerated: 0,
            skipped: 0,
            failed: 0,
            list,
            inputs: None,
            running: 0,
            next: 0,
        }
    }

    pub(super) fn range(&self) -> Range<usize> {
        self.first..self.first + self.count
    }

    fn of(&mut self, ending: Ending) -> &mut usize {
        match ending {
            Ending::Good => &mut self.good,
            Ending::Tolerated => &mut self.tolerated,
            Ending::Skipped => &mut self.skipped,
            Ending::Failed => &mut self.failed,
        }
    }
}

impl Run {
    /// The instance at `path`, once it exists.
    pub fn instance(&self, path: &StepPath) -> Option<usize> {
        if !path.as_str().contains(['/', '[']) {
            return self.plan.position(path).map(|position| self.plan.ordinal(position));
        }
        let mut step = String::new();
        let mut at: Option<usize> = None;
        for (name, item) in path.parts() {
            if !step.is_empty() {
                step.push('/');
            }
            step.push_str(name);
            let position = self.plan.position(&step.as_str().into())?;
            let found = match at {
                None if self.plan.group(position).is_none() => self.plan.ordinal(position),
                None => return None,
                Some(parent) => {
                    let children = self.instances[parent].children.as_ref()?;
                    let ordinal = self.plan.ordinal(position);
                    let member = children.list.is_none() && ordinal < children.count;
                    member.then_some(children.first + ordinal)?
                }
            };
            at = match item {
                None => Some(found),
                Some(item) => {
                    let children = self.instances[found].children.as_ref()?;
                    let there = children.list.is_some() && item < children.count;
                    Some(there.then_some(children.first + item)?)
                }
            };
        }
        at
    }

    /// Step instances that there are so far.
    pub fn instances(&self) -> usize {
        self.instances.len()
    }

    /// The path of an instance.
    pub fn path(&self, instance: usize) -> &StepPath {
        &self.instances[instance].path
    }

    /// The position in the plan of the step that an instance is one of.
    pub fn position_of(&self, instance: usize) -> usize {
        self.instances[instance].position
    }

    /// The group or fan-out that an instance is a part of.
    pub fn parent(&self, instance: usize) -> Option<usize> {
        self.instances[instance].parent
    }

    /// The place of an item in its list, counted from 0.
    pub fn item(&self, instance: usize) -> Option<usize> {
        self.instances[instance].item
    }

    /// Digest of the list whose items the parts of an instance are.
    pub fn list(&self, instance: usize) -> Option<Digest> {
        self.instances[instance].children.as_ref().and_then(|children| children.list)
    }

    /// Digest of the inputs of the workflow that an instance has called.
    pub fn inputs(&self, instance: usize) -> Option<Digest> {
        self.instances[instance].children.as_ref().and_then(|children| children.inputs)
    }

    /// The instance that called the workflow to which an instance belongs; none for the workflow that is run
    /// itself.
    pub fn caller(&self, instance: usize) -> Option<usize> {
        let mut at = instance;
        while let Some(parent) = self.parent(at) {
            // The items of a call are calls themselves: they belong to what stands around.
            if self.item(at).is_none() && self.plan.called(self.position_of(parent)).is_some() {
                return Some(parent);
            }
            at = parent;
        }
        None
    }

    /// The parts of a fan-out or group that is open or at its end.
    pub fn parts(&self, instance: usize) -> Range<usize> {
        self.instances[instance].children.as_ref().map_or(0..0, |children| children.range())
    }

    /// The instances that an instance needs; an item has none of its own.
    pub fn needs_of(&self, instance: usize) -> Vec<usize> {
        self.beside(instance, self.plan.needs(self.instances[instance].position))
    }

    /// Whether the condition of an instance is known to hold.
    pub fn is_admitted(&self, instance: usize) -> bool {
        self.instances[instance].admitted
    }

    /// Whether all parts of an instance are at their end, so that its document can be put together.
    pub fn is_joining(&self, instance: usize) -> bool {
        let instance = &self.instances[instance];
        instance.status == StepStatus::Open
            && instance.children.as_ref().is_some_and(|children| children.pending == 0)
    }

    /// What an instance is a fan-out over; none for one of its items.
    pub(super) fn each(&self, step: usize) -> Option<&ForEach> {
        let instance = &self.instances[step];
        match instance.item {
            None => self.plan.steps()[instance.position].flow.each.as_ref(),
            Some(_) => None,
        }
    }

    /// Whether the failure of a step is not that of what it is a part of.
    pub(super) fn is_tolerated(&self, step: usize) -> bool {
        let instance = &self.instances[step];
        let own = &self.plan.steps()[instance.position];
        match instance.item {
            None => own.optional,
            Some(_) => own.flow.each.as_ref().is_some_and(|each| each.join != Join::All),
        }
    }

    /// Adds the items of a fan-out.
    pub(super) fn add_items(&mut self, step: usize, count: usize, list: Digest) {
        let first = self.instances.len();
        let (position, number) = (self.instances[step].position, self.instances[step].numbered);
        for index in 0..count {
            self.touches += 1;
            let path = self.instances[step].path.item(index);
            let item = Instance::new(position, path, 0).part_of(step, Some(index), number);
            self.instances.push(item);
        }
        self.opened(step, Children::new(first, count, Some(list)));
        self.release(step);
    }

    /// Whether opening a group would make the run too large.
    pub(super) fn has_no_room_for_members(&self, step: usize) -> bool {
        let members = self.plan.members(self.instances[step].position).len();
        self.instances.len() + members > MOST_INSTANCES
    }

    /// Adds the steps of a group.
    pub(super) fn add_members(&mut self, step: usize, inputs: Option<Digest>) {
        let plan = Arc::clone(&self.plan);
        let first = self.instances.len();
        let number = self.instances[step].numbered;
        let members = plan.members(self.instances[step].position);
        for &position in members {
            self.touches += 1;
            let path = self.instances[step].path.member(plan.steps()[position].id.name());
            let member = Instance::new(position, path, plan.needs(position).len());
            self.instances.push(member.part_of(step, None, number));
            if plan.needs(position).is_empty() {
                self.ready.push_back(self.instances.len() - 1);
            }
        }
        let children = Children { inputs, ..Children::new(first, members.len(), None) };
        self.opened(step, children);
    }

    fn opened(&mut self, step: usize, children: Children) {
        self.preparing.resize(self.instances.len(), false);
        let instance = &mut self.instances[step];
        instance.admitted = true;
        if children.count == 0 {
            self.complete.push_back(step);
        }
        instance.children = Some(Box::new(children));
    }

    /// Forgets everything that a withdrawn fan-out or group consists of, and returns the highest number of
    /// a call of the step or in it.
    pub(super) fn drop_parts(&mut self, step: usize) -> u16 {
        let mut numbered = self.instances[step].numbered;
        let mut work: Vec<usize> = self.parts(step).collect();
        while let Some(part) = work.pop() {
            self.touches += 1;
            work.extend(self.parts(part));
            self.instances[part].dropped = true;
            self.approvals.asking.remove(&part);
            numbered = numbered.max(self.instances[part].numbered);
        }
        self.instances[step].children = None;
        numbered
    }

    /// A part of a fan-out or group, or of the run itself, is at its end.
    pub(super) fn part_ended(&mut self, step: usize, ending: Ending) {
        let parent = self.instances[step].parent;
        // A person may have decided about an item that waits for others.
        let waited = self.parked.remove(&step);
        let is_item = self.instances[step].item.is_some() && !waited;
        let children = match parent {
            None => &mut self.whole,
            Some(parent) => match &mut self.instances[parent].children {
                Some(children) => children,
                None => return,
            },
        };
        children.pending -= 1;
        *children.of(ending) += 1;
        if is_item {
            children.running = children.running.saturating_sub(1);
        }
        let Some(parent) = parent else { return };
        if self.is_over(parent) {
            self.complete.push_back(parent);
        } else if is_item {
            self.release(parent);
        }
    }

    /// Whether one item has failed where all have to succeed.
    fn is_lost(&self, step: usize) -> bool {
        self.each(step).is_some_and(|each| each.join == Join::All)
            && self.instances[step].children.as_ref().is_some_and(|children| children.failed > 0)
    }

    /// Whether nothing more will come of the parts of a fan-out or group.
    fn is_over(&self, step: usize) -> bool {
        let Some(children) = &self.instances[step].children else { return false };
        children.pending == 0 || (children.running == 0 && self.is_lost(step))
    }

    /// Whether a step is an item that has not begun, of a fan-out that another item has failed.
    pub(super) fn is_called_off(&self, step: usize) -> bool {
        let instance = &self.instances[step];
        instance.item.is_some()
            && instance.status == StepStatus::Ready
            && instance.parent.is_some_and(|parent| self.is_lost(parent))
    }

    /// An item that was let begin does not.
    pub(super) fn call_off(&mut self, step: usize) {
        let Some(parent) = self.instances[step].parent else { return };
        if let Some(children) = &mut self.instances[parent].children {
            children.running = children.running.saturating_sub(1);
        }
        if self.is_over(parent) {
            self.complete.push_back(parent);
        }
    }

    /// The end of a part is undone.
    pub(super) fn part_reopened(&mut self, step: usize, ending: Ending) {
        let children = match self.instances[step].parent {
            None => &mut self.whole,
            Some(parent) => match &mut self.instances[parent].children {
                Some(children) => children,
                None => return,
            },
        };
        children.pending += 1;
        *children.of(ending) -= 1;
    }

    /// Lets as many items begin as may be under way. Where one failed that must not, no more begin.
    pub(super) fn release(&mut self, step: usize) {
        let Some(each) = self.each(step) else { return };
        let (join, window) = (each.join, each.max_parallel.map(|most| most.max(1) as usize));
        let window = window.unwrap_or_else(|| self.concurrency());
        while let Some(children) = &mut self.instances[step].children {
            if children.running >= window {
                return;
            }
            if let Some(&item) = self.parked.range(children.range()).next() {
                self.parked.remove(&item);
                children.running += 1;
                self.unparked.insert(item);
                continue;
            }
            // The first failure is the step's.
            let stopped = join == Join::All && children.failed > 0;
            if stopped || children.next >= children.count {
                return;
            }
            let item = children.first + children.next;
            children.next += 1;
            self.touches += 1;
            if self.instances[item].waits_for_turn() {
                if let Some(children) = &mut self.instances[step].children {
                    children.running += 1;
                }
                self.ready.push_back(item);
            }
        }
    }

    /// After a resume: items that had begun are let go on before others begin, and no more of them than may
    /// be under way. There can be more, where failed ones are tried again.
    pub(super) fn recount(&mut self, step: usize) {
        if self.each(step).is_none() {
            return;
        }
        let begun = self.parts(step).filter(|&item| {
            let item = &self.instances[item];
            item.ending.is_none() && !item.waits_for_turn()
        });
        let begun: Vec<usize> = begun.collect();
        self.parked.extend(begun);
        if let Some(children) = &mut self.instances[step].children {
            children.running = 0;
            children.next = 0;
        }
    }

    /// Decides how fans-out and groups end whose parts are all at their end. Those that succeed have their
    /// document put together first.
    pub(super) fn close_complete(&mut self) -> Result<(), IllegalEvent> {
        while let Some(step) = self.complete.pop_front() {
            self.touches += 1;
            if self.instances[step].status != StepStatus::Open || !self.is_over(step) {
                continue;
            }
            let Some(children) = &self.instances[step].children else { continue };
            let fails = match self.each(step).map(|each| each.join) {
                None => children.failed > 0,
                Some(Join::All) => children.failed + children.tolerated > 0,
                Some(Join::Any) => children.good == 0,
                Some(Join::Settled) => false,
            };
            if fails {
                self.fail_whole(step)?;
            } else {
                self.ready.push_back(step);
            }
        }
        Ok(())
    }

    /// A fan-out or group fails because of its parts.
    pub(super) fn fail_whole(&mut self, step: usize) -> Result<(), IllegalEvent> {
        let failure = self.failure_of_parts(step);
        self.fail(step, failure)
    }

    fn failure_of_parts(&self, step: usize) -> Failure {
        let bad = |&part: &usize| {
            matches!(self.instances[part].ending, Some(Ending::Failed | Ending::Tolerated))
                && self.instances[part].status == StepStatus::Failed
        };
        let mut bad = self.parts(step).filter(bad);
        let Some(first) = bad.next() else {
            let message = match self.each(step) {
                Some(_) if self.parts(step).is_empty() => {
                    "there are no items, and one has to succeed"
                }
                _ => "something in it failed",
            };
            return Failure::new(FailureClass::Inside, message);
        };
        let name = &self.instances[first].path;
        let message = match (self.each(step), bad.count()) {
            (None, _) | (Some(_), 0) => format!("`{name}` failed"),
            (Some(_), more) => {
                format!(
                    "{} of {} items failed, the first is `{name}`",
                    more + 1,
                    self.parts(step).len()
                )
            }
        };
        Failure::new(FailureClass::Inside, message)
    }

    /// After a resume: everything that failed and on which something rests gets another chance, and
    /// everything that was decided on such a failure is decided anew.
    pub(super) fn reopen(&mut self) -> Result<(), IllegalEvent> {
        for step in 0..self.instances.len() {
            self.touches += 1;
            if self.gets_another_chance(step) {
                let path = self.instances[step].path.clone();
                self.record(Event::StepReopened { step: path })?;
            }
        }
        let mut work: Vec<usize> = (0..self.instances.len()).collect();
        while let Some(step) = work.pop() {
            let instance = &self.instances[step];
            if instance.dropped
                || instance.needs.open == 0
                || instance.status == StepStatus::Blocked
            {
                continue;
            }
            let path = instance.path.clone();
            work.extend(self.beside(step, self.plan.dependents(instance.position)));
            self.record(Event::StepWithdrawn { step: path })?;
        }
        Ok(())
    }

    fn gets_another_chance(&self, step: usize) -> bool {
        let instance = &self.instances[step];
        if instance.dropped || instance.status != StepStatus::Failed {
            return false;
        }
        let gave_up = instance.ending == Some(Ending::Tolerated);
        // What it is a part of may be over, with this failure in it.
        let Some(parent) = instance.parent else { return !gave_up };
        if self.instances[parent].status != StepStatus::Open {
            return false;
        }
        // Where one good item is wanted and there is none yet, all are tried again.
        let children = self.instances[parent].children.as_ref();
        let none_good = self.each(parent).is_some_and(|each| each.join == Join::Any)
            && children.is_some_and(|children| children.good == 0);
        !gave_up || none_good
    }
}
