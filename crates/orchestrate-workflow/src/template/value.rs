//! What templates see: inputs, and what finished steps made.

use std::{borrow::Cow, collections::BTreeMap, fmt, sync::Arc};

use indexmap::IndexMap;
use minijinja::{
    Value,
    value::{Enumerator, Object, ObjectRepr},
};
use orchestrate_core::{
    brief::{Brief, Decision, Figure, RejectedOption},
    plan::InputValue,
};
use serde::{Deserialize, Serialize};

use crate::called::CalledInputs;

use super::{
    analysis::{Analysis, Names, Target},
    render::TemplateError,
};

/// What a template may refer to.
#[derive(Clone, Copy)]
pub struct Scope<'a> {
    /// The values of the workflow's inputs.
    pub inputs: &'a IndexMap<String, InputValue>,
    /// What steps made.
    pub steps: &'a dyn StepValues,
}

/// Gives what steps made. Only steps that the template mentions are asked for.
pub trait StepValues {
    /// What the step made; `None` where it has not ended yet, which a plan rules out.
    fn step(&self, id: &str) -> Option<StepValue>;

    /// What came of the items of a fan-out, in their order. Only templates that speak of them ask.
    fn parts(&self, _id: &str) -> Vec<PartValue> {
        Vec::new()
    }

    /// The items of the fans-out that the template stands in, by name, outermost first.
    fn items(&self) -> &[(String, ItemValue)] {
        &[]
    }

    /// The schema of the step's value, where it is known; of a fan-out, that of the value of each item.
    fn output_schema(&self, _id: &str) -> Option<&serde_json::Value> {
        None
    }

    /// Whether the step's value is the list of those of its items.
    fn lists_output(&self, _id: &str) -> bool {
        false
    }

    /// What the workflow was called with, where another one calls it.
    fn called_with(&self) -> Option<&CalledInputs> {
        None
    }
}

/// One item of a fan-out's list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ItemValue {
    /// What it is.
    pub value: serde_json::Value,
    /// Whether it is a word of the workflow's author, which no fence needs to surround.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub author: bool,
}

/// What came of one item of a fan-out.
#[derive(Debug, Clone, PartialEq)]
pub struct PartValue {
    /// Its place in the list, from 0.
    pub index: usize,
    /// The item.
    pub item: Option<ItemValue>,
    /// What came of it.
    pub step: StepValue,
}

/// How a step came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum StepEnding {
    /// It has a deliverable.
    #[default]
    Succeeded,
    /// It failed.
    Failed,
    /// It was not run.
    Skipped,
}

impl StepEnding {
    /// The word that templates compare.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
        }
    }
}

/// What a finished or given-up step made.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct StepValue {
    /// The name of the persona that worked, `None` for a rendered value.
    pub persona: Option<String>,
    /// The persona's title.
    pub title: Option<String>,
    /// The deliverable; `None` where an optional step failed.
    pub text: Option<String>,
    /// The deliverable's brief, where there is one.
    pub brief: Option<Brief>,
    /// The value of its answer, where it has one.
    pub output: Option<serde_json::Value>,
    /// The JSON Schema that the value fits.
    pub schema: Option<Arc<serde_json::Value>>,
    /// Whether the value is the list of those of a fan-out's items, each of which fits the schema.
    pub lists_output: bool,
    /// Why there is no deliverable, where there is none.
    pub unavailable: Option<String>,
    /// How it came to its end.
    pub ending: StepEnding,
}

impl Names for Scope<'_> {
    fn has_input(&self, name: &str) -> bool {
        self.inputs.contains_key(name)
    }

    /// An input without a value is nothing, and nothing cannot grow: it may be an absent number.
    fn is_number(&self, name: &str) -> bool {
        matches!(self.inputs.get(name), None | Some(InputValue::Integer(_) | InputValue::Number(_)))
    }

    fn has_step(&self, _id: &str) -> bool {
        false
    }

    fn items(&self) -> Vec<String> {
        self.steps.items().iter().map(|(name, _)| name.clone()).collect()
    }

    fn output_schema(&self, id: &str) -> Option<&serde_json::Value> {
        self.steps.output_schema(id)
    }

    fn lists_output(&self, id: &str) -> bool {
        self.steps.lists_output(id)
    }
}

