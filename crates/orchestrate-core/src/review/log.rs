//! The course of a review: verdicts in order, findings by id, and what comes next.

use std::collections::BTreeSet;

use serde::Serialize;

use super::{Asked, GateAnswer, Judged, Measured, RoundState, Stop, stop};
use crate::{
    approval::ApprovalDecision,
    failure::{Failure, FailureClass},
    finding::Severity,
    ids::Digest,
    persona::{Gate, GateJudge},
};

/// One verdict.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Verdict {
    /// What was asked.
    pub asked: Asked,
    /// What was answered.
    pub judged: Judged,
    /// The verdict's JSON, where there is one.
    pub output: Option<Digest>,
}

/// A finding over the rounds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TrackedFinding {
    /// `F1`, `F2`, … in the order in which they were found.
    pub id: String,
    /// Who found it.
    pub reviewer: String,
    /// What is broken.
    pub rule: String,
    /// How much it matters.
    pub severity: Severity,
    /// The round in which it was found.
    pub found_in: u16,
    /// Whether it is open.
    pub open: bool,
    /// Rounds after the first in which it was still or again open.
    pub recurred: u16,
    /// Which verdict holds its words, and at which place among that one's new findings.
    #[serde(skip)]
    pub stands_in: (usize, usize),
}

impl TrackedFinding {
    /// `new`, `resolved` or `recurring`.
    pub fn status(&self) -> &'static str {
        match (self.open, self.recurred) {
            (false, _) => "resolved",
            (true, 0) => "new",
            (true, _) => "recurring",
        }
    }
}

/// What a person said of a document under review.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PersonVerdict {
    /// The round in which, or after which, they were asked.
    pub round: u16,
    /// Whether it was about a document that had not passed, as opposed to gates that a person decides.
    pub waiver: bool,
    /// Yes or no.
    pub approved: bool,
    /// Who.
    pub by: String,
    /// What they said about it.
    pub note: Option<String>,
}

/// What a review does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// This verdict is asked for, counted from 1.
    Judge(u16),
    /// The author is asked for this new version, counted from 1.
    Revise(u16),
    /// A person is asked about the gates that a person decides: everything else passes.
    Ask,
    /// It is over.
    Ended(Stop),
}

/// The course of a review so far.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct ReviewLog {
    /// Every verdict, in order; each round has one of each reviewer.
    pub verdicts: Vec<Verdict>,
    /// Every finding, in the order in which they were found.
    pub findings: Vec<TrackedFinding>,
    /// What people said, in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub people: Vec<PersonVerdict>,
    /// Why it ended, once it has.
    pub stop: Option<Stop>,
}

impl ReviewLog {
    /// Adds a verdict.
    pub fn take(&mut self, asked: &Asked, judged: &Judged, output: Option<Digest>) {
        for finding in &mut self.findings {
            if let Some(&open) = judged.earlier.get(&finding.id) {
                finding.open = open;
                finding.recurred += u16::from(open);
            }
        }
        let mut judged = judged.clone();
        for command in &asked.commands {
            // An answer that is used again knows those of another day.
            judged.gates.insert(command.gate.clone(), command.answer());
        }
        let verdict = self.verdicts.len();
        for (place, new) in judged.new.iter().enumerate() {
            self.findings.push(TrackedFinding {
                id: format!("F{}", self.findings.len() + 1),
                reviewer: asked.reviewer.clone(),
                rule: new.rule.clone(),
                severity: new.severity,
                found_in: asked.round,
                open: true,
                recurred: 0,
                stands_in: (verdict, place),
            });
        }
        self.verdicts.push(Verdict { asked: asked.clone(), judged, output });
    }

    /// Adds what a person decided: of the gates that are theirs in this round, or, once the review has ended,
    /// of going on all the same.
    pub fn decide(&mut self, decision: &ApprovalDecision) {
        let round = self.verdicts.last().map_or(0, |verdict| verdict.asked.round);
        let waiver = self.stop.is_some();
        if !waiver {
            let answer = if decision.approved { GateAnswer::Pass } else { GateAnswer::Fail };
            for verdict in self.verdicts.iter_mut().filter(|verdict| verdict.asked.round == round) {
                let own = verdict.asked.gates.iter().filter(|gate| gate.by == GateJudge::Human);
                for gate in own {
                    verdict.judged.gates.insert(gate.id.clone(), answer);
                }
            }
        }
        self.people.push(PersonVerdict {
            round,
            waiver,
            approved: decision.approved,
            by: decision.by.clone(),
            note: decision.note.clone(),
        });
    }

    /// What a person said about going on although the document did not pass.
    pub fn waiver(&self) -> Option<&PersonVerdict> {
        self.people.last().filter(|said| said.waiver)
    }

