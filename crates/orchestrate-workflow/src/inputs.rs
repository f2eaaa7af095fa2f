//! Given texts to input values.

use indexmap::IndexMap;
use orchestrate_core::{
    neutral::excerpt,
    plan::{InputKind, InputSpec, InputValue},
    suggest,
};

/// One `-i key=value` as the command line gives it; contents of files are read already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Given {
    /// The text itself.
    Text(String),
    /// A file, from `key=@path`.
    File {
        /// The file's name as given.
        name: String,
        /// Its text.
        text: String,
    },
}

impl From<&InputValue> for Given {
    /// The value as it would be given again.
    fn from(value: &InputValue) -> Self {
        match value {
            InputValue::String(text) | InputValue::Enum(text) => Self::Text(text.clone()),
            InputValue::Integer(number) => Self::Text(number.to_string()),
            InputValue::Number(number) => Self::Text(number.to_string()),
            InputValue::Boolean(truth) => Self::Text(truth.to_string()),
            InputValue::File { name, text } => {
                Self::File { name: name.clone(), text: text.clone() }
            }
        }
    }
}

/// What is wrong with one input.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InputProblem {
    /// The workflow takes no such input.
    #[error("the workflow has no input `{name}`")]
    Unknown {
        /// The name as given.
        name: String,
        /// Which name may be meant.
        help: Option<String>,
    },
    /// A required input has no value.
    #[error("input `{name}` is missing")]
    Missing {
        /// The input.
        name: String,
        /// What the workflow says of it, and how to give it.
        help: String,
    },
    /// The value is not of the input's type.
    #[error("input `{name}` is of type {kind}, and `{value}` is not")]
    WrongType {
        /// The input.
        name: String,
        /// Its type.
        kind: &'static str,
        /// The value as given, shortened.
        value: String,
        /// What values it takes.
        help: Option<String>,
    },
    /// A file is wanted and a text was given.
    #[error("input `{name}` is a file, and a text was given")]
    NotAFile {
        /// The input.
        name: String,
        /// How to give a file.
        help: String,
    },
}

impl InputProblem {
    /// Whether a required input was not given, which is a mistake of the command line; every other
    /// problem is one of the input's content or name.
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::Missing { .. })
    }

    /// What to do about it.
    pub fn help(&self) -> Option<&str> {
        match self {
            Self::Unknown { help, .. } | Self::WrongType { help, .. } => help.as_deref(),
            Self::Missing { help, .. } | Self::NotAFile { help, .. } => Some(help),
        }
    }
}

/// Turns given texts into values, in the order of the specs: given ones first of all, then defaults.
/// An optional input without a value is left out. Every problem is reported at once.
pub fn resolve_inputs(
    specs: &IndexMap<String, InputSpec>,
    given: &IndexMap<String, Given>,
) -> Result<IndexMap<String, InputValue>, Vec<InputProblem>> {
    let mut values = IndexMap::new();
    let mut problems: Vec<InputProblem> = given
        .keys()
        .filter(|name| !specs.contains_key(*name))
        .map(|name| InputProblem::Unknown {
            name: excerpt(name, 80),
            help: suggest::advice(name, specs.keys().map(String::as_str))
                .or_else(|| Some("the workflow takes no inputs".to_owned())),
        })
        .collect();
    for (name, spec) in specs {
        match (given.get(name), &spec.default) {
            (Some(given), _) => match value(name, &spec.kind, given) {
                Ok(value) => {
                    values.insert(name.clone(), value);
                }
                Err(problem) => problems.push(problem),
            },
            (None, Some(default)) => {
                values.insert(name.clone(), default.clone());
            }
            (None, None) if spec.required => problems.push(missing(name, spec)),
            (None, None) => {}
        }
    }
    if problems.is_empty() { Ok(values) } else { Err(problems) }
}

fn missing(name: &str, spec: &InputSpec) -> InputProblem {
    let how = match (&spec.kind, name) {
        (InputKind::File, _) => format!("give it with `-i {name}=@path`"),
        (_, "task") => "give it with `--task \"…\"`, or `--task @file`".to_owned(),
        _ => format!("give it with `-i {name}=…`"),
    };
    let help = match &spec.help {
        Some(help) => format!("{help}: {how}"),
        None => how,
    };
    InputProblem::Missing { name: name.to_owned(), help }
}

fn value(name: &str, kind: &InputKind, given: &Given) -> Result<InputValue, InputProblem> {
    let (text, file) = match given {
        Given::Text(text) => (text, None),
        Given::File { name, text } => (text, Some(name)),
    };
    let word = text.trim();
    let value = match kind {
        InputKind::String => Some(InputValue::String(text.clone())),
        InputKind::File => {
            return match file {
                Some(file) => Ok(InputValue::File { name: file.clone(), text: text.clone() }),
                None => Err(InputProblem::NotAFile {
                    name: name.to_owned(),
                    help: format!("write `-i {name}=@path`, or `-i {name}=@-` for standard input"),
                }),
            };
        }
        InputKind::Integer => word.parse().ok().map(InputValue::Integer),
        InputKind::Number => {
            let finite = word.parse().ok().filter(|number: &f64| number.is_finite());
            finite.map(InputValue::Number)
        }
        InputKind::Boolean => match word {
            "true" => Some(InputValue::Boolean(true)),
            "false" => Some(InputValue::Boolean(false)),
            _ => None,
        },
        InputKind::Enum(words) => {
            words.iter().find(|known| *known == word).map(|known| InputValue::Enum(known.clone()))
        }
    };
    value.ok_or_else(|| InputProblem::WrongType {
        name: name.to_owned(),
        kind: kind.as_str(),
        value: excerpt(text, 80),
        help: match kind {
            InputKind::Integer => Some("give a whole number of 64 bits".to_owned()),
            InputKind::Number => Some("give a number such as `0.5`".to_owned()),
            InputKind::Boolean => Some("give `true` or `false`".to_owned()),
            InputKind::Enum(words) => suggest::advice(word, words.iter().map(String::as_str)),
            InputKind::String | InputKind::File => None,
        },
    })
}
