//! What is particular to each format.

use orchestrate_core::persona::{GateJudge, Persona};
use orchestrate_persona::Format;

use super::{imported, imported_text};

/// The only persona of a fixture.
fn one(path: &str) -> Persona {
    let mut found = imported(path);
    assert_eq!(found.personas.len(), 1, "{path}");
    found.personas.remove(0).persona
}

#[test]
fn an_agent_keeps_hooks_and_permissions_as_text_alone() {
    let persona = one("one/claude/trace-reader.md");
    assert_eq!(
        persona.description,
        "Use this agent when a stack trace or a crash report has to be understood."
    );
    assert_eq!(persona.examples, ["Why does this panic?", "The server dies at night"]);
    assert_eq!(persona.tools, ["Read", "Grep", "Bash(git log:*)"]);
    assert_eq!(persona.model.as_deref(), Some("sonnet"));
    assert_eq!(persona.extra["permissionMode"], "acceptEdits");
    assert!(persona.extra["hooks"].contains("\n        command: ./scripts/check.sh"));
    assert!(persona.extra["description"].contains("<commentary>A trace is there.</commentary>"));
    assert!(persona.identity.contains("{{ what }} or ${THIS}"), "{}", persona.identity);
    assert_eq!(persona.metrics[0].value, Some(10.0));
    assert_eq!(persona.when_not_to_use, ["Change code without being asked"]);
    assert!(persona.gates.is_empty());
}

#[test]
fn an_unquoted_colon_is_read_line_by_line_and_shown_quoted() {
    let found = imported("one/plugin/agents/colon-fallback.md");
    let warning = &found.diagnostics[0];
    assert_eq!(warning.code, "front-matter-not-yaml");
    assert_eq!(warning.place().as_deref(), Some("one/plugin/agents/colon-fallback.md:2:1"));
    assert!(
        warning.help[0].starts_with("write `description: \"Reviews migrations: finds"),
        "{:?}",
        warning.help
    );
    let persona = &found.personas[0].persona;
    assert_eq!(
        (persona.name.as_str(), persona.title.as_str()),
        ("migration-reviewer", "Migration Reviewer")
    );
    assert_eq!(persona.capabilities, ["Lock analysis", "Rollback plans"]);
    assert_eq!(persona.when_to_use, ["A migration is about to be merged", "A migration was slow"]);
    assert_eq!(persona.collaborates_with[0].persona, "data-engineer");
}

#[test]
fn a_skill_keeps_its_licence_and_reads_its_version() {
    let persona = one("one/skill/log-reading/SKILL.md");
    assert_eq!(
        (persona.version.as_deref(), persona.extra["license"].as_str()),
        (Some("1.2"), "Apache-2.0")
    );
    assert!(persona.section("Approach").is_some() && persona.section("Limits").is_some());
}

#[test]
fn a_custom_agent_is_named_like_its_file_and_hands_over() {
    let persona = one("one/copilot/planner.agent.md");
    assert_eq!((persona.name.as_str(), persona.title.as_str()), ("planner", "Planner"));
    assert_eq!(persona.collaborates_with[0].persona, "implementer");
    assert_eq!(persona.collaborates_with[0].purpose.as_deref(), Some("Start Implementation"));
    assert_eq!(persona.examples, ["Describe the feature to plan"]);
    assert_eq!(one("one/copilot/reviewer.chatmode.md").name, "reviewer");
}

#[test]
fn tools_models_and_settings_are_wishes_or_kept() {
    let gemini = one("one/gemini/doc-writer.md");
    assert_eq!((gemini.tools.len(), gemini.extra["max_turns"].as_str()), (2, "12"));
    let opencode = one("one/opencode/agent/sql-tuner.md");
    assert_eq!(opencode.name, "sql-tuner");
    assert_eq!(opencode.extra["permission.edit"], "deny");
    let codex = one("one/codex_security.toml");
    assert_eq!(codex.aliases, ["Argus", "Watcher"]);
    assert_eq!(codex.extra["mcp_servers.docs.url"], "https://example.test/mcp");
    assert!(codex.section("Approach").is_some() && codex.section("Output").is_some());
    let kiro = one("one/kiro_backend.json");
    assert_eq!(kiro.extra["hooks.agentSpawn[0].command"], "git status");
    assert_eq!(kiro.identity, "You build services in Go.");
}

