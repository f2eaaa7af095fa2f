//! What was handed on through fans-out, groups and called workflows.

use indexmap::IndexMap;
use orchestrate_core::{
    called::WorkflowStep,
    event::Event,
    flow::{ForEach, Join, ListSource},
    handoff::Pass,
    ids::Digest,
    plan::{Action, Plan, Step},
};
use orchestrate_report::{coverage_line, json, report_markdown};
use serde_json::Value;

use super::fixture::{Journal, persona, plan, step};

const WRITER: &str = "data-engineer";

fn within(group: &str, mut step: Step) -> Step {
    step.flow.within = Some(group.into());
    step
}

fn each(mut step: Step) -> Step {
    step.flow.each = Some(ForEach {
        list: ListSource::Expression("inputs.parts".into()),
        name: "part".into(),
        max_parallel: None,
        join: Join::Settled,
    });
    step
}

fn found(journal: &mut Journal, step: &str, count: usize) {
    journal.push(Event::ItemsFound { step: step.into(), count, list: Digest::of("[]") });
}

fn opened(journal: &mut Journal, step: &str) {
    journal.push(Event::GroupOpened { step: step.into(), inputs: None });
}

fn write(journal: &mut Journal, step: &str, text: &str, brief: Option<&str>) {
    journal.prepare(step, WRITER, None, &[]);
    journal.intent(step, 1);
    journal.answer(step, 1, text, brief);
}

