//! The compiler and its checks take any files. A line `=== PATH` begins a file.
#![no_main]
#[path = "../properties.rs"]
#[allow(dead_code, reason = "each target has its own property")]
mod properties;

libfuzzer_sys::fuzz_target!(|text: &str| {
    let mut files = Vec::new();
    for (n, part) in text.split("=== ").enumerate() {
        match part.split_once('\n') {
            Some((path, body)) if n > 0 => files.push((path.trim(), body)),
            _ => files.push(("bot.flow", part)),
        }
    }
    properties::checks(&mut flow_compiler::Compiler::new(), &files);
});
