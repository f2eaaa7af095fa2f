//! Finding texts that are nearly the same without comparing each with each.
//!
//! A text is the set of its runs of [`SHINGLE`] words, hashed. Of each set the smallest hashes are
//! kept (a bottom-k sketch: Broder, "On the resemblance and containment of documents", 1997), and a
//! signature of [`BANDS`] × [`ROWS`] minima (one permutation hashing: Li, Owen and Zhang, 2012). Texts
//! that agree in a band are compared by their sketches, each with the first of its kind only, so that
//! the work grows with the texts and not with their pairs.

use std::collections::BTreeMap;

use orchestrate_core::diagnostic::Diagnostic;

use super::{check::first_line, document::Document, phrases, rules};

/// The share of common runs of words, over all runs of both, from which on two texts count as nearly
/// the same.
pub const NEAR_DUPLICATE: f64 = 0.8;

/// Words in a run.
const SHINGLE: usize = 5;
/// Texts with fewer runs say too little to be compared.
const MIN_SHINGLES: usize = 16;
/// Hashes kept of a text; shorter texts are compared exactly.
const SKETCH: usize = 512;
/// Two texts at the threshold share a band with a probability above 0.999.
const BANDS: usize = 16;
const ROWS: usize = 4;

pub(super) fn check(documents: &[Option<Document<'_>>], found: &mut [Vec<Diagnostic>]) {
    let mut texts: Vec<(&Document<'_>, Vec<u64>)> = Vec::new();
    let mut bands: BTreeMap<(usize, [u64; ROWS]), usize> = BTreeMap::new();
    for (document, found) in documents.iter().zip(found) {
        let Some(document) = document else { continue };
        let shingles = shingles(document.body());
        if shingles.len() < MIN_SHINGLES {
            continue;
        }
        let keys = signature(&shingles);
        let sketch: Vec<u64> = shingles.into_iter().take(SKETCH).collect();
        let best = keys
            .iter()
            .filter_map(|key| bands.get(key))
            .map(|&other| (resemblance(&sketch, &texts[other].1), other))
            .max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(&a.1)));
        if let Some((share, other)) = best.filter(|(share, _)| *share >= NEAR_DUPLICATE) {
            found.push(near_duplicate(document, texts[other].0, share));
            continue;
        }
        for key in keys {
            bands.entry(key).or_insert(texts.len());
        }
        texts.push((document, sketch));
    }
}

fn near_duplicate(document: &Document<'_>, other: &Document<'_>, share: f64) -> Diagnostic {
    let body = |document: &Document<'_>| {
        let text = document.body();
        let blank = text.len() - text.trim_start().len();
        first_line(&document.source, &(document.body.start + blank..document.body.end))
    };
    let message = if share >= 1.0 {
        format!("the text is that of {}", other.path)
    } else {
        format!("{:.0} % of the text also stands in {}", (share * 100.0).floor(), other.path)
    };
    rules::NEAR_DUPLICATE
        .found(message)
        .at(&document.source, body(document), "")
        .at(&other.source, body(other), "the other one")
        .help(rules::NEAR_DUPLICATE.mend)
}

/// The hashes of a text's runs of words, sorted, each once.
fn shingles(text: &str) -> Vec<u64> {
    let hashes: Vec<u64> =
        phrases::words(text).iter().map(|(word, _)| fnv(word.as_bytes())).collect();
    let mut shingles: Vec<u64> = hashes
        .windows(SHINGLE)
        .map(|run| mixed(run.iter().fold(0, |hash, word| mixed(hash ^ word))))
        .collect();
    shingles.sort_unstable();
    shingles.dedup();
    shingles
}

/// FNV-1a: <http://www.isthe.com/chongo/tech/comp/fnv/>.
fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// The finaliser of `SplitMix64`, which spreads every bit over all others.
fn mixed(hash: u64) -> u64 {
    let hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}

/// The bands of a text's signature: the least hash of each of `BANDS * ROWS` classes of hashes. An empty
/// class borrows from the next one that is not, so that short texts have a signature too.
fn signature(shingles: &[u64]) -> Vec<(usize, [u64; ROWS])> {
    const CLASSES: usize = BANDS * ROWS;
    let mut minima = [None; CLASSES];
    for &hash in shingles {
        let class = usize::try_from(hash % CLASSES as u64).unwrap_or_default();
        let least: &mut Option<u64> = &mut minima[class];
        *least = Some(least.map_or(hash, |known| known.min(hash)));
    }
    let filled = |class: usize| {
        (0..CLASSES)
            .find_map(|step| {
                let hash = minima[(class + step) % CLASSES]?;
                Some(mixed(hash.wrapping_add(step as u64)))
            })
            .unwrap_or_default()
    };
    (0..BANDS).map(|band| (band, std::array::from_fn(|row| filled(band * ROWS + row)))).collect()
}

/// The share of common hashes among the smallest of both sets together.
fn resemblance(a: &[u64], b: &[u64]) -> f64 {
    let (mut at, mut bt, mut common, mut all) = (0, 0, 0_u32, 0_u32);
    // Beyond the end of a cut sketch nothing is known, so that the union ends there too.
    while all < u32::try_from(SKETCH).unwrap_or(u32::MAX) && (at < a.len() || bt < b.len()) {
        if (at == a.len() && a.len() == SKETCH) || (bt == b.len() && b.len() == SKETCH) {
            break;
        }
        match (a.get(at), b.get(bt)) {
            (Some(x), Some(y)) if x == y => {
                common += 1;
                at += 1;
                bt += 1;
            }
            (Some(x), Some(y)) if x < y => at += 1,
            (Some(_), None) => at += 1,
            _ => bt += 1,
        }
        all += 1;
    }
    if all == 0 { 0.0 } else { f64::from(common) / f64::from(all) }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    /// Words that no other text with another `seed` shares.
    fn text(seed: usize, words: usize) -> String {
        (0..words).fold(String::new(), |mut text, word| {
            let _ = write!(text, "w{seed}x{word} ");
            text
        })
    }

    #[test]
    fn resemblance_is_exact_for_short_texts_and_close_for_long_ones() {
        let share = |a: &str, b: &str| {
            let cut = |text: &str| shingles(text).into_iter().take(SKETCH).collect::<Vec<_>>();
            resemblance(&cut(a), &cut(b))
        };
        let short = text(1, 104);
        assert!((share(&short, &short) - 1.0).abs() < f64::EPSILON);
        assert!(share(&short, &text(2, 104)).abs() < f64::EPSILON);
        // 100 runs of which 25 more follow in the other: 100 of 125.
        let longer = format!("{short}{}", text(3, 25));
        assert!((share(&short, &longer) - 0.8).abs() < 1e-9);
        let long = text(4, 8_004);
        let longer = format!("{long}{}", text(5, 2_000));
        assert!((share(&long, &longer) - 0.8).abs() < 0.05);
    }

    #[test]
    fn texts_at_the_threshold_meet_in_a_band() {
        for seed in 0..200 {
            let one = text(seed, 200 + seed);
            let other = format!("{one}{}", text(seed + 1_000, (200 + seed) / 5));
            let (one, other) = (signature(&shingles(&one)), signature(&shingles(&other)));
            assert!(one.iter().any(|band| other.contains(band)), "{seed}");
        }
    }
}
