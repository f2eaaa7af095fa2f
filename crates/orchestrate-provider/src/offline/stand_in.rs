//! A value that fits a JSON Schema and says that nobody worked it out.

use serde_json::{Map, Value, json};

/// What stands where a text is asked for.
pub(super) const STAND_IN_TEXT: &str = "(offline: no model was called)";
/// Values within one stand-in.
const MOST: usize = 10_000;
/// Schemas within each other, references followed.
const DEEPEST: usize = 64;

/// A value of `schema`, whose references lead into `root`. The author's own `const`, `default`, `examples`
/// and `enum` come first; then lists are as short as allowed, but not empty, and texts say that no model
/// was called. What a schema asks for beyond types, sizes and choices may not be met: whoever uses the
/// value checks it.
pub(super) fn stand_in(root: &Value, schema: &Value) -> Value {
    Maker { root, left: MOST }.value(schema, 0)
}

struct Maker<'s> {
    root: &'s Value,
    left: usize,
}

impl Maker<'_> {
    fn value(&mut self, schema: &Value, depth: usize) -> Value {
        if depth > DEEPEST || self.left == 0 {
            return Value::Null;
        }
        self.left -= 1;
        if let Some(target) = schema.get("$ref").and_then(Value::as_str)
            && let Some(target) = target.strip_prefix('#').and_then(|at| self.root.pointer(at))
        {
            return self.value(target, depth + 1);
        }
        let first = |key: &str| schema.get(key)?.as_array()?.first().cloned();
        let said = schema.get("const").or_else(|| schema.get("default")).cloned();
        if let Some(said) = said.or_else(|| first("examples")).or_else(|| first("enum")) {
            return said;
        }
        for key in ["anyOf", "oneOf"] {
            if let Some(choice) = first(key) {
                return self.value(&merged(schema, &choice), depth + 1);
            }
        }
        if let Some(parts) = schema.get("allOf").and_then(Value::as_array) {
            let mut whole = schema.clone();
            if let Some(keywords) = whole.as_object_mut() {
                keywords.shift_remove("allOf");
            }
            let whole = parts.iter().fold(whole, |whole, part| merged(&whole, part));
            return self.value(&whole, depth + 1);
        }
        match kind(schema) {
            "object" => self.object(schema, depth),
            "array" => self.list(schema, depth),
            "integer" => number(schema, true),
            "number" => number(schema, false),
            "boolean" => Value::Bool(false),
            "null" => Value::Null,
            _ => text(schema),
        }
    }

    fn object(&mut self, schema: &Value, depth: usize) -> Value {
        let mut members = Map::new();
        let named = schema.get("properties").and_then(Value::as_object);
        for (name, below) in named.into_iter().flatten() {
            members.insert(name.clone(), self.value(below, depth + 1));
        }
        let required = schema.get("required").and_then(Value::as_array);
        for name in required.into_iter().flatten().filter_map(Value::as_str) {
            if !members.contains_key(name) {
                let below = schema.get("additionalProperties").cloned().unwrap_or_default();
                members.insert(name.to_owned(), self.value(&below, depth + 1));
            }
        }
        Value::Object(members)
    }

    fn list(&mut self, schema: &Value, depth: usize) -> Value {
        let limit = |key: &str| schema.get(key).and_then(Value::as_u64);
        let count =
            limit("minItems").unwrap_or(0).max(1).min(limit("maxItems").unwrap_or(u64::MAX));
        let items = schema.get("items").cloned().unwrap_or_else(|| json!({ "type": "string" }));
        let before = schema.get("prefixItems").and_then(Value::as_array);
        let mut list: Vec<Value> =
            before.into_iter().flatten().map(|item| self.value(item, depth + 1)).collect();
        while (list.len() as u64) < count && self.left > 0 {
            list.push(self.value(&items, depth + 1));
        }
        Value::Array(list)
    }
}

/// A schema with another one's keywords added; the other one's come first.
fn merged(schema: &Value, other: &Value) -> Value {
    let (Some(own), Some(other)) = (schema.as_object(), other.as_object()) else {
        return other.clone();
    };
    let mut whole = own.clone();
    whole.shift_remove("anyOf");
    whole.shift_remove("oneOf");
    for (key, value) in other {
        match (whole.get_mut(key), value) {
            (Some(Value::Object(known)), Value::Object(more)) => {
                known.extend(more.iter().map(|(name, below)| (name.clone(), below.clone())));
            }
            (Some(Value::Array(known)), Value::Array(more)) if key == "required" => {
                known.extend(more.iter().cloned());
            }
            _ => drop(whole.insert(key.clone(), value.clone())),
        }
    }
    Value::Object(whole)
}

