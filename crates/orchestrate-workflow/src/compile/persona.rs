//! Who works in a step: a persona by name, or one chosen by a value.

use indexmap::IndexMap;
use orchestrate_core::{
    diagnostic::Diagnostic,
    plan::{InputKind, InputSpec, Otherwise, PersonaChoice},
};

use super::{fields, file::Catalogue, templates::Known};
use crate::{
    codes,
    language::CHOICE,
    template,
    yaml::{Kind, Map, Node, Sink, Text, with_help},
};

/// A choice, and the place of its expression where it has one.
pub(super) struct Choice<'n> {
    pub(super) persona: PersonaChoice,
    pub(super) by: Option<&'n Node>,
}

/// Reads `persona:`.
pub(super) fn read<'n>(
    sink: &mut Sink<'_>,
    node: &'n Node,
    catalogue: &dyn Catalogue,
    known: &Known<'_>,
) -> Option<Choice<'n>> {
    if !matches!(node.kind, Kind::Map(_)) {
        if matches!(node.kind, Kind::List(_)) {
            let help =
                "one persona works in a step: write a step for each, and let a later one need them";
            fields::wrong_type(sink, node, "`persona`", "a text", Some(help.to_owned()));
            return None;
        }
        let name = fields::text(sink, node, "`persona`")?;
        let found = check_persona(sink, &name, catalogue);
        return found.then(|| Choice { persona: PersonaChoice::Named(name.text), by: None });
    }
    let map = fields::map(sink, node, "`persona`", &CHOICE)?;
    let cases = cases(sink, map, node, catalogue);
    let by = map.get("by").map(|entry| &entry.value);
    if by.is_none() {
        let message = "a choice without `by`: what is looked up?".to_owned();
        fields::missing_key(sink, &node.span, message, "add `by: inputs.name`");
    }
    let otherwise = match map.get("otherwise") {
        None => Some(Otherwise::Fail),
        Some(entry) => otherwise(sink, &entry.value, catalogue),
    };
    let by_text = by.and_then(|by| fields::text(sink, by, "`by`"));
    let (cases, by_text, otherwise) = (cases?, by_text?, otherwise?);
    check_cover(sink, &cases, &by_text, map.get("otherwise").is_some(), known.inputs);
    let cases = cases.into_iter().map(|(_, (value, name))| (value.text, name.text)).collect();
    let persona = PersonaChoice::Choose { cases, by: by_text.text, otherwise };
    Some(Choice { persona, by })
}

type Cases = IndexMap<String, (Text, Text)>;

fn cases(sink: &mut Sink<'_>, map: &Map, node: &Node, catalogue: &dyn Catalogue) -> Option<Cases> {
    const HELP: &str = "write `choose: { value: persona-name }`";
    let Some(entry) = map.get("choose") else {
        fields::missing_key(sink, &node.span, "a choice without `choose`".to_owned(), HELP);
        return None;
    };
    let choose = fields::any_map(sink, &entry.value, "`choose`")?;
    if choose.entries.is_empty() {
        let problem = sink.error(codes::BAD_VALUE, &entry.value.span, "a choice without cases");
        sink.push(problem.help(HELP));
        return None;
    }
    let mut cases = Cases::new();
    let mut sound = true;
    for case in choose.entries.values() {
        match fields::text(sink, &case.value, "a case of `choose`") {
            Some(name) => {
                sound &= check_persona(sink, &name, catalogue);
                cases.insert(case.key.text.clone(), (case.key.clone(), name));
            }
            None => sound = false,
        }
    }
    sound.then_some(cases)
}

fn otherwise(sink: &mut Sink<'_>, node: &Node, catalogue: &dyn Catalogue) -> Option<Otherwise> {
    let name = fields::text(sink, node, "`otherwise`")?;
    match name.text.as_str() {
        "fail" => Some(Otherwise::Fail),
        "match" => Some(Otherwise::Match),
        _ => check_persona(sink, &name, catalogue).then_some(Otherwise::Persona(name.text)),
    }
}

pub(super) fn check_persona(sink: &mut Sink<'_>, name: &Text, catalogue: &dyn Catalogue) -> bool {
    let found = catalogue.has_persona(&name.text);
    if !found {
        let problem = unknown_persona(sink, name, catalogue);
        sink.push(problem);
    }
    found
}

fn unknown_persona(sink: &Sink<'_>, name: &Text, catalogue: &dyn Catalogue) -> Diagnostic {
    let names = catalogue.persona_names();
    let message = format!("there is no persona `{}`", name.text);
    let problem = sink.error(codes::UNKNOWN_PERSONA, &name.span, message);
    with_help(problem, sink.advice(&name.text, names.iter().map(String::as_str)))
}

/// Where the choice is by an enum, its words and the cases have to agree.
fn check_cover(
    sink: &mut Sink<'_>,
    cases: &Cases,
    by: &Text,
    has_otherwise: bool,
    inputs: &IndexMap<String, InputSpec>,
) {
    let Some(input) = template::plain_input(&by.text) else { return };
    let Some(InputKind::Enum(words)) = inputs.get(&input).map(|spec| &spec.kind) else { return };
    for (case, (value, _)) in cases {
        if !words.contains(case) {
            let message = format!("input `{input}` is never `{case}`");
            let problem = sink.error(codes::IMPOSSIBLE_CASE, &value.span, message);
            let help = sink.advice(case, words.iter().map(String::as_str));
            sink.push(with_help(problem, help));
        }
    }
    let uncovered: Vec<String> = words
        .iter()
        .filter(|word| !has_otherwise && !cases.contains_key(*word))
        .map(|word| format!("`{word}`"))
        .collect();
    if !uncovered.is_empty() {
        let message = format!("no case for {} of input `{input}`", uncovered.join(", "));
        let problem = sink.error(codes::UNCOVERED_CASE, &by.span, message);
        sink.push(problem.help("add the case, or `otherwise:` with `match`, `fail` or a persona"));
    }
}
