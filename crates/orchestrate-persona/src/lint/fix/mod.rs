//! Mending what a program can mend without guessing.

mod apply;
mod description;
mod scalar;

pub use apply::{Applied, Fixed, fix};
pub(super) use scalar::quoted;
