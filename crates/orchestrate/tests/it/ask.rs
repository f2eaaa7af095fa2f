//! `ask`: the personas that a task calls for, or those that are named, answer it as an ordinary run.

use serde_json::Value;

use crate::support::{Place, Server, answer, persona_file, who};

/// A task for the data engineer.
const TASK: &str = "Tune the slow SQL queries of our Postgres warehouse";
/// A task with parts for two.
const TWO: &str = "Predict churn from our Postgres events and deploy the model with CI/CD";

/// What was said, apart from what a run says of its end.
fn first_lines(text: &str, count: usize) -> String {
    text.lines().take(count).collect::<Vec<_>>().join("\n")
}

/// A server that chooses `choice` and answers everything else like `Server::echo`.
fn choosing(choice: &'static str) -> Server {
    let echo = orchestrate_testkit::behaviour::echo();
    Server::start(move |request| {
        if who(request).starts_with("You decide who") {
            answer(choice, "x").reply_to(request)
        } else {
            echo(request)
        }
    })
}

#[test]
fn the_persona_that_fits_answers_and_the_reason_is_told_and_recorded() {
    let server = Server::echo();
    let place = Place::beside(&server);
    let outcome = place.run(&["ask", TASK, "-m", "openai:m"]);
    assert_eq!((outcome.code, server.asked()), (Some(0), vec!["data-engineer".to_owned()]));
    insta::assert_snapshot!(outcome.stderr, @r#"
    asking data-engineer (the task speaks of warehouse, Postgres, SQL, queries, slow; score 3.617); runner-up elasticsearch-expert, 2.551 behind: it has less on warehouse, Postgres, SQL
    run [RUN]  ask  1 step  openai:m
    [0/1] start   answer  data-engineer
    [1/1] ok      answer  data-engineer  [TIME]  [N] tok

    steps   1 of 1 finished
    calls   1 sent
    tokens  [N] in, [N] out
    time    [TIME]
    status  complete
    next: orchestrate rerun [RUN] answer -m "your remark" to have it reworked
    "#);
    assert!(outcome.stdout.starts_with("## Data Engineer — answer\n"), "{}", outcome.stdout);
    insta::assert_snapshot!(place.good(&["runs", "show"]), @r"
    run [RUN]  ask  ok
    task: Tune the slow SQL queries of our Postgres warehouse
    asked: data-engineer (the task speaks of warehouse, Postgres, SQL, queries, slow; score 3.617); runner-up elasticsearch-expert, 2.551 behind: it has less on warehouse, Postgres, SQL

      ok         answer  data-engineer  [N] tok

    steps   1 of 1 finished
    calls   1 sent
    tokens  [N] in, [N] out
    time    [TIME]
    status  complete
    ");
    let shown = place.json(&["runs", "show", "--format", "json"]);
    let selection = &shown["selection"];
    assert_eq!(shown["workflow"], "ask");
    assert_eq!(
        (&selection["by"], &selection["selected"][0]["name"]),
        (&Value::from("terms"), &Value::from("data-engineer"))
    );
    assert!(selection["selected"][0]["score"].as_f64().unwrap() > 0.5, "{selection}");
    assert!(!selection["runner_up"].is_null(), "{selection}");
    let report = place.good(&["runs", "show", "--format", "markdown"]);
    assert!(report.contains("- Personas: data-engineer (the task speaks of "), "{report}");
}

#[test]
fn the_same_question_is_paid_for_once() {
    let server = Server::echo();
    let place = Place::beside(&server);
    let first = place.good(&["ask", TASK, "-m", "openai:m"]);
    let second = place.run(&["ask", TASK, "-m", "openai:m"]);
    assert_eq!((second.code, server.count()), (Some(0), 1));
    assert_eq!(second.stdout, first);
    assert!(second.stderr.contains("calls   0 sent, 1 answer used again"), "{}", second.stderr);
    place.good(&["ask", TASK, "-m", "openai:m", "--fresh"]);
    assert_eq!(server.count(), 2);
}

#[test]
fn a_task_that_fits_nobody_asks_nobody() {
    let server = Server::echo();
    let place = Place::beside(&server);
    insta::assert_snapshot!(place.refused(&["ask", "Write a birthday poem for my aunt", "-m", "openai:m"]), @r"
    exit 3
    error: no persona fits the task well enough
    help: nearest: ml-engineer-jax (score 0.02: Write); ml-engineer-pytorch (score 0.015: Write); data-engineer (score 0.012: Write)
    help: choose yourself: --persona NAME, several with commas between them
    help: or say more of what is wanted; `orchestrate personas list` shows who there is
    ");
    insta::assert_snapshot!(place.refused(&["ask", "zzz", "--offline"]), @r"
    exit 3
    error: no persona fits the task: it shares no word with any of them
    help: choose yourself: --persona NAME, several with commas between them
    help: or say more of what is wanted; `orchestrate personas list` shows who there is
    ");
    assert_eq!(server.count(), 0);
    assert!(!place.state().join("runs").exists(), "nothing is recorded");
}

#[test]
fn a_persona_is_called_by_title_abbreviation_or_alias() {
    let place = Place::new();
    for (called, name) in [
        ("data-engineer", "data-engineer"),
        ("Data Engineer", "data-engineer"),
        ("de", "data-engineer"),
        ("DATA_ENGINEER", "data-engineer"),
        ("tech lead", "project-architect"),
    ] {
        let shown =
            place.json(&["ask", "Anything at all", "-p", called, "--offline", "--format", "json"]);
        assert_eq!(shown["steps"][0]["persona"], name, "{called}");
        assert_eq!(shown["selection"]["by"], "user");
    }
}

#[test]
fn every_name_that_calls_nobody_is_told_at_once() {
    let place = Place::new();
    let args = [
        "ask",
        TASK,
        "-p",
        "data-enginer,mlops-engineer",
        "-p",
        "Projekt Architect,zebra,yak",
        "--offline",
    ];
    insta::assert_snapshot!(place.refused(&args), @r"
    exit 3
    error: unknown persona `data-enginer`
    help: did you mean `data-engineer`?
    error: unknown persona `Projekt Architect`
    help: did you mean `project-architect`?
    error: unknown persona `zebra`
    error: unknown persona `yak`
    help: known here: data-ai-engineer, data-engineer, data-scientist-stats, data-viz-specialist, elasticsearch-expert, ml-engineer, ml-engineer-jax, ml-engineer-pytorch, ml-engineer-tensorflow, mlops-engineer, project-architect, pytorch-researcher, redis-caching, tensorflow-ml
    help: `orchestrate personas list` shows all of them
    ");
    insta::assert_snapshot!(place.refused(&["ask", TASK, "-p", "data-engineer,,", "--offline"]), @r"
    exit 2
    error: --persona has an empty name
    help: write it as --persona data-engineer, or --persona data-engineer,mlops-engineer
    ");
}

#[test]
fn several_answer_beside_each_other_and_one_consolidates() {
    let server = Server::answering_in_company_of(2);
    let place = Place::beside(&server);
    let outcome =
        place.run(&["ask", "Ship it", "-p", "data-engineer,MLOps Engineer", "-m", "openai:m"]);
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    let mut asked = server.asked();
    asked[..2].sort();
    assert_eq!(asked, ["data-engineer", "mlops-engineer", "project-architect"]);
    let requests = server.requests();
    let message = |name: &str| {
        let request = requests.iter().find(|request| who(request) == name).unwrap();
        request.message("user").to_owned()
    };
    assert!(message("data-engineer").contains("- MLOps Engineer (`mlops-engineer`): "));
    assert!(message("mlops-engineer").contains("- Data Engineer (`data-engineer`): "));
    let last = message("project-architect");
    for part in
        ["# Echo ", "- Data Engineer (`data-engineer`): DE1", "kept", "merged", "contested", "Open"]
    {
        assert!(last.contains(part), "{part}: {last}");
    }
    assert!(
        outcome.stdout.starts_with(
            "**Project Architect** on what the others contribute: Data Engineer (DE), "
        ),
        "{}",
        outcome.stdout
    );
    assert_eq!(outcome.stdout.matches("# Echo ").count(), 1, "one answer and not three");
}

#[test]
fn a_task_with_parts_for_two_is_asked_of_both_or_of_the_best() {
    let place = Place::new();
    let outcome = place.run(&["ask", TWO, "--offline"]);
    insta::assert_snapshot!(first_lines(&outcome.stderr, 2), @r"
    asking mlops-engineer (the task speaks of CI CD, deploy, model; score 1.343), data-engineer (the task speaks of Postgres, events, model; score 0.883); runner-up data-scientist-stats, 0.94 behind: it has less on CI CD, deploy
    run [RUN]  ask  3 steps  offline: no model is called
    ");
    let outcome = place.run(&["ask", TWO, "--offline", "--top"]);
    insta::assert_snapshot!(first_lines(&outcome.stderr, 2), @r"
    asking mlops-engineer (the task speaks of CI CD, deploy, model; score 1.343); runner-up data-engineer, 0.46 behind
    run [RUN]  ask  1 step  offline: no model is called
    ");
}

#[test]
fn whom_the_task_does_not_want_does_not_consolidate() {
    let place = Place::new();
    let task = "data-engineer and mlops-engineer, without the project architect: plan the backfill";
    let shown = place.json(&["ask", task, "--offline", "--format", "json"]);
    let personas: Vec<&str> = shown["steps"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|step| step["persona"].as_str())
        .collect();
    assert_eq!(personas, ["data-engineer", "mlops-engineer", "data-engineer"]);
    assert_eq!(shown["selection"]["refused"][0], "project-architect");
}

#[test]
fn an_interrupted_question_goes_on_and_one_answer_can_be_reworked() {
    let server = Server::echo();
    let place = Place::beside(&server);
    let ask = ["ask", "Ship it", "-p", "data-engineer,mlops-engineer", "-m", "openai:m"];
    let capped = place.run(&[&ask[..], &["--max-calls", "2"]].concat());
    assert_eq!((capped.code, server.count()), (Some(8), 2), "{}", capped.stderr);
    let resumed = place.run(&["resume", "--max-calls", "9"]);
    assert_eq!((resumed.code, server.count()), (Some(0), 3), "{}", resumed.stderr);
    assert!(!resumed.stderr.contains("changed since"), "{}", resumed.stderr);
    let id = place.run_ids().remove(0);
    let rerun = place.run(&["rerun", &id, "data-engineer", "-m", "Shorter"]);
    assert_eq!((rerun.code, server.count()), (Some(0), 5), "{}", rerun.stderr);
    let shown = place.json(&["runs", "show", "--format", "json"]);
    assert_eq!(shown["selection"]["by"], "user", "a rerun keeps how it was chosen");
}

#[test]
fn an_edited_persona_is_told_when_a_question_goes_on() {
    let server = Server::echo();
    let place = Place::beside(&server);
    let ask = [
        "ask",
        "Ship it",
        "-p",
        "data-engineer,mlops-engineer",
        "-m",
        "openai:m",
        "--max-calls",
        "2",
    ];
    place.run(&ask);
    let edited =
        persona_file("data-engineer").replace("title: Data Engineer", "title: Data Person");
    place.write("personas/data-engineer.md", edited);
    let resumed = place.run(&["resume", "--max-calls", "9"]);
    insta::assert_snapshot!(first_lines(&resumed.stderr, 2), @r"
    warning: changed since the run began: workflow `ask`, persona `data-engineer`
    help: the run goes on with what it began with; `orchestrate rerun [RUN]` takes the new files
    ");
}

#[test]
fn a_model_chooses_from_the_list_in_a_run_of_its_own_and_is_asked_once() {
    let server = choosing("mlops-engineer");
    let place = Place::beside(&server);
    let ask = ["ask", "Keep it alive", "--with-model", "-m", "openai:m"];
    let outcome = place.run(&ask);
    assert_eq!((outcome.code, server.count()), (Some(0), 2), "{}", outcome.stderr);
    insta::assert_snapshot!(outcome.stderr, @r#"
    run [RUN]  choose-persona  1 step  openai:m
    [0/1] start   choice  persona-chooser
    [1/1] ok      choice  persona-chooser  [TIME]  [N] tok
    asking mlops-engineer (chosen by a model in run [RUN])
    run [RUN]  ask  1 step  openai:m
    [0/1] start   answer  mlops-engineer
    [1/1] ok      answer  mlops-engineer  [TIME]  [N] tok

    steps   1 of 1 finished
    calls   1 sent
    tokens  [N] in, [N] out
    time    [TIME]
    status  complete
    next: orchestrate rerun [RUN] answer -m "your remark" to have it reworked
    "#);
    let request = &server.requests()[0];
    assert!(request.message("user").contains("(`redis-caching`): "), "the list holds others too");
    assert!(request.message("user").contains("Keep it alive"));
    assert!(outcome.stdout.starts_with("## MLOps Engineer — answer"), "the choice is no result");
    assert_eq!((place.run(&ask).code, server.count()), (Some(0), 2), "nothing is paid for twice");
    let chosen_in = &place.json(&["runs", "show", "--format", "json"])["selection"]["chosen_in"];
    assert!(place.run_ids().iter().any(|id| chosen_in == id.as_str()), "{chosen_in}");
}

#[test]
fn a_choice_that_is_not_on_the_list_is_a_failure_and_is_not_used_again() {
    let server = choosing("chief-vibes-officer");
    let place = Place::beside(&server);
    let ask = ["ask", "Keep it alive", "--with-model", "-m", "openai:m", "--progress", "quiet"];
    insta::assert_snapshot!(place.refused(&ask), @r"
    exit 1
    error: the model chose no persona of the list: the answer names `chief-vibes-officer`, which is not on the list
    help: it could choose: elasticsearch-expert, ml-engineer-tensorflow, project-architect, mlops-engineer, redis-caching, data-ai-engineer, data-engineer, data-scientist-stats, data-viz-specialist, ml-engineer, ml-engineer-jax, ml-engineer-pytorch
    help: `orchestrate runs show [RUN] --result` prints its answer
    help: try another model, leave --with-model out, or choose yourself with `ask --persona NAME`
    ");
    assert_eq!(server.count(), 1);
    place.refused(&ask);
    assert_eq!(server.count(), 2, "the model is asked anew");
}

#[test]
fn a_model_may_find_that_nobody_fits() {
    let server = choosing("none");
    let place = Place::beside(&server);
    insta::assert_snapshot!(place.refused(&["ask", TASK, "--with-model", "-m", "openai:m", "--progress", "quiet"]), @r"
    exit 3
    error: the model finds that none of 12 personas fits the task (run [RUN])
    help: nearest: data-engineer (score 3.617: warehouse, Postgres, SQL, queries, slow); elasticsearch-expert (score 1.066: queries, slow, Tune); tensorflow-ml (score 0.184: Tune)
    help: choose yourself: --persona NAME, several with commas between them
    help: or say more of what is wanted; `orchestrate personas list` shows who there is
    ");
    assert_eq!(server.count(), 1);
}

#[test]
fn caps_hold_for_choosing_and_answering_together() {
    let server = choosing("data-engineer");
    let place = Place::beside(&server);
    let ask = ["ask", TASK, "--with-model", "-m", "openai:m", "--progress", "quiet", "--max-calls"];
    insta::assert_snapshot!(place.refused(&[&ask[..], &["1"]].concat()), @r"
    exit 8
    error: choosing the persona has used up the cap
    help: raise --max-calls, --max-tokens or --budget; the choice is paid for and kept
    ");
    assert_eq!(
        place.run(&[&ask[..], &["1"]].concat()).code,
        Some(0),
        "the choice is paid for by now"
    );
    assert_eq!(server.count(), 2);
}

#[test]
fn whom_the_task_names_is_no_question_for_a_model() {
    let server = choosing("none");
    let place = Place::beside(&server);
    place.good(&["ask", "mlops-engineer: keep it alive", "--with-model", "-m", "openai:m"]);
    assert_eq!(server.asked(), ["mlops-engineer"]);
}

#[test]
fn a_task_comes_from_a_file_or_standard_input_as_well() {
    let place = Place::new();
    place.write("task.md", TASK);
    for outcome in [
        place.run(&["ask", "@task.md", "--offline"]),
        place.run_with_input(&["ask", "-", "--offline"], TASK),
        place.run(&["ask", "tune", "our", "SQL", "warehouse", "--offline"]),
    ] {
        assert!(outcome.stderr.starts_with("asking data-engineer"), "{}", outcome.stderr);
    }
    for args in [
        &["ask", ""][..],
        &["ask", "  \n"],
        &["ask"],
        &["ask", TASK, "--with-model", "--offline"],
        &["ask", TASK, "--top", "-p", "de"],
    ] {
        assert!(place.refused(args).starts_with("exit 2\n"), "{args:?}");
    }
    insta::assert_snapshot!(place.refused(&["ask", "@gone.md"]), @r"
    exit 3
    error: the task: reading `gone.md`: No such file or directory (os error [N])
    help: a path starts from the folder you are in; a text that begins with `@` can be piped to `-`
    ");
    insta::assert_snapshot!(place.refused(&["ask", TASK]), @r#"
    exit 4
    asking data-engineer (the task speaks of warehouse, Postgres, SQL, queries, slow; score 3.617); runner-up elasticsearch-expert, 2.551 behind: it has less on warehouse, Postgres, SQL
    error: no model is configured
    help: choose one of these:
          --offline                    compose the team's worksheets, without a model, key or network
          --model openai:gpt-5-mini    with OPENAI_API_KEY in the environment
          --model openai:NAME          with OPENAI_BASE_URL: any OpenAI-compatible server, local ones too
          --model anthropic:NAME       with ANTHROPIC_API_KEY; gemini:, azure:, ollama: and more: see `orchestrate doctor`
    help: or set it once: in orchestrate/config.toml of your config folder, [models] default = "openai:gpt-5-mini"
    "#);
}

#[test]
fn the_workflow_behind_a_question_can_be_read_checked_and_copied() {
    let place = Place::new();
    let name = "ask:data-engineer+mlops-engineer";
    let source = place.good(&["workflows", "show", name, "--source"]);
    place.write("team.yaml", &source);
    let by_name = place.json(&["run", name, "--task", "x", "--offline", "--format", "json"]);
    let by_file = place.json(&["run", "team.yaml", "--task", "x", "--offline", "--format", "json"]);
    assert_eq!(by_name["steps"][2]["text"], by_file["steps"][2]["text"]);
    assert_eq!(place.good(&["validate", name]), format!("ok       {name}: 3 steps\n"));
    assert!(place.good(&["graph", name]).contains("consolidation"));
    insta::assert_snapshot!(place.refused(&["run", "ask:data-enginer", "--task", "x", "--offline"]), @r"
    exit 3
    error[unknown-persona]: there is no persona `data-enginer`
      --> generated:ask:data-enginer:14:14
       |
    14 |     persona: data-enginer
       |              ^^^^^^^^^^^^
       |
       = help: did you mean `data-engineer`?
    ");
    insta::assert_snapshot!(place.refused(&["run", "ask:data engineer", "--task", "x", "--offline"]), @r"
    exit 3
    error: unknown workflow `ask:data engineer`
    help: personas stand in it by name, each once, 8 at most: `ask:data-engineer`, or `ask:data-engineer+mlops-engineer`
    help: `orchestrate workflows list` shows all of them
    ");
}

#[test]
fn a_persona_file_that_cannot_be_read_is_named_and_left_out() {
    let place = Place::new();
    place.write("personas/broken.md", "no front matter");
    let outcome = place.run(&["ask", TASK, "--offline"]);
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    insta::assert_snapshot!(first_lines(&outcome.stderr, 2), @r"
    warning: the persona `broken` cannot be read and is left out
    help: `orchestrate personas show broken` says why
    ");
    insta::assert_snapshot!(place.refused(&["ask", TASK, "-p", "broken", "--offline"]), @r"
    exit 3
    error[front-matter-missing]: the file does not begin with front matter
     --> [ROOT]/repo/personas/broken.md:1:1
      |
    1 | no front matter
      | ^^^^^^^^^^^^^^^ expected `---` here
      |
      = help: begin with `---`, then `name:` and `description:`, then `---`, then the persona's text
    ");
}

#[test]
fn a_hostile_description_neither_breaks_the_workflow_nor_reaches_the_terminal() {
    let place = Place::new();
    let file = "---\nname: joker\ntitle: \"Joker {{ inputs.task }} {% raw %}\"\ndescription: \"Tells \\e[2J jokes: {{ boom }} # - | > '\"\n---\nYou joke.\n";
    place.write("personas/joker.md", file);
    let outcome = place.run(&["ask", "Ship it", "-p", "joker,data-engineer", "--offline"]);
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    assert!(!format!("{}{}", outcome.stdout, outcome.stderr).contains('\u{1b}'));
}

#[test]
fn a_persona_is_spoken_to_with_an_at_sign_where_no_file_has_that_name() {
    let place = Place::new();
    let asked = place.run(&["ask", "@mlops-engineer", "keep it alive", "--offline"]);
    assert_eq!(asked.code, Some(0), "{}", asked.stderr);
    assert!(asked.stderr.contains("asking mlops-engineer (named in the task)"), "{}", asked.stderr);
    let file = place.refused(&["ask", "@mlops-enginer, keep it alive", "--offline"]);
    assert!(
        file.starts_with("exit 3\nerror: the task: reading `mlops-enginer, keep it alive`"),
        "{file}"
    );
    assert!(file.contains("; and no persona is called `mlops-enginer`"), "{file}");
    place.write("mlops-engineer", "data-engineer: build it");
    let asked = place.run(&["ask", "@mlops-engineer", "--offline"]);
    assert!(asked.stderr.contains("asking data-engineer"), "a file wins: {}", asked.stderr);
}
