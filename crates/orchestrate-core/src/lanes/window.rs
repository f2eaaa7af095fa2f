//! How many calls go at a time.

/// Answers of this many whole windows are awaited before more than the ceiling is tried, the first time.
const FIRST_PATIENCE: u32 = 8;
/// And never more than these.
const LONGEST_PATIENCE: u32 = 64;

/// The number of calls at a time: grows while all goes well, shrinks where a server turns calls away.
///
/// Additive increase and multiplicative decrease (Chiu and Jain, 1989) with two amendments. All refusals
/// of one round trip are one cut, since they tell one thing. And the size at which it broke is remembered
/// as a ceiling that is reached again fast and tried beyond rarely, as in CUBIC (RFC 9438), since here
/// every try that fails costs somebody a wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    size: u32,
    most: u32,
    /// Counts the cuts. What was sent before the last one says nothing of the size since.
    round: u32,
    /// Good answers since the size last changed.
    clean: u32,
    /// Whether more would have been sent since then if the window had been larger.
    short: bool,
    ceiling: Option<Ceiling>,
    burst: Burst,
}

/// Where it broke.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Ceiling {
    size: u32,
    /// Whole windows to wait for at this size before one more call is tried.
    patience: u32,
    waited: u32,
}

/// The calls that were in flight at the last cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Burst {
    size: u32,
    sent: u32,
    refused: u32,
    /// The patience of the ceiling that was known then.
    patience: u32,
}

impl Window {
    /// A window that starts at `start` and grows up to `most`.
    pub fn new(start: u32, most: u32) -> Self {
        let most = most.max(1);
        Self {
            size: start.clamp(1, most),
            most,
            round: 0,
            clean: 0,
            short: false,
            ceiling: None,
            burst: Burst::default(),
        }
    }

    /// Calls at a time.
    pub fn size(&self) -> u32 {
        self.size
    }

    /// The round that a call sent now belongs to.
    pub fn round(&self) -> u32 {
        self.round
    }

    /// More would be sent if the window were larger.
    pub fn falls_short(&mut self) {
        self.short = true;
    }

    /// A call of `round` was answered.
    pub fn answered(&mut self, round: u32) {
        if round != self.round {
            return;
        }
        self.clean += 1;
        if self.clean >= self.size {
            self.clean = 0;
            // A window that was not used up says nothing of a larger one.
            if std::mem::take(&mut self.short) {
                self.grow();
            }
        }
    }

    fn grow(&mut self) {
        let step = match &mut self.ceiling {
            None => 1,
            Some(ceiling) if self.size < ceiling.size => (ceiling.size - self.size).div_ceil(2),
            // Beyond where it broke, and it holds.
            Some(ceiling) if self.size > ceiling.size => {
                ceiling.size = self.size;
                1
            }
            Some(ceiling) => {
                ceiling.waited += 1;
                if ceiling.waited < ceiling.patience {
                    return;
                }
                ceiling.waited = 0;
                1
            }
        };
        self.size = self.size.saturating_add(step).min(self.most);
    }

    /// A call of `round` was turned away while `in_flight` calls were on their way, itself included.
    /// True where this is the first refusal of its round trip.
    pub fn refused(&mut self, round: u32, in_flight: u32) -> bool {
        let first = round == self.round;
        if first {
            let patience = match &self.ceiling {
                // The ceiling has held against a try: the next one comes later.
                Some(ceiling) if self.size > ceiling.size => {
                    (ceiling.patience * 2).min(LONGEST_PATIENCE)
                }
                Some(ceiling) => ceiling.patience,
                None => FIRST_PATIENCE,
            };
            self.burst = Burst { size: self.size, sent: in_flight.max(1), refused: 0, patience };
            self.round = self.round.wrapping_add(1);
            self.size = (self.size * 7 / 10).max(1);
        }
        if first || round.wrapping_add(1) == self.round {
            self.burst.refused += 1;
            self.learn_from_burst();
        }
        self.clean = 0;
        self.short = false;
        first
    }

    /// What got through is what fits. Where nothing did, it is not the number at a time that was too high.
    fn learn_from_burst(&mut self) {
        let Burst { size, sent, refused, patience } = self.burst;
        let through = sent.saturating_sub(refused);
        if through == 0 {
            self.ceiling = None;
            self.size = (size / 2).max(1);
        } else {
            self.ceiling = Some(Ceiling { size: through, patience, waited: 0 });
            self.size = self.size.min(through);
        }
    }

    /// Goes back to `size` at most, after an outage.
    pub fn calm(&mut self, size: u32) {
        self.size = self.size.min(size.max(1));
        self.clean = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers a whole window of calls for which there was more to send.
    fn clean_window(window: &mut Window) {
        window.falls_short();
        for _ in 0..window.size() {
            window.answered(window.round());
        }
    }

    #[test]
    fn a_window_grows_by_one_with_every_clean_one_up_to_its_most() {
        let mut window = Window::new(4, 6);
        for expected in [5, 6, 6] {
            clean_window(&mut window);
            assert_eq!(window.size(), expected);
        }
    }

    #[test]
    fn a_window_that_is_not_used_up_does_not_grow() {
        let mut window = Window::new(2, 9);
        for _ in 0..20 {
            window.answered(0);
        }
        assert_eq!(window.size(), 2);
    }

    #[test]
    fn refusals_of_one_round_trip_are_one_cut_and_tell_what_fits() {
        let mut window = Window::new(50, 50);
        let first = window.refused(0, 50);
        assert!(first);
        assert_eq!(window.size(), 35);
        for _ in 0..44 {
            assert!(!window.refused(0, 50));
        }
        assert_eq!(window.size(), 5, "five of fifty got through");
    }

    #[test]
    fn a_burst_of_which_nothing_gets_through_halves_the_window_once() {
        let mut window = Window::new(8, 8);
        for _ in 0..8 {
            window.refused(0, 8);
        }
        assert_eq!(window.size(), 4);
    }

    #[test]
    fn the_ceiling_is_reached_again_fast_and_tried_beyond_rarely() {
        let mut window = Window::new(60, 100);
        window.refused(0, 60);
        let mut sizes = vec![window.size()];
        for _ in 0..16 {
            clean_window(&mut window);
            sizes.push(window.size());
        }
        assert_eq!(
            sizes,
            [42, 51, 55, 57, 58, 59, 59, 59, 59, 59, 59, 59, 59, 60, 61, 62, 63],
            "59 got through: seven more windows at that, then one more, which holds"
        );
    }

    #[test]
    fn each_try_beyond_the_ceiling_that_fails_makes_the_next_one_rarer() {
        let mut window = Window::new(6, 100);
        let mut windows_between = vec![];
        for _ in 0..5 {
            window.refused(window.round(), 6);
            let mut windows = 0;
            while window.size() < 6 {
                clean_window(&mut window);
                windows += 1;
            }
            windows_between.push(windows);
        }
        assert_eq!(windows_between, [9, 17, 33, 65, 65]);
    }
}
