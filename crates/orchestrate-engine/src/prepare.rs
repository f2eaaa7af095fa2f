//! Preparing a call: persona, prompt, model, bound, and whether its answer was already paid for.

use std::sync::{Arc, Mutex};

use indexmap::IndexMap;
use orchestrate_core::{
    approval::{self, ApprovalDecision},
    budget::Relief,
    event::{Answered, Freshness, PreparedCall, ReuseOrigin, RunForked, SkipReason},
    failure::Failure,
    handoff::{self, Form, Handoff, Pass},
    ids::{CallId, Digest, Purpose, StepPath},
    money::Money,
    persona::Persona,
    plan::{Action, ApprovalStep, Need, PersonaStep},
    price::Price,
    request::{Identity, ModelRef, Request, Segment},
    review::ReviewLog,
    run::{Asked, Prepared, ReviewQuestion},
    structured::with_brief,
};
use orchestrate_persona::Contract;
use orchestrate_provider::{redact::Redactor, tokens};
use orchestrate_workflow::Scope;

use crate::{
    approvals::{EarlierDecisions, GivenDecision, decided},
    calls::{self, Calls},
    casting::{Casting, invalid, task_segment},
    config::{ModelPrices, ModelsKnown},
    fitting::{Draft, Spare, answer_allowance, fit, longest_answer_within},
    gates::GateCommands,
    home::Home,
    items::{self, Lists},
    needs::{NeedState, Needs},
    providers::Providers,
    reserving::{Left, reserve},
    store::{Blob, BlobReader, Index, StoreError, StoredRequest},
    structured, texts,
    warming::Prefixes,
};

/// Everything that preparing depends on and that does not change during a run.
pub(crate) struct Preparer {
    pub(crate) casting: Casting,
    pub(crate) input_notes: Vec<String>,
    pub(crate) model: ModelRef,
    pub(crate) models: IndexMap<StepPath, ModelRef>,
    /// The model that may be asked where the budget does not cover a dearer one.
    pub(crate) cheaper: Option<ModelRef>,
    pub(crate) prices: ModelPrices,
    /// What else is known of the models that may be asked.
    pub(crate) facts: ModelsKnown,
    pub(crate) providers: Providers,
    pub(crate) blobs: BlobReader,
    pub(crate) fresh: Freshness,
    pub(crate) forked: Option<RunForked>,
    pub(crate) earlier_decisions: EarlierDecisions,
    pub(crate) home: Home,
    /// Knows what must not reach the journal.
    pub(crate) redactor: Redactor,
    pub(crate) index: Option<Mutex<Index>>,
    pub(crate) persona_blobs: Mutex<std::collections::BTreeMap<String, Blob>>,
    pub(crate) lists: Lists,
    pub(crate) calls: Calls,
    pub(crate) gates: GateCommands,
    pub(crate) prefixes: Prefixes,
}

/// An item that the templates of a call know.
#[derive(Debug, Clone)]
pub(crate) struct ItemState {
    pub(crate) name: String,
    pub(crate) list: Digest,
    pub(crate) index: usize,
}