/// Where a printed text comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Origin {
    /// One of the author's own words: an enum value, the name of a persona.
    Author,
    /// Somebody else, as the label of a fence says it.
    Other(String),
}

/// The texts that a template was given, by the identity of their allocation: a text that a filter
/// has changed is another one and is not found.
#[derive(Debug, Default)]
pub(super) struct Origins(BTreeMap<usize, (Arc<str>, Origin)>);

impl Origins {
    pub(super) fn of(&self, value: &Value) -> Option<&Origin> {
        let text = value.to_str()?;
        self.0.get(&address(&text)).map(|(_, origin)| origin)
    }

    fn text(&mut self, text: &str, origin: Origin) -> Value {
        let text: Arc<str> = Arc::from(text);
        self.0.insert(address(&text), (Arc::clone(&text), origin));
        Value::from(text)
    }
}

fn address(text: &Arc<str>) -> usize {
    Arc::as_ptr(text).cast::<u8>().addr()
}

/// The values that a template refers to, and where their texts come from.
pub(super) fn context(
    analysis: &Analysis,
    scope: &Scope<'_>,
) -> Result<(Value, Origins), TemplateError> {
    let mut origins = Origins::default();
    let mut inputs = BTreeMap::new();
    let mut steps: BTreeMap<String, BTreeMap<&str, Value>> = BTreeMap::new();
    let mut items = BTreeMap::new();
    for reference in &analysis.references {
        match &reference.target {
            Target::Input(name) if !inputs.contains_key(name) => {
                let from = InputFrom::of(name, scope);
                inputs.insert(name.clone(), input(&from, scope.inputs.get(name), &mut origins));
            }
            Target::Step { id, .. } if !steps.contains_key(id) => {
                let made = scope.steps.step(id);
                let made = made.ok_or_else(|| TemplateError::NotEnded { step: id.clone() })?;
                steps.insert(id.clone(), step(id, &made, &mut origins));
            }
            Target::Item(name) if !items.contains_key(name) => {
                let found = scope.steps.items().iter().find(|(known, _)| known == name);
                let value = found.map(|(_, value)| item(value, name, &mut origins));
                items.insert(name.clone(), value.unwrap_or_default());
            }
            Target::Input(_) | Target::Step { .. } | Target::Item(_) => {}
        }
        if let Target::Step { id, attribute } = &reference.target
            && attribute == "items"
            && let Some(fields) = steps.get_mut(id)
            && !fields.contains_key("items")
        {
            let parts = scope.steps.parts(id);
            let parts = parts.iter().map(|made| part(id, made, &mut origins)).collect();
            fields.insert(
                "items",
                Value::from_object(Structure {
                    origin: format!("the items of step `{id}`"),
                    content: Content::Items(parts),
                }),
            );
        }
    }
    let steps: BTreeMap<String, Value> =
        steps.into_iter().map(|(id, fields)| (id, Value::from(fields))).collect();
    let root =
        [("inputs".to_owned(), Value::from(inputs)), ("steps".to_owned(), Value::from(steps))];
    let root: BTreeMap<String, Value> = items.into_iter().chain(root).collect();
    Ok((Value::from(root), origins))
}

/// The labels of an input's texts.
struct InputFrom<'n> {
    name: &'n str,
    /// Of the whole, where it is a text.
    whole: String,
    /// What stands behind the name of any part of it.
    ingredients: String,
}

impl<'n> InputFrom<'n> {
    fn of(name: &'n str, scope: &Scope<'_>) -> Self {
        let (whole, ingredients) = match scope.steps.called_with() {
            Some(called) => (called.origin(name), called.ingredients(name)),
            None if name == "task" => ("the task, from the user".to_owned(), String::new()),
            None => (format!("the input `{name}`"), String::new()),
        };
        Self { name, whole, ingredients }
    }

    /// Of a part of it: no part is the task.
    fn part(&self) -> String {
        format!("the input `{}`{}", self.name, self.ingredients)
    }
}

