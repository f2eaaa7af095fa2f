//! What a step of a large plan costs beside its model call: time, memory and disk. Chains of ten steps,
//! side by side, against a provider in the same process that answers at once.
//!
//! `STEPS` sets the size of the larger plan, 10,000 unless given; `ROUNDS` how often each is run.

#![expect(clippy::print_stdout, reason = "a benchmark's figures are its output")]
#![expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]

mod support;

use std::{fs, future::Future, path::Path, pin::Pin, sync::Arc, time::Duration};

use orchestrate_core::{
    ids::Digest,
    plan::Step,
    request::{Endpoint, Request},
    usage::Usage,
};
use orchestrate_provider::{AttemptError, Completion, Progress, Provider};
use support::run::{Error, Product, step};

/// Steps of one chain.
const CHAIN: usize = 10;
/// Calls at a time.
const CONCURRENCY: usize = 1_000;

fn main() -> Result<(), Error> {
    let steps = number("STEPS", 10_000)?;
    let rounds = number("ROUNDS", 3)?.max(1);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let before = memory("VmRSS");
    // The smaller plan comes first, since the peak of a process never falls.
    for steps in [steps / 10, steps] {
        let figures = runtime.block_on(measure(steps, rounds, before))?;
        print(steps, &figures);
    }
    Ok(())
}

fn number(name: &str, default: usize) -> Result<usize, Error> {
    Ok(std::env::var(name).ok().map(|text| text.parse()).transpose()?.unwrap_or(default))
}

struct Figures {
    /// Medians.
    wall: Duration,
    until_end: Duration,
    commits: u32,
    /// Kibibytes above what the process held before its first plan.
    peak: Option<u64>,
    journal: u64,
}

async fn measure(steps: usize, rounds: usize, before: Option<u64>) -> Result<Figures, Error> {
    let mut runs = Vec::new();
    let (mut journal, mut peak) = (0, None);
    for round in 0..rounds {
        let product = Product::new(chains(steps), CONCURRENCY, Arc::new(AtOnce::new()))?;
        let (ran, place) = product.run().await?;
        if round == 0 {
            peak = memory("VmHWM").zip(before).map(|(peak, before)| peak - before);
        }
        journal = size(&ran.folder)?;
        drop(place);
        runs.push(ran);
    }
    runs.sort_by_key(|ran| ran.wall);
    let median = &runs[runs.len() / 2];
    let (until_end, commits) = (median.moments.end, median.moments.commits);
    Ok(Figures { wall: median.wall, until_end, commits, peak, journal })
}

fn print(steps: usize, figures: &Figures) {
    let per_step = |amount: f64| amount / steps as f64;
    let micros = |time: Duration| per_step(time.as_secs_f64() * 1e6);
    println!("{steps} steps in chains of {CHAIN}, {CONCURRENCY} calls at a time, answered at once");
    println!(
        "  time:    {:.3} s, {:.0} µs/step; of these, {:.0} µs/step until the run's end and {:.0} µs/step for \
         reading the journal back",
        figures.wall.as_secs_f64(),
        micros(figures.wall),
        micros(figures.until_end),
        micros(figures.wall.saturating_sub(figures.until_end)),
    );
    match figures.peak {
        Some(peak) => println!(
            "  memory:  peak {:.1} MiB above the start, {:.1} KiB/step",
            peak as f64 / 1024.0,
            per_step(peak as f64),
        ),
        None => println!("  memory:  not known: /proc/self/status is not there"),
    }
    println!(
        "  journal: {:.1} MiB, {:.1} KiB/step, {} commits",
        figures.journal as f64 / 1024.0 / 1024.0,
        per_step(figures.journal as f64 / 1024.0),
        figures.commits,
    );
}

/// Chains side by side; every step asks something else.
fn chains(steps: usize) -> Vec<Step> {
    let id = |chain: usize, link: usize| format!("chain-{chain:04}-{link}");
    let all = (0..steps).map(|at| {
        // All first links come first, as a workflow's author would write stages down.
        let width = steps.div_ceil(CHAIN);
        let (link, chain) = (at / width, at % width);
        let before = link.checked_sub(1).map(|before| id(chain, before));
        let needs: Vec<&str> = before.as_deref().into_iter().collect();
        step(&id(chain, link), &needs, format!("Work out part {link} of chapter {chain}."))
    });
    all.collect()
}

/// Bytes of the files in a folder.
fn size(folder: &Path) -> Result<u64, Error> {
    let mut bytes = 0;
    for entry in fs::read_dir(folder)? {
        bytes += entry?.metadata()?.len();
    }
    Ok(bytes)
}

/// A figure of this process in kibibytes, where the system tells.
fn memory(field: &str) -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(field))?;
    line.trim_start_matches(':').split_whitespace().next()?.parse().ok()
}

/// A provider that answers at once, with a document and a brief of about 1 KiB that hang on the request.
struct AtOnce {
    endpoint: Endpoint,
}

impl AtOnce {
    fn new() -> Self {
        let endpoint = Endpoint {
            provider: "at-once".into(),
            origin: "this process".into(),
            dialect: "none".into(),
        };
        Self { endpoint }
    }
}

impl Provider for AtOnce {
    fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    fn reusable(&self) -> bool {
        true
    }

    fn complete(
        &self,
        request: Arc<Request>,
        _progress: Arc<dyn Progress>,
    ) -> Pin<Box<dyn Future<Output = Result<Completion, AttemptError>> + Send>> {
        Box::pin(async move {
            let digest = Digest::of(request.user());
            let text = format!(
                "# Answer {digest}\n\n{}\n\n```brief\n{{\"decisions\": [{{\"id\": \"D1\", \"decision\": \"Build variant \
                 {digest}\", \"why\": \"the request says so\"}}], \"figures\": [{{\"name\": \"latency p99\", \"value\": \
                 \"250\", \"unit\": \"ms\", \"basis\": \"target\"}}], \"next\": [\"Start from variant {digest}\"]}}\n```\n",
                "A sentence of the document that says what was decided and why. ".repeat(8),
            );
            let usage = Usage { input: 1_000, output: 250, ..Usage::default() };
            Ok(Completion { text, usage, served_model: None, request_id: None })
        })
    }
}
