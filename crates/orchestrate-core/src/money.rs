//! Money as whole numbers, so that sums are exact whatever their order.

use std::{fmt, iter::Sum, ops::AddAssign, str::FromStr};

use serde::{Deserialize, Serialize};

/// Decimal places of a dollar that are kept.
const PLACES: usize = 12;

/// Units of a whole dollar.
const DOLLAR: u64 = 1_000_000_000_000;

/// Digits of whole dollars that can be told: more than any run is allowed to cost.
const MOST_DOLLARS: u64 = 1_000_000;

/// An amount of US dollars in units of 10⁻¹² dollars: fine enough for one token of the cheapest model,
/// and wide enough for 18 million dollars. Sums stay at the top where they would go past it.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Money(u64);

/// A text that is no amount of money.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// Not a plain decimal number.
    #[error("`{0}` is not an amount such as 5 or 0.25")]
    NotANumber(String),
    /// More than anything may cost.
    #[error("`{0}` is more than a million dollars")]
    TooMuch(String),
}

impl Money {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// As many units of 10⁻¹² dollars.
    pub const fn from_picodollars(units: u64) -> Self {
        Self(units)
    }

    /// Units of 10⁻¹² dollars.
    pub const fn picodollars(self) -> u64 {
        self.0
    }

    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// What is left after `other` is taken away, never less than nothing.
    #[must_use]
    pub fn less(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// So many times as much.
    #[must_use]
    pub fn times(self, count: u64) -> Self {
        Self(self.0.saturating_mul(count))
    }

    /// The amount, rounded up to whole cents.
    #[must_use]
    pub fn whole_cents_up(self) -> Self {
        const CENT: u64 = DOLLAR / 100;
        Self(self.0.div_ceil(CENT).saturating_mul(CENT))
    }

    /// Reads a decimal number of dollars; what is below the smallest unit is rounded to the nearest.
    fn read(text: &str) -> Result<Self, MoneyError> {
        let not_a_number = || MoneyError::NotANumber(text.chars().take(40).collect());
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        if whole.is_empty() && fraction.is_empty() || !digits(whole) || !digits(fraction) {
            return Err(not_a_number());
        }
        let too_much = || MoneyError::TooMuch(text.chars().take(40).collect());
        let dollars: u64 = match whole.trim_start_matches('0') {
            "" => 0,
            whole => whole.parse().map_err(|_| too_much())?,
        };
        if dollars > MOST_DOLLARS {
            return Err(too_much());
        }
        let (kept, rest) = fraction.split_at(fraction.len().min(PLACES));
        let up = u64::from(rest.bytes().next().is_some_and(|digit| digit >= b'5'));
        let mut units = 0_u64;
        for place in 0..PLACES {
            let digit = kept.as_bytes().get(place).map_or(0, |digit| u64::from(digit - b'0'));
            units = units * 10 + digit;
        }
        Ok(Self(dollars * DOLLAR + units + up))
    }

    /// The amount with all its decimal places and none more: `0.0325`, `5`.
    pub fn exact(self) -> String {
        let (dollars, units) = (self.0 / DOLLAR, self.0 % DOLLAR);
        let fraction = format!("{units:012}");
        match fraction.trim_end_matches('0') {
            "" => dollars.to_string(),
            fraction => format!("{dollars}.{fraction}"),
        }
    }
}

impl FromStr for Money {
    type Err = MoneyError;

    /// Reads dollars as a decimal number, with or without the sign: `5`, `0.25`, `$1.50`.
    fn from_str(text: &str) -> Result<Self, MoneyError> {
        let plain = text.trim();
        Self::read(plain.strip_prefix('$').unwrap_or(plain))
    }
}

/// For people: cents from one dollar on, and four places below; never rounded down to nothing.
impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (step, places) =
            if self.0 >= DOLLAR { (DOLLAR / 100, 2) } else { (DOLLAR / 10_000, 4) };
        if self.0 == 0 {
            return f.write_str("$0");
        }
        if self.0 < step {
            return write!(f, "<$0.{:0>1$}", 1, places);
        }
        let rounded = self.0.saturating_add(step / 2) / step;
        let whole = rounded / (DOLLAR / step);
        let part = rounded % (DOLLAR / step);
        write!(f, "${whole}.{part:0places$}")
    }
}

impl AddAssign for Money {
    fn add_assign(&mut self, other: Self) {
        *self = self.plus(other);
    }
}

impl Sum for Money {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Self::plus)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn money(text: &str) -> Money {
        text.parse().unwrap()
    }

    #[test]
    fn amounts_are_read_exactly_and_written_as_they_were() {
        for text in ["0", "5", "0.25", "0.000000005", "123456.000000000001", "1000000"] {
            assert_eq!(money(text).exact(), text);
        }
        assert_eq!(money("$1.50").exact(), "1.5");
        assert_eq!(money(".5").exact(), "0.5");
        assert_eq!(money("007").exact(), "7");
    }

    #[test]
    fn what_is_below_the_smallest_unit_is_rounded_to_the_nearest() {
        assert_eq!(money("0.0000010000000000000001").exact(), "0.000001");
        assert_eq!(money("0.0000000000015").exact(), "0.000000000002");
    }

    #[test]
    fn what_is_no_amount_is_refused() {
        for text in ["", ".", "-1", "1e3", "1,5", "five", "$", "1.2.3", "NaN", " 1 2", "²"] {
            assert!(matches!(text.parse::<Money>(), Err(MoneyError::NotANumber(_))), "{text}");
        }
        for text in ["1000001", "99999999999999999999999"] {
            assert!(matches!(text.parse::<Money>(), Err(MoneyError::TooMuch(_))), "{text}");
        }
    }

    #[test]
    fn people_see_cents_of_dollars_and_four_places_of_less() {
        for (amount, shown) in [
            ("0", "$0"),
            ("0.00001", "<$0.0001"),
            ("0.00015", "$0.0002"),
            ("0.0325", "$0.0325"),
            ("0.99996", "$1.0000"),
            ("1.005", "$1.01"),
            ("12", "$12.00"),
        ] {
            assert_eq!(money(amount).to_string(), shown, "{amount}");
        }
    }

    #[test]
    fn cents_are_rounded_up() {
        for (amount, cents) in [("0", "0"), ("0.01", "0.01"), ("0.010000000001", "0.02")] {
            assert_eq!(money(amount).whole_cents_up(), money(cents));
        }
    }

    #[test]
    fn sums_stay_at_the_top_instead_of_going_round() {
        let most = Money::from_picodollars(u64::MAX);
        assert_eq!(most.plus(Money::from_picodollars(1)), most);
        assert_eq!(most.times(3), most);
        assert_eq!(Money::ZERO.less(most), Money::ZERO);
    }
}
