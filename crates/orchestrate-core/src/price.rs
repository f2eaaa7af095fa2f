//! What tokens cost: the rates of a model, and the cost of a call by them.

use serde::{Deserialize, Serialize};

use crate::{money::Money, usage::Usage};

/// What one token costs, by what becomes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rates {
    /// A token of the prompt.
    pub input: Money,
    /// A token of the answer, reasoning included.
    pub output: Money,
    /// A token of the prompt that the provider read from its cache, where that has a price of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cached: Option<Money>,
    /// A token of the prompt that the provider wrote to its cache, where that has a price of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_write: Option<Money>,
}

impl Rates {
    /// The cost of `usage`. A kind of token without a price of its own is an ordinary one.
    fn cost(&self, usage: &Usage) -> Money {
        let cached = usage.cached.min(usage.input);
        let written = usage.cache_write.min(usage.input - cached);
        let fresh = usage.input - cached - written;
        [
            self.input.times(fresh),
            self.cached.unwrap_or(self.input).times(cached),
            self.cache_write.unwrap_or(self.input).times(written),
            self.output.times(usage.output),
        ]
        .into_iter()
        .sum()
    }

    /// What so many tokens cost at most.
    fn worst(&self, input: u64, output: u64) -> Money {
        let others = [self.cached, self.cache_write].into_iter().flatten();
        let dearest = others.fold(self.input, Money::max);
        dearest.times(input).plus(self.output.times(output))
    }
}

/// The price of a model's tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Price {
    /// What a token costs.
    pub rates: Rates,
    /// What it costs where the prompt is long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub long: Option<LongPrompt>,
}

/// Other rates for calls with long prompts: they hold for every token of such a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LongPrompt {
    /// Prompts of more tokens than this are long.
    pub above: u64,
    /// What a token costs there.
    pub rates: Rates,
}

impl Price {
    /// The price of what costs nothing.
    pub const FREE: Self = Self {
        rates: Rates { input: Money::ZERO, output: Money::ZERO, cached: None, cache_write: None },
        long: None,
    };

    /// The cost of one call.
    pub fn cost(&self, usage: &Usage) -> Money {
        match &self.long {
            Some(long) if usage.input > long.above => long.rates.cost(usage),
            Some(_) | None => self.rates.cost(usage),
        }
    }

    /// What many calls cost at most that have so many tokens of prompts and answers together, the longest
    /// prompt being this long.
    pub fn worst_of(&self, input: u64, output: u64, longest: u64) -> Money {
        let usual = self.rates.worst(input, output);
        match &self.long {
            Some(long) if longest > long.above => usual.max(long.rates.worst(input, output)),
            Some(_) | None => usual,
        }
    }

    /// What a prompt of so many tokens costs at least, whatever is answered.
    pub fn least(&self, input: u64) -> Money {
        self.rates.cached.unwrap_or(self.rates.input).min(self.rates.input).times(input)
    }

    /// What one call costs at most whose prompt and answer have at most so many tokens, whatever the
    /// provider does with its cache.
    pub fn worst(&self, input: u64, output: u64) -> Money {
        self.worst_of(input, output, input)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn units(units: u64) -> Money {
        Money::from_picodollars(units)
    }

    fn rates(input: u64, output: u64) -> Rates {
        Rates { input: units(input), output: units(output), cached: None, cache_write: None }
    }

    fn usage(input: u64, cached: u64, cache_write: u64, output: u64) -> Usage {
        Usage { input, output, cached, cache_write, ..Usage::default() }
    }

    #[test]
    fn each_kind_of_token_is_paid_at_its_own_rate() {
        let rates = Rates { cached: Some(units(1)), cache_write: Some(units(12)), ..rates(10, 50) };
        let price = Price { rates, long: None };
        // 100 fresh, 200 read from the cache, 300 written to it.
        let cost = price.cost(&usage(600, 200, 300, 40));
        assert_eq!(cost, units(100 * 10 + 200 + 300 * 12 + 40 * 50));
    }

    #[test]
    fn reasoning_is_part_of_the_answer_and_paid_once() {
        let price = Price { rates: rates(10, 50), long: None };
        let thought = Usage { reasoning: 30, ..usage(1, 0, 0, 40) };
        assert_eq!(price.cost(&thought), units(10 + 40 * 50));
    }

    #[test]
    fn cached_tokens_without_a_price_of_their_own_are_ordinary_ones() {
        let price = Price { rates: rates(10, 50), long: None };
        assert_eq!(price.cost(&usage(600, 200, 300, 0)), units(6_000));
    }

    #[test]
    fn a_provider_that_reports_more_cached_than_sent_is_not_paid_twice() {
        let price = Price { rates: rates(10, 50), long: None };
        assert_eq!(price.cost(&usage(100, 400, 400, 0)), units(1_000));
    }

    #[test]
    fn a_long_prompt_makes_every_token_dearer() {
        let long = Some(LongPrompt { above: 100, rates: rates(20, 75) });
        let price = Price { rates: rates(10, 50), long };
        assert_eq!(price.cost(&usage(100, 0, 0, 1)), units(1_050));
        assert_eq!(price.cost(&usage(101, 0, 0, 1)), units(2_095));
        assert_eq!(price.worst(100, 1), units(1_050));
        assert_eq!(price.worst(101, 1), units(2_095));
    }

    proptest::proptest! {
        #[test]
        fn no_call_within_its_bounds_costs_more_than_its_worst_case(
            input in 0_u64..500, output in 0_u64..500,
            used in 0_u64..=100, cached in 0_u64..500, written in 0_u64..500,
            rate in proptest::collection::vec(0_u64..100, 8),
        ) {
            let of = |at: usize| Rates {
                input: units(rate[at]),
                output: units(rate[at + 1]),
                cached: (rate[at + 2] > 50).then(|| units(rate[at + 2])),
                cache_write: (rate[at + 3] > 50).then(|| units(rate[at + 3])),
            };
            let price = Price {
                rates: of(0),
                long: (rate[7] > 30).then(|| LongPrompt { above: 100, rates: of(4) }),
            };
            let some = |most: u64| most * used / 100;
            let call = usage(some(input), cached, written, some(output));
            proptest::prop_assert!(price.cost(&call) <= price.worst(input, output));
        }
    }
}
