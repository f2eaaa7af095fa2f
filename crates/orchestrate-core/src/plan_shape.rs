//! The edges of a plan, resolved: what needs what, what stands in which group, and in which stage.

use std::collections::{BTreeMap, btree_map::Entry};

use indexmap::IndexMap;

use crate::{
    ids::StepPath,
    plan::{Action, PlanError, Step},
};

/// Everything that follows from the steps of a plan and costs more than a look to find.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Shape {
    pub(crate) needs: Vec<Vec<usize>>,
    pub(crate) dependents: Vec<Vec<usize>>,
    pub(crate) stages: Vec<Vec<usize>>,
    pub(crate) top: Vec<usize>,
    pub(crate) members: Vec<Vec<usize>>,
    pub(crate) group: Vec<Option<usize>>,
    pub(crate) ordinal: Vec<usize>,
    /// Whether a persona gets the handoff of the step.
    pub(crate) relied_on: Vec<bool>,
}

impl Shape {
    /// The shape of these steps, in time linear in steps and needs.
    pub(crate) fn of(steps: &[Step], index: &IndexMap<StepPath, usize>) -> Result<Self, PlanError> {
        let count = steps.len();
        let mut shape = Self {
            needs: Vec::with_capacity(count),
            dependents: vec![Vec::new(); count],
            stages: Vec::new(),
            top: Vec::new(),
            members: vec![Vec::new(); count],
            group: Vec::with_capacity(count),
            ordinal: Vec::with_capacity(count),
            relied_on: Vec::new(),
        };
        for (position, step) in steps.iter().enumerate() {
            shape.place(position, step, steps, index)?;
        }
        for (position, step) in steps.iter().enumerate() {
            shape.connect(position, step, index)?;
        }
        let empty =
            |&at: &usize| matches!(steps[at].action, Action::Group) && shape.members[at].is_empty();
        if let Some(at) = (0..count).find(empty) {
            return Err(PlanError::EmptyGroup(steps[at].id.clone()));
        }
        shape.stages = shape.by_stage().map_err(|cycle| {
            PlanError::Cycle(cycle.into_iter().map(|at| steps[at].id.clone()).collect())
        })?;
        shape.relied_on = shape.reliance(steps);
        Ok(shape)
    }

    fn place(
        &mut self,
        position: usize,
        step: &Step,
        steps: &[Step],
        index: &IndexMap<StepPath, usize>,
    ) -> Result<(), PlanError> {
        let Some(group) = &step.flow.within else {
            self.group.push(None);
            self.ordinal.push(self.top.len());
            self.top.push(position);
            return Ok(());
        };
        // A group stands before its steps, so that groups cannot be within each other in a circle.
        let found = index.get(group).copied();
        let found = found.filter(|&at| at < position && matches!(steps[at].action, Action::Group));
        let at = found
            .ok_or_else(|| PlanError::NoGroup { step: step.id.clone(), group: group.clone() })?;
        self.group.push(Some(at));
        self.ordinal.push(self.members[at].len());
        self.members[at].push(position);
        Ok(())
    }

    fn connect(
        &mut self,
        position: usize,
        step: &Step,
        index: &IndexMap<StepPath, usize>,
    ) -> Result<(), PlanError> {
        let mut resolved = Vec::with_capacity(step.needs.len());
        for need in &step.needs {
            let (owner, named) = (step.id.clone(), need.step.clone());
            let Some(&target) = index.get(&need.step) else {
                return Err(PlanError::UnknownNeed { step: owner, need: named });
            };
            if self.group[target] != self.group[position] {
                return Err(PlanError::OtherGroup { step: owner, need: named });
            }
            resolved.push(target);
            self.dependents[target].push(position);
        }
        self.needs.push(resolved);
        Ok(())
    }

    /// What has to stand in an earlier stage than the step: its needs, for the first steps of a group what
    /// the group needs, and for a group its last steps.
    pub(crate) fn before(&self, position: usize) -> Vec<usize> {
        let mut before: Vec<usize> = self.members[position]
            .iter()
            .copied()
            .filter(|&member| self.dependents[member].is_empty())
            .collect();
        let mut at = position;
        loop {
            before.extend(&self.needs[at]);
            match self.group[at] {
                Some(group) if self.needs[at].is_empty() => at = group,
                _ => return before,
            }
        }
    }

    /// Kahn's algorithm by levels; the error is a cycle in the direction of the needs.
    fn by_stage(&self) -> Result<Vec<Vec<usize>>, Vec<usize>> {
        let before: Vec<Vec<usize>> = (0..self.needs.len()).map(|at| self.before(at)).collect();
        let mut after = vec![Vec::new(); before.len()];
        for (position, earlier) in before.iter().enumerate() {
            for &at in earlier {
                after[at].push(position);
            }
        }
        let mut unmet: Vec<usize> = before.iter().map(Vec::len).collect();
        let mut stage: Vec<usize> = (0..before.len()).filter(|&at| unmet[at] == 0).collect();
        let mut stages = Vec::new();
        let mut placed = 0;
        while !stage.is_empty() {
            placed += stage.len();
            let mut next = Vec::new();
            for &done in &stage {
                for &dependent in &after[done] {
                    unmet[dependent] -= 1;
                    if unmet[dependent] == 0 {
                        next.push(dependent);
                    }
                }
            }
            next.sort_unstable();
            stages.push(std::mem::replace(&mut stage, next));
        }
        if placed == before.len() {
            return Ok(stages);
        }
        // Every step left over has an unmet need that is left over too, so following those needs must
        // come back to a step already seen.
        let mut at = unmet.iter().position(|&count| count > 0).unwrap_or_default();
        let mut seen = BTreeMap::new();
        let mut path = Vec::new();
        while let Entry::Vacant(unseen) = seen.entry(at) {
            unseen.insert(path.len());
            path.push(at);
            at = before[at].iter().copied().find(|&need| unmet[need] > 0).unwrap_or(at);
        }
        Err(path.split_off(seen[&at]))
    }

    /// Which steps hand over to a persona: to a step that needs them, or through the group that they end.
    fn reliance(&self, steps: &[Step]) -> Vec<bool> {
        let count = steps.len();
        // Groups stand before their steps: backwards, the steps of a group are known before it.
        let mut takes = vec![false; count];
        for at in (0..count).rev() {
            takes[at] = match steps[at].action {
                Action::Persona(_) => true,
                Action::Render(_) | Action::Approve(_) => false,
                Action::Group => self.members[at]
                    .iter()
                    .any(|&member| self.needs[member].is_empty() && takes[member]),
            };
        }
        let mut relied_on = vec![false; count];
        for (at, step) in steps.iter().enumerate().filter(|&(at, _)| takes[at]) {
            for (need, &target) in step.needs.iter().zip(&self.needs[at]) {
                relied_on[target] |= need.pass.relies_on_brief();
            }
        }
        for at in 0..count {
            let ends = self.dependents[at].is_empty();
            relied_on[at] |= ends && self.group[at].is_some_and(|group| relied_on[group]);
        }
        relied_on
    }
}
