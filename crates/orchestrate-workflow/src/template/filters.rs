//! The filters, tests and functions that templates have: those whose result is no larger than what
//! they were given, and a few more with a limit.

use std::borrow::Cow;

use minijinja::{Environment, Error, ErrorKind, Value, filters as builtin, functions, tests};

use super::{render::MAX_RENDERED_BYTES, value::parsed};

/// Every filter, for checking and advice.
pub(super) const FILTERS: [&str; 31] = [
    "abs",
    "capitalize",
    "count",
    "d",
    "default",
    "first",
    "float",
    "fromjson",
    "indent",
    "int",
    "items",
    "join",
    "last",
    "length",
    "lines",
    "list",
    "lower",
    "map",
    "max",
    "min",
    "reject",
    "rejectattr",
    "replace",
    "reverse",
    "round",
    "select",
    "selectattr",
    "sort",
    "split",
    "trim",
    "upper",
];

/// Every test. `divisibleby` is left out: it panics on zero (minijinja 3.0.5); `%` does the same.
pub(super) const TESTS: [&str; 15] = [
    "defined",
    "undefined",
    "none",
    "boolean",
    "number",
    "integer",
    "string",
    "odd",
    "even",
    "startingwith",
    "endingwith",
    "eq",
    "ne",
    "in",
    "true",
];

/// An environment with these and nothing else.
pub(super) fn environment() -> Environment<'static> {
    let mut env = Environment::empty();
    env.add_filter("abs", builtin::abs);
    env.add_filter("capitalize", builtin::capitalize);
    env.add_filter("count", builtin::length);
    env.add_filter("d", builtin::default);
    env.add_filter("default", builtin::default);
    env.add_filter("first", builtin::first);
    env.add_filter("float", builtin::float);
    env.add_filter("fromjson", from_json);
    env.add_filter("indent", indent);
    env.add_filter("int", builtin::int);
    env.add_filter("items", builtin::items);
    env.add_filter("join", join);
    env.add_filter("last", builtin::last);
    env.add_filter("length", builtin::length);
    env.add_filter("lines", builtin::lines);
    env.add_filter("list", builtin::list);
    env.add_filter("lower", builtin::lower);
    env.add_filter("map", builtin::map);
    env.add_filter("max", builtin::max);
    env.add_filter("min", builtin::min);
    env.add_filter("reject", builtin::reject);
    env.add_filter("rejectattr", builtin::rejectattr);
    env.add_filter("replace", replace);
    env.add_filter("reverse", builtin::reverse);
    env.add_filter("round", builtin::round);
    env.add_filter("select", builtin::select);
    env.add_filter("selectattr", builtin::selectattr);
    env.add_filter("sort", builtin::sort);
    env.add_filter("split", builtin::split);
    env.add_filter("trim", builtin::trim);
    env.add_filter("upper", builtin::upper);
    env.add_test("defined", tests::is_defined);
    env.add_test("undefined", tests::is_undefined);
    env.add_test("none", tests::is_none);
    env.add_test("boolean", tests::is_boolean);
    env.add_test("number", tests::is_number);
    env.add_test("integer", tests::is_integer);
    env.add_test("string", tests::is_string);
    env.add_test("odd", tests::is_odd);
    env.add_test("even", tests::is_even);
    env.add_test("startingwith", tests::is_startingwith);
    env.add_test("endingwith", tests::is_endingwith);
    env.add_test("eq", tests::is_eq);
    env.add_test("ne", tests::is_ne);
    env.add_test("in", tests::is_in);
    env.add_test("true", tests::is_true);
    env.add_function("range", functions::range);
    env
}

fn too_large() -> Error {
    let limit = MAX_RENDERED_BYTES / (1 << 20);
    Error::new(ErrorKind::InvalidOperation, format!("the text would be larger than {limit} MiB"))
}

#[expect(clippy::needless_pass_by_value, reason = "filters take their arguments so")]
fn replace(text: Cow<'_, str>, from: Cow<'_, str>, to: Cow<'_, str>) -> Result<String, Error> {
    let found = text.matches(from.as_ref()).count();
    if text.len().saturating_add(found.saturating_mul(to.len())) > MAX_RENDERED_BYTES {
        return Err(too_large());
    }
    Ok(text.replace(from.as_ref(), &to))
}

fn join(items: &Value, separator: Option<Cow<'_, str>>) -> Result<String, Error> {
    let separator = separator.unwrap_or_default();
    let mut joined = String::new();
    for (index, item) in items.try_iter()?.enumerate() {
        if index > 0 {
            joined.push_str(&separator);
        }
        joined.push_str(&item.to_string());
        if joined.len() > MAX_RENDERED_BYTES {
            return Err(too_large());
        }
    }
    Ok(joined)
}

#[expect(clippy::needless_pass_by_value, reason = "filters take their arguments so")]
fn indent(text: Cow<'_, str>, width: Option<usize>) -> Result<String, Error> {
    let width = width.unwrap_or(4);
    let lines = text.matches('\n').count();
    if text.len().saturating_add(lines.saturating_mul(width)) > MAX_RENDERED_BYTES {
        return Err(too_large());
    }
    let mut indented = String::with_capacity(text.len());
    for (index, line) in text.split('\n').enumerate() {
        if index > 0 {
            indented.push('\n');
            if !line.is_empty() {
                indented.extend(std::iter::repeat_n(' ', width));
            }
        }
        indented.push_str(line);
    }
    Ok(indented)
}

/// The value of a JSON text. A model that is asked for JSON likes to put it into a code block: one is
/// taken off.
#[expect(clippy::needless_pass_by_value, reason = "filters take their arguments so")]
fn from_json(text: Cow<'_, str>) -> Result<Value, Error> {
    if text.len() > MAX_RENDERED_BYTES {
        return Err(too_large());
    }
    let bare = text.trim();
    let inner = bare.strip_prefix("```").and_then(|rest| rest.strip_suffix("```"));
    let inner = inner.and_then(|rest| rest.split_once('\n')).map_or(bare, |(_, rest)| rest);
    let value: serde_json::Value = serde_json::from_str(inner).map_err(|error| {
        Error::new(ErrorKind::InvalidOperation, format!("the text is no JSON: {error}"))
    })?;
    Ok(parsed(&value))
}
