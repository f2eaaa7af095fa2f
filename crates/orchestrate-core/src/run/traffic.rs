//! What goes to which model when: the lanes of a run, the steps that wait at them, and who holds a place.
//!
//! Nothing here is recorded but what a person should know. It is forgotten with the process, so that a
//! resumed run begins carefully; a call's intent is recorded only once its lane lets it through.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use indexmap::IndexMap;

use super::{exchange::AttemptOutcome, machine::Run, step::IllegalEvent};
use crate::{
    Timestamp,
    budget::Relief,
    event::Event,
    failure::{Failure, FailureClass},
    ids::{CallId, Digest},
    lanes::{Ending, Lane, ServerLimits, SlowCause, Ticket},
    plan::Action,
    request::ModelRef,
};

/// A wait for a provider's limit that is shorter than this, in milliseconds, is not worth a word.
const WORTH_A_WORD_MS: u64 = 2_000;

/// The lanes of a run. Looking at them costs constant time per call: a step waits once for each place.
#[derive(Debug, Clone, Default)]
pub(super) struct Traffic {
    lines: IndexMap<ModelRef, Line>,
    /// Lines at which somebody waits.
    waiting: BTreeSet<usize>,
    /// Lines of which there is something to tell.
    news: BTreeSet<usize>,
    places: BTreeMap<usize, Place>,
    /// Prompts that begin alike, by the digest of their beginning.
    prefixes: BTreeMap<Digest, Prefix>,
}

/// A lane and who waits for it.
#[derive(Debug, Clone)]
struct Line {
    lane: Lane,
    /// Steps whose call is prepared.
    prepared: VecDeque<usize>,
    /// Steps whose call is not.
    fresh: VecDeque<usize>,
    /// Why less is sent, where nobody was told yet.
    slowed: Option<SlowCause>,
    /// Until when it was last told that nothing is sent.
    told_until: Timestamp,
}

/// The place in a lane that a step holds.
#[derive(Debug, Clone, Copy)]
enum Place {
    Kept(usize),
    Taken(usize, Ticket),
}

/// Whether the provider has a beginning of prompts in its cache.
#[derive(Debug, Clone)]
enum Prefix {
    /// One call is on its way that will put it there; these wait for it.
    Warming { by: usize, waiting: Vec<usize> },
    /// It does.
    Warm,
}

impl Line {
    fn is_empty(&self) -> bool {
        self.prepared.is_empty() && self.fresh.is_empty()
    }
}

impl Traffic {
    /// Forgets who holds a place: nothing is in flight any more.
    pub(super) fn clear_places(&mut self) {
        for place in std::mem::take(&mut self.places).into_values() {
            if let Place::Kept(at) = place {
                self.lines[at].lane.release();
            }
        }
    }
}

/// The tokens that a call is likely to take off a provider's limit: the worst case counts a token a byte,
/// and there are about four to one.
fn likely(reserved: u64) -> u64 {
    reserved / 4
}

impl Run {
    /// The model that a step's call goes to, where it makes one.
    pub fn model(&self, instance: usize) -> Option<&ModelRef> {
        let created = self.created.as_deref()?;
        let position = self.instances[instance].position;
        if self.instances[instance].degraded.contains(&Relief::Cheaper) && created.cheaper.is_some()
        {
            return created.cheaper.as_ref();
        }
        match self.instances[instance].fallbacks {
            0 => {
                let own = created.models.get(&self.plan.steps()[position].id);
                Some(own.unwrap_or(&created.model))
            }
            behind => self.chain(instance).get(behind - 1),
        }
    }

    /// The models that are asked where the step's own cannot be had, in order.
    pub(super) fn chain(&self, step: usize) -> &[ModelRef] {
        let Some(created) = self.created.as_deref() else { return &[] };
        let id = &self.plan.steps()[self.instances[step].position].id;
        if created.models.contains_key(id) {
            created.step_fallbacks.get(id).map_or(&[], Vec::as_slice)
        } else {
            &created.fallbacks
        }
    }

