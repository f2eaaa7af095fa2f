//! The people of a test: they decide what the test file says.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use indexmap::IndexMap;
use orchestrate_core::ids::StepPath;
use orchestrate_workflow::DecisionScript;
use tokio::sync::mpsc;

use crate::approvals::{Approver, GivenDecision, PersonAnswer, Question};

/// Who decides in a test, for the approvals that it shows.
const SOMEBODY: &str = "test";

/// How often each script was asked.
pub(super) type Decided = Arc<Mutex<BTreeMap<String, usize>>>;

/// Decides from scripts. Who is asked what no script decides goes away: the run waits.
pub(super) struct ScriptedPeople {
    scripts: IndexMap<String, DecisionScript>,
    decided: Decided,
}

impl ScriptedPeople {
    pub(super) fn new(scripts: IndexMap<String, DecisionScript>) -> (Self, Decided) {
        let decided = Decided::default();
        (Self { scripts, decided: Arc::clone(&decided) }, decided)
    }
}

impl Approver for ScriptedPeople {
    fn ask(&mut self, question: Question, answers: mpsc::Sender<PersonAnswer>) {
        let names = [question.step.as_str().to_owned(), question.step.step().as_str().to_owned()];
        let script = names.iter().find_map(|name| self.scripts.get(name));
        let decision = script.and_then(|script| {
            let mut decided = self.decided.lock().unwrap_or_else(PoisonError::into_inner);
            let asked = decided.entry(script.key.value.clone()).or_default();
            *asked += 1;
            script.decisions.get(*asked - 1)
        });
        let answer = decision.map_or(PersonAnswer::Gone, |decision| PersonAnswer::Decided {
            step: question.step,
            subject: question.subject,
            given: GivenDecision {
                approved: decision.approved,
                by: SOMEBODY.to_owned(),
                note: decision.note.clone(),
            },
        });
        // The driver reads it as soon as it has carried out the rest.
        tokio::spawn(async move { answers.send(answer).await });
    }

    fn settled(&mut self, _step: &StepPath) {}
}
