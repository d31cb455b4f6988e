//! Facts: which things can be known, as numbers.

use super::bits::Bits;
use super::either::{Alternatives, Wanted};
use super::paths::{base_of, ends_in, is_told_apart, path_of};
use super::values::{Tried, Values};
use crate::checks::support::defaults;
use crate::checks::support::reads::Reads;
use crate::checks::support::walk;
use crate::machine::{Expr, ExprKind, Machine, OpKind, Signal, Var};
use crate::value::{CodeId, LocalId, OpId, Type};
use flow_grammar::ast::BinaryOp;
use rustc_hash::FxHashMap;
use smol_str::SmolStr;

/// A fact. Those about slots and the profile have the same number everywhere, those about results their own per body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct FactId(pub(super) u32);

/// Of what a fact speaks, fields apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Base {
    Var(Var),
    Local(CodeId, LocalId),
    Signal(Signal),
}

pub(super) type Path = (Base, Vec<SmolStr>);

/// So many facts of one thing are looked through, more are looked up.
const FEW: usize = 16;

/// All facts of a machine.
#[derive(Debug, Clone)]
pub(crate) struct Facts {
    /// The facts of things that have many, by what they are about.
    ids: FxHashMap<Path, FactId>,
    /// By base, all its facts.
    of_base: FxHashMap<Base, Vec<(Vec<SmolStr>, FactId)>>,
    /// By number, what a fact is about.
    names: Vec<Path>,
    /// How many slots, and fields of the profile, there are.
    slots: usize,
    fields: usize,
    globals: u32,
    len: usize,
    /// The facts that always hold: slots with a default.
    pub(super) always: Bits,
    /// The facts about signals.
    signals: Bits,
    /// That slots have values, or not: numbered behind all that are known.
    pub(super) values: Values,
    /// That one of several facts holds: numbered behind all others.
    pub(super) either: Alternatives,
}

impl Facts {
    pub(crate) fn new(machine: &Machine, reads: &Reads<'_>) -> Self {
        let mut this = Self {
            ids: FxHashMap::default(),
            of_base: FxHashMap::default(),
            names: Vec::new(),
            slots: machine.slots.len(),
            fields: machine.customer.len(),
            globals: 0,
            len: 0,
            always: Bits::new(0),
            signals: Bits::new(0),
            values: Values::default(),
            either: Alternatives::default(),
        };
        for i in 0..machine.slots.len() {
            this.intern_global((
                Base::Var(Var::Slot(crate::value::SlotId(
                    u32::try_from(i).unwrap_or(u32::MAX),
                ))),
                Vec::new(),
            ));
        }
        for i in 0..machine.customer.len() {
            this.intern_global((
                Base::Var(Var::Customer(crate::value::FieldId(
                    u32::try_from(i).unwrap_or(u32::MAX),
                ))),
                Vec::new(),
            ));
        }
        let mut used: FxHashMap<CodeId, u32> = FxHashMap::default();
        let mut see = |code: Option<CodeId>, expr: &Expr| {
            // Slots and fields of the profile themselves are there already.
            let told_apart = match expr.kind {
                ExprKind::Field(..) | ExprKind::Local(_) => true,
                ExprKind::Signal(signal) => is_told_apart(signal),
                _ => false,
            };
            if told_apart
                && this.of(code, expr).is_none()
                && let Some(path) = path_of(code, expr)
            {
                this.intern(path, &mut used);
            }
        };
        let code = |op: OpId| machine.op(op).map(|op| op.code);
        for (op, value) in reads.values() {
            walk::each_expr(machine, value, &mut |e| see(code(*op), e));
        }
        for (op, text) in reads.filled() {
            walk::each_interpolation(machine, *text, &mut |e| {
                walk::each_expr(machine, e, &mut |e| see(code(*op), e))
            });
        }
        for op in &machine.ops {
            if let OpKind::Call {
                local: Some(local), ..
            } = &op.kind
            {
                locals_push(&mut see, op.code, *local);
            }
        }
        walk::exprs_outside_ops(machine, &mut |e| {
            walk::each_expr(machine, e, &mut |e| see(None, e))
        });
        walk::texts_outside_ops(machine, &mut |t, _| {
            walk::each_interpolation(machine, t, &mut |e| {
                walk::each_expr(machine, e, &mut |e| see(None, e))
            })
        });
        this.number_locals(&used);
        this.always = this.none();
        this.defaults(machine);
        this.vouched(machine);
        this.signals = this.signals();
        this
    }

