//! What the adapters do against servers and programs.

mod command;
mod conformance;
mod openai;
mod requests;
mod server_limits;
mod support;
