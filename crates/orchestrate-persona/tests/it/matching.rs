//! Choosing among personas by the task, over the built-in ones.

use orchestrate_core::persona::Persona;
use orchestrate_persona::best_match;

use super::library;

const FRAMEWORKS: [&str; 3] = ["ml-engineer-pytorch", "ml-engineer-tensorflow", "ml-engineer-jax"];

fn matched(task: &str, names: &[&str]) -> Option<String> {
    let library = library();
    let candidates: Vec<&Persona> = names
        .iter()
        .map(|name| library.iter().find(|persona| persona.name == *name).expect("built in"))
        .collect();
    best_match(task, &candidates).map(|found| found.persona.name.clone())
}

#[test]
fn a_framework_that_the_task_names_decides() {
    let check = |task: &str, expected: &str| {
        assert_eq!(matched(task, &FRAMEWORKS).as_deref(), Some(expected), "{task}");
    };
    check("Fine-tune a PyTorch transformer on our tickets", "ml-engineer-pytorch");
    check("We serve with TensorFlow and Keras on phones", "ml-engineer-tensorflow");
    check("pmap our JAX code over eight TPUs", "ml-engineer-jax");
}

#[test]
fn a_task_without_a_shared_term_matches_nobody() {
    assert_eq!(matched("zzz qqq", &FRAMEWORKS), None);
    assert_eq!(matched("", &FRAMEWORKS), None);
    assert_eq!(matched("and what would you do?", &FRAMEWORKS), None);
    assert_eq!(best_match("anything", &[]), None);
}

#[test]
fn the_match_says_by_which_terms_and_the_first_of_equals_wins() {
    let mut one = library().remove(0);
    one.name = "one".into();
    one.title = "Kafka Expert".into();
    one.description = "Knows logs.".into();
    for list in [
        &mut one.aliases,
        &mut one.tags,
        &mut one.capabilities,
        &mut one.when_to_use,
        &mut one.examples,
    ] {
        list.clear();
    }
    one.abbreviation = None;
    let mut two = one.clone();
    two.name = "two".into();
    let found = best_match("Which log for Kafka, a Kafka topic?", &[&one, &two]).expect("a match");
    assert_eq!((found.persona.name.as_str(), found.score), ("one", 4));
    assert_eq!(found.terms, ["log", "kafka"]);
}
