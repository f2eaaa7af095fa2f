//! `orchestrate personas new`.

use std::fmt::Write as _;

use orchestrate_core::{neutral, persona::Persona};
use orchestrate_engine::{
    imports::{Existing, PersonaFolder, WriteError, write_whole},
    library::Level,
    session::Workspace,
};

use crate::{
    cli::NewPersona,
    commands::starting::{leads_out, led_out},
    exit::{CliError, Exit},
    terminal,
};

/// The most responsibilities that are asked for.
const MOST: usize = 12;
/// How often an answer of the wrong length is asked for again.
const TRIES: usize = 3;

/// What a person answered.
struct Answers {
    title: String,
    description: String,
    responsibilities: Vec<String>,
}

pub(super) fn new(workspace: &Workspace, arguments: &NewPersona) -> Result<Exit, CliError> {
    let name = &arguments.name;
    let path = PersonaFolder::new(&arguments.to).persona(name);
    // A folder that was named may lie anywhere.
    let is_usual = arguments.to.as_os_str() == "personas";
    if is_usual && leads_out(&workspace.folder, &path) {
        return Err(led_out(&path.display().to_string()));
    }
    let taken = |what: &str| {
        CliError::new(Exit::Invalid, format!("{what} is there already"))
            .help("choose another name, or edit that file")
    };
    if path.symlink_metadata().is_ok() {
        return Err(taken(&format!("`{}`", path.display())));
    }
    // Two of one name in the project would make its library unusable.
    if let Some((Level::Project, Some(other))) = workspace.personas.place(name) {
        return Err(taken(&format!("`{}`", other.display())));
    }
    let text = match &arguments.from {
        Some(from) => copy(super::named(workspace, from)?.1, name),
        None if terminal::can_ask() => skeleton(name, &asked(name)),
        None => skeleton(name, &placeholders(name)),
    };
    match write_whole(&path, text.as_bytes(), Existing::Stays) {
        Err(WriteError::Exists(path)) => return Err(taken(&format!("`{}`", path.display()))),
        other => other?,
    }
    let shown = path.display();
    terminal::out(&format!("{shown}\n"));
    if let Some((level, _)) = workspace.personas.place(name) {
        terminal::say(&format!("it is used in place of the {} persona `{name}`", level.as_str()));
    }
    terminal::say(&format!("edit it, then: orchestrate personas lint {shown}"));
    Ok(Exit::Ok)
}

/// Another persona under a new name. What would call the other one by name is left out.
fn copy(persona: Persona, name: &str) -> String {
    orchestrate_persona::write_canonical(&Persona {
        name: name.to_owned(),
        title: title_of(name),
        abbreviation: None,
        aliases: Vec::new(),
        source: None,
        ..persona
    })
}

fn placeholders(name: &str) -> Answers {
    let title = title_of(name);
    Answers {
        description: format!("Says what {title} does. Use when a task calls for it."),
        responsibilities: vec!["Say what this expert is there for, a line each".to_owned()],
        title,
    }
}

fn asked(name: &str) -> Answers {
    let default = placeholders(name);
    terminal::say(&format!("A few questions about {name}; Enter takes what stands in brackets."));
    let title = terminal::ask(&format!("Title [{}]: ", default.title)).unwrap_or(default.title);
    let mut description = None;
    for _ in 0..TRIES {
        let question = "What does it do, and when is it to be used? ";
        let Some(answer) = terminal::ask(question) else { break };
        if (10..=1024).contains(&answer.chars().count()) {
            description = Some(answer);
            break;
        }
        terminal::say("10 to 1,024 characters, such as: Writes release notes. Use for changelogs.");
    }
    terminal::say("What is it responsible for? One line each; an empty one ends the list.");
    let mut responsibilities = Vec::new();
    while responsibilities.len() < MOST {
        let Some(answer) = terminal::ask("- ") else { break };
        responsibilities.push(answer);
    }
    if responsibilities.is_empty() {
        responsibilities = default.responsibilities;
    }
    Answers { title, description: description.unwrap_or(default.description), responsibilities }
}

/// A file that reads and lints without errors, with a line on everything that can be said in it.
fn skeleton(name: &str, answers: &Answers) -> String {
    let Answers { title, description, responsibilities } = answers;
    let article =
        if title.to_lowercase().starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    let mut items = String::new();
    for item in responsibilities {
        // Writing to a String cannot fail.
        let _ = writeln!(items, "- {}", clean(item));
    }
    format!(
        "\
---
name: {name}
title: {title}
# What it does, and when to use it: this is what it is chosen by. 10 to 1,024 characters.
description: {description}
# Tasks that call for it, in the words of those who ask; and those that call for another.
# when_to_use:
#   - A release needs notes for its users
# when_not_to_use:
#   - The structure of the code is in question; project-architect is better
# Criteria that its work must meet, and figures that it must reach.
# gates:
#   - {{ id: sources, check: Every claim names its source, by: judge, required: true }}
# metrics:
#   - {{ id: latency, text: \"Latency < 100 ms\", name: latency, op: \"<\", value: 100, unit: ms }}
# What happens, in order, when one of them cannot be met.
# escalation:
#   - Say so in the brief, with what is missing
# collaborates_with:
#   - {{ persona: project-architect, for: what changed and why }}
---
You are {article} {plain_title}. Say in two or three sentences what this expert has seen, and what it never lets pass.

## Responsibilities

{items}
## Approach

### Ask first

- What is decided already, and by whom?

### Work

1. Say what is done first, and what follows from it.

## Limits

- Say what is refused, and which persona is better at it.

## Output

### Deliverable

1. **Summary** — what the reader must know, in five lines
",
        title = scalar(title),
        description = scalar(description),
        plain_title = clean(title),
    )
}

/// `release-editor` as `Release Editor`.
fn title_of(name: &str) -> String {
    let words = name.split('-').map(|word| {
        let (first, rest) = word.split_at(word.len().min(1));
        format!("{}{rest}", first.to_uppercase())
    });
    words.collect::<Vec<_>>().join(" ")
}

/// One line without what nobody can see.
fn clean(text: &str) -> String {
    let (text, _) = neutral::without_hidden(text);
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A text as a YAML value: as it is where it cannot be mistaken, else as JSON, which YAML reads alike.
fn scalar(text: &str) -> String {
    let text = clean(text);
    let plain = text.starts_with(|c: char| c.is_alphabetic())
        && text.chars().all(|c| c.is_alphanumeric() || " ,.;()/'-".contains(c))
        && text.contains(' ');
    if plain { text } else { serde_json::Value::from(text).to_string() }
}