    /// A no to going on is asked about again: the step has been given another chance.
    pub fn forget_refusal(&mut self) {
        self.people.pop_if(|said| said.waiver && !said.approved);
    }

    /// What is known of how a gate of a verdict was decided by others than the reviewer: what a person or a
    /// command said.
    pub fn said_of(&self, verdict: &Verdict, gate: &Gate) -> Option<String> {
        match gate.by {
            GateJudge::Judge => None,
            GateJudge::Human => {
                let round = verdict.asked.round;
                let said = self.people.iter().rfind(|said| said.round == round && !said.waiver)?;
                let note = said.note.as_deref().map(|note| format!(": {note}")).unwrap_or_default();
                let word = if said.approved { "yes" } else { "no" };
                Some(format!("{} said {word}{note}", said.by))
            }
            GateJudge::Command => {
                let own = verdict.asked.commands.iter().find(|command| command.gate == gate.id)?;
                Some(own.said.clone())
            }
        }
    }

    /// Ids of the findings of a reviewer.
    pub fn findings_of(&self, reviewer: &str) -> Vec<String> {
        let own = self.findings.iter().filter(|finding| finding.reviewer == reviewer);
        own.map(|finding| finding.id.clone()).collect()
    }

    /// What comes next, with `versions` of the document written so far.
    pub fn standing(&self, reviewers: usize, rounds: u16, versions: u16) -> Standing {
        let reviewers = reviewers.max(1);
        let wanted = usize::from(versions) * reviewers;
        if self.verdicts.len() < wanted {
            return Standing::Judge(u16::try_from(self.verdicts.len() + 1).unwrap_or(u16::MAX));
        }
        let states = self.rounds(reviewers);
        let waits =
            |last: &RoundState| last.undecided && !last.unjudged && last.blocking.is_empty();
        if states.last().is_some_and(waits) {
            return Standing::Ask;
        }
        match stop(&states, rounds) {
            Some(stop) => Standing::Ended(stop),
            None => Standing::Revise(versions),
        }
    }

    /// What each complete round has left.
    pub fn rounds(&self, reviewers: usize) -> Vec<RoundState> {
        let mut open: BTreeSet<String> = BTreeSet::new();
        let mut found = 0;
        let states = self.verdicts.chunks_exact(reviewers.max(1)).map(|round| {
            let mut state = RoundState::default();
            for verdict in round {
                for (id, still) in &verdict.judged.earlier {
                    if *still {
                        open.insert(id.clone());
                    } else {
                        open.remove(id);
                    }
                }
                for _ in &verdict.judged.new {
                    found += 1;
                    open.insert(format!("F{found}"));
                }
                let reviewer = &verdict.asked.reviewer;
                for gate in verdict.asked.gates.iter().filter(|gate| gate.required) {
                    match verdict.judged.gates.get(&gate.id) {
                        Some(GateAnswer::Fail) => {
                            state.blocking.insert(format!("gate {reviewer}/{}", gate.id));
                        }
                        Some(GateAnswer::Pass | GateAnswer::NotApplicable) => {}
                        Some(GateAnswer::NotJudged) | None => match gate.by {
                            GateJudge::Human => state.undecided = true,
                            GateJudge::Judge | GateJudge::Command => state.unjudged = true,
                        },
                    }
                }
                for metric in &verdict.asked.metrics {
                    if metric.measured == Measured::Missed {
                        state.blocking.insert(format!("metric {reviewer}/{}", metric.id));
                    }
                }
            }
            state.open = state.blocking.union(&open).cloned().collect();
            state
        });
        states.collect()
    }

    /// The verdicts of the last round.
    pub fn last_round(&self) -> impl Iterator<Item = &Verdict> {
        let last = self.verdicts.last().map(|verdict| verdict.asked.round);
        self.verdicts.iter().filter(move |verdict| Some(verdict.asked.round) == last)
    }

    /// Gates of the last round that pass or do not apply, and all of them.
    pub fn gates_passed(&self) -> (usize, usize) {
        let answers = || self.last_round().flat_map(|verdict| verdict.judged.gates.values());
        let good = answers()
            .filter(|answer| matches!(answer, GateAnswer::Pass | GateAnswer::NotApplicable))
            .count();
        (good, answers().count())
    }

    /// `3 of 5 gates pass`.
    pub fn gates_told(&self) -> String {
        let (good, all) = self.gates_passed();
        let verb = if good == 1 { "passes" } else { "pass" };
        let gates = if all == 1 { "gate" } else { "gates" };
        format!("{good} of {all} {gates} {verb}")
    }