fn rule(text: &str) -> String {
    format!(r#"{{"constraints":["{text}"]}}"#)
}

/// `from → to: kept of checked in handoffs` for every edge.
fn told(journal: &Journal) -> Vec<String> {
    let Value::Array(edges) = journal.report(json)["coverage"].take() else { panic!("no list") };
    let line = |edge: &Value| {
        format!(
            "{} → {}: {} kept, {} not, {}",
            edge["from"].as_str().unwrap_or_default(),
            edge["to"].as_str().unwrap_or_default(),
            edge["kept"],
            edge["not_mentioned"],
            edge["handoffs"]
        )
    };
    edges.iter().map(line).collect()
}

fn handed_on(journal: &Journal) -> String {
    let report = journal.report(report_markdown);
    let (_, section) = report.split_once("## Handed on\n").expect("a section");
    let (_, list) = section.split_once("other words.\n\n").expect("what was compared");
    list.split("\n\n## ").next().unwrap_or_default().trim_end().to_owned()
}

/// A plan, what each chapter's writer needs, and who puts them together.
fn chapters() -> Plan {
    plan(
        "book",
        vec![
            step("data", &[], persona(WRITER)),
            each(step("chapters", &["data"], persona(WRITER))),
            step("whole", &["chapters"], persona(WRITER)),
        ],
    )
}

#[test]
fn every_item_is_held_against_what_it_got_and_gave_and_the_worst_are_told() {
    let mut journal = Journal::new(chapters());
    journal.start();
    write(&mut journal, "data", "Data.", Some(&rule("Postgres stores every event")));
    found(&mut journal, "chapters", 5);
    for at in 0..5 {
        let text = if at == 3 { "Nothing." } else { "Postgres stores every event." };
        let own = rule(&format!("chapter{at} needs review"));
        write(&mut journal, &format!("chapters[{at}]"), text, Some(&own));
    }
    journal.render("chapters", "All.");
    write(&mut journal, "whole", "Chapter0 needs review.\n\nAlso chapter4 needs review.", None);
    journal.push(Event::RunSucceeded);
    assert_eq!(
        told(&journal),
        ["data → chapters: 4 kept, 1 not, 5", "chapters → whole: 2 kept, 3 not, 5"]
    );
    insta::assert_snapshot!(handed_on(&journal), @"
    - `data` → `chapters`: 4 of 5 found in 5 handoffs
      - `data` → `chapters[3]`: 0 of 1
        - constraint not mentioned: Postgres stores every event
    - `chapters` → `whole`: 2 of 5 found in 5 handoffs
      - `chapters[1]` → `whole`: 0 of 1
        - constraint not mentioned: chapter1 needs review
      - `chapters[2]` → `whole`: 0 of 1
        - constraint not mentioned: chapter2 needs review
      - `chapters[3]` → `whole`: 0 of 1
        - constraint not mentioned: chapter3 needs review
    ");
    let line = journal.report(coverage_line).expect("something is missing");
    assert_eq!(
        line,
        "handed  4 of 10 brief entries not mentioned: data → chapters, chapters → whole"
    );
    let told = journal.report(json);
    let entries = told["coverage"][0]["entries"].as_array().expect("a list");
    assert_eq!((&entries[0]["from"], &entries[0]["to"]), (&"data".into(), &"chapters[3]".into()));
}

#[test]
fn groups_and_called_workflows_hand_on_what_their_last_steps_wrote() {
    let called = Action::Workflow(Box::new(WorkflowStep {
        workflow: "inner".into(),
        inputs: IndexMap::new(),
        with: IndexMap::new(),
        outputs: IndexMap::new(),
        output: None,
    }));
    let steps = vec![
        step("data", &[], persona(WRITER)),
        each(step("parts", &["data"], Action::Group)),
        within("parts", step("parts/draft", &[], persona(WRITER))),
        within("parts", step("parts/check", &["draft"], persona(WRITER))),
        step("design", &["parts"], called),
        within("design", step("design/first", &[], persona(WRITER))),
        within("design", step("design/last", &["first"], persona(WRITER))),
        step("whole", &["design"], persona(WRITER)),
    ];
    let steps = steps.into_iter().map(|mut step| {
        for need in &mut step.needs {
            if let Some(group) = &step.flow.within {
                need.step = group.member(need.step.as_str());
            }
        }
        step
    });
    let mut journal = Journal::new(plan("book", steps.collect()));
    journal.start();
    write(&mut journal, "data", "Data.", Some(&rule("alpha holds")));
    found(&mut journal, "parts", 2);
    for at in 0..2 {
        opened(&mut journal, &format!("parts[{at}]"));
        write(
            &mut journal,
            &format!("parts[{at}]/draft"),
            "Alpha holds.",
            Some(&rule("beta holds")),
        );
        write(
            &mut journal,
            &format!("parts[{at}]/check"),
            "Beta holds.",
            Some(&rule("gamma holds")),
        );
        journal.render(&format!("parts[{at}]"), "One.");
    }
    journal.render("parts", "Both.");
    opened(&mut journal, "design");
    write(&mut journal, "design/first", "Gamma holds.", Some(&rule("delta holds")));
    write(&mut journal, "design/last", "No.", Some(&rule("omega holds")));
    journal.render("design", "Design.");
    write(&mut journal, "whole", "Omega holds.", None);
    journal.push(Event::RunSucceeded);
    assert_eq!(
        told(&journal),
        [
            "data → parts/draft: 2 kept, 0 not, 2",
            "parts/draft → parts/check: 2 kept, 0 not, 2",
            "parts/check → design/first: 2 kept, 0 not, 2",
            "design/first → design/last: 0 kept, 1 not, 1",
            "design/last → whole: 1 kept, 0 not, 1",
        ]
    );
}

#[test]
fn an_edge_that_is_an_order_alone_hands_nothing_on() {
    let mut apart = step("whole", &["chapters"], persona(WRITER));
    apart.needs[0].pass = Pass::None;
    let mut journal =
        Journal::new(plan("book", vec![each(step("chapters", &[], persona(WRITER))), apart]));
    journal.start();
    found(&mut journal, "chapters", 1);
    write(&mut journal, "chapters[0]", "One.", Some(&rule("alpha holds")));
    journal.render("chapters", "One.");
    write(&mut journal, "whole", "No.", None);
    assert_eq!(told(&journal), [""; 0]);
}

#[test]
fn ten_thousand_items_make_a_short_report_and_what_is_not_looked_at_is_counted() {
    let mut journal = Journal::new(chapters());
    journal.start();
    found(&mut journal, "chapters", 10_000);
    for at in 0..10_000 {
        // The same words in every brief: each has many paragraphs to be held against.
        let own = rule(&format!("chapter number{at} wants review"));
        write(&mut journal, &format!("chapters[{at}]"), "One.", Some(&own));
    }
    journal.render("chapters", "All.");
    let paragraphs = "A chapter wants an index and a review.\n\n".repeat(300);
    write(&mut journal, "whole", &paragraphs, None);
    journal.push(Event::RunSucceeded);
    let told = handed_on(&journal);
    assert!(told.lines().count() < 20, "{told}");
    let edge = journal.report(json)["coverage"][0].take();
    let number = |name: &str| edge[name].as_u64().expect("a number");
    assert_eq!(number("handoffs") + number("unread"), 10_000);
    assert!(number("unread") > 1_000 && number("handoffs") > 100, "{edge}");
    assert!(told.contains("not looked at"), "{told}");
    assert!(edge["entries"].as_array().is_some_and(|entries| entries.len() == 3));
}
