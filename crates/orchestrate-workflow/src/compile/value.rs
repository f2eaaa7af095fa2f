//! Values written in YAML or JSON: from nodes to the value of an input.

use std::fmt::Write as _;

use orchestrate_core::{
    neutral::excerpt,
    plan::{InputKind, InputValue},
    suggest,
};
use serde_json::{Map, Number, Value};

use super::fields;
use crate::{
    codes,
    schemas::{Misfit, Schemas},
    yaml::{Kind, Node, Scalar, Sink, with_help},
};

/// Items of one list.
pub(crate) const MOST_ITEMS: usize = 10_000;
/// Values within one value.
pub(crate) const MOST_VALUES: usize = 100_000;
/// Lists and objects within each other.
pub(crate) const DEEPEST: usize = 32;

/// What a value is written for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Purpose<'p> {
    /// The code of what is wrong with it.
    pub(crate) code: &'static str,
    /// What it is called.
    pub(crate) what: &'p str,
}

/// The value of a kind, but for files; everything wrong with it is reported.
pub(crate) fn read(
    sink: &mut Sink<'_>,
    node: &Node,
    kind: &InputKind,
    purpose: Purpose<'_>,
    schemas: &dyn Schemas,
) -> Option<InputValue> {
    if !matches!(kind, InputKind::List(_) | InputKind::Object(_)) {
        return scalar(sink, node, kind, purpose);
    }
    let value = json(sink, node, purpose.what)?;
    match conform(&value, kind, schemas) {
        Ok(value) => Some(value),
        Err(misfits) => {
            for misfit in misfits {
                let span = node.place(&misfit.path).clone();
                let message = format!("{}: {}", purpose.what, said(&misfit));
                let found = sink.error(purpose.code, &span, message);
                sink.push(with_help(found, misfit.help));
            }
            None
        }
    }
}

/// A misfit with the way to it.
pub(crate) fn said(misfit: &Misfit) -> String {
    let mut way = String::new();
    for name in &misfit.path {
        // Writing to a String cannot fail.
        let _ = match name.parse::<usize>() {
            Ok(at) => write!(way, "[{at}]"),
            Err(_) if way.is_empty() => write!(way, "{name}"),
            Err(_) => write!(way, ".{name}"),
        };
    }
    let message = excerpt(&misfit.message, 400);
    if way.is_empty() { message } else { format!("`{}`: {message}", excerpt(&way, 120)) }
}

fn scalar(
    sink: &mut Sink<'_>,
    node: &Node,
    kind: &InputKind,
    purpose: Purpose<'_>,
) -> Option<InputValue> {
    let Kind::Scalar(scalar) = &node.kind else {
        let wanted = format!("a value of type {}", kind.as_str());
        fields::wrong_type(sink, node, purpose.what, &wanted, None);
        return None;
    };
    let value = match kind {
        InputKind::String => {
            return fields::text(sink, node, purpose.what).map(|t| InputValue::String(t.text));
        }
        InputKind::Integer => scalar.as_integer().map(InputValue::Integer),
        InputKind::Number => scalar.as_number().map(InputValue::Number),
        InputKind::Boolean => scalar.as_bool().map(InputValue::Boolean),
        InputKind::Enum(words) => {
            words.contains(&scalar.text).then(|| InputValue::Enum(scalar.text.clone()))
        }
        InputKind::File | InputKind::List(_) | InputKind::Object(_) => None,
    };
    if value.is_none() {
        let message = format!("`{}` is no value of type {}", scalar.text, kind.as_str());
        let problem = sink.error(purpose.code, &node.span, message);
        let help = match kind {
            InputKind::Enum(words) => sink.advice(&scalar.text, words.iter().map(String::as_str)),
            InputKind::Boolean => Some("write `true` or `false`".to_owned()),
            InputKind::Integer => Some("write a whole number, such as `2`".to_owned()),
            InputKind::Number => Some("write a number, such as `0.5`".to_owned()),
            _ => None,
        };
        sink.push(with_help(problem, help));
    }
    value
}

/// A node as JSON, within the limits.
pub(crate) fn json(sink: &mut Sink<'_>, node: &Node, what: &str) -> Option<Value> {
    let mut left = MOST_VALUES;
    json_below(sink, node, what, DEEPEST, &mut left)
}

fn json_below(
    sink: &mut Sink<'_>,
    node: &Node,
    what: &str,
    depth: usize,
    left: &mut usize,
) -> Option<Value> {
    if depth == 0 || *left == 0 {
        let message =
            format!("{what} has more than {MOST_VALUES} values, or nests deeper than {DEEPEST}");
        let problem = sink.error(codes::VALUE_TOO_LARGE, &node.span, message);
        sink.push_new(problem);
        return None;
    }
    *left -= 1;
    match &node.kind {
        Kind::Broken => None,
        Kind::Scalar(scalar) => json_scalar(sink, node, scalar),
        Kind::List(items) => {
            let mut values = Vec::with_capacity(items.len().min(*left));
            for item in items {
                values.push(json_below(sink, item, what, depth - 1, left)?);
            }
            Some(Value::Array(values))
        }
        Kind::Map(map) => {
            let mut members = Map::new();
            for entry in map.entries.values() {
                let value = json_below(sink, &entry.value, what, depth - 1, left)?;
                members.insert(entry.key.text.clone(), value);
            }
            Some(Value::Object(members))
        }
    }
}