fn input(from: &InputFrom<'_>, value: Option<&InputValue>, origins: &mut Origins) -> Value {
    let name = from.name;
    match value {
        None => Value::from(()),
        Some(InputValue::String(text)) => origins.text(text, Origin::Other(from.whole.clone())),
        Some(InputValue::File { text, .. }) if name == "task" => {
            origins.text(text, Origin::Other(from.whole.clone()))
        }
        Some(InputValue::File { name: file, text }) => {
            let origin = format!("the file `{}` (input `{name}`)", label(file));
            origins.text(text, Origin::Other(origin))
        }
        Some(InputValue::Enum(word)) => origins.text(word, Origin::Author),
        Some(InputValue::Integer(number)) => Value::from(*number),
        Some(InputValue::Number(number)) => Value::from(*number),
        Some(InputValue::Boolean(flag)) => Value::from(*flag),
        Some(InputValue::List(items)) => {
            let items = items.iter().map(|item| input_item(from, item, origins)).collect();
            Value::from_object(Structure { origin: from.part(), content: Content::Items(items) })
        }
        Some(InputValue::Object(members)) => object(members, &from.part(), origins),
    }
}

/// An item of a list: nothing of it is the task.
fn input_item(from: &InputFrom<'_>, item: &InputValue, origins: &mut Origins) -> Value {
    match item {
        InputValue::String(text) => plain(text, &from.part(), origins),
        other => input(from, Some(other), origins),
    }
}

fn object(
    members: &serde_json::Map<String, serde_json::Value>,
    origin: &str,
    origins: &mut Origins,
) -> Value {
    let members = members
        .iter()
        .map(|(name, value)| (Cow::Owned(name.clone()), json(value, origin, origins)))
        .collect();
    Value::from_object(Structure { origin: origin.to_owned(), content: Content::Members(members) })
}

/// A value that was read out of a text, and that nobody can say whose it is.
pub(super) fn parsed(value: &serde_json::Value) -> Value {
    json(value, super::render::CHANGED, &mut Origins::default())
}

fn json(value: &serde_json::Value, origin: &str, origins: &mut Origins) -> Value {
    match value {
        serde_json::Value::String(text) => plain(text, origin, origins),
        serde_json::Value::Object(members) => object(members, origin, origins),
        serde_json::Value::Array(items) => {
            let items = items.iter().map(|item| json(item, origin, origins)).collect();
            Value::from_object(Structure {
                origin: origin.to_owned(),
                content: Content::Items(items),
            })
        }
        serde_json::Value::Null => Value::from(()),
        serde_json::Value::Bool(truth) => Value::from(*truth),
        serde_json::Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(number), _) => Value::from(number),
            (None, Some(number)) => Value::from(number),
            (None, None) => Value::from(()),
        },
    }
}

/// An item of a fan-out. Its number is not part of its label: where the list grows at the front, the
/// prompts of the other items stay what they were.
fn item(item: &ItemValue, name: &str, origins: &mut Origins) -> Value {
    match &item.value {
        serde_json::Value::String(text) if item.author => origins.text(text, Origin::Author),
        value => json(value, &item_origin(name), origins),
    }
}

/// The label of an item's fence.
pub(super) fn item_origin(name: &str) -> String {
    format!("the item `{name}` of this step")
}

fn part(id: &str, made: &PartValue, origins: &mut Origins) -> Value {
    let mut fields = step(id, &made.step, origins);
    fields.insert("index", Value::from(made.index));
    let value = made.item.as_ref().map(|value| item(value, "item", origins));
    fields.insert("item", value.unwrap_or_default());
    Value::from(fields)
}

/// The value of a step; nothing where it has none, or the step failed.
fn output(made: &StepValue, origin: &str, origins: &mut Origins) -> Value {
    let anything = serde_json::Value::Null;
    let schema = made.schema.as_deref().unwrap_or(&anything);
    match &made.output {
        Some(serde_json::Value::Array(values)) if made.lists_output => {
            let values = values.iter().map(|value| typed(value, schema, schema, origin, origins));
            let content = Content::Items(values.collect());
            Value::from_object(Structure { origin: origin.to_owned(), content })
        }
        Some(value) => typed(value, schema, schema, origin, origins),
        None => Value::from(()),
    }
}

