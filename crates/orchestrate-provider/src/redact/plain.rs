//! Text as it comes to be once hidden characters are taken out of it and escapes are read, and where in the
//! text each part of that stands.

use std::{ops::Range, str::CharIndices};

use orchestrate_core::neutral;

/// The names of characters that HTML has to name.
const NAMED: [(&str, char); 5] =
    [("amp;", '&'), ("lt;", '<'), ("gt;", '>'), ("quot;", '"'), ("apos;", '\'')];

/// A text without hidden characters and escapes.
#[derive(Debug, Default)]
pub(super) struct Plain {
    pub(super) text: String,
    pieces: Vec<Piece>,
}

/// A part of the plain text, and what it is made from: the same where both are of one length, else a
/// character and its escape, which is always longer.
#[derive(Debug)]
struct Piece {
    plain: Range<usize>,
    source: Range<usize>,
}

/// Whether nobody sees the character. Here these are also joiners and selectors, which are not taken out of
/// text since some scripts need them: no key does.
fn is_hidden(c: char) -> bool {
    matches!(c, '\u{200c}' | '\u{200d}' | '\u{fe00}'..='\u{fe0f}') || neutral::is_hidden(c)
}

/// Whether more than the character itself may stand for it, or it for another.
fn is_special(c: char) -> bool {
    match c {
        '\\' | '%' | '&' => true,
        ' '..='~' | '\n' | '\t' => false,
        c => is_hidden(c),
    }
}

impl Plain {
    /// The plain form of a text, where that is another than the text.
    pub(super) fn of(text: &str) -> Option<Self> {
        let first = text.find(is_special)?;
        let mut plain = Self::default();
        plain.copy(text, 0..first);
        let mut rest = Visible { text, chars: text[first..].char_indices(), offset: first };
        while let Some(next) = rest.next_part() {
            match next {
                Part::Verbatim(source) => plain.copy(text, source),
                Part::Escaped(c, source) => plain.push(c, source),
            }
        }
        Some(plain)
    }

    fn copy(&mut self, text: &str, source: Range<usize>) {
        if source.is_empty() {
            return;
        }
        let start = self.text.len();
        self.text.push_str(&text[source.clone()]);
        self.pieces.push(Piece { plain: start..self.text.len(), source });
    }

    fn push(&mut self, c: char, source: Range<usize>) {
        if is_hidden(c) {
            return;
        }
        let start = self.text.len();
        self.text.push(c);
        self.pieces.push(Piece { plain: start..self.text.len(), source });
    }

    /// Where that stands in the text which is found here in the plain form.
    pub(super) fn source(&self, found: &Range<usize>) -> Range<usize> {
        let first = self.piece(found.start);
        let last = self.piece(found.end - 1);
        let start = match found.start - first.plain.start {
            offset if first.is_verbatim() => first.source.start + offset,
            _ => first.source.start,
        };
        let end = match found.end - last.plain.start {
            offset if last.is_verbatim() => last.source.start + offset,
            _ => last.source.end,
        };
        start..end
    }

    fn piece(&self, at: usize) -> &Piece {
        let index = self.pieces.partition_point(|piece| piece.plain.end <= at);
        &self.pieces[index]
    }
}

impl Piece {
    fn is_verbatim(&self) -> bool {
        self.plain.len() == self.source.len()
    }
}

/// What comes next in a text.
enum Part {
    Verbatim(Range<usize>),
    Escaped(char, Range<usize>),
}

/// The characters of a text that can be seen.
#[derive(Clone)]
struct Visible<'a> {
    text: &'a str,
    chars: CharIndices<'a>,
    offset: usize,
}

impl Iterator for Visible<'_> {
    type Item = char;

    fn next(&mut self) -> Option<char> {
        self.chars.by_ref().map(|(_, c)| c).find(|&c| !is_hidden(c))
    }
}