    /// The line at which a step waits; none where it makes no call.
    fn line(&mut self, step: usize) -> Option<usize> {
        let action = &self.plan.steps()[self.instances[step].position].action;
        if !matches!(action, Action::Persona(_)) || self.each(step).is_some() {
            return None;
        }
        let model = self.model(step)?;
        if let Some(at) = self.traffic.lines.get_index_of(model) {
            return Some(at);
        }
        let (created, model) = (self.created.as_deref()?, model.clone());
        let most = created.concurrency.max(1);
        let start = created.at_first.filter(|_| !created.offline).unwrap_or(most);
        let longest = std::time::Duration::from_millis(created.retry.cap_ms);
        let line = Line {
            lane: Lane::new(start, most).pausing_at_most(longest),
            prepared: VecDeque::new(),
            fresh: VecDeque::new(),
            slowed: None,
            told_until: Timestamp(0),
        };
        Some(self.traffic.lines.insert_full(model, line).0)
    }

    fn likely_tokens(&self, step: usize) -> u64 {
        self.instances[step].call.as_ref().map_or(0, |call| likely(call.reserved))
    }

    /// Whether nothing gets through for longer than anybody waits, or the breaker is open.
    fn is_shut(&self, at: usize, tokens: u64) -> bool {
        let lane = &self.traffic.lines[at].lane;
        lane.opens_at(tokens) > self.now.after(self.retry_policy().longest_wait())
    }

    /// Whether the breaker of a step's lane is open.
    pub(super) fn is_lane_broken(&mut self, step: usize) -> bool {
        self.line(step).is_some_and(|at| self.traffic.lines[at].lane.is_broken())
    }

    /// Keeps a step back for which its lane has no place. Where it will go elsewhere or fail it is not kept
    /// back: its answer may have been paid for already.
    pub(super) fn waits_at_its_lane(&mut self, step: usize) -> bool {
        let now = self.now;
        let Some(at) = self.line(step) else { return false };
        let lane = &self.traffic.lines[at].lane;
        if lane.admits(now, 0)
            || self.is_shut(at, 0)
            || (lane.is_broken() && self.next_model(step).is_some())
        {
            return false;
        }
        let queue = &mut self.traffic.lines[at];
        if queue.lane.room() == 0 {
            queue.lane.falls_short();
        }
        queue.fresh.push_back(step);
        self.traffic.waiting.insert(at);
        true
    }

    /// A step is being prepared: the place that it will need is kept.
    pub(super) fn keep_place(&mut self, step: usize) {
        if let Some(at) = self.line(step) {
            self.traffic.lines[at].lane.hold();
            self.traffic.places.insert(step, Place::Kept(at));
        }
    }

    /// The place that was kept for a step is free again.
    pub(super) fn give_up_place(&mut self, step: usize) {
        if let Some(Place::Kept(at)) = self.traffic.places.remove(&step) {
            self.traffic.lines[at].lane.release();
        }
    }

    /// Whether the prepared call of a step may be sent now. If not, it waits, goes to another model or is
    /// given up.
    pub(super) fn passes_its_lane(&mut self, step: usize) -> Result<bool, IllegalEvent> {
        let Some(at) = self.line(step) else { return Ok(true) };
        if self.waits_for_warmth(step) {
            return Ok(false);
        }
        let (now, tokens) = (self.now, self.likely_tokens(step));
        let lane = &self.traffic.lines[at].lane;
        if lane.admits(now, tokens) {
            return Ok(true);
        }
        let shut = self.is_shut(at, tokens);
        if (shut || lane.is_broken()) && self.next_model(step).is_some() {
            let failure = self.why_not(at, tokens);
            self.fall_back(step, failure)?;
            return Ok(false);
        }
        if shut {
            let failure = self.why_not(at, tokens);
            let purpose = self.instances[step].purpose;
            self.give_up(step, purpose, failure)?;
            return Ok(false);
        }
        let queue = &mut self.traffic.lines[at];
        if queue.lane.room() == 0 {
            queue.lane.falls_short();
        }
        queue.prepared.push_back(step);
        self.traffic.waiting.insert(at);
        Ok(false)
    }

    fn why_not(&self, at: usize, tokens: u64) -> Failure {
        let Some((model, line)) = self.traffic.lines.get_index(at) else {
            return Failure::new(FailureClass::Unavailable, "nothing can be sent now");
        };
        if self.is_shut(at, tokens) {
            return self.closed_for(model, line.lane.opens_at(tokens).since(self.now));
        }
        let message = format!("calls to `{model}` fail one after the other");
        Failure::new(FailureClass::Unavailable, message)
    }

