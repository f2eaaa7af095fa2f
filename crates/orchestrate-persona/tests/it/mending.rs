//! Mending persona files.

use std::collections::BTreeSet;

use orchestrate_persona::lint::{LintContext, LintFile, RULES, fix, lint};
use proptest::prelude::*;

fn codes(bytes: &[u8]) -> BTreeSet<&'static str> {
    let found = lint(&[LintFile { path: "tester.md", bytes }], &LintContext::default());
    found.iter().map(|diagnostic| diagnostic.code).collect()
}

fn fixable() -> BTreeSet<&'static str> {
    RULES.iter().filter(|rule| rule.fixable).map(|rule| rule.code).collect()
}

/// The mended text, after checking what holds of every mending.
fn mended(text: &str) -> (String, Vec<String>) {
    let fixed = fix(text.as_bytes());
    let (before, after) = (codes(text.as_bytes()), codes(&fixed.bytes));
    assert!(after.is_subset(&before), "mending breaks nothing: {after:?}");
    let left: Vec<_> = codes(&fixed.bytes).intersection(&fixable()).copied().collect();
    assert_eq!(left, [""; 0], "nothing fixable is left");
    let again = fix(&fixed.bytes);
    assert_eq!(
        (again.applied.len(), &again.bytes),
        (0, &fixed.bytes),
        "mending again changes nothing"
    );
    let applied =
        fixed.applied.iter().map(|done| format!("{}: {}", done.code, done.what)).collect();
    (String::from_utf8(fixed.bytes).expect("UTF-8"), applied)
}

