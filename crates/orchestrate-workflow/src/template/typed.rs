//! Values whose JSON Schema is known before there are any: outputs of steps, and the items of lists.

use minijinja::machinery::{ast, parse_expr};
use orchestrate_core::plan::InputKind;
use serde_json::{Value, json};

use super::analysis::{Form, Names, Walker, too_complex};
use crate::compile::json_schema;

/// A value whose schema is known.
#[derive(Debug, Clone)]
pub(super) struct Typed<'s> {
    /// How the template says it.
    pub(super) of: String,
    /// Where its references lead.
    pub(super) root: &'s Value,
    /// What it fits, or each of its items does.
    pub(super) schema: &'s Value,
    /// Whether it is the list of the values of a fan-out's items.
    pub(super) listed: bool,
}

impl Typed<'_> {
    /// The same value, its reference followed.
    pub(super) fn resolved(self) -> Self {
        Self { schema: referred(self.root, self.schema), ..self }
    }

    /// An item of a list.
    pub(super) fn items(&self) -> Option<Self> {
        let schema = if self.listed { self.schema } else { self.schema.get("items")? };
        let of = format!("{}[…]", self.of);
        Some(Self { of, root: self.root, schema, listed: false }.resolved())
    }

    pub(super) fn is(&self, kind: &str) -> bool {
        if self.listed {
            return kind == "array";
        }
        self.schema.get("type").is_some_and(|known| known == kind)
    }

    /// What it is, where nothing can be below it.
    pub(super) fn single(&self) -> Option<&'static str> {
        if self.listed {
            return None;
        }
        match self.schema.get("type")?.as_str()? {
            "string" => Some("a text"),
            "integer" | "number" => Some("a number"),
            "boolean" => Some("a boolean"),
            _ => None,
        }
    }
}

/// What a reference stands for. The compiler has made sure that none leads back to itself.
pub(super) fn referred<'s>(root: &'s Value, mut schema: &'s Value) -> &'s Value {
    for _ in 0..64 {
        let reference = schema.get("$ref").and_then(Value::as_str);
        match reference.and_then(|reference| json_schema::target(root, reference)) {
            Some(target) => schema = target,
            None => break,
        }
    }
    schema
}

/// Whether an object has no more properties than a schema names: the schema says so, or says nothing of
/// others.
pub(super) fn says_all(schema: &Value) -> bool {
    const MORE: [&str; 11] = [
        "$ref",
        "patternProperties",
        "unevaluatedProperties",
        "allOf",
        "anyOf",
        "oneOf",
        "if",
        "then",
        "else",
        "dependentSchemas",
        "dependencies",
    ];
    let others = schema.get("additionalProperties");
    others.is_none_or(|others| others == false) && MORE.iter().all(|key| schema.get(key).is_none())
}

/// What every item of a list fits.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ItemSchema {
    /// Where its references lead.
    root: Value,
    schema: Value,
}

impl ItemSchema {
    /// The item by its name.
    pub(super) fn typed(&self, name: &str) -> Typed<'_> {
        Typed { of: name.to_owned(), root: &self.root, schema: &self.schema, listed: false }
    }

    fn alone(schema: Value) -> Self {
        Self { root: schema.clone(), schema }
    }
}

/// What the items of a list are, where the expression that gives the list tells.
pub(crate) fn item_schema(expression: &str, names: &dyn Names) -> Option<ItemSchema> {
    if too_complex(expression, Form::Expression).is_some() {
        return None;
    }
    let parsed = parse_expr(expression).ok()?;
    if let ast::Expr::Filter(filter) = &parsed
        && filter.name == "lines"
    {
        return Some(ItemSchema::alone(json!({ "type": "string" })));
    }
    let walker = Walker::new(expression, names);
    if let Some(input) = walker.whole_input(&parsed) {
        let Some(InputKind::List(items)) = names.input_kind(&input) else { return None };
        return match items.as_ref() {
            InputKind::Object(schema) => schema.clone().map(ItemSchema::alone),
            InputKind::List(_) => None,
            InputKind::String | InputKind::Enum(_) | InputKind::File => {
                Some(ItemSchema::alone(json!({ "type": "string" })))
            }
            InputKind::Integer | InputKind::Number | InputKind::Boolean => {
                Some(ItemSchema::alone(json!({ "type": items.as_str() })))
            }
        };
    }
    let items = walker.typed(&parsed)?.items()?;
    Some(ItemSchema { root: items.root.clone(), schema: items.schema.clone() })
}
