//! What a run may use: caps, what a call may take at most, and the ledger that holds one against the other.

use serde::{Deserialize, Serialize};

use crate::{Timestamp, event::Event, money::Money, price::Price, usage::Usage};

/// Caps that hold for a whole run, resumes included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Limits {
    /// Requests sent at most, retries included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_calls: Option<u64>,
    /// Input and output tokens at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u64>,
    /// What all calls together may cost at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_cost: Option<Money>,
    /// Milliseconds for which it may be running, pauses left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_wall_ms: Option<u64>,
    /// Whether calls whose price is not known are sent although the cost is capped.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub allow_unpriced: bool,
}

impl Limits {
    /// The lower of both, cap by cap.
    #[must_use]
    pub fn stricter(self, other: Self) -> Self {
        fn lower<T: Ord>(a: Option<T>, b: Option<T>) -> Option<T> {
            match (a, b) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            }
        }
        Self {
            max_calls: lower(self.max_calls, other.max_calls),
            max_tokens: lower(self.max_tokens, other.max_tokens),
            max_cost: lower(self.max_cost, other.max_cost),
            max_wall_ms: lower(self.max_wall_ms, other.max_wall_ms),
            allow_unpriced: self.allow_unpriced || other.allow_unpriced,
        }
    }

    /// These caps, and those of `other` where there is none here.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            max_calls: self.max_calls.or(other.max_calls),
            max_tokens: self.max_tokens.or(other.max_tokens),
            max_cost: self.max_cost.or(other.max_cost),
            max_wall_ms: self.max_wall_ms.or(other.max_wall_ms),
            allow_unpriced: self.allow_unpriced || other.allow_unpriced,
        }
    }

    /// Whether the length of an answer has to be bounded, so that its worst case is known.
    pub fn bounds_answers(&self) -> bool {
        self.max_tokens.is_some() || self.max_cost.is_some()
    }

    /// Whether no call is sent whose price is not known.
    pub fn refuses_unpriced(&self) -> bool {
        self.max_cost.is_some() && !self.allow_unpriced
    }

    /// Whether nothing is capped.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

/// Units of a length of time with their milliseconds.
const TIME_UNITS: [(&str, u64); 5] =
    [("s", 1_000), ("m", 60_000), ("min", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

/// The longest time that a run may be given.
const MOST_WALL_MS: u64 = 30 * 86_400_000;

/// Milliseconds of a time such as `90s`, `30m` or `1.5h`, from one second to 30 days; none where the text
/// is no such time.
pub fn wall_ms(text: &str) -> Option<u64> {
    let text = text.trim();
    let (digits, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit() && c != '.')?);
    let (_, factor) = TIME_UNITS.iter().find(|(name, _)| *name == unit.trim())?;
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.is_empty() || fraction.contains('.') || fraction.len() > 3 {
        return None;
    }
    let thousandths: u64 = format!("{fraction:0<3}").parse().ok()?;
    let whole: u64 = whole.parse().ok()?;
    let millis = whole.checked_mul(*factor)?.checked_add(thousandths * factor / 1_000)?;
    (1_000..=MOST_WALL_MS).contains(&millis).then_some(millis)
}

/// What a workflow says of the budget of its runs.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Budget {
    /// Caps; a lower one of the command line or the configuration holds.
    pub limits: Limits,
    /// What is tried, one after the other, where a call is not covered any more. After the last of it the run
    /// stops and can be resumed with a larger budget.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub on_reached: Vec<Relief>,
}

impl Budget {
    /// Whether it says nothing.
    pub fn is_usual(&self) -> bool {
        *self == Self::default()
    }
}

/// What may be tried where the budget does not cover a call any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Relief {
    /// Its handoffs come as their briefs, where the workflow lets them.
    Brief,
    /// The model that the user named for that is asked, where it is cheaper.
    Cheaper,
    /// Where the call is an optional step's, the run goes on without that step.
    SkipOptional,
}

impl Relief {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Brief, Self::Cheaper, Self::SkipOptional];

    /// The word that a workflow file has for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Brief => "brief",
            Self::Cheaper => "cheaper",
            Self::SkipOptional => "skip-optional",
        }
    }

    /// Whether it saves what a cap counts.
    pub fn saves(self, cap: Cap) -> bool {
        match (self, cap) {
            (_, Cap::Wall) => false,
            (Self::SkipOptional, _)
            | (Self::Brief, Cap::Tokens | Cap::Cost)
            | (Self::Cheaper, Cap::Cost) => true,
            (Self::Brief | Self::Cheaper, _) => false,
        }
    }
}

