//! Preparing a call: persona, prompt, model, bound, and whether its answer was already paid for.

use std::sync::{Arc, Mutex};

use indexmap::IndexMap;
use orchestrate_core::{
    approval::{self, ApprovalDecision},
    brief::Brief,
    event::{Answered, Freshness, PreparedCall, ReuseOrigin, RunForked},
    failure::Failure,
    handoff::{self, Deliverable, Form, Handoff, Pass},
    ids::{CallId, Digest, Purpose, StepPath},
    neutral,
    persona::Persona,
    plan::{Action, ApprovalStep, PersonaStep, Step},
    request::{Identity, ModelRef, Request, Segment},
    run::{Asked, Prepared},
};
use orchestrate_persona::Contract;
use orchestrate_provider::tokens;
use orchestrate_workflow::{Scope, StepValue, StepValues};

use crate::{
    approvals::{EarlierDecisions, GivenDecision, decided},
    casting::{Casting, hidden_note, invalid},
    home::Home,
    providers::Providers,
    store::{Blob, BlobReader, Index, StoreError, StoredRequest},
};

/// Tokens reserved for an answer whose length nobody limits. It is sent as a limit only where a token
/// cap is in force.
pub(crate) const ASSUMED_ANSWER_TOKENS: u32 = 8_192;

/// Everything that preparing depends on and that does not change during a run.
pub(crate) struct Preparer {
    pub(crate) casting: Casting,
    pub(crate) input_notes: Vec<String>,
    pub(crate) model: ModelRef,
    pub(crate) models: IndexMap<StepPath, ModelRef>,
    pub(crate) providers: Providers,
    pub(crate) blobs: BlobReader,
    pub(crate) fresh: Freshness,
    pub(crate) forked: Option<RunForked>,
    pub(crate) earlier_decisions: EarlierDecisions,
    pub(crate) home: Home,
    pub(crate) index: Option<Mutex<Index>>,
    pub(crate) persona_blobs: Mutex<std::collections::BTreeMap<String, Blob>>,
}

/// What a finished or given-up need looks like when a dependent is prepared.
#[derive(Debug, Clone)]
pub(crate) struct NeedState {
    pub(crate) step: StepPath,
    pub(crate) persona: Option<String>,
    pub(crate) result: Option<(Digest, Option<Digest>)>,
    pub(crate) reason: String,
}

/// The state of the run that one preparation sees.
#[derive(Debug, Clone)]
pub(crate) struct View {
    pub(crate) needs: Vec<NeedState>,
    /// The step's own good draft, when its brief is to be asked for.
    pub(crate) draft: Option<Digest>,
    /// Tokens that are left under the cap, where there is one.
    pub(crate) tokens_left: Option<u64>,
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
        Self { prepared: Prepared::Invalid(failure), request: None, blobs: Vec::new() }
    }
}

/// An answer that was paid for, and where.
type Reuse = (ReuseOrigin, Answered);

