//! Whatever happens to a file, its parse succeeds, what was not damaged keeps its tree, and formatting stays stable.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

use flow_grammar::{FileTree, format, parse_decl, parse_uncached, same_meaning, split};
use proptest::prelude::*;

const PAGES: [&str; 11] = [
    include_str!("language/00.flow"),
    include_str!("language/01.flow"),
    include_str!("language/02.flow"),
    include_str!("language/03.flow"),
    include_str!("language/04.flow"),
    include_str!("language/05.flow"),
    include_str!("language/06.flow"),
    include_str!("language/07.flow"),
    include_str!("language/08.flow"),
    include_str!("language/09.flow"),
    include_str!("language/10.flow"),
];

/// What the damage may write.
const BITS: [&str; 34] = [
    "{",
    "}",
    "(",
    ")",
    "[",
    "]",
    "\"",
    "\\",
    "/",
    "//",
    "///",
    ";",
    "\n",
    ",",
    "->",
    "=",
    " and ",
    "|",
    "_",
    ".",
    "..",
    "5",
    "%",
    "?",
    "not ",
    "say ",
    "otherwise",
    "é",
    "\t",
    "\r\n",
    "-",
    "<",
    ":",
    "x",
];

#[derive(Debug, Clone)]
enum Damage {
    Insert(usize, usize),
    Remove(usize, usize),
    Repeat(usize, usize),
}

fn damage() -> impl Strategy<Value = Damage> {
    prop_oneof![
        (any::<usize>(), 0..BITS.len()).prop_map(|(at, bit)| Damage::Insert(at, bit)),
        (any::<usize>(), 1_usize..12).prop_map(|(at, len)| Damage::Remove(at, len)),
        (any::<usize>(), 1_usize..30).prop_map(|(at, len)| Damage::Repeat(at, len)),
    ]
}

fn boundary(text: &str, at: usize) -> usize {
    (0..=at.min(text.len()))
        .rev()
        .find(|i| text.is_char_boundary(*i))
        .unwrap_or(0)
}

fn hurt(text: &str, damage: &Damage) -> String {
    let mut out = text.to_owned();
    match damage {
        Damage::Insert(at, bit) => {
            out.insert_str(boundary(text, at % (text.len() + 1)), BITS[*bit])
        }
        Damage::Remove(at, len) => {
            let start = boundary(text, at % (text.len() + 1));
            let end = boundary(text, (start + len).min(text.len()));
            out.replace_range(start..end, "");
        }
        Damage::Repeat(at, len) => {
            let start = boundary(text, at % (text.len() + 1));
            let end = boundary(text, (start + len).min(text.len()));
            out.insert_str(end, &text[start..end]);
        }
    }
    out
}

fn sound(text: &str) -> FileTree {
    let tree = parse_uncached(text);
    let mut end = 0;
    for decl in &tree.decls {
        let start = decl.offset as usize;
        assert!(
            text[end..start].trim().is_empty(),
            "text between declarations: {:?}",
            &text[end..start]
        );
        end = start + decl.len as usize;
        for found in &decl.tree.diagnostics {
            assert!(matches!(found.code, "F0101" | "F0202"));
            assert!(
                !found.message.is_empty() && found.help.is_some(),
                "{found:?}"
            );
            for label in &found.labels {
                let at = label.at;
                assert!(at.start <= at.end && at.end <= decl.len, "{found:?}");
                assert!(
                    text.get(start + at.start as usize..start + at.end as usize)
                        .is_some(),
                    "{found:?}"
                );
            }
        }
    }
    assert!(text[end..].trim().is_empty());
    tree
}

fn stable(text: &str) {
    let once = format(text);
    assert_eq!(format(&once), once, "of {text}");
    assert!(
        same_meaning(&parse_uncached(text), &parse_uncached(&once)),
        "of {text}\nformatted {once}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2 * ProptestConfig::default().cases, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn damaged_pages_parse(page in 0..PAGES.len(), damages in prop::collection::vec(damage(), 1..12)) {
        let text = damages.iter().fold(PAGES[page].to_owned(), |text, d| hurt(&text, d));
        sound(&text);
    }

    #[test]
    fn formatting_damaged_pages_is_stable(page in 0..PAGES.len(), damages in prop::collection::vec(damage(), 0..4)) {
        let text = damages.iter().fold(PAGES[page].to_owned(), |text, d| hurt(&text, d));
        stable(&text);
    }

    /// Comments behind any lines, on lines of their own, and blank lines anywhere.
    #[test]
    fn formatting_commented_pages_is_stable(page in 0..PAGES.len(), notes in prop::collection::vec((any::<usize>(), 0..4usize), 1..30)) {
        let mut lines: Vec<String> = PAGES[page].lines().map(str::to_owned).collect();
        for (n, (at, how)) in notes.into_iter().enumerate() {
            let count = lines.len();
            let line = &mut lines[at % count];
            match how {
                0 => line.push_str(&format!(" // note {n}")),
                1 => line.push_str(&format!("          // note {n}")),
                2 => line.push_str(&format!("\n// note {n}")),
                _ => line.push('\n'),
            }
        }
        let text = lines.join("\n");
        stable(&text);
        let count = |t: &str| t.matches("// note ").count();
        prop_assert_eq!(count(&format(&text)), count(&text));
    }

    #[test]
    fn other_declarations_keep_their_trees(page in 0..PAGES.len(), which in any::<usize>(), damages in prop::collection::vec(damage(), 1..4)) {
        let page = PAGES[page];
        let ranges = split(page);
        let which = which % ranges.len();
        let range = ranges[which].clone();
        let broken = damages.iter().fold(page[range.clone()].to_owned(), |text, d| hurt(&text, d));
        // Three quotes open a text that may rightly swallow what follows.
        prop_assume!(!broken.contains("\"\"\""));
        // A trailing comment belongs to the declaration after it.
        let commented = |r: &std::ops::Range<usize>| broken[r.clone()].lines().all(|l| l.trim_start().starts_with("//"));
        prop_assume!(!split(&broken).iter().any(commented) && !broken.trim_end().ends_with("//"));
        // Such a line goes on from the one before.
        let head = broken.trim_start();
        prop_assume!(!["and ", "or ", "??", "{"].iter().any(|w| head.starts_with(w)));
        // An indented line goes on from a declaration without a block.
        let flat = |r: &std::ops::Range<usize>| !page[r.clone()].contains('{');
        let indented = broken.lines().find(|l| !l.trim().is_empty()).is_some_and(|l| l.starts_with([' ', '\t']));
        prop_assume!(!indented || !which.checked_sub(1).is_some_and(|before| flat(&ranges[before])));
        let text = format!("{}{}{}", &page[..range.start], broken, &page[range.end..]);
        let tree = sound(&text);
        for other in ranges.iter().enumerate().filter(|(n, _)| *n != which).map(|(_, r)| &page[r.clone()]) {
            let expected = parse_decl(other);
            prop_assert!(tree.decls.iter().any(|d| *d.tree == expected), "lost {other} in {text}");
        }
    }

    #[test]
    fn noise_parses(text in "[a-z{}()\\[\\]\"\\\\/;:,.|_%0-9 \n\t<>=?é-]{0,300}") {
        sound(&text);
        stable(&text);
    }

    #[test]
    fn noise_in_a_node_parses(text in "[a-z{}()\\[\\]\"\\\\/;:,.|_%0-9 \n\t<>=?é-]{0,200}") {
        let text = format!("node greet {{\n  {text}\n}}\n");
        sound(&text);
        stable(&text);
    }
}

