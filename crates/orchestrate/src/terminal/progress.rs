//! What is shown while a run is going on.

use std::{
    fmt::Write as _,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use indexmap::IndexMap;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use orchestrate_core::{event::Recorded, ids::CallId, summary::RunSummary};
use orchestrate_engine::live::{LiveBoard, LiveView, Observer};

use super::{can_draw, lines, safe_talk, talk};
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
        Kind::Rows => ProgressDrawTarget::stderr(),
        Kind::Lines | Kind::Json | Kind::Quiet => ProgressDrawTarget::hidden(),
    });
    let screen = Screen(Arc::new(Inner {
        kind,
        rows,
        last: Mutex::new(Instant::now()),
        done: AtomicBool::new(false),
        ticker: Mutex::new(None),
        personas: Mutex::new(IndexMap::new()),
    }));
    screen.tick(board);
    let watcher = Watcher { screen: screen.clone(), jsonl: show.format == Format::Jsonl, new };
    (Box::new(watcher), screen)
}

impl Screen {
    /// Says something above the rows.
    pub(crate) fn say(&self, text: &str) {
        if self.0.kind != Kind::Quiet {
            self.print(&safe_talk(text));
        }
    }

    fn print(&self, text: &str) {
        *self.0.last.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        if self.0.kind == Kind::Rows && !self.0.done.load(Ordering::Relaxed) {
            // Where nothing can be drawn after all, the line is lost to nobody.
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
            // Room is left at the end: what the terminal echoes of a Ctrl-C must not begin a new line.
            bar.set_message(
                text.chars().take(super::width().saturating_sub(10)).collect::<String>(),
            );
            bar.tick();
        }
    }

    fn row(&self, view: &LiveView) -> String {
        let step = view.call.step.to_string();
        let persona =
            self.0.personas.lock().unwrap_or_else(PoisonError::into_inner).get(&step).cloned();
        let who = persona.map(|persona| format!("  {persona}")).unwrap_or_default();
        let mut text = format!("{step}{who}  {}", seconds(view.elapsed));
        if view.tokens > 0 {
            let rate = u128::from(view.tokens) * 1_000 / view.elapsed.as_millis().max(1);
            // Writing to a String cannot fail.
            let _ = write!(text, "  {} tok  {rate} tok/s", thousands(view.tokens));
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
    ProgressStyle::with_template("  {spinner} {msg}")
        .unwrap_or_else(|_| ProgressStyle::default_spinner())
}

/// Turns events into lines, and into JSON lines where those are asked for.
struct Watcher {
    screen: Screen,
    jsonl: bool,
    new: bool,
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
        for recorded in events {
            if self.jsonl {
                super::result::event_line(recorded, summary, std::mem::take(&mut self.new));
            }
            match self.screen.0.kind {
                Kind::Json => {
                    let line = serde_json::to_string(recorded).expect("an event is plain data");
                    self.screen.print(&line);
                }
                // A row says already that a step has begun.
                Kind::Rows if lines::is_beginning(recorded) => {}
                Kind::Rows | Kind::Lines => {
                    if let Some(line) = lines::line(recorded, summary) {
                        self.screen.print(&safe_talk(&line));
                    }
                }
                Kind::Quiet => {}
            }
        }
    }
}

/// A duration for people: `840 ms`, `12.4 s`, `3 min 05 s`.
pub(crate) fn seconds(duration: Duration) -> String {
    let millis = duration.as_millis();
    match millis {
        0..=999 => format!("{millis} ms"),
        1_000..=59_999 => format!("{}.{} s", millis / 1_000, millis % 1_000 / 100),
        _ => format!("{} min {:02} s", millis / 60_000, millis % 60_000 / 1_000),
    }
}

/// A count for people: `840`, `3.1k`, `2.4M`.
pub(crate) fn thousands(count: u64) -> String {
    match count {
        0..=999 => count.to_string(),
        1_000..=999_949 => format!("{}.{}k", (count + 50) / 1_000, (count + 50) % 1_000 / 100),
        _ => {
            format!("{}.{}M", (count + 50_000) / 1_000_000, (count + 50_000) % 1_000_000 / 100_000)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_and_counts_are_short() {
        assert_eq!(seconds(Duration::from_millis(840)), "840 ms");
        assert_eq!(seconds(Duration::from_millis(12_440)), "12.4 s");
        assert_eq!(seconds(Duration::from_secs(185)), "3 min 05 s");
        assert_eq!(thousands(999), "999");
        assert_eq!(thousands(3_060), "3.1k");
        assert_eq!(thousands(999_960), "1.0M");
        assert_eq!(thousands(2_400_000), "2.4M");
    }
}
