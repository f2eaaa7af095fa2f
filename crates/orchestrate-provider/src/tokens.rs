//! How many tokens a text makes: bounded, counted, or guessed.

/// No tokenizer in use makes more tokens than there are bytes.
pub fn bound(text: &str) -> u64 {
    text.len() as u64
}

/// A quick guess: a quarter of the bytes, rounded up.
pub fn estimate(text: &str) -> u64 {
    bound(text).div_ceil(4)
}

/// The text's tokens in `OpenAI`'s encoding `o200k_base`, which is close enough for other vendors too.
///
/// The first call loads the encoding, which takes a noticeable fraction of a second; keep it off
/// the threads that serve connections. Long texts are counted in pieces, which may come out a
/// little too high.
pub fn count(text: &str) -> u64 {
    let encoding = tiktoken_rs::o200k_base_singleton();
    pieces(text).map(|piece| encoding.count_ordinary(piece) as u64).sum()
}

/// Whether [`count`] is what a model of this name counts itself, and not an approximation.
pub fn is_own_count(model: &str) -> bool {
    // Gateways and clouds put something before the model's own name.
    let name = model.rsplit('/').next().unwrap_or(model);
    ["gpt-", "chatgpt-", "o1", "o3", "o4"].iter().any(|begin| name.starts_with(begin))
}

/// Tokens that a model of this name makes of a text, at most. `OpenAI`'s models count as [`count`] does, and an
/// eighth is added for what differs between its encodings. Other vendors' tokenizers make up to half as many
/// again of English and code, and more of other scripts: every character beyond ASCII counts once more.
pub fn at_most(model: &str, text: &str) -> u64 {
    let counted = count(text);
    if is_own_count(model) {
        return counted + counted / 8;
    }
    let others = text.chars().filter(|character| !character.is_ascii()).count() as u64;
    (counted + counted / 2 + others).min(bound(text))
}

/// Longest piece in bytes that is given to the tokenizer: its regular expression backtracks, and on
/// a megabyte of white space it gives up with a panic.
const PIECE: usize = 4 * 1024;

/// Cuts a text after line feeds where it can, else after spaces, else between characters.
fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (piece, after) = rest.split_at(cut(rest));
        rest = after;
        Some(piece)
    })
}

fn cut(text: &str) -> usize {
    if text.len() <= PIECE {
        return text.len();
    }
    let end = text.floor_char_boundary(PIECE);
    let window = &text[..end];
    match window.rfind('\n') {
        Some(at) => at + 1,
        // A token begins with its space, so the cut goes before one.
        None => window.rfind(' ').filter(|&at| at > 0).unwrap_or(end),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_the_encodings_own() {
        assert_eq!(count("hello world"), 2);
        assert_eq!(count(""), 0);
        let line = "The quick brown fox jumps over the lazy dog.\n";
        assert_eq!(count(&line.repeat(500)), 500 * count(line));
    }

    #[test]
    fn hostile_texts_are_counted_without_a_panic() {
        for text in [" ".repeat(1 << 18), "a".repeat(1 << 16), "\u{1f469}\u{200d}".repeat(4_000)] {
            assert!(count(&text) <= bound(&text));
        }
    }

    #[test]
    fn pieces_lose_nothing() {
        let text = format!("{}\n{} {}", "ü".repeat(5_000), "x".repeat(3_000), "y".repeat(9_000));
        assert_eq!(pieces(&text).collect::<String>(), text);
        assert!(pieces(&text).all(|piece| !piece.is_empty() && piece.len() <= PIECE));
    }

    #[test]
    fn only_models_of_the_encodings_vendor_count_so_themselves() {
        for own in ["gpt-5-mini", "o3", "openai/gpt-oss-20b"] {
            assert!(is_own_count(own), "{own}");
        }
        for other in ["claude-sonnet-4-5", "gemini-2.5-pro", "m", "qwen/o"] {
            assert!(!is_own_count(other), "{other}");
        }
    }

    #[test]
    fn an_estimate_rounds_up() {
        assert_eq!((estimate(""), estimate("a"), estimate("abcde")), (0, 1, 2));
    }
}
