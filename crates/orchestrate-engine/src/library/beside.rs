//! What the compiler of a workflow may ask: personas by name, JSON Schemas, and files beside the workflow.

use std::{path::PathBuf, sync::Arc};

use orchestrate_core::{diagnostic::Source, persona::Gate};
use orchestrate_workflow::{Catalogue, Schemas};

use super::{FoundWorkflow, PersonaLibrary, read::read_text_within};
use crate::schemas::JsonSchemas;

/// The largest file that a workflow may read in: 1 MiB.
const MAX_BYTES: u64 = 1 << 20;

/// A library of personas beside the folder of one workflow.
#[derive(Debug)]
pub struct Beside<'a> {
    personas: &'a PersonaLibrary,
    folder: Option<PathBuf>,
}

impl<'a> Beside<'a> {
    /// What the compiler of `workflow` may ask.
    pub fn new(personas: &'a PersonaLibrary, workflow: &FoundWorkflow) -> Self {
        Self { personas, folder: workflow.folder.clone() }
    }
}

impl Catalogue for Beside<'_> {
    fn has_persona(&self, name: &str) -> bool {
        self.personas.has_persona(name)
    }

    fn persona_names(&self) -> Vec<String> {
        self.personas.persona_names()
    }

    fn schemas(&self) -> &dyn Schemas {
        &JsonSchemas
    }

    fn gates(&self, persona: &str) -> Option<Vec<Gate>> {
        let found = self.personas.read(persona).ok().flatten()?;
        found.persona.map(|persona| persona.gates)
    }

    fn read_beside(&self, path: &str) -> Result<Arc<Source>, String> {
        let Some(folder) = &self.folder else {
            return Err("this workflow has no folder: write the schema into it".to_owned());
        };
        let file = folder.join(path);
        match read_text_within(folder, &file, MAX_BYTES) {
            Ok(text) => Ok(Source::new(file.display().to_string(), text)),
            Err(error) if error.is_missing() => Err(format!(
                "there is no `{}`: the path starts from the workflow's folder",
                file.display()
            )),
            Err(error) => {
                let advice = error.help().map(|help| format!("; {help}")).unwrap_or_default();
                let source = std::error::Error::source(&error);
                let cause = source.map(|cause| format!(": {cause}")).unwrap_or_default();
                Err(format!("{error}{cause}{advice}"))
            }
        }
    }
}
