//! The reference page of the lint says what the code's own table says.

use std::fmt::Write as _;

use orchestrate_core::diagnostic::Severity;
use orchestrate_persona::lint::RULES;

use super::file;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/src/reference/persona-lint.md");
const MARK: &str = "<!-- The table is generated from the rules in the code. -->\n";
const UPDATE: &str = "UPDATE_DOCS=1 cargo test -p orchestrate-persona reference";

fn table() -> String {
    let mut table =
        String::from("| rule | level | finds | to mend it | mended |\n|---|---|---|---|---|\n");
    for rule in RULES {
        let level = match rule.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Info => "info",
        };
        let cell = |text: &str| text.replace('|', "\\|");
        let fixable = if rule.fixable { "yes" } else { "" };
        let (finds, mend) = (cell(rule.finds), cell(rule.mend));
        writeln!(table, "| `{}` | {level} | {finds} | {mend} | {fixable} |", rule.code)
            .expect("a String");
    }
    table
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "the test writes a page of the repository when asked"
)]
fn the_reference_page_is_that_of_the_rules() {
    let page = file(PAGE);
    let (prose, _) = page.split_once(MARK).expect("the page has its mark");
    let wanted = format!("{prose}{MARK}\n{}", table());
    if std::env::var("UPDATE_DOCS").is_ok() {
        std::fs::write(PAGE, &wanted).expect("the page can be written");
    } else {
        assert!(page == wanted, "docs/src/reference/persona-lint.md differs: run `{UPDATE}`");
    }
}