#[test]
fn modes_come_as_json_yaml_and_markdown() {
    let found = imported("one/roo/custom_modes.json");
    let first = &found.personas[0].persona;
    assert_eq!((first.name.as_str(), first.title.as_str()), ("test-writer", "🧪 Test Writer"));
    assert_eq!(first.tools, ["read", "edit", "command"]);
    assert_eq!(first.when_to_use, ["When code has no tests yet"]);
    assert_eq!(found.personas[1].persona.name, "explainer");
    assert_eq!(one("one/roo/modes.yaml").description, "Before each release");
    assert_eq!(one("one/roo/util-tidy.mode.md").version.as_deref(), Some("1.1.0"));
}

#[test]
fn an_agent_in_a_code_block_is_read_from_its_yaml() {
    let persona = one("one/bmad_qa.md");
    assert_eq!((persona.name.as_str(), persona.title.as_str()), ("qa-lead", "Quality Lead"));
    assert_eq!(persona.aliases, ["Ada"]);
    assert_eq!(
        persona.identity,
        "You are Quality lead with a veto. Somebody who has seen releases fail"
    );
    assert!(
        persona
            .section("Principles")
            .is_some_and(|section| section.text.contains("Evidence: no verdict"))
    );
}

#[test]
fn a_check_of_a_recipe_is_for_a_person_and_never_a_command() {
    let persona = one("one/goose_recipe.yaml");
    assert_eq!(persona.gates[0].by, GateJudge::Human);
    assert_eq!(persona.extra["retry.checks[0].command"], "test -f report.md");
    assert_eq!(persona.extra["extensions[0].name"], "developer");
    assert!(persona.sections[0].text.contains("{{ folder }}"));
}

#[test]
fn crews_and_teams_give_one_persona_for_each_agent() {
    let names = |path: &str| -> Vec<String> {
        imported(path).personas.into_iter().map(|found| found.persona.name).collect()
    };
    assert_eq!(names("one/crewai_agents.yaml"), ["researcher", "reporting-analyst"]);
    assert_eq!(names("one/crewai_crew.jsonc"), ["planner"]);
    assert_eq!(names("one/praison_agents.yaml"), ["scriptwriter"]);
    assert_eq!(names("one/cagent_team.yaml"), ["root", "writer"]);
    let found = imported("one/crewai_agents.yaml");
    let persona = &found.personas[0].persona;
    assert_eq!(
        persona.identity,
        "You are Senior researcher on {topic}. Your goal: Find out what is new about {topic}"
    );
    let team = imported("one/cagent_team.yaml");
    let root = &team.personas[0].persona;
    assert_eq!(root.collaborates_with[0].persona, "web-finder");
    assert_eq!(root.extra["toolsets[0].command"], "npx");
}

#[test]
fn prompts_of_a_table_become_personas_with_names_of_their_own() {
    let found = imported("one/prompts.csv");
    let names: Vec<&str> = found.personas.iter().map(|found| found.persona.name.as_str()).collect();
    assert_eq!((names[0], names[2]), ("linux-terminal", "linux-terminal-2"));
    assert_eq!((names[1], found.personas[1].persona.title.as_str()), ("prompt-2", "数据科学家"));
    assert!(found.personas[0].persona.sections[0].text.contains("\"just\" show"));
    assert!(found.diagnostics.iter().any(|diagnostic| diagnostic.code == "duplicate-name"));
}

#[test]
fn a_pattern_is_named_like_its_folder() {
    let persona = one("one/fabric/weigh_claims/system.md");
    assert_eq!((persona.name.as_str(), persona.title.as_str()), ("weigh-claims", "Weigh Claims"));
    assert_eq!(persona.description, "You weigh claims against evidence.");
    assert!(persona.section("Approach").is_some() && persona.section("Output").is_some());
}

#[test]
fn a_card_is_read_from_json_and_from_a_picture() {
    let (json, png) = (one("one/card_v2.json"), one("one/card.png"));
    assert_eq!((json.name.as_str(), png.name.as_str()), ("captain-mira", "pilot-jun"));
    assert_eq!(json.identity, png.identity);
    assert!(json.identity.starts_with("{{char}} is a captain"));
    assert_eq!(json.extra["data.extensions.depth_prompt.prompt"], "Never leave the role.");
}

#[test]
fn a_document_with_other_headings_and_labels_is_read_too() {
    let found = imported("one/superpersonas.md");
    let persona = &found.personas[0].persona;
    assert_eq!((persona.name.as_str(), persona.title.as_str()), ("gardener", "Gardener"));
    assert_eq!(
        persona.identity,
        "You are the Gardener: Keeper of old code, friend of small changes"
    );
    assert_eq!(persona.when_to_use, ["The words \"clean up\""]);
    assert!(persona.section("Principles").is_some() && persona.section("Preferences").is_some());
}

