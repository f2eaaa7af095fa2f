//! What a preparation may know of a run: the needs of a step and of everything around it, the items that
//! its templates know, and the parts that are to be put together.

use std::{collections::BTreeMap, sync::Arc};

use orchestrate_core::{
    event::Event,
    ids::{CallId, StepPath},
    neutral,
    plan::{Action, Need},
    review,
    run::{Run, StepStatus},
    summary::{RunSummary, StepSummary},
};
use orchestrate_workflow::StepEnding;

use crate::{
    needs::NeedState,
    prepare::{ItemState, View},
    reserving::Left,
};

/// What came of the needs that are at their end, for all who need them: the items of a fan-out look at the
/// needs of the fan-out, each of which may have as many items.
#[derive(Debug, Default)]
pub(crate) struct NeedsSeen {
    ended: BTreeMap<usize, NeedState>,
    /// Instances whose state was looked at so far: what views cost, for tests.
    touches: u64,
}

impl NeedsSeen {
    /// Takes note of what was recorded: where a step is decided anew, what rests on it is looked at again.
    pub(crate) fn note(&mut self, event: &Event) {
        if matches!(event, Event::StepReopened { .. } | Event::StepWithdrawn { .. }) {
            self.ended.clear();
        }
    }

    /// What preparing `call` may know.
    pub(crate) fn view(&mut self, run: &Run, summary: &RunSummary, call: &CallId) -> View {
        let (ledger, limits) = (run.ledger(), run.limits());
        let left = Left { tokens: ledger.tokens_left(limits), cost: ledger.cost_left(limits) };
        let mut view = View { left, ..View::default() };
        let Some(instance) = run.instance(&call.step) else { return view };
        view.model = run.model(instance).cloned();
        view.degraded = run.degraded(instance).to_vec();
        view.draft = run.draft(instance);
        view.draft_brief = run.draft_brief(instance);
        if run.plan().review(run.position_of(instance)).is_some() {
            view.review = run.review(instance).clone();
            view.question = run.review_question(instance);
        }
        view.stands_for = run.stands_for(instance);
        view.rejected = run.rejected(instance);
        view.is_item = run.item(instance).is_some();
        view.admitted = run.is_admitted(instance);
        view.own_list = run.list(instance);
        if run.is_joining(instance) {
            view.joining = Some(self.joined(run, summary, instance));
            view.inputs = run.inputs(instance);
            if view.inputs.is_some() {
                // The outputs of a called workflow may speak of any of its steps.
                let parts = run.parts(instance);
                view.needs = parts.map(|part| self.need(run, summary, part)).collect();
            }
            return view;
        }
        let caller = run.caller(instance);
        view.inputs = caller.and_then(|caller| run.inputs(caller));
        let handing = handing(run, instance);
        let (mut around, mut outside) = (Some(instance), false);
        while let Some(at) = around {
            outside |= Some(at) == caller;
            // Of what stands around a called workflow, its first steps get what is handed to it.
            if !outside || at == handing {
                for need in run.needs_of(at) {
                    let state = self.need(run, summary, need);
                    view.needs.push(state);
                }
            }
            let parent = run.parent(at);
            if !outside
                && let (Some(index), Some(parent)) = (run.item(at), parent)
                && let Some(list) = run.list(parent)
                && let Some(each) = &run.plan().steps()[run.position_of(at)].flow.each
            {
                view.items.insert(0, ItemState { name: each.name.clone(), list, index });
            }
            around = parent;
        }
        view.handoffs = handoffs(run, handing);
        view
    }

    fn need(&mut self, run: &Run, summary: &RunSummary, need: usize) -> NeedState {
        if let Some(known) = self.ended.get(&need) {
            return known.clone();
        }
        let mut state = self.state(run, summary, need);
        state.list = run.list(need);
        if state.list.is_some() {
            let parts = run.parts(need).map(|part| self.state(run, summary, part));
            state.parts = Some(Arc::new(parts.collect()));
        }
        // What has no parts is quickly told again.
        if !run.parts(need).is_empty() && nothing_changes(run, need) {
            self.ended.insert(need, state.clone());
        }
        state
    }

