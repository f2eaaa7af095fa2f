//! One lane: the window, the waits that a server asks for, what is left of its limits, and the breaker.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{
    quota::{Known, ServerLimits},
    window::Window,
};
use crate::Timestamp;

/// Failures in a row, with no answer in between, after which the breaker opens.
pub const FAILURES_IN_A_ROW: u32 = 5;
/// How long nothing is sent once the breaker opens; twice as long each time that the one call which is
/// sent then fails as well, up to a minute.
pub const COOL_DOWN: Duration = Duration::from_secs(5);
/// The longest time between two calls that try whether a provider is back.
const LONGEST_COOL_DOWN: Duration = Duration::from_mins(1);

/// Everything that goes to one model of one provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lane {
    start: u32,
    window: Window,
    in_flight: u32,
    /// Places kept for calls that are being prepared.
    held: u32,
    not_before: Timestamp,
    breaker: Breaker,
    longest_pause: Duration,
    requests: Option<Known>,
    tokens: Option<Known>,
}

/// What a call is sent with, to be given back when it has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ticket {
    round: u32,
    failures: u32,
}

/// How an attempt ended, as far as the lane learns from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// The server answered, be it with a no to this one request.
    Answered,
    /// The server turned it away since there is too much to do.
    TurnedAway(SlowCause),
    /// No answer came: no connection, a broken one, too late, or an error of the server.
    Failed,
    /// It says nothing of the server.
    Nothing,
}

/// Why less is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SlowCause {
    /// The provider says that too much is asked of it at a time (429).
    RateLimited,
    /// The provider says that it is overloaded (529).
    Overloaded,
    /// Calls fail one after the other.
    Failing,
    /// What is left of the provider's limit is not enough for the next call.
    Quota,
}

/// Counts failures in a row.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Breaker {
    in_a_row: u32,
    /// Counts the times that something failed which was sent after the failure before.
    failures: u32,
    /// How often it has opened with no answer in between; zero while it is closed.
    opened: u32,
}

impl Lane {
    /// A lane that begins with `start` calls at a time and never has more than `most`.
    pub fn new(start: u32, most: u32) -> Self {
        Self {
            start,
            window: Window::new(start, most),
            in_flight: 0,
            held: 0,
            not_before: Timestamp(0),
            breaker: Breaker::default(),
            longest_pause: LONGEST_COOL_DOWN,
            requests: None,
            tokens: None,
        }
    }

    /// The same lane with pauses of the breaker that are not longer than this.
    #[must_use]
    pub fn pausing_at_most(mut self, longest: Duration) -> Self {
        self.longest_pause = longest.min(LONGEST_COOL_DOWN);
        self
    }

    /// Calls at a time, as things stand.
    pub fn at_a_time(&self) -> u32 {
        // While the breaker is open one call tries whether the provider is back.
        if self.is_broken() { 1 } else { self.window.size() }
    }

    /// Calls on their way.
    pub fn in_flight(&self) -> u32 {
        self.in_flight
    }

    /// Whether the breaker is open: the last calls failed one after the other.
    pub fn is_broken(&self) -> bool {
        self.breaker.opened > 0
    }

    /// When a call that takes about `tokens` may be sent, as far as time is what it waits for.
    pub fn opens_at(&self, tokens: u64) -> Timestamp {
        let requests = self.requests.map_or(Timestamp(0), |known| known.enough_at(1));
        let tokens = self.tokens.map_or(Timestamp(0), |known| known.enough_at(tokens));
        self.not_before.max(requests).max(tokens)
    }

    /// Whether a call that takes about `tokens` may be sent now.
    pub fn admits(&self, now: Timestamp, tokens: u64) -> bool {
        self.opens_at(tokens) <= now && self.room() > 0
    }

    /// Places that are free, whatever the time.
    pub fn room(&self) -> u32 {
        self.at_a_time().saturating_sub(self.in_flight + self.held)
    }

    /// Keeps a place for a call that is being prepared.
    pub fn hold(&mut self) {
        self.held += 1;
    }

    /// Gives such a place back.
    pub fn release(&mut self) {
        self.held = self.held.saturating_sub(1);
    }

    /// A call has to wait since no place is free.
    pub fn falls_short(&mut self) {
        self.window.falls_short();
    }

    /// A call that takes about `tokens` is sent.
    pub fn send(&mut self, now: Timestamp, tokens: u64) -> Ticket {
        self.in_flight += 1;
        self.requests = self.requests.and_then(|known| known.take(1, now));
        self.tokens = self.tokens.and_then(|known| known.take(tokens, now));
        Ticket { round: self.window.round(), failures: self.breaker.failures }
    }

    /// An attempt has ended. Returns whether it is the first to tell what it tells: those that were on
    /// their way beside it and end alike say nothing new.
    pub fn ended(&mut self, now: Timestamp, ticket: Ticket, ending: Ending) -> bool {
        let in_flight = self.in_flight;
        self.in_flight = in_flight.saturating_sub(1);
        match ending {
            Ending::Answered => {
                self.alive();
                self.window.answered(ticket.round);
                true
            }
            Ending::TurnedAway(_) => {
                self.alive();
                self.window.refused(ticket.round, in_flight)
            }
            Ending::Failed => self.failed(now, ticket),
            Ending::Nothing => true,
        }
    }

