//! Files with every kind of mess: each is a persona with its text intact, or refused with a reason.

use std::collections::BTreeSet;

use orchestrate_core::diagnostic::{Source, has_errors};
use orchestrate_persona::{
    ForeignFile, Format, Imported, import,
    lint::{LintContext, LintFile, fix, lint},
    read, write_canonical,
};
use orchestrate_testkit::corpus::{Corpus, CorpusFile, Expected, Kept, Mess};
use proptest::prelude::*;

/// The files of a corpus without those of a hundred pages, which take their time in a debug build.
fn small(files: usize, seed: u64) -> impl Iterator<Item = CorpusFile> {
    let corpus = Corpus::new(files, seed);
    let files: Vec<CorpusFile> = corpus.files().filter(|file| file.bytes.len() < 30_000).collect();
    files.into_iter()
}

/// Everything that came out of a file.
fn kept(found: &Imported) -> Kept {
    let mut kept = Kept::default();
    kept.text(&super::leaves::kept(found));
    kept
}

/// Imports a file, and checks what must hold of it.
fn check(file: &CorpusFile) -> Imported {
    let about = format!("{} {:?}", file.path, file.mess);
    let found = import(&ForeignFile { path: &file.path, bytes: &file.bytes }, None);
    let said = crate::shown(&found.diagnostics);
    let Expected::Personas(count) = file.expected else {
        assert!(found.personas.is_empty() && has_errors(&found.diagnostics), "{about}\n{said}");
        return found;
    };
    assert_eq!(found.personas.len(), count, "{about}\n{said}");
    assert_eq!(found.format.map(Format::id), Some(file.kind), "{about}");
    assert_eq!(kept(&found).lost(file), [""; 0], "{about}");
    for persona in &found.personas {
        let source = Source::new(format!("{}.md", persona.persona.name), &*persona.canonical);
        assert_eq!(read(&source).0.as_ref(), Some(&persona.persona), "{about}");
        if found.format != Some(Format::Canonical) {
            assert_eq!(write_canonical(&persona.persona), persona.canonical, "{about}");
        }
    }
    found
}

#[test]
fn every_file_is_read_or_refused_and_what_is_repaired_is_said() {
    let mut formats = BTreeSet::new();
    let mut seen = BTreeSet::new();
    for file in Corpus::new(200, 1).files() {
        let found = check(&file);
        formats.extend(found.format);
        let codes: Vec<&str> = found.diagnostics.iter().map(|found| found.code).collect();
        for (mess, code) in [
            (Mess::Bom, "bom"),
            (Mess::Crlf, "crlf"),
            (Mess::MixedEnds, "crlf"),
            (Mess::Windows1252, "not-utf8"),
            (Mess::Invisible, "invisible-character"),
            (Mess::Colon, "front-matter-not-yaml"),
            (Mess::Star, "front-matter-not-yaml"),
        ] {
            if file.mess.contains(&mess) {
                assert!(codes.contains(&code), "{} {mess:?}: {codes:?}", file.path);
                seen.insert(mess);
            }
        }
    }
    assert_eq!(formats.len(), Format::ALL.len(), "{formats:?}");
    assert_eq!(seen.len(), 7, "{seen:?}");
}

#[test]
fn lint_names_the_mess_that_it_has_a_rule_for() {
    let files: Vec<CorpusFile> = small(200, 3).collect();
    let inputs: Vec<LintFile<'_>> =
        files.iter().map(|file| LintFile { path: &file.path, bytes: &file.bytes }).collect();
    let found = lint(&inputs, &LintContext::default());
    for (mess, code) in [
        (Mess::Bom, "bom"),
        (Mess::Crlf, "crlf"),
        (Mess::Windows1252, "not-utf8"),
        (Mess::Invisible, "invisible-character"),
        (Mess::Colon, "front-matter-not-yaml"),
        (Mess::UnbalancedFence, "fence-unbalanced"),
        (Mess::NestedFence, "fence-nested"),
        (Mess::LongDescription, "description-too-long"),
        (Mess::NameNotSlug, "name-not-slug"),
        (Mess::NameDiffers, "name-differs-from-file"),
        (Mess::NameAbsent, "name-missing"),
    ] {
        for file in
            files.iter().filter(|file| file.mess.contains(&mess) && file.kind == "claude-code")
        {
            let here = |label: &str| label == file.path;
            let named = found.iter().any(|found| {
                found.code == code && found.labels.iter().any(|label| here(&label.source.name))
            });
            assert!(named, "{} {:?} has no {code}", file.path, file.mess);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, max_shrink_iters: 0, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_seed_gives_files_that_are_read_or_refused(seed in any::<u64>()) {
        for file in small(60, seed) {
            check(&file);
        }
    }

    #[test]
    fn what_is_mended_once_stays_as_it_is(seed in any::<u64>()) {
        for file in small(60, seed) {
            let once = fix(&file.bytes);
            let again = fix(&once.bytes);
            prop_assert!(again.applied.is_empty(), "{}: {:?}", file.path, again.applied);
            prop_assert_eq!(again.bytes, once.bytes);
        }
    }
}
