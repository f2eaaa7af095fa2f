//! Everything the machine knows of one step instance.

use super::{
    approval::ApprovalState,
    items::Children,
    needs::{Ending, NeedCount},
    step::StepStatus,
};
use crate::{
    Timestamp,
    budget::{Relief, Reservation},
    event::{Answered, PreparedCall, StepSource},
    failure::Failure,
    ids::{CallId, Digest, Purpose, StepPath},
    price::Price,
    review::ReviewLog,
};

/// Everything the machine knows of one step instance.
#[derive(Debug, Clone, PartialEq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "facts that hold or not independently of each other"
)]
pub(super) struct Instance {
    pub(super) status: StepStatus,
    /// The step of the plan.
    pub(super) position: usize,
    /// The path of this instance.
    pub(super) path: StepPath,
    /// The group or fan-out that it is a part of.
    pub(super) parent: Option<usize>,
    /// Its place in the list, where it is an item.
    pub(super) item: Option<usize>,
    /// What became of its needs.
    pub(super) needs: NeedCount,
    /// How it came to its end, once it has. A blocked step that can never begin has failed.
    pub(super) ending: Option<Ending>,
    /// Whether a failure stands behind it: it may begin although the run is failing.
    pub(super) aftermath: bool,
    /// Whether its condition holds, or it has none.
    pub(super) admitted: bool,
    /// Whether it was part of something that was withdrawn.
    pub(super) dropped: bool,
    /// Its items or steps, once it is open.
    pub(super) children: Option<Box<Children>>,
    /// The highest number of a call that belongs to what was withdrawn; calls are numbered on from there.
    pub(super) withdrawn: u16,
    /// The highest number of any call.
    pub(super) numbered: u16,
    /// What the current call is for.
    pub(super) purpose: Purpose,
    /// Its number among the step's calls for that.
    pub(super) number: u16,
    /// What the current call's answer counts as: its purpose, or that of the call that it repairs.
    pub(super) stands_for: Purpose,
    /// The current call, once evaluated.
    pub(super) call: Option<Box<PreparedCall>>,
    /// Attempts of the current call, over resumes.
    pub(super) attempts: u32,
    /// Attempts of the step's other calls.
    attempts_of: Vec<(Purpose, u16, u32)>,
    /// Versions of the document so far.
    pub(super) versions: u16,
    /// The course of its review.
    pub(super) review: ReviewLog,
    /// Why the last answer does not fit its schema, until the next call is evaluated.
    pub(super) misfit: Option<Failure>,
    /// The last answer that did not fit its schema, as it came.
    pub(super) rejected: Option<Digest>,
    /// Repairs so far, over the whole step.
    pub(super) repairs: u16,
    /// Repairs of the answer at hand.
    pub(super) repairs_here: u16,
    /// Briefs asked for so far.
    pub(super) briefs: u16,
    /// Whether there is no use in asking for the draft's brief (again).
    pub(super) brief_settled: bool,
    /// Attempts of the current call that failed since the run was last resumed.
    pub(super) failed: u16,
    /// How many models of its chain the current call has left behind.
    pub(super) fallbacks: usize,
    /// What the budget has made of the current call.
    pub(super) degraded: Vec<Relief>,
    /// Whether nobody knows what became of its last attempt and nobody was asked yet what to do.
    pub(super) unknown: bool,
    /// What is reserved for the attempt in flight.
    pub(super) reserved: Reservation,
    /// When a waiting attempt is due.
    pub(super) due: Timestamp,
    /// The good draft, once there is one.
    pub(super) draft: Option<(StepSource, Answered)>,
    /// The deliverable, once the step is finished.
    pub(super) deliverable: Option<Digest>,
    /// The brief, once the step is finished.
    pub(super) brief: Option<Digest>,
    /// The value, once the step is finished and where it has one.
    pub(super) output: Option<Digest>,
    /// What a person is asked, once the question is evaluated.
    pub(super) approval: Option<Box<ApprovalState>>,
}

impl Instance {
    /// An instance of the step at `position` that waits for this many needs.
    pub(super) fn new(position: usize, path: StepPath, needs: usize) -> Self {
        Self {
            status: if needs == 0 { StepStatus::Ready } else { StepStatus::Blocked },
            position,
            path,
            parent: None,
            item: None,
            needs: NeedCount { open: needs, ..NeedCount::default() },
            ending: None,
            aftermath: false,
            admitted: false,
            dropped: false,
            children: None,
            withdrawn: 0,
            numbered: 0,
            purpose: Purpose::Draft,
            number: 1,
            stands_for: Purpose::Draft,
            call: None,
            attempts: 0,
            attempts_of: Vec::new(),
            versions: 0,
            review: ReviewLog::default(),
            misfit: None,
            rejected: None,
            repairs: 0,
            repairs_here: 0,
            briefs: 0,
            brief_settled: false,
            failed: 0,
            fallbacks: 0,
            degraded: Vec::new(),
            unknown: false,
            reserved: Reservation::default(),
            due: Timestamp(0),
            draft: None,
            deliverable: None,
            brief: None,
            output: None,
            approval: None,
        }
    }

