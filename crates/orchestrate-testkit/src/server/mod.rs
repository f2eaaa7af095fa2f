//! A model server on the loopback interface that does as a script says and remembers what it saw.

mod connection;
mod scripted;
mod seen;

pub use scripted::{Behaviour, Recording, ScriptedServer};
pub use seen::SeenRequest;
