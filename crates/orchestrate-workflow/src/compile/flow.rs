//! When a step runs and how often: `if`, `when`, `for_each` and what goes with them.

use std::rc::Rc;

use orchestrate_core::{
    diagnostic::Diagnostic,
    flow::{ForEach, Join, ListSource, MOST_ITEMS, When},
    plan::{InputKind, InputValue},
};

use super::{
    edges::Edge,
    fields,
    templates::{self, Item, Known, StepReference},
};
use crate::{
    codes,
    template::{self, Form},
    yaml::{Entry, Kind, Map, Node, Sink, with_help},
};

/// What the file says of when and how often a step runs.
#[derive(Default)]
pub(super) struct FlowDraft {
    pub(super) condition: Option<String>,
    pub(super) when: When,
    pub(super) each: Option<ForEach>,
    /// Steps that the condition and the list refer to.
    pub(super) references: Vec<StepReference>,
}

/// Reads everything but the needs.
pub(super) fn read(sink: &mut Sink<'_>, map: &Map, id: &str, known: &Known<'_>) -> FlowDraft {
    let mut draft = FlowDraft::default();
    if let Some(entry) = map.get("when") {
        let words = [When::All, When::Any, When::Always].map(|when| (when.as_str(), when));
        draft.when = word(sink, entry, &words).unwrap_or_default();
    }
    if let Some(entry) = map.get("if") {
        draft.condition = condition(sink, entry, id, draft.when, known, &mut draft.references);
    }
    match map.get("for_each") {
        Some(entry) => draft.each = fan_out(sink, map, entry, known, &mut draft.references),
        None => {
            for key in ["as", "max_parallel", "join"] {
                if let Some(entry) = map.get(key) {
                    let message = format!("`{key}` does nothing without `for_each`");
                    let problem = sink.error(codes::KEY_NOT_FOR_STEP, &entry.key.span, message);
                    sink.push(problem.help("add `for_each:` with a list, or remove it"));
                }
            }
        }
    }
    // Neither of them puts anything into the prompt.
    draft.references.iter_mut().for_each(|found| found.prints_text = false);
    draft
}

/// The variable of a step's items, as far as it can be read; for those who look at a step before it is.
pub(super) fn item_name(step: &Node) -> Option<String> {
    let Kind::Map(map) = &step.kind else { return None };
    map.get("for_each")?;
    match map.get("as").map(|entry| &entry.value.kind) {
        None => Some(DEFAULT_ITEM.to_owned()),
        Some(Kind::Scalar(scalar)) => Some(scalar.text.clone()),
        Some(_) => None,
    }
}

/// The items of a step, for the templates in it.
pub(super) fn item(step: &Node, each: Option<&ForEach>, known: &Known<'_>) -> Option<Item> {
    let name = item_name(step)?;
    let schema = match each.map(|each| &each.list) {
        Some(ListSource::Expression(list)) => template::item_schema(list, known).map(Rc::new),
        Some(ListSource::Values(_)) | None => None,
    };
    Some(Item { name, schema })
}

const DEFAULT_ITEM: &str = "item";

/// Reports `when` in a step without needs.
pub(super) fn check_when(sink: &mut Sink<'_>, map: &Map, edges: &[Edge]) {
    if let Some(entry) = map.get("when")
        && edges.is_empty()
    {
        let message = "`when` says what becomes of the step where a need did not succeed, and it needs nothing";
        let problem = sink.error(codes::USELESS_KEY, &entry.key.span, message);
        sink.push(problem.help("add `needs:`, or remove `when`"));
    }
}

pub(super) fn word<T: Copy>(sink: &mut Sink<'_>, entry: &Entry, words: &[(&str, T)]) -> Option<T> {
    let what = format!("`{}`", entry.key.text);
    let text = fields::text(sink, &entry.value, &what)?;
    let found = words.iter().find(|(word, _)| *word == text.text);
    if found.is_none() {
        let known = words.iter().map(|(word, _)| format!("`{word}`")).collect::<Vec<_>>();
        let message = format!("{what} is one of {}, not `{}`", known.join(", "), text.text);
        let problem = sink.error(codes::BAD_VALUE, &text.span, message);
        let help = sink.advice(&text.text, words.iter().map(|(word, _)| *word));
        sink.push(with_help(problem, help));
    }
    found.map(|(_, value)| *value)
}

