//! JSON in an answer: lenient about what stands around it, strict about what it is.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{Error as _, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Number, Value};

/// Places at which a value is looked for between other text.
const MOST_ATTEMPTS: usize = 1_000;

/// Why an answer holds no JSON value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoValue {
    /// Nothing in it looks like one.
    #[error("the answer holds no JSON object or list")]
    None,
    /// It begins as one and is none.
    #[error("the JSON of the answer cannot be read: {0}")]
    Broken(String),
}

/// The different JSON values of an answer, in order: the whole text where it is one, else the fenced code
/// blocks that are one, else every object or list that stands between other text.
///
/// A member named twice makes a value unreadable: nobody can say which of the two is meant.
pub fn read_values(text: &str) -> Result<Vec<Value>, NoValue> {
    let text = text.trim().trim_start_matches('\u{feff}').trim();
    let whole = strict(text);
    if let Ok(value) = whole {
        return Ok(vec![value]);
    }
    let mut broken = None;
    let mut found = Vec::new();
    for block in blocks(text) {
        match strict(block) {
            Ok(value) if value.is_object() || value.is_array() => keep(&mut found, value),
            Err(error) if block.trim_start().starts_with(['{', '[']) => {
                broken.get_or_insert(error);
            }
            Ok(_) | Err(_) => {}
        }
    }
    if found.is_empty() {
        scan(text, &mut found, &mut broken);
    }
    match (found.is_empty(), broken) {
        (false, _) => Ok(found),
        (true, Some(error)) => Err(NoValue::Broken(error)),
        (true, None) => Err(NoValue::None),
    }
}

fn keep(found: &mut Vec<Value>, value: Value) {
    if !found.contains(&value) {
        found.push(value);
    }
}

fn strict(text: &str) -> Result<Value, String> {
    serde_json::from_str::<Strict>(text).map(|value| value.0).map_err(|error| error.to_string())
}

/// What stands between the fences of code blocks.
fn blocks(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut open: Option<(char, usize, usize)> = None;
    let mut offset = 0;
    for full in text.split_inclusive('\n') {
        let start = offset;
        offset += full.len();
        let line = full.trim();
        let Some(mark) = line.chars().next().filter(|c| matches!(c, '`' | '~')) else { continue };
        let length = line.chars().take_while(|&c| c == mark).count();
        match open {
            None if length >= 3 => open = Some((mark, length, offset)),
            Some((opened, at_least, from))
                if opened == mark && length >= at_least && line.len() == length =>
            {
                found.push(&text[from..start]);
                open = None;
            }
            None | Some(_) => {}
        }
    }
    if let Some((_, _, from)) = open {
        found.push(&text[from..]);
    }
    found
}

/// Looks for values between other text, from every opening bracket on.
fn scan(text: &str, found: &mut Vec<Value>, broken: &mut Option<String>) {
    let mut from = 0;
    for _ in 0..MOST_ATTEMPTS {
        let Some(at) = text[from..].find(['{', '[']) else { return };
        let start = from + at;
        let mut values = serde_json::Deserializer::from_str(&text[start..]).into_iter::<Strict>();
        match values.next() {
            Some(Ok(value)) => {
                // `[1]` and `{}` in prose are no answers.
                let scalars = |value: &Value| {
                    value.as_array().is_some_and(|list| list.iter().all(Value::is_number))
                };
                if !scalars(&value.0) {
                    keep(found, value.0);
                }
                from = start + values.byte_offset();
            }
            Some(Err(error)) => {
                broken.get_or_insert(error.to_string());
                from = start + 1;
            }
            None => return,
        }
    }
}

/// A JSON value whose objects name no member twice.
struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StrictVisitor).map(Self)
    }
}

struct StrictVisitor;

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, truth: bool) -> Result<Value, E> {
        Ok(Value::Bool(truth))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::from(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(Value::from(number))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(Number::from_f64(number).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::from(text))
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(Value::from(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element::<Strict>()? {
            list.push(item.0);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some((name, value)) = members.next_entry::<String, Strict>()? {
            if map.contains_key(&name) {
                let name = crate::neutral::excerpt(&name, 60);
                return Err(A::Error::custom(format!("the member `{name}` stands twice")));
            }
            map.insert(name, value.0);
        }
        Ok(Value::Object(map))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(text: &str, expected: &[Value]) {
        assert_eq!(read_values(text).as_deref(), Ok(expected), "{text}");
    }

    #[test]
    fn a_value_is_found_whatever_stands_around_it() {
        check("{\"a\": 1}", &[json!({ "a": 1 })]);
        check("\u{feff} \"word\" ", &[json!("word")]);
        check("```json\n{\"a\": 1}\n```", &[json!({ "a": 1 })]);
        check("Here it is:\n\n~~~\n[{\"a\": 1}]\n~~~\nDone.", &[json!([{ "a": 1 }])]);
        check("```json\n{\"a\": 1}", &[json!({ "a": 1 })]);
        check("Sure! {\"a\": \"}\"} Hope [1] helps.", &[json!({ "a": "}" })]);
        check("{\"a\": 1}\n{\"a\": 1}", &[json!({ "a": 1 })]);
        check("{\"a\": 1} or {\"a\": 2}", &[json!({ "a": 1 }), json!({ "a": 2 })]);
    }

    #[test]
    fn what_is_no_json_is_not_guessed_at() {
        assert_eq!(read_values("I cannot do that."), Err(NoValue::None));
        for broken in ["{\"a\": 1,}", "{\"a\": 1", "{'a': 1}", "{\"a\": 1, \"a\": 2}"] {
            assert!(matches!(read_values(broken), Err(NoValue::Broken(_))), "{broken}");
        }
        let twice = read_values("{\"a\": 1, \"a\": 2}").expect_err("ambiguous").to_string();
        assert!(twice.contains("the member `a` stands twice"), "{twice}");
        let hostile = "[\"".repeat(100_000);
        assert!(read_values(&hostile).is_err());
        assert!(read_values(&"[".repeat(1_000_000)).is_err());
    }
}
