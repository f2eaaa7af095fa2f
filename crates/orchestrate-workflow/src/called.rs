//! The inputs of a workflow that a step calls: what `with` says, evaluated once, when the step begins.

use indexmap::IndexMap;
use orchestrate_core::{
    called::{Passed, WorkflowStep},
    neutral::excerpt,
    plan::{InputKind, InputSpec, InputValue},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    compile::value::{conform, said},
    schemas::Schemas,
    template::{self, Passing, Scope, TemplateError},
};

/// The largest that the inputs of one call are together, as JSON: 16 MiB.
const MOST_BYTES: usize = 16 << 20;
/// Origins of one value that are named.
const MOST_NAMED: usize = 5;

/// The inputs that a called workflow was given.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct CalledInputs {
    /// Their values, defaults included.
    pub values: IndexMap<String, InputValue>,
    /// What the texts of an input are made of beside words of the calling workflow and of the user, by the
    /// input's name: `step data`, `item topic`.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub made_of: IndexMap<String, Vec<String>>,
    /// Whether the task is the user's own.
    #[serde(default)]
    pub users_task: bool,
}

impl CalledInputs {
    /// What the fence around a text of this input says of where it comes from.
    pub fn origin(&self, name: &str) -> String {
        let whose = match name {
            "task" if self.users_task => "the task, from the user".to_owned(),
            "task" => "the task, from the workflow around this one".to_owned(),
            name => format!("the input `{name}`"),
        };
        whose + &self.ingredients(name)
    }

    /// What is said of an input's texts behind its name.
    pub(crate) fn ingredients(&self, name: &str) -> String {
        match self.made_of.get(name) {
            Some(made_of) if !made_of.is_empty() => format!(", made with {}", made_of.join(", ")),
            _ => String::new(),
        }
    }
}

/// Why a called workflow cannot be given its inputs.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// What `with` says has no value.
    #[error("input `{input}` of `{workflow}` has no value")]
    Template {
        /// The called workflow.
        workflow: String,
        /// The input.
        input: String,
        /// What is wrong.
        #[source]
        error: TemplateError,
    },
    /// The value is not what the input takes.
    #[error("input `{input}` of `{workflow}` is of type {kind}: {message}")]
    Misfit {
        /// The called workflow.
        workflow: String,
        /// The input.
        input: String,
        /// Its type.
        kind: &'static str,
        /// What is wrong, and what was seen.
        message: String,
        /// What to do about it.
        help: Option<String>,
    },
    /// A required input got no value.
    #[error("input `{input}` of `{workflow}` is missing: `with` gives it nothing")]
    Missing {
        /// The called workflow.
        workflow: String,
        /// The input.
        input: String,
    },
    /// All values together are too large.
    #[error("the inputs of `{workflow}` are larger than 16 MiB together")]
    TooLarge {
        /// The called workflow.
        workflow: String,
    },
}

impl CallError {
    /// What to do about it.
    pub fn help(&self) -> Option<&str> {
        match self {
            Self::Template { error, .. } => error.help(),
            Self::Misfit { help, .. } => help.as_deref(),
            Self::Missing { .. } => Some("give it a value that is always there, or a default"),
            Self::TooLarge { .. } => Some("pass briefs instead of whole documents"),
        }
    }
}

/// What one input is given.
struct Given {
    value: Option<InputValue>,
    made_of: Vec<String>,
    users_task: bool,
}

/// Evaluates what a step gives the workflow that it calls.
///
/// # Errors
/// The first input without the value that it takes.
pub fn call_inputs(
    step: &WorkflowStep,
    scope: &Scope<'_>,
    schemas: &dyn Schemas,
) -> Result<CalledInputs, CallError> {
    let mut inputs = CalledInputs::default();
    let mut bytes = 0;
    for (name, spec) in &step.inputs {
        let given = match step.with.get(name) {
            None => Given { value: None, made_of: Vec::new(), users_task: false },
            Some(passed) => given(step, name, spec, passed, scope, schemas)?,
        };
        let value = match (given.value, &spec.default) {
            (Some(value), _) => value,
            (None, Some(default)) => default.clone(),
            (None, None) if spec.required => {
                let (workflow, input) = (step.workflow.clone(), name.clone());
                return Err(CallError::Missing { workflow, input });
            }
            (None, None) => continue,
        };
        bytes += serde_json::to_string(&value).map_or(0, |text| text.len());
        if bytes > MOST_BYTES {
            return Err(CallError::TooLarge { workflow: step.workflow.clone() });
        }
        if name == "task" {
            inputs.users_task = given.users_task;
        }
        if !given.made_of.is_empty() {
            inputs.made_of.insert(name.clone(), given.made_of);
        }
        inputs.values.insert(name.clone(), value);
    }
    Ok(inputs)
}

