//! `personas match`: whom a task calls for, and why.

use serde_json::{Value, json};

use crate::support::{Place, Server, answer};

const TASK: &str = "Build a Postgres ingestion pipeline with data quality checks";

#[test]
fn the_best_persona_is_told_with_its_terms_and_the_one_behind_it() {
    let place = Place::new();
    insta::assert_snapshot!(place.good(&["personas", "match", TASK, "--top", "3"]), @r"
    selected   data-engineer
    runner-up  ml-engineer, 1.656 behind: it has less on Postgres, ingestion, checks, data quality, pipeline

    * data-engineer           2.581  Postgres +0.84 tags, data quality +0.55 capabilities, ingestion
                                     +0.54 aliases, pipeline +0.36 aliases, checks +0.27 capabilities,
                                     Build +0.01 description
      ml-engineer             0.925  data quality +0.40 capabilities, ingestion +0.27 capabilities,
                                     pipeline +0.26 capabilities
      elasticsearch-expert    0.537  ingestion +0.27 capabilities, pipeline +0.26 capabilities
      and 7 more; --top 10 lists them
    ");
}

#[test]
fn several_none_and_ruled_out_ones_are_told_as_such() {
    let place = Place::new();
    let told = |task: &str| place.good(&["personas", "match", task, "--top", "1"]);
    insta::assert_snapshot!(told("Predict churn from our Postgres events and deploy the model with CI/CD"), @r"
    selected   mlops-engineer, data-engineer: the task has parts for each of them
    runner-up  data-scientist-stats, 0.94 behind: it has less on CI CD, deploy

    * mlops-engineer    1.343  CI CD +1.03 tags, deploy +0.30 synonyms, model +0.01 capabilities
    * data-engineer     0.883  Postgres +0.84 tags, events +0.21 examples, deploy −0.18 when_not_to_use,
                               model +0.01 description
      and 11 more; --top 13 lists them
    ");
    insta::assert_snapshot!(told("Write a birthday poem"), @r"
    selected   none: no persona fits well enough; nearest ml-engineer-jax, ml-engineer-pytorch, data-engineer

      ml-engineer-jax    0.020  Write +0.02 description
      and 5 more; --top 6 lists them
    ");
    insta::assert_snapshot!(told("zzz"), @r"
    selected   none

    no persona shares a word with the task
    ");
    insta::assert_snapshot!(told("data-engineer, not redis: cache our sessions"), @r"
    selected   data-engineer, named in the task
    ruled out  redis-caching, by `redis` in the task

    * data-engineer    0.259  engineer +0.17 name, data +0.09 name
      and 11 more; --top 12 lists them
    ");
}

#[test]
fn json_holds_the_names_the_scores_and_the_terms() {
    let place = Place::new();
    let found = place.json(&["personas", "match", TASK, "--format", "json"]);
    assert_eq!(found["schema"], "orchestrate/match/1");
    assert_eq!(found["selected"], json!(["data-engineer"]));
    let matches = found["matches"].as_array().unwrap();
    assert_eq!(matches.len(), 5);
    assert_eq!(matches[0]["name"], "data-engineer");
    assert!(matches[0]["score"].as_f64() > matches[1]["score"].as_f64());
    assert!(matches[0]["terms"].as_array().unwrap().contains(&Value::from("Postgres")));
    let none = place.json(&["personas", "match", "zzz", "--format", "json"]);
    assert_eq!((&none["selected"], &none["verdict"]), (&json!([]), &json!("none")));
    let one = place.json(&["personas", "match", TASK, "--format", "json", "--top", "0"]);
    assert_eq!(one["matches"].as_array().unwrap().len(), 1, "the selected one is there");
}

#[test]
fn the_same_task_gives_the_same_bytes() {
    let place = Place::new();
    let args = ["personas", "match", TASK, "--format", "json", "--top", "99"];
    assert_eq!(place.good(&args), place.good(&args));
}

#[test]
fn a_task_comes_from_a_file_or_standard_input_as_well() {
    let place = Place::new();
    place.write("task.md", TASK);
    let expected = place.good(&["personas", "match", TASK]);
    assert_eq!(place.good(&["personas", "match", "@task.md"]), expected);
    assert_eq!(place.run_with_input(&["personas", "match", "-"], TASK).stdout, expected);
    insta::assert_snapshot!(place.refused(&["personas", "match", " "]), @r"
    exit 2
    error: the task is empty
    help: say what is asked: a text, @FILE, or - for standard input
    ");
    let outcome = place.run(&["personas", "match", "-m", "openai:m", TASK]);
    assert_eq!(outcome.code, Some(2), "a model needs --with-model");
}

#[test]
fn a_model_has_the_last_word_where_it_is_asked_for_and_only_on_the_list() {
    let server = Server::start(|request| {
        let task = request.message("user").contains("Postgres");
        answer(if task { "several: mlops-engineer, data-engineer" } else { "Somebody else" }, "x")
            .reply_to(request)
    });
    let place = Place::beside(&server);
    let args =
        |task| ["personas", "match", task, "--with-model", "-m", "openai:m", "--format", "json"];
    let found = place.json(&args(TASK));
    assert_eq!(found["selected"], json!(["mlops-engineer", "data-engineer"]));
    assert_eq!(found["verdict"], "model");
    assert_eq!(found["chosen_in"], place.run_ids()[0]);
    place.json(&args(TASK));
    assert_eq!(server.count(), 1, "asked once");
    let text = place.good(&args(TASK)[..6]);
    insta::assert_snapshot!(text.lines().next().unwrap(), @"selected   mlops-engineer, data-engineer, by a model out of 12 (run [RUN], paid for earlier)");
    let refused = place.refused(&args("cache it"));
    assert!(
        refused.starts_with("exit 1\n") && refused.contains("names `Somebody else`"),
        "{refused}"
    );
}

#[test]
fn what_a_task_holds_is_harmless_on_a_terminal() {
    let place = Place::new();
    let told = place.good(&["personas", "match", "Postgres\u{1b}[2J \u{202e}pipeline ::error::x"]);
    assert!(!told.contains('\u{1b}') && !told.contains('\u{202e}'), "{told}");
}

#[test]
fn a_title_that_two_personas_share_is_told_wherever_personas_are_chosen() {
    let place = Place::new();
    for (name, what) in [("oven-engineer", "bricks"), ("heat-engineer", "thermometers")] {
        place.write(
            &format!("personas/{name}.md"),
            format!(
                "---\nname: {name}\ntitle: Engineer X\ndescription: Knows {what}. Use for {what}.\ntags: [{what}]\n---\nYou are an engineer.\n"
            ),
        );
    }
    let task = "As the Engineer X, choose thermometers";
    let told = place.good(&["personas", "match", task, "--top", "2"]);
    let note =
        "`Engineer X` may be any of `heat-engineer`, `oven-engineer`: name the one that is meant";
    assert!(told.starts_with("selected   heat-engineer\n"), "{told}");
    assert!(told.contains(&format!("\nshared     {note}\n")), "{told}");
    let json = place.json(&["personas", "match", task, "--format", "json"]);
    assert_eq!(
        json["ambiguous"],
        json!([{ "text": "Engineer X", "names": ["heat-engineer", "oven-engineer"] }])
    );
    let asked = place.run(&["ask", task, "--offline"]);
    assert_eq!(asked.code, Some(0), "{}", asked.stderr);
    assert!(asked.stderr.contains(note), "{}", asked.stderr);
    let shown = place.json(&["runs", "show", "--format", "json"]);
    assert_eq!(shown["selection"]["notes"], json!([note]));
    // Where the words decide nothing, nobody is asked and the names are told.
    let refused = place.refused(&["ask", "Engineer X: hello", "--offline"]);
    assert!(refused.starts_with("exit 3\n") && refused.contains(note), "{refused}");
}
