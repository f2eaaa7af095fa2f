//! How much the readers take in.

/// The most personas that one file may hold.
pub(crate) const MAX_PERSONAS: usize = 5000;

/// The deepest nesting that is walked, in JSON, TOML and XML.
pub(crate) const MAX_DEPTH: usize = 48;

/// The most elements of an XML text.
pub(crate) const MAX_XML_NODES: u32 = 50_000;

/// The most gates, and the most metrics, that a persona is given.
pub(crate) const MAX_STANDARDS: usize = 200;

/// The most steps of a pattern, and the most patterns of a document.
pub(crate) const MAX_STEPS: usize = 100;
