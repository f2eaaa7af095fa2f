//! Many calls against a server that takes few at a time, with a clock that is only counted.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap},
};

use orchestrate_core::{
    Timestamp,
    event::Event,
    failure::{Billed, Failure, FailureClass},
    ids::{CallId, Purpose},
    lanes::SlowCause,
    policy::Limits,
    run::{AttemptOutcome, Effect, Input, Outcome},
};

use crate::support::{Desk, created, good, persona_step, plan, prepared};

/// A server that answers `room` calls at a time and turns the others away.
struct Server {
    room: usize,
    /// How long an answer takes, in milliseconds: by the number of the attempt, so that calls do not march
    /// in step.
    answer_ms: fn(u64) -> u64,
    /// What it says in `Retry-After`, in milliseconds.
    retry_after_ms: Option<u64>,
}

/// How long it takes to turn a call away.
const REFUSAL_MS: u64 = 20;

/// What came of a storm.
struct Storm {
    took_ms: u64,
    attempts: u64,
    refused: u64,
    /// Attempts of any call that were sent within a wait that the server had asked for.
    too_early: u64,
    peak: usize,
    touches: u64,
    events: Vec<Event>,
    outcome: Outcome,
}

/// Runs `steps` independent steps against the server, with so many calls at a time from the start.
fn storm(steps: usize, server: &Server, concurrency: u32, at_first: Option<u32>) -> Storm {
    let plan = plan((0..steps).map(|at| persona_step(&format!("s{at}"), &[])).collect());
    let mut created = created(concurrency, Limits::default());
    created.at_first = at_first;
    let mut desk = Desk::start(&plan, created);
    let start = desk.now;
    let mut ends: BinaryHeap<Reverse<(u64, CallId, u32, bool)>> = BinaryHeap::new();
    let (mut busy, mut peak, mut closed_until) = (0, 0, 0);
    let (mut attempts, mut refused, mut too_early) = (0, 0, 0);
    let mut wake: Option<Timestamp> = None;
    while desk.outcome.is_none() {
        while let Some(order) = desk.orders.pop_front() {
            match order {
                Effect::Prepare { call } => {
                    let asked = prepared(call.step.as_str(), 100);
                    desk.tell(Input::Prepared { call, prepared: asked });
                }
                Effect::StartAttempt { call, attempt, .. } => {
                    attempts += 1;
                    too_early += u64::from(desk.now.0 < closed_until);
                    let taken = busy < server.room;
                    let lasts = if taken { (server.answer_ms)(attempts) } else { REFUSAL_MS };
                    busy += usize::from(taken);
                    peak = peak.max(busy);
                    ends.push(Reverse((desk.now.0 + lasts, call, attempt, taken)));
                }
                Effect::WakeAt(at) => wake = Some(at),
                Effect::AskPerson { .. } | Effect::Finish(_) => {}
            }
        }
        if desk.outcome.is_some() {
            break;
        }
        let end = ends.peek().map(|Reverse((at, ..))| *at);
        if wake.is_some_and(|wake| end.is_none_or(|end| wake.0 <= end)) {
            desk.now = desk.now.max(wake.take().expect("a time to wake at"));
            desk.tell(Input::Tick);
            continue;
        }
        let Reverse((at, call, attempt, taken)) = ends.pop().expect("something is on its way");
        desk.now = Timestamp(at);
        busy -= usize::from(taken);
        let outcome = if taken {
            good(call.step.as_str(), true)
        } else {
            refused += 1;
            closed_until = closed_until.max(at + server.retry_after_ms.unwrap_or_default());
            AttemptOutcome::Failed {
                failure: Failure::new(FailureClass::RateLimited, "scripted"),
                billed: Billed::No,
                usage: None,
                retry_after_ms: server.retry_after_ms,
                partial: None,
            }
        };
        desk.tell(Input::AttemptEnded { call, attempt, outcome });
    }
    Storm {
        took_ms: desk.now.since(start).as_millis().try_into().expect("a short storm"),
        attempts,
        refused,
        too_early,
        peak,
        touches: desk.run.touches(),
        events: desk.events,
        outcome: desk.outcome.expect("it came to rest"),
    }
}