/// The state of the run that one preparation sees.
#[derive(Debug, Clone, Default)]
pub(crate) struct View {
    /// The needs of the step and of everything that it is a part of.
    pub(crate) needs: Vec<NeedState>,
    /// Those whose handoffs go into the prompt.
    pub(crate) handoffs: Vec<Need>,
    /// The items around the call, outermost first.
    pub(crate) items: Vec<ItemState>,
    /// What the workflow was called with that the step belongs to, where another one calls it.
    pub(crate) inputs: Option<Digest>,
    /// Whether the call is that of an item, so that its list has been found.
    pub(crate) is_item: bool,
    /// Whether the condition is known to hold.
    pub(crate) admitted: bool,
    /// The parts to put together, where all of them are at their end.
    pub(crate) joining: Option<Vec<NeedState>>,
    /// The list that those parts are the items of.
    pub(crate) own_list: Option<Digest>,
    /// The step's own good draft, when its brief is to be asked for.
    pub(crate) draft: Option<Digest>,
    /// The brief of that draft, where it has one.
    pub(crate) draft_brief: Option<Digest>,
    /// The course of the step's review, where it has one.
    pub(crate) review: ReviewLog,
    /// What a person is to be asked about the document, where its review has come to that.
    pub(crate) question: Option<ReviewQuestion>,
    /// What a repair stands for: the purpose of the call whose answer did not fit.
    pub(crate) stands_for: Purpose,
    /// The step's own answer that did not fit its schema, when it is to be repaired.
    pub(crate) rejected: Option<Digest>,
    /// The model that is asked; another than the step's own where that cannot be had.
    pub(crate) model: Option<ModelRef>,
    /// What the budget has made of the call.
    pub(crate) degraded: Vec<Relief>,
    /// What is left under the caps.
    pub(crate) left: Left,
}

/// Whether the condition of a step's review holds, or it has none.
fn reviewed(action: &PersonaStep, scope: &Scope<'_>) -> Result<bool, Failure> {
    let condition = action.review.as_ref().and_then(|review| review.condition.as_ref());
    condition.map_or(Ok(true), |condition| {
        orchestrate_workflow::evaluate_condition(condition, scope)
            .map_err(|error| items::advised(&error))
    })
}

/// What a preparation came to.
pub(crate) struct Preparation {
    pub(crate) prepared: Prepared,
    pub(crate) request: Option<Arc<Request>>,
    pub(crate) blobs: Vec<Blob>,
}

impl Preparation {
    /// A preparation that failed.
    pub(crate) fn invalid(failure: Failure) -> Self {
        Self::decided(Prepared::Invalid(failure))
    }

    /// A preparation that needs no content.
    pub(crate) fn decided(prepared: Prepared) -> Self {
        Self { prepared, request: None, blobs: Vec::new() }
    }
}

/// An answer that was paid for, and where.
type Reuse = (ReuseOrigin, Answered);

/// Why a preparation did not come to a call.
pub(crate) enum Stop {
    /// Something a person can mend.
    Invalid(Failure),
    /// The store.
    Store(StoreError),
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Invalid(failure)
    }
}

impl Preparer {
    /// Prepares `call`; what a person can mend is part of the answer, an error is the store's.
    pub(crate) fn prepare(&self, call: &CallId, view: &View) -> Result<Preparation, StoreError> {
        match self.try_prepare(call, view) {
            Ok(preparation) => Ok(preparation),
            Err(Stop::Invalid(failure)) => {
                Ok(Preparation::invalid(texts::keyless_failure(&self.redactor, failure)))
            }
            Err(Stop::Store(error)) => Err(error),
        }
    }

    /// Whether the document of a step will be reviewed, as far as that can be said; where it cannot, it is.
    pub(crate) fn is_reviewed(&self, action: &PersonaStep, view: &View) -> bool {
        if action.review.as_ref().is_none_or(|review| review.condition.is_none()) {
            return action.review.is_some();
        }
        let Ok(deliverables) = self.load_needs(view) else { return true };
        let scope = Scope { inputs: &self.casting.inputs, steps: &deliverables };
        reviewed(action, &scope).unwrap_or(true)
    }

