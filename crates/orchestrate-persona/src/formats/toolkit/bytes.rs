//! Bytes to text: UTF-8 without byte order mark and with line feeds, or Windows-1252 with a warning.

use crate::windows_1252;

/// A text, and what had to be done to the bytes to get it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Decoded {
    /// The text with line feeds only.
    pub(crate) text: String,
    /// What was repaired, each as a stable code with a sentence.
    pub(crate) repairs: Vec<(&'static str, String)>,
}

/// Decodes the bytes of a text file.
pub(crate) fn decode(bytes: &[u8]) -> Decoded {
    let mut repairs = Vec::new();
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(error) => {
            let at = error.valid_up_to();
            let line = bytes[..at].split(|&byte| byte == b'\n').count();
            let message = format!("not UTF-8 from line {line} on, read as Windows-1252");
            repairs.push(("not-utf8", message));
            bytes.iter().map(|&byte| windows_1252::character(byte)).collect()
        }
    };
    let text = match text.strip_prefix('\u{feff}') {
        Some(rest) => {
            repairs.push(("bom", "a byte order mark was dropped".to_owned()));
            rest.to_owned()
        }
        None => text,
    };
    let returns = text.matches('\r').count();
    if returns == 0 {
        return Decoded { text, repairs };
    }
    repairs.push(("crlf", format!("{returns} carriage returns became line feeds")));
    Decoded { text: text.replace("\r\n", "\n").replace('\r', "\n"), repairs }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(bytes: &[u8]) -> (String, Vec<&'static str>) {
        let decoded = decode(bytes);
        (decoded.text, decoded.repairs.into_iter().map(|(code, _)| code).collect())
    }

    #[test]
    fn a_plain_text_stays_as_it_is() {
        assert_eq!(codes("größe\n".as_bytes()), ("größe\n".into(), vec![]));
    }

    #[test]
    fn marks_and_line_ends_are_repaired_and_named() {
        assert_eq!(codes(b"\xef\xbb\xbfa\r\nb\rc"), ("a\nb\nc".into(), vec!["bom", "crlf"]));
    }

    #[test]
    fn what_is_not_utf8_is_read_as_windows_1252() {
        assert_eq!(codes(b"it\x92s \xe9"), ("it’s é".into(), vec!["not-utf8"]));
    }
}
