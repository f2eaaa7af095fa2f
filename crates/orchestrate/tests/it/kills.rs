//! Fifty kills at arbitrary moments: every run still completes, pays for nothing twice that it knew of,
//! and ends with the document that an undisturbed run ends with.

use std::sync::{
    Arc,
    atomic::{AtomicI32, AtomicU64, Ordering},
};

use orchestrate_testkit::behaviour;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::support::{Place, Running, Server, without_run_header};

/// Twelve steps: four layers, of which the middle ones cross over.
pub(crate) const WORKFLOW: &str = "\
workflow: twelve
inputs: { task: string }
concurrency: 4
steps:
  a1: { persona: data-engineer, prompt: First source. }
  a2: { persona: data-engineer, prompt: Second source. }
  a3: { persona: redis-caching, prompt: The cache. }
  b1: { persona: data-scientist-stats, needs: [a1, a2], prompt: First view. }
  b2: { persona: data-scientist-stats, needs: [a2, a3], prompt: Second view. }
  b3: { persona: elasticsearch-expert, needs: a3, prompt: The index. }
  c1: { persona: ml-engineer-pytorch, needs: b1, prompt: One model. }
  c2: { persona: ml-engineer-jax, needs: [b1, b2], prompt: Another model. }
  c3: { persona: ml-engineer, needs: [b2, b3], prompt: A third model. }
  d1: { persona: mlops-engineer, needs: [c1, c2], prompt: Operations. }
  d2: { persona: project-architect, needs: [c2, c3], prompt: Structure. }
  e: { persona: data-viz-specialist, needs: [d1, d2, a1], prompt: The report. }
";
const STEPS: u64 = 12;
const AT_ONCE: u64 = 4;
const KILLS: u64 = 50;

/// Kills a process when the server sees its n-th request from now.
#[derive(Clone, Default)]
pub(crate) struct Trap(Arc<(AtomicI32, AtomicU64)>);

impl Trap {
    pub(crate) fn set(&self, running: &Running, requests_from_now: u64) {
        self.0.0.store(running.pid(), Ordering::SeqCst);
        self.0.1.store(requests_from_now, Ordering::SeqCst);
    }

    /// A request has come in.
    pub(crate) fn spring(&self) {
        let left =
            self.0.1.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        if left == Ok(1)
            && let Some(pid) = Pid::from_raw(self.0.0.load(Ordering::SeqCst))
        {
            // It may have ended by itself just now.
            let _ = kill_process(pid, Signal::KILL);
        }
    }
}

/// Numbers that look random and are the same every time (Marsaglia, "Xorshift RNGs", 2003).
pub(crate) struct Draw(pub(crate) u64);

impl Draw {
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

fn place(server: &Server) -> Place {
    let place = Place::beside(server);
    place.write("workflows/twelve.yaml", WORKFLOW);
    place
}

const RUN: [&str; 8] = ["run", "twelve", "--task", "t", "--model", "openai:m", "--output", "out"];

/// How often an event of this kind stands in the journal of the only run.
fn recorded(place: &Place, kind: &str) -> u64 {
    let lines = place.good(&["runs", "show", "--format", "jsonl"]);
    let events = lines.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    events.filter(|event| event["type"] == kind).count() as u64
}

#[test]
fn fifty_kills_lose_nothing_and_buy_nothing_twice() {
    let trap = Trap::default();
    let (sprung, echo) = (trap.clone(), behaviour::echo());
    let server = Server::start(move |request| {
        sprung.spring();
        echo(request)
    });
    let undisturbed = place(&server);
    undisturbed.good(&RUN);
    let expected = without_run_header(&undisturbed.read("out/report.md"));

    let mut draw = Draw(0x9e37_79b9_7f4a_7c15);
    let (mut kills, mut rounds) = (0, 0);
    while kills < KILLS {
        rounds += 1;
        assert!(rounds <= 60, "the traps do not spring: {kills} kills");
        let place = place(&server);
        let before = server.count();
        let mut kills_here = 0;
        let mut arguments: &[&str] = &RUN;
        loop {
            let mut running = place.start(arguments);
            // Up to four times a run is killed: mostly while the server holds a request of it, else after
            // it has said a line, which is between a commit and what follows.
            if kills_here < 4 {
                if draw.below(3) > 0 {
                    trap.set(&running, 1 + draw.below(5));
                } else {
                    running.hear_lines(1 + draw.below(8));
                    running.signal_if_running(Signal::KILL);
                }
            }
            let outcome = running.finish();
            if outcome.code.is_some() {
                assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
                break;
            }
            kills += 1;
            kills_here += 1;
            // Killed before its first event was durable, the run never came to be.
            arguments = if place.has_runs_with_events() { &["resume"] } else { &RUN };
        }
        let sent = server.count() - before;
        assert!(sent <= STEPS + kills_here * AT_ONCE, "{sent} calls after {kills_here} kills");
        assert_eq!(recorded(&place, "step_succeeded"), STEPS);
        let known = recorded(&place, "call_succeeded") + recorded(&place, "call_unknown");
        assert!(sent <= known, "{sent} calls reached the server, the journal knows of {known}");
        assert_eq!(without_run_header(&place.read("out/report.md")), expected);
    }
}
