//! A place to run the program in, the program while it runs, and the server it talks to.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead as _, BufReader, Read as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc, Condvar, Mutex, OnceLock,
        mpsc::{self, Receiver, RecvTimeoutError},
    },
    thread::JoinHandle,
    time::Duration,
};

use orchestrate_engine::{home::Home, library::PersonaLibrary};
use orchestrate_testkit::{
    behaviour,
    env::{Outcome, TestEnv},
    reply::{Answer, Reply},
    server::{ScriptedServer, SeenRequest},
};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// The program under test.
const PROGRAM: &str = env!("CARGO_BIN_EXE_orchestrate");
/// Nothing that is waited for takes longer than this; a test that waits so long has failed.
const PATIENCE: Duration = Duration::from_mins(1);
/// The key that must turn up nowhere but in the `Authorization` header.
pub(crate) const KEY: &str = "sk-canary-5f0c1d9e7ab34862";
/// The steps of `end-to-end-ml` with the personas that the task [`TASK`] gives them.
pub(crate) const STEPS: [(&str, &str); 5] = [
    ("data", "data-engineer"),
    ("analysis", "data-scientist-stats"),
    ("model", "ml-engineer-pytorch"),
    ("operations", "mlops-engineer"),
    ("report", "data-viz-specialist"),
];
/// A task for `end-to-end-ml`.
pub(crate) const TASK: &str = "Predict churn from our Postgres events";

/// Folders and environment of one test. While it lives, snapshots on this thread show neither folders,
/// ids, ports nor times.
pub(crate) struct Place {
    env: TestEnv,
    variables: BTreeMap<String, String>,
    _filters: insta::internals::SettingsBindDropGuard,
}

impl Place {
    pub(crate) fn new() -> Self {
        let env = TestEnv::new().expect("temporary folders");
        let home = env.home().join("state").display().to_string();
        Self { env, variables: BTreeMap::new(), _filters: filters() }
            .with("ORCHESTRATE_HOME", &home)
    }

    /// A place whose environment points to `server`.
    pub(crate) fn beside(server: &Server) -> Self {
        Self::new().with("OPENAI_BASE_URL", &server.base_url()).with("OPENAI_API_KEY", KEY)
    }

