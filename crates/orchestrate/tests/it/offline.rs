//! The main job without a model: `run end-to-end-ml --offline`.

use crate::support::{Place, STEPS, Server, TASK, persona_with_question};

const MAIN_JOB: [&str; 5] = ["run", "end-to-end-ml", "--task", TASK, "--offline"];

/// The sections of a result, by the persona headings that begin them.
fn sections(result: &str) -> Vec<(&str, &str)> {
    let mut rest = result;
    let mut found = Vec::new();
    while let Some(at) = rest.find("\n## ") {
        let from = &rest[at + 4..];
        let end = from.find("\n## ").unwrap_or(from.len());
        let (heading, text) = from[..end].split_once('\n').unwrap_or((&from[..end], ""));
        found.push((heading, text));
        rest = &from[end..];
    }
    found
}

#[test]
fn the_result_has_the_five_deliverables_in_plan_order_under_persona_headings() {
    let result = Place::new().good(&MAIN_JOB);
    let headings: Vec<&str> = sections(&result).into_iter().map(|(heading, _)| heading).collect();
    assert_eq!(
        headings,
        [
            "Data Engineer — data",
            "Data Scientist - Statistical Modeling — analysis",
            "ML Engineer - PyTorch Specialist — model",
            "MLOps Engineer — operations",
            "Data Visualization Specialist — report",
        ]
    );
}

#[test]
fn every_worksheet_is_about_the_task() {
    let result = Place::new().good(&MAIN_JOB);
    for (heading, text) in sections(&result) {
        assert!(text.contains(&format!("> {TASK}\n")), "{heading}");
    }
}

#[test]
fn each_dependent_worksheet_quotes_a_decision_or_figure_of_every_need() {
    let document = Place::new().json(&[&MAIN_JOB[..], &["--format", "json"]].concat());
    let steps = document["steps"].as_array().unwrap();
    assert_eq!(steps.len(), 5);
    let text_of = |id: &str| steps.iter().find(|step| step["step"] == id).unwrap();
    let mut edges = 0;
    for step in steps {
        for need in step["needs"].as_array().unwrap() {
            let need = text_of(need.as_str().unwrap());
            let text = step["text"].as_str().unwrap();
            let origin = format!(
                "## From {} (step `{}`)\n",
                need["persona"].as_str().unwrap(),
                need["step"].as_str().unwrap()
            );
            let (_, came_in) = text.split_once(&origin).expect("a section per need");
            let came_in = came_in.split("\n#").next().unwrap();
            let brief = &need["brief"];
            let decisions = brief["decisions"].as_array().unwrap().iter();
            let figures = brief["figures"].as_array().unwrap().iter();
            let quoted = decisions
                .map(|decision| decision["decision"].as_str().unwrap())
                .chain(figures.map(|figure| figure["name"].as_str().unwrap()))
                .filter(|said| came_in.contains(said))
                .count();
            assert!(quoted > 0, "{} of {}", need["step"], step["step"]);
            edges += 1;
        }
    }
    assert_eq!(edges, 9);
}

#[test]
fn changing_the_task_changes_all_five_worksheets() {
    let place = Place::new();
    let one = place.good(&MAIN_JOB);
    let other =
        place.good(&["run", "end-to-end-ml", "--task", "Predict demand for bicycles", "--offline"]);
    let (one, other) = (sections(&one), sections(&other));
    assert_eq!((one.len(), other.len()), (5, 5));
    for ((heading, text), (_, changed)) in one.into_iter().zip(other) {
        assert_ne!(text, changed, "{heading}");
    }
}

#[test]
fn another_question_of_one_persona_changes_its_worksheet_and_every_dependent_one_and_no_other() {
    let question = "Which day of the week is quietest?";
    let place = Place::new();
    let before = place.good(&MAIN_JOB);
    place.write(
        "personas/ml-engineer-pytorch.md",
        persona_with_question("ml-engineer-pytorch", question),
    );
    let after = place.good(&MAIN_JOB);
    assert_eq!(after.matches(question).count(), 3, "asked once, handed on twice");
    let (before, after) = (sections(&before), sections(&after));
    let changed: Vec<bool> = before.iter().zip(&after).map(|(a, b)| a != b).collect();
    assert_eq!(changed, [false, false, true, true, true]);
}

#[test]
fn two_runs_print_the_same_bytes() {
    let place = Place::new();
    assert_eq!(place.good(&MAIN_JOB), place.good(&MAIN_JOB));
    let elsewhere = Place::new();
    assert_eq!(place.good(&MAIN_JOB), elsewhere.good(&MAIN_JOB));
}

