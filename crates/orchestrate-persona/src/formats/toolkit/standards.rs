//! Gates, metrics and escalations out of sentences.

use std::collections::BTreeSet;

use orchestrate_core::persona::{Gate, GateJudge, Metric};

use super::words;

/// A required gate for the judge.
pub(crate) fn gate(check: &str, taken: &mut BTreeSet<String>) -> Gate {
    Gate {
        id: identifier(check, "gate", taken),
        check: words::one_line(check),
        by: GateJudge::Judge,
        required: true,
    }
}

/// A metric, with operator, value and unit where the sentence has them.
pub(crate) fn metric(text: &str, taken: &mut BTreeSet<String>) -> Metric {
    let text = words::one_line(text);
    let figure = figure(&text);
    let named = figure.as_ref().map_or(text.as_str(), |figure| figure.name.as_str());
    Metric {
        id: identifier(named, "metric", taken),
        name: figure.as_ref().map(|figure| figure.name.clone()),
        op: figure.as_ref().map(|figure| figure.op.to_owned()),
        value: figure.as_ref().map(|figure| figure.value),
        unit: figure.as_ref().and_then(|figure| figure.unit.clone()),
        relative_to: figure.and_then(|figure| figure.relative_to),
        text,
    }
}

/// The steps of an escalation, split at its arrows.
pub(crate) fn escalation(text: &str) -> Vec<String> {
    let unified = text.replace("->", "→").replace("=>", "→").replace('⇒', "→");
    let steps = unified.split(['→', '\n']).map(|step| {
        let step = step.trim();
        super::markdown::list_item(step).unwrap_or(step).trim()
    });
    steps.filter(|step| !step.is_empty()).map(str::to_owned).collect()
}

/// An id of at most five words, unique within its list.
pub(crate) fn identifier(text: &str, what: &str, taken: &mut BTreeSet<String>) -> String {
    const SMALL: &[&str] =
        &["the", "a", "an", "of", "and", "or", "for", "to", "in", "on", "is", "are"];
    let slug = words::slug(text).unwrap_or_default();
    let told: Vec<&str> = slug.split('-').filter(|word| !SMALL.contains(word)).take(5).collect();
    let base = words::slug(&told.join("-")).unwrap_or_else(|| what.to_owned());
    let mut id = base.clone();
    let mut number = 2;
    while !taken.insert(id.clone()) {
        id = format!("{}-{number}", &base[..base.len().min(58)].trim_end_matches('-'));
        number += 1;
    }
    id
}

#[derive(Debug, PartialEq)]
struct Figure {
    name: String,
    op: &'static str,
    value: f64,
    unit: Option<String>,
    relative_to: Option<String>,
}

/// The comparisons that are understood, longest first.
const COMPARISONS: &[(&str, &str)] = &[
    ("<=", "<="),
    (">=", ">="),
    ("≤", "<="),
    ("≥", ">="),
    ("==", "="),
    ("<", "<"),
    (">", ">"),
    (" = ", "="),
    (" at most ", "<="),
    (" at least ", ">="),
    (" no more than ", "<="),
    (" less than ", "<"),
    (" more than ", ">"),
    (" below ", "<"),
    (" under ", "<"),
    (" above ", ">"),
];

fn figure(text: &str) -> Option<Figure> {
    let (at, mark, op) = COMPARISONS
        .iter()
        .filter_map(|&(mark, op)| text.find(mark).map(|at| (at, mark, op)))
        .min_by_key(|&(at, mark, _)| (at, usize::MAX - mark.len()))?;
    let name = text[..at].trim().trim_end_matches([':', ',']).trim();
    let name = name.strip_suffix(" is").unwrap_or(name).trim().to_owned();
    if name.is_empty() {
        return None;
    }
    let after = text[at + mark.len()..].trim();
    if let Some((value, unit)) = quantity(after) {
        return Some(Figure { name, op, value, unit, relative_to: None });
    }
    relative(&name, op, after)
}

