//! `orchestrate personas import`.

use std::{collections::BTreeMap, fmt::Write as _, path::Path};

use orchestrate_core::{
    diagnostic::{Diagnostic, Severity},
    neutral,
};
use orchestrate_engine::{
    imports::{
        Entry, Fate, Gathered, ImportOptions, Intake, Kind, ORIGINALS, PersonaFolder, Skip,
        Skipped, Taken, gather,
    },
    library::Level,
    session::Workspace,
};
use orchestrate_persona::Dropped;
use orchestrate_report::words::counted;
use serde_json::{Value, json};

use crate::{
    cli::{ImportPersonas, ListFormat},
    exit::{CliError, Exit},
    terminal,
};

/// How the files that may hold personas end; in a folder, others are passed over.
const ENDINGS: &[&str] = &[
    ".md",
    ".mdc",
    ".markdown",
    ".yaml",
    ".yml",
    ".json",
    ".jsonc",
    ".toml",
    ".csv",
    ".png",
    ".txt",
];
/// Hidden folders in which other tools keep personas.
const HOMES: &[&str] =
    &[".claude", ".codex", ".gemini", ".github", ".kiro", ".opencode", ".roo", ".roomodes"];
/// So much of a dropped text is shown; the original has all of it.
const SHOWN: usize = 60;

#[derive(Default)]
struct Counts {
    files: u64,
    personas: u64,
    workflows: u64,
    new: u64,
    same: u64,
    replaced: u64,
    refused_files: u64,
    /// Of these, the ones that something was taken of.
    in_part: u64,
    /// Folders and files on the way that the system refuses.
    unreadable: u64,
}

pub(super) fn import(workspace: &Workspace, arguments: ImportPersonas) -> Result<Exit, CliError> {
    let ImportPersonas { paths, to, from, name, dry_run, allow_refused, force, format } = arguments;
    let folder = PersonaFolder::new(&to);
    folder.probe(!dry_run).map_err(|error| {
        let told = CliError::of(Exit::Usage, &error);
        told.help("give --to a folder that can be written to; it is made where it is missing")
    })?;
    let Gathered { files: found, mut skipped } = gather(&paths, ENDINGS)?;
    let options = ImportOptions { format: from, name: name.clone(), replace: force, dry_run };
    let mut intake = Intake::new(workspace, folder, options);
    let mut files = Vec::with_capacity(found.len());
    for file in found {
        match intake.passes_over(&file).filter(|_| !is_named(&file, &paths)) {
            Some(why) => skipped.push(Skipped { path: file, why }),
            None => files.push(file),
        }
    }
    skipped.retain(|skipped| skipped.path != to.join(ORIGINALS));
    if name.is_some() && files.len() > 1 {
        let message = format!("--name names one persona, and there are {} files", files.len());
        return Err(CliError::new(Exit::Usage, message).help("import that file alone"));
    }
    if files.is_empty() {
        tell_skipped(&skipped);
        return Err(CliError::new(Exit::Invalid, "there is no file to import")
            .help("name a file, a folder that holds some, or a pattern in quotes"));
    }
    let unreadable = skipped.iter().filter(|found| matches!(found.why, Skip::Unreadable(_)));
    let mut counts = Counts { unreadable: unreadable.count() as u64, ..Counts::default() };
    let mut documents = Vec::new();
    // File by file: thousands of them are never held together.
    for file in &files {
        let taken = intake.take(file);
        counts.add(&taken);
        match format {
            ListFormat::Text => terminal::out(&as_text(&taken)),
            ListFormat::Json => documents.push(as_json(&taken)),
        }
    }
    intake.finish();
    if format == ListFormat::Json {
        terminal::out_json(&json!({
            "schema": "orchestrate/import/1",
            "dry_run": dry_run,
            "to": to.display().to_string(),
            "files": documents,
            "skipped": skipped.iter().map(skipped_json).collect::<Vec<_>>(),
            "counts": {
                "files": counts.files,
                "refused_files": counts.refused_files,
                "unreadable": counts.unreadable,
                "personas": counts.personas,
                "workflows": counts.workflows,
                "new": counts.new,
                "same": counts.same,
                "replaced": counts.replaced,
            },
        }));
    } else {
        tell_skipped(&skipped);
    }
    terminal::say(&counts.closing(&to.display().to_string(), dry_run));
    if counts.refused_files + counts.unreadable == 0 {
        return Ok(Exit::Ok);
    }
    let message = counts.refused();
    if allow_refused {
        terminal::warn(&message, &[]);
        return Ok(Exit::Ok);
    }
    let help = if counts.new + counts.same + counts.replaced > 0 && !dry_run {
        "everything else was taken; --allow-refused ends with 0 all the same"
    } else {
        "--allow-refused ends with 0 all the same"
    };
    Err(CliError::new(Exit::Invalid, message).help(help))
}

/// Whether a file is one of the words of the command line, and not found on the way.
fn is_named(file: &Path, words: &[String]) -> bool {
    words.iter().any(|word| Path::new(word).strip_prefix(".").unwrap_or(Path::new(word)) == file)
}

