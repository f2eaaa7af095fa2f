//! A list of models, and how a name finds its row.

use std::{fmt::Write as _, sync::LazyLock};

use indexmap::IndexMap;

use super::{
    ModelFacts, TableError,
    form::{self, Row},
};

/// Rows of a table at most.
const MOST_ROWS: usize = 20_000;

/// What is known of models, with its date and source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelTable {
    /// The day on which it was true, `2026-11-21`.
    pub date: String,
    /// Where it comes from.
    pub source: String,
    /// Facts by `provider:model`; a name that ends in `*` stands for all that begin so.
    rows: IndexMap<String, ModelFacts>,
}

/// Rows in which models are looked up.
#[derive(Debug, Clone, Copy)]
pub struct Layer<'a, T>(pub &'a IndexMap<String, T>);

impl ModelTable {
    /// The table that this program comes with.
    pub fn built_in() -> &'static Self {
        static TABLE: LazyLock<ModelTable> = LazyLock::new(|| {
            ModelTable::read(include_str!("../../data/models.toml"))
                .expect("the built-in table is read by a test")
        });
        &TABLE
    }

    /// A table of these rows.
    pub(super) fn new(
        date: String,
        source: String,
        rows: IndexMap<String, ModelFacts>,
    ) -> Result<Self, TableError> {
        if rows.is_empty() {
            return Err(TableError::Empty);
        }
        Ok(Self { date, source, rows })
    }

    /// Reads a table of the form that [`to_toml`](Self::to_toml) writes.
    pub fn read(text: &str) -> Result<Self, TableError> {
        let file = form::read(text)?;
        if !is_date(&file.date) {
            let message = "`date` is no day such as 2026-11-21".to_owned();
            return Err(TableError::Form { line: 1, message });
        }
        let mut rows = IndexMap::new();
        for (name, row) in file.prices.into_iter().take(MOST_ROWS) {
            let fault = |message| TableError::Row { name: name.clone(), message };
            check_name(&name).map_err(fault)?;
            if row.like().is_some() {
                return Err(fault("`like` belongs into the config"));
            }
            let facts = Row::facts(&row).map_err(fault)?;
            rows.insert(name, facts);
        }
        Self::new(file.date, file.source, rows)
    }

    /// The table as a file.
    pub fn to_toml(&self) -> String {
        let quoted = |text: &str| text.replace(['"', '\\', '\n', '\r'], " ");
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "# Dollars for a million tokens. What a line does not say is not known.\ndate = \"{}\"\nsource = \"{}\"\n",
            quoted(&self.date),
            quoted(&self.source)
        );
        for (name, facts) in &self.rows {
            form::write(&mut text, name, facts);
        }
        text
    }

    /// Its rows, in order.
    pub fn rows(&self) -> impl Iterator<Item = (&str, &ModelFacts)> {
        self.rows.iter().map(|(name, facts)| (name.as_str(), facts))
    }

    /// How many models it knows.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether it knows none; no table that was read does.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// What it knows of a model, and by which row.
    pub fn find(&self, provider: &str, model: &str) -> Option<(&str, &ModelFacts)> {
        find(Layer(&self.rows), provider, model)
    }
}

/// The row for a model: the one of its name, else that of its name without a date, else the longest one
/// with `*` that it begins with. No other name is close enough: what costs a tenth is called almost the same.
#[expect(clippy::needless_pass_by_value, reason = "a layer is no more than a reference")]
pub fn find<'a, T>(rows: Layer<'a, T>, provider: &str, model: &str) -> Option<(&'a str, &'a T)> {
    let model = model.strip_prefix("models/").unwrap_or(model);
    let names = [Some(model), without_date(model)];
    for name in names.into_iter().flatten() {
        if let Some((found, row)) = rows.0.get_key_value(&format!("{provider}:{name}")) {
            return Some((found, row));
        }
    }
    let whole = format!("{provider}:{model}");
    let open = rows.0.iter().filter_map(|(name, row)| {
        let start = name.strip_suffix('*')?;
        whole.starts_with(start).then_some((name.as_str(), row))
    });
    open.max_by_key(|(name, _)| name.len())
}

/// A model's name without the day it ends in: `-2025-08-07`, `-20250929` or `@20250929`.
fn without_date(model: &str) -> Option<&str> {
    let day = |text: &str| {
        let number = |from: usize, to: usize| text.get(from..to)?.parse::<u32>().ok();
        text.bytes().all(|byte| byte.is_ascii_digit())
            && number(0, 4).is_some_and(|year| (2020..2100).contains(&year))
            && number(4, 6).is_some_and(|month| (1..=12).contains(&month))
            && number(6, 8).is_some_and(|day| (1..=31).contains(&day))
    };
    let (name, rest) = model.split_at_checked(model.len().checked_sub(9)?)?;
    if let Some(digits) = rest.strip_prefix(['-', '@'])
        && !name.is_empty()
        && day(digits)
    {
        return Some(name);
    }
    let (name, rest) = model.split_at_checked(model.len().checked_sub(11)?)?;
    let plain = rest.strip_prefix('-')?;
    let parts: Vec<&str> = plain.split('-').collect();
    let is_day = matches!(parts.as_slice(), [year, month, date] if year.len() == 4 && month.len() == 2 && date.len() == 2);
    (is_day && !name.is_empty() && day(&parts.concat())).then_some(name)
}

/// Whether a text is `provider:model`, or the beginning of some with `*` at its end.
pub fn check_name(name: &str) -> Result<(), &'static str> {
    let sound = name.split_once(':').is_some_and(|(provider, model)| {
        !provider.is_empty() && !provider.contains('*') && !model.is_empty()
    });
    if !sound || name.len() > 200 {
        return Err("a name is `provider:model`, or `provider:` and a beginning with `*` after it");
    }
    if name.trim_end_matches('*').contains('*') || name.ends_with("**") {
        return Err("`*` stands at the end only");
    }
    if name.chars().any(|c| c.is_control() || matches!(c, '"' | '\\')) {
        return Err("the name has characters that no model has");
    }
    Ok(())
}

