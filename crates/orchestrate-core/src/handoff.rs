//! Handoffs: what one step gives the next, and in which form it fits.

use serde::{Deserialize, Serialize};

use crate::{
    brief::Brief,
    failure::{Failure, FailureClass},
    ids::StepPath,
};

/// What helps where neither document nor brief fits.
const SHORTER: &str = "ask that step for a shorter document, or for a brief";

/// Tokens a need may bring into a prompt where the workflow does not say.
pub const DEFAULT_ALLOWANCE: u64 = 32_000;

/// What a workflow lets cross an edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pass {
    /// The whole document where it fits, else its brief.
    #[default]
    Fit,
    /// The whole document, or the dependent is not asked at all.
    Full,
    /// The brief alone.
    Brief,
    /// Nothing: the edge is an order.
    None,
}

impl Pass {
    /// Whether a brief is worth having for this edge.
    pub fn relies_on_brief(self) -> bool {
        matches!(self, Self::Fit | Self::Brief)
    }

    /// The words that a workflow file has for it; none for what happens where it says nothing.
    pub fn as_str(self) -> Option<&'static str> {
        match self {
            Self::Fit => None,
            Self::Full => Some("full"),
            Self::Brief => Some("brief"),
            Self::None => Some("none"),
        }
    }

    /// Whether it is what happens where a workflow says nothing.
    pub fn is_usual(&self) -> bool {
        *self == Self::Fit
    }
}

/// What a finished step can give: everything it made.
#[derive(Debug, Clone, PartialEq)]
pub struct Deliverable {
    /// The step that made it.
    pub step: StepPath,
    /// The name of the persona that wrote it, `None` for a rendered value.
    pub persona: Option<String>,
    /// The document without its brief.
    pub text: String,
    /// Its summary, where there is one.
    pub brief: Option<Brief>,
}

/// What crosses an edge of the plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Handoff {
    /// The step that gives.
    pub step: StepPath,
    /// The name of the persona that wrote it, `None` for a rendered value.
    pub persona: Option<String>,
    /// In which form it comes.
    pub form: Form,
    /// The text that goes into the prompt's block.
    pub text: String,
    /// The brief behind it, where there is one.
    pub brief: Option<Brief>,
}

/// The form in which a need arrived.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// The whole document and its brief.
    Full,
    /// The brief alone; the text says what was cut and why.
    Brief,
    /// Nothing: the optional step failed, for this reason.
    Unavailable(String),
}

/// Brings a deliverable into the form that `pass` asks for and that fits `allowance` tokens. Without a
/// word it is the whole document where that fits, else its brief with a note of what was cut. What does
/// not fit is a failure: nothing is ever cut silently.
pub fn fit(
    deliverable: &Deliverable,
    pass: Pass,
    allowance: u64,
    count_tokens: &dyn Fn(&str) -> u64,
) -> Result<Handoff, Failure> {
    let handoff = |form, text| Handoff {
        step: deliverable.step.clone(),
        persona: deliverable.persona.clone(),
        form,
        text,
        brief: deliverable.brief.clone(),
    };
    // No tokenizer makes more tokens than there are bytes, so short texts need no counting.
    let fits = |text: &str| text.len() as u64 <= allowance || count_tokens(text) <= allowance;
    let summary = deliverable.brief.as_ref().map(Brief::to_markdown);
    if pass == Pass::Brief {
        let Some(summary) = summary else { return Err(without_brief(deliverable)) };
        let text = format!(
            "Only the brief is given here, as the workflow asks. What stands in the document and not in \
             the brief is unknown to you; say so where you would need it.\n\n{summary}"
        );
        return if fits(&text) {
            Ok(handoff(Form::Brief, text))
        } else {
            Err(brief_too_long(deliverable, count_tokens(&text), allowance))
        };
    }
    let full = match &summary {
        Some(summary) => format!("{}\n\n{summary}", deliverable.text),
        None => deliverable.text.clone(),
    };
    if fits(&full) {
        return Ok(handoff(Form::Full, full));
    }
    let tokens = count_tokens(&full);
    let too_long = |what: &str| {
        Failure::new(
            FailureClass::Preparation,
            format!(
                "the deliverable of step `{}` takes {tokens} tokens, {allowance} are allowed for it, and {what}",
                deliverable.step
            ),
        )
    };
    if pass == Pass::Full {
        return Err(too_long("the workflow asks for all of it (`pass: full`)")
            .help("raise `max_tokens` of this need, let the brief do, or ask that step for a shorter document"));
    }
    let Some(summary) = summary else { return Err(too_long("it has no brief").help(SHORTER)) };
    let text = format!(
        "Only the brief is given here: the whole document takes {tokens} tokens and {allowance} are \
         allowed for it. What stands in the document and not in the brief is unknown to you; say so \
         where you would need it.\n\n{summary}"
    );
    if fits(&text) {
        Ok(handoff(Form::Brief, text))
    } else {
        Err(too_long("its brief does not fit either").help(SHORTER))
    }
}

