//! A corpus of persona files as people have them: written to a folder, or imported and checked at once.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use orchestrate_core::diagnostic::has_errors;
use orchestrate_persona::{
    ForeignFile, Imported, import,
    lint::{LintContext, LintFile, lint},
};
use orchestrate_testkit::corpus::{Corpus, CorpusFile, Expected, Kept, RATES, SHARES};

/// What the check may take for 8,000 files in a release build.
const GOAL_TIME: Duration = Duration::from_secs(10);
const GOAL_KIB: u64 = 300 * 1024;
const GOAL_FILES: usize = 8_000;

/// More faults than this are only counted.
const SHOWN: usize = 20;

/// What was asked for on the command line.
#[derive(Debug)]
struct Options {
    files: usize,
    seed: u64,
    to: PathBuf,
    check: bool,
}

/// Writes a corpus, or checks that one can be read.
pub(crate) fn run(arguments: impl Iterator<Item = String>) -> Result<()> {
    let options = options(arguments)?;
    let corpus = Corpus::new(options.files, options.seed);
    if options.check { check(&corpus) } else { write(&corpus, &options.to) }
}

fn options(mut arguments: impl Iterator<Item = String>) -> Result<Options> {
    let to = PathBuf::from("target/corpus");
    let mut options = Options { files: GOAL_FILES, seed: 1, to, check: false };
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().with_context(|| format!("`{argument}` needs a value"));
        match argument.as_str() {
            "--files" => options.files = value()?.parse().context("reading `--files`")?,
            "--seed" => options.seed = value()?.parse().context("reading `--seed`")?,
            "--to" => options.to = PathBuf::from(value()?),
            "--check" => options.check = true,
            other => bail!("unknown option `{other}`; there are: --files, --seed, --to, --check"),
        }
    }
    Ok(options)
}

fn write(corpus: &Corpus, to: &Path) -> Result<()> {
    // Files of an earlier corpus among those of this one would be counted with them.
    let empty = fs::read_dir(to).map_or(true, |mut entries| entries.next().is_none());
    ensure!(empty, "{} is not empty: remove it, or name another folder with `--to`", to.display());
    let mut bytes = 0;
    for file in corpus.files() {
        let path = to.join(&file.path);
        let folder = path.parent().context("a file without a folder")?;
        fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
        fs::write(&path, &file.bytes).with_context(|| format!("writing {}", path.display()))?;
        bytes += file.bytes.len();
    }
    println!("{} files, {} KiB, in {}", corpus.len(), bytes / 1024, to.display());
    Ok(())
}

/// Imports every file, one at a time, then lints them all together.
fn check(corpus: &Corpus) -> Result<()> {
    let mut faults = Vec::new();
    let (mut personas, mut refused, mut bytes) = (0, 0, 0);
    let mut importing = Duration::ZERO;
    for file in corpus.files() {
        let begin = Instant::now();
        let found = import(&ForeignFile { path: &file.path, bytes: &file.bytes }, None);
        importing += begin.elapsed();
        bytes += file.bytes.len();
        personas += found.personas.len();
        refused += usize::from(found.personas.is_empty());
        faults.extend(fault(&file, &found));
    }
    let after_import = peak_kib();
    println!(
        "{} files of {} kinds with {} kinds of mess, {} KiB",
        corpus.len(),
        SHARES.len(),
        RATES.len(),
        bytes / 1024
    );
    println!(
        "import: {personas} personas, {refused} files refused, {}",
        cost(importing, after_import)
    );
    let files: Vec<(String, Vec<u8>)> =
        corpus.files().map(|file| (file.path, file.bytes)).collect();
    let files: Vec<LintFile<'_>> =
        files.iter().map(|(path, bytes)| LintFile { path, bytes }).collect();
    let begin = Instant::now();
    let findings = lint(&files, &LintContext::default());
    let linting = begin.elapsed();
    let after_lint = peak_kib();
    println!("lint: {} findings, {}", findings.len(), cost(linting, after_lint));
    for fault in faults.iter().take(SHOWN) {
        println!("{fault}");
    }
    ensure!(
        faults.is_empty(),
        "{} of {} files were not read as they should be",
        faults.len(),
        files.len()
    );
    judge(files.len(), importing.max(linting), after_lint)
}

/// A debug build is not held to the goal, and neither is a larger corpus.
fn judge(files: usize, slower: Duration, peak: Option<u64>) -> Result<()> {
    if cfg!(debug_assertions) || files > GOAL_FILES {
        return Ok(());
    }
    ensure!(slower < GOAL_TIME, "import or lint took longer than {} s", GOAL_TIME.as_secs());
    ensure!(peak.is_none_or(|kib| kib < GOAL_KIB), "more than {} MiB were used", GOAL_KIB / 1024);
    Ok(())
}

fn cost(time: Duration, peak: Option<u64>) -> String {
    let peak = peak.map_or_else(|| "unknown".to_owned(), |kib| format!("{} MiB", kib / 1024));
    format!("{:.2} s, peak memory {peak}", time.as_secs_f64())
}

/// The most memory that this process ever held, where the system tells.
fn peak_kib() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// What is wrong with what an import gave.
fn fault(file: &CorpusFile, found: &Imported) -> Option<String> {
    let about = |what: String| Some(format!("{} {:?}: {what}", file.path, file.mess));
    let said = || found.diagnostics.iter().map(|found| found.message.as_str()).collect::<Vec<_>>();
    let expected = match file.expected {
        Expected::Refused => 0,
        Expected::Personas(count) => count,
    };
    if found.personas.len() != expected {
        let count = found.personas.len();
        return about(format!("{count} personas instead of {expected}: {:?}", said()));
    }
    if expected == 0 {
        return if has_errors(&found.diagnostics) {
            None
        } else {
            about("refused in silence".into())
        };
    }
    let read = found.format.map_or("nothing", orchestrate_persona::Format::id);
    if read != file.kind {
        return about(format!("read as {read}"));
    }
    match kept(found).lost(file).as_slice() {
        [] => None,
        lost => about(format!("{} texts lost, first {:?}", lost.len(), lost[0])),
    }
}

/// Every text that came out of a file.
fn kept(found: &Imported) -> Kept {
    let mut kept = Kept::default();
    let dropped = found.personas.iter().flat_map(|persona| &persona.dropped);
    for dropped in dropped.chain(&found.dropped) {
        kept.text(&dropped.path_in_source);
        kept.text(&dropped.text);
    }
    for persona in &found.personas {
        kept.text(&persona.canonical);
        persona.mapped.iter().for_each(|mapped| kept.text(&mapped.from));
        if let Ok(value) = serde_json::to_value(&persona.persona) {
            kept.value(&value);
        }
    }
    for pattern in &found.patterns {
        kept.text(&pattern.title);
        pattern.steps.iter().for_each(|step| kept.text(&step.text));
    }
    kept
}