/// Whether a text is a day such as `2026-11-21`.
pub(super) fn is_date(text: &str) -> bool {
    text.len() == 10 && without_date(&format!("x-{text}")).is_some()
}

#[cfg(test)]
mod tests {
    use orchestrate_core::{money::Money, price::Price};

    use super::*;

    fn price(provider: &str, model: &str) -> Option<Price> {
        ModelTable::built_in().find(provider, model).and_then(|(_, facts)| facts.price)
    }

    fn million(rate: Money) -> String {
        rate.times(1_000_000).exact()
    }

    #[test]
    fn the_built_in_table_is_sound_and_says_where_it_comes_from() {
        let table = ModelTable::built_in();
        assert!(table.len() > 100);
        assert!(is_date(&table.date) && table.source.contains("LiteLLM"));
        for (name, facts) in table.rows() {
            let price = facts.price.unwrap_or_else(|| panic!("{name} has no price"));
            assert!(price.rates.input > Money::ZERO && price.rates.output > Money::ZERO, "{name}");
            if let Some(long) = price.long {
                assert!(long.rates.input > price.rates.input, "{name}");
                assert!(long.rates.cached.is_some() == price.rates.cached.is_some(), "{name}");
            }
        }
        assert_eq!(ModelTable::read(&table.to_toml()).as_ref(), Ok(table));
    }

    #[test]
    fn prices_are_those_that_the_source_names() {
        let gpt = price("openai", "gpt-5").unwrap();
        assert_eq!(
            (million(gpt.rates.input), million(gpt.rates.output)),
            ("1.25".into(), "10".into())
        );
        assert_eq!(gpt.rates.cached.map(million), Some("0.125".into()));
        let claude = price("anthropic", "claude-sonnet-4-5").unwrap();
        assert_eq!(claude.rates.cache_write.map(million), Some("3.75".into()));
        let long = price("gemini", "gemini-2.5-pro").unwrap().long.unwrap();
        assert_eq!((long.above, million(long.rates.input)), (200_000, "2.5".into()));
    }

    #[test]
    fn a_date_at_the_end_of_a_name_is_looked_past_and_nothing_else_is() {
        for (provider, model) in [
            ("openai", "gpt-5-2025-08-07"),
            ("anthropic", "claude-sonnet-4-5-20250929"),
            ("anthropic", "claude-sonnet-4-5@20250929"),
            ("gemini", "models/gemini-2.5-flash"),
        ] {
            assert!(price(provider, model).is_some(), "{model}");
        }
        for (provider, model) in [
            ("openai", "gpt-5-turbo"),
            ("openai", "gpt-5-2025-13-07"),
            ("openai", "gpt-5-20"),
            ("openai", "gpt"),
            ("openai", "-20250929"),
            ("openai", ""),
            ("openai", "gpt-5-2025-08-0é"),
            ("anthropic", "gpt-5"),
            ("azure", "gpt-5"),
        ] {
            assert!(price(provider, model).is_none(), "{model}");
        }
    }

    #[test]
    fn an_open_row_stands_for_what_begins_so_and_the_longest_wins() {
        let rows: IndexMap<String, u8> =
            [("lab:*", 1), ("lab:big-*", 2), ("lab:big-one", 3), ("lab:big-two*", 4)]
                .map(|(name, row)| (name.to_owned(), row))
                .into();
        let found = |model| find(Layer(&rows), "lab", model).map(|(_, row)| *row);
        assert_eq!([found("x"), found("big-x"), found("big-one")], [Some(1), Some(2), Some(3)]);
        assert_eq!(found("big-one-2026-01-31"), Some(3));
        assert_eq!(found("big-two-3"), Some(4));
        assert_eq!(find(Layer(&rows), "other", "big-one"), None);
    }

    #[test]
    fn a_table_that_cannot_be_meant_is_refused_with_its_line() {
        let head = "date = \"2026-01-31\"\nsource = \"us\"\n";
        for (text, told) in [
            ("", "line 1: missing field `date`"),
            ("date = \"soon\"\nsource = \"us\"", "line 1: `date` is no day such as 2026-11-21"),
            (head, "it holds no price of a provider that is known here"),
            (
                &format!("{head}[prices.\"a:b\"]\ninput = 1\n"),
                "prices of `a:b`: `output` is missing",
            ),
            (
                &format!("{head}[prices.\"a\"]\ninput = 1\noutput = 1\n"),
                "prices of `a`: a name is `provider:model`, or `provider:` and a beginning with `*` after it",
            ),
            (
                &format!("{head}[prices.\"a:b\"]\ninput = -1\noutput = 1\n"),
                "line 4: `-1` is not an amount such as 5 or 0.25",
            ),
            (
                &format!("{head}[prices.\"a:b\"]\ninput = 1\noutptu = 1\n"),
                "line 5: unknown field `outptu`, expected one of `input`, `output`, `cached`, `cache_write`, `long`, `context`, `max_output`, `cache_from`, `like`",
            ),
            (
                &format!("{head}[prices.\"a:b\"]\ncontext = 10\ncached = 1\n"),
                "prices of `a:b`: a price has `input` and `output`",
            ),
        ] {
            let error = ModelTable::read(text).unwrap_err();
            assert_eq!(error.to_string(), told, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_is_too_strange_to_be_looked_up(provider in ".*", model in ".*") {
            let _ = ModelTable::built_in().find(&provider, &model);
        }
    }
}
