//! Characters that nobody sees, and what Unicode calls them.

use orchestrate_core::neutral;

/// The hidden characters of a text and their places.
///
/// A joiner or variation selector shapes the letter or emoji in front of it; behind anything of ASCII
/// but the digits and marks of keycaps, or behind nothing, it shapes nothing and hides something.
pub(super) fn hidden(text: &str) -> impl Iterator<Item = (usize, char)> + '_ {
    let mut previous = None;
    text.char_indices().filter(move |&(at, c)| {
        let found = match c {
            '\r' => false,
            '\u{feff}' => at > 0,
            '\u{200c}' | '\u{200d}' => previous.is_none_or(|c: char| c.is_ascii()),
            '\u{fe00}'..='\u{fe0f}' => previous.is_none_or(|c: char| {
                is_selector(c) || c.is_ascii() && !(c.is_ascii_digit() || matches!(c, '#' | '*'))
            }),
            _ => neutral::is_hidden(c),
        };
        if !found {
            previous = Some(c);
        }
        found
    })
}

fn is_selector(c: char) -> bool {
    matches!(c, '\u{fe00}'..='\u{fe0f}')
}

/// The code point and its name, such as `U+200B ZERO WIDTH SPACE`. Controls, which have no name in
/// Unicode, go by their aliases in `NameAliases.txt`.
pub(crate) fn named(c: char) -> String {
    let code = u32::from(c);
    let name = match c {
        '\0' => "NULL",
        '\u{7}' => "ALERT",
        '\u{8}' => "BACKSPACE",
        '\u{b}' => "LINE TABULATION",
        '\u{c}' => "FORM FEED",
        '\u{1b}' => "ESCAPE",
        '\u{7f}' => "DELETE",
        '\u{85}' => "NEXT LINE",
        '\u{9b}' => "CONTROL SEQUENCE INTRODUCER",
        '\u{ad}' => "SOFT HYPHEN",
        '\u{34f}' => "COMBINING GRAPHEME JOINER",
        '\u{61c}' => "ARABIC LETTER MARK",
        '\u{115f}' => "HANGUL CHOSEONG FILLER",
        '\u{1160}' => "HANGUL JUNGSEONG FILLER",
        '\u{17b4}' => "KHMER VOWEL INHERENT AQ",
        '\u{17b5}' => "KHMER VOWEL INHERENT AA",
        '\u{180e}' => "MONGOLIAN VOWEL SEPARATOR",
        '\u{200b}' => "ZERO WIDTH SPACE",
        '\u{200c}' => "ZERO WIDTH NON-JOINER",
        '\u{200d}' => "ZERO WIDTH JOINER",
        '\u{200e}' => "LEFT-TO-RIGHT MARK",
        '\u{200f}' => "RIGHT-TO-LEFT MARK",
        '\u{2028}' => "LINE SEPARATOR",
        '\u{2029}' => "PARAGRAPH SEPARATOR",
        '\u{202a}' => "LEFT-TO-RIGHT EMBEDDING",
        '\u{202b}' => "RIGHT-TO-LEFT EMBEDDING",
        '\u{202c}' => "POP DIRECTIONAL FORMATTING",
        '\u{202d}' => "LEFT-TO-RIGHT OVERRIDE",
        '\u{202e}' => "RIGHT-TO-LEFT OVERRIDE",
        '\u{2060}' => "WORD JOINER",
        '\u{2061}' => "FUNCTION APPLICATION",
        '\u{2062}' => "INVISIBLE TIMES",
        '\u{2063}' => "INVISIBLE SEPARATOR",
        '\u{2064}' => "INVISIBLE PLUS",
        '\u{2066}' => "LEFT-TO-RIGHT ISOLATE",
        '\u{2067}' => "RIGHT-TO-LEFT ISOLATE",
        '\u{2068}' => "FIRST STRONG ISOLATE",
        '\u{2069}' => "POP DIRECTIONAL ISOLATE",
        '\u{206a}' => "INHIBIT SYMMETRIC SWAPPING",
        '\u{206b}' => "ACTIVATE SYMMETRIC SWAPPING",
        '\u{206c}' => "INHIBIT ARABIC FORM SHAPING",
        '\u{206d}' => "ACTIVATE ARABIC FORM SHAPING",
        '\u{206e}' => "NATIONAL DIGIT SHAPES",
        '\u{206f}' => "NOMINAL DIGIT SHAPES",
        '\u{3164}' => "HANGUL FILLER",
        '\u{feff}' => "ZERO WIDTH NO-BREAK SPACE",
        '\u{ffa0}' => "HALFWIDTH HANGUL FILLER",
        '\u{fff9}' => "INTERLINEAR ANNOTATION ANCHOR",
        '\u{fffa}' => "INTERLINEAR ANNOTATION SEPARATOR",
        '\u{fffb}' => "INTERLINEAR ANNOTATION TERMINATOR",
        '\u{1d173}'..='\u{1d17a}' => "MUSICAL SYMBOL FORMAT CHARACTER",
        '\u{fe00}'..='\u{fe0f}' => {
            return format!("U+{code:04X} VARIATION SELECTOR-{}", code - 0xfdff);
        }
        '\u{e0100}'..='\u{e01ef}' => {
            return format!("U+{code:04X} VARIATION SELECTOR-{}", code - 0xe0100 + 17);
        }
        '\u{e0020}'..='\u{e007e}' => {
            let shown = char::from_u32(code - 0xe0000).unwrap_or(' ');
            return format!("U+{code:04X} TAG `{shown}`");
        }
        '\u{e0000}'..='\u{e0fff}' => "TAG CHARACTER",
        _ => "CONTROL CHARACTER",
    };
    format!("U+{code:04X} {name}")
}

/// What stands for a hidden character once it is removed: a space where it parted words.
pub(crate) fn replacement(c: char) -> &'static str {
    match c {
        '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}' => " ",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(text: &str) -> Vec<String> {
        hidden(text).map(|(at, c)| format!("{at} {}", named(c))).collect()
    }

    #[test]
    fn joiners_and_selectors_that_shape_something_are_left_alone() {
        assert_eq!(seen("👩‍🔬 می‌خواهم 1️⃣ ❤️ größe"), [""; 0]);
        assert_eq!(
            seen("ig\u{200d}\u{200d}nore a\u{fe0f}b"),
            [
                "2 U+200D ZERO WIDTH JOINER",
                "5 U+200D ZERO WIDTH JOINER",
                "14 U+FE0F VARIATION SELECTOR-16"
            ]
        );
    }

    #[test]
    fn every_hidden_character_has_a_name() {
        assert_eq!(
            seen("\u{feff}x\u{feff}\u{e0041}\u{1}"),
            [
                "4 U+FEFF ZERO WIDTH NO-BREAK SPACE",
                "7 U+E0041 TAG `A`",
                "11 U+0001 CONTROL CHARACTER"
            ]
        );
        assert_eq!(named('\u{e0100}'), "U+E0100 VARIATION SELECTOR-17");
    }
}
