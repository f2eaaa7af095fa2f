//! JSON Schemas, checked by the `jsonschema` library without anything that fetches or reads a file.

use jsonschema::{PatternOptions, ValidationError, Validator};
use orchestrate_core::neutral::excerpt;
use orchestrate_workflow::{Misfit, Schemas};
use serde_json::Value;

/// Misfits of one value that are worth reading.
const MOST: usize = 50;

/// JSON Schemas of any draft, 2020-12 where they do not say. A `$ref` that leads out of the schema is not
/// followed, and patterns are matched in linear time.
#[derive(Debug, Clone, Copy)]
pub struct JsonSchemas;

impl Schemas for JsonSchemas {
    fn schema_misfits(&self, schema: &Value) -> Vec<Misfit> {
        validator(schema).err().into_iter().collect()
    }

    fn misfits(&self, schema: &Value, value: &Value) -> Vec<Misfit> {
        match validator(schema) {
            Ok(validator) => validator.iter_errors(value).take(MOST).map(|e| misfit(&e)).collect(),
            Err(misfit) => vec![misfit],
        }
    }
}

fn validator(schema: &Value) -> Result<Validator, Misfit> {
    jsonschema::options()
        .offline()
        .with_pattern_options(PatternOptions::regex())
        .build(schema)
        .map_err(|error| misfit(&error))
}

fn misfit(error: &ValidationError<'_>) -> Misfit {
    let pointer = error.instance_path().as_str();
    let path = pointer.split('/').skip(1).map(|name| name.replace("~1", "/").replace("~0", "~"));
    Misfit { path: path.collect(), message: excerpt(&error.to_string(), 400), help: None }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_does_not_fit_is_told_with_its_place() {
        let schema = json!({ "properties": { "a/b": { "items": { "type": "integer" } } } });
        assert_eq!(JsonSchemas.schema_misfits(&schema), []);
        let found = JsonSchemas.misfits(&schema, &json!({ "a/b": [1, "x"] }));
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].path, ["a/b", "1"]);
        assert_eq!(found[0].message, "\"x\" is not of type \"integer\"");
    }

    #[test]
    fn nothing_outside_a_schema_is_fetched_or_read() {
        for reference in ["https://example.org/x.json", "file:///etc/hostname", "other.json"] {
            let found = JsonSchemas.schema_misfits(&json!({ "$ref": reference }));
            assert_eq!(found.len(), 1, "{reference}");
        }
    }

    #[test]
    fn a_pattern_takes_linear_time_or_is_refused() {
        let slow = json!({ "pattern": "^(a+)+$" });
        assert_eq!(JsonSchemas.schema_misfits(&slow), []);
        let text = format!("{}b", "a".repeat(100_000));
        assert_eq!(JsonSchemas.misfits(&slow, &json!(text)).len(), 1);
        assert_eq!(JsonSchemas.schema_misfits(&json!({ "pattern": "(?=a)b" })).len(), 1);
    }
}