    fn try_prepare(&self, call: &CallId, view: &View) -> Result<Preparation, Stop> {
        let plan = &self.casting.plan;
        let step = plan
            .position_of(&call.step)
            .map(|at| &plan.steps()[at])
            .ok_or_else(|| invalid(format!("step `{}` is not in the plan", call.step)))?;
        if let Some(parts) = &view.joining {
            return match &step.action {
                Action::Workflow(called)
                    if view.own_list.is_none() && !called.outputs.is_empty() =>
                {
                    let made = self.load_needs(view)?;
                    calls::conclude(self, called, parts, &self.scope(&made))
                }
                _ => items::join(self, step, parts, view),
            };
        }
        let deliverables = self.load_needs(view)?;
        let scope = self.scope(&deliverables);
        if let Some(condition) = &step.flow.condition
            && !view.is_item
            && !view.admitted
        {
            let holds = orchestrate_workflow::evaluate_condition(condition, &scope)
                .map_err(|error| items::advised(&error))?;
            if !holds {
                return Ok(Preparation::decided(Prepared::Skipped(SkipReason::Condition)));
            }
        }
        if let Some(each) = &step.flow.each
            && !view.is_item
        {
            return Ok(items::find(self, each, &scope)?);
        }
        match &step.action {
            Action::Group => Ok(Preparation::decided(Prepared::Group { inputs: None })),
            Action::Workflow(called) => Ok(calls::open(self, called, &scope)?),
            Action::Render(template) => {
                let text = orchestrate_workflow::render_text(template, &scope)
                    .map_err(|error| invalid(format!("rendering: {error}")))?;
                let blob = self.text_blob(text);
                Ok(Preparation {
                    prepared: Prepared::Value(blob.digest),
                    request: None,
                    blobs: vec![blob],
                })
            }
            Action::Approve(approval) => {
                Ok(self.question(&call.step, approval, &deliverables, view)?)
            }
            Action::Persona(action) => {
                let (persona, choice) = self.casting.choose(&action.persona, &scope)?;
                if let Some(question) = view.question {
                    return self.review_question(call, question, &persona, view);
                }
                let asked_for = match call.purpose {
                    Purpose::Repair => view.stands_for,
                    purpose => purpose,
                };
                if asked_for == Purpose::Verdict {
                    if view.review.verdicts.is_empty()
                        && call.purpose == Purpose::Verdict
                        && !reviewed(action, &scope)?
                    {
                        return Ok(Preparation::decided(Prepared::NotReviewed));
                    }
                    let request = self.verdict(call, action, &persona, view, &scope)?;
                    return self.finish(request.into(), None, view);
                }
                let draft = match call.purpose {
                    Purpose::Draft | Purpose::Repair | Purpose::Revise | Purpose::Verdict => {
                        let mut again = Vec::new();
                        if asked_for == Purpose::Revise {
                            again = self.revision(view)?;
                        }
                        if call.purpose == Purpose::Repair {
                            again.push(self.misfit(action, view)?);
                        }
                        self.draft(call, action, persona, &deliverables, view, again)?
                    }
                    Purpose::Brief => {
                        self.brief_request(call, action, persona, view, &scope)?.into()
                    }
                };
                self.finish(draft, choice, view)
            }
        }
    }

    /// What a person is asked; a yes to exactly this in the run that this one was made from is used again.
    fn question(
        &self,
        step: &StepPath,
        approval: &ApprovalStep,
        deliverables: &Needs,
        view: &View,
    ) -> Result<Preparation, Failure> {
        let scope = self.scope(deliverables);
        let mut text = orchestrate_workflow::render_text(&approval.question, &scope)
            .map_err(|error| invalid(format!("rendering the question: {error}")))?;
        // Whoever is asked about several items has to see which one is meant.
        for (name, item) in &deliverables.items {
            if !orchestrate_workflow::mentions_item(&approval.question, name) {
                text.push_str("\n\n");
                text.push_str(&orchestrate_workflow::item_block(name, item));
            }
        }
        let text = self.redactor.redact_owned(text);
        let grounds =
            view.needs.iter().map(|need| (&need.step, need.result.ok_or(need.reason.as_str())));
        let subject = approval::subject(&text, grounds);
        Ok(self.asked(step, text, subject, approval.expires_ms))
    }

