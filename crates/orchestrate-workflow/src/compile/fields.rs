//! Reading typed values out of nodes, every mistake with its place.

use std::ops::{Range, RangeInclusive};

use orchestrate_core::diagnostic::Diagnostic;

use crate::{
    codes,
    language::Section,
    yaml::{Entry, Kind, Map, Node, Sink, Text, with_help},
};

/// Words of other tools for what is called differently here.
const SYNONYMS: [(&str, &str); 34] = [
    ("retries", "retry"),
    ("attempts", "retry"),
    ("max_attempts", "retry"),
    ("uses", "workflow"),
    ("call", "workflow"),
    ("inputs", "with"),
    ("condition", "if"),
    ("run_if", "if"),
    ("foreach", "for_each"),
    ("forEach", "for_each"),
    ("with_items", "for_each"),
    ("matrix", "for_each"),
    ("loop", "for_each"),
    ("parallel", "max_parallel"),
    ("agent", "persona"),
    ("role", "persona"),
    ("depends_on", "needs"),
    ("dependsOn", "needs"),
    ("after", "needs"),
    ("requires", "needs"),
    ("name", "workflow"),
    ("description", "summary"),
    ("jobs", "steps"),
    ("tasks", "steps"),
    ("stages", "steps"),
    ("template", "render"),
    ("instructions", "prompt"),
    ("max_tokens", "max_output_tokens"),
    ("not_contains", "lacks"),
    ("excludes", "lacks"),
    ("regex", "matches"),
    ("is", "equals"),
    ("error", "failure"),
    ("answers", "replies"),
];

/// What only the user's own configuration says.
const OPERATORS: [&str; 9] = [
    "api_key",
    "api_key_env",
    "api_base",
    "base_url",
    "endpoint",
    "headers",
    "command",
    "proxy",
    "url",
];

/// The map that a node has to be; its unknown keys are reported.
pub(super) fn map<'n>(
    sink: &mut Sink<'_>,
    node: &'n Node,
    what: &str,
    section: &Section,
) -> Option<&'n Map> {
    let map = any_map(sink, node, what)?;
    for entry in map.entries.values() {
        if section.key(&entry.key.text).is_none() {
            let known: Vec<&str> = section.names().collect();
            let problem = unknown_key(sink, entry, what, &known);
            sink.push(problem);
        }
    }
    Some(map)
}

/// The map that a node has to be, whatever its keys.
pub(super) fn any_map<'n>(sink: &mut Sink<'_>, node: &'n Node, what: &str) -> Option<&'n Map> {
    match &node.kind {
        Kind::Map(map) => Some(map),
        Kind::Broken => None,
        Kind::Scalar(_) | Kind::List(_) => {
            let help = match node.kind {
                Kind::List(_) => "write `name: value` lines, without `-`",
                _ => "write `name: value` lines below it, indented",
            };
            wrong_type(sink, node, what, "a map of `key: value` lines", Some(help.to_owned()));
            None
        }
    }
}

fn unknown_key(sink: &Sink<'_>, entry: &Entry, what: &str, known: &[&str]) -> Diagnostic {
    let key = entry.key.text.as_str();
    let problem =
        sink.error(codes::UNKNOWN_KEY, &entry.key.span, format!("{what} has no key `{key}`"));
    let synonym = SYNONYMS.iter().find(|(word, ours)| *word == key && known.contains(ours));
    // A step's name is its key; `workflow` names another one.
    let synonym = synonym.filter(|(word, _)| *word != "name" || !known.contains(&"persona"));
    if let Some((_, ours)) = synonym {
        return problem.help(format!("did you mean `{ours}`?"));
    }
    if OPERATORS.contains(&key) {
        return problem.help(
            "a workflow names no endpoint, key, header or command: they belong to your own configuration, which `orchestrate doctor` shows",
        );
    }
    let advice = sink.advice(key, known.iter().copied());
    with_help(problem, advice)
}

