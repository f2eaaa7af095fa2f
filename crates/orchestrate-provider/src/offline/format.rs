//! Foreign text inside a worksheet: quoted so that it stays recognisable and cannot break out.

use std::fmt::Write as _;

/// Quotes a text of at most `most` characters as a Markdown block quote and says what is missing.
pub(super) fn quote(text: &str, most: usize) -> String {
    let text = text.trim();
    let total = text.chars().count();
    let shown: String = text.chars().take(most).collect();
    let mut quoted = String::with_capacity(shown.len() + 64);
    for line in shown.trim_end().lines() {
        quoted.push_str(if line.is_empty() { ">" } else { "> " });
        quoted.push_str(line);
        quoted.push('\n');
    }
    if quoted.is_empty() {
        quoted.push_str("> (empty)\n");
    }
    if total > most {
        // Writing to a String cannot fail, here and below.
        let _ = writeln!(quoted, ">\n> (… and {} characters more)", total - most);
    }
    quoted
}

/// One cell of a Markdown table.
pub(super) fn cell(text: &str) -> String {
    if text.is_empty() { "–".into() } else { text.replace('|', "\\|") }
}

/// Turns the fenced blocks of a prompt into block quotes headed by their origin; a person has no use
/// for the markers. What is no whole block stays as it is.
pub(super) fn without_fences(prompt: &str) -> String {
    let mut plain = String::with_capacity(prompt.len());
    let mut rest = prompt;
    while let Some(block) = next_block(rest) {
        plain.push_str(&rest[..block.start]);
        let _ = writeln!(plain, "> *{}:*", block.origin);
        plain.push_str(quote(block.text, BLOCK).trim_end());
        rest = &rest[block.end..];
    }
    plain.push_str(rest);
    plain
}

/// Characters of a fenced block that are shown inside a prompt.
const BLOCK: usize = 1_500;

/// A fenced block inside a prompt: text from elsewhere that the workflow's author put there.
pub(super) struct Block<'a> {
    start: usize,
    end: usize,
    /// The block's label.
    pub(super) origin: &'a str,
    /// What it encloses.
    pub(super) text: &'a str,
}

/// The fenced blocks of a prompt, in order.
pub(super) fn blocks(prompt: &str) -> impl Iterator<Item = Block<'_>> {
    let mut rest = prompt;
    std::iter::from_fn(move || {
        let block = next_block(rest)?;
        rest = &rest[block.end..];
        Some(block)
    })
}

/// Finds the first whole block as `orchestrate_core::fence` writes them.
fn next_block(text: &str) -> Option<Block<'_>> {
    const OPEN: &str = "<<<material ";
    let mut from = 0;
    while let Some(found) = text[from..].find(OPEN) {
        let start = from + found;
        from = start + OPEN.len();
        let Some((marker, after)) = text[from..].split_once(" | ") else { continue };
        if marker.len() != 32 || !marker.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            continue;
        }
        let Some((origin, body)) = after.split_once('\n') else { continue };
        let close = format!("\n>>>end {marker}");
        let Some(length) = body.find(&close) else { continue };
        let end = text.len() - body.len() + length + close.len();
        return Some(Block { start, end, origin, text: &body[..length] });
    }
    None
}

#[cfg(test)]
mod tests {
    use orchestrate_core::fence::fence;

    use super::*;

    #[test]
    fn a_quote_cannot_open_a_block_of_its_own_and_says_what_is_missing() {
        assert_eq!(quote("a\n\n```brief\n", 100), "> a\n>\n> ```brief\n");
        assert_eq!(quote("abcdef", 4), "> abcd\n>\n> (… and 2 characters more)\n");
        assert_eq!(quote(" ", 4), "> (empty)\n");
    }

    #[test]
    fn fenced_blocks_of_a_prompt_become_quotes() {
        let prompt = format!("Read\n{}\nand {}.", fence("file a", "x\ny"), fence("the task", "t"));
        let expected = "Read\n> *file a:*\n> x\n> y\nand > *the task:*\n> t.";
        assert_eq!(without_fences(&prompt), expected);
        for odd in ["<<<material abc | x", "<<<material ", "a <<<material \u{fc} | b\nc"] {
            assert_eq!(without_fences(odd), odd);
        }
    }
}