/// Whether an expression is written as a template; says how to write it.
fn has_braces(sink: &mut Sink<'_>, node: &Node, text: &str, what: &str) -> bool {
    let inner = text.trim().strip_prefix("{{").and_then(|rest| rest.strip_suffix("}}"));
    if inner.is_none() && !text.contains("{{") && !text.contains("{%") {
        return false;
    }
    let message = format!("{what} is an expression, not a template");
    let problem = sink.error(codes::TEMPLATE_SYNTAX, &node.span, message);
    let help = match inner {
        Some(inner) => format!("write it without braces: `{}`", inner.trim()),
        None => "write it without braces, for example `inputs.depth == 'full'`".to_owned(),
    };
    sink.push(problem.help(help));
    true
}

pub(super) fn condition(
    sink: &mut Sink<'_>,
    entry: &Entry,
    id: &str,
    when: When,
    known: &Known<'_>,
    references: &mut Vec<StepReference>,
) -> Option<String> {
    let node = &entry.value;
    if let Kind::Scalar(scalar) = &node.kind
        && scalar.as_bool().is_some()
    {
        let message = format!("`if: {}` is the same in every run", scalar.text);
        let problem = sink.error(codes::BAD_CONDITION, &node.span, message);
        sink.push(problem.help("ask for something, for example `if: inputs.deep`, or remove it"));
        return None;
    }
    let text = fields::text(sink, node, "`if`")?;
    if has_braces(sink, node, &text.text, "`if`") {
        return None;
    }
    let found = templates::check(sink, node, &text, Form::Expression, known);
    if found.is_empty()
        && template::plain_input(&text.text).is_none()
        && mentions_nothing(&text.text)
    {
        let message = "the condition is the same in every run: it speaks of no input, step or item";
        let problem = sink.error(codes::BAD_CONDITION, &node.span, message);
        sink.push(problem.help("for example `if: inputs.depth == 'full'`"));
    }
    if let Some(input) = template::plain_input(&text.text)
        && let Some(kind) = known.inputs.get(&input).map(|spec| &spec.kind)
        && *kind != InputKind::Boolean
    {
        let message = format!(
            "`if` asks for true or false, and `inputs.{input}` is of type `{}`",
            kind.as_str()
        );
        let problem = sink.error(codes::BAD_CONDITION, &node.span, message);
        sink.push(problem.help(format!("compare it: `inputs.{input} == …`")));
    }
    for reference in found.iter().filter(|_| when == When::All) {
        let facts = known.facts(&reference.id);
        if reference.attribute == "status" && facts.is_some_and(|facts| !facts.optional) {
            let message = format!(
                "`steps.{0}.status` is always `succeeded` here: the step runs only where `{0}` succeeded",
                reference.id
            );
            let problem = Diagnostic::warning(codes::USELESS_KEY, message)
                .at(sink.source(), reference.span.clone(), "")
                .help(format!(
                    "add `when: any` or `when: always` to `{id}`, or ask for something else"
                ));
            sink.push(problem);
        }
    }
    references.extend(found);
    Some(text.text)
}

/// Whether an expression speaks of nothing that can change from run to run.
fn mentions_nothing(expression: &str) -> bool {
    let word = |name: &str| expression.contains(name);
    !word("inputs") && !word("steps") && !expression.contains(|c: char| c.is_ascii_lowercase())
}

fn fan_out(
    sink: &mut Sink<'_>,
    map: &Map,
    entry: &Entry,
    known: &Known<'_>,
    references: &mut Vec<StepReference>,
) -> Option<ForEach> {
    let list = match &entry.value.kind {
        Kind::List(items) => values(sink, items, &entry.value),
        _ => expression(sink, &entry.value, known, references).map(ListSource::Expression),
    };
    let name = name(sink, map.get("as"), entry, known);
    let max_parallel = map
        .get("max_parallel")
        .and_then(|entry| fields::integer(sink, &entry.value, "`max_parallel`", 1..=1000));
    let words = [Join::All, Join::Any, Join::Settled].map(|join| (join.as_str(), join));
    let join = map.get("join").and_then(|entry| word(sink, entry, &words)).unwrap_or_default();
    Some(ForEach { list: list?, name: name?, max_parallel, join })
}

