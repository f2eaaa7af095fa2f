//! A workspace in a temporary folder, a scripted provider, and plans built in code.

use std::{
    future::Future,
    path::PathBuf,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use indexmap::IndexMap;
use orchestrate_core::{
    ids::Purpose,
    policy::RetryPolicy,
    request::{Endpoint, Request},
    usage::Usage,
};
use orchestrate_engine::{
    config::Environment,
    driver::Stop,
    home::Home,
    live::Unobserved,
    session::{FinishedRun, OpenRun, RunError, RunOptions, RunSetup, Workspace},
};
use orchestrate_provider::{AttemptError, Completion, Progress, Provider};
use orchestrate_workflow::Given;
use tempfile::TempDir;
use tokio::sync::mpsc;

/// A temporary folder with a workspace, a home and nothing else.
pub(crate) struct Place {
    pub(crate) folder: TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::create_dir(folder.path().join("work")).expect("a folder");
        Self { folder }
    }

    pub(crate) fn work(&self) -> PathBuf {
        self.folder.path().join("work")
    }

    pub(crate) fn home(&self) -> Home {
        Home::at(self.folder.path().join("state"), self.folder.path().join("config"))
    }

    /// Writes a file below the temporary folder.
    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.folder.path().join(path);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        std::fs::write(path, text).expect("a file");
    }

    pub(crate) fn workspace(&self) -> Workspace {
        // The address is never called: the scripted provider stands in its place.
        let environment = Environment::of([("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")]);
        Workspace::open_with(&self.work(), self.home(), &environment).expect("a workspace")
    }

    /// Decides a run of a workflow text with the scripted provider in place.
    pub(crate) fn setup(&self, workflow: &str, task: &str, provider: &Arc<Scripted>) -> RunSetup {
        self.write("work/workflows/test.yaml", workflow);
        let workspace = self.workspace();
        let found = RunSetup::find_workflow(&workspace, "test").expect("the workflow");
        let given = IndexMap::from([("task".to_owned(), Given::Text(task.to_owned()))]);
        let options = RunOptions { model: Some("openai:scripted".into()), ..RunOptions::default() };
        let mut setup =
            RunSetup::decide(&workspace, &found, &given, &options).expect("a sound run");
        setup.providers = setup.providers.with("openai", Arc::clone(provider) as Arc<dyn Provider>);
        setup.retry = RetryPolicy { base_ms: 0, cap_ms: 0, ..RetryPolicy::default() };
        setup
    }

    pub(crate) fn run(&self, setup: &RunSetup) -> Result<FinishedRun, RunError> {
        let run = OpenRun::create(&self.workspace(), setup)?;
        drive(run)
    }
}

/// Drives a run to its rest with nobody watching and nobody stopping it.
pub(crate) fn drive(run: OpenRun) -> Result<FinishedRun, RunError> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let (_stop, stopped) = mpsc::channel::<Stop>(1);
        Box::pin(run.drive(Box::new(Unobserved), stopped)).await
    })
}

type Reply = dyn Fn(&Request, usize) -> Result<String, AttemptError> + Send + Sync;

/// A provider inside the process whose answers are a function of the request and the attempt's number.
pub(crate) struct Scripted {
    endpoint: Endpoint,
    reply: Box<Reply>,
    count: AtomicUsize,
    pub(crate) seen: Mutex<Vec<Arc<Request>>>,
}

impl Scripted {
    pub(crate) fn new(
        reply: impl Fn(&Request, usize) -> Result<String, AttemptError> + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Self {
            endpoint: Endpoint {
                provider: "openai".into(),
                origin: "http://127.0.0.1:9/v1".into(),
                dialect: "scripted".into(),
            },
            reply: Box::new(reply),
            count: AtomicUsize::new(0),
            seen: Mutex::new(Vec::new()),
        })
    }

    /// Answers with a document that depends on everything it was asked.
    pub(crate) fn echo() -> Arc<Self> {
        Self::new(|request, _| Ok(answer(request)))
    }

    /// Calls as `step#purpose`, in the order of their arrival.
    pub(crate) fn calls(&self) -> Vec<String> {
        let seen = self.seen.lock().expect("not poisoned");
        seen.iter()
            .map(|request| format!("{}#{}", request.call.step, request.call.purpose.as_str()))
            .collect()
    }
}

/// A document with a brief that depends on the whole request.
pub(crate) fn answer(request: &Request) -> String {
    let digest =
        orchestrate_core::ids::Digest::of(format!("{}\n{}", request.system, request.user()))
            .short();
    match request.call.purpose {
        Purpose::Draft => format!(
            "Document {digest} of {}.\n\n```brief\n{{\"decisions\": [{{\"id\": \"D1\", \"decision\": \"Take {digest}\"}}]}}\n```\n",
            request.persona.name
        ),
        _ => format!("```brief\n{{\"decisions\": [\"Brief {digest}\"]}}\n```\n"),
    }
}

impl Provider for Scripted {
    fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    fn reusable(&self) -> bool {
        true
    }

    fn complete(
        &self,
        request: Arc<Request>,
        progress: Arc<dyn Progress>,
    ) -> Pin<Box<dyn Future<Output = Result<Completion, AttemptError>> + Send + 'static>> {
        let number = self.count.fetch_add(1, Ordering::SeqCst) + 1;
        self.seen.lock().expect("not poisoned").push(Arc::clone(&request));
        let reply = (self.reply)(&request, number);
        Box::pin(async move {
            progress.first_token();
            reply.map(|text| Completion {
                usage: Usage { input: 100, output: 50, ..Usage::default() },
                text,
                served_model: Some("scripted-1".into()),
                request_id: None,
            })
        })
    }
}

/// Three steps in a row.
pub(crate) const CHAIN: &str = "\
workflow: test
inputs: { task: string }
steps:
  data: { persona: data-engineer, prompt: Design the data. }
  analysis: { persona: data-scientist-stats, needs: data, prompt: Analyse it. }
  report: { persona: data-viz-specialist, needs: analysis, prompt: Show it. }
";