#[test]
fn the_framework_input_chooses_the_persona_of_the_model() {
    let place = Place::new();
    for (framework, title) in [
        ("pytorch", "ML Engineer - PyTorch Specialist"),
        ("tensorflow", "ML Engineer - TensorFlow Specialist"),
        ("jax", "ML Engineer - JAX Specialist"),
    ] {
        let input = format!("framework={framework}");
        let result = place.good(&[&MAIN_JOB[..], &["-i", &input]].concat());
        assert!(result.contains(&format!("\n## {title} — model\n")), "{framework}");
    }
    let auto =
        place.good(&["run", "end-to-end-ml", "--offline", "-t", "Port our TensorFlow Keras model"]);
    assert!(auto.contains("\n## ML Engineer - TensorFlow Specialist — model\n"));
}

#[test]
fn the_output_folder_holds_each_deliverable_the_report_and_a_note_that_no_model_was_called() {
    let place = Place::new();
    let outcome = place.run(&[&MAIN_JOB[..], &["--output", "out"]].concat());
    assert_eq!(outcome.code, Some(0));
    let mut names: Vec<String> = std::fs::read_dir(place.work().join("out"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(
        names,
        [
            "1-data.md",
            "2-analysis.md",
            "3-model.md",
            "4-operations.md",
            "5-report.md",
            "OFFLINE.md",
            "report.md"
        ]
    );
    for (at, (step, _)) in STEPS.iter().enumerate() {
        let text = place.read(&format!("out/{}-{step}.md", at + 1));
        assert!(text.lines().next().unwrap().contains("no model was called"), "{step}");
    }
    let report = place.read("out/report.md");
    let headings: Vec<&str> = sections(&report)
        .into_iter()
        .map(|(heading, _)| heading)
        .filter(|heading| heading.contains(" — "))
        .collect();
    assert_eq!(headings.len(), 5, "{headings:?}");
    assert!(place.read("out/OFFLINE.md").starts_with("# No model was called\n"));
    assert!(outcome.stderr.contains("written to "), "{}", outcome.stderr);
}

#[test]
fn a_run_with_a_model_takes_the_offline_note_out_of_the_folder_and_names_what_others_left_there() {
    let server = Server::start(|request| match crate::support::who(request).as_str() {
        "mlops-engineer" => orchestrate_testkit::reply::Reply::error(400, "odd", "no"),
        _ => orchestrate_testkit::behaviour::echo()(request),
    });
    let place = Place::beside(&server);
    place.write("out/notes.md", "mine");
    place.write("out/1-other.md", "of another workflow");
    place.good(&[&MAIN_JOB[..], &["--output", "out"]].concat());
    let paid = ["run", "end-to-end-ml", "--task", TASK, "--model", "openai:m", "--output", "out"];
    let outcome = place.run(&paid);
    assert_eq!(outcome.code, Some(1), "{}", outcome.stderr);
    assert!(!place.work().join("out/OFFLINE.md").exists());
    let beside = "\nbeside files that this run did not write: `1-other.md`, `4-operations.md`, `5-report.md`\n";
    assert!(outcome.stderr.contains(beside), "{}", outcome.stderr);
    assert_eq!(place.read("out/notes.md"), "mine");
    place.write("out/OFFLINE.md", "mine as well");
    place.run(&paid);
    assert_eq!(place.read("out/OFFLINE.md"), "mine as well");
}

#[test]
fn the_next_command_names_a_workflow_as_it_is_found() {
    let place = Place::new();
    place.write(
        "workflows/wl.yaml",
        "workflow: change-report\nsteps:\n  a: { persona: data-engineer, prompt: Report. }\n",
    );
    for (given, found) in [("workflows/wl.yaml", "workflows/wl.yaml"), ("wl", "wl")] {
        let outcome = place.run(&["run", given, "--offline"]);
        let next = format!("\nnext: orchestrate run {found} --model ");
        assert!(outcome.stderr.contains(&next), "{}", outcome.stderr);
    }
    let outcome = place.run(&["validate", "wl"]);
    assert_eq!(outcome.code, Some(0));
    insta::assert_snapshot!(outcome.stderr, @r"
    warning[other-name]: the workflow `change-report` lies in a file named `wl`
     --> [ROOT]/repo/workflows/wl.yaml:1:11
      |
    1 | workflow: change-report
      |           ^^^^^^^^^^^^^
      |
      = help: `run` finds it by the file: name the file `change-report.yaml`, or write `workflow: wl`
    ");
}

#[test]
fn talk_goes_to_standard_error_and_the_result_to_standard_output() {
    let place = Place::new();
    let outcome = place.run(&MAIN_JOB);
    insta::assert_snapshot!(outcome.stderr, @r"
    run [RUN]  end-to-end-ml  5 steps  offline: no model is called
    [0/5] start   data  data-engineer
    [1/5] ok      data  data-engineer  [TIME]
    [1/5] start   analysis  data-scientist-stats
    [2/5] ok      analysis  data-scientist-stats  [TIME]
    [2/5] start   model  ml-engineer-pytorch
    [3/5] ok      model  ml-engineer-pytorch  [TIME]
    [3/5] start   operations  mlops-engineer
    [4/5] ok      operations  mlops-engineer  [TIME]
    [4/5] start   report  data-viz-specialist
    [5/5] ok      report  data-viz-specialist  [TIME]

    steps   5 of 5 finished
    calls   none: offline, no model was called
    time    [TIME]
    status  complete
    next: orchestrate run end-to-end-ml --model openai:gpt-5-mini … for answers, with OPENAI_API_KEY set
    ");
    assert!(!outcome.stderr.contains("Worksheet of"));
    for talk in ["[1/5]", "steps   ", "next: ", "status  "] {
        assert!(!outcome.stdout.contains(talk), "{talk}");
    }
    let quiet = place.run(&[&MAIN_JOB[..], &["--progress", "quiet"]].concat());
    assert_eq!((quiet.stderr.as_str(), quiet.stdout), ("", outcome.stdout));
}

#[test]
fn nothing_but_a_terminal_gets_escape_sequences() {
    for place in [Place::new(), Place::new().with("NO_COLOR", "").with("TERM", "xterm-256color")] {
        for args in [&MAIN_JOB[..], &["run", "nope"], &["runs", "list"], &["--help"]] {
            let outcome = place.run(args);
            assert!(!outcome.stdout.contains('\u{1b}'), "{args:?}");
            assert!(!outcome.stderr.contains('\u{1b}'), "{args:?}");
        }
    }
}

#[test]
fn escape_sequences_of_a_task_are_shown_and_not_obeyed() {
    let place = Place::new().with("COLUMNS", "200");
    let task = "red \u{1b}[31malert\u{7} \u{202e}mirror";
    let outcome = place.run(&["run", "end-to-end-ml", "--offline", "--task", task]);
    for text in [&outcome.stdout, &outcome.stderr, &place.good(&["runs", "list"])] {
        for hidden in ['\u{1b}', '\u{7}', '\u{202e}'] {
            assert!(!text.contains(hidden), "{hidden:?}");
        }
    }
    assert!(place.good(&["runs", "list"]).contains("red \\u{1b}[31malert\\u{7} \\u{202e}mirror"));
}

#[test]
fn in_ci_log_commands_of_a_task_lose_their_power() {
    let task = "Look:\n::error::owned\n##vso[task.setvariable]x\n##[group]y\n";
    let args = ["run", "end-to-end-ml", "--offline", "--task", task];
    let place = Place::new().with("CI", "true");
    let asked = place.run(&args);
    let json = place.good(&[&args[..], &["--format", "json"]].concat());
    let jsonl = place.good(&[&args[..], &["--format", "jsonl"]].concat());
    let shown = place.good(&["runs", "show"]);
    for text in [&asked.stdout, &asked.stderr, &json, &jsonl, &shown] {
        assert!(!text.contains("##[") && !text.contains("##vso["), "{text}");
        assert!(!text.lines().any(|line| line.trim_start().starts_with("::")), "{text}");
    }
    assert!(asked.stdout.contains("\\u{23}#[group]y"), "the words themselves stay");
    let read: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(read["task"], task, "escapes in JSON read the same");
}

#[test]
fn a_task_comes_from_a_file_or_from_standard_input() {
    let place = Place::new();
    let given = place.good(&MAIN_JOB);
    place.write("task.txt", TASK);
    let from_file = place.good(&["run", "end-to-end-ml", "--task", "@task.txt", "--offline"]);
    let piped = place.run_with_input(&["run", "end-to-end-ml", "--task", "-", "--offline"], TASK);
    assert_eq!((piped.code, piped.stdout), (Some(0), given.clone()));
    assert_eq!(from_file, given);
}

#[test]
fn design_review_prints_its_output_alone() {
    let place = Place::new();
    place.write("design.md", "# A design\n\nWe keep all events in one table.\n");
    let args = ["run", "design-review", "-i", "document=@design.md", "--offline"];
    let result = place.good(&args);
    assert!(result.lines().next().unwrap().contains("no model was called"));
    assert!(result.contains("We keep all events in one table."));
    let document = place.json(&[&args[..], &["--format", "json"]].concat());
    assert_eq!(document["outputs"].as_object().unwrap().len(), 1);
    assert!(document["outputs"]["review"].as_str().unwrap().contains("Project Architect"));
}

#[test]
fn the_sample_in_the_readme_is_what_its_first_command_prints() {
    let readme = concat!(env!("CARGO_MANIFEST_DIR"), "/../../README.md");
    let readme = std::fs::read_to_string(readme).unwrap();
    assert!(readme.contains(&format!("-- run end-to-end-ml --task \"{TASK}\" --offline\n")));
    let (_, sample) = readme.split_once("<!-- sample -->\n```text\n").expect("a sample");
    let (sample, _) = sample.split_once("\n```\n").expect("its end");
    let result = Place::new().good(&MAIN_JOB);
    let mut lines = result.lines();
    // An ellipsis stands for lines that were left out.
    for line in sample.lines().filter(|line| *line != "…") {
        assert!(lines.any(|printed| printed == line), "not printed, or not in this order: {line}");
    }
    assert!(sample.lines().count() > 10);
}
