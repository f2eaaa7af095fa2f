//! Behaviour of the core through its public surface.

mod approvals;
mod budget;
mod coverage;
mod flow_properties;
mod flow_rules;
mod instances;
mod random_plans;
mod run_crossings;
mod run_properties;
mod run_reviews;
mod run_rules;
mod setbacks;
mod storm;
mod support;
