//! The mistakes that people make in workflow files: one file each in `tests/mistakes`, and a page of the
//! reference that says what is said of them.

use std::fmt::Write as _;

use crate::{compiled, language::is_current};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/mistakes");

/// Name and text of every mistake, in the order of their numbers.
#[expect(clippy::disallowed_methods, reason = "the test reads a folder of the repository")]
fn mistakes() -> Vec<(String, String)> {
    let entries = std::fs::read_dir(FOLDER).expect("a folder of the repository");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    let mistake = |path: std::path::PathBuf| {
        let stem = path.file_stem().expect("a name").to_string_lossy().into_owned();
        let (_, name) = stem.split_once('-').expect("a number and a name");
        (name.replace('-', " "), std::fs::read_to_string(&path).expect("a text"))
    };
    paths.into_iter().map(mistake).collect()
}

#[test]
fn every_mistake_is_told_with_its_place_and_what_to_write() {
    let mistakes = mistakes();
    assert!(mistakes.len() >= 40, "{}", mistakes.len());
    for (name, text) in &mistakes {
        let (plan, problems) = compiled(text);
        assert!(plan.is_none() && !problems.is_empty(), "{name}");
        for problem in &problems {
            let place = problem.labels.first().expect("a place");
            assert!(text.get(place.span.clone()).is_some(), "{name}");
            assert!(
                !problem.help.is_empty(),
                "{name}: nobody says what to write: {}",
                problem.message
            );
        }
        assert!(problems.len() <= 3, "{name}: one mistake is told {} times", problems.len());
    }
}

#[test]
fn the_mistakes_that_everybody_makes_once_are_among_them() {
    let mistakes = mistakes();
    for name in [
        "an unknown key",
        "a circle",
        "the item of a later step",
        "a need that does not exist",
        "a template refers to an unknown step",
        "a tab indents a line",
        "a key stands in the wrong column",
        "a step twice",
        "two kinds in one step",
        "a number for a list of needs",
    ] {
        assert!(mistakes.iter().any(|(known, _)| known == name), "{name}");
    }
}

#[test]
fn the_page_of_mistakes_says_what_is_said() {
    let mut page = String::from(
        "# Mistakes and what is said of them\n\n<!-- made by the tests of orchestrate-workflow from \
         tests/mistakes -->\n\n`orchestrate validate` tells every mistake of a file at once. These are the \
         ones that people make most.\n",
    );
    for (name, text) in mistakes() {
        let mut letters = name.chars();
        let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
        write!(page, "\n## {first}{}\n\n```yaml\n{text}```\n\n```text\n", letters.as_str())
            .expect("a String");
        for problem in compiled(&text).1 {
            let place = problem.place().expect("a place");
            writeln!(page, "{place}: {}", problem.message).expect("a String");
            for help in &problem.help {
                writeln!(page, "  help: {help}").expect("a String");
            }
        }
        page.push_str("```\n");
    }
    is_current("docs/src/reference/mistakes.md", &page);
}
