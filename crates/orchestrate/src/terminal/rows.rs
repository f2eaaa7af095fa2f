//! The part of the terminal that rows of progress are drawn in.

use std::io;

use console::Term;
use indicatif::{ProgressDrawTarget, TermLike};

/// Columns at the right that stay free: what the terminal echoes of a Ctrl-C, twice, must not begin a new
/// line, or the first row would never be cleared.
const ROOM: usize = 6;
/// Drawings in a second at most.
const RATE: u8 = 20;

/// Standard error, a little narrower than it is.
#[derive(Debug)]
pub(super) struct Rows(Term);

impl Rows {
    /// Where rows are drawn: nowhere, if standard error is no terminal.
    pub(super) fn target() -> ProgressDrawTarget {
        let term = Term::buffered_stderr();
        if term.is_term() {
            ProgressDrawTarget::term_like_with_hz(Box::new(Self(term)), RATE)
        } else {
            ProgressDrawTarget::hidden()
        }
    }

    /// How wide a row may be.
    pub(super) fn columns() -> usize {
        usize::from(Term::stderr().size().1).saturating_sub(ROOM)
    }
}

impl TermLike for Rows {
    fn width(&self) -> u16 {
        u16::try_from(Self::columns()).unwrap_or(u16::MAX)
    }

    fn height(&self) -> u16 {
        self.0.size().0
    }

    fn move_cursor_up(&self, n: usize) -> io::Result<()> {
        self.0.move_cursor_up(n)
    }

    fn move_cursor_down(&self, n: usize) -> io::Result<()> {
        self.0.move_cursor_down(n)
    }

    fn move_cursor_right(&self, n: usize) -> io::Result<()> {
        self.0.move_cursor_right(n)
    }

    fn move_cursor_left(&self, n: usize) -> io::Result<()> {
        self.0.move_cursor_left(n)
    }

    fn write_line(&self, line: &str) -> io::Result<()> {
        self.0.write_line(line)
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        self.0.write_str(text)
    }

    fn clear_line(&self) -> io::Result<()> {
        self.0.clear_line()
    }

    fn flush(&self) -> io::Result<()> {
        self.0.flush()
    }
}
