//! Fans-out, conditions, repairs, reviews and approvals where they meet in one run.

use std::sync::Arc;

use orchestrate_core::{
    approval::{ApprovalAnswer, ApprovalDecision},
    event::{Event, PauseReason, Recorded, RunFailure, SkipReason},
    failure::{Failure, FailureClass},
    flow::{ForEach, Join, ListSource, When},
    ids::{CallId, Digest, Purpose, StepPath},
    persona::{Gate, GateJudge},
    plan::{Action, ApprovalStep, OnFail, OutputSpec, Plan, ReviewSpec, Step},
    policy::Limits,
    review::{Asked as Judging, GateAnswer, Judged, Stop},
    run::{Asked, AttemptOutcome, Effect, Input, Outcome, Prepared, Run, StepStatus},
    summary::{RunSummary, StepState},
};

use crate::support::{Desk, created, failed, good, persona_step, plan, prepared, timed};

fn with(mut step: Step, change: impl FnOnce(&mut Step)) -> Step {
    change(&mut step);
    step
}

fn approval(id: &str, needs: &[&str]) -> Step {
    let action = Action::Approve(ApprovalStep { question: "Go?".into(), expires_ms: None });
    Step { action, ..persona_step(id, needs) }
}

/// A step whose answer is a value and is judged, up to three rounds.
fn reviewed(id: &str, needs: &[&str]) -> Step {
    with(persona_step(id, needs), |step| {
        let Action::Persona(action) = &mut step.action else { panic!("a persona step") };
        let schema = Arc::new(serde_json::json!({}));
        action.output = Some(OutputSpec { schema, findings: false });
        let by = vec!["r".to_owned()];
        let review =
            ReviewSpec { condition: None, by, rounds: 3, on_fail: OnFail::Stop, gates: vec![] };
        action.review = Some(Box::new(review));
    })
}

fn for_each(step: Step, join: Join, max_parallel: Option<u32>) -> Step {
    let list = ListSource::Expression("a list".into());
    with(step, |step| {
        step.flow.each = Some(ForEach { list, name: "item".into(), max_parallel, join });
    })
}

/// Items that are repaired and judged, a person, and who relies on the person's word.
fn chapters() -> Arc<Plan> {
    plan(vec![
        for_each(reviewed("parts", &[]), Join::All, Some(2)),
        approval("go", &["parts"]),
        persona_step("print", &["go"]),
    ])
}

fn prepare(run: &Run, call: &CallId) -> Prepared {
    let instance = run.instance(&call.step).expect("it is there");
    let step = &run.plan().steps()[run.position_of(instance)];
    if run.is_joining(instance) {
        let name = call.step.as_str();
        let output = step.flow.each.as_ref().map(|_| Digest::of(format!("{name}: values")));
        return Prepared::Joined { deliverable: Digest::of(name), brief: None, output };
    }
    if step.flow.condition.is_some() {
        return Prepared::Skipped(SkipReason::Condition);
    }
    if step.flow.each.is_some() && run.item(instance).is_none() {
        return Prepared::Items { count: 4, list: Digest::of("list") };
    }
    match &step.action {
        Action::Group | Action::Workflow(_) => Prepared::Group { inputs: None },
        Action::Approve(_) => Prepared::Ask(Box::new(Asked {
            question: Digest::of("Go?"),
            subject: Digest::of(call.step.as_str()),
            expires_ms: None,
            decision: None,
        })),
        _ => {
            let mut ready = prepared(&call.to_string(), 10);
            if call.purpose == Purpose::Verdict
                && let Prepared::Call { call: prepared, .. } = &mut ready
            {
                prepared.review = Some(Box::new(judging(run, instance)));
            }
            ready
        }
    }
}

fn judging(run: &Run, instance: usize) -> Judging {
    let gate = Gate { id: "g".into(), check: "c".into(), by: GateJudge::Judge, required: true };
    Judging {
        reviewer: "r".into(),
        round: u16::try_from(run.review(instance).verdicts.len() + 1).expect("few rounds"),
        gates: vec![gate],
        metrics: vec![],
        commands: vec![],
        findings: vec![],
        escalation: vec![],
    }
}

fn verdict(call: &CallId, answer: GateAnswer) -> AttemptOutcome {
    let AttemptOutcome::Good(mut answered) = good(&call.to_string(), false) else {
        panic!("a good answer")
    };
    let gates = [("g".to_owned(), answer)].into_iter().collect();
    answered.judged = Some(Box::new(Judged { gates, ..Judged::default() }));
    AttemptOutcome::Good(answered)
}

