//! 1,000 persona steps that need nothing from each other, all at a time, against a server that answers
//! after 50 ms; beside a floor: a program that makes the same calls with bare reqwest and the same durable
//! commits, and does nothing else.
//!
//! The server is a process of its own and the same for both. The floor's requests, contents and events are
//! those of a rehearsal, byte for byte. `ROUNDS` sets how often the two take turns, 5 unless given.

#![expect(clippy::print_stdout, reason = "a benchmark's figures are its output")]

mod support;

use std::{
    collections::BTreeSet,
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use orchestrate_core::{
    event::Event,
    ids::{Digest, StepPath},
    plan::Step,
};
use orchestrate_engine::store::{BlobReader, JournalContents, read_journal};
use orchestrate_provider::{
    dialects::{ChatQuirks, Dialect},
    http::{self, HttpProvider},
};
use orchestrate_testkit::{
    behaviour::{echo, echo_after},
    server::{Recording, ScriptedServer},
};
use reqwest::header::{ACCEPT, CONTENT_TYPE};
use rusqlite::{Connection, params};
use support::{
    run::{Error, Place, Product, step},
    watch::Moments,
};
use tokio::sync::mpsc;

const STEPS: usize = 1_000;
const DELAY: Duration = Duration::from_millis(50);
/// The product may take so many times as long as the floor.
const GOAL: f64 = 1.5;
/// The argument that makes this program the server.
const SERVE: &str = "--serve-model";

fn main() -> Result<(), Error> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    if std::env::args().any(|argument| argument == SERVE) {
        return runtime.block_on(serve());
    }
    let rounds: usize =
        std::env::var("ROUNDS").ok().map_or(Ok(5), |text| text.parse::<usize>())?.max(1);
    let material = runtime.block_on(Material::rehearse())?;
    let server = Server::start()?;
    let (mut floors, mut products) = (Vec::new(), Vec::new());
    // The first turn of each warms up and does not count.
    for round in 0..=rounds {
        let floor = server.watch(|| runtime.block_on(floor(&server.base_url, &material)))?;
        let product = server.watch(|| runtime.block_on(product(&server.base_url)))?;
        if round > 0 {
            floors.push(floor);
            products.push(product);
        }
    }
    let fastest = (fastest(&floors), fastest(&products));
    let (floor, product) = (median(floors), median(products));
    println!("{STEPS} steps at a time, answers after {} ms, median of {rounds}", DELAY.as_millis());
    floor.print("floor");
    product.print("product");
    println!("fastest turns: {}", compare(fastest.0, fastest.1));
    println!("{} (goal: {GOAL})", compare(floor.wall, product.wall));
    Ok(())
}

fn compare(floor: Duration, product: Duration) -> String {
    let (floor, product) = (floor.as_secs_f64(), product.as_secs_f64());
    format!("product {product:.3} s, floor {floor:.3} s, ratio {:.2}", product / floor)
}

fn fastest(turns: &[Turn]) -> Duration {
    turns.iter().map(|turn| turn.wall).min().unwrap_or_default()
}

/// One turn of either program.
struct Turn {
    wall: Duration,
    moments: Moments,
    /// Processor time of the program and of the server, where the system tells.
    processor: Option<(Duration, Duration)>,
}

impl Turn {
    fn print(&self, name: &str) {
        let Moments { intents, answers, end, commits } = self.moments;
        let millis = |time: Duration| time.as_millis();
        println!(
            "  {name:<8} {:>4} ms: intents durable {}–{} ms, answers {}–{} ms, end {} ms; {commits} commits",
            millis(self.wall),
            millis(intents.0),
            millis(intents.1),
            millis(answers.0),
            millis(answers.1),
            millis(end),
        );
        if let Some((program, server)) = self.processor {
            println!(
                "           processor time {} ms, the server's {} ms",
                millis(program),
                millis(server)
            );
        }
    }
}

fn median(mut turns: Vec<Turn>) -> Turn {
    turns.sort_by_key(|turn| turn.wall);
    let middle = turns.len() / 2;
    turns.swap_remove(middle)
}

/// Every step asks something else, so that no two calls are the same.
fn steps() -> Vec<Step> {
    let one = |at: usize| step(&format!("step-{at:04}"), &[], format!("Work out {}.", marker(at)));
    (0..STEPS).map(one).collect()
}

/// Finds a step's request among all.
fn marker(step: usize) -> String {
    format!("chapter {step:04} of {STEPS}")
}

async fn product(base_url: &str) -> Result<Turn, Error> {
    let (ran, place) = Product::new(steps(), STEPS, openai(base_url)?)?.run().await?;
    drop(place);
    Ok(Turn { wall: ran.wall, moments: ran.moments, processor: None })
}

