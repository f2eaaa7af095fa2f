//! What the benchmarks of the engine share.

pub(crate) mod run;
pub(crate) mod watch;
