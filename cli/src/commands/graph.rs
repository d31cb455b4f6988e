//! `flowc graph`: nodes, tiers and the ways between them.

use crate::args::{GraphArgs, GraphFormat};
use crate::output::{complain, print};
use crate::project;
use flow_compiler::machine::{CodeOwner, Machine, OpKind, Transition};
use flow_compiler::value::{OpId, TextId};
use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;

pub(crate) fn run(args: &GraphArgs) -> anyhow::Result<ExitCode> {
    let (_, compilation) = project::compile(&args.folder, None)?;
    let drawing = Drawing::of(&compilation.machine);
    let out = match args.format {
        GraphFormat::Mermaid => drawing.mermaid(),
        GraphFormat::Dot => drawing.dot(),
        GraphFormat::Svg => drawing.svg()?,
    };
    print(&out);
    if compilation.runnable().is_none() {
        complain!(
            "flowc: the bot has errors, so the drawing may be incomplete; `flowc check` shows them"
        );
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Shape {
    Node,
    Tier,
    End,
}

/// A bot as boxes and arrows.
struct Drawing {
    title: String,
    boxes: BTreeMap<String, (String, Shape)>,
    /// Several ways between two boxes are one arrow with all their labels.
    arrows: BTreeMap<(String, String), BTreeSet<String>>,
}

impl Drawing {
    fn of(machine: &Machine) -> Self {
        let mut drawing = Self {
            title: machine.bot.title.to_string(),
            boxes: BTreeMap::new(),
            arrows: BTreeMap::new(),
        };
        for node in &machine.nodes {
            drawing.boxes.insert(
                format!("n_{}", node.name),
                (node.name.to_string(), Shape::Node),
            );
        }
        for tier in &machine.tiers {
            drawing.boxes.insert(
                format!("t_{}", tier.name),
                (format!("tier {}", tier.name), Shape::Tier),
            );
        }
        drawing
            .boxes
            .insert("start".to_owned(), ("start".to_owned(), Shape::End));
        if let Some(node) = machine.node(machine.bot.start) {
            drawing.arrow("start", &format!("n_{}", node.name), "");
        }
        for (index, op) in machine.ops.iter().enumerate() {
            let Some(owner) = machine
                .code(op.code)
                .and_then(|c| drawing.owner(machine, c.owner))
            else {
                continue;
            };
            let id = OpId(u32::try_from(index).unwrap_or(u32::MAX));
            match &op.kind {
                OpKind::Goto { node } => {
                    let label = label_into(machine, id);
                    if let Some(node) = machine.node(*node) {
                        drawing.arrow(&owner, &format!("n_{}", node.name), &label);
                    }
                }
                OpKind::Visit { node, .. } => {
                    if let Some(node) = machine.node(*node) {
                        drawing.arrow(&owner, &format!("n_{}", node.name), "visit");
                    }
                }
                OpKind::Escalate(spec) => {
                    let to = spec
                        .to
                        .or_else(|| spec.rule.and_then(|r| machine.rule(r)).map(|r| r.to))
                        .or_else(|| {
                            machine
                                .tiers
                                .len()
                                .checked_sub(1)
                                .map(|_| next_tier(machine))
                        });
                    if let Some(tier) = to.and_then(|t| machine.tier(t)) {
                        drawing.arrow(&owner, &format!("t_{}", tier.name), "escalate");
                    }
                }
                OpKind::ContinueWith { tier, .. } => {
                    if let Some(tier) = machine.tier(*tier) {
                        drawing.arrow(&owner, &format!("t_{}", tier.name), "continue");
                    }
                }
                OpKind::End { resolved } => {
                    let end = if *resolved { "resolved" } else { "unresolved" };
                    drawing
                        .boxes
                        .insert(end.to_owned(), (end.to_owned(), Shape::End));
                    let label = label_into(machine, id);
                    drawing.arrow(&owner, end, &label);
                }
                _ => {}
            }
        }
        for rule in &machine.rules {
            for from in &rule.from {
                if let (Some(from), Some(to)) = (machine.tier(*from), machine.tier(rule.to)) {
                    drawing.arrow(
                        &format!("t_{}", from.name),
                        &format!("t_{}", to.name),
                        &rule.name,
                    );
                }
            }
        }
        drawing.tidy();
        drawing
    }

    fn owner(&mut self, machine: &Machine, owner: CodeOwner) -> Option<String> {
        Some(match owner {
            CodeOwner::Node(id) => format!("n_{}", machine.node(id)?.name),
            CodeOwner::Handoff(index, _) => format!(
                "t_{}",
                machine
                    .tier(machine.handoffs.get(index as usize)?.tier)?
                    .name
            ),
            CodeOwner::Band(tier) => format!("t_{}", machine.tier(tier)?.name),
            CodeOwner::Menu => self.named("menu"),
            CodeOwner::Handler(index) => {
                let name = machine
                    .sources
                    .snippet(machine.handlers.get(index as usize)?.loc)
                    .lines()
                    .next()
                    .unwrap_or_default();
                let name: String = name
                    .split(['{', '-'])
                    .next()
                    .unwrap_or_default()
                    .split(" visit")
                    .next()
                    .unwrap_or_default()
                    .trim()
                    .to_owned();
                self.named(&name)
            }
            CodeOwner::Trigger(index) => {
                let name = format!("trigger {}", machine.triggers.get(index as usize)?.name);
                self.named(&name)
            }
        })
    }

    fn named(&mut self, name: &str) -> String {
        let id = format!(
            "x_{}",
            name.chars()
                .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
                .collect::<String>()
        );
        self.boxes.insert(id.clone(), (name.to_owned(), Shape::End));
        id
    }

    fn arrow(&mut self, from: &str, to: &str, label: &str) {
        let labels = self
            .arrows
            .entry((from.to_owned(), to.to_owned()))
            .or_default();
        if !label.is_empty() {
            labels.insert(label.to_owned());
        }
    }

    /// A handler that leads nowhere is no part of the drawing.
    fn tidy(&mut self) {
        let drawn: BTreeSet<&String> = self.arrows.keys().flat_map(|(a, b)| [a, b]).collect();
        self.boxes
            .retain(|id, _| !id.starts_with("x_") || drawn.contains(id));
    }

    /// `(from, to, label)`.
    fn lines(&self) -> impl Iterator<Item = (&str, &str, String)> {
        self.arrows.iter().map(|((from, to), labels)| {
            let label: Vec<&str> = labels.iter().map(String::as_str).collect();
            (from.as_str(), to.as_str(), label.join(", "))
        })
    }

    fn mermaid(&self) -> String {
        let mut out = format!(
            "---\ntitle: {}\n---\nflowchart TD\n",
            self.title.replace('\n', " ")
        );
        for (id, (name, shape)) in &self.boxes {
            let name = name.replace('"', "#quot;");
            out.push_str(&match shape {
                Shape::Node => format!("  {id}[\"{name}\"]\n"),
                Shape::Tier => format!("  {id}[[\"{name}\"]]\n"),
                Shape::End => format!("  {id}([\"{name}\"])\n"),
            });
        }
        for (from, to, label) in self.lines() {
            let label = label.replace('"', "#quot;");
            out.push_str(&if label.is_empty() {
                format!("  {from} --> {to}\n")
            } else {
                format!("  {from} -->|\"{label}\"| {to}\n")
            });
        }
        out
    }

    fn dot(&self) -> String {
        let quote = |s: &str| format!("\"{}\"", s.replace('\\', "\\\\").replace('"', "\\\""));
        let mut out = String::from("digraph bot {\n  rankdir=TB;\n");
        for (id, (name, shape)) in &self.boxes {
            let shape = match shape {
                Shape::Node => "box",
                Shape::Tier => "box, style=\"rounded\"",
                Shape::End => "ellipse",
            };
            out.push_str(&format!("  {id} [label={}, shape={shape}];\n", quote(name)));
        }
        for (from, to, label) in self.lines() {
            out.push_str(&format!("  {from} -> {to} [label={}];\n", quote(&label)));
        }
        out.push_str("}\n");
        out
    }

    fn svg(&self) -> anyhow::Result<String> {
        let dot = self.dot();
        let graph = layout::gv::DotParser::new(&dot)
            .process()
            .map_err(|e| anyhow::anyhow!("cannot lay the drawing out: {e}"))?;
        let mut builder = layout::gv::GraphBuilder::new();
        builder.visit_graph(&graph);
        let mut visual = builder.get();
        let mut writer = layout::backends::svg::SVGWriter::new();
        visual.do_it(false, false, false, &mut writer);
        Ok(writer.finalize())
    }
}

/// The tier that a bare `escalate` means when nothing else is known: the one above the lowest.
fn next_tier(machine: &Machine) -> flow_compiler::value::TierId {
    flow_compiler::value::TierId(u32::from(machine.tiers.len() > 1))
}

/// The label of the way into an operation: a button, `otherwise`, `failed`.
fn label_into(machine: &Machine, op: OpId) -> String {
    let vertex = petgraph::graph::NodeIndex::new(op.index());
    let labels: BTreeSet<String> = machine
        .graph
        .edges_directed(vertex, petgraph::Direction::Incoming)
        .filter_map(|edge| {
            use petgraph::visit::EdgeRef;
            match edge.weight() {
                Transition::Label(text) => Some(text_of(machine, *text)),
                Transition::Otherwise => Some("otherwise".to_owned()),
                Transition::Failed => Some("failed".to_owned()),
                Transition::Yes => Some("yes".to_owned()),
                Transition::No => Some("no".to_owned()),
                Transition::NoneLeft => Some("none".to_owned()),
                Transition::Resolved => Some("resolved".to_owned()),
                Transition::Worked => Some("worked".to_owned()),
                Transition::Declined => Some("declined".to_owned()),
                Transition::Arm(index) => match machine
                    .op(OpId(u32::try_from(edge.source().index()).ok()?))
                    .map(|o| &o.kind)
                {
                    Some(OpKind::Match { arms, .. }) => arms
                        .get(*index as usize)
                        .map(|a| machine.sources.snippet(a.loc).trim().to_owned()),
                    _ => None,
                },
                _ => None,
            }
        })
        .collect();
    labels.into_iter().collect::<Vec<_>>().join(", ")
}

fn text_of(machine: &Machine, id: TextId) -> String {
    use flow_compiler::machine::TextPart;
    machine
        .text(id)
        .and_then(|t| t.variants.first())
        .map_or_else(String::new, |v| {
            v.parts
                .iter()
                .map(|p| {
                    if let TextPart::Str(s) = p {
                        s.to_string()
                    } else {
                        "..".to_owned()
                    }
                })
                .collect()
        })
}
