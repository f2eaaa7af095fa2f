//! The built-in personas: each reads without a remark, keeps every founding fact, and has a voice of
//! its own.

use std::collections::{BTreeMap, BTreeSet};

use orchestrate_core::persona::Persona;

use super::{PERSONAS, file, library, shown, source, stems};

/// The built-in personas with the number of founding facts that each carries.
const FACTS: &[(&str, usize)] = &[
    ("data-ai-engineer", 272),
    ("data-engineer", 65),
    ("data-scientist-stats", 44),
    ("data-viz-specialist", 35),
    ("elasticsearch-expert", 22),
    ("ml-engineer", 206),
    ("ml-engineer-jax", 40),
    ("ml-engineer-pytorch", 42),
    ("ml-engineer-tensorflow", 36),
    ("mlops-engineer", 44),
    ("project-architect", 32),
    ("pytorch-researcher", 21),
    ("redis-caching", 22),
    ("tensorflow-ml", 20),
];

#[test]
fn every_built_in_persona_reads_without_a_remark() {
    let names = stems(PERSONAS, ".md");
    let expected: Vec<&str> = FACTS.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, expected);
    for name in names {
        let (persona, diagnostics) = orchestrate_persona::read(&source(&name));
        assert_eq!(shown(&diagnostics), "");
        assert_eq!(persona.map(|persona| persona.name), Some(name));
    }
}

#[test]
fn every_founding_fact_stands_in_its_file() {
    let tables: Vec<&str> = FACTS.iter().map(|(name, _)| *name).collect();
    assert_eq!(stems(&format!("{PERSONAS}/facts"), ".tsv"), tables);
    let mut missing = Vec::new();
    for (name, count) in FACTS {
        let text = file(&format!("{PERSONAS}/{name}.md"));
        let table = file(&format!("{PERSONAS}/facts/{name}.tsv"));
        let mut rows = table.lines();
        assert_eq!(rows.next(), Some("seed\tfact\tsentence"), "{name}");
        let rows: Vec<&str> = rows.collect();
        for row in &rows {
            let [seed, fact, sentence] = row.split('\t').collect::<Vec<_>>()[..] else {
                panic!("{name}: `{row}` has not three columns")
            };
            assert!(["000", "001", "002", "003", "004"].contains(&seed), "{name}: {row}");
            assert!(!fact.is_empty() && sentence.chars().count() >= 12, "{name}: {row}");
            if !text.lines().any(|line| line.contains(sentence)) {
                missing.push(format!("{name}: {fact}: {sentence}"));
            }
        }
        assert_eq!(rows.len(), *count, "facts of {name}");
    }
    assert_eq!(missing, [] as [String; 0]);
}

#[test]
fn no_two_personas_share_a_paragraph_a_bullet_or_a_sentence() {
    let library = library();
    let names: Vec<String> = library.iter().map(|persona| folded(&persona.name)).collect();
    let mut first: BTreeMap<String, String> = BTreeMap::new();
    let mut shared = Vec::new();
    for persona in &library {
        let own: BTreeSet<String> = pieces(persona, &names);
        for piece in own {
            match first.get(&piece) {
                Some(other) => shared.push(format!("{other} and {}: {piece}", persona.name)),
                None => {
                    first.insert(piece, persona.name.clone());
                }
            }
        }
    }
    assert!(first.len() > 1_000, "only {} pieces were compared", first.len());
    assert_eq!(shared, [] as [String; 0]);
}

/// Every paragraph, bullet, sentence and clause, folded, that has at least four words beside the names
/// of personas.
fn pieces(persona: &Persona, names: &[String]) -> BTreeSet<String> {
    let mut texts: Vec<String> = vec![persona.description.clone(), persona.identity.clone()];
    let lists = [
        &persona.capabilities,
        &persona.when_to_use,
        &persona.when_not_to_use,
        &persona.examples,
        &persona.escalation,
    ];
    texts.extend(lists.into_iter().flatten().cloned());
    texts.extend(persona.gates.iter().map(|gate| gate.check.clone()));
    texts.extend(persona.metrics.iter().map(|metric| metric.text.clone()));
    texts.extend(persona.collaborates_with.iter().filter_map(|with| with.purpose.clone()));
    for section in &persona.sections {
        texts.extend(blocks(&section.text));
    }
    let sentences = texts.iter().flat_map(|text| text.split_inclusive(['.', '?', '!', ';', ':']));
    let pieces = texts.iter().map(String::as_str).chain(sentences).map(folded);
    let counts = |piece: &String| {
        let rest = names.iter().fold(piece.clone(), |rest, name| rest.replace(name.as_str(), ""));
        rest.split_whitespace().count() >= 4
    };
    pieces.filter(counts).collect()
}

