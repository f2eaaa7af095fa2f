//! What a budget makes of a call that it does not cover: what is done to it, and what could still be.
//!
//! Which of it is done when is the run machine's decision; here it is carried out and told.

use orchestrate_core::{budget::Relief, price::Price, request::Segment};

use crate::{
    fitting::{Draft, answer_allowance, surely_fits},
    prepare::{Preparer, View},
};

impl Preparer {
    /// Does what the budget has come to want of a call, and says so in its notes.
    pub(crate) fn degrade(&self, draft: &mut Draft, degraded: &[Relief]) {
        if degraded.contains(&Relief::Brief) {
            for spare in std::mem::take(&mut draft.spares) {
                let step = &spare.brief.step;
                draft.notes.push(format!(
                    "`{step}` came as its brief: the budget does not cover a prompt with the whole document"
                ));
                draft.request.segments[spare.at] = Segment::Handoff(Box::new(spare.brief));
            }
        }
        let own = self.models.get(&draft.request.call.step.step()).unwrap_or(&self.model);
        if degraded.contains(&Relief::Cheaper) && draft.request.model != *own {
            let model = &draft.request.model;
            draft.notes.push(format!(
                "`{model}` was asked, not `{own}`: the budget does not cover the dearer one"
            ));
        }
    }

    /// What would still make a call take less, of what the workflow wants tried.
    pub(crate) fn reliefs(&self, draft: &Draft, price: Option<&Price>, view: &View) -> Vec<Relief> {
        let ladder = &self.casting.plan.budget().on_reached;
        let helps = |relief: &Relief| {
            !view.degraded.contains(relief)
                && match relief {
                    Relief::Brief => !draft.spares.is_empty(),
                    Relief::Cheaper => price.is_some_and(|price| self.is_cheaper(draft, price)),
                    // Whether a step is optional stands in the plan.
                    Relief::SkipOptional => false,
                }
        };
        ladder.iter().copied().filter(helps).collect()
    }

    /// Whether the cheaper model is one for this very call: it can be told what the step sets, and its window
    /// holds the prompt.
    fn is_cheaper(&self, draft: &Draft, price: &Price) -> bool {
        let request = &draft.request;
        let Some(cheaper) = self.cheaper.as_ref().filter(|model| **model != request.model) else {
            return false;
        };
        let facts = self.facts.get(cheaper).copied().unwrap_or_default();
        let Some(other) = self.prices.get(cheaper) else { return false };
        let provider = self.providers.of(cheaper);
        if provider.is_none_or(|provider| provider.refuses(&request.parameters).is_some()) {
            return false;
        }
        let (prompt, answer) =
            (request.prompt_bytes(), u64::from(answer_allowance(request, &facts)));
        other.worst(prompt, answer) < price.worst(prompt, answer)
            && surely_fits(request, cheaper, &facts)
    }
}