fn openai(base_url: &str) -> Result<Arc<HttpProvider>, Error> {
    let dialect = Dialect::ChatCompletions(ChatQuirks::OPENAI);
    Ok(Arc::new(HttpProvider::new(http::Config::new("bench", dialect, base_url))?))
}

/// Rows of one commit.
#[derive(Default)]
struct Rows {
    events: Vec<(&'static str, String)>,
    blobs: Vec<(Digest, Vec<u8>)>,
}

/// What the floor sends and records.
struct Material {
    /// Request bodies, in the order of the steps.
    bodies: Vec<Vec<u8>>,
    /// Everything that is durable before the first request leaves.
    intents: Rows,
    /// What each answer adds, in the order of the steps.
    answers: Vec<Rows>,
    /// What the end of the run adds.
    end: Rows,
}

impl Material {
    /// Takes requests, contents and events from a run of the product.
    async fn rehearse() -> Result<Self, Error> {
        let server = ScriptedServer::start(echo()).await?;
        // Fewer at a time, since both ends of every connection are in this process here.
        let (ran, place) = Product::new(steps(), 64, openai(&server.base_url())?)?.run().await?;
        let mut bodies = vec![Vec::new(); STEPS];
        for request in server.requests() {
            let user = request.message("user");
            let found = (0..STEPS).find(|&at| user.contains(&marker(at)));
            bodies[found.ok_or("a request belongs to no step")?] = request.body.to_vec();
        }
        let contents = read_journal(&ran.folder)?;
        let material = Self::of(bodies, &contents)?;
        drop(place);
        Ok(material)
    }

    fn of(bodies: Vec<Vec<u8>>, contents: &JournalContents) -> Result<Self, Error> {
        let mut taken = Taken { blobs: &contents.blobs, seen: BTreeSet::new() };
        let position = |step: &StepPath| contents.plan.position(step).ok_or("an unknown step");
        let (mut intents, mut end) = (Rows::default(), Rows::default());
        let mut answers: Vec<Rows> = (0..STEPS).map(|_| Rows::default()).collect();
        for recorded in &contents.events {
            let event = &recorded.event;
            let rows = match event {
                Event::CallSucceeded { call, .. } => &mut answers[position(&call.step)?],
                Event::StepSucceeded { step, .. } => &mut answers[position(step)?],
                Event::RunSucceeded => &mut end,
                _ => &mut intents,
            };
            match event {
                Event::RunCreated(created) => {
                    let digests = [created.plan, created.inputs].into_iter();
                    for digest in digests.chain(created.personas.values().copied()) {
                        taken.take(digest, rows)?;
                    }
                }
                Event::CallPrepared { prepared, .. } => {
                    taken.take_request(prepared.request, rows)?;
                }
                Event::CallSucceeded { answer, .. } => {
                    let digests = [Some(answer.raw), Some(answer.deliverable), answer.brief];
                    for digest in digests.into_iter().flatten() {
                        taken.take(digest, rows)?;
                    }
                }
                _ => {}
            }
            rows.events.push((event.kind(), serde_json::to_string(event)?));
        }
        Ok(Self { bodies, intents, answers, end })
    }
}

/// Contents of the rehearsal's journal, each taken once.
struct Taken<'a> {
    blobs: &'a BlobReader,
    seen: BTreeSet<Digest>,
}

impl Taken<'_> {
    fn take(&mut self, digest: Digest, rows: &mut Rows) -> Result<(), Error> {
        if self.seen.insert(digest) {
            let content = self.blobs.bytes(&digest)?.ok_or("a content is missing")?;
            rows.blobs.push((digest, content));
        }
        Ok(())
    }

    /// A stored request, and what it refers to.
    fn take_request(&mut self, digest: Digest, rows: &mut Rows) -> Result<(), Error> {
        let stored: serde_json::Value = serde_json::from_str(&self.blobs.text(&digest)?)?;
        self.take(digest, rows)?;
        for member in ["persona", "system"] {
            self.take(serde_json::from_value(stored[member].clone())?, rows)?;
        }
        Ok(())
    }
}