/// Paragraphs and list items of a section, each on one line, headings left out.
fn blocks(text: &str) -> Vec<String> {
    let mut blocks = vec![String::new()];
    for line in text.lines() {
        let trimmed = line.trim_start();
        let numbered = trimmed.split_once(". ").is_some_and(|(n, _)| n.parse::<u8>().is_ok());
        if trimmed.is_empty() || trimmed.starts_with('#') {
            blocks.push(String::new());
            continue;
        }
        if trimmed.starts_with("- ") || numbered {
            blocks.push(String::new());
        }
        if let Some(last) = blocks.last_mut() {
            last.push(' ');
            last.push_str(trimmed);
        }
    }
    blocks
}

/// Small letters, and a single space for everything that is neither letter nor digit.
fn folded(text: &str) -> String {
    let lower = text.to_lowercase();
    let words = lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(" ")
}

#[test]
fn every_colleague_that_a_persona_names_exists() {
    let library = library();
    let names: BTreeSet<&str> = library.iter().map(|persona| persona.name.as_str()).collect();
    let parts: BTreeSet<&str> = names.iter().flat_map(|name| name.split('-')).collect();
    let mut unknown = Vec::new();
    for persona in &library {
        let collaborators = persona.collaborates_with.iter().map(|with| with.persona.as_str());
        let text = file(&format!("{PERSONAS}/{}.md", persona.name));
        let quoted = text.split('`').skip(1).step_by(2).filter(|word| is_role(word, &parts));
        let lists =
            persona.when_not_to_use.iter().flat_map(|line| line.split([' ', ',', ';', '.']));
        let listed = lists.filter(|word| is_role(word, &parts));
        for name in collaborators.chain(quoted).chain(listed) {
            if !names.contains(name) || name == persona.name {
                unknown.push(format!("{}: {name}", persona.name));
            }
        }
    }
    assert_eq!(unknown, [] as [String; 0]);
}

/// Whether a word looks like a persona's name: hyphenated, and either made of words that personas
/// are named with or ending in a role.
fn is_role(word: &str, parts: &BTreeSet<&str>) -> bool {
    const ROLES: &[&str] = &[
        "analyst",
        "architect",
        "designer",
        "developer",
        "engineer",
        "expert",
        "lead",
        "manager",
        "researcher",
        "reviewer",
        "scientist",
        "specialist",
    ];
    let words: Vec<&str> = word.split('-').collect();
    let plain = word.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
    plain
        && words.len() > 1
        && (words.iter().all(|word| parts.contains(word))
            || words.last().is_some_and(|last| ROLES.contains(last)))
}

#[test]
fn every_persona_says_what_it_asks_delivers_measures_and_refuses() {
    for persona in library() {
        let name = &persona.name;
        let section = |heading: &str| {
            persona.section(heading).unwrap_or_else(|| panic!("{name} has no section {heading}"))
        };
        let questions = section("Approach").items(Some("Ask first"));
        assert!(questions.len() >= 5, "{name} asks {}", questions.len());
        for question in questions {
            assert!(question.ends_with('?'), "{name}: {question}");
        }
        assert!(section("Approach").items(Some("Work")).len() >= 4, "{name}: work");
        let output = section("Output");
        let deliverable = output.items(Some("Deliverable"));
        assert!(deliverable.len() >= 5, "{name} delivers {}", deliverable.len());
        for part in deliverable {
            assert!(part.starts_with("**") && part.contains("** — "), "{name}: {part}");
        }
        let figures = output.items(Some("Figures"));
        assert!(figures.len() >= 5, "{name} measures {}", figures.len());
        for figure in figures {
            assert!(figure.contains('(') && figure.contains(") — "), "{name}: {figure}");
        }
        assert!(!output.items(Some("Handing over")).is_empty(), "{name} hands over nothing");
        assert!(section("Limits").items(None).len() >= 3, "{name}: limits");
        assert!((3..=8).contains(&persona.examples.len()), "{name}: examples");
        assert!(!persona.when_not_to_use.is_empty(), "{name}: when_not_to_use");
    }
}

#[test]
fn the_ml_engineer_keeps_its_gates_figures_and_stages() {
    let library = library();
    let persona = library.iter().find(|persona| persona.name == "ml-engineer").expect("built in");
    let gates: Vec<_> =
        persona.gates.iter().map(|gate| (gate.id.as_str(), gate.required)).collect();
    assert_eq!(
        gates,
        [
            ("performance", true),
            ("bias", true),
            ("deployment", true),
            ("interpretability", true),
            ("cost", true)
        ]
    );
    let metrics: Vec<String> = persona
        .metrics
        .iter()
        .map(|metric| {
            let text = |text: &Option<String>| text.clone().unwrap_or_default();
            let value = metric.value.map(|value| value.to_string()).unwrap_or_default();
            format!(
                "{}: {} {value} {} {}",
                metric.id,
                text(&metric.op),
                text(&metric.unit),
                text(&metric.relative_to)
            )
            .trim_end()
            .to_owned()
        })
        .collect();
    assert_eq!(
        metrics,
        [
            "accuracy: > 95 %",
            "latency: < 100 ms",
            "drift: < 5 %",
            "unit-cost: >= 30 % baseline",
            "group-fairness:"
        ]
    );
    assert_eq!(persona.escalation.len(), 4);
}
