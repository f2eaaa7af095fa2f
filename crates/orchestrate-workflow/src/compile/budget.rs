//! `budget:`: what the runs of a workflow may use, and what happens where that is not enough.

use orchestrate_core::{
    budget::{Budget, Cap, Limits, Relief},
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
    units: &fields::UP_TO_DAYS,
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
    let mut on_reached = Vec::new();
    if let Some(entry) = map.get("on_reached") {
        match ladder(sink, &entry.value) {
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
        if sound && let Some(idle) = on_reached.iter().find(|relief| !saves(**relief, &limits)) {
            let (what, caps) = match idle {
                Relief::Cheaper => ("money", "`usd`"),
                _ => ("money and tokens", "`usd` or `tokens`"),
            };
            let message = format!("`{}` saves {what}, and that is not capped here", idle.as_str());
            let problem = sink.error(codes::BAD_VALUE, &entry.value.span, message);
            sink.push(problem.help(format!("add {caps}, or remove it")));
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

/// Whether a cap is there that it saves anything of.
fn saves(relief: Relief, limits: &Limits) -> bool {
    let caps = [
        (Cap::Calls, limits.max_calls.is_some()),
        (Cap::Tokens, limits.max_tokens.is_some()),
        (Cap::Cost, limits.max_cost.is_some()),
    ];
    caps.iter().any(|&(cap, is_set)| is_set && relief.saves(cap))
}

/// What is tried in order: one word, or a list of them. `stop` is what comes last in any case.
fn ladder(sink: &mut Sink<'_>, node: &Node) -> Option<Vec<Relief>> {
    let Kind::List(words) = &node.kind else {
        return match rung(sink, node)? {
            Rung::Stop => Some(Vec::new()),
            Rung::Try(relief) => Some(vec![relief]),
        };
    };
    let mut found = Vec::new();
    let mut sound = true;
    for (at, word) in words.iter().enumerate() {
        let problem = match rung(sink, word) {
            None => {
                sound = false;
                continue;
            }
            Some(Rung::Stop) if at + 1 == words.len() => continue,
            Some(Rung::Stop) => "`stop` comes last: nothing is tried after it".to_owned(),
            Some(Rung::Try(relief)) if found.contains(&relief) => {
                format!("`{}` stands here twice", relief.as_str())
            }
            Some(Rung::Try(relief)) => {
                found.push(relief);
                continue;
            }
        };
        let problem = sink.error(codes::BAD_VALUE, &word.span, problem);
        sink.push(problem.help("name each once, in the order in which they are to be tried"));
        sound = false;
    }
    sound.then_some(found)
}

/// One of the words.
enum Rung {
    Try(Relief),
    Stop,
}

fn rung(sink: &mut Sink<'_>, node: &Node) -> Option<Rung> {
    let word = fields::text(sink, node, "`on_reached`")?;
    if word.text == "stop" {
        return Some(Rung::Stop);
    }
    if let Some(relief) = Relief::ALL.into_iter().find(|relief| relief.as_str() == word.text) {
        return Some(Rung::Try(relief));
    }
    let words = ["stop"].into_iter().chain(Relief::ALL.iter().map(|relief| relief.as_str()));
    let help = sink.advice(&word.text, words);
    let message =
        "`on_reached` is `stop`, `brief`, `cheaper`, `skip-optional`, or a list of them".to_owned();
    let problem = sink.error(codes::BAD_VALUE, &word.span, message);
    sink.push(with_help(problem, help));
    None
}
