//! What all checks of one run share, computed once and only when somebody asks.

use super::cover::Grid;
use super::flow::Flow;
use super::known::{Bits, Facts, Knowledge, Wanted};
use super::reads::Reads;
use crate::checks::{Context, f0501, f0701};
use crate::machine::{Expr, ExprKind, Machine};
use crate::sources::Sources;
use crate::value::CodeId;
use flow_grammar::{Loc, Span};
use rustc_hash::FxHashSet;
use std::sync::{Arc, OnceLock};

/// So many alternatives are followed at a time.
const TOGETHER: usize = 32;

/// So many times, of a small bot, and of one of so many operations once.
const MOST_ROUNDS: usize = 12;
const ROUNDS: usize = 400_000;

/// The bot with its shared analyses.
#[derive(Debug)]
pub(crate) struct Analysis<'a> {
    /// The bot.
    pub(crate) machine: &'a Machine,
    /// Its sources.
    pub(crate) sources: &'a Sources,
    /// The day from which hours are checked.
    pub(crate) date: jiff::civil::Date,
    refused: Option<&'a FxHashSet<u32>>,
    reads: OnceLock<Reads<'a>>,
    flow: OnceLock<Flow>,
    facts: OnceLock<Arc<Facts>>,
    known: OnceLock<(Knowledge, Vec<f0501::Doubt<'a>>)>,
    grids: OnceLock<Vec<Option<Grid>>>,
}

impl<'a> Analysis<'a> {
    pub(crate) fn new(cx: &Context<'a>) -> Self {
        Self {
            machine: cx.machine,
            sources: cx.sources,
            date: cx.date,
            refused: cx.refused,
            reads: OnceLock::new(),
            flow: OnceLock::new(),
            facts: OnceLock::new(),
            known: OnceLock::new(),
            grids: OnceLock::new(),
        }
    }

    /// As [`Self::new`], with what everything else needs already there.
    pub(crate) fn side_by_side(cx: &Context<'a>) -> Self {
        let this = Self::new(cx);
        rayon::join(
            || this.flow.get_or_init(|| Flow::new(cx.machine)),
            || this.facts(),
        );
        this
    }

    /// Sees to it that [`Self::known`] is there.
    pub(crate) fn find_out(&self) {
        self.known();
    }

    /// Whether nothing of a declaration was refused.
    pub(crate) fn whole(&self, decl: u32) -> bool {
        self.refused.is_none_or(|refused| !refused.contains(&decl))
    }

    /// Who leads where.
    pub(crate) fn flow(&self) -> &Flow {
        self.flow.get_or_init(|| Flow::new(self.machine))
    }

    /// What operations read.
    pub(crate) fn reads(&self) -> &Reads<'a> {
        self.reads.get_or_init(|| Reads::new(self.machine))
    }

    fn facts(&self) -> &Arc<Facts> {
        self.facts
            .get_or_init(|| Arc::new(Facts::new(self.machine, self.reads())))
    }

    /// What is surely known where.
    pub(crate) fn known(&self) -> &Knowledge {
        &self.known_and_doubts().0
    }

    /// Where something is read that is not surely known.
    pub(crate) fn doubts(&self) -> &[f0501::Doubt<'a>] {
        &self.known_and_doubts().1
    }

    fn known_and_doubts(&self) -> &(Knowledge, Vec<f0501::Doubt<'a>>) {
        self.known.get_or_init(|| {
            let known = Knowledge::new(self.machine, self.flow(), Arc::clone(self.facts()));
            let doubts = f0501::doubts(self, &known);
            // Only where something is in doubt it is worth to look closer.
            self.closer(&known, &doubts).unwrap_or((known, doubts))
        })
    }

    /// What is known, and still in doubt, when it is followed that one of several things is so; absent if nothing more is known then.
    fn closer(
        &self,
        known: &Knowledge,
        doubts: &[f0501::Doubt<'a>],
    ) -> Option<(Knowledge, Vec<f0501::Doubt<'a>>)> {
        let (machine, flow) = (self.machine, self.flow());
        let facts = doubts.iter().filter_map(f0501::Doubt::fact);
        let wanted = known.alternatives(machine, flow, self.reads(), facts);
        let follow = |wanted: &[Wanted]| {
            let known = known.with_alternatives(machine, flow, wanted);
            let doubts = f0501::doubts(self, &known);
            (known, doubts)
        };
        let rounds = (ROUNDS / machine.ops.len().max(1)).clamp(1, MOST_ROUNDS);
        let mut useful: Vec<Wanted> = Vec::new();
        let mut groups = wanted.into_iter().peekable();
        for round in 0..rounds {
            let mut some: Vec<Wanted> = Vec::new();
            while let Some(group) = groups.next_if(|g| some.len() + g.len() <= TOGETHER) {
                some.extend(group);
            }
            if some.is_empty() {
                break;
            }
            let (known, open) = follow(&some);
            if open.len() == doubts.len() {
                continue;
            }
            // Nearly always everything fits into one round.
            if round == 0 && groups.peek().is_none() {
                return Some((known, open));
            }
            let open: FxHashSet<_> = open.iter().filter_map(f0501::Doubt::fact).collect();
            useful.extend(some.into_iter().filter(|w| !open.contains(&w.doubt())));
        }
        (!useful.is_empty()).then(|| follow(&useful))
    }

    /// By matrix, its rows over its columns; absent where a column failed to check.
    pub(crate) fn grids(&self) -> &[Option<Grid>] {
        self.grids.get_or_init(|| {
            let routes = self.machine.routes.iter();
            routes.map(|route| f0701::grid(self, route)).collect()
        })
    }

    /// Whether an expression can be unknown where `bits` are known.
    pub(crate) fn may_be_unknown(&self, code: Option<CodeId>, expr: &Expr, bits: &Bits) -> bool {
        let mut expr = expr;
        // A segment is as unknown as its condition; the number of steps guards against segments that name each other.
        for _ in 0..16 {
            match &expr.kind {
                ExprKind::Segment(id) => match self.machine.segment(*id) {
                    Some(segment) => expr = &segment.when,
                    None => return false,
                },
                _ => return self.known().lacks(self.machine, code, expr, bits).is_some(),
            }
        }
        true
    }

    /// A step without its block, on one line: enough to point at it.
    pub(crate) fn line(&self, loc: Loc) -> Loc {
        let line = self.sources.snippet(loc).lines().next().unwrap_or_default();
        let mut quoted = false;
        let mut end = line.len();
        for (i, c) in line.char_indices() {
            match c {
                '"' => quoted = !quoted,
                '{' if !quoted && i > 0 => {
                    end = i;
                    break;
                }
                _ => {}
            }
        }
        let line = line.get(..end).unwrap_or(line).trim_end();
        match u32::try_from(line.len()) {
            Ok(len) if len > 0 => {
                Loc::new(loc.decl, Span::new(loc.span.start, loc.span.start + len))
            }
            _ => loc,
        }
    }

    /// The author's words at a place, on one line and not too long.
    pub(crate) fn words(&self, loc: Loc) -> String {
        let text = self.sources.snippet(loc);
        let line: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
        if line.chars().count() > 60 {
            line.chars().take(57).chain("...".chars()).collect()
        } else {
            line
        }
    }
}