    #[must_use]
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.to_owned(), value.to_owned());
        self.env = self.env.with(name, value);
        self
    }

    /// The folder above home and work.
    pub(crate) fn root(&self) -> PathBuf {
        self.env.work().parent().expect("work lies in the root").to_owned()
    }

    pub(crate) fn work(&self) -> PathBuf {
        self.env.work()
    }

    /// The folder of runs and index.
    pub(crate) fn state(&self) -> PathBuf {
        self.env.home().join("state")
    }

    /// The folder of the only run.
    pub(crate) fn only_run(&self) -> PathBuf {
        let runs = self.run_ids();
        assert_eq!(runs.len(), 1, "{runs:?}");
        self.state().join("runs").join(&runs[0])
    }

    /// The ids of all runs, oldest first.
    pub(crate) fn run_ids(&self) -> Vec<String> {
        let runs = fs::read_dir(self.state().join("runs")).expect("there are runs");
        let mut ids: Vec<String> =
            runs.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        ids.sort();
        ids
    }

    /// Whether there is a run that can be resumed: one whose creation is durable.
    pub(crate) fn has_runs_with_events(&self) -> bool {
        let Ok(listed) = self.env.run(PROGRAM, &["runs", "list", "--format", "json"]) else {
            return false;
        };
        let listed: Value = serde_json::from_str(&listed.stdout).unwrap_or_default();
        listed["runs"].as_array().is_some_and(|runs| !runs.is_empty())
    }

    /// Writes a file below the working folder.
    pub(crate) fn write(&self, path: &str, text: impl AsRef<[u8]>) {
        self.env.write(path, text).expect("a writable folder");
    }

    /// Writes the user's config.
    pub(crate) fn configure(&self, text: &str) {
        self.configure_bytes(text.as_bytes());
    }

    /// Writes the user's config, which may be no text.
    pub(crate) fn configure_bytes(&self, content: &[u8]) {
        let folder = self.env.home().join(".config/orchestrate");
        fs::create_dir_all(&folder).expect("a writable folder");
        fs::write(folder.join("config.toml"), content).expect("a writable folder");
    }

    /// Reads a file below the working folder.
    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.work().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// Runs the program to its end with nothing on its standard input.
    pub(crate) fn run(&self, args: &[&str]) -> Outcome {
        self.run_program(PROGRAM, args)
    }

    pub(crate) fn run_program(&self, program: &str, args: &[&str]) -> Outcome {
        self.env.run(program, args).expect("the program starts")
    }

    /// Runs the program to its end with `text` on its standard input.
    pub(crate) fn run_with_input(&self, args: &[&str], text: &str) -> Outcome {
        let output = self.env.command(PROGRAM).args(args).write_stdin(text).output();
        let output = output.expect("the program starts");
        Outcome {
            stdout: String::from_utf8(output.stdout).expect("UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("UTF-8"),
            code: output.status.code(),
        }
    }

    /// Runs the program, which must succeed, and returns its standard output.
    pub(crate) fn good(&self, args: &[&str]) -> String {
        let outcome = self.run(args);
        assert_eq!(outcome.code, Some(0), "{args:?}: {}", outcome.stderr);
        outcome.stdout
    }

    /// Runs the program, which must succeed and print one JSON document.
    pub(crate) fn json(&self, args: &[&str]) -> Value {
        serde_json::from_str(&self.good(args)).expect("one JSON document")
    }

    /// Runs the program, which must refuse without a result: its exit code and what it says.
    pub(crate) fn refused(&self, args: &[&str]) -> String {
        let Outcome { stdout, stderr, code } = self.run(args);
        assert_eq!(stdout, "", "{args:?} prints a result");
        assert!(!stderr.contains("panicked"), "{stderr}");
        format!("exit {}\n{stderr}", code.expect("no signal"))
    }

    /// Starts the program and lets it run.
    pub(crate) fn start(&self, args: &[&str]) -> Running {
        self.start_writing_to(args, Stdio::piped())
    }

    /// Starts the program with its standard output going to `target`.
    pub(crate) fn start_writing_to(&self, args: &[&str], target: Stdio) -> Running {
        let mut command = self.command(PROGRAM);
        command.args(args);
        spawned(command, target)
    }

    /// Starts the program like `nohup` does.
    pub(crate) fn start_ignoring_hangups(&self, args: &[&str]) -> Running {
        let mut command = self.command("/bin/sh");
        command.args(["-c", "trap '' HUP; exec \"$0\" \"$@\"", PROGRAM]).args(args);
        spawned(command, Stdio::piped())
    }

    /// A program in the environment of this place.
    fn command(&self, program: &str) -> Command {
        let home = self.env.home();
        let mut command = Command::new(program);
        command
            .env_clear()
            .current_dir(self.work())
            .env("XDG_CONFIG_HOME", home.join(".config"))
            .env("HOME", home)
            .env("COLUMNS", "100")
            .env("NO_COLOR", "1")
            .env("LANG", "C.UTF-8")
            .env("TZ", "UTC")
            .envs(&self.variables);
        command
    }
}

fn spawned(mut command: Command, target: Stdio) -> Running {
    command.stdin(Stdio::null()).stdout(target).stderr(Stdio::piped());
    Running::of(command.spawn().expect("the program starts"))
}

/// The program at a terminal of its own, on which its standard input and standard error are.
pub(crate) struct AtTerminal {
    child: Child,
    keyboard: fs::File,
    screen: Receiver<String>,
    said: String,
}

