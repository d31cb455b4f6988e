//! Expressions: the grammar gives a flat row of operands and operators, precedence is applied here.

use super::{Builder, Pair, Rule};
use crate::ast::{BinaryOp, Expr, ExprKind, Path, TimeScope};
use crate::diagnostic::{Diagnostic, Edit};
use crate::span::{Span, Spanned};
use std::iter::Peekable;
use std::vec::IntoIter;

/// How many operands and operators one expression may have.
const MAX_PARTS: usize = 512;

enum Part {
    Not(Span),
    Neg(Span),
    Operand(Expr),
    Op(Op, Span),
    Known(bool, Span),
    Messages(Spanned<u32>, Span),
    Held(Spanned<i64>, Span),
    /// `for` without what it needs; reported.
    Nothing,
}

#[derive(Clone, Copy)]
enum Op {
    Binary(BinaryOp),
    Is(bool),
    In(bool),
    Contains,
    ContainsAny,
    Matches,
}

/// How tightly an operator binds.
const fn power(op: Op) -> u8 {
    match op {
        Op::Binary(BinaryOp::Or) => 0,
        Op::Binary(BinaryOp::And) => 1,
        Op::Binary(BinaryOp::Add | BinaryOp::Sub) => 5,
        Op::Binary(BinaryOp::Mul | BinaryOp::Div) => 6,
        Op::Binary(BinaryOp::Coalesce) => 7,
        _ => COMPARISON,
    }
}
const NOT: u8 = 2;
const FOR: u8 = 3;
const COMPARISON: u8 = 4;
const TIGHT: u8 = 8;

