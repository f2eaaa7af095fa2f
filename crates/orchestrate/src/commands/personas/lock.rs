//! `orchestrate personas lock`.

use std::collections::BTreeSet;

use orchestrate_core::diagnostic::Diagnostic;
use orchestrate_engine::{
    library::Level,
    session::{
        RunSetup, Workspace, as_locked, lock_path, read_lock, read_lock_to_update, write_lock,
    },
};
use orchestrate_persona::lockfile::{LOCK_FILE, Lock, LockedPersona, Mismatch};
use orchestrate_report::words::counted;
use serde_json::json;

use crate::{
    cli::{ListFormat, LockPersonas},
    exit::{CliError, Exit},
    terminal,
};

/// What became of a persona in the lock.
struct Change {
    name: String,
    what: &'static str,
}

pub(super) fn lock(workspace: &Workspace, arguments: &LockPersonas) -> Result<Exit, CliError> {
    let there = lock_path(workspace).symlink_metadata().is_ok();
    let (before, given_up) = if arguments.check {
        let lock = read_lock(workspace)?.ok_or_else(|| {
            CliError::new(Exit::Invalid, format!("there is no {LOCK_FILE} here"))
                .help("`orchestrate personas lock` writes it")
        })?;
        (lock, Vec::new())
    } else {
        read_lock_to_update(workspace)?
    };
    terminal::diagnostics(&given_up);
    let mut used = if arguments.names.is_empty() {
        in_use(workspace)?
    } else {
        arguments.names.iter().map(|name| locked(workspace, name)).collect::<Result<_, _>>()?
    };
    let mut after = before.clone();
    let mut gone = Vec::new();
    if arguments.names.is_empty() {
        let known: BTreeSet<String> = used.iter().map(|persona| persona.name.clone()).collect();
        for persona in before.personas().filter(|persona| !known.contains(&persona.name)) {
            match workspace.personas.place(&persona.name) {
                Some(_) => used.push(locked(workspace, &persona.name)?),
                None => gone.push(persona.name.clone()),
            }
        }
        after =
            Lock::new(before.personas().filter(|persona| !gone.contains(&persona.name)).cloned());
    }
    if used.is_empty() && gone.is_empty() {
        return Err(CliError::new(Exit::Usage, "no workflow of this project names a persona")
            .help("name those to lock: `orchestrate personas lock data-engineer`")
            .help(
                "or copy a workflow into workflows/: `orchestrate workflows show NAME --source`",
            ));
    }
    let mismatches = before.verify(&used);
    after.update(&used);
    let mut changes: Vec<Change> = mismatches
        .iter()
        .map(|mismatch| Change {
            name: mismatch.name().to_owned(),
            what: match mismatch {
                Mismatch::NotLocked { .. } => "added",
                Mismatch::Changed { .. } => "changed",
                Mismatch::Moved { .. } => "moved",
            },
        })
        .collect();
    changes.extend(gone.into_iter().map(|name| Change { name, what: "gone" }));
    if arguments.check {
        return Ok(checked(&after, &mismatches, &changes, arguments.format));
    }
    let text_changed = before.render() != after.render();
    if !there || text_changed || !given_up.is_empty() {
        write_lock(workspace, &after)?;
    }
    match arguments.format {
        ListFormat::Json => as_json(&after, &changes, false),
        ListFormat::Text => {
            for Change { name, what } in &changes {
                terminal::out(&format!("{what:8}  {name}\n"));
            }
            let count = counted(after.personas().count() as u64, "persona", "personas");
            let how = if there && !text_changed { "as before" } else { "written" };
            terminal::say(&format!("{LOCK_FILE}: {count}, {how}"));
        }
    }
    Ok(Exit::Ok)
}

/// Whether the lock is what it would be if it were written now.
fn checked(after: &Lock, mismatches: &[Mismatch], changes: &[Change], format: ListFormat) -> Exit {
    match format {
        ListFormat::Json => as_json(after, changes, true),
        ListFormat::Text => {
            for mismatch in mismatches {
                terminal::out(&format!("{mismatch}\n"));
            }
            for Change { name, .. } in changes.iter().filter(|change| change.what == "gone") {
                terminal::out(&format!("persona `{name}` is locked and is not here any more\n"));
            }
            if changes.is_empty() {
                let count = counted(after.personas().count() as u64, "persona", "personas");
                terminal::say(&format!("{LOCK_FILE}: {count}, all as locked"));
            } else {
                terminal::say("read what changed; `orchestrate personas lock` locks it as it is");
            }
        }
    }
    if changes.is_empty() { Exit::Ok } else { Exit::Invalid }
}

fn as_json(lock: &Lock, changes: &[Change], check: bool) {
    let personas = lock.personas().map(|persona| {
        json!({
            "name": persona.name,
            "source": persona.source.to_string(),
            "licence": persona.licence,
            "sha256": persona.sha256.to_string(),
        })
    });
    let changes =
        changes.iter().map(|change| json!({ "name": change.name, "change": change.what }));
    terminal::out_json(&json!({
        "schema": "orchestrate/persona-lock/1",
        "check": check,
        "changes": changes.collect::<Vec<_>>(),
        "personas": personas.collect::<Vec<_>>(),
    }));
}

fn locked(workspace: &Workspace, name: &str) -> Result<LockedPersona, CliError> {
    let (mut found, persona) = super::named(workspace, name)?;
    found.persona = Some(persona);
    Ok(as_locked(workspace, &found))
}

/// The personas that the project's own workflows name, each once.
fn in_use(workspace: &Workspace) -> Result<Vec<LockedPersona>, CliError> {
    let mut used: Vec<LockedPersona> = Vec::new();
    let own = workspace.workflows.names().filter(|name| {
        workspace.workflows.place(name).is_some_and(|(level, _)| level == Level::Project)
    });
    let mut warnings: Vec<Diagnostic> = Vec::new();
    for name in own {
        let workflow = RunSetup::find_workflow(workspace, name)?;
        let (_, _, found, personas) = RunSetup::compile_used(workspace, &workflow)?;
        warnings.extend(found);
        for persona in personas {
            if used.iter().all(|known| known.name != persona.name) {
                used.push(persona);
            }
        }
    }
    warnings.dedup();
    terminal::diagnostics(&warnings);
    Ok(used)
}
