//! Reads any text as a canonical persona.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| orchestrate_fuzz::read(input));
