//! Which schemas a strict server takes.

use serde_json::Value;

/// Keywords beyond types, members, items, choices and references that strict servers know.
const ANNOTATIONS: [&str; 3] = ["description", "title", "$schema"];

/// Whether every object of a schema names all its members as required and allows no others, and whether it
/// keeps to the keywords of `OpenAI`'s Structured Outputs: what else it says would be refused with an error.
pub(super) fn takes(schema: &Value) -> bool {
    let Value::Object(keywords) = schema else { return false };
    if keywords.contains_key("properties") || keywords.get("type").is_some_and(|t| t == "object") {
        let named = schema["properties"].as_object();
        let required = schema["required"].as_array().map(Vec::as_slice).unwrap_or_default();
        let all = named.is_some_and(|named| {
            named.keys().all(|name| required.iter().any(|known| known == name))
        });
        if !all || schema["additionalProperties"] != false {
            return false;
        }
    }
    keywords.iter().all(|(keyword, value)| match keyword.as_str() {
        "properties" | "$defs" | "definitions" => {
            value.as_object().is_some_and(|below| below.values().all(takes))
        }
        "items" => takes(value),
        "anyOf" => value.as_array().is_some_and(|several| several.iter().all(takes)),
        "type" | "required" | "additionalProperties" | "enum" | "const" | "$ref" => true,
        other => ANNOTATIONS.contains(&other),
    })
}

#[cfg(test)]
mod tests {
    use orchestrate_core::{finding::Finding, structured::with_brief};
    use serde_json::json;

    use super::*;

    #[test]
    fn our_own_schemas_are_strict_and_loose_ones_are_not() {
        assert!(takes(&with_brief(&Finding::list_schema())));
        assert!(!takes(&with_brief(&json!({ "type": "object", "properties": { "a": {} } }))));
        assert!(!takes(&with_brief(&json!({ "type": "string", "pattern": "^a" }))));
        assert!(!takes(&json!(true)));
    }
}