impl Visible<'_> {
    fn at(&self) -> usize {
        self.offset + self.chars.offset()
    }

    fn next_part(&mut self) -> Option<Part> {
        let start = self.at();
        let length = self.text[start..].find(is_special).unwrap_or(self.text.len() - start);
        if length > 0 {
            self.go_to(start + length);
            return Some(Part::Verbatim(start..start + length));
        }
        let first = self.chars.next()?.1;
        let mut read = self.clone();
        let meant = match first {
            '\\' => read.after_backslash(),
            '%' => read.byte(),
            '&' => read.entity(),
            // A hidden one: it stands for nothing.
            _ => return Some(Part::Verbatim(start..start)),
        };
        match meant {
            Some(c) => {
                self.go_to(read.at());
                Some(Part::Escaped(c, start..read.at()))
            }
            // Nothing but backslashes is left.
            None if first == '\\' => None,
            None => Some(Part::Verbatim(start..self.at())),
        }
    }

    fn go_to(&mut self, at: usize) {
        self.chars = self.text[at..].char_indices();
        self.offset = at;
    }

    /// What backslashes make of the character behind them. Several are an escape in an escape, and one before
    /// a character that needs none is how Markdown escapes it.
    fn after_backslash(&mut self) -> Option<char> {
        let mut next = self.next()?;
        while next == '\\' {
            next = self.next()?;
        }
        let mut read = self.clone();
        let meant = match next {
            'u' => read.unit(),
            'x' => read.byte(),
            _ => None,
        };
        if meant.is_some() {
            *self = read;
        }
        Some(meant.unwrap_or(next))
    }

    /// The rest of `\uXXXX`, also of two that make one character together, or of `\u{…}`.
    fn unit(&mut self) -> Option<char> {
        let mut braced = self.clone();
        if braced.next() == Some('{') {
            *self = braced;
            return char::from_u32(self.number(16, 6, '}')?);
        }
        let high = self.digits(4)?;
        if !(0xD800..0xDC00).contains(&high) {
            return char::from_u32(high);
        }
        let mut next = self.next()?;
        while next == '\\' {
            next = self.next()?;
        }
        let low = (next == 'u').then(|| self.digits(4))??;
        let low = low.checked_sub(0xDC00).filter(|low| *low < 0x400)?;
        char::from_u32(0x1_0000 + ((high - 0xD800) << 10) + low)
    }

    /// A byte in hexadecimal that is a character by itself.
    fn byte(&mut self) -> Option<char> {
        char::from_u32(self.digits(2)?).filter(char::is_ascii)
    }

    /// The rest of `&#48;`, `&#x30;` or `&amp;`.
    fn entity(&mut self) -> Option<char> {
        let mut read = self.clone();
        if read.next() == Some('#') {
            let mut hexadecimal = read.clone();
            let code = if matches!(hexadecimal.next(), Some('x' | 'X')) {
                read = hexadecimal;
                read.number(16, 6, ';')?
            } else {
                read.number(10, 7, ';')?
            };
            *self = read;
            return char::from_u32(code);
        }
        NAMED.iter().find_map(|(name, c)| {
            let mut read = self.clone();
            name.chars().all(|c| read.next() == Some(c)).then(|| {
                *self = read;
                *c
            })
        })
    }

    /// So many hexadecimal digits.
    fn digits(&mut self, count: usize) -> Option<u32> {
        (0..count).try_fold(0, |all, _| Some(all << 4 | self.next()?.to_digit(16)?))
    }

    /// A number of at most so many digits, and what ends it.
    fn number(&mut self, radix: u32, most: usize, end: char) -> Option<u32> {
        let mut number = self.next()?.to_digit(radix)?;
        for _ in 0..most {
            match self.next()? {
                c if c == end => return Some(number),
                c => number = number.checked_mul(radix)?.checked_add(c.to_digit(radix)?)?,
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &str) -> String {
        Plain::of(text).map_or_else(|| text.to_owned(), |plain| plain.text)
    }

    #[test]
    fn hidden_characters_and_escapes_of_every_kind_are_seen_through() {
        for (text, meant) in [
            ("k\u{200b}e\u{200d}y\u{e0041}\u{1b}s", "keys"),
            (r"\u006be\u0079s", "keys"),
            (r"\\u006b\\\u0065\u{79}\x73", "keys"),
            (r"k\u200be\u{200b}ys", "keys"),
            ("\\u00\u{200b}6beys", "keys"),
            (r"\ud83d\ude00", "😀"),
            (r#"a\/b\"c\_d\\e"#, r#"a/b"c_de"#),
            ("%6beys&#107;&#x65;&amp;", "keyske&"),
            // What is no escape stands for itself.
            (
                r"100% %zz & &#; &#9999999999; \u00 \ud83d! end\",
                "100% %zz & &#; &#9999999999; u00 ud83d! end",
            ),
            ("größe 100 µm", "größe 100 µm"),
        ] {
            assert_eq!(plain(text), meant, "{text}");
        }
        assert!(Plain::of("größe, [a](b) `c` 日本語\n\tx").is_none());
    }

    #[test]
    fn what_is_found_is_found_in_the_text_with_all_that_it_is_made_from() {
        for (text, sought, source) in [
            (r"a \u006be\u0079 b", "key", r"\u006be\u0079"),
            ("a k\u{200b}ey b", "key", "k\u{200b}ey"),
            (r"é \\key\u0021", "key", r"\\key"),
            (r"é\u0021key %41", "key", "key"),
            ("\u{200b}key\u{200b}", "key", "key"),
        ] {
            let plain = Plain::of(text).expect("not plain");
            let at = plain.text.find(sought).expect("to be found");
            assert_eq!(&text[plain.source(&(at..at + sought.len()))], source, "{text}");
        }
    }
}