    /// The call of a step is sent.
    pub(super) fn take_place(&mut self, step: usize) {
        let Some(at) = self.line(step) else { return };
        let (now, tokens) = (self.now, self.likely_tokens(step));
        let ticket = self.traffic.lines[at].lane.send(now, tokens);
        self.traffic.places.insert(step, Place::Taken(at, ticket));
        if let Some(prefix) = self.prefix(step) {
            let first = Prefix::Warming { by: step, waiting: Vec::new() };
            self.traffic.prefixes.entry(prefix).or_insert(first);
        }
    }

    fn prefix(&self, step: usize) -> Option<Digest> {
        self.instances[step].call.as_ref().and_then(|call| call.warm_first)
    }

    /// Keeps a call back while the first one whose prompt begins alike is on its way: what that one puts
    /// into the provider's cache costs the others a fraction.
    fn waits_for_warmth(&mut self, step: usize) -> bool {
        let Some(prefix) = self.prefix(step) else { return false };
        match self.traffic.prefixes.get_mut(&prefix) {
            Some(Prefix::Warming { by, waiting }) if *by != step => {
                waiting.push(step);
                true
            }
            Some(Prefix::Warming { .. } | Prefix::Warm) | None => false,
        }
    }

    fn warmed(&mut self, step: usize, good: bool) {
        let Some(prefix) = self.prefix(step) else { return };
        let is_first = matches!(self.traffic.prefixes.get(&prefix), Some(Prefix::Warming { by, .. }) if *by == step);
        if !is_first {
            return;
        }
        let before = if good {
            self.traffic.prefixes.insert(prefix, Prefix::Warm)
        } else {
            self.traffic.prefixes.remove(&prefix)
        };
        if let Some(Prefix::Warming { waiting, .. }) = before {
            self.due.extend(waiting);
        }
    }

    /// What the end of an attempt tells of its lane. False where others on their way have told it already.
    pub(super) fn learn_from(&mut self, step: usize, outcome: &AttemptOutcome) -> bool {
        self.warmed(step, matches!(outcome, AttemptOutcome::Good(_)));
        let Some(Place::Taken(at, ticket)) = self.traffic.places.remove(&step) else { return true };
        let replays = self.created.as_ref().is_some_and(|created| created.replay.is_some());
        let ending = match ending(outcome) {
            // What a cassette says of a failure says nothing of the next call: nothing was sent.
            Ending::Failed | Ending::TurnedAway(_) if replays => Ending::Nothing,
            ending => ending,
        };
        let now = self.now;
        let Some((_, line)) = self.traffic.lines.get_index_mut(at) else { return true };
        let was_broken = line.lane.is_broken();
        if !line.is_empty() {
            line.lane.falls_short();
        }
        let is_news = line.lane.ended(now, ticket, ending);
        let cause = match ending {
            Ending::TurnedAway(cause) => Some(cause).filter(|_| is_news),
            Ending::Failed if line.lane.is_broken() && (is_news || !was_broken) => {
                Some(SlowCause::Failing)
            }
            Ending::Failed | Ending::Answered | Ending::Nothing => None,
        };
        if let AttemptOutcome::Failed { retry_after_ms: Some(wait), .. } = outcome
            && matches!(ending, Ending::TurnedAway(_) | Ending::Failed)
        {
            line.lane.close_until(now.after(std::time::Duration::from_millis(*wait)));
        }
        if let Some(cause) = cause {
            line.slowed = Some(cause);
            self.traffic.news.insert(at);
        }
        is_news
    }

    /// Nothing is sent to the model of a step before `until`.
    pub(super) fn close_lane(&mut self, step: usize, until: Timestamp) {
        if let Some(at) = self.line(step) {
            self.traffic.lines[at].lane.close_until(until);
        }
    }

    /// Takes what a server says of its limits beside an answer.
    pub(super) fn hear(&mut self, call: &CallId, limits: &ServerLimits) {
        let Some(step) = self.instance(&call.step) else { return };
        if let Some(Place::Taken(at, _)) = self.traffic.places.get(&step) {
            self.traffic.lines[*at].lane.hear(self.now, limits);
        }
    }

