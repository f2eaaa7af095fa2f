//! The inputs a workflow takes.

use indexmap::IndexMap;
use orchestrate_core::plan::{InputKind, InputSpec, InputValue};

use super::fields;
use crate::{
    codes,
    yaml::{Kind, Map, Node, Sink, Text, with_help},
};

const KEYS: [&str; 5] = ["type", "required", "default", "help", "enum"];
const TYPES: [&str; 6] = ["string", "integer", "number", "boolean", "enum", "file"];

/// Reads `inputs:`. An input that is wrong in itself is still there under its name, as a text, so
/// that references to it are not reported as well.
pub(super) fn read(sink: &mut Sink<'_>, node: &Node) -> IndexMap<String, InputSpec> {
    let mut inputs = IndexMap::new();
    let Some(map) = fields::any_map(sink, node, "`inputs`") else { return inputs };
    for entry in map.entries.values() {
        fields::check_name(sink, &entry.key, "an input's name");
        let spec = spec(sink, &entry.key, &entry.value);
        inputs.insert(entry.key.text.clone(), spec.unwrap_or_else(fallback));
    }
    inputs
}

fn fallback() -> InputSpec {
    InputSpec { kind: InputKind::String, required: true, default: None, help: None }
}

fn spec(sink: &mut Sink<'_>, name: &Text, node: &Node) -> Option<InputSpec> {
    if matches!(&node.kind, Kind::Scalar(scalar) if !scalar.is_null()) {
        let kind = plain_kind(sink, node)?;
        return Some(InputSpec { kind, ..fallback() });
    }
    let what = format!("input `{}`", name.text);
    let map = fields::map(sink, node, &what, &KEYS)?;
    let kind = kind(sink, map, name);
    let help = map.get("help").and_then(|entry| fields::text(sink, &entry.value, "`help`"));
    let required = map.get("required").and_then(|entry| {
        Some((fields::boolean(sink, &entry.value, "`required`")?, entry.key.span.clone()))
    });
    let kind = kind?;
    let default = map.get("default").map(|entry| {
        if let Some((true, span)) = &required {
            let message = format!("{what} is required and has a default");
            let problem = sink.error(codes::INPUT_CONFLICT, &entry.key.span, message).at(
                sink.source(),
                span.clone(),
                "required here",
            );
            sink.push(
                problem.help("remove one of the two: an input with a default is never missing"),
            );
        }
        default(sink, &kind, &entry.key, &entry.value)
    });
    Some(InputSpec {
        required: required.map_or(default.is_none(), |(required, _)| required),
        default: default.flatten(),
        kind,
        help: help.map(|help| help.text),
    })
}

/// The kind that `type` and `enum` say together.
fn kind(sink: &mut Sink<'_>, map: &Map, name: &Text) -> Option<InputKind> {
    let words = map.get("enum").map(|entry| words(sink, &entry.value));
    let Some(entry) = map.get("type") else {
        return match words {
            None => Some(InputKind::String),
            Some(words) => words.map(InputKind::Enum),
        };
    };
    let typed = fields::text(sink, &entry.value, "`type`")?;
    match (typed.text.as_str(), words) {
        ("enum" | "string", Some(words)) => words.map(InputKind::Enum),
        ("enum", None) => {
            let message = format!("input `{}` is an enum without its words", name.text);
            fields::missing_key(sink, &typed.span, message, "add `enum: [one, two]`");
            None
        }
        (other, Some(_)) if TYPES.contains(&other) => {
            let message = format!("an input of type `{other}` takes no `enum`");
            let problem = sink.error(codes::INPUT_CONFLICT, &typed.span, message);
            sink.push(problem.help("remove `type`: `enum` says it all"));
            None
        }
        _ => plain_kind(sink, &entry.value),
    }
}

