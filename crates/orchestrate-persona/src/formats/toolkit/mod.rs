//! What the readers of all formats share.

pub(crate) mod assign;
pub(crate) mod bytes;
pub(crate) mod document;
pub(crate) mod draft;
pub(crate) mod front;
pub(crate) mod limits;
pub(crate) mod markdown;
pub(crate) mod prose;
pub(crate) mod standards;
pub(crate) mod tree;
pub(crate) mod words;
pub(crate) mod xml;
