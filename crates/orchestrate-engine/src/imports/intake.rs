//! Taking files in, one after the other: what each of them gave, and what became of that.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use orchestrate_core::{
    diagnostic::{Diagnostic, Source, has_errors},
    persona::Persona,
};
use orchestrate_persona::{
    Dropped, ForeignFile, Format, Imported, ImportedPersona, MAX_FILE_BYTES, MAX_PICTURE_BYTES,
    Mapped, Pattern, lockfile::Sha256, workflow_skeleton,
};

use super::{
    gather::Skip,
    store::{OriginalState, PersonaFolder},
    write::{Existing, WriteError},
};
use crate::{
    library::{Level, ReadError, read_bytes},
    session::Workspace,
};

/// How files are taken in.
#[derive(Debug, Clone, Default)]
pub struct ImportOptions {
    /// The format of every file, instead of what its content says.
    pub format: Option<Format>,
    /// The name of the persona, for a file that holds a single one.
    pub name: Option<String>,
    /// Replace files that differ.
    pub replace: bool,
    /// Write nothing.
    pub dry_run: bool,
}

/// What a file gave.
#[derive(Debug)]
pub struct Taken {
    /// The file, as it was named.
    pub path: String,
    /// The format it was read as; `None` where it was refused.
    pub format: Option<Format>,
    /// The SHA-256 of its bytes, where it could be read.
    pub sha256: Option<Sha256>,
    /// What it gave: personas, then workflows.
    pub entries: Vec<Entry>,
    /// Texts that belong to none of them.
    pub dropped: Vec<Dropped>,
    /// What is wrong with it.
    pub diagnostics: Vec<Diagnostic>,
}

impl Taken {
    /// Whether the file or something in it was refused.
    pub fn is_refused(&self) -> bool {
        has_errors(&self.diagnostics)
            || self.entries.iter().any(|entry| matches!(entry.fate, Fate::Refused { .. }))
    }
}

/// What a file gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A persona.
    Persona,
    /// The skeleton of a workflow.
    Workflow,
}

/// One persona or workflow of a file.
#[derive(Debug)]
pub struct Entry {
    /// Which of the two.
    pub kind: Kind,
    /// Its name.
    pub name: String,
    /// Its file.
    pub target: PathBuf,
    /// What became of it.
    pub fate: Fate,
    /// Whether it is found in place of a built-in one, or of the user's own.
    pub hides: Option<Level>,
    /// What was repaired, a sentence each.
    pub repaired: Vec<String>,
    /// Headings that have another name now.
    pub mapped: Vec<Mapped>,
    /// Texts that are not in its file.
    pub dropped: Vec<Dropped>,
    /// Fields that were composed from others.
    pub synthesised: Vec<&'static str>,
    /// What its author has to do.
    pub notes: Vec<String>,
}

/// What became of a persona or workflow; without `dry_run`, it is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// Its file is new.
    New,
    /// Its file was there and says the same.
    Same,
    /// Its file was there, differed, and was replaced.
    Replaced,
    /// It was not taken.
    Refused {
        /// Why, a lower-case fragment.
        why: String,
        /// What to do about it.
        help: Option<String>,
    },
}

impl Fate {
    fn refused(why: impl Into<String>, help: &str) -> Self {
        Self::Refused { why: why.into(), help: Some(help.to_owned()) }
    }
}

/// Takes files in, one at a time; nothing of a file is held but the names of what it gave.
#[derive(Debug)]
pub struct Intake<'w> {
    workspace: &'w Workspace,
    folder: PersonaFolder,
    options: ImportOptions,
    /// Whether the folder is one that the library looks into.
    in_library: bool,
    personas: BTreeMap<String, Origin>,
    workflows: BTreeMap<String, Origin>,
}

/// Where a name comes from in this import.
#[derive(Debug)]
struct Origin {
    path: String,
    sha256: Sha256,
}

impl<'w> Intake<'w> {
    /// Takes in to `folder`.
    pub fn new(workspace: &'w Workspace, folder: PersonaFolder, options: ImportOptions) -> Self {
        let own = ["personas", ".orchestrate/personas"].map(|own| workspace.folder.join(own));
        let real = |path: &Path| path.canonicalize().or_else(|_| std::path::absolute(path)).ok();
        let in_library = own.iter().any(|own| real(own) == real(folder.path()));
        Self {
            workspace,
            folder,
            options,
            in_library,
            personas: BTreeMap::new(),
            workflows: BTreeMap::new(),
        }
    }

