//! The rules of conditions, needs that did not succeed, fans-out and groups, one each.

use std::sync::Arc;

use orchestrate_core::{
    event::{Event, PauseReason, RunFailure, SkipReason},
    failure::{Failure, FailureClass},
    flow::{ForEach, Join, ListSource, When},
    ids::{CallId, Digest},
    plan::{Action, Plan, Step},
    policy::Limits,
    run::{AttemptOutcome, Effect, Input, Outcome, Prepared, Run, StepStatus},
};

use crate::support::{Desk, called_workflow, created, failed, good, persona_step, plan, prepared};

fn with(mut step: Step, change: impl FnOnce(&mut Step)) -> Step {
    change(&mut step);
    step
}

fn each(join: Join, max_parallel: Option<u32>) -> ForEach {
    let list = ListSource::Expression("a list".into());
    ForEach { list, name: "item".into(), max_parallel, join }
}

/// A run in memory: `skip` names the steps whose condition is false, `count` the items of every fan-out.
struct Play<'p> {
    plan: &'p Arc<Plan>,
    desk: Desk,
    skip: &'p [&'p str],
    count: usize,
    asked: Vec<String>,
}

impl<'p> Play<'p> {
    fn new(plan: &'p Arc<Plan>, concurrency: u32) -> Self {
        let desk = Desk::start(plan, created(concurrency, Limits::default()));
        Self { plan, desk, skip: &[], count: 3, asked: vec![] }
    }

    fn answer(&self, call: &CallId) -> Prepared {
        let run = &self.desk.run;
        let instance = run.instance(&call.step).expect("it is there");
        let step = &run.plan().steps()[run.position_of(instance)];
        if run.is_joining(instance) {
            Prepared::Joined { deliverable: Digest::of("joined"), brief: None, output: None }
        } else if self.skip.contains(&call.step.as_str()) {
            Prepared::Skipped(SkipReason::Condition)
        } else if step.flow.each.is_some() && run.item(instance).is_none() {
            Prepared::Items { count: self.count, list: Digest::of("list") }
        } else if matches!(step.action, Action::Group) {
            Prepared::Group { inputs: None }
        } else if matches!(step.action, Action::Workflow(_)) {
            Prepared::Group { inputs: Some(Digest::of(call.step.as_str())) }
        } else {
            prepared(&call.to_string(), 10)
        }
    }

    fn one(&mut self, order: Effect, outcome: &dyn Fn(&str) -> AttemptOutcome) {
        let prepared = match &order {
            Effect::Prepare { call } => Some(self.answer(call)),
            _ => None,
        };
        let asked = &mut self.asked;
        self.desk.carry_out(order, &|_| prepared.clone().expect("asked"), &mut |call, _| {
            asked.push(call.step.to_string());
            outcome(call.step.as_str())
        });
    }

    fn rest(&mut self, outcome: &dyn Fn(&str) -> AttemptOutcome) -> Outcome {
        while let Some(order) = self.desk.orders.pop_front() {
            self.one(order, outcome);
        }
        self.desk.outcome.clone().expect("the run came to rest")
    }

    fn resume(&mut self, outcome: &dyn Fn(&str) -> AttemptOutcome) -> Outcome {
        self.asked.clear();
        self.desk.crash(self.plan);
        self.rest(outcome)
    }

    fn status(&self, path: &str) -> StepStatus {
        self.desk.run.status(self.desk.run.instance(&path.into()).expect("it is there"))
    }

    fn skipped(&self) -> Vec<(String, SkipReason)> {
        let events = self.desk.events.iter();
        events
            .filter_map(|event| match event {
                Event::StepSkipped { step, reason } => Some((step.to_string(), reason.clone())),
                _ => None,
            })
            .collect()
    }
}

fn fine(step: &str) -> AttemptOutcome {
    good(step, true)
}

