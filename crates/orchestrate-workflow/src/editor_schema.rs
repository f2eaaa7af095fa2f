//! The JSON Schema of workflow files, by which editors complete and check them.

use serde_json::{Map, Value, json};

use crate::{
    compile::STATES,
    language::{Key, SECTIONS, Section},
    test_language::TEST_SECTIONS,
};

/// The schema of workflow files in draft-07, the newest that yaml-language-server reads. It knows every
/// key and none besides; what refers to what is the compiler's to check.
pub fn editor_schema() -> Value {
    let mut definitions = Map::new();
    for section in &SECTIONS[1..] {
        definitions.insert(section.name.to_owned(), map(section));
    }
    definitions
        .insert("name".into(), json!({ "type": "string", "pattern": "^[a-z][a-z0-9_-]{0,63}$" }));
    definitions.insert(
        "duration".into(),
        json!({
            "type": "string",
            "pattern": "^[0-9]+(\\.[0-9]+)? *(ms|s|m|min|h)$",
            "description": "A number and its unit, `ms`, `s`, `m` or `h`: `90s`.",
        }),
    );
    let types = ["string", "integer", "number", "boolean", "file", "list", "object"];
    definitions.insert("plain_type".into(), json!({ "enum": types }));
    let items = types.into_iter().filter(|kind| !matches!(*kind, "file" | "list"));
    definitions.insert("item_type".into(), json!({ "enum": items.collect::<Vec<_>>() }));
    let mut schema = Map::new();
    schema.insert("$schema".into(), "http://json-schema.org/draft-07/schema#".into());
    schema.insert("title".into(), "Workflow of orchestrate".into());
    if let Value::Object(root) = map(SECTIONS[0]) {
        schema.extend(root);
    }
    schema.insert("definitions".into(), Value::Object(definitions));
    Value::Object(schema)
}

/// The schema of test files, likewise.
pub fn test_schema() -> Value {
    let mut definitions = Map::new();
    for section in &TEST_SECTIONS[1..] {
        definitions.insert(section.name.to_owned(), map(section));
    }
    let text = json!({ "type": "string" });
    let either = |one: Value, other: &str| json!({ "anyOf": [one, { "$ref": format!("#/definitions/{other}") }] });
    let texts = json!({ "anyOf": [text, { "type": "array", "items": text, "minItems": 1 }] });
    definitions.insert("texts".into(), texts);
    definitions.insert("text".into(), either(text.clone(), "judged"));
    definitions.insert("files".into(), either(text.clone(), "input_file"));
    let one = either(text, "reply");
    let each = json!({ "type": "array", "items": one, "minItems": 1 });
    definitions.insert("replies".into(), json!({ "anyOf": [one, each] }));
    let number = json!({ "type": "integer", "minimum": 0 });
    definitions.insert("how_many".into(), either(number, "amount"));
    definitions.insert("decides".into(), either(json!({ "enum": ["yes", "no"] }), "decision"));
    definitions.insert("state".into(), json!({ "enum": STATES }));
    definitions.insert("form".into(), json!({ "enum": ["full", "brief", "unavailable", "none"] }));
    let mut schema = Map::new();
    schema.insert("$schema".into(), "http://json-schema.org/draft-07/schema#".into());
    schema.insert("title".into(), "Tests of a workflow of orchestrate".into());
    if let Value::Object(root) = map(TEST_SECTIONS[0]) {
        schema.extend(root);
    }
    schema.insert("definitions".into(), Value::Object(definitions));
    Value::Object(schema)
}

/// A map with the keys of a section.
fn map(section: &Section) -> Value {
    let keys: Map<String, Value> =
        section.keys.iter().map(|key| (key.name.to_owned(), value(key))).collect();
    let mut map = Map::new();
    map.insert("type".into(), "object".into());
    map.insert("additionalProperties".into(), false.into());
    match section.name {
        "workflow" => drop(map.insert("required".into(), json!(["workflow", "steps"]))),
        "review" => drop(map.insert("required".into(), json!(["by"]))),
        "gate" => drop(map.insert("required".into(), json!(["id", "check"]))),
        "tests" => drop(map.insert("required".into(), json!(["tests"]))),
        "input_file" => drop(map.insert("required".into(), json!(["name", "text"]))),
        "need" => drop(map.insert("required".into(), json!(["step"]))),
        "choice" => drop(map.insert("required".into(), json!(["choose", "by"]))),
        "step" => {
            let kinds = ["persona", "render", "approve", "steps"];
            let one = json!(kinds.map(|kind| json!({ "required": [kind] })));
            map.insert("oneOf".into(), one);
        }
        _ => {}
    }
    map.insert("properties".into(), Value::Object(keys));
    Value::Object(map)
}

/// The schema of a key's value with the help that an editor shows. In draft-07 nothing counts beside a
/// `$ref`, so that goes one level down.
fn value(key: &Key) -> Value {
    let schema: Value = serde_json::from_str(key.schema).unwrap_or_default();
    let mut described = match schema {
        Value::Object(schema) if !schema.contains_key("$ref") => schema,
        other => Map::from_iter([("allOf".to_owned(), json!([other]))]),
    };
    described.insert("description".into(), key.help.into());
    Value::Object(described)
}
