//! Lint of persona files: what is wrong with them or odd about them, without refusing to look.
//!
//! Unlike [`read`](crate::read), which turns a sound canonical file into a persona, lint looks at each
//! file as it stands, in the canonical form or in that of coding agents with front matter (`name`,
//! `description`, `tools`, `model`), and says all it can about it.

mod body;
mod bytes;
pub(crate) mod characters;
mod check;
mod description;
mod document;
mod duties;
mod fix;
mod front;
mod grants;
mod identity;
mod markdown;
mod phrases;
mod rules;
mod similarity;
mod suspicious;

pub use check::{LintContext, LintFile, MAX_PER_RULE, lint};
pub use fix::{Applied, Fixed, fix};
pub use rules::RULES;
pub use similarity::NEAR_DUPLICATE;
