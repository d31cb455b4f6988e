//! A compiler that remembers finds, after any edit, what one that knows nothing finds.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

use flow_compiler::sources::Project;
use flow_compiler::{Compilation, Compiler, Options};
use std::fmt::Write as _;

/// Numbers that look random and are the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 17).unwrap() % end.max(1)
    }
}

const HEAD: &str = "bot demo { languages en; channels web; tiers bot -> human; start n0; menu { \"Person\" -> escalate } }
tier bot: scripted { cost 0.02 USD }
tier human: people { cost 5 USD }
enum state { open, closed, lost }
record order { id: text; state: state; eta: date? }
slots { name: text; kind: state = open; total: number = 0; order_id: text }
customer { name: text private; email: email private identifies; vip: bool = false }
team support { hours always }
route human {
  | customer.vip | kind | team | priority |
  | true | _ | support | high |
  | _ | _ | support | standard |
}
handoff human { say hello; returned -> n0 }
text hello { en \"Hello {name ?? \"you\"}.\" }
threshold many = 3
segment loud when shouting or sentiment < -50%
webhook find(name: text) -> order { get \"https://x.example/{name}\" }
escalate angry to human { when sentiment < -40% for 2 messages; priority high; say hello }
escalate stuck to human { when failed_answers >= many; say \"A person will help.\" }
";

/// Some files, the first with what stands once, the others with nodes, intents and handlers.
fn bot(nodes: usize) -> Vec<(String, String)> {
    let mut files = vec![("a.flow".to_owned(), HEAD.to_owned())];
    for i in 0..nodes {
        if i % 40 == 0 {
            files.push((format!("part_{:03}.flow", i / 40), String::new()));
        }
        let (next, far) = ((i + 1) % nodes, (i * 7 + 3) % nodes);
        let text = &mut files.last_mut().unwrap().1;
        write!(
            text,
            "intent wish_{i} {{ \"I want thing {i}\", \"number {i} please\" }}\non intent wish_{i} -> n{i}\n\
             node n{i} {{\n  say \"Step {i}, {{customer.name ?? \"friend\"}}.\"\n  ask order_id \"Number {i}?\" {{ otherwise -> n{next} }}\n  \
             call find(order_id) as found {{ failed -> escalate because \"gone\" }}\n  set kind = found.state\n  \
             match kind {{ open -> n{far}; closed {{ say \"It is {{found.eta ?? \"soon\"}}.\" }}; lost -> end resolved }}\n  \
             if loud and total > {i} {{ note \"Loud\" }}\n  choose \"Next?\" {{ \"On\" -> n{next}; \"Out\" -> end resolved }}\n}}\n"
        )
        .unwrap();
    }
    files
}

/// What an author may write into a line's place, some of it wrong.
const LINES: &[&str] = &[
    "  say \"Hello again, {name}.\"",
    "  say hello",
    "  set name = \"Ana\"",
    "  clear order_id",
    "  -> n3",
    "  -> nowhere",
    "  visit n5",
    "  end resolved",
    "}",
    "{",
    "  if sentiment < -30% for 3 messages { tag sad }",
    "  if total > many { escalate }",
    "  form name, kind",
    "node n1 {",
    "node extra { -> n2 }",
    "slots { extra: number }",
    "enum state { open, closed }",
    "text hello { en \"Hi.\" }",
    "escalate more to human { when loud; say \"Wait.\" }",
    "// a comment",
    "  say \"unclosed",
    "  call find(name) as got { failed -> n1 }",
    "on intent wish_2 -> n4",
    "segment loud when profanity",
    "use \"../x\" as x",
];

fn edit(files: &mut [(String, String)], dice: &mut Dice) {
    let file = dice.below(files.len());
    let text = &mut files[file].1;
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let at = dice.below(lines.len() + 1);
    match dice.below(5) {
        0 if at < lines.len() => {
            lines.remove(at);
        }
        1 if at < lines.len() => {
            let other = dice.below(lines.len());
            lines.swap(at, other);
        }
        2 if at < lines.len() => {
            // A word becomes another.
            let words = [
                "n7", "name", "kind", "found", "totl", "hello", "9", "closed",
            ];
            let word = words[dice.below(words.len())];
            let line = &lines[at];
            if let Some(start) = line.find(|c: char| c.is_ascii_alphanumeric()) {
                let end = line[start..]
                    .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
                    .map_or(line.len(), |n| start + n);
                lines[at] = format!("{}{word}{}", &line[..start], &line[end..]);
            }
        }
        3 if at < lines.len() => lines[at] = LINES[dice.below(LINES.len())].to_owned(),
        _ => lines.insert(at, LINES[dice.below(LINES.len())].to_owned()),
    }
    *text = lines.join("\n");
    text.push('\n');
}

fn project(files: &[(String, String)]) -> Project {
    Project {
        flow_files: files
            .iter()
            .map(|(path, text)| (path.as_str().into(), text.as_str().into()))
            .collect(),
        ..Project::default()
    }
}

fn compile(compiler: &mut Compiler, project: &Project) -> Compilation {
    compiler.compile(
        project,
        &Options {
            date: jiff::civil::date(2026, 3, 2),
        },
    )
}

/// Edits that stay for a while, then are taken back, so that both good and bad states are come to from both sides.
fn same_after_every_edit(nodes: usize, rounds: usize, seed: u64) {
    let clean = bot(nodes);
    let mut files = clean.clone();
    let mut dice = Dice(seed);
    let mut warm = Compiler::new();
    let mut found = 0;
    let mut held = None;
    for round in 0..rounds {
        if round % 7 == 6 {
            files.clone_from(&clean);
        } else {
            edit(&mut files, &mut dice);
        }
        let project = project(&files);
        let (again, anew) = (
            compile(&mut warm, &project),
            compile(&mut Compiler::new(), &project),
        );
        assert_eq!(again.diagnostics, anew.diagnostics, "round {round}");
        assert_eq!(again.machine.version, anew.machine.version, "round {round}");
        assert!(
            format!("{:?}", again.machine.ops) == format!("{:?}", anew.machine.ops)
                && format!("{:?}", again.machine.texts) == format!("{:?}", anew.machine.texts)
                && format!("{:?}", again.machine.codes) == format!("{:?}", anew.machine.codes)
                && format!("{:?}", again.machine.nodes) == format!("{:?}", anew.machine.nodes)
                && format!("{:?}", again.machine.places) == format!("{:?}", anew.machine.places)
                && again.index.references() == anew.index.references(),
            "round {round}"
        );
        found += anew.diagnostics.len();
        // An editor still holds the last one while the next is made; a daemon may not.
        held = (round % 3 != 0).then_some(again);
    }
    drop(held);
    assert!(found > rounds, "{found} findings");
}

#[test]
fn a_small_bot_after_hundreds_of_edits() {
    same_after_every_edit(8, 500, 0x9E37_79B9_7F4A_7C15);
}

#[test]
fn a_bot_that_is_lowered_in_parts_after_many_edits() {
    same_after_every_edit(200, 40, 0x2545_F491_4F6C_DD1D);
}
