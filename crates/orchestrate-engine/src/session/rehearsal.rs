//! A run that leaves no trace: decided, prepared and driven like any other, kept in memory alone.

use std::sync::{Arc, Mutex};

use orchestrate_core::{
    event::{Event, RunForked},
    ids::RunId,
    run::{Input, Run},
    summary::RunSummary,
};
use orchestrate_provider::redact::Redactor;
use tokio::sync::mpsc;

use super::{RunRecord, RunSetup, open::RunError};
use crate::{
    approvals::Approver,
    calls::Calls,
    casting::Casting,
    driver::{Driver, People, Stop},
    gates::GateCommands,
    home::Home,
    items::Lists,
    live::{LiveBoard, Unobserved},
    prepare::Preparer,
    store::{BlobReader, JournalWriter},
    warming::Prefixes,
};

/// Runs `setup` to its rest in memory: no journal, no files, no answer of another run. Approvals are put to
/// `approver`, or wait.
pub async fn rehearse(
    setup: &RunSetup,
    approver: Option<Box<dyn Approver>>,
) -> Result<RunRecord, RunError> {
    let gates = GateCommands::idle("commands are not run in a rehearsal");
    rehearse_judged(setup, approver, gates).await
}

/// Like [`rehearse`], with gates decided by these commands.
pub(crate) async fn rehearse_judged(
    setup: &RunSetup,
    approver: Option<Box<dyn Approver>>,
    gates: GateCommands,
) -> Result<RunRecord, RunError> {
    let blobs = BlobReader::in_memory()?;
    let id = RunId::new("rehearsal");
    let (created, forked, contents) = setup.created(&id);
    let preparer = Preparer { gates, ..preparer(setup, blobs.clone(), forked.as_deref()) };
    let mut driver = Driver::new(
        Run::new(Arc::clone(&setup.plan)),
        RunSummary::new(Arc::clone(&setup.plan)),
        JournalWriter::in_memory(blobs.clone()),
        blobs.clone(),
        Arc::new(preparer),
        LiveBoard::default(),
        Box::new(Unobserved),
    );
    let attended = approver.is_some();
    driver.people = People::in_memory(approver);
    let first = [
        Input::Create { created, forked },
        Input::Opened { epoch: 1, program: "rehearsal".into() },
        Input::Attended(attended),
        Input::Resume { limits: None },
    ];
    let effects = driver.tell_all(first, contents).await?;
    let (_stop, mut stopped) = mpsc::channel::<Stop>(1);
    driver.drive(effects, &mut stopped).await?;
    let events = std::mem::take(&mut driver.recorded);
    let created = events.iter().find_map(|recorded| match &recorded.event {
        Event::RunCreated(created) => Some(created.clone()),
        _ => None,
    });
    Ok(RunRecord {
        events,
        created: created.expect("a run begins with its creation"),
        plan: Arc::clone(&setup.plan),
        inputs: setup.inputs.clone(),
        personas: setup.personas.clone(),
        summary: driver.summary.clone(),
        blobs,
    })
}

/// What prepares the calls of `setup`, without answers of earlier runs.
pub(super) fn preparer(
    setup: &RunSetup,
    blobs: BlobReader,
    forked: Option<&RunForked>,
) -> Preparer {
    Preparer {
        casting: Casting::new(Arc::clone(&setup.plan), &setup.inputs, setup.personas.clone()),
        input_notes: Casting::notes(&setup.inputs),
        model: setup.model.clone(),
        models: setup.models.clone(),
        cheaper: setup.cheaper.clone(),
        prices: setup.prices.clone(),
        facts: setup.facts.clone(),
        providers: setup.providers.clone(),
        blobs,
        fresh: setup.fresh.clone(),
        forked: forked.cloned(),
        // Without an index nothing is looked for there.
        home: Home::at("", ""),
        // What is decided holds no key, and nothing of a rehearsal is kept.
        redactor: Redactor::default(),
        index: None,
        persona_blobs: Mutex::default(),
        lists: Lists::default(),
        calls: Calls::default(),
        gates: GateCommands::idle("commands are not run in a rehearsal"),
        prefixes: Prefixes::default(),
        earlier_decisions: <_>::default(),
    }
}

/// An error and the causes behind it on one line.
pub(crate) fn told(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    let mut told: Vec<String> = causes.map(ToString::to_string).collect();
    told.dedup();
    told.join(": ")
}
