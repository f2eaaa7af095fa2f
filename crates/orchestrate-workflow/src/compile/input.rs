//! The inputs a workflow takes.

use indexmap::IndexMap;
use orchestrate_core::plan::{InputKind, InputSpec, InputValue};

use super::{
    fields, json_schema,
    value::{self, Purpose},
};
use crate::{
    codes,
    language::{INPUT, ITEMS},
    schemas::Schemas,
    yaml::{Entry, Kind, Map, Node, Sink, Text, with_help},
};

const TYPES: [&str; 8] =
    ["string", "integer", "number", "boolean", "enum", "file", "list", "object"];

/// Reads `inputs:`. An input that is wrong in itself is still there under its name, as a text, so
/// that references to it are not reported as well.
pub(super) fn read(
    sink: &mut Sink<'_>,
    node: &Node,
    schemas: &dyn Schemas,
) -> IndexMap<String, InputSpec> {
    let mut inputs = IndexMap::new();
    let Some(map) = fields::any_map(sink, node, "`inputs`") else { return inputs };
    for entry in map.entries.values() {
        fields::check_name(sink, &entry.key, "an input's name");
        let spec = spec(sink, &entry.key, &entry.value, schemas);
        inputs.insert(entry.key.text.clone(), spec.unwrap_or_else(fallback));
    }
    inputs
}

fn fallback() -> InputSpec {
    InputSpec { kind: InputKind::String, required: true, default: None, help: None }
}

fn spec(sink: &mut Sink<'_>, name: &Text, node: &Node, schemas: &dyn Schemas) -> Option<InputSpec> {
    if matches!(&node.kind, Kind::Scalar(scalar) if !scalar.is_null()) {
        let kind = plain_kind(sink, node)?;
        check_task(sink, name, &kind);
        return Some(InputSpec { kind, ..fallback() });
    }
    let what = format!("input `{}`", name.text);
    let map = fields::map(sink, node, &what, &INPUT)?;
    let kind = kind(sink, map, name, schemas);
    let help = map.get("help").and_then(|entry| fields::text(sink, &entry.value, "`help`"));
    let required = map.get("required").and_then(|entry| {
        Some((fields::boolean(sink, &entry.value, "`required`")?, entry.key.span.clone()))
    });
    let kind = kind?;
    check_task(sink, name, &kind);
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
        default(sink, name, &kind, entry, schemas)
    });
    Some(InputSpec {
        required: required.map_or(default.is_none(), |(required, _)| required),
        default: default.flatten(),
        kind,
        help: help.map(|help| help.text),
    })
}

/// The task goes to every persona as it is, so it has to be a text.
fn check_task(sink: &mut Sink<'_>, name: &Text, kind: &InputKind) {
    if name.text == "task" && matches!(kind, InputKind::List(_) | InputKind::Object(_)) {
        let message =
            format!("the input `task` is what every persona is told, and no {}", kind.as_str());
        let problem = sink.error(codes::INPUT_CONFLICT, &name.span, message);
        sink.push(problem.help("give it another name, and print it in the prompts that need it"));
    }
}

/// The kind that `type`, `enum`, `items` and `schema` say together.
fn kind(sink: &mut Sink<'_>, map: &Map, name: &Text, schemas: &dyn Schemas) -> Option<InputKind> {
    let words = map.get("enum").map(|entry| words(sink, &entry.value));
    let items = map.get("items").map(|entry| (entry, items(sink, name, &entry.value, schemas)));
    let schema = map
        .get("schema")
        .map(|entry| (entry, json_schema::read(sink, &entry.value, schemas).map(Some)));
    let typed = match map.get("type") {
        None => None,
        Some(entry) => Some((fields::text(sink, &entry.value, "`type`")?, &entry.value)),
    };
    let said = typed.as_ref().map(|(typed, _)| typed.text.as_str());
    // Without `type` the other keys say it.
    let meant = match (said, &words, &items, &schema) {
        (Some("string") | None, Some(_), ..) => "enum",
        (Some(said), ..) => said,
        (None, None, Some(_), _) => "list",
        (None, None, None, Some(_)) => "object",
        (None, None, None, None) => "string",
    };
    let stray = [
        ("enum", map.get("enum"), meant == "enum"),
        ("items", map.get("items"), meant == "list"),
        ("schema", map.get("schema"), meant == "object"),
    ];
    let mut sound = true;
    for (key, entry, belongs) in stray {
        if let (Some(entry), false, true) = (entry, belongs, TYPES.contains(&meant)) {
            report_stray(sink, key, entry, typed.as_ref().map(|(text, _)| text), meant);
            sound = false;
        }
    }
    if !sound {
        return None;
    }
    match (meant, words, items, schema) {
        ("enum", Some(words), ..) => words.map(InputKind::Enum),
        ("enum", None, ..) => {
            let span = typed.map(|(typed, _)| typed.span).unwrap_or_default();
            let message = format!("input `{}` is an enum without its words", name.text);
            fields::missing_key(sink, &span, message, "add `enum: [one, two]`");
            None
        }
        ("list", _, Some((_, items)), _) => items.map(|items| InputKind::List(Box::new(items))),
        ("object", _, _, Some((_, schema))) => schema.map(InputKind::Object),
        _ => match typed {
            None => Some(InputKind::String),
            Some((_, node)) => plain_kind(sink, node),
        },
    }
}

