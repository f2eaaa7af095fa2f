//! Our own files, which are read as strictly as everywhere.

use super::{Found, Reader};
use crate::formats::{
    format::Format,
    toolkit::{
        document::Document,
        draft::Draft,
        standards,
        tree::{Map, Tree},
        words,
    },
};

pub(super) const READER: Reader = Reader {
    format: Format::Canonical,
    recognised_by: "front matter with `name` and a key that only this program has, such as `gates` or `when_to_use`.",
    recognises,
    read,
    table: &[],
};

/// Keys that no other format has.
const OWN: &[&str] = &[
    "gates",
    "metrics",
    "escalation",
    "when_to_use",
    "when_not_to_use",
    "collaborates_with",
    "source.sha256",
];

fn recognises(document: &Document<'_>) -> bool {
    document.front().is_some_and(|front| front.has("name") && front.has_any(OWN))
}

/// Whether a file that cannot be read strictly is meant to be ours all the same: it was imported once, or a
/// gate, a metric or a partner is written with the keys that ours have.
pub(crate) fn is_meant(document: &Document<'_>) -> bool {
    let Some(front) = document.front() else { return false };
    let with = |list: &str, key: &str| match front.get(list) {
        Some(Tree::List(entries)) => {
            entries.iter().filter_map(Tree::map).any(|entry| entry.has(key))
        }
        _ => false,
    };
    front.has("source.sha256")
        || with("gates", "check")
        || with("metrics", "text")
        || with("collaborates_with", "persona")
}

/// Takes the keys of ours that somebody else's file has, texts and lists of texts; whatever else they
/// hold is left where it is.
pub(super) fn take_own(draft: &mut Draft, front: &mut Map) {
    for key in OWN {
        let texts: Vec<String> = match front.get(key) {
            Some(Tree::Text(text)) => vec![text.clone()],
            Some(Tree::List(entries)) if entries.iter().all(|entry| entry.text().is_some()) => {
                entries.iter().filter_map(Tree::text).map(str::to_owned).collect()
            }
            _ => continue,
        };
        match *key {
            "when_to_use" => draft.when_to_use.extend(texts),
            "when_not_to_use" => draft.when_not_to_use.extend(texts),
            "gates" => texts.iter().for_each(|text| draft.gate(text)),
            "metrics" => texts.iter().for_each(|text| draft.metric(text)),
            "escalation" => texts.iter().for_each(|text| {
                draft.escalation.extend(standards::escalation(text));
            }),
            "collaborates_with"
                if texts.iter().all(|name| words::slug(name).as_ref() == Some(name)) =>
            {
                for name in texts {
                    draft.works_with(&name, "");
                }
            }
            _ => continue,
        }
        front.take(key);
    }
}

/// `import` hands such a file to the strict reader before it gets here.
fn read(_: &Document<'_>, _: &mut Found) {}
