//! `personas.lock`.

use orchestrate_core::diagnostic::Source;
use orchestrate_persona::lockfile::{Lock, LockedPersona, Mismatch, PersonaSource, Sha256};
use proptest::prelude::*;

use super::shown;

fn locked(name: &str, source: &str, licence: Option<&str>, text: &str) -> LockedPersona {
    LockedPersona {
        name: name.to_owned(),
        source: PersonaSource::from(source),
        licence: licence.map(str::to_owned),
        sha256: Sha256::of(text.as_bytes()),
    }
}

fn parsed(text: &str) -> (Option<Lock>, String) {
    let (lock, diagnostics) = Lock::parse(&Source::new("personas.lock", text));
    assert_eq!(lock.is_none(), !diagnostics.is_empty(), "a lock exactly where there is no mistake");
    (lock, shown(&diagnostics))
}

#[test]
fn a_lock_is_written_sorted_and_read_back() {
    let lock = Lock::new([
        locked("tester", "personas/tester.md", Some("CC-BY-4.0"), "You test."),
        locked("data-engineer", "built-in", None, ""),
    ]);
    insta::assert_snapshot!(lock.render(), @r#"
    # The personas in use, byte for byte. Written by orchestrate.
    version = 1

    [[persona]]
    name = "data-engineer"
    source = "built-in"
    sha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

    [[persona]]
    name = "tester"
    source = "personas/tester.md"
    licence = "CC-BY-4.0"
    sha256 = "a8db01cef45f6d2f505a6163910055a7582345166aba3ceaf378c6dea43f27df"
    "#);
    assert_eq!(parsed(&lock.render()), (Some(lock), String::new()));
    assert_eq!(parsed("version = 1\n"), (Some(Lock::default()), String::new()));
    assert_eq!(Lock::default().personas().count(), 0);
}

#[test]
fn all_mistakes_of_a_lock_are_reported_at_once() {
    let text = "\
verzion = 1

[[persona]]
name = \"tester\"
source = \"personas/tester.md\"
sha256 = \"abc\"
license = \"MIT\"

[[persona]]
name = \"data-engineer\"
sha256 = \"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\"

[[persona]]
name = \"twice\"
source = \"built-in\"
sha256 = \"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\"

[[persona]]
name = \"twice\"
source = 7
sha256 = \"E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855\"

[[persona]]
name = \"twice\"
source = \"built-in\"
sha256 = \"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\"
";
    insta::assert_snapshot!(parsed(text).1, @r#"
    personas.lock:1:1 error[unknown-key] unknown key `verzion`
        at "verzion"
        help: did you mean `version`?
    personas.lock:1:1 error[missing-key] personas.lock has no `version`
        at ""
        help: add `version = 1` at the top
    personas.lock:6:10 error[wrong-hash] a SHA-256 has 64 hexadecimal digits, this has 3 characters
        at "\"abc\""
        help: `--update-lock` writes the hash of the file in use
    personas.lock:7:1 error[unknown-key] unknown key `license`
        at "license"
        help: did you mean `licence`?
    personas.lock:9:1 error[missing-key] this persona has no `source`
        at "[[persona]]"
        help: `--update-lock` writes it
    personas.lock:20:10 error[wrong-type] `source` must be a text that is not empty
        at "7"
        help: put it in quotes
    personas.lock:21:10 error[wrong-hash] a SHA-256 is made of the digits 0 to 9 and a to f
        at "\"E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855\""
        help: `--update-lock` writes the hash of the file in use
    personas.lock:23:1 error[duplicate-name] `twice` is locked twice
        at "[[persona]]"
        help: delete one of the two
    "#);
    insta::assert_snapshot!(parsed("version = 2\npersona = 1\n").1, @r#"
    personas.lock:1:11 error[unknown-version] personas.lock is of another version than 1
        at "2"
        help: a newer program wrote it: use that one
    personas.lock:2:11 error[wrong-type] `persona` must be a list
        at "1"
        help: write each persona below a line `[[persona]]`
    "#);
    insta::assert_snapshot!(parsed("version = 1\n<<<<<<< ours\n").1, @r#"
    personas.lock:2:9 error[not-toml] personas.lock is not TOML: key with no value, expected `=`
        at ""
        help: a merge may have left its marks; `--update-lock` writes the file anew
    "#);
}

#[test]
fn what_differs_from_the_lock_is_named() {
    let mut lock = Lock::new([
        locked("a-a", "built-in", None, "one"),
        locked("b-b", "personas/b-b.md", Some("MIT"), "two"),
        locked("idle", "built-in", None, "never used"),
    ]);
    let used = [
        locked("b-b", "vendor/b-b.md", None, "two"),
        locked("a-a", "built-in", None, "changed"),
        locked("c-c", "personas/c-c.md", None, "three"),
    ];
    let found = lock.verify(&used);
    let lines: Vec<String> = found.iter().map(Mismatch::to_string).collect();
    insta::assert_snapshot!(lines.join("\n"), @"
    persona `b-b` comes from `vendor/b-b.md`, and was locked from `personas/b-b.md`
    persona `a-a` has changed: locked 7692c3ad3540…, found d67e2e944994…
    persona `c-c` is not in personas.lock
    ");
    assert_eq!(found.iter().map(Mismatch::refuses).collect::<Vec<_>>(), [false, true, true]);
    assert_eq!(found.iter().map(Mismatch::name).collect::<Vec<_>>(), ["b-b", "a-a", "c-c"]);

    lock.update(&used);
    assert_eq!(lock.verify(&used), []);
    let licences: Vec<_> =
        lock.personas().map(|p| (p.name.as_str(), p.licence.as_deref())).collect();
    assert_eq!(licences, [("a-a", None), ("b-b", Some("MIT")), ("c-c", None), ("idle", None)]);
}

#[test]
fn a_file_called_built_in_is_not_taken_for_the_program() {
    let lock = Lock::new([LockedPersona {
        source: PersonaSource::Path("built-in".to_owned()),
        ..locked("a-a", "x", None, "")
    }]);
    let (read, _) = parsed(&lock.render());
    assert_eq!(
        read.expect("sound").personas().next().expect("one").source,
        PersonaSource::Path("./built-in".to_owned())
    );
}

proptest! {
    #[test]
    fn every_lock_reads_back_as_it_was_written(
        entries in prop::collection::vec((any::<String>(), any::<String>(), any::<Option<String>>(), any::<u8>()), 0..8)
    ) {
        let some = |text: String| if text.is_empty() || text == "built-in" { "x".to_owned() } else { text };
        let lock = Lock::new(entries.into_iter().map(|(name, source, licence, byte)| LockedPersona {
            name: some(name),
            source: PersonaSource::Path(some(source)),
            licence: licence.map(some),
            sha256: Sha256::of(&[byte]),
        }));
        let (read, diagnostics) = Lock::parse(&Source::new("personas.lock", lock.render()));
        prop_assert_eq!(shown(&diagnostics), "");
        prop_assert_eq!(read, Some(lock));
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in "([a-z\\[\\]=\"'\n#{}0-9. \u{e9}]|version = 1\n|\\[\\[persona\\]\\]\n|name = |sha256 = ){0,60}") {
        let _ = parsed(&text);
    }
}