#[test]
fn deep_and_long_input_is_refused_calmly() {
    let inputs = [
        format!("node x {{ {}", "(".repeat(100_000)),
        format!("node x {{\n{}", "if a {\n".repeat(100_000)),
        format!("node x {{\n{}", "foo {\n".repeat(100_000)),
        format!("node x {{\n set a = {}", "not ".repeat(100_000)),
        format!("node x {{\n set a = {}", "a or ".repeat(100_000)),
        format!("node x {{\n say {}", "\"{".repeat(100_000)),
        format!("node x {{\n say {}", "\"{x\" ".repeat(20_000)),
        format!("slots {{ a: {} text }}", "list of ".repeat(100_000)),
        format!("node x {{\n{}", "othewise {\n".repeat(127)),
        "}\n".repeat(100_000),
        "\"\"\"".repeat(50_000),
        "\n".repeat(1_000_000),
        "node ".repeat(100_000),
        "matches / ".repeat(100_000),
    ];
    for text in inputs {
        assert!(
            !sound(&text)
                .decls
                .iter()
                .any(|d| d.tree.diagnostics.is_empty()),
            "{}",
            &text[..20]
        );
    }
}

#[test]
fn the_deepest_nesting_allowed_fits_a_small_stack() {
    let deep = |open: &str, inner: &str, close: &str| {
        format!("{}{inner}{}", open.repeat(126), close.repeat(126))
    };
    let inputs = [
        format!("node x {{\n{}\n}}", deep("if a {\n", "back", "\n}")),
        format!("node x {{\n if {} {{ back }}\n}}", deep("(", "a", ")")),
        format!("node x {{\n set a = {}\n}}", deep("[", "a", "]")),
        format!("node x {{\n set a = {}\n}}", deep("f(", "a", ")")),
    ];
    std::thread::Builder::new()
        .stack_size(2 << 20)
        .spawn(move || {
            for text in inputs {
                assert!(sound(&text).decls[0].tree.diagnostics.is_empty(), "{text}");
                stable(&text);
            }
        })
        .unwrap()
        .join()
        .unwrap();
}

/// Damage that once made the formatter change a meaning, or its own result.
#[test]
fn what_was_once_unstable_is_stable() {
    let inputs = [
        "bot demo x; tier\n  | y\n",
        // A number with an underscore after its unit is no number.
        "escalate d to h{when 0%_ or h\nbecause\"\"}",
        // A semicolon that separates nothing keeps no line out of its columns.
        "tier i:model{answers{\n0%..100% send\n0%..0% escalate;\n}}",
        "node t{choose\"\"{\n\"\"->i\ne->i;\n}}",
        // It ends an item whose last word could go on.
        "node t{\n->in;\nback\n}",
        // Two blocks closed on one line, and an indented line after them.
        "trigger n from\"\"signed Y{\npayload{t:r\n}}\n h",
        "node k{\nask o{invalid r\n}}\n }",
        // A pattern where none may stand.
        "escalate i to n{when s and/t/}",
        "escalate i to n{when/  t /}",
        // A semicolon between a comment and what it documents.
        "record o{///\n;a:m}",
        // Spaces at the ends of the lines of a block, the first and one that is filled in, and what is no space.
        "tier a:model{persona\"\"\" ou Y  \nw.\n    \"\"\"\n}",
        "node n{say\"\"\"a {b}  \n  c {d} \t\r\n e\u{a0}\n f {g}  \"\"\"\n}",
    ];
    for text in inputs {
        sound(text);
        stable(text);
        stable(&format!("{text}\n\nnode greet {{ back }}\n"));
    }
}

/// A comment behind a text of several lines stays where it is, however often it is formatted.
#[test]
fn a_comment_behind_a_block_text_stays() {
    let text = "node a {\n  say \"\"\"\n    One line, and one more that is as long as it needs to be.\n    \"\"\" // why\n}\n";
    assert_eq!(format(text), text);
}
