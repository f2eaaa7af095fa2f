//! Files to start from: `init`, `workflows new`, and `schema`.

use std::fs;

use serde_json::Value;

use crate::support::Place;

#[test]
fn a_new_project_runs_at_once() {
    let place = Place::new();
    insta::assert_snapshot!(place.good(&["init"]), @r#"
    wrote workflows/first.yaml
    wrote personas/plain-editor.md
    wrote orchestrate.toml
    added /orchestrate-output/ to .gitignore
    next: orchestrate run first --task "Choose a database for our events" --offline
    "#);
    assert_eq!(
        fs::read_to_string(place.work().join(".gitignore")).unwrap(),
        "/orchestrate-output/\n"
    );
    place.good(&["validate"]);
    let run = ["run", "first", "--task", "Choose a database", "--offline"];
    let said = place.good(&run);
    assert!(said.contains("Choose a database"), "{said}");
    let plan = place.good(&["plan", "first", "--task", "x", "--offline"]);
    assert!(plan.contains("plain-editor"), "{plan}");
}

#[test]
fn init_overwrites_nothing_and_says_what_is_there() {
    let place = Place::new();
    place.write(".gitignore", "/target");
    place.write("deep/project/orchestrate.toml", "# mine\n");
    insta::assert_snapshot!(place.refused(&["init", "deep/project"]), @r"
    exit 2
    error: `orchestrate.toml` is there already; nothing was written
    help: nothing is overwritten: move it away first
    ");
    assert!(!place.work().join("deep/project/workflows").exists());
    fs::remove_file(place.work().join("deep/project/orchestrate.toml")).unwrap();
    insta::assert_snapshot!(place.good(&["init", "deep/project"]), @r#"
    wrote deep/project/workflows/first.yaml
    wrote deep/project/personas/plain-editor.md
    wrote deep/project/orchestrate.toml
    added /orchestrate-output/ to deep/project/.gitignore
    next: cd 'deep/project' && orchestrate run first --task "Choose a database for our events" --offline
    "#);
    place.good(&["init"]);
    let ignored = fs::read_to_string(place.work().join(".gitignore")).unwrap();
    assert_eq!(ignored, "/target\n/orchestrate-output/\n");
    for path in ["workflows/first.yaml", "personas/plain-editor.md", "orchestrate.toml"] {
        fs::remove_file(place.work().join(path)).unwrap();
    }
    place.good(&["init"]);
    assert_eq!(fs::read_to_string(place.work().join(".gitignore")).unwrap(), ignored, "once");
}

#[test]
fn nothing_is_written_through_a_link_that_leads_out_of_the_project() {
    let place = Place::new();
    let outside = place.root().join("outside");
    fs::create_dir(&outside).unwrap();
    for name in ["workflows", "personas"] {
        std::os::unix::fs::symlink(&outside, place.work().join(name)).unwrap();
    }
    insta::assert_snapshot!(place.refused(&["init"]), @r"
    exit 3
    error: a link on the way to `workflows/first.yaml` leads out of the project; nothing was written
    help: put a folder in the place of the link: what it leads to is not read either
    ");
    for args in [&["workflows", "new", "mine"][..], &["personas", "new", "mine"]] {
        let said = place.refused(args);
        assert!(said.contains("leads out of the project; nothing was written"), "{said}");
    }
    fs::remove_file(place.work().join("workflows")).unwrap();
    fs::remove_file(place.work().join("personas")).unwrap();
    fs::write(outside.join("ignored"), "").unwrap();
    std::os::unix::fs::symlink(outside.join("ignored"), place.work().join(".gitignore")).unwrap();
    assert!(place.refused(&["init"]).contains("`.gitignore` leads out"));
    assert!(!place.work().join("workflows").exists());
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 1);
    assert_eq!(fs::read(outside.join("ignored")).unwrap(), b"");
}

#[test]
fn a_project_in_the_place_of_a_file_is_refused_with_advice() {
    let place = Place::new();
    place.write("f", "text");
    insta::assert_snapshot!(place.refused(&["init", "f"]), @r"
    exit 2
    error: `f` is not a folder
    help: name a folder; it is made where there is none
    ");
}

#[test]
fn every_template_makes_a_workflow_that_is_valid_and_runs_offline() {
    let place = Place::new();
    for template in ["review", "chain", "panel"] {
        let name = format!("my-{template}");
        let said = place.good(&["workflows", "new", &name, "--template", template]);
        assert!(said.starts_with(&format!("wrote workflows/{name}.yaml\n")), "{said}");
        place.good(&["validate", &name]);
        place.good(&["test", &name]);
        let ran = place.good(&["run", &name, "--task", "Move our events", "--offline"]);
        assert!(ran.contains("Move our events"), "{ran}");
    }
    let opinion = place.good(&[
        "run",
        "my-panel",
        "-t",
        "x",
        "--offline",
        "-i",
        "constraints=one",
        "-i",
        "constraints=two",
    ]);
    assert!(!opinion.is_empty());
}

#[test]
fn a_new_workflow_has_a_name_of_its_own() {
    let place = Place::new();
    place.write("workflows/mine.yaml", "workflow: mine\n");
    insta::assert_snapshot!(place.refused(&["workflows", "new", "mine"]), @r"
    exit 2
    error: `workflows/mine.yaml` is there already; nothing was written
    help: nothing is overwritten: move it away first
    ");
    insta::assert_snapshot!(place.refused(&["workflows", "new", "../Mine"]), @r"
    exit 2
    error: `../Mine` is no name of a workflow
    help: write small letters, digits and `-`, a letter first, at most 64
    ");
    let kept = fs::read_to_string(place.work().join("workflows/mine.yaml")).unwrap();
    assert_eq!(kept, "workflow: mine\n");
    let hides = place.run(&["workflows", "new", "design-review"]);
    assert!(hides.stderr.contains("hides another workflow"), "{hides:?}");
}

#[test]
fn the_schema_is_the_committed_one() {
    let place = Place::new();
    let printed = place.good(&["schema", "workflow"]);
    assert_eq!(printed, place.good(&["schema"]));
    let committed = concat!(env!("CARGO_MANIFEST_DIR"), "/../../schemas/workflow.schema.json");
    assert_eq!(printed, fs::read_to_string(committed).unwrap());
    let schema: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(schema["$schema"], "http://json-schema.org/draft-07/schema#");
}