fn refuses<'n>(bad: &'n [&'n str]) -> impl Fn(&str) -> AttemptOutcome + 'n {
    move |step| if bad.contains(&step) { failed(FailureClass::Refused) } else { fine(step) }
}

#[test]
fn a_skipped_step_skips_those_that_need_it_and_names_the_chain() {
    let plan = plan(vec![
        persona_step("a", &[]),
        persona_step("b", &["a"]),
        persona_step("c", &["b"]),
        with(persona_step("d", &["c", "a"]), |step| step.flow.when = When::Any),
        with(persona_step("e", &["c"]), |step| step.flow.when = When::Any),
        with(persona_step("f", &["c"]), |step| step.flow.when = When::Always),
    ]);
    let mut acted = Play { skip: &["b"], ..Play::new(&plan, 1) };
    assert_eq!(acted.rest(&fine), Outcome::Succeeded);
    assert_eq!(
        acted.skipped(),
        [
            ("b".to_owned(), SkipReason::Condition),
            ("c".to_owned(), SkipReason::Need("b".into())),
            ("e".to_owned(), SkipReason::NoneSucceeded),
        ]
    );
    assert_eq!(acted.asked, ["a", "d", "f"]);
}

#[test]
fn a_condition_that_cannot_be_evaluated_fails_the_step_and_never_skips_it() {
    let plan = plan(vec![persona_step("a", &[])]);
    let mut desk = Desk::start(&plan, created(1, Limits::default()));
    let broken = Failure::new(FailureClass::Preparation, "`if: x` is without a value");
    let outcome =
        desk.run_to_rest(&|_| Prepared::Invalid(broken.clone()), &mut |_, _| unreachable!());
    assert_eq!(outcome, Outcome::Failed(RunFailure::Step("a".into())));
}

#[test]
fn after_a_failure_only_what_is_there_for_failures_begins() {
    // `other` waits in the queue when `a` fails; `clean` waits for nobody else; `note` needs what cannot
    // come any more; `late` needs a step that had not begun.
    let plan = plan(vec![
        persona_step("a", &[]),
        persona_step("b", &["a"]),
        persona_step("other", &[]),
        with(persona_step("clean", &["a"]), |step| step.flow.when = When::Always),
        with(persona_step("note", &["b"]), |step| step.flow.when = When::Always),
        with(persona_step("late", &["a", "other"]), |step| step.flow.when = When::Always),
        persona_step("after", &["clean"]),
    ]);
    let mut acted = Play::new(&plan, 1);
    let outcome = acted.rest(&refuses(&["a"]));
    assert_eq!(
        outcome,
        Outcome::Failed(RunFailure::Step("a".into())),
        "it is a failed run all the same"
    );
    assert_eq!(acted.asked, ["a", "clean", "note", "after"]);
    assert_eq!(acted.status("b"), StepStatus::Blocked);
    assert_eq!(acted.status("late"), StepStatus::Blocked);
}

/// A failed step, one that is there for failures and is in flight, and one that would come after it.
fn with_an_aftermath() -> Arc<Plan> {
    plan(vec![
        persona_step("a", &[]),
        with(persona_step("clean", &["a"]), |step| step.flow.when = When::Always),
        persona_step("after", &["clean"]),
    ])
}

#[test]
fn an_interrupt_ends_what_is_there_for_failures_too_and_the_run_says_so() {
    let plan = with_an_aftermath();
    let mut acted = Play::new(&plan, 1);
    let fails = refuses(&["a"]);
    while acted.asked.is_empty() || acted.desk.orders.is_empty() {
        let order = acted.desk.orders.pop_front().expect("an order");
        acted.one(order, &fails);
    }
    let prepare = acted.desk.orders.pop_front().expect("clean is prepared");
    acted.one(prepare, &fails);
    let start = acted.desk.orders.pop_front().expect("clean is in flight");
    acted.desk.tell(Input::Interrupt);
    assert_eq!(acted.desk.outcome, None, "a call is in flight");
    acted.one(start, &fails);
    assert_eq!(acted.rest(&fails), Outcome::Paused(PauseReason::Interrupted));
    assert_eq!(acted.asked, ["a", "clean"], "nothing new was begun");
    assert_eq!(acted.resume(&fine), Outcome::Succeeded);
    assert_eq!(acted.asked[0], "a", "what failed is tried again");
}

#[test]
fn an_abort_while_a_failure_is_cleaned_up_is_an_interruption() {
    let plan = with_an_aftermath();
    let mut acted = Play::new(&plan, 1);
    let fails = refuses(&["a"]);
    for _ in 0..3 {
        let order = acted.desk.orders.pop_front().expect("an order");
        acted.one(order, &fails);
    }
    assert_eq!(acted.asked, ["a"]);
    let start = acted.desk.orders.pop_front().expect("clean is in flight");
    acted.desk.tell(Input::Abort);
    assert_eq!(acted.desk.outcome, Some(Outcome::Paused(PauseReason::Interrupted)));
    acted.one(start, &fails);
    assert_eq!(acted.resume(&fine), Outcome::Succeeded);
}

#[test]
fn a_resumed_failure_opens_again_what_was_decided_on_it() {
    let plan = plan(vec![
        persona_step("a", &[]),
        persona_step("done", &[]),
        with(persona_step("clean", &["a"]), |step| step.flow.when = When::Always),
        with(persona_step("either", &["a"]), |step| step.flow.when = When::Any),
        persona_step("after", &["clean"]),
        with(persona_step("keeps", &["done"]), |step| step.flow.when = When::Always),
    ]);
    let mut acted = Play::new(&plan, 3);
    acted.rest(&refuses(&["a"]));
    assert_eq!(acted.skipped(), [("either".to_owned(), SkipReason::NoneSucceeded)]);
    assert_eq!(acted.status("clean"), StepStatus::Succeeded);
    assert_eq!(acted.resume(&fine), Outcome::Succeeded);
    acted.asked.sort();
    let again: Vec<&str> = acted.asked.iter().map(String::as_str).collect();
    assert!(["a", "after", "clean", "either"].iter().all(|step| again.contains(step)), "{again:?}");
    assert!(!again.contains(&"done"), "what did not rest on the failure is kept: {again:?}");
    let withdrawn = acted.desk.kinds().iter().filter(|kind| **kind == "step_withdrawn").count();
    assert_eq!(withdrawn, 3, "clean, either and after");
    let numbers: Vec<String> = acted
        .desk
        .events
        .iter()
        .filter_map(|event| match event {
            Event::CallSucceeded { call, .. } if call.step.as_str() == "clean" => {
                Some(call.to_string())
            }
            _ => None,
        })
        .collect();
    assert_eq!(numbers, ["clean#draft.1", "clean#draft.2"], "no call has two answers");
}

#[test]
fn items_run_as_many_at_a_time_as_allowed_and_their_documents_are_joined() {
    let plan = plan(vec![
        with(persona_step("files", &[]), |step| step.flow.each = Some(each(Join::All, Some(2)))),
        persona_step("report", &["files"]),
    ]);
    let mut acted = Play { count: 5, ..Play::new(&plan, 10) };
    let mut most = 0;
    while let Some(order) = acted.desk.orders.pop_front() {
        acted.one(order, &fine);
        most = most.max(acted.desk.run.in_flight());
    }
    assert_eq!(most, 2);
    assert_eq!(acted.asked, ["files[0]", "files[1]", "files[2]", "files[3]", "files[4]", "report"]);
    assert_eq!(acted.status("files"), StepStatus::Succeeded);
    assert_eq!(acted.desk.outcome, Some(Outcome::Succeeded));
}

#[test]
fn with_all_the_first_failed_item_fails_the_step_and_a_resume_makes_the_missing_ones_only() {
    let plan = plan(vec![
        with(persona_step("files", &[]), |step| step.flow.each = Some(each(Join::All, Some(1)))),
        with(persona_step("clean", &["files"]), |step| step.flow.when = When::Always),
    ]);
    let mut acted = Play { count: 4, ..Play::new(&plan, 4) };
    let outcome = acted.rest(&refuses(&["files[1]"]));
    assert_eq!(outcome, Outcome::Failed(RunFailure::Step("files[1]".into())));
    assert_eq!(acted.asked, ["files[0]", "files[1]", "clean"]);
    assert_eq!(acted.status("files"), StepStatus::Failed);
    assert_eq!(acted.resume(&fine), Outcome::Succeeded);
    assert_eq!(acted.asked, ["files[1]", "files[2]", "files[3]", "clean"]);
}

#[test]
fn with_any_one_good_item_is_enough_and_with_settled_none() {
    for (join, good_items, expected) in [
        (Join::Any, 1, StepStatus::Succeeded),
        (Join::Any, 0, StepStatus::Failed),
        (Join::Settled, 0, StepStatus::Succeeded),
    ] {
        let plan = plan(vec![with(persona_step("files", &[]), |step| {
            step.flow.each = Some(each(join, None));
        })]);
        let mut acted = Play::new(&plan, 4);
        let bad = ["files[0]", "files[1]", "files[2]"];
        acted.rest(&refuses(&bad[good_items..]));
        assert_eq!(acted.status("files"), expected, "{join:?} with {good_items} good");
        assert_eq!(acted.asked.len(), 3, "every item is tried");
    }
}

#[test]
fn an_empty_list_is_nothing_to_do_and_no_success_where_one_is_wanted() {
    for (join, expected) in [
        (Join::All, StepStatus::Succeeded),
        (Join::Settled, StepStatus::Succeeded),
        (Join::Any, StepStatus::Failed),
    ] {
        let plan = plan(vec![with(persona_step("files", &[]), |step| {
            step.flow.each = Some(each(join, None));
        })]);
        let mut acted = Play { count: 0, ..Play::new(&plan, 4) };
        acted.rest(&fine);
        assert_eq!(acted.status("files"), expected, "{join:?}");
    }
}

/// A workflow that calls another one twice over: each item of `outer` calls what calls `inner`.
fn calling() -> Arc<Plan> {
    let call = || called_workflow();
    let within = |id: &str, needs: &[&str], group: &str| {
        with(persona_step(id, needs), |step| step.flow.within = Some(group.into()))
    };
    plan(vec![
        persona_step("data", &[]),
        with(persona_step("outer", &["data"]), |step| {
            step.action = call();
            step.flow.each = Some(each(Join::Settled, None));
        }),
        within("outer/first", &[], "outer"),
        with(within("outer/inner", &["outer/first"], "outer"), |step| step.action = call()),
        within("outer/inner/x", &[], "outer/inner"),
        within("outer/inner/y", &["outer/inner/x"], "outer/inner"),
        persona_step("report", &["outer"]),
    ])
}

#[test]
fn the_steps_of_a_called_workflow_know_what_it_was_called_with_after_a_crash_too() {
    let plan = calling();
    assert_eq!((plan.caller(4), plan.caller(3), plan.caller(1)), (Some(3), Some(1), None));
    let mut acted = Play { count: 2, ..Play::new(&plan, 1) };
    let whole = acted.rest(&refuses(&["outer[1]/inner/y"]));
    assert_eq!(whole, Outcome::Succeeded);
    let opened = |events: &[Event]| {
        let found = events.iter().filter_map(|event| match event {
            Event::GroupOpened { step, inputs } => Some((step.to_string(), *inputs)),
            _ => None,
        });
        found.collect::<Vec<_>>()
    };
    let calls = ["outer[0]", "outer[0]/inner", "outer[1]", "outer[1]/inner"];
    let mut found = opened(&acted.desk.events);
    found.sort();
    assert_eq!(found, calls.map(|call| (call.to_owned(), Some(Digest::of(call)))));
    let replayed = Run::replay(
        Arc::clone(&plan),
        acted.desk.events.iter().map(|event| (orchestrate_core::Timestamp(0), event)),
    )
    .expect("it replays");
    for (step, call) in [
        ("outer[1]/inner/x", Some("outer[1]/inner")),
        ("outer[1]/inner", Some("outer[1]")),
        ("outer[0]/first", Some("outer[0]")),
        ("outer[0]", None),
        ("report", None),
    ] {
        let instance = replayed.instance(&step.into()).expect("it is there");
        let caller = replayed.caller(instance);
        assert_eq!(caller.map(|caller| replayed.path(caller).as_str()), call, "{step}");
        let inputs = caller.and_then(|caller| replayed.inputs(caller));
        assert_eq!(inputs, call.map(Digest::of), "{step}");
    }
}

#[test]
fn a_crash_inside_a_called_workflow_asks_for_nothing_twice() {
    let plan = calling();
    let mut acted = Play { count: 2, ..Play::new(&plan, 1) };
    // Until the first `y` is asked, and no further.
    while !acted.asked.iter().any(|step| step == "outer[0]/inner/y") {
        let order = acted.desk.orders.pop_front().expect("there is more to do");
        acted.one(order, &fine);
    }
    let before = acted.asked.clone();
    assert_eq!(acted.resume(&fine), Outcome::Succeeded);
    let twice: Vec<&String> = acted.asked.iter().filter(|step| before.contains(step)).collect();
    assert!(twice.is_empty(), "{twice:?}");
    let opened = acted.desk.events.iter().filter(|event| event.kind() == "group_opened").count();
    assert_eq!(opened, 4, "what a call was given is evaluated once");
}

fn nested() -> Arc<Plan> {
    plan(vec![
        with(persona_step("outer", &[]), |step| {
            step.action = Action::Group;
            step.flow.each = Some(each(Join::Settled, None));
        }),
        with(persona_step("outer/plan", &[]), |step| step.flow.within = Some("outer".into())),
        with(persona_step("outer/inner", &["outer/plan"]), |step| {
            step.flow.within = Some("outer".into());
            step.flow.each = Some(each(Join::All, None));
        }),
        persona_step("report", &["outer"]),
    ])
}

#[test]
fn items_of_items_have_paths_of_their_own_and_a_settled_failure_is_kept() {
    let plan = nested();
    let mut acted = Play { count: 2, ..Play::new(&plan, 1) };
    assert_eq!(acted.rest(&refuses(&["outer[0]/inner[1]"])), Outcome::Succeeded);
    assert_eq!(
        acted.asked,
        [
            "outer[0]/plan",
            "outer[0]/inner[0]",
            "outer[0]/inner[1]",
            "outer[1]/plan",
            "outer[1]/inner[0]",
            "outer[1]/inner[1]",
            "report"
        ]
    );
    assert_eq!(acted.status("outer[0]"), StepStatus::Failed);
    assert_eq!(acted.status("outer[0]/inner"), StepStatus::Failed);
    assert_eq!(acted.status("outer[1]"), StepStatus::Succeeded);
    assert_eq!(acted.status("outer"), StepStatus::Succeeded);
}

#[test]
fn a_run_is_killed_between_items_and_goes_on_with_the_missing_ones() {
    let plan = nested();
    let mut acted = Play { count: 2, ..Play::new(&plan, 1) };
    while acted.asked.len() < 3 {
        let order = acted.desk.orders.pop_front().expect("an order");
        acted.one(order, &fine);
    }
    assert_eq!(acted.resume(&fine), Outcome::Succeeded);
    assert_eq!(acted.asked, ["outer[1]/plan", "outer[1]/inner[0]", "outer[1]/inner[1]", "report"]);
}

#[test]
fn items_that_are_tried_again_after_a_resume_wait_for_those_under_way() {
    let group = with(persona_step("g", &[]), |step| {
        step.action = Action::Group;
        step.flow.each = Some(each(Join::Any, Some(1)));
    });
    let member = with(persona_step("g/a", &[]), |step| step.flow.within = Some("g".into()));
    let whole = plan(vec![group, member]);
    let mut play = Play::new(&whole, 4);
    // The first item fails; the process dies while the second one is asked.
    while let Some(order) = play.desk.orders.pop_front() {
        if matches!(&order, Effect::StartAttempt { call, .. } if call.step.as_str() == "g[1]/a") {
            break;
        }
        play.one(order, &refuses(&["g[0]/a"]));
    }
    play.desk.crash(&whole);
    for expected in ["g[0]/a", "g[1]/a", "g[2]/a"] {
        let order = loop {
            let order = play.desk.orders.pop_front().expect("an order");
            if matches!(order, Effect::StartAttempt { .. }) {
                break order;
            }
            play.one(order, &fine);
        };
        let Effect::StartAttempt { call, .. } = &order else { panic!("an attempt") };
        assert_eq!((call.step.as_str(), play.desk.run.in_flight()), (expected, 1));
        play.one(order, &fine);
    }
    assert_eq!(play.rest(&fine), Outcome::Succeeded);
}

#[test]
fn the_cost_of_deciding_grows_with_the_items_and_no_faster() {
    let cost = |count: usize| {
        let plan = plan(vec![
            with(persona_step("files", &[]), |step| {
                step.flow.each = Some(each(Join::Settled, Some(16)));
            }),
            persona_step("report", &["files"]),
        ]);
        let mut acted = Play { count, ..Play::new(&plan, 8) };
        assert_eq!(acted.rest(&fine), Outcome::Succeeded);
        acted.desk.run.touches()
    };
    let (thousand, ten_thousand) = (cost(1_000), cost(10_000));
    assert!(
        ten_thousand <= 10 * thousand + 100,
        "{thousand} for 1,000 items, {ten_thousand} for 10,000"
    );
    assert!(ten_thousand <= 10 * 10_000, "{ten_thousand} touches for 10,000 items");
}

#[test]
fn a_list_that_would_make_the_run_too_large_fails_its_step() {
    let plan = plan(vec![with(persona_step("files", &[]), |step| {
        step.flow.each = Some(each(Join::All, None));
    })]);
    let mut acted = Play { count: 100_001, ..Play::new(&plan, 4) };
    assert_eq!(acted.rest(&fine), Outcome::Failed(RunFailure::Step("files".into())));
    assert!(acted.desk.run.instances() < 10);
}

#[test]
fn replaying_the_events_of_a_fan_out_gives_the_same_instances() {
    let plan = nested();
    let mut acted = Play { count: 3, ..Play::new(&plan, 2) };
    acted.rest(&fine);
    let run =
        Run::replay(Arc::clone(&plan), crate::support::timed(&acted.desk.events)).expect("folds");
    assert_eq!(run.instances(), acted.desk.run.instances());
    assert_eq!(run.path(run.instances() - 1), acted.desk.run.path(run.instances() - 1));
}
