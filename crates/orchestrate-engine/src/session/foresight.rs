//! Which steps of a run that is decided would be answered by what was paid for before.

use std::sync::{Arc, Mutex};

use orchestrate_core::{
    event::{Answered, ReuseOrigin},
    flow::MOST_ITEMS,
    handoff::DEFAULT_ALLOWANCE,
    ids::{CallId, Digest, Purpose},
    money::Money,
    plan::{Action, Plan, Step},
    run::Prepared,
    structured::with_brief,
};
use orchestrate_provider::tokens;

use orchestrate_workflow::StepEnding;

use super::{Repeats, RunSetup, StepForecast, rehearsal::preparer};
use crate::{
    home::Home,
    needs::NeedState,
    prepare::{Preparer, View},
    reserving::ASSUMED_ANSWER_TOKENS,
    store::{Blob, BlobReader, Index, StoreError},
};

/// What becomes of a step before anything is sent, as far as it can be known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Foresight {
    /// It is a template: nobody is asked.
    Template,
    /// An answer that was paid for is used again.
    Reused(Box<ReuseOrigin>),
    /// Somebody is asked.
    Called,
    /// A person will be asked.
    Asked,
    /// It hangs on what earlier steps answer.
    Open,
}

/// The least and the most of something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Bounds {
    /// Not less.
    pub at_least: u64,
    /// Not more.
    pub at_most: u64,
}

impl Bounds {
    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            at_least: self.at_least.saturating_add(other.at_least),
            at_most: self.at_most.saturating_add(other.at_most),
        }
    }
}

impl Foresight {
    /// The word for it.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Template => "template",
            Self::Reused(_) => "reused",
            Self::Called => "called",
            Self::Asked => "asked",
            Self::Open => "open",
        }
    }
}

/// What a step may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CostBounds {
    /// Not less.
    pub at_least: Money,
    /// Not more.
    pub at_most: Money,
}

impl CostBounds {
    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            at_least: self.at_least.plus(other.at_least),
            at_most: self.at_most.plus(other.at_most),
        }
    }
}

/// What a step sends and is answered at most, repeats after failures left out.
struct Volume {
    /// One where it is certain that somebody is asked.
    is_sent: u64,
    calls: u64,
    /// Tokens of all prompts.
    input: u64,
    /// Tokens of all answers.
    output: u64,
    /// Tokens of the longest prompt.
    longest: u64,
}

fn volume(setup: &RunSetup, step: &StepForecast, foresight: &Foresight) -> Option<Volume> {
    let position = setup.plan.position(&step.step)?;
    let Action::Persona(action) = &setup.plan.steps()[position].action else { return None };
    let is_sent = match foresight {
        Foresight::Template | Foresight::Asked | Foresight::Reused(_) => return None,
        Foresight::Called => 1,
        Foresight::Open => 0,
    };
    let answer = u64::from(action.parameters.max_output_tokens.unwrap_or(ASSUMED_ANSWER_TOKENS));
    // The schema of a value is sent beside the prompt, and charged like it.
    let form = action.output.as_ref();
    let form = form.map_or(0, |output| tokens::count(&with_brief(&output.schema).to_string()));
    let prompt = step.prompt_tokens + step.handoff_tokens + form;
    let times = match step.repeats {
        None => 1,
        Some(Repeats::Times(times)) => times as u64,
        Some(Repeats::FoundAtRunTime) => MOST_ITEMS as u64,
    };
    // Every version of a reviewed document may lack its brief, which is asked for once, with the document
    // before it.
    let versions = step.review.as_ref().map_or(1, |(_, rounds)| u64::from(*rounds));
    let briefs = if setup.plan.wants_brief(position) { versions } else { 0 };
    // Verdicts, new versions and repairs are given what was answered before.
    let more = step.most_calls.saturating_sub(1);
    let input = prompt
        + more * (prompt + 2 * answer)
        + briefs * (step.prompt_tokens + answer.min(DEFAULT_ALLOWANCE));
    let calls = step.most_calls.max(1) + briefs;
    Some(Volume {
        is_sent,
        calls: times.saturating_mul(calls),
        input: times.saturating_mul(input),
        output: times.saturating_mul((1 + more + briefs) * answer),
        longest: if more > 0 { prompt + 2 * answer } else { prompt },
    })
}

