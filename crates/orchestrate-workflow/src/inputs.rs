//! Given texts to input values.

use std::sync::Arc;

use indexmap::IndexMap;
use orchestrate_core::{
    diagnostic::{Diagnostic, Source},
    neutral::excerpt,
    plan::{InputKind, InputSpec, InputValue},
    suggest,
};
use serde_json::Value;

use crate::{
    codes,
    compile::{
        MAX_SOURCE_BYTES,
        value::{self, Purpose, conform},
    },
    schemas::{Misfit, Schemas},
    yaml::{Entry, Holds, Kind, Node, Sink, read, with_help},
};

/// One `-i key=value` as the command line gives it; contents of files are read already.
#[derive(Debug, Clone, PartialEq)]
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
    /// Several, from `-i key=one -i key=two`: the items of a list.
    Several(Vec<Given>),
    /// A value of a file of inputs.
    Written(Box<Written>),
    /// A value that was read before, such as one of an earlier run.
    Value(Value),
    /// A stand-in for a value that is not known yet, taken as it is.
    StandIn(InputValue),
}

/// A value as it stands in a file of inputs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    source: Arc<Source>,
    entry: Entry,
}

impl Written {
    /// Whether it is a text of white space alone.
    pub fn is_blank(&self) -> bool {
        matches!(&self.entry.value.kind, Kind::Scalar(scalar) if scalar.text.trim().is_empty())
    }
}

/// Reads a file of inputs, YAML or JSON: a map of values by the names of inputs.
pub fn read_inputs(source: &Arc<Source>) -> (IndexMap<String, Given>, Vec<Diagnostic>) {
    match parsed(source, Holds::INPUTS) {
        Ok(Parsed::Node(node)) => written(source, node),
        Ok(Parsed::Json(Value::Object(members))) => {
            let given = members.into_iter().map(|(name, value)| (name, Given::Value(value)));
            (given.collect(), Vec::new())
        }
        Ok(Parsed::Json(_)) => {
            let message = "a file of inputs is a map of `name: value` lines";
            let problem = Diagnostic::error(codes::WRONG_TYPE, message).at(source, 0..0, "");
            (IndexMap::new(), vec![problem])
        }
        Err(problems) => (IndexMap::new(), problems),
    }
}

/// A value as it stands in another file that gives inputs.
pub(crate) fn written_entry(source: &Arc<Source>, entry: Entry) -> Given {
    Given::Written(Box::new(Written { source: Arc::clone(source), entry }))
}

fn written(source: &Arc<Source>, node: Node) -> (IndexMap<String, Given>, Vec<Diagnostic>) {
    let Kind::Map(map) = node.kind else {
        let message =
            format!("a file of inputs is a map of `name: value` lines, not {}", node.describe());
        let problem = Diagnostic::error(codes::WRONG_TYPE, message).at(source, node.span, "");
        return (IndexMap::new(), vec![problem]);
    };
    let given = map.entries.into_iter().map(|(name, entry)| {
        (name, Given::Written(Box::new(Written { source: Arc::clone(source), entry })))
    });
    (given.collect(), Vec::new())
}

/// A text that was read: as a tree that knows its places, or as JSON where YAML reads it differently.
enum Parsed {
    Node(Node),
    Json(Value),
}

