//! Persona files with and without mistakes.

use std::fmt::Write as _;

use orchestrate_core::{diagnostic::Source, persona::GateJudge};
use orchestrate_persona::{MAX_FILE_BYTES, read};

use super::shown;

fn diagnosed(name: &str, text: &str) -> String {
    let (persona, diagnostics) = read(&Source::new(name, text));
    let errors = orchestrate_core::diagnostic::has_errors(&diagnostics);
    assert_eq!(persona.is_none(), errors, "a persona exactly where there is no error");
    shown(&diagnostics)
}

#[test]
fn a_whole_file_is_read() {
    let text = "\u{feff}---\r\n# a comment\r\nname: tester\r\ndescription: \"Tests: things.\"\r\nversion: 1.0\r\n\
                aliases: [qa, 42]\r\ntools: read, grep\r\nmodel: inherit\r\nx: {anything: [1]}\r\nsource: {path: a}\r\n\
                gates:\r\n  - {id: run, check: It runs, by: command, required: false}\r\n\
                collaborates_with: [{persona: data-engineer, for: data}]\r\n---\r\nYou test\r\nthings.\r\n\r\n## Work\r\n- a\r\n";
    let (persona, diagnostics) = read(&Source::new("built-in:personas/tester.md", text));
    assert_eq!(shown(&diagnostics), "");
    let persona = persona.expect("sound");
    assert_eq!((persona.name.as_str(), persona.title.as_str()), ("tester", "Tester"));
    assert_eq!(persona.description, "Tests: things.");
    assert_eq!(persona.version.as_deref(), Some("1.0"));
    assert_eq!(persona.aliases, ["qa", "42"]);
    assert_eq!(persona.tools, ["read", "grep"]);
    assert_eq!((persona.gates[0].by, persona.gates[0].required), (GateJudge::Command, false));
    assert_eq!(persona.collaborates_with[0].purpose.as_deref(), Some("data"));
    assert_eq!(persona.identity, "You test things.");
    assert_eq!(persona.sections[0].text, "- a");
    assert_eq!(persona.digest, orchestrate_core::persona::persona_digest(text.as_bytes()));
}

