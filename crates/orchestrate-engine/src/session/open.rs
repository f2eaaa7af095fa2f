//! A run whose journal is open and locked: running it, and taking its result.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use indexmap::IndexMap;
use orchestrate_core::{
    event::{Event, RunCreated},
    ids::RunId,
    persona::Persona,
    plan::InputValue,
    policy::Limits,
    request::Endpoint,
    run::{Input, Outcome, Run},
    summary::RunSummary,
};
use orchestrate_provider::cassette::Standing;
use tokio::sync::mpsc;

use super::{
    RunRecord, RunSetup, Workspace,
    setup::{SetupError, priced},
};
use crate::{
    approvals::{Approver, EarlierDecisions, Inbox},
    artifacts::{ArtifactError, OutputFolder},
    calls::Calls,
    cassette::Cassette,
    casting::Casting,
    clock,
    driver::{DriveError, Driver, People, Stop},
    gates::GateCommands,
    home::Home,
    items::Lists,
    library::Beside,
    live::{LiveBoard, Observer},
    prepare::Preparer,
    providers::Providers,
    store::{BlobReader, Index, Journal, JournalWriter, RunLock, StoreError},
    warming::Prefixes,
};

/// Program and version, as the journal records who opened it.
pub(super) const PROGRAM: &str = concat!("orchestrate ", env!("CARGO_PKG_VERSION"));

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
    approver: Option<Box<dyn Approver>>,
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
    /// Why they could not be written, if so; `resume` writes them.
    pub unwritten: Option<ArtifactError>,
}

