//! What the values of inputs are made of: texts from outside in lists and objects, JSON.

use serde_json::{Map, Value};

use crate::plan::{InputKind, InputValue};

impl InputKind {
    /// The kind as people read it: `a | b` for the words of an enum, `list of integer`.
    pub fn describe(&self) -> String {
        match self {
            Self::Enum(words) => words.join(" | "),
            Self::List(items) => match items.as_ref() {
                Self::Enum(words) => format!("list of {}", words.join(" | ")),
                items => format!("list of {}", items.as_str()),
            },
            kind => kind.as_str().to_owned(),
        }
    }
}

impl InputValue {
    /// The value as JSON; a file is its text.
    pub fn to_json(&self) -> Value {
        match self {
            Self::String(text) | Self::Enum(text) | Self::File { text, .. } => {
                Value::from(text.as_str())
            }
            Self::Integer(number) => Value::from(*number),
            Self::Number(number) => Value::from(*number),
            Self::Boolean(truth) => Value::from(*truth),
            Self::List(items) => items.iter().map(Self::to_json).collect(),
            Self::Object(members) => Value::Object(members.clone()),
        }
    }

    /// The value with every text in it that comes from outside changed by `change`: not the words of an
    /// enum, which are the author's, and not the name of a file. Names in objects are such texts; of two
    /// that become the same the first stays.
    #[must_use]
    pub fn with_texts(&self, change: &mut dyn FnMut(&str) -> String) -> Self {
        match self {
            Self::String(text) => Self::String(change(text)),
            Self::File { name, text } => Self::File { name: name.clone(), text: change(text) },
            Self::List(items) => {
                Self::List(items.iter().map(|item| item.with_texts(change)).collect())
            }
            Self::Object(members) => Self::Object(changed_members(members, change)),
            Self::Integer(_) | Self::Number(_) | Self::Boolean(_) | Self::Enum(_) => self.clone(),
        }
    }
}

fn changed_members(
    members: &Map<String, Value>,
    change: &mut dyn FnMut(&str) -> String,
) -> Map<String, Value> {
    let mut changed = Map::new();
    for (name, value) in members {
        let (name, value) = (change(name), changed_json(value, change));
        changed.entry(name).or_insert(value);
    }
    changed
}

fn changed_json(value: &Value, change: &mut dyn FnMut(&str) -> String) -> Value {
    match value {
        Value::String(text) => Value::String(change(text)),
        Value::Array(items) => items.iter().map(|item| changed_json(item, change)).collect(),
        Value::Object(members) => Value::Object(changed_members(members, change)),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_deep_in_a_value_are_changed_and_the_words_of_the_author_are_not() {
        let object = serde_json::json!({ "a": ["x", 1, { "b": "y" }], "A": "z" });
        let Value::Object(members) = object else { unreachable!("an object") };
        let value = InputValue::List(vec![
            InputValue::Object(members),
            InputValue::Enum("word".into()),
            InputValue::String("text".into()),
        ]);
        let changed = value.with_texts(&mut |text| text.to_uppercase());
        let expected = serde_json::json!([{ "A": ["X", 1, { "B": "Y" }] }, "word", "TEXT"]);
        assert_eq!(changed.to_json(), expected);
    }
}
