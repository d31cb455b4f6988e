//! Labels that tests press, against the buttons that there are.
//!
//! Many buttons are not written out: those of values, lists, offers and built-in questions. So only a label is reported that
//! is none of the written ones, but reads almost like one of them.

use super::{Lower, words};
use crate::machine::{Button, Offer, OpKind, Text, TextPart};
use flow_grammar::{Diagnostic, Edit};
use rustc_hash::FxHashSet;

/// Shorter labels are too easily another word.
const LONG_ENOUGH: usize = 5;

impl Lower<'_> {
    pub(super) fn misspelt_labels(&mut self) {
        let pressed = std::mem::take(&mut self.pressed);
        if pressed.is_empty() {
            return;
        }
        let Some(labels) = self.written_labels() else {
            return;
        };
        let known: FxHashSet<String> = labels.iter().map(|l| folded(l)).collect();
        for (label, at) in pressed {
            let meant = folded(&label);
            if known.contains(&meant) || meant.chars().count() < LONG_ENOUGH {
                continue;
            }
            let near = crate::env::did_you_mean(&meant, known.iter().map(String::as_str));
            let Some(near) = near.and_then(|n| labels.iter().find(|l| folded(l) == n)) else {
                continue;
            };
            self.found.push(
                Diagnostic::error("F1201", format!("no button reads `{label}`"), at)
                    .help(format!("did you mean `{near}`?"))
                    .fix(
                        format!("write `{near}`"),
                        false,
                        vec![Edit {
                            at,
                            text: format!("\"{near}\""),
                        }],
                    ),
            );
        }
    }

    /// All labels in all languages, and those of values; `None` if something is filled into one of them.
    fn written_labels(&self) -> Option<Vec<String>> {
        let mut out = Vec::new();
        let mut add = |text: Option<&Text>| -> Option<()> {
            for variant in text.into_iter().flat_map(|t| &t.variants) {
                match variant.parts.as_slice() {
                    [TextPart::Str(label)] => out.push(label.to_string()),
                    _ => return None,
                }
            }
            Some(())
        };
        let text_of = |id: crate::value::TextId| self.out.texts.get(id.index());
        let of_buttons = |buttons: &[Button]| buttons.iter().map(|b| b.label).collect::<Vec<_>>();
        let of_offer = |offer: &Offer| {
            offer
                .items
                .iter()
                .filter_map(|i| i.label)
                .collect::<Vec<_>>()
        };
        for op in &self.out.ops {
            let labels = match &op.kind {
                OpKind::ChooseFrom { .. } => return None,
                OpKind::Choose { buttons, .. } => of_buttons(buttons),
                OpKind::Offer { offer, .. } => of_offer(offer),
                _ => continue,
            };
            for label in labels {
                add(text_of(label))?;
            }
        }
        if let Some(bot) = &self.out.bot {
            for label in of_buttons(&bot.menu) {
                add(text_of(label))?;
            }
        }
        for offer in self.out.handoffs.iter().flat_map(|h| &h.offers) {
            for label in of_offer(offer) {
                add(text_of(label))?;
            }
        }
        let values = self.env.enums.iter().flat_map(|e| &e.values);
        out.extend(values.map(|(value, _)| words(value).to_string()));
        Some(out)
    }
}

fn folded(label: &str) -> String {
    label.trim().to_lowercase()
}
