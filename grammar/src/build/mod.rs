//! From pest's pairs to the tree: one file per family of constructs.
//!
//! Builders never fail. A missing part becomes `None` or an `Error` variant and exactly one finding.

mod bots;
mod cells;
mod expectation;
mod expr;
mod fields;
mod forms;
mod handoff;
mod items;
mod meant;
mod needs;
mod people;
mod question;
mod report;
mod routing;
mod services;
mod step;

mod testing;
mod understanding;
mod value;
pub(crate) mod words;

use crate::ast::{Decl, DeclKind};
use crate::diagnostic::Diagnostic;
use crate::normal::{Normal, normalise, span};
use crate::span::{Name, Span};
use crate::split::KEYWORDS;
use crate::tree::ParsedDecl;
use pest::Parser;
use smol_str::SmolStr;

mod generated {
    #![allow(
        missing_docs,
        unreachable_pub,
        clippy::all,
        reason = "written by the derive"
    )]
    /// The generated parser.
    #[derive(pest_derive::Parser)]
    #[grammar = "flow.pest"]
    pub(crate) struct FlowParser;
}
use generated::{FlowParser, Rule};

pub(crate) type Pair<'i> = pest::iterators::Pair<'i, Rule>;

/// What a builder knows while it walks one declaration.
pub(crate) struct Builder<'a> {
    /// The declaration as the author wrote it.
    src: &'a str,
    /// What a position in the text that pest saw must be moved by.
    base: isize,
    docs: &'a [Span],
    diagnostics: Vec<Diagnostic<Span>>,
    /// How often a corrected item is being read inside another.
    corrections: u32,
}

/// Parses one declaration, with the comments before it.
#[must_use]
pub fn parse_decl(text: &str) -> ParsedDecl {
    let hash = crate::parse::hash(text);
    let mut normal = normalise(text);
    let mut builder = Builder {
        src: text,
        base: 0,
        docs: &normal.docs,
        diagnostics: std::mem::take(&mut normal.diagnostics),
        corrections: 0,
    };
    let lexical = builder.diagnostics.len();
    let decl = builder.decl(&normal);
    let mut diagnostics = builder.diagnostics;
    report::tidy(text, lexical, &mut diagnostics);
    ParsedDecl {
        decl,
        diagnostics,
        comments: normal.comments,
        hash,
    }
}