/// What is known of the inputs before the run: those that hang on steps are left out and named.
pub fn known_call_inputs(
    step: &WorkflowStep,
    scope: &Scope<'_>,
    schemas: &dyn Schemas,
) -> (CalledInputs, Vec<String>) {
    let (mut inputs, mut open) = (CalledInputs::default(), Vec::new());
    for (name, spec) in &step.inputs {
        let given =
            step.with.get(name).map(|passed| given(step, name, spec, passed, scope, schemas));
        match (given, &spec.default) {
            (Some(Err(_)), _) => open.push(name.clone()),
            (Some(Ok(Given { value: Some(value), users_task, .. })), _) => {
                inputs.users_task |= name == "task" && users_task;
                inputs.values.insert(name.clone(), value);
            }
            (_, Some(default)) => {
                inputs.values.insert(name.clone(), default.clone());
            }
            (_, None) => {}
        }
    }
    (inputs, open)
}

fn given(
    step: &WorkflowStep,
    name: &str,
    spec: &InputSpec,
    passed: &Passed,
    scope: &Scope<'_>,
    schemas: &dyn Schemas,
) -> Result<Given, CallError> {
    let failed = |error: TemplateError| CallError::Template {
        workflow: step.workflow.clone(),
        input: name.to_owned(),
        error,
    };
    let (seen, mut made_of) = match passed {
        Passed::Value(value) => {
            let value = Some(value.clone());
            return Ok(Given { value, made_of: Vec::new(), users_task: false });
        }
        Passed::Task => {
            let outer = scope.steps.called_with();
            let made_of = outer.and_then(|outer| outer.made_of.get("task")).cloned();
            let seen = scope.inputs.get("task").map(|task| {
                let value = task.to_json();
                let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                Passing { text: Some(text), value }
            });
            (seen, made_of.unwrap_or_default())
        }
        Passed::Expression(expression) => {
            let seen = template::evaluate_passing(expression, scope).map_err(failed)?;
            (seen, template::ingredients(expression, true, scope))
        }
        Passed::Template(text) => {
            let rendered = template::render_text(text, scope).map_err(failed)?;
            let value = Value::from(rendered.as_str());
            let seen = Passing { text: Some(rendered), value };
            (Some(seen), template::ingredients(text, false, scope))
        }
    };
    let users_task = matches!(passed, Passed::Task)
        && scope.steps.called_with().is_none_or(|outer| outer.users_task);
    if made_of.len() > MOST_NAMED {
        let more = made_of.len() - MOST_NAMED;
        made_of.truncate(MOST_NAMED);
        made_of.push(format!("{more} more"));
    }
    let value = seen.map(|seen| {
        typed(&seen, &spec.kind, schemas).map_err(|(message, help)| CallError::Misfit {
            workflow: step.workflow.clone(),
            input: name.to_owned(),
            kind: spec.kind.as_str(),
            message,
            help,
        })
    });
    Ok(Given { value: value.transpose()?, made_of, users_task })
}

/// What is wrong, and what to do about it.
type Wrong = (String, Option<String>);

/// A value as one of an input's kind.
fn typed(seen: &Passing, kind: &InputKind, schemas: &dyn Schemas) -> Result<InputValue, Wrong> {
    if let (InputKind::String | InputKind::File, Some(text)) = (kind, &seen.text) {
        return Ok(InputValue::String(text.clone()));
    }
    let kind = match kind {
        InputKind::File => &InputKind::String,
        kind => kind,
    };
    conform(&seen.value, kind, schemas).map_err(|misfits| {
        let Some(first) = misfits.first() else { return ("it does not fit".to_owned(), None) };
        let more = match misfits.len() - 1 {
            0 => String::new(),
            more => format!(", and {more} more"),
        };
        let shown = match &seen.value {
            Value::String(text) => format!("the text `{}`", excerpt(text, 60)),
            Value::Array(items) => format!("a list of {} items", items.len()),
            Value::Object(_) => "a map".to_owned(),
            single => format!("`{single}`"),
        };
        (format!("{}{more}; it got {shown}", said(first)), first.help.clone())
    })
}
