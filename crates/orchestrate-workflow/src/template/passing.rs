//! Values that one workflow passes to another.

use std::ops::Range;

use minijinja::{
    Value,
    machinery::{Token, tokenize},
    value::ValueKind,
};

use super::{
    analysis::{Analysis, Form, Target, analyse, range, syntax},
    render::{TemplateError, failure, pretty, scalar, value_of},
    value::{Material, Scope},
};

/// A value on its way into another workflow.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Passing {
    /// What it is.
    pub(crate) value: serde_json::Value,
    /// What it prints, where that is one text: a text, a number, a boolean, or part of a brief.
    pub(crate) text: Option<String>,
}

/// The expression that a template is, where it is exactly one `{{ … }}`.
pub(crate) fn single_expression(template: &str) -> Option<String> {
    let template = template.trim();
    let mut tokens = tokenize(template, false, syntax());
    let (Token::VariableStart, start) = tokens.next()?.ok()? else { return None };
    let inner = range(start).end;
    let mut end: Option<Range<usize>> = None;
    for token in tokens {
        let (token, span) = token.ok()?;
        match token {
            Token::VariableEnd if end.is_none() => end = Some(range(span)),
            Token::VariableStart
            | Token::VariableEnd
            | Token::BlockStart
            | Token::TemplateData(_) => return None,
            _ => {}
        }
    }
    let end = end.filter(|end| end.end == template.len())?;
    let expression = template.get(inner..end.start)?.trim();
    (!expression.is_empty()).then(|| expression.to_owned())
}

/// The value of an expression; none where it has none.
pub(crate) fn evaluate_passing(
    expression: &str,
    scope: &Scope<'_>,
) -> Result<Option<Passing>, TemplateError> {
    let (value, _) = value_of(expression, scope)?;
    let text = match value.kind() {
        ValueKind::Undefined | ValueKind::None => return Ok(None),
        ValueKind::String | ValueKind::Number | ValueKind::Bool => Some(scalar(&value)),
        _ => value.downcast_object_ref::<Material>().map(|material| material.text.clone()),
    };
    let json = json(&value)?;
    Ok(Some(Passing { value: json, text }))
}

fn json(value: &Value) -> Result<serde_json::Value, TemplateError> {
    let text = pretty(value).map_err(|error| failure(&error))?;
    serde_json::from_str(&text).map_err(|_| TemplateError::Failed {
        message: "the value is no text, number, boolean, list or map".to_owned(),
        line: 1,
    })
}

/// What the texts of a value are made of, beside words of the workflow's author and of the user: the steps
/// and items that it speaks of, and what its inputs were made of themselves.
pub(crate) fn ingredients(source: &str, is_expression: bool, scope: &Scope<'_>) -> Vec<String> {
    let form = if is_expression { Form::Expression } else { Form::Template };
    let Analysis { references, .. } = analyse(source, form, scope);
    let mut found: Vec<String> = Vec::new();
    let mut add = |ingredient: String| {
        if !found.contains(&ingredient) {
            found.push(ingredient);
        }
    };
    for reference in references {
        match reference.target {
            Target::Step { id, .. } => add(format!("step `{id}`")),
            Target::Item(name) => add(format!("item `{name}`")),
            Target::Input(name) => {
                let outer = scope.steps.called_with().and_then(|outer| outer.made_of.get(&name));
                outer.into_iter().flatten().cloned().for_each(&mut add);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_expression_alone_is_a_value_and_anything_more_is_a_text() {
        let single = |text: &str| single_expression(text);
        assert_eq!(single("{{ inputs.files }}").as_deref(), Some("inputs.files"));
        assert_eq!(single(" {{- a | default('}}') -}}\n").as_deref(), Some("a | default('}}')"));
        for text in [
            "",
            "plain",
            "{{ a }}{{ b }}",
            "see {{ a }}",
            "{{ a }}.",
            "{{ }}",
            "{{ a",
            "{% if a %}{{ a }}{% endif %}",
            "{# note #}{{ a }} x",
            "{% raw %}{{ a }}{% endraw %}",
        ] {
            assert_eq!(single(text), None, "{text}");
        }
    }
}
