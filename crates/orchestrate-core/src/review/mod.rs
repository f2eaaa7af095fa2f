//! Reviews: what a reviewer is asked and answers, what is measured, and when a review comes to its end.

mod judge;
mod log;
mod measure;
mod stop;

pub use judge::{
    Asked, CommandAnswer, GateAnswer, Judged, NewFinding, read_verdict, verdict_schema,
};
pub use log::{PersonVerdict, ReviewLog, Standing, TrackedFinding, Verdict};
pub use measure::{Measured, MetricResult, measure};
pub use stop::{RoundState, Stop, stop};