    /// What has a default that surely has a value is always known. Defaults may read each other: one by one, until no other is found.
    fn defaults(&mut self, machine: &Machine) {
        let mut open: Vec<(Var, &Expr)> = defaults::vars(machine)
            .filter_map(|(var, field)| Some((var, field.default.as_ref()?)))
            .collect();
        loop {
            let before = open.len();
            open.retain(|(var, default)| {
                if self.default_lacks(machine, default, &self.always, 0) {
                    return true;
                }
                if let Some(fact) = self.of_var(*var) {
                    self.always.insert(fact);
                }
                false
            });
            if open.len() == before {
                break;
            }
        }
        // What reads itself, or has no type, is reported as that; nothing more is said of it.
        let untyped = defaults::vars(machine).filter(|(_, field)| field.ty == Type::Error);
        let circles = defaults::circles(machine).into_iter().flatten();
        for var in circles.chain(untyped.map(|(var, _)| var)) {
            if let Some(fact) = self.of_var(var) {
                self.always.insert(fact);
            }
        }
    }

    /// The same facts, and that one of several of them holds; by body where they are about its own results.
    pub(super) fn with_alternatives(&self, machine: &Machine, wanted: &[Wanted]) -> Self {
        let first = |len: usize| u32::try_from(len).unwrap_or(u32::MAX);
        let mut this = self.clone();
        let mut tried: Vec<Tried> = Vec::new();
        for value in wanted.iter().flat_map(|w| &w.value) {
            if !tried.contains(value) {
                tried.push(value.clone());
            }
        }
        this.values = Values::new(machine, tried, first(this.len));
        this.len += this.values.len();
        let sets = wanted.iter().flat_map(|wanted| {
            let known = || wanted.known.iter().copied();
            match &wanted.value {
                None => vec![(wanted.code, known().collect())],
                Some(value) => (this.values.of(value).into_iter().flatten())
                    .map(|side| (wanted.code, known().chain([side]).collect()))
                    .collect::<Vec<(_, Vec<_>)>>(),
            }
        });
        this.either = Alternatives::new(sets, first(this.len));
        this.len += this.either.len();
        for set in [&mut this.always, &mut this.signals] {
            let mut longer = Bits::new(this.len);
            longer.union(set);
            *set = longer;
        }
        this
    }

    /// Whether a fact means something in its own body only.
    pub(super) fn is_local(&self, fact: FactId) -> bool {
        fact.0 >= self.globals
    }

    /// Whether a fact holds everywhere.
    pub(super) fn holds_always(&self, fact: FactId) -> bool {
        self.always.has(fact)
    }

    /// Adds what follows from what is known: that one of several things is.
    pub(super) fn close(&self, code: CodeId, bits: &mut Bits) {
        self.either.close(code, bits);
    }

    /// An expression was seen to have no value: then something else that may have been known instead of it is.
    pub(super) fn miss(&self, code: CodeId, expr: &Expr, bits: &mut Bits) {
        if let ExprKind::Binary(BinaryOp::Coalesce, a, b) = &expr.kind {
            self.miss(code, a, bits);
            self.miss(code, b, bits);
        } else if let Some(fact) = self.of(Some(code), expr) {
            self.either.without(code, &[fact], bits);
        }
    }

    /// Without what is said of several things at once.
    pub(super) fn single(&self, mut bits: Bits) -> Bits {
        self.either.all().for_each(|id| bits.remove(id));
        bits
    }

    fn signals(&self) -> Bits {
        let mut bits = self.none();
        let facts = (0u32..).map(FactId).zip(&self.names);
        facts
            .filter(|(_, (base, _))| matches!(base, Base::Signal(_)))
            .for_each(|(id, _)| bits.insert(id));
        bits
    }

    /// Adds everything that a signal can be known for: none of it outlasts a wait.
    pub(super) fn mark_signals(&self, bits: &mut Bits) {
        bits.union(&self.signals);
    }

    fn intern(&mut self, path: Path, used: &mut FxHashMap<CodeId, u32>) {
        match path.0 {
            Base::Var(_) | Base::Signal(_) => self.intern_global(path),
            // What bodies know of their own shares numbers, behind those of what all know; how many those are shows at the end.
            Base::Local(code, _) => {
                let used = used.entry(code).or_insert(0);
                self.intern_prefixes(&path, |_| {
                    *used += 1;
                    FactId(*used - 1)
                });
            }
        }
    }

