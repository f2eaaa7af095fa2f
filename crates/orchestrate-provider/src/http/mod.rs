//! One exchange over HTTP, whatever is spoken: within time and size, never repeated, never redirected, and
//! judged the same way for every dialect.

mod answer;
mod config;
mod exchange;
mod limits;
mod models;
mod patience;
mod provider;
mod rejection;
mod retry_after;

pub use config::{Config, ConfigError, DefaultTimeouts, KeyHeader, Limits, StructuredOutput};
pub use provider::HttpProvider;

pub(crate) use answer::{Answer, Finish, Reported, is_error, malformed};
pub(crate) use provider::counted;
pub(crate) use rejection::{Complaint, Context};
