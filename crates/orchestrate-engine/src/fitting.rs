//! Fitting a prompt into the window of the model that is asked.
//!
//! Tokens are bounded by bytes first; the tokenizer is asked only where that bound does not fit. What a
//! prompt comes to follows from what is handed over and from what is known of the model alone, so that the
//! same needs make the same prompt.

use orchestrate_core::{
    failure::{Failure, FailureClass},
    handoff::{self, Deliverable, Form, Handoff, Pass},
    plan::Need,
    request::{ModelRef, Request, Segment},
};
use orchestrate_provider::{Provider, models::ModelFacts, tokens};
use orchestrate_report::words::count;

use crate::reserving::{ASSUMED_ANSWER_TOKENS, FRAME};

/// A request that is not yet fitted to its model.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    pub(crate) request: Request,
    /// What a reader of the prompt should know.
    pub(crate) notes: Vec<String>,
    /// Handoffs that came whole and may come as their briefs.
    pub(crate) spares: Vec<Spare>,
}

impl From<Request> for Draft {
    fn from(request: Request) -> Self {
        Self { request, notes: Vec::new(), spares: Vec::new() }
    }
}

impl Draft {
    /// The brief of the largest handoff that may still give way to it, the first of those of one size.
    pub(crate) fn take_largest(&mut self) -> Option<Spare> {
        self.take_largest_of(&Parts::of(&self.request))
    }

    fn take_largest_of(&mut self, parts: &Parts) -> Option<Spare> {
        let spares = self.spares.iter().enumerate();
        let (largest, _) = spares
            .max_by_key(|(order, spare)| (parts.segments[spare.at], std::cmp::Reverse(*order)))?;
        Some(self.spares.remove(largest))
    }
}

/// The brief of a handoff that came whole.
#[derive(Debug, Clone)]
pub(crate) struct Spare {
    /// The segment of the handoff.
    pub(crate) at: usize,
    /// What may stand in its place.
    pub(crate) brief: Handoff,
}

impl Spare {
    /// The brief of what was handed over in the segment `at`, where the workflow lets it stand for the whole
    /// and it is shorter.
    pub(crate) fn of(
        need: &Need,
        deliverable: &Deliverable,
        whole: &Handoff,
        at: usize,
    ) -> Option<Self> {
        if need.pass != Pass::Fit || whole.form != Form::Full {
            return None;
        }
        let brief = handoff::in_brief(deliverable, need.allowance(), &tokens::count)?;
        (brief.text.len() < whole.text.len()).then_some(Self { at, brief })
    }
}

/// Tokens that an answer may have, or is taken to have where nobody limits it: as many as is assumed
/// everywhere, no more than the model can give, and no more than a quarter of its window.
pub(crate) fn answer_allowance(request: &Request, facts: &ModelFacts) -> u32 {
    request.parameters.max_output_tokens.unwrap_or_else(|| assumed_answer(facts))
}

/// See [`answer_allowance`].
pub(crate) fn assumed_answer(facts: &ModelFacts) -> u32 {
    let most = [facts.max_output, facts.context.map(|window| window / 4)];
    let most = most.into_iter().flatten().min().unwrap_or(u64::MAX).max(1);
    ASSUMED_ANSWER_TOKENS.min(u32::try_from(most).unwrap_or(u32::MAX))
}

/// Tokens that a model of this name may make of a text in which so many were counted.
pub(crate) fn at_most(model: &ModelRef, counted: u64) -> u64 {
    if tokens::is_own_count(&model.model) { counted } else { counted + counted / 4 }
}

/// Whether a prompt surely fits the window of a model beside its answer. A model whose window is not known
/// holds everything.
pub(crate) fn surely_fits(request: &Request, model: &ModelRef, facts: &ModelFacts) -> bool {
    let Some(window) = facts.context else { return true };
    let answer = u64::from(answer_allowance(request, facts));
    let room = window.saturating_sub(answer + FRAME);
    request.prompt_bytes() <= room || at_most(model, Parts::of(request).sum()) <= room
}

/// Brings a prompt into the window of its model: handoffs come as their briefs where the workflow lets them,
/// the largest first, until it fits. Each is told in the notes. What then is still too long by the count
/// itself is a failure before anything is sent.
pub(crate) fn fit(draft: &mut Draft, facts: &ModelFacts) -> Result<(), Failure> {
    let Some(window) = facts.context else { return Ok(()) };
    let answer = u64::from(answer_allowance(&draft.request, facts));
    let room = window.saturating_sub(answer + FRAME);
    if draft.request.prompt_bytes() <= room {
        return Ok(());
    }
    let model = draft.request.model.clone();
    let mut parts = Parts::of(&draft.request);
    while at_most(&model, parts.sum()) > room {
        let Some(Spare { at, brief }) = draft.take_largest_of(&parts) else { break };
        let (whole, step) = (parts.segments[at], brief.step.clone());
        let before = parts.sum();
        draft.request.segments[at] = Segment::Handoff(Box::new(brief));
        parts.segments[at] = tokens::count(&draft.request.segments[at].render());
        draft.notes.push(format!(
            "`{step}` came as its brief: its document takes {} of the {} tokens of the prompt, and the window of `{model}` has {} with the answer",
            count(whole),
            count(before),
            count(window),
        ));
    }
    if parts.sum() <= room { Ok(()) } else { Err(parts.too_long(&draft.request, answer, window)) }
}

