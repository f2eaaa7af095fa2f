//! The library of personas.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use orchestrate_core::{
    diagnostic::{Diagnostic, Source},
    persona::Persona,
};
use orchestrate_workflow::{Catalogue, Schemas};

use super::{
    Level, LibraryError, built_in,
    find::{Place, survey},
    generated::chooser,
};
use crate::{home::Home, schemas::JsonSchemas};

/// The personas that can be named here.
#[derive(Debug)]
pub struct PersonaLibrary {
    found: BTreeMap<String, (Level, Place)>,
}

/// A persona file that was read.
#[derive(Debug)]
pub struct FoundPersona {
    /// The name that finds it.
    pub name: String,
    /// Where it was found.
    pub level: Level,
    /// The file, where it is not built in.
    pub path: Option<PathBuf>,
    /// Its text.
    pub source: Arc<Source>,
    /// The persona, where the file is one.
    pub persona: Option<Persona>,
    /// What is wrong with the file.
    pub diagnostics: Vec<Diagnostic>,
}

impl PersonaLibrary {
    /// Surveys the levels. Files are read when they are asked for.
    pub fn open(workspace: &Path, home: &Home) -> Result<Self, LibraryError> {
        Ok(Self { found: survey("personas", &["md"], workspace, home, built_in::personas())? })
    }

    /// All names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> + Clone {
        self.found.keys().map(String::as_str)
    }

    /// Where the persona with this name is found, and its file where it is not built in.
    pub fn place(&self, name: &str) -> Option<(Level, Option<&Path>)> {
        self.found.get(name).map(|(level, place)| (*level, place.path()))
    }

    /// Reads the persona with this name; `None` where there is none.
    pub fn read(&self, name: &str) -> Result<Option<FoundPersona>, LibraryError> {
        let hidden =
            chooser(name).map(|(name, text)| (Level::BuiltIn, Place::BuiltIn { name, text }));
        let Some((level, place)) = self.found.get(name).or(hidden.as_ref()) else {
            return Ok(None);
        };
        let source = place.source("personas", "md", orchestrate_persona::MAX_FILE_BYTES as u64)?;
        let (persona, diagnostics) = orchestrate_persona::read(&source);
        Ok(Some(FoundPersona {
            name: name.to_owned(),
            level: *level,
            path: place.path().map(Path::to_owned),
            source,
            persona,
            diagnostics,
        }))
    }
}

impl Catalogue for PersonaLibrary {
    fn has_persona(&self, name: &str) -> bool {
        self.found.contains_key(name) || chooser(name).is_some()
    }

    fn persona_names(&self) -> Vec<String> {
        self.found.keys().cloned().collect()
    }

    fn schemas(&self) -> &dyn Schemas {
        &JsonSchemas
    }
}
