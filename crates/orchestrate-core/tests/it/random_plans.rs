//! Plans made at random: conditions, fans-out, groups, called workflows, values, reviews and approvals; and what
//! a driver would answer to what their runs ask for.

use std::sync::Arc;

use orchestrate_core::{
    event::SkipReason,
    failure::{Failure, FailureClass},
    finding::Severity,
    flow::{ForEach, Join, ListSource, When},
    ids::{CallId, Digest, Purpose, StepPath},
    persona::{Gate, GateJudge},
    plan::{Action, ApprovalStep, OnFail, OutputSpec, Plan, ReviewSpec, Step},
    review::{self, GateAnswer, Judged, NewFinding},
    run::{Asked, AttemptOutcome, Prepared, Run},
};
use proptest::{prelude::*, sample::Index};

use crate::support::{called_workflow, earlier, good, persona_step, plan, prepared};

/// One step as drawn: its needs among those before it, and what kind of step it is.
type Drawn = (Vec<Index>, bool, u8, u8, Option<u32>, Work);

/// What a step that is no group does.
#[derive(Debug, Clone, Copy)]
enum Work {
    Writes,
    WritesValue,
    IsReviewed { rounds: u16, on_fail: OnFail },
    IsApproved,
}

fn works() -> impl Strategy<Value = Work> {
    let on_fail = prop_oneof![Just(OnFail::Stop), Just(OnFail::Continue), Just(OnFail::Approve)];
    let reviewed =
        (1_u16..4, on_fail).prop_map(|(rounds, on_fail)| Work::IsReviewed { rounds, on_fail });
    prop_oneof![
        6 => Just(Work::Writes),
        2 => Just(Work::WritesValue),
        3 => reviewed,
        1 => Just(Work::IsApproved),
    ]
}

fn drawn() -> impl Strategy<Value = Drawn> {
    (
        prop::collection::vec(any::<Index>(), 0..3),
        prop::bool::weighted(0.2),
        0_u8..12,
        0_u8..6,
        prop::option::of(1_u32..3),
        works(),
    )
}

pub(crate) fn plans() -> impl Strategy<Value = Arc<Plan>> {
    let inner = prop::collection::vec(drawn(), 1..4);
    prop::collection::vec((drawn(), inner), 1..6).prop_map(|tops| {
        let mut steps = Vec::new();
        let ids: Vec<StepPath> =
            (0..tops.len()).map(|at| StepPath::new(format!("s{at}"))).collect();
        for (at, (drawn, inner)) in tops.iter().enumerate() {
            let mut step = step(&ids, at, drawn);
            let is_group = drawn.3 >= 4;
            if is_group {
                step.action = if drawn.3 == 5 { called_workflow() } else { Action::Group };
            }
            steps.push(step);
            if is_group {
                let members: Vec<StepPath> =
                    (0..inner.len()).map(|m| ids[at].member(&format!("m{m}"))).collect();
                for (m, drawn) in inner.iter().enumerate() {
                    let mut member = self::step(&members, m, drawn);
                    member.flow.within = Some(ids[at].clone());
                    steps.push(member);
                }
            }
        }
        plan(steps)
    })
}

impl Work {
    fn give(self, step: &mut Step) {
        let Action::Persona(action) = &mut step.action else { panic!("a persona step") };
        match self {
            Self::Writes => {}
            Self::WritesValue => {
                let schema = Arc::new(serde_json::json!({}));
                action.output = Some(OutputSpec { schema, findings: false });
            }
            Self::IsReviewed { rounds, on_fail } => {
                action.review = Some(Box::new(ReviewSpec {
                    condition: Some("asked".into()),
                    by: vec!["one".into(), "other".into()],
                    rounds,
                    on_fail,
                    gates: vec![],
                }));
            }
            Self::IsApproved => {
                step.action =
                    Action::Approve(ApprovalStep { question: "Go?".into(), expires_ms: None });
            }
        }
    }
}

fn step(ids: &[StepPath], at: usize, (needs, optional, flow, kind, most, work): &Drawn) -> Step {
    let mut step = persona_step(ids[at].as_str(), &earlier(ids, at, needs));
    work.give(&mut step);
    step.optional = *optional;
    step.flow.when = [When::All, When::All, When::Any, When::Always][usize::from(flow % 4)];
    if flow / 4 == 2 {
        step.flow.condition = Some("asked".into());
    }
    if kind % 2 == 1 {
        step.flow.each = Some(ForEach {
            list: ListSource::Expression("a list".into()),
            name: "item".into(),
            max_parallel: *most,
            join: [Join::All, Join::Any, Join::Settled][usize::from(flow % 3)],
        });
    }
    step
}

