//! The persona that chooses among personas. It is no expert, so that no list shows it and no task calls
//! for it; a file of this name in a library takes its place.

/// Its name.
pub(crate) const CHOOSER: &str = "persona-chooser";

/// Name and text of the persona, where `name` is its name.
pub(crate) fn chooser(name: &str) -> Option<(&'static str, &'static str)> {
    (name == CHOOSER).then_some((CHOOSER, include_str!("persona-chooser.md")))
}
