//! Words and numbers of a text, in the form in which they are compared.

/// A block of a text: a paragraph, a list entry, a heading or a row of a table.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Block {
    pub(super) tokens: Vec<Token>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    /// Lower case, letters and digits, and `_`; a plural's `s` is gone.
    Word(String),
    Number(Number),
}

/// A number as written, with the unit that follows it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Number {
    pub(super) value: f64,
    /// In normal form; may be any word that happens to follow.
    pub(super) unit: String,
    pub(super) raw: String,
}

impl Block {
    pub(super) fn numbers(&self) -> impl Iterator<Item = &Number> {
        self.tokens.iter().filter_map(|token| match token {
            Token::Number(number) => Some(number),
            Token::Word(_) => None,
        })
    }

    pub(super) fn words(&self) -> impl Iterator<Item = &str> {
        self.tokens.iter().filter_map(|token| match token {
            Token::Word(word) => Some(word.as_str()),
            Token::Number(_) => None,
        })
    }
}

impl Token {
    /// Whether this is the same word, or the same amount in the unit that the other names, if any.
    pub(super) fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Word(this), Self::Word(other)) => this == other,
            (Self::Number(this), Self::Number(other)) => {
                this.equals(other) && (other.unit.is_empty() || this.unit == other.unit)
            }
            (Self::Word(_), Self::Number(_)) | (Self::Number(_), Self::Word(_)) => false,
        }
    }
}

impl Number {
    /// Whether both say the same amount; a percentage is a fraction of one.
    pub(super) fn equals(&self, other: &Self) -> bool {
        let share =
            |a: &Self, b: &Self| a.unit == "%" && b.unit != "%" && close(a.value / 100.0, b.value);
        close(self.value, other.value) || share(self, other) || share(other, self)
    }

    /// Whether both have the same unit, and any.
    pub(super) fn same_unit(&self, other: &Self) -> bool {
        !self.unit.is_empty() && self.unit == other.unit
    }
}

/// Equal but for what decimal fractions lose in binary.
fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-9 * a.abs().max(b.abs())
}

/// The blocks of a text.
pub(super) fn blocks(text: &str) -> Vec<Block> {
    let mut blocks: Vec<String> = Vec::new();
    let mut open = false;
    for line in text.lines() {
        let line = line.trim();
        if line.is_empty() {
            open = false;
        } else if open && !begins_block(line) {
            if let Some(last) = blocks.last_mut() {
                last.push(' ');
                last.push_str(line);
            }
        } else {
            blocks.push(line.to_owned());
            open = true;
        }
    }
    blocks.iter().map(|text| block(text)).collect()
}

fn begins_block(line: &str) -> bool {
    let numbered = line.trim_start_matches(|c: char| c.is_ascii_digit());
    line.starts_with(['-', '*', '+', '#', '|', '>'])
        || (numbered.len() < line.len() && numbered.starts_with(['.', ')']))
}

/// One block of text.
pub(super) fn block(text: &str) -> Block {
    // A mark after a number ends what could be its unit.
    let chunks = text.split_whitespace().map(|chunk| (trimmed(chunk), chunk.ends_with(END)));
    let chunks: Vec<(&str, bool)> = chunks.filter(|(chunk, _)| !chunk.is_empty()).collect();
    let mut tokens = Vec::with_capacity(chunks.len());
    let mut at = 0;
    while let Some((chunk, ended)) = chunks.get(at) {
        at += 1;
        let Some((mut value, mut unit)) = number(chunk) else {
            tokens.extend(words(chunk).map(Token::Word));
            continue;
        };
        let mut raw = (*chunk).to_owned();
        if unit.is_empty() && !ended {
            let mut rest = &chunks[at..];
            if let Some((word, _)) = rest.first()
                && let Some(factor) = scale(word)
            {
                value *= factor;
                raw = format!("{raw} {word}");
                at += 1;
                rest = &chunks[at..];
            }
            unit = following_unit(rest);
        }
        tokens.push(Token::Number(Number { value, unit, raw }));
    }
    Block { tokens }
}

/// Marks that end a clause.
const END: [char; 7] = ['.', ',', ';', ':', '!', '?', ')'];

/// A chunk without the marks around it.
fn trimmed(chunk: &str) -> &str {
    let mark =
        |c: char| !(c.is_alphanumeric() || matches!(c, '%' | '$' | '€' | '£' | '-' | '−' | '_'));
    let chunk = chunk.trim_start_matches(|c| mark(c) && c != '.');
    let chunk = chunk.trim_end_matches(|c| mark(c) || c == '-');
    // A leading point belongs to a number only.
    match chunk.strip_prefix('.') {
        Some(rest) if !rest.starts_with(|c: char| c.is_ascii_digit()) => trimmed(rest),
        _ => chunk,
    }
}

/// The words of a chunk.
fn words(chunk: &str) -> impl Iterator<Item = String> {
    chunk
        .split(|c: char| !c.is_alphanumeric() && c != '_')
        .filter(|word| !word.is_empty())
        .map(normal)
}