/// Requests that a step will send and tokens that they will use, repeats after failures left out. Where no
/// length is set, an answer is taken to have at most 8,192 tokens, and a list that is found at run time to have
/// 10,000 items.
pub fn bounds(setup: &RunSetup, step: &StepForecast, foresight: &Foresight) -> (Bounds, Bounds) {
    let Some(volume) = volume(setup, step, foresight) else { return <_>::default() };
    let calls = Bounds { at_least: volume.is_sent, at_most: volume.calls };
    let at_most = volume.input.saturating_add(volume.output);
    (calls, Bounds { at_least: volume.is_sent * step.prompt_tokens, at_most })
}

/// What those requests cost, by the prices that are known now, whichever model of the step's chain answers; none
/// where the price of the first is not known. A step that asks nobody costs nothing.
pub fn cost_bounds(
    setup: &RunSetup,
    step: &StepForecast,
    foresight: &Foresight,
) -> Option<CostBounds> {
    let Some(volume) = volume(setup, step, foresight) else { return Some(CostBounds::default()) };
    let first = setup.prices.get(step.model.as_ref()?)?;
    let others = step.fallbacks.iter().filter_map(|model| setup.prices.get(model));
    let (mut at_least, mut at_most) =
        (first.least(volume.is_sent * step.prompt_tokens), Money::ZERO);
    for price in others.chain([first]) {
        at_least = at_least.min(price.least(volume.is_sent * step.prompt_tokens));
        at_most = at_most.max(price.worst_of(volume.input, volume.output, volume.longest));
    }
    Some(CostBounds { at_least, at_most })
}

/// What becomes of every step, in plan order. Nothing is sent; where no run was made yet, nothing is read.
pub fn foresee(home: &Home, setup: &RunSetup) -> Result<Vec<Foresight>, StoreError> {
    let index = if setup.offline || !home.runs().is_dir() {
        None
    } else {
        Index::open(home)
            .inspect_err(|error| tracing::warn!(%error, "the index of answers cannot be used"))
            .ok()
    };
    let Some(index) = index else {
        return Ok(unpaid(&setup.plan));
    };
    let blobs = BlobReader::in_memory()?;
    let preparer = Preparer {
        index: Some(Mutex::new(index)),
        home: home.clone(),
        ..preparer(setup, blobs.clone(), None)
    };
    let mut outlook =
        Outlook { setup, preparer, blobs, known: vec![None; setup.plan.steps().len()] };
    let mut foreseen = vec![Foresight::Open; setup.plan.steps().len()];
    for &position in setup.plan.stages().iter().flatten() {
        foreseen[position] = outlook.step(position)?;
    }
    Ok(foreseen)
}

/// What becomes of every step where nothing was paid for yet: whoever is certain to work is asked.
pub fn unpaid(plan: &Plan) -> Vec<Foresight> {
    let certain = certain(plan);
    let step = |(at, step): (usize, &Step)| match step.action {
        Action::Render(_) | Action::Group | Action::Workflow(_) => Foresight::Template,
        Action::Approve(_) => Foresight::Asked,
        Action::Persona(_) if certain[at] => Foresight::Called,
        Action::Persona(_) => Foresight::Open,
    };
    plan.steps().iter().enumerate().map(step).collect()
}

/// Which steps run once whatever the values are: no condition stands before them, and no list around them.
pub(super) fn certain(plan: &Plan) -> Vec<bool> {
    let mut certain = vec![false; plan.steps().len()];
    for &at in plan.stages().iter().flatten() {
        // The steps of a group stand in earlier stages than the group itself, so its needs are looked at.
        let mut around = Some(at);
        certain[at] = true;
        while let Some(step) = around {
            let flow = &plan.steps()[step].flow;
            certain[at] &= flow.condition.is_none()
                && flow.each.is_none()
                && plan.needs(step).iter().all(|&need| certain[need]);
            around = plan.group(step);
        }
    }
    certain
}

