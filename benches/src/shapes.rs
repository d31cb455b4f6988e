//! Bots that are large in one way only, to see whether the checks grow with them and no faster.

use flow_compiler::sources::Project;
use std::fmt::Write;

const HEAD: &str = "bot demo { languages en; channels web; tiers bot -> human; start greet }\n\
tier bot: scripted { cost 0.02 USD }\ntier human: people { cost 5 USD }\nteam support { hours always }\n\
handoff human { say \"I'll get you to a person.\" }\n";
const ROUTE: &str =
    "route human {\n  | intent | team | priority |\n  | _ | support | standard |\n}\n";
const GREET: &str =
    "node greet { choose \"Done?\" { \"Yes\" -> end resolved; \"No\" -> escalate } }\n";

/// What a bot can have much of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Steps of one node.
    Steps,
    /// Rows of one matrix over three columns.
    Rows,
    /// Rules over 20 signals and slots.
    Rules,
    /// Intents, each with examples and a handler.
    Intents,
    /// Nodes that all lead to each other.
    Connected,
}

impl Shape {
    /// All of them, with the size that a large bot may have.
    pub const ALL: [(Self, usize); 5] = [
        (Self::Steps, 5_000),
        (Self::Rows, 2_000),
        (Self::Rules, 500),
        (Self::Intents, 2_000),
        (Self::Connected, 300),
    ];

    /// In words: "steps of one node".
    #[must_use]
    pub const fn what(self) -> &'static str {
        match self {
            Self::Steps => "steps in one node",
            Self::Rows => "rows of a matrix",
            Self::Rules => "rules over 20 signals",
            Self::Intents => "intents",
            Self::Connected => "nodes in one strongly connected part",
        }
    }

    /// A correct bot with `n` of them.
    #[must_use]
    pub fn bot(self, n: usize) -> Project {
        let text = match self {
            Self::Steps => steps(n),
            Self::Rows => rows(n),
            Self::Rules => rules(n),
            Self::Intents => intents(n),
            Self::Connected => connected(n),
        };
        Project {
            flow_files: vec![("bot.flow".into(), text.into())],
            ..Project::default()
        }
    }
}

fn steps(n: usize) -> String {
    let mut text = format!("{HEAD}{ROUTE}slots {{ name: text }}\nnode greet {{\n");
    for i in 0..n {
        let _ = match i % 5 {
            0 => writeln!(text, "  say \"Hello {{name ?? \"you\"}}, this is {i}.\""),
            1 => writeln!(
                text,
                "  if turns > {i} {{ note \"Long\" }} else {{ tag short }}"
            ),
            2 => writeln!(
                text,
                "  ask name \"Name {i}?\" {{ otherwise -> end unresolved }}"
            ),
            3 => writeln!(text, "  set name = \"Name {i}\""),
            _ => writeln!(
                text,
                "  confirm \"Is it {i}?\" {{ yes {{ say \"Good.\" }}; no {{ say \"I see.\" }}; otherwise -> end resolved }}"
            ),
        };
    }
    text.push_str("  end resolved\n}\n");
    text
}

fn rows(n: usize) -> String {
    let mut text = format!(
        "{HEAD}{GREET}enum plan {{ free, pro, enterprise }}\ncustomer {{ plan: plan = free }}\n"
    );
    for i in 0..n / 2 {
        let _ = writeln!(text, "intent i{i} {{ \"example number {i}\" }}");
    }
    text.push_str("route human {\n  | intent | customer.plan | sentiment | team | priority |\n");
    for i in 0..n / 2 {
        let plan = match i % 3 {
            0 => "free",
            1 => "pro",
            _ => "enterprise",
        };
        let _ = writeln!(
            text,
            "  | i{i} | {plan} | < -{}% | support | high |",
            i % 90 + 1
        );
        let _ = writeln!(text, "  | i{i} | _ | _ | support | medium |");
    }
    text.push_str("  | _ | _ | _ | support | standard |\n}\n");
    text
}

fn rules(n: usize) -> String {
    let mut text = format!("{HEAD}{ROUTE}{GREET}slots {{");
    for i in 0..20 {
        let _ = write!(text, "s{i}: number = 0; ");
    }
    text.push_str("}\n");
    for i in 0..n {
        let (a, b) = (i % 20, (i * 7 + 3) % 20);
        let _ = writeln!(
            text,
            "escalate r{i} to human {{ when s{a} > {i} and (s{b} < {} or shouting); unless profanity and s{b} > 900; say \"A person will help.\"; priority {} }}",
            i + 3,
            if i % 2 == 0 { "medium" } else { "standard" }
        );
    }
    text
}

fn intents(n: usize) -> String {
    let mut text = format!("{HEAD}{ROUTE}{GREET}");
    for i in 0..n {
        let _ = writeln!(
            text,
            "intent i{i} {{ \"example number {i}\", \"the wish {i} please\", \"can you do {i}\" }}\non intent i{i} {{ say \"This is {i}.\" }}"
        );
    }
    text
}

fn connected(n: usize) -> String {
    let mut text = format!("{HEAD}{ROUTE}slots {{");
    for i in 0..50 {
        let _ = write!(text, "s{i}: text; ");
    }
    text.push_str("}\nnode greet { -> n0 }\n");
    for i in 0..n {
        let _ = writeln!(text, "node n{i} {{ choose \"Where?\" {{");
        for j in 0..10 {
            let _ = writeln!(
                text,
                "  \"Way {j}\" {{ ask s{} \"What?\"; -> n{} }}",
                (i + j) % 50,
                (i * 31 + j * 17) % n
            );
        }
        text.push_str("  \"Out\" -> end resolved\n} }\n");
    }
    text
}
