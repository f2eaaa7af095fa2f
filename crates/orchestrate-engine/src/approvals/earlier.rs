//! Decisions of the run that another one was made from.

use std::{collections::BTreeMap, sync::OnceLock};

use orchestrate_core::{
    approval::{ApprovalDecision, DecisionOrigin},
    event::{Event, Recorded},
    ids::{Digest, RunId},
};

use crate::{home::Home, store::read_journal};

/// What people approved in the run that this one was made from, by what exactly it was. Read when it is
/// first asked for.
#[derive(Debug, Default)]
pub(crate) struct EarlierDecisions {
    from: Option<(Home, RunId)>,
    known: OnceLock<BTreeMap<Digest, ApprovalDecision>>,
}

impl EarlierDecisions {
    /// Those of the run `from`, where there is one.
    pub(crate) fn of(home: &Home, from: Option<&RunId>) -> Self {
        Self { from: from.map(|from| (home.clone(), from.clone())), known: OnceLock::new() }
    }

    /// The yes that was given to exactly this. A no is asked again, as a failed call is made again.
    pub(crate) fn approval_of(&self, subject: &Digest) -> Option<&ApprovalDecision> {
        let (home, run) = self.from.as_ref()?;
        let known = self.known.get_or_init(|| match read_journal(&home.run(run)) {
            Ok(contents) => decisions(&contents.events, run),
            Err(error) => {
                tracing::warn!(%error, "approvals of run {run} cannot be read; they are asked for again");
                BTreeMap::new()
            }
        });
        known.get(subject).filter(|decision| decision.approved)
    }
}

/// The last decision on each subject, with the run and time at which a person made it.
fn decisions(events: &[Recorded], run: &RunId) -> BTreeMap<Digest, ApprovalDecision> {
    let (mut asked, mut known) = (BTreeMap::new(), BTreeMap::new());
    for recorded in events {
        match &recorded.event {
            Event::ApprovalRequested { step, request } => {
                asked.insert(step, request.subject);
            }
            Event::ApprovalDecided { step, decision } => {
                let Some(subject) = asked.get(step) else { continue };
                let mut decision = (**decision).clone();
                decision
                    .origin
                    .get_or_insert_with(|| DecisionOrigin { run: run.clone(), at: recorded.at });
                known.insert(*subject, decision);
            }
            _ => {}
        }
    }
    known
}
