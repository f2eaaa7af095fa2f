//! The generated corpus: the same every time, with every format and every kind of mess at its rate.

use orchestrate_testkit::corpus::{Corpus, CorpusFile, Expected, Mess, RATES, SHARES};

fn files(count: usize, seed: u64) -> Vec<CorpusFile> {
    Corpus::new(count, seed).files().collect()
}

#[test]
fn a_seed_gives_the_same_bytes_and_another_seed_gives_others() {
    assert_eq!(files(120, 7), files(120, 7));
    assert_ne!(files(120, 7), files(120, 8));
}

#[test]
fn every_kind_of_file_and_of_mess_is_there_however_small_the_corpus() {
    let files = files(100, 1);
    for share in SHARES {
        assert!(files.iter().any(|file| file.kind == share.kind), "{}", share.kind);
    }
    for rate in RATES {
        assert!(files.iter().any(|file| file.mess.contains(&rate.mess)), "{:?}", rate.mess);
    }
}

#[test]
fn shares_and_rates_are_those_that_were_seen() {
    let corpus = Corpus::new(8_000, 1);
    assert_eq!(corpus.len(), 8_000);
    let mut counts = std::collections::BTreeMap::new();
    for file in corpus.files() {
        *counts.entry(file.kind).or_insert(0_usize) += 1;
        for mess in file.mess.iter().filter(|mess| matches!(mess, Mess::Bom | Mess::Colon)) {
            *counts.entry(if *mess == Mess::Bom { "BOM" } else { "colon" }).or_insert(0) += 1;
        }
    }
    // 138 and 139 in 7,800 files; skills and agents are 1,500 and 2,211 of them.
    for (what, least, most) in [
        ("BOM", 130, 145),
        ("colon", 139, 160),
        ("agent-skill", 1_500, 1_560),
        ("claude-code", 2_211, 2_300),
        ("editor rule", 260, 270),
    ] {
        assert!((least..=most).contains(&counts[what]), "{what}: {}", counts[what]);
    }
}

#[test]
fn the_mess_stands_in_the_bytes() {
    let with = |mess: Mess| {
        let of = move |file: &CorpusFile| file.mess.contains(&mess);
        files(200, 3).into_iter().find(of).unwrap_or_else(|| panic!("no file with {mess:?}")).bytes
    };
    let text = |mess| String::from_utf8(with(mess)).expect("UTF-8");
    assert!(text(Mess::Bom).starts_with('\u{feff}'));
    assert!(!text(Mess::Crlf).replace("\r\n", "").contains('\n'));
    assert!(text(Mess::MixedEnds).replace("\r\n", "").contains('\n'));
    assert!(std::str::from_utf8(&with(Mess::Windows1252)).is_err());
    assert!(text(Mess::Invisible).contains('\u{200b}'));
    assert!(text(Mess::UnbalancedFence).matches("```").count() % 2 == 1);
    assert!(text(Mess::DashLine).matches("\n---\n").count() >= 3);
    assert!(with(Mess::Largest).len() > 230_000);
    assert!(text(Mess::Colon).contains("Note: "));
    assert!(text(Mess::Star).contains("\ntools: *\n"));
    assert!(text(Mess::Examples).contains("<example>"));
    assert!(text(Mess::BackslashN).contains("\\n"));
    assert!(!text(Mess::NameAbsent).contains("\nname: "));
}

#[test]
fn only_what_is_a_persona_has_texts_to_keep() {
    for file in files(150, 5) {
        assert_eq!(file.leaves.is_empty(), file.expected == Expected::Refused, "{}", file.path);
    }
}
