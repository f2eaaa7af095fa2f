//! Hostile, huge and mutilated files: never a panic, never a hang.

use std::fmt::Write as _;

use indexmap::IndexMap;
use orchestrate_core::{brief::Brief, diagnostic::Source, plan::InputValue};
use orchestrate_workflow::{
    MAX_RENDERED_BYTES, MAX_SOURCE_BYTES, Scope, StepValue, StepValues, compile, evaluate,
    prints_task, render_prompt,
};
use proptest::prelude::*;

use crate::{Personas, compiled, shown};

#[track_caller]
fn codes(text: &str) -> Vec<&'static str> {
    let mut codes: Vec<&str> = compiled(text).1.iter().map(|problem| problem.code).collect();
    codes.dedup();
    codes
}

#[test]
fn a_file_that_is_too_large_is_not_even_read() {
    let text = "#".repeat(MAX_SOURCE_BYTES + 1);
    let (_, problems) = compiled(&text);
    assert_eq!(problems.len(), 1);
    assert_eq!(problems[0].code, "file-too-large");
    assert_eq!(problems[0].message, "the file has 4194305 bytes, and 4 MiB are the limit");
}

#[test]
fn an_alias_bomb_is_refused() {
    let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..9 {
        let below = format!("*a{}, ", level - 1).repeat(10);
        writeln!(text, "a{level}: &a{level} [{below}]").unwrap();
    }
    assert_eq!(codes(&text), ["too-many-aliases"]);
}

#[test]
fn deep_nesting_is_refused() {
    let deep = "[".repeat(100_000);
    assert_eq!(codes(&format!("workflow: {deep}")), ["yaml-syntax"]);
    let mut block = String::new();
    for level in 0..100 {
        writeln!(block, "{}a:", " ".repeat(level)).unwrap();
    }
    assert_eq!(codes(&block), ["yaml-syntax"]);
}

#[test]
fn deep_expressions_are_refused() {
    let file =
        |template: &str| format!("workflow: w\nsteps:\n  a:\n    render: |\n      {template}\n");
    for (open, repeated, close) in [
        ("{{ inputs", ".a", " }}"),
        ("{{ ", "not ", "1 }}"),
        ("{{ ", "-", "1 }}"),
        ("{{ 1", "+1", " }}"),
        ("{{ 'x'", "|upper", " }}"),
        ("{% if 1 %}", "{% elif 1 %}", "{% endif %}"),
    ] {
        let template = format!("{open}{}{close}", repeated.repeat(50_000));
        assert_eq!(codes(&file(&template)), ["template-too-complex"], "{open}{repeated}");
    }
    let nested = format!("{{{{ {}1{} }}}}", "(".repeat(190), ")".repeat(190));
    assert_eq!(codes(&file(&nested)), ["template-syntax"]);
    let long = file(&format!("{{{{ -1{} }}}}", " - 1".repeat(190)));
    assert_eq!(codes(&long), [""; 0], "what is allowed does not exhaust the stack");
}

#[test]
fn a_line_longer_than_the_lexer_can_count_is_refused() {
    let long = format!("workflow: w\nsteps:\n  a:\n    render: '{}{{{{'\n", "x".repeat(70_000));
    assert_eq!(codes(&long), ["template-too-complex"]);
}

#[test]
fn thousands_of_mistakes_are_cut_short() {
    let mut text = String::from("workflow: w\nsteps:\n");
    for at in 0..4_000 {
        writeln!(text, "  s{at}: {{ persona: nobody-{at}, needs: [x{at}], promt: x }}").unwrap();
    }
    let (plan, problems) = compiled(&text);
    assert!(plan.is_none());
    assert_eq!(problems.len(), 201);
    assert_eq!(problems[200].message, "11800 more problems are not shown");
}

#[test]
fn places_are_right_after_text_of_several_bytes() {
    let (_, problems) = compiled(
        "workflow: w\nsummary: größe 👩‍🔬\nsteps:\n  a: { persona: \"größe\", prompt: \"日本 {{ oops }}\" }\n",
    );
    assert_eq!(problems[0].place().as_deref(), Some("w.yaml:4:17"));
    assert!(shown(&problems).contains("unknown-variable 4:41 `oops`"), "{}", shown(&problems));
    let crlf = "workflow: w\r\nsteps:\r\n  a:\r\n    render: |\r\n      é\r\n      {{ oops }}\r\n";
    assert!(shown(&compiled(crlf).1).starts_with("unknown-variable 6:10 `oops`"));
    let marked = "\u{feff}workflow: w\nstep: 1\n";
    assert!(shown(&compiled(marked).1).contains("unknown-key 2:1 `step`"));
}

#[test]
fn hidden_characters_of_a_file_do_not_reach_a_message() {
    let (_, problems) =
        compiled("workflow: w\n\"a\\e[31m\": 1\nsteps:\n  a: { persona: data-engineer }\n");
    assert_eq!(problems[0].message, "a workflow has no key `a\\u{1b}[31m`");
}