/// Reports a value of the wrong kind.
pub(super) fn wrong_type(
    sink: &mut Sink<'_>,
    node: &Node,
    what: &str,
    wanted: &str,
    help: Option<String>,
) {
    if matches!(node.kind, Kind::Broken) {
        return;
    }
    let message = format!("{what} must be {wanted}, not {}", node.describe());
    let problem = sink.error(codes::WRONG_TYPE, &node.span, message);
    sink.push(with_help(problem, help));
}

/// A text. Numbers, booleans and nothing are not: they have to be quoted where text is meant.
pub(super) fn text(sink: &mut Sink<'_>, node: &Node, what: &str) -> Option<Text> {
    match &node.kind {
        Kind::Scalar(scalar) if node.describe() == "a text" => {
            Some(Text { text: scalar.text.clone(), span: node.span.clone() })
        }
        Kind::Scalar(scalar) if !scalar.is_null() => {
            let help = format!("quote it: `\"{}\"`", scalar.text);
            wrong_type(sink, node, what, "a text", Some(help));
            None
        }
        Kind::Scalar(_) | Kind::List(_) | Kind::Map(_) | Kind::Broken => {
            wrong_type(sink, node, what, "a text", None);
            None
        }
    }
}

/// `true` or `false`.
pub(super) fn boolean(sink: &mut Sink<'_>, node: &Node, what: &str) -> Option<bool> {
    if let Kind::Scalar(scalar) = &node.kind
        && let Some(value) = scalar.as_bool()
    {
        return Some(value);
    }
    wrong_type(sink, node, what, "`true` or `false`", Some("write `true` or `false`".into()));
    None
}

/// A whole number within a range.
pub(super) fn integer(
    sink: &mut Sink<'_>,
    node: &Node,
    what: &str,
    range: RangeInclusive<i64>,
) -> Option<u32> {
    let wanted = format!("a whole number from {} to {}", range.start(), range.end());
    let help = format!("write a number, such as `{}`", range.start());
    let Kind::Scalar(scalar) = &node.kind else {
        wrong_type(sink, node, what, &wanted, Some(help));
        return None;
    };
    match scalar.as_integer() {
        Some(number) if range.contains(&number) => u32::try_from(number).ok(),
        Some(number) => {
            let message = format!("{what} is {wanted}, not {number}");
            let problem = sink.error(codes::OUT_OF_RANGE, &node.span, message);
            let nearest = number.clamp(*range.start(), *range.end());
            sink.push(problem.help(format!("the nearest is `{nearest}`")));
            None
        }
        None => {
            wrong_type(sink, node, what, &wanted, Some(help));
            None
        }
    }
}

/// A number within a range.
pub(super) fn number(
    sink: &mut Sink<'_>,
    node: &Node,
    what: &str,
    range: RangeInclusive<f64>,
) -> Option<f64> {
    let wanted = format!("a number from {} to {}", range.start(), range.end());
    let help = format!("write a number, such as `{}`", range.start());
    let Kind::Scalar(scalar) = &node.kind else {
        wrong_type(sink, node, what, &wanted, Some(help));
        return None;
    };
    match scalar.as_number() {
        Some(number) if range.contains(&number) => Some(number),
        Some(number) => {
            let message = format!("{what} is {wanted}, not {number}");
            let problem = sink.error(codes::OUT_OF_RANGE, &node.span, message);
            let nearest = number.clamp(*range.start(), *range.end());
            sink.push(problem.help(format!("the nearest is `{nearest}`")));
            None
        }
        None => {
            wrong_type(sink, node, what, &wanted, Some(help));
            None
        }
    }
}

/// Units of times in which people think, with their milliseconds.
pub(super) const UP_TO_DAYS: [(&str, f64); 5] =
    [("s", 1_000.0), ("m", 60_000.0), ("min", 60_000.0), ("h", 3_600_000.0), ("d", 86_400_000.0)];

