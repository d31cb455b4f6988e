//! What one compilation leaves to the next: the nodes that did not change need not be lowered again.
//!
//! A node becomes the same operations as before if its own declaration is the same and every name in the program still means
//! the same. The second is not looked for name by name: the declarations must be the same ones in the same order, but for the
//! bodies of those that give a name to nothing but themselves.

use super::{Output, Ranged, Reference};
use crate::env::Env;
use crate::machine::{Code, Machine, Node, Op, Text};
use crate::sources::Sources;
use flow_grammar::{ParsedDecl, ast::DeclKind};
use std::ops::Range;
use std::sync::Arc;

/// An earlier compilation.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) machine: Arc<Machine>,
    pub(crate) sources: Arc<Sources>,
    pub(crate) refs: Arc<Vec<Reference>>,
    pub(crate) parts: Vec<KeptPart>,
}

/// A part of its nodes: where it stands in the machine.
#[derive(Debug, Clone)]
pub(crate) struct KeptPart {
    pub(crate) nodes: Range<usize>,
    pub(crate) ops: Range<usize>,
    pub(crate) texts: Range<usize>,
    pub(crate) codes: Range<usize>,
    pub(crate) places: Range<usize>,
    pub(crate) refs: Range<usize>,
    pub(crate) ranged: Vec<Ranged>,
}

/// What unchanged parts are taken from, in order.
pub(crate) struct Stock {
    from: From,
    refs: Arc<Vec<Reference>>,
}

enum From {
    /// Nobody else has the machine: it is taken apart.
    Own {
        ops: Source<Op>,
        texts: Source<Text>,
        codes: Source<Code>,
        nodes: Source<Node>,
    },
    Shared(Arc<Machine>),
}

impl Stock {
    /// Puts a part behind what is there, numbered as it was. Its places have no names yet.
    pub(crate) fn put(&mut self, part: &KeptPart, out: &mut Output, refs: &mut Vec<Reference>) {
        match &mut self.from {
            From::Own {
                ops,
                texts,
                codes,
                nodes,
            } => {
                ops.put(&part.ops, &mut out.ops);
                texts.put(&part.texts, &mut out.texts);
                codes.put(&part.codes, &mut out.codes);
                nodes.put(&part.nodes, &mut out.nodes);
            }
            From::Shared(machine) => {
                copy(&machine.ops, &part.ops, &mut out.ops);
                copy(&machine.texts, &part.texts, &mut out.texts);
                copy(&machine.codes, &part.codes, &mut out.codes);
                copy(&machine.nodes, &part.nodes, &mut out.nodes);
            }
        }
        copy(&self.refs, &part.refs, refs);
    }
}

impl Kept {
    /// Whether every name means what it meant.
    pub(crate) fn same_names(&self, now: &Sources) -> bool {
        let was = &self.sources;
        was.files.len() == now.files.len()
            && was.files.iter().zip(&now.files).all(|(was, now)| {
                was.path == now.path
                    && was.tree.decls.len() == now.tree.decls.len()
                    && was
                        .tree
                        .decls
                        .iter()
                        .zip(&now.tree.decls)
                        .all(|(was, now)| same_name(&was.tree, &now.tree))
            })
    }

    /// Whether all nodes of a part are declared as they were.
    pub(crate) fn unchanged(&self, part: &KeptPart, env: &Env, now: &Sources) -> bool {
        let nodes = env.nodes.get(part.nodes.clone()).unwrap_or_default();
        nodes.iter().all(|node| {
            let (was, is) = (tree_of(&self.sources, node.decl), tree_of(now, node.decl));
            was.zip(is).is_some_and(|(was, is)| Arc::ptr_eq(was, is))
        })
    }

    /// Forgets it. To take a large machine apart takes a while, for which nobody need wait.
    pub(crate) fn let_go(self) {
        rayon::spawn(move || drop(self));
    }

