//! The plan: a workflow compiled into steps that are known to be acyclic.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::{
    flow::Flow,
    ids::{Digest, StepPath},
    plan_shape::Shape,
    request::{Parameters, Timeouts},
};

/// What a plan is made of, before it is known to be sound.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlanParts {
    /// The workflow's name.
    pub workflow: String,
    /// One line on what it is for.
    pub summary: Option<String>,
    /// The inputs it takes, in the order of the file.
    pub inputs: IndexMap<String, InputSpec>,
    /// The steps in the order of the file, which is also the order of display. The steps of a group
    /// stand after it.
    pub steps: Vec<Step>,
    /// Named templates that make up the result; where there are none, the deliverables do.
    pub outputs: IndexMap<String, String>,
    /// Calls at a time, where the workflow says.
    pub concurrency: Option<u32>,
}

/// A compiled workflow. It cannot be built with a cycle, an unknown need or a repeated step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "PlanParts", into = "PlanParts")]
pub struct Plan {
    parts: PlanParts,
    index: IndexMap<StepPath, usize>,
    shape: Shape,
}

/// One node of a plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// The step's key in the workflow file, behind that of its group where it has one: `group/step`.
    pub id: StepPath,
    /// What must be finished before it starts, without repetition.
    pub needs: Vec<Need>,
    /// What it does.
    pub action: Action,
    /// Whether its failure counts as met.
    pub optional: bool,
    /// File name, below the output folder, for its deliverable.
    pub save: Option<String>,
    /// When it runs and how often.
    #[serde(default)]
    pub flow: Flow,
}

/// An edge: the step that has it needs another one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Need {
    /// The step that is needed.
    pub step: StepPath,
    /// Whether its handoff goes into the prompt by itself. False where the prompt already prints the
    /// deliverable, or where the edge comes from a reference alone.
    pub handoff: bool,
}

/// What a step does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Asks a persona.
    Persona(Box<PersonaStep>),
    /// Renders a template, without a model.
    Render(String),
    /// Runs the steps that say they are within it.
    Group,
}

/// A step in which a persona works.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PersonaStep {
    /// Who works.
    pub persona: PersonaChoice,
    /// What the author asks of this step, a template.
    pub prompt: Option<String>,
    /// Model alias or `provider:model`, where the workflow says.
    pub model: Option<String>,
    /// Settings that shape the answer.
    pub parameters: Parameters,
    /// How long a call may take.
    pub timeouts: Timeouts,
}

/// How a step's persona is found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PersonaChoice {
    /// By name.
    Named(String),
    /// By the value of an expression.
    Choose {
        /// Persona by value, in the order of the file.
        cases: IndexMap<String, String>,
        /// The expression whose value is looked up.
        by: String,
        /// What happens for any other value.
        otherwise: Otherwise,
    },
}

impl PersonaChoice {
    /// Every persona that may be chosen, in order.
    pub fn candidates(&self) -> Vec<&str> {
        match self {
            Self::Named(name) => vec![name],
            Self::Choose { cases, otherwise, .. } => {
                let mut names: Vec<&str> = Vec::new();
                let fallback = match otherwise {
                    Otherwise::Persona(name) => Some(name),
                    Otherwise::Fail | Otherwise::Match => None,
                };
                for name in cases.values().chain(fallback) {
                    if !names.contains(&name.as_str()) {
                        names.push(name);
                    }
                }
                names
            }
        }
    }
}

/// What a choice does with a value that is none of its cases.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Otherwise {
    /// The step fails.
    Fail,
    /// The candidate that fits the task best; where none fits, the first, and it is said.
    Match,
    /// This persona.
    Persona(String),
}

/// An input a workflow takes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InputSpec {
    /// What values it takes.
    pub kind: InputKind,
    /// Whether a run without it is refused.
    pub required: bool,
    /// The value where none is given.
    pub default: Option<InputValue>,
    /// One line for people.
    pub help: Option<String>,
}

/// What values an input takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InputKind {
    /// Any text.
    String,
    /// A whole number of 64 bits.
    Integer,
    /// A finite number.
    Number,
    /// `true` or `false`.
    Boolean,
    /// One of these words.
    Enum(Vec<String>),
    /// The text of a file.
    File,
    /// Several values of one kind.
    List(Box<InputKind>),
    /// A map of names to anything; where there is a JSON Schema, what it allows.
    Object(Option<serde_json::Value>),
}

