//! No model at all: worksheets made from the request alone, for machines without key and network.

mod format;
mod material;
mod provider;
mod stand_in;
mod summary;
mod worksheet;

pub use provider::Offline;
pub use worksheet::worksheet;
