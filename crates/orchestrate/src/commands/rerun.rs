//! `orchestrate rerun`.

use std::path::{Path, PathBuf};

use orchestrate_core::{ids::StepPath, plan::Action, suggest};
use orchestrate_engine::{
    config::Chain,
    session::{Rework, RunOptions, RunRecord, RunSetup, Workspace, find_run},
};

use super::{cassette, common};
use crate::{
    cli::RerunArguments,
    exit::{CliError, Exit},
};

pub(super) fn rerun(workspace: &Workspace, arguments: &RerunArguments) -> Result<Exit, CliError> {
    if arguments.remark.as_deref().is_some_and(|remark| remark.trim().is_empty()) {
        return Err(CliError::new(Exit::Usage, "the remark is empty")
            .help("say what is to be different: -m \"…\"; without -m the step is done anew"));
    }
    let id = find_run(&workspace.home, Some(&arguments.run))?;
    let record = RunRecord::read(&workspace.home.run(&id))?;
    let workflow = RunSetup::find_workflow(workspace, &record.created.workflow_source)?;
    let offline = arguments.offline
        || (record.created.offline
            && arguments.model.is_none()
            && arguments.cassette.replay.is_none());
    let created = &record.created;
    // Like an offline run, a replay stays what it was until a model is asked for.
    let again = created.replay.as_deref().filter(|_| !offline && arguments.model.is_none());
    let replay = arguments.cassette.replay.as_deref().or(again.map(Path::new));
    if replay.is_some() && arguments.cassette.record.is_some() {
        return Err(CliError::new(
            Exit::Usage,
            "a replay asks no model, so that there is nothing to record",
        )
        .help("name a model with --model, or leave --record out"));
    }
    let replay = cassette::replay(replay)?;
    let caps = common::limits(&arguments.caps);
    // Without a word everything stays what it was, whatever the configuration says now.
    let options = RunOptions {
        model: arguments.model.clone().or_else(|| created.model_flag.clone()),
        usual_model: (!created.offline && arguments.cassette.replay.is_none())
            .then(|| Chain { model: created.model.clone(), fallbacks: created.fallbacks.clone() }),
        offline,
        update_lock: arguments.update_lock,
        limits: caps.or(record.summary.limits),
        concurrency: (created.at_first.is_none()
            && record.plan.concurrency() != Some(created.concurrency))
        .then_some(created.concurrency),
        fresh: orchestrate_core::event::Freshness::Reuse,
        output: common::output(arguments.output.as_ref())?
            .or_else(|| created.output.as_ref().map(PathBuf::from)),
        selection: created.selection.clone(),
        replay,
    };
    let setup = RunSetup::decide(workspace, &workflow, &record.given_inputs(), &options)?;
    common::refuse_mistakes(&setup, &workflow)?;
    let step = arguments.step.as_deref().map(StepPath::new);
    if let (Some(step), Some(_)) = (&step, &arguments.remark)
        && let Some(Action::Approve(_)) = setup.plan.step(step).map(|step| &step.action)
    {
        let message = format!("step `{step}` asks a person, whom a remark would not reach");
        return Err(CliError::new(Exit::Usage, message)
            .help("leave -m out to be asked again, or remark on a step whose work is to change"));
    }
    let rework = Rework {
        from: id,
        earlier: step
            .as_ref()
            .filter(|_| arguments.remark.is_some())
            .map(|step| earlier(&record, step))
            .transpose()?,
        step,
        remark: arguments.remark.clone(),
        before: record.reworks()?,
    };
    let record = arguments.cassette.record.as_deref();
    common::start(workspace, &mut setup.rework(rework)?, &arguments.show, record)
}

/// The document that the remark speaks of.
fn earlier(record: &RunRecord, step: &StepPath) -> Result<String, CliError> {
    let Some(summary) = record.summary.step(step) else {
        let known = record.plan.steps().iter().map(|step| step.id.as_str());
        let error = CliError::new(Exit::Invalid, format!("the run has no step `{step}`"));
        return Err(suggest::advice(step.as_str(), known).into_iter().fold(error, CliError::help));
    };
    if let Some(at) = record.plan.position(step)
        && (record.plan.repeats(at) || record.plan.steps()[at].action.is_group())
    {
        let message = format!("`{step}` is made of several documents, and a remark speaks of one");
        let mut names = record.summary.instances().map(|told| &told.step);
        let help = match names.find(|path| path.step() == *step && path.as_str().ends_with(']')) {
            Some(item) => format!("name an item, for example `{item}`"),
            None => "name one of its steps".to_owned(),
        };
        return Err(CliError::new(Exit::Invalid, message).help(help));
    }
    match summary.deliverable {
        Some(digest) => Ok(record.blobs.text(&digest)?),
        None => {
            Err(CliError::new(Exit::Invalid, format!("step `{step}` has no document to remark on"))
                .help("leave -m out to do the step for the first time"))
        }
    }
}
