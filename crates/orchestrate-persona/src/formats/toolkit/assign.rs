//! Tables that say where each key of a structured format goes.

use std::fmt;

use super::{
    draft::Draft,
    prose,
    tree::{Map, Tree},
    words,
};

/// Where a key goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum To {
    /// The name, made a slug.
    Name,
    /// The name for people.
    Title,
    /// Another name people use.
    Alias,
    /// What it does and when to call on it.
    Description,
    /// The group it is listed under.
    Category,
    /// Labels: a list, or one text with commas.
    Tags,
    /// The version of the text.
    Version,
    /// What it can do.
    Capabilities,
    /// Situations that call for it.
    WhenToUse,
    /// Requests people would make.
    Examples,
    /// Tools it wishes for: a list, or one text with commas.
    Tools,
    /// The model it wishes for.
    Model,
    /// Another persona: a name, or a list of names.
    WorksWith,
    /// A whole body in Markdown.
    Body,
    /// A section with this heading.
    Section(&'static str),
}

impl fmt::Display for To {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Name => "`name`",
            Self::Title => "`title`",
            Self::Alias => "`aliases`",
            Self::Description => "`description`",
            Self::Category => "`category`",
            Self::Tags => "`tags`",
            Self::Version => "`version`",
            Self::Capabilities => "`capabilities`",
            Self::WhenToUse => "`when_to_use`",
            Self::Examples => "`examples`",
            Self::Tools => "`tools`",
            Self::Model => "`model`",
            Self::WorksWith => "`collaborates_with`",
            Self::Body => "first paragraph and sections",
            Self::Section("") => "text below the first paragraph",
            Self::Section(heading) => return write!(f, "section *{heading}*"),
        })
    }
}

/// A table: each key, or path of keys, and where it goes.
pub(crate) type Table = &'static [(&'static str, To)];

/// Puts every key of the table where it goes and everything else under `x:`; `path` leads to the map.
pub(crate) fn assign(draft: &mut Draft, mut map: Map, path: &str, table: Table) {
    for &(key, to) in table {
        if let Some(value) = map.take(key)
            && let Some(odd) = put(draft, &value, to)
        {
            draft.keep_tree(&below(path, key), &odd);
        }
    }
    keep_rest(draft, &map, path);
}

/// Keeps what nobody took under `x:`.
pub(crate) fn keep_rest(draft: &mut Draft, map: &Map, path: &str) {
    for (key, value) in &map.0 {
        draft.keep_tree(&below(path, key), value);
    }
}

fn below(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

/// Puts one value where it goes; what does not fit comes back.
fn put(draft: &mut Draft, value: &Tree, to: To) -> Option<Tree> {
    if *value == Tree::Null {
        return None;
    }
    let one = |place: &mut Option<String>| match value.text() {
        Some(text) if place.is_none() => {
            *place = Some(text.to_owned());
            None
        }
        _ => Some(value.clone()),
    };
    let mut odd = Vec::new();
    match to {
        To::Name => return one(&mut draft.name),
        To::Title => return one(&mut draft.title),
        To::Description => return one(&mut draft.description),
        To::Category => return one(&mut draft.category),
        To::Version => return one(&mut draft.version),
        To::Model => return one(&mut draft.model),
        To::Alias => odd = many(value, false, &mut draft.aliases),
        To::Tags => odd = many(value, true, &mut draft.tags),
        To::Capabilities => odd = many(value, false, &mut draft.capabilities),
        To::WhenToUse => odd = many(value, false, &mut draft.when_to_use),
        To::Examples => odd = many(value, false, &mut draft.examples),
        To::Tools => odd = many(value, true, &mut draft.tools),
        To::WorksWith => {
            let mut names = Vec::new();
            odd = many(value, true, &mut names);
            for name in names {
                if words::slug(&name).as_deref() != Some(&name) {
                    odd.push(Tree::Text(name.clone()));
                }
                draft.works_with(&name, "");
            }
        }
        To::Body => match value.text() {
            Some(text) => prose::read(draft, text),
            None => return Some(value.clone()),
        },
        To::Section(heading) => draft.section(heading, &value.markdown()),
    }
    (!odd.is_empty()).then_some(Tree::List(odd))
}

/// Adds the texts of a list, or a single text, which may hold several between commas.
fn many(value: &Tree, commas: bool, texts: &mut Vec<String>) -> Vec<Tree> {
    let mut odd = Vec::new();
    match value {
        Tree::Null => {}
        Tree::Text(text) if commas => {
            texts.extend(
                text.split(',').map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned),
            );
        }
        Tree::Text(text) => texts.push(text.clone()),
        Tree::List(entries) => {
            for entry in entries {
                match entry.text() {
                    Some(text) => texts.push(text.to_owned()),
                    None => odd.push(entry.clone()),
                }
            }
        }
        Tree::Map(_) => odd.push(value.clone()),
    }
    odd
}
