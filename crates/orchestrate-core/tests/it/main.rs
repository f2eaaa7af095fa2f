//! Behaviour of the core through its public surface.

mod approvals;
mod budget;
mod coverage;
mod run_properties;
mod run_rules;
mod support;