    /// Makes it ready for parts to be taken, out of the machine itself if nobody else has it.
    pub(crate) fn stock(self) -> Stock {
        let (machine, sources) = (self.machine, self.sources);
        let from = match Arc::try_unwrap(machine) {
            Ok(mut machine) => {
                let from = From::Own {
                    ops: Source::new(std::mem::take(&mut machine.ops)),
                    texts: Source::new(std::mem::take(&mut machine.texts)),
                    codes: Source::new(std::mem::take(&mut machine.codes)),
                    nodes: Source::new(std::mem::take(&mut machine.nodes)),
                };
                // To let go of the rest takes a while, for which nobody need wait.
                rayon::spawn(move || drop((machine, sources)));
                from
            }
            Err(machine) => From::Shared(machine),
        };
        Stock {
            from,
            refs: self.refs,
        }
    }
}

fn tree_of(sources: &Sources, decl: u32) -> Option<&Arc<ParsedDecl>> {
    let (file, _) = *sources.decls.get(decl as usize)?;
    let file = sources.files.get(file as usize)?;
    let placed = file.tree.decls.get((decl - file.first_decl) as usize)?;
    Some(&placed.tree)
}

fn copy<T: Clone>(list: &[T], range: &Range<usize>, to: &mut Vec<T>) {
    to.extend_from_slice(list.get(range.clone()).unwrap_or_default());
}

/// A list of which parts are taken in order.
struct Source<T> {
    left: std::vec::IntoIter<T>,
    at: usize,
}

impl<T> Source<T> {
    fn new(list: Vec<T>) -> Self {
        Self {
            left: list.into_iter(),
            at: 0,
        }
    }

    fn put(&mut self, range: &Range<usize>, to: &mut Vec<T>) {
        let gap = range.start.saturating_sub(self.at);
        self.at = range.end;
        self.left.by_ref().take(gap).for_each(drop);
        to.extend(self.left.by_ref().take(range.len()));
    }
}

/// Whether a declaration gives the same names to the same things. Those of most kinds must be the same to the letter.
fn same_name(was: &Arc<ParsedDecl>, now: &Arc<ParsedDecl>) -> bool {
    if Arc::ptr_eq(was, now) {
        return true;
    }
    match (&was.decl.kind, &now.decl.kind) {
        (DeclKind::Node(was), DeclKind::Node(now)) => was.name == now.name,
        (DeclKind::Intent(was), DeclKind::Intent(now)) => was.name == now.name,
        (DeclKind::Faq(was), DeclKind::Faq(now)) => was.name == now.name,
        (DeclKind::Text(was), DeclKind::Text(now)) => was.name == now.name,
        (DeclKind::EscalateRule(was), DeclKind::EscalateRule(now)) => was.name == now.name,
        (DeclKind::On(_), DeclKind::On(_))
        | (DeclKind::Route(_), DeclKind::Route(_))
        | (DeclKind::Handoff(_), DeclKind::Handoff(_))
        | (DeclKind::Test(_), DeclKind::Test(_)) => true,
        _ => false,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use crate::sources::Project;
    use crate::{Compilation, Compiler, Options};
    use std::fmt::Write as _;

    fn project(middle: &str) -> Project {
        let mut text = String::from(
            "bot demo { languages en; channels web; tiers bot -> human; start n0 }\ntier bot: scripted {}\ntier human: people {}\n",
        );
        for i in 0..400 {
            let said = if i == 250 { middle } else { "Hello." };
            let _ = writeln!(text, "node n{i} {{ say \"{said}\"; end resolved }}");
        }
        Project {
            flow_files: vec![("bot.flow".into(), text.into())],
            ..Project::default()
        }
    }

    fn compile(compiler: &mut Compiler, project: &Project) -> Compilation {
        let options = Options {
            date: jiff::civil::date(2026, 3, 2),
        };
        compiler.compile(project, &options)
    }

    /// That what is taken over is what would be made, `tests/edits.rs` shows; it could not fail if nothing ever were.
    #[test]
    fn most_is_taken_over() {
        let mut compiler = Compiler::new();
        drop(compile(&mut compiler, &project("Hello.")));
        let kept = compiler.kept.take().unwrap();
        assert_eq!(kept.parts.len(), 7);
        let project = project("Good morning.");
        let c = compile(&mut compiler, &project);
        assert!(kept.same_names(&c.sources));
        // The trees of what did not change are those of before only where the compiler remembered them.
        let env = crate::collect::collect(crate::load::load(&project, &mut Default::default())).env;
        let unchanged = |part: &&super::KeptPart| kept.unchanged(part, &env, &c.sources);
        assert_eq!(kept.parts.iter().filter(unchanged).count(), 6);
    }
}