impl InputKind {
    /// The word for it in a workflow file.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::Boolean => "boolean",
            Self::Enum(_) => "enum",
            Self::File => "file",
            Self::List(_) => "list",
            Self::Object(_) => "object",
        }
    }
}

/// The value of an input.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InputValue {
    /// Text, for `string`.
    String(String),
    /// For `integer`.
    Integer(i64),
    /// For `number`; finite.
    Number(f64),
    /// For `boolean`.
    Boolean(bool),
    /// For `enum`, one of its words.
    Enum(String),
    /// For `file`.
    File {
        /// The file's name as given.
        name: String,
        /// Its text.
        text: String,
    },
    /// For `list`; all of the list's kind.
    List(Vec<InputValue>),
    /// For `object`, what its schema allows.
    Object(serde_json::Map<String, serde_json::Value>),
}

/// Why parts do not make a plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// Two steps share an id.
    #[error("step `{0}` is defined twice")]
    DuplicateStep(StepPath),
    /// A step needs one that does not exist.
    #[error("step `{step}` needs `{need}`, which does not exist")]
    UnknownNeed {
        /// The step that needs.
        step: StepPath,
        /// The step that is missing.
        need: StepPath,
    },
    /// A step needs one that stands in another group.
    #[error("step `{step}` needs `{need}`, which is not in the same group")]
    OtherGroup {
        /// The step that needs.
        step: StepPath,
        /// The step in another group.
        need: StepPath,
    },
    /// A step says that it is within something that is no group before it.
    #[error("step `{step}` is within `{group}`, which is no group before it")]
    NoGroup {
        /// The step.
        step: StepPath,
        /// What it names.
        group: StepPath,
    },
    /// A group has no steps.
    #[error("group `{0}` has no steps")]
    EmptyGroup(StepPath),
    /// Steps need each other in a circle; each needs the next, the last needs the first.
    #[error("steps need each other in a circle: {}", .0.iter().map(StepPath::as_str).collect::<Vec<_>>().join(" → "))]
    Cycle(Vec<StepPath>),
}

impl Plan {
    /// Builds a plan in time linear in steps and needs.
    pub fn build(parts: PlanParts) -> Result<Self, PlanError> {
        let mut index = IndexMap::with_capacity(parts.steps.len());
        for (position, step) in parts.steps.iter().enumerate() {
            if index.insert(step.id.clone(), position).is_some() {
                return Err(PlanError::DuplicateStep(step.id.clone()));
            }
        }
        let shape = Shape::of(&parts.steps, &index)?;
        Ok(Self { parts, index, shape })
    }

    /// The workflow's name.
    pub fn workflow(&self) -> &str {
        &self.parts.workflow
    }

    /// One line on what the workflow is for.
    pub fn summary(&self) -> Option<&str> {
        self.parts.summary.as_deref()
    }

    /// The inputs it takes.
    pub fn inputs(&self) -> &IndexMap<String, InputSpec> {
        &self.parts.inputs
    }

    /// The steps in the order of the file.
    pub fn steps(&self) -> &[Step] {
        &self.parts.steps
    }

    /// Named templates that make up the result.
    pub fn outputs(&self) -> &IndexMap<String, String> {
        &self.parts.outputs
    }

    /// Calls at a time, where the workflow says.
    pub fn concurrency(&self) -> Option<u32> {
        self.parts.concurrency
    }

    /// The position of a step.
    pub fn position(&self, step: &StepPath) -> Option<usize> {
        self.index.get(step).copied()
    }

    /// The step with this id.
    pub fn step(&self, step: &StepPath) -> Option<&Step> {
        self.position(step).map(|at| &self.parts.steps[at])
    }

    /// The position of the step that an instance is one of: `outer[2]/inner[0]` is one of `outer/inner`.
    pub fn position_of(&self, instance: &StepPath) -> Option<usize> {
        self.position(&instance.step())
    }

    /// Positions of the steps that the step at `position` needs, all of its own group.
    pub fn needs(&self, position: usize) -> &[usize] {
        &self.shape.needs[position]
    }

    /// Positions of the steps that need the step at `position`.
    pub fn dependents(&self, position: usize) -> &[usize] {
        &self.shape.dependents[position]
    }

    /// Positions by stage: every step stands in the first stage after all its needs. The steps of a group
    /// stand after what the group needs, and the group itself after its steps.
    pub fn stages(&self) -> &[Vec<usize>] {
        &self.shape.stages
    }