    fn intern_global(&mut self, path: Path) {
        self.intern_prefixes(&path, |this| {
            FactId(u32::try_from(this.names.len()).unwrap_or(u32::MAX))
        });
    }

    /// A thing, its field, the field of that.
    fn intern_prefixes(&mut self, (base, fields): &Path, mut next: impl FnMut(&Self) -> FactId) {
        for n in 0..=fields.len() {
            let fields = fields.get(..n).unwrap_or_default();
            if self.find(*base, fields).is_some() {
                continue;
            }
            let (fields, id) = (fields.to_vec(), next(self));
            if !matches!(base, Base::Local(..)) {
                self.names.push((*base, fields.clone()));
            }
            let facts = self.of_base.entry(*base).or_default();
            facts.push((fields, id));
            if facts.len() > FEW {
                self.ids.extend(
                    facts
                        .iter()
                        .skip(if facts.len() == FEW + 1 {
                            0
                        } else {
                            facts.len() - 1
                        })
                        .map(|(fields, id)| ((*base, fields.clone()), *id)),
                );
            }
        }
    }

    fn number_locals(&mut self, used: &FxHashMap<CodeId, u32>) {
        self.globals = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
        self.len = self.names.len() + used.values().max().map_or(0, |n| *n as usize);
        let of_base = self
            .of_base
            .iter_mut()
            .filter(|(base, _)| matches!(base, Base::Local(..)));
        for (_, id) in of_base.flat_map(|(_, facts)| facts) {
            id.0 += self.globals;
        }
        for ((base, _), id) in &mut self.ids {
            if matches!(base, Base::Local(..)) {
                id.0 += self.globals;
            }
        }
    }

    pub(super) fn none(&self) -> Bits {
        Bits::new(self.len)
    }

    pub(super) fn always(&self) -> Bits {
        self.always.clone()
    }

    /// Only the facts that mean the same in every body.
    pub(super) fn globals(&self, bits: &Bits) -> Bits {
        let mut out = bits.clone();
        out.keep_first(self.globals);
        let others = self.either.globals().chain(self.values.all());
        let either = others.filter(|id| bits.has(*id));
        either.for_each(|id| out.insert(id));
        out
    }

    /// The fact that an expression is known, if there is one about it.
    pub(super) fn of(&self, code: Option<CodeId>, expr: &Expr) -> Option<FactId> {
        match &expr.kind {
            ExprKind::Slot(id) => return self.of_var(Var::Slot(*id)),
            ExprKind::Customer(id) => return self.of_var(Var::Customer(*id)),
            ExprKind::Field(..) | ExprKind::Local(_) => {}
            ExprKind::Signal(signal) if is_told_apart(*signal) => {}
            _ => return None,
        }
        // Nearly everything has few facts; then its path need not be written down to be found.
        let (base, depth) = base_of(code, expr)?;
        let facts = self.of_base.get(&base)?;
        if facts.len() > FEW {
            return self.ids.get(&path_of(code, expr)?).copied();
        }
        facts
            .iter()
            .find(|(fields, _)| fields.len() == depth && ends_in(expr, fields))
            .map(|(_, id)| *id)
    }

    fn find(&self, base: Base, fields: &[SmolStr]) -> Option<FactId> {
        let facts = self.of_base.get(&base)?;
        if facts.len() > FEW {
            return self.ids.get(&(base, fields.to_vec())).copied();
        }
        let fact = facts.iter().find(|(known, _)| known == fields)?;
        Some(fact.1)
    }

    pub(super) fn learn_var(&self, var: Var, bits: &mut Bits) {
        if let Some(id) = self.of_var(var) {
            bits.insert(id);
        }
    }

    /// The fact that a slot or field itself is known: those have the first numbers, in their order.
    pub(super) fn of_var(&self, var: Var) -> Option<FactId> {
        let (at, count) = match var {
            Var::Slot(id) => (id.index(), self.slots),
            Var::Customer(id) => (id.index() + self.slots, self.slots + self.fields),
        };
        (at < count).then_some(FactId(u32::try_from(at).ok()?))
    }

    pub(super) fn learn_local(&self, code: CodeId, local: LocalId, bits: &mut Bits) {
        if let Some(id) = self.find(Base::Local(code, local), &[]) {
            bits.insert(id);
        }
    }

