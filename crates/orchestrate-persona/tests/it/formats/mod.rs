//! Foreign formats: every fixture is a small file of the shape that is found in the wild.

mod corpus;
mod each;
mod exporting;
mod founding;
mod kept;
mod leaves;
mod page;
mod properties;
mod refused;

use orchestrate_persona::{ForeignFile, Format, Imported, import};

/// Where the fixtures lie.
const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/formats");

/// Every file that is read, with the format that it is recognised as and how many personas it holds.
const READ: &[(&str, Format, usize)] = &[
    ("founding/catalogue.md", Format::Catalogue, 5),
    ("founding/project.md", Format::ProjectDocument, 8),
    ("founding/002_fragment.txt", Format::Sections, 1),
    ("founding/003_front_matter.txt", Format::ClaudeCode, 1),
    ("founding/004_xml.txt", Format::XmlPersona, 1),
    ("one/claude/trace-reader.md", Format::ClaudeCode, 1),
    ("one/plugin/agents/colon-fallback.md", Format::ClaudeCode, 1),
    ("one/skill/log-reading/SKILL.md", Format::AgentSkill, 1),
    ("one/copilot/planner.agent.md", Format::Copilot, 1),
    ("one/copilot/reviewer.chatmode.md", Format::Copilot, 1),
    ("one/gemini/doc-writer.md", Format::GeminiCli, 1),
    ("one/opencode/agent/sql-tuner.md", Format::Opencode, 1),
    ("one/codex_security.toml", Format::Codex, 1),
    ("one/roo/custom_modes.json", Format::Roo, 2),
    ("one/roo/modes.yaml", Format::Roo, 1),
    ("one/roo/util-tidy.mode.md", Format::Roo, 1),
    ("one/bmad_qa.md", Format::Bmad, 1),
    ("one/kiro_backend.json", Format::Kiro, 1),
    ("one/goose_recipe.yaml", Format::Goose, 1),
    ("one/crewai_agents.yaml", Format::Crewai, 2),
    ("one/crewai_crew.jsonc", Format::Crewai, 1),
    ("one/praison_agents.yaml", Format::Praisonai, 1),
    ("one/agent_framework.yaml", Format::AgentFramework, 1),
    ("one/cagent_team.yaml", Format::Cagent, 2),
    ("one/fabric/weigh_claims/system.md", Format::Fabric, 1),
    ("one/prompts.csv", Format::PromptsCsv, 3),
    ("one/lobe_agent.json", Format::Lobe, 1),
    ("one/card_v2.json", Format::CharacterCard, 1),
    ("one/card.png", Format::CharacterCard, 1),
    ("one/superpersonas.md", Format::ProjectDocument, 2),
];

/// The bytes of a fixture.
#[expect(clippy::disallowed_methods, reason = "the tests read their fixtures")]
fn bytes(path: &str) -> Vec<u8> {
    let whole = format!("{FIXTURES}/{path}");
    std::fs::read(&whole).unwrap_or_else(|error| panic!("{whole}: {error}"))
}

/// A fixture, imported as whatever it is recognised as.
fn imported(path: &str) -> Imported {
    import(&ForeignFile { path, bytes: &bytes(path) }, None)
}

/// A text given as a file, imported.
fn imported_text(path: &str, text: &str) -> Imported {
    import(&ForeignFile { path, bytes: text.as_bytes() }, None)
}

#[test]
fn every_file_is_recognised_by_its_content() {
    for &(path, format, personas) in READ {
        let found = imported(path);
        let shown = super::shown(&found.diagnostics);
        assert_eq!(found.format, Some(format), "{path}\n{shown}");
        assert_eq!(found.personas.len(), personas, "{path}\n{shown}");
    }
    for format in Format::ALL.iter().filter(|format| **format != Format::Canonical) {
        assert!(READ.iter().any(|(_, read, _)| read == format), "{format} has no fixture");
    }
}

#[test]
fn every_fixture_is_read_by_a_test() {
    let mut known: Vec<String> = READ.iter().map(|(path, ..)| (*path).to_owned()).collect();
    known.extend(refused::REFUSED.iter().map(|(path, _)| (*path).to_owned()));
    for path in below(FIXTURES, "") {
        assert!(known.contains(&path), "{path} is read by no test");
    }
}

fn below(root: &str, folder: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(format!("{root}/{folder}")).expect("a folder") {
        let entry = entry.expect("readable");
        let name = entry.file_name().into_string().expect("UTF-8");
        let path = if folder.is_empty() { name } else { format!("{folder}/{name}") };
        if entry.file_type().expect("a type").is_dir() {
            found.extend(below(root, &path));
        } else {
            found.push(path);
        }
    }
    found
}
