//! Mutated bots: what the fuzz targets search without end, on some thousand inputs that are the same in every run.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "tests read files and clocks"
)]

#[path = "../../fuzz/properties.rs"]
mod properties;

use flow_compiler::Compiler;
use std::path::Path;
use std::time::{Duration, Instant};

/// Words and signs that mean something somewhere.
const SPLICES: &[&str] = &[
    "{",
    "}",
    "(",
    ")",
    "[",
    "]",
    "\"",
    "\"\"\"",
    "\n",
    ";",
    ",",
    "|",
    "->",
    "=",
    "..",
    "//",
    "/// ",
    "??",
    " and ",
    " not ",
    "-",
    "%",
    "é",
    "\u{200b}",
    "\r\n",
    "\t",
    "\\",
    "{x}",
    "node a {",
    "use \"..\" as x\n",
    "include x\n",
    "escalate",
    " when ",
    "_",
    "unknown",
    "none",
    "99999999999999999999",
    "0",
    "1 USD",
    "5m",
    "2026-02-30",
    "25:00",
    "for 2 messages",
    "is known",
    "visit greet",
    "back",
    "if ",
    "else ",
    "match ",
    "otherwise -> ",
    "ask ",
    "text",
    "customer",
    "payload",
    "slots.",
    "human",
    "bot",
    "[]",
    "list of ",
    "was ",
    "private",
];

/// Xorshift: small, and the same everywhere.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % u64::try_from(end.max(1)).unwrap()) as usize
    }

    /// A place between two characters.
    fn place(&mut self, text: &str) -> usize {
        let mut at = self.below(text.len() + 1);
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    }

    fn mutate(&mut self, text: &mut String, other: &str) {
        let (a, b) = (self.place(text), self.place(text));
        let (start, end) = (a.min(b), a.max(b));
        let mut near = (start + self.below(40)).min(end);
        while !text.is_char_boundary(near) {
            near -= 1;
        }
        match self.below(7) {
            0 => text.replace_range(start..near, ""),
            1 => text.insert_str(a, SPLICES[self.below(SPLICES.len())]),
            2 => text.replace_range(start..near, SPLICES[self.below(SPLICES.len())]),
            3 => {
                let part = text[start..near].to_owned();
                text.insert_str(b, &part);
            }
            4 => {
                // Another bot's lines.
                let lines: Vec<&str> = other.lines().collect();
                let from = self.below(lines.len());
                let to = (from + 1 + self.below(4)).min(lines.len());
                let line = text[..a].rfind('\n').map_or(0, |n| n + 1);
                text.insert_str(line, &format!("{}\n", lines[from..to].join("\n")));
            }
            5 => {
                // Two lines change places.
                let mut lines: Vec<&str> = text.lines().collect();
                let (x, y) = (self.below(lines.len()), self.below(lines.len()));
                if x < lines.len() && y < lines.len() {
                    lines.swap(x, y);
                }
                *text = lines.join("\n");
            }
            _ => {
                // A word becomes another word of the bot.
                let words: Vec<(usize, &str)> = text
                    .match_indices(|c: char| c.is_ascii_alphabetic())
                    .collect();
                if words.is_empty() {
                    return;
                }
                let word = |at: usize| {
                    let end = text[at..].find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
                    at..end.map_or(text.len(), |n| at + n)
                };
                let (into, from) = (
                    word(words[self.below(words.len())].0),
                    word(words[self.below(words.len())].0),
                );
                let new = text[from].to_owned();
                text.replace_range(into, &new);
            }
        }
    }
}

fn flow_files(folder: &Path, out: &mut Vec<String>) {
    let mut entries: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|e| e.unwrap().path())
        .collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            flow_files(&path, out);
        } else if path.extension().is_some_and(|e| e == "flow") {
            out.push(std::fs::read_to_string(path).unwrap());
        }
    }
}

fn bots(folders: &[&str]) -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut out = Vec::new();
    for folder in folders {
        flow_files(&root.join(folder), &mut out);
    }
    assert!(!out.is_empty());
    out
}

/// The `n`th mutation of a bot, and what it became.
fn mutation(bots: &[String], n: usize) -> String {
    let mut dice = Dice(0x9E37_79B9_7F4A_7C15 ^ (n as u64 + 1).wrapping_mul(0x2545_F491_4F6C_DD1D));
    dice.below(2);
    let mut text = bots[n % bots.len()].clone();
    for _ in 0..=dice.below(6) {
        let other = dice.below(bots.len());
        dice.mutate(&mut text, &bots[other]);
    }
    text
}

#[test]
fn mutated_bots_parse_and_format() {
    let bots = bots(&["flows", "tests/diagnostics", "tests/language"]);
    for n in 0..2_000 {
        let text = mutation(&bots, n);
        properties::parses(&text);
        properties::formats(&text);
    }
}

#[test]
fn mutated_bots_compile_to_the_end() {
    let small = bots(&["tests/diagnostics", "tests/language"]);
    let large = bots(&["flows"]);
    let mut compiler = Compiler::new();
    for n in 0..1_100 {
        let text = if n % 20 == 0 {
            mutation(&large, n / 20)
        } else {
            mutation(&small, n)
        };
        let start = Instant::now();
        if n % 3 == 0 {
            // In two files of one folder, and a folder that may be used.
            let half = text.lines().count() / 2;
            let cut = text
                .match_indices('\n')
                .nth(half)
                .map_or(text.len(), |(at, _)| at);
            let (a, b) = text.split_at(cut);
            properties::checks(
                &mut compiler,
                &[
                    ("a.flow", a),
                    ("b.flow", b),
                    ("x/c.flow", &mutation(&small, n + 1)),
                ],
            );
        } else {
            properties::checks(&mut compiler, &[("bot.flow", &text)]);
        }
        assert!(
            start.elapsed() < Duration::from_secs(20),
            "mutation {n} took {:?}",
            start.elapsed()
        );
    }
}

/// One compiler for one bot after another, each mutated once more: it finds what a new one finds.
#[test]
fn mutated_bots_are_remembered_rightly() {
    let small = bots(&["tests/diagnostics", "tests/language"]);
    let mut compiler = Compiler::new();
    for n in 0..300 {
        let before = mutation(&small, n * 7 + 3);
        let mut after = before.clone();
        let mut dice = Dice(0xD1B5_4A32_D192_ED03 ^ (n as u64 + 1));
        dice.mutate(&mut after, &small[n % small.len()]);
        properties::remembers(
            &mut compiler,
            &[("bot.flow", &before)],
            &[("bot.flow", &after)],
        );
    }
}