    pub(super) fn forget_local(&self, code: CodeId, local: LocalId, bits: &mut Bits) {
        for id in self.about(Base::Local(code, local), false) {
            bits.remove(id);
            self.either.of(id).for_each(|id| bits.remove(id));
        }
    }

    pub(super) fn forget_var(&self, var: Var, bits: &mut Bits) {
        for id in self.about(Base::Var(var), false) {
            if !self.always.has(id) {
                bits.remove(id);
                self.either.of(id).for_each(|id| bits.remove(id));
            }
        }
    }

    /// Adds everything about a variable to a set.
    pub(super) fn mark_var(&self, var: Var, bits: &mut Bits) {
        for id in self.about(Base::Var(var), false) {
            if !self.always.has(id) {
                bits.insert(id);
                self.either.of(id).for_each(|id| bits.insert(id));
            }
        }
    }

    /// Adds everything about the fields of a variable to a set.
    pub(super) fn mark_fields(&self, var: Var, bits: &mut Bits) {
        for id in self.about(Base::Var(var), true) {
            bits.insert(id);
            self.either.of(id).for_each(|id| bits.insert(id));
        }
    }

    /// The facts about a thing and its fields, or about its fields alone.
    fn about(&self, base: Base, fields: bool) -> impl Iterator<Item = FactId> + '_ {
        let all = self.of_base.get(&base).into_iter().flatten();
        all.filter(move |(path, _)| !(fields && path.is_empty()))
            .map(|(_, id)| *id)
    }

    /// `set VAR = VALUE`: afterwards the variable is known (that the value is, is demanded of it), and its fields as those of the value.
    pub(super) fn assign(
        &self,
        machine: &Machine,
        code: CodeId,
        var: Var,
        value: &Expr,
        bits: &mut Bits,
    ) {
        let from = path_of(Some(code), value);
        let mut known = Vec::new();
        if let Some((base, prefix)) = from {
            for (fields, id) in self.of_base.get(&Base::Var(var)).into_iter().flatten() {
                let source: Vec<SmolStr> = prefix.iter().chain(fields).cloned().collect();
                if !fields.is_empty() && self.find(base, &source).is_some_and(|s| bits.has(s)) {
                    known.push(*id);
                }
            }
        }
        let _ = machine;
        self.forget_var(var, bits);
        self.learn_var(var, bits);
        known.into_iter().for_each(|id| bits.insert(id));
    }

    /// The fact in the author's words.
    pub(super) fn name(&self, machine: &Machine, code: Option<CodeId>, fact: FactId) -> String {
        let local = |code: CodeId| {
            self.of_base
                .iter()
                .filter(|(base, _)| matches!(base, Base::Local(of, _) if *of == code))
                .flat_map(|(base, facts)| facts.iter().map(move |(fields, id)| (base, fields, *id)))
                .find(|(.., id)| *id == fact)
        };
        let found = match self.names.get(fact.0 as usize) {
            Some((base, fields)) => Some((base, fields)),
            None => code.and_then(local).map(|(base, fields, _)| (base, fields)),
        };
        let Some((base, fields)) = found else {
            return String::new();
        };
        let mut name = match base {
            Base::Var(var) => var_name(machine, *var),
            Base::Local(code, local) => machine
                .code(*code)
                .and_then(|c| c.locals.get(local.index()))
                .map(|l| l.name.to_string())
                .unwrap_or_default(),
            // Whoever reads a signal names it as the author did.
            Base::Signal(_) => String::new(),
        };
        for field in fields {
            name.push('.');
            name.push_str(field);
        }
        name
    }
}

fn locals_push(see: &mut impl FnMut(Option<CodeId>, &Expr), code: CodeId, local: LocalId) {
    let expr = Expr {
        kind: ExprKind::Local(local),
        ty: Type::Error,
        loc: flow_grammar::Loc::default(),
    };
    see(Some(code), &expr);
}

/// `slot`, `customer.field`.
pub(crate) fn var_name(machine: &Machine, var: Var) -> String {
    match var {
        Var::Slot(id) => machine
            .slot(id)
            .map(|s| s.name.to_string())
            .unwrap_or_default(),
        Var::Customer(id) => machine
            .customer_field(id)
            .map(|f| format!("customer.{}", f.name))
            .unwrap_or_default(),
    }
}