/// Whether anything of a file was taken.
fn is_taken(taken: &Taken) -> bool {
    taken.entries.iter().any(|entry| !matches!(entry.fate, Fate::Refused { .. }))
}

impl Counts {
    fn add(&mut self, taken: &Taken) {
        self.files += 1;
        self.refused_files += u64::from(taken.is_refused());
        self.in_part += u64::from(taken.is_refused() && is_taken(taken));
        for entry in &taken.entries {
            let fate = match entry.fate {
                Fate::New => &mut self.new,
                Fate::Same => &mut self.same,
                Fate::Replaced => &mut self.replaced,
                Fate::Refused { .. } => continue,
            };
            *fate += 1;
            match entry.kind {
                Kind::Persona => self.personas += 1,
                Kind::Workflow => self.workflows += 1,
            }
        }
    }

    /// How many files were refused.
    fn refused(&self) -> String {
        let whole = self.refused_files - self.in_part;
        let unreadable = counted(self.unreadable, "folder or file", "folders and files");
        let told = match (whole, self.in_part) {
            (0, 0) => return format!("{unreadable} cannot be read"),
            (_, 0) => format!("{} refused", counted(whole, "file was", "files were")),
            (0, part) => format!("{} refused in part", counted(part, "file was", "files were")),
            (_, part) => {
                let whole = counted(whole, "file was", "files were");
                format!("{whole} refused, {part} more in part")
            }
        };
        match self.unreadable {
            0 => format!("{told}; the list says why"),
            _ => format!("{told}, and {unreadable} cannot be read; the list says why"),
        }
    }

    fn closing(&self, to: &str, dry_run: bool) -> String {
        let mut text = counted(self.personas, "persona", "personas");
        if self.workflows > 0 {
            let workflows = counted(self.workflows, "workflow skeleton", "workflow skeletons");
            let _ = write!(text, " and {workflows}");
        }
        let files = counted(self.files, "file", "files");
        let _ = write!(text, " from {files}: {} new", self.new);
        for (count, word) in [(self.replaced, "replaced"), (self.same, "there already")] {
            if count > 0 {
                let _ = write!(text, ", {count} {word}");
            }
        }
        if dry_run {
            text.push_str("; nothing was written (--dry-run)");
        } else if self.new + self.replaced > 0 {
            let _ = write!(text, "; written to {to}");
        }
        text
    }
}

fn as_text(taken: &Taken) -> String {
    let mut text = String::new();
    let repaired = taken.entries.iter().any(|entry| !entry.repaired.is_empty());
    let word = match taken.format {
        None => "refused",
        Some(_) if taken.is_refused() && !is_taken(taken) => "refused",
        Some(_) if taken.is_refused() => "in part",
        Some(_) if repaired => "repaired",
        Some(_) => "read",
    };
    let format = taken.format.map(|format| format!("  {format}")).unwrap_or_default();
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{word:8}  {}{format}", neutral::one_line(&taken.path));
    for entry in &taken.entries {
        entry_text(&mut text, entry);
    }
    dropped_text(&mut text, 2, &taken.dropped);
    for found in &taken.diagnostics {
        // What was repaired stands with each persona, what is a remark elsewhere.
        let told = match found.severity {
            Severity::Error => true,
            Severity::Warning => !is_told_with_entries(found, &taken.entries),
            Severity::Info => false,
        };
        if told {
            diagnostic_text(&mut text, found);
        }
    }
    text
}

/// Whether the rows of the personas say the same.
fn is_told_with_entries(found: &Diagnostic, entries: &[Entry]) -> bool {
    let repaired = entries.iter().flat_map(|entry| &entry.repaired);
    let composed = found.code == "synthesised" && !entries.is_empty();
    composed || repaired.into_iter().any(|repaired| *repaired == found.message)
}

fn diagnostic_text(text: &mut String, found: &Diagnostic) {
    let level = if found.severity == Severity::Error { "error" } else { "warning" };
    let line = found.labels.first().filter(|label| label.span.start > 0).map(|label| {
        let (line, column) = label.source.position(label.span.start);
        format!("{line}:{column}: ")
    });
    detail(text, 2, level, &format!("{}{}", line.unwrap_or_default(), found.message));
    if found.severity == Severity::Error {
        for help in &found.help {
            detail(text, 2, "help", help);
        }
    }
}

fn entry_text(text: &mut String, entry: &Entry) {
    let word = match entry.fate {
        Fate::New => "new",
        Fate::Same => "same",
        Fate::Replaced => "replaced",
        Fate::Refused { .. } => "refused",
    };
    let target = neutral::one_line(&entry.target.display().to_string());
    let hides = entry.hides.map(|level| match level {
        Level::User => "  (in place of your own)",
        Level::BuiltIn | Level::Project => "  (in place of the built-in one)",
    });
    let _ = writeln!(text, "  {word:8}  {target}{}", hides.unwrap_or_default());
    if let Fate::Refused { why, help } = &entry.fate {
        detail(text, 4, "error", why);
        if let Some(help) = help {
            detail(text, 4, "help", help);
        }
    }
    for repaired in &entry.repaired {
        detail(text, 4, "repaired", repaired);
    }
    if !entry.synthesised.is_empty() {
        let fields = entry.synthesised.join(" and ");
        detail(
            text,
            4,
            "composed",
            &format!("{fields}, from its other texts: put it into your own words"),
        );
    }
    if !entry.mapped.is_empty() {
        let mapped: Vec<String> =
            entry.mapped.iter().map(|mapped| format!("{} → {}", mapped.from, mapped.to)).collect();
        detail(text, 4, "renamed", &mapped.join("; "));
    }
    dropped_text(text, 4, &entry.dropped);
    for note in &entry.notes {
        detail(text, 4, "to do", note);
    }
}

