//! `personas new`, `diff`, `list` and `show`: making a persona of one's own and looking at it.

use crate::support::Place;

#[test]
fn a_new_persona_reads_and_lints_without_errors_and_nothing_is_asked() {
    let place = Place::new();
    assert_eq!(place.good(&["personas", "new", "release-editor"]), "personas/release-editor.md\n");
    insta::assert_snapshot!("new-persona", place.read("personas/release-editor.md"));
    assert_eq!(place.good(&["personas", "lint"]), "1 file: 0 errors, 0 warnings, 0 remarks\n");
    let shown = place.run(&["personas", "show", "release-editor"]);
    assert_eq!((shown.code, shown.stderr.as_str()), (Some(0), ""));
    insta::assert_snapshot!(place.refused(&["personas", "new", "release-editor"]), @r"
    exit 3
    error: `personas/release-editor.md` is there already
    help: choose another name, or edit that file
    ");
    insta::assert_snapshot!(place.refused(&["personas", "new", "Release"]), @r"
    exit 2
    error: invalid value 'Release' for '<NAME>': small letters, digits and single hyphens, 2 to 64 of them

    For more information, try '--help'.
    ");
}

#[test]
fn a_copy_differs_from_its_model_in_its_name_alone() {
    let place = Place::new();
    place.good(&["personas", "new", "our-engineer", "--from", "ml-engineer-jax"]);
    let args = ["personas", "diff", "ml-engineer-jax", "our-engineer"];
    let told = place.json(&[&args[..], &["--format", "json"]].concat());
    let fields: Vec<&str> =
        told["fields"].as_array().unwrap().iter().map(|f| f["field"].as_str().unwrap()).collect();
    let names = ["name", "title", "abbreviation", "aliases"];
    assert!(fields.iter().all(|field| names.contains(field)), "{fields:?}");
    assert!(place.good(&args).starts_with("From ml-engineer-jax to our-engineer\n"));
}

#[test]
fn a_name_that_the_project_has_in_its_other_folder_is_refused() {
    let place = Place::new();
    place.good(&["personas", "new", "weaver", "--to", ".orchestrate/personas"]);
    let said = place.refused(&["personas", "new", "weaver"]);
    assert!(said.contains(".orchestrate/personas/weaver.md` is there already"), "{said}");
}

#[test]
fn personas_are_compared_by_name_or_path_of_any_format() {
    let place = Place::new();
    place.write(
        "old.md",
        "---\nname: weaver\ndescription: Weaves cloth. Use for rugs.\n---\nYou are a weaver.\n",
    );
    place.write("new.toml", "name = \"weaver\"\ndescription = \"Weaves rugs. Use for rugs.\"\ndeveloper_instructions = \"You are a weaver.\"\n");
    insta::assert_snapshot!(place.good(&["personas", "diff", "old.md", "new.toml"]), @r"
    From weaver to weaver

    description
      - Weaves cloth. Use for rugs.
      + Weaves rugs. Use for rugs.
    ");
    let same = place.json(&["personas", "diff", "old.md", "./old.md", "--format", "json"]);
    assert_eq!((&same["same"], &same["same_bytes"]), (&true.into(), &true.into()));
    let said = place.refused(&["personas", "diff", "old.md", "ml-enginer"]);
    assert!(said.contains("did you mean `ml-engineer`?"), "{said}");
}

#[test]
fn a_list_is_narrowed_by_level_category_tag_and_word() {
    let place = Place::new();
    place.write(
        "personas/weaver.md",
        "---\nname: weaver\ndescription: Weaves cloth. Use for rugs.\ncategory: Textile\ntags: [loom, wool]\n---\nYou are a weaver.\n",
    );
    let columns = ["--columns", "name,level,category,tags"];
    for filter in [
        &["--level", "project"][..],
        &["--category", "textile"],
        &["--tag", "wool", "--tag", "LOOM"],
        &["Rugs"],
    ] {
        let args = [&["personas", "list"], filter, &columns].concat();
        assert_eq!(place.good(&args), "weaver  project  Textile  loom, wool\n", "{filter:?}");
    }
    assert_eq!(place.good(&["personas", "list", "weaver", "--level", "built-in"]), "");
    let json =
        place.json(&["personas", "list", "rugs", "--columns", "name,tags", "--format", "json"]);
    assert_eq!(
        json["personas"],
        serde_json::json!([{ "name": "weaver", "tags": ["loom", "wool"] }])
    );
}

#[test]
fn the_tokens_of_a_prompt_are_counted() {
    let place = Place::new();
    let shown = place.json(&[
        "personas",
        "show",
        "ml-engineer",
        "--prompt",
        "--tokens",
        "--format",
        "json",
    ]);
    let tokens = shown["prompt_tokens"].as_u64().unwrap();
    assert!((100..20_000).contains(&tokens), "{tokens}");
    assert!(shown["prompt"].as_str().unwrap().starts_with("You "));
    assert_eq!(shown["persona"]["name"], "ml-engineer");
    let both = place.run(&["personas", "show", "ml-engineer", "--prompt", "--tokens"]);
    assert!(both.stderr.contains("tokens, counted in o200k_base"), "{}", both.stderr);
    assert!(!both.stdout.contains("o200k_base"), "the prompt alone is the result");
    let alone = place.good(&["personas", "show", "ml-engineer", "--tokens"]);
    assert!(alone.starts_with('≈') && alone.lines().count() == 1, "{alone}");
}
