//! Fields, enums, records, slots and the customer.

use super::question::Parts;
use super::value::{Number, number};
use super::words;
use super::{Builder, Pair, Rule};
use crate::ast::{CustomerDecl, DeclKind, EnumDecl, Expr, ExprKind, Field, RecordDecl, SlotsDecl};
use crate::diagnostic::{Diagnostic, Edit};
use crate::span::{Name, Span, Spanned};

/// The word or sign with which a modifier begins.
fn first_word(text: &str) -> &str {
    text.split([' ', '"', '/']).next().unwrap_or_default()
}

impl Builder<'_> {
    /// `NAME` after a declaration's keyword.
    pub(super) fn decl_name(
        &mut self,
        parts: &mut Parts,
        item: &Pair,
        usage: &str,
    ) -> Option<Name> {
        let name = parts.get(Rule::name);
        if name.is_none() {
            self.expected_at("a name", item.get_input(), item.as_span().start(), usage);
        }
        name.map(|name| self.name(&name))
    }

    /// Reports that `what` was expected directly after a place.
    pub(super) fn expected_after(&mut self, what: &str, at: Span, input: &str, usage: &str) {
        let end = isize::try_from(at.end).unwrap_or_default() - self.base;
        self.expected_at(what, input, usize::try_from(end).unwrap_or_default(), usage);
    }

    /// What is left of a declaration: junk in its header has been taken; here comes what follows its end.
    pub(super) fn decl_end(&mut self, parts: &mut Parts) {
        if let Some(tail) = parts.get(Rule::tail) {
            self.tail(&tail);
        }
    }

    /// `hjunk? block? tail?` of a declaration.
    pub(super) fn decl_block(
        &mut self,
        parts: &mut Parts,
        item: &Pair,
        before: usize,
        (block, rule): (Rule, Rule),
        words: &words::Words,
        then: &mut dyn FnMut(&mut Self, Pair),
    ) {
        self.header_junk(parts, before);
        let found = parts.get(block);
        // A header that failed, or lacks its brace, has been reported.
        let optional = matches!(block, Rule::tier_block | Rule::team_block);
        if found.is_some() || (!optional && self.diagnostics.is_empty()) {
            self.block(found, item, words, rule, then);
        }
        self.decl_end(parts);
    }

    pub(super) fn slots(&mut self, pair: Pair) -> DeclKind {
        let fields = self.fields_decl(&pair, &mut Parts::of(pair.clone()));
        DeclKind::Slots(SlotsDecl { fields })
    }

    fn fields_decl(&mut self, item: &Pair, parts: &mut Parts) -> Vec<Field> {
        let mut fields = Vec::new();
        let before = self.diagnostics.len();
        self.decl_block(
            parts,
            item,
            before,
            (Rule::fields, Rule::field_item),
            &words::FIELD,
            &mut |b, part| {
                let field = b.field(part);
                fields.push(field);
            },
        );
        fields
    }

    pub(super) fn field_block(&mut self, block: Pair) -> Vec<Field> {
        let mut fields = Vec::new();
        self.walk(
            block.into_inner(),
            &words::FIELD,
            Rule::field_item,
            &mut |b, part| {
                let field = b.field(part);
                fields.push(field);
            },
        );
        fields
    }

    pub(super) fn record(&mut self, pair: Pair) -> DeclKind {
        let mut parts = Parts::of(pair.clone());
        let name = self.decl_name(&mut parts, &pair, "write `record NAME { field: type }`");
        let fields = self.fields_decl(&pair, &mut parts);
        DeclKind::Record(RecordDecl { name, fields })
    }

    pub(super) fn customer(&mut self, pair: Pair) -> DeclKind {
        const USAGE: &str = "write `customer from WEBHOOK(..) { .. }`";
        let mut parts = Parts::of(pair.clone());
        let mut from = None;
        if let Some(call) = parts.get(Rule::from_call) {
            let item = call.clone();
            let mut inner = Parts::of(call);
            let webhook = inner.get(Rule::path);
            if let Some(webhook) = self.need_path(webhook, "a webhook", &item, USAGE) {
                let args = match inner.get(Rule::args) {
                    Some(args) => self.args(args),
                    None => Vec::new(),
                };
                from = Some((webhook, args));
            }
        }
        let fields = self.fields_decl(&pair, &mut parts);
        DeclKind::Customer(CustomerDecl { from, fields })
    }

    pub(super) fn enum_decl(&mut self, pair: Pair) -> DeclKind {
        let mut parts = Parts::of(pair.clone());
        let name = self.decl_name(&mut parts, &pair, "write `enum NAME { a, b, c }`");
        let before = self.diagnostics.len();
        let mut values = Vec::new();
        self.decl_block(
            &mut parts,
            &pair,
            before,
            (Rule::enum_block, Rule::enum_item),
            &words::ENUM,
            &mut |b, part| {
                let value = b.name(&part);
                values.push(value);
            },
        );
        if values.is_empty() && self.diagnostics.is_empty() {
            let at = name.as_ref().map_or(self.span(&pair), |name| name.span);
            self.error(
                "this enum has no values",
                at,
                "write `enum NAME { a, b, c }`",
            );
        }
        DeclKind::Enum(EnumDecl { name, values })
    }

    fn field(&mut self, pair: Pair) -> Field {
        const USAGE: &str = "write `name: type`";
        let item = pair.clone();
        let span = self.span(&pair);
        let mut parts = Parts::of(pair);
        let name = match parts.get(Rule::name) {
            Some(name) => self.name(&name),
            None => Name {
                text: "".into(),
                span,
            },
        };
        let mut out = Field {
            doc: self.doc_before(span.start as usize),
            name,
            was: None,
            ty: None,
            matching: None,
            file_kinds: Vec::new(),
            max_bytes: None,
            default: None,
            private: false,
            identifies: false,
            ask: None,
            span,
        };
        if let Some(was) = parts.get(Rule::was) {
            out.was = self.was(was);
        }
        let before = self.diagnostics.len();
        if parts.get(Rule::colon).is_none() {
            let at =
                out.was.as_ref().map_or(out.name.span.end, |w| w.span.end) as isize - self.base;
            self.expected_at(
                "`:`",
                item.get_input(),
                usize::try_from(at).unwrap_or_default(),
                USAGE,
            );
        }
        let inline = parts.get(Rule::inline_type);
        if let Some(inline) = &inline {
            self.inline_type(inline, &out.name);
        }
        match parts.get(Rule::ty) {
            Some(ty) => out.ty = Some(self.ty(ty)),
            None if inline.is_some() => {}
            None if self.diagnostics.len() == before => self.expected("a type", &item, USAGE),
            None => {}
        }
        let mut before: Option<(usize, Rule, Span)> = None;
        for part in parts {
            self.modifier_in_order(&part, &mut before);
            self.modifier(part, &mut out);
        }
        out
    }

    /// `plan: enum { free, pro }`: types are declared on their own.
    fn inline_type(&mut self, pair: &Pair, field: &Name) {
        let at = self.span(pair);
        let kind = if pair.as_str().starts_with("enum") {
            "enum"
        } else {
            "record"
        };
        let block = pair.as_str().find('{').map_or(at, |n| {
            let start = pair.as_span().start();
            self.place(start + n, start + pair.as_str().trim_end().len())
        });
        let block = self.source(block);
        let name = &field.text;
        let end = self.src.trim_end().len();
        let edits = vec![
            Edit {
                at,
                text: name.to_string(),
            },
            Edit {
                at: crate::normal::span(end, end),
                text: format!("\n{kind} {name} {block}"),
            },
        ];
        self.push(
            Diagnostic::error(
                "F0101",
                format!("a field takes the name of {} {kind}", if kind == "enum" { "an" } else { "a" }),
                at,
            )
            .labelled(format!("this {kind} has no name"))
            .help(format!(
                "declare it beside this declaration, `{kind} {name} {{ .. }}`, and write `{name}: {name}` here"
            ))
            .fix(format!("declare the {kind} `{name}`"), false, edits),
        );
    }

    /// Modifiers stand once, and in one order.
    fn modifier_in_order(&mut self, part: &Pair, before: &mut Option<(usize, Rule, Span)>) {
        const ORDER: [Rule; 7] = [
            Rule::m_matching,
            Rule::m_of,
            Rule::m_most,
            Rule::m_default,
            Rule::m_private,
            Rule::m_identifies,
            Rule::m_ask,
        ];
        let (rule, at) = (part.as_rule(), self.span(part));
        let Some(place) = ORDER.iter().position(|r| *r == rule) else {
            return;
        };
        let (word, last) = (first_word(self.source(at)).to_owned(), before.take());
        match last {
            Some((_, same, first)) if same == rule => self.push(
                Diagnostic::error("F0202", format!("`{word}` stands twice in one field"), at)
                    .labelled("again here")
                    .label(first, "first here")
                    .help(format!("keep one `{word}`")),
            ),
            Some((later, _, first)) if later > place => {
                let first = first_word(self.source(first)).to_owned();
                self.error(
                    format!("`{word}` stands before `{first}`"),
                    at,
                    "the order is `matching`, `of`, `at most`, `= VALUE`, `private`, `identifies`, `ask \"..\"`",
                );
            }
            _ => {}
        }
        *before = Some((place, rule, at));
    }

    pub(super) fn was(&mut self, pair: Pair) -> Option<Name> {
        let item = pair.clone();
        let name = Parts::of(pair).get(Rule::name);
        self.need_name(name, "the former name", &item, "write `NAME was OLD_NAME`")
    }

    fn modifier(&mut self, pair: Pair, out: &mut Field) {
        let item = pair.clone();
        let rule = pair.as_rule();
        let mut parts = Parts::of(pair);
        match rule {
            Rule::m_matching => match parts.get(Rule::regex) {
                Some(regex) => out.matching = Some(self.regex(&regex)),
                None => self.expected("a pattern", &item, "write `matching /[0-9]+/`"),
            },
            Rule::m_of => {
                out.file_kinds = self.name_list(
                    &mut parts,
                    "a kind of file",
                    &item,
                    "write `file of image, pdf`",
                )
            }
            Rule::m_most => out.max_bytes = self.bytes(parts, &item),
            Rule::m_default => match parts.get(Rule::default).and_then(|d| d.into_inner().next()) {
                Some(value) => out.default = Some(self.expr(value)),
                None => {
                    self.expected("a value", &item, "write `= VALUE`");
                    // There is meant to be one: the field counts as known.
                    out.default = Some(Expr {
                        kind: ExprKind::Error,
                        span: self.span(&item),
                    });
                }
            },
            Rule::m_private => out.private = true,
            Rule::m_identifies => out.identifies = true,
            Rule::m_ask => {
                let text = parts.take_text_ref();
                out.ask = self.need_text(text, &item, "write `ask \"question\"`");
            }
            _ => {}
        }
    }

    pub(super) fn regex(&self, pair: &Pair) -> Spanned<smol_str::SmolStr> {
        let span = self.span(pair);
        let source = self.source(span);
        Spanned::new(
            source
                .get(1..source.len().saturating_sub(1))
                .unwrap_or_default()
                .into(),
            span,
        )
    }

    /// `10 MB`, in bytes.
    fn bytes(&mut self, mut parts: Parts, item: &Pair) -> Option<Spanned<u64>> {
        const USAGE: &str = "write `at most 10 MB`";
        let Some(num) = parts.get(Rule::num) else {
            self.expected("a size", item, USAGE);
            return None;
        };
        let text = num.as_str();
        let digits = text
            .bytes()
            .take_while(|b| b.is_ascii_digit() || matches!(b, b'.' | b'_'))
            .count();
        let glued = text.get(digits..).unwrap_or_default();
        let unit = parts.get(Rule::unit);
        let unit = unit.as_ref().map_or(glued, |u| u.as_str());
        let factor = match unit {
            "B" => 1.0,
            "KB" | "kB" => 1e3,
            "MB" => 1e6,
            "GB" => 1e9,
            _ => {
                self.expected("a size in `KB`, `MB` or `GB`", item, USAGE);
                return None;
            }
        };
        let Number::Plain(value) = number(text.get(..digits).unwrap_or_default()) else {
            return None;
        };
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "positive; saturates"
        )]
        Some(Spanned::new((value * factor) as u64, self.span(item)))
    }

    /// `NAME VALUE` of a default, a mock or a customer in a test.
    pub(super) fn value_or_error(&mut self, part: Option<Pair>, item: &Pair, usage: &str) -> Expr {
        let span = self.span(item);
        self.need_expr(part, "a value", item, usage)
            .unwrap_or(Expr {
                kind: ExprKind::Error,
                span,
            })
    }
}
