//! Rendering: a template and the values it refers to make a text of bounded size.

use std::{io, sync::Arc};

use minijinja::{Environment, Error, ErrorKind, UndefinedBehavior, Value, value::ValueKind};
use orchestrate_core::{fence::fence, flow::MOST_ITEMS, neutral::excerpt};

use super::{
    analysis::{self, Analysis, Form, Names, Target, analyse},
    filters,
    value::{ItemValue, Material, Origin, Origins, Scope, Structure, context, item_origin},
};

/// The largest text that a template may make: 4 MiB.
pub const MAX_RENDERED_BYTES: usize = 4 << 20;

/// Instructions that one template may run.
const FUEL: u64 = 500_000;

/// What a changed text is called, when nobody can say whose it is.
pub(super) const CHANGED: &str = "a value of this workflow";

/// Why a template could not be rendered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// It is no template, or says what templates cannot say. A compiled plan holds none of these.
    #[error("the template is not valid: {message}")]
    Invalid {
        /// What is wrong.
        message: String,
        /// What to write instead.
        help: Option<String>,
    },
    /// It refers to a step that has not ended. A compiled plan rules this out.
    #[error("the template refers to step `{step}`, which has not ended")]
    NotEnded {
        /// The step.
        step: String,
    },
    /// An expression failed for the values at hand.
    #[error("line {line} of the template: {message}")]
    Failed {
        /// What went wrong.
        message: String,
        /// Line within the template, from 1.
        line: usize,
    },
    /// A condition is neither true nor false.
    #[error("`if: {expression}` is {found}")]
    NoCondition {
        /// The expression.
        expression: String,
        /// What it is instead.
        found: String,
    },
    /// The value of `for_each` is no list, or one that is too long.
    #[error("`for_each: {expression}` is {found}")]
    NoList {
        /// The expression.
        expression: String,
        /// What it is instead.
        found: String,
    },
    /// The expression has no value that is a text, a number or a boolean.
    #[error("`{expression}` is {found}")]
    NoText {
        /// The expression.
        expression: String,
        /// What it is instead.
        found: String,
    },
    /// The result is larger than [`MAX_RENDERED_BYTES`].
    #[error("the rendered text is larger than 4 MiB")]
    TooLarge,
    /// The template runs for too long.
    #[error("the template takes too many steps to render")]
    TooLong,
}

impl TemplateError {
    /// What to do about it.
    pub fn help(&self) -> Option<&str> {
        match self {
            Self::Invalid { help, .. } => help.as_deref(),
            Self::TooLarge => Some("print briefs instead of whole documents"),
            Self::TooLong => Some("loop over fewer items"),
            Self::NoCondition { .. } => {
                Some("compare it with something: `== 'full'`, `> 3`, `is defined`")
            }
            Self::NoList { .. } => Some(
                "make a list of a text with `| lines`, `| split(',')` or `| fromjson`; shorten one with `[:100]`",
            ),
            Self::Failed { .. } | Self::NotEnded { .. } | Self::NoText { .. } => None,
        }
    }
}

/// Renders a `prompt:`. Every text that an expression prints is fenced under its origin; numbers,
/// booleans, enum values and names of personas are not. A text of white space alone prints nothing.
pub fn render_prompt(template: &str, scope: &Scope<'_>) -> Result<String, TemplateError> {
    render(template, scope, Printing::Fenced)
}

/// Renders a `render:` or one of the `outputs:`. Texts are printed as they are.
pub fn render_text(template: &str, scope: &Scope<'_>) -> Result<String, TemplateError> {
    render(template, scope, Printing::AsIs)
}

/// The value of an expression as text, for `choose.by`.
pub fn evaluate(expression: &str, scope: &Scope<'_>) -> Result<String, TemplateError> {
    let (value, _) = value_of(expression, scope)?;
    let found = match value.kind() {
        ValueKind::String | ValueKind::Number | ValueKind::Bool => return Ok(scalar(&value)),
        ValueKind::Undefined | ValueKind::None => "without a value".to_owned(),
        kind => format!("a {kind}, not a text"),
    };
    Err(TemplateError::NoText { expression: expression.to_owned(), found })
}

fn value_of(expression: &str, scope: &Scope<'_>) -> Result<(Value, Arc<Origins>), TemplateError> {
    let analysis = sound(expression, Form::Expression, scope)?;
    let (context, origins) = context(&analysis, scope)?;
    let (env, origins) = environment(Printing::AsIs, origins);
    let value = env
        .compile_expression(expression)
        .and_then(|compiled| compiled.eval(context))
        .map_err(|error| failure(&error))?;
    Ok((value, origins))
}

/// What a value is, for people who expected something else.
fn described(value: &Value) -> String {
    match value.kind() {
        ValueKind::Undefined | ValueKind::None => "without a value".to_owned(),
        ValueKind::Bool => "true or false".to_owned(),
        ValueKind::Number => format!("the number {value}"),
        ValueKind::String => format!("a text, `{}`", excerpt(&scalar(value), 60)),
        kind => format!("a {kind}"),
    }
}

