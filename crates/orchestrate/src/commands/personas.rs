//! `orchestrate personas`.

use std::fmt::Write as _;

use orchestrate_core::{persona::Persona, suggest};
use orchestrate_engine::{library::FoundPersona, session::Workspace};
use orchestrate_persona::{Contract, Setting};
use serde_json::json;

use crate::{
    cli::{ListFormat, PersonasCommand},
    exit::{CliError, Exit},
    terminal,
};

pub(super) fn personas(workspace: &Workspace, command: PersonasCommand) -> Result<Exit, CliError> {
    match command {
        PersonasCommand::List { format } => Ok(list(workspace, format)),
        PersonasCommand::Show { name, prompt } => show(workspace, &name, prompt),
        PersonasCommand::Match(arguments) => super::matching::matching(workspace, &arguments),
    }
}

fn list(workspace: &Workspace, format: ListFormat) -> Exit {
    let mut found = Vec::new();
    let mut exit = Exit::Ok;
    for name in workspace.personas.names() {
        match workspace.personas.read(name) {
            Ok(Some(entry)) => {
                terminal::diagnostics(&entry.diagnostics);
                if entry.persona.is_none() {
                    exit = Exit::Invalid;
                }
                found.push(entry);
            }
            Ok(None) => {}
            // One file that cannot be read does not hide the others.
            Err(error) => {
                exit = Exit::Invalid;
                terminal::error(&error.into());
            }
        }
    }
    let readable = || found.iter().filter_map(|entry| Some((entry, entry.persona.as_ref()?)));
    match format {
        ListFormat::Json => {
            let personas: Vec<_> = readable()
                .map(|(entry, persona)| {
                    json!({
                        "name": persona.name,
                        "title": persona.title,
                        "description": persona.description,
                        "category": persona.category,
                        "level": entry.level.as_str(),
                        "source": entry.source.name,
                    })
                })
                .collect();
            terminal::out_json(
                &json!({ "schema": "orchestrate/personas/1", "personas": personas }),
            );
        }
        ListFormat::Text => {
            let width = readable()
                .map(|(_, persona)| persona.name.chars().count())
                .max()
                .unwrap_or_default();
            for (entry, persona) in readable() {
                let level = match entry.level {
                    orchestrate_engine::library::Level::BuiltIn => String::new(),
                    level => format!("[{}] ", level.as_str()),
                };
                let line = format!("{level}{}", first_sentence(&persona.description));
                terminal::out(&terminal::row(&persona.name, width, &line));
            }
        }
    }
    exit
}

/// A list says what a persona does; when to call on it is for `personas show`.
fn first_sentence(text: &str) -> &str {
    text.split_once(". ").map_or(text, |(first, _)| first)
}

fn show(workspace: &Workspace, name: &str, prompt: bool) -> Result<Exit, CliError> {
    let Some(FoundPersona { persona, diagnostics, source, .. }) = workspace.personas.read(name)?
    else {
        let error = CliError::new(Exit::Invalid, format!("unknown persona `{name}`"));
        let advice = suggest::advice(name, workspace.personas.names());
        return Err(advice
            .into_iter()
            .fold(error, CliError::help)
            .help("`orchestrate personas list` shows all of them"));
    };
    let Some(persona) = persona else { return Err(diagnostics.into()) };
    terminal::diagnostics(&diagnostics);
    if prompt {
        let setting = Setting { colleagues: Vec::new(), contract: Contract::DraftWithBrief };
        terminal::out(&format!(
            "{}\n",
            orchestrate_persona::compose(&persona, &setting).trim_end()
        ));
    } else {
        terminal::out(&describe(&persona, &source.name));
    }
    Ok(Exit::Ok)
}

fn describe(persona: &Persona, source: &str) -> String {
    let mut text = String::new();
    let short =
        persona.abbreviation.as_ref().map(|short| format!(" ({short})")).unwrap_or_default();
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{}{short} — {}", persona.title, persona.name);
    let _ = writeln!(text, "{}\n", persona.description);
    let mut list = |heading: &str, entries: Vec<String>| {
        if !entries.is_empty() {
            let _ = writeln!(text, "{heading}");
            for entry in entries {
                let _ = writeln!(text, "  - {entry}");
            }
            text.push('\n');
        }
    };
    list("Can do", persona.capabilities.clone());
    list("Use it when", persona.when_to_use.clone());
    list("Not for", persona.when_not_to_use.clone());
    list(
        "Gates",
        persona.gates.iter().map(|gate| format!("{}: {}", gate.id, gate.check)).collect(),
    );
    list("Metrics", persona.metrics.iter().map(|metric| metric.text.clone()).collect());
    list("When one cannot be met", persona.escalation.clone());
    let with = persona.collaborates_with.iter().map(|with| match &with.purpose {
        Some(purpose) => format!("{}: {purpose}", with.persona),
        None => with.persona.clone(),
    });
    list("Works with", with.collect());
    let _ = writeln!(text, "from {source}; --prompt prints the system prompt");
    text
}
