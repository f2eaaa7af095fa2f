//! `budget:`: what the runs of a workflow may use, and what happens where that is not enough.

use orchestrate_core::{
    budget::{Budget, Limits, OnReached},
    money::{Money, MoneyError},
};

use super::fields::{self, Within};
use crate::{
    codes,
    language::BUDGET,
    yaml::{Kind, Node, Sink, with_help},
};

/// Tokens and calls at most; more is no cap.
const MOST: i64 = 4_000_000_000;

/// How long a run may go on.
const WALL: Within = Within {
    units: &[
        ("s", 1_000.0),
        ("m", 60_000.0),
        ("min", 60_000.0),
        ("h", 3_600_000.0),
        ("d", 86_400_000.0),
    ],
    least: 1_000.0,
    most: 2_592_000_000.0,
    range: "1s and 30d",
    help: "write a number and its unit, `s`, `m`, `h` or `d`: `90s`, `30m`, `2h`",
};

/// Reads `budget:`.
pub(super) fn read(sink: &mut Sink<'_>, node: &Node) -> Option<Budget> {
    let map = fields::map(sink, node, "`budget`", &BUDGET)?;
    let mut sound = true;
    let mut limits = Limits::default();
    if let Some(entry) = map.get("usd") {
        limits.max_cost = dollars(sink, &entry.value);
        sound &= limits.max_cost.is_some();
    }
    for (key, cap) in [("tokens", &mut limits.max_tokens), ("calls", &mut limits.max_calls)] {
        if let Some(entry) = map.get(key) {
            let what = format!("`{key}`");
            *cap = fields::integer(sink, &entry.value, &what, 1..=MOST).map(u64::from);
            sound &= cap.is_some();
        }
    }
    if let Some(entry) = map.get("wall") {
        limits.max_wall_ms = fields::duration_within(sink, &entry.value, "`wall`", &WALL);
        sound &= limits.max_wall_ms.is_some();
    }
    let mut on_reached = OnReached::default();
    if let Some(entry) = map.get("on_reached") {
        match reaction(sink, &entry.value) {
            Some(found) => on_reached = found,
            None => sound = false,
        }
        // Time cannot be saved by leaving out a step that is not begun anyway.
        if sound && (Limits { max_wall_ms: None, ..limits }).is_none() {
            let message = "`on_reached` says what happens at a cap on money, tokens or calls, and there is none".to_owned();
            let problem = sink.error(codes::BAD_VALUE, &entry.key.span, message);
            sink.push(problem.help("add `usd`, `tokens` or `calls`, or remove it"));
            sound = false;
        }
    }
    sound.then_some(Budget { limits, on_reached })
}

fn dollars(sink: &mut Sink<'_>, node: &Node) -> Option<Money> {
    const HELP: &str = "write dollars as a plain number, such as `5` or `0.25`";
    let Kind::Scalar(scalar) = &node.kind else {
        fields::wrong_type(sink, node, "`usd`", "an amount of US dollars", Some(HELP.to_owned()));
        return None;
    };
    let problem = match scalar.text.parse::<Money>() {
        Ok(Money::ZERO) => {
            sink.error(codes::OUT_OF_RANGE, &node.span, "`usd` is more than nothing".to_owned())
        }
        Ok(amount) => return Some(amount),
        Err(MoneyError::TooMuch(_)) => {
            let message = "`usd` is at most a million dollars".to_owned();
            sink.error(codes::OUT_OF_RANGE, &node.span, message)
        }
        Err(MoneyError::NotANumber(_)) => {
            let wanted = "an amount of US dollars";
            fields::wrong_type(sink, node, "`usd`", wanted, Some(HELP.to_owned()));
            return None;
        }
    };
    sink.push(problem.help(HELP));
    None
}

fn reaction(sink: &mut Sink<'_>, node: &Node) -> Option<OnReached> {
    let word = fields::text(sink, node, "`on_reached`")?;
    match word.text.as_str() {
        "stop" => Some(OnReached::Stop),
        "skip-optional" => Some(OnReached::SkipOptional),
        other => {
            let help = sink.advice(other, ["stop", "skip-optional"]);
            let message = "`on_reached` is `stop` or `skip-optional`".to_owned();
            let problem = sink.error(codes::BAD_VALUE, &word.span, message);
            sink.push(with_help(problem, help));
            None
        }
    }
}
