//! Workers: one attempt each, from a request to what the journal will say of it.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Instant};

use orchestrate_core::{
    brief,
    event::{Answered, LossCause},
    failure::{Failure, FailureClass},
    ids::Purpose,
    request::Request,
    run::AttemptOutcome,
};
use orchestrate_provider::{AttemptError, Completion, Provider};

use crate::{live::LiveCall, store::Blob};

/// Makes one attempt and reads the answer.
pub(crate) async fn attempt(
    provider: Arc<dyn Provider>,
    request: Arc<Request>,
    live: Arc<LiveCall>,
) -> (AttemptOutcome, Vec<Blob>) {
    let started = Instant::now();
    let purpose = request.call.purpose;
    match provider.complete(request, live).await {
        Ok(completion) => {
            let millis = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
            // Whatever reading does, the answer that was paid for is kept.
            let read =
                std::panic::catch_unwind(AssertUnwindSafe(|| read(purpose, &completion.text)));
            match read {
                Ok(read) => good(completion, read, millis),
                Err(_) => unreadable(completion),
            }
        }
        Err(error) => failed(error),
    }
}

/// Splits an answer by what it was asked for.
fn read(purpose: Purpose, text: &str) -> brief::Answer {
    let mut answer = brief::split(text);
    if purpose == Purpose::Brief && answer.brief.is_none() {
        // Asked for the brief alone, many models leave the fence out or call it `json`.
        answer.brief = text
            .find('{')
            .zip(text.rfind('}'))
            .filter(|(open, close)| open < close)
            .and_then(|(open, close)| brief::parse(&text[open..=close]));
    }
    answer
}

fn good(completion: Completion, answer: brief::Answer, millis: u64) -> (AttemptOutcome, Vec<Blob>) {
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
    let answered = Answered {
        raw: raw.digest,
        deliverable: deliverable.digest,
        brief: brief.as_ref().map(|blob| blob.digest),
        served_model: completion.served_model,
        usage: completion.usage,
        millis,
    };
    (
        AttemptOutcome::Good(answered),
        [Some(raw), Some(deliverable), brief].into_iter().flatten().collect(),
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
        }
    };
    (outcome, partial.into_iter().collect())
}