    /// The parts whose documents make up that of a fan-out or group.
    fn joined(&mut self, run: &Run, summary: &RunSummary, instance: usize) -> Vec<NeedState> {
        let plan = run.plan();
        let is_last = |&part: &usize| {
            run.item(part).is_some() || plan.dependents(run.position_of(part)).is_empty()
        };
        let last = run.parts(instance).filter(is_last);
        last.map(|part| self.state(run, summary, part)).collect()
    }

    fn state(&mut self, run: &Run, summary: &RunSummary, instance: usize) -> NeedState {
        self.touches += 1;
        let caveat = self.caveat(run, summary, instance);
        NeedState { caveat, ..bare_state(run, summary, instance) }
    }

    /// What whoever relies on the document of an instance has to know of its review, or of those in it.
    fn caveat(&mut self, run: &Run, summary: &RunSummary, instance: usize) -> Option<String> {
        if run.parts(instance).is_empty() {
            return summary.step(run.path(instance)).and_then(own_caveat);
        }
        let (mut told, mut more) = (Vec::new(), 0);
        let mut work: Vec<usize> = run.parts(instance).rev().collect();
        while let Some(part) = work.pop() {
            self.touches += 1;
            work.extend(run.parts(part).rev());
            let known = summary.step(run.path(part)).and_then(own_caveat);
            match known.filter(|_| run.status(part) == StepStatus::Succeeded) {
                Some(caveat) if told.len() < MOST_CAVEATS => {
                    told.push(format!("`{}`: {caveat}", run.path(part)));
                }
                Some(_) => more += 1,
                None => {}
            }
        }
        if more > 0 {
            told.push(format!("{more} more like these"));
        }
        (!told.is_empty()).then(|| told.join("; "))
    }
}

/// Whether an instance stays as it is unless it is decided anew. In a fan-out that one item has failed others
/// may still be with a person.
fn nothing_changes(run: &Run, instance: usize) -> bool {
    match run.status(instance) {
        StepStatus::Succeeded | StepStatus::Skipped => true,
        StepStatus::Failed => run.parts(instance).all(|part| {
            let status = run.status(part);
            // Those that did not begin never will.
            matches!(status, StepStatus::Ready | StepStatus::Blocked) || nothing_changes(run, part)
        }),
        _ => false,
    }
}

/// The instance whose needs hand over to this one: itself, and where it has none the group that it is a
/// first step of.
fn handing(run: &Run, instance: usize) -> usize {
    let mut at = instance;
    loop {
        let needs = &run.plan().steps()[run.position_of(at)].needs;
        let is_item = run.item(at).is_some();
        match run.parent(at) {
            Some(parent) if is_item || needs.is_empty() => at = parent,
            _ => return at,
        }
    }
}

/// The needs of an instance that hand over, by the names that prompts know.
fn handoffs(run: &Run, handing: usize) -> Vec<Need> {
    let needs = &run.plan().steps()[run.position_of(handing)].needs;
    let handed = needs.iter().filter(|need| need.handoff);
    let named = |need: &Need| Need { step: need.step.name().into(), ..need.clone() };
    handed.map(named).collect()
}

/// How an instance stands, less what a review in it has to say.
fn bare_state(run: &Run, summary: &RunSummary, instance: usize) -> NeedState {
    let (position, path) = (run.position_of(instance), run.path(instance));
    let step = &run.plan().steps()[position];
    let told = summary.step(path);
    let persona = match step.action {
        Action::Persona(_) => {
            let row = &summary.steps[position].persona;
            told.and_then(|told| told.persona.clone()).or_else(|| row.clone())
        }
        Action::Render(_) | Action::Approve(_) | Action::Group | Action::Workflow(_) => None,
    };
    let (ending, reason) = match run.status(instance) {
        StepStatus::Succeeded => (StepEnding::Succeeded, String::new()),
        StepStatus::Skipped => {
            let why = told.and_then(|told| told.skipped.as_ref());
            let why = why.map(|why| format!(": {why}")).unwrap_or_default();
            (StepEnding::Skipped, format!("it was skipped{why}"))
        }
        StepStatus::Failed => {
            let why = told.and_then(|told| told.failure.as_ref());
            (StepEnding::Failed, why.map_or_else(|| "it failed".to_owned(), ToString::to_string))
        }
        _ => (StepEnding::Failed, "it did not run, because a step before it failed".to_owned()),
    };
    NeedState {
        step: StepPath::from(path.name()),
        persona,
        result: run.result(instance),
        output: run.output(instance),
        schema: run.plan().output(&step.id).map(|output| Arc::clone(&output.schema)),
        ending,
        reason,
        caveat: None,
        parts: None,
        list: None,
    }
}

