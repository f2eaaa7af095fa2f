//! Imports any bytes as any file.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| orchestrate_fuzz::import(input));