    /// Why a file that was found on the way is no source: an import has written it into the folder, or it is a
    /// workflow beside that.
    pub fn passes_over(&self, path: &Path) -> Option<Skip> {
        let folder = path.canonicalize().ok()?.parent()?.to_owned();
        let is = |other: &Path| other.canonicalize().is_ok_and(|other| other == folder);
        let text =
            || read_bytes(path, MAX_FILE_BYTES as u64).ok().and_then(|b| String::from_utf8(b).ok());
        if is(self.folder.path()) {
            let source = Source::new(path.display().to_string(), text()?);
            let imported = orchestrate_persona::read(&source).0?.source?;
            return (!imported.sha256.is_empty()).then_some(Skip::Output);
        }
        let is_workflow = |text: &str| text.lines().any(|line| line.starts_with("workflow:"));
        (is(&self.folder.workflows()) && is_workflow(&text()?)).then_some(Skip::Workflow)
    }

    /// Takes one file in. What keeps it from being written is told in the outcome.
    pub fn take(&mut self, path: &Path) -> Taken {
        let shown = path.display().to_string();
        let bytes = match read_foreign(path) {
            Ok(bytes) => bytes,
            Err(error) => return unreadable(shown, &error),
        };
        let file = ForeignFile { path: &shown, bytes: &bytes };
        let Imported { format, personas, patterns, dropped, diagnostics } =
            orchestrate_persona::import(&file, self.options.format);
        let sha256 = Sha256::of(&bytes);
        let mut taken = Taken {
            path: shown.clone(),
            format,
            sha256: Some(sha256),
            entries: Vec::new(),
            dropped,
            diagnostics,
        };
        let several = personas.len() > 1;
        for mut persona in personas {
            if let Some(name) = self.options.name.clone() {
                if several {
                    let why = "the file holds several personas, and --name names one";
                    taken
                        .entries
                        .push(self.persona_entry(persona, Fate::refused(why, "leave --name out")));
                    continue;
                }
                match renamed(&persona, &name) {
                    Ok(other) => persona = other,
                    Err(diagnostics) => {
                        taken.diagnostics.extend(diagnostics);
                        continue;
                    }
                }
            }
            let entry = self.persona(persona, &bytes, &shown, sha256);
            taken.entries.push(entry);
        }
        for pattern in patterns {
            let entry = self.workflow(&pattern, &shown, sha256);
            taken.entries.push(entry);
        }
        taken
    }

    /// Makes what was written survive a loss of power: one wait at the end in place of one for each file.
    pub fn finish(&self) {
        #[cfg(target_os = "linux")]
        if !self.options.dry_run
            && let Ok(folder) = std::fs::File::open(self.folder.path())
        {
            // Where the system cannot, the sources are still where they were.
            let _ = rustix::fs::syncfs(folder);
        }
    }

    fn persona(
        &mut self,
        mut found: ImportedPersona,
        bytes: &[u8],
        path: &str,
        sha256: Sha256,
    ) -> Entry {
        let name = found.persona.name.clone();
        let target = self.folder.persona(&name);
        let elsewhere =
            self.workspace.personas.place(&name).and_then(|(level, path)| Some((level, path?)));
        let fate = clash(&self.personas, &name, path, sha256)
            .or_else(|| self.twice(elsewhere, &target))
            .unwrap_or_else(|| {
                let file = format!("{name}.md");
                let differences =
                    |there: &[u8], text: &str| persona_differences(&file, there, text);
                self.settle(&target, &found.canonical, differences, |existing| {
                    // The original first: a persona never speaks of one that is not there.
                    if found.canonical.as_bytes() != bytes {
                        self.folder.keep_original(&sha256.to_string(), bytes)?;
                    }
                    self.folder.write_persona(&name, &found.canonical, existing)
                })
            });
        remember(&mut self.personas, &name, path, sha256, &fate);
        let fate = match fate {
            Fate::Same if found.canonical.as_bytes() != bytes => {
                self.restored(&mut found, bytes, sha256).unwrap_or(fate)
            }
            fate => fate,
        };
        self.persona_entry(found, fate)
    }

