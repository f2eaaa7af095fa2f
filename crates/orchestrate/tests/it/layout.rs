//! Guards the suite itself.

use std::{collections::BTreeSet, path::Path};

#[test]
fn every_file_beside_main_is_part_of_the_suite() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it");
    let main = std::fs::read_to_string(folder.join("main.rs")).unwrap();
    let named: BTreeSet<String> = main
        .lines()
        .filter_map(|line| line.strip_prefix("mod ")?.strip_suffix(';'))
        .map(str::to_owned)
        .collect();
    let found: BTreeSet<String> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !name.starts_with('.') && name != "main.rs")
        .map(|name| name.trim_end_matches(".rs").to_owned())
        .collect();
    assert_eq!(found, named);
}

#[test]
fn a_test_sees_neither_our_environment_nor_our_folder() {
    let place = crate::support::Place::new();
    let seen = place.run_program("/usr/bin/env", &[]);
    let names: BTreeSet<&str> =
        seen.stdout.lines().filter_map(|line| Some(line.split_once('=')?.0)).collect();
    let known = [
        "COLUMNS",
        "HOME",
        "LANG",
        "NO_COLOR",
        "ORCHESTRATE_HOME",
        "TZ",
        "XDG_CACHE_HOME",
        "XDG_CONFIG_HOME",
        "XDG_DATA_HOME",
        "XDG_STATE_HOME",
    ];
    assert_eq!(names, BTreeSet::from(known));
}