fn json_scalar(sink: &mut Sink<'_>, node: &Node, scalar: &Scalar) -> Option<Value> {
    if scalar.is_null() {
        return Some(Value::Null);
    }
    if let Some(truth) = scalar.as_bool() {
        return Some(Value::Bool(truth));
    }
    if let Some(number) = scalar.as_integer() {
        return Some(Value::from(number));
    }
    match scalar.as_number() {
        // A float would keep sixteen digits of it.
        Some(_)
            if scalar.text.trim_start_matches(['-', '+']).bytes().all(|b| b.is_ascii_digit()) =>
        {
            let message = format!("`{}` is too large for 64 bits", excerpt(&scalar.text, 60));
            let problem = sink.error(codes::OUT_OF_RANGE, &node.span, message);
            sink.push(problem.help("quote it to have it as a text"));
            None
        }
        Some(number) => Number::from_f64(number).map(Value::Number),
        None => Some(Value::from(scalar.text.as_str())),
    }
}

/// A JSON value as the value of a kind; everything that does not fit.
pub(crate) fn conform(
    value: &Value,
    kind: &InputKind,
    schemas: &dyn Schemas,
) -> Result<InputValue, Vec<Misfit>> {
    let found = match (kind, value) {
        (InputKind::String, Value::String(text)) => Some(InputValue::String(text.clone())),
        (InputKind::Integer, Value::Number(number)) => number.as_i64().map(InputValue::Integer),
        (InputKind::Number, Value::Number(number)) => number.as_f64().map(InputValue::Number),
        (InputKind::Boolean, Value::Bool(truth)) => Some(InputValue::Boolean(*truth)),
        (InputKind::Enum(words), Value::String(word)) => {
            if words.contains(word) {
                return Ok(InputValue::Enum(word.clone()));
            }
            let message = format!("`{}` is none of {}", excerpt(word, 80), words.join(", "));
            let help = suggest::advice(word, words.iter().map(String::as_str));
            return Err(vec![Misfit::here(message, help)]);
        }
        (InputKind::List(items), Value::Array(values)) => return list(values, items, schemas),
        (InputKind::Object(schema), Value::Object(members)) => {
            let misfits =
                schema.as_ref().map(|schema| schemas.misfits(schema, value)).unwrap_or_default();
            return if misfits.is_empty() {
                Ok(InputValue::Object(members.clone()))
            } else {
                Err(misfits)
            };
        }
        _ => None,
    };
    found.ok_or_else(|| vec![wrong_kind(value, kind)])
}

fn list(
    values: &[Value],
    items: &InputKind,
    schemas: &dyn Schemas,
) -> Result<InputValue, Vec<Misfit>> {
    if values.len() > MOST_ITEMS {
        let message = format!("a list has at most {MOST_ITEMS} items, not {}", values.len());
        return Err(vec![Misfit::here(message, None)]);
    }
    let (mut list, mut misfits) = (Vec::with_capacity(values.len()), Vec::new());
    for (at, value) in values.iter().enumerate() {
        match conform(value, items, schemas) {
            Ok(value) => list.push(value),
            Err(found) => misfits.extend(found.into_iter().map(|one| one.below(at.to_string()))),
        }
    }
    if misfits.is_empty() { Ok(InputValue::List(list)) } else { Err(misfits) }
}

fn wrong_kind(value: &Value, kind: &InputKind) -> Misfit {
    let (is, help) = match value {
        Value::Null => ("nothing", None),
        Value::Bool(truth) => ("a boolean", quoted(kind, &truth.to_string())),
        Value::Number(number) => ("a number", quoted(kind, &number.to_string())),
        Value::String(text) if matches!(kind, InputKind::List(_)) => {
            ("a text", Some(format!("write `[{}]`", excerpt(text, 60))))
        }
        Value::String(_) => ("a text", None),
        Value::Array(_) => ("a list", None),
        Value::Object(_) => ("a map", None),
    };
    let wanted = match kind {
        InputKind::String | InputKind::Enum(_) => "a text",
        InputKind::Integer => "a whole number of 64 bits",
        InputKind::Number => "a number",
        InputKind::Boolean => "`true` or `false`",
        InputKind::File => "a file",
        InputKind::List(_) => "a list",
        InputKind::Object(_) => "a map",
    };
    Misfit::here(format!("must be {wanted}, not {is}"), help)
}

fn quoted(kind: &InputKind, text: &str) -> Option<String> {
    matches!(kind, InputKind::String | InputKind::Enum(_))
        .then(|| format!("quote it: `\"{text}\"`"))
}
