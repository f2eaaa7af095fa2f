//! The part of the terminal that rows of progress are drawn in.

use std::{
    io,
    sync::atomic::{AtomicBool, Ordering},
};

use console::Term;
use indicatif::{ProgressDrawTarget, TermLike};

/// Drawings in a second at most.
const RATE: u8 = 20;
/// What a row begins with, before its spinner.
pub(super) const MARGIN: &str = "  ";

/// Standard error, whose cursor rests at the beginning of the last row.
///
/// The library fills each row to its end and leaves the cursor there. What the terminal echoes of a Ctrl-C would
/// begin a new line then, and the first row would never be cleared.
#[derive(Debug)]
pub(super) struct Rows {
    term: Term,
    /// Whether the last thing written was a row.
    on_row: AtomicBool,
}

impl Rows {
    /// Where rows are drawn: nowhere, if standard error is no terminal.
    pub(super) fn target() -> ProgressDrawTarget {
        let term = Term::buffered_stderr();
        if !term.is_term() {
            return ProgressDrawTarget::hidden();
        }
        let rows = Self { term, on_row: AtomicBool::new(false) };
        ProgressDrawTarget::term_like_with_hz(Box::new(rows), RATE)
    }

    /// How wide a row's text may be, beside its margin and spinner.
    pub(super) fn columns() -> usize {
        usize::from(Term::stderr().size().1).saturating_sub(MARGIN.len() + 3)
    }
}

/// Whether a line is a row: after the margin stands a spinner, which is of Braille.
fn is_row(line: &str) -> bool {
    let spinner = line.strip_prefix(MARGIN).and_then(|rest| rest.chars().next());
    spinner.is_some_and(|c| ('\u{2800}'..='\u{28ff}').contains(&c))
}

impl TermLike for Rows {
    fn width(&self) -> u16 {
        self.term.size().1
    }

    fn height(&self) -> u16 {
        self.term.size().0
    }

    fn move_cursor_up(&self, n: usize) -> io::Result<()> {
        self.term.move_cursor_up(n)
    }

    fn move_cursor_down(&self, n: usize) -> io::Result<()> {
        self.term.move_cursor_down(n)
    }

    fn move_cursor_right(&self, n: usize) -> io::Result<()> {
        self.term.move_cursor_right(n)
    }

    fn move_cursor_left(&self, n: usize) -> io::Result<()> {
        self.term.move_cursor_left(n)
    }

    fn write_line(&self, line: &str) -> io::Result<()> {
        self.on_row.store(false, Ordering::Relaxed);
        self.term.write_line(line)
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        // Blanks only fill a line.
        if !text.trim().is_empty() {
            self.on_row.store(is_row(text), Ordering::Relaxed);
        }
        self.term.write_str(text)
    }

    fn clear_line(&self) -> io::Result<()> {
        self.term.clear_line()
    }

    fn flush(&self) -> io::Result<()> {
        if self.on_row.swap(false, Ordering::Relaxed) {
            self.term.write_str("\r")?;
        }
        self.term.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_told_from_a_line_above_the_rows() {
        assert!(is_row("  \u{2801} data  data-engineer"));
        for line in ["[1/2] ok", "  two blanks", "", "\u{2801}"] {
            assert!(!is_row(line), "{line}");
        }
    }
}
