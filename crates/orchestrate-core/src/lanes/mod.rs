//! What is sent to one model of one provider: how much at a time, and not before when.
//!
//! A [`Lane`] is plain state without a clock. It learns from how attempts end and from what servers say of
//! their limits, and forgets with the process: a resumed run starts carefully again.

mod lane;
mod quota;
mod window;

pub use lane::{COOL_DOWN, Ending, FAILURES_IN_A_ROW, Lane, SlowCause, Ticket};
pub use quota::{Quota, ServerLimits};
pub use window::Window;
