//! What a plan that was looked at pins a run to, and what differs since.

use indexmap::IndexMap;
use orchestrate_core::{
    ids::{Digest, StepPath},
    money::Money,
    plan::Action,
    policy::Limits,
    request::ModelRef,
};
use serde::{Deserialize, Serialize};

use super::RunSetup;

/// Everything of a decided run that must be as it was: by hashes, so that a plan file says nothing of
/// personas and inputs that it does not have to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pinned {
    /// The workflow's name.
    pub workflow: String,
    /// The hash of the compiled plan.
    pub plan: Digest,
    /// The hash of each persona that a step may choose, by name.
    pub personas: IndexMap<String, Digest>,
    /// The hash of each input's value, by name.
    pub inputs: IndexMap<String, Digest>,
    /// The model of each step that asks a persona.
    pub models: IndexMap<StepPath, ModelRef>,
    /// The models that are asked where that one cannot be had, of each step that has such.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub fallbacks: IndexMap<StepPath, Vec<ModelRef>>,
    /// The caps.
    pub limits: Limits,
}

impl Pinned {
    /// What `setup` would be pinned to.
    pub fn of(setup: &RunSetup) -> Self {
        let persona_steps =
            || setup.plan.steps().iter().filter(|step| matches!(step.action, Action::Persona(_)));
        let chains = || persona_steps().map(|step| (step.id.clone(), setup.chain(&step.id)));
        let inputs = setup.inputs.iter().map(|(name, value)| {
            let json = serde_json::to_vec(value).expect("inputs are plain data");
            (name.clone(), Digest::of(json))
        });
        Self {
            workflow: setup.plan.workflow().to_owned(),
            plan: setup.plan.digest(),
            personas: setup.personas.iter().map(|(name, one)| (name.clone(), one.digest)).collect(),
            inputs: inputs.collect(),
            models: chains().map(|(step, (model, _))| (step, model.clone())).collect(),
            fallbacks: chains()
                .filter(|(_, (_, fallbacks))| !fallbacks.is_empty())
                .map(|(step, (_, fallbacks))| (step, fallbacks.to_vec()))
                .collect(),
            limits: setup.limits,
        }
    }

    /// What differs in `now`, a line for each.
    pub fn differences(&self, now: &Self) -> Vec<String> {
        let mut found = Vec::new();
        if self.workflow != now.workflow {
            found.push(format!("the workflow is `{}`, not `{}`", now.workflow, self.workflow));
        } else if self.plan != now.plan {
            found.push(format!("workflow `{}` is another one now", now.workflow));
        }
        named(&mut found, "persona", &self.personas, &now.personas);
        named(&mut found, "input", &self.inputs, &now.inputs);
        for (step, model) in &now.models {
            if let Some(before) = self.models.get(step).filter(|before| *before != model) {
                found.push(format!("the model of step `{step}` is {model}, not {before}"));
            }
            let behind = |pinned: &Self| chain(pinned.fallbacks.get(step));
            let (before, now) = (behind(self), behind(now));
            if self.models.contains_key(step) && before != now {
                found.push(format!("behind the model of step `{step}` stands {now}, not {before}"));
            }
        }
        let told = |limits: &Limits| {
            [
                ("calls", limits.max_calls.map(|cap| cap.to_string())),
                ("tokens", limits.max_tokens.map(|cap| cap.to_string())),
                ("usd", limits.max_cost.map(Money::exact)),
                ("wall", limits.max_wall_ms.map(|cap| format!("{} s", cap / 1_000))),
            ]
        };
        for ((cap, before), (_, now)) in told(&self.limits).into_iter().zip(told(&now.limits)) {
            if before != now {
                let say = |value: Option<String>| value.unwrap_or_else(|| "none".to_owned());
                found.push(format!("the cap `{cap}` is {}, not {}", say(now), say(before)));
            }
        }
        found
    }
}

/// The models behind another one, in order.
fn chain(fallbacks: Option<&Vec<ModelRef>>) -> String {
    match fallbacks {
        Some(models) if !models.is_empty() => {
            models.iter().map(ToString::to_string).collect::<Vec<_>>().join(", then ")
        }
        _ => "no other".to_owned(),
    }
}

fn named(
    found: &mut Vec<String>,
    what: &str,
    before: &IndexMap<String, Digest>,
    now: &IndexMap<String, Digest>,
) {
    for (name, digest) in before {
        match now.get(name) {
            None => found.push(format!("{what} `{name}` is not there any more")),
            Some(other) if other != digest => {
                found.push(format!("{what} `{name}` is another one now"));
            }
            Some(_) => {}
        }
    }
    for name in now.keys().filter(|name| !before.contains_key(*name)) {
        found.push(format!("{what} `{name}` is new"));
    }
}