    /// A question about `subject`, with the yes to it of the run that this one was made from.
    pub(crate) fn asked(
        &self,
        step: &StepPath,
        text: String,
        subject: Digest,
        expires_ms: Option<u64>,
    ) -> Preparation {
        let mut blobs = Vec::new();
        let earlier = self.earlier_decisions.approval_of(&subject);
        let decision = earlier.filter(|_| !self.fresh.refuses(step)).map(|earlier| {
            let ApprovalDecision { approved, by, note, .. } = earlier.clone();
            let (decision, contents) = decided(GivenDecision { approved, by, note }, &text);
            blobs.extend(contents);
            Box::new(ApprovalDecision { origin: earlier.origin.clone(), ..decision })
        });
        let question = Blob::new(text);
        let asked = Asked { question: question.digest, subject, expires_ms, decision };
        blobs.push(question);
        Preparation { prepared: Prepared::Ask(Box::new(asked)), request: None, blobs }
    }

    /// A text that was put together, as the journal keeps it: less every key.
    pub(crate) fn text_blob(&self, text: String) -> Blob {
        Blob::new(self.redactor.redact_owned(text))
    }

    /// The persona as the journal keeps it, written out once per run.
    fn persona_blob(&self, persona: &Persona) -> Blob {
        let mut known =
            self.persona_blobs.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let blob = known.entry(persona.name.clone()).or_insert_with(|| {
            Blob::new(serde_json::to_vec(persona).expect("a persona is plain data"))
        });
        blob.clone()
    }

    /// Adds identity, bound and reuse to a request.
    fn finish(
        &self,
        draft: Draft,
        choice: Option<String>,
        view: &View,
    ) -> Result<Preparation, Stop> {
        let mut draft = texts::keyless_draft(&self.redactor, draft);
        draft.request.model = view.model.clone().unwrap_or(draft.request.model);
        let recorded = self.as_recorded(&draft, &draft.request.model);
        let is_recorded = recorded.is_some();
        let (mut draft, degraded) = recorded.unwrap_or_else(|| (draft, view.degraded.clone()));
        let model = &draft.request.model;
        let provider = self
            .providers
            .of(model)
            .ok_or_else(|| invalid(format!("the provider of model `{model}` is not configured")))?;
        let facts = self.facts.get(model).copied().unwrap_or_default();
        if !is_recorded {
            self.degrade(&mut draft, &degraded);
            fit(&mut draft, &facts)?;
        }
        let assumed = answer_allowance(&draft.request, &facts);
        let price = self.prices.get(&draft.request.model).copied();
        let reliefs = if provider.is_paid() {
            self.reliefs(&draft, price.as_ref(), view)
        } else {
            Vec::new()
        };
        let Draft { mut request, notes, .. } = draft;
        let identity = Identity::of(provider.endpoint(), &request);
        // What is not paid for costs nothing, whoever is asked in name.
        let (price, (reserved, reserved_cost)) = if provider.is_paid() {
            (price, reserve(&mut request, &view.left, price.as_ref(), assumed))
        } else {
            (Some(Price::FREE), (0, Some(Money::ZERO)))
        };
        if let Some(longest) = longest_answer_within(&request, &facts, provider.as_ref()) {
            request.output_cap = Some(longest);
        }
        let reusable = provider.reusable() && !self.fresh.refuses(&request.call.step);
        let reuse = if reusable { self.paid_before(&identity) } else { None };
        let persona = self.persona_blob(&request.persona);
        let mut blobs = Vec::from(StoredRequest::store(&request, persona));
        let review = request.segments.iter().find_map(|segment| match segment {
            Segment::Judge(asked) => Some(asked.clone()),
            _ => None,
        });
        // Only items have others beside them whose prompts begin alike.
        let warm_first = if view.items.is_empty() || reuse.is_some() {
            None
        } else {
            self.prefixes.shared(&request, &facts, provider.as_ref())
        };
        let prepared = PreparedCall {
            persona: request.persona.name.clone(),
            choice,
            model: request.model.clone(),
            identity,
            request: blobs[0].digest,
            reserved,
            reserved_cost,
            price,
            notes,
            review,
            degraded,
            reliefs,
            warm_first,
        };
        let reuse = reuse.map(|(reuse, copied)| {
            blobs.extend(copied);
            Box::new(reuse)
        });
        Ok(Preparation {
            prepared: Prepared::Call { call: Box::new(prepared), reuse },
            request: Some(Arc::new(request)),
            blobs,
        })
    }