/// Which cap was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cap {
    /// [`Limits::max_calls`].
    Calls,
    /// [`Limits::max_tokens`].
    Tokens,
    /// [`Limits::max_cost`].
    Cost,
    /// [`Limits::max_wall_ms`].
    Wall,
}

impl Cap {
    /// The command line flag that sets this cap, up to its value.
    pub fn flag(self) -> &'static str {
        match self {
            Self::Calls => "--max-calls ",
            Self::Tokens => "--max-tokens ",
            Self::Cost => "--budget usd=",
            Self::Wall => "--budget wall=",
        }
    }
}

/// The worst case of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reservation {
    /// Tokens of prompt and answer at most.
    pub tokens: u64,
    /// What they cost at most; none where the price is not known.
    pub cost: Option<Money>,
}

/// The answer to "may this call be sent?".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Allowance {
    /// It may.
    Granted,
    /// Not now, but reservations in flight may be given back.
    Wait(Cap),
    /// Not any more.
    Exhausted(Cap),
}

/// What a run has sent and spent, and what is reserved for calls in flight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ledger {
    calls: u64,
    spent: u64,
    reserved: u64,
    cost: Money,
    reserved_cost: Money,
}

impl Ledger {
    /// Requests sent so far.
    pub fn calls(&self) -> u64 {
        self.calls
    }

    /// Tokens spent so far, reservations of lost calls included.
    pub fn spent(&self) -> u64 {
        self.spent
    }

    /// Tokens reserved for calls in flight.
    pub fn reserved(&self) -> u64 {
        self.reserved
    }

    /// What was paid so far, reservations of lost calls included; calls without a known price left out.
    pub fn cost(&self) -> Money {
        self.cost
    }

    /// What calls in flight may cost.
    pub fn reserved_cost(&self) -> Money {
        self.reserved_cost
    }

    /// Tokens that no call has taken yet, where they are capped.
    pub fn tokens_left(&self, limits: &Limits) -> Option<u64> {
        let cap = limits.max_tokens?;
        Some(cap.saturating_sub(self.spent).saturating_sub(self.reserved))
    }

    /// Money that no call has taken yet, where it is capped.
    pub fn cost_left(&self, limits: &Limits) -> Option<Money> {
        Some(limits.max_cost?.less(self.cost).less(self.reserved_cost))
    }

    /// Whether one more call with this worst case stays within `limits`. Time is not looked at: it passes
    /// without calls too.
    pub fn allows(&self, limits: &Limits, call: &Reservation) -> Allowance {
        if limits.max_calls.is_some_and(|cap| self.calls >= cap) {
            return Allowance::Exhausted(Cap::Calls);
        }
        let tokens = limits.max_tokens.map(|cap| {
            let spent = self.spent.saturating_add(call.tokens);
            fits(cap, spent, spent.saturating_add(self.reserved), Cap::Tokens)
        });
        if limits.refuses_unpriced() && call.cost.is_none() {
            return Allowance::Exhausted(Cap::Cost);
        }
        let cost = limits.max_cost.map(|cap| {
            let spent = self.cost.plus(call.cost.unwrap_or_default());
            fits(cap, spent, spent.plus(self.reserved_cost), Cap::Cost)
        });
        // What will never be allowed weighs more than what has to wait.
        let verdicts = [tokens, cost].into_iter().flatten();
        verdicts.fold(Allowance::Granted, |worst, next| match (worst, next) {
            (Allowance::Exhausted(_), _)
            | (_, Allowance::Granted)
            | (Allowance::Wait(_), Allowance::Wait(_)) => worst,
            (_, next) => next,
        })
    }

    /// Counts a call and reserves its worst case.
    pub(crate) fn reserve(&mut self, call: &Reservation) {
        self.calls += 1;
        self.reserved = self.reserved.saturating_add(call.tokens);
        self.reserved_cost += call.cost.unwrap_or_default();
    }

    /// Replaces a reservation by what was really used.
    pub(crate) fn settle(&mut self, call: &Reservation, usage: &Usage, price: Option<&Price>) {
        self.release(call);
        self.spent = self.spent.saturating_add(usage.total());
        self.cost += price.map_or(Money::ZERO, |price| price.cost(usage));
    }

    /// Gives a reservation back: nothing was charged.
    pub(crate) fn release(&mut self, call: &Reservation) {
        self.reserved = self.reserved.saturating_sub(call.tokens);
        self.reserved_cost = self.reserved_cost.less(call.cost.unwrap_or_default());
    }

