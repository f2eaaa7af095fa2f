//! What was handed on: which documents went into which, through fans-out, groups and called workflows, and what
//! was found of them there.

use std::{collections::BTreeMap, rc::Rc};

use orchestrate_core::{
    brief::Brief,
    coverage::{CoverageEntry, Document, Finding},
    handoff::Pass,
    ids::{Digest, StepPath},
    plan::Action,
    summary::{StepState, StepSummary},
};

use crate::context::Context;

/// Handoffs of an edge that are told one by one: the worst.
const MOST_TOLD: usize = 3;
/// Words and blocks that are looked at for one edge; what is beyond is counted. One handoff is always held
/// against its document.
const MOST_TOUCHES: u64 = 2_000_000;
/// Briefs that are kept in memory.
const BRIEFS_KEPT: usize = 1_000;

/// What the documents of one step say of the briefs of another: one handoff, or many where one of them runs
/// more than once.
pub(crate) struct Edge {
    pub(crate) from: StepPath,
    pub(crate) to: StepPath,
    /// Handoffs whose briefs had something to check.
    pub(crate) handoffs: usize,
    /// Handoffs that were left, since looking at them all would take too long.
    pub(crate) unread: usize,
    pub(crate) found: Found,
    /// The handoffs of which the most was not found, the worst first.
    pub(crate) worst: Vec<HandedOn>,
    touches: u64,
}

/// What one document says of one brief.
pub(crate) struct HandedOn {
    pub(crate) from: StepPath,
    pub(crate) to: StepPath,
    pub(crate) entries: Vec<CoverageEntry>,
    pub(crate) found: Found,
}

/// How many entries were found in which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Found {
    pub(crate) kept: usize,
    pub(crate) changed: usize,
    pub(crate) named_only: usize,
    pub(crate) not_mentioned: usize,
    pub(crate) unchecked: usize,
}

impl Found {
    fn of(entries: &[CoverageEntry], unchecked: usize) -> Self {
        let mut found = Self { unchecked, ..Self::default() };
        for entry in entries {
            match entry.finding {
                Finding::Kept(_) => found.kept += 1,
                Finding::Changed { .. } => found.changed += 1,
                Finding::NamedOnly => found.named_only += 1,
                Finding::NotMentioned => found.not_mentioned += 1,
            }
        }
        found
    }

    /// Entries that were held against a document.
    pub(crate) fn checked(&self) -> usize {
        self.kept + self.changed + self.named_only + self.not_mentioned
    }

    /// Entries that do not stand there as they were.
    pub(crate) fn lost(&self) -> usize {
        self.checked() - self.kept
    }

    fn add(&mut self, other: &Self) {
        self.kept += other.kept;
        self.changed += other.changed;
        self.named_only += other.named_only;
        self.not_mentioned += other.not_mentioned;
        self.unchecked += other.unchecked;
    }
}

impl Edge {
    fn take(&mut self, handed: HandedOn) {
        self.handoffs += 1;
        self.found.add(&handed.found);
        let better = |known: &HandedOn| known.found.lost() < handed.found.lost();
        let place = self.worst.iter().position(better).unwrap_or(self.worst.len());
        self.worst.insert(place, handed);
        self.worst.truncate(MOST_TOLD);
    }
}

/// Every edge on which a brief with something to check was handed on and both ends are finished, in plan
/// order: between personas, since what is rendered keeps and drops nothing. A fan-out hands on the documents of
/// its items, a group and a called workflow those of their last steps. None without a model.
pub(crate) fn edges(context: &Context<'_>) -> Vec<Edge> {
    if context.summary.offline {
        return Vec::new();
    }
    let mut gathering = Gathering {
        context,
        parts: parts(context),
        writers: BTreeMap::new(),
        briefs: BTreeMap::new(),
        edges: BTreeMap::new(),
    };
    let plan = context.summary.plan();
    for (at, step) in plan.steps().iter().enumerate() {
        if !matches!(step.action, Action::Persona(_)) {
            continue;
        }
        if plan.repeats(at) {
            for told in context.summary.instances_of(at) {
                gathering.look_into(at, told);
            }
        } else {
            gathering.look_into(at, &context.summary.steps[at]);
        }
    }
    let edges = gathering.edges.into_values();
    edges.filter(|edge| edge.found.checked() + edge.unread > 0).collect()
}

/// The items of every fan-out instance, in their order.
fn parts<'a>(context: &Context<'a>) -> BTreeMap<StepPath, Vec<&'a StepSummary>> {
    let mut parts: BTreeMap<StepPath, Vec<&StepSummary>> = BTreeMap::new();
    for told in context.summary.instances() {
        if let Some((list, _)) = item_of(&told.step) {
            parts.entry(list).or_default().push(told);
        }
    }
    for items in parts.values_mut() {
        items.sort_by_cached_key(|told| item_of(&told.step).map(|(_, number)| number));
    }
    parts
}

/// The fan-out that a path is an item of, and its number.
fn item_of(path: &StepPath) -> Option<(StepPath, usize)> {
    let (list, number) = path.as_str().strip_suffix(']')?.rsplit_once('[')?;
    Some((list.into(), number.parse().ok()?))
}

/// The group, or the item of one, that a path is a step of.
fn group_of(path: &StepPath) -> Option<StepPath> {
    path.as_str().rsplit_once('/').map(|(group, _)| group.into())
}