    fn alive(&mut self) {
        if self.is_broken() {
            self.window.calm(self.start);
        }
        (self.breaker.in_a_row, self.breaker.opened) = (0, 0);
    }

    fn failed(&mut self, now: Timestamp, ticket: Ticket) -> bool {
        let first = ticket.failures == self.breaker.failures;
        if first {
            self.breaker.failures = self.breaker.failures.wrapping_add(1);
        }
        self.breaker.in_a_row = self.breaker.in_a_row.saturating_add(1);
        let opens = if self.is_broken() {
            // Those that were on their way when it opened say nothing of the time since.
            first
        } else {
            self.breaker.in_a_row >= FAILURES_IN_A_ROW
        };
        if opens {
            let doublings = self.breaker.opened.min(10);
            let pause = COOL_DOWN.saturating_mul(1 << doublings).min(self.longest_pause);
            self.breaker.opened = self.breaker.opened.saturating_add(1);
            self.breaker.failures = self.breaker.failures.wrapping_add(1);
            self.close_until(now.after(pause));
        }
        first
    }

    /// Nothing is sent before `at`.
    pub fn close_until(&mut self, at: Timestamp) {
        self.not_before = self.not_before.max(at);
    }

    /// Takes what the server says of its limits.
    pub fn hear(&mut self, now: Timestamp, limits: &ServerLimits) {
        if let Some(quota) = limits.requests {
            self.requests = Some(Known::new(quota, now));
        }
        if let Some(quota) = limits.tokens {
            self.tokens = Some(Known::new(quota, now));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::Quota, *};

    const NOW: Timestamp = Timestamp(1_000_000);
    const TURNED_AWAY: Ending = Ending::TurnedAway(SlowCause::RateLimited);

    fn send(lane: &mut Lane, count: usize) -> Vec<Ticket> {
        (0..count).map(|_| lane.send(NOW, 0)).collect()
    }

    #[test]
    fn an_explicit_number_goes_at_once() {
        let mut lane = Lane::new(20, 20);
        send(&mut lane, 20);
        assert!(!lane.admits(NOW, 0));
        assert_eq!(lane.in_flight(), 20);
    }

    #[test]
    fn a_wait_that_one_call_is_asked_for_closes_the_whole_lane() {
        let mut lane = Lane::new(4, 4);
        let ticket = lane.send(NOW, 0);
        assert!(lane.ended(NOW, ticket, TURNED_AWAY));
        lane.close_until(NOW.after(Duration::from_secs(7)));
        assert!(!lane.admits(NOW.after(Duration::from_millis(6_999)), 0));
        assert!(lane.admits(NOW.after(Duration::from_secs(7)), 0));
    }

    #[test]
    fn five_failures_in_a_row_leave_one_call_that_tries_later() {
        let mut lane = Lane::new(8, 8);
        for ticket in send(&mut lane, 5) {
            lane.ended(NOW, ticket, Ending::Failed);
        }
        assert!(lane.is_broken());
        assert!(!lane.admits(NOW, 0));
        let later = NOW.after(COOL_DOWN);
        assert!(lane.admits(later, 0));
        let probe = lane.send(later, 0);
        assert!(!lane.admits(later, 0), "one at a time");
        lane.ended(later, probe, Ending::Failed);
        assert!(!lane.admits(later.after(COOL_DOWN), 0), "the second pause is longer");
        let later = later.after(COOL_DOWN * 2);
        let probe = lane.send(later, 0);
        lane.ended(later, probe, Ending::Answered);
        assert_eq!((lane.is_broken(), lane.at_a_time()), (false, 8));
    }

    #[test]
    fn an_answer_in_between_starts_the_count_anew() {
        let mut lane = Lane::new(8, 8);
        for _ in 0..20 {
            let ticket = lane.send(NOW, 0);
            lane.ended(NOW, ticket, Ending::Failed);
            let ticket = lane.send(NOW, 0);
            lane.ended(NOW, ticket, Ending::Answered);
        }
        assert!(!lane.is_broken());
    }

    #[test]
    fn calls_that_were_on_their_way_when_the_breaker_opened_do_not_lengthen_its_pause() {
        let mut lane = Lane::new(8, 8);
        let tickets = send(&mut lane, 8);
        let told: Vec<bool> =
            tickets.into_iter().map(|ticket| lane.ended(NOW, ticket, Ending::Failed)).collect();
        assert_eq!(told, [true, false, false, false, false, false, false, false]);
        assert!(lane.admits(NOW.after(COOL_DOWN), 0));
    }

    #[test]
    fn what_is_left_of_the_servers_limits_is_shared_by_all_calls() {
        let mut lane = Lane::new(8, 8);
        let quota = |remaining| Some(Quota { limit: None, remaining, reset_ms: 20_000 });
        lane.hear(NOW, &ServerLimits { requests: quota(2), ..ServerLimits::default() });
        send(&mut lane, 2);
        assert!(!lane.admits(NOW, 0));
        assert_eq!(lane.opens_at(0), NOW.after(Duration::from_secs(20)));

        let mut lane = Lane::new(8, 8);
        lane.hear(NOW, &ServerLimits { tokens: quota(900), ..ServerLimits::default() });
        assert!(lane.admits(NOW, 900));
        assert_eq!(lane.opens_at(901), NOW.after(Duration::from_secs(20)));
    }
}
