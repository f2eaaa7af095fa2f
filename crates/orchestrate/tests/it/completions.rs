//! Shell completion: the scripts, and what they are answered.

use crate::support::Place;

/// What a shell would offer for the last of these words.
fn offered(place: Place, words: &[&str]) -> Vec<String> {
    let index = words.len().to_string();
    let place = place
        .with("ORCHESTRATE_COMPLETE", "bash")
        .with("_CLAP_COMPLETE_INDEX", &index)
        .with("_CLAP_IFS", "\n");
    let offered = place.good(&[&["--", "orchestrate"], words].concat());
    offered.lines().map(str::to_owned).collect()
}

#[test]
fn every_shell_gets_a_script_that_asks_this_program() {
    let place = Place::new();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = place.good(&["completions", shell]);
        assert!(
            script.contains("ORCHESTRATE_COMPLETE") && script.contains("orchestrate"),
            "{shell}"
        );
    }
}

#[test]
fn a_script_is_printed_also_where_the_configuration_is_wrong() {
    let place = Place::new();
    place.configure("nonsense = [");
    place.good(&["completions", "bash"]);
}

#[test]
fn names_of_personas_workflows_and_tools_are_offered() {
    let own = || {
        let place = Place::new();
        place.write(
            "personas/weaver.md",
            "---\nname: weaver\ndescription: Weaves cloth.\n---\nYou are a weaver.\n",
        );
        place
    };
    assert_eq!(offered(own(), &["personas", "show", "we"]), ["weaver"]);
    assert_eq!(offered(own(), &["run", "end"]), ["end-to-end-ml"]);
    let tools = offered(own(), &["personas", "export", "weaver", "--as", "c"]);
    assert_eq!(tools, ["claude", "codex", "copilot", "crewai"]);
    let verbs = offered(own(), &["personas", "l"]);
    assert_eq!(verbs, ["list", "lint", "lock"]);
}

#[test]
fn ids_of_runs_are_offered() {
    let place = Place::new();
    place.write("a.yaml", "workflow: a\ninputs: { task: string }\nsteps:\n  s: { persona: ml-engineer, prompt: Do. }\n");
    place.good(&["run", "./a.yaml", "--task", "x", "--offline"]);
    let id = place.run_ids().remove(0);
    assert_eq!(offered(place, &["runs", "show", &id[..4]]), [id]);
}