#[test]
fn our_own_files_are_read_strictly_and_stay_as_they_are() {
    let text = "---\nname: ab\ndescription: Says enough.\nwhen_to_use: [now]\nmodel: inherit\nx: {a: {b: [1]}}\n---\nYou are one.\n";
    let found = imported_text("personas/ab.md", text);
    assert_eq!(found.format, Some(Format::Canonical));
    assert_eq!(found.personas[0].canonical, text);
    let persona = &found.personas[0].persona;
    assert_eq!(
        (persona.extra["a.b[0]"].as_str(), persona.model.as_deref()),
        ("1", Some("inherit"))
    );
    let own = "when_to_use: now\nsource: {format: goose, path: a, sha256: ab}";
    let wrong = imported_text("personas/ab.md", &text.replace("when_to_use: [now]", own));
    assert_eq!(wrong.diagnostics[0].code, "wrong-type");
    assert!(wrong.personas.is_empty());
}

#[test]
fn bytes_are_repaired_and_the_repair_is_named() {
    let mut bytes = b"\xef\xbb\xbf---\r\nname: ab\r\ndescription: Says enough.\r\n---\r\nYou \xe2\x80\x8bare one.\r\n".to_vec();
    let found = orchestrate_persona::import(
        &orchestrate_persona::ForeignFile { path: "ab.md", bytes: &bytes },
        None,
    );
    let codes: Vec<_> = found.diagnostics.iter().map(|diagnostic| diagnostic.code).collect();
    assert_eq!(codes, ["bom", "crlf", "invisible-character"]);
    assert_eq!(found.personas[0].persona.identity, "You are one.");
    bytes = b"---\nname: ab\ndescription: It\x92s enough.\n---\nYou are one.\n".to_vec();
    let found = orchestrate_persona::import(
        &orchestrate_persona::ForeignFile { path: "ab.md", bytes: &bytes },
        None,
    );
    assert_eq!(found.diagnostics[0].code, "not-utf8");
    assert_eq!(found.personas[0].persona.description, "It’s enough.");
}

#[test]
fn a_description_that_is_too_long_is_cut_and_kept_whole() {
    let long = "A sentence about it. ".repeat(80);
    let found =
        imported_text("ab.md", &format!("---\nname: ab\ndescription: {long}\n---\nYou are one.\n"));
    let persona = &found.personas[0].persona;
    assert!(persona.description.chars().count() <= 1024 && persona.description.ends_with('.'));
    assert_eq!(persona.extra["description"], long.trim());
}

#[test]
fn every_built_in_persona_is_canonical_and_is_written_back_as_it_was_read() {
    for persona in super::super::library() {
        let source = super::super::source(&persona.name);
        let found = imported_text(&source.name, &source.text);
        assert_eq!(found.format, Some(Format::Canonical), "{}", persona.name);
        let written = orchestrate_persona::write_canonical(&persona);
        let file = format!("{}.md", persona.name);
        let (again, _) =
            orchestrate_persona::read(&orchestrate_core::diagnostic::Source::new(file, written));
        let again = again.unwrap_or_else(|| panic!("{} does not read back", persona.name));
        assert_eq!(Persona { digest: persona.digest, ..again }, persona);
    }
}

#[test]
fn a_code_block_that_is_never_closed_is_closed_and_named() {
    let found = imported_text(
        "ab.md",
        "---\nname: ab\ndescription: Says enough.\n---\nYou are one.\n\n## Work\n```sh\nls\n## no heading\n",
    );
    let persona = &found.personas[0];
    assert_eq!(persona.persona.sections[0].text, "```sh\nls\n## no heading\n```");
    assert_eq!(persona.repaired, ["a code block that was never closed is closed now"]);
}

#[test]
fn a_nested_yaml_value_is_kept_under_its_path() {
    let text = "---\nname: ab\ndescription: Says enough.\nmcpServers:\n  docs: {command: npx, args: [-y, x]}\n---\nYou are one.\n";
    let found = imported_text("ab.md", text);
    let extra = &found.personas[0].persona.extra;
    assert_eq!(extra["mcpServers.docs.command"], "npx");
    assert_eq!(extra["mcpServers.docs.args[0]"], "-y");
}