    /// Puts the original of a persona that is there already back where it is missing or altered, and says
    /// so; a fate where that fails.
    fn restored(&self, found: &mut ImportedPersona, bytes: &[u8], sha256: Sha256) -> Option<Fate> {
        let sha256 = sha256.to_string();
        let repaired = match self.folder.original_state(&sha256, bytes) {
            OriginalState::Kept => return None,
            OriginalState::Missing => "its original was missing and is kept again",
            OriginalState::Altered => "its original had been altered and is kept as it was again",
        };
        if !self.options.dry_run
            && let Err(error) = self.folder.keep_original(&sha256, bytes)
        {
            let help = error.help().map(str::to_owned);
            return Some(Fate::Refused { why: chain(&error), help });
        }
        found.repaired.push(repaired.to_owned());
        None
    }

    fn persona_entry(&self, found: ImportedPersona, fate: Fate) -> Entry {
        let name = found.persona.name;
        Entry {
            kind: Kind::Persona,
            target: self.folder.persona(&name),
            fate,
            hides: self.hides(self.workspace.personas.place(&name)),
            name,
            repaired: found.repaired,
            mapped: found.mapped,
            dropped: found.dropped,
            synthesised: found.synthesised,
            notes: Vec::new(),
        }
    }

    fn workflow(&mut self, pattern: &Pattern, path: &str, sha256: Sha256) -> Entry {
        let name = &pattern.name;
        let target = self.folder.workflow(name);
        let place = self.workspace.workflows.place(name);
        let text = workflow_skeleton(pattern);
        let fate = clash(&self.workflows, name, path, sha256)
            .or_else(|| self.twice(place.and_then(|(level, path)| Some((level, path?))), &target))
            .unwrap_or_else(|| {
                self.settle(
                    &target,
                    &text,
                    |_, _| None,
                    |existing| self.folder.write_workflow(name, &text, existing),
                )
            });
        remember(&mut self.workflows, name, path, sha256, &fate);
        let unknown =
            pattern.steps.iter().filter(|step| step.personas.is_empty()).map(|step| {
                format!("no persona is called `{}`: write one, or name another", step.who)
            });
        let unread = pattern
            .unread
            .iter()
            .map(|line| format!("`{}` does not say who does what: write a step for it", line.text));
        Entry {
            kind: Kind::Workflow,
            name: name.clone(),
            target,
            fate,
            hides: self.hides(place),
            repaired: Vec::new(),
            mapped: Vec::new(),
            dropped: Vec::new(),
            synthesised: Vec::new(),
            notes: unknown.chain(unread).collect(),
        }
    }

    /// A library with one name twice cannot be used at all.
    fn twice(&self, elsewhere: Option<(Level, &Path)>, target: &Path) -> Option<Fate> {
        let (Level::Project, other) = elsewhere.filter(|_| self.in_library)? else { return None };
        let same = other.canonicalize().ok() == target.canonicalize().ok();
        (!same).then(|| {
            let why = format!("`{}` has this name already", other.display());
            Fate::refused(why, "remove one of them, or choose another name with --name")
        })
    }

    fn hides(&self, place: Option<(Level, Option<&Path>)>) -> Option<Level> {
        let (level, _) = place.filter(|_| self.in_library)?;
        (level != Level::Project).then_some(level)
    }

