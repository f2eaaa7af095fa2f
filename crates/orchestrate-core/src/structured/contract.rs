//! The one schema under which a step with an output is asked: the value and the brief side by side.

use serde_json::{Map, Value, json};

/// The member of an answer that holds the value.
pub const OUTPUT_KEY: &str = "output";
/// The member of an answer that holds the brief.
pub const BRIEF_KEY: &str = "brief";

/// The schema of `{output, brief}` for a value of `schema`. Definitions move to the root, so that a
/// reference such as `#/$defs/name` leads to the same place as before.
///
/// The brief is laid out so that strict servers take it: every member required, none besides.
pub fn with_brief(schema: &Value) -> Value {
    let mut whole = Map::new();
    whole.insert("type".into(), "object".into());
    whole.insert("properties".into(), json!({ OUTPUT_KEY: null, BRIEF_KEY: brief() }));
    whole.insert("required".into(), json!([OUTPUT_KEY, BRIEF_KEY]));
    whole.insert("additionalProperties".into(), false.into());
    under_output(schema, whole)
}

/// The schema of `{output}` alone, for an answer without a brief.
pub fn answer_schema(schema: &Value) -> Value {
    let mut whole = Map::new();
    whole.insert("type".into(), "object".into());
    whole.insert("properties".into(), json!({ OUTPUT_KEY: null }));
    whole.insert("required".into(), json!([OUTPUT_KEY]));
    whole.insert("additionalProperties".into(), false.into());
    under_output(schema, whole)
}

fn under_output(schema: &Value, mut whole: Map<String, Value>) -> Value {
    let mut inner = schema.clone();
    if let Value::Object(keywords) = &mut inner {
        keywords.shift_remove("$schema");
        keywords.shift_remove("$id");
        for definitions in ["$defs", "definitions"] {
            if let Some(found) = keywords.shift_remove(definitions) {
                whole.insert(definitions.into(), found);
            }
        }
    }
    relocate(&mut inner);
    if let Some(found) = whole.get_mut("$defs") {
        relocate(found);
    }
    if let Some(found) = whole.get_mut("definitions") {
        relocate(found);
    }
    whole["properties"][OUTPUT_KEY] = inner;
    Value::Object(whole)
}

/// References to other places than the definitions lead one level further down.
fn relocate(schema: &mut Value) {
    match schema {
        Value::Object(keywords) => {
            if let Some(Value::String(reference)) = keywords.get_mut("$ref") {
                let moved = ["#/$defs", "#/definitions"];
                if reference.starts_with('#')
                    && !moved.iter().any(|kept| reference.starts_with(kept))
                {
                    let below = reference[1..].to_owned();
                    *reference = format!("#/properties/{OUTPUT_KEY}{below}");
                }
            }
            keywords.values_mut().for_each(relocate);
        }
        Value::Array(several) => several.iter_mut().for_each(relocate),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn brief() -> Value {
    let texts = json!({ "type": "array", "items": { "type": "string" } });
    let entries = |names: &[&str]| {
        let members: Map<String, Value> =
            names.iter().map(|name| ((*name).to_owned(), json!({ "type": "string" }))).collect();
        json!({
            "type": "array",
            "items": {
                "type": "object",
                "properties": members,
                "required": names,
                "additionalProperties": false,
            },
        })
    };
    let members = [
        ("decisions", entries(&["id", "decision", "why"])),
        ("assumptions", texts.clone()),
        ("figures", entries(&["name", "value", "unit", "basis"])),
        ("constraints", texts.clone()),
        ("risks", texts.clone()),
        ("open_questions", texts.clone()),
        ("rejected_options", entries(&["option", "why"])),
        ("escalations", texts.clone()),
        ("next", texts),
    ];
    let names: Vec<&str> = members.iter().map(|(name, _)| *name).collect();
    let properties: Map<String, Value> =
        members.iter().map(|(name, schema)| ((*name).to_owned(), schema.clone())).collect();
    json!({
        "type": "object",
        "properties": properties,
        "required": names,
        "additionalProperties": false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_lead_to_the_same_place_in_the_larger_schema() {
        let schema = json!({
            "type": "object",
            "properties": { "a": { "$ref": "#/$defs/word" }, "b": { "$ref": "#/properties/a" } },
            "$defs": { "word": { "type": "string" } },
        });
        let whole = with_brief(&schema);
        assert_eq!(whole.pointer("/$defs/word/type"), Some(&json!("string")));
        let moved = whole.pointer("/properties/output/properties/b/$ref").and_then(Value::as_str);
        assert_eq!(moved, Some("#/properties/output/properties/a"));
        assert!(whole.pointer("/properties/output/properties/a").is_some());
        assert_eq!(whole["required"], json!(["output", "brief"]));
    }

    #[test]
    fn the_brief_it_asks_for_is_one_that_our_reader_reads() {
        let brief = json!({
            "decisions": [{ "id": "D1", "decision": "Use Postgres", "why": "" }],
            "figures": [{ "name": "rows", "value": "4", "unit": "M/day", "basis": "given" }],
            "next": ["Start."],
        });
        let read = crate::brief::parse(&brief.to_string()).expect("a brief");
        assert_eq!((read.decisions.len(), read.figures.len(), read.next.len()), (1, 1, 1));
    }
}
