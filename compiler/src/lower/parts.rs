//! Nodes are lowered side by side: parts of so many nodes each, numbered from 0, then moved behind each other.
//!
//! What depends on the order of the whole program (conditions with memory, which share their state by their words, and how
//! many unknown names are compared with all others) is not for a part: it is done again, in its place.

use super::kept::Stock;
use super::shift::{Counts, Numbered, Shift};
use super::{KeptPart, Lower, Output, Ranged, Reference};
use crate::machine::Place;
use crate::value::OpId;
use flow_grammar::Diagnostic;
use rayon::prelude::*;
use std::ops::Range;

/// How many nodes make a part.
const PART: usize = 64;

enum Part {
    /// As an earlier compilation made it.
    Taken(KeptPart),
    Made(Box<Made>),
}

struct Made {
    nodes: Range<usize>,
    out: Output,
    found: Vec<Diagnostic>,
    refs: Vec<Reference>,
    ranged: Vec<Ranged>,
    /// It cannot stand for itself.
    again: bool,
    /// The next compilation may take it over.
    keep: bool,
}

fn counts(out: &Output, refs: &[Reference]) -> Counts {
    Counts {
        nodes: out.nodes.len(),
        ops: out.ops.len(),
        texts: out.texts.len(),
        codes: out.codes.len(),
        places: out.places.len(),
        refs: refs.len(),
    }
}

impl Part {
    fn counts(&self) -> Counts {
        match self {
            Self::Taken(part) => Counts {
                nodes: part.nodes.len(),
                ops: part.ops.len(),
                texts: part.texts.len(),
                codes: part.codes.len(),
                places: part.places.len(),
                refs: part.refs.len(),
            },
            Self::Made(made) => counts(&made.out, &made.refs),
        }
    }

    /// What stood before it when it was numbered.
    fn before(&self, named: usize) -> Counts {
        match self {
            Self::Taken(part) => Counts {
                nodes: part.nodes.start,
                ops: part.ops.start,
                texts: part.texts.start,
                codes: part.codes.start,
                places: part.places.start,
                refs: part.refs.start,
            },
            Self::Made(_) => Counts {
                texts: named,
                ..Counts::default()
            },
        }
    }
}