/// A number that is the same for the same path in every process.
fn draw(path: &StepPath, salt: &str, below: u8) -> u8 {
    Digest::of(format!("{path}{salt}")).as_bytes()[0] % below
}

/// What the driver would answer: condition, list, group, document, call.
pub(crate) fn prepare(run: &Run, call: &CallId) -> Prepared {
    let instance = run.instance(&call.step).expect("the machine asks of instances that are there");
    let step = &run.plan().steps()[run.position_of(instance)];
    if run.is_joining(instance) {
        return Prepared::Joined {
            deliverable: Digest::of(call.step.as_str()),
            brief: None,
            output: None,
        };
    }
    let item = run.item(instance).is_some();
    if !item
        && !run.is_admitted(instance)
        && step.flow.condition.is_some()
        && draw(&call.step, "if", 2) == 0
    {
        return Prepared::Skipped(SkipReason::Condition);
    }
    if step.flow.each.is_some() && !item {
        let least = u8::from(step.flow.each.as_ref().is_some_and(|each| each.join == Join::Any));
        let count = usize::from(least + draw(&call.step, "count", 4));
        return Prepared::Items { count, list: Digest::of(call.step.as_str()) };
    }
    if step.action.is_group() {
        let inputs = matches!(step.action, Action::Workflow(_)).then(|| Digest::of("inputs"));
        return Prepared::Group { inputs };
    }
    if matches!(step.action, Action::Approve(_)) || run.review_question(instance).is_some() {
        return Prepared::Ask(Box::new(Asked {
            question: Digest::of("Go?"),
            subject: Digest::of(call.step.as_str()),
            expires_ms: None,
            decision: None,
        }));
    }
    let verdicts = run.review(instance).verdicts.len();
    match call.purpose {
        Purpose::Verdict if draw(&call.step, "reviewed", 4) == 0 => Prepared::NotReviewed,
        Purpose::Verdict => verdict(call, verdicts),
        Purpose::Revise | Purpose::Repair => {
            prepared(&format!("{}#{:?}{verdicts}", call.step, call.purpose), 50)
        }
        _ => prepared(&format!("{}#{:?}", call.step, call.purpose), 50),
    }
}

/// The question to a reviewer: a gate of its own, and now and then one that a person decides.
fn verdict(call: &CallId, verdicts: usize) -> Prepared {
    let mut ready = prepared(&format!("{}#verdict{verdicts}", call.step), 50);
    if let Prepared::Call { call: prepared, .. } = &mut ready {
        let by_person = draw(&call.step, "person", 3) == 0;
        let judges = [GateJudge::Judge].into_iter().chain(by_person.then_some(GateJudge::Human));
        let gates = judges.enumerate().map(|(at, by)| Gate {
            id: format!("g{at}"),
            check: "c".into(),
            by,
            required: true,
        });
        prepared.review = Some(Box::new(review::Asked {
            reviewer: if verdicts.is_multiple_of(2) { "one".into() } else { "other".into() },
            round: u16::try_from(verdicts / 2 + 1).expect("few rounds"),
            gates: gates.collect(),
            metrics: vec![],
            commands: vec![],
            findings: vec![],
            escalation: vec![],
        }));
    }
    ready
}

/// A good answer; a verdict passes, or finds something.
pub(crate) fn answer(call: &CallId, passes: bool) -> AttemptOutcome {
    let outcome = good(&call.to_string(), true);
    let AttemptOutcome::Good(mut answered) = outcome else { panic!("a good answer") };
    if call.purpose == Purpose::Verdict {
        let answer = if passes { GateAnswer::Pass } else { GateAnswer::Fail };
        let new = NewFinding { rule: call.to_string(), severity: Severity::Low };
        answered.judged = Some(Box::new(Judged {
            gates: [("g0".to_owned(), answer)].into_iter().collect(),
            new: if passes { vec![] } else { vec![new] },
            ..Judged::default()
        }));
    }
    AttemptOutcome::Good(answered)
}

/// An answer that does not fit its schema, where one was asked for.
pub(crate) fn misfit(run: &Run, call: &CallId) -> AttemptOutcome {
    let instance = run.instance(&call.step).expect("a step under way");
    let step = &run.plan().steps()[run.position_of(instance)];
    let has_value = matches!(&step.action, Action::Persona(action) if action.output.is_some());
    if !has_value || call.purpose == Purpose::Brief {
        return answer(call, true);
    }
    AttemptOutcome::Rejected {
        failure: Failure::new(FailureClass::Misfit, "no fit"),
        partial: Some(Digest::of("raw")),
        usage: None,
    }
}
