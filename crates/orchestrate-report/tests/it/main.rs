//! The reports as others use them: one binary, one module per subject.

mod diagnostics;
mod documents;
mod fixture;
mod handed;
mod persona_diffs;
mod pictures;
mod plans;
mod terminal;

#[test]
fn every_test_file_is_part_of_this_binary() {
    let main = include_str!("main.rs");
    let entries = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it"));
    for entry in entries.expect("the folder of this test") {
        let name = entry.expect("readable").file_name().into_string().expect("UTF-8");
        if let Some(module) = name.strip_suffix(".rs").filter(|module| *module != "main") {
            assert!(main.contains(&format!("mod {module};")), "{name} is not compiled");
        }
    }
}
