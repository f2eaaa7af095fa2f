//! Settings that a step and `defaults:` share: model, temperature, length and time limits.

use orchestrate_core::{
    policy::{MOST_ATTEMPTS, OnUnknown},
    request::{Parameters, Timeouts},
};

use super::{fields, flow};
use crate::{
    codes,
    language::TIMEOUT,
    yaml::{Kind, Map, Node, Sink},
};

const ON_UNKNOWN: [(&str, OnUnknown); 3] =
    [("retry", OnUnknown::Retry), ("ask", OnUnknown::Ask), ("fail", OnUnknown::Fail)];

/// The largest seed that every provider with one takes: some keep it in 32 bits with a sign.
const LARGEST_SEED: i64 = i32::MAX as i64;

/// What is set, where it is set.
#[derive(Debug, Clone, Default)]
pub(super) struct Settings {
    pub(super) model: Option<String>,
    pub(super) parameters: Parameters,
    pub(super) timeouts: Timeouts,
    pub(super) on_unknown: Option<OnUnknown>,
    pub(super) attempts: Option<u16>,
}

impl Settings {
    /// Reads the settings among a map's keys.
    pub(super) fn read(sink: &mut Sink<'_>, map: &Map) -> Self {
        let model = map.get("model").and_then(|entry| model(sink, &entry.value));
        let temperature = map
            .get("temperature")
            .and_then(|entry| fields::number(sink, &entry.value, "`temperature`", 0.0..=2.0));
        let max_output_tokens = map.get("max_output_tokens").and_then(|entry| {
            fields::integer(sink, &entry.value, "`max_output_tokens`", 1..=1_000_000)
        });
        let seed = map
            .get("seed")
            .and_then(|entry| fields::integer(sink, &entry.value, "`seed`", 0..=LARGEST_SEED));
        let attempts = map.get("retry").and_then(|entry| {
            fields::integer(sink, &entry.value, "`retry`", 1..=MOST_ATTEMPTS.into())
        });
        let timeouts = map.get("timeout").map(|entry| timeouts(sink, &entry.value));
        Self {
            model,
            parameters: Parameters { temperature, max_output_tokens, seed },
            timeouts: timeouts.unwrap_or_default(),
            on_unknown: map
                .get("on_unknown")
                .and_then(|entry| flow::word(sink, entry, &ON_UNKNOWN)),
            attempts: attempts.and_then(|attempts| u16::try_from(attempts).ok()),
        }
    }

    /// These settings, and the defaults where there are none.
    pub(super) fn or(self, defaults: &Self) -> Self {
        Self {
            model: self.model.or_else(|| defaults.model.clone()),
            parameters: Parameters {
                temperature: self.parameters.temperature.or(defaults.parameters.temperature),
                max_output_tokens: self
                    .parameters
                    .max_output_tokens
                    .or(defaults.parameters.max_output_tokens),
                seed: self.parameters.seed.or(defaults.parameters.seed),
            },
            timeouts: Timeouts {
                connect_ms: self.timeouts.connect_ms.or(defaults.timeouts.connect_ms),
                first_token_ms: self.timeouts.first_token_ms.or(defaults.timeouts.first_token_ms),
                idle_ms: self.timeouts.idle_ms.or(defaults.timeouts.idle_ms),
                total_ms: self.timeouts.total_ms.or(defaults.timeouts.total_ms),
            },
            on_unknown: self.on_unknown.or(defaults.on_unknown),
            attempts: self.attempts.or(defaults.attempts),
        }
    }
}

fn model(sink: &mut Sink<'_>, node: &Node) -> Option<String> {
    let model = fields::text(sink, node, "`model`")?;
    let unusable = |c: char| c.is_whitespace() || c.is_control();
    if model.text.is_empty() || model.text.contains(unusable) {
        let message = "`model` is an alias or `provider:model`, without spaces";
        let problem = sink.error(codes::BAD_VALUE, &model.span, message);
        sink.push(problem.help("for example `openai:gpt-5-mini`"));
        return None;
    }
    Some(model.text)
}

fn timeouts(sink: &mut Sink<'_>, node: &Node) -> Timeouts {
    if !matches!(node.kind, Kind::Map(_)) {
        let total_ms = fields::duration(sink, node, "`timeout`");
        return Timeouts { total_ms, ..Timeouts::default() };
    }
    let Some(map) = fields::map(sink, node, "`timeout`", &TIMEOUT) else {
        return Timeouts::default();
    };
    let mut limit = |key: &str| {
        let entry = map.get(key)?;
        fields::duration(sink, &entry.value, &format!("`{key}`"))
    };
    Timeouts {
        connect_ms: limit("connect"),
        first_token_ms: limit("first_token"),
        idle_ms: limit("idle"),
        total_ms: limit("total"),
    }
}
