//! Reads any text as a test of a workflow.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| orchestrate_fuzz::test_file(input));
