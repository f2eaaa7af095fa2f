//! Whatever the bytes: no panic, and either personas that read back or an error.

use indexmap::IndexMap;
use orchestrate_core::{
    diagnostic::{Source, has_errors},
    persona::{
        Collaboration, Gate, GateJudge, Metric, Persona, PersonaSource, Section, persona_digest,
    },
};
use orchestrate_persona::{ForeignFile, Format, export, import, read, write_canonical};
use proptest::{prelude::*, sample::select};

use super::{READ, bytes};

/// Imports, and checks what must hold of anything that is imported.
fn check(path: &str, bytes: &[u8], force: Option<Format>) {
    let found = import(&ForeignFile { path, bytes }, force);
    if found.personas.is_empty() {
        assert!(has_errors(&found.diagnostics), "{path} is skipped in silence");
    }
    for persona in &found.personas {
        if found.format == Some(Format::Canonical) {
            continue;
        }
        let source = Source::new(format!("{}.md", persona.persona.name), &*persona.canonical);
        let (again, diagnostics) = read(&source);
        assert_eq!(again.as_ref(), Some(&persona.persona), "{diagnostics:?}");
        assert_eq!(write_canonical(&persona.persona), persona.canonical);
        for (target, ..) in orchestrate_persona::ExportFormat::ALL {
            export(&persona.persona, Some(bytes), *target);
        }
    }
}

/// A fixture with some bytes replaced, removed, doubled or brought in from elsewhere.
fn mutated() -> impl Strategy<Value = (usize, Vec<(usize, u8, Vec<u8>)>)> {
    let piece = prop_oneof![
        any::<[u8; 1]>().prop_map(|bytes| bytes.to_vec()),
        select(vec![
            "---\n",
            "```\n",
            "~~~\n",
            "\n## ",
            "\n# ",
            "\n### ",
            ": ",
            "- ",
            "\r\n",
            "\u{feff}",
            "\u{200b}",
            "\u{202e}",
            "{{",
            "<a",
            "</a>",
            "<persona_context>",
            "&",
            "*",
            "\"",
            "'",
            "\\n",
            "|\n",
            "[",
            "]",
            "{",
            "}",
            "**Slug**: `x`\n",
            "\t",
            "=",
            "+++\n",
            "→",
            "é",
            "\u{85}",
            "\u{2028}",
            "null",
            "x: y",
        ])
        .prop_map(|text| text.as_bytes().to_vec()),
    ];
    (0..READ.len(), proptest::collection::vec((any::<usize>(), 0..4u8, piece), 1..12))
}

fn apply(mut bytes: Vec<u8>, edits: &[(usize, u8, Vec<u8>)]) -> Vec<u8> {
    for (at, kind, piece) in edits {
        let at = at % (bytes.len() + 1);
        match kind {
            0 => drop(bytes.splice(at..at, piece.iter().copied())),
            1 => {
                let end = (at + piece.len()).min(bytes.len());
                bytes.splice(at..end, piece.iter().copied());
            }
            2 => drop(bytes.drain(at..(at + 40).min(bytes.len()))),
            _ => bytes.truncate(at.max(1)),
        }
    }
    bytes
}

/// A text as it can stand on one line of a file.
fn line() -> impl Strategy<Value = String> {
    let word = select(vec![
        "plain",
        "two words",
        "colon: here",
        "# hash",
        "- dash",
        "'single'",
        "\"double\"",
        "back\\slash",
        "null",
        "yes",
        "1.0",
        "007",
        "{{ brace }}",
        "[list]",
        "é→ü",
        "%",
        "&anchor",
        "*star",
        "!tag",
        "|",
        ">",
        "@at",
        "`tick`",
        "trailing:",
        "a #b",
        "~",
        "=",
        "emoji 🎯",
        "tab\there",
    ]);
    proptest::collection::vec(word, 1..4).prop_map(|words| words.join(" "))
}

fn lines() -> impl Strategy<Value = Vec<String>> {
    proptest::collection::vec(line(), 0..3).prop_map(|lines| {
        lines.into_iter().enumerate().map(|(at, line)| format!("{line} {at}")).collect()
    })
}

/// A text of several lines as a section or a foreign key may hold it.
fn paragraphs() -> impl Strategy<Value = String> {
    proptest::collection::vec(line(), 1..5).prop_map(|lines| {
        let text: Vec<String> =
            lines.iter().map(|line| line.trim_start_matches(['#', ' ']).to_owned()).collect();
        text.join("\n\n    ").trim().to_owned()
    })
}

