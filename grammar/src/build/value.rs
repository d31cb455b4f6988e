//! Literals: texts, numbers, durations, paths and types.

use super::{Builder, Pair, Rule};
use crate::ast::{ExprKind, Path, TextLit, TextPart, TextRef, TypeExpr, TypeKind};
use crate::span::{Name, Span, Spanned};
use rust_decimal::Decimal;
use smol_str::SmolStr;
use std::str::FromStr;

/// What a number token is.
pub(super) enum Number {
    Plain(f64),
    Percent(f64),
    Duration(i64),
    Money(Decimal, SmolStr),
    Bad,
}

/// Reads `42`, `3.5`, `100_000`, `70%`, `5m`, `120 USD`.
pub(super) fn number(text: &str) -> Number {
    // Underscores group digits; after them comes a unit, or nothing.
    let grouped = text
        .bytes()
        .take_while(|b| b.is_ascii_digit() || matches!(b, b'.' | b'_'))
        .count();
    if text.get(grouped..).is_some_and(|unit| unit.contains('_')) {
        return Number::Bad;
    }
    let clean: String = text.chars().filter(|c| *c != '_').collect();
    if let Some((amount, code)) = clean.split_once(' ') {
        return Decimal::from_str(amount)
            .map_or(Number::Bad, |a| Number::Money(a, SmolStr::new(code.trim())));
    }
    let digits = clean
        .bytes()
        .take_while(|b| b.is_ascii_digit() || *b == b'.')
        .count();
    let (value, unit) = clean.split_at(digits);
    let Ok(value) = f64::from_str(value) else {
        return Number::Bad;
    };
    let millis = match unit {
        "" => return Number::Plain(value),
        "%" => return Number::Percent(value / 100.0),
        "ms" => 1.0,
        "s" => 1_000.0,
        "m" => 60_000.0,
        "h" => 3_600_000.0,
        "d" => 86_400_000.0,
        _ => return Number::Bad,
    };
    let total = value * millis;
    // A thousand years is longer than any conversation.
    if total > 3.2e13 {
        return Number::Bad;
    }
    #[expect(clippy::cast_possible_truncation, reason = "bounded just above")]
    Number::Duration(total.round() as i64)
}

