//! `orchestrate run`.

use orchestrate_core::event::Freshness;
use orchestrate_engine::session::{RunOptions, RunSetup, Workspace};

use super::{common, inputs};
use crate::{
    cli::RunArguments,
    exit::{CliError, Exit},
};

pub(super) fn run(workspace: &Workspace, arguments: &RunArguments) -> Result<Exit, CliError> {
    let workflow = RunSetup::find_workflow(workspace, &arguments.workflow)?;
    let given = inputs::given(&arguments.inputs)?;
    let options = RunOptions {
        model: arguments.model.model.clone(),
        offline: arguments.model.offline,
        limits: common::limits(&arguments.caps),
        concurrency: arguments.concurrency,
        fresh: freshness(&arguments.fresh),
        output: common::output(arguments.output.as_ref())?,
        usual_model: None,
        update_lock: arguments.update_lock,
    };
    let mut setup = RunSetup::decide(workspace, &workflow, &given, &options)?;
    common::start(workspace, &mut setup, &arguments.show)
}

/// `--fresh` alone is for all steps, `--fresh=STEP` for one.
fn freshness(given: &[String]) -> Freshness {
    if given.is_empty() {
        Freshness::Reuse
    } else if given.iter().any(String::is_empty) {
        Freshness::All
    } else {
        Freshness::Steps(given.iter().map(|step| step.as_str().into()).collect())
    }
}
