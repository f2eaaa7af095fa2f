//! `orchestrate graph`.

use orchestrate_engine::session::{RunSetup, Workspace};

use crate::{
    cli::{GraphArguments, GraphFormat},
    exit::{CliError, Exit},
    terminal,
};

pub(super) fn graph(workspace: &Workspace, arguments: &GraphArguments) -> Result<Exit, CliError> {
    let workflow = RunSetup::find_workflow(workspace, &arguments.workflow)?;
    let (plan, _, warnings) = RunSetup::compile(workspace, &workflow)?;
    terminal::diagnostics(&warnings);
    terminal::out(&match arguments.format {
        GraphFormat::Text => orchestrate_report::drawing(&plan, terminal::width()),
        GraphFormat::Mermaid => orchestrate_report::mermaid(&plan),
        GraphFormat::Dot => orchestrate_report::dot(&plan),
        GraphFormat::Svg => orchestrate_report::svg(&plan),
    });
    Ok(Exit::Ok)
}
