//! Rules about the description.

use orchestrate_core::diagnostic::Diagnostic;

use super::{document::Document, rules};
use crate::yaml::{Node, Value};

/// The longest description, in characters: that of Agent Skills.
const MAX_CHARS: usize = 1024;

pub(super) fn check(document: &Document<'_>, found: &mut Vec<Diagnostic>) {
    let Some(front) = document.front_matter() else { return };
    let source = &document.source;
    let Some((text, place)) = document.declared("description") else {
        let (span, label) = match document.entry("description") {
            Some((key, _)) => (key.span.clone(), "empty, or not a text"),
            None => (front.fence.clone(), "expected below this"),
        };
        found.push(
            rules::DESCRIPTION_MISSING
                .found("the front matter has no `description`")
                .at(source, span, label)
                .help(rules::DESCRIPTION_MISSING.mend),
        );
        return;
    };
    let line = super::check::first_line(source, &place);
    let length = text.chars().count();
    if length > MAX_CHARS {
        found.push(
            rules::DESCRIPTION_TOO_LONG
                .found(format!(
                    "the description has {length} characters, at most {MAX_CHARS} are shown"
                ))
                .at(source, line.clone(), "")
                .help(rules::DESCRIPTION_TOO_LONG.mend),
        );
    }
    if !says_when(text) && !has_triggers(document) {
        found.push(
            rules::DESCRIPTION_WITHOUT_TRIGGER
                .found("the description does not say when to use the persona")
                .at(source, line.clone(), "")
                .help(rules::DESCRIPTION_WITHOUT_TRIGGER.mend),
        );
    }
    // The value's place in the file is known as a whole only: escapes and folding lie in between.
    if has_examples(text) {
        let at = within(&source.text, &place, "<example").unwrap_or(line.clone());
        found.push(
            rules::DESCRIPTION_HAS_EXAMPLES
                .found("the description holds `<example>` blocks")
                .at(source, at, "")
                .help(rules::DESCRIPTION_HAS_EXAMPLES.mend),
        );
    }
    let newlines = literal_newlines(text);
    if let Some(first) = newlines.first() {
        let times = match newlines.len() {
            1 => String::new(),
            count => format!(" {count} times"),
        };
        let at = within(&source.text, &place, &text[*first..first + 2]).unwrap_or(line);
        found.push(
            rules::LITERAL_BACKSLASH_N
                .found(format!("`\\n` stands in the description{times} as two characters"))
                .at(source, at, "")
                .help(rules::LITERAL_BACKSLASH_N.mend),
        );
    }
}

fn within(
    text: &str,
    place: &std::ops::Range<usize>,
    wanted: &str,
) -> Option<std::ops::Range<usize>> {
    let start = place.start + text[place.clone()].to_ascii_lowercase().find(wanted)?;
    Some(start..start + wanted.len())
}

/// Whether a description holds an example block, or the mark of one.
pub(super) fn has_examples(text: &str) -> bool {
    text.to_ascii_lowercase().contains("<example")
}

/// Where `\n` stands as two characters and no path, such as `C:\new`, explains it.
pub(super) fn literal_newlines(text: &str) -> Vec<usize> {
    let speaks = ["user:", "assistant:", "context:", "commentary"];
    let mut found: Vec<usize> = Vec::new();
    for (at, mark) in text.match_indices("\\n") {
        let before = text[..at].chars().next_back();
        let after = &text[at + mark.len()..];
        let goes_on = after.starts_with(|c: char| c.is_ascii_lowercase())
            && !speaks.iter().any(|word| after.starts_with(word));
        let path = before.is_some_and(|c| c.is_alphanumeric() || matches!(c, ':' | '/'));
        // The letter in front of the second of two is the first one's.
        let follows = found.last().is_some_and(|last| last + mark.len() == at);
        if follows || (before != Some('\\') && !(goes_on && path)) {
            found.push(at);
        }
    }
    found
}

/// Whether other keys say when to use the persona.
fn has_triggers(document: &Document<'_>) -> bool {
    ["when_to_use", "when-to-use", "whenToUse", "triggers"].iter().any(|key| {
        match document.entry(key) {
            Some((_, Node { value: Value::List(list), .. })) => !list.is_empty(),
            Some(_) => document.declared(key).is_some(),
            None => false,
        }
    })
}

/// Whether a description says when to use the persona. Words of several languages count; where none
/// does, a text in another script has the benefit of the doubt.
fn says_when(text: &str) -> bool {
    const WORDS: &[&str] = &[
        "use",
        "used",
        "when",
        "whenever",
        "invoke",
        "invoked",
        "activate",
        "activates",
        "proactively",
        "trigger",
        "triggers",
        "delegate",
        "call",
        "consult",
        "if", // English
        "wenn",
        "nutze",
        "verwende",
        "einsetzen", // German
        "quand",
        "lorsque",
        "utiliser",
        "utilisez", // French
        "cuando",
        "usar",
        "usa",
        "utiliza", // Spanish
        "quando",
        "usare",
        "utilize", // Italian, Portuguese
    ];
    const NOUNS: &[&str] = &["case", "cases"];
    let lower = text.to_lowercase();
    let words: Vec<&str> =
        lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let named = words.iter().enumerate().any(|(at, word)| {
        let noun = words.get(at + 1).is_some_and(|next| NOUNS.contains(next));
        WORDS.contains(word) && !(*word == "use" && noun)
    });
    let letters = lower.chars().filter(|c| c.is_alphabetic()).count();
    let foreign = lower.chars().filter(|c| c.is_alphabetic() && u32::from(*c) > 0x24f).count();
    named || foreign * 3 > letters
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trigger_wording_is_told_from_use_cases() {
        for text in ["Tests. Use when in doubt.", "Testet, wenn nötig.", "用于测试和审查代码"]
        {
            assert!(says_when(text), "{text}");
        }
        for text in ["Tests things for use cases of all kinds.", "An expert in Rust."] {
            assert!(!says_when(text), "{text}");
        }
    }

    #[test]
    fn a_path_is_no_line_break() {
        assert_eq!(literal_newlines(r"a\n\nb \nuser: x"), [1, 3, 7]);
        assert_eq!(literal_newlines(r"in C:\new or \\n or src\new"), [0; 0]);
    }
}
