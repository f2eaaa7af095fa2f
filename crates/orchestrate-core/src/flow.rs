//! When a step runs and how often: conditions, needs that did not succeed, fan-outs and groups.

use serde::{Deserialize, Serialize};

use crate::{ids::StepPath, plan::InputValue};

/// The most items that one fan-out may have.
pub const MOST_ITEMS: usize = 10_000;
/// The most step instances that one run may have, items and their steps counted.
pub const MOST_INSTANCES: usize = 100_000;
/// How deep groups may stand in each other.
pub const MOST_NESTED: usize = 4;

/// When a step runs, how often, and which group it belongs to. The default is once, as soon as all needs
/// have succeeded.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Flow {
    /// An expression; the step is skipped where it is false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub condition: Option<String>,
    /// What becomes of the step where a need did not succeed.
    #[serde(default, skip_serializing_if = "When::is_default")]
    pub when: When,
    /// The list whose items it runs for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub each: Option<ForEach>,
    /// The group that it is a step of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within: Option<StepPath>,
}

/// What becomes of a step where a need was skipped or failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// It runs where every need succeeded. The failure of an optional step counts as success.
    #[default]
    All,
    /// It runs where at least one need succeeded.
    Any,
    /// It runs whatever became of its needs.
    Always,
}

impl When {
    /// The word in a workflow file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Any => "any",
            Self::Always => "always",
        }
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
    fn is_default(&self) -> bool {
        *self == Self::All
    }
}

/// A fan-out: the step runs once for each item of a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ForEach {
    /// Where the items come from.
    pub list: ListSource,
    /// The variable that holds the item in the step's templates.
    pub name: String,
    /// Items at a time, where the workflow says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_parallel: Option<u32>,
    /// How many items have to succeed.
    #[serde(default)]
    pub join: Join,
}

/// Where the items of a fan-out come from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ListSource {
    /// The value of an expression, found once, when the step begins.
    Expression(String),
    /// Values that stand in the workflow file.
    Values(Vec<InputValue>),
}

/// How many items of a fan-out have to succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Join {
    /// Every one: the first failure fails the step.
    #[default]
    All,
    /// At least one.
    Any,
    /// None: a failed item is kept as a marked value.
    Settled,
}

impl Join {
    /// The word in a workflow file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Any => "any",
            Self::Settled => "settled",
        }
    }
}
