//! The store: one journal per run, with its lock and witness, and an index derived from them all.

mod error;
mod index;
mod journal;
mod lock;
mod reserve;
mod stored_request;
mod witness;
mod writer;

pub use error::StoreError;
pub(crate) use index::run_folders;
pub use index::{Index, Remembered};
pub use journal::{Blob, BlobReader, Journal, JournalContents, read_journal};
pub use lock::RunLock;
pub(crate) use stored_request::StoredRequest;
pub use writer::JournalWriter;