/// A value by its schema: a word of an enum is one of the author's own, any other text is not.
fn typed(
    value: &serde_json::Value,
    root: &serde_json::Value,
    schema: &serde_json::Value,
    origin: &str,
    origins: &mut Origins,
) -> Value {
    let schema = super::typed::referred(root, schema);
    match value {
        serde_json::Value::String(word)
            if schema["enum"].as_array().is_some_and(|words| words.contains(value))
                || schema["const"] == *value =>
        {
            origins.text(word, Origin::Author)
        }
        serde_json::Value::Object(members) => {
            let members = members.iter().map(|(name, value)| {
                let below = &schema["properties"][name.as_str()];
                (Cow::Owned(name.clone()), typed(value, root, below, origin, origins))
            });
            let members = members.collect();
            let content = Content::Members(members);
            Value::from_object(Structure { origin: origin.to_owned(), content })
        }
        serde_json::Value::Array(items) => {
            let below = &schema["items"];
            let items = items.iter().map(|item| typed(item, root, below, origin, origins));
            let content = Content::Items(items.collect());
            Value::from_object(Structure { origin: origin.to_owned(), content })
        }
        single => json(single, origin, origins),
    }
}

/// A list or an object from outside. It prints as Markdown bullets where it is a list of single values,
/// and as JSON otherwise.
#[derive(Debug)]
pub(super) struct Structure {
    /// Where it comes from.
    pub(super) origin: String,
    content: Content,
}

impl Structure {
    /// Whether it is a list of single values.
    pub(super) fn is_plain_list(&self) -> bool {
        matches!(&self.content, Content::Items(items)
            if items.iter().all(|item| item.as_object().is_none()))
    }
}

impl Object for Structure {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        self.content.repr()
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.content.value(key)
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        self.content.enumerate()
    }
}

/// A name as part of a fence's one-line label.
fn label(name: &str) -> String {
    orchestrate_core::neutral::excerpt(name, 200)
}

fn step(id: &str, made: &StepValue, origins: &mut Origins) -> BTreeMap<&'static str, Value> {
    let by = |what: &str| match &made.persona {
        Some(persona) => format!("{what} of {} (step `{id}`)", label(persona)),
        None if what == "deliverable" => format!("value of step `{id}`"),
        None => format!("{what} of step `{id}`"),
    };
    let unavailable = || {
        let reason = made.unavailable.as_deref().unwrap_or("the step failed");
        format!("Not available: {reason}. Work without it and say where that matters.")
    };
    let available = made.text.is_some();
    let text = made.text.clone().unwrap_or_else(unavailable);
    let persona = made.persona.as_deref().unwrap_or_default();
    let title = made.title.as_deref().unwrap_or(persona);
    let fields = [
        ("text", origins.text(&text, Origin::Other(by("deliverable")))),
        ("persona", origins.text(persona, Origin::Author)),
        ("title", origins.text(title, Origin::Other(by("title")))),
        ("available", Value::from(available)),
        ("status", origins.text(made.ending.as_str(), Origin::Author)),
        ("output", output(made, &by("value"), origins)),
        ("brief", brief(made.brief.as_ref().unwrap_or(&Brief::default()), &by("brief"), origins)),
    ];
    BTreeMap::from(fields)
}

/// Something of a brief that prints as text and can be looked into.
#[derive(Debug)]
pub(super) struct Material {
    /// What it prints: Markdown.
    pub(super) text: String,
    /// Where it comes from.
    pub(super) origin: String,
    content: Content,
}

#[derive(Debug)]
enum Content {
    Members(IndexMap<Cow<'static, str>, Value>),
    Items(Vec<Value>),
}

impl Content {
    fn repr(&self) -> ObjectRepr {
        match self {
            Self::Members(_) => ObjectRepr::Map,
            Self::Items(_) => ObjectRepr::Seq,
        }
    }

    fn value(&self, key: &Value) -> Option<Value> {
        match self {
            Self::Members(members) => members.get(key.as_str()?).cloned(),
            Self::Items(items) => items.get(key.as_usize()?).cloned(),
        }
    }

    fn enumerate(&self) -> Enumerator {
        match self {
            Self::Members(members) => {
                Enumerator::Values(members.keys().map(|name| Value::from(name.as_ref())).collect())
            }
            Self::Items(items) => Enumerator::Seq(items.len()),
        }
    }
}

impl Object for Material {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        self.content.repr()
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.content.value(key)
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        self.content.enumerate()
    }

