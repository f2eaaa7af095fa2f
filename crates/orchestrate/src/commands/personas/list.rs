//! `orchestrate personas list`.

use std::fmt::Write as _;

use orchestrate_core::{neutral, persona::Persona};
use orchestrate_engine::{
    library::{FoundPersona, Level},
    session::Workspace,
};
use serde_json::json;

use crate::{
    cli::{Column, ListFormat, ListPersonas, PersonaLevel},
    exit::Exit,
    terminal,
};

/// The widest that a column of a table gets but for the last.
const WIDEST: usize = 40;

pub(super) fn list(workspace: &Workspace, arguments: &ListPersonas) -> Exit {
    let mut found = Vec::new();
    let mut exit = Exit::Ok;
    for name in workspace.personas.names() {
        match workspace.personas.read(name) {
            Ok(Some(mut entry)) => {
                super::tell(&entry.diagnostics);
                match entry.persona.take() {
                    Some(persona) if is_wanted(&entry, &persona, arguments) => {
                        found.push((entry, persona));
                    }
                    Some(_) => {}
                    None => exit = Exit::Invalid,
                }
            }
            Ok(None) => {}
            // One file that cannot be read does not hide the others.
            Err(error) => {
                exit = Exit::Invalid;
                terminal::error(&error.into());
            }
        }
    }
    match arguments.format {
        ListFormat::Json => as_json(&found, &arguments.columns),
        ListFormat::Text if found.is_empty() => {
            terminal::say("no persona is like that; `orchestrate personas list` shows all of them");
        }
        ListFormat::Text if arguments.columns.is_empty() => as_text(&found),
        ListFormat::Text => as_table(&found, &arguments.columns),
    }
    exit
}

fn is_wanted(entry: &FoundPersona, persona: &Persona, arguments: &ListPersonas) -> bool {
    let level = match arguments.level {
        None => true,
        Some(PersonaLevel::BuiltIn) => entry.level == Level::BuiltIn,
        Some(PersonaLevel::Project) => entry.level == Level::Project,
        Some(PersonaLevel::User) => entry.level == Level::User,
    };
    let same = |a: &str, b: &str| a.to_lowercase() == b.to_lowercase();
    let category = arguments.category.as_deref().is_none_or(|wanted| {
        persona.category.as_deref().is_some_and(|category| same(category, wanted))
    });
    let tags = arguments.tags.iter().all(|wanted| persona.tags.iter().any(|tag| same(tag, wanted)));
    let word = arguments.word.as_deref().is_none_or(|word| holds(persona, &word.to_lowercase()));
    level && category && tags && word
}

/// Whether a text that routes to the persona holds the word.
fn holds(persona: &Persona, word: &str) -> bool {
    let single = [Some(&persona.name), Some(&persona.title), Some(&persona.description)];
    let optional = [persona.abbreviation.as_ref(), persona.category.as_ref()];
    let lists = [&persona.aliases, &persona.tags, &persona.capabilities, &persona.when_to_use];
    let mut texts = single.into_iter().chain(optional).flatten().chain(lists.into_iter().flatten());
    texts.any(|text| text.to_lowercase().contains(word))
}

fn as_json(found: &[(FoundPersona, Persona)], columns: &[Column]) {
    const ALL: [Column; 7] = [
        Column::Name,
        Column::Title,
        Column::Description,
        Column::Category,
        Column::Tags,
        Column::Level,
        Column::Source,
    ];
    let columns = if columns.is_empty() { &ALL } else { columns };
    let of = |(entry, persona): &(FoundPersona, Persona)| -> serde_json::Value {
        let columns = columns.iter().map(|column| match column {
            Column::Name => ("name".to_owned(), json!(persona.name)),
            Column::Title => ("title".to_owned(), json!(persona.title)),
            Column::Description => ("description".to_owned(), json!(persona.description)),
            Column::Category => ("category".to_owned(), json!(persona.category)),
            Column::Tags => ("tags".to_owned(), json!(persona.tags)),
            Column::Level => ("level".to_owned(), json!(entry.level.as_str())),
            Column::Source => ("source".to_owned(), json!(entry.source.name)),
        });
        columns.collect()
    };
    let personas: Vec<_> = found.iter().map(of).collect();
    terminal::out_json(&json!({ "schema": "orchestrate/personas/1", "personas": personas }));
}

fn as_text(found: &[(FoundPersona, Persona)]) {
    let width =
        found.iter().map(|(_, persona)| persona.name.chars().count()).max().unwrap_or_default();
    for (entry, persona) in found {
        let level = match entry.level {
            Level::BuiltIn => String::new(),
            level => format!("[{}] ", level.as_str()),
        };
        let line = format!("{level}{}", first_sentence(&persona.description));
        terminal::out(&terminal::row(&persona.name, width, &line));
    }
}

/// One line for each persona, so that other programs can cut and sort it.
fn as_table(found: &[(FoundPersona, Persona)], columns: &[Column]) {
    let cell = |(entry, persona): &(FoundPersona, Persona), column: Column| {
        let text = match column {
            Column::Name => persona.name.clone(),
            Column::Title => persona.title.clone(),
            Column::Description => first_sentence(&persona.description).to_owned(),
            Column::Category => persona.category.clone().unwrap_or_default(),
            Column::Tags => persona.tags.join(", "),
            Column::Level => entry.level.as_str().to_owned(),
            Column::Source => entry.source.name.clone(),
        };
        let text = neutral::one_line(&text);
        if text.is_empty() { "—".to_owned() } else { text }
    };
    let width = |column: Column| {
        let widths = found.iter().map(|entry| cell(entry, column).chars().count());
        widths.max().unwrap_or_default().min(WIDEST)
    };
    let widths: Vec<usize> = columns.iter().map(|&column| width(column)).collect();
    for entry in found {
        let mut line = String::new();
        for (&column, &width) in columns.iter().zip(&widths) {
            // Writing to a String cannot fail.
            let _ = write!(line, "{:width$}  ", cell(entry, column));
        }
        terminal::out(&format!("{}\n", line.trim_end()));
    }
}

/// A list says what a persona does; when to call on it is for `personas show`.
fn first_sentence(text: &str) -> &str {
    text.split_once(". ").map_or(text, |(first, _)| first)
}
