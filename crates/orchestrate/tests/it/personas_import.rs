//! `personas import`: personas of other tools become files that can be used at once.

use orchestrate_persona::lockfile::Sha256;

use crate::support::Place;

/// A subagent of another tool, with an unquoted colon in its front matter.
const BAKER: &str = "---
name: baker
description: Bakes: bread and rolls. Use when somebody is hungry.
tools: Read, Write
---

You are a baker who gets up at three.

## Approach

1. Weigh the flour.
";

/// Two personas and how they work together.
const KITCHEN: &str = "# Personas of a kitchen

## Core Personas

### 1. Menu Planner (MP)

**Slug**: `menu-planner`

**Expertise**:
- Courses that follow each other

**When to Invoke**:
- A menu is needed

### 2. Head Cook (HC)

**Slug**: `head-cook`

**Expertise**:
- Sauces

**When to Invoke**:
- Something must be cooked

## Persona Collaboration Patterns

### Pattern 1: Dinner for Twelve
1. **Menu Planner** → Plan three courses
2. **Head Cook** → Cook them
";

/// A file that is no persona.
const NOTES: &str = "# Shopping\n\nFlour, salt.\n";

#[test]
fn a_folder_becomes_personas_and_skeletons_that_can_be_used_at_once() {
    let place = Place::new();
    place.write("agents/baker.md", BAKER);
    place.write("agents/kitchen.md", KITCHEN);
    insta::assert_snapshot!(place.good(&["personas", "import", "agents"]), @r"
    repaired  agents/baker.md  claude-code
      new       personas/baker.md
        repaired  the front matter is not YAML, read line by line: mapping values are not allowed in
                  this context
    read      agents/kitchen.md  project-document
      new       personas/menu-planner.md
        composed  identity and description, from its other texts: put it into your own words
        renamed   1. Menu Planner (MP) → title; When to Invoke → when_to_use
      new       personas/head-cook.md
        composed  identity and description, from its other texts: put it into your own words
        renamed   2. Head Cook (HC) → title; When to Invoke → when_to_use
      new       workflows/dinner-for-twelve.yaml
      dropped   Personas of a kitchen: about the document, not about a persona
      dropped   Core Personas: about the document, not about a persona
      dropped   Persona Collaboration Patterns: about the document, not about a persona
    ");
    assert_eq!(
        place.good(&["validate", "dinner-for-twelve"]),
        "ok       dinner-for-twelve: 2 steps\n"
    );
    for name in ["baker", "menu-planner", "head-cook"] {
        place.good(&["personas", "show", name, "--prompt"]);
    }
    let result = place.good(&["run", "dinner-for-twelve", "--task", "Soup first", "--offline"]);
    assert!(result.contains("## Head Cook — head-cook"), "{result}");
    place.write(
        "workflows/bread.yaml",
        "workflow: bread\ninputs: { task: string }\nsteps:\n  bake: { persona: baker, prompt: Bake. }\n",
    );
    place.good(&["run", "bread", "--task", "Rye", "--offline"]);
    place.good(&["personas", "lint"]);
}

#[test]
fn a_dry_run_prints_the_same_table_and_writes_nothing() {
    let place = Place::new();
    place.write("agents/baker.md", BAKER);
    place.write("agents/kitchen.md", KITCHEN);
    let told = place.good(&["personas", "import", "agents", "--dry-run"]);
    assert!(!place.work().join("personas").exists() && !place.work().join("workflows").exists());
    assert_eq!(place.good(&["personas", "import", "agents"]), told);
}

#[test]
fn a_file_that_is_no_persona_is_refused_and_the_rest_is_taken() {
    let place = Place::new();
    place.write("agents/baker.md", BAKER);
    place.write("agents/notes.md", NOTES);
    let outcome = place.run(&["personas", "import", "agents"]);
    assert_eq!(outcome.code, Some(3));
    insta::assert_snapshot!(outcome.stdout, @r"
    repaired  agents/baker.md  claude-code
      new       personas/baker.md
        repaired  the front matter is not YAML, read line by line: mapping values are not allowed in
                  this context
    refused   agents/notes.md
      error     this is no persona of a known format; seen: `# Shopping`
      help      name the format if you know better, or write front matter with `name` and `description`
    ");
    insta::assert_snapshot!(outcome.stderr, @r"
    1 persona from 2 files: 1 new; written to personas
    error: 1 file was refused; the list says why
    help: everything else was taken; --allow-refused ends with 0 all the same
    ");
    let allowed = place.run(&["personas", "import", "agents", "--allow-refused"]);
    assert_eq!(allowed.code, Some(0));
    assert!(allowed.stderr.contains("1 file was refused"), "still told: {}", allowed.stderr);
    assert!(allowed.stdout.contains("  same      personas/baker.md"), "{}", allowed.stdout);
}

#[test]
fn a_file_that_differs_is_left_alone_unless_it_is_to_be_replaced() {
    let place = Place::new();
    place.write("baker.md", BAKER);
    place.good(&["personas", "import", "baker.md"]);
    let edited = place.read("personas/baker.md").replace("at three", "at four");
    place.write("personas/baker.md", &edited);
    let outcome = place.run(&["personas", "import", "baker.md"]);
    assert_eq!(outcome.code, Some(3));
    assert!(
        outcome.stdout.contains("`personas/baker.md` is there already and differs in `identity`"),
        "{}",
        outcome.stdout
    );
    assert_eq!(place.read("personas/baker.md"), edited);
    place.good(&["personas", "import", "baker.md", "--force"]);
    assert!(place.read("personas/baker.md").contains("at three"));
}

#[test]
fn what_is_told_at_the_end_is_true_of_files_refused_in_whole_and_in_part() {
    let place = Place::new();
    place.write("notes.md", NOTES);
    let outcome = place.run(&["personas", "import", "notes.md", "--from", "catalogue"]);
    assert!(!outcome.stdout.contains("dropped"), "{}", outcome.stdout);
    let told = outcome.stderr.lines().skip(1).collect::<Vec<_>>().join("\n");
    insta::assert_snapshot!(told, @r"
    error: 1 file was refused; the list says why
    help: --allow-refused ends with 0 all the same
    ");
    place.write("kitchen.md", KITCHEN);
    place.write("baker.md", BAKER);
    place.write("personas/baker.md", "mine");
    place.write("personas/head-cook.md", "mine");
    let outcome = place.run(&["personas", "import", "kitchen.md", "baker.md", "notes.md"]);
    assert!(outcome.stdout.contains("in part   kitchen.md"), "{}", outcome.stdout);
    assert!(outcome.stdout.contains("refused   baker.md"), "{}", outcome.stdout);
    assert!(
        outcome.stderr.contains("error: 2 files were refused, 1 more in part; the list says why"),
        "{}",
        outcome.stderr
    );
    assert!(outcome.stderr.contains("help: everything else was taken"), "{}", outcome.stderr);
}

#[test]
fn an_original_that_is_missing_or_altered_comes_back_with_the_next_import() {
    let place = Place::new();
    place.write("x.md", BAKER);
    place.good(&["personas", "import", "x.md"]);
    let kept = format!("personas/.originals/{}", Sha256::of(BAKER.as_bytes()));
    std::fs::remove_file(place.work().join(&kept)).unwrap();
    let told = place.good(&["personas", "import", "x.md", "--dry-run"]);
    assert!(told.contains("its original was missing") && !place.work().join(&kept).exists());
    let told = place.good(&["personas", "import", "x.md"]);
    assert!(told.contains("  same      personas/baker.md"), "{told}");
    assert!(told.contains("its original was missing and is kept again"), "{told}");
    assert_eq!(place.read(&kept), BAKER);
    place.write(&kept, "altered");
    let told = place.good(&["personas", "import", "x.md"]);
    assert!(told.contains("its original had been altered"), "{told}");
    assert_eq!(place.read(&kept), BAKER);
    assert!(!place.good(&["personas", "import", "x.md"]).contains("original"));
}

#[test]
fn a_line_of_a_pattern_that_is_no_step_is_something_to_do() {
    let place = Place::new();
    place.write("kitchen.md", format!("{KITCHEN}3. Guests sign off\n"));
    let told = place.good(&["personas", "import", "kitchen.md"]);
    let told = told.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(told.contains("to do `Guests sign off` does not say who does what"), "{told}");
    place.good(&["validate", "dinner-for-twelve"]);
}

#[test]
fn the_json_form_has_the_whole_text_that_was_dropped() {
    let place = Place::new();
    let long = "A long story about kitchens. ".repeat(20);
    place.write("kitchen.md", KITCHEN.replace("## Core", &format!("{long}\n\n## Core")));
    let told = place.json(&["personas", "import", "kitchen.md", "--format", "json"]);
    assert_eq!(told["files"][0]["dropped"][0]["text"], long.trim());
}

#[test]
fn two_files_with_one_name_are_an_error_that_names_both_and_copies_are_not() {
    let place = Place::new();
    place.write("a/baker.md", BAKER);
    place.write("b/copy.md", BAKER);
    place.write("c/other.md", BAKER.replace("three", "five"));
    let outcome = place.run(&["personas", "import", "a", "b", "c"]);
    assert_eq!(outcome.code, Some(3));
    assert!(
        outcome.stdout.contains("`baker` stands in two files: `a/baker.md` and `c/other.md`"),
        "{}",
        outcome.stdout
    );
    assert_eq!(outcome.stdout.matches("  same ").count(), 1, "{}", outcome.stdout);
    assert!(place.read("personas/baker.md").contains("at three"), "the first one counts");
}

#[test]
fn an_original_is_kept_once_by_its_hash() {
    let place = Place::new();
    place.write("a/baker.md", BAKER);
    place.write("b/baker.md", BAKER);
    place.good(&["personas", "import", "a", "b"]);
    let kept: Vec<String> = std::fs::read_dir(place.work().join("personas/.originals"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(kept, [Sha256::of(BAKER.as_bytes()).to_string()]);
    assert_eq!(place.read(&format!("personas/.originals/{}", kept[0])), BAKER);
}

#[test]
fn what_is_passed_over_on_the_way_is_told_and_a_named_hidden_folder_is_not() {
    let place = Place::new();
    place.write(".claude/agents/baker.md", BAKER);
    place.write("node_modules/x/miller.md", BAKER.replace("baker", "miller"));
    place.write("docs/cook.md", BAKER.replace("baker", "cook"));
    place.write("docs/cook.rs", "fn main() {}");
    let outcome = place.run(&["personas", "import", ".", "--to", "out/personas"]);
    assert_eq!(outcome.code, Some(0));
    insta::assert_snapshot!(outcome.stderr, @r"
    passed over, hidden: .claude
    passed over, of another kind: docs/cook.rs
    passed over, of other people's code: node_modules
      other tools keep personas in .claude: name it to import them
    1 persona from 1 file: 1 new; written to out/personas
    ");
    place.good(&["personas", "import", ".claude"]);
    place.good(&["personas", "show", "baker"]);
}

#[test]
fn a_quoted_pattern_finds_files_and_one_that_finds_none_is_an_error() {
    let place = Place::new();
    place.write("a/b/baker.md", BAKER);
    place.write("a/notes.md", NOTES);
    place.good(&["personas", "import", "a/**/b*.md"]);
    insta::assert_snapshot!(place.refused(&["personas", "import", "a/*.txt"]), @r"
    exit 3
    error: no file matches `a/*.txt`
    help: `*` stays in one folder, `**` goes through all below; hidden ones are named
    ");
    insta::assert_snapshot!(place.refused(&["personas", "import", "nowhere"]), @r"
    exit 3
    error: `nowhere` does not exist
    help: is the path right? it starts from the folder you are in
    ");
}

#[test]
fn a_name_and_a_format_can_be_given() {
    let place = Place::new();
    place.write("x.md", BAKER);
    place.good(&["personas", "import", "x.md", "--name", "night-baker", "--from", "claude-code"]);
    place.good(&["personas", "show", "night-baker"]);
    insta::assert_snapshot!(place.refused(&["personas", "import", "x.md", "--from", "claud-code"]), @r"
    exit 2
    error: invalid value 'claud-code' for '--from <FORMAT>': unknown format `claud-code`; did you mean `claude-code`?

    For more information, try '--help'.
    ");
    insta::assert_snapshot!(place.refused(&["personas", "import", "x.md", "--name", "Night Baker"]), @r"
    exit 2
    error: invalid value 'Night Baker' for '--name <NAME>': small letters, digits and single hyphens, 2 to 64 of them

    For more information, try '--help'.
    ");
}

#[test]
fn the_json_form_says_what_the_table_says() {
    let place = Place::new();
    place.write("agents/baker.md", BAKER);
    place.write("agents/notes.md", NOTES);
    let outcome = place.run(&["personas", "import", "agents", "--format", "json"]);
    assert_eq!(outcome.code, Some(3));
    let told: serde_json::Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!(told["schema"], "orchestrate/import/1");
    assert_eq!(told["counts"]["new"], 1);
    assert_eq!(told["counts"]["refused_files"], 1);
    let baker = &told["files"][0];
    assert_eq!(baker["format"], "claude-code");
    assert_eq!(baker["sha256"], Sha256::of(BAKER.as_bytes()).to_string());
    assert_eq!(baker["entries"][0]["fate"], "new");
    assert_eq!(told["files"][1]["refused"], true);
    assert_eq!(told["files"][1]["diagnostics"][0]["code"], "not-a-persona");
}

#[test]
fn a_name_that_the_project_has_elsewhere_is_refused_and_the_library_stays_usable() {
    let place = Place::new();
    place.write("x.md", BAKER);
    place.good(&["personas", "import", "x.md", "--to", ".orchestrate/personas"]);
    let outcome = place.run(&["personas", "import", "x.md"]);
    assert_eq!(outcome.code, Some(3));
    let told = outcome.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(told.contains(".orchestrate/personas/baker.md` has this name already"), "{told}");
    place.good(&["personas", "show", "baker"]);
}

#[test]
fn a_planted_link_is_not_followed() {
    let place = Place::new();
    place.write("x.md", BAKER);
    place.write("elsewhere/keep", "");
    std::fs::create_dir(place.work().join("personas")).unwrap();
    let link = place.work().join("personas/.originals");
    std::os::unix::fs::symlink("../elsewhere", link).unwrap();
    let outcome = place.run(&["personas", "import", "x.md"]);
    assert_eq!(outcome.code, Some(3));
    assert!(outcome.stdout.contains("is a link, which is not followed"), "{}", outcome.stdout);
    assert_eq!(std::fs::read_dir(place.work().join("elsewhere")).unwrap().count(), 1);
}

#[test]
fn hidden_characters_and_commands_in_a_file_are_not_printed() {
    let place = Place::new().with("CI", "true");
    place.write("x.md", "# A \u{1b}[31m\u{202e}heading\n\n##[error]x\n");
    let outcome = place.run(&["personas", "import", "x.md"]);
    assert_eq!(outcome.code, Some(3));
    for text in [&outcome.stdout, &outcome.stderr] {
        assert!(!text.contains(['\u{1b}', '\u{202e}']) && !text.contains("##["), "{text:?}");
    }
}

#[test]
fn a_target_that_is_no_folder_is_told_before_any_file_is_read() {
    let place = Place::new();
    place.write("taken", "text");
    for to in ["taken", "taken/below/it"] {
        let told = place.refused(&["personas", "import", "missing.md", "--to", to]);
        assert!(told.starts_with("exit 2\n"), "{told}");
        assert!(told.contains("/repo/taken` is not a folder\n"), "{told}");
        assert!(told.contains("give --to a folder"), "{told}");
    }
    let told = place.refused(&["personas", "import", "missing.md", "--to", "taken", "--dry-run"]);
    assert!(told.starts_with("exit 2\n"), "{told}");
    assert_eq!(place.read("taken"), "text");
}

#[test]
fn a_second_import_of_the_same_tree_passes_over_what_the_first_one_wrote() {
    let place = Place::new();
    place.write("docs/baker.md", BAKER);
    place.write("docs/kitchen.md", KITCHEN);
    let import = ["personas", "import", "."];
    assert_eq!(place.run(&import).code, Some(0));
    let again = place.run(&import);
    assert_eq!(again.code, Some(0), "{}{}", again.stdout, again.stderr);
    insta::assert_snapshot!(again.stderr, @r"
    passed over, a workflow: workflows/dinner-for-twelve.yaml
    passed over, written by an import: personas/baker.md, personas/head-cook.md, personas/menu-planner.md
    3 personas and 1 workflow skeleton from 2 files: 0 new, 4 there already
    ");
    assert!(!again.stdout.contains("personas/baker.md\n    error"), "{}", again.stdout);
    // A persona that the user wrote there is taken as any other, and one that is named is looked at.
    place.write(
        "personas/own.md",
        "---\nname: own\ndescription: Own. Use when alone.\ngates: []\n---\nYou are alone.\n",
    );
    let own = place.run(&import);
    assert!(own.stdout.contains("personas/own.md"), "{}", own.stdout);
    let named = place.run(&["personas", "import", "./personas/baker.md"]);
    assert!(named.stdout.contains("personas/baker.md"), "{}{}", named.stdout, named.stderr);
}

#[test]
fn what_cannot_be_written_or_read_is_refused() {
    use std::{fs::Permissions, os::unix::fs::PermissionsExt as _};
    let place = Place::new();
    place.write("docs/baker.md", BAKER);
    place.write("personas/.originals", "a file in the place of a folder");
    let failed = place.run(&["personas", "import", "docs"]);
    assert_eq!(failed.code, Some(3), "{}", failed.stdout);
    assert!(failed.stderr.contains("error: 1 file was refused"), "{}", failed.stderr);
    assert!(!place.work().join("personas/baker.md").exists());
    assert_eq!(place.run(&["personas", "import", "docs", "--allow-refused"]).code, Some(0));

    std::fs::remove_file(place.work().join("personas/.originals")).unwrap();
    place.write("docs/closed/cook.md", BAKER);
    let closed = place.work().join("docs/closed");
    std::fs::set_permissions(&closed, Permissions::from_mode(0o000)).unwrap();
    let is_root = std::fs::read_dir(&closed).is_ok();
    let outcome = place.run(&["personas", "import", "docs"]);
    std::fs::set_permissions(&closed, Permissions::from_mode(0o755)).unwrap();
    // Nothing is closed to root.
    assert_eq!(outcome.code, Some(if is_root { 0 } else { 3 }), "{}", outcome.stderr);
    assert_eq!(outcome.stderr.contains("1 folder or file cannot be read"), !is_root);
}
