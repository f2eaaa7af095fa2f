//! `personas.lock`: what runs may use, byte for byte.

use orchestrate_persona::lockfile::Sha256;

use crate::support::Place;

const MILLER: &str = "---\nname: miller\ndescription: Grinds corn. Use for flour.\nx: { license: MIT }\n---\nYou are a miller.\n";
const MILL: &str = "workflow: mill\ninputs: { task: string }\nsteps:\n  grind: { persona: miller, prompt: Grind. }\n  check: { persona: redis-caching, needs: grind, prompt: Check. }\n";
const RUN: [&str; 5] = ["run", "mill", "--task", "Rye", "--offline"];

fn mill() -> Place {
    let place = Place::new();
    place.write("personas/miller.md", MILLER);
    place.write("workflows/mill.yaml", MILL);
    place
}

#[test]
fn the_personas_of_the_projects_workflows_are_locked_and_a_run_of_them_goes_on() {
    let place = mill();
    assert_eq!(place.good(&["personas", "lock"]), "added     miller\nadded     redis-caching\n");
    let lock = place.read("personas.lock");
    let (own, built_in) = lock.split_once("\n[[persona]]\nname = \"redis-caching\"\n").unwrap();
    let hash = Sha256::of(MILLER.as_bytes());
    assert!(own.ends_with(&format!(
        "name = \"miller\"\nsource = \"personas/miller.md\"\nlicence = \"MIT\"\nsha256 = \"{hash}\"\n"
    )));
    assert!(built_in.starts_with("source = \"built-in\"\n"), "{built_in}");
    assert_eq!(place.good(&["personas", "lock"]), "");
    place.good(&["personas", "lock", "--check"]);
    place.good(&RUN);
}

#[test]
fn a_persona_that_differs_stops_run_plan_and_rerun_and_update_lock_takes_it() {
    let place = mill();
    place.good(&["personas", "lock"]);
    place.good(&RUN);
    place.write("personas/miller.md", MILLER.replace("You are a miller.", "You are another."));
    insta::assert_snapshot!(place.refused(&RUN), @r"
    exit 3
    error: persona `miller` has changed: locked ee0bce59061e…, found 540bb4aacaa6…
    help: read what is new in it; then lock it as it is:
          --update-lock, with `run` or `rerun`
        orchestrate personas lock miller
    ");
    let id = place.run_ids().remove(0);
    for args in [&["plan", "mill", "--task", "x", "--offline"][..], &["rerun", &id]] {
        let said = place.refused(args);
        assert!(said.starts_with("exit 3\nerror: persona `miller` has changed"), "{said}");
    }
    let check = place.run(&["personas", "lock", "--check"]);
    assert_eq!(check.code, Some(3));
    assert!(check.stdout.starts_with("persona `miller` has changed: locked "), "{}", check.stdout);
    assert_eq!(place.run_ids().len(), 1, "nothing was recorded");
    place.good(&[&RUN[..], &["--update-lock"]].concat());
    place.good(&RUN);
    place.good(&["personas", "lock", "--check"]);
}

#[test]
fn a_persona_that_was_never_locked_is_refused_until_it_is() {
    let place = mill();
    place.good(&["personas", "lock", "miller"]);
    let said = place.refused(&RUN);
    assert!(said.contains("persona `redis-caching` is not in personas.lock"), "{said}");
    assert!(said.contains("orchestrate personas lock redis-caching"), "{said}");
    place.good(&["personas", "lock", "redis-caching"]);
    place.good(&RUN);
}

#[test]
fn a_lock_that_cannot_be_read_stops_a_run_and_is_written_anew_when_asked() {
    let place = mill();
    place.write("personas.lock", "<<<<<<< ours\n");
    let said = place.refused(&RUN);
    assert!(said.starts_with("exit 3\nerror[not-toml]"), "{said}");
    place.good(&[&RUN[..], &["--update-lock"]].concat());
    place.good(&RUN);
    place.write("personas.lock", "version = 2\n");
    let said = place.refused(&[&RUN[..], &["--update-lock"]].concat());
    assert!(said.contains("a newer program wrote it"), "{said}");
    assert_eq!(place.read("personas.lock"), "version = 2\n");
}

#[test]
fn without_a_lock_nothing_is_checked_and_the_check_says_so() {
    let place = mill();
    place.good(&RUN);
    insta::assert_snapshot!(place.refused(&["personas", "lock", "--check"]), @r"
    exit 3
    error: there is no personas.lock here
    help: `orchestrate personas lock` writes it
    ");
    assert!(!place.work().join("personas.lock").exists());
    insta::assert_snapshot!(Place::new().refused(&["personas", "lock"]), @r"
    exit 2
    error: no workflow of this project names a persona
    help: name those to lock: `orchestrate personas lock data-engineer`
    help: or copy a workflow into workflows/: `orchestrate workflows show NAME --source`
    ");
}

#[test]
fn a_persona_that_is_gone_leaves_the_lock() {
    let place = mill();
    place.good(&["personas", "lock"]);
    place.write("workflows/mill.yaml", MILL.replace("persona: miller", "persona: ml-engineer"));
    std::fs::remove_file(place.work().join("personas/miller.md")).unwrap();
    let told = place.json(&["personas", "lock", "--format", "json"]);
    let changes: Vec<String> = told["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|change| format!("{} {}", change["change"], change["name"]).replace('"', ""))
        .collect();
    assert_eq!(changes, ["added ml-engineer", "gone miller"]);
    assert!(!place.read("personas.lock").contains("miller"));
}

#[test]
fn a_recorded_run_tells_the_hash_of_each_persona_it_used() {
    let place = mill();
    place.good(&RUN);
    let digest = |place: &Place| {
        let shown = place.json(&["runs", "show", "--format", "json"]);
        shown["personas"]["miller"]["digest"].as_str().unwrap().to_owned()
    };
    let before = digest(&place);
    assert_eq!(before.len(), 64);
    place.write("personas/miller.md", MILLER.replace("a miller", "another"));
    assert_eq!(digest(&place), before, "the journal's, not the file's");
    place.good(&RUN);
    assert_ne!(digest(&place), before);
}