/// A kind that needs nothing but its name.
fn plain_kind(sink: &mut Sink<'_>, node: &Node) -> Option<InputKind> {
    let typed = fields::text(sink, node, "`type`")?;
    Some(match typed.text.as_str() {
        "string" => InputKind::String,
        "integer" => InputKind::Integer,
        "number" => InputKind::Number,
        "boolean" => InputKind::Boolean,
        "file" => InputKind::File,
        "enum" => {
            let message = "an enum without its words".to_owned();
            let help = "write `name: { enum: [one, two] }`";
            fields::missing_key(sink, &typed.span, message, help);
            return None;
        }
        other => {
            let synonym = match other {
                "text" | "str" => Some("string"),
                "int" => Some("integer"),
                "float" | "double" => Some("number"),
                "bool" => Some("boolean"),
                "path" => Some("file"),
                _ => None,
            };
            let message = format!("there is no input type `{other}`");
            let problem = sink.error(codes::BAD_VALUE, &typed.span, message);
            let help = match (synonym, other) {
                (Some(synonym), _) => Some(format!("did you mean `{synonym}`?")),
                (None, "list" | "object") => Some(format!("this version does not know `{other}`")),
                (None, _) => sink.advice(other, TYPES),
            };
            sink.push(with_help(problem, help));
            return None;
        }
    })
}

fn words(sink: &mut Sink<'_>, node: &Node) -> Option<Vec<String>> {
    let Kind::List(items) = &node.kind else {
        fields::wrong_type(
            sink,
            node,
            "`enum`",
            "a list of words",
            Some("write `[one, two]`".into()),
        );
        return None;
    };
    let mut words: Vec<String> = Vec::new();
    let mut sound = true;
    for item in items {
        let Some(word) = fields::text(sink, item, "a word of `enum`") else {
            sound = false;
            continue;
        };
        // Enum values enter prompts without a fence, so each has to be one plain word or phrase.
        if word.text.trim().is_empty() || word.text.contains(char::is_control) {
            let message = "a word of `enum` is one line of text";
            let problem = sink.error(codes::BAD_VALUE, &word.span, message);
            sink.push(problem);
            sound = false;
        } else if words.contains(&word.text) {
            let message = format!("`{}` stands in `enum` twice", word.text);
            let problem = sink.error(codes::BAD_VALUE, &word.span, message);
            sink.push(problem.help("remove one of them"));
        } else {
            words.push(word.text);
        }
    }
    if items.is_empty() {
        let problem = sink.error(codes::BAD_VALUE, &node.span, "an enum needs at least one word");
        sink.push(problem);
        return None;
    }
    sound.then_some(words)
}

fn default(sink: &mut Sink<'_>, kind: &InputKind, key: &Text, node: &Node) -> Option<InputValue> {
    let Kind::Scalar(scalar) = &node.kind else {
        let wanted = format!("a value of type {}", kind.as_str());
        fields::wrong_type(sink, node, "`default`", &wanted, None);
        return None;
    };
    let value = match kind {
        InputKind::File => {
            let message = "an input of type `file` takes no default";
            let problem = sink.error(codes::INPUT_CONFLICT, &key.span, message);
            sink.push(problem.help("write `required: false` where a run can do without it"));
            return None;
        }
        InputKind::String => {
            return fields::text(sink, node, "`default`").map(|t| InputValue::String(t.text));
        }
        InputKind::Integer => scalar.as_integer().map(InputValue::Integer),
        InputKind::Number => scalar.as_number().map(InputValue::Number),
        InputKind::Boolean => scalar.as_bool().map(InputValue::Boolean),
        InputKind::Enum(words) => {
            words.contains(&scalar.text).then(|| InputValue::Enum(scalar.text.clone()))
        }
    };
    if value.is_none() {
        let message = format!("`{}` is no value of type {}", scalar.text, kind.as_str());
        let problem = sink.error(codes::BAD_DEFAULT, &node.span, message);
        let help = match kind {
            InputKind::Enum(words) => sink.advice(&scalar.text, words.iter().map(String::as_str)),
            InputKind::Boolean => Some("write `true` or `false`".to_owned()),
            InputKind::String | InputKind::Integer | InputKind::Number | InputKind::File => None,
        };
        sink.push(with_help(problem, help));
    }
    value
}
