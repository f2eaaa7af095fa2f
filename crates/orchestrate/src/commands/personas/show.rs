//! `orchestrate personas show`.

use std::fmt::Write as _;

use orchestrate_core::persona::Persona;
use orchestrate_engine::session::Workspace;
use orchestrate_persona::{Contract, Setting};
use orchestrate_report::words::count;
use serde_json::json;

use crate::{
    cli::{ListFormat, ShowPersona},
    exit::{CliError, Exit},
    terminal,
};

pub(super) fn show(workspace: &Workspace, arguments: &ShowPersona) -> Result<Exit, CliError> {
    let (found, persona) = super::named(workspace, &arguments.name)?;
    let setting = Setting { colleagues: Vec::new(), contract: Contract::DraftWithBrief };
    let prompt = orchestrate_persona::compose(&persona, &setting);
    // Loading the encoding takes a moment; only who asks for it waits.
    let tokens = arguments.tokens.then(|| orchestrate_provider::tokens::count(&prompt));
    if arguments.format == ListFormat::Json {
        let mut value = json!({
            "schema": "orchestrate/persona/1",
            "level": found.level.as_str(),
            "source": found.source.name,
            "persona": persona,
        });
        if arguments.prompt {
            value["prompt"] = prompt.into();
        }
        if let Some(tokens) = tokens {
            value["prompt_tokens"] = tokens.into();
        }
        terminal::out_json(&value);
        return Ok(Exit::Ok);
    }
    let told = tokens.map(|tokens| format!("≈{} tokens, counted in o200k_base", count(tokens)));
    if arguments.prompt {
        terminal::out(&format!("{}\n", prompt.trim_end()));
        // The prompt may go to a file; its size is talk then.
        if let Some(told) = told {
            terminal::say(&told);
        }
    } else if let Some(told) = told {
        terminal::out(&format!("{told}\n"));
    } else {
        terminal::out(&describe(&persona, &found.source.name));
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