    /// Lets those go on who wait at lanes that have a place now, as many as there are places.
    /// True where there was somebody.
    pub(super) fn let_through(&mut self, now: Timestamp) -> bool {
        let mut places = self.concurrency().saturating_sub(self.in_flight + self.preparing_count);
        let lines: Vec<usize> = self.traffic.waiting.iter().copied().collect();
        let mut moved = false;
        for at in lines {
            let Some((_, line)) = self.traffic.lines.get_index_mut(at) else { continue };
            let mut room = (line.lane.room() as usize).min(places);
            let (mut prepared, mut fresh) = (Vec::new(), Vec::new());
            while room > 0 {
                if let Some(&step) = line.prepared.front() {
                    let call = self.instances[step].call.as_ref();
                    if line.lane.opens_at(call.map_or(0, |call| likely(call.reserved))) > now {
                        break;
                    }
                    line.prepared.pop_front();
                    prepared.push(step);
                } else if line.lane.opens_at(0) <= now
                    && let Some(step) = line.fresh.pop_front()
                {
                    fresh.push(step);
                } else {
                    break;
                }
                moved = true;
                room -= 1;
                places -= 1;
                self.touches += 1;
            }
            if line.is_empty() {
                self.traffic.waiting.remove(&at);
            }
            prepared.into_iter().rev().for_each(|step| self.due.push_front(step));
            fresh.into_iter().rev().for_each(|step| self.ready.push_front(step));
        }
        moved
    }

    /// When the first lane opens at which somebody waits for nothing but time.
    pub(super) fn next_opening(&self) -> Option<Timestamp> {
        let lines = self.traffic.waiting.iter().filter_map(|&at| {
            let line = &self.traffic.lines[at];
            if line.lane.room() == 0 {
                return None;
            }
            let first = line.prepared.front();
            let tokens = first.map_or(0, |&step| self.likely_tokens(step));
            Some(line.lane.opens_at(tokens)).filter(|&opens| opens > self.now)
        });
        lines.min()
    }

    /// Whether somebody waits at a lane who may still begin something.
    pub(super) fn waits_at_lanes(&self) -> bool {
        self.traffic.waiting.iter().any(|&at| {
            let line = &self.traffic.lines[at];
            line.prepared.iter().chain(&line.fresh).any(|&step| self.may_start(step))
        })
    }

    /// Records what a person should know: that less is sent, and until when nothing is.
    pub(super) fn tell_of_lanes(&mut self) -> Result<(), IllegalEvent> {
        let now = self.now;
        let worth = Timestamp(now.0.saturating_add(WORTH_A_WORD_MS));
        let lines: BTreeSet<usize> =
            self.traffic.news.iter().chain(&self.traffic.waiting).copied().collect();
        self.traffic.news.clear();
        for at in lines {
            let first = self.traffic.lines[at].prepared.front().copied();
            let tokens = first.map_or(0, |step| self.likely_tokens(step));
            let Some((model, line)) = self.traffic.lines.get_index_mut(at) else { continue };
            let until = line.lane.opens_at(tokens);
            let cause = match line.slowed.take() {
                Some(cause) => cause,
                // Nobody was turned away, and yet nothing goes.
                None if until > worth && until > line.told_until && line.lane.room() > 0 => {
                    SlowCause::Quota
                }
                None => continue,
            };
            line.told_until = line.told_until.max(until);
            let event = Event::LaneSlowed {
                model: model.clone(),
                cause,
                at_a_time: line.lane.at_a_time(),
                until: Some(until).filter(|&until| until > now),
            };
            self.record(event)?;
        }
        Ok(())
    }
}

/// How an attempt ended, as its lane sees it.
fn ending(outcome: &AttemptOutcome) -> Ending {
    let failure = match outcome {
        AttemptOutcome::Good(_) | AttemptOutcome::Rejected { .. } => return Ending::Answered,
        AttemptOutcome::Lost { .. } => return Ending::Failed,
        AttemptOutcome::Failed { failure, .. } => failure,
    };
    match failure.class {
        FailureClass::RateLimited => Ending::TurnedAway(SlowCause::RateLimited),
        FailureClass::Overloaded => Ending::TurnedAway(SlowCause::Overloaded),
        FailureClass::Connect
        | FailureClass::StreamCut
        | FailureClass::Timeout
        | FailureClass::Unavailable => Ending::Failed,
        FailureClass::Preparation => Ending::Nothing,
        _ => Ending::Answered,
    }
}