/// Caveats of items and steps of groups that are told one by one.
const MOST_CAVEATS: usize = 5;

fn own_caveat(step: &StepSummary) -> Option<String> {
    let log = step.review.as_ref()?;
    match log.stop? {
        review::Stop::SwitchedOff | review::Stop::Converged => None,
        review::Stop::NotJudged => {
            Some("the document of this step was not judged by its review".into())
        }
        reason => {
            let waived = log.waiver().filter(|said| said.approved);
            let waived = waived.map(|said| {
                let note = said.note.as_deref().map(neutral::one_line);
                let note = note.map(|note| format!(": {note}")).unwrap_or_default();
                format!("; {} let it go on{note}", neutral::one_line(&said.by))
            });
            Some(format!(
                "the document of this step did not pass its review ({}): {}{}",
                reason.phrase(),
                log.blocking().join(", "),
                waived.unwrap_or_default()
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use indexmap::IndexMap;
    use orchestrate_core::{
        Timestamp,
        budget::Budget,
        event::StepSource,
        flow::{Flow, ForEach, Join, ListSource},
        ids::{Digest, Purpose},
        plan::{Plan, PlanParts, Step},
    };

    use super::*;

    fn fan_out(id: &str, needs: &[&str]) -> Step {
        let list = ListSource::Expression("a list".into());
        let each = ForEach { list, name: "item".into(), max_parallel: None, join: Join::All };
        Step {
            id: id.into(),
            needs: needs.iter().map(|need| Need::on(*need)).collect(),
            action: Action::Render("text".into()),
            optional: false,
            save: None,
            flow: Flow { each: Some(each), ..Flow::default() },
        }
    }

    fn succeeded(step: StepPath) -> Event {
        let (source, deliverable) = (StepSource::Render, Digest::of("text"));
        Event::StepSucceeded { step, source, deliverable, brief: None, output: None }
    }

    /// `a` with `count` items that succeeded, and `b`, which needs it, with as many that may begin.
    fn two_fan_outs(count: usize) -> (Run, RunSummary) {
        let plan = Plan::build(PlanParts {
            workflow: "w".into(),
            summary: None,
            inputs: IndexMap::new(),
            steps: vec![fan_out("a", &[]), fan_out("b", &["a"])],
            outputs: IndexMap::new(),
            concurrency: None,
            budget: Budget::default(),
        });
        let plan = Arc::new(plan.expect("it is sound"));
        let found = |step: &str| {
            let list = Digest::of("list");
            Event::ItemsFound { step: step.into(), count, list }
        };
        let a = StepPath::from("a");
        let mut events = vec![found("a")];
        events.extend((0..count).map(|item| succeeded(a.item(item))));
        events.extend([succeeded(a), found("b")]);
        let run = Run::replay(Arc::clone(&plan), events.iter().map(|event| (Timestamp(1), event)));
        (run.expect("it can happen"), RunSummary::new(plan))
    }

    #[test]
    fn what_came_of_a_fan_out_is_looked_at_once_for_all_items_that_need_it() {
        let count = 40;
        let (run, summary) = two_fan_outs(count);
        let mut seen = NeedsSeen::default();
        let b = StepPath::from("b");
        for item in 0..count {
            let call = CallId::first(b.item(item), Purpose::Draft);
            let view = seen.view(&run, &summary, &call);
            let parts = view.needs[0].parts.as_ref().expect("the items of `a`");
            assert_eq!((view.needs.len(), parts.len()), (1, count));
        }
        // The fan-out itself, and each of its items for itself and for what there is to say of all.
        let once = 1 + 2 * count as u64;
        assert_eq!(seen.touches, once);

        seen.note(&Event::StepReopened { step: "a".into() });
        seen.view(&run, &summary, &CallId::first(b.item(0), Purpose::Draft));
        assert_eq!(seen.touches, 2 * once, "it may have come to something else");
    }
}
