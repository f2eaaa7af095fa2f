//! The workflow language: YAML files to [`Plan`](orchestrate_core::plan::Plan)s with diagnostics,
//! given texts to input values, and templates to text.
//!
//! Nothing here performs I/O: a file's text, the names of personas, the values of steps all come in
//! as arguments, so the same file always compiles to the same plan and the same diagnostics.
//!
//! Limits: a file has at most [`MAX_SOURCE_BYTES`], nests at most 64 deep and expands aliases at most
//! 100,000-fold; a rendered text has at most [`MAX_RENDERED_BYTES`].

pub mod codes;

mod compile;
mod inputs;
mod template;
mod yaml;

pub use compile::{Catalogue, MAX_SOURCE_BYTES, compile, headline};
pub use inputs::{Given, InputProblem, resolve_inputs};
pub use template::{
    MAX_RENDERED_BYTES, Scope, StepValue, StepValues, TemplateError, evaluate, prints_task,
    render_prompt, render_text,
};
