//! Mistakes with conditions, fans-out and groups: each is told with its place and what to write.

use crate::compiled;

/// Checks one file: the code of its only problem, the text at its place, and a part of message and help.
#[track_caller]
fn mistake(steps: &str, code: &str, place: &str, said: &[&str]) {
    let file = format!(
        "workflow: w\ninputs: {{ task: string, deep: boolean, files: {{ type: list }}, pages: integer }}\nsteps:\n{steps}"
    );
    let (_, problems) = compiled(&file);
    let told: Vec<String> = problems
        .iter()
        .map(|problem| format!("{} {} {}", problem.code, problem.message, problem.help.join(" ")))
        .collect();
    let [problem] = problems.as_slice() else { panic!("{steps}\n{told:#?}") };
    assert_eq!(problem.code, code, "{steps}\n{told:#?}");
    let label = problem.labels.first().expect("a place");
    assert_eq!(&label.source.text[label.span.clone()], place, "{steps}");
    for part in said {
        assert!(told[0].contains(part), "no `{part}` in: {}", told[0]);
    }
}

const P: &str = "persona: data-engineer";

#[test]
fn conditions() {
    let one = |rest: &str| format!("  a: {{ {P}, {rest} }}\n");
    mistake(
        &one("if: inputs.depe"),
        "unknown-input",
        "depe",
        &["no input `depe`", "did you mean `deep`?"],
    );
    mistake(&one("if: steps.b.text"), "unknown-step", "b", &["no step `b`"]);
    mistake(
        &one("if: '{{ inputs.deep }}'"),
        "template-syntax",
        "'{{ inputs.deep }}'",
        &["not a template", "`inputs.deep`"],
    );
    mistake(&one("if: true"), "bad-condition", "true", &["the same in every run"]);
    mistake(&one("if: 1 < 2"), "bad-condition", "1 < 2", &["the same in every run"]);
    mistake(
        &one("if: inputs.pages"),
        "bad-condition",
        "inputs.pages",
        &["of type `integer`", "compare it"],
    );
    mistake(&one("if: inputs.deep and"), "template-syntax", "and", &[]);
    mistake(&one("when: always"), "useless-key", "when", &["it needs nothing", "add `needs:`"]);
    mistake(&one("condition: inputs.deep"), "unknown-key", "condition", &["did you mean `if`?"]);
    mistake(&one("if: item == 'x'"), "unknown-variable", "item", &["no variable `item`"]);
    let two = |rest: &str| format!("  a: {{ {P} }}\n  b: {{ {P}, needs: a, {rest} }}\n");
    mistake(
        &two("when: alway"),
        "bad-value",
        "alway",
        &["`all`, `any`, `always`", "did you mean `always`?"],
    );
    mistake(&two("if: steps.a.output == 1"), "unknown-attribute", "output", &["has no `output`"]);
    mistake(
        &two("if: steps.a.status == 'failed'"),
        "useless-key",
        "a",
        &["always `succeeded`", "when: always"],
    );
    mistake(&two("if: steps.b.text == ''"), "self-need", "b", &["needs itself"]);
}