    /// Keeps a reservation as spent: nobody knows what was charged.
    pub(crate) fn forfeit(&mut self, call: &Reservation) {
        self.release(call);
        self.spent = self.spent.saturating_add(call.tokens);
        self.cost += call.cost.unwrap_or_default();
    }
}

/// What `cap` says of a call after which `spent` is spent, and `taken` with everything in flight.
fn fits<T: Ord + Copy>(cap: T, spent: T, taken: T, which: Cap) -> Allowance {
    if taken <= cap {
        Allowance::Granted
    } else if spent <= cap {
        Allowance::Wait(which)
    } else {
        Allowance::Exhausted(which)
    }
}

/// How long a run has been running, pauses left out. It follows from the events and their times.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RunningTime {
    millis: u64,
    since: Option<Timestamp>,
}

impl RunningTime {
    /// Takes in an event and when it happened.
    ///
    /// The time since the event before counts, unless the process ended in between without recording it:
    /// how long it lived on after its last event is not known.
    pub fn note(&mut self, at: Timestamp, event: &Event) {
        if matches!(event, Event::SessionOpened { .. }) {
            self.since = None;
        }
        self.millis = self.until(at);
        match event {
            Event::RunStarted | Event::RunResumed { .. } => self.since = Some(at),
            Event::RunPaused { .. } | Event::RunSucceeded | Event::RunFailed { .. } => {
                self.since = None;
            }
            _ => self.since = self.since.map(|_| at),
        }
    }

    /// Milliseconds up to `now`.
    pub fn until(&self, now: Timestamp) -> u64 {
        let going_on = self
            .since
            .map_or(0, |since| u64::try_from(now.since(since).as_millis()).unwrap_or(u64::MAX));
        self.millis.saturating_add(going_on)
    }

