//! Texts that are no YAML, or YAML that no workflow can be.

use crate::check;

#[test]
fn an_empty_file() {
    check(
        r"# nothing
",
        r"empty-file 1:1 ``
  the file holds no workflow
  help: a workflow starts with `workflow: a-name` and has `steps:`
",
    );
}

#[test]
fn a_tab_as_indentation() {
    check(
        r"workflow: w
steps:
	a: { persona: data-engineer }
",
        r"yaml-syntax 3:1 `	`
  a tab indents this line
  help: indent with spaces: YAML allows no tabs there
",
    );
}

#[test]
fn a_second_colon_in_a_value() {
    check(
        r"workflow: w
summary: first: second
steps:
  a: { persona: data-engineer }
",
        r#"yaml-syntax 2:15 `:`
  a second `: ` on this line
  help: quote the value if the colon belongs to its text: `key: "a: b"`
"#,
    );
}

#[test]
fn an_unquoted_template_alone() {
    check(
        r"workflow: w
steps:
  a:
    persona: data-engineer
    prompt: {{ inputs.task }}
",
        r#"unquoted-template 5:13 `{{ inputs.task }}`
  YAML reads a value that starts with `{{` as a map
  help: quote it: `"{{ inputs.task }}"`; or write `|` and the text indented on the next line
"#,
    );
}

#[test]
fn an_unquoted_template_before_text() {
    check(
        r"workflow: w
steps:
  a:
    persona: data-engineer
    prompt: {{ inputs.task }} please
",
        r#"unquoted-template 5:13 `{{ inputs.task }} please`
  YAML reads a value that starts with `{{` as a map
  help: quote it: `"{{ inputs.task }} please"`; or write `|` and the text indented on the next line
"#,
    );
}

#[test]
fn wrong_indentation() {
    check(
        r"workflow: w
steps:
  a:
    persona: data-engineer
   prompt: x
",
        r"yaml-syntax 5:4 `p`
  this line does not fit the lines above
  help: check its indentation: keys of one map start in the same column; quote a value that goes on after a quote or a bracket
",
    );
}

#[test]
fn a_quote_that_is_not_closed() {
    check(
        r#"workflow: w
summary: "open
steps:
  a: { persona: data-engineer }
"#,
        r#"yaml-syntax 3:1 `s`
  a quoted text is not closed before this place
  help: add the closing quote; inside '…' write '' for a quote, inside "…" write \"
"#,
    );
}

#[test]
fn a_value_that_starts_with_an_at_sign() {
    check(
        r"workflow: w
summary: @home
",
        r#"yaml-syntax 2:10 `@`
  a value cannot start with `@`
  help: quote it: `key: "…"`
"#,
    );
}

#[test]
fn a_bracket_that_is_not_closed() {
    check(
        r"workflow: w
steps:
  a: { persona: data-engineer, needs: [b }
",
        r"yaml-syntax 3:39 `[`
  brackets do not match: mismatched bracket '[' closed by '}'
  help: close every `[` with `]` and every `{` with `}`; quote a value that contains them
",
    );
}

#[test]
fn two_documents() {
    check(
        r"workflow: w
---
workflow: v
",
        r"several-documents 2:1 `---`
  a second YAML document begins here
  help: one document is read: remove the `---`
",
    );
}

#[test]
fn a_step_defined_twice() {
    check(
        r"workflow: w
steps:
  a: { persona: data-engineer }
  b: { persona: data-engineer }
  a: { persona: mlops-engineer }
",
        r"duplicate-key 5:3 `a`
  the key `a` stands here twice
  at 3:3 `a` first here
  help: rename one of them, or bring both together
",
    );
}

#[test]
fn a_list_instead_of_a_workflow() {
    check(
        r"- a
- b
",
        r"wrong-type 1:1 `-`
  a workflow must be a map of `key: value` lines, not a list
  help: write `name: value` lines, without `-`
",
    );
}

#[test]
fn an_unknown_tag_and_a_circular_alias() {
    check(
        r"workflow: w
summary: !include x
steps:
  a: &s { persona: data-engineer, needs: *s }
",
        r"unknown-tag 2:10 `!include`
  the tag `!include` means nothing here
  help: remove it; quote a text that starts with `!`
circular-alias 4:42 `*s`
  this alias stands inside the node that it repeats
  help: write the node out
",
    );
}

#[test]
fn an_alias_without_an_anchor() {
    check(
        r"workflow: w
summary: *bold
",
        r"yaml-syntax 2:10 `*`
  this alias repeats an anchor that does not exist
  help: quote the value if the `*` belongs to its text
",
    );
}

#[test]
fn quoted_braces_are_not_blamed_for_what_follows_the_quote() {
    check(
        "workflow: w\nsummary: \"a: {{ x }}\" junk\n",
        r#"yaml-syntax 2:23 `j`
  text follows a closing quote
  help: quote the whole value; inside '…' write '' for a quote, inside "…" write \"
"#,
    );
}

#[test]
fn an_unquoted_template_between_braces() {
    check(
        "workflow: w\nsteps:\n  a: { render: {{ inputs.x }}, save: a.md }\n",
        "unquoted-template 3:16 `{{ inputs.x }}`\n  YAML reads a value that starts with `{{` as a map\n  \
         help: quote it: `\"{{ inputs.x }}\"`; or write `|` and the text indented on the next line\n",
    );
}