fn values(sink: &mut Sink<'_>, items: &[Node], node: &Node) -> Option<ListSource> {
    if items.is_empty() || items.len() > MOST_ITEMS {
        let message = if items.is_empty() {
            "`for_each` has no items: the step would never run".to_owned()
        } else {
            format!("`for_each` has {} items, and {MOST_ITEMS} are the limit", items.len())
        };
        let problem = sink.error(codes::BAD_LIST, &node.span, message);
        sink.push(problem.help(
            "write a list such as `[costs, risks]`, or an expression such as `inputs.files`",
        ));
        return None;
    }
    let mut values = Vec::with_capacity(items.len());
    for item in items {
        let Kind::Scalar(scalar) = &item.kind else {
            let wanted = "a text, a number, `true` or `false`";
            fields::wrong_type(sink, item, "an item of `for_each`", wanted, None);
            continue;
        };
        let value = if item.describe() == "a text" {
            Some(InputValue::Enum(scalar.text.clone()))
        } else {
            let integer = scalar.as_integer().map(InputValue::Integer);
            let number = || scalar.as_number().map(InputValue::Number);
            integer.or_else(number).or_else(|| scalar.as_bool().map(InputValue::Boolean))
        };
        match value {
            Some(value) => values.push(value),
            None => fields::wrong_type(sink, item, "an item of `for_each`", "a value", None),
        }
    }
    (values.len() == items.len()).then_some(ListSource::Values(values))
}

fn expression(
    sink: &mut Sink<'_>,
    node: &Node,
    known: &Known<'_>,
    references: &mut Vec<StepReference>,
) -> Option<String> {
    let text = fields::text(sink, node, "`for_each`")?;
    if has_braces(sink, node, &text.text, "`for_each`") {
        return None;
    }
    let found = templates::check(sink, node, &text, Form::Expression, known);
    if let Some(input) = template::plain_input(&text.text)
        && let Some(kind) = known.inputs.get(&input).map(|spec| &spec.kind)
        && !matches!(kind, InputKind::List(_))
    {
        let message =
            format!("`for_each` takes a list, and `inputs.{input}` is of type `{}`", kind.as_str());
        let problem = sink.error(codes::BAD_LIST, &node.span, message);
        let help = match kind {
            InputKind::String | InputKind::File => {
                format!(
                    "write `inputs.{input} | lines` for its lines, or give the input `type: list`"
                )
            }
            _ => "give the input `type: list`".to_owned(),
        };
        sink.push(problem.help(help));
    }
    if let Some(text_of) =
        found.iter().find(|found| text.text.trim().ends_with(&format!("{}.text", found.id)))
    {
        let message =
            format!("`for_each` takes a list, and the document of `{}` is a text", text_of.id);
        let problem = sink.error(codes::BAD_LIST, &node.span, message);
        sink.push(
            problem
                .help("write `… | lines` for its lines, or `… | fromjson` where it is a JSON list"),
        );
    }
    references.extend(found);
    Some(text.text)
}

/// Words that have a meaning in templates.
const TAKEN: [&str; 19] = [
    "inputs",
    "steps",
    "loop",
    "range",
    "true",
    "false",
    "none",
    "and",
    "or",
    "not",
    "in",
    "is",
    "if",
    "else",
    "for",
    "set",
    "with",
    "self",
    "namespace",
];

fn name(
    sink: &mut Sink<'_>,
    given: Option<&Entry>,
    list: &Entry,
    known: &Known<'_>,
) -> Option<String> {
    let (name, span) = match given {
        None => (DEFAULT_ITEM.to_owned(), list.key.span.clone()),
        Some(entry) => {
            let text = fields::text(sink, &entry.value, "`as`")?;
            (text.text, text.span)
        }
    };
    if !fields::is_name(&name) || name.contains('-') || TAKEN.contains(&name.as_str()) {
        let message = if TAKEN.contains(&name.as_str()) {
            format!("`{name}` has a meaning in templates and cannot be the name of an item")
        } else {
            "the name of an item is written with small letters, digits and `_`, and starts with a letter"
                .to_owned()
        };
        let problem = sink.error(codes::BAD_NAME, &span, message);
        sink.push(problem.help("for example `as: topic`"));
        return None;
    }
    if known.items.iter().any(|item| item.name == name) {
        let message = format!("`{name}` is the item of a step around this one already");
        let problem = sink.error(codes::SHADOWED_NAME, &span, message);
        sink.push(problem.help("give the items another name with `as:`"));
        return None;
    }
    Some(name)
}
