//! `personas lint`: what is wrong with persona files, and mending it.

use crate::support::Place;

const SOUND: &str = "---\nname: miller\ndescription: Grinds corn. Use when flour is needed.\n---\nYou are a miller.\n";
const COLON: &str =
    "---\nname: baker\ndescription: Bakes: bread. Use when hungry.\n---\nYou are a baker.\n";
const HIDDEN: &str =
    "---\nname: cook\ndescription: Cooks. Use when hungry.\n---\nYou are a co\u{200b}ok.\n";

#[test]
fn an_error_ends_with_3_and_a_warning_only_where_that_is_asked_for() {
    let place = Place::new();
    place.write("a/baker.md", COLON);
    place.write("b/cook.md", HIDDEN);
    let warned = place.run(&["personas", "lint", "a"]);
    assert_eq!(warned.code, Some(0));
    assert_eq!(warned.stderr, "", "what was found is the result");
    insta::assert_snapshot!(warned.stdout, @r#"
    warning[front-matter-not-yaml]: the value of `description` is not YAML: mapping values are not allowed in this context
     --> a/baker.md:3:1
      |
    3 | description: Bakes: bread. Use when hungry.
      | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ read as plain text
      |
      = help: quote it: description: "Bakes: bread. Use when hungry."

    1 file: 0 errors, 1 warning, 0 remarks; --fix mends some of them
    "#);
    assert_eq!(place.run(&["personas", "lint", "a", "--deny-warnings"]).code, Some(3));
    let quiet = place.run(&["personas", "lint", "a", "--level", "error"]);
    assert_eq!(
        (quiet.code, quiet.stdout.as_str()),
        (Some(0), "1 file: 0 errors, 0 warnings, 0 remarks\n")
    );
    let failed = place.run(&["personas", "lint", "b"]);
    assert_eq!(failed.code, Some(3));
    assert!(failed.stdout.contains("U+200B") && !failed.stdout.contains('\u{200b}'));
}

#[test]
fn mending_writes_the_files_and_says_what_was_done() {
    let place = Place::new();
    place.write("a/baker.md", COLON);
    place.write("a/cook.md", HIDDEN);
    place.write("a/miller.md", SOUND);
    let outcome = place.run(&["personas", "lint", "a", "--fix"]);
    assert_eq!(outcome.code, Some(0));
    insta::assert_snapshot!(outcome.stderr, @r"
    mended a/baker.md: quoted the value of `description`
    mended a/cook.md: removed 1 character that nobody can see
    ");
    assert!(place.read("a/baker.md").contains("description: \"Bakes: bread."));
    assert!(place.read("a/cook.md").contains("You are a cook."));
    assert_eq!(place.read("a/miller.md"), SOUND);
    let again = place.run(&["personas", "lint", "a", "--fix"]);
    assert_eq!(again.stderr, "", "mending a mended file changes nothing");
}

#[test]
fn without_paths_the_projects_and_the_users_personas_are_checked() {
    let place = Place::new();
    place.write("personas/miller.md", SOUND);
    place.write("personas/README.md", "# Ours\n");
    place.write(".orchestrate/personas/cook.md", HIDDEN);
    let user = place.root().join("home/.config/orchestrate/personas");
    std::fs::create_dir_all(&user).unwrap();
    std::fs::write(user.join("baker.md"), COLON).unwrap();
    let told = place.run(&["personas", "lint"]);
    assert_eq!(told.code, Some(3));
    assert!(told.stdout.contains("\n3 files: 1 error, 1 warning"), "{}", told.stdout);
    assert!(
        told.stderr.contains("passed over, no persona by its place or name: personas/README.md"),
        "{}",
        told.stderr
    );
}

#[test]
fn json_and_sarif_hold_every_finding_with_its_place() {
    let place = Place::new();
    place.write("a/baker.md", COLON);
    place.write("a/notes.txt", "");
    let told = place.json(&["personas", "lint", "a", "--format", "json"]);
    assert_eq!(told["schema"], "orchestrate/lint/1");
    assert_eq!(told["findings"][0]["code"], "front-matter-not-yaml");
    assert_eq!(told["findings"][0]["places"][0]["line"], 3);
    assert_eq!(told["skipped"][0]["path"], "a/notes.txt");
    let sarif = place.json(&["personas", "lint", "a", "--format", "sarif"]);
    assert_eq!(sarif["version"], "2.1.0");
    let result = &sarif["runs"][0]["results"][0];
    assert_eq!(result["ruleId"], "front-matter-not-yaml");
    let location = &result["locations"][0]["physicalLocation"];
    assert_eq!(location["artifactLocation"]["uri"], "a/baker.md");
    assert_eq!(location["region"]["startLine"], 3);
}

#[test]
fn a_file_that_cannot_be_read_is_a_finding() {
    let place = Place::new();
    place.write("a/huge.md", "x".repeat(600 * 1024));
    let told = place.run(&["personas", "lint", "a"]);
    assert_eq!(told.code, Some(3));
    assert!(told.stdout.contains("`a/huge.md` is larger than 512 KiB"), "{}", told.stdout);
}

#[test]
fn a_link_that_is_mended_stays_a_link() {
    let place = Place::new();
    place.write("real/baker.md", COLON);
    std::os::unix::fs::symlink("real/baker.md", place.work().join("baker.md")).unwrap();
    place.good(&["personas", "lint", "baker.md", "--fix"]);
    assert!(place.work().join("baker.md").is_symlink());
    assert!(place.read("real/baker.md").contains("\"Bakes: bread."));
}