/// The lengths of time that a key takes.
pub(super) struct Within {
    /// Units with their milliseconds.
    pub(super) units: &'static [(&'static str, f64)],
    /// The shortest, in milliseconds.
    pub(super) least: f64,
    /// The longest, in milliseconds.
    pub(super) most: f64,
    /// The two in words.
    pub(super) range: &'static str,
    /// How one is written.
    pub(super) help: &'static str,
}

/// What a call may take.
const CALL_TIME: Within = Within {
    units: &[("ms", 1.0), ("s", 1_000.0), ("m", 60_000.0), ("min", 60_000.0), ("h", 3_600_000.0)],
    least: 1.0,
    most: 86_400_000.0,
    range: "1ms and 24h",
    help: "write a number and its unit, `ms`, `s`, `m` or `h`: `500ms`, `90s`, `2m`",
};

/// A length of time such as `90s`, in milliseconds, up to a day.
pub(super) fn duration(sink: &mut Sink<'_>, node: &Node, what: &str) -> Option<u64> {
    duration_within(sink, node, what, &CALL_TIME)
}

/// A length of time, in milliseconds.
pub(super) fn duration_within(
    sink: &mut Sink<'_>,
    node: &Node,
    what: &str,
    within: &Within,
) -> Option<u64> {
    if let Kind::Scalar(scalar) = &node.kind
        && !scalar.is_null()
    {
        let split = scalar.text.find(|c: char| !c.is_ascii_digit() && c != '.');
        let (digits, unit) = scalar.text.split_at(split.unwrap_or(scalar.text.len()));
        let factor = within.units.iter().find(|(name, _)| *name == unit.trim());
        if let (Ok(number), Some((_, factor))) = (digits.parse::<f64>(), factor) {
            let millis = (number * factor).round();
            if (within.least..=within.most).contains(&millis) {
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "between two small positive numbers"
                )]
                return Some(millis as u64);
            }
            let message = format!("{what} is between {}, not `{}`", within.range, scalar.text);
            let problem = sink.error(codes::OUT_OF_RANGE, &node.span, message);
            sink.push(problem);
            return None;
        }
        let message = format!("{what} is a length of time, and `{}` is none", scalar.text);
        let problem = sink.error(codes::BAD_VALUE, &node.span, message);
        sink.push(problem.help(within.help));
        return None;
    }
    wrong_type(sink, node, what, "a length of time", Some(within.help.into()));
    None
}

/// Whether a text can name a step, an input or an output: `^[a-z][a-z0-9_-]*$`, up to 64 characters.
pub(super) fn is_name(text: &str) -> bool {
    text.len() <= 64
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_-".contains(&b))
}

/// Reports a key that cannot be a name; says a spelling that can.
pub(super) fn check_name(sink: &mut Sink<'_>, key: &Text, what: &str) -> bool {
    if is_name(&key.text) {
        return true;
    }
    let problem = bad_name(sink, key, what, "small letters, digits, `-` and `_`");
    sink.push(problem);
    false
}

pub(super) fn bad_name(sink: &Sink<'_>, key: &Text, what: &str, alphabet: &str) -> Diagnostic {
    let message = format!(
        "{what} is written with {alphabet}, starts with a letter and has up to 64 characters"
    );
    let spelling = slug(&key.text);
    let problem = sink.error(codes::BAD_NAME, &key.span, message);
    let help = (is_name(&spelling) && spelling != key.text).then(|| format!("write `{spelling}`"));
    with_help(problem, help)
}

/// A text as a name: lower case, everything else a hyphen.
fn slug(text: &str) -> String {
    let mut slug = String::new();
    for c in text.chars() {
        if c.is_ascii_alphanumeric() {
            slug.push(c.to_ascii_lowercase());
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    slug.trim_end_matches('-').to_owned()
}

/// Reports a key that is missing from the map at `span`.
pub(super) fn missing_key(sink: &mut Sink<'_>, span: &Range<usize>, message: String, help: &str) {
    let problem = sink.error(codes::MISSING_KEY, span, message);
    sink.push(problem.help(help));
}