impl Builder<'_> {
    pub(super) fn expr(&mut self, pair: Pair) -> Expr {
        let span = self.span(&pair);
        let mut parts = Vec::new();
        let mut inner = pair.into_inner().peekable();
        while let Some(part) = inner.next() {
            if parts.len() > MAX_PARTS {
                self.error(
                    "this expression is too long",
                    span,
                    "give parts of it a name with `segment NAME when ..`",
                );
                return Expr {
                    kind: ExprKind::Error,
                    span,
                };
            }
            let part = self.part(part, &mut inner);
            parts.push(part);
        }
        let mut row = parts.into_iter().peekable();
        self.climb(&mut row, 0, span)
    }

    fn part<'i>(
        &mut self,
        pair: Pair<'i>,
        rest: &mut Peekable<pest::iterators::Pairs<'i, Rule>>,
    ) -> Part {
        let span = self.span(&pair);
        match pair.as_rule() {
            Rule::negation => match pair.as_str().trim_end() {
                "-" => Part::Neg(span),
                "!" => {
                    // The spaces after it are part of the place.
                    self.rewrite_as("!", "not", "not ", span);
                    Part::Not(span)
                }
                _ => Part::Not(span),
            },
            Rule::op => Part::Op(self.op(&pair, span), span),
            Rule::known => {
                let text = pair.as_str();
                let known =
                    text.ends_with("unknown") == text.split_whitespace().any(|w| w == "not");
                Part::Known(known, span)
            }
            Rule::held => self.held(pair, span),
            Rule::missing => {
                let end = pair.as_span().start();
                let input = pair.get_input();
                let end = input
                    .get(..end)
                    .unwrap_or_default()
                    .trim_end_matches([' ', '\n'])
                    .len();
                self.expected_at(
                    "a value",
                    input,
                    end,
                    "write a value: a name, a text, a number",
                );
                Part::Operand(Expr {
                    kind: ExprKind::Error,
                    span,
                })
            }
            _ => Part::Operand(self.operand(pair, rest)),
        }
    }

    fn rewrite(&mut self, wrong: &str, right: &str, at: Span) {
        self.rewrite_as(wrong, right, right, at);
    }

    /// The same where more than the words themselves is replaced.
    fn rewrite_as(&mut self, wrong: &str, right: &str, text: &str, at: Span) {
        self.push(
            Diagnostic::error("F0101", format!("`{wrong}` is written `{right}`"), at)
                .help(format!("write `{right}`"))
                .fix(
                    format!("write `{right}`"),
                    true,
                    vec![Edit {
                        at,
                        text: text.to_owned(),
                    }],
                ),
        );
    }

    fn op(&mut self, pair: &Pair, span: Span) -> Op {
        let text = pair.as_str();
        match text {
            "??" => Op::Binary(BinaryOp::Coalesce),
            "*" => Op::Binary(BinaryOp::Mul),
            "/" => Op::Binary(BinaryOp::Div),
            "+" => Op::Binary(BinaryOp::Add),
            "-" => Op::Binary(BinaryOp::Sub),
            "<" => Op::Binary(BinaryOp::Lt),
            "<=" => Op::Binary(BinaryOp::Le),
            ">" => Op::Binary(BinaryOp::Gt),
            ">=" => Op::Binary(BinaryOp::Ge),
            "and" => Op::Binary(BinaryOp::And),
            "or" => Op::Binary(BinaryOp::Or),
            "&&" => {
                self.rewrite(text, "and", span);
                Op::Binary(BinaryOp::And)
            }
            "||" => {
                self.rewrite(text, "or", span);
                Op::Binary(BinaryOp::Or)
            }
            "=" | "==" => {
                self.rewrite(text, "is", span);
                Op::Is(false)
            }
            "!=" => {
                self.rewrite(text, "is not", span);
                Op::Is(true)
            }
            "=<" => {
                self.rewrite(text, "<=", span);
                Op::Binary(BinaryOp::Le)
            }
            "is" => Op::Is(false),
            "in" => Op::In(false),
            "contains" => Op::Contains,
            "matches" => Op::Matches,
            _ if text.starts_with("is") => Op::Is(true),
            _ if text.starts_with("not") => Op::In(true),
            _ => Op::ContainsAny,
        }
    }

    /// `for 2 messages`, `for 5m`.
    fn held(&mut self, pair: Pair, span: Span) -> Part {
        let whole = pair.clone();
        let mut number = None;
        let mut messages = false;
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::num => number = Some(part),
                _ => messages = true,
            }
        }
        const USAGE: &str = "write `for 2 messages` or `for 5m`";
        let Some(number) = number else {
            self.expected("a number of messages or a duration", &whole, USAGE);
            return Part::Nothing;
        };
        if messages {
            let count = self.whole(&number, USAGE);
            if count.as_ref().is_some_and(|n| n.node == 0) {
                let at = self.span(&number);
                self.error("a condition holds for at least 1 message", at, USAGE);
            }
            count.map_or(Part::Nothing, |n| Part::Messages(n, span))
        } else {
            self.duration(&number, USAGE)
                .map_or(Part::Nothing, |n| Part::Held(n, span))
        }
    }

    pub(super) fn operand<'i>(
        &mut self,
        pair: Pair<'i>,
        rest: &mut Peekable<pest::iterators::Pairs<'i, Rule>>,
    ) -> Expr {
        let span = self.span(&pair);
        let kind = match pair.as_rule() {
            Rule::text => ExprKind::Text(self.text(pair)),
            Rule::num => self.number_kind(&pair),
            Rule::time => ExprKind::Time(pair.as_str().into()),
            Rule::date => {
                let text = pair.as_str();
                if text.len() > 10 {
                    ExprKind::DateTime(text.replace('T', " ").into())
                } else {
                    ExprKind::Date(text.into())
                }
            }
            Rule::regex => {
                let source = self.source(span);
                let inner = source
                    .get(1..source.len().saturating_sub(1))
                    .unwrap_or_default();
                ExprKind::Regex(inner.into())
            }
            Rule::list => ExprKind::List(self.list(pair)),
            Rule::paren => return self.paren(pair),
            Rule::at_least => self.at_least(pair),
            Rule::time_in => self.time_in(pair),
            Rule::hours_is => {
                let during = pair.as_str().starts_with("during");
                match pair.into_inner().next() {
                    Some(hours) => ExprKind::Hours {
                        during,
                        hours: self.path(&hours),
                    },
                    None => ExprKind::Error,
                }
            }
            Rule::path => return self.path_or_call(&pair, rest),
            _ => ExprKind::Error,
        };
        Expr { kind, span }
    }

    fn path_or_call<'i>(
        &mut self,
        pair: &Pair<'i>,
        rest: &mut Peekable<pest::iterators::Pairs<'i, Rule>>,
    ) -> Expr {
        let path: Path = self.path(pair);
        let span = path.span;
        if let Some(args) = rest.next_if(|p| p.as_rule() == Rule::args) {
            let whole = span.to(self.span(&args));
            let args = self.args(args);
            return Expr {
                kind: ExprKind::Call(path, args),
                span: whole,
            };
        }
        let kind = match pair.as_str() {
            "true" => ExprKind::Bool(true),
            "false" => ExprKind::Bool(false),
            _ => ExprKind::Path(path),
        };
        Expr { kind, span }
    }

    pub(super) fn args(&mut self, pair: Pair) -> Vec<Expr> {
        let closed = self.closed(&pair, ')');
        self.values(pair, closed)
    }

    fn list(&mut self, pair: Pair) -> Vec<Expr> {
        let closed = self.closed(&pair, ']');
        self.values(pair, closed)
    }

    /// The values between brackets. Where the closing one is missing, what does not fit follows from that.
    fn values(&mut self, pair: Pair, closed: bool) -> Vec<Expr> {
        let mut out = Vec::new();
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::expr => out.push(self.expr(part)),
                Rule::stray => self.trailing_comma(&part),
                _ if closed => self.between_values(&part),
                _ => {}
            }
        }
        out
    }

    /// What does not fit inside brackets.
    fn between_values(&mut self, junk: &Pair) {
        if self
            .diagnostics
            .last()
            .is_some_and(|d| d.labels.iter().any(|l| self.span(junk).start <= l.at.start))
        {
            return;
        }
        let start = junk.as_span().start();
        let before = junk
            .get_input()
            .get(..start)
            .unwrap_or_default()
            .trim_end_matches(' ')
            .len();
        if self.unit_apart(
            junk.get_input().get(..before).unwrap_or_default(),
            start,
            junk.as_str(),
        ) {
            return;
        }
        self.expected_at(
            "`,` or the closing bracket",
            junk.get_input(),
            before,
            "separate values by commas",
        );
    }

    /// Whether brackets are closed; that they are not is reported.
    pub(super) fn closed(&mut self, pair: &Pair, closer: char) -> bool {
        let text = pair.as_str().trim_end_matches([' ', '\n']);
        if text.ends_with(closer) && text.len() > 1 {
            return true;
        }
        let at = pair.as_span().start();
        let open = self.place(at, at + 1);
        // `call f(x as y {`: what names the result stands behind the bracket.
        let inside = text.rsplit_once(" as ").filter(|(_, name)| {
            closer == ')'
                && name
                    .trim()
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b == b'_')
        });
        let end = match inside {
            Some((arguments, _)) => self.place(at, at + arguments.trim_end().len()).end,
            None => self.span(pair).end,
        };
        let finding = Diagnostic::error(
            "F0101",
            format!("this `{}` is never closed", self.source(open)),
            open,
        )
        .help(format!("close it with `{closer}`"))
        .fix(
            format!("write `{closer}`"),
            false,
            vec![Edit {
                at: Span::new(end, end),
                text: closer.to_string(),
            }],
        );
        self.push(finding);
        false
    }

    fn paren(&mut self, pair: Pair) -> Expr {
        let closed = self.closed(&pair, ')');
        let span = self.span(&pair);
        let whole = pair.clone();
        let mut found = None;
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::expr => found = Some(self.expr(part)),
                _ if closed => self.between_values(&part),
                _ => {}
            }
        }
        match found {
            // The brackets belong to what they hold, so that a message underlines them too.
            Some(inner) => Expr {
                kind: inner.kind,
                span,
            },
            None => {
                self.expected("a value", &whole, "write a value between the brackets");
                Expr {
                    kind: ExprKind::Error,
                    span,
                }
            }
        }
    }

    fn at_least(&mut self, pair: Pair) -> ExprKind {
        let mut count = None;
        let mut conds = Vec::new();
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::count => count = self.whole(&part, "write `2 of [COND, COND, COND]`"),
                _ => conds = self.list(part),
            }
        }
        count.map_or(ExprKind::Error, |count| ExprKind::AtLeast { count, conds })
    }

    fn time_in(&mut self, pair: Pair) -> ExprKind {
        let Some(scope) = pair.into_inner().next() else {
            return ExprKind::Error;
        };
        match scope.as_str() {
            "tier" => ExprKind::TimeIn(TimeScope::Tier),
            "conversation" => ExprKind::TimeIn(TimeScope::Conversation),
            other => {
                let message =
                    format!("expected `tier` or `conversation` after `time in`, found `{other}`");
                let at = self.span(&scope);
                self.error(
                    message,
                    at,
                    "write `time in tier` or `time in conversation`",
                );
                ExprKind::Error
            }
        }
    }

    /// `{expr}` in a text.
    pub(super) fn interpolation(&mut self, pair: Pair) -> Expr {
        let span = self.span(&pair);
        let mut found = None;
        let before = self.diagnostics.len();
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::expr if part.as_str().trim().is_empty() => {}
                Rule::expr => found = Some(self.expr(part)),
                _ if self.diagnostics.len() == before && found.is_some() => {
                    let here = self.span(&part);
                    let text = crate::normal::shorten(self.source(here));
                    self.error(
                        format!("unexpected `{text}` in `{{ }}`"),
                        here,
                        "one expression stands between the braces",
                    );
                }
                _ => {}
            }
        }
        found.unwrap_or_else(|| {
            if self.diagnostics.len() == before {
                self.error(
                    "expected an expression between the braces",
                    span,
                    "write a name, as in `{order_id}`, or `\\{` for a brace in the text",
                );
            }
            Expr {
                kind: ExprKind::Error,
                span,
            }
        })
    }

    fn climb(&mut self, row: &mut Peekable<IntoIter<Part>>, least: u8, whole: Span) -> Expr {
        let mut left = match row.next() {
            Some(Part::Not(at)) => {
                let inner = self.climb(row, NOT, whole);
                Expr {
                    span: at.to(inner.span),
                    kind: ExprKind::Not(Box::new(inner)),
                }
            }
            Some(Part::Neg(at)) => {
                let inner = self.climb(row, TIGHT, whole);
                Expr {
                    span: at.to(inner.span),
                    kind: ExprKind::Neg(Box::new(inner)),
                }
            }
            Some(Part::Operand(expr)) => expr,
            _ => Expr {
                kind: ExprKind::Error,
                span: whole,
            },
        };
        loop {
            let (binds, at) = match row.peek() {
                Some(Part::Op(op, at)) => (power(*op), *at),
                Some(Part::Known(_, at)) => (COMPARISON, *at),
                Some(Part::Messages(_, at) | Part::Held(_, at)) => (FOR, *at),
                Some(Part::Nothing) => {
                    row.next();
                    continue;
                }
                _ => return left,
            };
            if binds < least {
                return left;
            }
            left = match row.next() {
                Some(Part::Op(op, _)) => {
                    let right = self.climb(row, binds + 1, whole);
                    let span = left.span.to(right.span);
                    let (left, right) = (Box::new(left), Box::new(right));
                    let kind = match op {
                        Op::Binary(op) => ExprKind::Binary(op, left, right),
                        Op::Is(negated) => ExprKind::Is {
                            negated,
                            left,
                            right,
                        },
                        Op::In(negated) => ExprKind::In {
                            negated,
                            left,
                            right,
                        },
                        Op::Contains => ExprKind::Contains { left, right },
                        Op::ContainsAny => ExprKind::ContainsAny { left, right },
                        Op::Matches => ExprKind::Matches { left, right },
                    };
                    Expr { kind, span }
                }
                Some(Part::Known(known, _)) => Expr {
                    span: left.span.to(at),
                    kind: ExprKind::Known {
                        known,
                        of: Box::new(left),
                    },
                },
                Some(Part::Messages(count, _)) => Expr {
                    span: left.span.to(at),
                    kind: ExprKind::ForMessages {
                        cond: Box::new(left),
                        count,
                    },
                },
                Some(Part::Held(millis, _)) => Expr {
                    span: left.span.to(at),
                    kind: ExprKind::ForDuration {
                        cond: Box::new(left),
                        millis,
                    },
                },
                _ => return left,
            };
        }
    }
}
