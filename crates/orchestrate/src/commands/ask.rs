//! `orchestrate ask`.

use indexmap::IndexMap;
use orchestrate_core::{
    event::{NotSelected, PersonaSelection, SelectedBy, SelectedPersona},
    money::Money,
};
use orchestrate_engine::{
    library::{GeneratedName, MAX_PERSONAS, NotCalled, ReadablePersonas},
    selecting,
    session::{RunOptions, RunSetup, Workspace},
};
use orchestrate_persona::{Selection, Verdict};

use super::{
    cassette,
    choosing::{self, ByModel},
    common,
    inputs::{self, Task},
};
use crate::{
    cli::{AskArguments, Progress},
    exit::{CliError, Exit},
    terminal,
};

pub(super) fn ask(workspace: &Workspace, arguments: &AskArguments) -> Result<Exit, CliError> {
    let readable = workspace.personas.readable();
    // A slip in a name is told before a task is typed.
    let by_name = named(&readable, &arguments.personas)?;
    let mut task = inputs::task(&arguments.task, &readable)?;
    // Its words are told and recorded before the run itself looks at them.
    task.text = workspace.config.redactor().redact_owned(task.text);
    let mut options = common::options(&arguments.flags)?;
    let selection = match by_name {
        Some(selection) => selection,
        None => select(workspace, &readable, &task, arguments, &mut options)?,
    };
    let names: Vec<String> =
        selection.selected.iter().map(|persona| persona.name.clone()).collect();
    if names.len() > MAX_PERSONAS {
        let message = format!(
            "{} personas are too many for one task; {MAX_PERSONAS} can answer",
            names.len()
        );
        return Err(CliError::new(Exit::Usage, message)
            .help("name fewer with --persona, or write a workflow in stages"));
    }
    let quiet = matches!(arguments.flags.show.progress, Progress::Json | Progress::Quiet);
    if selection.by != SelectedBy::User && !quiet {
        terminal::say(&format!("asking {}", orchestrate_report::selection(&selection)));
    }
    let name = GeneratedName::ask(names, &selection.refused).to_string();
    options.selection = Some(selection);
    let workflow = RunSetup::find_workflow(workspace, &name)?;
    let given = IndexMap::from([("task".to_owned(), task.given)]);
    let mut setup = RunSetup::decide(workspace, &workflow, &given, &options)?;
    let record = arguments.flags.cassette.record.as_deref();
    common::start(workspace, &mut setup, &arguments.flags.show, record)
}

/// The personas that the command line names, where it names any.
fn named(
    readable: &ReadablePersonas,
    words: &[String],
) -> Result<Option<PersonaSelection>, CliError> {
    if words.is_empty() {
        return Ok(None);
    }
    let words: Vec<String> = words.iter().map(|word| word.trim().to_owned()).collect();
    if words.iter().any(String::is_empty) {
        return Err(CliError::new(Exit::Usage, "--persona has an empty name").help(
            "write it as --persona data-engineer, or --persona data-engineer,mlops-engineer",
        ));
    }
    let names = readable.called(&words).map_err(|faults| not_called(&faults))?;
    let selected =
        names.into_iter().map(|name| SelectedPersona { name, score: None, terms: Vec::new() });
    Ok(Some(PersonaSelection {
        selected: selected.collect(),
        by: SelectedBy::User,
        runner_up: None,
        refused: Vec::new(),
        notes: Vec::new(),
        chosen_in: None,
    }))
}

fn not_called(faults: &[NotCalled]) -> CliError {
    let mut error = CliError::new(Exit::Invalid, "");
    for (at, fault) in faults.iter().enumerate() {
        // The list of all names is told once.
        let again = faults[at + 1..].iter().any(|later| later.help() == fault.help());
        error.more.push((fault.to_string(), fault.help().filter(|_| !again)));
    }
    error.help("`orchestrate personas list` shows all of them")
}

/// The personas that the task calls for, by its words or by a model.
fn select(
    workspace: &Workspace,
    readable: &ReadablePersonas,
    task: &Task,
    arguments: &AskArguments,
    options: &mut RunOptions,
) -> Result<PersonaSelection, CliError> {
    let selection = choosing::by_words(readable, &task.text);
    // Whom the task names is no question for a model.
    let by_model = if arguments.with_model && selection.verdict != Verdict::Named {
        let progress = arguments.flags.show.progress;
        let record = arguments.flags.cassette.record.as_deref();
        let recorder = cassette::recorder(workspace, record)?;
        Some(choosing::by_model(
            workspace, readable, &selection, task, options, progress, recorder,
        )?)
    } else {
        None
    };
    let chosen = match &by_model {
        Some(by_model) => by_model.recorded(&selection),
        None => selecting::recorded(&selection),
    };
    let Some(mut chosen) = chosen else { return Err(none_fits(&selection, by_model.as_ref())) };
    if let Some(ByModel { left, .. }) = by_model {
        let is_used_up = left.max_calls == Some(0)
            || left.max_tokens == Some(0)
            || left.max_cost == Some(Money::ZERO);
        let exit = if is_used_up { Some(Exit::Budget) } else { None };
        let exit = exit.or((left.max_wall_ms == Some(0)).then_some(Exit::WallTime));
        if let Some(exit) = exit {
            return Err(CliError::new(exit, "choosing the persona has used up the cap").help(
                "raise --max-calls, --max-tokens or --budget; the choice is paid for and kept",
            ));
        }
        options.limits = left;
    }
    if arguments.top {
        only_the_best(&mut chosen);
    }
    Ok(chosen)
}

/// Leaves the first; the second is the runner-up then.
fn only_the_best(chosen: &mut PersonaSelection) {
    let [first, second, ..] = chosen.selected.as_slice() else { return };
    if let (Some(first), Some(next)) = (first.score, second.score) {
        let behind = ((first - next) * 1000.0).round() / 1000.0;
        let name = second.name.clone();
        chosen.runner_up = Some(NotSelected { name, behind, lacks: Vec::new() });
    }
    chosen.selected.truncate(1);
}

fn none_fits(selection: &Selection, by_model: Option<&ByModel>) -> CliError {
    let message = match by_model {
        Some(by_model) => format!(
            "the model finds that none of {} personas fits the task (run {})",
            by_model.list.len(),
            by_model.run
        ),
        None if selection.matches.is_empty() => {
            "no persona fits the task: it shares no word with any of them".to_owned()
        }
        None => "no persona fits the task well enough".to_owned(),
    };
    let error = CliError::new(Exit::Invalid, message);
    let nearest = selecting::notes(selection).into_iter().chain(choosing::nearest(selection));
    let advice = "choose yourself: --persona NAME, several with commas between them".to_owned();
    nearest
        .chain([advice])
        .fold(error, CliError::help)
        .help("or say more of what is wanted; `orchestrate personas list` shows who there is")
}