    fn is_true(self: &Arc<Self>) -> bool {
        !self.text.is_empty()
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn brief(brief: &Brief, origin: &str, origins: &mut Origins) -> Value {
    let mut texts = |entries: &[String], of: fn(Vec<String>) -> Brief| {
        let items = entries.iter().map(|entry| plain(entry, origin, origins)).collect();
        list(&of(entries.to_vec()), origin, items)
    };
    let assumptions =
        texts(&brief.assumptions, |all| Brief { assumptions: all, ..Brief::default() });
    let constraints =
        texts(&brief.constraints, |all| Brief { constraints: all, ..Brief::default() });
    let risks = texts(&brief.risks, |all| Brief { risks: all, ..Brief::default() });
    let open =
        texts(&brief.open_questions, |all| Brief { open_questions: all, ..Brief::default() });
    let escalations =
        texts(&brief.escalations, |all| Brief { escalations: all, ..Brief::default() });
    let next = texts(&brief.next, |all| Brief { next: all, ..Brief::default() });
    let decisions = brief.decisions.iter().map(|entry| decision(entry, origin, origins)).collect();
    let figures = brief.figures.iter().map(|entry| figure(entry, origin, origins)).collect();
    let rejected = brief.rejected_options.iter().map(|entry| rejected(entry, origin, origins));
    let rejected = rejected.collect();
    let only_decisions = Brief { decisions: brief.decisions.clone(), ..Brief::default() };
    let only_figures = Brief { figures: brief.figures.clone(), ..Brief::default() };
    let only_rejected =
        Brief { rejected_options: brief.rejected_options.clone(), ..Brief::default() };
    let members = [
        ("decisions", list(&only_decisions, origin, decisions)),
        ("figures", list(&only_figures, origin, figures)),
        ("constraints", constraints),
        ("assumptions", assumptions),
        ("risks", risks),
        ("open_questions", open),
        ("rejected_options", list(&only_rejected, origin, rejected)),
        ("escalations", escalations),
        ("next", next),
    ];
    material(brief.to_markdown(), origin, named(members))
}

fn decision(entry: &Decision, origin: &str, origins: &mut Origins) -> Value {
    let alone = Brief { decisions: vec![entry.clone()], ..Brief::default() };
    let members = [("id", &entry.id), ("decision", &entry.decision), ("why", &entry.why)];
    record(&alone, &members, origin, origins)
}

fn figure(entry: &Figure, origin: &str, origins: &mut Origins) -> Value {
    let alone = Brief { figures: vec![entry.clone()], ..Brief::default() };
    let members = [
        ("name", &entry.name),
        ("value", &entry.value),
        ("unit", &entry.unit),
        ("basis", &entry.basis),
    ];
    record(&alone, &members, origin, origins)
}

fn rejected(entry: &RejectedOption, origin: &str, origins: &mut Origins) -> Value {
    let alone = Brief { rejected_options: vec![entry.clone()], ..Brief::default() };
    record(&alone, &[("option", &entry.option), ("why", &entry.why)], origin, origins)
}

fn record(
    alone: &Brief,
    members: &[(&'static str, &String)],
    origin: &str,
    origins: &mut Origins,
) -> Value {
    let line = bullets(alone);
    let line = line.strip_prefix("- ").unwrap_or(&line).trim_end().to_owned();
    let members = members.iter().map(|(name, text)| (*name, plain(text, origin, origins)));
    material(line, origin, named(members))
}

fn named(members: impl IntoIterator<Item = (&'static str, Value)>) -> Content {
    Content::Members(
        members.into_iter().map(|(name, value)| (Cow::Borrowed(name), value)).collect(),
    )
}

fn plain(text: &str, origin: &str, origins: &mut Origins) -> Value {
    origins.text(text, Origin::Other(origin.to_owned()))
}

fn list(alone: &Brief, origin: &str, items: Vec<Value>) -> Value {
    material(bullets(alone), origin, Content::Items(items))
}

fn material(text: String, origin: &str, content: Content) -> Value {
    Value::from_object(Material { text, origin: origin.to_owned(), content })
}

/// A brief of one kind of entries without its heading.
fn bullets(alone: &Brief) -> String {
    let markdown = alone.to_markdown();
    markdown.split_once('\n').map(|(_, rest)| rest.to_owned()).unwrap_or_default()
}