fn dropped_text(text: &mut String, indent: usize, dropped: &[Dropped]) {
    for Dropped { path_in_source, reason, text: lost } in dropped {
        let lost = neutral::excerpt(lost, SHOWN);
        let lost = if lost.is_empty() { String::new() } else { format!(": “{lost}”") };
        detail(text, indent, "dropped", &format!("{path_in_source}: {reason}{lost}"));
    }
}

fn detail(text: &mut String, indent: usize, word: &str, told: &str) {
    let lead = format!("{:indent$}{word:8}", "");
    text.push_str(&terminal::row(&lead, lead.chars().count(), &neutral::one_line(told)));
}

fn as_json(taken: &Taken) -> Value {
    json!({
        "path": taken.path,
        "format": taken.format.map(orchestrate_persona::Format::id),
        "sha256": taken.sha256.map(|sha256| sha256.to_string()),
        "refused": taken.is_refused(),
        "entries": taken.entries.iter().map(entry_json).collect::<Vec<_>>(),
        "dropped": dropped_json(&taken.dropped),
        "diagnostics": taken.diagnostics.iter().map(terminal::diagnostic_json).collect::<Vec<_>>(),
    })
}

fn entry_json(entry: &Entry) -> Value {
    let (fate, why, help) = match &entry.fate {
        Fate::New => ("new", None, None),
        Fate::Same => ("same", None, None),
        Fate::Replaced => ("replaced", None, None),
        Fate::Refused { why, help } => ("refused", Some(why), help.as_ref()),
    };
    let mapped = entry.mapped.iter().map(|mapped| json!({ "from": mapped.from, "to": mapped.to }));
    json!({
        "kind": match entry.kind { Kind::Persona => "persona", Kind::Workflow => "workflow" },
        "name": entry.name,
        "file": entry.target.display().to_string(),
        "fate": fate,
        "why": why,
        "help": help,
        "hides": entry.hides.map(Level::as_str),
        "repaired": entry.repaired,
        "mapped": mapped.collect::<Vec<_>>(),
        "dropped": dropped_json(&entry.dropped),
        "synthesised": entry.synthesised,
        "to_do": entry.notes,
    })
}

fn dropped_json(dropped: &[Dropped]) -> Vec<Value> {
    let each = dropped.iter().map(|dropped| {
        json!({
            "path": dropped.path_in_source,
            "reason": dropped.reason,
            "text": dropped.text,
        })
    });
    each.collect()
}

/// Everything that was passed over, by reason, with the first of each by name.
pub(super) fn tell_skipped(skipped: &[Skipped]) {
    let mut by_reason: BTreeMap<&str, Vec<&Skipped>> = BTreeMap::new();
    for skipped in skipped {
        by_reason.entry(skipped.why.reason()).or_default().push(skipped);
    }
    for (reason, skipped) in by_reason {
        let mut names: Vec<String> = skipped
            .iter()
            .take(3)
            .map(|skipped| neutral::one_line(&skipped.path.display().to_string()))
            .collect();
        if skipped.len() > names.len() {
            names.push(format!("{} more", skipped.len() - names.len()));
        }
        terminal::say(&format!("passed over, {reason}: {}", names.join(", ")));
    }
    let homes = skipped.iter().filter(|skipped| {
        skipped.why == Skip::Hidden
            && skipped.path.file_name().is_some_and(|name| HOMES.iter().any(|home| name == *home))
    });
    for home in homes.take(3) {
        let home = neutral::one_line(&home.path.display().to_string());
        terminal::say(&format!("  other tools keep personas in {home}: name it to import them"));
    }
}

pub(super) fn skipped_json(skipped: &Skipped) -> Value {
    let detail = match &skipped.why {
        Skip::Unreadable(error) => Some(error),
        _ => None,
    };
    json!({
        "path": skipped.path.display().to_string(),
        "reason": skipped.why.reason(),
        "detail": detail,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_read_on_the_way_is_told_with_what_was_refused() {
        let told = |refused_files, in_part, unreadable| {
            Counts { refused_files, in_part, unreadable, ..Counts::default() }.refused()
        };
        assert_eq!(told(0, 0, 1), "1 folder or file cannot be read");
        assert_eq!(told(1, 0, 0), "1 file was refused; the list says why");
        assert_eq!(
            told(2, 1, 2),
            "1 file was refused, 1 more in part, and 2 folders and files cannot be read; the list says why"
        );
    }
}