impl Lower<'_> {
    pub(super) fn nodes(&mut self) {
        let (env, sources, project) = (self.env, self.sources, self.project);
        let count = env.nodes.len();
        if count <= PART {
            self.nodes_in(0..count);
            return;
        }
        let named = super::index(env.texts.len());
        let mut parts: Vec<Option<Part>> = (0..count.div_ceil(PART)).map(|_| None).collect();
        let mut stock = None;
        if let Some(kept) = self.before.take() {
            for part in &kept.parts {
                if kept.unchanged(part, env, sources)
                    && let Some(place) = parts.get_mut(part.nodes.start / PART)
                {
                    *place = Some(Part::Taken(part.clone()));
                }
            }
            stock = Some(kept.stock());
        }
        let parts: Vec<Part> = parts
            .into_par_iter()
            .enumerate()
            .map(|(n, taken)| {
                if let Some(taken) = taken {
                    return taken;
                }
                let nodes = n * PART..count.min((n + 1) * PART);
                let mut lower = Lower::new(env, sources, project);
                lower.in_part = true;
                lower.first_text = named;
                lower.nodes_in(nodes.clone());
                Part::Made(Box::new(Made {
                    // What was said of it may name other declarations.
                    keep: lower.found.is_empty() && !lower.led_astray,
                    nodes,
                    again: lower.not_for_a_part,
                    out: lower.out,
                    found: lower.found,
                    refs: lower.refs,
                    ranged: lower.ranged,
                }))
            })
            .collect();
        let mut run: Vec<Part> = Vec::new();
        for part in parts {
            match part {
                Part::Made(made) if made.again => {
                    self.append(std::mem::take(&mut run), stock.as_mut());
                    self.nodes_in(made.nodes);
                }
                part => run.push(part),
            }
        }
        self.append(run, stock.as_mut());
    }

    /// Room for so much, and for what comes behind the nodes: to grow for that would move everything once more.
    fn reserve(&mut self, grows: Counts) {
        let room = |n: usize| n + n / 8;
        self.out.nodes.reserve(room(grows.nodes));
        self.out.ops.reserve(room(grows.ops));
        self.out.texts.reserve(room(grows.texts));
        self.out.codes.reserve(room(grows.codes));
        self.out.places.reserve(room(grows.places));
        self.refs.reserve(room(grows.refs));
    }

    fn append(&mut self, parts: Vec<Part>, mut stock: Option<&mut Stock>) {
        let named = self.env.texts.len();
        let start = counts(&self.out, &self.refs);
        let grows = parts.iter().map(Part::counts);
        self.reserve(grows.fold(Counts::default(), Counts::plus));
        let mut moved: Vec<(Counts, Shift)> = Vec::with_capacity(parts.len());
        for part in parts {
            let (at, grows) = (counts(&self.out, &self.refs), part.counts());
            moved.push((grows, Shift::between(part.before(named), at, named)));
            let (nodes, ranged) = match part {
                Part::Taken(part) => {
                    if let Some(stock) = stock.as_deref_mut() {
                        stock.put(&part, &mut self.out, &mut self.refs);
                    }
                    let places = self.out.places.len() + part.places.len();
                    let nowhere = Place {
                        op: OpId(0),
                        key: smol_str::SmolStr::default(),
                    };
                    self.out.places.resize(places, nowhere);
                    self.ranged.extend_from_slice(&part.ranged);
                    (part.nodes, part.ranged)
                }
                Part::Made(mut made) => {
                    self.out.ops.append(&mut made.out.ops);
                    self.out.texts.append(&mut made.out.texts);
                    self.out.codes.append(&mut made.out.codes);
                    self.out.places.append(&mut made.out.places);
                    self.out.nodes.append(&mut made.out.nodes);
                    self.found.append(&mut made.found);
                    self.refs.append(&mut made.refs);
                    self.ranged.extend_from_slice(&made.ranged);
                    if !made.keep {
                        continue;
                    }
                    (made.nodes, made.ranged)
                }
            };
            let range = |before: usize, added: usize| before..before + added;
            self.parts.push(KeptPart {
                nodes,
                ops: range(at.ops, grows.ops),
                texts: range(at.texts, grows.texts),
                codes: range(at.codes, grows.codes),
                places: range(at.places, grows.places),
                refs: range(at.refs, grows.refs),
                ranged,
            });
        }
        let added = Numbered {
            nodes: self.out.nodes.get_mut(start.nodes..).unwrap_or_default(),
            ops: self.out.ops.get_mut(start.ops..).unwrap_or_default(),
            texts: self.out.texts.get_mut(start.texts..).unwrap_or_default(),
            codes: self.out.codes.get_mut(start.codes..).unwrap_or_default(),
            refs: self.refs.get_mut(start.refs..).unwrap_or_default(),
        };
        let mut parts = Vec::with_capacity(moved.len());
        moved.into_iter().fold(added, |mut left, (grows, by)| {
            let part = left.split_off(grows);
            if !by.is_nothing() {
                parts.push((part, by));
            }
            left
        });
        parts.into_par_iter().for_each(|(part, by)| by.part(part));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::Project;
    use std::fmt::Write as _;

    /// A bot of some hundred nodes with every kind of step, named texts, conditions with memory and unknown names.
    fn project() -> Project {
        let mut text = String::from(
            "bot demo { languages en; channels web; tiers bot -> human; start n0 }\ntier bot: scripted { cost 0.02 USD }\n\
             tier human: people { cost 5 USD }\nteam support { hours always }\nhandoff human { say hello }\n\
             slots { name: text; kind: state = open; items: list of text }\ncustomer { email: email private identifies }\n\
             enum state { open, closed }\ntext hello { en \"Hello {name ?? \"you\"}.\" }\ntext bye { en \"Bye.\" }\n\
             webhook find(name: text) -> text { get \"https://x.example/{name}\" }\nintent wish { \"a wish\" }\n",
        );
        for i in 0..333 {
            let next = (i * 7 + 1) % 333;
            let _ = write!(
                text,
                "node n{i} {{\n  say hello\n  say \"Step {i} {{name ?? \"nobody\"}}\" {{ card {{ title \"T\"; link \"https://x.example\" }} }}\n  \
                 ask name \"Your name?\" {{ invalid bye; otherwise -> n{next} }}\n  form name, kind\n  call find(name) as found {{ failed -> escalate because \"gone\" }}\n  \
                 set name = \"{{found}} and {{name}}\"\n  clear name\n  if turns > {i} and kind is open {{ note \"Long\"; tag long }} else {{ visit n{next} }}\n  \
                 match kind {{ open -> n{next}; closed {{ ticket within 2h \"For {{kind}}\" }} }}\n  choose name from items \"Which?\" {{ label \"{{it}}\"; none {{ say bye }} }}\n  \
                 confirm \"Sure?\" {{ yes {{ attempt \"it\" {{ worked {{ back }}; declined {{ callback within 1h }} }} }}; no -> end resolved }}\n  \
                 listen {{ intent wish -> n{next}; otherwise {{ survey csat }} }}\n  verify customer.email \"A code.\" {{ failed -> end unresolved }}\n  \
                 offer when turns > 3 {{ stay \"Wait\"; \"Go\" -> n{next} }}\n"
            );
            if i % 100 == 50 {
                let _ = write!(
                    text,
                    "  if sentiment < -{}% for 2 messages {{ say bye }}\n  say nmae\n  -> n{}x\n",
                    i % 90,
                    i
                );
            }
            if i % 100 == 51 {
                text.push_str("  if mood < -10% for 5m { say bye }\n");
            }
            let _ = write!(
                text,
                "  continue with human {{ resolved -> n{next}; otherwise -> end resolved }}\n}}\n"
            );
        }
        Project {
            flow_files: vec![("bot.flow".into(), text.into())],
            ..Project::default()
        }
    }

    #[test]
    fn parts_are_what_one_after_the_other_gives() {
        let project = project();
        let collected =
            crate::collect::collect(crate::load::load(&project, &mut Default::default()));
        let whole = |side_by_side: bool| {
            collected
                .env
                .suggestions_left
                .store(300, std::sync::atomic::Ordering::Relaxed);
            let mut lower = Lower::new(&collected.env, &collected.sources, &project);
            lower.named_texts();
            lower.fields();
            if side_by_side {
                lower.nodes();
            } else {
                lower.nodes_in(0..collected.env.nodes.len());
            }
            lower.handlers(&collected.unnamed);
            lower.name_places();
            (
                format!("{:#?}", lower.out),
                format!("{:#?} {:#?}", lower.found, lower.refs),
            )
        };
        let (parts, one) = (whole(true), whole(false));
        assert!(one.0.lines().count() > 100_000 && one.1.contains("did you mean"));
        let differs = parts.0.lines().zip(one.0.lines()).find(|(a, b)| a != b);
        assert_eq!(differs, None);
        assert_eq!(parts.0.len(), one.0.len());
        assert!(parts.1 == one.1);
    }
}
