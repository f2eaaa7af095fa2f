//! The plan: a workflow compiled into steps that are known to be acyclic.

use std::sync::Arc;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::{
    budget::Budget,
    called::WorkflowStep,
    flow::Flow,
    handoff::{DEFAULT_ALLOWANCE, Pass},
    ids::{Digest, StepPath},
    persona::Gate,
    plan_shape::Shape,
    policy::OnUnknown,
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
    /// What its runs may use.
    #[serde(default, skip_serializing_if = "Budget::is_usual")]
    pub budget: Budget,
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
    /// What the handoff consists of.
    #[serde(default, skip_serializing_if = "Pass::is_usual")]
    pub pass: Pass,
    /// Tokens that it may bring, where the workflow says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u32>,
}

impl Need {
    /// An edge about which the workflow says nothing more.
    pub fn on(step: impl Into<StepPath>) -> Self {
        Self { step: step.into(), handoff: true, pass: Pass::Fit, max_tokens: None }
    }

    /// Tokens that its handoff may bring into a prompt; none where it hands nothing over by itself.
    pub fn allowance(&self) -> u64 {
        if self.handoff { self.max_tokens.map_or(DEFAULT_ALLOWANCE, u64::from) } else { 0 }
    }

    /// What the workflow says of the edge, in a few words: `brief, 4000 tokens at most`.
    pub fn terms(&self) -> Option<String> {
        let pass = match self.pass {
            Pass::Fit => None,
            Pass::Full => Some("full".to_owned()),
            Pass::Brief => Some("brief".to_owned()),
            Pass::None => Some("order only".to_owned()),
        };
        let cap = self.max_tokens.map(|cap| format!("{cap} tokens at most"));
        let terms: Vec<String> = pass.into_iter().chain(cap).collect();
        (!terms.is_empty()).then(|| terms.join(", "))
    }

    /// The needed step, with what the workflow says of the edge: `data (brief)`.
    pub fn label(&self) -> String {
        match self.terms() {
            Some(terms) => format!("{} ({terms})", self.step),
            None => self.step.to_string(),
        }
    }
}

/// What a step does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Asks a persona.
    Persona(Box<PersonaStep>),
    /// Renders a template, without a model.
    Render(String),
    /// Asks a person.
    Approve(ApprovalStep),
    /// Runs the steps that say they are within it.
    Group,
    /// Runs the steps of another workflow, which say that they are within it.
    Workflow(Box<WorkflowStep>),
}

impl Action {
    /// Whether it is made of steps.
    pub fn is_group(&self) -> bool {
        matches!(self, Self::Group | Self::Workflow(_))
    }

    /// Whether its document is no more than those of its steps.
    pub fn only_gathers(&self) -> bool {
        match self {
            Self::Group => true,
            Self::Workflow(called) => called.outputs.is_empty(),
            Self::Persona(_) | Self::Render(_) | Self::Approve(_) => false,
        }
    }
}

/// A step in which a person says yes or no.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovalStep {
    /// What is asked, a template.
    pub question: String,
    /// How long there is time, in milliseconds; after that the step fails.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_ms: Option<u64>,
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
    /// What becomes of a call of which nobody knows whether it was answered.
    #[serde(default, skip_serializing_if = "is_retried")]
    pub on_unknown: OnUnknown,
    /// Attempts at each of its calls in all, where the workflow allows fewer than the run does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempts: Option<u16>,
    /// What the answer's value has to be, where it is not a document alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<OutputSpec>,
    /// Who judges the document, where somebody does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub review: Option<Box<ReviewSpec>>,
    /// How often an answer that does not fit its schema is asked for again.
    #[serde(default = "default_repairs", skip_serializing_if = "is_default_repairs")]
    pub repairs: u16,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_retried(on_unknown: &OnUnknown) -> bool {
    *on_unknown == OnUnknown::Retry
}

/// Repairs of one answer where the workflow does not say.
pub const DEFAULT_REPAIRS: u16 = 1;

