//! Texts that were once lost or torn on the way in: each is where it belongs, or is named.

use orchestrate_persona::{Format, Imported, Pattern, import, workflow_skeleton};

use super::{ForeignFile, imported_text, leaves::kept};
use crate::shown;

fn one(text: &str) -> orchestrate_core::persona::Persona {
    of("a.md", text)
}

fn of(path: &str, text: &str) -> orchestrate_core::persona::Persona {
    let mut found = imported_text(path, text);
    assert_eq!(found.personas.len(), 1, "{}", shown(&found.diagnostics));
    found.personas.remove(0).persona
}

fn code_of_refusal(found: &Imported) -> &str {
    assert!(found.personas.is_empty());
    found.diagnostics[0].code
}

#[test]
fn every_attribute_of_xml_is_kept_and_a_gates_id_is_its_id() {
    let text = r#"# Raw

```xml
<persona_context active="raw-x" xmlns:s="urn:space">
<persona_identity><name lang="en-leaf">Raw X</name><name>Second leaf</name>
<expertise_domain id="idleaf"><part at="partleaf">below leaf</part>d1</expertise_domain></persona_identity>
<domain_knowledge><core_expertise><expertise level="expertleaf">E1</expertise>
<expertise level="noviceleaf">E2</expertise></core_expertise>
<blind_spots><spot why="spotleaf">B</spot></blind_spots></domain_knowledge>
<quality_standards><mandatory_gates note="gatesleaf"><gate id="g1" severity="sevleaf">G</gate>
<gate id="Not a slug">Hold it</gate></mandatory_gates>
<success_metrics><metric target="95leaf">Acc</metric></success_metrics></quality_standards>
<problem_solving_method><step n="nleaf">one</step><step>two</step>
<escalation to="toleaf">a → b</escalation></problem_solving_method>
<odd attr="attrleaf">o</odd><?told by="pileaf"?>
</persona_context>
<persona_context active="second-active"><odd>x</odd></persona_context>
```
"#;
    // The second root makes the block no XML, so it stands in one of its own.
    let text = text.replace(
        "<persona_context active=\"second",
        "```\n\n```xml\n<persona_context active=\"second",
    );
    let found = imported_text("raw.md", &text);
    let persona = &found.personas[0].persona;
    let kept = kept(&found);
    for leaf in [
        "en-leaf",
        "Second leaf",
        "idleaf",
        "partleaf",
        "below leaf",
        "expertleaf",
        "noviceleaf",
        "spotleaf",
        "gatesleaf",
        "sevleaf",
        "Not a slug",
        "95leaf",
        "nleaf",
        "toleaf",
        "attrleaf",
        "pileaf",
        "second-active",
        "urn:space",
    ] {
        assert!(kept.contains(leaf), "{leaf}\n{}", found.personas[0].canonical);
    }
    assert_eq!(persona.name, "raw-x");
    assert_eq!((persona.gates[0].id.as_str(), persona.gates[1].id.as_str()), ("g1", "hold-it"));
    let gates = "persona_context.quality_standards.mandatory_gates";
    assert_eq!(persona.extra[&format!("{gates}.gate[0].severity")], "sevleaf");
    assert_eq!(persona.extra[&format!("{gates}.gate[1].id")], "Not a slug");
    assert!(!persona.extra.contains_key(&format!("{gates}.gate[0].id")));
    let approach = persona.section("Approach").expect("there");
    assert!(approach.text.contains("- one\n  - N: nleaf\n- two"), "{}", approach.text);
}

/// A document of two personas, with text below the labels of the first and a pattern.
fn document(pattern: &str) -> String {
    format!(
        "# Team\n\n## 1. API Designer (API)\n\n**Slug**: `api-designer`\n\nIntro line leaf for API.\n\n\
         **Note**: Short note.\n\nAnother leaf.\n\n**Identity**: Keeper of contracts.\n- item leaf\n\n\
         **Expertise**:\n- REST\n\n## 2. Human Judge (HJ)\n\n**Slug**: `human-judge`\n\n**Expertise**:\n- Verdicts\n\n\
         ## Patterns\n\n### Pattern 1: From Idea to API\n{pattern}"
    )
}

#[test]
fn a_label_has_its_own_line_and_what_stands_below_it_is_text() {
    let found = imported_text("team.md", &document("1. **API Designer** → Design it\n"));
    let persona = &found.personas[0].persona;
    assert_eq!(persona.name, "api-designer");
    assert_eq!(persona.identity, "You are the API Designer: Keeper of contracts. Short note.");
    assert_eq!(
        persona.sections[0].text,
        "Intro line leaf for API.\n\nAnother leaf.\n\n- item leaf"
    );
}