#[test]
fn fans_out() {
    let one = |rest: &str| format!("  a: {{ {P}, {rest} }}\n");
    mistake(&one("as: file"), "key-not-for-step", "as", &["nothing without `for_each`"]);
    mistake(
        &one("max_parallel: 2"),
        "key-not-for-step",
        "max_parallel",
        &["nothing without `for_each`"],
    );
    mistake(&one("for_each: []"), "bad-list", "[]", &["would never run"]);
    mistake(&one("for_each: 5"), "wrong-type", "5", &["must be a text"]);
    mistake(&one("for_each: [{ a: 1 }]"), "wrong-type", "{ a: 1 }", &["an item of `for_each`"]);
    mistake(
        &one("for_each: inputs.task"),
        "bad-list",
        "inputs.task",
        &["takes a list", "`inputs.task | lines`"],
    );
    mistake(&one("for_each: inputs.pages"), "bad-list", "inputs.pages", &["type: list"]);
    mistake(
        &one("for_each: '{{ inputs.files }}'"),
        "template-syntax",
        "'{{ inputs.files }}'",
        &["without braces"],
    );
    mistake(&one("for_each: inputs.files, as: my-file"), "bad-name", "my-file", &["`_`"]);
    mistake(&one("for_each: inputs.files, as: steps"), "bad-name", "steps", &["has a meaning"]);
    mistake(&one("for_each: inputs.files, max_parallel: 0"), "out-of-range", "0", &["1 to 1000"]);
    mistake(
        &one("for_each: inputs.files, join: some"),
        "bad-value",
        "some",
        &["`all`, `any`, `settled`"],
    );
    mistake(&one("foreach: inputs.files"), "unknown-key", "foreach", &["did you mean `for_each`?"]);
    mistake(
        &one("for_each: inputs.files, if: item"),
        "unknown-variable",
        "item",
        &["not known here", "its own step"],
    );
    let two = |a: &str, b: &str| format!("  a: {{ {P}, {a} }}\n  b: {{ {P}, needs: a, {b} }}\n");
    mistake(
        &two("optional: true", "for_each: steps.a.text"),
        "bad-list",
        "steps.a.text",
        &["| lines", "| fromjson"],
    );
    mistake(
        &two("optional: true", "prompt: '{{ steps.a.items }}'"),
        "unknown-attribute",
        "a",
        &["no `for_each`"],
    );
    mistake(
        &two("for_each: inputs.files, as: file", "prompt: '{{ file }}'"),
        "unknown-variable",
        "file",
        &["the item of step `a`", "steps.a.items"],
    );
    mistake(
        &two("for_each: inputs.files", "prompt: '{{ steps.a.items.text }}'"),
        "unknown-attribute",
        "text",
        &["steps.a.items[0].text"],
    );
    mistake(
        &two("for_each: inputs.files, save: part.md", "save: part-3.md"),
        "duplicate-save",
        "part-3.md",
        &["may be the file of an item"],
    );
}

#[test]
fn groups() {
    mistake("  a: { steps: {} }\n", "missing-key", "steps", &["has no steps"]);
    mistake(
        &format!("  a: {{ {P}, steps: {{ b: {{ {P} }} }} }}\n"),
        "step-kind",
        "steps",
        &["both `persona` and `steps`"],
    );
    mistake(
        &format!("  a: {{ prompt: x, steps: {{ b: {{ {P} }} }} }}\n"),
        "key-not-for-step",
        "prompt",
        &["in a group"],
    );
    mistake(
        &format!("  a: {{ {P} }}\n  g: {{ needs: a, steps: {{ a: {{ {P} }} }} }}\n"),
        "shadowed-name",
        "a",
        &["around this group already"],
    );
    mistake(
        &format!("  a: {{ {P} }}\n  g: {{ needs: a, steps: {{ b: {{ {P}, needs: a }} }} }}\n"),
        "unknown-step",
        "a",
        &["outside of the group `g`", "the `needs` of `g`"],
    );
    mistake(
        &format!("  g: {{ steps: {{ b: {{ {P}, prompt: '{{{{ steps.g.text }}}}' }} }} }}\n"),
        "self-need",
        "g",
        &["needs itself"],
    );
    mistake(
        &format!("  g: {{ steps: {{ b: {{ {P} }} }} }}\n  c: {{ {P}, needs: b }}\n"),
        "unknown-step",
        "b",
        &["no step `b`"],
    );
    mistake(
        &format!(
            "  g: {{ for_each: inputs.files, steps: {{ b: {{ for_each: inputs.files, {P} }} }} }}\n"
        ),
        "shadowed-name",
        "for_each",
        &["another name with `as:`"],
    );
    mistake(
        &format!(
            "  a: {{ {P} }}\n  g: {{ steps: {{ b: {{ {P}, prompt: '{{{{ steps.a.text }}}}' }} }} }}\n"
        ),
        "undeclared-need",
        "a",
        &["step `g` refers to `a`"],
    );
    let deep = (0..5)
        .rev()
        .fold(format!("x: {{ {P} }}"), |inner, at| format!("g{at}: {{ steps: {{ {inner} }} }}"));
    mistake(&format!("  {deep}\n"), "nested-too-deep", "steps", &["at most 4 deep"]);
    mistake(
        &format!("  g: {{ steps: {{ b: {{ {P}, needs: c }}, c: {{ {P}, needs: b }} }} }}\n"),
        "cycle",
        "c",
        &["b → c → b"],
    );
}
