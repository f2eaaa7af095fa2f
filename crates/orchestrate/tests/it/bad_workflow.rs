//! Workflow and persona files that cannot be used.

use crate::support::{Place, filters};

/// What `run` says of a workflow file with this content.
fn check(content: impl AsRef<[u8]>) -> String {
    let place = Place::new();
    place.write("w.yaml", content);
    let said = place.refused(&["run", "w.yaml", "--task", "x", "--offline"]);
    assert!(!place.state().join("runs").exists(), "nothing was recorded");
    said
}

#[test]
fn an_unknown_persona_is_refused_with_advice() {
    let _filters = filters();
    insta::assert_snapshot!(check("workflow: w\nsteps:\n  a:\n    persona: data-enginer\n"), @r"
    exit 3
    error[unknown-persona]: there is no persona `data-enginer`
     --> w.yaml:4:14
      |
    4 |     persona: data-enginer
      |              ^^^^^^^^^^^^
      |
      = help: did you mean `data-engineer`?
    ");
}

#[test]
fn an_unknown_input_is_refused_at_its_place_in_the_template() {
    let _filters = filters();
    insta::assert_snapshot!(
        check("workflow: w\ninputs: { task: string }\nsteps:\n  a:\n    persona: data-engineer\n    prompt: |\n      Größe {{ inputs.taks }}\n"),
        @r"
    exit 3
    error[unknown-input]: there is no input `taks`
     --> w.yaml:7:23
      |
    7 |       Größe {{ inputs.taks }}
      |                       ^^^^
      |
      = help: did you mean `task`?
    "
    );
}

#[test]
fn unknown_keys_are_refused_with_advice() {
    let _filters = filters();
    insta::assert_snapshot!(
        check("workflow: w\nsumary: x\nsteps:\n  a:\n    persona: data-engineer\n    promt: Go.\n    retries: 3\n"),
        @r"
    exit 3
    error[unknown-key]: a workflow has no key `sumary`
     --> w.yaml:2:1
      |
    2 | sumary: x
      | ^^^^^^
      |
      = help: did you mean `summary`?

    error[unknown-key]: step `a` has no key `promt`
     --> w.yaml:6:5
      |
    6 |     promt: Go.
      |     ^^^^^
      |
      = help: did you mean `prompt`?

    error[unknown-key]: step `a` has no key `retries`
     --> w.yaml:7:5
      |
    7 |     retries: 3
      |     ^^^^^^^
      |
      = help: did you mean `retry`?

    error: 3 mistakes; nothing was run
    "
    );
}

#[test]
fn a_cycle_names_its_path() {
    let _filters = filters();
    insta::assert_snapshot!(
        check("workflow: w\nsteps:\n  a: { persona: data-engineer, needs: c }\n  b: { persona: data-engineer, needs: a }\n  c: { persona: data-engineer, needs: b }\n"),
        @r"
    exit 3
    error[cycle]: steps need each other in a circle: a → c → b → a
     --> w.yaml:3:39
      |
    3 |   a: { persona: data-engineer, needs: c }
      |                                       ^ `a` needs `c`
      |
     ::: w.yaml:5:39
      |
    5 |   c: { persona: data-engineer, needs: b }
      |                                       - `c` needs `b`
      |
     ::: w.yaml:4:39
      |
    4 |   b: { persona: data-engineer, needs: a }
      |                                       - `b` needs `a`
      |
      = help: remove one of these needs
    "
    );
}

#[test]
fn a_missing_need_is_refused_with_advice() {
    let _filters = filters();
    insta::assert_snapshot!(
        check("workflow: w\nsteps:\n  data: { persona: data-engineer }\n  report:\n    persona: data-viz-specialist\n    needs: [dat]\n"),
        @r"
    exit 3
    error[unknown-step]: there is no step `dat`
     --> w.yaml:6:13
      |
    6 |     needs: [dat]
      |             ^^^
      |
      = help: did you mean `data`?
    "
    );
}

#[test]
fn values_of_the_wrong_type_are_all_told_at_once() {
    let _filters = filters();
    insta::assert_snapshot!(
        check("workflow: w\ninputs:\n  n: { type: integer, default: many }\nconcurrency: lots\nsteps:\n  a: { persona: data-engineer, optional: maybe, temperature: 3, timeout: soon }\n"),
        @r"
    exit 3
    error[bad-default]: `many` is no value of type integer
     --> w.yaml:3:32
      |
    3 |   n: { type: integer, default: many }
      |                                ^^^^
      |
      = help: write a whole number, such as `2`

    error[wrong-type]: `concurrency` must be a whole number from 1 to 1000, not a text
     --> w.yaml:4:14
      |
    4 | concurrency: lots
      |              ^^^^
      |
      = help: write a number, such as `1`

    error[wrong-type]: `optional` must be `true` or `false`, not a text
     --> w.yaml:6:42
      |
    6 |   a: { persona: data-engineer, optional: maybe, temperature: 3, timeout: soon }
      |                                          ^^^^^
      |
      = help: write `true` or `false`

    error[out-of-range]: `temperature` is a number from 0 to 2, not 3
     --> w.yaml:6:62
      |
    6 |   a: { persona: data-engineer, optional: maybe, temperature: 3, timeout: soon }
      |                                                              ^
      |
      = help: the nearest is `2`

    error[bad-value]: `timeout` is a length of time, and `soon` is none
     --> w.yaml:6:74
      |
    6 |   a: { persona: data-engineer, optional: maybe, temperature: 3, timeout: soon }
      |                                                                          ^^^^
      |
      = help: write a number and its unit, `ms`, `s`, `m` or `h`: `500ms`, `90s`, `2m`

    error: 5 mistakes; nothing was run
    "
    );
}

#[test]
fn yaml_that_cannot_be_read_is_refused_with_its_place() {
    let _filters = filters();
    insta::assert_snapshot!(check("workflow: w\nsteps:\n  a:\n\tpersona: data-engineer\n"), @r"
    exit 3
    error[yaml-syntax]: a tab indents this line
     --> w.yaml:4:1
      |
    4 |     persona: data-engineer
      | ^^^^
      |
      = help: indent with spaces: YAML allows no tabs there
    ");
    insta::assert_snapshot!(check("workflow: w\nsteps: [\n"), @r"
    exit 3
    error[yaml-syntax]: brackets do not match: unclosed bracket '['
     --> w.yaml:2:8
      |
    2 | steps: [
      |        ^
      |
      = help: close every `[` with `]` and every `{` with `}`; quote a value that contains them
    ");
    insta::assert_snapshot!(check("workflow: w\nsteps:\n  a: { persona: data-engineer }\n  a: { persona: mlops-engineer }\n"), @r"
    exit 3
    error[duplicate-key]: the key `a` stands here twice
     --> w.yaml:4:3
      |
    4 |   a: { persona: mlops-engineer }
      |   ^
      |
     ::: w.yaml:3:3
      |
    3 |   a: { persona: data-engineer }
      |   - first here
      |
      = help: rename one of them, or bring both together
    ");
    insta::assert_snapshot!(check(""), @r"
    exit 3
    error[empty-file]: the file holds no workflow
     --> w.yaml:1:1
      |
    1 |
      | ^
      |
      = help: a workflow starts with `workflow: a-name` and has `steps:`
    ");
    insta::assert_snapshot!(check("- just\n- a list\n"), @r"
    exit 3
    error[wrong-type]: a workflow must be a map of `key: value` lines, not a list
     --> w.yaml:1:1
      |
    1 | - just
      | ^
      |
      = help: write `name: value` lines, without `-`
    ");
}

#[test]
fn bytes_that_are_no_text_are_refused() {
    let _filters = filters();
    insta::assert_snapshot!(check(b"workflow: w\nsteps:\n  a: \xff\xfe\n"), @r"
    exit 3
    error: `w.yaml` is not UTF-8 (first wrong byte at offset 24)
    help: save the file as UTF-8
    ");
}

#[test]
fn ten_megabytes_of_yaml_are_refused() {
    let _filters = filters();
    insta::assert_snapshot!(check(vec![b'#'; 10 * 1024 * 1024]), @r"
    exit 3
    error: `w.yaml` is larger than 4 MiB
    help: shorten it, or keep only the part that matters
    ");
}

#[test]
fn an_alias_bomb_is_refused() {
    let _filters = filters();
    let mut lines = vec!["a: &a [lol, lol, lol, lol, lol, lol, lol, lol, lol]".to_owned()];
    for (name, below) in ('b'..='i').zip('a'..) {
        let aliases = [format!("*{below}").as_str(); 9].join(", ");
        lines.push(format!("{name}: &{name} [{aliases}]"));
    }
    lines.push("workflow: w\nsteps:\n  a: { persona: data-engineer }\n".to_owned());
    insta::assert_snapshot!(check(lines.join("\n")), @r"
    exit 3
    error[too-many-aliases]: aliases repeat more than 100000 values or 4 MiB of text
     --> w.yaml:5:7
      |
    5 | e: &e [*d, *d, *d, *d, *d, *d, *d, *d, *d]
      |       ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = help: write a program that writes the file, or fewer aliases
    ");
}

#[test]
fn deep_nesting_is_refused_without_a_crash() {
    for content in [
        "[".repeat(100_000),
        "a: ".repeat(10_000),
        format!("steps: {}", "{a: ".repeat(50_000)),
        format!("workflow: {}", "- ".repeat(100_000)),
    ] {
        let said = check(&content);
        assert!(said.starts_with("exit 3\n"), "{}: {said}", &content[..20]);
    }
}

#[test]
fn a_path_that_is_no_file_is_named() {
    let place = Place::new();
    place.write("folder.yaml/file", "text");
    insta::assert_snapshot!(place.refused(&["run", "folder.yaml", "--offline"]), @r"
    exit 3
    error: `folder.yaml` is a folder, not a file
    help: name a file in it
    ");
    insta::assert_snapshot!(place.refused(&["run", "./nope.yaml", "--offline"]), @r"
    exit 3
    error: reading `./nope.yaml`: No such file or directory (os error [N])
    help: is the path right? it starts from the folder you are in
    ");
}

#[test]
fn a_persona_file_that_cannot_be_used_is_refused_where_it_is_named() {
    let place = Place::new();
    let run = ["run", "end-to-end-ml", "--task", "x", "--offline"];
    place.write("personas/data-engineer.md", b"---\nname: data-engineer\xff\n---\n");
    insta::assert_snapshot!(place.refused(&run), @r"
    exit 3
    error: `[ROOT]/repo/personas/data-engineer.md` is not UTF-8 (first wrong byte at offset 23)
    help: save the file as UTF-8
    ");
    place.write("personas/data-engineer.md", "---\nname: data-engineer\n---\n");
    insta::assert_snapshot!(place.refused(&run), @r"
    exit 3
    error[description-missing]: the front matter has no `description`
     --> [ROOT]/repo/personas/data-engineer.md:1:1
      |
    1 | ---
      | ^^^ expected below this
      |
      = help: add `description:` with one sentence on what the persona does and one on when to use it

    error[identity-missing]: the text does not say who the persona is
     --> [ROOT]/repo/personas/data-engineer.md:3:5
      |
    3 | ---
      |    ^ expected a paragraph before this
      |
      = help: begin the text below the front matter with a paragraph: `You are …`

    error: 2 mistakes; nothing was run
    ");
    insta::assert_snapshot!(place.refused(&["personas", "show", "data-engineer"]), @r"
    exit 3
    error[description-missing]: the front matter has no `description`
     --> [ROOT]/repo/personas/data-engineer.md:1:1
      |
    1 | ---
      | ^^^ expected below this
      |
      = help: add `description:` with one sentence on what the persona does and one on when to use it

    error[identity-missing]: the text does not say who the persona is
     --> [ROOT]/repo/personas/data-engineer.md:3:5
      |
    3 | ---
      |    ^ expected a paragraph before this
      |
      = help: begin the text below the front matter with a paragraph: `You are …`

    error: 2 mistakes
    ");
    let other = ["run", "design-review", "-i", "document=@personas/data-engineer.md", "--offline"];
    assert!(place.refused(&other).starts_with("exit 3\n"), "its panel has a data engineer");
}

#[test]
fn a_name_that_stands_in_two_places_is_refused() {
    let place = Place::new();
    let workflow = "workflow: w\nsteps:\n  a: { persona: data-engineer }\n";
    place.write("workflows/w.yaml", workflow);
    place.write(".orchestrate/workflows/w.yml", workflow);
    insta::assert_snapshot!(place.refused(&["run", "w", "--offline"]), @r"
    exit 3
    error: `w` stands in two places: `[ROOT]/repo/workflows/w.yaml` and `[ROOT]/repo/.orchestrate/workflows/w.yml`
    help: remove or rename one of them
    ");
}

#[test]
fn files_that_would_meet_in_the_output_folder_are_refused() {
    let _filters = filters();
    let said = check(
        "workflow: w
steps:
  data: { persona: data-engineer, prompt: p }
  a: { persona: data-engineer, prompt: p, save: 1-Data.md }
  b: { persona: data-engineer, prompt: p, save: \"Report.md/x.md\" }
  c: { persona: data-engineer, prompt: p, save: notes }
  d:
    persona: data-engineer
    prompt: p
    save: notes/d.md
",
    );
    insta::assert_snapshot!(said, @r#"
    exit 3
    error[file-collision]: step `a` saves `1-Data.md`, and `1-Data.md` is the file of step `data`
     --> w.yaml:4:49
      |
    4 |   a: { persona: data-engineer, prompt: p, save: 1-Data.md }
      |                                                 ^^^^^^^^^
      |
      = help: give the step a file with another name

    error[file-collision]: step `b` saves `Report.md/x.md`, and `Report.md` is a file that every run writes
     --> w.yaml:5:50
      |
    5 |   b: { persona: data-engineer, prompt: p, save: "Report.md/x.md" }
      |                                                  ^^^^^^^^^^^^^^
      |
      = help: give the step a file with another name

    error[file-collision]: step `d` saves `notes/d.md`, and `notes` is the file of step `c`
      --> w.yaml:10:11
       |
    10 |     save: notes/d.md
       |           ^^^^^^^^^^
       |
       = help: give the step a file with another name

    error: 3 mistakes; nothing was run
    "#);
    let good = "workflow: w
steps:
  data: { persona: data-engineer, prompt: p, save: 1-data.md }
  a: { persona: data-engineer, prompt: p, save: notes/report.md }
  b: { persona: data-engineer, prompt: p, save: notes/b.md }
";
    let place = Place::new();
    place.write("w.yaml", good);
    place.good(&["validate", "w.yaml"]);
}

#[test]
fn in_ci_a_workflow_cannot_speak_to_the_runner_through_a_mistake() {
    let place = Place::new().with("CI", "true");
    place.write(
        "w.yaml",
        "workflow: w\nsteps:\n  a: { persona: x, promt: '##[group]\u{202e}z' } # ##vso[task.x]y\n",
    );
    for args in [&["run", "w.yaml", "--offline"][..], &["validate", "w.yaml", "--format", "json"]] {
        let outcome = place.run(args);
        let said = format!("{}{}", outcome.stdout, outcome.stderr);
        assert_eq!(outcome.code, Some(3), "{said}");
        for power in ["##[", "##vso[", "\u{202e}"] {
            assert!(!said.contains(power), "{power:?}: {said}");
        }
    }
}
