//! Texts: the variant for the reader's language and channel, with its values filled in.

use crate::eval::Scope;
use crate::format::Reader;
use flow_compiler::machine::{Text, TextPart, TextVariant};
use flow_compiler::value::TextId;
use std::borrow::Cow;

/// The best variant: language and channel, then language, then the default language, then any.
pub(crate) fn variant<'t>(
    text: &'t Text,
    language: &str,
    channel: &str,
    default: &str,
) -> Option<&'t TextVariant> {
    let score = |v: &TextVariant| {
        let language = match v.language.as_deref() {
            Some(l) if l == language => 6,
            None => 4,
            Some(l) if l == default => 2,
            Some(_) => 0,
        };
        match v.channel.as_deref() {
            Some(c) if c == channel => Some(language + 1),
            None => Some(language),
            Some(_) => None,
        }
    };
    text.variants
        .iter()
        .filter_map(|v| Some((score(v)?, v)))
        .reduce(|best, next| if next.0 > best.0 { next } else { best })
        .map(|(_, v)| v)
        .or_else(|| text.variants.first())
}

impl Scope<'_> {
    /// For whom values are written.
    pub(crate) fn reader(&self) -> Reader<'_> {
        Reader {
            language: self.language(),
            zone: self.engine.zone(),
            now: self.now,
        }
    }

    /// A text with its values.
    pub(crate) fn render(&self, id: TextId) -> String {
        self.text(id).into_owned()
    }

    /// A text with its values; not copied where it has none.
    pub(crate) fn text(&self, id: TextId) -> Cow<'_, str> {
        let machine = self.engine.machine();
        let default = machine.bot.languages.first().map_or("en", |l| l.as_str());
        let Some(variant) = machine
            .text(id)
            .and_then(|t| variant(t, self.language(), &self.state.channel, default))
        else {
            return Cow::Borrowed("");
        };
        if let [TextPart::Str(text)] = variant.parts.as_slice() {
            return Cow::Borrowed(text);
        }
        let mut out = String::new();
        for part in &variant.parts {
            match part {
                TextPart::Str(text) => out.push_str(text),
                TextPart::Expr(expr) => out.push_str(&self.reader().value(&self.value(expr))),
            }
        }
        Cow::Owned(out)
    }
}