/// Whether the condition of a step holds. Nothing but true and false is an answer.
pub fn evaluate_condition(expression: &str, scope: &Scope<'_>) -> Result<bool, TemplateError> {
    let (value, _) = value_of(expression, scope)?;
    match value.kind() {
        ValueKind::Bool => Ok(value.is_true()),
        _ => Err(TemplateError::NoCondition {
            expression: excerpt(expression, 200),
            found: format!("{}, and neither true nor false", described(&value)),
        }),
    }
}

/// The items of a fan-out, up to [`MOST_ITEMS`].
pub fn evaluate_list(expression: &str, scope: &Scope<'_>) -> Result<Vec<ItemValue>, TemplateError> {
    let (value, origins) = value_of(expression, scope)?;
    let no_list =
        |found: String| TemplateError::NoList { expression: excerpt(expression, 200), found };
    if !matches!(value.kind(), ValueKind::Seq | ValueKind::Iterable) {
        return Err(no_list(format!("{}, and no list", described(&value))));
    }
    let mut items = Vec::new();
    let mut bytes = 0;
    for item in value.try_iter().map_err(|error| failure(&error))? {
        if items.len() == MOST_ITEMS {
            return Err(no_list(format!("a list of more than {MOST_ITEMS} items")));
        }
        let author = origins.of(&item) == Some(&Origin::Author);
        let text = pretty(&item).map_err(|error| failure(&error))?;
        bytes += text.len();
        if bytes > MAX_RENDERED_BYTES {
            return Err(TemplateError::TooLarge);
        }
        let value = serde_json::from_str(&text)
            .map_err(|_| no_list("a list with an item that is no value".to_owned()))?;
        items.push(ItemValue { value, author });
    }
    Ok(items)
}

/// The block that puts an item before a persona whose prompt does not print it.
pub fn item_block(name: &str, item: &ItemValue) -> String {
    let text = match &item.value {
        serde_json::Value::String(text) => text.clone(),
        value => serde_json::to_string_pretty(value).unwrap_or_default(),
    };
    fence(&item_origin(name), &text)
}

/// Whether a template speaks of the item of this name.
pub fn mentions_item(template: &str, name: &str) -> bool {
    struct Only<'n>(&'n str);
    impl Names for Only<'_> {
        fn has_input(&self, _name: &str) -> bool {
            true
        }
        fn is_number(&self, _name: &str) -> bool {
            true
        }
        fn has_step(&self, _id: &str) -> bool {
            true
        }
        fn items(&self) -> Vec<String> {
            vec![self.0.to_owned()]
        }
    }
    !is_plain(template)
        && analyse(template, Form::Template, &Only(name))
            .references
            .iter()
            .any(|reference| matches!(&reference.target, Target::Item(found) if found == name))
}

/// Whether a prompt prints `inputs.task` itself, whatever the values are, so that the task need not
/// be given again.
pub fn prints_task(template: &str) -> bool {
    if is_plain(template) {
        return false;
    }
    let analysis = analyse(template, Form::Template, &Anything);
    analysis.problems.is_empty() && analysis.prints_task
}

/// The input that an expression is, where it is nothing else.
pub(crate) fn plain_input(expression: &str) -> Option<String> {
    let analysis = analyse(expression, Form::Expression, &Anything);
    let [reference] = analysis.references.as_slice() else { return None };
    let Target::Input(name) = &reference.target else { return None };
    let spellings =
        [format!("inputs.{name}"), format!("inputs['{name}']"), format!("inputs[\"{name}\"]")];
    spellings.contains(&expression.trim().to_owned()).then(|| name.clone())
}

/// Names where nothing is known of the workflow.
struct Anything;

impl Names for Anything {
    fn has_input(&self, _name: &str) -> bool {
        false
    }

    fn is_number(&self, _name: &str) -> bool {
        true
    }

    fn has_step(&self, _id: &str) -> bool {
        false
    }
}

