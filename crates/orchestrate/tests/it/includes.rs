//! Files that templates include.

use std::os::unix::fs::symlink;

use crate::support::{Place, Server, who};
use orchestrate_testkit::{behaviour, reply::Reply};

const WORKFLOW: &str = "\
workflow: notes
inputs: { task: string }
steps:
  data: { persona: data-engineer, prompt: '{% include \"parts/style.md\" %}' }
  notes: { persona: data-viz-specialist, needs: data, prompt: '{% include \"parts/style.md\" %}' }
";

fn place(server: &Server) -> Place {
    let place = Place::beside(server);
    place.write("workflows/notes.yaml", WORKFLOW);
    place.write("workflows/parts/style.md", "{% set pages = 3 %}Write {{ pages }} pages.\n");
    place
}

#[test]
fn an_included_text_is_sent_and_resuming_needs_no_file() {
    let echo = behaviour::echo();
    let failing = std::sync::atomic::AtomicBool::new(true);
    let server = Server::start(move |request| {
        let first = who(request) == "data-viz-specialist"
            && failing.swap(false, std::sync::atomic::Ordering::SeqCst);
        if first { Reply::error(401, "no", "not you") } else { echo(request) }
    });
    let place = place(&server);
    let failed = place.run(&["run", "notes", "--task", "x", "--model", "openai:m"]);
    assert_eq!(failed.code, Some(4), "{}", failed.stderr);
    assert!(server.requests()[0].message("user").contains("Write 3 pages."));
    std::fs::remove_dir_all(place.work().join("workflows")).unwrap();
    place.good(&["resume"]);
    assert!(server.requests()[2].message("user").contains("Write 3 pages."));
}

#[test]
fn a_changed_file_is_another_plan() {
    let server = Server::echo();
    let place = place(&server);
    let plan = ["plan", "notes", "--task", "x", "--model", "openai:m", "--format", "json"];
    let before = place.json(&plan)["pinned"]["plan"].clone();
    place.write("workflows/parts/style.md", "Write one page.\n");
    assert_ne!(before, place.json(&plan)["pinned"]["plan"]);
}

#[test]
fn nothing_outside_the_workflows_folder_is_included() {
    let server = Server::echo();
    let place = place(&server);
    place.write("secret.md", "the secret");
    let link = place.work().join("workflows/parts/style.md");
    std::fs::remove_file(&link).unwrap();
    symlink(place.work().join("secret.md"), &link).unwrap();
    let said = place.run(&["validate", "notes"]);
    assert_eq!(said.code, Some(3));
    assert!(said.stderr.contains("outside the workflow's folder"), "{}", said.stderr);
    assert!(!said.stderr.contains("the secret"));
    for path in ["../secret.md", "/etc/passwd", "parts"] {
        place.write("workflows/notes.yaml", WORKFLOW.replace("parts/style.md", path));
        let said = place.run(&["validate", "notes"]);
        assert_eq!(said.code, Some(3), "{path}");
        assert!(said.stderr.contains("workflows/notes.yaml:4:"), "{}", said.stderr);
    }
    place.write("workflows/notes.yaml", WORKFLOW.replace("parts/style.md", "large.md"));
    place.write("workflows/large.md", "x".repeat((1 << 20) + 1));
    let said = place.run(&["validate", "notes"]);
    assert!(said.stderr.contains("is larger than 1 MiB"), "{}", said.stderr);
}

#[test]
fn a_mistake_in_an_included_file_is_shown_there() {
    let server = Server::echo();
    let place = place(&server);
    place.write("workflows/parts/style.md", "Write\n{{ inputs.tsk }}\n");
    let said = place.run(&["validate", "notes"]);
    assert_eq!(said.code, Some(3));
    for part in ["workflows/parts/style.md:2:11", "there is no input `tsk`", "included here"] {
        assert!(said.stderr.contains(part), "{part}\n{}", said.stderr);
    }
}