/// What a step gives, where that is known already.
#[derive(Debug, Clone)]
struct Known {
    persona: Option<String>,
    deliverable: Digest,
    brief: Option<Digest>,
    output: Option<Digest>,
}

/// The brief of a draft that is used again.
enum BriefOf {
    /// It is this, where there is one.
    Known(Option<Digest>),
    /// It would be asked for.
    AskedFor,
}

struct Outlook<'s> {
    setup: &'s RunSetup,
    preparer: Preparer,
    blobs: BlobReader,
    known: Vec<Option<Known>>,
}

impl Outlook<'_> {
    fn step(&mut self, position: usize) -> Result<Foresight, StoreError> {
        let plan = &self.setup.plan;
        let step = &plan.steps()[position];
        let is_template = matches!(step.action, Action::Render(_)) || step.action.is_group();
        if matches!(step.action, Action::Approve(_)) {
            return Ok(Foresight::Asked);
        }
        // What a group or a list is made of is found while the run goes on.
        if plan.group(position).is_some() || plan.repeats(position) {
            return Ok(if is_template { Foresight::Template } else { Foresight::Open });
        }
        let mut needs = Vec::new();
        for &need in plan.needs(position) {
            let Some(known) = &self.known[need] else {
                return Ok(if is_template { Foresight::Template } else { Foresight::Open });
            };
            needs.push(NeedState {
                step: plan.steps()[need].id.clone(),
                persona: known.persona.clone(),
                result: Some((known.deliverable, known.brief)),
                output: known.output,
                schema: plan
                    .output(&plan.steps()[need].id)
                    .map(|output| Arc::clone(&output.schema)),
                ending: StepEnding::Succeeded,
                reason: String::new(),
                caveat: None,
                parts: None,
                list: None,
            });
        }
        let handoffs = step.needs.iter().filter(|need| need.handoff).cloned().collect();
        let view = View { needs, handoffs, ..View::default() };
        let call = CallId::first(step.id.clone(), Purpose::Draft);
        match self.prepare(&call, &view)? {
            Prepared::Value(deliverable) => {
                self.known[position] =
                    Some(Known { persona: None, deliverable, brief: None, output: None });
                Ok(Foresight::Template)
            }
            Prepared::Call { call: prepared, reuse: Some(reuse) } => {
                let (origin, answer) = *reuse;
                if let Action::Persona(action) = &step.action
                    && self.preparer.is_reviewed(action, &view)
                {
                    // What becomes of the draft hangs on verdicts that are not known yet.
                    return Ok(Foresight::Called);
                }
                let BriefOf::Known(brief) = self.brief(position, &answer, view)? else {
                    return Ok(Foresight::Called);
                };
                let (deliverable, output) = (answer.deliverable, answer.output);
                self.known[position] =
                    Some(Known { persona: Some(prepared.persona), deliverable, brief, output });
                Ok(Foresight::Reused(Box::new(origin)))
            }
            _ if is_template => Ok(Foresight::Template),
            Prepared::Skipped(_) => Ok(Foresight::Open),
            _ => Ok(Foresight::Called),
        }
    }

    /// The brief that goes with a reused draft.
    fn brief(&self, position: usize, answer: &Answered, view: View) -> Result<BriefOf, StoreError> {
        if answer.brief.is_some() || !self.setup.plan.wants_brief(position) {
            return Ok(BriefOf::Known(answer.brief));
        }
        let step = self.setup.plan.steps()[position].id.clone();
        let view = View { draft: Some(answer.deliverable), ..view };
        match self.prepare(&CallId::first(step, Purpose::Brief), &view)? {
            Prepared::Call { reuse: Some(reuse), .. } => Ok(BriefOf::Known(reuse.1.brief)),
            _ => Ok(BriefOf::AskedFor),
        }
    }

    fn prepare(&self, call: &CallId, view: &View) -> Result<Prepared, StoreError> {
        let preparation = self.preparer.prepare(call, view)?;
        let contents: Vec<Blob> = preparation.blobs;
        self.blobs.keep(&contents)?;
        Ok(preparation.prepared)
    }
}
