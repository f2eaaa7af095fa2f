//! Lists and single views of personas and workflows; graphs, plans and checks.

use crate::support::{Place, TASK, persona_file};

const WORKFLOWS: [&str; 9] = [
    "data-contract",
    "data-infrastructure",
    "design-review",
    "end-to-end-ml",
    "framework-bakeoff",
    "incident-review",
    "ml-design-review",
    "ml-system-design",
    "research-to-production",
];

/// A persona of a project.
const WEAVER: &str = "---
name: weaver
title: Weaver
description: Weaves cloth. Use for carpets.
---
You are a weaver who counts every thread before the first knot is made.

## Responsibilities

- Weave carpets.

## Approach

### Ask first

- How wide is the loom?
";

fn with_a_weaver() -> Place {
    let place = Place::new();
    place.write("personas/weaver.md", WEAVER);
    place
}

#[test]
fn the_fourteen_personas_of_the_team_are_listed_by_name() {
    let list = Place::new().json(&["personas", "list", "--format", "json"]);
    assert_eq!(list["schema"], "orchestrate/personas/1");
    let personas = list["personas"].as_array().unwrap();
    let names: Vec<&str> =
        personas.iter().map(|persona| persona["name"].as_str().unwrap()).collect();
    assert_eq!(
        names,
        [
            "data-ai-engineer",
            "data-engineer",
            "data-scientist-stats",
            "data-viz-specialist",
            "elasticsearch-expert",
            "ml-engineer",
            "ml-engineer-jax",
            "ml-engineer-pytorch",
            "ml-engineer-tensorflow",
            "mlops-engineer",
            "project-architect",
            "pytorch-researcher",
            "redis-caching",
            "tensorflow-ml",
        ]
    );
    assert!(personas.iter().all(|persona| persona["level"] == "built in"));
}

#[test]
fn a_text_list_begins_each_entry_with_its_name_within_the_width() {
    let place = with_a_weaver();
    for kind in ["personas", "workflows"] {
        let text = place.good(&[kind, "list"]);
        let json = place.json(&[kind, "list", "--format", "json"]);
        let begun: Vec<&str> = text
            .lines()
            .filter(|line| !line.starts_with(' '))
            .map(|line| line.split_whitespace().next().unwrap())
            .collect();
        let named: Vec<&str> = json[kind]
            .as_array()
            .unwrap()
            .iter()
            .map(|entry| entry["name"].as_str().unwrap())
            .collect();
        assert_eq!(begun, named);
        assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
    }
}

