//! What the guide shows is run as it stands there.

use crate::support::Place;

const GUIDE: &str = include_str!("../../../../docs/src/guide/your-own-workflow.md");

/// The first block of YAML below a text.
fn block(below: &str) -> &'static str {
    let (_, rest) = GUIDE.split_once(below).expect("the guide has it");
    let (_, rest) = rest.split_once("```yaml\n").expect("a block");
    rest.split_once("```").expect("a closed block").0
}

#[test]
fn the_ten_lines_of_the_guide_are_a_workflow_of_three_personas_that_runs() {
    let workflow = block("# Your own workflow");
    assert_eq!(workflow.lines().count(), 10, "{workflow}");
    let place = Place::new();
    place.write("workflows/release-notes.yaml", workflow);
    assert_eq!(place.good(&["validate", "release-notes"]), "ok       release-notes: 3 steps\n");
    let task = "Queries are answered from a cache now";
    let run = ["run", "release-notes", "--task", task, "--offline", "--format", "json"];
    let result = place.json(&run);
    let personas: Vec<&str> = result["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| step["persona"].as_str().unwrap())
        .collect();
    assert_eq!(personas, ["project-architect", "data-scientist-stats", "data-viz-specialist"]);
    assert_eq!(result["status"], "succeeded", "{result}");
}

#[test]
fn the_tests_of_the_guide_pass() {
    let place = Place::new();
    place.write("workflows/release-notes.yaml", block("# Your own workflow"));
    place.write("workflows/release-notes.test.yaml", block("## Test it"));
    let said = place.good(&["test"]);
    assert!(said.ends_with("2 tests: 2 ok\n"), "{said}");
}
