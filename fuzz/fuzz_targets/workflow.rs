//! Compiles any text as a workflow.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| orchestrate_fuzz::workflow(input));
