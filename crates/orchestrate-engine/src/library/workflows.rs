//! The library of workflows.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use orchestrate_core::{diagnostic::Source, persona::Gate};
use orchestrate_workflow::{Catalogue, Schemas};

use super::{
    Level, LibraryError, PersonaLibrary, built_in,
    find::{Place, read_source, survey},
    generated::{GeneratedName, Role},
    read::{ReadError, read_text_within},
};
use crate::{
    home::Home,
    session::{Workspace, told},
};

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
    /// The folder that its templates may include files of; none where it is built in.
    pub folder: Option<PathBuf>,
}

/// The largest file that a template includes.
const MAX_INCLUDED_BYTES: u64 = 1 << 20;

/// What a workflow is compiled with: the personas, and the files of its folder.
#[derive(Debug)]
pub(crate) struct Beside<'w> {
    pub(crate) personas: &'w PersonaLibrary,
    pub(crate) workflow: &'w FoundWorkflow,
}

impl<'w> Beside<'w> {
    pub(crate) fn of(workspace: &'w Workspace, workflow: &'w FoundWorkflow) -> Self {
        Self { personas: &workspace.personas, workflow }
    }
}

impl Catalogue for Beside<'_> {
    fn has_persona(&self, name: &str) -> bool {
        self.personas.has_persona(name)
    }

    fn persona_names(&self) -> Vec<String> {
        self.personas.persona_names()
    }

    fn include(&self, path: &str) -> Result<Arc<Source>, String> {
        let Some(folder) = &self.workflow.folder else {
            return Err(format!("`{path}` cannot be included: this workflow is built in"));
        };
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        let file = folder.join(path);
        match read_text_within(folder, &file, MAX_INCLUDED_BYTES) {
            Ok(text) => Ok(Source::new(file.display().to_string(), text)),
            Err(ReadError::Outside { target, .. }) => Err(format!(
                "`{path}` leads to `{}`, outside the workflow's folder",
                target.display()
            )),
            Err(error) => Err(told(&error)),
        }
    }

    fn gates(&self, persona: &str) -> Option<Vec<Gate>> {
        let found = self.personas.read(persona).ok().flatten()?;
        found.persona.map(|persona| persona.gates)
    }

    fn schemas(&self) -> &dyn Schemas {
        self.personas.schemas()
    }
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
                folder: Path::new(name).parent().map(Path::to_owned),
            }));
        }
        let Some((level, place)) = self.found.get(name) else { return Ok(None) };
        let source = place.source("workflows", "yaml", limit)?;
        let folder = place.path().and_then(Path::parent).map(Path::to_owned);
        Ok(Some(FoundWorkflow { name: name.to_owned(), level: *level, source, folder }))
    }
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