    /// When so many milliseconds are over, if it goes on as it does now.
    pub fn over_at(&self, millis: u64) -> Option<Timestamp> {
        let left = millis.saturating_sub(self.millis);
        self.since.map(|since| since.after(std::time::Duration::from_millis(left)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{event::PauseReason, price::Rates};

    fn tokens(tokens: u64) -> Reservation {
        Reservation { tokens, cost: None }
    }

    fn cents(cents: u64) -> Money {
        Money::from_picodollars(cents * 10_000_000_000)
    }

    #[test]
    fn a_token_cap_waits_for_reservations_before_it_gives_up() {
        let limits = Limits { max_tokens: Some(100), ..Limits::default() };
        let mut ledger = Ledger::default();
        ledger.reserve(&tokens(60));
        assert_eq!(ledger.allows(&limits, &tokens(60)), Allowance::Wait(Cap::Tokens));
        let usage = Usage { input: 10, output: 5, ..Usage::default() };
        ledger.settle(&tokens(60), &usage, None);
        assert_eq!(ledger.allows(&limits, &tokens(60)), Allowance::Granted);
        assert_eq!(ledger.allows(&limits, &tokens(90)), Allowance::Exhausted(Cap::Tokens));
    }

    #[test]
    fn a_call_cap_counts_every_request_sent() {
        let limits = Limits { max_calls: Some(2), ..Limits::default() };
        let mut ledger = Ledger::default();
        ledger.reserve(&tokens(0));
        ledger.release(&tokens(0));
        assert_eq!(ledger.allows(&limits, &tokens(0)), Allowance::Granted);
        ledger.reserve(&tokens(0));
        assert_eq!(ledger.allows(&limits, &tokens(0)), Allowance::Exhausted(Cap::Calls));
    }

    #[test]
    fn a_cap_on_cost_is_held_against_the_worst_case_and_settled_by_usage() {
        let limits = Limits { max_cost: Some(cents(10)), ..Limits::default() };
        let call = Reservation { tokens: 500, cost: Some(cents(6)) };
        let cent_a_token =
            Rates { input: cents(1), output: cents(1), cached: None, cache_write: None };
        let price = Price { rates: cent_a_token, long: None };
        let mut ledger = Ledger::default();
        assert_eq!(ledger.allows(&limits, &call), Allowance::Granted);
        ledger.reserve(&call);
        assert_eq!(ledger.cost_left(&limits), Some(cents(4)));
        assert_eq!(ledger.allows(&limits, &call), Allowance::Wait(Cap::Cost));
        ledger.settle(&call, &Usage { input: 2, output: 1, ..Usage::default() }, Some(&price));
        assert_eq!((ledger.cost(), ledger.reserved_cost()), (cents(3), Money::ZERO));
        assert_eq!(ledger.allows(&limits, &call), Allowance::Granted);
        ledger.reserve(&call);
        ledger.forfeit(&call);
        assert_eq!(ledger.cost(), cents(9));
        assert_eq!(ledger.allows(&limits, &call), Allowance::Exhausted(Cap::Cost));
    }

    #[test]
    fn a_call_without_a_price_is_not_sent_under_a_cap_on_cost_unless_that_is_allowed() {
        let limits = Limits { max_cost: Some(cents(5)), ..Limits::default() };
        let ledger = Ledger::default();
        assert_eq!(ledger.allows(&limits, &tokens(9)), Allowance::Exhausted(Cap::Cost));
        let allowed = Limits { allow_unpriced: true, ..limits };
        assert_eq!(ledger.allows(&allowed, &tokens(9)), Allowance::Granted);
        assert_eq!(ledger.allows(&Limits::default(), &tokens(9)), Allowance::Granted);
    }

    #[test]
    fn what_will_never_be_allowed_weighs_more_than_what_has_to_wait() {
        let limits =
            Limits { max_tokens: Some(100), max_cost: Some(cents(5)), ..Limits::default() };
        let mut ledger = Ledger::default();
        ledger.reserve(&Reservation { tokens: 60, cost: Some(cents(1)) });
        let dear = Reservation { tokens: 60, cost: Some(cents(6)) };
        assert_eq!(ledger.allows(&limits, &dear), Allowance::Exhausted(Cap::Cost));
        let large = Reservation { tokens: 101, cost: Some(cents(5)) };
        assert_eq!(ledger.allows(&limits, &large), Allowance::Exhausted(Cap::Tokens));
    }

    #[test]
    fn the_stricter_cap_holds_one_by_one() {
        let flag = Limits { max_calls: Some(5), max_cost: Some(cents(9)), ..Limits::default() };
        let file = Limits { max_cost: Some(cents(7)), max_wall_ms: Some(1), ..Limits::default() };
        let both = Limits {
            max_calls: Some(5),
            max_tokens: None,
            max_cost: Some(cents(7)),
            max_wall_ms: Some(1),
            allow_unpriced: false,
        };
        assert_eq!(flag.stricter(file), both);
        assert_eq!(file.stricter(flag), both);
        assert_eq!(flag.or(file).max_cost, Some(cents(9)));
    }

    #[test]
    fn times_are_read_in_every_unit() {
        let read =
            [("90s", 90_000), ("30m", 1_800_000), ("1.5h", 5_400_000), ("30d", MOST_WALL_MS)];
        for (text, millis) in read {
            assert_eq!(wall_ms(text), Some(millis), "{text}");
        }
        assert_eq!(wall_ms(" 2 min "), Some(120_000));
        for text in [
            "",
            "30",
            "s",
            ".5s",
            "0.5s",
            "31d",
            "1w",
            "-1s",
            "1.2.3s",
            "99999999999999999999d",
            "1é",
        ] {
            assert_eq!(wall_ms(text), None, "{text}");
        }
    }

    #[test]
    fn time_counts_while_a_run_runs_and_neither_in_pauses_nor_after_a_crash() {
        let mut time = RunningTime::default();
        let opened = || Event::SessionOpened { epoch: 1, program: String::new() };
        time.note(Timestamp(1_000), &opened());
        assert_eq!(time.until(Timestamp(5_000)), 0);
        time.note(Timestamp(5_000), &Event::RunStarted);
        assert_eq!(time.until(Timestamp(7_000)), 2_000);
        assert_eq!(time.over_at(3_000), Some(Timestamp(8_000)));
        time.note(Timestamp(7_000), &Event::RunPaused { reason: PauseReason::Interrupted });
        assert_eq!(time.until(Timestamp(90_000)), 2_000);
        assert_eq!(time.over_at(3_000), None);
        time.note(Timestamp(90_000), &Event::RunResumed { limits: Limits::default() });
        time.note(
            Timestamp(90_500),
            &Event::ArtifactWritten {
                step: None,
                path: String::new(),
                digest: crate::ids::Digest::of(b""),
            },
        );
        // The process was killed; nobody knows when.
        time.note(Timestamp(99_000), &opened());
        assert_eq!(time.until(Timestamp(120_000)), 2_500);
    }
}
