//! What the compiler remembers changes nothing. A line `===` parts a bot from the same bot after an edit; without one, a line is left out.
#![no_main]
#[path = "../properties.rs"]
#[allow(dead_code, reason = "each target has its own property")]
mod properties;

libfuzzer_sys::fuzz_target!(|text: &str| {
    let (before, after) = match text.split_once("\n===\n") {
        Some((before, after)) => (before.to_owned(), after.to_owned()),
        None => {
            let lines: Vec<&str> = text.lines().collect();
            let at = text.len() % lines.len().max(1);
            let rest = lines.iter().enumerate().filter(|(n, _)| *n != at);
            (
                text.to_owned(),
                rest.map(|(_, l)| format!("{l}\n")).collect(),
            )
        }
    };
    properties::remembers(
        &mut flow_compiler::Compiler::new(),
        &[("bot.flow", &before)],
        &[("bot.flow", &after)],
    );
});