#[test]
fn all_mistakes_are_reported_at_once() {
    let text = "\
---
nane: tester
title: [a]
description: short
tags: one
capabilities:
  - good
  - Note: this
  -
version: 1
version: 2
model: gpt
gates:
  - { id: Bias Check, check: x }
  - { id: a1, check: x, by: judg, required: maybe }
  - { id: a1, chek: x }
  - text
metrics:
  - { id: m1, text: Fast, name: speed, value: 10 ms, unit: ms }
  - { id: m2, text: Slow, name: speed, op: less, value: 1 }
collaborates_with:
  - { persona: data-engineer, for: pipelines, Scala and SQL }
  - { for: nothing }
tools: { read: yes }
---
## Work
## Work
```
";
    insta::assert_snapshot!(diagnosed("personas/tester.md", text), @r###"
    personas/tester.md:1:1 error[name-missing] the front matter has no `name`
        at "---" expected below this
        help: add `name: tester`
    personas/tester.md:2:1 warning[unknown-key] unknown key `nane`
        at "nane" not read
        help: did you mean `name`?
    personas/tester.md:3:8 error[wrong-type] `title` must be a text, this is a list
        at "["
    personas/tester.md:4:14 error[description-too-short] the description has 5 characters, at least 10 are needed
        at "short"
        help: say what it does and when to use it
    personas/tester.md:5:7 error[wrong-type] `tags` must be a list of texts, this is a text
        at "one"
        help: write a list: `tags: [one, two]`
    personas/tester.md:8:5 error[wrong-type] an entry of `capabilities` must be a text, this is a mapping
        at "N"
        help: an entry that contains `: ` must be quoted: `- "one: two"`
    personas/tester.md:9:4 error[empty-value] an entry of `capabilities` is empty
        at ""
    personas/tester.md:11:1 error[duplicate-key] `version` is given twice
        at "version" given again here
    personas/tester.md:12:8 warning[foreign-model] a persona does not choose its model
        at "gpt" not used
        help: leave `model` out and name the model in the workflow or on the command line
    personas/tester.md:14:11 error[id-not-slug] `Bias Check` is not a name: small letters, digits and single hyphens, 2 to 64 of them
        at "Bias Check"
        help: write `bias-check`
    personas/tester.md:15:29 error[unknown-value] `by` must be one of `judge`, `command`, `human`, this is `judg`
        at "judg"
        help: did you mean `judge`?
    personas/tester.md:15:45 error[wrong-type] `required` must be `true` or `false`
        at "maybe"
    personas/tester.md:16:5 error[missing-key] this gate has no `check`
        at "{"
    personas/tester.md:16:11 error[duplicate-id] two gates are named `a1`
        at "a1" used before
        help: give each its own id: findings and briefs refer to it
    personas/tester.md:16:15 warning[unknown-key] unknown key `chek`
        at "chek" not read
        help: did you mean `check`?
    personas/tester.md:17:5 error[wrong-type] an entry of `gates` must be a mapping, this is a text
        at "text"
        help: write each as `- { id: bias, check: Fairness is assessed per group }`
    personas/tester.md:19:5 error[metric-incomplete] a metric with a figure needs `name`, `op` and `value` together
        at "{"
        help: give all three, or leave the metric to its `text`
    personas/tester.md:19:47 error[wrong-type] `value` must be a number, this is `10 ms`
        at "10 ms"
        help: write the number alone, as in `value: 100`, and its unit in `unit`
    personas/tester.md:20:44 error[unknown-value] `op` must be one of `<`, `<=`, `>`, `>=`, `=`, this is `less`
        at "less"
    personas/tester.md:22:47 warning[unknown-key] unknown key `Scala and SQL`
        at "Scala and SQL" not read
        help: inside `{ }` and `[ ]`, quote a text that has a comma
    personas/tester.md:23:5 error[missing-key] this collaboration has no `persona`
        at "{"
    personas/tester.md:24:8 error[wrong-type] `tools` must be a list of texts, this is a mapping
        at "{"
        help: write a list: `tools: [one, two]`
    personas/tester.md:26:1 error[identity-missing] the text does not say who the persona is
        at "## Work" expected a paragraph before this
        help: begin the text below the front matter with a paragraph: `You are …`
    personas/tester.md:27:1 warning[duplicate-section] a second section `Work`
        at "## Work"
        help: merge the two sections
    personas/tester.md:28:1 warning[fence-unbalanced] this code block is never closed
        at "```" everything below is taken for code
        help: close it with the same marks
    "###);
}

