//! Handoffs: what one step gives the next, and in which form it fits.

use serde::{Deserialize, Serialize};

use crate::{
    brief::Brief,
    failure::{Failure, FailureClass},
    ids::StepPath,
};

/// Tokens a need may bring into a prompt where the workflow does not say.
pub const DEFAULT_ALLOWANCE: u64 = 32_000;

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

/// Brings a deliverable into the form that fits `allowance` tokens: whole where it fits, else its
/// brief with a note of what was cut, else a failure. Nothing is ever cut silently.
pub fn fit(
    deliverable: &Deliverable,
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
    let summary = deliverable.brief.as_ref().map(Brief::to_markdown);
    let full = match &summary {
        Some(summary) => format!("{}\n\n{summary}", deliverable.text),
        None => deliverable.text.clone(),
    };
    // No tokenizer makes more tokens than there are bytes, so short texts need no counting.
    if full.len() as u64 <= allowance {
        return Ok(handoff(Form::Full, full));
    }
    let tokens = count_tokens(&full);
    if tokens <= allowance {
        return Ok(handoff(Form::Full, full));
    }
    let too_long = |what: &str| {
        Failure::new(
            FailureClass::Preparation,
            format!(
                "the deliverable of step `{}` takes {tokens} tokens, {allowance} are allowed for it, and {what}",
                deliverable.step
            ),
        )
        .help("ask that step for a shorter document, or for a brief")
    };
    let Some(summary) = summary else { return Err(too_long("it has no brief")) };
    let text = format!(
        "Only the brief is given here: the whole document takes {tokens} tokens and {allowance} are \
         allowed for it. What stands in the document and not in the brief is unknown to you; say so \
         where you would need it.\n\n{summary}"
    );
    if text.len() as u64 > allowance && count_tokens(&text) > allowance {
        return Err(too_long("its brief does not fit either"));
    }
    Ok(handoff(Form::Brief, text))
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
        let handoff = fit(&deliverable("Use Postgres.", Some(risk("late data"))), 100, &words);
        let handoff = handoff.expect("fits");
        assert_eq!(handoff.form, Form::Full);
        assert_eq!(handoff.text, "Use Postgres.\n\nRisks:\n- late data\n");
    }

    #[test]
    fn a_long_document_arrives_as_its_brief_and_says_what_was_cut() {
        let long = "word ".repeat(500);
        let handoff =
            fit(&deliverable(&long, Some(risk("late data"))), 100, &words).expect("brief fits");
        assert_eq!(handoff.form, Form::Brief);
        assert!(handoff.text.contains("takes 504 tokens and 100 are allowed"), "{}", handoff.text);
        assert!(handoff.text.contains("- late data"));
    }

    #[test]
    fn a_long_document_without_a_brief_is_a_failure_and_never_empty() {
        let long = "word ".repeat(500);
        let failure = fit(&deliverable(&long, None), 100, &words).expect_err("does not fit");
        assert_eq!(failure.class, FailureClass::Preparation);
        assert!(failure.message.contains("500 tokens"), "{failure}");
        let endless = risk(&long);
        assert!(fit(&deliverable(&long, Some(endless)), 100, &words).is_err());
    }
}
