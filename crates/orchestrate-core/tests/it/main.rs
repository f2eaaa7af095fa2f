//! Behaviour of the core through its public surface.

mod approvals;
mod coverage;
mod run_properties;
mod run_reviews;
mod run_rules;
mod support;
