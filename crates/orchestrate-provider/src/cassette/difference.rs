//! How a call differs from a recorded one, for whoever expected it to be the same.

use std::{borrow::Cow, collections::BTreeMap};

use orchestrate_core::{
    neutral,
    request::{Endpoint, Request},
};

use super::call::{Part, RecordedCall, parts_of};

/// Characters that are shown of a line.
const WIDTH: usize = 70;
/// Characters of them before the first that differs.
const BEFORE: usize = 20;

/// Everything in which `request` differs from what was recorded, a line each, fit for a terminal.
pub fn differences(recorded: &RecordedCall, endpoint: &Endpoint, request: &Request) -> Vec<String> {
    let mut found = Vec::new();
    let mut differs = |what: &str, before: String, now: String| {
        if before != now {
            let (before, now) = (neutral::excerpt(&before, WIDTH), neutral::excerpt(&now, WIDTH));
            found.push(format!("{what}: recorded {before}, now {now}"));
        }
    };
    differs("model", recorded.model.model.clone(), request.model.model.clone());
    differs("provider", recorded.endpoint.provider.clone(), endpoint.provider.clone());
    differs("address", recorded.endpoint.origin.clone(), endpoint.origin.clone());
    differs("protocol", recorded.endpoint.dialect.clone(), endpoint.dialect.clone());
    let number = |number: Option<String>| number.unwrap_or_else(|| "none".to_owned());
    let (before, now) = (recorded.parameters, request.parameters);
    differs(
        "temperature",
        number(before.temperature.map(|number| number.to_string())),
        number(now.temperature.map(|number| number.to_string())),
    );
    differs(
        "max_output_tokens",
        number(before.max_output_tokens.map(|number| number.to_string())),
        number(now.max_output_tokens.map(|number| number.to_string())),
    );
    differs(
        "seed",
        number(before.seed.map(|number| number.to_string())),
        number(now.seed.map(|number| number.to_string())),
    );
    let persona = &request.persona;
    differs("persona", recorded.persona.clone(), persona.name.clone());
    if recorded.persona == persona.name && recorded.persona_digest != persona.digest {
        found.push(format!("persona: the file of `{}` is another one", persona.name));
    }
    found.extend(first_line("the system prompt", &recorded.system, &request.system));
    found.extend(of_parts(&recorded.parts, &parts_of(request)));
    let pretty = |schema: &Option<_>| {
        schema.as_ref().map_or(String::new(), |schema: &std::sync::Arc<_>| format!("{schema:#}"))
    };
    let (before, now): (String, String) =
        (pretty(&recorded.schema), pretty(&request.response_schema));
    found.extend(first_line("the schema of the answer", &before, &now));
    found
}

/// How much of the text differs, in bytes of lines that only one side has.
pub(super) fn distance(recorded: &RecordedCall, request: &Request) -> usize {
    let mut lines: BTreeMap<Cow<'_, str>, isize> = BTreeMap::new();
    let parts = parts_of(request);
    let now = parts.iter().map(|part| part.text.as_str()).chain([request.system.as_str()]);
    for line in now.flat_map(str::lines) {
        *lines.entry(without_marker(line)).or_default() += 1;
    }
    let before = recorded.parts.iter().map(|part| part.text.as_str());
    for line in before.chain([recorded.system.as_str()]).flat_map(str::lines) {
        *lines.entry(without_marker(line)).or_default() -= 1;
    }
    lines.iter().map(|(line, count)| (line.len() + 1) * count.unsigned_abs()).sum()
}

/// Differences of user messages: parts of the same name are held against each other in their order.
fn of_parts(before: &[Part], now: &[Part]) -> Vec<String> {
    let mut found = Vec::new();
    let mut left: Vec<&Part> = now.iter().collect();
    for part in before {
        match left.iter().position(|other| other.name == part.name) {
            Some(at) => {
                let other = left.remove(at);
                found.extend(first_line(&told(&part.name), &part.text, &other.text));
            }
            None => found.push(format!("{}: recorded, and not there now", told(&part.name))),
        }
    }
    found.extend(
        left.iter().map(|part| format!("{}: not recorded, and there now", told(&part.name))),
    );
    let names = |parts: &[Part]| parts.iter().map(|part| part.name.clone()).collect::<Vec<_>>();
    if found.is_empty() && names(before) != names(now) {
        found.push("the parts of the message: in another order".to_owned());
    }
    found
}

/// A part's name in a sentence.
fn told(name: &str) -> String {
    format!("the {}", neutral::excerpt(name, WIDTH))
}

/// The first line in which two texts differ.
fn first_line(what: &str, before: &str, now: &str) -> Option<String> {
    if before == now {
        return None;
    }
    let (mut old, mut new) = (before.lines(), now.lines());
    let mut number = 0_usize;
    loop {
        number += 1;
        match (old.next(), new.next()) {
            (Some(old), Some(new)) if without_marker(old) == without_marker(new) => {}
            (Some(old), Some(new)) => {
                let (old, new) = (without_marker(old), without_marker(new));
                let (old, new) = windows(&old, &new);
                return Some(format!("{what}, line {number}: recorded “{old}”, now “{new}”"));
            }
            (Some(old), None) => {
                let old = neutral::excerpt(old, WIDTH);
                return Some(format!(
                    "{what}, line {number}: recorded “{old}”, now it ends before"
                ));
            }
            (None, Some(new)) => {
                let new = neutral::excerpt(new, WIDTH);
                return Some(format!("{what}, line {number}: it ended before, now “{new}”"));
            }
            // Line ends, or the marker of a block whose text is the same.
            (None, None) => return Some(format!("{what}: it ends otherwise")),
        }
    }
}

/// A line less the code of a fence, which follows from the text inside and says nothing itself.
fn without_marker(line: &str) -> Cow<'_, str> {
    for begin in ["<<<material ", ">>>end "] {
        if let Some(rest) = line.strip_prefix(begin) {
            let code = rest.bytes().take_while(u8::is_ascii_hexdigit).count();
            if code == 32 {
                return Cow::Owned(format!("{begin}…{}", &rest[code..]));
            }
        }
    }
    Cow::Borrowed(line)
}

/// What is shown of two lines: a little before the first character that differs, and on from there.
fn windows(old: &str, new: &str) -> (String, String) {
    let same = old.chars().zip(new.chars()).take_while(|(a, b)| a == b).count();
    let skip = same.saturating_sub(BEFORE);
    let shown = |line: &str| {
        let begin = if skip > 0 { "…" } else { "" };
        let rest: String = line.chars().skip(skip).collect();
        format!("{begin}{}", neutral::excerpt(&rest, WIDTH))
    };
    (shown(old), shown(new))
}