impl AtTerminal {
    /// Starts the program in `place`.
    pub(crate) fn start(place: &Place, args: &[&str]) -> Self {
        use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
        let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
        grantpt(&terminal).expect("ours");
        unlockpt(&terminal).expect("ours");
        let name = ptsname(&terminal, Vec::new()).expect("a name").into_string().expect("UTF-8");
        let open = || fs::OpenOptions::new().read(true).write(true).open(&name).expect("opens");
        let mut command = place.command(PROGRAM);
        command.args(args);
        command.stdin(open()).stderr(open()).stdout(Stdio::piped());
        let child = command.spawn().expect("the program starts");
        drop(command);
        let keyboard = fs::File::from(terminal);
        let mut shown = keyboard.try_clone().expect("a second handle");
        let (sender, screen) = mpsc::channel();
        std::thread::spawn(move || {
            let mut bytes = [0; 4_096];
            // A terminal that the program has left cannot be read.
            while let Ok(read) = shown.read(&mut bytes) {
                let text = String::from_utf8_lossy(&bytes[..read]).into_owned();
                if read == 0 || sender.send(text).is_err() {
                    break;
                }
            }
        });
        Self { child, keyboard, screen, said: String::new() }
    }

    /// Reads the screen until it shows `part`, and forgets everything up to there.
    pub(crate) fn wait_for(&mut self, part: &str) {
        while !self.said.contains(part) {
            match self.screen.recv_timeout(PATIENCE) {
                Ok(text) => self.said.push_str(&text),
                Err(error) => panic!("{error} before `{part}`: {}", self.said),
            }
        }
        let at = self.said.find(part).expect("just found") + part.len();
        self.said.drain(..at);
    }

    /// Sends the signal of Ctrl-C.
    pub(crate) fn interrupt(&self) {
        kill_process(Pid::from_child(&self.child), Signal::INT).expect("it still runs");
    }

    /// Types a line.
    pub(crate) fn types(&mut self, line: &str) {
        use std::io::Write as _;
        writeln!(self.keyboard, "{line}").expect("a keyboard");
    }

    /// Waits for the program's end: its code and its standard output.
    pub(crate) fn finish(mut self) -> (Option<i32>, String) {
        let mut text = String::new();
        let mut stdout = self.child.stdout.take().expect("piped");
        stdout.read_to_string(&mut text).expect("UTF-8");
        (self.child.wait().expect("it has ended").code(), text)
    }
}

