//! Choosing among personas by the task: one test per rule.

use orchestrate_core::persona::Persona;
use orchestrate_persona::{MAX_TASK_BYTES, Selection, Selector, Verdict};

use super::library;

fn select(task: &str) -> Selection {
    Selector::new(&library()).select(task)
}

/// The personas selected for a task, with the way they were found.
fn check(task: &str, verdict: Verdict, expected: &[&str]) {
    let selection = select(task);
    assert_eq!(
        (selection.verdict, &selection.selected[..]),
        (verdict, &owned(expected)[..]),
        "{task}"
    );
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn refused(task: &str, expected: &[&str]) {
    let names: Vec<String> = select(task).refused.into_iter().map(|refused| refused.name).collect();
    assert_eq!(names, owned(expected), "{task}");
}

/// A persona of few words.
fn persona(name: &str, description: &str, capabilities: &[&str]) -> Persona {
    let mut persona = library().remove(0);
    persona.name = name.into();
    persona.title = name.into();
    persona.description = description.into();
    persona.capabilities = owned(capabilities);
    persona.abbreviation = None;
    for list in [
        &mut persona.aliases,
        &mut persona.tags,
        &mut persona.synonyms,
        &mut persona.when_to_use,
        &mut persona.when_not_to_use,
        &mut persona.examples,
    ] {
        list.clear();
    }
    persona
}

#[test]
fn a_persona_called_by_name_is_selected_whatever_the_task_says() {
    let named = |task: &str, expected: &[&str]| check(task, Verdict::Named, expected);
    named("@redis-caching what about this Postgres index?", &["redis-caching"]);
    named("Let ml-engineer-jax look at the dashboard", &["ml-engineer-jax"]);
    named("As the Data Engineer, draw a chart", &["data-engineer"]);
    named("Als Data Scientist: lohnt sich das?", &["data-scientist-stats"]);
    named("Ask the tech lead about it", &["project-architect"]);
    named("DE: is that right?", &["data-engineer"]);
    named("ML Engineer - PyTorch Specialist, please help", &["ml-engineer-pytorch"]);
    named(
        "As the statistician and the data engineer, comment",
        &["data-scientist-stats", "data-engineer"],
    );
}

#[test]
fn personas_that_are_wanted_together_are_all_called() {
    let both = ["data-engineer", "mlops-engineer"];
    for task in [
        "I need the Data Engineer and MLOps Engineer to collaborate on a pipeline",
        "I want the Data Engineer and the MLOps Engineer to collaborate on a dashboard",
        "Data Engineer and MLOps Engineer: design a chart",
    ] {
        check(task, Verdict::Named, &both);
    }
    check("Use the data engineer persona for a chart", Verdict::Named, &both[..1]);
}

#[test]
fn a_name_that_is_all_of_a_task_calls_its_persona() {
    for task in ["data engineer", "the data engineer, please", "DE", "Data Engineer bitte"] {
        check(task, Verdict::Named, &["data-engineer"]);
    }
}

#[test]
fn alternatives_are_weighed_and_not_called() {
    let weighed = select("Should I ask the data engineer or the ML engineer about drift?");
    assert_eq!(weighed.verdict, Verdict::Matched);
    assert_eq!(weighed.selected, ["ml-engineer"]);
}

#[test]
fn speaking_of_a_role_does_not_call_it() {
    for task in [
        "Use the data engineer's table for a chart",
        "Should I become a data engineer?",
        "As a data engineer I want to learn statistics",
        "la base de datos DE clientes",
        "We have a data scientist already",
    ] {
        assert_ne!(select(task).verdict, Verdict::Named, "{task}");
    }
}

#[test]
fn an_abbreviation_counts_only_as_it_is_written() {
    assert_ne!(select("de: una cosa").verdict, Verdict::Named);
}

#[test]
fn a_persona_that_is_ruled_out_is_refused_and_never_selected() {
    refused("Write the SQL, but not the data engineer please", &["data-engineer"]);
    refused("Cache it without redis-caching", &["redis-caching"]);
    let selection = select("As the PyTorch researcher and not the PyTorch specialist");
    assert_eq!(selection.selected, ["pytorch-researcher"]);
    assert_eq!(selection.refused[0].name, "ml-engineer-pytorch");
    assert_eq!(selection.refused[0].text, "PyTorch specialist");
}

#[test]
fn a_persona_that_stays_out_is_refused() {
    for task in [
        "data-engineer must not answer this: optimise SQL joins in postgres",
        "The data engineer should not answer; optimise SQL joins",
        "@data-engineer is on holiday, who else can write SQL?",
        "anyone but the data engineer: write SQL",
        "no me des al data-engineer: consulta SQL lenta para la base",
    ] {
        refused(task, &["data-engineer"]);
        assert!(!select(task).selected.contains(&"data-engineer".to_owned()), "{task}");
    }
    refused("everybody but redis-caching: design a cache", &["redis-caching"]);
    let skipped = select("skip redis-caching, use elasticsearch-expert");
    assert_eq!(skipped.selected, ["elasticsearch-expert"]);
    refused("redis-caching must not be restarted by a deployment", &[]);
}

#[test]
fn a_technology_that_is_ruled_out_refuses_the_personas_named_after_it() {
    refused("Train a network without TensorFlow", &["ml-engineer-tensorflow", "tensorflow-ml"]);
    refused("Entraîner un réseau sans TensorFlow", &["ml-engineer-tensorflow", "tensorflow-ml"]);
    refused("Suche nicht mit Elasticsearch, bitte", &["elasticsearch-expert"]);
}

#[test]
fn other_negations_refuse_nobody() {
    for task in [
        "Train a network, there is no GPU",
        "Why does my PyTorch model not converge?",
        "Redis no longer answers",
        "Not only Redis but also the database is slow",
        "Why not Elasticsearch?",
        "A busca no Elasticsearch do cliente não encontra as peças",
    ] {
        refused(task, &[]);
    }
}

#[test]
fn the_matter_wins_over_a_technology_that_is_only_mentioned() {
    let matched = |task: &str, expected: &str| {
        let selection = select(task);
        assert_eq!(selection.selected.first().map(String::as_str), Some(expected), "{task}");
    };
    matched(
        "Our TensorFlow team asks why this Postgres query needs a sequential scan",
        "data-engineer",
    );
    matched(
        "The data comes from Spark, but I want to know if the effect is significant",
        "data-scientist-stats",
    );
}

#[test]
fn languages_typos_and_identifiers_are_read() {
    let first = |task: &str, expected: &str| {
        let selection = select(task);
        assert_eq!(selection.selected.first().map(String::as_str), Some(expected), "{task}");
    };
    first("Zeichne ein Balkendiagramm der Umsätze", "data-viz-specialist");
    first("Une régression logistique avec intervalles de confiance", "data-scientist-stats");
    first("¿Cómo invalido la caché cuando caduca la clave?", "redis-caching");
    first("缓存失效之后数据库压力很大", "redis-caching");
    first("elasticsaerch reindxing", "elasticsearch-expert");
    first("optax.adam inside jax.lax.scan", "ml-engineer-jax");
    first("pg_stat_activity shows locks", "data-engineer");
    first("Datenbankschema entwerfen", "data-engineer");
}

#[test]
fn a_task_with_parts_for_several_personas_selects_them() {
    let selection = select("Draw a heatmap in matplotlib and set up a Redis cache");
    assert_eq!(selection.verdict, Verdict::Several);
    let mut names = selection.selected;
    names.sort();
    assert_eq!(names, ["data-viz-specialist", "redis-caching"]);
}

#[test]
fn below_the_floor_nobody_is_selected_and_the_nearest_are_listed() {
    let selection = select("How long do I bake a cake with this model of oven?");
    assert_eq!(selection.verdict, Verdict::None);
    assert!(selection.selected.is_empty() && selection.runner_up.is_none());
    assert!(!selection.nearest().is_empty() && selection.nearest().len() <= 3);
    for task in ["", "   ", "zzz qqq", "?!", "12 34"] {
        let selection = select(task);
        assert_eq!(selection.verdict, Verdict::None, "{task}");
        assert!(selection.matches.is_empty(), "{task}");
    }
    assert_eq!(Selector::new([]).select("anything").verdict, Verdict::None);
}

#[test]
fn a_selection_explains_itself() {
    let selection = select("Which shard count for an Elasticsearch index of logs?");
    let best = &selection.matches[0];
    assert_eq!(best.name, "elasticsearch-expert");
    assert_eq!(best.terms[0].field, "name");
    assert!(best.terms.iter().any(|term| term.text == "shard" && term.weight > 0.0));
    let sum: f64 = best.terms.iter().map(|term| term.weight).sum();
    assert!((sum - best.score).abs() < 0.01, "{sum} {}", best.score);
    let second = selection.runner_up.expect("a runner-up");
    assert!(
        second.behind > 0.0 && second.lacks.contains(&"Elasticsearch".to_owned()),
        "{second:?}"
    );
    assert!(selection.matches.is_sorted_by(|a, b| a.score >= b.score));
}

#[test]
fn what_a_persona_leaves_to_others_counts_against_it() {
    let mut generalist = persona("generalist", "Knows gardens, hedges and orchids.", &[]);
    generalist.when_not_to_use = vec!["Orchids; orchid-expert is better".into()];
    let expert = persona("orchid-expert", "Knows flowers.", &[]);
    let selection = Selector::new([&generalist, &expert]).select("orchids");
    assert_eq!(selection.selected, ["orchid-expert"]);
    let terms = &selection.find("generalist").expect("a match").terms;
    assert!(terms.iter().any(|term| term.field == "when_not_to_use" && term.weight < 0.0));
}

#[test]
fn of_equals_the_specialist_wins() {
    let specialist = persona("specialist", "Grafts pears.", &[]);
    let generalist = persona("generalist", "Grafts pears.", &["Zither", "Glockenspiel", "Marimba"]);
    let selection = Selector::new([&generalist, &specialist]).select("graft a pear");
    assert_eq!(selection.matches[0].name, "specialist");
}

#[test]
fn words_a_persona_declares_as_synonyms_find_it() {
    let mut one = persona("one", "Does one thing.", &[]);
    let two = persona("two", "Does another thing.", &[]);
    one.synonyms = vec!["frobnication".into()];
    let selection = Selector::new([&one, &two]).select("frobnications");
    assert_eq!(selection.selected, ["one"]);
    assert_eq!(selection.matches[0].terms[0].field, "synonyms");
}

#[test]
fn the_same_task_gives_the_same_selection_and_the_library_s_order_does_not_matter() {
    let library = library();
    let task = "Plan the repository and chart the churn of Kafka consumers";
    let there = Selector::new(&library).select(task);
    assert_eq!(there, Selector::new(&library).select(task));
    let back = Selector::new(library.iter().rev()).select(task);
    assert_eq!(there.matches, back.matches);
}

#[test]
fn hostile_tasks_are_read_up_to_a_limit() {
    let selector = Selector::new(&library());
    let long = "Redis cache ".repeat(MAX_TASK_BYTES);
    assert_eq!(selector.select(&long).selected, ["redis-caching"]);
    for task in
        ["é".repeat(MAX_TASK_BYTES), "缓".repeat(MAX_TASK_BYTES), "aB".repeat(MAX_TASK_BYTES)]
    {
        let _ = selector.select(&task);
    }
}

#[test]
fn a_framework_that_the_task_names_decides_among_those_offered() {
    let library = library();
    let names = ["ml-engineer-pytorch", "ml-engineer-tensorflow", "ml-engineer-jax"];
    let offered: Vec<&Persona> = names
        .iter()
        .map(|name| library.iter().find(|persona| persona.name == *name).expect("built in"))
        .collect();
    let selector = Selector::new(offered);
    let check = |task: &str, expected: &str| {
        assert_eq!(
            selector.select(task).selected.first().map(String::as_str),
            Some(expected),
            "{task}"
        );
    };
    check("Fine-tune a PyTorch transformer on our tickets", "ml-engineer-pytorch");
    check("We serve with TensorFlow and Keras on phones", "ml-engineer-tensorflow");
    check("pmap our JAX code over eight TPUs", "ml-engineer-jax");
}

/// Two personas of one title, and a third.
fn namesakes() -> Selector {
    let mut first = persona("oven-engineer", "Builds ovens for bread.", &["bricks"]);
    let mut second = persona("heat-engineer", "Measures heat in ovens.", &["thermometers"]);
    first.title = "Engineer X".into();
    second.title = "Engineer X".into();
    let third = persona("miller", "Grinds corn.", &["millstones"]);
    Selector::new(&[first, second, third])
}

#[test]
fn a_title_of_two_personas_calls_neither_and_is_told() {
    let selector = namesakes();
    let told = selector.select("Ask the Engineer X about thermometers");
    assert_eq!(told.ambiguous.len(), 1, "{told:?}");
    assert_eq!(told.ambiguous[0].text, "Engineer X");
    assert_eq!(told.ambiguous[0].names, owned(&["oven-engineer", "heat-engineer"]));
    assert_ne!(told.verdict, Verdict::Named);
    assert!(["oven-engineer", "heat-engineer"].iter().all(|name| told.find(name).is_some()));
    let thermometers = told.find("heat-engineer").map(|found| found.score);
    assert!(thermometers > told.find("oven-engineer").map(|found| found.score), "{told:?}");
    // One of a list is no slip, and neither is a word about the role.
    let listed = selector.select("Engineer X and the miller: grind it");
    assert_eq!((listed.verdict, listed.selected), (Verdict::Named, owned(&["miller"])));
    assert_eq!(listed.ambiguous.len(), 1);
    assert_eq!(selector.select("The engineer X manual has no bricks").ambiguous, []);
}

#[test]
fn the_name_of_one_is_its_own_also_where_it_reads_like_a_title() {
    let mut first = persona("engineer-x", "Builds ovens.", &["bricks"]);
    let mut second = persona("heat-engineer", "Measures heat.", &["thermometers"]);
    first.title = "Engineer X".into();
    second.title = "Engineer X".into();
    let selector = Selector::new(&[first, second]);
    let named = selector.select("@engineer-x look at this");
    assert_eq!((named.verdict, named.selected), (Verdict::Named, owned(&["engineer-x"])));
    assert_eq!(named.ambiguous, []);
    assert_eq!(selector.select("As Engineer X, look at this").ambiguous.len(), 1);
}