/// Answers of two seconds, give or take a quarter.
fn about_two_seconds(attempt: u64) -> u64 {
    1_500 + attempt * 7_919 % 1_000
}

const FIVE_AT_A_TIME: Server =
    Server { room: 5, answer_ms: about_two_seconds, retry_after_ms: Some(1_000) };

#[test]
fn two_hundred_steps_with_default_concurrency_weather_a_server_that_takes_five_at_a_time() {
    let storm = storm(200, &FIVE_AT_A_TIME, 16, Some(4));
    let ideal = 200 / 5 * 2_000;
    assert_eq!(storm.outcome, Outcome::Succeeded);
    assert!(storm.took_ms * 10 <= ideal * 13, "{} ms against {ideal}", storm.took_ms);
    assert!(storm.refused * 10 < storm.attempts, "{} of {}", storm.refused, storm.attempts);
    assert_eq!(storm.too_early, 0);
}

#[test]
fn a_number_far_too_high_is_learnt_in_one_round_trip() {
    let storm = storm(200, &FIVE_AT_A_TIME, 50, None);
    assert_eq!((storm.outcome, storm.too_early), (Outcome::Succeeded, 0));
    // The first fifty go at once, as was asked for: 45 of them are turned away, and few after that.
    assert!((45..=55).contains(&storm.refused), "{}", storm.refused);
    let retries = storm.events.iter().filter(|event| event.kind() == "retry_scheduled").count();
    assert_eq!(retries as u64, storm.refused);
}

#[test]
fn without_a_word_on_how_long_to_wait_the_lane_waits_as_long_as_the_call_does() {
    let storm = storm(100, &Server { retry_after_ms: None, ..FIVE_AT_A_TIME }, 16, Some(4));
    assert_eq!(storm.outcome, Outcome::Succeeded);
    assert!(storm.refused * 10 < storm.attempts, "{} of {}", storm.refused, storm.attempts);
}

#[test]
fn a_server_that_takes_everything_gets_an_explicit_number_at_once_and_the_default_grows() {
    let server = Server { room: 1_000, ..FIVE_AT_A_TIME };
    let explicit = storm(100, &server, 20, None);
    assert_eq!((explicit.peak, explicit.refused), (20, 0));
    let default = storm(200, &server, 16, Some(4));
    assert_eq!((default.peak, default.refused), (16, 0));
    let slowed = |storm: &Storm| storm.events.iter().any(|event| event.kind() == "lane_slowed");
    assert!(!slowed(&explicit) && !slowed(&default));
}

#[test]
fn every_slowing_down_is_recorded_for_whoever_watches() {
    let storm = storm(40, &FIVE_AT_A_TIME, 10, None);
    let told = storm.events.iter().find_map(|event| match event {
        Event::LaneSlowed { model, cause, at_a_time, until } => {
            Some((model.to_string(), *cause, *at_a_time, until.is_some()))
        }
        _ => None,
    });
    assert_eq!(told, Some(("test:model".into(), SlowCause::RateLimited, 7, true)));
}

#[test]
fn waiting_at_a_lane_costs_constant_time_per_step() {
    let mut per_step = BTreeMap::new();
    for steps in [100, 1_000] {
        let storm = storm(steps, &FIVE_AT_A_TIME, 16, Some(4));
        per_step.insert(steps, storm.touches / steps as u64);
    }
    assert!(per_step[&1_000] <= per_step[&100] + 1, "{per_step:?}");
    assert!(per_step[&1_000] < 16, "{per_step:?}");
}

#[test]
fn no_intent_is_recorded_before_its_lane_lets_the_call_through() {
    let plan = plan((0..6).map(|at| persona_step(&format!("s{at}"), &[])).collect());
    let mut created = created(16, Limits::default());
    created.at_first = Some(4);
    let mut desk = Desk::start(&plan, created);
    while let Some(order) = desk.orders.pop_front() {
        if let Effect::Prepare { call } = order {
            let asked = prepared(call.step.as_str(), 100);
            desk.tell(Input::Prepared { call, prepared: asked });
        }
    }
    assert_eq!((desk.calls_sent(Purpose::Draft), desk.run.in_flight()), (4, 4));
}
