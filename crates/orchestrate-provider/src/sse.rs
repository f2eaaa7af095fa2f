//! Server-sent events, read within limits and in linear time.
//!
//! The grammar is that of the HTML standard, section "Server-sent events": lines end with CR, LF or
//! CRLF; a byte order mark at the start, comments and unknown fields are skipped; an event is its
//! `data` lines joined by line feeds, dispatched by an empty line. What stands at the end of the
//! stream without an empty line after it is not an event.

use std::mem;

/// How much a stream may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limits {
    /// Bytes of one line, and of one event's data.
    pub(crate) event: usize,
    /// Bytes of everything that brings no event: comments, unknown fields, empty lines.
    pub(crate) noise: usize,
}

/// One event that carries data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Event {
    /// The `event` field; empty where there is none.
    pub(crate) name: String,
    /// The `data` lines, joined by line feeds.
    pub(crate) data: String,
}

/// Why a stream cannot be read on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SseError {
    /// A line or an event is longer than the limit, in bytes.
    #[error("an event of the stream is longer than {0} bytes")]
    TooLong(usize),
    /// Comments and the like, more of them than any answer needs, in bytes.
    #[error("the stream holds more than {0} bytes beside its events")]
    TooNoisy(usize),
    /// Data that is not text.
    #[error("an event of the stream is not valid UTF-8")]
    NotUtf8,
}

/// Takes bytes as they arrive and gives events.
#[derive(Debug)]
pub(crate) struct Decoder {
    limits: Limits,
    line: Vec<u8>,
    name: Vec<u8>,
    data: Vec<u8>,
    has_data: bool,
    /// The last byte was a CR, so that an LF now belongs to it.
    after_cr: bool,
    /// Bytes so far that brought no event.
    noise: usize,
    /// The first line has not been read, so a byte order mark may stand before it.
    at_start: bool,
    /// Bytes looked at or copied so far, which the tests hold against the stream's length.
    #[cfg(test)]
    work: usize,
}

