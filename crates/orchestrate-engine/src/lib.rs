//! Carries a run's effects out durably: the driver and its workers, the store of journals, the
//! libraries of personas and workflows, the configuration, and the files a run writes.

pub mod approvals;
pub mod artifacts;
pub mod cassette;
pub mod config;
pub mod driver;
pub mod gates;
pub mod home;
pub mod imports;
pub mod library;
pub mod live;
pub mod providers;
pub mod schemas;
pub mod selecting;
pub mod session;
pub mod store;
pub mod testing;

mod calls;
mod casting;
mod clock;
mod degrading;
mod fitting;
mod hearing;
mod items;
mod needs;
mod prepare;
mod recorded;
mod reserving;
mod reviewing;
mod structured;
mod texts;
mod view;
mod warming;
mod worker;