    fn draft(
        &self,
        call: &CallId,
        action: &PersonaStep,
        persona: Arc<Persona>,
        deliverables: &Needs,
        view: &View,
        again: Vec<Segment>,
    ) -> Result<Draft, Stop> {
        let scope = &self.scope(deliverables);
        let mut notes = self.input_notes.clone();
        notes.extend(deliverables.notes.iter().cloned());
        let (mut segments, mut spares) = (Vec::new(), Vec::new());
        let prompt = action.prompt.as_deref();
        if !prompt.is_some_and(orchestrate_workflow::prints_task) {
            segments.extend(task_segment(scope));
        }
        for need in &view.handoffs {
            let Some(given) = deliverables.get(&need.step) else { continue };
            let handoff = match &given.deliverable {
                Some(deliverable) => {
                    let mut handoff =
                        handoff::fit(deliverable, need.pass, need.allowance(), &tokens::count)?;
                    let mut spare = Spare::of(need, deliverable, &handoff, segments.len());
                    if let Some(caveat) = &given.state.caveat {
                        notes.push(format!("`{}`: {caveat}", need.step));
                        for text in spare
                            .iter_mut()
                            .map(|spare| &mut spare.brief.text)
                            .chain([&mut handoff.text])
                        {
                            *text = format!("Note: {caveat}.\n\n{text}");
                        }
                    }
                    spares.extend(spare);
                    handoff
                }
                None => handoff::unavailable(
                    need.step.clone(),
                    given.state.persona.clone(),
                    &given.state.reason,
                ),
            };
            note_form(&handoff, need.pass, &mut notes);
            segments.push(Segment::Handoff(Box::new(handoff)));
        }
        self.reworks(&call.step, &mut segments)?;
        let mut asked = Vec::new();
        if let Some(prompt) = prompt {
            let text = orchestrate_workflow::render_prompt(prompt, scope)
                .map_err(|error| invalid(format!("rendering the prompt: {error}")))?;
            asked.push(text);
        }
        for (name, item) in &deliverables.items {
            if !prompt.is_some_and(|prompt| orchestrate_workflow::mentions_item(prompt, name)) {
                asked.push(orchestrate_workflow::item_block(name, item));
            }
        }
        if !asked.is_empty() {
            segments.push(Segment::Prompt(asked.join("\n\n")));
        }
        segments.extend(again);
        let Some(output) = &action.output else {
            let contract = Contract::DraftWithBrief;
            let system = self.casting.system_prompt(&call.step, &persona, contract, scope);
            let request = self.request(call, action, persona, system, segments);
            return Ok(Draft { request, notes, spares });
        };
        let contract = Contract::ValueWithBrief;
        let system = self.casting.system_prompt(&call.step, &persona, contract, scope);
        let form = with_brief(&output.schema);
        segments.push(structured::form(&form));
        let mut request = self.request(call, action, persona, system, segments);
        request.response_schema = Some(Arc::new(form));
        Ok(Draft { request, notes, spares })
    }

    /// What a repair says beside what was asked before: the answer, and what of it does not fit.
    fn misfit(&self, action: &PersonaStep, view: &View) -> Result<Segment, Stop> {
        let output = action.output.as_ref().ok_or_else(|| invalid("no value was asked for"))?;
        self.again(&with_brief(&output.schema), view)
    }

    /// The answer that did not fit, and what of it does not.
    pub(crate) fn again(&self, schema: &serde_json::Value, view: &View) -> Result<Segment, Stop> {
        let rejected = view.rejected.ok_or_else(|| invalid("there is no answer to repair"))?;
        Ok(structured::again(schema, &self.blobs.text(&rejected)?, &self.redactor))
    }