impl Builder<'_> {
    pub(super) fn number_kind(&mut self, pair: &Pair) -> ExprKind {
        match number(pair.as_str()) {
            Number::Plain(n) => ExprKind::Number(n),
            Number::Percent(n) => ExprKind::Percent(n),
            Number::Duration(n) => ExprKind::Duration(n),
            Number::Money(amount, code) => ExprKind::Money(amount, code),
            Number::Bad => {
                self.bad_number(pair);
                ExprKind::Error
            }
        }
    }

    fn bad_number(&mut self, pair: &Pair) {
        let at = self.span(pair);
        let text = pair.as_str().to_owned();
        let before = pair
            .get_input()
            .get(..pair.as_span().start() + text.bytes().take_while(u8::is_ascii_digit).count());
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let unit = text.get(digits..).unwrap_or_default();
        if let Some(before) = before
            && self.unit_apart(before, pair.as_span().start() + digits, unit)
        {
            return;
        }
        self.error(
            format!("`{text}` is no number"),
            at,
            "numbers are written `42`, `70%`, `5m`, `120 USD`",
        );
    }

    fn wrong_number(&mut self, pair: &Pair, what: &str, usage: &str) {
        if matches!(number(pair.as_str()), Number::Bad) {
            self.bad_number(pair);
            return;
        }
        let start = pair.as_span().start();
        let end = pair.as_span().end();
        let input = pair.get_input();
        let rest = input.get(end..).unwrap_or_default();
        let next = rest.trim_start_matches(' ');
        let before = input.get(..end).unwrap_or_default();
        if self.unit_apart(before, end + (rest.len() - next.len()), next) {
            return;
        }
        let head = input.get(..start).unwrap_or_default().trim_end().len();
        self.expected_at(what, input, head, usage);
    }

    /// A duration in milliseconds; reports anything else.
    pub(super) fn duration(&mut self, pair: &Pair, usage: &str) -> Option<Spanned<i64>> {
        if let Number::Duration(millis) = number(pair.as_str()) {
            return Some(Spanned::new(millis, self.span(pair)));
        }
        self.wrong_number(pair, "a duration", usage);
        None
    }

    /// A whole number.
    pub(super) fn whole(&mut self, pair: &Pair, usage: &str) -> Option<Spanned<u32>> {
        if let Number::Plain(value) = number(pair.as_str())
            && value.fract() == 0.0
            && (0.0..=f64::from(u32::MAX)).contains(&value)
        {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "whole and in range"
            )]
            return Some(Spanned::new(value as u32, self.span(pair)));
        }
        self.wrong_number(pair, "a whole number", usage);
        None
    }

    /// A percentage as a fraction.
    pub(super) fn percent(&mut self, pair: &Pair, usage: &str) -> Option<Spanned<f64>> {
        if let Number::Percent(value) = number(pair.as_str()) {
            return Some(Spanned::new(value, self.span(pair)));
        }
        self.wrong_number(pair, "a percentage", usage);
        None
    }

    pub(super) fn path(&mut self, pair: &Pair) -> Path {
        let whole = self.span(pair);
        let mut at = whole.start;
        let text = pair.as_str();
        let dots = text.bytes().filter(|b| *b == b'.').count();
        let mut segments = Vec::with_capacity(dots + 1);
        for part in text.split('.') {
            let end = at + u32::try_from(part.len()).unwrap_or_default();
            segments.push(Name {
                text: SmolStr::new(part),
                span: Span::new(at, end),
            });
            at = end + 1;
        }
        if segments.last().is_some_and(|s| s.text.is_empty()) {
            self.error(
                format!("expected a name after `{}`", pair.as_str()),
                whole,
                "write the field that is meant after the dot",
            );
        }
        Path {
            segments,
            span: whole,
        }
    }

    pub(super) fn text_ref(&mut self, pair: Pair) -> TextRef {
        if pair.as_rule() == Rule::text {
            TextRef::Lit(self.text(pair))
        } else {
            TextRef::Name(self.path(&pair))
        }
    }

    pub(super) fn ty(&mut self, pair: Pair) -> TypeExpr {
        let span = self.span(&pair);
        let mut lists = 0;
        let mut kind = TypeKind::Error;
        let mut optional = false;
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::list_of => lists = part.as_str().matches("list").count(),
                Rule::path => kind = TypeKind::Named(self.path(&part)),
                _ => optional = true,
            }
        }
        if lists > 1 {
            self.error(
                "a list holds no lists",
                span,
                "write `list of T` with a simple type, or a record that holds the inner list",
            );
            return TypeExpr {
                kind: TypeKind::Error,
                optional,
                span,
            };
        }
        if lists == 1 {
            let inner = TypeExpr {
                kind,
                optional: false,
                span,
            };
            kind = TypeKind::List(Box::new(inner));
        }
        TypeExpr {
            kind,
            optional,
            span,
        }
    }

    /// A text literal: escapes resolved, a block's common indentation removed.
    pub(super) fn text(&mut self, pair: Pair) -> TextLit {
        let span = self.span(&pair);
        let block = self.source(span).starts_with("\"\"\"");
        let inner = pair.into_inner();
        if !block {
            let mut parts = Vec::with_capacity(inner.len());
            for part in inner {
                match part.as_rule() {
                    Rule::raw if part.as_str().is_empty() => {}
                    Rule::raw => {
                        let at = self.span_exact(&part);
                        parts.push(TextPart::Str(self.unescape_at(at)));
                    }
                    _ => parts.push(TextPart::Expr(self.interpolation(part))),
                }
            }
            // Most texts are one piece or two; the rest of the room was for empty ones.
            parts.shrink_to_fit();
            return TextLit { parts, span };
        }
        let mut parts = Vec::new();
        let mut raws = Vec::new();
        for part in inner {
            match part.as_rule() {
                Rule::raw => {
                    let at = self.span_exact(&part);
                    raws.push((parts.len(), at));
                    parts.push(TextPart::Str(SmolStr::default()));
                }
                _ => {
                    let expr = self.interpolation(part);
                    parts.push(TextPart::Expr(expr));
                }
            }
        }
        self.block_parts(&raws, &mut parts);
        TextLit { parts, span }
    }

    fn span_exact(&self, pair: &Pair) -> Span {
        let at = pair.as_span();
        self.place(at.start(), at.end())
    }

    /// Removes the quotes' own lines and the indentation that all lines share.
    fn block_parts(&mut self, raws: &[(usize, Span)], parts: &mut Vec<TextPart>) {
        let mut texts: Vec<String> = raws
            .iter()
            .map(|(_, at)| self.source(*at).replace("\r\n", "\n"))
            .collect();
        // The second and third quote belong to the grammar's raw text.
        if let Some(first) = texts.first_mut() {
            *first = first.strip_prefix("\"\"").unwrap_or(first).to_owned();
        }
        if let Some(last) = texts.last_mut() {
            *last = last.strip_suffix("\"\"").unwrap_or(last).to_owned();
        }
        let mut indent: Option<usize> = None;
        for (index, text) in texts.iter().enumerate() {
            let lines: Vec<&str> = text.split('\n').collect();
            for (n, line) in lines.iter().enumerate().skip(1) {
                let blank =
                    line.trim().is_empty() && (n + 1 < lines.len() || index + 1 == texts.len());
                if !blank {
                    let width = line.len() - line.trim_start_matches([' ', '\t']).len();
                    indent = Some(indent.map_or(width, |i| i.min(width)));
                }
            }
        }
        let indent = indent.unwrap_or(0);
        let count = texts.len();
        for (n, text) in texts.iter_mut().enumerate() {
            let mut lines: Vec<&str> = text.split('\n').collect();
            let total = lines.len();
            for (i, line) in lines.iter_mut().enumerate() {
                // The first goes on with the line of the quotes, or of what is filled in.
                let begins = i > 0;
                if begins {
                    *line = line.get(indent..).unwrap_or_default();
                }
                if i + 1 < total || (begins && n + 1 == count) {
                    *line = line.trim_end_matches([' ', '\t']);
                }
            }
            let mut joined = lines.join("\n");
            if n == 0 {
                joined = match joined.split_once('\n') {
                    Some((head, rest)) if head.trim().is_empty() => rest.to_owned(),
                    _ => joined,
                };
            }
            if n + 1 == count {
                joined = joined.strip_suffix('\n').unwrap_or(&joined).to_owned();
            }
            *text = joined;
        }
        for ((index, at), text) in raws.iter().zip(texts) {
            let text = self.unescape(text, *at);
            if let Some(part) = parts.get_mut(*index) {
                *part = TextPart::Str(text);
            }
        }
        parts.retain(|part| !matches!(part, TextPart::Str(s) if s.is_empty()));
    }

    fn unescape_at(&mut self, at: Span) -> SmolStr {
        let text = self.source(at);
        if !text.contains('\\') {
            return SmolStr::new(text);
        }
        self.unescape(text.to_owned(), at)
    }

    fn unescape(&mut self, text: String, at: Span) -> SmolStr {
        if !text.contains('\\') {
            return SmolStr::from(text);
        }
        let mut out = String::with_capacity(text.len());
        let mut chars = text.chars();
        let mut unknown = None;
        while let Some(c) = chars.next() {
            if c != '\\' {
                out.push(c);
                continue;
            }
            match chars.next() {
                Some('n') => out.push('\n'),
                Some(c @ ('"' | '\\' | '{' | '}')) => out.push(c),
                Some(c) => {
                    unknown.get_or_insert(c);
                    out.push('\\');
                    out.push(c);
                }
                None => out.push('\\'),
            }
        }
        if let Some(c) = unknown {
            let place = self
                .source(at)
                .find(&format!("\\{c}"))
                .and_then(|n| u32::try_from(n).ok())
                .unwrap_or(0);
            let len = u32::try_from(1 + c.len_utf8()).unwrap_or(2);
            let here = Span::new(at.start + place, at.start + place + len);
            self.error(
                format!("a text has no escape `\\{c}`"),
                here,
                "texts know `\\\"`, `\\\\`, `\\n`, `\\{` and `\\}`; a backslash itself is `\\\\`",
            );
        }
        SmolStr::from(out)
    }
}