prop_compose! {
    fn persona()(
        texts in (line(), line(), line(), line()),
        lists in (lines(), lines(), lines(), lines(), lines(), lines()),
        sections in proptest::collection::vec(paragraphs(), 0..4),
        extra in proptest::collection::vec((line(), paragraphs()), 0..3),
        value in proptest::option::of(-1e9..1e9f64),
        flag in any::<bool>(),
        synthesised in lines(),
    ) -> Persona {
        let (title, description, category, identity) = texts;
        let (aliases, capabilities, when, examples, escalation, checks) = lists;
        let metric = |(at, text): (usize, &String)| Metric {
            id: format!("metric-{at}"),
            text: text.clone(),
            name: value.map(|_| text.clone()),
            op: value.map(|_| ">=".to_owned()),
            value,
            unit: value.filter(|_| flag).map(|_| "%".to_owned()),
            relative_to: None,
        };
        let gate = |(at, check): (usize, &String)| Gate {
            id: format!("gate-{at}"),
            check: check.clone(),
            by: if flag { GateJudge::Human } else { GateJudge::Judge },
            required: flag,
        };
        let with = |text: &String| Collaboration { persona: "data-engineer".into(), purpose: Some(text.clone()) };
        let extra: IndexMap<String, String> = extra.into_iter().collect();
        Persona {
            name: "some-name".into(),
            title,
            abbreviation: flag.then(|| "SN".to_owned()),
            description: format!("{description} and then some more"),
            category: flag.then_some(category),
            tags: aliases.clone(),
            version: Some("1.0".into()),
            when_not_to_use: when.clone(),
            synonyms: when.clone(),
            gates: checks.iter().enumerate().map(gate).collect(),
            metrics: checks.iter().enumerate().map(metric).collect(),
            collaborates_with: checks.iter().map(with).collect(),
            tools: escalation.clone(),
            aliases, capabilities, when_to_use: when, examples, escalation,
            model: flag.then(|| "some/model".to_owned()),
            extra,
            source: flag.then(|| PersonaSource { format: "goose".into(), path: "a b/c: d.yaml".into(), sha256: "00ff".into(), synthesised }),
            identity: format!("You {}", identity.split_whitespace().collect::<Vec<_>>().join(" ")),
            sections: sections.into_iter().enumerate().map(|(at, text)| Section { heading: format!("Heading {at}: x"), text }).collect(),
            digest: persona_digest(b""),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400), format in select(Format::ALL)) {
        check("some/file", &bytes, None);
        check("some/file.md", &bytes, Some(format));
    }

    #[test]
    fn damaged_files_give_personas_or_errors((index, edits) in mutated(), forced in proptest::option::of(select(Format::ALL))) {
        let (path, ..) = READ[index];
        let damaged = apply(bytes(path), &edits);
        check(path, &damaged, None);
        check(path, &damaged, forced);
    }

    #[test]
    fn a_canonical_file_reads_back_as_the_persona_it_was_written_from(persona in persona()) {
        let text = write_canonical(&persona);
        let (again, diagnostics) = read(&Source::new("some-name.md", &*text));
        let again = again.unwrap_or_else(|| panic!("{}\n{text}", super::super::shown(&diagnostics)));
        prop_assert_eq!(&Persona { digest: again.digest, ..persona }, &again, "{}", text);
        prop_assert_eq!(write_canonical(&again), text);
    }
}

#[test]
fn files_made_to_take_long_do_not() {
    let many = |piece: &str| piece.repeat(500_000 / piece.len());
    let few = |piece: &str| piece.repeat(400);
    let slow = [
        ("a.md", many("### x\n")),
        ("a.md", many("## x\n")),
        ("a.md", format!("---\nname: ab\ndescription: Says enough here.\n---\n{}", many("## \n"))),
        (
            "a.md",
            format!(
                "---\nname: ab\ndescription: Says enough here.\n---\n{}",
                numbered("## ", "\nx\n", 40_000)
            ),
        ),
        (
            "a.md",
            format!(
                "---\nname: ab\ndescription: Says enough here.\n---\nYou.\n\n## Success Metrics\n{}",
                many("- a < 5\n")
            ),
        ),
        ("a.md", few("## A\n**Slug**: x\n**Focus**: y\n")),
        ("a.md", many("```\n")),
        ("a.md", format!("```xml\n<persona_context>{}</persona_context>\n```", many("<a>"))),
        (
            "a.json",
            format!(
                "{{\"customModes\":[{}{{}}]}}",
                few("{\"slug\":\"x\",\"roleDefinition\":\"y\"},")
            ),
        ),
        ("a.csv", format!("act,prompt\n{}", few("x,y\n"))),
        ("a.toml", format!("developer_instructions = \"x\"\n{}", numbered("k", " = 1\n", 20_000))),
    ];
    for (path, text) in &slow {
        let found = super::imported_text(path, text);
        assert!(!found.diagnostics.is_empty() || !found.personas.is_empty(), "{path}");
    }
}

/// Numbers between two texts, one after the other.
fn numbered(before: &str, after: &str, count: usize) -> String {
    let mut text = String::new();
    for at in 0..count {
        for part in [before, &at.to_string(), after] {
            text.push_str(part);
        }
    }
    text
}
