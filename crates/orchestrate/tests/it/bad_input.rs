//! Command lines and inputs that cannot be used.

use crate::support::{Place, Server, TASK};

#[test]
fn an_unknown_workflow_is_refused_with_advice() {
    let place = Place::new();
    insta::assert_snapshot!(place.refused(&["run", "end-to-end-lm", "--offline"]), @r"
    exit 3
    error: unknown workflow `end-to-end-lm`
    help: did you mean `end-to-end-ml`?
    help: `orchestrate workflows list` shows all of them
    ");
    insta::assert_snapshot!(place.refused(&["run", "nope", "--offline"]), @r"
    exit 3
    error: unknown workflow `nope`
    help: known here: data-contract, data-infrastructure, design-review, end-to-end-ml, framework-bakeoff, incident-review, ml-design-review, ml-system-design, research-to-production
    help: `orchestrate workflows list` shows all of them
    ");
    insta::assert_snapshot!(place.refused(&["graph", "design_review"]), @r"
    exit 3
    error: unknown workflow `design_review`
    help: did you mean `design-review`?
    help: `orchestrate workflows list` shows all of them
    ");
}

#[test]
fn a_missing_input_is_a_matter_of_the_command_line() {
    let place = Place::new();
    insta::assert_snapshot!(place.refused(&["run", "end-to-end-ml", "--offline"]), @r#"
    exit 2
    error: input `task` is missing
    help: What to build, with whatever is known about the data and the deadline: give it with `--task "…"`, or `--task @file`
    "#);
    insta::assert_snapshot!(place.refused(&["run", "design-review", "--offline"]), @r"
    exit 2
    error: input `document` is missing
    help: The design document or diff to review: give it with `-i document=@path`
    ");
}

#[test]
fn wrong_inputs_are_all_told_at_once() {
    let place = Place::new();
    let run = |inputs: &[&str]| {
        let args = ["run", "end-to-end-ml", "--task", "x", "--offline"];
        place.refused(&[&args[..], inputs].concat())
    };
    insta::assert_snapshot!(run(&["-i", "framework=torch", "-i", "framwork=jax"]), @r"
    exit 3
    error: the workflow has no input `framwork`
    help: did you mean `framework`?
    error: input `framework` is of type enum, and `torch` is not
    help: did you mean `pytorch`?
    ");
    insta::assert_snapshot!(run(&["-i", "bad", "-i", "=y"]), @r"
    exit 2
    error: `bad` is no input
    help: write it as name=value
    error: `=y` is no input
    help: write it as name=value
    ");
    insta::assert_snapshot!(run(&["-i", "task=y"]), @r"
    exit 2
    error: the input `task` is given twice
    ");
    insta::assert_snapshot!(
        place.refused(&["run", "design-review", "--offline", "-i", "document=text"]),
        @r"
    exit 3
    error: input `document` is a file, and a text was given
    help: write `-i document=@path`, or `-i document=@-` for standard input
    "
    );
}

#[test]
fn typed_inputs_are_checked_against_their_types() {
    let place = Place::new();
    place.write(
        "typed.yaml",
        "workflow: typed
inputs:
  count: { type: integer, default: 3 }
  share: { type: number, default: 0.5 }
  strict: { type: boolean, default: true }
steps:
  data: { persona: data-engineer, prompt: \"{{ inputs.count }} {{ inputs.share }} {{ inputs.strict }}\" }
",
    );
    let args = ["run", "typed.yaml", "--offline"];
    let wrong = ["-i", "count=many", "-i", "share=half", "-i", "strict=maybe"];
    insta::assert_snapshot!(place.refused(&[&args[..], &wrong].concat()), @r"
    exit 3
    error: input `count` is of type integer, and `many` is not
    help: give a whole number of 64 bits
    error: input `share` is of type number, and `half` is not
    help: give a number such as `0.5`
    error: input `strict` is of type boolean, and `maybe` is not
    help: give `true` or `false`
    ");
    let good = ["-i", "count=-4", "-i", "share=1e-3", "-i", "strict=false"];
    assert!(place.good(&[&args[..], &good].concat()).contains("> -4 0.001 false"));
}

#[test]
fn an_input_file_that_cannot_be_read_is_named() {
    let place = Place::new();
    place.write("folder/file.md", "text");
    place.write("latin1.md", b"caf\xe9");
    place.write("large.md", vec![b'x'; 8 * 1024 * 1024 + 1]);
    let review = |document: &str| {
        place.refused(&["run", "design-review", "--offline", "-i", &format!("document={document}")])
    };
    insta::assert_snapshot!(review("@nope.md"), @r"
    exit 3
    error: input `document`: reading `nope.md`: No such file or directory (os error [N])
    help: a path starts from the folder you are in; a text that begins with `@` can be piped to `--task -`
    ");
    insta::assert_snapshot!(review("@folder"), @r"
    exit 3
    error: input `document`: `folder` is a folder, not a file
    help: name a file in it
    ");
    insta::assert_snapshot!(review("@latin1.md"), @r"
    exit 3
    error: input `document`: `latin1.md` is not UTF-8 (first wrong byte at offset 3)
    help: save the file as UTF-8
    ");
    insta::assert_snapshot!(review("@large.md"), @r"
    exit 3
    error: input `document`: `large.md` is larger than 8 MiB
    help: shorten it, or keep only the part that matters
    ");
    let args = ["run", "end-to-end-ml", "--offline", "--task", "@latin1.md"];
    insta::assert_snapshot!(place.refused(&args), @r"
    exit 3
    error: input `task`: `latin1.md` is not UTF-8 (first wrong byte at offset 3)
    help: save the file as UTF-8
    ");
}

#[test]
fn beside_a_file_that_cannot_be_read_everything_else_that_is_wrong_is_told() {
    let place = Place::new();
    place.write(
        "w.yaml",
        "workflow: w
inputs: { a: file, n: integer, m: { type: integer }, task: string }
steps: { data: { persona: data-engineer, prompt: Go. } }
",
    );
    let wrong = ["w.yaml", "--offline", "-i", "a=@missing", "-i", "n=many", "-i", "x=1"];
    insta::assert_snapshot!(place.refused(&[&["run"], &wrong[..]].concat()), @r#"
    exit 3
    error: input `a`: reading `missing`: No such file or directory (os error [N])
    help: a path starts from the folder you are in; a text that begins with `@` can be piped to `--task -`
    error: the workflow has no input `x`
    help: known here: a, n, m, task
    error: input `n` is of type integer, and `many` is not
    help: give a whole number of 64 bits
    error: input `m` is missing
    help: give it with `-i m=…`
    error: input `task` is missing
    help: give it with `--task "…"`, or `--task @file`
    "#);
    // What is missing is part of a plan.
    let said = place.refused(&[&["plan"], &wrong[..]].concat());
    assert!(said.contains("`many` is not") && !said.contains("is missing"), "{said}");
    // Nobody knows what a file would have given.
    let said =
        place.refused(&["run", "w.yaml", "--offline", "--inputs", "no.yaml", "-i", "n=many"]);
    assert!(said.contains("`many` is not") && !said.contains("is missing"), "{said}");
}

#[test]
fn standard_input_can_be_given_once() {
    let place = Place::new();
    let args = ["run", "design-review", "--offline", "--task", "-", "-i", "document=@-"];
    let said = place.refused(&args);
    assert!(said.contains("standard input is given to both `task` and `document`"), "{said}");
}

#[test]
fn without_a_model_the_choices_are_told_and_nothing_runs() {
    let place = Place::new();
    insta::assert_snapshot!(place.refused(&["run", "end-to-end-ml", "--task", TASK]), @r#"
    exit 4
    error: no model is configured
    help: choose one of these:
          --offline                    compose the team's worksheets, without a model, key or network
          --model openai:gpt-5-mini    with OPENAI_API_KEY in the environment
          --model openai:NAME          with OPENAI_BASE_URL: any OpenAI-compatible server, local ones too
          --model anthropic:NAME       with ANTHROPIC_API_KEY; gemini:, azure:, ollama: and more: see `orchestrate doctor`
    help: or set it once: in orchestrate/config.toml of your config folder, [models] default = "openai:gpt-5-mini"
    "#);
    assert!(!place.state().join("runs").exists());
}

#[test]
fn a_model_that_cannot_be_used_is_refused_with_advice() {
    let place = Place::new();
    let run = |model: &str| place.refused(&["run", "end-to-end-ml", "--task", "x", "-m", model]);
    insta::assert_snapshot!(run("gpt"), @r"
    exit 3
    error: unknown model `gpt`
    help: write `provider:model`, such as `openai:gpt`, or an alias from [models] of your config
    ");
    insta::assert_snapshot!(run("openia:gpt-5-mini"), @r"
    exit 3
    error: unknown provider `openia` in model `openia:gpt-5-mini`
    help: did you mean `openai:gpt-5-mini`?
    ");
    insta::assert_snapshot!(run("openai:gpt-5-mini"), @r"
    exit 4
    error: no API key for `openai:gpt-5-mini`
    help: set the environment variable `OPENAI_API_KEY`; keys are made at https://platform.openai.com/api-keys
    ");
    insta::assert_snapshot!(run("openai:"), @r"
    exit 3
    error: unknown model `openai:`
    help: a model is `provider:model`, such as `openai:gpt-5-mini`, or an alias from [models] of your config
    ");
    insta::assert_snapshot!(run(""), @r"
    exit 3
    error: unknown model ``
    help: a model is `provider:model`, such as `openai:gpt-5-mini`, or an alias from [models] of your config
    ");
    let place = place.with("OPENAI_BASE_URL", "not a url").with("OPENAI_API_KEY", "k");
    insta::assert_snapshot!(
        place.refused(&["run", "end-to-end-ml", "--task", "x", "-m", "openai:m"]),
        @r"
    exit 3
    error: setting up provider `openai`: the base URL of provider `openai` is not an http or https URL
    help: write it like https://api.example.com/v1
    "
    );
    let place = place.with("OPENAI_BASE_URL", "https://me:secret@models.example/v1");
    let said = place.refused(&["run", "end-to-end-ml", "--task", "x", "-m", "openai:m"]);
    assert!(!said.contains("secret"), "{said}");
    insta::assert_snapshot!(said, @r"
    exit 3
    error: setting up provider `openai`: the base URL of provider `openai` holds credentials
    help: give the key by itself, not in the URL
    ");
}

#[test]
fn an_output_that_is_a_file_is_refused_before_anything_is_sent() {
    let server = Server::echo();
    let place = Place::beside(&server);
    place.write("taken", "text");
    let args = ["run", "end-to-end-ml", "--task", "x", "-m", "openai:m", "--output", "taken"];
    insta::assert_snapshot!(place.refused(&args), @r"
    exit 2
    error: `[ROOT]/repo/taken` is not a folder
    help: give --output a folder; it is made where it is missing
    ");
    assert_eq!((server.count(), place.read("taken").as_str()), (0, "text"));
}

#[test]
fn a_home_folder_that_is_a_file_ends_with_11_before_anything_is_sent() {
    let server = Server::echo();
    let place = Place::beside(&server);
    place.write("taken", "text");
    let args = ["--home", "taken", "run", "end-to-end-ml", "--task", "x", "-m", "openai:m"];
    insta::assert_snapshot!(place.refused(&args), @r"
    exit 11
    error: reading the runs in `[ROOT]/repo/taken/runs`: Not a directory (os error [N])
    help: --home, or ORCHESTRATE_HOME, names a folder of your own
    ");
    assert_eq!(server.count(), 0);
}

#[test]
fn no_name_leads_out_of_the_libraries() {
    let place = Place::new();
    for name in ["../personas/data-engineer", "", ".", "data-engineer.md", "a\u{1b}[31mb"] {
        let said = place.refused(&["personas", "show", name]);
        assert!(said.starts_with("exit 3\n") && !said.contains('\u{1b}'), "{name:?}: {said}");
    }
}

#[test]
fn an_output_folder_that_cannot_be_made_is_refused_before_anything_is_sent() {
    let server = Server::echo();
    let place = Place::beside(&server);
    place.write("taken", "text");
    let args = ["run", "end-to-end-ml", "-t", TASK, "-m", "openai:m", "-o", "taken/below"];
    let outcome = place.run(&args);
    assert_eq!((outcome.code, server.count()), (Some(2), 0), "{}", outcome.stderr);
}

#[test]
fn an_empty_task_is_a_missing_one() {
    let place = Place::new();
    for task in ["", "  \n"] {
        let said = place.refused(&["run", "end-to-end-ml", "--offline", "--task", task]);
        assert!(said.starts_with("exit 2\n"), "{said}");
    }
}

#[test]
fn standard_input_given_twice_is_a_matter_of_the_command_line() {
    let place = Place::new();
    let said =
        place.refused(&["run", "design-review", "--offline", "-t", "-", "-i", "document=@-"]);
    assert!(said.starts_with("exit 2\n"), "{said}");
}

#[test]
fn advice_on_a_model_never_repeats_the_mistake() {
    let place = Place::new();
    for model in ["openai:", ""] {
        let said = place.refused(&["run", "end-to-end-ml", "-t", "x", "-m", model]);
        assert!(!said.contains("`openai:`?") && !said.contains("openai:openai:"), "{said}");
        assert!(!said.contains("such as `openai:`"), "{said}");
    }
}

#[test]
fn a_home_folder_that_is_a_file_is_no_empty_list() {
    let place = Place::new();
    place.write("taken", "text");
    assert_eq!(place.run(&["--home", "taken", "runs", "list"]).code, Some(11));
}

#[test]
fn an_output_folder_and_its_missing_parents_are_made() {
    let place = Place::new();
    place.good(&["run", "end-to-end-ml", "-t", TASK, "--offline", "-o", "a/b/c"]);
    assert!(place.work().join("a/b/c/report.md").exists());
    let said = place.refused(&["run", "end-to-end-ml", "-t", TASK, "--offline", "-o", "/proc/x/y"]);
    assert!(said.starts_with("exit 2\n"), "{said}");
    let said = place.refused(&["run", "end-to-end-ml", "-t", TASK, "--offline", "-o", ""]);
    assert!(said.starts_with("exit 2\n"), "{said}");
}

/// A workflow that writes although nobody names a folder.
const SAVES: &str = "workflow: saves
steps:
  data: { persona: data-engineer, prompt: Go., save: data.md }
";

#[test]
fn a_link_in_the_place_of_the_default_output_folder_is_refused_and_one_that_was_named_is_not() {
    let place = Place::new();
    place.write("saves.yaml", SAVES);
    let elsewhere = place.root().join("elsewhere");
    std::fs::create_dir(&elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, place.work().join("orchestrate-output")).unwrap();
    insta::assert_snapshot!(place.refused(&["run", "saves.yaml", "--offline"]), @r"
    exit 2
    error: `[ROOT]/repo/orchestrate-output` is a link
    help: remove it, or name the folder that is meant with --output: a link that was found is not followed
    ");
    assert_eq!(std::fs::read_dir(&elsewhere).unwrap().count(), 0);
    assert!(!place.state().join("runs").exists(), "nothing was recorded");
    std::os::unix::fs::symlink(&elsewhere, place.work().join("mine")).unwrap();
    place.good(&["run", "saves.yaml", "--offline", "-o", "mine"]);
    assert!(elsewhere.join("data.md").exists());
}

#[test]
fn a_resumed_run_does_not_write_through_a_link_that_was_put_there_since() {
    let server = Server::echo();
    let place = Place::beside(&server);
    let args = ["run", "end-to-end-ml", "-t", TASK, "-m", "openai:m", "-o", "out"];
    place.run(&[&args[..], &["--max-calls", "2"]].concat());
    let elsewhere = place.root().join("elsewhere");
    std::fs::create_dir(&elsewhere).unwrap();
    std::fs::remove_dir_all(place.work().join("out")).unwrap();
    std::os::unix::fs::symlink(&elsewhere, place.work().join("out")).unwrap();
    let said = place.refused(&["resume", "--max-calls", "9"]);
    assert!(said.starts_with("exit 2\n"), "{said}");
    assert_eq!((server.count(), std::fs::read_dir(&elsewhere).unwrap().count()), (2, 0));
}

#[test]
fn a_result_is_printed_even_where_its_files_cannot_be_written() {
    let place = Place::new();
    place.write("out/1-data.md/in-the-way", "a folder where a file should go");
    let outcome = place.run(&["run", "end-to-end-ml", "-t", TASK, "--offline", "-o", "out"]);
    assert_eq!(outcome.code, Some(1), "{}", outcome.stderr);
    assert!(outcome.stdout.contains("## Data Visualization Specialist — report"));
    let closing = outcome.stderr.split("status  complete\n").nth(1).expect("a closing block");
    assert!(closing.starts_with("files   not all written: writing `"), "{closing}");
    assert!(
        closing.contains("/out/1-data.md`: ") && !closing.contains(".orchestrate-"),
        "{closing}"
    );
    let id = place.run_ids().remove(0);
    assert!(closing.contains(&format!("\nnext: orchestrate resume {id} ")), "{closing}");
    let quiet = place.run(&[
        "run",
        "end-to-end-ml",
        "-t",
        TASK,
        "--offline",
        "-o",
        "out",
        "--progress",
        "quiet",
    ]);
    assert!(quiet.stderr.starts_with("error: writing `"), "{}", quiet.stderr);
    std::fs::remove_dir_all(place.work().join("out/1-data.md")).unwrap();
    place.good(&["resume", &id]);
    assert!(place.work().join("out/report.md").is_file());
}

#[test]
fn a_task_or_an_input_is_read_from_a_regular_file_only_and_nobody_waits_for_another() {
    let place = Place::new();
    let run = |task: &str| place.refused(&["run", "end-to-end-ml", "--offline", "--task", task]);
    insta::assert_snapshot!(run("@/dev/zero"), @r"
    exit 3
    error: input `task`: `/dev/zero` is no regular file
    help: pipe it in: `--task -`, or `-i name=@-`
    ");
    let pipe = place.work().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    assert!(run("@pipe").contains("`pipe` is no regular file"));
    let said = place.refused(&["run", "pipe.yaml", "--offline"]);
    assert!(said.starts_with("exit 3\n"), "{said}");
    std::fs::rename(&pipe, place.work().join("pipe.yaml")).unwrap();
    let said = place.refused(&["run", "pipe.yaml", "--offline"]);
    assert!(said.contains("`pipe.yaml` is no regular file"), "{said}");
}

#[test]
fn an_empty_task_is_told_with_what_to_give() {
    let place = Place::new();
    insta::assert_snapshot!(place.refused(&["run", "end-to-end-ml", "--offline", "-t", " "]), @r#"
    exit 2
    error: the task is empty
    help: say what the team shall do: `--task "…"`, or `--task @file`
    "#);
    let piped = place.run_with_input(&["run", "end-to-end-ml", "--offline", "-t", "-"], "\n");
    assert_eq!(piped.code, Some(2), "{}", piped.stderr);
}
