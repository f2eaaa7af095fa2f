//! What is said of a predecessor's brief, and that no more is said than was checked.

use std::fmt::Write as _;

use orchestrate_core::{
    brief::{Brief, Decision, Figure},
    coverage::{Document, Evidence, Finding},
};
use proptest::prelude::*;

fn decision(id: &str, text: &str) -> Decision {
    Decision { id: id.into(), decision: text.into(), why: String::new() }
}

fn figure(name: &str, value: &str, unit: &str) -> Figure {
    Figure { name: name.into(), value: value.into(), unit: unit.into(), basis: String::new() }
}

fn of_figure(given: Figure, text: &str) -> Finding {
    let brief = Brief { figures: vec![given], ..Brief::default() };
    Document::new(text, None).coverage_of(&brief).entries[0].finding.clone()
}

fn of_constraint(given: &str, text: &str) -> Finding {
    let brief = Brief { constraints: vec![given.into()], ..Brief::default() };
    Document::new(text, None).coverage_of(&brief).entries[0].finding.clone()
}

fn changed(was: &str, now: &str) -> Finding {
    Finding::Changed { was: was.into(), now: now.into() }
}

const KEPT: Finding = Finding::Kept(Evidence::Value);
const WORDS: Finding = Finding::Kept(Evidence::Words);

#[test]
fn a_figure_is_kept_changed_named_or_not_mentioned() {
    let auc = || figure("ROC AUC", "0.82", "");
    assert_eq!(of_figure(auc(), "The ROC AUC of 82% holds."), KEPT);
    assert_eq!(of_figure(auc(), "- ROC AUC is now 0.79"), changed("0.82", "0.79"));
    assert_eq!(of_figure(auc(), "We look at ROC AUC on 3 folds."), Finding::NamedOnly);
    assert_eq!(of_figure(auc(), "We look at recall."), Finding::NotMentioned);
    let rows = || figure("volume", "4000000", "rows/day");
    assert_eq!(of_figure(rows(), "It sees 4M rows per day."), KEPT);
    assert_eq!(
        of_figure(rows(), "Volume: 5 million rows/day."),
        changed("4000000 rows/day", "5 million row/day")
    );
    assert_eq!(of_figure(rows(), "The volume is 3 terabytes."), Finding::NamedOnly);
    assert_eq!(
        of_figure(figure("cost", "not measured", "USD"), "The cost is 5 USD."),
        Finding::NamedOnly
    );
}

#[test]
fn a_figure_of_the_same_name_in_the_next_brief_is_the_one() {
    let brief = Brief { figures: vec![figure("p99 latency", "40", "ms")], ..Brief::default() };
    let next = |value: &str| Brief {
        figures: vec![figure("P99 latency", value, "ms")],
        ..Brief::default()
    };
    let told = |value: &str| {
        Document::new("Text.", Some(&next(value))).coverage_of(&brief).entries[0].finding.clone()
    };
    assert_eq!(told("40"), KEPT);
    assert_eq!(told("55"), changed("40 ms", "55 ms"));
    assert_eq!(told("not measured"), Finding::NamedOnly);
}

#[test]
fn a_constraint_is_kept_in_other_words_and_changed_by_one_number() {
    let rule = "Personal data is deleted after 30 days";
    assert_eq!(
        of_constraint(rule, "We delete nothing early: personal data is deleted after 30 days."),
        WORDS
    );
    assert_eq!(
        of_constraint(rule, "- Personal data are deleted after 90 days"),
        changed("30 day", "90 day")
    );
    assert_eq!(
        of_constraint(rule, "Personal data.\n\nDeleted after 30 days."),
        Finding::NotMentioned
    );
    assert_eq!(of_constraint(rule, "Logs go after 30 days."), Finding::NotMentioned);
    assert_eq!(
        of_constraint("Key on user_id everywhere", "Key everything everywhere on account_id"),
        Finding::NotMentioned
    );
}

#[test]
fn an_id_counts_unless_the_document_uses_it_for_its_own() {
    let brief = Brief { decisions: vec![decision("D1", "Use Postgres")], ..Brief::default() };
    let told = |text: &str, own: Option<&Brief>| {
        Document::new(text, own).coverage_of(&brief).entries[0].finding.clone()
    };
    assert_eq!(told("I contest (D1).", None), Finding::Kept(Evidence::Id));
    assert_eq!(told("I contest D12.", None), Finding::NotMentioned);
    let own = Brief { decisions: vec![decision("D1", "Use boosted trees")], ..Brief::default() };
    assert_eq!(told("My D1 stands.", Some(&own)), Finding::NotMentioned);
}

