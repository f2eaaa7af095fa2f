//! `orchestrate schema`.

use clap::{Args, ValueEnum};

use crate::{exit::Exit, terminal};

#[derive(Debug, Args)]
pub(crate) struct SchemaArguments {
    /// The files it is for
    #[arg(value_enum, default_value_t, value_name = "FILES")]
    pub(crate) of: SchemaOf,
}

/// The files that a schema describes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum SchemaOf {
    /// Workflow files
    #[default]
    Workflow,
    /// Files of tests
    Test,
}

pub(super) fn schema(arguments: &SchemaArguments) -> Exit {
    match arguments.of {
        SchemaOf::Test => terminal::out_json(&orchestrate_workflow::test_schema()),
        SchemaOf::Workflow => terminal::out_json(&orchestrate_workflow::editor_schema()),
    }
    Exit::Ok
}
