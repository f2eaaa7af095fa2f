//! A cassette's folder as it is: every file read and checked, and nothing taken for a call that is none.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use orchestrate_core::request::ModelRef;
use orchestrate_provider::cassette::{
    CassetteError, MAX_CALLS, MAX_FILE, MAX_TOTAL, RecordedCall, RecordedModels, Standing, Tape,
    TapeError, UnresolvedModel,
};

use crate::{
    artifacts::ArtifactError,
    library::{ReadError, read_text},
    providers::Providers,
    store::StoreError,
};

/// A cassette that answers in the place of models.
#[derive(Debug)]
pub struct Cassette {
    folder: PathBuf,
    tape: Arc<Tape>,
    models: BTreeMap<String, RecordedModels>,
}

/// A cassette that cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum CassetteFault {
    /// The folder cannot be read.
    #[error("reading the cassette `{}`", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// A file cannot be read.
    #[error(transparent)]
    File(#[from] ReadError),
    /// Files are not as they were written.
    #[error("the cassette cannot be used as it is")]
    Damaged(Vec<CassetteError>),
    /// Files contradict each other.
    #[error(transparent)]
    Contradiction(#[from] TapeError),
    /// It holds more than any would.
    #[error("the cassette `{}` is larger than {MAX_CALLS} calls or {} MiB", .0.display(), MAX_TOTAL >> 20)]
    TooLarge(PathBuf),
    /// There is nothing in it.
    #[error("the cassette `{}` holds no recorded call", .0.display())]
    Empty(PathBuf),
    /// Several workflows were recorded, and not this one.
    #[error("workflow `{workflow}` was not recorded in the cassette")]
    OtherWorkflows {
        /// The workflow.
        workflow: String,
        /// What it holds.
        recorded: Vec<String>,
    },
    /// A model that it does not know.
    #[error(transparent)]
    Model(#[from] UnresolvedModel),
    /// Nothing can be written to it.
    #[error(transparent)]
    Unwritable(#[from] ArtifactError),
    /// The journal of the run that is recorded.
    #[error(transparent)]
    Journal(#[from] StoreError),
}

impl CassetteFault {
    /// What to do about it.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Folder { source, .. } if source.kind() == io::ErrorKind::NotFound => Some(
                "record one first: the same command with --record in the place of --replay".into(),
            ),
            Self::Empty(_) => Some(
                "is it the right folder? `--record DIR` fills it, and --replay reads DIR itself"
                    .into(),
            ),
            Self::Contradiction(_) => {
                Some("a merge has brought both together: remove one of the files".into())
            }
            Self::OtherWorkflows { recorded, .. } => Some(format!(
                "it holds {}; record this one too, or give --model",
                recorded.join(", ")
            )),
            Self::Model(error) => Some(error.help.clone()),
            Self::File(error) => error.help().map(str::to_owned),
            Self::Folder { .. }
            | Self::Damaged(_)
            | Self::TooLarge(_)
            | Self::Unwritable(_)
            | Self::Journal(_) => None,
        }
    }
}

/// What a folder holds, each call with the name of its file.
#[derive(Debug, Default)]
pub(super) struct Contents {
    pub(super) calls: Vec<(String, RecordedCall)>,
    pub(super) models: Vec<(String, RecordedModels)>,
}

impl Cassette {
    /// Reads the cassette in `folder`.
    ///
    /// # Errors
    /// Every file that is not as it was written, at once.
    pub fn open(folder: &Path) -> Result<Self, CassetteFault> {
        let failed = |source| CassetteFault::Folder { path: folder.to_owned(), source };
        let real = folder.canonicalize().map_err(failed)?;
        let contents = read(folder)?;
        if contents.calls.is_empty() || contents.models.is_empty() {
            return Err(CassetteFault::Empty(folder.to_owned()));
        }
        let models = contents.models.into_iter();
        Ok(Self {
            folder: real,
            tape: Arc::new(Tape::new(contents.calls)?),
            models: models.map(|(_, models)| (models.workflow.clone(), models)).collect(),
        })
    }

    /// The folder, with every link resolved.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// How many calls it holds.
    pub fn calls(&self) -> usize {
        self.tape.len()
    }

    /// The models of a workflow. One that was not recorded under this name has those of the others where they
    /// all agree.
    pub fn models(&self, workflow: &str) -> Result<&RecordedModels, CassetteFault> {
        if let Some(models) = self.models.get(workflow) {
            return Ok(models);
        }
        let mut all = self.models.values();
        let first = all.next().ok_or_else(|| CassetteFault::Empty(self.folder.clone()))?;
        let agree = |other: &RecordedModels| {
            (&other.model, other.every_step) == (&first.model, first.every_step)
                && (&other.aliases, &other.endpoints) == (&first.aliases, &first.endpoints)
                && other.fallbacks == first.fallbacks
        };
        if all.all(agree) {
            return Ok(first);
        }
        Err(CassetteFault::OtherWorkflows {
            workflow: workflow.to_owned(),
            recorded: self.models.keys().cloned().collect(),
        })
    }

    /// The providers that answer for `models` of a workflow.
    pub fn providers<'a>(
        &self,
        workflow: &str,
        models: impl IntoIterator<Item = &'a ModelRef>,
        standing: &Standing,
    ) -> Result<Providers, CassetteFault> {
        Ok(Providers::replaying(self.models(workflow)?, &self.tape, models, standing))
    }
}

