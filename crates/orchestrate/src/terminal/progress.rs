//! What is shown while a run is going on.

use std::{
    fmt::Write as _,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use indexmap::IndexMap;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use orchestrate_core::{
    event::{Event, Recorded},
    ids::CallId,
    summary::RunSummary,
};
use orchestrate_engine::live::{LiveBoard, LiveView, Observer};
use orchestrate_report::words::{duration, short_count};

use super::{
    can_draw, lines,
    rows::{MARGIN, Rows},
    safe, safe_json, talk,
};
use crate::cli::{Format, Progress, ShowArguments};

/// Rows that are drawn at most; further steps are counted.
const ROWS: usize = 8;
/// Between two drawings.
const TICK: Duration = Duration::from_millis(120);
/// After this much silence, plain progress says that it is still there.
const SILENCE: Duration = Duration::from_secs(30);

/// Where talk goes while a run is going on, so that it does not tear the rows.
#[derive(Clone)]
pub(crate) struct Screen(Arc<Inner>);

struct Inner {
    kind: Kind,
    rows: MultiProgress,
    last: Mutex<Instant>,
    done: AtomicBool,
    ticker: Mutex<Option<(mpsc::Sender<()>, JoinHandle<()>)>>,
    personas: Mutex<IndexMap<String, String>>,
    /// Lines that wait while a person is asked; nothing is drawn meanwhile.
    held: Mutex<Option<Vec<String>>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Rows,
    Lines,
    Json,
    Quiet,
}

/// Starts showing a run; the screen outlives the observer.
pub(crate) fn start(
    show: &ShowArguments,
    board: LiveBoard,
    new: bool,
) -> (Box<dyn Observer>, Screen) {
    let kind = match show.progress {
        Progress::Auto if can_draw() => Kind::Rows,
        Progress::Tty => Kind::Rows,
        Progress::Auto | Progress::Plain => Kind::Lines,
        Progress::Json => Kind::Json,
        Progress::Quiet => Kind::Quiet,
    };
    let rows = MultiProgress::with_draw_target(match kind {
        Kind::Rows => Rows::target(),
        Kind::Lines | Kind::Json | Kind::Quiet => ProgressDrawTarget::hidden(),
    });
    let screen = Screen(Arc::new(Inner {
        kind,
        rows,
        last: Mutex::new(Instant::now()),
        done: AtomicBool::new(false),
        ticker: Mutex::new(None),
        personas: Mutex::new(IndexMap::new()),
        held: Mutex::new(None),
    }));
    screen.tick(board);
    let watcher = Watcher {
        screen: screen.clone(),
        jsonl: show.format == Format::Jsonl,
        first: true,
        held: (!new).then(Vec::new),
        told: None,
    };
    (Box::new(watcher), screen)
}

impl Screen {
    /// Says something above the rows.
    pub(crate) fn say(&self, text: &str) {
        if self.0.kind != Kind::Quiet {
            self.print(&safe(text));
        }
    }

    /// Takes the rows away and keeps back what is said, while a person types.
    pub(crate) fn hold(&self) {
        let mut held = self.held();
        held.get_or_insert_default();
        // Nothing drawn yet is no mistake.
        let _ = self.0.rows.clear();
    }

    /// Says what was kept back, and draws again.
    pub(crate) fn release(&self) {
        let kept = self.held().take().unwrap_or_default();
        for line in kept {
            self.print(&line);
        }
    }

    fn held(&self) -> MutexGuard<'_, Option<Vec<String>>> {
        self.0.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn print(&self, text: &str) {
        if let Some(kept) = &mut *self.held() {
            kept.push(text.to_owned());
            return;
        }
        *self.0.last.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        let drawn = self.0.kind == Kind::Rows && !self.0.rows.is_hidden();
        if drawn && !self.0.done.load(Ordering::Relaxed) {
            // A terminal that has gone away reads nothing.
            let _ = self.0.rows.println(text);
        } else {
            talk(&format!("{text}\n"));
        }
    }

    /// Takes the rows away.
    pub(crate) fn finish(&self) {
        self.0.done.store(true, Ordering::Relaxed);
        let ticker = self.0.ticker.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some((stop, thread)) = ticker {
            drop(stop);
            // A panic while drawing costs nothing but the drawing.
            let _ = thread.join();
        }
        // Nothing left to draw is no mistake.
        let _ = self.0.rows.clear();
        if let Some(kept) = self.held().take() {
            // A question stands there without an answer.
            talk("\n");
            for line in kept {
                talk(&format!("{line}\n"));
            }
        }
    }

    fn tick(&self, board: LiveBoard) {
        if matches!(self.0.kind, Kind::Json | Kind::Quiet) {
            return;
        }
        let (stop, stopped) = mpsc::channel();
        let screen = self.clone();
        let spawned = thread::Builder::new().name("progress".into()).spawn(move || {
            let mut bars = IndexMap::new();
            while let Err(mpsc::RecvTimeoutError::Timeout) = stopped.recv_timeout(TICK) {
                match screen.0.kind {
                    Kind::Rows => screen.draw(&board, &mut bars),
                    _ => screen.break_silence(&board),
                }
            }
            for (_, bar) in bars {
                ProgressBar::finish_and_clear(&bar);
            }
        });
        // Without the thread there are no rows, and the run goes on.
        if let Ok(thread) = spawned {
            *self.0.ticker.lock().unwrap_or_else(PoisonError::into_inner) = Some((stop, thread));
        }
    }

    fn draw(&self, board: &LiveBoard, bars: &mut IndexMap<CallId, ProgressBar>) {
        let held = self.held();
        if held.is_some() {
            return;
        }
        let views = board.view();
        bars.retain(|call, bar| {
            let alive = views.iter().any(|view| view.call == *call);
            if !alive {
                bar.finish_and_clear();
            }
            alive
        });
        let more = views.len().saturating_sub(ROWS);
        for (position, view) in views.iter().take(ROWS).enumerate() {
            let bar = bars.entry(view.call.clone()).or_insert_with(|| {
                let bar = self.0.rows.add(ProgressBar::new_spinner());
                bar.set_style(spinner());
                bar
            });
            let mut text = self.row(view);
            if more > 0 && position + 1 == ROWS {
                // Writing to a String cannot fail.
                let _ = write!(text, "   and {more} more");
            }
            let room = Rows::columns();
            bar.set_message(text.chars().take(room).collect::<String>());
            bar.tick();
        }
    }

    fn row(&self, view: &LiveView) -> String {
        let step = view.call.step.to_string();
        let persona = {
            let personas = self.0.personas.lock().unwrap_or_else(PoisonError::into_inner);
            personas.get(view.call.step.step().as_str()).cloned()
        };
        let who = persona.map(|persona| format!("  {persona}")).unwrap_or_default();
        let mut text = format!("{step}{who}  {}", duration(view.elapsed));
        if view.tokens > 0 {
            let rate = u128::from(view.tokens) * 1_000 / view.elapsed.as_millis().max(1);
            // Writing to a String cannot fail.
            let _ = write!(text, "  {} tok  {rate} tok/s", short_count(view.tokens));
        } else if !view.answering {
            text.push_str("  waiting for the first token");
        }
        text
    }

    fn break_silence(&self, board: &LiveBoard) {
        let silent = self.0.last.lock().unwrap_or_else(PoisonError::into_inner).elapsed();
        let views = board.view();
        if silent < SILENCE || views.is_empty() {
            return;
        }
        let rows: Vec<String> = views.iter().take(ROWS).map(|view| self.row(view)).collect();
        self.print(&format!("still running: {}", rows.join("; ")));
    }
}

fn spinner() -> ProgressStyle {
    ProgressStyle::with_template(&format!("{MARGIN}{{spinner}} {{msg}}"))
        .unwrap_or_else(|_| ProgressStyle::default_spinner())
}

/// Turns events into lines, and into JSON lines where those are asked for.
struct Watcher {
    screen: Screen,
    jsonl: bool,
    /// No event has been seen yet.
    first: bool,
    /// Lines that wait until a resumed run has been named.
    held: Option<Vec<String>>,
    /// How far a fan-out with many items was said to be.
    told: Option<String>,
}

impl Watcher {
    fn tell(&mut self, recorded: &Recorded, summary: &RunSummary, later: usize) {
        let line = match lines::many_items(recorded, summary, later) {
            // Events of one commit tell the same.
            Some(line) if self.told.as_ref() == Some(&line) => return,
            Some(line) => {
                self.told = Some(line.clone());
                Some(line)
            }
            None => lines::line(recorded, summary, later),
        };
        if matches!(recorded.event, Event::RunResumed { .. }) {
            let held = self.held.take().unwrap_or_default();
            for line in line.into_iter().chain(held) {
                self.screen.print(&safe(&line));
            }
        } else if let Some(line) = line {
            match &mut self.held {
                Some(held) => held.push(line),
                None => self.screen.print(&safe(&line)),
            }
        }
    }
}

impl Observer for Watcher {
    fn recorded(&mut self, events: &[Recorded], summary: &RunSummary) {
        if let Ok(mut personas) = self.screen.0.personas.lock() {
            for step in &summary.steps {
                if let Some(persona) = &step.persona {
                    personas.insert(step.step.to_string(), persona.clone());
                }
            }
        }
        let mut later = events.iter().filter(|recorded| lines::is_end(recorded)).count();
        for recorded in events {
            later -= usize::from(lines::is_end(recorded));
            if self.jsonl {
                super::result::event_line(recorded, summary, std::mem::take(&mut self.first));
            }
            match self.screen.0.kind {
                Kind::Json => {
                    let line = serde_json::to_string(recorded).expect("an event is plain data");
                    self.screen.print(&safe_json(&line));
                }
                // A row says already that a step has begun.
                Kind::Rows if lines::is_beginning(recorded) => {}
                Kind::Rows | Kind::Lines => self.tell(recorded, summary, later),
                Kind::Quiet => {}
            }
        }
    }
}