    /// Compares with what is there, and writes where that is called for.
    fn settle(
        &self,
        target: &Path,
        text: &str,
        differences: impl Fn(&[u8], &str) -> Option<String>,
        write: impl Fn(Existing) -> Result<(), WriteError>,
    ) -> Fate {
        let there = match read_bytes(target, MAX_FILE_BYTES as u64) {
            Ok(bytes) => Some(bytes),
            Err(error) if error.is_missing() => None,
            // Whatever it is, it is not what would be written.
            Err(ReadError::TooLarge { .. }) => Some(Vec::new()),
            Err(error) => return Fate::Refused { why: chain(&error), help: None },
        };
        let (fate, existing) = match there {
            None => (Fate::New, Existing::Stays),
            Some(bytes) if bytes == text.as_bytes() => return Fate::Same,
            Some(bytes) => match differences(&bytes, text) {
                Some(none) if none.is_empty() => return Fate::Same,
                _ if self.options.replace => (Fate::Replaced, Existing::Replaced),
                differs => {
                    let differs = differs.map(|fields| format!(" in {fields}")).unwrap_or_default();
                    let why =
                        format!("`{}` is there already and differs{differs}", target.display());
                    let help = "--force replaces it; --to and --name write elsewhere";
                    return Fate::refused(why, help);
                }
            },
        };
        if self.options.dry_run {
            return fate;
        }
        match write(existing) {
            Ok(()) => fate,
            Err(error) => {
                Fate::Refused { why: chain(&error), help: error.help().map(str::to_owned) }
            }
        }
    }
}

/// A file that another one of this import has the name of.
fn clash(names: &BTreeMap<String, Origin>, name: &str, path: &str, sha256: Sha256) -> Option<Fate> {
    let first = names.get(name)?;
    if first.sha256 == sha256 {
        return Some(Fate::Same);
    }
    let why = format!("`{name}` stands in two files: `{}` and `{path}`", first.path);
    Some(Fate::refused(
        why,
        "the first one counts; import the other one into a folder of its own with --to",
    ))
}

fn remember(
    names: &mut BTreeMap<String, Origin>,
    name: &str,
    path: &str,
    sha256: Sha256,
    fate: &Fate,
) {
    if !matches!(fate, Fate::Refused { .. }) {
        let origin = || Origin { path: path.to_owned(), sha256 };
        names.entry(name.to_owned()).or_insert_with(origin);
    }
}

/// The fields in which a persona that is there differs; empty where only its layout or the name of
/// its original does, `None` where it is no persona.
fn persona_differences(file: &str, there: &[u8], text: &str) -> Option<String> {
    let of = |text: &str| orchestrate_persona::read(&Source::new(file, text)).0;
    let (from, to) = (of(std::str::from_utf8(there).ok()?)?, of(text)?);
    let mut fields: Vec<String> = orchestrate_persona::diff(&from, &to)
        .fields
        .into_iter()
        .map(|field| format!("`{}`", field.field))
        .collect();
    let same_origin = |persona: &Persona| {
        persona.source.as_ref().map(|source| (source.format.clone(), source.sha256.clone()))
    };
    for (field, differs) in [
        ("`model`", from.model != to.model),
        ("`x`", from.extra != to.extra),
        ("`source`", same_origin(&from) != same_origin(&to)),
    ] {
        if differs {
            fields.push(field.to_owned());
        }
    }
    Some(fields.join(", "))
}

/// The same persona under another name.
fn renamed(found: &ImportedPersona, name: &str) -> Result<ImportedPersona, Vec<Diagnostic>> {
    let persona = Persona { name: name.to_owned(), ..found.persona.clone() };
    let canonical = orchestrate_persona::write_canonical(&persona);
    let source = Source::new(format!("{name}.md"), canonical);
    match orchestrate_persona::read(&source) {
        (Some(persona), _) => {
            Ok(ImportedPersona { persona, canonical: source.text.clone(), ..found.clone() })
        }
        (None, diagnostics) => Err(diagnostics),
    }
}

/// The bytes of a file that may be a picture with a card in it.
fn read_foreign(path: &Path) -> Result<Vec<u8>, ReadError> {
    let picture = path.extension().is_some_and(|found| found.eq_ignore_ascii_case("png"));
    let limit = if picture { MAX_PICTURE_BYTES } else { MAX_FILE_BYTES };
    read_bytes(path, limit as u64)
}

fn unreadable(path: String, error: &ReadError) -> Taken {
    let source = Source::new(path.as_str(), "");
    let mut diagnostic = Diagnostic::error("unreadable", chain(error)).at(&source, 0..0, "");
    diagnostic.help.extend(error.help().map(str::to_owned));
    Taken {
        path,
        format: None,
        sha256: None,
        entries: Vec::new(),
        dropped: Vec::new(),
        diagnostics: vec![diagnostic],
    }
}

/// An error with what is behind it.
fn chain(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}
