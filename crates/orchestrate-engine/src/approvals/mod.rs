//! Approvals outside the run machine: who decides, how they are asked while a run goes on, and how a
//! decision reaches a run that another process owns.

mod approver;
mod decision;
mod earlier;
mod inbox;

pub use approver::{Approver, Ground, PersonAnswer, Question};
pub(crate) use decision::decided;
pub use decision::{GivenDecision, NoteTooLong, user_name};
pub(crate) use earlier::EarlierDecisions;
pub(crate) use inbox::{Dropped, Inbox, remove};
