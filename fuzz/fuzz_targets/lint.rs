//! Lints and mends any bytes.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| orchestrate_fuzz::lint(input));
