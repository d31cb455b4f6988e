//! Texts: named ones with their variants, and literals.

use super::Lower;
use crate::env::Kind;
use crate::load::decl as decl_of;
use crate::machine::{Text, TextPart, TextVariant};
use crate::value::{TextId, Type};
use flow_grammar::{
    Diagnostic,
    ast::{self, DeclKind, TextLit, TextRef},
};
use smol_str::SmolStr;

impl Lower<'_> {
    /// The named texts take the first ids, in the order in which they were collected.
    pub(super) fn named_texts(&mut self) {
        let env = self.env;
        self.out.texts.reserve(env.texts.len() * 2);
        // Interpolations may hold texts of their own, so the places are taken first.
        for item in &env.texts {
            self.out.texts.push(Text {
                name: Some(item.name.clone()),
                variants: Vec::new(),
                loc: item.name_loc,
            });
        }
        for (i, item) in env.texts.iter().enumerate() {
            let Some(DeclKind::Text(tree)) = decl_of(self.sources, item.decl).map(|d| &d.kind)
            else {
                continue;
            };
            self.enter(item.decl);
            let mut variants = Vec::with_capacity(tree.variants.len());
            for v in &tree.variants {
                let Some(language) = self.language(&v.language) else {
                    continue;
                };
                let channel = match &v.channel {
                    // A text may be ready for a channel that the bot does not serve yet.
                    Some(c) if super::bot::is_channel(&c.text) => Some(c.text.clone()),
                    Some(c) => match self.channel_name(c) {
                        Some(c) => Some(c),
                        None => continue,
                    },
                    None => None,
                };
                self.in_text = true;
                let parts = self.parts(&v.text);
                self.in_text = false;
                let same = variants
                    .iter()
                    .find(|o: &&TextVariant| {
                        o.language.as_ref() == Some(&language) && o.channel == channel
                    })
                    .map(|o| o.loc);
                if let Some(first) = same {
                    let on = channel
                        .as_ref()
                        .map_or_else(String::new, |c| format!(" on {c}"));
                    let at = self.loc(v.language.span);
                    self.report(
                        Diagnostic::error(
                            "F0202",
                            format!("the text `{}` has `{language}{on}` twice", item.name),
                            at,
                        )
                        .labelled("again here")
                        .label(first, "first here")
                        .help("keep one of them; to vary a message write `say one of [..]`"),
                    );
                    continue;
                }
                variants.push(TextVariant {
                    language: Some(language),
                    channel,
                    parts,
                    loc: self.loc(v.span),
                });
            }
            if let Some(text) = self.out.texts.get_mut(i) {
                text.variants = variants;
            }
        }
    }

    /// A declared language.
    pub(super) fn language(&mut self, name: &flow_grammar::Name) -> Option<SmolStr> {
        if self.env.languages.is_empty() || self.env.languages.contains(&name.text) {
            return Some(name.text.clone());
        }
        if self.scope != 0 {
            // A folder that is used by several bots may speak more languages than one of them.
            return None;
        }
        let at = self.loc(name.span);
        let found = Diagnostic::error(
            "F0201",
            format!("the bot has no language `{}`", name.text),
            at,
        );
        let names: Vec<&str> = self.env.languages.iter().map(SmolStr::as_str).collect();
        let mut found = super::suggest(found, &name.text, at, names);
        if found.help.is_none() {
            found = found.help(format!("add `{}` to `languages ..` of the bot", name.text));
        }
        self.report(found);
        None
    }

    /// A declared channel.
    pub(super) fn channel_name(&mut self, name: &flow_grammar::Name) -> Option<SmolStr> {
        if self.env.channels.is_empty() || self.env.channels.contains(&name.text) {
            return Some(name.text.clone());
        }
        let at = self.loc(name.span);
        let found = Diagnostic::error(
            "F0201",
            format!("the bot has no channel `{}`", name.text),
            at,
        );
        let names: Vec<&str> = self.env.channels.iter().map(SmolStr::as_str).collect();
        let mut found = super::suggest(found, &name.text, at, names);
        if found.help.is_none() {
            found = found.help(format!("add `{}` to `channels ..` of the bot", name.text));
        }
        self.report(found);
        None
    }

    /// A literal or the name of a text. `None`: the name is unknown; reported.
    pub(crate) fn text(&mut self, text: &TextRef) -> Option<TextId> {
        match text {
            TextRef::Lit(lit) => Some(self.text_lit(lit)),
            TextRef::Name(path) => {
                if let [one] = path.segments.as_slice()
                    && self.env.lookup(self.scope, Kind::Text, &one.text).is_none()
                    && (self.env.lookup(self.scope, Kind::Slot, &one.text).is_some()
                        || self.local(&one.text).is_some())
                {
                    let written = format!("\"{{{}}}\"", one.text);
                    let at = self.loc(one.span);
                    self.report(
                        Diagnostic::error("F0201", format!("unknown text `{}`", one.text), at)
                            .help(format!("to show the value, write `{written}`"))
                            .fix(
                                format!("write `{written}`"),
                                false,
                                vec![flow_grammar::Edit {
                                    at,
                                    text: written.clone(),
                                }],
                            ),
                    );
                    return None;
                }
                self.named(Kind::Text, path).map(TextId)
            }
        }
    }

    pub(crate) fn text_opt(&mut self, text: Option<&TextRef>) -> Option<TextId> {
        text.and_then(|t| self.text(t))
    }

    /// A text that must be there; where it failed to resolve, an empty one stands in.
    pub(crate) fn text_or_empty(&mut self, text: &TextRef) -> TextId {
        self.text(text)
            .unwrap_or_else(|| self.new_text(Vec::new(), text.span()))
    }

    pub(crate) fn text_lit(&mut self, lit: &TextLit) -> TextId {
        let parts = self.parts(lit);
        self.new_text(parts, lit.span)
    }

    pub(crate) fn new_text(&mut self, parts: Vec<TextPart>, span: flow_grammar::Span) -> TextId {
        let id = TextId(self.first_text + super::index(self.out.texts.len()));
        let loc = self.loc(span);
        self.out.texts.push(Text {
            name: None,
            variants: vec![TextVariant {
                language: None,
                channel: None,
                parts,
                loc,
            }],
            loc,
        });
        id
    }

    fn parts(&mut self, lit: &TextLit) -> Vec<TextPart> {
        lit.parts
            .iter()
            .map(|part| match part {
                ast::TextPart::Str(s) => TextPart::Str(s.clone()),
                ast::TextPart::Expr(e) => {
                    let expr = self.expr(e);
                    if matches!(expr.ty, Type::Record(_) | Type::Customer) {
                        let name = self.env.type_name(&expr.ty);
                        self.report(
                            Diagnostic::error(
                                "F0301",
                                format!("a `{name}` cannot be shown as text"),
                                expr.loc,
                            )
                            .help("show one of its fields"),
                        );
                    }
                    TextPart::Expr(expr)
                }
            })
            .collect()
    }
}
