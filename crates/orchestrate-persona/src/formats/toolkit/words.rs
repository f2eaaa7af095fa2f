//! Small questions about words: slugs, titles, first sentences.

use crate::{fields, read::title_of};

/// Words at the end of a title that say only that it is a persona.
const EMPTY_ENDINGS: &[&str] = &["agent", "persona", "subagent", "chatmode", "mode"];

/// The slug of a text, cut at a hyphen to the longest that a name may be; `None` where nothing of it
/// can stand in a name.
pub(crate) fn slug(text: &str) -> Option<String> {
    let mut slug = fields::slugged(text);
    while slug.len() > 64 {
        let cut = slug[..64].rfind('-').unwrap_or(64);
        slug.truncate(cut);
    }
    fields::is_slug(&slug).then_some(slug)
}

/// A slug or key in words: `primary_lens` becomes `Primary lens`.
pub(crate) fn in_words(key: &str) -> String {
    let words: Vec<&str> = key.split(['_', '-', ' ']).filter(|word| !word.is_empty()).collect();
    let text = words.join(" ");
    let mut chars = text.chars();
    chars
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().collect::<String>() + chars.as_str())
}

/// A name in capitalised words.
pub(crate) fn title(name: &str) -> String {
    title_of(name)
}

/// A title without a last word that says only that it is a persona, and without emphasis.
pub(crate) fn bare_title(text: &str) -> String {
    let text = plain(text);
    let mut words: Vec<&str> = text.split_whitespace().collect();
    while words.len() > 1
        && words.last().is_some_and(|last| EMPTY_ENDINGS.contains(&last.to_lowercase().as_str()))
    {
        words.pop();
    }
    words.join(" ")
}

/// A text without the marks of emphasis and code around its words.
pub(crate) fn plain(text: &str) -> String {
    text.replace("**", "").replace(['`'], "").trim().to_owned()
}

/// A heading as it is compared: words in small letters, without numbers in front, emoji and marks.
pub(crate) fn heading_key(heading: &str) -> String {
    let lower = heading.to_lowercase();
    let words: Vec<&str> = lower
        .split(|c: char| !c.is_alphanumeric() && c != '\'')
        .filter(|word| !word.is_empty())
        .collect();
    let numbered = words.iter().take_while(|word| word.bytes().all(|b| b.is_ascii_digit())).count();
    words[numbered.min(words.len())..].join(" ")
}

/// The first sentence of a text on one line, the whole text where it has no end.
pub(crate) fn first_sentence(text: &str) -> String {
    let line = one_line(text);
    let mut from = 0;
    while let Some(at) = line[from..].find(['.', '!', '?', '。']) {
        let end = from + at + line[from + at..].chars().next().map_or(1, char::len_utf8);
        if end >= 12 && (line[end..].is_empty() || line[end..].starts_with(' ')) {
            return line[..end].to_owned();
        }
        from = end;
    }
    line
}

/// The parts of a text between its commas; those in brackets part nothing, where each is closed.
pub(crate) fn between_commas(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut depth = 0_usize;
    for c in text.chars() {
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        match parts.last_mut() {
            Some(part) if c != ',' || depth > 0 => part.push(c),
            _ => parts.push(String::new()),
        }
    }
    if depth > 0 {
        parts = text.split(',').map(str::to_owned).collect();
    }
    parts.iter().map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
}

/// Every run of white space as one space.
pub(crate) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A text cut to `limit` characters, at the end of a sentence or else of a word.
pub(crate) fn cut(text: &str, limit: usize) -> String {
    if text.chars().count() <= limit {
        return text.to_owned();
    }
    let short: String = text.chars().take(limit.saturating_sub(1)).collect();
    if let Some(end) = short.rfind(". ").filter(|&end| end > short.len() / 3) {
        return short[..=end].to_owned();
    }
    let end = short.rfind(char::is_whitespace).unwrap_or(short.len());
    format!("{}…", short[..end].trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_slug_is_cut_at_a_hyphen() {
        let long = "word ".repeat(20);
        let slug = slug(&long).expect("a slug");
        assert!(slug.len() <= 64 && slug.ends_with("word"), "{slug}");
        assert_eq!(super::slug("数据"), None);
    }

    #[test]
    fn titles_lose_what_every_persona_is() {
        assert_eq!(bare_title("Data & AI Engineer Agent"), "Data & AI Engineer");
        assert_eq!(bare_title("**Agent**"), "Agent");
    }

    #[test]
    fn headings_compare_without_numbers_and_emoji() {
        assert_eq!(heading_key("🎯 2. **Core Expertise**:"), "core expertise");
        assert_eq!(heading_key("3"), "");
    }

    #[test]
    fn a_first_sentence_ends_at_a_stop_before_a_space() {
        assert_eq!(first_sentence("Uses v1.2 of it.\nMore."), "Uses v1.2 of it.");
        assert_eq!(first_sentence("no end"), "no end");
    }

    #[test]
    fn a_comma_in_brackets_parts_nothing() {
        assert_eq!(
            between_commas("Frontend, React (hooks, context), CSS,"),
            ["Frontend", "React (hooks, context)", "CSS"]
        );
        assert_eq!(between_commas("a (b, c"), ["a (b", "c"]);
        assert_eq!(between_commas(":), x"), [":)", "x"]);
    }

    #[test]
    fn a_long_text_is_cut_where_a_sentence_ends() {
        assert_eq!(cut("One two. Three four five.", 14), "One two.");
        assert_eq!(cut("one two three", 9), "one two…");
    }
}