impl Drop for AtTerminal {
    fn drop(&mut self) {
        // Both fail where it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Hides what differs from run to run from the snapshots of this thread, for as long as the guard lives.
pub(crate) fn filters() -> insta::internals::SettingsBindDropGuard {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    for (pattern, shown) in [
        (r"/[^\s`']*orchestrate-test-[A-Za-z0-9]+", "[ROOT]"),
        (r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "[RUN]"),
        (r"…[0-9a-f]{8}\b", "…[RUN]"),
        (r"127\.0\.0\.1:\d+", "[SERVER]"),
        (r"\b\d+ ms\b", "[TIME]"),
        (r"\b\d+\.\d s\b", "[TIME]"),
        (r"\b\d+ s ago\b", "[TIME] ago"),
        // How many tokens a prompt has changes with every word of a persona.
        (r"\b[1-9][\d,.]*k? tok\b", "[N] tok"),
        (r"\b[1-9][\d,]* in, [1-9][\d,]* out\b", "[N] in, [N] out"),
        (r"\bup to [1-9][\d,]* more\b", "up to [N] more"),
        (r"\bmay use [1-9][\d,]* tokens\b", "may use [N] tokens"),
        (r"--max-tokens \d+ or more", "--max-tokens [N] or more"),
        (r"\(os error \d+\)", "(os error [N])"),
        // What an echo repeats of another echo hangs on hashes.
        (r"(?m)^handed  .*$", "handed  [COVERAGE]"),
        // Names in a column are padded to its width.
        (r"(?m) +$", ""),
    ] {
        settings.add_filter(pattern, shown);
    }
    settings.bind_to_scope()
}

/// The program while it runs. It is killed when this is dropped.
pub(crate) struct Running {
    child: Child,
    stdout: Option<JoinHandle<String>>,
    stderr: Receiver<String>,
    said: String,
}

impl Running {
    fn of(mut child: Child) -> Self {
        let stdout = child.stdout.take();
        let stderr = BufReader::new(child.stderr.take().expect("piped"));
        let stdout = std::thread::spawn(move || {
            let mut text = String::new();
            if let Some(mut stdout) = stdout {
                stdout.read_to_string(&mut text).expect("UTF-8");
            }
            text
        });
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        Self { child, stdout: Some(stdout), stderr: lines, said: String::new() }
    }

    /// Reads standard error up to a line that holds `part`.
    pub(crate) fn wait_for(&mut self, part: &str) {
        while self.hears_a_line() {
            if self.said.lines().next_back().is_some_and(|line| line.contains(part)) {
                return;
            }
        }
        panic!("no `{part}` in: {}", self.said);
    }

    /// Reads a line; false at the end.
    fn hears_a_line(&mut self) -> bool {
        match self.stderr.recv_timeout(PATIENCE) {
            Ok(line) => {
                self.said.push_str(&line);
                self.said.push('\n');
                true
            }
            Err(RecvTimeoutError::Disconnected) => false,
            Err(RecvTimeoutError::Timeout) => panic!("silence after: {}", self.said),
        }
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("it still runs");
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> i32 {
        Pid::from_child(&self.child).as_raw_nonzero().get()
    }

    /// Reads so many lines of standard error, or all there are.
    pub(crate) fn hear_lines(&mut self, count: u64) {
        for _ in 0..count {
            if !self.hears_a_line() {
                return;
            }
        }
    }

    /// Sends a signal, unless it has ended.
    pub(crate) fn signal_if_running(&self, signal: Signal) {
        // A process that has ended and was not waited for still takes signals; one that was does not.
        let _ = kill_process(Pid::from_child(&self.child), signal);
    }

    /// Waits for its end.
    pub(crate) fn finish(mut self) -> Outcome {
        while self.hears_a_line() {}
        let status = self.child.wait().expect("it has ended");
        let stdout = self.stdout.take().expect("finished once").join().expect("read");
        Outcome { stdout, stderr: std::mem::take(&mut self.said), code: status.code() }
    }

    /// Ends it without a chance to react.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("it still runs");
        self.child.wait().expect("it has ended");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail where it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A model server in this process.
pub(crate) struct Server {
    inner: Option<ScriptedServer>,
    runtime: tokio::runtime::Runtime,
    gate: Gate,
}

impl Server {
    /// Answers with what `behaviour` says.
    pub(crate) fn start(behaviour: impl Fn(&SeenRequest) -> Reply + Send + Sync + 'static) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("a runtime");
        let inner = runtime.block_on(ScriptedServer::start(behaviour)).expect("a free port");
        Self { inner: Some(inner), runtime, gate: Gate::default() }
    }

    /// Answers with a function of the request.
    pub(crate) fn echo() -> Self {
        Self::start(behaviour::echo())
    }

    /// Answers like [`Server::echo`], but the first request to `persona` only after
    /// [`Server::release`].
    pub(crate) fn holding(persona: &'static str) -> Self {
        Self::holding_beside(persona, behaviour::echo())
    }

    /// Like [`Server::holding`], and everybody else gets what `others` says.
    pub(crate) fn holding_beside(
        persona: &'static str,
        others: impl Fn(&SeenRequest) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let gate = Gate::default();
        let (echo, held) = (behaviour::echo(), gate.clone());
        let mut server = Self::start(move |request| {
            if who(request) == persona {
                held.pass();
                echo(request)
            } else {
                others(request)
            }
        });
        server.gate = gate;
        server
    }

    /// Answers like [`Server::echo`], but nobody before `company` requests have come: so many are in
    /// flight at a time, or the test fails.
    pub(crate) fn answering_in_company_of(company: usize) -> Self {
        let gate = Gate::default();
        let (echo, held) = (behaviour::echo(), gate.clone());
        let mut server = Self::start(move |request| {
            held.set(|state| state.arrived += 1);
            tokio::task::block_in_place(|| {
                held.wait(|state| state.open || state.arrived >= company);
            });
            echo(request)
        });
        server.gate = gate;
        server
    }

    /// Waits until a request stands before the gate.
    pub(crate) fn wait_until_held(&self) {
        self.gate.wait(|state| state.arrived > 0);
    }

    /// Lets held requests and all later ones pass.
    pub(crate) fn release(&self) {
        self.gate.set(|state| state.open = true);
    }

    fn inner(&self) -> &ScriptedServer {
        self.inner.as_ref().expect("taken only by drop")
    }

    pub(crate) fn base_url(&self) -> String {
        self.inner().base_url()
    }

    pub(crate) fn count(&self) -> u64 {
        self.inner().count()
    }

    pub(crate) fn peak(&self) -> u64 {
        self.inner().peak()
    }

    pub(crate) fn requests(&self) -> Vec<SeenRequest> {
        self.inner().requests()
    }

    /// The personas that were asked, in order.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.requests().iter().map(who).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Whatever is held would hold the runtime as well.
        self.release();
        let _context = self.runtime.enter();
        self.inner = None;
    }
}

/// Where requests wait for the test.
#[derive(Clone, Default)]
struct Gate(Arc<(Mutex<GateState>, Condvar)>);

#[derive(Default)]
struct GateState {
    arrived: usize,
    open: bool,
}

impl Gate {
    fn set(&self, change: impl FnOnce(&mut GateState)) {
        change(&mut self.0.0.lock().unwrap());
        self.0.1.notify_all();
    }

    fn wait(&self, until: impl Fn(&GateState) -> bool) {
        let state = self.0.0.lock().unwrap();
        let waited = self.0.1.wait_timeout_while(state, PATIENCE, |state| !until(state)).unwrap();
        assert!(!waited.1.timed_out(), "nothing came");
    }

    fn pass(&self) {
        self.set(|state| state.arrived += 1);
        tokio::task::block_in_place(|| self.wait(|state| state.open));
    }
}

/// The persona that a request primes, told by the first line of its system prompt.
pub(crate) fn who(request: &SeenRequest) -> String {
    static OPENINGS: OnceLock<BTreeMap<String, String>> = OnceLock::new();
    let openings = OPENINGS.get_or_init(|| {
        let library = built_in_personas();
        let opening = |name: &str| {
            let persona = library.read(name).unwrap().unwrap().persona.unwrap();
            let setting = orchestrate_persona::Setting {
                colleagues: Vec::new(),
                contract: orchestrate_persona::Contract::DraftWithBrief,
            };
            let prompt = orchestrate_persona::compose(&persona, &setting);
            (prompt.lines().next().unwrap_or_default().to_owned(), name.to_owned())
        };
        library.names().map(opening).collect()
    });
    let first = request.message("system").lines().next().unwrap_or_default();
    openings.get(first).cloned().unwrap_or_else(|| first.to_owned())
}

fn built_in_personas() -> PersonaLibrary {
    let nowhere = Path::new("/nonexistent");
    PersonaLibrary::open(nowhere, &Home::at(nowhere, nowhere)).expect("built in")
}

/// The file of a built-in persona.
pub(crate) fn persona_file(name: &str) -> String {
    built_in_personas().read(name).unwrap().expect("built in").source.text.clone()
}

/// The file of a built-in persona with another first question.
pub(crate) fn persona_with_question(name: &str, question: &str) -> String {
    let file = persona_file(name);
    let at = file.find("Ask first").expect("it asks first");
    let list = at + file[at..].find("- ").expect("a list of questions");
    let end = list + file[list..].find('\n').expect("an end");
    format!("{}- {question}{}", &file[..list], &file[end..])
}

/// A good answer of this text, with a brief that names `decision`.
pub(crate) fn answer(text: &str, decision: &str) -> Answer {
    Answer::new(format!(
        "{text}\n\n```brief\n{{\"decisions\": [{{\"id\": \"D1\", \"decision\": \"{decision}\"}}]}}\n```\n"
    ))
}

/// A report without what differs between two runs with the same answers.
pub(crate) fn without_run_header(report: &str) -> String {
    let (before, rest) = report.split_once("<!-- run -->").expect("a header");
    let (_, after) = rest.split_once("<!-- /run -->").expect("an end of the header");
    format!("{before}{after}")
}

/// Every file below `folder`, with its bytes.
pub(crate) fn files_below(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_below(&path));
        } else {
            found.push((path.clone(), fs::read(&path).unwrap()));
        }
    }
    found
}