#[test]
fn an_unquoted_colon_is_shown_where_it_stands_in_the_file() {
    let text = "---\nname: tester\ndescription: Use for: testing\n---\nYou test.\n";
    insta::assert_snapshot!(diagnosed("tester.md", text), @r#"
    tester.md:3:21 error[front-matter-not-yaml] the front matter is not YAML: mapping values are not allowed in this context
        at ":"
        help: a value that contains `: ` must be quoted: `key: "one: two"`
    "#);
}

#[test]
fn a_file_is_named_like_its_persona() {
    let text = "---\nname: data_eng\ndescription: Tests things.\n---\nYou test.\n";
    insta::assert_snapshot!(diagnosed("tester.md", text), @r#"
    tester.md:2:7 error[name-not-slug] `data_eng` is not a name: small letters, digits and single hyphens, 2 to 64 of them
        at "data_eng"
        help: write `data-eng`
    "#);
    insta::assert_snapshot!(diagnosed("dir\\other.md", &text.replace("data_eng", "tester")), @r#"
    dir\other.md:2:7 error[name-differs-from-file] the persona is named `tester` and its file `other`
        at "tester"
        help: rename the file to `tester.md`, or write `name: other`
    "#);
}

#[test]
fn files_that_are_no_personas_are_refused_without_guessing() {
    insta::assert_snapshot!(diagnosed("x.md", "# A readme\n\nText.\n"), @r##"
    x.md:1:1 error[front-matter-missing] the file does not begin with front matter
        at "# A readme" expected `---` here
        help: begin with `---`, then `name:` and `description:`, then `---`, then the persona's text
    "##);
    insta::assert_snapshot!(diagnosed("x.md", ""), @r#"
    x.md:1:1 error[front-matter-missing] the file does not begin with front matter
        at "" expected `---` here
        help: begin with `---`, then `name:` and `description:`, then `---`, then the persona's text
    "#);
    insta::assert_snapshot!(diagnosed("x.md", "---\n- a\n---\nYou.\n"), @r#"
    x.md:2:1 error[wrong-type] the front matter must be a mapping, this is a list
        at "-"
        help: write `key: value` lines
    "#);
    insta::assert_snapshot!(diagnosed("x.md", "---\n---\n"), @r#"
    x.md:1:1 error[name-missing] the front matter has no `name`
        at "---" expected below this
        help: add `name: x`
    x.md:1:1 error[description-missing] the front matter has no `description`
        at "---" expected below this
        help: add `description:` with one sentence on what the persona does and one on when to use it
    x.md:3:1 error[identity-missing] the text does not say who the persona is
        at "" expected a paragraph before this
        help: begin the text below the front matter with a paragraph: `You are …`
    "#);
}

#[test]
fn invisible_characters_are_refused() {
    let text = "---\nname: tester\ndescription: Tests things.\n---\nYou test\u{200b}\u{e0041}.\n";
    insta::assert_snapshot!(diagnosed("tester.md", text), @r#"
    tester.md:5:9 error[invisible-character] 2 characters that nobody can see, the first U+200B
        at "\u{200b}" here
        help: delete them: a persona must not tell a model what its reader cannot see
    "#);
}

#[test]
fn what_is_too_large_is_refused() {
    let text = format!("---\nname: tester\n---\n{}", "x".repeat(MAX_FILE_BYTES));
    insta::assert_snapshot!(diagnosed("tester.md", &text), @r#"
    tester.md:1:1 error[file-too-large] the file is longer than 512 KiB
        at ""
        help: a persona is a few pages; split this into several, or cut reference material
    "#);
    let long = format!("---\nname: tester\ndescription: {}\n---\nYou.\n", "x".repeat(1025));
    insta::assert_snapshot!(diagnosed("tester.md", &long).replace(&"x".repeat(1025), "…"), @r#"
    tester.md:3:14 error[description-too-long] the description has 1025 characters, at most 1024 are allowed
        at "…"
        help: say what it does and when to use it
    "#);
}

#[test]
fn hostile_files_never_panic() {
    let sound = "---\nname: tester\ndescription: \"Tests ünd 👩‍🔬 things.\"\ngates: [{id: a1, check: x}]\n---\nYou test.\n\n## Wörk\n```\nx\n```\n";
    for end in 0..=sound.len() {
        if sound.is_char_boundary(end) {
            let _ = diagnosed("tester.md", &sound[..end]);
        }
    }
    let marks = [
        "---", "\n", ":", "- ", "[", "{", "\"", "'", "|", ">", "&a", "*a", "!!int", "\t", "é",
        "\u{0}",
    ];
    let mut seed = 7_u64;
    for _ in 0..2_000 {
        let mut text = String::from("---\n");
        for _ in 0..12 {
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let at = usize::try_from(seed >> 33).unwrap();
            let _ = write!(text, "{}", marks[at % marks.len()]);
        }
        text.push_str("\n---\nYou.\n");
        let _ = diagnosed("tester.md", &text);
    }
}