/// The longest answer to ask for where the one that would be asked for does not go into the window with the
/// prompt; none where it does, or nobody asks for a length.
pub(crate) fn longest_answer_within(
    request: &Request,
    facts: &ModelFacts,
    provider: &dyn Provider,
) -> Option<u32> {
    let window = facts.context?;
    if request.length_cap().is_some() {
        return None;
    }
    let asked = provider.longest_answer(request)?;
    let fits = |prompt: u64| prompt + FRAME + u64::from(asked) <= window;
    if fits(request.prompt_bytes()) {
        return None;
    }
    let prompt = at_most(&request.model, Parts::of(request).sum());
    if fits(prompt) {
        return None;
    }
    let left = window.saturating_sub(prompt + FRAME);
    let left = u32::try_from(left).unwrap_or(u32::MAX);
    Some(left.clamp(answer_allowance(request, facts).min(asked), asked))
}

/// The tokens of a prompt, part by part.
struct Parts {
    system: u64,
    /// The schema of the answer.
    schema: u64,
    segments: Vec<u64>,
}

impl Parts {
    fn of(request: &Request) -> Self {
        let segments = request.segments.iter().map(|segment| tokens::count(&segment.render()));
        Self {
            system: tokens::count(&request.system),
            schema: request.schema_text().map_or(0, |schema| tokens::count(&schema)),
            segments: segments.collect(),
        }
    }

    fn sum(&self) -> u64 {
        // Between two segments stands a blank line.
        self.system + self.schema + self.segments.iter().sum::<u64>() + self.segments.len() as u64
    }

    /// The failure of a prompt that nothing makes fit.
    fn too_long(&self, request: &Request, answer: u64, window: u64) -> Failure {
        const NAMED: usize = 3;
        let segments = self.segments.iter().zip(&request.segments);
        let mut parts: Vec<(u64, String)> =
            segments.map(|(tokens, segment)| (*tokens, name(segment))).collect();
        parts.push((self.system, "the system prompt".to_owned()));
        parts.push((self.schema, "the schema of the answer".to_owned()));
        // Of parts of one size the first is named first.
        parts.sort_by_key(|(tokens, _)| std::cmp::Reverse(*tokens));
        let largest: Vec<String> = parts
            .iter()
            .take(NAMED)
            .map(|(tokens, name)| format!("{name} {}", count(*tokens)))
            .collect();
        let message = format!(
            "the prompt has about {} tokens and its answer may have {}, and the window of `{}` holds {}; largest parts: {}",
            count(self.sum()),
            count(answer),
            request.model,
            count(window),
            largest.join(", "),
        );
        Failure::new(FailureClass::ContextTooLong, message).help(ADVICE)
    }
}

/// What helps where a prompt does not fit.
pub(crate) const ADVICE: &str = "hand over briefs (`pass: brief`), lower `max_output_tokens`, split the material over several calls with `for_each`, or name a model with a larger window";

