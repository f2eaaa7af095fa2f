//! Behaviour of the engine through its public surface.

mod config;
mod journal;
mod libraries;
mod runs;
mod support;
mod survival;

#[test]
fn every_file_in_this_folder_is_part_of_the_suite() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it");
    let own = include_str!("main.rs");
    for entry in std::fs::read_dir(folder).expect("the folder is readable") {
        let path = entry.expect("an entry").path();
        let stem = path.file_stem().and_then(|stem| stem.to_str()).expect("a name");
        let named = stem == "main" || own.contains(&format!("mod {stem};"));
        assert!(named, "{} is not named in main.rs", path.display());
    }
}
