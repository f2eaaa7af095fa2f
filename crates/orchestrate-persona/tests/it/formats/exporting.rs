//! Personas given to other tools.

use orchestrate_persona::{ExportFormat, ForeignFile, export, import};

use super::{READ, bytes, imported};

#[test]
fn an_unchanged_persona_gives_back_its_bytes() {
    let mut returned = 0;
    for &(path, format, personas) in READ {
        let target = ExportFormat::ALL.iter().find(|(.., read)| *read == format);
        let Some(&(target, ..)) = target.filter(|_| personas == 1) else { continue };
        let original = bytes(path);
        let mut persona = imported(path).personas.remove(0).persona;
        let given = export(&persona, Some(&original), target);
        assert!(given.original && given.lost.is_empty(), "{path}");
        assert_eq!(given.bytes, original, "{path}");
        persona.identity.push_str(" And more.");
        let changed = export(&persona, Some(&original), target);
        assert!(!changed.original && changed.bytes != original, "{path}");
        returned += 1;
    }
    assert!(returned >= 9, "{returned}");
}

#[test]
fn what_is_written_for_a_tool_is_read_as_its_format_and_says_the_same() {
    for path in ["founding/004_xml.txt", "founding/003_front_matter.txt", "one/goose_recipe.yaml"] {
        let persona = imported(path).personas.remove(0).persona;
        for &(target, word, format) in ExportFormat::ALL {
            let given = export(&persona, None, target);
            let found = import(&ForeignFile { path: &given.file_name, bytes: &given.bytes }, None);
            assert_eq!(found.format, Some(format), "{path} as {word}");
            let again = &found.personas[0].persona;
            let text = String::from_utf8(given.bytes).expect("UTF-8");
            if target != ExportFormat::Crewai {
                assert_eq!(again.name, persona.name, "{path} as {word}\n{text}");
                assert_eq!(again.identity, persona.identity, "{path} as {word}\n{text}");
            }
            for gate in &persona.gates {
                assert!(text.contains(&gate.check), "{path} as {word}: {}", gate.check);
            }
        }
    }
}

#[test]
fn what_the_other_tool_will_not_know_is_named() {
    let persona = imported("founding/004_xml.txt").personas.remove(0).persona;
    let given = export(&persona, None, ExportFormat::Codex);
    assert_eq!(given.file_name, "ml-engineer.toml");
    insta::assert_snapshot!(given.lost.join("\n"), @r"
    5 gates will be read and not checked
    5 metrics will be read and not checked
    4 escalation steps will be read and not followed up
    3 colleagues left out
    1 version left out
    2 keys under `x:` left out
    the title, since the name alone is kept
    ");
}