/// Item 1 needs a new version, item 2 a repair, item 3 both.
fn answer(call: &CallId) -> AttemptOutcome {
    let item = call.step.numbers().first().copied().unwrap_or_default();
    match call.purpose {
        Purpose::Draft if item >= 2 => AttemptOutcome::Rejected {
            failure: Failure::new(FailureClass::Misfit, "no fit"),
            partial: Some(Digest::of("raw")),
            usage: None,
        },
        Purpose::Verdict if item % 2 == 1 && call.number == 1 => verdict(call, GateAnswer::Fail),
        Purpose::Verdict => verdict(call, GateAnswer::Pass),
        _ => {
            let AttemptOutcome::Good(mut answered) = good(&call.to_string(), true) else {
                panic!("a good answer")
            };
            answered.output = Some(Digest::of(format!("{call}: value")));
            AttemptOutcome::Good(answered)
        }
    }
}

fn rest(desk: &mut Desk, answer: &dyn Fn(&CallId) -> AttemptOutcome) -> Outcome {
    while let Some(order) = desk.orders.pop_front() {
        let ready = match &order {
            Effect::Prepare { call } => Some(prepare(&desk.run, call)),
            _ => None,
        };
        desk.carry_out(order, &|_| ready.clone().expect("asked"), &mut |call, _| answer(call));
        let parts = (0..desk.run.instances()).filter(|&at| {
            let under_way = matches!(
                desk.run.status(at),
                StepStatus::Prepared | StepStatus::Calling | StepStatus::Ended
            );
            desk.run.item(at).is_some() && under_way
        });
        assert!(parts.count() <= 2, "more items at a time than allowed");
    }
    desk.outcome.clone().expect("the run came to rest")
}

fn decide(desk: &mut Desk, step: &str, approved: bool) {
    let answer = ApprovalAnswer { deliverable: Digest::of("note"), brief: Digest::of("brief") };
    let decision = Box::new(ApprovalDecision {
        approved,
        by: "ada".into(),
        note: None,
        answer: approved.then_some(answer),
        origin: None,
    });
    let subject = Digest::of(step);
    desk.outcome = None;
    desk.tell(Input::Decide { step: step.into(), subject, decision });
}

fn sent(desk: &Desk) -> Vec<String> {
    let intents = desk.events.iter().filter_map(|event| match event {
        Event::CallIntent { call, .. } => Some(call.to_string()),
        _ => None,
    });
    intents.collect()
}

fn sent_by(desk: &Desk, step: &str) -> Vec<String> {
    let calls = sent(desk).into_iter();
    calls.filter_map(|call| call.strip_prefix(&format!("{step}#")).map(str::to_owned)).collect()
}

fn status(desk: &Desk, path: &str) -> StepStatus {
    desk.run.status(desk.run.instance(&path.into()).expect("it is there"))
}

fn summary(plan: &Arc<Plan>, events: &[Event]) -> RunSummary {
    let recorded = |(seq, event): (u64, &Event)| Recorded {
        seq,
        at: orchestrate_core::Timestamp(1),
        event: event.clone(),
    };
    let recorded: Vec<Recorded> = (1..).zip(events).map(recorded).collect();
    RunSummary::of(Arc::clone(plan), &recorded)
}

fn to_the_question() -> (Arc<Plan>, Desk) {
    let plan = chapters();
    let mut desk = Desk::start(&plan, created(4, Limits::default()));
    let outcome = rest(&mut desk, &answer);
    assert_eq!(outcome, Outcome::Paused(PauseReason::AwaitingApproval));
    (plan, desk)
}

#[test]
fn every_item_has_repairs_and_a_review_of_its_own() {
    let (plan, desk) = to_the_question();
    assert_eq!(sent_by(&desk, "parts[0]"), ["draft.1", "verdict.1"]);
    assert_eq!(sent_by(&desk, "parts[1]"), ["draft.1", "verdict.1", "revise.1", "verdict.2"]);
    assert_eq!(sent_by(&desk, "parts[2]"), ["draft.1", "repair.1", "verdict.1"]);
    assert_eq!(
        sent_by(&desk, "parts[3]"),
        ["draft.1", "repair.1", "verdict.1", "revise.1", "verdict.2"]
    );
    let told = summary(&plan, &desk.events);
    let rounds = told.instances_of(0).map(|item| {
        let review = item.review.as_ref().expect("it is reviewed");
        assert_eq!(review.stop, Some(Stop::Converged), "{}", item.step);
        (review.verdicts.len(), item.repairs)
    });
    assert_eq!(rounds.collect::<Vec<_>>(), [(1, 0), (2, 0), (1, 1), (2, 1)]);
    assert_eq!((told.steps[0].repairs, &told.steps[0].review), (2, &None));
}