fn report_stray(sink: &mut Sink<'_>, key: &str, entry: &Entry, typed: Option<&Text>, meant: &str) {
    let message = format!("an input of type `{meant}` takes no `{key}`");
    let (span, help) = match (typed, key) {
        (Some(typed), "enum") if meant == "list" => {
            (typed.span.clone(), "write `items: { enum: [one, two] }`".to_owned())
        }
        (Some(typed), "enum") => {
            (typed.span.clone(), "remove `type`: `enum` says it all".to_owned())
        }
        (_, "items") => (entry.key.span.clone(), "`items` is for `type: list`".to_owned()),
        _ => (entry.key.span.clone(), format!("remove one of the two: `{key}` or `{meant}`")),
    };
    let problem = sink.error(codes::INPUT_CONFLICT, &span, message);
    sink.push(problem.help(help));
}

/// What the items of a list are.
fn items(
    sink: &mut Sink<'_>,
    name: &Text,
    node: &Node,
    schemas: &dyn Schemas,
) -> Option<InputKind> {
    let of_items = Text { text: format!("{}[]", name.text), span: node.span.clone() };
    let kind = match &node.kind {
        Kind::Scalar(scalar) if !scalar.is_null() => plain_kind(sink, node)?,
        Kind::List(_) => {
            let help = Some("write `items: { enum: [one, two] }`".to_owned());
            fields::wrong_type(sink, node, "`items`", "a type, or a map with `type`", help);
            return None;
        }
        _ => {
            let map = fields::map(sink, node, "`items`", &ITEMS)?;
            kind(sink, map, &of_items, schemas)?
        }
    };
    if matches!(kind, InputKind::List(_) | InputKind::File) {
        let message = format!("the items of a list are no {}s", kind.as_str());
        let problem = sink.error(codes::INPUT_CONFLICT, &node.span, message);
        let help = if matches!(kind, InputKind::File) {
            "write `items: string`: with `-i name=@path` each item is a file's text"
        } else {
            "write `type: object` with a `schema`"
        };
        sink.push(problem.help(help));
        return None;
    }
    Some(kind)
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
        "list" => InputKind::List(Box::new(InputKind::String)),
        "object" => InputKind::Object(None),
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
                "array" | "strings" => Some("list"),
                "map" | "dict" | "json" => Some("object"),
                _ => None,
            };
            let message = format!("there is no input type `{other}`");
            let problem = sink.error(codes::BAD_VALUE, &typed.span, message);
            let help = match synonym {
                Some(synonym) => Some(format!("did you mean `{synonym}`?")),
                None => sink.advice(other, TYPES),
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

fn default(
    sink: &mut Sink<'_>,
    name: &Text,
    kind: &InputKind,
    entry: &Entry,
    schemas: &dyn Schemas,
) -> Option<InputValue> {
    if matches!(kind, InputKind::File) {
        let message = "an input of type `file` takes no default";
        let problem = sink.error(codes::INPUT_CONFLICT, &entry.key.span, message);
        sink.push(problem.help("write `required: false` where a run can do without it"));
        return None;
    }
    let what = match kind {
        InputKind::List(_) | InputKind::Object(_) => format!("the default of `{}`", name.text),
        _ => "`default`".to_owned(),
    };
    let purpose = Purpose { code: codes::BAD_DEFAULT, what: &what };
    value::read(sink, &entry.value, kind, purpose, schemas)
}
