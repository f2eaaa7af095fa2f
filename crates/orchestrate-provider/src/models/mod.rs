//! What is known of models: prices, windows and limits, as data with a date and a source.
//!
//! - [`ModelFacts`] is what is known of one model; what is not known stays out (`facts`).
//! - [`ModelTable`] is a list of them with its date, and finds a model by its name (`table`).
//! - The form in which people write them, and `LiteLLM`'s (`form`, `litellm`).

mod facts;
mod form;
mod litellm;
mod table;

pub use facts::ModelFacts;
pub use form::{Row, TableError};
pub use litellm::read_litellm;
pub use table::{Layer, ModelTable, check_name, find};
