//! Workers: one attempt each, from a request to what the journal will say of it.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Instant};

use futures::FutureExt;
use orchestrate_core::{
    brief::{self, Brief},
    event::{Answered, LossCause},
    failure::{Billed, Failure, FailureClass},
    ids::Purpose,
    request::{Request, Segment},
    review::{Judged, read_verdict},
    run::AttemptOutcome,
};
use orchestrate_provider::{AttemptError, Completion, Progress, Provider, redact::Redactor};
use serde_json::Value;

use crate::{
    store::{Blob, StoreError},
    structured::{self, Misfits},
    texts,
};

/// Makes one attempt and reads the answer.
pub(crate) async fn attempt(
    redactor: Redactor,
    provider: Option<Arc<dyn Provider>>,
    request: Arc<Request>,
    live: Arc<dyn Progress>,
) -> (AttemptOutcome, Vec<Blob>) {
    let started = Instant::now();
    let asked = Arc::clone(&request);
    let Some(provider) = provider else {
        let message = format!("the provider of model `{}` is not configured", request.model);
        return (unsent(Failure::new(FailureClass::Preparation, message)), Vec::new());
    };
    // A defect in an adapter fails this attempt alone.
    let answer =
        AssertUnwindSafe(async { provider.complete(request, live).await }).catch_unwind().await;
    let Ok(answer) = answer else {
        let failure = defect("making the call");
        let cause = LossCause::Connection;
        return (AttemptOutcome::Lost { failure, cause, partial: None }, Vec::new());
    };
    // The last wall before the journal, whatever an adapter has let through.
    match without_keys(&redactor, answer) {
        Ok(completion) => {
            let millis = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
            // Whatever reading does, the answer that was paid for is kept.
            let read = std::panic::catch_unwind(AssertUnwindSafe(|| {
                read(&asked, &completion.text, &redactor)
            }));
            // What was escaped in the text is none any more in what was read out of it.
            match read.map(|read| read.map(|read| read.without_keys(&redactor))) {
                Ok(Ok(read)) => good(completion, read, millis),
                Ok(Err(misfits)) => misfit(completion, &misfits),
                Err(_) => unreadable(completion),
            }
        }
        Err(error) => failed(error),
    }
}

/// The outcome of an attempt less every key.
fn without_keys(
    redactor: &Redactor,
    answer: Result<Completion, AttemptError>,
) -> Result<Completion, AttemptError> {
    let clean = |text: String| redactor.redact_owned(text);
    match answer {
        Ok(completion) => Ok(Completion {
            text: clean(completion.text),
            usage: completion.usage,
            served_model: completion.served_model.map(clean),
            request_id: completion.request_id.map(clean),
        }),
        Err(mut error) => {
            error.failure = texts::keyless_failure(redactor, error.failure);
            error.partial = error.partial.map(clean);
            Err(error)
        }
    }
}

/// An attempt that was not made since its request cannot be read.
pub(crate) fn not_sent(error: &StoreError) -> AttemptOutcome {
    unsent(unreadable_journal(error))
}

fn unsent(failure: Failure) -> AttemptOutcome {
    AttemptOutcome::Failed {
        failure,
        billed: Billed::No,
        usage: None,
        retry_after_ms: None,
        partial: None,
    }
}

/// What a step is told whose contents in the journal cannot be read.
pub(crate) fn unreadable_journal(error: &StoreError) -> Failure {
    let causes =
        std::iter::successors(Some(error as &dyn std::error::Error), |error| error.source());
    let message = causes.map(ToString::to_string).collect::<Vec<_>>().join(": ");
    Failure::new(FailureClass::Preparation, message)
}

/// A failure that is ours.
pub(crate) fn defect(doing: &str) -> Failure {
    Failure::new(FailureClass::Preparation, format!("{doing} ended in a panic"))
        .help("this is a defect of orchestrate: please report it")
}

/// What an answer turned out to be.
struct Read {
    /// The document, without its brief.
    deliverable: String,
    brief: Option<Brief>,
    /// The value, where one was asked for.
    output: Option<Value>,
    /// What it says as a verdict, where it is one.
    judged: Option<Judged>,
}

impl Read {
    /// The same less every key. Values were made so before they were checked.
    fn without_keys(self, redactor: &Redactor) -> Self {
        Self {
            deliverable: redactor.redact_owned(self.deliverable),
            brief: self.brief.map(|brief| texts::keyless_brief(redactor, brief)),
            output: self.output,
            judged: self.judged.map(|judged| texts::keyless_verdict(redactor, judged)),
        }
    }
}