    /// The same as a part of the group or fan-out at `parent`, with calls numbered from behind `numbered`.
    #[must_use]
    pub(super) fn part_of(mut self, parent: usize, item: Option<usize>, numbered: u16) -> Self {
        self.parent = Some(parent);
        self.item = item;
        self.number_from(numbered);
        self
    }

    /// Calls up to this number belong to what was withdrawn.
    fn number_from(&mut self, numbered: u16) {
        self.withdrawn = numbered;
        self.numbered = numbered;
        self.number = numbered.saturating_add(1);
    }

    /// Whether this item, in a run that is resumed, does nothing before it is let.
    pub(super) fn waits_for_turn(&self) -> bool {
        self.item.is_some()
            && self.children.is_none()
            && matches!(self.status, StepStatus::Ready | StepStatus::Answered)
    }

    /// The number of the call that is this one since the step was last decided anew.
    pub(super) fn numbered_from(&self, number: u16) -> u16 {
        self.withdrawn.saturating_add(number)
    }

    /// The price of the current call's tokens, where it is known.
    pub(super) fn price(&self) -> Option<&Price> {
        self.call.as_ref().and_then(|call| call.price.as_ref())
    }

    /// The call the step is at.
    pub(super) fn call_id(&self) -> CallId {
        CallId { step: self.path.clone(), purpose: self.purpose, number: self.number }
    }

    /// Forgets everything that was made, so that the step is decided anew, with calls numbered from behind
    /// `numbered`.
    pub(super) fn withdraw(&mut self, numbered: u16) {
        let needs = std::mem::take(&mut self.needs);
        let fresh = Self::new(self.position, self.path.clone(), needs.open);
        let (parent, item) = (self.parent, self.item);
        *self = Self { parent, item, needs, aftermath: self.aftermath, ..fresh };
        self.number_from(numbered);
    }

    /// A call was evaluated: it is the current one from here on. One that is evaluated again, after a
    /// failure or since a cap was set, goes on counting its attempts.
    pub(super) fn evaluated(&mut self, call: &CallId, prepared: &PreparedCall) {
        let same =
            self.call.is_some() && (self.purpose, self.number) == (call.purpose, call.number);
        let counted = call.number.saturating_sub(self.withdrawn);
        if !same {
            if self.call.is_some() {
                self.attempts_of.push((self.purpose, self.number, self.attempts));
            }
            let known = self.attempts_of.iter().position(|(purpose, number, _)| {
                (*purpose, *number) == (call.purpose, call.number)
            });
            self.attempts = known.map_or(0, |at| self.attempts_of.swap_remove(at).2);
            if call.purpose == Purpose::Repair {
                self.repairs = counted;
                self.repairs_here += 1;
            } else {
                self.stands_for = call.purpose;
                self.repairs_here = 0;
            }
        }
        match call.purpose {
            Purpose::Brief => self.briefs = counted,
            Purpose::Verdict => self.brief_settled = true,
            Purpose::Draft | Purpose::Repair | Purpose::Revise => {}
        }
        (self.purpose, self.number) = (call.purpose, call.number);
        self.numbered = self.numbered.max(call.number);
        self.call = Some(Box::new(prepared.clone()));
        self.failed = 0;
        self.misfit = None;
    }

    /// A good answer to the current call.
    pub(super) fn answered(&mut self, source: StepSource, answer: &Answered) {
        self.fallbacks = 0;
        self.degraded.clear();
        match self.stands_for {
            Purpose::Draft | Purpose::Revise | Purpose::Repair => {
                self.draft = Some((source, answer.clone()));
                self.versions = self.versions.saturating_add(1);
                self.brief = None;
                self.brief_settled = false;
            }
            Purpose::Brief => {
                self.brief = answer.brief;
                self.brief_settled = true;
            }
            Purpose::Verdict => {
                let asked = self.call.as_ref().and_then(|call| call.review.as_ref());
                if let (Some(asked), Some(judged)) = (asked, &answer.judged) {
                    self.review.take(asked, judged, answer.output);
                }
            }
        }
    }

    /// The failed step gets another chance: from the start, or where it has a draft, from there.
    pub(super) fn reopen(&mut self) {
        self.failed = 0;
        self.review.forget_refusal();
        self.fallbacks = 0;
        self.degraded.clear();
        self.unknown = false;
        self.misfit = None;
        self.repairs_here = 0;
    }
}
