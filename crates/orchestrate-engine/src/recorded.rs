//! In which form a call was recorded that a replay is asked for.
//!
//! What a window or a budget had made of a call is not decided anew: on another machine the table of models may
//! be another, and a replay spends nothing. The cassette says which form it was.

use orchestrate_core::{
    budget::Relief,
    request::{Identity, ModelRef, Segment},
};

use crate::{
    fitting::{Draft, Spare},
    prepare::Preparer,
};

impl Preparer {
    /// The form of a call to `model` that the cassette holds, with what a budget had made of it; none where no
    /// cassette answers, or it holds none of them.
    pub(crate) fn as_recorded(
        &self,
        draft: &Draft,
        model: &ModelRef,
    ) -> Option<(Draft, Vec<Relief>)> {
        self.providers
            .of(model)?
            .holds(&Identity::of(self.providers.endpoint(model)?, &draft.request))?;
        let mut forms = vec![Vec::new()];
        for &relief in &self.casting.plan.budget().on_reached {
            if relief != Relief::SkipOptional {
                let more: Vec<_> =
                    forms.iter().map(|form| [&form[..], &[relief]].concat()).collect();
                forms.extend(more);
            }
        }
        let drafts = forms.into_iter().filter_map(|degraded| {
            let mut form = draft.clone();
            form.request.model = if degraded.contains(&Relief::Cheaper) {
                self.cheaper.clone()?
            } else {
                model.clone()
            };
            self.degrade(&mut form, &degraded);
            Some((form, degraded))
        });
        let drafts: Vec<_> = drafts.collect();
        // What a budget made of it and what a window did may come to the same prompt.
        let whole = drafts.iter().find(|(form, _)| self.is_recorded(form));
        let cut = || {
            let cut = |(form, degraded): &(Draft, Vec<Relief>)| {
                Some((self.cut_as_recorded(form.clone())?, degraded.clone()))
            };
            drafts.iter().find_map(cut)
        };
        whole.cloned().or_else(cut)
    }

    fn is_recorded(&self, draft: &Draft) -> bool {
        let provider = self.providers.of(&draft.request.model);
        let holds = provider.and_then(|provider| {
            provider.holds(&Identity::of(provider.endpoint(), &draft.request))
        });
        holds == Some(true)
    }

    /// The draft with as many of its largest documents as briefs as it was recorded with.
    fn cut_as_recorded(&self, mut draft: Draft) -> Option<Draft> {
        loop {
            let Spare { at, brief } = draft.take_largest()?;
            draft.notes.push(format!("`{}` came as its brief, as it was recorded", brief.step));
            draft.request.segments[at] = Segment::Handoff(Box::new(brief));
            if self.is_recorded(&draft) {
                return Some(draft);
            }
        }
    }
}