/// The brief in the place of a whole document for which a prompt has no room; none where there is no brief
/// or `allowance` tokens do not hold it. Its text says nothing of why, so that the same needs make the same
/// prompt whatever it was that left no room.
pub fn in_brief(
    deliverable: &Deliverable,
    allowance: u64,
    count_tokens: &dyn Fn(&str) -> u64,
) -> Option<Handoff> {
    let summary = deliverable.brief.as_ref()?.to_markdown();
    let text = format!(
        "Only the brief is given here: there is no room for the whole document. What stands in the document \
         and not in the brief is unknown to you; say so where you would need it.\n\n{summary}"
    );
    let fits = text.len() as u64 <= allowance || count_tokens(&text) <= allowance;
    fits.then(|| Handoff {
        step: deliverable.step.clone(),
        persona: deliverable.persona.clone(),
        form: Form::Brief,
        text,
        brief: deliverable.brief.clone(),
    })
}

fn without_brief(deliverable: &Deliverable) -> Failure {
    let message = format!(
        "step `{}` has no brief, and the workflow asks for nothing else (`pass: brief`)",
        deliverable.step
    );
    Failure::new(FailureClass::Preparation, message)
        .help("leave `pass` out, and its document is handed over instead")
}

fn brief_too_long(deliverable: &Deliverable, tokens: u64, allowance: u64) -> Failure {
    let message = format!(
        "the brief of step `{}` takes {tokens} tokens, and {allowance} are allowed for it",
        deliverable.step
    );
    Failure::new(FailureClass::Preparation, message).help("raise `max_tokens` of this need")
}

/// The stand-in for a need that an optional step failed to provide.
pub fn unavailable(step: StepPath, persona: Option<String>, reason: &str) -> Handoff {
    Handoff {
        step,
        persona,
        form: Form::Unavailable(reason.to_owned()),
        text: format!("Not available: {reason}. Work without it and say where that matters."),
        brief: None,
    }
}

impl Handoff {
    /// The label of the block that carries this handoff.
    pub fn origin(&self) -> String {
        match &self.persona {
            Some(persona) => format!("handoff from {persona}, step `{}`", self.step),
            None => format!("value of step `{}`", self.step),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deliverable(text: &str, brief: Option<Brief>) -> Deliverable {
        Deliverable {
            step: "data".into(),
            persona: Some("data-engineer".into()),
            text: text.into(),
            brief,
        }
    }

    fn words(text: &str) -> u64 {
        text.split_whitespace().count() as u64
    }

    fn risk(text: &str) -> Brief {
        Brief { risks: vec![text.into()], ..Brief::default() }
    }

    #[test]
    fn a_document_that_fits_arrives_whole_with_its_brief() {
        let handoff =
            fit(&deliverable("Use Postgres.", Some(risk("late data"))), Pass::Fit, 100, &words);
        let handoff = handoff.expect("fits");
        assert_eq!(handoff.form, Form::Full);
        assert_eq!(handoff.text, "Use Postgres.\n\nRisks:\n- late data\n");
    }

    #[test]
    fn a_long_document_arrives_as_its_brief_and_says_what_was_cut() {
        let long = "word ".repeat(500);
        let handoff = fit(&deliverable(&long, Some(risk("late data"))), Pass::Fit, 100, &words)
            .expect("brief fits");
        assert_eq!(handoff.form, Form::Brief);
        assert!(handoff.text.contains("takes 504 tokens and 100 are allowed"), "{}", handoff.text);
        assert!(handoff.text.contains("- late data"));
    }

    #[test]
    fn a_long_document_without_a_brief_is_a_failure_and_never_empty() {
        let long = "word ".repeat(500);
        let failure =
            fit(&deliverable(&long, None), Pass::Fit, 100, &words).expect_err("does not fit");
        assert_eq!(failure.class, FailureClass::Preparation);
        assert!(failure.message.contains("500 tokens"), "{failure}");
        let endless = risk(&long);
        assert!(fit(&deliverable(&long, Some(endless)), Pass::Fit, 100, &words).is_err());
    }

    #[test]
    fn where_there_is_no_room_the_brief_comes_and_says_so() {
        let long = "word ".repeat(500);
        let handoff = in_brief(&deliverable(&long, Some(risk("late data"))), 100, &words);
        let handoff = handoff.expect("the brief fits");
        assert_eq!(handoff.form, Form::Brief);
        assert!(handoff.text.starts_with("Only the brief is given here: there is no room"));
        assert!(handoff.text.ends_with("- late data\n"), "{}", handoff.text);
        assert_eq!(in_brief(&deliverable(&long, None), 100, &words), None);
        assert_eq!(in_brief(&deliverable("x", Some(risk(&long))), 100, &words), None);
    }

    #[test]
    fn what_the_workflow_asks_for_crosses_the_edge_or_nothing_does() {
        let both = deliverable("Use Postgres.", Some(risk("late data")));
        let brief = fit(&both, Pass::Brief, 100, &words).expect("fits");
        assert_eq!(brief.form, Form::Brief);
        assert!(!brief.text.contains("Postgres") && brief.text.contains("- late data"));
        let failure = fit(&both, Pass::Brief, 3, &words).expect_err("does not fit");
        assert!(failure.message.contains("the brief of step `data` takes"), "{failure}");
        let failure = fit(&deliverable("Text.", None), Pass::Brief, 100, &words).expect_err("none");
        assert!(failure.message.contains("has no brief"), "{failure}");

        let long = deliverable(&"word ".repeat(500), Some(risk("late data")));
        assert_eq!(fit(&long, Pass::Full, 600, &words).expect("fits").form, Form::Full);
        let failure = fit(&long, Pass::Full, 100, &words).expect_err("does not fit");
        assert!(failure.message.contains("takes 504 tokens, 100 are allowed"), "{failure}");
    }
}