const SEED: &str = r#"workflow: w
inputs: { task: string, f: { enum: [a, b], default: a } }
defaults: { timeout: 90s }
steps:
  a: &a
    persona: { choose: { a: data-engineer, b: data-engineer }, by: inputs.f }
    prompt: |
      {{ inputs.task }}
  b: { render: '{% for d in steps.a.brief.decisions %}{{ d.why }}{% endfor %}', needs: [a], save: x.md }
outputs: { o: "{{ steps.b.text }} \u00e9" }
"#;

#[test]
fn the_file_that_is_mutated_is_sound() {
    assert_eq!(codes(SEED), [""; 0]);
}

#[test]
fn a_file_that_starts_with_a_character_of_several_bytes_has_a_start() {
    assert!(shown(&compiled("é: 1\n").1).contains("missing-key 1:1 `é`"));
}

/// Every place of a diagnostic lies within the text and on character boundaries.
fn check_any(text: &str) -> Result<(), TestCaseError> {
    let (plan, problems) = compile(&Source::new("w.yaml", text), &Personas);
    let refused = orchestrate_core::diagnostic::has_errors(&problems);
    prop_assert_eq!(plan.is_none(), refused);
    for label in problems.iter().flat_map(|problem| &problem.labels) {
        prop_assert!(text.get(label.span.clone()).is_some(), "{:?} of {text:?}", label.span);
    }
    orchestrate_workflow::headline(&Source::new("w.yaml", text));
    prints_task(text);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn mutated_files_never_panic(
        edits in prop::collection::vec((0_usize..SEED.len(), 0_usize..9, "[ -~\n\té{}%\\[\\]:&*|>'\"-]{0,4}"), 1..6)
    ) {
        let mut text = SEED.to_owned();
        for (at, length, insert) in edits {
            let mut at = at.min(text.len());
            while !text.is_char_boundary(at) { at -= 1; }
            let mut end = (at + length).min(text.len());
            while !text.is_char_boundary(end) { end += 1; }
            text.replace_range(at..end, &insert);
        }
        check_any(&text)?;
    }

    #[test]
    fn any_text_in_a_template_never_panics(template in "([ -~é\n]|\\{\\{|\\}\\}|\\{%|%\\}|steps|inputs|\\.|-|\\|){0,40}") {
        let quoted = template.replace('\\', "\\\\").replace('"', "\\\"");
        check_any(&format!("workflow: w\nsteps:\n  a: {{ render: \"{quoted}\" }}\n"))?;
        let block = template.replace('\n', "\n      ");
        check_any(&format!("workflow: w\nsteps:\n  a:\n    render: |\n      {block}\n"))?;
    }

    #[test]
    fn any_expression_renders_or_fails_and_never_panics(words in prop::collection::vec(word(), 1..12)) {
        let inputs = IndexMap::from([
            ("task".to_owned(), InputValue::String("Größe 7,5 %s\n\tx".to_owned())),
            ("n".to_owned(), InputValue::Integer(i64::MAX)),
            ("x".to_owned(), InputValue::Number(-1e300)),
        ]);
        let scope = Scope { inputs: &inputs, steps: &OneStep };
        let template = format!("{{{{ {} }}}}", words.join(" "));
        if let Ok(text) = render_prompt(&template, &scope) {
            prop_assert!(text.len() <= MAX_RENDERED_BYTES);
        }
        let _ = evaluate(&words.join(" "), &scope);
    }
}

struct OneStep;

impl StepValues for OneStep {
    fn step(&self, _id: &str) -> Option<StepValue> {
        let risks = vec!["late data".to_owned(), String::new(), "é".to_owned()];
        let brief = Brief { risks, ..Brief::default() };
        Some(StepValue { text: Some("T".into()), brief: Some(brief), ..StepValue::default() })
    }
}

/// A word of an expression, valid ones often enough that whole expressions are.
fn word() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "inputs.task",
        "inputs.n",
        "inputs.x",
        "inputs.none",
        "steps.a.text",
        "steps.a.brief",
        "steps.a.brief.risks",
        "| upper",
        "| indent(99999999)",
        "| replace('', inputs.task)",
        "| split('')",
        "| lines",
        "| join('x')",
        "| first",
        "| last",
        "| int",
        "| float",
        "| round(999)",
        "| abs",
        "| sort",
        "| reverse",
        "| list",
        "| length",
        "| map(attribute='x')",
        "| select",
        "| reject('odd')",
        "| selectattr('x')",
        "| min",
        "| max",
        "| default(1, true)",
        "| capitalize",
        "| trim('x')",
        "[0]",
        "[-1]",
        "[::-1]",
        "[1:99]",
        "[::0]",
        "+",
        "-",
        "*",
        "**",
        "/",
        "//",
        "%",
        "== 1",
        "< 'x'",
        "in",
        "not",
        "and",
        "if",
        "else",
        "is",
        "odd",
        "divisibleby(0)",
        "(",
        ")",
        "1",
        "0",
        "'%s'",
        "9223372036854775807",
        "170141183460469231731687303715884105727",
        "1e308",
        "range(9)",
        "range(0, 9, 0)",
        "range(-9223372036854775807, 9223372036854775807)",
    ])
}