/// Reads YAML; where it is none, but JSON (an escaped emoji, say), that.
fn parsed(source: &Arc<Source>, holds: Holds) -> Result<Parsed, Vec<Diagnostic>> {
    let mut sink = Sink::new(source);
    if source.text.len() > MAX_SOURCE_BYTES {
        let message = format!("it has {} bytes, and 4 MiB are the limit", source.text.len());
        let problem = sink.error(codes::FILE_TOO_LARGE, &(0..0), message);
        sink.push(problem.help("give long texts as inputs of type `file`"));
        return Err(sink.finish());
    }
    let node = read(&mut sink, holds);
    let problems = sink.finish();
    match node {
        Some(node) if problems.is_empty() => Ok(Parsed::Node(node)),
        _ if problems.iter().all(|problem| problem.code == codes::YAML_SYNTAX) => {
            serde_json::from_str(&source.text).map(Parsed::Json).map_err(|_| problems)
        }
        _ => Err(problems),
    }
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
            InputValue::List(_) | InputValue::Object(_) => Self::Value(value.to_json()),
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
    /// Several values for an input that takes one.
    #[error("the input `{name}` is given twice")]
    Repeated {
        /// The input.
        name: String,
    },
    /// Something within a value is not what its input takes.
    #[error("input `{name}`: {message}")]
    Misfit {
        /// The input.
        name: String,
        /// What is wrong, and where in the value.
        message: String,
        /// What to write instead.
        help: Option<String>,
    },
    /// Something is wrong at a place of a file, or of a text on the command line.
    #[error("{}", .0.message)]
    Placed(Box<Diagnostic>),
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

    /// Whether it is a mistake of the command line and not of what the inputs say.
    pub fn is_usage(&self) -> bool {
        matches!(self, Self::Missing { .. } | Self::Repeated { .. })
    }

    /// What to do about it.
    pub fn help(&self) -> Option<&str> {
        match self {
            Self::Unknown { help, .. }
            | Self::WrongType { help, .. }
            | Self::Misfit { help, .. } => help.as_deref(),
            Self::Missing { help, .. } | Self::NotAFile { help, .. } => Some(help),
            Self::Repeated { .. } => Some("only an input of type `list` takes several values"),
            Self::Placed(problem) => problem.help.first().map(String::as_str),
        }
    }
}