/// `baseline by 30%`: the figure that a brief can state is the change, and its size is the threshold.
fn relative(name: &str, op: &'static str, after: &str) -> Option<Figure> {
    let (base, by) = after.split_once(" by ")?;
    let (value, unit) = quantity(by.trim())?;
    let change = if op.starts_with('<') { "reduction" } else { "increase" };
    Some(Figure {
        name: format!("{name} {change}"),
        op: if op == "=" { "=" } else { ">=" },
        value,
        unit,
        relative_to: Some(base.trim().to_owned()).filter(|base| !base.is_empty()),
    })
}

/// The units that may stand apart from their number.
const UNITS: &[&str] = &[
    "%", "ms", "s", "sec", "seconds", "second", "min", "minutes", "minute", "h", "hours", "hour",
    "days", "day", "weeks", "kb", "mb", "gb", "tb", "kib", "mib", "gib", "usd", "eur", "percent",
    "rps", "qps", "points", "x",
];

/// A number with its unit at the start of a text.
fn quantity(text: &str) -> Option<(f64, Option<String>)> {
    let (currency, text) = match text.chars().next()? {
        '$' => (Some("USD"), &text[1..]),
        '€' => (Some("EUR"), &text['€'.len_utf8()..]),
        _ => (None, text),
    };
    let digits =
        text.bytes().take_while(|b| b.is_ascii_digit() || matches!(b, b'.' | b',')).count();
    let number = text[..digits].trim_end_matches(['.', ',']);
    let rest = &text[number.len()..];
    let grouped = number
        .split(',')
        .skip(1)
        .all(|group| group.split('.').next().is_some_and(|g| g.len() == 3));
    if !grouped {
        return None;
    }
    let value = number.replace(',', "").parse::<f64>().ok().filter(|value| value.is_finite())?;
    if let Some(currency) = currency {
        return Some((value, Some(currency.to_owned())));
    }
    let attached: String = rest
        .chars()
        .take_while(|&c| c.is_alphabetic() || matches!(c, '%' | '°' | '/' | '‰'))
        .collect();
    if !attached.is_empty() {
        return Some((value, Some(attached.trim_end_matches('/').to_owned())));
    }
    let apart =
        rest.split_whitespace().next().unwrap_or_default().trim_end_matches([',', '.', ';']);
    let known = rest.starts_with(' ') && UNITS.contains(&apart.to_lowercase().as_str());
    Some((value, known.then(|| apart.to_owned())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        let metric = metric(text, &mut BTreeSet::new());
        let word = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
        format!(
            "{} {} {} {} {}",
            word(metric.name),
            word(metric.op),
            metric.value.map_or_else(|| "-".to_owned(), |value| value.to_string()),
            word(metric.unit),
            word(metric.relative_to)
        )
    }

    #[test]
    fn figures_are_read_from_sentences() {
        assert_eq!(shown("Recall > 95% on the test set"), "Recall > 95 % -");
        assert_eq!(shown("Response time < 100ms when warm"), "Response time < 100 ms -");
        assert_eq!(shown("Uptime at least 99.9 %"), "Uptime >= 99.9 % -");
        assert_eq!(shown("Rows ≥ 1,000,000 per day"), "Rows >= 1000000 - -");
        assert_eq!(shown("Cost is below $0.02 each"), "Cost < 0.02 USD -");
    }

    #[test]
    fn a_change_against_something_is_a_figure_of_its_own() {
        assert_eq!(
            shown("Cost per call < baseline by 30%"),
            "Cost per call reduction >= 30 % baseline"
        );
    }

    #[test]
    fn a_sentence_without_figure_stays_a_sentence() {
        assert_eq!(shown("Everyone is treated alike"), "- - - - -");
        assert_eq!(shown("Slower is < better"), "- - - - -");
    }

    #[test]
    fn ids_are_short_and_unique() {
        let mut taken = BTreeSet::new();
        assert_eq!(
            identifier("Bias and fairness of the model", "gate", &mut taken),
            "bias-fairness-model"
        );
        assert_eq!(
            identifier("Bias, fairness, model", "gate", &mut taken),
            "bias-fairness-model-2"
        );
        assert_eq!(identifier("数据", "gate", &mut taken), "gate");
    }

    #[test]
    fn an_escalation_is_split_at_its_arrows() {
        assert_eq!(
            escalation("Alert → Fall back -> A person\n"),
            ["Alert", "Fall back", "A person"]
        );
    }
}
