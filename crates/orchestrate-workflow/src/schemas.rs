//! What this crate asks of a JSON Schema library. The library itself is passed in: it draws random
//! numbers for its maps, which no crate below the engine does.

use serde_json::Value;

/// Something that does not fit, and where in a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misfit {
    /// Names and positions that lead to it, outermost first.
    pub path: Vec<String>,
    /// What is wrong there, a fragment.
    pub message: String,
    /// What to write instead.
    pub help: Option<String>,
}

impl Misfit {
    pub(crate) fn here(message: impl Into<String>, help: Option<String>) -> Self {
        Self { path: Vec::new(), message: message.into(), help }
    }

    /// The same misfit, seen from one level further out.
    pub(crate) fn below(mut self, name: impl Into<String>) -> Self {
        self.path.insert(0, name.into());
        self
    }
}

/// Checks JSON Schemas, and values against them. Implementations fetch nothing: a `$ref` leads to
/// somewhere in the schema, which the compiler has made sure of.
pub trait Schemas {
    /// What keeps a value from being a JSON Schema.
    fn schema_misfits(&self, schema: &Value) -> Vec<Misfit>;
    /// What of a value the schema does not allow. The schema has been found sound before.
    fn misfits(&self, schema: &Value, value: &Value) -> Vec<Misfit>;
}

/// Knows no JSON Schema, and refuses every one.
#[derive(Debug, Clone, Copy)]
pub struct NoSchemas;

impl Schemas for NoSchemas {
    fn schema_misfits(&self, _schema: &Value) -> Vec<Misfit> {
        vec![Misfit::here("JSON Schemas cannot be checked here", None)]
    }

    fn misfits(&self, schema: &Value, _value: &Value) -> Vec<Misfit> {
        self.schema_misfits(schema)
    }
}