impl OpenRun {
    /// Creates the journal of a new run and takes ownership of it. Nothing is recorded yet.
    pub fn create(workspace: &Workspace, setup: &RunSetup) -> Result<Self, RunError> {
        setup.refuse_too_long()?;
        // A folder that cannot be written to is found before anything is paid for.
        if let Some(output) = &setup.output {
            OutputFolder::open(output)?;
        }
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
        let asks_models = !setup.offline && setup.replay.is_none();
        let preparer = Preparer {
            casting: Casting::new(Arc::clone(&setup.plan), &setup.inputs, setup.personas.clone()),
            input_notes: Casting::notes(&setup.inputs),
            model: setup.model.clone(),
            models: setup.models.clone(),
            cheaper: setup.cheaper.clone(),
            prices: setup.prices.clone(),
            facts: setup.facts.clone(),
            providers: setup.providers.clone(),
            blobs: blobs.clone(),
            fresh: setup.fresh.clone(),
            earlier_decisions: EarlierDecisions::of(
                &home,
                forked.as_deref().map(|forked| &forked.from),
            ),
            forked: forked.as_deref().cloned(),
            home: home.clone(),
            redactor: workspace.config.redactor().clone(),
            index: index(&home, asks_models),
            persona_blobs: Mutex::default(),
            lists: Lists::default(),
            calls: Calls::default(),
            gates: GateCommands::new(&workspace.config, setup.offline),
            prefixes: Prefixes::default(),
        };
        let first = vec![
            Input::Create { created, forked },
            Input::Opened { epoch: 1, program: PROGRAM.into() },
        ];
        let writer = JournalWriter::start(journal, index_of(&home, asks_models), &[])?;
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
            approver: None,
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
        let used = || {
            let models = created.models.values().chain([&created.model]);
            let chains = created.fallbacks.iter().chain(created.step_fallbacks.values().flatten());
            models.chain(chains).chain(&created.cheaper)
        };
        let models = used();
        let providers = match &created.replay {
            Some(folder) => Cassette::open(Path::new(folder))
                .and_then(|cassette| {
                    cassette.providers(&created.workflow, models, &Standing::Refused)
                })
                .map_err(SetupError::from)?,
            None => Providers::for_models(&workspace.config, models).map_err(SetupError::from)?,
        };
        let asks_models = !created.offline && created.replay.is_none();
        same_endpoints(created, &providers)?;
        let prices = workspace.config.prices_of(used());
        if created.replay.is_none() {
            priced(&limits.unwrap_or(record.summary.limits), used(), &prices)?;
        }
        let contradiction =
            |source| StoreError::Contradiction { path: folder.join("journal.db"), source };
        let run = Run::replay(
            Arc::clone(&record.plan),
            record.events.iter().map(|recorded| (recorded.at, &recorded.event)),
        )
        .map_err(contradiction)?;
        if run.is_finished() && !record.lacks_files() {
            return Err(RunError::Complete(id.clone()));
        }
        let epoch = record.next_epoch();
        let preparer = Preparer {
            casting: Casting::new(
                Arc::clone(&record.plan),
                &record.inputs,
                record.personas.clone(),
            ),
            input_notes: Casting::notes(&record.inputs),
            model: created.model.clone(),
            models: created.models.clone(),
            cheaper: created.cheaper.clone(),
            prices,
            facts: workspace.config.facts_of(used()),
            providers,
            blobs: record.blobs.clone(),
            fresh: created.fresh.clone(),
            earlier_decisions: EarlierDecisions::of(
                &home,
                record.forked().map(|forked| &forked.from),
            ),
            forked: record.forked().cloned(),
            home: home.clone(),
            redactor: workspace.config.redactor().clone(),
            index: index(&home, asks_models),
            persona_blobs: Mutex::default(),
            lists: Lists::default(),
            calls: Calls::default(),
            gates: GateCommands::new(&workspace.config, created.offline),
            prefixes: Prefixes::default(),
        };
        let index = index_of(&home, asks_models);
        let writer = JournalWriter::start(journal, index, &record.events)?;
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
            approver: None,
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

    /// Lets a person be asked while the run goes on. Without this, approvals wait for
    /// [`approve`](super::approve).
    #[must_use]
    pub fn attended_by(mut self, approver: Box<dyn Approver>) -> Self {
        self.approver = Some(approver);
        self
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
        driver.people = People::new(self.approver, Inbox::of(&self.home.run(&self.id)));
        let outcome = if driver.run.is_finished() {
            // Only files are missing.
            driver.tell_all(first, first_blobs).await?;
            Outcome::Succeeded
        } else {
            // Creation, opening and start are one decision and one commit.
            let resume = Input::Resume { limits: self.limits };
            let attended = Input::Attended(driver.people.can_be_asked());
            let inputs = first.into_iter().chain([attended, resume]);
            // Decisions that nobody took in before belong to what the run goes on with.
            let (decisions, contents) = driver.decisions()?;
            let blobs = first_blobs.into_iter().chain(contents).collect();
            let effects = driver.tell_all(inputs.chain(decisions), blobs).await?;
            driver.drive(effects, &mut stop).await?
        };

        let folder = self.home.run(&self.id);
        let mut record = if self.fresh_journal {
            let events = std::mem::take(&mut driver.recorded);
            let created = events.iter().find_map(|recorded| match &recorded.event {
                Event::RunCreated(created) => Some(created.clone()),
                _ => None,
            });
            RunRecord {
                events,
                created: created.expect("a run begins with its creation"),
                plan: Arc::clone(driver.run.plan()),
                inputs: self.inputs.clone(),
                personas: self.personas.clone(),
                summary: driver.summary.clone(),
                blobs: driver.blobs.clone(),
            }
        } else {
            RunRecord::read(&folder)?
        };
        let mut output = None;
        let mut unwritten = None;
        if let Some(folder) = &self.output {
            match write(&record, folder) {
                Ok((folder, written)) => {
                    driver.tell_all(written, Vec::new()).await?;
                    output = Some(folder);
                }
                Err(error) => unwritten = Some(error),
            }
        }
        record.summary = driver.summary.clone();
        record.inputs = self.inputs;
        record.personas = self.personas;
        // The journal is closed before the lock is given up.
        drop(driver);
        drop(self.lock);
        Ok(FinishedRun { outcome, record, output, unwritten })
    }
}

/// Writes the files of a run; returns the real folder and what to record.
fn write(record: &RunRecord, folder: &Path) -> Result<(PathBuf, Vec<Input>), ArtifactError> {
    // It was recorded without links, so a link in its place has been put there since.
    let folder = OutputFolder::open_unlinked(folder)?;
    let written = record.write_artifacts(&folder)?;
    Ok((folder.path().to_owned(), written))
}

/// A run goes on only where it began: its answers and reservations belong to these addresses.
fn same_endpoints(created: &RunCreated, providers: &Providers) -> Result<(), RunError> {
    let usual = (created.model.provider.as_str(), &created.endpoint);
    let others = created.endpoints.iter().map(|(name, endpoint)| (name.as_str(), endpoint));
    let recorded: IndexMap<&str, &Endpoint> = others.chain([usual]).collect();
    for (name, configured) in providers.endpoints() {
        if let Some(recorded) = recorded.get(name)
            && recorded.origin != configured.origin
        {
            return Err(RunError::OtherEndpoint {
                recorded: recorded.origin.clone(),
                configured: configured.origin.clone(),
            });
        }
    }
    Ok(())
}

/// Differences between what a journal holds and what the files say now.
pub fn changed_files(workspace: &Workspace, record: &RunRecord) -> Vec<String> {
    let mut changed = Vec::new();
    let created = &record.created;
    let now = RunSetup::find_workflow(workspace, &created.workflow_source).ok().and_then(|found| {
        orchestrate_workflow::compile(&found.source, &Beside::of(workspace, &found)).0
    });
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

fn index(home: &Home, asks_models: bool) -> Option<Mutex<Index>> {
    index_of(home, asks_models).map(Mutex::new)
}

/// The index of answers; a run goes on without it where it cannot be opened.
fn index_of(home: &Home, asks_models: bool) -> Option<Index> {
    if !asks_models {
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
fn private_folders(home: &Home, folder: &Path) -> Result<(), StoreError> {
    use std::os::unix::fs::DirBuilderExt;
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true).mode(0o700);
    builder.create(home.runs()).map_err(StoreError::io(home.runs()))?;
    let mut builder = std::fs::DirBuilder::new();
    builder.mode(0o700);
    builder.create(folder).map_err(StoreError::io(folder))
}
