//! The folders, libraries and configuration that everything starts from.

use std::path::{Path, PathBuf};

use crate::{
    config::{Config, ConfigError, Environment},
    home::Home,
    library::{LibraryError, PersonaLibrary, WorkflowLibrary},
};

/// Where a command works.
#[derive(Debug)]
pub struct Workspace {
    /// The current folder.
    pub folder: PathBuf,
    /// The user's folders.
    pub home: Home,
    /// The configuration.
    pub config: Config,
    /// The personas that can be named.
    pub personas: PersonaLibrary,
    /// The workflows that can be named.
    pub workflows: WorkflowLibrary,
}

/// A workspace that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum WorkspaceError {
    /// The configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A library.
    #[error(transparent)]
    Library(#[from] LibraryError),
}

impl Workspace {
    /// Surveys `folder` with the process's environment.
    pub fn open(folder: &Path, home: Home) -> Result<Self, WorkspaceError> {
        let config = Config::load(&home, folder)?;
        Self::with_config(folder, home, config)
    }

    /// Surveys `folder` with an environment that the caller makes up.
    pub fn open_with(
        folder: &Path,
        home: Home,
        environment: &Environment,
    ) -> Result<Self, WorkspaceError> {
        let config = Config::load_with(&home, folder, environment)?;
        Self::with_config(folder, home, config)
    }

    fn with_config(folder: &Path, home: Home, config: Config) -> Result<Self, WorkspaceError> {
        let personas = PersonaLibrary::open(folder, &home)?;
        let workflows = WorkflowLibrary::open(folder, &home)?;
        Ok(Self { folder: folder.to_owned(), home, config, personas, workflows })
    }
}
