//! The last wall: whatever is printed holds no key, from wherever it came.

use std::{
    borrow::Cow,
    sync::{PoisonError, RwLock},
};

use orchestrate_provider::redact::Redactor;

static KNOWN: RwLock<Option<Redactor>> = RwLock::new(None);

/// Keeps what `redactor` knows out of everything that is printed from here on.
pub(crate) fn keep(redactor: &Redactor) {
    let mut known = KNOWN.write().unwrap_or_else(PoisonError::into_inner);
    let joined = known.as_ref().map_or_else(|| redactor.clone(), |known| known.and(redactor));
    *known = Some(joined);
}

/// The text less every key.
pub(super) fn redacted(text: &str) -> Cow<'_, str> {
    let known = KNOWN.read().unwrap_or_else(PoisonError::into_inner);
    known.as_ref().map_or(Cow::Borrowed(text), |known| known.redact(text))
}

/// Whether a key stands in the text.
pub(super) fn found(text: &str) -> bool {
    let known = KNOWN.read().unwrap_or_else(PoisonError::into_inner);
    known.as_ref().is_some_and(|known| known.finds(text))
}

/// Tells of a panic like of everything else: what it quotes may hold a key.
pub(crate) fn panics_are_redacted() {
    std::panic::set_hook(Box::new(|panic| {
        super::talk(&format!("{}\n", super::safe(&panic.to_string())));
    }));
}