fn default_repairs() -> u16 {
    DEFAULT_REPAIRS
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_default_repairs(repairs: &u16) -> bool {
    *repairs == DEFAULT_REPAIRS
}

/// How a document is reviewed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReviewSpec {
    /// The expression that says whether there is a review at all, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub condition: Option<String>,
    /// The personas that judge, each by its own gates and those written here.
    pub by: Vec<String>,
    /// Rounds at most: a verdict each, and a new version between two.
    pub rounds: u16,
    /// What happens to the step where the document does not pass.
    pub on_fail: OnFail,
    /// Gates beside those of the reviewers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gates: Vec<Gate>,
}

impl ReviewSpec {
    /// Who judges and how often, in a line: `reviewed by ml-engineer, up to 3 rounds`, with the condition.
    pub fn told(&self) -> String {
        let rounds = if self.rounds == 1 {
            "1 round".into()
        } else {
            format!("up to {} rounds", self.rounds)
        };
        let condition = self.condition.as_ref().map(|condition| format!(", if {condition}"));
        format!("reviewed by {}, {rounds}{}", self.by.join(", "), condition.unwrap_or_default())
    }

    /// Calls at most beside the draft, repairs and missing briefs left out: verdicts and new versions.
    pub fn most_calls(&self) -> u64 {
        let rounds = u64::from(self.rounds);
        rounds * self.by.len() as u64 + rounds.saturating_sub(1)
    }
}

/// What happens to a step whose document does not pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnFail {
    /// The step fails.
    #[default]
    Stop,
    /// The step goes on with the last version, and says that it has not passed.
    Continue,
    /// A person says whether the step goes on with the last version all the same.
    Approve,
}

/// The value that a step's answer has to be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OutputSpec {
    /// The JSON Schema that it has to fit.
    pub schema: Arc<serde_json::Value>,
    /// Whether it is the built-in list of findings.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub findings: bool,
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

    /// What its runs may use, as the workflow says.
    pub fn budget(&self) -> &Budget {
        &self.parts.budget
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

    /// What the step at `position` calls, where it runs another workflow.
    pub fn called(&self, position: usize) -> Option<&WorkflowStep> {
        match &self.parts.steps[position].action {
            Action::Workflow(called) => Some(called),
            Action::Persona(_) | Action::Render(_) | Action::Approve(_) | Action::Group => None,
        }
    }

    /// The position of the step that called the workflow to which the step at `position` belongs; none for
    /// the workflow that is run itself.
    pub fn caller(&self, position: usize) -> Option<usize> {
        let mut at = self.group(position);
        while let Some(group) = at {
            if self.called(group).is_some() {
                break;
            }
            at = self.group(group);
        }
        at
    }

    /// The step whose needs are handed to the step at `position`: itself, or where it has none, the group that
    /// it is a first step of.
    pub fn handing(&self, position: usize) -> usize {
        let mut at = position;
        loop {
            match self.group(at) {
                Some(group) if self.needs(at).is_empty() => at = group,
                _ => return at,
            }
        }
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
        // A review holds figures of the brief against its metrics.
        matches!(self.parts.steps[position].action, Action::Persona(_))
            && (self.shape.relied_on[position] || self.review(position).is_some())
    }

    /// How often an answer of the step at `position` that does not fit its schema is asked for again.
    pub fn repairs(&self, position: usize) -> u16 {
        match &self.parts.steps[position].action {
            Action::Persona(step) => step.repairs,
            Action::Render(_) | Action::Approve(_) | Action::Group | Action::Workflow(_) => 0,
        }
    }

    /// How the document of the step at `position` is reviewed, where it is.
    pub fn review(&self, position: usize) -> Option<&ReviewSpec> {
        match &self.parts.steps[position].action {
            Action::Persona(step) => step.review.as_deref(),
            Action::Render(_) | Action::Approve(_) | Action::Group | Action::Workflow(_) => None,
        }
    }

    /// The value that the answer of this step has to be, where it has to be one. For a fan-out it is that of
    /// each item.
    pub fn output(&self, step: &StepPath) -> Option<&OutputSpec> {
        match &self.step(step)?.action {
            Action::Persona(step) => step.output.as_ref(),
            Action::Workflow(called) => called.output.as_ref(),
            Action::Render(_) | Action::Approve(_) | Action::Group => None,
        }
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
            needs: needs.iter().map(|need| Need::on(*need)).collect(),
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
            budget: Budget::default(),
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
