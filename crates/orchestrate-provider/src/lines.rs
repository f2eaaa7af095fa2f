//! A stream of JSON documents, one a line, read within limits and in linear time.

use crate::sse::{Event, Limits, SseError};

/// Takes bytes as they arrive and gives a nameless event per line.
#[derive(Debug)]
pub(crate) struct Lines {
    limits: Limits,
    line: Vec<u8>,
    /// Bytes so far that brought no line: line ends, empty lines.
    noise: usize,
}

impl Lines {
    pub(crate) fn new(limits: Limits) -> Self {
        Self { limits, line: Vec::new(), noise: 0 }
    }

    /// Reads on and appends the lines that are now complete to `events`.
    pub(crate) fn push(&mut self, bytes: &[u8], events: &mut Vec<Event>) -> Result<(), SseError> {
        let mut rest = bytes;
        while let Some(end) = rest.iter().position(|&byte| byte == b'\n') {
            self.extend(&rest[..end])?;
            rest = &rest[end + 1..];
            self.end_line(events)?;
        }
        self.extend(rest)
    }

    /// The body has ended: what stands after the last line end is a line too.
    pub(crate) fn end(&mut self, events: &mut Vec<Event>) -> Result<(), SseError> {
        self.end_line(events)
    }

    fn extend(&mut self, part: &[u8]) -> Result<(), SseError> {
        if self.line.len() + part.len() > self.limits.event {
            return Err(SseError::TooLong(self.limits.event));
        }
        self.line.extend_from_slice(part);
        Ok(())
    }

    fn end_line(&mut self, events: &mut Vec<Event>) -> Result<(), SseError> {
        if self.line.iter().all(u8::is_ascii_whitespace) {
            self.noise += self.line.len() + 1;
            self.line.clear();
            if self.noise > self.limits.noise {
                return Err(SseError::TooNoisy(self.limits.noise));
            }
            return Ok(());
        }
        let data = String::from_utf8(std::mem::take(&mut self.line));
        let data = data.map_err(|_| SseError::NotUtf8)?;
        events.push(Event { name: String::new(), data });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { event: 100, noise: 50 };

    fn read(stream: &[u8], piece: usize) -> Result<Vec<String>, SseError> {
        let (mut lines, mut events) = (Lines::new(LIMITS), Vec::new());
        for part in stream.chunks(piece) {
            lines.push(part, &mut events)?;
        }
        lines.end(&mut events)?;
        Ok(events.into_iter().map(|event| event.data).collect())
    }

    #[test]
    fn lines_come_whole_wherever_the_stream_is_cut_and_the_last_needs_no_end() {
        for piece in 1..=12 {
            let read = read("{\"a\":\"ü\"}\n\r\n\n{}\n{\"b\":1}".as_bytes(), piece);
            assert_eq!(read, Ok(vec!["{\"a\":\"ü\"}".into(), "{}".into(), "{\"b\":1}".into()]));
        }
    }

    #[test]
    fn a_line_and_everything_beside_lines_have_a_longest_length() {
        assert_eq!(read(&[b'x'; 200], 7), Err(SseError::TooLong(100)));
        assert_eq!(read(&[b'\n'; 200], 7), Err(SseError::TooNoisy(50)));
        assert_eq!(read(b"\xff\n", 1), Err(SseError::NotUtf8));
    }
}
