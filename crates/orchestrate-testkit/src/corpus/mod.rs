//! Persona files as people have them, in every format and with every kind of mess, generated.
//!
//! The shares of the formats and the rates of the mess are those that were counted over 7,800 public
//! files; every text is made of the words in `words.rs`. The same seed gives the same bytes.

mod dice;
mod dirt;
mod friends;
mod mess;
mod plan;
mod role;
mod shapes;
mod verdict;
mod words;

pub use mess::{Mess, RATES, Rate};
pub use plan::{Corpus, CorpusFile, Expected, SHARES, Share};
pub use verdict::{Kept, bare};
