//! The difference of two personas as a person reads it.

use orchestrate_core::persona_diff::{Change, EntryDiff, FieldDiff, Line, PersonaDiff};
use orchestrate_report::persona_diff;

fn field(field: &str, change: Change) -> FieldDiff {
    FieldDiff { field: field.to_owned(), change }
}

#[test]
fn every_kind_of_change_is_shown() {
    let text = |text: &str| text.to_owned();
    let diff = PersonaDiff {
        from: text("tester"),
        to: text("prober"),
        same_bytes: false,
        fields: vec![
            field("title", Change::Value { from: None, to: Some(text("Prober\u{202e}")) }),
            field(
                "tags",
                Change::List { removed: vec![text("qa")], added: vec![], reordered: true },
            ),
            field(
                "gates",
                Change::Entries(vec![
                    EntryDiff {
                        id: text("proof"),
                        from: Some(text("Proved")),
                        to: Some(text("Proved twice")),
                    },
                    EntryDiff { id: text("cost"), from: Some(text("Cheap")), to: None },
                ]),
            ),
            field(
                "## Work",
                Change::Lines(vec![
                    Line::Skipped(12),
                    Line::Same(text("- a")),
                    Line::Same(text("")),
                    Line::Removed(text("- b")),
                    Line::Added(text("  - c")),
                ]),
            ),
        ],
    };
    insta::assert_snapshot!(persona_diff(&diff), @r"
    From tester to prober

    title
      + Prober\u{202e}

    tags
      - qa
      (in another order)

    gates
      - proof: Proved
      + proof: Proved twice
      - cost: Cheap

    ## Work
      (12 lines the same)
        - a

      - - b
      +   - c
    ");
}

#[test]
fn no_difference_is_said_and_why() {
    let same = |same_bytes| {
        let (from, to) = ("tester".to_owned(), "tester".to_owned());
        persona_diff(&PersonaDiff { from, to, same_bytes, fields: vec![] })
    };
    insta::assert_snapshot!(same(true) + &same(false), @"
    No difference in `tester`: the files are the same.
    No difference in `tester`: only the layout differs.
    ");
}
