//! A JSON Schema in a workflow file: nothing outside it, no circles, a bounded size.
//!
//! A value is checked by every part of a schema that applies to it. Where references go in circles, or
//! double at each level, that takes time without bound; so a schema with all its references written out
//! has a limit.

use serde_json::{Map, Value};

use super::{fields, value};
use crate::{
    codes,
    schemas::{Misfit, Schemas},
    yaml::{Kind, Node, Sink, with_help},
};

/// Schemas within a schema, references written out.
const MOST_SCHEMAS: usize = 10_000;
/// Schemas within each other, references followed.
const DEEPEST: usize = 64;

/// Keywords whose value is a map of names to schemas.
const NAMED: [&str; 6] =
    ["properties", "patternProperties", "$defs", "definitions", "dependentSchemas", "dependencies"];
/// Keywords whose value is data and no schema.
const DATA: [&str; 4] = ["enum", "const", "default", "examples"];
/// Keywords that look elsewhere, or give a part of the schema another address.
const REFUSED: [&str; 4] = ["$dynamicRef", "$recursiveRef", "$anchor", "$dynamicAnchor"];

/// Reads the schema of an object.
pub(super) fn read(sink: &mut Sink<'_>, node: &Node, schemas: &dyn Schemas) -> Option<Value> {
    let (schema, mut problems) = checked(sink, node, "`schema`", schemas)?;
    // A type that does not exist is told already.
    if problems.is_empty()
        && let Some(kind) = schema.get("type").filter(|kind| !allows_objects(kind))
    {
        let message = format!("an input of type `object` has a schema for {kind}");
        let help = Some("write `type: object`, or leave it out".into());
        problems.push(Misfit::here(message, help).below("type"));
    }
    reported(sink, node, schema, problems)
}

/// Reads a schema of any value.
pub(super) fn read_any(
    sink: &mut Sink<'_>,
    node: &Node,
    what: &str,
    schemas: &dyn Schemas,
) -> Option<Value> {
    let (schema, problems) = checked(sink, node, what, schemas)?;
    reported(sink, node, schema, problems)
}

/// A schema, and what is wrong with it.
fn checked(
    sink: &mut Sink<'_>,
    node: &Node,
    what: &str,
    schemas: &dyn Schemas,
) -> Option<(Value, Vec<Misfit>)> {
    if !matches!(node.kind, Kind::Map(_)) {
        let help = Some("write a JSON Schema: `{ properties: { name: { type: string } } }`".into());
        fields::wrong_type(sink, node, what, "a map", help);
        return None;
    }
    let schema = value::json(sink, node, what)?;
    let mut problems = walk(&schema);
    if problems.is_empty() {
        problems = schemas.schema_misfits(&schema);
    }
    Some((schema, problems))
}

fn reported(
    sink: &mut Sink<'_>,
    node: &Node,
    schema: Value,
    problems: Vec<Misfit>,
) -> Option<Value> {
    let sound = problems.is_empty();
    for problem in problems {
        let span = node.place(&problem.path).clone();
        let found = sink.error(codes::BAD_SCHEMA, &span, problem.message);
        sink.push(with_help(found, problem.help));
    }
    sound.then_some(schema)
}

fn allows_objects(kind: &Value) -> bool {
    match kind {
        Value::Array(kinds) => kinds.iter().any(|kind| kind == "object"),
        kind => kind == "object",
    }
}

/// What is below a `#/…` reference.
pub(crate) fn target<'s>(schema: &'s Value, reference: &str) -> Option<&'s Value> {
    let pointer = reference.strip_prefix('#')?;
    if pointer.contains('%') { None } else { schema.pointer(pointer) }
}

struct Walk<'s> {
    root: &'s Value,
    /// References that are being followed.
    following: Vec<&'s str>,
    path: Vec<String>,
    schemas: usize,
    found: Vec<Misfit>,
}

fn walk(root: &Value) -> Vec<Misfit> {
    let mut walk =
        Walk { root, following: Vec::new(), path: Vec::new(), schemas: 0, found: Vec::new() };
    walk.schema(root, 0);
    walk.found
}

impl<'s> Walk<'s> {
    fn report(&mut self, message: String, help: &str) {
        // Behind a reference the place is another one, and was or will be walked by itself.
        if self.following.is_empty() || self.found.is_empty() {
            let path = self.path.clone();
            self.found.push(Misfit { path, message, help: Some(help.to_owned()) });
        }
    }

    fn schema(&mut self, schema: &'s Value, depth: usize) {
        let Value::Object(keywords) = schema else { return };
        self.schemas += 1;
        if self.schemas == MOST_SCHEMAS || depth > DEEPEST {
            self.schemas = MOST_SCHEMAS;
            let message = format!(
                "with its references written out, a schema has at most {MOST_SCHEMAS} parts and nests {DEEPEST} deep"
            );
            self.report(message, "say less: what a schema leaves open is allowed");
        }
        if self.schemas >= MOST_SCHEMAS {
            return;
        }
        for (keyword, value) in keywords {
            self.path.push(keyword.clone());
            self.keyword(keyword, value, depth);
            self.path.pop();
        }
    }

    fn keyword(&mut self, keyword: &str, value: &'s Value, depth: usize) {
        if REFUSED.contains(&keyword) || (keyword == "$id" && depth > 0) {
            let message = format!("a schema here does not have `{keyword}`");
            self.report(message, "name parts below `$defs` and write `$ref: '#/$defs/name'`");
        } else if keyword == "$ref" {
            self.reference(value, depth);
        } else if NAMED.contains(&keyword) {
            self.members(value.as_object(), depth);
        } else if !DATA.contains(&keyword) {
            match value {
                Value::Array(several) => {
                    for (at, one) in several.iter().enumerate() {
                        self.path.push(at.to_string());
                        self.schema(one, depth + 1);
                        self.path.pop();
                    }
                }
                one => self.schema(one, depth + 1),
            }
        }
    }

    fn members(&mut self, members: Option<&'s Map<String, Value>>, depth: usize) {
        for (name, schema) in members.into_iter().flatten() {
            self.path.push(name.clone());
            self.schema(schema, depth + 1);
            self.path.pop();
        }
    }

    fn reference(&mut self, value: &'s Value, depth: usize) {
        const HELP: &str = "name parts below `$defs` and write `$ref: '#/$defs/name'`";
        let Value::String(reference) = value else { return };
        if !reference.starts_with('#') {
            let message = format!("`{reference}` is outside the schema");
            self.report(message, "copy it below `$defs`: nothing is fetched or read");
        } else if self.following.contains(&reference.as_str()) {
            let message = format!("`{reference}` leads back to itself");
            self.report(message, "a schema here is finite: leave the inner part open");
        } else if let Some(target) = target(self.root, reference) {
            self.following.push(reference);
            self.schema(target, depth + 1);
            self.following.pop();
        } else {
            self.report(format!("there is no `{reference}` in the schema"), HELP);
        }
    }
}