/// Reads an answer by what was asked for; what of a value does not fit, where one was asked for.
fn read(request: &Request, text: &str, redactor: &Redactor) -> Result<Read, Misfits> {
    let asked = request.segments.iter().find_map(|segment| match segment {
        Segment::Judge(asked) => Some(asked),
        _ => None,
    });
    if let Some(asked) = asked.filter(|_| request.model.provider == "offline") {
        // Nobody was asked, so nothing was judged, and least of all passed.
        let judged = Some(Judged::unjudged(asked));
        return Ok(Read { deliverable: text.to_owned(), brief: None, output: None, judged });
    }
    if let Some(schema) = &request.response_schema {
        let found = if request.model.provider == "offline" {
            structured::read_stand_in(schema, text)?
        } else {
            structured::read(schema, text, redactor)?
        };
        let structured::Structured { value, document, brief } = found;
        let judged = asked.map(|asked| read_verdict(asked, &value));
        return Ok(Read { deliverable: document, brief, output: Some(value), judged });
    }
    let mut answer = brief::split(text);
    if request.call.purpose == Purpose::Brief && answer.brief.is_none() {
        // Asked for the brief alone, many models leave the fence out or call it `json`.
        answer.brief = text
            .find('{')
            .zip(text.rfind('}'))
            .filter(|(open, close)| open < close)
            .and_then(|(open, close)| brief::parse(&text[open..=close]));
    }
    Ok(Read { deliverable: answer.deliverable, brief: answer.brief, output: None, judged: None })
}

/// An answer whose value does not fit. It is kept as it came, for the repair and for whoever looks.
fn misfit(completion: Completion, misfits: &Misfits) -> (AttemptOutcome, Vec<Blob>) {
    let raw = Blob::new(completion.text);
    let outcome = AttemptOutcome::Rejected {
        failure: misfits.failure(),
        partial: Some(raw.digest),
        usage: Some(completion.usage),
    };
    (outcome, vec![raw])
}

fn good(completion: Completion, answer: Read, millis: u64) -> (AttemptOutcome, Vec<Blob>) {
    let raw = Blob::new(completion.text);
    if answer.deliverable.is_empty() && answer.brief.is_none() {
        let failure = Failure::new(FailureClass::Empty, "the answer holds no text");
        let outcome = AttemptOutcome::Rejected {
            failure,
            partial: Some(raw.digest),
            usage: Some(completion.usage),
        };
        return (outcome, vec![raw]);
    }
    // A brief without a document: the brief is the document.
    let document = match &answer.brief {
        Some(brief) if answer.deliverable.is_empty() => brief.to_markdown().trim().to_owned(),
        _ => answer.deliverable,
    };
    let deliverable = Blob::new(document);
    let brief = answer
        .brief
        .map(|brief| Blob::new(serde_json::to_vec(&brief).expect("a brief is plain data")));
    let output = answer
        .output
        .map(|value| Blob::new(serde_json::to_vec(&value).expect("a value has text keys")));
    let answered = Answered {
        raw: raw.digest,
        deliverable: deliverable.digest,
        brief: brief.as_ref().map(|blob| blob.digest),
        output: output.as_ref().map(|blob| blob.digest),
        judged: answer.judged.map(Box::new),
        served_model: completion.served_model,
        usage: completion.usage,
        millis,
    };
    (
        AttemptOutcome::Good(answered),
        [Some(raw), Some(deliverable), brief, output].into_iter().flatten().collect(),
    )
}

fn unreadable(completion: Completion) -> (AttemptOutcome, Vec<Blob>) {
    let raw = Blob::new(completion.text);
    let failure = Failure::new(
        FailureClass::Malformed,
        "the answer could not be read; it is kept in the journal",
    )
    .help("this is a defect of orchestrate: please report it");
    let outcome = AttemptOutcome::Rejected {
        failure,
        partial: Some(raw.digest),
        usage: Some(completion.usage),
    };
    (outcome, vec![raw])
}

fn failed(error: AttemptError) -> (AttemptOutcome, Vec<Blob>) {
    let partial = error.partial.filter(|text| !text.is_empty()).map(Blob::new);
    let digest = partial.as_ref().map(|blob| blob.digest);
    let outcome = if error.lost {
        AttemptOutcome::Lost {
            failure: error.failure,
            cause: LossCause::Connection,
            partial: digest,
        }
    } else if error.failure.class.is_rejection() {
        AttemptOutcome::Rejected { failure: error.failure, partial: digest, usage: error.usage }
    } else {
        AttemptOutcome::Failed {
            failure: error.failure,
            billed: error.billed,
            usage: error.usage,
            retry_after_ms: error.retry_after_ms,
            partial: digest,
        }
    };
    (outcome, partial.into_iter().collect())
}
