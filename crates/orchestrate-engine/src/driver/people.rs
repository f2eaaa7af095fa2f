//! People in a running run: putting questions, and taking decisions in from wherever they come.

use std::{path::PathBuf, time::Duration};

use orchestrate_core::{
    approval::ApprovalRequest,
    event::{Event, Recorded},
    ids::StepPath,
    run::Input,
};
use tokio::sync::mpsc;

use super::{DriveError, Driver};
use crate::{
    approvals::{self, Approver, Dropped, Ground, Inbox, PersonAnswer, Question, decided},
    clock,
    store::{Blob, StoreError},
};

/// Between two looks into the inbox while a step waits for a person.
pub(super) const BETWEEN_LOOKS: Duration = Duration::from_millis(200);

/// Who can be asked, and where others leave their decisions.
#[derive(Default)]
pub(crate) struct People {
    approver: Option<Box<dyn Approver>>,
    inbox: Option<Inbox>,
    /// Files whose decisions are taken in and not yet durable.
    taken: Vec<PathBuf>,
}

impl People {
    pub(crate) fn new(approver: Option<Box<dyn Approver>>, inbox: Inbox) -> Self {
        Self { approver, inbox: Some(inbox), taken: Vec::new() }
    }

    /// People for a run that nobody else knows of.
    pub(crate) fn in_memory(approver: Option<Box<dyn Approver>>) -> Self {
        Self { approver, ..Self::default() }
    }

    /// Whether a person can be asked while the run goes on.
    pub(crate) fn can_be_asked(&self) -> bool {
        self.approver.is_some()
    }

    /// Lets the approver know what is decided or over.
    pub(super) fn tell_of(&mut self, events: &[Recorded]) {
        let Some(approver) = &mut self.approver else { return };
        for recorded in events {
            if let Event::ApprovalDecided { step, .. } | Event::ApprovalExpired { step } =
                &recorded.event
            {
                approver.settled(step);
            }
        }
    }

    /// What was decided in them is durable, or did not count.
    pub(super) fn forget_files(&mut self) {
        for path in self.taken.drain(..) {
            approvals::remove(&path);
        }
    }
}

impl Driver {
    /// The decisions that lie in the inbox, with the contents they speak of. The files go once what follows
    /// is durable; a decision that does not count goes with them.
    pub(crate) fn decisions(&mut self) -> Result<(Vec<Input>, Vec<Blob>), StoreError> {
        let found = self.people.inbox.as_ref().map(Inbox::read).unwrap_or_default();
        let (mut inputs, mut blobs) = (Vec::new(), Vec::new());
        for (path, dropped) in found {
            if let Some((input, contents)) = self.decision(&dropped)? {
                inputs.push(input);
                blobs.extend(contents);
            }
            self.people.taken.push(path);
        }
        Ok((inputs, blobs))
    }

    /// Takes in what a person at the terminal decided.
    pub(super) fn decide(&mut self, given: &Dropped) -> Result<(), DriveError> {
        if let Some((input, blobs)) = self.decision(given)? {
            self.pending.extend(blobs);
            self.run.handle(clock::now(), input)?;
        }
        Ok(())
    }

    /// A decision as news for the machine; none where the step asks nothing, or something else.
    fn decision(&self, given: &Dropped) -> Result<Option<(Input, Vec<Blob>)>, StoreError> {
        let Dropped { step, subject, given } = given;
        let asked = self.run.instance(step).and_then(|at| self.run.asked(at));
        let Some(request) = asked.filter(|request| request.subject == *subject) else {
            return Ok(None);
        };
        let question = self.blobs.text(&request.question)?;
        let mut given = given.clone();
        given.note = given.note.map(|note| self.preparer.redactor.redact_owned(note));
        let (decision, blobs) = decided(given, &question);
        let decision = Box::new(decision);
        Ok(Some((Input::Decide { step: step.clone(), subject: *subject, decision }, blobs)))
    }

    /// Puts a question to whoever is there. One that cannot be read is put to nobody: it waits.
    pub(super) fn ask(
        &mut self,
        step: &StepPath,
        request: &ApprovalRequest,
        answers: &mpsc::Sender<PersonAnswer>,
    ) {
        if !self.people.can_be_asked() {
            return;
        }
        match self.question(step, request) {
            Ok(question) => {
                if let Some(approver) = &mut self.people.approver {
                    approver.ask(question, answers.clone());
                }
            }
            Err(error) => {
                self.damage.get_or_insert(error);
                // The driver takes it out as soon as it has carried out the rest.
                let _ = answers.try_send(PersonAnswer::Gone);
            }
        }
    }

    fn question(&self, step: &StepPath, request: &ApprovalRequest) -> Result<Question, StoreError> {
        let mut grounds = Vec::new();
        let mut around = self.run.instance(step);
        // In a review, it is about the step's own document.
        if let Some(draft) = around.and_then(|at| self.run.draft(at)) {
            let persona = self.summary.step(step).and_then(|told| told.persona.clone());
            let text = Some(self.blobs.text(&draft)?);
            grounds.push(Ground { step: step.clone(), persona, text });
            around = None;
        }
        while let Some(at) = around {
            for need in self.run.needs_of(at) {
                let text = self.run.result(need).map(|(text, _)| text);
                let text = text.map(|text| self.blobs.text(&text)).transpose()?;
                let step = self.run.path(need).clone();
                let persona = self.summary.step(&step).and_then(|told| told.persona.clone());
                grounds.push(Ground { step, persona, text });
            }
            around = self.run.parent(at);
        }
        Ok(Question {
            run: self.summary.run.clone().unwrap_or_else(|| orchestrate_core::ids::RunId::new("")),
            step: step.clone(),
            subject: request.subject,
            text: self.blobs.text(&request.question)?,
            grounds,
            expires_at: request.expires_at,
        })
    }
}