#[test]
fn an_entry_of_small_words_is_kept_where_it_stands_word_for_word() {
    assert_eq!(of_constraint("Use AWS", "- **Use AWS**, since we know it"), WORDS);
    assert_eq!(of_constraint("Use AWS", "We use no AWS"), Finding::NotMentioned);
    assert_eq!(of_constraint("AWS", "All of it runs on AWS."), WORDS);
    assert_eq!(of_constraint("no", "There is no other way"), Finding::NotMentioned);
    assert_eq!(of_constraint("5 GB", "up to 5 GB of it"), WORDS);
    assert_eq!(of_constraint("5 GB", "up to 5 MB of it"), Finding::NotMentioned);
    // Found at random: a plural of three letters, and a number with a unit that looks like a word.
    assert_eq!(of_constraint("aaAS 00A", "- aaAS 00A"), WORDS);
    assert_eq!(of_constraint("aAAs 0a_", "- aAAs 0a_"), WORDS);
}

#[test]
fn looking_costs_in_proportion_to_the_text() {
    let brief = Brief {
        decisions: (0..20)
            .map(|at| decision("", &format!("partition events table number{at} monthly")))
            .collect(),
        figures: (0..20).map(|at| figure(&format!("share {at}x"), "0.5", "ratio")).collect(),
        ..Brief::default()
    };
    let touches = |paragraphs: usize| {
        let mut text = String::new();
        for at in 0..paragraphs {
            write!(text, "Paragraph {at} on events and other words of no import.\n\n")
                .expect("a String");
        }
        Document::new(&text, None).coverage_of(&brief).touches
    };
    let (small, large) = (touches(500), touches(5_000));
    assert!(large < small * 11, "{small} {large}");
    let many = Brief { constraints: vec!["one more rule".into(); 1_000], ..Brief::default() };
    let told = Document::new("", None).coverage_of(&many);
    assert_eq!((told.entries.len(), told.unchecked), (300, 700));
}

fn briefs() -> impl Strategy<Value = Brief> {
    let words =
        "[a-zA-Z]{4,9}( [a-zA-Z0-9_]{3,9}){1,6}( [1-9][0-9]{0,3}(\\.[0-9])?( days| ms|%)?)?";
    (
        prop::collection::vec(words, 0..4),
        prop::collection::vec((words, "[1-9][0-9]{0,4}(\\.[0-9]{1,2})?", "(ms|rows/day|)"), 0..4),
        prop::collection::vec(words, 0..4),
    )
        .prop_map(|(decisions, figures, constraints)| Brief {
            decisions: decisions.iter().map(|text| decision("", text)).collect(),
            figures: figures.iter().map(|(name, value, unit)| figure(name, value, unit)).collect(),
            constraints,
            ..Brief::default()
        })
}

proptest! {
    #[test]
    fn a_document_that_repeats_a_brief_keeps_all_of_it(brief in briefs(), before in "\\PC{0,200}") {
        let text = format!("{before}\n\n{}", brief.to_markdown());
        for entry in Document::new(&text, None).coverage_of(&brief).entries {
            prop_assert!(matches!(entry.finding, Finding::Kept(_)), "{entry:?}");
        }
    }

    #[test]
    fn a_document_without_a_single_word_of_a_brief_mentions_nothing(brief in briefs()) {
        for entry in Document::new("# !!\n\n- … ** —\n", None).coverage_of(&brief).entries {
            prop_assert_eq!(entry.finding, Finding::NotMentioned);
        }
    }

    #[test]
    fn whatever_a_model_writes_is_looked_at_and_what_changed_stands_there(
        brief in briefs(),
        text in "(\\PC|\n|[0-9 .,%-]){0,400}",
    ) {
        let mixed = format!("{text}\n{}", brief.to_markdown().replace('1', "7"));
        for entry in Document::new(&mixed, None).coverage_of(&brief).entries {
            if let Finding::Changed { was, now } = entry.finding {
                prop_assert_ne!(&was, &now);
                let number = now.split(' ').next().unwrap_or_default();
                prop_assert!(mixed.contains(number), "{now}");
            }
        }
    }
}