#[test]
fn a_persona_of_the_project_is_listed_shown_and_primes() {
    let place = with_a_weaver();
    let list = place.good(&["personas", "list"]);
    let row = list.lines().last().unwrap();
    assert!(row.starts_with("weaver                  [project] Weaves cloth"), "{row}");
    insta::assert_snapshot!(place.good(&["personas", "show", "weaver"]), @r"
    Weaver — weaver
    Weaves cloth. Use for carpets.

    from [ROOT]/repo/personas/weaver.md; --prompt prints the system prompt
    ");
    insta::assert_snapshot!(
        "prompt-weaver",
        place.good(&["personas", "show", "weaver", "--prompt"])
    );
}

#[test]
fn every_persona_can_be_shown_and_its_prompt_closes_with_the_brief() {
    let place = Place::new();
    let list = place.json(&["personas", "list", "--format", "json"]);
    for persona in list["personas"].as_array().unwrap() {
        let name = persona["name"].as_str().unwrap();
        let shown = place.good(&["personas", "show", name]);
        let title = persona["title"].as_str().unwrap();
        assert!(shown.starts_with(title), "{name}: {shown}");
        let prompt = place.good(&["personas", "show", name, "--prompt"]);
        assert!(prompt.starts_with("You "), "{name}");
        assert!(prompt.contains("\n## Material\n") && prompt.contains("\n```brief\n"), "{name}");
        assert!(!prompt.contains("description:"), "{name}: front matter is no prompt");
        let beginning: String = prompt.chars().take(30).collect();
        assert!(persona_file(name).contains(&beginning), "{name}");
    }
}

#[test]
fn a_project_goes_before_the_user_and_the_user_before_what_is_built_in() {
    let place = Place::new();
    let level = |place: &Place| {
        let list = place.json(&["personas", "list", "--format", "json"]);
        let personas = list["personas"].as_array().unwrap();
        let found = personas.iter().find(|persona| persona["name"] == "redis-caching").unwrap();
        (found["level"].clone(), found["title"].clone())
    };
    let persona = WEAVER.replace("weaver", "redis-caching");
    assert_eq!(level(&place).0, "built in");
    let user = place.root().join("home/.config/orchestrate/personas");
    std::fs::create_dir_all(&user).unwrap();
    std::fs::write(user.join("redis-caching.md"), persona.replace("Weaver", "Of the user"))
        .unwrap();
    assert_eq!(level(&place), ("user".into(), "Of the user".into()));
    place.write(
        ".orchestrate/personas/redis-caching.md",
        persona.replace("Weaver", "Of the project"),
    );
    assert_eq!(level(&place), ("project".into(), "Of the project".into()));
}

#[test]
fn an_unknown_persona_is_refused_with_advice() {
    insta::assert_snapshot!(Place::new().refused(&["personas", "show", "data-enginer"]), @r"
    exit 3
    error: unknown persona `data-enginer`
    help: did you mean `data-engineer`?
    help: `orchestrate personas list` shows all of them
    ");
}

#[test]
fn the_four_workflows_are_listed() {
    let list = Place::new().json(&["workflows", "list", "--format", "json"]);
    assert_eq!(list["schema"], "orchestrate/workflows/1");
    let workflows = list["workflows"].as_array().unwrap();
    let names: Vec<&str> = workflows.iter().map(|found| found["name"].as_str().unwrap()).collect();
    assert_eq!(names, WORKFLOWS);
    assert!(workflows.iter().all(|found| found["level"] == "built in"));
}

#[test]
fn every_workflow_is_shown_drawn_and_printed() {
    let place = Place::new();
    for name in WORKFLOWS {
        insta::assert_snapshot!(
            format!("workflow-{name}"),
            place.good(&["workflows", "show", name])
        );
        insta::assert_snapshot!(format!("graph-{name}"), place.good(&["graph", name]));
        let mermaid = place.good(&["graph", name, "--format", "mermaid"]);
        insta::assert_snapshot!(format!("mermaid-{name}"), mermaid);
        let source = place.good(&["workflows", "show", name, "--source"]);
        assert!(source.contains(&format!("workflow: {name}\n")), "{name}");
        place.write("copy.yaml", &source);
        assert_eq!(place.good(&["graph", "copy.yaml", "--format", "mermaid"]), mermaid);
    }
}

#[test]
fn what_is_built_in_is_valid() {
    let place = Place::new();
    insta::assert_snapshot!(place.good(&["validate"]), @r"
    ok       data-contract: 7 steps
    ok       data-infrastructure: 3 steps
    ok       design-review: 6 steps
    ok       end-to-end-ml: 5 steps
    ok       framework-bakeoff: 7 steps
    ok       incident-review: 8 steps
    ok       ml-design-review: 6 steps
    ok       ml-system-design: 7 steps
    ok       research-to-production: 4 steps
    ");
    let checked = place.json(&["validate", "--format", "json"]);
    assert_eq!(checked["schema"], "orchestrate/validate/1");
    for workflow in checked["workflows"].as_array().unwrap() {
        assert_eq!(
            (&workflow["valid"], workflow["diagnostics"].as_array().unwrap().len()),
            (&true.into(), 0)
        );
    }
}

#[test]
fn validate_names_every_mistake_of_every_file() {
    let place = Place::new();
    place.write("one.yaml", "workflow: one\nsteps:\n  a: { persona: data-enginer, promt: Go. }\n");
    place.write("two.yaml", "workflow: two\nsteps:\n  a: { persona: data-engineer }\n");
    let outcome = place.run(&["validate", "one.yaml", "two.yaml", "nope"]);
    assert_eq!(outcome.code, Some(3));
    insta::assert_snapshot!(outcome.stdout, @r"
    invalid  one.yaml: 2 mistakes
    ok       two.yaml: 1 step
    invalid  nope: 1 mistake
    ");
    insta::assert_snapshot!(outcome.stderr, @r"
    error[unknown-persona]: there is no persona `data-enginer`
     --> one.yaml:3:17
      |
    3 |   a: { persona: data-enginer, promt: Go. }
      |                 ^^^^^^^^^^^^
      |
      = help: did you mean `data-engineer`?

    error[unknown-key]: step `a` has no key `promt`
     --> one.yaml:3:31
      |
    3 |   a: { persona: data-enginer, promt: Go. }
      |                               ^^^^^
      |
      = help: did you mean `prompt`?

    error[unreadable]: unknown workflow `nope`
     |
     = help: known here: data-contract, data-infrastructure, design-review, end-to-end-ml, framework-bakeoff, incident-review, ml-design-review, ml-system-design, research-to-production
     = help: `orchestrate workflows list` shows all of them
    ");
    let json = place.run(&["validate", "one.yaml", "two.yaml", "nope", "--format", "json"]);
    assert_eq!((json.code, json.stderr.as_str()), (Some(3), ""));
    let checked: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    insta::assert_snapshot!(serde_json::to_string_pretty(&checked).unwrap(), @r#"
    {
      "schema": "orchestrate/validate/1",
      "workflows": [
        {
          "workflow": "one.yaml",
          "valid": false,
          "steps": null,
          "diagnostics": [
            {
              "code": "unknown-persona",
              "severity": "error",
              "message": "there is no persona `data-enginer`",
              "places": [
                {
                  "file": "one.yaml",
                  "line": 3,
                  "column": 17,
                  "end_line": 3,
                  "end_column": 29,
                  "text": ""
                }
              ],
              "help": [
                "did you mean `data-engineer`?"
              ]
            },
            {
              "code": "unknown-key",
              "severity": "error",
              "message": "step `a` has no key `promt`",
              "places": [
                {
                  "file": "one.yaml",
                  "line": 3,
                  "column": 31,
                  "end_line": 3,
                  "end_column": 36,
                  "text": ""
                }
              ],
              "help": [
                "did you mean `prompt`?"
              ]
            }
          ]
        },
        {
          "workflow": "two.yaml",
          "valid": true,
          "steps": 1,
          "diagnostics": []
        },
        {
          "workflow": "nope",
          "valid": false,
          "steps": null,
          "diagnostics": [
            {
              "code": "unreadable",
              "severity": "error",
              "message": "unknown workflow `nope`",
              "places": [],
              "help": [
                "known here: data-contract, data-infrastructure, design-review, end-to-end-ml, framework-bakeoff, incident-review, ml-design-review, ml-system-design, research-to-production",
                "`orchestrate workflows list` shows all of them"
              ]
            }
          ]
        }
      ]
    }
    "#);
}

#[test]
fn a_reference_that_is_not_among_the_needs_is_a_warning_and_valid() {
    let place = Place::new();
    place.write(
        "w.yaml",
        "workflow: w\nsteps:\n  a: { persona: data-engineer, prompt: Go. }\n  b: { persona: mlops-engineer, prompt: \"Read {{ steps.a.text }}\" }\n",
    );
    let outcome = place.run(&["validate", "w.yaml"]);
    assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(0), "ok       w.yaml: 2 steps\n"));
    insta::assert_snapshot!(outcome.stderr, @r#"
    warning[undeclared-need]: step `b` refers to `a` and does not say that it needs it
     --> w.yaml:4:56
      |
    4 |   b: { persona: mlops-engineer, prompt: "Read {{ steps.a.text }}" }
      |                                                        ^
      |
      = help: add `a` to its `needs`; until then it is added for you
    "#);
}

#[test]
fn a_plan_shows_stages_personas_models_and_what_is_missing_and_records_nothing() {
    let place = Place::new().with("COLUMNS", "200");
    let hide = |text: &str| -> String {
        let mut shown = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('≈') {
            shown.push_str(before);
            shown.push_str("≈N");
            rest = after.trim_start_matches(|c: char| c.is_ascii_digit() || c == ',');
        }
        shown + rest
    };
    insta::assert_snapshot!(hide(&place.good(&["plan", "end-to-end-ml"])), @r"
    end-to-end-ml — 5 steps, 4 at a time
    From raw data to a deployed, monitored and reported model.

    Stage 1
      data        data-engineer         no model yet  ≈N tokens

    Stage 2
      analysis    data-scientist-stats  no model yet  ≈N tokens + handoffs of data

    Stage 3
      model       ml-engineer-pytorch   no model yet  ≈N tokens + handoffs of data, analysis
                  └ the task fits none of the choices better; the first is taken

    Stage 4
      operations  mlops-engineer        no model yet  ≈N tokens + handoffs of data, analysis, model

    Stage 5
      report      data-viz-specialist   no model yet  ≈N tokens + handoffs of analysis, model, operations

    5 calls, ≈N tokens of prompts before handoffs
    in all 5 to 9 calls and ≈N to ≈N tokens; repeats after failures come on top

    Missing
      input `task`: give it with --task
      no model is configured: give --model, or --offline for worksheets without a model
    ");
    let offline = ["plan", "end-to-end-ml", "--task", TASK, "--offline"];
    insta::assert_snapshot!(hide(&place.good(&offline)), @r"
    end-to-end-ml — 5 steps, 4 at a time, offline: no model is called
    From raw data to a deployed, monitored and reported model.

    Stage 1
      data        data-engineer         offline:worksheet  ≈N tokens

    Stage 2
      analysis    data-scientist-stats  offline:worksheet  ≈N tokens + handoffs of data

    Stage 3
      model       ml-engineer-pytorch   offline:worksheet  ≈N tokens + handoffs of data, analysis
                  └ the task fits none of the choices better; the first is taken

    Stage 4
      operations  mlops-engineer        offline:worksheet  ≈N tokens + handoffs of data, analysis, model

    Stage 5
      report      data-viz-specialist   offline:worksheet  ≈N tokens + handoffs of analysis, model, operations

    no calls, ≈N tokens of prompts before handoffs
    nothing is missing
    ");
    let json = place.json(&["plan", "design-review", "--format", "json"]);
    assert_eq!(json["schema"], "orchestrate/plan/1");
    assert_eq!(json["steps"].as_array().unwrap().len(), 6);
    assert_eq!(json["missing"].as_array().unwrap().len(), 2);
    assert!(!place.state().exists(), "planning writes nothing");
}

#[test]
fn a_plan_names_the_model_whose_key_is_missing() {
    let place = Place::new();
    let args = ["plan", "end-to-end-ml", "--task", TASK, "--model", "openai:gpt-5-mini"];
    let text = place.good(&args);
    assert_eq!(text.matches("  openai:gpt-5-mini  ≈").count(), 5, "{text}");
    assert!(!text.contains("no model yet"), "{text}");
    assert!(text.contains("\nMissing\n  no API key for `openai:gpt-5-mini`: "), "{text}");
    let json = place.json(&[&args[..], &["--format", "json"]].concat());
    assert_eq!(json["steps"][0]["model"], "openai:gpt-5-mini", "{json}");
    assert_eq!(json["offline"], false);
}

#[test]
fn the_lists_of_personas_that_the_guide_shows_find_some() {
    let guide = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/src/guide/personas.md");
    let guide = std::fs::read_to_string(guide).unwrap();
    let place = with_a_weaver();
    let mut shown = 0;
    for line in guide.lines().filter(|line| line.starts_with("orchestrate personas list")) {
        let command = line.split('#').next().unwrap();
        let words: Vec<&str> = command.split_whitespace().skip(1).collect();
        assert_ne!(place.good(&words), "", "{line}");
        shown += 1;
    }
    assert!(shown > 1);
}

#[test]
fn one_file_that_cannot_be_read_does_not_hide_the_others() {
    let place = Place::new();
    place.write("personas/mine.md", b"caf\xe9");
    place.write("workflows/mine.yaml", b"caf\xe9");
    for (list, other) in [("personas", "data-engineer"), ("workflows", "end-to-end-ml")] {
        let outcome = place.run(&[list, "list"]);
        assert_eq!(outcome.code, Some(3), "{list}");
        assert!(outcome.stdout.contains(other), "{list}");
        assert!(outcome.stderr.contains("is not UTF-8"), "{list}: {}", outcome.stderr);
    }
}

#[test]
fn a_persona_is_shown_by_whatever_it_is_called_and_its_wishes_are_no_warning() {
    let place = Place::new();
    let by_name = place.good(&["personas", "show", "data-engineer"]);
    assert_eq!(place.good(&["personas", "show", "DE"]), by_name);
    assert_eq!(place.good(&["personas", "show", "data engineer"]), by_name);
    let persona = persona_file("data-engineer");
    let persona = persona.replacen("---\n", "---\nmodel: sonnet\n", 1);
    place.write("personas/data-engineer.md", persona);
    for args in [&["personas", "list"][..], &["personas", "show", "data-engineer"]] {
        assert_eq!(place.run(args).stderr, "", "{args:?}");
    }
    assert!(place.run(&["personas", "lint"]).stdout.contains("foreign-model"));
}