    /// Positions of the steps that stand in no group.
    pub fn top(&self) -> &[usize] {
        &self.shape.top
    }

    /// Positions of the steps of the group at `position`; none where it is no group.
    pub fn members(&self, position: usize) -> &[usize] {
        &self.shape.members[position]
    }

    /// The position of the group that the step at `position` is within.
    pub fn group(&self, position: usize) -> Option<usize> {
        self.shape.group[position]
    }

    /// The place of the step at `position` among the steps of its group, or among those in none.
    pub fn ordinal(&self, position: usize) -> usize {
        self.shape.ordinal[position]
    }

    /// What an arrow leads from to the step at `position` where a plan is drawn: its needs, for the first
    /// steps of a group what the group needs, and for a group its last steps.
    pub fn drawn_before(&self, position: usize) -> Vec<usize> {
        if self.members(position).is_empty() {
            return self.shape.before(position);
        }
        let last = |&at: &usize| self.dependents(at).is_empty();
        self.members(position).iter().copied().filter(last).collect()
    }

    /// Whether the step at `position` may run more than once: it, or a group around it, is a fan-out.
    pub fn repeats(&self, position: usize) -> bool {
        let mut at = Some(position);
        while let Some(step) = at {
            if self.parts.steps[step].flow.each.is_some() {
                return true;
            }
            at = self.group(step);
        }
        false
    }

    /// Whether a persona step relies on the handoff of the step at `position`, so that a brief of its
    /// document is worth having.
    pub fn wants_brief(&self, position: usize) -> bool {
        matches!(self.parts.steps[position].action, Action::Persona(_))
            && self.shape.relied_on[position]
    }

    /// The hash of the whole plan, to which a run is pinned.
    pub fn digest(&self) -> Digest {
        Digest::of(self.to_json())
    }

    /// The plan as JSON, byte-stable.
    pub fn to_json(&self) -> String {
        serde_json::to_string(&self.parts).expect("a plan holds only text, numbers and lists")
    }
}

impl TryFrom<PlanParts> for Plan {
    type Error = PlanError;

    fn try_from(parts: PlanParts) -> Result<Self, PlanError> {
        Self::build(parts)
    }
}

impl From<Plan> for PlanParts {
    fn from(plan: Plan) -> Self {
        plan.parts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(steps: &[(&str, &[&str])]) -> Result<Plan, PlanError> {
        let steps = steps.iter().map(|(id, needs)| Step {
            id: (*id).into(),
            needs: needs.iter().map(|need| Need { step: (*need).into(), handoff: true }).collect(),
            action: Action::Render("x".into()),
            optional: false,
            save: None,
            flow: Flow::default(),
        });
        Plan::build(PlanParts {
            workflow: "w".into(),
            summary: None,
            inputs: IndexMap::new(),
            steps: steps.collect(),
            outputs: IndexMap::new(),
            concurrency: None,
        })
    }

    #[test]
    fn a_step_stands_in_the_first_stage_after_its_needs() {
        let plan =
            plan(&[("d", &["b", "c"]), ("b", &["a"]), ("c", &[]), ("a", &[])]).expect("sound");
        assert_eq!(plan.stages(), [vec![2, 3], vec![1], vec![0]]);
    }

    #[test]
    fn a_cycle_is_named_in_the_order_of_its_needs() {
        let error = plan(&[("a", &["c"]), ("b", &["a"]), ("c", &["b", "x"]), ("x", &[])])
            .expect_err("cyclic");
        assert_eq!(error.to_string(), "steps need each other in a circle: a → c → b");
        let alone = plan(&[("a", &["a"])]).expect_err("cyclic");
        assert_eq!(alone, PlanError::Cycle(vec!["a".into()]));
        let behind = plan(&[("z", &["a"]), ("a", &["b"]), ("b", &["a"])]).expect_err("cyclic");
        assert_eq!(behind.to_string(), "steps need each other in a circle: a → b");
    }

    #[test]
    fn a_cyclic_plan_cannot_be_read_back_either() {
        let sound = plan(&[("a", &[]), ("b", &["a"])]).expect("sound").to_json();
        assert!(serde_json::from_str::<Plan>(&sound).is_ok());
        let cyclic = sound.replace(r#""needs":[]"#, r#""needs":[{"step":"b","handoff":true}]"#);
        assert!(serde_json::from_str::<Plan>(&cyclic).is_err());
    }
}
