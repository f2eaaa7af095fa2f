//! What the adapters do against servers and programs.

mod openai;
mod support;