/// Whether a template is nothing but text: every tag begins with a brace.
fn is_plain(template: &str) -> bool {
    !template.contains('{')
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Printing {
    Fenced,
    AsIs,
}

fn render(template: &str, scope: &Scope<'_>, printing: Printing) -> Result<String, TemplateError> {
    // Most of the work goes into setting the engine up; plain text needs none of it.
    if is_plain(template) && template.len() <= MAX_RENDERED_BYTES {
        return Ok(template.to_owned());
    }
    let analysis = sound(template, Form::Template, scope)?;
    let (context, origins) = context(&analysis, scope)?;
    let (env, _) = environment(printing, origins);
    let mut text = Capped::default();
    let outcome = env
        .template_from_named_str("template", template)
        .and_then(|compiled| compiled.render_captured_to(context, &mut text).map(drop));
    if text.overflown {
        return Err(TemplateError::TooLarge);
    }
    outcome.map_err(|error| failure(&error))?;
    String::from_utf8(text.bytes).map_err(|_| TemplateError::Invalid {
        message: "the result is not UTF-8".to_owned(),
        help: None,
    })
}

/// The analysis of a template that has no problem.
fn sound(source: &str, form: Form, names: &dyn Names) -> Result<Analysis, TemplateError> {
    let mut analysis = analyse(source, form, names);
    if analysis.problems.is_empty() {
        return Ok(analysis);
    }
    let first = analysis.problems.swap_remove(0);
    Err(TemplateError::Invalid { message: first.message, help: first.help })
}

fn environment(printing: Printing, origins: Origins) -> (Environment<'static>, Arc<Origins>) {
    let mut env = filters::environment();
    // The same messages in every build.
    env.set_debug(false);
    env.set_syntax(analysis::syntax());
    env.set_undefined_behavior(UndefinedBehavior::Strict);
    env.set_fuel(Some(FUEL));
    let origins = Arc::new(origins);
    let known = Arc::clone(&origins);
    env.set_formatter(move |out, _state, value| {
        let text = print(value, printing, &known)?;
        out.write_str(&text).map_err(Error::from)
    });
    (env, origins)
}

/// What a value prints.
fn print(value: &Value, printing: Printing, origins: &Origins) -> Result<String, Error> {
    let (text, origin) = match value.kind() {
        ValueKind::Undefined | ValueKind::None => return Ok(String::new()),
        ValueKind::Bool | ValueKind::Number => return Ok(scalar(value)),
        ValueKind::String => match origins.of(value) {
            Some(Origin::Author) => return Ok(scalar(value)),
            Some(Origin::Other(origin)) => (scalar(value), origin.as_str()),
            None => (scalar(value), CHANGED),
        },
        kind => match (
            value.downcast_object_ref::<Material>(),
            value.downcast_object_ref::<Structure>(),
        ) {
            (Some(material), _) => (material.text.clone(), material.origin.as_str()),
            (None, Some(structure)) if structure.is_plain_list() => {
                (bullets(value)?, structure.origin.as_str())
            }
            (None, Some(structure)) => (pretty(value)?, structure.origin.as_str()),
            (None, None) if matches!(kind, ValueKind::Seq | ValueKind::Iterable) => {
                (bullets(value)?, CHANGED)
            }
            (None, None) => {
                let message = format!("a {kind} cannot be printed");
                return Err(Error::new(ErrorKind::InvalidOperation, message));
            }
        },
    };
    Ok(match printing {
        Printing::AsIs => text,
        Printing::Fenced if text.trim().is_empty() => String::new(),
        Printing::Fenced => fence(origin, &text),
    })
}

/// A string, number or boolean as text.
fn scalar(value: &Value) -> String {
    match (value.kind(), value.as_str()) {
        (_, Some(text)) => text.to_owned(),
        (ValueKind::Bool, None) => value.is_true().to_string(),
        _ => value.to_string(),
    }
}

/// A structure as JSON, up to what a template may make.
fn pretty(value: &Value) -> Result<String, Error> {
    let mut text = Capped::default();
    let mut writer = &mut text;
    serde_json::to_writer_pretty(&mut writer, value).map_err(|_| {
        Error::new(ErrorKind::InvalidOperation, "the value is larger than 4 MiB of JSON")
    })?;
    String::from_utf8(text.bytes)
        .map_err(|_| Error::new(ErrorKind::InvalidOperation, "the value is no text"))
}

/// A list as Markdown.
fn bullets(list: &Value) -> Result<String, Error> {
    let mut text = String::new();
    for item in list.try_iter()? {
        text.push_str("- ");
        text.push_str(&scalar(&item));
        text.push('\n');
        if text.len() > MAX_RENDERED_BYTES {
            let message = "the list is larger than 4 MiB";
            return Err(Error::new(ErrorKind::InvalidOperation, message));
        }
    }
    Ok(text)
}

fn failure(error: &Error) -> TemplateError {
    if error.kind() == ErrorKind::OutOfFuel {
        return TemplateError::TooLong;
    }
    let message = match error.detail() {
        Some(detail) => detail.to_owned(),
        None => error.kind().to_string(),
    };
    TemplateError::Failed { message: excerpt(&message, 400), line: error.line().unwrap_or(1) }
}

/// Keeps up to [`MAX_RENDERED_BYTES`].
#[derive(Default)]
struct Capped {
    bytes: Vec<u8>,
    overflown: bool,
}

impl io::Write for &mut Capped {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + piece.len() > MAX_RENDERED_BYTES {
            self.overflown = true;
            return Err(io::Error::other("too large"));
        }
        self.bytes.extend_from_slice(piece);
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
