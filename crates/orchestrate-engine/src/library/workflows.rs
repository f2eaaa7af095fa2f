//! The library of workflows.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use orchestrate_core::diagnostic::Source;

use super::{
    Level, LibraryError, PersonaLibrary, built_in,
    find::{Place, read_source, survey},
    generated::{GeneratedName, Role},
};
use crate::home::Home;

/// The workflows that can be named here.
#[derive(Debug)]
pub struct WorkflowLibrary {
    found: BTreeMap<String, (Level, Place)>,
}

/// A workflow file that was found.
#[derive(Debug)]
pub struct FoundWorkflow {
    /// The name or path that found it.
    pub name: String,
    /// Where it was found.
    pub level: Level,
    /// Its text.
    pub source: Arc<Source>,
    /// The folder that its other files lie below, where it has one.
    pub folder: Option<PathBuf>,
}

impl WorkflowLibrary {
    /// Surveys the levels. Files are read when they are asked for.
    pub fn open(workspace: &Path, home: &Home) -> Result<Self, LibraryError> {
        Ok(Self {
            found: survey("workflows", &["yaml", "yml"], workspace, home, built_in::workflows())?,
        })
    }

    /// All names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> + Clone {
        self.found.keys().map(String::as_str)
    }

    /// Where the workflow with this name is found, and its file where it is not built in.
    pub fn place(&self, name: &str) -> Option<(Level, Option<&Path>)> {
        self.found.get(name).map(|(level, place)| (*level, place.path()))
    }

    /// Reads a workflow by name, or by path where the text looks like one: it has a `/` or ends in
    /// `.yaml` or `.yml`. `None` where no workflow has that name.
    pub fn read(&self, name: &str) -> Result<Option<FoundWorkflow>, LibraryError> {
        let limit = orchestrate_workflow::MAX_SOURCE_BYTES as u64;
        if is_path(name) {
            let source = read_source(Path::new(name), limit)?;
            return Ok(Some(FoundWorkflow {
                name: name.to_owned(),
                level: Level::Project,
                source,
                folder: folder_of(Some(Path::new(name))),
            }));
        }
        let Some((level, place)) = self.found.get(name) else { return Ok(None) };
        let source = place.source("workflows", "yaml", limit)?;
        let folder = folder_of(place.path());
        Ok(Some(FoundWorkflow { name: name.to_owned(), level: *level, source, folder }))
    }
}

fn folder_of(file: Option<&Path>) -> Option<PathBuf> {
    let folder = file?.parent()?;
    Some(if folder.as_os_str().is_empty() { PathBuf::from(".") } else { folder.to_owned() })
}

/// Makes the workflow of this name for the personas of a library; `None` where the name is not one of a
/// generated workflow.
pub(crate) fn generate(name: &str, personas: &PersonaLibrary) -> Option<FoundWorkflow> {
    let generated = GeneratedName::parse(name)?;
    let role = |name: &str| {
        // A file that is no persona is reported where the workflow is compiled.
        let found = personas.read(name).ok().flatten()?;
        found.persona.as_ref().map(Role::of)
    };
    let text = generated.source(&role);
    let source = Source::new(format!("generated:{generated}"), text);
    Some(FoundWorkflow { name: generated.to_string(), level: Level::BuiltIn, source, folder: None })
}

/// Whether a text names a workflow by its path.
pub(crate) fn is_path(name: &str) -> bool {
    name.contains('/')
        || Path::new(name).extension().is_some_and(|found| found == "yaml" || found == "yml")
}