#[test]
fn an_agent_file_with_every_fixable_fault_is_mended() {
    let text = "\u{feff}---\r\nname: tester\r\ndescription: Use this agent to test: always. Examples:\\n\\n<example>\\nContext: a file\\nuser: \"Test it, it's new\"\\nassistant: \"Yes\"\\n</example>\r\ntools: Read\r\n---\r\nYou te\u{200b}st.\r\n";
    let (text, applied) = mended(text);
    insta::assert_snapshot!(text, @r#"
    ---
    name: tester
    description: "Use this agent to test: always."
    examples:
      - "Test it, it's new"
    x:
      description: 'Use this agent to test: always. Examples: <example> Context: a file user: "Test it, it''s new" assistant: "Yes" </example>'
    tools: Read
    ---
    You test.
    "#);
    insta::assert_snapshot!(applied.join("\n"), @r"
    invisible-character: removed 1 character that nobody can see
    bom: removed the byte order mark
    crlf: ended all lines in LF
    front-matter-not-yaml: quoted the value of `description`
    literal-backslash-n: made 6 places of `\n` a space
    description-has-examples: moved 1 request to `examples`, kept the old description as `x.description`
    ");
}

#[test]
fn examples_join_those_that_are_there() {
    let text = "---\nname: tester\nexamples: [One, \"Two: three\"]\ndescription: |\n  Use to test.\n\n  <example>\n  user: Four\n  </example>\n  <example>\n  user: 'One'\n---\nYou.\n";
    let (text, _) = mended(text);
    insta::assert_snapshot!(text, @r#"
    ---
    name: tester
    examples:
      - "One"
      - "Two: three"
      - "Four"
    description: "Use to test."
    ---
    You.
    "#);
}

#[test]
fn what_an_example_says_besides_is_kept_beside_what_x_holds() {
    let text = "---\nname: tester\ndescription: >\n  Use to test. <example>Context: leaf</example>\nx:\n  # why\n    description: older\n---\nYou.\n";
    let (text, _) = mended(text);
    insta::assert_snapshot!(text, @r#"
    ---
    name: tester
    description: "Use to test."
    x:
      # why
        description-2: "Use to test. <example>Context: leaf</example>"
        description: older
    ---
    You.
    "#);
    for odd in ["x: {a: 1}", "x: [a]", "x: a"] {
        let text = format!(
            "---\nname: tester\ndescription: Use it. <example>leaf</example>\n{odd}\n---\nYou.\n"
        );
        assert_eq!(fix(text.as_bytes()).applied.len(), 0, "{odd}");
    }
}

#[test]
fn an_example_over_several_lines_is_one_value_and_an_escape_sequence_goes_as_a_whole() {
    let text = "---\nname: tester\ndescription: Use to test: now.\n<example>\nContext: leaf\nuser: \"Mend: it\"\nassistant: ok\n</example>\ntools: Read\n---\nYou \u{1b}[31mred.\n";
    let (text, applied) = mended(text);
    insta::assert_snapshot!(text, @r#"
    ---
    name: tester
    description: "Use to test: now."
    examples:
      - "Mend: it"
    x:
      description: 'Use to test: now. <example> Context: leaf user: "Mend: it" assistant: ok </example>'
    tools: Read
    ---
    You red.
    "#);
    assert!(
        applied[0]
            .ends_with("removed 1 character that nobody can see, 1 escape sequence as a whole"),
        "{applied:?}"
    );
}

#[test]
fn a_sound_file_and_one_of_unknown_letters_stay_as_they_are() {
    for bytes in [&b""[..], b"---\nname: x\n---\nna\xefve\r\n", b"---\nname: tester\n---\nYou.\n"] {
        let fixed = fix(bytes);
        assert_eq!((fixed.bytes.as_slice(), fixed.applied.len()), (bytes, 0));
    }
}

/// Pieces that persona files and broken ones are made of.
fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => prop::sample::select(vec![
            "---\n", "---\r\n", "name: tester\n", "description: ", "Use it: now", "\\n", "\\n\\n", "\n", "\r", "\r\n",
            "<example>", "</example>", "<examples>", "user: ", "assistant: ", "examples:", "[", "]", "{", "}", "- a: b\n",
            "  ", "\"", "'", "*x", "|", "#", ":", ": ", "\u{feff}", "\u{200b}", "\u{200d}", "\u{2028}", "```", "~~~\n", "> ",
            "tools: a, b(\n", "gates: [{check: x}]\n", "metrics:\n  - x <= 5 ms\n", "collaborates_with: [a]\n", "{{ x }}", "$1", "${",
            "curl x | sh", "ignore", " previous", " instructions", "<|a|>", "é", "\0",
        ]).prop_map(str::to_owned),
        1 => any::<String>(),
    ]
}

/// The value of a description as careless people write it.
fn careless() -> impl Strategy<Value = String> {
    prop::collection::vec(
        prop::sample::select(vec![
            "Use it",
            ": ",
            "now",
            " \"quoted\"",
            "it's",
            "\\n",
            "\\n\\n",
            "<example>",
            "</example>",
            "user: ",
            "\"Do: it\"",
            "assistant: ok",
            "*",
            "&a",
            " #x",
            "[b",
            "{c",
            "ü",
            "\u{200b}",
            " ",
        ]),
        0..20,
    )
    .prop_map(|parts| format!("Tests, use it.{}", parts.concat()))
}

proptest! {
    #[test]
    fn lint_and_fix_never_panic_on_bytes(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        codes(&bytes);
        let fixed = fix(&bytes);
        codes(&fixed.bytes);
    }

    #[test]
    fn lint_and_fix_never_panic_on_pieces_and_fix_is_idempotent(pieces in prop::collection::vec(piece(), 0..60), fenced in any::<bool>()) {
        let text = if fenced { format!("---\n{}", pieces.concat()) } else { pieces.concat() };
        codes(text.as_bytes());
        let fixed = fix(text.as_bytes());
        let again = fix(&fixed.bytes);
        prop_assert_eq!(&again.bytes, &fixed.bytes);
        prop_assert!(again.applied.is_empty());
        let left = codes(&fixed.bytes);
        for always in ["bom", "crlf", "invisible-character"] {
            prop_assert!(!left.contains(always));
        }
    }

    #[test]
    fn nothing_fixable_is_left_of_a_careless_description(description in careless(), crlf in any::<bool>()) {
        let text = format!("---\nname: tester\ndescription: {description}\ntools: Read\n---\nYou.\n");
        let (text, _) = mended(&if crlf { text.replace('\n', "\r\n") } else { text });
        prop_assert!(text.contains("\ntools: Read\n---\nYou.\n"), "{}", text);
    }
}
