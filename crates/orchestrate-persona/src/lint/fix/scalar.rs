//! Writing a text as a YAML scalar on one line.

/// The text in quotes: double ones where it holds none and no backslash, else single ones. White space
/// of every kind becomes a single space.
pub(in crate::lint) fn quoted(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.contains(['"', '\\']) {
        format!("'{}'", line.replace('\'', "''"))
    } else {
        format!("\"{line}\"")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn either_quote_can_stand_in_a_quoted_text() {
        assert_eq!(quoted("Use for: all\n of it"), "\"Use for: all of it\"");
        assert_eq!(quoted("it's \"x\" \\n"), "'it''s \"x\" \\n'");
    }
}
