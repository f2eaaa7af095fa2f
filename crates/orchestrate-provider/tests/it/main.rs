//! What the adapters do against servers and programs.

mod cassette;
mod command;
mod conformance;
mod openai;
mod requests;
mod secrets;
mod server_limits;
mod support;