/// Finished documents with a brief, by the place in the plan of the step that wrote them.
type Writers<'a> = Rc<BTreeMap<usize, Vec<&'a StepSummary>>>;

struct Gathering<'c, 'a> {
    context: &'c Context<'a>,
    parts: BTreeMap<StepPath, Vec<&'a StepSummary>>,
    /// What each need has handed on, also to the next item.
    writers: BTreeMap<StepPath, Writers<'a>>,
    briefs: BTreeMap<Digest, Rc<Brief>>,
    /// By the places of the dependent, of its need and of the step that wrote.
    edges: BTreeMap<(usize, usize, usize), Edge>,
}

impl<'a> Gathering<'_, 'a> {
    /// Holds the briefs that came to a finished instance of the step at `at` against its document.
    fn look_into(&mut self, at: usize, told: &'a StepSummary) {
        if told.state != StepState::Succeeded {
            return;
        }
        let plan = self.context.summary.plan();
        let handing = self.handing(&told.step);
        let Some(position) = plan.position_of(&handing) else { return };
        // Read when the first need has a brief to hold against it.
        let mut document = None;
        for (order, need) in plan.steps()[position].needs.iter().enumerate() {
            if need.pass == Pass::None {
                continue;
            }
            let source = match group_of(&handing) {
                Some(group) => group.member(need.step.name()),
                None => need.step.clone(),
            };
            for (&wrote, writers) in self.writers(source).iter() {
                self.hold((at, order, wrote), writers, told, &mut document);
            }
        }
    }

    /// The instance whose needs are handed to this one: itself, and of an item or where it has none, what is
    /// around it.
    fn handing(&self, path: &StepPath) -> StepPath {
        let plan = self.context.summary.plan();
        let mut at = path.clone();
        loop {
            let above = match item_of(&at) {
                Some((list, _)) => Some(list),
                None if plan.step(&at.step()).is_some_and(|step| step.needs.is_empty()) => {
                    group_of(&at)
                }
                None => None,
            };
            match above {
                Some(above) => at = above,
                None => return at,
            }
        }
    }

    /// What this need has handed on.
    fn writers(&mut self, source: StepPath) -> Writers<'a> {
        if let Some(known) = self.writers.get(&source) {
            return Rc::clone(known);
        }
        let mut found = BTreeMap::new();
        self.gather(&source, &mut found);
        let found = Rc::new(found);
        self.writers.insert(source, Rc::clone(&found));
        found
    }

    fn gather(&self, path: &StepPath, found: &mut BTreeMap<usize, Vec<&'a StepSummary>>) {
        let summary = self.context.summary;
        let plan = summary.plan();
        let Some(at) = plan.position_of(path) else { return };
        if plan.steps()[at].flow.each.is_some() && item_of(path).is_none() {
            for part in self.parts.get(path).into_iter().flatten() {
                self.gather(&part.step, found);
            }
            return;
        }
        match plan.steps()[at].action {
            Action::Persona(_) => {
                let told = summary.step(path).filter(|told| told.state == StepState::Succeeded);
                if let Some(told) = told.filter(|told| told.brief.is_some()) {
                    found.entry(at).or_default().push(told);
                }
            }
            Action::Group | Action::Workflow(_) => {
                for &member in plan.members(at) {
                    if plan.dependents(member).is_empty() {
                        self.gather(&path.member(plan.steps()[member].id.name()), found);
                    }
                }
            }
            Action::Render(_) | Action::Approve(_) => {}
        }
    }

    fn hold(
        &mut self,
        key: (usize, usize, usize),
        writers: &[&StepSummary],
        told: &StepSummary,
        document: &mut Option<(Document, u64)>,
    ) {
        let (context, plan) = (self.context, self.context.summary.plan());
        for (nth, writer) in writers.iter().enumerate() {
            let edge = self.edges.entry(key).or_insert_with(|| Edge {
                from: plan.steps()[key.2].id.clone(),
                to: plan.steps()[key.0].id.clone(),
                handoffs: 0,
                unread: 0,
                found: Found::default(),
                worst: Vec::new(),
                touches: 0,
            });
            if edge.touches > MOST_TOUCHES {
                edge.unread += writers.len() - nth;
                return;
            }
            let Some(brief) = brief(&mut self.briefs, context, writer) else { continue };
            let (document, to_read) = document.get_or_insert_with(|| {
                let text = context.deliverable(told).unwrap_or_default();
                let document = Document::new(&text, context.brief(told).as_ref());
                let to_read = document.coverage_of(&Brief::default()).touches;
                edge.touches += to_read;
                (document, to_read)
            });
            let coverage = document.coverage_of(&brief);
            edge.touches += coverage.touches - *to_read;
            if !coverage.entries.is_empty() {
                let found = Found::of(&coverage.entries, coverage.unchecked);
                let (from, to) = (writer.step.clone(), told.step.clone());
                edge.take(HandedOn { from, to, entries: coverage.entries, found });
            }
        }
    }
}

fn brief(
    known: &mut BTreeMap<Digest, Rc<Brief>>,
    context: &Context<'_>,
    step: &StepSummary,
) -> Option<Rc<Brief>> {
    let digest = step.brief?;
    if let Some(brief) = known.get(&digest) {
        return Some(Rc::clone(brief));
    }
    let brief = Rc::new(context.brief(step)?);
    if known.len() >= BRIEFS_KEPT {
        known.pop_first();
    }
    known.insert(digest, Rc::clone(&brief));
    Some(brief)
}
