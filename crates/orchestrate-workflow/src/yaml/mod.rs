//! YAML text to a tree of nodes that know their place.

mod places;
mod problem;
mod sink;
mod tree;

pub(crate) use places::Places;
pub(crate) use sink::{Sink, with_help};
pub(crate) use tree::{Entry, Holds, Kind, Map, Node, Scalar, Style, Text, first_level, read};
