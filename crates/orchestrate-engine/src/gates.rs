//! Gates that a command decides: the commands stand in the user's own config and nowhere else.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use orchestrate_core::{
    failure::{Failure, FailureClass},
    persona::{Gate, GateJudge, Persona},
    plan::Plan,
    review::CommandAnswer,
};
use orchestrate_provider::{command, redact::Redactor};

use crate::config::Config;

/// How long a command may take where the config does not say.
const PATIENCE: Duration = Duration::from_mins(2);

/// The command that decides a gate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GateCommand {
    /// The program and its arguments. It gets the document on its standard input.
    pub command: Vec<String>,
    /// How long it may take.
    pub patience: Duration,
}

impl GateCommand {
    /// A command with the usual patience where none is given.
    pub fn new(command: Vec<String>, patience: Option<Duration>) -> Self {
        Self { command, patience: patience.unwrap_or(PATIENCE) }
    }
}

/// The commands of a user by the id of the gate that they decide.
#[derive(Debug, Clone, Default)]
pub(crate) struct GateCommands {
    commands: Arc<BTreeMap<String, GateCommand>>,
    /// Why none of them is run, where that is so.
    idle: Option<&'static str>,
    /// Knows what must not reach the journal by way of what they print.
    redactor: Redactor,
}

impl GateCommands {
    pub(crate) fn new(config: &Config, offline: bool) -> Self {
        let idle = offline.then_some("offline, commands are not run on worksheets");
        let commands = Arc::new(config.gates.clone());
        Self { commands, idle, redactor: config.redactor().clone() }
    }

    /// Commands that are not run.
    pub(crate) fn idle(why: &'static str) -> Self {
        Self { commands: Arc::default(), idle: Some(why), redactor: Redactor::default() }
    }

    /// What the command of a gate says of a document. Runs it to its end; for threads that may block.
    pub(crate) fn ask(&self, gate: &Gate, document: &str) -> Result<CommandAnswer, Failure> {
        let answer = |passed, said| CommandAnswer { gate: gate.id.clone(), passed, said };
        if let Some(why) = self.idle {
            return Ok(answer(None, why.to_owned()));
        }
        let Some(known) = self.commands.get(&gate.id) else {
            if gate.required {
                let message = unknown(&gate.id);
                return Err(Failure::new(FailureClass::Preparation, message).help(advice(&gate.id)));
            }
            return Ok(answer(None, "your config has no command for it".into()));
        };
        let judged = tokio::runtime::Handle::try_current()
            .map_err(|error| error.to_string())
            .and_then(|runtime| {
                runtime.block_on(command::judge(
                    &known.command,
                    document,
                    known.patience,
                    &self.redactor,
                ))
            });
        match judged {
            Ok((passed, said)) => Ok(answer(Some(passed), said)),
            // What a required gate stands for is not known; that is no pass, and no fault of the author.
            Err(why) if gate.required => {
                let message = format!("gate `{}` could not be judged: {why}", gate.id);
                let help = format!("see `[gates.{}]` in your config, then `resume`", gate.id);
                Err(Failure::new(FailureClass::Preparation, message).help(help))
            }
            Err(why) => Ok(answer(None, why)),
        }
    }
}

/// Required gates of a plan that a command decides and for which the config has none, each once: what is
/// wrong, and what to do.
pub(crate) fn missing(
    plan: &Plan,
    personas: &indexmap::IndexMap<String, Arc<Persona>>,
    commands: &BTreeMap<String, GateCommand>,
) -> BTreeMap<String, (String, String)> {
    let reviews = (0..plan.steps().len()).filter_map(|at| plan.review(at));
    let gates = reviews.flat_map(|review| {
        let reviewers = review.by.iter().filter_map(|name| personas.get(name));
        reviewers.flat_map(|reviewer| &reviewer.gates).chain(&review.gates)
    });
    let by_command = gates.filter(|gate| gate.required && gate.by == GateJudge::Command);
    by_command
        .filter(|gate| !commands.contains_key(&gate.id))
        .map(|gate| (gate.id.clone(), (unknown(&gate.id), advice(&gate.id))))
        .collect()
}

fn unknown(gate: &str) -> String {
    format!("gate `{gate}` is decided by a command, and your config has none for it")
}

fn advice(gate: &str) -> String {
    format!(
        "add to your config: [gates.{gate}] command = [\"program\", \"argument\"]; it gets the document on its standard input, and status 0 is a pass"
    )
}