#[test]
fn a_pattern_with_prose_and_a_line_without_arrow_is_built_as_far_as_it_goes() {
    let text = document(
        "Use it when an API is new.\n\n1. **API Designer** → Design it\n2. Everybody sleeps\n\
         3. **Human Judge** → Judge it\n4. Human signs off\n\nIt takes a day.\n",
    );
    let found = imported_text("team.md", &text);
    let [pattern] = found.patterns.as_slice() else { panic!("{:?}", found.dropped) };
    insta::assert_snapshot!(workflow_skeleton(pattern), @r"
    # Use it when an API is new.
    # It takes a day.
    workflow: from-idea-to-api
    summary: From Idea to API

    inputs:
      task:
        type: string
        required: true
        help: What is to be done

    steps:
      api-designer:
        persona: api-designer
        prompt: |
          Design it.

      # To do: Everybody sleeps

      human-judge:
        persona: human-judge
        needs: api-designer
        prompt: |
          Judge it.

      # To do: Human signs off
    ");
    compiles(pattern);
}

fn compiles(pattern: &Pattern) {
    struct Anybody;
    impl orchestrate_workflow::Catalogue for Anybody {
        fn has_persona(&self, _: &str) -> bool {
            true
        }
        fn persona_names(&self) -> Vec<String> {
            Vec::new()
        }
    }
    let text = workflow_skeleton(pattern);
    let name = format!("workflows/{}.yaml", pattern.name);
    let source = orchestrate_core::diagnostic::Source::new(name, &*text);
    let (plan, diagnostics) = orchestrate_workflow::compile(&source, &Anybody);
    assert!(plan.is_some(), "{}\n{text}", shown(&diagnostics));
}

#[test]
fn a_pattern_that_is_not_taken_is_dropped_for_its_true_reason() {
    let reason = |pattern: &str| {
        let found = imported_text("team.md", &document(pattern));
        let about =
            |dropped: &&orchestrate_persona::Dropped| dropped.path_in_source.contains("Idea");
        found.dropped.iter().find(about).map(|dropped| dropped.reason.clone())
    };
    let wanted = |reason: &str| Some(reason.to_owned());
    assert_eq!(reason("- Talk to each other\n"), wanted("a pattern without a line `who → what`"));
    assert_eq!(
        reason("Text.\n\n1. Nobody → Nothing\n"),
        wanted("a pattern that names none of these personas")
    );
    let many = "1. API Designer → Again\n".repeat(101);
    assert_eq!(reason(&many), wanted("a pattern with too many lines"));
}

#[test]
fn examples_over_several_lines_stay_in_the_description_and_users_are_quoted() {
    let persona = one(
        "---\nname: ab\ndescription: Use this agent: always.\n<example>\nContext: A leaf file\n\
         user: \"Mend it: now\"\nassistant: \"Answer leaf\"\n</example>\nmodel: opus\n---\nYou are one.\n",
    );
    assert_eq!(persona.description, "Use this agent: always.");
    assert_eq!(persona.examples, ["Mend it: now"]);
    assert_eq!(persona.model.as_deref(), Some("opus"));
    assert_eq!(persona.extra.keys().collect::<Vec<_>>(), ["description"]);
    let old = &persona.extra["description"];
    assert!(old.contains("A leaf file") && old.contains("Answer leaf"), "{old}");
}

#[test]
fn prose_around_a_block_of_yaml_is_kept_and_only_what_tells_the_tool_is_dropped() {
    let found = imported_text(
        "qa.md",
        "# qa\n\nACTIVATION-NOTICE: Read it all.\n\nWords of the house.\n\n\
         CRITICAL: Read the full YAML BLOCK that follows.\n\n## COMPLETE AGENT DEFINITION\n\nNo external files needed.\n\n\
         ```yaml\nagent:\n  id: qa\n  title: QA\npersona:\n  role: Tester\n```\n\n\
         ## Rules of the house\n- Never deploy on Friday.\n\n## When to use\n- Before a release\n",
    );
    let persona = &found.personas[0].persona;
    assert_eq!(found.format, Some(Format::Bmad));
    assert_eq!(persona.sections[0].text, "Words of the house.");
    let rules = persona.section("Rules of the house").expect("kept");
    assert_eq!(rules.text, "- Never deploy on Friday.");
    assert_eq!(persona.when_to_use, ["Before a release"]);
    let dropped: Vec<&str> =
        found.personas[0].dropped.iter().map(|dropped| dropped.text.as_str()).collect();
    assert_eq!(
        dropped,
        [
            "ACTIVATION-NOTICE: Read it all.\n\nCRITICAL: Read the full YAML BLOCK that follows.",
            "No external files needed."
        ]
    );
    assert!(persona.extra["heading"].contains("COMPLETE AGENT DEFINITION"));
}

#[test]
fn escape_sequences_are_removed_as_a_whole_and_named_with_their_lines() {
    let found = imported_text(
        "ab.md",
        "---\nname: \"a\\e[31mct\"\ndescription: Says \u{1b}[31mred\u{1b}[0m enough.\n---\n# A \u{1b}]0;x\u{7}Title\n\nYou are one.\n",
    );
    let persona = &found.personas[0].persona;
    assert_eq!((persona.name.as_str(), persona.title.as_str()), ("act", "A Title"));
    assert_eq!(persona.description, "Says red enough.");
    assert_eq!(
        found.personas[0].repaired,
        [
            "what nobody can see was removed in 3 places: U+001B ESCAPE with `[31m` (line 3); \
             U+001B ESCAPE with `[0m` (line 3); U+001B ESCAPE with `]0;x\\u{7}` (line 5)",
            "what nobody can see was removed in 1 place: U+001B ESCAPE with `[31m`",
        ]
    );
    assert!(!found.personas[0].canonical.contains("31m"));
}

#[test]
fn a_key_of_ours_written_as_text_refuses_no_file() {
    let skill = of(
        "skills/tidy/SKILL.md",
        "---\nname: tidy\ndescription: Formats code.\nwhen_to_use: When the user asks for formatting\n---\nYou are tidy.\n",
    );
    assert_eq!(skill.when_to_use, ["When the user asks for formatting"]);
    let found = imported_text(
        "kx.md",
        "---\nname: kx\ndescription: Says enough here.\nmetrics: fast\ngates: [tests pass]\nescalation: ask a person\n\
         collaborates_with: [bob, al]\nwhen_not_to_use: {never: leaf}\n---\nYou are kx.\n",
    );
    assert_eq!(found.format, Some(Format::ClaudeCode));
    let persona = &found.personas[0].persona;
    assert_eq!(persona.metrics[0].text, "fast");
    assert_eq!(persona.gates[0].check, "tests pass");
    assert_eq!(persona.escalation, ["ask a person"]);
    assert_eq!(persona.collaborates_with.len(), 2);
    assert_eq!(persona.extra["when_not_to_use.never"], "leaf");
    let warning = &found.diagnostics[0];
    assert_eq!(warning.code, "not-canonical");
    assert!(warning.message.starts_with("read as claude-code, not as a file of ours: "));
}

#[test]
fn a_file_that_is_meant_to_be_ours_is_read_strictly() {
    for own in [
        "source: {format: goose, path: a, sha256: ab}\nwhen_to_use: now",
        "gates: [{check: It holds, byy: judge}]",
        "collaborates_with: [{persona: al, four: x}]",
    ] {
        let text = format!("---\nname: ab\ndescription: Says enough.\n{own}\n---\nYou are one.\n");
        let found = imported_text("ab.md", &text);
        assert!(found.format.is_none_or(|format| format == Format::Canonical), "{own}");
        assert!(found.diagnostics.iter().all(|found| found.code != "not-canonical"), "{own}");
        assert!(!found.diagnostics.is_empty(), "{own}");
    }
}

#[test]
fn a_key_of_a_page_refuses_no_persona_that_is_spoken_to() {
    for key in ["date: 2024-01-02", "slug: kx", "layout: post", "globs: '*'", "alwaysApply: true"] {
        let file = |body: &str| {
            format!("---\nname: kx\ndescription: Good for stuff when needed\n{key}\n---\n{body}")
        };
        let found = imported_text("kx.md", &file("You are kx, a careful engineer.\n"));
        let name = key.split(':').next().unwrap();
        assert_eq!(found.format, Some(Format::ClaudeCode), "{key}");
        assert!(found.personas[0].persona.extra.contains_key(name), "{key}");
        let page = file("Some notes on engineering.\n");
        let found = imported_text("kx.md", &page);
        assert_eq!(code_of_refusal(&found), "not-a-persona");
        let help = &found.diagnostics[0].help[0];
        assert!(help.starts_with(&format!("`{name}` marks a page")), "{help}");
        assert!(help.contains("--from claude-code"), "{help}");
        let file = ForeignFile { path: "kx.md", bytes: page.as_bytes() };
        assert_eq!(import(&file, Some(Format::ClaudeCode)).personas.len(), 1, "the advice holds");
    }
}

#[test]
fn the_mark_that_closes_a_wholly_wrapped_file_goes_with_its_opening() {
    for body in ["You are one.\n\n## Work\n\n```sh\nls\n```\n", "You are one.\n\n## Work\n\n- a\n"]
    {
        let file = format!("---\nname: ab\ndescription: Says enough.\n---\n{body}");
        let plain = one(&file);
        let wrapped = one(&format!("```markdown\n{file}```\n"));
        assert_eq!(wrapped.sections, plain.sections);
    }
}

#[test]
fn a_sentence_in_front_of_a_list_says_who_somebody_is() {
    let found = imported_text(
        "ab.md",
        "---\nname: ab\ndescription: Says enough.\n---\nYou are listy. Rules:\n- one\n- two\n",
    );
    assert_eq!(found.personas[0].synthesised, [""; 0]);
    let persona = &found.personas[0].persona;
    assert_eq!(persona.identity, "You are listy.");
    assert_eq!(persona.sections[0].text, "Rules:\n- one\n- two");
}

#[test]
fn a_use_is_parted_outside_brackets_and_text_about_a_category_is_named_as_such() {
    let found = imported_text(
        "all.md",
        "# Category: Web\n\nText leaf about the web.\n\n## Persona 1: fe\n\n\
         **Use**: Frontend, React (hooks, context), CSS\n\nYou are one.\n\n\
         # Category: Data\n\n## Persona 2: de\n\n**Use**: Data\n\nYou are one.\n",
    );
    let [web, data] = found.personas.as_slice() else { panic!("{}", shown(&found.diagnostics)) };
    assert_eq!(web.persona.when_to_use, ["Frontend", "React (hooks, context)", "CSS"]);
    let categories = [&web.persona, &data.persona].map(|persona| persona.category.as_deref());
    assert_eq!(categories, [Some("Web"), Some("Data")]);
    assert_eq!(found.dropped[0].reason, "about the category, not about a persona");
    assert_eq!(found.dropped[0].text, "Text leaf about the web.");
}

#[test]
fn nothing_is_left_out_of_a_file_that_is_refused_and_a_heading_is_told_as_it_was_written() {
    let text = "Some text.\n\n# Notes\n\nMore.\n";
    let found =
        import(&ForeignFile { path: "a.md", bytes: text.as_bytes() }, Some(Format::Catalogue));
    assert_eq!((found.personas.len(), found.dropped.len()), (0, 0));
    let found = imported_text("a.md", &format!("Lead leaf.\n\n{}", document("")));
    assert_eq!(found.dropped[0].path_in_source, "above the first heading");
    let found = super::imported("one/superpersonas.md");
    let mapped = &found.personas[0].mapped;
    assert!(mapped.iter().any(|mapped| mapped.from == "Auto-Activation Triggers"), "{mapped:?}");
}

#[test]
fn comments_in_lists_are_no_entries_of_them_and_are_kept() {
    let xml = "# Raw\n\n```xml\n<persona_context active=\"raw-x\">\n\
<persona_identity><name>Raw X</name><expertise_domain>ovens</expertise_domain></persona_identity>\n\
<domain_knowledge><core_expertise><!-- first hidden --><expertise>Bricks</expertise></core_expertise>\n\
<blind_spots><!-- second hidden --><spot>Wood</spot></blind_spots></domain_knowledge>\n\
<quality_standards><mandatory_gates>\n<!-- third hidden -->\n<gate>It is warm</gate>\n<?pi fourth hidden?>\n</mandatory_gates>\n\
<success_metrics><!-- fifth hidden --><metric>Heat &gt; 200 degrees</metric></success_metrics></quality_standards>\n\
<escalation><!-- sixth hidden --> a → b</escalation>\n\
</persona_context>\n```\n";
    let found = imported_text("raw.md", xml);
    let persona = &found.personas[0].persona;
    let checks: Vec<&str> = persona.gates.iter().map(|gate| gate.check.as_str()).collect();
    assert_eq!(checks, ["It is warm"]);
    let metrics: Vec<&str> = persona.metrics.iter().map(|metric| metric.text.as_str()).collect();
    assert_eq!(metrics, ["Heat > 200 degrees"]);
    assert_eq!(persona.capabilities, ["Bricks"]);
    assert_eq!(persona.when_not_to_use, ["Wood"]);
    assert_eq!(persona.escalation, ["a", "b"]);
    let kept = kept(&found);
    for hidden in ["first", "second", "third", "fourth", "fifth", "sixth"] {
        assert!(kept.contains(&format!("{hidden} hidden")), "{hidden}: {kept}");
    }
    // An element of that name is one like any other.
    let named = xml.replace("<!-- third hidden -->", "<comment>A gate</comment>");
    assert_eq!(imported_text("raw.md", &named).personas[0].persona.gates.len(), 2);
}

#[test]
fn comments_in_markdown_lists_are_no_entries_of_them() {
    let text = "---\nname: baker\ndescription: Bakes bread. Use when hungry.\ntools: Read\n---\n\nYou are a baker.\n\n\
## Capabilities\n\n- Bread\n<!--\n- Cake\n-->\n- <!-- Pies -->\n- Rolls <!-- soft -->\n\n\
## Success Metrics\n\n- Heat > 200 degrees\n<!-- - Heat > 300 degrees -->\n";
    let persona = of(".claude/agents/baker.md", text);
    assert_eq!(persona.capabilities, ["Bread", "Rolls"]);
    assert_eq!(persona.metrics.len(), 1, "{:?}", persona.metrics);
}
