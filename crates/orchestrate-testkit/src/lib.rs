//! What tests need and users never see: a model server that follows a script, replies that are a
//! function of the request, a clean environment to run the program in, and persona files as people have them.

pub mod behaviour;
pub mod conformance;
pub mod corpus;
pub mod env;
pub mod fault;
pub mod gzip;
pub mod reply;
pub mod server;
pub mod wire;
