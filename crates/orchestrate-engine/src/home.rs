//! Where things are kept: runs below the state folder, the user's own files below the config folder.

use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;
use orchestrate_core::ids::RunId;

/// The folders of one user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Home {
    state: PathBuf,
    config: PathBuf,
}

/// The home folder cannot be found.
#[derive(Debug, thiserror::Error)]
#[error("finding the home folder")]
pub struct HomeError(#[source] etcetera::HomeDirError);

impl Home {
    /// The XDG folders, on every Unix: `$XDG_STATE_HOME/orchestrate`, `$XDG_CONFIG_HOME/orchestrate`.
    /// `state` replaces the first.
    pub fn locate(state: Option<&Path>) -> Result<Self, HomeError> {
        let folders = etcetera::base_strategy::Xdg::new().map_err(HomeError)?;
        let state = match state {
            Some(state) => std::path::absolute(state).unwrap_or_else(|_| state.to_owned()),
            None => folders.state_dir().unwrap_or_else(|| folders.data_dir()).join("orchestrate"),
        };
        Ok(Self { state, config: folders.config_dir().join("orchestrate") })
    }

    /// Folders that the caller names.
    pub fn at(state: impl Into<PathBuf>, config: impl Into<PathBuf>) -> Self {
        Self { state: state.into(), config: config.into() }
    }

    /// The folder of all runs.
    pub fn runs(&self) -> PathBuf {
        self.state.join("runs")
    }

    /// The folder of one run.
    pub fn run(&self, run: &RunId) -> PathBuf {
        self.runs().join(run.as_str())
    }

    /// The derived index of answers.
    pub fn index(&self) -> PathBuf {
        self.state.join("index.db")
    }

    /// The user's config file.
    pub fn config_file(&self) -> PathBuf {
        self.config.join("config.toml")
    }

    /// The table of prices that the user brought.
    pub fn prices_file(&self) -> PathBuf {
        self.config.join("prices.toml")
    }

    /// The folder of the user's own personas and workflows.
    pub fn config_folder(&self) -> &Path {
        &self.config
    }
}
