//! What a step does next once an answer is there, and how it ends.

use super::{
    exchange::Outcome,
    machine::Run,
    step::{IllegalEvent, StepStatus},
};
use crate::{
    event::{Event, RunFailure},
    failure::Failure,
    ids::Purpose,
};

/// What a step at rest does next.
pub(super) enum Next {
    /// It makes this call.
    Call(Purpose, u16),
    /// A person is asked about its document.
    Ask,
    /// Its draft is its deliverable.
    Finish,
    /// It cannot be finished.
    Fail(Failure),
}

impl Run {
    /// What a step at rest does next. It follows from the journal, but for briefs that were given up.
    pub(super) fn upcoming(&self, step: usize) -> Next {
        let instance = &self.instances[step];
        match instance.status {
            StepStatus::Ready => Next::Call(Purpose::Draft, instance.numbered_from(1)),
            StepStatus::Answered => self.after_answer(step),
            _ if self.without_brief.contains(&step) => self.after_answer(step),
            _ => match &instance.misfit {
                Some(_) if instance.repairs_here < self.plan.repairs(instance.position) => {
                    Next::Call(Purpose::Repair, instance.numbered_from(instance.repairs + 1))
                }
                Some(misfit) => Next::Fail(misfit.clone()),
                // The same call, evaluated anew.
                None => Next::Call(instance.purpose, instance.number),
            },
        }
    }

    pub(super) fn after_answer(&self, step: usize) -> Next {
        let instance = &self.instances[step];
        let Some((_, draft)) = &instance.draft else { return Next::Finish };
        let settled = instance.brief_settled || self.without_brief.contains(&step);
        if draft.brief.is_none() && !settled && self.plan.wants_brief(instance.position) {
            return Next::Call(Purpose::Brief, instance.numbered_from(instance.briefs + 1));
        }
        self.after_review(step)
    }

    /// A step at rest takes its next call, or ends.
    pub(super) fn go_on(&mut self, step: usize) -> Result<(), IllegalEvent> {
        match self.upcoming(step) {
            Next::Call(..) => {
                self.ready.push_front(step);
                Ok(())
            }
            Next::Ask => {
                self.end_review(step)?;
                self.ready.push_front(step);
                Ok(())
            }
            Next::Finish => {
                self.end_review(step)?;
                self.finish(step)
            }
            Next::Fail(failure) => {
                self.end_review(step)?;
                self.fail(step, failure)
            }
        }
    }

    /// A brief is no loss of the draft.
    pub(super) fn go_on_without_brief(&mut self, step: usize) -> Result<(), IllegalEvent> {
        self.without_brief.insert(step);
        self.go_on(step)
    }

    pub(super) fn finish(&mut self, step: usize) -> Result<(), IllegalEvent> {
        let instance = &self.instances[step];
        let Some((source, draft)) = &instance.draft else { return Ok(()) };
        let event = Event::StepSucceeded {
            step: self.instances[step].path.clone(),
            source: *source,
            deliverable: draft.deliverable,
            brief: draft.brief.or(instance.brief),
            output: draft.output,
        };
        self.record(event)
    }

    /// The call of `step` will not be made (again). A missing brief is no loss of the draft.
    pub(super) fn give_up(
        &mut self,
        step: usize,
        purpose: Purpose,
        failure: Failure,
    ) -> Result<(), IllegalEvent> {
        self.hand_over_the_lead(step);
        if purpose == Purpose::Brief {
            return self.go_on_without_brief(step);
        }
        self.fail(step, failure)
    }

    /// The step fails, and with it everything that cannot do without it.
    pub(super) fn fail(&mut self, step: usize, failure: Failure) -> Result<(), IllegalEvent> {
        let path = self.instances[step].path.clone();
        let optional = self.is_tolerated(step);
        self.record(Event::StepFailed { step: path.clone(), failure, optional })?;
        let mut around = Vec::new();
        let mut at = step;
        while !self.is_tolerated(at) {
            let Some(parent) = self.instances[at].parent else {
                self.broken.extend(around);
                self.stop(Outcome::Failed(RunFailure::Step(path)));
                break;
            };
            around.push(parent);
            at = parent;
        }
        Ok(())
    }
}