#[test]
fn the_values_of_the_items_are_the_value_of_the_fan_out() {
    let (plan, desk) = to_the_question();
    let at = |path: &str| desk.run.instance(&path.into()).expect("it is there");
    let last = Digest::of("parts[3]#revise.1: value");
    assert_eq!(desk.run.output(at("parts[3]")), Some(last), "the last version's value");
    let values = Some(Digest::of("parts: values"));
    assert_eq!(desk.run.output(at("parts")), values);
    assert_eq!(summary(&plan, &desk.events).steps[0].output, values);
}

#[test]
fn an_approval_asks_once_every_item_has_passed_and_a_yes_goes_on() {
    let (plan, mut desk) = to_the_question();
    let kinds = desk.kinds();
    let asked = kinds.iter().position(|kind| *kind == "approval_requested").expect("asked");
    let ended = kinds.iter().filter(|kind| **kind == "review_ended").count();
    assert_eq!((kinds[asked - 1], ended), ("step_succeeded", 4), "after the document of all items");
    decide(&mut desk, "go", true);
    desk.crash(&plan);
    assert_eq!(rest(&mut desk, &answer), Outcome::Succeeded);
    assert_eq!(sent_by(&desk, "print"), ["draft.1"]);
}

#[test]
fn a_run_killed_in_the_review_of_any_item_ends_the_same_and_buys_nothing_twice() {
    let (plan, whole) = to_the_question();
    for cut in 1..whole.events.len() {
        let mut desk = Desk::start(&plan, created(4, Limits::default()));
        desk.events.clone_from(&whole.events);
        desk.events.truncate(cut);
        let lost = Run::replay(Arc::clone(&plan), timed(&desk.events)).expect("folds").in_flight();
        desk.crash(&plan);
        let outcome = rest(&mut desk, &answer);
        assert_eq!(outcome, Outcome::Paused(PauseReason::AwaitingApproval), "cut at {cut}");
        assert!(sent(&desk).len() <= sent(&whole).len() + lost, "cut at {cut}: {:?}", sent(&desk));
        let ends = desk.kinds().iter().filter(|kind| **kind == "review_ended").count();
        assert_eq!(ends, 4, "cut at {cut}");
        for item in 0..4 {
            let path = format!("parts[{item}]");
            let at = |desk: &Desk| desk.run.instance(&StepPath::from(path.as_str()));
            let (one, other) = (at(&desk).expect("an item"), at(&whole).expect("an item"));
            assert_eq!(desk.run.result(one), whole.run.result(other), "{path}, cut at {cut}");
        }
    }
}

#[test]
fn a_skipped_step_is_not_reviewed_and_neither_is_what_needs_it() {
    let plan = plan(vec![
        with(reviewed("a", &[]), |step| step.flow.condition = Some("false".into())),
        approval("go", &["a"]),
        with(persona_step("b", &["go", "a"]), |step| step.flow.when = When::Always),
    ]);
    let mut desk = Desk::start(&plan, created(2, Limits::default()));
    assert_eq!(rest(&mut desk, &answer), Outcome::Succeeded);
    assert_eq!(sent(&desk), ["b#draft.1"]);
    assert!(!desk.kinds().contains(&"review_ended") && !desk.run.awaits_approval());
    let told = summary(&plan, &desk.events);
    assert_eq!([told.steps[0].state, told.steps[1].state], [StepState::Skipped; 2]);
}

#[test]
fn an_item_whose_review_fails_fails_the_fan_out_and_keeps_what_the_others_made() {
    let plan = plan(vec![for_each(reviewed("parts", &[]), Join::Settled, Some(2))]);
    let mut desk = Desk::start(&plan, created(4, Limits::default()));
    let stubborn = |call: &CallId| match (call.purpose, call.step.as_str()) {
        (Purpose::Verdict, "parts[2]") => verdict(call, GateAnswer::Fail),
        _ => answer(call),
    };
    assert_eq!(rest(&mut desk, &stubborn), Outcome::Succeeded);
    assert_eq!(status(&desk, "parts[2]"), StepStatus::Failed);
    let told = summary(&plan, &desk.events);
    let item = told.step(&"parts[2]".into()).expect("it has begun");
    assert_eq!(item.review.as_ref().and_then(|review| review.stop), Some(Stop::Stagnating));
    assert_eq!(item.failure.as_ref().map(|why| why.class), Some(FailureClass::ReviewFailed));
    assert!(told.is_partial() && told.steps[0].items.expect("items").succeeded == 3);
}

