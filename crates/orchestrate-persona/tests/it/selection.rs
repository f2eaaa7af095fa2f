//! How well personas are chosen over the labelled tasks. `cargo bench -p orchestrate-persona --bench
//! selection` prints the figures.

use std::collections::BTreeSet;

use orchestrate_persona::Selector;

use super::{
    PERSONAS, file,
    labelled::{self, Labelled},
    library,
    measure::{self, Baseline, Totals},
};

fn tasks() -> Vec<Labelled> {
    labelled::parse(&file(&format!("{PERSONAS}/selection/tasks.tsv")))
}

#[test]
fn the_labelled_tasks_are_many_and_of_every_kind() {
    let tasks = tasks();
    assert!(tasks.len() >= 180);
    assert!(tasks.iter().filter(|task| task.expected.is_empty()).count() >= 35);
    let ids: BTreeSet<&str> = tasks.iter().map(|task| task.id.as_str()).collect();
    assert_eq!(ids.len(), tasks.len(), "an id is given twice");
    let languages: BTreeSet<&str> = tasks.iter().map(|task| task.language.as_str()).collect();
    assert!(languages.len() >= 8, "{languages:?}");
    let kinds: BTreeSet<&str> = tasks.iter().map(|task| task.note.as_str()).collect();
    let expected =
        ["far", "named", "near", "negation", "plain", "several", "trace", "trap", "typo"];
    assert!(kinds.into_iter().eq(expected));
    let held_out = tasks.iter().filter(|task| task.held_out).count();
    assert!((tasks.len() / 4..tasks.len() / 2).contains(&held_out), "{held_out}");
    let known = library();
    for name in tasks.iter().flat_map(|task| &task.expected) {
        assert!(known.iter().any(|persona| persona.name == *name), "{name}");
    }
    for persona in &known {
        let of = tasks.iter().filter(|task| task.expected.contains(&persona.name)).count();
        assert!(of >= 8, "{} has {of} tasks", persona.name);
    }
}

#[test]
fn on_held_out_tasks_the_choice_is_far_better_than_the_better_baseline() {
    let (library, tasks) = (library(), tasks());
    let (held_out, tuning): (Vec<&Labelled>, Vec<&Labelled>) =
        tasks.iter().partition(|task| task.held_out);
    let ours = Totals::of(&measure::ours(&Selector::new(&library), &held_out));
    for baseline in Baseline::all(&library, &tuning) {
        let theirs = Totals::of(&baseline.answers(&held_out));
        assert!(ours.top1 >= theirs.top1 + 15.0, "{}: {theirs:?}, ours {ours:?}", baseline.name);
        assert!(ours.top3 > theirs.top3, "{}: {theirs:?}, ours {ours:?}", baseline.name);
        assert!(ours.refused > theirs.refused, "{}: {theirs:?}, ours {ours:?}", baseline.name);
    }
    assert!(ours.refused >= 70.0, "{ours:?}");
    assert!(ours.kept >= 95.0, "{ours:?}");
    assert!(ours.exact >= 50.0, "{ours:?}");
}