    /// What people said of this step in this run and those it was made from: every remark holds on,
    /// beside the last document that it was made on.
    fn reworks(&self, step: &StepPath, segments: &mut Vec<Segment>) -> Result<(), StoreError> {
        let all = self.forked.iter().flat_map(RunForked::reworks);
        let own: Vec<_> = all.filter(|rework| rework.step.as_ref() == Some(step)).collect();
        for (at, rework) in own.iter().enumerate() {
            if let Some(earlier) = rework.earlier.filter(|_| at + 1 == own.len()) {
                segments.push(Segment::Earlier(texts::seen(self.blobs.text(&earlier)?).0));
            }
            if let Some(remark) = &rework.remark {
                segments.push(Segment::Remark(self.blobs.text(remark)?));
            }
        }
        Ok(())
    }

    fn brief_request(
        &self,
        call: &CallId,
        action: &PersonaStep,
        persona: Arc<Persona>,
        view: &View,
        scope: &Scope<'_>,
    ) -> Result<Request, Stop> {
        let draft = view.draft.ok_or_else(|| invalid("there is no draft to summarise"))?;
        let system = self.casting.system_prompt(&call.step, &persona, Contract::BriefOnly, scope);
        let segments = vec![
            Segment::Earlier(texts::seen(self.blobs.text(&draft)?).0),
            Segment::Prompt(
                "Your document came without its brief. Answer with the brief alone.".into(),
            ),
        ];
        Ok(self.request(call, action, persona, system, segments))
    }

    pub(crate) fn request(
        &self,
        call: &CallId,
        action: &PersonaStep,
        persona: Arc<Persona>,
        system: String,
        segments: Vec<Segment>,
    ) -> Request {
        Request {
            call: call.clone(),
            model: self.models.get(&call.step.step()).unwrap_or(&self.model).clone(),
            persona,
            system,
            segments,
            parameters: action.parameters,
            output_cap: None,
            response_schema: None,
            timeouts: action.timeouts,
        }
    }

    /// What templates see: the inputs of the workflow that the step belongs to, and these steps.
    fn scope<'s>(&'s self, needs: &'s Needs) -> Scope<'s> {
        let inputs = needs.called.as_ref().map_or(&self.casting.inputs, |called| &called.values);
        Scope { inputs, steps: needs }
    }

    /// A good answer to the same call, with its contents, where an earlier run paid for one.
    fn paid_before(&self, identity: &Identity) -> Option<(Reuse, Vec<Blob>)> {
        let index = self.index.as_ref()?.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let found = index.look_up(identity).unwrap_or_else(|error| {
            tracing::warn!(%error, "the index of answers cannot be read; the call is made");
            None
        })?;
        drop(index);
        // The run may have been removed since; then its answer is gone too, and the call is made.
        let blobs = BlobReader::open(&self.home.run(&found.origin.run)).ok()?;
        let answer = &found.answer;
        let contents = [Some(answer.raw), Some(answer.deliverable), answer.brief, answer.output];
        let copied =
            contents.into_iter().flatten().map(|digest| blobs.text(&digest).map(Blob::new));
        let copied = copied.collect::<Result<Vec<Blob>, StoreError>>().ok()?;
        Some(((found.origin, found.answer), copied))
    }
}

fn note_form(handoff: &Handoff, pass: Pass, notes: &mut Vec<String>) {
    match &handoff.form {
        Form::Full if handoff.brief.is_none() && handoff.persona.is_some() => {
            notes.push(format!("`{}` came whole, without a brief", handoff.step));
        }
        Form::Full => {}
        Form::Brief if pass == Pass::Brief => {
            notes.push(format!("`{}` came as its brief, as the workflow asks", handoff.step));
        }
        Form::Brief => notes
            .push(format!("`{}` came as its brief: the whole document does not fit", handoff.step)),
        Form::Unavailable(reason) => {
            notes.push(format!("`{}` is not available: {reason}", handoff.step));
        }
    }
}
