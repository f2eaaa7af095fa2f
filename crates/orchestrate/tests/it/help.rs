//! Help texts and the version.

use crate::support::Place;

/// Every command, and the name of its snapshot.
const COMMANDS: [(&str, &[&str]); 34] = [
    ("help", &[]),
    ("help-run", &["run"]),
    ("help-ask", &["ask"]),
    ("help-plan", &["plan"]),
    ("help-validate", &["validate"]),
    ("help-resume", &["resume"]),
    ("help-approve", &["approve"]),
    ("help-rerun", &["rerun"]),
    ("help-runs", &["runs"]),
    ("help-runs-list", &["runs", "list"]),
    ("help-runs-show", &["runs", "show"]),
    ("help-personas", &["personas"]),
    ("help-personas-list", &["personas", "list"]),
    ("help-personas-show", &["personas", "show"]),
    ("help-personas-match", &["personas", "match"]),
    ("help-personas-import", &["personas", "import"]),
    ("help-personas-export", &["personas", "export"]),
    ("help-personas-lint", &["personas", "lint"]),
    ("help-personas-diff", &["personas", "diff"]),
    ("help-personas-new", &["personas", "new"]),
    ("help-personas-lock", &["personas", "lock"]),
    ("help-completions", &["completions"]),
    ("help-workflows", &["workflows"]),
    ("help-workflows-list", &["workflows", "list"]),
    ("help-workflows-show", &["workflows", "show"]),
    ("help-workflows-new", &["workflows", "new"]),
    ("help-init", &["init"]),
    ("help-doctor", &["doctor"]),
    ("help-schema", &["schema"]),
    ("help-test", &["test"]),
    ("help-runs-cost", &["runs", "cost"]),
    ("help-models", &["models"]),
    ("help-models-list", &["models", "list"]),
    ("help-models-prices", &["models", "prices"]),
];

#[test]
fn every_command_explains_itself() {
    let place = Place::new();
    for (name, command) in COMMANDS {
        insta::assert_snapshot!(name, place.good(&[command, &["--help"]].concat()));
    }
    insta::assert_snapshot!("help-graph", place.good(&["graph", "--help"]));
}

#[test]
fn every_command_named_in_a_help_text_is_covered_here() {
    let place = Place::new();
    let below = |command: &[&str]| -> Vec<String> {
        let help = place.good(&[command, &["--help"]].concat());
        let (_, commands) = help.split_once("Commands:\n").unwrap_or_default();
        let lines = commands.lines().take_while(|line| !line.is_empty());
        lines
            .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
            .filter_map(|line| line.split_whitespace().next().map(str::to_owned))
            .collect()
    };
    for top in below(&[]) {
        let covered =
            |command: &[&str]| command == ["graph"] || COMMANDS.iter().any(|(_, c)| *c == command);
        assert!(covered(&[&top]), "{top}");
        for sub in below(&[&top]) {
            assert!(covered(&[&top, &sub]), "{top} {sub}");
        }
    }
}

#[test]
fn the_version_is_the_package_version() {
    let place = Place::new();
    let version = format!("orchestrate {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(place.good(&["--version"]), version);
    assert_eq!(place.good(&["-V"]), version);
}

#[test]
fn a_command_line_that_is_wrong_ends_with_2_and_says_what_would_be_right() {
    let place = Place::new();
    insta::assert_snapshot!(place.refused(&["runn"]), @r"
    exit 2
    error: unrecognized subcommand 'runn'

      tip: some similar subcommands exist: 'runs', 'run'

    Usage: orchestrate [OPTIONS] <COMMAND>

    For more information, try '--help'.
    ");
    insta::assert_snapshot!(place.refused(&["run"]), @r"
    exit 2
    error: the following required arguments were not provided:
      <WORKFLOW>

    Usage: orchestrate run <WORKFLOW>

    For more information, try '--help'.
    ");
    insta::assert_snapshot!(place.refused(&["run", "end-to-end-ml", "--ofline"]), @r"
    exit 2
    error: unexpected argument '--ofline' found

      tip: a similar argument exists: '--offline'

    Usage: orchestrate run --offline <WORKFLOW>

    For more information, try '--help'.
    ");
    insta::assert_snapshot!(
        place.refused(&["run", "end-to-end-ml", "--offline", "--model", "openai:m"]),
        @r"
        exit 2
        error: the argument '--offline' cannot be used with '--model <MODEL>'

        Usage: orchestrate run --offline <WORKFLOW>

        For more information, try '--help'.
        "
    );
    insta::assert_snapshot!(place.refused(&["run", "end-to-end-ml", "--max-calls", "0"]), @r"
    exit 2
    error: invalid value '0' for '--max-calls <N>': 0 is not in 1..18446744073709551615

    For more information, try '--help'.
    ");
    insta::assert_snapshot!(place.refused(&["run", "end-to-end-ml", "--concurrency", "1001"]), @r"
    exit 2
    error: invalid value '1001' for '--concurrency <N>': 1001 is not in 1..=1000

    For more information, try '--help'.
    ");
    insta::assert_snapshot!(place.refused(&["run", "end-to-end-ml", "--format", "yaml"]), @r"
    exit 2
    error: invalid value 'yaml' for '--format <FORMAT>'
      [possible values: text, json, jsonl, markdown]

    For more information, try '--help'.
    ");
    insta::assert_snapshot!(place.refused(&["rerun", "abcd", "-m", "remark"]), @r"
    exit 2
    error: the following required arguments were not provided:
      <STEP>

    Usage: orchestrate rerun --remark <TEXT> <RUN> <STEP>

    For more information, try '--help'.
    ");
}

#[test]
fn without_a_command_the_help_goes_to_standard_error() {
    let said = Place::new().refused(&[]);
    assert!(said.starts_with("exit 2\n"), "{said}");
    assert!(said.contains("Usage: orchestrate"), "{said}");
    assert!(said.contains("\nTry it without a key: "), "{said}");
}

#[test]
fn a_wrong_command_line_is_quoted_without_what_a_terminal_or_a_runner_would_obey() {
    let place = Place::new().with("CI", "true");
    for word in ["--x\u{1b}[31m", "\u{202e}run", "--##[group]y"] {
        let said = place.refused(&[word]);
        assert!(said.starts_with("exit 2\n"), "{said}");
        for power in ["\u{1b}", "\u{202e}", "##["] {
            assert!(!said.contains(power), "{said:?}");
        }
    }
}
