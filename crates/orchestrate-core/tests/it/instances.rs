//! What a summary knows of instances, and what it costs to keep it.

use std::sync::Arc;

use orchestrate_core::{
    Timestamp,
    event::{Event, Recorded, SkipReason, StepSource},
    flow::{ForEach, Join, ListSource},
    ids::{Digest, StepPath},
    plan::{Action, Plan, Step},
    summary::{ItemCounts, RunSummary, StepState},
};

use crate::support::{persona_step, plan};

fn each(mut step: Step) -> Step {
    let list = ListSource::Expression("a list".into());
    step.flow.each =
        Some(ForEach { list, name: "item".into(), max_parallel: None, join: Join::Settled });
    step
}

/// A group with two steps, of which the second is a fan-out itself, for each item of a list.
fn nested() -> Arc<Plan> {
    let within = |mut step: Step| {
        step.flow.within = Some("outer".into());
        step
    };
    plan(vec![
        Step { action: Action::Group, ..each(persona_step("outer", &[])) },
        within(persona_step("outer/one", &[])),
        within(each(persona_step("outer/many", &["outer/one"]))),
    ])
}

fn tell(summary: &mut RunSummary, event: Event) {
    summary.apply(&Recorded { seq: 1, at: Timestamp(1), event });
}

fn found(step: &str, count: usize) -> Event {
    Event::ItemsFound { step: step.into(), count, list: Digest::of("list") }
}

fn opened(step: String) -> Event {
    Event::GroupOpened { step: StepPath::new(step), inputs: None }
}

fn skipped(step: String) -> Event {
    Event::StepSkipped { step: StepPath::new(step), reason: SkipReason::Condition }
}

fn succeeded(step: String) -> Event {
    Event::StepSucceeded {
        step: StepPath::new(step),
        source: StepSource::Call,
        deliverable: Digest::of("text"),
        brief: None,
        output: None,
    }
}

#[test]
fn instances_stand_in_the_order_of_the_items_whatever_happened_first() {
    let mut summary = RunSummary::new(nested());
    tell(&mut summary, found("outer", 11));
    for item in [10, 2, 0] {
        tell(&mut summary, opened(format!("outer[{item}]")));
        tell(&mut summary, skipped(format!("outer[{item}]/one")));
        tell(&mut summary, found(&format!("outer[{item}]/many"), 2));
        tell(&mut summary, succeeded(format!("outer[{item}]/many[1]")));
    }
    let paths = |at| {
        let told = summary.instances_of(at).map(|told| told.step.as_str().to_owned());
        told.collect::<Vec<_>>()
    };
    assert_eq!(paths(0), ["outer[0]", "outer[2]", "outer[10]"]);
    assert_eq!(paths(1), ["outer[0]/one", "outer[2]/one", "outer[10]/one"]);
    // A fan-out in an item is no item.
    assert_eq!(paths(2), ["outer[0]/many[1]", "outer[2]/many[1]", "outer[10]/many[1]"]);
}

#[test]
fn a_step_of_an_item_that_is_decided_anew_takes_nothing_from_the_others() {
    let mut summary = RunSummary::new(nested());
    tell(&mut summary, found("outer", 2));
    for item in 0..2 {
        tell(&mut summary, opened(format!("outer[{item}]")));
        tell(&mut summary, skipped(format!("outer[{item}]/one")));
        tell(&mut summary, found(&format!("outer[{item}]/many"), 3));
        tell(&mut summary, succeeded(format!("outer[{item}]/many[0]")));
    }
    tell(&mut summary, Event::StepWithdrawn { step: "outer[0]/one".into() });
    tell(&mut summary, Event::StepWithdrawn { step: "outer[0]/many".into() });
    let counts = |at: usize| summary.steps[at].items.unwrap_or_default();
    assert_eq!(counts(0), ItemCounts { found: 2, ..ItemCounts::default() });
    assert_eq!(counts(1), ItemCounts { found: 2, skipped: 1, ..ItemCounts::default() });
    assert_eq!(counts(2), ItemCounts { found: 3, succeeded: 1, ..ItemCounts::default() });
    assert_eq!(summary.instances_of(2).count(), 1);
    assert_eq!(summary.step(&"outer[0]/many[0]".into()), None);

    tell(&mut summary, Event::StepWithdrawn { step: "outer".into() });
    assert_eq!(summary.instances().count(), 0);
    assert!(summary.steps.iter().all(|row| row.items.is_none()));
    assert!(summary.steps.iter().all(|row| row.state == StepState::Waiting));
}

/// What it costs to fold the ends of `count` steps, and then one step that is decided anew in each of as
/// many items.
fn touches(count: usize) -> u64 {
    let single = (0..count).map(|at| persona_step(&format!("s{at}"), &[]));
    let mut steps: Vec<Step> = nested().steps().to_vec();
    steps.extend(single);
    let mut summary = RunSummary::new(plan(steps));
    tell(&mut summary, found("outer", count));
    for at in 0..count {
        tell(&mut summary, succeeded(format!("s{at}")));
        tell(&mut summary, opened(format!("outer[{at}]")));
        tell(&mut summary, found(&format!("outer[{at}]/many"), 2));
        tell(&mut summary, succeeded(format!("outer[{at}]/many[0]")));
    }
    for at in 0..count {
        let step = StepPath::new(format!("outer[{at}]/many"));
        tell(&mut summary, Event::StepWithdrawn { step });
    }
    summary.touches()
}

#[test]
fn folding_an_event_looks_at_what_it_speaks_of_and_not_at_the_whole_run() {
    let (small, large) = (touches(10), touches(1_000));
    assert!(small > 0);
    assert!(large <= 100 * small, "{large} against {small}");
}