#[test]
fn items_that_failed_after_their_drafts_go_on_from_there_and_take_their_turns() {
    let plan = plan(vec![for_each(reviewed("parts", &[]), Join::Any, Some(1))]);
    let mut desk = Desk::start(&plan, created(4, Limits::default()));
    let mute = |call: &CallId| match call.purpose {
        Purpose::Verdict => failed(FailureClass::Refused),
        Purpose::Draft => good(&call.to_string(), true),
        _ => answer(call),
    };
    assert_eq!(rest(&mut desk, &mute), Outcome::Failed(RunFailure::Step("parts".into())));
    let drafts = desk.calls_sent(Purpose::Draft);
    desk.crash(&plan);
    while let Some(order) = desk.orders.pop_front() {
        let ready = match &order {
            Effect::Prepare { call } => Some(prepare(&desk.run, call)),
            _ => None,
        };
        let mut passes = |call: &CallId, _| verdict(call, GateAnswer::Pass);
        desk.carry_out(order, &|_| ready.clone().expect("asked"), &mut passes);
        assert!(desk.run.in_flight() <= 1, "one item at a time");
    }
    assert_eq!(desk.outcome, Some(Outcome::Succeeded));
    assert_eq!(desk.calls_sent(Purpose::Draft), drafts, "no draft is bought again");
}

#[test]
fn what_is_decided_anew_is_judged_anew_under_new_numbers() {
    let plan = plan(vec![
        persona_step("a", &[]),
        for_each(
            with(reviewed("parts", &["a"]), |step| step.flow.when = When::Always),
            Join::All,
            Some(2),
        ),
    ]);
    let mut desk = Desk::start(&plan, created(4, Limits::default()));
    let first = |call: &CallId| match call.step.as_str() {
        "a" => failed(FailureClass::Refused),
        _ => answer(call),
    };
    assert_eq!(rest(&mut desk, &first), Outcome::Failed(RunFailure::Step("a".into())));
    desk.crash(&plan);
    let again = |call: &CallId| match call.purpose {
        Purpose::Verdict => verdict(call, GateAnswer::Pass),
        _ => good(&call.to_string(), true),
    };
    assert_eq!(rest(&mut desk, &again), Outcome::Succeeded);
    let calls = sent(&desk);
    let mut once: Vec<&String> = calls.iter().filter(|call| !call.starts_with("a#")).collect();
    once.sort_unstable();
    let all = once.len();
    once.dedup();
    assert_eq!(once.len(), all, "no id twice: {calls:?}");
    let told = summary(&plan, &desk.events);
    for item in told.instances_of(1) {
        let review = item.review.as_ref().expect("it is reviewed");
        assert_eq!((review.verdicts.len(), review.stop), (1, Some(Stop::Converged)));
    }
}

/// An approval in a group, one for each of four items, and a step for the case that something fails.
fn asked_for_each() -> Arc<Plan> {
    let group = Step { action: Action::Group, ..persona_step("group", &[]) };
    let inside = |step: Step| with(step, |step| step.flow.within = Some(StepPath::from("group")));
    plan(vec![
        for_each(group, Join::All, None),
        inside(persona_step("group/work", &[])),
        inside(approval("group/go", &["group/work"])),
        with(persona_step("after", &["group"]), |step| step.flow.when = When::Always),
    ])
}

#[test]
fn each_item_of_a_group_asks_for_itself_and_all_have_to_be_answered() {
    let plan = asked_for_each();
    let mut desk = Desk::start(&plan, created(4, Limits::default()));
    let fine = |call: &CallId| good(&call.to_string(), true);
    assert_eq!(rest(&mut desk, &fine), Outcome::Paused(PauseReason::AwaitingApproval));
    let told = summary(&plan, &desk.events);
    let asking: Vec<String> = told.awaiting_approval().map(|step| step.step.to_string()).collect();
    assert_eq!(asking, ["group[0]/go", "group[1]/go", "group[2]/go", "group[3]/go"]);
    for item in 0..4 {
        decide(&mut desk, &format!("group[{item}]/go"), true);
    }
    desk.crash(&plan);
    assert_eq!(rest(&mut desk, &fine), Outcome::Succeeded);
}

#[test]
fn a_no_at_rest_leaves_to_the_resume_what_is_there_for_failures() {
    let plan = asked_for_each();
    let mut desk = Desk::start(&plan, created(4, Limits::default()));
    let fine = |call: &CallId| good(&call.to_string(), true);
    rest(&mut desk, &fine);
    decide(&mut desk, "group[1]/go", false);
    assert_eq!(status(&desk, "group[1]/go"), StepStatus::Decided);
    desk.crash(&plan);
    let outcome = rest(&mut desk, &fine);
    assert_eq!(outcome, Outcome::Failed(RunFailure::Step("group[1]/go".into())));
    assert_eq!(status(&desk, "group"), StepStatus::Failed);
    assert_eq!(sent_by(&desk, "after"), ["draft.1"], "it runs whatever became of the group");
    // The next resume asks again, and what ran because of the no is decided anew.
    desk.crash(&plan);
    assert_eq!(rest(&mut desk, &fine), Outcome::Paused(PauseReason::AwaitingApproval));
    assert_eq!(status(&desk, "group[1]/go"), StepStatus::Asking);
    assert_eq!(status(&desk, "after"), StepStatus::Blocked);
}