/// Why a preparation did not come to a call.
enum Stop {
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
            Err(Stop::Invalid(failure)) => Ok(Preparation::invalid(failure)),
            Err(Stop::Store(error)) => Err(error),
        }
    }

    fn try_prepare(&self, call: &CallId, view: &View) -> Result<Preparation, Stop> {
        let step = self
            .casting
            .plan
            .step(&call.step)
            .ok_or_else(|| invalid(format!("step `{}` is not in the plan", call.step)))?;
        let deliverables = self.load_needs(view)?;
        let scope = Scope { inputs: &self.casting.inputs, steps: &deliverables };
        match &step.action {
            Action::Render(template) => {
                let text = orchestrate_workflow::render_text(template, &scope)
                    .map_err(|error| invalid(format!("rendering: {error}")))?;
                let blob = Blob::new(text);
                Ok(Preparation {
                    prepared: Prepared::Value(blob.digest),
                    request: None,
                    blobs: vec![blob],
                })
            }
            Action::Approve(approval) => Ok(self.question(step, approval, &scope, view)?),
            Action::Persona(action) => {
                let (persona, choice) = self.casting.choose(&action.persona, &scope)?;
                let (request, notes) = match call.purpose {
                    Purpose::Draft => {
                        self.draft(call, step, action, persona, &deliverables, &scope)?
                    }
                    Purpose::Brief => {
                        (self.brief_request(call, action, persona, view, &scope)?, Vec::new())
                    }
                };
                self.finish(request, choice, notes, view)
            }
        }
    }

    /// What a person is asked; a yes to exactly this in the run that this one was made from is used again.
    fn question(
        &self,
        step: &Step,
        approval: &ApprovalStep,
        scope: &Scope<'_>,
        view: &View,
    ) -> Result<Preparation, Failure> {
        let text = orchestrate_workflow::render_text(&approval.question, scope)
            .map_err(|error| invalid(format!("rendering the question: {error}")))?;
        let grounds =
            view.needs.iter().map(|need| (&need.step, need.result.ok_or(need.reason.as_str())));
        let subject = approval::subject(&text, grounds);
        let mut blobs = Vec::new();
        let earlier = self.earlier_decisions.approval_of(&subject);
        let decision = earlier.filter(|_| !self.fresh.refuses(&step.id)).map(|earlier| {
            let ApprovalDecision { approved, by, note, .. } = earlier.clone();
            let (decision, contents) = decided(GivenDecision { approved, by, note }, &text);
            blobs.extend(contents);
            Box::new(ApprovalDecision { origin: earlier.origin.clone(), ..decision })
        });
        let question = Blob::new(text);
        let asked =
            Asked { question: question.digest, subject, expires_ms: approval.expires_ms, decision };
        blobs.push(question);
        Ok(Preparation { prepared: Prepared::Ask(Box::new(asked)), request: None, blobs })
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
        mut request: Request,
        choice: Option<String>,
        notes: Vec<String>,
        view: &View,
    ) -> Result<Preparation, Stop> {
        let provider = self.providers.of(&request.model).ok_or_else(|| {
            invalid(format!("the provider of model `{}` is not configured", request.model))
        })?;
        let identity = Identity::of(provider.endpoint(), &request);
        let offline = request.model.provider == "offline";
        let reserved = if offline { 0 } else { reserve(&mut request, view.tokens_left) };
        let reusable = provider.reusable() && !self.fresh.refuses(&request.call.step);
        let reuse = if reusable { self.paid_before(&identity) } else { None };
        let persona = self.persona_blob(&request.persona);
        let mut blobs = Vec::from(StoredRequest::store(&request, persona));
        let prepared = PreparedCall {
            persona: request.persona.name.clone(),
            choice,
            model: request.model.clone(),
            identity,
            request: blobs[0].digest,
            reserved,
            reserved_cost: None,
            price: None,
            notes,
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
        step: &Step,
        action: &PersonaStep,
        persona: Arc<Persona>,
        deliverables: &Needs,
        scope: &Scope<'_>,
    ) -> Result<(Request, Vec<String>), Stop> {
        let mut notes = self.input_notes.clone();
        notes.extend(deliverables.notes.iter().cloned());
        let mut segments = Vec::new();
        let prompt = action.prompt.as_deref();
        if let Some(task) = self.casting.task()
            && !prompt.is_some_and(orchestrate_workflow::prints_task)
        {
            segments.push(Segment::Task(task.to_owned()));
        }
        for need in step.needs.iter().filter(|need| need.handoff) {
            let Some(given) = deliverables.get(&need.step) else { continue };
            let handoff = match &given.deliverable {
                Some(deliverable) => {
                    handoff::fit(deliverable, need.pass, need.allowance(), &tokens::count)?
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
        if let Some(prompt) = prompt {
            let text = orchestrate_workflow::render_prompt(prompt, scope)
                .map_err(|error| invalid(format!("rendering the prompt: {error}")))?;
            segments.push(Segment::Prompt(text));
        }
        let system =
            self.casting.system_prompt(&call.step, &persona, Contract::DraftWithBrief, scope);
        Ok((self.request(call, action, persona, system, segments), notes))
    }

    /// What people said of this step in this run and those it was made from: every remark holds on,
    /// beside the last document that it was made on.
    fn reworks(&self, step: &StepPath, segments: &mut Vec<Segment>) -> Result<(), StoreError> {
        let all = self.forked.iter().flat_map(RunForked::reworks);
        let own: Vec<_> = all.filter(|rework| rework.step.as_ref() == Some(step)).collect();
        for (at, rework) in own.iter().enumerate() {
            if let Some(earlier) = rework.earlier.filter(|_| at + 1 == own.len()) {
                segments.push(Segment::Earlier(self.blobs.text(&earlier)?));
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
            Segment::Earlier(self.blobs.text(&draft)?),
            Segment::Prompt(
                "Your document came without its brief. Answer with the brief alone.".into(),
            ),
        ];
        Ok(self.request(call, action, persona, system, segments))
    }

    fn request(
        &self,
        call: &CallId,
        action: &PersonaStep,
        persona: Arc<Persona>,
        system: String,
        segments: Vec<Segment>,
    ) -> Request {
        Request {
            call: call.clone(),
            model: self.models.get(&call.step).unwrap_or(&self.model).clone(),
            persona,
            system,
            segments,
            parameters: action.parameters,
            output_cap: None,
            timeouts: action.timeouts,
        }
    }

    fn load_needs(&self, view: &View) -> Result<Needs, Stop> {
        let mut needs = Needs::default();
        for state in &view.needs {
            let deliverable = match state.result {
                Some((text, brief)) => Some(Deliverable {
                    step: state.step.clone(),
                    persona: state.persona.clone(),
                    text: needs.seen(&state.step, self.blobs.text(&text)?),
                    brief: brief.map(|digest| self.load_brief(&digest)).transpose()?,
                }),
                None => None,
            };
            if let Some(persona) =
                state.persona.as_ref().and_then(|name| self.casting.personas.get(name))
            {
                needs.titles.insert(persona.name.clone(), persona.title.clone());
            }
            needs.given.insert(state.step.clone(), Given { state: state.clone(), deliverable });
        }
        Ok(needs)
    }

    fn load_brief(&self, digest: &Digest) -> Result<Brief, Stop> {
        let text = self.blobs.text(digest)?;
        serde_json::from_str(&text).map_err(|_| invalid("a recorded brief cannot be read").into())
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
        let contents = [Some(answer.raw), Some(answer.deliverable), answer.brief];
        let copied =
            contents.into_iter().flatten().map(|digest| blobs.text(&digest).map(Blob::new));
        let copied = copied.collect::<Result<Vec<Blob>, StoreError>>().ok()?;
        Some(((found.origin, found.answer), copied))
    }
}

/// Sets the reservation, and the cap that goes with it where a token budget is in force.
fn reserve(request: &mut Request, tokens_left: Option<u64>) -> u64 {
    // Markup around the messages costs a few tokens on every server.
    const FRAME: u64 = 32;
    if tokens_left.is_some() {
        request.output_cap = Some(ASSUMED_ANSWER_TOKENS);
    }
    let answer = u64::from(request.length_cap().unwrap_or(ASSUMED_ANSWER_TOKENS));
    let bound = request.prompt_bytes() + FRAME;
    match tokens_left {
        // Near the limit it pays to count. A quarter is added, since other models count otherwise.
        Some(left) if bound + answer > left => {
            let counted = tokens::count(&request.system) + tokens::count(&request.user());
            (counted + counted / 4 + FRAME).min(bound) + answer
        }
        Some(_) | None => bound + answer,
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

struct Given {
    state: NeedState,
    deliverable: Option<Deliverable>,
}

/// The needs of one step, as templates see them.
#[derive(Default)]
struct Needs {
    given: IndexMap<StepPath, Given>,
    titles: IndexMap<String, String>,
    notes: Vec<String>,
}

impl Needs {
    /// A document without characters that nobody would see in it.
    fn seen(&mut self, step: &StepPath, text: String) -> String {
        match neutral::without_hidden(&text) {
            (_, 0) => text,
            (cleaned, removed) => {
                self.notes.push(hidden_note(removed, &format!("the handoff from `{step}`")));
                cleaned.into_owned()
            }
        }
    }

    fn get(&self, step: &StepPath) -> Option<&Given> {
        self.given.get(step)
    }
}

impl StepValues for Needs {
    fn step(&self, id: &str) -> Option<StepValue> {
        let given = self.given.get(&StepPath::new(id))?;
        let deliverable = given.deliverable.as_ref();
        Some(StepValue {
            persona: given.state.persona.clone(),
            title: given.state.persona.as_ref().and_then(|name| self.titles.get(name)).cloned(),
            text: deliverable.map(|deliverable| deliverable.text.clone()),
            brief: deliverable.and_then(|deliverable| deliverable.brief.clone()),
            unavailable: deliverable.is_none().then(|| given.state.reason.clone()),
        })
    }
}
