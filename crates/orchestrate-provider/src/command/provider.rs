//! A provider that is a program.

use std::{io::ErrorKind, sync::Arc, time::Duration};

use futures::future::{BoxFuture, FutureExt as _};
use orchestrate_core::{
    failure::{Failure, FailureClass},
    ids::Digest,
    request::{Endpoint, Parameters, Request},
    usage::Usage,
};
use tokio::time::timeout;

use super::{
    config::{CommandError, Config},
    output::{Printed, complaint, read},
    process::{Done, run},
};
use crate::{
    http::counted,
    provider::{AttemptError, Completion, Progress, Provider},
};

/// No wait is longer than this; a later instant might not exist.
const LONGEST: Duration = Duration::from_hours(24 * 365);

/// A program that reads a prompt and prints an answer.
#[derive(Debug, Clone)]
pub struct CommandProvider {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    config: Config,
    endpoint: Endpoint,
}

impl CommandProvider {
    /// Checks the configuration. Starts nothing.
    pub fn new(config: Config) -> Result<Self, CommandError> {
        config.check()?;
        // An argument may be a secret of the operator's, and an endpoint is kept with the run.
        let arguments = Digest::of(config.command.join("\0"));
        let endpoint = Endpoint {
            provider: "command".into(),
            origin: config.program().into(),
            dialect: format!("standard-input {arguments}"),
        };
        Ok(Self { inner: Arc::new(Inner { config, endpoint }) })
    }
}

impl Provider for CommandProvider {
    fn endpoint(&self) -> &Endpoint {
        &self.inner.endpoint
    }

    fn reusable(&self) -> bool {
        true
    }

    fn refuses(&self, parameters: &Parameters) -> Option<Failure> {
        self.inner.refuses(parameters)
    }

    fn complete(
        &self,
        request: Arc<Request>,
        progress: Arc<dyn Progress>,
    ) -> BoxFuture<'static, Result<Completion, AttemptError>> {
        let inner = Arc::clone(&self.inner);
        async move { inner.attempt(&request, progress.as_ref()).await }.boxed()
    }
}

impl Inner {
    async fn attempt(
        &self,
        request: &Request,
        progress: &dyn Progress,
    ) -> Result<Completion, AttemptError> {
        self.possible(request).map_err(AttemptError::unbilled)?;
        let arguments = self.config.arguments(&request.model.model);
        let prompt = format!("{}\n\n{}", request.system, request.user());
        let total = request.timeouts.total_ms.map_or(self.config.total, Duration::from_millis);
        let limit = self.config.output_limit;
        let running = run(self.config.program(), &arguments, prompt.clone().into_bytes(), limit);
        let done = match timeout(total.min(LONGEST), running).await {
            Ok(Ok(done)) => done,
            Ok(Err(error)) => return Err(self.not_started(&error)),
            Err(_) => {
                let message = format!("{} did not end within {total:?}", self.config.program());
                let failure = Failure::new(FailureClass::Timeout, message)
                    .help("timeouts are set by `timeout:` in the workflow");
                return Err(AttemptError::of_answer(failure, None, None).lost());
            }
        };
        let printed = self.verdict(&self.without_keys(done))?;
        progress.first_token();
        progress.delta(printed.text.len(), crate::tokens::estimate(&printed.text));
        let usage = usage(prompt, &printed).await;
        if let Some(cap) = request.length_cap().filter(|&cap| usage.output >= u64::from(cap)) {
            let message = format!("the answer is longer than its limit of {cap} tokens");
            let failure = Failure::new(FailureClass::Truncated, message).help(
                "a program cannot be told a limit: ask for a shorter document, or raise the limit",
            );
            return Err(AttemptError::of_answer(failure, Some(usage), Some(printed.text)));
        }
        Ok(Completion { text: printed.text, usage, served_model: None, request_id: None })
    }

    /// Checks what a program cannot be asked for.
    fn possible(&self, request: &Request) -> Result<(), Failure> {
        let refused = |message: String| Failure::new(FailureClass::BadRequest, message);
        let model = &request.model.model;
        // A workflow names the model; it shall not name an option.
        if model.starts_with('-') {
            return Err(refused(format!("a model named `{model}` would be taken for an option")));
        }
        self.refuses(&request.parameters).map_or(Ok(()), Err)
    }

    /// Checks the settings that no program can be told.
    fn refuses(&self, parameters: &Parameters) -> Option<Failure> {
        let what = if parameters.temperature.is_some() {
            "temperature"
        } else if parameters.seed.is_some() {
            "seed"
        } else {
            return None;
        };
        let message = format!("{} cannot be told a `{what}`", self.config.program());
        let failure = Failure::new(FailureClass::BadRequest, message);
        Some(failure.help("take it out of the workflow, or use another model"))
    }

    fn not_started(&self, error: &std::io::Error) -> AttemptError {
        let program = self.config.program();
        let failure = match error.kind() {
            ErrorKind::NotFound => {
                Failure::new(FailureClass::NotFound, format!("there is no program `{program}`"))
                    .help("install it, or give its whole path as `command` in your config")
            }
            _ => Failure::new(FailureClass::Unavailable, format!("starting {program}: {error}")),
        };
        AttemptError::unbilled(failure)
    }

    /// What the program printed less every key. That comes first: half a key in an excerpt is a leak too.
    fn without_keys(&self, mut done: Done) -> Done {
        let redactor = &self.config.redactor;
        for printed in [&mut done.stdout, &mut done.stderr] {
            let text = String::from_utf8_lossy(printed);
            if redactor.finds(&text) {
                *printed = redactor.redact(&text).into_owned().into_bytes();
            }
        }
        done
    }

    fn verdict(&self, done: &Done) -> Result<Printed, AttemptError> {
        let program = self.config.program();
        let failed = |failure| AttemptError::of_answer(failure, None, None);
        if done.too_much {
            let limit = self.config.output_limit;
            let message = format!("{program} printed more than {limit} bytes");
            return Err(failed(Failure::new(FailureClass::Malformed, message)));
        }
        let Some(code) = done.status.code() else {
            let message = format!("{program} was ended by a signal");
            return Err(failed(Failure::new(FailureClass::StreamCut, message)).lost());
        };
        if code != 0 {
            let stderr = String::from_utf8_lossy(&done.stderr);
            let stdout = String::from_utf8_lossy(&done.stdout);
            let words = if stderr.trim().is_empty() { stdout } else { stderr };
            let how = format!("ended with code {code}");
            return Err(failed(complaint(program, &how, &words)));
        }
        read(program, self.config.output, &done.stdout).map_err(failed)
    }
}

/// The program's figures, or our own count where it gives none.
async fn usage(prompt: String, printed: &Printed) -> Usage {
    let estimated = printed.input.is_none() || printed.output.is_none();
    let input = match printed.input {
        Some(input) => input,
        None => counted(prompt).await,
    };
    let output = match printed.output {
        Some(output) => output,
        None => counted(printed.text.clone()).await,
    };
    Usage {
        input,
        output,
        cached: printed.cached.unwrap_or_default(),
        cache_write: printed.cache_write.unwrap_or_default(),
        reasoning: 0,
        estimated,
    }
}
