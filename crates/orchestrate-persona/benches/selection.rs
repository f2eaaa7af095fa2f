//! How well and how fast personas are chosen by the task: over the labelled tasks, beside plain BM25 and
//! character TF-IDF. `-- --misses` lists what goes wrong among the tasks used for tuning.

#![expect(clippy::print_stdout, reason = "a benchmark's figures are its output")]
#![expect(clippy::disallowed_methods, reason = "the benchmark reads files and the clock")]

#[path = "../tests/it/baselines.rs"]
mod baselines;
#[path = "../tests/it/labelled.rs"]
mod labelled;
#[path = "../tests/it/measure.rs"]
mod measure;

use std::{fs, hint::black_box, time::Instant};

use labelled::Labelled;
use measure::{Answer, Baseline, Totals, same};
use orchestrate_core::{diagnostic::Source, persona::Persona};
use orchestrate_persona::Selector;

const PERSONAS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../personas");

fn main() {
    let library = library();
    let text = fs::read_to_string(format!("{PERSONAS}/selection/tasks.tsv")).expect("the tasks");
    let tasks = labelled::parse(&text);
    let (held_out, tuning): (Vec<&Labelled>, Vec<&Labelled>) =
        tasks.iter().partition(|task| task.held_out);
    let selector = Selector::new(&library);
    // The library as it would come from other tools, without the words that only serve to be found.
    let bare: Vec<Persona> = library.iter().map(undeclared).collect();
    let bare = Selector::new(&bare);
    let baselines = Baseline::all(&library, &tuning);
    for (part, tasks) in [("tuning", &tuning), ("held out", &held_out)] {
        println!("{part}: {} tasks", tasks.len());
        println!("  {:<18} top 1  top 3  refused   kept  several", "");
        let ours = measure::ours(&selector, tasks);
        row("orchestrate", &ours);
        for baseline in &baselines {
            row(baseline.name, &baseline.answers(tasks));
        }
        row("undeclared words", &measure::ours(&bare, tasks));
        // The held-out part is looked at as a whole only.
        if part == "tuning" {
            by_kind(&ours);
        }
    }
    if std::env::args().any(|arg| arg == "--misses") {
        misses(&measure::ours(&selector, &tuning));
    }
    times(&library, &tasks);
}

fn row(name: &str, answers: &[(&Labelled, Answer)]) {
    let Totals { top1, top3, refused, kept, exact } = Totals::of(answers);
    println!("  {name:<18} {top1:>5.1}  {top3:>5.1}  {refused:>7.1}  {kept:>5.1}  {exact:>7.1}");
}

/// Our own first places by what makes a task hard.
fn by_kind(answers: &[(&Labelled, Answer)]) {
    let mut kinds: Vec<&str> = answers.iter().map(|(task, _)| task.note.as_str()).collect();
    kinds.sort_unstable();
    kinds.dedup();
    let mut cells = Vec::new();
    for kind in kinds {
        let of: Vec<_> = answers.iter().filter(|(task, _)| task.note == kind).collect();
        let right = of.iter().filter(|(task, answer)| right(task, answer)).count();
        cells.push(format!("{kind} {right}/{}", of.len()));
    }
    println!("  right by kind: {}", cells.join(", "));
}

fn right(task: &Labelled, answer: &Answer) -> bool {
    match task.expected.len() {
        0 => answer.selected.is_empty(),
        1 => answer.selected.first().is_some_and(|name| task.expected.contains(name)),
        _ => same(task, answer),
    }
}

fn misses(answers: &[(&Labelled, Answer)]) {
    for (task, answer) in answers.iter().filter(|(task, answer)| !right(task, answer)) {
        println!("{} [{}, {}] {}", task.id, task.language, task.note, task.task);
        println!("    expected {:?}, selected {:?}", task.expected, answer.selected);
    }
}

/// How long an index and a selection take, over the built-in library and over a thousand personas.
fn times(library: &[Persona], tasks: &[Labelled]) {
    let thousand: Vec<Persona> = (0..1_000).map(|at| variant(library, at)).collect();
    for personas in [library, &thousand] {
        black_box(Selector::new(personas).select("warm up"));
        let begun = Instant::now();
        let selector = Selector::new(personas);
        let built = begun.elapsed();
        let mut each: Vec<u128> = Vec::with_capacity(tasks.len());
        for task in tasks {
            let begun = Instant::now();
            black_box(selector.select(black_box(&task.task)));
            each.push(begun.elapsed().as_micros());
        }
        each.sort_unstable();
        println!(
            "{} personas: index {:.1} ms; a selection {} us at the median, {} us at most",
            personas.len(),
            built.as_secs_f64() * 1000.0,
            each[each.len() / 2],
            each[each.len() - 1],
        );
    }
}

fn undeclared(persona: &Persona) -> Persona {
    let (aliases, tags, synonyms) = (Vec::new(), Vec::new(), Vec::new());
    Persona { aliases, tags, synonyms, ..persona.clone() }
}

/// One of many personas: the routing text of two built-in ones under a name and with words of its own.
fn variant(library: &[Persona], at: usize) -> Persona {
    let mut persona = library[at % library.len()].clone();
    let other = &library[(at / library.len()) % library.len()];
    persona.name = format!("{}-{at}", persona.name);
    persona.title = format!("{} {at}", persona.title);
    persona.aliases.clear();
    persona.abbreviation = None;
    persona.examples.extend(other.examples.iter().cloned());
    persona.synonyms.extend((0..8).map(|word| format!("subject{at}x{word}")));
    persona
}

fn library() -> Vec<Persona> {
    let mut names: Vec<String> = fs::read_dir(PERSONAS)
        .expect("the personas")
        .map(|entry| entry.expect("readable").file_name().into_string().expect("UTF-8"))
        .filter_map(|name| name.strip_suffix(".md").map(str::to_owned))
        .collect();
    names.sort();
    let read = |name: &String| {
        let path = format!("personas/{name}.md");
        let text = fs::read_to_string(format!("{PERSONAS}/{name}.md")).expect("a persona");
        orchestrate_persona::read(&Source::new(path, text)).0.expect("a sound persona")
    };
    names.iter().map(read).collect()
}
