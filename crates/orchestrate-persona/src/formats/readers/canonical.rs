//! Our own files, which are read as strictly as everywhere.

use super::{Found, Reader};
use crate::formats::{format::Format, toolkit::document::Document};

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

/// `import` hands such a file to the strict reader before it gets here.
fn read(_: &Document<'_>, _: &mut Found) {}
