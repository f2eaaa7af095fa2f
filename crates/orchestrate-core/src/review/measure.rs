//! Metrics: figures of a brief held against the thresholds of a persona, by code and never by a model.

use serde::{Deserialize, Serialize};

use crate::{
    brief::{Brief, Figure},
    persona::Metric,
};

/// What came of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measured {
    /// The figure reaches it.
    Met,
    /// The figure does not reach it.
    Missed,
    /// There is no figure, or none that can be held against it.
    NotMeasured,
}

impl Measured {
    /// The words for it.
    pub fn phrase(self) -> &'static str {
        match self {
            Self::Met => "met",
            Self::Missed => "missed",
            Self::NotMeasured => "not measured",
        }
    }
}

/// A metric with what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MetricResult {
    /// The metric's id.
    pub id: String,
    /// The metric in words.
    pub text: String,
    /// What came of it.
    pub measured: Measured,
    /// The figure it was held against, or why there is none to hold it against.
    pub seen: String,
}

/// Holds a metric against the figures of the author's brief.
///
/// The figure is the one with the metric's name; case and what stands between words do not count. Its unit
/// is the metric's own or one that converts to it; a bare number is taken only where the metric has no unit.
/// A target is not a measurement.
pub fn measure(metric: &Metric, brief: Option<&Brief>) -> MetricResult {
    let (measured, seen) = compare(metric, brief);
    MetricResult { id: metric.id.clone(), text: metric.text.clone(), measured, seen }
}

fn compare(metric: &Metric, brief: Option<&Brief>) -> (Measured, String) {
    let unmeasured = |why: &str| (Measured::NotMeasured, why.to_owned());
    let (Some(name), Some(op), Some(threshold)) = (&metric.name, &metric.op, metric.value) else {
        return unmeasured("it has no number to be held against");
    };
    let wanted = folded(name);
    let mut figures = brief
        .map(|brief| brief.figures.as_slice())
        .unwrap_or_default()
        .iter()
        .filter(|figure| folded(&figure.name) == wanted);
    let Some(figure) = figures.next() else {
        return (Measured::NotMeasured, format!("the brief has no figure `{name}`"));
    };
    if figures.next().is_some() {
        return (Measured::NotMeasured, format!("the brief has several figures `{name}`"));
    }
    let line = figure.to_line();
    if folded(&figure.basis).contains("target") {
        return (Measured::NotMeasured, format!("{line}: a target is not a measurement"));
    }
    let Some(value) = value_in(figure, metric.unit.as_deref().unwrap_or_default()) else {
        return (Measured::NotMeasured, line);
    };
    let met = match op.as_str() {
        "<" => value < threshold,
        "<=" => value <= threshold,
        ">" => value > threshold,
        ">=" => value >= threshold,
        "=" | "==" => (value - threshold).abs() <= f64::EPSILON * threshold.abs().max(1.0),
        _ => return unmeasured("its comparison is not known"),
    };
    (if met { Measured::Met } else { Measured::Missed }, line)
}

/// The figure's number in `unit`, where it has one number and the units agree.
fn value_in(figure: &Figure, unit: &str) -> Option<f64> {
    let text = figure.value.trim().trim_start_matches(['≈', '~']).trim();
    let end = text.find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | ',' | '-' | '+')));
    let (digits, rest) = text.split_at(end.unwrap_or(text.len()));
    let digits = without_separators(digits)?;
    let number: f64 = digits.parse().ok().filter(|number: &f64| number.is_finite())?;
    let written = rest.trim();
    // A second number would make it a range, and other words a claim about something else.
    let own = match (written.is_empty(), figure.unit.trim()) {
        (true, own) => own,
        (false, "") => written,
        (false, own) if folded(own) == folded(written) => own,
        (false, _) => return None,
    };
    if folded_unit(own) == folded_unit(unit) {
        return Some(number);
    }
    let (from, to) = (scale(own)?, scale(unit)?);
    (from.0 == to.0).then(|| number * from.1 / to.1)
}

/// A number without separators of thousands; a comma elsewhere may be a decimal one, and nobody can tell.
fn without_separators(digits: &str) -> Option<String> {
    let mut groups = digits.split(',');
    let first = groups.next()?;
    let mut whole = first.to_owned();
    for group in groups {
        let plain = group.split('.').next().unwrap_or_default();
        if plain.len() != 3 {
            return None;
        }
        whole.push_str(group);
    }
    Some(whole)
}

/// What a unit measures, and its size in the smallest unit of that kind.
fn scale(unit: &str) -> Option<(&'static str, f64)> {
    Some(match folded_unit(unit).as_str() {
        "us" | "µs" => ("time", 1.0),
        "ms" => ("time", 1e3),
        "s" => ("time", 1e6),
        "min" => ("time", 6e7),
        "h" => ("time", 3.6e9),
        "b" => ("size", 1.0),
        "kb" => ("size", 1e3),
        "mb" => ("size", 1e6),
        "gb" => ("size", 1e9),
        "tb" => ("size", 1e12),
        _ => return None,
    })
}

fn folded_unit(unit: &str) -> String {
    let unit = unit.trim().to_lowercase();
    match unit.as_str() {
        "percent" | "per cent" | "pct" => "%".into(),
        "millisecond" | "milliseconds" | "msec" => "ms".into(),
        "second" | "seconds" | "sec" => "s".into(),
        "minute" | "minutes" => "min".into(),
        "hour" | "hours" => "h".into(),
        _ => unit,
    }
}

/// Words in small letters with single spaces between them.
fn folded(text: &str) -> String {
    let small = text.to_lowercase();
    let words = small.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn latency() -> Metric {
        Metric {
            id: "latency".into(),
            text: "A prediction takes less than 100 ms".into(),
            name: Some("inference latency".into()),
            op: Some("<".into()),
            value: Some(100.0),
            unit: Some("ms".into()),
            relative_to: None,
        }
    }

    fn check(value: &str, unit: &str, basis: &str, expected: Measured) {
        let figure = Figure {
            name: "Inference-Latency".into(),
            value: value.into(),
            unit: unit.into(),
            basis: basis.into(),
        };
        let brief = Brief { figures: vec![figure], ..Brief::default() };
        let found = measure(&latency(), Some(&brief));
        assert_eq!(found.measured, expected, "{value} {unit} {basis}: {}", found.seen);
    }

    #[test]
    fn a_figure_is_held_against_its_metric_only_where_the_two_can_be_compared() {
        check("80", "ms", "measured", Measured::Met);
        check("80 ms", "", "estimated", Measured::Met);
        check("100", "milliseconds", "", Measured::Missed);
        check("0.2", "s", "", Measured::Missed);
        check("1,200", "ms", "", Measured::Missed);
        check("80", "ms", "target", Measured::NotMeasured);
        check("80", "", "", Measured::NotMeasured);
        check("80", "rows", "", Measured::NotMeasured);
        check("80-120", "ms", "", Measured::NotMeasured);
        check("80 to 120 ms", "", "", Measured::NotMeasured);
        check("not measured", "ms", "", Measured::NotMeasured);
        check("1,5", "ms", "", Measured::NotMeasured);
        assert_eq!(measure(&latency(), None).measured, Measured::NotMeasured);
        let wordy = Metric { name: None, op: None, value: None, ..latency() };
        assert_eq!(measure(&wordy, None).measured, Measured::NotMeasured);
    }
}