/// The same calls and the same durable commits, and nothing else: nothing is parsed, hashed, checked or
/// decided.
async fn floor(base_url: &str, material: &Material) -> Result<Turn, Error> {
    let place = Place::new()?;
    let client = reqwest::Client::builder()
        .user_agent("orchestrate/0.0.0")
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .no_proxy()
        .build()?;
    let url = format!("{base_url}/chat/completions");
    let mut moments = Moments::default();

    let started = Instant::now();
    let mut journal = Ledger::create(&place)?;
    journal.commit([&material.intents])?;
    moments.intents = (started.elapsed(), started.elapsed());
    let (sender, mut arrived) = mpsc::unbounded_channel();
    for (at, body) in material.bodies.iter().enumerate() {
        let request = client
            .post(&url)
            .header(CONTENT_TYPE, "application/json")
            .header(ACCEPT, "text/event-stream, application/json")
            .body(body.clone());
        let sender = sender.clone();
        tokio::spawn(async move {
            // The receiver is there as long as answers are missing.
            let _ = sender.send(exchange(request).await.map(|()| at));
        });
    }
    let mut missing = STEPS;
    while missing > 0 {
        let mut group = vec![&material.answers[arrived.recv().await.ok_or("no answer")??]];
        while let Ok(another) = arrived.try_recv() {
            group.push(&material.answers[another?]);
        }
        missing -= group.len();
        if missing == 0 {
            group.push(&material.end);
        }
        journal.commit(group)?;
        if moments.answers.0.is_zero() {
            moments.answers.0 = started.elapsed();
        }
    }
    moments.answers.1 = started.elapsed();
    moments.end = started.elapsed();
    moments.commits = journal.commits;
    drop(journal);
    Ok(Turn { wall: started.elapsed(), moments, processor: None })
}

/// One call, read to its end.
async fn exchange(request: reqwest::RequestBuilder) -> Result<(), Error> {
    let mut response = request.send().await?.error_for_status()?;
    while response.chunk().await?.is_some() {}
    Ok(())
}

/// The floor's journal: durable like the product's, without chain, index and witness.
struct Ledger {
    connection: Connection,
    commits: u32,
}

impl Ledger {
    fn create(place: &Place) -> Result<Self, Error> {
        let connection = Connection::open(place.path().join("journal.db"))?;
        connection.pragma_update(None, "journal_mode", "wal")?;
        connection.execute_batch(
            "CREATE TABLE events (seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, kind TEXT NOT NULL,
                body TEXT NOT NULL) STRICT;
             CREATE TABLE blobs (digest BLOB PRIMARY KEY, content BLOB NOT NULL) STRICT;",
        )?;
        connection.pragma_update(None, "synchronous", "full")?;
        Ok(Self { connection, commits: 0 })
    }

    /// Records rows in one durable commit.
    fn commit<'a>(&mut self, group: impl IntoIterator<Item = &'a Rows>) -> Result<(), Error> {
        let transaction = self.connection.transaction()?;
        {
            let mut keep = transaction
                .prepare_cached("INSERT OR IGNORE INTO blobs (digest, content) VALUES (?1, ?2)")?;
            let mut record = transaction
                .prepare_cached("INSERT INTO events (at, kind, body) VALUES (0, ?1, ?2)")?;
            for rows in group {
                for (digest, content) in &rows.blobs {
                    keep.execute(params![digest.as_bytes().as_slice(), content])?;
                }
                for (kind, body) in &rows.events {
                    record.execute(params![kind, body])?;
                }
            }
        }
        transaction.commit()?;
        self.commits += 1;
        Ok(())
    }
}

/// The server as a process of its own, which ends with its standard input.
struct Server {
    child: Child,
    base_url: String,
}

impl Server {
    fn start() -> Result<Self, Error> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg(SERVE)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        let stdout = child.stdout.take().ok_or("the server has no output")?;
        BufReader::new(stdout).read_line(&mut line)?;
        Ok(Self { child, base_url: line.trim().to_owned() })
    }

    /// Takes one turn and adds the processor time it took.
    fn watch(&self, turn: impl FnOnce() -> Result<Turn, Error>) -> Result<Turn, Error> {
        let processor =
            || Some((processor_time("self")?, processor_time(&self.child.id().to_string())?));
        let before = processor();
        let turn = turn()?;
        let after = processor();
        let spent = before.zip(after);
        let processor = spent.map(|(before, after)| {
            (after.0.saturating_sub(before.0), after.1.saturating_sub(before.1))
        });
        Ok(Turn { processor, ..turn })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Closing its standard input, which `wait` does, ends it.
        let _ = self.child.wait();
    }
}

/// Processor time of a process, where the system tells; in steps of 10 ms.
fn processor_time(process: &str) -> Option<Duration> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The second field, the program's name in parentheses, may hold spaces.
    let fields: Vec<&str> = stat[stat.rfind(')')? + 1..].split_whitespace().collect();
    let ticks = fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?;
    Some(Duration::from_millis(ticks * 10))
}

/// Answers until standard input ends.
async fn serve() -> Result<(), Error> {
    let server = ScriptedServer::start_recording(echo_after(DELAY), Recording::Counts).await?;
    let mut stdout = std::io::stdout();
    writeln!(stdout, "{}", server.base_url())?;
    stdout.flush()?;
    tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new())).await??;
    Ok(())
}
