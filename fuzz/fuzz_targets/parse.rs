//! Parsing is total.
#![no_main]
#[path = "../properties.rs"]
#[allow(dead_code, reason = "each target has its own property")]
mod properties;

libfuzzer_sys::fuzz_target!(|text: &str| properties::parses(text));
