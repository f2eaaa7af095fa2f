//! What happens to a text on its way into a file.

use super::mess::Mess;

/// The bytes of a text with the mess of bytes.
pub(super) fn dirty(text: &str, mess: &[Mess]) -> Vec<u8> {
    let has = |one| mess.contains(&one);
    let mut text = text.to_owned();
    if has(Mess::Invisible) {
        // Inside a word in the middle, where nobody would look.
        let middle = text.len() / 2;
        let at = text.char_indices().map(|(at, _)| at).find(|at| *at >= middle).unwrap_or_default();
        text.insert(at, '\u{200b}');
        text.push_str("\u{202e}\n");
    }
    if has(Mess::Crlf) {
        text = text.replace('\n', "\r\n");
    } else if has(Mess::MixedEnds) {
        let lines = text.split_inclusive('\n').enumerate();
        text = lines
            .map(
                |(at, line)| if at % 3 == 2 { line.replace('\n', "\r\n") } else { line.to_owned() },
            )
            .collect();
    }
    if has(Mess::Windows1252) {
        return text.chars().map(windows_1252).collect();
    }
    if has(Mess::Bom) {
        text.insert(0, '\u{feff}');
    }
    text.into_bytes()
}

fn windows_1252(letter: char) -> u8 {
    match letter {
        '’' => 0x92,
        '“' => 0x93,
        '”' => 0x94,
        '–' => 0x96,
        other => u8::try_from(u32::from(other)).unwrap_or(b'?'),
    }
}
