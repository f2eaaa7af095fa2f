//! Comparing personas field by field.

use std::fmt::Write as _;

use orchestrate_core::{diagnostic::Source, persona::Persona};
use orchestrate_persona::{diff, read};

use super::library;

fn persona(text: &str) -> Persona {
    read(&Source::new("tester.md", text)).0.expect("sound")
}

/// A difference on one line per field and change.
fn shown(from: &Persona, to: &Persona) -> String {
    diff(from, to).fields.iter().fold(String::new(), |mut text, field| {
        let _ = writeln!(text, "{}: {:?}", field.field, field.change);
        text
    })
}

const ONE: &str = "\
---
name: tester
description: Tests things. Use when in doubt.
tags: [a, b, c]
capabilities: [x, x]
gates:
  - { id: proof, check: Proved }
  - { id: cost, check: Cheap, by: human }
metrics:
  - { id: speed, text: Fast, name: speed, op: \"<\", value: 1.5, unit: ms }
collaborates_with: [{ persona: other, for: things }]
---
You are one. You test. You stop.

## Work
- 1
- 2
- 3
- 4
- 5
- 6
- 7

## Gone
text

## Limits
- none
";

const TWO: &str = "\
---
name: tester
title: A Tester
description: Tests things. Use when in doubt.
tags: [c, b, d]
capabilities: [x]
gates:
  - { id: proof, check: Proved, required: false }
  - { id: style, check: Short, by: command }
metrics:
  - { id: speed, text: Fast, name: speed, op: \"<\", value: 2, unit: ms }
collaborates_with: [{ persona: other }]
---
You are one. You probe. You stop.

## Limits
- none

## Work
- 1
- 2
- 3
- 4
- 5
- six
- 7

## New
";

#[test]
fn what_changed_is_named_field_by_field() {
    insta::assert_snapshot!(shown(&persona(ONE), &persona(TWO)), @r###"
    title: Value { from: Some("Tester"), to: Some("A Tester") }
    tags: List { removed: ["a"], added: ["d"], reordered: true }
    capabilities: List { removed: ["x"], added: [], reordered: false }
    gates: Entries([EntryDiff { id: "proof", from: Some("Proved"), to: Some("Proved, not required") }, EntryDiff { id: "cost", from: Some("Cheap, by human"), to: None }, EntryDiff { id: "style", from: None, to: Some("Short, by command") }])
    metrics: Entries([EntryDiff { id: "speed", from: Some("Fast (speed < 1.5 ms)"), to: Some("Fast (speed < 2 ms)") }])
    collaborates_with: Entries([EntryDiff { id: "other", from: Some("things"), to: Some("") }])
    identity: Lines([Same("You are one."), Removed("You test."), Added("You probe."), Same("You stop.")])
    sections: List { removed: [], added: [], reordered: true }
    ## Work: Lines([Skipped(3), Same("- 4"), Same("- 5"), Removed("- 6"), Added("- six"), Same("- 7")])
    ## Gone: Lines([Removed("text")])
    ## New: Value { from: None, to: Some("## New") }
    "###);
}

#[test]
fn the_way_back_mirrors_the_way_there() {
    let (one, two) = (persona(ONE), persona(TWO));
    let fields = |from: &Persona, to: &Persona| {
        let mut fields: Vec<String> = diff(from, to).fields.into_iter().map(|f| f.field).collect();
        fields.sort();
        fields
    };
    assert_eq!(fields(&one, &two), fields(&two, &one));
}

#[test]
fn equal_personas_do_not_differ() {
    for persona in library() {
        let same = diff(&persona, &persona);
        assert!(same.is_empty() && same.same_bytes);
    }
    let other = diff(&persona(ONE), &persona(&ONE.replace("tags: [a", "tags:   [a")));
    assert!(other.is_empty() && !other.same_bytes);
}

#[test]
fn very_long_texts_are_exchanged_as_wholes() {
    let long = |mark: &str| {
        format!(
            "---\nname: tester\ndescription: Tests things.\n---\nYou.\n\n## Work\n{}",
            format!("{mark}\n").repeat(6_000)
        )
    };
    let found = diff(&persona(&long("a")), &persona(&long("b")));
    assert_eq!(found.fields.len(), 1);
}
