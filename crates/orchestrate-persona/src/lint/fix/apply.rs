//! The fixes one after another, until none applies.

use std::str;

use orchestrate_core::diagnostic::Rule;

use super::{description, scalar::quoted};
use crate::{
    MAX_FILE_BYTES, hidden,
    lint::{LintFile, characters, document::Document, rules},
    yaml,
};

/// A file after mending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fixed {
    /// The file's bytes, the old ones where nothing was mended.
    pub bytes: Vec<u8>,
    /// What was mended, in order.
    pub applied: Vec<Applied>,
}

/// One mended thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// The code of the rule whose finding is gone.
    pub code: &'static str,
    /// What was done, a lower-case fragment.
    pub what: String,
}

impl Applied {
    pub(super) fn new(rule: &Rule, what: impl Into<String>) -> Self {
        Self { code: rule.code, what: what.into() }
    }
}

/// `1 character`, `2 characters`.
pub(super) fn counted(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// A fix: the new text and what was done, or `None` where it does not apply.
type Fix = fn(&str) -> Option<(String, Vec<Applied>)>;

/// One fix can make room for another, such as a quoted description for moving its examples out.
const ROUNDS: usize = 4;

/// Mends what lint finds and a program can mend: hidden characters, byte order mark, line ends,
/// unquoted values, and examples and literal `\n` in the description.
///
/// Hidden characters are removed from code as well: what nobody sees misleads there no less. Nothing
/// changes in a file that is not UTF-8, since only a person can say what its letters are, or in one
/// that is too large to be read. Mending a mended file changes nothing.
pub fn fix(bytes: &[u8]) -> Fixed {
    let unchanged = Fixed { bytes: bytes.to_vec(), applied: Vec::new() };
    let Ok(text) = str::from_utf8(bytes) else { return unchanged };
    if bytes.len() > MAX_FILE_BYTES {
        return unchanged;
    }
    let fixes: [Fix; 5] = [visible, without_mark, line_feeds, front_matter, description::fix];
    let mut text = text.to_owned();
    let mut applied = Vec::new();
    for _ in 0..ROUNDS {
        let before = applied.len();
        for fix in fixes {
            if let Some((mended, done)) = fix(&text) {
                text = mended;
                applied.extend(done);
            }
        }
        if applied.len() == before {
            break;
        }
    }
    Fixed { bytes: text.into_bytes(), applied }
}

fn visible(text: &str) -> Option<(String, Vec<Applied>)> {
    let mut mended = String::with_capacity(text.len());
    let mut from = 0;
    let (mut count, mut sequences) = (0_usize, 0_usize);
    for (at, c) in characters::hidden(text) {
        if at < from {
            continue;
        }
        mended.push_str(&text[from..at]);
        mended.push_str(characters::replacement(c));
        // The letters of an escape sequence mean nothing without the character in front of them.
        let whole = hidden::sequence(&text[at..]);
        sequences += usize::from(whole.is_some());
        from = at + whole.unwrap_or(c.len_utf8());
        count += 1;
    }
    mended.push_str(&text[from..]);
    let mut what = format!("removed {} that nobody can see", counted(count, "character"));
    if sequences > 0 {
        what = format!("{what}, {} as a whole", counted(sequences, "escape sequence"));
    }
    (count > 0).then(|| (mended, vec![Applied::new(&rules::INVISIBLE_CHARACTER, what)]))
}

fn without_mark(text: &str) -> Option<(String, Vec<Applied>)> {
    let mended = text.strip_prefix('\u{feff}')?.to_owned();
    Some((mended, vec![Applied::new(&rules::BOM, "removed the byte order mark")]))
}

fn line_feeds(text: &str) -> Option<(String, Vec<Applied>)> {
    if !text.contains('\r') {
        return None;
    }
    let mended = text.replace("\r\n", "\n").replace('\r', "\n");
    Some((mended, vec![Applied::new(&rules::CRLF, "ended all lines in LF")]))
}

/// Quotes the values that keep a front matter from being YAML. Where it is not YAML afterwards
/// either, it is left as it was.
fn front_matter(text: &str) -> Option<(String, Vec<Applied>)> {
    let document = Document::new(&LintFile { path: "", bytes: text.as_bytes() });
    let front = document.front_matter()?;
    front.not_yaml.as_ref()?;
    let mut mended = String::with_capacity(text.len() + 16);
    let mut applied = Vec::new();
    let mut from = 0;
    for broken in &front.broken {
        mended.push_str(&text[from..broken.span.start]);
        mended.push_str(&[&broken.key, ": ", &quoted(&broken.value)].concat());
        from = broken.span.end;
        let what = format!("quoted the value of `{}`", broken.key);
        applied.push(Applied::new(&rules::FRONT_MATTER_NOT_YAML, what));
    }
    mended.push_str(&text[from..]);
    let parts =
        crate::front_matter::split(&orchestrate_core::diagnostic::Source::new("", mended.as_str()));
    let sound = parts.is_ok_and(|parts| {
        matches!(
            yaml::parse(&mended[parts.yaml]),
            Ok(yaml::Node { value: yaml::Value::Map(_), .. })
        )
    });
    sound.then_some((mended, applied))
}
