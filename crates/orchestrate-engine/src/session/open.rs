//! A run whose journal is open and locked: running it, and taking its result.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex},
};

use indexmap::IndexMap;
use orchestrate_core::{
    event::Event,
    ids::RunId,
    persona::Persona,
    plan::InputValue,
    policy::Limits,
    run::{Input, Outcome, Run},
    summary::RunSummary,
};
use tokio::sync::mpsc;

use super::{RunRecord, RunSetup, Workspace, setup::SetupError};
use crate::{
    artifacts::{ArtifactError, OutputFolder},
    casting::Casting,
    clock,
    driver::{DriveError, Driver, Stop},
    home::Home,
    live::{LiveBoard, Observer},
    prepare::Preparer,
    providers::Providers,
    store::{BlobReader, Index, Journal, JournalWriter, RunLock, StoreError},
};

/// Program and version, as the journal records who opened it.
const PROGRAM: &str = concat!("orchestrate ", env!("CARGO_PKG_VERSION"));

/// A run that cannot be opened, driven or written.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The journal.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Driving it.
    #[error(transparent)]
    Drive(#[from] DriveError),
    /// Its files.
    #[error(transparent)]
    Artifact(#[from] ArtifactError),
    /// Its models.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// The run was made against another address than the one configured now.
    #[error("this run was made against `{recorded}`; `{configured}` is configured now")]
    OtherEndpoint {
        /// The address in the journal.
        recorded: String,
        /// The address in the configuration.
        configured: String,
    },
    /// The run is complete.
    #[error("run {0} is complete")]
    Complete(RunId),
}

/// A run whose journal is open and locked.
pub struct OpenRun {
    id: RunId,
    lock: RunLock,
    driver: DriverParts,
    limits: Option<Limits>,
    fresh_journal: bool,
    inputs: IndexMap<String, InputValue>,
    personas: IndexMap<String, Arc<Persona>>,
    output: Option<PathBuf>,
    board: LiveBoard,
    home: Home,
}

struct DriverParts {
    run: Run,
    summary: RunSummary,
    writer: JournalWriter,
    blobs: BlobReader,
    preparer: Arc<Preparer>,
    first: Vec<Input>,
    first_blobs: Vec<crate::store::Blob>,
}

/// A run that has come to rest.
#[derive(Debug)]
pub struct FinishedRun {
    /// How it came to rest.
    pub outcome: Outcome,
    /// The run as its journal tells it.
    pub record: RunRecord,
    /// The output folder, where files were written.
    pub output: Option<PathBuf>,
}

impl OpenRun {
    /// Creates the journal of a new run and takes ownership of it. Nothing is recorded yet.
    pub fn create(workspace: &Workspace, setup: &RunSetup) -> Result<Self, RunError> {
        let home = workspace.home.clone();
        let id = new_id();
        let folder = home.run(&id);
        private_folders(&home, &folder)?;
        let lock = RunLock::take(&folder)?;
        let journal = Journal::create(&folder)?;
        let blobs = BlobReader::open(&folder)?;
        let (created, forked, contents) = setup.created(&id);
        let run = Run::new(Arc::clone(&setup.plan));
        let summary = RunSummary::new(Arc::clone(&setup.plan));
        let preparer = Preparer {
            casting: Casting::new(Arc::clone(&setup.plan), &setup.inputs, setup.personas.clone()),
            input_notes: Casting::notes(&setup.inputs),
            model: setup.model.clone(),
            models: setup.models.clone(),
            providers: setup.providers.clone(),
            blobs: blobs.clone(),
            fresh: setup.fresh.clone(),
            forked: forked.as_deref().cloned(),
            home: home.clone(),
            index: index(&home, setup.offline),
        };
        let first = vec![
            Input::Create { created, forked },
            Input::Opened { epoch: 1, program: PROGRAM.into() },
        ];
        let writer = JournalWriter::start(journal, index_of(&home, setup.offline))?;
        Ok(Self {
            id,
            lock,
            driver: DriverParts {
                run,
                summary,
                writer,
                blobs,
                preparer: Arc::new(preparer),
                first,
                first_blobs: contents,
            },
            limits: None,
            fresh_journal: true,
            inputs: setup.inputs.clone(),
            personas: setup.personas.clone(),
            output: setup.output.clone(),
            board: LiveBoard::default(),
            home,
        })
    }

    /// Opens the journal of a run that has not finished, and takes ownership of it.
    ///
    /// Plan and personas are those of the journal. `limits` replaces the caps where it is given.
    pub fn resume(
        workspace: &Workspace,
        id: &RunId,
        limits: Option<Limits>,
    ) -> Result<Self, RunError> {
        let home = workspace.home.clone();
        let folder = home.run(id);
        let lock = RunLock::take(&folder)?;
        let (journal, contents) = Journal::open(&folder)?;
        let record = RunRecord::of(contents)?;
        let created = &record.created;
        let models = created.models.values().chain([&created.model]);
        let providers =
            Providers::for_models(&workspace.config, models).map_err(SetupError::from)?;
        if let Some(configured) = providers.endpoint(&created.model)
            && configured.origin != created.endpoint.origin
        {
            return Err(RunError::OtherEndpoint {
                recorded: created.endpoint.origin.clone(),
                configured: configured.origin.clone(),
            });
        }
        let contradiction =
            |source| StoreError::Contradiction { path: folder.join("journal.db"), source };
        let run = Run::replay(
            Arc::clone(&record.plan),
            record.events.iter().map(|recorded| &recorded.event),
        )
        .map_err(contradiction)?;
        if run.is_finished() {
            return Err(RunError::Complete(id.clone()));
        }
        let epoch = 1 + record
            .events
            .iter()
            .filter(|recorded| matches!(recorded.event, Event::SessionOpened { .. }))
            .count() as u64;
        let preparer = Preparer {
            casting: Casting::new(
                Arc::clone(&record.plan),
                &record.inputs,
                record.personas.clone(),
            ),
            input_notes: Casting::notes(&record.inputs),
            model: created.model.clone(),
            models: created.models.clone(),
            providers,
            blobs: record.blobs.clone(),
            fresh: created.fresh.clone(),
            forked: record.forked().cloned(),
            home: home.clone(),
            index: index(&home, created.offline),
        };
        let mut remembering = index_of(&home, created.offline);
        if let Some(index) = &mut remembering {
            index.follow(&record.events);
        }
        let writer = JournalWriter::start(journal, remembering)?;
        Ok(Self {
            id: id.clone(),
            lock,
            driver: DriverParts {
                run,
                summary: record.summary.clone(),
                writer,
                blobs: record.blobs.clone(),
                preparer: Arc::new(preparer),
                first: vec![Input::Opened { epoch, program: PROGRAM.into() }],
                first_blobs: Vec::new(),
            },
            limits,
            fresh_journal: false,
            inputs: record.inputs.clone(),
            personas: record.personas.clone(),
            output: created.output.clone().map(PathBuf::from),
            board: LiveBoard::default(),
            home,
        })
    }

    /// The run's id. It may be shown only once the first event is recorded, which
    /// [`drive`](Self::drive) tells its observer.
    pub fn id(&self) -> &RunId {
        &self.id
    }

    /// The calls in flight, for whoever draws them.
    pub fn board(&self) -> LiveBoard {
        self.board.clone()
    }

    /// Whether the journal is new, as opposed to resumed.
    pub fn is_new(&self) -> bool {
        self.fresh_journal
    }

    /// Runs until there is nothing left to do, or `stop` says so, and writes the files.
    pub async fn drive(
        self,
        observer: Box<dyn Observer>,
        mut stop: mpsc::Receiver<Stop>,
    ) -> Result<FinishedRun, RunError> {
        let DriverParts { run, summary, writer, blobs, preparer, first, first_blobs } = self.driver;
        let mut driver = Driver::new(run, summary, writer, blobs, preparer, self.board, observer);
        let mut contents = first_blobs;
        for input in first {
            driver.tell(input, std::mem::take(&mut contents)).await?;
        }
        let effects = driver.tell(Input::Resume { limits: self.limits }, Vec::new()).await?;
        let outcome = driver.drive(effects, &mut stop).await?;

        let folder = self.home.run(&self.id);
        let mut record = RunRecord::read(&folder)?;
        let mut written = None;
        if let Some(folder) = &self.output {
            let folder = OutputFolder::open(folder)?;
            for artifact in record.write_artifacts(&folder)? {
                driver.tell(artifact, Vec::new()).await?;
            }
            written = Some(folder.path().to_owned());
        }
        record.summary = driver.summary.clone();
        record.inputs = self.inputs;
        record.personas = self.personas;
        // The journal is closed before the lock is given up.
        drop(driver);
        drop(self.lock);
        Ok(FinishedRun { outcome, record, output: written })
    }
}

/// Differences between what a journal holds and what the files say now.
pub fn changed_files(workspace: &Workspace, record: &RunRecord) -> Vec<String> {
    let mut changed = Vec::new();
    let created = &record.created;
    let now = RunSetup::find_workflow(workspace, &created.workflow_source)
        .ok()
        .and_then(|found| orchestrate_workflow::compile(&found.source, &workspace.personas).0);
    if now.is_none_or(|now| now.digest() != created.plan) {
        changed.push(format!("workflow `{}`", created.workflow));
    }
    for (name, persona) in &record.personas {
        let now = workspace.personas.read(name).ok().flatten().and_then(|found| found.persona);
        if now.is_none_or(|now| now.digest != persona.digest) {
            changed.push(format!("persona `{name}`"));
        }
    }
    changed
}

fn index(home: &Home, offline: bool) -> Option<Mutex<Index>> {
    index_of(home, offline).map(Mutex::new)
}

/// The index of answers; a run goes on without it where it cannot be opened.
fn index_of(home: &Home, offline: bool) -> Option<Index> {
    if offline {
        return None;
    }
    match Index::open(home) {
        Ok(index) => Some(index),
        Err(error) => {
            tracing::warn!(%error, "the index of answers cannot be used; answers of earlier runs are not found");
            None
        }
    }
}

fn new_id() -> RunId {
    let now = clock::now();
    let seconds = now.0 / 1_000;
    let nanos = u32::try_from(now.0 % 1_000).unwrap_or_default() * 1_000_000;
    let stamp = uuid::Timestamp::from_unix(uuid::NoContext, seconds, nanos);
    RunId::new(uuid::Uuid::new_v7(stamp).to_string())
}

/// Creates the folders of a run so that only its owner can enter them.
fn private_folders(home: &Home, folder: &std::path::Path) -> Result<(), StoreError> {
    use std::os::unix::fs::DirBuilderExt;
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true).mode(0o700);
    builder.create(home.runs()).map_err(StoreError::io(home.runs()))?;
    let mut builder = std::fs::DirBuilder::new();
    builder.mode(0o700);
    builder.create(folder).map_err(StoreError::io(folder))
}
