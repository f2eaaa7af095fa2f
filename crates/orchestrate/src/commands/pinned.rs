//! `orchestrate run --plan FILE`: nothing is run that differs from what was looked at.

use std::path::Path;

use orchestrate_engine::{
    library::read_text,
    session::{Pinned, RunSetup},
};
use serde_json::Value;

use crate::exit::{CliError, Exit};

/// A plan file larger than this is refused.
const LIMIT: u64 = 64 << 20;

/// Refuses where anything of `setup` differs from the plan in `path`, and names what.
pub(super) fn check(path: &Path, setup: &RunSetup) -> Result<(), CliError> {
    let planned = read(path)?;
    let differences = planned.differences(&Pinned::of(setup));
    if differences.is_empty() {
        return Ok(());
    }
    let mut told = CliError::new(Exit::Invalid, "");
    told.more = differences.into_iter().map(|difference| (difference, None)).collect();
    let name = path.display();
    Err(told.help(format!("nothing was run: this differs from the plan in `{name}`")).help(
        "look at it again with `orchestrate plan … --format json`, with the same inputs, model and caps",
    ))
}

fn read(path: &Path) -> Result<Pinned, CliError> {
    let name = path.display();
    let refused = |message: String| {
        CliError::new(Exit::Invalid, message)
            .help("a plan is made with `orchestrate plan WORKFLOW … --format json > FILE`")
    };
    let text = read_text(path, LIMIT)?;
    let plan: Value = serde_json::from_str(&text)
        .map_err(|error| refused(format!("`{name}` is no plan: {error}")))?;
    match plan["schema"].as_str() {
        Some("orchestrate/plan/1") => {}
        Some(other) => return Err(refused(format!("`{name}` is no plan but `{other}`"))),
        None => return Err(refused(format!("`{name}` is no plan: it has no `schema`"))),
    }
    if plan["pinned"].is_null() {
        let missing: Vec<&str> =
            plan["missing"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        return Err(refused(format!(
            "the plan in `{name}` was made while something was missing: {}",
            missing.join("; ")
        )));
    }
    serde_json::from_value(plan["pinned"].clone())
        .map_err(|error| refused(format!("`{name}` is no plan: {error}")))
}
