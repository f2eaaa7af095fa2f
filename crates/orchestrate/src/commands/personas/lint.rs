//! `orchestrate personas lint`.

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
};

use orchestrate_core::diagnostic::{Diagnostic, Severity, Source};
use orchestrate_engine::{
    imports::{Existing, Gathered, ORIGINALS, Skip, Skipped, gather, write_whole},
    library::read_bytes,
    session::Workspace,
};
use orchestrate_persona::{
    MAX_FILE_BYTES,
    lint::{Applied, LintContext, LintFile, RULES, fix, lint as check},
};
use orchestrate_report::{SarifTool, words::counted};
use serde_json::json;

use super::import::{skipped_json, tell_skipped};
use crate::{
    cli::{LintFormat, LintLevel, LintPersonas},
    exit::{CliError, Exit, chain},
    terminal,
};

/// How persona files end that lint looks into; in a folder, others are passed over.
const ENDINGS: &[&str] = &[".md", ".mdc", ".markdown"];
/// Files are compared with each other, so that all of them are held at once.
const MAX_BYTES: usize = 128 * 1024 * 1024;

/// A file with its bytes, mended where that was asked for.
struct Held {
    path: String,
    bytes: Vec<u8>,
    applied: Vec<Applied>,
}

pub(super) fn lint(workspace: &Workspace, arguments: &LintPersonas) -> Result<Exit, CliError> {
    let Gathered { files, skipped } = if arguments.paths.is_empty() {
        own_files(workspace)?
    } else {
        gather(&arguments.paths, ENDINGS)?
    };
    let mut found = Vec::new();
    let held = hold(&files, arguments.fix, &mut found)?;
    let lint_files: Vec<LintFile<'_>> =
        held.iter().map(|held| LintFile { path: &held.path, bytes: &held.bytes }).collect();
    let context = LintContext {
        personas: workspace.personas.names().map(str::to_owned).collect(),
        ..LintContext::default()
    };
    found.extend(check(&lint_files, &context));
    let least = match arguments.level {
        LintLevel::Error => Severity::Error,
        LintLevel::Warning => Severity::Warning,
        LintLevel::Info => Severity::Info,
    };
    found.retain(|found| found.severity >= least);
    let count = |severity| found.iter().filter(|found| found.severity == severity).count() as u64;
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    match arguments.format {
        LintFormat::Text => {
            terminal::diagnostics_as_result(&found);
            tell_fixed(&held);
            tell_skipped(&skipped);
            let mut text = counted(files.len() as u64, "file", "files");
            let _ = write!(text, ": {}", counted(errors, "error", "errors"));
            let _ = write!(text, ", {}", counted(warnings, "warning", "warnings"));
            let _ = write!(text, ", {}", counted(count(Severity::Info), "remark", "remarks"));
            let fixable = || found.iter().any(is_fixable);
            if !arguments.fix && fixable() {
                text.push_str("; --fix mends some of them");
            }
            terminal::out(&format!("{text}\n"));
        }
        LintFormat::Json => terminal::out_json(&json!({
            "schema": "orchestrate/lint/1",
            "files": files.len(),
            "errors": errors,
            "warnings": warnings,
            "remarks": count(Severity::Info),
            "findings": found.iter().map(terminal::diagnostic_json).collect::<Vec<_>>(),
            "fixed": held.iter().filter(|held| !held.applied.is_empty()).map(|held| json!({
                "file": held.path,
                "applied": held.applied.iter().map(
                    |applied| json!({ "code": applied.code, "what": applied.what })
                ).collect::<Vec<_>>(),
            })).collect::<Vec<_>>(),
            "skipped": skipped.iter().map(skipped_json).collect::<Vec<_>>(),
        })),
        LintFormat::Sarif => {
            let root = workspace.folder.display().to_string();
            let tool = SarifTool {
                name: "orchestrate",
                version: env!("CARGO_PKG_VERSION"),
                rules: RULES,
                root: &root,
            };
            terminal::out_json(&orchestrate_report::sarif(&found, &tool));
            tell_fixed(&held);
            tell_skipped(&skipped);
        }
    }
    let fails = errors > 0 || (arguments.deny_warnings && warnings > 0);
    Ok(if fails { Exit::Invalid } else { Exit::Ok })
}

fn is_fixable(found: &Diagnostic) -> bool {
    RULES.iter().any(|rule| rule.fixable && rule.code == found.code)
}

fn tell_fixed(held: &[Held]) {
    for held in held {
        for applied in &held.applied {
            terminal::say(&format!("mended {}: {}", held.path, applied.what));
        }
    }
}

/// The persona files of the project and the user's own: what lies where the library looks.
fn own_files(workspace: &Workspace) -> Result<Gathered, CliError> {
    let own = workspace.home.config_folder().join("personas");
    let folders = [PathBuf::from("personas"), PathBuf::from(".orchestrate/personas"), own];
    let mut all = Gathered::default();
    for folder in folders.into_iter().filter(|folder| folder.is_dir()) {
        let found = gather(&[folder.display().to_string()], &[".md"])?;
        for file in found.files {
            if is_entry(&folder, &file) {
                all.files.push(file);
            } else {
                all.skipped.push(Skipped { path: file, why: Skip::NoEntry });
            }
        }
        let told =
            |skipped: &Skipped| skipped.path.file_name().is_none_or(|name| name != ORIGINALS);
        all.skipped.extend(found.skipped.into_iter().filter(told));
    }
    Ok(all)
}

/// Whether the library takes the file for a persona: it lies in the folder itself and is called like one.
fn is_entry(folder: &Path, file: &Path) -> bool {
    let stem = file.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    file.parent() == Some(folder)
        && !stem.is_empty()
        && stem.bytes().all(|byte| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_')
        })
}

/// Reads the files, and mends them where that is asked for. One that cannot be read is a finding.
fn hold(files: &[PathBuf], mend: bool, found: &mut Vec<Diagnostic>) -> Result<Vec<Held>, CliError> {
    let mut held: Vec<Held> = Vec::with_capacity(files.len());
    let mut total = 0;
    for file in files {
        let path = file.display().to_string();
        let bytes = match read_bytes(file, MAX_FILE_BYTES as u64) {
            Ok(bytes) => bytes,
            Err(error) => {
                let source = Source::new(path, "");
                let mut diagnostic =
                    Diagnostic::error("unreadable", chain(&error)).at(&source, 0..0, "");
                diagnostic.help.extend(error.help().map(str::to_owned));
                found.push(diagnostic);
                continue;
            }
        };
        total += bytes.len();
        if total > MAX_BYTES {
            let message = format!("the files are longer than {} MiB together", MAX_BYTES >> 20);
            return Err(CliError::new(Exit::Invalid, message).help("check some of them at a time"));
        }
        let mut one = Held { path, bytes, applied: Vec::new() };
        if mend {
            mended(file, &mut one)?;
        }
        held.push(one);
    }
    Ok(held)
}

/// Mends a file in place. A link stays one: what it leads to is mended.
fn mended(file: &Path, held: &mut Held) -> Result<(), CliError> {
    let fixed = fix(&held.bytes);
    if fixed.applied.is_empty() {
        return Ok(());
    }
    let real = file.canonicalize().unwrap_or_else(|_| file.to_owned());
    write_whole(&real, &fixed.bytes, Existing::Replaced)?;
    held.bytes = fixed.bytes;
    held.applied = fixed.applied;
    Ok(())
}
