//! Files that are no persona are refused with what was seen, and never guessed at.

use orchestrate_core::diagnostic::{Severity, has_errors};
use orchestrate_persona::{ForeignFile, Format, import};

use super::{bytes, imported, imported_text};

/// Every fixture that is refused, and something of what was seen.
pub(super) const REFUSED: &[(&str, &str)] = &[
    ("refused/README.md", "`## Installation`"),
    ("refused/how-to-write-agents.md", "`## Workflow`"),
    ("refused/busy-parent.md", "`## Pain Points`"),
    ("refused/rule.mdc", "`globs`"),
    ("refused/package.json", "`scripts`"),
    ("refused/compose.yaml", "`services`"),
    ("refused/empty.md", "neither headings nor keys"),
];

#[test]
fn false_friends_are_refused_with_what_was_seen() {
    for (path, seen) in REFUSED {
        let found = imported(path);
        assert_eq!((found.format, found.personas.len()), (None, 0), "{path}");
        let error =
            found.diagnostics.iter().find(|diagnostic| diagnostic.severity == Severity::Error);
        let error = error.unwrap_or_else(|| panic!("{path} is refused without a word"));
        assert_eq!(error.code, "not-a-persona", "{path}");
        assert!(error.message.contains(seen), "{path}: {}", error.message);
    }
}

#[test]
fn a_format_that_is_forced_and_does_not_fit_is_an_error() {
    let bytes = bytes("refused/package.json");
    for &format in Format::ALL {
        let found = import(&ForeignFile { path: "x.json", bytes: &bytes }, Some(format));
        assert_eq!(found.personas.is_empty(), has_errors(&found.diagnostics), "{format}");
    }
}

#[test]
fn what_is_too_large_or_not_text_is_refused() {
    let code = |bytes: &[u8]| {
        let found = import(&ForeignFile { path: "a.md", bytes }, None);
        assert!(found.personas.is_empty());
        found.diagnostics[0].code
    };
    assert_eq!(code(&vec![b'x'; 600 * 1024]), "file-too-large");
    assert_eq!(code(b"\0\x01\x02"), "not-text");
    assert_eq!(code(b"\x89PNG\r\n\x1a\n\0\0\0\0IEND"), "no-card");
    let long = format!("---\nname: {}\n---\nx", "x".repeat(70_000));
    assert_eq!(code(long.as_bytes()), "front-matter-too-large");
}

#[test]
fn broken_structure_is_an_error_that_says_where() {
    let found = imported_text("agents.yaml", "a: [1\nb: 2\n");
    assert_eq!(found.diagnostics[0].code, "not-yaml");
    assert_eq!(imported_text("a.json", "{\"a\": }").diagnostics[0].code, "not-json");
    assert_eq!(imported_text("a.toml", "a = ").diagnostics[0].code, "not-toml");
}
