//! Helpers of the tests of this crate.

use crate::checks::support::flow::question;
use crate::machine::{Machine, Op, OpKind};
use crate::sources::Project;
use crate::value::OpId;
use crate::{Compilation, Compiler, Options};

/// A small bot around which a test puts its own declarations.
pub(crate) const HEAD: &str = r#"
bot demo { languages en; channels web; tiers bot -> ai -> human; start greet; discloses "I am a machine." }
tier bot: scripted { cost 0.02 USD }
tier ai: model { turns at most 8 }
tier human: people { cost 5 USD }
team support { hours always }
route human {
  | intent | team    | priority |
  | _      | support | standard |
}
handoff human { say "I'll get you to a person." }
"#;

/// Compiles files; the first folder is the root.
pub(crate) fn compile_files(flow: &[(&str, &str)], other: &[(&str, &str)]) -> Compilation {
    let mut project = Project {
        flow_files: flow
            .iter()
            .map(|(p, t)| ((*p).into(), (*t).into()))
            .collect(),
        other_files: other
            .iter()
            .map(|(p, t)| ((*p).into(), (*t).into()))
            .collect(),
        ..Project::default()
    };
    project.flow_files.sort();
    project.other_files.sort();
    Compiler::new().compile(
        &project,
        &Options {
            date: jiff::civil::date(2026, 3, 2),
        },
    )
}

/// Compiles one file that stands alone.
pub(crate) fn compile(text: &str) -> Compilation {
    compile_files(&[("bot.flow", text)], &[])
}

/// Compiles declarations beside [`HEAD`].
pub(crate) fn with_head(text: &str) -> Compilation {
    compile(&format!("{HEAD}{text}"))
}

/// Codes with what their primary labels show, in order; codes of `F0205` and flow analyses aside unless asked for.
pub(crate) fn found<'c>(c: &'c Compilation, codes: &[&str]) -> Vec<(&'static str, &'c str)> {
    c.diagnostics
        .iter()
        .filter(|d| codes.is_empty() || codes.contains(&d.code))
        .map(|d| {
            (
                d.code,
                d.labels.first().map_or("", |l| c.sources.snippet(l.at)),
            )
        })
        .collect()
}

/// Numbers that look random and are the same each time.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn roll(&mut self, sides: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % sides
    }
}

/// Compiles a bot that a test made up, which has to be one.
pub(crate) fn compile_made_up(text: &str) -> Compilation {
    let compilation = compile(text);
    let broken = compilation.diagnostics.iter().find(|d| d.code == "F0101");
    assert!(broken.is_none(), "{text}\n{broken:?}");
    compilation
}

/// Where a conversation goes from an operation that only moves it: visits and arrows, and, now and then, the first handler, which
/// interrupts what waits and asks it again when it comes back. Absent for all others.
#[expect(clippy::option_option, reason = "whether it moves, and where to")]
pub(crate) fn moves(
    machine: &Machine,
    id: OpId,
    op: &Op,
    stack: &mut Vec<OpId>,
    dice: &mut Dice,
) -> Option<Option<OpId>> {
    Some(match &op.kind {
        OpKind::Visit { node, next } => {
            stack.push(*next);
            machine.node(*node).map(|n| n.entry)
        }
        OpKind::Goto { node } => {
            stack.clear();
            machine.node(*node).map(|n| n.entry)
        }
        OpKind::Back | OpKind::Finish => stack.pop(),
        _ if question(op).is_some() && stack.len() < 8 && dice.roll(4) == 0 => {
            stack.push(id);
            machine.handlers.first().map(|h| h.entry)
        }
        _ => return None,
    })
}
