//! `personas export`: personas for other tools, and originals given back.

use orchestrate_persona::lockfile::Sha256;

use crate::support::Place;

const BAKER: &str = "---\nname: baker\ndescription: Bakes: bread.\n---\n\nYou are a baker.\n\n## Approach\n\n1. Weigh.\n";

#[test]
fn an_unchanged_persona_comes_back_byte_for_byte_and_a_changed_one_does_not() {
    let place = Place::new();
    place.write("agents/baker.md", BAKER);
    place.good(&["personas", "import", "agents"]);
    let given = place.good(&["personas", "export", "baker", "--as", "claude"]);
    assert_eq!(Sha256::of(given.as_bytes()), Sha256::of(BAKER.as_bytes()));
    let edited = place.read("personas/baker.md").replace("1. Weigh.", "1. Sift.");
    place.write("personas/baker.md", edited);
    let given = place.good(&["personas", "export", "baker", "--as", "claude"]);
    assert!(given.contains("1. Sift.") && given != BAKER, "{given}");
}

#[test]
fn every_tool_gets_a_file_that_is_read_back_as_its_own_format() {
    let place = Place::new();
    for (tool, file, format) in [
        ("claude", "ml-engineer.md", "claude-code"),
        ("codex", "ml-engineer.toml", "codex"),
        ("copilot", "ml-engineer.agent.md", "copilot"),
        ("gemini", "ml-engineer.md", "gemini-cli"),
        ("opencode", "ml-engineer.md", "opencode"),
        ("crewai", "ml-engineer.yaml", "crewai"),
        ("roo", "ml-engineer.yaml", "roo"),
        ("kiro", "ml-engineer.json", "kiro"),
        ("skill", "ml-engineer/SKILL.md", "agent-skill"),
    ] {
        let folder = format!("out/{tool}");
        place.good(&["personas", "export", "ml-engineer", "--as", tool, "--to", &folder]);
        let path = format!("{folder}/{file}");
        let into = format!("in/{tool}/personas");
        let args = ["personas", "import", &path, "--to", &into, "--format", "json"];
        assert_eq!(place.json(&args)["files"][0]["format"], format, "{tool}");
    }
}

#[test]
fn what_is_lost_is_named_and_a_file_that_is_there_stays() {
    let place = Place::new();
    let outcome =
        place.run(&["personas", "export", "redis-caching", "--as", "roo", "--to", "modes.yaml"]);
    assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(0), ""));
    assert!(outcome.stderr.contains("modes.yaml: written anew\n"), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("lost: "), "{}", outcome.stderr);
    place.good(&["personas", "export", "redis-caching", "--as", "roo", "--to", "modes.yaml"]);
    place.write("modes.yaml", "mine");
    insta::assert_snapshot!(
        place.refused(&["personas", "export", "redis-caching", "--as", "roo", "--to", "modes.yaml"]),
        @r"
    exit 3
    error: `modes.yaml` is there already
    help: --force replaces it
    "
    );
    assert_eq!(place.read("modes.yaml"), "mine");
    let force =
        ["personas", "export", "redis-caching", "--as", "roo", "--to", "modes.yaml", "--force"];
    place.good(&force);
    assert!(place.read("modes.yaml").starts_with("customModes:"));
}

#[test]
fn an_original_that_is_gone_or_was_tampered_with_is_not_given_out() {
    let place = Place::new();
    place.write("baker.md", BAKER);
    place.good(&["personas", "import", "baker.md"]);
    let kept = format!("personas/.originals/{}", Sha256::of(BAKER.as_bytes()));
    place.write(&kept, "something else");
    let outcome = place.run(&["personas", "export", "baker", "--as", "claude"]);
    let given = outcome.stdout;
    assert!(given.contains("name: baker") && given != BAKER, "{given}");
    assert!(outcome.stderr.contains("was altered and is not used"), "{}", outcome.stderr);
    std::fs::remove_file(place.work().join(kept)).unwrap();
    let outcome = place.run(&["personas", "export", "baker", "--as", "claude"]);
    assert_eq!(outcome.code, Some(0));
    assert!(outcome.stderr.contains("is not kept any more"), "{}", outcome.stderr);
    assert!(
        outcome.stderr.contains("import `baker.md` again to put it back"),
        "{}",
        outcome.stderr
    );
}

#[test]
fn an_unknown_tool_is_a_usage_error_with_advice() {
    insta::assert_snapshot!(
        Place::new().refused(&["personas", "export", "ml-engineer", "--as", "claud"]),
        @r"
    exit 2
    error: invalid value 'claud' for '--as <TOOL>': unknown format `claud`; did you mean `claude`?

    For more information, try '--help'.
    "
    );
}
