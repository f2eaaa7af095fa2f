//! What a replay needs to know of the models of a workflow: how they were named, and where calls went.

use std::collections::BTreeMap;

use orchestrate_core::{
    neutral,
    request::{Endpoint, ModelRef},
};
use serde::{Deserialize, Serialize};

use super::{CassetteError, Fault, VERSION};

/// The models of a workflow's recorded runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedModels {
    /// The version of the format.
    pub cassette: u32,
    /// The workflow.
    pub workflow: String,
    /// The model of steps that name none.
    pub model: ModelRef,
    /// Whether the command line asked for it, for every step.
    pub every_step: bool,
    /// What names stood for.
    pub aliases: BTreeMap<String, ModelRef>,
    /// The models that were asked where one could not be had, by the name that steps had for it, or by
    /// `provider:model`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fallbacks: BTreeMap<String, Vec<ModelRef>>,
    /// Where calls went, by provider.
    pub endpoints: BTreeMap<String, Endpoint>,
}

/// A name of a model that the cassette does not know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the cassette knows no model `{name}`")]
pub struct UnresolvedModel {
    /// The name.
    pub name: String,
    /// What to do.
    pub help: String,
}

impl RecordedModels {
    /// The ending of their file's name.
    pub const ENDING: &'static str = ".models.json";

    /// Nothing but the model of steps that name none.
    pub fn new(workflow: impl Into<String>, model: ModelRef, every_step: bool) -> Self {
        Self {
            cassette: VERSION,
            workflow: workflow.into(),
            model,
            every_step,
            aliases: BTreeMap::new(),
            fallbacks: BTreeMap::new(),
            endpoints: BTreeMap::new(),
        }
    }

    /// The name of their file. Names of workflows are small letters, digits and dashes.
    pub fn file_name(&self) -> String {
        let plain =
            |c: char| if c.is_ascii_alphanumeric() || c == '-' || c == '_' { c } else { '-' };
        format!("{}{}", self.workflow.chars().map(plain).collect::<String>(), Self::ENDING)
    }

    /// The file's text.
    pub fn to_text(&self) -> String {
        serde_json::to_string_pretty(self).expect("names are plain data") + "\n"
    }

    /// Reads a file.
    pub fn read(file: &str, text: &str) -> Result<Self, CassetteError> {
        let read = serde_json::from_str::<Self>(text).map_err(|error| {
            let told = error.to_string();
            // The place is told in front.
            let what = told.split(" at line ").next().unwrap_or_default();
            Fault::at(error.line().max(1), neutral::excerpt(what, 200))
        });
        let read = read.and_then(|models| match models.cassette {
            VERSION => Ok(models),
            newer => Err(Fault::at(1, format!("format {newer} is not known here, only {VERSION}"))
                .help("use the version of orchestrate that wrote it")),
        });
        read.map_err(|fault| fault.of(file, text))
    }

    /// The model for a step: the command line's, else what the recorded command line asked for, else the
    /// step's own, else the usual one.
    pub fn model(
        &self,
        flag: Option<&str>,
        step: Option<&str>,
    ) -> Result<ModelRef, UnresolvedModel> {
        match (flag, step) {
            (Some(name), _) => self.resolve(name),
            (None, Some(name)) if !self.every_step => self.resolve(name),
            (None, _) => Ok(self.model.clone()),
        }
    }

    /// The models that are asked where that one cannot be had, in order.
    pub fn fallbacks(&self, flag: Option<&str>, step: Option<&str>) -> Vec<ModelRef> {
        let name = match (flag, step) {
            (Some(name), _) => name.to_owned(),
            (None, Some(name)) if !self.every_step => name.to_owned(),
            (None, _) => self.model.to_string(),
        };
        self.fallbacks.get(&name).cloned().unwrap_or_default()
    }

    fn resolve(&self, name: &str) -> Result<ModelRef, UnresolvedModel> {
        if let Some(model) = self.aliases.get(name) {
            return Ok(model.clone());
        }
        name.parse().map_err(|_| {
            let known: Vec<&str> = self.aliases.keys().map(String::as_str).collect();
            let help = if known.is_empty() {
                "it was recorded without any alias: write `provider:model`, or record again"
                    .to_owned()
            } else {
                format!("it knows {}; or write `provider:model`", known.join(", "))
            };
            UnresolvedModel { name: name.to_owned(), help }
        })
    }

    /// Where calls of a provider went. Of one that was not recorded nothing is known, and none of its
    /// calls will be found.
    pub fn endpoint(&self, provider: &str) -> Endpoint {
        self.endpoints.get(provider).cloned().unwrap_or_else(|| Endpoint {
            provider: provider.to_owned(),
            origin: "not recorded".to_owned(),
            dialect: "not recorded".to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn models() -> RecordedModels {
        let model = |text: &str| text.parse().expect("a model");
        let mut models = RecordedModels::new("review", model("openai:a"), false);
        models.aliases.insert("fast".into(), model("openai:b"));
        models
    }

    #[test]
    fn a_model_is_named_as_it_was_when_it_was_recorded() {
        let named = |models: &RecordedModels, flag, step| {
            models.model(flag, step).expect("known").to_string()
        };
        let own = models();
        assert_eq!(named(&own, None, None), "openai:a");
        assert_eq!(named(&own, None, Some("fast")), "openai:b");
        assert_eq!(named(&own, Some("x:y"), Some("fast")), "x:y");
        let every = RecordedModels { every_step: true, ..models() };
        assert_eq!(named(&every, None, Some("fast")), "openai:a");
        assert_eq!(named(&every, Some("fast"), None), "openai:b");
        let error = own.model(None, Some("strong")).expect_err("unknown");
        assert_eq!(error.help, "it knows fast; or write `provider:model`");
    }

    #[test]
    fn the_file_comes_back_and_what_is_wrong_has_a_line() {
        let text = models().to_text();
        assert_eq!(RecordedModels::read("m", &text), Ok(models()));
        let told = |text: &str| RecordedModels::read("m", text).expect_err("wrong").to_string();
        assert_eq!(
            told(&text.replace("\"cassette\": 1", "\"cassette\": 2")),
            "m:1: format 2 is not known here, only 1"
        );
        assert!(told(&text.replace("openai:a", "a")).starts_with("m:4: `a` does not name a model"));
        assert_eq!(
            told(&format!("<<<<<<< a\n{text}=======\n>>>>>>> b\n")),
            "m:1: a merge left a conflict here"
        );
    }
}