/// Turns given texts into values, in the order of the specs: given ones first of all, then defaults.
/// An optional input without a value is left out. Every problem is reported at once.
pub fn resolve_inputs(
    specs: &IndexMap<String, InputSpec>,
    given: &IndexMap<String, Given>,
    schemas: &dyn Schemas,
) -> Result<IndexMap<String, InputValue>, Vec<InputProblem>> {
    let mut values = IndexMap::new();
    let mut problems: Vec<InputProblem> = given
        .iter()
        .filter(|(name, _)| !specs.contains_key(*name))
        .map(|(name, given)| unknown(name, given, specs))
        .collect();
    for (name, spec) in specs {
        match (given.get(name), &spec.default) {
            (Some(given), _) => match of_kind(name, &spec.kind, given, schemas) {
                Ok(value) => {
                    values.insert(name.clone(), value);
                }
                Err(found) => problems.extend(found),
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

fn unknown(name: &str, given: &Given, specs: &IndexMap<String, InputSpec>) -> InputProblem {
    let help = suggest::advice(name, specs.keys().map(String::as_str))
        .or_else(|| Some("the workflow takes no inputs".to_owned()));
    let name = excerpt(name, 80);
    let Given::Written(written) = given else { return InputProblem::Unknown { name, help } };
    let message = format!("the workflow has no input `{name}`");
    let span = written.entry.key.span.clone();
    let found = Diagnostic::error(codes::UNKNOWN_INPUT, message).at(&written.source, span, "");
    InputProblem::Placed(Box::new(with_help(found, help)))
}

/// What is given as a value of its input's kind.
fn of_kind(
    name: &str,
    kind: &InputKind,
    given: &Given,
    schemas: &dyn Schemas,
) -> Result<InputValue, Vec<InputProblem>> {
    match (kind, given) {
        (_, Given::Written(written)) => {
            if matches!(kind, InputKind::File) {
                let message = format!("input `{name}` is a file, and no file is named here");
                let span = written.entry.value.span.clone();
                let found = Diagnostic::error(codes::BAD_INPUT, message)
                    .at(&written.source, span, "")
                    .help(format!("remove it, and give the file with `-i {name}=@path`"));
                return Err(vec![InputProblem::Placed(Box::new(found))]);
            }
            placed(name, kind, &written.source, &written.entry.value, schemas)
        }
        (_, Given::Value(value)) => conformed(name, kind, value, schemas),
        (_, Given::StandIn(value)) => Ok(value.clone()),
        (InputKind::List(items), Given::Several(several)) => {
            each(name, items, several.iter(), schemas)
        }
        (_, Given::Several(_)) => Err(vec![InputProblem::Repeated { name: name.to_owned() }]),
        (InputKind::List(items), Given::Text(text)) if !text.trim_start().starts_with('[') => {
            if text.trim().is_empty() {
                let message = "nothing is given".to_owned();
                let help = Some(format!("write `-i {name}=[]` for an empty list"));
                return Err(vec![InputProblem::Misfit { name: name.to_owned(), message, help }]);
            }
            each(name, items, [given].into_iter(), schemas)
        }
        (InputKind::List(_) | InputKind::Object(_), Given::Text(text)) => {
            structured(name, kind, &Source::new(format!("-i {name}"), text.as_str()), schemas)
        }
        (InputKind::List(items), Given::File { name: file, .. }) if !holds_data(file) => {
            each(name, items, [given].into_iter(), schemas)
        }
        (InputKind::List(_) | InputKind::Object(_), Given::File { name: file, text }) => {
            structured(name, kind, &Source::new(file.as_str(), text.as_str()), schemas)
        }
        _ => value(name, kind, given).map_err(|problem| vec![problem]),
    }
}

/// Whether a file is read as YAML where a list is wanted: by its name, or since it came by a pipe. Any other
/// file is the text of one item.
fn holds_data(file: &str) -> bool {
    let ends = |ending: &str| file.to_ascii_lowercase().ends_with(ending);
    file == "standard input" || [".yaml", ".yml", ".json"].into_iter().any(ends)
}

/// The items of a list, each given by itself.
fn each<'g>(
    name: &str,
    items: &InputKind,
    several: impl ExactSizeIterator<Item = &'g Given>,
    schemas: &dyn Schemas,
) -> Result<InputValue, Vec<InputProblem>> {
    if several.len() > value::MOST_ITEMS {
        let message = format!("a list has at most {} items", value::MOST_ITEMS);
        return Err(vec![InputProblem::Misfit { name: name.to_owned(), message, help: None }]);
    }
    let (mut values, mut problems) = (Vec::new(), Vec::new());
    for given in several {
        match of_kind(name, items, given, schemas) {
            Ok(value) => values.push(value),
            Err(found) => problems.extend(found),
        }
    }
    if problems.is_empty() { Ok(InputValue::List(values)) } else { Err(problems) }
}

/// A list or an object, written as YAML or JSON.
fn structured(
    name: &str,
    kind: &InputKind,
    source: &Arc<Source>,
    schemas: &dyn Schemas,
) -> Result<InputValue, Vec<InputProblem>> {
    match parsed(source, Holds::VALUE) {
        Ok(Parsed::Node(node)) => placed(name, kind, source, &node, schemas),
        Ok(Parsed::Json(value)) => conformed(name, kind, &value, schemas),
        Err(problems) => Err(in_places(problems)),
    }
}

fn placed(
    name: &str,
    kind: &InputKind,
    source: &Arc<Source>,
    node: &Node,
    schemas: &dyn Schemas,
) -> Result<InputValue, Vec<InputProblem>> {
    let mut sink = Sink::new(source);
    let what = format!("input `{name}`");
    let purpose = Purpose { code: codes::BAD_INPUT, what: &what };
    let value = value::read(&mut sink, node, kind, purpose, schemas);
    match (value, sink.finish()) {
        (Some(value), problems) if problems.is_empty() => Ok(value),
        (_, problems) => Err(in_places(problems)),
    }
}

fn in_places(problems: Vec<Diagnostic>) -> Vec<InputProblem> {
    problems.into_iter().map(|problem| InputProblem::Placed(Box::new(problem))).collect()
}

fn conformed(
    name: &str,
    kind: &InputKind,
    value: &Value,
    schemas: &dyn Schemas,
) -> Result<InputValue, Vec<InputProblem>> {
    let problem = |misfit: Misfit| InputProblem::Misfit {
        name: name.to_owned(),
        message: value::said(&misfit),
        help: misfit.help,
    };
    conform(value, kind, schemas).map_err(|found| found.into_iter().map(problem).collect())
}

fn missing(name: &str, spec: &InputSpec) -> InputProblem {
    let how = match (&spec.kind, name) {
        (InputKind::File, _) => format!("give it with `-i {name}=@path`"),
        (InputKind::List(_), _) => {
            format!("give each item with `-i {name}=…`, or all with `-i {name}=[…]`")
        }
        (InputKind::Object(_), _) => {
            format!("give it with `-i {name}={{…}}` or `-i {name}=@file.yaml`")
        }
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
        Given::Several(_) | Given::Written(_) | Given::Value(_) | Given::StandIn(_) => {
            return Err(InputProblem::Repeated { name: name.to_owned() });
        }
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
        InputKind::List(_) | InputKind::Object(_) => None,
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
            InputKind::String | InputKind::File | InputKind::List(_) | InputKind::Object(_) => None,
        },
    })
}