fn kind(schema: &Value) -> &str {
    match schema.get("type") {
        Some(Value::String(kind)) => kind,
        Some(Value::Array(kinds)) => {
            let mut kinds = kinds.iter().filter_map(Value::as_str);
            kinds.find(|kind| *kind != "null").unwrap_or("null")
        }
        _ if schema.get("properties").is_some() || schema.get("required").is_some() => "object",
        _ if schema.get("items").is_some() => "array",
        _ => "string",
    }
}

/// The number nearest to nothing that the bounds allow.
fn number(schema: &Value, whole: bool) -> Value {
    let bound = |key: &str| schema.get(key).and_then(Value::as_f64);
    let step = bound("multipleOf").filter(|step| *step > 0.0);
    let grain = step.unwrap_or(if whole { 1.0 } else { 0.5 });
    let lowest = match (bound("minimum"), bound("exclusiveMinimum")) {
        (_, Some(above)) => Some((above / grain).floor() * grain + grain),
        (Some(least), None) => Some((least / grain).ceil() * grain),
        (None, None) => None,
    };
    let highest = match (bound("maximum"), bound("exclusiveMaximum")) {
        (_, Some(below)) => Some((below / grain).ceil() * grain - grain),
        (Some(most), None) => Some((most / grain).floor() * grain),
        (None, None) => None,
    };
    let mut value = 0.0_f64;
    value = highest.map_or(value, |highest| value.min(highest));
    value = lowest.map_or(value, |lowest| value.max(lowest));
    if whole || value.fract() == 0.0 {
        #[expect(clippy::cast_possible_truncation, reason = "bounds beyond 64 bits fit no value")]
        return Value::from(value as i64);
    }
    Value::from(value)
}

fn text(schema: &Value) -> Value {
    let limit = |key: &str| {
        schema.get(key).and_then(Value::as_u64).and_then(|limit| usize::try_from(limit).ok())
    };
    let known = match schema.get("format").and_then(Value::as_str) {
        Some("date") => "1970-01-01",
        Some("date-time") => "1970-01-01T00:00:00Z",
        Some("time") => "00:00:00Z",
        Some("email") => "offline@example.invalid",
        Some("uri" | "url") => "https://example.invalid/",
        Some("uuid") => "00000000-0000-0000-0000-000000000000",
        _ => STAND_IN_TEXT,
    };
    let mut text: String = known.chars().take(limit("maxLength").unwrap_or(usize::MAX)).collect();
    let shortest = limit("minLength").unwrap_or(0).min(MOST);
    while text.chars().count() < shortest {
        text.push('.');
    }
    Value::from(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(schema: &Value, expected: &Value) {
        assert_eq!(&stand_in(schema, schema), expected, "{schema}");
    }

    #[test]
    fn a_stand_in_keeps_to_types_sizes_and_choices() {
        check(&json!({}), &json!(STAND_IN_TEXT));
        check(&json!({ "type": "string", "maxLength": 3 }), &json!("(of"));
        check(&json!({ "type": "integer", "minimum": 3 }), &json!(3));
        check(&json!({ "type": "integer", "exclusiveMaximum": 0 }), &json!(-1));
        check(&json!({ "type": "number", "exclusiveMinimum": 0 }), &json!(0.5));
        check(&json!({ "enum": ["go", "stop"] }), &json!("go"));
        check(&json!({ "type": ["null", "boolean"] }), &json!(false));
        check(&json!({ "type": "array", "minItems": 2, "items": { "const": 1 } }), &json!([1, 1]));
        check(&json!({ "type": "array", "maxItems": 0 }), &json!([]));
        check(
            &json!({
                "type": "object",
                "required": ["b"],
                "properties": { "a": { "$ref": "#/$defs/x" } },
                "$defs": { "x": { "default": 7 } },
            }),
            &json!({ "a": 7, "b": STAND_IN_TEXT }),
        );
        check(
            &json!({ "anyOf": [{ "properties": { "a": { "type": "integer" } } }, {}], "type": "object" }),
            &json!({ "a": 0 }),
        );
        check(
            &json!({ "allOf": [{ "properties": { "a": { "const": 1 } } }, { "properties": { "b": { "const": 2 } } }] }),
            &json!({ "a": 1, "b": 2 }),
        );
    }

    #[test]
    fn a_schema_without_end_makes_a_value_with_one() {
        let circular = json!({ "type": "array", "items": { "$ref": "#" } });
        let _ = stand_in(&circular, &circular);
        let wide = json!({ "type": "array", "minItems": 1_000_000_000_u64 });
        let made = stand_in(&wide, &wide);
        assert!(made.as_array().is_some_and(|list| list.len() < 20_000));
    }
}
