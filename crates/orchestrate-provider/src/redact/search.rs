//! Finding many needles in one pass over a text.

use std::ops::Range;

use secrecy::{ExposeSecret as _, SecretString};

/// Bytes that the search looks at together.
const BLOCK: usize = 3;
/// Bits of a block's place in the table of shifts.
const BITS: u32 = 14;

/// Needles, and how far the search may go on wherever none of them can end: the shifts of Wu and Manber,
/// "A fast algorithm for multi-pattern searching" (1994). A text of which most cannot be part of a needle is
/// passed over in steps of nearly a whole needle, however many needles there are.
pub(super) struct Needles {
    all: Vec<SecretString>,
    /// Bytes at the beginning of each needle that the shifts speak of: those of the shortest.
    window: usize,
    shifts: Vec<u8>,
}

impl Needles {
    /// Needles of at least [`BLOCK`] bytes each.
    pub(super) fn new(needles: Vec<SecretString>) -> Self {
        let shortest = needles.iter().map(|needle| needle.expose_secret().len()).min();
        let window = shortest.unwrap_or(BLOCK).clamp(BLOCK, usize::from(u8::MAX));
        let most = u8::try_from(window - BLOCK + 1).unwrap_or(u8::MAX);
        let mut shifts = if needles.is_empty() { Vec::new() } else { vec![most; 1 << BITS] };
        for needle in &needles {
            let blocks = needle.expose_secret().as_bytes()[..window].windows(BLOCK);
            for (left, block) in (0..most).rev().zip(blocks) {
                let shift = &mut shifts[place(block)];
                *shift = left.min(*shift);
            }
        }
        Self { all: needles, window, shifts }
    }

    /// Every needle.
    pub(super) fn all(&self) -> &[SecretString] {
        &self.all
    }

    /// Where needles stand in the text, in order, also those that stand in one another.
    pub(super) fn find<'a>(&'a self, text: &'a str) -> impl Iterator<Item = Range<usize>> + 'a {
        let bytes = text.as_bytes();
        let mut end = if self.all.is_empty() { usize::MAX } else { self.window };
        std::iter::from_fn(move || {
            while end <= bytes.len() {
                let shift = usize::from(self.shifts[place(&bytes[end - BLOCK..end])]);
                if shift > 0 {
                    end += shift;
                    continue;
                }
                let start = end - self.window;
                end += 1;
                if let Some(length) = self.longest_at(&bytes[start..]) {
                    return Some(start..start + length);
                }
            }
            None
        })
    }

    /// The length of the longest needle that the text begins with.
    fn longest_at(&self, text: &[u8]) -> Option<usize> {
        let needles = self.all.iter().map(|needle| needle.expose_secret().as_bytes());
        needles.filter(|needle| text.starts_with(needle)).map(<[u8]>::len).max()
    }
}

fn place(block: &[u8]) -> usize {
    let block = block.iter().fold(0_u32, |all, &byte| all << 8 | u32::from(byte));
    // Fibonacci hashing: the upper bits of a product with 2³² divided by the golden ratio.
    (block.wrapping_mul(0x9E37_79B9) >> (32 - BITS)) as usize
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn needles_are_found_wherever_they_stand_and_overlap() {
        let needles =
            Needles::new(["abcdefgh".into(), "abcdefghij".into(), "efghijkl".into()].into());
        let found: Vec<_> = needles.find("abcdefghijkl, abcdefgh").collect();
        assert_eq!(found, [0..10, 4..12, 14..22]);
        assert_eq!(needles.find("abcdefg").count(), 0);
        assert_eq!(Needles::new(Vec::new()).find("abcdefgh").count(), 0);
    }

    proptest! {
        #[test]
        fn one_pass_finds_what_looking_at_every_place_finds(
            needles in prop::collection::vec("[ab]{3,6}", 0..4),
            text in "[abé]{0,40}",
        ) {
            let sought = Needles::new(needles.iter().cloned().map(SecretString::from).collect());
            let longest = |at: usize| {
                let begins = |needle: &&String| text.as_bytes()[at..].starts_with(needle.as_bytes());
                needles.iter().filter(begins).map(String::len).max()
            };
            let expected: Vec<_> =
                (0..text.len()).filter_map(|at| Some(at..at + longest(at)?)).collect();
            prop_assert_eq!(sought.find(&text).collect::<Vec<_>>(), expected);
        }
    }
}
