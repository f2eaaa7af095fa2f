//! Reviews within a run: what follows a verdict, and what a person says of a document.

use super::{
    approval::refused,
    course::Next,
    machine::{Phase, Run},
    step::IllegalEvent,
};
use crate::{
    event::{Event, RunFailure},
    ids::Purpose,
    plan::OnFail,
    review::{Standing, Stop},
};

/// What a person is asked in a review.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReviewQuestion {
    /// Whether the gates hold that a person decides; all others do.
    Gates,
    /// Whether to go on although the document did not pass.
    Waiver(Stop),
}

impl Run {
    /// What a person is to be asked about the document of an instance, where its review has come to that.
    pub fn review_question(&self, instance: usize) -> Option<ReviewQuestion> {
        if !matches!(self.upcoming(instance), Next::Ask) {
            return None;
        }
        match self.standing(instance)? {
            Standing::Ask => Some(ReviewQuestion::Gates),
            Standing::Ended(reason) => Some(ReviewQuestion::Waiver(reason)),
            Standing::Judge(_) | Standing::Revise(_) => None,
        }
    }

    fn standing(&self, step: usize) -> Option<Standing> {
        let instance = &self.instances[step];
        let review = self.plan.review(instance.position)?;
        Some(instance.review.standing(review.by.len(), review.rounds, instance.versions))
    }

    /// What a step with a good document does next.
    pub(super) fn after_review(&self, step: usize) -> Next {
        let instance = &self.instances[step];
        let Some(review) = self.plan.review(instance.position) else { return Next::Finish };
        if instance.review.stop == Some(Stop::SwitchedOff) {
            return Next::Finish;
        }
        match instance.review.standing(review.by.len(), review.rounds, instance.versions) {
            Standing::Judge(number) => Next::Call(Purpose::Verdict, instance.numbered_from(number)),
            Standing::Revise(number) => Next::Call(Purpose::Revise, instance.numbered_from(number)),
            Standing::Ask => Next::Ask,
            // What nobody has judged has not failed; it is told as that.
            Standing::Ended(Stop::SwitchedOff | Stop::Converged | Stop::NotJudged) => Next::Finish,
            Standing::Ended(reason) => match review.on_fail {
                OnFail::Continue => Next::Finish,
                OnFail::Stop => Next::Fail(instance.review.failure(reason)),
                OnFail::Approve => match instance.review.waiver() {
                    Some(said) if said.approved => Next::Finish,
                    Some(said) => Next::Fail(refused(&said.by, said.note.as_deref())),
                    None => Next::Ask,
                },
            },
        }
    }

    /// Under which name a question about the document of `step` is evaluated: that of the verdict before it.
    pub(super) fn question_id(&self, step: usize) -> (Purpose, u16) {
        let instance = &self.instances[step];
        let verdicts = u16::try_from(instance.review.verdicts.len()).unwrap_or(u16::MAX);
        (Purpose::Verdict, instance.numbered_from(verdicts))
    }

    /// Records that a review is over, once.
    pub(super) fn end_review(&mut self, step: usize) -> Result<(), IllegalEvent> {
        let instance = &self.instances[step];
        let review = self.plan.review(instance.position);
        let Some(review) = review.filter(|_| instance.review.stop.is_none()) else {
            return Ok(());
        };
        let standing = instance.review.standing(review.by.len(), review.rounds, instance.versions);
        let Standing::Ended(reason) = standing else { return Ok(()) };
        let rounds = instance.versions;
        let path = instance.path.clone();
        self.record(Event::ReviewEnded { step: path, stop: reason, rounds })
    }

    /// A person decided about the document of `step`. A no that ends the step ends a run at rest as well.
    pub(super) fn judged_by_person(&mut self, step: usize) -> Result<(), IllegalEvent> {
        let at_rest = matches!(self.phase, Phase::Idle | Phase::Paused);
        let fails = matches!(self.upcoming(step), Next::Fail(_));
        if at_rest && fails && (self.instances[step].parent.is_some() || self.is_tolerated(step)) {
            // It stands as decided, and what follows is left to the resume.
            return Ok(());
        }
        self.go_on(step)?;
        if at_rest && fails {
            let path = self.instances[step].path.clone();
            return self.record(Event::RunFailed { reason: RunFailure::Step(path) });
        }
        Ok(())
    }
}
