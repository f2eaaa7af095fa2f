//! `orchestrate run`.

use orchestrate_engine::session::{RunSetup, Workspace};

use super::{common, inputs, pinned};
use crate::{
    cli::RunArguments,
    exit::{CliError, Exit},
};

pub(super) fn run(workspace: &Workspace, arguments: &RunArguments) -> Result<Exit, CliError> {
    let workflow = RunSetup::find_workflow(workspace, &arguments.workflow)?;
    let given = inputs::given(workspace, &workflow, &arguments.inputs, true)?;
    let options = common::options(&arguments.flags)?;
    let mut setup = RunSetup::decide(workspace, &workflow, &given, &options)?;
    common::refuse_mistakes(&setup, &workflow)?;
    if let Some(path) = &arguments.plan {
        pinned::check(path, &setup)?;
    }
    let record = arguments.flags.cassette.record.as_deref();
    common::start(workspace, &mut setup, &arguments.flags.show, record)
}