/// A word in the form in which it is compared.
pub(super) fn normal(word: &str) -> String {
    let word = word.to_lowercase();
    match word.strip_suffix('s') {
        Some(stem) if stem.chars().count() >= 3 && !stem.ends_with('s') => stem.to_owned(),
        _ => word,
    }
}

/// Reads `1,200`, `-0.5`, `4e6`, `$5`, `30d`, `82%` or `12ms`: the value and the unit that is attached.
fn number(chunk: &str) -> Option<(f64, String)> {
    let (currency, rest) = match chunk.chars().next()? {
        c @ ('$' | '€' | '£') => (c.to_string(), &chunk[c.len_utf8()..]),
        _ => (String::new(), chunk),
    };
    let (negative, rest) = match rest.strip_prefix(['-', '−']) {
        Some(rest) => (true, rest),
        None => (false, rest),
    };
    let end = digits_end(rest);
    let (digits, suffix) = rest.split_at(end);
    if !digits.contains(|c: char| c.is_ascii_digit())
        || suffix.contains(|c: char| c.is_ascii_digit())
    {
        return None;
    }
    let value: f64 = digits.replace([',', '_'], "").parse().ok()?;
    let (value, suffix) = match suffix {
        "k" | "K" => (value * 1e3, ""),
        "M" => (value * 1e6, ""),
        "G" | "B" | "bn" => (value * 1e9, ""),
        other => (value, other),
    };
    let unit = if suffix.is_empty() { currency } else { unit(suffix) };
    value.is_finite().then_some((if negative { -value } else { value }, unit))
}

/// Where the digits of a number end, groups of thousands, fraction and exponent included.
fn digits_end(text: &str) -> usize {
    let bytes = text.as_bytes();
    let digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let mut at = 0;
    while digit(at) || (matches!(bytes.get(at), Some(b',' | b'_')) && digit(at + 1) && at > 0) {
        at += 1;
    }
    if bytes.get(at) == Some(&b'.') && digit(at + 1) {
        at += 1;
        while digit(at) {
            at += 1;
        }
    }
    if at > 0 && matches!(bytes.get(at), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(at + 1), Some(b'-' | b'+')));
        if digit(at + 1 + sign) {
            at += 1 + sign;
            while digit(at) {
                at += 1;
            }
        }
    }
    at
}

fn scale(word: &str) -> Option<f64> {
    match word {
        "thousand" => Some(1e3),
        "million" | "mn" => Some(1e6),
        "billion" | "bn" => Some(1e9),
        _ => None,
    }
}

/// Words that follow a number and are no unit.
const NO_UNIT: [&str; 20] = [
    "a", "an", "and", "are", "as", "at", "but", "by", "for", "from", "in", "is", "of", "on", "or",
    "per", "that", "the", "to", "with",
];

/// The unit that the chunks after a number begin with: `rows/day`, `rows per day`, `ms`.
fn following_unit(chunks: &[(&str, bool)]) -> String {
    let begins = |chunk: &str| chunk.starts_with(|c: char| c.is_alphabetic() || c == '%');
    match chunks {
        [(first, _), ..] if !begins(first) || NO_UNIT.contains(first) => String::new(),
        [(first, false), ("per", _), (each, _), ..] => unit(&format!("{first}/{each}")),
        [(first, _), ..] => unit(first),
        [] => String::new(),
    }
}

/// A unit in the form in which it is compared.
pub(super) fn unit(text: &str) -> String {
    let text = text.trim().replace(" per ", "/");
    let parts: Vec<String> = text.split('/').map(|part| normal(part.trim())).collect();
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Vec<String> {
        block(text).numbers().map(|n| format!("{} {}", n.value, n.unit)).collect()
    }

    #[test]
    fn numbers_are_read_with_their_units() {
        assert_eq!(
            told("**4,000,000 rows per day**, or 4M rows/day; 4 million rows/day (4e6)."),
            ["4000000 row/day", "4000000 row/day", "4000000 row/day", "4000000 "]
        );
        assert_eq!(
            told("-0.5, .82 and 82% in 30d at $5"),
            ["-0.5 ", "0.82 ", "82 %", "30 d", "5 $"]
        );
        assert_eq!(told("version 3.11.2 of 2026-01-31, D1, p99 and x2"), [""; 0]);
        assert_eq!(told("1. First\n"), ["1 "]);
    }

    #[test]
    fn a_percentage_is_a_fraction_of_one() {
        let one = |text: &str| block(text).numbers().next().cloned().expect("a number");
        assert!(one("82%").equals(&one("0.82")) && one("0.820").equals(&one(".82")));
        assert!(!one("82%").equals(&one("0.79")) && !one("82").equals(&one("0.82")));
    }

    #[test]
    fn lists_headings_and_rows_are_blocks_and_wrapped_lines_are_not() {
        let found = blocks("# A\none\ntwo\n- b\n  more\n- c\n\n| d |\n2) e\n");
        let words: Vec<String> =
            found.iter().map(|block| block.words().collect::<Vec<_>>().join(" ")).collect();
        assert_eq!(words, ["a one two", "b more", "c", "d", "e"]);
    }
}