    /// What stands in the way, in words: ids of gates that fail and metrics that are missed.
    pub fn blocking(&self) -> Vec<String> {
        let mut list = Vec::new();
        for verdict in self.last_round() {
            let required = verdict.asked.gates.iter().filter(|gate| gate.required);
            let failed = required
                .filter(|gate| verdict.judged.gates.get(&gate.id) == Some(&GateAnswer::Fail));
            list.extend(failed.map(|gate| format!("`{}`", gate.id)));
            let metrics = verdict.asked.metrics.iter();
            let missed = metrics.filter(|metric| metric.measured == Measured::Missed);
            list.extend(missed.map(|metric| format!("metric `{}`", metric.id)));
        }
        list
    }

    /// Why a step fails whose review ended like this.
    pub fn failure(&self, stop: Stop) -> Failure {
        let rounds = self.verdicts.last().map_or(0, |verdict| verdict.asked.round);
        let after = if rounds == 1 { "1 round".to_owned() } else { format!("{rounds} rounds") };
        let message = format!(
            "{} after {after} ({}): {}",
            self.gates_told(),
            stop.phrase(),
            self.blocking().join(", ")
        );
        let failure = Failure::new(FailureClass::ReviewFailed, message);
        let escalation: Vec<&str> = self
            .last_round()
            .flat_map(|verdict| verdict.asked.escalation.iter().map(String::as_str))
            .collect();
        if escalation.is_empty() {
            failure.help("the verdicts are in the report: change the prompt, give more `rounds`, or let the run go on with `on_fail: continue`")
        } else {
            failure.help(format!("the persona's escalation: {}", escalation.join(" → ")))
        }
    }
}

#[cfg(test)]
mod tests {
    use indexmap::IndexMap;

    use super::*;
    use crate::{
        persona::{Gate, GateJudge},
        review::NewFinding,
    };

    fn asked(log: &ReviewLog, round: u16) -> Asked {
        let gate = |id: &str| Gate {
            id: id.into(),
            check: "It holds".into(),
            by: GateJudge::Judge,
            required: true,
        };
        Asked {
            reviewer: "ml-engineer".into(),
            round,
            gates: vec![gate("bias"), gate("cost")],
            metrics: vec![],
            commands: vec![],
            findings: log.findings_of("ml-engineer"),
            escalation: vec!["An alert fires".into(), "A person looks".into()],
        }
    }

    fn answer(log: &mut ReviewLog, round: u16, gates: [GateAnswer; 2], open: &[bool], new: usize) {
        let asked = asked(log, round);
        let ids = ["bias", "cost"].map(str::to_owned);
        let judged = Judged {
            gates: ids.into_iter().zip(gates).collect(),
            earlier: asked
                .findings
                .iter()
                .cloned()
                .zip(open.iter().copied())
                .collect::<IndexMap<_, _>>(),
            new: vec![NewFinding { rule: "r".into(), severity: Severity::High }; new],
        };
        log.take(&asked, &judged, None);
    }

    #[test]
    fn a_review_asks_judges_revises_and_ends() {
        use GateAnswer::{Fail, Pass};
        let mut log = ReviewLog::default();
        assert_eq!(log.standing(1, 3, 1), Standing::Judge(1));
        answer(&mut log, 1, [Fail, Pass], &[], 2);
        assert_eq!(log.standing(1, 3, 1), Standing::Revise(1));
        assert_eq!(log.standing(1, 3, 2), Standing::Judge(2));
        answer(&mut log, 2, [Pass, Pass], &[true, false], 0);
        assert_eq!(log.standing(1, 3, 2), Standing::Ended(Stop::Converged));
        let statuses: Vec<&str> = log.findings.iter().map(TrackedFinding::status).collect();
        assert_eq!(statuses, ["recurring", "resolved"]);
        assert_eq!(log.gates_told(), "2 of 2 gates pass");
    }

    #[test]
    fn a_review_that_fails_says_what_stands_in_the_way_and_who_acts() {
        use GateAnswer::{Fail, Pass};
        let mut log = ReviewLog::default();
        answer(&mut log, 1, [Fail, Pass], &[], 0);
        answer(&mut log, 2, [Fail, Pass], &[], 0);
        assert_eq!(log.standing(1, 3, 2), Standing::Ended(Stop::Stagnating));
        let failure = log.failure(Stop::Stagnating);
        assert_eq!(failure.message, "1 of 2 gates passes after 2 rounds (stagnating): `bias`");
        assert_eq!(
            failure.help.as_deref(),
            Some("the persona's escalation: An alert fires → A person looks")
        );
    }

    #[test]
    fn two_reviewers_make_one_round() {
        use GateAnswer::{NotJudged, Pass};
        let mut log = ReviewLog::default();
        answer(&mut log, 1, [Pass, Pass], &[], 0);
        assert_eq!(log.standing(2, 1, 1), Standing::Judge(2));
        answer(&mut log, 1, [Pass, NotJudged], &[], 0);
        assert_eq!(log.standing(2, 1, 1), Standing::Ended(Stop::NotJudged));
    }
}