impl Decoder {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            line: Vec::new(),
            name: Vec::new(),
            data: Vec::new(),
            has_data: false,
            after_cr: false,
            noise: 0,
            at_start: true,
            #[cfg(test)]
            work: 0,
        }
    }

    /// Reads on and appends the events that are now complete to `events`.
    pub(crate) fn push(&mut self, bytes: &[u8], events: &mut Vec<Event>) -> Result<(), SseError> {
        let mut rest = bytes;
        if self.after_cr && !rest.is_empty() {
            self.after_cr = false;
            if let Some(after) = rest.strip_prefix(b"\n") {
                rest = after;
            }
        }
        while let Some(end) = rest.iter().position(|&byte| matches!(byte, b'\n' | b'\r')) {
            self.extend_line(&rest[..end])?;
            self.worked(1);
            let ended_by_cr = rest[end] == b'\r';
            rest = &rest[end + 1..];
            if ended_by_cr {
                match rest.first() {
                    Some(b'\n') => rest = &rest[1..],
                    Some(_) => {}
                    None => self.after_cr = true,
                }
            }
            self.end_line(events)?;
        }
        self.extend_line(rest)
    }

    fn extend_line(&mut self, part: &[u8]) -> Result<(), SseError> {
        self.worked(part.len());
        // A comment's text is of no use, so of a comment only the colon is kept.
        let kept = match (self.line.first(), part.first()) {
            (Some(b':'), _) => &[],
            (None, Some(b':')) => &part[..1],
            _ => part,
        };
        self.endure(part.len() - kept.len())?;
        if self.line.len() + kept.len() > self.limits.event {
            return Err(SseError::TooLong(self.limits.event));
        }
        self.line.extend_from_slice(kept);
        Ok(())
    }

    fn end_line(&mut self, events: &mut Vec<Event>) -> Result<(), SseError> {
        let line = mem::take(&mut self.line);
        self.worked(line.len());
        let mut content = line.as_slice();
        if mem::take(&mut self.at_start) {
            content = content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content);
        }
        if content.is_empty() {
            self.endure(1)?;
            self.dispatch(events)?;
        } else {
            self.field(content)?;
        }
        // The allocation is used again for the next line.
        self.line = line;
        self.line.clear();
        Ok(())
    }

    fn field(&mut self, line: &[u8]) -> Result<(), SseError> {
        let (name, value) = match line.iter().position(|&byte| byte == b':') {
            Some(at) => (&line[..at], line[at + 1..].strip_prefix(b" ").unwrap_or(&line[at + 1..])),
            None => (line, &line[line.len()..]),
        };
        match name {
            b"data" => {
                if self.data.len() + value.len() >= self.limits.event {
                    return Err(SseError::TooLong(self.limits.event));
                }
                if mem::replace(&mut self.has_data, true) {
                    self.data.push(b'\n');
                }
                self.data.extend_from_slice(value);
            }
            b"event" => self.name = value.to_vec(),
            // Comments have an empty name; `id`, `retry` and the unknown mean nothing to us.
            _ => self.endure(line.len() + 1)?,
        }
        Ok(())
    }

    /// Counts bytes that bring no event.
    fn endure(&mut self, bytes: usize) -> Result<(), SseError> {
        self.noise += bytes;
        if self.noise > self.limits.noise {
            Err(SseError::TooNoisy(self.limits.noise))
        } else {
            Ok(())
        }
    }

    #[cfg_attr(not(test), expect(clippy::unused_self, reason = "only the tests count"))]
    fn worked(&mut self, bytes: usize) {
        #[cfg(test)]
        {
            self.work += bytes;
        }
        #[cfg(not(test))]
        let _ = bytes;
    }

    fn dispatch(&mut self, events: &mut Vec<Event>) -> Result<(), SseError> {
        let (name, data) = (mem::take(&mut self.name), mem::take(&mut self.data));
        if mem::take(&mut self.has_data) {
            let text = |bytes| String::from_utf8(bytes).map_err(|_| SseError::NotUtf8);
            events.push(Event { name: text(name)?, data: text(data)? });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { event: 1 << 20, noise: 4 << 20 };

    /// Reads a stream in pieces of `piece` bytes.
    fn read(stream: &[u8], piece: usize) -> Result<Vec<(String, String)>, SseError> {
        let (mut decoder, mut events) = (Decoder::new(LIMITS), Vec::new());
        for part in stream.chunks(piece) {
            decoder.push(part, &mut events)?;
        }
        Ok(events.into_iter().map(|event| (event.name, event.data)).collect())
    }

    fn check(stream: &str, expected: &[(&str, &str)]) {
        for piece in 1..=stream.len().max(1) {
            let events = read(stream.as_bytes(), piece).expect("a sound stream");
            let events: Vec<_> = events.iter().map(|(n, d)| (n.as_str(), d.as_str())).collect();
            assert_eq!(events, expected, "{stream:?} in pieces of {piece}");
        }
    }

    #[test]
    fn lines_end_with_any_of_the_three_endings_wherever_the_stream_is_cut() {
        check(
            "data: a\n\ndata: b\r\n\r\ndata: c\r\rdata: d\n\n",
            &[("", "a"), ("", "b"), ("", "c"), ("", "d")],
        );
    }

    #[test]
    fn comments_unknown_fields_and_a_byte_order_mark_are_skipped() {
        check("\u{feff}: hi\n: ping\n\nid: 7\nretry: 1\ndata:x\n\n:\n\n", &[("", "x")]);
    }

    #[test]
    fn data_lines_are_joined_and_the_events_name_is_its_own() {
        check(
            "event: error\ndata: ü\ndata:  two\n\ndata\n\nevent: lost\n\ndata: y\n\n",
            &[("error", "ü\n two"), ("", ""), ("", "y")],
        );
    }

    #[test]
    fn an_event_without_an_empty_line_after_it_is_none() {
        check("data: a\n\ndata: b\n", &[("", "a")]);
        check("data: b", &[]);
    }

    #[test]
    fn a_line_an_event_and_a_comment_have_a_longest_length() {
        for stream in [
            format!("data: {}", "x".repeat(LIMITS.event)),
            format!("data: {}\n", "x".repeat(1 << 18)).repeat(5),
        ] {
            assert_eq!(read(stream.as_bytes(), 4_096), Err(SseError::TooLong(LIMITS.event)));
        }
        let comment = format!(":{}\ndata: x\n\n", "x".repeat(2 * LIMITS.event));
        assert_eq!(read(comment.as_bytes(), 4_096).map(|events| events.len()), Ok(1));
    }

    #[test]
    fn what_brings_no_event_is_read_up_to_a_limit_and_no_further() {
        let limits = Limits { event: 1 << 20, noise: 10_000 };
        for pattern in [":\n", ": ping\r\n", "\n", "id: 7\n", "x", ":x"] {
            let begin = if pattern == ":x" { ":" } else { "" };
            let stream = format!("{begin}{}", pattern.repeat(100_000));
            let (mut decoder, mut events) = (Decoder::new(limits), Vec::new());
            let mut parts = stream.as_bytes().chunks(100);
            let error = parts.find_map(|part| decoder.push(part, &mut events).err());
            if pattern == "x" {
                // A line that has not ended may still become an event; it has a limit of its own.
                assert_eq!(error, None);
            } else {
                assert_eq!(error, Some(SseError::TooNoisy(10_000)), "{pattern:?}");
                assert!(decoder.work <= 30_000, "{pattern:?}: {}", decoder.work);
            }
        }
        let stream = "data: x\n\n".repeat(9_000);
        let (mut decoder, mut events) = (Decoder::new(limits), Vec::new());
        assert_eq!(decoder.push(stream.as_bytes(), &mut events), Ok(()));
        assert_eq!(events.len(), 9_000);
    }

    #[test]
    fn text_that_is_none_is_refused() {
        assert_eq!(read(b"data: \xff\n\n", 1), Err(SseError::NotUtf8));
    }

    #[test]
    fn work_grows_with_the_length_and_not_with_the_number_of_pieces() {
        let stream = format!("data: {}\n\n", "x".repeat(LIMITS.event - 100)).repeat(4);
        for piece in [64, 4_096, 1 << 20] {
            let (mut decoder, mut events) = (Decoder::new(LIMITS), Vec::new());
            for part in stream.as_bytes().chunks(piece) {
                decoder.push(part, &mut events).expect("within limits");
            }
            assert_eq!(events.len(), 4);
            assert!(decoder.work <= 2 * stream.len(), "{} for {piece}", decoder.work);
        }
    }
}