fn name(segment: &Segment) -> String {
    match segment {
        Segment::Task(_) => "the task".to_owned(),
        Segment::Assigned { origin, .. } | Segment::Document { origin, .. } => origin.clone(),
        Segment::Handoff(handoff) => handoff.origin(),
        Segment::Earlier(_) => "the earlier document".to_owned(),
        Segment::Remark(_) => "the remark on it".to_owned(),
        Segment::Prompt(_) => "the step's prompt".to_owned(),
        Segment::Misfit { .. } => "the answer to repair".to_owned(),
        Segment::Findings(_) => "what its review found".to_owned(),
        Segment::Judge(_) => "the questions of the review".to_owned(),
        Segment::Form(_) => "the form of the answer".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use orchestrate_core::{
        brief::Brief,
        ids::{CallId, Digest, Purpose},
        persona::Persona,
        request::{Parameters, Timeouts},
    };

    use super::*;

    fn deliverable(step: &str, words: usize) -> Deliverable {
        Deliverable {
            step: step.into(),
            persona: Some("data-engineer".into()),
            text: "word ".repeat(words),
            brief: Some(Brief { risks: vec!["late data".into()], ..Brief::default() }),
        }
    }

    fn need(step: &str, pass: Pass) -> Need {
        Need { pass, ..Need::on(step) }
    }

    /// A prompt with a handoff of so many words from each of these steps.
    fn draft(model: &str, needs: &[(&str, Pass, usize)]) -> Draft {
        let (mut segments, mut spares) = (vec![Segment::Task("Build it.".into())], vec![]);
        for (step, pass, words) in needs {
            let given = deliverable(step, *words);
            let whole = handoff::fit(&given, *pass, 1 << 20, &tokens::count).expect("fits");
            spares.extend(Spare::of(&need(step, *pass), &given, &whole, segments.len()));
            segments.push(Segment::Handoff(Box::new(whole)));
        }
        let persona = Persona::new("t", "T", "Tests.", "You test.", Digest::of("t"));
        let request = Request {
            call: CallId::first("report".into(), Purpose::Draft),
            model: model.parse().expect("a model"),
            persona: Arc::new(persona),
            system: "You test.".into(),
            segments,
            parameters: Parameters { max_output_tokens: Some(100), ..Parameters::default() },
            output_cap: None,
            response_schema: None,
            timeouts: Timeouts::default(),
        };
        Draft { request, notes: vec![], spares }
    }

    fn window(context: u64) -> ModelFacts {
        ModelFacts { context: Some(context), ..ModelFacts::default() }
    }

    fn forms(draft: &Draft) -> Vec<Form> {
        let handoffs = draft.request.segments.iter().filter_map(|segment| match segment {
            Segment::Handoff(handoff) => Some(handoff.form.clone()),
            _ => None,
        });
        handoffs.collect()
    }

    #[test]
    fn the_largest_handoff_comes_as_its_brief_first_and_only_as_many_as_are_needed() {
        let needs = [("small", Pass::Fit, 300), ("large", Pass::Fit, 900)];
        let mut all = draft("openai:gpt-5", &needs);
        fit(&mut all, &window(2_000)).expect("fits");
        assert_eq!(forms(&all), [Form::Full, Form::Full]);
        assert!(all.notes.is_empty());

        let mut one = draft("openai:gpt-5", &needs);
        fit(&mut one, &window(1_000)).expect("fits");
        assert_eq!(forms(&one), [Form::Full, Form::Brief]);
        assert_eq!(one.notes.len(), 1, "{:?}", one.notes);
        assert!(one.notes[0].starts_with("`large` came as its brief: its document takes "));
        assert!(
            one.notes[0].ends_with("and the window of `openai:gpt-5` has 1,000 with the answer"),
            "{:?}",
            one.notes
        );

        let mut both = draft("openai:gpt-5", &needs);
        fit(&mut both, &window(500)).expect("fits");
        assert_eq!(forms(&both), [Form::Brief, Form::Brief]);
        assert_eq!(both.notes.len(), 2);
    }

    #[test]
    fn what_was_cut_shows_in_the_prompt_without_figures_of_the_model() {
        let needs = [("large", Pass::Fit, 900)];
        let prompt = |context| {
            let mut fitted = draft("openai:gpt-5", &needs);
            fit(&mut fitted, &window(context)).expect("fits");
            fitted.request.user()
        };
        assert_eq!(prompt(700), prompt(500), "another window makes no other prompt");
        assert!(prompt(700).contains("there is no room for the whole document"));
    }

    #[test]
    fn what_the_workflow_wants_whole_is_never_cut_and_the_failure_has_the_figures() {
        let mut whole = draft("openai:gpt-5", &[("a", Pass::Fit, 300), ("b", Pass::Full, 900)]);
        let failure = fit(&mut whole, &window(700)).expect_err("too long");
        assert_eq!(failure.class, FailureClass::ContextTooLong);
        assert!(
            failure.message.contains(
                "and its answer may have 100, and the window of `openai:gpt-5` holds 700; largest parts: handoff from data-engineer, step `b` "
            ),
            "{failure}"
        );
        assert!(failure.help.is_some_and(|help| help.contains("pass: brief")));
    }

    #[test]
    fn a_model_that_may_count_more_gets_briefs_earlier_but_is_not_refused_earlier() {
        let needs = [("a", Pass::Fit, 900)];
        // It fits by the count, and not with a quarter more.
        let mut own = draft("openai:gpt-5", &needs);
        let room = Parts::of(&own.request).sum() + 100 + FRAME + 10;
        fit(&mut own, &window(room)).expect("fits");
        assert_eq!(forms(&own), [Form::Full]);
        let mut other = draft("lab:m", &needs);
        fit(&mut other, &window(room)).expect("fits");
        assert_eq!(forms(&other), [Form::Brief]);
        let mut stiff = draft("lab:m", &[("a", Pass::Full, 900)]);
        fit(&mut stiff, &window(room)).expect("fits by the count");
    }

    #[test]
    fn a_model_whose_window_is_not_known_is_sent_everything() {
        let mut large = draft("lab:m", &[("a", Pass::Fit, 100_000)]);
        fit(&mut large, &ModelFacts::default()).expect("not checked");
        assert_eq!(forms(&large), [Form::Full]);
    }

    #[test]
    fn an_answer_without_a_limit_is_taken_to_fit_small_models() {
        assert_eq!(assumed_answer(&ModelFacts::default()), 8_192);
        assert_eq!(assumed_answer(&window(4_096)), 1_024);
        let short = ModelFacts { max_output: Some(2_000), ..window(1_000_000) };
        assert_eq!(assumed_answer(&short), 2_000);
    }
}
