//! What tests need and users never see: a model server that follows a script, replies that are a
//! function of the request, and a clean environment to run the program in.

pub mod behaviour;
pub mod env;
pub mod fault;
pub mod gzip;
pub mod reply;
pub mod server;