impl Builder<'_> {
    fn decl(&mut self, normal: &Normal) -> Decl {
        let Some((start, end)) = normal.head else {
            // Comments alone declare nothing.
            let whole = span(0, self.src.len());
            return Decl {
                doc: self.doc_before(self.src.len()),
                kind: DeclKind::Error,
                span: whole,
            };
        };
        let all = span(start, normal.text.trim_end().len());
        let doc = self.doc_before(start);
        let word = self.src.get(start..end).unwrap_or_default();
        let error = Decl {
            doc: doc.clone(),
            kind: DeclKind::Error,
            span: all,
        };
        let keyword = if KEYWORDS.contains(&word) {
            word
        } else {
            match self.no_declaration(normal, start, end) {
                Some(keyword) => keyword,
                None => return error,
            }
        };
        let Some(rest) = normal.text.get(end..).filter(|_| !normal.too_deep) else {
            return error;
        };
        let Ok(mut pairs) = FlowParser::parse(rule_of(keyword), rest) else {
            return error;
        };
        let Some(pair) = pairs.next() else {
            return error;
        };
        self.base = isize::try_from(end).unwrap_or_default();
        let kind = self.kind(keyword, pair);
        Decl {
            doc,
            kind,
            span: all,
        }
    }

    fn kind(&mut self, keyword: &str, pair: Pair) -> DeclKind {
        match keyword {
            "use" => self.use_decl(pair),
            "include" => self.include(pair),
            "bot" => self.bot(pair),
            "channel" => self.channel(pair),
            "tier" => self.tier(pair),
            "customer" => self.customer(pair),
            "slots" => self.slots(pair),
            "enum" => self.enum_decl(pair),
            "record" => self.record(pair),
            "segment" => self.segment(pair),
            "knowledge" => self.knowledge(pair),
            "intent" => self.intent(pair),
            "on" => self.on(pair),
            "faq" => self.faq(pair),
            "node" => self.node(pair),
            "text" => self.text_decl(pair),
            "threshold" => self.threshold(pair),
            "escalate" => self.rule(pair),
            "hours" => self.hours(pair),
            "team" => self.team(pair),
            "route" => self.route(pair),
            "handoff" => self.handoff(pair),
            "assist" => self.assist(pair),
            "learn" => self.learn(pair),
            "targets" => self.targets(pair),
            "webhook" => self.webhook(pair),
            "hook" => self.hook(pair),
            "trigger" => self.trigger(pair),
            "test" => self.test(pair),
            _ => DeclKind::Error,
        }
    }

    /// The place of a pair, without the blanks after it.
    fn span(&self, pair: &Pair) -> Span {
        let at = pair.as_span();
        let bytes = pair.as_str().as_bytes();
        let blank = bytes.iter().rev().take_while(|b| matches!(b, b' ' | b'\n'));
        let len = bytes.len() - blank.count();
        self.place(at.start(), at.start() + len)
    }

    fn place(&self, start: usize, end: usize) -> Span {
        let moved = |at: usize| at.saturating_add_signed(self.base);
        span(moved(start), moved(end))
    }

    /// The author's text at a place.
    fn source(&self, at: Span) -> &str {
        self.src
            .get(at.start as usize..at.end as usize)
            .unwrap_or_default()
    }

    fn name(&self, pair: &Pair) -> Name {
        Name {
            text: SmolStr::new(pair.as_str()),
            span: self.span(pair),
        }
    }

    /// The `///` lines directly before a place.
    fn doc_before(&self, at: usize) -> Option<String> {
        let mut lines = Vec::new();
        let mut below = at;
        for doc in self.docs.iter().rev() {
            if doc.end as usize > below {
                continue;
            }
            let between = self.src.get(doc.end as usize..below).unwrap_or_default();
            let only_comments = between
                .lines()
                .map(|l| l.trim_start_matches([' ', '\t', '\r', ';']))
                .all(|l| l.is_empty() || l.starts_with("//"));
            if !only_comments {
                break;
            }
            let line = self.source(*doc).trim_start_matches('/').trim();
            lines.push(line.to_owned());
            below = doc.start as usize;
        }
        lines.reverse();
        (!lines.is_empty()).then(|| lines.join("\n"))
    }
}

fn rule_of(keyword: &str) -> Rule {
    match keyword {
        "use" => Rule::d_use,
        "include" => Rule::d_include,
        "bot" => Rule::d_bot,
        "channel" => Rule::d_channel,
        "tier" => Rule::d_tier,
        "customer" => Rule::d_customer,
        "slots" => Rule::d_slots,
        "enum" => Rule::d_enum,
        "record" => Rule::d_record,
        "segment" => Rule::d_segment,
        "knowledge" => Rule::d_knowledge,
        "intent" => Rule::d_intent,
        "on" => Rule::d_on,
        "faq" => Rule::d_faq,
        "node" => Rule::d_node,
        "text" => Rule::d_text,
        "threshold" => Rule::d_threshold,
        "escalate" => Rule::d_escalate,
        "hours" => Rule::d_hours,
        "team" => Rule::d_team,
        "route" => Rule::d_route,
        "handoff" => Rule::d_handoff,
        "assist" => Rule::d_assist,
        "learn" => Rule::d_learn,
        "targets" => Rule::d_targets,
        "webhook" => Rule::d_webhook,
        "hook" => Rule::d_hook,
        "trigger" => Rule::d_trigger,
        _ => Rule::d_test,
    }
}
