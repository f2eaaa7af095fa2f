//! The plan: a workflow compiled into steps that are known to be acyclic.

use std::collections::{BTreeMap, btree_map::Entry};

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::{
    budget::Budget,
    handoff::{DEFAULT_ALLOWANCE, Pass},
    ids::{Digest, StepPath},
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
    /// The steps in the order of the file, which is also the order of display.
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
    needs: Vec<Vec<usize>>,
    dependents: Vec<Vec<usize>>,
    stages: Vec<Vec<usize>>,
    /// By position, whether a brief of the step's document is worth having.
    briefs: Vec<bool>,
}

/// One node of a plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// The step's key in the workflow file.
    pub id: StepPath,
    /// What must be finished before it starts, without repetition.
    pub needs: Vec<Need>,
    /// What it does.
    pub action: Action,
    /// Whether its failure counts as met.
    pub optional: bool,
    /// File name, below the output folder, for its deliverable.
    pub save: Option<String>,
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
        let mut needs = Vec::with_capacity(parts.steps.len());
        let mut dependents = vec![Vec::new(); parts.steps.len()];
        let mut briefs = vec![false; parts.steps.len()];
        let asks = |at: usize| matches!(parts.steps[at].action, Action::Persona(_));
        for (position, step) in parts.steps.iter().enumerate() {
            let mut resolved = Vec::with_capacity(step.needs.len());
            for need in &step.needs {
                let &target = index.get(&need.step).ok_or_else(|| PlanError::UnknownNeed {
                    step: step.id.clone(),
                    need: need.step.clone(),
                })?;
                resolved.push(target);
                dependents[target].push(position);
                briefs[target] |= asks(target) && asks(position) && need.pass.relies_on_brief();
            }
            needs.push(resolved);
        }
        let stages = stages(&needs, &dependents).map_err(|cycle| {
            PlanError::Cycle(cycle.into_iter().map(|at| parts.steps[at].id.clone()).collect())
        })?;
        Ok(Self { parts, index, needs, dependents, stages, briefs })
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

    /// Positions of the steps that the step at `position` needs.
    pub fn needs(&self, position: usize) -> &[usize] {
        &self.needs[position]
    }

    /// Positions of the steps that need the step at `position`.
    pub fn dependents(&self, position: usize) -> &[usize] {
        &self.dependents[position]
    }

    /// Positions by stage: every step stands in the first stage after all its needs.
    pub fn stages(&self) -> &[Vec<usize>] {
        &self.stages
    }

    /// Whether a persona step relies on the handoff of the step at `position`, so that a brief of its
    /// document is worth having.
    pub fn wants_brief(&self, position: usize) -> bool {
        self.briefs[position]
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

/// Kahn's algorithm by levels; the error is a cycle in the direction of the needs.
fn stages(needs: &[Vec<usize>], dependents: &[Vec<usize>]) -> Result<Vec<Vec<usize>>, Vec<usize>> {
    let mut unmet: Vec<usize> = needs.iter().map(Vec::len).collect();
    let mut stage: Vec<usize> = (0..needs.len()).filter(|&at| unmet[at] == 0).collect();
    let mut stages = Vec::new();
    let mut placed = 0;
    while !stage.is_empty() {
        placed += stage.len();
        let mut next = Vec::new();
        for &done in &stage {
            for &dependent in &dependents[done] {
                unmet[dependent] -= 1;
                if unmet[dependent] == 0 {
                    next.push(dependent);
                }
            }
        }
        next.sort_unstable();
        stages.push(std::mem::replace(&mut stage, next));
    }
    if placed == needs.len() {
        return Ok(stages);
    }
    // Every step left over has an unmet need that is left over too, so following those needs must
    // come back to a step already seen.
    let mut at = unmet.iter().position(|&count| count > 0).unwrap_or_default();
    let mut seen = BTreeMap::new();
    let mut path = Vec::new();
    while let Entry::Vacant(unseen) = seen.entry(at) {
        unseen.insert(path.len());
        path.push(at);
        at = needs[at].iter().copied().find(|&need| unmet[need] > 0).unwrap_or(at);
    }
    Err(path.split_off(seen[&at]))
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
