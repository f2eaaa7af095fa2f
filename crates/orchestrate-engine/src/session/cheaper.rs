//! The model that a workflow's `on_reached: cheaper` means: the one of the alias `fast`, and no other.

use orchestrate_core::{budget::Relief, diagnostic::Diagnostic, plan::Plan, request::ModelRef};

use orchestrate_provider::cassette::RecordedModels;

use super::rehearsal::told;
use crate::{config::Config, providers::Providers};

/// The alias that names it.
pub(crate) const CHEAPER_ALIAS: &str = "fast";

/// The model, where the workflow wants one and it can be asked at a known price. Otherwise what is missing is
/// said as a warning, and calls are made without it.
pub(super) fn find(
    config: &Config,
    plan: &Plan,
    warnings: &mut Vec<Diagnostic>,
) -> Option<ModelRef> {
    if !plan.budget().on_reached.contains(&Relief::Cheaper) {
        return None;
    }
    let (why, help) = match named(config) {
        Ok(model) => return Some(model),
        Err(found) => found,
    };
    let message = format!("`on_reached: cheaper` does nothing here: {why}");
    warnings.push(Diagnostic::warning("no-cheaper-model", message).help(help));
    None
}

/// The model that a recorded run had for that.
pub(super) fn recorded(models: &RecordedModels, plan: &Plan) -> Option<ModelRef> {
    let wanted = plan.budget().on_reached.contains(&Relief::Cheaper);
    models.aliases.get(CHEAPER_ALIAS).filter(|_| wanted).cloned()
}

fn named(config: &Config) -> Result<ModelRef, (String, String)> {
    let example =
        || "name a model in your config: [models] fast = \"openai:gpt-5-nano\"".to_owned();
    if !config.aliases().any(|alias| alias.name == CHEAPER_ALIAS) {
        return Err((format!("no alias `{CHEAPER_ALIAS}` names a model"), example()));
    }
    let model = config.resolve(CHEAPER_ALIAS).map_err(|error| (told(&error), example()))?;
    Providers::for_models(config, [&model])
        .map_err(|error| (told(&error), "`orchestrate doctor` shows what is missing".to_owned()))?;
    if config.price(&model).is_none() {
        let why = format!("the price of `{model}` is not known");
        let help = format!("add [prices.\"{model}\"] with `input` and `output` to your config");
        return Err((why, help));
    }
    Ok(model)
}