/// Reads every file of a cassette.
pub(super) fn read(folder: &Path) -> Result<Contents, CassetteFault> {
    let failed = |source| CassetteFault::Folder { path: folder.to_owned(), source };
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        // Names that are no text are none of ours.
        if let Ok(name) = entry.map_err(failed)?.file_name().into_string()
            && (is_call(&name) || name.ends_with(RecordedModels::ENDING))
        {
            names.push(name);
        }
        if names.len() > MAX_CALLS {
            return Err(CassetteFault::TooLarge(folder.to_owned()));
        }
    }
    names.sort();
    let (mut contents, mut faults, mut total) = (Contents::default(), Vec::new(), 0_u64);
    for name in names {
        let text = read_text(&folder.join(&name), MAX_FILE)?;
        total += text.len() as u64;
        if total > MAX_TOTAL {
            return Err(CassetteFault::TooLarge(folder.to_owned()));
        }
        if is_call(&name) {
            match RecordedCall::read(&name, &text) {
                Ok(call) => contents.calls.push((name, call)),
                Err(fault) => faults.push(fault),
            }
        } else {
            match RecordedModels::read(&name, &text) {
                Ok(models) => contents.models.push((name, models)),
                Err(fault) => faults.push(fault),
            }
        }
    }
    if faults.is_empty() {
        return Ok(contents);
    }
    for fault in &mut faults {
        // As one would open it from here.
        fault.file = folder.join(&fault.file).display().to_string();
    }
    Err(CassetteFault::Damaged(faults))
}

/// Whether a file's name is that of a recorded call. Others, such as a README, are left alone.
fn is_call(name: &str) -> bool {
    let stem = name.strip_suffix(".md").and_then(|stem| stem.rsplit_once('-'));
    stem.is_some_and(|(step, identity)| {
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        !step.is_empty() && identity.len() == 12 && identity.bytes().all(is_digit)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_end_in_an_identity_are_those_of_calls() {
        for call in ["data-0123456789ab.md", "outer-2-inner-verdict-abcdefabcdef.md"] {
            assert!(is_call(call), "{call}");
        }
        for other in [
            "README.md",
            "data.md",
            "-0123456789ab.md",
            "data-0123456789AB.md",
            ".data-0123456789ab.md~",
        ] {
            assert!(!is_call(other), "{other}");
        }
    }
}
